//! Marks, questions, launches: nothing dangerous without its answer, nothing to anybody else.

use chrono::TimeDelta;
use rust_decimal::Decimal;

use super::plans::plan_of;
use super::support::{DRAFT, RAYA, STACKED, TestDashboard, WIDE, blasts, crowd, details_of, draft, marked, people};
use crate::app::view::{Anchor, BlastView, RecipientRow};
use crate::app::{AskedMarks, Launch, UndoOutcome};
use crate::domain::blast::BlastState;
use crate::domain::ids::{ActionId, RecipientId};
use crate::domain::recipient::{Mark, Resolution};
use crate::domain::status::Status;
use crate::domain::waiting::Waiting;
use crate::tui::DashboardKind;
use crate::tui::effect::{Completion, Effect, EffectError, ReadRequest, WriteOutcome, WriteRequest};
use crate::tui::key::Key;
use crate::tui::model::{ListScope, Prompt};
use crate::tui::msg::Msg;

fn mark(person: i64, mark: Mark) -> WriteRequest {
    WriteRequest::Mark { person: RecipientId(person), mark }
}

/// About the first attempt.
fn answer(person: i64, resolution: Resolution) -> WriteRequest {
    WriteRequest::Resolve { person: RecipientId(person), attempt: 1, resolution }
}

#[test]
fn after_replied_the_cursor_stays_so_that_closed_hits_the_same_person() {
    let mut dashboard = TestDashboard::new(STACKED);

    dashboard.keys("3jjr").answer(marked(3, "Kavitha", Status::Read, Status::Replied)).keys("c");

    assert_eq!(dashboard.acts(), [mark(3, Mark::Replied), mark(3, Mark::Closed(None))]);
}

#[test]
fn a_mark_is_described_with_its_undo_and_logged_as_a_command() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("3r").answer(marked(1, "Siti Aminah", Status::Read, Status::Replied));

    assert_eq!(dashboard.line(22), format!("{:<71}u undoes", " Siti Aminah: read -> replied, by you"));
    dashboard.keys(":log\n");
    assert!(dashboard.screen().iter().any(|line| line.contains("blastdeck mark 7 +60100120001 replied")));
}

#[test]
fn somebody_marked_out_of_the_list_stays_in_it_and_that_is_said() {
    let mut dashboard = TestDashboard::new(WIDE);
    dashboard.keys("jj\n").list(super::support::crowd(10, 3)).dispatch(Msg::Drawn);

    dashboard.keys("r").answer(marked(10, "Person 10", Status::Read, Status::Replied));

    assert_eq!(dashboard.said(), "Person 10: read -> replied, by you; they stay in this list until you leave it");
    assert_eq!(dashboard.model.recipients.scope, ListScope::Stuck(Status::Read));
    assert!(dashboard.taken().contains(&Effect::Read(ReadRequest::Rows(vec![RecipientId(10)]))));
}

/// The database answers whatever page is asked for, without those who do not match any more.
fn serve(dashboard: &mut TestDashboard, all: &[RecipientRow]) {
    for effect in dashboard.taken() {
        let Effect::Read(ReadRequest::List { ticket, part, query }) = effect else { continue };
        let limit = query.limit as usize;
        let rows = match query.anchor {
            Anchor::After(place) => {
                all.iter().filter(|row| row.changed_at < place.changed_at).take(limit).cloned().collect()
            }
            Anchor::Before(place) => {
                let before: Vec<RecipientRow> =
                    all.iter().filter(|row| row.changed_at > place.changed_at).cloned().collect();
                before[before.len().saturating_sub(limit)..].to_vec()
            }
            _ => continue,
        };
        let asked = crate::tui::model::PageRequest { anchor: query.anchor, limit: query.limit };
        dashboard.answer(Completion::List { ticket, part, asked, rows: Ok(rows), newest: None });
    }
}

