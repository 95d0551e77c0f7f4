//! Blasts to people of earlier ones, whom a filter names. A draft's people are read again until somebody sends it: who replied
//! meanwhile is not asked whether they have read it.

mod alike;
mod audience;
mod found;
mod found_again;
mod nobody_left;
mod to_them;
mod unmade;

use chrono_tz::Tz;
use serde_json::{Value, json};
use sqlx::PgConnection;

use super::create::refused;
use super::follow_up::with_left_out;
use super::{App, AppError, NewDraft};
use crate::domain::blast::BlastState;
use crate::domain::content::BlastContent;
use crate::domain::filter::segment::{Exclusion, Segment, SegmentReader};
use crate::domain::filter::waiting_carts_age;
use crate::domain::ids::BlastId;
use crate::domain::message::Variables;
use crate::domain::phone::Phone;
use crate::import::{ImportOptions, Imported, Lineage, PeopleSource, RejectedTo, Replacement, replace_people};
use crate::store::view::segment::{self, LeftOutPerson, SegmentPerson, StepAudience};
use crate::store::view::{BlastRow, follow_up};
use crate::store::{answered, import};

pub(super) use audience::{CappedAudience, FoundAudience, SegmentAudience};
pub use found::{FoundFollowUp, FoundPreview};
pub(super) use found_again::{AgainIn, NextTimeAgain};
use nobody_left::{by_reason, nobody};
pub(crate) use to_them::draft_to_them;
use unmade::{UnmadePerson, obstacle};

/// A draft to the people whom a filter names.
#[derive(Debug, Clone)]
pub struct SegmentDraft {
    pub draft: NewDraft,
    /// As typed.
    pub from: String,
    /// The blast that it follows up: whose people are meant where the filter names no blast.
    pub follows: Option<BlastId>,
}

/// Whom the filter of a draft finds, and who of them is left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentCount {
    /// As typed.
    pub from: String,
    pub finds: i64,
    /// By reason, in the order of their weight; whoever is left out counts once.
    pub left_out: Vec<(Exclusion, i64)>,
}

/// Somebody whom a draft's filter finds, and who gets no message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExcludedPerson {
    pub phone: Phone,
    pub name: Option<String>,
    /// Why, for programs.
    pub key: String,
    pub why: String,
}

impl SegmentCount {
    /// How many get it.
    pub fn gets(&self) -> i64 {
        self.finds - self.left_out.iter().map(|(_, people)| people).sum::<i64>()
    }
}

/// Who would get a draft now, and what.
struct AudienceNow {
    people: Vec<SegmentPerson>,
    /// Whom its filter finds besides, and the message cannot be made for.
    unmade: Vec<UnmadePerson>,
    content: BlastContent,
    is_marketing: bool,
}

/// What the filter of a request is called.
const FIELD: &str = "from";

impl App {
    /// The filter that finds somebody of a blast: with the blasts that it follows, whose messages then count under no frequency cap, as
    /// they do not for a follow-up.
    pub(super) async fn filter_of_person(
        &self,
        tx: &mut PgConnection,
        blast: BlastId,
        phone: &str,
    ) -> Result<String, AppError> {
        let blasts = follow_up::with_followed(&mut *tx, blast).await?.into_iter().collect();
        let blasts: Vec<_> = self.visible_blasts(tx, blasts).await?.iter().map(BlastId::to_string).collect();
        Ok(format!("blast:{} phone:{}", blasts.join(","), phone.trim_start_matches('+')))
    }

    /// Makes a draft to the people whom a filter names, each with the values that they have there, without whoever opted out, bought
    /// since, or had another message within the business's frequency cap.
    pub async fn create_from_segment(&self, from: SegmentDraft) -> Result<Imported, AppError> {
        let SegmentDraft { mut draft, from: text, follows } = from;
        let mut options = self.reading(self.caller_options()).await?;
        let audience = self.audience_of(&draft, &text, follows).await?;
        let (people, left_out): (Vec<_>, Vec<_>) =
            self.people_of(&audience).await?.into_iter().partition(|person| person.left_out.0.is_none());
        // What repeats reads its people at each of its times.
        options.may_be_empty = draft.repeat.is_some();
        if people.is_empty() && !options.may_be_empty {
            return Err(AppError::Refused(nobody(&left_out, follows.filter(|_| waiting_carts_age(&text).is_some()))));
        }
        // Whoever is stuck in the blast that is followed, and answers while they are queued, is not stuck any more.
        let stage = audience.segment.stuck_in(follows);
        options.note.follows = follows.map(|blast| Lineage { blast, stage, older_than: None });
        draft.segment = Some(with_blast(&text, &audience.segment));
        let people = PeopleSource::given(people.iter().map(as_given));
        let made = self.create_from(draft, people, RejectedTo::Nowhere, options).await.map_err(refused)?;
        let left_out = by_reason(&left_out).map(|(reason, people)| (reason.words(), people as u64));
        Ok(with_left_out(made, left_out))
    }

