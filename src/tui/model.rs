//! The dashboard's whole state: what was read, what the operator sees, what they are being asked.
//! Plain data: no clock, no I/O, no drawing.

mod activity;
mod answer;
mod attention;
mod begun;
mod blast_sorting;
mod blasts;
mod chain;
mod customer;
mod form;
mod held;
mod launches;
mod narrowed_blasts;
mod news;
mod notice;
mod overlay;
mod presence;
mod preview;
mod progress;
mod prompt;
mod recipients;
mod setup;
mod shown_state;
mod speed;
mod step_message;
pub mod template_source;
mod unread;
mod unwritten;
mod welcome;

pub use activity::ActivityFeed;
pub use answer::{AnswerOverlay, AnswerProgress};
pub use attention::{AttentionItem, LostLine, NeedsLine};
pub use begun::BegunTexts;
pub use blast_sorting::BlastSorting;
pub use blasts::{BlastList, Changed, STAGES, stage_label, stuck_at};
pub use chain::{ChainReading, RetryReading};
pub use customer::{CloseBefore, CustomerOverlay, ItemsPrompt, ItemsTarget, SaleKey, SaleLine};
pub use form::template::UPLOADED;
pub use form::{
    BlastForm, EscLeaves, FormLine, FormLog, FormPage, FormWrites, LineEdit, ListProgress, MessagePlace, NAMELESS,
    TemplatesPage, UnreadablePath, WantedDraft,
};
pub use held::{DroppedKeys, HELD_MAX, HeldInput};
pub use narrowed_blasts::{KeptRows, NarrowedBlasts};
pub use notice::{
    ArmedLaunch, ArmedWords, LogLine, LostActs, Notice, ResumedBlast, StandingBlast, StartsBeside, TakenBackStart, Tone,
};
pub use overlay::{
    CommandPalette, DetailsOverlay, ElsewhereOverlay, FollowFoundOverlay, FollowUpOverlay, HelpOverlay, Overlay,
    PlanCount, PlanOverlay, RESOLUTIONS, ResolutionChoice, UncertainOverlay,
};
pub use presence::Presence;
pub use progress::{BlastReading, COMPARED_MAX, FunnelView, FunnelViews};
pub use prompt::{
    AmountPrompt, BlastFilterPrompt, ConfirmBy, ConfirmPrompt, FindPrompt, NotePrompt, OwnNumberPrompt, PaceLine,
    PacePrompt, PricedSale, Prompt, RefusedKeys, RefusedPrompt,
};
pub use recipients::{
    CursorMove, CursorTarget, FoundBy, HandMarked, ListDirection, ListOrder, ListScope, ListedPerson, MarkedBy,
    PageRequest, RecipientTable, Shown, WantedPage,
};
pub use setup::{ColourChoice, MouseCapture, ScreenSetup};
pub use shown_state::{config_place, is_going_out};
pub use speed::SpeedMeter;
pub use step_message::{StepMessageOverlay, StepMessageProgress};
pub use unread::UnreadPart;
pub use unwritten::{NoUndo, Unwritten};
pub use welcome::{SenderForm, SenderLine, WELCOME, WelcomeChoice, WelcomeFacts};

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use chrono::{DateTime, TimeDelta, Utc};

use super::action::KeyScope;
use super::effect::EffectError;
use super::layout::{Layout, Zoom, layout};
use super::{DashboardKind, DashboardOptions, Hints, Size};
use crate::app::view::{ActivityRow, BlastView, ChangesSince, RecipientDetails, RecipientRow, SenderView};
use crate::app::{DatabaseState, EngineChange, StepView};
use crate::domain::blast::BlastState;
use crate::domain::ids::{BlastId, RecipientId};
use crate::domain::pace::Speed;
use crate::domain::retry::RetryRules;

/// The most entries that the log keeps.
pub const LOG_MAX: usize = 1_000;

