//! Senders: what they are, what they wait for, what their providers say of them, and which templates they have.

use axum::extract::Path;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::super::api_sentence::for_programs;
use super::super::openapi::{Operation, Routes};
use super::super::problem::Problem;
use super::authentication::ApiReader;
use super::once::Answer;
use crate::app::view::SenderView;
use crate::app::{HealthVerdict, SenderCheck, SenderTemplate, TemplateRefusal};

pub(super) fn routes() -> Routes {
    Routes::of("Senders")
        .get(
            "/api/senders",
            list,
            Operation::read("The senders that this token may see").answer::<SenderList>(200, "By name"),
        )
        .get(
            "/api/senders/{name}/health",
            health,
            Operation::read("What its provider says of a sender; sends nothing")
                .answer::<SenderHealth>(200, "Also where it is not well"),
        )
        .get(
            "/api/senders/{name}/templates",
            templates,
            Operation::read("The templates of a sender's account, as Meta has them")
                .answer::<TemplateAnswers>(200, "In every language and state")
                .refuses(&[409, 502]),
        )
}

#[derive(Debug, Serialize, ToSchema)]
struct SenderList {
    senders: Vec<SenderAnswer>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Sender)]
struct SenderAnswer {
    #[schema(example = "sales")]
    name: String,
    /// `wsapme` or `meta`.
    #[schema(example = "wsapme")]
    provider: String,
    /// Opt-outs hold for all senders of one business.
    #[schema(example = "kedai")]
    business: String,
    /// A simulator stands in for the provider.
    rehearsal: bool,
    /// `stopped`, `active` while an engine holds it, or `idle`.
    #[schema(example = "active")]
    state: &'static str,
    /// Why it sends nothing until somebody mends something.
    stopped: Option<SenderStopAnswer>,
    /// What it waits for, in words.
    #[schema(example = json!(null))]
    waiting: Option<String>,
    /// Attempts of its present day.
    #[schema(example = 120)]
    today: i64,
    #[schema(example = 500)]
    daily_cap: Option<i64>,
    /// Messages an hour by the rate that binds; null where none does.
    #[schema(example = 1200)]
    per_hour: Option<i64>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SenderStop)]
struct SenderStopAnswer {
    at: DateTime<Utc>,
    #[schema(example = "401")]
    code: String,
    #[schema(example = "the provider refuses the token")]
    reason: String,
}

impl From<SenderView> for SenderAnswer {
    fn from(sender: SenderView) -> Self {
        let state = match (&sender.stopped, &sender.lease) {
            (Some(_), _) => "stopped",
            (None, Some(_)) => "active",
            (None, None) => "idle",
        };
        let stopped = sender.stopped.map(|stop| SenderStopAnswer {
            at: stop.at,
            code: stop.code.as_str().to_owned(),
            reason: for_programs(&stop.reason),
        });
        Self {
            name: sender.name,
            provider: sender.provider,
            business: sender.business,
            rehearsal: sender.rehearsal,
            state,
            stopped,
            waiting: sender.waiting.map(|waiting| for_programs(&waiting.to_string())),
            today: sender.usage.today,
            daily_cap: sender.usage.daily_cap,
            per_hour: sender.usage.per_hour,
        }
    }
}

async fn list(ApiReader(caller): ApiReader) -> Result<Answer, Problem> {
    let senders = caller.app().senders_with_counts().await?;
    Ok(Answer::ok(SenderList { senders: senders.into_iter().map(SenderAnswer::from).collect() }))
}

#[derive(Debug, Serialize, ToSchema)]
struct SenderHealth {
    #[schema(example = "sales")]
    name: String,
    /// `good`, `doubtful`, `unknown` (its answer cannot be read) or `bad`.
    #[schema(example = "good")]
    verdict: &'static str,
    #[schema(example = "device 5850 paired, named Kedai")]
    detail: String,
    /// Its configured limits.
    #[schema(example = "rate 20/min, at most 500 a day, 1 at once")]
    pace: Option<String>,
    /// What else its account says: webhooks, templates.
    #[schema(example = json!([]))]
    notes: Vec<String>,
}

async fn health(ApiReader(caller): ApiReader, Path(name): Path<String>) -> Result<Answer, Problem> {
    let app = caller.app();
    let check = app.examine_sender(&name).await?;
    let verdict = word(check.verdict());
    let (detail, pace) = (for_programs(&check.detail()), app.pace_of(&check.name));
    let notes = check.all_notes().into_iter().map(str::to_owned).collect();
    let SenderCheck { name, .. } = check;
    Ok(Answer::ok(SenderHealth { name, verdict, detail, pace, notes }))
}

const fn word(verdict: HealthVerdict) -> &'static str {
    match verdict {
        HealthVerdict::Good => "good",
        HealthVerdict::Doubtful => "doubtful",
        HealthVerdict::Unknown => "unknown",
        HealthVerdict::Bad | HealthVerdict::TokenRefused => "bad",
    }
}

#[derive(Debug, Serialize, ToSchema)]
struct TemplateAnswers {
    templates: Vec<TemplateAnswer>,
    /// How many could not be read.
    #[schema(example = 0)]
    unreadable: usize,
    /// There are more than were read.
    is_cut: bool,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Template)]
struct TemplateAnswer {
    #[schema(example = "order_ready")]
    name: String,
    #[schema(example = "en_US")]
    language: String,
    /// `APPROVED`, `PENDING`, `REJECTED`, `PAUSED`, `DISABLED` and others.
    #[schema(example = "APPROVED")]
    status: String,
    /// `MARKETING`, `UTILITY` or `AUTHENTICATION`.
    #[schema(example = "UTILITY")]
    category: String,
    #[schema(example = "GREEN")]
    quality: Option<String>,
    /// The text that people read.
    #[schema(example = "Hi {{1}}, your order is ready")]
    body: String,
    /// The body's, by name or number.
    #[schema(example = json!(["1"]))]
    variables: Vec<String>,
    /// What it consists of, in words.
    #[schema(example = json!(["body of 1 variable", "picture", "buttons: url, quick reply"]))]
    components: Vec<String>,
}

impl From<SenderTemplate> for TemplateAnswer {
    fn from(template: SenderTemplate) -> Self {
        let components = template.parts();
        let SenderTemplate { name, language, status, category, quality, body, variables, .. } = template;
        Self { name, language, status, category, quality, body, variables, components }
    }
}

async fn templates(ApiReader(caller): ApiReader, Path(name): Path<String>) -> Result<Answer, Problem> {
    let list = caller.app().templates_of(&name).await.map_err(|refusal| refused(&refusal))?;
    let (unreadable, is_cut) = (list.unreadable, list.is_cut);
    let templates = list.templates.into_iter().map(TemplateAnswer::from).collect();
    Ok(Answer::ok(TemplateAnswers { templates, unreadable, is_cut }))
}

fn refused(refusal: &TemplateRefusal) -> Problem {
    let why = for_programs(&refusal.to_string());
    match refusal {
        TemplateRefusal::NoSender(_) => Problem::not_found(why),
        TemplateRefusal::Unreadable { .. } => Problem::new(StatusCode::BAD_GATEWAY, "provider", why),
        _ => Problem::conflict("refused", why),
    }
}
