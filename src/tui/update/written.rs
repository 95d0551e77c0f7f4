//! What a write came to: what the operator reads, what the log keeps, what is read again.

use super::marks::opt_out_in;
use super::{
    answer, armed, attention, blast_acts, completions, customer, follow_ups, form, keys, lists, lost, pace, plan,
    prompts, reports, retries, selection, senders, step_message, steps, welcome,
};
use crate::app::view::{BlastView, RecipientRow};
use crate::app::{Marked, MarkedSeveral, SavedFile, UndoOutcome};
use crate::domain::blast::BlastState;
use crate::domain::ids::RecipientId;
use crate::domain::recipient::Mark;
use crate::domain::status::Status;
use crate::domain::text::shell_quoted;
use crate::tui::effect::{Effect, EffectError, EffectResult, ReadRequest, WriteOutcome, WriteRequest};
use crate::tui::format::{count_of, counted, in_currency};
use crate::tui::model::{ConfirmBy, ConfirmPrompt, Hint, LOG_MAX, LogLine, Model, NoUndo, Notice, Overlay, Prompt};

/// Added when somebody who was marked no longer matches the list.
const STAY: &str = "; they stay in this list until you leave it";

/// Above this many marked people only those in the window are read again.
const ROWS_MAX: usize = 1_000;

/// A write was completed, or refused.
pub fn written(model: &mut Model, request: &WriteRequest, outcome: EffectResult<WriteOutcome>) -> Vec<Effect> {
    let is_typed_since = model.unwritten.begun_at(request).is_some_and(|begun| model.last_key > begun);
    let about = model.unwritten.end(request).unwrap_or_else(|| lost::about(model, request));
    if let WriteRequest::Draft(request) = request {
        return form::written(model, request, outcome);
    }
    if let WriteRequest::AddSender(_) = request {
        return welcome::added(model, outcome);
    }
    selection::answered(model, request, &outcome);
    if outcome.as_ref().is_ok_and(WriteOutcome::is_act) {
        model.no_undo = None;
    }
    match outcome {
        Ok(WriteOutcome::Draft(_) | WriteOutcome::SenderAdded(_)) => Vec::new(),
        Ok(WriteOutcome::PlanSaved(path)) => plan::saved(model, request, &path),
        Ok(outcome) if matches!(request, WriteRequest::SendTest { .. }) => plan::tested(model, request, &outcome),
        Ok(WriteOutcome::Blast(row)) if matches!(request, WriteRequest::Skip { .. }) => {
            blast_acts::skipped(model, request, &row)
        }
        Ok(WriteOutcome::Blast(row)) if matches!(request, WriteRequest::EditPace { .. }) => {
            pace::edited(model, request, *row)
        }
        Ok(WriteOutcome::Marked(marked)) => marked_one(model, request, &marked),
        Ok(WriteOutcome::MarkedSeveral(several)) => marked_several(model, request, &several),
        Ok(WriteOutcome::Undone(outcome)) => {
            // Whoever wants it back presses u, which would take back an older act.
            let is_by_person = !people_of(request).is_empty();
            model.no_undo = is_by_person.then_some(NoUndo { what: "an undo", is_said: false });
            undone(model, outcome)
        }
        Ok(WriteOutcome::AsksFirst { question, then }) => asks_first(model, question, then),
        Ok(WriteOutcome::Blast(row)) => blast_changed(model, request, *row),
        Ok(WriteOutcome::Cancelled(people)) => cancelled(model, request, people),
        Ok(WriteOutcome::Retried { blast, people }) => retries::retried(model, *blast, people),
        Ok(WriteOutcome::Report(path)) => reports::reported(model, request, &path),
        Ok(WriteOutcome::Exported { path, people }) => reports::exported(model, request, &path, people),
        Ok(WriteOutcome::Drafted { blast, people }) => follow_ups::made(model, request, *blast, people),
        Ok(WriteOutcome::StepAdded(step)) => follow_ups::step_added(model, &step),
        Ok(WriteOutcome::StepChanged) => steps::changed(model, request),
        Ok(WriteOutcome::Deleted) => deleted(model, request),
        Ok(WriteOutcome::Outdated(row)) => blast_acts::outdated(model, request, &row, is_typed_since),
        Ok(WriteOutcome::Answered(queued)) => answer::queued(model, request, &queued),
        Ok(WriteOutcome::Shop(outcome)) => customer::written(model, request, &outcome),
        Ok(WriteOutcome::FileSaved(saved)) => file_saved(model, request, &saved),
        Ok(WriteOutcome::SenderConfirmed(confirmed)) => senders::confirmed(model, request, confirmed),
        Err(failure) => refused(model, (request, &about), &failure, is_typed_since),
    }
}

