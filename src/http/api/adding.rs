//! People who are added to a draft, as JSON, CSV or a JSON value a line, and those who are taken out.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::super::HttpState;
use super::super::body::drain;
use super::super::openapi::{Operation, schemas};
use super::super::problem::{FieldError, Problem};
use super::authentication::{ApiCaller, ApiWriter, require_token};
use super::body::{JsonBody, PathId, fingerprint, media_type, parse, unsupported};
use super::jobs::{JobAnswer, preferred, prefers_async};
use super::once::{Answer, Repeatable, answered_before, has_key, once};
use super::upload::{Upload, UploadMax, receive};
use crate::app::{AddedReport, App, Imported, PeopleSource, WrittenPerson, unread_after};
use crate::domain::ids::BlastId;
use crate::domain::list_columns::{LocalNumbers, UnclearOptOuts};
use crate::domain::phone::Phone;
use crate::domain::rejected_rows::UnusualLengths;
use crate::domain::text::people_are;

/// People to be added; the array alone is read as well.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AddRecipients)]
pub(super) struct AddBody {
    #[schema(schema_with = schemas::people)]
    recipients: Vec<WrittenPerson>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RemoveRecipients)]
pub(super) struct RemoveBody {
    #[serde(alias = "phone_numbers", alias = "phoneNumbers")]
    #[schema(example = json!(["+60123456789"]))]
    recipients: Vec<String>,
}

/// What [`add`] takes and answers.
pub(super) fn add_operation<T: ToSchema>() -> Operation {
    Operation::write("Adds people to a draft, or to what is scheduled")
                .details(
                    "Up to a million people and 256 MiB, in one transaction; as one JSON body up to 25 MiB. Rows that cannot be used are left out and named.",
                )
                .body::<AddBody>()
                .body_as("text/csv", "With a header line; one column has the numbers", "phone,name\n60123456789,Aina\n")
                .body_as("application/x-ndjson", "One number or object a line", "{\"phone_number\":\"60123456789\"}\n")
                .answer::<T>(201, "How many were taken, and why others were not")
                .may_be_async::<JobAnswer>()
        .refuses(&[507])
}

/// What [`remove`] takes and answers.
pub(super) fn remove_operation<T: ToSchema>() -> Operation {
    Operation::write("Takes people out of a draft").body::<RemoveBody>().answer::<T>(200, "How many were in it")
}

/// Which form a list has.
#[derive(Debug, Clone, Copy)]
enum ListForm {
    Json,
    Csv,
    Lines,
}

pub(super) async fn add(
    State(state): State<HttpState>,
    ApiWriter(caller): ApiWriter,
    PathId(id): PathId<BlastId>,
    request: Request,
) -> Result<Response, Problem> {
    let report = |added: &Imported, total| json!(AddedPeople::new(added, total));
    let gone = caller.app().require_blast(id).await.err().map(Problem::from);
    take_list(&state, &caller, (id, gone, request), report).await
}

/// Adds the list in a request's body, and answers with this report of it. `gone` refuses it where its blast is not there.
pub(super) async fn take_list(
    state: &HttpState,
    caller: &ApiCaller,
    (id, gone, request): (BlastId, Option<Problem>, Request),
    report: AddedReport,
) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let (form, gone) = match admit(gone, &parts.headers) {
        Ok(admitted) => admitted,
        Err(refused) => {
            drain(&state.bodies, body);
            return Err(refused);
        }
    };
    let max = if matches!(form, ListForm::Json) { UploadMax::ARRAY } else { UploadMax::LIST };
    let upload = receive(&state.bodies, &parts, body, max).await?;
    require_token(state, &parts).await?;
    let fingerprint = fingerprint(&parts, &upload.sha256);
    let repeatable = Repeatable { headers: &parts.headers, fingerprint, blast: Some(id) };
    if let Some(gone) = gone {
        return answered_before(caller, &repeatable, gone).await;
    }
    let source = source(form, upload)?;
    once(caller, repeatable, async |app: App| {
        if prefers_async(&parts.headers) {
            return Ok(preferred(app.add_people_later(id, source, report).await?));
        }
        let added = app.add_people(id, source).await?;
        let done = unread_after(format!("{} added", people_are(i64::try_from(added.taken).unwrap_or(i64::MAX))));
        let blast = app.blast_without_unasked(id).await.map_err(done)?;
        Ok(Answer::created(report(&added, blast.total_recipients)))
    })
    .await
}

