//! Launches that can still be stopped, and what goes on by itself.

use chrono::{DateTime, TimeDelta, Utc};

use super::{BlastForm, Model, Notice, Overlay};
use crate::app::Launch;
use crate::app::view::BlastView;
use crate::domain::blast::BlastState;
use crate::domain::ids::{BlastId, RecipientId};

/// So long a refusal hides a launch that counts down, and a line about something else one of somebody else's.
const REFUSAL_READ: TimeDelta = TimeDelta::seconds(2);

/// The blasts are read again more often than this, also where nothing changes.
const READ_AGAIN_WITHIN: TimeDelta = TimeDelta::minutes(5);

impl Model {
    /// The launched blasts that can still be undone, each with the time until which it can.
    pub fn armed(&self) -> impl Iterator<Item = (&BlastView, DateTime<Utc>)> {
        self.blasts.rows().iter().filter_map(|blast| Some((blast, blast.armed_until(self.now)?)))
    }

    /// The armed launch that the line of messages names, with the time at which it starts: the keys that stop a launch act
    /// on this one. A message that is older than the launch does not hide it, nor for long one that says no more than what a key came to.
    pub fn announced(&self) -> Option<(&BlastView, DateTime<Utc>)> {
        let mut armed = self.armed();
        match &self.notice {
            None => armed.next(),
            Some(Notice { armed: Some(launch), .. }) => armed.find(|(blast, _)| blast.id == launch.blast),
            // Why a key did nothing was read: what stops the launch comes back into sight.
            Some(notice) if notice.yields_to_launch() && self.now - self.said_at >= REFUSAL_READ => armed.next(),
            Some(notice) => {
                let is_read = notice.yields_to_launch_of_others() && self.now - self.said_at >= REFUSAL_READ;
                armed.find(|(blast, until)| {
                    let is_of_others = !self.launched_by(blast).is_empty();
                    *until - Launch::ARMED_FOR > self.said_at || is_read && is_of_others
                })
            }
        }
    }

    /// The launch that the line of messages names and that the stop of its sender holds up: nothing of it counts down, and the key that
    /// undoes takes it back.
    pub fn announced_behind_stop(&self) -> Option<&BlastView> {
        let named = self.notice.as_ref()?.armed?.blast;
        self.blasts.get(named).filter(|blast| blast.state == BlastState::Sending && blast.is_behind_stop())
    }

    /// A launch that has not begun to send while another line stands in the place of its announcement.
    pub fn unannounced(&self) -> Option<(&BlastView, DateTime<Utc>)> {
        self.armed().next().filter(|_| self.announced().is_none())
    }

    /// The operator's own launch that counts down, also where another line stands in the place of its announcement.
    pub fn own_armed(&self) -> Option<(&BlastView, DateTime<Utc>)> {
        let is_own = |blast: &BlastView| blast.state_by.as_ref().is_some_and(|by| by.name() == self.options.operator);
        self.armed().find(|(blast, _)| is_own(blast))
    }

    /// The other blasts that the act on this one starts, as a sender that goes on starts all that waited for it: what one act armed was
    /// armed at one time. What starts at the same time by other acts is stopped by itself.
    pub fn starting_with(&self, blast: &BlastView) -> Vec<&BlastView> {
        self.armed().map(|(other, _)| other).filter(|other| is_armed_with(blast, other)).collect()
    }

    /// The same once their time has come: those of them that are being sent, and that nothing holds up.
    pub fn started_with(&self, blast: &BlastView) -> Vec<&BlastView> {
        let is_started = |other: &&BlastView| {
            let waits = other.is_held_up() || other.is_behind_stop() || self.hours_open_at(other, self.now).is_some();
            other.state == BlastState::Sending && other.has_people_left() && !waits
        };
        let of_act = self.blasts.rows().iter().filter(|other| is_armed_with(blast, other));
        of_act.filter(is_started).filter(|other| other.armed_until(self.now).is_none()).collect()
    }

    /// The blast that `p` pauses: the one that the screen is about, or the launch that counts down where that is not being sent. A page or
    /// a line of what needs somebody that is about no blast is not about the one in the list behind it. On the line of a step `p` is for
    /// that.
    pub fn to_pause(&self) -> Option<&BlastView> {
        if self.chosen_step().is_some() {
            return None;
        }
        let is_sent = |blast: &&BlastView| matches!(blast.state, BlastState::Sending | BlastState::Scheduled);
        let announced = || self.announced().map(|(blast, _)| blast);
        let armed = || announced().or_else(|| self.own_armed().map(|(blast, _)| blast));
        let meant = self.blast_on_screen();
        meant.filter(is_sent).or_else(armed).or(meant)
    }

    /// The blast that the open page or the line at its cursor is about, which need not be the selected one behind it. `None` where that is
    /// none: the line of a sender leads to one of the blasts that it holds up, and names none of them.
    fn blast_on_screen(&self) -> Option<&BlastView> {
        if self.is_sender_line() {
            return None;
        }
        let of = match self.overlays.last() {
            Some(Overlay::Needs(_)) => self.line_blast(),
            Some(Overlay::Details(_)) => self.person().map(|row| row.blast_id).or(self.people_of()),
            Some(Overlay::Customer(page)) => page.person.map(|(_, blast)| blast),
            Some(Overlay::FollowUp(page)) => Some(page.blast),
            Some(Overlay::FollowFound(page)) => Some(page.from.blast),
            _ => return self.blast_meant(),
        };
        self.blasts.get(of?)
    }

