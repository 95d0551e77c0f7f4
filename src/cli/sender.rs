//! `sender`: who sends, and how they are.

use std::process::ExitCode;

use clap::Subcommand;
use color_eyre::Result;
use serde_json::json;

use super::Global;
use super::context::{Context, Intent};
use super::output::{json, line, talk, text};
use super::table::{ColumnAlign, render};
use crate::engine::HealthVerdict;
use crate::engine::view::SenderRow;

#[derive(Debug, Subcommand)]
pub(super) enum SenderVerb {
    /// Senders with their pace, today's count and what they wait for.
    List,
    /// Ask the provider how a sender is; sends nothing. One that is well again is let go on.
    Check {
        /// The sender; without it, all.
        name: Option<String>,
    },
    /// Say that a stopped sender may go on: what was wrong is mended, or a restored database may send as it is. Also ends a
    /// pause that the provider asked for.
    Confirm { name: String },
    /// Send from the phone that this configuration names, though the database knows the sender as another one. Whoever sends
    /// for it from the other phone stops; people under way there become uncertain.
    Move { name: String },
}

impl SenderVerb {
    pub(super) async fn run(self, global: &Global) -> Result<ExitCode> {
        match self {
            Self::List => list(global).await,
            Self::Check { name } => check(global, name.as_deref()).await,
            Self::Move { name } => move_to(global, &name).await,
            Self::Confirm { name } => {
                let context = Context::open(global, Intent::Writes).await?;
                match context.app.confirm_sender(&name).await? {
                    people if context.is_json => json(&json!({ "name": name, "uncertain": people }))?,
                    0 => talk(&format!("sender {name} goes on")),
                    people => talk(&format!(
                        "sender {name} goes on; {people} people whom this machine had posted to are uncertain now"
                    )),
                }
                Ok(ExitCode::SUCCESS)
            }
        }
    }
}

async fn move_to(global: &Global, name: &str) -> Result<ExitCode> {
    let context = Context::open(global, Intent::Writes).await?;
    let moved = context.app.move_sender(name).await?;
    if context.is_json {
        let before = moved.before.as_ref().map(ToString::to_string);
        json(&json!({ "name": name, "before": before, "now": moved.now.to_string(), "moved": !moved.is_unchanged() }))?;
    } else if moved.is_unchanged() {
        talk(&format!("sender {name} is {} already", moved.now));
    } else {
        let before = moved.before.map_or_else(String::new, |before| format!(", no longer {before}"));
        talk(&format!("sender {name} is {} now{before}", moved.now));
    }
    Ok(ExitCode::SUCCESS)
}

async fn list(global: &Global) -> Result<ExitCode> {
    let context = Context::open(global, Intent::Reads).await?;
    let senders = context.app.senders_with_counts().await?;
    if context.is_json {
        senders.iter().try_for_each(|row| json(&as_json(row)))?;
        return Ok(ExitCode::SUCCESS);
    }
    let header = [
        ("name", ColumnAlign::Left),
        ("provider", ColumnAlign::Left),
        ("today", ColumnAlign::Right),
        ("an hour", ColumnAlign::Right),
        ("state", ColumnAlign::Left),
    ];
    let rows =
        senders.iter().map(|row| vec![row.name.clone(), row.provider.clone(), today(row), per_hour(row), state(row)]);
    text(&render(&header, &rows.collect::<Vec<_>>()))?;
    Ok(ExitCode::SUCCESS)
}

fn today(row: &SenderRow) -> String {
    row.daily_cap.map_or_else(|| row.today.to_string(), |cap| format!("{}/{cap}", row.today))
}

fn per_hour(row: &SenderRow) -> String {
    row.per_hour.map_or_else(|| "-".to_owned(), |n| n.to_string())
}

fn state(row: &SenderRow) -> String {
    if let Some(stop) = &row.stopped {
        return format!("stopped: {}", stop.reason);
    }
    match (&row.lease, &row.waiting.sender) {
        (Some(lease), Some(waiting)) => format!("{waiting} ({})", lease.host),
        (Some(lease), None) => format!("sending or following ({})", lease.host),
        (None, _) => "idle".to_owned(),
    }
}

fn as_json(row: &SenderRow) -> serde_json::Value {
    json!({
        "name": row.name, "provider": row.provider, "business": row.business, "rehearsal": row.rehearsal,
        "today": row.today, "daily_cap": row.daily_cap, "per_hour": row.per_hour,
        "stopped": row.stopped.as_ref().map(|stop| json!({ "at": stop.at, "code": stop.code, "reason": stop.reason })),
        "holder": row.lease.as_ref().map(|lease| &lease.holder), "waiting": row.waiting.sender,
    })
}

async fn check(global: &Global, name: Option<&str>) -> Result<ExitCode> {
    let context = Context::open(global, Intent::Reads).await?;
    let checks = context.app.check_senders(name).await?;
    let mut code = ExitCode::SUCCESS;
    for (name, health) in checks {
        let verdict = match health.verdict {
            HealthVerdict::Good => "good",
            HealthVerdict::Doubtful => "doubtful",
            HealthVerdict::Bad => "bad",
        };
        if health.verdict == HealthVerdict::Bad {
            code = ExitCode::FAILURE;
        }
        let pace = context.app.pace_of(&name);
        if context.is_json {
            json(&json!({ "name": name, "verdict": verdict, "detail": health.detail, "pace": pace }))?;
        } else {
            line(&crate::domain::text::clean(&format!("{name}  {verdict}  {}", health.detail)))?;
            if let Some(pace) = pace {
                line(&format!("{:width$}  {pace}", "", width = name.len()))?;
            }
        }
    }
    Ok(code)
}
