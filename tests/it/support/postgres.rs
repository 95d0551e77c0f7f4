//! One throwaway server for the whole run, started by the first test that asks; a template database with the schema; a copy of it
//! for each test. The server's guard ends it when this process ends, whatever ended it.

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{OnceLock, mpsc};
use std::thread;

use blastdeck::private_postgres::{Address, Throwaway};
use blastdeck::store::EmptyDatabase;
use sqlx::postgres::PgPoolOptions;
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool};
use tokio::runtime::{Builder, Runtime};

use super::scratch::scratch;
use super::{blastdeck, sessions};

const TEMPLATE: &str = "template_with_schema";

static SERVER: OnceLock<Throwaway> = OnceLock::new();
/// By files, as every server before 15 does it: through the log it takes twice the processor time.
static STRATEGY: OnceLock<&str> = OnceLock::new();
static DATABASES: AtomicU32 = AtomicU32::new(0);

/// A database of one test's own, with the schema and nothing in it; dropped at the end, also after a panic.
pub struct TestDatabase {
    /// For programs, as `DATABASE_URL`: each goes on with the sessions of the one before.
    pub url: String,
    /// For the test itself: at most five connections.
    pub pool: PgPool,
    name: Option<String>,
}

/// The address of the run's server: its own empty database. Tests want [`database`].
pub async fn postgres() -> Address {
    tokio::task::spawn_blocking(|| server().address().clone()).await.unwrap()
}

/// A new database, cloned from the template.
pub async fn database() -> TestDatabase {
    let address = postgres().await;
    let name = format!("test_{}", DATABASES.fetch_add(1, Ordering::Relaxed));
    let strategy = STRATEGY.get().unwrap();
    let statement = format!("create database {name} template {TEMPLATE}{strategy}");
    tokio::task::spawn_blocking(move || administer(statement)).await.unwrap();
    let url = address.with_database(&name).url();
    let pool = PgPoolOptions::new().max_connections(5).connect_lazy(&url).unwrap();
    TestDatabase { url: url + &left_sessions(), pool, name: Some(name) }
}

/// What has a program go on with the sessions that another one left.
fn left_sessions() -> String {
    format!("&port={}", sessions::PORT)
}

impl TestDatabase {
    /// One that lives on a server of the test's own, and goes with it. `url` is for programs, `address` for the test.
    pub async fn private(url: String, address: &Address) -> Self {
        blastdeck::store::migrate(&address.url(), EmptyDatabase::Fill).await.unwrap();
        let pool = PgPoolOptions::new().max_connections(5).connect(&address.url()).await.unwrap();
        Self { url, pool, name: None }
    }

    /// The same, where each program begins sessions of its own, as anywhere else.
    #[must_use]
    pub fn with_new_sessions(mut self) -> Self {
        self.url = self.url.replace(&left_sessions(), "");
        self
    }

    /// Drops it now, under whoever uses it.
    pub async fn remove(&self) {
        let statement = format!("drop database {} with (force)", self.name());
        tokio::task::spawn_blocking(move || administer(statement)).await.unwrap();
    }

    /// Its name on the shared server.
    pub fn name(&self) -> &str {
        self.name.as_deref().unwrap()
    }
}

/// Puts the schema into the template database: the one place that knows how a database is made ready.
async fn prepare(pool: &PgPool) {
    let migrations = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    if migrations.is_dir() {
        sqlx::migrate::Migrator::new(migrations).await.unwrap().run(pool).await.unwrap();
    }
}

fn server() -> &'static Throwaway {
    SERVER.get_or_init(|| {
        let server = Throwaway::start_in(scratch(), "test", &blastdeck()).unwrap();
        let address = server.address().clone();
        wait_for(async move || make_template(&address).await);
        sessions::listen_beside(server.address().socket());
        server
    })
}

async fn make_template(address: &Address) {
    // What the planner knows of a table is what its test says, however busy the machine is.
    run(address, "alter system set autovacuum = off").await;
    run(address, "select pg_reload_conf()").await;
    run(address, &format!("create database {TEMPLATE}")).await;
    let url = address.with_database(TEMPLATE).url();
    let pool = PgPoolOptions::new().max_connections(2).connect(&url).await.unwrap();
    prepare(&pool).await;
    let version = pool.acquire().await.unwrap().server_version_num();
    STRATEGY.get_or_init(|| if version >= Some(150_000) { " strategy file_copy" } else { "" });
    // A template is only copied while nobody is connected to it.
    pool.close().await;
    // The first session after a change of the schema writes down what every later one begins with; the copies have it then.
    run(&address.with_database(TEMPLATE), "select 1").await;
}

/// Runs a statement on the run's server, over connections that all tests share: a new one for each is a third of what a copy of the
/// template costs. Blocks.
fn administer(statement: String) {
    static ADMIN: OnceLock<(Runtime, PgPool)> = OnceLock::new();
    let (runtime, pool) = ADMIN.get_or_init(|| {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let url = server().address().url();
        let pool = {
            let _inside = runtime.enter();
            PgPoolOptions::new().max_connections(8).connect_lazy(&url).unwrap()
        };
        (runtime, pool)
    });
    let (done, outcome) = mpsc::channel();
    runtime.spawn(async move { done.send(sqlx::raw_sql(AssertSqlSafe(statement)).execute(pool).await) });
    outcome.recv().unwrap().unwrap();
}

async fn run(address: &Address, statement: &str) {
    let mut connection = PgConnection::connect(&address.url()).await.unwrap();
    sqlx::query(AssertSqlSafe(statement.to_owned())).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

/// Runs on a thread and a runtime of its own: each test has a runtime, and none of them may outlive its test in what is shared.
pub(super) fn wait_for(work: impl AsyncFnOnce() + Send + 'static) {
    let thread = thread::spawn(|| {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(work());
    });
    thread.join().unwrap();
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let Some(name) = &self.name else { return };
        administer(format!("drop database if exists {name} with (force)"));
    }
}
