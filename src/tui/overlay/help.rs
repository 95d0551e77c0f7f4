//! Every key, from the table of actions.

use std::borrow::Cow;

use super::OverlayContent;
use crate::tui::action::{self, ACTIONS, KeyScope, PaletteListing};
use crate::tui::keymap::Keymap;
use crate::tui::layout::Layout;
use crate::tui::model::{HelpOverlay, Model, Overlay};
use crate::tui::theme::TextRole;
use crate::tui::update::form::editor_key;
use crate::tui::widget::{self, TextLine};

const SECTIONS: [KeyScope; 15] = [
    KeyScope::Everywhere,
    KeyScope::Moving,
    KeyScope::Blasts,
    KeyScope::Funnel,
    KeyScope::Recipients,
    KeyScope::Activity,
    KeyScope::Details,
    KeyScope::Customer,
    KeyScope::Plan,
    KeyScope::FollowUp,
    KeyScope::Answer,
    KeyScope::StepMessage,
    KeyScope::Form,
    KeyScope::Needs,
    KeyScope::List,
];

/// In two columns from this width on.
const TWO_COLUMNS: u16 = 110;

/// The columns of the keys.
const KEYS_WIDTH: u16 = 19;

/// From so many columns on the keys have a column of their own.
const KEYS_BESIDE: u16 = 60;

/// A heading and what stands under it.
struct HelpSection {
    title: String,
    entries: Vec<(String, Cow<'static, str>)>,
}

/// Whether what is sought stands above the lines.
pub fn has_field(help: &HelpOverlay) -> bool {
    help.is_typing || !help.filter.is_empty()
}

pub fn content(model: &Model, help: &HelpOverlay, width: u16) -> OverlayContent {
    let sections = sections(model);
    let mut lines = match has_field(help) {
        true => found_lines(&sections, help, width),
        false if width < TWO_COLUMNS => sections.iter().flat_map(|section| section.lines(width)).collect(),
        false => side_by_side(&sections, width),
    };
    let title = super::title(vec!["Keys".to_owned()], Some(position(help, lines.len(), model)));
    if has_field(help) {
        let label = TextLine::of(" /", TextRole::Accent);
        let field =
            if help.is_typing { help.filter.line(label) } else { label.and(help.filter.text(), TextRole::Strong) };
        lines.insert(0, field);
    }
    OverlayContent { title, lines, focus: None }
}

/// The lines in which the words stand that are sought, under their headings.
fn found_lines(sections: &[HelpSection], help: &HelpOverlay, width: u16) -> Vec<TextLine> {
    let sought = help.filter.text().to_lowercase();
    let has = |(keys, meaning): &&(String, Cow<'static, str>)| {
        let line = format!("{keys} {meaning}").to_lowercase();
        sought.split_whitespace().all(|word| line.contains(word))
    };
    let found = sections.iter().map(|section| {
        let entries: Vec<_> = section.entries.iter().filter(has).cloned().collect();
        HelpSection { title: section.title.clone(), entries }
    });
    let lines: Vec<_> =
        found.filter(|section| !section.entries.is_empty()).flat_map(|section| section.lines(width)).collect();
    if lines.is_empty() { vec![TextLine::dim("  no line has that; esc shows all of them")] } else { lines }
}

/// Where in the page this is: `lines 1-20 of 86, esc goes back`.
fn position(help: &HelpOverlay, lines: usize, model: &Model) -> String {
    let height = Layout::page_rows(model.size).saturating_sub(1 + usize::from(has_field(help)));
    let top = help.scroll.min(lines.saturating_sub(height));
    if lines <= height {
        return "esc goes back".to_owned();
    }
    format!("lines {}-{} of {lines}, esc goes back", top + 1, (top + height).min(lines))
}

/// What works where the help was asked for comes first.
fn sections(model: &Model) -> Vec<HelpSection> {
    let keymap: &Keymap = &model.options.keys;
    let below = model.overlays.iter().rev().find(|overlay| !matches!(overlay, Overlay::Help(_)));
    let here = action::scopes_of(below, model.focus).first().filter(|scope| **scope != KeyScope::Moving).copied();
    let scopes = here.into_iter().chain(SECTIONS.into_iter().filter(|scope| Some(*scope) != here));
    let of_scope = |scope: KeyScope| {
        let actions = ACTIONS.iter().filter(|action| action.scopes.contains(&scope) && !keymap.keys(action).is_empty());
        let entries = actions.map(|action| (keymap.names(action), action.meaning().into())).collect();
        HelpSection { title: scope.to_string(), entries }
    };
    // In a text a letter is typed: where nothing else opens the editor, nothing is said of it.
    let keys_of = |keys: &str| match keys {
        EDITOR => editor_key(model).map(|key| key.to_string()),
        keys => Some(keys.to_owned()),
    };
    let named = |title: &str, rows: &[(&str, &str)]| HelpSection {
        title: title.to_owned(),
        entries: rows
            .iter()
            .filter_map(|(keys, meaning)| Some((keys_of(keys)?, model.with_keys(meaning).into())))
            .collect(),
    };
    let mut sections: Vec<_> = scopes.map(of_scope).collect();
    let keyless =
        ACTIONS.iter().filter(|action| action.listing == PaletteListing::Listed && keymap.keys(action).is_empty());
    sections.push(HelpSection {
        title: model.with_keys("Without a key: type ⟨:⟩ and some of the words"),
        entries: keyless.map(|action| (":".to_owned(), action.meaning().into())).collect(),
    });
    sections.extend([
        named("Signs", &SIGNS),
        named("Typing", &TYPING),
        named("Finding", &FINDING),
        named("Filtering blasts", &FILTERING),
        named("Questions", &QUESTIONS),
    ]);
    sections
}

impl HelpSection {
    fn lines(&self, width: u16) -> Vec<TextLine> {
        let mut lines = vec![TextLine::rule(self.title.clone())];
        lines.extend(self.entries.iter().flat_map(|(keys, meaning)| entry(keys, meaning, width)));
        lines
    }

