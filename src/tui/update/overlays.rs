//! What opens the overlays, moves in them and chooses from them.

use super::lists::{self, ListRequest};
use super::{attention, marks, pace, prompts, senders, uncertain};
use crate::app::Launch;
use crate::app::view::{Anchor, ElsewhereRow, RecipientDetails, RecipientRow};
use crate::domain::blast::BlastState;
use crate::domain::filter::Filter;
use crate::domain::ids::BlastId;
use crate::domain::recipient::Resolution;
use crate::domain::status::Status;
use crate::tui::effect::{Effect, ReadRequest, WriteRequest};
use crate::tui::format::TimeFormat;
use crate::tui::layout::Layout;
use crate::tui::model::{
    CommandPalette, ConfirmBy, CursorMove, CursorTarget, DetailsOverlay, HelpOverlay, ListScope, Model, Notice,
    Overlay, Pane, PlanOverlay, Prompt, ResolutionChoice, WELCOME,
};
use crate::tui::overlay;
use crate::tui::widget::TextField;

pub fn open_help(model: &mut Model) -> Vec<Effect> {
    if matches!(model.overlays.last(), Some(Overlay::Help(_))) {
        model.refuse("these are all keys: esc goes back");
        return Vec::new();
    }
    open(model, Overlay::Help(HelpOverlay::default()))
}

pub fn open_log(model: &mut Model) -> Vec<Effect> {
    open(model, Overlay::Log(0))
}

pub fn open_commands(model: &mut Model) -> Vec<Effect> {
    open(model, Overlay::Commands(CommandPalette { field: TextField::default(), row: 0 }))
}

/// The person at the cursor in full; of several who are marked and uncertain, the question what became of their messages.
pub fn open_details(model: &mut Model) -> Vec<Effect> {
    if let Some(people) = marks::uncertain_marked(model) {
        return uncertain::open(model, people);
    }
    let Some(person) = model.recipients.cursor() else { return Vec::new() };
    open(model, Overlay::Details(DetailsOverlay::of(person)));
    vec![Effect::Read(ReadRequest::Person(person))]
}

/// What sending the blast that is meant would do; where only its sender has stopped, the question whether that is fixed.
pub fn open_plan(model: &mut Model) -> Vec<Effect> {
    let Some(row) = model.blast_meant() else { return Vec::new() };
    let blast = row.id;
    if let Some(name) = model.unconfirmed_sender() {
        let name = name.to_owned();
        return senders::confirm(model, &name);
    }
    if let Some(why) = model.stopped_sender() {
        let about = (!model.is_sender_line()).then_some(blast);
        let (sender, go_on) = (row.sender.clone(), senders::blasts_that_go_on(model, &row.sender, about));
        let question = format!("{sender} stopped: {why}. Fixed?{go_on}");
        let version = row.version;
        let again = |people| WriteRequest::Resume(Launch { blast, version, people, armed_for: Launch::ARMED_FOR });
        return senders::ask_by_queued(model, (&sender, question), again);
    }
    if pace::waits_for_hours(row) {
        return pace::send_now(model, blast);
    }
    open_plan_of(model, blast)
}

/// Says why the blast at the cursor is not sent: with the next key another one may be there.
pub fn refuse_until_next_key(model: &mut Model, why: String) {
    model.say(Notice { until_next_key: true, ..Notice::refusal(why) });
}

/// What `S` does with the blast that is meant, for the footer: nothing where the cursor is on a line of another blast.
pub fn sends_or_resumes(model: &Model) -> &'static str {
    if is_on_line_of_another(model) {
        return "";
    }
    match model.blast_meant() {
        // What has begun goes on once its sender may send again.
        Some(blast) if blast.state == BlastState::Paused || model.stopped_sender().is_some() => "resume",
        Some(blast) if pace::waits_for_hours(blast) && pace::nobody_due(model, blast).is_some() => "lift its hours",
        Some(blast) if blast.state == BlastState::Scheduled || pace::waits_for_hours(blast) => "send now",
        _ => "send",
    }
}

