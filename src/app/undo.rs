//! Undoes acts: an operator's own newest, or a person's last mark. Never starts a message.

mod elsewhere;

use std::collections::BTreeMap;

use serde_json::Value;
use sqlx::PgConnection;

use super::last_act;
use super::marks::{gone, outcome, person_of};
use super::{App, AppError};
use crate::domain::act::Act;
use crate::domain::amount::money;
use crate::domain::blast::BlastState;
use crate::domain::ids::{ActionId, BlastId, RecipientId};
use crate::domain::recipient::{Evidence, Mark, Resolution, Undone};
use crate::domain::sale::Sale;
use crate::domain::status::Status;
use crate::domain::text::people;
use crate::store::DbTransaction;
use crate::store::action::{self, LoggedAction, NewAction};
use crate::store::blast;
use crate::store::evidence::{EntryOutcome, EvidenceEntry};
use crate::store::person::{self, PersonRow};
use crate::store::suppression;

/// What an undo changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UndoOutcome {
    /// Whom it changed; nobody for an undone launch.
    pub recipients: Vec<RecipientId>,
    /// One sentence: "Siti Aminah: replied -> read, taken back", "40 people: replied, taken back".
    pub sentence: String,
    /// The same as command lines, one for each person.
    pub command_lines: Vec<String>,
}

/// A person whose mark is undone.
struct Undo {
    act: LoggedAction,
    undone: Undone,
    person: PersonRow,
    before: Status,
    after: Status,
}

impl App {
    /// Undoes this operator's own newest act that is not undone yet, as a whole. Refused if somebody changed one of its people
    /// since, and if that act has no undo: an older one is never undone instead.
    pub async fn undo_mine(&self) -> Result<UndoOutcome, AppError> {
        self.undo_newest(None).await
    }

    /// The same, unless it is another act than the one that was asked about.
    pub async fn undo_my_act(&self, act: ActionId) -> Result<UndoOutcome, AppError> {
        self.undo_newest(Some(act)).await
    }

    /// Asks before this operator's newest act is undone where it was in another blast than the one that they see, naming both;
    /// `None` where it was in that one, or cannot be undone anyway.
    pub async fn mine_elsewhere(&self, shown: Option<BlastId>) -> Result<Option<(ActionId, String)>, AppError> {
        let mut tx = self.begin().await?;
        let newest = action::newest_of(&mut tx, self.operator()).await?;
        let Some(act) = newest.filter(|act| shown.is_some_and(|shown| Some(shown) != act.blast_id)) else {
            return Ok(None);
        };
        let Some(id) = act.blast_id else { return Ok(None) };
        let Some(head) = blast::head(&mut tx, id).await? else { return Ok(None) };
        let what = match (&act.action, act.recipient_id) {
            (Act::Launch, _) => "its launch".to_owned(),
            (Act::Resume, _) => "that it was resumed".to_owned(),
            (_, None) => return Ok(None),
            (_, Some(_)) if undone(&act, None).is_none() => return Ok(None),
            (mark, Some(recipient)) => match action::whole(&mut tx, &act).await?.len() {
                ..=1 => format!("{mark} of {}", person_of(&mut tx, recipient).await?.who()),
                several => format!("{mark} of {}", people(several)),
            },
        };
        let stage = self.blast_row(id).await?.follow_up_stage;
        let which = format!("{}, {stage} (blast {id})", head.blast_tag);
        Ok(Some((act.id, format!("your last act was in {which}: {what}. Take it back?"))))
    }

    async fn undo_newest(&self, only: Option<ActionId>) -> Result<UndoOutcome, AppError> {
        let mut tx = self.begin().await?;
        let Some(mine) = action::newest_of(&mut tx, self.operator()).await? else {
            return Err(AppError::Refused("there is nothing of yours to take back".to_owned()));
        };
        if only.is_some_and(|only| only != mine.id) {
            return Err(AppError::Refused(
                "you did something else meanwhile: nothing was taken back, u asks again".to_owned(),
            ));
        }
        if matches!(mine.action, Act::Launch | Act::Resume) {
            return self.undo_launch(tx, &mine).await;
        }
        if undone(&mine, None).is_none() {
            return Err(last_act::refusal(&mut tx, &mine).await?);
        }
        let acts = action::whole(&mut tx, &mine).await?;
        refuse_changed_since(&mut tx, &acts).await?;
        self.undo(tx, acts).await
    }

    /// Undoes the armed launch of this blast, or its start at a set time, whoever launched it.
    pub async fn undo_launch_of(&self, blast: BlastId) -> Result<UndoOutcome, AppError> {
        let mut tx = self.begin().await?;
        match action::newest_launch(&mut tx, blast).await? {
            Some(launch) => self.undo_launch(tx, &launch).await,
            None => Err(AppError::Refused("that blast was not launched: there is nothing to take back".to_owned())),
        }
    }

