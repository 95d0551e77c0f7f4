//! What the page of a customer shows: what they bought for how much, what was sent to them, and who was forgotten.

use chrono::TimeDelta;

use super::customers::{PHONE, acts, opened, order, sheet};
use super::support::{TestDashboard, WIDE, at, details_of, people};
use crate::app::{CustomerBlast, CustomerTotals, SavedFile};
use crate::domain::blast::BlastState;
use crate::domain::filter::Filter;
use crate::domain::ids::{BlastId, OrderId, RecipientId, ReplyId};
use crate::domain::order::OrderState;
use crate::domain::phone::Phone;
use crate::domain::recipient::Mark;
use crate::domain::status::Status;
use crate::tui::Size;
use crate::tui::effect::{
    Completion, Effect, EffectError, ReadRequest, ShopAct, ShopOutcome, WriteOutcome, WriteRequest,
};
use crate::tui::key::Key;
use crate::tui::model::{NoUndo, Overlay};

#[test]
fn what_was_sent_stands_above_drafts_which_are_counted() {
    let blast = |id, state, status| CustomerBlast {
        blast_id: BlastId(id),
        tag: format!("Blast {id}"),
        follow_up_stage: "Initial".to_owned(),
        state,
        phone_number: PHONE.to_owned(),
        status,
        sent_at: Some(at(12, 31)),
        received_at: None,
        read_at: None,
        replied_at: None,
        closed_at: None,
        amount: None,
        note: None,
    };
    let mut dashboard = opened(WIDE);
    let Completion::Customer { phone, sheet } = sheet(Vec::new()) else { panic!("a customer") };
    let mut sheet = sheet.unwrap();
    let drafts = (8..28).map(|id| blast(id, BlastState::Draft, Status::Queued));
    sheet.details.blasts = drafts.chain([blast(7, BlastState::Completed, Status::Read)]).collect();

    let screen = dashboard.answer(Completion::Customer { phone, sheet: Box::new(Ok(sheet)) }).screen().join("\n");

    assert!(screen.contains("Blast 7") && screen.contains("20 drafts, not sent"), "{screen}");
    assert!(!screen.contains("Blast 8") && !screen.contains("queued"), "{screen}");
}

#[test]
fn its_command_lines_are_those_of_the_database_that_is_shown() {
    let mut dashboard = opened(Size { width: 80, height: 40 });
    dashboard.model.options.program = "blastdeck -c r".to_owned();
    let Completion::Customer { phone, sheet } = sheet(Vec::new()) else { panic!("a customer") };
    let mut sheet = sheet.unwrap();
    sheet.totals = CustomerTotals { blasts: 123, drafts: 0, notes: 0, consents: 0, orders: 0, carts: 0 };

    let screen = dashboard.answer(Completion::Customer { phone, sheet: Box::new(Ok(sheet)) }).screen().join("\n");

    for said in
        ["`blastdeck -c r customer forget +60100120001`", "blastdeck -c r customer show +60100120001 --limit 123"]
    {
        assert!(screen.contains(said), "{said}: {screen}");
    }
}

#[test]
fn a_mark_by_its_name_over_the_page_of_a_customer_is_said_to_be_about_nobody_there() {
    let mut dashboard = opened(WIDE);

    dashboard.keys(":they replied\n");

    assert_eq!((dashboard.acts(), dashboard.said()), (vec![], "nobody is chosen here"));
}

#[test]
fn what_was_typed_in_a_field_that_is_left_is_said() {
    let mut dashboard = opened(WIDE);
    assert_eq!(dashboard.keys("c").key(Key::Esc).said(), "", "nothing was typed");
    dashboard.keys("cteh*2").key(Key::Esc);
    assert_eq!(dashboard.said(), "order of Siti Aminah not kept: teh*2");

    let mut dashboard = TestDashboard::new(WIDE);
    dashboard.keys("3jeat noon").key(Key::Ctrl('c'));
    let said = "note for Tan Mei Ling not kept: 2 boxes, Friat noon; ctrl-c again leaves";
    assert_eq!((dashboard.acts(), dashboard.said()), (vec![], said));
    dashboard.keys("2e").key(Key::Tab).keys("10-20").key(Key::Esc);
    assert_eq!(dashboard.said(), "hours and pace of Raya promo not kept: 10-20");
    dashboard.keys("3e").key(Key::Ctrl('u')).key(Key::Esc);
    assert_eq!(dashboard.said(), "note for Tan Mei Ling stays as it was");
}

/// An order was typed, and its refusal comes later.
fn ordered() -> (TestDashboard, WriteRequest) {
    let mut dashboard = opened(WIDE);
    let request = dashboard.keys("cteh*2\n").acts().pop().unwrap();
    (dashboard, request)
}

#[test]
fn a_refused_order_takes_no_key_that_is_typed_for_something_else() {
    let (mut dashboard, request) = ordered();
    dashboard.keys(":pay");
    let why = EffectError::Other("no catalogue has `teh`".to_owned());
    dashboard.answer(Completion::Written { request, outcome: Err(why) });

    assert!(dashboard.model.prompt.is_none(), "{:?}", dashboard.model.prompt);
    assert!(matches!(dashboard.model.overlays.last(), Some(Overlay::Commands(_))));
    assert_eq!(dashboard.said(), "Siti Aminah: no catalogue has `teh`; you typed teh*2");
}

