//! `docs/COMMANDS.md`: every command with its options, from the command tree itself.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use clap::{Arg, Command, CommandFactory};

use super::Arguments;

const INTRODUCTION: &str = "# Commands

Every command and its options, as `--help` shows them; those of every command come first. Generated from the command line itself:
`UPDATE_DOCS=1 cargo test --lib commands_page` regenerates it.
";

/// Fit for a cell of a table.
fn cell(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|").replace('<', "&lt;")
}

/// As it is typed: `--at <TIME>`, `[BLAST]...`.
fn typed(argument: &Arg) -> String {
    let values: Vec<_> =
        argument.get_value_names().unwrap_or_default().iter().map(|name| format!("<{name}>")).collect();
    let values = if argument.get_action().takes_values() { values.join(" ") } else { String::new() };
    let short = argument.get_short().map(|short| format!("-{short}"));
    let names: Vec<_> = short.into_iter().chain(argument.get_long().map(|long| format!("--{long}"))).collect();
    [names.join(", "), values].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

/// What it may be, and what it is unless it is said.
fn values(argument: &Arg) -> impl Iterator<Item = String> {
    let quoted = |texts: Vec<String>| texts.iter().map(|text| format!("`{text}`")).collect::<Vec<_>>().join(", ");
    let takes_values = argument.get_action().takes_values();
    let possible = argument.get_possible_values();
    let possible = possible.iter().filter(|value| !value.is_hide_set()).map(|value| value.get_name().to_owned());
    let possible: Vec<_> = possible.filter(|_| takes_values && !argument.is_hide_possible_values_set()).collect();
    let shows_default = takes_values && !argument.is_hide_default_value_set();
    let defaults = argument.get_default_values().iter().filter(|_| shows_default);
    let defaults: Vec<_> = defaults.map(|value| value.to_string_lossy().into_owned()).collect();
    let possible = (!possible.is_empty()).then(|| format!("One of {}", quoted(possible)));
    let default = (!defaults.is_empty()).then(|| format!("Default: {}", quoted(defaults)));
    possible.into_iter().chain(default)
}

fn table<'a>(page: &mut String, arguments: impl Iterator<Item = &'a Arg>) {
    let rows: Vec<_> = arguments.filter(|argument| !argument.is_hide_set() && argument.get_id() != "help").collect();
    if rows.is_empty() {
        return;
    }
    page.push_str("\n| | |\n|---|---|\n");
    for argument in rows {
        let help = argument.get_help().map(|help| cell(&help.to_string()));
        let help = help.into_iter().chain(values(argument)).collect::<Vec<_>>().join(". ");
        // Also between backticks, a table takes a bar for the end of a cell.
        writeln!(page, "| `{}` | {help} |", typed(argument).replace('|', "\\|")).unwrap();
    }
}

fn section(page: &mut String, name: &str, command: &Command) {
    let about = command.get_about().map(|about| cell(&about.to_string())).unwrap_or_default();
    let verbs: Vec<_> =
        command.get_subcommands().filter(|verb| !verb.is_hide_set() && verb.get_name() != "help").collect();
    if verbs.is_empty() || command.get_arguments().any(|argument| !argument.is_global_set()) {
        write!(page, "\n## {name}\n\n{about}\n").unwrap();
        table(page, command.get_arguments().filter(|argument| !argument.is_global_set()));
    }
    for verb in verbs {
        section(page, &format!("{name} {}", verb.get_name()), verb);
    }
}

fn markdown() -> String {
    let tree = Arguments::command();
    let mut page = INTRODUCTION.to_owned();
    table(&mut page, tree.get_arguments().filter(|argument| argument.is_global_set()));
    page.push_str("\n## blastdeck\n\nThe dashboard\n");
    table(&mut page, tree.get_arguments().filter(|argument| !argument.is_global_set()));
    for verb in tree.get_subcommands().filter(|verb| !verb.is_hide_set()) {
        section(&mut page, verb.get_name(), verb);
    }
    page
}

#[test]
fn the_commands_page_is_the_command_tree() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/COMMANDS.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, markdown()).unwrap();
    }

    let page = fs::read_to_string(&path).unwrap_or_default();

    assert_eq!(page, markdown(), "run it again with UPDATE_DOCS=1");
    assert!(!page.contains("|  |"), "an argument without help");
    assert!(page.contains("## blast send\n") && page.contains("`--yes`"), "{page}");
}
