//! The last two lines: the open prompt or the last notice, and the keys that work here.

mod keys;
mod long;
mod prompt_keys;
mod question;

use chrono::TimeDelta;

use crate::app::view::BlastView;
use crate::tui::format::TimeFormat;
use crate::tui::model::{ArmedWords, ConfirmBy, ConfirmPrompt, Hint, Model, Notice, Overlay, Pane, Prompt};
use crate::tui::theme::TextRole;
use crate::tui::widget::{Pen, TextLine};

pub fn draw(model: &Model, pen: &mut Pen<'_>) {
    let area = pen.screen();
    let (saying, below) = (area.height.saturating_sub(2), area.height.saturating_sub(1));
    match (long::lines(model), &model.prompt) {
        (Some(lines), _) => long::draw(pen, &lines, saying),
        (None, Some(prompt)) => question::line(model, prompt).draw(pen, (0, saying), area.width),
        (None, None) => said(model).draw(pen, (0, saying), area.width.saturating_sub(1)),
    }
    keys::draw(model, pen, below);
}

/// How many rows above its own what is asked or said takes.
pub fn covered_rows(model: &Model) -> usize {
    long::lines(model).map_or(0, |lines| lines.len().saturating_sub(1))
}

/// What is asked or said where there is no footer, with its keys; the last line is the field's, or that of the keys.
pub fn small(model: &Model) -> Vec<TextLine> {
    let fits = |lines: &[TextLine]| lines.len() < usize::from(model.size.height);
    let Some(prompt) = &model.prompt else {
        let armed = || model.announced().map(|_| vec![armed(model)]);
        let long =
            long::lines(model).map(|lines| long::stop_of_launch(model).filter(|_| !fits(&lines)).unwrap_or(lines));
        return long.or_else(armed).unwrap_or_else(|| vec![said(model)]);
    };
    let has_keys =
        matches!(prompt, Prompt::Confirm(ConfirmPrompt { by: ConfirmBy::Yes | ConfirmBy::YesThenNumber(_), .. }));
    let keys = prompt_keys::of(prompt, &model.options.currency)
        .into_iter()
        .map(|entry| format!("{} {}", entry.key, entry.word));
    let keys = (!has_keys).then(|| TextLine::dim(format!(" {}", keys.collect::<Vec<_>>().join(", "))));
    let lines = long::lines(model).unwrap_or_else(|| vec![question::line(model, prompt)]);
    keys.into_iter().filter(|keys| keys.width() <= model.size.width).chain(lines).collect()
}

/// The same, drawn over the last lines of the screen.
pub fn draw_small(model: &Model, pen: &mut Pen<'_>) {
    let last = pen.screen().height.saturating_sub(1);
    long::draw(pen, &small(model), last);
}

/// What was said last, what holds keys up, or the demo's hint. A refusal is plain: red is for what needs a person.
fn said(model: &Model) -> TextLine {
    if !model.held.is_empty() {
        let keys =
            if model.held.len() == 1 { "a key waits".to_owned() } else { format!("{} keys wait", model.held.len()) };
        return TextLine::dim(format!(" {keys} for the list; esc forgets"));
    }
    let hint = hint_here(model);
    match (&model.notice, hint) {
        _ if model.announced().is_some() => armed(model),
        (Some(notice), hint) => noticed(notice, hint.as_deref()),
        (None, Some(hint)) => TextLine::of(format!(" {hint}"), TextRole::Accent).right("esc ends the hints"),
        (None, None) => away(model).unwrap_or_default(),
    }
}

/// Why the first line says that the numbers are old.
fn away(model: &Model) -> Option<TextLine> {
    let clock = TimeFormat { zone: model.options.zone, now: model.now };
    let since = clock.long(model.away_since()?);
    let needs = model.options.keys.needs();
    Some(TextLine::of(format!(" the database has not answered since {since}: {needs} says more"), TextRole::Need))
}

fn noticed(notice: &Notice, hint: Option<&str>) -> TextLine {
    let line = TextLine::plain(format!(" {}", notice.text));
    match notice.hint.as_deref().or(hint) {
        Some(hint) => line.right(hint),
        None => line,
    }
}

fn armed(model: &Model) -> TextLine {
    armed_words(model).map(|(text, keys)| TextLine::of(format!("{text}: {keys}"), TextRole::Need)).unwrap_or_default()
}

/// What starts and when, and the keys that stop it.
fn armed_words(model: &Model) -> Option<(String, String)> {
    let (blast, until) = model.announced()?;
    let starts = model.starts_words(blast, until);
    // The line may say more than that.
    let text = match model.notice.as_ref().and_then(|notice| Some((notice, notice.armed?.says))) {
        Some((notice, ArmedWords::Beside)) => format!(" {}; {starts}", notice.text),
        Some((notice, says)) if says == ArmedWords::Act || notice.lost.is_some() => format!(" {}", notice.text),
        _ => format!(" {starts}"),
    };
    let keys = stop_keys(model, blast);
    // So many seconds, begun ones included.
    let left = (until - model.now + TimeDelta::milliseconds(999)).num_seconds();
    let is_later = model.later_start(blast, until).is_some();
    Some((text, if is_later { keys } else { format!("{keys} ({left} s left)") }))
}

/// The keys that stop a launch. Pausing stops one of its blasts.
fn stop_keys(model: &Model, blast: &BlastView) -> String {
    let (undo, pause) = (model.options.keys.undo(), model.options.keys.pause());
    let asks = model.stops(blast);
    let pauses = model.to_pause().is_some_and(|paused| paused.id == blast.id);
    let is_alone = model.starting_with(blast).is_empty();
    let name = || model.brief_distinct_name(blast);
    // A page that is not drawn takes no keys but those that leave it.
    let is_left_first = model.overlays.last().is_some_and(Overlay::is_form) || model.not_drawn().is_some();
    match (asks, pauses) {
        _ if is_left_first => format!("esc, then {undo} {asks}"),
        (_, false) => format!("{undo} {asks}"),
        ("asks first", true) if is_alone => format!("{pause} stops it, {undo} asks first"),
        ("asks first", true) => format!("{pause} pauses {}, {undo} asks first", name()),
        (_, true) if is_alone => format!("{undo} or {pause} {asks}"),
        (_, true) => format!("{undo} {asks}, {pause} pauses {}", name()),
    }
}

/// The demo's hint. On a page that covers the panes other keys work, or letters are text.
fn hint_here(model: &Model) -> Option<String> {
    // Nobody is there to be found or marked.
    let is_empty = model.recipients.is_empty() && !model.awaits_list();
    Some(model.with_keys(match model.hint.filter(|_| model.overlays.is_empty() && !is_empty)? {
        // There it lists only some blasts.
        Hint::Find if model.focus == Pane::Blasts => {
            "try: ⟨3⟩, then ⟨/⟩ and the last four digits of a number, then enter"
        }
        Hint::Find => "try: ⟨/⟩ and the last four digits of a number, then enter",
        Hint::Reply => "try: ⟨r⟩ marks that they replied; ⟨c⟩ that they bought",
        Hint::Undo => "try: ⟨u⟩ takes it back",
    }))
}