    /// The numbers of whom a filter finds, whoever of them gets messages.
    pub(super) async fn phones_from(&self, text: &str, sender: Option<&str>) -> Result<Vec<Phone>, AppError> {
        let found = match sender {
            Some(name) => self.config().sender(name),
            None => self.config().senders.first(),
        };
        let sender = found.ok_or_else(|| AppError::NotFound(self.no_sender(sender.unwrap_or_default())))?;
        let segment = self.read_segment(text, sender.timezone, None)?;
        self.refuse_unknown_lists(&segment.lists()).await?;
        for blast in &segment.blasts {
            self.blast_row(*blast).await?;
        }
        let business = sender.business().to_owned();
        let audience = SegmentAudience { segment, business, follows: None, step: None, draft: None, start: None };
        let people = self.people_of(&audience).await?;
        Ok(people.into_iter().map(|person| person.phone).collect())
    }

    /// Reads the people of a draft again, where a filter names them. `true`: they are others now, and the draft has a new version.
    pub async fn renew_audience(&self, id: BlastId) -> Result<bool, AppError> {
        self.renew_people(&self.blast_row(id).await?).await
    }

    /// The same of a blast that was read already.
    pub(super) async fn renew_people(&self, row: &BlastRow) -> Result<bool, AppError> {
        if row.origin.segment.is_none() {
            return Ok(false);
        }
        let options = self.reading(ImportOptions { may_be_empty: true, ..self.import_options() }).await?;
        let Some(audience) = self.audience_now(row).await? else { return Ok(false) };
        let AudienceNow { mut people, unmade, content, is_marketing } = audience;
        let members = segment::members(self.pool(), row.id).await?;
        if alike::are_alike(&members, &people, &content) {
            self.keep_unmade(row, &unmade).await?;
            return Ok(false);
        }
        // They are counted as they were when it was made.
        people.extend(unmade.into_iter().map(|unmade| unmade.person));
        let to = Replacement {
            blast: row.id,
            version: row.version,
            region: self.region_of(row.sender_id),
            content,
            without_united_states: is_marketing,
            mends: Vec::new(),
            is_of_filter: true,
        };
        let people = PeopleSource::given(people.iter().map(as_given));
        replace_people(self.pool(), to, people, options).await.map_err(refused)?;
        self.notify(row.id).await;
        Ok(true)
    }

    /// A draft as it would be with whom its filter finds now, and who that is. Writes nothing.
    pub(super) async fn with_audience(&self, mut row: BlastRow) -> Result<(BlastRow, Option<FoundAudience>), AppError> {
        let Some(AudienceNow { people, unmade, .. }) = self.audience_now(&row).await? else { return Ok((row, None)) };
        let phones: Vec<_> = people.into_iter().map(|person| person.phone).collect();
        let gone = segment::members_besides(self.pool(), row.id, &phones).await?;
        // Who opted out since is left out by the filter already.
        (row.counts.queued, row.counts.opted_out) = (i64::try_from(phones.len()).unwrap_or(i64::MAX), 0);
        Ok((row, Some(FoundAudience { phones, gone, unmade: unmade::kept(&unmade) })))
    }

