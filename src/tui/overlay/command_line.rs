//! Command lines to paste: folded to the screen's width so that a shell still reads the words that were meant.

use std::iter::Peekable;
use std::str::Chars;

use super::wrapped;
use crate::tui::widget::width;

/// What is not broken: a character with what a shell needs to read it.
#[derive(Debug, Clone, PartialEq, Eq)]
enum ShellPiece {
    /// A character between single quotes. A line may end before it: the quotes are closed and opened again.
    Quoted(char),
    /// A bare character, one behind a backslash, or all that stands between double quotes.
    Bare(String),
}

/// The words of a command line, each in pieces.
struct ShellWords<'a>(Peekable<Chars<'a>>);

/// A command line after so many blanks, on several lines where it is long: a shell reads them as one. A line ends between
/// two words; a word that is wider than a line goes on at the first column, since blanks before it would end the word. So does a
/// text of several lines, which has its own line breaks between its quotes.
pub fn pasteable(command_line: &str, indent: usize, width: u16) -> impl Iterator<Item = String> {
    if let Some(text) = command_line.strip_prefix("# ") {
        return comment(text, indent, width).into_iter();
    }
    let mut folder =
        Folder { indent, max_width: width.saturating_sub(4).max(8), lines: Vec::new(), line: String::new() };
    for word in ShellWords(command_line.chars().peekable()) {
        folder.put(&word);
    }
    folder.finish().into_iter()
}

/// A sentence after so many blanks, on lines that leave a column free. A command line in it, which stands in backticks, is not broken where it
/// fits on a line; a longer one stands on lines of its own, without its backticks, as [`pasteable`] folds it.
pub fn sentence(text: &str, indent: usize, width: u16) -> Vec<String> {
    let mut lines = SentenceLines { indent, width, lines: Vec::new(), line: String::new() };
    for paragraph in text.lines() {
        let has_commands = paragraph.matches('`').count() % 2 == 0;
        let mut is_command = false;
        let ends_word = |c: char| {
            is_command ^= has_commands && c == '`';
            c == ' ' && !is_command
        };
        for word in paragraph.split_inclusive(ends_word) {
            lines.put(word);
        }
        lines.end_line();
    }
    lines.lines
}

struct SentenceLines {
    indent: usize,
    width: u16,
    lines: Vec<String>,
    /// Without the blanks before it.
    line: String,
}

impl SentenceLines {
    fn room(&self) -> u16 {
        self.width.saturating_sub(u16::try_from(self.indent).unwrap_or(u16::MAX)).saturating_sub(1)
    }

    /// A word with the blank behind it, or a command line with the marks behind it.
    fn put(&mut self, word: &str) {
        let bare = width(word.trim_end());
        let command = word.strip_prefix('`').and_then(|word| word.rsplit_once('`'));
        if let Some((command, behind)) = command.filter(|(command, _)| bare > self.room() && !command.contains('`')) {
            self.end_line();
            self.lines.extend(pasteable(command, self.indent, self.width));
            // What goes on below a command line is a line of its own, and begins with no comma.
            self.line.push_str(behind.trim_start_matches(|c: char| c.is_ascii_punctuation()).trim_start());
            return;
        }
        if !self.line.is_empty() && width(&self.line) + bare > self.room() {
            self.end_line();
        }
        self.line.push_str(word);
        if width(self.line.trim_end()) > self.room() {
            let mut pieces = wrapped(&self.line, self.room());
            self.line = pieces.pop().unwrap_or_default();
            for piece in pieces {
                self.push(&piece);
            }
        }
    }

    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        if !line.trim().is_empty() {
            self.push(&line);
        }
    }

    fn push(&mut self, line: &str) {
        self.lines.push(format!("{}{}", " ".repeat(self.indent), line.trim_end()));
    }
}

/// A comment, which a shell ends with its line: each line is one of its own.
fn comment(text: &str, indent: usize, max_width: u16) -> Vec<String> {
    let begin = format!("{}#", " ".repeat(indent));
    let mut lines = vec![begin.clone()];
    for word in text.split_whitespace() {
        let last = lines.len() - 1;
        if lines[last] != begin && width(&lines[last]) + 1 + width(word) > max_width {
            lines.push(begin.clone());
        }
        if let Some(line) = lines.last_mut() {
            line.push(' ');
            line.push_str(word);
        }
    }
    lines
}

