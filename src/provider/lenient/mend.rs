//! Rewrites the values for which a strict parser refuses a whole text of JSON, so that they cost themselves alone.

/// Values that stand deeper become `null`; the parser refuses texts of more than 127 levels.
const DEPTH_MAX: usize = 100;

/// The same JSON, with half a surrogate pair as `\ufffd`, a number that is too large as text, a control character as a
/// space, and `null` in place of what stands too deep.
pub(super) fn mended(text: &str) -> String {
    rewritten(text, is_too_large)
}

/// The same, with each number as text that a float would give other digits.
pub(super) fn exact(text: &str) -> String {
    rewritten(text, |number| is_too_large(number) || is_too_long(number))
}

/// Whether there may be a number that a float would give other digits.
pub(super) fn has_long_number(text: &[u8]) -> bool {
    let is_part = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E');
    let runs = text.chunk_by(|one, next| is_part(one) == is_part(next));
    let mut long = runs.filter(|run| run.len() > FLOAT_DIGITS && is_part(&run[0]));
    long.any(|run| run.len() > WHOLE_DIGITS || !run.iter().all(u8::is_ascii_digit))
}

/// A decimal of so many digits is the same after it was a float.
const FLOAT_DIGITS: usize = 15;

/// A whole number of so many digits is read without one.
const WHOLE_DIGITS: usize = 18;

fn is_too_long(number: &str) -> bool {
    let digits = number.bytes().take_while(|byte| !matches!(byte, b'e' | b'E')).filter(u8::is_ascii_digit).count();
    digits > FLOAT_DIGITS && number.parse::<i64>().is_err()
}

/// Rewritten number by number where they are to be text.
fn rewritten(text: &str, becomes_text: fn(&str) -> bool) -> String {
    let mut mend = Mend { out: String::with_capacity(text.len() + 16), depth: 0, becomes_text };
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let len = match first {
            '"' => string_len(rest),
            '-' | '0'..='9' => number_len(rest),
            other => other.len_utf8(),
        };
        let (token, behind) = rest.split_at(len);
        mend.token(first, token);
        rest = behind;
    }
    mend.out
}

struct Mend {
    out: String,
    depth: usize,
    becomes_text: fn(&str) -> bool,
}

impl Mend {
    fn token(&mut self, first: char, token: &str) {
        match first {
            '{' | '[' => {
                self.depth += 1;
                let text = if self.depth == DEPTH_MAX + 1 { "null" } else { token };
                if self.depth <= DEPTH_MAX + 1 {
                    self.out.push_str(text);
                }
            }
            '}' | ']' => {
                self.plain(token);
                self.depth = self.depth.saturating_sub(1);
            }
            '"' => self.plain(&string(token)),
            '-' | '0'..='9' if (self.becomes_text)(token) => self.plain(&format!("\"{token}\"")),
            other if u32::from(other) < 0x20 => self.plain(" "),
            _ => self.plain(token),
        }
    }

    fn plain(&mut self, text: &str) {
        if self.depth <= DEPTH_MAX {
            self.out.push_str(text);
        }
    }
}

/// The length of a string with its quotes; all of it where it never ends.
fn string_len(text: &str) -> usize {
    let mut is_escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

fn number_len(text: &str) -> usize {
    let is_part = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E');
    text.bytes().take_while(|byte| is_part(byte)).count()
}

fn is_too_large(number: &str) -> bool {
    number.parse::<f64>().is_ok_and(f64::is_infinite)
}

fn string(token: &str) -> String {
    let mut out = String::with_capacity(token.len());
    let mut rest = token;
    while let Some(at) = rest.find(|c| c == '\\' || u32::from(c) < 0x20) {
        out.push_str(&rest[..at]);
        let (kept, len) = special(&rest[at..]);
        out.push_str(kept);
        rest = &rest[at + len..];
    }
    out + rest
}

/// What is written for the escape or control character that the text begins with, and how long it was.
fn special(text: &str) -> (&str, usize) {
    if !text.starts_with('\\') {
        return (" ", 1);
    }
    match surrogate(text) {
        Some(Surrogate::High) if text.get(6..).and_then(surrogate) == Some(Surrogate::Low) => (&text[..12], 12),
        Some(_) => ("\\ufffd", 6),
        // Two at a time, so that `\\u` is no escape of a character.
        None => text.char_indices().nth(2).map_or((text, text.len()), |(len, _)| (&text[..len], len)),
    }
}

#[derive(PartialEq, Eq)]
enum Surrogate {
    High,
    Low,
}

/// Whether the text begins with the escape of one half of a pair.
fn surrogate(text: &str) -> Option<Surrogate> {
    let unit = u16::from_str_radix(text.strip_prefix("\\u")?.get(..4)?, 16).ok()?;
    match unit {
        0xd800..=0xdbff => Some(Surrogate::High),
        0xdc00..=0xdfff => Some(Surrogate::Low),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    #[test]
    fn only_what_no_parser_takes_is_rewritten() {
        for (written, expected) in [
            (r#"{"a":"\ud83d"}"#, r#"{"a":"\ufffd"}"#),
            (r#""\ud83d\ude00 \\ud83d \"""#, r#""\ud83d\ude00 \\ud83d \"""#),
            (r#""\ude00\ud83d\ud83d\ude00""#, r#""\ufffd\ufffd\ud83d\ude00""#),
            ("[1e400,-1E+400,1e30,-0.5]", r#"["1e400","-1E+400",1e30,-0.5]"#),
            ("{\"a\":\"b\nc\0\"}\t", "{\"a\":\"b c \"} "),
            (r#""never ends \ud8"#, r#""never ends \ud8"#),
        ] {
            assert_eq!(mended(written), expected);
        }
        let deep = |levels: usize| format!("{}7{}", "[".repeat(levels), "]".repeat(levels));
        assert_eq!(mended(&deep(DEPTH_MAX)), deep(DEPTH_MAX));
        assert_eq!(mended(&deep(DEPTH_MAX + 200)), deep(DEPTH_MAX).replace('7', "null"));
    }

    #[test]
    fn a_number_that_a_float_would_change_is_kept_as_text() {
        for (written, expected) in [
            ("[99999999999999.99, 19.990000000000002]", r#"["99999999999999.99", "19.990000000000002"]"#),
            ("[9999999999999.99,1795423253429977,0.1e-5]", "[9999999999999.99,1795423253429977,0.1e-5]"),
            ("[18446744073709551616,-0.1234567890123456e2]", r#"["18446744073709551616","-0.1234567890123456e2"]"#),
            (r#""1.2345678901234567""#, r#""1.2345678901234567""#),
        ] {
            assert_eq!(exact(written), expected);
        }
        assert!(has_long_number(br#"{"item_price":1.004999999999999999}"#));
        assert!(!has_long_number(br#"{"item_price":19.99,"biz_opaque_callback_data":"b:1:1795423253429977"}"#));
    }

    proptest! {
        #[test]
        fn json_that_is_whole_means_the_same_afterwards(text in any::<String>(), number in any::<f64>()) {
            let whole = serde_json::json!({ "text": [text], "number": number, &text: null });

            let read = |json: &str| serde_json::from_str::<Value>(json).unwrap();

            prop_assert_eq!(read(&mended(&whole.to_string())), read(&whole.to_string()));
        }

        #[test]
        fn no_text_makes_it_panic(text in "(\\\\u|\\\\|d83d|\"|[{}\\[\\]]|1e9|\\PC){0,40}") {
            let _ = mended(&text);
        }
    }
}
