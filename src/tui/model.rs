//! The dashboard's whole state: what was read, what the operator looks at, what they are being asked.
//! Plain data: no clock, no I/O, nothing of drawing.

mod blasts;
mod need;
mod news;
mod page;
mod people;
mod prompt;

pub use blasts::{BlastList, Changed, STAGES, stage_label, stuck_at};
pub use need::AttentionItem;
pub use news::{LogLine, Notice, Tone};
pub use page::{
    CommandEntry, CommandPalette, DetailsOverlay, ElsewhereOverlay, Overlay, PlanOverlay, RESOLUTIONS, ResolutionChoice,
};
pub use people::{
    CursorMove, CursorTarget, ListOrder, ListScope, ListedPerson, PageRequest, RecipientTable, Shown, WantedPage,
};
pub use prompt::{AmountPrompt, ConfirmBy, ConfirmPrompt, FindPrompt, NotePrompt, Prompt, Sale};

use std::collections::{BTreeSet, VecDeque};

use chrono::{DateTime, Utc};

use super::key::Key;
use super::layout::{Layout, layout};
use super::{DashboardKind, DashboardOptions, Hints, Size};
use crate::app::DatabaseState;
use crate::app::view::{BlastRow, ChangesSince, SenderRow, Total};
use crate::domain::act::Actor;
use crate::domain::blast::BlastState;
use crate::domain::ids::{BlastId, RecipientId};
use crate::domain::waiting::Waiting;

/// The most keys that wait for an answer.
pub const HELD_MAX: usize = 64;

/// The most acts that the log keeps.
pub const LOG_MAX: usize = 1_000;

/// The panes of the desk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Pane {
    Blasts,
    Funnel,
    Recipients,
}

impl Pane {
    pub const ALL: [Self; 3] = [Self::Blasts, Self::Funnel, Self::Recipients];
}

/// One pane alone, or all that fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Zoom {
    In,
    Out,
}

/// Which one-line hint the demo shows next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hint {
    Find,
    Reply,
    Undo,
}

/// How far the operator is in leaving.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leaving {
    No,
    /// Warned once: the next `q` leaves.
    Warned,
}

/// The whole state.
#[derive(Debug, Clone)]
pub struct Model {
    pub options: DashboardOptions,
    pub size: Size,
    /// The time of the newest message.
    pub now: DateTime<Utc>,
    pub database: DatabaseState,
    /// When something last changed in what was read.
    pub news_at: Option<DateTime<Utc>>,
    pub blasts: BlastList,
    pub senders: Vec<SenderRow>,
    /// This process's name in leases: another one means that the sending happens elsewhere.
    pub holder: String,
    /// The row of the funnel's cursor, an index into [`STAGES`].
    pub stage: usize,
    pub recipients: RecipientTable,
    pub focus: Pane,
    pub zoom: Zoom,
    /// Pages over the desk, the topmost last.
    pub overlays: Vec<Overlay>,
    pub prompt: Option<Prompt>,
    pub notice: Option<Notice>,
    /// Keys that wait until the list they are meant for is here.
    pub held: VecDeque<Key>,
    pub last_key: DateTime<Utc>,
    /// Whom the operator marked since their last key: not news to them.
    pub mine: BTreeSet<RecipientId>,
    /// What happened in the selected blast since the last key.
    pub since: Option<ChangesSince>,
    pub log: VecDeque<LogLine>,
    pub leaving: Leaving,
    pub hint: Option<Hint>,
    /// When it was last noted that the operator looked.
    pub seen_at: Option<DateTime<Utc>>,
    /// Numbers the questions to the database, so that a late answer to an old one is told apart.
    pub ticket: u64,
}

impl Model {
    /// Nothing read yet.
    pub fn new(options: DashboardOptions, size: Size, now: DateTime<Utc>) -> Self {
        let hint = (options.hints == Hints::On).then_some(Hint::Find);
        Self {
            blasts: BlastList::opening(options.open),
            options,
            size,
            now,
            database: DatabaseState::Up,
            news_at: None,
            senders: Vec::new(),
            holder: String::new(),
            stage: 0,
            recipients: RecipientTable::default(),
            focus: Pane::Funnel,
            zoom: Zoom::Out,
            overlays: Vec::new(),
            prompt: None,
            notice: None,
            held: VecDeque::new(),
            last_key: now,
            mine: BTreeSet::new(),
            since: None,
            log: VecDeque::new(),
            leaving: Leaving::No,
            hint,
            seen_at: None,
            ticket: 0,
        }
    }

