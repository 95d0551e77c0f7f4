//! Which events there are, and which of them a hook asks for.

use std::collections::BTreeSet;

use crate::domain::blast::BlastState;
use crate::domain::order::OrderState;
use crate::domain::status::Status;
use crate::domain::text::{clean, nearest};

/// One kind of event. Kinds are only ever added; `docs/API.md` documents each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EventKind {
    /// Somebody started a draft; nothing may have been sent yet.
    BlastLaunched,
    /// A launch was taken back before anything was sent.
    BlastLaunchUndone,
    BlastPaused,
    BlastResumed,
    BlastCompleted,
    /// A completed blast goes on: somebody in it is to be sent to again.
    BlastReopened,
    BlastCancelled,
    /// Nothing could be sent, for good.
    BlastFailed,
    /// Somebody who was done with is to be sent to again.
    RecipientQueued,
    RecipientUncertain,
    RecipientSent,
    RecipientDelivered,
    RecipientRead,
    RecipientReplied,
    RecipientClosed,
    RecipientFailed,
    RecipientOptedOut,
    RecipientSkipped,
    /// They went back to an earlier stage: an operator took a mark back.
    RecipientCorrected,
    ReplyReceived,
    /// Somebody ordered, or an operator wrote it.
    OrderReceived,
    OrderConfirmed,
    OrderPaid,
    OrderFulfilled,
    OrderCancelled,
    /// An operator changed its items; its state is the same.
    OrderEdited,
    /// Somebody is not to be messaged any more by a business.
    OptOutAdded,
    /// Somebody may be messaged again in future blasts.
    OptOutRemoved,
}

/// The tables that events are read from. Each has its own cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EventSource {
    /// Changes of blasts' states.
    Changes,
    /// Changes of people's statuses.
    History,
    Replies,
    OptOuts,
    OptOutRemovals,
    /// Changes of orders: of their states, and edits.
    Orders,
}

impl EventSource {
    /// In the order in which a hook reads them.
    pub const ALL: [Self; 6] =
        [Self::Changes, Self::History, Self::Replies, Self::OptOuts, Self::OptOutRemovals, Self::Orders];

    /// The word in the database.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Changes => "changes",
            Self::History => "history",
            Self::Replies => "replies",
            Self::OptOuts => "opt_outs",
            Self::OptOutRemovals => "opt_out_removals",
            Self::Orders => "orders",
        }
    }

    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|source| source.word() == word)
    }
}

impl EventKind {
    pub const ALL: [Self; 28] = [
        Self::BlastLaunched,
        Self::BlastLaunchUndone,
        Self::BlastPaused,
        Self::BlastResumed,
        Self::BlastCompleted,
        Self::BlastReopened,
        Self::BlastCancelled,
        Self::BlastFailed,
        Self::RecipientQueued,
        Self::RecipientUncertain,
        Self::RecipientSent,
        Self::RecipientDelivered,
        Self::RecipientRead,
        Self::RecipientReplied,
        Self::RecipientClosed,
        Self::RecipientFailed,
        Self::RecipientOptedOut,
        Self::RecipientSkipped,
        Self::RecipientCorrected,
        Self::ReplyReceived,
        Self::OrderReceived,
        Self::OrderConfirmed,
        Self::OrderPaid,
        Self::OrderFulfilled,
        Self::OrderCancelled,
        Self::OrderEdited,
        Self::OptOutAdded,
        Self::OptOutRemoved,
    ];

