//! What the answers change. A late answer to an old question changes nothing.

use super::{acts, keys, lists, perform};
use crate::app::DatabaseState;
use crate::app::view::{BlastRow, ChangesSince, RecipientDetails, RecipientRow};
use crate::tui::effect::{Completion, Counted, Effect, EffectError, EffectResult, ListPart};
use crate::tui::format::TimeFormat;
use crate::tui::model::{Changed, Model, Notice, Overlay, PageRequest, Pane, Prompt};

pub fn told(model: &mut Model, answer: Completion) -> Vec<Effect> {
    match answer {
        Completion::Blasts(rows) => return blasts(model, rows),
        Completion::List { ticket, part, asked, rows } if ticket == model.recipients.ticket => {
            return list(model, part, asked, rows);
        }
        Completion::Written { act, outcome } => return acts::acted(model, &act, outcome),
        Completion::LeasesReleased => return vec![Effect::Suspend],
        Completion::Senders(senders) => with(model, senders, |model, senders| model.senders = senders),
        Completion::Cells(rows) => with(model, rows, cells),
        Completion::Count { ticket, counted, total } if ticket == model.recipients.ticket => {
            with(model, total, |model, total| match counted {
                Counted::All => model.recipients.total = Some(total),
                Counted::Changed => model.recipients.changed_since = Some(total),
            });
        }
        Completion::ChangesSince { blast, since } if Some(blast) == model.blast().map(|blast| blast.id) => {
            with(model, since, |model, since| {
                model.since = Some(since).filter(|since| since.from == Some(model.last_key));
            });
        }
        Completion::Away(since) => with(model, since, |model, since| {
            model.seen_at = Some(model.now);
            away(model, since.as_ref());
        }),
        Completion::Person(details) => with(model, *details, person),
        Completion::Plan { blast, plan } => match (model.overlays.last_mut(), *plan) {
            (Some(Overlay::Plan(page)), Ok(told)) if page.blast == blast => page.told = Some(told),
            (Some(Overlay::Plan(page)), Err(failure)) if page.blast == blast => {
                model.overlays.pop();
                model.refuse(failure.sentence());
            }
            _ => {}
        },
        Completion::GoesOn { blast, told } => perform::goes_on(model, blast, told),
        Completion::Elsewhere { ticket, rows } => with(model, rows, |model, rows| {
            if let Some(Prompt::Find(find)) = &mut model.prompt
                && find.ticket == ticket
            {
                find.elsewhere = Some(rows);
            }
        }),
        // Answers to questions that nobody asks any more.
        Completion::List { .. } | Completion::Count { .. } | Completion::ChangesSince { .. } => {}
    }
    Vec::new()
}

/// Uses an answer, or says why there is none.
fn with<T>(model: &mut Model, told: EffectResult<T>, used: impl FnOnce(&mut Model, T)) {
    match told {
        Ok(told) => used(model, told),
        Err(failure) => failed(model, &failure),
    }
}

/// A failed reading. That the database is away is told by the header, in one place.
fn failed(model: &mut Model, failure: &EffectError) {
    match failure {
        EffectError::Unavailable if model.database == DatabaseState::Up => {
            model.database = DatabaseState::Down { since: model.now };
        }
        EffectError::Unavailable => {}
        EffectError::Other(sentence) => model.refuse(sentence.clone()),
    }
}

fn blasts(model: &mut Model, rows: EffectResult<Vec<BlastRow>>) -> Vec<Effect> {
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

fn list(model: &mut Model, part: ListPart, asked: PageRequest, rows: EffectResult<Vec<RecipientRow>>) -> Vec<Effect> {
    let rows = match rows {
        Ok(rows) => rows,
        Err(failure) => return no_list(model, &failure),
    };
    let height = model.layout().people_rows();
    match part {
        ListPart::Reload => {
            let waited = model.recipients.awaiting.take().is_some();
            // Somebody began to work in the table while a live answer was on its way.
            if !waited && model.focus == Pane::Recipients && !model.recipients.is_empty() {
                return Vec::new();
            }
            model.recipients.take_fresh(rows, asked, height);
            if model.focus == Pane::Recipients {
                model.recipients.freeze();
            }
        }
        ListPart::NextPage => model.recipients.take_after(rows, asked.limit, height),
        ListPart::PreviousPage => model.recipients.take_before(rows, asked.limit, height),
    }
    keys::release(model)
}

fn no_list(model: &mut Model, failure: &EffectError) -> Vec<Effect> {
    model.recipients.awaiting = None;
    model.recipients.fetching = None;
    failed(model, failure);
    if !model.held.is_empty() {
        model.held.clear();
        model.refuse("the list did not come: the keys typed meanwhile were not used");
    }
    Vec::new()
}

fn cells(model: &mut Model, rows: Vec<RecipientRow>) {
    if model.recipients.refresh(rows) == Changed::Yes {
        model.news_at = Some(model.now);
    }
}

fn person(model: &mut Model, told: RecipientDetails) {
    model.recipients.refresh(vec![told.row.clone()]);
    if let Some(Overlay::Details(details)) = model.overlays.last_mut()
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
    let clock = TimeFormat { zone: model.options.zone, now: model.now };
    let what: Vec<String> =
        since.reached.iter().filter(|(_, n)| *n > 0).map(|(status, n)| format!("{n} {status}")).collect();
    let text = format!("away {}-{}: {}", clock.long(from), clock.minute(model.now), what.join(", "));
    model.say(Notice::done(text));
}
