//! Transactions that keep people from being forgotten until they end.

use crate::app::{App, AppError};
use crate::store::{self, DbTransaction, forget};

/// How long somebody is waited for who is being forgotten, and whom a transaction is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::app) enum ForgettingWait {
    /// As any lock is: others need the connection.
    Short,
    /// However long it takes: a list is not broken off in its middle.
    Long,
}

impl App {
    /// Begins a transaction that writes people or words which it reads in the database: nobody is forgotten until it ends. Somebody who is being
    /// forgotten is waited for as any lock is, since others need the connection.
    pub(in crate::app) async fn begin_copying(&self) -> Result<DbTransaction, AppError> {
        let mut tx = store::begin(self.pool()).await?;
        forget::share_lists_soon(&mut tx).await?;
        self.claim_request(&mut tx).await?;
        Ok(tx)
    }

    /// Begins a transaction that writes down these numbers: nobody with one of them is forgotten until it ends.
    pub(in crate::app) async fn begin_about(&self, numbers: &[&str]) -> Result<DbTransaction, AppError> {
        self.begin_about_list(numbers, ForgettingWait::Short).await
    }

    /// The same of a list.
    pub(in crate::app) async fn begin_about_list(
        &self,
        numbers: &[&str],
        wait: ForgettingWait,
    ) -> Result<DbTransaction, AppError> {
        let mut tx = store::begin(self.pool()).await?;
        match wait {
            ForgettingWait::Short => forget::share_numbers(&mut tx, numbers).await?,
            ForgettingWait::Long => forget::share_numbers_patiently(&mut tx, numbers).await?,
        }
        self.claim_request(&mut tx).await?;
        Ok(tx)
    }
}
