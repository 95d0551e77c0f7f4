//! Every key, from the table of actions.

use super::OverlayContent;
use crate::tui::action::{ACTIONS, KeyScope};
use crate::tui::key::Key;
use crate::tui::theme::TextRole;
use crate::tui::widget::TextLine;

const SECTIONS: [KeyScope; 9] = [
    KeyScope::Everywhere,
    KeyScope::Moving,
    KeyScope::Blasts,
    KeyScope::Funnel,
    KeyScope::Recipients,
    KeyScope::Details,
    KeyScope::Plan,
    KeyScope::FollowUp,
    KeyScope::List,
];

pub fn content() -> OverlayContent {
    let mut lines = Vec::new();
    for scope in SECTIONS {
        lines.push(TextLine::rule(scope.to_string()));
        let of_scope = ACTIONS.iter().filter(|action| action.scopes.contains(&scope) && !action.keys.is_empty());
        lines.extend(of_scope.map(|action| key_line(action.keys, action.title)));
    }
    lines.push(TextLine::rule("Finding"));
    lines.extend(FINDING.iter().map(|(words, meaning)| entry(words, meaning)));
    lines.push(TextLine::rule("Questions"));
    lines.extend(QUESTIONS.iter().map(|(keys, meaning)| entry(keys, meaning)));
    OverlayContent {
        title: super::title(vec!["Keys".to_owned()], Some("esc goes back".to_owned())),
        lines,
        focus: None,
    }
}

const FINDING: [(&str, &str); 7] = [
    ("6789, +60 12-...", "part of a number, in any spelling"),
    ("siti", "part of a name or note"),
    ("status:read", "in this status; stuck:read, reached it and no further"),
    ("name:ali", "only in the name; phone:6012, note:price, code:131026"),
    ("replied>14:00", "by the time of a stage"),
    ("has:reply", "or has:note, has:amount"),
    ("-status:failed", "without these"),
];

const QUESTIONS: [(&str, &str); 2] = [
    ("0-9 , .", "after c the amount: enter or any other key keeps it, esc closes without one"),
    ("y", "yes; every other key is no. Where a number is asked, only that number and enter"),
];

fn key_line(keys: &[Key], title: &str) -> TextLine {
    let names: Vec<String> = keys.iter().map(ToString::to_string).collect();
    entry(&names.join(" "), title)
}

fn entry(keys: &str, meaning: &str) -> TextLine {
    TextLine::of(format!("  {keys:<18}"), TextRole::Accent).and(format!(" {meaning}"), TextRole::Plain)
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;
    use std::path::Path;

    use super::{ACTIONS, FINDING, QUESTIONS, SECTIONS, content};

    const INTRODUCTION: &str = "# Keys

Every key of the dashboard, as `?` shows them. Generated from the table in `src/tui/action.rs`:
`UPDATE_DOCS=1 cargo test --lib keys_page` writes it anew.
";

    fn markdown() -> String {
        let mut page = INTRODUCTION.to_owned();
        let mut table = |title: &str, rows: Vec<(String, &str)>| {
            write!(page, "\n## {title}\n\n| keys | what they do |\n|---|---|\n").unwrap();
            for (keys, meaning) in rows {
                writeln!(page, "| {keys} | {meaning} |").unwrap();
            }
        };
        for scope in SECTIONS {
            let actions = ACTIONS.iter().filter(|action| action.scopes.contains(&scope) && !action.keys.is_empty());
            let rows = actions.map(|action| {
                let keys: Vec<String> = action.keys.iter().map(|key| format!("`{key}`")).collect();
                (keys.join(" "), action.title)
            });
            table(&scope.to_string(), rows.collect());
        }
        for (title, rows) in [("Finding", &FINDING[..]), ("Questions", &QUESTIONS)] {
            table(title, rows.iter().map(|(keys, meaning)| (format!("`{keys}`"), *meaning)).collect());
        }
        page
    }

    #[test]
    fn the_keys_page_is_the_table() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/KEYS.md");
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(&path, markdown()).unwrap();
        }

        let page = std::fs::read_to_string(&path).unwrap_or_default();

        assert_eq!(page, markdown(), "run it again with UPDATE_DOCS=1");
    }

    #[test]
    fn the_help_shows_every_key_of_every_action() {
        let loaded: Vec<String> =
            content().lines.iter().map(|line| line.pieces.iter().map(|piece| piece.text.as_str()).collect()).collect();

        for action in ACTIONS {
            for key in action.keys {
                let found = loaded.iter().any(|line| line.contains(action.title) && line.contains(&key.to_string()));
                assert!(found, "{key} ({}) is not in the help", action.title);
            }
        }
    }
}
