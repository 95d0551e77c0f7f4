//! In which order people are listed, and from which end.

use crate::app::view::{Anchor, Order};

/// The order of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ListOrder {
    #[default]
    NewestChange,
    Row,
    Name,
    Amount,
}

impl ListOrder {
    /// The next one to choose; the first follows the last.
    #[must_use]
    pub const fn next(self) -> Self {
        match self {
            Self::NewestChange => Self::Name,
            Self::Name => Self::Amount,
            Self::Amount => Self::Row,
            Self::Row => Self::NewestChange,
        }
    }

    /// In the list's title.
    pub const fn words(self, direction: ListDirection) -> &'static str {
        match (self, direction) {
            (Self::NewestChange, ListDirection::Forward) => "newest change first",
            (Self::NewestChange, ListDirection::Reversed) => "oldest change first",
            (Self::Row, ListDirection::Forward) => "in the order of the list",
            (Self::Row, ListDirection::Reversed) => "in the order of the list, last row first",
            (Self::Name, ListDirection::Forward) => "by name",
            (Self::Name, ListDirection::Reversed) => "by name, from Z",
            (Self::Amount, ListDirection::Forward) => "largest sale first",
            (Self::Amount, ListDirection::Reversed) => "smallest sale first",
        }
    }
}

impl ListOrder {
    /// How the list is read, and from which end: whoever bought nothing comes last, whichever sale is first.
    pub const fn reading(self, direction: ListDirection) -> (Order, ListDirection) {
        match (self, direction) {
            (Self::Amount, ListDirection::Reversed) => (Order::SmallestAmount, ListDirection::Forward),
            (Self::NewestChange, direction) => (Order::NewestChange, direction),
            (Self::Row, direction) => (Order::Row, direction),
            (Self::Name, direction) => (Order::Name, direction),
            (Self::Amount, direction) => (Order::Amount, direction),
        }
    }
}

/// From which end the list is shown. A reversed list is read by the same statements, from the other end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ListDirection {
    #[default]
    Forward,
    Reversed,
}

impl ListDirection {
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Forward => Self::Reversed,
            Self::Reversed => Self::Forward,
        }
    }

    /// Where a window that is seen to begin somewhere begins in the order of the statements.
    pub const fn of_anchor(self, anchor: Anchor) -> Anchor {
        match (self, anchor) {
            (Self::Forward, anchor) => anchor,
            (Self::Reversed, Anchor::Start) => Anchor::End,
            (Self::Reversed, Anchor::End) => Anchor::Start,
            (Self::Reversed, Anchor::After(place)) => Anchor::Before(place),
            (Self::Reversed, Anchor::Before(place)) => Anchor::After(place),
            (Self::Reversed, Anchor::From(place)) => Anchor::UpTo(place),
            (Self::Reversed, Anchor::UpTo(place)) => Anchor::From(place),
        }
    }

    /// Rows as they are read, in the order in which they are shown; and the same back.
    pub fn arrange<T>(self, rows: &mut [T]) {
        if self == Self::Reversed {
            rows.reverse();
        }
    }
}
