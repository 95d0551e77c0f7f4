//! Words that several reports and lists share.

use crate::domain::text::number;
use crate::store::view::blasts::UNASKED_MAX;

/// `2 at sent have not been polled yet`; so many that they are not counted to the end are so many `at least`.
pub fn unasked_words(people: i64) -> String {
    let have = if people == 1 { "has" } else { "have" };
    let least = if people < UNASKED_MAX { "" } else { "at least " };
    format!("{least}{} at sent {have} not been polled yet", number(people))
}

/// The suffix for people who opted out after something was accepted for them.
pub fn later(people: i64) -> String {
    if people == 0 { String::new() } else { format!(" (+{} later)", number(people)) }
}

#[cfg(test)]
mod tests {
    use super::unasked_words;

    #[test]
    fn so_many_that_they_are_not_counted_to_the_end_are_a_lower_bound() {
        let said = [1, 49_999, 50_000].map(unasked_words);

        assert_eq!(said[0], "1 at sent has not been polled yet");
        assert_eq!(said[1], "49,999 at sent have not been polled yet");
        assert_eq!(said[2], "at least 50,000 at sent have not been polled yet");
    }
}
