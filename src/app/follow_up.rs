//! A new draft to the people of an older blast who got no further.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::create::{NewDraft, refused};
use super::{App, AppError};
use crate::domain::filter::Filter;
use crate::domain::ids::{BlastId, RecipientId};
use crate::domain::status::Status;
use crate::import::{Imported, PeopleSource, RejectedTo};
use crate::store::view::{Anchor, Order, RecipientQuery, RecipientRow};

/// Whom a follow-up goes to.
#[derive(Debug, Clone, Copy)]
pub struct FollowUp {
    pub blast: BlastId,
    /// The stage that they reached, and no further.
    pub stuck_at: Status,
    /// How long they have been there at least.
    pub older_than: TimeDelta,
}

/// How many people are read at once.
const PAGE: u32 = 1_000;

impl App {
    /// Makes a draft to those who are stuck, each with the values of the older blast. Whoever opted out since is left out when
    /// it is launched.
    pub async fn follow_up(&self, from: FollowUp, draft: NewDraft) -> Result<Imported, AppError> {
        self.blast_row(from.blast).await?;
        let people = self.stuck_people(from).await?;
        if people.is_empty() {
            let why = format!("nobody of blast {} has been stuck at {} for so long", from.blast, from.stuck_at);
            return Err(AppError::Refused(why));
        }
        let source = PeopleSource::Given(people);
        self.create_from(draft, source, RejectedTo::Nowhere, self.caller_options()).await.map_err(refused)
    }

    async fn stuck_people(&self, from: FollowUp) -> Result<Vec<Value>, AppError> {
        let as_of = Some(self.engine().clock.now() - from.older_than);
        let filter = Filter::stuck(from.stuck_at);
        let (mut people, mut anchor) = (Vec::new(), Anchor::Start);
        loop {
            let (filter, order) = (filter.clone(), Order::Row);
            let rows = self
                .recipients(&RecipientQuery { blast: from.blast, filter, order, as_of, anchor, limit: PAGE })
                .await?;
            let Some(last) = rows.last() else { return Ok(people) };
            anchor = Anchor::After(last.place());
            people.extend(self.as_given(&rows).await?);
        }
    }

    /// People as a program would give them.
    async fn as_given(&self, rows: &[RecipientRow]) -> Result<Vec<Value>, AppError> {
        let ids: Vec<RecipientId> = rows.iter().map(|row| row.id).collect();
        let mut facts = self.recipient_facts(&ids).await?;
        facts.sort_by_key(|facts| facts.id);
        let given = |row: &RecipientRow| {
            let found = facts.binary_search_by_key(&row.id, |facts| facts.id).ok().and_then(|at| facts.get(at));
            json!({
                "phone_number": row.phone.as_str(), "name": row.name,
                "variables": found.and_then(|facts| facts.variables.clone()),
                "external_id": found.and_then(|facts| facts.external_id.clone()),
            })
        };
        Ok(rows.iter().map(given).collect())
    }
}