#[test]
fn somebody_marked_is_in_their_place_again_after_scrolling_far_and_back() {
    let mut dashboard = TestDashboard::with(STACKED, crowd(1, 60));
    dashboard.keys("3r").answer(marked(1, "Person 1", Status::Read, Status::Replied));
    let others = crowd(2, 300);

    for (key, times) in [(Key::PageDown, 12), (Key::PageUp, 14)] {
        for _ in 0..times {
            dashboard.key(key);
            serve(&mut dashboard, &others);
        }
    }

    assert_eq!(dashboard.cursor(), Some(1));
    assert!(dashboard.line(12).contains("Person 1 "), "{}", dashboard.line(12));
}

#[test]
fn closed_closes_at_once_and_the_amount_may_follow() {
    let mut dashboard = TestDashboard::new(STACKED);

    dashboard.keys("3c120.50");
    assert_eq!(dashboard.acts(), [mark(1, Mark::Closed(None))]);
    assert!(dashboard.line(22).starts_with(" Siti Aminah closed. RM 120.50_"), "{}", dashboard.line(22));
    dashboard.keys("\n");
    assert_eq!(dashboard.acts(), [mark(1, Mark::Closed(Some(Decimal::new(12_050, 2))))]);
}

#[test]
fn a_key_that_moves_keeps_the_close_and_acts() {
    let mut dashboard = TestDashboard::new(STACKED);

    dashboard.keys("3c").key(Key::Down).keys("r");

    assert_eq!(dashboard.acts(), [mark(1, Mark::Closed(None)), mark(2, Mark::Replied)]);
}

#[test]
fn u_after_the_field_takes_the_close_back() {
    let mut dashboard = TestDashboard::new(STACKED);

    dashboard.keys("3cu");

    assert_eq!(
        dashboard.acts(),
        [
            mark(1, Mark::Closed(None)),
            WriteRequest::UndoMine { shown: Some(RAYA), person: Some(RecipientId(1)), asks: false }
        ]
    );
}

#[test]
fn a_close_that_was_refused_closes_its_amount_too() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("3c");

    let why = EffectError::Other("nothing was sent to them yet".to_owned());
    dashboard.answer(Completion::Written { request: mark(1, Mark::Closed(None)), outcome: Err(why) });

    assert_eq!(dashboard.line(22), " nothing was sent to them yet    enter continues");
    dashboard.keys("120\n");
    assert!(dashboard.model.prompt.is_none());
    assert_eq!(dashboard.acts(), [mark(1, Mark::Closed(None))]);
}

#[test]
fn an_opt_out_asks_and_only_y_is_yes() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("3b");
    assert_eq!(dashboard.line(22), " never message Siti Aminah again? y is yes, any other key is no");

    dashboard.keys("Y");
    assert!(dashboard.acts().is_empty());
    dashboard.keys("by");

    assert_eq!(dashboard.acts(), [mark(1, Mark::OptOut)]);
}

#[test]
fn a_note_begins_with_the_one_there_is() {
    let mut dashboard = TestDashboard::new(STACKED);

    dashboard.keys("3je!\n");

    assert_eq!(dashboard.acts(), [mark(2, Mark::Note("2 boxes, Fri!".to_owned()))]);
}

#[test]
fn a_few_marked_people_are_asked_about_by_name() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("3  r");
    assert!(dashboard.line(22).starts_with(" Siti Aminah and Tan Mei Ling replied?"), "{}", dashboard.line(22));
    assert!(dashboard.acts().is_empty());

    dashboard.keys("y");

    let people = vec![RecipientId(1), RecipientId(2)];
    assert_eq!(dashboard.acts(), [WriteRequest::MarkSeveral { people, mark: Mark::Replied }]);
    assert!(dashboard.model.recipients.marked.is_empty());
}

