//! Every command line of the README and of the pages in `docs` is one that this program takes.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use clap::{Command, CommandFactory, Parser};

use super::{Arguments, minus_sku};

/// A command line as a page has it.
struct CommandLine {
    page: String,
    text: String,
    /// In a block of its own, to be typed as it is; one in a sentence has placeholders.
    is_whole: bool,
}

fn pages() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let docs = fs::read_dir(root.join("docs")).unwrap().map(|entry| entry.unwrap().path());
    docs.filter(|path| path.extension().is_some_and(|ending| ending == "md")).chain([root.join("README.md")]).collect()
}

fn is_command(text: &str) -> bool {
    text == "blastdeck" || text.starts_with("blastdeck ")
}

/// What a page has in its blocks and between backticks.
fn commands_of(path: &Path) -> Vec<CommandLine> {
    let page = path.file_name().unwrap().to_string_lossy().into_owned();
    let line_of = |text: &str, is_whole| CommandLine { page: page.clone(), text: text.to_owned(), is_whole };
    let text = fs::read_to_string(path).unwrap().replace("\\\n", " ");
    let mut found = Vec::new();
    for (at, part) in text.split("```").enumerate() {
        if at % 2 == 1 {
            let lines = part.lines().map(str::trim).filter(|line| is_command(line));
            found.extend(lines.map(|line| line_of(line, true)));
            continue;
        }
        let spans =
            part.split('`').skip(1).step_by(2).map(|span| span.split_whitespace().collect::<Vec<_>>().join(" "));
        // A metric, not a command, is compared with a number.
        found.extend(spans.filter(|span| is_command(span) && !span.contains("==")).map(|span| line_of(&span, false)));
    }
    found
}

/// The words of a line as a shell splits it, without its comment.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut is_quoted) = (Vec::new(), None::<String>, false);
    for letter in line.chars() {
        match letter {
            '\'' => {
                is_quoted = !is_quoted;
                word.get_or_insert_default();
            }
            '#' if word.is_none() => break,
            blank if blank.is_whitespace() && !is_quoted => words.extend(word.take()),
            letter => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    // What a script has in a variable is a number, and where its output goes is the shell's.
    let is_variable = |word: &str| word.starts_with("\"$") && word.ends_with('"');
    let ours = words.into_iter().take_while(|word| word != ">");
    ours.map(|word| if is_variable(&word) { "1".to_owned() } else { word }).collect()
}

/// The command that a line runs; the word that is none where one must be.
fn command_of(mut command: &Command, words: &[String]) -> Result<Command, String> {
    for word in words.iter().skip(1) {
        let is_name = word.chars().all(|letter| letter.is_ascii_lowercase() || letter == '-') && !word.starts_with('-');
        if !command.has_subcommands() || !is_name {
            break;
        }
        command = command.find_subcommand(word).ok_or_else(|| word.clone())?;
    }
    Ok(command.clone())
}

/// The options that a line names, also those that its comment speaks of.
fn options(line: &str) -> impl Iterator<Item = &str> {
    let is_of_name = |letter: char| letter.is_ascii_lowercase() || letter == '-';
    line.split(move |letter| !is_of_name(letter))
        .filter_map(|word| word.strip_prefix("--"))
        .filter(|name| !name.is_empty())
}

#[test]
fn every_command_line_of_the_pages_is_one_that_this_program_takes() {
    let mut tree = Arguments::command();
    tree.build();
    let mut wrong = Vec::new();
    for CommandLine { page, text, is_whole } in pages().iter().flat_map(|path| commands_of(path)) {
        let words = words(&text);
        let command = match command_of(&tree, &words) {
            Ok(command) => command,
            Err(word) => {
                wrong.push(format!("{page}: {text}: no command `{word}`"));
                continue;
            }
        };
        let knows = |name: &str| command.get_arguments().any(|argument| argument.get_long() == Some(name));
        let unknown = options(&text).filter(|name| !knows(name));
        wrong.extend(unknown.map(|name| format!("{page}: {text}: no option --{name}")));
        let typed = || Arguments::try_parse_from(minus_sku::words(words.iter().map(OsString::from)).unwrap());
        if let Some(error) = is_whole.then(typed).and_then(Result::err) {
            wrong.push(format!("{page}: {text}: {error}"));
        }
    }

    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_backup_of_the_pages_is_one_that_their_pg_restore_reads() {
    let mut wrong = Vec::new();
    for path in pages() {
        let page = fs::read_to_string(&path).unwrap();
        let backups = page.lines().filter(|line| line.contains("pg_dump ") && line.contains("blastdeck db url"));
        wrong.extend(backups.filter(|line| !line.contains("pg_dump -Fc --file ")).map(str::to_owned));
    }

    assert!(wrong.is_empty(), "a text dump, or one on the screen:\n{}", wrong.join("\n"));
}
