//! What faces read: blasts and senders with what only the use cases can add to their rows. Of people nothing is computed, so
//! that faces read their rows as they are.

use chrono::{DateTime, NaiveDateTime, Utc};
use chrono_tz::Tz;

use super::reason;
use super::recurring::own_start;
use crate::config::TokenSource;
use crate::domain::act::Actor;
use crate::domain::blast::{BlastOrigin, BlastState, FirstPeople, blast_name, is_test};
use crate::domain::funnel::{Counts, Stuck};
use crate::domain::ids::{BlastId, SenderId};
use crate::domain::pace::{Gap, LimitColumns, Rate};
use crate::domain::phone::Region;
use crate::domain::text::clean;
use crate::domain::waiting::Waiting;
use crate::store::view::{BlastRow, SenderRow};

pub use crate::store::view::activity::{
    ActivityEvent, ActivityHead, ActivityOrder, ActivityPosition, ActivityRow, ActivitySource, LeftByUndo,
    StrangerReply,
};
pub use crate::store::view::export::PersonChange;
pub use crate::store::view::follow_up::FollowUpResponses;
pub use crate::store::view::history::TimelineRow;
pub use crate::store::view::recipients::{BeforeResend, RecipientFacts};
pub use crate::store::view::replies::{
    NoticeRow, RepliedHour, ReplyCounts, ReplyFile, ReplyPosition, ReplyQuery, ReplyRow,
};
pub use crate::store::view::{
    Anchor, AnswerRow, BlastFilter, BlastPosition, ChangesSince, ElsewhereRow, ErrorRow, HistoryRow, LeaseRow, Order,
    RecipientDetails, RecipientQuery, RecipientRow, RowPosition, SORTED_MAX, SenderStop, StandingOptOut, Total,
};

/// A blast with its counts, why it waits and when it is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlastView {
    pub id: BlastId,
    pub tag: String,
    pub follow_up_stage: String,
    pub state: BlastState,
    /// Grows with every command; a command names the version it saw.
    pub version: i64,
    pub sender_id: SenderId,
    pub sender: String,
    /// Its sender's address is a loopback one: practice, not real people.
    pub rehearsal: bool,
    pub total_recipients: i64,
    pub counts: Counts,
    /// How many opted out after a message was accepted or tried: they stay in their stage.
    pub opted_out_later: i64,
    pub message: String,
    /// What is sent in place of the message; its words are in `message`.
    pub template: Option<serde_json::Value>,
    /// Its own limits, which narrow its sender's.
    pub limits: LimitColumns,
    /// Armed or scheduled: nothing is sent before this.
    pub send_after: Option<DateTime<Utc>>,
    /// When somebody confirmed what it waits for until then: all that one act starts has one such time.
    pub armed_at: Option<DateTime<Utc>>,
    /// Scheduled: where it has not started by then, it asks whether it is still to go, by the configuration of this process.
    pub asks_after: Option<DateTime<Utc>>,
    /// When it starts by itself once it is launched, and the local time that was asked for, if one was.
    pub scheduled_for: Option<DateTime<Utc>>,
    pub scheduled_local: Option<NaiveDateTime>,
    /// Why it is paused or cancelled, or what repeats could not make a blast at its time, and who said so.
    pub state_reason: Option<String>,
    pub state_by: Option<Actor>,
    pub blast_date: DateTime<Utc>,
    pub launched_at: Option<DateTime<Utc>>,
    pub completed_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    /// What the program that made it calls it.
    pub external_id: Option<String>,
    pub description: Option<String>,
    /// The blast that it follows up, while that is there.
    pub follows: Option<BlastId>,
    /// Of a draft: why it cannot be sent yet.
    pub unfinished: Option<String>,
    pub first: FirstPeople,
    pub origin: BlastOrigin,
    pub retry_next_day: bool,
    pub updated_at: DateTime<Utc>,
    /// How many of those at *sent* were never asked about: nobody knows whether they are stuck there.
    pub unasked: Total,
    /// Why it is not sending as fast as it can.
    pub waiting: Option<Waiting>,
    /// Where it waits for its hours, or counts down its start: why nobody of it is due before a time, which may have come.
    pub nobody_due: Option<Waiting>,
    /// What lets it go on, by the configuration of this process.
    pub mend: Option<String>,
    pub estimate: Estimate,
}

