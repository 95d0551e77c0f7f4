//! What a demo runs on: a throwaway Postgres, and a simulator in its own process. Both end with this process, however
//! it ends.

use std::net::Ipv4Addr;
use std::path::PathBuf;

use chrono_tz::Tz;
use color_eyre::Result;
use serde::de::DeserializeOwned;
use serde_json::json;
use tokio::net::TcpListener;
use tokio_util::sync::DropGuard;

use super::DemoArgs;
use crate::app::{Access, App, ProcessKind, Setup};
use crate::cli::dashboard::senders;
use crate::cli::simulator::Simulator;
use crate::cli::{Global, postgres};
use crate::config::{Config, Environment, Flags, own_path};
use crate::domain::pace::Speed;
use crate::domain::sender::ProviderKind;
use crate::domain::text::shell_quoted;
use crate::http;
use crate::private_postgres::Throwaway;
use crate::shutdown::Shutdown;

/// A sender with a gap, as a linked phone should have.
pub(super) const SALES: &str = "sales";
/// An unpaced sender, for the blast that is already finished.
pub(super) const COUNTER: &str = "counter";

/// The two senders' phones: as devices of WSAPME, and as numbers at Meta.
const DEVICES: [&str; 2] = ["5850", "5851"];
const NUMBERS: [&str; 2] = ["106540352242922", "106540352242923"];
/// What the simulator signs with: a secret of nobody's.
const APP_SECRET: &str = "0123456789abcdef0123456789abcdef";

/// The database and simulator of one demo.
pub(super) struct DemoEnvironment {
    postgres: Throwaway,
    simulator: Simulator,
    speed: Speed,
    provider: ProviderKind,
    /// Where webhooks arrive; taken when the app is open.
    listener: std::sync::Mutex<Option<TcpListener>>,
    client: reqwest::Client,
}

impl DemoEnvironment {
    pub(super) async fn make(global: &Global, demo: &DemoArgs) -> Result<Self> {
        let DemoArgs { seed, speed, provider, .. } = *demo;
        let program = std::env::current_exe()?;
        let postgres = postgres::with_programs(global, async || Throwaway::start("demo", &program).await).await?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let mut arguments = vec!["--seed".to_owned(), seed.to_string(), "--speed".to_owned(), speed.to_string()];
        if provider == ProviderKind::Meta {
            let url = format!("http://{}/api/webhook/meta", listener.local_addr()?);
            let numbers = NUMBERS.iter().flat_map(|number| ["--phone-number-id", number]);
            let meta = ["--webhook-url", &url, "--app-secret", APP_SECRET].into_iter().chain(numbers);
            arguments.extend(meta.map(str::to_owned));
        }
        arguments.extend(demo.faults.iter().flat_map(|fault| ["--fault".to_owned(), fault.to_string()]));
        let simulator = Simulator::start(&arguments.iter().map(String::as_str).collect::<Vec<_>>()).await?;
        // Loopback and plain HTTP only: no certificates are loaded.
        let client = reqwest::Client::builder().tls_certs_only([]).no_proxy().build()?;
        Ok(Self { postgres, simulator, speed, provider, listener: std::sync::Mutex::new(Some(listener)), client })
    }

    /// Opens the app with a configuration that is generated here and read from nowhere.
    pub(super) async fn open(&self, shutdown: &Shutdown) -> Result<App> {
        let token = self.postgres.dir().join("token");
        std::fs::write(&token, "a-token-for-nobody")?;
        // Of the operator's own settings only their name, time zone and terminal theme apply here.
        let own = Config::load(&Flags::default()).ok();
        let zone = own.as_ref().map_or(Tz::Asia__Kuala_Lumpur, |config| config.ui.timezone);
        let secret = self.postgres.dir().join("secret");
        std::fs::write(&secret, APP_SECRET)?;
        let sender = |name: &str, phone: usize, pace: &str| {
            let provider = match self.provider {
                ProviderKind::Wsapme => format!("provider = \"wsapme\"\ndevice = {:?}", DEVICES[phone]),
                ProviderKind::Meta => format!(
                    "provider = \"meta\"\nphone_number_id = {1:?}\nwaba_id = \"102290129340398\"\n\
                     app_secret = {{ file = {0:?} }}\nverify_token = {{ file = {0:?} }}",
                    secret.display().to_string(),
                    NUMBERS[phone]
                ),
            };
            format!(
                "[[senders]]\nname = {name:?}\n{provider}\nbusiness = \"Kedai Aina\"\n\
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
            sender(SALES, 0, "gap = \"20s..60s\""),
            sender(COUNTER, 1, "rate = \"unlimited\"\nin_flight = 8"),
            self.speed,
        );
        // For the command lines that the dashboard shows: pasted into another window, they address this demo.
        std::fs::write(self.config_file(), &text)?;
        let mut config = Config::from_toml_str(&text)?;
        // Whose marks these are is known also where their configuration cannot be read, or is not there yet.
        if let Some(operator) = Config::operator_in(&Environment::of_process()) {
            config.operator = operator;
        }
        if let Some(own) = own {
            config.ui.theme = own.ui.theme;
            config.ui.ascii = own.ui.ascii;
        }
        let setup = Setup {
            config,
            url,
            program: self.program(),
            access: Access::ReadWrite,
            process: ProcessKind::LongLived,
            stop: shutdown.token(),
        };
        Ok(App::open(setup).await?)
    }

    /// Receives webhooks in this process, until what is returned is dropped. `None`: this provider is polled.
    pub(super) fn receive_webhooks(&self, app: &App, shutdown: &Shutdown) -> Option<DropGuard> {
        if self.provider != ProviderKind::Meta {
            return None;
        }
        let listener = self.listener.lock().ok()?.take()?;
        let stop = shutdown.child().token();
        tokio::spawn(http::serve(listener, app.clone(), app.webhook_intake(), stop.clone()));
        Some(stop.drop_guard())
    }

    /// Whether replies arrive as webhooks.
    pub(super) fn has_webhooks(&self) -> bool {
        self.provider == ProviderKind::Meta
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
        let mut line = format!("blastdeck --config {}", shell_quoted(&self.config_file().to_string_lossy()));
        if ["DATABASE_URL", "BLASTDECK_DATABASE_URL"].iter().any(|name| std::env::var_os(name).is_some()) {
            line.extend([" --database-url ", &shell_quoted(&self.postgres.address().url())]);
        }
        line
    }

    /// The demo's configuration, and that the operator's own has no part in it.
    pub(super) fn config_words(&self, config: &Config) -> String {
        let own = own_path().filter(|path| path.exists());
        let own = own.map_or_else(String::new, |path| format!("; the demo does not use {}", path.display()));
        format!("the demo's own, {}, {}{own}", self.config_file().display(), senders(config))
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
