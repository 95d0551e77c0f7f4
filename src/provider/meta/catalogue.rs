//! The products of the catalogues that an account sells from. Nothing here sends a message.

use serde_json::Value;

use super::super::lenient::short;
use super::preflight::{Cursors, NextPage, items};
use super::{GraphError, Meta};
use crate::domain::catalogue::{CatalogueItem, availability, shown_price, three_letters};

/// What is asked of each product.
const FIELDS: &str = "id,retailer_id,retailer_product_group_id,name,description,price,currency,availability,inventory,image_url,url,\
                      color,size";
/// At most so many pages of 100 are read.
const PAGES_MAX: usize = 1_000;
/// The longest text that is kept of a product, in characters.
const TEXT_MAX: usize = 5_000;

/// A catalogue of an account, by Meta's id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetaCatalogue {
    pub id: String,
    pub name: String,
}

/// The products of a catalogue.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MetaProducts {
    pub items: Vec<CatalogueItem>,
    /// Products without a retailer id or a name, which nobody can order.
    pub unreadable: usize,
}

impl Meta {
    /// The catalogues that are connected to the account.
    pub async fn catalogues(&self) -> Result<Vec<MetaCatalogue>, GraphError> {
        let path = format!("{}/product_catalogs", self.waba_id);
        let listed = self.all(&path, "id,name").await?;
        let catalogue = |item: &Value| {
            let id = text(item, "id").filter(|id| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit()))?;
            Some(MetaCatalogue { name: text(item, "name").map_or_else(|| id.clone(), |name| short(&name)), id })
        };
        Ok(listed.iter().filter_map(catalogue).collect())
    }

    /// Every product of a catalogue.
    ///
    /// # Errors
    /// Where the list cannot be read to its end: half a catalogue would take the rest out.
    pub async fn catalogue_products(&self, catalogue: &str) -> Result<MetaProducts, GraphError> {
        let listed = self.all(&format!("{catalogue}/products"), FIELDS).await?;
        let mut products = MetaProducts::default();
        for item in listed.iter().map(product) {
            match item {
                Some(item) => products.items.push(item),
                None => products.unreadable += 1,
            }
        }
        Ok(products)
    }

    /// A list, page by page to its end.
    async fn all(&self, path: &str, fields: &str) -> Result<Vec<Value>, GraphError> {
        let mut all = Vec::new();
        let mut cursors = Cursors::default();
        for _ in 0..PAGES_MAX {
            let mut query = vec![("fields", fields), ("limit", "100")];
            query.extend(cursors.newest().map(|cursor| ("after", cursor)));
            let page = self.graph.get(path, &query).await?;
            all.extend(items(&page)?.iter().cloned());
            match cursors.advance(&page) {
                NextPage::None => return Ok(all),
                NextPage::More => {}
                NextPage::Unknown => break,
            }
        }
        Err(GraphError::Unreadable("the list of products has no end".to_owned()))
    }
}

/// A text or a number, cut where it is endless.
fn text(item: &Value, key: &str) -> Option<String> {
    let text = match item.get(key)? {
        Value::String(text) => text.trim().replace('\0', ""),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    Some(text.chars().take(TEXT_MAX).collect::<String>()).filter(|text| !text.is_empty())
}

fn product(item: &Value) -> Option<CatalogueItem> {
    let currency = text(item, "currency").and_then(|word| three_letters(&word));
    let price = text(item, "price").and_then(|shown| shown_price(&shown, currency.as_deref().unwrap_or_default()));
    let group = item.pointer("/retailer_product_group_id").is_some().then(|| text(item, "retailer_product_group_id"));
    let parts: Vec<String> = [text(item, "color"), text(item, "size")].into_iter().flatten().collect();
    Some(CatalogueItem {
        sku: text(item, "retailer_id").filter(|sku| sku.chars().count() <= 100)?,
        external_id: text(item, "id"),
        group: group.flatten(),
        name: text(item, "name")?,
        variant: Some(parts.join(", ")).filter(|variant| !variant.is_empty()),
        description: text(item, "description"),
        price,
        currency,
        availability: text(item, "availability").map(|word| availability(&word).map_or(word, str::to_owned)),
        inventory: item.get("inventory").and_then(Value::as_i64).filter(|count| *count >= 0),
        image_url: text(item, "image_url"),
        url: text(item, "url"),
        gathers_variants: false,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::product;

    #[test]
    fn a_product_is_read_as_meta_lists_it() {
        let read = product(
            &json!({ "id": "7", "retailer_id": "shirt-r", "retailer_product_group_id": "shirt", "name": "Shirt",
            "price": "RM1,019.90", "currency": "MYR", "availability": "in stock", "inventory": 12, "color": "red" }),
        );
        let read = read.unwrap();
        assert_eq!(
            (read.sku.as_str(), read.group.as_deref(), read.variant.as_deref()),
            ("shirt-r", Some("shirt"), Some("red"))
        );
        assert_eq!((read.price.unwrap().to_string().as_str(), read.inventory), ("1019.90", Some(12)));
    }

    #[test]
    fn what_is_missing_or_wrong_is_left_out() {
        assert_eq!(product(&json!({ "id": "7", "name": "Shirt" })), None, "nobody can order it");
        let read = product(&json!({ "retailer_id": 7, "name": "Shirt", "price": {}, "currency": "??", "inventory": -3,
                                    "availability": "AVAILABLE_FOR_ORDER" }));
        let read = read.unwrap();
        assert_eq!((read.sku.as_str(), read.price, read.currency, read.inventory), ("7", None, None, None));
        assert_eq!(read.availability.as_deref(), Some("available for order"));
    }
}
