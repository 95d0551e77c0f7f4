//! Writing what a batch came to: one statement a table.

use std::collections::HashMap;

use serde_json::Value;
use sqlx::PgConnection;

use super::{Answer, Entry, Step};
use crate::domain::ids::MessageId;
use crate::domain::recipient::Recipient;
use crate::store::StoreError;

/// Text that Postgres takes: without NUL.
pub(super) fn storable(text: &str) -> String {
    text.replace('\0', "")
}

fn storable_option(text: Option<&String>) -> Option<String> {
    text.map(|text| storable(text))
}

/// Keeps the provider's answers, byte for byte. `false`: not all, for a message id was there already.
pub(super) async fn answers(tx: &mut PgConnection, entries: &[&Entry]) -> Result<bool, StoreError> {
    let told: Vec<(&Entry, &Answer)> =
        entries.iter().filter_map(|entry| entry.answer.as_ref().map(|answer| (*entry, answer))).collect();
    if told.is_empty() {
        return Ok(true);
    }
    let written = sqlx::query(
        "insert into provider_message
                (recipient_id, attempt, sender_id, outcome, message_id, http_status, error_code, body, flagged)
         select * from unnest($1::bigint[], $2::int[], $3::bigint[], $4::text[], $5::text[], $6::smallint[], $7::text[],
                              $8::bytea[], $9::text[])
         on conflict (sender_id, message_id) do nothing",
    )
    .bind(column(&told, |(entry, _)| entry.recipient.0))
    .bind(column(&told, |(entry, _)| entry.stamped.attempt))
    .bind(column(&told, |(_, answer)| answer.sender.0))
    .bind(column(&told, |(_, answer)| answer.outcome))
    .bind(column(&told, |(_, answer)| answer.message_id.as_ref().map(|id| storable(id.as_str()))))
    .bind(column(&told, |(_, answer)| answer.http_status.and_then(|status| i16::try_from(status).ok())))
    .bind(column(&told, |(_, answer)| storable_option(answer.error_code.as_ref())))
    .bind(column(&told, |(_, answer)| answer.body.clone()))
    .bind(column(&told, |(_, answer)| answer.flagged))
    .execute(tx)
    .await?;
    Ok(written.rows_affected() == told.len() as u64)
}

pub(super) fn column<T, U>(rows: &[T], of: impl Fn(&T) -> U) -> Vec<U> {
    rows.iter().map(of).collect()
}

/// Writes the changed people. Joined on the primary key only: any further condition invites a plan that scans.
pub(super) async fn people(tx: &mut PgConnection, people: &[&Recipient], entries: &[Entry]) -> Result<(), StoreError> {
    if people.is_empty() {
        return Ok(());
    }
    let texts = texts(entries);
    sqlx::query(UPDATE)
        .bind(column(people, |p| p.id.0))
        .bind(column(people, |p| p.status()))
        .bind(column(people, |p| p.standing))
        .bind(column(people, |p| p.tries))
        .bind(column(people, |p| p.next_attempt_at))
        .bind(column(people, |p| p.message_id.as_ref().map(MessageId::to_string)))
        .bind(column(people, |p| p.message_timestamp))
        .bind(column(people, |p| p.c2s_at))
        .bind(column(people, |p| p.sent_at))
        .bind(column(people, |p| p.delivered_at))
        .bind(column(people, |p| p.read_at))
        .bind(column(people, |p| p.reply_seen_at))
        .bind(column(people, |p| p.replied_marked_at))
        .bind(column(people, |p| p.closed_at))
        .bind(column(people, |p| p.failed_at))
        .bind(column(people, |p| p.failed_attempt))
        .bind(column(people, |p| p.opted_out_at))
        .bind(column(people, |p| p.amount))
        .bind(column(people, |p| storable_option(p.note.as_ref())))
        .bind(column(people, |p| storable_option(p.provider_status.as_ref())))
        .bind(column(people, |p| storable_option(p.error_code.as_ref())))
        .bind(column(people, |p| storable_option(p.error_message.as_ref())))
        .bind(column(people, |p| storable_option(p.reason.as_ref())))
        .bind(column(people, |p| texts.get(&p.id.0).cloned()))
        .execute(tx)
        .await?;
    Ok(())
}

