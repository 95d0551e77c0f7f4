//! What follows a closed window: responses to messages in flight, and the engines that take its blasts over.

use std::process::ExitCode;
use std::time::Duration;

use chrono::Utc;
use color_eyre::Result;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::app::view::{BlastFilter, BlastView};
use crate::app::{App, Engines};
use crate::cli::output::talk;
use crate::domain::blast::BlastState;
use crate::domain::text::clean;
use crate::domain::waiting::Waiting;
use crate::domain::zone::words::start_words;
use crate::engine::{EngineEnd, Standby};
use crate::shutdown::Shutdown;
use crate::tui::{self, ExitReason};

/// How long the database may take to say what still runs, once the window is closed.
const PATIENCE: Duration = Duration::from_secs(2);

/// What ctrl-c does while blasts are handed over.
#[derive(Debug, Clone, Copy)]
pub(in crate::cli) enum CtrlC<'a> {
    /// Requests the stop that ends the wait.
    EndsWait(&'a Shutdown),
    /// Ends the whole process by itself.
    EndsProcess,
    /// The stop was requested before.
    Ignored,
}

impl<'a> CtrlC<'a> {
    /// After a window: a signal that closed it was meant for the window, not for the wait.
    pub(super) const fn of(ended: &Result<ExitReason, tui::TuiError>, shutdown: &'a Shutdown) -> Self {
        match ended {
            Ok(ExitReason::Quit) => Self::EndsWait(shutdown),
            _ => Self::Ignored,
        }
    }

    /// Resolves once the wait is to end.
    async fn pressed(self) {
        match self {
            Self::EndsWait(shutdown) => shutdown.cancelled().await,
            Self::EndsProcess | Self::Ignored => std::future::pending().await,
        }
    }
}

/// Hands all unfinished blasts over to a standby at once, and reports which of them continue, or start, without this window.
pub(in crate::cli) async fn hand_over(app: &App, ctrl_c: CtrlC<'_>) -> Result<ExitCode> {
    let left = async { color_eyre::eyre::Ok((unfinished(app).await?, scheduled(app).await?)) };
    let Ok(left) = timeout(PATIENCE, left).await else { return Ok(nobody_knows()) };
    let (unfinished, scheduled) = left?;
    let start = say_scheduled(app, &scheduled);
    if unfinished.is_empty() {
        return Ok(start);
    }
    let continues = hand_over_all(app, unfinished, ctrl_c).await?;
    Ok(if start == ExitCode::SUCCESS { continues } else { start })
}

async fn hand_over_all(app: &App, blasts: Vec<BlastView>, ctrl_c: CtrlC<'_>) -> Result<ExitCode> {
    let ends = if matches!(ctrl_c, CtrlC::Ignored) { "" } else { "; ctrl-c ends the wait" };
    talk(&format!("waiting a few seconds for a standby to take over {}{ends}", names(&blasts)));
    let (mut code, mut known) = (ExitCode::SUCCESS, Vec::new());
    let report = |blast: &BlastView, end: Result<(), String>| {
        known.push(blast.id);
        code = if say_end(blast, &end) { code } else { ExitCode::FAILURE };
    };
    tokio::select! {
        biased;
        ended = app.hand_over_all(&blasts, Engines::Others, report) => ended?,
        () = ctrl_c.pressed() => {}
    }
    if !matches!(ctrl_c, CtrlC::EndsProcess) {
        // One more `q` of somebody who waited is no command of their shell.
        tui::discard_typed();
    }
    let open: Vec<_> = blasts.into_iter().filter(|blast| !known.contains(&blast.id)).collect();
    if open.is_empty() {
        return Ok(code);
    }
    talk(&format!(
        "the wait ended before it was known what becomes of {}: `blastdeck blast list` shows it",
        names(&open)
    ));
    Ok(ExitCode::FAILURE)
}

