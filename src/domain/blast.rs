//! The states of a blast and the commands that change them.

use std::fmt;
use std::num::NonZeroU32;

use chrono::{DateTime, NaiveTime, TimeDelta, Utc};

use super::ids::BlastId;
use super::stored::stored_by_word;

/// The stage of a blast that follows up no other.
const INITIAL: &str = "Initial";

/// The stage of a blast to the operator alone, who reads it before the others do.
pub const TEST_STAGE: &str = "Test";

/// Whether a blast is one message to whoever launched it. Others may call a stage of many people the same.
pub fn is_test(stage: &str, total_recipients: i64) -> bool {
    stage == TEST_STAGE && total_recipients <= 1
}

/// Whether a stage is that of a blast that follows up no other.
pub fn is_initial(stage: &str) -> bool {
    stage.trim().is_empty() || stage.trim().eq_ignore_ascii_case(INITIAL)
}

/// The stage of an answer to somebody who wrote, whose tag says it already.
const ANSWER: &str = "Answer";

/// What people call a blast: its tag, and its stage where that distinguishes it from the first one of the same tag.
pub fn blast_name(tag: &str, stage: &str) -> String {
    let is_said_already = stage == ANSWER && tag.starts_with(ANSWER);
    if is_initial(stage) || is_said_already { tag.to_owned() } else { format!("{tag}, {stage}") }
}

/// How long what a person confirmed can be taken back before anything is sent: a launch, a resume, new hours.
pub const ARMED_FOR: TimeDelta = TimeDelta::seconds(10);

/// Where a blast is. What it waits for while *sending* is a reason of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BlastState {
    Draft,
    Scheduled,
    Sending,
    Paused,
    Completed,
    Cancelled,
    Failed,
}

stored_by_word!(BlastState);

impl BlastState {
    pub const ALL: [Self; 7] =
        [Self::Draft, Self::Scheduled, Self::Sending, Self::Paused, Self::Completed, Self::Cancelled, Self::Failed];

    /// The word in SQL, JSON and on the screen.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Scheduled => "scheduled",
            Self::Sending => "sending",
            Self::Paused => "paused",
            Self::Completed => "completed",
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
        }
    }

    /// What people call it.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Completed => "done",
            other => other.word(),
        }
    }

    /// The word in a sentence: `the blast is a draft`, `the blast is paused`.
    pub const fn with_article(self) -> &'static str {
        match self {
            Self::Draft => "a draft",
            other => other.label(),
        }
    }

    /// The same of a blast that repeats, as lists have it: it was *ended* where another one is cancelled, and is *over* where that is done.
    pub const fn of_repeating(self) -> &'static str {
        match self {
            Self::Completed => "over",
            Self::Cancelled => "ended",
            other => other.with_article(),
        }
    }

    /// Whether messages go out, or will without anybody doing anything.
    pub const fn is_under_way(self) -> bool {
        matches!(self, Self::Sending | Self::Scheduled)
    }

    /// Whether nothing more comes of it.
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Completed | Self::Cancelled | Self::Failed)
    }

    pub fn from_word(word: &str) -> Option<Self> {
        let word = word.trim().to_ascii_lowercase();
        Self::ALL.into_iter().find(|state| state.word() == word || (word == "done" && *state == Self::Completed))
    }
}

/// For people: what programs call *completed* is done.
impl fmt::Display for BlastState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.label())
    }
}

/// After how many people a blast waits for somebody to look, and how many of them are still to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FirstPeople {
    /// `None`: it goes on by itself.
    pub people: Option<NonZeroU32>,
    /// How many of them nothing was tried for yet; `None`: nobody is waited for, or somebody has looked.
    pub left: Option<u32>,
}

/// How a blast came to its people and its time, where not from a list and by hand.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BlastOrigin {
    /// The filter over earlier blasts, as it was typed.
    pub segment: Option<String>,
    /// Of a blast that repeats: by which rule.
    pub repeat: RepeatColumns,
    /// Of an occurrence: the blast that repeats, and its time.
    pub pattern: Option<BlastId>,
    pub occurrence_at: Option<DateTime<Utc>>,
    /// Each person gets it at this time of their own zone.
    pub local_time: Option<NaiveTime>,
    /// Its hours and weekdays hold by each person's own zone.
    pub window_local: bool,
    /// The step of the blast that it follows, which made it.
    pub step: Option<i32>,
    /// Whether it has steps itself.
    pub has_steps: bool,
    /// Whether it was made for people who were stuck in another blast, which may be gone by now, or is a copy of a follow-up: it keeps
    /// its people.
    pub is_follow_up: bool,
}

/// What of a new blast goes by each person's own clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PersonClocks {
    /// The time at which each gets it.
    pub local_time: Option<NaiveTime>,
    /// Whether its hours and weekdays do.
    pub window_local: bool,
}

/// How a blast repeats. It is itself never sent: each of its times makes a blast of its own.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RepeatColumns {
    /// `every mon 09:00`; `None`: it does not.
    pub rule: Option<String>,
    /// None of its times is from then on.
    pub until: Option<DateTime<Utc>>,
    /// So many times in all, at least one.
    pub times: Option<i32>,
    /// So many have come.
    pub seen: i32,
    /// An occurrence to more people waits for an operator.
    pub at_most: Option<i32>,
}

