//! The stream of one viewer. It holds a place in what is published, and no events: whoever reads slowly gets the newest numbers next.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::Response;
use bytes::{Bytes, BytesMut};
use futures_util::stream::unfold;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::{Instant, sleep, sleep_until};

use super::super::HttpState;
use super::super::api::reply_event;
use super::super::client::{Client, StreamTurn};
use super::super::problem::Problem;
use super::watcher::{Published, first_frame, lookback};
use super::{BlastFrame, Frame, Topic, Watched};
use crate::app::view::ReplyPosition;
use crate::domain::ids::{BlastId, ReplyId};

/// Sent where nothing else is, so that both ends notice a connection that broke.
const HEARTBEAT: Bytes = Bytes::from_static(b":\n\n");
const HEARTBEAT_EVERY: Duration = Duration::from_secs(15);
/// What a browser does when the stream ends: it comes again after two seconds.
const GREETING: Bytes = Bytes::from_static(b"retry: 2000\n\n");
/// Whoever lost the right to watch sees nothing more after this.
const ACCESS_EVERY: Duration = Duration::from_secs(1);
/// A stream ends by itself before the server would cut its connection.
const STREAM_MAX: Duration = Duration::from_secs(50 * 60);
/// Replies of one page, for whoever comes back.
const REPLIES_AT_ONCE: u32 = 100;
const RETRY: Duration = Duration::from_secs(1);

/// By what somebody watches: asked again and again.
#[derive(Debug, Clone)]
pub(in crate::http) enum ViewerAccess {
    /// An API token's secret.
    Token(String),
    /// The secret in a browser's cookie.
    Session(String),
    /// A link's secret.
    Share(String),
    /// From this machine, where that is enough.
    Local,
}

/// What a viewer is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http) enum ViewerKind {
    /// A program: numbers, and replies after this one; without an id, from now on.
    Program { after: Option<ReplyId> },
    /// A page of somebody who signed in.
    Page,
    /// A page behind a link.
    Share,
}

/// Who watches, and what they are sent.
pub(in crate::http) struct Watch {
    pub kind: ViewerKind,
    pub access: ViewerAccess,
    /// Of the connection.
    pub client: Option<Arc<Client>>,
}

struct Viewer {
    state: HttpState,
    kind: ViewerKind,
    access: ViewerAccess,
    may_see: Box<dyn Fn(&Frame) -> bool + Send>,
    /// Keeps the task that reads.
    _watched: Arc<Watched>,
    frames: watch::Receiver<Option<Published>>,
    pending: VecDeque<Bytes>,
    replies: Option<RepliesSent>,
    check_at: Instant,
    beat_at: Instant,
    end_at: Instant,
    client: StreamTurn,
    _permit: OwnedSemaphorePermit,
}

/// How far a program's replies are.
struct RepliesSent {
    blast: BlastId,
    /// The number of the next one.
    next: u64,
    /// The newest that was sent, or that was there before.
    last: Option<ReplyPosition>,
    /// Where to go on in the database, for those that are published no more.
    missed: Option<ReplyPosition>,
    /// Those that were sent, as far as they may come again: from the database, or published after they were read there.
    sent: BTreeSet<ReplyPosition>,
    /// Replies that are published from now on are no older than this.
    published_from: ReplyPosition,
    /// The one that the viewer named: they have it.
    named: Option<ReplyId>,
}

/// Begins a stream. `may_see` is asked of each reading: a draft may become another sender's while it is watched.
pub(in crate::http) async fn stream(
    state: &HttpState,
    topic: Topic,
    Watch { kind, access, client }: Watch,
    may_see: impl Fn(&Frame) -> bool + Send + 'static,
) -> Result<Response, Problem> {
    let permit = state.live.admit()?;
    let watched = state.live.watch(topic);
    let mut frames = watched.frames.clone();
    let first = first_frame(&mut frames).await?;
    if !may_see(&first) {
        return Err(Problem::not_found("there is no such blast"));
    }
    let replies = match (kind, &*first) {
        (ViewerKind::Program { after }, Frame::Blast(frame)) => {
            Some(RepliesSent::begin(state, topic, frame, after).await?)
        }
        _ => None,
    };
    frames.mark_changed();
    let now = Instant::now();
    let viewer = Viewer {
        state: state.clone(),
        kind,
        access,
        may_see: Box::new(may_see),
        _watched: watched,
        frames,
        pending: VecDeque::from([GREETING]),
        replies,
        check_at: now + ACCESS_EVERY,
        beat_at: now + HEARTBEAT_EVERY,
        end_at: now + STREAM_MAX,
        client: StreamTurn::of(client),
        _permit: permit,
    };
    let events =
        unfold(viewer, async |mut viewer| viewer.next().await.map(|bytes| (Ok::<_, std::io::Error>(bytes), viewer)));
    Ok(answer(Body::from_stream(events)))
}

