//! `db`: the private local Postgres, and migrations.

use std::process::ExitCode;

use clap::Subcommand;
use color_eyre::Result;
use serde_json::json;

use super::context::load;
use super::exit::RefusedError;
use super::output::{json, line, talk};
use super::{Global, postgres};
use crate::app::{EmptyDatabase, migrate};
use crate::domain::text::count_of;
use crate::private_postgres::{PrivatePostgres, Stopped};

#[derive(Debug, Subcommand)]
pub(super) enum DbVerb {
    /// Start the private Postgres if it is not running.
    Start,
    /// Stop the private Postgres. The data stays.
    Stop,
    /// Print the address of the database in force, starting the private one if needed.
    Url,
    /// Migrate the schema to this version.
    Migrate {
        /// Make the tables also where the database is empty and this machine knows another one with blasts. Not before a dump is restored
        /// into it: that would find them in its way.
        #[arg(long)]
        allow_empty: bool,
    },
}

impl DbVerb {
    pub(super) async fn run(self, global: &Global) -> Result<ExitCode> {
        let config = load(global)?;
        if global.read_only && matches!(self, Self::Start | Self::Stop | Self::Migrate { .. }) {
            return Err(RefusedError("this would change something, and --read-only was given".to_owned()).into());
        }
        if let (Self::Start, Some(url)) = (&self, &config.database.url) {
            let why = "the database in force is not the private one, which was not started";
            return Err(RefusedError(format!("{why}: {url}")).into());
        }
        match self {
            Self::Start | Self::Url => {
                let url = postgres::url(global, &config).await?;
                if global.json { json(&json!({ "url": url }))? } else { line(&url)? }
            }
            Self::Stop => {
                if config.database.url.is_some() {
                    return Err(RefusedError(
                        "the database in force is not the private one: Blastdeck does not stop it".to_owned(),
                    )
                    .into());
                }
                let stopped = PrivatePostgres::new(Some(config.database.data_dir.clone()))?.stop().await?;
                let was_running = stopped == Stopped::Now;
                if global.json {
                    json(&json!({ "was_running": was_running }))?;
                } else {
                    talk(if was_running { "stopped" } else { "it was not running" });
                }
            }
            Self::Migrate { allow_empty } => {
                let url = postgres::url(global, &config).await?;
                let ran = migrate(&url, &config, allow_empty.then_some(EmptyDatabase::Fill)).await?;
                if global.json {
                    json(&json!({ "migrations": ran }))?;
                } else {
                    talk(&format!("{} ran; the schema is up to date", count_of(ran, "migration", "migrations")));
                }
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}
