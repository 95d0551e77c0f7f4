//! A shop: a database, a simulator, a configuration and the program run against them, as an operator would.

mod running;
mod scene;

use std::path::PathBuf;

use rustix::process::{Signal, kill_process};
use serde_json::Value;
use sqlx::AssertSqlSafe;

use super::invariants::{self, LostTime, broken_invariants, broken_promises};
use super::serve::{ACCOUNT, APP_SECRET, NUMBER};
use super::sim::Sim;
use super::{Deadline, PATIENCE, TestDatabase, TestDir, database, eventually_async};

pub use running::{Said, said};

/// How a shop differs from the usual one. Lines of TOML, and arguments of the simulator.
#[derive(Debug, Clone, Copy)]
pub struct Setup<'a> {
    pub sim: &'a [&'a str],
    /// In `[[senders]]`.
    pub sender: &'a str,
    /// In `[engine]`.
    pub engine: &'a str,
    /// In `[polling]`.
    pub polling: &'a str,
}

/// A provider that answers in 20 ms and a population that lives 6,000 times as fast as people do: all is over in half a second.
impl Default for Setup<'_> {
    fn default() -> Self {
        Self {
            sim: &["--latency", "20ms", "--speed", "6000"],
            sender: "rate = \"unlimited\"\nin_flight = 16",
            engine: "speed = 600",
            polling: "interval = \"1s\"\nper_second = 0.3\ngive_up_after = \"12m\"",
        }
    }
}

/// Everything that one test stands on. Dropping it ends what was started in it.
pub struct Shop {
    pub database: TestDatabase,
    pub sim: Sim,
    wire: Wire,
    dir: TestDir,
}

/// Whose API a shop sends through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wire {
    /// Texts; statuses are asked for.
    Wsapme,
    /// A template; statuses arrive at `serve`.
    Meta,
}

/// The numbers of a shop's senders at Meta: of `sales`, and of one that is added.
const NUMBERS: [&str; 2] = [NUMBER, "106853218861310"];

impl Shop {
    pub async fn open(setup: Setup<'_>) -> Self {
        Self::open_on(database().await, setup)
    }

    /// The same on a database that the test made.
    pub fn open_on(database: TestDatabase, setup: Setup<'_>) -> Self {
        Self::open_over(Wire::Wsapme, database, setup)
    }

    /// The same through another provider's API.
    pub fn open_over(wire: Wire, database: TestDatabase, setup: Setup<'_>) -> Self {
        let account: &[&str] = match wire {
            Wire::Wsapme => &[],
            Wire::Meta => {
                &["--phone-number-id", NUMBERS[0], "--phone-number-id", NUMBERS[1], "--app-secret", APP_SECRET]
            }
        };
        let shop = Self { database, sim: Sim::start(&[setup.sim, account].concat()), wire, dir: TestDir::new() };
        shop.configure(setup);
        shop
    }

    /// Writes the configuration anew.
    pub fn configure(&self, setup: Setup<'_>) {
        let text = format!(
            "{}daily_cap = \"none\"\n{}\n[engine]\nlease_seconds = 5\n{}\n[polling]\n{}\n",
            self.sender("sales", 0),
            setup.sender,
            setup.engine,
            setup.polling
        );
        self.write("config.toml", text);
    }

    /// Adds a sender to the configuration.
    pub fn add_sender(&self, name: &str) {
        let config = std::fs::read_to_string(self.path("config.toml")).unwrap();
        let sender = format!("{}daily_cap = \"none\"\nrate = \"unlimited\"\n", self.sender(name, 1));
        // Renamed into its place, as editors do.
        let new = self.write("config.new", format!("{sender}{config}"));
        std::fs::rename(new, self.path("config.toml")).unwrap();
    }

