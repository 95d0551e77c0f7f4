//! Numbers for monitoring: cheap to read every few seconds, however many people there are.

use std::collections::BTreeMap;

use sqlx::types::Json;
use sqlx::{FromRow, PgPool};

use crate::domain::funnel::Counts;
use crate::domain::ids::BlastId;
use crate::domain::status::Status;
use crate::store::{StoreError, settings};

/// A blast in numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlastNumbers {
    pub id: BlastId,
    pub sender: String,
    pub counts: Counts,
}

/// How far a sender's polling is behind.
#[derive(Debug, Clone, PartialEq, FromRow)]
pub struct PollLag {
    pub sender: String,
    /// The age of the oldest message that was accepted and never asked about; 0 where there is none.
    pub seconds: f64,
}

/// At most so many blasts: each is a series of its own wherever the numbers are kept.
const BLASTS_MAX: i64 = 100;

#[derive(FromRow)]
struct NumbersRecord {
    id: BlastId,
    sender: String,
    people: Option<Json<BTreeMap<String, i64>>>,
    held: Option<i64>,
}

/// Blasts that are not over, and those of the last seven days; newest first.
pub async fn blasts(pool: &PgPool) -> Result<Vec<BlastNumbers>, StoreError> {
    let found: Vec<NumbersRecord> = sqlx::query_as(
        "select b.id, s.name as sender, c.people, c.held
           from (select * from blasts
                  where deleted_at is null and answer_until is null and state <> 'draft'
                    and (state in ('scheduled', 'sending', 'paused') or blast_date > now() - interval '7 days')
                  order by blast_date desc, id desc limit $1) b
           join senders s on s.id = b.sender_id
           left join lateral (select jsonb_object_agg(status, people) as people, sum(held)::bigint as held
                                from blast_status_counts where blast_id = b.id) c on true
          order by b.blast_date desc, b.id desc",
    )
    .bind(BLASTS_MAX)
    .fetch_all(pool)
    .await?;
    Ok(found.into_iter().map(BlastNumbers::from).collect())
}

/// Of each sender that asks for statuses. Of each stretch that was not asked about, a thousand people are looked at: where all of
/// them were heard of by webhooks, nothing is behind.
pub async fn poll_lags(pool: &PgPool) -> Result<Vec<PollLag>, StoreError> {
    let mut tx = settings::begin_hot_path(pool).await?;
    let lags = sqlx::query_as(
        "select s.name as sender, coalesce(greatest(extract(epoch from now() - min(f.changed_at)), 0), 0)::float8 as seconds
           from senders s
           left join blasts b on b.sender_id = s.id and b.deleted_at is null
                             and b.launched_at is not null and b.launched_at > now() - interval '7 days'
           left join lateral (
                select min(person.changed_at) as changed_at
                  from unnest(tstzmultirange(tstzrange(null, null))
                              - coalesce((select asked from blast_polls where blast_id = b.id), '{}')) as gap
                 cross join lateral (
                       select r.changed_at from blast_recipients r
                        where r.blast_id = b.id and r.status = 'sent' and r.message_id is not null
                          and r.changed_at >= coalesce(lower(gap), '-infinity')
                          and r.changed_at <= coalesce(upper(gap), 'infinity') and gap @> r.changed_at
                        order by r.changed_at limit 1) person) f on true
          where s.provider <> 'meta'
          group by s.name
          order by s.name",
    )
    .fetch_all(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(lags)
}

impl From<NumbersRecord> for BlastNumbers {
    fn from(found: NumbersRecord) -> Self {
        let mut counts = Counts { held_by_meta: found.held.unwrap_or_default(), ..Counts::default() };
        for (word, people) in found.people.iter().flat_map(|people| people.iter()) {
            if let Some(status) = Status::from_word(word) {
                counts.add(status, *people);
            }
        }
        Self { id: found.id, sender: found.sender, counts }
    }
}