#[test]
fn a_refused_tag_opens_no_field_over_the_pane_whose_keys_are_pressed_by_then() {
    let mut dashboard = opened(WIDE);
    dashboard.keys("#vip\n");
    let request = dashboard.acts().pop().unwrap();
    dashboard.now += TimeDelta::seconds(3);
    dashboard.key(Key::Esc).key(Key::Esc).keys("j");

    let why = EffectError::Other("no such tag".to_owned());
    dashboard.answer(Completion::Written { request, outcome: Err(why) });

    assert!(dashboard.model.prompt.is_none(), "{:?}", dashboard.model.prompt);
    assert_eq!(dashboard.said(), "Siti Aminah: no such tag; you typed vip");
    dashboard.keys("jr");
    let reply = WriteRequest::Mark { person: RecipientId(3), mark: Mark::Replied };
    assert_eq!(dashboard.acts(), [reply], "a key of the pane");
}

#[test]
fn an_act_about_a_customer_that_a_silent_database_did_not_take_is_said_with_whose_it_is() {
    let (mut dashboard, mut request) = ordered();
    dashboard.keys(":");
    let outcome = Err(EffectError::Unavailable);
    dashboard.answer(Completion::Written { request: request.clone(), outcome });
    let said = "Siti Aminah: order not written, the database did not answer; you typed teh*2";
    assert_eq!(dashboard.said(), said);
    assert!(dashboard.line(0).contains("STALE"), "{}", dashboard.line(0));

    let (mut dashboard, _) = ordered();
    if let WriteRequest::Shop(write) = &mut request {
        (write.act, write.typed) = (ShopAct::MoveOrder(OrderId(3), OrderState::Paid), None);
    }
    dashboard.taken();
    dashboard.answer(Completion::Written { request, outcome: Err(EffectError::Unconfirmed) });

    assert!(dashboard.said().starts_with("Siti Aminah: order may have been changed"), "{}", dashboard.said());
    let read = dashboard.taken();
    assert!(read.iter().any(|effect| matches!(effect, Effect::Read(ReadRequest::Rows(_)))), "{read:?}");
    assert!(read.iter().any(|effect| matches!(effect, Effect::Read(ReadRequest::Customer(_)))), "{read:?}");
}

#[test]
fn what_is_not_listed_is_counted_with_the_command_that_lists_it() {
    let mut dashboard = opened(WIDE);
    let Completion::Customer { phone, sheet } = sheet(vec![order(3, OrderState::New)]) else { panic!("a customer") };
    let mut sheet = sheet.unwrap();
    sheet.totals = CustomerTotals { blasts: 123, drafts: 4, notes: 2, consents: 0, orders: 101, carts: 1 };

    let screen = dashboard.answer(Completion::Customer { phone, sheet: Box::new(Ok(sheet)) }).screen().join("\n");

    for said in [
        "and 123 older: blastdeck customer show +60100120001 --limit 123",
        "and 100 older: blastdeck order list --phone +60100120001 --limit 101",
        "and 2 older: blastdeck customer show +60100120001 --limit 2",
        "4 drafts, not sent",
    ] {
        assert!(screen.contains(said), "{said}: {screen}");
    }
    assert_eq!(screen.matches(" older: ").count(), 3, "every cart is there: {screen}");
}

#[test]
fn whoever_was_forgotten_is_said_to_be_and_has_orders_to_move_and_nothing_new() {
    let mut row = people().swap_remove(0);
    (row.phone, row.name) = (serde_json::from_value(serde_json::json!("forgotten-4")).unwrap(), None);
    let mut dashboard = TestDashboard::with(WIDE, vec![row.clone()]);
    dashboard.keys("3i");
    assert!(dashboard.taken().contains(&Effect::Read(ReadRequest::Customer(row.phone.clone()))));
    let Completion::Customer { sheet, .. } = sheet(vec![order(3, OrderState::New)]) else { panic!("a customer") };
    let mut sheet = sheet.unwrap();
    sheet.carts.clear();
    dashboard.answer(Completion::Customer { phone: row.phone, sheet: Box::new(Ok(sheet)) });

    let screen = dashboard.screen().join("\n");
    assert!(screen.contains("forgotten person (forgotten-4)") && screen.contains("asked to be forgotten"), "{screen}");
    assert!(!screen.contains("c order") && !screen.contains("n cart"), "{screen}");
    dashboard.keys("c");
    assert_eq!(dashboard.said(), "they were forgotten: nothing new is written for them");
    dashboard.keys("\ny");
    assert_eq!(acts(&mut dashboard), [ShopAct::MoveOrder(OrderId(3), OrderState::Confirmed)]);
}

