//! What sending would do, and the number to type.

mod audience;
mod health;
mod pace;
mod samples;

pub use samples::columns;

use super::form::left_out_cell;
use super::{OverlayContent, clock, wrapped};
use crate::app::view::SenderView;
use crate::app::{self, EngineChange, FirstFared, PlanGroup, PlanPerson};
use crate::domain::act::Actor;
use crate::domain::blast::{BlastState, blast_name};
use crate::domain::funnel::percent_words;
use crate::domain::text::{clean, count_of, escaped};
use crate::tui::availability;
use crate::tui::format::{TimeFormat, number};
use crate::tui::model::{Model, PlanCount, PlanOverlay};
use crate::tui::theme::TextRole;
use crate::tui::widget::{TextLine, TitleRule, within};

/// The most reasons why rows were left out, and on tall screens.
const REASONS_MAX: usize = 3;
const REASONS_MAX_TALL: usize = 8;
const TALL_FROM: u16 = 40;

pub fn content(model: &Model, plan: &PlanOverlay, width: u16) -> OverlayContent {
    let Some(loaded) = &plan.loaded else {
        let title = super::title(vec!["Plan".to_owned()], None);
        return OverlayContent { title, lines: vec![TextLine::dim("  reading ...")], focus: None };
    };
    match &plan.people {
        Some((PlanCount::Group(group), people)) => return people_of(*group, people.as_deref(), clock(model)),
        Some((PlanCount::LeftOut, _)) => return left_out(model, loaded, width),
        None => {}
    }
    let (width, beside) = columns(model, plan, width);
    let mut lines = body(model, plan, (loaded, width), beside.is_empty());
    match over(model, plan, width) {
        Some(over) => lines.extend(over),
        None if loaded.obstacles.is_empty() => lines.extend(ask(model, plan, (loaded, width))),
        None => {}
    }
    // The number is typed at its end, and why there is none to type stands there.
    let focus = Some(if plan.row == 0 { lines.len() - 1 } else { plan.row });
    OverlayContent { title: title_of(loaded), lines, focus }.folded(width).beside(beside)
}

/// A plan as it is written to a file: without the cursor and without what is typed into it.
pub fn of_file(model: &Model, plan: &PlanOverlay, width: u16) -> OverlayContent {
    match &plan.loaded {
        Some(loaded) if plan.people.is_none() => {
            let plan = PlanOverlay { row: usize::MAX, ..plan.clone() };
            OverlayContent { title: title_of(loaded), lines: body(model, &plan, (loaded, width), true), focus: None }
        }
        _ => content(model, plan, width),
    }
}

fn title_of(loaded: &app::Plan) -> TitleRule {
    let blast = &loaded.blast;
    let name = format!("{}, {}", blast.tag, blast.follow_up_stage);
    super::title(vec!["Plan".to_owned(), name, format!("{}, blast {}", blast.state, blast.id)], None)
}

/// Said where the limits are those of a configuration that was changed since.
fn outdated_limits(model: &Model, width: u16) -> Vec<TextLine> {
    let words = "the configuration has changed: the rate, gap, cap and hours below are those of before. Open this window again to see \
                 those in force";
    let lines = matches!(model.retired, Some(EngineChange::Settings)).then(|| wrapped(words, width.saturating_sub(4)));
    lines.into_iter().flatten().map(|line| TextLine::of(format!("  {line}"), TextRole::Need)).collect()
}

