//! The database's complaint and, where an operator can do something about it, what.

use std::fmt;
use std::io::ErrorKind;

/// An error as its message and its mend, without the driver's own words around it.
pub(super) struct ErrorText<'a>(pub &'a sqlx::Error);

impl fmt::Display for ErrorText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            sqlx::Error::Database(refusal) => f.write_str(refusal.message())?,
            sqlx::Error::Io(error) => error.fmt(f)?,
            sqlx::Error::PoolTimedOut => f.write_str("no connection was free in time")?,
            sqlx::Error::Protocol(why) => f.write_str(why.split(" (sqlx_").next().unwrap_or(why))?,
            other => other.fmt(f)?,
        }
        match mend(self.0) {
            Some(mend) => write!(f, "; {mend}"),
            None => Ok(()),
        }
    }
}

/// What to do about it. Codes: appendix A of PostgreSQL's manual; PgBouncer says nearly everything under 08P01.
fn mend(error: &sqlx::Error) -> Option<&'static str> {
    match error {
        sqlx::Error::Database(refusal) => match super::code(refusal.as_ref()).as_deref() {
            Some("53300") => Some(MORE_CONNECTIONS),
            Some("53100") => Some("make room on the database's disk"),
            Some("53200") => Some("give the database's machine more memory, or end what uses it"),
            Some("25006") => Some(
                "the server is a replica, or default_transaction_read_only is on there: give the primary's address, or turn that off",
            ),
            Some("28P01" | "28000") => Some("correct the user and password in DATABASE_URL, or in [database] url"),
            Some("3D000") => Some("create it with createdb, or correct its name in the address"),
            Some("42501") => Some("let the address name the database's owner, or grant what is missing"),
            Some("57P03") => Some("it is starting or stopping: try again in a moment"),
            _ => of_message(refusal.message()),
        },
        sqlx::Error::Io(error) => match error.kind() {
            ErrorKind::ConnectionRefused | ErrorKind::NotFound => {
                Some("nothing listens there: start the server, or correct the address")
            }
            _ if error.to_string().contains("lookup address") => Some("correct the host in the address"),
            _ => None,
        },
        // As a proxy ends it whose server is away.
        sqlx::Error::Protocol(why) if why.contains("0x00") => {
            Some("what answers there closed the connection: if it is a proxy, its server may be away")
        }
        sqlx::Error::Protocol(_) => {
            Some("what answers there does not speak as Postgres does: correct the host and port in the address")
        }
        sqlx::Error::Tls(_) => Some("look at sslmode and sslrootcert in the address"),
        sqlx::Error::PoolTimedOut => Some("the server or its pooler is overloaded, or has no connection left"),
        _ => None,
    }
}

const MORE_CONNECTIONS: &str =
    "close a dashboard or another program that uses it, or raise max_connections (a pooler's: max_client_conn)";

/// A pooler's complaints, by their words.
fn of_message(message: &str) -> Option<&'static str> {
    let mends = [
        ("unsupported startup parameter", "in pgbouncer.ini set ignore_startup_parameters = options"),
        ("statement pooling", "set pool_mode = session or transaction in pgbouncer.ini"),
        ("no more connections allowed", MORE_CONNECTIONS),
        ("too many clients", MORE_CONNECTIONS),
        ("no such database", "name it under [databases] in pgbouncer.ini, or correct the address"),
        ("query_wait_timeout", "the pooler had no server connection free: raise default_pool_size"),
        ("no such user", "name the user in PgBouncer's auth_file, or correct the address"),
    ];
    mends.into_iter().find_map(|(words, mend)| message.contains(words).then_some(mend))
}
