//! Every key, from the table of actions.

use super::OverlayContent;
use crate::tui::action::{ACTIONS, KeyScope};
use crate::tui::key::Key;
use crate::tui::theme::TextRole;
use crate::tui::widget::TextLine;

const SECTIONS: [KeyScope; 8] = [
    KeyScope::Everywhere,
    KeyScope::Moving,
    KeyScope::Blasts,
    KeyScope::Funnel,
    KeyScope::Recipients,
    KeyScope::Details,
    KeyScope::Plan,
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
    lines.push(entry("0-9 , .", "after c the amount: enter or any other key keeps it, esc closes without one"));
    lines.push(entry("y", "yes; every other key is no. Where a number is asked, only that number and enter"));
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

fn key_line(keys: &[Key], title: &str) -> TextLine {
    let names: Vec<String> = keys.iter().map(ToString::to_string).collect();
    entry(&names.join(" "), title)
}

fn entry(keys: &str, meaning: &str) -> TextLine {
    TextLine::of(format!("  {keys:<18}"), TextRole::Accent).and(format!(" {meaning}"), TextRole::Plain)
}

#[cfg(test)]
mod tests {
    use super::{ACTIONS, content};

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