fn file_saved(model: &mut Model, request: &WriteRequest, saved: &SavedFile) -> Vec<Effect> {
    let WriteRequest::SaveFile(reply) = request else { return Vec::new() };
    let path = saved.path.display().to_string();
    let sentence =
        format!("{} saved to {path}", count_of(i64::try_from(saved.bytes).unwrap_or(i64::MAX), "byte", "bytes"));
    log(model, &sentence, &format!("blastdeck replies save {reply} {}", shell_quoted(&path)));
    model.say(Notice::done(sentence));
    Vec::new()
}

fn refused(
    model: &mut Model,
    (request, about): (&WriteRequest, &str),
    failure: &EffectError,
    is_typed_since: bool,
) -> Vec<Effect> {
    follow_ups::not_made(model, request);
    if let WriteRequest::SendTest { .. } = request {
        plan::test_refused(model);
    }
    if let WriteRequest::Answer(answer) = request {
        answer::refused(model, (answer, about), failure);
        return Vec::new();
    }
    if let WriteRequest::SetStepMessage(edit) = request {
        return step_message::refused(model, edit, failure);
    }
    if let WriteRequest::Shop(write) = request {
        return customer::refused(model, (write, about), failure, is_typed_since);
    }
    if let Some(effects) = plan::not_sent(model, request, failure) {
        return effects;
    }
    let of = match request {
        WriteRequest::Mark { person, .. }
        | WriteRequest::Resolve { person, .. }
        | WriteRequest::Amend { person, .. } => Some(*person),
        _ => None,
    };
    let field_is_over = match (&model.prompt, request) {
        // Another mark of theirs says nothing of the sale.
        (Some(Prompt::Amount(amount)), WriteRequest::Mark { person, mark: Mark::Closed(_) }) => {
            amount.person == *person
        }
        (
            Some(Prompt::Confirm(ConfirmPrompt { by: ConfirmBy::NumberOncePaused { blast, .. }, .. })),
            WriteRequest::Pause(id),
        ) => blast == id,
        _ => false,
    };
    let what = lost::sentence(request, about, failure);
    let why = format!("{what}{}{}", typed(model, request, failure), close_again(model, request));
    if lost::is_lost(failure) {
        // The header says so from now on, as it does of a read.
        completions::failed(model, failure);
    }
    if field_is_over {
        // What is still typed for it must not be handled as keys.
        prompts::refuse_text(model, why, of);
    } else if lost::is_lost(failure) {
        lost::say(model, &why);
    } else {
        let says = failure.seen().filter(|seen| model.blasts.get(seen.blast).is_some()).into_iter().collect();
        model.say(Notice { says, of, ..Notice::refusal(why) });
    }
    if lost::may_be_done(failure) {
        return after_mark(model, people_of(request));
    }
    vec![Effect::Read(ReadRequest::Blasts)]
}

/// Whom an act is about, where it names them.
fn people_of(request: &WriteRequest) -> &[RecipientId] {
    match request {
        WriteRequest::Mark { person, .. }
        | WriteRequest::Resolve { person, .. }
        | WriteRequest::Amend { person, .. }
        | WriteRequest::UndoPerson(person)
        | WriteRequest::UndoAnyMark(person, _) => std::slice::from_ref(person),
        WriteRequest::MarkSeveral { people, .. }
        | WriteRequest::ResolveSeveral { people, .. }
        | WriteRequest::UndoPeople(people)
        | WriteRequest::UndoAnyMarks(people, _) => people,
        _ => &[],
    }
}

