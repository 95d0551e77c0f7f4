//! The records of a journal, all of one length: attempts, and before them which message they are attempts of.

use chrono::{DateTime, Utc};

use crate::domain::ids::{BlastId, RecipientId};
use crate::store::fence::{PostedAttempt, PostedMessage};

/// Recipient, attempt, epoch, time in microseconds, phone, checksum; big endian. In place of the recipient of a message stands the blast,
/// negative, in place of the phone its content; of a message that is not known the blast is 0. Earlier versions wrote none.
pub(super) const RECORD: usize = 8 + 4 + 8 + 8 + 8 + 4;

/// The bytes of a record by which it is known again: all but the phone, which may be forgotten, and the checksum.
const IDENTITY: usize = 28;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum JournalRecord {
    /// The attempts that follow are of this message; `None`: nobody knows of which.
    Message(Option<PostedMessage>),
    Attempt(PostedAttempt),
}

/// Which message a journal named last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NamedLast {
    /// It was not looked for, or another process may have named one since.
    Unknown,
    /// `None`: none, or one that is not known.
    Message(Option<PostedMessage>),
}

/// Reads records in their order: each attempt with the message that was named before it.
#[derive(Debug, Default)]
pub(super) struct RecordReader {
    pub(super) message: Option<PostedMessage>,
}

impl RecordReader {
    /// `None`: it is damaged. It may have named another message, so that those after it are of none that is known.
    pub(super) fn read(&mut self, record: &[u8; RECORD]) -> Option<JournalRecord> {
        match decode(record) {
            Some(JournalRecord::Attempt(posted)) => {
                Some(JournalRecord::Attempt(PostedAttempt { message: self.message, ..posted }))
            }
            Some(JournalRecord::Message(message)) => {
                self.message = message;
                Some(JournalRecord::Message(message))
            }
            None => {
                self.message = None;
                None
            }
        }
    }
}

/// The records of some attempts. `last`: the message that was named last before them.
pub(super) fn encode(posted: &[PostedAttempt], mut last: NamedLast) -> Vec<u8> {
    let mut bytes = Vec::with_capacity((posted.len() + 1) * RECORD);
    for posted in posted {
        let own = NamedLast::Message(posted.message);
        if last != own {
            bytes.extend(of_message(posted.message));
            last = own;
        }
        bytes.extend(of_attempt(posted));
    }
    bytes
}

pub(super) fn of_attempt(posted: &PostedAttempt) -> [u8; RECORD] {
    let PostedAttempt { recipient, attempt, epoch, claimed_at, phone, message: _ } = *posted;
    fields(recipient.0, attempt, epoch, claimed_at.timestamp_micros(), phone)
}

fn of_message(message: Option<PostedMessage>) -> [u8; RECORD] {
    let (blast, content) = message.map_or((0, 0), |message| (message.blast.0, message.content));
    fields(-blast, 0, 0, 0, content.cast_unsigned())
}

fn fields(recipient: i64, attempt: i32, epoch: i64, at: i64, phone: u64) -> [u8; RECORD] {
    let mut record = [0; RECORD];
    record[..8].copy_from_slice(&recipient.to_be_bytes());
    record[8..12].copy_from_slice(&attempt.to_be_bytes());
    record[12..20].copy_from_slice(&epoch.to_be_bytes());
    record[20..28].copy_from_slice(&at.to_be_bytes());
    record[28..36].copy_from_slice(&phone.to_be_bytes());
    let sum = checksum(&record[..36]);
    record[36..].copy_from_slice(&sum.to_be_bytes());
    record
}

/// `None`: it is damaged.
pub(super) fn decode(record: &[u8; RECORD]) -> Option<JournalRecord> {
    let long = |from: usize| record.get(from..from + 8)?.try_into().ok().map(i64::from_be_bytes);
    let short = |from: usize| record.get(from..from + 4)?.try_into().ok().map(u32::from_be_bytes);
    (short(36)? == checksum(&record[..36])).then_some(())?;
    let (recipient, phone) = (long(0)?, long(28)?);
    if recipient <= 0 {
        let named = PostedMessage { blast: BlastId(recipient.checked_neg()?), content: phone };
        return Some(JournalRecord::Message((recipient < 0).then_some(named)));
    }
    Some(JournalRecord::Attempt(PostedAttempt {
        recipient: RecipientId(recipient),
        attempt: short(8)?.cast_signed(),
        epoch: long(12)?,
        claimed_at: DateTime::<Utc>::from_timestamp_micros(long(20)?)?,
        phone: phone.cast_unsigned(),
        message: None,
    }))
}

pub(super) fn identity(record: &[u8; RECORD]) -> u32 {
    checksum(&record[..IDENTITY])
}

/// FNV-1a, 32 bits: finds a torn or zeroed record. It is no defence against somebody who means harm.
fn checksum(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |sum: u32, byte| (sum ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}
