//! What is there once and may not become the same as another one without somebody's number: names of lists, and consents of a person.

use sqlx::{AssertSqlSafe, PgConnection};

use super::PersonTraces;
use super::elsewhere::without_person_in;
use crate::domain::forgotten::list_names_without;
use crate::store::StoreError;

/// Every list, with what its name is without the number; the same name: it is not in it.
const LISTS: &str = "
    select id, name, case when name ~ $2 then regexp_replace(name, $1, 'forgotten', 'g') else name end as without
      from saved_lists order by id";

/// Filters that name a list, in whatever capitals. `$1`: its name, as a pattern; `$2`: the new one.
const RENAME_IN_FILTERS: &str = r#"
    update blasts set segment = regexp_replace(segment, '(list:"?)' || $1 || '(?![[:alnum:]_.-])', '\1' || $2, 'gi')
     where segment ~* ('list:"?' || $1 || '(?![[:alnum:]_.-])')"#;

/// Takes a number out of the names of lists, and gives each one of its own, also where a filter names it. It comes before filters lose it.
pub(super) async fn forget_list_names(tx: &mut PgConnection, of: &PersonTraces) -> Result<(), StoreError> {
    let lists = sqlx::query_as(LISTS).bind(&of.patterns.text).bind(&of.patterns.near);
    let lists: Vec<(i64, String, String)> = lists.fetch_all(&mut *tx).await?;
    let (named, others): (Vec<_>, Vec<_>) = lists.into_iter().partition(|(_, name, without)| name != without);
    let (old, without): (Vec<_>, Vec<_>) = named.into_iter().map(|(id, name, without)| ((id, name), without)).unzip();
    let others: Vec<String> = others.into_iter().map(|(_, name, _)| name).collect();
    let new = list_names_without(without, &others);
    for ((id, name), new) in old.into_iter().zip(new) {
        let rename = sqlx::query("update saved_lists set name = $2 where id = $1").bind(id).bind(&new);
        rename.execute(&mut *tx).await?;
        let in_filters = sqlx::query(RENAME_IN_FILTERS).bind(name.replace('.', "\\.")).bind(new);
        in_filters.execute(&mut *tx).await?;
    }
    Ok(())
}

/// Of consents of one person that become the same, the first one stays. `$1`: the pattern, `$2`: words, `$3`: the quick pattern.
pub(super) async fn forget_same_consents(tx: &mut PgConnection, of: &PersonTraces) -> Result<(), StoreError> {
    let without = |column: &str| {
        let said = without_person_in(column, "text");
        format!("case when {column} ~ $3 and {column} ~ $1 then {said} else {column} end as {column}")
    };
    let sql = format!(
        "with said as materialized (
             select id, person, {}, {} from customer_consents
              where person in (select person from customer_consents where source ~ $3 or given_at ~ $3))
         delete from customer_consents c using said s
          where c.id = s.id
            and exists (select from said o
                         where o.person = s.person and o.source = s.source and o.given_at = s.given_at and o.id < s.id)",
        without("source"),
        without("given_at")
    );
    let statement = sqlx::query(AssertSqlSafe(sql)).bind(&of.patterns.text).bind(&of.words).bind(&of.patterns.near);
    statement.execute(tx).await?;
    Ok(())
}
