//! When an action is unavailable, and the sentence that says why.

use crate::app::view::{ActivityEvent, BlastView, RecipientDetails};
use crate::domain::blast::BlastState;
use crate::domain::session::SessionWindow;
use crate::domain::status::Status;
use crate::domain::waiting::Waiting;
use crate::tui::format::brief;
use crate::tui::model::{FunnelView, ListScope, Model, Overlay, Pane, PlanOverlay, RetryReading, Shown, stuck_at};
use crate::tui::update::{attention, marks, pace, steps};

pub fn read_only(model: &Model) -> Option<String> {
    model.is_read_only().then(|| "read-only: nothing is changed from here".to_owned())
}

pub fn no_blast(model: &Model) -> Option<String> {
    match model.blast() {
        Some(_) => None,
        None if model.blasts.is_loaded() => Some("there is no blast yet: ⟨n⟩ in Blasts writes one".to_owned()),
        None => Some("still reading the blasts".to_owned()),
    }
}

/// Why no blast is meant: the selected one is behind a line that is about none.
pub fn none_meant(model: &Model) -> Option<String> {
    let none = || model.blast_meant().is_none().then(|| "no blast is chosen here: esc, then choose one".to_owned());
    no_blast(model).or_else(none)
}

/// A slip beside the keys of a page does not leave it.
pub fn on_page(model: &Model) -> Option<String> {
    let page = match model.overlays.last()? {
        // There digits are typed.
        Overlay::Plan(_) => return Some("this is the plan: esc leaves it".to_owned()),
        Overlay::Details(_) => "this person's page",
        Overlay::Customer(_) => "this customer's page",
        Overlay::FollowUp(_) | Overlay::FollowFound(_) => "the follow-up",
        _ => return None,
    };
    Some(format!("this is {page}: esc leaves it, ⟨1⟩ to ⟨4⟩ show a pane"))
}

pub fn cannot_send(model: &Model) -> Option<String> {
    match model.blast_meant() {
        None => none_meant(model),
        Some(_) if model.stopped_sender().is_some() => read_only(model),
        Some(blast) => cannot_send_blast(model, blast),
    }
}

/// The same of a blast whose sender has not stopped.
pub fn cannot_send_blast(model: &Model, blast: &BlastView) -> Option<String> {
    if blast.armed_until(model.now).is_some() {
        return Some(format!("it is about to start: {} {}", model.options.keys.undo(), model.stops(blast)));
    }
    let why = match blast.state {
        BlastState::Paused if has_nobody_left(blast) => NOBODY_LEFT,
        BlastState::Scheduled if blast.origin.repeat.rule.is_some() => return Some(starts_by_itself(model, blast)),
        BlastState::Draft | BlastState::Scheduled | BlastState::Paused => return read_only(model),
        BlastState::Sending if pace::waits_for_hours(blast) => return read_only(model),
        BlastState::Sending => return Some(sent_already(model, blast)),
        BlastState::Completed => "it is done: nobody is left to send to",
        BlastState::Cancelled | BlastState::Failed => "it is over: make a new blast to send again",
    };
    Some(why.to_owned())
}

/// Why a plan asks for no number any more: its blast was launched meanwhile, in another window or by itself, or is over.
pub fn not_asked_any_more(model: &Model, page: &PlanOverlay) -> Option<String> {
    let blast = model.blasts.get(page.blast)?;
    match blast.state {
        BlastState::Draft | BlastState::Paused => None,
        BlastState::Scheduled if page.is_scheduled => cannot_send_blast(model, blast),
        BlastState::Scheduled => Some(starts_by_itself(model, blast)),
        BlastState::Sending if pace::waits_for_hours(blast) => Some(sent_already(model, blast)),
        _ => cannot_send_blast(model, blast),
    }
}

/// Whom a blast that repeats goes to is read at each of its times.
fn has_nobody_left(blast: &BlastView) -> bool {
    !blast.has_people_left() && blast.origin.repeat.rule.is_none()
}

/// Said where a blast has no one left to send to.
const NOBODY_LEFT: &str = "nobody is left to send to";

/// Said of a blast whose time comes, which is not sent before that.
fn starts_by_itself(model: &Model, blast: &BlastView) -> String {
    let at = blast.scheduled_for.or(blast.send_after);
    let at = at.map(|at| model.time_of(blast, at) + &blast.waits_at_next_time());
    match (at, blast.origin.repeat.rule.is_some()) {
        (Some(at), true) => format!("it repeats, next {at}: ⟨p⟩ pauses it, ⟨>⟩ leaves that time out"),
        (Some(at), false) => format!("it starts by itself {at}: ⟨p⟩ pauses it"),
        (None, _) => "it starts by itself: ⟨p⟩ pauses it".to_owned(),
    }
}

