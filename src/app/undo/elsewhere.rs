//! An opt-out takes its person out of every blast of the business. Once it is undone, they are back wherever it alone kept them out.

use std::collections::BTreeSet;

use sqlx::PgConnection;

use crate::app::{App, AppError};
use crate::domain::ids::{BlastId, RecipientId};
use crate::domain::recipient::{Evidence, Undone};
use crate::domain::status::Status;
use crate::store::action::LoggedAction;
use crate::store::evidence::EntryOutcome;
use crate::store::person;
use crate::store::suppression::{self, TakenOut};

/// What undoing opt-outs came to in other blasts.
#[derive(Debug, Default)]
pub(super) struct Elsewhere {
    /// Somebody was put back there, or is not recorded as opted out any more.
    pub changed: BTreeSet<BlastId>,
    /// Somebody is to be sent to again.
    queued: BTreeSet<BlastId>,
    /// Somebody is left out still.
    left_out: BTreeSet<BlastId>,
}

impl Elsewhere {
    /// `; queued again in blast 13 too; still left out of blast 15`.
    pub(super) fn in_words(&self) -> String {
        let back = named(&self.queued).map_or_else(String::new, |blasts| format!("; queued again in {blasts} too"));
        let out = named(&self.left_out).map_or_else(String::new, |blasts| format!("; still left out of {blasts}"));
        back + &out
    }
}

fn named(blasts: &BTreeSet<BlastId>) -> Option<String> {
    let ids: Vec<_> = blasts.iter().map(BlastId::to_string).collect();
    match &ids[..] {
        [] => None,
        [one] => Some(format!("blast {one}")),
        several => Some(format!("blasts {}", several.join(", "))),
    }
}

impl App {
    /// Whom these acts opted out in other blasts. They are locked together with the acts' own people, in the store's lock order.
    pub(super) async fn hold_elsewhere(
        &self,
        tx: &mut PgConnection,
        acts: &[LoggedAction],
    ) -> Result<Vec<TakenOut>, AppError> {
        let elsewhere = suppression::taken_out_by(tx, &acts.iter().map(|act| act.id).collect::<Vec<_>>()).await?;
        if !elsewhere.is_empty() {
            let own = acts.iter().filter_map(|act| act.recipient_id);
            let all = own.chain(elsewhere.iter().map(|one| one.id));
            let evidence: Vec<_> = all.map(|id| (id, Evidence::Undo(Undone::OptOut))).collect();
            self.hold_all(tx, &evidence).await?;
        }
        Ok(elsewhere)
    }

    /// Undoes the opt-out of whoever is not suppressed by now, but for those without whom somebody has confirmed a number since.
    pub(super) async fn put_back_elsewhere(
        &self,
        tx: &mut PgConnection,
        elsewhere: &[TakenOut],
    ) -> Result<Elsewhere, AppError> {
        let mut done = Elsewhere::default();
        let may_return = elsewhere.iter().filter(|one| !one.is_confirmed_without).map(|one| one.id);
        let may_return: Vec<RecipientId> = may_return.collect();
        let mut people = person::lock_all(tx, &may_return).await?;
        people.retain(|person| !person.is_suppressed);
        let entries: Vec<_> = people.iter().map(|person| self.taken_back(person, &Undone::OptOut)).collect();
        let settled = self.record_all(tx, &entries, &people).await?;
        for (person, settled) in people.iter().zip(settled) {
            done.changed.insert(person.blast_id);
            if matches!(settled, EntryOutcome::Changed { after: Status::Queued, .. }) {
                done.queued.insert(person.blast_id);
            }
        }
        let is_back = |one: &TakenOut| people.iter().any(|person| person.id == one.id);
        done.left_out = elsewhere.iter().filter(|one| one.keeps_out && !is_back(one)).map(|one| one.blast).collect();
        Ok(done)
    }
}
