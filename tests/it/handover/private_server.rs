//! A private Postgres under a standby: it is started again where it was killed, and left where somebody stopped it.

use blastdeck::private_postgres::{PrivatePostgres, ServerStatus};
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::Command;

use super::{SLOW, last_words};
use crate::support::{Said, Setup, Shop, TestDatabase, TestDir, eventually, eventually_async, private_postgres, said};

/// A shop on a private Postgres that its programs find by its directory.
struct Private {
    shop: Shop,
    local: PrivatePostgres,
    dir: TestDir,
}

impl Private {
    async fn open(setup: Setup<'_>) -> Self {
        let dir = TestDir::new();
        let (local, address) = private_postgres(&dir).await;
        let shop = Shop::open_on(TestDatabase::private(address.url(), &address).await, setup);
        Self { shop, local, dir }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.shop.command(arguments);
        command.env_remove("DATABASE_URL").env("BLASTDECK_DATA_DIR", self.dir.path().join("data"));
        command
    }

    async fn run(&self, arguments: &[&str]) -> Said {
        said(self.command(arguments)).await
    }

    /// A blast to so many people that a standby sends.
    async fn blast(&self, people: u32) -> String {
        let blast = self.shop.draft(0..people).await;
        let said = self.run(&["blast", "send", &blast, "--yes"]).await;
        assert_eq!(said.code, 0, "{said:?}");
        self.shop.until_posts(5).await;
        blast
    }

    async fn blast_slowly(&self) {
        let blast = self.shop.draft(0..50).await;
        let said = self.run(&["blast", "send", &blast, "--yes"]).await;
        assert_eq!(said.code, 0, "{said:?}");
        self.shop.until_posts(1).await;
    }

    fn pid(&self) -> Option<i32> {
        match self.local.status().unwrap() {
            ServerStatus::Running { pid, .. } => Some(pid),
            _ => None,
        }
    }

    fn standby_log(&self) -> String {
        last_words(&self.dir.path().join("data/log/standby.log"))
    }
}

/// Ten at once, a tenth of a second each.
const STEADY: Setup<'static> = Setup {
    sim: &["--latency", "100ms", "--speed", "6000"],
    sender: "rate = \"unlimited\"\nin_flight = 10",
    engine: "speed = 600",
    polling: "interval = \"1s\"\nper_second = 0.3\ngive_up_after = \"12m\"",
};

#[tokio::test]
async fn a_private_server_that_is_killed_under_a_standby_is_started_again_and_the_blast_goes_on() {
    a_server_that_gets_a_signal_is_started_again(Signal::KILL, 400).await;
}

/// SIGTERM: it waits for its sessions, which are the standby's, and takes no new ones. That is looked for every ten seconds: there are as many
/// people as take twice that.
#[tokio::test]
async fn a_private_server_that_is_asked_to_end_under_a_standby_is_started_again_and_the_blast_goes_on() {
    a_server_that_gets_a_signal_is_started_again(Signal::TERM, 2_000).await;
}

async fn a_server_that_gets_a_signal_is_started_again(signal: Signal, people: u32) {
    let private = Private::open(STEADY).await;
    let blast = private.blast(people).await;
    let before = private.pid().unwrap();

    kill_process(Pid::from_raw(before).unwrap(), signal).unwrap();
    eventually("another server runs", || private.pid().is_some_and(|pid| pid != before));
    let pool = &private.shop.database.pool;
    eventually_async("it answers", async || sqlx::query("select 1").execute(pool).await.is_ok()).await;

    private.shop.until_posts(350).await;
    eventually_async("all are sent to", async || {
        private.shop.count("queued").await + private.shop.count("sending").await == 0
    })
    .await;
    let uncertain = private.shop.count("uncertain").await;
    private.shop.until_state(&blast, if uncertain > 0 { "sending" } else { "completed" }).await;
    private.shop.promises().await;
}

#[tokio::test]
async fn a_private_server_that_was_stopped_on_purpose_stays_so_until_somebody_starts_it() {
    let private = Private::open(STEADY).await;
    private.blast(400).await;

    assert_eq!(private.run(&["db", "stop"]).await.code, 0);
    eventually("the standby leaves it alone", || private.standby_log().contains("was stopped on purpose"));
    let status = private.local.status().unwrap();
    let posts = private.shop.sim.stats().await.posts;
    let engines = private.shop.engines().len();
    assert_eq!(private.run(&["db", "start"]).await.code, 0);
    private.shop.until_posts(posts + 50).await;

    assert_eq!((status, engines), (ServerStatus::Stopped, 1));
    eventually_async("all are sent to", async || {
        private.shop.count("queued").await + private.shop.count("sending").await == 0
    })
    .await;
    private.shop.promises().await;
}

#[tokio::test]
async fn a_standby_whose_private_database_is_gone_ends() {
    let private = Private::open(SLOW).await;
    private.blast_slowly().await;

    let data = private.dir.path().join("data");
    std::fs::rename(&data, private.dir.path().join("moved")).unwrap();

    eventually("it ends", || private.shop.engines().is_empty());
    assert!(!data.exists(), "nothing is made in its place");
}
