//! What the dashboard shows its operator: one line at a time, and the log of acts.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use crate::app::SeenState;
use crate::app::view::BlastView;
use crate::domain::blast::BlastState;
use crate::domain::ids::{ActionId, BlastId, RecipientId};
use crate::tui::DashboardOptions;
use crate::tui::format::TimeFormat;

/// How a line is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// Something was done.
    Done,
    /// Something was not done, and why.
    Refused,
}

/// One line, and what can be pressed now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    pub text: String,
    pub hint: Option<Cow<'static, str>>,
    pub tone: Tone,
    /// The armed launch that it announces: once that no longer stands, neither does the line.
    pub armed: Option<ArmedLaunch>,
    /// The blast whose keys it names, as it stands: the line ends with that.
    pub stands: Option<StandingBlast>,
    /// What it says at its end of others that start all the same.
    pub beside: Option<StartsBeside>,
    /// The blast whose start it says to be off as if somebody took that back: who that was stands there once it is read.
    pub taken_back: Option<TakenBackStart>,
    /// Blasts of whose states it says something: the line ends once one of them is in another.
    pub says: Vec<SeenState>,
    /// The blast whose newest act it says can be taken back: the line ends once somebody did something else to that.
    pub until_changed: Option<SeenState>,
    /// The person of whom it says what is so: the line ends once their row changes after it.
    pub of: Option<RecipientId>,
    /// The blast of which it says that it goes on once an engine holds its sender: with that the line ends.
    pub until_held: Option<BlastId>,
    /// Whether the next key ends it.
    pub until_next_key: bool,
    /// Whether it says that the database does not answer: with its next answer the line ends.
    pub while_away: bool,
    /// Whether it asks for a larger window, and ends with one.
    pub until_larger: bool,
    /// The act of which it says that it can be taken back: while it stands there, that is done without a question.
    pub undoes: Option<ActionId>,
    /// The acts that it says were lost: no other line takes its place before it was seen.
    pub lost: Option<LostActs>,
}

/// Acts that the database did not take, or not for certain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LostActs {
    /// Which, and whom they were about.
    pub words: String,
    /// Whether a key was pressed while they stood there.
    pub is_seen: bool,
}

/// A launch that has not begun to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ArmedLaunch {
    pub blast: BlastId,
    /// The blast's version after the launch: rows of an older one were read before it.
    pub version: i64,
    pub says: ArmedWords,
}

/// The blast that was resumed last in this window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResumedBlast {
    pub blast: BlastId,
    /// As it was before that, unless the list had the resume first.
    pub before: Option<Box<BlastView>>,
}

/// What the line says that announces a launch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArmedWords {
    /// What starts and when, which is shown as it is by now.
    Start,
    /// An act, and that the launch stands.
    Act,
    /// What became of a blast that was to start with this one; behind it is shown what starts all the same.
    Beside,
}

/// The end of a line about a blast that was paused: that others which were to start with it do so, as long as that is so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartsBeside {
    /// The blast as it was when it was to start with them.
    pub paused: Box<BlastView>,
    /// What stands there of them.
    pub words: String,
}

/// A launch or a resume that may have been taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TakenBackStart {
    pub blast: BlastId,
    /// Whether it is being read who did that.
    pub is_asked: bool,
}

/// A blast in a state, while one is selected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StandingBlast {
    pub blast: BlastId,
    /// Its version when it was said: rows of an older one were read before it.
    pub version: i64,
    pub state: BlastState,
    /// Whether it asked for a person.
    pub asks: bool,
    pub selected: Option<BlastId>,
}

impl Notice {
    pub fn done(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            hint: None,
            tone: Tone::Done,
            armed: None,
            stands: None,
            beside: None,
            taken_back: None,
            says: Vec::new(),
            until_changed: None,
            of: None,
            until_held: None,
            until_next_key: false,
            while_away: false,
            until_larger: false,
            undoes: None,
            lost: None,
        }
    }

    pub fn refusal(text: impl Into<String>) -> Self {
        Self { tone: Tone::Refused, ..Self::done(text) }
    }

    /// Whether it says no more than why a key did nothing: of what was lost, and of what stands as long as its reason, somebody has to know.
    pub const fn is_answer_to_a_key(&self) -> bool {
        matches!(self.tone, Tone::Refused) && self.lost.is_none() && !self.until_larger && self.until_held.is_none()
    }

    /// Whether a launch that counts down takes its place again once it was read. What asks for a larger window stands again after that.
    pub const fn yields_to_launch(&self) -> bool {
        self.is_answer_to_a_key() || self.until_larger && self.lost.is_none()
    }

    /// Whether the launch of somebody else that counts down takes its place once it was read: it names nothing that is taken back, and nothing
    /// that has to be known as long as it is so.
    pub const fn yields_to_launch_of_others(&self) -> bool {
        let is_of_act = self.hint.is_some() || self.undoes.is_some() || self.armed.is_some();
        let stands_on = self.stands.is_some() || self.until_held.is_some() || self.lost.is_some() || self.while_away;
        matches!(self.tone, Tone::Done) && !is_of_act && !stands_on && self.says.is_empty()
    }

    /// Something is not done because the window is too small.
    pub fn too_small(text: impl Into<String>) -> Self {
        Self { until_larger: true, ..Self::refusal(text) }
    }

    /// The same behind acts that were lost before it was said, and were not seen. What it says of other lost acts is kept as they are.
    #[must_use]
    pub fn behind(self, lost: String) -> Self {
        if self.lost.as_ref().is_some_and(|acts| acts.words.starts_with(&lost)) {
            return self;
        }
        let text = if self.text.starts_with(&lost) { self.text } else { format!("{lost}; {}", self.text) };
        let words = if self.lost.is_some() { text.clone() } else { lost };
        Self { text, lost: Some(LostActs { words, is_seen: false }), ..self }
    }

    #[must_use]
    pub fn hint(mut self, hint: impl Into<Cow<'static, str>>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// An act and the command line that does the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    pub at: DateTime<Utc>,
    pub sentence: String,
    /// By whose clock the times in it are.
    pub zone: Tz,
    pub command_line: String,
}

impl LogLine {
    /// What a window that was opened again says of the sender that the one before added: its log ended with it.
    pub fn of_greeting(options: &DashboardOptions, at: DateTime<Utc>) -> Option<Self> {
        let sentence = options.greeting.clone()?;
        let place = options.welcome.as_ref().map_or("the configuration file", |facts| facts.config.as_str());
        let command_line = format!("# no command adds a sender: edit {place}");
        Some(Self { at, sentence, zone: options.zone, command_line })
    }

    /// The sentence; with the offset of its times where others are shown now.
    pub fn shown(&self, clock: TimeFormat) -> String {
        let is_time = |word: &str| word.contains(':') && word.starts_with(|c: char| c.is_ascii_digit());
        if clock.zone == self.zone || !self.sentence.split(' ').any(is_time) {
            return self.sentence.clone();
        }
        format!("{} ({})", self.sentence, TimeFormat { zone: self.zone, now: self.at }.offset())
    }
}
