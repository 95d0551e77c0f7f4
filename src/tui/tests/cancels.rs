//! `X`: nothing more leaves while somebody thinks about it, and only the right answer cancels or deletes.

use super::support::{DRAFT, RAYA, STACKED, TestDashboard, blasts, draft, people, raya};
use crate::app::view::BlastView;
use crate::app::{SeenState, UndoOutcome};
use crate::domain::blast::BlastState;
use crate::domain::ids::RecipientId;
use crate::domain::recipient::Mark;
use crate::tui::effect::{Completion, EffectError, WriteOutcome, WriteRequest};
use crate::tui::key::Key;
use crate::tui::model::{Pane, Prompt};
use chrono::TimeDelta;

#[test]
fn what_is_being_sent_is_cancelled_by_typing_how_many_are_queued() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("1X");
    assert!(dashboard.acts().is_empty(), "it asks before it pauses");
    assert!(
        dashboard.line(22).starts_with(" cancel Raya promo? It pauses first; then you type the number."),
        "{}",
        dashboard.line(22)
    );
    dashboard.keys("y14");
    assert_eq!(dashboard.acts(), [WriteRequest::Pause(RAYA)], "it is paused before the number is asked for");
    assert!(dashboard.line(22).starts_with(" Raya promo is being paused; then it asks. 14_"), "{}", dashboard.line(22));
    dashboard.keys("\n");
    dashboard.answer(paused_with(139));
    assert!(dashboard.line(22).starts_with(" cancel Raya promo for good? 139 still queued; type 139: 14_"));
    dashboard.keys("\n");
    assert!(dashboard.acts().is_empty());
    let asks = " 14 is not 139: cancel Raya promo for good? 139 still queued; type 139: _";
    assert_eq!(dashboard.line(22), asks);

    dashboard.keys("139\n");

    assert_eq!(dashboard.acts(), [cancel(139)], "what is typed next is the number again");
}

/// The answer to a pause, with so many still queued.
fn paused_with(queued: i64) -> Completion {
    let outcome = Ok(WriteOutcome::Blast(Box::new(paused_row(queued))));
    Completion::Written { request: WriteRequest::Pause(RAYA), outcome }
}

fn paused_row(queued: i64) -> BlastView {
    let mut row = BlastView {
        state: BlastState::Paused,
        state_by: Some(crate::domain::act::Actor::Operator("ben".to_owned())),
        ..blasts().swap_remove(0)
    };
    row.counts.queued = queued;
    row
}

/// As it was shown, with so many queued.
const fn cancel(people: i64) -> WriteRequest {
    WriteRequest::Cancel { blast: RAYA, version: 3, people }
}

const fn delete() -> WriteRequest {
    WriteRequest::Delete { blast: DRAFT, version: 3 }
}

#[test]
fn a_cancel_of_other_people_than_were_typed_is_asked_anew_with_their_number() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("1Xy").answer(paused_with(139)).taken();
    dashboard.keys("139\n");
    assert_eq!(dashboard.acts(), [cancel(139)]);
    let resumed = BlastView { version: 5, ..paused_row(179) };
    let outcome = Ok(WriteOutcome::Outdated(Box::new(resumed)));
    dashboard.answer(Completion::Written { request: cancel(139), outcome });

    let asks = " changed meanwhile: cancel Raya promo for good? 179 still queued; type 179:";
    assert!(dashboard.line(22).starts_with(asks), "{}", dashboard.line(22));
    dashboard.keys("139\n");
    assert!(dashboard.acts().is_empty(), "the number of before");
    dashboard.keys("179\n");

    assert_eq!(dashboard.acts(), [WriteRequest::Cancel { blast: RAYA, version: 5, people: 179 }]);
}

#[test]
fn what_is_no_draft_any_more_is_not_deleted_and_says_so_over_whatever_is_typed() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("1").key(Key::End).keys("Xy");
    assert_eq!(dashboard.acts(), [delete()]);
    let outdated = |state| {
        let row = BlastView { state, version: 5, ..draft() };
        Completion::Written { request: delete(), outcome: Ok(WriteOutcome::Outdated(Box::new(row))) }
    };

    dashboard.answer(outdated(BlastState::Completed));

    assert!(dashboard.model.prompt.is_none(), "it is deleted by its own question");
    assert_eq!(dashboard.said(), "Raya last call changed meanwhile, and is not deleted: it is done");
    dashboard.now += TimeDelta::seconds(2);
    dashboard.keys("/66").answer(outdated(BlastState::Draft));
    assert!(matches!(dashboard.model.prompt, Some(Prompt::Find(_) | Prompt::BlastFilter(_))), "what is typed goes on");
    assert_eq!(dashboard.said(), "Raya last call changed meanwhile, and is not deleted: it is a draft; X asks again");
}

