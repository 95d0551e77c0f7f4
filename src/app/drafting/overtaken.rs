//! Somebody else changes or deletes a draft while it is written on.

use sqlx::PgConnection;

use super::{DraftAt, DraftForm, OpenedDraft, SavedDraft};
use crate::app::{App, AppError, DraftOvertaken};
use crate::domain::blast::BlastState;
use crate::domain::ids::BlastId;
use crate::store::action;

impl App {
    /// Saves a draft as it is, and makes it where there is none yet (`None`). What is scheduled is edited as programs edit it.
    ///
    /// # Errors
    /// [`AppError::Overtaken`] where somebody else changed, deleted, launched or cancelled it.
    pub async fn save_draft(&self, at: Option<DraftAt>, form: &DraftForm) -> Result<SavedDraft, AppError> {
        match (self.save_draft_there_is(at, form).await, at) {
            // Something else may be gone, such as its sender.
            (Err(AppError::NotFound(_)), Some(at)) if self.is_gone(at.id).await => {
                let by = self.overtaken_by(&mut *self.begin().await?, at.id).await?;
                Err(AppError::Overtaken(DraftOvertaken::Deleted { by }))
            }
            (Err(AppError::Refused(why)), Some(at)) => match self.state(at.id).await? {
                BlastState::Draft | BlastState::Scheduled => Err(AppError::Refused(why)),
                state => {
                    let by = self.overtaken_by(&mut *self.begin().await?, at.id).await?;
                    Err(AppError::Overtaken(DraftOvertaken::Started { by, state }))
                }
            },
            (saved, _) => saved,
        }
    }

    /// A draft that somebody else changed, and who that was.
    pub async fn open_draft_of_another(&self, id: BlastId) -> Result<(OpenedDraft, String), AppError> {
        let opened = self.open_draft(id).await?;
        let by = self.overtaken_by(&mut *self.begin().await?, id).await?;
        Ok((opened, by))
    }

    async fn is_gone(&self, draft: BlastId) -> bool {
        matches!(self.blast(draft).await, Err(AppError::NotFound(_)))
    }

    /// Who was quicker, in words.
    pub(super) async fn overtaken_by(&self, tx: &mut PgConnection, draft: BlastId) -> Result<String, AppError> {
        let by = action::newest_operator(tx, draft).await?;
        Ok(match by {
            Some(own) if own == self.operator() => "another window of yours".to_owned(),
            Some(other) => other,
            None => "somebody".to_owned(),
        })
    }
}