struct Folder {
    indent: usize,
    /// How many columns a line may take, without the backslash at its end.
    max_width: u16,
    lines: Vec<String>,
    line: String,
}

impl Folder {
    fn put(&mut self, word: &[ShellPiece]) {
        let text = spelled(word);
        let first = text.split('\n').next().map_or(0, width);
        if self.line.is_empty() {
            self.line = " ".repeat(self.indent);
        } else if self.taken("") + 1 + first <= self.max_width {
            self.line.push(' ');
        } else {
            self.end_line(" \\");
            self.line = " ".repeat(self.indent);
        }
        let below = text.split('\n').skip(1).map(width).max().unwrap_or_default();
        if self.taken("") + first <= self.max_width && below <= self.max_width {
            self.line.push_str(&text);
        } else {
            self.put_in_pieces(word);
        }
    }

    /// How many columns the last line has with this text behind it: either may have line breaks of its own.
    fn taken(&self, behind: &str) -> u16 {
        match behind.rsplit_once('\n') {
            Some((_, last)) => width(last),
            None => width(self.line.rsplit('\n').next().unwrap_or_default()) + width(behind),
        }
    }

    fn put_in_pieces(&mut self, word: &[ShellPiece]) {
        let mut from = 0;
        for to in 1..=word.len() {
            let is_full = self.taken(&spelled(&word[from..to])) > self.max_width;
            if is_full && to - from > 1 {
                self.line.push_str(&spelled(&word[from..to - 1]));
                self.end_line("\\");
                from = to - 1;
            }
        }
        self.line.push_str(&spelled(&word[from..]));
    }

    fn end_line(&mut self, end: &str) {
        let lines = std::mem::take(&mut self.line) + end;
        self.lines.extend(lines.split('\n').map(str::to_owned));
    }

    fn finish(mut self) -> Vec<String> {
        self.end_line("");
        self.lines
    }
}

/// The pieces as a shell reads them, each run of quoted characters in quotes of its own.
fn spelled(pieces: &[ShellPiece]) -> String {
    let mut text = String::new();
    let mut is_open = false;
    for piece in pieces {
        if is_open != matches!(piece, ShellPiece::Quoted(_)) {
            text.push('\'');
            is_open = !is_open;
        }
        match piece {
            // Of a screen's line the blanks at its end are not copied: two quotes, which say nothing, stand behind them.
            ShellPiece::Quoted('\n') if text.ends_with(' ') => text.push_str("''\n"),
            ShellPiece::Quoted(c) => text.push(*c),
            ShellPiece::Bare(bare) => text.push_str(bare),
        }
    }
    if is_open {
        text.push('\'');
    }
    text
}

impl Iterator for ShellWords<'_> {
    type Item = Vec<ShellPiece>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.0.next_if_eq(&' ').is_some() {}
        self.0.peek()?;
        let mut pieces = Vec::new();
        while let Some(c) = self.0.next_if(|c| *c != ' ') {
            match c {
                '\'' => pieces.extend(self.0.by_ref().take_while(|c| *c != '\'').map(ShellPiece::Quoted)),
                '"' => pieces.push(ShellPiece::Bare(self.double_quoted())),
                '\\' => pieces.push(ShellPiece::Bare(c.to_string() + &String::from_iter(self.0.next()))),
                _ => pieces.push(ShellPiece::Bare(c.to_string())),
            }
        }
        Some(pieces)
    }
}

