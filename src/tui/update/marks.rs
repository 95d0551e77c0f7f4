//! The operator's marks: on the person at the cursor at once; on several marked people as one act, after a question.

use std::collections::BTreeMap;

use super::selection::at_once;
use super::{completions, keys, prompts};
use crate::app::view::{BlastView, SenderView};
use crate::domain::blast::BlastState;
use crate::domain::ids::RecipientId;
use crate::domain::recipient::{Mark, Resolution};
use crate::domain::status::Status;
use crate::domain::text::clean;
use crate::tui::effect::{ALL_FOUND_MAX, Effect, EffectResult, ReadRequest, WriteRequest};
use crate::tui::format::{brief, counted, number, total};
use crate::tui::model::{
    AmountPrompt, ConfirmBy, ConfirmPrompt, CursorMove, FoundBy, HandMarked, ListScope, MarkedBy, Model, NoUndo,
    NotePrompt, Notice, Overlay, Pane, PricedSale, Prompt,
};
use crate::tui::widget::TextField;

pub fn replied(model: &mut Model) -> Vec<Effect> {
    if let Some(people) = several(model) {
        return ask_for(model, people, Mark::Replied, |people, others| format!("{people} replied?{others}"));
    }
    if is_uncertain(model) {
        return ask_whether_it_went(model, Mark::Replied, "replied to it");
    }
    if let Some(doubt) = doubt(model) {
        return ask_about(model, Mark::Replied, &format!("{doubt} replied?"));
    }
    let Some((person, _)) = target(model) else { return Vec::new() };
    at_once(model, WriteRequest::Mark { person, mark: Mark::Replied })
}

/// Closes at once, and opens a field for the amount; on somebody closed it only opens the field.
pub fn closed(model: &mut Model) -> Vec<Effect> {
    if let Some(people) = several(model) {
        let question = |people: &str, others: &str| format!("{people} bought, without amounts?{others}");
        return ask_for(model, people, Mark::Closed(None), question);
    }
    if is_uncertain(model) {
        return ask_whether_it_went(model, Mark::Closed(None), "bought");
    }
    if let Some(doubt) = doubt(model) {
        return ask_about(model, Mark::Closed(None), &format!("{doubt} bought?"));
    }
    let Some((person, who)) = target(model) else { return Vec::new() };
    let row = model.person();
    // Somebody else's close came before the key for it: what is typed next was meant for a close, not for another amount. The database
    // knows whose it is, and refuses by their name.
    let lost_race = row.is_some_and(|row| model.is_just_closed_elsewhere(row));
    let sale = match row {
        // An amount of one's own that is on its way: what is typed now takes its place.
        _ if model.unwritten.amount_of(person).is_some() => PricedSale::Earlier(model.unwritten.amount_of(person)),
        Some(row) if row.status == Status::Closed && !lost_race => PricedSale::Earlier(row.amount),
        _ => PricedSale::New,
    };
    model.notice = None;
    let field = TextField::default();
    model.prompt = Some(Prompt::Amount(AmountPrompt { person, who, field, sale, trouble: None }));
    match sale {
        PricedSale::New => at_once(model, WriteRequest::Mark { person, mark: Mark::Closed(None) }),
        PricedSale::Earlier(_) => Vec::new(),
    }
}

pub fn opted_out(model: &mut Model) -> Vec<Effect> {
    if let Some(people) = several(model) {
        let from = opt_out_from(model);
        return ask_for(model, people, Mark::OptOut, |people, _| format!("never message {people} again{from}?"));
    }
    let Some((person, who)) = target(model) else { return Vec::new() };
    let is_queued = model.person().is_some_and(|row| row.status == Status::Queued);
    let undo = if is_queued { format!(" {} queues them again.", model.options.keys.undo()) } else { String::new() };
    let doubt = doubt(model).map(|doubt| format!("{doubt}: ")).unwrap_or_default();
    let question = format!("{doubt}never message {who} again{}?{undo}", opt_out_from(model));
    prompts::ask(model, question, ConfirmBy::Yes, vec![WriteRequest::Mark { person, mark: Mark::OptOut }])
}

fn opt_out_from(model: &Model) -> String {
    opt_out_in(model, model.person().map_or_else(|| model.blast(), |person| model.blasts.get(person.blast_id)))
}

/// Whose messages an opt-out of somebody in this blast ends, where that is not everybody's: it holds for the senders of one business.
pub(super) fn opt_out_in(model: &Model, blast: Option<&BlastView>) -> String {
    let senders = &model.senders;
    let own = blast.and_then(|blast| senders.iter().find(|sender| sender.id == blast.sender_id));
    let is_of_all = |own: &&SenderView| senders.iter().all(|sender| sender.business == own.business);
    own.filter(|own| !is_of_all(own)).map_or_else(String::new, |own| format!(" from {}", clean(&own.business)))
}