/// The amount that a database which does not answer did not take, and a note that nothing did: they are lost otherwise.
fn typed(model: &Model, request: &WriteRequest, failure: &EffectError) -> String {
    let sum = match request {
        WriteRequest::Mark { mark: Mark::Note(note), .. } if !note.is_empty() => return format!("; you typed {note}"),
        WriteRequest::Mark { mark: Mark::Closed(Some(sum)), .. } | WriteRequest::Amend { amount: sum, .. } => *sum,
        _ => return String::new(),
    };
    match failure {
        EffectError::Unavailable | EffectError::Unconfirmed => {
            format!("; you typed {}", in_currency(sum, &model.options.currency))
        }
        _ => String::new(),
    }
}

/// What to do about a sale that somebody else closed first: whoever has read whose it is may change its amount.
fn close_again(model: &mut Model, request: &WriteRequest) -> &'static str {
    let WriteRequest::Mark { person, mark: Mark::Closed(_) } = request else { return "" };
    let is_closed = model.recipients.get(*person).is_some_and(|shown| shown.row.status == Status::Closed);
    if !is_closed {
        return "";
    }
    model.known.insert(*person);
    "; ⟨c⟩ again changes the amount"
}

fn marked_one(model: &mut Model, request: &WriteRequest, marked: &Marked) -> Vec<Effect> {
    let id = marked.recipient;
    model.recipients.keep(id);
    model.marked(id);
    if let Some(amount) = request.amount_of(id) {
        model.recipients.note_amount(id, amount);
        prompts::note_amount(model, id, amount);
    }
    if model.hint == Some(Hint::Reply) {
        model.hint = Some(Hint::Undo);
    }
    let mut text = sentence(model, request, marked) + &marked.replaced_in_words() + &marked.later_in_words();
    if marked.before == Status::Failed && marked.after != Status::Failed {
        text.push_str("; no longer counted as failed");
    }
    if leaves_the_list(model, marked) {
        text.push_str(STAY);
    }
    log(model, &text, &marked.command_line);
    // Once it went out again there is nothing to be taken back, and once it is asked again nothing is decided.
    let is_decision = matches!(request, WriteRequest::Resolve { .. });
    let (of, undoes) = (Some(id).filter(|_| is_decision), Some(marked.action));
    model.say(Notice { of, undoes, ..Notice::done(text).hint(model.undoes()) });
    after_mark(model, &[id])
}

/// Whether somebody was listed and no longer matches, as marked.
fn leaves_the_list(model: &Model, marked: &Marked) -> bool {
    let scope = &model.recipients.scope;
    model.overlays.is_empty()
        && model.recipients.get(marked.recipient).is_some_and(|person| {
            let after = RecipientRow { status: marked.after, ..person.row.clone() };
            scope.still_holds(&person.row) && !scope.still_holds(&after)
        })
}

fn marked_several(model: &mut Model, request: &WriteRequest, several: &MarkedSeveral) -> Vec<Effect> {
    let people: Vec<RecipientId> = several.marked.iter().map(|marked| marked.recipient).collect();
    for marked in &several.marked {
        model.recipients.keep(marked.recipient);
        model.recipients.note_status(marked.recipient, marked.after);
        model.marked(marked.recipient);
    }
    let mut text = super::marked_several::sentence(model, request, several);
    if several.marked.iter().any(|marked| leaves_the_list(model, marked)) {
        text.push_str(STAY);
    }
    for marked in &several.marked {
        let each = format!("{}: {} -> {}, one of {}", marked.who, marked.before, marked.after, counted(people.len()));
        log(model, &each, &marked.command_line);
    }
    // They are one act, which goes by its newest row.
    let undoes = several.marked.iter().map(|marked| marked.action).max_by_key(|action| action.0);
    // They go on together: what is said of a decision about them ends with the first of them.
    let is_decision = matches!(request, WriteRequest::ResolveSeveral { .. });
    let of = people.first().copied().filter(|_| is_decision);
    model.say(Notice { of, undoes, ..Notice::done(text).hint(model.undoes()) });
    after_mark(model, &people)
}

