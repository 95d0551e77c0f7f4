//! What identifies and stops a sender: the words that configuration, engine and provider share.

use std::fmt;
use std::str::FromStr;

use super::text::shell_word;

/// The provider whose API a sender uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ProviderKind {
    /// An HTTP gateway to a linked phone.
    Wsapme,
    /// Meta's WhatsApp Cloud API.
    Meta,
}

impl FromStr for ProviderKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.trim().to_ascii_lowercase().as_str() {
            "wsapme" => Ok(Self::Wsapme),
            "meta" => Ok(Self::Meta),
            _ => Err("no such provider: write wsapme or meta".to_owned()),
        }
    }
}

impl fmt::Display for ProviderKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Wsapme => f.pad("wsapme"),
            Self::Meta => f.pad("meta"),
        }
    }
}

/// Which phone a sender is. Two senders with the same one are the same phone to whoever gets a message.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SenderDevice {
    /// [`ProviderKind`] as a word.
    pub provider: String,
    /// The provider's host, with the port where one is named; [`LOOPBACK`] for a simulator on this machine.
    pub address: String,
    /// The linked phone's id there; Meta's `phone_number_id`.
    pub id: String,
}

/// The address of every simulator on this machine: their ports come and go.
pub const LOOPBACK: &str = "loopback";

impl fmt::Display for SenderDevice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.provider == ProviderKind::Meta.to_string() { "number" } else { "device" };
        match self.address.as_str() {
            LOOPBACK => write!(f, "{kind} {} on this machine", self.id),
            address => write!(f, "{kind} {} at {address}", self.id),
        }
    }
}

/// What stopped a sender.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(from = "String", into = "String")]
pub enum StopCode {
    /// Its database was restored, copied or failed over: only an operator may lift the stop.
    Restored,
    /// This process's configuration cannot use it. Never stored.
    Config,
    /// The provider's error code; empty where it gave none.
    Provider(String),
}

impl StopCode {
    pub fn as_str(&self) -> &str {
        match self {
            Self::Restored => "restored",
            Self::Config => "config",
            Self::Provider(code) => code,
        }
    }
}

impl StopCode {
    /// Stops that no other one replaces: those of an account that Meta disabled, deleted or locked, which is not given back by itself,
    /// and that of a restored database, since whoever lifts it must know what that means.
    pub const FINAL: [&str; 4] = ["restored", "DISABLED_UPDATE", "ACCOUNT_DELETED", "131031"];

    /// Whether it replaces a stop that is less grave or ends by itself, such as a restriction.
    pub fn is_grave(&self) -> bool {
        matches!(self, Self::Provider(code) if Self::FINAL.contains(&code.as_str()))
    }
}

impl Default for StopCode {
    fn default() -> Self {
        Self::Provider(String::new())
    }
}

impl From<String> for StopCode {
    fn from(code: String) -> Self {
        match code.as_str() {
            "restored" => Self::Restored,
            "config" => Self::Config,
            _ => Self::Provider(code),
        }
    }
}

impl From<StopCode> for String {
    fn from(code: StopCode) -> Self {
        code.as_str().to_owned()
    }
}

/// How a person lifts a stop: what to do, with its command line.
pub fn stop_mend(code: &StopCode, sender: &str) -> String {
    let sender = shell_word(sender);
    if *code == StopCode::Config {
        return "fix that; an engine or dashboard that runs then goes on by itself".to_owned();
    }
    if *code == StopCode::Restored {
        return format!("if everybody queued may get it, `blastdeck sender confirm {sender}`");
    }
    format!(
        "once that is mended (`blastdeck sender check {sender}` says so where its health shows it), `blastdeck sender confirm {sender}` \
         resumes it"
    )
}

/// Which of WSAPME's two calls is asked for a message's status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum StatusCall {
    /// `POST /v1/getMessageStatus`.
    #[default]
    MessageStatus,
    /// `POST /api/messageInfo`, which wants the structure of the send; never seen to answer with a status.
    MessageInfo,
}

impl FromStr for StatusCall {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.trim() {
            "getMessageStatus" => Ok(Self::MessageStatus),
            "messageInfo" => Ok(Self::MessageInfo),
            _ => Err("no such call: write getMessageStatus or messageInfo".to_owned()),
        }
    }
}

impl fmt::Display for StatusCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::MessageStatus => "getMessageStatus",
            Self::MessageInfo => "messageInfo",
        })
    }
}

/// Whether a version of Meta's API is written as `v24.0`.
pub fn is_api_version(version: &str) -> bool {
    let is_number = |text: &str| (1..=3).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    let parts = version.strip_prefix('v').and_then(|version| version.split_once('.'));
    parts.is_some_and(|(major, minor)| is_number(major) && is_number(minor))
}

/// Which of Meta's calls sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum SendEdge {
    /// `POST /{phone_number_id}/messages`.
    #[default]
    Messages,
    /// `POST /{phone_number_id}/marketing_messages`: for accounts that may send marketing only through it (131063).
    MarketingMessages,
}

impl FromStr for SendEdge {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.trim().trim_start_matches('/') {
            "messages" => Ok(Self::Messages),
            "marketing_messages" => Ok(Self::MarketingMessages),
            _ => Err("no such call: write messages or marketing_messages"),
        }
    }
}

impl fmt::Display for SendEdge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Messages => "messages",
            Self::MarketingMessages => "marketing_messages",
        })
    }
}

/// Accepted messages of a sender of Meta's had no webhook for five minutes.
pub const UNHEARD: &str = "Meta accepts its messages, and no webhook of it has arrived for five minutes";
/// What to do about it.
pub const UNHEARD_MEND: &str = "check that its configuration has an `app_secret`, that the app is subscribed to the account, and that the webhook's address leads to `blastdeck serve`: `blastdeck doctor`";
