//! A new draft to the people of an older blast who got no further.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::create::{NewDraft, refused};
use super::{App, AppError};
use crate::domain::blast::PersonClocks;
use crate::domain::content::BlastContent;
use crate::domain::follow_up::{AgeCount, ages};
use crate::domain::ids::{BlastId, RecipientId};
use crate::domain::status::Status;
use crate::domain::text::{count_of, number};
use crate::import::{ImportError, Imported, Lineage, PeopleSource, ReasonCount, RejectedTo};
use crate::store::view;
use crate::store::view::follow_up::{self, FollowUpResponses, StuckPerson, StuckQuery};

/// Whom a follow-up goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FollowUp {
    pub blast: BlastId,
    /// The stage that they reached, and no further.
    pub stuck_at: Status,
    /// How long they have been there at least.
    pub older_than: TimeDelta,
}

/// Whom a follow-up would reach, by how long they are stuck. Changes nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FollowUpPreview {
    pub blast: BlastId,
    pub stuck_at: Status,
    /// One for each of the ages to choose from, in their order.
    pub ages: Vec<AgeCount>,
    /// When people of the blast were last marked by hand, and by whom: whoever replied on a phone since is not known to have.
    pub last_mark: Option<(DateTime<Utc>, String)>,
    /// What the draft would be called beside its blast's name.
    pub stage_name: String,
}

/// How many people are read at once.
const PAGE: i64 = 1_000;
/// Of several that are made at the same time each reads its people anew once another one is there.
const TRIES: usize = 20;

impl App {
    /// Who is stuck at a stage and who of them would be left out, for every age to choose from.
    pub async fn follow_up_preview(&self, blast: BlastId, stuck_at: Status) -> Result<FollowUpPreview, AppError> {
        let row = self.blast_row(blast).await?;
        let business = self.business(row.sender_id).await?;
        let stuck = StuckQuery { blast, stage: stuck_at, business: &business };
        let choices = ages();
        let counts = follow_up::counts(self.pool(), stuck, self.engine().clock.now(), &choices).await?;
        let mut ages = vec![AgeCount::default(); choices.len()];
        for count in counts {
            // Everybody is past the first: a clock that runs behind makes nobody younger than nothing.
            let past = usize::try_from(count.past).unwrap_or_default().max(1);
            // Whoever replied is not marked for what they wrote: they are marked.
            let is_unmarked = count.wrote && count.left_out.0.is_none() && stuck_at < Status::Replied;
            for age in ages.iter_mut().take(past) {
                age.add(count.left_out.0, count.people);
                age.unmarked += if is_unmarked { count.people } else { 0 };
            }
        }
        let last_mark = follow_up::last_mark(self.pool(), blast).await?;
        let stage_name = self.next_stage(blast).await?;
        Ok(FollowUpPreview { blast, stuck_at, ages, last_mark, stage_name })
    }

    /// Makes a draft to those who are stuck, each with the values of the older blast, without those who opted out, bought since or
    /// are in a follow-up of it. Whoever opts out, replies or buys later is left out when it is launched.
    pub async fn follow_up(&self, from: FollowUp, draft: NewDraft) -> Result<Imported, AppError> {
        Self::refuse_stage(from)?;
        for _ in 0..TRIES {
            match self.follow_up_once(from, draft.clone()).await? {
                Err(ImportError::Followed) => {}
                made => return made.map_err(refused),
            }
        }
        Err(refused(ImportError::Followed))
    }

    async fn follow_up_once(&self, from: FollowUp, draft: NewDraft) -> Result<Result<Imported, ImportError>, AppError> {
        let mut options = self.reading(self.caller_options()).await?;
        let row = self.blast_row(from.blast).await?;
        let seen = follow_up::follow_ups_of(self.pool(), from.blast).await?;
        let (people, left_out) = self.people_to_follow(from, &self.business(row.sender_id).await?).await?;
        let unasked = self.unasked(from).await?;
        if people.is_empty() {
            return Err(AppError::Refused(nobody(from, &left_out, unasked)));
        }
        options.note.follows =
            Some(Lineage { blast: from.blast, stage: Some(from.stuck_at), older_than: Some(from.older_than) });
        options.note.follow_ups_seen = Some(seen);
        let made = self.create_from(draft, PeopleSource::given(people), RejectedTo::Nowhere, options).await;
        let left_out = left_out.left_out.iter().map(|(reason, people)| (reason.words(), people.unsigned_abs()));
        let left_out = left_out.chain([(UNASKED, unasked.unsigned_abs())]);
        Ok(made.map(|made| with_left_out(made, left_out)))
    }

    /// The same with the older blast's sender, message and pace, named as the next of its follow-ups.
    pub async fn follow_up_alike(&self, from: FollowUp) -> Result<Imported, AppError> {
        let draft = self.draft_alike(from.blast).await?;
        self.follow_up(from, draft).await
    }

