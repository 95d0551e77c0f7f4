//! Opt-outs: they take effect at once, also in blasts under way.

use sqlx::PgConnection;

use super::App;
use super::AppError;
use crate::domain::act::Act;
use crate::domain::ids::SenderId;
use crate::domain::phone::Phone;
use crate::domain::recipient::{Evidence, StampedEvidence};
use crate::store;
use crate::store::action::{self, NewAction};
use crate::store::evidence::{EvidenceEntry, EvidenceSource, WhenLocked, record_in};
use crate::store::person::PersonRow;
use crate::store::suppression::{self, KnownBusinesses, NewSuppression, SuppressionRow, SuppressionScope};

/// What an opt-out is noted under that holds for every business.
pub const EVERY_BUSINESS: &str = "*";

/// A number that is not to be messaged.
pub(super) struct Suppression<'a> {
    scope: SuppressionScope<'a>,
    phone: &'a Phone,
    reason: Option<&'a str>,
    source: &'static str,
    by: &'a str,
}

impl<'a> Suppression<'a> {
    pub(super) fn of(person: &'a PersonRow, by: &'a str) -> Self {
        Self {
            scope: SuppressionScope::Blast(person.blast_id),
            phone: &person.phone_number,
            reason: None,
            source: "operator",
            by,
        }
    }

    pub(super) fn by_themselves(sender: SenderId, phone: &'a Phone) -> Self {
        Self {
            scope: SuppressionScope::Sender(sender),
            phone,
            reason: Some("they asked"),
            source: "person",
            by: "the person",
        }
    }
}

impl App {
    /// Suppresses a number for a business, `*` for all. `false` when it was already.
    pub async fn suppress(&self, business: &str, phone: &Phone, reason: Option<&str>) -> Result<bool, AppError> {
        let mut tx = self.pool().begin().await?;
        is_known_business(business, &suppression::known_businesses(&mut tx).await?)?;
        let new = Suppression {
            scope: SuppressionScope::Business(business),
            phone,
            reason,
            source: "operator",
            by: self.operator(),
        };
        let added = self.suppress_in(&mut tx, &new).await?;
        if added {
            self.log_suppress(&mut tx, Act::Suppress, (business, phone)).await?;
        }
        tx.commit().await?;
        let _ = self.engine().notifier.order(self.pool(), None).await;
        Ok(added)
    }

    /// Lets a number be messaged again, in blasts to come. `false` when it was not suppressed.
    pub async fn unsuppress(&self, business: &str, phone: &Phone) -> Result<bool, AppError> {
        let mut tx = self.pool().begin().await?;
        let removed = suppression::remove(&mut tx, business, phone.as_str()).await?;
        if removed {
            self.log_suppress(&mut tx, Act::Unsuppress, (business, phone)).await?;
        }
        tx.commit().await?;
        Ok(removed)
    }

    /// The newest suppressions, at most `limit`.
    pub async fn suppressions(&self, limit: u32) -> Result<Vec<SuppressionRow>, AppError> {
        Ok(suppression::list(self.pool(), i64::from(limit)).await?)
    }

    async fn log_suppress(
        &self,
        tx: &mut PgConnection,
        act: Act,
        (business, phone): (&str, &Phone),
    ) -> Result<(), AppError> {
        let new = NewAction {
            operator: self.operator(),
            action: act,
            blast: None,
            recipient: None,
            phone: Some(phone.as_str()),
            detail: serde_json::json!({ "business": business }),
        };
        action::log(tx, new).await?;
        Ok(())
    }

    /// Within the caller's transaction: the row, and the fact wherever the number is still open.
    pub(super) async fn suppress_in(&self, tx: &mut PgConnection, new: &Suppression<'_>) -> Result<bool, AppError> {
        let business = suppression::business(tx, new.scope).await?;
        let suppress = NewSuppression {
            business: &business,
            phone: new.phone.as_str(),
            reason: new.reason,
            source: new.source,
            by: new.by,
        };
        let added = suppression::add(tx, suppress).await?;
        let open = suppression::open_rows(tx, &business, new.phone.as_str()).await?;
        let at = store::now(&mut *tx).await?;
        let entry = |(blast, recipient, attempt)| {
            let stamped = StampedEvidence { attempt, at, evidence: Evidence::OptOut };
            EvidenceEntry {
                by: Some(new.by.to_owned()),
                ..EvidenceEntry::new(blast, recipient, stamped, EvidenceSource::Operator)
            }
        };
        let entries: Vec<_> = open.into_iter().map(entry).collect();
        record_in(tx, &entries, &self.engine().settings.retry, WhenLocked::Wait).await?;
        Ok(added)
    }

    /// The businesses that a number is suppressed for, `*` for all.
    pub async fn suppressed_for(&self, phone: &Phone) -> Result<Vec<String>, AppError> {
        Ok(suppression::businesses(self.pool(), phone.as_str()).await?)
    }

    /// The business that a sender's opt-outs are shared in, as the database has it: another process may have been started
    /// with a newer configuration.
    pub(super) async fn business(&self, sender: SenderId) -> Result<String, AppError> {
        Ok(crate::store::sender::business(self.pool(), sender).await?)
    }
}

/// An opt-out from a business that nobody sends for would hold for nothing.
fn is_known_business(business: &str, known: &KnownBusinesses) -> Result<(), AppError> {
    let is_known = |names: &[String]| names.iter().any(|name| name == business);
    if business == EVERY_BUSINESS || is_known(&known.now) || is_known(&known.before) {
        return Ok(());
    }
    let names: Vec<_> = known.now.iter().map(|name| format!("`{name}`")).collect();
    let there =
        if names.is_empty() { "no sender is configured".to_owned() } else { format!("there is {}", names.join(", ")) };
    Err(AppError::Refused(format!(
        "no sender is of a business `{business}`: {there}; without --business it holds for all"
    )))
}
