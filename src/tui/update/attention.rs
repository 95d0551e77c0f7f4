//! What needs a person: the list, where its lines lead, and the bell when something is added to it.

use chrono::TimeDelta;

use super::lists::{self, ListRequest};
use super::{activity, blast_acts, overlays, steps};
use crate::domain::blast::BlastState;
use crate::domain::ids::BlastId;
use crate::domain::status::Status;
use crate::tui::DatabaseKind;
use crate::tui::availability;
use crate::tui::effect::{Effect, WriteRequest};
use crate::tui::model::{AttentionItem, BlastList, ListScope, LostLine, Model, NeedsLine, Notice, Overlay, Pane};

/// What is found within this time of the start was there before: no bell rings for it.
const OPENING: TimeDelta = TimeDelta::seconds(5);

/// A line that is listed again within this time was not gone for its operator: between two waits of its blast it may be missing for a moment.
/// One that comes later than this after an undo is no news of that.
const RETURNS_WITHIN: TimeDelta = TimeDelta::seconds(5);

pub fn open(model: &mut Model) -> Vec<Effect> {
    if matches!(model.overlays.last(), Some(Overlay::Needs(_))) {
        model.refuse("this is what needs you: esc goes back");
        return Vec::new();
    }
    let first = model.needs_lines().first().copied();
    (model.notice, model.needs_lost) = (None, None);
    model.overlays.push(Overlay::Needs(first));
    steps::read(model).into_iter().collect()
}

/// The lines of what needs somebody, where that list is open. Else it is not made.
pub fn listed(model: &Model) -> Option<Vec<NeedsLine>> {
    let is_open = model.overlays.iter().any(|overlay| matches!(overlay, Overlay::Needs(_)));
    is_open.then(|| model.needs_lines())
}

/// The list may be another one than before, by what was read or by the time: where the line at its cursor is gone, that of the same blast
/// is chosen, else the one now in its place, until it is listed again a moment later.
pub fn keep_cursor(model: &mut Model, before: &[NeedsLine]) {
    let lines = model.needs_lines();
    return_cursor(model, &lines);
    for overlay in &mut model.overlays {
        let Overlay::Needs(chosen) = overlay else { continue };
        if chosen.is_none_or(|line| !lines.contains(&line)) {
            let row = before.iter().position(|line| Some(*line) == *chosen).unwrap_or_default();
            let same = chosen.and_then(|line| as_listed(&lines, line));
            let gone = std::mem::replace(chosen, same.or_else(|| lines.get(row).or(lines.last()).copied()));
            let is_back_soon = gone.is_some_and(|line| is_of_open_blast(&model.blasts, line));
            let returns_until = is_back_soon.then(|| model.now + RETURNS_WITHIN);
            match &mut model.needs_lost {
                // It went on to a line that is gone by now as well: the one before has it back, as long as it may be listed again.
                Some(lost)
                    if lost.instead == gone && (same.is_some() || !is_back_soon || lost.may_return(model.now)) =>
                {
                    lost.instead = *chosen;
                }
                _ if same.is_some() => {}
                lost => *lost = gone.map(|line| LostLine { line, instead: *chosen, returns_until }),
            }
        }
    }
}

/// A line as it is listed now: a blast that asked for somebody has another one as soon as it goes on, or waits, by itself.
fn as_listed(lines: &[NeedsLine], line: NeedsLine) -> Option<NeedsLine> {
    let blast = blast_itself(line);
    let is_of_blast = |other: &&NeedsLine| blast.is_some() && blast_itself(**other) == blast;
    lines.iter().find(|other| **other == line).or_else(|| lines.iter().find(is_of_blast)).copied()
}

/// The blast whose own state a line is about, which is acted on there.
const fn blast_itself(line: NeedsLine) -> Option<BlastId> {
    match line {
        NeedsLine::Blast(id) | NeedsLine::Need(AttentionItem::Paused(id) | AttentionItem::Waits(id)) => Some(id),
        _ => None,
    }
}

