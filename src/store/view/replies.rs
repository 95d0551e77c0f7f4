//! What people wrote, and what providers said of accounts, numbers and templates: newest first, page by page.

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::{PgConnection, PgPool};

use crate::domain::ids::{BlastId, RecipientId, ReplyId};
use crate::domain::phone::Phone;
use crate::domain::text::{count_of, number, people};
use crate::store::{ROWS_MAX, StoreError};

/// Something that somebody wrote, pressed or sent.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct ReplyRow {
    pub id: ReplyId,
    pub sender: String,
    /// The blast that it answers, where one is known.
    pub blast: Option<BlastId>,
    pub recipient: Option<RecipientId>,
    /// `None` where nothing but an id is known of the writer.
    pub phone: Option<Phone>,
    pub user_id: Option<String>,
    /// As their row has it, else as their profile does.
    pub name: Option<String>,
    /// `text`, `button`, `list`, `image` and so on.
    pub kind: String,
    /// The text, or a word for what it is.
    pub body: String,
    /// Of a button or a list's line.
    pub payload: Option<String>,
    pub message_id: String,
    pub at: DateTime<Utc>,
    pub received_at: DateTime<Utc>,
    #[sqlx(flatten)]
    pub file: ReplyFile,
}

/// What became of the file in a reply.
#[derive(Debug, Clone, PartialEq, Eq, Default, sqlx::FromRow)]
pub struct ReplyFile {
    /// `wanted`, `stored`, `lost` or `dropped`; `None` without a file.
    pub file_state: Option<String>,
    /// SHA-256 in hex: its name on the disk.
    pub file_digest: Option<String>,
    pub file_type: Option<String>,
    pub file_bytes: Option<i64>,
    /// The machine that has it.
    pub file_host: Option<String>,
    pub file_reason: Option<String>,
}

/// A reply's place in the order of arrival.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ReplyPosition {
    pub received_at: DateTime<Utc>,
    pub id: ReplyId,
}

/// Kinds whose body begins with a word for what they are, behind which stands nothing that was typed beside a file.
const WITHOUT_CAPTION: [&str; 2] = ["location", "order"];

impl ReplyRow {
    /// What stands behind the word for what it is: `Stop!` of `(picture) Stop!`. `None`: its body has no such word.
    pub fn behind_kind(&self) -> Option<&str> {
        Some(self.body.strip_prefix('(')?.strip_prefix(self.kind.as_str())?.strip_prefix(')')?.trim())
    }

    /// What was typed beside a file.
    pub fn caption(&self) -> Option<&str> {
        self.behind_kind().filter(|typed| !typed.is_empty() && !WITHOUT_CAPTION.contains(&self.kind.as_str()))
    }

    pub const fn place(&self) -> ReplyPosition {
        ReplyPosition { received_at: self.received_at, id: self.id }
    }
}

/// Which replies to list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReplyQuery {
    pub blast: Option<BlastId>,
    /// Received since then.
    pub since: Option<DateTime<Utc>>,
    /// Only those that came before this one.
    pub before: Option<ReplyPosition>,
    /// 1 to 1,000.
    pub limit: u32,
}

macro_rules! replies {
    ($tail:literal) => {
        concat!(
            "select p.id, s.name as sender, p.blast_id as blast, p.recipient_id as recipient, p.phone_number as phone,
                    p.user_id, coalesce(r.name, p.name) as name, p.kind, p.body, p.payload, p.message_id, p.at, p.received_at,
                    m.state as file_state, m.digest as file_digest, m.mime_type as file_type, m.bytes as file_bytes,
                    m.host as file_host, m.reason as file_reason
               from replies p
               join senders s on s.id = p.sender_id
               left join blast_recipients r on r.id = p.recipient_id
               left join reply_media m on m.reply_id = p.id
              where ",
            $tail
        )
    };
}

/// A page of replies, newest first.
pub async fn list(pool: &PgPool, query: &ReplyQuery) -> Result<Vec<ReplyRow>, StoreError> {
    let before = query.before.unwrap_or(ReplyPosition { received_at: far(), id: ReplyId(i64::MAX) });
    let page = match query.blast {
        None => sqlx::query_as(replies!(
            "p.received_at >= $1 and (p.received_at, p.id) < ($2, $3)
              order by p.received_at desc, p.id desc limit $4"
        )),
        Some(_) => sqlx::query_as(replies!(
            "p.received_at >= $1 and (p.received_at, p.id) < ($2, $3) and p.blast_id = $5
              order by p.received_at desc, p.id desc limit $4"
        )),
    };
    let since = query.since.unwrap_or(DateTime::UNIX_EPOCH);
    let page = page.bind(since).bind(before.received_at).bind(before.id).bind(i64::from(query.limit.clamp(1, 1_000)));
    let page = match query.blast {
        None => page,
        Some(blast) => page.bind(blast),
    };
    Ok(page.fetch_all(pool).await?)
}

