//! Customers: one person over all blasts and replies, whichever of their numbers a message went to; and what operators say of them.

use serde_json::{Value, json};
use sqlx::PgExecutor;

use super::error::unread_after;
use super::{App, AppError, EVERY_BUSINESS};
use crate::domain::act::Act;
use crate::domain::customer_tag::{self, TAG_MAX, bare_tag};
use crate::domain::filter::Filter;
use crate::domain::forgotten::is_forgotten;
use crate::domain::ids::{BlastId, RecipientId};
use crate::domain::phone::{PersonKey, Phone};
use crate::domain::text::{clean, clean_name, shell_quoted};
use crate::store::DbTransaction;
use crate::store::action::{self, NewAction};
use crate::store::customer::{
    self, CustomerDetails, CustomerNote, CustomerQuery, CustomerRow, CustomerTotals, SentMessage,
};

/// How many blasts, notes and consents of a customer are shown.
const SHOWN: u32 = 100;

/// The longest tag and note, in characters.
pub(super) const NOTE_MAX: usize = 2_000;

/// Some customers, in the order of their numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomerPage {
    pub rows: Vec<CustomerRow>,
    /// Behind whom the next page begins; `None`: nobody is left.
    pub next: Option<String>,
}

/// Two numbers that are one customer's now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merged {
    pub customer: CustomerRow,
    /// The number that is unmerged to take this back: the one that the first of them was known by.
    pub merged: String,
    /// Nothing was known of the number that they are known by now.
    pub is_unknown: bool,
    /// Opt-outs that the two do not share: those stay with the number that they were said of.
    pub opted_out_apart: Vec<ApartOptOut>,
}

/// An opt-out of one of two customers who are one now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApartOptOut {
    /// `*` for all.
    pub business: String,
    /// The number that the other one was known by, which it does not hold for.
    pub number: String,
}

impl ApartOptOut {
    /// `` `blastdeck suppress add +60… --business 'kedai'` ``: what has it hold for the other number as well.
    pub fn adding_line(&self) -> String {
        let Self { business, number } = self;
        if business == EVERY_BUSINESS {
            return format!("`blastdeck suppress add {number}`");
        }
        format!("`blastdeck suppress add {number} --business {}`", shell_quoted(business))
    }
}

impl App {
    /// A page of customers.
    pub async fn customers(&self, query: &CustomerQuery) -> Result<CustomerPage, AppError> {
        self.sees_customers()?;
        let one_more = CustomerQuery { limit: query.limit.saturating_add(1), ..query.clone() };
        let mut keys = customer::keys(self.pool(), &one_more).await?;
        let limit = usize::try_from(query.limit).unwrap_or(0);
        let is_more = keys.len() > limit;
        keys.truncate(limit);
        let next = keys.last().filter(|_| is_more).cloned();
        Ok(CustomerPage { rows: customer::rows(self.pool(), &keys).await?, next })
    }

    /// What is known of the customer who has this number.
    pub async fn customer(&self, phone: &Phone) -> Result<CustomerDetails, AppError> {
        self.customer_with(phone, SHOWN).await
    }

    /// The same with so many of their blasts, notes and consents.
    pub async fn customer_with(&self, phone: &Phone, limit: u32) -> Result<CustomerDetails, AppError> {
        self.sees_customers()?;
        let (mut tx, limit) = (self.begin().await?, i64::from(limit));
        let key = known_customer(&mut tx, phone).await?;
        let blasts = customer::blasts(&mut tx, &key, limit).await?;
        let notes = customer::notes(&mut tx, &key, limit).await?;
        let consents = customer::newest_consents(&mut tx, &key, limit).await?;
        tx.rollback().await?;
        Ok(CustomerDetails { customer: customer_row(self.pool(), &key).await?, notes, consents, blasts })
    }