/// Undoes the last mark of each, whoever made it.
pub fn take_back(model: &mut Model) -> Vec<Effect> {
    if let Some(people) = several(model) {
        // It is asked once it is known who has a mark, whose they are, and who gets a message by it.
        return vec![Effect::Write(WriteRequest::UndoPeople(people))];
    }
    let Some((person, _)) = target(model) else { return Vec::new() };
    let undo = WriteRequest::UndoPerson(person);
    match doubt(model) {
        Some(doubt) => prompts::ask(model, format!("{doubt}: take back the last mark?"), ConfirmBy::Yes, vec![undo]),
        None => at_once(model, undo),
    }
}

/// Undoes the launch that the line of messages announces, else the operator's own newest act.
pub fn undo_mine(model: &mut Model) -> Vec<Effect> {
    let announced = model.announced().map(|(blast, _)| blast).or_else(|| model.announced_behind_stop());
    let launch = announced.map(|blast| WriteRequest::UndoLaunch(blast.id));
    // Whoever reads the line that names the act knows what is taken back, wherever the cursor is by now. Once another act is under way,
    // that one is the last.
    let named = model.notice.as_ref().and_then(|notice| notice.undoes).filter(|_| model.unwritten.is_empty());
    let named = named.map(WriteRequest::UndoNamed);
    // Whatever else was done meanwhile: until it begins it is what is to be stopped in time.
    if launch.is_none()
        && named.is_none()
        && let Some((blast, until)) = model.own_armed()
    {
        let question = format!("{}: take that back?", model.starts_words(blast, until));
        // Once more, should it be somebody else's by the time of the answer.
        let undo = WriteRequest::UndoLaunch(blast.id);
        return prompts::ask(model, question, ConfirmBy::Yes, vec![undo]);
    }
    if let Some(NoUndo { what, is_said: false }) = model.no_undo.filter(|_| launch.is_none() && named.is_none()) {
        model.no_undo = Some(NoUndo { what, is_said: true });
        model.refuse(format!("⟨u⟩ does not take back {what}: ⟨u⟩ again asks about the act before it"));
        return Vec::new();
    }
    let asks = model.no_undo.is_some();
    // On a line of what needs somebody that is about a blast, the selected one is behind that.
    let meant = model.blast_meant().filter(|_| !model.is_sender_line());
    let shown = meant.or_else(|| model.blast()).map(|blast| blast.id);
    let of_customer = match model.overlays.last() {
        Some(Overlay::Customer(customer)) => customer.person.map(|(person, _)| person),
        _ => None,
    };
    let person = model.person().map(|row| row.id).or(of_customer);
    vec![Effect::Write(launch.or(named).unwrap_or(WriteRequest::UndoMine { shown, person, asks }))]
}

pub fn note(model: &mut Model) -> Vec<Effect> {
    if let Some(people) = several(model) {
        let why = format!("{} are marked, and a note is for one: esc unmarks them", counted(people.len()));
        prompts::refuse_sentence(model, why);
        return Vec::new();
    }
    let Some((person, who)) = target(model) else { return Vec::new() };
    let note = model.person().and_then(|row| row.note.as_deref()).unwrap_or_default();
    let field = TextField::with(note);
    model.prompt = Some(Prompt::Note(NotePrompt { person, who, seen: field.text(), field }));
    Vec::new()
}

/// Marks the person at the cursor for the next act, or unmarks them, and moves on.
pub fn select_and_step(model: &mut Model) -> Vec<Effect> {
    if let Some(id) = model.recipients.cursor() {
        model.recipients.toggle_mark(id);
    }
    let height = model.layout().people_rows();
    if model.recipients.marked.len() <= 1 {
        model.recipients.marked_by = MarkedBy::Rows;
    }
    model.recipients.step(CursorMove::Rows(1), height);
    Vec::new()
}

/// `*`: marks everybody in the list for the next act, which asks first; again, nobody.
pub fn mark_all(model: &mut Model) -> Vec<Effect> {
    if !model.recipients.marked.is_empty() {
        model.recipients.marked.clear();
        model.say(Notice::done("nobody is marked any more: the next key is about one person"));
        return Vec::new();
    }
    let Some(blast) = model.people_of() else { return Vec::new() };
    let people = &mut model.recipients;
    people.gathering = true;
    let (ticket, filter, as_of) = (people.ticket, people.scope.filter(), people.as_of);
    vec![Effect::Read(ReadRequest::AllFound { ticket, blast, filter, as_of })]
}