/// Whether a key that sends would be read as one for a blast that it is not about.
fn is_on_line_of_another(model: &Model) -> bool {
    let of_line = match model.focus {
        Pane::Activity => model.activity.at_cursor().and_then(|row| row.blast),
        Pane::Recipients => model.recipients.at_cursor().map(|person| person.row.blast_id),
        Pane::Blasts | Pane::Funnel => None,
    };
    let is_pane = model.overlays.is_empty();
    of_line.filter(|_| is_pane).is_some_and(|of_line| model.blast().is_none_or(|blast| blast.id != of_line))
}

/// What sending this blast would do.
pub fn open_plan_of(model: &mut Model, blast: BlastId) -> Vec<Effect> {
    let is_scheduled = model.blasts.get(blast).is_some_and(|blast| blast.state == BlastState::Scheduled);
    open(model, Overlay::Plan(Box::new(PlanOverlay { is_scheduled, ..PlanOverlay::of(blast) })));
    vec![Effect::Read(ReadRequest::Plan(blast, model.options.zone))]
}

pub(super) fn open(model: &mut Model, overlay: Overlay) -> Vec<Effect> {
    model.notice = None;
    model.overlays.push(overlay);
    Vec::new()
}

/// Moves in an overlay: its cursor where it has one, else it scrolls. What goes too far is clamped after the key.
pub fn moved(model: &mut Model, by: CursorMove) {
    let page = Layout::page_rows(model.size).max(2).cast_signed() - 1;
    let rows = match by {
        CursorMove::Rows(rows) => rows,
        CursorMove::Pages(pages) => pages.saturating_mul(page),
    };
    let needs = model.needs_lines();
    match model.overlays.last_mut() {
        Some(Overlay::Details(details)) if details.is_uncertain() && matches!(by, CursorMove::Rows(-1 | 1)) => {
            details.choice = details.choice.stepped(rows);
        }
        Some(Overlay::Plan(plan)) => super::plan::moved(plan, rows),
        Some(Overlay::Form) => super::form::moved(model, rows),
        Some(Overlay::NewSender) => super::welcome::moved(model, rows),
        Some(Overlay::Welcome(row)) => *row = step(*row, rows, WELCOME.len()),
        Some(Overlay::Commands(palette)) => palette.row = palette.row.saturating_add_signed(rows),
        Some(Overlay::FollowUp(page)) if matches!(by, CursorMove::Pages(_)) => page.peek += rows,
        Some(Overlay::FollowUp(page)) => page.step_age(rows),
        Some(Overlay::Customer(page)) if matches!(by, CursorMove::Pages(_)) => page.peek += rows,
        Some(Overlay::Customer(page)) => page.step(rows),
        Some(Overlay::Elsewhere(elsewhere)) => elsewhere.row = step(elsewhere.row, rows, elsewhere.rows.len()),
        Some(Overlay::Uncertain(page)) => page.choice = page.choice.stepped(rows),
        Some(Overlay::Needs(chosen)) => {
            let row = needs.iter().position(|line| Some(*line) == *chosen);
            *chosen = needs.get(row.map_or(0, |row| step(row, rows, needs.len()))).copied();
            attention::turned_to(model);
        }
        Some(open) => {
            if let Some(scroll) = open.scroll_mut() {
                *scroll = scroll.saturating_add_signed(rows);
            }
        }
        None => {}
    }
}

fn step(row: usize, by: isize, rows: usize) -> usize {
    row.saturating_add_signed(by).min(rows.saturating_sub(1))
}

/// What `enter` does, for the footer: nothing where no line is.
pub fn choose_word(model: &Model) -> &'static str {
    let is_empty = matches!(model.overlays.last(), Some(Overlay::Needs(_))) && model.needs_lines().is_empty();
    if is_empty { "" } else { "choose" }
}

