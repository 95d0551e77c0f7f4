//! Questions, plans and pages that say what is so, and no more: with the keys that this operator has.

use rust_decimal::Decimal;

use super::customers::{order, sheet};
use super::form::new_form;
use super::plans::{planned, shows};
use super::support::{RAYA, STACKED, TestDashboard, WIDE, at, details_of, people, raya};
use crate::app::view::BlastView;
use crate::app::{OrderRow, Plan, PlannedRepeat, SegmentCount};
use crate::domain::blast::BlastState;
use crate::domain::filter::segment::Exclusion;
use crate::domain::ids::RecipientId;
use crate::domain::order::OrderState;
use crate::domain::recipient::{Mark, Resolution};
use crate::tui::effect::{Completion, DraftOutcome, DraftWrite, HeaderOfForm, WriteOutcome, WriteRequest};
use crate::tui::key::Key;
use crate::tui::model::{FormLine, Overlay};
use crate::tui::msg::Msg;
use crate::tui::{KeyBinding, Keymap};

fn text(dashboard: &TestDashboard) -> String {
    dashboard.screen().join(" ").split_whitespace().collect::<Vec<_>>().join(" ")
}

fn customer(order: OrderRow) -> TestDashboard {
    let mut dashboard = TestDashboard::new(WIDE);
    dashboard.keys("3\n").answer(Completion::Person(Box::new(Ok(details_of(people().swap_remove(0)))))).keys("i");
    dashboard.answer(sheet(vec![order]));
    dashboard
}

#[test]
fn an_order_that_does_not_count_says_so_and_its_cancel_takes_nothing_off() {
    let replaced = OrderRow {
        counted: None,
        replaced_by: Some("ben".to_owned()),
        replaced_at: Some(at(14, 0)),
        ..order(3, OrderState::New)
    };
    let mut not_counted = customer(replaced);
    let page = text(&not_counted);
    assert!(page.contains("not counted in revenue: ben wrote another amount in its place, 14:00"), "{page}");
    let question = text(not_counted.keys("X"));
    assert!(question.contains("It does not count in their total, which stays."), "{question}");

    let mut counted = customer(OrderRow { counted: Some(Decimal::new(1_000, 2)), ..order(3, OrderState::New) });
    assert!(!text(&counted).contains("not counted"));
    let question = text(counted.keys("X"));
    assert!(question.contains("RM 10.00 is taken off their total."), "{question}");
    assert!(!text(&customer(OrderRow { counted: None, ..order(3, OrderState::Cancelled) })).contains("not counted"));
}

#[test]
fn a_plan_says_how_many_of_what_repeats_go_out_without_a_question_and_who_was_stuck() {
    let repeat = PlannedRepeat {
        rule: "every day 09:00".to_owned(),
        zone: chrono_tz::Asia::Kuala_Lumpur,
        next: vec![at(9, 0)],
        ends: None,
        clock_notes: Vec::new(),
        at_most: Some(20),
    };
    let limited = planned(|plan| Plan { repeat: Some(repeat), ..plan });
    assert!(shows(&limited, "up to 20 people without asking; a time with more waits for you"), "{}", text(&limited));

    let stuck = |left_out| {
        let segment = SegmentCount { from: "blast:7 stuck:read".to_owned(), finds: 24, left_out };
        text(&planned(|plan| Plan { segment: Some(segment), ..plan }))
    };
    assert!(stuck(vec![(Exclusion::OptedOut, 1)]).contains("24 are stuck at read in Raya promo"));
    assert!(stuck(vec![(Exclusion::Replied, 1)]).contains("24 were stuck at read in Raya promo"));
}

#[test]
fn the_log_and_the_help_name_the_keys_that_the_operator_has() {
    let mut dashboard = TestDashboard::new(WIDE);
    let binding = |action: &str, key: &str| KeyBinding { action: action.to_owned(), keys: vec![key.to_owned()] };
    dashboard.model.options.keys = Keymap::new(&[binding("they-bought-an-amount-may-follow", "C")]).unwrap();

    let help = text(dashboard.keys("?/after C"));
    assert!(help.contains("after C the sale is marked") && help.contains("after C, in place of the amount"), "{help}");

    let mut dashboard = TestDashboard::new(WIDE);
    let outcome = Ok(WriteOutcome::Blast(Box::new(BlastView { state: BlastState::Paused, ..raya() })));
    dashboard.answer(Completion::Written { request: WriteRequest::Pause(RAYA), outcome });
    let sentence = &dashboard.model.log.back().unwrap().sentence;
    assert_eq!(sentence, "Raya promo is paused; S resumes it");
}

