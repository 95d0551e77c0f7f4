//! What was sent, and could be sent again to whoever it failed for, and lost the number of somebody who was forgotten: noted with the act of
//! forgetting, and not sent again without it.

use sqlx::PgConnection;

use super::PersonTraces;
use super::values::{NamedColumns, NumberValue, may_name, retryable, values};
use crate::domain::ids::RecipientId;
use crate::store::StoreError;

/// Blasts that lose the number in their words, and people in whose values it stands; of a blast with many of these, the blast. Their ids
/// are apart from each other by letters: no other number is found in several of them. `$4` and `$5`: blasts, and columns that they send. Of a
/// draft, whoever launches it sees what those read who are queued; not what those would who may be allowed again.
const LOSING: &str = concat!(
    "select 'blast ' || b.id
       from blasts b
      where b.deleted_at is null and b.state in ('sending', 'paused', 'completed')
        and exists (select from unnest(array[b.message, b.template::text]) w where w ~ $1 and w ~ $2)
      union
     select case when count(*) over (partition by r.blast_id) > 1000 then 'blast ' || r.blast_id else 'person ' || r.id end
       from blast_recipients r
      where r.blast_id = any($4) and (r.status <> 'queued' or r.blast_id not in (select id from blasts where state = 'draft')) and ",
    may_name!(),
    " and exists (select from ",
    values!(),
    " where v.value ~ $2 and (r.blast_id, v.key) in (select * from unnest($4::bigint[], $5::text[])))"
);

/// What will be sent to nobody again once this person is forgotten, as [`lost_words`] reads it. It comes before they are.
pub async fn losing_words(
    tx: &mut PgConnection,
    of: &PersonTraces,
    found: &[NumberValue],
) -> Result<Vec<String>, StoreError> {
    let named = retryable(&mut *tx, found).await?;
    let of_blast = |words: NamedColumns| words.named.into_iter().map(move |column| (words.blast.0, column));
    let (blasts, columns): (Vec<i64>, Vec<String>) = named.into_iter().flat_map(of_blast).unzip();
    let losing = sqlx::query_scalar(LOSING).bind(&of.patterns.near).bind(&of.patterns.text).bind(&of.rows);
    Ok(losing.bind(blasts).bind(columns).fetch_all(tx).await?)
}

/// Who of these people would get a message that lost the number of somebody who was forgotten since.
pub async fn lost_words(tx: &mut PgConnection, people: &[RecipientId]) -> Result<Vec<RecipientId>, StoreError> {
    let found = sqlx::query_scalar(
        "with lost as materialized (
             select l.named
               from operator_actions a cross join lateral jsonb_array_elements_text(a.detail -> 'lost') as l (named)
              where a.blast_id is null and a.action = 'forget')
         select r.id from blast_recipients r
          where r.id = any($1)
            and ('blast ' || r.blast_id in (select named from lost) or 'person ' || r.id in (select named from lost))",
    );
    let people: Vec<i64> = people.iter().map(|id| id.0).collect();
    Ok(found.bind(people).fetch_all(tx).await?)
}
