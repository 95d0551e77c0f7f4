//! What single lines say: whole words, counts with their nouns, acts in the past.

use super::activity::{answer, row};
use super::form::{saved, taken};
use super::support::{STACKED, TestDashboard, WIDE, at, person, raya};
use crate::app::view::{ActivityEvent, ActivityPage, BlastView};
use crate::domain::act::Act;
use crate::domain::ids::RecipientId;
use crate::domain::status::Status;
use crate::tui::Size;
use crate::tui::effect::{Completion, DraftOutcome, WriteOutcome};
use crate::tui::model::Prompt;

fn act(act: Act, by: &str, detail: &str) -> ActivityEvent {
    ActivityEvent::Act {
        left: None,
        act,
        by: by.to_owned(),
        detail: Some(detail.to_owned()),
        people: None,
        order: None,
        taken_back_by: None,
        answer: None,
    }
}

fn activity(event: ActivityEvent) -> Vec<String> {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("4");
    answer(&mut dashboard, ActivityPage { rows: vec![row(0, None, event)], people: Vec::new() });
    dashboard.screen()
}

#[test]
fn a_line_of_activity_in_full_keeps_its_last_letter_where_it_fills_the_width() {
    for length in 1..60 {
        let screen = activity(act(Act::Note, "ben", &format!("{} end of it", "x".repeat(length))));

        let full = screen[13..22].iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ");
        assert!(full.contains("end of it") && !full.contains('~'), "{length}: {screen:#?}");
    }
}

#[test]
fn an_act_is_told_in_the_past() {
    let screen = activity(act(Act::Delete, "ana", "Raya promo")).join("\n");

    assert!(screen.contains("deleted") && !screen.contains("delete by"), "{screen}");
}

#[test]
fn one_row_that_was_left_out_is_one_row() {
    let mut dashboard = TestDashboard::new(WIDE);
    let mut list = taken(9, 2, None);
    if let Completion::Written { outcome: Ok(WriteOutcome::Draft(DraftOutcome::ListTaken(list))), .. } = &mut list {
        list.imported.rejected.total = 1;
    }
    dashboard.keys("1n↓↓↓\nraya.csv\n").answer(saved(9, 1)).answer(list).keys("↑↑\n");

    let screen = dashboard.screen();
    assert!(
        screen[1].contains("Left out") && screen[1].contains("1 row ") && !screen[1].contains("1 rows"),
        "{screen:#?}"
    );
}

#[test]
fn a_question_about_several_says_that_not_all_of_them_change() {
    let people = [(1, Status::Read), (2, Status::Queued), (3, Status::Sent), (4, Status::Skipped)];
    let rows = people.map(|(id, status)| person(id, &format!("Person {id}"), status, at(13, 50)));
    let mut dashboard = TestDashboard::with(WIDE, rows.to_vec());
    dashboard.keys("3*");
    let ticket = dashboard.model.recipients.ticket;
    dashboard.answer(Completion::AllFound { ticket, people: Ok((1..=4).map(RecipientId).collect()) });

    dashboard.keys("r");

    let Some(Prompt::Confirm(ask)) = &dashboard.model.prompt else { panic!("no question") };
    let stay = "People whom no message is known to have reached are not changed.";
    assert_eq!(ask.question, format!("4 people replied? {stay}"));
}

#[test]
fn who_opted_out_later_is_said_to_have_on_a_laptop_too() {
    for (width, height) in [(110, 29), (120, 29), (160, 40), (200, 50)] {
        let mut dashboard = TestDashboard::new(Size { width, height });
        dashboard.answer(Completion::Blasts(Ok(vec![BlastView { opted_out_later: 1, ..raya() }]))).keys("2");

        let screen = dashboard.screen().join("\n");
        assert!(width < 120 || screen.contains("opted out 0 (+1 later)"), "{width}: {screen}");
    }
}

#[test]
fn filter_in_the_palette_is_what_lists_only_some_where_blasts_are_listed() {
    let first = |pane: &str| {
        let mut dashboard = TestDashboard::new(WIDE);
        dashboard.keys(pane).keys(":filter");
        dashboard.screen().into_iter().find(|line| line.starts_with("> ")).unwrap_or_default()
    };

    assert!(first("1").contains("list only some blasts"), "{}", first("1"));
    assert!(first("3").contains("find a person"), "{}", first("3"));
}
