//! Which files of rejected rows were written, and on which machine.

use sqlx::PgPool;

use super::StoreError;
use super::forget::PersonTraces;

/// A file of rejected rows.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct NotedFile {
    pub host: String,
    /// From the root.
    pub path: String,
}

/// Notes that a file was written. `false`: it was noted before.
pub async fn note(pool: &PgPool, host: &str, path: &str) -> Result<bool, StoreError> {
    let noted = sqlx::query("insert into rejected_files (host, path) values ($1, $2) on conflict do nothing");
    Ok(noted.bind(host).bind(path).execute(pool).await?.rows_affected() > 0)
}

/// Takes that back.
pub async fn remove_note(pool: &PgPool, host: &str, path: &str) -> Result<(), StoreError> {
    let removed = sqlx::query("delete from rejected_files where host = $1 and path = $2");
    removed.bind(host).bind(path).execute(pool).await?;
    Ok(())
}

/// Every file that is known.
pub async fn all(pool: &PgPool) -> Result<Vec<NotedFile>, StoreError> {
    Ok(sqlx::query_as("select host, path from rejected_files order by host, path").fetch_all(pool).await?)
}

/// Of these texts those that name a person, by their places from 0.
pub async fn naming(pool: &PgPool, texts: &[String], of: &PersonTraces) -> Result<Vec<usize>, StoreError> {
    let places = sqlx::query_scalar(
        "select place - 1 from unnest($1::text[]) with ordinality x (said, place)
          where said ~ $2 and said ~ $3 or ltrim(said, chr(39)) = any($4)
          order by place",
    );
    let places = places.bind(texts).bind(&of.patterns.near).bind(&of.patterns.text).bind(&of.words);
    let places: Vec<i64> = places.fetch_all(pool).await?;
    Ok(places.into_iter().filter_map(|place| usize::try_from(place).ok()).collect())
}

/// Forgets files that are gone, and those whose own path names a person.
pub async fn remove(pool: &PgPool, host: &str, gone: &[String], of: &PersonTraces) -> Result<(), StoreError> {
    let removed = sqlx::query(
        "delete from rejected_files
          where host = $1 and path = any($2) or path ~ $3
             or exists (select from unnest($4::text[]) word where length(word) > 2 and strpos(path, word) > 0)",
    );
    removed.bind(host).bind(gone).bind(&of.patterns.near).bind(&of.words).execute(pool).await?;
    Ok(())
}
