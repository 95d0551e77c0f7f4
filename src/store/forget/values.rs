//! Values of people in which somebody's number stands, as far as words have them: which columns words send is for the content to say, as in a
//! send, and is not looked for in their text.

use serde_json::Value;
use sqlx::PgConnection;

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

/// The columns of a blast's people in which the number stands, as `k`; null: in none. `$2`: the pattern of a text.
macro_rules! named_columns {
    ($whose:literal) => {
        concat!(
            "cross join lateral (
                 select array_agg(distinct v.key) as named
                   from blast_recipients r cross join lateral ",
            values!(),
            " where r.blast_id = b.id",
            $whose,
            " and ",
            may_name!(),
            " and v.value ~ $2) k"
        )
    };
}

/// Of blasts that send, or may be launched: of whoever is queued, or uncertain and may be sent to again. Of steps: of everybody of the blast,
/// who may come into one of its drafts yet.
const GOING_OUT: &str = concat!(
    "select b.id as blast, null::integer as step, b.message, b.template, k.named
       from blasts b ",
    named_columns!(" and r.status in ('queued', 'uncertain')"),
    " where k.named is not null and b.deleted_at is null
        and (b.state in ('draft', 'scheduled', 'sending', 'paused') or exists (select from claims c where c.blast_id = b.id))
      union all
     select s.blast, s.number, s.message, s.template, k.named
       from blast_steps s join blasts b on b.id = s.blast ",
    named_columns!(""),
    " where k.named is not null and s.removed_at is null and b.deleted_at is null and b.state not in ('cancelled', 'failed')"
);

/// Of blasts in which whoever failed can be sent to again.
const RETRYABLE: &str = concat!(
    "select b.id as blast, null::integer as step, b.message, b.template, k.named
       from blasts b ",
    named_columns!(""),
    " where k.named is not null and b.deleted_at is null and b.state in ('sending', 'paused', 'completed')"
);

/// Words, and the columns of their people in which the number stands.
#[derive(Debug, sqlx::FromRow)]
pub(super) struct NamedColumns {
    pub blast: BlastId,
    pub step: Option<i32>,
    message: String,
    template: Option<Value>,
    pub named: Vec<String>,
}

impl NamedColumns {
    /// Those of the columns that the words send, if any. Words that cannot be read may send each.
    fn sent(mut self) -> Option<Self> {
        if let Ok(content) = BlastContent::parse(&self.message, self.template.as_ref()) {
            self.named.retain(|column| content.sends(column));
        }
        (!self.named.is_empty()).then_some(self)
    }
}

/// What goes out, or may be launched, with the number in a value of somebody else's than these rows.
pub(super) async fn going_out(
    tx: &mut PgConnection,
    patterns: &NumberPatterns,
    rows: &[i64],
) -> Result<Vec<NamedColumns>, StoreError> {
    sent(tx, GOING_OUT, (patterns, rows)).await
}

/// The same of what was sent and can be sent again.
pub(super) async fn retryable(
    tx: &mut PgConnection,
    patterns: &NumberPatterns,
    rows: &[i64],
) -> Result<Vec<NamedColumns>, StoreError> {
    sent(tx, RETRYABLE, (patterns, rows)).await
}

async fn sent(
    tx: &mut PgConnection,
    named: &'static str,
    (patterns, rows): (&NumberPatterns, &[i64]),
) -> Result<Vec<NamedColumns>, StoreError> {
    let named = sqlx::query_as(named).bind(&patterns.near).bind(&patterns.text).bind(rows);
    let named: Vec<NamedColumns> = named.fetch_all(tx).await?;
    Ok(named.into_iter().filter_map(NamedColumns::sent).collect())
}
