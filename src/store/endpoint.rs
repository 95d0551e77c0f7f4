//! What answers at a database's address: Postgres itself, or a pooler between us and it, and what that pooler can do.
//! Knows no schema.

use std::str::FromStr;
use std::time::Duration;

use reqwest::Url;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection, Row};
use tokio::time::timeout;

use super::StoreError;
use crate::domain::database_url::{DatabaseUrl, DatabaseUrlError};

/// How long a first connection may take; a database that sleeps needs some seconds to wake.
const CONNECT_PATIENCE: Duration = Duration::from_secs(15);

/// How long the first question may take. A pooler accepts a connection though its server is gone or has none to lend.
const FIRST_ANSWER: Duration = Duration::from_secs(15);

/// Settings of every session: no statement waits for ever, and no lock of ours holds others up for long. Nothing is compiled: a
/// plan took 320 ms more of the server's time for it, since the planner takes a table that was never analyzed to be large.
const SESSION: [(&str, &str); 5] = [
    ("jit", "off"),
    ("statement_timeout", "60s"),
    ("lock_timeout", "5s"),
    ("idle_in_transaction_session_timeout", "30s"),
    ("timezone", "UTC"),
];

/// What a session of a process that changes nothing has in addition.
const READ_ONLY: [(&str, &str); 1] = [("default_transaction_read_only", "on")];

/// A setting of ours that means nothing to Postgres. A session that has it got our startup options; one without it sits
/// behind a pooler that dropped them.
const MARK: &str = "blastdeck.direct";

/// How often two connections are compared before a pooler counts as one that lends whole sessions.
const COMPARISONS: usize = 4;

/// What stands between us and Postgres.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pooling {
    /// Nothing: a session is ours from its first statement to its last.
    Direct,
    /// A pooler that lends a server connection for as long as ours lives.
    Session,
    /// A pooler that lends one for a transaction at a time: no LISTEN, no session settings, no session locks.
    Transaction,
}

/// Whether sessions may write. Postgres enforces it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SessionAccess {
    ReadOnly,
    ReadWrite,
}

impl SessionAccess {
    fn settings(self) -> impl Iterator<Item = (&'static str, &'static str)> {
        let further = match self {
            Self::ReadOnly => READ_ONLY.as_slice(),
            Self::ReadWrite => &[],
        };
        SESSION.iter().chain(further).copied()
    }
}

/// A database's address and how sessions are begun there.
#[derive(Debug, Clone)]
pub struct Endpoint {
    options: PgConnectOptions,
    pooling: Pooling,
    access: SessionAccess,
}

impl Endpoint {
    /// Connects, finds out what answers, and returns the connection too. Fails within half a minute where nothing does.
    pub(super) async fn reach(url: &str, access: SessionAccess) -> Result<(Self, PgConnection), StoreError> {
        let base = base_options(url)?;
        if is_neon_pooler(&base) {
            let endpoint = Self { options: base, pooling: Pooling::Transaction, access };
            let connection = connect(&endpoint.options).await?;
            return Ok((endpoint, connection));
        }
        let with_settings = base.clone().options(access.settings()).options([(MARK, "on")]);
        match connect(&with_settings).await {
            Ok(mut connection) => {
                if has_mark(&mut connection).await? {
                    return Ok((Self { options: with_settings, pooling: Pooling::Direct, access }, connection));
                }
                Self::behind_pooler(with_settings, access, connection).await
            }
            Err(error) if error.is_refused_parameter() => {
                let connection = connect(&base).await?;
                Self::behind_pooler(base, access, connection).await
            }
            Err(error) => Err(error),
        }
    }

    async fn behind_pooler(
        options: PgConnectOptions,
        access: SessionAccess,
        mut connection: PgConnection,
    ) -> Result<(Self, PgConnection), StoreError> {
        let mut other = connect(&options).await?;
        let pooling = first_answer(pooling_of(&mut connection, &mut other)).await?;
        other.close().await?;
        let endpoint = Self { options, pooling, access };
        endpoint.apply_settings(&mut connection).await?;
        Ok((endpoint, connection))
    }