    /// What names a sender and its phone, in TOML.
    fn sender(&self, name: &str, phone: usize) -> String {
        let (at_provider, secrets) = match self.wire {
            Wire::Wsapme => {
                // The same name is the same phone, and another is another.
                let of_name = name.bytes().fold(0, |sum, byte| (sum * 31 + usize::from(byte)) % 1_000_000_007);
                let device = 5850 + if phone == 0 { 0 } else { of_name };
                (format!("provider = \"wsapme\"\ndevice = \"{device}\""), "token = { env = \"WSAPME_TOKEN\" }")
            }
            Wire::Meta => (
                format!("provider = \"meta\"\nphone_number_id = \"{}\"\nwaba_id = \"{ACCOUNT}\"", NUMBERS[phone]),
                "token = { env = \"META_TOKEN\" }\napp_secret = { env = \"META_APP_SECRET\" }\n\
                 verify_token = { env = \"META_VERIFY_TOKEN\" }",
            ),
        };
        let base_url = self.sim.base_url();
        format!(
            "[[senders]]\nname = \"{name}\"\n{at_provider}\nbusiness = \"kedai\"\nbase_url = \"{base_url}\"\n{secrets}\n"
        )
    }

    /// Sends through another provider than the simulator from now on.
    pub fn send_through(&self, url: &str) {
        let config = std::fs::read_to_string(self.path("config.toml")).unwrap();
        self.write("config.toml", config.replace(self.sim.base_url(), url));
    }

    /// Writes a file into the shop's directory.
    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A draft to the people with these numbers ([`digits`]); its id.
    pub async fn draft(&self, people: std::ops::Range<u32>) -> String {
        self.draft_with(people, &[]).await
    }

    /// The same with further arguments, such as a pace of its own.
    pub async fn draft_with(&self, people: std::ops::Range<u32>, further: &[&str]) -> String {
        self.draft_of("sales", people, further).await
    }

    /// The same of a sender's that was added.
    pub async fn draft_of(&self, sender: &str, people: std::ops::Range<u32>, further: &[&str]) -> String {
        let list = self.list(people);
        if further.is_empty() && self.wire == Wire::Wsapme {
            let app = self.app().await;
            let id = scene::draft(&app, sender, &list).await;
            app.close().await;
            return id.to_string();
        }
        let message: &[&str] = match self.wire {
            Wire::Wsapme => &["--message", "Hi {name}"],
            Wire::Meta => &["--template", "hello_world"],
        };
        let to = ["--recipients", list.to_str().unwrap()];
        let made = self.json(&[&["blast", "new", "--sender", sender], message, &to, further].concat()).await;
        made["id"].as_i64().unwrap().to_string()
    }

    pub fn list(&self, people: std::ops::Range<u32>) -> PathBuf {
        let rows: Vec<_> = people.map(|n| format!("Person {n},{}", digits(n))).collect();
        self.write("people.csv", format!("name,phone\n{}\n", rows.join("\n")))
    }

    /// Sends a draft, with no engine beside it.
    pub async fn send(&self, blast: &str) {
        self.ok(&["blast", "send", blast, "--yes", "--no-engine"]).await;
    }

    /// Has somebody of a blast be in flight, as whoever an engine has claimed.
    pub async fn put_in_flight(&self, blast: &str, n: u32) {
        self.execute(&format!(
            "insert into claims (blast_id, sender_id, attempt_number, epoch, first_id, last_id, recipients)
             select r.blast_id, b.sender_id, r.attempt + 1, 1, r.id, r.id, array[r.id]
               from blast_recipients r join blasts b on b.id = r.blast_id
              where r.blast_id = {blast} and r.phone_number = '+{}'",
            digits(n)
        ))
        .await;
    }

    /// A draft to these people, sent; its id.
    pub async fn blast(&self, people: std::ops::Range<u32>) -> String {
        if self.wire == Wire::Wsapme {
            let (list, app) = (self.list(people), self.app().await);
            let id = scene::draft(&app, "sales", &list).await;
            scene::launch(&app, id).await;
            app.close().await;
            return id.to_string();
        }
        let blast = self.draft(people).await;
        self.send(&blast).await;
        blast
    }

    /// A draft with further arguments, sent; its id.
    pub async fn blast_with(&self, people: std::ops::Range<u32>, further: &[&str]) -> String {
        let blast = self.draft_with(people, further).await;
        self.send(&blast).await;
        blast
    }

