//! The task that reads one topic while somebody watches it.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout, timeout_at};

use super::super::api::{reply_event, snapshot};
use super::super::page::{BlastPage, HOURS, ListPage};
use super::super::problem::Problem;
use super::frame::{BlastFrame, Frame, ListFrame, RecentReplies, ReplyEvent, Topic, event};
use crate::app::view::{BlastFilter, ErrorRow, RepliedHour, ReplyPosition, ReplyRow};
use crate::app::{App, AppError, News};
use crate::domain::ids::{BlastId, ReplyId};

/// The shortest time between two readings.
const AT_MOST_EVERY: Duration = Duration::from_millis(250);
/// The longest: notifications can be lost.
const AT_LEAST_EVERY: Duration = Duration::from_secs(3);
/// Readings take at most so little of the time, one part of so many: those of a huge blast come less often.
const SHARE_OF_TIME: u32 = 10;
const PAUSE_MAX: Duration = Duration::from_secs(10);
/// How long somebody waits for the first reading.
const FIRST_PATIENCE: Duration = Duration::from_secs(15);
/// How long after its arrival a reply may still appear before others: engines that apply at once commit in any order.
pub(super) const ARRIVAL: TimeDelta = TimeDelta::seconds(5);
/// Replies of one query.
const REPLIES_AT_ONCE: u32 = 1_000;
/// Replies that are kept for those who are a moment behind.
const REPLIES_KEPT: usize = 256;
/// The most blasts on the list.
const LISTED: u32 = 30;

/// What became of a reading.
#[derive(Debug, Clone)]
pub(super) enum Published {
    Frame(Arc<Frame>),
    /// There is no such blast any more. Nothing follows.
    Gone,
}

/// The newest reading, or the first one if it is not there yet.
pub(super) async fn first_frame(frames: &mut watch::Receiver<Option<Published>>) -> Result<Arc<Frame>, Problem> {
    let first = timeout(FIRST_PATIENCE, frames.wait_for(Option::is_some)).await;
    match first.ok().and_then(Result::ok).and_then(|published| published.clone()) {
        Some(Published::Frame(frame)) => Ok(frame),
        Some(Published::Gone) => Err(Problem::not_found("there is no such blast")),
        None => {
            let detail = "the database cannot be used now: try again in a moment";
            Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "no-database", detail))
        }
    }
}

/// Reads a topic for somebody who does not go on watching.
pub(super) async fn read_once(app: &App, topic: Topic) -> Result<Frame, AppError> {
    Reader::new(topic).read(app).await
}

/// Reads and publishes until it is dropped, or there is nothing to read any more.
pub(super) async fn watch_topic(app: App, topic: Topic, news: Arc<News>, publish: watch::Sender<Option<Published>>) {
    let mut hints = news.hints();
    let mut reader = Reader::new(topic);
    loop {
        hints.mark_unchanged();
        let began = Instant::now();
        match reader.read(&app).await {
            Ok(frame) => publish_changed(&publish, frame),
            Err(AppError::NotFound(_)) => {
                publish.send_replace(Some(Published::Gone));
                return;
            }
            Err(error) => tracing::debug!(%error, "what is watched is read again later"),
        }
        let pause = (began.elapsed() * SHARE_OF_TIME).clamp(AT_MOST_EVERY, PAUSE_MAX);
        let _ = timeout_at(began + AT_LEAST_EVERY, hints.changed()).await;
        sleep_until(began + pause).await;
    }
}

/// Wakes those who watch only where there is something new.
fn publish_changed(publish: &watch::Sender<Option<Published>>, frame: Frame) {
    publish.send_if_modified(|last| {
        let is_new = !matches!(last, Some(Published::Frame(last)) if last.is_same(&frame));
        if is_new {
            *last = Some(Published::Frame(Arc::new(frame)));
        }
        is_new
    });
}

