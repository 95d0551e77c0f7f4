//! How a provider's "slow down" is heeded, by what is sent and by what is asked alike: half as fast at once, nothing in the pause that it
//! asks for, and one step back for each quiet minute behind that.

use std::time::Duration;

/// The pause where it does not say how long.
pub const HOLD: Duration = Duration::from_secs(10);
/// No pause is longer, whatever it asks for.
pub const HOLD_MAX: Duration = Duration::from_secs(60 * 60);
/// Requests in flight together are refused together: that is one "slow down".
pub const SAME_REQUEST: Duration = Duration::from_secs(2);
/// One step back after this long without another one, and without a pause.
pub const RECOVER_AFTER: Duration = Duration::from_secs(60);
/// A sixty-fourth is slow enough.
pub const STEPS_MAX: u32 = 6;
