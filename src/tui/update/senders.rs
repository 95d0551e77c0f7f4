//! A sender whose database differs from this machine's record waits for somebody to confirm it: that is asked apart from sending.

use super::{prompts, written};
use crate::app::Confirmed;
use crate::app::view::{BlastView, SenderView};
use crate::domain::blast::BlastState;
use crate::domain::ids::BlastId;
use crate::domain::text::{clean, number};
use crate::domain::waiting::Waiting;
use crate::tui::effect::{Effect, ReadRequest, WriteRequest};
use crate::tui::format::count_of;
use crate::tui::model::{ConfirmBy, Model, Notice};

/// What is known of such a stop. Another shell may name another state directory, in which nothing or something older is remembered.
const RECORD_DIFFERS: &str = "the database differs from this machine's record: it may have been restored, or the record is \
                              in another state directory";

/// Asks for the number of people who are queued in launched blasts, where there are any. How many become uncertain is known only
/// afterwards.
pub fn confirm(model: &mut Model, name: &str) -> Vec<Effect> {
    let question = format!("{}: {RECORD_DIFFERS}. May it send?", clean(name));
    ask_by_queued(model, (name, question), |people| WriteRequest::ConfirmSender { name: name.to_owned(), people })
}

/// Asks before all that was launched of a sender goes on, answers too: by the number of people who are queued in it, where there are any.
/// What a right answer does has that number, and is refused once there are more.
pub fn ask_by_queued(
    model: &mut Model,
    (sender, question): (&str, String),
    then: impl FnOnce(i64) -> WriteRequest,
) -> Vec<Effect> {
    let answers = model.senders.iter().find(|row| row.name == sender).map_or(0, |row| row.queued_answers);
    let people = launched_of(model, sender).map(|blast| blast.counts.queued).sum::<i64>() + answers;
    let then = then(people);
    match people {
        0 => prompts::ask(model, question, ConfirmBy::Yes, vec![then]),
        people => {
            let by = ConfirmBy::number(people);
            let typed = number(people);
            let of_them = match answers {
                0 => String::new(),
                1 => ", 1 of them an answer".to_owned(),
                answers => format!(", {} of them answers", number(answers)),
            };
            prompts::ask(model, format!("{question} {typed} queued{of_them}; type {typed}:"), by, vec![then])
        }
    }
}

/// Which blasts a sender goes on with once its stop is lifted, and of which it is asked first, as the end of a question: the others, where
/// that is about one of them and not about the sender.
pub fn blasts_that_go_on(model: &Model, sender: &str, about: Option<BlastId>) -> String {
    let meant = launched_of(model, sender).filter(|blast| Some(blast.id) != about && blast.has_people_left());
    let (late, meant): (Vec<_>, Vec<_>) = meant.partition(|blast| blast.asks_first(model.now));
    let names =
        |blasts: Vec<&BlastView>| blasts.into_iter().map(|blast| model.distinct_name(blast)).collect::<Vec<_>>();
    let too = if about.is_some() { " too" } else { "" };
    let go_on = match &names(meant)[..] {
        [] => String::new(),
        [one] => format!(" {one} goes on{too}."),
        [one, other] => format!(" {one} and {other} go on{too}."),
        [one, other, more @ ..] => {
            format!(" {one}, {other} and {} go on{too}.", count_of(more.len(), "other blast", "other blasts"))
        }
    };
    match &names(late)[..] {
        [] => go_on,
        [one] => format!("{go_on} {one} asks first: its time is long past."),
        [one, other] => format!("{go_on} {one} and {other} ask first: their times are long past."),
        late => format!("{go_on} {} ask first: their times are long past.", count_of(late.len(), "blast", "blasts")),
    }
}

/// Which blasts a sender goes on with by itself once its stop is lifted.
pub fn that_go_on<'a>(model: &'a Model, sender: &'a str) -> impl Iterator<Item = &'a BlastView> {
    launched_of(model, sender).filter(move |blast| blast.has_people_left() && !blast.asks_first(model.now))
}

