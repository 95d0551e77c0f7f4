//! What completed effects change. The completion of an outdated request changes nothing.

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    activity, answer, armed, customer, failed_reads, find, follow_found, follow_ups, form, keys, leave, lists, marks,
    overlays, plan, retries, step_message, steps, uncertain, views, written,
};
use crate::app::DatabaseState;
use crate::app::view::{Anchor, BlastView, ChangesSince, ElsewhereRow, RecipientDetails, RecipientRow, SenderView};
use crate::domain::ids::RecipientId;
use crate::domain::status::Status;
use crate::domain::unseen::SeenSpan;
use crate::tui::effect::{Completion, Effect, EffectError, EffectResult, ListPart};
use crate::tui::format::TimeFormat;
use crate::tui::model::{
    BlastForm, Changed, Model, Notice, Overlay, PageRequest, Pane, Prompt, ResolutionChoice, UnreadPart,
};

pub fn completed(model: &mut Model, completion: Completion) -> Vec<Effect> {
    match completion {
        Completion::Blasts(rows) => return blasts(model, rows),
        Completion::List { ticket, part, asked, rows, newest } if ticket == model.recipients.ticket => {
            return list(model, (part, newest), asked, rows);
        }
        Completion::Written { request, outcome } => return written::written(model, &request, outcome),
        Completion::Draft(answer) => return form::answered(model, answer),
        Completion::Edited(edited) => return edited_elsewhere(model, edited),
        Completion::Practised(ended) => {
            if let Err(why) = ended {
                model.refuse(why);
            }
            return vec![Effect::Repaint];
        }
        Completion::LeasesReleased => return vec![Effect::Suspend(armed::goes_on(model))],
        happened @ (Completion::Activity { .. } | Completion::ActivityHead(_) | Completion::ActivitySeen(_)) => {
            return activity_read(model, happened);
        }
        Completion::Others(others) => with(model, others, |model, others| model.presence.others = others),
        Completion::Senders(senders) => return senders_read(model, senders),
        Completion::Rows(updated) => with(model, updated, rows),
        Completion::SomeGone { gone, rows } => return some_gone(model, rows, &gone),
        Completion::Count { ticket, total } if ticket == model.recipients.ticket => {
            with(model, total, |model, total| model.recipients.total = Some(total));
        }
        Completion::CountWider { ticket, total } if ticket == model.recipients.ticket => {
            with(model, total, |model, total| {
                if let Some(Prompt::Find(find)) = &mut model.prompt {
                    find.wider = Some(total);
                }
            });
        }
        Completion::CountChanged { ticket, total } if ticket == model.recipients.ticket => {
            with(model, total, |model, total| model.recipients.changed_since = Some(total));
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
        Completion::Person(details) => read_or_again(model, UnreadPart::Preview, *details, person),
        Completion::Customer { phone, sheet } => {
            if let Err(failure) = &*sheet {
                customer::unread(model, &phone, failure);
            }
            with(model, *sheet, |model, sheet| customer::loaded(model, &phone, sheet));
        }
        Completion::Plan { blast, plan: read } => plan::read(model, blast, *read),
        Completion::PlanPeople { blast, group, people } => plan::people_read(model, (blast, group), people),
        Completion::HandOver { blasts, missing } => leave::hand_over_known(model, &blasts, missing),
        Completion::Elsewhere { ticket, rows } => return elsewhere(model, ticket, rows),
        completion => return of_blast(model, completion),
    }
    Vec::new()
}

/// The terminal is ours again, with a text or without.
fn edited_elsewhere(model: &mut Model, edited: Result<String, String>) -> Vec<Effect> {
    let mut effects = vec![Effect::Repaint];
    if let Some(Overlay::StepMessage(_)) = model.overlays.last() {
        step_message::edited_elsewhere(model, edited);
    } else {
        effects.extend(form::edited_elsewhere(model, edited));
    }
    effects
}

fn senders_read(model: &mut Model, senders: EffectResult<Vec<SenderView>>) -> Vec<Effect> {
    with(model, senders, |model, senders| (model.senders, model.knows_senders) = (senders, true));
    if model.knows_senders && std::mem::take(&mut model.wants_form) { form::open_new(model) } else { Vec::new() }
}

/// What was read of one blast because of a key or a view.
fn of_blast(model: &mut Model, completion: Completion) -> Vec<Effect> {
    match completion {
        Completion::AllFound { ticket, people } if ticket == model.recipients.ticket => {
            return marks::all_found(model, people);
        }
        Completion::Progress(read) => read_or_again(model, UnreadPart::Views, read, views::progress_read),
        Completion::Errors { blast, errors } => {
            let used = |model: &mut Model, errors| views::errors_read(model, blast, errors);
            read_or_again(model, UnreadPart::Views, errors, used);
        }
        Completion::Steps(read) => with(model, read, steps::loaded),
        Completion::TakenBackBy { blast, by } => {
            with(model, by, |model, by| armed::taken_back_by(model, blast, by));
        }
        Completion::BeforeResend { of, known } => {
            with(model, known, |model, known| uncertain::known_before_resend(model, &of, known));
        }
        Completion::Retryable { blast, people, nobody } => retries::counted_now(model, blast, (people, nobody)),
        Completion::FollowUp(preview) => follow_ups::loaded(model, preview),
        Completion::FoundFollowUp(preview) => follow_found::loaded(model, preview),
        Completion::FollowUpResponses { blast, came_back } => {
            let used = |model: &mut Model, came_back| follow_ups::chain_read(model, blast, came_back);
            read_or_again(model, UnreadPart::Chain, came_back, used);
        }
        // Outdated.
        _ => {}
    }
    Vec::new()
}

/// Uses what was read for a part of the screen that is read once for each of its states; what could not be read is read again.
fn read_or_again<T>(model: &mut Model, part: UnreadPart, result: EffectResult<T>, used: impl FnOnce(&mut Model, T)) {
    match result {
        Ok(value) => used(model, value),
        Err(failure) => failed_reads::failed(model, part, &failure),
    }
}

fn elsewhere(model: &mut Model, ticket: u64, rows: EffectResult<Vec<ElsewhereRow>>) -> Vec<Effect> {
    let is_asked = matches!(&model.prompt, Some(Prompt::Find(find)) if find.ticket == ticket);
    with(model, rows, |model, rows| {
        let rows = find::endings_first(model, rows);
        if let Some(Prompt::Find(find)) = &mut model.prompt
            && is_asked
        {
            find.elsewhere = Some(rows);
        }
    });
    if is_asked { find::elsewhere_read(model) } else { Vec::new() }
}

/// What happened, or how much of it is new.
fn activity_read(model: &mut Model, completion: Completion) -> Vec<Effect> {
    match completion {
        Completion::Activity { ticket, before, limit, page } => {
            return activity::page_read(model, (ticket, before, limit), page);
        }
        Completion::ActivityHead(Ok(head)) => return activity::head_read(model, head),
        Completion::ActivityHead(Err(failure)) => failed(model, &failure),
        Completion::ActivitySeen(head) => return activity::recorded(model, head),
        _ => {}
    }
    Vec::new()
}

/// Uses what was read, or says why it could not be.
fn with<T>(model: &mut Model, result: EffectResult<T>, used: impl FnOnce(&mut Model, T)) {
    match result {
        Ok(value) => used(model, value),
        Err(failure) => failed(model, &failure),
    }
}

/// A read failed. That the database is down is for the header to say.
pub(super) fn failed(model: &mut Model, failure: &EffectError) {
    match failure {
        EffectError::Unavailable | EffectError::Unconfirmed | EffectError::Unread => {
            if model.database == DatabaseState::Up {
                model.database = DatabaseState::Down { since: model.now };
            }
        }
        EffectError::Overtaken(overtaken) => model.refuse(overtaken.to_string()),
        EffectError::List(why) | EffectError::Other(why) | EffectError::AsItStands { why, .. } => {
            model.refuse(why.clone());
        }
    }
}

fn blasts(model: &mut Model, rows: EffectResult<Vec<BlastView>>) -> Vec<Effect> {
    match rows {
        Ok(rows) => {
            model.database = DatabaseState::Up;
            let written_on = model.form.as_deref().and_then(BlastForm::id).filter(|id| model.blasts.get(*id).is_some());
            let is_unchosen = model.blasts.is_unchosen();
            if model.blasts.take(rows) == Changed::Yes {
                model.news_at = Some(model.now);
            }
            if let Some(id) = model.opens_on().filter(|_| is_unchosen) {
                model.blasts.select(id);
            }
            model.speeds.read(model.blasts.rows(), model.now);
            armed::recheck(model);
            let mut effects = failed_reads::read_again(model);
            effects.extend(armed::ask_who_took_back(model));
            effects.extend(lists::follow_selection(model));
            effects.extend(follow_ups::read_chain(model));
            effects.extend(plan::refresh(model));
            effects.extend(form::noticed(model, written_on));
            effects
        }
        Err(failure) => {
            failed(model, &failure);
            Vec::new()
        }
    }
}

fn list(
    model: &mut Model,
    (part, newest): (ListPart, Option<DateTime<Utc>>),
    asked: PageRequest,
    rows: EffectResult<Vec<RecipientRow>>,
) -> Vec<Effect> {
    let mut rows = match rows {
        Ok(rows) => rows,
        Err(failure) => return no_list(model, &failure),
    };
    let (_, direction) = model.recipients.order.reading(model.recipients.direction);
    direction.arrange(&mut rows);
    if part == ListPart::Reload {
        lists::put_in_wanted_order(model, asked, &mut rows);
    }
    let asked = PageRequest { anchor: direction.of_anchor(asked.anchor), ..asked };
    let height = model.layout().people_rows();
    match part {
        ListPart::Reload => {
            let waited = model.recipients.awaiting.take().is_some();
            // The operator began to work in the table while a live list was being read.
            let is_worked_in = model.focus == Pane::Recipients && !model.recipients.is_empty();
            if !waited && is_worked_in && !lists::is_draft_at_start(model) {
                return Vec::new();
            }
            if rows.is_empty() && matches!(asked.anchor, Anchor::From(_)) {
                return vec![lists::from_start(model)];
            }
            if rows.is_empty()
                && waited
                && let Some(effects) = find::widen(model)
            {
                return effects;
            }
            model.recipients.newest = newest;
            model.recipients.reload(rows, asked, height);
            if waited {
                find::say_wider(model);
            }
            if model.focus == Pane::Recipients {
                model.recipients.freeze();
            }
        }
        ListPart::NextPage => model.recipients.take_after(rows, asked.limit, height),
        ListPart::PreviousPage => model.recipients.take_before(rows, asked.limit, height),
    }
    keys::release(model)
}

pub(super) fn no_list(model: &mut Model, failure: &EffectError) -> Vec<Effect> {
    if model.recipients.awaiting.take().is_some() {
        model.recipients.lose();
    }
    model.recipients.fetching = None;
    model.recipients.gathering = false;
    failed(model, failure);
    keys::drop_held(model, "the list did not come".to_owned());
    Vec::new()
}

fn some_gone(model: &mut Model, updated: Vec<RecipientRow>, gone: &[RecipientId]) -> Vec<Effect> {
    rows(model, updated);
    lists::read_without(model, gone)
}

fn rows(model: &mut Model, rows: Vec<RecipientRow>) {
    let in_activity = model.activity.refresh(&rows) == Changed::Yes;
    if model.recipients.refresh(rows) == Changed::Yes || in_activity {
        model.news_at = Some(model.now);
    }
}

fn person(model: &mut Model, loaded: RecipientDetails) {
    overlays::close_answered_question(model, &loaded);
    model.activity.refresh(std::slice::from_ref(&loaded.row));
    model.recipients.refresh(vec![loaded.row.clone()]);
    // Also below an overlay: it is not asked for again once that closes.
    if model.preview_target() == Some(loaded.row.id) {
        model.preview = Some(Box::new(loaded.clone()));
    }
    match model.overlays.last_mut() {
        Some(Overlay::Answer(_)) => answer::loaded(model, loaded),
        Some(Overlay::Details(details)) if details.person == loaded.row.id => {
            if loaded.row.status != Status::Uncertain {
                if details.is_uncertain() && details.choice != ResolutionChoice::LeaveOpen {
                    details.answered = overlays::answered_by(&loaded, &model.options.operator);
                }
                // Where they are uncertain again the question is new: enter does not repeat the last answer.
                details.choice = ResolutionChoice::LeaveOpen;
            } else if *details.asked.get_or_insert(loaded.row.attempt) != loaded.row.attempt {
                // Uncertain once more, by another attempt, between two reads.
                details.choice = ResolutionChoice::LeaveOpen;
            }
            model.activity.saw(loaded.replies.iter().map(|reply| SeenSpan::at(reply.received_at)));
            details.loaded = Some(Box::new(loaded));
        }
        _ => {}
    }
}

/// Whoever opens the window again sooner, or beside another window of theirs, was not away.
const SHORTEST_ABSENCE: TimeDelta = TimeDelta::minutes(2);

/// One line about the time away. Over all blasts it counts people, each once, and says so: the funnels count them in each blast.
fn away(model: &mut Model, since: Option<&ChangesSince>) {
    let Some((since, from)) = since.and_then(|since| Some((since, since.from?))) else { return };
    if model.now - from < SHORTEST_ABSENCE || since.reached.iter().all(|(_, people)| *people == 0) {
        return;
    }
    let clock = TimeFormat { zone: model.options.zone, now: model.now };
    let what: Vec<String> =
        since.reached.iter().filter(|(_, n)| *n > 0).map(|(status, n)| format!("{n} {status}")).collect();
    let text = format!("away {}-{}, people: {}", clock.long(from), clock.minute(model.now), what.join(", "));
    model.say(Notice::done(text));
}
