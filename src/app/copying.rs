//! Copies of blasts.

use serde_json::json;

use super::error::unread_after;
use super::{App, AppError, DraftAt};
use crate::domain::act::Act;
use crate::domain::ids::BlastId;
use crate::store::draft::{self, CopiedPeople};

impl App {
    /// A new draft with the content, the pace and the people of another blast; of one that was cancelled, those whom that left out.
    /// Whoever opted out since is left out when it is sent.
    pub async fn duplicate(&self, id: BlastId) -> Result<(DraftAt, CopiedPeople), AppError> {
        let mut tx = self.begin_copying().await?;
        let head = self.head(&mut tx, id).await?;
        let (copy, people) = draft::duplicate(&mut tx, id).await?;
        let copied = crate::store::blast::BlastHead { id: copy, ..head };
        self.log_draft_act(&mut tx, Act::Create, &copied, json!({ "from": id })).await?;
        tx.commit().await?;
        self.notify(copy).await;
        let row = self.blast_row(copy).await.map_err(unread_after(format!("the copy is made: blast {copy}")))?;
        Ok((DraftAt::new(copy, row.version), people))
    }
}
