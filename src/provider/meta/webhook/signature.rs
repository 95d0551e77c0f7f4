//! Proof that a webhook is Meta's: the handshake when the address is registered, and the signature of each request.

use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;
use thiserror::Error;

/// Why a request is not believed. Answered with 401; nothing of it is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SignatureError {
    #[error("X-Hub-Signature-256 is missing")]
    Missing,
    #[error("X-Hub-Signature-256 is not `sha256=` and 64 hex digits")]
    Malformed,
    #[error("X-Hub-Signature-256 does not match: check the app secret")]
    Wrong,
}

/// Checks `X-Hub-Signature-256` over the body's bytes as they came, before anything is parsed. The comparison takes the
/// same time wherever the two differ.
pub fn verify_signature(
    app_secret: &SecretString,
    raw_body: &[u8],
    header: Option<&str>,
) -> Result<(), SignatureError> {
    let tag = given(header)?;
    let mut mac = keyed(app_secret.expose_secret()).ok_or(SignatureError::Wrong)?;
    mac.update(raw_body);
    mac.verify_slice(&tag).map_err(|_| SignatureError::Wrong)
}

/// Refuses a header that cannot be a signature at all: what is known of a request before its body.
pub fn require_signature(header: Option<&str>) -> Result<(), SignatureError> {
    given(header).map(drop)
}

fn given(header: Option<&str>) -> Result<[u8; 32], SignatureError> {
    let given = header.ok_or(SignatureError::Missing)?.trim();
    let (scheme, digits) = given.split_once('=').ok_or(SignatureError::Malformed)?;
    if !scheme.eq_ignore_ascii_case("sha256") {
        return Err(SignatureError::Malformed);
    }
    tag(digits).ok_or(SignatureError::Malformed)
}

/// 32 bytes from 64 hex digits in either case.
fn tag(digits: &str) -> Option<[u8; 32]> {
    let digits = digits.as_bytes();
    if digits.len() != 64 {
        return None;
    }
    let mut tag = [0; 32];
    for (byte, pair) in tag.iter_mut().zip(digits.chunks(2)) {
        let digit = |digit: u8| char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(tag)
}

/// `None` never comes: a key may have any length.
fn keyed(key: &str) -> Option<Hmac<Sha256>> {
    Hmac::new_from_slice(key.as_bytes()).ok()
}

/// The query of Meta's handshake. What is missing is empty.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Handshake {
    /// `hub.mode`.
    pub mode: String,
    /// `hub.verify_token`.
    pub verify_token: String,
    /// `hub.challenge`.
    pub challenge: String,
}

impl Handshake {
    /// From the query's pairs, decoded.
    pub fn of_query<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut handshake = Self::default();
        for (key, value) in pairs {
            match key {
                "hub.mode" => value.clone_into(&mut handshake.mode),
                "hub.verify_token" => value.clone_into(&mut handshake.verify_token),
                "hub.challenge" => value.clone_into(&mut handshake.challenge),
                _ => {}
            }
        }
        handshake
    }

    /// Whether it has this token.
    pub fn knows(&self, verify_token: &SecretString) -> bool {
        !verify_token.expose_secret().is_empty() && is_equal(verify_token, &self.verify_token)
    }

    /// The body of the answer, exactly the challenge, as `text/plain` with 200; else what it lacks, and how that is written.
    pub fn answer(&self) -> Result<&str, (&'static str, &'static str)> {
        match self.challenge.as_str() {
            _ if self.mode != "subscribe" => Err(("hub.mode", "write `subscribe`")),
            "" => Err(("hub.challenge", "missing: write a text, which comes back")),
            challenge => Ok(challenge),
        }
    }
}

/// Compares in a time that says nothing about where they differ.
fn is_equal(secret: &SecretString, given: &str) -> bool {
    let (Some(mut left), Some(mut right)) = (keyed("handshake"), keyed("handshake")) else { return false };
    left.update(secret.expose_secret().as_bytes());
    right.update(given.as_bytes());
    left.verify(&right.finalize().into_bytes()).is_ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn secret() -> SecretString {
        "Jefe".into()
    }

    /// RFC 4231, test case 2.
    const BODY: &[u8] = b"what do ya want for nothing?";
    const TAG: &str = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";

    fn verified(body: &[u8], header: &str) -> Result<(), SignatureError> {
        verify_signature(&secret(), body, Some(header))
    }

    #[test]
    fn a_known_body_is_verified_in_either_case() {
        assert_eq!(verified(BODY, &format!("sha256={TAG}")), Ok(()));
        assert_eq!(verified(BODY, &format!("SHA256={}", TAG.to_uppercase())), Ok(()));
    }

    #[test]
    fn a_changed_byte_another_secret_or_no_header_is_refused() {
        let header = format!("sha256={TAG}");
        assert_eq!(verified(b"what do ya want for nothing!", &header), Err(SignatureError::Wrong));
        assert_eq!(verified(b"", &header), Err(SignatureError::Wrong));
        assert_eq!(verify_signature(&"Jeff".into(), BODY, Some(&header)), Err(SignatureError::Wrong));
        assert_eq!(verify_signature(&secret(), BODY, None), Err(SignatureError::Missing));
        for malformed in
            ["", "sha256=", TAG, "sha1=5bdc", &header[..70], &format!("{header}0"), &header.replace('5', "g")]
        {
            assert_eq!(verified(BODY, malformed), Err(SignatureError::Malformed), "{malformed}");
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_signed_as_they_are() {
        let tag = {
            let mut mac = keyed("Jefe").unwrap();
            mac.update(b"{\"a\":\"\\u00e9\xff\"}");
            let bytes = mac.finalize().into_bytes();
            bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat()
        };

        assert_eq!(verified(b"{\"a\":\"\\u00e9\xff\"}", &format!("sha256={tag}")), Ok(()));
        assert_eq!(verified("{\"a\":\"é\u{fffd}\"}".as_bytes(), &format!("sha256={tag}")), Err(SignatureError::Wrong));
    }

    #[test]
    fn a_handshake_is_answered_with_exactly_its_challenge() {
        let query =
            [("hub.mode", "subscribe"), ("hub.challenge", "1158201444"), ("hub.verify_token", "Jefe"), ("x", "y")];
        let handshake = Handshake::of_query(query);

        assert_eq!((handshake.knows(&secret()), handshake.answer()), (true, Ok("1158201444")));
        assert!(!handshake.knows(&"other".into()));
        let lacks = |handshake: Handshake| handshake.answer().unwrap_err().0;
        assert_eq!(lacks(Handshake { mode: "unsubscribe".to_owned(), ..handshake.clone() }), "hub.mode");
        assert_eq!(lacks(Handshake { challenge: String::new(), ..handshake.clone() }), "hub.challenge");
        assert!(!Handshake { verify_token: String::new(), ..handshake }.knows(&"".into()));
        assert!(!Handshake::of_query([]).knows(&secret()));
    }

    proptest! {
        #[test]
        fn no_header_makes_it_panic_or_passes(
            header in any::<String>(), body in prop::collection::vec(any::<u8>(), 0..50),
        ) {
            let (bare, prefixed) = (verified(&body, &header), verified(&body, &format!("sha256={header}")));
            prop_assert!(bare.is_err() && prefixed.is_err());
        }
    }
}
