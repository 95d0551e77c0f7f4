//! Who may read what this process says of itself.

use std::net::IpAddr;

use axum::http::uri::Authority;
use axum::http::{HeaderMap, header};

/// Headers that a proxy adds: behind one, everybody comes from this machine. One that adds none cannot be recognized.
const FORWARDED: [&str; 7] =
    ["forwarded", "via", "x-real-ip", "x-client-ip", "x-cluster-client-ip", "true-client-ip", "fastly-client-ip"];
/// The beginnings of others.
const FORWARDED_PREFIXES: [&str; 3] = ["x-forwarded-", "cf-", "x-original-"];

/// Where the server listens, as far as it decides who needs no token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ListenerReach {
    /// Only this machine connects.
    Loopback,
    Anywhere,
}

impl ListenerReach {
    pub(super) const fn of(listen: IpAddr) -> Self {
        if listen.is_loopback() { Self::Loopback } else { Self::Anywhere }
    }

    /// Whether metrics may be read without a token: only over a loopback address, by its own name, and not through a proxy.
    pub(super) fn gives_metrics_to(self, headers: &HeaderMap) -> bool {
        self == Self::Loopback && is_direct(headers)
    }
}

/// Whether a request names this machine, and did not come through a proxy that says so.
pub(super) fn is_direct(headers: &HeaderMap) -> bool {
    let is_of_proxy =
        |name: &str| FORWARDED.contains(&name) || FORWARDED_PREFIXES.iter().any(|prefix| name.starts_with(prefix));
    !headers.keys().any(|name| is_of_proxy(name.as_str()))
        && headers.get_all(header::HOST).iter().count() == 1
        && is_local(headers)
}

/// Whether a page of another site had the browser on this machine ask.
pub(super) fn is_of_another_site(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    if text("sec-fetch-site").is_some_and(|site| !matches!(site, "same-origin" | "none")) {
        return true;
    }
    let host = text("host").unwrap_or_default();
    text("origin").is_some_and(|origin| origin.split_once("://").is_none_or(|(_, by)| !by.eq_ignore_ascii_case(host)))
}

/// Whether the request names this machine: a page in a browser here may call us by a name of its own.
fn is_local(headers: &HeaderMap) -> bool {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let authority = host.and_then(|host| host.parse::<Authority>().ok());
    let name = authority.as_ref().map(|authority| authority.host().trim_matches(['[', ']']));
    name.is_some_and(|name| {
        name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
    })
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderValue};

    use super::{ListenerReach, is_of_another_site};

    #[test]
    fn a_page_of_another_site_is_told_by_what_the_browser_says() {
        let asked = |pairs: &[(&'static str, &'static str)]| {
            let pairs = pairs.iter().chain(&[("host", "127.0.0.1:8080")]);
            let headers = pairs.map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value))).collect();
            is_of_another_site(&headers)
        };

        assert!(!asked(&[]) && !asked(&[("origin", "http://127.0.0.1:8080"), ("sec-fetch-site", "same-origin")]));
        assert!(asked(&[("origin", "https://evil.example")]) && asked(&[("origin", "null")]));
        assert!(asked(&[("sec-fetch-site", "cross-site")]) && !asked(&[("sec-fetch-site", "none")]));
    }

    #[test]
    fn only_a_program_of_this_machine_needs_no_token() {
        let ask = |reach: ListenerReach, pairs: &[(&'static str, &'static str)]| {
            let headers: HeaderMap =
                pairs.iter().map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value))).collect();
            reach.gives_metrics_to(&headers)
        };
        let here = ListenerReach::of("127.0.0.1".parse().unwrap());

        for host in ["127.0.0.1:8080", "localhost", "LOCALHOST:1", "[::1]:8080"] {
            assert!(ask(here, &[("host", host)]), "{host}");
        }
        assert!(!ask(here, &[("host", "shop.example")]));
        assert!(!ask(here, &[]));
        for header in [
            "forwarded",
            "x-forwarded-for",
            "x-forwarded-port",
            "x-real-ip",
            "via",
            "cf-connecting-ip",
            "true-client-ip",
        ] {
            assert!(!ask(here, &[("host", "127.0.0.1"), (header, "x")]), "{header}");
        }
        assert!(!ask(ListenerReach::of("0.0.0.0".parse().unwrap()), &[("host", "127.0.0.1")]));
    }
}
