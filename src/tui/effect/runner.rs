//! Runs effects against the engine, each on its own task, and reports their completion. A read that is requested again
//! while it is in flight runs once more afterwards; writes run one after the other.

mod patience;
mod taking;
mod this_window;

use std::collections::{HashMap, HashSet};
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use tokio::sync::mpsc;

use self::patience::{KEY_WAIT, patience, pause_factor, within};
use super::{
    ALL_FOUND_MAX, Completion, DraftWrite, ELSEWHERE_MAX, Effect, EffectResult, ListPart, ReadRequest, ReadSlot,
    WriteRequest, acts, drafts, editor,
};
use crate::app::view::{Anchor, BlastFilter, BlastView, ChangesSince, ElsewhereRow, Order, RecipientQuery, SenderView};
use crate::app::{App, Engines, FoundFollowUp, ImportProgress, StepView};
use crate::domain::filter::Filter;
use crate::domain::ids::{BlastId, RecipientId};
use crate::domain::phone::Phone;
use crate::domain::progress::BlastProgress;
use crate::tui::event_loop::EffectRunner;
use crate::tui::model::PageRequest;

/// A suspension waits no longer than this for the leases to be released.
const RELEASE_MAX: Duration = Duration::from_secs(1);
/// A costly count is never delayed longer than this.
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// What a task reports: a completion, or which slot is free again.
enum TaskReport {
    Completed(Box<Completion>),
    Free(ReadSlot),
}

/// Runs effects against an [`App`].
pub struct AppEffectRunner {
    app: App,
    /// The reads in flight, each with the newest request that waits for its slot.
    reads: HashMap<ReadSlot, Option<ReadRequest>>,
    /// The slots that were read before.
    begun: HashSet<ReadSlot>,
    /// The list that is being taken.
    taking: Option<Arc<ImportProgress>>,
    writes: mpsc::UnboundedSender<WriteRequest>,
    reports: mpsc::UnboundedSender<TaskReport>,
    reported: mpsc::UnboundedReceiver<TaskReport>,
}

impl AppEffectRunner {
    pub fn new(app: App) -> Self {
        let (reports, reported) = mpsc::unbounded_channel();
        let (writes, queue) = mpsc::unbounded_channel();
        tokio::spawn(write_in_order(app.acting(), queue, reports.clone()));
        Self { app, reads: HashMap::new(), begun: HashSet::new(), taking: None, writes, reports, reported }
    }

    /// Starts a read, or keeps it for when its slot is free.
    fn read(&mut self, request: ReadRequest) {
        let slot = request.slot();
        if let Some(waiting) = self.reads.get_mut(&slot) {
            *waiting = Some(request);
            return;
        }
        self.reads.insert(slot, None);
        let (app, reports) = (self.app.clone(), self.reports.clone());
        let pause = pause_factor(&request);
        let longest = if self.begun.insert(slot) { KEY_WAIT } else { Duration::MAX };
        let task = tokio::spawn(async move {
            let turn = app.read_permit(patience(&request).min(longest)).await;
            let app = if turn.is_some() { app } else { app.beside() };
            read(&app, request).await
        });
        tokio::spawn(async move {
            let began = Instant::now();
            // A read that panicked completes nothing, but frees its slot.
            if let Ok(completion) = task.await {
                let _ = reports.send(TaskReport::Completed(Box::new(completion)));
            }
            tokio::time::sleep(began.elapsed().saturating_mul(pause).min(PAUSE_MAX)).await;
            let _ = reports.send(TaskReport::Free(slot));
        });
    }

    /// Writes in order; what may take minutes runs beside them.
    fn write(&mut self, request: WriteRequest) {
        if let WriteRequest::Draft(list @ DraftWrite::TakeList { .. }) = request {
            return self.take_list(list);
        }
        if !request.takes_long() {
            // The queue is read for as long as the runner lives.
            let _ = self.writes.send(request);
            return;
        }
        let app = self.app.acting();
        self.spawn(async move {
            let outcome = Box::pin(acts::write(&app, &request)).await;
            Completion::Written { request, outcome }
        });
    }

