//! One act on several people: written in one transaction, logged as one, undone as one.

use std::collections::BTreeSet;

use sqlx::PgConnection;

use super::App;
use super::AppError;
use super::forget::FORGOTTEN_MEANWHILE;
use super::marks::{
    Marked, act, command_line, news_waits, outcome_of_mark, refuse_unfit_note, refuse_words_on_forgotten,
};
use super::suppressions::Suppression;
use crate::domain::ids::{ActionId, BlastId, RecipientId};
use crate::domain::recipient::{Evidence, Mark, Resolution, ShownAttempts};
use crate::domain::status::Status;
use crate::store::action;
use crate::store::evidence::{BATCH_MAX, EntryOutcome, EvidenceEntry, hold_blasts_of, record_locked};
use crate::store::person::{self, PersonRow};
use crate::store::reply;

/// The result of a mark on several people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MarkedSeveral {
    /// Never empty.
    pub marked: Vec<Marked>,
    pub unmarked: Unmarked,
}

/// Those of several people who were not marked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unmarked {
    /// How many are what they were to be marked as.
    pub already: usize,
    /// Whether some of them went further: who bought is none who replied.
    pub has_buyers: bool,
    /// Why, a sentence for each of the others.
    pub refused: Vec<String>,
}

impl Unmarked {
    /// `12 had replied already`, and why of the others; nothing where there is nobody.
    pub fn in_words(&self, mark: &Mark) -> Option<String> {
        let what = match mark {
            Mark::Replied if self.has_buyers => "replied or bought",
            Mark::Replied => "replied",
            Mark::Closed(_) | Mark::Ordered(_) => "been closed",
            Mark::OptOut => "opted out",
            Mark::Note(_) => "had this note",
            Mark::Resolve(_) => "been decided about",
            Mark::Retry => "been queued",
        };
        let already = (self.already > 0).then(|| format!("{} had {what} already", self.already));
        let refused = match self.refused.as_slice() {
            [] => None,
            [why] => Some(format!("1 not: {why}")),
            [why, ..] => Some(format!("{} not, the first: {why}", self.refused.len())),
        };
        let said: Vec<_> = already.into_iter().chain(refused).collect();
        (!said.is_empty()).then(|| said.join("; "))
    }
}

/// Somebody whose mark was recorded.
struct Recorded {
    person: PersonRow,
    before: Status,
    after: Status,
}

impl Recorded {
    fn marked(&self, mark: &Mark, action: ActionId) -> Marked {
        Marked {
            action,
            recipient: self.person.id,
            who: self.person.who(),
            before: self.before,
            after: self.after,
            act: act(mark).word().to_owned(),
            amount_before: self.person.recipient.amount,
            amount_by: None,
            replaced: Vec::new(),
            later_message: None,
            command_line: command_line(&self.person, mark),
        }
    }
}

impl App {
    /// Writes the same mark on several people, as one act. Those who cannot be marked stay as they are; refused if that is
    /// everybody.
    pub async fn mark_several(&self, people: &[RecipientId], mark: &Mark) -> Result<MarkedSeveral, AppError> {
        self.mark_each(people, mark, &ShownAttempts::default()).await
    }

    /// The same of what became of their messages, of the attempts that were shown: whoever has had another one since is refused.
    pub async fn resolve_several(
        &self,
        people: &[RecipientId],
        shown: &ShownAttempts,
        resolution: Resolution,
    ) -> Result<MarkedSeveral, AppError> {
        self.mark_each(people, &Mark::Resolve(resolution), shown).await
    }

    async fn mark_each(
        &self,
        people: &[RecipientId],
        mark: &Mark,
        shown: &ShownAttempts,
    ) -> Result<MarkedSeveral, AppError> {
        refuse_unfit_note(mark)?;
        let (mut tx, forgotten) = self.begin_about_some(people).await?;
        let mut unmarked = Unmarked::default();
        unmarked.refused.extend(forgotten.iter().map(|_| FORGOTTEN_MEANWHILE.to_owned()));
        let people: Vec<_> = people.iter().copied().filter(|person| !forgotten.contains(person)).collect();
        let held = self.hold_markable(&mut tx, &people, (mark, shown), &mut unmarked.refused).await?;
        let recorded = self.record_marks(&mut tx, held, (mark, shown), &mut unmarked).await?;
        if recorded.is_empty() {
            let why = match (unmarked.already, unmarked.refused.as_slice()) {
                (0, [why]) => Some(why.clone()),
                (0, [why, ..]) => Some(format!("{} people, the first: {why}", unmarked.refused.len())),
                _ => unmarked.in_words(mark),
            };
            let why = why.unwrap_or_else(|| "they are gone".to_owned());
            let nothing = if matches!(mark, Mark::Resolve(_)) { "nothing was decided" } else { "nobody was marked" };
            return Err(AppError::Refused(format!("{nothing}: {why}")));
        }
        if matches!(mark, Mark::Resolve(_)) {
            let people: Vec<_> = recorded.iter().map(|one| one.person.id).collect();
            reply::decide(&mut tx, &people).await?;
        }
        if *mark == Mark::OptOut {
            let mut noted = Vec::with_capacity(recorded.len());
            for Recorded { person, .. } in &recorded {
                noted.extend(self.suppress_in(&mut tx, &Suppression::of(person, self.operator())).await?.opt_outs());
            }
            self.remember(&mut tx, noted).await?;
        }
        let acts: Vec<_> = recorded.iter().map(|one| self.new_action(&one.person, mark)).collect();
        let logged = action::log_several(&mut tx, &acts).await?;
        tx.commit().await?;
        self.notify_all(recorded.iter().map(|one| one.person.blast_id)).await;
        let marked = recorded.iter().zip(logged).map(|(one, action)| one.marked(mark, action)).collect();
        Ok(MarkedSeveral { marked, unmarked })
    }

