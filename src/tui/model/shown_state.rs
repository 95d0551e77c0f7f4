//! What follows from the state of a blast for the screen: by whose clocks it goes, and whether messages go out.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

use super::Model;
use crate::app::EngineChange;
use crate::app::view::{BlastView, SenderView, token_mend};
use crate::domain::act::Actor;
use crate::domain::blast::BlastState;
use crate::domain::pace::{Window, next_day_start};
use crate::domain::text::{clean, shell_word};
use crate::domain::waiting::{LimitOwner, Waiting, mend_elsewhere};
use crate::domain::zone::words::by_both_clocks;
use crate::tui::format::{TimeFormat, brief_name};

/// An engine says within this time of a start what holds the blast up.
const REPORTED_WITHIN: TimeDelta = TimeDelta::seconds(5);

impl Model {
    /// The name of a blast, with its id behind where another one of the account is called the same.
    pub fn distinct_name(&self, blast: &BlastView) -> String {
        self.with_id_of_namesake(blast, blast.name())
    }

    /// The same, short enough for a question.
    pub fn brief_distinct_name(&self, blast: &BlastView) -> String {
        let brief = brief_name(blast);
        let is_alike = |other: &BlastView| other.id != blast.id && brief_name(other) == brief;
        if self.blasts.rows().iter().any(is_alike) { format!("{brief} #{}", blast.id) } else { brief }
    }

    /// Words of a blast in which the one that it follows, or is a time of, has its name in the place of its number, as every line of the
    /// screen has it: `step 1 of Raya promo`.
    pub fn with_name_above(&self, blast: &BlastView, words: &str) -> String {
        let above = blast.follows.or(blast.origin.pattern).and_then(|id| self.blasts.get(id));
        let parts = above.and_then(|above| Some((above, words.split_once(&format!(" of blast {}", above.id))?)));
        match parts {
            Some((above, (before, after))) if !after.starts_with(|c: char| c.is_ascii_digit()) => {
                format!("{before} of {}{after}", self.brief_distinct_name(above))
            }
            _ => words.to_owned(),
        }
    }

