//! Lists of people that are kept under a name: an audience, before anybody of them was ever written to.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::Serialize;
use sqlx::types::Json;
use sqlx::{FromRow, PgConnection, PgPool};

use super::{StoreError, fence};
use crate::domain::filter::segment::SegmentReader;
use crate::domain::ids::BlastId;
use crate::domain::message::Variables;
use crate::store::import::NewRecipient;

/// A list as it is listed.
#[derive(Debug, Clone, PartialEq, Eq, FromRow, Serialize)]
pub struct SavedListRow {
    #[serde(skip)]
    pub id: i64,
    pub name: String,
    pub people: i64,
    pub saved_by: String,
    pub created_at: DateTime<Utc>,
    /// When its people were read last.
    pub updated_at: DateTime<Utc>,
}

/// Somebody in a list.
#[derive(Debug, Clone, PartialEq, Eq, FromRow, Serialize)]
pub struct SavedListPerson {
    #[serde(skip)]
    pub id: i64,
    pub phone_number: String,
    pub name: Option<String>,
    pub variables: Option<Json<Variables>>,
}

/// Makes a list without people, or empties the one of this name, in whatever capitals.
pub async fn replace(tx: &mut PgConnection, name: &str, by: &str) -> Result<i64, StoreError> {
    let id = sqlx::query_scalar(
        "insert into saved_lists (name, saved_by) values ($1, $2)
         on conflict (lower(name)) do update set name = excluded.name, saved_by = excluded.saved_by, updated_at = now()
         returning id",
    );
    let id = id.bind(name).bind(by).fetch_one(&mut *tx).await?;
    sqlx::query("delete from saved_list_people where list_id = $1").bind(id).execute(tx).await?;
    Ok(id)
}

/// Puts people into a list, in their order; how many were not in it yet.
pub async fn add(tx: &mut PgConnection, list: i64, people: &[&NewRecipient]) -> Result<u64, StoreError> {
    let phones: Vec<&str> = people.iter().map(|person| person.phone.as_str()).collect();
    let names: Vec<Option<&str>> = people.iter().map(|person| person.name.as_deref()).collect();
    let variables: Vec<Json<&Variables>> = people.iter().map(|person| Json(&person.variables)).collect();
    let added = sqlx::query(
        "insert into saved_list_people (list_id, phone_number, name, variables)
         select $1, phone, name, nullif(variables, '{}'::jsonb)
           from unnest($2::text[], $3::text[], $4::jsonb[]) with ordinality as x (phone, name, variables, place)
          order by place
             on conflict do nothing",
    );
    Ok(added.bind(list).bind(phones).bind(names).bind(variables).execute(tx).await?.rows_affected())
}

/// Every list, by name; or the one of this name.
pub async fn list(pool: &PgPool, name: Option<&str>) -> Result<Vec<SavedListRow>, StoreError> {
    let lists = sqlx::query_as(
        "select id, name, (select count(*) from saved_list_people where list_id = l.id) as people, saved_by, created_at, updated_at
           from saved_lists l where $1::text is null or lower(name) = lower($1) order by lower(name)",
    );
    Ok(lists.bind(name).fetch_all(pool).await?)
}

/// People of a list behind this row, in the list's order.
pub async fn people(pool: &PgPool, list: i64, after: i64, limit: i64) -> Result<Vec<SavedListPerson>, StoreError> {
    let people = sqlx::query_as(
        "select id, phone_number, name, variables from saved_list_people where list_id = $1 and id > $2 order by id limit $3",
    );
    Ok(people.bind(list).bind(after).bind(limit).fetch_all(pool).await?)
}

/// The columns that a list came with, besides those of numbers and names.
pub async fn columns(pool: &PgPool, list: i64) -> Result<Vec<String>, StoreError> {
    let names = sqlx::query_scalar(
        "select distinct key from saved_list_people, jsonb_object_keys(variables) as key where list_id = $1 and key <> 'name'",
    );
    Ok(names.bind(list).fetch_all(pool).await?)
}

/// The blasts that read this list again before they are sent: drafts, and what is scheduled or repeats.
pub async fn still_read(tx: &mut PgConnection, name: &str) -> Result<Vec<BlastId>, StoreError> {
    let blasts: Vec<(BlastId, String)> = sqlx::query_as(
        "select id, segment from blasts
          where deleted_at is null and (state in ('draft', 'scheduled') or state = 'paused' and repeat_rule is not null)
            and segment ~* 'list:'
          order by id",
    )
    .fetch_all(tx)
    .await?;
    Ok(blasts.into_iter().filter(|(id, segment)| names_list(segment, *id, name)).map(|(id, _)| id).collect())
}

/// Whether the filter of a blast names a list, however that is typed.
fn names_list(segment: &str, blast: BlastId, name: &str) -> bool {
    let reader = SegmentReader { now: DateTime::UNIX_EPOCH, zone: Tz::UTC, blast: Some(blast) };
    let read = reader.read(segment);
    read.is_ok_and(|segment| segment.lists().iter().any(|list| list.to_lowercase() == name.to_lowercase()))
}

pub async fn remove(tx: &mut PgConnection, list: i64) -> Result<(), StoreError> {
    fence::require_whole(&mut *tx).await?;
    sqlx::query("delete from saved_lists where id = $1").bind(list).execute(tx).await?;
    Ok(())
}

/// Those of these names that no list has.
pub async fn missing(pool: &PgPool, names: &[&str]) -> Result<Vec<String>, StoreError> {
    let missing = sqlx::query_scalar(
        "select x.wanted from unnest($1::text[]) as x (wanted)
          where not exists (select from saved_lists l where lower(l.name) = lower(x.wanted))",
    );
    Ok(missing.bind(names).fetch_all(pool).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_named_however_it_is_typed() {
        for segment in [
            "list:raya.1",
            "blast:7 -list:Raya.1 sent<48h",
            "list:=raya.1",
            "LIST:\"raya.1",
            "\u{2212}list:raya.1 blast:7",
        ] {
            assert!(names_list(segment, BlastId(7), "RAYA.1"), "{segment}");
        }
        for segment in ["list:raya.12", "list:rayaX1", "name:\"list:raya.1\" blast:7", "tag:raya"] {
            assert!(!names_list(segment, BlastId(7), "raya.1"), "{segment}");
        }
    }
}
