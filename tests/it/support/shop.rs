//! A shop: a database, a simulator, a configuration and the program run against them, as an operator would.

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use sqlx::AssertSqlSafe;
use tokio::process::Command;

use super::invariants::{self, LostTime, broken_invariants, broken_promises};
use super::serve::{ACCOUNT, APP_SECRET, NUMBER, SECRETS};
use super::sim::{Sim, TOKEN};
use super::{Deadline, Engine, PATIENCE, Pty, Size, TestDatabase, TestDir, blastdeck, database, eventually_async};

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

/// What a run of the program came to.
#[derive(Debug)]
pub struct Said {
    pub code: i32,
    pub out: String,
    pub err: String,
}

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
                (format!("provider = \"wsapme\"\ndevice = \"{}\"", 5850 + phone), "token = { env = \"WSAPME_TOKEN\" }")
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

    /// The program with these arguments, in an environment of the shop's own.
    pub fn command(&self, arguments: &[&str]) -> Command {
        self.command_of(&blastdeck(), arguments)
    }

    /// The same with another program than the one under test, such as a copy of it.
    pub fn command_of(&self, program: &Path, arguments: &[&str]) -> Command {
        self.command_by(program, &self.path("config.toml"), arguments)
    }

    fn command_by(&self, program: &Path, config: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.dir.path())
            .env("DATABASE_URL", &self.database.url)
            .env("BLASTDECK_DATA_DIR", self.path("data"))
            .env("BLASTDECK_STATE_DIR", self.path("state"))
            .env("BLASTDECK_OPERATOR", "aina")
            .env("WSAPME_TOKEN", TOKEN)
            .envs(SECRETS)
            .args(["--config".as_ref(), config.as_os_str()])
            .args(arguments)
            .current_dir(self.dir.path())
            .stdin(Stdio::null())
            .kill_on_drop(true);
        command
    }

    /// Runs the program to its end, whatever that is.
    pub async fn run(&self, arguments: &[&str]) -> Said {
        said(self.command(arguments)).await
    }

    /// Runs a verb that must succeed; its data.
    pub async fn ok(&self, arguments: &[&str]) -> String {
        let said = self.run(arguments).await;
        assert_eq!(said.code, 0, "{arguments:?}: {said:?}");
        said.out
    }

    /// Runs a verb that must succeed with `--json`; the one value it prints.
    pub async fn json(&self, arguments: &[&str]) -> Value {
        let out = self.ok(&[arguments, &["--json"]].concat()).await;
        serde_json::from_str(&out).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {out}"))
    }

    /// The same of a verb that prints one value per line.
    pub async fn json_lines(&self, arguments: &[&str]) -> Vec<Value> {
        let out = self.ok(&[arguments, &["--json"]].concat()).await;
        out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
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
        let rows: Vec<_> = people.map(|n| format!("Person {n},{}", digits(n))).collect();
        let list = self.write("people.csv", format!("name,phone\n{}\n", rows.join("\n")));
        let message: &[&str] = match self.wire {
            Wire::Wsapme => &["--message", "Hi {name}"],
            Wire::Meta => &["--template", "hello_world"],
        };
        let to = ["--recipients", list.to_str().unwrap()];
        let made = self.json(&[&["blast", "new", "--sender", sender], message, &to, further].concat()).await;
        made["id"].as_i64().unwrap().to_string()
    }

    /// Sends a draft, with no engine beside it.
    pub async fn send(&self, blast: &str) {
        self.ok(&["blast", "send", blast, "--yes", "--no-engine"]).await;
    }

    /// A draft to these people, sent; its id.
    pub async fn blast(&self, people: std::ops::Range<u32>) -> String {
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

    /// Runs an engine until nothing is left to do.
    pub async fn until_idle(&self) {
        let said = self.run(&["engine", "--until-idle"]).await;
        assert_eq!(said.code, 0, "{said:?}");
    }

    /// An engine that goes on until it is stopped.
    pub fn engine(&self) -> Engine {
        self.engine_with(&[])
    }

    /// The same with further variables in its environment.
    pub fn engine_with(&self, variables: &[(&str, &str)]) -> Engine {
        let log = OpenOptions::new().create(true).append(true).open(self.path("engine.log")).unwrap();
        let mut command = self.command(&["engine"]);
        command.envs(variables.iter().copied());
        Engine::start(command.stderr(log))
    }

    /// One that goes on by the configuration as it is now, whatever becomes of the file.
    pub fn engine_of_older_config(&self) -> Engine {
        let older = self.path("older.toml");
        std::fs::copy(self.path("config.toml"), &older).unwrap();
        let log = OpenOptions::new().create(true).append(true).open(self.path("engine.log")).unwrap();
        Engine::start(self.command_by(&blastdeck(), &older, &["engine"]).stderr(log))
    }

    /// The dashboard in a terminal, with its engine, in the shop's own environment.
    pub fn dashboard(&self, size: Size) -> Pty {
        self.in_terminal(&[], size)
    }

    /// The same with further variables in its environment.
    pub fn dashboard_with(&self, variables: &[(&str, &str)], size: Size) -> Pty {
        self.in_terminal_of(&blastdeck(), &[], variables, size)
    }

    /// The same of a copy of the program.
    pub fn dashboard_of(&self, program: &Path, size: Size) -> Pty {
        self.in_terminal_of(program, &[], &[], size)
    }

    /// A verb in a terminal, where it may ask.
    pub fn in_terminal(&self, verb: &[&str], size: Size) -> Pty {
        self.in_terminal_of(&blastdeck(), verb, &[], size)
    }

    fn in_terminal_of(&self, program: &Path, verb: &[&str], variables: &[(&str, &str)], size: Size) -> Pty {
        let (home, data, config) = (self.dir.path(), self.path("data"), self.path("config.toml"));
        let state = self.path("state");
        let own = [
            ("HOME", home.to_str().unwrap()),
            ("DATABASE_URL", &self.database.url),
            ("BLASTDECK_DATA_DIR", data.to_str().unwrap()),
            ("BLASTDECK_STATE_DIR", state.to_str().unwrap()),
            ("BLASTDECK_OPERATOR", "aina"),
            ("WSAPME_TOKEN", TOKEN),
            ("LANG", "C.UTF-8"),
        ];
        let environment = [&own[..], &SECRETS, variables].concat();
        let arguments = [&["--config", config.to_str().unwrap()], verb].concat();
        Pty::run(program, &arguments, &environment, size)
    }

    /// One number from the database.
    pub async fn number(&self, query: &str) -> i64 {
        sqlx::query_scalar(AssertSqlSafe(query.to_owned())).fetch_one(&self.database.pool).await.unwrap()
    }

    /// How many people have this status, in all blasts.
    pub async fn count(&self, status: &str) -> i64 {
        self.number(&format!("select count(*) from blast_recipients where status = '{status}'")).await
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

    /// The engines of this shop that live now, detached ones too.
    pub fn engines(&self) -> Vec<Pid> {
        let wanted = self.dir.path().to_string_lossy().into_owned();
        let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
        let pids = entries.filter_map(|entry| {
            let line = std::fs::read(entry.path().join("cmdline")).ok()?;
            let line = String::from_utf8_lossy(&line).replace('\0', " ");
            let ours = line.contains(&wanted) && line.split(' ').any(|word| word == "engine");
            let pid = entry.file_name().to_str()?.parse().ok()?;
            ours.then(|| Pid::from_raw(pid)).flatten()
        });
        pids.collect()
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

/// Runs a command to its end.
pub async fn said(mut command: Command) -> Said {
    let output = tokio::time::timeout(2 * PATIENCE, command.output()).await;
    let Output { status, stdout, stderr } = output.expect("it comes to an end").unwrap();
    Said {
        code: status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&stdout).into_owned(),
        err: String::from_utf8_lossy(&stderr).into_owned(),
    }
}

/// The digits of person `n`'s number, in a range that is not allocated.
pub fn digits(n: u32) -> String {
    format!("60100{n:06}")
}
