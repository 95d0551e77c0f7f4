//! Keys that are typed before what they are meant for is on the screen.

use chrono::TimeDelta;

use super::support::{RAYA, STACKED, TestDashboard, WIDE, marked, people};
use crate::domain::status::Status;
use crate::tui::effect::{Completion, Effect, ReadRequest, WriteRequest};
use crate::tui::key::Key;
use crate::tui::model::{HELD_MAX, Prompt};
use crate::tui::msg::Msg;

#[test]
fn keys_typed_after_a_find_wait_for_its_answer_and_hit_whom_it_found() {
    let mut dashboard = TestDashboard::new(STACKED);

    dashboard.keys("/0003\nr");
    assert!(dashboard.acts().is_empty());
    assert!(dashboard.line(22).contains("a key waits"), "{}", dashboard.line(22));
    dashboard.list(vec![people()[2].clone()]);

    let acts = dashboard.acts();
    assert_eq!(acts.len(), 1);
    assert!(format!("{acts:?}").contains("RecipientId(3)"));
}

#[test]
fn a_paste_waits_behind_the_keys_that_wait_and_goes_into_the_field_that_they_open() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("/0003\nc").dispatch(Msg::Paste("120".to_owned()));
    assert!(dashboard.model.prompt.is_none(), "{:?}", dashboard.model.prompt);

    dashboard.list(vec![people()[2].clone()]);

    let Some(Prompt::Amount(amount)) = &dashboard.model.prompt else { panic!("{:?}", dashboard.model.prompt) };
    assert_eq!((amount.person.0, amount.field.text().as_str()), (3, "120"));
    let mut nobody = TestDashboard::new(STACKED);
    nobody.keys("/zaid\nc").dispatch(Msg::Paste("120".to_owned())).list(Vec::new());
    assert!(nobody.acts().is_empty() && !matches!(nobody.model.prompt, Some(Prompt::Find(_))));
}

#[test]
fn a_paste_is_refused_by_what_is_asked() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("3b").dispatch(Msg::Paste("y".to_owned()));
    assert_eq!(dashboard.said(), "a paste answers nothing: y is yes, any other key no");

    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("3  e").dispatch(Msg::Paste("will call".to_owned()));
    let why = "2 people are marked, and a note is for one: esc unmarks them; the paste was not used";
    assert_eq!(dashboard.said(), why);
    assert!(dashboard.acts().is_empty());
}

#[test]
fn a_pause_never_waits_for_a_list() {
    let mut dashboard = TestDashboard::new(STACKED);

    dashboard.keys("/0005\nrp");

    assert_eq!(dashboard.acts(), [crate::tui::effect::WriteRequest::Pause(RAYA)]);
}

#[test]
fn a_question_that_is_asked_late_is_not_answered_by_a_key_that_was_typed_before() {
    let mut dashboard = TestDashboard::new(STACKED);

    dashboard.keys("/0005\nby").list(vec![people()[4].clone()]);
    // In one go with the others it is no answer either.
    dashboard.keys("y");
    let before = dashboard.acts();
    dashboard.now += TimeDelta::seconds(2);
    dashboard.keys("y");

    assert_eq!(before, []);
    let acts = format!("{:?}", dashboard.acts());
    assert!(acts.contains("OptOut") && acts.contains("RecipientId(5)"), "{acts}");
}

#[test]
fn a_number_that_is_typed_ahead_goes_into_the_field_as_a_whole() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("/0001\nr/0002\nr");
    dashboard.list(vec![people()[0].clone()]);

    let asked = |effect| match effect {
        Effect::Read(ReadRequest::List { query, .. }) => Some(query.filter.to_string()),
        _ => None,
    };
    let taken = dashboard.taken();
    assert!(format!("{taken:?}").contains("Mark { person: RecipientId(1)"), "{taken:?}");
    let lists: Vec<String> = taken.into_iter().filter_map(asked).collect();
    assert_eq!(lists.last().map(String::as_str), Some("phone:*0002"));
    assert_eq!(lists.iter().filter(|list| *list == "phone:*00").count(), 1, "not for each digit again: {lists:?}");

    dashboard.list(vec![people()[1].clone()]);

    let acts = format!("{:?}", dashboard.acts());
    assert!(acts.contains("RecipientId(2)"), "{acts}");
}

