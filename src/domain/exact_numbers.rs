//! Numbers with more digits than a float holds: a reader of JSON rounds them, so they are read as texts.

use std::borrow::Cow;

use serde_json::Number;

/// A float holds any decimal number of so many digits.
const DIGITS_MAX: usize = 15;

/// The same JSON, with each fraction of more digits than a float holds as a text of the digits that were sent.
pub fn exact(json: &[u8]) -> Cow<'_, [u8]> {
    let mut out: Option<Vec<u8>> = None;
    let (mut at, mut written) = (0, 0);
    while at < json.len() {
        let len = match json[at] {
            b'"' => string_len(&json[at..]),
            b'-' | b'0'..=b'9' => number_len(&json[at..]),
            _ => 1,
        };
        let token = &json[at..at + len];
        if is_rounded(token) {
            let out = out.get_or_insert_with(|| Vec::with_capacity(json.len() + 2));
            out.extend_from_slice(&json[written..at]);
            out.push(b'"');
            out.extend_from_slice(token);
            out.push(b'"');
            written = at + len;
        }
        at += len;
    }
    match out {
        None => Cow::Borrowed(json),
        Some(mut out) => {
            out.extend_from_slice(&json[written..]);
            Cow::Owned(out)
        }
    }
}

/// The length of a string with its quotes; all of it where it never ends.
fn string_len(json: &[u8]) -> usize {
    let mut is_escaped = false;
    for (at, byte) in json.iter().enumerate().skip(1) {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    json.len()
}

fn number_len(json: &[u8]) -> usize {
    let is_part = |byte: &&u8| byte.is_ascii_digit() || matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E');
    json.iter().take_while(is_part).count()
}

/// Whether a reader would make a float of it that is another number. Whole numbers are read exactly.
fn is_rounded(token: &[u8]) -> bool {
    let digits = token.iter().take_while(|byte| !matches!(byte, b'e' | b'E')).filter(|byte| byte.is_ascii_digit());
    digits.skip_while(|byte| **byte == b'0').count() > DIGITS_MAX
        && matches!(token[0], b'-' | b'0'..=b'9')
        && serde_json::from_slice::<Number>(token).is_ok_and(|number| number.is_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_fractions_that_would_be_rounded_become_texts() {
        for (sent, read) in [
            (r#"{"price":19.989999999999999999999,"n":2}"#, r#"{"price":"19.989999999999999999999","n":2}"#),
            ("[1234567890123456.78, -0.0000000000000001]", r#"["1234567890123456.78", -0.0000000000000001]"#),
            (r#"{"a\\":"\"19.989999999999999999999","b":19.99}"#, r#"{"a\\":"\"19.989999999999999999999","b":19.99}"#),
            ("[12345678901234567,123456789012345678901]", r#"[12345678901234567,"123456789012345678901"]"#),
            (r#"{"never ends"#, r#"{"never ends"#),
            ("[1.2345678901234567.8]", "[1.2345678901234567.8]"),
        ] {
            assert_eq!(String::from_utf8_lossy(&exact(sent.as_bytes())), read);
        }
    }
}
