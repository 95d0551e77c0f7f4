//! One person: where they stand, what happened, what they read, what the provider said.

use super::command_line::pasteable;
use super::{OverlayContent, clock, history, message, wrapped};
use crate::app::view::{AnswerRow, ElsewhereRow, HistoryRow, RecipientDetails, RecipientRow, Total};
use crate::domain::forgotten::is_forgotten;
use crate::domain::recipient::Resolution;
use crate::domain::status::Status;
use crate::domain::text::clean;
use crate::tui::format::{TimeFormat, in_currency, money, number, symbol, told_apart, total};
use crate::tui::model::{DetailsOverlay, Model, Pane, RESOLUTIONS, ResolutionChoice};
use crate::tui::theme::TextRole;
use crate::tui::widget::{TextLine, TitleRule, start_of};

/// So much is said of what somebody uncertain wrote.
const WROTE_MAX: usize = 60;

/// The most of a provider's answer that is shown, in bytes.
const RAW_MAX: usize = 8_192;

pub fn content(model: &Model, details: &DetailsOverlay, width: u16) -> OverlayContent {
    let Some(loaded) = &details.loaded else {
        let title = super::title(vec!["Details".to_owned()], None);
        return OverlayContent { title, lines: vec![TextLine::dim("  reading ...")], focus: None };
    };
    let clock = clock(model);
    let column = super::column_of(width);
    let width = column.unwrap_or(width);
    let standing = standing(model, loaded, clock);
    let note = if standing.width() > width { note_lines(&loaded.row, width) } else { Vec::new() };
    let mut lines = vec![standing];
    lines.extend(opt_out_lines(&loaded.row, clock, width));
    lines.extend(note);
    lines.extend(failure_lines(loaded, width));
    let before = if column.is_some() { earlier(model, loaded, clock) } else { before(model, loaded, clock) };
    lines.extend(before);
    let mut focus = None;
    if loaded.row.status == Status::Uncertain {
        let mut question = question(loaded, model.is_over_meta(loaded.row.blast_id), (clock, width));
        question.extend(marks_do_not_count(model));
        let choices = choices(model, details.choice, (loaded, width));
        // Where not all of it has room, the choices stand right below their title.
        let has_room = lines.len() + question.len() + choices.len() <= super::page_rows(model);
        let explained = if has_room { Vec::new() } else { question.split_off(1) };
        lines.extend(question);
        focus = Some(lines.len() + details.choice.index());
        lines.extend(choices);
        lines.extend(explained);
    }
    lines.extend(super::reply::section(model, loaded, width));
    lines.push(TextLine::rule("What happened"));
    lines.extend(history::lines(&loaded.history, loaded.row.opted_out_at, clock));
    let said = [message::lines(loaded, width), said(model, loaded, (width, column))].concat();
    let (below, beside) = if column.is_some() { (Vec::new(), said) } else { (said, Vec::new()) };
    lines.extend(below);
    // Whoever was forgotten has no number that a command could name.
    if !is_forgotten(loaded.row.phone.as_str()) {
        lines.extend(command_line(model, (loaded, details.choice), width));
    }
    let focus = focus.filter(|_| details.scroll == 0);
    let content = OverlayContent { title: title(model, loaded), lines, focus };
    content.beside_scrolled(beside, (details.scroll, super::page_rows(model)))
}

/// What the provider said, word for word.
fn said(model: &Model, loaded: &RecipientDetails, (width, column): (u16, Option<u16>)) -> Vec<TextLine> {
    let (clock, title) = (clock(model), TextLine::rule("Raw"));
    let mut lines = vec![if column.is_some() { title } else { title.right(model.with_keys("⟨G⟩ goes there")) }];
    lines.extend(loaded.answers.iter().flat_map(|answer| raw(answer, clock, width)));
    lines.extend(loaded.history.iter().flat_map(|row| history::raw_lines(row, clock, width)));
    if loaded.answers.is_empty() {
        lines.push(TextLine::dim("  no response of the provider was kept"));
    }
    lines
}

