//! One answer for several uncertain people who are marked.

use super::support::{STACKED, TestDashboard, WIDE, at, details_of, person, raya};
use crate::app::AskedAct;
use crate::app::view::{BeforeResend, RecipientRow};
use crate::domain::blast::BlastState;
use crate::domain::ids::{ActionId, RecipientId};
use crate::domain::recipient::{Resolution, ShownAttempts};
use crate::domain::status::Status;
use crate::tui::Size;
use crate::tui::effect::{Completion, Effect, EffectError, ReadRequest, WriteOutcome, WriteRequest};
use crate::tui::key::Key;
use crate::tui::model::{Overlay, Prompt};
use crate::tui::msg::Msg;

/// Two of three uncertain people are marked, `enter` was pressed, and what is known of them was read.
fn asked(size: Size) -> TestDashboard {
    let mut dashboard = opened(size);
    let of = vec![RecipientId(1), RecipientId(2)];
    dashboard.answer(Completion::BeforeResend { of, known: Ok(BeforeResend::default()) });
    dashboard
}

/// The same before it was read.
fn opened(size: Size) -> TestDashboard {
    let uncertain = |id| person(id, "Aishah", Status::Uncertain, at(13, 54));
    let mut dashboard = TestDashboard::with(size, vec![uncertain(1), uncertain(2), uncertain(3)]);
    dashboard.keys("3  ").key(Key::Enter);
    dashboard
}

fn resolved(resolution: Resolution) -> WriteRequest {
    WriteRequest::ResolveSeveral { people: vec![RecipientId(1), RecipientId(2)], shown: first_of(&[1, 2]), resolution }
}

/// The first attempt of each of these was shown.
fn first_of(people: &[i64]) -> ShownAttempts {
    people.iter().map(|id| (RecipientId(*id), 1)).collect()
}

#[test]
fn enter_on_several_who_are_uncertain_asks_once_for_all_of_them() {
    let mut marked = asked(WIDE);
    marked.key(Key::Esc);
    assert!(marked.line(28).contains("enter answer for all"), "{}", marked.line(28));
    let mut dashboard = asked(WIDE);
    let screen = dashboard.screen().join("\n");
    for words in ["2 people", "> leave them open", "they are all there", "none is there, send again", "leave out"] {
        assert!(screen.contains(words), "{words}: {screen}");
    }

    dashboard.key(Key::Down).key(Key::Enter);
    assert_eq!(dashboard.acts(), []);
    assert!(dashboard.line(27).contains("count 2 people as sent?"), "{:#?}", dashboard.screen());
    dashboard.keys("y");
    assert_eq!(dashboard.acts(), [resolved(Resolution::Sent)]);
    assert!(dashboard.model.overlays.is_empty());

    let mut dropped = asked(WIDE);
    dropped.key(Key::Down).key(Key::Down).key(Key::Down).key(Key::Down).key(Key::Enter).keys("y");
    assert_eq!(dropped.acts(), [resolved(Resolution::Drop)]);
}

#[test]
fn how_long_they_are_not_sent_to_again_is_said_until_that_is_over() {
    let says = "you type how many; not before";
    let mut dashboard = asked(WIDE);
    let screen = dashboard.screen().join("\n");
    assert!(screen.contains("you type how many") && !screen.contains(says), "eight minutes ago: {screen}");

    dashboard.model.resend_after = chrono::TimeDelta::minutes(10);

    let screen = dashboard.screen().join("\n");
    assert!(screen.contains(says), "{screen}");
}

#[test]
fn a_stray_enter_leaves_them_open_and_a_no_leaves_them_marked() {
    let mut dashboard = asked(WIDE);
    dashboard.key(Key::Enter);
    assert_eq!(dashboard.acts(), []);
    assert!(dashboard.said().starts_with("2 people: left open"), "{}", dashboard.said());

    let mut refused = asked(WIDE);
    refused.key(Key::Down).key(Key::Enter).keys("n");
    assert_eq!((refused.acts(), refused.model.recipients.marked.len()), (vec![], 2));
}

