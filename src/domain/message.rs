//! The text of a blast: a template with variables, rendered once per person. Knows columns by name only, never files.
//!
//! `{name}` stands for a column, `{name|there}` for the column or, where it is empty, the default; `{{` and `}}` are
//! plain braces.

use std::collections::BTreeMap;
use std::str::FromStr;

use thiserror::Error;

use super::text::is_invisible;

/// The longest text that WhatsApp accepts, in characters.
pub const TEXT_MAX: usize = 4_096;

/// A parsed template. Immutable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    template: String,
    parts: Vec<TemplatePart>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum TemplatePart {
    Literal(String),
    Variable { name: String, default: Option<String> },
}

/// Why a template is refused. Places count characters from 1.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum MessageError {
    #[error("the message is empty: write the text that people will read")]
    Empty,
    #[error("the message has {chars} characters, {} more than WhatsApp takes ({TEXT_MAX}): shorten it", chars - TEXT_MAX)]
    TooLong { chars: usize },
    #[error("character {at}: `{{` is never closed: close it as in {{name}}, or write {{{{ for a plain brace")]
    Unclosed { at: usize },
    #[error("character {at}: `}}` closes nothing: write }}}} for a plain brace")]
    Unopened { at: usize },
    #[error("character {at}: a variable without a name: write a column's name between the braces, as in {{name}}")]
    Nameless { at: usize },
    #[error("character {at}: a brace within a variable: close the first one before, or write {{{{ for a plain brace")]
    Nested { at: usize },
    #[error("character {at}: an invisible control character (U+{code:04X}): take it out")]
    Control { at: usize, code: u32 },
}

/// Why the template cannot be rendered for one person.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RenderError {
    #[error("{name} is empty: fill it in, or give a default as in {{{name}|there}}")]
    Missing { name: String },
    #[error("the text comes to {chars} characters, {} more than WhatsApp takes ({TEXT_MAX})", chars - TEXT_MAX)]
    TooLong { chars: usize },
    #[error("the text comes out empty")]
    Empty,
}

impl Message {
    /// Reads a template. A byte order mark and line breaks at the end are dropped, CRLF becomes LF.
    pub fn parse(template: &str) -> Result<Self, MessageError> {
        let template = template.strip_prefix('\u{feff}').unwrap_or(template).replace("\r\n", "\n");
        let template = template.trim_end_matches('\n').to_owned();
        if is_blank(&template) {
            return Err(MessageError::Empty);
        }
        let parts = TemplateParser::new(&template).read()?;
        let chars = parts.iter().map(TemplatePart::least_chars).sum();
        if chars > TEXT_MAX {
            return Err(MessageError::TooLong { chars });
        }
        Ok(Self { template, parts })
    }

    /// A text without variables: braces in it are braces.
    pub fn literal(text: &str) -> Result<Self, MessageError> {
        Self::parse(&text.replace('{', "{{").replace('}', "}}"))
    }

    /// The template, for storing and showing; parses to the same message again.
    pub fn template(&self) -> &str {
        &self.template
    }

    /// Every variable's name, folded as [`Variables`] folds it, once each, in the order of the text.
    pub fn variables(&self) -> Vec<&str> {
        distinct(self.parts.iter().filter_map(|part| match part {
            TemplatePart::Variable { name, .. } => Some(name.as_str()),
            TemplatePart::Literal(_) => None,
        }))
    }

    /// The first word that stands in braces in everybody's text, as a column does in other programs' doubled braces: `{name}` of `{{name}}`.
    pub fn word_in_braces(&self) -> Option<&str> {
        self.parts.iter().find_map(|part| match part {
            TemplatePart::Literal(text) => text.match_indices('{').find_map(|(at, _)| {
                let end = text[at..].find('}')?;
                let word = text[at + 1..at + end].split('|').next().unwrap_or_default().trim();
                let is_word = !word.is_empty() && word.chars().all(|c| c.is_alphanumeric() || "_ -".contains(c));
                is_word.then(|| &text[at..=at + end])
            }),
            TemplatePart::Variable { .. } => None,
        })
    }

    /// The text for one person. Values are put in as they are: braces in a name mean nothing.
    pub fn render(&self, variables: &Variables) -> Result<String, RenderError> {
        let mut text = String::with_capacity(self.template.len() + 32);
        for part in &self.parts {
            text.push_str(part.text(variables)?);
        }
        let chars = text.chars().count();
        if is_blank(&text) {
            return Err(RenderError::Empty);
        }
        if chars > TEXT_MAX { Err(RenderError::TooLong { chars }) } else { Ok(text) }
    }
}