    /// That a paused blast is resumed by a key, and where: whom that affects is shown first, for which some windows are too small.
    pub fn resumes_it(&self) -> &'static str {
        if self.layout().is_summary() { "⟨S⟩ resumes it in a larger window" } else { "⟨S⟩ resumes it" }
    }

    fn with_id_of_namesake(&self, blast: &BlastView, name: String) -> String {
        name + &self.id_of_namesake(blast).unwrap_or_default()
    }

    /// ` #7`, to stand behind the name of a blast where another one is called the same.
    pub fn id_of_namesake(&self, blast: &BlastView) -> Option<String> {
        let is_namesake = |other: &BlastView| other.is_namesake_of(blast);
        self.blasts.rows().iter().any(is_namesake).then(|| format!(" #{}", blast.id))
    }

    /// What the key that undoes does to an armed launch: of somebody else's it asks first.
    pub fn stops(&self, blast: &BlastView) -> &'static str {
        let is_ours = blast.state_by.as_ref().is_none_or(|by| by.name() == self.options.operator);
        match (is_ours, self.starting_with(blast).is_empty()) {
            (true, true) => "stops it",
            (true, false) => "stops them",
            (false, _) => "asks first",
        }
    }

    /// What a launch starts, when, and whose it is.
    pub fn starts_words(&self, blast: &BlastView, until: DateTime<Utc>) -> String {
        self.start_words_of(blast, &self.starting_with(blast), until)
    }

    /// The same with these other blasts.
    pub fn start_words_of(&self, blast: &BlastView, others: &[&BlastView], until: DateTime<Utc>) -> String {
        let (name, at) = (self.distinct_name(blast), self.at_start_after(blast, until));
        let start = match others {
            [] => format!("{name} starts"),
            [other] => format!("{name} and {} start", self.distinct_name(other)),
            several => format!("{name} and {} others start", several.len()),
        };
        format!("{start} {at}{}", self.launched_by(blast))
    }

    /// `, by ben`: who launched it, where that was another operator.
    pub fn launched_by(&self, blast: &BlastView) -> String {
        match &blast.state_by {
            Some(Actor::Operator(by)) if *by != self.options.operator => format!(", by {}", clean(by)),
            _ => String::new(),
        }
    }

    /// The key that stops an announced start, and what it does; after another act that key is for the newer one.
    pub fn stop_words(&self, blast: &BlastView) -> String {
        let keys = &self.options.keys;
        if self.announced_behind_stop().is_some_and(|named| named.id == blast.id) {
            return format!("{} stops it", keys.undo());
        }
        // Where no line names another act that key would take back, it asks about the launch.
        let names_another = self.notice.as_ref().is_some_and(|notice| notice.undoes.is_some());
        let own = || self.own_armed().filter(|_| !names_another);
        match self.announced().or_else(own).filter(|(meant, _)| meant.id == blast.id) {
            Some(_) => format!("{} {}", keys.undo(), self.stops(blast)),
            None => format!("{} pauses it", keys.pause()),
        }
    }

    /// By whose clocks a blast goes: its own zone, else its sender's.
    pub fn zone_of(&self, blast: &BlastView) -> Option<Tz> {
        blast.limits.own_zone().or_else(|| self.senders.iter().find(|sender| sender.id == blast.sender_id)?.usage.zone)
    }

    /// A time of a blast, by both clocks where its own show another one than the reader's.
    pub fn time_of(&self, blast: &BlastView, at: DateTime<Utc>) -> String {
        let clock = TimeFormat { zone: self.options.zone, now: self.now };
        by_both_clocks(at, (self.zone_of(blast), clock.zone), &clock.long(at))
    }

    /// What a blast waits for, and until when.
    pub fn wait_sentence(&self, blast: &BlastView, waiting: &Waiting) -> String {
        let clock = TimeFormat { zone: self.options.zone, now: self.now };
        waiting.sentence_by((self.zone_of(blast), clock.zone), |at| clock.long(at))
    }

    /// When the hours of a blast begin that are closed at a time.
    pub fn hours_open_at(&self, blast: &BlastView, from: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let own = blast.limits.own_window(self.zone_of(blast)?).filter(|_| !blast.origin.window_local)?;
        (!own.is_open(from)).then(|| own.next_open(from))
    }

    /// When the next day of its sender begins, where the daily cap of this one is used up and still binds at a time.
    fn cap_ends_at(&self, blast: &BlastView, from: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let usage = &self.senders.iter().find(|sender| sender.id == blast.sender_id)?.usage;
        let next = next_day_start(self.now, usage.zone?);
        usage.daily_cap.filter(|cap| usage.today >= *cap && next > from).map(|_| next)
    }

    /// When a blast starts that waits until a time: then, or once somebody is due, or the next day where the daily cap is used up, or once its
    /// hours begin. By limits that others may have replaced meanwhile no start is promised: it is the earliest.
    pub fn start_after(&self, blast: &BlastView, until: DateTime<Utc>) -> String {
        let clock = TimeFormat { zone: self.options.zone, now: self.now };
        let at = self.later_start(blast, until);
        let at = at.map_or_else(|| clock.second(until), |later| self.time_of(blast, later));
        if self.retired == Some(EngineChange::Settings) { format!("{at} at the earliest") } else { at }
    }

    /// The same behind *starts*: `at 14:02:10`, but `2 Dec 00:00` where the day is named.
    pub fn at_start_after(&self, blast: &BlastView, until: DateTime<Utc>) -> String {
        let at = self.start_after(blast, until);
        let names_day = at.split(' ').next().is_some_and(|first| !first.contains(':'));
        if names_day { at } else { format!("at {at}") }
    }

    /// When it starts where that is not at that time.
    pub fn later_start(&self, blast: &BlastView, until: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let due = blast.nobody_due.as_ref().and_then(Waiting::until).filter(|due| *due > until);
        let due = due.max(self.cap_ends_at(blast, until));
        self.hours_open_at(blast, due.unwrap_or(until)).or(due)
    }
}

impl Model {
    /// The senders that this configuration has: a blast of another one is not written here.
    pub fn usable_senders(&self) -> impl Iterator<Item = &SenderView> {
        self.senders.iter().filter(|sender| sender.token.is_some())
    }

    /// Whether another process sends right now: nothing reports it when that one is killed.
    pub fn is_sent_elsewhere(&self) -> bool {
        let is_elsewhere = |sender: &SenderView| sender.lease.as_ref().is_some_and(|lease| lease.holder != self.holder);
        let sends = |sender: &SenderView| {
            let mut blasts = self.blasts.rows().iter().filter(|blast| blast.sender_id == sender.id);
            blasts.any(|blast| blast.state == BlastState::Sending && !blast.is_held_up())
        };
        self.senders.iter().any(|sender| is_elsewhere(sender) && sends(sender))
    }

    /// Why no engine sends a blast: none runs, or none of this configuration can.
    pub fn unattended(&self, blast: &BlastView) -> String {
        if self.has_sender_of(blast) {
            return Waiting::NoEngine.to_string();
        }
        format!("nobody is sending: sender {} is not configured here", blast.sender)
    }

