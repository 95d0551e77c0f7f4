//! Carts with their items: written by operators and programs, ordered once or abandoned.

pub mod audit;
mod rows;

use sqlx::{FromRow, PgConnection};

pub use rows::{CartQuery, CartRow, count, get, list, waiting_since};

use super::StoreError;
use crate::domain::cart::CartState;
use crate::domain::forgotten::STAND_IN;
use crate::domain::ids::{BlastId, CartId, OrderId, RecipientId, SenderId};
use crate::domain::order::{OrderTotal, OrderedItem};
use crate::store::order::items::{self, ItemsOf, SoldBy};

/// A cart to keep.
#[derive(Debug, Clone)]
pub struct NewCart<'a> {
    pub sender: SenderId,
    pub blast: BlastId,
    pub recipient: RecipientId,
    /// With the plus.
    pub phone: &'a str,
    pub name: Option<&'a str>,
    pub note: Option<&'a str>,
    /// The operator or token that wrote it.
    pub by: &'a str,
}

/// Keeps a cart without items.
pub async fn insert(tx: &mut PgConnection, cart: &NewCart<'_>) -> Result<CartId, StoreError> {
    let id = sqlx::query_scalar(
        "insert into carts (sender_id, blast_id, recipient_id, phone_number, name, note, created_by)
         values ($1, $2, $3, $4, $5, $6, $7) returning id",
    )
    .bind(cart.sender)
    .bind(cart.blast)
    .bind(cart.recipient)
    .bind(cart.phone)
    .bind(cart.name)
    .bind(cart.note.map(|note| note.replace('\0', "")))
    .bind(cart.by)
    .fetch_one(tx)
    .await?;
    Ok(id)
}

/// A cart under lock.
#[derive(Debug, Clone, FromRow)]
pub struct LockedCart {
    pub sender_id: SenderId,
    pub blast_id: BlastId,
    pub recipient_id: RecipientId,
    pub phone_number: String,
    pub note: Option<String>,
    pub state: CartState,
    pub order_id: Option<OrderId>,
}

pub async fn lock(tx: &mut PgConnection, id: CartId) -> Result<Option<LockedCart>, StoreError> {
    let cart = sqlx::query_as(
        "select sender_id, blast_id, recipient_id, phone_number, note, state::text as state, order_id from carts where id = $1 for update",
    );
    Ok(cart.bind(id).fetch_optional(tx).await?)
}

/// Writes these items in the place of those before, and what they come to.
pub async fn set_items(
    tx: &mut PgConnection,
    (id, sender): (CartId, SenderId),
    ordered: &[OrderedItem],
) -> Result<(), StoreError> {
    items::clear(&mut *tx, ItemsOf::Cart(id)).await?;
    items::insert(&mut *tx, ItemsOf::Cart(id), SoldBy { sender, catalogue: None }, ordered).await?;
    let total = OrderTotal::of(ordered).ok();
    sqlx::query("update carts set total = $2, currency = $3, updated_at = now() where id = $1")
        .bind(id)
        .bind(total.as_ref().map(|total| total.sum))
        .bind(total.as_ref().map(|total| total.currency.as_str()))
        .execute(tx)
        .await?;
    Ok(())
}

pub async fn set_note(tx: &mut PgConnection, id: CartId, note: Option<&str>) -> Result<(), StoreError> {
    sqlx::query("update carts set note = $2, updated_at = now() where id = $1")
        .bind(id)
        .bind(note.map(|note| note.replace('\0', "")))
        .execute(tx)
        .await?;
    Ok(())
}

/// Ends an open cart: with the order that was written from it, or abandoned.
pub async fn end(tx: &mut PgConnection, id: CartId, order: Option<OrderId>, by: &str) -> Result<(), StoreError> {
    let state = if order.is_some() { CartState::Ordered } else { CartState::Abandoned };
    sqlx::query(
        "update carts set state = $2::text::cart_state, order_id = $3, state_by = $4, updated_at = now() where id = $1",
    )
    .bind(id)
    .bind(state)
    .bind(order)
    .bind(by)
    .execute(tx)
    .await?;
    Ok(())
}

/// Opens the cart again that a cancelled order was written from: its person ordered nothing. Of somebody who was forgotten it is over.
pub async fn reopen(tx: &mut PgConnection, order: OrderId, by: &str) -> Result<Option<CartId>, StoreError> {
    let reopened: Option<(CartId, CartState)> = sqlx::query_as(
        "update carts
            set state = case when starts_with(phone_number, $3) then 'abandoned' else 'open' end::cart_state,
                order_id = null, state_by = $2, updated_at = now()
          where order_id = $1 returning id, state::text",
    )
    .bind(order)
    .bind(by)
    .bind(STAND_IN)
    .fetch_optional(tx)
    .await?;
    Ok(reopened.filter(|(_, state)| *state == CartState::Open).map(|(id, _)| id))
}
