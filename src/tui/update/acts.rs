//! What changes the database: marks, undo, pause, cancel; the questions before, and the words after.

use super::{lists, prompts};
use crate::domain::blast::BlastState;
use crate::domain::ids::RecipientId;
use crate::domain::recipient::Mark;
use crate::domain::status::Status;
use crate::domain::text::clean;
use crate::engine::view::BlastRow;
use crate::engine::{Marked, TakenBack};
use crate::tui::action::Verb;
use crate::tui::effect::{Act, Effect, Failure, Outcome, Told};
use crate::tui::format::{Clock, money, number, symbol};
use crate::tui::model::{
    Amount, Hint, LOG_MAX, LogLine, Model, Movement, Needs, Note, Notice, Page, Prompt, armed_until,
};
use crate::tui::widget::Field;

/// Said while something armed can be taken back; exchanged when the time has come.
const U_STOPS: &str = "u stops it";

/// The longest name in a question, in characters.
const BRIEF_MAX: usize = 20;

/// The only way to an act.
pub const fn act(act: Act) -> Effect {
    Effect::Act(act)
}

/// Somebody that a key is about.
struct Target {
    id: RecipientId,
    who: String,
    note: Option<String>,
}

fn target(model: &Model) -> Option<Target> {
    let row = match model.pages.last() {
        Some(Page::Details(details)) => {
            let told = details.told.as_ref().map(|told| &told.row);
            told.or_else(|| model.people.get(details.person).map(|person| &person.row))
        }
        Some(_) => None,
        None => model.people.at_cursor().map(|person| &person.row),
    }?;
    let who = row.name.clone().unwrap_or_else(|| row.phone.to_string());
    Some(Target { id: row.id, who: brief(&who), note: row.note.clone() })
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
        Verb::Undo => vec![act(Act::UndoMine)],
        Verb::Pause => model.blast().map(|blast| act(Act::Pause(blast.id))).into_iter().collect(),
        Verb::Cancel => cancel(model),
        Verb::Mark => mark_and_step(model),
        _ if !model.people.marked.is_empty() && model.pages.is_empty() => several(model, verb),
        _ => match target(model) {
            Some(target) => one(model, verb, target),
            None => Vec::new(),
        },
    }
}

fn mark_and_step(model: &mut Model) -> Vec<Effect> {
    if let Some(id) = model.people.cursor() {
        model.people.toggle_mark(id);
    }
    let height = model.layout().people_rows();
    model.people.step(Movement::Rows(1), height);
    Vec::new()
}

fn one(model: &mut Model, verb: Verb, target: Target) -> Vec<Effect> {
    let Target { id: person, who, note } = target;
    match verb {
        Verb::Replied => vec![act(Act::Mark { person, mark: Mark::Replied })],
        Verb::Closed => {
            model.notice = None;
            model.prompt = Some(Prompt::Amount(Amount { person, who, field: Field::default() }));
            vec![act(Act::Mark { person, mark: Mark::Closed(None) })]
        }
        Verb::Stop => {
            let question = format!("never message {who} again?");
            prompts::ask(model, question, Needs::Yes, vec![Act::Mark { person, mark: Mark::OptOut }])
        }
        Verb::TakeBack => vec![act(Act::UndoPerson(person))],
        Verb::Note => {
            let field = Field::with(note.as_deref().unwrap_or_default());
            model.prompt = Some(Prompt::Note(Note { person, who, field }));
            Vec::new()
        }
        _ => Vec::new(),
    }
}

/// Several are marked: a question names how many.
fn several(model: &mut Model, verb: Verb) -> Vec<Effect> {
    let people: Vec<RecipientId> = model.people.marked.iter().copied().collect();
    let how_many = number(i64::try_from(people.len()).unwrap_or(i64::MAX));
    let each = |mark: Mark| people.iter().map(|&person| Act::Mark { person, mark: mark.clone() }).collect();
    let (question, then): (String, Vec<Act>) = match verb {
        Verb::Replied => (format!("{how_many} people replied?"), each(Mark::Replied)),
        Verb::Closed => (format!("{how_many} people bought, without amounts?"), each(Mark::Closed(None))),
        Verb::Stop => (format!("never message these {how_many} people again?"), each(Mark::OptOut)),
        Verb::TakeBack => {
            let then = people.iter().map(|&person| Act::UndoPerson(person)).collect();
            (format!("take back the last mark of {how_many} people?"), then)
        }
        _ => {
            model.refuse(format!("{how_many} people are marked, and a note is for one: esc unmarks them"));
            return Vec::new();
        }
    };
    prompts::ask(model, question, Needs::Yes, then)
}

fn cancel(model: &mut Model) -> Vec<Effect> {
    let Some(blast) = model.blast() else { return Vec::new() };
    let (id, tag, queued) = (blast.id, brief(&blast.tag), blast.counts.queued);
    if blast.state == BlastState::Draft {
        let people = number(blast.total_recipients);
        let question = format!("delete the draft {tag} and its {people} people?");
        return prompts::ask(model, question, Needs::Yes, vec![Act::Delete(id)]);
    }
    let question = format!("cancel {tag} for good? Type {queued}, as many are still queued:");
    let needs = Needs::Number { people: queued, field: Field::default() };
    prompts::ask(model, question, needs, vec![Act::Cancel(id)])
}

