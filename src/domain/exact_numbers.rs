//! Numbers that a reader of JSON makes others of: those with more digits than a float holds are rounded, and fractions in the values of people
//! lose their last zeros. They are read as texts.

use std::borrow::Cow;

use serde_json::Number;

/// What a person's number is called in an object.
pub const PHONE_KEYS: [&str; 4] = ["phone_number", "phoneNumber", "phone", "to"];

/// What people are called in a body: those of a blast, and who opts out.
const PEOPLE_KEYS: [&str; 3] = ["recipients", "phone_numbers", "phoneNumbers"];

/// What is read as a number or as its text: of money no digit is lost.
const NUMBER_KEYS: [&str; 3] = ["price", "amount", "quantity"];

/// What the values that messages are made of are called.
const VALUES_KEYS: [&str; 3] = ["variables", "templateVariables", "template_variables"];

/// What the parts of a template are called that its values stand in, as Meta's own call has them or in short.
const PARTS_KEYS: [&str; 7] = [
    "components",
    "templateComponents",
    "template_components",
    "header",
    "templateHeader",
    "template_header",
    "buttons",
];

/// What the texts among these parts are called. Other numbers there are Meta's, such as an index.
const TEXT_KEYS: [&str; 6] = ["text", "payload", "coupon_code", "code", "suffix", "fallback_value"];

/// A float holds any decimal number of so many digits.
const DIGITS_MAX: usize = 15;

/// The same JSON, with each fraction of more digits than a float holds as a text of the digits that were sent, where a number may stand for a
/// text; and so each fraction that ends in a zero among the values of people and of templates. A list is one of people. Everywhere else a number
/// stays one, so that it is refused where a text belongs.
pub fn exact(json: &[u8]) -> Cow<'_, [u8]> {
    let is_list = json.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[');
    rewritten(json, JsonPlace { people: is_list.then_some(0), ..JsonPlace::default() })
}

/// The same of one person.
pub fn exact_of_person(json: &[u8]) -> Cow<'_, [u8]> {
    rewritten(json, JsonPlace { people: Some(0), ..JsonPlace::default() })
}

