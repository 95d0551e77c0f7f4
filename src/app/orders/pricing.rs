//! What items cost: as they were typed, else as the one catalogue that has them says.

use std::borrow::Cow;

use rust_decimal::Decimal;
use sqlx::PgConnection;

use super::{ItemFault, NewOrderItem};
use crate::app::{App, AppError};
use crate::domain::amount::{check_currency, check_places};
use crate::domain::catalogue::is_sold_out;
use crate::domain::ids::{CartId, SenderId};
use crate::domain::order::{KeptProduct, OrderedItem};
use crate::domain::text::{clean, shell_quoted, shell_word};
use crate::store::catalogue::{self, ListedItem};

/// The most items of an order or cart.
const ITEMS_MAX: usize = 500;
/// The longest SKU, in characters.
const SKU_MAX: usize = 100;

/// Whether an item may have no price.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::app) enum Unpriced {
    Refused,
    /// The same when this cart is ordered: it is given a price there.
    RefusedInCart(CartId),
    Kept,
}

/// Items with their prices, and what the catalogue says of them.
#[derive(Debug, Clone, Default)]
pub(in crate::app) struct Priced {
    pub items: Vec<OrderedItem>,
    pub sold_out: SoldOut,
}

/// SKUs of an order or cart that the catalogue calls sold out: they are in it all the same.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SoldOut(pub Vec<String>);

impl SoldOut {
    /// `sold out by the catalogue: teh, kek`; `None` where nothing is.
    pub fn in_words(&self) -> Option<String> {
        (!self.0.is_empty()).then(|| format!("sold out by the catalogue: {}", self.0.join(", ")))
    }
}

impl App {
    /// Items that a sender's business sells, with the catalogue's prices where none is given.
    pub(in crate::app) async fn priced(
        &self,
        tx: &mut PgConnection,
        sender: SenderId,
        items: &[NewOrderItem],
        unpriced: Unpriced,
    ) -> Result<Priced, AppError> {
        if items.is_empty() || items.len() > ITEMS_MAX {
            return Err(AppError::invalid("items", format!("write 1 to {ITEMS_MAX} items")));
        }
        let skus = items
            .iter()
            .filter(|item| is_sku(item.sku.trim()))
            .flat_map(|item| spellings(&item.sku))
            .collect::<Vec<_>>();
        let known = catalogue::listed(tx, sender, &skus).await?;
        let (mut priced, mut wrong) = (Priced::default(), Vec::new());
        for n in 0..items.len() {
            match self.price_one(tx, sender, (n, items), (&known, unpriced)).await {
                Ok((item, sold_out)) => {
                    priced.sold_out.0.extend(sold_out);
                    priced.items.push(item);
                }
                Err(AppError::InvalidAt { places, .. }) => wrong.extend(places),
                Err(error) => return Err(error),
            }
        }
        if wrong.is_empty() { Ok(priced) } else { Err(AppError::invalid_at(wrong)) }
    }

    /// One of several items, and its SKU where it is sold out.
    async fn price_one(
        &self,
        tx: &mut PgConnection,
        sender: SenderId,
        (n, items): (usize, &[NewOrderItem]),
        (known, unpriced): (&[ListedItem], Unpriced),
    ) -> Result<(OrderedItem, Option<String>), AppError> {
        let item = &items[n];
        readable(n, item)?;
        let kept = item.kept.as_ref().filter(|_| item.price.is_some());
        let listed = if kept.is_some() { None } else { found(n, &item.sku, known)? };
        if listed.is_none() && item.kept.is_none() {
            self.refuse_misspelt(tx, sender, (n, items), (known, unpriced)).await?;
        }
        let now = kept.map_or(listed, |kept| listed_as(kept, known));
        let is_gone = now.is_some_and(|now| is_sold_out(&now.availability, now.inventory));
        let sold_out = is_gone.then(|| item.sku.trim().to_owned());
        Ok((self.price(n, item, listed, unpriced)?, sold_out))
    }