#[test]
fn what_needs_somebody_is_open_once() {
    let mut dashboard = TestDashboard::new(WIDE);
    dashboard.keys("!!");
    assert_eq!(dashboard.said(), "this is what needs you: esc goes back");

    dashboard.key(Key::Esc);

    assert!(!dashboard.model.overlays.iter().any(|overlay| matches!(overlay, Overlay::Needs(_))));
}

#[test]
fn a_file_that_was_uploaded_is_named_and_the_next_line_is_chosen() {
    let mut dashboard = new_form(WIDE);
    for sender in &mut dashboard.model.senders {
        sender.provider = "meta".to_owned();
    }
    let form = dashboard.model.form.as_mut().unwrap();
    form.values.template = Some(serde_json::json!({
        "name": "tour", "language": "ms", "header": { "type": "image", "image": { "link": "https://x.test/a.png" } },
    }));
    form.line = FormLine::Header;
    let of = Box::new(HeaderOfForm { form: form.number, template: "tour".to_owned(), language: "ms".to_owned() });
    let (sender, path) = ("sales".to_owned(), "/home/aina/poster.png".into());
    let upload = DraftWrite::Upload { of, sender, kind: "image", path };
    let outcome = DraftOutcome::Uploaded { kind: "image", id: "190".to_owned() };

    dashboard.answer(Completion::Written {
        request: WriteRequest::Draft(upload),
        outcome: Ok(WriteOutcome::Draft(outcome)),
    });

    assert_eq!(dashboard.said(), "poster.png is uploaded");
    let form = dashboard.model.form.as_mut().unwrap();
    assert_ne!(form.line, FormLine::Header);
    // Another file takes the place of the id, which is no text to be written on.
    form.line = FormLine::Header;
    dashboard.keys("\nother");
    assert!(
        text(&dashboard).contains("other") && !text(&dashboard).contains("uploaded, 190other"),
        "{}",
        text(&dashboard)
    );
}

#[test]
fn whoever_answered_what_it_is_not_known_of_whether_it_went_has_it() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("3jjjj").taken();
    assert_eq!(dashboard.cursor(), Some(5));

    let person = RecipientId(5);
    for (key, did, mark) in [("c", "bought", Mark::Closed(None)), ("r", "replied to it", Mark::Replied)] {
        dashboard.keys(key).dispatch(Msg::Drawn);
        assert!(dashboard.acts().is_empty());
        let asks = format!("Aishah: it is not known whether their message went. They {did}: count it as sent?");
        assert!(text(&dashboard).contains(&asks), "{}", text(&dashboard));
        let is_sent = WriteRequest::Resolve { person, attempt: 1, resolution: Resolution::Sent };
        let marks = [is_sent, WriteRequest::Mark { person, mark }];

        dashboard.keys("y");

        assert_eq!(dashboard.acts(), marks);
        dashboard.effects.clear();
        if key == "c" {
            dashboard.keys("50\n");
            let sale = Mark::Closed(Some(Decimal::from(50)));
            assert_eq!(dashboard.acts(), [WriteRequest::Mark { person, mark: sale }], "the amount may follow at once");
            dashboard.effects.clear();
        }
    }
    dashboard.keys("r").dispatch(Msg::Drawn);
    dashboard.keys("n");
    assert_eq!(dashboard.acts(), []);
    assert_eq!(dashboard.said(), "nothing done: it is still open whether their message went");
    // Whoever goes on to the next number finds that in sight.
    dashboard.keys("r").dispatch(Msg::Drawn);
    dashboard.keys("/");
    dashboard.key(Key::Esc);
    assert!(dashboard.said().ends_with("answered no"), "{}", dashboard.said());
    // Digits after it are still no keys of the panes.
    let mut digits = TestDashboard::new(STACKED);
    digits.keys("3jjjjc12");
    assert_eq!(digits.model.focus, crate::tui::model::Pane::Recipients);
}
