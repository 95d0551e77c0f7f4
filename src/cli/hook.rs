//! `hook`: other systems that are notified of what happens.

use std::process::ExitCode;

use chrono::{DateTime, Utc};
use clap::Subcommand;
use color_eyre::Result;
use secrecy::ExposeSecret;
use serde_json::json;

use super::Global;
use super::blast::people::limit;
use super::context::{Context, Intent};
use super::inbox::since;
use super::listed::{ListEnd, one_more};
use super::output::{json, line, refuse_unread_secret, talk, text};
use super::table::{TextAlign, render};
use crate::app::{AppError, DeliveryRow, DeliveryState, HookTest, HookView, ReplayedDeliveries};
use crate::domain::hook::spell_secret;
use crate::domain::text::count_of;

#[derive(Debug, Subcommand)]
pub(super) enum HookVerb {
    /// List hooks, and how each fares.
    List,
    /// Call a hook once with an event of type hook.test; exit code 1 when it is not taken.
    Test {
        /// The hook's name, as in the configuration.
        name: String,
    },
    /// List the calls of a hook, or of all, newest first.
    Log(LogArgs),
    /// Make calls again, under their old numbers and ids.
    Replay(HookReplayArgs),
    /// Write a new secret into a hook's file and print it; the one before signs too for a day.
    Rotate {
        /// The hook's name, as in the configuration.
        name: String,
        /// Rotate although the secret before the last rotation still signs: it does so no longer.
        #[arg(long)]
        again: bool,
    },
    /// Print a new secret, to be put where `secret` of a hook points.
    Secret,
}

#[derive(Debug, clap::Args)]
pub(super) struct LogArgs {
    /// The hook's name; all hooks by default.
    name: Option<String>,
    /// Only calls that were given up.
    #[arg(long, conflicts_with = "pending")]
    dead: bool,
    /// Only calls that are to be made, or made again.
    #[arg(long)]
    pending: bool,
    /// At most this many.
    #[arg(long, default_value_t = 100, value_parser = limit, allow_hyphen_values = true)]
    limit: u32,
}

#[derive(Debug, clap::Args)]
#[command(override_usage = "blastdeck hook replay <NAME> <SEQUENCE|--dead|--since <TIME>>")]
pub(super) struct HookReplayArgs {
    /// The hook's name.
    name: String,
    #[command(flatten)]
    which: WhichCalls,
}

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct WhichCalls {
    /// The call with this number.
    #[arg(value_parser = sequence)]
    sequence: Option<i64>,
    /// All that were given up.
    #[arg(long)]
    dead: bool,
    /// All that were made since, taken or not: a span such as 2h or 1d, or a time such as 2026-12-01T09:00:00Z.
    #[arg(long, value_name = "TIME", value_parser = since)]
    since: Option<DateTime<Utc>>,
}

fn sequence(text: &str) -> Result<i64, String> {
    text.parse().map_err(|_| "write the hook's name, then the call's number, as `hook log` shows them".to_owned())
}