impl Frame {
    fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Blast(this), Self::Blast(that)) => {
                this.snapshot == that.snapshot
                    && this.page_event == that.page_event
                    && this.replies.next() == that.replies.next()
            }
            (Self::Blasts(this), Self::Blasts(that)) => this.page_event == that.page_event,
            _ => false,
        }
    }
}

/// The time zone and the currency of pages.
fn in_words(app: &App) -> (Tz, &str) {
    let ui = &app.config().ui;
    (ui.timezone, &ui.currency)
}

/// What is kept from one reading to the next.
struct Reader {
    topic: Topic,
    replies: Option<RepliesReader>,
    hours: HoursReader,
    errors: ErrorsReader,
}

impl Reader {
    fn new(topic: Topic) -> Self {
        Self { topic, replies: None, hours: HoursReader::default(), errors: ErrorsReader::default() }
    }

    async fn read(&mut self, app: &App) -> Result<Frame, AppError> {
        match self.topic {
            Topic::Blast(id) => Ok(Frame::Blast(Box::new(self.blast(app, id).await?))),
            Topic::Blasts(sender) => {
                let filter = BlastFilter {
                    sender,
                    without_answers: true,
                    without_unasked: true,
                    limit: Some(LISTED),
                    ..BlastFilter::default()
                };
                let page = ListPage::new(&app.blasts(&filter).await?, in_words(app));
                let page_event = event("page", None, &page.values());
                Ok(Frame::Blasts(ListFrame { page, page_event }))
            }
        }
    }

    async fn blast(&mut self, app: &App, id: BlastId) -> Result<BlastFrame, AppError> {
        let live = app.live_blast(id).await?;
        let replies = match &mut self.replies {
            Some(replies) => replies,
            None => self.replies.insert(RepliesReader::begin(app, id).await?),
        };
        replies.read(app, id).await?;
        let replies = replies.recent.clone();
        let hours = self.hours.read(app, id, live.blast.counts.funnel().replied).await?;
        let errors = self.errors.read(app, id, live.blast.counts.failed).await?;
        let page = BlastPage::new(&live.blast, (hours, errors), in_words(app));
        let newest = replies.newest.map_or(0, |newest| newest.id.0);
        Ok(BlastFrame {
            sender: live.blast.sender_id,
            is_answer: live.is_answer,
            snapshot: event("blast", Some(newest), &snapshot(&live.blast)),
            page_event: event("page", None, &page.values()),
            share_event: event("page", None, &page.values_for_strangers()),
            page,
            replies,
        })
    }
}

/// The hours in which people replied, read again only when more did.
#[derive(Default)]
struct HoursReader {
    replied: Option<i64>,
    hours: Vec<RepliedHour>,
}

impl HoursReader {
    async fn read(&mut self, app: &App, id: BlastId, replied: i64) -> Result<&[RepliedHour], AppError> {
        if self.replied != Some(replied) {
            self.hours = app.replied_hours(id, HOURS).await?;
            self.replied = Some(replied);
        }
        Ok(&self.hours)
    }
}

/// Why people failed, read again only when more or fewer did.
#[derive(Default)]
struct ErrorsReader {
    failed: i64,
    errors: Vec<ErrorRow>,
}

impl ErrorsReader {
    async fn read(&mut self, app: &App, id: BlastId, failed: i64) -> Result<&[ErrorRow], AppError> {
        if self.failed != failed {
            self.errors = if failed > 0 { app.errors(id).await? } else { Vec::new() };
            self.failed = failed;
        }
        Ok(&self.errors)
    }
}

/// The replies that arrived since the watch began.
struct RepliesReader {
    recent: Arc<RecentReplies>,
    /// Those that may be read again, in the order of arrival.
    seen: BTreeSet<(DateTime<Utc>, ReplyId)>,
}