    /// Who would get a draft now, or the next time of what repeats; `None` where no filter names its people, or they are frozen.
    async fn audience_now(&self, row: &BlastRow) -> Result<Option<AudienceNow>, AppError> {
        if row.origin.segment.is_none() || !self.finds_anew(row).await? {
            return Ok(None);
        }
        let Ok(content) = BlastContent::parse(&row.message, row.template.as_ref()) else { return Ok(None) };
        let is_marketing = self.is_marketing(row, &content).await;
        let business = self.business(row.sender_id).await?;
        let Some(audience) = self.audience_of_row(row, &business).await? else { return Ok(None) };
        let mut people = self.people_of(&audience).await?;
        let mut tx = self.begin().await?;
        // A kept list of a database that was restored still has them, and nobody would be made of them.
        let forgotten = self.forgotten_people(&mut tx).await?;
        tx.rollback().await?;
        people.retain(|person| person.left_out.0.is_none() && !forgotten.has(&person.phone));
        let (people, unmade) = unmade::parted(people, &content, is_marketing);
        Ok(Some(AudienceNow { people, unmade, content, is_marketing }))
    }

    /// Of a draft whose filter finds nobody any more, since a blast that it names was deleted.
    pub(super) async fn deleted_source(&self, row: &BlastRow) -> Result<Option<String>, AppError> {
        let business = self.business(row.sender_id).await?;
        let Some(audience) = self.audience_of_row(row, &business).await? else { return Ok(None) };
        let gone = segment::strangers(self.pool(), &audience.segment.blasts, &business).await?;
        Ok(gone.first().map(|id| format!("blast {id}, in which its filter finds people, was deleted")))
    }

    /// Whether the provider calls its template marketing.
    async fn is_marketing(&self, row: &BlastRow, content: &BlastContent) -> bool {
        match self.sender(row.sender_id) {
            Some(sender) => self.template_check(sender, content).await.is_marketing(),
            None => false,
        }
    }

    /// Whom the filter of a blast names now, as they would be given for another; `None` where no filter names its people.
    pub(super) async fn given_by_segment(&self, row: &BlastRow) -> Result<Option<Vec<Value>>, AppError> {
        let business = self.business(row.sender_id).await?;
        let Some(audience) = self.audience_of_row(row, &business).await? else { return Ok(None) };
        let Ok(content) = BlastContent::parse(&row.message, row.template.as_ref()) else { return Ok(None) };
        self.given_of(row, &audience, &content).await.map(Some)
    }

    /// Whom a step of a blast is for now, as they would be given for another.
    pub(super) async fn given_by_step(
        &self,
        row: &BlastRow,
        (text, step): (&str, StepAudience),
        content: &BlastContent,
    ) -> Result<Vec<Value>, AppError> {
        let business = self.business(row.sender_id).await?;
        let segment = self.read_segment(text, self.zone_of(row), Some(row.id))?;
        let follows = Some(row.id);
        let audience = SegmentAudience { segment, business, follows, step: Some(step), draft: None, start: None };
        self.given_of(row, &audience, content).await
    }

    async fn given_of(
        &self,
        row: &BlastRow,
        audience: &SegmentAudience,
        content: &BlastContent,
    ) -> Result<Vec<Value>, AppError> {
        let is_marketing = self.is_marketing(row, content).await;
        let mut people = self.people_of(audience).await?;
        people.retain(|person| person.left_out.0.is_none() && obstacle(person, content, is_marketing).is_none());
        Ok(people.iter().map(as_given).collect())
    }

    /// Whom the filter of a draft leaves out, or who of a follow-up is not stuck any more, and why: the first of them. Behind them whom the
    /// message cannot be made for.
    pub async fn left_out_of(&self, id: BlastId) -> Result<Vec<ExcludedPerson>, AppError> {
        let row = self.blast_row(id).await?;
        let business = self.business(row.sender_id).await?;
        // Once it is launched its people are those that it was made with.
        let audience = if self.finds_anew(&row).await? { self.audience_of_row(&row, &business).await? } else { None };
        let Some(audience) = audience else {
            return Ok(answered::people(self.pool(), id).await?.into_iter().filter_map(ExcludedPerson::of).collect());
        };
        let excluded = segment::left_out(self.pool(), self.query_of(&audience)).await?;
        let mut left_out: Vec<ExcludedPerson> = excluded.into_iter().filter_map(ExcludedPerson::of).collect();
        if let Ok(content) = BlastContent::parse(&row.message, row.template.as_ref()) {
            let is_marketing = self.is_marketing(&row, &content).await;
            let found = self.people_of(&audience).await?.into_iter().filter(|person| person.left_out.0.is_none());
            left_out.extend(found.filter_map(|person| {
                let why = obstacle(&person, &content, is_marketing)?;
                Some(ExcludedPerson { phone: person.phone, name: person.name, key: why.clone(), why })
            }));
        }
        Ok(left_out)
    }