    fn spawn(&self, task: impl Future<Output = Completion> + Send + 'static) {
        let reports = self.reports.clone();
        tokio::spawn(async move {
            let _ = reports.send(TaskReport::Completed(Box::new(task.await)));
        });
    }
}

impl EffectRunner for AppEffectRunner {
    fn start(&mut self, effect: Effect) {
        let app = self.app.clone();
        match effect {
            Effect::Read(request) => self.read(request),
            Effect::Write(request) => self.write(request),
            Effect::TouchLastSeen => {
                tokio::spawn(async move {
                    // Repeated within a minute or so: a failure costs nothing.
                    let _ = app.touch_last_seen().await;
                });
            }
            Effect::SeeActivity(shown) => self.spawn(async move {
                let head = app.see_activity(&shown).await;
                Completion::ActivitySeen(head.map_err(Into::into))
            }),
            Effect::RenewPresence => {
                tokio::spawn(async move {
                    // Repeated every minute.
                    let _ = app.renew_presence().await;
                });
            }
            Effect::ReleaseLeases => self.spawn(async move {
                let _ = tokio::time::timeout(RELEASE_MAX, app.suspend_engine()).await;
                Completion::LeasesReleased
            }),
            Effect::ReacquireLeases => app.resume_engine(),
            Effect::StopList => self.stop_list(),
            Effect::Practise(charset) => {
                self.spawn(async move { Completion::Practised(editor::practise(charset).await) });
            }
            Effect::Edit(text) => {
                self.spawn(async move { Completion::Edited(editor::edit(&text).await) });
            }
            // The event loop's own.
            Effect::Copy(_)
            | Effect::Bell
            | Effect::Recolour(_)
            | Effect::CaptureMouse(_)
            | Effect::Suspend(_)
            | Effect::Repaint
            | Effect::Exit(_) => {}
        }
    }

    async fn completed(&mut self) -> Completion {
        loop {
            match self.reported.recv().await {
                Some(TaskReport::Completed(completion)) => return *completion,
                Some(TaskReport::Free(slot)) => {
                    if let Some(next) = self.reads.remove(&slot).flatten() {
                        self.read(next);
                    }
                }
                None => std::future::pending().await,
            }
        }
    }
}

async fn plan(app: &App, blast: BlastId, days: Tz) -> Completion {
    let plan = app.plan_by_days_of(blast, Some(days)).await;
    Completion::Plan { blast, plan: Box::new(plan.map_err(Into::into)) }
}

