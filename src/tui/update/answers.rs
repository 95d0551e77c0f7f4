//! What the answers change. A late answer to an old question changes nothing.

use super::{acts, keys, lists, perform};
use crate::engine::DatabaseState;
use crate::engine::view::{BlastRow, ChangesSince, RecipientDetails, RecipientRow};
use crate::tui::effect::{Answer, Counted, Effect, Failure, Part, Told};
use crate::tui::format::Clock;
use crate::tui::model::{Asked, Changed, Model, Notice, Page, Pane, Prompt};

pub fn told(model: &mut Model, answer: Answer) -> Vec<Effect> {
    match answer {
        Answer::Blasts(rows) => return blasts(model, rows),
        Answer::List { ticket, part, asked, rows } if ticket == model.people.ticket => {
            return list(model, part, asked, rows);
        }
        Answer::Acted { act, outcome } => return acts::acted(model, &act, outcome),
        Answer::Rested => return vec![Effect::Suspend],
        Answer::Senders(senders) => with(model, senders, |model, senders| model.senders = senders),
        Answer::Cells(rows) => with(model, rows, cells),
        Answer::Count { ticket, counted, total } if ticket == model.people.ticket => {
            with(model, total, |model, total| match counted {
                Counted::All => model.people.total = Some(total),
                Counted::Changed => model.people.changed_since = Some(total),
            });
        }
        Answer::ChangesSince { blast, since } if Some(blast) == model.blast().map(|blast| blast.id) => {
            with(model, since, |model, since| {
                model.since = Some(since).filter(|since| since.from == Some(model.last_key));
            });
        }
        Answer::Away(since) => with(model, since, |model, since| {
            model.seen_at = Some(model.now);
            away(model, since.as_ref());
        }),
        Answer::Person(details) => with(model, *details, person),
        Answer::Plan { blast, plan } => match (model.pages.last_mut(), *plan) {
            (Some(Page::Plan(page)), Ok(told)) if page.blast == blast => page.told = Some(told),
            (Some(Page::Plan(page)), Err(failure)) if page.blast == blast => {
                model.pages.pop();
                model.refuse(failure.sentence());
            }
            _ => {}
        },
        Answer::GoesOn { blast, told } => perform::goes_on(model, blast, told),
        Answer::Elsewhere { ticket, rows } => with(model, rows, |model, rows| {
            if let Some(Prompt::Find(find)) = &mut model.prompt
                && find.ticket == ticket
            {
                find.elsewhere = Some(rows);
            }
        }),
        // Answers to questions that nobody asks any more.
        Answer::List { .. } | Answer::Count { .. } | Answer::ChangesSince { .. } => {}
    }
    Vec::new()
}

/// Uses an answer, or says why there is none.
fn with<T>(model: &mut Model, told: Told<T>, used: impl FnOnce(&mut Model, T)) {
    match told {
        Ok(told) => used(model, told),
        Err(failure) => failed(model, &failure),
    }
}

/// A failed reading. That the database is away is told by the header, in one place.
fn failed(model: &mut Model, failure: &Failure) {
    match failure {
        Failure::Unavailable if model.database == DatabaseState::Up => {
            model.database = DatabaseState::Down { since: model.now };
        }
        Failure::Unavailable => {}
        Failure::Other(sentence) => model.refuse(sentence.clone()),
    }
}

fn blasts(model: &mut Model, rows: Told<Vec<BlastRow>>) -> Vec<Effect> {
    match rows {
        Ok(rows) => {
            model.database = DatabaseState::Up;
            if model.blasts.take(rows) == Changed::Yes {
                model.news_at = Some(model.now);
            }
            lists::follow_selection(model)
        }
        Err(failure) => {
            failed(model, &failure);
            Vec::new()
        }
    }
}

fn list(model: &mut Model, part: Part, asked: Asked, rows: Told<Vec<RecipientRow>>) -> Vec<Effect> {
    let rows = match rows {
        Ok(rows) => rows,
        Err(failure) => return no_list(model, &failure),
    };
    let height = model.layout().people_rows();
    match part {
        Part::Fresh => {
            let waited = model.people.awaiting.take().is_some();
            // Somebody began to work in the table while a live answer was on its way.
            if !waited && model.focus == Pane::People && !model.people.is_empty() {
                return Vec::new();
            }
            model.people.take_fresh(rows, asked, height);
            if model.focus == Pane::People {
                model.people.freeze();
            }
        }
        Part::After => model.people.take_after(rows, asked.limit, height),
        Part::Before => model.people.take_before(rows, asked.limit, height),
    }
    keys::release(model)
}

fn no_list(model: &mut Model, failure: &Failure) -> Vec<Effect> {
    model.people.awaiting = None;
    model.people.fetching = None;
    failed(model, failure);
    if !model.held.is_empty() {
        model.held.clear();
        model.refuse("the list did not come: the keys typed meanwhile were not used");
    }
    Vec::new()
}

fn cells(model: &mut Model, rows: Vec<RecipientRow>) {
    if model.people.refresh(rows) == Changed::Yes {
        model.news_at = Some(model.now);
    }
}

fn person(model: &mut Model, told: RecipientDetails) {
    model.people.refresh(vec![told.row.clone()]);
    if let Some(Page::Details(details)) = model.pages.last_mut()
        && details.person == told.row.id
    {
        details.told = Some(Box::new(told));
    }
}

/// One line about the time away.
fn away(model: &mut Model, since: Option<&ChangesSince>) {
    let Some((since, from)) = since.and_then(|since| Some((since, since.from?))) else { return };
    if since.reached.iter().all(|(_, people)| *people == 0) {
        return;
    }
    let clock = Clock { zone: model.options.zone, now: model.now };
    let what: Vec<String> =
        since.reached.iter().filter(|(_, n)| *n > 0).map(|(status, n)| format!("{n} {status}")).collect();
    let text = format!("away {}-{}: {}", clock.long(from), clock.minute(model.now), what.join(", "));
    model.say(Notice::done(text));
}