/// The blast in which somebody was marked, wherever the cursor is by now.
pub(super) fn blast_of<'m>(model: &'m Model, marked: &Marked) -> Option<&'m BlastView> {
    let listed = model.recipients.get(marked.recipient).map(|person| person.row.blast_id);
    model.blasts.get(listed.or(model.recipients.blast)?)
}

fn sentence(model: &Model, request: &WriteRequest, marked: &Marked) -> String {
    let Marked { who, before, after, .. } = marked;
    let money = |sum| in_currency(sum, &model.options.currency);
    let by = marked.amount_by.as_ref().map(|by| format!(" of {by}'s")).unwrap_or_default();
    let mark = match request {
        WriteRequest::Mark { mark, .. } => Some(mark),
        WriteRequest::Amend { seen: Some(seen), amount, .. } => {
            return format!("{who}: {}{by} replaced by {}, by you", money(*seen), money(*amount));
        }
        WriteRequest::Amend { amount, .. } => return format!("{who}: {}, by you", money(*amount)),
        _ => None,
    };
    match mark {
        // Written in another window since, or by an order.
        Some(Mark::Closed(Some(sum))) if marked.amount_before.is_some_and(|seen| seen != *sum) => {
            let seen = marked.amount_before.map(money).unwrap_or_default();
            format!("{who}: {seen}{by} replaced by {}, by you", money(*sum))
        }
        Some(Mark::Closed(Some(sum))) => format!("{who}: {after}, {}, by you", money(*sum)),
        _ if before != after => format!("{who}: {before} -> {after}, by you"),
        Some(Mark::Note(_)) => format!("{who}: note written, by you"),
        Some(Mark::OptOut) => {
            format!("{who}: never messaged again{}, by you", opt_out_in(model, blast_of(model, marked)))
        }
        _ => format!("{who}: {after}, by you"),
    }
}

/// Reads again what shows it: their rows, the counts, the open details.
pub(super) fn after_mark(model: &Model, people: &[RecipientId]) -> Vec<Effect> {
    let mut effects =
        vec![Effect::Read(ReadRequest::Rows(shown_first(model, people))), Effect::Read(ReadRequest::Blasts)];
    if let Some(Overlay::Details(details)) = model.overlays.last()
        && people.contains(&details.person)
    {
        effects.push(Effect::Read(ReadRequest::Person(details.person)));
    }
    effects
}

/// Those of the people who are listed now, where they are many: nobody sees the others.
fn shown_first(model: &Model, people: &[RecipientId]) -> Vec<RecipientId> {
    if people.len() <= ROWS_MAX {
        return people.to_vec();
    }
    people.iter().copied().filter(|id| model.recipients.get(*id).is_some()).collect()
}

/// Asks before somebody else's act is undone. Never in the middle of another question or of a text: what is typed is for that one.
fn asks_first(model: &mut Model, question: String, then: WriteRequest) -> Vec<Effect> {
    if model.prompt.is_some() || model.overlays.last().is_some_and(Overlay::is_typed_on) {
        model.refuse("nothing was taken back: that asks first, press the key again to be asked");
        return Vec::new();
    }
    // What was done before it, that key does not reach.
    let otherwise = match then {
        WriteRequest::Pause(_) => "nothing done: it goes on; ⟨U⟩ on a person takes back their last mark",
        _ => "nothing done",
    };
    let (by, otherwise) = (ConfirmBy::Yes, model.with_keys(otherwise));
    model.prompt = Some(Prompt::Confirm(ConfirmPrompt { question, by, then: vec![then], otherwise }));
    keys::ask_alone(model);
    Vec::new()
}

