//! What each action does to the model. Whether it can be done was asked before.

use super::lists::{self, ListRequest};
use super::{acts, find, pages, prompts};
use crate::app::view::Anchor;
use crate::domain::ids::BlastId;
use crate::tui::ExitReason;
use crate::tui::OnClose;
use crate::tui::action::Verb;
use crate::tui::effect::{Effect, EffectResult};
use crate::tui::format::TimeFormat;
use crate::tui::model::{
    CommandPalette, CursorMove, CursorTarget, DetailsOverlay, Leaving, ListScope, Model, Notice, Overlay, Pane, Prompt,
    STAGES, Zoom,
};
use crate::tui::widget::TextField;

pub fn perform(model: &mut Model, verb: Verb) -> Vec<Effect> {
    match verb {
        Verb::Up => moved(model, CursorMove::Rows(-1)),
        Verb::Down => moved(model, CursorMove::Rows(1)),
        Verb::PageUp => moved(model, CursorMove::Pages(-1)),
        Verb::PageDown => moved(model, CursorMove::Pages(1)),
        Verb::Top => to_end(model, Anchor::Start),
        Verb::End => to_end(model, Anchor::End),
        Verb::Previous => stepped(model, -1),
        Verb::Next => stepped(model, 1),
        Verb::Open => lists::focus(model, Pane::Funnel),
        Verb::These => {
            let label = ListScope::of_stage(STAGES[model.stage]);
            model.focus = Pane::Recipients;
            lists::load(model, ListRequest::first(label))
        }
        Verb::Details => match model.recipients.cursor() {
            Some(person) => pages::details(model, person),
            None => Vec::new(),
        },
        Verb::Send => pages::plan(model),
        Verb::Choose => pages::choose(model),
        Verb::Confirm => pages::confirm(model),
        Verb::Replied
        | Verb::Closed
        | Verb::Stop
        | Verb::TakeBack
        | Verb::Note
        | Verb::Mark
        | Verb::Cancel
        | Verb::Undo
        | Verb::Pause => acts::begin(model, verb),
        Verb::Find => find::open(model, ""),
        Verb::NeedsYou => {
            let first = model.needs_list().first().copied();
            opened(model, Overlay::Needs(first))
        }
        Verb::Log => opened(model, Overlay::Log(0)),
        Verb::Help => opened(model, Overlay::Help(0)),
        Verb::Commands => opened(model, Overlay::Commands(CommandPalette { field: TextField::default(), row: 0 })),
        Verb::Blasts => focused(model, Pane::Blasts),
        Verb::Funnel => focused(model, Pane::Funnel),
        Verb::Recipients => focused(model, Pane::Recipients),
        Verb::NextPane => pane_step(model, 1),
        Verb::PreviousPane => pane_step(model, 2),
        Verb::Zoom => zoom(model),
        Verb::Repaint => vec![Effect::Repaint],
        Verb::Suspend => vec![Effect::ReleaseLeases],
        Verb::Back => back(model),
        Verb::Quit => quit(model),
        Verb::Interrupt => interrupt(model),
    }
}

fn opened(model: &mut Model, page: Overlay) -> Vec<Effect> {
    model.notice = None;
    model.overlays.push(page);
    Vec::new()
}

fn focused(model: &mut Model, pane: Pane) -> Vec<Effect> {
    model.overlays.clear();
    lists::focus(model, pane)
}

fn pane_step(model: &mut Model, by: usize) -> Vec<Effect> {
    let at = Pane::ALL.iter().position(|pane| *pane == model.focus).unwrap_or_default();
    focused(model, Pane::ALL[(at + by) % Pane::ALL.len()])
}

fn zoom(model: &mut Model) -> Vec<Effect> {
    model.zoom = match model.zoom {
        Zoom::In => Zoom::Out,
        Zoom::Out => Zoom::In,
    };
    let height = model.layout().people_rows();
    model.recipients.reveal(height);
    Vec::new()
}

fn moved(model: &mut Model, movement: CursorMove) -> Vec<Effect> {
    if !model.overlays.is_empty() {
        pages::moved(model, movement);
        return Vec::new();
    }
    let height = model.layout().people_rows();
    let rows = match movement {
        CursorMove::Rows(rows) => rows,
        CursorMove::Pages(pages) => pages * 8,
    };
    match model.focus {
        Pane::Blasts => {
            model.blasts.step(rows);
            lists::follow_selection(model)
        }
        Pane::Funnel => {
            model.stage = model.stage.saturating_add_signed(rows).min(STAGES.len() - 1);
            Vec::new()
        }
        Pane::Recipients => {
            model.recipients.step(movement, height);
            Vec::new()
        }
    }
}

/// To the first or the last; in the recipients the newest changes come into the list.
fn to_end(model: &mut Model, anchor: Anchor) -> Vec<Effect> {
    if model.overlays.is_empty() && model.focus == Pane::Recipients {
        let arrival = if anchor == Anchor::End { CursorTarget::Last } else { CursorTarget::First };
        let label = model.recipients.label.clone();
        return lists::load(model, ListRequest { label, anchor, arrival });
    }
    let far = if anchor == Anchor::End { 1_000_000 } else { -1_000_000 };
    moved(model, CursorMove::Rows(far))
}

