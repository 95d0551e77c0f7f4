//! Where a person is named in what is about others, or about nobody: answers to programs, raw webhooks, reasons, reports, notes.

use sqlx::{AssertSqlSafe, PgConnection};

use super::answers::forget_answers;
use super::left_out::forget_left_out;
use super::skus::forget_skus;
use super::unique::{forget_list_names, forget_same_consents};
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

/// Takes a person out of what is not theirs, and empties the raw webhooks that name them.
pub async fn forget_elsewhere(tx: &mut PgConnection, of: &PersonTraces) -> Result<(), StoreError> {
    // Of whose rows these are is known as long as their number stands there.
    forget_left_out(&mut *tx, of).await?;
    forget_list_names(&mut *tx, of).await?;
    forget_same_consents(&mut *tx, of).await?;
    for column in COLUMNS {
        forget_in(&mut *tx, column, (&of.patterns.text, of)).await?;
    }
    for column in NAMES.into_iter().chain(AUTHORS) {
        forget_in(&mut *tx, column, (&of.patterns.name, of)).await?;
    }
    forget_answers(&mut *tx, of).await?;
    forget_skus(&mut *tx, (&of.patterns.name, &of.patterns.near)).await?;
    sqlx::query("delete from customer_tags where tag ~ $1").bind(&of.patterns.name).execute(&mut *tx).await?;
    // Names of tokens are unique: each gets one of its own.
    sqlx::query("update api_tokens set name = 'forgotten-' || id where name ~ $1")
        .bind(&of.patterns.name)
        .execute(&mut *tx)
        .await?;
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
