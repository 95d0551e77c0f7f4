//! Where a person is named in what is about others, or about nobody: answers to programs, raw webhooks, reasons, reports, notes.

use sqlx::{AssertSqlSafe, Connection, PgConnection};

use super::answers::forget_answers;
use super::left_out::forget_left_out;
use super::skus::forget_skus;
use super::unique::{forget_list_names, forget_same_consents};
use super::values::{NumberValue, queued_since};
use super::{PersonTraces, names_person};
use crate::store::StoreError;

/// A column of text or JSON that may name somebody: table, column, type. What blasts and steps send is not among them.
const COLUMNS: [(&str, &str, &str); 52] = [
    ("api_jobs", "error", "text"),
    ("api_jobs", "result", "jsonb"),
    ("api_requests", "answer", "jsonb"),
    ("api_requests", "headers", "jsonb"),
    ("blast_changes", "reason", "text"),
    ("blast_recipients", "error_message", "text"),
    ("blast_recipients", "external_id", "text"),
    ("blast_recipients", "message_text", "text"),
    ("blast_recipients", "name", "text"),
    ("blast_recipients", "note", "text"),
    ("blast_recipients", "reason", "text"),
    ("blast_recipients", "variables", "jsonb"),
    ("blast_reports", "report", "json"),
    ("blast_steps", "stage", "text"),
    ("blasts", "blast_tag", "text"),
    ("blasts", "description", "text"),
    ("blasts", "external_id", "text"),
    ("blasts", "follow_up_stage", "text"),
    ("blasts", "left_out", "jsonb"),
    ("blasts", "segment", "text"),
    ("blasts", "state_reason", "text"),
    ("blasts", "unfinished", "text"),
    ("carts", "name", "text"),
    ("carts", "note", "text"),
    ("customer_consents", "given_at", "text"),
    ("customer_consents", "source", "text"),
    ("customer_notes", "note", "text"),
    ("hook_deliveries", "error", "text"),
    ("hooks", "last_error", "text"),
    ("nameless_wishes", "reason", "text"),
    ("operator_actions", "detail", "jsonb"),
    ("opt_outs_to_remember", "reason", "text"),
    ("orders", "name", "text"),
    ("orders", "note", "text"),
    ("orders", "raw", "jsonb"),
    ("orders", "uncounted", "text"),
    ("product_variants", "image_url", "text"),
    ("products", "description", "text"),
    ("products", "image_url", "text"),
    ("products", "url", "text"),
    ("provider_notices", "effect", "text"),
    ("provider_notices", "words", "text"),
    ("replies", "body", "text"),
    ("replies", "name", "text"),
    ("replies", "payload", "text"),
    ("saved_list_people", "name", "text"),
    ("saved_list_people", "variables", "jsonb"),
    ("sender_leases", "waiting", "jsonb"),
    ("senders", "stopped_reason", "text"),
    ("status_history", "metadata", "jsonb"),
    ("suppressions", "operator_reason", "text"),
    ("suppressions", "reason", "text"),
];

/// What names a thing: its digits are nobody's number but theirs.
const NAMES: [(&str, &str, &str); 4] = [
    ("cart_items", "name", "text"),
    ("order_items", "name", "text"),
    ("product_variants", "name", "text"),
    ("products", "name", "text"),
];

/// Who did something: a program, by the name of its token, which may have a number in it as that name has.
const AUTHORS: [(&str, &str, &str); 24] = [
    ("api_jobs", "created_by", "text"),
    ("api_shares", "created_by", "text"),
    ("api_shares", "revoked_by", "text"),
    ("api_tokens", "created_by", "text"),
    ("api_tokens", "revoked_by", "text"),
    ("blast_changes", "by_whom", "text"),
    ("blast_reports", "saved_by", "text"),
    ("blasts", "state_by", "text"),
    ("carts", "created_by", "text"),
    ("carts", "state_by", "text"),
    ("customer_notes", "written_by", "text"),
    ("customer_numbers", "merged_by", "text"),
    ("customer_tags", "tagged_by", "text"),
    ("operator_actions", "operator", "text"),
    ("operator_actions", "undone_by", "text"),
    ("opt_outs_to_remember", "created_by", "text"),
    ("order_changes", "by_whom", "text"),
    ("order_edits", "by_whom", "text"),
    ("orders", "created_by", "text"),
    ("orders", "state_by", "text"),
    ("saved_lists", "saved_by", "text"),
    ("status_history", "by_whom", "text"),
    ("suppressions", "created_by", "text"),
    ("suppressions", "operator_by", "text"),
];

