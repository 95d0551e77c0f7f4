//! How an engine ends: with all that it knows written, or without.

use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::sender_task::LAST_EVIDENCE;

/// How an engine has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EngineEnd {
    Orderly,
    /// Without its database, which did not answer.
    Silent,
    /// The database answered, and did not take all of the evidence.
    Unwritten,
}

impl EngineEnd {
    /// Why the process has failed that the engine ran in; `None` of an orderly end.
    pub const fn failure(self) -> Option<&'static str> {
        match self {
            Self::Orderly => None,
            Self::Silent => Some(
                "the engine ended without its database, which does not answer: whoever was in flight will be uncertain",
            ),
            Self::Unwritten => Some(
                "the engine ended with outcomes that the database did not take: whoever was in flight will be uncertain",
            ),
        }
    }
}

/// Waits until the last evidence is written; after a while what is left is given up.
pub(super) async fn write_the_last(recorder: JoinHandle<()>, give_up: &CancellationToken) -> EngineEnd {
    if matches!(timeout(LAST_EVIDENCE, recorder).await, Ok(Ok(()))) {
        return EngineEnd::Orderly;
    }
    give_up.cancel();
    tracing::error!("some evidence could not be written; those people will be uncertain");
    EngineEnd::Unwritten
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_end_with_evidence_that_could_not_be_written_is_a_failure() {
        let give_up = CancellationToken::new();
        let writes = tokio::spawn(async {});

        assert_eq!(write_the_last(writes, &give_up).await, EngineEnd::Orderly);
        assert!(!give_up.is_cancelled());
        let retries = tokio::spawn(give_up.clone().cancelled_owned());
        let ended = write_the_last(retries, &give_up).await;

        assert_eq!((ended, give_up.is_cancelled()), (EngineEnd::Unwritten, true));
        assert!(ended.failure().is_some_and(|why| why.contains("whoever was in flight will be uncertain")));
        assert_eq!(EngineEnd::Orderly.failure(), None);
    }
}
