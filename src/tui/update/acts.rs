//! What changes the database: marks, undo, pause, cancel; the questions before, and the words after.

use super::{lists, prompts};
use crate::app::view::{BlastRow, RecipientRow};
use crate::app::{Marked, MarkedSeveral, TakenBack};
use crate::domain::blast::BlastState;
use crate::domain::ids::{BlastId, RecipientId};
use crate::domain::recipient::Mark;
use crate::domain::status::Status;
use crate::domain::text::clean;
use crate::tui::action::Verb;
use crate::tui::effect::{Effect, EffectError, EffectResult, WriteOutcome, WriteRequest};
use crate::tui::format::{TimeFormat, money, number, symbol};
use crate::tui::model::{
    AmountPrompt, ConfirmBy, ConfirmPrompt, CursorMove, Hint, LOG_MAX, LogLine, Model, NotePrompt, Notice, Overlay,
    Prompt, Sale, armed_until,
};
use crate::tui::widget::TextField;

/// Said while something armed can be taken back; exchanged when the time has come.
const U_STOPS: &str = "u stops it";

/// Said when somebody who was marked is not what the list asks for any more.
const STAY: &str = "; they stay in this list until you leave it";

/// The longest name in a question, in characters.
const BRIEF_MAX: usize = 20;

/// The only way to an act.
pub const fn act(act: WriteRequest) -> Effect {
    Effect::Write(act)
}

/// Somebody that a key is about.
struct ActTarget {
    id: RecipientId,
    who: String,
    note: Option<String>,
    /// The sale that the screen shows, if there is one.
    sale: Option<Sale>,
}

fn target(model: &Model) -> Option<ActTarget> {
    let row = match model.overlays.last() {
        Some(Overlay::Details(details)) => {
            let told = details.told.as_ref().map(|told| &told.row);
            told.or_else(|| model.recipients.get(details.person).map(|person| &person.row))
        }
        Some(_) => None,
        None => model.recipients.at_cursor().map(|person| &person.row),
    }?;
    let who = row.name.clone().unwrap_or_else(|| row.phone.to_string());
    let sale = (row.status == Status::Closed).then_some(Sale::Earlier(row.amount));
    Some(ActTarget { id: row.id, who: brief(&who), note: row.note.clone(), sale })
}

/// Short enough to leave room for what is typed after it.
fn brief(words: &str) -> String {
    let words = clean(words);
    if words.chars().count() <= BRIEF_MAX {
        return words.into_owned();
    }
    let kept: String = words.chars().take(BRIEF_MAX - 1).collect();
    format!("{kept}~")
}

/// Begins an action that changes something: at once, or with its question.
pub fn begin(model: &mut Model, verb: Verb) -> Vec<Effect> {
    match verb {
        Verb::Undo => vec![act(WriteRequest::UndoMine)],
        Verb::Pause => model.blast().map(|blast| act(WriteRequest::Pause(blast.id))).into_iter().collect(),
        Verb::Cancel => cancel(model),
        Verb::Mark => mark_and_step(model),
        _ if is_of_marked(model) => several(model, verb),
        _ => match target(model) {
            Some(target) => one(model, verb, target),
            None => Vec::new(),
        },
    }
}

/// Whether an act is for those who are marked: not when the only one is at the cursor anyway.
fn is_of_marked(model: &Model) -> bool {
    let (marked, cursor) = (&model.recipients.marked, model.recipients.cursor());
    let is_only_cursor = marked.len() == 1 && cursor.is_some_and(|cursor| marked.contains(&cursor));
    model.overlays.is_empty() && !marked.is_empty() && !is_only_cursor
}

fn mark_and_step(model: &mut Model) -> Vec<Effect> {
    if let Some(id) = model.recipients.cursor() {
        model.recipients.toggle_mark(id);
    }
    let height = model.layout().people_rows();
    model.recipients.step(CursorMove::Rows(1), height);
    Vec::new()
}

