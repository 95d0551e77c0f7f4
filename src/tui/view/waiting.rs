//! What a blast waits for, with its rate and end: a line below the funnel, or as many as there is room for below the blasts.

use chrono::{DateTime, TimeDelta, Utc};

use crate::app::view::BlastView;
use crate::domain::act::Actor;
use crate::domain::blast::BlastState;
use crate::domain::pace::Gap;
use crate::domain::sender::StopCode;
use crate::domain::text::clean;
use crate::domain::waiting::Waiting;
use crate::domain::zone::words::by_both_clocks;
use crate::tui::format::{TimeFormat, in_currency, number};
use crate::tui::model::{Model, Pane, is_going_out};
use crate::tui::overlay::wrapped;
use crate::tui::update::pace::{lifts_hours, nobody_due, waits_for_hours};
use crate::tui::widget::width;

/// A moment nearer than this is shown to the second.
const NEAR: TimeDelta = TimeDelta::minutes(10);

/// What stands below the counts of a blast.
pub(super) struct WaitLine {
    pub wait: String,
    /// Of a reason that is too long for its row what goes on in the next: what is to be done stands at its end.
    pub rest: Option<String>,
    pub money: String,
}

/// What it waits for, its rate and end, and the money, in so many columns and rows; with the keys that end the wait, where there are
/// any.
pub(super) fn wait_line(model: &Model, blast: &BlastView, (room, rows): (u16, usize)) -> WaitLine {
    let line = line_of(model, blast, (room, rows));
    let Some(keys) = keys_of_wait(model, blast) else { return line };
    let fits = |text: &String| width(text) <= room.saturating_sub(2);
    if rows >= 3 {
        let keyed = |keys: &String| line.rest.as_ref().map_or_else(|| keys.clone(), |rest| format!("{rest}; {keys}"));
        let rest = keys.iter().map(keyed).find(fits);
        return WaitLine { rest: rest.or(line.rest), ..line };
    }
    let Some(wait) = keyed(model, blast).into_iter().find(fits) else { return line };
    let money =
        if width(&wait) + 1 + width(&line.money) <= room.saturating_sub(2) { line.money } else { String::new() };
    WaitLine { wait, rest: None, money }
}

/// The wait with its keys, the longest words first; the keys are shortened before the end of the wait alone is left.
fn keyed(model: &Model, blast: &BlastView) -> Vec<String> {
    let Some(keys) = keys_of_wait(model, blast) else { return Vec::new() };
    let words: Vec<_> = [reason(model, blast), brief(model, blast)].into_iter().flatten().collect();
    let both = |keys: &String| words.iter().map(|words| format!("{words}; {keys}")).collect::<Vec<_>>();
    // Where the end is that of the hours behind a cap, the key of the cap beside it would be said to set it.
    let is_of_hours = matches!(&blast.waiting, Some(Waiting::DailyCap { hours: Some(_), .. }));
    let end =
        shortest(model, blast).filter(|_| !is_of_hours).map(|end| keys.clone().map(|keys| format!("{end}; {keys}")));
    keys.iter().flat_map(both).chain(end.into_iter().flatten()).collect()
}

/// What ends a wait for hours or for a start, all of it and in brief: keys that work where the operator is.
fn keys_of_wait(model: &Model, blast: &BlastView) -> Option<[String; 2]> {
    if away(model, blast).is_some() {
        return None;
    }
    if let Some(Waiting::DailyCap { .. }) = &blast.waiting {
        let sets = format!("daily_cap of sender {} sets it", clean(&blast.sender));
        return Some([format!("{sets}, in the configuration"), sets]);
    }
    if is_stopped_by_provider(model, blast) && !model.is_read_only() {
        let once = format!("{} once that is fixed", model.options.keys.of("send-or-resume"));
        return Some([once.clone(), once]);
    }
    let is_once = blast.state == BlastState::Scheduled && blast.origin.repeat.rule.is_none();
    if model.is_read_only() || !(is_once || waits_for_hours(blast)) {
        return None;
    }
    let [send, edit] = ["send-or-resume", "edit-this-blast"].map(|action| model.options.keys.of(action));
    let edits = if is_once { "edits it" } else { "changes its hours" };
    let edits = matches!(model.focus, Pane::Blasts | Pane::Funnel).then(|| format!(", {edit} {edits}"));
    let sends = match nobody_due(model, blast) {
        Some(_) => format!("{send} {}", lifts_hours(model, blast)),
        None => format!("{send} sends now"),
    };
    Some([format!("{sends}{}", edits.unwrap_or_default()), sends])
}

/// Whether its sender stopped for something that a person fixes elsewhere and then says so here; a token that is mended is seen by itself.
fn is_stopped_by_provider(model: &Model, blast: &BlastView) -> bool {
    let stopped = matches!(&blast.waiting, Some(Waiting::SenderStopped { code: StopCode::Provider(_), .. }));
    let sender = || model.senders.iter().find(|sender| sender.id == blast.sender_id);
    stopped && sender().is_some_and(|sender| !sender.is_token_refused())
}

