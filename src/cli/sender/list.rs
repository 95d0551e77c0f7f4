//! `sender list`: how each sender stands, and who sends for it.

use std::process::ExitCode;

use color_eyre::Result;
use serde_json::{Value, json};

use crate::app::view::{BlastFilter, SenderStop, SenderView};
use crate::cli::Global;
use crate::cli::context::{Context, Intent};
use crate::cli::output::{json, text};
use crate::cli::table::{TextAlign, render};
use crate::domain::blast::BlastState;
use crate::domain::engine_role::EngineRole;
use crate::domain::sender::StopCode;
use crate::domain::text::number;
use crate::domain::waiting::Waiting;

pub(super) async fn list(global: &Global) -> Result<ExitCode> {
    let context = Context::open(global, Intent::Reads).await?;
    let mut senders = context.app.senders_with_counts().await?;
    // What nobody sends shows at its blasts.
    let sending = BlastFilter { state: Some(BlastState::Sending), without_unasked: true, ..BlastFilter::default() };
    for blast in context.app.blasts(&sending).await? {
        let Some(row) = senders.iter_mut().find(|row| row.id == blast.sender_id) else { continue };
        let is_idle = row.lease.is_none() && row.waiting.is_none();
        // What its engine wrote last is not so any more once that cannot write, or is gone.
        let counts = |waiting: &Waiting| match waiting {
            Waiting::NoEngine => is_idle,
            Waiting::Database { .. } | Waiting::Silent { .. } => true,
            _ => false,
        };
        if let Some(waiting) = blast.waiting.filter(counts) {
            row.waiting = Some(waiting);
        }
    }
    if context.is_json {
        senders.iter().try_for_each(|row| json(&as_json(&context, row)))?;
        return Ok(ExitCode::SUCCESS);
    }
    let header = [
        ("name", TextAlign::Left),
        ("provider", TextAlign::Left),
        ("today", TextAlign::Right),
        ("an hour", TextAlign::Right),
        ("state", TextAlign::Left),
    ];
    let rows = senders.iter().map(|row| {
        vec![
            row.name.clone(),
            row.provider.clone(),
            today(row),
            per_hour(row),
            context.pasteable(&state(&context, row)),
        ]
    });
    text(&render(&header, &rows.collect::<Vec<_>>()))?;
    Ok(ExitCode::SUCCESS)
}

fn today(row: &SenderView) -> String {
    let today = number(row.usage.today);
    row.usage.daily_cap.map_or_else(|| today.clone(), |cap| format!("{today}/{}", number(cap)))
}

fn per_hour(row: &SenderView) -> String {
    row.usage.per_hour.map_or_else(|| "-".to_owned(), number)
}

/// How a sender stands, and why this process could not send from it. Another one may have what is missing here, and hold it.
fn state(context: &Context, row: &SenderView) -> String {
    let unusable = unusable_here(context, row).map(|why| format!("cannot be used here: {why}"));
    match (standing(row), unusable) {
        (Some(standing), Some(unusable)) => format!("{standing}; {unusable}"),
        (standing, unusable) => standing.or(unusable).unwrap_or_else(|| "idle".to_owned()),
    }
}

/// What stopped it, or what its engine does or waits for; `None`: nothing.
fn standing(row: &SenderView) -> Option<String> {
    if let Some(stop) = stop(row) {
        return Some(format!("stopped: {}", stop.reason));
    }
    match (&row.lease, &row.waiting) {
        (Some(lease), Some(waiting)) => Some(format!("{waiting} ({lease})")),
        (Some(lease), None) => Some(format!("sending or following ({lease})")),
        (None, waiting) => waiting.as_ref().map(ToString::to_string),
    }
}

/// That of a configuration is no stop: it is of this process alone.
fn stop(row: &SenderView) -> Option<&SenderStop> {
    row.stopped.as_ref().filter(|stop| stop.code != StopCode::Config)
}

/// Why this process cannot use a sender, such as one whose token it lacks.
fn unusable_here<'a>(context: &'a Context, row: &'a SenderView) -> Option<&'a str> {
    let stop = row.stopped.as_ref().filter(|stop| stop.code == StopCode::Config);
    let unusable = context.app.unusable_senders().iter().find(|unusable| unusable.sender == row.id);
    stop.map(|stop| stop.reason.as_str()).or(unusable.map(|unusable| unusable.why.as_str()))
}

fn as_json(context: &Context, row: &SenderView) -> Value {
    let stop = stop(row);
    json!({
        "name": row.name, "provider": row.provider, "business": row.business, "rehearsal": row.rehearsal,
        "today": row.usage.today, "daily_cap": row.usage.daily_cap, "per_hour": row.usage.per_hour,
        "unheard_since": row.unheard_since, "quality": row.quality,
        "stopped": stop.map(|stop| json!({ "at": stop.at, "code": stop.code, "reason": stop.reason })),
        "unusable_here": unusable_here(context, row),
        "holder": row.lease.as_ref().map(|lease| &lease.holder),
        "engine": row.lease.as_ref().and_then(|lease| lease.role).map(EngineRole::word),
        "host": row.lease.as_ref().map(|lease| &lease.host), "waiting": row.waiting,
    })
}
