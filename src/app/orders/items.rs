//! Changes of the items of carts and orders.

use rust_decimal::Decimal;

use super::pricing::either_of;
use super::{ItemFault, NewOrderItem};
use crate::app::AppError;
use crate::domain::amount::check_currency;
use crate::domain::order::KeptProduct;
use crate::domain::text::clean;
use crate::store::order::OrderItemRow;
use crate::store::order::items::{HeldItem, ItemsOf};

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

/// Items on one line: `Teh Tarik×2, Kuih×1`.
pub fn items_in_words(items: &[OrderItemRow]) -> String {
    let words = items.iter().map(|item| format!("{}×{}", item.name.as_ref().unwrap_or(&item.sku), item.quantity));
    words.collect::<Vec<_>>().join(", ")
}

/// How many items a list names of one order.
const NAMED: usize = 3;

/// The first items of an order, as [`items_in_words`], and how many more there are.
pub fn items_in_brief(items: &[OrderItemRow]) -> String {
    let named = if items.len() <= NAMED + 1 { items.len() } else { NAMED };
    let words = items_in_words(&items[..named]);
    match items.len() - named {
        0 => words,
        more => format!("{words} and {more} more"),
    }
}

impl ItemsEdit {
    /// The items after it. Those that were there keep their names and prices, unless another price is given. Of a whole list, what is
    /// wrong with an item stays with it, so that its price is refused together with those of the others.
    pub(in crate::app) fn applied_to(&self, now: &[HeldItem], of: ItemsOf) -> Result<Vec<NewOrderItem>, AppError> {
        let before = now.iter().map(Line::of).collect::<Result<Vec<_>, _>>()?;
        let mut lines = before.clone();
        let changes = match self {
            Self::Whole(items) => return Ok(items.iter().map(|item| with_known_or_fault(item, &lines)).collect()),
            Self::Changes(changes) => changes,
        };
        let mut wrong = Vec::new();
        for change in changes {
            let done = match change {
                ItemChange::Set(item) => set(&mut lines, item),
                ItemChange::Remove(sku) => remove(&mut lines, sku, &before),
            };
            match done {
                Err(AppError::InvalidAt { places, .. }) => wrong.extend(places),
                done => done?,
            }
        }
        if !wrong.is_empty() {
            return Err(AppError::invalid_at(wrong));
        }
        if lines.is_empty() {
            let end = match of {
                ItemsOf::Order(id) => format!("`blastdeck order cancel {id}` cancels it"),
                ItemsOf::Cart(id) => format!("`blastdeck cart abandon {id}` ends it"),
            };
            return Err(AppError::Refused(format!("nothing would be left: {end}")));
        }
        Ok(lines.into_iter().map(|line| line.item).collect())
    }
}

/// An item that is there, and the catalogue of its product: id and name.
#[derive(Debug, Clone)]
struct Line {
    item: NewOrderItem,
    catalogue: Option<(i64, String)>,
}

/// What makes items the same: two catalogues may have one SKU.
type Product = (String, Option<i64>, Option<i64>);

impl Line {
    fn of(held: &HeldItem) -> Result<Self, AppError> {
        let catalogue = held.catalogue_id.zip(held.catalogue.clone());
        Ok(Self { item: as_given(&held.row)?, catalogue })
    }

    fn product(&self) -> Product {
        let (product, variant) =
            self.item.kept.as_ref().map_or((None, None), |kept| (kept.product_id, kept.variant_id));
        (self.item.sku.clone(), product, variant)
    }

    /// Whether `menu/teh` or `3/teh` means it.
    fn is_named(&self, sku: &str) -> bool {
        let (Some((id, name)), Some((catalogue, sku))) = (&self.catalogue, sku.split_once('/')) else { return false };
        sku == self.item.sku && (catalogue == name || catalogue == id.to_string())
    }

    /// As it is typed where another catalogue has the same SKU.
    fn full_sku(&self) -> String {
        let catalogue = self.catalogue.as_ref().map(|(_, name)| format!("{}/", clean(name))).unwrap_or_default();
        format!("{catalogue}{}", clean(&self.item.sku))
    }
}

/// The product that a typed SKU means among those that are there; `None` where it is none of them.
///
/// # Errors
/// Where it means several.
fn meant(lines: &[Line], sku: &str) -> Result<Option<Product>, ItemFault> {
    let sku = sku.trim();
    let mut those: Vec<_> = lines.iter().filter(|line| line.item.sku == sku).collect();
    if those.is_empty() {
        those = lines.iter().filter(|line| line.is_named(sku)).collect();
    }
    let Some(first) = those.first() else { return Ok(None) };
    match those.iter().find(|line| line.product() != first.product()) {
        None => Ok(Some(first.product())),
        Some(other) => {
            let which = either_of(&first.full_sku(), &other.full_sku());
            let why = format!("`{}` is in it from two catalogues: {which}", clean(sku));
            Err(ItemFault { field: Some("sku"), why })
        }
    }
}

