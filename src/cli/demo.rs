//! `demo`: a throwaway Postgres, a simulator and sample blasts, removed without a trace when it ends.

mod compare;
mod environment;
mod people;
mod phone;

use std::io::Cursor;
use std::process::ExitCode;

use chrono::TimeDelta;
use color_eyre::Result;
use color_eyre::eyre::eyre;
use serde_json::json;
use tracing_appender::non_blocking::WorkerGuard;

use super::Global;
use super::dashboard::{DashboardArgs, Ended, charset, needs_terminal, open, welcome};
use super::output::{after_tidying, json as print_json, talk, text};
use super::plain;
use super::sim::check_together;
use crate::app::report;
use crate::app::{App, Launch, NewDraft};
use crate::domain::blast::PersonClocks;
use crate::domain::content::BlastContent;
use crate::domain::engine_role::EngineRole;
use crate::domain::ids::BlastId;
use crate::domain::message::Message;
use crate::domain::pace::Speed;
use crate::domain::sender::ProviderKind;
use crate::domain::template::TemplateMessage;
use crate::domain::text::people as everybody;
use crate::engine::{self, RunOptions, Until};
use crate::import::RejectedTo;
use crate::shutdown::{SecondInterrupt, Shutdown};
use crate::sim::Fault;
use crate::telemetry::{self, Verbosity};
use crate::tui::{self, DashboardKind, Hints, WelcomeFacts};
use environment::DemoEnvironment;
use phone::{Buyers, PretendPhone};

#[derive(Debug, clap::Args)]
pub(super) struct DemoArgs {
    /// How many made-up people to send to.
    #[arg(long, default_value_t = 250, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    recipients: u32,
    /// How much faster than real time everything runs.
    #[arg(long, default_value = "60")]
    speed: Speed,
    /// The same seed gives the same people the same fates.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Whose API is simulated; with meta a template is sent, and statuses and replies arrive as webhooks.
    #[arg(long, default_value = "wsapme")]
    provider: ProviderKind,
    /// Make this share of sends, messages or webhooks misbehave, as `sim --fault` does.
    #[arg(long = "fault", value_name = "NAME=RATE")]
    faults: Vec<Fault>,
    /// Instead of the dashboard, print events as lines of text, until ctrl-c.
    #[arg(long, conflicts_with = "headless")]
    plain: bool,
    /// Run the blast to its end without a terminal, compare the result with the simulator's log, and print the report. It
    /// takes about four minutes, over Meta about eleven, and less with `--speed 600`; standard error says how far it is.
    #[arg(long)]
    headless: bool,
    /// Begun from a dashboard's first page, to which it goes back: no last words on the terminal, where they would be read as that one's.
    #[arg(long, hide = true)]
    practice: bool,
}

const MESSAGE: &str = "Salam {name|there}, promo Raya: diskaun 20% untuk semua kek tempahan sebelum Jumaat. \
                       Balas YA untuk tempah, STOP untuk berhenti.";

/// One of the simulator's own.
fn template() -> Result<TemplateMessage> {
    let template = json!({ "name": "raya_promo", "language": "ms", "variables": { "1": "{name|there}", "2": "20%" } });
    Ok(TemplateMessage::parse(&template)?)
}

impl DemoArgs {
    pub(super) async fn run(self, global: &Global) -> Result<ExitCode> {
        check_together(&self.faults)?;
        if !self.headless && !self.plain {
            needs_terminal("`blastdeck demo --plain`")?;
        }
        let shutdown = Shutdown::new();
        let second = if self.headless || self.plain { SecondInterrupt::Exit } else { SecondInterrupt::Ignore };
        shutdown.on_signals(second)?;
        let has_dashboard = !self.headless && !self.plain;
        if has_dashboard {
            // A database of its own takes seconds to start.
            talk("starting the demo ...");
        }
        let environment = DemoEnvironment::make(global, &self).await?;
        let _log = self.log(global, &environment)?;
        let outcome = Box::pin(self.play(global, &environment, &shutdown)).await;
        let outcome = after_tidying(outcome, |code| *code == ExitCode::SUCCESS, environment.end().await);
        if outcome.is_ok() && has_dashboard && !self.practice {
            talk("the demo is over: nobody was sent anything, and its people and blasts are removed");
        }
        outcome
    }

    /// Logs lie among the demo's other files, and are removed with them.
    fn log(&self, global: &Global, environment: &DemoEnvironment) -> Result<Option<WorkerGuard>> {
        let verbosity = Verbosity::from_count(global.verbose);
        if self.headless {
            telemetry::to_stderr(verbosity);
            return Ok(None);
        }
        Ok(Some(telemetry::to_file(&environment.log_dir(), verbosity)?))
    }

    async fn play(&self, global: &Global, environment: &DemoEnvironment, shutdown: &Shutdown) -> Result<ExitCode> {
        let app = environment.open(shutdown).await?;
        let webhooks = environment.receive_webhooks(&app, shutdown);
        let ended = Box::pin(self.play_in(global, environment, &app, shutdown)).await;
        drop(webhooks);
        ended
    }