const UPDATE: &str = "
    update blast_recipients r
       set status = x.status, standing = x.standing, tries = x.tries, next_attempt_at = x.next_attempt_at,
           message_id = x.message_id, message_timestamp = x.message_timestamp,
           message_c2s_timestamp = x.message_c2s_timestamp, sent_at = x.sent_at, delivered_at = x.delivered_at,
           read_timestamp = x.read_timestamp, reply_seen_at = x.reply_seen_at,
           replied_marked_at = x.replied_marked_at, closed_at = x.closed_at, failed_at = x.failed_at,
           failed_attempt = x.failed_attempt, opted_out_at = x.opted_out_at, amount = x.amount, note = x.note,
           provider_status = x.provider_status, error_code = x.error_code, error_message = x.error_message,
           reason = x.reason, message_text = coalesce(x.message_text, r.message_text),
           changed_at = case when r.status = x.status then r.changed_at else now() end
      from unnest($1::bigint[], $2::recipient_status[], $3::recipient_status[], $4::int[], $5::timestamptz[], $6::text[],
                  $7::timestamptz[], $8::timestamptz[], $9::timestamptz[], $10::timestamptz[], $11::timestamptz[],
                  $12::timestamptz[], $13::timestamptz[], $14::timestamptz[], $15::timestamptz[], $16::int[],
                  $17::timestamptz[], $18::numeric[], $19::text[], $20::text[], $21::text[], $22::text[], $23::text[],
                  $24::text[])
           as x (id, status, standing, tries, next_attempt_at, message_id, message_timestamp, message_c2s_timestamp,
                 sent_at, delivered_at, read_timestamp, reply_seen_at, replied_marked_at, closed_at, failed_at,
                 failed_attempt, opted_out_at, amount, note, provider_status, error_code, error_message, reason,
                 message_text)
     where r.id = x.id";

/// The text of the newest answer to each person in the batch.
fn texts(entries: &[Entry]) -> HashMap<i64, String> {
    let told = |entry: &Entry| Some((entry.recipient.0, storable(entry.answer.as_ref()?.text.as_ref()?)));
    entries.iter().filter_map(told).collect()
}

/// A blast that was complete is not any more.
pub(super) async fn reopen(tx: &mut PgConnection, blasts: &[i64]) -> Result<(), StoreError> {
    if blasts.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "update blasts set state = 'sending', version = version + 1, updated_at = now(), completed_at = null
          where id = any($1) and state = 'completed' and deleted_at is null",
    )
    .bind(blasts)
    .execute(tx)
    .await?;
    Ok(())
}

/// Appends the changes of status, in order.
pub(super) async fn history(tx: &mut PgConnection, steps: &[Step]) -> Result<(), StoreError> {
    if steps.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "insert into status_history
                (blast_id, recipient_id, attempt, old_status, new_status, happened_at, source, by_whom, metadata)
         select * from unnest($1::bigint[], $2::bigint[], $3::int[], $4::recipient_status[], $5::recipient_status[],
                              $6::timestamptz[], $7::text[], $8::text[], $9::jsonb[])",
    )
    .bind(column(steps, |step| step.blast.0))
    .bind(column(steps, |step| step.recipient.0))
    .bind(column(steps, |step| step.attempt))
    .bind(column(steps, |step| step.old))
    .bind(column(steps, |step| step.new))
    .bind(column(steps, |step| step.happened_at))
    .bind(column(steps, |step| step.source.word()))
    .bind(column(steps, |step| step.by.clone()))
    .bind(column(steps, |step| step.metadata.as_ref().map(clean_json)))
    .execute(tx)
    .await?;
    Ok(())
}

/// `jsonb` refuses `\u0000` anywhere.
fn clean_json(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(storable(text)),
        Value::Array(items) => items.iter().map(clean_json).collect(),
        Value::Object(fields) => fields.iter().map(|(key, value)| (storable(key), clean_json(value))).collect(),
        other => other.clone(),
    }
}
