//! What a bench runs on: its own schema in the named database, else a throwaway Postgres; and a simulator.

use std::io::{Cursor, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use color_eyre::Result;
use color_eyre::eyre::WrapErr;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::database::{drop_schema, make_schema};
use crate::app::{Access, App, NewDraft, ProcessKind, Setup};
use crate::cli::context::PROGRAM;
use crate::cli::exit::RefusedError;
use crate::cli::output::after_tidying;
use crate::cli::simulator::Simulator;
use crate::cli::{Global, postgres};
use crate::config::{BaseUrl, Config};
use crate::domain::blast::PersonClocks;
use crate::domain::content::BlastContent;
use crate::domain::ids::BlastId;
use crate::domain::message::Message;
use crate::domain::sender::ProviderKind;
use crate::domain::template::TemplateMessage;
use crate::import::RejectedTo;
use crate::private_postgres::Throwaway;

/// The database, simulator and files of one bench.
pub(super) struct BenchEnvironment {
    app: App,
    simulator: Simulator,
    home: tempdir::BenchDirectory,
    sender: BenchSender,
    database: BenchDatabase,
    url: String,
    /// Sent to instead of the simulator.
    stand_in: Option<BaseUrl>,
}

/// The one sender of a bench.
#[derive(Debug, Clone, Copy)]
pub(super) struct BenchSender {
    pub provider: ProviderKind,
    pub in_flight: u32,
}

/// Its name.
pub(super) const SENDER: &str = "bench";
/// One of the simulator's numbers.
pub(super) const NUMBER: &str = "106540352242922";
/// Signs webhooks for a bench, and nothing else.
pub(super) const APP_SECRET: &str = "0123456789abcdef0123456789abcdef";

impl BenchSender {
    /// What it sends, the same text over either wire. Meta takes only templates from whom nobody wrote to.
    pub(super) fn content(self) -> Result<BlastContent> {
        Ok(match self.provider {
            ProviderKind::Wsapme => BlastContent::Text(Message::parse("Salam {name}, promo!")?),
            ProviderKind::Meta => {
                let template = json!({ "name": "short_promo", "language": "ms", "variables": { "1": "{name}" } });
                BlastContent::Template(Box::new(TemplateMessage::parse(&template)?))
            }
        })
    }
}

enum BenchDatabase {
    Throwaway(Throwaway),
    Schema { url: String, name: String },
}

impl BenchDatabase {
    async fn remove(self) -> Result<()> {
        match self {
            Self::Throwaway(server) => Ok(server.stop().await?),
            Self::Schema { url, name } => {
                drop_schema(&url, &name).await.wrap_err_with(|| format!("the schema {name} is left in the database"))
            }
        }
    }
}

impl BenchEnvironment {
    pub(super) async fn make(global: &Global, latency: Duration, sender: BenchSender) -> Result<Self> {
        let (database, url) = database(global).await?;
        let around = async {
            let simulator = Simulator::start(&["--latency", &format!("{}ms", latency.as_millis().max(1))]).await?;
            let home = tempdir::BenchDirectory::make()?;
            let app = open(simulator.base_url(), home.path(), sender, &url).await?;
            Ok::<_, color_eyre::Report>((simulator, home, app))
        };
        match around.await {
            Ok((simulator, home, app)) => Ok(Self { app, simulator, home, sender, database, url, stand_in: None }),
            Err(error) => after_tidying(Err(error), |_| true, database.remove().await),
        }
    }

    pub(super) const fn sender(&self) -> BenchSender {
        self.sender
    }

    /// The configuration's file, for further processes.
    pub(super) fn config_file(&self) -> PathBuf {
        config_file(self.home.path())
    }

    pub(super) const fn app(&self) -> &App {
        &self.app
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Has the sending processes send there, if anywhere, instead of to the simulator.
    pub(super) fn send_to(&mut self, stand_in: Option<BaseUrl>) {
        self.stand_in = stand_in;
    }

    pub(super) fn base_url(&self) -> &str {
        self.stand_in.as_ref().map_or_else(|| self.simulator.base_url(), BaseUrl::as_str)
    }

    /// The directory for the files of the sending process.
    pub(super) fn sender_dir(&self) -> Result<PathBuf> {
        let sender_dir = self.home.path().join("sending");
        std::fs::create_dir_all(&sender_dir)?;
        Ok(sender_dir)
    }

    /// Creates a draft to `people` made-up people.
    pub(super) async fn draft(&self, people: u32) -> Result<BlastId> {
        let draft = NewDraft {
            sender: SENDER.to_owned(),
            tag: "bench".to_owned(),
            follow_up_stage: "Initial".to_owned(),
            content: self.sender.content()?,
            is_marketing: false,
            rate: None,
            gap: None,
            window: None,
            weekdays: None,
            timezone: None,
            retry_next_day: false,
            first: None,
            external_id: None,
            description: None,
            start: None,
            segment: None,
            clocks: PersonClocks::default(),
            repeat: None,
        };
        Ok(self.app.create(draft, GeneratedList::of(people), RejectedTo::Nowhere).await?.blast)
    }

    /// Stops everything and removes its files and schema.
    pub(super) async fn clear(self) -> Result<()> {
        self.app.close().await;
        let ended = self.simulator.end().await;
        self.database.remove().await?;
        drop(self.home);
        ended
    }
}

/// A file of made-up people, generated as it is read: a million take no memory.
struct GeneratedList {
    people: std::ops::Range<u32>,
    piece: Cursor<Vec<u8>>,
}

impl GeneratedList {
    fn of(people: u32) -> Self {
        Self { people: 0..people, piece: Cursor::new(b"name,phone\n".to_vec()) }
    }
}

impl Read for GeneratedList {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.piece.position() == self.piece.get_ref().len() as u64 {
            let piece = self.piece.get_mut();
            piece.clear();
            for n in self.people.by_ref().take(1_000) {
                writeln!(piece, "P{n},+6010{n:08}")?;
            }
            self.piece.set_position(0);
        }
        self.piece.read(buffer)
    }
}

async fn database(global: &Global) -> Result<(BenchDatabase, String)> {
    if let Some(url) = &global.database_url {
        if global.read_only {
            return Err(
                RefusedError("a bench makes a schema in that database, and --read-only was given".to_owned()).into()
            );
        }
        let name = format!("blastdeck_bench_{}", std::process::id());
        let within = make_schema(url, &name).await?;
        return Ok((BenchDatabase::Schema { url: url.clone(), name }, within));
    }
    let program = std::env::current_exe()?;
    let server = postgres::with_programs(global, async || Throwaway::start("bench", &program).await).await?;
    let url = server.address().url();
    Ok((BenchDatabase::Throwaway(server), url))
}

/// Opens an app for the simulator at `base_url`, with its files in `home`.
pub(super) async fn open(base_url: &str, home: &Path, sender: BenchSender, url: &str) -> Result<App> {
    let config = config(base_url, home, sender)?;
    let stop = CancellationToken::new();
    let setup = Setup {
        config,
        url: url.to_owned(),
        program: PROGRAM.to_owned(),
        access: Access::ReadWrite,
        process: ProcessKind::LongLived,
        stop,
    };
    Ok(App::open(setup).await?)
}

fn config_file(home: &Path) -> PathBuf {
    home.join("bench.toml")
}

fn config(base_url: &str, home: &Path, BenchSender { provider, in_flight }: BenchSender) -> Result<Config> {
    let secret = |name: &str, text: &str| -> Result<String> {
        let path = home.join(name);
        std::fs::write(&path, text)?;
        Ok(format!("{{ file = {:?} }}", path.display().to_string()))
    };
    let token = secret("token", "a-token-for-nobody")?;
    let at_provider = match provider {
        ProviderKind::Wsapme => "provider = \"wsapme\"\ndevice = \"1\"".to_owned(),
        ProviderKind::Meta => {
            let signed_with = secret("secret", APP_SECRET)?;
            format!(
                "provider = \"meta\"\nphone_number_id = {NUMBER:?}\nwaba_id = \"102290129340398\"\n\
                 app_secret = {signed_with}\nverify_token = {signed_with}"
            )
        }
    };
    let text = format!(
        "[database]\ndata_dir = {:?}\nstate_dir = {:?}\n[[senders]]\nname = {SENDER:?}\n{at_provider}\n\
         base_url = {base_url:?}\ntoken = {token}\nrate = \"unlimited\"\ndaily_cap = \"none\"\n\
         in_flight = {in_flight}\n[polling]\ngive_up_after = \"1ms\"\n",
        home.join("data").display().to_string(),
        home.join("state").display().to_string(),
    );
    std::fs::write(config_file(home), &text)?;
    Ok(Config::from_toml_str(&text)?)
}

mod tempdir {
    //! A temporary directory.

    use std::path::{Path, PathBuf};

    pub(super) struct BenchDirectory(PathBuf);

    impl BenchDirectory {
        pub(super) fn make() -> std::io::Result<Self> {
            let path = std::env::temp_dir().join(format!("blastdeck-bench-{:016x}", rand::random::<u64>()));
            std::fs::create_dir(&path)?;
            Ok(Self(path))
        }

        pub(super) fn path(&self) -> &Path {
            &self.0
        }
    }

    impl Drop for BenchDirectory {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }
}
