//! Opt-outs: they take effect at once, also in running blasts.

mod lifting;
mod listed;
mod noting;

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

pub use self::lifting::AskedLift;
pub use self::listed::{MissedOptOuts, SuppressedList};
use self::noting::NotedPerson;
use super::forget::ForgettingWait;
use super::{App, AppError};
use crate::domain::act::Act;
use crate::domain::ids::{BlastId, SenderId, SuppressionId};
use crate::domain::phone::{PersonKey, Phone, Region};
use crate::domain::recipient::{Evidence, StampedEvidence};
use crate::domain::session::{AnsweredWithin, REPLY_WINDOW};
use crate::engine::RememberedOptOut;
use crate::store;
use crate::store::action::{self, NewAction};
use crate::store::evidence::{BATCH_MAX, EvidenceEntry, EvidenceSource, WhenLocked, record_in};
use crate::store::person::PersonRow;
use crate::store::reply;
use crate::store::suppression::{self, KnownBusinesses, SuppressionQuery, SuppressionRow, SuppressionScope};

/// The business of an opt-out that holds for every business.
pub const EVERY_BUSINESS: &str = "*";

/// A number that is not to be messaged.
#[derive(Clone, Copy)]
pub(super) struct Suppression<'a> {
    scope: SuppressionScope<'a>,
    phone: &'a Phone,
    reason: Option<&'a str>,
    source: &'a str,
    by: &'a str,
    /// The database's time, where this transaction has read it already: far away each question counts.
    at: Option<DateTime<Utc>>,
}

impl<'a> Suppression<'a> {
    pub(super) fn of(person: &'a PersonRow, by: &'a str) -> Self {
        Self {
            scope: SuppressionScope::Blast(person.blast_id),
            phone: &person.phone_number,
            reason: None,
            source: "operator",
            by,
            at: Some(person.read_at),
        }
    }

    pub(super) fn by_themselves(sender: SenderId, phone: &'a Phone) -> Self {
        Self {
            scope: SuppressionScope::Sender(sender),
            phone,
            reason: Some("they asked"),
            source: "person",
            by: "the person",
            at: None,
        }
    }
}

/// Somebody who is not to be messaged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OptOut {
    pub phone: Phone,
    pub reason: Option<String>,
}

/// When people of a list opted out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OptOutTime {
    /// Now: it counts for the newest message that reached them.
    Now,
    /// At some time before.
    Earlier,
}

/// How long the rows of whoever is opted out are waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RowWait {
    /// As any lock is.
    AnyLock,
    /// For a moment: others come behind them.
    Short,
}

/// What suppressing several numbers came to.
#[derive(Debug)]
pub struct SuppressedAll {
    pub business: String,
    /// Were not suppressed before.
    pub added: u64,
    pub already: u64,
    /// Why this machine could not remember them: a restored database would have forgotten them.
    pub unremembered: Option<String>,
}

/// What suppressing a number came to.
#[derive(Debug)]
pub struct SuppressOutcome {
    /// It was not suppressed before.
    pub is_new: bool,
    /// Why this machine could not remember it: a restored database would have forgotten it.
    pub unremembered: Option<String>,
}

/// How many of a draft's people get nothing, and why.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct GetNothing {
    /// They opted out before.
    pub opted_out: i64,
    /// Nobody knows whether they had it already.
    pub uncertain: i64,
}

impl GetNothing {
    /// How many more they are than before.
    #[must_use]
    pub fn since(self, before: Self) -> Self {
        let Self { opted_out, uncertain } = before;
        Self { opted_out: (self.opted_out - opted_out).max(0), uncertain: (self.uncertain - uncertain).max(0) }
    }
}

