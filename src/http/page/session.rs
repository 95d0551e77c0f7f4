//! Who looks at a page: their session's secret in a cookie that no script and no other site can use.

use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, header};

use crate::app::App;

/// Over plain http, as on this machine.
const PLAIN: &str = "blastdeck_session";
/// Over https: browsers take it from this very host alone, so that no neighbour of its domain can plant one.
const HOST: &str = "__Host-blastdeck_session";

fn name(headers: &HeaderMap) -> &'static str {
    if is_https(headers) { HOST } else { PLAIN }
}

/// The session's secret that a browser sent.
pub(super) fn secret(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|cookies| cookies.to_str().ok());
    let mut pairs = cookies.flat_map(|cookies| cookies.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let own = name(headers);
    pairs.find(|(name, _)| *name == own).map(|(_, secret)| secret)
}

/// `Set-Cookie` for a session that begins.
pub(super) fn begin(secret: &str, headers: &HeaderMap) -> Option<HeaderValue> {
    cookie(secret, App::SESSION_LENGTH.num_seconds(), headers)
}

/// `Set-Cookie` for one that ends.
pub(super) fn end(headers: &HeaderMap) -> Option<HeaderValue> {
    cookie("", 0, headers)
}

fn cookie(secret: &str, seconds: i64, headers: &HeaderMap) -> Option<HeaderValue> {
    let secure = if is_https(headers) { "; Secure" } else { "" };
    let text = format!("{}={secret}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}", name(headers));
    let mut value = HeaderValue::from_str(&text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// Whether the browser speaks TLS, with the proxy before us.
fn is_https(headers: &HeaderMap) -> bool {
    let says = |name: &str, https: &str| {
        let text = headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        text.split([',', ';']).any(|part| part.trim().eq_ignore_ascii_case(https))
    };
    says("x-forwarded-proto", "https") || says("forwarded", "proto=https")
}

/// Whether a form was sent by a page of ours, as far as the browser says: another site's must not sign anybody in or out.
pub(super) fn is_own_form(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = text("sec-fetch-site") {
        return matches!(site, "same-origin" | "none");
    }
    let Some(origin) = text("origin") else { return true };
    let asked = [text("x-forwarded-host"), text("host")].into_iter().flatten();
    let mut asked = asked.filter_map(|host| host.trim().parse::<Authority>().ok());
    let sent_by = origin.split_once("://").and_then(|(_, host)| host.parse::<Authority>().ok());
    sent_by.is_some_and(|sent_by| asked.any(|host| host == sent_by))
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderName, HeaderValue};

    use super::{begin, is_own_form, secret};

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn a_cookie_is_found_among_others_and_secure_where_the_browser_speaks_tls() {
        assert_eq!(secret(&headers(&[("cookie", "a=b; blastdeck_session=bs_1;c=d")])), Some("bs_1"));
        assert_eq!(secret(&headers(&[("cookie", "xblastdeck_session=bs_1")])), None);
        let cookie = |pairs| begin("bs_1", &headers(pairs)).unwrap().to_str().unwrap().to_owned();
        assert!(!cookie(&[]).contains("Secure") && cookie(&[]).contains("HttpOnly; SameSite=Lax"));
        assert!(cookie(&[]).starts_with("blastdeck_session=bs_1; Path=/;"));
        assert!(cookie(&[("x-forwarded-proto", "https")]).starts_with("__Host-blastdeck_session=bs_1; Path=/;"));
        let sent = [("x-forwarded-proto", "https"), ("cookie", "blastdeck_session=x; __Host-blastdeck_session=bs_2")];
        assert_eq!(secret(&headers(&sent)), Some("bs_2"), "whatever a neighbour planted");
        assert_eq!(secret(&headers(&sent[..1])), None);
        assert!(cookie(&[("x-forwarded-proto", "https")]).ends_with("; Secure"));
        assert!(cookie(&[("forwarded", "for=192.0.2.1;proto=https")]).ends_with("; Secure"));
    }

    #[test]
    fn a_form_of_another_site_is_not_ours() {
        for (pairs, is_own) in [
            (&[("host", "shop.example")][..], true),
            (&[("host", "shop.example:8080"), ("origin", "http://shop.example:8080")], true),
            (
                &[("host", "127.0.0.1:8080"), ("x-forwarded-host", "shop.example"), ("origin", "https://shop.example")],
                true,
            ),
            (&[("host", "shop.example"), ("origin", "https://evil.example")], false),
            (&[("host", "shop.example"), ("origin", "null")], false),
            (&[("host", "127.0.0.1"), ("origin", "https://shop.example"), ("sec-fetch-site", "same-origin")], true),
            (&[("host", "shop.example"), ("origin", "https://shop.example"), ("sec-fetch-site", "cross-site")], false),
        ] {
            assert_eq!(is_own_form(&headers(pairs)), is_own, "{pairs:?}");
        }
    }
}
