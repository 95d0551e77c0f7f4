//! What a demo runs on: a throwaway Postgres, and a simulator in its own process. Both end with this process, however
//! it ends.

use std::path::PathBuf;

use chrono_tz::Tz;
use color_eyre::Result;
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::app::{Access, App, Listening, Setup};
use crate::cli::context::quoted;
use crate::cli::simulator::Simulator;
use crate::cli::{Global, postgres};
use crate::config::{Config, Flags};
use crate::domain::pace::Speed;
use crate::private_postgres::Throwaway;
use crate::shutdown::Shutdown;

/// A sender with a gap, as a linked phone should have.
pub(super) const SALES: &str = "sales";
/// An unpaced sender, for the blast that is already finished.
pub(super) const COUNTER: &str = "counter";

/// The database and simulator of one demo.
pub(super) struct DemoEnvironment {
    postgres: Throwaway,
    simulator: Simulator,
    speed: Speed,
    client: reqwest::Client,
}

impl DemoEnvironment {
    pub(super) async fn make(global: &Global, seed: u64, speed: Speed) -> Result<Self> {
        let program = std::env::current_exe()?;
        let postgres = postgres::with_programs(global, async || Throwaway::start("demo", &program).await).await?;
        let simulator = Simulator::start(&["--seed", &seed.to_string(), "--speed", &speed.to_string()]).await?;
        // Loopback and plain HTTP only: no certificates are loaded.
        let client = reqwest::Client::builder().tls_certs_only([]).no_proxy().build()?;
        Ok(Self { postgres, simulator, speed, client })
    }

    /// Opens the app with a configuration that is generated here and read from nowhere.
    pub(super) async fn open(&self, shutdown: &Shutdown) -> Result<App> {
        let token = self.postgres.dir().join("token");
        std::fs::write(&token, "a-token-for-nobody")?;
        // Of the operator's own settings only their name, time zone and terminal theme apply here.
        let own = Config::load(&Flags::default()).ok();
        let zone = own.as_ref().map_or(Tz::Asia__Kuala_Lumpur, |config| config.ui.timezone);
        let sender = |name: &str, pace: &str| {
            format!(
                "[[senders]]\nname = {name:?}\nprovider = \"wsapme\"\ndevice = \"5850\"\nbusiness = \"Kedai Aina\"\n\
                 base_url = {:?}\ntoken = {{ file = {:?} }}\ntimezone = \"{zone}\"\ndaily_cap = \"none\"\n{pace}\n",
                self.base_url(),
                token.display().to_string(),
            )
        };
        let url = self.postgres.address().url();
        let text = format!(
            "[database]\nurl = {url:?}\ndata_dir = {:?}\nstate_dir = {:?}\n{}{}[engine]\nspeed = {}\n[polling]\nper_second = 5.0\n[ui]\nname = \"Kedai Aina\"\ncurrency = \"MYR\"\ntimezone = \"{zone}\"\n",
            self.home().display().to_string(),
            self.postgres.dir().join("state").display().to_string(),
            sender(SALES, "gap = \"20s..60s\""),
            sender(COUNTER, "rate = \"unlimited\"\nin_flight = 8"),
            self.speed,
        );
        // For the command lines that the dashboard shows: pasted into another window, they address this demo.
        std::fs::write(self.config_file(), &text)?;
        let mut config = Config::from_toml_str(&text)?;
        if let Some(own) = own {
            config.operator = own.operator;
            config.ui.theme = own.ui.theme;
            config.ui.ascii = own.ui.ascii;
        }
        let setup = Setup { config, url, access: Access::ReadWrite, listening: Listening::Yes, stop: shutdown.token() };
        Ok(App::open(setup).await?)
    }

    /// Makes the simulator accept this person's message and hang up without a response.
    pub(super) async fn lose_the_answer_to(&self, digits: &str) -> Result<()> {
        let script = json!({ "call": "send", "phone": digits, "answers": [{ "hang_up": "after", "accepted": true }] });
        let reply = self.client.post(format!("{}/sim/script", self.base_url())).json(&script).send().await?;
        reply.error_for_status()?;
        Ok(())
    }

    /// Gets one of the simulator's documents.
    pub(super) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        let reply = self.client.get(format!("{}{path}", self.base_url())).send().await?;
        Ok(reply.error_for_status()?.json().await?)
    }

    pub(super) fn base_url(&self) -> &str {
        self.simulator.base_url()
    }

    pub(super) fn client(&self) -> reqwest::Client {
        self.client.clone()
    }

    /// The command line of this program for the demo's database. The demo's file names the database; an environment
    /// variable would override it, and a flag overrides both.
    pub(super) fn program(&self) -> String {
        let mut line = format!("blastdeck --config {}", quoted(&self.config_file().to_string_lossy()));
        if ["DATABASE_URL", "BLASTDECK_DATABASE_URL"].iter().any(|name| std::env::var_os(name).is_some()) {
            line.extend([" --database-url ", &quoted(&self.postgres.address().url())]);
        }
        line
    }

    fn config_file(&self) -> PathBuf {
        self.postgres.dir().join("demo.toml")
    }

    pub(super) fn log_dir(&self) -> PathBuf {
        self.home().join("log")
    }

    /// The directory for the demo's files.
    fn home(&self) -> PathBuf {
        self.postgres.dir().join("home")
    }

    /// Stops both and removes their files.
    pub(super) async fn end(self) -> Result<()> {
        self.simulator.end().await?;
        self.postgres.stop().await?;
        Ok(())
    }
}
