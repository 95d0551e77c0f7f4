//! The last two lines: the open prompt or the last notice, and the keys that work here.

mod long;
mod prompt_keys;

use crate::app::view::Total;
use crate::domain::ids::BlastId;
use crate::tui::action;
use crate::tui::action::{ACTIONS, Danger, FooterText, KeyScope, UiAction};
use crate::tui::effect::ELSEWHERE_MAX;
use crate::tui::format::{TimeFormat, count_of, money, number, symbol, total};
use crate::tui::key::Key;
use crate::tui::model::{
    AmountPrompt, BlastFilterPrompt, ConfirmBy, ConfirmPrompt, FindPrompt, FormPage, FoundBy, Hint, ItemsPrompt,
    ItemsTarget, LineEdit, Model, Notice, Overlay, Pane, PricedSale, Prompt, SaleKey, SenderLine,
};
use crate::tui::theme::TextRole;
use crate::tui::widget::{Pen, TextLine, start_of, width};

pub fn draw(model: &Model, pen: &mut Pen<'_>) {
    let area = pen.screen();
    let (saying, keys) = (area.height.saturating_sub(2), area.height.saturating_sub(1));
    match (long::lines(model), &model.prompt) {
        (Some(lines), _) => long::draw(pen, &lines, saying),
        (None, Some(prompt)) => question(model, prompt).draw(pen, (0, saying), area.width),
        (None, None) => said(model).draw(pen, (0, saying), area.width.saturating_sub(1)),
    }
    footer(model, pen, keys);
}

/// How many rows above its own what is asked or said takes.
pub fn covered_rows(model: &Model) -> usize {
    long::lines(model).map_or(0, |lines| lines.len().saturating_sub(1))
}

/// What is asked or said where there is no footer, with its keys; the last line is the field's, or that of the keys.
pub fn small(model: &Model) -> Vec<TextLine> {
    let Some(prompt) = &model.prompt else {
        let armed = || model.announced().map(|_| vec![armed(model)]);
        return long::lines(model).or_else(armed).unwrap_or_else(|| vec![said(model)]);
    };
    let has_keys =
        matches!(prompt, Prompt::Confirm(ConfirmPrompt { by: ConfirmBy::Yes | ConfirmBy::YesThenNumber(_), .. }));
    let keys = prompt_keys::of(prompt).into_iter().map(|entry| format!("{} {}", entry.key, entry.word));
    let keys = (!has_keys).then(|| TextLine::dim(format!(" {}", keys.collect::<Vec<_>>().join(", "))));
    let lines = long::lines(model).unwrap_or_else(|| vec![question(model, prompt)]);
    keys.into_iter().filter(|keys| keys.width() <= model.size.width).chain(lines).collect()
}

/// The same, drawn over the last lines of the screen.
pub fn draw_small(model: &Model, pen: &mut Pen<'_>) {
    let last = pen.screen().height.saturating_sub(1);
    long::draw(pen, &small(model), last);
}

/// The open prompt.
fn question(model: &Model, prompt: &Prompt) -> TextLine {
    match prompt {
        Prompt::Find(find) => finding(model, find),
        Prompt::BlastFilter(filter) => filtering(model, filter),
        Prompt::Amount(amount) => amount_line(model, amount),
        Prompt::Refused(refused) => {
            hinted(model, TextLine::plain(format!(" {}", refused.why)), "    enter continues", "")
        }
        Prompt::Items(items) => items_line(model, items),
        Prompt::Note(note) => note.field.line(TextLine::of(format!(" note for {}: ", note.who), TextRole::Plain)),
        Prompt::OwnNumber(own) => {
            let line = own.field.line(TextLine::of(" your own number: ", TextRole::Plain));
            match &own.trouble {
                Some(trouble) => line.and(format!("   {trouble}"), TextRole::Plain),
                None => hinted(model, line, "    such as +60 12-345 6789; [ui] test_to keeps it for good", ""),
            }
        }
        Prompt::Confirm(ask) => {
            let line = |text: &str| TextLine::of(format!(" {text} "), TextRole::Need);
            match &ask.by {
                ConfirmBy::Yes | ConfirmBy::YesThenNumber(_) => yes_or_no(model, &ask.question),
                ConfirmBy::NumberOncePaused { field, .. } => field.line(line(&ask.question)),
                ConfirmBy::Number { field, .. } => {
                    let room = usize::from(model.size.width).saturating_sub(2 + field.text().chars().count() + 1);
                    let question = line(&end_of(&ask.shown(), room));
                    hinted(model, field.line(question), "   any other key is no", "")
                }
            }
        }
    }
}

