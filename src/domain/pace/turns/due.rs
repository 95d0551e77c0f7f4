//! The people of a blast, as a walk sends to them: of those who are due and whose hours are open, the first due goes first.

use chrono::{DateTime, Utc};

use super::super::Window;
use super::super::forecast::opening;
use super::ConcurrentBacklog;

/// People of a blast who are due at a time of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DueShare {
    pub people: u64,
    pub due: DateTime<Utc>,
    /// The hours of their own that hold for them, else those of the blast do: whoever comes up while these are closed is due when they
    /// open.
    pub window: Option<Window>,
}

/// Everybody of a blast who is still to be sent to.
pub(super) struct DueQueue {
    left: u64,
    /// Those without a time of their own, then the shares in the order in which they were given.
    groups: Vec<DueGroup>,
    /// Which of them goes next, as was found last.
    next: usize,
}

struct DueGroup {
    left: u64,
    due: DateTime<Utc>,
    window: Option<Window>,
    /// The opening that was found last.
    open: (DateTime<Utc>, DateTime<Utc>),
    /// When the last of those who were sent to had it.
    last: Option<DateTime<Utc>>,
}

impl DueQueue {
    /// Of more people than are queued those who are due last are left out: others are sent to before them.
    pub(super) fn new(blast: &ConcurrentBacklog) -> Self {
        let own = |people: u64, due, window| DueGroup {
            left: people,
            due,
            window,
            open: (DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MIN_UTC),
            last: None,
        };
        let with_own_time = blast.dues.iter().map(|share| share.people).fold(0, u64::saturating_add);
        let others = own(blast.queued.saturating_sub(with_own_time), blast.begins, blast.window);
        let shares = blast.dues.iter().map(|share| own(share.people, share.due, share.window.or(blast.window)));
        let mut groups: Vec<_> = std::iter::once(others).chain(shares).collect();
        let mut in_turn: Vec<&mut DueGroup> = groups.iter_mut().collect();
        in_turn.sort_by_key(|group| group.due);
        let mut left = blast.queued;
        for group in in_turn {
            group.left = group.left.min(left);
            left -= group.left;
        }
        Self { left: blast.queued - left, groups, next: 0 }
    }

    pub(super) const fn left(&self) -> u64 {
        self.left
    }

    /// When the next of them may be sent to, not before `earliest`; `None` where no hours open again.
    pub(super) fn ready_at(&mut self, earliest: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let groups = self.groups.iter_mut().enumerate().filter(|(_, group)| group.left > 0);
        let first = groups.filter_map(|(place, group)| Some((group.ready_at(earliest)?, group.due, place))).min();
        let (ready, _, place) = first?;
        self.next = place;
        Some(ready)
    }

    /// How many of those who go next are left, and when their hours close.
    pub(super) fn next_up(&self) -> (u64, DateTime<Utc>) {
        let group = &self.groups[self.next];
        (group.left, group.open.1)
    }

    /// So many of those who go next are sent to, the last of them at `last`.
    pub(super) fn send(&mut self, messages: u64, last: DateTime<Utc>) {
        let group = &mut self.groups[self.next];
        group.left -= messages;
        group.last = Some(last);
        self.left -= messages;
    }

    /// When the last of each share had it; `None` of those who did not all have it.
    pub(super) fn ends(&self) -> impl Iterator<Item = Option<DateTime<Utc>>> {
        self.groups.iter().skip(1).map(|group| group.last.filter(|_| group.left == 0))
    }
}

impl DueGroup {
    fn ready_at(&mut self, earliest: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let earliest = earliest.max(self.due);
        if earliest >= self.open.1 {
            self.open = opening(self.window, earliest)?;
            if self.open.0 > earliest {
                self.due = self.open.0;
            }
        }
        Some(earliest.max(self.open.0))
    }
}
