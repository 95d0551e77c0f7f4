//! The locks that keep what is written of single numbers apart from the person who is being forgotten. That takes minutes in a large database,
//! and what is written of others does not wait for it.

use std::collections::HashSet;

use sqlx::{PgConnection, PgPool};

use super::{numbers, patience, set_patience};
use crate::domain::forgotten::STAND_IN;
use crate::domain::ids::RecipientId;
use crate::store::StoreError;

/// The class of the locks of single numbers.
const NUMBER_LOCK: i32 = 0x666f_7268;

/// The class of the locks of many numbers: a number has one of 64, so that thousands of numbers do not fill the server's table of locks.
const SHARED_LOCK: i32 = 0x666f_7267;

/// For so many numbers each has its own lock.
const SINGLE_MAX: usize = 64;

/// The locks of some numbers, in their order: nobody waits in a circle.
macro_rules! ordered {
    ($of:literal, $condition:literal) => {
        concat!(
            "(select distinct ",
            $of,
            " as lock from unnest($2::text[]) as number ",
            $condition,
            " order by 1) as one"
        )
    };
}

const SHARE_SINGLE: &str =
    concat!("select pg_advisory_xact_lock_shared($1, one.lock) from ", ordered!("hashtext(person_key(number))", ""));

/// Those of the shared locks that are not free.
const TRY_SHARED: &str = concat!(
    "select one.lock from ",
    ordered!("hashtext(person_key(number)) & 63", ""),
    " where not pg_try_advisory_xact_lock_shared($1, one.lock)"
);

/// `$3`: shared locks that are not free.
const SHARE_SINGLE_OF: &str = concat!(
    "select pg_advisory_xact_lock_shared($1, one.lock) from ",
    ordered!("hashtext(person_key(number))", "where hashtext(person_key(number)) & 63 = any($3)")
);

const HOLD_SINGLE: &str =
    concat!("select pg_advisory_xact_lock($1, one.lock) from ", ordered!("hashtext(person_key(number))", ""));
const HOLD_SHARED: &str =
    concat!("select pg_advisory_xact_lock($1, one.lock) from ", ordered!("hashtext(person_key(number)) & 63", ""));

/// The locks of single numbers that somebody who is being forgotten has, or waits for.
const HELD: &str = "
    select l.objid::bigint from pg_locks l
     where l.locktype = 'advisory' and l.classid = $1::integer::oid and l.mode = 'ExclusiveLock'
       and l.database = (select oid from pg_database where datname = current_database())";

const HELD_AMONG: &str = "
    select distinct number from unnest($1::text[]) as number where hashtext(person_key(number))::oid::bigint = any($2)";

/// People's rows that have a number, and those of them in which a stand-in took its place.
const NUMBERS_OF: &str =
    "select id, phone_number from blast_recipients where id = any($1) and not starts_with(phone_number, $2)";
const FORGOTTEN_AMONG: &str =
    "select id from blast_recipients where id = any($1) and starts_with(phone_number, $2) order by id";

/// Keeps whoever has one of these numbers from being forgotten until the transaction ends. Whoever writes down a number that was given, and
/// not read in a list, takes it before they ask whether it is of somebody who was forgotten, and before they lock a row. They wait for whoever
/// is being forgotten where one of the numbers is theirs, and for nobody else.
pub async fn share_numbers(tx: &mut PgConnection, numbers: &[&str]) -> Result<(), StoreError> {
    if numbers.len() <= SINGLE_MAX {
        sqlx::query(SHARE_SINGLE).bind(NUMBER_LOCK).bind(numbers).execute(tx).await?;
        return Ok(());
    }
    let taken = sqlx::query_scalar(TRY_SHARED).bind(SHARED_LOCK).bind(numbers);
    let taken: Vec<i32> = taken.fetch_all(&mut *tx).await?;
    if !taken.is_empty() {
        // Somebody is being forgotten whose number has one of these, and need not be among those that share it.
        sqlx::query(SHARE_SINGLE_OF).bind(NUMBER_LOCK).bind(numbers).bind(taken).execute(tx).await?;
    }
    Ok(())
}

/// The same of people by their rows, which outlive their numbers: who of them was forgotten while it waited.
pub async fn share_rows(tx: &mut PgConnection, rows: &[RecipientId]) -> Result<Vec<RecipientId>, StoreError> {
    let rows: Vec<i64> = rows.iter().map(|id| id.0).collect();
    let known = sqlx::query_as(NUMBERS_OF).bind(&rows).bind(STAND_IN);
    let known: Vec<(i64, String)> = known.fetch_all(&mut *tx).await?;
    let (ids, numbers): (Vec<i64>, Vec<&str>) = known.iter().map(|(id, number)| (*id, number.as_str())).unzip();
    share_numbers(&mut *tx, &numbers).await?;
    Ok(sqlx::query_scalar(FORGOTTEN_AMONG).bind(ids).bind(STAND_IN).fetch_all(tx).await?)
}

/// The same of the numbers of a list that has nobody wait for its connection: whoever is being forgotten is waited for however long it takes.
pub async fn share_numbers_patiently(tx: &mut PgConnection, numbers: &[&str]) -> Result<(), StoreError> {
    let before = patience(&mut *tx).await?;
    set_patience(&mut *tx, ("0", "0")).await?;
    share_numbers(&mut *tx, numbers).await?;
    set_patience(tx, (&before.0, &before.1)).await
}

/// Waits for what is being written of a person's numbers, and holds up more until the transaction ends. After [`super::hold_lists`].
pub async fn hold_numbers(tx: &mut PgConnection, person: &str) -> Result<(), StoreError> {
    let numbers = numbers(&mut *tx, person).await?;
    // Many numbers are locked in this order as well.
    for (locks, class) in [(HOLD_SHARED, SHARED_LOCK), (HOLD_SINGLE, NUMBER_LOCK)] {
        sqlx::query(locks).bind(class).bind(&numbers).execute(&mut *tx).await?;
    }
    Ok(())
}

/// Those of these numbers that are of somebody who is being forgotten at this moment.
pub async fn being_forgotten(pool: &PgPool, numbers: &[&str]) -> Result<HashSet<String>, StoreError> {
    let held: Vec<i64> = sqlx::query_scalar(HELD).bind(NUMBER_LOCK).fetch_all(pool).await?;
    if held.is_empty() {
        return Ok(HashSet::new());
    }
    let among: Vec<String> = sqlx::query_scalar(HELD_AMONG).bind(numbers).bind(held).fetch_all(pool).await?;
    Ok(among.into_iter().collect())
}
