//! `catalog`: products with prices, from files and from Meta.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Subcommand;
use color_eyre::Result;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::Global;
use super::blast::new::{open, refusal_of};
use super::confirm::confirm;
use super::context::{Context, Intent};
use super::exit::{RefusedError, UsageError};
use super::output::{json as print_json, line, talk, text};
use super::table::{TextAlign, render};
use crate::app::{AppError, CatalogueChange, CatalogueRow, CatalogueSource, ProductQuery, ProductRow, VariantRow};
use crate::domain::amount::{as_text, in_currency, text_as_text};
use crate::domain::catalogue::is_sold_out;
use crate::domain::ids::{CatalogueId, ProductId};
use crate::domain::text::{clean, count_of, number, shell_quoted};
use crate::import::{TableSource, read_products};

#[derive(Debug, Subcommand)]
pub(super) enum CatalogVerb {
    /// Read the products of a CSV file or an Excel workbook: a feed as Meta takes it, or a table with the columns sku and name, and perhaps price,
    /// currency, availability, inventory, description, image_url, url, group and variant. What the file does not have is taken
    /// out of the catalogue.
    Import {
        /// The CSV file or Excel workbook (.xlsx), or - for standard input.
        file: PathBuf,
        /// The sheet of the workbook; by default the first that is not hidden.
        #[arg(long, value_name = "NAME")]
        sheet: Option<String>,
        /// The catalogue's name; an earlier one of this name is replaced.
        #[arg(long, default_value = "products")]
        name: String,
        /// Whose it is, where senders are of several businesses.
        #[arg(long)]
        business: Option<String>,
    },
    /// Read the catalogues of a sender's account from Meta. Products that Meta no longer lists are removed.
    Sync {
        /// Only the catalogue with this id of Meta's.
        catalogue: Option<String>,
        /// The sender whose account it is; defaults to the first of provider meta.
        #[arg(long)]
        sender: Option<String>,
    },
    /// List catalogues.
    List,
    /// Show the products of a catalogue with their variants.
    Show {
        /// The catalogue's id or name, as in `catalog list`; without one, every product.
        catalogue: Option<String>,
    },
    /// Remove a catalogue with its products. Orders and carts keep their names and prices.
    Remove {
        /// The catalogue's id or name, as in `catalog list`.
        catalogue: String,
        /// Do not ask.
        #[arg(long)]
        yes: bool,
    },
}

