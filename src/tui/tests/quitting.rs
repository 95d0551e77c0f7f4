//! The question whether to leave: whatever else is done ends it, and acts.

use super::support::{RAYA, STACKED, TestDashboard, WIDE, at, blast, raya, senders};
use crate::app::DatabaseState;
use crate::app::view::{BlastView, Estimate};
use crate::domain::blast::BlastState;
use crate::domain::funnel::Counts;
use crate::domain::ids::BlastId;
use crate::tui::effect::{Completion, Effect, EffectError, ReadRequest};
use crate::tui::key::Key;
use crate::tui::model::Leaving;
use crate::tui::msg::Msg;
use crate::tui::{ExitReason, Size};

/// A blast that is being sent, and done at so much past eight in the evening.
fn sending(id: i64, tag: &str, minutes: u32) -> BlastView {
    let estimate = Estimate { done_at: Some(at(20, minutes)), per_hour: Some(90) };
    BlastView { estimate, counts: raya().counts, ..blast(id, tag, BlastState::Sending, (11, 20)) }
}

fn paused(id: i64, tag: &str) -> BlastView {
    let counts = Counts { queued: 303, read: 82, ..Counts::default() };
    BlastView { counts, ..blast(id, tag, BlastState::Paused, (11, 19)) }
}

/// Asked whether to leave these blasts, of which some would not continue.
fn asked(size: Size, rows: Vec<BlastView>, missing: Vec<(BlastId, String)>) -> TestDashboard {
    let mut dashboard = TestDashboard::empty(size);
    let going_on = rows.iter().filter(|row| row.state == BlastState::Sending).map(|row| row.id).collect();
    dashboard.answer(Completion::Blasts(Ok(rows))).answer(Completion::Senders(Ok(senders()))).taken();
    dashboard.keys("q").answer(Completion::HandOver { blasts: going_on, missing: Ok(missing) });
    dashboard
}

#[test]
fn a_key_after_the_question_whether_to_leave_ends_it_and_acts_as_it_would_have() {
    let keys = crate::tui::action::ACTIONS.iter().flat_map(|action| action.keys).copied();
    for key in keys.filter(|key| !matches!(key, Key::Char('q') | Key::Ctrl('c'))) {
        for pane in ["1", "2", "3"] {
            let (mut asked, mut unasked) = (TestDashboard::new(STACKED), TestDashboard::new(STACKED));
            asked.keys(pane).keys("q").answer(Completion::HandOver { blasts: vec![RAYA], missing: Ok(Vec::new()) });
            unasked.keys(pane);
            asked.effects.clear();
            unasked.effects.clear();

            asked.key(key);
            unasked.key(key);

            assert_eq!(asked.model.leaving, Leaving::No, "{key} in {pane}");
            assert_eq!(asked.taken(), unasked.taken(), "{key} in {pane}");
            assert_eq!(asked.screen(), unasked.screen(), "{key} in {pane}");
        }
    }
}

#[test]
fn a_paste_after_the_question_whether_to_leave_ends_it() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("q").dispatch(Msg::Paste("6789".to_owned())).effects.clear();

    dashboard.key(Key::Ctrl('c'));

    assert!(!dashboard.taken().contains(&Effect::Exit(ExitReason::Quit)), "it leaves the field");
}

#[test]
fn the_question_whether_to_leave_names_the_key_that_pauses_where_it_pauses_that_blast() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("1j").list(Vec::new()).keys("q");

    dashboard.answer(Completion::HandOver { blasts: vec![RAYA], missing: Ok(Vec::new()) });

    assert!(dashboard.said().ends_with("q again to leave"), "p pauses the selected blast: {}", dashboard.said());
}

#[test]
fn q_after_ctrl_c_names_the_blast_that_is_being_sent_and_ctrl_c_twice_leaves() {
    let open = || {
        let mut dashboard = TestDashboard::new(STACKED);
        dashboard.keys("?").key(Key::Ctrl('c')).effects.clear();
        dashboard
    };
    let mut asks = open();
    assert_eq!(asks.said(), "ctrl-c again leaves");
    asks.keys("q");
    assert!(!asks.taken().contains(&Effect::Exit(ExitReason::Quit)));
    asks.answer(Completion::HandOver { blasts: vec![RAYA], missing: Ok(Vec::new()) });
    assert!(asks.said().starts_with("Raya promo continues without this window"), "{}", asks.said());
    asks.keys("q");
    assert_eq!(asks.taken(), [Effect::Exit(ExitReason::Quit)]);

    let mut leaves = open();
    leaves.key(Key::Ctrl('c'));
    assert_eq!(leaves.taken(), [Effect::Exit(ExitReason::Quit)]);
}

