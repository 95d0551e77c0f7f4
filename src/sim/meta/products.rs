//! The one catalogue of the simulated account, and its products page by page.

use serde_json::{Value, json};

use super::{account::Query, refusal::CloudRefusal};

/// Its id.
pub const CATALOGUE: &str = "194836987003835";
/// The most products on a page, whatever limit is asked for.
const PAGE_LIMIT: usize = 4;

/// `GET /{waba_id}/product_catalogs`.
pub fn catalogues() -> Value {
    json!({ "data": [{ "id": CATALOGUE, "name": "Kedai Aina" }], "paging": { "cursors": { "before": "A", "after": "A" } } })
}

/// `GET /{catalog_id}/products`. `here` is the address of the call without its query.
pub fn page(here: &str, query: &Query) -> Result<Value, CloudRefusal> {
    let after = match query.get("after") {
        None => 0,
        Some(cursor) => cursor
            .strip_prefix("P")
            .and_then(|place| place.parse::<usize>().ok())
            .ok_or_else(|| CloudRefusal::parameter("Invalid cursor"))?,
    };
    let all = products();
    let data: Vec<Value> = all.iter().skip(after).take(PAGE_LIMIT).cloned().collect();
    let end = after + data.len();
    let mut paging = json!({ "cursors": { "before": format!("P{after}"), "after": format!("P{end}") } });
    if end < all.len() {
        paging["next"] = json!(format!("{here}?after=P{end}"));
    }
    Ok(json!({ "data": data, "paging": paging }))
}

/// Ten products: some alone, some variants of one, one sold out.
fn products() -> Vec<Value> {
    let product = |n: usize, sku: &str, group: Option<&str>, name: &str, price: &str, stock: Option<i64>| {
        let mut product = json!({
            "id": format!("{}", 6_000_000_000_000 + n), "retailer_id": sku, "name": name, "price": price, "currency": "MYR",
            "availability": if stock == Some(0) { "out of stock" } else { "in stock" },
            "image_url": format!("https://shop.example/{sku}.png"), "url": format!("https://shop.example/{sku}"),
        });
        if let Some(stock) = stock {
            product["inventory"] = json!(stock);
        }
        if let Some(group) = group {
            product["retailer_product_group_id"] = json!(group);
            product["color"] = json!(sku.rsplit('-').next());
        }
        product
    };
    vec![
        product(1, "teh-tarik", None, "Teh Tarik", "RM2.50", None),
        product(2, "kopi", None, "Kopi O", "RM2.20", Some(400)),
        product(3, "kuih-lapis", None, "Kuih Lapis", "RM0.35", Some(90)),
        product(4, "rendang", None, "Rendang, 1 kg", "RM1,045.00", Some(3)),
        product(5, "satay", None, "Satay", "RM12.00", Some(0)),
        product(6, "baju-red", Some("baju"), "Baju Kurung", "RM189.90", Some(5)),
        product(7, "baju-blue", Some("baju"), "Baju Kurung", "RM199.90", Some(2)),
        product(8, "baju-green", Some("baju"), "Baju Kurung", "RM189.90", Some(0)),
        product(9, "songket", None, "Songket", "RM450.00", Some(1)),
        product(10, "ketupat", None, "Ketupat", "RM0.80", None),
    ]
}
