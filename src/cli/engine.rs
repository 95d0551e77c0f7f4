//! `engine`: send and poll, without a terminal.

use std::process::ExitCode;

use color_eyre::Result;

use super::Global;
use super::context::{Context, load, standby_lock};
use super::exit::Refused;
use super::output::talk;
use crate::config::Config;
use crate::engine::{self, EngineError, Listening, RunOptions, StoreError, Until, hold_lock};
use crate::shutdown::{SecondInterrupt, Shutdown};

#[derive(Debug, clap::Args)]
pub(super) struct EngineVerb {
    /// End when nothing is sending, due, or young enough to ask about, and no cancel or delete is half done.
    #[arg(long)]
    until_idle: bool,
    /// Started by another blastdeck to wait for its leases: at most one a database.
    #[arg(long, hide = true)]
    standby: bool,
}

impl EngineVerb {
    pub(super) async fn run(self, global: &Global) -> Result<ExitCode> {
        if global.read_only {
            return Err(Refused("an engine sends, and --read-only was given".to_owned()).into());
        }
        if self.standby {
            // No terminal's hang-up reaches us. We may lead a session already; then there is nothing to do.
            let _ = rustix::process::setsid();
        }
        let shutdown = Shutdown::new();
        shutdown.on_signals(SecondInterrupt::Exit)?;
        let config = load(global)?;
        let Some(context) = self.open(global, &config, &shutdown).await? else { return Ok(ExitCode::SUCCESS) };
        let lock = if self.standby { hold_lock(&standby_lock(&context.app))? } else { None };
        if self.standby && lock.is_none() {
            return Ok(ExitCode::SUCCESS);
        }
        for broken in context.app.broken() {
            talk(&format!("sender {} cannot be used: {}", broken.name, broken.why));
        }
        if context.app.has_no_sender() {
            let mend = "add one under [[senders]], or mend what is said above";
            return Err(Refused(format!("there is no sender that can be used: {mend}")).into());
        }
        let until = if self.until_idle { Until::Idle } else { Until::Stopped };
        engine::run(context.app.clone(), RunOptions { until, standby: None }, shutdown.token()).await;
        context.app.close().await;
        drop(lock);
        Ok(ExitCode::SUCCESS)
    }
}

impl EngineVerb {
    /// Opens; a standby that finds no database tries again, for it is there to go on when others could not. `None`: told
    /// to stop meanwhile.
    async fn open(&self, global: &Global, config: &Config, shutdown: &Shutdown) -> Result<Option<Context>> {
        let mut failures = 0;
        while !shutdown.is_cancelled() {
            match Context::open_with(global, config.clone(), Listening::Yes, shutdown.token()).await {
                Err(error) if self.standby && is_transient(&error) => {
                    tracing::warn!(error = format!("{error:#}"), "the standby waits for the database");
                }
                other => return other.map(Some),
            }
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = tokio::time::sleep(StoreError::backoff(failures)) => failures += 1,
            }
        }
        Ok(None)
    }
}

fn is_transient(error: &color_eyre::Report) -> bool {
    matches!(error.downcast_ref::<EngineError>(), Some(EngineError::Store(error)) if error.is_transient())
}
