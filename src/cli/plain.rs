//! `--plain`: the dashboard as lines, one an event, for screen readers, logs and terminals that cannot draw.

mod sentence;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::process::ExitCode;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use color_eyre::Result;
use color_eyre::eyre::eyre;
use tokio::time::sleep;

use super::Global;
use super::context::{Context, load, log_dir, private_postgres};
use super::dashboard::{CtrlC, hand_over, standby, watcher};
use super::output::{StdoutError, line, refuse_gone_reader, talk};
use crate::app::view::{ActivityEvent, ActivityPosition, ActivityRow, BlastFilter, BlastView};
use crate::app::{App, AppError, ProcessKind};
use crate::domain::blast::BlastState;
use crate::domain::engine_role::EngineRole;
use crate::domain::ids::BlastId;
use crate::engine::{self, RunOptions, SettingsFiles, Until};
use crate::shutdown::{SecondInterrupt, Shutdown};
use crate::telemetry::{self, Verbosity};
use sentence::Sentences;

/// Between two reads.
const POLL_EVERY: Duration = Duration::from_secs(1);
/// Rows are seen in the order of their commits, not of their times: so far back they are looked for again.
const OVERLAP: TimeDelta = TimeDelta::minutes(2);
/// A blast's numbers are printed at most this often.
const PROGRESS_EVERY: TimeDelta = TimeDelta::minutes(1);
/// Events per page.
const PAGE: u32 = 200;
/// The most events of one read; what is older is in the activity of the dashboard.
const EVENTS_MAX: usize = 2_000;

/// What the dashboard does, without its screen.
pub(super) async fn run(global: &Global) -> Result<ExitCode> {
    let config = load(global)?;
    let _log = telemetry::to_file(&log_dir(&config), Verbosity::from_count(global.verbose))?;
    let shutdown = Shutdown::new();
    shutdown.on_signals(SecondInterrupt::Exit)?;
    let files = SettingsFiles::of(&config);
    let context = Context::open_with(global, config, ProcessKind::LongLived, shutdown.token()).await?;
    let app = &context.app;
    if global.read_only || app.has_no_sender() {
        follow(app, &shutdown).await?;
        app.close().await;
        return Ok(ExitCode::SUCCESS);
    }
    let local = private_postgres(app.config())?;
    let options = RunOptions {
        role: EngineRole::Dashboard,
        until: Until::Stopped,
        standby: standby(app),
        local: local.clone(),
        watcher: Some(watcher(global, app, local, files)?),
    };
    let followed = beside_engine(app, options, &shutdown).await;
    let code = hand_over(app, CtrlC::EndsProcess).await;
    app.close().await;
    ended(followed, code)
}

/// How it ends. Where nobody reads what happens any more (`| head`) that alone would be no failure: a blast that does not continue is one.
fn ended(followed: Result<()>, handed_over: Result<ExitCode>) -> Result<ExitCode> {
    match followed {
        Ok(()) => handed_over,
        Err(unread) if unread.downcast_ref::<StdoutError>().is_some() && !is_success(&handed_over) => {
            tracing::warn!(error = format!("{unread:#}"), "what happened could not be printed any more");
            handed_over
        }
        Err(error) => Err(error),
    }
}

fn is_success(ended: &Result<ExitCode>) -> bool {
    ended.as_ref().is_ok_and(|code| *code == ExitCode::SUCCESS)
}

/// Prints what happens, with an engine in this process, which ends with it: after the responses to messages in flight.
pub(super) async fn beside_engine(app: &App, options: RunOptions, shutdown: &Shutdown) -> Result<()> {
    let stop = shutdown.child();
    let engine = tokio::spawn(engine::run(app.engine().clone(), options, stop.token()));
    let repeating = app.spawn_schedules(stop.token());
    let followed = follow(app, shutdown).await;
    stop.cancel();
    repeating.await?;
    let ended = engine.await?;
    followed?;
    ended.failure().map_or(Ok(()), |why| Err(eyre!(why)))
}

/// Prints what happens until a stop is requested. A database that does not answer is said once, and waited for.
async fn follow(app: &App, shutdown: &Shutdown) -> Result<()> {
    let mut follower = PlainFollower::new(app);
    follower.begin().await?;
    while !shutdown.is_cancelled() {
        tokio::select! {
            () = shutdown.cancelled() => break,
            () = sleep(POLL_EVERY) => follower.poll().await?,
        }
        refuse_gone_reader()?;
    }
    Ok(())
}

struct PlainFollower<'a> {
    app: &'a App,
    sentences: Sentences,
    seen: HashSet<ActivityPosition>,
    /// What was printed of each unfinished blast, and when.
    progress: BTreeMap<BlastId, (DateTime<Utc>, String)>,
    is_unreachable: bool,
    /// The day of the last line: another one is a line of its own.
    day: Option<String>,
}

impl<'a> PlainFollower<'a> {
    fn new(app: &'a App) -> Self {
        let sentences = Sentences::new(app.config().ui.timezone, &app.config().ui.currency);
        Self { app, sentences, seen: HashSet::new(), progress: BTreeMap::new(), is_unreachable: false, day: None }
    }