/// Whether nobody would see anything of a text.
fn is_blank(text: &str) -> bool {
    text.chars().all(|c| c.is_whitespace() || is_invisible(c))
}

impl FromStr for Message {
    type Err = MessageError;

    fn from_str(template: &str) -> Result<Self, Self::Err> {
        Self::parse(template)
    }
}

impl TemplatePart {
    /// The least length of a rendered text: no variable may be empty, but any may be short.
    fn least_chars(&self) -> usize {
        match self {
            Self::Literal(text) => text.chars().count(),
            Self::Variable { .. } => 0,
        }
    }

    fn text<'a>(&'a self, variables: &'a Variables) -> Result<&'a str, RenderError> {
        match self {
            Self::Literal(text) => Ok(text),
            Self::Variable { name, default } => {
                variables.get(name).or(default.as_deref()).ok_or_else(|| RenderError::Missing { name: name.clone() })
            }
        }
    }
}

fn distinct<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut once = Vec::new();
    for name in names {
        if !once.contains(&name) {
            once.push(name);
        }
    }
    once
}

/// Walks a template once, keeping the place for errors.
struct TemplateParser<'a> {
    chars: std::iter::Peekable<std::iter::Enumerate<std::str::Chars<'a>>>,
    parts: Vec<TemplatePart>,
    literal: String,
}

impl<'a> TemplateParser<'a> {
    fn new(template: &'a str) -> Self {
        Self { chars: template.chars().enumerate().peekable(), parts: Vec::new(), literal: String::new() }
    }

    fn read(mut self) -> Result<Vec<TemplatePart>, MessageError> {
        while let Some((at, c)) = self.chars.next() {
            let at = at + 1;
            match c {
                '{' | '}' if self.chars.next_if(|(_, next)| *next == c).is_some() => self.literal.push(c),
                '{' => self.variable(at)?,
                '}' => return Err(MessageError::Unopened { at }),
                c if is_refused(c) => return Err(MessageError::Control { at, code: u32::from(c) }),
                c => self.literal.push(c),
            }
        }
        self.end_literal();
        Ok(self.parts)
    }

    fn variable(&mut self, opened: usize) -> Result<(), MessageError> {
        let mut inside = String::new();
        loop {
            match self.chars.next() {
                None => return Err(MessageError::Unclosed { at: opened }),
                Some((_, '}')) => break,
                Some((at, '{')) => return Err(MessageError::Nested { at: at + 1 }),
                Some((at, c)) if is_refused(c) => return Err(MessageError::Control { at: at + 1, code: u32::from(c) }),
                Some((_, c)) => inside.push(c),
            }
        }
        let (name, default) = match inside.split_once('|') {
            Some((name, default)) => (name, Some(default.to_owned())),
            None => (inside.as_str(), None),
        };
        let name = fold_name(name);
        if name.is_empty() {
            return Err(MessageError::Nameless { at: opened });
        }
        self.end_literal();
        self.parts.push(TemplatePart::Variable { name, default });
        Ok(())
    }

    fn end_literal(&mut self) {
        if !self.literal.is_empty() {
            self.parts.push(TemplatePart::Literal(std::mem::take(&mut self.literal)));
        }
    }
}

fn is_refused(c: char) -> bool {
    c.is_control() && !matches!(c, '\n' | '\t')
}

/// A person's values by column name. Names are folded (case, outer and repeated spaces), values trimmed; an empty value
/// is no value.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Variables(BTreeMap<String, String>);

impl Variables {
    /// Sets a value. NUL and other control characters but line break and tab are dropped: neither Postgres nor WhatsApp
    /// takes them.
    pub fn set(&mut self, name: &str, value: &str) {
        let kept: String = value.trim().chars().filter(|&c| !is_refused(c)).collect();
        if kept.is_empty() {
            self.0.remove(&fold_name(name));
        } else {
            self.0.insert(fold_name(name), kept);
        }
    }

    /// The value of a column, in any case; `None` when it is absent or empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        let value = self.0.get(name).or_else(|| self.0.get(&fold_name(name)))?;
        Some(value.as_str()).filter(|value| !value.trim().is_empty())
    }

    /// All of them, by folded name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<N: AsRef<str>, V: AsRef<str>> FromIterator<(N, V)> for Variables {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        let mut variables = Self::default();
        for (name, value) in pairs {
            variables.set(name.as_ref(), value.as_ref());
        }
        variables
    }
}

/// The one spelling of a column's name: lower case, no outer spaces, inner runs of spaces as one.
pub fn fold_name(name: &str) -> String {
    if name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_')) {
        return name.to_owned();
    }
    let lower = name.trim_start_matches('\u{feff}').to_lowercase();
    lower.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;
