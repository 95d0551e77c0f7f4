//! Following up: who is counted, how the draft is made, how it is listed, and who came back.

use super::support::{STACKED, TestDashboard, WIDE, blast, draft, noon};
use crate::app::view::BlastView;
use crate::app::{FollowUp, FollowUpPreview, StepAlike, StepRow, StepView};
use crate::domain::blast::BlastState;
use crate::domain::follow_up::{AgeCount, LeftOut, PROPOSED_AGE, ages};
use crate::domain::funnel::Counts;
use crate::domain::ids::BlastId;
use crate::domain::status::Status;
use crate::domain::step::StepSince;
use crate::tui::Size;
use crate::tui::effect::{Completion, Effect, EffectError, ReadRequest, WriteOutcome, WriteRequest};
use crate::tui::key::Key;
use crate::tui::model::{Overlay, Pane};
use crate::tui::tests::support::{RAYA, at};
use chrono::TimeDelta;

pub fn preview() -> FollowUpPreview {
    let mut counts = vec![AgeCount::default(); ages().len()];
    for (past, reason, people) in [
        (1, None, 24),
        (6, Some(LeftOut::OptedOut), 2),
        (7, None, 35),
        (7, Some(LeftOut::OptedOut), 3),
        (7, Some(LeftOut::Bought), 1),
        (7, Some(LeftOut::Followed), 2),
    ] {
        counts.iter_mut().take(past).for_each(|age| age.add(reason, people));
    }
    let last_mark = Some((at(13, 2), "ben".to_owned()));
    FollowUpPreview {
        blast: RAYA,
        stuck_at: Status::Read,
        ages: counts,
        last_mark,
        stage_name: "Follow-up 1".to_owned(),
    }
}

pub fn follow_up(id: i64, of: BlastId, stage: &str) -> BlastView {
    BlastView {
        follows: Some(of),
        follow_up_stage: stage.to_owned(),
        counts: Counts { replied: 9, closed: 3, ..Counts::default() },
        ..blast(id, "Raya promo", BlastState::Completed, (11, 20))
    }
}

/// With the funnel's cursor on *read*, and `f` pressed there.
pub fn asked() -> TestDashboard {
    let mut dashboard = TestDashboard::new(WIDE);
    dashboard.keys("2jjf");
    dashboard
}

#[test]
fn whoever_marked_people_learns_that_a_follow_up_is_not_for_them_alone() {
    let mut dashboard = TestDashboard::new(WIDE);
    dashboard.keys("3  2jjf").answer(Completion::FollowUp(Ok(preview())));

    let screen = dashboard.screen().join("\n");

    assert!(screen.contains("2 people are marked, which does not count here: it is for all of these"), "{screen}");
}

#[test]
fn a_follow_up_of_those_who_replied_asks_about_sales() {
    for (keys, stuck_at, question, unknown) in [
        ("2jjf", Status::Read, "Marked everybody who replied?", "Replies on the phone that nobody marked"),
        ("2jjjf", Status::Replied, "Marked everybody who bought?", "Sales that nobody marked"),
    ] {
        let mut dashboard = TestDashboard::new(WIDE);
        dashboard.keys(keys).answer(Completion::FollowUp(Ok(FollowUpPreview { stuck_at, ..preview() })));

        let screen = dashboard.screen().join("\n");
        assert!(screen.contains(question) && screen.contains(unknown), "{screen}");
    }
}

#[test]
fn replies_that_webhooks_brought_are_said_where_nobody_was_marked_by_hand() {
    let page = |replied| {
        let mut dashboard = TestDashboard::new(Size { width: 200, height: 50 });
        let mut raya = dashboard.model.blasts.get(RAYA).unwrap().clone();
        raya.counts.replied = replied;
        dashboard.answer(Completion::Blasts(Ok(vec![raya]))).keys("2jjf");
        let unmarked = FollowUpPreview { last_mark: None, ..preview() };
        let screen = dashboard.answer(Completion::FollowUp(Ok(unmarked))).screen();
        screen.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ")
    };

    let (silent, brought) = (page(0), page(5));

    let unknown = "Nobody here has been marked yet. Replies on the phone that nobody marked are not known";
    assert!(silent.contains(unknown), "{silent}");
    let known = "Nobody here has been marked by hand: 5 people's replies came by webhook. Replies that no webhook brought and that \
                 nobody marked are not known";
    assert!(brought.contains(known), "{brought}");
}

