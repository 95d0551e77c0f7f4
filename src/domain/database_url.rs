//! Postgres addresses, as libpq reads them: a URI whose host may be a name, an IPv6 address in brackets, a directory with
//! a socket, or missing.

use std::fmt;
use std::str::FromStr;

use super::text::clean;

/// A Postgres address. Printed without its password.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl {
    text: String,
    /// What the address says by libpq's names of connection parameters (`host`, `port`, `user`, `password`, `dbname`
    /// and others), decoded, in its order. A later one of the same name overrides.
    parameters: Vec<(String, String)>,
}

/// Why an address cannot be used. Repeats nothing of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DatabaseUrlError {
    #[error("not a valid Postgres address: write postgres://user:password@host/database")]
    Invalid,
    #[error("names several hosts, which is not supported: write the address of the one to use")]
    SeveralHosts,
}

impl DatabaseUrl {
    /// The full address as it was written, for connections only.
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// The connection parameters, decoded; a later one of the same name overrides.
    pub fn parameters(&self) -> impl DoubleEndedIterator<Item = (&str, &str)> {
        self.parameters.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// A connection parameter that is in force.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters().rev().find(|(key, _)| *key == name).map(|(_, value)| value)
    }

    /// Whether it holds a secret.
    pub fn has_secret(&self) -> bool {
        self.parameters().any(|(name, _)| name.to_ascii_lowercase().contains("password"))
    }
}

impl FromStr for DatabaseUrl {
    type Err = DatabaseUrlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let rest = text.strip_prefix("postgres://").or_else(|| text.strip_prefix("postgresql://"));
        let rest = rest.ok_or(DatabaseUrlError::Invalid)?;
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, database) = rest.split_once('/').unwrap_or((rest, ""));
        // A password may hold an `@` as it is.
        let (login, host) = authority.rsplit_once('@').unwrap_or(("", authority));
        let (user, password) = login.split_once(':').unwrap_or((login, ""));
        let (host, port) = host_and_port(host)?;
        let named = [("user", user), ("password", password), ("host", host), ("port", port), ("dbname", database)];
        let named = named.into_iter().filter(|(_, value)| !value.is_empty());
        let further = query.split('&').filter(|pair| !pair.is_empty());
        let further = further.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        let decoded = named.chain(further).map(|(name, value)| Ok((percent_decoded(name)?, percent_decoded(value)?)));
        let url = Self { text: text.to_owned(), parameters: decoded.collect::<Result<_, _>>()? };
        url.refuse_impossible()?;
        Ok(url)
    }
}

impl DatabaseUrl {
    fn refuse_impossible(&self) -> Result<(), DatabaseUrlError> {
        let values =
            |name: &'static str| self.parameters().filter(move |(key, _)| *key == name).map(|(_, value)| value);
        if ["host", "hostaddr", "port"].into_iter().flat_map(values).any(|value| value.contains(',')) {
            return Err(DatabaseUrlError::SeveralHosts);
        }
        let is_port = |text: &str| text.parse::<u16>().is_ok_and(|port| port > 0);
        if values("port").all(is_port) { Ok(()) } else { Err(DatabaseUrlError::Invalid) }
    }
}

/// Splits `host:port`, where both may be missing, and an IPv6 address stands in brackets.
fn host_and_port(text: &str) -> Result<(&str, &str), DatabaseUrlError> {
    if text.contains(',') {
        return Err(DatabaseUrlError::SeveralHosts);
    }
    let Some(bracketed) = text.strip_prefix('[') else {
        return Ok(text.split_once(':').unwrap_or((text, "")));
    };
    let (host, rest) = bracketed.split_once(']').ok_or(DatabaseUrlError::Invalid)?;
    let port = if rest.is_empty() { Some("") } else { rest.strip_prefix(':') };
    let is_address = host.split('%').next().is_some_and(|host| host.parse::<std::net::Ipv6Addr>().is_ok());
    port.filter(|_| is_address).map(|port| (host, port)).ok_or(DatabaseUrlError::Invalid)
}

