//! Runs the dashboard, with an engine in the same process.

mod leaving;

pub(super) use leaving::{CtrlC, hand_over};

use std::io::IsTerminal;
use std::path::Path;
use std::process::ExitCode;

use color_eyre::Result;

use super::Global;
use super::context::{Context, load, log_dir, private_postgres, program};
use super::exit::UsageError;
use crate::app::view::BlastFilter;
use crate::app::{App, ProcessKind, skew_words};
use crate::config::{AsciiSetting, Config, ConfigError, ConfigProblem, KeySetting, ProblemLocation, ThemeSetting};
use crate::domain::engine_role::EngineRole;
use crate::domain::ids::BlastId;
use crate::domain::text::{clean, count_of};
use crate::engine::{
    self, ChangeWatcher, EngineEnd, Fingerprint, RunOptions, SKEW_MAX, SettingsFiles, Standby, Until, WatchedSetup,
};
use crate::private_postgres::PrivatePostgres;
use crate::shutdown::{SecondInterrupt, Shutdown};
use crate::telemetry::{self, Verbosity};
use crate::tui::{self, Charset, DashboardKind, ExitReason, Hints};

/// Opens the dashboard and starts the engine.
pub(super) async fn run(global: &Global) -> Result<ExitCode> {
    needs_terminal("`blastdeck --plain`")?;
    let config = load(global)?;
    keymap(&config)?;
    let _log = telemetry::to_file(&log_dir(&config), Verbosity::from_count(global.verbose))?;
    let shutdown = Shutdown::new();
    shutdown.on_signals(SecondInterrupt::Ignore)?;
    let mut ended = Box::pin(open_once(global, config, &shutdown, None)).await?;
    while let Ended::Reopen = ended {
        let config = load(global)?;
        let greeting = config.senders.last().map(|sender| {
            format!("{} is added: n writes a blast, and its plan says how the sender stands", sender.name)
        });
        ended = Box::pin(open_once(global, config, &shutdown, greeting)).await?;
    }
    match ended {
        Ended::Exit(code) => Ok(code),
        Ended::Reopen => Ok(ExitCode::SUCCESS),
    }
}

/// How a window ended.
pub(super) enum Ended {
    Exit(ExitCode),
    /// A sender was added: another one opens with it.
    Reopen,
}

async fn open_once(global: &Global, config: Config, shutdown: &Shutdown, greeting: Option<String>) -> Result<Ended> {
    let files = SettingsFiles::of(&config);
    let context = Context::open_with(global, config, ProcessKind::LongLived, shutdown.token()).await?;
    let kind = match (global.read_only, is_practice(context.app.config())) {
        (true, _) => DashboardKind::ReadOnly,
        (false, true) => DashboardKind::Demo,
        (false, false) => DashboardKind::Real,
    };
    let standby = if kind == DashboardKind::ReadOnly { None } else { standby(&context.app) };
    let local = private_postgres(context.app.config())?;
    let watcher = Some(watcher(global, &context.app, local.clone(), files)?);
    let program = program(global);
    let charset = charset(global, context.app.config());
    let welcome = Some(welcome(&context.app, charset).await);
    let args = DashboardArgs {
        kind,
        standby,
        local,
        watcher,
        open: None,
        hints: Hints::Off,
        welcome,
        greeting,
        program,
        charset,
    };
    Box::pin(open(&context.app, args, shutdown)).await
}

/// How this machine stands. Only somebody who opens it for the first time waits for a look at the database's clock.
pub(super) async fn welcome(app: &App, charset: Charset) -> tui::WelcomeFacts {
    let config = app.config();
    let has_sender = !config.senders.is_empty();
    let none_yet = || match crate::config::own_path() {
        Some(path) => format!("none yet; would be {}", path.display()),
        None => "none yet".to_owned(),
    };
    let zone = config.ui.timezone;
    let clock = if has_sender { "`blastdeck doctor` compares it".to_owned() } else { clock(app).await };
    let colours =
        if std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty()) { "no colours" } else { "16 colours" };
    let letters = if charset == Charset::Ascii { "ASCII" } else { "UTF-8" };
    tui::WelcomeFacts {
        database: format!(
            "ready: {}{}",
            config.database.place(),
            if has_sender { String::new() } else { blasts(app).await }
        ),
        has_sender,
        config: config.path().map_or_else(none_yet, |path| format!("{}, {}", path.display(), senders(config))),
        terminal: format!("{letters}, {colours}; y copies if tmux has set-clipboard on"),
        clock: format!("{clock}; times are {}", zone.name().replace('_', " ")),
    }
}