    /// The people under lock whom nobody else marked first, and of whom no news waits that may be the answer.
    async fn hold_markable(
        &self,
        tx: &mut PgConnection,
        people: &[RecipientId],
        (mark, shown): (&Mark, &ShownAttempts),
        refused: &mut Vec<String>,
    ) -> Result<Vec<PersonRow>, AppError> {
        let evidence: Vec<_> = people.iter().map(|&id| (id, Evidence::Manual(mark.clone()))).collect();
        let held = self.hold_all(tx, &evidence).await?;
        let named = self.named_in_webhooks(tx, &held, mark, shown).await?;
        let mut markable = Vec::new();
        for person in held {
            if named.contains(&person.id) {
                refused.push(news_waits(&person.who()));
                continue;
            }
            let refusal = match refuse_words_on_forgotten(&person, mark) {
                Ok(()) => self.refuse_lost_race(tx, &person, mark).await,
                refused => refused,
            };
            match refusal {
                Ok(()) => markable.push(person),
                Err(AppError::Refused(why)) => refused.push(why),
                Err(other) => return Err(other),
            }
        }
        Ok(markable)
    }

    async fn record_marks(
        &self,
        tx: &mut PgConnection,
        people: Vec<PersonRow>,
        (mark, shown): (&Mark, &ShownAttempts),
        unmarked: &mut Unmarked,
    ) -> Result<Vec<Recorded>, AppError> {
        let entry = |person: &PersonRow| self.manual_shown(person, mark, shown);
        let entries: Vec<_> = people.iter().map(entry).collect();
        let settled = self.record_all(tx, &entries, &people).await?;
        let mut recorded = Vec::new();
        for (person, settled) in people.into_iter().zip(&settled) {
            match outcome_of_mark(Some(settled), &person, mark) {
                Ok((before, after)) => recorded.push(Recorded { person, before, after }),
                Err(AppError::Refused(_)) if *settled == EntryOutcome::Nothing => {
                    unmarked.already += 1;
                    unmarked.has_buyers |= person.status == Status::Closed;
                }
                Err(AppError::Refused(why) | AppError::NotFound(why)) => unmarked.refused.push(why),
                Err(other) => return Err(other),
            }
        }
        Ok(recorded)
    }

    /// The people under lock, as they are now, by id; those who are gone are left out. Locks the blasts of those whom the evidence
    /// may requeue first, in the store's lock order.
    pub(super) async fn hold_all(
        &self,
        tx: &mut PgConnection,
        evidence: &[(RecipientId, Evidence)],
    ) -> Result<Vec<PersonRow>, AppError> {
        let ids: Vec<RecipientId> = evidence.iter().map(|(id, _)| *id).collect();
        hold_blasts_of(tx, evidence).await?;
        Ok(person::lock_all(tx, &ids).await?)
    }

    /// Records one entry for each of these people, who are under lock, in the batches that the store takes.
    pub(super) async fn record_all(
        &self,
        tx: &mut PgConnection,
        entries: &[EvidenceEntry],
        people: &[PersonRow],
    ) -> Result<Vec<EntryOutcome>, AppError> {
        let mut settled = Vec::with_capacity(entries.len());
        for (entries, people) in entries.chunks(BATCH_MAX).zip(people.chunks(BATCH_MAX)) {
            settled.extend(record_locked(tx, entries, people, &self.engine().settings.retry).await?);
        }
        Ok(settled)
    }

    /// Notifies everybody that these blasts changed, each once.
    pub(super) async fn notify_all(&self, blasts: impl Iterator<Item = BlastId>) {
        let blasts: BTreeSet<i64> = blasts.map(|blast| blast.0).collect();
        for blast in blasts {
            self.notify(BlastId(blast)).await;
        }
    }
}
