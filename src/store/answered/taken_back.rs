//! Follow-ups and launches of filters that leave somebody out, or went without them, for an answer that was taken back since.

use chrono::{DateTime, Utc};
use sqlx::{AssertSqlSafe, PgConnection};

use super::{ANSWERED, LINKS, leaves_out_who_answers};
use crate::domain::filter::segment::Exclusion;
use crate::domain::ids::{BlastId, RecipientId};
use crate::store::StoreError;

/// A blast that goes on, or is over, without somebody of whom nothing stands any more for which they were left out.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct LeftOutStill {
    pub blast: BlastId,
    pub blast_tag: String,
    pub follow_up_stage: String,
    /// The sender's name.
    pub sender: String,
    pub phone_number: String,
    /// A blast in which they are.
    pub found_in: BlastId,
}

/// Where follow-ups leave these people out for an answer that nothing says any more. Nobody is queued again by that: whoever confirmed
/// the number of people since confirmed it without them. Counted from the first answer that was marked, also where it was taken back.
pub async fn left_out_still(
    tx: &mut PgConnection,
    taken_back: &[RecipientId],
) -> Result<Vec<LeftOutStill>, StoreError> {
    let (closed, replied) = (Exclusion::Closed.words(), Exclusion::Replied.words());
    // A mark and whom it left out have the same time.
    let skipped: Vec<(i64, i64)> = sqlx::query_as(AssertSqlSafe(format!(
        "select distinct q.blast_id, q.id
           from blast_recipients a
           join lateral (select min(m.at) as at from operator_actions m
                          where m.recipient_id = a.id and m.action in ('replied', 'closed')) first on true
           join blast_recipients q on person_key(q.phone_number) = person_key(a.phone_number) and q.blast_id <> a.blast_id
                                  and q.status = 'skipped' and q.reason in ('{closed}', '{replied}')
                                  and q.changed_at >= first.at
          where a.id = any($1)"
    )))
    .bind(taken_back.iter().map(|id| id.0).collect::<Vec<_>>())
    .fetch_all(&mut *tx)
    .await?;
    if skipped.is_empty() {
        return Ok(Vec::new());
    }
    let (blasts, rows): (Vec<i64>, Vec<i64>) = skipped.into_iter().unzip();
    let leaves_out = leaves_out_who_answers!();
    let sql = format!(
        "with {LINKS}
         select r.blast_id as blast, f.blast_tag, f.follow_up_stage, s.name as sender, r.phone_number, r.blast_id as found_in
           from blast_recipients r
           join blasts f on f.id = r.blast_id and f.deleted_at is null and {leaves_out}
           join senders s on s.id = f.sender_id
          where r.id = any($2) and r.id not in (select id from ({ANSWERED} and r.id = any($2)) answered)
          order by r.blast_id, r.id"
    );
    Ok(sqlx::query_as(AssertSqlSafe(sql)).bind(blasts).bind(rows).fetch_all(tx).await?)
}

/// A blast that was launched without somebody whom its filter may find in another one, as it read them then.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct LaunchedWithout {
    pub recipient: RecipientId,
    pub segment: String,
    pub launched_at: DateTime<Utc>,
    pub timezone: Option<String>,
    /// It follows the blast in which they are.
    pub is_follow_up: bool,
    #[sqlx(flatten)]
    pub left_out: LeftOutStill,
}

/// Blasts whose people a filter named, and which were launched without these people since the first answer or opt-out that was marked: follow-ups
/// of theirs, and others of their business that may name their blast. What repeats finds them at its next time.
pub async fn launched_without(
    tx: &mut PgConnection,
    taken_back: &[RecipientId],
) -> Result<Vec<LaunchedWithout>, StoreError> {
    let rows = sqlx::query_as(
        "select a.id as recipient, f.segment, coalesce(f.launched_at, now()) as launched_at, f.timezone,
                f.follows_blast is not null as is_follow_up,
                f.id as blast, f.blast_tag, f.follow_up_stage, s.name as sender, a.phone_number, a.blast_id as found_in
           from blast_recipients a
           join lateral (select min(m.at) as at from operator_actions m
                          where m.recipient_id = a.id and m.action in ('replied', 'closed', 'opt-out')) first on true
           join blasts o on o.id = a.blast_id
           join senders os on os.id = o.sender_id
           join blasts f on (f.follows_blast = a.blast_id
                             or f.follows_blast is null and f.id <> a.blast_id and f.repeat_rule is null and f.pattern_blast is null
                                and (position(a.blast_id::text in f.segment) > 0 or f.segment !~* 'blast'))
                        and f.segment is not null and f.step_number is null
                        and f.deleted_at is null and f.state in ('scheduled', 'sending', 'paused', 'completed')
                        and coalesce(f.launched_at, now()) >= first.at
           join senders s on s.id = f.sender_id and s.business = os.business
          where a.id = any($1)
            and not exists (select from blast_recipients q
                             where q.blast_id = f.id and person_key(q.phone_number) = person_key(a.phone_number))
          order by f.id, a.id",
    );
    Ok(rows.bind(taken_back.iter().map(|id| id.0).collect::<Vec<_>>()).fetch_all(tx).await?)
}
