//! The plan: its counts, who they are about, the plan as a file.

mod to_oneself;

pub use to_oneself::{cannot_test, own_number_key, send_test, test_refused, tested};

use chrono::TimeDelta;

use super::key_outcome::KeyOutcome;
use super::{completions, form, overlays, prompts, written};
use crate::app::{Plan, PlanGroup, PlanPerson};
use crate::domain::blast::BlastState;
use crate::domain::ids::BlastId;
use crate::domain::text::{clean, shell_quoted};
use crate::tui::action;
use crate::tui::availability;
use crate::tui::effect::{Effect, EffectError, EffectResult, ReadRequest, WriteRequest};
use crate::tui::format::number;
use crate::tui::key::Key;
use crate::tui::model::{Model, Notice, Overlay, Pane, PlanCount, PlanOverlay, Prompt};
use crate::tui::overlay;
use crate::tui::widget::{TextField, TextLine};

/// A plan that is not here after this long is asked for again.
const READ_AGAIN: TimeDelta = TimeDelta::seconds(15);

/// The width that a plan is written to a file at.
const FILE_WIDTH: u16 = 80;

fn shown(model: &mut Model) -> Option<&mut PlanOverlay> {
    match model.overlays.last_mut() {
        Some(Overlay::Plan(plan)) => Some(plan),
        _ => None,
    }
}

/// What sending a blast would do is here. Where it could not be read again, what is there stays: a number is half typed on it. Where it
/// cannot be sent any more, that number is gone, and the reason is said.
pub fn read(model: &mut Model, blast: BlastId, read: EffectResult<Plan>) {
    let now = model.now;
    let Some(page) = shown(model).filter(|page| page.blast == blast) else { return };
    match read {
        Ok(plan) => {
            let typed = page.field.text();
            let why = plan.obstacles.first().filter(|_| !typed.is_empty());
            let why = why.map(|why| format!("{typed} is not used: {why}"));
            (page.loaded, page.read_at) = (Some(plan), Some(now));
            if let Some(why) = why {
                page.field = TextField::default();
                model.refuse(why);
            }
        }
        Err(failure) if page.loaded.is_some() => completions::failed(model, &failure),
        Err(failure) => close_unread(model, &failure),
    }
}

/// Nothing of it can be read: the page goes, and what it asked. What is still typed for either is no key.
fn close_unread(model: &mut Model, failure: &EffectError) {
    let is_its_own = |prompt: &Prompt| match prompt {
        Prompt::OwnNumber(_) => true,
        Prompt::Confirm(ask) => ask.then.iter().any(|act| matches!(act, WriteRequest::SendTest { .. })),
        _ => false,
    };
    let is_number_typed = shown(model).is_some_and(|page| !page.field.is_empty());
    model.overlays.pop();
    let why = failure.sentence(&model.options.keys);
    if model.prompt.as_ref().is_some_and(is_its_own) {
        prompts::refuse_text(model, why, None);
    } else if is_number_typed && model.prompt.is_none() {
        prompts::refuse_digits(model, why);
    } else {
        model.refuse(why);
    }
}

/// A launch was refused. Where its plan is shown, that is read again: the number that was typed is of people as they were.
pub fn not_sent(model: &mut Model, request: &WriteRequest, failure: &EffectError) -> Option<Vec<Effect>> {
    let (WriteRequest::Launch(launch) | WriteRequest::Resume(launch)) = request else { return None };
    let why = match failure {
        EffectError::Other(_) | EffectError::AsItStands { .. } | EffectError::Unconfirmed | EffectError::Unread => {
            failure.sentence(&model.options.keys)
        }
        EffectError::Unavailable | EffectError::List(_) | EffectError::Overtaken(_) => return None,
    };
    read_again(model, launch.blast, why)
}

/// What was done from a plan was refused: it is read again, where it is shown.
fn read_again(model: &mut Model, blast: BlastId, why: String) -> Option<Vec<Effect>> {
    let zone = model.options.zone;
    let page = shown(model).filter(|page| page.blast == blast)?;
    (page.loaded, page.refused, page.field) = (None, Some(why), TextField::default());
    Some(vec![Effect::Read(ReadRequest::Plan(blast, zone)), Effect::Read(ReadRequest::Blasts)])
}