/// The same beside the table: what is known of them first, and nothing to be chosen.
pub fn preview(model: &Model, loaded: &RecipientDetails, width: u16) -> (TitleRule, Vec<TextLine>) {
    let clock = clock(model);
    let who = loaded.row.name.clone().unwrap_or_else(|| "no name".to_owned());
    let opens_them = model.focus != Pane::Activity;
    let hint = (width >= 64 && opens_them).then(|| "enter: all of it".to_owned());
    let title = super::title(vec![who, loaded.row.phone.to_string()], hint);
    let mut lines = vec![standing(model, loaded, clock)];
    lines.extend(opt_out_lines(&loaded.row, clock, width));
    lines.extend(note_lines(&loaded.row, width));
    lines.extend(failure_lines(loaded, width));
    lines.extend(earlier(model, loaded, clock));
    if loaded.row.status == Status::Uncertain {
        lines.extend(question(loaded, model.is_over_meta(loaded.row.blast_id), (clock, width)));
        lines.push(TextLine::of("  enter answers that", TextRole::Accent));
    }
    lines.extend(super::reply::section(model, loaded, width));
    let happened = history::lines(&loaded.history, loaded.row.opted_out_at, clock);
    if !happened.is_empty() {
        lines.push(TextLine::rule("What happened"));
        lines.extend(happened);
    }
    lines.extend(message::lines(loaded, width));
    (title, lines)
}

/// Why the newest try failed, and what to do about it.
fn failure_lines(loaded: &RecipientDetails, width: u16) -> Vec<TextLine> {
    let row = &loaded.row;
    let tried = match row.status {
        Status::Failed => "",
        Status::Queued => "the last try failed: ",
        _ => return Vec::new(),
    };
    let Some(code) = &row.error_code else { return Vec::new() };
    let said = row.error_message.as_deref().map(|said| said.trim_end_matches('.'));
    let known = [Some(code.as_str()), said, loaded.advice];
    let mut parts: Vec<&str> = known.into_iter().flatten().filter(|part| !part.is_empty()).collect();
    parts.dedup();
    let lines = wrapped(&format!("{tried}{}", parts.join(": ")), width.saturating_sub(4)).into_iter();
    lines.map(|line| TextLine::dim(format!("  {line}"))).collect()
}

/// A note that is longer than the first line has room for.
fn note_lines(row: &RecipientRow, width: u16) -> Vec<TextLine> {
    let Some(note) = &row.note else { return Vec::new() };
    let lines = wrapped(note, width.saturating_sub(11)).into_iter();
    lines.map(|line| TextLine::plain(format!("    note {line}"))).collect()
}

/// What they got before, and where else they are, a line each.
fn earlier(model: &Model, loaded: &RecipientDetails, clock: TimeFormat) -> Vec<TextLine> {
    let line = |other: &ElsewhereRow| {
        let row = &other.person;
        let amount = row.amount.map(|sum| format!("  {}", in_currency(sum, &model.options.currency)));
        TextLine::dim(format!("  {:<7}", clock.date(row.since())))
            .and(format!("{:<10}", row.status.label()), TextRole::Stage(row.status))
            .and(format!("{}{}", name_of(loaded, other), amount.unwrap_or_default()), TextRole::Plain)
    };
    let (before, beside) = by_time(loaded);
    [("Before", before), ("In other blasts", beside)]
        .into_iter()
        .filter(|(_, others)| !others.is_empty())
        .flat_map(|(title, others)| std::iter::once(TextLine::rule(title)).chain(others.into_iter().take(5).map(line)))
        .collect()
}

/// The name of another blast they are in, distinct from other blasts of that name.
fn name_of(loaded: &RecipientDetails, other: &ElsewhereRow) -> String {
    let own = (loaded.row.blast_id, format!("{}, {}", loaded.blast_tag, loaded.follow_up_stage));
    let named = |other: &ElsewhereRow| (other.person.blast_id, format!("{}, {}", other.tag, other.follow_up_stage));
    let mut names = vec![named(other), own];
    names.extend(loaded.elsewhere.iter().map(named));
    told_apart(&names).swap_remove(0)
}