impl App {
    /// Suppresses a number for a business, `*` for all.
    pub async fn suppress(
        &self,
        business: &str,
        phone: &Phone,
        reason: Option<&str>,
    ) -> Result<SuppressOutcome, AppError> {
        let mut tx = self.begin_about(&[phone.as_str()]).await?;
        require_known_business(business, &suppression::known_businesses(&mut tx).await?)?;
        if self.forgotten_people(&mut tx).await?.has(phone) {
            return Ok(SuppressOutcome { is_new: false, unremembered: None });
        }
        lock_rows_of(&mut tx, (business, &[phone.as_str()]), OptOutTime::Now).await?;
        let noted = self.suppress_person(&mut tx, business, (phone, reason)).await?;
        let is_new = noted.own.is_new;
        if is_new {
            self.count_later(&mut tx, std::slice::from_ref(&noted.own.opt_out)).await?;
        }
        let unremembered = self.remember(&mut tx, noted.opt_outs().collect()).await?;
        tx.commit().await?;
        let _ = self.engine().notifier.order(self.pool(), None).await;
        Ok(SuppressOutcome { is_new, unremembered })
    }

    /// By an operator's word, a number and those by which WhatsApp knows the same person: what came of the first, and what else was noted.
    async fn suppress_person(
        &self,
        tx: &mut PgConnection,
        business: &str,
        (phone, reason): (&Phone, Option<&str>),
    ) -> Result<NotedPerson, AppError> {
        let new = self.by_operator(business, (phone, reason));
        let person = self.suppress_in(&mut *tx, &new).await?;
        self.log_new_suppress(&mut *tx, person.own.is_new, (business, phone)).await?;
        for noted in &person.carried {
            let other = Phone::from_database(noted.opt_out.phone.clone());
            self.log_new_suppress(&mut *tx, noted.is_new, (business, &other)).await?;
        }
        Ok(person)
    }

    fn by_operator<'a>(&'a self, business: &'a str, (phone, reason): (&'a Phone, Option<&'a str>)) -> Suppression<'a> {
        let scope = SuppressionScope::Business(business);
        Suppression { scope, phone, reason, source: "operator", by: self.operator(), at: None }
    }

    /// As replies that say stop, opt-outs of one business count for the newest message of it that reached each of them.
    async fn count_later(&self, tx: &mut PgConnection, opt_outs: &[RememberedOptOut]) -> Result<(), AppError> {
        let Some(first) = opt_outs.first() else { return Ok(()) };
        let senders = suppression::senders_of(tx, &first.business).await?;
        let mut entries = Vec::with_capacity(opt_outs.len());
        for opt_out in opt_outs {
            let sent = AnsweredWithin::of(opt_out.at);
            let newest = reply::newest_reached(tx, (&senders, &opt_out.phone), sent).await?;
            let Some((_, message)) = newest else { continue };
            let stamped = StampedEvidence { attempt: message.attempt, at: opt_out.at, evidence: Evidence::OptOut };
            let entry = EvidenceEntry::new(message.blast_id, message.recipient_id, stamped, EvidenceSource::Operator);
            entries.push(EvidenceEntry { by: Some(opt_out.by.clone()), ..entry });
        }
        // They are locked by id.
        entries.sort_by_key(|entry| entry.recipient);
        for batch in entries.chunks(BATCH_MAX) {
            record_in(tx, batch, &self.engine().settings.retry, WhenLocked::Wait).await?;
        }
        Ok(())
    }

    /// Suppresses several numbers at once, all or none: for this business, or for every one; for a caller that acts for one
    /// sender, for that sender's.
    pub async fn suppress_all(
        &self,
        business: Option<&str>,
        people: Vec<OptOut>,
        when: OptOutTime,
    ) -> Result<SuppressedAll, AppError> {
        let waits = (ForgettingWait::Short, RowWait::AnyLock);
        self.suppress_some(business, people, (when, &mut HashSet::new(), waits)).await
    }

