//! Forgetting a person: their number, name and texts leave every row; the rows stay, and count as before.

mod answers;
mod elsewhere;
mod filters;
mod left_out;
mod lost;
mod number_locks;
mod receivers;
mod requests;
mod rows;
mod skus;
mod unique;
mod values;
mod words;

use std::collections::HashSet;

use sqlx::{PgConnection, PgExecutor, PgPool};

use super::{StoreError, in_flight};
use crate::domain::forgotten::{HASH, NumberPatterns};
use crate::domain::ids::{BlastId, RecipientId};
use crate::domain::status::Status;

pub use elsewhere::{ElsewhereOutcome, forget_elsewhere};
pub use lost::{losing_words, lost_words};
pub use number_locks::{being_forgotten, hold_numbers, share_numbers, share_numbers_patiently, share_rows};
pub use receivers::{HookReadings, got_events, hook_names};
pub use requests::forget_requests;
pub use rows::{forget_opt_outs, forget_rows};
pub use values::{NumberValue, number_values};
pub use words::{NamingWords, forget_words, lock_words, naming_words};

/// Whether a webhook names somebody: by one of their ids or by their number, which stands in digits of another script only where there is
/// more than ASCII, or an escape of it.
macro_rules! names_person {
    ($ids:literal, $near:literal, $text:literal, $raw:literal) => {
        concat!(
            "(as_latin1(body) ~ ",
            $near,
            " and as_latin1(body) ~ ",
            $text,
            " or as_latin1(body) ~ '[^\\x01-\\x7f]|\\\\u' and as_latin1(body) ~ ",
            $raw,
            " or exists (select from unnest(",
            $ids,
            "::text[]) id where position(convert_to(id, 'UTF8') in body) > 0))"
        )
    };
}
use names_person;

/// The key of the lock that keeps lists that are being imported apart from somebody who is being forgotten.
const LIST_LOCK: i64 = 0x666f_7267_6574;

/// How long a list that is being imported is waited for.
const LIST_PATIENCE: &str = "set local lock_timeout = '5s'";

/// Where somebody stands whose message may be under way.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct OpenRow {
    pub id: RecipientId,
    pub blast_id: BlastId,
    pub status: Status,
    pub phone_number: String,
}

/// What is kept of a person, in numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, sqlx::FromRow, serde::Serialize)]
pub struct KeptOfPerson {
    /// Rows in blasts.
    pub blasts: i64,
    pub replies: i64,
    /// Acts of operators.
    pub acts: i64,
    /// Webhooks as they came that name them.
    pub webhooks: i64,
    /// Of those, webhooks that wait to be applied.
    pub open_webhooks: i64,
    pub opt_outs: i64,
    pub tags_and_notes: i64,
    pub orders: i64,
    pub carts: i64,
    /// Where lists say that consent came from.
    pub consents: i64,
    /// Lists that are kept and have them.
    pub lists: i64,
}

/// What finds a person: their numbers' keys with the plus, patterns of these, and Meta's ids of them.
#[derive(Debug, Clone, Default)]
pub struct PersonTraces {
    pub people: Vec<String>,
    pub patterns: NumberPatterns,
    /// Meta's ids of the person and the ids of their messages.
    pub ids: Vec<String>,
    /// Names, texts and notes, for where one of them is a JSON string.
    pub words: Vec<String>,
    /// Of these, their names.
    pub names: Vec<String>,
    /// Tags that nobody else has.
    pub tags: Vec<String>,
    pub rows: Vec<i64>,
}

/// Keeps whoever is to be forgotten out of this transaction: it sees everybody who was until then. Whoever writes people, words or values that
/// were in the database takes it before they read any of them, and before they lock a row. Somebody who is being forgotten is waited for: in a
/// large database that takes longer than any other lock is waited for.
pub async fn share_lists(tx: &mut PgConnection) -> Result<(), StoreError> {
    let before = patience(&mut *tx).await?;
    // The lock is waited for inside a statement, which would end with its own time.
    set_patience(&mut *tx, ("0", "0")).await?;
    sqlx::query("select pg_advisory_xact_lock_shared($1)").bind(LIST_LOCK).execute(&mut *tx).await?;
    set_patience(tx, (&before.0, &before.1)).await
}

