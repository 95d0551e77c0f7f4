//! Maps WSAPME's refusals to error classes. WSAPME has hardly any error codes: its sentences decide.

use crate::domain::retry::ErrorClass;
use crate::provider::NOT_CONNECTED;

/// The meaning of a refusal's sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RefusalMeaning {
    /// Known not to have been accepted, with our error code.
    Refused { class: ErrorClass, code: &'static str },
    /// An error on the way, which says nothing about the message.
    Unclear,
}

const fn refused(class: ErrorClass, code: &'static str) -> RefusalMeaning {
    RefusalMeaning::Refused { class, code }
}

/// What the gateway's library says, in lower case, when its connection to WhatsApp ends under a message that may have been sent. A sentence with
/// one of these is unclear whatever else it says ("Timed out: device not responding"): to send again is worse than to ask somebody.
const BROKEN_OFF: [&str; 15] = [
    "timed out",
    "timedout",
    "timeout",
    "time out",
    "connection closed",
    "connection lost",
    "connection was lost",
    "connection terminated",
    "connection failure",
    "connection reset",
    "econnreset",
    "socket hang up",
    "stream errored",
    "internal server",
    "internal error",
];

/// Phrases in lower case, and the meaning of a sentence that contains one. The first match wins.
const TABLE: [(&[&str], RefusalMeaning); 4] = [
    (
        &[
            "unauthori",
            "invalid token",
            "token invalid",
            "token is invalid",
            "token expired",
            "token has expired",
            "token is expired",
            "expired token",
            "wrong token",
        ],
        refused(ErrorClass::StopSender, UNAUTHORISED),
    ),
    (
        &[
            "offline",
            "unpaired",
            "not paired",
            "unpair",
            "not connected",
            "disconnected",
            "logged out",
            "log out",
            "not logged in",
            "logout",
            "scan qr",
            "scan the qr",
            "no such device",
            "device not found",
            "invalid device",
            "device is not",
            "device not ",
        ],
        refused(ErrorClass::StopSender, "device"),
    ),
    (
        &["too many", "rate limit", "rate-limit", "ratelimit", "overlimit", "slow down"],
        refused(ErrorClass::SlowSender, THROTTLED),
    ),
    (&["gateway", "service unavailable", "precondition required"], RefusalMeaning::Unclear),
];

/// Classifies a refusal's sentence. One that is not in the table fails only its recipient; several in a row pause the
/// blast.
pub(super) fn meaning(sentence: &str) -> RefusalMeaning {
    let sentence = sentence.to_lowercase();
    if BROKEN_OFF.iter().any(|phrase| sentence.contains(phrase)) {
        return RefusalMeaning::Unclear;
    }
    let known = TABLE.iter().find(|(phrases, _)| phrases.iter().any(|phrase| sentence.contains(phrase)));
    known.map_or(refused(ErrorClass::FailRecipient, "refused"), |(_, meaning)| *meaning)
}

/// Whether a code of a refusal says that the token is not taken: ours, or one that the gateway gives of its own.
pub(super) fn refuses_token(code: &str) -> bool {
    matches!(code, UNAUTHORISED | "401" | "403")
}

/// Whether a code is of a refusal because too much was sent: ours, or one that the gateway gives of its own.
pub(super) fn asks_to_slow_down(code: &str) -> bool {
    matches!(code, THROTTLED | "429")
}

/// Our code for a request to slow down.
pub(super) const THROTTLED: &str = "throttled";

/// Our code for a token that is not taken.
pub(super) const UNAUTHORISED: &str = "unauthorised";

/// WhatsApp's code for a restricted sending number: sending more makes it worse.
const RESTRICTED: &str = "463";

/// Whether the device's health, read once more, shows that what a code stopped for is over. That of a restricted number is good.
pub(super) fn is_shown_by_health(code: &str) -> bool {
    code != RESTRICTED
}

/// The class of a failure after acceptance.
pub(super) fn of_failure(code: Option<&str>) -> ErrorClass {
    if code == Some(RESTRICTED) { ErrorClass::StopSender } else { ErrorClass::FailRecipient }
}

/// What an operator can do about an error code.
pub(super) fn advice(code: &str) -> Option<&'static str> {
    let advice = match code {
        "463" => "WhatsApp restricts this number: stop for some days, then resume slowly, with people who know you",
        "error" => {
            "WhatsApp accepted the message and could not deliver it: usually the number is not on WhatsApp, or it blocked yours"
        }
        "refused" => "the gateway refused it: read its message, and correct the number",
        "message" => "no text could be built for them: correct their row, and send to them in a new blast",
        "throttled" => "too fast for the gateway: give the sender a longer gap",
        NOT_CONNECTED => "the gateway could not be reached: check the network and base_url",
        _ => return None,
    };
    Some(advice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_are_sorted_by_what_they_say() {
        use ErrorClass::{FailRecipient, SlowSender, StopSender};
        let cases = [
            ("Unauthorised Token", refused(StopSender, "unauthorised")),
            ("UNAUTHORIZED", refused(StopSender, "unauthorised")),
            ("Expired token", refused(StopSender, "unauthorised")),
            ("Token has expired", refused(StopSender, "unauthorised")),
            ("No such device", refused(StopSender, "device")),
            ("Device is offline", refused(StopSender, "device")),
            ("Your device has been unpaired", refused(StopSender, "device")),
            ("Phone not connected", refused(StopSender, "device")),
            ("Session logged out", refused(StopSender, "device")),
            ("rate-overlimit", refused(SlowSender, "throttled")),
            ("Timed Out", RefusalMeaning::Unclear),
            ("Connection Closed", RefusalMeaning::Unclear),
            ("Connection was lost", RefusalMeaning::Unclear),
            ("Stream Errored (restart required)", RefusalMeaning::Unclear),
            ("read ECONNRESET", RefusalMeaning::Unclear),
            ("Service Unavailable", RefusalMeaning::Unclear),
            ("Timed Out: device not responding", RefusalMeaning::Unclear),
            ("Request timed out, device disconnected", RefusalMeaning::Unclear),
            ("Too many retries, connection closed", RefusalMeaning::Unclear),
            ("Unauthorised: the request timed out", RefusalMeaning::Unclear),
            ("gateway: device offline", refused(StopSender, "device")),
            ("Invalid number", refused(FailRecipient, "refused")),
            ("The number is not registered on WhatsApp", refused(FailRecipient, "refused")),
            ("", refused(FailRecipient, "refused")),
        ];
        for (sentence, expected) in cases {
            assert_eq!(meaning(sentence), expected, "{sentence}");
        }
    }
}