/// What went to them earlier, and where else they are.
fn by_time(loaded: &RecipientDetails) -> (Vec<&ElsewhereRow>, Vec<&ElsewhereRow>) {
    let row = &loaded.row;
    let own = row.sent_at.or_else(|| (row.status == Status::Uncertain).then(|| row.since()));
    let is_before = |other: &&ElsewhereRow| other.person.sent_at.is_some_and(|at| own.is_none_or(|own| at < own));
    loaded.elsewhere.iter().partition(is_before)
}

fn title(model: &Model, loaded: &RecipientDetails) -> TitleRule {
    // The number is what identifies them: a long name gives way.
    let who = start_of(loaded.row.name.as_deref().unwrap_or("no name"), (model.size.width / 3).max(12));
    let blast = format!("{}, {}", loaded.blast_tag, loaded.follow_up_stage);
    let right = model.recipients.position().zip(model.listed()).map(|(at, of)| {
        // Whoever has moved on since it was read is still in it here.
        let of = of.and(i64::try_from(model.recipients.left()).unwrap_or_default());
        let of = if of.number() < at { Total::Exactly(at) } else { of };
        format!("{at} of {}: {}", total(of), model.with_keys("⟨[⟩ ⟨]⟩"))
    });
    super::title(vec![who, loaded.row.phone.to_string(), blast], right)
}

fn standing(model: &Model, loaded: &RecipientDetails, clock: TimeFormat) -> TextLine {
    let row = &loaded.row;
    let since = before_resolution(loaded).map_or_else(|| row.since(), |change| change.changed_at);
    let symbol = symbol(&model.options.currency);
    let amount = row.amount.map_or_else(|| "-".to_owned(), money);
    let note = row.note.as_deref().unwrap_or("-");
    let line = TextLine::plain("  ").and(row.status.to_string(), TextRole::Stage(row.status));
    let line = line.and(format!(" since {}", clock.long(since)), TextRole::Plain);
    // Whose message was tried is in the history.
    let due = loaded.due_at.filter(|due| *due > clock.now).map(|due| format!(", due {}", clock.second(due)));
    let line = line.and(due.unwrap_or_default(), TextRole::Plain);
    // What holds has a line of its own.
    let opted_out = row.opted_out_at.filter(|_| row.status != Status::OptedOut && row.opt_out.is_none());
    let line = match opted_out {
        Some(at) => line.and(format!("      opted out {}", clock.long(at)), TextRole::Trouble),
        None => line,
    };
    line.and(format!("      {symbol} {amount}      note {note}"), TextRole::Plain)
}

/// `opted out (of kedai), since 12:30`, wherever that was noted.
fn opt_out_lines(row: &RecipientRow, clock: TimeFormat, width: u16) -> Vec<TextLine> {
    let Some(opt_out) = &row.opt_out else { return Vec::new() };
    let text = format!("opted out ({}), since {}", opt_out.scope(), clock.long(opt_out.since));
    let lines = wrapped(&text, width.saturating_sub(4)).into_iter();
    lines.map(|line| TextLine::of(format!("  {line}"), TextRole::Trouble)).collect()
}

fn before(model: &Model, loaded: &RecipientDetails, clock: TimeFormat) -> Vec<TextLine> {
    let words = |(ElsewhereRow { person: row, .. }, name): (&ElsewhereRow, String)| {
        let amount = row.amount.map(|sum| format!(" {}", in_currency(sum, &model.options.currency)));
        let (status, since) = (row.status, clock.date(row.since()));
        format!("{name}, {status} {since}{}", amount.unwrap_or_default())
    };
    let line = |label: &str, others: Vec<&ElsewhereRow>| {
        let others: Vec<String> =
            others.into_iter().take(3).map(|other| (other, name_of(loaded, other))).map(words).collect();
        (!others.is_empty()).then(|| TextLine::dim(format!("  {label}: {}", others.join("   "))))
    };
    let (before, beside) = by_time(loaded);
    [line("before", before), line("in other blasts", beside)].into_iter().flatten().collect()
}

/// Of somebody who is uncertain again because an operator took their answer back: the change that made them uncertain.
fn before_resolution(loaded: &RecipientDetails) -> Option<&HistoryRow> {
    let mut changes = loaded.history.iter().rev().filter(|change| change.new_status == Status::Uncertain);
    let is_by_hand = |change: &&HistoryRow| change.source == "operator";
    let is_again =
        loaded.row.status == Status::Uncertain && loaded.history.last().is_some_and(|last| is_by_hand(&last));
    changes.find(|change| !is_by_hand(change)).filter(|_| is_again)
}

