//! Tags of many customers at once: of those whom a filter finds, or of numbers.

use std::collections::BTreeSet;

use serde_json::json;

use super::customers::{key_of, tag_of};
use super::{App, AppError};
use crate::domain::act::Act;
use crate::domain::forgotten::is_forgotten;
use crate::domain::phone::Phone;
use crate::store::action::{self, NewAction};
use crate::store::{customer, forget};

/// Whose tags are to change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TaggedPeople {
    Numbers(Vec<Phone>),
    /// Whom a filter finds, also who is left out of a blast to them. Of this sender's business where it names no blast.
    From {
        filter: String,
        sender: Option<String>,
    },
}

/// What becomes of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TagChange {
    Add(Vec<String>),
    Remove(Vec<String>),
}

/// How many customers it is about, and how many of them it changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaggedCount {
    pub customers: u64,
    pub changes: u64,
}

/// Whom a change of tags would be about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagPreview {
    pub count: TaggedCount,
    customers: BTreeSet<String>,
}

/// How many customers are changed in one transaction.
const AT_ONCE: usize = 1_000;

/// Why the rest of them are left.
const SOMEBODY_FORGOTTEN: &str =
    "somebody was forgotten meanwhile, who may be one of them: do it again for those who are left";

impl App {
    /// Whom it would be about. Changes nothing.
    pub async fn tag_preview(&self, people: &TaggedPeople, change: &TagChange) -> Result<TagPreview, AppError> {
        let keys = self.keys_of(people).await?;
        Ok(TagPreview { count: self.count_tagged(&keys, change).await?, customers: keys.into_iter().collect() })
    }

    async fn count_tagged(&self, keys: &[String], change: &TagChange) -> Result<TaggedCount, AppError> {
        let tags = tags_of(change)?;
        let mut tx = self.begin().await?;
        let has = customer::tagged(&mut tx, keys, &tags).await?;
        let changes = match change {
            TagChange::Add(_) => keys.len() - has.all,
            TagChange::Remove(_) => has.any,
        };
        Ok(TaggedCount { customers: keys.len() as u64, changes: changes as u64 })
    }

    /// Tags those who were seen, as far as it is still about them, or takes tags away, a thousand in a transaction: one that is broken
    /// off is given again.
    pub async fn tag_many(
        &self,
        people: &TaggedPeople,
        change: &TagChange,
        seen: &TagPreview,
    ) -> Result<TaggedCount, AppError> {
        let last_forgotten = forget::last_forgotten(self.pool()).await?;
        let (mut keys, tags) = (self.keys_of(people).await?, tags_of(change)?);
        keys.retain(|key| seen.customers.contains(key));
        let count = self.count_tagged(&keys, change).await?;
        for some in keys.chunks(AT_ONCE) {
            let numbers: Vec<&str> = some.iter().map(String::as_str).collect();
            let mut tx = self.begin_about(&numbers).await?;
            if forget::last_forgotten(&mut *tx).await? != last_forgotten {
                return Err(AppError::Refused(SOMEBODY_FORGOTTEN.to_owned()));
            }
            match change {
                TagChange::Add(_) => customer::tag_all(&mut tx, some, &tags, self.operator()).await?,
                TagChange::Remove(_) => customer::untag_all(&mut tx, some, &tags).await?,
            }
            let detail = match change {
                TagChange::Add(_) => json!({ "tags": tags, "people": some.len() }),
                TagChange::Remove(_) => json!({ "without": tags, "people": some.len() }),
            };
            let operator = self.acting_operator();
            let act = NewAction { operator, action: Act::Customer, blast: None, recipient: None, phone: None, detail };
            action::log(&mut tx, act).await?;
            tx.commit().await?;
        }
        Ok(count)
    }

    /// The customers whose numbers these are, once each.
    async fn keys_of(&self, people: &TaggedPeople) -> Result<Vec<String>, AppError> {
        self.sees_customers()?;
        let phones = match people {
            TaggedPeople::Numbers(phones) => phones.clone(),
            TaggedPeople::From { filter, sender } => self.phones_from(filter, sender.as_deref()).await?,
        };
        // Of whoever was forgotten nothing new is noted, and nobody is counted.
        let phones = phones.iter().filter(|phone| !is_forgotten(phone.as_str()));
        let numbers: BTreeSet<String> = phones.map(key_of).collect::<Result<_, _>>()?;
        let mut tx = self.begin().await?;
        let keys = customer::customers_of(&mut tx, &Vec::from_iter(numbers)).await?;
        let mut unknown = Vec::new();
        if let TaggedPeople::Numbers(_) = people {
            for key in &keys {
                if !customer::is_known(&mut tx, key).await? {
                    unknown.push(key.clone());
                }
            }
        }
        if !unknown.is_empty() {
            return Err(AppError::NotFound(format!(
                "nothing is known of {}: `blastdeck customer find TEXT` searches by digits and names",
                unknown.join(", ")
            )));
        }
        Ok(keys)
    }
}

fn tags_of(change: &TagChange) -> Result<Vec<String>, AppError> {
    let (TagChange::Add(tags) | TagChange::Remove(tags)) = change;
    if tags.is_empty() {
        return Err(AppError::invalid("addTags", "name a tag, or several with commas between them"));
    }
    tags.iter().map(|tag| tag_of(tag)).collect()
}
