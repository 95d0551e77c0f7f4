//! Commands by name: any letters of a title in their order find it; a word that none has finds what it is another word for, or the
//! nearest.

use super::OverlayContent;
use crate::domain::text::nearest;
use crate::tui::action::{self, ACTIONS, KeyScope, PaletteListing, UiAction};
use crate::tui::model::{CommandPalette, Model, Overlay};
use crate::tui::theme::TextRole;
use crate::tui::widget::{TextLine, width};

/// From this many columns on the keys stand beside the titles, not at the end of the line.
const WIDE: u16 = 100;
/// Columns of the titles there.
const TITLES: usize = 66;

/// How many times a word's own length its letters may lie apart.
const SPREAD_MAX: usize = 3;

/// The commands that what was typed finds, the best first.
#[derive(Debug, Default)]
pub struct FoundCommands {
    pub entries: Vec<&'static UiAction>,
    /// The words that were looked for instead: no title has those that were typed.
    pub instead: Option<String>,
    /// They work in other panes only: nothing here has that name.
    pub are_elsewhere: bool,
}

/// Whether a command works in the focused pane, or in the list of what needs somebody, where that covers it. Those of other pages are left
/// to their keys: what is seen there may be sent by them.
pub fn works_here(model: &Model, action: &UiAction) -> bool {
    let covering = model.page_meant().filter(|page| matches!(page, Overlay::Needs(_)));
    let works_in = |scopes: &[KeyScope]| action.scopes.iter().any(|scope| scopes.contains(scope));
    works_in(action::scopes_of(covering, model.focus)) || works_in(action::pane_scopes(model.focus))
}

/// The commands that work here; behind them those of other panes that have each word that was typed.
pub fn commands(model: &Model, palette: &CommandPalette) -> FoundCommands {
    let listed = ACTIONS.iter().filter(|action| action.listing == PaletteListing::Listed);
    let (here, elsewhere): (Vec<_>, Vec<_>) = listed.partition(|action| works_here(model, action));
    found_in(&here, &elsewhere, &palette.field.text().to_lowercase())
}

fn found_in(here: &[&'static UiAction], elsewhere: &[&'static UiAction], text: &str) -> FoundCommands {
    let mut found = found_among(here, text);
    let others = with_words(elsewhere, text);
    if !others.is_empty() {
        // Letters here and there of a title are not meant where another one has the words.
        let mut entries = if found.instead.is_some() { Vec::new() } else { with_words(here, text) };
        let are_elsewhere = entries.is_empty();
        entries.extend(others);
        return FoundCommands { entries, instead: None, are_elsewhere };
    }
    let is_meant_here = meant_by(here, text).is_some() || fits_well(&found, text);
    if found.entries.is_empty() || !is_meant_here && meant_by(elsewhere, text).is_some() {
        found = found_among(elsewhere, text);
        found.are_elsewhere = !found.entries.is_empty();
    }
    found
}

/// Whether the best of what was found has the words themselves.
fn fits_well(found: &FoundCommands, text: &str) -> bool {
    let has = |title: &str, word: &str| word_badness(title, word).is_some_and(|badness| badness < 4 * STEP);
    found.entries.first().is_some_and(|best| {
        let title = best.title.to_lowercase();
        text.split_whitespace().all(|word| has(&title, word))
    })
}

/// The fewest letters by which a part of a word finds it, and the beginning of another word for something.
const PART_LEAST: usize = 3;

