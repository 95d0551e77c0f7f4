//! A blast as commands read it before they change it.

use chrono::{DateTime, Utc};
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, FromRow, PgConnection, Row};

use crate::domain::blast::{BlastState, blast_name, is_test};
use crate::domain::ids::{BlastId, SenderId};
use crate::store::StoreError;
use crate::store::fence::{is_whole, whole_or_incomplete};

/// What commands need of a blast.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct BlastHead {
    pub id: BlastId,
    pub sender_id: SenderId,
    pub state: BlastState,
    pub version: i64,
    pub send_after: Option<DateTime<Utc>>,
    /// When somebody confirmed what it waits for until then.
    pub armed_at: Option<DateTime<Utc>>,
    pub scheduled_for: Option<DateTime<Utc>>,
    pub launched_at: Option<DateTime<Utc>>,
    pub blast_tag: String,
    pub follow_up_stage: String,
    pub total_recipients: i64,
    /// Whether it repeats, and is itself never sent.
    pub repeats: bool,
}

impl BlastHead {
    /// Its state in a sentence: `it is a draft now`.
    pub const fn state_in_words(&self) -> &'static str {
        if self.repeats { self.state.of_repeating() } else { self.state.with_article() }
    }

    /// Whether somebody sent it to themselves, to see it.
    pub fn is_test(&self) -> bool {
        is_test(&self.follow_up_stage, self.total_recipients)
    }
}

const HEAD: &str = concat!(
    "select id, sender_id, state::text as state, version, send_after, armed_at, scheduled_for, launched_at, blast_tag, follow_up_stage, ",
    "total_recipients::bigint as total_recipients, repeat_rule is not null as repeats, ",
    is_whole!(),
    " as is_whole from blasts where id = $1 and deleted_at is null"
);

pub async fn head(tx: &mut PgConnection, id: BlastId) -> Result<Option<BlastHead>, StoreError> {
    whole(sqlx::query(HEAD).bind(id).fetch_optional(tx).await?)
}

/// What people call a blast, as lists do: with its number where another one is called the same.
pub async fn distinct_name(tx: &mut PgConnection, head: &BlastHead) -> Result<String, StoreError> {
    let name = blast_name(&head.blast_tag, &head.follow_up_stage);
    let namesake = sqlx::query_scalar(
        "select exists (select from blasts
                         where blast_tag = $2 and follow_up_stage = $3 and id <> $1 and deleted_at is null and answer_until is null)",
    );
    let has_namesake: bool =
        namesake.bind(head.id).bind(&head.blast_tag).bind(&head.follow_up_stage).fetch_one(tx).await?;
    Ok(if has_namesake { format!("{name} #{}", head.id) } else { name })
}

/// Those of these blasts that are a sender's.
pub async fn of_sender(tx: &mut PgConnection, sender: SenderId, blasts: &[i64]) -> Result<Vec<BlastId>, StoreError> {
    let own = sqlx::query_scalar("select id from blasts where id = any($1) and sender_id = $2");
    Ok(own.bind(blasts).bind(sender).fetch_all(tx).await?)
}

/// A blast that may be changed: in the middle of a restore no count would follow.
fn whole(row: Option<PgRow>) -> Result<Option<BlastHead>, StoreError> {
    let Some(row) = row else { return Ok(None) };
    whole_or_incomplete(row.try_get("is_whole")?)?;
    Ok(Some(BlastHead::from_row(&row)?))
}

/// The same, which nobody else changes until the transaction ends: a pause is not refused because somebody edits the pace meanwhile.
pub async fn locked_head(tx: &mut PgConnection, id: BlastId) -> Result<Option<BlastHead>, StoreError> {
    let locked = AssertSqlSafe(format!("{HEAD} for no key update"));
    whole(sqlx::query(locked).bind(id).fetch_optional(tx).await?)
}
