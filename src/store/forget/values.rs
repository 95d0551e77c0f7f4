//! Values of people in which somebody's number stands, as far as words have them: which columns words send is for the content to say, as in a
//! send, and is not looked for in their text.

use serde_json::Value;
use sqlx::PgConnection;

use super::PersonTraces;
use super::filters::found_by_repeating;
use crate::domain::content::BlastContent;
use crate::domain::forgotten::NumberPatterns;
use crate::domain::ids::BlastId;
use crate::store::StoreError;

/// The values of somebody, as `v`: those of their row, and the name beside the number. Either name may be the one that is sent.
macro_rules! values {
    () => {
        "(select key, value
            from jsonb_each_text(case when jsonb_typeof(r.variables) = 'object' then r.variables else '{}' end)
           union all
          select 'name', r.name where r.name is not null) v"
    };
}
pub(super) use values;

/// Whether somebody may have the number in their values. `$1`: the quick pattern; `$3`: the rows of whoever is to be forgotten, who get
/// nothing.
macro_rules! may_name {
    () => {
        "r.id <> all($3) and concat_ws(' ', r.name, r.variables::text) ~ $1"
    };
}
pub(super) use may_name;

/// The values in which the number stands. `$2`: the pattern of a text.
const NUMBER_VALUES: &str = concat!(
    "select r.blast_id as blast, null::text as list, v.key, bool_or(r.status in ('queued', 'uncertain')) as is_queued
       from blast_recipients r cross join lateral ",
    values!(),
    " where ",
    may_name!(),
    " and v.value ~ $2
      group by r.blast_id, v.key"
);

/// Of rows that are locked by now, those of people who are queued or uncertain. `$4`: these rows.
const QUEUED_VALUES: &str = concat!(
    "select r.blast_id as blast, null::text as list, v.key, true as is_queued
       from blast_recipients r cross join lateral ",
    values!(),
    " where r.id = any($4) and r.status in ('queued', 'uncertain') and ",
    may_name!(),
    " and v.value ~ $2
      group by r.blast_id, v.key"
);

/// The same of the lists that are kept. `$3`: the keys of whoever is to be forgotten.
const LIST_VALUES: &str = concat!(
    "select null::bigint as blast, l.name as list, v.key, false as is_queued
       from saved_list_people r join saved_lists l on l.id = r.list_id cross join lateral ",
    values!(),
    " where person_key(r.phone_number) <> all($3) and concat_ws(' ', r.name, r.variables::text) ~ $1 and v.value ~ $2
      group by l.name, v.key"
);

/// What was found, for a statement: `$1` to `$3`.
macro_rules! found {
    () => {
        "with found as (select * from unnest($1::bigint[], $2::text[], $3::boolean[]) as f (blast, key, is_queued))
        "
    };
}

/// Of blasts that send, or may be launched: of whoever is queued, or uncertain and may be sent to again. Of steps: of everybody of the blast,
/// who may come into one of its drafts yet, or into a copy of it, as also of one that is over.
const GOING_OUT: &str = concat!(
    found!(),
    "select b.id as blast, null::integer as step, b.message, b.template, array_agg(f.key) as named
       from found f join blasts b on b.id = f.blast
      where f.is_queued and b.deleted_at is null
        and (b.state in ('draft', 'scheduled', 'sending', 'paused') or exists (select from claims c where c.blast_id = b.id))
      group by b.id
      union all
     select s.blast, s.number, s.message, s.template, array_agg(f.key)
       from found f join blast_steps s on s.blast = f.blast join blasts b on b.id = s.blast
      where s.removed_at is null and b.deleted_at is null
      group by s.blast, s.number"
);

/// Of blasts in which whoever failed can be sent to again, or whoever opted out may be allowed again, also once a draft is launched.
const RETRYABLE: &str = concat!(
    found!(),
    "select b.id as blast, null::integer as step, b.message, b.template, array_agg(f.key) as named
       from found f join blasts b on b.id = f.blast
      where b.deleted_at is null and b.state in ('draft', 'scheduled', 'sending', 'paused', 'completed')
      group by b.id"
);

