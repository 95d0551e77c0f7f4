//! `*`: everybody in the list is marked for one act, which asks, and keys wait until it is known who that is.

use chrono::TimeDelta;

use super::support::{STACKED, TestDashboard, WIDE, crowd};
use crate::app::AskedMarks;
use crate::app::view::Total;
use crate::domain::ids::{ActionId, RecipientId};
use crate::domain::recipient::Mark;
use crate::tui::effect::{ALL_FOUND_MAX, Completion, Effect, EffectError, ReadRequest, WriteOutcome, WriteRequest};
use crate::tui::key::Key;
use crate::tui::model::Prompt;
use crate::tui::msg::Msg;

fn starred() -> TestDashboard {
    let mut dashboard = TestDashboard::with(WIDE, crowd(1, 60));
    dashboard.keys("3*");
    dashboard
}

fn found(dashboard: &mut TestDashboard, count: usize) {
    let ticket = dashboard.model.recipients.ticket;
    let people = (1..=count).map(|id| RecipientId(i64::try_from(id).unwrap())).collect();
    dashboard.answer(Completion::AllFound { ticket, people: Ok(people) });
}

#[test]
fn a_key_after_the_star_waits_and_then_asks_for_all_of_them() {
    let mut dashboard = starred();
    assert!(matches!(dashboard.taken().last(), Some(Effect::Read(ReadRequest::AllFound { .. }))));

    dashboard.keys("r");
    assert_eq!(dashboard.acts(), []);
    found(&mut dashboard, 67);

    assert!(matches!(&dashboard.model.prompt, Some(Prompt::Confirm(ask)) if ask.question == "67 people replied?"));
    dashboard.keys("y");
    let people = (1..=67).map(RecipientId).collect();
    assert_eq!(dashboard.acts(), [WriteRequest::MarkSeveral { people, mark: Mark::Replied }]);
}

#[test]
fn the_title_says_how_many_are_marked_and_the_star_unmarks_them() {
    let mut dashboard = starred();
    found(&mut dashboard, 67);
    assert!(dashboard.line(11).contains("══ 67 marked ══"), "{}", dashboard.line(11));
    assert_eq!(dashboard.said(), "67 people marked: the next act asks first, and is for all of them");

    dashboard.keys("*");

    assert!(dashboard.model.recipients.marked.is_empty());
}

#[test]
fn a_list_that_loses_people_while_all_of_it_is_read_marks_nobody_and_frees_the_keys() {
    let mut dashboard = starred();
    let before = dashboard.model.recipients.ticket;
    dashboard.keys("r");

    dashboard.answer(Completion::SomeGone { gone: vec![RecipientId(3)], rows: Vec::new() });
    let said = "the list is another one now, nobody was marked: the key typed meanwhile was not used";
    assert_eq!(dashboard.said(), said);
    dashboard.answer(Completion::AllFound { ticket: before, people: Ok(vec![RecipientId(1)]) });
    dashboard.list(crowd(4, 60));

    assert!(!dashboard.model.recipients.is_awaited() && dashboard.acts().is_empty());
    assert!(dashboard.model.recipients.marked.is_empty());
    dashboard.now += TimeDelta::seconds(2);
    dashboard.dispatch(Msg::Drawn).keys("r");
    assert_eq!(dashboard.acts().len(), 1, "the next key is not held any more");
}

#[test]
fn too_many_for_one_act_are_not_marked_and_the_keys_typed_meanwhile_are_dropped() {
    let mut dashboard = starred();
    dashboard.keys("r");

    found(&mut dashboard, ALL_FOUND_MAX + 1);

    let said =
        "more than 10,000 are listed, too many for one act: / narrows the list; the key typed meanwhile was not used";
    assert_eq!(dashboard.said(), said);
    assert_eq!(dashboard.acts(), []);
    assert!(dashboard.model.recipients.marked.is_empty() && dashboard.model.held.is_empty());
}

#[test]
fn escape_and_a_failure_both_mark_nobody() {
    let mut dashboard = starred();
    dashboard.keys("r").key(Key::Esc);
    found(&mut dashboard, 67);
    assert!(dashboard.model.recipients.marked.is_empty() && dashboard.model.prompt.is_none());

    let mut dashboard = starred();
    dashboard.keys("r");
    let ticket = dashboard.model.recipients.ticket;
    dashboard.answer(Completion::AllFound { ticket, people: Err(EffectError::Unavailable) });
    assert_eq!(dashboard.acts(), []);
    assert_eq!(dashboard.said(), "the list did not come: the key typed meanwhile was not used");
}

#[test]
fn an_answer_for_a_list_that_was_left_marks_nobody() {
    let mut dashboard = starred();
    let ticket = dashboard.model.recipients.ticket;
    dashboard.key(Key::Esc).keys("]");

    dashboard.answer(Completion::AllFound { ticket, people: Ok(vec![RecipientId(1)]) });

    assert!(dashboard.model.recipients.marked.is_empty());
}

#[test]
fn whoever_changed_in_the_list_and_is_in_it_still_is_marked_too() {
    let mut dashboard = starred();

    // The list was read before they changed: the answer is of those who have not.
    found(&mut dashboard, 2);

    let listed: Vec<RecipientId> = dashboard.model.recipients.matching().collect();
    assert!(listed.len() > 2);
    assert!(listed.iter().all(|id| dashboard.model.recipients.marked.contains_key(id)), "{listed:?}");
}

