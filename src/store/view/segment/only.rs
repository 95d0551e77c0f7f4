//! Some of the people whom a segment finds.

use sqlx::{PgConnection, Postgres, QueryBuilder};

use super::{SegmentPerson, SegmentQuery, push_people};
use crate::domain::ids::RecipientId;
use crate::store::StoreError;
use crate::store::customer::other_numbers;

/// About whom alone it is asked whether a segment finds them.
#[derive(Debug, Clone, Copy)]
pub enum OnlyPeople<'a> {
    /// This row of theirs; a list has none.
    Row(RecipientId),
    /// Whoever has one of these numbers, at each of theirs.
    Phones(&'a [&'a str]),
}

/// `and` whether a row is one of theirs.
pub(super) fn push_only(sql: &mut QueryBuilder<Postgres>, only: Option<OnlyPeople<'_>>) {
    match only {
        None => {}
        Some(OnlyPeople::Row(id)) => _ = sql.push(" and id = ").push_bind(id.0),
        Some(OnlyPeople::Phones(phones)) => {
            let phones: Vec<String> = phones.iter().map(|phone| (*phone).to_owned()).collect();
            sql.push(" and person_key(phone_number) = any(array(with p (phone_number) as (select * from unnest(");
            sql.push_bind(phones).push("::text[])) select person_key(p.phone_number) from p");
            sql.push(concat!(" union select n.person from p cross join lateral ", other_numbers!("p."), " n))"));
        }
    }
}

/// Whom of them a segment finds, and does not leave out.
pub async fn taken(tx: &mut PgConnection, query: SegmentQuery<'_>) -> Result<Vec<SegmentPerson>, StoreError> {
    let mut sql = QueryBuilder::<Postgres>::new("select * from (");
    push_people(&mut sql, query);
    sql.push(") found where left_out is null");
    Ok(sql.build_query_as().fetch_all(tx).await?)
}
