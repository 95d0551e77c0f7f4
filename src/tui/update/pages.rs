//! The pages over the desk: what opens them, what moves on them, what is chosen there.

use chrono::TimeDelta;

use super::lists::{self, ListRequest};
use super::{acts, keys, prompts};
use crate::app::Launch;
use crate::app::view::{Anchor, ElsewhereRow};
use crate::domain::blast::BlastState;
use crate::domain::filter::Filter;
use crate::domain::ids::RecipientId;
use crate::domain::recipient::{Mark, Resolution};
use crate::domain::status::Status;
use crate::tui::effect::{Effect, WriteRequest};
use crate::tui::key::Key;
use crate::tui::layout::Layout;
use crate::tui::model::{
    AttentionItem, ConfirmBy, CursorMove, CursorTarget, DetailsOverlay, ListScope, Model, Notice, Overlay, Pane,
    PlanOverlay, RESOLUTIONS, ResolutionChoice,
};
use crate::tui::page;
use crate::tui::widget::{Edited, TextField};

/// One person in full.
pub fn details(model: &mut Model, person: RecipientId) -> Vec<Effect> {
    model.notice = None;
    model.overlays.push(Overlay::Details(DetailsOverlay::of(person)));
    vec![Effect::Person(person)]
}

/// What sending the selected blast would do; where only its sender stands still, whether that is mended.
pub fn plan(model: &mut Model) -> Vec<Effect> {
    let Some(row) = model.blast() else { return Vec::new() };
    let blast = row.id;
    if let Some(why) = model.stopped_sender() {
        let question = format!("{} stopped: {why}. Mended?", row.sender);
        let again = Launch { blast, version: row.version, people: row.counts.queued, armed_for: TimeDelta::zero() };
        return prompts::ask(model, question, ConfirmBy::Yes, vec![WriteRequest::Resume(again)]);
    }
    model.notice = None;
    let plan = PlanOverlay { blast, told: None, field: TextField::default(), refused: None, sample: 0, scroll: 0 };
    model.overlays.push(Overlay::Plan(Box::new(plan)));
    vec![Effect::Plan(blast)]
}

/// A key that belongs to a page's field; `None` when it does not.
pub fn field_key(model: &mut Model, key: Key) -> Option<Vec<Effect>> {
    match model.overlays.last_mut()? {
        Overlay::Plan(plan) => {
            if !prompts::is_of_digits(key) {
                return None;
            }
            plan.field.key(key);
            plan.refused = None;
            Some(Vec::new())
        }
        Overlay::Commands(commands) => {
            let typed = matches!(key, Key::Char(_) | Key::Backspace | Key::Delete | Key::Ctrl('w' | 'k' | 'a' | 'e'));
            if !typed {
                return None;
            }
            if commands.field.key(key) == Edited::Changed {
                commands.row = 0;
            }
            Some(Vec::new())
        }
        _ => None,
    }
}

/// Moves over a page: its choice or its row where it has one, else it scrolls.
pub fn moved(model: &mut Model, movement: CursorMove) {
    let height = Layout::page_rows(model.size);
    let (rows, pages) = match movement {
        CursorMove::Rows(rows) => (rows, false),
        CursorMove::Pages(pages) => (pages.saturating_mul(height.max(2).cast_signed() - 1), true),
    };
    let entries = page::entries(model);
    let needs = model.needs_list();
    let last = page::length(model).saturating_sub(height);
    match model.overlays.last_mut() {
        Some(Overlay::Details(details)) if details.is_uncertain() && !pages && rows.abs() == 1 => {
            let at = RESOLUTIONS.iter().position(|choice| *choice == details.choice).unwrap_or_default();
            details.choice = RESOLUTIONS[at.saturating_add_signed(rows).min(RESOLUTIONS.len() - 1)];
        }
        Some(Overlay::Commands(commands)) => commands.row = step(commands.row, rows, entries),
        Some(Overlay::Elsewhere(elsewhere)) => elsewhere.row = step(elsewhere.row, rows, entries),
        Some(Overlay::Needs(chosen)) => {
            let row = needs.iter().position(|need| Some(*need) == *chosen);
            *chosen = needs.get(row.map_or(0, |row| step(row, rows, needs.len()))).copied();
        }
        Some(open) => {
            if let Some(scroll) = open.scroll_mut() {
                *scroll = scroll.saturating_add_signed(rows).min(last);
            }
        }
        None => {}
    }
}

fn step(row: usize, by: isize, entries: usize) -> usize {
    row.saturating_add_signed(by).min(entries.saturating_sub(1))
}