#[test]
fn a_delete_that_is_asked_anew_late_takes_no_key_that_is_meant_for_somebody_else() {
    let asked = || {
        let mut dashboard = TestDashboard::new(STACKED);
        dashboard.keys("1").key(Key::End).list(people()).keys("Xy").taken();
        dashboard.now += TimeDelta::seconds(4);
        dashboard
    };
    let row = BlastView { version: 5, ..draft() };
    let outdated =
        || Completion::Written { request: delete(), outcome: Ok(WriteOutcome::Outdated(Box::new(row.clone()))) };
    let says = "Raya last call changed meanwhile, and is not deleted: it is a draft; X asks again";
    let mut moved = asked();
    moved.keys("3j").answer(outdated());
    assert!(moved.model.prompt.is_none(), "{:?}", moved.model.prompt);
    assert_eq!(moved.said(), says);
    moved.keys("y");
    assert!(moved.acts().is_empty(), "y copies a number there");
    let mut finding = asked();
    finding.keys("3/0003\nr").answer(outdated());
    assert!(finding.model.prompt.is_none(), "{:?}", finding.model.prompt);

    finding.list(vec![people()[2].clone()]);

    let reply = WriteRequest::Mark { person: RecipientId(3), mark: Mark::Replied };
    assert_eq!(finding.acts(), [reply], "the key that waited for the list is used");
}

#[test]
fn a_cancel_whose_pause_is_refused_asks_nothing_and_takes_its_digits() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("1Xy");
    let why = EffectError::Other("the blast is done: it is over".to_owned());
    dashboard.answer(Completion::Written { request: WriteRequest::Pause(RAYA), outcome: Err(why) }).taken();

    dashboard.keys("140\n");

    assert!(dashboard.acts().is_empty());
    assert_eq!(dashboard.model.focus, Pane::Blasts);
    assert_eq!(dashboard.said(), "the blast is done: it is over");
}

#[test]
fn a_cancel_that_is_left_while_it_pauses_is_none() {
    let mut dashboard = TestDashboard::new(STACKED);

    dashboard.keys("1Xy").key(Key::Esc).answer(paused_with(140));

    assert!(dashboard.model.prompt.is_none());
    assert_eq!(dashboard.acts(), [WriteRequest::Pause(RAYA)]);
    assert_eq!(dashboard.said(), "Raya promo is paused; S resumes it");
}

#[test]
fn any_other_key_than_y_neither_pauses_nor_acts() {
    for key in ["n", "1", "3", "\n", "X"] {
        let mut dashboard = TestDashboard::new(STACKED);

        dashboard.keys("1X").keys(key);

        assert!(dashboard.acts().is_empty(), "{key}");
        assert_eq!(dashboard.model.focus, Pane::Blasts, "{key}");
        assert!(dashboard.said().starts_with("nothing done: Raya promo goes on"), "{key}: {}", dashboard.said());
    }
}

#[test]
fn a_draft_is_deleted_after_y() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("1").key(Key::End).keys("X");
    assert!(dashboard.line(22).starts_with(" delete the draft Raya last call and its 289 people for good?"));

    dashboard.keys("y");

    assert_eq!(dashboard.acts(), [delete()]);
}

#[test]
fn where_nobody_is_queued_any_more_a_cancel_asks_for_a_yes_alone() {
    let mut dashboard = TestDashboard::new(STACKED);
    let mut sent = raya();
    (sent.counts.queued, sent.counts.sending, sent.counts.uncertain) = (0, 0, 1);
    dashboard.answer(Completion::Blasts(Ok(vec![sent]))).taken();

    dashboard.keys("1X");
    let screen = dashboard.screen().join(" ").split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(screen.contains("; 1 uncertain stay open, and cannot be sent to again."), "{screen}");
    dashboard.keys("y");

    assert_eq!(dashboard.acts(), [cancel(0)]);
}

#[test]
fn a_no_to_a_cancel_says_that_somebody_has_resumed_it_meanwhile() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("1Xy").answer(paused_with(139));
    let resumed = BlastView { state: BlastState::Sending, version: raya().version + 2, ..raya() };
    dashboard.answer(Completion::Blasts(Ok(vec![resumed])));

    dashboard.keys("n");

    assert_eq!(dashboard.said(), "Raya promo is not cancelled: it is being sent; p pauses it");
}

