//! What a draft is made of, as programs write it: content, pace and names, read into what they mean.

use chrono_tz::Tz;
use serde_json::{Number, Value};

use super::super::api_sentence::for_programs;
use super::super::problem::Problem;
use super::body::read_field;
use crate::app::{App, AppError};
use crate::domain::content::BlastContent;
use crate::domain::field_change::FieldChange;
use crate::domain::message::Message;
use crate::domain::pace::{Gap, Hours, Rate, Weekdays};
use crate::domain::sender::ProviderKind;
use crate::domain::template::TemplateMessage;
use crate::domain::text::clean_name;
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

/// What an edit cannot take away: null is refused by the field's name.
pub(super) fn needed<'a, T>(field: &str, change: &'a FieldChange<T>) -> Result<Option<&'a T>, Problem> {
    match change {
        FieldChange::Keep => Ok(None),
        FieldChange::Set(value) => Ok(Some(value)),
        FieldChange::Clear => Err(Problem::field(field, "it cannot be null: write a value, or leave it out")),
    }
}

pub(super) fn rate(value: &Value) -> Result<Rate, Problem> {
    match value {
        Value::String(text) => read_field("rate_limit", text),
        Value::Number(number) => read_field("rate_limit", &per_minute(number)),
        _ => Err(Problem::field("rate_limit", "write 20, which is messages a minute, or a text such as \"80/s\"")),
    }
}

/// A number of messages a minute as a rate: `10.0` is what an answer has for ten, and a fraction is so many an hour or a day.
fn per_minute(number: &Number) -> String {
    let per =
        |times: f64| number.as_f64().map(|count| count * times).filter(|count| *count >= 1.0 && count.fract() == 0.0);
    let found =
        [("min", 1.0), ("h", 60.0), ("day", 1_440.0)].into_iter().find_map(|(unit, times)| Some((per(times)?, unit)));
    found.map_or_else(|| format!("{number}/min"), |(count, unit)| format!("{count}/{unit}"))
}

/// A name of 1 to 255 characters without control characters.
pub(super) fn name(field: &str, text: &str) -> Result<String, Problem> {
    let text = clean_name(text).trim().to_owned();
    let fits = (1..=NAME_MAX).contains(&text.chars().count());
    fits.then_some(text).ok_or_else(|| Problem::field(field, format!("write 1 to {NAME_MAX} characters")))
}

/// What a program calls a blast, likewise. Without some of its characters it could be what it calls another one: such an id is refused.
pub(super) fn external_id(field: &str, text: &str) -> Result<String, Problem> {
    let id = name(field, text)?;
    let is_whole = id == text.trim();
    is_whole.then_some(id).ok_or_else(|| Problem::field(field, "it holds a character that is no text, such as NUL"))
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
            let wrong = |why: String| Problem::field("template", why.trim_start_matches("template: "));
            let message = TemplateMessage::parse(template).map_err(|error| wrong(error.to_string()))?;
            let fitted = app.fit_or_take(&sender, message).await.map_err(|error| unfit(&sender, error))?;
            let content = BlastContent::Template(Box::new(fitted.message));
            Ok(GivenContent { sender, content, is_marketing: fitted.is_marketing })
        }
    }
}

/// Why a template cannot be sent, with the call that lists those of its sender.
fn unfit(sender: &str, error: AppError) -> Problem {
    match error {
        AppError::NotFound(why) => Problem::field("sender", why),
        AppError::InvalidAt { why, .. } => {
            let list = format!("`GET /api/senders/{sender}/templates` lists those that there are");
            Problem::field("template", format!("{}; {list}", for_programs(&why)))
        }
        other => other.into(),
    }
}

fn sender_for(app: &App, named: Option<&str>, provider: ProviderKind) -> Result<String, Problem> {
    let sender = match named {
        Some(name) => app.config().sender(name).ok_or_else(|| Problem::field("sender", app.no_sender(name)))?,
        None => app.default_sender(provider).ok_or_else(|| Problem::field("sender", no_default(app, provider)))?,
    };
    Ok(sender.name.clone())
}

/// Why there is nobody to send what names no sender.
fn no_default(app: &App, provider: ProviderKind) -> String {
    let mut senders = app.config().senders.iter();
    match app.only_sender().and_then(|own| senders.find(|sender| app.sender_id(&sender.name) == Some(own))) {
        Some(own) => {
            format!("this token is for the sender `{}` alone, and this needs one of provider {provider}", own.name)
        }
        None => format!("missing: no sender of provider {provider} is the only one, or has default = true"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{external_id, rate};

    #[test]
    fn a_number_of_messages_a_minute_is_read_as_it_is_answered() {
        for (given, read) in [
            (json!(20), "20/min"),
            (json!(10.0), "10/min"),
            (json!(0.5), "30/h"),
            (json!("80/s"), "80/s"),
            (json!(5.0 / 1_440.0), "5/day"),
        ] {
            assert_eq!(rate(&given).unwrap().to_string(), read, "{given}");
        }
        for wrong in [json!(0), json!(-1), json!(0.333), json!(true), json!("fast")] {
            assert!(rate(&wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_id_is_kept_as_it_was_given_or_refused() {
        assert_eq!(external_id("external_id", " order-7 ").unwrap(), "order-7");
        for wrong in ["e\0f", "e\u{1b}f", "e\u{200b}f", ""] {
            assert!(external_id("external_id", wrong).is_err(), "{wrong:?}");
        }
    }
}
