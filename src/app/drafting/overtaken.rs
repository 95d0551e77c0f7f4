//! Somebody else changes, launches, cancels or deletes a draft while it is written on.

use sqlx::PgConnection;

use super::{DraftForm, OpenedDraft, SavedDraft};
use crate::app::{App, AppError, DraftOvertaken};
use crate::domain::blast::BlastState;
use crate::domain::ids::BlastId;
use crate::store::{action, draft};

/// A draft as it was when somebody last saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DraftAt {
    pub id: BlastId,
    pub version: i64,
    /// What was written in it then, to compare it by, where a filter finds its people.
    pub words: Option<i64>,
}

impl DraftAt {
    /// Of a draft whose words are not compared: any other version of it is somebody else's.
    pub const fn new(id: BlastId, version: i64) -> Self {
        Self { id, version, words: None }
    }

    pub(super) async fn of(tx: &mut PgConnection, id: BlastId, version: i64) -> Result<Self, AppError> {
        Ok(Self { id, version, words: draft::words(tx, (id, version)).await? })
    }

    /// Of the version that it has now, where its words are still those: its filter found others, as it does for whoever merely looks at it
    /// or at its plan, and nobody wrote in it.
    pub(super) async fn with_people_found_since(self, tx: &mut PgConnection, version: i64) -> Result<Self, AppError> {
        if self.version == version || self.words.is_none() {
            return Ok(self);
        }
        let now = Self::of(tx, self.id, version).await?;
        Ok(if now.words == self.words { now } else { self })
    }
}

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
