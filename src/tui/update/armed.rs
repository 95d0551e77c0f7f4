//! The line that announces an armed launch, and what replaces it when the launch no longer stands as announced.

use chrono::{DateTime, Utc};

use crate::app::view::BlastView;
use crate::domain::blast::BlastState;
use crate::tui::effect::{Effect, ReadRequest};
use crate::tui::format::TimeFormat;
use crate::tui::model::{ArmedLaunch, Model, Notice, armed_until};

/// Says when a launched blast starts, and that it can be stopped until then.
pub fn announcement(model: &Model, row: &BlastView, until: DateTime<Utc>) -> Notice {
    let clock = TimeFormat { zone: model.options.zone, now: model.now };
    let armed = Some(ArmedLaunch { blast: row.id, version: row.version });
    Notice { armed, ..Notice::done(format!("{} starts at {}", row.tag, clock.second(until))).hint("u stops it") }
}

/// Says when a blast starts by itself. It is no armed launch: whoever goes on with other work is not told again, and `u` is
/// for their newest act.
pub fn scheduled(model: &Model, row: &BlastView) -> Notice {
    let clock = TimeFormat { zone: model.options.zone, now: model.now };
    let starts = row.send_after.map(|at| format!(", starts {}", clock.long(at))).unwrap_or_default();
    let hint = "u takes it back";
    Notice { until_next_key: true, ..Notice::done(format!("{} is {}{starts}", row.tag, row.state)).hint(hint) }
}

/// A time on the screen has come: what could be undone until now is being sent.
pub fn time_came(model: &mut Model) -> Vec<Effect> {
    recheck(model);
    vec![Effect::Read(ReadRequest::Blasts)]
}

/// Replaces the announcement when its blast is no longer armed, or armed anew.
pub fn recheck(model: &mut Model) {
    let Some(announced) = model.notice.as_ref().and_then(|notice| notice.armed) else { return };
    let notice = match model.blasts.get(announced.blast) {
        // Read before the launch.
        Some(row) if row.version < announced.version => return,
        Some(row) => match armed_until(row, model.now) {
            Some(_) if row.version == announced.version => return,
            Some(until) => announcement(model, row, until),
            None => Notice::done(what_became_of(row)),
        },
        None => Notice::done("the blast was deleted"),
    };
    model.say(notice);
}

/// What became of a launch that was announced.
fn what_became_of(row: &BlastView) -> String {
    let by = row.state_by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default();
    match row.state {
        BlastState::Sending => "it has started: p pauses it".to_owned(),
        BlastState::Paused => format!("{} was paused{by}; S resumes it", row.tag),
        BlastState::Cancelled => format!("{} was cancelled{by}", row.tag),
        state => format!("{} is {state}", row.tag),
    }
}
