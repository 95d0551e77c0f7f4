//! Operator actions: who did what, and what was undone.

mod start;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use chrono::{DateTime, TimeDelta, Utc};
use rust_decimal::Decimal;
use serde_json::Value;
use sqlx::{PgConnection, PgPool};

pub use self::start::{
    launch_before, let_go_on_since, newest_launch, newest_launch_of_draft, newest_start, newest_taken_back_by,
};
use super::{StoreError, notify};
use crate::domain::act::Act;
use crate::domain::ids::{ActionId, BlastId, OrderId, RecipientId};
use crate::domain::sale::{ClosingAct, Sale};

/// Which process logs an act: it distinguishes two windows of one operator.
static PROCESS: LazyLock<i64> = LazyLock::new(rand::random);

/// Who acts. A token may have the name of an operator, or of one that was revoked: their acts are not its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Operator<'a> {
    pub name: &'a str,
    /// With which it acts over HTTP.
    pub token: Option<i64>,
}

impl<'a> Operator<'a> {
    /// One who acts with no token.
    pub const fn named(name: &'a str) -> Self {
        Self { name, token: None }
    }
}

/// An act to log.
#[derive(Debug, Clone)]
pub struct NewAction<'a> {
    pub operator: Operator<'a>,
    pub action: Act,
    pub blast: Option<BlastId>,
    pub recipient: Option<RecipientId>,
    pub phone: Option<&'a str>,
    /// What an undo needs to know.
    pub detail: Value,
}

/// An act as logged.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct LoggedAction {
    pub id: ActionId,
    pub at: DateTime<Utc>,
    pub operator: String,
    #[sqlx(try_from = "String")]
    pub action: Act,
    pub blast_id: Option<BlastId>,
    pub recipient_id: Option<RecipientId>,
    pub phone_number: Option<String>,
    pub detail: Value,
}

/// Logs an act. One about a blast notifies other processes once it is committed: with the row, since each trip to a far database is
/// waited for.
pub async fn log(tx: &mut PgConnection, new: NewAction<'_>) -> Result<ActionId, StoreError> {
    let id = sqlx::query_scalar(
        "insert into operator_actions (operator, action, blast_id, recipient_id, phone_number, detail, process, token_id)
         values ($1, $2, $3, $4, $5, $6, $7, $9)
         returning id, case when blast_id is not null then pg_notify($8, blast_id::text) end",
    )
    .bind(new.operator.name)
    .bind(new.action.word())
    .bind(new.blast)
    .bind(new.recipient)
    .bind(new.phone)
    .bind(new.detail)
    .bind(*PROCESS)
    .bind(notify::ORDERS)
    .bind(new.operator.token)
    .fetch_one(tx)
    .await?;
    Ok(id)
}