/// The same without keys. A reason that fits beside no money stands alone.
fn line_of(model: &Model, blast: &BlastView, (room, rows): (u16, usize)) -> WaitLine {
    let money = in_currency(blast.counts.amount, &model.options.currency);
    let left = room.saturating_sub(width(&money) + 4);
    let (wait, full) = waits(model, blast, left);
    if width(&wait) <= left {
        return WaitLine { wait, rest: None, money };
    }
    if rows >= 3 {
        let beside = room.saturating_sub(3 + width(&money));
        let lines = |words: &str| wrapped(words, beside);
        // The next row has no more lines than one: words that end within it, or else the shorter ones.
        let whole = Some(lines(&full)).filter(|lines| rest_of(lines) <= room.saturating_sub(2));
        let mut lines = whole.unwrap_or_else(|| lines(&wait)).into_iter();
        let wait = lines.next().unwrap_or_default().trim_end().to_owned();
        return WaitLine { wait, rest: Some(lines.collect()), money };
    }
    let room_alone = room.saturating_sub(2);
    let shortest = shortest(model, blast).filter(|_| width(&wait) > room_alone);
    let wait = shortest.unwrap_or(wait);
    let money = if width(&wait) + 1 + width(&money) <= room_alone { money } else { String::new() };
    WaitLine { wait, rest: None, money }
}

/// The columns of the lines after the first, joined.
fn rest_of(lines: &[String]) -> u16 {
    lines.iter().skip(1).map(|line| width(line)).sum()
}

/// The longest words that fit, and the whole reason.
fn waits(model: &Model, blast: &BlastView, left: u16) -> (String, String) {
    let clock = TimeFormat { zone: model.options.zone, now: model.now };
    // What is not known to go on has no end.
    let sending = blast.state == BlastState::Sending && model.away_since().is_none();
    let first = blast.first.left.filter(|left| sending && *left > 0 && i64::from(*left) < blast.counts.queued);
    let first = first.map(|left| format!("{} more, then", number(i64::from(left))));
    let names_rate = matches!(blast.waiting, Some(Waiting::Rate { .. }));
    let rate = blast
        .estimate
        .per_hour
        .filter(|rate| {
            sending
                && !names_rate
                && is_going_out(blast, model.now)
                && *rate > 0
                && (blast.estimate.done_at.is_some() || first.is_some())
        })
        .map(number);
    let done = blast.estimate.done_at.filter(|_| sending).map(|at| clock.long(at));
    let wait = reason(model, blast);
    let about = first.as_ref().map(|first| format!("{first} it waits for you"));
    let about = about.or_else(|| done.as_ref().map(|at| format!("done about {at}")));
    let short = first.map(|first| format!("{first} you")).or_else(|| done.map(|at| format!("done {at}")));
    // The average that its limits allow: how fast it goes is among the blasts.
    let parts = |about: &str, done: Option<String>| {
        let rate = rate.as_ref().map(|rate| format!("{about}{rate}/h"));
        [wait.clone(), rate, done].into_iter().flatten().collect::<Vec<_>>()
    };
    let without_rate = [wait.clone(), short.clone()].into_iter().flatten().collect::<Vec<_>>();
    let place = model.limit_place(blast).filter(|_| sending).map(|place| format!("   {place}")).unwrap_or_default();
    let lines = [
        parts("about ", about.clone()).join("   ") + &place,
        parts("about ", about).join("   "),
        parts("", short).join("  "),
        without_rate.join("  "),
        parts("", None).join("  "),
    ];
    let full = wait.clone().unwrap_or_default();
    let brief = || brief(model, blast).unwrap_or_default();
    let fitting = lines.into_iter().chain(wait).find(|line| width(line) <= left);
    (fitting.unwrap_or_else(brief), full)
}

/// Why nothing goes out now, or why the blast does not continue by itself, worded as everywhere; a moment that is near is shown to
/// the second.
pub(super) fn reason(model: &Model, blast: &BlastView) -> Option<String> {
    if let Some(away) = away(model, blast) {
        return Some(away);
    }
    let Some(waiting) = waiting(model, blast) else { return stopped(model, blast) };
    let said = said(model, blast, &waiting);
    Some(match waiting {
        Waiting::Armed { .. } => format!("{said}; {}", model.stop_words(blast)),
        Waiting::Uncertain { .. } => format!("{said}; {}", model.goes_to_uncertain()),
        _ => said,
    })
}

/// What is said of a blast that is to go out while nobody knows whether it does.
fn away(model: &Model, blast: &BlastView) -> Option<String> {
    let is_open = matches!(blast.state, BlastState::Sending | BlastState::Scheduled);
    let words = || format!("the database does not answer: {} says more", model.options.keys.needs());
    model.away_since().filter(|_| is_open).map(|_| words())
}

