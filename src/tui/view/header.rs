//! The first line: whose messages these are, whether what is shown is true now, the senders, what needs a person.

use chrono_tz::Tz;

use crate::app::view::SenderView;
use crate::app::{DatabaseState, EngineChange};
use crate::domain::blast::BlastState;
use crate::domain::engine_role::EngineRole;
use crate::domain::pace::Speed;
use crate::domain::text::clean;
use crate::domain::waiting::Waiting;
use crate::domain::zone::words::has_same_time;
use crate::tui::DashboardKind;
use crate::tui::format::{TimeFormat, count_of, number};
use crate::tui::model::{Model, is_going_out};
use crate::tui::theme::TextRole;
use crate::tui::widget::{Pen, start_of, width};

/// The zone's offset is shown from this many columns.
const WIDE: u16 = 110;

/// How fast time runs, from this many.
const ROOMY: u16 = 100;

/// On less than any screen: what follows the name in its fewest words.
const LEAST: u16 = 0;

pub fn draw(model: &Model, pen: &mut Pen<'_>) {
    let room = pen.screen().width;
    let needs = model.needs();
    let need = (needs > 0).then(|| format!("! {} you", count_of(needs, "needs", "need")));
    let need = need.filter(|words| width(words) + 12 <= room);
    let end = room.saturating_sub(need.as_ref().map_or(1, |words| width(words) + 2));
    let mut at = kind(model, pen);
    // However long the name is, how many others are here has its place.
    at = name(model, pen, at, end.saturating_sub(others(model).last().map_or(0, HeaderSegment::taken)));
    for (words, meaning) in fitting(model, room, end.saturating_sub(at)) {
        at = pen.put((at + 2, 0), &words, end.saturating_sub(at + 2), meaning);
    }
    if let Some(words) = need {
        pen.put_right((room - 1, 0), &words, room, TextRole::Need);
    }
}

/// Words of the header: the least of them, and in their place more where there is room, the most first.
#[derive(Debug, Clone)]
struct HeaderSegment {
    words: String,
    longer: Vec<String>,
    meaning: TextRole,
}

impl HeaderSegment {
    /// The columns of its least words, and of the blanks before them.
    fn taken(&self) -> u16 {
        2 + width(&self.words)
    }

    /// Words that other words may follow.
    fn followed(words: String, more: &str, meaning: TextRole) -> Self {
        let longer = if more.is_empty() { Vec::new() } else { vec![format!("{words}{more}")] };
        Self { words, longer, meaning }
    }
}

fn kind(model: &Model, pen: &mut Pen<'_>) -> u16 {
    let (word, meaning) = kind_word(model);
    let at = pen.put((1, 0), word, 13, meaning);
    if model.speed == Speed::REAL || pen.screen().width < ROOMY {
        return at;
    }
    pen.put((at + 1, 0), &format!("{}x", model.speed.factor()), 12, TextRole::Dim)
}

/// Whose messages these are, which is said at every size.
pub(super) fn kind_word(model: &Model) -> (&'static str, TextRole) {
    match model.options.kind {
        // Without one here a window can watch what another machine's sends.
        DashboardKind::Real if model.options.is_first_run() && model.senders.is_empty() => {
            ("NO SENDER YET", TextRole::Demo)
        }
        DashboardKind::Real => ("REAL", TextRole::Real),
        DashboardKind::Demo => ("DEMO", TextRole::Demo),
        DashboardKind::ReadOnly => ("READ-ONLY", TextRole::ReadOnly),
    }
}

fn name(model: &Model, pen: &mut Pen<'_>, at: u16, end: u16) -> u16 {
    match &model.options.name {
        Some(name) => pen.put((at + 1, 0), name, end.saturating_sub(at + 1).min(30), TextRole::Strong),
        None => at,
    }
}

