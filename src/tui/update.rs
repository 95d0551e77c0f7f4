//! The only place where the model changes: a message in, effects out. Pure: the same message on the same model always has
//! the same result.

pub mod activity;
pub mod answer;
mod armed;
pub mod attention;
pub mod blast_acts;
pub mod blast_filter;
pub mod clipboard;
mod completions;
pub mod customer;
mod discarded_text;
mod failed_reads;
pub mod find;
pub mod find_from_blasts;
pub mod follow_found;
pub mod follow_ups;
pub mod form;
mod help;
mod idle_form_keys;
mod key_outcome;
pub mod keys;
pub mod leave;
mod lists;
mod lost;
mod marked_several;
pub mod marks;
mod mouse;
pub mod moves;
mod no_news;
pub mod overlays;
pub mod pace;
mod palette;
pub mod plan;
mod presence;
pub mod prompts;
pub mod reports;
pub mod retries;
mod selection;
pub mod senders;
pub mod setup;
pub mod sorting;
pub mod step_message;
pub mod steps;
pub mod tagging;
mod uncertain;
mod undrawn_keys;
pub mod views;
pub mod welcome;
mod written;

pub use no_news::is_known;

use super::effect::{Effect, ReadRequest};
use super::layout::activity_rows;
use super::model::{Model, Shown};
use super::msg::{Msg, TimedMsg};
use crate::app::{DatabaseState, EngineChange};

/// Applies one message.
pub fn update(model: &mut Model, message: TimedMsg) -> Vec<Effect> {
    let listed = attention::listed(model);
    model.now = message.at;
    let heights = list_heights(model);
    let lost = lost::unseen(model, &message.msg);
    let asked = model.question().map(str::to_owned);
    let mut effects = match message.msg {
        Msg::Key(key) => keys::typed(model, key),
        Msg::Paste(text) => keys::pasted(model, &text),
        Msg::Mouse(event) => mouse::moused(model, event),
        Msg::Resized(size) => {
            model.size = size;
            let is_larger = !model.layout().is_summary() || model.not_drawn().is_none() && model.prompt.is_some();
            model.notice.take_if(|notice| notice.until_larger && is_larger);
            activity::live(model).into_iter().collect()
        }
        Msg::News => presence::news(model),
        Msg::Refresh => lists::refresh(model),
        Msg::Database(state) => {
            model.database = state;
            if state == DatabaseState::Up { form::database_is_back(model) } else { Vec::new() }
        }
        Msg::Retired(change) => {
            model.refuse(retired(&change));
            model.retired = Some(change);
            Vec::new()
        }
        Msg::Deadline => deadline_came(model),
        Msg::Continued => vec![Effect::Repaint, Effect::ReacquireLeases],
        Msg::Drawn => drawn(model),
        Msg::Completed(completion) => {
            let mut effects = completions::completed(model, completion);
            effects.extend(attention::ring(model));
            effects
        }
    };
    if let Some(before) = listed {
        attention::keep_cursor(model, &before);
    }
    armed::expire(model);
    senders::expire(model);
    if let Some(words) = lost {
        lost::keep_unless_asked(model, words);
    }
    note_question(model, asked.as_deref());
    model.list_found_blasts();
    if list_heights(model) != heights {
        reveal_cursors(model);
    }
    begin_acts(model, &effects);
    effects.extend(lists::next_page(model));
    effects.extend(activity::next_page(model));
    effects.extend(views::read(model));
    effects.extend(retries::read(model));
    effects.extend(views::read_preview(model));
    effects
}

/// What waited for a time is looked at.
fn deadline_came(model: &mut Model) -> Vec<Effect> {
    let mut effects = armed::time_came(model);
    effects.extend(form::while_typing(model));
    effects
}

/// What is on the screen was seen.
fn drawn(model: &mut Model) -> Vec<Effect> {
    model.question_shown = Shown::Yes;
    if model.recipients.awaiting.is_none() {
        model.recipients.shown = Shown::Yes;
    }
    activity::drawn(model).into_iter().collect()
}

/// Another question than this one is asked now: nobody has seen it yet.
fn note_question(model: &mut Model, before: Option<&str>) {
    if model.question().is_some_and(|question| before != Some(question)) {
        model.question_shown = Shown::NotYet;
    }
}

/// Keeps which acts are under way, and whom they are about.
fn begin_acts(model: &mut Model, effects: &[Effect]) {
    for request in effects.iter().filter_map(Effect::as_write) {
        // Said of the act before: this one is under way.
        model.notice.take_if(|notice| notice.lost.as_ref().is_some_and(|lost| lost.is_seen));
        attention::acted(model, request);
        let about = lost::about(model, request);
        model.unwritten.begin(request, about, model.now);
    }
}

/// How many rows each scrolled list shows; the activity's is known where it is shown.
fn list_heights(model: &Model) -> (usize, Option<usize>) {
    (model.layout().people_rows(), model.activity_area().map(activity_rows))
}

/// Keys act on the row at the cursor: it stays on the screen whatever changed the height of its list.
fn reveal_cursors(model: &mut Model) {
    let (people, activity) = list_heights(model);
    model.recipients.reveal(people);
    if let Some(rows) = activity {
        model.activity.reveal(rows);
    }
}

/// Why this window sends no more, and what to do about it.
fn retired(change: &EngineChange) -> String {
    let (what, current) = match change {
        EngineChange::Program => ("the program was replaced", "the new program"),
        _ => ("the configuration has changed", "the new configuration"),
    };
    format!("{what}: this window no longer sends; open it again to send with {current}")
}

/// What is read at the start.
pub fn start(model: &mut Model) -> Vec<Effect> {
    let mut effects = vec![Effect::Read(ReadRequest::Away)];
    effects.extend(lists::refresh(model));
    effects.extend(presence::renew());
    effects.extend(activity::news(model));
    effects
}
