//! One customer over all blasts, with what they ordered.

use crate::app::{CartRow, CustomerSheet, OrderRow};
use crate::domain::forgotten;
use crate::domain::ids::{BlastId, CartId, OrderId, RecipientId};
use crate::domain::phone::Phone;
use crate::tui::widget::TextField;

/// The page of the customer behind a person, or of somebody who wrote and is in no blast.
#[derive(Debug, Clone, PartialEq)]
pub struct CustomerOverlay {
    /// Whom new orders are written for, and in which blast; `None` of somebody who is in no blast.
    pub person: Option<(RecipientId, BlastId)>,
    pub phone: Phone,
    pub who: String,
    /// `None` until it is read.
    pub loaded: Option<Box<CustomerSheet>>,
    /// Why it could not be read.
    pub failure: Option<String>,
    /// The order or cart at the cursor; `None`: the first one.
    pub chosen: Option<SaleKey>,
    /// How many lines it was scrolled away from the chosen one.
    pub peek: isize,
}

/// An order or a cart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SaleKey {
    Order(OrderId),
    Cart(CartId),
}

/// The same with what is known of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum SaleLine<'a> {
    Order(&'a OrderRow),
    Cart(&'a CartRow),
}

impl SaleLine<'_> {
    pub const fn key(self) -> SaleKey {
        match self {
            Self::Order(order) => SaleKey::Order(order.id),
            Self::Cart(cart) => SaleKey::Cart(cart.id),
        }
    }
}

impl CustomerOverlay {
    /// Whether they asked to be forgotten: nothing new is written for them.
    pub fn is_forgotten(&self) -> bool {
        forgotten::is_forgotten(self.phone.as_str())
    }

    /// Orders, then carts, in the order of the screen.
    pub fn sales(&self) -> Vec<SaleLine<'_>> {
        let Some(sheet) = &self.loaded else { return Vec::new() };
        sheet.orders.iter().map(SaleLine::Order).chain(sheet.carts.iter().map(SaleLine::Cart)).collect()
    }

    /// The one at the cursor.
    pub fn at_cursor(&self) -> Option<SaleLine<'_>> {
        let sales = self.sales();
        let chosen = sales.iter().find(|sale| Some(sale.key()) == self.chosen);
        chosen.or_else(|| sales.first()).copied()
    }

    /// To the next one or the one before.
    pub fn step(&mut self, by: isize) {
        let keys: Vec<_> = self.sales().into_iter().map(SaleLine::key).collect();
        let at = keys.iter().position(|key| Some(*key) == self.chosen).unwrap_or_default();
        let at = at.saturating_add_signed(by).min(keys.len().saturating_sub(1));
        self.chosen = keys.get(at).copied();
        self.peek = 0;
    }
}

/// Items of an order or cart, tags or a note, being typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemsPrompt {
    pub person: Option<RecipientId>,
    pub phone: Phone,
    pub who: String,
    pub of: ItemsTarget,
    pub field: TextField,
    /// Why what was typed cannot be taken.
    pub trouble: Option<String>,
}

/// What is typed for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ItemsTarget {
    NewOrder {
        blast: BlastId,
        close: CloseBefore,
    },
    NewCart {
        blast: BlastId,
    },
    Changes(SaleKey),
    /// No items: tags of theirs.
    Tags,
    /// No items: a note about them.
    Note,
}

/// Whether a key closed them a moment ago, which an order then takes the place of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CloseBefore {
    None,
    ByKey,
}