    /// Refuses the SKU of an item that nothing is known of, where another spelling of it is known.
    async fn refuse_misspelt(
        &self,
        tx: &mut PgConnection,
        sender: SenderId,
        (n, items): (usize, &[NewOrderItem]),
        (known, unpriced): (&[ListedItem], Unpriced),
    ) -> Result<(), AppError> {
        let typed = (n, items[n].sku.trim());
        refuse_case_of_kept(typed, items)?;
        if items[n].price.is_none() {
            refuse_without_variant(tx, sender, typed).await?;
            refuse_quantity_in_sku(tx, sender, typed).await?;
        }
        refuse_other_case(tx, sender, typed).await?;
        if items[n].price.is_none() {
            refuse_unknown_catalogue(tx, sender, typed, known, unpriced).await?;
        }
        Ok(())
    }

    fn price(
        &self,
        n: usize,
        item: &NewOrderItem,
        listed: Option<&ListedItem>,
        unpriced: Unpriced,
    ) -> Result<OrderedItem, AppError> {
        let at = |field: &str| format!("items[{n}].{field}");
        let sku = listed.map_or_else(|| item.sku.trim(), |listed| &listed.sku);
        let quantity = item.quantity;
        if quantity <= Decimal::ZERO {
            return Err(AppError::invalid(&at("quantity"), format!("{quantity} of {sku}: write more than 0")));
        }
        let own = listed.and_then(|listed| listed.currency.as_deref()).unwrap_or(&self.config().ui.currency);
        if let Some(price) = listed.and_then(|listed| listed.price).filter(|_| item.price.is_none()) {
            check_currency(item.currency.as_deref(), (price, own))
                .map_err(|why| AppError::invalid(&at("currency"), format!("`{}`: {why}", clean(sku))))?;
        }
        let currency = item.currency.clone().unwrap_or_else(|| own.to_owned());
        // What an order came with may have more places.
        let before = item.kept.as_ref().and_then(|kept| kept.price);
        if let Some(price) = item.price.filter(|price| Some(*price) != before) {
            check(price, sku, &currency).map_err(|why| AppError::invalid(&at("price"), why))?;
        }
        let price = item.price.or_else(|| listed.and_then(|listed| listed.price));
        if let Some(how) = how_to_price(sku, quantity, unpriced).filter(|_| price.is_none()) {
            let why = format!("no catalogue of this business has a price of `{sku}`: {how}");
            return Err(AppError::invalid(&at("price"), why));
        }
        let (sku, catalogue) = (sku.to_owned(), listed.map(|listed| listed.catalogue_id));
        let (kept, currency) = (item.kept.clone(), Some(currency).filter(|_| price.is_some()));
        Ok(OrderedItem { sku, catalogue, kept, quantity, price, currency })
    }
}

/// Refuses what cannot be read, and what no product can be called.
fn readable(n: usize, item: &NewOrderItem) -> Result<(), AppError> {
    if let Some(ItemFault { field, why }) = &item.unreadable {
        let field = field.map_or_else(String::new, |field| format!(".{field}"));
        return Err(AppError::invalid(&format!("items[{n}]{field}"), why.as_str()));
    }
    if is_sku(item.sku.trim()) {
        return Ok(());
    }
    let why = format!("write the SKU of a product, at most {SKU_MAX} characters");
    Err(AppError::invalid(&format!("items[{n}].sku"), why))
}

/// What to do about an item without a price, where it must have one.
fn how_to_price(sku: &str, quantity: Decimal, unpriced: Unpriced) -> Option<String> {
    let item = shell_quoted(&format!("{sku}*{quantity}@12.50"));
    let flags = if sku.starts_with('-') { "-- " } else { "" };
    match unpriced {
        Unpriced::Refused => Some(format!("write it, as {item}")),
        Unpriced::RefusedInCart(cart) => Some(format!("give it one with `blastdeck cart set {cart} {flags}{item}`")),
        Unpriced::Kept => None,
    }
}

/// A price as somebody typed it: with no more places than its currency has.
fn check(price: Decimal, sku: &str, currency: &str) -> Result<(), String> {
    if price < Decimal::ZERO {
        return Err(format!("{price} for {sku}: a price cannot be negative"));
    }
    check_places(price, currency).map_err(|error| format!("{price} for {sku}: {error}"))
}

/// A SKU as it stands, and without the catalogue that may be written before it: `menu/teh`.
fn spellings(sku: &str) -> impl Iterator<Item = &str> {
    let sku = sku.trim();
    std::iter::once(sku).chain(sku.split_once('/').map(|(_, rest)| rest))
}

fn is_sku(sku: &str) -> bool {
    !sku.is_empty() && sku.chars().count() <= SKU_MAX && clean(sku) == sku
}