/// How fast a blast goes. Nothing where nothing is sent, or where its sender is not in the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Estimate {
    /// When it is done if nothing holds it up.
    pub done_at: Option<DateTime<Utc>>,
    /// The average by the limit that binds, its own or its sender's, in messages an hour; `None`: no limit does.
    pub per_hour: Option<i64>,
}

impl BlastView {
    pub(super) fn new(row: BlastRow, waiting: Option<Waiting>, estimate: Estimate) -> Self {
        let scheduled_for = own_start(&row);
        let awaits_start = matches!(waiting, Some(Waiting::Window { .. } | Waiting::Armed { .. }));
        let nobody_due = reason::next_due(&row).filter(|_| awaits_start);
        Self {
            id: row.id,
            tag: row.tag,
            follow_up_stage: row.follow_up_stage,
            state: row.state,
            version: row.version,
            sender_id: row.sender_id,
            sender: row.sender,
            rehearsal: row.rehearsal,
            total_recipients: row.total_recipients,
            counts: row.counts,
            opted_out_later: row.opted_out_later,
            message: row.message,
            template: row.template,
            limits: row.limits,
            send_after: row.send_after,
            armed_at: row.armed_at,
            asks_after: None,
            scheduled_for,
            scheduled_local: row.scheduled_local,
            state_reason: row.state_reason,
            state_by: row.state_by,
            blast_date: row.blast_date,
            launched_at: row.launched_at,
            completed_at: row.completed_at,
            created_at: row.created_at,
            external_id: row.external_id,
            description: row.description,
            follows: row.follows,
            unfinished: row.unfinished,
            first: row.first,
            origin: row.origin,
            retry_next_day: row.retry_next_day,
            updated_at: row.updated_at,
            unasked: row.unasked,
            waiting,
            nobody_due,
            mend: None,
            estimate,
        }
    }

    /// The percentage of people who are settled; `None` for one that was never begun, of which nothing is done. People whom a
    /// cancel left out are not: a blast that was cancelled half-way is half done. Nor is there one of what repeats: it is itself
    /// never sent.
    pub fn settled_percent(&self) -> Option<i64> {
        match self.state {
            _ if self.origin.repeat.rule.is_some() => None,
            BlastState::Draft | BlastState::Scheduled => None,
            // Whoever was left out beforehand is no progress.
            BlastState::Sending | BlastState::Paused if !self.counts.has_tried() => Some(0),
            BlastState::Cancelled => Some(self.counts.reached_or_failed_percent()),
            _ => Some(self.counts.settled_percent()),
        }
    }

    /// Whether it goes on only when a person does something: it paused by itself, was made by a step, or waits for what only a person
    /// can fix.
    pub fn asks_for_person(&self) -> bool {
        match self.state {
            BlastState::Paused => self.state_by.as_ref().is_none_or(|by| *by == Actor::Engine),
            BlastState::Sending => self.waiting.as_ref().is_some_and(Waiting::is_open_ended),
            BlastState::Scheduled => self.is_not_made(),
            // A draft that made itself waits for a yes, unless its step sends it by itself, which leaves it untouched until then. One
            // whose people all opted out, or had another step meanwhile, cannot be sent.
            BlastState::Draft => self.origin.step.is_some() && self.state_by.is_some() && self.counts.queued > 0,
            _ => false,
        }
    }

    /// Whether it repeats, and no blast could be made of the time that came.
    pub const fn is_not_made(&self) -> bool {
        matches!(self.waiting, Some(Waiting::NotMade { .. }))
    }

    /// What people call it: a follow-up by its stage as well.
    pub fn name(&self) -> String {
        blast_name(&self.tag, &self.follow_up_stage)
    }

    /// The same for a line of text: nothing in it that breaks the line or cannot be seen.
    pub fn clean_name(&self) -> String {
        clean(&self.name()).into_owned()
    }