/// A question with its keys. The keys are always seen: where the line is too short for both, the question is cut.
fn yes_or_no(model: &Model, question: &str) -> TextLine {
    let line = |question: &str, keys: &str| {
        TextLine::of(format!(" {question} "), TextRole::Need).and(keys.to_owned(), TextRole::Plain)
    };
    let fits = |keys: &&&str| width(question) + width(keys) + 2 <= model.size.width;
    let (long, short) = ("y is yes, any other key is no", "y: yes, else no");
    match [long, short].iter().find(fits) {
        Some(keys) => line(question, keys),
        None => line(&start_of(question, model.size.width.saturating_sub(width(short) + 2)), short),
    }
}

/// As much of the end of a text as fits, with a mark where it was cut: the number to type stands there.
fn end_of(text: &str, room: usize) -> String {
    let length = text.chars().count();
    if length <= room {
        return text.to_owned();
    }
    let kept: String = text.chars().skip(length.saturating_sub(room.saturating_sub(1))).collect();
    format!("~{kept}")
}

fn amount_line(model: &Model, amount: &AmountPrompt) -> TextLine {
    let AmountPrompt { who, field, sale, trouble, .. } = amount;
    let symbol = symbol(&model.options.currency);
    let (before, long, short) = match sale {
        PricedSale::New => (
            format!(" {who} closed. {symbol} "),
            "    enter keeps it, esc closes without one, then u takes it back",
            "  enter keeps it",
        ),
        PricedSale::Earlier(seen) => (
            format!(" {who} closed, {symbol} {}. Now {symbol} ", seen.map_or_else(|| "-".to_owned(), money)),
            "   enter keeps it, esc does not",
            "  enter keeps it",
        ),
    };
    let line = field.line(TextLine::of(before, TextRole::Plain));
    match trouble {
        Some(trouble) => line.and(format!("   {trouble}"), TextRole::Plain),
        None => hinted(model, line, long, short),
    }
}

fn items_line(model: &Model, items: &ItemsPrompt) -> TextLine {
    let who = &items.who;
    let (before, hint) = match items.of {
        ItemsTarget::NewOrder { .. } => (format!(" order of {who}: "), "   SKU*2 or SKU*2@12.50, blanks between items"),
        ItemsTarget::NewCart { .. } => (format!(" cart of {who}: "), "   SKU*2 or SKU*2@12.50, blanks between items"),
        ItemsTarget::Changes(SaleKey::Order(id)) => {
            (format!(" order {id}: "), "   SKU*3 so many from now on, -SKU none")
        }
        ItemsTarget::Changes(SaleKey::Cart(id)) => (format!(" cart {id}: "), "   SKU*3 so many from now on, -SKU none"),
    };
    let line = items.field.line(TextLine::of(before, TextRole::Plain));
    match &items.trouble {
        Some(trouble) => line.and(format!("   {trouble}"), TextRole::Plain),
        None => hinted(model, line, hint, ""),
    }
}

/// With as much of a hint as fits.
fn hinted(model: &Model, line: TextLine, long: &str, short: &str) -> TextLine {
    let hint = if line.width() + width(long) < model.size.width { long } else { short };
    line.and(hint, TextRole::Dim)
}

