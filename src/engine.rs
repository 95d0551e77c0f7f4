//! Sending and everything that happens by itself: claims, POSTs, polling, evidence, leases, maintenance. It knows no face and
//! no use case.

mod clock;
mod configured_sender;
mod context;
mod fence;
mod fingerprint;
mod follow;
mod identity;
mod lease;
mod lease_watch;
mod maintenance;
mod memory;
mod notifier;
mod polling;
pub mod post_runtime;
mod recorder;
mod revival;
mod sending;
mod standby;
mod supervisor;
mod sync;

pub use clock::{DatabaseClock, Moment};
pub use configured_sender::{ConfiguredSender, per_hour, whole};
pub use context::{EngineContext, EngineSettings, Suspension, Turns};
pub use fence::{Fence, Refusal};
pub use fingerprint::{Fingerprint, program};
pub use follow::{EngineChange, Follower, Following, what_ended};
pub use identity::Identity;
pub use notifier::{DatabaseState, Notifier};
pub use sending::variables;
pub use standby::{Standby, StandbyLock, Started, lock_path};
pub use supervisor::{RunOptions, Until, run};