async fn read(app: &App, request: ReadRequest) -> Completion {
    match request {
        ReadRequest::Blasts => Completion::Blasts(blasts(app).await),
        ReadRequest::Senders => Completion::Senders(senders(app).await),
        ReadRequest::List { ticket, part, query } => list(app, (ticket, part), query).await,
        ReadRequest::Rows(ids) => rows(app, ids).await,
        ReadRequest::Count { ticket, blast, filter } | ReadRequest::CountAgain { ticket, blast, filter } => {
            Completion::Count { ticket, total: app.count(blast, &filter, None).await.map_err(Into::into) }
        }
        ReadRequest::CountWider { ticket, blast, filter } => {
            Completion::CountWider { ticket, total: app.count(blast, &filter, None).await.map_err(Into::into) }
        }
        ReadRequest::CountChanged { ticket, blast, filter, after } => {
            Completion::CountChanged { ticket, total: app.count(blast, &filter, Some(after)).await.map_err(Into::into) }
        }
        ReadRequest::ChangesSince { blast, from } => {
            Completion::ChangesSince { blast, since: app.since(Some(blast), from).await.map_err(Into::into) }
        }
        ReadRequest::Away => Completion::Away(away(app).await),
        ReadRequest::Person(id) => Completion::Person(Box::new(app.recipient(id).await.map_err(Into::into))),
        ReadRequest::Customer(phone) => customer(app, phone).await,
        ReadRequest::Activity { ticket, before, limit } => {
            let page = app.activity(before, limit).await.map_err(Into::into);
            Completion::Activity { ticket, before, limit, page }
        }
        ReadRequest::ActivityHead => Completion::ActivityHead(app.activity_head().await.map_err(Into::into)),
        ReadRequest::Others => Completion::Others(app.others_here().await.map_err(Into::into)),
        ReadRequest::Plan(blast, days) => plan(app, blast, days).await,
        ReadRequest::Progress(blasts) => Completion::Progress(progress(app, blasts).await),
        ReadRequest::Errors(blast) => {
            Completion::Errors { blast, errors: app.explained_errors(blast).await.map_err(Into::into) }
        }
        ReadRequest::AllFound { ticket, blast, filter, as_of } => {
            Completion::AllFound { ticket, people: all_found(app, (blast, filter, as_of)).await }
        }
        ReadRequest::Retryable(blast) => retryable(app, blast).await,
        ReadRequest::TakenBackBy(blast) => taken_back_by(app, blast).await,
        ReadRequest::BeforeResend(of) => before_resend(app, of).await,
        ReadRequest::FollowUp { blast, stuck_at } | ReadRequest::FollowUpAgain { blast, stuck_at } => {
            Completion::FollowUp(app.follow_up_preview(blast, stuck_at).await.map_err(Into::into))
        }
        ReadRequest::FoundFollowUp(from) | ReadRequest::FoundFollowUpAgain(from) => found(app, &from).await,
        ReadRequest::FollowUpResponses(blast) => {
            Completion::FollowUpResponses { blast, came_back: app.came_back(blast).await.map_err(Into::into) }
        }
        ReadRequest::PlanPeople { blast, group } => {
            Completion::PlanPeople { blast, group, people: app.plan_people(blast, group).await.map_err(Into::into) }
        }
        ReadRequest::Steps(blasts) => Completion::Steps(steps(app, blasts).await),
        ReadRequest::Draft(request) => Completion::Draft(drafts::read(app, request).await),
        ReadRequest::HandOver(blasts) => {
            let missing = app.hand_over_each(&blasts, Engines::All).await.map_err(Into::into);
            Completion::HandOver { blasts, missing }
        }
        ReadRequest::Elsewhere { ticket, here, filter, is_ending_first } => {
            Completion::Elsewhere { ticket, rows: Box::pin(elsewhere(app, here, (filter, is_ending_first))).await }
        }
    }
}

async fn retryable(app: &App, blast: BlastId) -> Completion {
    let (people, nobody) = match app.retryable(blast, None).await {
        Ok(count) if count.people == 0 => match app.nobody_to_retry(blast, None, count).await {
            // A webhook is applied in a moment: `T` stays, and counts again.
            Ok(why) if count.named > 0 => (Err(why.into()), None),
            why => (Ok(0), why.ok().map(|why| why.to_string())),
        },
        counted => (counted.map(|count| count.people).map_err(Into::into), None),
    };
    Completion::Retryable { blast, people, nobody }
}

async fn rows(app: &App, asked: Vec<RecipientId>) -> Completion {
    match app.recipients_by_id(&asked).await {
        Err(error) => Completion::Rows(Err(error.into())),
        Ok(rows) if rows.len() == asked.len() => Completion::Rows(Ok(rows)),
        Ok(rows) => {
            let gone = asked.into_iter().filter(|id| rows.iter().all(|row| row.id != *id)).collect();
            Completion::SomeGone { gone, rows }
        }
    }
}

async fn taken_back_by(app: &App, blast: BlastId) -> Completion {
    Completion::TakenBackBy { blast, by: app.taken_back_by(blast).await.map_err(Into::into) }
}

async fn before_resend(app: &App, of: Vec<RecipientId>) -> Completion {
    let known = app.before_resend(&of).await.map_err(Into::into);
    Completion::BeforeResend { of, known }
}

