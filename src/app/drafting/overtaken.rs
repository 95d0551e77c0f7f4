//! Somebody else changes, launches, cancels or deletes a draft while it is written on.

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
        let saved = self.save_draft_there_is(at, form).await;
        let (Err(AppError::NotFound(_) | AppError::Refused(_)), Some(DraftAt { id, .. })) = (&saved, at) else {
            return saved;
        };
        let state = match self.state(id).await {
            Ok(BlastState::Draft | BlastState::Scheduled) => return saved,
            Ok(state) => Some(state),
            Err(AppError::NotFound(_)) => None,
            Err(error) => return Err(error),
        };
        let by = self.overtaken_by(&mut *self.begin().await?, id).await?;
        Err(AppError::Overtaken(match state {
            Some(state) => DraftOvertaken::Started { by, state },
            None => DraftOvertaken::Deleted { by },
        }))
    }

    /// A draft that somebody else changed, and who that was.
    pub async fn open_draft_of_another(&self, id: BlastId) -> Result<(OpenedDraft, String), AppError> {
        let opened = self.open_draft(id).await?;
        let by = self.overtaken_by(&mut *self.begin().await?, id).await?;
        Ok((opened, by))
    }

    /// Who was quicker, in words.
    pub(super) async fn overtaken_by(&self, tx: &mut PgConnection, draft: BlastId) -> Result<String, AppError> {
        let by = action::newest_operator(tx, draft).await?;
        Ok(match by {
            Some(own) if own == self.operator() => "another session of yours".to_owned(),
            Some(other) => other,
            None => "somebody".to_owned(),
        })
    }
}
