//! What a sender is, as far as configuration, engine and provider must agree on words.

use std::fmt;
use std::str::FromStr;

/// Why a sender of Meta's is refused.
pub const LATER_PROVIDER: &str = "Meta's Cloud API comes later, this version sends through wsapme only";

/// Whose wire a sender speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ProviderKind {
    /// An HTTP gateway to a linked phone.
    Wsapme,
}

impl FromStr for ProviderKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.trim().to_ascii_lowercase().as_str() {
            "wsapme" => Ok(Self::Wsapme),
            "meta" => Err(LATER_PROVIDER.to_owned()),
            _ => Err("no such provider: write wsapme".to_owned()),
        }
    }
}

impl fmt::Display for ProviderKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Wsapme => f.pad("wsapme"),
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
    /// The linked phone's id there.
    pub id: String,
}

/// The address of every simulator on this machine: their ports come and go.
pub const LOOPBACK: &str = "loopback";

impl fmt::Display for SenderDevice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.address.as_str() {
            LOOPBACK => write!(f, "device {} on this machine", self.id),
            address => write!(f, "device {} at {address}", self.id),
        }
    }
}

/// What stopped a sender.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(from = "String", into = "String")]
pub enum StopCode {
    /// Its database was restored, copied or failed over: only an operator may lift it.
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

/// How a person lifts a stop: the mend, with its command line.
pub fn stop_mend(code: &StopCode, sender: &str) -> String {
    if *code == StopCode::Restored {
        return format!("if everybody queued may get it, `blastdeck sender confirm {sender}`");
    }
    format!("mend it, then `blastdeck sender check {sender}`")
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
