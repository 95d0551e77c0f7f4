//! Requests to WSAPME, parsed as leniently as the gateway does: text and numbers alike.

use serde_json::Value;

/// A send, and what is wrong with it, if anything. The refusal texts are our guess.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SendRequest {
    pub device: String,
    /// Digits only.
    pub phone: String,
    pub message: String,
    pub problem: Option<&'static str>,
}

impl SendRequest {
    pub fn read(body: &[u8]) -> Self {
        let Ok(call) = serde_json::from_slice::<Value>(body) else {
            return Self { problem: Some("Invalid JSON"), ..Self::default() };
        };
        let to = text(&call, "to");
        let mut send = Self {
            device: text(&call, "device"),
            phone: to.chars().filter(char::is_ascii_digit).collect(),
            message: text(&call, "message"),
            problem: None,
        };
        send.problem = send.problem_with(&to);
        send
    }

    fn problem_with(&self, to: &str) -> Option<&'static str> {
        if self.device.is_empty() {
            Some("The device field is required.")
        } else if !is_international(to) {
            Some("The to field must be a phone number.")
        } else if self.message.is_empty() {
            Some("The message field is required.")
        } else {
            None
        }
    }
}

/// International digits, with or without a leading `+`.
fn is_international(to: &str) -> bool {
    let digits = to.strip_prefix('+').unwrap_or(to);
    (7..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0')
}

/// A status request for one message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StatusQuestion {
    pub device: String,
    pub message_id: String,
}

impl StatusQuestion {
    pub fn read(body: &[u8]) -> Self {
        let call = serde_json::from_slice::<Value>(body).unwrap_or_default();
        Self { device: text(&call, "device"), message_id: text(&call, "messageId") }
    }

    /// Of `messageInfo`: only where it repeats the whole message of the send's answer.
    pub fn read_info(body: &[u8]) -> Option<Self> {
        let call = serde_json::from_slice::<Value>(body).ok()?;
        let message = call.get("messages").filter(|message| message.get("message").is_some())?;
        let key = message.get("key").filter(|key| key.get("remoteJid") == call.get("jid"))?;
        Some(Self { device: text(&call, "id_device"), message_id: text(key, "id") })
    }
}

/// A request about one device.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeviceQuestion {
    pub device: String,
}

impl DeviceQuestion {
    pub fn read(body: &[u8]) -> Self {
        let call = serde_json::from_slice::<Value>(body).unwrap_or_default();
        Self { device: text(&call, "device") }
    }
}

/// A field as text, whether it was sent as text or as a number; empty when it is neither.
fn text(call: &Value, field: &str) -> String {
    match call.get(field) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    }
}
