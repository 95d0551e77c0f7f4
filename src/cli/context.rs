//! What a verb works with: the configuration, the database (started if it is the private one), the app.

use std::path::PathBuf;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use color_eyre::Result;
use tokio_util::sync::CancellationToken;

use super::exit::Refused;
use super::{Global, postgres};
use crate::config::{Config, Flags};
use crate::engine::{Access, App, Listening, Setup, Standby, database_name};

/// An opened app with what the faces need beside it.
pub(super) struct Context {
    pub app: App,
    pub zone: Tz,
    pub is_json: bool,
    /// How this program is called for the same database and configuration.
    program: String,
}

/// Whether a verb changes anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Touch {
    Reads,
    Writes,
}

/// Loads the configuration as the flags say.
pub(super) fn load(global: &Global) -> Result<Config> {
    let flags = Flags { config: global.config.clone(), database_url: global.database_url.clone() };
    Ok(Config::load(&flags)?)
}

impl Context {
    /// Opens for one verb that looks once and ends.
    pub async fn open(global: &Global, touch: Touch) -> Result<Self> {
        if touch == Touch::Writes && global.read_only {
            return Err(Refused("this would change something, and --read-only was given".to_owned()).into());
        }
        Self::open_with(global, load(global)?, Listening::No, CancellationToken::new()).await
    }

    /// Opens with a configuration that was loaded already.
    pub async fn open_with(
        global: &Global,
        config: Config,
        listening: Listening,
        stop: CancellationToken,
    ) -> Result<Self> {
        let url = postgres::url(global, &config).await?;
        let zone = config.ui.timezone;
        let access = if global.read_only { Access::ReadOnly } else { Access::ReadWrite };
        let app = App::open(Setup { config, url, access, listening, stop }).await?;
        Ok(Self { app, zone, is_json: global.json, program: program(global) })
    }

    /// A sentence whose command lines, each in backticks, do the same here when they are pasted.
    pub fn pasteable(&self, sentence: &str) -> String {
        sentence.replace("`blastdeck", &format!("`{}", self.program))
    }

    /// A time as people here read it: the clock today, the day otherwise.
    pub fn when(&self, at: Option<DateTime<Utc>>) -> String {
        let Some(at) = at.map(|at| at.with_timezone(&self.zone)) else { return "-".to_owned() };
        let today = Utc::now().with_timezone(&self.zone).date_naive();
        if at.date_naive() == today { at.format("%H:%M").to_string() } else { at.format("%-d %b %Y %H:%M").to_string() }
    }

    /// The same, to the second when it is near.
    pub fn moment(&self, at: DateTime<Utc>) -> String {
        let is_near = (at - Utc::now()).abs() < TimeDelta::minutes(10);
        if is_near { at.with_timezone(&self.zone).format("%H:%M:%S").to_string() } else { self.when(Some(at)) }
    }
}

/// How this program is called again for the same database and configuration: with the flags that named them. A
/// password is never shown: the line takes the address from `DATABASE_URL` then, and fails without it.
pub(super) fn program(global: &Global) -> String {
    let mut line = "blastdeck".to_owned();
    if let Some(path) = &global.config {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.clone());
        line.extend([" --config ", &quoted(&path.to_string_lossy())]);
    }
    if let Some(url) = &global.database_url {
        let shown = if has_secret(url) { "\"$DATABASE_URL\"".to_owned() } else { quoted(url) };
        line.extend([" --database-url ", &shown]);
    }
    line
}

/// Whether an address may hold a password: before its `@`, or among its parameters.
fn has_secret(url: &str) -> bool {
    let login = url.split_once("://").and_then(|(_, rest)| rest.split_once('@')).map_or("", |(login, _)| login);
    login.contains(':') || url.to_ascii_lowercase().contains("password")
}

/// A word of a shell's line.
pub(super) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// How another process of ours is started to wait for the leases of this app.
pub(super) fn standby(app: &App) -> Result<Standby> {
    let config = app.config();
    let mut arguments = vec!["engine".to_owned(), "--until-idle".to_owned(), "--standby".to_owned()];
    if let Some(path) = config.path() {
        arguments.extend(["--config".to_owned(), std::path::absolute(path)?.display().to_string()]);
    }
    // The address goes by the environment: arguments are for everybody on this machine to read.
    let environment = vec![
        ("DATABASE_URL".to_owned(), app.database_url().to_owned()),
        ("BLASTDECK_DATA_DIR".to_owned(), config.database.data_dir.display().to_string()),
        ("BLASTDECK_STATE_DIR".to_owned(), config.database.state_dir.display().to_string()),
    ];
    Ok(Standby {
        program: std::env::current_exe()?,
        arguments,
        environment,
        lock: standby_lock(app),
        log: log_dir(config).join("standby.log"),
    })
}

/// The file that the standby of this database holds locked.
pub(super) fn standby_lock(app: &App) -> PathBuf {
    app.config().database.data_dir.join("run").join(database_name(app.database_url())).join("standby.lock")
}

/// Where the dashboard and the standby log.
pub(super) fn log_dir(config: &Config) -> PathBuf {
    config.database.data_dir.join("log")
}

#[cfg(test)]
mod tests {
    use super::{has_secret, quoted};

    #[test]
    fn an_address_with_a_password_is_known_as_such() {
        assert!(has_secret("postgres://aina:s3cret@host/shop"));
        assert!(has_secret("postgres://host/shop?password=s3cret"));
        assert!(!has_secret("postgres://aina@host:5432/shop"));
        assert!(!has_secret("postgres://blastdeck@localhost/blastdeck?host=%2Ftmp%2Fx&sslmode=disable"));
    }

    #[test]
    fn a_quoted_word_is_one_word_of_a_shell() {
        assert_eq!(quoted("/it's here"), r"'/it'\''s here'");
    }
}
