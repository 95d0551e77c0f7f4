//! The pane beside the table, which shows the person whom keys are about; and rows that stay on the screen.

use chrono::TimeDelta;

use super::activity::{answer, cloud, head, page, row, wrote};
use super::support::{RAYA, TestDashboard, WIDE, at, details_of, people};
use crate::app::view::{ActivityPage, HistoryRow, RecipientDetails, RecipientRow};
use crate::app::{QueuedAnswer, SessionAnswer};
use crate::domain::ids::{BlastId, RecipientId};
use crate::domain::recipient::Mark;
use crate::domain::session::{SESSION, SessionWindow};
use crate::domain::status::Status;
use crate::tui::Size;
use crate::tui::effect::{AnswerText, Completion, Effect, EffectError, ReadRequest, WriteOutcome, WriteRequest};
use crate::tui::key::Key;
use crate::tui::msg::Msg;

const LARGE: Size = Size { width: 160, height: 50 };

fn person_read(dashboard: &mut TestDashboard, nth: usize) {
    let session = Some(SessionWindow::Open { until: at(14, 1) + SESSION });
    let details = RecipientDetails { session, ..details_of(people().swap_remove(nth)) };
    dashboard.answer(Completion::Person(Box::new(Ok(details))));
}

/// The line with the titles of the table and of the pane beside it.
fn details_of_whom(dashboard: &TestDashboard) -> String {
    dashboard.screen().into_iter().find(|line| line.contains("3 Recipients")).unwrap_or_default()
}

/// The activity of a large screen, with its first line's person read.
fn in_activity() -> TestDashboard {
    let mut dashboard = TestDashboard::new(LARGE);
    dashboard.answer(Completion::Senders(Ok(vec![cloud()])));
    person_read(&mut dashboard, 0);
    dashboard.keys("4");
    answer(&mut dashboard, page());
    person_read(&mut dashboard, 2);
    dashboard.dispatch(Msg::Drawn).taken();
    dashboard
}

#[test]
fn with_the_focus_on_the_activity_it_shows_the_person_of_its_line() {
    let mut dashboard = TestDashboard::new(LARGE);
    person_read(&mut dashboard, 0);
    assert!(details_of_whom(&dashboard).contains("Siti Aminah"), "{}", details_of_whom(&dashboard));

    dashboard.keys("4").taken();
    answer(&mut dashboard, page());

    assert!(dashboard.taken().contains(&Effect::Read(ReadRequest::Person(RecipientId(3)))));
    person_read(&mut dashboard, 2);
    assert!(details_of_whom(&dashboard).contains("Kavitha"), "{}", details_of_whom(&dashboard));
    dashboard.keys("jj");
    let screen = dashboard.screen().join("\n");
    assert!(screen.contains("that line is not about a person in a blast"), "{screen}");
    dashboard.keys("3");
    assert!(dashboard.taken().contains(&Effect::Read(ReadRequest::Person(RecipientId(1)))));
}

#[test]
fn after_an_answer_from_the_activity_it_does_not_go_on_reading() {
    let mut dashboard = in_activity();
    dashboard.keys("a");
    person_read(&mut dashboard, 2);
    dashboard.keys("RM 20\n");
    let text =
        AnswerText { blast: RAYA, person: RecipientId(3), phone: "+60100120003".to_owned(), text: "RM 20".to_owned() };
    let queued = QueuedAnswer { id: BlastId(90), who: "Kavitha".to_owned(), until: at(14, 1) + SESSION };
    let outcome = Ok(WriteOutcome::Answered(queued));
    dashboard.answer(Completion::Written { request: WriteRequest::Answer(text), outcome });

    dashboard.keys("3").taken();
    person_read(&mut dashboard, 0);
    person_read(&mut dashboard, 2);

    let titles = details_of_whom(&dashboard);
    assert!(titles.contains("Siti Aminah"), "{titles}");
}

#[test]
fn what_becomes_of_an_answer_is_read_until_it_is_there() {
    let reads_them = |status: Status| {
        let answer = SessionAnswer {
            blast: BlastId(90),
            recipient: RecipientId(900),
            text: "RM 20".to_owned(),
            status,
            message_id: None,
            written_at: at(14, 1),
            sent_at: None,
            changed_at: at(14, 1),
            by: Some("aina".to_owned()),
            until: at(14, 1) + SESSION,
            error_code: None,
            error_message: None,
            reason: None,
            advice: None,
        };
        let mut dashboard = TestDashboard::new(LARGE);
        let details = RecipientDetails { session_answers: vec![answer], ..details_of(people().swap_remove(0)) };
        dashboard.answer(Completion::Person(Box::new(Ok(details)))).taken();
        let effects = dashboard.dispatch(Msg::Refresh).taken();
        effects.contains(&Effect::Read(ReadRequest::Person(RecipientId(1))))
    };

    assert!(reads_them(Status::Queued) && reads_them(Status::Sent));
    assert!(!reads_them(Status::Delivered) && !reads_them(Status::Failed));
}

