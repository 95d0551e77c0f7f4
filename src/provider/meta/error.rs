//! Meta's error objects, in HTTP answers and in webhooks, in all the forms that they come in.

use serde_json::Value;

use super::super::lenient::{flag, integer, short};

/// An error of Meta's.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MetaError {
    pub code: Option<i64>,
    pub subcode: Option<i64>,
    /// Meta's sentence, for people.
    pub message: String,
    /// Whether Meta says that it passes by itself.
    pub is_transient: bool,
}

impl MetaError {
    /// The error of an answer: `error`, else the first of `errors`.
    pub fn of_answer(body: &Value) -> Option<Self> {
        let error = body.get("error").filter(|error| !error.is_null());
        let error = error.or_else(|| body.get("errors")?.as_array()?.first());
        error.map(Self::of)
    }

    /// One error object; a bare text is its message, a bare number its code.
    pub fn of(error: &Value) -> Self {
        match error {
            Value::Object(_) => Self::of_object(error),
            Value::String(text) => {
                Self { code: code_in(text), message: without_tokens(short(text)), ..Self::default() }
            }
            other => Self { code: integer(other), ..Self::default() },
        }
    }

    fn of_object(error: &Value) -> Self {
        // Some gateways in between wrap it once more.
        if error.get("code").is_none()
            && let Some(inner) = error.get("error").filter(|inner| inner.is_object())
        {
            return Self::of(inner);
        }
        let text = |key: &str| error.get(key).and_then(Value::as_str).map(short).filter(|text| !text.is_empty());
        let message = text("message").or_else(|| text("title")).or_else(|| text("error_user_title"));
        let code = error.get("code").and_then(integer).or_else(|| message.as_deref().and_then(code_in));
        Self {
            code,
            subcode: error.get("error_subcode").and_then(integer),
            message: without_tokens(sentence(message, details(error).or_else(|| text("error_user_msg")))),
            is_transient: error.get("is_transient").and_then(flag) == Some(true),
        }
    }

    /// The code as text; `error` where there is none.
    pub fn code_text(&self) -> String {
        self.code.map_or_else(|| "error".to_owned(), |code| code.to_string())
    }
}

/// `error_data` is an object with `details`, or a text.
fn details(error: &Value) -> Option<String> {
    let data = error.get("error_data").or_else(|| error.get("details"))?;
    let text = data.as_str().or_else(|| data.get("details")?.as_str())?;
    Some(short(text)).filter(|text| !text.is_empty())
}

/// The details say more than the title, which they often repeat.
fn sentence(message: Option<String>, details: Option<String>) -> String {
    match (message, details) {
        (Some(message), Some(details)) if details.contains(&message) => details,
        (Some(message), Some(details)) if message.contains(&details) => message,
        (Some(message), Some(details)) => format!("{message}: {details}"),
        (one, other) => one.or(other).unwrap_or_default(),
    }
}

/// Meta repeats a token that it cannot read: sentences go to logs and screens.
fn without_tokens(sentence: String) -> String {
    const OPENING: &str = "EAA";
    const SHORTEST: usize = 16;
    if !sentence.contains(OPENING) {
        return sentence;
    }
    let is_token = |word: &str| word.len() >= SHORTEST && word.starts_with(OPENING);
    let runs = sentence.split_inclusive(|c: char| !c.is_ascii_alphanumeric());
    let masked = runs.map(|run| {
        let word = run.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
        if is_token(word) { [OPENING, "…", &run[word.len()..]].concat() } else { run.to_owned() }
    });
    masked.collect()
}

/// The code in a message such as `(#130429) Rate limit hit`.
fn code_in(message: &str) -> Option<i64> {
    let (code, _) = message.split_once("(#")?.1.split_once(')')?;
    code.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn read(error: &Value) -> (Option<i64>, String) {
        let error = MetaError::of_answer(&json!({ "error": error })).unwrap();
        (error.code, error.message)
    }

    #[test]
    fn the_documented_form_gives_code_and_both_sentences() {
        let error = json!({
            "message": "(#130429) Rate limit hit", "type": "OAuthException", "code": 130_429,
            "error_data": { "messaging_product": "whatsapp", "details": "Too many messages from this number" },
            "error_subcode": 2_494_055, "is_transient": true, "fbtrace_id": "Az8or2yhqkZfEZ"
        });

        let error = MetaError::of(&error);

        assert_eq!((error.code, error.is_transient), (Some(130_429), true));
        assert_eq!(error.message, "(#130429) Rate limit hit: Too many messages from this number");
    }

    #[test]
    fn every_odd_form_gives_what_it_has() {
        let cases = [
            (json!({ "code": "131026", "message": "Undeliverable" }), (Some(131_026), "Undeliverable")),
            (json!({ "message": "(#131047) Re-engagement" }), (Some(131_047), "(#131047) Re-engagement")),
            (json!({ "code": 100, "error_data": "to is not valid" }), (Some(100), "to is not valid")),
            (json!({ "code": 1, "message": "m", "error_user_msg": "try later" }), (Some(1), "m: try later")),
            (json!({ "code": 131_051, "title": "Unsupported", "message": null }), (Some(131_051), "Unsupported")),
            (json!({ "code": 1, "message": "a", "error_data": { "details": "a b" } }), (Some(1), "a b")),
            (json!({ "error": { "code": 190, "message": "expired" } }), (Some(190), "expired")),
            (json!("(#4) Too many calls"), (Some(4), "(#4) Too many calls")),
            (json!("down"), (None, "down")),
            (json!(190), (Some(190), "")),
            (json!({}), (None, "")),
            (json!([]), (None, "")),
        ];
        for (error, (code, message)) in cases {
            assert_eq!(read(&error), (code, message.to_owned()), "{error}");
        }
        let listed = json!({ "errors": [{ "code": 131_000, "title": "Something went wrong" }] });
        assert_eq!(MetaError::of_answer(&listed).unwrap().code, Some(131_000));
        assert_eq!(MetaError::of_answer(&json!({ "error": null, "messages": [] })), None);
    }

    #[test]
    fn numbers_and_flags_come_in_any_spelling() {
        let error = MetaError::of(&json!({ "code": 131_026.0, "is_transient": "true" }));

        assert_eq!((error.code, error.is_transient), (Some(131_026), true));
        assert!(!MetaError::of(&json!({ "is_transient": "no" })).is_transient);
    }

    #[test]
    fn a_token_that_meta_repeats_is_not_passed_on() {
        let message = "Malformed access token EAAGm0PX4ZCpsBAKZBb7ZC8qT2x, EAA is fine.";

        let (_, shown) = read(&json!({ "code": 190, "message": message }));

        assert_eq!(shown, "Malformed access token EAA…, EAA is fine.");
        assert_eq!(read(&json!("EAAGm0PX4ZCpsBAKZBb7ZC8qT2x")).1, "EAA…");
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "(EAA|\\PC){0,40}") {
            let _ = read(&json!(text));
            let _ = read(&json!({ "message": text, "code": text, "error_data": text }));
        }
    }
}