/// A column in which the number stands, of the people of a blast or of a list that is kept.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct NumberValue {
    pub(super) blast: Option<BlastId>,
    pub(super) list: Option<String>,
    pub(super) key: String,
    /// With somebody who is queued, or uncertain.
    is_queued: bool,
}

/// Words, and the columns of their people in which the number stands.
#[derive(Debug, sqlx::FromRow)]
pub(super) struct NamedColumns {
    pub blast: BlastId,
    pub step: Option<i32>,
    pub message: String,
    pub template: Option<Value>,
    pub named: Vec<String>,
}

impl NamedColumns {
    /// Those of the columns that the words send, if any. Words that cannot be read may send each.
    pub(super) fn sent(mut self) -> Option<Self> {
        if let Ok(content) = BlastContent::parse(&self.message, self.template.as_ref()) {
            self.named.retain(|column| content.sends(column));
        }
        (!self.named.is_empty()).then_some(self)
    }
}

/// The values of everybody but this person in which the number stands: the one look at all people, which takes its time. It comes before
/// anything is locked. While lists are held nobody else comes in; whoever is allowed again after an opt-out may be queued: [`queued_since`].
pub async fn number_values(
    tx: &mut PgConnection,
    people: &[String],
    patterns: &NumberPatterns,
) -> Result<Vec<NumberValue>, StoreError> {
    let own = sqlx::query_scalar("select id from blast_recipients where person_key(phone_number) = any($1)");
    let own: Vec<i64> = own.bind(people).fetch_all(&mut *tx).await?;
    let values = sqlx::query_as(NUMBER_VALUES).bind(&patterns.near).bind(&patterns.text).bind(own);
    let mut values: Vec<NumberValue> = values.fetch_all(&mut *tx).await?;
    let of_lists = sqlx::query_as(LIST_VALUES).bind(&patterns.near).bind(&patterns.text).bind(people);
    let of_lists: Vec<NumberValue> = of_lists.fetch_all(tx).await?;
    values.extend(of_lists);
    Ok(values)
}

/// Of these values, those with which something goes out or may be launched: those of its own people, and of whomever its filter may find.
pub(super) async fn going_out(tx: &mut PgConnection, found: &[NumberValue]) -> Result<Vec<NamedColumns>, StoreError> {
    let mut named = sent(&mut *tx, GOING_OUT, found).await?;
    named.extend(found_by_repeating(tx, found).await?);
    Ok(named)
}

/// Whether somebody among these rows, which are locked, has been queued since `found` was read, for a message with the number in it.
pub(super) async fn queued_since(
    tx: &mut PgConnection,
    rows: &[i64],
    (of, found): (&PersonTraces, &[NumberValue]),
) -> Result<bool, StoreError> {
    let queued = sqlx::query_as(QUEUED_VALUES).bind(&of.patterns.near).bind(&of.patterns.text).bind(&of.rows);
    let mut queued: Vec<NumberValue> = queued.bind(rows).fetch_all(&mut *tx).await?;
    queued.retain(|value| !found.contains(value));
    let named = sent(tx, GOING_OUT, &queued).await?;
    Ok(named.iter().any(|words| words.step.is_none()))
}

/// Of these values, those that were sent and can be sent again.
pub(super) async fn retryable(tx: &mut PgConnection, found: &[NumberValue]) -> Result<Vec<NamedColumns>, StoreError> {
    sent(tx, RETRYABLE, found).await
}

async fn sent(
    tx: &mut PgConnection,
    named: &'static str,
    found: &[NumberValue],
) -> Result<Vec<NamedColumns>, StoreError> {
    let blasts: Vec<Option<i64>> = found.iter().map(|value| value.blast.map(|blast| blast.0)).collect();
    let keys: Vec<&str> = found.iter().map(|value| value.key.as_str()).collect();
    let queued: Vec<bool> = found.iter().map(|value| value.is_queued).collect();
    let named = sqlx::query_as(named).bind(blasts).bind(keys).bind(queued);
    let named: Vec<NamedColumns> = named.fetch_all(tx).await?;
    Ok(named.into_iter().filter_map(NamedColumns::sent).collect())
}
