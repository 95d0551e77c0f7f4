//! Why a blast does not send, as its pane says it.

use super::support::{STACKED, TestDashboard, WIDE, at, raya, senders};
use crate::app::view::{BlastView, Estimate, SenderView};
use crate::domain::act::Actor;
use crate::domain::blast::BlastState;
use crate::domain::ids::SenderId;
use crate::domain::sender::StopCode;
use crate::domain::waiting::{DatabaseTrouble, Waiting};
use crate::tui::effect::Completion;

#[test]
fn a_blast_that_paused_by_itself_says_why() {
    let mut dashboard = TestDashboard::new(STACKED);
    let reason = "5 failures in a row".to_owned();
    let paused =
        BlastView { state: BlastState::Paused, state_by: Some(Actor::Engine), state_reason: Some(reason), ..raya() };

    dashboard.answer(Completion::Blasts(Ok(vec![paused])));

    assert!(dashboard.line(1).contains("══ asks you ══"), "{}", dashboard.line(1));
    assert!(dashboard.line(9).starts_with("  paused: 5 failures in a row"), "{}", dashboard.line(9));
    assert!(dashboard.line(0).ends_with("! 2 need you"));
}

#[test]
fn a_blast_that_somebody_paused_says_which_key_resumes_it_wherever_keys_are_named() {
    let mut dashboard = TestDashboard::new(WIDE);
    let ben = Some(Actor::Operator("ben".to_owned()));

    dashboard.answer(Completion::Blasts(Ok(vec![BlastView { state: BlastState::Paused, state_by: ben, ..raya() }])));

    let screen = dashboard.screen().join("\n");
    assert!(screen.contains("paused by ben: S resumes it"), "{screen}");
    assert!(screen.contains("S resume ") && !screen.contains("S send"), "{screen}");
}

#[test]
fn below_the_blasts_stands_who_paused_the_one_at_the_cursor() {
    let mut dashboard = TestDashboard::new(STACKED);
    let ben = Some(Actor::Operator("ben".to_owned()));
    dashboard.answer(Completion::Blasts(Ok(vec![BlastView { state: BlastState::Paused, state_by: ben, ..raya() }])));

    dashboard.keys("1");

    let screen = dashboard.screen().join("\n");
    assert!(screen.contains("paused by ben: S resumes it"), "{screen}");
}

#[test]
fn what_is_to_be_done_at_the_end_of_a_long_reason_is_seen_beside_the_blasts() {
    let mut dashboard = TestDashboard::new(WIDE);
    let reason = "its time passed while no engine ran: resume it if it is still to go".to_owned();
    let paused =
        BlastView { state: BlastState::Paused, state_by: Some(Actor::Engine), state_reason: Some(reason), ..raya() };

    dashboard.answer(Completion::Blasts(Ok(vec![paused])));

    assert!(dashboard.line(9).contains("paused: its time passed while no engine ran: "), "{}", dashboard.line(9));
    assert!(dashboard.line(9).ends_with("RM 1,240.00"), "{}", dashboard.line(9));
    assert!(dashboard.line(10).trim_end().ends_with("still to go"), "{}", dashboard.line(10));
}

#[test]
fn what_a_blast_waits_for_is_said_in_its_own_words() {
    let says = |waiting| {
        let mut dashboard = TestDashboard::new(STACKED);
        let send_after = match &waiting {
            Waiting::Armed { until } => Some(*until),
            _ => raya().send_after,
        };
        dashboard.answer(Completion::Blasts(Ok(vec![BlastView {
            send_after,
            waiting: Some(waiting),
            estimate: Estimate { done_at: None, ..raya().estimate },
            ..raya()
        }])));
        dashboard.line(9).chars().take(60).collect::<String>().trim().to_owned()
    };

    assert_eq!(says(Waiting::Uncertain { people: 3 }), "waits for you: 3 uncertain; ! goes to them");
    assert_eq!(says(Waiting::NoEngine), "nobody is sending: no engine runs");
    let full = Waiting::Database { trouble: DatabaseTrouble::DiskFull };
    assert_eq!(says(full), "the database's disk is full: make room there");
    assert_eq!(says(Waiting::Armed { until: at(14, 3) }), "starts 14:03:00; u stops it");
    assert_eq!(
        says(Waiting::DailyCap { cap: 500, until: at(23, 59), hours: None }),
        "waits for: the daily cap, 500 a day, until 23:59"
    );
}

#[test]
fn a_blast_whose_sender_this_configuration_has_not_is_not_said_to_wait_for_an_engine_of_it() {
    let mut dashboard = TestDashboard::new(WIDE);
    let ghost = SenderView { name: "ghost".to_owned(), token: None, ..senders().swap_remove(0) };
    let other =
        SenderView { id: SenderId(2), name: "a-much-longer-name-of-a-sender".to_owned(), ..senders().swap_remove(0) };
    dashboard.answer(Completion::Senders(Ok(vec![ghost, other])));
    let blast = BlastView { sender: "ghost".to_owned(), waiting: Some(Waiting::NoEngine), ..raya() };
    dashboard.answer(Completion::Blasts(Ok(vec![blast])));

    let below = dashboard.line(9);
    assert!(below.contains("nobody is sending: sender ghost is not configured here"), "{below}");
    assert!(dashboard.line(0).contains("ghost, nobody sends"), "{}", dashboard.line(0));
    let mend = "run an engine with a configuration that has the sender ghost: this one does not";
    dashboard.keys("1S");
    let said = format!("nobody is sending: sender ghost is not configured here; {mend}");
    assert_eq!(dashboard.said(), said);
    dashboard.keys("!");
    let screen = dashboard.screen().join("\n");
    assert!(screen.contains(mend) && !screen.contains("open the dashboard"), "{screen}");
}

#[test]
fn a_sender_that_the_provider_stopped_names_the_key_that_says_it_is_fixed() {
    let mut dashboard = TestDashboard::new(STACKED);
    let waiting = |code: &str| {
        let (why, code) = ("Device is offline".to_owned(), StopCode::Provider(code.to_owned()));
        Waiting::SenderStopped { why, sender: "sales".to_owned(), code, waits_for_token: false }
    };
    let stands = |code: &str| BlastView { waiting: Some(waiting(code)), ..raya() };
    dashboard.answer(Completion::Blasts(Ok(vec![stands("device")]))).keys("2");

    let screen = dashboard.screen().join("\n");
    assert!(screen.contains("sender stopped: Device is offline; S once that is fixed"), "{screen}");
}
