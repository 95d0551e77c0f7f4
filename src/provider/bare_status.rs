//! What an HTTP status says of a message where the body is no explicit refusal: something in between gave the answer, or a provider in
//! trouble.
//!
//! * 301, 307, 308: nothing was processed here, and the token must not be sent elsewhere: the sender stops. 302 and 303 are also how
//!   servers answer a form that they *have* processed: unknown.
//! * 402, 404, 405, 407, 410, 451: no such call here (wrong `base_url`, account closed): the sender stops.
//! * 408, 409, 425, 499: about timing or state, not a refusal of the message: unknown.
//! * Other 4xx: the request itself was rejected, so this recipient fails.
//! * 5xx and anything else: unknown.
//!
//! 401, 403 and 429 mean something else to each provider, which classifies them first.

use crate::domain::retry::ErrorClass;

/// The class of a refusal, and what to add to its sentence; `no_such_call` where the address is wrong. `None`: nobody knows whether the
/// message was accepted.
pub(super) const fn refusal(status: u16, no_such_call: &str) -> Option<(ErrorClass, &str)> {
    match status {
        301 | 307 | 308 => Some((ErrorClass::StopSender, ": redirects elsewhere, check base_url")),
        402 | 404 | 405 | 407 | 410 | 451 => Some((ErrorClass::StopSender, no_such_call)),
        408 | 409 | 425 | 499 => None,
        400..=499 => Some((ErrorClass::FailRecipient, "")),
        _ => None,
    }
}
