//! The command line that writes an order or a cart once more, as it was.

use rust_decimal::Decimal;
use sqlx::PgConnection;

use super::pricing::found;
use crate::app::{App, AppError};
use crate::domain::amount::places;
use crate::domain::forgotten::is_forgotten;
use crate::domain::ids::{BlastId, SenderId};
use crate::domain::text::{clean, shell_quoted};
use crate::store::catalogue::{self, ListedItem};
use crate::store::order::OrderItemRow;

/// An order (`order`) or a cart (`cart`), and whose it is.
#[derive(Debug, Clone, Copy)]
pub(in crate::app) struct ReentryCommand<'a> {
    pub verb: &'a str,
    pub sender: SenderId,
    pub blast: Option<BlastId>,
    pub phone: Option<&'a str>,
    pub items: &'a [OrderItemRow],
}

impl App {
    /// The command line that writes these items once more, in backticks, each with the currency where another one would be read from it;
    /// without a blast or a number it lacks what it needs, and is the command alone.
    pub(in crate::app) async fn written_again(
        &self,
        tx: &mut PgConnection,
        of: ReentryCommand<'_>,
    ) -> Result<String, AppError> {
        let skus: Vec<_> = of.items.iter().map(|item| item.sku.as_str()).collect();
        let known = catalogue::listed(tx, of.sender, &skus).await?;
        Ok(written(of, (&known, &self.config().ui.currency)))
    }
}

/// `home`: the currency of a price that has none, of what no catalogue has.
fn written(of: ReentryCommand<'_>, (known, home): (&[ListedItem], &str)) -> String {
    let (verb, phone) = (of.verb, of.phone.filter(|phone| !is_forgotten(phone)));
    let (Some(blast), Some(phone)) = (of.blast, phone) else { return format!("`blastdeck {verb} add`") };
    let flags = if of.items.iter().any(|item| item.sku.starts_with('-')) { " --" } else { "" };
    let typed: Vec<_> = of.items.iter().map(|item| shell_quoted(&typed(item, (known, home)))).collect();
    format!("`blastdeck {verb} add {blast} {phone}{flags} {}`", typed.join(" "))
}

/// An item as it is typed: `teh*2@2.50`; of a SKU that several catalogues have, with the catalogue before it.
fn typed(item: &OrderItemRow, (known, home): (&[ListedItem], &str)) -> String {
    let own = |listed: &&ListedItem| Some(listed.product_id) == item.product_id && listed.variant_id == item.variant_id;
    let (sku, listed) = if let Ok(listed) = found(0, &item.sku, known) {
        (clean(&item.sku).into_owned(), listed)
    } else {
        let own = known.iter().find(own);
        let catalogue = own.map_or_else(String::new, |listed| format!("{}/", listed.catalogue_id));
        (format!("{catalogue}{}", clean(&item.sku)), own)
    };
    let assumed = listed.and_then(|listed| listed.currency.as_deref()).unwrap_or(home);
    format!("{sku}*{}{}", item.quantity, typable_price(item, (assumed, home)).unwrap_or_default())
}

/// The price of an item as it is typed behind its quantity: `@2.50`, or `@1.200 KWD` where another currency would be `assumed`. What came
/// in a message may have more places than can be typed.
fn typable_price(item: &OrderItemRow, (assumed, home): (&str, &str)) -> Option<String> {
    let price: Decimal = item.price.as_deref()?.parse().ok()?;
    let currency = item.currency.as_deref().unwrap_or(home);
    let places = places(currency);
    let named = if currency == assumed { String::new() } else { format!(" {}", clean(currency)) };
    Some(format!("@{:.*}{named}", places as usize, price.round_dp(places)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(price: &str, currency: &str) -> OrderItemRow {
        let value = serde_json::json!({ "id": 1, "sku": "teh", "name": null, "product_id": null, "variant_id": null, "quantity": "2",
                                        "price": price, "currency": currency, "total": null });
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn an_order_is_written_again_with_its_currency_and_the_places_of_that() {
        for (price, currency, typed) in [
            ("2.5", "MYR", "teh*2@2.50"),
            ("1.2", "KWD", "teh*2@1.200 KWD"),
            ("300", "JPY", "teh*2@300 JPY"),
            ("0.125", "MYR", "teh*2@0.12"),
        ] {
            let items = &[item(price, currency)];
            let (blast, phone) = (Some(BlastId(7)), Some("+60123456789"));
            let again =
                written(ReentryCommand { verb: "order", sender: SenderId(1), blast, phone, items }, (&[], "MYR"));
            assert_eq!(again, format!("`blastdeck order add 7 +60123456789 '{typed}'`"));
        }
    }
}