fn answer(body: Body) -> Response {
    let mut response = Response::new(body);
    for (name, value) in [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-store"),
        // A proxy that gathers answers would hold events back.
        (HeaderName::from_static("x-accel-buffering"), "no"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

impl Viewer {
    /// What is sent next; `None`: the stream ends.
    async fn next(&mut self) -> Option<Bytes> {
        self.client.streams();
        let bytes = loop {
            if self.state.stop.is_cancelled() || Instant::now() >= self.end_at {
                return None;
            }
            if Instant::now() >= self.check_at {
                if !self.access.is_valid(&self.state).await {
                    return None;
                }
                self.check_at = Instant::now() + ACCESS_EVERY;
            }
            if let Some(bytes) = self.pending.pop_front() {
                break bytes;
            }
            if let Some(page) = self.missed().await {
                break page;
            }
            tokio::select! {
                biased;
                () = self.state.stop.cancelled() => {}
                () = sleep_until(self.end_at.min(self.check_at)) => {}
                changed = self.frames.changed() => {
                    changed.ok()?;
                    let published = self.frames.borrow_and_update().clone();
                    match published {
                        Some(Published::Frame(frame)) if (self.may_see)(&frame) => self.take(&frame),
                        Some(Published::Frame(_) | Published::Gone) => return None,
                        None => {}
                    }
                }
                () = sleep_until(self.beat_at) => break HEARTBEAT,
            }
        };
        self.beat_at = Instant::now() + HEARTBEAT_EVERY;
        Some(bytes)
    }

    fn take(&mut self, frame: &Frame) {
        match (frame, self.kind) {
            (Frame::Blasts(frame), _) => self.pending.push_back(frame.page_event.clone()),
            (Frame::Blast(frame), ViewerKind::Page) => self.pending.push_back(frame.page_event.clone()),
            (Frame::Blast(frame), ViewerKind::Share) => self.pending.push_back(frame.share_event.clone()),
            (Frame::Blast(frame), ViewerKind::Program { .. }) => {
                if let Some(replies) = &mut self.replies {
                    self.pending.extend(replies.take(frame));
                }
                // Its id says that all replies before it were sent: it waits for those that are read first.
                if self.replies.as_ref().is_none_or(|replies| replies.missed.is_none()) {
                    self.pending.push_back(frame.snapshot.clone());
                }
            }
        }
    }

    /// A page of the replies that are published no more.
    async fn missed(&mut self) -> Option<Bytes> {
        let replies = self.replies.as_mut()?;
        let from = replies.missed?;
        let Ok(rows) = self.state.app.replies_after(replies.blast, from, REPLIES_AT_ONCE).await else {
            let _ = self.state.stop.run_until_cancelled(sleep(RETRY)).await;
            return None;
        };
        let mut page = BytesMut::new();
        for row in &rows {
            replies.missed = Some(row.place());
            if replies.named != Some(row.id) && replies.is_new(row.place()) {
                page.extend_from_slice(&reply_event(row));
            }
        }
        if rows.len() < REPLIES_AT_ONCE as usize {
            replies.missed = None;
            // The numbers that were held back.
            self.frames.mark_changed();
        }
        (!page.is_empty()).then(|| page.freeze())
    }
}

impl RepliesSent {
    async fn begin(
        state: &HttpState,
        topic: Topic,
        frame: &BlastFrame,
        after: Option<ReplyId>,
    ) -> Result<Self, Problem> {
        let Topic::Blast(blast) = topic else { return Err(Problem::not_found("there is no such blast")) };
        let missed = match after {
            None => None,
            Some(id) => Some(lookback(state.app.newest_reply(blast, Some(id)).await?)),
        };
        let (next, last) = (frame.replies.next(), frame.replies.newest);
        let published_from = lookback(last);
        Ok(Self { blast, next, last, missed, sent: BTreeSet::new(), published_from, named: after })
    }

    /// Notes that a reply is sent; `false`: it was already.
    fn is_new(&mut self, place: ReplyPosition) -> bool {
        self.last = self.last.max(Some(place));
        if place >= self.published_from { self.sent.insert(place) } else { !self.sent.contains(&place) }
    }

    /// The replies of a reading that were not sent yet.
    fn take(&mut self, frame: &BlastFrame) -> Option<Bytes> {
        if self.missed.is_some() {
            return None;
        }
        let Some(new) = frame.replies.since(self.next) else {
            // So far behind that they are read from the database.
            self.missed = Some(lookback(self.last));
            self.next = frame.replies.next();
            self.published_from = lookback(frame.replies.newest);
            return None;
        };
        let mut bytes = BytesMut::new();
        for reply in new {
            if self.is_new(reply.place) {
                bytes.extend_from_slice(&reply.event);
            }
        }
        self.sent = self.sent.split_off(&lookback(self.last));
        self.next = frame.replies.next();
        (!bytes.is_empty()).then(|| bytes.freeze())
    }
}

impl ViewerAccess {
    /// Whether it still opens what it opened. A database that does not answer ends nothing: nothing new comes from it either.
    async fn is_valid(&self, state: &HttpState) -> bool {
        let found = match self {
            Self::Token(secret) => super::super::api::token(state, secret).await.map(|found| found.is_some()),
            Self::Session(secret) => state.page.session(state, secret).await.map(|found| found.is_some()),
            Self::Share(secret) => state.page.share(state, secret).await.map(|found| found.is_some()),
            Self::Local => Ok(true),
        };
        found.unwrap_or(true)
    }
}