    /// Sets what startup options could not. Behind a pooler that lends transactions the server's own
    /// settings hold: whatever is set there would stay for a stranger.
    pub(super) async fn apply_settings(&self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        if self.pooling == Pooling::Session {
            let settings: Vec<_> =
                self.access.settings().map(|(name, value)| format!("set {name} = '{value}'")).collect();
            sqlx::raw_sql(AssertSqlSafe(settings.join("; "))).execute(connection).await?;
        }
        Ok(())
    }

    pub(super) fn options(&self) -> PgConnectOptions {
        self.options.clone()
    }

    pub(super) const fn pooling(&self) -> Pooling {
        self.pooling
    }

    /// Where a pooler lends transactions, no session is ours to keep from writing.
    pub(super) fn refuse_shared_readers(&self) -> Result<(), StoreError> {
        match (self.access, self.pooling) {
            (SessionAccess::ReadOnly, Pooling::Transaction) => Err(StoreError::ReadOnlyPooler),
            _ => Ok(()),
        }
    }

    /// Whether LISTEN works here.
    pub fn has_sessions(&self) -> bool {
        self.pooling != Pooling::Transaction
    }
}

/// The parameters of an address that the driver knows, beside `options[…]`.
const KNOWN_PARAMETERS: [&str; 20] = [
    "user",
    "password",
    "host",
    "hostaddr",
    "port",
    "dbname",
    "options",
    "sslmode",
    "ssl-mode",
    "sslrootcert",
    "ssl-root-cert",
    "ssl-ca",
    "sslcert",
    "ssl-cert",
    "sslkey",
    "ssl-key",
    "application_name",
    "statement-cache-capacity",
    "channel_binding",
    "connect_timeout",
];

/// Those of them that change nothing here: hosted Postgres puts them into the addresses that it hands out.
const WITHOUT_EFFECT: [&str; 2] = ["channel_binding", "connect_timeout"];

/// Statements are not logged: their parameters are people. No `extra_float_digits`, which PgBouncer refuses by default:
/// floats travel in binary.
fn base_options(url: &str) -> Result<PgConnectOptions, StoreError> {
    let url: DatabaseUrl = url.parse().map_err(|error: DatabaseUrlError| StoreError::Address(error.to_string()))?;
    let options = driver_options(&url)?.application_name("blastdeck").extra_float_digits(None);
    Ok(options.disable_statement_logging())
}

/// The driver reads addresses in its own way, but every parameter by its name. It would log what it does not know, with
/// its value.
fn driver_options(url: &DatabaseUrl) -> Result<PgConnectOptions, StoreError> {
    let is_known = |name: &str| KNOWN_PARAMETERS.contains(&name) || name.starts_with("options[");
    if url.parameters().any(|(name, _)| !is_known(name)) {
        tracing::warn!(address = %url, "the database's address has parameters that are not supported: they are ignored");
    }
    let in_force = |(name, value): &(&str, &str)| {
        is_known(name) && !WITHOUT_EFFECT.contains(name) && url.parameter(name) == Some(*value)
    };
    let plain = Url::parse_with_params("postgres://", url.parameters().filter(in_force))
        .map_err(|error| StoreError::Address(error.to_string()))?;
    let options = PgConnectOptions::from_str(plain.as_str()).map_err(unusable)?;
    // As with libpq: there is no TLS on a socket, whatever the address or `PGSSLMODE` asks for.
    let is_socket = options.get_socket().is_some();
    Ok(if is_socket { options.ssl_mode(PgSslMode::Disable) } else { options })
}

/// The driver's words name the parameter, never its password.
fn unusable(error: sqlx::Error) -> StoreError {
    match error {
        sqlx::Error::Configuration(why) => StoreError::Address(why.to_string()),
        other => other.into(),
    }
}

/// Neon's pooled hosts are named `…-pooler.…`, and refuse any startup option.
fn is_neon_pooler(options: &PgConnectOptions) -> bool {
    options.get_host().contains("-pooler.")
}