/// Whether a line is about the state of a blast that is not over.
fn is_of_open_blast(blasts: &BlastList, line: NeedsLine) -> bool {
    let blast = blast_itself(line).and_then(|id| blasts.get(id));
    blast.is_some_and(|blast| !blast.state.is_over())
}

/// The operator has taken an act back: the line that it had taken away, however long ago, as that of a sender that went on, comes with what
/// is read next.
pub fn taken_back(model: &mut Model) {
    if let Some(lost) = &mut model.needs_lost {
        lost.returns_until = Some(model.now + RETURNS_WITHIN);
    }
}

/// Something is done on the line at the cursor: an undo is about that from now on, and not about what took an earlier line away.
pub fn acted(model: &mut Model, request: &WriteRequest) {
    let is_of_line = matches!(
        request,
        WriteRequest::Launch(_)
            | WriteRequest::Resume(_)
            | WriteRequest::Pause(_)
            | WriteRequest::EditPace { .. }
            | WriteRequest::Cancel { .. }
            | WriteRequest::Delete { .. }
            | WriteRequest::ChangeStep { .. }
    );
    if is_of_line {
        turned_to(model);
    }
}

/// The operator turns to the line at the cursor, which stays there from now on.
pub const fn turned_to(model: &mut Model) {
    model.needs_lost = None;
}

/// Puts the cursor back on the line that is there again, unless it was moved meanwhile.
fn return_cursor(model: &mut Model, lines: &[NeedsLine]) {
    let Some(lost) = model.needs_lost.filter(|lost| lost.may_return(model.now)) else { return };
    let Some(line) = as_listed(lines, lost.line) else { return };
    model.needs_lost = None;
    for overlay in &mut model.overlays {
        if let Overlay::Needs(chosen) = overlay
            && *chosen == lost.instead
        {
            *chosen = Some(line);
        }
    }
}

/// To where a line leads.
pub fn enter(model: &mut Model, line: Option<NeedsLine>) -> Vec<Effect> {
    match line {
        Some(NeedsLine::Step(_)) => match model.chosen_step().map(|view| (view.waits, view.step.blast)) {
            Some((Some(draft), _)) if model.blasts.get(draft).is_some() => {
                let mut effects = select(model, draft);
                effects.extend(overlays::open_plan_of(model, draft));
                effects
            }
            Some((_, blast)) => select(model, blast),
            None => go_to(model, None),
        },
        Some(NeedsLine::Blast(blast)) => select(model, blast),
        Some(NeedsLine::Replies) => to_activity(model),
        Some(NeedsLine::Need(need)) => go_to(model, Some(need)),
        None => go_to(model, None),
    }
}

/// `S`: resumes the step of the line, else does what it does on the line's blast.
pub fn resume(model: &mut Model) -> Vec<Effect> {
    turned_to(model);
    if model.chosen_step().is_some() { steps::ask_resume(model) } else { overlays::open_plan(model) }
}

pub fn cannot_resume(model: &Model) -> Option<String> {
    match model.chosen_step() {
        Some(view) => steps::cannot_resume(model, view),
        None => no_blast(model, "send-or-resume").or_else(|| availability::cannot_send(model)),
    }
}

/// What it does on the line, for the footer.
pub fn resume_word(model: &Model) -> &'static str {
    if model.chosen_step().is_some() { "resume" } else { overlays::sends_or_resumes(model) }
}

pub fn cannot_end(model: &Model) -> Option<String> {
    no_blast(model, "cancel-it-or-delete-a-draft").or_else(|| availability::cannot_cancel(model))
}

/// As its line says it.
pub fn end_word(model: &Model) -> &'static str {
    if model.chosen_step().is_some() { "remove" } else { blast_acts::end_word(model) }
}

/// Why a key does nothing on a line that is about no blast: the action among the blasts that does it there. Not the selected one is meant,
/// which is behind the list.
fn no_blast(model: &Model, action: &str) -> Option<String> {
    let is_listed = matches!(model.page_meant(), Some(Overlay::Needs(_)));
    (is_listed && model.line_blast().is_none())
        .then(|| format!("no blast is chosen here: esc, then ⟨{action}⟩ on one in Blasts"))
}