fn finding(model: &Model, find: &FindPrompt) -> TextLine {
    let line = find.field.line(TextLine::of(" find ", TextRole::Plain));
    if let Some(trouble) = &find.trouble {
        return line.and(format!("   {trouble}"), TextRole::Plain);
    }
    if find.field.is_empty() {
        return line.and("   part of a number or name, status:read, stuck:read ...   esc goes back", TextRole::Dim);
    }
    let here = match (model.recipients.awaiting, model.recipients.total) {
        (Some(_), _) | (_, None) => "...".to_owned(),
        (None, Some(found)) => here(model, find, found),
    };
    let elsewhere = find.elsewhere.as_ref().map(|rows| others(model, rows.iter().map(|row| row.person.blast_id)));
    let elsewhere = elsewhere.map(|words| format!("   {words}")).unwrap_or_default();
    let is_found = model.recipients.total.is_some_and(|found| found.number() > 0);
    let line = line.and(format!("   {here}{elsewhere}"), TextRole::Plain);
    if !is_found {
        return hinted(model, line, "   esc goes back", "");
    }
    let marks = ["they-replied", "they-bought-an-amount-may-follow", "never-message-them-again"];
    let [replied, closed, stop] = marks.map(|action| model.options.keys.of(action));
    let next = format!("   enter, then {replied} replied  {closed} closed  {stop} stop");
    hinted(model, line, &next, &format!("  enter, {replied} {closed} {stop}"))
}

fn filtering(model: &Model, filter: &BlastFilterPrompt) -> TextLine {
    let line = filter.field.line(TextLine::of(" filter ", TextRole::Plain));
    if let Some(trouble) = &filter.trouble {
        return line.and(format!("   {trouble}"), TextRole::Plain);
    }
    if filter.field.is_empty() {
        return line.and("   part of a name, state:sending, stage:initial, from:2026-11-01 ...", TextRole::Dim);
    }
    let (shown, all) = (model.blasts.shown().count(), model.blasts.rows().len());
    line.and(
        format!("   {shown} of {}", count_of(i64::try_from(all).unwrap_or(i64::MAX), "blast", "blasts")),
        TextRole::Plain,
    )
}

/// Who was found in this blast, and what else has the digits in it.
fn here(model: &Model, find: &FindPrompt, found: Total) -> String {
    let text = find.field.text();
    match &model.recipients.found_by {
        FoundBy::Inside { digits } if found.number() == 0 => format!("nobody here has {digits}"),
        FoundBy::Inside { digits } => format!("none ends in {digits}, {} with it inside{}", total(found), only(model)),
        FoundBy::Ending { .. } => {
            let more = find.wider.map_or(0, |wider| wider.number() - found.number());
            let more = if more > 0 { format!("   {} more: \"{}\"", number(more), text.trim()) } else { String::new() };
            format!("{} here{}{more}", total(found), only(model))
        }
        FoundBy::Words => format!("{} here{}", total(found), only(model)),
    }
}

fn only(model: &Model) -> String {
    let name = model.recipients.at_cursor().filter(|_| model.recipients.is_single());
    name.map(|person| person.row.who()).map(|name| format!(": {name}")).unwrap_or_default()
}

fn others(model: &Model, blasts: impl Iterator<Item = BlastId>) -> String {
    let found = blasts.filter(|blast| Some(*blast) != model.people_of()).count();
    match found {
        0 => "none in other blasts".to_owned(),
        found if found >= ELSEWHERE_MAX as usize => format!("tab: {ELSEWHERE_MAX}+ in other blasts"),
        found => format!("tab: {found} in other blasts"),
    }
}

/// What was said last, what holds keys up, or the demo's hint. A refusal is plain: red is for what needs a person.
fn said(model: &Model) -> TextLine {
    if !model.held.is_empty() {
        let keys =
            if model.held.len() == 1 { "a key waits".to_owned() } else { format!("{} keys wait", model.held.len()) };
        return TextLine::dim(format!(" {keys} for the list; esc forgets"));
    }
    // On a page that covers the panes other keys work, or letters are text.
    let hint = model.hint.filter(|_| model.overlays.is_empty()).map(|shown| hint(model, shown));
    match (&model.notice, hint) {
        _ if model.announced().is_some() => armed(model),
        (Some(notice), hint) => noticed(notice, hint),
        (None, Some(hint)) => TextLine::of(format!(" {hint}"), TextRole::Accent).right("esc ends the hints"),
        (None, None) => TextLine::default(),
    }
}

