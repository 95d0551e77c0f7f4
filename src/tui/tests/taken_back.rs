//! What Activity says of a mark that was taken back, and of the act that took it back.

use rust_decimal::Decimal;

use super::activity::{answer, opened, row};
use super::support::{WIDE, people};
use crate::app::view::{ActivityEvent, ActivityPage, LeftByUndo, RecipientRow};
use crate::domain::act::Act;
use crate::domain::status::Status;

#[test]
fn what_was_taken_back_is_told_with_its_amount_and_what_is_left() {
    let undone = |person: &RecipientRow, left: Option<LeftByUndo>| {
        let mut dashboard = opened(WIDE);
        let detail = Some("closed 200".to_owned());
        let act = ActivityEvent::Act {
            act: Act::Undo,
            by: "ben".to_owned(),
            detail,
            people: None,
            order: None,
            left,
            taken_back_by: None,
        };
        answer(&mut dashboard, ActivityPage { rows: vec![row(0, Some(person), act)], people: vec![person.clone()] });
        dashboard.screen().join("\n")
    };
    let [replied, ..] = &people()[..] else { panic!("there are people") };
    let left = |status, amount: Option<i64>| Some(LeftByUndo { status, amount: amount.map(Decimal::from) });

    let sum = undone(replied, left(Status::Closed, Some(120)));
    assert!(sum.contains("closed RM 200.00 taken back by ben: RM 120.00 is left"), "{sum}");
    let sale = undone(replied, left(Status::Read, None));
    assert!(sale.contains("closed RM 200.00 taken back by ben: at read since"), "they replied since: {sale}");
    assert!(undone(replied, None).contains("closed RM 200.00 taken back by ben"), "logged before that was kept");
}

#[test]
fn a_sale_that_was_taken_back_stays_and_says_so() {
    let [person, ..] = &people()[..] else { panic!("there are people") };
    let sale = |undone_by: &str| ActivityEvent::Act {
        act: Act::Closed,
        by: "ben".to_owned(),
        detail: Some("200".to_owned()),
        people: None,
        order: None,
        left: None,
        taken_back_by: Some(undone_by.to_owned()),
    };
    for (undone_by, said) in
        [("ben", "by ben: RM 200.00, taken back since"), ("aina", "by ben: RM 200.00, taken back since by aina")]
    {
        let mut dashboard = opened(WIDE);
        let rows = vec![row(0, Some(person), sale(undone_by))];
        answer(&mut dashboard, ActivityPage { rows, people: vec![person.clone()] });

        let screen = dashboard.screen().join("\n");
        assert!(screen.contains(said), "{screen}");
    }
}
