//! Transactions that keep people from being forgotten until they end.

use crate::app::{App, AppError};
use crate::domain::ids::RecipientId;
use crate::store::{self, DbTransaction, forget};

/// Why nothing is written about somebody.
pub(in crate::app) const FORGOTTEN_MEANWHILE: &str = "they were forgotten meanwhile: nothing new is written about them";

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

    /// Begins a transaction that writes about people by their rows: none of them is forgotten until it ends. Refused where one of them was while
    /// it waited: a row outlives its number.
    pub(in crate::app) async fn begin_about_people(&self, people: &[RecipientId]) -> Result<DbTransaction, AppError> {
        let (tx, forgotten) = self.begin_about_some(people).await?;
        refuse_forgotten(people, &forgotten)?;
        Ok(tx)
    }

    /// The same where the others go on: also who was forgotten while it waited.
    pub(in crate::app) async fn begin_about_some(
        &self,
        people: &[RecipientId],
    ) -> Result<(DbTransaction, Vec<RecipientId>), AppError> {
        let mut tx = store::begin(self.pool()).await?;
        let forgotten = forget::share_rows(&mut tx, people).await?;
        self.claim_request(&mut tx).await?;
        Ok((tx, forgotten))
    }
}

/// The same as [`App::begin_about_people`] of a transaction that has begun, before it locks a row.
pub(in crate::app) async fn keep_from_forgetting(
    tx: &mut DbTransaction,
    people: &[RecipientId],
) -> Result<(), AppError> {
    let forgotten = forget::share_rows(tx, people).await?;
    refuse_forgotten(people, &forgotten)
}

fn refuse_forgotten(people: &[RecipientId], forgotten: &[RecipientId]) -> Result<(), AppError> {
    match (forgotten, people) {
        ([], _) => Ok(()),
        (_, [_]) => Err(AppError::Refused(FORGOTTEN_MEANWHILE.to_owned())),
        _ => Err(AppError::Refused(
            "somebody among them was forgotten meanwhile: nothing was changed; do it again for those who are left"
                .to_owned(),
        )),
    }
}