    /// Its name in a configuration and in a call.
    pub const fn word(self) -> &'static str {
        match self {
            Self::BlastLaunched => "blast.launched",
            Self::BlastLaunchUndone => "blast.launch_undone",
            Self::BlastPaused => "blast.paused",
            Self::BlastResumed => "blast.resumed",
            Self::BlastCompleted => "blast.completed",
            Self::BlastReopened => "blast.reopened",
            Self::BlastCancelled => "blast.cancelled",
            Self::BlastFailed => "blast.failed",
            Self::RecipientQueued => "recipient.queued",
            Self::RecipientUncertain => "recipient.uncertain",
            Self::RecipientSent => "recipient.sent",
            Self::RecipientDelivered => "recipient.delivered",
            Self::RecipientRead => "recipient.read",
            Self::RecipientReplied => "recipient.replied",
            Self::RecipientClosed => "recipient.closed",
            Self::RecipientFailed => "recipient.failed",
            Self::RecipientOptedOut => "recipient.opted_out",
            Self::RecipientSkipped => "recipient.skipped",
            Self::RecipientCorrected => "recipient.corrected",
            Self::ReplyReceived => "reply.received",
            Self::OrderReceived => "order.received",
            Self::OrderConfirmed => "order.confirmed",
            Self::OrderPaid => "order.paid",
            Self::OrderFulfilled => "order.fulfilled",
            Self::OrderCancelled => "order.cancelled",
            Self::OrderEdited => "order.edited",
            Self::OptOutAdded => "opt_out.added",
            Self::OptOutRemoved => "opt_out.removed",
        }
    }

    pub fn source(self) -> EventSource {
        match self.word().split_once('.') {
            Some(("blast", _)) => EventSource::Changes,
            Some(("recipient", _)) => EventSource::History,
            Some(("reply", _)) => EventSource::Replies,
            Some(("order", _)) => EventSource::Orders,
            Some((_, "removed")) => EventSource::OptOutRemovals,
            _ => EventSource::OptOuts,
        }
    }

    /// What a blast's change of state is; `None` for one that is not an event.
    pub const fn of_change(old: BlastState, new: BlastState) -> Option<Self> {
        match (old, new) {
            (BlastState::Paused, BlastState::Sending) => Some(Self::BlastResumed),
            (BlastState::Completed, BlastState::Sending) => Some(Self::BlastReopened),
            (_, BlastState::Sending) => Some(Self::BlastLaunched),
            (_, BlastState::Draft) | (BlastState::Sending, BlastState::Scheduled) => Some(Self::BlastLaunchUndone),
            (_, BlastState::Paused) => Some(Self::BlastPaused),
            (_, BlastState::Completed) => Some(Self::BlastCompleted),
            (_, BlastState::Cancelled) => Some(Self::BlastCancelled),
            (_, BlastState::Failed) => Some(Self::BlastFailed),
            (_, BlastState::Scheduled) => None,
        }
    }

    /// What an order's change is: an edit leaves its state.
    pub fn of_order(old: Option<OrderState>, new: OrderState) -> Self {
        match new {
            same if old == Some(same) => Self::OrderEdited,
            OrderState::New => Self::OrderReceived,
            OrderState::Confirmed => Self::OrderConfirmed,
            OrderState::Paid => Self::OrderPaid,
            OrderState::Fulfilled => Self::OrderFulfilled,
            OrderState::Cancelled => Self::OrderCancelled,
        }
    }

    /// What a person's change of status is; `None` for what only an engine needs to know. The screen's order of the funnel's stages is
    /// the funnel's.
    pub fn of_step(old: Status, new: Status) -> Option<Self> {
        let is_stage = |status: Status| (Status::Sent..=Status::Closed).contains(&status);
        match new {
            _ if is_stage(old) && is_stage(new) && new < old => Some(Self::RecipientCorrected),
            Status::Sending => None,
            Status::Queued => (old != Status::Sending).then_some(Self::RecipientQueued),
            Status::Uncertain => Some(Self::RecipientUncertain),
            Status::Sent => Some(Self::RecipientSent),
            Status::Delivered => Some(Self::RecipientDelivered),
            Status::Read => Some(Self::RecipientRead),
            Status::Replied => Some(Self::RecipientReplied),
            Status::Closed => Some(Self::RecipientClosed),
            Status::Failed => Some(Self::RecipientFailed),
            Status::OptedOut => Some(Self::RecipientOptedOut),
            Status::Skipped => Some(Self::RecipientSkipped),
        }
    }

    /// The status after which a step may be such an event; `None` for any.
    const fn status(self) -> Option<Status> {
        match self {
            Self::RecipientQueued => Some(Status::Queued),
            Self::RecipientUncertain => Some(Status::Uncertain),
            Self::RecipientSent => Some(Status::Sent),
            Self::RecipientDelivered => Some(Status::Delivered),
            Self::RecipientRead => Some(Status::Read),
            Self::RecipientReplied => Some(Status::Replied),
            Self::RecipientClosed => Some(Status::Closed),
            Self::RecipientFailed => Some(Status::Failed),
            Self::RecipientOptedOut => Some(Status::OptedOut),
            Self::RecipientSkipped => Some(Status::Skipped),
            _ => None,
        }
    }
}

/// The kinds that a hook asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventSelection(BTreeSet<EventKind>);

impl EventSelection {
    /// Parses names such as `blast.completed`, `recipient.*` or `*`. The error names what is unknown.
    pub fn parse(words: &[String]) -> Result<Self, String> {
        let mut kinds = BTreeSet::new();
        for word in words {
            let found: Vec<_> = EventKind::ALL.into_iter().filter(|kind| is_named(*kind, word)).collect();
            if found.is_empty() {
                let known = EventKind::ALL.into_iter().map(EventKind::word);
                let meant = nearest(word, known).map_or_else(String::new, |meant| format!(": did you mean `{meant}`?"));
                return Err(format!("`{}` is not an event{meant}", clean(word)));
            }
            kinds.extend(found);
        }
        if kinds.is_empty() {
            return Err("name at least one event, such as \"blast.*\" or \"recipient.replied\"".to_owned());
        }
        Ok(Self(kinds))
    }

    pub fn has(&self, kind: EventKind) -> bool {
        self.0.contains(&kind)
    }

