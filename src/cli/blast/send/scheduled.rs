//! What `blast send` and `resume` say of a blast that starts by itself at its time, or repeats.

use color_eyre::Result;
use serde_json::json;

use super::super::schedule::rule_of_zone;
use super::StartKind;
use crate::app::Plan;
use crate::app::view::BlastView;
use crate::cli::context::Context;
use crate::cli::output::{json, talk};
use crate::domain::text;

/// Who starts it when its time comes.
#[derive(Debug)]
pub(super) enum Starter {
    Engine,
    /// No engine runs yet.
    None,
    /// Nobody while its sender is stopped: why it is, and what lets it go on.
    Stopped(String),
}

impl Starter {
    /// On what it depends that it starts at its time.
    const fn condition(&self) -> &'static str {
        match self {
            Self::Engine => "",
            Self::None => ", if an engine runs then",
            Self::Stopped(_) => ", if its sender is no longer stopped and an engine runs then",
        }
    }

    /// What keeps it from that for now.
    fn stop(&self) -> Option<&str> {
        match self {
            Self::Stopped(why) => Some(why),
            Self::Engine | Self::None => None,
        }
    }
}

/// Ends a launch or resume that scheduled the blast, as was asked.
pub(super) fn end_scheduled(
    context: &Context,
    plan: &Plan,
    (blast, name): (&BlastView, &str),
    (start, starter): (StartKind, Starter),
) -> Result<()> {
    let stop = starter.stop().map(|why| context.pasteable(why));
    if context.is_json {
        let mut value = json!({ "id": blast.id, "state": blast.state, "people": plan.people });
        value["starts_at"] = json!(blast.scheduled_for);
        if let Some(why) = stop {
            value["stopped"] = json!(why);
        }
        return json(&value);
    }
    let stop = stop.map_or_else(String::new, |why| format!("\n{why}"));
    talk(&format!("{}{stop}", words(context, plan, (blast, name), (start, starter.condition()))));
    Ok(())
}

/// Says when a blast starts by itself, and how to stop it until then.
fn words(
    context: &Context,
    plan: &Plan,
    (blast, name): (&BlastView, &str),
    (start, condition): (StartKind, &str),
) -> String {
    let (people, id) = (text::people(plan.people), blast.id);
    let starts = blast.scheduled_for.map_or_else(String::new, |at| context.start(at, context.app.clocks_of(blast)));
    if let Some(repeat) = &plan.repeat {
        let rule = rule_of_zone(&repeat.rule, repeat.zone);
        let repeats = match start {
            StartKind::Launch | StartKind::LaunchNow => format!("{name} repeats {rule}: first {starts}"),
            StartKind::Resume => format!("{name} is resumed and repeats {rule}: the next is {starts}"),
        };
        return format!("{repeats}{condition}; `blastdeck blast schedule show {id}` shows its times");
    }
    let note =
        plan.start.as_ref().and_then(|start| start.note.clone()).map_or_else(String::new, |note| format!(" ({note})"));
    format!(
        "{name} goes to {people}: it starts {starts}{note}{condition}; until then `blastdeck blast pause {id}` stops it"
    )
}
