//! What needs a person, and the blast where it is fixed.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use super::{Model, Overlay};
use crate::app::view::{ActivityHead, BlastView};
use crate::app::{DatabaseState, StepKey, StepStanding, StepView};
use crate::domain::blast::BlastState;
use crate::domain::ids::{BlastId, SenderId};
use crate::domain::sender::StopCode;
use crate::domain::waiting::Waiting;

/// Something that needs a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum AttentionItem {
    /// The database does not answer: all of the screen is as old as its last answer.
    Database,
    /// A sender that stays stopped until somebody fixes it.
    Sender(SenderId),
    /// A sender of whose accepted messages no webhook arrives.
    Unheard(SenderId),
    /// A blast that paused by itself, or a draft that a step made.
    Paused(BlastId),
    /// A blast that waits for what only a person can fix: no engine runs, clocks differ, the database takes no changes,
    /// no blast could be made of a time of what repeats.
    Waits(BlastId),
    /// Recipients of a blast whose message may or may not have been sent.
    Uncertain(BlastId),
    /// Webhooks of which something could not be applied.
    Webhooks,
    /// Webhooks that wait for the number of whoever wrote.
    Nameless,
    /// Replies that the operator has not seen, and by which nobody is marked.
    Strangers,
    /// Answers that did not go out, which the operator has not seen.
    Answers,
    /// What providers said that the operator has not seen.
    Notices,
}

/// A line of the list of what needs a person, below which stands what comes by itself, and what somebody paused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NeedsLine {
    Need(AttentionItem),
    /// A blast that starts at a time or in a moment, repeats, goes on at a time, or was paused: its line stays the same one through all of it.
    Blast(BlastId),
    /// A follow-up that makes itself.
    Step(StepKey),
    /// Replies that wait to be seen, but need nobody: whoever wrote is marked already.
    Replies,
}

/// A line of that list that went from under its cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LostLine {
    pub line: NeedsLine,
    /// The line that the cursor is on in its place.
    pub instead: Option<NeedsLine>,
    /// Until when the cursor goes back to it: for a moment where it is about a blast that is not over, and once its operator has taken an
    /// act back.
    pub returns_until: Option<DateTime<Utc>>,
}

impl LostLine {
    /// Whether the cursor goes back to it, should it be listed again.
    pub fn may_return(&self, now: DateTime<Utc>) -> bool {
        self.returns_until.is_some_and(|until| now <= until)
    }
}

impl Model {
    /// What needs a person, what comes by itself, and what somebody paused, in the order of the screen.
    pub fn needs_lines(&self) -> Vec<NeedsLine> {
        let needs = self.needs_list();
        let asks = |blast: &BlastView| {
            [AttentionItem::Paused(blast.id), AttentionItem::Waits(blast.id)].iter().any(|need| needs.contains(need))
        };
        let repeats = |blast: &BlastView| blast.state == BlastState::Paused && blast.origin.repeat.rule.is_some();
        let comes = |blast: &&BlastView| {
            blast.state == BlastState::Scheduled && !asks(blast)
                || self.waits_for_sender(blast)
                || repeats(blast) && !asks(blast)
                || self.goes_on_at(blast).is_some()
                || blast.armed_until(self.now).is_some() && !asks(blast)
        };
        let mut scheduled: Vec<_> = self.blasts.rows().iter().filter(comes).collect();
        // What waits for a stopped sender does not come by itself, and stands above. Then the next one first; what goes on by itself is
        // under way.
        scheduled.sort_by_key(|blast| {
            let at = blast.scheduled_for.filter(|_| blast.state != BlastState::Sending);
            (!self.waits_for_sender(blast), at)
        });
        let scheduled = scheduled.into_iter().map(|blast| NeedsLine::Blast(blast.id));
        let steps = |is_paused: bool| {
            let is_listed = move |view: &&StepView| view.step.paused_at.is_some() == is_paused;
            let mut listed: Vec<_> = self.steps.iter().filter(is_listed).collect();
            listed.sort_by_key(|view| when_it_comes(view));
            listed.into_iter().map(|view| NeedsLine::Step(view.step.key()))
        };
        let paused = self.paused_by_people().map(|blast| NeedsLine::Blast(blast.id));
        let replies = (self.unseen_replies() > 0).then_some(NeedsLine::Replies);
        let needs = needs.iter().copied().map(NeedsLine::Need);
        needs.chain(scheduled).chain(steps(false)).chain(paused).chain(steps(true)).chain(replies).collect()
    }

    /// Whether a blast goes on with its stopped sender and has a line of its own: what was sent in part is what the sender's line is about,
    /// unless that goes on with others.
    pub fn waits_for_sender(&self, blast: &BlastView) -> bool {
        let goes_on = |row: &BlastView| {
            let is_left = row.state == BlastState::Sending && row.counts.queued > 0 && row.is_behind_stop();
            is_left || row.starts_with_sender(self.now)
        };
        let is_other = |row: &BlastView| row.id != blast.id && row.sender_id == blast.sender_id;
        let has_others = || self.blasts.rows().iter().any(|row| is_other(row) && goes_on(row));
        blast.starts_with_sender(self.now) || goes_on(blast) && has_others()
    }

