//! Catalogues as Meta has them.

use std::time::Duration;

use serde::Serialize;
use tokio::time::timeout;

use crate::app::{App, AppError};
use crate::domain::text::clean;
use crate::engine::ConfiguredSender;
use crate::provider::meta::GraphError;
use crate::provider::meta::catalogue::MetaCatalogue;
use crate::store::catalogue::{self, CatalogueChange, CatalogueSource, NewCatalogue};

/// How long Meta may take for one catalogue.
const PATIENCE: Duration = Duration::from_secs(300);

/// A catalogue that was read from Meta.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SyncedCatalogue {
    /// Meta's id.
    pub external_id: String,
    pub name: String,
    /// Products that nobody can order, since they have no retailer id or no name.
    pub unreadable: usize,
    #[serde(flatten)]
    pub change: CatalogueChange,
}

impl App {
    /// Reads the catalogues of a sender's account: the one with this id of Meta's, or all. What a catalogue has no more is taken
    /// out of it.
    pub async fn sync_catalogues(
        &self,
        sender: Option<&str>,
        only: Option<&str>,
    ) -> Result<Vec<SyncedCatalogue>, AppError> {
        let sender = self.meta_sender(sender)?;
        let mut wanted = self.connected(sender).await?;
        if let Some(only) = only {
            wanted.retain(|catalogue| catalogue.id == only);
        }
        if wanted.is_empty() {
            return Err(AppError::NotFound(match only {
                Some(only) => format!("catalogue {} is not connected to the account of {}", clean(only), sender.name),
                None => format!(
                    "no catalogue is connected to the account of {}: connect one in Meta's Commerce Manager",
                    sender.name
                ),
            }));
        }
        let mut synced = Vec::with_capacity(wanted.len());
        for catalogue in wanted {
            synced.push(self.sync(sender, catalogue).await?);
        }
        Ok(synced)
    }

    /// The named sender, which must be Meta's; without a name the first of Meta's.
    fn meta_sender(&self, name: Option<&str>) -> Result<&ConfiguredSender, AppError> {
        let mut senders =
            self.engine().senders.iter().filter(|sender| self.only_sender().is_none_or(|own| own == sender.id));
        let found = senders.find(|sender| name.map_or(sender.meta.is_some(), |name| sender.name == name));
        let Some(sender) = found else {
            return Err(match name {
                Some(name) => AppError::NotFound(format!("there is no sender `{}`", clean(name))),
                None => AppError::Refused(
                    "only a sender of provider meta has catalogues: `blastdeck catalog import FILE.csv` reads one from a file".to_owned(),
                ),
            });
        };
        match sender.meta {
            Some(_) => Ok(sender),
            None => Err(AppError::Refused(format!(
                "sender {} is not a Meta sender: only those have catalogues",
                sender.name
            ))),
        }
    }

    async fn connected(&self, sender: &ConfiguredSender) -> Result<Vec<MetaCatalogue>, AppError> {
        let Some(meta) = &sender.meta else { return Ok(Vec::new()) };
        in_time(sender, meta.catalogues()).await
    }

    async fn sync(&self, sender: &ConfiguredSender, wanted: MetaCatalogue) -> Result<SyncedCatalogue, AppError> {
        let MetaCatalogue { id, name } = wanted;
        let Some(meta) = &sender.meta else { return Err(AppError::NotFound("there is no such sender".to_owned())) };
        let configured = self.config().senders.iter().find(|configured| configured.name == sender.name);
        let business = configured.map_or(sender.name.as_str(), |configured| configured.business());
        let products = in_time(sender, meta.catalogue_products(&id)).await?;
        let account = configured.and_then(|configured| configured.meta.as_ref()).map(|meta| meta.waba_id.as_str());
        let source = CatalogueSource::Meta;
        let mut tx = self.begin().await?;
        let new = NewCatalogue { business, external_id: Some(&id), name: &name, source, account };
        let change = catalogue::replace(&mut tx, &new, &products.items).await?;
        if change.is_any() {
            self.log_catalogue_act(&mut tx, &name, "read").await?;
        }
        tx.commit().await?;
        Ok(SyncedCatalogue { external_id: id, name, unreadable: products.unreadable, change })
    }
}

async fn in_time<T>(
    sender: &ConfiguredSender,
    read: impl Future<Output = Result<T, GraphError>>,
) -> Result<T, AppError> {
    let failed = |why: String| AppError::Failed(format!("the catalogues of {} cannot be read: {why}", sender.name));
    match timeout(PATIENCE, read).await {
        Ok(Ok(read)) => Ok(read),
        Ok(Err(error)) => Err(failed(error.to_string())),
        Err(_) => Err(failed("Meta did not answer in time".to_owned())),
    }
}
