//! What is asked: the line of the open prompt, with as much of a hint as fits.

use crate::app::view::Total;
use crate::domain::ids::BlastId;
use crate::domain::status::Status;
use crate::tui::effect::ELSEWHERE_MAX;
use crate::tui::format::{count_of, money, number, symbol, total};
use crate::tui::model::{
    AmountPrompt, BlastFilterPrompt, ConfirmBy, FindPrompt, FoundBy, ItemsPrompt, ItemsTarget, Model, PaceLine,
    PacePrompt, PricedSale, Prompt, SaleKey,
};
use crate::tui::theme::TextRole;
use crate::tui::update;
use crate::tui::update::find_from_blasts::is_number;
use crate::tui::widget::{TextLine, start_of, width};

/// The open prompt.
pub fn line(model: &Model, prompt: &Prompt) -> TextLine {
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
        Prompt::Pace(pace) => pace_line(model, pace),
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
    let (long, short) = ("y is yes, any other key is no", "only y is yes");
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
    let typed = if amount.names_currency() { String::new() } else { format!("{symbol} ") };
    let (before, long, short) = match sale {
        PricedSale::New if model.is_unconfirmed(amount.person) => (
            format!(" {who}: the sale is not confirmed yet. {symbol} "),
            "    enter keeps it; esc: closed without an amount",
            "  enter keeps it",
        ),
        PricedSale::New => (
            format!(" {who} closed. {typed}"),
            "    enter keeps it; esc: closed without an amount, ⟨u⟩ undoes that",
            "  enter keeps it",
        ),
        PricedSale::Earlier(seen) => (
            format!(" {who} closed, {symbol} {}. Now {typed}", seen.map_or_else(|| "-".to_owned(), money)),
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

fn pace_line(model: &Model, pace: &PacePrompt) -> TextLine {
    let (label, hint) = match pace.line {
        PaceLine::Hours => ("hours", "    such as 09:00-21:00 mon-fri; empty: any hour"),
        PaceLine::Pace => ("pace", "    20-60: seconds between two messages; 20/min: at most; empty: the sender's own"),
    };
    let line = pace.field().line(TextLine::of(format!(" {label} of {}: ", pace.name), TextRole::Plain));
    match pace.trouble.clone().or_else(|| update::pace::sender_binds(model, pace)) {
        Some(trouble) => line.and(format!("   {trouble}"), TextRole::Plain),
        None => hinted(model, line, hint, ""),
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
        ItemsTarget::Tags => (format!(" tags of {who}: "), "   vip comes, -vip goes, blanks between tags"),
        ItemsTarget::Note => (format!(" note about {who}: "), ""),
    };
    let line = items.field.line(TextLine::of(before, TextRole::Plain));
    match &items.trouble {
        Some(trouble) => line.and(format!("   {trouble}"), TextRole::Plain),
        None => hinted(model, line, hint, ""),
    }
}

/// With as much of a hint as fits.
fn hinted(model: &Model, line: TextLine, long: &str, short: &str) -> TextLine {
    let long = model.with_keys(long);
    let fits = line.width() + width(&long) < model.size.width;
    line.and(if fits { long } else { short.to_owned() }, TextRole::Dim)
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
    // Never cut: half of it would name other keys.
    let fits = |hint: &String| line.width() + width(hint) < model.size.width;
    let short = [format!("  enter, then {replied} {closed} {stop}"), "  enter".to_owned()].into_iter().find(fits);
    hinted(model, line, &next, &short.unwrap_or_default())
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
    if shown == 0 {
        let enter = if is_number(&filter.field.text()) { "enter or tab looks" } else { "tab looks" };
        return line.and(format!("   no blast; {enter} for people in all blasts"), TextRole::Plain);
    }
    line.and(
        format!("   {shown} of {}", count_of(i64::try_from(all).unwrap_or(i64::MAX), "blast", "blasts")),
        TextRole::Plain,
    )
}

/// Who was found in this blast, and what else has the digits in it.
fn here(model: &Model, find: &FindPrompt, found: Total) -> String {
    let text = find.field.text();
    match &model.recipients.found_by {
        // Opening with a 0 they are sought as an end alone.
        FoundBy::Inside { digits } if found.number() == 0 && digits.starts_with('0') => {
            format!("no number here ends in {digits}")
        }
        FoundBy::Inside { digits } if found.number() == 0 => format!("nobody here has {digits}"),
        FoundBy::Inside { digits } => {
            let contain = if found.number() == 1 { "contains" } else { "contain" };
            format!("no number ends in {digits}, {} {contain} it{}", total(found), only(model))
        }
        FoundBy::Ending { .. } => {
            let more = find.wider.map_or(0, |wider| wider.number() - found.number());
            let more =
                if more > 0 { format!("   \"{}\" finds {} more", text.trim(), number(more)) } else { String::new() };
            format!("{} here{}{more}", total(found), only(model))
        }
        FoundBy::Words if found.number() == 0 && Status::from_word(&text).is_some() => {
            format!("nobody here is called that; status:{} finds who is", text.trim())
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