/// The blasts that somebody has to go on sending. One that waits for an operator's decision keeps waiting without a window.
async fn unfinished(app: &App) -> Result<Vec<BlastView>> {
    let filter = BlastFilter { state: Some(BlastState::Sending), ..BlastFilter::default() };
    // Somebody has to sweep whoever is in flight.
    let waits_for_a_person =
        |blast: &BlastView| matches!(blast.waiting, Some(Waiting::SenderStopped { .. })) && blast.counts.sending == 0;
    let is_to_go_on = |blast: &BlastView| !waits_for_a_person(blast) && blast.counts.queued + blast.counts.sending > 0;
    Ok(app.blasts(&filter).await?.into_iter().filter(is_to_go_on).collect())
}

/// The blasts that this machine starts by themselves, also those that repeat, the next one first.
async fn scheduled(app: &App) -> Result<Vec<BlastView>> {
    let filter = BlastFilter { state: Some(BlastState::Scheduled), ..BlastFilter::default() };
    let mut blasts = app.blasts(&filter).await?;
    blasts.retain(|blast| app.config().sender(&blast.sender).is_some());
    blasts.sort_by_key(|blast| blast.scheduled_for);
    Ok(blasts)
}

/// Says what starts without this window, by a standby that is started here where none runs.
fn say_scheduled(app: &App, blasts: &[BlastView]) -> ExitCode {
    let Some(next) = blasts.first() else { return ExitCode::SUCCESS };
    let name = clean(&next.name()).into_owned();
    let zones = (app.clocks_of(next), app.config().ui.timezone);
    let at = next.scheduled_for.map_or_else(String::new, |at| format!(" {}", start_words(at, zones, Utc::now())));
    let standby = Standby::new(app.config(), app.database_url()).and_then(|standby| standby.try_ensure());
    let without = match &standby {
        Ok(_) => "without this window".to_owned(),
        Err(error) => format!("only while an engine runs, and none could be started here: {error}"),
    };
    talk(&match blasts.len() {
        // It is itself never sent.
        1 if next.origin.repeat.rule.is_some() => format!("{name} makes its next blast{at} {without}"),
        1 => format!("{name} starts{at} {without}"),
        several => format!("{several} blasts start by themselves, {name} first,{at}, {without}"),
    });
    if standby.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Says whether a blast continues, and returns that.
fn say_end(blast: &BlastView, end: &Result<(), String>) -> bool {
    let name = clean(&blast.name()).into_owned();
    match end {
        Ok(()) => talk(&format!("{name} continues without this window")),
        Err(missing) => talk(&format!("{name} does not continue without this window: {missing}")),
    }
    end.is_ok()
}

/// So many names are listed before the others are counted.
const NAMES_MAX: usize = 3;

/// `Raya promo, Deepavali and 2 more`.
fn names(blasts: &[BlastView]) -> String {
    let named: Vec<_> = blasts.iter().take(NAMES_MAX).map(|blast| clean(&blast.name()).into_owned()).collect();
    match (named.split_last(), blasts.len() - named.len()) {
        (Some((last, [])), 0) => last.clone(),
        (Some((last, before)), 0) => format!("{} and {last}", before.join(", ")),
        (_, more) => format!("{} and {more} more", named.join(", ")),
    }
}

/// The farewell of a window whose database does not answer.
pub(super) fn nobody_knows() -> ExitCode {
    talk(
        "the database does not answer: nobody knows here whether a blast continues without this window; \
         `blastdeck blast list` shows it once the database answers",
    );
    ExitCode::FAILURE
}

/// How a window ends whose engine has ended: one that lost outcomes has failed, and says so.
pub(super) fn after_engine(end: EngineEnd, goes_on: ExitCode) -> ExitCode {
    let Some(why) = end.failure() else { return goes_on };
    talk(why);
    ExitCode::FAILURE
}

/// Waits for POSTs in flight: without their responses they would become uncertain.
pub(super) async fn finish(mut engine: JoinHandle<EngineEnd>, ended: &Result<ExitReason, tui::TuiError>) -> EngineEnd {
    let soon = Duration::from_millis(800);
    if let Ok(end) = timeout(soon, &mut engine).await {
        return end.unwrap_or(EngineEnd::Orderly);
    }
    if matches!(ended, Ok(ExitReason::Quit)) {
        talk("waiting for the response to a message in flight");
    }
    engine.await.unwrap_or(EngineEnd::Orderly)
}
