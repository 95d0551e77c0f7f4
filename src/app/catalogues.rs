//! Catalogues of products: read from files and from Meta, listed, and compared with what templates show.

mod checking;
mod syncing;

pub use syncing::SyncedCatalogue;

use serde_json::json;
use sqlx::PgConnection;

use super::{App, AppError};
use crate::domain::act::Act;
use crate::domain::catalogue::CatalogueItem;
use crate::domain::ids::{CatalogueId, ProductId};
use crate::domain::text::clean;
use crate::store::action::{self, NewAction};
use crate::store::catalogue::{
    self, CatalogueChange, CatalogueRow, CatalogueSource, NewCatalogue, ProductQuery, ProductRow,
};

/// The longest name of a catalogue, in characters.
const NAME_MAX: usize = 100;

impl App {
    /// Catalogues by name, of the caller's own business where it acts for one sender.
    pub async fn catalogues(&self) -> Result<Vec<CatalogueRow>, AppError> {
        Ok(catalogue::list(self.pool(), self.only_business().await?.as_deref()).await?)
    }

    pub async fn catalogue(&self, id: CatalogueId) -> Result<CatalogueRow, AppError> {
        let found = self.catalogues().await?.into_iter().find(|catalogue| catalogue.id == id);
        found.ok_or_else(|| {
            AppError::NotFound(format!("there is no catalogue {id}: `blastdeck catalog list` lists them"))
        })
    }

    /// Products by id.
    pub async fn products(&self, query: &ProductQuery) -> Result<Vec<ProductRow>, AppError> {
        let business = self.only_business().await?.or_else(|| query.business.clone());
        Ok(catalogue::products(self.pool(), &ProductQuery { business, ..query.clone() }).await?)
    }

    pub async fn product(&self, id: ProductId) -> Result<ProductRow, AppError> {
        let query = ProductQuery { id: Some(id), limit: 1, ..ProductQuery::default() };
        let found = self.products(&query).await?.pop();
        found
            .ok_or_else(|| AppError::NotFound(format!("there is no product {id}: `blastdeck catalog show` lists them")))
    }

    /// Takes the products of a file or a program as the catalogue of this name; what it does not have is taken out.
    pub async fn import_catalogue(
        &self,
        (business, source): (Option<&str>, CatalogueSource),
        name: &str,
        items: &[CatalogueItem],
    ) -> Result<CatalogueChange, AppError> {
        let name = name.trim();
        if name.is_empty() || name.chars().count() > NAME_MAX || clean(name) != name {
            return Err(AppError::invalid("name", format!("write a name of 1 to {NAME_MAX} characters")));
        }
        if items.is_empty() {
            return Err(AppError::invalid("products", "there are no products: nothing changed"));
        }
        let business = self.catalogue_business(business).await?;
        let mut tx = self.begin().await?;
        let catalogue = NewCatalogue { business: &business, external_id: None, name, source, account: None };
        let change = catalogue::replace(&mut tx, &catalogue, items).await?;
        if change.is_any() {
            self.log_catalogue_act(&mut tx, name, "written").await?;
        }
        tx.commit().await?;
        Ok(change)
    }

    /// Removes a catalogue with its products; orders and carts keep what they were. One of Meta's comes back when it is read again.
    pub async fn remove_catalogue(&self, id: CatalogueId) -> Result<CatalogueRow, AppError> {
        let catalogue = self.catalogue(id).await?;
        let mut tx = self.begin().await?;
        catalogue::remove_catalogue(&mut tx, id).await?;
        self.log_catalogue_act(&mut tx, &catalogue.name, "removed").await?;
        tx.commit().await?;
        Ok(catalogue)
    }

    /// What was done with a catalogue is an act of its own: no older one is taken back in its place.
    async fn log_catalogue_act(&self, tx: &mut PgConnection, name: &str, was: &str) -> Result<(), AppError> {
        let (operator, detail) = (self.acting_operator(), json!({ "catalogue": name, "catalogue_was": was }));
        let act = NewAction { operator, action: Act::Edit, blast: None, recipient: None, phone: None, detail };
        action::log(tx, act).await?;
        Ok(())
    }

    /// The named business, which must be one of a sender's; without a name the only one.
    async fn catalogue_business(&self, named: Option<&str>) -> Result<String, AppError> {
        if let Some(own) = self.only_business().await? {
            return match named {
                Some(named) if named != own => Err(AppError::invalid("business", format!("write `{own}`"))),
                _ => Ok(own),
            };
        }
        let mut known: Vec<String> = self.config().senders.iter().map(|sender| sender.business().to_string()).collect();
        known.sort_unstable();
        known.dedup();
        let list = known.join(", ");
        match (named, &known[..]) {
            (Some(named), _) if known.iter().any(|business| business == named) => Ok(named.to_owned()),
            (None, [only]) => Ok(only.clone()),
            (None, []) => Err(AppError::Refused("there is no sender yet: add one first, with `blastdeck`".to_owned())),
            (Some(named), _) => {
                Err(AppError::invalid("business", format!("no sender is of `{}`: write one of {list}", clean(named))))
            }
            (None, _) => {
                Err(AppError::invalid("business", format!("whose is it? Name its business with --business: {list}")))
            }
        }
    }

    /// The business of the only sender that this app acts for.
    async fn only_business(&self) -> Result<Option<String>, AppError> {
        match self.only_sender() {
            Some(_) => Ok(Some(self.own_business(None).await?)),
            None => Ok(None),
        }
    }
}