/// All but what is asked at its end, with one of the samples where they do not stand beside it.
fn body(model: &Model, plan: &PlanOverlay, (loaded, width): (&app::Plan, u16), has_sample: bool) -> Vec<TextLine> {
    let mut lines = who(model, plan, loaded);
    let list =
        loaded.read_from.as_ref().map(|list| wrapped(&format!("list: {}", escaped(list)), width.saturating_sub(4)));
    lines.extend(list.into_iter().flatten().map(|line| TextLine::dim(format!("  {line}"))));
    lines.extend(audience::audience(model, loaded, clock(model)));
    lines.extend(of_step(model, loaded, width));
    lines.push(TextLine::default());
    let unusual = loaded.doubtful.unusual_lengths.in_words().map(|words| wrapped(&words, width.saturating_sub(4)));
    let unclear = loaded.doubtful.unclear_opt_outs.iter().map(|rows| escaped(&rows.in_words()));
    let unclear = unclear.flat_map(|words| wrapped(&words, width.saturating_sub(4)));
    lines.extend(unusual.into_iter().flatten().chain(unclear).map(|line| TextLine::plain(format!("  {line}"))));
    if !loaded.fared.is_empty() {
        lines.push(TextLine::rule("The others"));
    }
    lines.extend(outdated_limits(model, width));
    lines.extend(pace::pace(model, loaded, width));
    let odd = loaded.text_note().map(|words| wrapped(&escaped(&words), width.saturating_sub(4)));
    lines.extend(odd.into_iter().flatten().map(|line| TextLine::of(format!("  {line}"), TextRole::Need)));
    if has_sample {
        lines.extend(samples::sample(model, (loaded, plan.sample), true, width));
    }
    lines.extend(health::health(model, loaded, width));
    // Last: by it is decided, and in a small window the end of the plan is what is seen.
    lines.extend(fared(loaded, width));
    if !loaded.obstacles.is_empty() {
        lines.push(TextLine::rule("Not now"));
        let why = loaded.obstacles.iter().map(|why| model.options.pasteable(why));
        let why = why.flat_map(|why| wrapped(&why, width.saturating_sub(4)));
        lines.extend(why.map(|why| TextLine::of(format!("  {why}"), TextRole::Trouble)));
    }
    lines
}

/// Who one of the counts is about.
fn people_of(group: PlanGroup, people: Option<&[PlanPerson]>, clock: TimeFormat) -> OverlayContent {
    let (what, verb) = match group {
        PlanGroup::OptedOut => ("Left out: they opted out", "opted out"),
        PlanGroup::Uncertain => ("Uncertain: they may have had it", "uncertain since"),
        PlanGroup::SameMessage => ("Had, or may have had, this very message from another blast", "sent"),
        PlanGroup::Recent => ("Had, or may have had, a message in the last 7 days", "sent"),
        PlanGroup::Elsewhere => ("Queued in another blast as well", "queued"),
        PlanGroup::Wrote => ("Wrote and not marked as replied", "wrote"),
        PlanGroup::TwoNumbers => ("Numbers of customers with another number here", "queued"),
        PlanGroup::NoSession => ("Wrote nothing for 24 hours", "wrote last"),
    };
    let line = |person: &PlanPerson| {
        let name = person.name.clone().unwrap_or_else(|| "-".to_owned());
        let at = person.at.map(|at| format!(" {}", clock.long(at))).unwrap_or_default();
        let verb = match (group, person.at) {
            _ if person.is_uncertain => "uncertain since",
            (PlanGroup::NoSession, None) => "never wrote",
            _ => verb,
        };
        let tag = person.tag.as_ref().map(|tag| format!(", {tag}")).unwrap_or_default();
        TextLine::plain(format!("  {:<18} ", person.phone_number))
            .and(name, TextRole::Strong)
            .and(format!("  {verb}{at}{tag}"), TextRole::Dim)
    };
    let lines = match people {
        None => vec![TextLine::dim("  reading ...")],
        Some([]) => vec![TextLine::dim("  nobody left")],
        Some(people) => people.iter().map(line).collect(),
    };
    OverlayContent {
        title: super::title(vec!["Plan".to_owned(), what.to_owned()], Some("esc goes back".to_owned())),
        lines,
        focus: None,
    }
}

