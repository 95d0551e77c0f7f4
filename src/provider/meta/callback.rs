//! What Meta returns in every webhook about a message (`biz_opaque_callback_data`): which attempt of which installation
//! it was, and when it was claimed. It settles sends whose outcome is unknown, so that nothing but our own spelling is taken for
//! it. A database that was restored gives the ids of blasts and people again; no two claims have the same microsecond.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use thiserror::Error;

use crate::domain::ids::{BlastId, RecipientId};

/// The longest text that Meta returns, in characters.
pub const CALLBACK_DATA_MAX: usize = 512;

/// The longest name of an installation, in characters.
const INSTALLATION_MAX: usize = 64;

const PREFIX: &str = "blastdeck";

/// `blastdeck:<installation>:<blast>:<recipient>:<attempt>:<claimed at>`, the last in microseconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallbackData {
    installation: String,
    pub blast: BlastId,
    pub recipient: RecipientId,
    pub attempt: i32,
    /// When the attempt was claimed, to the microsecond, as its row has it.
    pub claimed_at: DateTime<Utc>,
}

/// An attempt as its callback data names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallbackAttempt {
    pub blast: BlastId,
    pub recipient: RecipientId,
    pub attempt: i32,
    pub claimed_at: DateTime<Utc>,
}

/// The text is another program's, or of another shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not callback data of blastdeck")]
pub struct ForeignCallbackData;

impl CallbackData {
    /// `installation` distinguishes databases that send through the same number: letters, digits, `-` and `_`.
    pub fn new(installation: &str, of: CallbackAttempt) -> Result<Self, ForeignCallbackData> {
        let CallbackAttempt { blast, recipient, attempt, claimed_at } = of;
        let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        let is_valid = (1..=INSTALLATION_MAX).contains(&installation.len()) && installation.chars().all(is_word);
        let is_positive = blast.0 > 0 && recipient.0 > 0 && attempt > 0 && claimed_at.timestamp_micros() > 0;
        if !is_valid || !is_positive {
            return Err(ForeignCallbackData);
        }
        Ok(Self { installation: installation.to_owned(), blast, recipient, attempt, claimed_at })
    }

    pub fn installation(&self) -> &str {
        &self.installation
    }
}

impl fmt::Display for CallbackData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let begins = beginning(&self.installation, self.blast, (self.recipient, self.attempt));
        write!(f, "{begins}{}", self.claimed_at.timestamp_micros())
    }
}

/// What the callback data of an attempt begins with, whenever it was claimed.
pub fn beginning(installation: &str, blast: BlastId, (recipient, attempt): (RecipientId, i32)) -> String {
    format!("{}{recipient}:{attempt}:", beginning_of_blast(installation, blast))
}

/// What the callback data of all attempts of a blast begins with.
pub fn beginning_of_blast(installation: &str, blast: BlastId) -> String {
    format!("{PREFIX}:{installation}:{blast}:")
}

impl FromStr for CallbackData {
    type Err = ForeignCallbackData;

    /// Reads exactly what [`fmt::Display`] writes.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts: Vec<&str> = text.split(':').collect();
        let [PREFIX, installation, blast, recipient, attempt, claimed_at] = parts[..] else {
            return Err(ForeignCallbackData);
        };
        let number = |part: &str| part.parse::<i64>().map_err(|_| ForeignCallbackData);
        let attempt = i32::try_from(number(attempt)?).map_err(|_| ForeignCallbackData)?;
        let (blast, recipient) = (BlastId(number(blast)?), RecipientId(number(recipient)?));
        let claimed_at = DateTime::from_timestamp_micros(number(claimed_at)?).ok_or(ForeignCallbackData)?;
        let data = Self::new(installation, CallbackAttempt { blast, recipient, attempt, claimed_at })?;
        // `+1` and `01` are numbers too.
        if data.to_string() == text { Ok(data) } else { Err(ForeignCallbackData) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn attempt(id: i64, attempt: i32, micros: i64) -> CallbackAttempt {
        let claimed_at = DateTime::from_timestamp_micros(micros).unwrap();
        CallbackAttempt { blast: BlastId(id), recipient: RecipientId(id), attempt, claimed_at }
    }

    #[test]
    fn it_is_read_as_it_was_written() {
        let data = CallbackData::new("a1-B_2", attempt(42, 1, 1_790_000_000_123_456)).unwrap();

        assert_eq!(data.to_string(), "blastdeck:a1-B_2:42:42:1:1790000000123456");
        assert_eq!(data.to_string().parse(), Ok(data));
    }

    #[test]
    fn anything_else_is_foreign() {
        for text in [
            "",
            "b42:r981:a1",
            "blastdeck:a1:42:981",
            "blastdeck:a1:42:981:1",
            "blastdeck:a1:42:981:1:",
            "blastdeck:a1:42:981:1:1790000000123456:",
            "blastdeck:a1:42:981:1:0",
            "blastdeck:a1:42:981:1:9223372036854775807",
            "blastdeck::42:981:1:1790000000123456",
            "blastdeck:a1:42:981:0:1790000000123456",
            "blastdeck:a1:42:-981:1:1790000000123456",
            "blastdeck:a1:+42:981:1:1790000000123456",
            "blastdeck:a1:042:981:1:1790000000123456",
            "blastdeck:a1:42:981:2147483648:1790000000123456",
            " blastdeck:a1:42:981:1:1790000000123456",
            "Blastdeck:a1:42:981:1:1790000000123456",
            "blastdeck:a é:42:981:1:1790000000123456",
        ] {
            assert_eq!(text.parse::<CallbackData>(), Err(ForeignCallbackData), "{text}");
        }
    }

    proptest! {
        #[test]
        fn the_longest_fits_into_metas_field(
            installation in "[a-z0-9]{64}", id in 1..=i64::MAX, tries in 1..=i32::MAX,
            micros in 1..=8_000_000_000_000_000_000_i64,
        ) {
            let data = CallbackData::new(&installation, attempt(id, tries, micros)).unwrap().to_string();

            prop_assert!(data.len() <= CALLBACK_DATA_MAX);
            prop_assert_eq!(data.parse::<CallbackData>().unwrap().to_string(), data);
        }

        #[test]
        fn no_text_makes_it_panic(text in any::<String>()) {
            let _ = text.parse::<CallbackData>();
        }
    }
}