#[test]
fn q_says_what_stays_paused_part_way_beside_what_continues() {
    let mut dashboard = TestDashboard::empty(STACKED);
    dashboard.answer(Completion::Blasts(Ok(vec![sending(7, "J", 0), paused(5, "Flight")]))).taken();

    dashboard.keys("q");
    assert_eq!(
        dashboard.said(),
        "checking what continues without this window; Flight stays paused with 303 still to send. q again to leave"
    );
    dashboard.answer(Completion::HandOver { blasts: vec![BlastId(7)], missing: Ok(Vec::new()) });

    let says = "J continues without this window (done about 20:00); Flight stays paused with 303 still to send. q again to \
                leave, p to pause J first";
    assert_eq!(dashboard.said(), says);
    let screen = dashboard.screen().iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ");
    assert!(screen.contains(says), "all of it is on the screen: {screen}");
}

#[test]
fn q_asks_about_everything_that_is_going_out_and_names_it() {
    let mut dashboard = TestDashboard::empty(STACKED);
    dashboard.answer(Completion::Blasts(Ok(vec![sending(7, "J", 0), sending(8, "Hours", 30)]))).taken();
    dashboard.keys("q");
    assert!(dashboard.taken().contains(&Effect::Read(ReadRequest::HandOver(vec![BlastId(7), BlastId(8)]))));

    dashboard.answer(Completion::HandOver { blasts: vec![BlastId(7), BlastId(8)], missing: Ok(Vec::new()) });

    let both = "J and Hours continue without this window (all done about 20:30). q again to leave, p to pause J first";
    assert_eq!(dashboard.said(), both);
}

#[test]
fn of_many_blasts_or_long_names_q_says_how_many_continue() {
    let many = (1..=5).map(|id| sending(id, &format!("Blast {id}"), 0)).collect();
    let said = asked(WIDE, many, Vec::new()).said().to_owned();
    assert!(said.starts_with("5 blasts continue without this window (all done about 20:00). "), "{said}");

    let long = || vec![sending(1, "Hari Raya last call", 0), sending(2, "Deepavali, the second", 0)];
    let narrow = asked(Size { width: 40, height: 12 }, long(), Vec::new()).said().to_owned();
    assert!(narrow.starts_with("2 blasts continue "), "{narrow}");
    let wide = asked(WIDE, long(), Vec::new()).said().to_owned();
    assert!(wide.starts_with("Hari Raya last call and Deepavali, the second continue "), "{wide}");
}

#[test]
fn q_says_of_each_blast_that_would_not_continue_that_it_would_not() {
    let rows = || vec![sending(7, "J", 0), sending(8, "Hours", 0), sending(9, "Flight", 0)];
    let why = |id, why: &str| (BlastId(id), why.to_owned());
    let stopped = "sender sales is stopped: Device is offline";

    let one = asked(WIDE, rows(), vec![why(8, stopped)]).said().to_owned();
    let two = asked(WIDE, rows(), vec![why(8, stopped), why(9, "no standby can be started")]).said().to_owned();

    assert_eq!(
        one,
        format!(
            "J and Flight continue without this window (all done about 20:00); Hours would not: {stopped}. q again to leave"
        )
    );
    assert!(two.ends_with(&format!("; Hours would not: {stopped}; nor would Flight. q again to leave")), "{two}");
}

#[test]
fn what_q_says_while_the_database_does_not_answer_goes_with_its_next_answer_and_is_asked_anew() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("q").answer(Completion::HandOver { blasts: vec![RAYA], missing: Err(EffectError::Unavailable) });
    assert!(dashboard.said().contains("the database does not answer"), "{}", dashboard.said());
    assert!(matches!(dashboard.model.database, DatabaseState::Down { .. }), "the header says so as well");

    dashboard.dispatch(Msg::Database(DatabaseState::Up)).taken();

    assert_eq!((dashboard.said(), dashboard.model.leaving), ("", Leaving::No));
    dashboard.keys("q");
    assert!(dashboard.taken().contains(&Effect::Read(ReadRequest::HandOver(vec![RAYA]))));
}

#[test]
fn what_q_says_of_a_blast_goes_once_that_stands_otherwise() {
    let mut dashboard = asked(STACKED, vec![sending(7, "J", 0), paused(5, "Flight")], Vec::new());
    dashboard.answer(Completion::Blasts(Ok(vec![sending(7, "J", 1), paused(5, "Flight")])));
    assert!(dashboard.said().contains("Flight stays paused"), "{}", dashboard.said());

    let resumed = BlastView { state: BlastState::Sending, version: 4, ..paused(5, "Flight") };
    dashboard.answer(Completion::Blasts(Ok(vec![sending(7, "J", 1), resumed]))).taken();

    assert_eq!((dashboard.said(), dashboard.model.leaving), ("", Leaving::No));
    dashboard.keys("q");
    assert!(dashboard.taken().contains(&Effect::Read(ReadRequest::HandOver(vec![BlastId(7), BlastId(5)]))));
}
