//! Just enough Rust to see which top modules a file names: words and signs, without comments and texts.

use std::collections::VecDeque;
use std::path::Path;

/// A top module named in a file; `*` when the file takes the whole crate.
#[derive(Debug, PartialEq, Eq)]
pub struct Named {
    pub room: String,
    pub line: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Token {
    text: String,
    line: usize,
}

/// Every `crate::room`, `blastdeck::room`, and `super::room` that climbs to the top, alone or in braces.
pub fn rooms_named(path: &Path, text: &str) -> Vec<Named> {
    let tokens = tokens(text);
    let mut walk = Walk {
        tokens: &tokens,
        file_depth: path.components().count(),
        modules: Vec::new(),
        braces: 0,
        found: Vec::new(),
    };
    walk.run();
    walk.found
}

struct Walk<'a> {
    tokens: &'a [Token],
    /// How many `super` lead from the file to the crate: one for `store.rs`, two for `store/local.rs`.
    file_depth: usize,
    /// The brace depth of each inline module that we are in.
    modules: Vec<usize>,
    braces: usize,
    found: Vec<Named>,
}

impl<'a> Walk<'a> {
    fn run(&mut self) {
        let mut at = 0;
        while at < self.tokens.len() {
            at = match self.text(at) {
                "{" => self.open(at),
                "}" => self.close(at),
                "crate" | "blastdeck" => self.top(at),
                "super" => self.climb(at),
                _ => at + 1,
            };
        }
    }

    fn text(&self, at: usize) -> &'a str {
        self.tokens.get(at).map_or("", |token| &token.text)
    }

    fn open(&mut self, at: usize) -> usize {
        if at >= 2 && self.text(at - 2) == "mod" {
            self.modules.push(self.braces);
        }
        self.braces += 1;
        at + 1
    }

    fn close(&mut self, at: usize) -> usize {
        self.braces = self.braces.saturating_sub(1);
        self.modules.pop_if(|depth| *depth == self.braces);
        at + 1
    }

    /// At `crate`: what follows it. Alone it is a visibility, `pub(crate)`, unless it is renamed.
    fn top(&mut self, at: usize) -> usize {
        match self.text(at + 1) {
            "::" => self.member(at + 2),
            "as" => self.name("*", at),
            _ => at + 1,
        }
    }

    fn climb(&mut self, at: usize) -> usize {
        let mut supers = 1;
        while self.text(at + 2 * supers) == "super" && self.text(at + 2 * supers - 1) == "::" {
            supers += 1;
        }
        let after = at + 2 * supers;
        let to_the_top = supers == self.file_depth + self.modules.len();
        // `use super::*` of an inline test module is above its own file at most: it climbs to the top only by this count.
        if to_the_top && self.text(after - 1) == "::" { self.member(after) } else { after }
    }

    /// At what stands behind the crate's name: a room, everything, or a group of paths.
    fn member(&mut self, at: usize) -> usize {
        match self.text(at) {
            "{" => self.group(at),
            "*" | "self" => self.name("*", at),
            room => self.name(room, at),
        }
    }

    /// The first word of each path in the braces.
    fn group(&mut self, open: usize) -> usize {
        let mut depth = 1;
        let mut at = open + 1;
        let mut begins = true;
        while depth > 0 && at < self.tokens.len() {
            match self.text(at) {
                "{" => depth += 1,
                "}" => depth -= 1,
                "," => begins |= depth == 1,
                _ if begins && depth == 1 => {
                    self.member(at);
                    begins = false;
                }
                _ => {}
            }
            at += 1;
        }
        at
    }

    fn name(&mut self, room: &str, at: usize) -> usize {
        let line = self.tokens.get(at).map_or(0, |token| token.line);
        self.found.push(Named { room: room.to_owned(), line });
        at + 1
    }
}

/// The words and signs of a source text; `::` is one sign.
fn tokens(text: &str) -> Vec<Token> {
    let mut reader = Reader { rest: text.chars().collect(), line: 1, tokens: Vec::new() };
    while reader.step() {}
    reader.tokens
}

struct Reader {
    rest: VecDeque<char>,
    line: usize,
    tokens: Vec<Token>,
}

impl Reader {
    fn step(&mut self) -> bool {
        let Some(first) = self.next() else { return false };
        match (first, self.peek(0)) {
            ('/', Some('/')) => self.skip_line(),
            ('/', Some('*')) => self.skip_block(),
            ('"', _) => self.skip_text(),
            ('\'', _) => self.skip_letter(),
            ('r', Some('"' | '#')) => self.raw(),
            (':', Some(':')) => {
                self.next();
                self.push("::".to_owned());
            }
            (first, _) if first.is_alphanumeric() || first == '_' => self.word(first.to_string()),
            (first, _) if first.is_whitespace() => {}
            (first, _) => self.push(first.to_string()),
        }
        true
    }

    fn next(&mut self) -> Option<char> {
        let letter = self.rest.pop_front()?;
        self.line += usize::from(letter == '\n');
        Some(letter)
    }

    fn peek(&self, ahead: usize) -> Option<char> {
        self.rest.get(ahead).copied()
    }

    fn push(&mut self, text: String) {
        self.tokens.push(Token { text, line: self.line });
    }

    /// A word; a prefix of a text (`b"…"`, `br#"…"#`) is read as a word, and the text after it as a text.
    fn word(&mut self, mut word: String) {
        while let Some(letter) = self.peek(0).filter(|letter| letter.is_alphanumeric() || *letter == '_') {
            self.next();
            word.push(letter);
        }
        if matches!(word.as_str(), "br" | "cr") && matches!(self.peek(0), Some('"' | '#')) {
            return self.raw();
        }
        self.push(word);
    }

    fn skip_line(&mut self) {
        while self.peek(0).is_some_and(|letter| letter != '\n') {
            self.next();
        }
    }

    fn skip_block(&mut self) {
        let mut depth = 0;
        let mut last = '/';
        while let Some(letter) = self.next() {
            match (last, letter) {
                ('/', '*') => depth += 1,
                ('*', '/') => depth -= 1,
                _ => {
                    last = letter;
                    continue;
                }
            }
            if depth == 0 {
                return;
            }
            last = ' ';
        }
    }

    fn skip_text(&mut self) {
        while let Some(letter) = self.next() {
            match letter {
                '\\' => drop(self.next()),
                '"' => return,
                _ => {}
            }
        }
    }

    /// A character, or a lifetime, which has no closing quote.
    fn skip_letter(&mut self) {
        if self.peek(0) == Some('\\') {
            self.next();
            self.next();
            while self.next().is_some_and(|letter| letter != '\'') {}
        } else if self.peek(1) == Some('\'') {
            self.next();
            self.next();
        }
    }

    /// `r"…"`, `r#"…"#`; or `r#word`, which is a word.
    fn raw(&mut self) {
        let hashes = self.rest.iter().take_while(|letter| **letter == '#').count();
        self.rest.drain(..hashes);
        if self.peek(0) != Some('"') {
            return;
        }
        self.next();
        while let Some(letter) = self.next() {
            if letter == '"' && self.rest.iter().take(hashes).filter(|letter| **letter == '#').count() == hashes {
                self.rest.drain(..hashes);
                return;
            }
        }
    }
}
