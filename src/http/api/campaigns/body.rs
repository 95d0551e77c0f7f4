//! What a campaign is made of, as the documents write it, and what it means.

use chrono_tz::Tz;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::super::super::openapi::schemas;
use super::super::super::problem::Problem;
use super::super::body::read_field;
use super::super::draft::{content, description, name, rate};
use crate::app::view::BlastView;
use crate::app::{App, DraftEdit, NewDraft};
use crate::domain::blast::PersonClocks;
use crate::domain::field_change::FieldChange;
use crate::domain::pace::Hours;
use crate::domain::start_at::StartAt;

/// A campaign's own pace and hours where it says nothing else.
const RATE: u64 = 10;
const WINDOW: &str = "09:00-21:00";

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct CampaignBody {
    #[serde(default)]
    #[schema(example = "Order ready")]
    pub(super) name: Option<String>,
    #[serde(default)]
    pub(super) description: Option<String>,
    #[serde(default, alias = "template_name")]
    #[schema(example = "order_ready")]
    pub(super) template_name: Option<String>,
    #[serde(default, alias = "template_language")]
    #[schema(example = "en_US")]
    pub(super) template_language: Option<String>,
    #[serde(default, alias = "template_variables")]
    #[schema(schema_with = schemas::variables)]
    pub(super) template_variables: Option<Map<String, Value>>,
    /// The header's value, and further parts, both as `template` of a blast has them.
    #[serde(default, alias = "template_header")]
    #[schema(schema_with = schemas::anything)]
    pub(super) template_header: Option<Value>,
    #[serde(default, alias = "template_components")]
    #[schema(schema_with = schemas::anything)]
    pub(super) template_components: Option<Value>,
    #[serde(default)]
    #[schema(example = "cloud")]
    pub(super) sender: Option<String>,
    #[serde(default)]
    #[schema(schema_with = schemas::people)]
    pub(super) recipients: Vec<Value>,
    #[serde(default, alias = "rate_limit")]
    #[schema(schema_with = schemas::rate)]
    pub(super) rate_limit: Option<Value>,
    #[serde(default, alias = "send_window_start")]
    #[schema(schema_with = schemas::hour)]
    pub(super) send_window_start: Option<Value>,
    #[serde(default, alias = "send_window_end")]
    #[schema(schema_with = schemas::hour)]
    pub(super) send_window_end: Option<Value>,
    #[serde(default, alias = "scheduled_for")]
    #[schema(value_type = Option<String>, example = json!(null))]
    pub(super) scheduled_for: FieldChange<String>,
    #[serde(default, alias = "external_id")]
    pub(super) external_id: Option<String>,
}

impl CampaignBody {
    fn has_template(&self) -> bool {
        let given =
            [self.template_header.is_some(), self.template_components.is_some(), self.template_variables.is_some()];
        self.template_name.is_some() || self.template_language.is_some() || given.contains(&true)
    }

    /// As the provider's own form has it; what is not given stays as it was.
    fn template(&self, before: Option<&Value>) -> Result<Value, Problem> {
        let before =
            |key: &str| before.and_then(|template| template.get(key)).and_then(Value::as_str).map(str::to_owned);
        let name = self.template_name.clone().or_else(|| before("name"));
        let name = name.ok_or_else(|| Problem::field("templateName", "missing: write the template's name"))?;
        let language =
            self.template_language.clone().or_else(|| before("language")).unwrap_or_else(|| "en_US".to_owned());
        let mut template = json!({ "name": name, "language": language });
        if let Some(variables) = self.template_variables.as_ref().filter(|variables| !variables.is_empty()) {
            template["variables"] =
                Value::Object(variables.iter().map(|(name, value)| (name.clone(), text(value))).collect());
        }
        for (key, given) in [("header", &self.template_header), ("components", &self.template_components)] {
            if let Some(given) = given {
                template[key] = given.clone();
            }
        }
        Ok(template)
    }

