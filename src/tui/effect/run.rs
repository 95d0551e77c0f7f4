//! Does effects against the engine, each on a task of its own, and answers with messages. A reading that is asked for
//! again while it is under way is done once more afterwards; acts are done one after the other.

use std::collections::HashMap;
use std::future::Future;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use super::{Completion, Counted, ELSEWHERE_MAX, Effect, EffectResult, ListPart, WriteOutcome, WriteRequest};
use crate::app::view::{BlastFilter, ChangesSince, RecipientQuery};
use crate::app::{App, Engines};
use crate::tui::model::PageRequest;
use crate::tui::run::EffectRunner;

/// A suspension does not wait longer than this for the leases to be given up.
const REST_MAX: Duration = Duration::from_secs(1);
/// Counts on the screen are never older than this for want of asking.
const LONGEST_REST: Duration = Duration::from_secs(30);

/// Nobody waits for what is looked at by itself; a list may be what a key asked for.
const PATIENT: Duration = Duration::from_secs(10);
const IMPATIENT: Duration = Duration::from_secs(1);

/// Which readings replace one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Slot {
    Blasts,
    Senders,
    List(ListPart),
    Cells,
    Count(Counted),
    ChangesSince,
    Away,
    Person,
    Plan,
    GoesOn,
    Elsewhere,
}

/// One of a slot is under way; the newest of those asked for meanwhile waits.
type Slots = HashMap<Slot, Option<Effect>>;

/// What the tasks tell: an answer, and which slot is free again.
pub struct Done {
    slot: Option<Slot>,
    pub answer: Option<Completion>,
}

/// Runs effects against an [`App`].
pub struct AppEffectRunner {
    app: App,
    slots: Slots,
    acts: mpsc::UnboundedSender<WriteRequest>,
    tell: mpsc::UnboundedSender<Done>,
    done: mpsc::UnboundedReceiver<Done>,
}

impl AppEffectRunner {
    pub fn new(app: App) -> Self {
        let (tell, done) = mpsc::unbounded_channel();
        let (acts, queue) = mpsc::unbounded_channel();
        tokio::spawn(act_in_turn(app.acting(), queue, tell.clone()));
        Self { app, slots: Slots::new(), acts, tell, done }
    }

    fn read(&self, slot: Slot, effect: Effect) {
        let (app, tell) = (self.app.clone(), self.tell.clone());
        let task = tokio::spawn(async move {
            let turn = app.turn(patience(slot)).await;
            let app = if turn.is_some() { app } else { app.beside() };
            read(&app, effect).await
        });
        tokio::spawn(async move {
            // A reading that panicked has no answer; its slot is free all the same.
            let began = Instant::now();
            let answer = task.await.ok().flatten();
            let _ = tell.send(Done { slot: None, answer });
            tokio::time::sleep(rest_after(slot, began.elapsed())).await;
            let _ = tell.send(Done { slot: Some(slot), answer: None });
        });
    }

    fn aside(&self, task: impl Future<Output = Option<Completion>> + Send + 'static) {
        let tell = self.tell.clone();
        tokio::spawn(async move {
            let _ = tell.send(Done { slot: None, answer: task.await });
        });
    }
}

impl EffectRunner for AppEffectRunner {
    fn start(&mut self, effect: Effect) {
        match effect {
            // A moment for a shop, two minutes for a million people: marks do not wait behind it.
            Effect::Write(act @ (WriteRequest::Cancel(_) | WriteRequest::Delete(_))) => {
                let app = self.app.acting();
                self.aside(async move {
                    let outcome = do_act(&app, &act).await;
                    Some(Completion::Written { act, outcome })
                });
            }
            // The queue is read for as long as the runner lives.
            Effect::Write(act) => _ = self.acts.send(act),
            Effect::TouchLastSeen => {
                let app = self.app.clone();
                self.aside(async move {
                    // A note about this operator; the next one is a minute away.
                    _ = app.seen().await;
                    None
                });
            }
            Effect::ReleaseLeases => {
                let app = self.app.clone();
                self.aside(async move {
                    _ = tokio::time::timeout(REST_MAX, app.suspend_engine()).await;
                    Some(Completion::LeasesReleased)
                });
            }
            Effect::ReacquireLeases => self.app.resume_engine(),
            effect => match slot(&effect) {
                Some(slot) if self.slots.contains_key(&slot) => _ = self.slots.insert(slot, Some(effect)),
                Some(slot) => {
                    self.slots.insert(slot, None);
                    self.read(slot, effect);
                }
                None => {}
            },
        }
    }

    async fn answer(&mut self) -> Completion {
        loop {
            let Some(done) = self.done.recv().await else { std::future::pending().await };
            if let Some(slot) = done.slot
                && let Some(next) = self.slots.remove(&slot).flatten()
            {
                self.start(next);
            }
            if let Some(answer) = done.answer {
                return answer;
            }
        }
    }
}

/// What happened meanwhile is counted person by person, for as long as the screen is not touched: in a large blast that
/// must not be all that the database does. A tenth of the time at most.
fn rest_after(slot: Slot, took: Duration) -> Duration {
    match slot {
        Slot::ChangesSince | Slot::Count(Counted::Changed) => took.saturating_mul(9).min(LONGEST_REST),
        _ => Duration::ZERO,
    }
}