/// The same on a connection that others need: it is waited for as any lock is.
///
/// # Errors
/// [`StoreError::Busy`] where somebody is still being forgotten by then.
pub async fn share_lists_soon(tx: &mut PgConnection) -> Result<(), StoreError> {
    sqlx::query("select pg_advisory_xact_lock_shared($1)").bind(LIST_LOCK).execute(tx).await?;
    Ok(())
}

/// The same without waiting: `false` while somebody is being forgotten.
pub async fn try_share_lists(tx: &mut PgConnection) -> Result<bool, StoreError> {
    let shared = sqlx::query_scalar("select pg_try_advisory_xact_lock_shared($1)");
    Ok(shared.bind(LIST_LOCK).fetch_one(tx).await?)
}

/// How long a lock is waited for, and how long a statement may take.
async fn patience(tx: &mut PgConnection) -> Result<(String, String), StoreError> {
    let now = sqlx::query_as("select current_setting('lock_timeout'), current_setting('statement_timeout')");
    Ok(now.fetch_one(tx).await?)
}

/// Sets both until the transaction ends.
async fn set_patience(tx: &mut PgConnection, (lock, statement): (&str, &str)) -> Result<(), StoreError> {
    sqlx::query("select set_config('lock_timeout', $1, true), set_config('statement_timeout', $2, true)")
        .bind(lock)
        .bind(statement)
        .execute(tx)
        .await?;
    Ok(())
}

/// Waits for lists that are being imported, and holds up new ones until the transaction ends.
pub async fn hold_lists(tx: &mut PgConnection) -> Result<(), StoreError> {
    sqlx::query(LIST_PATIENCE).execute(&mut *tx).await?;
    sqlx::query("select pg_advisory_xact_lock($1)").bind(LIST_LOCK).execute(&mut *tx).await?;
    take_time(tx).await
}

/// Lets each statement take as long as it does, until the transaction ends: everybody is looked at.
pub async fn take_time(tx: &mut PgConnection) -> Result<(), StoreError> {
    sqlx::query("set local statement_timeout = 0").execute(tx).await?;
    Ok(())
}

/// Who was forgotten last, by the act: another one than before says that somebody was meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastForgotten(Option<i64>);

/// The last of those who were forgotten by now. Whoever reads people or words without [`share_lists`] asks for it before that, and again once
/// they have that lock.
pub async fn last_forgotten(executor: impl PgExecutor<'_>) -> Result<LastForgotten, StoreError> {
    let last = sqlx::query_scalar("select max(id) from operator_actions where blast_id is null and action = 'forget'");
    Ok(LastForgotten(last.fetch_one(executor).await?))
}

/// The keyed hashes among the opt-outs.
pub async fn hashes(tx: &mut PgConnection) -> Result<Vec<String>, StoreError> {
    let hashes =
        sqlx::query_scalar("select distinct phone_number from suppressions where starts_with(phone_number, $1)");
    Ok(hashes.bind(HASH).fetch_all(tx).await?)
}

/// Those of these keyed hashes that stand there.
pub async fn forgotten_among(tx: &mut PgConnection, hashes: &[String]) -> Result<HashSet<String>, StoreError> {
    let known = sqlx::query_scalar("select distinct phone_number from suppressions where phone_number = any($1)");
    Ok(known.bind(hashes).fetch_all(tx).await?.into_iter().collect())
}

/// Whether all of these keyed hashes stand there: nobody of them has to be forgotten again.
pub async fn are_forgotten(tx: &mut PgConnection, hashes: &[String]) -> Result<bool, StoreError> {
    let missing = sqlx::query_scalar(
        "select not exists (select from unnest($1::text[]) hash
                             where not exists (select from suppressions where phone_number = hash))",
    );
    Ok(missing.bind(hashes).fetch_one(tx).await?)
}

/// Whether somebody was ever forgotten here.
pub async fn has_hashes(pool: &PgPool) -> Result<bool, StoreError> {
    let has = sqlx::query_scalar("select exists (select from suppressions where starts_with(phone_number, $1))");
    Ok(has.bind(HASH).fetch_one(pool).await?)
}