/// The segments that fit: as many senders as possible, of whom those left out are counted where there is room; then more words of each,
/// from the left. Whoever else is here is named or counted at every width.
fn fitting(model: &Model, width_of_screen: u16, room: u16) -> Vec<(String, TextRole)> {
    let taken = |segments: &[HeaderSegment]| segments.iter().map(HeaderSegment::taken).sum::<u16>();
    let (senders, others) = (senders(model), others(model));
    let room_for_first = room.saturating_sub(others.last().map_or(0, HeaderSegment::taken));
    // What needs a person may leave less room than so wide a screen has otherwise.
    let mut firsts = [width_of_screen, WIDE - 1, LEAST].into_iter().map(|room| segments(model, room));
    let first = firsts.find(|first| taken(first) <= room_for_first).unwrap_or_else(|| segments(model, LEAST));
    let is_alone = others.is_empty();
    let with = |shown: Option<usize>| {
        let hidden = senders.len() - shown.unwrap_or(senders.len());
        // Behind a sender it is clear of what there are more.
        let is_any_shown = hidden < senders.len();
        let left_out = (hidden > 0).then(|| match is_any_shown {
            true if is_alone => more(hidden),
            true => left_out(hidden, "+"),
            false => left_out(hidden, ""),
        });
        first.iter().chain(&senders[..shown.unwrap_or_default()]).cloned().chain(left_out).collect::<Vec<_>>()
    };
    let others: Vec<_> = if others.is_empty() { vec![None] } else { others.into_iter().map(Some).collect() };
    let counts = (0..=senders.len()).rev().map(Some).chain([None]);
    let mut chosen = counts.flat_map(|shown| {
        let with = &with;
        others.iter().map(move |others| with(shown).into_iter().chain(others.clone()).collect::<Vec<_>>())
    });
    let least = others.last().and_then(Option::as_ref);
    let chosen = chosen.find(|chosen| taken(chosen) <= room).unwrap_or_else(|| cut(&first[0], least, room));
    let mut left = room.saturating_sub(taken(&chosen));
    let longest = |segment: HeaderSegment| {
        let least = width(&segment.words);
        let words = segment.longer.into_iter().find(|longer| width(longer) - least <= left).unwrap_or(segment.words);
        left -= width(&words) - least;
        (words, segment.meaning)
    };
    chosen.into_iter().map(longest).collect()
}

/// The fewest columns of a word that is cut.
const WORD_LEAST: u16 = 4;

/// Where there is no room for more: how true the screen is, as much of it as fits beside the count of those who are here.
fn cut(fresh: &HeaderSegment, others: Option<&HeaderSegment>, room: u16) -> Vec<HeaderSegment> {
    let left = room.saturating_sub(2 + others.map_or(0, HeaderSegment::taken));
    let words = if width(&fresh.words) > left { start_of(&fresh.words, left) } else { fresh.words.clone() };
    let fresh = HeaderSegment { words, longer: Vec::new(), meaning: fresh.meaning };
    Some(fresh).filter(|_| left >= WORD_LEAST).into_iter().chain(others.cloned()).collect()
}

/// The same behind the name of a sender.
fn more(hidden: usize) -> HeaderSegment {
    HeaderSegment {
        words: format!("+{hidden} more"),
        longer: vec![left_out(hidden, "+").words],
        meaning: TextRole::Dim,
    }
}

/// Says how many senders have no room. A bare number would be taken for people who are here.
fn left_out(hidden: usize, sign: &str) -> HeaderSegment {
    let senders = if hidden == 1 { "sender" } else { "senders" };
    HeaderSegment::followed(format!("{sign}{hidden} {senders}"), "", TextRole::Dim)
}

/// The senders, first those that are stopped, which nobody is to overlook where not all have room, then that of the selected blast.
fn senders(model: &Model) -> Vec<HeaderSegment> {
    let is_of_blast = |row: &SenderView| model.blast().is_some_and(|blast| blast.sender_id == row.id);
    let mut rows: Vec<_> = model.senders.iter().collect();
    rows.sort_by_key(|row| (row.stopped.is_none(), !is_of_blast(row)));
    rows.into_iter().map(|row| sender(model, row)).collect()
}

/// What follows the name before the senders.
fn segments(model: &Model, room: u16) -> Vec<HeaderSegment> {
    let mut segments = vec![freshness(model, room)];
    if let Some(change) = &model.retired {
        let why = match change {
            EngineChange::Program | EngineChange::Newer { .. } => "the program has changed, ",
            EngineChange::Settings => "the configuration has changed, ",
            EngineChange::Gone(_) | EngineChange::NoDatabase(_) => "",
        };
        // Or somebody reads that nothing goes out, while all of it does.
        let mut leases = model.senders.iter().filter_map(|sender| sender.lease.as_ref());
        let other =
            leases.find(|lease| lease.holder != model.holder).map(|lease| lease.role.unwrap_or(EngineRole::Engine));
        let sends = other.map(|role| format!(", {role} does")).unwrap_or_default();
        let short = other.map(|role| format!("{role} sends, not this window: reopen it"));
        let full = format!("this window does not send{sends}: {why}open it again");
        // What to do comes before the senders, and is said at every width.
        let (words, longer) = if room >= WIDE {
            (full, Vec::new())
        } else {
            let longer = vec![full, format!("this window does not send{sends}: open it again")];
            let short = short.unwrap_or_else(|| "this window no longer sends: reopen it".to_owned());
            if room == LEAST {
                ("reopen this window".to_owned(), longer.into_iter().chain([short]).collect())
            } else {
                (short, longer)
            }
        };
        segments.push(HeaderSegment { words, longer, meaning: TextRole::Need });
    }
    segments.extend(starting(model));
    segments
}

