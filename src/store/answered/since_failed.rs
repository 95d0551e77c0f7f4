//! Who of a follow-up's failed people is not to have it any more: they answered since, or had another follow-up of the same blast since
//! they failed, or are about to.

use sqlx::{AssertSqlSafe, PgConnection};

use super::{ANSWERED, LINKS, lock_follow_ups};
use crate::domain::ids::{BlastId, RecipientId};
use crate::store::StoreError;
use crate::store::claim::{is_for_people, opted_out_elsewhere};

/// The people (`r`) of follow-ups, steps among them, whom another one has written to since they failed, or has queued.
const FOLLOWED: &str = "
    select r.id
      from blast_recipients r
      join blasts f on f.id = r.blast_id and f.follows_blast is not null
      join blast_recipients o on person_key(o.phone_number) = person_key(r.phone_number) and o.blast_id <> r.blast_id
      join blasts b on b.id = o.blast_id and b.deleted_at is null and b.follows_blast = f.follows_blast
     where r.id = any($2)
       and (o.status between 'sent' and 'closed' and o.sent_at > coalesce(r.failed_at, r.changed_at)
            or o.status = 'uncertain' and o.changed_at > coalesce(r.failed_at, r.changed_at)
            or o.status = 'queued' and b.state in ('scheduled', 'sending', 'paused'))";

/// Who opted out since: queued again they would only be left out.
const SUPPRESSED: &str = concat!(
    "
    select r.id
      from blast_recipients r join blasts b on b.id = r.blast_id join senders s on s.id = b.sender_id
     where r.id = any($2)
       and (exists (select from suppressions x
                     where person_key(x.phone_number) = person_key(r.phone_number) and x.business in (s.business, '*'))
            or ",
    is_for_people!("b."),
    " and ",
    opted_out_elsewhere!("r.", "s.business"),
    ")"
);

/// Those of a blast's people who failed whom a retry leaves out, until the transaction ends: whoever opted out, and of a follow-up whoever
/// answered or had another one.
pub async fn not_to_retry(
    tx: &mut PgConnection,
    blast: BlastId,
    people: &[RecipientId],
) -> Result<Vec<RecipientId>, StoreError> {
    let sql = format!(
        "with {LINKS} select id from ({ANSWERED} and r.id = any($2)) answered union {FOLLOWED} union {SUPPRESSED}"
    );
    lock_follow_ups(tx, blast).await?;
    let found = sqlx::query_scalar(AssertSqlSafe(sql))
        .bind(vec![blast.0])
        .bind(people.iter().map(|id| id.0).collect::<Vec<_>>())
        .fetch_all(tx)
        .await?;
    Ok(found)
}
