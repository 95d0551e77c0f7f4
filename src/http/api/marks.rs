//! One person: what is known of them, what an operator or a program says of them, and people found in every blast.

mod person_act;

use axum::response::Response;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::super::api_sentence::for_programs;
use super::super::openapi::{Operation, Routes};
use super::super::problem::Problem;
use super::authentication::{ApiReader, ApiWriter};
use super::body::{EmptyBody, JsonBody, Params, PathId, never_null};
use super::once::{Answer, Repeatable, answered_before, once};
use super::page;
use super::people::PersonAnswer;
use crate::app::view::{ElsewhereRow, HistoryRow, ReplyRow};
use crate::app::{App, Marked, StillSuppressed, UndoOutcome, unread_after};
use crate::domain::amount::as_kept;
use crate::domain::filter::Filter;
use crate::domain::ids::{ActionId, BlastId, RecipientId};
use crate::domain::phone::Phone;
use crate::domain::recipient::Resolution;
use crate::domain::status::Status;
use person_act::{MarkBody, PersonAct};

/// The most people of a search.
const FOUND: u32 = 100;

pub(super) fn routes() -> Routes {
    Routes::of("People")
        .get(
            "/api/recipients",
            find,
            Operation::read("A person in every blast, by digits of the number or words of the name")
                .query::<FindParams>()
                .answer::<FoundPeople>(200, "The newest blast first"),
        )
        .get("/api/recipients/{id}", one, Operation::read("One person").answer::<PersonAnswer>(200, "The person"))
        .patch(
            "/api/recipients/{id}",
            mark,
            Operation::write("Says something of a person, or takes the newest mark back")
                .body::<MarkBody>()
                .answer::<MarkedPerson>(200, "What was done, and the person as they are now"),
        )
        .get(
            "/api/recipients/{id}/history",
            history,
            Operation::read("What happened to a person").answer::<HistoryAnswer>(200, "The oldest first"),
        )
        .post(
            "/api/recipients/{id}/resolve",
            resolve,
            Operation::write("Settles an uncertain one")
                .body::<ResolveBody>()
                .answer::<MarkedPerson>(200, "What was done, and the person as they are now"),
        )
        .post(
            "/api/undo",
            undo_mine,
            Operation::write("Takes the token's own newest act back")
                .body::<EmptyBody>()
                .answer::<UndoneAct>(200, "What was taken back"),
        )
}

/// What was done to a person.
#[derive(Debug, Serialize, ToSchema)]
struct MarkedPerson {
    #[serde(skip_serializing_if = "Option::is_none")]
    marks: Option<Vec<MarkAnswer>>,
    /// What was taken back, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "Aina: replied -> read, taken back")]
    undone: Option<String>,
    /// What suppresses the person though an opt-out was taken back.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    still_suppressed: Vec<StillSuppressedAnswer>,
    recipient: PersonAnswer,
}

/// A suppression that stands.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StillSuppressed)]
struct StillSuppressedAnswer {
    #[schema(example = "+60123456789")]
    phone_number: String,
    /// `*` for all.
    #[schema(example = "kedai")]
    business: String,
    /// `person`, `provider` or `operator`.
    #[schema(example = "person")]
    source: String,
    #[schema(example = "they asked")]
    reason: Option<String>,
    #[schema(example = "the person")]
    by: Option<String>,
    /// The blast of the mark that holds it.
    #[schema(value_type = Option<i64>, example = json!(null))]
    marked_in: Option<BlastId>,
}

impl From<StillSuppressed> for StillSuppressedAnswer {
    fn from(still: StillSuppressed) -> Self {
        let StillSuppressed { phone_number, business, source, reason, by, marked_in, marked_as: _ } = still;
        Self { phone_number, business, source, reason, by, marked_in }
    }
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Mark)]
struct MarkAnswer {
    #[schema(example = "closed")]
    act: String,
    before: Status,
    after: Status,
    #[schema(value_type = i64, example = 17)]
    action_id: ActionId,
}

#[derive(Debug, Serialize, ToSchema)]
struct UndoneAct {
    #[schema(example = "Aina: replied -> read, taken back")]
    undone: String,
    /// Whom it changed.
    #[schema(value_type = Vec<i64>, example = json!([1001]))]
    recipients: Vec<RecipientId>,
    /// What suppresses people whose opt-outs were taken back.
    still_suppressed: Vec<StillSuppressedAnswer>,
}