fn one(model: &mut Model, verb: Verb, target: ActTarget) -> Vec<Effect> {
    let ActTarget { id: person, who, note, sale } = target;
    match verb {
        Verb::Replied => vec![act(WriteRequest::Mark { person, mark: Mark::Replied })],
        Verb::Closed => {
            model.notice = None;
            let close = sale.is_none().then_some(act(WriteRequest::Mark { person, mark: Mark::Closed(None) }));
            let (sale, field) = (sale.unwrap_or(Sale::New), TextField::default());
            model.prompt = Some(Prompt::Amount(AmountPrompt { person, who, field, sale, trouble: None }));
            close.into_iter().collect()
        }
        Verb::Stop => {
            let question = format!("never message {who} again?");
            prompts::ask(model, question, ConfirmBy::Yes, vec![WriteRequest::Mark { person, mark: Mark::OptOut }])
        }
        Verb::TakeBack => vec![act(WriteRequest::UndoPerson(person))],
        Verb::Note => {
            let field = TextField::with(note.as_deref().unwrap_or_default());
            model.prompt = Some(Prompt::Note(NotePrompt { person, who, field }));
            Vec::new()
        }
        _ => Vec::new(),
    }
}

/// Several are marked: a question names how many, and what is done is one act.
fn several(model: &mut Model, verb: Verb) -> Vec<Effect> {
    let people: Vec<RecipientId> = model.recipients.marked.iter().copied().collect();
    let how_many = counted(people.len());
    let each = |mark: Mark| WriteRequest::MarkSeveral { people: people.clone(), mark };
    let (question, then) = match verb {
        Verb::Replied => (format!("{how_many} replied?"), each(Mark::Replied)),
        Verb::Closed => (format!("{how_many} bought, without amounts?"), each(Mark::Closed(None))),
        Verb::Stop => (format!("never message these {how_many} again?"), each(Mark::OptOut)),
        Verb::TakeBack => (format!("take back the last mark of {how_many}?"), WriteRequest::UndoPeople(people)),
        _ => {
            model.refuse(format!("{how_many} are marked, and a note is for one: esc unmarks them"));
            return Vec::new();
        }
    };
    prompts::ask(model, question, ConfirmBy::Yes, vec![then])
}

/// "1 person", "40 people".
fn counted(people: usize) -> String {
    match people {
        1 => "1 person".to_owned(),
        people => format!("{} people", number(i64::try_from(people).unwrap_or(i64::MAX))),
    }
}

fn cancel(model: &mut Model) -> Vec<Effect> {
    let Some(blast) = model.blast() else { return Vec::new() };
    let (id, tag, queued) = (blast.id, brief(&blast.tag), blast.counts.queued);
    if blast.state == BlastState::Draft {
        let people = number(blast.total_recipients);
        let question = format!("delete the draft {tag} and its {people} people?");
        return prompts::ask(model, question, ConfirmBy::Yes, vec![WriteRequest::Delete(id)]);
    }
    if matches!(blast.state, BlastState::Sending | BlastState::Scheduled) {
        return pause_before_cancel(model, id, &tag);
    }
    model.prompt = Some(Prompt::Confirm(cancel_question((id, &tag), queued, TextField::default())));
    Vec::new()
}

/// Nothing more leaves while somebody thinks about it, and the number to type stands still.
fn pause_before_cancel(model: &mut Model, id: BlastId, tag: &str) -> Vec<Effect> {
    let needs = ConfirmBy::Pause { blast: id, field: TextField::default() };
    let question = format!("{tag} is being paused; then it asks.");
    let otherwise = format!("{tag} is paused, not cancelled; S goes on with it");
    model.prompt = Some(Prompt::Confirm(ConfirmPrompt { question, needs, then: Vec::new(), otherwise }));
    vec![act(WriteRequest::Pause(id))]
}

fn cancel_question((id, tag): (BlastId, &str), queued: i64, field: TextField) -> ConfirmPrompt {
    let question = format!("cancel {tag} for good? Type {}, as many are still queued:", number(queued));
    let otherwise = format!("{tag} stays paused; S goes on with it");
    ConfirmPrompt {
        question,
        needs: ConfirmBy::Number { people: queued, field },
        then: vec![WriteRequest::Cancel(id)],
        otherwise,
    }
}

/// The blast stands still: now it can be asked how many are to be left out.
fn ask_once_paused(model: &mut Model, row: &BlastRow) {
    if let Some(Prompt::Confirm(ConfirmPrompt { needs: ConfirmBy::Pause { blast, field }, .. })) = &model.prompt
        && *blast == row.id
        && row.state == BlastState::Paused
    {
        let question = cancel_question((row.id, &brief(&row.tag)), row.counts.queued, field.clone());
        model.prompt = Some(Prompt::Confirm(question));
    }
}

