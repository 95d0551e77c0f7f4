//! Whom a follow-up would reach, who is left out and why, and what is not known of them.

use chrono::{DateTime, TimeDelta, Utc};

use super::{OverlayContent, clock, wrapped};
use crate::app::FollowUpPreview;
use crate::app::view::{BlastView, Total};
use crate::domain::follow_up::{AgeCount, LeftOut, ages};
use crate::domain::ids::BlastId;
use crate::domain::status::Status;
use crate::domain::text::{clean, people_are};
use crate::tui::action::KeyScope;
use crate::tui::format::{count_of, number};
use crate::tui::model::{FollowUpOverlay, Model};
use crate::tui::theme::TextRole;
use crate::tui::widget::{TextLine, TitleRule, right_fits};

const NOTHING_SENT: &str = "nothing is sent from here";

/// The longest words that say where in the page this is.
const PLACE: &str = "10-20 of 30: PgUp PgDn";

pub fn content(model: &Model, page: &FollowUpOverlay, width: u16) -> OverlayContent {
    let blast = model.blasts.get(page.blast);
    let (title, mut lines) = title(segments(model, page), width);
    let Some(loaded) = &page.loaded else {
        lines.push(TextLine::dim("  counting them ..."));
        return OverlayContent { title, lines, focus: None };
    };
    let focus = lines.len() + page.age;
    for (at, (age, count)) in ages().into_iter().zip(&loaded.ages).enumerate() {
        lines.push(age_line((age, count), at == page.age, width));
    }
    lines.extend(marks_do_not_count(model));
    // What is not known of them stands where every window shows it.
    let gets = loaded.ages.get(page.age).map_or(0, AgeCount::gets);
    if let Some(count) = loaded.ages.get(page.age).filter(|_| gets > 0) {
        lines.extend(unmarked(model, count.unmarked, width));
    }
    lines.extend(unknown(model, (page.blast, Some(page.stage)), loaded.last_mark.as_ref(), width));
    if let Some(count) = loaded.ages.get(page.age) {
        lines.extend(left_out(loaded, count, page.older_than()));
        lines.extend(not_known(model, loaded, blast, width));
        let they_have = words_they_have(loaded.stuck_at);
        match gets {
            0 => lines.extend(nobody_gets_it(model, loaded, width)),
            gets => lines.extend(draft_words((&loaded.stage_name, gets), they_have, blast, width)),
        }
        lines.extend(later(model, page, width));
    }
    OverlayContent { title, lines, focus: Some(focus) }
}

/// The title, which says that nothing is sent. Where it has no room for that beside where in the page this is, a line below says it.
pub(super) fn title(left: Vec<String>, width: u16) -> (TitleRule, Vec<TextLine>) {
    if says_in_title(&left, width) {
        return (super::title(left, Some(NOTHING_SENT.to_owned())), Vec::new());
    }
    (super::title(left, None), vec![TextLine::dim(format!("  {NOTHING_SENT}"))])
}

pub(super) fn says_in_title(left: &[String], width: u16) -> bool {
    right_fits(&super::title(left.to_vec(), Some(format!("{NOTHING_SENT}, {PLACE}"))), width)
}

/// The segments of the title: what this is, of which blast, and for whom.
pub(super) fn segments(model: &Model, page: &FollowUpOverlay) -> Vec<String> {
    vec!["Follow up".to_owned(), blast_words(model, page.blast), format!("stuck at {}", page.stage)]
}

