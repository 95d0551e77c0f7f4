//! What becomes of the blasts once the window is closed, as it is said before.

use super::super::{completions, lost};
use crate::app::SeenState;
use crate::app::view::BlastView;
use crate::domain::ids::BlastId;
use crate::domain::zone::words::time_elsewhere;
use crate::tui::ExitReason;
use crate::tui::effect::{Effect, EffectResult, ReadRequest};
use crate::tui::format::{TimeFormat, number};
use crate::tui::model::{Leaving, Model, Notice};
use crate::tui::widget::width;

const SEND: &str = "send-or-resume";

/// So many blasts are named, where their names fit into one line; of more their number is said.
const NAMED_MAX: usize = 3;

/// Leaves, after a sentence about what continues and what stays paused part-way, if anything does: nobody may have meant to leave it so, or
/// have seen that it paused by itself.
pub fn leave(model: &mut Model) -> Vec<Effect> {
    let going_on: Vec<BlastId> = model.in_flight().map(|blast| blast.id).collect();
    let text = match (&going_on[..], paused_words(model)) {
        ([], None) => return vec![Effect::Exit(ExitReason::Quit)],
        ([], Some(paused)) => again(model, &paused, &[]),
        (_, paused) => {
            let checking = "checking what continues without this window".to_owned();
            let words: Vec<_> = std::iter::once(checking).chain(paused).collect();
            format!("{}. {} again to leave", words.join("; "), model.options.keys.of(super::QUIT))
        }
    };
    model.leaving = Leaving::Warned;
    let says = seen(model, &going_on);
    super::ask(model, Notice { says, ..Notice::done(text) });
    if going_on.is_empty() { Vec::new() } else { vec![Effect::Read(ReadRequest::HandOver(going_on))] }
}

/// Says to an operator who is leaving which blasts continue without this window, and what stays paused.
pub fn hand_over_known(model: &mut Model, asked: &[BlastId], missing: EffectResult<Vec<(BlastId, String)>>) {
    if model.leaving != Leaving::Warned {
        return;
    }
    let while_away = missing.as_ref().is_err_and(lost::is_lost);
    let missing = missing.unwrap_or_else(|failure| {
        if while_away {
            // The header says so from now on, as it does of a read.
            completions::failed(model, &failure);
        }
        let why = failure.sentence(&model.options.keys);
        asked.iter().map(|blast| (*blast, why.clone())).collect()
    });
    if let Some(notice) = known(model, asked, &missing) {
        let says = seen(model, asked);
        super::ask(model, Notice { says, while_away, ..notice });
    }
}

/// Of which blasts something is said, as they stand: those that go on, and those that are paused.
fn seen(model: &Model, going_on: &[BlastId]) -> Vec<SeenState> {
    let going_on = going_on.iter().filter_map(|id| model.blasts.get(*id));
    going_on.chain(model.paused_part_way()).map(SeenState::of).collect()
}

/// `None` where all of them are gone.
fn known(model: &Model, asked: &[BlastId], missing: &[(BlastId, String)]) -> Option<Notice> {
    let rows = asked.iter().filter_map(|id| model.blasts.get(*id));
    let (stopping, continuing): (Vec<_>, Vec<_>) = rows.partition(|blast| why(blast, missing).is_some());
    if stopping.is_empty() && continuing.is_empty() {
        return None;
    }
    let continues = (!continuing.is_empty()).then(|| continue_words(model, &continuing));
    let would_not = if continues.is_some() { "would not" } else { "would not continue without this window" };
    let stops = stop_words(model, (&stopping, missing), would_not);
    let words: Vec<_> = continues.into_iter().chain(stops).chain(paused_words(model)).collect();
    if stopping.is_empty() {
        return Some(Notice::done(again(model, &words.join("; "), &continuing)));
    }
    let quit = model.options.keys.of(super::QUIT);
    Some(Notice::refusal(format!("{}. {quit} again to leave", words.join("; "))))
}

