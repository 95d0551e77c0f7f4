//! `--gap`: a pause of the blast's own, or none of its own.

use std::str::FromStr;

use crate::domain::pace::{Gap, PaceError};

/// A pause as it is typed. `none` leaves the sender's own, which a blast can only make longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct GapArg(pub(super) Option<Gap>);

impl FromStr for GapArg {
    type Err = PaceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.trim().eq_ignore_ascii_case("none") { Ok(Self(None)) } else { text.parse().map(|gap| Self(Some(gap))) }
    }
}

#[cfg(test)]
mod tests {
    use super::GapArg;

    #[test]
    fn none_is_no_pause_of_its_own_and_anything_else_a_pause() {
        assert_eq!("none".parse(), Ok(GapArg(None)));
        assert_eq!("20-60".parse(), Ok(GapArg("20s..60s".parse().ok())));
        assert!("soon".parse::<GapArg>().is_err());
    }
}