/// When the rows of a table are written, and so locked. The whole takes minutes in a large database, and nobody is held up for longer than
/// needed: whoever opts somebody out, sends or marks locks people, by id, after blasts, and before what is [`LockPlace::AfterPeople`]. Whoever
/// changes an order or a cart locks it before all of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LockPlace {
    First,
    Orders,
    Blasts,
    People,
    AfterPeople,
}

impl LockPlace {
    fn of(table: &str) -> Self {
        match table {
            "carts" | "orders" => Self::Orders,
            "blasts" | "blast_steps" => Self::Blasts,
            "blast_recipients" => Self::People,
            // Notes come as late as they can, since they are written about others all the while.
            "customer_notes" | "operator_actions" | "sender_leases" | "senders" | "suppressions" => Self::AfterPeople,
            _ => Self::First,
        }
    }
}

/// So often the rows that are written last are tried to lock: where somebody who waits for rows of the person has one of them, the server ends
/// this wait, not theirs, and theirs ends after some seconds.
const LOCK_TRIES: u32 = 30;

/// What came of taking a person out of what is not theirs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum ElsewhereOutcome {
    Forgotten,
    /// Somebody else was allowed again after an opt-out since `found` was read, and is queued for a message with the number in it: this
    /// transaction is not to be committed.
    QueuedMeanwhile,
}

/// Takes a person out of what is not theirs, and empties the raw webhooks that name them. `found`: the values of others in which the number
/// stood when somebody decided that it can go.
pub async fn forget_elsewhere(
    tx: &mut PgConnection,
    of: &PersonTraces,
    found: &[NumberValue],
) -> Result<ElsewhereOutcome, StoreError> {
    forget_same_consents(&mut *tx, of).await?;
    forget_at(&mut *tx, LockPlace::First, of).await?;
    forget_answers(&mut *tx, of).await?;
    forget_skus(&mut *tx, (&of.patterns.name, &of.patterns.near)).await?;
    sqlx::query("delete from customer_tags where tag ~ $1").bind(&of.patterns.name).execute(&mut *tx).await?;
    // Names of tokens are unique: each gets one of its own.
    sqlx::query("update api_tokens set name = 'forgotten-' || id where name ~ $1")
        .bind(&of.patterns.name)
        .execute(&mut *tx)
        .await?;
    forget_webhooks(&mut *tx, of).await?;
    let last = LastRows::naming(&mut *tx, of).await?;
    lock_last(&mut *tx, &last, of).await?;
    if queued_since(&mut *tx, &last.people, (of, found)).await? {
        return Ok(ElsewhereOutcome::QueuedMeanwhile);
    }
    forget_at(&mut *tx, LockPlace::Orders, of).await?;
    // Of whose rows these are is known as long as their number stands there.
    forget_left_out(&mut *tx, of).await?;
    forget_list_names(&mut *tx, of).await?;
    forget_at(&mut *tx, LockPlace::Blasts, of).await?;
    forget_in_people(&mut *tx, &last.people, of).await?;
    forget_at(tx, LockPlace::AfterPeople, of).await?;
    Ok(ElsewhereOutcome::Forgotten)
}

async fn forget_at(tx: &mut PgConnection, place: LockPlace, of: &PersonTraces) -> Result<(), StoreError> {
    for column in COLUMNS {
        if LockPlace::of(column.0) == place {
            forget_in(&mut *tx, column, (&of.patterns.text, of)).await?;
        }
    }
    for column in NAMES.into_iter().chain(AUTHORS) {
        if LockPlace::of(column.0) == place {
            forget_in(&mut *tx, column, (&of.patterns.name, of)).await?;
        }
    }
    Ok(())
}

async fn forget_webhooks(tx: &mut PgConnection, of: &PersonTraces) -> Result<(), StoreError> {
    sqlx::query(concat!(
        "update webhook_inbox
            set body = '', state = 'applied', open_items = null, failed_items = null, waits_for = null,
                reason = 'it named somebody who was forgotten'
          where ",
        names_person!("$1", "$2", "$3", "$4"),
    ))
    .bind(&of.ids)
    .bind(&of.patterns.near)
    .bind(&of.patterns.text)
    .bind(&of.patterns.raw)
    .execute(tx)
    .await?;
    Ok(())
}

/// The rows of a table that may name somebody, by id. They are looked for with nobody held up: an agent's number is with all their customers.
async fn rows_naming(tx: &mut PgConnection, table: &str, of: &PersonTraces) -> Result<Vec<i64>, StoreError> {
    let columns = COLUMNS.into_iter().chain(NAMES).chain(AUTHORS).filter(|(name, ..)| *name == table);
    let texts: Vec<String> = columns.map(|(_, column, _)| format!("{column}::text")).collect();
    let named = format!("select id from {table} where concat_ws(' ', {}) ~ $1 order by id", texts.join(", "));
    let named = sqlx::query_scalar(AssertSqlSafe(named)).bind(&of.patterns.near);
    Ok(named.fetch_all(tx).await?)
}