    /// Asks before somebody else's mark on this person is undone, naming whose it is; `None` for one's own, and for none.
    pub async fn others_mark(&self, recipient: RecipientId) -> Result<Option<String>, AppError> {
        let mut tx = self.begin().await?;
        let newest = action::newest_on_each(&mut tx, &[recipient]).await?.pop();
        let Some(act) = newest.filter(|act| act.operator != self.operator()) else { return Ok(None) };
        let person = person_of(&mut tx, recipient).await?;
        Ok(Some(format!("the {} of {} is {}'s: take it back?", act.action.word(), person.who(), act.operator)))
    }

    /// The same before somebody else's armed launch is undone.
    pub async fn others_launch(&self, blast: BlastId) -> Result<Option<String>, AppError> {
        let mut tx = self.begin().await?;
        let launch = action::newest_launch(&mut tx, blast).await?;
        let Some(act) = launch.filter(|act| act.operator != self.operator()) else { return Ok(None) };
        let tag = blast::head(&mut tx, blast).await?.map_or_else(|| format!("blast {blast}"), |head| head.blast_tag);
        Ok(Some(format!("{} started {tag}: take that back?", act.operator)))
    }

    /// Undoes the newest mark on this person, whoever made it.
    pub async fn undo_person(&self, recipient: RecipientId) -> Result<UndoOutcome, AppError> {
        let mut tx = self.begin().await?;
        let acts = action::newest_on_each(&mut tx, &[recipient]).await?;
        if acts.is_empty() {
            let person = person_of(&mut tx, recipient).await?;
            return Err(AppError::Refused(format!("{} has no mark to take back", person.who())));
        }
        self.undo(tx, acts).await
    }

    /// Undoes the newest mark on each of these people, whoever made it: for all who have one, or for nobody.
    pub async fn undo_people(&self, recipients: &[RecipientId]) -> Result<UndoOutcome, AppError> {
        let mut tx = self.begin().await?;
        let acts = action::newest_on_each(&mut tx, recipients).await?;
        if acts.is_empty() {
            return Err(AppError::Refused("none of them has a mark to take back".to_owned()));
        }
        let without = recipients.len() - acts.len();
        let taken = self.undo(tx, acts).await?;
        match without {
            0 => Ok(taken),
            _ => Ok(UndoOutcome { sentence: format!("{}; {without} had none", taken.sentence), ..taken }),
        }
    }

    /// Undoes acts on different people: all of them, or none.
    async fn undo(&self, mut tx: DbTransaction, acts: Vec<LoggedAction>) -> Result<UndoOutcome, AppError> {
        let elsewhere = self.hold_elsewhere(&mut tx, &acts).await?;
        let mut undos = self.record_undos(&mut tx, acts).await?;
        self.close_acts(&mut tx, &undos).await?;
        let opt_outs = undos.iter().filter(|undo| undo.undone == Undone::OptOut);
        let phones: Vec<&str> = opt_outs.map(|undo| undo.person.phone_number.as_str()).collect();
        let lifted = match phones[..] {
            [] => Vec::new(),
            _ => suppression::remove_taken_back(&mut tx, &phones).await?,
        };
        self.keep_suppressed_out(&mut tx, &mut undos).await?;
        let elsewhere = self.put_back_elsewhere(&mut tx, &elsewhere).await?;
        self.commit_lifted(tx, &lifted).await?;
        let also = elsewhere.changed.iter().copied();
        self.notify_all(undos.iter().map(|undo| undo.person.blast_id).chain(also)).await?;
        Ok(UndoOutcome {
            recipients: undos.iter().map(|undo| undo.person.id).collect(),
            sentence: format!("{}{}", sentence(&undos), elsewhere.in_words()),
            command_lines: undos.iter().map(|undo| command_line(&undo.person)).collect(),
        })
    }

    async fn record_undos(&self, tx: &mut PgConnection, acts: Vec<LoggedAction>) -> Result<Vec<Undo>, AppError> {
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
        let held: Vec<_> = held.into_iter().filter_map(|person| Some((undos.remove(&person.id)?, person))).collect();
        let entry = |((_, undone), person): &((LoggedAction, Undone), PersonRow)| self.taken_back(person, undone);
        let entries: Vec<_> = held.iter().map(entry).collect();
        let people: Vec<_> = held.iter().map(|(_, person)| person.clone()).collect();
        let settled = self.record_all(tx, &entries, &people).await?;
        let undo = |(((act, undone), person), settled): (((LoggedAction, Undone), PersonRow), &EntryOutcome)| {
            // An order's act may have changed nothing: its person was closed, and it is not in the currency of revenue.
            let (before, after) = match (settled, &undone) {
                (EntryOutcome::Nothing, Undone::Closed(_)) => (person.status, person.status),
                _ => outcome(Some(settled), &person)?,
            };
            Ok(Undo { act, undone, person, before, after })
        };
        let undos = held.into_iter().zip(&settled).map(undo).collect::<Result<Vec<_>, AppError>>()?;
        if undos.is_empty() { Err(gone()) } else { Ok(undos) }
    }

    /// The entry for what is undone: the person's history says so.
    fn taken_back(&self, person: &PersonRow, undone: &Undone) -> EvidenceEntry {
        let why = serde_json::json!({ "why": "taken back" });
        EvidenceEntry { metadata: Some(why), ..self.manual(person, Evidence::Undo(undone.clone())) }
    }

