//! What changes the database: marks, undo, pause, cancel; the questions before, and the words after.

use super::{lists, prompts};
use crate::domain::blast::BlastState;
use crate::domain::ids::{BlastId, RecipientId};
use crate::domain::recipient::Mark;
use crate::domain::status::Status;
use crate::domain::text::clean;
use crate::engine::view::{BlastRow, RecipientRow};
use crate::engine::{Marked, MarkedSeveral, TakenBack};
use crate::tui::action::Verb;
use crate::tui::effect::{Act, Effect, Failure, Outcome, Told};
use crate::tui::format::{Clock, money, number, symbol};
use crate::tui::model::{
    Amount, Ask, Hint, LOG_MAX, LogLine, Model, Movement, Needs, Note, Notice, Page, Prompt, Sale, armed_until,
};
use crate::tui::widget::Field;

/// Said while something armed can be taken back; exchanged when the time has come.
const U_STOPS: &str = "u stops it";

/// Said when somebody who was marked is not what the list asks for any more.
const STAY: &str = "; they stay in this list until you leave it";

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
    /// The sale that the screen shows, if there is one.
    sale: Option<Sale>,
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
    let sale = (row.status == Status::Closed).then_some(Sale::Earlier(row.amount));
    Some(Target { id: row.id, who: brief(&who), note: row.note.clone(), sale })
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
        _ if is_of_marked(model) => several(model, verb),
        _ => match target(model) {
            Some(target) => one(model, verb, target),
            None => Vec::new(),
        },
    }
}

