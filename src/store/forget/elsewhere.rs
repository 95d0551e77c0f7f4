//! Where a person is named in what is about others, or about nobody: answers to programs, raw webhooks, reasons, reports, notes.

use sqlx::{AssertSqlSafe, PgConnection};

use super::PersonTraces;
use crate::store::StoreError;

/// A column of text or JSON that may name somebody: table, column, type.
const COLUMNS: [(&str, &str, &str); 27] = [
    ("api_jobs", "error", "text"),
    ("api_jobs", "result", "jsonb"),
    ("api_requests", "answer", "jsonb"),
    ("blast_changes", "reason", "text"),
    ("blast_recipients", "error_message", "text"),
    ("blast_recipients", "message_text", "text"),
    ("blast_recipients", "note", "text"),
    ("blast_recipients", "reason", "text"),
    ("blast_recipients", "variables", "jsonb"),
    ("blast_reports", "report", "json"),
    ("blasts", "description", "text"),
    ("blasts", "left_out", "jsonb"),
    ("blasts", "message", "text"),
    ("blasts", "segment", "text"),
    ("blasts", "state_reason", "text"),
    ("carts", "note", "text"),
    ("customer_notes", "note", "text"),
    ("hook_deliveries", "error", "text"),
    ("hooks", "last_error", "text"),
    ("operator_actions", "detail", "jsonb"),
    ("orders", "note", "text"),
    ("orders", "raw", "jsonb"),
    ("provider_notices", "words", "text"),
    ("replies", "body", "text"),
    ("sender_leases", "waiting", "jsonb"),
    ("status_history", "metadata", "jsonb"),
    ("suppressions", "reason", "text"),
];

/// Takes a person out of what is not theirs, and empties the raw webhooks that name them.
pub async fn forget_elsewhere(tx: &mut PgConnection, of: &PersonTraces) -> Result<(), StoreError> {
    for (table, column, kind) in COLUMNS {
        // In JSON the number may be no string, where a word would be none either.
        let said = match kind {
            "text" => format!("regexp_replace({column}, $1, '(forgotten)', 'g')"),
            _ => format!("{column}::text"),
        };
        let statement =
            format!("update {table} set {column} = without_person({said}, $1, $2)::{kind} where {column}::text ~ $1");
        sqlx::query(AssertSqlSafe(statement)).bind(&of.pattern).bind(&of.words).execute(&mut *tx).await?;
    }
    sqlx::query(
        "update webhook_inbox
            set body = '', state = 'applied', open_items = null, failed_items = null, waits_for = null,
                reason = 'it named somebody who was forgotten'
          where convert_from(body, 'LATIN1') ~ $1
             or exists (select from unnest($2::text[]) id where position(convert_to(id, 'UTF8') in body) > 0)",
    )
    .bind(&of.pattern)
    .bind(&of.ids)
    .execute(tx)
    .await?;
    Ok(())
}