impl RepliesReader {
    /// Everything that is there already counts as seen.
    async fn begin(app: &App, id: BlastId) -> Result<Self, AppError> {
        let newest = app.newest_reply(id, None).await?;
        let mut new =
            Self { recent: Arc::new(RecentReplies { newest, ..RecentReplies::default() }), seen: BTreeSet::new() };
        let before = new.arrived(app, id).await?;
        new.see(&before);
        Ok(new)
    }

    async fn read(&mut self, app: &App, id: BlastId) -> Result<(), AppError> {
        let arrived = self.arrived(app, id).await?;
        self.publish(arrived);
        Ok(())
    }

    fn publish(&mut self, arrived: Vec<ReplyEvent>) {
        let Some(last) = arrived.last() else { return };
        let newest = Some(last.place).max(self.recent.newest);
        self.see(&arrived);
        let mut events: VecDeque<ReplyEvent> = self.recent.events.iter().cloned().collect();
        let mut first = self.recent.first;
        events.extend(arrived);
        while events.len() > REPLIES_KEPT {
            events.pop_front();
            first += 1;
        }
        self.recent = Arc::new(RecentReplies { first, events: events.into(), newest });
    }

    fn see(&mut self, events: &[ReplyEvent]) {
        self.seen = self.seen.split_off(&(lookback(self.recent.newest).received_at, ReplyId(0)));
        self.seen.extend(events.iter().map(|event| (event.place.received_at, event.place.id)));
    }

    /// Those that were not seen yet. They are seen once they are published: where a later page of them cannot be read, all come again.
    async fn arrived(&self, app: &App, id: BlastId) -> Result<Vec<ReplyEvent>, AppError> {
        let mut from = lookback(self.recent.newest);
        let mut arrived = Vec::new();
        loop {
            let rows = app.replies_after(id, from, REPLIES_AT_ONCE).await?;
            from = rows.last().map_or(from, ReplyRow::place);
            arrived.extend(self.unseen(&rows));
            if rows.len() < REPLIES_AT_ONCE as usize {
                return Ok(arrived);
            }
        }
    }

    fn unseen(&self, rows: &[ReplyRow]) -> impl Iterator<Item = ReplyEvent> {
        let is_new = |row: &&ReplyRow| !self.seen.contains(&(row.received_at, row.id));
        rows.iter().filter(is_new).map(|row| ReplyEvent { place: row.place(), event: reply_event(row) })
    }
}

/// From where replies are read so that none is missed that was committed late.
pub(super) fn lookback(place: Option<ReplyPosition>) -> ReplyPosition {
    let received_at = place.map_or(DateTime::UNIX_EPOCH, |place| place.received_at - ARRIVAL);
    ReplyPosition { received_at, id: ReplyId(0) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::view::ReplyFile;

    fn row(id: i64) -> ReplyRow {
        let at = DateTime::UNIX_EPOCH + TimeDelta::seconds(id);
        ReplyRow {
            id: ReplyId(id),
            sender: "sales".to_owned(),
            blast: Some(BlastId(7)),
            recipient: None,
            phone: None,
            user_id: None,
            name: None,
            kind: "text".to_owned(),
            body: format!("reply {id}"),
            payload: None,
            message_id: id.to_string(),
            at,
            received_at: at,
            file: ReplyFile::default(),
        }
    }

    #[test]
    fn a_reply_is_seen_once_it_is_published_and_comes_again_until_then() {
        let mut reader = RepliesReader { recent: Arc::default(), seen: BTreeSet::new() };
        let rows = [row(1), row(2)];
        let ids = |reader: &RepliesReader| reader.unseen(&rows).map(|event| event.place.id.0).collect::<Vec<_>>();

        assert_eq!(ids(&reader), [1, 2], "the page after this one cannot be read");
        assert_eq!(ids(&reader), [1, 2]);
        let arrived = reader.unseen(&rows).collect();
        reader.publish(arrived);
        assert_eq!((ids(&reader).len(), reader.recent.events.len()), (0, 2));
    }
}