#[test]
fn f_on_one_person_is_about_those_stuck_where_they_are() {
    let mut dashboard = TestDashboard::new(STACKED);
    let read = crate::app::view::RecipientRow { status: Status::Read, ..super::support::people().swap_remove(0) };
    dashboard.keys("3\n").answer(Completion::Person(Box::new(Ok(super::support::details_of(read)))));
    dashboard.effects.clear();

    dashboard.keys("f");
    assert_eq!(dashboard.taken(), [Effect::Read(ReadRequest::FollowUp { blast: RAYA, stuck_at: Status::Read })]);

    let mut failed = TestDashboard::new(STACKED);
    let row = crate::app::view::RecipientRow { status: Status::Failed, ..super::support::people().swap_remove(0) };
    failed.keys("3\n").answer(Completion::Person(Box::new(Ok(super::support::details_of(row)))));
    failed.keys("f");
    assert_eq!(failed.said(), "a follow-up is for those stuck at a stage: this one is failed");
}

#[test]
fn f_shows_both_counts_who_is_left_out_and_the_last_mark() {
    let mut dashboard = asked();
    assert_eq!(dashboard.taken(), [Effect::Read(ReadRequest::FollowUp { blast: RAYA, stuck_at: Status::Read })]);

    dashboard.answer(Completion::FollowUp(Ok(preview())));

    let screen = dashboard.screen().join("\n");
    for words in [
        "Follow up ══ Raya promo, Initial ══ stuck at read",
        "everybody           67 stuck         59 get it",
        "> over 24 h           41 stuck         35 get it",
        "26 there for less than 24 h",
        "3 opted out",
        "1 bought since",
        "2 in a follow-up of this blast already",
        "Follow-up 1 is a draft to 35 people, from sales",
        "The last mark here was 13:02 by ben.",
    ] {
        assert!(screen.contains(words), "{words} is not in\n{screen}");
    }
}

#[test]
fn whoever_wrote_and_is_not_marked_is_told_before_the_draft_is_made() {
    let mut dashboard = asked();
    let mut preview = preview();
    (preview.ages[0].unmarked, preview.ages[PROPOSED_AGE].unmarked) = (5, 3);
    dashboard.answer(Completion::FollowUp(Ok(preview)));

    let screen = dashboard.screen().join("\n");
    assert!(screen.contains("3 of them wrote and are not marked as replied: it goes to them too."), "{screen}");
}

#[test]
fn f_among_everyone_is_about_the_stage_that_the_funnel_shows() {
    let mut dashboard = TestDashboard::new(WIDE);
    dashboard.keys("2jj3f");

    assert!(dashboard.taken().contains(&Effect::Read(ReadRequest::FollowUp { blast: RAYA, stuck_at: Status::Read })));
}

#[test]
fn the_draft_is_made_once_for_exactly_those_of_the_chosen_age() {
    let mut dashboard = asked();
    dashboard.answer(Completion::FollowUp(Ok(preview()))).keys("[");
    dashboard.taken();

    dashboard.keys("\n\n");

    let from = FollowUp { blast: RAYA, stuck_at: Status::Read, older_than: TimeDelta::hours(12) };
    assert_eq!(dashboard.acts(), [WriteRequest::FollowUp(from)]);
    assert_eq!(dashboard.said(), "it is being made");
}

#[test]
fn the_draft_stands_under_its_blast_with_the_cursor_on_it() {
    let mut dashboard = asked();
    dashboard.answer(Completion::FollowUp(Ok(preview()))).key(Key::Enter);
    let request = dashboard.acts().swap_remove(0);
    let made = BlastView { follows: Some(RAYA), follow_up_stage: "Follow-up 1".to_owned(), ..draft() };

    let outcome = Ok(WriteOutcome::Drafted { blast: Box::new(BlastView { id: BlastId(9), ..made }), people: 35 });
    dashboard.answer(Completion::Written { request, outcome });

    assert!(dashboard.model.overlays.is_empty() && dashboard.model.focus == Pane::Blasts);
    assert!(dashboard.line(4).starts_with(">  Follow-up 1"), "{}", dashboard.screen().join("\n"));
    assert_eq!(dashboard.said(), "Raya last call, Follow-up 1: a draft to 35 people; nothing is sent");
    let line = &dashboard.model.log.back().unwrap().command_line;
    assert_eq!(line, "blastdeck blast follow-up 7 --stuck-at read --older-than 1d");
}

