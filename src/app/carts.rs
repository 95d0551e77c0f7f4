//! Carts: written by operators and programs, changed while they are open, ordered once or abandoned.

use serde_json::json;
use sqlx::PgConnection;

use super::error::unread_after;
use super::forget::FORGOTTEN_MEANWHILE;
use super::marks::person_of;
use super::orders::editing::are_same;
use super::orders::items::{ItemsEdit, as_given};
use super::orders::note;
use super::orders::pricing::{Priced, SoldOut, Unpriced};
use super::orders::reentry::ReentryCommand;
use super::{App, AppError, OrderDraft, WrittenOrder};
use crate::domain::act::Act;
use crate::domain::cart::CartState;
use crate::domain::forgotten::is_forgotten;
use crate::domain::ids::{BlastId, CartId, RecipientId};
use crate::store::action::{self, NewAction};
use crate::store::cart::{self, CartQuery, CartRow, LockedCart, NewCart};
use crate::store::order::items::{self, ItemsOf};

/// A cart that was written.
#[derive(Debug, Clone)]
pub struct WrittenCart {
    pub cart: CartRow,
    pub sold_out: SoldOut,
}

/// What is to change in a cart that is open.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CartEdit {
    pub items: Option<ItemsEdit>,
    /// An empty note takes it away.
    pub note: Option<String>,
}

impl App {
    /// Carts, newest first.
    pub async fn carts(&self, query: &CartQuery) -> Result<Vec<CartRow>, AppError> {
        Ok(cart::list(self.pool(), &self.own_carts(query)).await?)
    }

    /// How many carts there are on all pages.
    pub async fn count_carts(&self, query: &CartQuery) -> Result<i64, AppError> {
        Ok(cart::count(self.pool(), &self.own_carts(query)).await?)
    }

    fn own_carts(&self, query: &CartQuery) -> CartQuery {
        CartQuery { sender: self.only_sender().or(query.sender), ..query.clone() }
    }

    pub async fn cart(&self, id: CartId) -> Result<CartRow, AppError> {
        let row = cart::get(self.pool(), id).await?.ok_or_else(|| no_cart(id))?;
        if self.only_sender().is_some_and(|own| own != row.sender_id) { Err(no_cart(id)) } else { Ok(row) }
    }

    /// Writes a cart of somebody in a blast. Products without a price are kept without one.
    pub async fn add_cart(&self, draft: &OrderDraft) -> Result<WrittenCart, AppError> {
        let note = note(draft.note.as_deref())?;
        let sender = self.require_blast(draft.blast).await?;
        let person = self.recipient_by_phone(draft.blast, &draft.phone).await?;
        let mut tx = self.begin_about(&[person.phone.as_str()]).await?;
        if is_forgotten(person_of(&mut tx, person.id).await?.phone_number.as_str()) {
            return Err(AppError::Refused(FORGOTTEN_MEANWHILE.to_owned()));
        }
        let Priced { items, sold_out } = self.priced(&mut tx, sender, &draft.items, Unpriced::Kept).await?;
        let new = NewCart {
            sender,
            blast: draft.blast,
            recipient: person.id,
            phone: person.phone.as_str(),
            name: person.name.as_deref(),
            note,
            by: self.operator(),
        };
        let id = cart::insert(&mut tx, &new).await?;
        cart::set_items(&mut tx, (id, sender), &items).await?;
        self.log_cart_act(&mut tx, (id, "written"), (draft.blast, person.id, person.phone.as_str())).await?;
        self.keep_written(&mut tx, id.0).await?;
        tx.commit().await?;
        let cart = self.cart(id).await.map_err(unread_after(format!("cart {id} is written")))?;
        Ok(WrittenCart { cart, sold_out })
    }

    /// Changes an open cart.
    pub async fn edit_cart(&self, id: CartId, edit: &CartEdit) -> Result<WrittenCart, AppError> {
        let cart = self.cart(id).await?;
        let mut sold_out = SoldOut::default();
        let mut tx = self.begin_about(&[cart.phone_number.as_str()]).await?;
        let cart = self.hold_open(&mut tx, id).await?;
        let mut is_changed = false;
        if let Some(text) = &edit.note {
            let note = note(Some(text))?;
            is_changed = note != cart.note.as_deref();
            cart::set_note(&mut tx, id, note).await?;
        }
        if let Some(items) = &edit.items {
            let now = items::of(&mut tx, ItemsOf::Cart(id)).await?;
            let wanted = items.applied_to(&now, ItemsOf::Cart(id))?;
            let priced = self.priced(&mut tx, cart.sender_id, &wanted, Unpriced::Kept).await?;
            is_changed |= !are_same(&now, &priced.items);
            cart::set_items(&mut tx, (id, cart.sender_id), &priced.items).await?;
            sold_out = priced.sold_out;
        }
        if is_changed {
            self.log_cart_act(&mut tx, (id, "changed"), whose(&cart)).await?;
        }
        tx.commit().await?;
        let cart = self.cart(id).await.map_err(unread_after(format!("cart {id} is changed")))?;
        Ok(WrittenCart { cart, sold_out })
    }