    /// What a person can do about what a blast waits for. An engine of this configuration does not help a sender that it has not.
    pub fn mend(&self, blast: &BlastView, waiting: &Waiting) -> Option<String> {
        if *waiting == Waiting::NoEngine && !self.has_sender_of(blast) {
            return Some(self.options.pasteable(&mend_elsewhere(&blast.sender)));
        }
        if let Waiting::Uncertain { .. } = waiting {
            return Some(self.goes_to_uncertain());
        }
        if let Waiting::TokenRefused { is_elsewhere: false, .. } = waiting
            && let Some(mend) = self.goes_on_with_token(blast)
        {
            return Some(mend);
        }
        let mend = waiting.mend_with((blast.id, blast.origin.local_time), &blast.sender);
        mend.map(|mend| self.options.pasteable(&mend))
    }

    /// How the refused token of a blast's sender is replaced, where that is configured here.
    fn goes_on_with_token(&self, blast: &BlastView) -> Option<String> {
        let sender = self.senders.iter().find(|sender| sender.id == blast.sender_id)?;
        Some(format!("{}: it then goes on by itself", self.token_mend(sender)?))
    }

    /// How the refused token of a sender is replaced, where it is configured here. Once the configuration has changed, what this window
    /// read says no more where the token belongs.
    pub fn token_mend(&self, sender: &SenderView) -> Option<String> {
        let token = sender.token.as_ref()?;
        if self.retired != Some(EngineChange::Settings) {
            return Some(token_mend(token));
        }
        let check = self.options.call(&format!("blastdeck sender check {}", shell_word(&sender.name)));
        Some(format!(
            "the configuration has changed: open this window again, or run `{check}`, to see where the right token belongs, and mend it there"
        ))
    }

    /// The key that goes to those of whom nobody knows whether their message went.
    pub fn goes_to_uncertain(&self) -> String {
        format!("{} goes to them", self.options.keys.needs())
    }

    /// Whether this configuration has the sender of a blast; also while that is not read.
    fn has_sender_of(&self, blast: &BlastView) -> bool {
        self.senders.iter().all(|sender| sender.id != blast.sender_id || sender.token.is_some())
    }

    /// Where the limit that a blast waits for is set; `None` where it is the blast's own, or none that somebody sets.
    pub fn limit_place(&self, blast: &BlastView) -> Option<String> {
        let sender = self.senders.iter().find(|sender| sender.id == blast.sender_id)?;
        let key = match blast.waiting.as_ref()? {
            Waiting::Gap { .. } if blast.limits.gap.is_none() => "gap",
            Waiting::Rate { whose: LimitOwner::Sender, .. } => "rate",
            Waiting::DailyCap { .. } => "daily_cap",
            _ => return None,
        };
        Some(config_place(sender, &[key]))
    }

    /// What a blast that is being sent waits for where its engine has not said so yet, as in the first moment of a start: the next day, where
    /// the daily cap of its sender is used up, or its hours.
    pub fn unreported_wait(&self, blast: &BlastView) -> Option<Waiting> {
        let is_said = |waiting: &Waiting| waiting.until().is_none_or(|until| until > self.now);
        let is_sent = blast.state == BlastState::Sending && blast.counts.queued > 0;
        if !is_sent || blast.armed_until(self.now).is_some() || blast.waiting.as_ref().is_some_and(is_said) {
            return None;
        }
        let own = self.zone_of(blast).and_then(|zone| blast.limits.own_window(zone));
        let own = own.filter(|_| !blast.origin.window_local);
        let closed = || {
            let own = own.filter(|own| !own.is_open(self.now))?;
            Some(Waiting::Window { window: own.to_string(), until: own.next_open(self.now) })
        };
        self.capped_from_start(blast, own).or_else(closed)
    }

    /// The same of the daily cap alone. Where nobody is due before the next day, that is what it waits for.
    fn capped_from_start(&self, blast: &BlastView, own: Option<Window>) -> Option<Waiting> {
        let has_just_started = blast.send_after.is_some_and(|at| self.now - at <= REPORTED_WITHIN);
        let next_day = self.cap_ends_at(blast, self.now).filter(|_| has_just_started)?;
        let due = blast.nobody_due.as_ref().and_then(Waiting::until);
        let cap = self.senders.iter().find(|sender| sender.id == blast.sender_id)?.usage.daily_cap?;
        if due.is_some_and(|due| due > next_day) {
            return None;
        }
        let until = own.map_or(next_day, |own| own.next_open(next_day));
        let hours = own.filter(|_| until > next_day).map(|own| own.to_string());
        Some(Waiting::DailyCap { cap, until, hours })
    }
}

/// Where limits of a sender are set: `config: gap, daily_cap of [[senders]] sales`.
pub fn config_place(sender: &SenderView, keys: &[&str]) -> String {
    format!("config: {} of [[senders]] {}", keys.join(", "), sender.name)
}

/// Whether messages go out, one after the other by its pace.
pub fn is_going_out(blast: &BlastView, now: DateTime<Utc>) -> bool {
    blast.shown_state(now) == "sending"
}
