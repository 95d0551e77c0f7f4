//! What is said to a caller that acts for one sender: blasts of other senders are not there for it. Opt-outs and purchases are those of the
//! business, so that what it does may concern other senders' blasts all the same.

use std::collections::BTreeSet;

use sqlx::PgConnection;

use super::{App, AppError};
use crate::domain::ids::BlastId;
use crate::store::blast;

impl App {
    /// Those of these blasts that this app may name.
    pub(super) async fn visible_blasts(
        &self,
        tx: &mut PgConnection,
        blasts: BTreeSet<BlastId>,
    ) -> Result<BTreeSet<BlastId>, AppError> {
        let Some(own) = self.only_sender().filter(|_| !blasts.is_empty()) else { return Ok(blasts) };
        let ids: Vec<i64> = blasts.into_iter().map(|id| id.0).collect();
        Ok(blast::of_sender(tx, own, &ids).await?.into_iter().collect())
    }
}