impl CatalogVerb {
    pub(super) async fn run(self, global: &Global) -> Result<ExitCode> {
        match self {
            Self::Import { file, sheet, name, business } => {
                import(global, (&file, sheet), &name, business.as_deref()).await?;
            }
            Self::Sync { catalogue, sender } => sync(global, sender.as_deref(), catalogue.as_deref()).await?,
            Self::List => list(global).await?,
            Self::Show { catalogue } => show(global, catalogue).await?,
            Self::Remove { catalogue, yes } => remove(global, &catalogue, yes).await?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

async fn import(
    global: &Global,
    (file, sheet): (&Path, Option<String>),
    name: &str,
    business: Option<&str>,
) -> Result<()> {
    let source = TableSource::from(open(file)?).of_sheet(sheet);
    let context = Context::open(global, Intent::Writes).await?;
    let read = read_products(source, context.app.config().ui.currency.clone()).await.map_err(refusal_of(file))?;
    if read.wrong_total > 0 {
        read.wrong.iter().for_each(|why| talk(why));
        if let more @ 1.. = read.wrong_total.saturating_sub(read.wrong.len()) {
            talk(&format!("and {} more", number(i64::try_from(more).unwrap_or(i64::MAX))));
        }
        let rows = count_of(read.wrong_total as u64, "row is", "rows are");
        return Err(RefusedError(format!(
            "{rows} wrong in {}: nothing was imported",
            shell_quoted(&file.to_string_lossy())
        ))
        .into());
    }
    let change = context.app.import_catalogue((business, CatalogueSource::File), name, &read.items).await?;
    if context.is_json {
        return print_json(&change);
    }
    line(&changed(&change))
}

async fn sync(global: &Global, sender: Option<&str>, catalogue: Option<&str>) -> Result<()> {
    let context = Context::open(global, Intent::Writes).await?;
    for synced in context.app.sync_catalogues(sender, catalogue).await? {
        if context.is_json {
            print_json(&synced)?;
            continue;
        }
        if synced.unreadable > 0 {
            let products = count_of(synced.unreadable as u64, "product has", "products have");
            talk(&format!("{products} no retailer id or no name, and cannot be ordered"));
        }
        line(&format!("{}, {}", synced.name, changed(&synced.change)))?;
    }
    Ok(())
}

fn changed(change: &CatalogueChange) -> String {
    let products = count_of(change.products as u64, "product", "products");
    let variants = match change.variants {
        0 => String::new(),
        variants => format!(" and {}", count_of(variants as u64, "variant", "variants")),
    };
    let CatalogueChange { id, added, changed, removed, .. } = change;
    format!("catalogue {id}: {products}{variants}, {added} new, {changed} changed, {removed} taken out")
}

async fn list(global: &Global) -> Result<()> {
    let context = Context::open(global, Intent::Reads).await?;
    let catalogues = context.app.catalogues().await?;
    if context.is_json {
        return catalogues.iter().try_for_each(|catalogue| print_json(&document(catalogue)));
    }
    if catalogues.is_empty() {
        talk(&context.pasteable("no catalogues: `blastdeck catalog import FILE.csv` reads one"));
        return Ok(());
    }
    let header = [
        ("id", TextAlign::Right),
        ("name", TextAlign::Left),
        ("business", TextAlign::Left),
        ("from", TextAlign::Left),
        ("products", TextAlign::Right),
        ("variants", TextAlign::Right),
        ("read", TextAlign::Left),
    ];
    let cells = catalogues.iter().map(|catalogue| {
        let CatalogueRow { id, name, business, source, products, variants, synced_at, .. } = catalogue;
        let (products, variants) = (products.to_string(), variants.to_string());
        vec![
            id.to_string(),
            name.clone(),
            business.clone(),
            source.clone(),
            products,
            variants,
            context.when(*synced_at),
        ]
    });
    text(&render(&header, &cells.collect::<Vec<_>>()))
}

/// The catalogue of this id, or else of this name. Two businesses may each have one of a name.
async fn named(context: &Context, catalogue: &str) -> Result<CatalogueId> {
    if let Ok(id) = catalogue.parse() {
        return Ok(context.app.catalogue(id).await?.id);
    }
    let all = context.app.catalogues().await?;
    let of_name: Vec<&CatalogueRow> = all.iter().filter(|row| row.name == catalogue).collect();
    match of_name[..] {
        [one] => Ok(one.id),
        [] => {
            let why = format!("no catalogue is called `{}`: `blastdeck catalog list` lists them", clean(catalogue));
            Err(AppError::NotFound(context.pasteable(&why)).into())
        }
        _ => {
            Err(UsageError(format!("{} catalogues are called {catalogue:?}: name one by its id", of_name.len())).into())
        }
    }
}

async fn remove(global: &Global, catalogue: &str, is_sure: bool) -> Result<()> {
    let context = Context::open(global, Intent::Writes).await?;
    let CatalogueRow { id, name, products, .. } = context.app.catalogue(named(&context, catalogue).await?).await?;
    let products = count_of(products.unsigned_abs(), "product", "products");
    let what = format!("catalogue {id}, {}, with {products}", clean(&name));
    confirm(&format!("Remove {what}?"), is_sure)?;
    let removed = context.app.remove_catalogue(id).await?;
    if context.is_json {
        return print_json(&json!({ "id": removed.id, "removed": true }));
    }
    line(&format!("{what} is removed; orders and carts keep their names and prices"))
}

/// Every product, page by page.
async fn show(global: &Global, catalogue: Option<String>) -> Result<()> {
    let context = Context::open(global, Intent::Reads).await?;
    let catalogue = match catalogue {
        Some(catalogue) => Some(named(&context, &catalogue).await?),
        None => None,
    };
    let mut query = ProductQuery { catalogue, limit: 1_000, ..ProductQuery::default() };
    let mut all: Vec<ProductRow> = Vec::new();
    loop {
        let page = context.app.products(&query).await?;
        let Some(last) = page.last() else { break };
        query.after = Some(ProductId(last.id.0));
        all.extend(page);
    }
    if context.is_json {
        return all.iter().try_for_each(|product| print_json(&product_document(product)));
    }
    let header = [
        ("id", TextAlign::Right),
        ("sku", TextAlign::Left),
        ("name", TextAlign::Left),
        ("price", TextAlign::Right),
        ("availability", TextAlign::Left),
        ("stock", TextAlign::Right),
    ];
    let own = &context.app.config().ui.currency;
    text(&render(&header, &all.iter().flat_map(|product| lines(product, own)).collect::<Vec<_>>()))
}

/// A product, and its variants under it. A price without a currency is in that of revenue.
fn lines(product: &ProductRow, own_currency: &str) -> Vec<Vec<String>> {
    let money = |price: Option<Decimal>, currency: Option<&str>| {
        price.map_or_else(|| "-".to_owned(), |price| in_currency(price, currency.unwrap_or(own_currency)))
    };
    let stock = |inventory: Option<i64>| inventory.map_or_else(|| "-".to_owned(), |count| count.to_string());
    let word = |availability: &str, inventory| {
        if is_sold_out(availability, inventory) { "out of stock".to_owned() } else { availability.to_owned() }
    };
    let own = money(product.price, product.currency.as_deref());
    let ProductRow { availability, inventory, .. } = product;
    let has_variants = !product.variants.is_empty();
    let (own_word, own_stock) =
        if has_variants { (String::new(), String::new()) } else { (word(availability, *inventory), stock(*inventory)) };
    let mut lines =
        vec![vec![product.id.to_string(), product.sku.clone(), product.name.clone(), own, own_word, own_stock]];
    lines.extend(product.variants.iter().map(|variant| {
        let price = variant.price.as_deref().and_then(|price| price.parse().ok());
        let price = money(price, variant.currency.as_deref());
        let name = format!("  {}", variant.name);
        vec![
            String::new(),
            variant.sku.clone(),
            name,
            price,
            word(&variant.availability, variant.inventory),
            stock(variant.inventory),
        ]
    }));
    lines
}

fn document(catalogue: &CatalogueRow) -> Value {
    let CatalogueRow { id, business, external_id, name, source, products, variants, synced_at, .. } = catalogue;
    json!({ "id": id, "business": business, "external_id": external_id, "name": name, "source": source, "products": products,
            "variants": variants, "synced_at": synced_at })
}

fn product_document(product: &ProductRow) -> Value {
    let variants: Vec<Value> = product.variants.0.iter().map(variant_document).collect();
    json!({
        "id": product.id, "catalogue_id": product.catalogue_id, "sku": product.sku, "external_id": product.external_id,
        "name": product.name, "description": product.description, "price": product.price.map(|price| as_text(price, product.currency.as_deref())),
        "currency": product.currency, "availability": product.availability, "inventory": product.inventory,
        "sold_out": product.is_sold_out(), "image_url": product.image_url, "url": product.url,
        "updated_at": product.updated_at, "variants": variants,
    })
}

fn variant_document(variant: &VariantRow) -> Value {
    let mut document = json!(variant);
    document["price"] = json!(variant.price.clone().map(|price| text_as_text(price, variant.currency.as_deref())));
    document["sold_out"] = json!(variant.is_sold_out());
    document
}