    async fn play_in(
        &self,
        global: &Global,
        environment: &DemoEnvironment,
        app: &App,
        shutdown: &Shutdown,
    ) -> Result<ExitCode> {
        let main = self.draft(app, "Raya promo", environment::SALES, people::csv(0, self.recipients)).await?;
        if self.headless {
            return headless(global, environment, app, main, shutdown).await;
        }
        self.furnish(environment, app).await?;
        start(app, main).await?;
        let phone = PretendPhone::new(environment, app, Buyers::LeftToTheOperator).follow(shutdown.token());
        if self.plain {
            let options = RunOptions {
                role: EngineRole::Engine,
                until: Until::Stopped,
                standby: None,
                local: None,
                watcher: None,
            };
            let followed = plain::beside_engine(app, options, shutdown).await;
            phone.abort();
            app.close().await;
            return followed.map(|()| ExitCode::SUCCESS);
        }
        let charset = charset(global, app.config());
        let facts = welcome(app, charset).await;
        let facts = WelcomeFacts { config: environment.config_words(app.config()), ..facts };
        let args = DashboardArgs {
            kind: DashboardKind::Demo,
            standby: None,
            local: None,
            watcher: None,
            open: Some(main),
            hints: Hints::On,
            welcome: Some(facts),
            greeting: None,
            program: environment.program(),
            charset,
        };
        // Typed at a terminal where nothing was to be seen yet.
        tui::discard_typed();
        let ended = Box::pin(open(app, args, shutdown)).await;
        phone.abort();
        // Its senders are the demo's own: none is added to them.
        Ok(match ended? {
            Ended::Exit(code) => code,
            Ended::Reopen => ExitCode::SUCCESS,
        })
    }

    async fn draft(&self, app: &App, tag: &str, sender: &str, people: String) -> Result<BlastId> {
        let content = match self.provider {
            ProviderKind::Wsapme => BlastContent::Text(Message::parse(MESSAGE)?),
            ProviderKind::Meta => BlastContent::Template(Box::new(template()?)),
        };
        let draft = NewDraft {
            sender: sender.to_owned(),
            tag: tag.to_owned(),
            follow_up_stage: "Initial".to_owned(),
            content,
            is_marketing: false,
            rate: None,
            gap: None,
            window: None,
            weekdays: None,
            timezone: None,
            retry_next_day: false,
            first: None,
            external_id: None,
            description: None,
            start: None,
            segment: None,
            clocks: PersonClocks::default(),
            repeat: None,
        };
        Ok(app.create(draft, Cursor::new(people.into_bytes()), RejectedTo::Nowhere).await?.blast)
    }

    /// Adds, beside the running blast, one that is finished except for an uncertain person, and a draft.
    async fn furnish(&self, environment: &DemoEnvironment, app: &App) -> Result<()> {
        let earlier = self.draft(app, "Hari Sukan", environment::COUNTER, people::csv(self.recipients, 40)).await?;
        environment.lose_the_answer_to(&people::digits(self.recipients + 11)).await?;
        start(app, earlier).await?;
        self.draft(app, "Raya last call", environment::SALES, people::csv(self.recipients + 40, 30)).await?;
        Ok(())
    }
}

/// Runs the blast to its end, compares, and prints the report.
async fn headless(
    global: &Global,
    environment: &DemoEnvironment,
    app: &App,
    blast: BlastId,
    shutdown: &Shutdown,
) -> Result<ExitCode> {
    let differences = to_the_end(environment, app, blast, shutdown).await?;
    let report = app.report(blast).await?;
    let audit = app.audit(Some(blast)).await?;
    app.close().await;
    if global.json {
        print_json(&report)?;
    } else {
        text(&report::table(&report))?;
    }
    for difference in &differences {
        talk(difference);
    }
    if !audit.is_empty() {
        return Ok(ExitCode::from(super::audit::DIFFERENCE));
    }
    if differences.is_empty() {
        let people = everybody(report.blast.total_recipients);
        talk(&format!("the simulator's own log agrees with the status of {people}, and the counters with the rows"));
        Ok(ExitCode::SUCCESS)
    } else {
        Err(eyre!("the report differs from the simulator's truth"))
    }
}

/// Sends, with an engine in this process, until nothing more can happen. Returns how our report differs from the truth.
async fn to_the_end(
    environment: &DemoEnvironment,
    app: &App,
    blast: BlastId,
    shutdown: &Shutdown,
) -> Result<Vec<String>> {
    let stop = shutdown.child();
    let options =
        RunOptions { role: EngineRole::Engine, until: Until::Stopped, standby: None, local: None, watcher: None };
    let engine = tokio::spawn(engine::run(app.engine().clone(), options, stop.token()));
    start(app, blast).await?;
    let phone = PretendPhone::new(environment, app, Buyers::Closed).follow(stop.token());
    let differences = tokio::select! {
        differences = compare::until_the_end(environment, app, blast) => differences,
        () = shutdown.cancelled() => Err(eyre!("interrupted before the blast was over")),
    };
    stop.cancel();
    phone.abort();
    engine.await?;
    differences
}

async fn start(app: &App, blast: BlastId) -> Result<()> {
    let plan = app.plan(blast).await?;
    let launch = Launch { blast, version: plan.blast.version, people: plan.people, armed_for: TimeDelta::zero() };
    app.launch(launch).await?;
    Ok(())
}