/// All numbers of the customer who has this one, also those by which WhatsApp knows them: keys with the plus.
pub async fn numbers(tx: &mut PgConnection, person: &str) -> Result<Vec<String>, StoreError> {
    let numbers = sqlx::query_scalar(
        "with recursive known (person) as (
             select $1
              union
             select x.other
               from known k
              cross join lateral (
                    select customer as other from customer_numbers where person = k.person
                     union all
                    select person from customer_numbers where customer = k.person
                     union all
                    select person_key(alias) from number_aliases where person_key(phone_number) = k.person
                     union all
                    select person_key(phone_number) from number_aliases where person_key(alias) = k.person) x)
         select person from known order by 1",
    );
    Ok(numbers.bind(person).fetch_all(tx).await?)
}

/// A person's rows, in their order.
macro_rules! rows_of_person {
    () => {
        "select id, blast_id, status::text as status, phone_number from blast_recipients
          where person_key(phone_number) = any($1) order by id"
    };
}

/// Locks a person's rows, those of the answers to them and these answers' blasts first, and gives them in their order.
pub async fn lock_rows(tx: &mut PgConnection, people: &[String]) -> Result<Vec<OpenRow>, StoreError> {
    sqlx::query(
        "select id from blasts
          where answers_recipient in (select id from blast_recipients where person_key(phone_number) = any($1))
          order by id for update",
    )
    .bind(people)
    .execute(&mut *tx)
    .await?;
    open_rows(tx, concat!(rows_of_person!(), " for update"), people).await
}

/// A person's rows in their order, with nobody held up by that.
pub async fn unlocked_rows(tx: &mut PgConnection, people: &[String]) -> Result<Vec<OpenRow>, StoreError> {
    open_rows(tx, rows_of_person!(), people).await
}

async fn open_rows(tx: &mut PgConnection, rows: &'static str, people: &[String]) -> Result<Vec<OpenRow>, StoreError> {
    let mut rows: Vec<OpenRow> = sqlx::query_as(rows).bind(people).fetch_all(&mut *tx).await?;
    let flying = in_flight::among(tx, rows.iter().map(|row| row.id)).await?;
    for row in rows.iter_mut().filter(|row| flying.contains_key(&row.id)) {
        row.status = Status::Sending;
    }
    Ok(rows)
}

/// What a person is found by beside their number.
pub async fn traces(
    tx: &mut PgConnection,
    (people, patterns, rows): (Vec<String>, NumberPatterns, Vec<i64>),
) -> Result<PersonTraces, StoreError> {
    let ids = sqlx::query_scalar(IDS).bind(&people).bind(&rows).fetch_all(&mut *tx).await?;
    let words = sqlx::query_scalar(WORDS).bind(&people).bind(&rows).bind(&ids).fetch_all(&mut *tx).await?;
    let names = sqlx::query_scalar(NAMES).bind(&people).bind(&rows).bind(&ids).fetch_all(&mut *tx).await?;
    let tags = sqlx::query_scalar(OWN_TAGS).bind(&people).fetch_all(tx).await?;
    Ok(PersonTraces { people, patterns, ids, words, names, tags, rows })
}

const IDS: &str = "
    select id from (
        select user_id from user_ids where person_key(phone_number) = any($1)
         union select user_id from replies where person_key(phone_number) = any($1) or recipient_id = any($2)
         union select message_id from replies where person_key(phone_number) = any($1) or recipient_id = any($2)
         union select media_id from replies where person_key(phone_number) = any($1) or recipient_id = any($2)
         union select message_id from blast_recipients where id = any($2)
         union select message_id from provider_message where recipient_id = any($2)
         union select user_id from orders where person_key(phone_number) = any($1)
         union select message_id from orders where person_key(phone_number) = any($1) or recipient_id = any($2)
         union select message_id from message_pricing where recipient_id = any($2)) as known (id)
     where length(id) > 3";

