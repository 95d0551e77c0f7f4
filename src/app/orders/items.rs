//! Changes of the items of carts and orders.

use rust_decimal::Decimal;

use super::NewOrderItem;
use crate::app::AppError;
use crate::domain::order::KeptProduct;
use crate::domain::text::clean;
use crate::store::order::OrderItemRow;

/// Other items.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ItemsEdit {
    /// In the place of all before.
    Whole(Vec<NewOrderItem>),
    Changes(Vec<ItemChange>),
}

/// A change of one item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ItemChange {
    /// As many of it as this says, whether it was there or not; its price stays unless another is given.
    Set(NewOrderItem),
    /// The item with this SKU goes.
    Remove(String),
}

impl ItemsEdit {
    /// The items after it. Those that were there keep their names and prices, unless another price is given.
    pub(in crate::app) fn applied_to(&self, now: &[OrderItemRow]) -> Result<Vec<NewOrderItem>, AppError> {
        let now = now.iter().map(as_given).collect::<Result<Vec<_>, _>>()?;
        let changes = match self {
            Self::Whole(items) => return Ok(items.iter().map(|item| with_known(item, &now)).collect()),
            Self::Changes(changes) => changes,
        };
        let mut items = now;
        for change in changes {
            match change {
                ItemChange::Set(item) => set(&mut items, item),
                ItemChange::Remove(sku) => remove(&mut items, sku)?,
            }
        }
        if items.is_empty() {
            return Err(AppError::invalid("items", "nothing would be left: cancel or abandon it instead"));
        }
        Ok(items)
    }
}

/// An item of several lines becomes one.
fn set(items: &mut Vec<NewOrderItem>, item: &NewOrderItem) {
    let changed = with_known(item, items);
    let place = items.iter().position(|known| known.sku == item.sku);
    items.retain(|known| known.sku != item.sku);
    items.insert(place.map_or(items.len(), |place| place.min(items.len())), changed);
}

/// An item with what is known of it.
fn with_known(item: &NewOrderItem, now: &[NewOrderItem]) -> NewOrderItem {
    let Some(known) = now.iter().find(|known| known.sku == item.sku) else { return item.clone() };
    NewOrderItem {
        price: item.price.or(known.price),
        currency: item.currency.clone().or_else(|| known.currency.clone()),
        kept: known.kept.clone(),
        ..item.clone()
    }
}

fn remove(items: &mut Vec<NewOrderItem>, sku: &str) -> Result<(), AppError> {
    let before = items.len();
    items.retain(|known| known.sku != sku);
    if items.len() < before {
        return Ok(());
    }
    let known: Vec<_> = items.iter().map(|item| clean(&item.sku).into_owned()).collect();
    let why = format!("there is no `{}` in it to take out: it has {}", clean(sku), known.join(", "));
    Err(AppError::invalid("items", why))
}

/// An item that is kept, as it would be given.
pub(in crate::app) fn as_given(item: &OrderItemRow) -> Result<NewOrderItem, AppError> {
    let number = |text: &str| {
        let wrong = |_| AppError::Refused(format!("`{}` of {} cannot be read", clean(text), clean(&item.sku)));
        text.parse::<Decimal>().map_err(wrong)
    };
    let price = item.price.as_deref().map(number).transpose()?;
    let OrderItemRow { name, product_id, variant_id, .. } = item.clone();
    Ok(NewOrderItem {
        sku: item.sku.clone(),
        quantity: number(&item.quantity)?,
        price,
        currency: item.currency.clone(),
        kept: Some(KeptProduct { name, product_id, variant_id, price }),
    })
}
