//! Cuts a filter into tokens: a sign, a key with its operator, a value, quotes undone. Knows no keys by name.

use std::borrow::Cow;
use std::iter::Peekable;
use std::str::Chars;

use super::Sense;
use crate::domain::phone::spelling;

/// What stands between blanks.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct FilterToken {
    /// Where it begins in the text, in characters from 1.
    pub at: usize,
    pub sense: Sense,
    pub key: Option<TokenKey>,
    pub value: String,
    /// Quotes stood around the value: it is text, even if it has a key's form.
    pub quoted: Quoting,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct TokenKey {
    /// In lower case.
    pub word: String,
    pub operator: KeyOperator,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum KeyOperator {
    Colon,
    After,
    Before,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Quoting {
    Yes,
    No,
}

/// All tokens of a text. Never fails: an open quote runs to the end, as it does while somebody types.
pub(super) fn split(text: &str) -> Vec<FilterToken> {
    let mut chars = text.chars().peekable();
    let mut tokens = Vec::new();
    loop {
        while chars.next_if(|c| c.is_whitespace()).is_some() {}
        if chars.peek().is_none() {
            return tokens;
        }
        let at = text.chars().count() - chars.clone().count() + 1;
        tokens.push(token(at, &mut chars));
    }
}

fn token(at: usize, chars: &mut Peekable<Chars<'_>>) -> FilterToken {
    let negated = chars.next_if(|&c| c == '-' || c == '\u{2212}').is_some();
    let sense = if negated { Sense::IsNot } else { Sense::Is };
    if chars.peek() == Some(&'"') {
        return FilterToken { at, sense, key: None, value: quoted_value(chars), quoted: Quoting::Yes };
    }
    let mut word = String::new();
    while let Some(c) = chars.next_if(|c| !c.is_whitespace()) {
        if let Some(key) = key(&word, c) {
            chars.next_if_eq(&'=');
            let (value, quoted) = value(chars);
            return FilterToken { at, sense, key: Some(key), value, quoted };
        }
        word.push(c);
    }
    FilterToken { at, sense, key: None, value: word, quoted: Quoting::No }
}

/// A key is a word of letters: `14:00` and links have none.
fn key(word: &str, c: char) -> Option<TokenKey> {
    let operator = match c {
        ':' => KeyOperator::Colon,
        '>' => KeyOperator::After,
        '<' => KeyOperator::Before,
        _ => return None,
    };
    let is_word = !word.is_empty() && word.chars().all(|c| c.is_alphabetic() || c == '_');
    is_word.then(|| TokenKey { word: word.to_lowercase(), operator })
}

fn value(chars: &mut Peekable<Chars<'_>>) -> (String, Quoting) {
    if chars.peek() == Some(&'"') {
        return (quoted_value(chars), Quoting::Yes);
    }
    let mut value = String::new();
    while let Some(c) = chars.next_if(|c| !c.is_whitespace()) {
        value.push(c);
    }
    (value, Quoting::No)
}

fn quoted_value(chars: &mut Peekable<Chars<'_>>) -> String {
    let mut value = String::new();
    chars.next();
    while let Some(c) = chars.next() {
        if c == '"' && chars.next_if_eq(&'"').is_none() {
            break;
        }
        value.push(c);
    }
    value
}

/// A value as it must be typed: in quotes unless it can be taken for nothing else.
pub(super) fn quoted(text: &str) -> Cow<'_, str> {
    let is_plain = !text.is_empty() && text.chars().all(char::is_alphanumeric) && spelling::read(text).is_err();
    if is_plain { Cow::Borrowed(text) } else { Cow::Owned(format!("\"{}\"", text.replace('"', "\"\""))) }
}