#[test]
fn a_cancel_of_what_ben_cancelled_meanwhile_says_that_he_did() {
    let over = |state| BlastView { state, version: 5, ..paused_row(0) };
    let answered = |state| {
        let mut dashboard = TestDashboard::new(STACKED);
        dashboard.keys("1Xy").answer(paused_with(139)).keys("139\n");
        let outcome = Ok(WriteOutcome::Outdated(Box::new(over(state))));
        dashboard.answer(Completion::Written { request: cancel(139), outcome });
        assert!(dashboard.model.prompt.is_none(), "{state}");
        dashboard.said().to_owned()
    };
    let left = ": there is nothing left to cancel";
    assert_eq!(answered(BlastState::Cancelled), format!("Raya promo was cancelled meanwhile by ben{left}"));
    assert_eq!(answered(BlastState::Failed), format!("Raya promo failed meanwhile{left}"));
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("1Xy").answer(paused_with(139));
    dashboard.answer(Completion::Blasts(Ok(vec![over(BlastState::Cancelled)])));

    dashboard.key(Key::Esc);

    assert_eq!(dashboard.said(), "nothing done: Raya promo was cancelled meanwhile by ben");
}

#[test]
fn a_cancel_of_a_scheduled_blast_pauses_it_only_shortly_before_its_start() {
    for (minutes, pauses) in [(30, false), (1, true)] {
        let mut dashboard = TestDashboard::new(STACKED);
        let start = Some(dashboard.model.now + TimeDelta::minutes(minutes));
        let scheduled = BlastView { state: BlastState::Scheduled, scheduled_for: start, ..raya() };
        dashboard.answer(Completion::Blasts(Ok(vec![scheduled]))).taken();

        dashboard.keys("1Xy");

        assert_eq!(dashboard.acts().contains(&WriteRequest::Pause(RAYA)), pauses);
        // The other asks for the number at once: a letter is a no.
        let kept = dashboard.said().starts_with("nothing done: Raya promo still starts");
        assert_eq!(kept, !pauses, "{}", dashboard.said());
    }
}

#[test]
fn u_after_a_taking_back_takes_back_no_older_act_unasked() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("3U");
    let request = WriteRequest::UndoPerson(RecipientId(1));
    assert_eq!(dashboard.acts(), std::slice::from_ref(&request));
    let sentence = "Siti Aminah: closed -> read, taken back".to_owned();
    let taken = UndoOutcome {
        recipients: vec![RecipientId(1)],
        sentence,
        command_lines: Vec::new(),
        still_suppressed: Vec::new(),
    };
    dashboard.answer(Completion::Written { request, outcome: Ok(WriteOutcome::Undone(taken)) });

    dashboard.keys("u");

    assert!(dashboard.acts().is_empty());
    assert_eq!(dashboard.said(), "u does not take back an undo: u again asks about the act before it");
}

#[test]
fn what_a_no_to_a_cancel_says_goes_once_somebody_resumes_the_blast() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("1Xy").answer(paused_with(139)).keys("n");
    assert_eq!(dashboard.said(), "Raya promo stays paused; S resumes it");

    let resumed = BlastView { state: BlastState::Sending, version: raya().version + 2, ..raya() };
    dashboard.answer(Completion::Blasts(Ok(vec![resumed])));

    assert_eq!(dashboard.said(), "");
}

#[test]
fn why_an_act_is_not_taken_back_is_said_as_long_as_its_blast_stands_so() {
    let mut dashboard = TestDashboard::new(STACKED);
    let why = "your last act was to start Raya promo: it is paused now";
    let seen = SeenState { blast: RAYA, version: 5, state: BlastState::Paused };
    let request = WriteRequest::UndoMine { shown: None, person: None, asks: false };
    let failure = EffectError::AsItStands { why: why.to_owned(), seen };
    dashboard.answer(Completion::Written { request, outcome: Err(failure) });
    let mut said = |row: BlastView| dashboard.answer(Completion::Blasts(Ok(vec![row]))).said().to_owned();

    assert_eq!(said(BlastView { version: 4, ..raya() }), why, "read before it was paused");
    assert_eq!(said(BlastView { version: 5, ..paused_row(139) }), why);
    assert_eq!(said(BlastView { version: 6, ..raya() }), "");
}