/// That a blast is being sent, or what it waits for and until when.
fn sent_already(model: &Model, blast: &BlastView) -> String {
    let is_waiting = blast.is_held_up() || blast.asks_for_person();
    let Some(waiting) = blast.waiting.as_ref().filter(|_| is_waiting) else {
        return "it is being sent already".to_owned();
    };
    let sentence = match waiting {
        Waiting::NoEngine => model.unattended(blast),
        _ => model.wait_sentence(blast, waiting),
    };
    let subject = if sentence.starts_with("waits") { "it " } else { "" };
    let mend = model.mend(blast, waiting).filter(|_| waiting.until().is_none());
    let mend = mend.map(|mend| format!("; {mend}")).unwrap_or_default();
    format!("{subject}{sentence}{mend}")
}

pub fn cannot_skip(model: &Model) -> Option<String> {
    let Some(blast) = model.blast_meant() else { return none_meant(model) };
    if blast.origin.repeat.rule.is_none() {
        return Some(format!("{} does not repeat: it has no next time to leave out", model.distinct_name(blast)));
    }
    match blast.state {
        BlastState::Scheduled => read_only(model),
        BlastState::Draft => Some("nothing of it is planned yet: ⟨S⟩ sends it".to_owned()),
        BlastState::Paused => {
            Some(format!("{} is paused: it makes no blasts until ⟨S⟩ resumes it", model.distinct_name(blast)))
        }
        _ => Some(format!("{} is {}: it has no more times", model.distinct_name(blast), blast.state_words())),
    }
}

pub fn cannot_cancel(model: &Model) -> Option<String> {
    let state = model.blast_meant().map(|blast| blast.state);
    match state {
        // Over its line the step is removed.
        _ if model.chosen_step().is_some() => read_only(model),
        None => none_meant(model),
        Some(_) if model.is_sender_line() => attention::sender_line(model),
        Some(BlastState::Completed) => Some("it is done: there is nothing to cancel".to_owned()),
        Some(BlastState::Cancelled | BlastState::Failed) => Some("it is over already".to_owned()),
        Some(_) => read_only(model),
    }
}

/// `enter` in the funnel is about the stage or the error at the cursor, where there is one to be seen.
pub fn nothing_chosen(model: &Model) -> Option<String> {
    let has_choice = model.shows_stages() || model.shown_view() == FunnelView::Errors;
    no_blast(model)
        .or_else(|| (!has_choice).then(|| "nobody is chosen here: ⟨v⟩ or esc goes back to the stages".to_owned()))
}

/// Said where nobody of those who failed may be tried again.
pub const NOBODY_TO_RETRY: &str =
    "nobody to try again: those who failed may have the message already, or would be refused it again";

fn retried_by_nobody(model: &Model, blast: &BlastView) -> Option<String> {
    let is_of_now = |known: &&RetryReading| known.is_of((blast.id, blast.counts.failed), model.now);
    let known = model.retryable.as_ref().filter(is_of_now).filter(|known| known.people == Some(0))?;
    Some(known.nobody.clone().unwrap_or_else(|| NOBODY_TO_RETRY.to_owned()))
}

pub fn cannot_retry(model: &Model) -> Option<String> {
    // The question comes once they are counted, and never over a page.
    if model.overlays.iter().any(|page| !matches!(page, Overlay::Commands(_))) {
        return Some("those who failed are tried again from Blasts: esc leaves this page".to_owned());
    }
    let Some(blast) = model.blast() else { return no_blast(model) };
    match blast.state {
        BlastState::Draft | BlastState::Scheduled => {
            Some(format!("nothing of {} has been sent yet: nobody can have failed", model.distinct_name(blast)))
        }
        BlastState::Cancelled | BlastState::Failed => {
            let how = if blast.state == BlastState::Cancelled { "was cancelled" } else { "failed as a whole" };
            Some(format!(
                "{} {how}: nobody in it is tried again; ⟨d⟩ makes a draft like it",
                model.distinct_name(blast)
            ))
        }
        _ if blast.counts.failed == 0 => Some(format!("nobody failed in {}", model.distinct_name(blast))),
        _ => retried_by_nobody(model, blast).or_else(|| read_only(model)),
    }
}

pub fn cannot_mark_all(model: &Model) -> Option<String> {
    if !model.recipients.marked.is_empty() {
        return None;
    }
    nobody(model).or_else(|| read_only(model))
}

