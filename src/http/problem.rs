//! Errors as `application/problem+json` (RFC 9457).

use std::fmt::Display;

use axum::Json;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::api_sentence::for_programs;
use crate::app::{AppError, InvalidPlace, StoreError};

/// The media type of a problem.
pub(super) const PROBLEM_JSON: &str = "application/problem+json";

/// Of what is done and could not be read afterwards.
const DONE_UNREAD: &str = "done-unread";

/// An error for the caller. `kind` is stable; `detail` is a sentence.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    kind: &'static str,
    detail: String,
    errors: Vec<FieldError>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

/// What is wrong with one field of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct FieldError {
    /// As `recipients[3].phone_number`.
    #[schema(example = "message")]
    pub field: String,
    #[schema(example = "missing: write the message, or a template")]
    pub detail: String,
    /// Of a list of people, from 1; in CSV the header is the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 3)]
    pub row: Option<u64>,
}

impl FieldError {
    pub(super) fn new(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { field: field.into(), detail: detail.into(), row: None }
    }

    /// The same of somebody at this place of a list, from 0.
    #[must_use]
    pub(super) fn in_row(self, place: usize) -> Self {
        Self { row: u64::try_from(place + 1).ok(), ..self }
    }
}

impl Problem {
    pub(super) fn new(status: StatusCode, kind: &'static str, detail: impl Into<String>) -> Self {
        Self { status, kind, detail: detail.into(), errors: Vec::new(), headers: Vec::new() }
    }

    /// 422, naming the field.
    pub(super) fn field(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::fields(vec![FieldError::new(field, detail)])
    }

    /// 422, naming each field. There is at least one.
    pub(super) fn fields(errors: Vec<FieldError>) -> Self {
        let said: Vec<_> = errors.iter().map(|error| format!("{}: {}", error.field, error.detail)).collect();
        Self { errors, ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", said.join("; ")) }
    }

    /// 422, naming the first of them: so many, and how many more there are.
    pub(super) fn first_fields(mut errors: Vec<FieldError>, named: usize) -> Self {
        let more = errors.len().saturating_sub(named);
        errors.truncate(named);
        let problem = Self::fields(errors);
        let tail = if more > 0 { format!("; and {more} more") } else { String::new() };
        let detail = format!("{}{tail}", problem.detail);
        problem.with_detail(detail)
    }

    /// 422 for what a use case found, naming each field: also in the sentence, unless that says something else than theirs, or they are
    /// rows of a list.
    fn at_places(why: &str, places: Vec<InvalidPlace>) -> Self {
        let said = places.iter().map(|place| place.why.as_str()).collect::<Vec<_>>().join("; ");
        let has_fields = !places.is_empty() && places.iter().all(|place| place.row.is_none());
        let behind = why.strip_prefix(&said).filter(|_| has_fields);
        let named = Self::fields(places.into_iter().map(FieldError::from).collect());
        let detail = behind.map_or_else(|| for_programs(why), |behind| format!("{}{behind}", named.detail));
        named.with_detail(detail)
    }

    /// What is wrong with each field.
    pub(super) fn into_errors(self) -> impl Iterator<Item = FieldError> {
        self.errors.into_iter()
    }

    /// The same with another sentence in place of one for each field.
    #[must_use]
    pub(super) fn with_detail(self, detail: impl Into<String>) -> Self {
        Self { detail: detail.into(), ..self }
    }

    /// The same with its first field called otherwise.
    #[must_use]
    pub(super) fn renamed(self, field: &str) -> Self {
        let errors = self.errors.into_iter().map(|error| FieldError { field: field.to_owned(), ..error });
        Self::fields(errors.collect())
    }

    /// The same fields with another sentence for each.
    #[must_use]
    pub(super) fn saying(self, detail: &str) -> Self {
        let errors = self.errors.into_iter().map(|error| FieldError { detail: detail.to_owned(), ..error });
        Self::fields(errors.collect())
    }

    /// The same with its fields called otherwise, each by its name.
    #[must_use]
    pub(super) fn with_names(self, name: impl Fn(&str) -> String) -> Self {
        let named = |error: &FieldError| FieldError { field: name(&error.field), ..error.clone() };
        let errors: Vec<_> = self.errors.iter().map(named).collect();
        // A sentence that is made of them may go on behind them.
        let behind = self.detail.strip_prefix(&Self::fields(self.errors).detail);
        let detail = behind.map(|behind| Self::fields(errors.clone()).detail + behind).unwrap_or(self.detail.clone());
        Self { detail, errors, ..self }
    }

    /// The same where it names this field, by what it is called in another spelling.
    #[must_use]
    pub(super) fn respelled(self, from: &str, to: &str) -> Self {
        if self.errors.iter().all(|error| error.field == from) && !self.errors.is_empty() {
            self.renamed(to)
        } else {
            self
        }
    }

    /// The same in other words: its sentences and its fields' names.
    #[must_use]
    pub(super) fn reworded(self, word: impl Fn(&str) -> String) -> Self {
        let reworded =
            |error: FieldError| FieldError { field: word(&error.field), detail: word(&error.detail), ..error };
        Self { detail: word(&self.detail), errors: self.errors.into_iter().map(reworded).collect(), ..self }
    }

    /// The same, where the calls that it names are about this one: `/api/blasts/7/send` in place of `/api/blasts/{id}/send`.
    #[must_use]
    pub(super) fn with_id(self, kind: &str, id: impl Display) -> Self {
        self.reworded(|said| said.replace(&format!("/api/{kind}/{{id}}"), &format!("/api/{kind}/{id}")))
    }

    /// The same, naming the field that it is about.
    #[must_use]
    pub(super) fn about(mut self, field: &str) -> Self {
        self.errors.push(FieldError::new(field, self.detail.clone()));
        self
    }

    pub(super) fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", detail)
    }