#[test]
fn a_page_that_cannot_be_read_says_why_in_place_of_waiting() {
    let mut dashboard = TestDashboard::new(WIDE);
    dashboard.keys("3i");

    let why = EffectError::Other("customers are one over all senders".to_owned());
    let phone = people()[0].phone.clone();
    let screen = dashboard.answer(Completion::Customer { phone, sheet: Box::new(Err(why)) }).screen().join("\n");

    assert!(screen.contains("customers are one over all senders") && !screen.contains("reading ..."), "{screen}");
}

#[test]
fn the_footer_of_a_person_names_the_way_to_the_customer_once() {
    let mut dashboard = TestDashboard::new(WIDE);
    dashboard.keys("3\n").answer(Completion::Person(Box::new(Ok(details_of(people().swap_remove(0))))));

    let footer = dashboard.screen().pop().unwrap();

    assert!(footer.contains("enter customer") && !footer.contains("i customer"), "{footer}");
}

#[test]
fn tags_and_notes_are_typed_on_the_page_and_said_once_they_are_kept() {
    let mut dashboard = opened(WIDE);
    let loaded = sheet(Vec::new());
    dashboard.answer(loaded);
    let screen = |dashboard: &mut TestDashboard| dashboard.screen().join("\n");
    assert!(screen(&mut dashboard).contains("# tags"), "{}", screen(&mut dashboard));

    dashboard.keys("#\n");
    assert!(screen(&mut dashboard).contains("type a tag, such as vip"), "{}", screen(&mut dashboard));
    dashboard.keys("vip -new, Big\n");

    let phone = Phone::parse(PHONE, "MY".parse().unwrap()).unwrap();
    let [act] = &acts(&mut dashboard)[..] else { panic!("one act") };
    let (add, remove) = (vec!["vip".to_owned(), "Big".to_owned()], vec!["new".to_owned()]);
    assert_eq!(*act, ShopAct::Tag { phone: phone.clone(), add, remove });

    dashboard.keys("N");
    dashboard.keys("wants it in red\n");
    let note = "wants it in red".to_owned();
    assert_eq!(acts(&mut dashboard), [ShopAct::Note { phone, note }]);
}

#[test]
fn a_file_that_is_written_is_no_act_which_u_would_be_about() {
    let mut dashboard = opened(WIDE);
    let saved = SavedFile { path: "/home/aina/resit.jpg".into(), bytes: 3 };
    let search = None;
    let files = [
        (WriteRequest::Report(BlastId(7)), WriteOutcome::Report("report-7.md".to_owned())),
        (
            WriteRequest::Export { blast: BlastId(7), filter: Filter::default(), search },
            WriteOutcome::Exported { path: "people.xlsx".to_owned(), people: 3 },
        ),
        (
            WriteRequest::SavePlan { blast: BlastId(7), people: None, text: String::new() },
            WriteOutcome::PlanSaved("plan-7.txt".to_owned()),
        ),
        (WriteRequest::SaveFile(ReplyId(30)), WriteOutcome::FileSaved(saved)),
    ];
    for (request, outcome) in files {
        dashboard.model.no_undo = Some(NoUndo { what: "a new cart", is_said: false });
        dashboard.answer(Completion::Written { request, outcome: Ok(outcome) }).taken();

        dashboard.keys("u");

        assert_eq!(dashboard.said(), "u does not take back a new cart: u again asks about the act before it");
        assert!(dashboard.acts().is_empty());
    }
}

#[test]
fn the_page_of_somebody_with_a_long_name_follows_what_is_written_about_them() {
    let mut dashboard = opened(WIDE);
    let Some(Overlay::Customer(page)) = dashboard.model.overlays.last_mut() else { panic!("a page") };
    page.who = "Nur Aishah binti Abdullah of Kampung Baru".to_owned();
    dashboard.keys("Nwants it in red\n");
    let request = dashboard.acts().pop().unwrap();

    dashboard.answer(Completion::Written { request, outcome: Ok(WriteOutcome::Shop(ShopOutcome::Noted)) });

    assert!(dashboard.taken().contains(&Effect::Read(ReadRequest::Customer(people()[0].phone.clone()))));
}

#[test]
fn a_cart_with_an_item_without_a_price_says_so_before_and_names_the_key_that_gives_it_one() {
    let mut dashboard = opened(WIDE);
    let Completion::Customer { phone, sheet } = sheet(Vec::new()) else { panic!("a customer") };
    let mut sheet = sheet.unwrap();
    sheet.carts[0].items.0[0].price = None;
    dashboard.answer(Completion::Customer { phone, sheet: Box::new(Ok(sheet)) });

    dashboard.keys("\n");
    let asked = dashboard.screen().join(" ").split_whitespace().collect::<Vec<_>>().join(" ");
    dashboard.keys("y");

    let words =
        "make an order of cart 5? kuih has no price in it: unless a catalogue has one by now, e gives it one first.";
    assert!(asked.contains(words), "{asked}");
    let request = dashboard.acts().swap_remove(0);
    let why =
        "no catalogue of this business has a price of `kuih`: give it one with `blastdeck cart set 5 'kuih*2@12.50'`";
    dashboard.answer(Completion::Written { request, outcome: Err(EffectError::Other(why.to_owned())) });
    assert_eq!(dashboard.said(), "no catalogue of this business has a price of `kuih`: e gives it one");
}