/// `enter` on a line of a list. The command palette runs its commands itself.
pub fn choose(model: &mut Model) -> Vec<Effect> {
    match model.overlays.last() {
        Some(Overlay::Elsewhere(elsewhere)) => match elsewhere.rows.get(elsewhere.row).cloned() {
            Some(row) => jump(model, &row),
            None => Vec::new(),
        },
        Some(Overlay::Uncertain(_)) => uncertain::resolve(model),
        Some(Overlay::Needs(chosen)) => attention::enter(model, *chosen),
        Some(Overlay::Welcome(row)) => super::welcome::choose(model, *row),
        Some(Overlay::NewSender) => super::welcome::begin(model),
        _ => Vec::new(),
    }
}

/// To the same number in another blast.
pub(super) fn jump(model: &mut Model, ElsewhereRow { person: row, .. }: &ElsewhereRow) -> Vec<Effect> {
    model.overlays.clear();
    model.blasts.select(row.blast_id);
    if model.blast().is_none() {
        model.refuse("that blast is not in the list any more");
        return vec![Effect::Read(ReadRequest::Blasts)];
    }
    model.focus = Pane::Recipients;
    let scope = ListScope::Found { text: row.phone.to_string(), filter: Filter::person(row.phone.as_str()) };
    let target = CursorTarget::Person(row.id);
    lists::load(model, ListRequest { scope, anchor: Anchor::Start, target })
}

/// Who said what became of an uncertain message, where it was not the operator of this window: "aina answered first: left out".
pub(super) fn answered_by(loaded: &RecipientDetails, operator: &str) -> Option<String> {
    let change = loaded.history.iter().rev().find(|change| change.old_status == Status::Uncertain);
    let by = change.filter(|change| change.source == "operator").and_then(|change| change.by.as_deref());
    let what = match change.map_or(loaded.row.status, |change| change.new_status) {
        Status::Sent => "it is there".to_owned(),
        Status::Queued => "send again".to_owned(),
        Status::Skipped => "left out".to_owned(),
        other => other.to_string(),
    };
    match by {
        Some(by) if by == operator => None,
        Some(by) => Some(format!("{by} answered first: {what}")),
        None => Some(format!("an answer came first: {what}")),
    }
}

/// Closes a question about an uncertain message once another answer came first: nothing is armed by it any more.
pub(super) fn close_answered_question(model: &mut Model, loaded: &RecipientDetails) {
    let asked_about = |act: &WriteRequest| match act {
        WriteRequest::Resolve { person, attempt, .. } if *person == loaded.row.id => Some(*attempt),
        _ => None,
    };
    let Some(Prompt::Confirm(ask)) = &model.prompt else { return };
    let Some(attempt) = ask.then.iter().find_map(asked_about) else { return };
    let is_uncertain = loaded.row.status == Status::Uncertain;
    if is_uncertain && loaded.row.attempt == attempt {
        return;
    }
    model.prompt = None;
    let answered = if is_uncertain {
        ANOTHER_ATTEMPT.to_owned()
    } else {
        let answered = answered_by(loaded, &model.options.operator);
        answered.unwrap_or_else(|| format!("you answered already: {}", loaded.row.status))
    };
    model.refuse(format!("{answered}; the question is closed, and nothing more is written"));
}

/// `enter` that was meant for a question which somebody else had answered.
pub(super) fn answered_first(model: &mut Model) -> bool {
    let Some(Overlay::Details(details)) = model.overlays.last_mut() else { return false };
    let Some(answered) = details.answered.take() else { return false };
    model.refuse(format!("{answered}; yours is not written"));
    true
}

/// A key that is no answer: nothing of the question is meant by the next one.
pub(super) fn forget_answered(model: &mut Model) {
    if let Some(Overlay::Details(details)) = model.overlays.last_mut() {
        details.answered = None;
    }
}

/// What the operator answers for is not what is uncertain now: they looked for an earlier message.
const ANOTHER_ATTEMPT: &str = "another attempt was made meanwhile";

/// Whether the page asked about an earlier attempt first, which the operator may have looked for. From now on it asks about the newest.
fn is_of_earlier_attempt(model: &mut Model) -> bool {
    let Some(Overlay::Details(details)) = model.overlays.last_mut() else { return false };
    let newest = details.loaded.as_ref().map(|loaded| loaded.row.attempt);
    let is_earlier = details.asked.is_some() && details.asked != newest;
    if is_earlier {
        details.asked = newest;
        details.choice = ResolutionChoice::LeaveOpen;
    }
    is_earlier
}