async fn elsewhere(
    app: &App,
    here: Option<BlastId>,
    (filter, is_ending_first): (Filter, bool),
) -> EffectResult<Vec<ElsewhereRow>> {
    let found = if is_ending_first {
        app.find_ending_first(&filter, here, ELSEWHERE_MAX).await
    } else {
        app.find(&filter, here, ELSEWHERE_MAX).await
    };
    Ok(found?)
}

async fn blasts(app: &App) -> EffectResult<Vec<BlastView>> {
    Ok(this_window::blasts(app, app.blasts(&BlastFilter::default()).await?))
}

async fn senders(app: &App) -> EffectResult<Vec<SenderView>> {
    Ok(this_window::senders(app, app.senders().await?))
}

async fn list(app: &App, (ticket, part): (u64, ListPart), query: RecipientQuery) -> Completion {
    let asked = PageRequest { anchor: query.anchor, limit: query.limit };
    let (newest, rows) = match newest_change(app, part, &query).await {
        Ok(newest) => (newest, app.recipients(&query).await.map_err(Into::into)),
        Err(error) => (None, Err(error)),
    };
    Completion::List { ticket, part, asked, rows, newest }
}

/// Of a list that is read from its middle, when anybody in it last changed: what changes after that is news. Read before its rows, so that
/// no change is missed.
async fn newest_change(app: &App, part: ListPart, query: &RecipientQuery) -> EffectResult<Option<DateTime<Utc>>> {
    if part != ListPart::Reload || query.order != Order::NewestChange || query.anchor == Anchor::Start {
        return Ok(None);
    }
    let first = RecipientQuery { anchor: Anchor::Start, limit: 1, ..query.clone() };
    Ok(app.recipients(&first).await?.first().map(|row| row.changed_at))
}

async fn customer(app: &App, phone: Phone) -> Completion {
    let sheet = Box::new(app.customer_sheet(&phone).await.map_err(Into::into));
    Completion::Customer { phone, sheet }
}

async fn found(app: &App, from: &FoundFollowUp) -> Completion {
    Completion::FoundFollowUp(app.found_preview(from).await.map_err(Into::into))
}

async fn steps(app: &App, blasts: Vec<BlastId>) -> EffectResult<Vec<StepView>> {
    let mut read = Vec::new();
    for blast in blasts {
        read.extend(app.steps(blast).await?);
    }
    Ok(read)
}

async fn progress(app: &App, blasts: Vec<BlastId>) -> EffectResult<Vec<(BlastId, BlastProgress)>> {
    let mut read = Vec::with_capacity(blasts.len());
    for blast in blasts {
        read.push((blast, app.progress(blast).await?));
    }
    Ok(read)
}

/// Everybody who matches, in the order of the list; where there are more than are marked at once, up to a page more than that.
async fn all_found(
    app: &App,
    (blast, filter, as_of): (BlastId, Filter, Option<DateTime<Utc>>),
) -> EffectResult<Vec<RecipientId>> {
    let (mut people, mut anchor) = (Vec::new(), Anchor::Start);
    loop {
        let query = RecipientQuery { blast, filter: filter.clone(), order: Order::Row, as_of, anchor, limit: 1_000 };
        let rows = app.recipients(&query).await?;
        let Some(last) = rows.last().filter(|_| people.len() <= ALL_FOUND_MAX) else { return Ok(people) };
        anchor = Anchor::After(last.place());
        people.extend(rows.iter().map(|row| row.id));
    }
}

async fn away(app: &App) -> EffectResult<Option<ChangesSince>> {
    let Some(from) = app.touch_last_seen().await? else { return Ok(None) };
    Ok(Some(app.since(None, from).await?))
}

async fn write_in_order(
    app: App,
    mut queue: mpsc::UnboundedReceiver<WriteRequest>,
    reports: mpsc::UnboundedSender<TaskReport>,
) {
    while let Some(request) = queue.recv().await {
        let outcome = within(&request, Box::pin(acts::write(&app, &request))).await;
        if reports.send(TaskReport::Completed(Box::new(Completion::Written { request, outcome }))).is_err() {
            return;
        }
    }
}