    /// The same of a part of what was given. `counted`: who was in it until here, by each of their numbers. They count once.
    async fn suppress_some(
        &self,
        business: Option<&str>,
        mut people: Vec<OptOut>,
        (when, counted, (forgetting, rows)): (OptOutTime, &mut HashSet<PersonKey>, (ForgettingWait, RowWait)),
    ) -> Result<SuppressedAll, AppError> {
        // In one order, and their rows in that of everybody who locks several: lists of the same people do not wait for each other.
        people.sort_by_key(|person| person.phone.key());
        let business = self.own_business(business).await?;
        let phones: Vec<&str> = people.iter().map(|person| person.phone.as_str()).collect();
        let mut tx = self.begin_about_list(&phones, forgetting).await?;
        if rows == RowWait::Short {
            suppression::wait_briefly(&mut tx).await?;
        }
        let known = suppression::known_businesses(&mut tx).await?;
        require_known_business(&business, &known)?;
        let (mut noted, mut new, mut total) = (Vec::with_capacity(people.len()), Vec::new(), 0_u64);
        // They are counted once they are written: what the database was too busy for comes again.
        let mut here = HashSet::new();
        let forgotten = self.forgotten_people(&mut tx).await?;
        lock_rows_of(&mut tx, (&business, &phones), when).await?;
        for OptOut { phone, reason } in &people {
            total += u64::from(phone.key().is_none_or(|person| !counted.contains(&person) && here.insert(person)));
            if forgotten.has(phone) {
                continue;
            }
            let one = self.suppress_person(&mut tx, &business, (phone, reason.as_deref())).await?;
            new.extend(one.own.is_new.then(|| one.own.opt_out.clone()));
            let others = one.carried.iter().map(|other| Phone::from_database(other.opt_out.phone.clone()));
            here.extend(others.filter_map(|other| other.key()));
            noted.extend(one.opt_outs());
        }
        if when == OptOutTime::Now {
            self.count_later(&mut tx, &new).await?;
        }
        let added = u64::try_from(new.len()).unwrap_or(u64::MAX);
        let unremembered = self.remember(&mut tx, noted).await?;
        tx.commit().await?;
        counted.extend(here);
        let _ = self.engine().notifier.order(self.pool(), None).await;
        Ok(SuppressedAll { business, added, already: total.saturating_sub(added), unremembered })
    }

    /// A page of suppressions, newest first; for a caller that acts for one sender, those that hold for its business.
    pub async fn suppressions_page(
        &self,
        query: SuppressionQuery,
    ) -> Result<Vec<(SuppressionId, SuppressionRow)>, AppError> {
        let business = match self.only_sender() {
            Some(sender) => Some(self.business(sender).await?),
            None => None,
        };
        Ok(suppression::page(self.pool(), &query, business.as_deref()).await?)
    }

    /// The business that a caller means: the one that it names, else every one; a caller that acts for one sender has only that
    /// sender's.
    pub async fn own_business(&self, named: Option<&str>) -> Result<String, AppError> {
        let Some(sender) = self.only_sender() else { return Ok(named.unwrap_or(EVERY_BUSINESS).to_owned()) };
        let own = self.business(sender).await?;
        match named {
            Some(other) if other != own => {
                Err(AppError::NotFound(format!("this token acts for the business `{own}` alone")))
            }
            _ => Ok(own),
        }
    }

    /// The region of numbers without a country code, where no blast says whose they are.
    pub fn own_region(&self) -> Region {
        let first = || self.config().senders.first().map_or(Region::MALAYSIA, |sender| sender.region);
        self.only_sender().map_or_else(first, |sender| self.region_of(sender))
    }

    /// The newest suppressions, at most `limit`.
    pub async fn suppressions(&self, limit: u32) -> Result<Vec<SuppressionRow>, AppError> {
        Ok(suppression::list(self.pool(), i64::from(limit)).await?)
    }

    /// Logs a suppression, also of somebody who is suppressed by a mark alone: it then stands when the mark is taken back.
    async fn log_new_suppress(
        &self,
        tx: &mut PgConnection,
        is_new: bool,
        (business, phone): (&str, &Phone),
    ) -> Result<(), AppError> {
        if !is_new && !suppression::may_be_taken_back(tx, business, phone.as_str()).await? {
            return Ok(());
        }
        self.log_suppress(tx, Act::Suppress, (business, phone)).await
    }

