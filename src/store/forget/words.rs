//! Words that blasts and steps send, where they name a person: these go out as somebody launched them, and are rewritten only where
//! nothing is sent with them before somebody launches it.

use sqlx::{AssertSqlSafe, PgConnection};

use super::PersonTraces;
use super::elsewhere::without_person;
use super::filters;
use super::values::{self, NumberValue};
use crate::domain::forgotten::{NumberPatterns, WordsFate};
use crate::domain::ids::BlastId;
use crate::store::StoreError;

/// A blast, or a step of it, that names somebody in what it sends.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct NamingWords {
    pub blast: BlastId,
    pub blast_tag: String,
    pub follow_up_stage: String,
    pub step: Option<i32>,
    pub fate: WordsFate,
}

/// Whether the words of a blast name somebody. `$1`: the quick pattern, `$2`: the pattern of a text.
macro_rules! blast_names {
    () => {
        "exists (select from unnest(array[b.message, b.template::text, b.template_text]) w where w ~ $1 and w ~ $2)"
    };
}

/// The same of a step.
macro_rules! step_names {
    () => {
        "exists (select from unnest(array[s.message, s.template::text]) w where w ~ $1 and w ~ $2)"
    };
}

/// What may be launched, resumed or tried again, so that it stays as it is: what goes out already is refused, and what is over stays so.
/// `$3`: blasts with the number in a value of their people, or of whomever their filter may find. Of these what repeats stays as it is also
/// where it goes on by itself: other words of it may send other columns.
const LOCK_BLASTS: &str = concat!(
    "select 1 from blasts b
      where b.state in ('draft', 'paused', 'completed')
        and (",
    blast_names!(),
    " or exists (select from blast_steps s where s.blast = b.id and ",
    step_names!(),
    ")
             or b.state = 'draft' and b.id = any($3))
         or b.state in ('scheduled', 'paused') and b.repeat_rule is not null and b.segment is not null and b.id = any($3)
      order by b.id for no key update"
);

