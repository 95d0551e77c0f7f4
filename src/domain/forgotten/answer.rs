//! A stored answer without what names a person: their names and ids as whole words, their texts wherever they stand.

use serde_json::Value;

/// What stands in the place of a word or a text.
const GONE: &str = "(forgotten)";

/// From this many characters on a text without a blank is one person's: `ok` and `yes` are everybody's.
const OWN_TEXT_FROM: usize = 20;

/// What names a person in an answer.
#[derive(Debug, Default)]
pub struct AnswerWords {
    /// The longest first, so that no part of it is left.
    words: Vec<String>,
    /// Gone from lists of tags alone: elsewhere the same word may be any.
    tags: Vec<String>,
}

impl AnswerWords {
    /// `texts` may have short words, which name nobody and stay.
    pub fn new(names: &[String], ids: &[String], texts: &[String]) -> Self {
        let words = names.iter().chain(ids).map(|word| word.trim()).filter(|word| word.chars().count() > 1);
        let texts = texts.iter().map(|text| text.trim()).filter(|text| is_own(text));
        let mut all: Vec<String> = words.chain(texts).map(str::to_owned).collect();
        all.sort_unstable_by(|a, b| b.len().cmp(&a.len()).then(a.cmp(b)));
        all.dedup();
        Self { words: all, tags: Vec::new() }
    }

    /// Also without these tags.
    #[must_use]
    pub fn with_tags(mut self, tags: &[String]) -> Self {
        self.tags = tags.to_vec();
        self
    }

    /// The words and tags, for a quick look.
    pub fn all(&self) -> impl Iterator<Item = &str> {
        self.words.iter().chain(&self.tags).map(String::as_str)
    }

    /// The answer without them; `None`: it has none of them. What it calls its fields stays.
    pub fn taken_out_of(&self, answer: &Value) -> Option<Value> {
        let mut left = answer.clone();
        self.take_out(&mut left);
        (left != *answer).then_some(left)
    }

    fn take_out(&self, value: &mut Value) {
        match value {
            Value::String(text) => {
                for word in &self.words {
                    *text = without(text, word);
                }
            }
            Value::Array(values) => values.iter_mut().for_each(|value| self.take_out(value)),
            Value::Object(fields) => {
                if let Some(Value::Array(tags)) = fields.get_mut("tags") {
                    tags.retain(|tag| !tag.as_str().is_some_and(|tag| self.has_tag(tag)));
                }
                fields.values_mut().for_each(|value| self.take_out(value));
            }
            _ => {}
        }
    }
}

impl AnswerWords {
    fn has_tag(&self, tag: &str) -> bool {
        self.tags.iter().any(|own| own.to_lowercase() == tag.to_lowercase())
    }
}

/// A text that nobody else would write by chance.
fn is_own(text: &str) -> bool {
    let length = text.chars().count();
    length >= OWN_TEXT_FROM || (length > 7 && text.contains(char::is_whitespace))
}

/// A text without a word, in any capitals, that no letter or digit goes on with.
fn without(text: &str, word: &str) -> String {
    let (chars, word): (Vec<char>, Vec<char>) = (text.chars().collect(), word.chars().collect());
    let goes_on = |at: Option<usize>, with: Option<&char>| {
        let beside = at.and_then(|at| chars.get(at));
        with.is_some_and(|c| c.is_alphanumeric()) && beside.is_some_and(|c| c.is_alphanumeric())
    };
    let mut left = String::with_capacity(text.len());
    let mut at = 0;
    while let Some(&c) = chars.get(at) {
        let end = at + word.len();
        let is_word = chars.get(at..end).is_some_and(|part| part.iter().zip(&word).all(|(a, b)| is_same(*a, *b)))
            && !goes_on(at.checked_sub(1), word.first())
            && !goes_on(Some(end), word.last());
        if is_word {
            left.push_str(GONE);
            at = end;
        } else {
            left.push(c);
            at += 1;
        }
    }
    left
}

/// Whether two letters differ in their capitals at most.
fn is_same(a: char, b: char) -> bool {
    a == b || a.to_lowercase().eq(b.to_lowercase())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn words(names: &[&str], ids: &[&str], texts: &[&str]) -> AnswerWords {
        let owned = |list: &[&str]| list.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
        let [names, ids, texts] = [names, ids, texts].map(owned);
        AnswerWords::new(&names, &ids, &texts)
    }

    #[test]
    fn a_name_goes_as_a_whole_word_in_any_capitals_and_no_field_loses_its_name() {
        let words = words(&["Ali", "Ali Baba"], &[], &[]);
        let answer = json!({ "Ali": [{ "name": "Ali Baba" }], "detail": "ALI, and Alia\nand validity", "n": 7 });

        let left = words.taken_out_of(&answer).unwrap();

        let expected =
            json!({ "Ali": [{ "name": "(forgotten)" }], "detail": "(forgotten), and Alia\nand validity", "n": 7 });
        assert_eq!(left, expected);
        assert_eq!(words.taken_out_of(&json!({ "name": "Alia" })), None);
    }

    #[test]
    fn a_tag_that_is_theirs_alone_goes_from_lists_of_tags() {
        let words = words(&[], &[], &[]).with_tags(&["new".to_owned()]);
        let answer = json!({ "state": "new", "tags": ["VIP", "New"], "customer": { "tags": ["new"] } });

        let left = words.taken_out_of(&answer);

        assert_eq!(left, Some(json!({ "state": "new", "tags": ["VIP"], "customer": { "tags": [] } })));
    }

    #[test]
    fn a_text_goes_wherever_it_stands_and_a_word_that_everybody_writes_stays() {
        let words = words(&[], &["user-77"], &["ok", "send to Jalan Kenanga 17", "approved"]);

        let left =
            words.taken_out_of(&json!(["ok", "approved", "note: send to Jalan Kenanga 17!", "user-77", "user-778"]));

        assert_eq!(left, Some(json!(["ok", "approved", "note: (forgotten)!", "(forgotten)", "user-778"])));
    }
}
