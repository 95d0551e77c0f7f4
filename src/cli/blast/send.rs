//! `blast send|resume`: shows the plan, asks for the number of people, starts the blast, and makes sure that an engine
//! sends it.

use chrono::{DateTime, TimeDelta, Utc};
use color_eyre::Result;
use serde_json::json;

use super::show::{self, who_gets_one};
use crate::app::view::BlastRow;
use crate::app::{AppError, Launch, Plan};
use crate::cli::Global;
use crate::cli::confirm::confirm_number;
use crate::cli::context::{Context, Intent, hand_over};
use crate::cli::output::{json, talk};
use crate::domain::blast::{BlastCommand, BlastState, transition};
use crate::domain::ids::BlastId;
use crate::domain::text::{self, clean};

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct SendArgs {
    blast: BlastId,
    /// Do not ask.
    #[arg(long)]
    yes: bool,
    /// Start no standby: something else runs the engine.
    #[arg(long)]
    no_engine: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StartKind {
    Launch,
    Resume,
}

impl SendArgs {
    pub(super) async fn run(self, global: &Global, start: StartKind) -> Result<()> {
        let context = Context::open(global, Intent::Writes).await?;
        let plan = context.app.plan(self.blast).await?;
        if start == StartKind::Resume && plan.blast.state == BlastState::Sending {
            return self.resume_sender(&context, &plan).await;
        }
        possible(&plan, start)?;
        if !self.yes {
            talk(&show::plan_text(&context, &plan));
        }
        let question = format!("{}.", who_gets_one(&plan));
        confirm_number(&question, plan.people, self.yes)?;
        let launch = Launch {
            blast: self.blast,
            version: plan.blast.version,
            people: plan.people,
            armed_for: if self.yes { TimeDelta::zero() } else { Launch::ARMED_FOR },
        };
        let blast = match start {
            StartKind::Launch => context.app.launch(launch).await?,
            StartKind::Resume => context.app.resume(launch).await?,
        };
        let is_attended = self.is_attended(&context, &blast).await?;
        if context.is_json {
            return json(&json!({ "id": blast.id, "state": blast.state, "people": plan.people }));
        }
        let message = match blast.send_after.filter(|_| !self.yes) {
            Some(until) => armed(&context, &blast, until),
            None => farewell(&blast, plan.people, is_attended),
        };
        talk(&context.pasteable(&message));
        Ok(())
    }

    /// Whether an engine is sending the blast. Fails when one should and none is.
    async fn is_attended(&self, context: &Context, blast: &BlastRow) -> Result<bool> {
        if self.no_engine {
            return Ok(context.app.is_attended(blast.sender_id).await?);
        }
        hand_over(&context.app, blast).await?;
        Ok(true)
    }
}

/// Describes the state as it is now, and promises no more.
fn farewell(blast: &BlastRow, people: i64, is_attended: bool) -> String {
    let (tag, people) = (clean(&blast.tag), text::people(people));
    if is_attended {
        format!("{tag} is being sent to {people}; `blastdeck` shows it live")
    } else {
        format!("{tag} waits for an engine that sends for {}: {people} queued", blast.sender)
    }
}

impl SendArgs {
    /// The blast was not paused; its sender may have been stopped, and repaired since.
    async fn resume_sender(&self, context: &Context, plan: &Plan) -> Result<()> {
        let launch = Launch {
            blast: self.blast,
            version: plan.blast.version,
            people: plan.people,
            armed_for: TimeDelta::zero(),
        };
        let blast = context.app.resume(launch).await?;
        let is_attended = self.is_attended(context, &blast).await?;
        if context.is_json {
            return json(&json!({ "id": blast.id, "state": blast.state, "people": plan.people }));
        }
        if is_attended {
            talk(&format!("sender {} resumes", blast.sender));
        } else {
            talk(&format!("sender {} may resume, and waits for an engine", blast.sender));
        }
        Ok(())
    }
}

/// Says how to stop a blast that is armed.
fn armed(context: &Context, blast: &BlastRow, until: DateTime<Utc>) -> String {
    let (starts, id) = (context.moment(until), blast.id);
    format!(
        "{} starts at {starts}; until then `blastdeck blast pause {id}` stops it, as u does in the dashboard",
        blast.tag
    )
}

/// Refuses before asking anything.
fn possible(plan: &Plan, start: StartKind) -> Result<()> {
    let command = if start == StartKind::Launch { BlastCommand::Launch } else { BlastCommand::Resume };
    transition(plan.blast.state, command).map_err(|refused| AppError::Refused(refused.to_string()))?;
    match plan.obstacles.first() {
        Some(obstacle) => Err(AppError::Refused(obstacle.clone()).into()),
        None => Ok(()),
    }
}
