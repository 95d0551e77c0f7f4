//! `blast wait`: for scripts that go on once a blast is done.

use std::time::Duration;

use color_eyre::Result;
use tokio::time::{Instant, sleep};

use super::show;
use crate::app::AppError;
use crate::app::view::BlastView;
use crate::cli::Global;
use crate::cli::context::{Context, Intent};
use crate::cli::exit::NotDoneError;
use crate::cli::output::{refuse_gone_reader, talk};
use crate::domain::blast::BlastState;
use crate::domain::ids::BlastId;
use crate::domain::pace::{parse_span, show_span};
use crate::domain::text::clean;

/// How often the blast is looked at.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// What needs a person may go by itself: an engine starts, a status comes in. After so long it has not.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct WaitArgs {
    /// The blast's id, as in `blast list`.
    blast: BlastId,
    /// Wait no longer than this, such as 90m.
    #[arg(long, value_name = "SPAN", value_parser = span)]
    timeout: Option<Duration>,
}

fn span(text: &str) -> Result<Duration, String> {
    parse_span(text).map_err(|error| error.to_string())
}

/// Why a blast is not waited for any longer.
enum End {
    Done,
    NotDone(String),
}

impl WaitArgs {
    pub(super) async fn run(self, global: &Global) -> Result<()> {
        let context = Context::open(global, Intent::Reads).await?;
        let (end, blast) = self.wait(&context).await?;
        show::print(&context, &blast).await?;
        match end {
            End::Done => Ok(()),
            End::NotDone(why) => Err(NotDoneError(why).into()),
        }
    }

    async fn wait(&self, context: &Context) -> Result<(End, BlastView)> {
        let until = self.timeout.map(|timeout| Instant::now() + timeout);
        let mut needs_since: Option<(String, Instant)> = None;
        let mut blast = context.app.blast(self.blast).await?;
        loop {
            if let Some(end) = ended(&blast) {
                return Ok((end, blast));
            }
            let needs = need(&blast);
            needs_since = needs.map(|needs| match needs_since.take() {
                Some(before) if before.0 == needs => before,
                _ => (needs, Instant::now()),
            });
            if let Some((needs, _)) = needs_since.as_ref().filter(|(_, since)| since.elapsed() >= PATIENCE) {
                return Ok((End::NotDone(format!("blast {} needs somebody: {needs}", blast.id)), blast));
            }
            if let (Some(timeout), true) = (self.timeout, until.is_some_and(|until| until <= Instant::now())) {
                let why = format!("blast {} is {} after {}", blast.id, blast.state, show_span(timeout));
                return Ok((End::NotDone(why), blast));
            }
            sleep(POLL_INTERVAL).await;
            refuse_gone_reader()?;
            blast = self.read_again(context, blast).await?;
        }
    }

    /// The blast as it is now. A database that does not answer for a moment does not end a night's work.
    async fn read_again(&self, context: &Context, before: BlastView) -> Result<BlastView> {
        match context.app.blast(self.blast).await {
            Err(AppError::Store(error)) if error.is_transient() => {
                talk(&format!("the database does not answer, trying again: {error}"));
                Ok(before)
            }
            read => Ok(read?),
        }
    }
}

/// Whether nothing goes on by itself.
fn ended(blast: &BlastView) -> Option<End> {
    let by = || blast.state_by.as_ref().map(|by| format!(" by {}", clean(by.name()))).unwrap_or_default();
    let why = || blast.state_reason.as_deref().map(|why| format!(": {}", clean(why))).unwrap_or_default();
    let id = blast.id;
    let why = match blast.state {
        BlastState::Completed => return Some(End::Done),
        BlastState::Draft => format!("blast {id} is a draft: `blastdeck blast send {id}` sends it"),
        BlastState::Paused => {
            format!("blast {id} is paused{}{}: `blastdeck blast resume {id}` goes on with it", by(), why())
        }
        BlastState::Cancelled | BlastState::Failed => format!("blast {id} is {}{}{}", blast.state, by(), why()),
        BlastState::Scheduled if blast.origin.repeat.rule.is_some() => {
            format!("blast {id} repeats: wait for one of the blasts that it makes")
        }
        BlastState::Scheduled | BlastState::Sending => return None,
    };
    Some(End::NotDone(why))
}

/// What somebody has to do before it goes on.
fn need(blast: &BlastView) -> Option<String> {
    let waiting = blast.waiting.as_ref().filter(|_| blast.asks_for_person())?;
    let mend = waiting.mend(blast.id, &blast.sender).map(|mend| format!("; {mend}")).unwrap_or_default();
    Some(format!("{}{mend}", waiting.sentence(|at| at.to_rfc3339())))
}
