//! What a campaign is made of, as the documents write it, and what it means.

use chrono_tz::Tz;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::super::super::openapi::schemas;
use super::super::super::problem::Problem;
use super::super::body::read_field;
use super::super::draft::{content, description, external_id, name, needed, rate};
use super::super::edited::Editable;
use super::answer::{Campaign, is_part, variables};
use crate::app::view::BlastView;
use crate::app::{App, DraftEdit, NewDraft, WrittenPerson};
use crate::domain::blast::PersonClocks;
use crate::domain::field_change::FieldChange;
use crate::domain::pace::{Hours, PaceError, is_time_of_day};
use crate::domain::start_at::StartAt;

/// A campaign's own pace and hours where it says nothing else.
const RATE: u64 = 10;
const WINDOW: &str = "09:00-21:00";

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct CampaignBody {
    #[serde(default)]
    #[schema(value_type = String, required = false, example = "Order ready")]
    name: FieldChange<String>,
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "For those who ordered in November")]
    description: FieldChange<String>,
    #[serde(default, alias = "template_name")]
    #[schema(value_type = String, required = false, example = "order_ready")]
    template_name: FieldChange<String>,
    #[serde(default, alias = "template_language")]
    #[schema(value_type = String, required = false, example = "en_US")]
    template_language: FieldChange<String>,
    #[serde(default, alias = "template_variables")]
    #[schema(schema_with = schemas::variables)]
    template_variables: FieldChange<Map<String, Value>>,
    /// The header's value, and further parts, both as `template` of a blast has them. In an edit null takes either away; further parts
    /// take the place of all further ones.
    #[serde(default, alias = "template_header")]
    #[schema(schema_with = schemas::anything)]
    template_header: FieldChange<Value>,
    #[serde(default, alias = "template_components")]
    #[schema(schema_with = schemas::anything)]
    template_components: FieldChange<Value>,
    /// Of a new one. A campaign keeps its sender.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "cloud")]
    sender: FieldChange<String>,
    /// Of a new one. Later they are added by `POST …/recipients`.
    #[serde(default)]
    #[schema(schema_with = schemas::people)]
    pub(super) recipients: Vec<WrittenPerson>,
    #[serde(default, alias = "rate_limit")]
    #[schema(schema_with = schemas::rate)]
    rate_limit: FieldChange<Value>,
    #[serde(default, alias = "send_window_start")]
    #[schema(schema_with = schemas::hour)]
    send_window_start: FieldChange<Value>,
    #[serde(default, alias = "send_window_end")]
    #[schema(schema_with = schemas::last_hour)]
    send_window_end: FieldChange<Value>,
    #[serde(default, alias = "scheduled_for")]
    #[schema(value_type = Option<String>, example = json!(null))]
    scheduled_for: FieldChange<String>,
    #[serde(default, alias = "external_id")]
    #[schema(value_type = Option<String>, example = "order-7")]
    external_id: FieldChange<String>,
}

impl Editable for CampaignBody {
    const FIXED: &'static [&'static str] = &["id", "status", "paused", "sendWindow"];
    const WRITTEN_AS: &'static [(&'static str, &'static str)] =
        &[("sendWindow", "`sendWindowStart` and `sendWindowEnd`, null for both to clear it")];
    const OF_NEW: &'static [&'static str] = &["sender", "recipients"];
    const COMPUTED: &'static [&'static str] = &[
        "totalRecipients",
        "sentCount",
        "deliveredCount",
        "readCount",
        "failedCount",
        "respondedCount",
        "startedAt",
        "completedAt",
        "waiting",
        "createdAt",
        "updatedAt",
        "campaign",
        "import",
        "success",
    ];
}

impl CampaignBody {
    /// Whether it says of the template something else than the campaign's answer does. Of a header and of components that answer says
    /// nothing.
    fn changes_template(&self, blast: &BlastView) -> Result<bool, Problem> {
        let given = [
            ("templateName", needed("templateName", &self.template_name)?.map(|name| json!(name))),
            ("templateLanguage", needed("templateLanguage", &self.template_language)?.map(|language| json!(language))),
            ("templateVariables", needed("templateVariables", &self.template_variables)?.map(texts)),
        ];
        let now = json!(Campaign::from(blast));
        let is_other = |(name, value): (&str, Option<Value>)| value.is_some_and(|value| now[name] != value);
        let has_parts = !self.template_header.is_keep() || !self.template_components.is_keep();
        Ok(has_parts || given.into_iter().any(is_other))
    }

