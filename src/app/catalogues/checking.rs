//! Whether the products that a template shows can be bought, before anybody is written to.

use crate::app::{App, AppError};
use crate::domain::catalogue::is_sold_out;
use crate::domain::content::BlastContent;
use crate::domain::template::{ButtonAction, ParameterValue, TemplateComponent, TemplateMessage};
use crate::domain::text::{clean, count_of};
use crate::store::catalogue::{self, KnownItem, UnsoldRow};
use crate::store::view::BlastRow;

impl App {
    /// Why a draft's products keep it from being sent: unknown to the catalogues of its business, or sold out. Nothing where the
    /// business has no catalogue here.
    pub(in crate::app) async fn product_obstacles(
        &self,
        blast: &BlastRow,
        content: &BlastContent,
    ) -> Result<Vec<String>, AppError> {
        let BlastContent::Template(template) = content else { return Ok(Vec::new()) };
        let wanted = products(template);
        if wanted.is_empty() || !catalogue::has_any(self.pool(), blast.id).await? {
            return Ok(Vec::new());
        }
        let (own, of_everybody): (Vec<_>, Vec<_>) = wanted.into_iter().partition(|value| !value.columns().is_empty());
        let skus: Vec<&str> = of_everybody.iter().map(|value| value.source()).collect();
        let known = catalogue::known(self.pool(), blast.id, &skus).await?;
        let mut obstacles: Vec<String> = skus.iter().filter_map(|sku| fault(sku, &known)).collect();
        for column in own.iter().filter_map(|value| own_column(value)) {
            obstacles.extend(self.row_obstacle(blast, column).await?);
        }
        obstacles.dedup();
        Ok(obstacles)
    }

    /// Of a product that each row names, the first rows whose product cannot be bought.
    async fn row_obstacle(&self, blast: &BlastRow, column: &str) -> Result<Option<String>, AppError> {
        let unsold = catalogue::unsold(self.pool(), (blast.id, column), NAMED_MAX).await?;
        let Some((first, others)) = unsold.split_first() else { return Ok(None) };
        let mut words = vec![format!("`{}` in column {} of {}", clean(&first.sku), clean(column), unsold_words(first))];
        words.extend(others.iter().map(|row| format!("`{}` of {}", clean(&row.sku), unsold_words(row))));
        let named = i64::try_from(unsold.len()).unwrap_or(i64::MAX);
        let more = (first.people - named).unsigned_abs();
        if more > 0 {
            let people = count_of(more, "more person has such a product", "more people have such products");
            words.push(format!("and {people}"));
        }
        Ok(Some(format!("{}: correct the list", words.join(", "))))
    }
}

/// So many people are named whose products cannot be bought.
const NAMED_MAX: i64 = 3;

/// Why WhatsApp would not show a product that a file has.
const NOT_METAS: &str = "which is not a catalogue of the account at Meta, and WhatsApp shows no other";

/// `+60123456789 is sold out`.
fn unsold_words(row: &UnsoldRow) -> String {
    let why = match &row.elsewhere {
        _ if row.is_known => "is sold out".to_owned(),
        None => "is in no catalogue".to_owned(),
        Some(catalogue) => format!("is in {} alone, {NOT_METAS}", clean(catalogue)),
    };
    format!("{} {why}", row.phone_number)
}

/// The one column that a value is.
fn own_column(value: &ParameterValue) -> Option<&str> {
    let columns = value.columns();
    let [column] = columns[..] else { return None };
    let inner = value.source().trim().trim_matches(['{', '}']);
    (inner.trim() == column).then_some(column)
}

fn fault(sku: &str, known: &[KnownItem]) -> Option<String> {
    let (elsewhere, found): (Vec<_>, Vec<_>) =
        known.iter().filter(|item| item.sku == sku).partition(|item| item.is_elsewhere);
    match (&found[..], elsewhere.first()) {
        ([], None) => Some(format!(
            "the template shows `{}`, which is in no catalogue: `blastdeck catalog sync` reads Meta's again",
            clean(sku)
        )),
        ([], Some(item)) => Some(format!(
            "the template shows `{}`, which is in {} alone, {NOT_METAS}: `blastdeck catalog sync` reads Meta's again",
            clean(sku),
            clean(&item.catalogue)
        )),
        _ => {
            let is_gone = found.iter().all(|item| is_sold_out(&item.availability, item.inventory));
            is_gone.then(|| format!("the template shows `{}`, which is sold out", clean(sku)))
        }
    }
}

/// Every product that a template's buttons name.
fn products(template: &TemplateMessage) -> Vec<&ParameterValue> {
    let buttons = template.components().iter().filter_map(|component| match component {
        TemplateComponent::Button(button) => Some(&button.action),
        _ => None,
    });
    let mut products = Vec::new();
    for action in buttons {
        match action {
            ButtonAction::Catalog { thumbnail } => products.extend(thumbnail),
            ButtonAction::Products { thumbnail, sections } => {
                products.extend(thumbnail);
                products.extend(sections.iter().flat_map(|section| &section.products));
            }
            _ => {}
        }
    }
    products
}