/// All who match are known: marks them, unless there are too many for one act.
pub fn all_found(model: &mut Model, people: EffectResult<Vec<RecipientId>>) -> Vec<Effect> {
    if !std::mem::take(&mut model.recipients.gathering) {
        return Vec::new();
    }
    match people {
        Err(failure) => return completions::no_list(model, &failure),
        Ok(people) if people.len() > ALL_FOUND_MAX => {
            let unused = keys::discard(model).map(|unused| format!("; {unused}")).unwrap_or_default();
            let most = number(i64::try_from(ALL_FOUND_MAX).unwrap_or(i64::MAX));
            model.refuse(format!(
                "more than {most} are listed, too many for one act: ⟨find-a-person⟩ narrows the list{unused}"
            ));
        }
        Ok(people) => {
            // Whoever changed in place since the list was read is in it still.
            let listed: Vec<RecipientId> = model.recipients.matching().collect();
            let marked: BTreeMap<_, _> = people.into_iter().chain(listed).map(|id| (id, None)).collect();
            let newer = model.recipients.newer().map(total);
            let newer = newer.map_or_else(String::new, |newer| format!(", not for the {newer} newer above the list"));
            let next = if marked.len() == 1 {
                "the next act is for them"
            } else {
                "the next act asks first, and is for all of them"
            };
            let said = format!("{} marked: {next}{newer}", counted(marked.len()));
            model.say(Notice::done(said).hint("esc unmarks"));
            model.recipients.marked = marked;
            model.recipients.marked_by = MarkedBy::List;
        }
    }
    keys::release(model)
}

/// What the keys of a reply and of a sale say in the footer: nothing on somebody whom no message can have reached.
pub fn replied_word(model: &Model) -> &'static str {
    if is_refused(model) { "" } else { "replied" }
}

pub fn closed_word(model: &Model) -> &'static str {
    if is_refused(model) { "" } else { "closed" }
}

/// What `enter` does in the list.
pub fn enter_word(model: &Model) -> &'static str {
    if uncertain_marked(model).is_some() { "answer for all" } else { "details" }
}

fn is_refused(model: &Model) -> bool {
    cannot_have_answered(model).is_some()
        || several(model).is_none() && model.person().is_some_and(|row| !row.status.may_be_reached())
}

/// Why nobody of those whom a key is about can be marked as having replied or bought: nothing of a draft has gone, or of each of several
/// it is open whether a message went, which has to be answered first.
pub fn cannot_have_answered(model: &Model) -> Option<String> {
    if several(model).is_some() {
        let why = "it is not known whether their messages went: press enter, and answer that for all of them first";
        return uncertain_marked(model).map(|_| why.to_owned());
    }
    let row = model.person()?;
    let is_of_draft = model.blasts.get(row.blast_id).is_some_and(|blast| blast.state == BlastState::Draft);
    (row.status == Status::Queued && is_of_draft)
        .then(|| format!("{}: nothing was sent to them yet", brief(&row.who())))
}

/// Whether it is open if a message went to the one whom a key is about.
fn is_uncertain(model: &Model) -> bool {
    several(model).is_none() && model.person().is_some_and(|row| row.status == Status::Uncertain)
}

/// Whoever did that had received the message: asks whether it counts as sent, and marks them with that.
fn ask_whether_it_went(model: &mut Model, mark: Mark, did: &str) -> Vec<Effect> {
    let Some((person, who)) = target(model) else { return Vec::new() };
    let who = doubt(model).unwrap_or(who);
    let question = format!("{who}: it is not known whether their message went. They {did}: count it as sent?");
    let otherwise = "nothing done: it is still open whether their message went".to_owned();
    let attempt = model.person().map_or(0, |row| row.attempt);
    let is_sent = WriteRequest::Resolve { person, attempt, resolution: Resolution::Sent };
    let then = vec![is_sent, WriteRequest::Mark { person, mark }];
    model.prompt = Some(Prompt::Confirm(ConfirmPrompt { question, by: ConfirmBy::Yes, then, otherwise }));
    Vec::new()
}

/// Those who are marked, where all of them are uncertain.
pub(super) fn uncertain_marked(model: &Model) -> Option<Vec<RecipientId>> {
    let is_only = model.recipients.scope == ListScope::Only(Status::Uncertain);
    let is_open =
        |id: &RecipientId| model.recipients.get(*id).map_or(is_only, |person| person.row.status == Status::Uncertain);
    several(model).filter(|people| people.iter().all(is_open))
}

/// The one whom a key is about, with a short name for questions.
fn target(model: &Model) -> Option<(RecipientId, String)> {
    let row = model.person()?;
    Some((row.id, brief(&row.who())))
}

