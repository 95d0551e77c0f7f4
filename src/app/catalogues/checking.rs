//! Whether the products that a template shows can be bought, before anybody is written to.

use crate::app::{App, AppError};
use crate::domain::catalogue::is_sold_out;
use crate::domain::content::BlastContent;
use crate::domain::template::{ButtonAction, ParameterValue, TemplateComponent, TemplateMessage};
use crate::domain::text::{clean, count_of};
use crate::store::catalogue::{self, KnownItem};
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

    /// Of a product that each row names, the first row whose product cannot be bought.
    async fn row_obstacle(&self, blast: &BlastRow, column: &str) -> Result<Option<String>, AppError> {
        let Some(first) = catalogue::first_unsold(self.pool(), blast.id, column).await? else { return Ok(None) };
        let why = if first.is_known { "is sold out" } else { "is in no catalogue" };
        let sku = clean(&first.sku);
        let others = match first.people - 1 {
            0 => String::new(),
            more => format!(
                ", and {} more",
                count_of(more.unsigned_abs(), "person has such a product", "people have such products")
            ),
        };
        Ok(Some(format!(
            "`{sku}` in column {} of {} {why}{others}: correct the list",
            clean(column),
            first.phone_number
        )))
    }
}

/// The one column that a value is.
fn own_column(value: &ParameterValue) -> Option<&str> {
    let columns = value.columns();
    let [column] = columns[..] else { return None };
    let inner = value.source().trim().trim_matches(['{', '}']);
    (inner.trim() == column).then_some(column)
}

fn fault(sku: &str, known: &[KnownItem]) -> Option<String> {
    let mut found = known.iter().filter(|item| item.sku == sku).peekable();
    if found.peek().is_none() {
        return Some(format!(
            "the template shows `{}`, which is in no catalogue: `blastdeck catalog sync` reads Meta's again",
            clean(sku)
        ));
    }
    let is_gone = found.all(|item| is_sold_out(&item.availability, item.inventory));
    is_gone.then(|| format!("the template shows `{}`, which is sold out", clean(sku)))
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
