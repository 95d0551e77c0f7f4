//! What each action does to the model. Whether it can be done was asked before.

use super::lists::{self, Fresh};
use super::{acts, find, pages, prompts};
use crate::domain::ids::BlastId;
use crate::engine::view::Anchor;
use crate::tui::Ended;
use crate::tui::Without;
use crate::tui::action::Verb;
use crate::tui::effect::{Effect, Told};
use crate::tui::format::Clock;
use crate::tui::model::{
    Arrival, Commands, Details, Label, Leaving, Model, Movement, Notice, Page, Pane, Prompt, STAGES, Zoom,
};
use crate::tui::widget::Field;

pub fn perform(model: &mut Model, verb: Verb) -> Vec<Effect> {
    match verb {
        Verb::Up => moved(model, Movement::Rows(-1)),
        Verb::Down => moved(model, Movement::Rows(1)),
        Verb::PageUp => moved(model, Movement::Pages(-1)),
        Verb::PageDown => moved(model, Movement::Pages(1)),
        Verb::Top => to_end(model, Anchor::Start),
        Verb::End => to_end(model, Anchor::End),
        Verb::Previous => stepped(model, -1),
        Verb::Next => stepped(model, 1),
        Verb::Open => lists::focus(model, Pane::Funnel),
        Verb::These => {
            let label = Label::of_stage(STAGES[model.stage]);
            model.focus = Pane::People;
            lists::load(model, Fresh::first(label))
        }
        Verb::Details => match model.people.cursor() {
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
            opened(model, Page::Needs(first))
        }
        Verb::Log => opened(model, Page::Log(0)),
        Verb::Help => opened(model, Page::Help(0)),
        Verb::Commands => opened(model, Page::Commands(Commands { field: Field::default(), row: 0 })),
        Verb::Blasts => focused(model, Pane::Blasts),
        Verb::Funnel => focused(model, Pane::Funnel),
        Verb::People => focused(model, Pane::People),
        Verb::NextPane => pane_step(model, 1),
        Verb::PreviousPane => pane_step(model, 2),
        Verb::Zoom => zoom(model),
        Verb::Repaint => vec![Effect::Repaint],
        Verb::Suspend => vec![Effect::Rest],
        Verb::Back => back(model),
        Verb::Quit => quit(model),
        Verb::Interrupt => interrupt(model),
    }
}

fn opened(model: &mut Model, page: Page) -> Vec<Effect> {
    model.notice = None;
    model.pages.push(page);
    Vec::new()
}

fn focused(model: &mut Model, pane: Pane) -> Vec<Effect> {
    model.pages.clear();
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
    model.people.reveal(height);
    Vec::new()
}

fn moved(model: &mut Model, movement: Movement) -> Vec<Effect> {
    if !model.pages.is_empty() {
        pages::moved(model, movement);
        return Vec::new();
    }
    let height = model.layout().people_rows();
    let rows = match movement {
        Movement::Rows(rows) => rows,
        Movement::Pages(pages) => pages * 8,
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
        Pane::People => {
            model.people.step(movement, height);
            Vec::new()
        }
    }
}

/// To the first or the last; in the recipients the newest changes come into the list.
fn to_end(model: &mut Model, anchor: Anchor) -> Vec<Effect> {
    if model.pages.is_empty() && model.focus == Pane::People {
        let arrival = if anchor == Anchor::End { Arrival::Last } else { Arrival::First };
        let label = model.people.label.clone();
        return lists::load(model, Fresh { label, anchor, arrival });
    }
    let far = if anchor == Anchor::End { 1_000_000 } else { -1_000_000 };
    moved(model, Movement::Rows(far))
}

/// `[` and `]`.
fn stepped(model: &mut Model, by: isize) -> Vec<Effect> {
    match model.pages.last_mut() {
        Some(Page::Details(_)) => next_person(model, by),
        Some(Page::Plan(plan)) => {
            let samples = plan.told.as_ref().map_or(0, |told| told.samples.len()).cast_signed().max(1);
            plan.sample = (plan.sample.cast_signed() + by).rem_euclid(samples).cast_unsigned();
            Vec::new()
        }
        Some(_) => Vec::new(),
        None if model.focus == Pane::People => {
            let label = model.people.label.step(by);
            lists::load(model, Fresh::first(label))
        }
        None => moved(model, Movement::Rows(by)),
    }
}

fn next_person(model: &mut Model, by: isize) -> Vec<Effect> {
    let height = model.layout().people_rows();
    model.people.step(Movement::Rows(by), height);
    let Some(person) = model.people.cursor() else { return Vec::new() };
    if let Some(Page::Details(details)) = model.pages.last_mut() {
        *details = Details::of(person);
    }
    vec![Effect::Person(person)]
}

/// `esc`: one step back, never out.
fn back(model: &mut Model) -> Vec<Effect> {
    model.notice = None;
    if !model.held.is_empty() {
        model.held.clear();
        model.say(Notice::done("the keys typed meanwhile are forgotten"));
    } else if model.pages.pop().is_some() {
    } else if !model.people.marked.is_empty() {
        model.people.marked.clear();
    } else if model.focus == Pane::People && model.people.label != Label::Everyone {
        let fresh = Fresh { label: Label::Everyone, anchor: Anchor::Start, arrival: Arrival::Keep };
        return lists::load(model, fresh);
    } else if model.zoom == Zoom::In {
        return zoom(model);
    } else if model.hint.take().is_some() {
    } else if model.focus == Pane::People {
        return lists::focus(model, Pane::Funnel);
    }
    Vec::new()
}

/// `q`: back, and out at the root; told once what goes on without this window, when somebody has looked.
fn quit(model: &mut Model) -> Vec<Effect> {
    if model.pages.pop().is_some() {
        return Vec::new();
    }
    let Some(blast) = model.in_flight().filter(|_| model.leaving == Leaving::No).map(|blast| blast.id) else {
        return vec![Effect::End(Ended::Quit)];
    };
    model.leaving = Leaving::Told;
    match model.options.without {
        Without::GoesOn => {
            model.say(Notice::done("looking who goes on without this window. q again to leave"));
            vec![Effect::GoesOn(blast)]
        }
        Without::Ends => {
            model.say(Notice::done("the demo ends with this window. q again to leave"));
            Vec::new()
        }
        Without::Same => vec![Effect::End(Ended::Quit)],
    }
}

/// Who is leaving hears whether a blast goes on without this window.
pub fn goes_on(model: &mut Model, id: BlastId, told: Told<Result<(), String>>) {
    let Some(blast) = model.blasts.rows().iter().find(|blast| blast.id == id) else { return };
    if model.leaving == Leaving::No {
        return;
    }
    let clock = Clock { zone: model.options.zone, now: model.now };
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
    if model.leaving == Leaving::Told {
        return vec![Effect::End(Ended::Quit)];
    }
    let open: Option<Prompt> = model.prompt.take();
    if open.is_none() && model.pages.is_empty() && model.held.is_empty() {
        return quit(model);
    }
    model.held.clear();
    model.leaving = Leaving::Told;
    model.say(Notice::done("ctrl-c again leaves"));
    match open {
        Some(Prompt::Find(find)) => find::leave(model, &find),
        Some(Prompt::Amount(amount)) => prompts::kept(&amount).unwrap_or_else(|why| {
            model.refuse(format!("{}: {why}; not kept. ctrl-c again leaves", amount.who));
            Vec::new()
        }),
        Some(_) => Vec::new(),
        None => {
            model.pages.pop();
            Vec::new()
        }
    }
}
