//! Undoes acts: an operator's own newest, or a person's last mark. Never starts a message.

mod launches;
mod left_out;
mod orders;
mod over;
mod partly;
mod questions;
mod reversing;
mod sends;
mod sentences;

pub(super) use launches::{early_start, has_armed, put_back_draft};
pub use questions::{AskedAct, AskedMarks, UndoOffer};
pub use sends::NamedSends;

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde_json::{Value, json};
use sqlx::PgConnection;

use self::partly::LeftAsTheyAre;
use self::reversing::Reversal;
use self::sentences::{sentence, who};
use super::commands::name;
use super::forget::keep_from_forgetting;
use super::last_act;
use super::marks::{gone, outcome, person_of};
use super::opened_hours::OpenedHours;
use super::{App, AppError, StillSuppressed};
use crate::domain::act::Act;
use crate::domain::forgotten::is_forgotten;
use crate::domain::ids::{ActionId, BlastId, OrderId, RecipientId};
use crate::domain::recipient::{Evidence, Resolution, Undone};
use crate::domain::sale::Sale;
use crate::domain::status::Status;
use crate::store::DbTransaction;
use crate::store::action::{self, LoggedAction, NewAction};
use crate::store::evidence::{EntryOutcome, EvidenceEntry};
use crate::store::person::PersonRow;

/// What an undo changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UndoOutcome {
    /// Whom it changed; nobody for an undone launch.
    pub recipients: Vec<RecipientId>,
    /// One sentence: "Siti Aminah: replied -> read, taken back", "40 people: replied, taken back".
    pub sentence: String,
    /// The same as command lines, one for each person, and one for the order that is cancelled with the act.
    pub command_lines: Vec<String>,
    /// What keeps people suppressed whose opt-outs were taken back.
    pub still_suppressed: Vec<StillSuppressed>,
}

/// A person whose mark is undone.
struct Undo {
    act: LoggedAction,
    undone: Undone,
    person: PersonRow,
    before: Status,
    after: Status,
}

impl Undo {
    /// Whoever is suppressed still, by their own word or by another act, is not queued again.
    fn stays_out(&self, still_suppressed: &[StillSuppressed]) -> bool {
        self.undone == Undone::OptOut && self.before == Status::OptedOut && self.reason_in(still_suppressed).is_some()
    }

    /// What its person has bought after it, of whoever is closed still.
    fn amount_left(&self) -> Option<Decimal> {
        let amount = match &self.undone {
            Undone::Closed(left) => left.and_then(|left| left.amount),
            _ => self.person.recipient.amount,
        };
        amount.filter(|_| self.after == Status::Closed)
    }

    fn reason_in<'a>(&self, still_suppressed: &'a [StillSuppressed]) -> Option<&'a StillSuppressed> {
        still_suppressed.iter().find(|still| still.holds_for(&self.person.phone_number, &self.person.business))
    }
}

impl App {
    /// Undoes this operator's own newest act that is not undone yet, on all of its people but those whom somebody changed since or whom it is
    /// too late for. Refused where nobody is left, and if that act has no undo: an older one is never undone instead.
    pub async fn undo_mine(&self) -> Result<UndoOutcome, AppError> {
        self.undo_newest(None).await
    }

    /// The same, unless it is another act than the one that was asked about, or sends more than that.
    pub async fn undo_my_act(&self, asked: &AskedAct) -> Result<UndoOutcome, AppError> {
        self.undo_newest(Some(asked)).await
    }

    async fn undo_newest(&self, asked: Option<&AskedAct>) -> Result<UndoOutcome, AppError> {
        let mut tx = self.begin().await?;
        let only = asked.map(|asked| asked.id);
        if let Some(act) = only
            && let Some(by) = action::undone_by(&mut tx, act).await?.filter(|by| by != self.operator())
        {
            return Err(AppError::Refused(format!("{by} took that back already: nothing more was taken back")));
        }
        let Some(mine) = action::newest_of(&mut tx, self.acting_operator()).await? else {
            return Err(AppError::Refused("there is nothing of yours to take back".to_owned()));
        };
        if only.is_some_and(|only| only != mine.id) {
            return Err(AppError::Refused(
                "you did something else meanwhile: nothing was taken back, ⟨u⟩ asks again".to_owned(),
            ));
        }
        if matches!(mine.action, Act::Launch | Act::Resume) || OpenedHours::of(&mine).is_some() {
            let behind = launches::start_behind_stop(&mut tx, &mine).await?;
            let start = behind.as_ref().unwrap_or(&mine);
            return self.undo_launch(tx, start).await.map_err(last_act::with_way_to_marks);
        }
        if undone(&mine, None).is_none() {
            return match questions::start_before(&mut tx, &mine).await? {
                Some(start) => self.undo_launch(tx, &start).await,
                None => Err(last_act::refusal(&mut tx, &mine).await?),
            };
        }
        let refused = if mine.action == Act::Resolve { last_act::with_way_to_marks } else { std::convert::identity };
        let acts = action::whole(&mut tx, &mine).await?;
        let people: Vec<_> = acts.iter().filter_map(|act| act.recipient_id).collect();
        keep_from_forgetting(&mut tx, &people).await?;
        if let Some(asked) = asked {
            self.require_sends_asked(&mut tx, &acts, asked.sends.as_deref()).await?;
        }
        let (acts, changed) = partly::unchanged_since(&mut tx, acts).await?;
        let cancelled = self.cancel_order_of(&mut tx, &mine).await?;
        Ok(changed.beside(self.undo(tx, acts, cancelled).await.map_err(refused)?))
    }

