//! People of a launched blast who opted out since.

use sqlx::{PgConnection, PgPool};

use crate::domain::ids::{BlastId, RecipientId};
use crate::store::{StoreError, in_flight, settings};

/// A condition: the people of a blast were found by a filter, or by the stage that they are stuck at, or are copied from such a blast. It is for
/// people and not for numbers that somebody listed, and leaves out whoever opted out at another number of theirs.
macro_rules! is_for_people {
    ($blast:literal) => {
        concat!(
            "(",
            $blast,
            "segment is not null or ",
            $blast,
            "follows_stage is not null or ",
            $blast,
            "for_people is true)"
        )
    };
}
pub(in crate::store) use is_for_people;

/// A condition: whoever a row is of opted out, for a business, at another number of theirs. It holds in blasts that are for people
/// (`is_for_people`): such a blast leaves them out when it is launched, and also afterwards.
macro_rules! opted_out_elsewhere {
    ($row:literal, $business:literal) => {
        concat!(
            "exists (select from ",
            $crate::store::customer::other_numbers!($row),
            " n join suppressions s on person_key(s.phone_number) = n.person and s.business in (",
            $business,
            ", '*'))"
        )
    };
}
pub(in crate::store) use opted_out_elsewhere;

/// Whoever is queued in blast `$1` and opted out; in one that is for people, also at another number of theirs: one index lookup per opt-out.
/// `blast_id + 0`, a status that is a range of one, and `offset 0`, so that it is by the number, and from the opt-outs to the people: of
/// people who were imported a moment ago the planner thinks that they are few, and would walk over all of them. Somebody may be in it twice.
macro_rules! suppressed_in {
    () => {
        concat!(
            "select x.id
               from suppressions s
              cross join lateral (
                    select person_key(s.phone_number) as person
                     union all
                    select other.person
                      from (select person, customer from customer_numbers union select customer, customer from customer_numbers) own
                      join (select person, customer from customer_numbers union select customer, customer from customer_numbers) other
                        on other.customer = own.customer and other.person <> own.person
                     where own.person = person_key(s.phone_number)
                       and (select ",
            $crate::store::claim::is_for_people!(""),
            " from blasts where id = $1)) n
              cross join lateral (select id from blast_recipients
                                   where person_key(phone_number) = n.person and blast_id + 0 = $1
                                     and status >= 'queued' and status <= 'queued' offset 0) x
              where s.business in ((select o.business from blasts b join senders o on o.id = b.sender_id
                                     where b.id = $1), '*')"
        )
    };
}
pub(in crate::store) use suppressed_in;

/// Why whoever was queued and had opted out is out.
pub(in crate::store) const OPTED_OUT_EARLIER: &str = "opted out earlier";

const SUPPRESSED: &str = concat!(
    "select r.id from blast_recipients r
      where r.status >= 'queued' and r.status <= 'queued'
        and r.id = any(array(",
    suppressed_in!(),
    "))
      order by r.id for update of r skip locked"
);

/// Leaves out whoever is due but opted out: the claim passes over them, and the blast would never be done.
/// They are *opted out*, since when they are, as whoever opts out while they are queued. Returns how many.
pub async fn skip_suppressed(pool: &PgPool, blast: BlastId) -> Result<u64, StoreError> {
    let mut tx = settings::begin_hot_path(pool).await?;
    let locked: Vec<RecipientId> = sqlx::query_scalar(SUPPRESSED).bind(blast).fetch_all(&mut *tx).await?;
    let left_out = in_flight::landed(&mut tx, locked).await?;
    let done = leave_out_suppressed(&mut tx, blast, &left_out).await?;
    tx.commit().await?;
    Ok(done)
}

/// Of people who are locked and not in flight.
async fn leave_out_suppressed(
    tx: &mut PgConnection,
    blast: BlastId,
    people: &[RecipientId],
) -> Result<u64, StoreError> {
    if people.is_empty() {
        return Ok(0);
    }
    let done = sqlx::query(
        "with left_out as (
             update blast_recipients
                set status = 'opted_out', standing = 'opted_out', changed_at = now(), reason = $3,
                    -- At another number of theirs: now is when it was found.
                    opted_out_at = coalesce(least(opted_out_at, (
                        select min(s.created_at) from suppressions s
                         where person_key(s.phone_number) = person_key(blast_recipients.phone_number)
                           and s.business in ((select o.business from blasts b join senders o on o.id = b.sender_id
                                                where b.id = $1), '*'))), now())
              where id = any($2)
             returning id, blast_id, attempt)
         insert into status_history (blast_id, recipient_id, attempt, old_status, new_status, source, metadata)
         select blast_id, id, attempt, 'queued', 'opted_out', 'engine', jsonb_build_object('why', $3)
           from left_out",
    )
    .bind(blast)
    .bind(people.iter().map(|id| id.0).collect::<Vec<_>>())
    .bind(OPTED_OUT_EARLIER)
    .execute(tx)
    .await?;
    Ok(done.rows_affected())
}
