//! Tokens of the HTTP API: what each may do, what it may be called, and how its secret is spelled.

use std::fmt;
use std::str::FromStr;

use super::act::Actor;
use super::text::clean;

/// What a token may do. Each includes what stands before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum TokenScope {
    Read,
    Write,
    /// Also what reaches beyond blasts and their people.
    Admin,
}

impl TokenScope {
    pub const ALL: [Self; 3] = [Self::Read, Self::Write, Self::Admin];

    pub const fn word(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Admin => "admin",
        }
    }
}

impl FromStr for TokenScope {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|scope| scope.word() == text.trim());
        found.ok_or_else(|| format!("`{}` is not a scope: write read, write or admin", clean(text)))
    }
}

impl TryFrom<String> for TokenScope {
    type Error = String;

    fn try_from(word: String) -> Result<Self, Self::Error> {
        word.parse()
    }
}

impl fmt::Display for TokenScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// A token's name: 1 to 64 letters, digits, `-`, `_` or `.`. It stands in the log of acts as an operator's does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenName(String);

impl TokenName {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for TokenName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let name = text.trim();
        let fits = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if !(1..=64).contains(&name.len()) || !name.chars().all(fits) {
            return Err("write 1 to 64 letters, digits, - _ or .".to_owned());
        }
        if name.eq_ignore_ascii_case(Actor::ENGINE) {
            return Err("`engine` is reserved for the engine itself: choose another name".to_owned());
        }
        Ok(Self(name.to_owned()))
    }
}

/// What a secret opens. Each kind begins with letters of its own, so that one that leaked is recognised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecretKind {
    /// A token of the HTTP API.
    Token,
    /// A browser's session, in its cookie.
    Session,
    /// A link to one blast's page.
    Share,
}

/// Random bytes of a secret.
pub const SECRET_BYTES: usize = 32;

impl SecretKind {
    const fn prefix(self) -> &'static str {
        match self {
            Self::Token => "bd_",
            Self::Session => "bs_",
            Self::Share => "bl_",
        }
    }

    /// A secret with these random bytes.
    pub fn spell(self, random: [u8; SECRET_BYTES]) -> String {
        use std::fmt::Write as _;
        random.iter().fold(self.prefix().to_owned(), |mut text, byte| {
            // Writing to memory does not fail.
            _ = write!(text, "{byte:02x}");
            text
        })
    }

    /// Whether a text may be a secret of ours: nothing else is looked up.
    pub fn is_spelling(self, text: &str) -> bool {
        let digits = text.strip_prefix(self.prefix());
        digits.is_some_and(|digits| {
            digits.len() == 2 * SECRET_BYTES && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{SecretKind, TokenName, TokenScope};

    #[test]
    fn a_scope_includes_those_before_it() {
        assert!(TokenScope::Read < TokenScope::Write && TokenScope::Write < TokenScope::Admin);
        assert!(TokenScope::ALL.into_iter().all(|scope| scope.word().parse() == Ok(scope)));
        assert!("owner".parse::<TokenScope>().is_err());
    }

    #[test]
    fn a_secret_is_recognised_and_nothing_else_is() {
        let secret = SecretKind::Token.spell([0xa5; 32]);
        let is_token = |text| SecretKind::Token.is_spelling(text);

        assert!(is_token(&secret), "{secret}");
        assert!(!is_token(&secret[1..]) && !is_token("") && !is_token("bd_x"));
        assert!(!SecretKind::Share.is_spelling(&secret) && !is_token(&SecretKind::Session.spell([0xa5; 32])));
    }

    #[test]
    fn a_token_is_not_called_as_the_engine_is() {
        assert!("Engine".parse::<TokenName>().is_err() && "a b".parse::<TokenName>().is_err());
        assert_eq!("till-2".parse::<TokenName>().map(|name| name.as_str().to_owned()), Ok("till-2".to_owned()));
    }
}