/// The form of a list. For a blast that is gone it is received only where it may have been answered before, which shows by its body.
fn admit(gone: Option<Problem>, headers: &HeaderMap) -> Result<(ListForm, Option<Problem>), Problem> {
    match (gone, list_form(headers)) {
        (None, Ok(form)) => Ok((form, None)),
        (Some(gone), Ok(form)) if has_key(headers) => Ok((form, Some(gone))),
        (Some(refused), _) | (None, Err(refused)) => Err(refused),
    }
}

fn list_form(headers: &HeaderMap) -> Result<ListForm, Problem> {
    match media_type(headers).as_str() {
        "application/json" => Ok(ListForm::Json),
        "text/csv" | "application/csv" => Ok(ListForm::Csv),
        "application/x-ndjson" | "application/ndjson" | "application/jsonl" => Ok(ListForm::Lines),
        _ => Err(unsupported("application/json, text/csv or application/x-ndjson")),
    }
}

fn source(form: ListForm, mut upload: Upload) -> Result<PeopleSource, Problem> {
    Ok(match form {
        ListForm::Csv => PeopleSource::Csv(Box::new(upload.file)),
        ListForm::Lines => PeopleSource::Lines(Box::new(upload.file)),
        ListForm::Json => {
            let mut bytes = Vec::new();
            let read = std::io::Read::read_to_end(&mut upload.file, &mut bytes);
            read.map_err(|_| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "failed", "the body could not be read"))?;
            match recipients(&bytes)? {
                one if one.len() == 1 => PeopleSource::Named(one),
                list => PeopleSource::Given(list),
            }
        }
    })
}

/// `{"recipients": […]}`, or the array alone.
fn recipients(bytes: &[u8]) -> Result<Vec<WrittenPerson>, Problem> {
    let begins = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
    if begins == Some(&b'[') { parse(bytes) } else { Ok(parse::<AddBody>(bytes)?.recipients) }
}

/// How many were taken, and why others were not.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ImportReport {
    #[schema(value_type = i64, example = 7)]
    id: BlastId,
    #[schema(value_type = i64, example = 7)]
    blast_id: BlastId,
    #[schema(example = 249)]
    taken: u64,
    #[schema(example = 1)]
    rejected: u64,
    /// Each reason once.
    reasons: Vec<RejectionReason>,
    /// The first of the rows that were not taken.
    rejected_rows: Vec<RejectedRow>,
    unusual_lengths: UnusualLengths,
    /// Rows of a table that say neither yes nor no in a column that says who wants no messages: they are taken.
    unclear_opt_outs: Vec<UnclearOptOuts>,
    /// Numbers without a country code, read as those of one country.
    local: Option<LocalNumbers>,
    /// Rows of a table that are not UTF-8: they were read as Windows-1252, and may have wrong letters.
    #[serde(skip_serializing_if = "Option::is_none")]
    not_utf8: Option<RowsNotUtf8>,
}

#[derive(Debug, Serialize, ToSchema)]
struct RowsNotUtf8 {
    #[schema(example = 1)]
    rows: u64,
    #[schema(example = 2)]
    first_row: u64,
}

#[derive(Debug, Serialize, ToSchema)]
struct RejectionReason {
    #[schema(example = "not a phone number")]
    reason: String,
    #[schema(example = 1)]
    rows: u64,
    /// From 1; missing of people who were found, and in no list.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 17)]
    first_row: Option<u64>,
}