fn said(model: &Model, blast: &BlastView, waiting: &Waiting) -> String {
    match waiting {
        Waiting::NoEngine => model.unattended(blast),
        _ => waiting.sentence_in(model.options.zone, |at| end_of(model, blast, waiting, at)),
    }
}

/// When a wait ends: of a launch, when it really starts. The day of a cap is that of the sender's clocks, as hours are.
fn end_of(model: &Model, blast: &BlastView, waiting: &Waiting, at: DateTime<Utc>) -> String {
    if let (Waiting::Armed { .. }, Some(later)) = (waiting, model.later_start(blast, at)) {
        return model.time_of(blast, later);
    }
    let clock = TimeFormat { zone: model.options.zone, now: model.now };
    let zone = model.zone_of(blast).filter(|_| matches!(waiting, Waiting::DailyCap { .. }));
    by_both_clocks(at, (zone, clock.zone), &moment(clock, at))
}

/// The same with the keys that end it, where there are any.
pub(super) fn reason_with_keys(model: &Model, blast: &BlastView) -> Option<String> {
    keyed(model, blast).into_iter().next().or_else(|| reason(model, blast))
}

/// The same where there is room for a line.
pub(super) fn brief(model: &Model, blast: &BlastView) -> Option<String> {
    match waiting(model, blast) {
        Some(Waiting::Armed { .. } | Waiting::NoEngine) | None => reason(model, blast),
        Some(_) if away(model, blast).is_some() => away(model, blast),
        Some(waiting) => Some(waiting.brief_in(model.options.zone, |at| end_of(model, blast, &waiting, at))),
    }
}

/// The end of a wait alone, where there is no room for its reason.
fn shortest(model: &Model, blast: &BlastView) -> Option<String> {
    if away(model, blast).is_some() {
        return Some(format!("no answer: {}", model.options.keys.needs()));
    }
    let waiting = waiting(model, blast)?;
    waiting.shortest_in(model.options.zone, |at| end_of(model, blast, &waiting, at))
}

/// What it waits for. Of a gap the one that binds on average: its engine names that of the pause which is the longer this time, of the
/// sender or of the blast. One that the provider has made longer is the sender's.
fn waiting(model: &Model, blast: &BlastView) -> Option<Waiting> {
    let waiting = blast.waiting.clone().filter(|_| blast.state == BlastState::Sending)?;
    let Waiting::Gap { gap, next, slowed } = waiting else { return Some(waiting) };
    let of_sender =
        model.senders.iter().find(|sender| sender.id == blast.sender_id).and_then(|sender| sender.usage.gap);
    let own = blast.limits.gap.as_ref().and_then(|gap| gap.as_ref().ok()).copied().filter(|_| slowed == 0);
    let binds = [of_sender, own].into_iter().flatten().max_by_key(|gap| gap.low() + gap.high());
    // As its engine names it where the sender is not configured here.
    let binds = binds.or_else(|| gap.parse().ok());
    Some(Waiting::Gap { gap: binds.map_or(gap, Gap::words), next, slowed })
}

fn moment(clock: TimeFormat, at: DateTime<Utc>) -> String {
    if at - clock.now < NEAR { clock.second(at) } else { clock.long(at) }
}

/// When a blast begins that starts by itself, by its own clocks.
fn starts(model: &Model, blast: &BlastView) -> Option<String> {
    let at = blast.send_after.filter(|at| blast.state == BlastState::Scheduled && *at > model.now)?;
    let clock = TimeFormat { zone: model.options.zone, now: model.now };
    let zone = model.zone_of(blast);
    let day = at.with_timezone(&zone.unwrap_or(clock.zone)).format("%a");
    let time = by_both_clocks(at, (zone, clock.zone), &clock.long(at));
    Some(format!("starts {day} {time}{}", blast.waits_at_next_time()))
}

/// Why the blast does not continue by itself, or when it begins.
fn stopped(model: &Model, blast: &BlastView) -> Option<String> {
    if blast.state == BlastState::Scheduled {
        return blast
            .waiting
            .as_ref()
            .filter(|wait| wait.is_open_ended())
            .map(|wait| said(model, blast, wait))
            .or_else(|| starts(model, blast));
    }
    let is_paused = blast.state == BlastState::Paused && blast.has_people_left();
    if is_paused && blast.state_reason.is_none() && !model.is_read_only() {
        let by = blast.state_by.as_ref().map(Actor::name).filter(|by| *by != model.options.operator);
        let by = by.map(|by| format!(" by {}", clean(by))).unwrap_or_default();
        return Some(model.with_keys(&format!("paused{by}: ⟨S⟩ resumes it")));
    }
    let held = matches!(blast.state, BlastState::Paused | BlastState::Cancelled | BlastState::Failed);
    let why = blast.state_reason.as_ref().filter(|_| held)?;
    Some(format!("{}: {why}", blast.state))
}