/// Why the blast that is held up is neither ended nor changed from the line of its sender.
pub fn sender_line(model: &Model) -> Option<String> {
    model.is_sender_line().then(|| "this line is about a sender: enter goes to its blast".to_owned())
}

/// Why no time is left out here.
pub fn cannot_skip(model: &Model) -> Option<String> {
    no_blast(model, "leave-out-the-next-time-of-a-blast-that-repeats")
        .or_else(|| sender_line(model))
        .or_else(|| availability::cannot_skip(model))
}

/// To what needs a person, in whichever blast it is.
fn go_to(model: &mut Model, need: Option<AttentionItem>) -> Vec<Effect> {
    let Some(need) = need.filter(|need| model.needs_list().contains(need)) else {
        model.refuse(if need.is_some() { "that does not need you any more" } else { "nothing needs you" });
        return Vec::new();
    };
    match need {
        AttentionItem::Strangers => to_stranger(model),
        AttentionItem::Answers | AttentionItem::Notices => to_activity(model),
        AttentionItem::Database => {
            let command = match model.options.database {
                DatabaseKind::Own => "blastdeck db start",
                DatabaseKind::Given => "blastdeck doctor",
            };
            let line = model.options.call(command);
            let said = Notice::done(format!("nothing here ends that: run `{line}`"));
            model.say(Notice { while_away: true, ..said });
            Vec::new()
        }
        AttentionItem::Webhooks | AttentionItem::Nameless => {
            let flag = if need == AttentionItem::Webhooks { " --failed" } else { "" };
            let line = model.options.call(&format!("blastdeck inbox list{flag}"));
            model.say(Notice::done(format!("nothing here shows them: run `{line}`")));
            Vec::new()
        }
        AttentionItem::Paused(id) if model.blasts.get(id).is_some_and(|blast| blast.state == BlastState::Draft) => {
            let mut effects = to_blast(model, need);
            effects.extend(overlays::open_plan_of(model, id));
            effects
        }
        need => to_blast(model, need),
    }
}

fn to_activity(model: &mut Model) -> Vec<Effect> {
    model.overlays.clear();
    activity::open(model)
}

/// To the newest reply that matches no message.
fn to_stranger(model: &mut Model) -> Vec<Effect> {
    let stranger = model.activity.head.as_ref().and_then(|head| head.stranger.as_ref());
    let Some(place) = stranger.map(|stranger| stranger.place) else { return to_activity(model) };
    model.overlays.clear();
    activity::open_at(model, place)
}

fn to_blast(model: &mut Model, need: AttentionItem) -> Vec<Effect> {
    let Some(blast) = model.blast_of(need) else {
        model.refuse("no blast waits for it: once it is fixed, ⟨S⟩ on a new blast sends");
        return Vec::new();
    };
    if let AttentionItem::Uncertain(_) = need {
        model.overlays.clear();
        model.blasts.select(blast);
        model.focus = Pane::Recipients;
        return lists::load(model, ListRequest::first(ListScope::Only(Status::Uncertain)));
    }
    select(model, blast)
}

/// To a blast in the list.
fn select(model: &mut Model, blast: BlastId) -> Vec<Effect> {
    model.overlays.clear();
    model.blasts.select(blast);
    model.focus = Pane::Blasts;
    lists::follow_selection(model)
}

/// One bell when something new needs a person, or more people do: never again for what was there.
pub fn ring(model: &mut Model) -> Option<Effect> {
    if !model.blasts.is_loaded() {
        return None;
    }
    let needs = model.needs_by_item();
    let is_more = needs.iter().any(|(need, count)| model.needs_seen.get(need).is_none_or(|seen| seen < count));
    model.needs_seen = needs;
    let is_opening = model.now - model.opened_at < OPENING;
    (is_more && !is_opening).then_some(Effect::Bell)
}
