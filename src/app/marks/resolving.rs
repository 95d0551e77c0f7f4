//! What became of an uncertain message: an answer about the attempt that was shown.

use crate::app::{App, AppError};
use crate::domain::ids::RecipientId;
use crate::domain::recipient::{Evidence, Mark, Resolution, ShownAttempts};
use crate::domain::status::Status;
use crate::store::evidence::EvidenceEntry;
use crate::store::person::PersonRow;

use super::Marked;

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