/// What a catalogue says now of a product that an order or cart has already.
fn listed_as<'a>(kept: &KeptProduct, known: &'a [ListedItem]) -> Option<&'a ListedItem> {
    let id = kept.product_id?;
    known.iter().find(|listed| listed.product_id == id && listed.variant_id == kept.variant_id)
}

/// Refuses `nosuch/teh` where no catalogue has that name, or the one that has it has no such product. A cart keeps what no catalogue
/// has at all.
async fn refuse_unknown_catalogue(
    tx: &mut PgConnection,
    sender: SenderId,
    (n, typed): (usize, &str),
    known: &[ListedItem],
    unpriced: Unpriced,
) -> Result<(), AppError> {
    let Some((name, sku)) = typed.split_once('/') else { return Ok(()) };
    if unpriced == Unpriced::Kept && known.iter().all(|listed| listed.sku != sku) {
        return Ok(());
    }
    let catalogues = catalogue::names(tx, sender).await?;
    if catalogues.is_empty() {
        return Ok(());
    }
    let (name, sku) = (clean(name), clean(sku));
    let own = catalogues.iter().find(|(id, own)| *own == name || id.to_string() == name);
    let why = if let Some((id, _)) = own {
        format!("catalogue {name} has no `{sku}`: `blastdeck catalog show {id}` lists what it has")
    } else {
        let names: Vec<_> = catalogues.iter().map(|(_, name)| clean(name).into_owned()).collect();
        let are = if names.len() == 1 { "is" } else { "are" };
        format!("no catalogue is called `{name}`: there {are} {}", names.join(", "))
    };
    Err(AppError::invalid(&format!("items[{n}].sku"), why))
}

/// Refuses `shirt` where nobody can buy it but as one of its variants.
async fn refuse_without_variant(
    tx: &mut PgConnection,
    sender: SenderId,
    (n, typed): (usize, &str),
) -> Result<(), AppError> {
    let variants = catalogue::variants_of(tx, sender, &spellings(typed).collect::<Vec<_>>()).await?;
    if variants.is_empty() {
        return Ok(());
    }
    let names: Vec<_> = variants.iter().map(|sku| format!("`{}`", clean(sku))).collect();
    let why = format!("`{}` comes in variants: write which, {}", clean(typed), names.join(" or "));
    Err(AppError::invalid(&format!("items[{n}].sku"), why))
}

/// Refuses `teh x2` where `teh` is what a catalogue has.
async fn refuse_quantity_in_sku(
    tx: &mut PgConnection,
    sender: SenderId,
    (n, typed): (usize, &str),
) -> Result<(), AppError> {
    let Some((sku, quantity)) = quantity_in_sku(typed) else { return Ok(()) };
    let known = catalogue::listed(tx, sender, &spellings(sku).collect::<Vec<_>>()).await?;
    if found(n, sku, &known)?.is_none() {
        return Ok(());
    }
    let meant = shell_quoted(&format!("{sku}*{quantity}"));
    Err(AppError::invalid(&format!("items[{n}].sku"), format!("no catalogue has `{typed}`: did you mean {meant}?")))
}

/// Refuses `TEH` beside a `teh` that the order or cart has.
fn refuse_case_of_kept((n, typed): (usize, &str), items: &[NewOrderItem]) -> Result<(), AppError> {
    let is_meant = |item: &&NewOrderItem| item.kept.is_some() && item.sku.to_lowercase() == typed.to_lowercase();
    let Some(kept) = items.iter().find(is_meant) else { return Ok(()) };
    let why = format!("there is no `{}` in it: did you mean `{}`?", clean(typed), clean(&kept.sku));
    Err(AppError::invalid(&format!("items[{n}].sku"), why))
}

/// Refuses `teh` where `TEH` is what a catalogue has.
async fn refuse_other_case(tx: &mut PgConnection, sender: SenderId, (n, typed): (usize, &str)) -> Result<(), AppError> {
    let skus = catalogue::in_any_case(tx, sender, &spellings(typed).collect::<Vec<_>>()).await?;
    let is_exact = |sku: &String| spellings(typed).any(|spelling| spelling == sku);
    if skus.is_empty() || skus.iter().any(is_exact) {
        return Ok(());
    }
    let meant: Vec<_> = skus.iter().map(|sku| format!("`{}`", clean(sku))).collect();
    let why = format!("no catalogue has `{}`: did you mean {}?", clean(typed), meant.join(" or "));
    Err(AppError::invalid(&format!("items[{n}].sku"), why))
}

