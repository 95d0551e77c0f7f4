//! Behind PgBouncer, in both its modes: where it is installed. `PGBOUNCER` names another program than the machine's.

use std::io::Write;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use crate::support::{Setup, Shop, TestDatabase, TestDir, database, digits, eventually_async, postgres};

const DONE: i32 = 0;
const FAILED: i32 = 1;
const REFUSED: i32 = 3;

/// The first version that keeps its clients' prepared statements apart in transaction mode.
const PREPARES: (u32, u32) = (1, 21);

/// A pooler of the test's own before the run's server. Ended when dropped.
struct PgBouncer {
    process: Child,
    port: u16,
    _room: TestDir,
}

fn program() -> Option<PathBuf> {
    let named = std::env::var_os("PGBOUNCER").map(PathBuf::from);
    let usual =
        ["/usr/sbin/pgbouncer", "/usr/bin/pgbouncer", "/usr/local/bin/pgbouncer", "/opt/homebrew/bin/pgbouncer"];
    named.or_else(|| usual.into_iter().map(PathBuf::from).find(|path| path.exists()))
}

/// The program; where there is none it says so, past the test's captured output.
fn installed() -> Option<PathBuf> {
    let found = program();
    if found.is_none() {
        let _ = writeln!(std::io::stderr(), "left out: PgBouncer is not installed (apt-get install pgbouncer)");
    }
    found
}

fn version(program: &PathBuf) -> (u32, u32) {
    let output = Command::new(program).arg("--version").output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let number = text.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit())).unwrap();
    let mut numbers = number.split('.').map(|part| part.parse().unwrap());
    (numbers.next().unwrap(), numbers.next().unwrap())
}

impl PgBouncer {
    async fn start(program: &PathBuf, settings: &str) -> Self {
        let dir = TestDir::new();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let server = postgres().await;
        // As root it must run as the server's user: nobody else may use the socket.
        let user = if rustix::process::geteuid().is_root() { "user = postgres" } else { "" };
        let ini = dir.path().join("pgbouncer.ini");
        let text = format!(
            "[databases]\n* = host={} port=5432 user=blastdeck\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n\
             unix_socket_dir =\nauth_type = any\n{user}\n{settings}\n",
            server.socket_dir().display()
        );
        std::fs::write(&ini, text).unwrap();
        let process = Command::new(program)
            .args(["-q", ini.to_str().unwrap()])
            .current_dir(dir.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let started = async || tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok();
        eventually_async("PgBouncer listens", started).await;
        Self { process, port, _room: dir }
    }

    /// A shop whose program goes through this pooler; the test itself does not.
    async fn shop(&self) -> Shop {
        let mut database: TestDatabase = database().await;
        database.url = format!("postgres://blastdeck@127.0.0.1:{}/{}?sslmode=disable", self.port, database.name());
        Shop::open_on(database, Setup::default())
    }
}

impl Drop for PgBouncer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A blast goes out whole through this pooler, with a mark and an audit after it.
async fn works_through(pooler: &PgBouncer) {
    let shop = pooler.shop().await;

    shop.blast(0..40).await;
    let engines = [shop.engine(), shop.engine()];
    shop.until_state("1", "completed").await;
    for engine in engines {
        engine.stop().await;
    }
    shop.ok(&["mark", "1", &digits(1), "note", "--note", "through the pooler"]).await;
    shop.ok(&["audit"]).await;

    assert_eq!(shop.sim.posts().await.len(), 40);
    shop.promises().await;
}

#[tokio::test]
async fn a_pooler_that_lends_sessions_works_as_it_comes() {
    let Some(program) = installed() else { return };
    let pooler = PgBouncer::start(&program, "pool_mode = session").await;

    works_through(&pooler).await;
}

#[tokio::test]
async fn a_pooler_that_lends_sessions_works_with_startup_options_ignored() {
    let Some(program) = installed() else { return };
    let settings = "pool_mode = session\nignore_startup_parameters = extra_float_digits, options";
    let pooler = PgBouncer::start(&program, settings).await;

    works_through(&pooler).await;
    let shop = pooler.shop().await;
    let refused = shop.run(&["--read-only", "mark", "1", &digits(1), "replied"]).await;
    assert_eq!(refused.code, REFUSED, "{refused:?}");
    shop.ok(&["db", "migrate"]).await;
    assert_eq!(shop.run(&["--read-only", "blast", "list"]).await.code, DONE);
    shop.draft(0..3).await;
    let bench = shop.run(&["bench", "import", "--count", "10", "--database-url", &shop.database.url]).await;
    assert_eq!(bench.code, REFUSED, "{bench:?}");
    assert!(bench.err.contains("give the address of the server itself"), "{bench:?}");
    assert_eq!(shop.number("select count(*) from blast_recipients").await, 3);
    assert_eq!(shop.number("select count(*) from pg_namespace where nspname like 'blastdeck%'").await, 0);
}

#[tokio::test]
async fn a_pooler_that_lends_transactions_works_if_it_keeps_prepared_statements_and_else_says_what_to_do() {
    let Some(program) = installed() else { return };
    let keeps = version(&program) >= PREPARES;
    let prepares = if keeps { "max_prepared_statements = 200" } else { "" };
    let pooler = PgBouncer::start(&program, &format!("pool_mode = transaction\n{prepares}")).await;

    if keeps {
        works_through(&pooler).await;
        let read_only = pooler.shop().await.run(&["--read-only", "blast", "list"]).await;
        assert_eq!(read_only.code, FAILED, "{read_only:?}");
        assert!(read_only.err.contains("--read-only needs a session of its own"), "{read_only:?}");
    }
    let deaf = PgBouncer::start(
        &program,
        &format!("pool_mode = transaction\n{}", if keeps { "max_prepared_statements = 0" } else { "" }),
    )
    .await;
    for verb in [&["blast", "list"][..], &["doctor"]] {
        let said = deaf.shop().await.run(verb).await;
        assert_eq!(said.code, FAILED, "{said:?}");
        let text = format!("{}{}", said.out, said.err);
        for words in ["1.21", "max_prepared_statements = 200", "pool_mode = session"] {
            assert!(text.contains(words), "{words}: {said:?}");
        }
    }
}