    /// 409: a rule or the state forbids it.
    pub(super) fn conflict(kind: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, kind, detail)
    }

    /// 503: the database cannot be used, which may be over in a moment.
    fn no_database(detail: &str) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "no-database", detail)
            .with_header(header::RETRY_AFTER, HeaderValue::from_static("1"))
    }

    /// 500: an act is done, and its answer could not be read. Nothing says when to try again, since it would be done twice.
    fn unread(done: &str, error: &StoreError) -> Self {
        tracing::warn!(%error, done, "the answer for what was done could not be read");
        let look = "look before you repeat it, or repeat it with the same Idempotency-Key";
        let detail = format!("{done}; how it stands now could not be read: {look}");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, DONE_UNREAD, detail)
    }

    /// Whether the act is done, and only its answer is missing.
    pub(super) fn is_done(&self) -> bool {
        self.kind == DONE_UNREAD
    }

    /// Whether somebody else was quicker: another try sees what they did.
    pub(super) const fn is_race(&self) -> bool {
        matches!(self.status, StatusCode::PRECONDITION_FAILED)
    }

    pub(super) const fn status(&self) -> StatusCode {
        self.status
    }

    /// What is answered, as JSON.
    pub(super) fn body(&self) -> Value {
        let mut body = json!({
            "type": format!("urn:blastdeck:{}", self.kind),
            "title": self.status.canonical_reason().unwrap_or_default(),
            "status": self.status.as_u16(),
            "detail": self.detail,
        });
        if !self.errors.is_empty() {
            body["errors"] = json!(self.errors);
        }
        body
    }

    #[must_use]
    pub(super) fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }
}

impl From<InvalidPlace> for FieldError {
    fn from(place: InvalidPlace) -> Self {
        Self { field: place.field, detail: for_programs(&place.why), row: place.row }
    }
}

/// What a use case refused or could not do.
impl From<AppError> for Problem {
    fn from(error: AppError) -> Self {
        match error {
            AppError::Refused(why) | AppError::RefusedAsItStands { why, .. } => {
                Self::conflict("refused", for_programs(&why))
            }
            AppError::Changed => Self::new(StatusCode::PRECONDITION_FAILED, "changed", error.to_string()),
            changed @ (AppError::PeopleChanged(_) | AppError::QueuedChanged(_)) => {
                Self::conflict("recipients-changed", for_programs(&changed.to_string()))
            }
            changed @ (AppError::Overtaken(_) | AppError::ForgottenMeanwhile) => {
                Self::conflict("refused", for_programs(&changed.to_string()))
            }
            AppError::Repeated => Self::conflict("in-progress", error.to_string()),
            AppError::Invalid(why) => Self::field("request", for_programs(&why)),
            AppError::InvalidAt { why, places } => Self::at_places(&why, places),
            AppError::NotFound(why) => Self::not_found(for_programs(&why)),
            // 404 is for what the path names.
            AppError::NotFoundIn { field, why } => Self::field(field, for_programs(&why)),
            AppError::Failed(why) => Self::new(StatusCode::BAD_GATEWAY, "failed", for_programs(&why)),
            AppError::Unfinished { done, error } => {
                tracing::warn!(%error, done, "the work that follows is left to an engine");
                Self::no_database(&format!("{done}; what is left of it was broken off, and an engine finishes it"))
            }
            AppError::PartlyDone { done, error } => {
                let why =
                    if matches!(*error, AppError::Changed) { "somebody changed this blast meanwhile: " } else { "" };
                let rest = format!("{done}, and the rest is not: {why}look, then repeat it for the rest");
                Self::from(*error).with_detail(for_programs(&rest))
            }
            AppError::Unread { done, error } => Self::unread(&for_programs(&done), &error),
            AppError::Store(error) => Self::from(error),
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        if matches!(error, StoreError::Data(_)) {
            return Self::field("request", "it holds a value that the database cannot take");
        }
        // Its sentence may name hosts: it belongs into the log.
        if error.is_transient() {
            tracing::warn!(%error, "a request could not be answered");
            let detail = match error {
                StoreError::Unconfirmed(_) => {
                    "the database did not confirm that: it may or may not have been saved, so look, or repeat it with the same Idempotency-Key"
                }
                _ => "the database cannot be used now: try again in a moment",
            };
            return Self::no_database(detail);
        }
        tracing::error!(%error, "a request failed");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "failed", "that failed here: the server's log says why")
    }
}

