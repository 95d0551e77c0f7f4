//! Values in which somebody's number stands, of people whom the filter of a blast that repeats may yet find: its times read them by
//! themselves, and send them its words, and those of its steps.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde_json::Value;
use sqlx::PgConnection;

use super::values::{NamedColumns, NumberValue};
use crate::domain::filter::segment::SegmentReader;
use crate::domain::ids::BlastId;
use crate::store::StoreError;

/// Blasts that repeat for a filter, or will once somebody sends or resumes them; and those that are over, of which a copy has the steps.
const REPEATING: &str = "
    select b.id, b.message, b.template, b.segment, b.follows_blast, s.business,
           b.state not in ('draft', 'scheduled', 'paused') as is_over
      from blasts b join senders s on s.id = b.sender_id
     where b.repeat_rule is not null and b.segment is not null and b.deleted_at is null
       and (b.state in ('draft', 'scheduled', 'paused')
            or b.state in ('completed', 'cancelled', 'failed')
               and exists (select from blast_steps p where p.blast = b.id and p.removed_at is null))
     order by b.id";

/// Blasts whose people a filter may find. Answers are found by none that does not name them.
const FOUND_IN: &str = "
    select b.id, s.business, b.answer_until is not null as is_answer
      from blasts b join senders s on s.id = b.sender_id
     where b.id = any($1) and b.deleted_at is null";

#[derive(sqlx::FromRow)]
struct RepeatingRow {
    id: BlastId,
    message: String,
    template: Option<Value>,
    segment: String,
    follows_blast: Option<BlastId>,
    business: String,
    is_over: bool,
}

#[derive(sqlx::FromRow)]
struct FoundIn {
    id: BlastId,
    business: String,
    is_answer: bool,
}

/// Whose people a filter may find, whatever else it asks of them: that may become true of anybody.
#[derive(Debug, PartialEq, Eq)]
enum FilterReach {
    Blasts(Vec<BlastId>),
    List(String),
    /// Everybody who was ever written to, as of a tag. Also of a filter that cannot be read.
    Business,
}

impl FilterReach {
    fn of(segment: &str, follows: Option<BlastId>) -> Self {
        let reader = SegmentReader { now: DateTime::<Utc>::UNIX_EPOCH, zone: Tz::UTC, blast: follows };
        let Ok(segment) = reader.read(segment) else { return Self::Business };
        match segment.list_itself() {
            Some(list) => Self::List(list.to_lowercase()),
            None if segment.blasts.is_empty() => Self::Business,
            None => Self::Blasts(segment.blasts),
        }
    }
}

/// A blast that repeats, with the columns in which somebody has the number whom its filter may find.
struct RepeatingColumns {
    row: RepeatingRow,
    columns: Vec<String>,
}

/// Those whose filter may find somebody with one of these values.
async fn with_columns(tx: &mut PgConnection, found: &[NumberValue]) -> Result<Vec<RepeatingColumns>, StoreError> {
    let rows: Vec<RepeatingRow> = sqlx::query_as(REPEATING).fetch_all(&mut *tx).await?;
    if rows.is_empty() || found.is_empty() {
        return Ok(Vec::new());
    }
    let blasts: Vec<i64> = found.iter().filter_map(|value| value.blast).map(|blast| blast.0).collect();
    let known: Vec<FoundIn> = sqlx::query_as(FOUND_IN).bind(blasts).fetch_all(tx).await?;
    let known: HashMap<i64, FoundIn> = known.into_iter().map(|blast| (blast.id.0, blast)).collect();
    let reaches: Vec<_> = rows.iter().map(|row| FilterReach::of(&row.segment, row.follows_blast)).collect();
    // Whoever is in a list that something repeats for is found in the business from its next time on.
    let is_in_business = |business: &str, list: &str| {
        let mut of = rows.iter().zip(&reaches).filter(|(row, _)| row.business == business && !row.is_over);
        of.any(|(_, reach)| matches!(reach, FilterReach::List(name) if name == list))
    };
    let finds = |row: &RepeatingRow, reach: &FilterReach, value: &NumberValue| {
        let blast = value.blast.and_then(|blast| known.get(&blast.0));
        let list = value.list.as_deref().map(str::to_lowercase);
        match reach {
            FilterReach::Blasts(named) => blast.is_some_and(|blast| named.contains(&blast.id)),
            FilterReach::List(name) => list.as_ref() == Some(name),
            FilterReach::Business => {
                blast.is_some_and(|blast| blast.business == row.business && !blast.is_answer)
                    || list.is_some_and(|list| is_in_business(&row.business, &list))
            }
        }
    };
    let columns_of = |(row, reach): (&RepeatingRow, &FilterReach)| -> Vec<String> {
        found.iter().filter(|value| finds(row, reach, value)).map(|value| value.key.clone()).collect()
    };
    let columns: Vec<_> = rows.iter().zip(&reaches).map(columns_of).collect();
    let named = rows.into_iter().zip(columns).filter(|(_, columns)| !columns.is_empty());
    Ok(named.map(|(row, columns)| RepeatingColumns { row, columns }).collect())
}

/// The blasts that repeat, and may find somebody with one of these values.
pub(super) async fn repeating(tx: &mut PgConnection, found: &[NumberValue]) -> Result<Vec<BlastId>, StoreError> {
    Ok(with_columns(tx, found).await?.into_iter().map(|finding| finding.row.id).collect())
}

/// The words of such blasts and of their steps that send one of these values; of those that are over, of their steps alone.
pub(super) async fn found_by_repeating(
    tx: &mut PgConnection,
    found: &[NumberValue],
) -> Result<Vec<NamedColumns>, StoreError> {
    let mut named = Vec::new();
    for RepeatingColumns { row, columns } in with_columns(&mut *tx, found).await? {
        let steps = sqlx::query_as(
            "select blast, number as step, message, template, $2::text[] as named from blast_steps
              where blast = $1 and removed_at is null",
        );
        let steps: Vec<NamedColumns> = steps.bind(row.id).bind(&columns).fetch_all(&mut *tx).await?;
        named.extend(steps);
        let RepeatingRow { id: blast, message, template, is_over, .. } = row;
        if !is_over {
            named.push(NamedColumns { blast, step: None, message, template, named: columns });
        }
    }
    Ok(named.into_iter().filter_map(NamedColumns::sent).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_may_find_whom_its_blasts_its_list_or_its_business_have() {
        let blasts = |ids: &[i64]| FilterReach::Blasts(ids.iter().copied().map(BlastId).collect());
        for (segment, follows, reach) in [
            ("blast:34 has:reply", None, blasts(&[34])),
            ("has:reply blast:34,7 older:48h", None, blasts(&[34, 7])),
            ("blast:7 list:raya", None, blasts(&[7])),
            ("has:reply", Some(BlastId(3)), blasts(&[3])),
            ("list:Raya ali", None, FilterReach::List("raya".to_owned())),
            ("list:raya has:reply", None, FilterReach::Business),
            ("tag:vip -has:reply", None, FilterReach::Business),
            ("stcuk:read", None, FilterReach::Business),
        ] {
            assert_eq!(FilterReach::of(segment, follows), reach, "{segment}");
        }
    }
}