#[test]
fn those_who_are_marked_stay_so_until_they_are_marked_for_good() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("3  u");
    let request = dashboard.acts().pop().unwrap();
    let then = WriteRequest::UndoMyAct(AskedAct::sending_nothing(ActionId(7)));
    let asks = WriteOutcome::AsksFirst { question: "Take it back?".to_owned(), then: then.clone() };
    dashboard.answer(Completion::Written { request, outcome: Ok(asks) }).keys("y");
    assert_eq!(
        (dashboard.acts(), dashboard.model.recipients.marked.len()),
        (vec![then], 2),
        "it was about another act"
    );

    dashboard.keys("ry");
    let request = dashboard.acts().pop().unwrap();
    assert!(matches!(request, WriteRequest::MarkSeveral { .. }) && dashboard.model.recipients.marked.is_empty());
    dashboard.answer(Completion::Written { request, outcome: Err(EffectError::Unavailable) });

    assert!(dashboard.model.recipients.marked.keys().copied().eq([RecipientId(1), RecipientId(2)]));
}

#[test]
fn several_are_sent_to_again_only_by_their_number() {
    let mut dashboard = asked(WIDE);
    dashboard.key(Key::Down).key(Key::Down).key(Key::Enter);

    dashboard.keys("y").keys("3").key(Key::Enter);
    assert_eq!(dashboard.acts(), []);
    let mut typed = asked(WIDE);
    typed.key(Key::Down).key(Key::Down).key(Key::Enter).keys("2").key(Key::Enter);
    assert_eq!(typed.acts(), [resolved(Resolution::Resend)]);
}

#[test]
fn how_many_of_them_had_the_very_message_is_said_before_they_are_sent_to_again() {
    let mut dashboard = asked(WIDE);
    let of = vec![RecipientId(1), RecipientId(2)];
    assert!(dashboard.taken().contains(&Effect::Read(ReadRequest::BeforeResend(of.clone()))));

    let known = BeforeResend { had_same_message: 2, wrote: 1, ..BeforeResend::default() };
    dashboard.answer(Completion::BeforeResend { of, known: Ok(known) });
    let words =
        "1 of them wrote since, maybe in answer to it. 2 of them had this very message from another blast, too.";
    let screen = dashboard.screen().join(" ").split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(screen.contains(words), "{screen}");
    dashboard.key(Key::Down).key(Key::Down).key(Key::Enter);
    let screen = dashboard.screen().join(" ").split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(screen.contains(&format!("send to 2 people once more? {words}")), "{screen}");
}

#[test]
fn whoever_opted_out_is_not_in_the_number_that_sends_again() {
    let of = vec![RecipientId(1), RecipientId(2)];
    let again = |opted_out| {
        let mut dashboard = asked(WIDE);
        let known = BeforeResend { opted_out, ..BeforeResend::default() };
        dashboard.answer(Completion::BeforeResend { of: of.clone(), known: Ok(known) });
        dashboard.key(Key::Down).key(Key::Down).key(Key::Enter);
        dashboard
    };
    let mut one = again(1);
    let screen = one.screen().join(" ").split_whitespace().collect::<Vec<_>>().join(" ");
    let asks = "send to 1 of these 2 people once more? 1 of them opted out and gets nothing.";
    assert!(screen.contains(asks) && screen.contains("Type 1:"), "{screen}");
    one.keys("2").key(Key::Enter);
    assert_eq!(one.acts(), []);
    one.keys("1").key(Key::Enter);
    assert_eq!(one.acts(), [resolved(Resolution::Resend)]);

    let mut nobody = again(2);
    assert_eq!(nobody.said(), "2 people: opted out, nothing goes to them; leave them out instead");
    assert_eq!(nobody.keys("0\n").acts(), []);
}

