//! HTML: what is common to all pages. Whatever comes from outside goes through [`escaped`].

use std::fmt::{self, Display};

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::assets;

/// Nothing but our own files is loaded, nothing is inline, and no other page may frame this one.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Text that is safe between tags and in quoted attributes.
pub(super) struct Escaped<'a>(&'a str);

pub(super) fn escaped(text: &str) -> Escaped<'_> {
    Escaped(text)
}

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        while let Some(at) = rest.find(['&', '<', '>', '"', '\'']) {
            f.write_str(&rest[..at])?;
            f.write_str(match rest.as_bytes()[at] {
                b'&' => "&amp;",
                b'<' => "&lt;",
                b'>' => "&gt;",
                b'"' => "&quot;",
                _ => "&#39;",
            })?;
            rest = &rest[at + 1..];
        }
        f.write_str(rest)
    }
}

/// How a page's own address is to be treated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AddressSecrecy {
    /// Its address is no secret.
    Plain,
    /// Whoever knows the address sees the page: it goes nowhere else.
    Secret,
}

/// A whole page.
pub(super) struct Page<'a> {
    pub title: &'a str,
    /// The shop's name.
    pub brand: &'a str,
    /// Where its events come from, if it is live.
    pub events: Option<String>,
    pub address: AddressSecrecy,
    /// Whether there are a list to go back to and a session to end.
    pub is_signed_in: bool,
    /// What the events must name, or the page is not the one that they are for.
    pub ids: Option<String>,
    /// HTML.
    pub main: String,
}

impl Page<'_> {
    pub(super) fn answer(&self, status: StatusCode) -> Response {
        let mut response = (status, self.render()).into_response();
        let referrer = if self.address == AddressSecrecy::Secret { "no-referrer" } else { "same-origin" };
        for (name, value) in [
            (header::CONTENT_TYPE, "text/html; charset=utf-8"),
            (header::CONTENT_SECURITY_POLICY, POLICY),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (header::REFERRER_POLICY, referrer),
            (header::CACHE_CONTROL, "no-store"),
        ] {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        response.headers_mut().insert("x-robots-tag", HeaderValue::from_static("noindex, nofollow"));
        response
    }

    fn render(&self) -> String {
        let (title, brand) = (escaped(self.title), escaped(self.brand));
        let events = self.events.as_deref().map(|events| format!(" data-events=\"{}\"", escaped(events)));
        let ids = self.ids.as_deref().map(|ids| format!(" data-ids=\"{}\"", escaped(ids)));
        let refresh = if self.events.is_some() {
            "<noscript><meta http-equiv=\"refresh\" content=\"10\"></noscript>\n"
        } else {
            ""
        };
        let live = if self.events.is_some() { "<span class=\"live\" data-live role=\"status\"></span>" } else { "" };
        let (home, leave) = if self.is_signed_in {
            (
                format!("<a class=\"brand\" href=\"/\">{brand}</a>"),
                "<form method=\"post\" action=\"/sign-out\"><button class=\"quiet\">Sign out</button></form>",
            )
        } else {
            (format!("<span class=\"brand\">{brand}</span>"), "")
        };
        format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n<title>{title}</title>\n\
             <link rel=\"icon\" href=\"{icon}\">\n<link rel=\"stylesheet\" href=\"{css}\">\n\
             {refresh}<script src=\"{js}\" defer></script>\n</head>\n<body{events}{ids}>\n\
             <header class=\"top\">{home}<span class=\"gap\"></span>{live}{leave}</header>\n<main>\n{main}</main>\n\
             </body>\n</html>\n",
            icon = assets::icon(),
            css = assets::css(),
            js = assets::js(),
            events = events.unwrap_or_default(),
            ids = ids.unwrap_or_default(),
            main = self.main,
        )
    }
}

/// A page with nothing but a sentence.
pub(super) fn notice(brand: &str, status: StatusCode, title: &str, sentence: &str) -> Response {
    let main =
        format!("<section class=\"card notice\"><h1>{}</h1><p>{}</p></section>\n", escaped(title), escaped(sentence));
    let page =
        Page { title, brand, events: None, address: AddressSecrecy::Secret, is_signed_in: false, ids: None, main };
    page.answer(status)
}

/// A bar as wide as its share of a hundred. An attribute of SVG, since the policy forbids styles within the page.
pub(super) fn bar(key: &str, percent: f64) -> String {
    format!(
        "<svg class=\"bar\" viewBox=\"0 0 100 8\" preserveAspectRatio=\"none\" aria-hidden=\"true\">\
         <rect class=\"track\" width=\"100\" height=\"8\"/>\
         <rect class=\"fill\" data-bar=\"{}\" width=\"{percent:.1}\" height=\"8\"/></svg>",
        escaped(key)
    )
}

/// Text that the script replaces.
pub(super) fn live_text(tag: &str, class: &str, key: &str, text: &str) -> String {
    let class = if class.is_empty() { String::new() } else { format!(" class=\"{class}\"") };
    format!("<{tag}{class} data-text=\"{}\">{}</{tag}>", escaped(key), escaped(text))
}

/// What a blast does in a word, and the class that colours it. As wide as the longest word, so that nothing beside it moves.
pub(super) fn pill(key: &str, (word, class): (&str, &str)) -> String {
    let (word, class, key) = (escaped(word), escaped(class), escaped(key));
    format!("<span class=\"pill {class}\" data-state=\"{key}\" data-text=\"{key}\">{word}</span>")
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn nothing_of_a_text_is_taken_for_html() {
        let evil = "<script>alert('x')</script>&\"";

        assert_eq!(escaped(evil).to_string(), "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;&quot;");
        assert_eq!(escaped("陈 & 小").to_string(), "陈 &amp; 小");
    }
}
