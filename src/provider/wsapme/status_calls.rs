//! Which call asks for a message's status: the configured one. Where `getMessageStatus` gives nothing readable for long, each
//! second question goes to `messageInfo`, until one of the two can be read.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use crate::domain::sender::StatusCall;

/// So many answers in a row that nobody could read are a gateway without the call, not one in trouble for a moment.
const UNREADABLE_MAX: u32 = 200;

/// The choice, and what it is made by.
#[derive(Debug)]
pub(super) struct StatusCalls {
    configured: StatusCall,
    /// Answers in a row that could not be read.
    unreadable: AtomicU32,
    /// Whether `messageInfo` was the one that could be read last.
    info_works: AtomicBool,
    /// Alternates the calls.
    is_turn_of_info: AtomicBool,
}

impl StatusCalls {
    pub(super) const fn new(configured: StatusCall) -> Self {
        Self {
            configured,
            unreadable: AtomicU32::new(0),
            info_works: AtomicBool::new(false),
            is_turn_of_info: AtomicBool::new(false),
        }
    }

    /// The call for the next question.
    pub(super) fn next(&self) -> StatusCall {
        let info = match self.configured {
            StatusCall::MessageInfo => true,
            StatusCall::MessageStatus if self.unreadable.load(Ordering::Relaxed) < UNREADABLE_MAX => {
                self.info_works.load(Ordering::Relaxed)
            }
            StatusCall::MessageStatus => !self.is_turn_of_info.fetch_xor(true, Ordering::Relaxed),
        };
        if info { StatusCall::MessageInfo } else { StatusCall::MessageStatus }
    }

    /// A status came: the call that brought it is asked from now on.
    pub(super) fn could_be_read(&self, call: StatusCall) {
        self.unreadable.store(0, Ordering::Relaxed);
        self.info_works.store(call == StatusCall::MessageInfo, Ordering::Relaxed);
    }

    /// An answer came, and there was neither a status nor a refusal in it.
    pub(super) fn could_not_be_read(&self) {
        let more = |count: u32| Some(count.saturating_add(1));
        if self.unreadable.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more) == Ok(UNREADABLE_MAX - 1) {
            tracing::warn!("no answer to getMessageStatus can be read: messageInfo is asked in turn with it");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{StatusCalls, UNREADABLE_MAX};
    use crate::domain::sender::StatusCall::{MessageInfo, MessageStatus};

    #[test]
    fn message_info_is_tried_once_no_answer_could_be_read_for_long_and_kept_to_if_it_can() {
        let calls = StatusCalls::new(MessageStatus);
        for _ in 1..UNREADABLE_MAX {
            calls.could_not_be_read();
        }
        assert_eq!([calls.next(), calls.next()], [MessageStatus, MessageStatus]);

        calls.could_not_be_read();
        assert_eq!([calls.next(), calls.next(), calls.next()], [MessageInfo, MessageStatus, MessageInfo]);

        calls.could_be_read(MessageInfo);
        assert_eq!([calls.next(), calls.next()], [MessageInfo, MessageInfo]);

        (0..UNREADABLE_MAX).for_each(|_| calls.could_not_be_read());
        assert_ne!(calls.next(), calls.next(), "it fails as well: both in turn");
        calls.could_be_read(MessageStatus);
        assert_eq!([calls.next(), calls.next()], [MessageStatus, MessageStatus]);
    }

    #[test]
    fn a_call_that_is_configured_is_the_only_one() {
        let calls = StatusCalls::new(MessageInfo);

        (0..2 * UNREADABLE_MAX).for_each(|_| calls.could_not_be_read());

        assert_eq!([calls.next(), calls.next()], [MessageInfo, MessageInfo]);
    }
}