pub fn cannot_follow_up(model: &Model) -> Option<String> {
    if model.is_about_one()
        && let Some(why) = no_person(model)
    {
        return Some(why);
    }
    if model.found_to_follow().is_some() {
        return model.recipients.is_empty().then(|| "the list is empty".to_owned()).or_else(|| read_only(model));
    }
    let Some(blast) = model.blast_to_follow() else { return none_meant(model) };
    let Some(stage) = model.stage_to_follow() else {
        if let Some(person) = model.person().filter(|_| model.is_about_one()) {
            return Some(format!("a follow-up is for those stuck at a stage: this one is {}", person.status));
        }
        if model.focus != Pane::Recipients {
            return Some("no stage is chosen here: ⟨v⟩ or esc goes back to them".to_owned());
        }
        return Some("a follow-up is for those stuck at a stage: ⟨[⟩ ⟨]⟩ goes to one".to_owned());
    };
    match stuck_at(blast, stage) {
        None => Some("whoever closed is not stuck: they bought".to_owned()),
        Some(0) if model.focus == Pane::Recipients && model.overlays.is_empty() => {
            Some(format!("nobody is stuck at {}: ⟨[⟩ ⟨]⟩ goes to another stage", stage.label()))
        }
        Some(0) => Some(format!("nobody is stuck at {}", stage.label())),
        Some(_) => read_only(model),
    }
}

pub fn cannot_pause(model: &Model) -> Option<String> {
    if let Some(view) = model.chosen_step() {
        return steps::cannot_pause(model, view);
    }
    let Some(blast) = model.to_pause() else {
        let what = if matches!(model.overlays.last(), Some(Overlay::Needs(_))) { "line" } else { "page" };
        let none = || Some(format!("this {what} is about no blast: nothing to pause"));
        return attention::sender_line(model).or_else(|| no_blast(model)).or_else(none);
    };
    let name = model.distinct_name(blast);
    let why = match blast.state {
        BlastState::Sending if !blast.has_people_left() => NOBODY_LEFT.to_owned(),
        BlastState::Sending | BlastState::Scheduled => return read_only(model),
        BlastState::Completed => format!("{name} is done: nothing to pause"),
        BlastState::Paused if blast.counts.queued == 0 && has_nobody_left(blast) => {
            format!("{name} is paused already, and nobody in it is queued")
        }
        BlastState::Paused => format!("{name} is paused already: {}", model.resumes_it()),
        _ => format!("{name} is not being sent: nothing to pause"),
    };
    Some(why + &model.others_being_sent(blast.id))
}

pub fn nobody(model: &Model) -> Option<String> {
    if is_in_activity(model) {
        return nobody_there(model);
    }
    if model.recipients.is_empty() && model.overlays.is_empty() {
        return Some(found_text(model).map_or("the list is empty".into(), |text| format!("nobody is found by {text}")));
    }
    if model.person().is_some() || matches!(model.overlays.last(), Some(Overlay::Details(_))) {
        return None;
    }
    if !model.overlays.is_empty() {
        return Some(NOBODY_HERE.to_owned());
    }
    let found = found_text(model).map(|text| format!(" for {text}")).unwrap_or_default();
    Some(format!("several are listed{found} and nobody is chosen: down chooses"))
}

/// Said on a page, below which a list may have a cursor: what it is on is not meant.
const NOBODY_HERE: &str = "nobody is chosen here";

/// What the listed people were found by.
fn found_text(model: &Model) -> Option<&str> {
    match &model.recipients.scope {
        ListScope::Found { text, .. } => Some(text),
        _ => None,
    }
}

pub fn no_person(model: &Model) -> Option<String> {
    match model.overlays.last() {
        _ if model.person().is_some() => None,
        Some(_) => Some(NOBODY_HERE.to_owned()),
        None => nobody(model),
    }
}

/// The same for who wrote and is in no blast.
pub fn no_customer(model: &Model) -> Option<String> {
    if model.stranger().is_some() { None } else { no_person(model) }
}

pub fn cannot_mark(model: &Model) -> Option<String> {
    let in_activity = is_in_activity(model);
    if !model.recipients.marked.is_empty() && model.overlays.is_empty() && !in_activity {
        return read_only(model);
    }
    if let Some(why) = nobody(model).or_else(|| read_only(model)) {
        return Some(why);
    }
    let shown = if in_activity { model.activity.shown } else { model.recipients.shown };
    let unseen = model.overlays.is_empty() && shown == Shown::NotYet;
    let found = found_text(model).filter(|_| !in_activity).map(|text| format!(" for {text}")).unwrap_or_default();
    unseen.then(|| format!("nobody was marked: the list{found} has just changed, look at it first"))
}

