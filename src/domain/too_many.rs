//! What is said of a blast that waits since it goes to more people than were confirmed. It is kept, and says no number of people: more
//! become due while it waits, and others opt out.

use super::text::number;

/// `it was to go to more people than were confirmed (at most 5): send it to send it all the same`, the end being what to do.
pub fn too_many_words(at_most: i32, mend: &str) -> String {
    format!("it was to go to more people than were confirmed (at most {}): {mend}", number(at_most.into()))
}
