//! Every problem that a call may answer: one entry a status, which calls refer to.

use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::super::problem::FieldError;

/// A status as the document describes it.
pub(super) struct ProblemStatus {
    pub status: u16,
    /// In `components/responses`.
    pub name: &'static str,
    title: &'static str,
    description: &'static str,
    /// The `type` of its example, after `urn:blastdeck:`.
    kind: &'static str,
    detail: &'static str,
}

const fn of(
    (status, name, title): (u16, &'static str, &'static str),
    description: &'static str,
    (kind, detail): (&'static str, &'static str),
) -> ProblemStatus {
    ProblemStatus { status, name, title, description, kind, detail }
}

pub(super) const PROBLEMS: [ProblemStatus; 17] = [
    of(
        (400, "BadRequest", "Bad Request"),
        "`not-json`, `not-utf-8`, `broken` (the body ended early), or `version`: another version of the API was asked for",
        ("not-json", "the body is not JSON: EOF while parsing an object at line 1 column 1"),
    ),
    of(
        (401, "Unauthorized", "Unauthorized"),
        "`unauthorized`: no token, or one that is not valid",
        ("unauthorized", "send `Authorization: Bearer TOKEN` with a token that `blastdeck token new` made"),
    ),
    of(
        (403, "Forbidden", "Forbidden"),
        "`scope`: the token may not do this",
        ("scope", "the token shop may only read: this needs one with scope write"),
    ),
    of(
        (404, "NotFound", "Not Found"),
        "`not-found`: there is nothing at this address, or nothing that this token may see",
        ("not-found", "there is no blast 7"),
    ),
    of(
        (405, "MethodNotAllowed", "Method Not Allowed"),
        "`method`: the address takes the methods in `Allow`",
        ("method", "this address does not take this method"),
    ),
    of(
        (408, "RequestTimeout", "Request Timeout"),
        "`slow`: the body came too slowly",
        ("slow", "the body comes too slowly"),
    ),
    of(
        (409, "Conflict", "Conflict"),
        "`refused`: a rule or the state forbids it; `recipients-changed`; `in-progress`: a request with the same idempotency key is being answered; of a start `scheduled` (send `now` to start it at once) and `not-scheduled`",
        (
            "refused",
            "the blast is completed: only a draft, or what is scheduled, can be edited, and `POST /api/blasts` makes another one",
        ),
    ),
    of(
        (412, "PreconditionFailed", "Precondition Failed"),
        "`changed`: it is not as `If-Match` says any more",
        ("changed", "somebody changed this blast since you read it: read it again"),
    ),
    of(
        (413, "ContentTooLarge", "Payload Too Large"),
        "`too-long`: the body is longer than this call takes",
        ("too-long", "a body has at most 26214400 bytes"),
    ),
    of(
        (415, "UnsupportedMediaType", "Unsupported Media Type"),
        "`media-type`: the body is of a type that this call does not read",
        ("media-type", "this takes application/json: say which it is in Content-Type"),
    ),
    of(
        (422, "Unprocessable", "Unprocessable Entity"),
        "`invalid`: each field that does not fit is named; `idempotency-key-reused`: the key was used for another request",
        ("invalid", "message: missing: write the message, or a template"),
    ),
    of(
        (428, "PreconditionRequired", "Precondition Required"),
        "`confirm`: nothing was done; the sentence says what would be, and how to confirm it",
        (
            "confirm",
            "+60123456789 will be forgotten, for good: 3 rows in blasts. Nothing was done: repeat it with `confirm`",
        ),
    ),
    of(
        (429, "TooManyRequests", "Too Many Requests"),
        "`too-many-requests`: `Retry-After` says when to come again",
        ("too-many-requests", "this token asks too often: try again in 1 s"),
    ),
    of(
        (500, "Failed", "Internal Server Error"),
        "`failed`: the server's log says why; `done-unread`: it is done, and cannot be read: look before you repeat it",
        ("failed", "that failed here: the server's log says why"),
    ),
    of(
        (503, "Unavailable", "Service Unavailable"),
        "`no-database`, `busy` or `stopping`: try again",
        ("no-database", "the database cannot be used now: try again in a moment"),
    ),
    of(
        (507, "NoRoom", "Insufficient Storage"),
        "`no-room`: the server has no room for the body",
        ("no-room", "the body could not be kept here: the server's log says why"),
    ),
    of(
        (502, "BadGateway", "Bad Gateway"),
        "`provider`: the provider did not answer as it should",
        ("provider", "the provider did not answer: try again"),
    ),
];

/// The name of a status in `components/responses`.
pub(super) fn name(status: u16) -> Option<&'static str> {
    PROBLEMS.iter().find(|problem| problem.status == status).map(|problem| problem.name)
}

/// An error, as `application/problem+json` (RFC 9457).
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub(super) struct ProblemAnswer {
    /// Stable: `urn:blastdeck:` and a word.
    #[serde(rename = "type")]
    kind: String,
    title: String,
    status: u16,
    /// A sentence for people.
    detail: String,
    /// Of a 422: what is wrong with each field.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    errors: Vec<FieldError>,
}

impl ProblemStatus {
    /// As `components/responses` has it.
    pub(super) fn response(&self) -> Value {
        let field = FieldError::new("message", self.detail.trim_start_matches("message: "));
        let example = ProblemAnswer {
            kind: format!("urn:blastdeck:{}", self.kind),
            title: self.title.to_owned(),
            status: self.status,
            detail: self.detail.to_owned(),
            errors: if self.kind == "invalid" { vec![field] } else { Vec::new() },
        };
        let content = json!({ "schema": { "$ref": "#/components/schemas/Problem" }, "example": example });
        let mut response =
            json!({ "description": self.description, "content": { "application/problem+json": content } });
        let header = |description: &str, kind: &str, example: Value| json!({ "description": description, "schema": { "type": kind }, "example": example });
        match self.status {
            401 => {
                response["headers"]["WWW-Authenticate"] =
                    header("How to sign in", "string", json!("Bearer realm=\"blastdeck\""));
            }
            429 => response["headers"]["Retry-After"] = header("After so many seconds", "integer", json!(1)),
            _ => {}
        }
        response
    }
}