#[test]
fn undo_is_told_in_the_words_of_whoever_did_it() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("3U");
    assert_eq!(dashboard.acts(), [WriteRequest::UndoPerson(RecipientId(1))]);

    let taken = UndoOutcome {
        recipients: vec![RecipientId(1)],
        sentence: "Siti Aminah: replied -> read, taken back".to_owned(),
        command_lines: vec!["blastdeck mark 7 +60100120001 undo".to_owned()],
        still_suppressed: Vec::new(),
    };
    dashboard.answer(Completion::Written {
        request: WriteRequest::UndoMine { shown: Some(RAYA), person: Some(RecipientId(1)), asks: false },
        outcome: Ok(WriteOutcome::Undone(taken)),
    });

    assert_eq!(dashboard.said(), "Siti Aminah: replied -> read, taken back");
}

#[test]
fn pausing_is_one_key_and_never_resumes() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("p");
    assert_eq!(dashboard.acts(), [WriteRequest::Pause(RAYA)]);

    let paused = BlastView {
        state: BlastState::Paused,
        state_by: Some(crate::domain::act::Actor::Operator("ben".to_owned())),
        ..blasts().swap_remove(0)
    };
    dashboard
        .answer(Completion::Written {
            request: WriteRequest::Pause(RAYA),
            outcome: Ok(WriteOutcome::Blast(Box::new(paused))),
        })
        .keys("p");

    assert!(dashboard.acts().is_empty());
    assert_eq!(dashboard.said(), "Raya promo is paused already: S resumes it");
}

fn at_plan(people: i64) -> TestDashboard {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("1");
    dashboard.key(Key::End).keys("S");
    assert!(dashboard.taken().iter().any(|effect| matches!(effect, Effect::Read(ReadRequest::Plan(DRAFT, _)))));
    let plan = plan_of(draft(), people);
    dashboard.answer(Completion::Plan { blast: DRAFT, plan: Box::new(Ok(plan)) });
    dashboard
}

#[test]
fn nothing_is_sent_until_the_number_of_people_is_typed() {
    let mut dashboard = at_plan(289);

    dashboard.keys("28\n");
    assert!(dashboard.screen().contains(&" 28 is not 289: nothing sent".to_owned()));
    dashboard.keys("\ny\n");
    assert!(dashboard.acts().is_empty());
    dashboard.keys("289\n");

    let launch = Launch { blast: DRAFT, version: 3, people: 289, armed_for: TimeDelta::seconds(10) };
    assert_eq!(dashboard.acts(), [WriteRequest::Launch(launch)]);
}

#[test]
fn a_second_enter_does_not_launch_again() {
    let mut dashboard = at_plan(289);

    dashboard.keys("289\n\n");

    assert_eq!(dashboard.acts().len(), 1);
}

#[test]
fn a_plan_with_an_obstacle_asks_for_no_number() {
    let mut dashboard = at_plan(289);
    let plan = crate::app::Plan { obstacles: vec!["the sender is stopped".to_owned()], ..plan_of(draft(), 289) };
    dashboard.answer(Completion::Plan { blast: DRAFT, plan: Box::new(Ok(plan)) });

    dashboard.keys("289\n");

    assert!(dashboard.acts().is_empty());
    assert!(dashboard.screen().iter().any(|line| line.contains("the sender is stopped")));
}

#[test]
fn a_paused_blast_is_resumed_by_the_same_question() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("1jjS").taken();
    let paused = blasts().swap_remove(2);
    let id = paused.id;
    dashboard.answer(Completion::Plan { blast: id, plan: Box::new(Ok(plan_of(paused, 20))) });

    dashboard.keys("20\n");

    assert!(
        matches!(dashboard.acts().as_slice(), [WriteRequest::Resume(launch)] if launch.people == 20 && launch.blast == id)
    );
}

