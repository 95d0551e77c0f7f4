//! What of the activity was on the screen of an operator who has the pane open: that alone counts as seen.

use std::collections::HashSet;

use super::ActivityFeed;
use crate::app::view::{ActivityHead, ActivityPosition};
use crate::domain::unseen::{SeenSpan, Unseen};

/// What was shown and is not recorded yet.
#[derive(Debug, Clone, Default)]
pub struct Seeing {
    drawn: HashSet<ActivityPosition>,
    /// Said by other means: somebody's replies on their page, or everything by a key.
    said: Vec<SeenSpan>,
    recording: Recording,
}

/// One record is on its way at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Recording {
    #[default]
    Idle,
    Underway,
    /// It could not be written: again once something can be read.
    Failed,
}

impl ActivityFeed {
    /// The visible events were on the screen, with the pane open and nothing over it.
    pub fn drawn(&mut self, height: usize) {
        let Some(head) = &self.head else { return };
        self.news.get_or_insert_with(|| head.unseen.clone());
        let visible = self.rows.iter().skip(self.top).take(height).map(|row| row.place);
        self.seeing.drawn.extend(visible.filter(|place| head.unseen.contains(place.at)));
    }

    /// An operator has seen what happened at these times, wherever.
    pub fn saw(&mut self, spans: impl IntoIterator<Item = SeenSpan>) {
        self.seeing.said.extend(spans);
    }

    /// Everything up to the newest line is seen, shown or not.
    pub fn saw_all(&mut self) {
        let Some(newest) = self.newest() else { return };
        self.saw([SeenSpan::up_to(newest)]);
        self.news = Some(Unseen::since(newest));
    }

    /// What is to be recorded as seen now.
    pub fn take_unrecorded(&mut self) -> Option<Vec<SeenSpan>> {
        let head = self.head.as_ref().filter(|_| self.seeing.recording == Recording::Idle)?;
        let mut spans = std::mem::take(&mut self.seeing.said);
        spans.retain(|span| head.unseen.overlaps(*span));
        spans.extend(self.shown(&head.unseen));
        if spans.is_empty() {
            return None;
        }
        self.seeing.recording = Recording::Underway;
        Some(spans)
    }

    /// It was recorded; or it could not be, and what was shown counts as new for now.
    pub fn recorded(&mut self, head: Option<ActivityHead>) {
        self.seeing.recording = if head.is_some() { Recording::Idle } else { Recording::Failed };
        if let Some(head) = head {
            self.seeing.drawn.retain(|place| head.unseen.contains(place.at));
            self.head = Some(head);
        }
    }

    /// Whether what was shown is still to be recorded, as soon as something can be read.
    pub fn has_unrecorded(&self) -> bool {
        self.seeing.recording == Recording::Failed
    }

    /// Takes what was read of what is new; not what may have been read before a record that is on its way.
    pub fn take_head(&mut self, head: ActivityHead) {
        if self.seeing.recording != Recording::Underway {
            self.recorded(Some(head));
        }
    }

    /// The stretches of the list that were on the screen. Events of one moment count together, and between two lines that stand
    /// one below the other nothing was passed over.
    fn shown(&self, unseen: &Unseen) -> Vec<SeenSpan> {
        if self.seeing.drawn.is_empty() {
            return Vec::new();
        }
        let mut spans: Vec<SeenSpan> = Vec::new();
        let mut follows = false;
        for moment in self.rows.chunk_by(|a, b| a.place.at == b.place.at) {
            let Some(at) = moment.first().map(|row| row.place.at) else { continue };
            let was_shown = moment.iter().all(|row| self.seeing.drawn.contains(&row.place));
            let is_whole = self.reaches_end || self.rows.last().is_some_and(|last| last.place.at < at);
            let is_seen = !unseen.contains(at) || was_shown && is_whole;
            match spans.last_mut().filter(|_| follows && is_seen) {
                Some(span) => span.from = at,
                None if is_seen => spans.push(SeenSpan { from: at, to: at }),
                None => {}
            }
            follows = is_seen;
        }
        if let Some(last) = spans.last_mut().filter(|_| follows && self.reaches_end) {
            *last = SeenSpan::up_to(last.to);
        }
        spans.retain(|span| unseen.overlaps(*span));
        spans
    }
}