/// An act was done, or refused.
pub fn acted(model: &mut Model, done: &WriteRequest, outcome: EffectResult<WriteOutcome>) -> Vec<Effect> {
    match outcome {
        Ok(WriteOutcome::Marked(marked)) => marked_one(model, done, &marked),
        Ok(WriteOutcome::MarkedSeveral(several)) => marked_several(model, done, &several),
        Ok(WriteOutcome::TakenBack(taken)) => taken_back(model, taken),
        Ok(WriteOutcome::Blast(row)) => blast_changed(model, done, *row),
        Ok(WriteOutcome::Cancelled(people)) => cancelled(model, done, people),
        Ok(WriteOutcome::Deleted) => deleted(model, done),
        Err(failure) => refused(model, done, &failure),
    }
}

fn refused(model: &mut Model, done: &WriteRequest, failure: &EffectError) -> Vec<Effect> {
    let field_is_over = match (&model.prompt, done) {
        (Some(Prompt::Amount(amount)), WriteRequest::Mark { person, .. }) => amount.person == *person,
        (
            Some(Prompt::Confirm(ConfirmPrompt { needs: ConfirmBy::Pause { blast, .. }, .. })),
            WriteRequest::Pause(id),
        ) => blast == id,
        _ => false,
    };
    if field_is_over {
        // What is still typed into it must not be taken for keys.
        prompts::refuse_digits(model, failure.sentence());
    }
    model.refuse(failure.sentence());
    vec![Effect::Blasts]
}

fn marked_one(model: &mut Model, done: &WriteRequest, marked: &Marked) -> Vec<Effect> {
    let id = marked.recipient;
    model.recipients.keep(id);
    model.mine.insert(id);
    if model.hint == Some(Hint::Reply) {
        model.hint = Some(Hint::Undo);
    }
    let mut text = sentence(model, done, marked);
    if leaves_the_list(model, marked) {
        text.push_str(STAY);
    }
    log(model, &text, &marked.command_line);
    model.say(Notice::done(text).hint("u undoes"));
    after_mark(model, &[id])
}

/// Whether somebody was listed and, as marked, is not what the list asks for any more.
fn leaves_the_list(model: &Model, marked: &Marked) -> bool {
    let label = &model.recipients.label;
    model.overlays.is_empty()
        && model.recipients.get(marked.recipient).is_some_and(|person| {
            let after = RecipientRow { status: marked.after, ..person.row.clone() };
            label.still_holds(&person.row) && !label.still_holds(&after)
        })
}

fn marked_several(model: &mut Model, done: &WriteRequest, several: &MarkedSeveral) -> Vec<Effect> {
    let people: Vec<RecipientId> = several.marked.iter().map(|marked| marked.recipient).collect();
    for &id in &people {
        model.recipients.keep(id);
        model.mine.insert(id);
    }
    let mut text = sentence_for_several(done, several);
    if several.marked.iter().any(|marked| leaves_the_list(model, marked)) {
        text.push_str(STAY);
    }
    for marked in &several.marked {
        let each = format!("{}: {} -> {}, one of {}", marked.who, marked.before, marked.after, counted(people.len()));
        log(model, &each, &marked.command_line);
    }
    model.say(Notice::done(text).hint("u undoes"));
    after_mark(model, &people)
}

/// "40 people: replied, by you", and why others were left as they are.
fn sentence_for_several(done: &WriteRequest, MarkedSeveral { marked, refused }: &MarkedSeveral) -> String {
    let what = match done {
        WriteRequest::MarkSeveral { mark: Mark::OptOut, .. } => "never messaged again".to_owned(),
        _ => marked.first().map(|marked| marked.after.to_string()).unwrap_or_default(),
    };
    let who = counted(marked.len());
    match refused.as_slice() {
        [] => format!("{who}: {what}, by you"),
        [why] => format!("{who}: {what}, by you. Not {why}"),
        [why, ..] => format!("{who}: {what}, by you. {} not, the first: {why}", refused.len()),
    }
}