/// The blasts were read again. What sending one would do is read once more where it was sent, paused or ended meanwhile, where
/// somebody was taken out of it or put back, where the message to oneself is out, which counts towards the day, and once its times are those of some time ago.
pub fn refresh(model: &mut Model) -> Option<Effect> {
    let now = model.now;
    let Some(Overlay::Plan(page)) = model.overlays.last_mut() else { return None };
    if page.loaded.is_none() && now - *page.read_at.get_or_insert(now) > READ_AGAIN {
        // Whatever became of the answer: nobody is left in front of an empty page.
        page.read_at = Some(now);
        return Some(Effect::Read(ReadRequest::Plan(page.blast, model.options.zone)));
    }
    let (loaded, blast) = (page.loaded.as_ref()?, model.blasts.get(page.blast)?);
    let is_other = loaded.blast.state != blast.state;
    let test = page.test.and_then(|test| model.blasts.get(test));
    let is_tested = test.is_some_and(|test| !test.has_people_left());
    if is_tested {
        page.test = None;
    }
    // A filter's draft has other people on the plan than it holds: only what changes counts.
    let is_recounted = page.queued.replace(blast.counts.queued).is_some_and(|before| before != blast.counts.queued);
    let is_old = page.is_old(now);
    if is_old {
        page.read_at = Some(now);
    }
    (is_other || is_tested || is_old || is_recounted)
        .then_some(Effect::Read(ReadRequest::Plan(page.blast, model.options.zone)))
}

/// Whether the times of the plan that is shown are those of some time ago.
pub fn is_old(model: &Model) -> bool {
    matches!(model.overlays.last(), Some(Overlay::Plan(page)) if page.is_old(model.now))
}

/// Digits go into the number to type; among the people of a count, esc goes back.
pub fn key(model: &mut Model, key: Key) -> KeyOutcome {
    let why_not = match model.overlays.last() {
        Some(Overlay::Plan(page)) => why_not(model, page),
        _ => None,
    };
    let Some(plan) = shown(model) else { return KeyOutcome::UNUSED };
    if plan.people.is_some() {
        if matches!(key, Key::Esc | Key::Char('q') | Key::Enter) || prompts::is_of_digits(key) {
            (plan.people, plan.scroll) = (None, 0);
            return KeyOutcome::DONE;
        }
        return KeyOutcome::UNUSED;
    }
    if let Some(why) = why_not.filter(|_| prompts::is_of_digits(key)) {
        model.refuse(why);
        return KeyOutcome::DONE;
    }
    let is_erased = matches!(key, Key::Backspace | Key::Ctrl('u'));
    if is_erased {
        plan.is_text = false;
    }
    if plan.is_text && prompts::is_of_digits(key) {
        return KeyOutcome::DONE;
    }
    if key == Key::Ctrl('u') && !plan.field.is_empty() {
        plan.field = TextField::default();
        return KeyOutcome::DONE;
    }
    if prompts::is_of_digits(key) {
        plan.field.key(key);
        (plan.refused, plan.row, plan.peek) = (None, 0, 0);
        return KeyOutcome::DONE;
    }
    if is_send(model, key) {
        if let Some(why) = cannot_send(model).or_else(|| how_to_send(model)) {
            model.refuse(why);
        }
        return KeyOutcome::DONE;
    }
    if is_text(model, key) {
        type_text(model);
        return KeyOutcome::DONE;
    }
    KeyOutcome::UNUSED
}

/// Whether a key is a letter of a text that is typed here by mistake, such as a message whose first letter opened the plan.
fn is_text(model: &Model, key: Key) -> bool {
    matches!(key, Key::Char(_)) && model.options.keys.lookup(key, action::scopes(model)).is_none()
}

/// The digits of a text are not the number that was asked for.
fn type_text(model: &mut Model) {
    let Some(plan) = shown(model) else { return };
    plan.field = TextField::default();
    plan.is_text = true;
    plan.refused = Some("that is text, and no number: backspace, then the number".to_owned());
}

/// Whether a key is the one that opened the plan.
fn is_send(model: &Model, key: Key) -> bool {
    let action = model.options.keys.lookup(key, action::pane_scopes(Pane::Blasts));
    action.is_some_and(|action| action.id() == "send-or-resume")
}

fn how_to_send(model: &Model) -> Option<String> {
    let Some(Overlay::Plan(plan)) = model.overlays.last() else { return None };
    Some(format!("type {}, then press enter: nothing is sent before", number(plan.loaded.as_ref()?.people)))
}

/// Why `enter` sends nothing; where a count is chosen it says who that is about.
pub fn cannot_send(model: &Model) -> Option<String> {
    let Some(Overlay::Plan(plan)) = model.overlays.last() else { return None };
    plan.loaded.as_ref().filter(|_| plan.row == 0)?;
    why_not(model, plan)
}

/// Why a plan asks for no number.
fn why_not(model: &Model, plan: &PlanOverlay) -> Option<String> {
    let obstacle = || plan.loaded.as_ref()?.obstacles.first().cloned();
    availability::not_asked_any_more(model, plan).or_else(obstacle)
}

/// What `enter` does on the line at the cursor, for the footer.
pub fn entered(model: &Model) -> &'static str {
    match model.overlays.last() {
        Some(Overlay::Plan(plan)) if plan.people.is_some() => "",
        Some(Overlay::Plan(plan)) if plan.row > 0 && plan.field.is_empty() => "who",
        _ => "send",
    }
}