#[derive(Debug, Serialize, ToSchema)]
struct RejectedRow {
    /// From 1.
    #[schema(example = 17)]
    row: u64,
    #[schema(example = "phone_number")]
    field: String,
    #[schema(example = "n/a")]
    value: String,
    #[schema(example = "not a phone number")]
    reason: String,
}

/// People who were added to a draft.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AddedPeople {
    #[serde(flatten)]
    import: ImportReport,
    /// How many who were in it asked for no messages by this list, and are out of it; where there are any.
    #[serde(skip_serializing_if = "Option::is_none")]
    removed: Option<u64>,
    #[schema(example = 250)]
    total_recipients: i64,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RemovedPeople {
    #[schema(value_type = i64, example = 7)]
    id: BlastId,
    #[schema(value_type = i64, example = 7)]
    blast_id: BlastId,
    #[schema(example = 1)]
    removed: u64,
    #[schema(example = 249)]
    total_recipients: i64,
}

impl AddedPeople {
    fn new(added: &Imported, total_recipients: i64) -> Self {
        Self { import: added.into(), removed: (added.members_out > 0).then_some(added.members_out), total_recipients }
    }
}

impl From<&Imported> for ImportReport {
    fn from(imported: &Imported) -> Self {
        let rejected = &imported.rejected;
        let reasons = rejected.reasons.iter().map(|reason| RejectionReason {
            reason: reason.reason.clone(),
            rows: reason.rows,
            first_row: (reason.first_row > 0).then_some(reason.first_row),
        });
        let rows = rejected.examples.iter().map(|row| RejectedRow {
            row: row.row,
            field: row.column.clone(),
            value: row.value.clone(),
            reason: row.reason.to_string(),
        });
        Self {
            id: imported.blast,
            blast_id: imported.blast,
            taken: imported.taken,
            rejected: rejected.total,
            reasons: reasons.collect(),
            rejected_rows: rows.collect(),
            unusual_lengths: imported.unusual_lengths.clone(),
            unclear_opt_outs: imported.unclear_opt_outs.clone(),
            local: imported.local.clone(),
            not_utf8: imported.not_utf8.map(|odd| RowsNotUtf8 { rows: odd.rows, first_row: odd.first_row }),
        }
    }
}

pub(super) async fn remove(
    ApiWriter(caller): ApiWriter,
    PathId(id): PathId<BlastId>,
    body: JsonBody<RemoveBody>,
) -> Result<Response, Problem> {
    take_out(&caller, id, &body, |removed, total_recipients| {
        json!(RemovedPeople { id, blast_id: id, removed, total_recipients })
    })
    .await
}

/// Takes the people of a body out of a draft, and answers with this report of how many were in it, and how many are.
pub(super) async fn take_out(
    caller: &ApiCaller,
    id: BlastId,
    body: &JsonBody<RemoveBody>,
    report: impl Fn(u64, i64) -> Value,
) -> Result<Response, Problem> {
    let sender = match caller.app().require_blast(id).await {
        Ok(sender) => sender,
        Err(gone) => return answered_before(caller, &body.about(id), gone.into()).await,
    };
    let region = caller.app().region_of(sender);
    let (mut phones, mut wrong) = (Vec::new(), Vec::new());
    for (at, text) in body.value.recipients.iter().enumerate() {
        match Phone::parse(text, region) {
            Ok(phone) => phones.push(phone),
            Err(error) => {
                wrong.push(FieldError::new(format!("recipients[{at}]"), error.to_string()).in_row(at));
            }
        }
    }
    if !wrong.is_empty() {
        return Err(Problem::fields(wrong));
    }
    once(caller, body.about(id), async |app: App| {
        let removed = app.remove_people(id, &phones).await?;
        let blast = app.blast_without_unasked(id).await.map_err(unread_after("they are taken out"))?;
        Ok(Answer::ok(report(removed, blast.total_recipients)))
    })
    .await
}
