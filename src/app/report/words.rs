//! Words that several reports and lists share.

use crate::domain::text::number;

/// `2 at sent have not been polled yet`.
pub fn unasked_words(people: i64) -> String {
    let have = if people == 1 { "has" } else { "have" };
    format!("{} at sent {have} not been polled yet", number(people))
}

/// The suffix for people who opted out after something was accepted for them.
pub fn later(people: i64) -> String {
    if people == 0 { String::new() } else { format!(" (+{} later)", number(people)) }
}