/// The rows of the list that nobody was made of, or whom the filter finds and the message cannot be made for.
fn left_out(model: &Model, plan: &app::Plan, width: u16) -> OverlayContent {
    let left_out = plan.left_out.as_ref();
    let mut lines = Vec::new();
    let is_of_filter = plan.blast.origin.segment.is_some();
    for row in left_out.iter().flat_map(|left_out| &left_out.rows) {
        let place = if is_of_filter { String::new() } else { format!("row {:<6} {} ", row.row, row.column) };
        let head = TextLine::dim(format!("  {place}"));
        lines.push(left_out_cell(head, row, TextRole::Strong));
        let why = wrapped(&row.reason, width.saturating_sub(14));
        lines.extend(why.into_iter().map(|why| TextLine::plain(format!("             {why}"))));
    }
    let (total, listed) = left_out.map_or((0, 0), |left_out| (left_out.total, left_out.rows.len()));
    if u64::try_from(listed).unwrap_or(u64::MAX) < total {
        lines.push(TextLine::dim("  and more"));
    }
    let what = if is_of_filter {
        format!("Left out: {}", count_of(total, "person", "people"))
    } else {
        format!("Left out of the list: {}", count_of(total, "row", "rows"))
    };
    // The list of one that was launched is closed.
    let is_open = matches!(plan.blast.state, BlastState::Draft | BlastState::Scheduled);
    let keys = if is_open { "esc goes back, then ⟨change-what-is-written⟩ corrects" } else { "esc goes back" };
    let title = super::title(vec!["Plan".to_owned(), what], Some(model.with_keys(keys)));
    OverlayContent { title, lines, focus: None }
}

/// A count, right-aligned under the largest, and what it says.
fn count((people, most): (i64, i64), says: String, is_chosen: bool) -> TextLine {
    let columns = number(most).len().max(4);
    let cursor = if is_chosen { ">" } else { " " };
    TextLine::of(cursor, TextRole::Accent)
        .and(format!("{:>columns$} ", number(people)), TextRole::Strong)
        .and(says, TextRole::Plain)
}

/// Whom the plan that is shown is for, and what to know of them.
pub fn whom(model: &Model, plan: &PlanOverlay) -> Vec<TextLine> {
    plan.loaded.as_ref().filter(|_| plan.people.is_none()).map_or_else(Vec::new, |loaded| who(model, plan, loaded))
}

fn who(model: &Model, plan: &PlanOverlay, loaded: &app::Plan) -> Vec<TextLine> {
    let is_launched = matches!(loaded.blast.state, BlastState::Paused | BlastState::Sending);
    let again = match (is_launched, loaded.people == 1) {
        _ if loaded.people == 0 => "people get a message",
        (true, true) => "person is still queued and gets it",
        (true, false) => "people are still queued and get it",
        (false, true) if loaded.repeat.is_some() => "person gets one message each time",
        (false, false) if loaded.repeat.is_some() => "people get one message each, each time",
        (false, true) => "person gets one message",
        (false, false) => "people get one message each",
    };
    let practice = if loaded.blast.rehearsal { ", a DEMO sender" } else { "" };
    let is_draft = matches!(loaded.blast.state, BlastState::Draft | BlastState::Scheduled);
    // Also whoever opted out since: they are counted among those who are left out.
    let listed = loaded.blast.counts.total();
    let is_fewer = is_draft && listed != loaded.people && loaded.segment.is_none();
    let of_draft = if is_fewer { format!(", of {} in the draft", number(listed)) } else { String::new() };
    // On every screen the first line is seen before the number is typed.
    let waits =
        || pace::opens_at(model, loaded).map(|at| format!("first message {}", model.time_of(&loaded.blast, at)));
    let now = pace::goes_now(model, loaded).or_else(waits).map(|now| format!("; {now}")).unwrap_or_default();
    let part =
        pace::part_of_today(loaded).map(|people| format!(", {} of them today", number(people))).unwrap_or_default();
    let first = format!("{again}{part}, from {}{practice}{of_draft}{now}", loaded.blast.sender);
    let us = us(model, loaded);
    let most = if model.size.height < TALL_FROM { REASONS_MAX } else { REASONS_MAX_TALL };
    let rest: Vec<(i64, String)> = plan.counts().into_iter().map(|count| says(loaded, count, (&us, most))).collect();
    let most = rest.iter().map(|(people, _)| *people).fold(loaded.people, i64::max);
    let line = |(n, (people, says)): (usize, &(i64, String))| {
        let line = count((*people, most), says.clone(), plan.row.checked_sub(1) == Some(n));
        if plan.row.checked_sub(1) == Some(n) { line.right("enter: who") } else { line }
    };
    let first = count((loaded.people, most), first, plan.row == 0);
    std::iter::once(first).chain(rest.iter().enumerate().map(line)).collect()
}

