//! Which acts take long, how long reads wait for their turn, and how long they pause afterwards.

use std::time::Duration;

use crate::tui::effect::{ReadRequest, WriteRequest};

/// How long a periodic read waits for its turn; no operator waits for it.
const PERIODIC_WAIT: Duration = Duration::from_secs(10);
/// How long a read waits for its turn that a key may have requested, and the first one of its kind, without which a part of the screen
/// is empty: a far database keeps the engine's own questions at work for seconds.
pub(super) const KEY_WAIT: Duration = Duration::from_millis(250);

/// Whether an act may take minutes.
pub(super) const fn takes_long(request: &WriteRequest) -> bool {
    matches!(
        request,
        WriteRequest::Cancel(_)
            | WriteRequest::Delete(_)
            | WriteRequest::FollowUp(_)
            | WriteRequest::FollowFound(_)
            | WriteRequest::AddStep(_)
            | WriteRequest::Retry { .. }
            | WriteRequest::Report(_)
            | WriteRequest::Draft(_)
            | WriteRequest::AddSender(_)
    )
}

/// How many times its own duration a read pauses before it may run again. Counting what changed visits every recipient
/// that did, for as long as nobody presses a key: in a large blast it must not take more than a tenth of the time.
pub(super) const fn pause_factor(request: &ReadRequest) -> u32 {
    match request {
        ReadRequest::ChangesSince { .. }
        | ReadRequest::CountChanged { .. }
        | ReadRequest::CountAgain { .. }
        | ReadRequest::CameBack(_)
        | ReadRequest::ActivityHead
        | ReadRequest::Progress(_)
        | ReadRequest::Retryable(_)
        | ReadRequest::Errors(_) => 9,
        _ => 0,
    }
}

/// How long a read waits for its turn before it takes a connection of its own.
pub(super) const fn patience(request: &ReadRequest) -> Duration {
    match request {
        ReadRequest::Blasts
        | ReadRequest::Senders
        | ReadRequest::Rows(_)
        | ReadRequest::Count { .. }
        | ReadRequest::CountAgain { .. }
        | ReadRequest::CountWider { .. }
        | ReadRequest::CountChanged { .. }
        | ReadRequest::ChangesSince { .. }
        | ReadRequest::ActivityHead
        | ReadRequest::Others
        | ReadRequest::CameBack(_)
        | ReadRequest::Progress(_)
        | ReadRequest::Errors(_)
        | ReadRequest::Away => PERIODIC_WAIT,
        ReadRequest::List { .. }
        | ReadRequest::Activity { .. }
        | ReadRequest::Person(_)
        | ReadRequest::Customer(_)
        | ReadRequest::AllFound { .. } => KEY_WAIT,
        ReadRequest::FollowUp { .. }
        | ReadRequest::FoundFollowUp(_)
        | ReadRequest::Plan(..)
        | ReadRequest::PlanPeople { .. }
        | ReadRequest::Steps(_)
        | ReadRequest::HandOver(_)
        | ReadRequest::Elsewhere { .. }
        | ReadRequest::Retryable(_)
        | ReadRequest::Draft(_) => Duration::ZERO,
    }
}