/// The panes of the main screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Pane {
    Blasts,
    Funnel,
    Recipients,
    Activity,
}

impl Pane {
    pub const ALL: [Self; 4] = [Self::Blasts, Self::Funnel, Self::Recipients, Self::Activity];
}

/// Which one-line hint the demo shows next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hint {
    Find,
    Reply,
    Undo,
}

/// Whether the operator is about to leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leaving {
    No,
    /// Warned once: the next `q` leaves.
    Warned,
    /// `ctrl-c` left a field or a page: once more leaves the dashboard, and `q` asks as ever.
    Interrupted,
}

/// The whole state.
#[derive(Debug, Clone)]
pub struct Model {
    pub options: DashboardOptions,
    pub setup: ScreenSetup,
    pub size: Size,
    /// The time of the newest message.
    pub now: DateTime<Utc>,
    pub database: DatabaseState,
    /// What of the screen could not be read.
    pub unread: BTreeSet<UnreadPart>,
    /// What was typed and is not confirmed yet.
    pub unwritten: Unwritten,
    /// What the operator did last, where it is nothing that can be taken back: the act before it is not meant without a question.
    pub no_undo: Option<NoUndo>,
    /// When something last changed in what was read.
    pub news_at: Option<DateTime<Utc>>,
    pub blasts: BlastList,
    pub speeds: SpeedMeter,
    pub senders: Vec<SenderView>,
    /// Whether they were read: none before that means nothing.
    pub knows_senders: bool,
    /// A new blast was wanted before they were.
    pub wants_form: bool,
    /// The operator's own number, where they typed it in this window.
    pub own_number: Option<String>,
    /// This process's name in leases: with another one, the sending happens elsewhere.
    pub holder: String,
    /// How old an attempt must be before its message may be sent again.
    pub resend_after: TimeDelta,
    /// How fast time runs in a rehearsal.
    pub speed: Speed,
    /// The key before was a letter that moved through a form.
    pub walks_by_letters: bool,
    /// Why this process sends no more: its program or its settings are not the current ones.
    pub retired: Option<EngineChange>,
    /// The row of the funnel's cursor, an index into [`STAGES`].
    pub stage: usize,
    pub recipients: RecipientTable,
    pub activity: ActivityFeed,
    /// Texts that were begun and not sent or saved.
    pub begun: BegunTexts,
    /// The steps of blasts, as they were read when the list of what needs a person was opened.
    pub steps: Vec<StepView>,
    /// What needed a person when it was looked at last, and how much of it: the bell rings for more.
    pub needs_seen: BTreeMap<AttentionItem, i64>,
    /// Where the cursor of that list was before its line was gone.
    pub needs_lost: Option<LostLine>,
    /// What was resumed last: whoever takes that back leaves it paused by whoever had paused it before.
    pub resumed: Option<ResumedBlast>,
    pub presence: Presence,
    pub opened_at: DateTime<Utc>,
    pub focus: Pane,
    pub zoom: Zoom,
    /// The open overlays, the topmost last.
    pub overlays: Vec<Overlay>,
    /// The blast that is being written, or was last.
    pub form: Option<Box<BlastForm>>,
    pub wanted_draft: Option<WantedDraft>,
    /// The sender that is being added.
    pub new_sender: Option<Box<SenderForm>>,
    pub prompt: Option<Prompt>,
    /// Whether the question that is asked has been on the screen: a pasted text answers none.
    pub question_shown: Shown,
    pub notice: Option<Notice>,
    /// When the notice was said.
    pub said_at: DateTime<Utc>,
    /// Keys and pastes that wait for the list they are meant for.
    pub held: VecDeque<HeldInput>,
    pub dropping: Option<DroppedKeys>,
    pub last_key: DateTime<Utc>,
    /// Whom the operator marked since their last key: no news to them.
    pub mine: BTreeSet<RecipientId>,
    /// Everybody whom they marked in this window, and whose sale by somebody else they have read of.
    pub known: BTreeSet<RecipientId>,
    /// What happened in the selected blast since the last key.
    pub since: Option<ChangesSince>,
    /// Who came back after the follow-ups of the selected blast.
    pub chain: Option<ChainReading>,
    /// How many of those who failed in the selected blast may be tried again.
    pub retryable: Option<RetryReading>,
    /// What the funnel shows besides its bars.
    pub views: FunnelViews,
    /// The person under the cursor in full, for the pane beside the table.
    pub preview: Option<Box<RecipientDetails>>,
    /// The row for which they were last asked for.
    pub preview_asked: Option<RecipientRow>,
    pub log: VecDeque<LogLine>,
    pub leaving: Leaving,
    pub hint: Option<Hint>,
    /// When the operator was last recorded as present.
    pub seen_at: Option<DateTime<Utc>>,
    /// Numbers the requests for lists, so that a late completion of an old one is dropped.
    pub ticket: u64,
}