/// An act was done, or refused.
pub fn acted(model: &mut Model, done: &Act, outcome: Told<Outcome>) -> Vec<Effect> {
    match outcome {
        Ok(Outcome::Marked(marked)) => marked_one(model, done, marked),
        Ok(Outcome::TakenBack(taken)) => taken_back(model, taken),
        Ok(Outcome::Blast(row)) => blast_changed(model, done, *row),
        Ok(Outcome::Cancelled(people)) => cancelled(model, done, people),
        Ok(Outcome::Deleted) => deleted(model, done),
        Err(failure) => refused(model, done, &failure),
    }
}

fn refused(model: &mut Model, done: &Act, failure: &Failure) -> Vec<Effect> {
    if let (Some(Prompt::Amount(amount)), Act::Mark { person, .. }) = (&model.prompt, done)
        && amount.person == *person
    {
        model.prompt = None;
    }
    model.refuse(failure.sentence());
    vec![Effect::Blasts]
}

fn marked_one(model: &mut Model, done: &Act, marked: Marked) -> Vec<Effect> {
    let id = marked.recipient;
    model.people.keep(id);
    model.mine.insert(id);
    if model.hint == Some(Hint::Reply) {
        model.hint = Some(Hint::Undo);
    }
    let mut text = sentence(model, done, &marked);
    let stays = model.pages.is_empty()
        && model.people.get(id).is_some_and(|person| {
            let after = crate::engine::view::RecipientRow { status: marked.after, ..person.row.clone() };
            model.people.label.still_holds(&person.row) && !model.people.label.still_holds(&after)
        });
    if stays {
        text.push_str("; they stay in this list until you leave it");
    }
    log(model, &text, marked.command_line);
    model.say(Notice::done(text).hint("u undoes"));
    after_mark(model, id)
}

fn sentence(model: &Model, done: &Act, marked: &Marked) -> String {
    let Marked { who, before, after, .. } = marked;
    let mark = match done {
        Act::Mark { mark, .. } => Some(mark),
        _ => None,
    };
    match mark {
        Some(Mark::Closed(Some(sum))) => {
            format!("{who}: {after}, {} {}, by you", symbol(&model.options.currency), money(*sum))
        }
        _ if before != after => format!("{who}: {before} -> {after}, by you"),
        Some(Mark::Note(_)) => format!("{who}: note written, by you"),
        Some(Mark::OptOut) => format!("{who}: never messaged again, by you"),
        _ => format!("{who}: {after}, by you"),
    }
}

/// Their row, the counts and the open page show it at once.
fn after_mark(model: &Model, id: RecipientId) -> Vec<Effect> {
    let mut effects = vec![Effect::Cells(vec![id]), Effect::Blasts];
    if matches!(model.pages.last(), Some(Page::Details(details)) if details.person == id) {
        effects.push(Effect::Person(id));
    }
    effects
}

fn taken_back(model: &mut Model, taken: TakenBack) -> Vec<Effect> {
    if model.hint == Some(Hint::Undo) {
        model.hint = None;
    }
    log(model, &taken.sentence, taken.command_line);
    model.say(Notice::done(taken.sentence));
    match taken.recipient {
        Some(id) => {
            model.mine.insert(id);
            after_mark(model, id)
        }
        None => vec![Effect::Blasts],
    }
}

fn blast_changed(model: &mut Model, done: &Act, row: BlastRow) -> Vec<Effect> {
    let clock = Clock { zone: model.options.zone, now: model.now };
    let (text, hint) = match armed_until(&row, model.now) {
        Some(until) => (format!("{} starts at {}", row.tag, clock.second(until)), Some(U_STOPS)),
        None if row.state == BlastState::Paused => (format!("{} is paused; S goes on with it", row.tag), None),
        None => (format!("{} is {}", row.tag, row.state), None),
    };
    let verb = match done {
        Act::Launch(_) => "send",
        Act::Resume(_) => "resume",
        _ => "pause",
    };
    log(model, &text, format!("blastdeck blast {verb} {}", row.id));
    model.say(Notice { hint, ..Notice::done(text) });
    model.pages.retain(|page| !matches!(page, Page::Plan(plan) if plan.blast == row.id));
    model.blasts.update(row);
    vec![Effect::Blasts, Effect::Senders]
}

fn cancelled(model: &mut Model, done: &Act, people: i64) -> Vec<Effect> {
    let Act::Cancel(id) = done else { return Vec::new() };
    let text = format!("cancelled: {} people were left out", number(people));
    log(model, &text, format!("blastdeck blast cancel {id}"));
    model.say(Notice::done(text));
    vec![Effect::Blasts]
}

fn deleted(model: &mut Model, done: &Act) -> Vec<Effect> {
    let Act::Delete(id) = done else { return Vec::new() };
    log(model, "deleted", format!("blastdeck blast delete {id}"));
    model.blasts.remove(*id);
    model.say(Notice::done("the draft is deleted"));
    let mut effects = lists::follow_selection(model);
    effects.push(Effect::Blasts);
    effects
}

fn log(model: &mut Model, sentence: &str, command_line: String) {
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
pub fn is_new(model: &Model, row: &crate::engine::view::RecipientRow) -> bool {
    row.changed_at > model.last_key && !model.mine.contains(&row.id) && row.status != Status::Queued
}