impl ShellWords<'_> {
    /// The rest of what stands between double quotes, with both of them.
    fn double_quoted(&mut self) -> String {
        let inside: String = self.0.by_ref().take_while(|c| *c != '"').collect();
        format!("\"{inside}\"")
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use proptest::prelude::{ProptestConfig, prop_assert, prop_assert_eq, proptest};

    use super::{pasteable, sentence};
    use crate::tui::widget::width;

    /// The words that a shell hands to the program.
    fn words(pasted: &str) -> Vec<String> {
        let script = format!("blastdeck() {{ printf '%s\\0' \"$@\"; }}\n{pasted}\n");
        let output = Command::new("sh").args(["-c", &script]).env("LC_ALL", "C").output().unwrap();
        assert!(output.status.success(), "{script}");
        String::from_utf8(output.stdout).unwrap().split_terminator('\0').map(str::to_owned).collect()
    }

    fn note(text: &str) -> String {
        format!("blastdeck mark 7 +60100120001 note --note '{}'", text.replace('\'', "'\\''"))
    }

    #[test]
    fn a_long_note_is_pasted_as_the_note_that_was_written() {
        let text = "wants two boxes on Friday, it's for her mother; call before noon, and not at work";
        let lines: Vec<String> = pasteable(&note(text), 12, 50).collect();

        assert_eq!(words(&lines.join("\n")), ["mark", "7", "+60100120001", "note", "--note", text]);
    }

    #[test]
    fn a_text_of_several_lines_is_pasted_with_its_line_breaks() {
        let text = "Salam {name}, it's \n\nBalas STOP";
        let line = format!("{} --tag Raya", note(text));
        let lines: Vec<String> = pasteable(&line, 2, 60).collect();

        assert_eq!(
            lines,
            [
                "  blastdeck mark 7 +60100120001 note --note \\",
                "  'Salam {name}, it'\\''s ''",
                "",
                "Balas STOP' --tag Raya"
            ]
        );
        assert_eq!(words(&lines.join("\n")), ["mark", "7", "+60100120001", "note", "--note", text, "--tag", "Raya"]);
    }

    #[test]
    fn lines_end_between_words_and_a_word_without_end_goes_on_at_the_first_column() {
        let short = "blastdeck --database-url \"$DATABASE_URL\" mark 7 +60100120001 note --note 'it'\\''s for Friday'";
        let long = "blastdeck mark 7 +60100120001 note --note 'a note that is far too long for one line'";
        let folded = |text, width| pasteable(text, 2, width).collect::<Vec<_>>();

        assert_eq!(
            folded(short, 60),
            [
                "  blastdeck --database-url \"$DATABASE_URL\" mark 7 \\",
                "  +60100120001 note --note 'it'\\''s for Friday'",
            ]
        );
        assert_eq!(
            folded(long, 34),
            [
                "  blastdeck mark 7 \\",
                "  +60100120001 note --note \\",
                "  'a note that is far too lon'\\",
                "'g for one line'"
            ]
        );
    }

    #[test]
    fn a_comment_that_is_pasted_does_nothing_however_narrow_the_screen_is() {
        let comment = "# no command copies a blast, it's made here; `touch x` makes \"another\" one";
        for screen in [30, 40, 100] {
            let lines: Vec<String> = pasteable(comment, 12, screen).collect();

            assert!(
                lines.iter().all(|line| line.trim_start().starts_with("# ") && width(line) <= screen),
                "{lines:#?}"
            );
            assert!(words(&lines.join("\n")).is_empty());
        }
    }

    #[test]
    fn a_command_line_in_a_sentence_is_pasted_as_it_is_meant_where_it_is_longer_than_a_line() {
        let program = "T='/tmp/t1/d' blastdeck --config '/tmp/t1/c/config.toml' db";
        let text = format!(
            "unless somebody ended it with `{program} stop`: then run `{program} start`, as `blastdeck help` says"
        );

        let lines = sentence(&text, 4, 50);

        assert_eq!(
            lines,
            [
                "    unless somebody ended it with",
                "    T='/tmp/t1/d' blastdeck --config \\",
                "    '/tmp/t1/c/config.toml' db stop",
                "    then run",
                "    T='/tmp/t1/d' blastdeck --config \\",
                "    '/tmp/t1/c/config.toml' db start",
                "    as `blastdeck help` says",
            ]
        );
        assert_eq!(words(&lines[1..3].join("\n")), ["--config", "/tmp/t1/c/config.toml", "db", "stop"]);
    }

    #[test]
    fn a_command_line_in_a_sentence_that_fits_on_a_line_is_not_broken() {
        let text = "there may be an opt-out in them: `blastdeck inbox list --failed` says why";

        assert_eq!(
            sentence(text, 4, 50),
            ["    there may be an opt-out in them:", "    `blastdeck inbox list --failed` says why"]
        );
        assert_eq!(sentence("a lone ` is none", 2, 12), ["  a lone `", "  is none"]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn a_shell_reads_the_words_that_were_meant_at_any_width(text in "[ -~陈é\n]{1,120}", screen in 30_u16..100) {
            let lines: Vec<String> = pasteable(&note(&text), 12, screen).collect();

            for line in &lines {
                prop_assert!(width(line) <= screen && !line.ends_with(' '), "{line}");
            }
            prop_assert_eq!(words(&lines.join("\n")), ["mark", "7", "+60100120001", "note", "--note", &text]);
        }
    }
}
