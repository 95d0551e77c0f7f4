//! Meta's refusals: code, HTTP status and title, as its error reference lists them.

use axum::http::StatusCode;
use serde::Serialize;

/// Why Meta refuses a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CloudRefusal {
    pub code: u32,
    details: String,
}

impl CloudRefusal {
    pub fn new(code: u32, details: impl Into<String>) -> Self {
        Self { code, details: details.into() }
    }

    /// 100, for a parameter that is missing, unknown or out of range.
    pub fn parameter(details: impl Into<String>) -> Self {
        Self::new(100, details)
    }

    /// 100 with subcode 33: no such object.
    pub fn no_object(id: &str) -> Self {
        Self::new(NO_OBJECT, id)
    }

    /// 190: the token is missing or wrong.
    pub fn token() -> Self {
        Self::new(190, "")
    }

    pub fn http_status(&self) -> StatusCode {
        match self.code {
            190 => StatusCode::UNAUTHORIZED,
            132_001 => StatusCode::NOT_FOUND,
            131_000 => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::BAD_REQUEST,
        }
    }

    pub fn body(&self) -> ErrorEnvelope<'_> {
        let (kind, message, code, subcode) = match self.code {
            NO_OBJECT => ("GraphMethodException", no_object(&self.details), 100, Some(33)),
            190 => ("OAuthException", title(190).to_owned(), 190, None),
            code => ("OAuthException", format!("(#{code}) {}", title(code)), code, None),
        };
        let has_details = self.code != NO_OBJECT && !self.details.is_empty();
        ErrorEnvelope {
            error: GraphFault {
                message,
                kind,
                code,
                error_subcode: subcode,
                error_data: has_details.then_some(FaultData { messaging_product: "whatsapp", details: &self.details }),
                fbtrace_id: "AbCdEfGhIjKlMnOpQrStUv",
            },
        }
    }
}

/// Stands for 100 with subcode 33, whose text differs.
const NO_OBJECT: u32 = 100_033;

fn no_object(id: &str) -> String {
    format!(
        "Unsupported post request. Object with ID '{id}' does not exist, cannot be loaded due to missing permissions, \
         or does not support this operation. Please read the Graph API documentation at \
         https://developers.facebook.com/docs/graph-api"
    )
}

/// The title of a code, in errors of calls and of webhooks alike.
pub fn title(code: u32) -> &'static str {
    match code {
        100 => "Invalid parameter",
        190 => "Invalid OAuth access token - Cannot parse access token",
        130_429 => "Rate limit hit",
        130_472 => "User's number is part of an experiment",
        131_008 => "Required parameter is missing",
        131_009 => "Parameter value is not valid",
        131_026 => "Message undeliverable",
        131_047 => "Re-engagement message",
        131_049 => "This message was not delivered to maintain healthy ecosystem engagement.",
        131_050 => "User has stopped marketing messages from your business",
        131_051 => "Unsupported message type",
        131_053 => "Media upload error",
        131_056 => "(Business Account, Consumer Account) pair rate limit hit",
        131_063 => "Marketing messages on Cloud API are disabled",
        132_000 => "Number of parameters does not match the expected number of params",
        132_001 => "Template name does not exist in the translation",
        132_005 => "Translated text too long",
        132_012 => "Parameter format does not match format in the created template",
        132_015 => "Template is paused",
        132_016 => "Template is disabled",
        132_018 => "There is an issue with the parameters of the template",
        133_010 => "Phone number not registered",
        134_100 => "Only marketing messages supported",
        _ => "Something went wrong",
    }
}

/// `{"error":{…}}`.
#[derive(Debug, Serialize)]
pub struct ErrorEnvelope<'a> {
    error: GraphFault<'a>,
}

#[derive(Debug, Serialize)]
struct GraphFault<'a> {
    message: String,
    #[serde(rename = "type")]
    kind: &'static str,
    code: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_subcode: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_data: Option<FaultData<'a>>,
    fbtrace_id: &'static str,
}

#[derive(Debug, Serialize)]
struct FaultData<'a> {
    messaging_product: &'static str,
    details: &'a str,
}
