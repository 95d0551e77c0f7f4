//! What is written about a customer: orders, carts, tags, notes.

use super::{EffectResult, WriteOutcome};
use crate::app::{
    App, CartEdit, CartRow, CustomerRow, ItemsEdit, OrderDraft, OrderRow, SoldOut, SteppedOrder, WrittenCart,
    WrittenOrder,
};
use crate::domain::ids::{CartId, OrderId, RecipientId};
use crate::domain::order::OrderState;
use crate::domain::phone::Phone;
use crate::tui::model::ItemsPrompt;

/// Something about a customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShopWrite {
    /// `None` of somebody who is in no blast.
    pub person: Option<RecipientId>,
    /// Whose page it was done on.
    pub phone: Phone,
    pub who: String,
    pub act: ShopAct,
    /// The field that it was typed in, where it was.
    pub typed: Option<ItemsPrompt>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ShopAct {
    Order(OrderDraft),
    /// In place of the close without an amount that a key wrote a moment ago.
    OrderOfClose(OrderDraft),
    Cart(OrderDraft),
    EditOrder(OrderId, ItemsEdit),
    EditCart(CartId, ItemsEdit),
    MoveOrder(OrderId, OrderState),
    OrderCart(CartId),
    AbandonCart(CartId),
    Tag {
        phone: Phone,
        add: Vec<String>,
        remove: Vec<String>,
    },
    Note {
        phone: Phone,
        note: String,
    },
}

impl ShopAct {
    /// Whether it cannot be undone by a key, and nothing was typed for it: it is asked about.
    #[cfg(test)]
    pub const fn needs_question(&self) -> bool {
        matches!(self, Self::MoveOrder(..) | Self::OrderCart(_) | Self::AbandonCart(_))
    }
}

/// What it came to.
#[derive(Debug, Clone, PartialEq)]
pub enum ShopOutcome {
    /// With what the catalogue calls sold out of it.
    Order(Box<OrderRow>, SoldOut),
    Stepped(Box<SteppedOrder>),
    Cart(Box<CartRow>, SoldOut),
    Tagged(Box<CustomerRow>),
    Noted,
}

impl From<WrittenOrder> for ShopOutcome {
    fn from(written: WrittenOrder) -> Self {
        Self::Order(Box::new(written.order), written.sold_out)
    }
}

impl From<WrittenCart> for ShopOutcome {
    fn from(written: WrittenCart) -> Self {
        Self::Cart(Box::new(written.cart), written.sold_out)
    }
}

pub(super) async fn write(app: &App, act: &ShopAct) -> EffectResult<WriteOutcome> {
    Ok(WriteOutcome::Shop(match act {
        ShopAct::Order(draft) => app.add_order(draft).await?.into(),
        ShopAct::OrderOfClose(draft) => app.add_order_in_place_of_close(draft).await?.into(),
        ShopAct::Cart(draft) => app.add_cart(draft).await?.into(),
        ShopAct::EditOrder(id, items) => app.edit_order(*id, items).await?.into(),
        ShopAct::EditCart(id, items) => {
            app.edit_cart(*id, &CartEdit { items: Some(items.clone()), note: None }).await?.into()
        }
        ShopAct::MoveOrder(id, next) => ShopOutcome::Stepped(Box::new(app.step_order(*id, *next).await?)),
        ShopAct::OrderCart(id) => app.order_cart(*id).await?.into(),
        ShopAct::AbandonCart(id) => ShopOutcome::Cart(Box::new(app.abandon_cart(*id).await?), SoldOut::default()),
        ShopAct::Tag { phone, add, remove } => {
            ShopOutcome::Tagged(Box::new(app.tag_customer(phone, add, remove).await?))
        }
        ShopAct::Note { phone, note } => {
            app.note_customer(phone, note).await?;
            ShopOutcome::Noted
        }
    }))
}