impl From<Problem> for Response {
    fn from(problem: Problem) -> Self {
        problem.into_response()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.body())).into_response();
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        for (name, value) in self.headers {
            response.headers_mut().insert(name, value);
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::unread_after;

    #[test]
    fn people_who_change_in_the_last_moment_are_named_as_before_it() {
        let changed = Problem::from(AppError::PeopleChanged("it is 249 people now, not 250".to_owned()));

        assert_eq!(changed.body()["type"], "urn:blastdeck:recipients-changed");
        assert_eq!(changed.status(), StatusCode::CONFLICT);
    }

    #[test]
    fn what_a_field_names_and_is_not_there_is_said_of_that_field() {
        let missing = Problem::from(AppError::NotFoundIn {
            field: "from",
            why: "there is no blast 9 in this business: see `blastdeck blast list`".to_owned(),
        });

        assert_eq!(
            (missing.status(), &missing.body()["type"]),
            (StatusCode::UNPROCESSABLE_ENTITY, &json!("urn:blastdeck:invalid"))
        );
        let said = "there is no blast 9 in this business: see `GET /api/blasts`";
        assert_eq!(missing.body()["detail"], format!("from: {said}"));
        assert_eq!(missing.body()["errors"], json!([{ "field": "from", "detail": said }]));
    }

    #[test]
    fn what_a_use_case_refuses_is_said_with_its_fields_as_what_a_body_has_wrong_is() {
        let place = |field: &str, row, why: &str| InvalidPlace { field: field.to_owned(), row, why: why.to_owned() };
        let refused = |why: &str, places| {
            let problem = Problem::from(AppError::InvalidAt { why: why.to_owned(), places });
            problem.body()["detail"].as_str().unwrap().to_owned()
        };
        let after = || place("after", None, "write a time from 1m to 366d");
        let since = || place("since", None, "write sent");

        let one = refused("write a time from 1m to 366d", vec![after()]);
        let more = refused("write a time from 1m to 366d; write sent; and 3 more", vec![after(), since()]);
        let rows = refused("nobody can be sent to: row 1: too short", vec![place("recipients", Some(1), "too short")]);

        assert_eq!(one, "after: write a time from 1m to 366d");
        assert_eq!(more, "after: write a time from 1m to 366d; since: write sent; and 3 more");
        assert_eq!(rows, "nobody can be sent to: row 1: too short");
    }

    #[test]
    fn what_is_done_and_unread_says_so_and_asks_nobody_to_try_again() {
        let broken = AppError::Store(StoreError::Unavailable(sqlx::Error::PoolTimedOut));
        let done = Problem::from(unread_after("order 3 is written")(broken));

        assert_eq!((done.status(), done.is_done()), (StatusCode::INTERNAL_SERVER_ERROR, true));
        assert_eq!(done.body()["type"], "urn:blastdeck:done-unread");
        let detail = done.body()["detail"].as_str().unwrap().to_owned();
        assert!(detail.starts_with("order 3 is written; how it stands now could not be read: look"), "{detail}");
        assert!(detail.ends_with("repeat it with the same Idempotency-Key"), "{detail}");
        assert!(done.into_response().headers().get(header::RETRY_AFTER).is_none());
    }

    #[test]
    fn what_is_partly_done_says_how_much_with_the_status_of_what_broke_it_off() {
        let partly = |error| AppError::PartlyDone { done: "Raya: 1,000 people are queued again".to_owned(), error };

        let changed = Problem::from(partly(Box::new(AppError::Changed)));
        let away = StoreError::Unavailable(sqlx::Error::PoolTimedOut);
        let away = Problem::from(partly(Box::new(AppError::Store(away))));

        let says = "Raya: 1,000 people are queued again, and the rest is not: ";
        let detail = changed.body()["detail"].as_str().unwrap().to_owned();
        assert_eq!(changed.status(), StatusCode::PRECONDITION_FAILED);
        assert!(detail.starts_with(says) && !detail.contains("nothing was done"), "{detail}");
        assert_eq!(away.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(away.body()["detail"].as_str().unwrap().starts_with(says), "{away:?}");
    }

    #[test]
    fn what_was_not_done_for_the_database_is_to_be_tried_again() {
        let broken = StoreError::Unavailable(sqlx::Error::PoolTimedOut);
        let problem = Problem::from(AppError::Store(broken));

        assert_eq!((problem.status(), problem.is_done()), (StatusCode::SERVICE_UNAVAILABLE, false));
        assert_eq!(problem.into_response().headers()[header::RETRY_AFTER], "1");
    }
}