const WORDS: &str = "
    select word from (
        select name from blast_recipients where id = any($2)
         union select message_text from blast_recipients where id = any($2)
         union select note from blast_recipients where id = any($2)
         union select external_id from blast_recipients where id = any($2)
         union select v.value from blast_recipients r, jsonb_each_text(r.variables) v
                where r.id = any($2) and jsonb_typeof(r.variables) = 'object'
         union select name from replies where person_key(phone_number) = any($1) or recipient_id = any($2) or user_id = any($3)
         union select body from replies where person_key(phone_number) = any($1) or recipient_id = any($2) or user_id = any($3)
         union select payload from replies where person_key(phone_number) = any($1) or recipient_id = any($2) or user_id = any($3)
         union select name from orders where person_key(phone_number) = any($1) or user_id = any($3)
         union select note from orders where person_key(phone_number) = any($1) or user_id = any($3)
         union select name from carts where person_key(phone_number) = any($1) or recipient_id = any($2)
         union select note from carts where person_key(phone_number) = any($1) or recipient_id = any($2)
         union select name from saved_list_people where person_key(phone_number) = any($1)
         union select v.value from saved_list_people p, jsonb_each_text(p.variables) v
                where person_key(p.phone_number) = any($1) and jsonb_typeof(p.variables) = 'object'
         union select note from customer_notes where person = any($1)
         union select detail ->> 'note' from operator_actions
                where recipient_id = any($2) or person_key(phone_number) = any($1)
         union select message from blasts where answers_recipient = any($2)
         union select unnest($3::text[])) as known (word)
     where length(word) > 1";

const NAMES: &str = "
    select name from (
        select name from blast_recipients where id = any($2)
         union select name from replies where person_key(phone_number) = any($1) or recipient_id = any($2) or user_id = any($3)
         union select name from orders where person_key(phone_number) = any($1) or user_id = any($3)
         union select name from carts where person_key(phone_number) = any($1) or recipient_id = any($2)
         union select name from saved_list_people where person_key(phone_number) = any($1)) as known (name)
     where length(name) > 1";

const OWN_TAGS: &str = "
    select distinct t.tag from customer_tags t
     where t.person = any($1)
       and not exists (select from customer_tags o where lower(o.tag) = lower(t.tag) and o.person <> all($1))";

/// What is kept of a person.
pub async fn kept(tx: &mut PgConnection, of: &PersonTraces) -> Result<KeptOfPerson, StoreError> {
    let kept = sqlx::query_as(concat!(
        "select (select count(*) from blast_recipients r join blasts b on b.id = r.blast_id
                  where r.id = any($2) and b.deleted_at is null) as blasts,
                (select count(*) from replies
                  where person_key(phone_number) = any($1) or recipient_id = any($2) or user_id = any($3)) as replies,
                (select count(*) from operator_actions
                  where recipient_id = any($2) or person_key(phone_number) = any($1)) as acts,
                w.webhooks, w.open_webhooks,
                (select count(*) from suppressions where person_key(phone_number) = any($1)) as opt_outs,
                (select count(*) from customer_tags where person = any($1))
                    + (select count(*) from customer_notes where person = any($1)) as tags_and_notes,
                (select count(*) from orders
                  where person_key(phone_number) = any($1) or recipient_id = any($2) or user_id = any($3)) as orders,
                (select count(*) from carts where person_key(phone_number) = any($1) or recipient_id = any($2)) as carts,
                (select count(*) from customer_consents where person = any($1)) as consents,
                (select count(*) from saved_list_people where person_key(phone_number) = any($1)) as lists
           from (select count(*) as webhooks, count(*) filter (where state in ('new', 'parked')) as open_webhooks
                   from webhook_inbox
                  where ",
        names_person!("$3", "$4", "$5", "$6"),
        ") w"
    ));
    let NumberPatterns { near, text, raw, .. } = &of.patterns;
    let kept = kept.bind(&of.people).bind(&of.rows).bind(&of.ids).bind(near).bind(text).bind(raw);
    Ok(kept.fetch_one(tx).await?)
}

/// The next stand-in's place.
pub async fn next_place(tx: &mut PgConnection) -> Result<i64, StoreError> {
    Ok(sqlx::query_scalar("select nextval('forgotten_people')").fetch_one(tx).await?)
}