    /// Where things stand; what happened before is not repeated.
    async fn begin(&mut self) -> Result<()> {
        talk("events as they happen, until ctrl-c");
        self.seen = self.new_events().await?.iter().map(|row| row.place).collect();
        let now = Utc::now();
        for blast in self.app.blasts(&BlastFilter::default()).await?.iter().filter(|blast| is_unfinished(blast)) {
            self.say_progress(blast, now)?;
        }
        Ok(())
    }

    async fn poll(&mut self) -> Result<()> {
        match self.read().await {
            Ok((events, blasts)) => {
                if std::mem::take(&mut self.is_unreachable) {
                    self.say(Utc::now(), "the database answers again")?;
                }
                let is_change = |event: &&ActivityRow| matches!(event.event, ActivityEvent::Change { .. });
                let changed: BTreeSet<BlastId> =
                    events.iter().filter(is_change).filter_map(|event| event.blast).collect();
                self.say_events(events)?;
                self.say_changes(&blasts, &changed)
            }
            Err(AppError::Store(error)) if error.is_transient() => {
                if std::mem::replace(&mut self.is_unreachable, true) {
                    return Ok(());
                }
                self.say(Utc::now(), "the database does not answer: nothing is known until it does")
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn read(&self) -> Result<(Vec<ActivityRow>, Vec<BlastView>), AppError> {
        Ok((self.new_events().await?, self.app.blasts(&BlastFilter::default()).await?))
    }

    /// Events that were not seen yet, newest first.
    async fn new_events(&self) -> Result<Vec<ActivityRow>, AppError> {
        let since = Utc::now() - OVERLAP;
        let mut events: Vec<ActivityRow> = Vec::new();
        let mut before = None;
        while events.len() < EVENTS_MAX {
            let page = self.app.activity(before, PAGE).await?.rows;
            let Some(last) = page.last() else { break };
            before = Some(last.place);
            let is_over = last.place.at < since || page.len() < PAGE as usize;
            events.extend(page.into_iter().filter(|row| row.place.at >= since && !self.seen.contains(&row.place)));
            if is_over {
                break;
            }
        }
        Ok(events)
    }

    fn say_events(&mut self, mut events: Vec<ActivityRow>) -> Result<()> {
        events.reverse();
        for event in &events {
            self.say(event.place.at, &self.sentences.event(event))?;
            self.seen.insert(event.place);
        }
        let forgotten = Utc::now() - OVERLAP - OVERLAP;
        self.seen.retain(|place| place.at >= forgotten);
        Ok(())
    }

    /// A blast's numbers: when its state changed, and else at most once a minute while it runs.
    fn say_changes(&mut self, blasts: &[BlastView], changed: &BTreeSet<BlastId>) -> Result<()> {
        let now = Utc::now();
        for blast in blasts {
            let known = self.progress.get(&blast.id);
            let is_due = known.is_none_or(|(said, _)| now - *said >= PROGRESS_EVERY);
            let is_over = !is_unfinished(blast);
            let was_running = is_over && known.is_some();
            if was_running || changed.contains(&blast.id) || (is_due && !is_over) {
                self.say_progress(blast, now)?;
            }
            if is_over {
                self.progress.remove(&blast.id);
            }
        }
        Ok(())
    }

    /// Says nothing where the numbers, or what stands for them of what repeats, are those that were said last.
    fn say_progress(&mut self, blast: &BlastView, now: DateTime<Utc>) -> Result<()> {
        let numbers = self.sentences.numbers(blast);
        let news = Sentences::news(blast, &numbers);
        let is_news = self.progress.get(&blast.id).is_none_or(|(_, said)| *said != news);
        if is_news {
            self.say(now, &self.sentences.progress((blast, self.app.clocks_of(blast)), &numbers))?;
        }
        self.progress.insert(blast.id, (now, news));
        Ok(())
    }

    fn say(&mut self, at: DateTime<Utc>, sentence: &str) -> Result<()> {
        let day = self.sentences.day(at);
        if self.day.as_ref() != Some(&day) {
            line(&day)?;
            self.day = Some(day);
        }
        line(&format!("{}  {sentence}", self.sentences.clock(at)))
    }
}

const fn is_unfinished(blast: &BlastView) -> bool {
    matches!(blast.state, BlastState::Sending | BlastState::Paused | BlastState::Scheduled)
}

#[cfg(test)]
mod tests {
    use std::io;

    use color_eyre::Report;

    use super::*;

    #[test]
    fn a_blast_that_does_not_continue_is_a_failure_also_where_nobody_reads_any_more() {
        let gone = || Err(Report::from(io::Error::from(io::ErrorKind::BrokenPipe)).wrap_err(StdoutError));

        assert!(ended(gone(), Ok(ExitCode::FAILURE)).is_ok_and(|code| code == ExitCode::FAILURE));
        assert_eq!(ended(gone(), Err(eyre!("no lease"))).unwrap_err().to_string(), "no lease");
        assert!(ended(gone(), Ok(ExitCode::SUCCESS)).unwrap_err().downcast_ref::<StdoutError>().is_some());
        assert_eq!(ended(Err(eyre!("no reading")), Ok(ExitCode::FAILURE)).unwrap_err().to_string(), "no reading");
        assert!(ended(Ok(()), Ok(ExitCode::FAILURE)).is_ok_and(|code| code == ExitCode::FAILURE));
    }
}