/// Logs one act on several people: a row each, so that each can be undone alone. All carry the act's key. Returns the rows'
/// keys in the same order.
pub async fn log_several(tx: &mut PgConnection, acts: &[NewAction<'_>]) -> Result<Vec<ActionId>, StoreError> {
    let each = |key: fn(&NewAction<'_>) -> Option<i64>| acts.iter().map(key).collect::<Vec<_>>();
    let ids = sqlx::query_scalar(
        "insert into operator_actions (operator, token_id, action, blast_id, recipient_id, phone_number, process, detail)
         select a.operator, a.token_id, a.action, a.blast_id, a.recipient_id, a.phone_number, $8,
                a.detail || jsonb_build_object('several', jsonb_build_object('act', pg_current_xact_id()::text,
                                                                             'people', $7::bigint))
           from unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::text[], $6::jsonb[], $9::bigint[])
                with ordinality as a (operator, action, blast_id, recipient_id, phone_number, detail, token_id, place)
          order by a.place
         returning id",
    )
    .bind(acts.iter().map(|act| act.operator.name).collect::<Vec<_>>())
    .bind(acts.iter().map(|act| act.action.word()).collect::<Vec<_>>())
    .bind(each(|act| act.blast.map(|id| id.0)))
    .bind(each(|act| act.recipient.map(|id| id.0)))
    .bind(acts.iter().map(|act| act.phone).collect::<Vec<_>>())
    .bind(acts.iter().map(|act| act.detail.clone()).collect::<Vec<_>>())
    .bind(i64::try_from(acts.len()).unwrap_or(i64::MAX))
    .bind(*PROCESS)
    .bind(each(|act| act.operator.token))
    .fetch_all(tx)
    .await?;
    Ok(ids)
}

/// The whole act that a row belongs to, as far as it stands: of an act on several people all rows that are not taken
/// back, by person.
pub async fn whole(tx: &mut PgConnection, act: &LoggedAction) -> Result<Vec<LoggedAction>, StoreError> {
    let Some(several) = act.detail.get("several") else { return Ok(vec![act.clone()]) };
    // They were logged in one statement, one after the other: the walk back from the newest ends with the first.
    let acts = sqlx::query_as(
        "select id, at, operator, action, blast_id, recipient_id, phone_number, detail
           from (select * from operator_actions
                  where operator = $1 and id <= $2 and at = $3 and detail -> 'several' = $4 and action = $5
                  order by id desc limit ($4 ->> 'people')::bigint) as whole
          where undone_at is null
          order by recipient_id",
    )
    .bind(&act.operator)
    .bind(act.id)
    .bind(act.at)
    .bind(several)
    .bind(act.action.word())
    .fetch_all(tx)
    .await?;
    Ok(acts)
}

/// Adds to an act about a blast what was said a moment later, and notifies other processes of it; what an undo needs to know of the time before stays.
pub async fn amend(tx: &mut PgConnection, id: ActionId, detail: &Value) -> Result<(), StoreError> {
    sqlx::query(
        "update operator_actions set detail = $2 || detail || jsonb_build_object('amount', $2 -> 'amount') where id = $1
         returning pg_notify($3, blast_id::text)",
    )
    .bind(id)
    .bind(detail)
    .bind(notify::ORDERS)
    .execute(tx)
    .await?;
    Ok(())
}

/// An operator's newest act that is not taken back, whatever it was. What takes another back is none, but the cancel of an order that
/// somebody asked for: one that an undo cancelled goes with it, and has what that left. Whoever lets a sender go on changed nothing that
/// an undo could find.
pub async fn newest_of(tx: &mut PgConnection, operator: Operator<'_>) -> Result<Option<LoggedAction>, StoreError> {
    let action = sqlx::query_as(
        "select id, at, operator, action, blast_id, recipient_id, phone_number, detail from operator_actions
          where operator = $1 and token_id is not distinct from $2 and undone_at is null and not (action = 'edit' and detail -> 'stopped' is not null)
            and (action <> 'undo' or detail -> 'order' is not null and detail -> 'left' is null)
          order by id desc limit 1",
    )
    .bind(operator.name)
    .bind(operator.token)
    .fetch_optional(tx)
    .await?;
    Ok(action)
}

/// Who took back an act of this operator's that came after this one, where it was somebody else.
pub async fn taken_back_by_others(tx: &mut PgConnection, act: &LoggedAction) -> Result<Option<String>, StoreError> {
    let by = sqlx::query_scalar(
        "select undone_by from operator_actions
          where operator = $1 and id > $2 and undone_at is not null and undone_by <> operator
            and token_id is not distinct from (select token_id from operator_actions where id = $2)
          order by id desc limit 1",
    );
    Ok(by.bind(&act.operator).bind(act.id).fetch_optional(tx).await?)
}

/// Whether an act was logged by this very process.
pub async fn is_of_this_process(tx: &mut PgConnection, id: ActionId) -> Result<bool, StoreError> {
    let own = sqlx::query_scalar("select coalesce(process = $2, false) from operator_actions where id = $1");
    Ok(own.bind(id).bind(*PROCESS).fetch_optional(tx).await?.unwrap_or_default())
}

/// What this operator took back after an act of theirs, newest first, if anything.
pub async fn taken_back_after(tx: &mut PgConnection, act: &LoggedAction) -> Result<Option<LoggedAction>, StoreError> {
    let action = sqlx::query_as(
        "select id, at, operator, action, blast_id, recipient_id, phone_number, detail from operator_actions
          where operator = $1 and id > $2 and action = 'undo' and recipient_id is not null
            and token_id is not distinct from (select token_id from operator_actions where id = $2)
          order by id desc limit 1",
    )
    .bind(&act.operator)
    .bind(act.id)
    .fetch_optional(tx)
    .await?;
    Ok(action)
}

/// Of how many people an operator took a mark back in one go, with this act among those.
pub async fn taken_back_together(tx: &mut PgConnection, undo: &LoggedAction) -> Result<i64, StoreError> {
    // What is logged in one transaction has one time.
    let people = sqlx::query_scalar(
        "select count(*) from operator_actions
          where operator = $1 and action = 'undo' and recipient_id is not null and at = $2",
    );
    Ok(people.bind(&undo.operator).bind(undo.at).fetch_one(tx).await?)
}

/// The newest mark on each of these people that is not taken back, by person.
pub async fn newest_on_each(tx: &mut PgConnection, people: &[RecipientId]) -> Result<Vec<LoggedAction>, StoreError> {
    let acts = sqlx::query_as(
        "select a.id, a.at, a.operator, a.action, a.blast_id, a.recipient_id, a.phone_number, a.detail
           from unnest($1::bigint[]) as person
          cross join lateral (select * from operator_actions
                               where recipient_id = person and undone_at is null
                                 and action in ('replied', 'closed', 'opt-out', 'note', 'resolve')
                               order by id desc limit 1) a
          order by a.recipient_id",
    )
    .bind(people.iter().map(|id| id.0).collect::<Vec<_>>())
    .fetch_all(tx)
    .await?;
    Ok(acts)
}

/// Who did something to a blast itself last, if an operator did.
pub async fn newest_operator(tx: &mut PgConnection, blast: BlastId) -> Result<Option<String>, StoreError> {
    let operator = sqlx::query_scalar(
        "select operator from operator_actions where blast_id = $1 and recipient_id is null order by id desc limit 1",
    );
    Ok(operator.bind(blast).fetch_optional(tx).await?)
}

/// Whether a later launch of the same blast was taken back.
pub async fn is_undone_since(tx: &mut PgConnection, launch: &LoggedAction) -> Result<bool, StoreError> {
    let later = "select exists (select from operator_actions where blast_id = $1 and id > $2 and action = 'launch' and undone_at is not null)";
    Ok(sqlx::query_scalar(later).bind(launch.blast_id).bind(launch.id).fetch_one(tx).await?)
}

/// Who closed a person, if an operator did and it stands.
pub async fn newest_close(tx: &mut PgConnection, recipient: RecipientId) -> Result<Option<LoggedAction>, StoreError> {
    let action = sqlx::query_as(
        "select id, at, operator, action, blast_id, recipient_id, phone_number, detail from operator_actions
          where recipient_id = $1 and undone_at is null and action = 'closed' order by id desc limit 1",
    );
    Ok(action.bind(recipient).fetch_optional(tx).await?)
}

/// An act that closed somebody or changed their amount.
#[derive(Debug, Clone, Copy, sqlx::FromRow)]
struct ClosingRow {
    recipient_id: RecipientId,
    is_order: bool,
    amount: Option<Decimal>,
}

impl ClosingRow {
    const fn act(self) -> ClosingAct {
        if self.is_order { ClosingAct::Ordered(self.amount) } else { ClosingAct::Typed(self.amount) }
    }
}

/// What these people bought by the acts that stand, without some of them. Who is not among them is closed by nothing else.
pub async fn sales_without(
    tx: &mut PgConnection,
    people: &[RecipientId],
    without: &[ActionId],
) -> Result<BTreeMap<RecipientId, Sale>, StoreError> {
    let rows: Vec<ClosingRow> = sqlx::query_as(
        "select a.recipient_id, a.detail -> 'order' is not null as is_order, (a.detail ->> 'amount')::numeric as amount
           from operator_actions a
          where a.recipient_id = any($1) and a.action = 'closed' and a.undone_at is null
            and not exists (select from unnest($2::bigint[]) w (id) where w.id = a.id)
          order by a.recipient_id, a.id",
    )
    .bind(people.iter().map(|id| id.0).collect::<Vec<_>>())
    .bind(without.iter().map(|id| id.0).collect::<Vec<_>>())
    .fetch_all(tx)
    .await?;
    let of_each = rows.chunk_by(|one, next| one.recipient_id == next.recipient_id);
    let sale = |acts: &[ClosingRow]| {
        let id = acts.first()?.recipient_id;
        Some((id, Sale::of(&acts.iter().map(|row| row.act()).collect::<Vec<_>>())?))
    };
    Ok(of_each.filter_map(sale).collect())
}

/// What was logged of the changes of a blast's hours and pace, newest first.
pub async fn pace_changes(pool: &PgPool, blast: BlastId) -> Result<Vec<String>, StoreError> {
    let changes = sqlx::query_scalar(
        "select detail ->> 'pace' from operator_actions
          where blast_id = $1 and action = 'edit' and detail ->> 'pace' is not null
          order by id desc",
    );
    Ok(changes.bind(blast).fetch_all(pool).await?)
}

/// Whether an act is not taken back.
pub async fn stands(tx: &mut PgConnection, id: ActionId) -> Result<bool, StoreError> {
    let stands = sqlx::query_scalar("select exists (select from operator_actions where id = $1 and undone_at is null)");
    Ok(stands.bind(id).fetch_one(tx).await?)
}

/// Who took an act back; `None` while it stands.
pub async fn undone_by(tx: &mut PgConnection, id: ActionId) -> Result<Option<String>, StoreError> {
    let by = sqlx::query_scalar("select undone_by from operator_actions where id = $1 and undone_at is not null");
    Ok(by.bind(id).fetch_optional(tx).await?.flatten())
}

/// Marks acts as undone. Returns how many were not already.
pub async fn mark_undone(tx: &mut PgConnection, ids: &[ActionId], by: &str) -> Result<u64, StoreError> {
    let done = sqlx::query(
        "update operator_actions set undone_at = now(), undone_by = $2 where id = any($1) and undone_at is null",
    )
    .bind(ids.iter().map(|id| id.0).collect::<Vec<_>>())
    .bind(by)
    .execute(tx)
    .await?;
    Ok(done.rows_affected())
}

/// Marks acts as not undone after all, in the transaction that had marked them.
pub async fn mark_done_still(tx: &mut PgConnection, ids: &[ActionId]) -> Result<(), StoreError> {
    sqlx::query("update operator_actions set undone_at = null, undone_by = null where id = any($1)")
        .bind(ids.iter().map(|id| id.0).collect::<Vec<_>>())
        .execute(tx)
        .await?;
    Ok(())
}

/// Undoes what this operator closed a person by a moment ago, where it has no amount: something else takes its place.
pub async fn replace_fresh_close(
    tx: &mut PgConnection,
    recipient: RecipientId,
    operator: &str,
    within: TimeDelta,
) -> Result<(), StoreError> {
    sqlx::query(
        "update operator_actions set undone_at = now(), undone_by = $2, detail = detail || '{\"replaced\": true}'
          where recipient_id = $1 and operator = $2 and undone_at is null and action = 'closed'
            and detail -> 'order' is null and detail ->> 'amount' is null and at > now() - $3::interval",
    )
    .bind(recipient)
    .bind(operator)
    .bind(within)
    .execute(tx)
    .await?;
    Ok(())
}

/// The order whose cancel undid one of these acts, and who cancelled it.
pub async fn order_cancelled(tx: &mut PgConnection, ids: &[ActionId]) -> Result<Option<(OrderId, String)>, StoreError> {
    let cancelled = sqlx::query_as(
        "select (detail ->> 'order')::bigint, operator from operator_actions
          where action = 'undo' and detail -> 'order' is not null and (detail ->> 'of')::bigint = any($1)
            and recipient_id in (select recipient_id from operator_actions where id = any($1))
          order by id desc limit 1",
    );
    Ok(cancelled.bind(ids.iter().map(|id| id.0).collect::<Vec<_>>()).fetch_optional(tx).await?)
}

/// When an operator was last there: their last key that was noted, or the last minute in which a window of theirs was open.
/// Records that they are there now.
pub async fn touch_last_seen(pool: &PgPool, operator: &str) -> Result<Option<DateTime<Utc>>, StoreError> {
    // One trip: whoever leaves waits for it.
    let before = sqlx::query_scalar(
        "with before as (select seen_at from operator_seen where operator = $1)
         insert into operator_seen (operator) values ($1) on conflict (operator) do update set seen_at = now()
         returning (select seen_at from before)",
    );
    Ok(before.bind(operator).fetch_one(pool).await?)
}