    pub(super) async fn log_suppress(
        &self,
        tx: &mut PgConnection,
        act: Act,
        (business, phone): (&str, &Phone),
    ) -> Result<(), AppError> {
        let new = NewAction {
            operator: self.acting_operator(),
            action: act,
            blast: None,
            recipient: None,
            phone: Some(phone.as_str()),
            detail: serde_json::json!({ "business": business }),
        };
        action::log(tx, new).await?;
        Ok(())
    }

    /// Within the caller's transaction: a number is in no business any more, by the person's word. Nothing is remembered.
    pub(super) async fn opt_out_of_all(&self, tx: &mut PgConnection, number: &str) -> Result<(), AppError> {
        let open = suppression::open_rows(tx, EVERY_BUSINESS, number).await?;
        let at = store::now(&mut *tx).await?;
        let entry = |(blast, recipient, attempt)| {
            let stamped = StampedEvidence { attempt, at, evidence: Evidence::OptOut };
            EvidenceEntry {
                by: Some(self.operator().to_owned()),
                ..EvidenceEntry::new(blast, recipient, stamped, EvidenceSource::Operator)
            }
        };
        let entries: Vec<_> = open.into_iter().map(entry).collect();
        record_in(tx, &entries, &self.engine().settings.retry, WhenLocked::Wait).await?;
        Ok(())
    }

    /// How many of a draft's people get nothing: who opted out before, and who is uncertain.
    pub async fn get_nothing(&self, blast: BlastId) -> Result<GetNothing, AppError> {
        let opted_out = suppression::count_in(self.pool(), blast).await?;
        let uncertain = store::view::blasts::get_without_unasked(self.pool(), blast)
            .await?
            .map_or(0, |blast| blast.counts.uncertain);
        Ok(GetNothing { opted_out, uncertain })
    }

    /// The businesses that a number is suppressed for, `*` for all.
    pub async fn suppressed_for(&self, phone: &Phone) -> Result<Vec<String>, AppError> {
        let mut businesses = suppression::businesses(self.pool(), phone.as_str()).await?;
        if let Some(sender) = self.only_sender() {
            let own = self.business(sender).await?;
            businesses.retain(|business| *business == own || business == EVERY_BUSINESS);
        }
        Ok(businesses)
    }

    /// The business that a sender's opt-outs are shared in, as the database has it: another process may have been started
    /// with a newer configuration.
    pub(super) async fn business(&self, sender: SenderId) -> Result<String, AppError> {
        Ok(crate::store::sender::business(self.pool(), sender).await?)
    }
}

/// Before the first row is written, all that are: one that is locked afterwards is out of order.
async fn lock_rows_of(tx: &mut PgConnection, of: (&str, &[&str]), when: OptOutTime) -> Result<(), AppError> {
    let senders = match when {
        OptOutTime::Now => suppression::senders_of(&mut *tx, of.0).await?,
        OptOutTime::Earlier => Vec::new(),
    };
    Ok(suppression::lock_rows_of(tx, of, (&senders, REPLY_WINDOW)).await?)
}

/// An opt-out from a business without a sender would have no effect.
fn require_known_business(business: &str, known: &KnownBusinesses) -> Result<(), AppError> {
    let is_known = |names: &[String]| names.iter().any(|name| name == business);
    if business == EVERY_BUSINESS || is_known(&known.now) || is_known(&known.before) {
        return Ok(());
    }
    let names: Vec<_> = known.now.iter().map(|name| format!("`{name}`")).collect();
    let there =
        if names.is_empty() { "no sender is configured".to_owned() } else { format!("there is {}", names.join(", ")) };
    let why = format!("no sender is of a business `{business}`: {there}; without one it holds for all");
    Err(AppError::not_found_in("business", why))
}
