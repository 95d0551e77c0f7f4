//! What became of an uncertain message: an answer about the attempt that was shown.

use std::collections::BTreeSet;

use sqlx::PgConnection;

use super::Marked;
use crate::app::{App, AppError};
use crate::domain::ids::RecipientId;
use crate::domain::recipient::{Evidence, Mark, Resolution, ShownAttempts};
use crate::domain::status::Status;
use crate::provider::meta::callback;
use crate::store::evidence::EvidenceEntry;
use crate::store::inbox::{self, NamedAttempt};
use crate::store::person::PersonRow;

impl App {
    /// Writes what became of an uncertain message. Refused where the person has had another attempt than the one that was shown; without
    /// one it is about their newest.
    pub async fn resolve(
        &self,
        recipient: RecipientId,
        attempt: Option<i32>,
        resolution: Resolution,
    ) -> Result<Marked, AppError> {
        let shown = ShownAttempts::of_one(recipient, attempt);
        self.mark_shown(recipient, Mark::Resolve(resolution), shown).await
    }

    /// The entry for a mark of somebody under lock: about the attempt that was shown of them, else about their newest.
    pub(in crate::app) fn manual_shown(&self, person: &PersonRow, mark: &Mark, shown: &ShownAttempts) -> EvidenceEntry {
        let mut entry = self.manual(person, Evidence::Manual(mark.clone()));
        entry.stamped.attempt = shown.of(person.id).unwrap_or(person.recipient.attempt);
        entry
    }

    /// Who of these people, under lock, is to have their message once more though a webhook that names them is here and not applied yet:
    /// it may say that they have it.
    pub(in crate::app) async fn named_in_webhooks(
        &self,
        tx: &mut PgConnection,
        people: &[PersonRow],
        mark: &Mark,
        shown: &ShownAttempts,
    ) -> Result<BTreeSet<RecipientId>, AppError> {
        if *mark != Mark::Resolve(Resolution::Resend) {
            return Ok(BTreeSet::new());
        }
        // The others are refused for another reason.
        let is_answered = |person: &&PersonRow| {
            let attempt = person.recipient.attempt;
            person.status == Status::Uncertain && shown.of(person.id).is_none_or(|shown| shown == attempt)
        };
        let answered: Vec<&PersonRow> = people.iter().filter(is_answered).collect();
        self.named_by_unapplied(tx, &answered).await
    }

    /// Who of these people is named by a webhook that is here and not applied yet, by their newest attempt.
    pub(in crate::app) async fn named_by_unapplied(
        &self,
        tx: &mut PgConnection,
        people: &[&PersonRow],
    ) -> Result<BTreeSet<RecipientId>, AppError> {
        let asked: Vec<_> = people.iter().map(|person| self.named_attempt(person)).collect();
        if asked.is_empty() {
            return Ok(BTreeSet::new());
        }
        Ok(inbox::unapplied(tx, &asked).await?)
    }

    fn named_attempt(&self, person: &PersonRow) -> NamedAttempt {
        let (installation, of) = (&self.engine().installation, (person.id, person.recipient.attempt));
        NamedAttempt {
            recipient: person.id,
            callback: callback::beginning(installation, person.blast_id, of),
            blast_callback: callback::beginning_of_blast(installation, person.blast_id),
            message_id: person.recipient.message_id.as_ref().map(|id| id.as_str().to_owned()),
            phone: person.phone_number.clone(),
        }
    }
}

/// Why somebody may not have their message again before a webhook is applied; `who` are one or several.
pub(in crate::app) fn news_waits(who: &str) -> String {
    format!(
        "{who}: a webhook that names them is here and not applied yet, and may say what became of it: run `blastdeck engine`, or try again in a \
         moment where one runs"
    )
}

/// Whoever opted out since is not asked about a second message: none would go.
pub(super) fn refuse_opted_out(person: &PersonRow, mark: &Mark) -> Result<(), AppError> {
    let is_opted_out = person.is_suppressed || person.recipient.opted_out_at.is_some();
    if *mark == Mark::Resolve(Resolution::Resend) && person.status == Status::Uncertain && is_opted_out {
        return Err(AppError::Refused(format!(
            "{} opted out: nothing goes to them; leave them out instead",
            person.who()
        )));
    }
    Ok(())
}