    /// Whether any event of a table is asked for.
    pub fn reads(&self, source: EventSource) -> bool {
        self.0.iter().any(|kind| kind.source() == source)
    }

    /// The statuses after which a person's step may be asked for: no other row of the history is worth reading.
    pub fn statuses(&self) -> Vec<Status> {
        let is_wanted = |status: &Status| match *status {
            Status::Sending => false,
            // Where somebody goes back to.
            Status::Sent | Status::Delivered | Status::Read | Status::Replied
                if self.has(EventKind::RecipientCorrected) =>
            {
                true
            }
            status => self.0.iter().any(|kind| kind.status() == Some(status)),
        };
        Status::ALL.into_iter().filter(is_wanted).collect()
    }
}

fn is_named(kind: EventKind, word: &str) -> bool {
    match word.strip_suffix('*') {
        Some("") => true,
        Some(group) => group.ends_with('.') && kind.word().starts_with(group),
        None => kind.word() == word,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selection(words: &[&str]) -> Result<EventSelection, String> {
        EventSelection::parse(&words.iter().map(ToString::to_string).collect::<Vec<_>>())
    }

    #[test]
    fn events_are_asked_for_one_by_one_by_group_or_all() {
        let all = selection(&["*"]).unwrap();
        assert!(EventKind::ALL.into_iter().all(|kind| all.has(kind)));

        let some = selection(&["blast.*", "recipient.replied"]).unwrap();
        assert!(some.has(EventKind::BlastFailed) && some.has(EventKind::RecipientReplied));
        assert!(!some.has(EventKind::RecipientSent) && !some.has(EventKind::ReplyReceived));
        assert!(some.reads(EventSource::Changes) && some.reads(EventSource::History));
        assert!(!some.reads(EventSource::Replies) && !some.reads(EventSource::OptOuts));
        assert_eq!(some.statuses(), [Status::Replied]);

        assert_eq!(
            selection(&["recipient.replyed"]).unwrap_err(),
            "`recipient.replyed` is not an event: did you mean `recipient.replied`?"
        );
        for wrong in [&[][..], &[""], &["re*"], &["sent"], &["blast."]] {
            assert!(selection(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_step_is_told_as_what_it_is() {
        let step = |old, new| EventKind::of_step(old, new).map(EventKind::word);

        assert_eq!(step(Status::Sending, Status::Sent), Some("recipient.sent"));
        assert_eq!(step(Status::Sent, Status::Closed), Some("recipient.closed"));
        assert_eq!(step(Status::Closed, Status::Read), Some("recipient.corrected"));
        assert_eq!(step(Status::Delivered, Status::Failed), Some("recipient.failed"));
        assert_eq!(step(Status::Failed, Status::Delivered), Some("recipient.delivered"));
        assert_eq!(step(Status::Failed, Status::Queued), Some("recipient.queued"));
        assert_eq!(step(Status::Sending, Status::Queued), None, "a retry by itself");
        assert_eq!(step(Status::Queued, Status::Sending), None);
    }

    #[test]
    fn a_change_of_state_is_told_as_what_it_is() {
        let change = |old, new| EventKind::of_change(old, new).map(EventKind::word);

        assert_eq!(change(BlastState::Draft, BlastState::Sending), Some("blast.launched"));
        assert_eq!(change(BlastState::Paused, BlastState::Sending), Some("blast.resumed"));
        assert_eq!(change(BlastState::Completed, BlastState::Sending), Some("blast.reopened"));
        assert_eq!(change(BlastState::Sending, BlastState::Draft), Some("blast.launch_undone"));
        assert_eq!(
            change(BlastState::Sending, BlastState::Scheduled),
            Some("blast.launch_undone"),
            "sent before its time"
        );
        assert_eq!(change(BlastState::Draft, BlastState::Scheduled), None);
        assert_eq!(change(BlastState::Sending, BlastState::Completed), Some("blast.completed"));
    }

    #[test]
    fn whoever_asks_for_corrections_reads_where_people_go_back_to() {
        let statuses = selection(&["recipient.corrected"]).unwrap().statuses();

        assert_eq!(statuses, [Status::Sent, Status::Delivered, Status::Read, Status::Replied]);
        assert!(!selection(&["*"]).unwrap().statuses().contains(&Status::Sending));
    }

    #[test]
    fn every_kind_has_a_name_of_its_own_and_a_source() {
        let words: BTreeSet<_> = EventKind::ALL.into_iter().map(EventKind::word).collect();

        assert_eq!(words.len(), EventKind::ALL.len());
        assert_eq!(EventKind::OptOutAdded.source(), EventSource::OptOuts);
        assert_eq!(EventKind::OptOutRemoved.source(), EventSource::OptOutRemovals);
        assert_eq!(EventKind::RecipientOptedOut.source(), EventSource::History);
        assert!(EventSource::ALL.into_iter().all(|source| EventSource::from_word(source.word()) == Some(source)));
    }
}
