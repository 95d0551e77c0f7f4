//! `blast wait`: for scripts that go on once a blast is done.

use std::time::Duration;

use chrono::Utc;
use color_eyre::Result;
use tokio::time::{Instant, sleep};

use super::show::{self, wait_words};
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
        let shown = show::print(&context, &blast).await;
        match end {
            End::Done => shown,
            // Also where the database is away.
            End::NotDone(why) => Err(NotDoneError(why).into()),
        }
    }

    async fn wait(&self, context: &Context) -> Result<(End, BlastView)> {
        let until = self.timeout.map(|timeout| Instant::now() + timeout);
        let (mut needs_since, mut is_away): (Option<(String, Instant)>, bool) = (None, false);
        let mut blast = context.app.blast(self.blast).await?;
        loop {
            if let Some(end) = ended(&blast) {
                return Ok((end, blast));
            }
            let needs = need(context, &blast);
            needs_since = needs.map(|needs| match needs_since.take() {
                Some(before) if before.0 == needs => before,
                _ => (needs, Instant::now()),
            });
            if let Some((needs, _)) = needs_since.as_ref().filter(|(_, since)| since.elapsed() >= PATIENCE) {
                return Ok((End::NotDone(format!("{} needs somebody: {needs}", blast.clean_name())), blast));
            }
            if let (Some(timeout), true) = (self.timeout, until.is_some_and(|until| until <= Instant::now())) {
                let waits = blast.waiting.as_ref().map(|waiting| wait_words(context, &blast, waiting));
                let now = standing(blast.shown_state(Utc::now()), waits, is_away);
                let why = format!("{} is not done after {}: {now}", blast.clean_name(), show_span(timeout));
                return Ok((End::NotDone(why), blast));
            }
            sleep(POLL_INTERVAL).await;
            refuse_gone_reader()?;
            blast = match context.app.blast(self.blast).await {
                // A database that is away for a while does not end a night's work.
                Err(AppError::Store(error)) if error.is_transient() => {
                    if !std::mem::replace(&mut is_away, true) {
                        talk("the database does not answer: this goes on once it does");
                    }
                    blast
                }
                read => {
                    is_away = false;
                    read?
                }
            };
        }
    }
}

/// Whether nothing goes on by itself.
fn ended(blast: &BlastView) -> Option<End> {
    let by = || blast.state_by.as_ref().map(|by| format!(" by {}", clean(by.name()))).unwrap_or_default();
    let why = || blast.state_reason.as_deref().map(|why| format!(": {}", clean(why))).unwrap_or_default();
    let (id, name) = (blast.id, blast.clean_name());
    let why = match blast.state {
        BlastState::Completed => return Some(End::Done),
        BlastState::Draft => format!("{name} is a draft: `blastdeck blast send {id}` sends it"),
        BlastState::Paused => {
            format!("{name} is paused{}{}: {}", by(), why(), blast.paused_mend().unwrap_or_default())
        }
        BlastState::Cancelled | BlastState::Failed => format!("{name} is {}{}{}", blast.state_words(), by(), why()),
        BlastState::Scheduled if blast.origin.repeat.rule.is_some() => {
            format!("{name} repeats: wait for one of the blasts that it makes")
        }
        BlastState::Scheduled | BlastState::Sending => return None,
    };
    Some(End::NotDone(why))
}

/// What somebody has to do before it goes on.
fn need(context: &Context, blast: &BlastView) -> Option<String> {
    let waiting = blast.waiting.as_ref().filter(|_| blast.asks_for_person())?;
    let mend = context.app.mend_of(blast, waiting).map(|mend| format!("; {mend}")).unwrap_or_default();
    Some(format!("{}{mend}", wait_words(context, blast, waiting)))
}

/// How a blast stands that is not done: what it waits for, behind its state where that is another word. While the database is away,
/// that is how it was read last.
fn standing(state: &str, waits: Option<String>, is_away: bool) -> String {
    let last = match waits {
        Some(waits) if waits.starts_with(state) => waits,
        Some(waits) => format!("{state}, {waits}"),
        None => state.to_owned(),
    };
    if is_away { format!("the database does not answer; when it last did: {last}") } else { last }
}

#[cfg(test)]
mod tests {
    use super::standing;

    #[test]
    fn what_a_blast_waits_for_is_said_once_and_a_database_that_is_away_first() {
        let waits = |words: &str| Some(words.to_owned());

        assert_eq!(
            standing("waits", waits("waits for: its hours, until 09:00"), false),
            "waits for: its hours, until 09:00"
        );
        assert_eq!(standing("sending", waits("waits for: gap 20s"), false), "sending, waits for: gap 20s");
        assert_eq!(standing("sending", None, true), "the database does not answer; when it last did: sending");
    }
}