    /// As the provider's own form has it; what is not given stays as it was.
    fn template(&self, before: Option<&Value>) -> Result<Value, Problem> {
        let was = |key: &str| before.and_then(|template| template.get(key)).cloned();
        let given = |field: &FieldChange<String>| field.get().map(|text| json!(text));
        let name = given(&self.template_name).or_else(|| was("name"));
        let name = name.ok_or_else(|| Problem::field("templateName", "missing: write the template's name"))?;
        let language = given(&self.template_language).or_else(|| was("language")).unwrap_or_else(|| json!("en_US"));
        let mut template = json!({ "name": name, "language": language });
        // An answer cannot show an amount or a date: values that came back as it has them stay what they were.
        let values = self.template_variables.get().map(texts);
        let values = values.filter(|values| before.is_none_or(|template| variables(template) != *values));
        let mut parts = self.parts_kept(was("components").as_ref(), values.is_some());
        match self.template_components.get() {
            Some(Value::Array(further)) => parts.extend_from_slice(further),
            // The reader of templates says what is wrong with it.
            Some(other) => template["components"] = other.clone(),
            None => {}
        }
        if !parts.is_empty() && template.get("components").is_none() {
            template["components"] = parts.into();
        }
        if let Some(header) = self.template_header.get() {
            template["header"] = header.clone();
        }
        if let Some(values) = values.filter(|values| *values != json!({})) {
            template["variables"] = values;
        }
        Ok(template)
    }

    /// Those parts of the template as it was in whose place nothing is given.
    fn parts_kept(&self, before: Option<&Value>, has_values: bool) -> Vec<Value> {
        let further = self.template_components.get().and_then(Value::as_array);
        let is_given = |kind: &str| further.is_some_and(|parts| parts.iter().any(|part| is_part(part, kind)));
        let stays = |part: &&Value| match part {
            part if is_part(part, "header") => self.template_header.is_keep() && !is_given("header"),
            part if is_part(part, "body") => !has_values && !is_given("body"),
            _ => self.template_components.is_keep(),
        };
        before.and_then(Value::as_array).into_iter().flatten().filter(stays).cloned().collect()
    }

    /// What of its hours changes: each end alone, or null for both, which leaves it the sender's.
    fn window(&self, blast: &BlastView) -> Result<FieldChange<Hours>, Problem> {
        let own = blast.limits.hours.as_ref().and_then(|hours| hours.as_ref().ok()).copied();
        match (&self.send_window_start, &self.send_window_end) {
            (FieldChange::Keep, FieldChange::Keep) => Ok(FieldChange::Keep),
            (FieldChange::Clear, FieldChange::Clear) => Ok(FieldChange::Clear),
            (FieldChange::Clear, _) => Err(half_a_window("sendWindowStart")),
            (_, FieldChange::Clear) => Err(half_a_window("sendWindowEnd")),
            _ => self.hours(own.unwrap_or(usual_hours()?)).map(FieldChange::Set),
        }
    }

    /// The hours that it gives; what it does not say is as in others.
    fn hours(&self, others: Hours) -> Result<Hours, Problem> {
        let others = others.to_string();
        let (from, until) = others.split_once('-').unwrap_or_default();
        let start = hour("sendWindowStart", self.send_window_start.get())?;
        let end = hour("sendWindowEnd", self.send_window_end.get())?;
        let last = if self.send_window_end.get().is_some() { "sendWindowEnd" } else { "sendWindowStart" };
        let (start, end) = (start.as_deref().unwrap_or(from), end.as_deref().unwrap_or(until));
        format!("{start}-{end}").parse().map_err(|error: PaceError| Problem::field(last, error.to_string()))
    }

    fn start(&self) -> Result<FieldChange<StartAt>, Problem> {
        self.scheduled_for.try_map(|text| read_field("scheduledFor", text))
    }

    /// What changes; everything absent stays.
    pub(super) async fn edit(&self, app: &App, blast: &BlastView) -> Result<DraftEdit, Problem> {
        self.refuse_fixed(blast)?;
        let given = if self.changes_template(blast)? {
            let template = self.template(blast.template.as_ref())?;
            Some(content(app, Some(&blast.sender), None, Some(&template)).await.map_err(own_words)?)
        } else {
            None
        };
        Ok(DraftEdit {
            tag: needed("name", &self.name)?.map(|tag| name("name", tag)).transpose()?,
            follow_up_stage: None,
            description: self.description.try_map(|text| description(text))?,
            external_id: self.external_id.try_map(|id| external_id("externalId", id))?,
            content: given.map(|given| given.content),
            rate: self.rate_limit.try_map(rate).map_err(|error| error.renamed("rateLimit"))?,
            gap: FieldChange::Keep,
            window: self.window(blast)?,
            weekdays: FieldChange::Keep,
            timezone: FieldChange::Keep,
            start: self.start()?,
        })
    }