fn sentence(model: &Model, done: &WriteRequest, marked: &Marked) -> String {
    let Marked { who, before, after, .. } = marked;
    let money = |sum| format!("{} {}", symbol(&model.options.currency), money(sum));
    let mark = match done {
        WriteRequest::Mark { mark, .. } => Some(mark),
        WriteRequest::Amend { seen: Some(seen), amount, .. } => {
            return format!("{who}: {} instead of {}, by you", money(*amount), money(*seen));
        }
        WriteRequest::Amend { amount, .. } => return format!("{who}: {}, by you", money(*amount)),
        _ => None,
    };
    match mark {
        Some(Mark::Closed(Some(sum))) => format!("{who}: {after}, {}, by you", money(*sum)),
        _ if before != after => format!("{who}: {before} -> {after}, by you"),
        Some(Mark::Note(_)) => format!("{who}: note written, by you"),
        Some(Mark::OptOut) => format!("{who}: never messaged again, by you"),
        _ => format!("{who}: {after}, by you"),
    }
}

/// Their row, the counts and the open page show it at once.
fn after_mark(model: &Model, people: &[RecipientId]) -> Vec<Effect> {
    let mut effects = vec![Effect::Cells(people.to_vec()), Effect::Blasts];
    if let Some(Overlay::Details(details)) = model.overlays.last()
        && people.contains(&details.person)
    {
        effects.push(Effect::Person(details.person));
    }
    effects
}

fn taken_back(model: &mut Model, taken: TakenBack) -> Vec<Effect> {
    if model.hint == Some(Hint::Undo) {
        model.hint = None;
    }
    let TakenBack { recipients, sentence, command_lines } = taken;
    for command_line in command_lines {
        log(model, &sentence, &command_line);
    }
    model.say(Notice::done(sentence));
    if recipients.is_empty() {
        return vec![Effect::Blasts];
    }
    model.mine.extend(&recipients);
    after_mark(model, &recipients)
}

fn blast_changed(model: &mut Model, done: &WriteRequest, row: BlastRow) -> Vec<Effect> {
    let clock = TimeFormat { zone: model.options.zone, now: model.now };
    let (text, hint) = match armed_until(&row, model.now) {
        Some(until) => (format!("{} starts at {}", row.tag, clock.second(until)), Some(U_STOPS)),
        None if row.state == BlastState::Paused => (format!("{} is paused; S goes on with it", row.tag), None),
        None => (format!("{} is {}", row.tag, row.state), None),
    };
    let verb = match done {
        WriteRequest::Launch(_) => "send",
        WriteRequest::Resume(_) => "resume",
        _ => "pause",
    };
    log(model, &text, &format!("blastdeck blast {verb} {}", row.id));
    model.say(Notice { hint, ..Notice::done(text) });
    ask_once_paused(model, &row);
    model.overlays.retain(|page| !matches!(page, Overlay::Plan(plan) if plan.blast == row.id));
    model.blasts.update(row);
    vec![Effect::Blasts, Effect::Senders]
}

fn cancelled(model: &mut Model, done: &WriteRequest, people: i64) -> Vec<Effect> {
    let WriteRequest::Cancel(id) = done else { return Vec::new() };
    let text = format!("cancelled: {} people were left out", number(people));
    log(model, &text, &format!("blastdeck blast cancel {id}"));
    model.say(Notice::done(text));
    vec![Effect::Blasts]
}

fn deleted(model: &mut Model, done: &WriteRequest) -> Vec<Effect> {
    let WriteRequest::Delete(id) = done else { return Vec::new() };
    log(model, "deleted", &format!("blastdeck blast delete {id}"));
    model.blasts.remove(*id);
    model.say(Notice::done("the draft is deleted"));
    let mut effects = lists::follow_selection(model);
    effects.push(Effect::Blasts);
    effects
}

fn log(model: &mut Model, sentence: &str, command_line: &str) {
    let command_line = model.options.call(command_line);
    if model.log.len() == LOG_MAX {
        model.log.pop_front();
    }
    model.log.push_back(LogLine { at: model.now, sentence: sentence.to_owned(), command_line });
}

/// A stated time has come: what could be taken back a moment ago is on its way.
pub fn time_came(model: &mut Model) -> Vec<Effect> {
    let stale =
        model.notice.as_ref().is_some_and(|notice| notice.hint == Some(U_STOPS)) && model.armed().next().is_none();
    if stale {
        model.say(Notice::done("it has started: p pauses it"));
    }
    vec![Effect::Blasts]
}

/// Whether somebody's row is worth a glance: changed since the last key, by somebody else.
pub fn is_new(model: &Model, row: &RecipientRow) -> bool {
    row.changed_at > model.last_key && !model.mine.contains(&row.id) && row.status != Status::Queued
}