#[test]
fn whoever_is_settled_by_now_or_may_still_answer_is_not_in_the_number_that_sends_again() {
    let of = vec![RecipientId(1), RecipientId(2)];
    let again = |known| {
        let mut dashboard = asked(WIDE);
        dashboard.answer(Completion::BeforeResend { of: of.clone(), known: Ok(known) });
        dashboard.key(Key::Down).key(Key::Down).key(Key::Enter);
        dashboard
    };
    for (settled, too_soon, why) in
        [(1, 0, "1 of them is settled by now."), (0, 1, "1 of them may not be sent to yet:")]
    {
        let known = BeforeResend { settled, too_soon, not_now: vec![RecipientId(1)], ..BeforeResend::default() };
        let mut dashboard = again(known);
        let screen = dashboard.screen().join(" ").split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(screen.contains(&format!("send to 1 of these 2 people once more? {why}")), "{screen}");
        dashboard.keys("2\n");
        assert_eq!(dashboard.acts(), []);
        dashboard.keys("1\n");
        let (people, shown) = (vec![RecipientId(2)], first_of(&[1, 2]));
        let resolved = WriteRequest::ResolveSeveral { people, shown, resolution: Resolution::Resend };
        assert_eq!(dashboard.acts(), [resolved]);
    }
    let mut nobody = again(BeforeResend { settled: 2, not_now: of.clone(), ..BeforeResend::default() });
    assert_eq!(nobody.said(), "2 people: none of them may be sent to again now. 2 of them are settled by now.");
    assert_eq!(nobody.keys("0\n").acts(), []);
}

#[test]
fn nobody_is_counted_for_another_message_before_it_is_read_who_opted_out() {
    let of = vec![RecipientId(1), RecipientId(2)];
    let read = Effect::Read(ReadRequest::BeforeResend(of.clone()));
    let mut dashboard = opened(STACKED);
    dashboard.answer(Completion::BeforeResend { of: of.clone(), known: Err(EffectError::Unavailable) }).taken();

    dashboard.key(Key::Down).key(Key::Down).key(Key::Enter);

    assert_eq!(dashboard.said(), "it is not read yet who of them opted out: enter asks once it is");
    assert!(dashboard.model.prompt.is_none() && dashboard.taken().contains(&read));
    dashboard.dispatch(Msg::Refresh);
    assert!(dashboard.taken().contains(&read), "and with every look");
    let known = BeforeResend { opted_out: 1, ..BeforeResend::default() };
    dashboard.answer(Completion::BeforeResend { of, known: Ok(known) }).key(Key::Enter);
    dashboard.keys("1\n");
    assert_eq!(dashboard.acts(), [resolved(Resolution::Resend)]);
}

#[test]
fn of_whoever_is_not_listed_the_attempt_is_read_before_they_are_answered_for() {
    let mut dashboard = opened(WIDE);
    let of = vec![RecipientId(1), RecipientId(99)];
    let Some(Overlay::Uncertain(page)) = dashboard.model.overlays.last_mut() else { panic!("the question") };
    (page.people, page.shown) = (of.clone(), first_of(&[1]));

    dashboard.key(Key::Down).key(Key::Enter);

    assert_eq!(dashboard.said(), "not all of them are read yet: enter asks once they are");
    assert!(dashboard.model.prompt.is_none());
    let attempts = [(RecipientId(1), 2), (RecipientId(99), 3)].into_iter().collect();
    let known = BeforeResend { attempts, ..BeforeResend::default() };
    dashboard.answer(Completion::BeforeResend { of: of.clone(), known: Ok(known) }).key(Key::Enter).keys("y");
    let shown = [(RecipientId(1), 1), (RecipientId(99), 3)].into_iter().collect();
    let resolved = WriteRequest::ResolveSeveral { people: of, shown, resolution: Resolution::Sent };
    assert_eq!(dashboard.acts(), [resolved]);
}