    /// Undoes the armed launch of this blast, or its start at a set time, whoever launched it; also where it is paused until then.
    pub async fn undo_launch_of(&self, blast: BlastId) -> Result<UndoOutcome, AppError> {
        let mut tx = self.begin().await?;
        if let Some(launch) = action::newest_start(&mut tx, blast).await? {
            return self.undo_launch_or_pause(tx, &launch).await;
        }
        let name = name(&self.head(&mut tx, blast).await?);
        Err(AppError::Refused(format!("{name} was not launched: there is nothing to take back")))
    }

    /// The same of the start that somebody was asked about ([`App::others_launch`]), while the blast goes by it.
    pub async fn undo_asked_start(&self, blast: BlastId, asked: ActionId) -> Result<UndoOutcome, AppError> {
        let mut tx = self.begin().await?;
        match action::newest_start(&mut tx, blast).await?.filter(|newest| newest.id == asked) {
            Some(start) => self.undo_launch_or_pause(tx, &start).await,
            None => Err(AppError::Refused(
                "somebody took that back, or started it anew, meanwhile: nothing was taken back; ⟨u⟩ asks again"
                    .to_owned(),
            )),
        }
    }

    /// The launch or resume that a blast goes by.
    pub async fn start_of_blast(&self, blast: BlastId) -> Result<Option<ActionId>, AppError> {
        let mut tx = self.begin().await?;
        Ok(action::newest_start(&mut tx, blast).await?.map(|start| start.id))
    }

    /// The same as [`App::undo_launch_of`], of this launch alone, where it is known. Where the sender was let go on since by another blast,
    /// this launch stands still, and is taken back by itself: the others go on.
    pub async fn undo_start_of(&self, blast: BlastId, start: Option<ActionId>) -> Result<UndoOutcome, AppError> {
        let mut tx = self.begin().await?;
        let newest = match action::newest_start(&mut tx, blast).await? {
            Some(lifted) if start.is_some_and(|start| start != lifted.id) && lifted.blast_id != Some(blast) => {
                action::newest_launch(&mut tx, blast).await?
            }
            newest => newest,
        };
        match newest.filter(|newest| start.is_none_or(|start| newest.id == start)) {
            Some(launch) => self.undo_launch(tx, &launch).await,
            None => Err(AppError::Changed),
        }
    }

    /// Undoes the newest mark on this person, whoever made it.
    pub async fn undo_person(&self, recipient: RecipientId) -> Result<UndoOutcome, AppError> {
        let mut tx = self.begin_about_people(&[recipient]).await?;
        let acts = action::newest_on_each(&mut tx, &[recipient]).await?;
        if acts.is_empty() {
            let person = person_of(&mut tx, recipient).await?;
            return Err(AppError::Refused(format!("{} has no mark to take back", person.who())));
        }
        self.undo(tx, acts, None).await
    }

    /// Undoes the newest mark on each of these people, whoever made it.
    pub async fn undo_people(&self, recipients: &[RecipientId]) -> Result<UndoOutcome, AppError> {
        self.undo_marks_of(recipients, None).await
    }

    /// The same where these are the newest marks still that somebody was asked about ([`App::newest_marks`]), and send no more than that.
    pub async fn undo_marks(&self, recipients: &[RecipientId], asked: &AskedMarks) -> Result<UndoOutcome, AppError> {
        self.undo_marks_of(recipients, Some(asked)).await
    }