/// A launch that is about to begin, where the line of messages says something else by now. A sender that goes on starts several at once.
fn starting(model: &Model) -> Option<HeaderSegment> {
    let (blast, until) = model.unannounced()?;
    let (at, name) = (model.start_after(blast, until), model.brief_distinct_name(blast));
    let (words, names) = match &model.starting_with(blast)[..] {
        [] => (format!("starts {at}"), name),
        [other] => (format!("2 start {at}"), format!("{name} and {}", model.brief_distinct_name(other))),
        others => (format!("{} start {at}", others.len() + 1), format!("{name} and {} others", others.len())),
    };
    Some(HeaderSegment::followed(words, &format!(": {names}"), TextRole::Need))
}

/// The longest name of another operator, in characters.
const NAME_MAX: usize = 12;

/// Who else has a dashboard open, by name; the host they are on is left out. As many names as have room, then how many more there are;
/// after that only how many there are.
fn others(model: &Model) -> Vec<HeaderSegment> {
    let name = |other: &String| {
        let name = clean(other.split('@').next().unwrap_or_default()).into_owned();
        let cut = if name.chars().count() > NAME_MAX { "~" } else { "" };
        format!("+{}{cut}", name.chars().take(NAME_MAX).collect::<String>())
    };
    let names: Vec<String> = model.presence.others.iter().map(name).collect();
    let named = |shown: usize| match names.len() - shown {
        0 => names.join(" "),
        hidden => format!("{} +{hidden}", names[..shown].join(" ")),
    };
    let segment = |words, longer| HeaderSegment { words, longer, meaning: TextRole::Accent };
    match names.len() {
        0 => Vec::new(),
        1 => vec![segment(named(1), Vec::new()), segment("+1 here".to_owned(), Vec::new())],
        all => {
            vec![segment(named(1), (2..=all).rev().map(named).collect()), segment(format!("+{all} here"), Vec::new())]
        }
    }
}

fn freshness(model: &Model, room: u16) -> HeaderSegment {
    let clock = TimeFormat { zone: model.options.zone, now: model.now };
    let more = if room >= WIDE { format!(" {}", clock.offset()) } else { String::new() };
    if let Some(segment) = unconfirmed(model, clock) {
        return segment;
    }
    // Beside times of another zone it says by which clock it goes, at any width.
    let (offset, more) =
        if names_zones(model) { (format!(" {}", clock.offset()), String::new()) } else { (String::new(), more) };
    let (words, more, meaning) = match (model.database, model.news_at) {
        (DatabaseState::Down { since }, _) => {
            (format!("STALE since {}{offset}", clock.long(since)), more, TextRole::Need)
        }
        (DatabaseState::Up, None) => ("reading".to_owned(), String::new(), TextRole::Dim),
        (DatabaseState::Up, Some(at)) => (format!("live, news {}{offset}", clock.long(at)), more, TextRole::Plain),
    };
    HeaderSegment::followed(words, &more, meaning)
}

/// Acts that the database has not confirmed. While it does not answer they come before how old the screen is, which follows where
/// there is room.
fn unconfirmed(model: &Model, clock: TimeFormat) -> Option<HeaderSegment> {
    let (acts, more) = match model.database {
        DatabaseState::Up => {
            let (acts, since) = model.unwritten.overdue(model.now)?;
            (acts, format!(" since {}", clock.second(since)))
        }
        DatabaseState::Down { since } => (model.unwritten.waiting()?.0, format!(", STALE since {}", clock.long(since))),
    };
    let words = format!("{} NOT CONFIRMED", count_of(i64::try_from(acts).unwrap_or(i64::MAX), "ACT", "ACTS"));
    Some(HeaderSegment::followed(words, &more, TextRole::Need))
}

/// Whether what is shown goes by other clocks than the reader's, which is then said beside its times.
fn names_zones(model: &Model) -> bool {
    let is_elsewhere = |zone: Tz| !has_same_time(zone, model.options.zone, model.now);
    model.senders.iter().filter_map(|sender| sender.usage.zone).any(is_elsewhere)
        || model.blasts.rows().iter().filter_map(|blast| model.zone_of(blast)).any(is_elsewhere)
}