/// What the database has already, though this machine has no sender: `, 12 blasts in it: esc shows them`.
async fn blasts(app: &App) -> String {
    match app.count_blasts(&BlastFilter::default()).await {
        Ok(blasts @ 1..) => format!(", {} in it: esc shows them", count_of(blasts, "blast", "blasts")),
        Ok(_) | Err(_) => String::new(),
    }
}

/// How the clock of this machine stands to the database's.
async fn clock(app: &App) -> String {
    match app.clock_skew().await {
        Ok(skew) if skew.abs() <= SKEW_MAX => "right".to_owned(),
        Ok(skew) => format!("{}: set it right", skew_words(skew)),
        Err(error) => clean(&error.to_string()).into_owned(),
    }
}

/// `with 3 senders`.
pub(super) fn senders(config: &Config) -> String {
    match &config.senders[..] {
        [] => "without a sender".to_owned(),
        [sender] => format!("with the sender {}", sender.name),
        senders => format!("with {} senders", senders.len()),
    }
}

/// The standby that takes over; without one the dashboard sends all the same, and says so when it is closed.
pub(super) fn standby(app: &App) -> Option<Standby> {
    Standby::new(app.config(), app.database_url())
        .inspect_err(|error| tracing::warn!(%error, "no standby can be started"))
        .ok()
}

/// Watches the program and the configuration file: a window keeps what it was opened with.
pub(super) fn watcher(
    global: &Global,
    app: &App,
    local: Option<PrivatePostgres>,
    files: SettingsFiles,
) -> Result<ChangeWatcher> {
    let reload = global.clone();
    let watched = WatchedSetup {
        engine: app.engine().clone(),
        config: app.shared_config(),
        fingerprint: Fingerprint::of_this_process(app.config())?,
        lock: None,
        local,
        files,
        listens: false,
        reload: Box::new(move || Config::load(&reload.flags())),
    };
    Ok(ChangeWatcher::new(watched))
}

/// What a dashboard is opened with.
pub(super) struct DashboardArgs {
    pub kind: DashboardKind,
    /// Takes over when this process ends.
    pub standby: Option<Standby>,
    /// The private Postgres, restarted when it dies.
    pub local: Option<PrivatePostgres>,
    /// Says when the window's program or settings are not the current ones any more.
    pub watcher: Option<ChangeWatcher>,
    /// The blast to show first.
    pub open: Option<BlastId>,
    pub hints: Hints,
    /// What the first screen says of this machine.
    pub welcome: Option<tui::WelcomeFacts>,
    /// Said when it opens.
    pub greeting: Option<String>,
    /// The command line of this program for the same database.
    pub program: String,
    pub charset: Charset,
}

/// Refuses to draw into a pipe, or on a terminal that cannot place what it prints; `plain` is what prints lines instead.
pub(super) fn needs_terminal(plain: &str) -> Result<()> {
    if !std::io::stdout().is_terminal() || !std::io::stdin().is_terminal() {
        return Err(UsageError(format!(
            "the dashboard needs a terminal; for a pipe there are `blastdeck blast report ID --watch` and {plain}"
        ))
        .into());
    }
    if std::env::var_os("TERM").is_some_and(|name| name == "dumb") {
        return Err(UsageError(format!(
            "this terminal says that it cannot draw (TERM=dumb): {plain} prints a line for each thing that happens; if it can draw, set \
             TERM to its name, such as xterm-256color"
        ))
        .into());
    }
    Ok(())
}

/// Whether every sender posts to this machine only.
fn is_practice(config: &Config) -> bool {
    !config.senders.is_empty() && config.senders.iter().all(crate::config::SenderConfig::is_rehearsal)
}

/// What becomes of blasts that are being sent when the screen is closed.
const fn on_close(args: &DashboardArgs) -> tui::OnClose {
    match args.kind {
        DashboardKind::Real => tui::OnClose::BlastsContinue,
        DashboardKind::Demo if args.standby.is_some() => tui::OnClose::BlastsContinue,
        DashboardKind::Demo => tui::OnClose::DemoEnds,
        DashboardKind::ReadOnly => tui::OnClose::NoEffect,
    }
}

