//! What can go wrong with the database, by what the caller can do about it. Messages name the mend.

mod text;

use std::borrow::Cow;
use std::time::Duration;

use sqlx::error::DatabaseError;

use super::connect::read_only::note_refusal;
use crate::domain::waiting::DatabaseTrouble;
use text::ErrorText;

/// An error of the store. `Unavailable`, `Unconfirmed`, `Busy`, `Refusing` and `Silent` are worth trying again; the others are not.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Not reachable, restarting, or the connection broke: classes 08, 53 and 57, and I/O.
    #[error("the database cannot be reached: {}", ErrorText(.0))]
    Unavailable(sqlx::Error),
    /// The connection broke between a COMMIT and its answer: whether it was made is not known.
    #[error(
        "the database did not confirm that: its connection broke at the commit, so it may or may not have been saved; \
         look before you do it again ({})",
        ErrorText(.0)
    )]
    Unconfirmed(sqlx::Error),
    /// The address itself cannot be used, such as one with a parameter that Postgres does not know.
    #[error(
        "the database's address cannot be used: {0}: write postgres://user:password@host/database, with ?sslmode=require where it is far away"
    )]
    Address(String),
    /// Something accepts connections at its address, and nothing answers a question.
    #[error(
        "the database does not answer: nothing came within {seconds} s. Is its server overloaded or frozen, or its pooler \
         without a free connection? If it should answer, look whether the address is right"
    )]
    Silent { seconds: u64 },
    /// It answers, but takes nothing: its disk is full, it has no memory left, it only reads. 53100, 53200, 25006.
    #[error("the database accepts no writes now: {}", ErrorText(.0))]
    Refusing(sqlx::Error),
    /// Deadlock, serialisation failure, lock timeout or a statement ended for its length: 40P01, 40001, 55P03, 57014.
    #[error("the database was busy with something else: {}", ErrorText(.0))]
    Busy(sqlx::Error),
    /// The database's schema was made by a newer blastdeck.
    #[error(
        "this database was migrated by a newer blastdeck (migration {found}, this one knows up to {known}): update blastdeck"
    )]
    Newer { found: i64, known: i64 },
    /// One of its migrations is another than this program's of that number.
    #[error(
        "migration {version} of this database is not the one that this blastdeck has: it was built from other sources; use a released \
         version, or the one that made this database"
    )]
    Changed { version: i64 },
    /// A migration's row says that it did not end. Each runs in one transaction with its row.
    #[error(
        "migration {version} of this database is recorded as not finished, which no blastdeck leaves behind: its table _sqlx_migrations \
         was changed; restore that table, or the database, from a backup"
    )]
    HalfMigrated { version: i64 },
    /// A migration has run, and the database does not say so.
    #[error(
        "what migration {version} makes is in this database, and its row in _sqlx_migrations is missing: restore that table from a \
         backup, or copy the row from another database of this version"
    )]
    Unrecorded { version: i64 },
    /// A read-only process found a schema that has to be migrated first.
    #[error("this database's schema is older than this blastdeck: update it with `blastdeck db migrate`")]
    Older,
    /// Nothing is in it, and a read-only process makes no tables.
    #[error("this database is empty: is it the one you mean? If it is, `blastdeck db migrate` makes its tables")]
    Unmade,
    /// It is being restored, or was in part: rows, or what counts them, are not there.
    #[error(
        "the database is incomplete, as during a restore: wait for it to finish, or restore it again into an empty one"
    )]
    Incomplete,
    /// Nothing is in it, and this machine knows another that has blasts.
    #[error(
        "this database is empty, and this machine has worked with one that had blasts: is it the one you mean? If a dump is to be \
         restored into it, do that first; to begin a new one, run `blastdeck db migrate --allow-empty`"
    )]
    Emptied,
    /// Nothing is in the schema that is looked in, and another one has the tables.
    #[error(
        "this database's tables are in its schema {schema}, which the search_path of this role or database does not name: put it first there"
    )]
    OtherSchema { schema: String },
    /// The server was replaced by another between two questions: they are asked again.
    #[error("the database's server was restarted in the meantime")]
    ServerChanged,
    /// A pooler lends transactions and mixes up its clients' prepared statements: 26000, 42P05.
    #[error(
        "the database is behind a pooler in transaction mode that keeps no prepared statements: update PgBouncer to 1.21 or \
         newer and set max_prepared_statements = 200, or set pool_mode = session, or give the server's own address"
    )]
    NoPreparedStatements,
    /// Behind a pooler that lends transactions, no session can be held to reading.
    #[error(
        "--read-only needs a session of its own, which a pooler in transaction mode does not lend: give the server's own \
         address, or a pooler with pool_mode = session"
    )]
    ReadOnlyPooler,
    /// A message id in the batch was stored before: its owner is read, and the batch is written again.
    #[error("a message id was stored before")]
    IdTaken,
    /// A row was not any more as its claim had left it: it is read, and the batch is written again.
    #[error("a row was changed since its claim")]
    Moved,
    /// A recipient's row holds something that this program cannot read, typed by hand.
    #[error("the row of recipient {recipient} cannot be read: {error}")]
    Unreadable { recipient: i64, error: sqlx::Error },
    /// A statement was refused for its data.
    #[error("the database refused a value: {}", ErrorText(.0))]
    Data(sqlx::Error),
    /// Anything else.
    #[error("database error: {}", ErrorText(.0))]
    Other(sqlx::Error),
}