    /// Whoever is suppressed still, by their own word or by another act, is not queued again.
    async fn keep_suppressed_out(&self, tx: &mut PgConnection, undos: &mut [Undo]) -> Result<(), AppError> {
        let queued = undos.iter().filter(|undo| undo.undone == Undone::OptOut && undo.after == Status::Queued);
        let queued: Vec<RecipientId> = queued.map(|undo| undo.person.id).collect();
        if queued.is_empty() {
            return Ok(());
        }
        let people = person::lock_all(tx, &queued).await?;
        let people: Vec<PersonRow> = people.into_iter().filter(|person| person.is_suppressed).collect();
        let entry = |person: &PersonRow| self.manual(person, Evidence::Manual(Mark::OptOut));
        self.record_all(tx, &people.iter().map(entry).collect::<Vec<_>>(), &people).await?;
        for undo in undos.iter_mut().filter(|undo| people.iter().any(|person| person.id == undo.person.id)) {
            undo.after = Status::OptedOut;
        }
        Ok(())
    }

    async fn close_acts(&self, tx: &mut PgConnection, undos: &[Undo]) -> Result<(), AppError> {
        let ids: Vec<ActionId> = undos.iter().map(|undo| undo.act.id).collect();
        if action::mark_undone(tx, &ids, self.operator()).await? < ids.len() as u64 {
            return Err(AppError::Refused(format!("{}: that was taken back a moment ago", who(undos))));
        }
        let undone: Vec<_> = undos.iter().map(|undo| self.undo_action(undo)).collect();
        action::log_several(tx, &undone).await?;
        Ok(())
    }

    fn undo_action<'a>(&'a self, Undo { act, person, .. }: &'a Undo) -> NewAction<'a> {
        NewAction {
            operator: self.operator(),
            action: Act::Undo,
            blast: act.blast_id,
            recipient: act.recipient_id,
            phone: Some(person.phone_number.as_str()),
            detail: serde_json::json!({ "of": act.id, "action": act.action.word() }),
        }
    }

    async fn undo_launch(&self, mut tx: DbTransaction, act: &LoggedAction) -> Result<UndoOutcome, AppError> {
        let blast = act.blast_id.ok_or_else(|| AppError::NotFound("that blast is gone".to_owned()))?;
        let is_under_way = blast::head(&mut tx, blast).await?.is_some_and(|head| head.state.is_under_way());
        if !is_under_way {
            return Err(last_act::refusal(&mut tx, act).await?);
        }
        let (head, state) = self.disarm(&mut tx, blast).await?;
        action::mark_undone(&mut tx, &[act.id], self.operator()).await?;
        tx.commit().await?;
        self.notify(blast).await?;
        Ok(UndoOutcome {
            recipients: Vec::new(),
            sentence: match state {
                BlastState::Draft => format!("{} is a draft again: nothing was sent", head.blast_tag),
                _ => format!("{} is paused again: nothing more was sent", head.blast_tag),
            },
            command_lines: vec![format!("blastdeck blast pause {blast}")],
        })
    }
}

/// Refuses if one of the people has a newer mark: that has to be undone first.
async fn refuse_changed_since(tx: &mut PgConnection, acts: &[LoggedAction]) -> Result<(), AppError> {
    let ids: Vec<RecipientId> = acts.iter().filter_map(|act| act.recipient_id).collect();
    let newest = action::newest_on_each(tx, &ids).await?;
    let Some(newer) = newest.into_iter().find(|newest| acts.iter().all(|act| act.id != newest.id)) else {
        return Ok(());
    };
    let person = person_of(tx, newer.recipient_id.ok_or_else(gone)?).await?;
    let of = if acts.len() > 1 { format!(" (one of {})", people(acts.len())) } else { String::new() };
    Err(AppError::Refused(format!(
        "{}{of} was changed since, by {}: U takes that back first",
        person.who(),
        newer.operator
    )))
}

fn who(undos: &[Undo]) -> String {
    match undos {
        [one] => one.person.who(),
        several => people(several.len()),
    }
}

fn sentence(undos: &[Undo]) -> String {
    let who = who(undos);
    let word = undos.first().map_or("", |undo| undo.act.action.word());
    match undos {
        [Undo { before, after, .. }] if before != after => format!("{who}: {before} -> {after}, taken back"),
        [Undo { undone: Undone::OptOut, after: Status::OptedOut, .. }] => {
            format!("{who} stays opted out: they said so themselves, or another act did")
        }
        [Undo { undone: Undone::Closed(Some(left)), person, .. }] if left.amount != person.recipient.amount => {
            match left.amount {
                Some(amount) => format!("{who}: the amount is {} now", money(amount)),
                None => format!("{who}: the amount is taken back"),
            }
        }
        [_] => format!("{who}: {word} taken back"),
        several if several.iter().all(|undo| undo.act.action.word() == word) => format!("{who}: {word}, taken back"),
        _ => format!("{who}: the last mark of each is taken back"),
    }
}

fn command_line(person: &PersonRow) -> String {
    format!("blastdeck mark {} {} undo", person.blast_id, person.phone_number.as_str())
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
