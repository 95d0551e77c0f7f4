//! When a frame may be drawn: what was typed at once, data at a measured pace.

use std::time::Duration;

use tokio::time::Instant;

/// Between two frames for keys, and after one until what a key asked for is drawn: 30 a second.
pub(super) const AFTER_KEY: Duration = Duration::from_millis(33);
/// Between a frame and the next for data: 10 a second.
pub(super) const FOR_DATA: Duration = Duration::from_millis(100);

/// A frame is never older while reads come in time: what shows the time or the day is true to the minute.
const AT_LEAST_EVERY: Duration = Duration::from_secs(60);

/// What a frame is to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FrameCause {
    /// What was typed: it waits for no frame but that of the key before it.
    Key,
    /// What was read, at least so long after the last frame.
    Data(Duration),
}

/// When the next frame may be drawn.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct FramePacer {
    /// When the last frame was handed over, and the last that showed what was typed.
    last: Option<Instant>,
    last_for_key: Option<Instant>,
    /// When a refresh began that gathers what it reads.
    refreshed: Option<Instant>,
    /// A key waits to be drawn.
    has_key: bool,
    /// Data waits to be drawn, at least so long after the last frame.
    data: Option<Duration>,
}

impl FramePacer {
    /// Something is to be drawn.
    pub(super) fn want(&mut self, cause: FrameCause) {
        match cause {
            FrameCause::Key => self.has_key = true,
            FrameCause::Data(after) => self.data = Some(self.data.map_or(after, |data| data.min(after))),
        }
    }

    /// What is read from here on is drawn as if a frame had just been, so that it comes in one; nothing new is drawn once a minute.
    pub(super) fn begin_refresh(&mut self) {
        self.refreshed = Some(Instant::now());
        if self.last.is_none_or(|last| last.elapsed() >= AT_LEAST_EVERY) {
            self.want(FrameCause::Data(FOR_DATA));
        }
    }

    /// When it may be; `None` while nothing waits.
    pub(super) fn due(self) -> Option<Instant> {
        let after = |last: Option<Instant>, pause| last.map_or_else(Instant::now, |last| last + pause);
        let for_key = self.has_key.then(|| after(self.last_for_key, AFTER_KEY));
        let for_data = self.data.map(|pause| after(self.last.max(self.refreshed), pause));
        for_key.into_iter().chain(for_data).min()
    }

    /// Everything that waited is drawn now.
    pub(super) fn drawn(&mut self) {
        let now = Some(Instant::now());
        let last_for_key = if self.has_key { now } else { self.last_for_key };
        *self = Self { last: now, last_for_key, ..Self::default() };
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::{Instant, sleep};

    use super::{AFTER_KEY, AT_LEAST_EVERY, FOR_DATA, FrameCause, FramePacer};

    #[tokio::test(start_paused = true)]
    async fn a_refresh_gathers_what_it_reads_into_one_frame_and_a_key_waits_for_none() {
        let mut pace = FramePacer::default();
        pace.want(FrameCause::Key);
        pace.drawn();
        sleep(FOR_DATA * 100).await;

        sleep(AT_LEAST_EVERY / 2).await;
        pace.begin_refresh();
        assert_eq!(pace.due(), None, "what is read may be what is shown");
        let began = Instant::now();
        for _ in 0..3 {
            pace.want(FrameCause::Data(FOR_DATA));
            sleep(AFTER_KEY / 2).await;
        }

        assert_eq!(pace.due(), Some(began + FOR_DATA));
        pace.want(FrameCause::Key);
        assert!(pace.due() <= Some(began), "a key is drawn at once");
    }

    #[tokio::test(start_paused = true)]
    async fn a_frame_of_which_nothing_changed_is_drawn_again_after_a_minute() {
        let mut pace = FramePacer::default();
        pace.want(FrameCause::Key);
        pace.drawn();
        sleep(AT_LEAST_EVERY).await;

        pace.begin_refresh();

        assert_eq!(pace.due(), Some(Instant::now() + FOR_DATA));
    }
}