/// Rows of others that are written last, by their ids.
struct LastRows {
    orders: Vec<i64>,
    carts: Vec<i64>,
    blasts: Vec<i64>,
    people: Vec<i64>,
}

impl LastRows {
    async fn naming(tx: &mut PgConnection, of: &PersonTraces) -> Result<Self, StoreError> {
        let orders = rows_naming(&mut *tx, "orders", of).await?;
        let carts = rows_naming(&mut *tx, "carts", of).await?;
        let blasts = rows_naming(&mut *tx, "blasts", of).await?;
        let people = rows_naming(tx, "blast_recipients", of).await?;
        Ok(Self { orders, carts, blasts, people })
    }
}

/// Locks them together before any of them is written. The minutes before are not lost where others have one of them for a moment, and between
/// two tries nobody waits for those that were free.
async fn lock_last(tx: &mut PgConnection, rows: &LastRows, of: &PersonTraces) -> Result<(), StoreError> {
    let mut tries = 1;
    loop {
        let mut savepoint = tx.begin().await?;
        let locked = lock_in_order(&mut savepoint, rows, of).await;
        match locked {
            Ok(()) => return Ok(savepoint.commit().await?),
            Err(StoreError::Busy(_)) if tries < LOCK_TRIES => savepoint.rollback().await?,
            Err(error) => return Err(error),
        }
        tries += 1;
    }
}

/// Orders and carts before blasts, blasts before people, and each in the order of their ids, as everybody does who locks several.
async fn lock_in_order(tx: &mut PgConnection, rows: &LastRows, of: &PersonTraces) -> Result<(), StoreError> {
    let orders = sqlx::query("select 1 from orders where id = any($1) order by id for no key update");
    orders.bind(&rows.orders).execute(&mut *tx).await?;
    let carts = sqlx::query("select 1 from carts where id = any($1) order by id for no key update");
    carts.bind(&rows.carts).execute(&mut *tx).await?;
    let blasts = sqlx::query("select 1 from blasts where id = any($1) order by id for no key update");
    blasts.bind(&rows.blasts).execute(&mut *tx).await?;
    let steps = sqlx::query("select 1 from blast_steps where stage ~ $1 order by blast, number for no key update");
    steps.bind(&of.patterns.near).execute(&mut *tx).await?;
    let people = sqlx::query("select 1 from blast_recipients where id = any($1) order by id for no key update");
    people.bind(&rows.people).execute(tx).await?;
    Ok(())
}

/// Takes a person out of what is said of others in blasts. `named`: the rows of these.
async fn forget_in_people(tx: &mut PgConnection, named: &[i64], of: &PersonTraces) -> Result<(), StoreError> {
    if named.is_empty() {
        return Ok(());
    }
    for column in COLUMNS {
        if LockPlace::of(column.0) != LockPlace::People {
            continue;
        }
        let sql = format!("{} and id = any($4)", without_person(column));
        let statement = sqlx::query(AssertSqlSafe(sql)).bind(&of.patterns.text).bind(&of.words).bind(&of.patterns.near);
        statement.bind(named).execute(&mut *tx).await?;
    }
    Ok(())
}

async fn forget_in(
    tx: &mut PgConnection,
    column: (&str, &str, &str),
    (pattern, of): (&str, &PersonTraces),
) -> Result<(), StoreError> {
    let statement = sqlx::query(AssertSqlSafe(without_person(column)));
    statement.bind(pattern).bind(&of.words).bind(&of.patterns.near).execute(tx).await?;
    Ok(())
}

/// Takes a person out of a column wherever it names them. `$1`: the pattern, `$2`: their words, `$3`: the quick pattern.
pub(super) fn without_person((table, column, kind): (&str, &str, &str)) -> String {
    let without = without_person_in(column, kind);
    format!("update {table} set {column} = {without} where {column}::text ~ $3 and {column}::text ~ $1")
}

/// What a column is without the person.
pub(super) fn without_person_in(column: &str, kind: &str) -> String {
    // In JSON the number may be no string, where a word would be none either.
    let said = match kind {
        "text" => format!("regexp_replace({column}, $1, '(forgotten)', 'g')"),
        _ => format!("{column}::text"),
    };
    format!("without_person({said}, $1, $2)::{kind}")
}
