//! How this window shows things, as far as the operator may change it while it is open.

use chrono_tz::Tz;

/// What can be switched from `:`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScreenSetup {
    /// The zone of the configuration, to return to.
    pub home_zone: Tz,
    /// Whether there are colours to choose from: not with `NO_COLOR`, nor on a dumb terminal.
    pub colours: ColourChoice,
    pub mouse: MouseCapture,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColourChoice {
    Free,
    /// The environment wants none.
    None,
}

/// Who has the mouse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MouseCapture {
    /// The terminal, so that text can be selected with it.
    Off,
    /// The dashboard.
    On,
}

impl ScreenSetup {
    pub const fn new(home_zone: Tz) -> Self {
        Self { home_zone, colours: ColourChoice::Free, mouse: MouseCapture::Off }
    }
}