/// The commands whose titles have each word that was typed, as one of theirs, its beginning or a part of it, in any order; none where
/// nothing was.
fn with_words(all: &[&'static UiAction], text: &str) -> Vec<&'static UiAction> {
    if text.trim().is_empty() {
        return Vec::new();
    }
    let begins =
        |title: &str, word: &str| title.split(|c: char| !c.is_alphanumeric()).any(|part| part.starts_with(word));
    let has =
        |title: &str, word: &str| begins(title, word) || word.chars().count() >= PART_LEAST && title.contains(word);
    let has_all = |action: &&&UiAction| {
        let title = action.title.to_lowercase();
        text.split_whitespace().all(|word| has(&title, word))
    };
    let with: Vec<_> = all.iter().filter(has_all).copied().collect();
    matching(&with, text)
}

fn found_among(all: &[&'static UiAction], text: &str) -> FoundCommands {
    let entries = matching(all, text);
    let instead = meant_by(all, text);
    if !entries.is_empty() && instead.is_none() {
        return FoundCommands { entries, ..FoundCommands::default() };
    }
    let instead = instead.unwrap_or_else(|| corrected(all, text));
    FoundCommands { entries: matching(all, &instead), instead: Some(instead), are_elsewhere: false }
}

fn matching(all: &[&'static UiAction], text: &str) -> Vec<&'static UiAction> {
    let mut found: Vec<_> =
        all.iter().filter_map(|action| Some((badness(&action.title.to_lowercase(), text)?, *action))).collect();
    found.sort_by_key(|(badness, _)| *badness);
    found.into_iter().map(|(_, action)| action).collect()
}

/// How badly a title fits what was typed: the sum over its words. `None`: a word is not in it at all.
fn badness(title: &str, text: &str) -> Option<usize> {
    text.split_whitespace().map(|word| word_badness(title, word)).sum()
}

/// The beginning of the title is best, then one of its words, then the beginning of one, the earlier in the title the better; then a part
/// of one; letters in their order, anywhere, are worse the farther apart.
fn word_badness(title: &str, word: &str) -> Option<usize> {
    if title.starts_with(word) {
        return Some(0);
    }
    let mut words = title.split(|c: char| !c.is_alphanumeric());
    if let Some(place) = words.clone().position(|part| part == word) {
        return Some(STEP + place);
    }
    if let Some(place) = words.position(|part| part.starts_with(word)) {
        return Some(2 * STEP + place);
    }
    if title.contains(word) {
        return Some(3 * STEP);
    }
    let starts = title.char_indices().filter(|(at, _)| !title[..*at].ends_with(char::is_alphanumeric));
    let spreads = starts.filter_map(|(at, _)| Some(spread(&title[at..], word)? + usize::from(at > 0)));
    spreads.min().map(|spread| 4 * STEP + spread)
}

/// Between two ways to fit: more than a title has words.
const STEP: usize = 100;

/// Over how many bytes the letters of a word lie that a text begins with; `None` where they are not in it, or so far apart that
/// nobody meant them.
fn spread(text: &str, word: &str) -> Option<usize> {
    let mut letters = text.char_indices();
    let mut places = word.chars().map(|sought| letters.find(|(_, c)| *c == sought).map(|(at, _)| at));
    let first = places.next()??;
    let last = places.try_fold(first, |_, place| place)?;
    (first == 0 && last <= SPREAD_MAX * word.len()).then_some(last)
}

/// Words that people look for, and the words of the titles of what they mean.
const SYNONYMS: &[(&str, &str)] = &[
    ("block", "never message"),
    ("browser", "link chat"),
    ("canary", "plan"),
    ("clipboard", "copy this"),
    ("clock", "times utc"),
    ("clone", "draft like"),
    ("close", "bought"),
    ("color", "theme"),
    ("colours", "theme"),
    ("dark", "theme"),
    ("delete", "cancel"),
    ("download", "report file"),
    ("duplicate", "draft like"),
    ("exit", "quit"),
    ("excel", "workbook"),
    ("spreadsheet", "workbook"),
    ("csv", "workbook"),
    // Where it works that is meant, and elsewhere what comes nearest.
    ("filter", "list only some"),
    ("filter", "find"),
    ("forget", "this customer"),
    ("fullscreen", "this pane alone"),
    ("halt", "pause"),
    ("help", "all keys"),
    ("history", "log"),
    ("launch", "send"),
    ("light", "theme"),
    ("local", "times utc"),
    ("maximise", "this pane alone"),
    ("hours", "edit this blast"),
    ("notifications", "needs"),
    ("opt out", "never message"),
    ("opt-out", "never message"),
    ("optout", "never message"),
    ("pace", "edit this blast"),
    ("phone", "number"),
    ("orders", "this customer"),
    ("refresh", "paint"),
    ("repeat", "again"),
    ("reply", "answer what"),
    ("resend", "failed again"),
    ("retry", "failed again"),
    ("revert", "undo"),
    ("schedule", "edit this blast"),
    ("search", "find"),
    ("settings", "theme"),
    ("shortcuts", "keys"),
    ("skip", "leave out"),
    ("sort", "another order"),
    ("start", "send"),
    ("statistics", "timeline"),
    ("stop", "pause"),
    ("template", "new blast"),
    ("timezone", "times utc"),
    ("total", "report file"),
    ("unsubscribe", "never message"),
    ("whatsapp", "link chat"),
    ("zoom", "this pane alone"),
];

/// Other words for what some of these titles have.
fn synonyms_of(all: &[&'static UiAction]) -> Vec<&'static (&'static str, &'static str)> {
    SYNONYMS.iter().filter(|(_, meant)| !with_words(all, meant).is_empty()).collect()
}

/// What a word stands for: it is another word for that, or the beginning of one.
fn meant(synonyms: &[&'static (&'static str, &'static str)], word: &str) -> Option<&'static str> {
    let is_long = word.chars().count() >= PART_LEAST;
    let whole = synonyms.iter().find(|(known, _)| *known == word);
    let begun = || synonyms.iter().find(|(known, _)| is_long && known.starts_with(word));
    whole.or_else(begun).map(|(_, meant)| *meant)
}

/// What was typed, with words that are in no title as what they stand for; nothing where none stands for anything. Letters of a title
/// that happen to be those of the word, apart from each other, are not meant by it.
fn meant_by(all: &[&'static UiAction], text: &str) -> Option<String> {
    let is_in_a_title = |word: &str| all.iter().any(|action| action.title.to_lowercase().contains(word));
    if text.contains(' ')
        && let Some((_, meant)) = SYNONYMS.iter().find(|(known, _)| *known == text)
    {
        return Some((*meant).to_owned());
    }
    // What all the synonyms stand for takes a walk over the titles for each: not while the words of a title are typed.
    if text.split_whitespace().all(is_in_a_title) {
        return None;
    }
    let synonyms = synonyms_of(all);
    let replaced = |word: &str| meant(&synonyms, word).filter(|_| !is_in_a_title(word));
    let words: Vec<_> = text.split_whitespace().map(|word| replaced(word).unwrap_or(word)).collect();
    Some(words.join(" ")).filter(|_| text.split_whitespace().any(|word| replaced(word).is_some()))
}

/// Each word that no title has, as another word for what some title has, or as the nearest of both; a word without any is left out
/// where there are others.
fn corrected(all: &[&'static UiAction], text: &str) -> String {
    let titles: Vec<String> = all.iter().map(|action| action.title.to_lowercase()).collect();
    let synonyms = synonyms_of(all);
    let known = || {
        let of_titles = titles.iter().flat_map(|title| title.split(|c: char| !c.is_alphanumeric()));
        of_titles.filter(|known| known.len() > 2).chain(synonyms.iter().map(|(known, _)| *known))
    };
    let word = |word: &str| {
        if titles.iter().any(|title| word_badness(title, word).is_some()) {
            return Some(word.to_owned());
        }
        let near = || nearest(word, known()).map(|near| meant(&synonyms, near).unwrap_or(near));
        meant(&synonyms, word).or_else(near).map(str::to_owned)
    };
    let words: Vec<_> = text.split_whitespace().filter_map(word).collect();
    if words.is_empty() { text.to_owned() } else { words.join(" ") }
}

pub fn content(model: &Model, palette: &CommandPalette) -> OverlayContent {
    let mut lines = vec![palette.field.line(TextLine::of(" :", TextRole::Accent))];
    let found = commands(model, palette);
    if found.are_elsewhere {
        lines[0] = std::mem::take(&mut lines[0]).and("   not in this pane", TextRole::Plain);
    } else if let Some(instead) = &found.instead {
        let words = if found.entries.is_empty() {
            "   no command of that name".to_owned()
        } else {
            format!("   no command of that name; {instead}?")
        };
        lines[0] = std::mem::take(&mut lines[0]).and(words, TextRole::Plain);
    }
    for (row, action) in found.entries.iter().enumerate() {
        let is_elsewhere = !works_here(model, action);
        let (cursor, meaning) = match ((action.why_not)(model), row == palette.row) {
            (_, true) => ("> ", TextRole::Strong),
            (None, false) if is_elsewhere => ("  ", TextRole::Dim),
            (Some(_), false) => ("  ", TextRole::Dim),
            (None, false) => ("  ", TextRole::Plain),
        };
        let line = TextLine::of(cursor, TextRole::Accent);
        let keys = model.options.keys.names(action);
        let keys = if is_elsewhere { format!("{keys} in {}", action.places()) } else { keys };
        lines.push(if model.size.width >= WIDE {
            line.and(format!("{:<TITLES$}", action.title), meaning).and(keys, TextRole::Accent)
        } else {
            let line = line.and(action.title, meaning);
            // Where it works is seen to be cut; of keys that have no room the first one is kept.
            if is_elsewhere { line.right_dim(keys) } else { beside(line, &keys, model.size.width) }
        });
    }
    let title = super::title(vec!["Commands".to_owned(), "any letters of a name".to_owned()], None);
    OverlayContent { title, lines, focus: Some(palette.row + 1) }
}

/// A title with as many of its keys as have room beside it, and a sign where some have none.
fn beside(line: TextLine, keys: &str, room: u16) -> TextLine {
    let first = keys.split(' ').next().unwrap_or_default();
    let choices = [keys.to_owned(), format!("{first} ~"), "~".to_owned()];
    let fitting = choices.into_iter().find(|words| line.width() + 1 + width(words) <= room);
    match fitting.filter(|_| !keys.is_empty()) {
        Some(words) => line.right(words),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<&'static str> {
        let all: Vec<&'static UiAction> = ACTIONS.iter().collect();
        matching(&all, text).iter().map(|action| action.title).collect()
    }

    #[test]
    fn the_beginning_of_a_word_is_found_before_letters_anywhere() {
        assert_eq!(found("pause")[0], "pause this blast at once");
        assert_eq!(found("psblst")[0], "pause this blast at once");
        assert_eq!(found("blast pau")[0], "pause this blast at once");
        assert_eq!(found("").len(), ACTIONS.len());
        assert!(found("zzz").is_empty());
    }

    #[test]
    fn a_title_that_is_typed_whole_finds_its_command() {
        for action in ACTIONS {
            let is_here = |other: &&UiAction| other.scopes.iter().any(|scope| action.scopes.contains(scope));
            let (here, elsewhere): (Vec<_>, Vec<_>) = ACTIONS.iter().partition(is_here);

            let found = found_in(&here, &elsewhere, &action.title.to_lowercase());

            assert_eq!(found.entries.first().map(|found| found.title), Some(action.title));
        }
    }

    #[test]
    fn a_slip_of_the_finger_finds_the_nearest_word() {
        let all: Vec<&'static UiAction> = ACTIONS.iter().collect();

        assert_eq!(corrected(&all, "pausse blast"), "pause blast");
        assert_eq!(corrected(&all, "zzzzzz"), "zzzzzz");
        assert_eq!(corrected(&all, "pause zzzzzz"), "pause");
    }

    #[test]
    fn other_words_for_a_command_find_it_with_a_slip_too() {
        let all: Vec<&'static UiAction> = ACTIONS.iter().collect();
        let meant = |text: &str| matching(&all, &corrected(&all, text)).first().map(|action| action.title);

        for retry in ["retry", "rerty", "retr"] {
            assert_eq!(meant(retry), Some("try those who failed again"), "{retry}");
        }
        for export in ["export", "exprot", "exp"] {
            assert_eq!(meant(export), Some("export who is listed to a workbook"), "{export}");
        }
        assert_eq!(meant("clipbord"), Some("copy this person's number"));
        assert_eq!(meant("duplcate"), Some("a new draft like this blast"));
    }

    #[test]
    fn every_other_word_stands_for_what_some_title_has() {
        let all: Vec<&'static UiAction> = ACTIONS.iter().collect();

        for (word, meant) in SYNONYMS {
            assert!(!matching(&all, meant).is_empty(), "{word}: {meant}");
        }
    }
}