    /// Whom the filter of a draft finds now; `None` where no filter names its people, or they are frozen.
    pub(super) async fn segment_count(&self, row: &BlastRow, business: &str) -> Result<Option<SegmentCount>, AppError> {
        let Some(from) = row.origin.segment.clone() else { return Ok(None) };
        if !self.finds_anew(row).await? {
            return Ok(None);
        }
        let Some(audience) = self.audience_of_row(row, business).await? else { return Ok(None) };
        self.count_of(from, &audience).await.map(Some)
    }

    /// Whether a filter that names the people is read again: of a draft, and of what repeats as long as it does. Not of a draft in which
    /// somebody was sent to, or may have been, as of a database that went back in time: they would be taken out and in again as if nothing was,
    /// also after somebody decided about them.
    pub(super) async fn finds_anew(&self, row: &BlastRow) -> Result<bool, AppError> {
        let repeats =
            row.origin.repeat.rule.is_some() && matches!(row.state, BlastState::Scheduled | BlastState::Paused);
        Ok(repeats || row.state == BlastState::Draft && !import::is_attempted(self.pool(), row.id).await?)
    }

    async fn count_of(&self, from: String, audience: &SegmentAudience) -> Result<SegmentCount, AppError> {
        let counts = segment::counts(self.pool(), self.query_of(audience)).await?;
        let finds = counts.iter().map(|count| count.people).sum();
        let of = |reason| counts.iter().find(|count| count.left_out.0 == Some(reason)).map(|count| count.people);
        let left_out = Exclusion::ALL.into_iter().filter_map(|reason| Some((reason, of(reason)?))).collect();
        Ok(SegmentCount { from, finds, left_out })
    }
}

/// The filter as it is kept: with its blast, also where that went without saying. Without it `tag:vip` would mean everybody who has the tag
/// once the blast that is followed was deleted.
fn with_blast(text: &str, segment: &Segment) -> String {
    let read = SegmentReader { now: chrono::DateTime::UNIX_EPOCH, zone: Tz::UTC, blast: None }.read(text);
    let names_one = read.is_ok_and(|read| !read.blasts.is_empty());
    let text = text.trim().replace('\0', "");
    match segment.blasts.as_slice() {
        [blast] if !names_one => format!("blast:{blast} {text}"),
        _ => text,
    }
}

impl ExcludedPerson {
    fn of(person: LeftOutPerson) -> Option<Self> {
        let LeftOutPerson { phone, name, left_out } = person;
        let reason = left_out.0?;
        Some(Self { phone, name, key: reason.key().to_owned(), why: reason.words().to_owned() })
    }
}

/// What a message is made with for somebody.
pub(super) fn values_of(name: Option<&str>, variables: Option<Value>) -> Variables {
    let mut values: Variables = variables.and_then(|values| serde_json::from_value(values).ok()).unwrap_or_default();
    if let Some(name) = name.filter(|_| values.get("name").is_none()) {
        values.set("name", name);
    }
    values
}

/// A person as a program would give them.
fn as_given(person: &SegmentPerson) -> Value {
    json!({
        "phone_number": person.phone.as_str(), "name": person.name,
        "variables": person.variables, "external_id": person.external_id,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_of_a_follow_up_is_kept_with_the_blast_that_it_is_about() {
        let kept = |text: &str, blast| {
            let reader = SegmentReader { now: chrono::DateTime::UNIX_EPOCH, zone: Tz::UTC, blast };
            with_blast(text, &reader.read(text).unwrap())
        };

        for (text, of_seven) in [
            ("tag:vip", "blast:7 tag:vip"),
            ("list:raya -has:reply", "blast:7 list:raya -has:reply"),
            ("stuck:read", "blast:7 stuck:read"),
            ("blast:9 tag:vip", "blast:9 tag:vip"),
            ("blast:7,9", "blast:7,9"),
        ] {
            assert_eq!(kept(text, Some(BlastId(7))), of_seven);
        }
        assert_eq!(kept("tag:vip", None), "tag:vip", "of a blast that follows none");
    }
}