/// One connection beside every pool, to whatever answers at an address.
pub async fn connection(url: &str) -> Result<PgConnection, StoreError> {
    connect(&base_options(url)?).await
}

/// One connection, made now, so that an unreachable server is reported at once.
pub(super) async fn connect(options: &PgConnectOptions) -> Result<PgConnection, StoreError> {
    match timeout(CONNECT_PATIENCE, PgConnection::connect_with(options)).await {
        Ok(connection) => Ok(connection?),
        Err(_) => Err(StoreError::Silent { seconds: CONNECT_PATIENCE.as_secs() }),
    }
}

/// The first question on a new connection, which must not wait for ever either.
pub(super) async fn first_answer<T>(question: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    match timeout(FIRST_ANSWER, question).await {
        Ok(answer) => answer,
        Err(_) => Err(StoreError::Silent { seconds: FIRST_ANSWER.as_secs() }),
    }
}

/// Asked without a prepared statement: not every pooler knows them.
async fn has_mark(connection: &mut PgConnection) -> Result<bool, StoreError> {
    let question = async {
        let asked = sqlx::raw_sql("select coalesce(current_setting('blastdeck.direct', true), '') = 'on'");
        let row = asked.fetch_one(connection).await?;
        Ok(row.try_get(0)?)
    };
    first_answer(question).await
}

/// Compares two connections of ours. Where they share a server process, or one of them changes it, transactions are
/// lent; then both prepare a statement, one after the other, so that the same server process is lent to both: that fails at once where the
/// pooler cannot keep two clients' statements apart.
async fn pooling_of(one: &mut PgConnection, other: &mut PgConnection) -> Result<Pooling, StoreError> {
    for _ in 0..COMPARISONS {
        let first = backend(one).await?;
        let mut held = other.begin().await?;
        let is_shared = backend(&mut held).await? == first;
        if is_shared || backend(one).await? != first {
            held.rollback().await?;
            prepare(one).await?;
            prepare(other).await?;
            return Ok(Pooling::Transaction);
        }
        held.rollback().await?;
    }
    Ok(Pooling::Session)
}

async fn backend(connection: &mut PgConnection) -> Result<String, StoreError> {
    let row = sqlx::raw_sql("select pg_backend_pid()::text").fetch_one(connection).await?;
    Ok(row.try_get(0)?)
}

async fn prepare(connection: &mut PgConnection) -> Result<(), StoreError> {
    let _: i32 = sqlx::query_scalar("select $1::int").bind(1).fetch_one(connection).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn an_address_leads_to_the_same_place_as_with_libpq() {
        let to = |url: &str| base_options(url).unwrap_or_else(|error| panic!("{url}: {error}"));

        let address = to("postgres://aina@[::1]:5433/shop");
        assert_eq!((address.get_host(), address.get_port(), address.get_socket()), ("::1", 5433, None));
        for url in [
            "postgres://aina@/shop?host=/run/postgresql&sslmode=require",
            "postgres:///shop?host=/run/postgresql&user=aina",
            "postgres://aina@%2Frun%2Fpostgresql/shop",
            "postgres://aina@elsewhere/shop?host=/run/postgresql",
        ] {
            let options = to(url);
            assert_eq!(options.get_socket().map(|dir| &**dir), Some(Path::new("/run/postgresql")), "{url}");
            assert_eq!((options.get_username(), options.get_database()), ("aina", Some("shop")), "{url}");
            assert!(matches!(options.get_ssl_mode(), PgSslMode::Disable), "{url}");
        }
        let odd = to("postgres://a%20b:x%2B%26y@host/c%2Bd?sslmode=require&options=-c%20a=b&what=not");
        assert_eq!((odd.get_username(), odd.get_database()), ("a b", Some("c+d")));
        assert_eq!(odd.get_options(), Some("-c a=b"));
        assert!(matches!(odd.get_ssl_mode(), PgSslMode::Require));
    }
}
