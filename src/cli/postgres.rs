//! Selects the database and starts it: the configured address, else the private local Postgres, which is installed
//! first if the operator (or a flag) agrees.

use std::io::{BufRead, IsTerminal};

use color_eyre::Result;

use super::Global;
use super::exit::RefusedError;
use super::output::talk;
use crate::config::Config;
use crate::private_postgres::{PrivatePostgres, PrivatePostgresError, ServerStatus, install, install_command};

/// The database's address; starts the private Postgres where none is configured, unless nothing may be started.
pub(super) async fn url(global: &Global, config: &Config) -> Result<String> {
    if let Some(url) = &config.database.url {
        return Ok(url.expose().to_owned());
    }
    let local = PrivatePostgres::new(Some(config.database.data_dir.clone()))?;
    if global.read_only {
        return url_of_running(&local);
    }
    let is_new = !local.has_data();
    let address = with_programs(global, async || local.ensure_running().await).await?;
    if is_new {
        // Whoever lost the variable that names their own would read of nothing but empty lists.
        let dir = local.data_dir().display();
        talk(&format!(
            "a new, empty database was made in {dir}: `BLASTDECK_DATA_DIR`, or `data_dir` of `[database]` in the configuration, names \
             another place"
        ));
    }
    Ok(address.url())
}

/// With `--read-only` nothing is made, and nothing started.
fn url_of_running(local: &PrivatePostgres) -> Result<String> {
    let why = match local.status()? {
        ServerStatus::Running { address: Some(address), .. } => return Ok(address.url()),
        ServerStatus::Running { address: None, .. } => "is starting or ending: try again in a moment".to_owned(),
        ServerStatus::Stopped => {
            "does not run, and --read-only starts nothing: `blastdeck db start` starts it".to_owned()
        }
        ServerStatus::Absent => {
            let dir = local.data_dir().display();
            format!("is not there yet (in {dir}), and --read-only makes none: `blastdeck db start` makes it")
        }
    };
    Err(RefusedError(format!("the private database {why}")).into())
}

/// Runs what needs the server's programs. Where they are missing, installs them with consent and tries again.
pub(super) async fn with_programs<T>(
    global: &Global,
    work: impl AsyncFn() -> Result<T, PrivatePostgresError>,
) -> Result<T> {
    match work().await {
        Err(error @ PrivatePostgresError::NotInstalled) => {
            if !is_wanted(global)? {
                return Err(error.into());
            }
            tokio::task::spawn_blocking(install).await??;
            Ok(work().await?)
        }
        other => Ok(other?),
    }
}

/// Whether to install: by flag or environment, else by asking on a terminal, with the command shown first.
fn is_wanted(global: &Global) -> Result<bool> {
    let Some(command) = install_command() else { return Ok(false) };
    if global.install_postgres || std::env::var("BLASTDECK_INSTALL_POSTGRES").is_ok_and(|value| value == "1") {
        talk(&format!("installing PostgreSQL: {}", command.join(" ")));
        return Ok(true);
    }
    if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        return Ok(false);
    }
    talk("PostgreSQL's server programs are not on this machine. This would install them:");
    talk(&format!("  {}", command.join(" ")));
    talk("Run it now? [y/N]");
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    Ok(answer.trim().eq_ignore_ascii_case("y"))
}
