//! Messages of blasts that were deleted since.

/// The messages that a person of a row had, or may have had, by senders `ds` of businesses: `d.at` is when. What was refused was none,
/// and an answer in a conversation is not counted. `messages_of_deleted_blasts!("r")`; the caller names the business and the time.
macro_rules! messages_of_deleted_blasts {
    ($row:literal) => {
        concat!(
            "from deleted_attempts d join senders ds on ds.id = d.sender_id
              where person_key(d.phone_number) = person_key(",
            $row,
            ".phone_number) and not d.refused and not d.is_answer"
        )
    };
}
pub(super) use messages_of_deleted_blasts;
