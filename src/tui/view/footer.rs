//! The last two lines: the question or what was said last, and the keys that work here.

use crate::domain::ids::BlastId;
use crate::tui::action::{ACTIONS, Action, Danger, Verb};
use crate::tui::effect::ELSEWHERE_MAX;
use crate::tui::format::{Clock, money, symbol, total};
use crate::tui::keymap;
use crate::tui::model::{Amount, Find, Hint, Model, Needs, Notice, Page, Pane, Prompt, Sale, Tone};
use crate::tui::theme::Meaning;
use crate::tui::widget::{Line, Pen, width};

pub fn draw(model: &Model, pen: &mut Pen<'_>) {
    let area = pen.screen();
    let (saying, keys) = (area.height.saturating_sub(2), area.height.saturating_sub(1));
    match &model.prompt {
        Some(prompt) => question(model, prompt).draw(pen, (0, saying), area.width),
        None => said(model).draw(pen, (0, saying), area.width.saturating_sub(1)),
    }
    footer(model, pen, keys);
}

/// The question that is open.
pub fn question(model: &Model, prompt: &Prompt) -> Line {
    match prompt {
        Prompt::Find(find) => finding(model, find),
        Prompt::Amount(amount) => amount_line(model, amount),
        Prompt::Refused(why) => hinted(model, Line::of(format!(" {why}"), Meaning::Trouble), "    enter goes on", ""),
        Prompt::Note(note) => note.field.line(Line::of(format!(" note for {}: ", note.who), Meaning::Plain)),
        Prompt::Ask(ask) => {
            let line = Line::of(format!(" {} ", ask.question), Meaning::Need);
            match &ask.needs {
                Needs::Yes => line.and("y is yes, any other key is no", Meaning::Plain),
                Needs::Pause { field, .. } => field.line(line),
                Needs::Number { field, .. } => hinted(model, field.line(line), "   any other key is no", ""),
            }
        }
    }
}

fn amount_line(model: &Model, amount: &Amount) -> Line {
    let Amount { who, field, sale, trouble, .. } = amount;
    let symbol = symbol(&model.options.currency);
    let (before, long, short) = match sale {
        Sale::New => (
            format!(" {who} closed. {symbol} "),
            "    enter keeps it, any other key goes on, u undoes",
            "  enter keeps it, u undoes",
        ),
        Sale::Earlier(seen) => (
            format!(" {who} closed, {symbol} {}. Now {symbol} ", seen.map_or_else(|| "-".to_owned(), money)),
            "   enter keeps it, esc does not",
            "  enter keeps it",
        ),
    };
    let line = field.line(Line::of(before, Meaning::Plain));
    match trouble {
        Some(trouble) => line.and(format!("   {trouble}"), Meaning::Trouble),
        None => hinted(model, line, long, short),
    }
}

/// With as much of a hint as fits.
fn hinted(model: &Model, line: Line, long: &str, short: &str) -> Line {
    let taken: u16 = line.pieces.iter().map(|piece| width(&piece.text)).sum();
    let hint = if taken + width(long) < model.size.width { long } else { short };
    line.and(hint, Meaning::Dim)
}

fn finding(model: &Model, find: &Find) -> Line {
    let line = find.field.line(Line::of(" find ", Meaning::Plain));
    if let Some(trouble) = &find.trouble {
        return line.and(format!("   {trouble}"), Meaning::Trouble);
    }
    if find.field.is_empty() {
        return line.and("   part of a number or name, status:read, stuck:read ...   esc goes back", Meaning::Dim);
    }
    let here = match (model.people.awaiting, model.people.total) {
        (Some(_), _) | (_, None) => "...".to_owned(),
        (None, Some(found)) => format!("{} here{}", total(found), only(model)),
    };
    let elsewhere = find.elsewhere.as_ref().map(|rows| others(model, rows.iter().map(|row| row.blast_id)));
    let elsewhere = elsewhere.map(|words| format!("   {words}")).unwrap_or_default();
    line.and(format!("   {here}{elsewhere}"), Meaning::Plain).and("   enter, then r c b", Meaning::Dim)
}

fn only(model: &Model) -> String {
    let name = model.people.at_cursor().filter(|_| model.people.is_single());
    let name = name.map(|person| person.row.name.clone().unwrap_or_else(|| person.row.phone.to_string()));
    name.map(|name| format!(": {name}")).unwrap_or_default()
}

fn others(model: &Model, blasts: impl Iterator<Item = BlastId>) -> String {
    let found = blasts.filter(|blast| Some(*blast) != model.people_of()).count();
    match found {
        0 => "none in other blasts".to_owned(),
        found if found >= ELSEWHERE_MAX as usize => format!("tab: {ELSEWHERE_MAX}+ in other blasts"),
        found => format!("tab: {found} in other blasts"),
    }
}