fn rewritten<'a>(json: &'a [u8], mut place: JsonPlace<'a>) -> Cow<'a, [u8]> {
    let mut out: Option<Vec<u8>> = None;
    let (mut at, mut written) = (0, 0);
    while at < json.len() {
        let len = match json[at] {
            b'"' => string_len(&json[at..]),
            b'-' | b'0'..=b'9' => number_len(&json[at..]),
            _ => 1,
        };
        let token = &json[at..at + len];
        place.pass(token);
        if place.keeps_digits() && is_rounded(token) || place.keeps_zeros() && ends_in_zero(token) {
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

/// Where in the JSON a value stands.
#[derive(Debug, Default)]
struct JsonPlace<'a> {
    depth: usize,
    /// The last text.
    text: &'a [u8],
    /// What the value that follows is called.
    name: Option<&'a [u8]>,
    /// How deep the people stand that it is among.
    people: Option<usize>,
    /// How deep the values stand that it is among.
    values: Option<usize>,
    /// How deep the parts of a template stand that it is among.
    parts: Option<usize>,
}

impl<'a> JsonPlace<'a> {
    fn pass(&mut self, token: &'a [u8]) {
        match token[0] {
            b'"' => self.text = token.get(1..token.len() - 1).unwrap_or_default(),
            b':' => self.name = Some(self.text),
            b',' => self.name = None,
            b'{' | b'[' => self.open(),
            b'}' | b']' => self.close(),
            _ => {}
        }
    }

    fn open(&mut self) {
        self.depth += 1;
        if self.is_called(&PEOPLE_KEYS) {
            self.people.get_or_insert(self.depth);
        }
        if self.is_called(&VALUES_KEYS) {
            self.values.get_or_insert(self.depth);
        }
        if self.is_called(&PARTS_KEYS) {
            self.parts.get_or_insert(self.depth);
        }
        self.name = None;
    }

    fn close(&mut self) {
        self.people = self.people.filter(|depth| *depth != self.depth);
        self.values = self.values.filter(|depth| *depth != self.depth);
        self.parts = self.parts.filter(|depth| *depth != self.depth);
        self.depth = self.depth.saturating_sub(1);
        self.name = None;
    }

    fn is_called(&self, names: &[&str]) -> bool {
        self.name.is_some_and(|own| names.iter().any(|name| name.as_bytes() == own))
    }

    /// Whether a number here may be read as the text of its digits.
    fn keeps_digits(&self) -> bool {
        self.people.is_some() || self.values.is_some() || self.parts.is_some() || self.is_called(&NUMBER_KEYS)
    }

    /// Whether a number here is read as it is written. Of phones none is: a fraction there is refused as one.
    fn keeps_zeros(&self) -> bool {
        match self.values {
            Some(depth) => depth == self.depth,
            None if self.parts.is_some() && self.is_called(&TEXT_KEYS) => true,
            None => self.people.is_some() && self.name.is_some() && !self.is_called(&PHONE_KEYS),
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

/// Whether it is a fraction that ends in a zero.
fn ends_in_zero(token: &[u8]) -> bool {
    token.ends_with(b"0")
        && token.contains(&b'.')
        && !token.iter().any(|byte| matches!(byte, b'e' | b'E'))
        && serde_json::from_slice::<Number>(token).is_ok()
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
            (
                r#"{"message":12345678901234567890123,"template":{"name":1.2345678901234567}}"#,
                r#"{"message":12345678901234567890123,"template":{"name":1.2345678901234567}}"#,
            ),
            (
                r#"{"phone_numbers":[12345678901234567890123],"note":12345678901234567890123}"#,
                r#"{"phone_numbers":["12345678901234567890123"],"note":12345678901234567890123}"#,
            ),
            (r#"{"variables":{"n":12345678901234567890123}}"#, r#"{"variables":{"n":"12345678901234567890123"}}"#),
            (r#"{"never ends"#, r#"{"never ends"#),
            ("[1.2345678901234567.8]", "[1.2345678901234567.8]"),
        ] {
            assert_eq!(String::from_utf8_lossy(&exact(sent.as_bytes())), read);
        }
    }

    #[test]
    fn the_values_of_people_and_of_templates_alone_keep_the_zeros_of_a_fraction() {
        for (sent, read) in [
            (
                r#"{"recipients":[{"phone":60123456789.0,"a":12.50,"b":0.5}],"rate_limit":20.0}"#,
                r#"{"recipients":[{"phone":60123456789.0,"a":"12.50","b":0.5}],"rate_limit":20.0}"#,
            ),
            (
                r#"{"template":{"variables":{"to":12.50,"of":{"n":12.0}},"components":[3.0]},"price":12.50}"#,
                r#"{"template":{"variables":{"to":"12.50","of":{"n":12.0}},"components":[3.0]},"price":12.50}"#,
            ),
            (
                r#"{"components":[{"index":1.0,"parameters":[{"text":39.90},{"amount_1000":500.0}]}],"text":1.50}"#,
                r#"{"components":[{"index":1.0,"parameters":[{"text":"39.90"},{"amount_1000":500.0}]}],"text":1.50}"#,
            ),
            (
                r#"{"header":{"text":7.00},"buttons":[{"payload":1.50,"index":0}],"payload":1.50}"#,
                r#"{"header":{"text":"7.00"},"buttons":[{"payload":"1.50","index":0}],"payload":1.50}"#,
            ),
            (r#"{"templateVariables":[12.50, 1.50e2, -3.00]}"#, r#"{"templateVariables":["12.50", 1.50e2, "-3.00"]}"#),
            (r#" [60123456789.0, {"to":1.50,"n":1.50,"m":10}]"#, r#" [60123456789.0, {"to":1.50,"n":"1.50","m":10}]"#),
            (r#"{"name":"recipients","n":1.50,"in":{"n":1.50}}"#, r#"{"name":"recipients","n":1.50,"in":{"n":1.50}}"#),
            (r#"{"recipients":["variables:"],"n":[1.50]}"#, r#"{"recipients":["variables:"],"n":[1.50]}"#),
        ] {
            assert_eq!(String::from_utf8_lossy(&exact(sent.as_bytes())), read);
        }

        let person = exact_of_person(br#"{"phone":"60123456789","price":12.50}"#);
        assert_eq!(String::from_utf8_lossy(&person), r#"{"phone":"60123456789","price":"12.50"}"#);
    }
}
