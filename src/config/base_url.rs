//! A provider's address: which are valid, and which would expose the token.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use reqwest::Url;

/// `https://host[:port][/path]`, or plain `http://` on this machine only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseUrl {
    /// Without a trailing slash.
    text: String,
    host: Host,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Host {
    Loopback,
    Elsewhere,
}

impl BaseUrl {
    /// The address of WSAPME.
    pub fn wsapme() -> Self {
        Self { text: "https://api.wsapme.com".to_owned(), host: Host::Elsewhere }
    }

    /// The address of Meta's Cloud API.
    pub fn meta() -> Self {
        Self { text: "https://graph.facebook.com".to_owned(), host: Host::Elsewhere }
    }

    /// The address without a trailing slash: a call's path, which begins with one, is appended to it.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The host in lower case, with its port if it has one.
    pub fn authority(&self) -> String {
        let url = Url::parse(&self.text).ok();
        let host = url.as_ref().and_then(Url::host_str).unwrap_or_default().trim_end_matches('.');
        match url.as_ref().and_then(Url::port) {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        }
    }

    /// What an address that has no scheme was meant as: plain on this machine, encrypted anywhere else.
    pub fn meant_by(text: &str) -> Option<Self> {
        let with = |scheme: &str| format!("{scheme}://{text}").parse().ok();
        if text.contains("://") { None } else { with("http").or_else(|| with("https")) }
    }

    /// Whether the host is this machine.
    pub fn is_loopback(&self) -> bool {
        self.host == Host::Loopback
    }
}

impl FromStr for BaseUrl {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let url = Url::parse(text).map_err(|_| "not a valid address: write https://host")?;
        let host = url.host_str().map(host).ok_or("not a valid address: write https://host")?;
        match (url.scheme(), host) {
            ("https", _) | ("http", Host::Loopback) => {}
            ("http", Host::Elsewhere) => return Err("the token would be sent in clear text: write https://"),
            _ => return Err("only https:// is supported (and http:// on this machine): write https://host"),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("must not contain a login: remove it");
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err("write the address alone, without ? or #");
        }
        Ok(Self { text: url.as_str().trim_end_matches('/').to_owned(), host })
    }
}

fn host(name: &str) -> Host {
    let bare = name.trim_start_matches('[').trim_end_matches(']');
    let is_loopback = match bare.parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) => address.is_loopback(),
        Ok(IpAddr::V6(address)) => address.is_loopback() || address.to_ipv4_mapped().is_some_and(|v4| v4.is_loopback()),
        Err(_) => bare == "localhost" || bare.ends_with(".localhost"),
    };
    if is_loopback { Host::Loopback } else { Host::Elsewhere }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
