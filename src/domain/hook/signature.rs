//! Secrets and signatures, as Standard Webhooks spells them.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use thiserror::Error;

/// What every secret begins with; the rest is base64.
const PREFIX: &str = "whsec_";
/// How many bytes a key may have.
const KEY_MIN: usize = 24;
const KEY_MAX: usize = 64;
/// Random bytes of a secret that is made here.
pub const SECRET_BYTES: usize = 32;

/// A key that calls are signed with. Never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct HookSecret(Vec<u8>);

/// Why a text is no secret. It is not repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SecretError {
    #[error("it does not begin with whsec_: `blastdeck hook secret` makes one")]
    Prefix,
    #[error("what follows whsec_ is not base64: `blastdeck hook secret` makes one")]
    Base64,
    #[error("it has {0} bytes, not 24 to 64: `blastdeck hook secret` makes one")]
    Length(usize),
}

impl HookSecret {
    /// Parses `whsec_…`, 24 to 64 bytes in base64.
    pub fn parse(text: &str) -> Result<Self, SecretError> {
        let spelled = text.strip_prefix(PREFIX).ok_or(SecretError::Prefix)?;
        let key = STANDARD.decode(spelled).map_err(|_| SecretError::Base64)?;
        if (KEY_MIN..=KEY_MAX).contains(&key.len()) { Ok(Self(key)) } else { Err(SecretError::Length(key.len())) }
    }

    /// `v1,…` for `webhook-signature`. `at` is the call's time in seconds since 1970, as in `webhook-timestamp`.
    pub fn sign(&self, message_id: &str, at: i64, body: &[u8]) -> String {
        // A key of any length is taken.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else { return String::new() };
        mac.update(format!("{message_id}.{at}.").as_bytes());
        mac.update(body);
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    }
}

impl fmt::Debug for HookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HookSecret")
    }
}

/// A secret with these random bytes, as it is written into a file or a variable.
pub fn spell_secret(random: [u8; SECRET_BYTES]) -> String {
    format!("{PREFIX}{}", STANDARD.encode(random))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification's own libraries.
    #[test]
    fn a_call_is_signed_as_the_specification_has_it() {
        let secret = HookSecret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();

        let signed = secret.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#);

        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_secret_is_spelled_and_read_and_never_shown() {
        let spelled = spell_secret([7; SECRET_BYTES]);

        let secret = HookSecret::parse(&spelled).unwrap();

        assert_eq!(format!("{secret:?}"), "HookSecret");
        assert_eq!(HookSecret::parse(&spelled[1..]), Err(SecretError::Prefix));
        assert_eq!(HookSecret::parse("whsec_***"), Err(SecretError::Base64));
        assert_eq!(HookSecret::parse("whsec_c2hvcnQ="), Err(SecretError::Length(5)));
    }
}
