//! Acts on one of several people who were found by their name; and the line that adds a step again.

use chrono::TimeDelta;

use super::armed::{armed, read};
use super::follow_ups::{asked, preview, step};
use super::support::{RAYA, STACKED, TestDashboard, WIDE, crowd, marked, raya};
use crate::app::view::BlastView;
use crate::app::{AskedAct, Marked, MarkedSeveral, Unmarked};
use crate::domain::act::Actor;
use crate::domain::blast::BlastState;
use crate::domain::ids::{ActionId, BlastId, RecipientId};
use crate::domain::recipient::{Mark, Resolution, ShownAttempts};
use crate::domain::status::Status;
use crate::tui::effect::{Completion, WriteOutcome, WriteRequest};
use crate::tui::model::{NeedsLine, Notice};
use crate::tui::msg::Msg;

#[test]
fn u_on_a_line_of_what_needs_somebody_is_asked_about_as_one_on_the_blast_of_that_line() {
    let mut dashboard = TestDashboard::new(WIDE);
    let (id, starts) = (BlastId(77), Some(dashboard.now + TimeDelta::hours(2)));
    let (tag, state) = ("Tonight".to_owned(), BlastState::Scheduled);
    let tonight = BlastView { id, tag, state, scheduled_for: starts, send_after: starts, ..raya() };
    dashboard.answer(Completion::Blasts(Ok(vec![raya(), tonight])));
    dashboard.model.blasts.select(RAYA);
    dashboard.keys("!");
    let down = dashboard.model.needs_lines().iter().position(|line| *line == NeedsLine::Blast(id)).unwrap();
    dashboard.keys(&"j".repeat(down)).taken();

    dashboard.keys("u");

    let acts = dashboard.acts();
    assert!(matches!(acts[..], [WriteRequest::UndoMine { shown: Some(BlastId(77)), .. }]), "{acts:?}");
}

#[test]
fn an_act_on_one_of_several_of_a_name_asks_whom_it_is_for() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("/person\n").list(crowd(10, 4)).dispatch(Msg::Drawn);

    dashboard.keys("r");

    assert!(dashboard.acts().is_empty(), "the first of them was nobody's choice");
    assert!(
        dashboard.line(22).contains("several match person: Person 10, +60 10-012 0010 replied?"),
        "{}",
        dashboard.line(22)
    );
    dashboard.keys("n").keys("jr");
    assert_eq!(dashboard.acts().len(), 1, "whoever was chosen is meant");
    let mut group = TestDashboard::new(STACKED);
    group.keys("/status:read\n").list(crowd(10, 4)).dispatch(Msg::Drawn);
    assert_eq!(group.keys("r").acts().len(), 1, "a group was asked for, and nobody in it");
}

/// As after a form that is left while they launch.
#[test]
fn the_launch_of_somebody_else_comes_into_sight_once_a_younger_line_was_read() {
    let mut dashboard = TestDashboard::new(WIDE);
    let row = BlastView { state_by: Some(Actor::Operator("ben".to_owned())), ..armed(&dashboard) };
    read(&mut dashboard, row);
    dashboard.model.now += chrono::TimeDelta::seconds(1);
    dashboard.model.say(Notice::done("draft 9 is kept"));
    assert!(dashboard.line(27).contains("draft 9 is kept"), "{}", dashboard.line(27));

    dashboard.model.now += chrono::TimeDelta::seconds(2);

    let line = dashboard.line(27);
    assert!(line.contains("Raya last call starts at 14:02:10, by ben: ") && line.contains("u asks first"), "{line}");
    // Of one's own act the line stays, as long as it says what is taken back.
    dashboard.model.say(Notice::done("Siti is marked").hint("⟨u⟩ takes it back"));
    dashboard.model.now += chrono::TimeDelta::seconds(2);
    assert!(dashboard.line(27).contains("Siti is marked"), "{}", dashboard.line(27));
}

#[test]
fn the_log_has_the_line_that_adds_a_step_of_a_template_again() {
    let mut dashboard = asked();
    dashboard.answer(Completion::FollowUp(Ok(preview()))).keys("a");
    let request = dashboard.acts().pop().unwrap();
    let mut step = step(None);
    let template = serde_json::json!({ "name": "raya", "language": "ms", "variables": { "1": "{name}" } });
    step.step.template = Some(template);

    dashboard.answer(Completion::Written { request, outcome: Ok(WriteOutcome::StepAdded(Box::new(step))) });

    let line = "blastdeck blast step add 7 --after 1d --since read --until replied --template 'raya' --language 'ms' --var '1={name}'";
    assert_eq!(dashboard.model.log.back().unwrap().command_line, line);
}

#[test]
fn a_question_about_taking_back_is_answered_by_no_key_that_waits_for_a_list() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("3u");
    let request = dashboard.acts().pop().unwrap();
    dashboard.keys("/0003\nr");
    let question = "your last act: closed, Aina. Take it back?".to_owned();
    let asks =
        WriteOutcome::AsksFirst { question, then: WriteRequest::UndoMyAct(AskedAct::sending_nothing(ActionId(7))) };

    dashboard.answer(Completion::Written { request, outcome: Ok(asks) });
    dashboard.list(crowd(3, 1));

    let asks = "(the key typed meanwhile was not used) your last act: closed, Aina. Take it back?";
    assert_eq!(dashboard.model.question(), Some(asks));
}