    fn window(&self) -> Result<Option<Hours>, Problem> {
        let hour = |field: &str, value: Option<&Value>, default: &str| match value {
            None | Some(Value::Null) => Ok(default.to_owned()),
            Some(Value::Number(hour)) => Ok(format!("{hour:0>2}:00")),
            Some(Value::String(text)) => Ok(text.clone()),
            Some(_) => Err(Problem::field(field, "write an hour, such as 9 or \"09:00\"")),
        };
        if self.send_window_start.is_none() && self.send_window_end.is_none() {
            return Ok(None);
        }
        let from = hour("sendWindowStart", self.send_window_start.as_ref(), "09:00")?;
        let until = hour("sendWindowEnd", self.send_window_end.as_ref(), "21:00")?;
        let hours = format!("{from}-{until}").parse::<Hours>();
        hours.map(Some).map_err(|error| Problem::field("sendWindowStart", error.to_string()))
    }

    fn start(&self) -> Result<FieldChange<StartAt>, Problem> {
        self.scheduled_for.try_map(|text| read_field("scheduledFor", text))
    }

    /// What changes; everything absent stays.
    pub(super) async fn edit(&self, app: &App, blast: &BlastView) -> Result<DraftEdit, Problem> {
        if !self.recipients.is_empty() {
            return Err(Problem::field("recipients", "people are added by POST …/recipients"));
        }
        let given = if self.has_template() {
            let template = self.template(blast.template.as_ref())?;
            Some(content(app, Some(&blast.sender), None, Some(&template)).await.map_err(own_words)?)
        } else {
            None
        };
        let rate = self.rate_limit.as_ref().map(rate).transpose().map_err(|error| error.renamed("rateLimit"))?;
        Ok(DraftEdit {
            tag: self.name.as_deref().map(|tag| name("name", tag)).transpose()?,
            follow_up_stage: None,
            description: self.description.as_deref().map(description).transpose()?,
            external_id: self.external_id.as_deref().map(|id| name("externalId", id)).transpose()?,
            content: given.map(|given| given.content),
            rate: rate.map_or(FieldChange::Keep, FieldChange::Set),
            gap: FieldChange::Keep,
            window: self.window()?.map_or(FieldChange::Keep, FieldChange::Set),
            weekdays: FieldChange::Keep,
            timezone: FieldChange::Keep,
            start: self.start()?,
        })
    }

    pub(super) async fn draft(&self, app: &App) -> Result<NewDraft, Problem> {
        let tag = self.name.as_deref().ok_or_else(|| Problem::field("name", "missing: write the campaign's name"))?;
        let rate =
            rate(self.rate_limit.as_ref().unwrap_or(&json!(RATE))).map_err(|error| error.renamed("rateLimit"))?;
        let usual = || WINDOW.parse::<Hours>().ok();
        let window = self.window()?.or_else(usual);
        let tag = name("name", tag)?;
        let template = self.template(None)?;
        let given = content(app, self.sender.as_deref(), None, Some(&template)).await.map_err(own_words)?;
        let (start, timezone) = (self.start()?.value(), zone(app, &given.sender));
        let check = |start| app.check_start(&given.sender, timezone, start);
        start.map_or(Ok(()), check).map_err(|why| Problem::field("scheduledFor", why))?;
        Ok(NewDraft {
            start,
            segment: None,
            clocks: PersonClocks::default(),
            repeat: None,
            tag,
            follow_up_stage: "Initial".to_owned(),
            content: given.content,
            is_marketing: given.is_marketing,
            rate: Some(rate),
            gap: None,
            window,
            weekdays: None,
            timezone,
            retry_next_day: false,
            first: None,
            external_id: self.external_id.as_deref().map(|id| name("externalId", id)).transpose()?,
            description: self.description.as_deref().map(description).transpose()?,
            sender: given.sender,
        })
    }
}

/// What is wrong with a template, where the documents write its name.
fn own_words(problem: Problem) -> Problem {
    problem.respelled("template", "templateName")
}

/// The hours are the sender's.
fn zone(app: &App, sender: &str) -> Option<Tz> {
    app.config().sender(sender).map(|sender| sender.timezone)
}

/// A variable's value as text, however it was written.
fn text(value: &Value) -> Value {
    match value {
        Value::Number(number) => Value::String(number.to_string()),
        other => other.clone(),
    }
}