/// `enter` on what became of an uncertain message.
pub fn resolve(model: &mut Model) -> Vec<Effect> {
    let Some(Overlay::Details(details)) = model.overlays.last() else { return Vec::new() };
    let (person, choice) = (details.person, details.choice);
    let attempt = details.loaded.as_ref().map_or(0, |loaded| loaded.row.attempt);
    if choice != ResolutionChoice::LeaveOpen && is_of_earlier_attempt(model) {
        model.refuse(format!("{ANOTHER_ATTEMPT}: look into the chat once more, then answer"));
        return Vec::new();
    }
    let Some(Overlay::Details(details)) = model.overlays.last() else { return Vec::new() };
    let resend_from = model.resend_from(details.loaded.as_ref().and_then(|loaded| loaded.claimed_at));
    let row = model.person();
    let who = row.map(RecipientRow::who).unwrap_or_default();
    let is_cancelled = row.is_some_and(|row| model.is_cancelled(row.blast_id));
    let answer = |resolution| WriteRequest::Resolve { person, attempt, resolution };
    match choice {
        ResolutionChoice::LeaveOpen => {
            model.say(Notice::done(format!("{who}: left open; an answer that still comes settles it")));
            Vec::new()
        }
        ResolutionChoice::Say(Resolution::Resend) if is_cancelled => {
            model.refuse("the blast was cancelled: nothing more is sent");
            Vec::new()
        }
        ResolutionChoice::Say(Resolution::Resend) if resend_from.is_some() => {
            let clock = TimeFormat { zone: model.options.zone, now: model.now };
            let from = resend_from.map(|from| clock.second(from)).unwrap_or_default();
            model.refuse(format!("an answer may still come: send again from {from}"));
            Vec::new()
        }
        ResolutionChoice::Say(Resolution::Resend) => {
            let clock = TimeFormat { zone: model.options.zone, now: model.now };
            let known = details.loaded.as_deref().and_then(|loaded| overlay::before_resend(loaded, clock));
            let known = known.map(|known| format!(" {known}")).unwrap_or_default();
            let question = format!("send to {who} once more?{known} If it did arrive, they get it twice.");
            prompts::ask(model, question, ConfirmBy::Yes, vec![answer(Resolution::Resend)])
        }
        ResolutionChoice::Say(resolution) => vec![Effect::Write(answer(resolution))],
    }
}

/// `enter` on the plan: sends when the number typed is the number shown.
pub fn confirm_plan(model: &mut Model) -> Vec<Effect> {
    let Some(Overlay::Plan(plan)) = model.overlays.last_mut() else { return Vec::new() };
    let Some(loaded) = &plan.loaded else {
        plan.refused.get_or_insert_with(|| "enter came before the plan: nothing sent".to_owned());
        return Vec::new();
    };
    if let Some(obstacle) = loaded.obstacles.first() {
        plan.refused = Some(obstacle.clone());
        return Vec::new();
    }
    if std::mem::take(&mut plan.peek) != 0 && !plan.field.is_empty() {
        // What is confirmed was scrolled out of sight.
        plan.refused = Some("read this first: enter once more sends".to_owned());
        return Vec::new();
    }
    let typed = std::mem::take(&mut plan.field).text();
    if !prompts::is_number(&typed, loaded.people) {
        plan.refused = Some(format!("{}: nothing sent", prompts::not_the_number(&typed, loaded.people)));
        return Vec::new();
    }
    let (version, people) = (loaded.blast.version, loaded.people);
    let launch = Launch { blast: plan.blast, version, people, armed_for: Launch::ARMED_FOR };
    let is_paused = loaded.blast.state == BlastState::Paused;
    vec![Effect::Write(if is_paused { WriteRequest::Resume(launch) } else { WriteRequest::Launch(launch) })]
}
