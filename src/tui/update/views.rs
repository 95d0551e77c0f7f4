//! `v`: the views of the funnel, and what is read for them.

use super::lists::{self, ListRequest};
use crate::app::report::ErrorLine;
use crate::domain::filter::Filter;
use crate::domain::ids::BlastId;
use crate::domain::progress::BlastProgress;
use crate::domain::status::Status;
use crate::tui::effect::{Effect, ReadRequest};
use crate::tui::model::{BlastReading, COMPARED_MAX, FunnelView, ListScope, Model, Pane};

/// `v` in the funnel.
pub fn next(model: &mut Model) -> Vec<Effect> {
    let has_bars_beside = model.has_bars_beside();
    model.views.view = model.shown_view().next(has_bars_beside);
    model.views.error = 0;
    model.notice = None;
    Vec::new()
}

/// `v` among the blasts: the marked ones side by side.
pub fn compare(model: &mut Model) -> Vec<Effect> {
    if model.blasts.marked().len() < 2 {
        model.refuse("mark two blasts with space first, to compare them");
        return Vec::new();
    }
    model.views.view = FunnelView::Compare;
    lists::focus(model, Pane::Funnel)
}

/// The same for the footer: nothing while fewer than two are marked.
pub fn compare_word(model: &Model) -> &'static str {
    if model.blasts.marked().len() < 2 { "" } else { "compare" }
}

/// `space` among the blasts: marks one to compare, and steps on.
pub fn mark_blast(model: &mut Model) -> Vec<Effect> {
    let Some(blast) = model.blast().map(|blast| blast.id) else { return Vec::new() };
    if !model.blasts.toggle_mark(blast, COMPARED_MAX) {
        model.refuse(format!("{COMPARED_MAX} are marked, as many as fit side by side: space on one unmarks it"));
        return Vec::new();
    }
    model.blasts.step(1);
    lists::follow_selection(model)
}

/// The people of the error at the cursor.
pub fn to_error(model: &mut Model) -> Vec<Effect> {
    let errors = model.blast().and_then(|blast| model.views.errors_of(blast.id)).unwrap_or_default();
    let Some(error) = errors.get(model.views.error) else {
        model.refuse("nobody failed");
        return Vec::new();
    };
    let scope = scope_of(&error.code);
    model.focus = Pane::Recipients;
    lists::load(model, ListRequest::first(scope))
}

/// Those who failed with a code. Codes come from providers: one that reads as something else is looked for as it is.
fn scope_of(code: &str) -> ListScope {
    if code == "unknown" {
        return ListScope::Only(Status::Failed);
    }
    ListScope::Found { text: format!("code:{code}"), filter: Filter::failed_with(code) }
}

/// Moves over the errors.
pub fn step_error(model: &mut Model, by: isize) {
    let errors = model.blast().and_then(|blast| model.views.errors_of(blast.id)).map_or(0, <[ErrorLine]>::len);
    model.views.error = model.views.error.saturating_add_signed(by).min(errors.saturating_sub(1));
}

/// Reads what is shown and not known, or known of other counts.
pub fn read(model: &mut Model) -> Vec<Effect> {
    if !model.shows_funnel() {
        return Vec::new();
    }
    match model.shown_view() {
        FunnelView::Bars | FunnelView::Months => Vec::new(),
        FunnelView::Timeline | FunnelView::Speed => {
            let selected = model.blast().map(|blast| blast.id);
            read_progress(model, selected.into_iter().collect())
        }
        FunnelView::Compare => {
            let compared = model.compared().iter().map(|blast| blast.id).collect();
            read_progress(model, compared)
        }
        FunnelView::Errors => read_errors(model).into_iter().collect(),
    }
}

fn read_progress(model: &mut Model, wanted: Vec<BlastId>) -> Vec<Effect> {
    model.views.progress.retain(|reading| wanted.contains(&reading.blast));
    let mut stale = Vec::new();
    for blast in wanted {
        let Some(counts) = model.blasts.get(blast).map(|row| row.counts) else { continue };
        match model.views.progress.iter_mut().find(|reading| reading.blast == blast) {
            Some(reading) if reading.read_at == Some(counts) => continue,
            Some(reading) => reading.read_at = Some(counts),
            None => model.views.progress.push(BlastReading { blast, read_at: Some(counts), value: None }),
        }
        stale.push(blast);
    }
    if stale.is_empty() {
        return Vec::new();
    }
    // A request replaces the one before, whose blasts may differ: it asks for all that are shown.
    let shown = model.views.progress.iter().map(|reading| reading.blast).collect();
    vec![Effect::Read(ReadRequest::Progress(shown))]
}

fn read_errors(model: &mut Model) -> Option<Effect> {
    let (blast, counts) = model.blast().map(|row| (row.id, row.counts))?;
    let known = model.views.errors.as_ref().filter(|reading| reading.blast == blast);
    if known.is_some_and(|reading| reading.read_at.is_some_and(|at| at.failed == counts.failed)) {
        return None;
    }
    let value = known.and_then(|reading| reading.value.clone());
    model.views.errors = Some(BlastReading { blast, read_at: Some(counts), value });
    Some(Effect::Read(ReadRequest::Errors(blast)))
}

pub fn progress_read(model: &mut Model, read: Vec<(BlastId, BlastProgress)>) {
    for (blast, progress) in read {
        if let Some(reading) = model.views.progress.iter_mut().find(|reading| reading.blast == blast) {
            reading.value = Some((model.now, progress));
        }
    }
}

pub fn errors_read(model: &mut Model, blast: BlastId, errors: Vec<ErrorLine>) {
    if let Some(reading) = model.views.errors.as_mut().filter(|reading| reading.blast == blast) {
        reading.value = Some((model.now, errors));
    }
    step_error(model, 0);
}

/// What was asked for could not be read: none of it counts as read at these counts.
pub(super) fn forget_read(model: &mut Model) {
    model.views.progress.iter_mut().for_each(|reading| reading.read_at = None);
    model.views.errors.iter_mut().for_each(|reading| reading.read_at = None);
}

/// Reads the person whom keys are about, where they are shown beside the table: once for each state of their row.
pub fn read_preview(model: &mut Model) -> Option<Effect> {
    let row = model.to_preview()?.clone();
    if model.preview_asked.as_ref() == Some(&row) {
        return None;
    }
    let person = row.id;
    model.preview_asked = Some(row);
    Some(Effect::Read(ReadRequest::Person(person)))
}
