//! What follows a closed window: responses to messages in flight, and the engines that take its blasts over.

use std::process::ExitCode;
use std::time::Duration;

use color_eyre::Result;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::app::view::{BlastFilter, BlastView};
use crate::app::{App, Engines};
use crate::cli::output::talk;
use crate::domain::blast::BlastState;
use crate::domain::text::clean;
use crate::domain::waiting::Waiting;
use crate::engine::EngineEnd;
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

/// Hands all unfinished blasts over to a standby at once, and reports which of them continue without this window.
pub(in crate::cli) async fn hand_over(app: &App, ctrl_c: CtrlC<'_>) -> Result<ExitCode> {
    let Ok(unfinished) = timeout(PATIENCE, unfinished(app)).await else { return Ok(nobody_knows()) };
    let blasts = unfinished?;
    if blasts.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
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
    let waits_for_a_person = |blast: &BlastView| matches!(blast.waiting, Some(Waiting::SenderStopped { .. }));
    let is_to_go_on = |blast: &BlastView| !waits_for_a_person(blast) && blast.counts.queued + blast.counts.sending > 0;
    Ok(app.blasts(&filter).await?.into_iter().filter(is_to_go_on).collect())
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