/// Runs the screen and, unless it is read-only, the engine. Ends when the screen does.
pub(super) async fn open(app: &App, args: DashboardArgs, shutdown: &Shutdown) -> Result<Ended> {
    let sends = args.kind != DashboardKind::ReadOnly && !app.has_no_sender();
    let on_close = on_close(&args);
    let database = if args.local.is_some() { tui::DatabaseKind::Own } else { tui::DatabaseKind::Given };
    let options = RunOptions {
        role: EngineRole::Dashboard,
        until: Until::Stopped,
        standby: args.standby,
        local: args.local,
        watcher: args.watcher,
    };
    let stop_engine = Shutdown::new();
    let engine = sends.then(|| tokio::spawn(engine::run(app.engine().clone(), options, stop_engine.token())));
    let repeating = sends.then(|| app.spawn_schedules(stop_engine.token()));
    let ui = &app.config().ui;
    let screen = tui::DashboardOptions {
        keys: keymap(app.config())?,
        kind: args.kind,
        operator: app.operator().to_owned(),
        default_sender: app.config().senders.iter().find(|sender| sender.is_default).map(|own| own.name.clone()),
        name: ui.name.clone(),
        zone: ui.timezone,
        currency: ui.currency.clone(),
        charset: args.charset,
        palette: palette(ui.theme),
        database,
        open: args.open,
        hints: args.hints,
        on_close,
        welcome: args.welcome,
        greeting: args.greeting,
        program: args.program,
    };
    let ended = tui::run(app.clone(), screen, shutdown).await;
    stop_engine.cancel();
    if let Some(repeating) = repeating {
        let _ = repeating.await;
    }
    let end = match engine {
        Some(engine) => leaving::finish(engine, &ended).await,
        None => EngineEnd::Orderly,
    };
    let goes_on = match (on_close, &ended) {
        (tui::OnClose::BlastsContinue, Ok(ExitReason::Quit | ExitReason::Stopped)) => match end {
            EngineEnd::Orderly | EngineEnd::Unwritten => hand_over(app, CtrlC::of(&ended, shutdown)).await,
            EngineEnd::Silent => Ok(leaving::nobody_knows()),
        },
        _ => Ok(ExitCode::SUCCESS),
    };
    app.close().await;
    if ended? == ExitReason::Reopen {
        return Ok(Ended::Reopen);
    }
    Ok(Ended::Exit(leaving::after_engine(end, goes_on?)))
}

/// The keys of `[ui.keys]`; every problem with them at once, each with its line.
pub(super) fn keymap(config: &Config) -> Result<tui::Keymap, ConfigError> {
    let settings = &config.ui.keys;
    let binding = |setting: &KeySetting| tui::KeyBinding { action: setting.action.clone(), keys: setting.keys.clone() };
    let bindings: Vec<_> = settings.iter().map(binding).collect();
    tui::Keymap::new(&bindings)
        .map_err(|errors| ConfigError { problems: errors.iter().map(|error| key_problem(config, error)).collect() })
}

fn key_problem(config: &Config, error: &tui::KeymapError) -> ConfigProblem {
    let setting = config.ui.keys.iter().find(|setting| setting.action == error.action);
    let path = config.path().map_or_else(|| "config.toml".into(), Path::to_path_buf);
    ConfigProblem {
        location: ProblemLocation::File { path, line: setting.map_or(0, |setting| setting.line) },
        key: format!("ui.keys.{}", clean(&error.action)),
        text: error.text.clone(),
    }
}

const fn palette(theme: ThemeSetting) -> tui::Palette {
    match theme {
        ThemeSetting::Auto => tui::Palette::Auto,
        ThemeSetting::Dark => tui::Palette::Dark,
        ThemeSetting::Light => tui::Palette::Light,
        ThemeSetting::Mono => tui::Palette::Mono,
    }
}

/// ASCII where the flag, the setting or the locale wants it.
pub(super) fn charset(global: &Global, config: &Config) -> Charset {
    let is_console = || std::env::var_os("TERM").is_some_and(|name| name == "linux");
    match () {
        () if global.ascii || is_ascii(config.ui.ascii) => Charset::Ascii,
        () if is_console() => Charset::Console,
        () => Charset::Unicode,
    }
}

/// By the setting; `auto` means where the locale is not UTF-8.
fn is_ascii(setting: AsciiSetting) -> bool {
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    match setting {
        AsciiSetting::Always => true,
        AsciiSetting::Never => false,
        AsciiSetting::Auto => {
            let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(set).unwrap_or_default().to_lowercase();
            !(locale.contains("utf-8") || locale.contains("utf8"))
        }
    }
}
