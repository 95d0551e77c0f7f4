//! What operators and lists say of customers: tags, notes, which numbers are one person's, and where consent came from.

use sqlx::PgConnection;

use super::{CONSENT_SOURCE, Consent, CustomerNote};
use crate::domain::ids::BlastId;
use crate::store::StoreError;

/// The customer whom a number belongs to; of a number that was not merged, itself. Keys with the plus.
pub async fn customer_of(tx: &mut PgConnection, person: &str) -> Result<String, StoreError> {
    let customer = sqlx::query_scalar("select coalesce((select customer from customer_numbers where person = $1), $1)");
    Ok(customer.bind(person).fetch_one(tx).await?)
}

/// The numbers that were merged into this customer, the last one first.
pub async fn merged_into(tx: &mut PgConnection, customer: &str) -> Result<Vec<String>, StoreError> {
    let numbers = sqlx::query_scalar(
        "select person from customer_numbers where merged_into = $1 order by merged_at desc, person",
    );
    Ok(numbers.bind(customer).fetch_all(tx).await?)
}

/// Has merges take turns: of two at once, each would read customers that the other one changes.
pub async fn lock_merges(tx: &mut PgConnection) -> Result<(), StoreError> {
    sqlx::query("lock table customer_numbers in share row exclusive mode").execute(tx).await?;
    Ok(())
}

/// Makes one customer of two: all numbers of `from` are `into`'s. Both are customers, not numbers of one.
pub async fn merge(tx: &mut PgConnection, (from, into): (&str, &str), by: &str) -> Result<(), StoreError> {
    sqlx::query("update customer_numbers set customer = $2 where customer = $1")
        .bind(from)
        .bind(into)
        .execute(&mut *tx)
        .await?;
    sqlx::query("insert into customer_numbers (person, customer, merged_into, merged_by) values ($1, $2, $2, $3)")
        .bind(from)
        .bind(into)
        .bind(by)
        .execute(tx)
        .await?;
    Ok(())
}

/// Makes a customer of their own of a number, with those that were merged into it. `false`: it is no further number of anybody.
pub async fn unmerge(tx: &mut PgConnection, person: &str) -> Result<bool, StoreError> {
    let done = sqlx::query("delete from customer_numbers where person = $1").bind(person).execute(&mut *tx).await?;
    sqlx::query(
        "with recursive brought as (
             select person from customer_numbers where merged_into = $1
              union
             select n.person from customer_numbers n join brought b on n.merged_into = b.person)
         update customer_numbers set customer = $1 where person in (select person from brought)",
    )
    .bind(person)
    .execute(tx)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Tags a customer; how many tags are new.
pub async fn tag(tx: &mut PgConnection, customer: &str, tags: &[String], by: &str) -> Result<u64, StoreError> {
    let done = sqlx::query(
        "insert into customer_tags (person, tag, tagged_by)
         select distinct on (lower(given.tag)) $1, given.tag, $3 from unnest($2::text[]) as given (tag)
          where not exists (select from customer_tags t
                             where lower(t.tag) = lower(given.tag)
                               and t.person in (select $1 union select person from customer_numbers where customer = $1))
             on conflict do nothing",
    );
    Ok(done.bind(customer).bind(tags).bind(by).execute(tx).await?.rows_affected())
}

/// Takes tags from a customer, whichever of their numbers they were given to; how many there were.
pub async fn untag(tx: &mut PgConnection, customer: &str, tags: &[String]) -> Result<u64, StoreError> {
    let done = sqlx::query(
        "delete from customer_tags
          where person in (select $1 union select person from customer_numbers where customer = $1)
            and lower(tag) in (select lower(tag) from unnest($2::text[]) as tag)",
    );
    Ok(done.bind(customer).bind(tags).execute(tx).await?.rows_affected())
}

/// Every tag there is, with how many customers have it.
pub async fn tags_of(tx: &mut PgConnection) -> Result<Vec<(String, i64)>, StoreError> {
    let tags = sqlx::query_as(
        "select min(t.tag), count(distinct coalesce(n.customer, t.person))
           from customer_tags t left join customer_numbers n on n.person = t.person
          group by lower(t.tag) order by 1",
    );
    Ok(tags.fetch_all(tx).await?)
}

/// Writes a note about a customer.
pub async fn add_note(tx: &mut PgConnection, customer: &str, note: &str, by: &str) -> Result<CustomerNote, StoreError> {
    let insert = sqlx::query_as(
        "insert into customer_notes (person, note, written_by) values ($1, $2, $3)
         returning id, note, written_by, written_at",
    );
    Ok(insert.bind(customer).bind(note).bind(by).fetch_one(tx).await?)
}