fn sender(model: &Model, sender: &SenderView) -> HeaderSegment {
    if sender.stopped.is_some() {
        let more = format!(": {} says why", model.options.keys.needs());
        return HeaderSegment::followed(format!("{} STOPPED", sender.name), &more, TextRole::Need);
    }
    let is_used_up = sender.usage.daily_cap.is_some_and(|cap| sender.usage.today >= cap);
    let of_sender = || model.blasts.rows().iter().filter(|blast| blast.sender_id == sender.id);
    let is_slower = of_sender().filter_map(|blast| blast.waiting.as_ref()).any(Waiting::is_below_limits);
    let says_rate = !is_used_up && !is_slower && model.away_since().is_none();
    let rate = sender.usage.plausible_per_hour().filter(|_| says_rate);
    let rate = rate.map(|rate| format!(", about {}/h", number(rate))).unwrap_or_default();
    let cap = sender.usage.daily_cap.map(|cap| format!("/{}", number(cap))).unwrap_or_default();
    let sends = sends(model, sender);
    let today = match (sender.usage.today, sends) {
        (0, false) if cap.is_empty() => " idle".to_owned(),
        (0, true) if cap.is_empty() => if goes_out(model, sender) { " sending" } else { " waits" }.to_owned(),
        (today, _) => format!(" {}{cap} today", number(today)),
    };
    let quality = sender.quality.as_deref().map(|quality| format!(", quality {}", clean(quality))).unwrap_or_default();
    let is_good = sender.quality.as_deref().is_none_or(|quality| quality == "green");
    // A good one stands only where there is room.
    let (brief, quality) = if is_good { (String::new(), quality) } else { (quality, String::new()) };
    let (full, who) = (format!("{}{today}{brief}", sender.name), who_sends(model, sender, sends));
    // That nobody sends comes before how much was sent.
    let words = if nobody_sends(model, sender) { format!("{}{who}", sender.name) } else { full.clone() };
    let longer = [format!("{full}{rate}{quality}{who}"), format!("{full}{rate}{who}"), format!("{full}{who}")];
    let longer = longer.into_iter().filter(|longer| *longer != words).collect();
    HeaderSegment { longer, words, meaning: if is_good { TextRole::Plain } else { TextRole::Need } }
}

/// Whether any of its blasts goes out now, and none of what is left of them waits for a person.
fn goes_out(model: &Model, sender: &SenderView) -> bool {
    model.blasts.rows().iter().any(|blast| blast.sender_id == sender.id && is_going_out(blast, model.now))
}

/// Whether any of its blasts is being sent.
pub(super) fn sends(model: &Model, sender: &SenderView) -> bool {
    model.blasts.rows().iter().any(|blast| blast.sender_id == sender.id && blast.state == BlastState::Sending)
}

/// Who sends for it; nothing of this window where it has nothing to send.
pub(super) fn who_sends(model: &Model, sender: &SenderView, sends: bool) -> String {
    if let Some((lease, taken_over)) = sender.lease.as_ref().zip(takeover(model, sender)) {
        let who = if lease.holder == model.holder { "this window".to_owned() } else { lease.to_string() };
        return format!(", nobody sends: no sign of life from {who}, taken over {taken_over}");
    }
    match &sender.lease {
        Some(lease) if lease.holder != model.holder || model.is_read_only() => format!(", sent by {lease}"),
        Some(_) if sends => ", sent by this window".to_owned(),
        None if nobody_sends(model, sender) => ", nobody sends".to_owned(),
        _ => String::new(),
    }
}

/// When another engine may take the sender over from one that renews its lease no more. Until then nobody may send.
fn takeover(model: &Model, sender: &SenderView) -> Option<String> {
    let clock = TimeFormat { zone: model.options.zone, now: model.now };
    let of_sender = model.blasts.rows().iter().filter(|blast| blast.sender_id == sender.id);
    of_sender.filter_map(|blast| blast.waiting.as_ref()).find_map(|waiting| match waiting {
        Waiting::Silent { until: Some(until), .. } => Some(format!("after {}", clock.second(*until))),
        Waiting::Silent { until: None, .. } => Some("in a moment".to_owned()),
        _ => None,
    })
}

fn nobody_sends(model: &Model, sender: &SenderView) -> bool {
    let mut blasts = model.blasts.rows().iter().filter(|blast| blast.sender_id == sender.id);
    blasts.any(|blast| matches!(blast.waiting, Some(Waiting::NoEngine | Waiting::TokenRefused { .. })))
}