#[test]
fn the_star_says_who_is_newer_than_the_list_and_not_marked() {
    let mut dashboard = starred();
    dashboard.model.recipients.as_of = Some(dashboard.now);
    dashboard.model.recipients.changed_since = Some(Total::Exactly(9));

    found(&mut dashboard, 67);

    assert_eq!(
        dashboard.said(),
        "67 people marked: the next act asks first, and is for all of them, not for the 9 newer above the list"
    );
}

#[test]
fn whoever_is_found_after_the_star_is_whom_the_next_key_is_about() {
    let mut dashboard = starred();
    found(&mut dashboard, 67);

    dashboard.keys("/0099\n").list(vec![crowd(99, 1).remove(0)]);
    dashboard.taken();
    dashboard.keys("r");

    let acts = dashboard.acts();
    assert!(matches!(acts[..], [WriteRequest::Mark { person: RecipientId(99), .. }]), "{acts:?}");
}

/// The first of the crowd is marked alone, and acted on by these keys.
fn acted_on_alone(keys: &str) -> (TestDashboard, WriteRequest) {
    let mut dashboard = TestDashboard::with(WIDE, crowd(1, 4));
    dashboard.keys("3 k").keys(keys);
    let act = dashboard.acts().pop().unwrap();
    assert!(dashboard.model.recipients.marked.is_empty(), "{keys}: {act:?}");
    (dashboard, act)
}

#[test]
fn whoever_alone_was_marked_is_marked_again_where_the_act_was_not_written() {
    for keys in ["r", "by", "U", "c\n", "ered\n"] {
        let (mut dashboard, request) = acted_on_alone(keys);

        dashboard.answer(Completion::Written { request, outcome: Err(EffectError::Unavailable) });

        let marked = &dashboard.model.recipients.marked;
        assert_eq!(marked.keys().collect::<Vec<_>>(), [&RecipientId(1)], "{keys}");
        let who = marked.values().next().unwrap().as_ref().map(|marked| marked.who.as_str());
        assert_eq!(who, Some("Person 1"), "{keys}");
    }
}

#[test]
fn whoever_alone_was_marked_is_marked_until_the_question_about_their_mark_is_answered() {
    for (answer, is_marked) in [("n", true), ("y", false)] {
        let (mut dashboard, request) = acted_on_alone("U");
        let then = WriteRequest::UndoAnyMark(RecipientId(1), AskedMarks { acts: vec![ActionId(9)], sends: None });
        let question = "Ben's mark: take it back?".to_owned();
        dashboard.answer(Completion::Written { request, outcome: Ok(WriteOutcome::AsksFirst { question, then }) });
        dashboard.screen();

        dashboard.keys(answer);

        assert_eq!(dashboard.model.recipients.marked.contains_key(&RecipientId(1)), is_marked, "{answer}");
    }
}

#[test]
fn an_amount_that_is_kept_leaves_whoever_alone_was_marked_unmarked() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("3j kc130\n");

    assert!(matches!(dashboard.acts()[..], [WriteRequest::Amend { person: RecipientId(2), .. }]));
    assert!(dashboard.model.recipients.marked.is_empty());
}

#[test]
fn a_question_about_people_elsewhere_says_that_the_listed_one_is_not_among_them() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("3  /0099\n").list(vec![crowd(99, 1).remove(0)]);
    dashboard.taken();

    dashboard.keys("r");

    let Some(Prompt::Confirm(ask)) = &dashboard.model.prompt else { panic!("{:#?}", dashboard.screen()) };
    assert!(ask.question.contains("is not among them) replied?"), "{}", ask.question);
    dashboard.keys("/0100\n").list(vec![crowd(100, 1).remove(0)]);
    assert!(dashboard.acts().is_empty() && dashboard.said().contains("replied? answered no"), "{}", dashboard.said());
}

#[test]
fn a_space_that_unmarks_one_of_a_list_leaves_the_others_its() {
    let mut dashboard = starred();
    found(&mut dashboard, 60);

    dashboard.keys(" /0099\n").list(vec![crowd(99, 1).remove(0)]);

    assert!(dashboard.model.recipients.marked.is_empty(), "all of a list, but for one");
}

#[test]
fn whoever_is_marked_alone_and_acted_on_is_not_marked_for_the_next_act() {
    let act = |person, mark| WriteRequest::Mark { person: RecipientId(person), mark };
    for (keys, mark) in [("by", Mark::OptOut), ("r", Mark::Replied)] {
        let mut dashboard = TestDashboard::with(WIDE, crowd(1, 4));
        dashboard.keys("3 k").keys(keys);
        assert_eq!(dashboard.acts(), [act(1, mark)]);
        assert!(dashboard.model.recipients.marked.is_empty(), "{keys}");

        dashboard.keys("jr");

        assert_eq!(dashboard.acts(), [act(2, Mark::Replied)], "{keys}: the next key is about the next person");
    }
}

#[test]
fn a_question_about_people_elsewhere_says_that_nobody_is_listed() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("3  /zaid\n").list(Vec::new());
    dashboard.taken();

    dashboard.keys("r");

    let asked = matches!(&dashboard.model.prompt, Some(Prompt::Confirm(ask)) if ask.question.contains("(none of them is listed) replied?"));
    assert!(asked, "{:#?}", dashboard.screen());
}
