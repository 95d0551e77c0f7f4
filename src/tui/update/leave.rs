//! Back, out of a field, out of the dashboard.

mod blasts;

pub use blasts::hand_over_known;

use super::lists::{self, ListRequest};
use super::{answer, blast_filter, discarded_text, find, form, keys, moves, prompts, selection, step_message, welcome};
use crate::app::DatabaseState;
use crate::app::view::Anchor;
use crate::domain::blast::BlastState;
use crate::domain::ids::BlastId;
use crate::tui::effect::{Effect, WriteRequest};
use crate::tui::format::count_of;
use crate::tui::layout::Zoom;
use crate::tui::model::{CursorTarget, FunnelView, Leaving, ListScope, Model, Notice, Overlay, Pane, Prompt};
use crate::tui::{ExitReason, OnClose};

const QUIT: &str = "back-at-the-root-quit";

/// `esc`: one step back, never out.
pub fn back(model: &mut Model) -> Vec<Effect> {
    model.notice = None;
    if model.recipients.gathering {
        model.recipients.gathering = false;
        let unused = keys::discard(model).map(|unused| format!("; {unused}")).unwrap_or_default();
        model.say(Notice::done(format!("nobody was marked{unused}")));
    } else if let Some(unused) = keys::discard(model) {
        model.say(Notice::done(unused));
    } else if !model.overlays.is_empty() {
        return leave_page(model);
    } else if model.recipients.has_hidden_marks() && model.recipients.scope != ListScope::Everyone {
        // Whom the next act would hit is shown before it is forgotten.
        return lists::load(model, everyone(model));
    } else if !model.recipients.marked.is_empty() {
        model.recipients.marked.clear();
        model.say(Notice::done("nobody is marked any more: the next key is about one person"));
    } else if model.focus == Pane::Blasts && !model.blasts.marked().is_empty() {
        model.blasts.unmark();
    } else if model.focus == Pane::Blasts && model.blasts.filter().is_some() {
        model.blasts.put_filter(None);
    } else if model.focus == Pane::Funnel && model.views.view != FunnelView::Bars {
        model.views.view = FunnelView::Bars;
    } else if model.focus == Pane::Recipients && model.recipients.scope != ListScope::Everyone {
        return lists::load(model, everyone(model));
    } else if model.zoom == Zoom::In {
        return moves::zoom(model);
    } else if model.hint.take().is_some() {
    } else if model.focus == Pane::Recipients {
        return lists::focus(model, Pane::Funnel);
    } else if model.focus == Pane::Activity {
        return lists::focus(model, Pane::Recipients);
    }
    Vec::new()
}

/// The whole list, at the person at the cursor.
fn everyone(model: &Model) -> ListRequest {
    let person = model.recipients.at_cursor();
    let anchor = person.map_or(Anchor::Start, |person| Anchor::From(person.row.place()));
    ListRequest { scope: ListScope::Everyone, anchor, target: CursorTarget::Keep }
}

/// Something else was done than to leave: the question whether to leave is over, and so is what it said.
pub fn stay(model: &mut Model) {
    if std::mem::replace(&mut model.leaving, Leaving::No) != Leaving::No {
        model.notice.take_if(|notice| notice.until_next_key);
    }
}

/// A line that is true while somebody is about to leave.
fn ask(model: &mut Model, notice: Notice) {
    model.say(Notice { until_next_key: true, ..notice });
}

/// Leaves the page on top. What was begun on it is kept.
fn leave_page(model: &mut Model) -> Vec<Effect> {
    match model.overlays.last() {
        Some(Overlay::Answer(_)) => answer::leave(model),
        Some(Overlay::StepMessage(_)) => step_message::leave(model),
        Some(Overlay::Form) => {
            model.overlays.pop();
            return form::left(model);
        }
        _ => _ = model.overlays.pop(),
    }
    Vec::new()
}

