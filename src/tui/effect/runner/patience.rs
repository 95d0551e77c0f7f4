//! How long acts and reads wait, and how long they pause afterwards.

use std::time::Duration;

use crate::tui::effect::{EffectError, EffectResult, ReadRequest, WriteRequest};

/// How long a periodic read waits for its turn; no operator waits for it.
const PERIODIC_WAIT: Duration = Duration::from_secs(10);
/// How long a read waits for its turn that a key may have requested, and the first one of its kind, without which a part of the screen
/// is empty: a far database keeps the engine's own questions at work for seconds.
pub(super) const KEY_WAIT: Duration = Duration::from_millis(250);

/// How long an act is waited for whose connection says nothing any more, and does not break either.
const ACT_WAIT: Duration = Duration::from_secs(15);
/// The same where it is an act on many people, or one that asks the provider.
const LARGE_ACT_WAIT: Duration = Duration::from_secs(60);

/// Runs an act. A connection that neither answers nor breaks holds up no act that follows: what became of this one is not known then.
pub(super) async fn within<T>(request: &WriteRequest, act: impl Future<Output = EffectResult<T>>) -> EffectResult<T> {
    tokio::time::timeout(patience_with_act(request), act).await.unwrap_or(Err(EffectError::Unconfirmed))
}

/// How long an act may keep those after it waiting.
const fn patience_with_act(request: &WriteRequest) -> Duration {
    match request {
        WriteRequest::Mark { .. }
        | WriteRequest::Resolve { .. }
        | WriteRequest::Amend { .. }
        | WriteRequest::UndoMine { .. }
        | WriteRequest::UndoNamed(_)
        | WriteRequest::UndoMyAct(_)
        | WriteRequest::UndoLaunch(_)
        | WriteRequest::UndoPerson(_)
        | WriteRequest::UndoAnyLaunch(..)
        | WriteRequest::UndoAnyMark(..)
        | WriteRequest::Pause(_) => ACT_WAIT,
        _ => LARGE_ACT_WAIT,
    }
}

/// How many times its own duration a read pauses before it may run again. Counting what changed visits every recipient
/// that did, for as long as nobody presses a key: in a large blast it must not take more than a tenth of the time.
pub(super) const fn pause_factor(request: &ReadRequest) -> u32 {
    match request {
        ReadRequest::ChangesSince { .. }
        | ReadRequest::CountChanged { .. }
        | ReadRequest::CountAgain { .. }
        | ReadRequest::FollowUpResponses(_)
        | ReadRequest::FollowUpAgain { .. }
        | ReadRequest::FoundFollowUpAgain(_)
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
        | ReadRequest::FollowUpResponses(_)
        | ReadRequest::FollowUpAgain { .. }
        | ReadRequest::FoundFollowUpAgain(_)
        | ReadRequest::Progress(_)
        | ReadRequest::Errors(_)
        | ReadRequest::Away => PERIODIC_WAIT,
        ReadRequest::List { .. }
        | ReadRequest::Activity { .. }
        | ReadRequest::Person(_)
        | ReadRequest::Customer(_)
        | ReadRequest::TakenBackBy(_)
        | ReadRequest::AllFound { .. } => KEY_WAIT,
        ReadRequest::FollowUp { .. }
        | ReadRequest::FoundFollowUp(_)
        | ReadRequest::Plan(..)
        | ReadRequest::PlanPeople { .. }
        | ReadRequest::Steps(_)
        | ReadRequest::HandOver(_)
        | ReadRequest::Elsewhere { .. }
        | ReadRequest::Retryable(_)
        | ReadRequest::BeforeResend(_)
        | ReadRequest::Draft(_) => Duration::ZERO,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::BlastId;

    #[tokio::test(start_paused = true)]
    async fn an_act_that_nobody_answers_is_not_confirmed_after_a_while() {
        let silent = std::future::pending::<EffectResult<()>>();

        assert_eq!(within(&WriteRequest::Pause(BlastId(1)), silent).await, Err(EffectError::Unconfirmed));
    }
}