    async fn undo_marks_of(
        &self,
        recipients: &[RecipientId],
        asked: Option<&AskedMarks>,
    ) -> Result<UndoOutcome, AppError> {
        let mut tx = self.begin_about_people(recipients).await?;
        let acts = action::newest_on_each(&mut tx, recipients).await?;
        if let Some(asked) = asked {
            self.require_asked(&mut tx, &acts, asked).await?;
        }
        if acts.is_empty() {
            return Err(AppError::Refused("none of them has a mark to take back".to_owned()));
        }
        let without = recipients.len() - acts.len();
        let taken = self.undo(tx, acts, None).await?;
        match without {
            0 => Ok(taken),
            _ => Ok(UndoOutcome { sentence: format!("{}; {without} had none", taken.sentence), ..taken }),
        }
    }

    /// Undoes acts on different people. What they suppressed is gone before the people are changed: whoever is
    /// suppressed still stays where they are out. `cancelled`: the order that went with them.
    async fn undo(
        &self,
        mut tx: DbTransaction,
        acts: Vec<LoggedAction>,
        cancelled: Option<OrderId>,
    ) -> Result<UndoOutcome, AppError> {
        let reversal = self.reverse(&mut tx, acts, cancelled).await?;
        let Reversal { own, undos, left, still_suppressed, mut elsewhere, lifted, held_elsewhere } = reversal;
        let again = self.drafts_with_again(&mut tx, &lifted, &own).await?;
        elsewhere.goes_on_in(self, &mut tx, held_elsewhere, again).await?;
        let left_out = self.left_out_in_words(&mut tx, &left_out::of_answers(&undos)).await?;
        let over = over::in_words(self, &mut tx, &undos).await?;
        let order = orders::in_words(&mut tx, &undos, cancelled).await?;
        self.commit_lifted(tx, &lifted).await?;
        let also = elsewhere.changed.iter().copied();
        self.notify_all(undos.iter().map(|undo| undo.person.blast_id).chain(also)).await;
        Ok(left.beside(UndoOutcome {
            recipients: undos.iter().map(|undo| undo.person.id).collect(),
            sentence: format!(
                "{}{order}{over}{}{left_out}",
                sentence(&undos, &still_suppressed, &self.config().ui.currency),
                elsewhere.in_words_beside()
            ),
            command_lines: orders::command_lines(&undos, cancelled),
            still_suppressed,
        }))
    }

    /// The acts with their people, who are under lock from here on.
    async fn hold_undos(&self, tx: &mut PgConnection, acts: Vec<LoggedAction>) -> Result<Vec<Undo>, AppError> {
        let mut undos = BTreeMap::new();
        for act in acts {
            let undone = undone_or_refused(&act, None)?;
            undos.insert(act.recipient_id.ok_or_else(gone)?, (act, undone));
        }
        let evidence: Vec<_> = undos.iter().map(|(id, (_, undone))| (*id, Evidence::Undo(undone.clone()))).collect();
        let held: Vec<_> = self.hold_all(tx, &evidence).await?;
        // What they bought is read once they are under lock.
        let closes = undos.values().map(|(act, _)| act).filter(|act| act.action == Act::Closed);
        let (ids, whose): (Vec<_>, Vec<_>) = closes.filter_map(|act| Some((act.id, act.recipient_id?))).unzip();
        let left = action::sales_without(tx, &whose, &ids).await?;
        for (id, (act, undone)) in &mut undos {
            *undone = undone_or_refused(act, left.get(id).copied())?;
        }
        let undo = |person: PersonRow| {
            let (act, undone) = undos.remove(&person.id)?;
            let undone = without_words_of_forgotten(undone, &person);
            Some(Undo { act, undone, before: person.status, after: person.status, person })
        };
        let held: Vec<Undo> = held.into_iter().filter_map(undo).collect();
        if held.is_empty() { Err(gone()) } else { Ok(held) }
    }