pub(super) fn blast_words(model: &Model, blast: BlastId) -> String {
    let blast = model.blasts.get(blast);
    let id = |blast| model.id_of_namesake(blast).unwrap_or_default();
    blast.map(|blast| format!("{}, {}{}", blast.tag, blast.follow_up_stage, id(blast))).unwrap_or_default()
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
fn later(model: &Model, page: &FollowUpOverlay, width: u16) -> Vec<TextLine> {
    if page.can_be_step() { step_words(model, "has been stuck so long", width) } else { Vec::new() }
}

/// What a step of the blast would do, for whoever is so.
pub(super) fn step_words(model: &Model, who: &str, width: u16) -> Vec<TextLine> {
    let later = format!(
        "⟨a⟩ makes it a step of the blast instead: from now on it drafts this by itself for whoever {who}, and each draft waits for your yes."
    );
    sentences(
        "Later, by itself",
        &model.options.keys.in_sentence(&later, &[KeyScope::FollowUp]),
        TextRole::Plain,
        width,
    )
}

/// Of those at *sent*, nobody knows of some whether they are stuck there, and they get nothing: says so, and why.
fn not_known(model: &Model, loaded: &FollowUpPreview, blast: Option<&BlastView>, width: u16) -> Vec<TextLine> {
    let unasked = blast.map_or(Total::Exactly(0), |blast| blast.unasked);
    let people = unasked.number();
    if loaded.stuck_at != Status::Sent || people == 0 || model.is_over_meta(loaded.blast) {
        return Vec::new();
    }
    let who = count_of(people, "other at sent is left out: it is", "others at sent are left out: it is");
    let least = if matches!(unasked, Total::AtLeast(_)) { "At least " } else { "" };
    let text = format!(
        "{least}{who} not known whether they have the message. The provider was not asked about them yet, or gave no id to ask by."
    );
    wrapped(&text, width.saturating_sub(4)).into_iter().map(|line| TextLine::plain(format!("  {line}"))).collect()
}

/// Why nobody is left, where all are left out for one reason: `All 12 are in Follow-up 1 already.`
fn all_left_out(model: &Model, loaded: &FollowUpPreview) -> Option<String> {
    let everybody = loaded.ages.first()?;
    let (reason, people) = everybody.left_out.first().filter(|(_, people)| *people == everybody.stuck)?;
    let followed = model.blasts.rows().iter().filter(|row| row.follows == Some(loaded.blast));
    let followed: Vec<_> = followed.map(|row| row.follow_up_stage.as_str()).collect();
    let reason = match (reason, &followed[..]) {
        (LeftOut::Followed, [only]) => format!("in {} already", clean(only)),
        _ => reason.words().to_owned(),
    };
    let who = if *people == 1 { "The only one is".to_owned() } else { format!("All {} are", number(*people)) };
    let has_verb = matches!(everybody.left_out.first(), Some((LeftOut::Followed, _)));
    let who = if has_verb { who } else { who.trim_end_matches(" is").trim_end_matches(" are").to_owned() };
    Some(format!("{who} {reason}: nobody is left to follow up here."))
}

/// There is no draft to nobody: says why, or with which age somebody would get one.
fn nobody_gets_it(model: &Model, loaded: &FollowUpPreview, width: u16) -> Vec<TextLine> {
    let oldest = ages().into_iter().zip(&loaded.ages).rev().find(|(_, count)| count.gets() > 0);
    let text = match oldest {
        Some((age, count)) => {
            let get = count_of(count.gets(), "person gets", "people get");
            let chooses = model.with_keys("⟨[⟩ chooses a shorter time");
            format!("Nobody would get it. {chooses}: with \"{}\" {get} it.", age_words(age))
        }
        None => {
            all_left_out(model, loaded).unwrap_or_else(|| "Nobody would get it, even with a shorter time.".to_owned())
        }
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
        Status::Sent => "these very words are on their way to them",
        Status::Delivered => "these very words are on their phone, unread",
        _ => "they have read these very words",
    }
}

/// Who wrote and was not marked as replied, by an operator's choice or because that is left to one.
fn unmarked(model: &Model, people: i64, width: u16) -> Vec<TextLine> {
    if people == 0 {
        return Vec::new();
    }
    let wrote = count_of(people, "of them wrote and is", "of them wrote and are");
    let text = format!(
        "{wrote} not marked as replied: it goes to them too. has:reply -status:replied after ⟨/⟩ finds them, and ⟨r⟩ there leaves them out."
    );
    sentences("They wrote", &model.with_keys(&text), TextRole::Need, width)
}

/// What only a person can know: who replied on the phone.
pub(super) fn unknown(
    model: &Model,
    (blast, stuck_at): (BlastId, Option<Status>),
    last_mark: Option<&(DateTime<Utc>, String)>,
    width: u16,
) -> Vec<TextLine> {
    if model.is_over_meta(blast) {
        return Vec::new();
    }
    let clock = clock(model);
    // Whoever replied and was marked by nobody is known by a webhook.
    let brought = model.blasts.get(blast).map_or(0, |blast| blast.counts.replied);
    let brought = Some(brought).filter(|people| *people > 0 && last_mark.is_none());
    let mark = match (last_mark, brought) {
        (Some((at, by)), _) => format!("The last mark here was {} by {by}.", clock.long(*at)),
        (None, Some(people)) => {
            let came = count_of(people, "person's reply came", "people's replies came");
            format!("Nobody here has been marked by hand: {came} by webhook.")
        }
        (None, None) => "Nobody here has been marked yet.".to_owned(),
    };
    // Whoever replied and is not marked is stuck at an earlier stage, and gets none of a follow-up of those who replied.
    let (title, unknown) = match (stuck_at, brought) {
        (Some(Status::Replied), _) => ("Marked everybody who bought?", "Sales"),
        (_, Some(_)) => ("Marked everybody who replied?", "Replies that no webhook brought and"),
        _ => ("Marked everybody who replied?", "Replies on the phone"),
    };
    let text = format!("{mark} {unknown} that nobody marked are not known: those people would get it too.");
    sentences(title, &text, TextRole::Need, width)
}

pub(super) fn sentences(title: &str, text: &str, meaning: TextRole, width: u16) -> Vec<TextLine> {
    let lines =
        wrapped(text, width.saturating_sub(4)).into_iter().map(|line| TextLine::of(format!("  {line}"), meaning));
    std::iter::once(TextLine::rule(title)).chain(lines).collect()
}