/// A blast's replies after this place, in the order of arrival.
pub async fn after(
    pool: &PgPool,
    blast: BlastId,
    place: ReplyPosition,
    limit: u32,
) -> Result<Vec<ReplyRow>, StoreError> {
    let page = sqlx::query_as(replies!(
        "p.blast_id = $1 and (p.received_at, p.id) > ($2, $3) order by p.received_at, p.id limit $4"
    ));
    let page = page.bind(blast).bind(place.received_at).bind(place.id).bind(i64::from(limit.clamp(1, ROWS_MAX)));
    Ok(page.fetch_all(pool).await?)
}

/// The place of a blast's newest reply, or of the newest that is no younger than this one.
pub async fn newest(
    pool: &PgPool,
    blast: BlastId,
    up_to: Option<ReplyId>,
) -> Result<Option<ReplyPosition>, StoreError> {
    let found: Option<(DateTime<Utc>, ReplyId)> = sqlx::query_as(
        "select received_at, id from replies
          where blast_id = $1 and id <= $2 order by received_at desc, id desc limit 1",
    )
    .bind(blast)
    .bind(up_to.unwrap_or(ReplyId(i64::MAX)))
    .fetch_optional(pool)
    .await?;
    Ok(found.map(|(received_at, id)| ReplyPosition { received_at, id }))
}

/// How many people of a blast replied within each hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::FromRow)]
pub struct RepliedHour {
    /// Its beginning.
    pub hour: DateTime<Utc>,
    pub people: i64,
}

/// The newest hours in which people of a blast replied, oldest first: those who count as replied in its funnel. Who bought without
/// a reply that is known replied when they bought.
pub async fn hours(pool: &PgPool, blast: BlastId, limit: u32) -> Result<Vec<RepliedHour>, StoreError> {
    let mut hours: Vec<RepliedHour> = sqlx::query_as(
        "select date_trunc('hour', coalesce(replied_at, closed_at), 'UTC') as hour, count(*) as people
           from blast_recipients
          where blast_id = $1 and status in ('replied', 'closed') and coalesce(replied_at, closed_at) is not null
          group by 1 order by 1 desc limit $2",
    )
    .bind(blast)
    .bind(i64::from(limit))
    .fetch_all(pool)
    .await?;
    hours.reverse();
    Ok(hours)
}

/// One reply.
pub async fn get(pool: &PgPool, id: ReplyId) -> Result<Option<ReplyRow>, StoreError> {
    Ok(sqlx::query_as(replies!("p.id = $1")).bind(id).fetch_optional(pool).await?)
}

/// What a person of a blast wrote, oldest first: at most the newest fifty.
pub(super) async fn of_person(tx: &mut PgConnection, person: RecipientId) -> Result<Vec<ReplyRow>, sqlx::Error> {
    let found = sqlx::query_as(replies!("p.recipient_id = $1 order by p.at desc, p.id desc limit 50")).bind(person);
    let mut replies: Vec<ReplyRow> = found.fetch_all(tx).await?;
    replies.reverse();
    Ok(replies)
}

/// How many replies a blast has, and from how many of them text came: what people wrote themselves, not a button's.
pub async fn counts(pool: &PgPool, blast: BlastId) -> Result<ReplyCounts, StoreError> {
    let counts = sqlx::query_as(
        "select count(*) as replies, count(*) filter (where kind = 'text') as texts,
                count(distinct recipient_id) as writers
           from replies where blast_id = $1",
    );
    Ok(counts.bind(blast).fetch_one(pool).await?)
}

/// How much was written back to a blast.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, sqlx::FromRow, utoipa::ToSchema)]
pub struct ReplyCounts {
    pub replies: i64,
    /// Those that somebody wrote, not pressed or sent.
    pub texts: i64,
    /// People who wrote.
    pub writers: i64,
}

/// `80 replies, 61 of them text, by 55 people`.
impl fmt::Display for ReplyCounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { replies, texts, writers } = *self;
        write!(f, "{}", count_of(replies, "reply", "replies"))?;
        if texts > 0 { write!(f, ", {} of them text, by {}", number(texts), people(writers)) } else { Ok(()) }
    }
}

/// What a provider said.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, sqlx::FromRow)]
pub struct NoticeRow {
    pub id: i64,
    pub provider: String,
    pub account: Option<String>,
    pub field: String,
    pub subject: Option<String>,
    pub words: String,
    /// What was stopped or paused because of it.
    pub effect: Option<String>,
    pub at: DateTime<Utc>,
    pub received_at: DateTime<Utc>,
}

/// The newest notices, at most `limit`, before one that is named by its time and id.
pub async fn notices(
    pool: &PgPool,
    since: Option<DateTime<Utc>>,
    before: Option<(DateTime<Utc>, i64)>,
    limit: u32,
) -> Result<Vec<NoticeRow>, StoreError> {
    let (at, id) = before.unwrap_or((far(), i64::MAX));
    let rows = sqlx::query_as(
        "select id, provider, account, field, subject, words, effect, at, received_at from provider_notices
          where at >= $1 and (at, id) < ($2, $3) order by at desc, id desc limit $4",
    )
    .bind(since.unwrap_or(DateTime::UNIX_EPOCH))
    .bind(at)
    .bind(id)
    .bind(i64::from(limit.clamp(1, 1_000)))
    .fetch_all(pool)
    .await?;
    Ok(rows)
}

/// Later than anything that is stored.
fn far() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(365 * 1_000)
}
