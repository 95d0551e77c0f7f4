//! What somebody reads who watches a blast: its numbers, and what is written back, as it arrives.

use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::App;
use super::AppError;
use super::view::{BlastView, RepliedHour, ReplyPosition, ReplyRow};
use crate::domain::ids::{BlastId, ReplyId};
use crate::engine::Notifier;
use crate::store::view;

/// A blast as it is watched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveBlast {
    pub blast: BlastView,
    /// It is an answer to somebody who wrote: its tag names them.
    pub is_answer: bool,
}

/// Says when something may have changed, on a connection of its own that ends when this is dropped.
#[derive(Debug)]
pub struct News {
    hints: watch::Receiver<u64>,
    _listening: DropGuard,
}

impl News {
    /// Grows whenever something may have changed in the database, also after a reconnect. A hint to read again; those that are
    /// lost cost nothing if everybody also reads every few seconds.
    pub fn hints(&self) -> watch::Receiver<u64> {
        self.hints.clone()
    }
}

impl App {
    /// Listens for changes, for a process that does so only while somebody watches.
    pub fn listen(&self) -> News {
        let stop = CancellationToken::new();
        let notifier = Notifier::start(&self.inner.listening_pool, self.inner.has_sessions, &stop);
        News { hints: notifier.hints(), _listening: stop.drop_guard() }
    }

    pub async fn live_blast(&self, id: BlastId) -> Result<LiveBlast, AppError> {
        let blast = self.blast(id).await?;
        let is_answer = view::blasts::is_answer(self.pool(), id).await?;
        Ok(LiveBlast { blast, is_answer })
    }

    /// A blast's replies after this place, in the order of arrival; at most `limit`, 1 to 1,000.
    pub async fn replies_after(
        &self,
        blast: BlastId,
        place: ReplyPosition,
        limit: u32,
    ) -> Result<Vec<ReplyRow>, AppError> {
        Ok(view::replies::after(self.pool(), blast, place, limit).await?)
    }

    /// The place of a blast's newest reply, or of the newest whose id is no larger than this.
    pub async fn newest_reply(
        &self,
        blast: BlastId,
        up_to: Option<ReplyId>,
    ) -> Result<Option<ReplyPosition>, AppError> {
        Ok(view::replies::newest(self.pool(), blast, up_to).await?)
    }

    /// The newest hours in which people of a blast replied, oldest first. Reads everybody who replied.
    pub async fn replied_hours(&self, blast: BlastId, limit: u32) -> Result<Vec<RepliedHour>, AppError> {
        Ok(view::replies::hours(self.pool(), blast, limit).await?)
    }
}
