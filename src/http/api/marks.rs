//! One person: what is known of them, what an operator or a program says of them, and people found in every blast.

use axum::Router;
use axum::routing::{get, patch, post};
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::HttpState;
use super::super::problem::Problem;
use super::body::{EmptyBody, JsonBody, Params, PathId};
use super::gate::{ApiReader, ApiWriter};
use super::once::{Answer, Repeatable, once};
use super::page;
use super::people::PersonAnswer;
use crate::app::view::{HistoryRow, ReplyRow};
use crate::app::{App, Marked};
use crate::domain::amount;
use crate::domain::filter::Filter;
use crate::domain::ids::RecipientId;
use crate::domain::recipient::{Mark, Resolution};
use axum::response::Response;

/// The most people of a search.
const FOUND: u32 = 100;

pub(super) fn routes() -> Router<HttpState> {
    Router::new()
        .route("/api/recipients", get(find))
        .route("/api/recipients/{id}", patch(mark).get(one))
        .route("/api/recipients/{id}/history", get(history))
        .route("/api/recipients/{id}/resolve", post(resolve))
        .route("/api/undo", post(undo_mine))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FindParams {
    q: String,
    #[serde(default, deserialize_with = "page::number")]
    limit: Option<u32>,
}

/// What is said of a person. `undo` takes the newest mark back.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct MarkBody {
    #[serde(default)]
    status: Option<String>,
    /// Of a sale: a text, or a number.
    #[serde(default)]
    amount: Option<Value>,
    #[serde(default)]
    note: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ResolveBody {
    resolution: String,
}

/// What is done to a person: marks one after the other, or the newest one undone.
enum PersonAct {
    Marks(Vec<Mark>),
    Undo,
}

impl MarkBody {
    fn read(&self) -> Result<PersonAct, Problem> {
        let amount = self.amount.as_ref().map(read_amount).transpose()?;
        let mut marks = match self.status.as_deref() {
            None => Vec::new(),
            Some("replied" | "responded" | "REPLIED") => vec![Mark::Replied],
            Some("closed" | "CLOSED") => vec![Mark::Closed(amount)],
            Some("opted_out" | "opt_out" | "opt-out") => vec![Mark::OptOut],
            Some("undo") if self.note.is_none() && amount.is_none() => return Ok(PersonAct::Undo),
            Some(other) => {
                let detail = format!(
                    "`{other}` is nothing that can be said of a person: write replied, closed, opted_out, or undo alone"
                );
                return Err(Problem::field("status", detail));
            }
        };
        if amount.is_some() && self.status.as_deref().is_none_or(|status| !status.eq_ignore_ascii_case("closed")) {
            return Err(Problem::field("amount", "an amount belongs to status closed"));
        }
        marks.extend(self.note.clone().map(Mark::Note));
        if marks.is_empty() {
            return Err(Problem::field("status", "missing: write replied, closed, opted_out or undo, or a note"));
        }
        Ok(PersonAct::Marks(marks))
    }
}

fn read_amount(value: &Value) -> Result<Decimal, Problem> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return Err(Problem::field("amount", "write it as \"120.50\"")),
    };
    amount::parse(&text).map_err(|error| Problem::field("amount", error.to_string()))
}

async fn mark(
    ApiWriter(caller): ApiWriter,
    PathId(id): PathId<RecipientId>,
    body: JsonBody<MarkBody>,
) -> Result<Response, Problem> {
    let act = body.value.read()?;
    let blast = caller.app().recipient_row(id).await?.blast_id;
    once(&caller, body.about(blast), async |app: App| {
        let mut answer = match act {
            PersonAct::Undo => json!({ "undone": app.undo_person(id).await?.sentence }),
            PersonAct::Marks(marks) => {
                let mut done = Vec::new();
                for mark in marks {
                    done.push(marked(&app.mark_apart(id, mark).await?));
                }
                json!({ "marks": done })
            }
        };
        answer["recipient"] = json!(PersonAnswer::from(app.recipient_row(id).await?));
        Ok(Answer::ok(answer))
    })
    .await
}

fn marked(marked: &Marked) -> Value {
    json!({ "act": marked.act, "before": marked.before, "after": marked.after, "action_id": marked.action })
}

async fn resolve(
    ApiWriter(caller): ApiWriter,
    PathId(id): PathId<RecipientId>,
    body: JsonBody<ResolveBody>,
) -> Result<Response, Problem> {
    let resolution = match body.value.resolution.as_str() {
        "sent" => Resolution::Sent,
        "resend" => Resolution::Resend,
        "drop" => Resolution::Drop,
        other => return Err(Problem::field("resolution", format!("`{other}` is none: write sent, resend or drop"))),
    };
    let blast = caller.app().recipient_row(id).await?.blast_id;
    once(&caller, body.about(blast), async |app: App| {
        let done = marked(&app.mark(id, Mark::Resolve(resolution)).await?);
        let row = app.recipient_row(id).await?;
        Ok(Answer::ok(json!({ "marks": [done], "recipient": PersonAnswer::from(row) })))
    })
    .await
}

/// Takes back the caller's own newest act.
async fn undo_mine(ApiWriter(caller): ApiWriter, body: JsonBody<EmptyBody>) -> Result<Response, Problem> {
    let request = Repeatable { headers: &body.headers, fingerprint: body.fingerprint, blast: None };
    once(&caller, request, async |app: App| {
        let undone = app.undo_mine().await?;
        Ok(Answer::ok(json!({ "undone": undone.sentence, "recipients": undone.recipients })))
    })
    .await
}

async fn one(ApiReader(caller): ApiReader, PathId(id): PathId<RecipientId>) -> Result<Answer, Problem> {
    Ok(Answer::ok(json!(PersonAnswer::from(caller.app().recipient_row(id).await?))))
}

async fn history(ApiReader(caller): ApiReader, PathId(id): PathId<RecipientId>) -> Result<Answer, Problem> {
    let app = caller.app();
    let row = app.recipient_row(id).await?;
    let details = app.recipient(id).await?;
    let change = |change: &HistoryRow| {
        json!({
            "changed_at": change.changed_at, "happened_at": change.happened_at, "old_status": change.old_status,
            "new_status": change.new_status, "attempt": change.attempt, "source": change.source, "by": change.by,
            "detail": change.detail,
        })
    };
    let reply = |reply: &ReplyRow| json!({ "at": reply.at, "text": reply.body });
    Ok(Answer::ok(json!({
        "recipient": PersonAnswer::from(row), "message_text": details.message_text,
        "history": details.history.iter().map(change).collect::<Vec<_>>(),
        "replies": details.replies.iter().map(reply).collect::<Vec<_>>(),
    })))
}

/// A person in every blast, by digits of the number or words of the name.
async fn find(ApiReader(caller): ApiReader, Params(asked): Params<FindParams>) -> Result<Answer, Problem> {
    if asked.q.trim().is_empty() {
        return Err(Problem::field("q", "missing: write digits of the number, or a name"));
    }
    let limit = asked.limit.map_or(Ok(FOUND), |limit| page::limit(Some(limit)))?;
    let found = caller.app().find(&Filter::person(&asked.q), None, limit).await?;
    let row = |row: &crate::app::view::ElsewhereRow| {
        json!({
            "id": row.recipient_id, "blast_id": row.blast_id, "blast_tag": row.tag, "phone_number": row.phone,
            "name": row.name, "status": row.status, "updated_at": row.changed_at,
            "amount": row.amount.map(|amount| amount.to_string()),
        })
    };
    Ok(Answer::ok(json!({ "recipients": found.iter().map(row).collect::<Vec<_>>() })))
}