    /// What a blast waits for that ends by itself: its hours, the next day or a time of people's own clocks, until it sends, also before its
    /// engine says so; whatever else, such as a retry, where that is not soon.
    pub fn goes_on_at(&self, blast: &BlastView) -> Option<Waiting> {
        self.unreported_wait(blast).or_else(|| reported_wait(blast, self.now).cloned())
    }

    /// How many replies wait to be seen of people who are marked by them.
    pub fn unseen_replies(&self) -> i64 {
        self.activity.head.as_ref().map_or(0, |head| head.replies.saturating_sub(head.strangers))
    }

    /// The line of that list at its cursor, where it is open, also below commands by name.
    pub fn needs_line(&self) -> Option<NeedsLine> {
        match self.page_meant() {
            Some(Overlay::Needs(chosen)) => *chosen,
            _ => None,
        }
    }

    /// The step at that cursor.
    pub fn chosen_step(&self) -> Option<&StepView> {
        let Some(NeedsLine::Step(key)) = self.needs_line() else { return None };
        self.steps.iter().find(|view| view.step.key() == key)
    }

    /// The page that a key is about: commands by name are about what they are opened over.
    pub fn page_meant(&self) -> Option<&Overlay> {
        self.overlays.iter().rfind(|page| !matches!(page, Overlay::Commands(_)))
    }

    /// The blast that a key is about: that of the plan or of the line which the operator sees, else the selected one. `None` also on a line
    /// that is about no blast: the selected one is behind it.
    pub fn blast_meant(&self) -> Option<&BlastView> {
        match self.page_meant() {
            Some(Overlay::Plan(plan)) => self.blasts.get(plan.blast),
            Some(Overlay::Needs(line)) => self.blasts.get(self.blast_of_line((*line)?)?),
            _ => self.blast(),
        }
    }

    /// The blast of the line at the cursor of what needs a person.
    pub fn line_blast(&self) -> Option<BlastId> {
        self.blast_of_line(self.needs_line()?)
    }

    fn blast_of_line(&self, line: NeedsLine) -> Option<BlastId> {
        match line {
            NeedsLine::Need(need) => self.blast_of(need),
            NeedsLine::Blast(id) => Some(id),
            NeedsLine::Step(step) => Some(step.blast),
            NeedsLine::Replies => None,
        }
    }

    /// Whether the line at the cursor is about a sender: it leads to a blast, and what ends or changes that one is not meant.
    pub fn is_sender_line(&self) -> bool {
        matches!(self.needs_line(), Some(NeedsLine::Need(AttentionItem::Sender(_) | AttentionItem::Unheard(_))))
    }

    /// What the blast that is meant waits for.
    pub fn waiting(&self) -> Option<&Waiting> {
        self.blast_meant().filter(|blast| blast.state == BlastState::Sending)?.waiting.as_ref()
    }

    /// Why the sender of the blast that is meant stopped, if the blast waits for it.
    pub fn stopped_sender(&self) -> Option<&str> {
        match self.waiting()? {
            Waiting::SenderStopped { why, .. } => Some(why),
            _ => None,
        }
    }

    /// The sender of the blast that is meant, if somebody has to confirm first that it may send from a restored database.
    pub fn unconfirmed_sender(&self) -> Option<&str> {
        let sender = &self.blast_meant()?.sender;
        let mut stops = self.senders.iter().filter(|row| row.name == *sender).filter_map(|row| row.stopped.as_ref());
        let is_waiting = matches!(self.waiting(), Some(Waiting::SenderStopped { code: StopCode::Restored, .. }));
        (is_waiting || stops.any(|stop| stop.code == StopCode::Restored)).then_some(sender)
    }

    /// Since when the database has not answered.
    pub fn away_since(&self) -> Option<DateTime<Utc>> {
        match self.database {
            DatabaseState::Up => None,
            DatabaseState::Down { since } => Some(since),
        }
    }

