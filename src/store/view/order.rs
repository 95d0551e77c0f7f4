//! The orders of people, and a row's place in them.

use std::cmp::Ordering;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;

use super::RecipientRow;
use crate::domain::ids::RecipientId;

/// The order of a window. Ties are broken by id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Newest status change first. Where a filter asks for more than a status, only for up to [`super::SORTED_MAX`] people.
    NewestChange,
    /// As they stand in the list of people; any number.
    Row,
    /// By name, capitals like small letters, those without one first; only for up to [`super::SORTED_MAX`] people.
    Name,
    /// The largest sale first, those without one last; only for up to [`super::SORTED_MAX`] people.
    Amount,
    /// The smallest sale first, those without one last; as few people.
    SmallestAmount,
}

impl Order {
    /// How the statements of [`super::recipients::window`] put two people, each at the place at which they were read: who keeps a part of
    /// a list puts rows into it by this.
    pub fn compare(self, a: (RowPosition, &RecipientRow), b: (RowPosition, &RecipientRow)) -> Ordering {
        let by_id = a.0.id.cmp(&b.0.id);
        match self {
            Self::NewestChange => b.0.changed_at.cmp(&a.0.changed_at).then(by_id),
            Self::Row => by_id,
            Self::Name => a.1.name_key().cmp(&b.1.name_key()).then(by_id),
            Self::Amount => b.0.amount.cmp(&a.0.amount).then(by_id),
            Self::SmallestAmount => {
                let key = |place: RowPosition| (place.amount.is_none(), place.amount);
                key(a.0).cmp(&key(b.0)).then(by_id)
            }
        }
    }
}

/// A row's place in every order, as it was read; the name is looked up, since it does not change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowPosition {
    pub changed_at: DateTime<Utc>,
    pub id: RecipientId,
    pub amount: Option<Decimal>,
}

impl RecipientRow {
    /// What they are sorted by.
    fn name_key(&self) -> String {
        self.name.as_deref().unwrap_or_default().to_lowercase()
    }

    pub const fn place(&self) -> RowPosition {
        RowPosition { changed_at: self.changed_at, id: self.id, amount: self.amount }
    }
}