/// The page of somebody uncertain by this attempt was read.
fn read_details(dashboard: &mut TestDashboard, attempt: i32) {
    let row = RecipientRow { attempt, ..person(1, "Aishah", Status::Uncertain, at(13, 54)) };
    dashboard.answer(Completion::Person(Box::new(Ok(details_of(row))))).taken();
}

fn details_opened() -> TestDashboard {
    let mut dashboard = TestDashboard::with(WIDE, vec![person(1, "Aishah", Status::Uncertain, at(13, 54))]);
    dashboard.keys("3").key(Key::Enter);
    read_details(&mut dashboard, 1);
    dashboard
}

#[test]
fn an_answer_is_not_about_an_attempt_that_was_made_while_the_page_was_open() {
    let mut dashboard = details_opened();
    read_details(&mut dashboard, 2);

    dashboard.key(Key::Down).key(Key::Enter);

    assert_eq!(dashboard.acts(), []);
    let said = "another attempt was made meanwhile: look into the chat once more, then answer";
    assert_eq!(dashboard.said(), said);
    dashboard.key(Key::Down).key(Key::Enter);
    let second = WriteRequest::Resolve { person: RecipientId(1), attempt: 2, resolution: Resolution::Sent };
    assert_eq!(dashboard.acts(), [second]);
}

#[test]
fn the_question_about_an_attempt_is_closed_by_another_one() {
    let mut dashboard = details_opened();
    dashboard.key(Key::Down).key(Key::Down).key(Key::Enter);
    assert!(matches!(dashboard.model.prompt, Some(Prompt::Confirm(_))));

    read_details(&mut dashboard, 2);

    assert!(dashboard.model.prompt.is_none());
    let said = "another attempt was made meanwhile; the question is closed, and nothing more is written";
    assert_eq!(dashboard.said(), said);
    dashboard.keys("y");
    assert_eq!(dashboard.acts(), []);
}

#[test]
fn where_somebody_marked_is_not_uncertain_enter_opens_the_one_at_the_cursor() {
    let uncertain = |id| person(id, "Aishah", Status::Uncertain, at(13, 54));
    let mixed = vec![uncertain(1), person(2, "Kavitha", Status::Read, at(13, 50)), uncertain(3)];
    let mut dashboard = TestDashboard::with(STACKED, mixed);

    dashboard.keys("3  ").key(Key::Enter);

    assert!(matches!(dashboard.model.overlays.last(), Some(Overlay::Details(_))));
}

#[test]
fn the_choices_are_never_cut() {
    for (width, height) in [(200, 50), (80, 24), (60, 16), (40, 12)] {
        let screen = asked(Size { width, height }).screen().join("\n");
        for words in ["they are all there", "none is there, send again", "none is there, leave out"] {
            assert!(screen.contains(words), "{width}x{height} {words}: {screen}");
        }
    }
}

#[test]
fn nobody_of_a_cancelled_blast_is_sent_to_again() {
    let uncertain = |id| person(id, "Aishah", Status::Uncertain, at(13, 54));
    let mut cancelled = raya();
    cancelled.state = BlastState::Cancelled;
    for marked in ["3", "3  "] {
        let mut dashboard = TestDashboard::with(WIDE, vec![uncertain(1), uncertain(2)]);
        dashboard.answer(Completion::Blasts(Ok(vec![cancelled.clone()]))).taken();
        dashboard.keys(marked).key(Key::Enter);
        if marked == "3" {
            let details = Completion::Person(Box::new(Ok(details_of(uncertain(1)))));
            dashboard.answer(details);
        }
        let screen = dashboard.screen().join("\n");
        assert!(screen.contains("not of a cancelled blast"), "{screen}");

        dashboard.key(Key::Down).key(Key::Down).key(Key::Enter);

        assert_eq!(dashboard.acts(), []);
        assert_eq!(dashboard.said(), "the blast was cancelled: nothing more is sent");
    }
}