    /// Whether another blast is called the same.
    pub fn is_namesake_of(&self, other: &Self) -> bool {
        self.id != other.id && self.tag == other.tag && self.follow_up_stage == other.follow_up_stage
    }

    /// Whether it sends nothing for longer than its own pace takes, and goes on by itself.
    pub fn is_held_up(&self) -> bool {
        self.state == BlastState::Sending && self.waiting.as_ref().is_some_and(Waiting::outlasts_pace)
    }

    /// Whether somebody of it is still sent to, or being sent to.
    pub const fn has_people_left(&self) -> bool {
        self.counts.queued + self.counts.sending > 0
    }

    /// Whether nothing but its sender holds it at a moment: it is being sent, or its time to start by itself has come.
    pub fn goes_by(&self, now: DateTime<Utc>) -> bool {
        match self.state {
            BlastState::Sending => true,
            BlastState::Scheduled => self.origin.repeat.rule.is_none() && self.send_after.is_some_and(|at| at <= now),
            _ => false,
        }
    }

    /// Whether its sender is stopped.
    pub const fn is_behind_stop(&self) -> bool {
        matches!(self.waiting, Some(Waiting::SenderStopped { .. }))
    }

    /// Whether it starts once its stopped sender is resumed, and not before: its time to start by itself has come, or it was launched and
    /// nobody in it was tried yet.
    pub fn starts_with_sender(&self, now: DateTime<Utc>) -> bool {
        let is_to_start = match self.state {
            BlastState::Sending => self.counts.queued > 0 && !self.counts.has_tried(),
            _ => self.goes_by(now),
        };
        is_to_start && self.is_behind_stop()
    }

    /// Whether its time is so long ago that it asks before it starts.
    pub fn asks_first(&self, now: DateTime<Utc>) -> bool {
        self.state == BlastState::Scheduled && self.asks_after.is_some_and(|at| at < now)
    }

    /// Its state in lists for people: what asks for a person reads so, and what is completed is done. What repeated is over, or
    /// ended by somebody: its last times may all have been skipped.
    pub fn state_words(&self) -> &'static str {
        match self.state {
            _ if self.asks_for_person() => "asks you",
            BlastState::Completed if self.origin.repeat.rule.is_some() => "over",
            BlastState::Scheduled if self.origin.repeat.rule.is_some() => "repeats",
            BlastState::Cancelled if self.origin.repeat.rule.is_some() => "ended",
            state => state.label(),
        }
    }

    /// The same, where what sends nothing for long does not read as being sent.
    pub fn waits_or_state(&self) -> &'static str {
        if self.is_held_up() { "waits" } else { self.state_words() }
    }

    /// Whether somebody sent it to themselves, to see it.
    pub fn is_test(&self) -> bool {
        is_test(&self.follow_up_stage, self.total_recipients)
    }

    /// Which operator has it send, for whoever meant to start it as well; it may count down still.
    pub fn started_by(&self) -> Option<String> {
        let Some(Actor::Operator(by)) = &self.state_by else { return None };
        let is_started = matches!(self.state, BlastState::Sending);
        is_started.then(|| format!("{} was started already, by {}: nothing was done", self.clean_name(), clean(by)))
    }

    /// Which operator has it start by itself.
    pub fn scheduled_by(&self) -> Option<String> {
        let Some(Actor::Operator(by)) = &self.state_by else { return None };
        (self.state == BlastState::Scheduled).then(|| clean(by).into_owned())
    }

    /// The same at a moment: a launch that can still be taken back starts.
    pub fn shown_state(&self, now: DateTime<Utc>) -> &'static str {
        match self {
            _ if self.armed_until(now).is_some() => "starts",
            _ if self.starts_with_sender(now) => "waits",
            _ => self.waits_or_state(),
        }
    }

    /// Until when an armed launch can be undone. A start at a set time is none: nothing begins within seconds. Nor does anything behind a
    /// stop of its sender.
    pub fn armed_until(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        // One that nobody is queued in starts nothing, as where its sender was resumed for others.
        let starts = self.state == BlastState::Sending && self.counts.queued > 0 && !self.is_behind_stop();
        self.send_after.filter(|until| starts && *until > now)
    }

    /// How it repeats, or what it is an occurrence of, in words; nothing for most blasts.
    pub fn schedule_words(&self) -> Option<String> {
        let repeats = self.origin.repeat.rule.as_ref().map(|rule| format!("repeats {rule}"));
        let occurs = || self.origin.pattern.map(|pattern| format!("one time of blast {pattern}"));
        repeats.or_else(occurs).or_else(|| Some(format!("step {} of blast {}", self.origin.step?, self.follows?)))
    }

    /// Who got no further. If too many to count were not asked about, nobody counts as stuck at *sent*.
    pub const fn stuck(&self) -> Stuck {
        match self.unasked {
            Total::Exactly(people) => self.counts.stuck(people),
            Total::AtLeast(_) => self.counts.stuck(self.counts.sent),
        }
    }
}