/// Also what is started as soon as its sender may send: its time came meanwhile.
fn launched_of<'a>(model: &'a Model, sender: &'a str) -> impl Iterator<Item = &'a BlastView> {
    model.blasts.rows().iter().filter(move |blast| blast.sender == sender && blast.goes_by(model.now))
}

/// The stop of a blast's sender is lifted: the blast goes on at once where an engine holds the sender.
pub fn may_send_again(model: &Model, row: &BlastView) -> Notice {
    let may = format!("sender {} may send again: {}", row.sender, model.distinct_name(row));
    if is_held(model, row) {
        return Notice::done(format!("{may} goes on"));
    }
    let until_held = Some(row.id);
    Notice { until_held, ..Notice::done(format!("{may} goes on once an engine has it")) }
}

/// Ends the line that says that a blast waits for an engine, once that has it.
pub fn expire(model: &mut Model) {
    let Some(id) = model.notice.as_ref().and_then(|notice| notice.until_held) else { return };
    match model.blasts.get(id).filter(|row| row.state == BlastState::Sending) {
        None => model.notice = None,
        Some(row) if is_held(model, row) => {
            let notice = Notice::done(format!("{} goes on", model.distinct_name(row)));
            model.say(notice);
        }
        Some(_) => {}
    }
}

/// Whether an engine that shows signs of life holds the sender of a blast.
fn is_held(model: &Model, row: &BlastView) -> bool {
    let stands_still = |waiting: &Waiting| waiting.is_open_ended() || matches!(waiting, Waiting::Silent { .. });
    let is_held = |sender: &SenderView| sender.id == row.sender_id && sender.lease.is_some();
    !row.waiting.as_ref().is_some_and(stands_still) && model.senders.iter().any(is_held)
}

/// The confirmation is written, which starts no message of a blast that is paused or a draft.
pub fn confirmed(model: &mut Model, request: &WriteRequest, confirmed: Confirmed) -> Vec<Effect> {
    let WriteRequest::ConfirmSender { name, .. } = request else { return Vec::new() };
    let Confirmed {
        uncertain,
        unknown,
        opt_outs,
        unreadable_opt_outs,
        unrecognized,
        unreadable_posts,
        has_unknown_gap,
    } = confirmed;
    let said = [
        some(uncertain, ["who was posted to before is uncertain now", "who were posted to before are uncertain now"]),
        some(
            unknown,
            ["more who was posted to is not in this database", "more who were posted to are not in this database"],
        ),
        some(opt_outs, ["opt-out is recorded again", "opt-outs are recorded again"]),
        some(
            unreadable_posts,
            ["post could not be read from this machine's record", "posts could not be read from this machine's record"],
        ),
        if has_unknown_gap { "; posts are missing from this machine's record".to_owned() } else { String::new() },
        some(unreadable_opt_outs, ["opt-out cannot be read any more", "opt-outs cannot be read any more"]),
        some(
            unrecognized,
            ["person who was forgotten may get messages again", "people who were forgotten may get messages again"],
        ),
    ];
    let text = format!("{} is confirmed{}", clean(name), said.concat());
    written::log(model, &text, &format!("blastdeck sender confirm '{}'", name.replace('\'', "'\\''")));
    let is_held = model.blast().is_some_and(|blast| blast.sender == *name && blast.state != BlastState::Sending);
    let hint = is_held.then_some("⟨S⟩ sends".into());
    model.say(Notice { hint, ..Notice::done(text) });
    vec![Effect::Read(ReadRequest::Blasts), Effect::Read(ReadRequest::Senders)]
}

fn some(n: i64, [one, many]: [&str; 2]) -> String {
    if n == 0 { String::new() } else { format!("; {}", count_of(n, one, many)) }
}
