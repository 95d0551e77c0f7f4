//! What this machine remembers of opt-outs, beside what the database notes.

use chrono::Utc;
use sqlx::PgConnection;

use super::App;
use super::AppError;
use crate::domain::act::Act;
use crate::domain::phone::Phone;
use crate::engine::RememberedOptOut;
use crate::store::DbTransaction;

impl App {
    /// Remembers opt-outs on this machine, before the commit: a database that is restored from a dump gets them again. An opt-out
    /// is never refused because it cannot be remembered. Returns why it could not be.
    pub(super) async fn remember(
        &self,
        tx: &mut PgConnection,
        noted: Vec<RememberedOptOut>,
    ) -> Result<Option<String>, AppError> {
        let refused = self.engine().fence.remember_in(tx, noted).await?;
        Ok(refused.map(|error| error.to_string()))
    }

    /// Commits, and remembers that these numbers may be messaged again.
    pub(super) async fn commit_lifted(
        &self,
        mut tx: DbTransaction,
        lifted: &[(String, Phone)],
    ) -> Result<(), AppError> {
        if lifted.is_empty() {
            return Ok(tx.commit().await?);
        }
        let lifted = lifted.iter().map(|(business, phone)| RememberedOptOut {
            business: business.clone(),
            phone: phone.as_str().to_owned(),
            reason: None,
            source: "operator".to_owned(),
            by: self.operator().to_owned(),
            at: Utc::now(),
            is_lifted: true,
        });
        let lifted: Vec<_> = lifted.collect();
        let fence = &self.engine().fence;
        let lock = match fence.lock_opt_outs().await {
            Ok(lock) => lock,
            Err(error) => {
                fence.remember_later(&mut tx, lifted, &error).await?;
                return Ok(tx.commit().await?);
            }
        };
        tx.commit().await?;
        if let Err(error) = fence.remember_lifted(&lock, &lifted) {
            let mut tx = self.begin().await?;
            fence.remember_later(&mut tx, lifted, &error).await?;
            tx.commit().await?;
        }
        Ok(())
    }

    /// An opt-out that this machine remembers, and a database that was restored has not again yet: it is lifted before it comes back.
    /// Says whether there was one.
    pub(super) async fn lift_remembered(
        &self,
        mut tx: DbTransaction,
        business: &str,
        phone: &Phone,
    ) -> Result<bool, AppError> {
        if !self.engine().fence.remembers_opt_out(business, phone).await {
            return Ok(false);
        }
        self.log_suppress(&mut tx, Act::Unsuppress, (business, phone)).await?;
        self.commit_lifted(tx, &[(business.to_owned(), phone.clone())]).await?;
        Ok(true)
    }
}
