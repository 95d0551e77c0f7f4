//! Whom a follow-up would reach, who is left out and why, and what is not known of them.

use chrono::{DateTime, TimeDelta, Utc};

use super::{OverlayContent, clock, wrapped};
use crate::app::FollowUpPreview;
use crate::app::view::BlastView;
use crate::domain::follow_up::{AgeCount, ages};
use crate::domain::ids::BlastId;
use crate::domain::status::Status;
use crate::domain::text::people_are;
use crate::tui::format::{count_of, number};
use crate::tui::model::{FollowUpOverlay, Model};
use crate::tui::theme::TextRole;
use crate::tui::widget::TextLine;

pub fn content(model: &Model, page: &FollowUpOverlay, width: u16) -> OverlayContent {
    let blast = model.blasts.get(page.blast);
    let name = blast.map(|blast| format!("{}, {}", blast.tag, blast.follow_up_stage)).unwrap_or_default();
    let left = vec!["Follow up".to_owned(), name, format!("stuck at {}", page.stage)];
    let title = super::title(left, Some("nothing is sent from here".to_owned()));
    let Some(loaded) = &page.loaded else {
        return OverlayContent { title, lines: vec![TextLine::dim("  counting them ...")], focus: None };
    };
    let mut lines: Vec<TextLine> = Vec::new();
    let focus = page.age;
    for (at, (age, count)) in ages().into_iter().zip(&loaded.ages).enumerate() {
        lines.push(age_line((age, count), at == page.age, width));
    }
    lines.extend(marks_do_not_count(model));
    if let Some(count) = loaded.ages.get(page.age) {
        lines.extend(left_out(loaded, count, page.older_than()));
        let they_have = words_they_have(loaded.stuck_at);
        match count.gets() {
            0 => lines.extend(nobody_gets_it(loaded, width)),
            gets => lines.extend(draft_words((&loaded.stage_name, gets), they_have, blast, width)),
        }
        lines.extend(later(page, width));
        if count.gets() > 0 {
            lines.extend(unmarked(count.unmarked, width));
        }
    }
    lines.extend(unknown(model, page.blast, loaded.last_mark.as_ref(), width));
    OverlayContent { title, lines, focus: Some(focus) }
}

/// Said where people are marked: the draft is to everybody who is counted here, so that whoever marked them learns it before.
pub(super) fn marks_do_not_count(model: &Model) -> Option<TextLine> {
    let marked = model.recipients.marked.len();
    let words = || {
        format!(
            "  {} marked, which does not count here: it is for all of these",
            people_are(i64::try_from(marked).unwrap_or(i64::MAX))
        )
    };
    (marked > 0).then(|| TextLine::of(words(), TextRole::Trouble))
}

/// `> over 24 h         41 stuck         35 get it`, closer together where there is little room.
fn age_line((age, count): (TimeDelta, &AgeCount), is_chosen: bool, width: u16) -> TextLine {
    let (cursor, meaning) = if is_chosen { ("> ", TextRole::Strong) } else { ("  ", TextRole::Plain) };
    let column = if width < 60 { 7 } else { 11 };
    let stuck = format!("{:<11}{:>column$} stuck", age_words(age), number(count.stuck));
    let gets = format!("{:>column$} get it", number(count.gets()));
    TextLine::of(cursor, TextRole::Accent)
        .and(stuck, meaning)
        .and(gets, if is_chosen { TextRole::Accent } else { TextRole::Dim })
}

fn age_words(age: TimeDelta) -> String {
    match age.num_hours() {
        0 if age == TimeDelta::zero() => "everybody".to_owned(),
        0 => format!("over {} min", age.num_minutes()),
        hours @ 1..=72 => format!("over {hours} h"),
        hours => format!("over {} days", hours / 24),
    }
}

fn left_out(loaded: &FollowUpPreview, count: &AgeCount, age: TimeDelta) -> Vec<TextLine> {
    let everybody = loaded.ages.first().map_or(0, |everybody| everybody.stuck);
    let younger = everybody - count.stuck;
    let hours = age_words(age).replace("over ", "");
    let reasons = count.left_out.iter().map(|(reason, people)| (*people, reason.words().to_owned()));
    let too_young = (younger, format!("there for less than {hours}"));
    left_out_lines(std::iter::once(too_young).chain(reasons).filter(|(people, _)| *people > 0))
}

