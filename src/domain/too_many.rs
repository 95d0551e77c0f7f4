//! What is said of a blast that waits since it goes to more people than were confirmed. It is kept as it was said first; how many people
//! it goes to is said anew, since more become due while it waits, and others opt out.

use super::text::{number, people};

const GOES_TO: &str = "it goes to ";
const AT_MOST: &str = ", and at most ";
const WERE_CONFIRMED: &str = " were confirmed: ";
const MORE_THAN: &str = "it was to go to more than the ";
const THAT_WERE: &str = " that were confirmed: ";

/// `it goes to 38 people, and at most 5 were confirmed: send it to send it all the same`, the end being what to do.
pub fn too_many_words(count: i64, at_most: i64, mend: &str) -> String {
    format!("{GOES_TO}{}{AT_MOST}{}{WERE_CONFIRMED}{mend}", people(count), number(at_most))
}

/// Such a reason with so many people as there are now; any other reason as it is.
pub fn with_people_now(reason: String, count: i64) -> String {
    match parsed(&reason) {
        Some((at_most, mend)) if count > at_most => too_many_words(count, at_most, mend),
        // Some of them opted out, or answered.
        Some((at_most, mend)) => format!("{MORE_THAN}{}{THAT_WERE}{mend}", number(at_most)),
        None => reason,
    }
}

/// How many were confirmed, and what to do.
fn parsed(reason: &str) -> Option<(i64, &str)> {
    let goes_to = || reason.strip_prefix(GOES_TO)?.split_once(AT_MOST)?.1.split_once(WERE_CONFIRMED);
    let more_than = || reason.strip_prefix(MORE_THAN)?.split_once(THAT_WERE);
    let (at_most, mend) = goes_to().or_else(more_than)?;
    Some((at_most.replace(',', "").parse().ok()?, mend))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blast_that_waits_says_how_many_people_it_goes_to_now() {
        let mend = "send it to send it all the same";
        let first = too_many_words(1_400, 1_000, mend);
        assert_eq!(first, format!("it goes to 1,400 people, and at most 1,000 were confirmed: {mend}"));

        let more = with_people_now(first.clone(), 3_800);
        assert_eq!(more, too_many_words(3_800, 1_000, mend));

        let fewer = with_people_now(first, 900);
        assert_eq!(fewer, format!("it was to go to more than the 1,000 that were confirmed: {mend}"));
        assert_eq!(with_people_now(fewer, 3_800), more);
        let other = "its time, 5 Oct 09:00, passed while no engine ran: resume it";
        assert_eq!(with_people_now(other.to_owned(), 3), other);
    }
}