    /// What stands where something is being read.
    pub fn reading(&self) -> &'static str {
        if self.away_since().is_some() { "not read yet: the database does not answer" } else { "reading ..." }
    }

    /// Everything that needs a person, in the order of the screen.
    pub fn needs_list(&self) -> Vec<AttentionItem> {
        let stopped = self.senders.iter().filter(|sender| sender.stopped.is_some());
        let mut needs: Vec<AttentionItem> = self.away_since().map(|_| AttentionItem::Database).into_iter().collect();
        needs.extend(stopped.map(|sender| AttentionItem::Sender(sender.id)));
        let unheard = self.senders.iter().filter(|sender| sender.unheard_since.is_some());
        needs.extend(unheard.map(|sender| AttentionItem::Unheard(sender.id)));
        needs.extend(self.blasts.rows().iter().flat_map(needs_of));
        needs.extend(self.activity.head.iter().flat_map(needs_of_news));
        needs
    }

    /// How many people or things one line of that list stands for.
    pub fn weight(&self, need: AttentionItem) -> i64 {
        let head = self.activity.head.as_ref();
        match need {
            AttentionItem::Uncertain(id) => self.blasts.get(id).map_or(0, |blast| blast.counts.uncertain),
            AttentionItem::Webhooks => head.map_or(0, |head| head.failed_webhooks),
            AttentionItem::Nameless => head.map_or(0, |head| head.nameless.total()),
            AttentionItem::Strangers => head.map_or(0, |head| head.strangers),
            AttentionItem::Answers => head.map_or(0, |head| head.failed_answers),
            AttentionItem::Notices => head.map_or(0, |head| head.notices),
            _ => 1,
        }
    }

    /// How many things need a person.
    pub fn needs(&self) -> i64 {
        self.needs_list().into_iter().fold(0, |sum, need| sum.saturating_add(self.weight(need)))
    }

    /// The same apart, to see what has come since.
    pub fn needs_by_item(&self) -> BTreeMap<AttentionItem, i64> {
        self.needs_list().into_iter().map(|need| (need, self.weight(need))).collect()
    }

    /// The blast where it is fixed; for a sender the blast that it holds up, else one that is open, else one that will wait for it.
    pub fn blast_of(&self, need: AttentionItem) -> Option<BlastId> {
        let id = match need {
            AttentionItem::Paused(id) | AttentionItem::Waits(id) | AttentionItem::Uncertain(id) => {
                return self.blasts.get(id).map(|blast| blast.id);
            }
            AttentionItem::Sender(id) | AttentionItem::Unheard(id) => id,
            AttentionItem::Database
            | AttentionItem::Webhooks
            | AttentionItem::Nameless
            | AttentionItem::Strangers
            | AttentionItem::Answers
            | AttentionItem::Notices => return None,
        };
        let of_sender = || self.blasts.rows().iter().filter(move |blast| blast.sender_id == id);
        let waits = |blast: &&BlastView| matches!(blast.waiting, Some(Waiting::SenderStopped { .. }));
        let is_open = |blast: &&BlastView| matches!(blast.state, BlastState::Sending | BlastState::Paused);
        let held_up = of_sender().filter(waits).find(|blast| blast.state == BlastState::Sending);
        held_up.or_else(|| of_sender().find(is_open)).or_else(|| of_sender().find(waits)).map(|blast| blast.id)
    }
}

/// The order of steps that come by themselves: the next one first, those that come at no set time last.
fn when_it_comes(view: &StepView) -> (u8, Option<DateTime<Utc>>) {
    match view.standing() {
        StepStanding::SendsNext(_) => (0, None),
        StepStanding::ComesAt(at) => (1, Some(at)),
        _ => (2, None),
    }
}

/// A wait for the provider, a retry or a pace that is shorter is no news.
const LONG: TimeDelta = TimeDelta::minutes(5);

/// What a blast waits for that ends by itself, as its engine says.
fn reported_wait(blast: &BlastView, now: DateTime<Utc>) -> Option<&Waiting> {
    let waiting = blast.waiting.as_ref().filter(|_| blast.state == BlastState::Sending && !blast.asks_for_person())?;
    let left = waiting.until()? - now;
    let stands = if is_at_a_set_time(waiting) { left > TimeDelta::zero() } else { left >= LONG };
    stands.then_some(waiting)
}

/// Whether nothing is sent before a time that was set by somebody, however soon it is.
const fn is_at_a_set_time(waiting: &Waiting) -> bool {
    matches!(
        waiting,
        Waiting::Window { .. } | Waiting::DailyCap { .. } | Waiting::PeopleLimit { .. } | Waiting::OwnTime { .. }
    )
}

/// A stopped sender and uncertain people are lines of their own.
fn needs_of(blast: &BlastView) -> Vec<AttentionItem> {
    let is_own_line = matches!(blast.waiting, Some(Waiting::SenderStopped { .. } | Waiting::Uncertain { .. }));
    let asks = blast.asks_for_person() && !is_own_line;
    let kind = if matches!(blast.state, BlastState::Paused | BlastState::Draft) {
        AttentionItem::Paused
    } else {
        AttentionItem::Waits
    };
    let uncertain = (blast.counts.uncertain > 0).then_some(AttentionItem::Uncertain(blast.id));
    asks.then_some(kind(blast.id)).into_iter().chain(uncertain).collect()
}

fn needs_of_news(head: &ActivityHead) -> Vec<AttentionItem> {
    let counted = [
        (AttentionItem::Webhooks, head.failed_webhooks),
        (AttentionItem::Nameless, head.nameless.total()),
        (AttentionItem::Strangers, head.strangers),
        (AttentionItem::Answers, head.failed_answers),
        (AttentionItem::Notices, head.notices),
    ];
    counted.into_iter().filter(|(_, count)| *count > 0).map(|(need, _)| need).collect()
}