#[test]
fn a_refused_draft_says_why_and_may_be_tried_again() {
    let mut dashboard = asked();
    dashboard.answer(Completion::FollowUp(Ok(preview()))).key(Key::Enter);
    let request = dashboard.acts().swap_remove(0);

    dashboard.answer(Completion::Written { request, outcome: Err(EffectError::Other("nobody is left".to_owned())) });

    assert_eq!(dashboard.said(), "nobody is left");
    dashboard.taken();
    dashboard.key(Key::Enter);
    assert_eq!(dashboard.acts().len(), 1);
}

#[test]
fn nobody_is_stuck_at_closed_and_who_failed_is_at_no_stage() {
    let mut dashboard = TestDashboard::new(WIDE);

    dashboard.keys("2Gf");
    assert_eq!(dashboard.said(), "whoever closed is not stuck: they bought");
    dashboard.keys("3[").list(Vec::new()).keys("f");
    assert_eq!(dashboard.said(), "a follow-up is for those stuck at a stage: [ ] goes to one");
    assert!(dashboard.model.overlays.is_empty());
}

#[test]
fn enter_makes_nothing_where_nobody_would_get_it() {
    let mut dashboard = asked();
    dashboard.answer(Completion::FollowUp(Ok(preview()))).keys("]]]");
    assert!(!dashboard.screen().join("\n").contains("make the draft"), "only what will be done is offered");
    dashboard.keys("\n");

    assert_eq!(dashboard.acts(), []);
    assert_eq!(dashboard.said(), "nobody would get it: [ chooses a shorter time");
}

#[test]
fn the_page_can_be_read_at_every_size() {
    for (width, height) in [(200, 50), (120, 29), (80, 24), (60, 20), (40, 10), (30, 8), (1, 1)] {
        let mut dashboard = asked();
        dashboard.answer(Completion::FollowUp(Ok(preview())));

        dashboard.dispatch(crate::tui::msg::Msg::Resized(Size { width, height }));

        let screen = dashboard.screen();
        if width >= 40 {
            assert!(screen.join("\n").contains("35 get it"), "{width}x{height}: {screen:#?}");
        }
    }
}

#[test]
fn whoever_left_the_page_while_the_draft_was_made_stays_where_they_are() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("2jjf").answer(Completion::FollowUp(Ok(preview()))).key(Key::Enter).key(Key::Esc).keys("3");
    let request = dashboard.acts().swap_remove(0);

    let outcome = Ok(WriteOutcome::Drafted { blast: Box::new(follow_up(9, RAYA, "Follow-up 1")), people: 35 });
    dashboard.answer(Completion::Written { request, outcome });

    assert_eq!((dashboard.model.focus, dashboard.model.blast().unwrap().id), (Pane::Recipients, RAYA));
    assert!(!dashboard.model.overlays.iter().any(|overlay| matches!(overlay, Overlay::FollowUp(_))));
}

pub fn step(waits: Option<BlastId>) -> StepView {
    let step = StepRow {
        blast: RAYA,
        number: 1,
        after_seconds: 86_400,
        since: StepSince::Stage(Status::Read),
        until: Some(Status::Replied),
        stage: "Follow-up 1".to_owned(),
        message: "Salam {name}".to_owned(),
        template: None,
        first_people: None,
        at_most: None,
        paused_at: None,
        last_made_at: None,
        next_look_at: None,
        due_from: noon(),
        lost_number: false,
    };
    let (when, comes_at) = ("1d after read, not replied".to_owned(), Some(at(15, 30)));
    StepView {
        step,
        when,
        waits,
        comes_at,
        is_blast_paused: false,
        is_over: false,
        lost_number: false,
        refused_text: None,
        blasts: Vec::new(),
    }
}

