//! Making drafts.

use std::io::Read;

use super::App;
use super::AppError;
use super::report::Report;
use crate::domain::ids::BlastId;
use crate::domain::message::Message;
use crate::domain::pace::{Gap, Hours, Rate, Weekdays};
use crate::engine::ConfiguredSender;
use crate::import::{BlastDraft, ImportError, Imported, NewBlast, RejectedTo, create_blast};

/// A draft to be made. Pace and window narrow the sender's.
#[derive(Debug, Clone)]
pub struct NewDraft {
    /// The sender's name, as configured.
    pub sender: String,
    pub tag: String,
    pub follow_up_stage: String,
    pub message: Message,
    pub rate: Option<Rate>,
    pub gap: Option<Gap>,
    pub window: Option<Hours>,
    pub weekdays: Option<Weekdays>,
    pub timezone: Option<chrono_tz::Tz>,
}

impl App {
    /// Makes a draft of a message and a file of people. Nothing is left behind when it fails, and nothing is sent.
    pub async fn create(
        &self,
        draft: NewDraft,
        source: impl Read + Send + 'static,
        rejected: RejectedTo,
    ) -> Result<Imported, ImportError> {
        let Some(sender) = self.config().sender(&draft.sender) else {
            return Err(ImportError::Sender(self.no_sender(&draft.sender)));
        };
        let id = crate::store::sender::id(self.pool(), &sender.name).await?;
        let Some(sender_id) = id else { return Err(ImportError::Sender(self.no_sender(&draft.sender))) };
        let draft = BlastDraft {
            sender_id,
            tag: draft.tag,
            follow_up_stage: draft.follow_up_stage,
            message: draft.message,
            rate: draft.rate,
            gap: draft.gap,
            window: draft.window,
            weekdays: draft.weekdays,
            timezone: draft.timezone,
        };
        let new = NewBlast { region: sender.region, draft };
        let imported = create_blast(self.pool(), new, source, rejected).await?;
        let _ = self.tell(imported.blast).await;
        Ok(imported)
    }

    /// The funnel of a blast, where people are stuck, and why some failed.
    pub async fn report(&self, id: BlastId) -> Result<Report, AppError> {
        let blast = self.blast(id).await?;
        let errors = if blast.counts.failed > 0 { self.errors(id).await? } else { Vec::new() };
        let provider = self.sender(blast.sender_id).map(|configured: &ConfiguredSender| configured.provider.clone());
        let advice = |code: &str| provider.as_ref().and_then(|provider| provider.advice(code)).map(str::to_owned);
        Ok(Report::new(&blast, &errors, advice))
    }
}