impl HookVerb {
    pub(super) async fn run(self, global: &Global) -> Result<ExitCode> {
        match self {
            Self::List => list(global).await?,
            Self::Test { name } => return test(global, &name).await,
            Self::Log(arguments) => arguments.run(global).await?,
            Self::Replay(arguments) => arguments.run(global).await?,
            Self::Rotate { name, again } => rotate(global, &name, again).await?,
            Self::Secret => secret(global)?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

async fn list(global: &Global) -> Result<()> {
    let context = Context::open(global, Intent::Reads).await?;
    let hooks = context.app.hooks().await?;
    if context.is_json {
        return hooks.iter().try_for_each(json);
    }
    let header = [
        ("name", TextAlign::Left),
        ("address", TextAlign::Left),
        ("calls", TextAlign::Right),
        ("waiting", TextAlign::Right),
        ("given up", TextAlign::Right),
        ("last taken", TextAlign::Left),
        ("last error", TextAlign::Left),
    ];
    let cells = |hook: &HookView| {
        let status = &hook.status;
        vec![
            status.name.clone(),
            hook.url.clone().unwrap_or_else(|| "not in this configuration".to_owned()),
            status.sequence.to_string(),
            status.pending.to_string(),
            status.dead.to_string(),
            context.when(status.last_delivered_at),
            status.last_error.clone().unwrap_or_default(),
        ]
    };
    text(&render(&header, &hooks.iter().map(cells).collect::<Vec<_>>()))
}

async fn test(global: &Global, name: &str) -> Result<ExitCode> {
    let context = Context::open(global, Intent::Writes).await?;
    let tested = context.app.test_hook(name).await?;
    if context.is_json {
        json(&tested)?;
    } else {
        talk(&in_words(&tested));
    }
    Ok(if tested.delivered { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn in_words(HookTest { name, http_status, took_ms, error, .. }: &HookTest) -> String {
    let status = http_status.map_or_else(String::new, |status| format!("HTTP {status} "));
    match error {
        None => format!("{name} took the test call: {status}in {took_ms} ms"),
        Some(error) => format!("{name}: the test call failed after {took_ms} ms: {error}"),
    }
}

impl LogArgs {
    async fn run(self, global: &Global) -> Result<()> {
        let context = Context::open(global, Intent::Reads).await?;
        let state = match (self.dead, self.pending) {
            (true, _) => Some(DeliveryState::Dead),
            (_, true) => Some(DeliveryState::Pending),
            _ => None,
        };
        let mut rows = context.app.hook_deliveries(self.name.as_deref(), state, one_more(self.limit)).await?;
        let end = ListEnd::cut(&mut rows, self.limit);
        if context.is_json {
            rows.iter().try_for_each(json)?;
            end.say();
            return Ok(());
        }
        let header = [
            ("hook", TextAlign::Left),
            ("number", TextAlign::Right),
            ("made", TextAlign::Left),
            ("of", TextAlign::Left),
            ("events", TextAlign::Right),
            ("state", TextAlign::Left),
            ("tries", TextAlign::Right),
            ("ms", TextAlign::Right),
            ("next", TextAlign::Left),
            ("error", TextAlign::Left),
        ];
        text(&render(&header, &rows.iter().map(|row| cells(&context, row)).collect::<Vec<_>>()))?;
        end.say();
        Ok(())
    }
}

fn cells(context: &Context, row: &DeliveryRow) -> Vec<String> {
    let state = match row.state {
        DeliveryState::Pending => "waiting",
        DeliveryState::Delivered => "taken",
        DeliveryState::Dead => "given up",
    };
    vec![
        row.hook.clone(),
        row.sequence.to_string(),
        context.when(Some(row.made_at)),
        row.source.clone(),
        row.events.to_string(),
        state.to_owned(),
        row.tries.to_string(),
        row.took_ms.map_or_else(|| "-".to_owned(), |ms| ms.to_string()),
        context.when(row.next_try_at),
        row.error.clone().unwrap_or_default(),
    ]
}

impl HookReplayArgs {
    async fn run(self, global: &Global) -> Result<()> {
        let context = Context::open(global, Intent::Writes).await?;
        let which = match (self.which.sequence, self.which.since) {
            (Some(sequence), _) => ReplayedDeliveries::One(sequence),
            (None, Some(at)) => ReplayedDeliveries::Since(at),
            (None, None) => ReplayedDeliveries::Dead,
        };
        let replayed = context.app.replay_hook(&self.name, which).await?;
        if let (ReplayedDeliveries::One(sequence), 0) = (which, replayed) {
            let mend = "`blastdeck hook log` shows those that are kept";
            return Err(AppError::NotFound(format!("{} has no call {sequence}: {mend}", self.name)).into());
        }
        if context.is_json {
            return json(&json!({ "name": self.name, "replayed": replayed }));
        }
        let replayed = i64::try_from(replayed).unwrap_or(i64::MAX);
        let calls = count_of(replayed, "call is", "calls are");
        talk(&format!("{calls} made again, by the engine that runs or the next one to be started"));
        Ok(())
    }
}

async fn rotate(global: &Global, name: &str, again: bool) -> Result<()> {
    refuse_unread_secret()?;
    let context = Context::open(global, Intent::Writes).await?;
    let rotated = context.app.rotate_hook(name, again)?;
    context
        .done(format!("the secret of hook {name} is a new one, and only this could not be printed: its file has it"));
    let secret = rotated.secret.expose_secret();
    if context.is_json {
        return json(&json!({ "name": name, "secret": secret, "old_until": rotated.old_until }));
    }
    let until = context.when(Some(rotated.old_until));
    talk(&format!("give this to the receiver now: the secret before it signs too until {until}"));
    line(secret)
}

fn secret(global: &Global) -> Result<()> {
    refuse_unread_secret()?;
    let secret = spell_secret(rand::random());
    if global.json { json(&json!({ "secret": secret })) } else { line(&secret) }
}
