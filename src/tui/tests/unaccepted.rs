//! What Details say of a message that no answer accepted.

use super::support::{STACKED, TestDashboard, at, details_of, people};
use crate::app::view::{HistoryRow, RecipientDetails, RecipientRow};
use crate::domain::status::Status;
use crate::tui::Size;
use crate::tui::effect::Completion;

fn change(attempt: i32, old_status: Status, new_status: Status) -> HistoryRow {
    HistoryRow {
        changed_at: at(13, 54),
        happened_at: None,
        old_status,
        new_status,
        attempt,
        source: "engine".to_owned(),
        by: None,
        detail: None,
    }
}

/// The screen of somebody without an accepted message, after these changes.
fn screen(attempt: i32, history: Vec<HistoryRow>) -> String {
    let status = history.last().map_or(Status::Queued, |change| change.new_status);
    let row = RecipientRow { status, attempt, ..people().swap_remove(0) };
    let details = RecipientDetails { message_text: None, history, ..details_of(row) };
    let mut dashboard = TestDashboard::new(Size { width: 120, ..STACKED });
    dashboard.keys("3\n").answer(Completion::Person(Box::new(Ok(details)))).taken();
    dashboard.keys("G");
    dashboard.screen().join("\n")
}

#[test]
fn only_whom_nothing_was_attempted_for_is_not_sent_to_yet() {
    let open = change(1, Status::Sending, Status::Uncertain);
    let refused = change(1, Status::Sending, Status::Failed);
    let again = change(1, Status::Sending, Status::Queued);
    let opted_out = change(1, Status::Uncertain, Status::OptedOut);
    let forgotten = change(0, Status::Queued, Status::OptedOut);
    for (attempt, history, says) in [
        (0, Vec::new(), "not sent yet"),
        (1, vec![open.clone()], "it is not known whether it was sent"),
        (1, vec![open, opted_out], "it is not known whether it was sent"),
        (1, vec![forgotten.clone()], "it is not known whether it was sent"),
        (0, vec![forgotten], "not sent"),
        (1, vec![refused], "not accepted: no message went"),
        (1, vec![again], "not accepted so far: it is tried again"),
    ] {
        let screen = screen(attempt, history);

        assert!(screen.contains(&format!("  {says}")), "{says}: {screen}");
    }
}

#[test]
fn what_was_resolved_of_an_uncertain_message_is_said_where_its_text_is_not_known() {
    let open = change(1, Status::Sending, Status::Uncertain);
    for (status, says) in [
        (Status::Skipped, "aina said: not there, leave out"),
        (Status::Queued, "aina said: not there, send again"),
        (Status::Sent, "aina said: it is there"),
    ] {
        let resolved = HistoryRow {
            source: "operator".to_owned(),
            by: Some("aina".to_owned()),
            ..change(1, Status::Uncertain, status)
        };

        let screen = screen(1, vec![open.clone(), resolved]);

        assert!(screen.contains(&format!("it was not known whether it was sent; {says}")), "{screen}");
    }
}

#[test]
fn whose_message_may_have_gone_has_the_words_to_look_for() {
    let row = RecipientRow { status: Status::Uncertain, attempt: 1, ..people().swap_remove(0) };
    let words = Some("Salam Aishah, promo Raya".to_owned());
    let details = RecipientDetails { message_text: None, words, ..details_of(row) };
    let mut dashboard = TestDashboard::new(Size { width: 120, ..STACKED });

    dashboard.keys("3\n").answer(Completion::Person(Box::new(Ok(details)))).taken();
    let screen = dashboard.keys("G").screen().join("\n");

    assert!(screen.contains("its text:") && screen.contains("Salam Aishah, promo"), "{screen}");
}

#[test]
fn whose_answer_is_taken_back_is_uncertain_since_and_why_they_were_before_it() {
    let by_hand = |status, minute| HistoryRow {
        changed_at: at(14, minute),
        source: "operator".to_owned(),
        by: Some("aina".to_owned()),
        ..change(1, Status::Uncertain, status)
    };
    let detail = Some("no answer in 30 s: timed out".to_owned());
    let open = HistoryRow { changed_at: at(13, 33), detail, ..change(1, Status::Sending, Status::Uncertain) };
    let reason = Some("uncertain again: the answer was taken back".to_owned());
    let row = RecipientRow { status: Status::Uncertain, reason, changed_at: at(14, 1), ..people().swap_remove(4) };
    let history = vec![open, by_hand(Status::Skipped, 0), by_hand(Status::Uncertain, 1)];
    let mut dashboard = TestDashboard::new(Size { width: 120, ..STACKED });

    let details = RecipientDetails { history, ..details_of(row) };
    dashboard.keys("3jjjj\n").answer(Completion::Person(Box::new(Ok(details))));

    let screen = dashboard.screen().join("\n");
    assert!(screen.contains("uncertain since 13:33"), "{screen}");
    assert!(screen.contains("whether the message was sent: no answer in 30 s. They"), "{screen}");
}