#[derive(Debug, Serialize, ToSchema)]
struct HistoryAnswer {
    recipient: PersonAnswer,
    /// What they were sent, as they read it.
    #[schema(example = "Hi Aina")]
    message_text: Option<String>,
    history: Vec<HistoryEntry>,
    replies: Vec<ReplyAnswer>,
}

#[derive(Debug, Serialize, ToSchema)]
struct HistoryEntry {
    changed_at: DateTime<Utc>,
    happened_at: Option<DateTime<Utc>>,
    old_status: Status,
    new_status: Status,
    #[schema(example = 1)]
    attempt: i32,
    #[schema(example = "provider")]
    source: String,
    #[schema(example = json!(null))]
    by: Option<String>,
    #[schema(example = json!(null))]
    detail: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Reply)]
struct ReplyAnswer {
    at: DateTime<Utc>,
    #[schema(example = "Yes please")]
    text: String,
}

#[derive(Debug, Serialize, ToSchema)]
struct FoundPeople {
    recipients: Vec<FoundPerson>,
}

#[derive(Debug, Serialize, ToSchema)]
struct FoundPerson {
    #[schema(value_type = i64, example = 1001)]
    id: RecipientId,
    #[schema(value_type = i64, example = 7)]
    blast_id: BlastId,
    #[schema(example = "Campaign 2025-01-18")]
    blast_tag: String,
    #[schema(value_type = String, example = "+60123456789")]
    phone_number: Phone,
    #[schema(example = "Aina")]
    name: Option<String>,
    status: Status,
    updated_at: DateTime<Utc>,
    #[schema(example = "120.50")]
    amount: Option<String>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct FindParams {
    /// Digits of the number, or words of the name.
    #[param(min_length = 1, example = "6789")]
    q: String,
    /// 1 to 1,000, usually 100.
    #[serde(default, deserialize_with = "page::number")]
    #[param(minimum = 1, maximum = 1_000)]
    limit: Option<u32>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ResolveBody {
    /// `sent`, `resend` or `drop`.
    #[schema(example = "sent")]
    resolution: String,
    /// The `attempts` of the person as they were read: refused where another attempt was made since. Without it the answer is about the
    /// newest attempt. Null is refused.
    #[serde(default, deserialize_with = "never_null")]
    #[schema(value_type = i32, required = false, example = 1)]
    attempt: Option<i32>,
}

async fn mark(
    ApiWriter(caller): ApiWriter,
    PathId(id): PathId<RecipientId>,
    body: JsonBody<MarkBody>,
) -> Result<Response, Problem> {
    let act = body.value.read(&caller.app().config().ui.currency)?;
    let row = match caller.app().recipient_row(id).await {
        Ok(row) => row,
        Err(gone) => return answered_before(&caller, &repeatable(&body), gone.into()).await,
    };
    let (blast, act) = (row.blast_id, act.without_known(&row));
    once(&caller, body.about(blast), async |app: App| {
        let (marks, undone) = match act {
            PersonAct::Undo => (None, Some(app.undo_person(id).await?)),
            PersonAct::Marks(marks) => {
                let marked = app.mark_each_apart(id, marks).await?;
                (Some(marked.into_iter().map(MarkAnswer::from).collect()), None)
            }
        };
        let done = if undone.is_some() { "the newest mark is taken back" } else { "the marks are written" };
        let recipient = PersonAnswer::of(&app, id).await.map_err(unread_after(done))?;
        let (undone, still_suppressed) = undone.map(in_answer).unzip();
        Ok(Answer::ok(MarkedPerson {
            marks,
            undone,
            still_suppressed: still_suppressed.unwrap_or_default(),
            recipient,
        }))
    })
    .await
    .map_err(|problem| problem.with_id("recipients", id))
}

impl From<Marked> for MarkAnswer {
    fn from(marked: Marked) -> Self {
        Self { act: marked.act, before: marked.before, after: marked.after, action_id: marked.action }
    }
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
        other => {
            return Err(Problem::field("resolution", format!("`{other}` is no resolution: send sent, resend or drop")));
        }
    };
    let attempt = body.value.attempt;
    let blast = match caller.app().recipient_row(id).await {
        Ok(row) => row.blast_id,
        Err(gone) => return answered_before(&caller, &repeatable(&body), gone.into()).await,
    };
    once(&caller, body.about(blast), async |app: App| {
        let done = app.resolve(id, attempt, resolution).await?.into();
        let recipient = PersonAnswer::of(&app, id).await.map_err(unread_after("it is resolved"))?;
        Ok(Answer::ok(MarkedPerson { marks: Some(vec![done]), undone: None, still_suppressed: Vec::new(), recipient }))
    })
    .await
    .map_err(|problem| problem.with_id("recipients", id))
}

/// Takes back the caller's own newest act.
async fn undo_mine(ApiWriter(caller): ApiWriter, body: JsonBody<EmptyBody>) -> Result<Response, Problem> {
    once(&caller, repeatable(&body), async |app: App| {
        let done = match app.undo_mine().await {
            Ok(done) => done,
            Err(refused) => return Err(with_its_ids(&app, refused.into()).await),
        };
        let recipients = done.recipients.clone();
        let (undone, still_suppressed) = in_answer(done);
        Ok(Answer::ok(UndoneAct { undone, recipients, still_suppressed }))
    })
    .await
}

/// A request that names no blast.
fn repeatable<T>(body: &JsonBody<T>) -> Repeatable<'_> {
    Repeatable { headers: &body.headers, fingerprint: body.fingerprint, blast: None }
}