/// Who is left out, by reason.
pub(super) fn left_out_lines(reasons: impl Iterator<Item = (i64, String)>) -> Vec<TextLine> {
    let lines: Vec<TextLine> = reasons.map(line).collect();
    if lines.is_empty() {
        return vec![TextLine::rule("Left out"), TextLine::dim("  nobody")];
    }
    std::iter::once(TextLine::rule("Left out")).chain(lines).collect()
}

fn line((people, words): (i64, String)) -> TextLine {
    TextLine::of(format!("  {:>9} ", number(people)), TextRole::Strong).and(words, TextRole::Plain)
}

/// The same as a step of the blast, which is for whoever has been stuck for some time.
fn later(page: &FollowUpOverlay, width: u16) -> Vec<TextLine> {
    if page.can_be_step() { step_words("has been stuck so long", width) } else { Vec::new() }
}

/// What a step of the blast would do, for whoever is so.
pub(super) fn step_words(who: &str, width: u16) -> Vec<TextLine> {
    let later = format!(
        "a makes it a step of the blast instead: from now on it drafts this by itself for whoever {who}, and each draft waits for your yes."
    );
    sentences("Later, by itself", &later, TextRole::Plain, width)
}

/// There is no draft to nobody: says with which age somebody would get one.
fn nobody_gets_it(loaded: &FollowUpPreview, width: u16) -> Vec<TextLine> {
    let oldest = ages().into_iter().zip(&loaded.ages).rev().find(|(_, count)| count.gets() > 0);
    let text = match oldest {
        Some((age, count)) => {
            let get = count_of(count.gets(), "person gets", "people get");
            format!("Nobody would get it. [ chooses a shorter time: with \"{}\" {get} it.", age_words(age))
        }
        None => "Nobody would get it, however short a time is chosen.".to_owned(),
    };
    sentences("The draft", &text, TextRole::Plain, width)
}

/// What the draft is, and what its people have of its words already.
pub(super) fn draft_words(
    (stage, gets): (&str, i64),
    they_have: &str,
    blast: Option<&BlastView>,
    width: u16,
) -> Vec<TextLine> {
    let gets = count_of(gets, "person", "people");
    let from = blast.map(|blast| format!(", from {}", blast.sender)).unwrap_or_default();
    let text = format!(
        "{stage} is a draft to {gets}{from}, with the same message, pace and hours. Change what it says before you send it: {they_have}."
    );
    sentences("The draft", &text, TextRole::Plain, width)
}

/// What the people who are stuck have of the message already.
const fn words_they_have(stuck_at: Status) -> &'static str {
    match stuck_at {
        Status::Sent => "these words are on their way to them already",
        Status::Delivered => "these words are on their phone already, unread",
        _ => "they have read these words already",
    }
}

/// Who wrote and was not marked as replied, by an operator's choice or because that is left to one.
fn unmarked(people: i64, width: u16) -> Vec<TextLine> {
    if people == 0 {
        return Vec::new();
    }
    let wrote = count_of(people, "of them wrote and is", "of them wrote and are");
    let text = format!(
        "{wrote} not marked as replied: it goes to them too. has:reply -status:replied after / finds them, and r there leaves them out."
    );
    sentences("They wrote", &text, TextRole::Need, width)
}

/// What only a person can know: who replied on the phone.
pub(super) fn unknown(
    model: &Model,
    blast: BlastId,
    last_mark: Option<&(DateTime<Utc>, String)>,
    width: u16,
) -> Vec<TextLine> {
    if model.is_over_meta(blast) {
        return Vec::new();
    }
    let clock = clock(model);
    let mark = match last_mark {
        Some((at, by)) => format!("The last mark here was {} by {by}.", clock.long(*at)),
        None => "Nobody here has been marked as having replied yet.".to_owned(),
    };
    let text = format!("{mark} Replies on the phone that nobody marked are not known: those people would get it too.");
    sentences("Marked everybody who replied?", &text, TextRole::Need, width)
}

pub(super) fn sentences(title: &str, text: &str, meaning: TextRole, width: u16) -> Vec<TextLine> {
    let lines =
        wrapped(text, width.saturating_sub(4)).into_iter().map(|line| TextLine::of(format!("  {line}"), meaning));
    std::iter::once(TextLine::rule(title)).chain(lines).collect()
}