/// A page of what happened, newest first, and the rows of the people that it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActivityPage {
    pub rows: Vec<ActivityRow>,
    pub people: Vec<RecipientRow>,
}

/// A sender, who sends for it, and how much of its limits is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SenderView {
    pub id: SenderId,
    pub name: String,
    pub provider: String,
    pub business: String,
    pub rehearsal: bool,
    /// Why it sends nothing until a person mends something: an error, or a configuration that cannot be used.
    pub stopped: Option<SenderStop>,
    /// The first message that was accepted and had no webhook since, where that was five minutes ago or more.
    pub unheard_since: Option<DateTime<Utc>>,
    /// How people receive its messages, as Meta said last: green, yellow or red.
    pub quality: Option<String>,
    /// The engine that holds it now, by the database's clock.
    pub lease: Option<LeaseRow>,
    /// What that engine waits for with all of its blasts.
    pub waiting: Option<Waiting>,
    /// How many people are queued in answers, which no list of blasts has.
    pub queued_answers: i64,
    pub usage: SenderUsage,
    /// Where its token comes from; `None` where it is not configured here.
    pub token: Option<TokenSource>,
}

/// A sender's limits, and what counts against them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SenderUsage {
    /// Attempts of the sender's present day; 0 where they are not counted.
    pub today: i64,
    pub daily_cap: Option<i64>,
    /// The rate that binds, in messages an hour; `None`: unlimited.
    pub per_hour: Option<i64>,
    /// As configured: a blast's own only tighten them.
    pub rate: Rate,
    pub gap: Option<Gap>,
    /// Whose clocks its blasts go by; `None` where it is not configured here.
    pub zone: Option<Tz>,
    /// The country of numbers without a country code; likewise.
    pub region: Option<Region>,
}

impl SenderUsage {
    /// More than any provider takes in an hour: Meta's highest throughput is 1,000 a second.
    const PER_HOUR_MAX: i64 = 3_600_000;

    /// The rate that binds, where it is one that a provider could keep: a simulator allows any.
    pub fn plausible_per_hour(&self) -> Option<i64> {
        self.per_hour.filter(|rate| *rate <= Self::PER_HOUR_MAX)
    }
}

impl SenderView {
    pub(super) fn new(row: SenderRow, usage: SenderUsage, token: Option<TokenSource>) -> Self {
        Self {
            id: row.id,
            name: row.name,
            provider: row.provider,
            business: row.business,
            rehearsal: row.rehearsal,
            stopped: row.stopped,
            unheard_since: row.unheard_since,
            quality: row.quality,
            lease: row.lease,
            waiting: row.waiting.sender,
            queued_answers: row.queued_answers,
            usage,
            token,
        }
    }

    /// Whether it is stopped because its provider refused a token, and another one lets it go on by itself.
    pub fn is_token_refused(&self) -> bool {
        self.stopped.as_ref().is_some_and(|stop| stop.waits_for_token)
    }
}

/// How a person replaces a token that its provider refuses.
pub fn token_mend(source: &TokenSource) -> String {
    match source {
        TokenSource::File(path) => format!("write the right token into {}", clean(&path.display().to_string())),
        TokenSource::Variable(name) => {
            format!("set {} to the right token in the shell and start blastdeck there again", clean(name))
        }
    }
}
