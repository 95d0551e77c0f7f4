//! Creates drafts.

use std::io::Read;

use super::App;
use super::AppError;
use super::report::Report;
use crate::domain::content::BlastContent;
use crate::domain::ids::BlastId;
use crate::domain::pace::{Gap, Hours, Rate, Weekdays};
use crate::engine::ConfiguredSender;
use crate::import::{BlastDraft, ImportError, Imported, NewBlast, RejectedTo, create_blast};

/// A draft to create. Its pace and window narrow the sender's.
#[derive(Debug, Clone)]
pub struct NewDraft {
    /// The sender's name, as configured.
    pub sender: String,
    pub tag: String,
    pub follow_up_stage: String,
    pub content: BlastContent,
    /// A marketing template: numbers of the United States are left out.
    pub is_marketing: bool,
    pub rate: Option<Rate>,
    pub gap: Option<Gap>,
    pub window: Option<Hours>,
    pub weekdays: Option<Weekdays>,
    pub timezone: Option<chrono_tz::Tz>,
    /// Whether people to whom Meta did not give the message for now are tried again by themselves after a day.
    pub retry_next_day: bool,
}

impl App {
    /// Creates a draft from a message and a file of people. Sends nothing, and leaves nothing behind when it fails.
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
        let without_united_states = draft.is_marketing;
        let draft = BlastDraft {
            sender_id,
            tag: draft.tag,
            follow_up_stage: draft.follow_up_stage,
            content: draft.content,
            rate: draft.rate,
            gap: draft.gap,
            window: draft.window,
            weekdays: draft.weekdays,
            timezone: draft.timezone,
            retry_next_day: draft.retry_next_day,
        };
        let new = NewBlast { region: sender.region, draft, without_united_states };
        let imported = create_blast(self.pool(), new, source, rejected).await?;
        let _ = self.notify(imported.blast).await;
        Ok(imported)
    }

    /// The funnel of a blast, where people are stuck, and why some failed.
    pub async fn report(&self, id: BlastId) -> Result<Report, AppError> {
        let blast = self.blast(id).await?;
        let errors = if blast.counts.failed > 0 { self.errors(id).await? } else { Vec::new() };
        let provider = self.sender(blast.sender_id).map(|configured: &ConfiguredSender| configured.provider.clone());
        let advice = |code: &str| provider.as_ref().and_then(|provider| provider.advice(code)).map(str::to_owned);
        let (replies, charges) = (self.reply_counts(id).await?, self.charges(id).await?);
        Ok(Report::new(&blast, &errors, advice).with(replies, charges))
    }
}