    /// The blast that a dashboard opens on: one that is being sent or starts, before one that waits, before one that asks for somebody. Of
    /// two alike the upper one. A follow-up stands below the blast that it follows, however new it is.
    pub fn opens_on(&self) -> Option<BlastId> {
        let rank = |blast: &&BlastView| match blast.state {
            _ if is_under_way(blast) => 0,
            BlastState::Sending if blast.has_people_left() => 1,
            _ if blast.asks_for_person() || blast.asks_first(self.now) => 2,
            _ => 3,
        };
        self.blasts.rows().iter().min_by_key(rank).map(|blast| blast.id)
    }

    /// Which other blasts are being sent, as the end of a sentence about one that is not.
    pub fn others_being_sent(&self, shown: BlastId) -> String {
        let is_sent = |blast: &&BlastView| is_under_way(blast) && blast.armed_until(self.now).is_none();
        let others = self.blasts.rows().iter().filter(|blast| blast.id != shown).filter(is_sent);
        let names: Vec<String> = others.map(|blast| self.distinct_name(blast)).collect();
        match &names[..] {
            [] => String::new(),
            [one] => format!("; {one} is being sent"),
            [one, other] => format!("; {one} and {other} are being sent"),
            [one, rest @ ..] => format!("; {one} and {} others are being sent", rest.len()),
        }
    }

    /// The next time at which something happens by itself.
    pub fn deadline(&self) -> Option<DateTime<Utc>> {
        let save = self.form.as_deref().and_then(BlastForm::save_due);
        // Once it is over, the screen says so.
        let overdue = self.unwritten.overdue_at().filter(|at| *at > self.now);
        // The seconds that are left are counted down.
        let second = |until: DateTime<Utc>| {
            let left = (until - self.now + TimeDelta::milliseconds(999)).num_seconds();
            until - TimeDelta::seconds((left - 1).max(0))
        };
        let armed = self.armed().map(|(_, until)| second(until));
        armed.chain(save).chain(overdue).chain(self.due_behind_stop()).min()
    }

    /// When the time of a blast comes whose sender is stopped: nothing happens that would be read, but it waits from then on. Long before that
    /// everything is read again.
    fn due_behind_stop(&self) -> impl Iterator<Item = DateTime<Utc>> {
        let is_held = |blast: &&BlastView| blast.state == BlastState::Scheduled && blast.is_behind_stop();
        let starts = self.blasts.rows().iter().filter(is_held).filter_map(|blast| blast.send_after);
        starts.filter(|at| *at > self.now && *at - self.now < READ_AGAIN_WITHIN)
    }

    /// Whether somebody's sale was typed a while ago, and the database has not confirmed it.
    pub fn is_unconfirmed(&self, person: RecipientId) -> bool {
        self.unwritten.overdue(self.now).is_some() && self.unwritten.closes(person)
    }

    /// Blasts that are paused part-way, by whomever: some of their people were sent to, others are queued still.
    pub fn paused_part_way(&self) -> impl Iterator<Item = &BlastView> {
        let is_begun = |blast: &&BlastView| blast.counts.total() > blast.counts.queued;
        self.paused_with_people().filter(is_begun)
    }

    /// Blasts that a person paused while somebody in them is queued. Of one that repeats nobody is.
    pub fn paused_by_people(&self) -> impl Iterator<Item = &BlastView> {
        self.paused_with_people().filter(|blast| !blast.asks_for_person())
    }

    fn paused_with_people(&self) -> impl Iterator<Item = &BlastView> {
        let is_paused = |blast: &&BlastView| blast.state == BlastState::Paused;
        let has_people = |blast: &&BlastView| blast.counts.queued > 0 && blast.origin.repeat.rule.is_none();
        self.blasts.rows().iter().filter(is_paused).filter(has_people)
    }

    /// Blasts that would continue without this window.
    pub fn in_flight(&self) -> impl Iterator<Item = &BlastView> {
        let has_people_left = |blast: &&BlastView| blast.counts.queued + blast.counts.sending > 0;
        self.blasts.rows().iter().filter(|blast| blast.state == BlastState::Sending).filter(has_people_left)
    }
}

/// Whether another blast was armed by the act that armed this one.
fn is_armed_with(blast: &BlastView, other: &BlastView) -> bool {
    let at_one_time = other.armed_at.is_some() && other.armed_at == blast.armed_at;
    other.id != blast.id && other.sender_id == blast.sender_id && at_one_time
}

/// Whether messages of a blast go out one after another, or are about to.
fn is_under_way(blast: &BlastView) -> bool {
    let is_sending = blast.state == BlastState::Sending && blast.has_people_left();
    is_sending && !blast.asks_for_person() && !blast.is_held_up()
}
