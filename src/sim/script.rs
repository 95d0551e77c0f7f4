//! Scripted answers: a test defines verbatim what the next requests are answered.

use std::{collections::VecDeque, time::Duration};

use serde::Deserialize;

/// The call whose answers are scripted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Call {
    Send,
    Status,
}

/// Whether a scripted send hangs up before or after acceptance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HangUp {
    /// Not accepted.
    Before,
    /// Accepted.
    After,
}

/// One answer. Whatever is left out behaves as without a script.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScriptedAnswer {
    /// HTTP status; 200 when there is a body.
    pub code: Option<u16>,
    /// The `Retry-After` header, in seconds.
    pub retry_after: Option<u64>,
    /// Sent byte for byte.
    pub body: Option<String>,
    /// Defaults to `application/json`.
    pub content_type: Option<String>,
    /// Real milliseconds before the response, instead of the usual latency.
    pub delay_ms: Option<u64>,
    /// Closes the connection instead of responding.
    pub hang_up: Option<HangUp>,
    /// Sends only: whether the message is accepted. Defaults to yes for `hang_up: after`, no for `before`, no when a
    /// code or body is given without a `message_id`, else yes.
    accepted: Option<bool>,
    /// Sends only: the id under which it is accepted.
    pub message_id: Option<String>,
    /// How many requests get this answer.
    #[serde(default = "once")]
    times: u32,
}

fn once() -> u32 {
    1
}

impl ScriptedAnswer {
    /// Whether code or body are given, in place of the usual ones.
    pub fn is_literal(&self) -> bool {
        self.code.is_some() || self.body.is_some()
    }

    pub fn takes_the_message(&self) -> bool {
        self.accepted.unwrap_or(match self.hang_up {
            Some(HangUp::After) => true,
            Some(HangUp::Before) => false,
            None => !self.is_literal() || self.message_id.is_some(),
        })
    }

    pub fn delay(&self) -> Option<Duration> {
        self.delay_ms.map(Duration::from_millis)
    }
}

/// Answers for one call, about one person or message, or about any.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    call: Call,
    /// Sends: only to this phone (digits).
    phone: Option<String>,
    /// Status calls: only about this message.
    message_id: Option<String>,
    answers: VecDeque<ScriptedAnswer>,
}

/// Why a script was rejected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScriptError {
    #[error("code {0} is not the HTTP status of a response (200 to 599)")]
    Code(u16),
    #[error("\"{0}\" cannot be a Content-Type")]
    ContentType(String),
}

impl Script {
    fn check(&self) -> Result<(), ScriptError> {
        for answer in &self.answers {
            if let Some(code) = answer.code.filter(|code| !(200..600).contains(code)) {
                return Err(ScriptError::Code(code));
            }
            if let Some(kind) = answer.content_type.as_ref().filter(|kind| !is_header_text(kind)) {
                return Err(ScriptError::ContentType(kind.clone()));
            }
        }
        Ok(())
    }

    fn target(&self) -> Option<&str> {
        match self.call {
            Call::Send => self.phone.as_deref(),
            Call::Status => self.message_id.as_deref(),
        }
    }

    fn next(&mut self) -> Option<ScriptedAnswer> {
        let front = self.answers.front_mut()?;
        front.times = front.times.saturating_sub(1);
        if front.times == 0 { self.answers.pop_front() } else { Some(front.clone()) }
    }
}

fn is_header_text(text: &str) -> bool {
    axum::http::HeaderValue::from_str(text).is_ok()
}

/// All pending answers.
#[derive(Debug, Default)]
pub struct Scripts(Vec<Script>);

impl Scripts {
    /// Appends answers. Adds all or none.
    pub fn add(&mut self, scripts: Vec<Script>) -> Result<(), ScriptError> {
        scripts.iter().try_for_each(Script::check)?;
        self.0.extend(scripts.into_iter().filter(|script| !script.answers.is_empty()));
        Ok(())
    }

    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// The answer for a request about `subject` (a phone or a message id): its own first, then one for any subject.
    pub fn next(&mut self, call: Call, subject: &str) -> Option<ScriptedAnswer> {
        if self.0.is_empty() {
            return None;
        }
        let own = self.0.iter().position(|script| script.call == call && script.target() == Some(subject));
        let index =
            own.or_else(|| self.0.iter().position(|script| script.call == call && script.target().is_none()))?;
        let answer = self.0.get_mut(index)?.next();
        self.0.retain(|script| !script.answers.is_empty());
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scripts(text: &str) -> Scripts {
        let mut scripts = Scripts::default();
        scripts.add(serde_json::from_str(text).unwrap()).unwrap();
        scripts
    }

    #[test]
    fn answers_come_in_order_each_as_often_as_said_and_then_no_more() {
        let mut scripts = scripts(r#"[{"call":"status","answers":[{"body":"a","times":2},{"body":"b"}]}]"#);

        let given: Vec<_> = (0..4).map(|_| scripts.next(Call::Status, "X").and_then(|answer| answer.body)).collect();

        assert_eq!(given, [Some("a".to_owned()), Some("a".to_owned()), Some("b".to_owned()), None]);
    }

    #[test]
    fn an_answer_for_one_goes_before_an_answer_for_all_and_never_to_another() {
        let mut scripts = scripts(
            r#"[{"call":"send","answers":[{"body":"all"}]},{"call":"send","phone":"6010","answers":[{"body":"own"}]}]"#,
        );

        assert_eq!(scripts.next(Call::Send, "6010").unwrap().body.as_deref(), Some("own"));
        assert_eq!(scripts.next(Call::Status, "6010"), None);
        assert_eq!(scripts.next(Call::Send, "6011").unwrap().body.as_deref(), Some("all"));
        assert_eq!(scripts.next(Call::Send, "6010"), None);
    }

    #[test]
    fn a_code_that_is_no_http_status_is_refused() {
        let bad = serde_json::from_str(r#"[{"call":"send","answers":[{"code":99}]}]"#).unwrap();

        assert_eq!(Scripts::default().add(bad), Err(ScriptError::Code(99)));
    }

    #[test]
    fn whether_a_scripted_send_is_taken_follows_from_what_is_scripted() {
        let takes = |text| serde_json::from_str::<ScriptedAnswer>(text).unwrap().takes_the_message();

        assert!(takes(r#"{"delay_ms":5}"#));
        assert!(takes(r#"{"hang_up":"after"}"#));
        assert!(takes(r#"{"body":"{}","message_id":"X"}"#));
        assert!(takes(r#"{"body":"{}","accepted":true}"#));
        assert!(!takes(r#"{"hang_up":"before"}"#));
        assert!(!takes(r#"{"code":500}"#));
    }
}