#[test]
fn a_question_about_taking_back_that_is_left_says_nothing_more() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("3u");
    let request = dashboard.acts().pop().unwrap();
    let question = "your last act: closed, Aina. Take it back?".to_owned();
    let asks =
        WriteOutcome::AsksFirst { question, then: WriteRequest::UndoMyAct(AskedAct::sending_nothing(ActionId(7))) };
    dashboard.answer(Completion::Written { request, outcome: Ok(asks) });
    assert!(dashboard.line(22).contains("Take it back?"), "{}", dashboard.line(22));

    dashboard.keys("/6668\n");

    assert!(!dashboard.said().contains("answered no"), "{}", dashboard.said());
}

#[test]
fn u_takes_back_at_once_what_the_line_on_the_screen_names_wherever_the_cursor_is() {
    let mut dashboard = TestDashboard::new(WIDE);
    let marked = |id: i64| {
        let Completion::Written { outcome: Ok(WriteOutcome::Marked(marked)), .. } =
            marked(id, "Kavitha", Status::Delivered, Status::Replied)
        else {
            panic!("a mark")
        };
        Marked { action: ActionId(40 + id), ..*marked }
    };
    let people = vec![RecipientId(1), RecipientId(3)];
    let request = WriteRequest::MarkSeveral { people, mark: Mark::Replied };
    let several = MarkedSeveral { marked: vec![marked(3), marked(1)], unmarked: Unmarked::default() };
    dashboard.keys("3").answer(Completion::Written { request, outcome: Ok(WriteOutcome::MarkedSeveral(several)) });
    dashboard.keys("jjj").taken();

    dashboard.keys("u");
    assert_eq!(dashboard.acts(), [WriteRequest::UndoNamed(ActionId(43))], "the newest of its rows stands for all");

    // Once another line stands there nobody reads whom it would be about.
    dashboard.model.refuse("something else");
    dashboard.keys("u");
    assert!(matches!(dashboard.acts()[..], [WriteRequest::UndoMine { .. }]));
}

#[test]
fn of_several_who_are_sent_to_again_those_who_opted_out_are_not_said_to_be_queued() {
    let mut dashboard = TestDashboard::new(WIDE);
    let marked = |id: i64, after| {
        let Completion::Written { outcome: Ok(WriteOutcome::Marked(marked)), .. } =
            marked(id, "Kavitha", Status::Uncertain, after)
        else {
            panic!("a mark")
        };
        *marked
    };
    let people = vec![RecipientId(1), RecipientId(3)];
    let request =
        WriteRequest::ResolveSeveral { people, shown: ShownAttempts::default(), resolution: Resolution::Resend };
    let unmarked = Unmarked { already: 0, has_buyers: false, refused: vec!["Zoe is read now".to_owned()] };
    let several = MarkedSeveral { marked: vec![marked(1, Status::Queued), marked(3, Status::OptedOut)], unmarked };

    dashboard.answer(Completion::Written { request, outcome: Ok(WriteOutcome::MarkedSeveral(several)) });

    let said = "2 people: 1 queued, 1 opted out, by you. 1 not: Zoe is read now";
    assert!(dashboard.said().starts_with(said), "{}", dashboard.said());
}

/// Whoever takes several mistakes back presses `u` three times; the second one asks.
#[test]
fn u_once_more_is_no_answer_to_the_question_of_u() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("3u");
    let request = dashboard.acts()[0].clone();
    let then = WriteRequest::UndoMyAct(AskedAct::sending_nothing(ActionId(7)));
    let question = "your last act: replied, Zoe. Take it back?".to_owned();
    let outcome = Ok(WriteOutcome::AsksFirst { question, then: then.clone() });
    dashboard.answer(Completion::Written { request, outcome }).taken();

    dashboard.keys("uu");
    assert!(dashboard.acts().is_empty());
    assert!(dashboard.line(22).contains("your last act: replied, Zoe. Take it back?"), "{}", dashboard.line(22));
    dashboard.keys("y");

    assert_eq!(dashboard.acts(), [then]);
}

/// `u` after the launch of another blast has begun to send.
fn asks_to_pause() -> TestDashboard {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("3u");
    let request = dashboard.acts().pop().unwrap();
    dashboard.effects.clear();
    let question = "Raya has started, and that cannot be taken back: pause it?".to_owned();
    let asks = WriteOutcome::AsksFirst { question, then: WriteRequest::Pause(BlastId(5)) };
    dashboard.answer(Completion::Written { request, outcome: Ok(asks) });
    dashboard.dispatch(Msg::Drawn);
    dashboard
}

#[test]
fn what_cannot_be_taken_back_any_more_is_paused_by_a_yes_or_by_its_own_key_and_by_nothing_else() {
    for yes in ["y", "p", "uy"] {
        assert_eq!(asks_to_pause().keys(yes).acts(), [WriteRequest::Pause(BlastId(5))], "{yes}");
    }
    let mut dashboard = asks_to_pause();

    dashboard.keys("n");

    assert_eq!(dashboard.acts(), []);
    assert_eq!(dashboard.said(), "nothing done: it goes on; U on a person takes back their last mark");
}

#[test]
fn what_is_typed_for_a_note_that_is_for_one_does_not_act_on_the_others() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("3  e");

    dashboard.keys("rc12");

    assert!(dashboard.said().ends_with("a note is for one: esc unmarks them"), "{}", dashboard.said());
    assert_eq!(dashboard.acts(), []);
}