/// Whether an act is for those who are marked: not when the only one is at the cursor anyway.
fn is_of_marked(model: &Model) -> bool {
    let (marked, cursor) = (&model.people.marked, model.people.cursor());
    let is_only_cursor = marked.len() == 1 && cursor.is_some_and(|cursor| marked.contains(&cursor));
    model.pages.is_empty() && !marked.is_empty() && !is_only_cursor
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
    let Target { id: person, who, note, sale } = target;
    match verb {
        Verb::Replied => vec![act(Act::Mark { person, mark: Mark::Replied })],
        Verb::Closed => {
            model.notice = None;
            let close = sale.is_none().then_some(act(Act::Mark { person, mark: Mark::Closed(None) }));
            let (sale, field) = (sale.unwrap_or(Sale::New), Field::default());
            model.prompt = Some(Prompt::Amount(Amount { person, who, field, sale, trouble: None }));
            close.into_iter().collect()
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

/// Several are marked: a question names how many, and what is done is one act.
fn several(model: &mut Model, verb: Verb) -> Vec<Effect> {
    let people: Vec<RecipientId> = model.people.marked.iter().copied().collect();
    let how_many = counted(people.len());
    let each = |mark: Mark| Act::MarkSeveral { people: people.clone(), mark };
    let (question, then) = match verb {
        Verb::Replied => (format!("{how_many} replied?"), each(Mark::Replied)),
        Verb::Closed => (format!("{how_many} bought, without amounts?"), each(Mark::Closed(None))),
        Verb::Stop => (format!("never message these {how_many} again?"), each(Mark::OptOut)),
        Verb::TakeBack => (format!("take back the last mark of {how_many}?"), Act::UndoPeople(people)),
        _ => {
            model.refuse(format!("{how_many} are marked, and a note is for one: esc unmarks them"));
            return Vec::new();
        }
    };
    prompts::ask(model, question, Needs::Yes, vec![then])
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
        return prompts::ask(model, question, Needs::Yes, vec![Act::Delete(id)]);
    }
    if matches!(blast.state, BlastState::Sending | BlastState::Scheduled) {
        return pause_before_cancel(model, id, &tag);
    }
    model.prompt = Some(Prompt::Ask(cancel_question((id, &tag), queued, Field::default())));
    Vec::new()
}

/// Nothing more leaves while somebody thinks about it, and the number to type stands still.
fn pause_before_cancel(model: &mut Model, id: BlastId, tag: &str) -> Vec<Effect> {
    let needs = Needs::Pause { blast: id, field: Field::default() };
    let question = format!("{tag} is being paused; then it asks.");
    let otherwise = format!("{tag} is paused, not cancelled; S goes on with it");
    model.prompt = Some(Prompt::Ask(Ask { question, needs, then: Vec::new(), otherwise }));
    vec![act(Act::Pause(id))]
}

fn cancel_question((id, tag): (BlastId, &str), queued: i64, field: Field) -> Ask {
    let question = format!("cancel {tag} for good? Type {}, as many are still queued:", number(queued));
    let otherwise = format!("{tag} stays paused; S goes on with it");
    Ask { question, needs: Needs::Number { people: queued, field }, then: vec![Act::Cancel(id)], otherwise }
}

/// The blast stands still: now it can be asked how many are to be left out.
fn ask_once_paused(model: &mut Model, row: &BlastRow) {
    if let Some(Prompt::Ask(Ask { needs: Needs::Pause { blast, field }, .. })) = &model.prompt
        && *blast == row.id
        && row.state == BlastState::Paused
    {
        let question = cancel_question((row.id, &brief(&row.tag)), row.counts.queued, field.clone());
        model.prompt = Some(Prompt::Ask(question));
    }
}

/// An act was done, or refused.
pub fn acted(model: &mut Model, done: &Act, outcome: Told<Outcome>) -> Vec<Effect> {
    match outcome {
        Ok(Outcome::Marked(marked)) => marked_one(model, done, &marked),
        Ok(Outcome::MarkedSeveral(several)) => marked_several(model, done, &several),
        Ok(Outcome::TakenBack(taken)) => taken_back(model, taken),
        Ok(Outcome::Blast(row)) => blast_changed(model, done, *row),
        Ok(Outcome::Cancelled(people)) => cancelled(model, done, people),
        Ok(Outcome::Deleted) => deleted(model, done),
        Err(failure) => refused(model, done, &failure),
    }
}

fn refused(model: &mut Model, done: &Act, failure: &Failure) -> Vec<Effect> {
    let field_is_over = match (&model.prompt, done) {
        (Some(Prompt::Amount(amount)), Act::Mark { person, .. }) => amount.person == *person,
        (Some(Prompt::Ask(Ask { needs: Needs::Pause { blast, .. }, .. })), Act::Pause(id)) => blast == id,
        _ => false,
    };
    if field_is_over {
        // What is still typed into it must not be taken for keys.
        prompts::refuse_digits(model, failure.sentence());
    }
    model.refuse(failure.sentence());
    vec![Effect::Blasts]
}

fn marked_one(model: &mut Model, done: &Act, marked: &Marked) -> Vec<Effect> {
    let id = marked.recipient;
    model.people.keep(id);
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
    let label = &model.people.label;
    model.pages.is_empty()
        && model.people.get(marked.recipient).is_some_and(|person| {
            let after = RecipientRow { status: marked.after, ..person.row.clone() };
            label.still_holds(&person.row) && !label.still_holds(&after)
        })
}

fn marked_several(model: &mut Model, done: &Act, several: &MarkedSeveral) -> Vec<Effect> {
    let people: Vec<RecipientId> = several.marked.iter().map(|marked| marked.recipient).collect();
    for &id in &people {
        model.people.keep(id);
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
fn sentence_for_several(done: &Act, MarkedSeveral { marked, refused }: &MarkedSeveral) -> String {
    let what = match done {
        Act::MarkSeveral { mark: Mark::OptOut, .. } => "never messaged again".to_owned(),
        _ => marked.first().map(|marked| marked.after.to_string()).unwrap_or_default(),
    };
    let who = counted(marked.len());
    match refused.as_slice() {
        [] => format!("{who}: {what}, by you"),
        [why] => format!("{who}: {what}, by you. Not {why}"),
        [why, ..] => format!("{who}: {what}, by you. {} not, the first: {why}", refused.len()),
    }
}

fn sentence(model: &Model, done: &Act, marked: &Marked) -> String {
    let Marked { who, before, after, .. } = marked;
    let money = |sum| format!("{} {}", symbol(&model.options.currency), money(sum));
    let mark = match done {
        Act::Mark { mark, .. } => Some(mark),
        Act::Amend { seen: Some(seen), amount, .. } => {
            return format!("{who}: {} instead of {}, by you", money(*amount), money(*seen));
        }
        Act::Amend { amount, .. } => return format!("{who}: {}, by you", money(*amount)),
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
    if let Some(Page::Details(details)) = model.pages.last()
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
    log(model, &text, &format!("blastdeck blast {verb} {}", row.id));
    model.say(Notice { hint, ..Notice::done(text) });
    ask_once_paused(model, &row);
    model.pages.retain(|page| !matches!(page, Page::Plan(plan) if plan.blast == row.id));
    model.blasts.update(row);
    vec![Effect::Blasts, Effect::Senders]
}

fn cancelled(model: &mut Model, done: &Act, people: i64) -> Vec<Effect> {
    let Act::Cancel(id) = done else { return Vec::new() };
    let text = format!("cancelled: {} people were left out", number(people));
    log(model, &text, &format!("blastdeck blast cancel {id}"));
    model.say(Notice::done(text));
    vec![Effect::Blasts]
}

fn deleted(model: &mut Model, done: &Act) -> Vec<Effect> {
    let Act::Delete(id) = done else { return Vec::new() };
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