/// The same for what only somebody can have done whom a message reached.
pub fn cannot_mark_answered(model: &Model) -> Option<String> {
    cannot_mark(model).or_else(|| marks::cannot_have_answered(model))
}

/// Whether no mark works here, whatever is read next: a list that is still being read keeps the keys of its people.
pub fn never_marks(model: &Model) -> bool {
    let has_marked = !model.recipients.marked.is_empty() && model.overlays.is_empty() && !is_in_activity(model);
    let is_read = !model.awaits_list() && !model.recipients.is_awaited();
    model.is_read_only() || !has_marked && is_read && nobody(model).is_some()
}

/// Whether the details show somebody who was marked: that can be taken back there.
pub fn has_mark_in_details(model: &Model) -> bool {
    let Some(Overlay::Details(details)) = model.overlays.last() else { return false };
    details.loaded.as_ref().is_some_and(|loaded| {
        let is_marked = matches!(loaded.row.status, Status::Replied | Status::Closed | Status::OptedOut);
        is_marked || loaded.row.opted_out_at.is_some() || loaded.row.note.is_some()
    })
}

/// Of somebody uncertain `enter` answers, of anybody else it goes on to the customer.
pub fn cannot_enter(model: &Model) -> Option<String> {
    let Some(Overlay::Details(details)) = model.overlays.last() else { return nobody(model) };
    match &details.loaded {
        None => Some("still reading".to_owned()),
        Some(loaded) if loaded.row.status == Status::Uncertain => read_only(model),
        Some(_) => None,
    }
}

fn is_in_activity(model: &Model) -> bool {
    model.focus == Pane::Activity && model.overlays.is_empty()
}

/// Why the line at the cursor of the activity names nobody.
fn nobody_there(model: &Model) -> Option<String> {
    if let Some(why) = nothing_happened(model) {
        return Some(why);
    }
    let is_person = model.activity.person().is_some();
    (!is_person).then(|| "this line is not about a person in a blast".to_owned())
}

pub fn nothing_happened(model: &Model) -> Option<String> {
    let why = if model.awaits_activity() { "still reading" } else { "nothing has happened yet" };
    model.activity.at_cursor().is_none().then(|| why.to_owned())
}

pub fn nothing_unread(model: &Model) -> Option<String> {
    model.activity.unread().is_none().then(|| "none of it is new".to_owned())
}

/// Meta's numbers alone have no phone to answer with.
pub fn cannot_answer(model: &Model) -> Option<String> {
    if let Some(why) = no_person(model).or_else(|| read_only(model)) {
        return Some(why);
    }
    let blast = model.person()?.blast_id;
    let sender = model.blasts.get(blast).map(|blast| blast.sender.as_str())?;
    if !model.is_over_meta(blast) {
        return Some(format!("{sender} is a phone: answer there, where the whole conversation is"));
    }
    let loaded = match model.overlays.last() {
        Some(Overlay::Details(details)) => details.loaded.as_deref(),
        _ => model.preview.as_deref(),
    };
    let person = model.person()?.id;
    loaded.filter(|loaded| loaded.row.id == person).and_then(cannot_write_to)
}

/// Said of somebody who is not written to, whatever they wrote, or to whom only a template may go.
pub fn cannot_write_to(loaded: &RecipientDetails) -> Option<String> {
    let who = brief(&loaded.row.who());
    match loaded.session {
        _ if loaded.row.opt_out.is_some() => Some(format!("{who} opted out, and nobody writes to people who did")),
        Some(SessionWindow::Never) => Some(NEVER_WROTE.to_owned()),
        _ => None,
    }
}

/// Said of somebody to whom only a template may go.
const NEVER_WROTE: &str = "they have not written to this number: until they do, only a template can be sent";

/// The file of the reply at the cursor.
pub fn no_file(model: &Model) -> Option<String> {
    let event = model.activity.at_cursor().map(|row| &row.event);
    let why = match event {
        None => return nothing_happened(model),
        Some(ActivityEvent::Reply { file, no_file, .. }) => match file.as_deref() {
            Some("stored") => return None,
            Some(state @ ("wanted" | "lost")) if no_file.is_some() => {
                let so_far = if state == "wanted" { " so far" } else { "" };
                return no_file.as_ref().map(|why| format!("it could not be fetched{so_far}: {why}"));
            }
            Some("wanted") => "it is being fetched: try again in a moment",
            Some("lost") => "it could not be fetched",
            Some("dropped") => "it is no longer kept",
            _ => "no picture or document came with it",
        },
        Some(_) => "this is not a reply: there is nothing to save",
    };
    Some(why.to_owned())
}
