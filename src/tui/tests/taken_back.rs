//! What Activity says of a mark that was taken back, of the act that took it back, and of acts whose people go on changing.

use rust_decimal::Decimal;

use super::activity::{answer, opened, row};
use super::support::{WIDE, people, person};
use crate::app::view::{ActivityEvent, ActivityPage, ActivityRow, LeftByUndo, RecipientRow};
use crate::domain::act::Act;
use crate::domain::ids::RecipientId;
use crate::domain::status::Status;
use crate::tui::effect::Completion;
use crate::tui::tests::support::at;

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
            answer: None,
        };
        answer(&mut dashboard, ActivityPage { rows: vec![row(0, Some(person), act)], people: vec![person.clone()] });
        dashboard.screen().join("\n")
    };
    let [replied, ..] = &people()[..] else { panic!("there are people") };
    let left = |status, amount: Option<i64>| Some(LeftByUndo { status, amount: amount.map(Decimal::from) });

    let sum = undone(replied, left(Status::Closed, Some(120)));
    assert!(sum.contains("closed RM 200.00 taken back by ben: still closed, RM 120.00"), "{sum}");
    let sale = undone(replied, left(Status::Read, None));
    assert!(sale.contains("closed RM 200.00 taken back by ben: now at read"), "they replied since: {sale}");
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
        answer: None,
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

#[test]
fn an_answer_says_what_became_of_it_and_follows_that() {
    let [asked, ..] = &people()[..] else { panic!("there are people") };
    let act = ActivityEvent::Act {
        act: Act::Answer,
        by: "ben".to_owned(),
        detail: None,
        people: None,
        order: None,
        left: None,
        taken_back_by: None,
        answer: Some(RecipientId(90)),
    };
    let own = |status| person(90, "Siti Aminah", status, at(14, 2));
    let mut dashboard = opened(WIDE);
    let page = ActivityPage { rows: vec![row(0, Some(asked), act)], people: vec![asked.clone(), own(Status::Queued)] };
    answer(&mut dashboard, page);
    assert!(dashboard.screen().join("\n").contains("by ben, queued by now"), "{:#?}", dashboard.screen());

    dashboard.answer(Completion::Rows(Ok(vec![own(Status::Failed)])));

    assert!(dashboard.screen().join("\n").contains("by ben, failed by now"), "{:#?}", dashboard.screen());
}

#[test]
fn a_sender_that_stopped_is_named_with_the_reason() {
    let act = ActivityEvent::Act {
        act: Act::StopSender,
        by: "engine".to_owned(),
        detail: Some("the account is locked".to_owned()),
        people: None,
        order: None,
        left: None,
        taken_back_by: None,
        answer: None,
    };
    let mut dashboard = opened(WIDE);
    let stopped = ActivityRow { name: Some("sales".to_owned()), tag: None, ..row(0, None, act) };

    answer(&mut dashboard, ActivityPage { rows: vec![stopped], people: Vec::new() });

    let screen = dashboard.screen().join("\n");
    assert!(screen.contains("sales, stopped") && screen.contains(": the account is locked"), "{screen}");
}

#[test]
fn what_was_decided_of_an_uncertain_message_and_what_was_deleted_is_said() {
    let said = |act: Act, detail: Option<&str>| {
        let mut dashboard = opened(WIDE);
        let event = ActivityEvent::Act {
            act,
            by: "ben".to_owned(),
            detail: detail.map(str::to_owned),
            people: None,
            order: None,
            left: None,
            taken_back_by: None,
            answer: None,
        };
        let who = people().swap_remove(4);
        answer(&mut dashboard, ActivityPage { rows: vec![row(0, Some(&who), event)], people: vec![who] });
        dashboard.screen().join("\n")
    };

    for (resolution, words) in [
        ("sent", "by ben: it is there, counts as sent"),
        ("resend", "by ben: not there, send again"),
        ("drop", "by ben: not there, left out"),
    ] {
        let screen = said(Act::Resolve, Some(resolution));
        assert!(screen.contains(" decided ") && screen.contains(words), "{screen}");
    }
    assert!(said(Act::Delete, Some("draft")).contains("by ben: it was a draft"));
    assert!(said(Act::Delete, Some("completed")).contains("by ben: it was done"));
    assert!(said(Act::Undo, Some("resolve")).contains("decision taken back by ben"));
}