/// `enter`: sends where the number stands, looks where a count is chosen.
pub fn enter(model: &mut Model) -> Vec<Effect> {
    let Some(plan) = shown(model) else { return Vec::new() };
    if plan.is_text {
        type_text(model);
        return Vec::new();
    }
    match plan.row.checked_sub(1).and_then(|row| plan.counts().get(row).copied()) {
        Some(PlanCount::LeftOut) if plan.field.is_empty() => {
            (plan.people, plan.scroll) = (Some((PlanCount::LeftOut, Some(Vec::new()))), 0);
            Vec::new()
        }
        Some(count @ PlanCount::Group(group)) if plan.field.is_empty() => {
            (plan.people, plan.scroll) = (Some((count, None)), 0);
            vec![Effect::Read(ReadRequest::PlanPeople { blast: plan.blast, group })]
        }
        _ => overlays::confirm_plan(model),
    }
}

/// Who a count is about is here.
pub fn people_read(model: &mut Model, (blast, group): (BlastId, PlanGroup), read: EffectResult<Vec<PlanPerson>>) {
    let Some(plan) = shown(model).filter(|plan| plan.blast == blast) else { return };
    match (read, &plan.people) {
        (Ok(people), Some((asked, _))) if *asked == PlanCount::Group(group) => {
            plan.people = Some((PlanCount::Group(group), Some(people)));
        }
        (Err(failure), Some(_)) => {
            plan.people = None;
            model.refuse_failed(&failure);
        }
        _ => {}
    }
}

/// To another count; a list of people scrolls.
pub fn moved(plan: &mut PlanOverlay, rows: isize) {
    if plan.people.is_some() {
        plan.scroll = plan.scroll.saturating_add_signed(rows);
        return;
    }
    if rows.abs() > 1 {
        plan.peek += rows;
        return;
    }
    plan.peek = 0;
    plan.row = plan.row.saturating_add_signed(rows).min(plan.counts().len());
}

/// `w`: the plan as it is shown, into a file.
pub fn save(model: &mut Model) -> Vec<Effect> {
    let Some(content) = overlay::plan_file(model, FILE_WIDTH) else { return Vec::new() };
    let Some(plan) = shown(model) else { return Vec::new() };
    let line = |line: &TextLine| {
        let texts: Vec<_> = line.pieces.iter().map(|piece| piece.text.as_str()).collect();
        // A heading stands apart from what is before it.
        let text = if line.is_rule() { format!("\n{}", texts.join(", ")) } else { texts.concat() };
        text.trim_end().split('\n').map(clean).collect::<Vec<_>>().join("\n")
    };
    let title = content.title.left.join(", ");
    let text: Vec<String> = std::iter::once(title).chain(content.lines.iter().map(line)).collect();
    let people = plan.people.as_ref().map(|(count, _)| *count);
    vec![Effect::Write(WriteRequest::SavePlan { blast: plan.blast, people, text: text.join("\n") + "\n" })]
}

/// It is in a file.
pub fn saved(model: &mut Model, request: &WriteRequest, path: &str) -> Vec<Effect> {
    let what = match request {
        WriteRequest::SavePlan { people: Some(count), .. } => count.of_file().1,
        _ => "the plan",
    };
    let sentence = format!("{what} is written to {path}");
    let line = match request {
        WriteRequest::SavePlan { blast, people: None, .. } => {
            format!("blastdeck blast plan {blast} > {}", shell_quoted(path))
        }
        _ => "# no command lists the people of a plan's counts".to_owned(),
    };
    written::log(model, &sentence, &line);
    model.say(Notice::done(sentence));
    Vec::new()
}

/// Why the list of a count has nothing to be written yet.
pub fn cannot_save(model: &Model) -> Option<String> {
    let Some(Overlay::Plan(plan)) = model.overlays.last() else { return None };
    let is_read = plan.loaded.is_some() && !matches!(plan.people, Some((_, None)));
    (!is_read).then(|| "still reading".to_owned())
}

/// Why the blast of the plan cannot be edited.
pub fn cannot_edit(model: &Model) -> Option<String> {
    let Some(Overlay::Plan(plan)) = model.overlays.last() else { return None };
    let blast = model.blasts.get(plan.blast)?;
    let is = match blast.state {
        BlastState::Sending if blast.is_held_up() => "waiting to go on",
        BlastState::Sending | BlastState::Paused => blast.state.label(),
        _ => return form::cannot_edit_blast(model, Some(blast)),
    };
    Some(format!("it is {is}: in Blasts ⟨e⟩ changes its hours and pace, ⟨d⟩ makes a new one like it"))
}

/// `e`: back to what is written.
pub fn edit(model: &mut Model) -> Vec<Effect> {
    let Some(plan) = shown(model) else { return Vec::new() };
    let blast = plan.blast;
    model.overlays.pop();
    if model.overlays.last() == Some(&Overlay::Form) {
        return Vec::new();
    }
    model.blasts.select(blast);
    form::open_draft_of(model, blast)
}
