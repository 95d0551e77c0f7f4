//! One reading of what is watched, as the bytes that everybody who watches is sent.

use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;

use super::super::page::{BlastPage, ListPage};
use crate::app::view::ReplyPosition;
use crate::domain::ids::{BlastId, SenderId};

/// What can be watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::http) enum Topic {
    Blast(BlastId),
    /// The list of blasts, of one sender or of all.
    Blasts(Option<SenderId>),
}

/// One reading.
#[derive(Debug)]
pub(in crate::http) enum Frame {
    Blast(Box<BlastFrame>),
    Blasts(ListFrame),
}

/// A blast at one moment.
#[derive(Debug)]
pub(in crate::http) struct BlastFrame {
    pub sender: SenderId,
    /// It is an answer to one person: no page shows it.
    pub is_answer: bool,
    pub page: BlastPage,
    /// The event for programs.
    pub snapshot: Bytes,
    /// The events for the page, for whoever signed in and for whoever has a link.
    pub page_event: Bytes,
    pub share_event: Bytes,
    pub replies: Arc<RecentReplies>,
}

/// The list of blasts at one moment.
#[derive(Debug)]
pub(in crate::http) struct ListFrame {
    pub page: ListPage,
    pub page_event: Bytes,
}

/// The newest replies, each an event. They are counted from the beginning of the watch.
#[derive(Debug, Default)]
pub(in crate::http) struct RecentReplies {
    /// The number of the first one here.
    pub first: u64,
    pub events: Vec<ReplyEvent>,
    /// The newest by its arrival, also of those before the watch.
    pub newest: Option<ReplyPosition>,
}

#[derive(Debug, Clone)]
pub(in crate::http) struct ReplyEvent {
    pub place: ReplyPosition,
    pub event: Bytes,
}

impl RecentReplies {
    /// The number that the next one will have.
    pub fn next(&self) -> u64 {
        self.first + self.events.len() as u64
    }

    /// Those from this number on; `None`: some of them are gone from here.
    pub fn since(&self, number: u64) -> Option<&[ReplyEvent]> {
        let skipped = usize::try_from(number.checked_sub(self.first)?).ok()?;
        self.events.get(skipped.min(self.events.len())..)
    }
}

/// An event of a stream. JSON has no line breaks of its own.
pub(in crate::http) fn event(name: &str, id: Option<i64>, data: &impl Serialize) -> Bytes {
    let data = serde_json::to_string(data).unwrap_or_else(|_| "null".to_owned());
    let id = id.map_or_else(String::new, |id| format!("id: {id}\n"));
    Bytes::from(format!("{id}event: {name}\ndata: {data}\n\n"))
}