    /// What a blast says that it waits for: null, or the reason with its words.
    pub async fn waiting(&self, blast: &str) -> Value {
        self.json(&["blast", "show", blast]).await["waiting"].clone()
    }

    /// Waits until a blast says this reason; what it says then.
    pub async fn until_waiting(&self, blast: &str, reason: &str) -> Value {
        let mut deadline = Deadline::after(PATIENCE);
        loop {
            let said = self.waiting(blast).await;
            if said["reason"] == reason {
                return said;
            }
            let posts = self.sim.stats().await.posts;
            assert!(
                deadline.wait_a_moment().await,
                "blast {blast} never said `{reason}` after {posts} posts; it says {said}"
            );
        }
    }

    /// One number from the database.
    pub async fn number(&self, query: &str) -> i64 {
        sqlx::query_scalar(AssertSqlSafe(query.to_owned())).fetch_one(&self.database.pool).await.unwrap()
    }

    /// The text of a query that reads one.
    pub async fn text(&self, query: &str) -> String {
        sqlx::query_scalar(AssertSqlSafe(query.to_owned())).fetch_one(&self.database.pool).await.unwrap()
    }

    /// How many people have this status, in all blasts.
    pub async fn count(&self, status: &str) -> i64 {
        self.number(&format!("select count(*) from blast_recipients r where current_status(r) = '{status}'")).await
    }

    /// The state of a blast.
    pub async fn state(&self, blast: &str) -> String {
        let query = format!("select state::text from blasts where id = {blast}");
        sqlx::query_scalar(AssertSqlSafe(query)).fetch_one(&self.database.pool).await.unwrap()
    }

    pub async fn execute(&self, statement: &str) {
        sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(&self.database.pool).await.unwrap();
    }

    /// Takes the whole database away, under whoever uses it.
    pub async fn drop_database(&self) {
        self.database.pool.close().await;
        self.database.remove().await;
    }

    /// A digest of every row of every table: what "nothing changed" means.
    pub async fn rows(&self) -> String {
        invariants::digest(&self.database.pool).await
    }

    /// Waits until a blast has this state.
    pub async fn until_state(&self, blast: &str, state: &str) {
        eventually_async(&format!("blast {blast} is {state}"), async || self.state(blast).await == state).await;
    }

    /// Waits until the simulator has had at least so many POSTs.
    pub async fn until_posts(&self, posts: usize) {
        eventually_async(&format!("{posts} POSTs"), async || self.sim.stats().await.posts >= posts).await;
    }

    /// Waits until so many engines are up: each listens for orders on a connection of its own.
    pub async fn until_listening(&self, engines: i64) {
        let listening =
            "select count(*) from pg_stat_activity where datname = current_database() and query ilike 'listen%'";
        eventually_async(&format!("{engines} engines listen"), async || self.number(listening).await == engines).await;
    }

    /// Fails, naming each, if a promise is broken: against the simulator's record, and within the database.
    #[track_caller]
    pub fn promises(&self) -> impl Future<Output = ()> + '_ {
        self.promises_but_for(&[])
    }

    /// The same where the database went back in time.
    #[track_caller]
    pub fn promises_but_for<'a>(&'a self, lost: &'a [LostTime]) -> impl Future<Output = ()> + 'a {
        let caller = std::panic::Location::caller();
        async move {
            let broken = broken_promises(&self.database.pool, &self.sim.posts().await, lost).await;
            assert!(broken.is_empty(), "{caller}: {broken:#?}");
        }
    }

    /// The same within the database alone: for tests that make the simulator lie.
    #[track_caller]
    pub fn invariants(&self) -> impl Future<Output = ()> + '_ {
        let caller = std::panic::Location::caller();
        async move {
            let broken = broken_invariants(&self.database.pool).await;
            assert!(broken.is_empty(), "{caller}: {broken:#?}");
        }
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        // A standby is nobody's child: it would outlive a failed test.
        for pid in self.engines() {
            let _ = kill_process(pid, Signal::KILL);
        }
    }
}

/// The digits of person `n`'s number, in a range that is not allocated.
pub fn digits(n: u32) -> String {
    format!("60100{n:06}")
}