    /// How much there is of the customer who has this number.
    pub(super) async fn customer_totals(&self, phone: &Phone) -> Result<CustomerTotals, AppError> {
        let mut tx = self.begin().await?;
        let key = customer::customer_of(&mut tx, &key_of(phone)?).await?;
        Ok(customer::totals(&mut tx, &key).await?)
    }

    /// The number of a customer by their id: its digits, country code first; also with a plus before them.
    pub fn customer_phone(&self, id: &str) -> Result<Phone, AppError> {
        let none = || AppError::NotFound(format!("there is no customer {}", clean(id)));
        let id = id.strip_prefix('+').unwrap_or(id);
        let is_id = (3..=15).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_digit());
        let phone = is_id.then(|| Phone::parse(&format!("+{id}"), self.own_region()));
        // Half of the spellings that a person has are too short for the numbering plan: the key decides.
        phone.and_then(Result::ok).ok_or_else(none)
    }

    /// The number of the customer who has this id; `None` where no customer with this id is known.
    pub async fn customer_by_id(&self, id: &str) -> Result<Option<Phone>, AppError> {
        self.sees_customers()?;
        let Ok(phone) = self.customer_phone(id.trim()) else { return Ok(None) };
        let mut tx = self.begin().await?;
        let key = customer::customer_of(&mut tx, &key_of(&phone)?).await?;
        Ok(customer::is_known(&mut tx, &key).await?.then_some(phone))
    }

    /// Tags a customer, and takes tags away.
    pub async fn tag_customer(
        &self,
        phone: &Phone,
        add: &[String],
        remove: &[String],
    ) -> Result<CustomerRow, AppError> {
        let key = self.edit_customer(phone, (add, remove), None).await?;
        customer_row(self.pool(), &key).await.map_err(unread_after("the tags are changed"))
    }

    /// Writes a note about a customer, and returns it as it was written.
    pub async fn note_customer(&self, phone: &Phone, note: &str) -> Result<CustomerNote, AppError> {
        self.sees_customers()?;
        let note = note_of(note)?;
        let mut tx = self.begin_about(&[phone.as_str()]).await?;
        let key = known_customer(&mut tx, phone).await?;
        let written = customer::add_note(&mut tx, &key, &note, self.operator()).await?;
        self.log_customer(&mut tx, phone, json!({ "tags": [], "without": [], "note": note })).await?;
        tx.commit().await?;
        Ok(written)
    }

    /// Tags a customer, takes tags away and writes a note: all of it or nothing. Returns the customer's key.
    pub async fn edit_customer(
        &self,
        phone: &Phone,
        (add, remove): (&[String], &[String]),
        note: Option<&str>,
    ) -> Result<String, AppError> {
        self.sees_customers()?;
        let add = add.iter().map(|tag| tag_of(tag)).collect::<Result<Vec<_>, _>>()?;
        // Of what is no tag there is nothing to take away.
        let remove: Vec<String> = remove.iter().map(|tag| bare_tag(tag).to_owned()).collect();
        let note = note.map(note_of).transpose()?;
        let mut tx = self.begin_about(&[phone.as_str()]).await?;
        let key = known_customer(&mut tx, phone).await?;
        let removed = customer::untag(&mut tx, &key, &remove).await?;
        let added = customer::tag(&mut tx, &key, &add, self.operator()).await?;
        if let Some(note) = &note {
            customer::add_note(&mut tx, &key, note, self.operator()).await?;
        }
        if added + removed > 0 || note.is_some() {
            self.log_customer(&mut tx, phone, json!({ "tags": add, "without": remove, "note": note })).await?;
        }
        tx.commit().await?;
        Ok(key)
    }

    /// The messages of a blast to people behind `after`, at most so many.
    pub async fn sent_messages(
        &self,
        blast: BlastId,
        after: RecipientId,
        limit: u32,
    ) -> Result<Vec<SentMessage>, AppError> {
        self.blast_row(blast).await?;
        Ok(customer::sent(self.pool(), blast, after, i64::from(limit)).await?)
    }

    /// What the programs that made recipients call them, of those that have such an id.
    pub async fn external_ids(&self, recipients: &[RecipientId]) -> Result<Vec<(RecipientId, String)>, AppError> {
        Ok(customer::external_ids(self.pool(), recipients).await?)
    }

    /// Every tag, with how many customers have it.
    pub async fn tags(&self) -> Result<Vec<(String, i64)>, AppError> {
        self.sees_customers()?;
        let mut tx = self.begin().await?;
        Ok(customer::tags_of(&mut tx).await?)
    }

    /// Takes a note away.
    pub async fn remove_customer_note(&self, phone: &Phone, note: i64) -> Result<(), AppError> {
        self.sees_customers()?;
        let mut tx = self.begin_about(&[phone.as_str()]).await?;
        let key = known_customer(&mut tx, phone).await?;
        if !customer::remove_note(&mut tx, &key, note).await? {
            let see = format!("`blastdeck customer show {}`", phone.as_str());
            return Err(AppError::NotFound(format!("{phone} has no note {note}: see {see}")));
        }
        self.log_customer(&mut tx, phone, json!({ "without_note": note })).await?;
        Ok(tx.commit().await?)
    }

    /// Makes one customer of two, known by the number of `into`. Opt-outs stay with their numbers.
    pub async fn merge_customers(&self, from: &Phone, into: &Phone) -> Result<Merged, AppError> {
        self.sees_customers()?;
        let mut tx = self.begin_about(&[from.as_str(), into.as_str()]).await?;
        customer::lock_merges(&mut tx).await?;
        let from_key = known_customer(&mut tx, from).await?;
        let into_key = customer::customer_of(&mut tx, &key_of(into)?).await?;
        if from_key == into_key {
            return Err(AppError::Refused(format!("{from} and {into} are one customer already")));
        }
        let is_unknown = !customer::is_known(&mut tx, &into_key).await?;
        let apart = [customer_row(&mut *tx, &from_key).await?, customer_row(&mut *tx, &into_key).await?];
        customer::merge(&mut tx, (&from_key, &into_key), self.operator()).await?;
        self.log_customer(&mut tx, into, json!({ "merged": from_key })).await?;
        tx.commit().await?;
        let customer = customer_row(self.pool(), &into_key).await;
        Ok(Merged {
            customer: customer.map_err(unread_after("they are one customer now"))?,
            merged: from_key,
            is_unknown,
            opted_out_apart: apart_in(&apart),
        })
    }

    /// Makes a number that was merged a customer of its own again, with the numbers that were merged into it before: exactly what the
    /// merge brought, whatever was merged since.
    pub async fn unmerge_customer(&self, phone: &Phone) -> Result<CustomerRow, AppError> {
        self.unmerge(phone, None).await
    }

    /// The same of a number of this customer alone.
    pub async fn unmerge_from(&self, of: &Phone, phone: &Phone) -> Result<CustomerRow, AppError> {
        self.unmerge(phone, Some(of)).await
    }

    async fn unmerge(&self, phone: &Phone, of: Option<&Phone>) -> Result<CustomerRow, AppError> {
        self.sees_customers()?;
        let mut tx = self.begin_about(&[phone.as_str()]).await?;
        customer::lock_merges(&mut tx).await?;
        let key = key_of(phone)?;
        if let Some(of) = of {
            let own = known_customer(&mut tx, of).await?;
            if customer::customer_of(&mut tx, &key).await? != own {
                return Err(AppError::invalid("phoneNumber", format!("{phone} is no number of the customer {of}")));
            }
        }
        if !customer::unmerge(&mut tx, &key).await? {
            let others = customer::merged_into(&mut tx, &key).await?;
            return Err(AppError::Refused(match others.first() {
                None => format!("{phone} was not merged with another number"),
                Some(last) => format!(
                    "{phone} is the number that this customer is known by: unmerge the others, the last one first with `blastdeck customer unmerge {last}`"
                ),
            }));
        }
        self.log_customer(&mut tx, phone, json!({ "unmerged": key })).await?;
        tx.commit().await?;
        customer_row(self.pool(), &key).await.map_err(unread_after(format!("{phone} is a customer of its own again")))
    }

    async fn log_customer(&self, tx: &mut DbTransaction, phone: &Phone, detail: Value) -> Result<(), AppError> {
        let (operator, phone) = (self.acting_operator(), Some(phone.as_str()));
        let act = NewAction { operator, action: Act::Customer, blast: None, recipient: None, phone, detail };
        action::log(tx, act).await?;
        Ok(())
    }

    /// Tags and lists are of customers, which are one over all senders: whoever acts for one of them names nobody by these.
    ///
    /// # Errors
    /// Why that is refused.
    pub fn refuse_customers_of_all(&self, filter: &Filter) -> Result<(), String> {
        let is_refused = self.only_sender().is_some() && filter.asks_customers();
        let why = "tags and lists are of the customers of all senders, and this token acts for one: name people by its blasts";
        if is_refused { Err(why.to_owned()) } else { Ok(()) }
    }

    /// A customer is one over all senders: whoever acts for one of them sees none.
    pub(super) fn sees_customers(&self) -> Result<(), AppError> {
        match self.only_sender() {
            None => Ok(()),
            Some(_) => Err(AppError::Refused(
                "customers are one over all senders, and this token acts for one: use a token without a sender"
                    .to_owned(),
            )),
        }
    }
}