#[test]
fn a_blast_whose_sender_stopped_goes_on_after_the_number_of_people() {
    let mut dashboard = TestDashboard::new(STACKED);
    let why = "the token is refused".to_owned();
    let waiting = Waiting::SenderStopped {
        why,
        sender: "sales".to_owned(),
        code: crate::domain::sender::StopCode::Provider("unauthorised".to_owned()),
        waits_for_token: false,
    };
    let stands = BlastView { waiting: Some(waiting), ..blasts().swap_remove(0) };
    dashboard.answer(Completion::Blasts(Ok(vec![stands]))).keys("1S");
    assert!(
        dashboard.line(22).starts_with(" sales stopped: the token is refused. Fixed? 140 queued; type 140:"),
        "{}",
        dashboard.line(22)
    );

    dashboard.keys("n");
    assert!(dashboard.acts().is_empty());
    dashboard.keys("Sy");
    assert!(dashboard.acts().is_empty(), "everybody queued would get it at once");
    dashboard.keys("S140\n");

    assert!(matches!(dashboard.acts().as_slice(), [WriteRequest::Resume(launch)] if launch.blast == RAYA));
}

#[test]
fn pasting_the_number_is_not_typing_it() {
    let mut dashboard = at_plan(289);

    dashboard.dispatch(Msg::Paste("289\n".to_owned())).key(Key::Enter);

    assert!(dashboard.acts().is_empty());
}

fn at_uncertain() -> TestDashboard {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("3").key(Key::Down).keys("jjj\n");
    dashboard.answer(Completion::Person(Box::new(Ok(details_of(people().swap_remove(4)))))).taken();
    dashboard
}

#[test]
fn an_uncertain_person_is_left_open_by_a_stray_enter() {
    let mut dashboard = at_uncertain();

    dashboard.keys("\n");

    assert!(dashboard.acts().is_empty());
    assert!(dashboard.said().contains("left open"));
}

#[test]
fn each_answer_about_an_uncertain_person_is_its_own_act() {
    let mut dashboard = at_uncertain();
    dashboard.keys("j\n");
    assert_eq!(dashboard.acts(), [answer(5, Resolution::Sent)]);
    dashboard.keys("jj\n");
    assert_eq!(dashboard.acts(), [answer(5, Resolution::Drop)]);
}

#[test]
fn sending_again_asks_once_more() {
    let mut dashboard = at_uncertain();

    dashboard.keys("jj\n");
    assert!(dashboard.acts().is_empty());
    assert!(matches!(dashboard.model.prompt, Some(Prompt::Confirm(_))));
    dashboard.keys("y");

    assert_eq!(dashboard.acts(), [answer(5, Resolution::Resend)]);
}

#[test]
fn sending_again_says_from_when_while_an_answer_may_still_come() {
    let mut dashboard = at_uncertain();
    dashboard.model.resend_after = chrono::TimeDelta::minutes(10);

    dashboard.keys("jj\n");

    assert!(dashboard.model.prompt.is_none() && dashboard.acts().is_empty());
    assert_eq!(dashboard.said(), "an answer may still come: send again from 14:04:00");
}

#[test]
fn read_only_changes_nothing() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.model.options.kind = DashboardKind::ReadOnly;

    dashboard.keys("up3rcbU 1XS");

    assert!(dashboard.acts().is_empty());
}

#[test]
fn what_somebody_else_did_is_taken_back_only_after_a_yes() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("3U");
    let asked = || AskedMarks { acts: vec![ActionId(9)], sends: None };
    let asks = || WriteOutcome::AsksFirst {
        question: "ben marked Siti Aminah replied: take that back?".to_owned(),
        then: WriteRequest::UndoAnyMark(RecipientId(1), asked()),
    };
    let request = WriteRequest::UndoPerson(RecipientId(1));
    dashboard.answer(Completion::Written { request: request.clone(), outcome: Ok(asks()) });

    assert!(dashboard.line(22).contains("ben marked Siti Aminah replied: take that back?"), "{}", dashboard.line(22));
    dashboard.keys("n");
    assert_eq!(dashboard.acts(), std::slice::from_ref(&request), "all else is no");

    dashboard.keys("U").answer(Completion::Written { request: request.clone(), outcome: Ok(asks()) });
    dashboard.keys("y");
    assert_eq!(dashboard.acts(), [request, WriteRequest::UndoAnyMark(RecipientId(1), asked())]);
}