/// The refusal to take the newest act back, with the ids of what that was about in the calls that reverse it. Which of several people
/// somebody changed since is there by name.
async fn with_its_ids(app: &App, refused: Problem) -> Problem {
    let patch = "a PATCH of that person, at `/api/recipients/` and their id,";
    let refused = refused.reworded(|said| said.replace("`PATCH /api/recipients/{id}`", patch));
    let Ok(Some((blast, step))) = app.newest_act_of().await else { return refused };
    let refused = refused.with_id("blasts", blast);
    match step {
        Some(step) => refused.reworded(|said| said.replace("/steps/{number}", &format!("/steps/{step}"))),
        None => refused,
    }
}

/// What was taken back, in words for a program, and what suppresses its people still.
fn in_answer(done: UndoOutcome) -> (String, Vec<StillSuppressedAnswer>) {
    (for_programs(&done.sentence), done.still_suppressed.into_iter().map(Into::into).collect())
}

async fn one(ApiReader(caller): ApiReader, PathId(id): PathId<RecipientId>) -> Result<Answer, Problem> {
    Ok(Answer::ok(PersonAnswer::of(&caller.app(), id).await?))
}

async fn history(ApiReader(caller): ApiReader, PathId(id): PathId<RecipientId>) -> Result<Answer, Problem> {
    let app = caller.app();
    let recipient = PersonAnswer::of(&app, id).await?;
    let details = app.recipient(id).await?;
    let change = |change: HistoryRow| HistoryEntry {
        changed_at: change.changed_at,
        happened_at: change.happened_at,
        old_status: change.old_status,
        new_status: change.new_status,
        attempt: change.attempt,
        source: change.source,
        by: change.by,
        detail: change.detail,
    };
    let reply = |reply: ReplyRow| ReplyAnswer { at: reply.at, text: reply.body };
    Ok(Answer::ok(HistoryAnswer {
        recipient,
        message_text: details.message_text,
        history: details.history.into_iter().map(change).collect(),
        replies: details.replies.into_iter().map(reply).collect(),
    }))
}

/// A person in every blast, by digits of the number or words of the name.
async fn find(ApiReader(caller): ApiReader, Params(asked): Params<FindParams>) -> Result<Answer, Problem> {
    if asked.q.trim().is_empty() {
        return Err(Problem::field("q", "missing: write digits of the number, or a name"));
    }
    let limit = asked.limit.map_or(Ok(FOUND), |limit| page::limit(Some(limit)))?;
    let found = caller.app().find_ending_first(&Filter::person(&asked.q), None, limit).await?;
    let row = |row: ElsewhereRow| FoundPerson {
        id: row.person.id,
        blast_id: row.person.blast_id,
        blast_tag: row.tag,
        phone_number: row.person.phone,
        name: row.person.name,
        status: row.person.status,
        updated_at: row.person.changed_at,
        amount: row.person.amount.map(as_kept),
    };
    Ok(Answer::ok(FoundPeople { recipients: found.into_iter().map(row).collect() }))
}