/// `[` and `]`.
fn stepped(model: &mut Model, by: isize) -> Vec<Effect> {
    match model.overlays.last_mut() {
        Some(Overlay::Details(_)) => next_person(model, by),
        Some(Overlay::Plan(plan)) => {
            let samples = plan.told.as_ref().map_or(0, |told| told.samples.len()).cast_signed().max(1);
            plan.sample = (plan.sample.cast_signed() + by).rem_euclid(samples).cast_unsigned();
            Vec::new()
        }
        Some(_) => Vec::new(),
        None if model.focus == Pane::Recipients => {
            let label = model.recipients.label.step(by);
            lists::load(model, ListRequest::first(label))
        }
        None => moved(model, CursorMove::Rows(by)),
    }
}

fn next_person(model: &mut Model, by: isize) -> Vec<Effect> {
    let height = model.layout().people_rows();
    model.recipients.step(CursorMove::Rows(by), height);
    let Some(person) = model.recipients.cursor() else { return Vec::new() };
    if let Some(Overlay::Details(details)) = model.overlays.last_mut() {
        *details = DetailsOverlay::of(person);
    }
    vec![Effect::Person(person)]
}

/// `esc`: one step back, never out.
fn back(model: &mut Model) -> Vec<Effect> {
    model.notice = None;
    if !model.held.is_empty() {
        model.held.clear();
        model.say(Notice::done("the keys typed meanwhile are forgotten"));
    } else if model.overlays.pop().is_some() {
    } else if !model.recipients.marked.is_empty() {
        model.recipients.marked.clear();
    } else if model.focus == Pane::Recipients && model.recipients.label != ListScope::Everyone {
        let fresh = ListRequest { label: ListScope::Everyone, anchor: Anchor::Start, arrival: CursorTarget::Keep };
        return lists::load(model, fresh);
    } else if model.zoom == Zoom::In {
        return zoom(model);
    } else if model.hint.take().is_some() {
    } else if model.focus == Pane::Recipients {
        return lists::focus(model, Pane::Funnel);
    }
    Vec::new()
}

/// `q`: back, and out at the root; told once what goes on without this window, when somebody has looked.
fn quit(model: &mut Model) -> Vec<Effect> {
    if model.overlays.pop().is_some() {
        return Vec::new();
    }
    let Some(blast) = model.in_flight().filter(|_| model.leaving == Leaving::No).map(|blast| blast.id) else {
        return vec![Effect::Exit(ExitReason::Quit)];
    };
    model.leaving = Leaving::Warned;
    match model.options.on_close {
        OnClose::BlastsContinue => {
            model.say(Notice::done("looking who goes on without this window. q again to leave"));
            vec![Effect::GoesOn(blast)]
        }
        OnClose::DemoEnds => {
            model.say(Notice::done("the demo ends with this window. q again to leave"));
            Vec::new()
        }
        OnClose::NoEffect => vec![Effect::Exit(ExitReason::Quit)],
    }
}

/// Who is leaving hears whether a blast goes on without this window.
pub fn goes_on(model: &mut Model, id: BlastId, told: EffectResult<Result<(), String>>) {
    let Some(blast) = model.blasts.rows().iter().find(|blast| blast.id == id) else { return };
    if model.leaving == Leaving::No {
        return;
    }
    let clock = TimeFormat { zone: model.options.zone, now: model.now };
    let done = blast.done_at.map(|at| format!(" (done about {})", clock.long(at))).unwrap_or_default();
    let missing = match told {
        Ok(Ok(())) => None,
        Ok(Err(missing)) => Some(missing),
        Err(failure) => Some(failure.sentence()),
    };
    let notice = match missing {
        None => Notice::done(format!(
            "{} goes on without this window{done}. q again to leave, p to pause it first",
            blast.tag
        )),
        Some(missing) => {
            Notice::refusal(format!("{} would not go on without this window: {missing}. q again to leave", blast.tag))
        }
    };
    model.say(notice);
}

/// `ctrl-c`: out of any field; twice, out.
pub fn interrupt(model: &mut Model) -> Vec<Effect> {
    if model.leaving == Leaving::Warned {
        return vec![Effect::Exit(ExitReason::Quit)];
    }
    let open: Option<Prompt> = model.prompt.take();
    if open.is_none() && model.overlays.is_empty() && model.held.is_empty() {
        return quit(model);
    }
    model.held.clear();
    model.leaving = Leaving::Warned;
    model.say(Notice::done("ctrl-c again leaves"));
    match open {
        Some(Prompt::Find(find)) => find::leave(model, &find),
        Some(Prompt::Amount(amount)) => prompts::kept(&amount).unwrap_or_else(|why| {
            model.refuse(format!("{}: {why}; not kept. ctrl-c again leaves", amount.who));
            Vec::new()
        }),
        Some(_) => Vec::new(),
        None => {
            model.overlays.pop();
            Vec::new()
        }
    }
}
