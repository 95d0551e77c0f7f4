//! Transactions whose beginning and end no caller can break off. A task that is cancelled while the server answers a BEGIN
//! would give its connection back with a transaction open that the pool knows nothing of: what is written there next
//! is lost. One that is cancelled during a COMMIT would roll back a transaction that is over.

use std::ops::{Deref, DerefMut};

use sqlx::{Connection, PgConnection, PgPool, PgTransaction};

use super::StoreError;

/// A transaction on a pooled connection. Rolled back when it is dropped.
#[derive(Debug)]
pub struct DbTransaction(PgTransaction<'static>);

/// Begins a transaction. What it reads in a second statement is newer than in its first, whatever the database's default: whoever locks
/// rows goes by that.
pub async fn begin(pool: &PgPool) -> Result<DbTransaction, StoreError> {
    begin_with(pool, "begin isolation level read committed").await
}

/// The same by a statement of the caller's, which may have settings behind its BEGIN.
pub(super) async fn begin_with(pool: &PgPool, statement: &'static str) -> Result<DbTransaction, StoreError> {
    let pool = pool.clone();
    to_its_end(async move { pool.begin_with(statement).await }).await.map(DbTransaction)
}

impl DbTransaction {
    /// Ends it. Where the connection breaks meanwhile, [`StoreError::Unconfirmed`]: only reading it again shows whether it was made.
    pub async fn commit(self) -> Result<(), StoreError> {
        match to_its_end(self.0.commit()).await {
            Err(StoreError::Unavailable(error)) => Err(StoreError::Unconfirmed(error)),
            outcome => outcome,
        }
    }

    /// Rolls back now, not when the connection is used again.
    pub async fn rollback(self) -> Result<(), StoreError> {
        to_its_end(self.0.rollback()).await
    }
}

impl Deref for DbTransaction {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.0
    }
}

impl DerefMut for DbTransaction {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.0
    }
}

/// What is done within a transaction to see what it comes to. Rolled back when it is dropped, the transaction goes on.
#[derive(Debug)]
pub struct Savepoint<'a>(PgTransaction<'a>);

/// Begins one.
pub async fn savepoint(tx: &mut PgConnection) -> Result<Savepoint<'_>, StoreError> {
    Ok(Savepoint(tx.begin().await?))
}

impl Savepoint<'_> {
    /// Rolls back now, to how it was when it began.
    pub async fn rollback(self) -> Result<(), StoreError> {
        Ok(self.0.rollback().await?)
    }
}

impl Deref for Savepoint<'_> {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.0
    }
}

impl DerefMut for Savepoint<'_> {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.0
    }
}

/// Runs on a task of its own, so that it ends also when its caller is dropped.
async fn to_its_end<T: Send + 'static>(
    work: impl Future<Output = Result<T, sqlx::Error>> + Send + 'static,
) -> Result<T, StoreError> {
    match tokio::spawn(work).await {
        Ok(outcome) => Ok(outcome?),
        Err(_) => Err(sqlx::Error::WorkerCrashed.into()),
    }
}