/// What is known of somebody uncertain before their message goes once more.
pub fn before_resend(loaded: &RecipientDetails, clock: TimeFormat) -> Option<String> {
    let said: Vec<_> = wrote_since(loaded, clock).into_iter().chain(same_message(loaded, clock)).collect();
    (!said.is_empty()).then(|| said.join(" "))
}

/// What they wrote since may be an answer to it.
fn wrote_since(loaded: &RecipientDetails, clock: TimeFormat) -> Option<String> {
    let last = loaded.replies.last()?;
    let words: String = clean(&last.body).chars().take(WROTE_MAX).collect();
    let cut = if last.body.chars().count() > WROTE_MAX { "…" } else { "" };
    Some(format!("They wrote since, {}, maybe in answer to it: \"{words}{cut}\".", clock.long(last.at)))
}

/// Said of somebody who is uncertain and had the same text by another blast: what their phone shows may be that one.
fn same_message(loaded: &RecipientDetails, clock: TimeFormat) -> Option<String> {
    let had = |other: &&ElsewhereRow| other.is_same_message && other.person.sent_at.is_some();
    let other = loaded.elsewhere.iter().find(had)?;
    let sent = other.person.sent_at.map(|at| clock.long(at))?;
    Some(format!("They had this very message from {}, too, sent {sent}.", name_of(loaded, other)))
}

fn question(loaded: &RecipientDetails, is_over_meta: bool, (clock, width): (TimeFormat, u16)) -> Vec<TextLine> {
    let earlier = before_resolution(loaded).and_then(|change| change.detail.as_deref());
    // What a provider answered stands under Raw.
    let earlier = earlier.filter(|detail| !detail.starts_with(['{', '[']));
    // The part before the colon is for people; the error of the library stands under Raw.
    let why = match earlier.or(loaded.row.reason.as_deref()) {
        None => "no answer came",
        Some(reason) => match reason.split_once(": ") {
            Some(("uncertain again", why) | (why, _)) => why,
            None => reason,
        },
    };
    let ask = if is_over_meta {
        "A webhook of Meta's settles it, mostly within minutes. If none comes, ask them: is the message there?"
    } else {
        "Open the chat on the phone: is the message there?"
    };
    // Its state is asked for by that id.
    let is_unknown_later = !is_over_meta && loaded.row.message_id.is_none();
    let later = if is_unknown_later {
        " If it is there, received and read stay unknown: the provider gave no id to ask by."
    } else {
        ""
    };
    let text = format!(
        "It is not known whether the message was sent: {why}. They may have it or not; nothing is resent by itself. {ask}{later}"
    );
    let text = format!("{text}{}", before_resend(loaded, clock).map(|known| format!(" {known}")).unwrap_or_default());
    let mut lines = vec![TextLine::rule("Was it sent?")];
    lines.extend(wrapped(&text, width.saturating_sub(4)).into_iter().map(|line| TextLine::plain(format!("  {line}"))));
    lines
}

/// Said where people are marked: the answer is for the one on the page.
fn marks_do_not_count(model: &Model) -> Option<TextLine> {
    let shown = model.person().map(|row| row.id);
    let marked = model.recipients.marked.keys().filter(|id| Some(**id) != shown).count();
    let words = || {
        format!(
            "  This answers for them alone, not for the {} marked.",
            number(i64::try_from(marked).unwrap_or(i64::MAX))
        )
    };
    (marked > 0).then(|| TextLine::of(words(), TextRole::Trouble))
}

/// The columns of a choice and of the cursor before it.
const CHOICE: usize = 24;
const CURSOR: usize = 4;

