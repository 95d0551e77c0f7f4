//! What a draft is made of, as programs write it: content, pace and names, read into what they mean.

use chrono_tz::Tz;
use serde_json::Value;

use super::super::problem::Problem;
use super::body::read_field;
use crate::app::{App, AppError};
use crate::domain::content::BlastContent;
use crate::domain::field_change::FieldChange;
use crate::domain::message::Message;
use crate::domain::pace::{Gap, Hours, Rate, Weekdays};
use crate::domain::sender::ProviderKind;
use crate::domain::template::TemplateMessage;
use crate::domain::text::clean;
use crate::domain::zone;

/// The longest name, and the longest description, in characters.
const NAME_MAX: usize = 255;
const DESCRIPTION_MAX: usize = 10_000;

/// A blast's own pace. Absent: its sender's.
pub(super) struct PaceFields {
    /// `20/min`, or a number: messages a minute.
    pub rate_limit: FieldChange<Value>,
    pub gap: FieldChange<String>,
    pub send_window: FieldChange<String>,
    pub weekdays: FieldChange<String>,
    pub timezone: FieldChange<String>,
}

/// The same as it was meant.
pub(super) struct OwnPace {
    pub rate: FieldChange<Rate>,
    pub gap: FieldChange<Gap>,
    pub window: FieldChange<Hours>,
    pub weekdays: FieldChange<Weekdays>,
    pub timezone: FieldChange<Tz>,
}

impl PaceFields {
    pub(super) fn read(&self) -> Result<OwnPace, Problem> {
        Ok(OwnPace {
            rate: self.rate_limit.try_map(rate)?,
            gap: self.gap.try_map(|text| read_field("gap", text))?,
            window: self.send_window.try_map(|text| read_field("send_window", text))?,
            weekdays: self.weekdays.try_map(|text| read_field("weekdays", text))?,
            timezone: self
                .timezone
                .try_map(|text| zone::parse(text).map_err(|error| Problem::field("timezone", error.to_string())))?,
        })
    }
}

pub(super) fn rate(value: &Value) -> Result<Rate, Problem> {
    match value {
        Value::String(text) => read_field("rate_limit", text),
        Value::Number(number) => read_field("rate_limit", &format!("{number}/min")),
        _ => Err(Problem::field("rate_limit", "write 20, which is messages a minute, or a text such as \"80/s\"")),
    }
}

/// A name of 1 to 255 characters without control characters.
pub(super) fn name(field: &str, text: &str) -> Result<String, Problem> {
    let text = clean(text).trim().to_owned();
    let fits = (1..=NAME_MAX).contains(&text.chars().count());
    fits.then_some(text).ok_or_else(|| Problem::field(field, format!("write 1 to {NAME_MAX} characters")))
}

pub(super) fn description(text: &str) -> Result<String, Problem> {
    let text: String = text.chars().filter(|c| !c.is_control() || *c == '\n').collect();
    let fits = text.chars().count() <= DESCRIPTION_MAX;
    fits.then_some(text)
        .ok_or_else(|| Problem::field("description", format!("write at most {DESCRIPTION_MAX} characters")))
}

/// What a blast says, as it was given, and who sends it.
pub(super) struct GivenContent {
    pub sender: String,
    pub content: BlastContent,
    pub is_marketing: bool,
}

/// Reads a message or a template, one of them, for the sender that was named, or the default one of its provider.
pub(super) async fn content(
    app: &App,
    sender: Option<&str>,
    message: Option<&str>,
    template: Option<&Value>,
) -> Result<GivenContent, Problem> {
    match (message, template) {
        (Some(_), Some(_)) => Err(Problem::field("template", "give a message or a template, not both")),
        (None, None) => Err(Problem::field("message", "missing: write the message, or a template")),
        (Some(text), None) => {
            let sender = sender_for(app, sender, ProviderKind::Wsapme)?;
            let message = Message::parse(text).map_err(|error| Problem::field("message", error.to_string()))?;
            Ok(GivenContent { sender, content: BlastContent::Text(message), is_marketing: false })
        }
        (None, Some(template)) => {
            let sender = sender_for(app, sender, ProviderKind::Meta)?;
            let message =
                TemplateMessage::parse(template).map_err(|error| Problem::field("template", error.to_string()))?;
            let fitted = app.fit_or_take(&sender, message).await.map_err(|error| match error {
                AppError::NotFound(why) => Problem::field("sender", why),
                other => other.into(),
            })?;
            let content = BlastContent::Template(Box::new(fitted.message));
            Ok(GivenContent { sender, content, is_marketing: fitted.is_marketing })
        }
    }
}

fn sender_for(app: &App, named: Option<&str>, provider: ProviderKind) -> Result<String, Problem> {
    let sender = match named {
        Some(name) => app.config().sender(name).ok_or_else(|| Problem::field("sender", app.no_sender(name)))?,
        None => app.default_sender(provider).ok_or_else(|| {
            let detail = format!("missing: no sender of provider {provider} is the only one, or has default = true");
            Problem::field("sender", detail)
        })?,
    };
    Ok(sender.name.clone())
}