impl RepeatColumns {
    /// The state of its blast in a sentence: `the blast is ended`.
    pub const fn state_in_words(&self, state: BlastState) -> &'static str {
        if self.rule.is_some() { state.of_repeating() } else { state.with_article() }
    }
}

impl FirstPeople {
    /// As the columns have it.
    pub fn of(people: Option<i32>, left: Option<i32>) -> Self {
        let people = people.and_then(|people| NonZeroU32::new(u32::try_from(people).ok()?));
        Self { people, left: left.and_then(|left| u32::try_from(left).ok()) }
    }

    /// Whether all of them were sent to, and nobody has looked yet.
    pub const fn are_through(self) -> bool {
        matches!(self.left, Some(0))
    }
}

/// A command on a whole blast.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BlastCommand {
    /// Start sending a draft.
    Launch,
    /// Have a draft, or a paused blast that was never begun, start by itself at its time.
    Schedule,
    /// Undo an armed launch, before anything was claimed.
    Disarm,
    Pause,
    Resume,
    /// Stop for good; people who are still queued are left out.
    Cancel,
    /// Remove a blast and its people.
    Delete,
}

/// A command that the state does not allow, with what would help.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the blast is {}: {mend}", state.with_article())]
pub struct TransitionError {
    pub state: BlastState,
    pub mend: &'static str,
}

/// Whether a blast is paused that was to start by itself, and has not been launched.
pub const fn is_paused_before_start(
    state: BlastState,
    launched_at: Option<DateTime<Utc>>,
    scheduled_for: Option<DateTime<Utc>>,
) -> bool {
    matches!(state, BlastState::Paused) && launched_at.is_none() && scheduled_for.is_some()
}

/// The state after a command. `Delete` keeps the state: the caller removes the row.
pub fn transition(state: BlastState, command: BlastCommand) -> Result<BlastState, TransitionError> {
    use BlastState::{Cancelled, Completed, Draft, Failed, Paused, Scheduled, Sending};
    let next = match (command, state) {
        (BlastCommand::Launch, Draft | Scheduled) | (BlastCommand::Resume, Paused) => Sending,
        (BlastCommand::Schedule, Draft | Paused) => Scheduled,
        (BlastCommand::Disarm, Sending | Scheduled | Paused) => Draft,
        (BlastCommand::Pause, Sending | Scheduled) => Paused,
        (BlastCommand::Cancel, Scheduled | Sending | Paused) => Cancelled,
        (BlastCommand::Delete, Draft | Completed | Cancelled | Failed) => state,
        _ => return Err(TransitionError { state, mend: mend(command, state) }),
    };
    Ok(next)
}

fn mend(command: BlastCommand, state: BlastState) -> &'static str {
    use BlastState::{Cancelled, Completed, Draft, Failed, Paused, Scheduled, Sending};
    match (command, state) {
        (BlastCommand::Launch | BlastCommand::Schedule, Sending) => "it is being sent already",
        (BlastCommand::Schedule, Scheduled) => "it starts by itself",
        (BlastCommand::Launch, Paused) => "resume it with `blast resume`",
        (BlastCommand::Launch, _) => "make a new blast to send again",
        (BlastCommand::Resume, Draft) => "send it with `blast send`",
        (BlastCommand::Resume, Scheduled) => "it is not paused, and starts by itself",
        (BlastCommand::Resume, Sending) => "it was not paused",
        (BlastCommand::Pause, Paused) => "there is nothing to pause",
        (BlastCommand::Pause | BlastCommand::Cancel, Draft) => "nothing is being sent; delete it if it is not wanted",
        (BlastCommand::Delete, Sending | Scheduled | Paused) => "cancel it first, then delete it",
        (_, Completed | Cancelled | Failed) => "it is over",
        _ => "that cannot be done now",
    }
}

#[cfg(test)]
mod tests {
    use super::{BlastCommand, BlastState, TEST_STAGE, is_test, transition};

    #[test]
    fn a_stage_that_is_called_as_tests_are_is_one_message_only_where_one_person_is_in_it() {
        assert!(is_test(TEST_STAGE, 1));
        assert!(!is_test(TEST_STAGE, 20), "twenty people got it");
        assert!(!is_test("Initial", 1));
    }

    #[test]
    fn a_blast_is_paused_and_resumed_before_it_is_cancelled() {
        let mut state = BlastState::Draft;

        for command in [BlastCommand::Launch, BlastCommand::Pause, BlastCommand::Resume, BlastCommand::Cancel] {
            state = transition(state, command).unwrap();
        }

        assert_eq!(state, BlastState::Cancelled);
    }

    #[test]
    fn a_completed_blast_is_not_sent_again() {
        let refused = transition(BlastState::Completed, BlastCommand::Launch).unwrap_err();

        assert_eq!(refused.to_string(), "the blast is done: make a new blast to send again");
    }

    #[test]
    fn what_is_over_stays_over() {
        for state in [BlastState::Cancelled, BlastState::Failed] {
            for command in [BlastCommand::Launch, BlastCommand::Pause, BlastCommand::Resume, BlastCommand::Cancel] {
                assert!(transition(state, command).is_err(), "{command:?} from {state}");
            }
        }
    }

    #[test]
    fn a_blast_with_messages_under_way_is_not_deleted() {
        for state in [BlastState::Sending, BlastState::Paused, BlastState::Scheduled] {
            assert!(transition(state, BlastCommand::Delete).is_err());
        }
    }
}