    /// What only a new campaign takes.
    fn refuse_fixed(&self, blast: &BlastView) -> Result<(), Problem> {
        if !self.recipients.is_empty() {
            let detail = format!("people are added by `POST /api/whatsapp/campaigns/{}/recipients`", blast.id);
            return Err(Problem::field("recipients", detail));
        }
        match needed("sender", &self.sender)? {
            Some(sender) if *sender != blast.sender => {
                Err(Problem::field("sender", "a campaign keeps its sender: make a new one for another"))
            }
            _ => Ok(()),
        }
    }

    pub(super) async fn draft(&self, app: &App) -> Result<NewDraft, Problem> {
        let tag = self.name.get().ok_or_else(|| Problem::field("name", "missing: write the campaign's name"))?;
        let rate = rate(self.rate_limit.get().unwrap_or(&json!(RATE))).map_err(|error| error.renamed("rateLimit"))?;
        let window = Some(self.hours(usual_hours()?)?);
        let tag = name("name", tag)?;
        let template = self.template(None)?;
        let given =
            content(app, self.sender.get().map(String::as_str), None, Some(&template)).await.map_err(own_words)?;
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
            external_id: self.external_id.get().map(|id| external_id("externalId", id)).transpose()?,
            description: self.description.get().map(|text| description(text)).transpose()?,
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

/// The hours of a campaign that says nothing of them.
fn usual_hours() -> Result<Hours, Problem> {
    WINDOW.parse().map_err(|error: PaceError| Problem::field("sendWindowStart", error.to_string()))
}

fn half_a_window(field: &str) -> Problem {
    Problem::field(field, "write an hour, or null for both sendWindowStart and sendWindowEnd")
}

/// An hour of the day, as a number or a text.
fn hour(field: &str, value: Option<&Value>) -> Result<Option<String>, Problem> {
    let text = match value {
        None => return Ok(None),
        Some(Value::Number(hour)) => format!("{hour:0>2}:00"),
        Some(Value::String(text)) => text.clone(),
        Some(_) => String::new(),
    };
    let wrong = || Problem::field(field, "write an hour from 0 to 24, such as 9 or \"09:00\"");
    if is_time_of_day(&text) { Ok(Some(text)) } else { Err(wrong()) }
}

/// Values of variables as texts.
fn texts(variables: &Map<String, Value>) -> Value {
    Value::Object(variables.iter().map(|(name, value)| (name.clone(), text(value))).collect())
}

/// A variable's value as text, however it was written.
fn text(value: &Value) -> Value {
    match value {
        Value::Number(number) => Value::String(number.to_string()),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template(given: Value, before: &Value) -> Value {
        let body: CampaignBody = serde_json::from_value(given).unwrap();
        body.template(Some(before)).unwrap()
    }

    #[test]
    fn of_a_template_stays_whatever_an_edit_does_not_give() {
        let header = json!({ "type": "header", "parameters": [{ "type": "text", "text": "{shop}" }] });
        let body = json!({ "type": "body", "parameters": [{ "type": "text", "text": "Bali" }] });
        let button = json!({ "type": "button", "sub_type": "url", "index": "0", "parameters": [{ "type": "text", "text": "x" }] });
        let (language, all) = (json!({ "code": "ms" }), json!([header, body, button]));
        let before = json!({ "name": "tour", "language": language, "components": all });
        let as_was = |key: &str, value: Value| {
            let mut template = before.clone();
            template[key] = value;
            template
        };

        assert_eq!(template(json!({ "templateName": "trip" }), &before), as_was("name", json!("trip")));
        assert_eq!(template(json!({ "templateLanguage": "en_US" }), &before), as_was("language", json!("en_US")));
        let again = json!({ "templateName": "trip", "templateVariables": { "1": "Bali" } });
        assert_eq!(template(again, &before), as_was("name", json!("trip")));
        let mut other = as_was("components", json!([header, button]));
        assert_eq!(template(json!({ "templateVariables": {} }), &before), other);
        other["variables"] = json!({ "1": "Java" });
        assert_eq!(template(json!({ "templateVariables": { "1": "Java" } }), &before), other);
        for without in [json!({ "templateComponents": null }), json!({ "templateComponents": [] })] {
            assert_eq!(template(without, &before), as_was("components", json!([header, body])));
        }
        assert_eq!(template(json!({ "templateHeader": null }), &before), as_was("components", json!([body, button])));
        let header = json!({ "image": "https://example.com/x.jpg" });
        let mut other = as_was("components", json!([body, button]));
        other["header"] = header.clone();
        assert_eq!(template(json!({ "templateHeader": header }), &before), other);
        assert_eq!(template(json!({ "templateComponents": "x" }), &before)["components"], "x");
    }
}