    /// The same without a rule, for a column of its own.
    fn column_lines(&self, width: u16) -> Vec<TextLine> {
        let mut lines = self.lines(width);
        lines[0] = TextLine::of(format!(" {}", self.title), TextRole::Strong);
        lines.push(TextLine::default());
        lines
    }
}

/// Sections in two columns of about the same length, each read downwards.
fn side_by_side(sections: &[HelpSection], width: u16) -> Vec<TextLine> {
    let column = width / 2 - 1;
    let blocks: Vec<_> = sections.iter().map(|section| section.column_lines(column)).collect();
    let half = blocks.iter().map(Vec::len).sum::<usize>().div_ceil(2);
    let (mut left, mut right) = (Vec::new(), Vec::new());
    for block in blocks {
        if right.is_empty() && left.len() < half { left.extend(block) } else { right.extend(block) }
    }
    left.resize(left.len().max(right.len()), TextLine::default());
    right.resize(left.len(), TextLine::default());
    left.into_iter().zip(right).map(|(left, right)| joined(left, right, column)).collect()
}

fn joined(mut left: TextLine, right: TextLine, column: u16) -> TextLine {
    let taken: u16 = left.pieces.iter().map(|piece| widget::width(&piece.text)).sum();
    left = left.and(" ".repeat(usize::from((column + 2).saturating_sub(taken))), TextRole::Plain);
    left.pieces.extend(right.pieces);
    left
}

/// What stands before a row of a list, in its cells, and beside counts.
const SIGNS: [(&str, &str); 11] = [
    ("N before a row", "changed since your last key; in Activity, not seen before"),
    ("> before a row", "the cursor: keys act on this one"),
    ("- before a row", "the cursor of a pane without focus"),
    ("* before a row", "marked with space: keys act on all that are marked"),
    ("~ in a text", "it is longer than its column: enter shows it whole"),
    (
        "· in a cell",
        "among times: they got past this stage, and when is not known; in Activity: the line says the stage",
    ),
    ("- in a cell", "nothing there, or not known yet"),
    (
        "2 not checked",
        "at sent: the provider has not been asked about these yet, so nobody knows whether they are stuck",
    ),
    ("[ ] in a title", "⟨[⟩ and ⟨]⟩ step to the one before and the next"),
    (
        "(+1 later)",
        "so many opted out while this was the newest message that they had, or may have had: they count at their stage",
    ),
    ("+ben above", "ben has a dashboard open, too; +2 here, so many others have"),
];

/// What opens the editor from a text, as it is without `[ui.keys]`.
const EDITOR: &str = "ctrl-o";

const TYPING: [(&str, &str); 9] = [
    ("enter", "takes what was typed; in a form it goes on to the next line, in a message it begins a line"),
    ("a letter", "on an empty text line of a form begins typing, also a letter that is a key of the form elsewhere"),
    ("esc", "ends typing; what cannot be taken stays as it was"),
    (
        "tab",
        "on People completes the path; while finding, who matches in other blasts; between lines of a form the next",
    ),
    ("{", "in a message: a column of the list to choose"),
    (EDITOR, "in a message, also while it is empty: your editor, the one that VISUAL or EDITOR names, else vi"),
    ("o", "on a column of the list: it says who opted out; c there names another country for its numbers"),
    ("l", "among the rows that were left out: another list; enter corrects one, u undoes the last correction"),
    ("ctrl-u ctrl-w", "deletes what stands before the cursor, a word; ctrl-a and ctrl-e go to the ends"),
];

const FINDING: [(&str, &str); 9] = [
    ("6789", "two to eight digits: the end of a number; if no number ends in them, anywhere in it or in a name"),
    ("+60 12-345 6789", "a number, in any spelling; phone:6012, these digits anywhere in it"),
    ("\"6789\"", "anywhere in a number, a name or a note"),
    ("siti", "part of a name or note"),
    ("status:read", "in this status; stuck:read, reached it and no further"),
    ("name:ali", "only in the name; note:price, code:131026"),
    ("replied>14:00", "by the time of a stage; older:48h, there for so long"),
    ("has:reply", "or has:note, has:amount, has:cart (a cart, no order)"),
    ("-status:failed", "without these"),
];

const FILTERING: [(&str, &str); 5] = [
    ("raya", "part of a blast's name; tag:raya, stage:initial"),
    ("state:sending", "in this state, or as the list shows it: state:asks,waits"),
    ("date:2026-11-20", "of this day; date:today, date:yesterday"),
    ("from:2026-11-01", "from this day on; to:2026-11-30, up to it"),
    ("-state:done", "without these"),
];

const QUESTIONS: [(&str, &str); 3] = [
    (
        "0-9 , .",
        "after ⟨c⟩ the sale is marked; its amount: enter or a key that acts keeps it (digits, capitals, signs, o and l belong to it; if refused: backspace), esc leaves the sale without one",
    ),
    ("tab", "after ⟨c⟩, in place of the amount, what they bought: SKU*2 SKU*2@12.50; a SKU with blanks in quotes"),
    ("y", "yes; every other key is no. Where a number is asked, only that number and enter"),
];

/// The keys and what they do, on several lines where it is long.
fn entry(keys: &str, meaning: &str, width: u16) -> Vec<TextLine> {
    if width < KEYS_BESIDE {
        return narrow_entry(keys, meaning, width);
    }
    let indent = " ".repeat(usize::from(KEYS_WIDTH) + 2);
    let meanings = super::wrapped(meaning, width.saturating_sub(KEYS_WIDTH + 3).max(10));
    let line = |(at, part): (usize, &String)| {
        let keys = format!("  {keys:<0$}", usize::from(KEYS_WIDTH) - 1);
        let head = if at == 0 {
            TextLine::of(keys, TextRole::Accent).and(" ", TextRole::Plain)
        } else {
            TextLine::plain(&*indent)
        };
        head.and(part.trim_end(), TextRole::Plain)
    };
    meanings.iter().enumerate().map(line).collect()
}

/// The same in a line of text, where a column of keys would be empty but for the first of many lines.
fn narrow_entry(keys: &str, meaning: &str, width: u16) -> Vec<TextLine> {
    let room = width.saturating_sub(4);
    let texts = super::wrapped(&format!("{keys}  {meaning}"), room);
    let line = |(at, text): (usize, &String)| match text.strip_prefix(keys).filter(|_| at == 0) {
        Some(rest) => TextLine::of(format!("  {keys}"), TextRole::Accent).and(rest.trim_end(), TextRole::Plain),
        None if at == 0 => TextLine::of(format!("  {}", text.trim_end()), TextRole::Accent),
        None => TextLine::plain(format!("    {}", text.trim())),
    };
    texts.iter().enumerate().map(line).collect()
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;
    use std::path::Path;

    use super::{ACTIONS, FILTERING, FINDING, Keymap, QUESTIONS, SECTIONS, SIGNS, TYPING, TextLine, content};
    use crate::domain::text::default_keys;
    use crate::tui::KeyBinding;
    use crate::tui::key::Key;
    use crate::tui::model::HelpOverlay;
    use crate::tui::tests::support::{STACKED, TestDashboard, WIDE};

    const INTRODUCTION: &str = "# Keys

Every key of the dashboard, as `?` shows them; the last column names the action in `[ui.keys]` of the configuration, which gives it
other keys: one character, `ctrl-` and a small letter, or a name such as `space`, `tab`, `up` or `PgDn`. An empty text gives it
none: `:` finds it. An action without a name cannot be given other keys. Generated from the table in `src/tui/action.rs`:
`UPDATE_DOCS=1 cargo test --lib keys_page` regenerates it.
";

    fn markdown() -> String {
        let mut page = INTRODUCTION.to_owned();
        let mut table = |title: &str, rows: Vec<(String, String, String)>| {
            write!(page, "\n## {title}\n\n| keys | what they do | name |\n|---|---|---|\n").unwrap();
            for (keys, meaning, name) in rows {
                writeln!(page, "| {keys} | {meaning} | {name} |").unwrap();
            }
        };
        for scope in SECTIONS {
            let rows = ACTIONS.iter().filter(|action| action.scopes.contains(&scope)).map(|action| {
                let keys: Vec<String> = action.keys.iter().map(|key| format!("`{key}`")).collect();
                let keys = if keys.is_empty() { "in `:`".to_owned() } else { keys.join(" ") };
                let name = if action.is_remappable() { format!("`{}`", action.id()) } else { String::new() };
                (keys, action.meaning().to_owned(), name)
            });
            table(&scope.to_string(), rows.collect());
        }
        for (title, rows) in [
            ("Signs", &SIGNS[..]),
            ("Typing", &TYPING),
            ("Finding", &FINDING),
            ("Filtering blasts", &FILTERING),
            ("Questions", &QUESTIONS),
        ] {
            let row = |(keys, meaning): &(&str, &str)| (format!("`{keys}`"), default_keys(meaning), String::new());
            table(title, rows.iter().map(row).collect());
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
    fn the_help_shows_every_key_and_every_action_without_one_in_one_column_and_in_two() {
        for size in [STACKED, WIDE] {
            let lines = content(&TestDashboard::new(size).model, &HelpOverlay::default(), size.width).lines;
            let text: Vec<String> =
                lines.iter().map(|line| line.pieces.iter().map(|piece| piece.text.as_str()).collect()).collect();

            for action in ACTIONS {
                let words: Vec<&str> = action.title.split(' ').collect();
                for key in action.keys {
                    let found = text.iter().any(|line| line.contains(words[0]) && line.contains(&key.to_string()));
                    assert!(found, "{key} ({}) is not in the help", action.title);
                }
                let first = action.meaning().split(' ').next().unwrap();
                let is_named = text.iter().any(|line| line.contains(':') && line.contains(first));
                assert!(!action.keys.is_empty() || is_named, "{} has no key, and is not in the help", action.title);
            }
        }
    }

    #[test]
    fn the_help_says_where_in_it_one_is() {
        let mut dashboard = TestDashboard::new(STACKED);
        dashboard.keys("?");
        assert!(dashboard.line(1).contains("lines 1-20 of "), "{}", dashboard.line(1));

        dashboard.keys("G");

        let last = dashboard.line(1);
        let numbers: Vec<usize> = last.split(|c: char| !c.is_ascii_digit()).filter_map(|n| n.parse().ok()).collect();
        assert_eq!(numbers[1], numbers[2], "{last}");
    }

    #[test]
    fn the_key_of_the_editor_in_a_text_is_the_one_that_opens_it() {
        let texts = |key: &str| {
            let mut dashboard = TestDashboard::new(STACKED);
            let action = "the-message-in-your-editor".to_owned();
            dashboard.model.options.keys = Keymap::new(&[KeyBinding { action, keys: vec![key.to_owned()] }]).unwrap();
            let lines = content(&dashboard.model, &HelpOverlay::default(), STACKED.width).lines.into_iter();
            let text = |line: TextLine| line.pieces.into_iter().map(|piece| piece.text).collect::<String>();
            lines.map(text).filter(|line| line.contains("in a message, also")).collect::<Vec<_>>()
        };

        let moved = texts("ctrl-g");

        assert!(moved.len() == 1 && moved[0].contains("ctrl-g") && !moved[0].contains("ctrl-o"), "{moved:?}");
        assert!(texts("e").is_empty(), "a letter is typed there");
    }

    #[test]
    fn the_help_opens_once() {
        let mut dashboard = TestDashboard::new(STACKED);
        dashboard.keys("?").keys("?");
        assert_eq!(dashboard.said(), "these are all keys: esc goes back");

        dashboard.key(Key::Esc);

        assert!(dashboard.model.overlays.is_empty());
    }
}