/// A quantity as people also write it, `teh x2`, `teh 2x` or `2x teh`.
fn quantity_in_sku(typed: &str) -> Option<(&str, u32)> {
    let number = |text: &str| text.trim().parse().ok().filter(|number| *number > 0);
    let behind = typed.rsplit_once(['x', 'X']).and_then(|(sku, count)| Some((sku.trim(), number(count)?)));
    let before = || {
        let (count, sku) = typed.split_once(['x', 'X'])?;
        Some((sku.trim(), number(count)?))
    };
    let last = || {
        let (sku, count) = typed.rsplit_once(' ')?;
        Some((sku.trim(), number(count.strip_suffix(['x', 'X'])?)?))
    };
    behind.or_else(before).or_else(last).filter(|(sku, _)| !sku.is_empty())
}

/// What the catalogues have under a SKU.
///
/// # Errors
/// Where several have it, and none is named.
pub(super) fn found<'a>(n: usize, sku: &str, known: &'a [ListedItem]) -> Result<Option<&'a ListedItem>, AppError> {
    let sku = sku.trim();
    let own: Vec<_> = known.iter().filter(|listed| listed.sku == sku).collect();
    match own[..] {
        [] => Ok(named(sku, known)),
        [one] => Ok(Some(one)),
        [..] => Err(AppError::invalid(&format!("items[{n}].sku"), in_several(sku, &own))),
    }
}

/// How each of them is written: by the name of its catalogue, and by its id where another one has that name.
fn in_several(sku: &str, own: &[&ListedItem]) -> String {
    let is_alone = |name: &str| own.iter().filter(|listed| clean(&listed.catalogue) == name).count() == 1;
    let of = |listed: &&ListedItem| {
        let name = Some(clean(&listed.catalogue)).filter(|name| is_alone(name));
        let catalogue = name.map_or_else(|| listed.catalogue_id.to_string(), Cow::into_owned);
        format!("`{}`", shell_word(&format!("{catalogue}/{sku}")))
    };
    let ways: Vec<_> = own.iter().map(of).collect();
    let (others, last) = ways.split_at(ways.len().saturating_sub(1));
    let catalogues = if own.len() == 2 { "two".to_owned() } else { own.len().to_string() };
    format!("`{sku}` is in {catalogues} catalogues: write {} or {}", others.join(", "), last.concat())
}

/// How the one or the other of two items is written, each as one word of a shell: a catalogue's name may have several.
pub(super) fn either_of(one: &str, other: &str) -> String {
    format!("write `{}` or `{}`", shell_word(one), shell_word(other))
}

/// By the catalogue's id or name before it.
fn named<'a>(sku: &str, known: &'a [ListedItem]) -> Option<&'a ListedItem> {
    let (catalogue, sku) = sku.split_once('/')?;
    let is_named = |listed: &&ListedItem| {
        listed.sku == sku && (listed.catalogue == catalogue || listed.catalogue_id.to_string() == catalogue)
    };
    known.iter().find(is_named)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::CatalogueId;

    #[test]
    fn a_catalogue_with_a_name_of_several_words_is_written_as_one_word_of_a_shell() {
        let of = |id: i64, catalogue: &str| ListedItem {
            sku: "teh-tarik".to_owned(),
            product_id: 1,
            variant_id: None,
            catalogue_id: CatalogueId(id),
            catalogue: catalogue.to_owned(),
            price: None,
            currency: None,
            availability: "in stock".to_owned(),
            inventory: None,
        };

        let refused = found(0, "teh-tarik", &[of(1, "Kedai Aina"), of(2, "menu")]).unwrap_err().to_string();

        assert!(refused.ends_with("write `'Kedai Aina/teh-tarik'` or `menu/teh-tarik`"), "{refused}");

        let listed = [of(1, "Kedai Aina"), of(2, "menu"), of(3, "products"), of(4, "menu")];
        let refused = found(0, "teh-tarik", &listed).unwrap_err().to_string();

        let ways = "write `'Kedai Aina/teh-tarik'`, `2/teh-tarik`, `products/teh-tarik` or `4/teh-tarik`";
        assert!(refused.contains("`teh-tarik` is in 4 catalogues: ") && refused.ends_with(ways), "{refused}");
    }
}