fn noticed(notice: &Notice, hint: Option<&str>) -> TextLine {
    let line = TextLine::plain(format!(" {}", notice.text));
    match notice.hint.as_deref().or(hint) {
        Some(hint) => line.right(hint),
        None => line,
    }
}

fn armed(model: &Model) -> TextLine {
    let clock = TimeFormat { zone: model.options.zone, now: model.now };
    match model.announced() {
        Some((blast, until)) => {
            let text = format!(" {} starts at {}", blast.name(), clock.second(until));
            let stops = model.to_pause().is_some_and(|paused| paused.id == blast.id);
            let (undo, pause) = (model.options.keys.undo(), model.options.keys.pause());
            let asks = model.stops(blast);
            let keys = match (model.overlays.last().is_some_and(Overlay::is_form), stops) {
                (true, _) => format!("esc, then {undo} {asks}"),
                (false, true) if asks == "stops it" => format!("{undo} or {pause} stops it"),
                (false, true) => format!("{pause} stops it, {undo} asks first"),
                (false, false) => format!("{undo} {asks}"),
            };
            TextLine::of(text, TextRole::Need).right(keys)
        }
        None => TextLine::default(),
    }
}

fn hint(model: &Model, hint: Hint) -> &'static str {
    match hint {
        // There it lists only some blasts.
        Hint::Find if model.focus == Pane::Blasts => "try: 3, then / and the last four digits of a number, then enter",
        Hint::Find => "try: / and the last four digits of a number, then enter",
        Hint::Reply => "try: r marks that they replied; c that they bought",
        Hint::Undo => "try: u takes it back",
    }
}

/// The keys that work here, as many as fit, the important ones first to stay.
fn footer(model: &Model, pen: &mut Pen<'_>, y: u16) {
    let room = pen.screen().width.saturating_sub(1);
    let keys = model.prompt.as_ref().map_or_else(|| keys_here(model), prompt_keys::of);
    let shown = fitting(keys, room);
    let mut at = 1;
    for (key, word) in shown {
        at = pen.put((at, y), &key, room.saturating_sub(at) + 1, TextRole::Accent);
        at = pen.put((at + 1, y), &word, room.saturating_sub(at), TextRole::Plain) + 2;
    }
}

struct FooterKey {
    key: String,
    word: &'static str,
    /// Higher is dropped first.
    dropped: u8,
}

fn keys_here(model: &Model) -> Vec<FooterKey> {
    if let Some(keys) = while_typing(model) {
        let entry = |(key, word): (&'static str, &'static str)| FooterKey { key: key.to_owned(), word, dropped: 0 };
        return keys.iter().copied().map(entry).collect();
    }
    let scopes = action::scopes(model);
    let works = |action: &&UiAction| {
        let is_nearest =
            |key: &Key| model.options.keys.lookup(*key, scopes).is_some_and(|near| near.id() == action.id());
        action.scopes.iter().any(|scope| scopes.contains(scope))
            && model.options.keys.keys(action).first().is_none_or(is_nearest)
    };
    let mut entries: Vec<FooterKey> = ACTIONS
        .iter()
        .filter(works)
        .filter(|action| is_of_use(model, action))
        .filter_map(|action| entry(model, action))
        .collect();
    if !model.overlays.is_empty() {
        entries.push(FooterKey { key: "esc".to_owned(), word: "back", dropped: 0 });
    }
    entries
}