#[test]
fn what_was_read_below_an_overlay_is_there_once_that_closes() {
    let mut dashboard = TestDashboard::new(LARGE);
    dashboard.keys("3\n");
    person_read(&mut dashboard, 0);

    dashboard.key(Key::Esc);

    let titles = details_of_whom(&dashboard);
    assert!(titles.contains("Siti Aminah"), "{titles}");
}

#[test]
fn the_row_at_the_cursor_stays_on_the_screen_when_the_activity_becomes_smaller() {
    let mut dashboard = TestDashboard::new(WIDE);
    dashboard.keys("4");
    let rows = (0..60).map(|n| row(n, None, wrote(n, &format!("line {n}."), None))).collect();
    answer(&mut dashboard, ActivityPage { rows, people: Vec::new() });
    dashboard.dispatch(Msg::Drawn).keys("z").dispatch(Msg::Drawn);
    dashboard.keys("jjjjjjjjjjjjjjj");

    dashboard.keys("z");

    let height = dashboard.model.activity_rows();
    let place = dashboard.model.activity.cursor();
    assert!(height < 15, "{height}");
    assert!(dashboard.model.activity.visible(height).any(|row| Some(row.place) == place));
}

#[test]
fn the_operators_own_acts_are_not_marked_as_new() {
    let mut dashboard = TestDashboard::new(WIDE);
    dashboard.model.options.operator = "ben".to_owned();
    dashboard.answer(Completion::ActivityHead(Ok(head(3, at(9, 0))))).keys("4");
    answer(&mut dashboard, page());

    let new: Vec<bool> = (13..23).map(|line| dashboard.line(line).starts_with('N')).collect();

    // The cursor; a picture, a stranger; ben's own sale, undo, forty marks and pause; the person's opt-out, a failure, a notice.
    assert_eq!(new, [false, true, true, false, false, false, false, true, true, true], "{:#?}", dashboard.screen());
}

#[test]
fn a_newer_act_takes_away_the_sentence_that_the_one_before_was_not_done() {
    let mut dashboard = TestDashboard::new(WIDE);
    dashboard.keys("3r");
    let request = WriteRequest::Mark { person: RecipientId(1), mark: Mark::Replied };
    dashboard.answer(Completion::Written { request, outcome: Err(EffectError::Unavailable) });
    assert!(dashboard.said().contains("reply not written"), "{}", dashboard.said());

    dashboard.now += TimeDelta::seconds(2);
    dashboard.keys("jr");

    assert_eq!(dashboard.said(), "");
}

#[test]
fn whose_mark_it_was_is_cut_with_a_sign_where_it_has_no_room() {
    let mut dashboard = TestDashboard::new(Size { width: 160, height: 40 });
    let history = vec![HistoryRow {
        changed_at: at(13, 58),
        happened_at: None,
        old_status: Status::Read,
        new_status: Status::Replied,
        attempt: 1,
        source: "operator".to_owned(),
        by: Some("benedict-from-the-shop".to_owned()),
        detail: None,
    }];
    let details = RecipientDetails { history, ..details_of(people().swap_remove(0)) };
    dashboard.answer(Completion::Person(Box::new(Ok(details))));

    let screen = dashboard.screen();
    let line = screen.iter().find(|line| line.contains("replied     marked by hand")).cloned().unwrap_or_default();

    assert!(line.ends_with('~') || line.ends_with("benedict-from-the-shop"), "{screen:#?}");
}

#[test]
fn somebody_who_is_queued_for_later_is_said_to_be_due_then() {
    let mut dashboard = TestDashboard::new(LARGE);
    let row = RecipientRow { status: Status::Queued, ..people().swap_remove(0) };
    let details = RecipientDetails { due_at: Some(at(14, 5)), ..details_of(row) };

    dashboard.keys("3\n").answer(Completion::Person(Box::new(Ok(details))));

    let screen = dashboard.screen().join("\n");
    assert!(screen.contains(", due 14:05:00"), "{screen}");
}