/// How long a reading waits for its turn before it takes a connection of its own. A list may be what a key asked for.
const fn patience(slot: Slot) -> Duration {
    match slot {
        Slot::Blasts | Slot::Senders | Slot::Cells | Slot::Count(_) | Slot::ChangesSince | Slot::Away => PATIENT,
        Slot::List(_) | Slot::Person => IMPATIENT,
        Slot::Plan | Slot::GoesOn | Slot::Elsewhere => Duration::ZERO,
    }
}

const fn slot(effect: &Effect) -> Option<Slot> {
    Some(match effect {
        Effect::Blasts => Slot::Blasts,
        Effect::Senders => Slot::Senders,
        Effect::List { part, .. } => Slot::List(*part),
        Effect::Cells(_) => Slot::Cells,
        Effect::Count { changed_after: None, .. } => Slot::Count(Counted::All),
        Effect::Count { .. } => Slot::Count(Counted::Changed),
        Effect::ChangesSince { .. } => Slot::ChangesSince,
        Effect::Away => Slot::Away,
        Effect::Person(_) => Slot::Person,
        Effect::Plan(_) => Slot::Plan,
        Effect::GoesOn(_) => Slot::GoesOn,
        Effect::Elsewhere { .. } => Slot::Elsewhere,
        _ => return None,
    })
}

async fn read(app: &App, effect: Effect) -> Option<Completion> {
    Some(match effect {
        Effect::Blasts => Completion::Blasts(app.blasts(&BlastFilter::default()).await.map_err(Into::into)),
        Effect::Senders => Completion::Senders(app.senders().await.map_err(Into::into)),
        Effect::List { ticket, part, query } => list(app, ticket, part, query).await,
        Effect::Cells(ids) => Completion::Cells(app.recipients_by_id(&ids).await.map_err(Into::into)),
        Effect::Count { ticket, blast, filter, changed_after } => {
            let counted = if changed_after.is_some() { Counted::Changed } else { Counted::All };
            let total = app.count(blast, &filter, changed_after).await.map_err(Into::into);
            Completion::Count { ticket, counted, total }
        }
        Effect::ChangesSince { blast, from } => {
            Completion::ChangesSince { blast, since: app.since(Some(blast), from).await.map_err(Into::into) }
        }
        Effect::Away => Completion::Away(away(app).await),
        Effect::Person(id) => Completion::Person(Box::new(app.recipient(id).await.map_err(Into::into))),
        Effect::Plan(blast) => Completion::Plan { blast, plan: Box::new(app.plan(blast).await.map_err(Into::into)) },
        Effect::GoesOn(blast) => {
            Completion::GoesOn { blast, told: app.hand_over(blast, Engines::All).await.map_err(Into::into) }
        }
        Effect::Elsewhere { ticket, here, filter } => {
            Completion::Elsewhere { ticket, rows: app.find(&filter, here, ELSEWHERE_MAX).await.map_err(Into::into) }
        }
        _ => return None,
    })
}

async fn list(app: &App, ticket: u64, part: ListPart, query: RecipientQuery) -> Completion {
    let asked = PageRequest { anchor: query.anchor, limit: query.limit };
    Completion::List { ticket, part, asked, rows: app.recipients(&query).await.map_err(Into::into) }
}

async fn away(app: &App) -> EffectResult<Option<ChangesSince>> {
    let Some(from) = app.seen().await? else { return Ok(None) };
    Ok(Some(app.since(None, from).await?))
}

async fn act_in_turn(app: App, mut queue: mpsc::UnboundedReceiver<WriteRequest>, tell: mpsc::UnboundedSender<Done>) {
    while let Some(act) = queue.recv().await {
        let outcome = do_act(&app, &act).await;
        if tell.send(Done { slot: None, answer: Some(Completion::Written { act, outcome }) }).is_err() {
            return;
        }
    }
}

async fn do_act(app: &App, act: &WriteRequest) -> EffectResult<WriteOutcome> {
    let blast = |row| WriteOutcome::Blast(Box::new(row));
    Ok(match act {
        WriteRequest::Mark { person, mark } => WriteOutcome::Marked(app.mark(*person, mark.clone()).await?),
        WriteRequest::Amend { person, seen, amount } => WriteOutcome::Marked(app.amend(*person, *seen, *amount).await?),
        WriteRequest::UndoMine => WriteOutcome::TakenBack(app.undo_mine().await?),
        WriteRequest::MarkSeveral { people, mark } => {
            WriteOutcome::MarkedSeveral(app.mark_several(people, mark).await?)
        }
        WriteRequest::UndoPeople(people) => WriteOutcome::TakenBack(app.undo_people(people).await?),
        WriteRequest::UndoPerson(person) => WriteOutcome::TakenBack(app.undo_person(*person).await?),
        WriteRequest::Launch(launch) => blast(app.launch(*launch).await?),
        WriteRequest::Resume(launch) => blast(app.resume(*launch).await?),
        WriteRequest::Pause(id) => blast(app.pause(*id).await?),
        WriteRequest::Cancel(id) => WriteOutcome::Cancelled(app.cancel(*id).await?),
        WriteRequest::Delete(id) => {
            app.delete(*id).await?;
            WriteOutcome::Deleted
        }
    })
}