impl Model {
    /// Whether a sender sends templates in place of texts.
    pub fn sends_templates(&self, sender: &str) -> bool {
        self.senders.iter().any(|row| row.name == sender && row.provider == "meta")
    }

    /// The hint behind an act that can be taken back.
    pub fn undoes(&self) -> String {
        format!("{} undoes", self.options.keys.undo())
    }

    /// Nothing read yet.
    pub fn new(options: DashboardOptions, size: Size, now: DateTime<Utc>) -> Self {
        Self {
            overlays: options.is_first_run().then_some(Overlay::Welcome(0)).into_iter().collect(),
            notice: options.greeting.clone().map(Notice::done),
            log: LogLine::of_greeting(&options, now).into_iter().collect(),
            blasts: BlastList::opening(options.open),
            setup: ScreenSetup::new(options.zone),
            hint: (options.hints == Hints::On).then_some(Hint::Find),
            options,
            size,
            now,
            database: DatabaseState::Up,
            unread: BTreeSet::new(),
            unwritten: Unwritten::default(),
            no_undo: None,
            news_at: None,
            senders: Vec::new(),
            speeds: SpeedMeter::default(),
            own_number: None,
            knows_senders: false,
            wants_form: false,
            holder: String::new(),
            resend_after: RetryRules::default().resend_after,
            speed: Speed::REAL,
            walks_by_letters: false,
            retired: None,
            stage: 0,
            recipients: RecipientTable::default(),
            activity: ActivityFeed::opened(now),
            begun: BegunTexts::default(),
            steps: Vec::new(),
            needs_seen: BTreeMap::new(),
            needs_lost: None,
            resumed: None,
            presence: Presence::opened(now),
            opened_at: now,
            focus: Pane::Funnel,
            zoom: Zoom::Out,
            form: None,
            wanted_draft: None,
            new_sender: None,
            prompt: None,
            question_shown: Shown::Yes,
            said_at: now,
            held: VecDeque::new(),
            dropping: None,
            last_key: now,
            mine: BTreeSet::new(),
            known: BTreeSet::new(),
            since: None,
            chain: None,
            retryable: None,
            views: FunnelViews::default(),
            preview: None,
            preview_asked: None,
            leaving: Leaving::No,
            seen_at: None,
            ticket: 0,
        }
    }

    pub fn layout(&self) -> Layout {
        layout(self.size, self.zoom)
    }

    /// The selected blast.
    pub fn blast(&self) -> Option<&BlastView> {
        self.blasts.selected()
    }

    /// The person that a key is about: the one in the details, else the one at the cursor.
    pub fn person(&self) -> Option<&RecipientRow> {
        let listed = match self.overlays.last() {
            Some(Overlay::Details(details)) => match &details.loaded {
                Some(loaded) => return Some(&loaded.row),
                None => self.recipients.get(details.person),
            },
            Some(_) => None,
            None if self.focus == Pane::Activity => return self.activity.person(),
            None => self.recipients.at_cursor(),
        };
        listed.map(|person| &person.row)
    }