#[test]
fn what_is_typed_in_one_go_with_keys_that_were_not_used_is_not_used_either() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("/6789\nr/12").list(Vec::new());

    dashboard.keys("78\nr");

    assert_eq!(dashboard.said(), "no number here ends in 6789: the 8 keys typed meanwhile were not used");
    assert!(dashboard.acts().is_empty() && dashboard.model.prompt.is_none());
    dashboard.list(vec![people()[0].clone()]);
    dashboard.now += TimeDelta::seconds(2);
    dashboard.keys("/0002\n").list(vec![people()[1].clone()]).keys("r");
    assert!(format!("{:?}", dashboard.acts()).contains("RecipientId(2)"));
}

#[test]
fn more_than_can_wait_ends_before_the_last_number_that_was_begun() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("/0001\n").keys(&"j".repeat(HELD_MAX - 3)).keys("/12").keys("34\nr");

    assert_eq!(dashboard.model.held.len(), HELD_MAX - 3);
    assert!(
        dashboard.said().ends_with("wait for the list: the 7 keys typed meanwhile were not used"),
        "{}",
        dashboard.said()
    );
}

#[test]
fn a_question_says_how_many_keys_were_typed_before_it_and_more_than_can_wait_are_refused_aloud() {
    let mut dashboard = TestDashboard::new(WIDE);
    dashboard.keys("/6789\nbyyy").list(vec![people().swap_remove(0)]);
    let Some(Prompt::Confirm(ask)) = &dashboard.model.prompt else { panic!("a question") };
    assert!(ask.question.starts_with("(the 3 keys typed meanwhile were not used) "), "{}", ask.question);

    let mut dashboard = TestDashboard::new(WIDE);
    dashboard.keys("/6789\n").keys(&"j".repeat(HELD_MAX + 1));
    assert_eq!(dashboard.said(), format!("{HELD_MAX} keys wait for the list: the key typed meanwhile was not used"));
}

#[test]
fn a_text_that_is_typed_onto_a_plan_sends_nothing_whatever_digits_are_in_it() {
    let mut dashboard = super::plans::planned(|plan| plan);

    for text in ["alam promo 289", "1 289", "28x9"] {
        dashboard.key(Key::Ctrl('u')).keys(text).keys("\n");
        assert!(dashboard.acts().is_empty(), "{text}: {:?}", dashboard.acts());
    }
    assert!(dashboard.screen().join("\n").contains("backspace, then the number"), "{:#?}", dashboard.screen());
    dashboard.key(Key::Backspace).keys("289\n");

    assert_eq!(dashboard.acts().len(), 1);
}

#[test]
fn an_enter_that_comes_before_the_plan_says_that_it_sent_nothing() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("1jjjjjS289\n");
    let plan = super::plans::plan_of(super::support::draft(), 289);
    dashboard.answer(Completion::Plan { blast: super::support::DRAFT, plan: Box::new(Ok(plan)) });

    assert!(dashboard.acts().is_empty());
    let screen = dashboard.screen().join("\n");
    assert!(screen.contains("enter came before the plan: nothing sent"), "{screen}");
    dashboard.keys("\n");
    assert_eq!(dashboard.acts().len(), 1, "what was typed stands");
}

#[test]
fn u_behind_an_act_that_is_under_way_is_about_that_one() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("3r").answer(marked(1, "Siti Aminah", Status::Read, Status::Replied)).taken();
    dashboard.keys("jr").taken();

    dashboard.keys("u");

    let acts = dashboard.acts();
    assert!(
        matches!(acts[..], [WriteRequest::UndoMine { .. }]),
        "not the first one, which the line still names: {acts:?}"
    );
}
