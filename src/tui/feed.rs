//! When to read again: as soon as the database says that something changed, at most four times a second; and now and then in any
//! case, since notifications can be lost: the more rarely the longer nothing happens, neither there nor at the keyboard.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::app::{DatabaseState, EngineChange};

/// The shortest time between two refreshes.
const AT_MOST_EVERY: Duration = Duration::from_millis(250);
/// The longest while something happens; each time that nothing did doubles it.
const AT_LEAST_EVERY: Duration = Duration::from_secs(3);
/// The longest of all.
const IDLE_AT_LEAST_EVERY: Duration = Duration::from_secs(60);

/// Says when to refresh.
#[derive(Debug)]
pub struct Feed {
    news: watch::Receiver<u64>,
    database: watch::Receiver<DatabaseState>,
    retirement: watch::Receiver<Option<EngineChange>>,
    last: Instant,
    /// The longest time until the next refresh.
    patience: Duration,
}

/// What the feed reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FeedEvent {
    /// It has been a while.
    Refresh,
    /// Something changed.
    News,
    Database(DatabaseState),
    /// The engine of this process sends no more.
    Retired(EngineChange),
}

impl Feed {
    pub fn new(
        news: watch::Receiver<u64>,
        mut database: watch::Receiver<DatabaseState>,
        retirement: watch::Receiver<Option<EngineChange>>,
    ) -> Self {
        database.mark_changed();
        Self { news, database, retirement, last: Instant::now(), patience: AT_LEAST_EVERY }
    }

    /// Somebody is at the keyboard: they see what is true now.
    pub const fn attend(&mut self) {
        self.patience = AT_LEAST_EVERY;
    }

    /// The next thing to do. Cancel safe.
    pub async fn next(&mut self) -> FeedEvent {
        let due = self.last + self.patience;
        tokio::select! {
            biased;
            Ok(()) = self.database.changed() => FeedEvent::Database(*self.database.borrow_and_update()),
            Some(change) = retired(&mut self.retirement) => FeedEvent::Retired(change),
            event = changed(&mut self.news, self.last, due) => {
                self.news.mark_unchanged();
                self.last = Instant::now();
                self.patience = match event {
                    FeedEvent::Refresh => (self.patience * 2).min(IDLE_AT_LEAST_EVERY),
                    _ => AT_LEAST_EVERY,
                };
                event
            }
        }
    }
}

/// Resolves once, when the engine retires.
async fn retired(retirement: &mut watch::Receiver<Option<EngineChange>>) -> Option<EngineChange> {
    match retirement.changed().await {
        Ok(()) => retirement.borrow_and_update().clone(),
        // Nobody is left who could retire.
        Err(_) => std::future::pending().await,
    }
}

/// Something changed and the shortest time is over, or the longest is.
async fn changed(news: &mut watch::Receiver<u64>, last: Instant, due: Instant) -> FeedEvent {
    let seen = timeout_at(due, news.changed()).await;
    match seen {
        Ok(Ok(())) => {
            // A refresh that is cancelled here must not lose the change.
            news.mark_changed();
            sleep_until(last + AT_MOST_EVERY).await;
            return FeedEvent::News;
        }
        // No sender is left: only the clock counts.
        Ok(Err(_)) => sleep_until(due).await,
        Err(_) => {}
    }
    FeedEvent::Refresh
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::sync::watch;
    use tokio::time::Instant;

    use super::{Feed, FeedEvent};
    use crate::app::DatabaseState;

    #[tokio::test(start_paused = true)]
    async fn a_burst_of_changes_is_read_four_times_a_second() {
        let (sender, news) = watch::channel(0);
        let (_database, state) = watch::channel(DatabaseState::Up);
        let mut feed = Feed::new(news, state, watch::channel(None).1);
        assert_eq!(feed.next().await, FeedEvent::Database(DatabaseState::Up));
        let began = Instant::now();

        for n in 1..=4 {
            sender.send_replace(n);
            assert_eq!(feed.next().await, FeedEvent::News);
        }

        assert_eq!(began.elapsed(), Duration::from_secs(1));
    }

    #[tokio::test(start_paused = true)]
    async fn without_changes_it_reads_ever_more_rarely_until_somebody_presses_a_key() {
        let (_sender, news) = watch::channel(0);
        let (_database, state) = watch::channel(DatabaseState::Up);
        let mut feed = Feed::new(news, state, watch::channel(None).1);
        feed.next().await;
        let began = Instant::now();

        for seconds in [3, 9, 21, 45, 93, 153] {
            assert_eq!(feed.next().await, FeedEvent::Refresh);
            assert_eq!(began.elapsed(), Duration::from_secs(seconds));
        }
        feed.attend();
        feed.next().await;

        assert_eq!(began.elapsed(), Duration::from_secs(156));
    }
}
