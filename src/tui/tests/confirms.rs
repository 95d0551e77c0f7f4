//! `S` on a blast whose sender waits for somebody to confirm a restored database.

use super::support::{STACKED, TestDashboard, blasts, senders};
use crate::app::Confirmed;
use crate::app::view::{BlastView, SenderStop, SenderView};
use crate::domain::sender::StopCode;
use crate::domain::waiting::Waiting;
use crate::tui::Size;
use crate::tui::effect::{Completion, WriteOutcome, WriteRequest};

/// What is asked, on as many lines as it takes.
fn asked(dashboard: &TestDashboard) -> String {
    dashboard.screen().iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ")
}

#[test]
fn a_restored_database_is_confirmed_by_its_own_question_before_anything_is_sent() {
    let mut dashboard = TestDashboard::new(STACKED);
    let (why, code) = ("it went back in time".to_owned(), StopCode::Restored);
    let waiting = Waiting::SenderStopped { why, sender: "sales".to_owned(), code, waits_for_token: false };
    let stands = BlastView { waiting: Some(waiting), ..blasts().swap_remove(0) };
    dashboard.answer(Completion::Blasts(Ok(vec![stands]))).keys("1S");
    let asks = "sales: the database differs from this machine's record: it may have been restored, or the record \
                is in another state directory. May it send? 140 queued; type 140:";
    assert!(asked(&dashboard).contains(asks), "{}", asked(&dashboard));

    dashboard.keys("y").keys("S14\n");
    assert!(dashboard.acts().is_empty());
    dashboard.keys("140\n");

    let confirm = WriteRequest::ConfirmSender { name: "sales".to_owned(), people: 140 };
    assert_eq!(dashboard.acts(), std::slice::from_ref(&confirm));
    dashboard.answer(Completion::Written {
        request: confirm,
        outcome: Ok(WriteOutcome::SenderConfirmed(Confirmed { uncertain: 40, ..Confirmed::default() })),
    });
    assert_eq!(dashboard.said(), "sales is confirmed; 40 who were posted to before are uncertain now");
}

#[test]
fn an_answer_that_waits_with_a_stopped_sender_is_in_the_number_that_lets_it_go_on() {
    let mut dashboard = TestDashboard::new(Size { width: 120, height: 30 });
    let (why, code) = ("the token is refused".to_owned(), StopCode::Provider("unauthorised".to_owned()));
    let waiting = Waiting::SenderStopped { why, sender: "sales".to_owned(), code, waits_for_token: false };
    let stands = BlastView { waiting: Some(waiting), ..blasts().swap_remove(0) };
    let answering = SenderView { queued_answers: 1, ..senders().swap_remove(0) };
    dashboard.answer(Completion::Senders(Ok(vec![answering]))).answer(Completion::Blasts(Ok(vec![stands]))).keys("1S");

    let screen = dashboard.screen().join("\n");
    assert!(screen.contains("Fixed? 141 queued, 1 of them an answer; type 141:"), "{screen}");
    dashboard.keys("141\n");

    assert!(matches!(dashboard.acts().as_slice(), [WriteRequest::Resume(launch)] if launch.people == 141));
}

#[test]
fn a_paused_blast_of_a_restored_database_is_not_resumed_before_it_is_confirmed() {
    let mut dashboard = TestDashboard::new(STACKED);
    let at = dashboard.now;
    let (code, reason) = (StopCode::Restored, "it went back in time".to_owned());
    let mut stopped = senders();
    stopped[0].stopped = Some(SenderStop { at, code, reason, waits_for_token: false });
    dashboard.answer(Completion::Senders(Ok(stopped))).keys("1jjS");

    assert!(
        asked(&dashboard).contains("sales: the database differs from this machine's record"),
        "{}",
        asked(&dashboard)
    );
    assert!(dashboard.acts().is_empty());
}

#[test]
fn a_question_is_never_cut_so_that_its_keys_are_hidden() {
    let mut dashboard = TestDashboard::new(Size { width: 40, height: 10 });
    dashboard.keys("3b");

    let shown: Vec<String> = (0..10).map(|y| dashboard.line(y)).collect();

    assert!(shown.iter().any(|line| line.contains("only y is yes")), "{shown:#?}");
}