    /// The line at the cursor of the activity, where it is about a number that is in no blast.
    pub fn stranger(&self) -> Option<&ActivityRow> {
        let is_pane = self.overlays.is_empty() && self.focus == Pane::Activity;
        let line = self.activity.at_cursor().filter(|row| row.recipient.is_none() && row.phone.is_some());
        line.filter(|_| is_pane)
    }

    pub const fn next_ticket(&mut self) -> u64 {
        self.ticket += 1;
        self.ticket
    }

    /// When the message of this attempt may be sent again, if not yet.
    pub fn resend_from(&self, claimed_at: Option<DateTime<Utc>>) -> Option<DateTime<Utc>> {
        claimed_at.map(|claimed| claimed + self.resend_after).filter(|from| *from > self.now)
    }

    pub fn is_read_only(&self) -> bool {
        self.options.kind == DashboardKind::ReadOnly
    }

    /// Shows a line to the operator.
    pub fn say(&mut self, notice: Notice) {
        let hint = notice.hint.as_deref().map(|hint| self.with_keys(hint).into());
        self.notice = Some(Notice { text: self.with_keys(&notice.text), hint, ..notice });
        self.said_at = self.now;
    }

    /// A sentence with its marked keys as this operator has them, and its command lines as they are called here.
    pub fn with_keys(&self, sentence: &str) -> String {
        // There a key acts on the line, under a name of its own.
        let scopes: &[KeyScope] =
            if matches!(self.overlays.last(), Some(Overlay::Needs(_))) { &[KeyScope::Needs] } else { &[] };
        self.options.pasteable(&self.options.keys.in_sentence(sentence, scopes))
    }

    /// What is asked before something that a key cannot undo.
    pub fn question(&self) -> Option<&str> {
        match &self.prompt {
            Some(Prompt::Confirm(ask)) => Some(&ask.question),
            _ => None,
        }
    }

    /// The name or number of somebody who is on the screen.
    pub fn name_of(&self, id: RecipientId) -> Option<String> {
        let listed = self.recipients.get(id).map(|listed| &listed.row);
        let previewed = self.preview.as_ref().map(|preview| &preview.row);
        self.person().into_iter().chain(listed).chain(previewed).find(|row| row.id == id).map(RecipientRow::who)
    }

    /// Says why something is not done.
    pub fn refuse(&mut self, why: impl Into<String>) {
        self.say(Notice::refusal(why));
    }

    /// Says why something was not read. That the database does not answer is over with its next answer.
    pub fn refuse_failed(&mut self, failure: &EffectError) {
        let while_away = *failure == EffectError::Unavailable && self.away_since().is_some();
        self.say(Notice { while_away, ..Notice::refusal(failure.sentence(&self.options.keys)) });
    }

    /// Whether a blast goes through Meta: no phone shows the chats of such a number.
    pub fn is_over_meta(&self, id: BlastId) -> bool {
        let Some(blast) = self.blasts.get(id) else { return false };
        self.senders.iter().any(|sender| sender.id == blast.sender_id && sender.provider == "meta")
    }

    /// Whether a blast was cancelled: nothing more of it is sent, whatever an operator says of its people.
    pub fn is_cancelled(&self, id: BlastId) -> bool {
        self.blasts.get(id).is_some_and(|blast| blast.state == BlastState::Cancelled)
    }

    /// Whether keys for the focused list wait until it is here.
    pub const fn awaits_list(&self) -> bool {
        match self.focus {
            Pane::Recipients => self.recipients.is_awaited(),
            Pane::Activity => self.activity.awaiting.is_some(),
            Pane::Blasts | Pane::Funnel => false,
        }
    }

    /// The blast whose people are shown.
    pub const fn people_of(&self) -> Option<BlastId> {
        self.recipients.blast
    }
}
