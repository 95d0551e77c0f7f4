//! Details of somebody who is in several blasts, and the command line at their end.

use super::support::{STACKED, TestDashboard, at, details_of, people};
use crate::app::view::{ElsewhereRow, HistoryRow, RecipientDetails, RecipientRow};
use crate::domain::ids::{BlastId, RecipientId};
use crate::domain::status::Status;
use crate::tui::Size;
use crate::tui::effect::{Completion, WriteRequest};
use crate::tui::key::Key;
use crate::tui::model::Overlay;

fn read_at(minute: u32) -> RecipientRow {
    let (status, sent_at, read_at) = (Status::Read, Some(at(13, minute)), Some(at(13, minute + 1)));
    RecipientRow { status, sent_at, read_at, ..people().swap_remove(0) }
}

fn there(stage: &str, minute: u32) -> ElsewhereRow {
    let person = RecipientRow { id: RecipientId(90), blast_id: BlastId(9), ..read_at(minute) };
    ElsewhereRow { person, tag: "raya".to_owned(), follow_up_stage: stage.to_owned(), is_same_message: false }
}

fn details(details: RecipientDetails) -> TestDashboard {
    let mut dashboard = TestDashboard::new(Size { width: 120, ..STACKED });
    dashboard.keys("3\n").answer(Completion::Person(Box::new(Ok(details)))).taken();
    dashboard
}

#[test]
fn only_what_was_sent_earlier_is_before() {
    let elsewhere = vec![there("Follow-up 2", 40), there("Teaser", 10)];

    let screen = details(RecipientDetails { elsewhere, ..details_of(read_at(30)) }).screen().join("\n");

    assert!(screen.contains("  before: raya, Teaser, read today"), "{screen}");
    assert!(screen.contains("  in other blasts: raya, Follow-up 2, read today"), "{screen}");
}

#[test]
fn of_somebody_uncertain_it_is_said_that_they_had_the_same_message_since() {
    let row =
        RecipientRow { status: Status::Uncertain, sent_at: None, read_at: None, changed_at: at(13, 30), ..read_at(30) };
    let elsewhere = vec![ElsewhereRow { is_same_message: true, ..there("Again", 40) }, there("Teaser", 45)];
    let mut page = details(RecipientDetails { elsewhere, claimed_at: Some(at(9, 0)), ..details_of(row) });

    let screen = page.screen().join(" ").split_whitespace().collect::<Vec<_>>().join(" ");
    let same = "They had this very message from raya, Again, too, sent";
    assert!(screen.contains(same) && screen.contains("in other blasts: raya, Again, read today"), "{screen}");
    page.keys("jj\n");
    let screen = page.screen().join(" ").split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(screen.contains(&format!("once more? {same}")), "{screen}");
}

#[test]
fn the_line_to_paste_is_one_that_works_for_whoever_was_not_sent_to() {
    for (status, line) in [(Status::Queued, "opt-out"), (Status::OptedOut, "undo"), (Status::Read, "replied")] {
        let row = RecipientRow { status, ..read_at(30) };
        let mut dashboard = details(details_of(row.clone()));
        dashboard.key(Key::End);

        let screen = dashboard.screen().join("\n");

        assert!(screen.contains(&format!("blastdeck mark {} {} {line}", row.blast_id, row.phone.as_str())), "{screen}");
    }
}

#[test]
fn enter_does_not_repeat_an_answer_for_somebody_who_is_uncertain_again() {
    let uncertain = || details_of(RecipientRow { status: Status::Uncertain, ..read_at(30) });
    let mut dashboard = details(uncertain());
    dashboard.keys("j\n");
    assert!(matches!(dashboard.acts()[..], [WriteRequest::Resolve { .. }]), "{:?}", dashboard.acts());
    for loaded in [details_of(RecipientRow { status: Status::Sent, ..read_at(30) }), uncertain()] {
        dashboard.answer(Completion::Person(Box::new(Ok(loaded)))).taken();
    }

    assert!(dashboard.screen().join("\n").contains("> leave it open"), "{:#?}", dashboard.screen());
}

#[test]
fn the_details_of_somebody_who_was_marked_keep_take_back_in_the_footer_of_the_smallest_full_screen() {
    for status in [Status::Replied, Status::Closed] {
        let mut dashboard = TestDashboard::new(STACKED);
        let person = RecipientRow { status, ..people().swap_remove(0) };
        dashboard.keys("3\n").answer(Completion::Person(Box::new(Ok(details_of(person)))));

        let footer = dashboard.line(23);

        assert!(["b stop", "U take back", "? all", "esc back"].iter().all(|key| footer.contains(key)), "{footer}");
    }
}

/// Somebody uncertain in full, with the cursor on *it is there*; then it is read that aina left them out.
fn left_out_by(operator: &str) -> TestDashboard {
    let mut dashboard = details(details_of(RecipientRow { status: Status::Uncertain, ..read_at(30) }));
    dashboard.model.options.operator = "ben".to_owned();
    dashboard.keys("j");
    let answer = HistoryRow {
        changed_at: at(14, 1),
        happened_at: None,
        old_status: Status::Uncertain,
        new_status: Status::Skipped,
        attempt: 1,
        source: "operator".to_owned(),
        by: Some(operator.to_owned()),
        detail: None,
    };
    let row = RecipientRow { status: Status::Skipped, ..read_at(30) };
    let loaded = RecipientDetails { history: vec![answer], ..details_of(row) };
    dashboard.answer(Completion::Person(Box::new(Ok(loaded)))).taken();
    dashboard
}

#[test]
fn an_answer_for_somebody_whom_another_operator_answered_for_first_opens_nothing_and_names_them() {
    let mut dashboard = left_out_by("aina");

    dashboard.keys("\n");

    assert_eq!(dashboard.said(), "aina answered first: left out; yours is not written");
    assert!(matches!(dashboard.model.overlays[..], [Overlay::Details(_)]), "{:?}", dashboard.model.overlays);
    assert_eq!(dashboard.acts(), []);
    dashboard.keys("\n");
    assert!(matches!(dashboard.model.overlays.last(), Some(Overlay::Customer(_))), "the key after it is no answer");
}

#[test]
fn enter_after_ones_own_answer_or_after_another_key_shows_the_customer_as_ever() {
    for (operator, keys) in [("ben", "\n"), ("aina", "j\n")] {
        let mut dashboard = left_out_by(operator);

        dashboard.keys(keys);

        assert!(matches!(dashboard.model.overlays.last(), Some(Overlay::Customer(_))), "{operator}");
    }
}