/// Whose messages are counted, where there are others' as well.
fn us(model: &Model, loaded: &app::Plan) -> String {
    let own = model.senders.iter().find(|sender| sender.id == loaded.blast.sender_id);
    let is_of_all = |own: &&SenderView| model.senders.iter().all(|sender| sender.business == own.business);
    own.filter(|own| !is_of_all(own)).map_or_else(|| "us".to_owned(), |own| escaped(&own.business).clone())
}

/// A count with what it counts.
fn says(loaded: &app::Plan, count: PlanCount, (us, most): (&str, usize)) -> (i64, String) {
    let (people, words) = match count {
        PlanCount::Group(PlanGroup::OptedOut) => (loaded.suppressed, "left out: they opted out"),
        PlanCount::Group(PlanGroup::Uncertain) => (loaded.uncertain(), app::Plan::UNCERTAIN),
        PlanCount::Group(PlanGroup::SameMessage) => (loaded.had_this_message, app::Plan::HAD_THIS),
        PlanCount::Group(PlanGroup::Recent) => {
            let had = format!("had, or may have had, a message from {us} in the last 7 days");
            return (loaded.recently_messaged, had);
        }
        PlanCount::Group(PlanGroup::Elsewhere) => {
            (loaded.queued_elsewhere, "still queued in another blast: would get both")
        }
        PlanCount::Group(PlanGroup::Wrote) => (loaded.wrote, app::Plan::WROTE),
        PlanCount::Group(PlanGroup::TwoNumbers) => (loaded.two_numbers, app::Plan::TWO_NUMBERS),
        PlanCount::Group(PlanGroup::NoSession) => (loaded.no_session, app::Plan::NO_SESSION),
        PlanCount::LeftOut => {
            let left_out = loaded.left_out.clone().unwrap_or_default();
            let rows = i64::try_from(left_out.total).unwrap_or(i64::MAX);
            return (rows, format!("{}: {}", loaded.left_out_of(), left_out.in_words(most)));
        }
    };
    (people, words.to_owned())
}

/// Of a draft that a step made: when it goes, and who is in the next one.
fn of_step(model: &Model, loaded: &app::Plan, width: u16) -> Vec<TextLine> {
    let blast = &loaded.blast;
    let Some(step) = blast.origin.step.filter(|_| blast.state == BlastState::Draft) else { return Vec::new() };
    let of = blast.follows.and_then(|id| model.blasts.get(id)).map(|of| format!(" of {}", of.name()));
    let goes = if blast.state_by.is_some() {
        "it goes once you type the number, and not before"
    } else {
        "the step sends it by itself, unless you send it first"
    };
    let words = format!(
        "step {step}{} made this draft: {goes}. Whoever becomes due before it is sent is in it, too.",
        of.unwrap_or_default()
    );
    wrapped(&words, width.saturating_sub(4)).into_iter().map(|line| TextLine::dim(format!("  {line}"))).collect()
}

/// Columns of the names of blasts that are compared.
const FARED_NAME: u16 = 22;

/// Columns of their numbers, and of the margin.
const FARED_NUMBERS: u16 = 43;

/// How the first people fared, beside those of earlier blasts at the same age.
fn fared(loaded: &app::Plan, width: u16) -> Vec<TextLine> {
    let Some((own, earlier)) = loaded.fared.split_first() else { return Vec::new() };
    let names = FARED_NAME.min(width.saturating_sub(FARED_NUMBERS)).max(4);
    let line = |row: &FirstFared| {
        let [received, read, replied] = [row.received, row.read, row.replied].map(|part| percent_words(part, row.sent));
        let name = within(&blast_name(&row.tag, &row.stage), names);
        format!("  {name} {:>5} {received:>9} {read:>6} {replied:>8} {:>7}", number(row.sent), number(row.failed))
    };
    let title = TextLine::rule("How the first ones did");
    let mut lines = vec![if earlier.is_empty() { title } else { title.right("earlier blasts at the same age") }];
    lines.push(TextLine::dim(format!(
        "  {} {:>5} {:>9} {:>6} {:>8} {:>7}",
        " ".repeat(usize::from(names)),
        "sent",
        "received",
        "read",
        "replied",
        "failed"
    )));
    lines.push(TextLine::of(line(own), TextRole::Strong));
    lines.extend(earlier.iter().map(|row| TextLine::plain(line(row))));
    lines
}

