//! An opt-out is noted: for every number by which WhatsApp knows the person, and wherever one of them is still open.

use std::iter::once;

use sqlx::PgConnection;

use super::Suppression;
use crate::app::{App, AppError};
use crate::domain::phone::Phone;
use crate::domain::recipient::{Evidence, StampedEvidence};
use crate::engine::RememberedOptOut;
use crate::store;
use crate::store::alias;
use crate::store::evidence::{EvidenceEntry, EvidenceSource, WhenLocked, record_in};
use crate::store::suppression::{self, NewSuppression, SuppressionScope};

/// What noting an opt-out came to.
pub(in crate::app) struct NotedOptOut {
    /// It was not noted before.
    pub is_new: bool,
    pub opt_out: RememberedOptOut,
}

/// What noting the opt-out of a person came to.
pub(in crate::app) struct NotedPerson {
    pub(super) own: NotedOptOut,
    /// Of the other numbers by which WhatsApp knows them.
    pub(super) carried: Vec<NotedOptOut>,
}

impl NotedPerson {
    pub(in crate::app) fn opt_outs(self) -> impl Iterator<Item = RememberedOptOut> {
        once(self.own).chain(self.carried).map(|noted| noted.opt_out)
    }
}

impl App {
    /// Within the caller's transaction: a number is suppressed, and those by which WhatsApp knows the same person.
    pub(in crate::app) async fn suppress_in(
        &self,
        tx: &mut PgConnection,
        new: &Suppression<'_>,
    ) -> Result<NotedPerson, AppError> {
        let own = self.suppress_number(&mut *tx, new).await?;
        let mut carried = Vec::new();
        for other in alias::of(&mut *tx, new.phone.as_str()).await? {
            let other = Phone::from_database(other);
            let scope = SuppressionScope::Business(&own.opt_out.business);
            carried.push(self.suppress_number(&mut *tx, &Suppression { scope, phone: &other, ..*new }).await?);
        }
        Ok(NotedPerson { own, carried })
    }

    /// The row, and the fact wherever the number is still open.
    async fn suppress_number(&self, tx: &mut PgConnection, new: &Suppression<'_>) -> Result<NotedOptOut, AppError> {
        let business = suppression::business(tx, new.scope).await?;
        let suppress = NewSuppression {
            business: &business,
            phone: new.phone.as_str(),
            reason: new.reason,
            source: new.source,
            by: new.by,
        };
        let is_new = suppression::add(tx, suppress).await?;
        let open = suppression::open_rows(tx, &business, new.phone.as_str()).await?;
        let at = match new.at {
            Some(at) => at,
            None => store::now(&mut *tx).await?,
        };
        let entry = |(blast, recipient, attempt)| {
            let stamped = StampedEvidence { attempt, at, evidence: Evidence::OptOut };
            EvidenceEntry {
                by: Some(new.by.to_owned()),
                ..EvidenceEntry::new(blast, recipient, stamped, EvidenceSource::Operator)
            }
        };
        let entries: Vec<_> = open.into_iter().map(entry).collect();
        record_in(tx, &entries, &self.engine().settings.retry, WhenLocked::Wait).await?;
        let opt_out = RememberedOptOut {
            business,
            phone: new.phone.as_str().to_owned(),
            reason: new.reason.map(str::to_owned),
            source: new.source.to_owned(),
            by: new.by.to_owned(),
            at,
            is_lifted: false,
        };
        Ok(NotedOptOut { is_new, opt_out })
    }
}
