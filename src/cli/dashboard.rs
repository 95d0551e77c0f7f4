//! Without a verb: the dashboard, with the engine of this process beside it.

use std::io::IsTerminal;
use std::process::ExitCode;

use color_eyre::Result;

use super::Global;
use super::context::{Context, load, log_dir, program, standby};
use super::exit::Usage;
use super::output::talk;
use crate::config::{Ascii, Config, Theme};
use crate::domain::ids::BlastId;
use crate::engine::{self, App, Listening, RunOptions, Standby, Until};
use crate::shutdown::{SecondInterrupt, Shutdown};
use crate::telemetry::{self, Verbosity};
use crate::tui::{self, DeskKind, Ended, Hints};

/// Opens the dashboard, and the engine with it.
pub(super) async fn run(global: &Global) -> Result<ExitCode> {
    needs_terminal()?;
    let config = load(global)?;
    let _log = telemetry::to_file(&log_dir(&config), Verbosity::from_count(global.verbose))?;
    let shutdown = Shutdown::new();
    shutdown.on_signals(SecondInterrupt::Ignore)?;
    let context = Context::open_with(global, config, Listening::Yes, shutdown.token()).await?;
    let kind = match (global.read_only, is_practice(context.app.config())) {
        (true, _) => DeskKind::ReadOnly,
        (false, true) => DeskKind::Demo,
        (false, false) => DeskKind::Real,
    };
    let standby = if kind == DeskKind::ReadOnly { None } else { Some(standby(&context.app)?) };
    let desk = Desk { kind, standby, open: None, hints: Hints::Off, program: program(global) };
    open(&context.app, desk, &shutdown).await
}

/// How a dashboard is opened.
pub(super) struct Desk {
    pub kind: DeskKind,
    /// Goes on with the work when this process is gone.
    pub standby: Option<Standby>,
    /// The blast that is shown first.
    pub open: Option<BlastId>,
    pub hints: Hints,
    /// How this program is called again for the same database.
    pub program: String,
}

/// The screen needs a terminal; a pipe gets one line that names what it wants.
pub(super) fn needs_terminal() -> Result<()> {
    if std::io::stdout().is_terminal() && std::io::stdin().is_terminal() {
        return Ok(());
    }
    Err(Usage("the dashboard needs a terminal; for a pipe there is `blastdeck blast report ID --watch`".to_owned())
        .into())
}

/// Every sender speaks to this machine only.
fn is_practice(config: &Config) -> bool {
    !config.senders.is_empty() && config.senders.iter().all(crate::config::Sender::is_rehearsal)
}

/// Runs the screen and, unless it only looks, the engine; ends when the screen does.
pub(super) async fn open(app: &App, desk: Desk, shutdown: &Shutdown) -> Result<ExitCode> {
    let sends = desk.kind != DeskKind::ReadOnly && !app.has_no_sender();
    let without = if desk.standby.is_some() { tui::Without::GoesOn } else { tui::Without::Ends };
    let options = RunOptions { until: Until::Stopped, standby: desk.standby };
    let stop_engine = Shutdown::new();
    let engine = sends.then(|| tokio::spawn(engine::run(app.clone(), options, stop_engine.token())));
    let ui = &app.config().ui;
    let screen = tui::Options {
        kind: desk.kind,
        name: ui.name.clone(),
        zone: ui.timezone,
        currency: ui.currency.clone(),
        ascii: if is_ascii(ui.ascii) { tui::Ascii::On } else { tui::Ascii::Off },
        palette: palette(ui.theme),
        open: desk.open,
        hints: desk.hints,
        without,
        program: desk.program,
    };
    let ended = tui::run(app.clone(), screen, shutdown.token()).await;
    stop_engine.cancel();
    if let Some(engine) = engine {
        finish(engine, &ended).await;
    }
    app.close().await;
    ended?;
    Ok(ExitCode::SUCCESS)
}

/// Messages under way are waited for: to leave before their answers come would make them uncertain.
async fn finish(mut engine: tokio::task::JoinHandle<()>, ended: &Result<Ended, tui::TuiError>) {
    let soon = std::time::Duration::from_millis(800);
    if tokio::time::timeout(soon, &mut engine).await.is_err() {
        if matches!(ended, Ok(Ended::Quit)) {
            talk("waiting for the answer to a message that is on its way");
        }
        let _ = engine.await;
    }
}

const fn palette(theme: Theme) -> tui::Palette {
    match theme {
        Theme::Auto => tui::Palette::Auto,
        Theme::Dark => tui::Palette::Dark,
        Theme::Light => tui::Palette::Light,
        Theme::Mono => tui::Palette::Mono,
    }
}

/// By the setting, else where the locale is not UTF-8.
fn is_ascii(setting: Ascii) -> bool {
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    match setting {
        Ascii::Always => true,
        Ascii::Never => false,
        Ascii::Auto => {
            let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(set).unwrap_or_default().to_lowercase();
            !(locale.contains("utf-8") || locale.contains("utf8"))
        }
    }
}