#[test]
fn a_makes_a_step_of_what_the_page_shows_once() {
    let mut dashboard = asked();
    dashboard.answer(Completion::FollowUp(Ok(preview()))).taken();
    assert!(dashboard.screen().join("\n").contains("a makes it a step of the blast instead"));

    dashboard.keys("aa");

    let older_than = match &dashboard.model.overlays[..] {
        [Overlay::FollowUp(page)] => page.older_than(),
        other => panic!("{other:?}"),
    };
    let from = StepAlike { blast: RAYA, since: StepSince::Stage(Status::Read), after: older_than };
    assert_eq!(dashboard.acts(), [WriteRequest::AddStep(from)]);
    let outcome = Ok(WriteOutcome::StepAdded(Box::new(step(None))));
    dashboard.answer(Completion::Written { request: WriteRequest::AddStep(from), outcome });
    assert!(dashboard.model.overlays.is_empty());
    let said = "Raya promo: step 1, 1d after read, not replied; each draft of it waits for your yes: ! lists it";
    assert_eq!(dashboard.said(), said);
    let line = "blastdeck blast step add 7 --after 1d --since read --until replied --message 'Salam {name}'";
    assert_eq!(dashboard.model.log.back().unwrap().command_line, line);
}

#[test]
fn a_step_for_everybody_at_once_is_refused_and_one_that_failed_may_be_tried_again() {
    let mut dashboard = asked();
    dashboard.answer(Completion::FollowUp(Ok(preview()))).keys("gggg[[[[[[[[a");
    assert_eq!(dashboard.said(), "a step needs a time: ] chooses one");
    dashboard.keys("]a");
    let Some(request) = dashboard.acts().pop() else { panic!("no step") };

    let why = EffectError::Other("a blast has at most 20 steps: remove one first".to_owned());
    dashboard.answer(Completion::Written { request, outcome: Err(why) }).keys("a");

    assert_eq!(dashboard.acts().len(), 1);
}

#[test]
fn the_page_begins_at_an_age_at_which_somebody_gets_it_and_says_what_they_have_already() {
    let mut dashboard = asked();
    let mut young = preview();
    young.ages.iter_mut().skip(2).for_each(|age| *age = AgeCount::default());

    dashboard.answer(Completion::FollowUp(Ok(young)));

    assert!(matches!(dashboard.model.overlays.last(), Some(Overlay::FollowUp(page)) if page.age == 1));
    let screen = dashboard.screen().join("\n");
    assert!(screen.contains("they have read these very words"), "{screen}");
    assert!(screen.contains("Marked everybody who replied?"), "{screen}");
}

#[test]
fn an_age_that_nobody_has_reached_makes_no_draft_and_says_what_does() {
    let mut dashboard = asked();
    let mut fresh = preview();
    fresh.ages.iter_mut().skip(1).for_each(|age| *age = AgeCount::default());

    dashboard.answer(Completion::FollowUp(Ok(fresh)));
    assert!(dashboard.screen().join("\n").contains("> everybody"), "{:#?}", dashboard.screen());
    dashboard.keys("]\n");

    assert_eq!(dashboard.acts(), []);
    assert_eq!(dashboard.said(), "nobody would get it: [ chooses a shorter time");
    let screen = dashboard.screen().join("\n");
    assert!(screen.contains("there for less than 15 min"), "{screen}");
    assert!(screen.contains("[ chooses a shorter time: with \"everybody\" "), "{screen}");
    assert!(!screen.contains("a draft to 0 people"), "{screen}");
}

#[test]
fn a_step_is_offered_only_for_an_age_that_it_can_wait_for() {
    let mut dashboard = asked();
    dashboard.answer(Completion::FollowUp(Ok(preview())));
    assert!(dashboard.screen().join("\n").contains("a by itself"), "{:#?}", dashboard.screen());

    dashboard.keys("[[[[[[[[");
    let screen = dashboard.screen().join("\n");
    assert!(screen.contains("> everybody"), "{screen}");
    assert!(!screen.contains("by itself"), "{screen}");
    dashboard.keys("a");
    assert_eq!((dashboard.acts(), dashboard.said()), (vec![], "a step needs a time: ] chooses one"));
}

#[test]
fn keys_before_the_count_choose_nothing() {
    let mut dashboard = TestDashboard::new(WIDE);
    dashboard.keys("2jjf]");

    dashboard.keys("a");

    assert!(dashboard.acts().is_empty());
    assert_eq!(dashboard.said(), "still counting them");
    dashboard.answer(Completion::FollowUp(Ok(preview())));
    let Some(Overlay::FollowUp(page)) = dashboard.model.overlays.last() else { panic!("no page") };
    assert_eq!(page.age, PROPOSED_AGE);
}
