//! The seconds in which a launch that was typed on a terminal can be taken back: by ctrl-c there, and by others.

use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use color_eyre::eyre::eyre;
use color_eyre::{Report, Result};
use tokio::signal::unix::Signal;
use tokio::time::sleep;

use crate::app::view::BlastView;
use crate::app::{AppError, STOOD_STILL};
use crate::cli::context::Context;
use crate::cli::exit::RefusedError;
use crate::cli::output::talk;
use crate::domain::blast::BlastState;
use crate::domain::ids::ActionId;
use crate::domain::text::clean;

/// How often an armed launch is looked at for what others made of it.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Within this an engine that reaches the database again has said until when a launch waits.
const REACHED_AGAIN: TimeDelta = TimeDelta::seconds(3);

/// Waits until an armed launch begins to send; what somebody else made of it meanwhile, if they did.
pub(super) async fn taken_back(
    context: &Context,
    launched: &Launched<'_>,
    mut until: DateTime<Utc>,
) -> Result<Option<RefusedError>> {
    let blast = launched.blast;
    let mut is_away = false;
    loop {
        sleep((until - Utc::now()).to_std().unwrap_or_default().min(LOOK_EVERY)).await;
        let asked = Instant::now();
        let now = match context.app.blast(blast.id).await {
            Ok(now) => {
                // Its engine gives it ten seconds anew once it reaches the database, a moment after this does.
                until = start_of((now.state, now.send_after)).map_or(until, |after| until.max(after));
                if is_away || asked.elapsed() > STOOD_STILL {
                    until = until.max(Utc::now() + REACHED_AGAIN);
                }
                is_away = false;
                now
            }
            Err(AppError::Store(error)) if error.is_transient() => {
                if !std::mem::replace(&mut is_away, true) {
                    talk(&launched.without_database());
                }
                until = until.max(Utc::now() + REACHED_AGAIN);
                sleep(LOOK_EVERY).await;
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        // A small blast may have begun, and be over, by the time of this look. What was made of one of a sender's blasts leaves the others.
        if !launched.is_stop_lifted && is_stopped(&now) {
            return Ok(stopped_unsent(launched, &now));
        }
        if until <= Utc::now() {
            return Ok(None);
        }
    }
}

/// When a launch begins to send; `None` of what somebody scheduled or paused since: its sender goes on all the same, and does not wait for that.
fn start_of((state, send_after): (BlastState, Option<DateTime<Utc>>)) -> Option<DateTime<Utc>> {
    send_after.filter(|_| state == BlastState::Sending)
}

/// Whether a blast that was launched is not to be sent any more, whoever saw to that.
const fn is_stopped(now: &BlastView) -> bool {
    matches!(now.state, BlastState::Draft | BlastState::Scheduled | BlastState::Paused | BlastState::Cancelled)
}

/// That somebody stopped a launch of which nothing was sent. `None`: what paused or cancelled it did so after it had begun, which only its
/// people show. This machine's clock may be behind the database's, by which it begins.
fn stopped_unsent(launched: &Launched<'_>, now: &BlastView) -> Option<RefusedError> {
    let is_stopped = matches!(now.state, BlastState::Paused | BlastState::Cancelled);
    if is_stopped && now.counts.tried() > launched.blast.counts.tried() {
        return None;
    }
    let nothing = if is_stopped { ": nothing was sent" } else { "" };
    Some(RefusedError(format!("{}{nothing}", launched.state_now(now))))
}

/// Waits until a sender that was let go on is stopped again: whoever takes that back leaves its blasts as they are.
pub(super) async fn stopped_again(context: &Context, blast: &BlastView) -> Result<RefusedError> {
    loop {
        match context.app.stop_of(blast.sender_id).await {
            Ok(None) => {}
            Ok(Some(why)) => return Ok(is_stopped_again(&blast.sender, &why)),
            Err(AppError::Store(error)) if error.is_transient() => {}
            Err(error) => return Err(error.into()),
        }
        sleep(LOOK_EVERY).await;
    }
}

fn is_stopped_again(sender: &str, why: &str) -> RefusedError {
    RefusedError(format!("sender {sender} is stopped again: {why}"))
}

/// What a command that starts a blast calls it in each of its sentences, as what takes the start back does.
pub(super) async fn distinct_name(context: &Context, blast: &BlastView) -> String {
    let name = context.app.distinct_name(blast.id).await;
    name.map_or_else(|_| blast.clean_name(), |name| clean(&name).into_owned())
}

/// What ctrl-c takes back.
pub(super) struct Launched<'a> {
    pub blast: &'a BlastView,
    /// What every sentence of the command calls it.
    pub name: &'a str,
    /// Somebody may have taken it back, and launched the blast anew.
    pub start: Option<ActionId>,
    /// It let its stopped sender go on, with all that was launched of it.
    pub is_stop_lifted: bool,
}

impl Launched<'_> {
    /// The launch stands although nobody can be asked about it.
    fn without_database(&self) -> String {
        let (name, id, sender) = (self.name, self.blast.id, clean(&self.blast.sender));
        if self.is_stop_lifted {
            return format!(
                "the database does not answer: sender {sender} resumes ten seconds after its engine reaches it again; until then \
                 `blastdeck blast undo {id}` stops it again"
            );
        }
        format!(
            "the database does not answer: {name} is launched, and starts ten seconds after its engine reaches it again; \
             `blastdeck blast pause {id}` stops it then"
        )
    }

    /// That its sender is stopped again: somebody else took it back, and left its blasts as they are.
    async fn stopped_since(&self, context: &Context) -> Option<Report> {
        let blast = Some(self.blast).filter(|_| self.is_stop_lifted)?;
        let why = context.app.stop_of(blast.sender_id).await.ok().flatten()?;
        Some(is_stopped_again(&blast.sender, &why).into())
    }

    /// Takes the launch back after ctrl-c. One that is too late to take back sends: says how to stop it. While the database does not
    /// answer, nothing is taken back: it is tried until it does, or ctrl-c is pressed again.
    pub(super) async fn interrupted(&self, context: &Context, interrupt: &mut Signal) -> Report {
        let mut is_away = false;
        loop {
            match context.app.undo_start_of(self.blast.id, self.start).await {
                Ok(undone) => return RefusedError(undone.sentence).into(),
                Err(AppError::Store(error)) if error.is_transient() => {}
                Err(error) => return self.not_taken_back(context, &error).await,
            }
            if !std::mem::replace(&mut is_away, true) {
                talk(&format!(
                    "the database does not answer: {} is not taken back yet, and this goes on trying; ctrl-c ends that",
                    self.name
                ));
            }
            tokio::select! {
                () = sleep(LOOK_EVERY) => {}
                _ = interrupt.recv() => return self.given_up(),
            }
        }
    }

    async fn not_taken_back(&self, context: &Context, error: &AppError) -> Report {
        if let Some(stopped) = self.stopped_since(context).await {
            return stopped;
        }
        let (name, id, sender) = (self.name, self.blast.id, clean(&self.blast.sender));
        match context.app.blast(id).await {
            Ok(now) if now.state != BlastState::Sending && !self.is_stop_lifted => {
                RefusedError(self.state_now(&now)).into()
            }
            Ok(_) if matches!(error, AppError::Changed) && self.is_stop_lifted => RefusedError(format!(
                "somebody else resumed sender {sender} since: `blastdeck blast undo {id}` stops it again, as long as nobody was sent to"
            ))
            .into(),
            Ok(_) if matches!(error, AppError::Changed) => {
                RefusedError(format!("somebody else launched {name} since: `blastdeck blast pause {id}` stops it"))
                    .into()
            }
            _ if self.is_stop_lifted => eyre!(
                "interrupted, but sender {sender} resumes all the same: `blastdeck blast list --state sending` shows its blasts, \
                 `blastdeck blast pause` with its number stops one ({error})"
            ),
            _ => eyre!("interrupted, but {name} is sent all the same: `blastdeck blast pause {id}` stops it ({error})"),
        }
    }

    /// What went wrong, unless somebody took the launch back meanwhile: no engine is needed for that any more.
    pub(super) async fn unless_taken_back(&self, context: &Context, error: Report) -> Report {
        if let Some(stopped) = self.stopped_since(context).await {
            return stopped;
        }
        match context.app.blast(self.blast.id).await {
            Ok(now) if now.state != BlastState::Sending && !self.is_stop_lifted => {
                RefusedError(self.state_now(&now)).into()
            }
            _ => error,
        }
    }

    fn given_up(&self) -> Report {
        let (name, id, sender) = (self.name, self.blast.id, clean(&self.blast.sender));
        if self.is_stop_lifted {
            return eyre!(
                "sender {sender} is not stopped again: it resumes ten seconds after its engine reaches the database again; until then \
                 `blastdeck blast undo {id}` stops it"
            );
        }
        eyre!(
            "{name} is not taken back: it is sent ten seconds after its engine reaches the database again; `blastdeck blast pause {id}` stops it \
             then"
        )
    }

    /// ` without Zeta, which is paused`, of a sender that goes on, where somebody stopped the blast that it was let go on with.
    pub(super) async fn without_it(&self, context: &Context) -> String {
        let now = context.app.blast(self.blast.id).await.ok().filter(is_stopped);
        now.map_or_else(String::new, |now| format!(" without {}, which is {}", self.name, now.state.label()))
    }

    /// What has become of it, where that is not sending.
    fn state_now(&self, now: &BlastView) -> String {
        let name = self.name;
        match now.state {
            BlastState::Draft => format!("{name} is a draft again: nothing was sent"),
            BlastState::Scheduled => format!("{name} is scheduled again: nothing was sent"),
            state => format!("{name} is {}", state.label()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sender_that_goes_on_is_not_waited_for_until_the_day_of_a_blast_that_somebody_scheduled_again() {
        let later = Some(Utc::now() + TimeDelta::days(3));

        assert_eq!(start_of((BlastState::Sending, later)), later);
        assert_eq!(start_of((BlastState::Scheduled, later)), None);
        assert_eq!(start_of((BlastState::Paused, later)), None);
    }
}