    /// Writes an order from an open cart, which closes its person, in one transaction: of two who order the same cart the second is
    /// refused.
    pub async fn order_cart(&self, id: CartId) -> Result<WrittenOrder, AppError> {
        let cart = self.cart(id).await?;
        let mut tx = self.begin_about(&[cart.phone_number.as_str()]).await?;
        let held = self.hold_open(&mut tx, id).await?;
        let now = items::of(&mut tx, ItemsOf::Cart(id)).await?;
        let items = now.iter().map(|held| as_given(&held.row)).collect::<Result<_, _>>()?;
        let LockedCart { blast_id: blast, phone_number: phone, note, .. } = held;
        let draft = OrderDraft { blast, phone, items, note };
        let whose = (held.sender_id, held.recipient_id, Unpriced::RefusedInCart(id));
        let (order, sold_out) = Box::pin(self.write_order(&mut tx, whose, &draft)).await?;
        cart::end(&mut tx, id, Some(order), self.operator()).await?;
        tx.commit().await?;
        self.notify(blast).await;
        let order = self.order(order).await.map_err(unread_after(format!("order {order} of cart {id} is written")))?;
        Ok(WrittenOrder { order, sold_out })
    }

    /// Ends an open cart that is not going to be ordered.
    pub async fn abandon_cart(&self, id: CartId) -> Result<CartRow, AppError> {
        let cart = self.cart(id).await?;
        let mut tx = self.begin_about(&[cart.phone_number.as_str()]).await?;
        let held = self.hold_open(&mut tx, id).await?;
        cart::end(&mut tx, id, None, self.operator()).await?;
        self.log_cart_act(&mut tx, (id, "abandoned"), whose(&held)).await?;
        tx.commit().await?;
        self.cart(id).await.map_err(unread_after(format!("cart {id} is abandoned")))
    }

    /// What was done with a cart is an act of its own: no older one is taken back in its place.
    async fn log_cart_act(
        &self,
        tx: &mut PgConnection,
        (id, was): (CartId, &str),
        (blast, recipient, phone): (BlastId, RecipientId, &str),
    ) -> Result<(), AppError> {
        let (operator, detail) = (self.acting_operator(), json!({ "cart": id, "cart_was": was }));
        let (blast, recipient, phone) = (Some(blast), Some(recipient), Some(phone));
        action::log(tx, NewAction { operator, action: Act::Edit, blast, recipient, phone, detail }).await?;
        Ok(())
    }

    /// A cart under lock, which must be open.
    async fn hold_open(&self, tx: &mut PgConnection, id: CartId) -> Result<LockedCart, AppError> {
        let held = cart::lock(tx, id).await?.ok_or_else(|| no_cart(id))?;
        match (held.state, held.order_id) {
            (CartState::Open, _) => Ok(held),
            (CartState::Ordered, Some(order)) => Err(AppError::Refused(format!(
                "cart {id} is order {order} already: `blastdeck order show {order}` shows it"
            ))),
            (state, _) => {
                let items: Vec<_> = items::of(tx, ItemsOf::Cart(id)).await?.into_iter().map(|held| held.row).collect();
                let (blast, phone) = (Some(held.blast_id), Some(held.phone_number.as_str()));
                let again = ReentryCommand { verb: "cart", sender: held.sender_id, blast, phone, items: &items };
                let again = self.written_again(tx, again).await?;
                Err(AppError::Refused(format!("cart {id} is {state}, for good: write a new one with {again}")))
            }
        }
    }
}

/// The person of a cart, in their blast.
fn whose(cart: &LockedCart) -> (BlastId, RecipientId, &str) {
    (cart.blast_id, cart.recipient_id, &cart.phone_number)
}

fn no_cart(id: CartId) -> AppError {
    AppError::NotFound(format!("there is no cart {id}: `blastdeck cart list` lists them"))
}