/// The same of steps. Of those that run as well: one that asks before it sends is to go on asking.
const LOCK_STEPS: &str = concat!(
    "select 1 from blast_steps s
      where s.removed_at is null
        and (",
    step_names!(),
    " or s.blast = any($3))
      order by s.blast, s.number for no key update"
);

/// `$3`: blasts that name somebody in a value that they send. `$4` and `$5`: steps that do so. Where a step's words do not name them, and
/// somebody is asked before its drafts go, these are seen as they are.
const NAMING: &str = concat!(
    "select b.id as blast, b.blast_tag, b.follow_up_stage, null::integer as step,
            case when b.deleted_at is not null then 'over'
                 when b.state = 'draft' and b.state_by is null
                      and exists (select from blast_steps s
                                   where s.blast = b.follows_blast and s.number = b.step_number
                                     and s.at_most is not null and s.paused_at is null and s.removed_at is null) then 'editable'
                 when b.state = 'draft' then 'draft'
                 when b.state = 'scheduled' then 'editable'
                 when b.state = 'paused' and b.launched_at is null and b.scheduled_for is not null and b.repeat_rule is null then 'paused'
                 when b.state = 'sending' or b.state = 'paused' and b.repeat_rule is not null then 'fixed'
                 when b.state = 'paused'
                      and exists (select from blast_recipients r where r.blast_id = b.id and r.status in ('queued', 'uncertain'))
                      then 'fixed'
                 when exists (select from in_flight f where f.blast_id = b.id) then 'landing'
                 else 'over' end as fate
       from blasts b
      where ",
    blast_names!(),
    " or b.id = any($3)
      union all
     select s.blast, b.blast_tag, b.follow_up_stage, s.number,
            case when s.removed_at is not null or b.deleted_at is not null or b.state in ('cancelled', 'failed')
                      or b.state = 'completed' and b.repeat_rule is not null then 'over'
                 when s.paused_at is not null or b.state = 'draft' then 'draft'
                 when s.at_most is not null or ",
    step_names!(),
    " then 'editable'
                 else 'draft' end
       from blast_steps s join blasts b on b.id = s.blast
      where ",
    step_names!(),
    " or (s.blast, s.number) in (select * from unnest($4::bigint[], $5::integer[]))
      order by 1, 4 nulls first"
);

/// The blasts and steps that name somebody in what they send. Those that nothing is sent by yet stay so until the transaction ends.
pub async fn naming_words(
    tx: &mut PgConnection,
    patterns: &NumberPatterns,
    found: &[NumberValue],
) -> Result<Vec<NamingWords>, StoreError> {
    let values = values::going_out(tx, found).await?;
    let blasts: Vec<i64> = values.iter().filter(|words| words.step.is_none()).map(|words| words.blast.0).collect();
    let steps = values.iter().filter_map(|words| Some((words.blast.0, words.step?)));
    let (of_blasts, numbers): (Vec<i64>, Vec<i32>) = steps.unzip();
    let naming = sqlx::query_as(NAMING).bind(&patterns.near).bind(&patterns.text).bind(blasts);
    Ok(naming.bind(of_blasts).bind(numbers).fetch_all(tx).await?)
}

/// Has nobody launch, resume or try again what names somebody, until the transaction ends. It comes before [`naming_words`] and before
/// anybody's rows are locked, as with a launch.
pub async fn lock_words(
    tx: &mut PgConnection,
    patterns: &NumberPatterns,
    found: &[NumberValue],
) -> Result<(), StoreError> {
    let finding = filters::repeating(&mut *tx, found).await?;
    let own = found.iter().filter_map(|value| value.blast);
    let blasts: Vec<i64> = own.chain(finding).map(|blast| blast.0).collect();
    for lock in [LOCK_BLASTS, LOCK_STEPS] {
        sqlx::query(lock).bind(&patterns.near).bind(&patterns.text).bind(&blasts).execute(&mut *tx).await?;
    }
    Ok(())
}

/// Takes a person out of these words. A draft is another one from then on, also where a step of it lost them: whoever saw it as it was does
/// not launch it. A step notes that it lost them, also where only a value that it sends did: whoever lets it send by itself is asked.
pub async fn forget_words(tx: &mut PgConnection, of: &PersonTraces, named: &[NamingWords]) -> Result<(), StoreError> {
    let blasts: Vec<i64> = named.iter().filter(|named| named.step.is_none()).map(|named| named.blast.0).collect();
    for (column, kind) in [("message", "text"), ("template", "jsonb"), ("template_text", "text")] {
        let sql = format!("{} and id = any($4)", without_person(("blasts", column, kind)));
        let statement = sqlx::query(AssertSqlSafe(sql)).bind(&of.patterns.text).bind(&of.words).bind(&of.patterns.near);
        statement.bind(&blasts).execute(&mut *tx).await?;
    }
    let steps = named.iter().filter_map(|named| Some((named.blast.0, named.step?)));
    let (of_blasts, numbers): (Vec<i64>, Vec<i32>) = steps.unzip();
    for (column, kind) in [("message", "text"), ("template", "jsonb")] {
        let sql = format!(
            "{} and (blast, number) in (select * from unnest($4::bigint[], $5::integer[]))",
            without_person(("blast_steps", column, kind))
        );
        let statement = sqlx::query(AssertSqlSafe(sql)).bind(&of.patterns.text).bind(&of.words).bind(&of.patterns.near);
        statement.bind(&of_blasts).bind(&numbers).execute(&mut *tx).await?;
    }
    // Also of a blast that is over: a copy of it has them.
    sqlx::query(
        "update blast_steps set lost_number = true
          where (blast, number) in (select * from unnest($1::bigint[], $2::integer[]))",
    )
    .bind(&of_blasts)
    .bind(&numbers)
    .execute(&mut *tx)
    .await?;
    sqlx::query(
        "update blasts set version = version + 1 where id = any($1::bigint[] || $2::bigint[]) and state = 'draft'",
    )
    .bind(&blasts)
    .bind(&of_blasts)
    .execute(tx)
    .await?;
    Ok(())
}
