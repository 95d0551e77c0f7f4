//! Somebody who opted out is shown to have, in whichever blast that was noted.

use super::customers::{opened, sheet};
use super::support::{STACKED, TestDashboard, WIDE, at, details_of, marked, people};
use crate::app::view::{RecipientRow, SenderView, StandingOptOut};
use crate::domain::ids::{RecipientId, SenderId};
use crate::domain::recipient::Mark;
use crate::domain::status::Status;
use crate::tui::effect::{Completion, WriteRequest};
use crate::tui::key::Key;
use crate::tui::msg::Msg;

fn opted_out(row: RecipientRow) -> RecipientRow {
    RecipientRow { opt_out: Some(StandingOptOut { business: "kedai".to_owned(), since: at(12, 30) }), ..row }
}

#[test]
fn the_rows_of_somebody_who_opted_out_in_another_blast_say_so_beside_what_else_is_noted() {
    let screen = TestDashboard::with(WIDE, people().into_iter().map(opted_out).collect()).screen();

    let row = |who: &str| screen.iter().find(|line| line.contains(who)).unwrap();
    assert!(row("Kavitha").ends_with("opted out"), "{}", row("Kavitha"));
    assert!(row("Tan Mei").contains("opted out; 2 boxes"), "{}", row("Tan Mei"));
    assert!(row("Lim Ah").ends_with("opted out; refused"), "{}", row("Lim Ah"));
}

#[test]
fn details_say_of_whom_and_since_when_somebody_opted_out() {
    for size in [WIDE, STACKED] {
        for status in [Status::Read, Status::OptedOut, Status::Uncertain] {
            let row = RecipientRow { status, opted_out_at: Some(at(12, 30)), ..people().swap_remove(0) };
            let mut dashboard = TestDashboard::with(size, vec![row.clone()]);
            dashboard.keys("3\n").answer(Completion::Person(Box::new(Ok(details_of(opted_out(row))))));

            let screen = dashboard.screen();

            assert!(screen.contains(&"  opted out (of kedai), since 12:30".to_owned()), "{screen:#?}");
        }
    }
}

#[test]
fn the_page_of_a_customer_says_since_when_they_opted_out() {
    let mut dashboard = opened(WIDE);
    let Completion::Customer { phone, sheet } = sheet(Vec::new()) else { panic!("a customer") };
    let mut sheet = sheet.unwrap();
    sheet.opt_outs = vec![
        StandingOptOut { business: "*".to_owned(), since: at(12, 30) },
        StandingOptOut { business: "kedai".to_owned(), since: at(13, 0) },
    ];

    let screen = dashboard.answer(Completion::Customer { phone, sheet: Box::new(Ok(sheet)) }).screen().join("\n");

    assert!(screen.contains("opted out: of every business since 12:30, of kedai since 13:00"), "{screen}");
}

#[test]
fn an_opt_out_that_is_not_of_all_senders_names_the_business_it_is_of() {
    let mut dashboard = TestDashboard::new(STACKED);
    let own = super::support::senders();
    let other = SenderView { id: SenderId(2), business: "runcit".to_owned(), ..own[0].clone() };
    dashboard.answer(Completion::Senders(Ok([own, vec![other]].concat()))).keys("3b");

    assert!(dashboard.line(22).starts_with(" never message Siti Aminah again from kedai?"), "{}", dashboard.line(22));

    let Completion::Written { outcome, .. } = marked(1, "Siti Aminah", Status::Read, Status::Read) else { panic!() };
    let request = WriteRequest::Mark { person: RecipientId(1), mark: Mark::OptOut };
    dashboard.keys("y").answer(Completion::Written { request, outcome });
    assert_eq!(dashboard.said(), "Siti Aminah: never messaged again from kedai, by you");
}

/// In a terminal that does not say what is pasted, a text comes as keys.
#[test]
fn a_question_is_answered_only_once_it_was_on_the_screen() {
    let pasted = |dashboard: &mut TestDashboard, text: &str| {
        for c in text.chars() {
            dashboard.dispatch(Msg::Key(if c == '\n' { Key::Enter } else { Key::Char(c) }));
        }
    };
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("3");
    pasted(&mut dashboard, "by");
    assert!(dashboard.acts().is_empty() && dashboard.line(22).contains("never message Siti Aminah again"));
    dashboard.dispatch(Msg::Drawn).keys("y");
    assert_eq!(dashboard.acts().len(), 1);

    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("3");
    pasted(&mut dashboard, "  T2\n");
    assert!(dashboard.acts().is_empty());
}

/// A sentence is typed without a look at the screen: `p` of "price" paused a blast, `b` and `y` of "by" were an opt-out.
#[test]
fn what_is_typed_for_a_note_or_an_answer_that_does_not_open_is_no_key() {
    for key in ["e", "a"] {
        let mut dashboard = TestDashboard::with(STACKED, Vec::new());
        dashboard.keys("3").keys(key);
        assert!(dashboard.line(22).ends_with("enter continues"), "{}", dashboard.line(22));

        dashboard.keys("price by post\n");

        assert!(dashboard.acts().is_empty(), "{key}");
        assert!(dashboard.model.prompt.is_none() && dashboard.said() == "the list is empty", "{}", dashboard.said());
    }
}
