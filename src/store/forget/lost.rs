//! What was sent, and could be sent again to whoever it failed for, and lost the number of somebody who was forgotten: noted with the act of
//! forgetting, and not sent again without it.

use sqlx::PgConnection;

use super::PersonTraces;
use super::words::values_name;
use crate::domain::ids::{BlastId, RecipientId};
use crate::store::StoreError;

/// Blasts that lose the number in their words, and people in whose values it stands; of a blast with many of these, the blast. Their ids
/// are apart from each other by letters: no other number is found in several of them.
const LOSING: &str = concat!(
    "select 'blast ' || b.id
       from blasts b
      where b.deleted_at is null and b.state in ('sending', 'paused', 'completed')
        and exists (select from unnest(array[b.message, b.template::text]) w where w ~ $1 and w ~ $2)
      union
     select case when count(*) over (partition by b.id) > 1000 then 'blast ' || b.id else 'person ' || r.id end
       from blast_recipients r join blasts b on b.id = r.blast_id
      where b.deleted_at is null and b.state in ('sending', 'paused', 'completed') and ",
    values_name!()
);

/// What will be sent to nobody again once this person is forgotten, as [`lost_words`] reads it. It comes before they are.
pub async fn losing_words(tx: &mut PgConnection, of: &PersonTraces) -> Result<Vec<String>, StoreError> {
    let losing = sqlx::query_scalar(LOSING).bind(&of.patterns.near).bind(&of.patterns.text).bind(&of.rows);
    Ok(losing.fetch_all(tx).await?)
}

/// Who of these people of a blast would get a message that lost the number of somebody who was forgotten since.
pub async fn lost_words(
    tx: &mut PgConnection,
    blast: BlastId,
    people: &[RecipientId],
) -> Result<Vec<RecipientId>, StoreError> {
    let found = sqlx::query_scalar(
        "with lost as materialized (
             select l.named
               from operator_actions a cross join lateral jsonb_array_elements_text(a.detail -> 'lost') as l (named)
              where a.blast_id is null and a.action = 'forget')
         select id from unnest($2::bigint[]) id
          where 'blast ' || $1::bigint in (select named from lost) or 'person ' || id in (select named from lost)",
    )
    .bind(blast)
    .bind(people.iter().map(|id| id.0).collect::<Vec<_>>())
    .fetch_all(tx)
    .await?;
    Ok(found)
}