/// `enter` on a line.
pub fn choose(model: &mut Model) -> Vec<Effect> {
    match model.overlays.last() {
        Some(Overlay::Commands(_)) => command(model),
        Some(Overlay::Elsewhere(elsewhere)) => match elsewhere.rows.get(elsewhere.row).cloned() {
            Some(row) => jump(model, &row),
            None => Vec::new(),
        },
        Some(Overlay::Needs(chosen)) => go_to(model, *chosen),
        Some(Overlay::Details(details)) => resolve(model, &details.clone()),
        _ => Vec::new(),
    }
}

fn command(model: &mut Model) -> Vec<Effect> {
    let Some(Overlay::Commands(commands)) = model.overlays.last() else { return Vec::new() };
    let verb = page::commands(model, commands).get(commands.row).map(|entry| entry.verb);
    let Some(verb) = verb else {
        model.refuse("no command of that name");
        return Vec::new();
    };
    model.overlays.pop();
    match crate::tui::action::action(verb, crate::tui::keymap::scopes(model)) {
        Some(action) => keys::run(model, action),
        None => Vec::new(),
    }
}

/// To the same number in another blast.
fn jump(model: &mut Model, row: &ElsewhereRow) -> Vec<Effect> {
    model.overlays.clear();
    model.blasts.select(row.blast_id);
    if model.blast().is_none() {
        model.refuse("that blast is not in the list any more");
        return vec![Effect::Blasts];
    }
    model.focus = Pane::Recipients;
    let label = ListScope::Found { text: row.phone.to_string(), filter: Filter::person(row.phone.as_str()) };
    lists::load(model, ListRequest { label, anchor: Anchor::Start, arrival: CursorTarget::Person(row.recipient_id) })
}

/// To what needs a person, in whichever blast it is.
fn go_to(model: &mut Model, need: Option<AttentionItem>) -> Vec<Effect> {
    let Some(need) = need.filter(|need| model.needs_list().contains(need)) else {
        model.refuse("that does not need you any more");
        return Vec::new();
    };
    let Some(blast) = model.blast_of(need) else {
        model.refuse("no blast waits for it: once it is mended, S on one that is new sends");
        return Vec::new();
    };
    model.overlays.clear();
    model.blasts.select(blast);
    match need {
        AttentionItem::Sender(_) | AttentionItem::Paused(_) => {
            model.focus = Pane::Blasts;
            lists::follow_selection(model)
        }
        AttentionItem::Uncertain(_) => {
            model.focus = Pane::Recipients;
            lists::load(model, ListRequest::first(ListScope::Only(Status::Uncertain)))
        }
    }
}

fn resolve(model: &mut Model, details: &DetailsOverlay) -> Vec<Effect> {
    let who = details.told.as_ref().map(|told| told.row.name.clone().unwrap_or_else(|| told.row.phone.to_string()));
    let who = who.unwrap_or_default();
    match details.choice {
        ResolutionChoice::LeaveOpen => {
            model.say(Notice::done(format!("{who}: left open; a late answer still settles it by itself")));
            Vec::new()
        }
        ResolutionChoice::Say(Resolution::Resend) => {
            let then = vec![WriteRequest::Mark { person: details.person, mark: Mark::Resolve(Resolution::Resend) }];
            prompts::ask(
                model,
                format!("send to {who} once more? If it did arrive, they get it twice."),
                ConfirmBy::Yes,
                then,
            )
        }
        ResolutionChoice::Say(said) => {
            vec![acts::act(WriteRequest::Mark { person: details.person, mark: Mark::Resolve(said) })]
        }
    }
}

/// `enter` on the plan: sends when the number typed is the number shown.
pub fn confirm(model: &mut Model) -> Vec<Effect> {
    let Some(Overlay::Plan(plan)) = model.overlays.last_mut() else { return Vec::new() };
    let Some(told) = &plan.told else { return Vec::new() };
    if let Some(obstacle) = told.obstacles.first() {
        plan.refused = Some(obstacle.clone());
        return Vec::new();
    }
    let typed = plan.field.text();
    if !prompts::is_number(&typed, told.people) {
        let typed = if typed.is_empty() { "nothing".to_owned() } else { typed };
        plan.refused = Some(format!("{typed} is not {}: nothing sent", told.people));
        plan.field = TextField::default();
        return Vec::new();
    }
    let armed_for = Launch::ARMED_FOR;
    let launch = Launch { blast: plan.blast, version: told.blast.version, people: told.people, armed_for };
    let resumes = told.blast.state == BlastState::Paused;
    plan.field = TextField::default();
    vec![acts::act(if resumes { WriteRequest::Resume(launch) } else { WriteRequest::Launch(launch) })]
}
