//! Messages of blasts that were deleted since.

/// The messages that a person of a row had, or may have had, by senders `ds` of businesses: `d.at` is when. What was refused or failed
/// was none, and an answer in a conversation is not counted. `messages_of_deleted_blasts!("r")`; the caller names the business and the time.
macro_rules! messages_of_deleted_blasts {
    ($row:literal) => {
        concat!(
            "from deleted_attempts d join senders ds on ds.id = d.sender_id
              where person_key(d.phone_number) = person_key(",
            $row,
            ".phone_number) and not d.refused and not d.failed and not d.is_answer"
        )
    };
}
pub(super) use messages_of_deleted_blasts;

/// A condition: the person of a row had its message, may have had it, or is in flight. A row of a deleted blast that is in flight goes once
/// their outcome is known. `may_have_message!("d.")`.
macro_rules! may_have_message {
    ($row:literal) => {
        concat!(
            "(",
            $row,
            "status between 'sent' and 'closed' or ",
            $row,
            "status = 'uncertain' or ",
            $row,
            "status = 'queued' and exists (select from ",
            $crate::store::in_flight::flights_of!($row),
            "))"
        )
    };
}
pub(super) use may_have_message;

/// Whether the person of a row had, or may have had, a follow-up of a blast that was deleted since: while its people are still there, and
/// for 32 days afterwards. `followed_by_deleted!("r", "f.follows_blast")`.
macro_rules! followed_by_deleted {
    ($row:literal, $of:literal) => {
        concat!(
            "(exists (select from deleted_attempts d where person_key(d.phone_number) = person_key(",
            $row,
            ".phone_number) and d.followed = ",
            $of,
            " and not d.refused and not d.failed)
              or exists (select from blast_recipients d join blasts db on db.id = d.blast_id and db.deleted_at is not null
                          where person_key(d.phone_number) = person_key(",
            $row,
            ".phone_number) and db.follows_blast = ",
            $of,
            " and ",
            $crate::store::deleted_messages::may_have_message!("d."),
            "))"
        )
    };
}
pub(super) use followed_by_deleted;