/// When it starts once the number is typed, what takes that back, and when the first message goes.
fn starts(model: &Model, loaded: &app::Plan) -> String {
    let undo = model.options.keys.undo();
    let starts = match pace::set_start(model, loaded) {
        Some(at) => {
            let (starts, pause) = (model.time_of(&loaded.blast, at), model.options.keys.pause());
            format!("It starts {starts}; until then {undo} or {pause} takes it back.")
        }
        // Only its launch is over by then.
        None if loaded.stopped.is_some() => {
            return format!("It starts once its sender is resumed; until then {undo} stops it.");
        }
        None => format!("It starts 10 s later; until then {undo} stops it."),
    };
    let first = |at| format!(" First message: {}.", model.time_of(&loaded.blast, at));
    starts + &pace::opens_at(model, loaded).map(first).unwrap_or_default()
}

/// In the place of the question, once there is none any more: the state of the blast.
fn over(model: &Model, plan: &PlanOverlay, width: u16) -> Option<Vec<TextLine>> {
    let why = model.with_keys(&availability::not_asked_any_more(model, plan)?);
    let blast = model.blasts.get(plan.blast)?;
    let act = if blast.state.is_over() { "" } else { "launched " };
    let by = blast.state_by.as_ref().filter(|by| **by != Actor::Engine);
    let by = by.map(|by| format!(", {act}by {by}")).unwrap_or_default();
    let refused = plan.refused.iter().map(|refused| (refused.clone(), TextRole::Trouble));
    let said = [(format!("{}{by}", blast.shown_state(model.now)), TextRole::Strong), (why, TextRole::Plain)];
    let line = |(words, role): (String, TextRole)| {
        wrapped(&words, width.saturating_sub(4)).into_iter().map(move |line| TextLine::of(format!("  {line}"), role))
    };
    let lines = refused.chain(said).flat_map(line);
    Some(std::iter::once(TextLine::rule("Nothing left to confirm")).chain(lines).collect())
}

fn ask(model: &Model, plan: &PlanOverlay, (loaded, width): (&app::Plan, u16)) -> Vec<TextLine> {
    let clock = clock(model);
    let set = loaded.blast.send_after.filter(|at| plan.is_scheduled && *at > clock.now);
    let unless = loaded.stopped.as_ref().map_or_else(String::new, |_| format!(", {}", app::Plan::NOT_BEHIND_STOP));
    let by_itself =
        set.map(|at| format!("It starts by itself {}{unless}. To send it now, type", model.time_of(&loaded.blast, at)));
    let how = by_itself.unwrap_or_else(|| "Type".to_owned());
    let type_it = format!("{how} {}, then press enter. {}", number(loaded.people), starts(model, loaded));
    let field = plan.field.line(TextLine::plain("  people: "));
    let mut lines = vec![TextLine::rule("Send?")];
    // Of a sender that is stopped there is nothing to decide: the provider is asked again, and it goes on or does not.
    let doubt = loaded.sender_health.as_ref().filter(|_| loaded.stopped.is_none()).and_then(|known| known.doubt());
    let doubt = doubt.map(|doubt| wrapped(&clean(&doubt), width.saturating_sub(4))).unwrap_or_default();
    lines.extend(doubt.into_iter().map(|line| TextLine::of(format!("  {line}"), TextRole::Trouble)));
    lines.extend(wrapped(&type_it, width.saturating_sub(3)).iter().map(|line| TextLine::plain(format!("  {line}"))));
    if model.unwritten.starts(plan.blast) {
        // A far database takes seconds: an empty field would look as if nothing had been typed.
        lines.push(TextLine::of("  starting it: the database has not answered yet", TextRole::Strong));
        return lines;
    }
    lines.push(field);
    if let Some(refused) = &plan.refused {
        lines.push(TextLine::of(format!(" {refused}"), TextRole::Trouble));
    }
    lines
}