    pub fn layout(&self) -> Layout {
        layout(self.size, self.zoom)
    }

    /// The selected blast.
    pub fn blast(&self) -> Option<&BlastRow> {
        self.blasts.selected()
    }

    /// The person under the cursor: of the details page, else of the table.
    pub fn person(&self) -> Option<&ListedPerson> {
        match self.overlays.last() {
            Some(Overlay::Details(details)) => self.recipients.get(details.person),
            Some(_) => None,
            None => self.recipients.at_cursor(),
        }
    }

    pub const fn next_ticket(&mut self) -> u64 {
        self.ticket += 1;
        self.ticket
    }

    pub fn is_read_only(&self) -> bool {
        self.options.kind == DashboardKind::ReadOnly
    }

    pub fn say(&mut self, notice: Notice) {
        self.notice = Some(notice);
    }

    /// Says why something is not done.
    pub fn refuse(&mut self, why: impl Into<String>) {
        self.say(Notice::refusal(why));
    }

    /// The blasts that were launched and can still be taken back, with the time until which.
    pub fn armed(&self) -> impl Iterator<Item = (&BlastRow, DateTime<Utc>)> {
        self.blasts.rows().iter().filter_map(|blast| Some((blast, armed_until(blast, self.now)?)))
    }

    /// The next time at which the screen changes by itself.
    pub fn deadline(&self) -> Option<DateTime<Utc>> {
        self.armed().map(|(_, until)| until).min()
    }

    /// A blast that would go on without this window.
    pub fn in_flight(&self) -> Option<&BlastRow> {
        self.blasts.rows().iter().find(|blast| blast.state == BlastState::Sending)
    }

    /// How many things wait for a person: uncertain people, stopped senders, blasts that paused by themselves.
    pub fn needs(&self) -> i64 {
        let uncertain: i64 = self.blasts.rows().iter().map(|blast| blast.counts.uncertain).sum();
        let stopped = self.senders.iter().filter(|sender| sender.stopped.is_some()).count();
        let paused = self.blasts.rows().iter().filter(|blast| paused_by_itself(blast)).count();
        uncertain.saturating_add(i64::try_from(stopped + paused).unwrap_or(i64::MAX))
    }

    /// What the selected blast waits for.
    pub fn waiting(&self) -> Option<&Waiting> {
        self.blast().filter(|blast| blast.state == BlastState::Sending)?.waiting.as_ref()
    }

    /// Why the selected blast's sender stopped, if it waits for that to be mended.
    pub fn stopped_sender(&self) -> Option<&str> {
        match self.waiting()? {
            Waiting::SenderStopped { why, .. } => Some(why),
            _ => None,
        }
    }

    /// How many people the list has: by the blast's own counts, else as counted.
    pub fn listed(&self) -> Option<Total> {
        let blast = self.blast()?;
        match &self.recipients.label {
            ListScope::Everyone => Some(Total::Exactly(blast.total_recipients)),
            ListScope::Stuck(stage) => stuck_at(blast, *stage).map(Total::Exactly),
            ListScope::Only(status) => Some(Total::Exactly(blast.counts.get(*status))),
            ListScope::Found { .. } => self.recipients.total,
        }
    }

    /// The blast that people are shown of.
    pub const fn people_of(&self) -> Option<BlastId> {
        self.recipients.blast
    }
}

/// Until when an armed launch can be taken back.
pub fn armed_until(blast: &BlastRow, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let waits = matches!(blast.state, BlastState::Sending | BlastState::Scheduled);
    blast.send_after.filter(|until| waits && *until > now)
}

/// Paused by the engine, not by an operator.
pub fn paused_by_itself(blast: &BlastRow) -> bool {
    blast.state == BlastState::Paused && blast.state_by.as_ref().is_none_or(|by| *by == Actor::Engine)
}