/// Of a change, which has no place among the items that programs give.
fn in_change(fault: ItemFault) -> AppError {
    AppError::invalid("items", fault.why)
}

/// An item of several lines becomes one.
fn set(lines: &mut Vec<Line>, item: &NewOrderItem) -> Result<(), AppError> {
    let changed = with_known(item, lines).map_err(in_change)?;
    let Some(product) = meant(lines, &item.sku).map_err(in_change)? else {
        lines.push(Line { item: changed, catalogue: None });
        return Ok(());
    };
    let mut is_first = true;
    lines.retain_mut(|line| {
        if line.product() != product {
            return true;
        }
        line.item.clone_from(&changed);
        std::mem::take(&mut is_first)
    });
    Ok(())
}

fn with_known_or_fault(item: &NewOrderItem, lines: &[Line]) -> NewOrderItem {
    with_known(item, lines).unwrap_or_else(|fault| NewOrderItem { unreadable: Some(fault), ..item.clone() })
}

/// An item with what is known of it.
fn with_known(item: &NewOrderItem, lines: &[Line]) -> Result<NewOrderItem, ItemFault> {
    let product = meant(lines, &item.sku)?;
    let Some(known) = lines.iter().map(|line| (line, line.product())).find(|(_, own)| Some(own) == product.as_ref())
    else {
        return Ok(item.clone());
    };
    let known = &known.0.item;
    if let (None, Some(price), Some(own)) = (item.price, known.price, &known.currency) {
        let fault = |why| ItemFault { field: Some("currency"), why: format!("`{}`: {why}", clean(&known.sku)) };
        check_currency(item.currency.as_deref(), (price, own)).map_err(fault)?;
    }
    Ok(NewOrderItem {
        sku: known.sku.clone(),
        price: item.price.or(known.price),
        currency: item.currency.clone().or_else(|| known.currency.clone()),
        kept: known.kept.clone(),
        ..item.clone()
    })
}

/// `before`: what was in it before this edit, for whoever names something else.
fn remove(lines: &mut Vec<Line>, sku: &str, before: &[Line]) -> Result<(), AppError> {
    if let Some(product) = meant(lines, sku).map_err(in_change)? {
        lines.retain(|line| line.product() != product);
        return Ok(());
    }
    let is_alone =
        |line: &Line| before.iter().all(|other| other.item.sku != line.item.sku || other.product() == line.product());
    let spelled = |line: &Line| if is_alone(line) { clean(&line.item.sku).into_owned() } else { line.full_sku() };
    let typed = sku.to_lowercase();
    let is_meant = |line: &&Line| [line.item.sku.to_lowercase(), line.full_sku().to_lowercase()].contains(&typed);
    let hint = match before.iter().find(is_meant) {
        Some(line) if line.item.sku != sku => format!("did you mean `{}`?", spelled(line)),
        _ => format!("it has {}", before.iter().map(spelled).collect::<Vec<_>>().join(", ")),
    };
    let why = format!("there is no `{}` in it to take out: {hint}", clean(sku));
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
        unreadable: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_keeps_its_price_in_its_own_currency_alone() {
        let item = |price: Option<i64>, currency: Option<&str>| NewOrderItem {
            sku: "teh".to_owned(),
            quantity: Decimal::ONE,
            price: price.map(Decimal::from),
            currency: currency.map(str::to_owned),
            kept: None,
            unreadable: None,
        };
        let after = |own: Option<&str>, given: &NewOrderItem| {
            let known = Line { item: item(Some(10), own), catalogue: None };
            with_known(given, &[known]).map(|item| (item.price, item.currency))
        };
        let kept = |currency: &str| (Some(Decimal::TEN), Some(currency.to_owned()));

        let refused = after(Some("USD"), &item(None, Some("MYR"))).unwrap_err();
        assert_eq!(refused.field, Some("currency"));
        assert!(refused.why.contains("its price is 10.00 USD"), "{}", refused.why);
        assert_eq!(after(Some("USD"), &item(None, Some("USD"))).unwrap(), kept("USD"));
        assert_eq!(after(Some("USD"), &item(None, None)).unwrap(), kept("USD"));
        assert_eq!(after(Some("USD"), &item(Some(10), Some("MYR"))).unwrap(), kept("MYR"));
        assert_eq!(after(None, &item(None, Some("MYR"))).unwrap(), kept("MYR"), "it came without one");
    }
}
