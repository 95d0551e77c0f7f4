//! What Meta returns in every webhook about a message (`biz_opaque_callback_data`): which attempt of which installation
//! it was. It settles sends whose outcome is unknown, so that nothing but our own spelling is taken for it.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::domain::ids::{BlastId, RecipientId};

/// The longest text that Meta returns, in characters.
pub const CALLBACK_DATA_MAX: usize = 512;

/// The longest name of an installation, in characters.
const INSTALLATION_MAX: usize = 64;

const PREFIX: &str = "blastdeck";

/// `blastdeck:<installation>:<blast>:<recipient>:<attempt>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallbackData {
    installation: String,
    pub blast: BlastId,
    pub recipient: RecipientId,
    pub attempt: i32,
}

/// The text is another program's, or of another shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not callback data of blastdeck")]
pub struct ForeignCallbackData;

impl CallbackData {
    /// `installation` tells databases apart that send through the same number: letters, digits, `-` and `_`.
    pub fn new(
        installation: &str,
        blast: BlastId,
        recipient: RecipientId,
        attempt: i32,
    ) -> Result<Self, ForeignCallbackData> {
        let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        let is_valid = (1..=INSTALLATION_MAX).contains(&installation.len()) && installation.chars().all(is_word);
        let is_positive = blast.0 > 0 && recipient.0 > 0 && attempt > 0;
        if !is_valid || !is_positive {
            return Err(ForeignCallbackData);
        }
        Ok(Self { installation: installation.to_owned(), blast, recipient, attempt })
    }

    pub fn installation(&self) -> &str {
        &self.installation
    }
}

impl fmt::Display for CallbackData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { installation, blast, recipient, attempt } = self;
        write!(f, "{PREFIX}:{installation}:{blast}:{recipient}:{attempt}")
    }
}

impl FromStr for CallbackData {
    type Err = ForeignCallbackData;

    /// Reads exactly what [`fmt::Display`] writes.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts: Vec<&str> = text.split(':').collect();
        let [PREFIX, installation, blast, recipient, attempt] = parts[..] else { return Err(ForeignCallbackData) };
        let number = |part: &str| part.parse::<i64>().map_err(|_| ForeignCallbackData);
        let attempt = i32::try_from(number(attempt)?).map_err(|_| ForeignCallbackData)?;
        let data = Self::new(installation, BlastId(number(blast)?), RecipientId(number(recipient)?), attempt)?;
        // `+1` and `01` are numbers too.
        if data.to_string() == text { Ok(data) } else { Err(ForeignCallbackData) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn it_is_read_as_it_was_written() {
        let data = CallbackData::new("a1-B_2", BlastId(42), RecipientId(981), 1).unwrap();

        assert_eq!(data.to_string(), "blastdeck:a1-B_2:42:981:1");
        assert_eq!(data.to_string().parse(), Ok(data));
    }

    #[test]
    fn anything_else_is_foreign() {
        for text in [
            "",
            "b42:r981:a1",
            "blastdeck:a1:42:981",
            "blastdeck:a1:42:981:1:",
            "blastdeck::42:981:1",
            "blastdeck:a1:42:981:0",
            "blastdeck:a1:42:-981:1",
            "blastdeck:a1:+42:981:1",
            "blastdeck:a1:042:981:1",
            "blastdeck:a1:42:981:2147483648",
            " blastdeck:a1:42:981:1",
            "Blastdeck:a1:42:981:1",
            "blastdeck:a é:42:981:1",
        ] {
            assert_eq!(text.parse::<CallbackData>(), Err(ForeignCallbackData), "{text}");
        }
    }

    proptest! {
        #[test]
        fn the_longest_fits_into_metas_field(
            installation in "[a-z0-9]{64}", id in 1..=i64::MAX, attempt in 1..=i32::MAX,
        ) {
            let data = CallbackData::new(&installation, BlastId(id), RecipientId(id), attempt).unwrap().to_string();

            prop_assert!(data.len() <= CALLBACK_DATA_MAX);
            prop_assert_eq!(data.parse::<CallbackData>().unwrap().to_string(), data);
        }

        #[test]
        fn no_text_makes_it_panic(text in any::<String>()) {
            let _ = text.parse::<CallbackData>();
        }
    }
}