/// A sender's message ids are unique.
const MESSAGE_KEY: &str = "provider_message_sender_message_key";
/// An attempt ends once.
const ATTEMPT_KEY: &str = "provider_message_attempt_key";

impl StoreError {
    /// Worth trying again with the same evidence.
    pub const fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Unavailable(_)
                | Self::Unconfirmed(_)
                | Self::Silent { .. }
                | Self::Busy(_)
                | Self::Refusing(_)
                | Self::Incomplete
                | Self::ServerChanged
        )
    }

    /// What keeps a database that answers from taking anything, where a person can do something about it.
    pub fn trouble(&self) -> Option<DatabaseTrouble> {
        let (Self::Unavailable(error) | Self::Busy(error) | Self::Refusing(error)) = self else { return None };
        match code(error.as_database_error()?)?.as_ref() {
            "53100" => Some(DatabaseTrouble::DiskFull),
            "53200" => Some(DatabaseTrouble::NoMemory),
            "53300" => Some(DatabaseTrouble::NoConnections),
            "25006" => Some(DatabaseTrouble::ReadOnly),
            "57014" => Some(DatabaseTrouble::TooSlow),
            "55P03" => Some(DatabaseTrouble::Locked),
            _ => None,
        }
    }

    /// Whether a pooler refused what a session was to begin with.
    pub fn is_refused_parameter(&self) -> bool {
        let Self::Unavailable(error) = self else { return false };
        error.as_database_error().is_some_and(|refusal| refusal.message().contains("unsupported startup parameter"))
    }

    /// A pause before the next try, by how often it failed already: 50 ms doubling up to 5 s.
    pub fn backoff(failures: u32) -> Duration {
        Duration::from_millis(50_u64.saturating_mul(1 << failures.min(7))).min(Duration::from_secs(5))
    }
}

/// The SQLSTATE of a refusal. Before version 17 Postgres calls a new connection that finds no room for its cache of the catalogue an
/// internal error.
fn code(refusal: &dyn DatabaseError) -> Option<Cow<'_, str>> {
    if refusal.message().starts_with("could not write init file") { Some("53100".into()) } else { refusal.code() }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Database(refusal) => match code(refusal.as_ref()).as_deref() {
                // Its unique indexes are not there yet, as in the middle of a restore.
                Some("42P10") => Self::Incomplete,
                Some("40P01" | "40001" | "55P03" | "57014") => Self::Busy(error),
                Some("25006") => {
                    note_refusal();
                    Self::Refusing(error)
                }
                Some("53100" | "53200") => Self::Refusing(error),
                // A transaction that was ended for standing still (a frozen server, a frozen engine): its connection is gone.
                Some("25P03" | "25P04") => Self::Unavailable(error),
                Some("26000" | "42P05") => Self::NoPreparedStatements,
                Some(code) if matches!(code.get(..2), Some("08" | "53" | "57")) => Self::Unavailable(error),
                Some("23505") if refusal.constraint() == Some(MESSAGE_KEY) => Self::IdTaken,
                Some("23505") if refusal.constraint() == Some(ATTEMPT_KEY) => Self::Moved,
                Some(code) if matches!(code.get(..2), Some("22" | "23")) => Self::Data(error),
                _ => Self::Other(error),
            },
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed
            | sqlx::Error::Protocol(_) => Self::Unavailable(error),
            _ => Self::Other(error),
        }
    }
}