    /// A draft with everything of a blast but its people.
    pub async fn draft_alike(&self, blast: BlastId) -> Result<NewDraft, AppError> {
        let row = self.blast_row(blast).await?;
        let content = BlastContent::parse(&row.message, row.template.as_ref());
        let content = content.map_err(|error| AppError::Refused(format!("its message cannot be used: {error}")))?;
        if let Some(unreadable) = row.limits.unreadable() {
            return Err(AppError::Refused(format!("blast {blast}: {unreadable}")));
        }
        let limits = row.limits;
        Ok(NewDraft {
            follow_up_stage: self.next_stage(blast).await?,
            sender: row.sender,
            tag: row.tag,
            content,
            // Whoever could not get it is not among those who did.
            is_marketing: false,
            rate: limits.rate.and_then(Result::ok),
            gap: limits.gap.and_then(Result::ok),
            window: limits.hours.and_then(Result::ok),
            weekdays: limits.weekdays.and_then(Result::ok),
            timezone: limits.zone.and_then(Result::ok),
            retry_next_day: false,
            first: None,
            external_id: None,
            description: None,
            start: None,
            segment: None,
            clocks: PersonClocks::default(),
            repeat: None,
        })
    }

    /// Who came back only after the follow-ups of a blast.
    pub async fn came_back(&self, blast: BlastId) -> Result<FollowUpResponses, AppError> {
        Ok(follow_up::came_back(self.pool(), blast).await?)
    }

    async fn next_stage(&self, blast: BlastId) -> Result<String, AppError> {
        Ok(format!("Follow-up {}", follow_up::next_number(self.pool(), blast).await?))
    }

    fn refuse_stage(from: FollowUp) -> Result<(), AppError> {
        match from.stuck_at {
            Status::Sent | Status::Delivered | Status::Read | Status::Replied => Ok(()),
            other => {
                Err(AppError::Refused(format!("nobody is stuck at {other}: it is sent, received, read or replied")))
            }
        }
    }

    /// How many at *sent* nobody has asked the provider about: whether they are stuck there is not known, and they get no follow-up.
    async fn unasked(&self, from: FollowUp) -> Result<i64, AppError> {
        if from.stuck_at != Status::Sent {
            return Ok(0);
        }
        let sent_before = self.engine().clock.now() - from.older_than;
        Ok(view::unasked_before(self.pool(), from.blast, sent_before).await?)
    }

    /// Who is stuck for so long: those who get the follow-up, and how many do not.
    async fn people_to_follow(&self, from: FollowUp, business: &str) -> Result<(Vec<Value>, AgeCount), AppError> {
        let stuck = StuckQuery { blast: from.blast, stage: from.stuck_at, business };
        let as_of = self.engine().clock.now() - from.older_than;
        let is_everybody = from.older_than <= TimeDelta::zero();
        let (mut people, mut count, mut after) = (Vec::new(), AgeCount::default(), RecipientId(0));
        loop {
            let page = follow_up::page(self.pool(), stuck, after, PAGE).await?;
            let Some(last) = page.last() else { return Ok((people, count)) };
            after = last.id;
            for person in page.into_iter().filter(|person| is_everybody || person.since <= as_of) {
                count.add(person.left_out.0, 1);
                people.extend(person.left_out.0.is_none().then(|| as_given(&person)));
            }
        }
    }
}

/// Whoever was found and left out before the draft was made, for each reason, beside those whom it rejected.
pub(super) fn with_left_out(mut made: Imported, left_out: impl Iterator<Item = (&'static str, u64)>) -> Imported {
    for (reason, rows) in left_out.filter(|(_, people)| *people > 0) {
        made.rejected.total += rows;
        made.rejected.reasons.push(ReasonCount { reason: reason.to_owned(), rows, first_row: 0 });
    }
    made
}

/// After a number of people.
const UNASKED: &str = "at sent whom the provider was not asked about yet";

/// Why nobody gets a follow-up.
fn nobody(from: FollowUp, found: &AgeCount, unasked: i64) -> String {
    let FollowUp { blast, stuck_at, older_than, .. } = from;
    let for_so_long = if older_than > TimeDelta::zero() { " for so long" } else { "" };
    if unasked > 0 {
        let known = nobody(from, found, 0);
        let unknown = count_of(unasked, "person", "people");
        return format!(
            "{known}; {unknown} at sent may be stuck there or have the message: the provider was not asked about them yet"
        );
    }
    if found.stuck == 0 && for_so_long.is_empty() {
        return format!("nobody of blast {blast} is stuck at {stuck_at}");
    }
    if found.stuck == 0 {
        return format!("nobody of blast {blast} has been stuck at {stuck_at}{for_so_long}");
    }
    let reasons: Vec<_> =
        found.left_out.iter().map(|(reason, people)| format!("{} {}", number(*people), reason.words())).collect();
    let stuck = count_of(found.stuck, "person of blast", "people of blast");
    let (have, reasons) = (if found.stuck == 1 { "has" } else { "have" }, reasons.join(", "));
    format!("{stuck} {blast} {have} been stuck at {stuck_at}{for_so_long}, and nobody is left: {reasons}")
}

/// A person as a program would give them.
fn as_given(person: &StuckPerson) -> Value {
    json!({
        "phone_number": person.phone.as_str(), "name": person.name,
        "variables": person.variables, "external_id": person.external_id,
    })
}