/// The keys of a line that is being typed, where every letter is text.
fn while_typing(model: &Model) -> Option<&'static [(&'static str, &'static str)]> {
    if model.overlays.last() == Some(&Overlay::NewSender) {
        let form = model.new_sender.as_deref()?;
        return Some(match (&form.edit, form.line) {
            (Some(_), _) => &[("enter", "next line"), ("esc", "done")],
            (None, SenderLine::Provider) => &[("enter", "the other one"), ("up down", "lines"), ("esc", "back")],
            (None, SenderLine::Add) => &[("enter", "checks and adds"), ("up down", "lines"), ("esc", "back")],
            (None, _) => &[("enter", "edits"), ("up down", "lines"), ("esc", "back")],
        });
    }
    let form = model.form.as_deref().filter(|_| model.overlays.last() == Some(&Overlay::Form))?;
    match (&form.page, &form.edit) {
        (FormPage::Columns(_), _) => {
            Some(&[("up down", "choose"), ("enter", "takes the column"), ("esc", "a plain brace")])
        }
        (FormPage::Templates(_), _) => Some(&[("enter", "takes the template"), ("esc", "back")]),
        (FormPage::ListColumns { .. }, _) => {
            Some(&[("up down", "choose"), ("enter", "takes it"), ("esc", "as it was")])
        }
        (FormPage::LeftOut { edit: Some(_), .. }, _) => Some(&[("enter", "takes it"), ("esc", "as it was")]),
        (FormPage::LeftOut { .. }, _) => Some(&[("enter", "mend"), ("l", "another list"), ("esc", "back")]),
        (FormPage::Lines, Some(LineEdit::Message(_))) => {
            Some(&[("{", "column"), ("enter", "new line"), ("esc", "done")])
        }
        (FormPage::Lines, Some(LineEdit::Path { .. })) => {
            Some(&[("tab", "completes"), ("enter", "reads it"), ("esc", "done")])
        }
        (FormPage::Lines, Some(LineEdit::Field(_))) => Some(&[("enter", "next line"), ("esc", "done")]),
        (FormPage::Lines, None) => None,
    }
}

/// Marks are always shown; other actions where they are available. Where something is typed, few keys are keys.
fn is_of_use(model: &Model, action: &UiAction) -> bool {
    let typing = matches!(model.overlays.last(), Some(Overlay::Commands(_) | Overlay::Plan(_) | Overlay::Answer(_)));
    let everywhere = action.scopes.contains(&KeyScope::Everywhere);
    let is_about_blasts = action.scopes.contains(&KeyScope::Funnel);
    let marks = action.danger != Danger::Calm && action.scopes.contains(&KeyScope::Recipients) && !is_about_blasts;
    let is_behind = model.overlays.last().is_some_and(Overlay::is_form) && !action.is_of_forms();
    let is_key = !(is_behind || typing && everywhere);
    is_key && (marks || (action.why_not)(model).is_none())
}

fn entry(model: &Model, action: &UiAction) -> Option<FooterKey> {
    let (text, dropped) = action.footer?;
    let dropped = if (action.is_at_hand)(model) { 1 } else { dropped };
    let (key, word) = match text {
        FooterText::Word(word) => (model.options.keys.keys(action).first()?.to_string(), word),
        FooterText::Here(word) => {
            let word = Some(word(model)).filter(|word| !word.is_empty())?;
            (model.options.keys.keys(action).first()?.to_string(), word)
        }
        FooterText::Pair(word) => (pair(model), word(model)?),
    };
    Some(FooterKey { key, word, dropped })
}

/// The keys of the step back and the step on.
fn pair(model: &Model) -> String {
    let keys = &model.options.keys;
    format!("{} {}", keys.of("previous-stage-person-sample"), keys.of("next-stage-person-sample"))
}

fn fitting(mut entries: Vec<FooterKey>, room: u16) -> Vec<(String, String)> {
    let taken =
        |entries: &[FooterKey]| -> u16 { entries.iter().map(|entry| width(&entry.key) + width(entry.word) + 3).sum() };
    while taken(&entries) > room + 2 {
        let Some(last) = entries.iter().enumerate().max_by_key(|(at, entry)| (entry.dropped, *at)).map(|(at, _)| at)
        else {
            break;
        };
        entries.remove(last);
    }
    entries.into_iter().map(|entry| (entry.key, entry.word.to_owned())).collect()
}