/// `q`: back; at the root it quits, after a warning where blasts are running, or are paused part-way.
pub fn quit(model: &mut Model) -> Vec<Effect> {
    if matches!(model.overlays[..], [Overlay::Welcome(_)]) {
        return vec![Effect::Exit(ExitReason::Quit)];
    }
    if !model.overlays.is_empty() {
        return back(model);
    }
    if let Some(question) = unconfirmed(model) {
        return question;
    }
    if model.leaving == Leaving::Warned {
        return vec![Effect::Exit(ExitReason::Quit)];
    }
    match model.options.on_close {
        OnClose::BlastsContinue => blasts::leave(model),
        OnClose::DemoEnds if model.in_flight().next().is_some() => {
            model.leaving = Leaving::Warned;
            let quit = model.options.keys.of(QUIT);
            ask(model, Notice::done(format!("the demo ends with this window. {quit} again to leave")));
            Vec::new()
        }
        OnClose::DemoEnds | OnClose::NoEffect => vec![Effect::Exit(ExitReason::Quit)],
    }
}

/// Asks before leaving acts behind of which nobody would hear whether they were done.
fn unconfirmed(model: &mut Model) -> Option<Vec<Effect>> {
    let left = model.unwritten.left_behind(model.now, |request| is_finished_by_engine(model, request));
    let (acts, going_on) = left.filter(|_| model.leaving != Leaving::Warned)?;
    model.leaving = Leaving::Warned;
    let counted =
        |acts: usize| count_of(i64::try_from(acts).unwrap_or(i64::MAX), "act of yours is", "acts of yours are");
    let lost = acts - going_on;
    // Nobody need stay for these, or do them again.
    let going_on = (going_on > 0).then(|| {
        let ended = if going_on == 1 { "it ended" } else { "they ended" };
        format!("{} still being done, and you would not hear how {ended}", counted(going_on))
    });
    let lost = (lost > 0).then(|| format!("{} not confirmed by the database, and may be lost", counted(lost)));
    let words = lost.into_iter().chain(going_on).collect::<Vec<_>>().join("; ");
    let quit = model.options.keys.of(QUIT);
    ask(model, Notice::refusal(format!("{words}. {quit} again to leave")));
    Some(Vec::new())
}

/// Whether an engine ends what an act began: once the list shows a blast as cancelled, or no more. Before, the database may not have it yet.
fn is_finished_by_engine(model: &Model, request: &WriteRequest) -> bool {
    let shows = |blast: &BlastId| model.blasts.get(*blast).map(|blast| blast.state);
    let is_shown = match request {
        WriteRequest::Cancel { blast, .. } => shows(blast) == Some(BlastState::Cancelled),
        WriteRequest::Delete { blast, .. } => model.blasts.is_loaded() && shows(blast).is_none(),
        _ => false,
    };
    is_shown && model.database == DatabaseState::Up
}

/// `ctrl-c`: out of any field; twice, out.
pub fn interrupt(model: &mut Model) -> Vec<Effect> {
    if model.leaving != Leaving::No {
        return vec![Effect::Exit(ExitReason::Quit)];
    }
    let open = model.prompt.take();
    if open.is_none() && welcome::interrupted(model) {
        return Vec::new();
    }
    if open.is_none()
        && let Some(effects) = form::interrupted(model)
    {
        return effects;
    }
    if open.is_none() && model.overlays.is_empty() && model.held.is_empty() {
        return quit(model);
    }
    model.held.clear();
    model.leaving = Leaving::Interrupted;
    ask(model, Notice::done("ctrl-c again leaves"));
    match open {
        Some(Prompt::Find(find)) => find::leave(model, &find),
        Some(Prompt::BlastFilter(filter)) => {
            blast_filter::leave(model, filter);
            Vec::new()
        }
        Some(Prompt::Amount(amount)) => {
            let kept = prompts::kept(&amount, &model.options.currency).map(|effects| selection::kept(model, effects));
            kept.unwrap_or_else(|why| {
                model.refuse(format!("{}: {why}; not kept. ctrl-c again leaves", amount.who));
                Vec::new()
            })
        }
        Some(prompt) => {
            if let Some(words) = discarded_text::words(&prompt) {
                ask(model, Notice::done(format!("{words}; ctrl-c again leaves")));
            }
            Vec::new()
        }
        None => {
            model.notice = None;
            let effects = leave_page(model);
            let kept = model.notice.take().map(|notice| format!("{}; ", notice.text)).unwrap_or_default();
            ask(model, Notice::done(format!("{kept}ctrl-c again leaves")));
            effects
        }
    }
}