    async fn record_undos(
        &self,
        tx: &mut PgConnection,
        held: Vec<Undo>,
        still_suppressed: &[StillSuppressed],
    ) -> Result<(Vec<Undo>, LeftAsTheyAre), AppError> {
        let (kept_out, undos): (Vec<Undo>, Vec<Undo>) =
            held.into_iter().partition(|undo| undo.stays_out(still_suppressed));
        let entries: Vec<_> = undos.iter().map(|undo| self.taken_back(&undo.person, &undo.undone)).collect();
        let people: Vec<_> = undos.iter().map(|undo| undo.person.clone()).collect();
        let settled = self.record_all(tx, &entries, &people).await?;
        let may_be_partly = partly::may_be_partly(&undos);
        let (mut done, mut refused) = (Vec::new(), Vec::new());
        for (mut undo, settled) in undos.into_iter().zip(&settled) {
            // An order's act may have changed nothing: its person was closed, and it is not in the currency of revenue. So may an
            // opt-out, after which the person was allowed again.
            if *settled == EntryOutcome::Nothing && matches!(undo.undone, Undone::Closed(_) | Undone::OptOut) {
                done.push(undo);
                continue;
            }
            match outcome(Some(settled), &undo.person) {
                Ok(changed) => {
                    (undo.before, undo.after) = changed;
                    done.push(undo);
                }
                Err(AppError::Refused(why)) if may_be_partly => refused.push((undo.act.id, why)),
                Err(error) => return Err(error),
            }
        }
        done.extend(kept_out);
        done.sort_by_key(|undo| undo.person.id);
        let (acts, why): (Vec<_>, Vec<_>) = refused.into_iter().unzip();
        if let (true, Some(first)) = (done.is_empty(), why.first()) {
            return Err(AppError::Refused(format!(
                "of {} people nothing is taken back, the first: {first}",
                why.len()
            )));
        }
        partly::keep(tx, &acts).await?;
        Ok((done, LeftAsTheyAre::of(&why)))
    }

    /// The entry for what is undone: the person's history says so.
    pub(super) fn taken_back(&self, person: &PersonRow, undone: &Undone) -> EvidenceEntry {
        let why = json!({ "why": "taken back" });
        EvidenceEntry { metadata: Some(why), ..self.manual(person, Evidence::Undo(undone.clone())) }
    }

    async fn close_acts(&self, tx: &mut PgConnection, undos: &[Undo]) -> Result<(), AppError> {
        let ids: Vec<ActionId> = undos.iter().map(|undo| undo.act.id).collect();
        if action::mark_undone(tx, &ids, self.operator()).await? < ids.len() as u64 {
            let cancelled = action::order_cancelled(tx, &ids).await?;
            let why = cancelled.map_or_else(
                || "that was taken back a moment ago".to_owned(),
                |(order, by)| {
                    format!("{by} cancelled order {order} a moment ago, and its amount is taken back already")
                },
            );
            return Err(AppError::Refused(format!("{}: {why}", who(undos))));
        }
        Ok(())
    }

    /// Logs each with what it left: its person goes on, and Activity shows what was undone, not what is.
    async fn log_undos(
        &self,
        tx: &mut PgConnection,
        undos: &[Undo],
        cancelled: Option<OrderId>,
    ) -> Result<(), AppError> {
        let mut undone: Vec<_> = undos.iter().map(|undo| self.undo_action(undo)).collect();
        for (action, order) in undone.iter_mut().zip(cancelled) {
            action.detail["order"] = json!(order);
        }
        action::log_several(tx, &undone).await?;
        Ok(())
    }

    fn undo_action<'a>(&'a self, undo: &'a Undo) -> NewAction<'a> {
        let Undo { act, person, .. } = undo;
        NewAction {
            operator: self.acting_operator(),
            action: Act::Undo,
            blast: act.blast_id,
            recipient: act.recipient_id,
            phone: Some(person.phone_number.as_str()),
            detail: json!({
                "of": act.id,
                "action": act.action.word(),
                "left": { "status": undo.after.word(), "amount": undo.amount_left() },
            }),
        }
    }
}

/// Of whoever was forgotten since the act was read nothing older comes back.
fn without_words_of_forgotten(undone: Undone, person: &PersonRow) -> Undone {
    match undone {
        Undone::Note(_) if is_forgotten(person.phone_number.as_str()) => Undone::Note(None),
        undone => undone,
    }
}

fn undone_or_refused(act: &LoggedAction, left: Option<Sale>) -> Result<Undone, AppError> {
    undone(act, left).ok_or_else(|| AppError::Refused("that act cannot be taken back".to_owned()))
}

/// The evidence that undoes a logged act. `left`: what its person bought without it.
fn undone(act: &LoggedAction, left: Option<Sale>) -> Option<Undone> {
    let text = |key: &str| act.detail.get(key).and_then(Value::as_str).map(str::to_owned);
    match act.action {
        Act::Replied => Some(Undone::Replied),
        Act::Closed => Some(Undone::Closed(left)),
        Act::OptOut => Some(Undone::OptOut),
        Act::Note => Some(Undone::Note(text("note_before"))),
        Act::Resolve => {
            let resolution = act.detail.get("resolution").cloned()?;
            serde_json::from_value::<Resolution>(resolution).ok().map(Undone::Resolve)
        }
        _ => None,
    }
}