/// Where only one of two is opted out.
fn apart_in([one, other]: &[CustomerRow; 2]) -> Vec<ApartOptOut> {
    let holds =
        |of: &CustomerRow, business: &str| of.opted_out.iter().any(|out| out == business || out == EVERY_BUSINESS);
    let apart = |has: &CustomerRow, lacks: &CustomerRow| {
        let missing = has.opted_out.iter().filter(|business| !holds(lacks, business));
        let number = format!("+{}", lacks.id);
        missing.map(|business| ApartOptOut { business: business.clone(), number: number.clone() }).collect::<Vec<_>>()
    };
    [apart(one, other), apart(other, one)].concat()
}

async fn customer_row(executor: impl PgExecutor<'_>, key: &str) -> Result<CustomerRow, AppError> {
    let row = customer::rows(executor, &[key]).await?.pop();
    row.ok_or_else(|| AppError::NotFound("that customer is gone".to_owned()))
}

async fn known_customer(tx: &mut DbTransaction, phone: &Phone) -> Result<String, AppError> {
    let key = customer::customer_of(tx, &key_of(phone)?).await?;
    if customer::is_known(tx, &key).await? {
        return Ok(key);
    }
    Err(AppError::NotFound(format!(
        "nothing is known of {phone}: `blastdeck customer find TEXT` searches by digits and names"
    )))
}

pub(super) fn key_of(phone: &Phone) -> Result<String, AppError> {
    // Whoever was forgotten is known by the stand-in alone.
    if is_forgotten(phone.as_str()) {
        return Ok(phone.as_str().to_owned());
    }
    let key: Option<PersonKey> = phone.key();
    key.map(|key| key.to_string()).ok_or_else(|| AppError::Invalid(format!("{phone} is not a phone number")))
}

/// A note as it is kept.
fn note_of(text: &str) -> Result<String, AppError> {
    let note: String = clean_name(text).trim().chars().take(NOTE_MAX + 1).collect();
    if note.is_empty() || note.chars().count() > NOTE_MAX {
        return Err(AppError::invalid("note", format!("a note has 1 to {NOTE_MAX} characters")));
    }
    Ok(note)
}

/// A tag as it is kept.
pub(super) fn tag_of(text: &str) -> Result<String, AppError> {
    if let Some(tag) = customer_tag::read(text) {
        return Ok(tag.to_owned());
    }
    let why = format!("`{}` is not a tag: letters, digits, - _ and . without blanks, at most {TAG_MAX}", clean(text));
    Err(AppError::invalid("addTags", why))
}
