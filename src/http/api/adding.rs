//! People who are added to a draft, as JSON, CSV or a JSON value a line, and those who are taken out.

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::HttpState;
use super::super::problem::{FieldError, Problem};
use super::body::{JsonBody, PathId, fingerprint, media_type, parse, unsupported};
use super::gate::ApiWriter;
use super::once::{Answer, Repeatable, once};
use super::upload::{Upload, receive};
use crate::app::{App, Imported, PeopleSource};
use crate::domain::ids::BlastId;
use crate::domain::phone::Phone;

/// The longest array of people: longer lists come as CSV, or one a line.
const ARRAY_MAX: u64 = 25 * 1024 * 1024;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AddBody {
    recipients: Vec<Value>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RemoveBody {
    #[serde(alias = "phone_numbers", alias = "phoneNumbers")]
    recipients: Vec<String>,
}

/// Which form a list has.
#[derive(Debug, Clone, Copy)]
enum ListForm {
    Json,
    Csv,
    Lines,
}

pub(super) async fn add(
    State(_): State<HttpState>,
    ApiWriter(caller): ApiWriter,
    PathId(id): PathId<BlastId>,
    request: Request,
) -> Result<Response, Problem> {
    caller.app().blast(id).await?;
    let (parts, body) = request.into_parts();
    let form = match media_type(&parts.headers).as_str() {
        "application/json" => ListForm::Json,
        "text/csv" | "application/csv" => ListForm::Csv,
        "application/x-ndjson" | "application/ndjson" | "application/jsonl" => ListForm::Lines,
        _ => return Err(unsupported("application/json, text/csv or application/x-ndjson")),
    };
    let upload = receive(body).await?;
    let fingerprint = fingerprint(&parts, &upload.sha256);
    let source = source(form, upload)?;
    once(&caller, Repeatable { headers: &parts.headers, fingerprint, blast: Some(id) }, async |app: App| {
        let added = app.add_people(id, source).await?;
        let mut answer = Answer::ok(imported(&added));
        answer.body["total_recipients"] = json!(app.blast(id).await?.total_recipients);
        answer.status = StatusCode::CREATED;
        Ok(answer)
    })
    .await
}

fn source(form: ListForm, mut upload: Upload) -> Result<PeopleSource, Problem> {
    Ok(match form {
        ListForm::Csv => PeopleSource::Csv(Box::new(upload.file)),
        ListForm::Lines => PeopleSource::Lines(Box::new(upload.file)),
        ListForm::Json if upload.length > ARRAY_MAX => {
            let detail =
                format!("an array has at most {ARRAY_MAX} bytes: send one person a line as application/x-ndjson");
            return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-long", detail));
        }
        ListForm::Json => {
            let mut bytes = Vec::new();
            let read = std::io::Read::read_to_end(&mut upload.file, &mut bytes);
            read.map_err(|_| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "failed", "the body could not be read"))?;
            PeopleSource::Given(recipients(&bytes)?)
        }
    })
}

/// `{"recipients": […]}`, or the array alone.
fn recipients(bytes: &[u8]) -> Result<Vec<Value>, Problem> {
    let begins = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
    if begins == Some(&b'[') { parse(bytes) } else { Ok(parse::<AddBody>(bytes)?.recipients) }
}

/// How many were taken, and why others were not.
pub(super) fn imported(imported: &Imported) -> Value {
    let rejected = &imported.rejected;
    let reasons = rejected
        .reasons
        .iter()
        .map(|reason| json!({ "reason": reason.reason, "rows": reason.rows, "first_row": reason.first_row }));
    let rows = rejected.examples.iter().map(
        |row| json!({ "row": row.row, "field": row.column, "value": row.value, "reason": row.reason.to_string() }),
    );
    json!({
        "id": imported.blast, "blast_id": imported.blast, "taken": imported.taken, "rejected": rejected.total,
        "reasons": reasons.collect::<Vec<_>>(), "rejected_rows": rows.collect::<Vec<_>>(),
    })
}

pub(super) async fn remove(
    ApiWriter(caller): ApiWriter,
    PathId(id): PathId<BlastId>,
    body: JsonBody<RemoveBody>,
) -> Result<Response, Problem> {
    let region = caller.app().region_of(caller.app().blast(id).await?.sender_id);
    let (mut phones, mut wrong) = (Vec::new(), Vec::new());
    for (at, text) in body.value.recipients.iter().enumerate() {
        match Phone::parse(text, region) {
            Ok(phone) => phones.push(phone),
            Err(error) => wrong.push(FieldError { field: format!("recipients[{at}]"), detail: error.to_string() }),
        }
    }
    if !wrong.is_empty() {
        return Err(Problem::fields(wrong));
    }
    once(&caller, body.about(id), async |app: App| {
        let removed = app.remove_people(id, &phones).await?;
        let total = app.blast(id).await?.total_recipients;
        Ok(Answer::ok(json!({ "id": id, "blast_id": id, "removed": removed, "total_recipients": total })))
    })
    .await
}