fn why<'a>(blast: &BlastView, missing: &'a [(BlastId, String)]) -> Option<&'a str> {
    missing.iter().find(|(id, _)| *id == blast.id).map(|(_, why)| why.as_str())
}

/// `Raya promo and Deepavali continue without this window (all done about 20:00)`.
fn continue_words(model: &Model, blasts: &[&BlastView]) -> String {
    let continues = if blasts.len() == 1 { "continues" } else { "continue" };
    format!("{} {continues} without this window{}", names(model, blasts), done_words(model, blasts))
}

/// When the last of them is done, where that is known of all.
fn done_words(model: &Model, blasts: &[&BlastView]) -> String {
    let clock = TimeFormat { zone: model.options.zone, now: model.now };
    let last = blasts.iter().max_by_key(|blast| blast.estimate.done_at);
    let is_known = blasts.iter().all(|blast| blast.estimate.done_at.is_some());
    let Some((blast, at)) = last.filter(|_| is_known).and_then(|blast| Some((blast, blast.estimate.done_at?))) else {
        return String::new();
    };
    let there = time_elsewhere(at, (model.zone_of(blast), clock.zone));
    let (here, there) = (clock.long(at), there.map(|there| format!(" here, {there}")).unwrap_or_default());
    let all = if blasts.len() == 1 { "" } else { "all " };
    format!(" ({all}done about {here}{there})")
}

/// Which of them would not continue, the first with what is missing.
fn stop_words(
    model: &Model,
    (blasts, missing): (&[&BlastView], &[(BlastId, String)]),
    would_not: &str,
) -> Option<String> {
    let first = why(blasts.first()?, missing)?;
    let (alike, others): (Vec<_>, Vec<_>) =
        blasts.iter().copied().partition(|blast: &&BlastView| why(blast, missing) == Some(first));
    let others = if others.is_empty() { String::new() } else { format!("; nor would {}", names(model, &others)) };
    Some(format!("{} {would_not}: {first}{others}", names(model, &alike)))
}

/// What stays paused with people who are still to be sent to, if anything does.
fn paused_words(model: &Model) -> Option<String> {
    let paused: Vec<_> = model.paused_part_way().collect();
    let queued = number(paused.iter().fold(0, |sum, blast| blast.counts.queued.saturating_add(sum)));
    let stays = match &paused[..] {
        [] => return None,
        [one] => format!("{} stays", model.distinct_name(one)),
        several => format!("{} blasts stay", several.len()),
    };
    Some(format!("{stays} paused with {queued} still to send"))
}

/// Words with the key that leaves, and the one that does something about the blast on the screen first: it may be about another one.
fn again(model: &Model, words: &str, continuing: &[&BlastView]) -> String {
    let keys = &model.options.keys;
    let paused: Vec<_> = model.paused_part_way().collect();
    let named = |blast: &BlastView| match continuing.len() + paused.len() {
        1 => "it".to_owned(),
        _ => model.brief_distinct_name(blast),
    };
    let is_selected = |blast: &BlastView| model.blast().is_some_and(|selected| selected.id == blast.id);
    let to_pause = model.to_pause().filter(|meant| continuing.iter().any(|blast| blast.id == meant.id));
    let first = match (to_pause, &paused[..]) {
        (Some(blast), _) => format!(", {} to pause {} first", keys.pause(), named(blast)),
        (None, [one]) if is_selected(one) => format!(", {} to resume {} first", keys.of(SEND), named(one)),
        (None, _) => String::new(),
    };
    format!("{words}. {} again to leave{first}", keys.of(super::QUIT))
}

fn names(model: &Model, blasts: &[&BlastView]) -> String {
    let names: Vec<String> = blasts.iter().map(|blast| model.distinct_name(blast)).collect();
    let listed = match &names[..] {
        [] => String::new(),
        [one] => return one.clone(),
        [before @ .., last] => format!("{} and {last}", before.join(", ")),
    };
    let fit = names.len() <= NAMED_MAX && width(&listed) <= model.size.width;
    if fit { listed } else { format!("{} blasts", names.len()) }
}