/// Takes a note of a customer away. `false`: they have no such note.
pub async fn remove_note(tx: &mut PgConnection, customer: &str, note: i64) -> Result<bool, StoreError> {
    let done = sqlx::query(
        "delete from customer_notes
          where id = $2 and person in (select $1 union select person from customer_numbers where customer = $1)",
    );
    Ok(done.bind(customer).bind(note).execute(tx).await?.rows_affected() > 0)
}

/// Keeps what a blast's list says about consent, with each number.
pub async fn note_consents(tx: &mut PgConnection, blast: BlastId) -> Result<(), StoreError> {
    sqlx::query(
        "insert into customer_consents (person, source, given_at, blast_id)
         select distinct person_key(phone_number), left(variables ->> $2, 200),
                left(coalesce(variables ->> 'consent_at', variables ->> 'consent_date', ''), 100), blast_id
           from blast_recipients
          where blast_id = $1 and variables ->> $2 <> ''
             on conflict on constraint customer_consents_said_key do nothing",
    )
    .bind(blast)
    .bind(CONSENT_SOURCE)
    .execute(tx)
    .await?;
    Ok(())
}

/// Where a customer's consent came from, the newest word first.
pub async fn newest_consents(tx: &mut PgConnection, customer: &str, limit: i64) -> Result<Vec<Consent>, StoreError> {
    let consents = sqlx::query_as(
        "select person as phone_number, source, given_at, blast_id, noted_at from customer_consents
          where person in (select $1 union select person from customer_numbers where customer = $1)
          order by id desc limit $2",
    );
    Ok(consents.bind(customer).bind(limit).fetch_all(tx).await?)
}

/// The customers whose numbers these are, once each: keys with the plus.
pub async fn customers_of(tx: &mut PgConnection, people: &[String]) -> Result<Vec<String>, StoreError> {
    let customers = sqlx::query_scalar(
        "select distinct coalesce(n.customer, p.person)
           from unnest($1::text[]) as p (person) left join customer_numbers n on n.person = p.person order by 1",
    );
    Ok(customers.bind(people).fetch_all(tx).await?)
}

/// How many of some customers have tags.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TaggedCustomers {
    /// All of them.
    pub all: usize,
    /// One of them at least.
    pub any: usize,
}

/// How many of these customers have these tags, in whatever capitals.
pub async fn tagged(
    tx: &mut PgConnection,
    customers: &[String],
    tags: &[String],
) -> Result<TaggedCustomers, StoreError> {
    let (all, any): (i64, i64) = sqlx::query_as(
        "with wanted as (select distinct lower(tag) as tag from unnest($2::text[]) as tag),
              numbers as (select c as customer, c as person from unnest($1::text[]) as c
                           union all select n.customer, n.person from customer_numbers n where n.customer = any($1)),
              has as (select n.customer, count(distinct lower(t.tag)) as tags
                        from numbers n join customer_tags t on t.person = n.person join wanted w on w.tag = lower(t.tag) group by 1)
         select count(*) filter (where tags = (select count(*) from wanted)), count(*) from has",
    )
    .bind(customers)
    .bind(tags)
    .fetch_one(tx)
    .await?;
    Ok(TaggedCustomers { all: usize::try_from(all).unwrap_or_default(), any: usize::try_from(any).unwrap_or_default() })
}

/// Tags customers, each with the tags that they do not have yet.
pub async fn tag_all(tx: &mut PgConnection, customers: &[String], tags: &[String], by: &str) -> Result<(), StoreError> {
    sqlx::query(
        "insert into customer_tags (person, tag, tagged_by)
         select x.customer, y.word, $3 from unnest($1::text[]) as x (customer), unnest($2::text[]) as y (word)
          where not exists (select from customer_tags t
                             where lower(t.tag) = lower(y.word)
                               and t.person in (select x.customer
                                                 union select n.person from customer_numbers n where n.customer = x.customer))
             on conflict do nothing",
    )
    .bind(customers)
    .bind(tags)
    .bind(by)
    .execute(tx)
    .await?;
    Ok(())
}

/// Takes tags from customers, whichever of their numbers they were given to.
pub async fn untag_all(tx: &mut PgConnection, customers: &[String], tags: &[String]) -> Result<(), StoreError> {
    sqlx::query(
        "delete from customer_tags
          where person in (select unnest($1::text[]) union select person from customer_numbers where customer = any($1))
            and lower(tag) in (select lower(tag) from unnest($2::text[]) as tag)",
    )
    .bind(customers)
    .bind(tags)
    .execute(tx)
    .await?;
    Ok(())
}