fn choices(model: &Model, chosen: ResolutionChoice, (loaded, width): (&RecipientDetails, u16)) -> Vec<TextLine> {
    let clock = clock(model);
    let resend_from = model.resend_from(loaded.claimed_at);
    let is_cancelled = model.is_cancelled(loaded.row.blast_id);
    let room = usize::from(width).saturating_sub(CURSOR + CHOICE);
    // What distinguishes the choices is never cut.
    let fitting = |whole: String, brief: String| if whole.chars().count() <= room { whole } else { brief };
    let line = |choice: &ResolutionChoice| {
        let (words, then) = match choice {
            ResolutionChoice::LeaveOpen => {
                ("leave it open", fitting("an answer that still comes settles it".to_owned(), "waits".to_owned()))
            }
            ResolutionChoice::Say(Resolution::Sent) => {
                let at = loaded.claimed_at.unwrap_or(loaded.row.changed_at);
                let whole = format!("counts as sent, {}", clock.long(at));
                ("it is there", fitting(whole, "is sent".to_owned()))
            }
            ResolutionChoice::Say(Resolution::Resend) if is_cancelled => {
                ("not there, send again", fitting("not of a cancelled blast".to_owned(), "cancelled".to_owned()))
            }
            ResolutionChoice::Say(Resolution::Resend) => {
                let then = resend_from.map(|from| {
                    let whole = format!("from {}: an answer may still come", clock.second(from));
                    fitting(whole, format!("at {}", clock.second(from)))
                });
                (
                    "not there, send again",
                    then.unwrap_or_else(|| fitting("asks you first".to_owned(), "asks".to_owned())),
                )
            }
            ResolutionChoice::Say(Resolution::Drop) => {
                ("not there, leave out", fitting("counts as skipped".to_owned(), "is skipped".to_owned()))
            }
        };
        let is_closed = is_cancelled || resend_from.is_some();
        let is_refused = is_closed && *choice == ResolutionChoice::Say(Resolution::Resend);
        let (cursor, meaning) = if *choice == chosen { (">", TextRole::Strong) } else { (" ", TextRole::Plain) };
        let meaning = if is_refused { TextRole::Dim } else { meaning };
        TextLine::of(format!("  {cursor} "), TextRole::Accent)
            .and(format!("{words:<CHOICE$}"), meaning)
            .and(then, TextRole::Dim)
    };
    RESOLUTIONS.iter().map(line).collect()
}

fn raw(answer: &AnswerRow, clock: TimeFormat, width: u16) -> Vec<TextLine> {
    let status = answer.http_status.map_or_else(|| "no HTTP status".to_owned(), |status| format!("HTTP {status}"));
    let head = format!(
        "  attempt {}  {}  {}  {status}  {} bytes",
        answer.attempt,
        clock.second(answer.received_at),
        answer.outcome.word(),
        answer.body.len()
    );
    let shown = &answer.body[..answer.body.len().min(RAW_MAX)];
    let text = String::from_utf8_lossy(shown);
    let mut lines = vec![TextLine::dim(head)];
    lines.extend(wrapped(&text, width.saturating_sub(4)).into_iter().map(|line| TextLine::plain(format!("  {line}"))));
    lines
}

/// A line to paste as it is, and the words that may replace its last one.
fn command_line(model: &Model, (loaded, choice): (&RecipientDetails, ResolutionChoice), width: u16) -> Vec<TextLine> {
    let (blast, phone) = (loaded.row.blast_id, loaded.row.phone.as_str());
    let (same, others) = match loaded.row.status {
        // The one at the cursor.
        Status::Uncertain => {
            let (answer, others) = match choice {
                ResolutionChoice::Say(Resolution::Resend) => ("resend", "sent, drop"),
                ResolutionChoice::Say(Resolution::Drop) => ("drop", "sent, resend"),
                _ => ("sent", "resend, drop"),
            };
            (format!("blastdeck uncertain resolve {blast} {phone} {answer}"), others)
        }
        // Nothing has reached them that they could answer.
        Status::Queued | Status::Sending | Status::Skipped => {
            (format!("blastdeck mark {blast} {phone} opt-out"), "undo, note --note TEXT")
        }
        Status::OptedOut => (format!("blastdeck mark {blast} {phone} undo"), "note --note TEXT"),
        _ => (format!("blastdeck mark {blast} {phone} replied"), "closed, opt-out, undo, note --note TEXT"),
    };
    let mut lines = vec![TextLine::dim(format!("  as a command (or ending in {others}):"))];
    lines.extend(pasteable(&model.options.call(&same), 2, width).map(TextLine::dim));
    lines
}
