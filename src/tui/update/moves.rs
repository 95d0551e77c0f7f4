//! What moves the cursor, the focus and the view.

use super::lists::{self, ListRequest};
use super::{activity, overlays, views};
use crate::app::view::Anchor;
use crate::domain::status::Status;
use crate::tui::effect::{Effect, ReadRequest};
use crate::tui::layout::Zoom;
use crate::tui::model::{
    CursorMove, CursorTarget, DetailsOverlay, FunnelView, KeptRows, ListScope, Model, Notice, Overlay, Pane, STAGES,
    stuck_at,
};

/// More rows than any list has.
const FAR: isize = 1_000_000;
/// The rows of a page in the panes that do not scroll.
const SHORT_PAGE: isize = 8;

pub fn rows(model: &mut Model, rows: isize) -> Vec<Effect> {
    moved(model, CursorMove::Rows(rows))
}

pub fn pages(model: &mut Model, pages: isize) -> Vec<Effect> {
    moved(model, CursorMove::Pages(pages))
}

/// What `[` and `]` step over here, for the footer.
pub fn stepped_over(model: &Model) -> Option<&'static str> {
    match model.overlays.last() {
        Some(Overlay::Details(_)) => Some("person"),
        Some(Overlay::Plan(plan)) if plan.people.is_some() => None,
        Some(Overlay::Plan(plan)) if plan.loaded.as_ref().is_some_and(|loaded| loaded.samples.len() < 2) => None,
        Some(Overlay::Plan(_)) => Some("sample"),
        Some(Overlay::FollowUp(_)) => Some("how long"),
        Some(Overlay::Form) => Some("row"),
        None if model.focus == Pane::Recipients || model.focus == Pane::Funnel && model.shows_stages() => Some("stage"),
        _ => None,
    }
}

pub fn to_pane(model: &mut Model, pane: Pane) -> Vec<Effect> {
    model.overlays.clear();
    if model.layout().is_summary() {
        model.say(Notice::too_small("make the window larger to see this pane"));
    }
    lists::focus(model, pane)
}

/// To a pane so many after the focused one; the first follows the last.
pub fn pane_step(model: &mut Model, by: usize) -> Vec<Effect> {
    let at = Pane::ALL.iter().position(|pane| *pane == model.focus).unwrap_or_default();
    to_pane(model, Pane::ALL[(at + by) % Pane::ALL.len()])
}

/// To the people of the stage at the cursor.
pub fn to_stage(model: &mut Model) -> Vec<Effect> {
    if model.shown_view() == FunnelView::Errors {
        return views::to_error(model);
    }
    let stage = STAGES[model.stage];
    if model.shows_stages() && stage_word(model).is_empty() {
        model.refuse(match stage {
            Status::Closed => "nobody has bought yet: ⟨[⟩ ⟨]⟩ goes to another stage".to_owned(),
            stage => format!("nobody is stuck at {}: ⟨[⟩ ⟨]⟩ goes to another stage", stage.label()),
        });
        return Vec::new();
    }
    let scope = ListScope::of_stage(stage);
    model.focus = Pane::Recipients;
    lists::load(model, ListRequest::first(scope))
}

/// What `enter` shows, for the footer: nothing where nobody is there.
pub fn stage_word(model: &Model) -> &'static str {
    let Some(blast) = model.blast().filter(|_| model.shows_stages()) else { return "people" };
    let stage = STAGES[model.stage.min(STAGES.len() - 1)];
    if stuck_at(blast, stage).unwrap_or(blast.counts.closed) == 0 { "" } else { "people" }
}

pub fn zoom(model: &mut Model) -> Vec<Effect> {
    model.zoom = match model.zoom {
        Zoom::In => Zoom::Out,
        Zoom::Out => Zoom::In,
    };
    activity::live(model).into_iter().collect()
}

fn moved(model: &mut Model, by: CursorMove) -> Vec<Effect> {
    if !model.overlays.is_empty() {
        overlays::moved(model, by);
        return Vec::new();
    }
    let height = model.layout().people_rows();
    let rows = match by {
        CursorMove::Rows(rows) => rows,
        CursorMove::Pages(pages) => pages * SHORT_PAGE,
    };
    match model.focus {
        Pane::Blasts => {
            model.blasts.step(rows);
            return lists::follow_selection(model);
        }
        Pane::Funnel if model.shown_view() == FunnelView::Errors => views::step_error(model, rows),
        Pane::Funnel => model.stage = model.stage.saturating_add_signed(rows).min(STAGES.len() - 1),
        Pane::Recipients => model.recipients.step(by, height),
        Pane::Activity => {
            let height = model.activity_rows();
            model.activity.step(by, height);
        }
    }
    Vec::new()
}

/// To the first or the last row. At the top this also lets the newest changes into the list.
pub fn to_edge(model: &mut Model, anchor: Anchor) -> Vec<Effect> {
    let (target, rows) = if anchor == Anchor::End { (CursorTarget::Last, FAR) } else { (CursorTarget::First, -FAR) };
    if model.overlays.is_empty() && model.focus == Pane::Recipients {
        let scope = model.recipients.scope.clone();
        return lists::load(model, ListRequest { scope, anchor, target });
    }
    if model.overlays.is_empty() && model.focus == Pane::Blasts && anchor == Anchor::Start {
        model.blasts.list_found(model.now, KeptRows::Dropped);
    }
    if model.overlays.is_empty() && model.focus == Pane::Activity {
        return activity::to_edge(model, anchor, rows);
    }
    moved(model, CursorMove::Rows(rows))
}

/// `[` and `]`: to another list, person or sample.
pub fn step(model: &mut Model, by: isize) -> Vec<Effect> {
    match model.overlays.last_mut() {
        Some(Overlay::Details(_)) => next_person(model, by),
        Some(Overlay::Plan(plan)) => {
            if plan.people.is_none() {
                plan.step_sample(by);
            }
            Vec::new()
        }
        Some(Overlay::FollowUp(page)) => {
            page.step_age(by);
            Vec::new()
        }
        Some(Overlay::Form) => {
            super::form::step_row(model, by);
            Vec::new()
        }
        Some(_) => Vec::new(),
        None if model.focus == Pane::Recipients => {
            let scope = model.recipients.scope.step(by);
            lists::load(model, ListRequest::first(scope))
        }
        None if model.focus == Pane::Activity => {
            model.refuse("⟨[⟩ and ⟨]⟩ step over stages, people and samples: here ⟨k⟩ and ⟨j⟩ move");
            Vec::new()
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
    vec![Effect::Read(ReadRequest::Person(person))]
}