fn undone(model: &mut Model, undone: UndoOutcome) -> Vec<Effect> {
    attention::taken_back(model);
    if model.hint == Some(Hint::Undo) {
        model.hint = None;
    }
    let UndoOutcome { recipients, sentence, command_lines, .. } = undone;
    for command_line in command_lines {
        log(model, &sentence, &command_line);
    }
    model.say(Notice::done(sentence));
    if recipients.is_empty() {
        return vec![Effect::Read(ReadRequest::Blasts)];
    }
    for person in &recipients {
        model.recipients.come_back(*person);
        model.marked(*person);
    }
    after_mark(model, &recipients)
}

fn blast_changed(model: &mut Model, request: &WriteRequest, row: BlastView) -> Vec<Effect> {
    let notice = match row.armed_until(model.now) {
        Some(until) if matches!(request, WriteRequest::Resume(_)) => armed::resumed(model, &row, until),
        Some(until) => armed::announcement(model, &row, until),
        None if row.state == BlastState::Scheduled => armed::scheduled(model, &row),
        None if row.state == BlastState::Paused => armed::paused(model, &row),
        None if row.state == BlastState::Sending && row.is_behind_stop() => armed::behind_stop(model, &row),
        // Only its sender was stopped. Whether it goes on, the line below the funnel says.
        None if matches!(request, WriteRequest::Resume(_)) => senders::may_send_again(model, &row),
        None => Notice::done(format!("{} is {}", model.distinct_name(&row), row.state)),
    };
    armed::note_resumed(model, request, &row);
    let verb = match request {
        WriteRequest::Launch(_) => "send",
        WriteRequest::Resume(_) => "resume",
        _ => "pause",
    };
    log(model, &notice.text, &format!("blastdeck blast {verb} {}", row.id));
    model.say(notice);
    blast_acts::ask_once_paused(model, &row);
    form::close_below(model, &row);
    model.overlays.retain(|page| !matches!(page, Overlay::Plan(plan) if plan.blast == row.id));
    model.blasts.update(row);
    vec![Effect::Read(ReadRequest::Blasts), Effect::Read(ReadRequest::Senders)]
}

fn cancelled(model: &mut Model, request: &WriteRequest, people: i64) -> Vec<Effect> {
    let WriteRequest::Cancel { blast: id, .. } = request else { return Vec::new() };
    let ended = model.blasts.get(*id).filter(|blast| blast.origin.repeat.rule.is_some());
    // Its people are those of the times to come: they missed nothing.
    let text = ended.map(|blast| format!("{} has ended for good: it is not sent again", model.distinct_name(blast)));
    let rest = if people > 0 && text.is_none() { "; ⟨d⟩ in Blasts makes a draft to them" } else { "" };
    let left_out = || match people {
        0 => "cancelled: nobody was left to send to".to_owned(),
        people => format!("cancelled: {} left out", count_of(people, "person was", "people were")),
    };
    let text = text.unwrap_or_else(left_out);
    log(model, &text, &format!("blastdeck blast cancel {id}"));
    model.say(Notice::done(text + rest));
    vec![Effect::Read(ReadRequest::Blasts)]
}

fn deleted(model: &mut Model, request: &WriteRequest) -> Vec<Effect> {
    let WriteRequest::Delete { blast: id, .. } = request else { return Vec::new() };
    log(model, "deleted", &format!("blastdeck blast delete {id}"));
    model.blasts.remove(*id);
    model.say(Notice::done("the draft is deleted"));
    let mut effects = lists::follow_selection(model);
    effects.push(Effect::Read(ReadRequest::Blasts));
    effects
}

pub(super) fn log(model: &mut Model, sentence: &str, command_line: &str) {
    let command_line = model.options.call(command_line);
    if model.log.len() == LOG_MAX {
        model.log.pop_front();
    }
    let (at, zone) = (model.now, model.options.zone);
    model.log.push_back(LogLine { at, sentence: model.with_keys(sentence), zone, command_line });
}