/// The marked people, unless the only one is at the cursor anyway.
fn several(model: &Model) -> Option<Vec<RecipientId>> {
    let (marked, cursor) = (&model.recipients.marked, model.recipients.cursor());
    let is_only_cursor = marked.len() == 1 && cursor.is_some_and(|cursor| marked.contains_key(&cursor));
    let in_list = model.overlays.is_empty() && model.focus != Pane::Activity;
    let for_marked = in_list && !marked.is_empty() && !is_only_cursor;
    for_marked.then(|| marked.keys().copied().collect())
}

/// The most people whom a question names.
const NAMED_MAX: usize = 3;

/// The people of a question: by name where they are few and were marked one by one, since not all of them need be listed.
fn named(model: &Model, people: &[RecipientId]) -> String {
    let marked = people.iter().map(|id| model.recipients.marked.get(id)?.as_ref());
    let few = marked.collect::<Option<Vec<&HandMarked>>>().filter(|few| few.len() <= NAMED_MAX);
    let names = few.map(|few| few.iter().map(|one| name_among(one, &few)).collect::<Vec<_>>());
    match names.as_deref() {
        Some([only]) => only.clone(),
        Some([first @ .., last]) if first.len() < NAMED_MAX => {
            let has_comma = first.iter().chain([last]).any(|name| name.contains(','));
            format!("{} and {last}", first.join(if has_comma { "; " } else { ", " }))
        }
        _ => counted(people.len()),
    }
}

/// Somebody's name in a question, with the end of their number where another one is called the same, and with all of it where both end
/// alike.
fn name_among(one: &HandMarked, all: &[&HandMarked]) -> String {
    let name = brief(&one.who);
    let mut alike = all.iter().filter(|other| other.phone != one.phone && brief(&other.who) == name).peekable();
    if alike.peek().is_none() {
        return name;
    }
    if alike.any(|other| other.ending() == one.ending()) {
        return format!("{name} ({})", one.phone);
    }
    format!("{name} (ends in {})", one.ending())
}

/// Says of whoever is at the cursor of a list without any of these people that they are not among them.
fn besides(model: &Model, people: &[RecipientId]) -> String {
    let is_listed = people.iter().any(|id| model.recipients.get(*id).is_some());
    match model.person() {
        _ if is_listed => String::new(),
        Some(row) => format!(" ({} is not among them)", brief(&row.who())),
        None => " (none of them is listed)".to_owned(),
    }
}

/// Says that not everybody who is marked changes, where somebody among them can neither have replied nor bought as the list has them.
/// Without their number: a list that is not at the top is older than that.
fn unreached(model: &Model, people: &[RecipientId]) -> &'static str {
    let is_unreached =
        |id: &RecipientId| model.recipients.get(*id).is_some_and(|person| !person.row.status.may_be_reached());
    if people.iter().any(is_unreached) {
        " People whom no message is known to have reached are not changed."
    } else {
        ""
    }
}

/// Whom a key would hit that may have been typed for somebody else: nobody's number ends in the digits that were sought, or several
/// people's do, and the operator has chosen none of them.
fn doubt(model: &Model) -> Option<String> {
    let row = model.person().filter(|_| model.overlays.is_empty() && model.focus == Pane::Recipients)?;
    let who = format!("{}, {}", brief(&row.who()), row.phone);
    match &model.recipients.found_by {
        FoundBy::Inside { digits } => Some(format!("no number ends in {digits}: {who}")),
        FoundBy::Ending { digits, .. } if model.recipients.is_one_of_several() => {
            let found = model.recipients.total.map_or_else(|| "several".to_owned(), total);
            Some(format!("{found} numbers end in {digits}: {who}"))
        }
        FoundBy::Words if model.recipients.is_one_of_several() => match &model.recipients.scope {
            ListScope::Found { text, filter } if filter.seeks_somebody() => {
                let found = model.recipients.total.map_or_else(|| "several".to_owned(), total);
                Some(format!("{found} match {}: {who}", brief(text)))
            }
            _ => None,
        },
        _ => None,
    }
}

/// Asks before the person at the cursor is marked.
fn ask_about(model: &mut Model, mark: Mark, question: &str) -> Vec<Effect> {
    let Some((person, _)) = target(model) else { return Vec::new() };
    prompts::ask(model, question.to_owned(), ConfirmBy::Yes, vec![WriteRequest::Mark { person, mark }])
}

fn ask_for(
    model: &mut Model,
    people: Vec<RecipientId>,
    mark: Mark,
    question: impl FnOnce(&str, &str) -> String,
) -> Vec<Effect> {
    let who = format!("{}{}", named(model, &people), besides(model, &people));
    let question = question(&who, unreached(model, &people));
    prompts::ask(model, question, ConfirmBy::Yes, vec![WriteRequest::MarkSeveral { people, mark }])
}