/// As libpq decodes: `%` and two digits for a byte, `+` for itself. A `%` without digits stands for itself, so that a
/// password that was never encoded still works.
fn percent_decoded(text: &str) -> Result<String, DatabaseUrlError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let digits = tail.get(..2).filter(|digits| *first == b'%' && digits.iter().all(u8::is_ascii_hexdigit));
        let byte = digits.and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok());
        bytes.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { &tail[2..] } else { tail };
    }
    let text = String::from_utf8(bytes).map_err(|_| DatabaseUrlError::Invalid)?;
    if text.contains('\0') { Err(DatabaseUrlError::Invalid) } else { Ok(text) }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = |name| clean(self.parameter(name).unwrap_or_default());
        let (user, host, port) = (part("user"), part("host"), part("port"));
        let secret = if self.parameter("password").is_some() { ":***" } else { "" };
        let at = if user.is_empty() && secret.is_empty() { "" } else { "@" };
        write!(f, "postgres://{user}{secret}{at}")?;
        let is_socket = host.starts_with('/');
        let colon = if port.is_empty() { "" } else { ":" };
        match &*host {
            _ if is_socket => {}
            host if host.contains(':') => write!(f, "[{host}]{colon}{port}")?,
            host => write!(f, "{host}{colon}{port}")?,
        }
        if !part("dbname").is_empty() {
            write!(f, "/{}", part("dbname"))?;
        }
        // Other parameters may hold a password too: they are left out.
        let shown = [("host", is_socket), ("port", is_socket), ("hostaddr", true)].into_iter();
        let shown = shown.filter(|(name, is_shown)| *is_shown && self.parameter(name).is_some());
        let shown: Vec<_> = shown.map(|(name, _)| format!("{name}={}", part(name))).collect();
        if shown.is_empty() { Ok(()) } else { write!(f, "?{}", shown.join("&")) }
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DatabaseUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(String, String)> {
        let url: DatabaseUrl = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
        url.parameters().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    fn parameters(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn addresses_are_read_as_libpq_reads_them() {
        let shop = ("dbname", "shop");
        for (text, expected) in [
            ("postgres://", &[][..]),
            ("postgresql://db.example", &[("host", "db.example")]),
            ("postgres:///shop?host=/run/postgresql", &[shop, ("host", "/run/postgresql")]),
            ("postgres://aina@/shop?host=/run/postgresql", &[("user", "aina"), shop, ("host", "/run/postgresql")]),
            ("postgres://%2Frun%2Fpostgresql/shop", &[("host", "/run/postgresql"), shop]),
            ("postgres://aina@[::1]:5432/shop", &[("user", "aina"), ("host", "::1"), ("port", "5432"), shop]),
            ("postgres://[fe80::1%25eth0]/shop", &[("host", "fe80::1%eth0"), shop]),
            ("postgres://aina:p%40s@host:/shop", &[("user", "aina"), ("password", "p@s"), ("host", "host"), shop]),
            ("postgres://aina:100%@host/shop", &[("user", "aina"), ("password", "100%"), ("host", "host"), shop]),
            ("postgres://host/shop?user=a+b&sslmode", &[("host", "host"), shop, ("user", "a+b"), ("sslmode", "")]),
        ] {
            assert_eq!(read(text), parameters(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_address_of_one_server_is_refused() {
        for text in ["", "mysql://x", "host=x", "postgres://[::1/x", "postgres://[x]/x", "postgres://[::1]5432/x"] {
            assert_eq!(text.parse::<DatabaseUrl>(), Err(DatabaseUrlError::Invalid), "{text}");
        }
        for text in ["postgres://host:0/x", "postgres://host:x/x", "postgres:///x?port=65536", "postgres://h%00/x"] {
            assert_eq!(text.parse::<DatabaseUrl>(), Err(DatabaseUrlError::Invalid), "{text}");
        }
        for text in ["postgres://one:1,two:2/x", "postgres:///x?host=one,two"] {
            assert_eq!(text.parse::<DatabaseUrl>(), Err(DatabaseUrlError::SeveralHosts), "{text}");
        }
    }

    #[test]
    fn it_is_shown_with_its_place_and_without_its_secrets() {
        for (text, expected) in [
            ("postgres://u:hidden@host:1/db?password=hidden&sslmode=require", "postgres://u:***@host:1/db"),
            ("postgres:///db?host=/run/pg&port=5433&password=hidden", "postgres://:***@/db?host=/run/pg&port=5433"),
            ("postgres://u:hidden@/db?host=/run/pg", "postgres://u:***@/db?host=/run/pg"),
            ("postgres://u:hid@den@[::1]:5432/db", "postgres://u:***@[::1]:5432/db"),
            ("postgresql://host/\u{1b}db?sslpassword=hidden", "postgres://host/db"),
        ] {
            let url: DatabaseUrl = text.parse().unwrap();
            assert_eq!((url.to_string().as_str(), url.has_secret()), (expected, true), "{text}");
            assert_eq!(format!("{url:?}"), format!("DatabaseUrl({expected})"));
        }
        assert!(!"postgres://u@[::1]:5432/db?host=/x".parse::<DatabaseUrl>().unwrap().has_secret());
    }
}