/// What was said last, what holds keys up, or the demo's hint.
fn said(model: &Model) -> Line {
    if !model.held.is_empty() {
        let keys =
            if model.held.len() == 1 { "a key waits".to_owned() } else { format!("{} keys wait", model.held.len()) };
        return Line::dim(format!(" {keys} for the list; esc forgets"));
    }
    let hint = model.hint.map(hint);
    match (&model.notice, hint) {
        (Some(notice), hint) => told(notice, hint),
        (None, Some(hint)) => Line::of(format!(" {hint}"), Meaning::Accent).right("esc ends the hints"),
        (None, None) => armed(model),
    }
}

fn told(notice: &Notice, hint: Option<&str>) -> Line {
    let meaning = match notice.tone {
        Tone::Done => Meaning::Plain,
        Tone::Refused => Meaning::Trouble,
    };
    let line = Line::of(format!(" {}", notice.text), meaning);
    match notice.hint.or(hint) {
        Some(hint) => line.right(hint),
        None => line,
    }
}

fn armed(model: &Model) -> Line {
    let clock = Clock { zone: model.options.zone, now: model.now };
    match model.armed().next() {
        Some((blast, until)) => {
            let text = format!(" {} starts at {}", blast.tag, clock.second(until));
            Line::of(text, Meaning::Need).right("u or p stops it")
        }
        None => Line::default(),
    }
}

const fn hint(hint: Hint) -> &'static str {
    match hint {
        Hint::Find => "try: / and the last four digits of a number, then enter",
        Hint::Reply => "try: r marks that they replied; c that they bought",
        Hint::Undo => "try: u takes it back",
    }
}

/// The keys that work here, as many as fit, the important ones first to stay.
fn footer(model: &Model, pen: &mut Pen<'_>, y: u16) {
    let room = pen.screen().width.saturating_sub(1);
    let shown = fitting(here(model), room);
    let mut at = 1;
    for (key, word) in shown {
        at = pen.put((at, y), &key, room.saturating_sub(at) + 1, Meaning::Accent);
        at = pen.put((at + 1, y), &word, room.saturating_sub(at), Meaning::Plain) + 2;
    }
}

struct Entry {
    key: String,
    word: &'static str,
    /// Higher is dropped first.
    dropped: u8,
}

fn here(model: &Model) -> Vec<Entry> {
    let scopes = keymap::scopes(model);
    let works = |action: &&Action| action.scopes.iter().any(|scope| scopes.contains(scope));
    let mut entries: Vec<Entry> = ACTIONS
        .iter()
        .filter(works)
        .filter(|action| is_of_use(model, action))
        .filter_map(|action| entry(model, action))
        .collect();
    if !model.pages.is_empty() {
        entries.push(Entry { key: "esc".to_owned(), word: "back", dropped: 0 });
    }
    entries
}

/// Marks are always told; the rest where it can be done now. Where something is typed, few keys are keys.
fn is_of_use(model: &Model, action: &Action) -> bool {
    let typing = matches!(model.pages.last(), Some(Page::Commands(_) | Page::Plan(_)));
    let always = action.danger == Danger::Mark && action.verb != Verb::Pause || action.verb == Verb::Stop;
    let while_typing = matches!(action.verb, Verb::Choose | Verb::Confirm | Verb::Next);
    (!typing || while_typing) && (always || (action.why_not)(model).is_none())
}

fn entry(model: &Model, action: &Action) -> Option<Entry> {
    let (word, dropped) = action.footer?;
    if action.verb != Verb::Next {
        return Some(Entry { key: action.keys.first()?.to_string(), word, dropped });
    }
    let word = match model.pages.last() {
        Some(Page::Details(_)) => "person",
        Some(Page::Plan(_)) => "sample",
        None if model.focus != Pane::Blasts => word,
        _ => return None,
    };
    Some(Entry { key: "[ ]".to_owned(), word, dropped })
}

fn fitting(mut entries: Vec<Entry>, room: u16) -> Vec<(String, String)> {
    let taken =
        |entries: &[Entry]| -> u16 { entries.iter().map(|entry| width(&entry.key) + width(entry.word) + 3).sum() };
    while taken(&entries) > room + 2 {
        let Some(last) = entries.iter().enumerate().max_by_key(|(at, entry)| (entry.dropped, *at)).map(|(at, _)| at)
        else {
            break;
        };
        entries.remove(last);
    }
    entries.into_iter().map(|entry| (entry.key, entry.word.to_owned())).collect()
}
