//! The page of a customer: reached by `enter` twice; orders, carts and their steps by key.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use sqlx::types::Json;

use super::support::{STACKED, TestDashboard, WIDE, at, details_of, noon, people};
use crate::app::view::{ActivityEvent, ActivityPage, ActivityPosition, ActivityRow, ActivitySource};
use crate::app::{
    AskedAct, CartRow, Consent, CustomerDetails, CustomerRow, CustomerSheet, CustomerTotals, OrderDraft, OrderItemRow,
    OrderRow, SteppedOrder, typed_item,
};
use crate::domain::cart::CartState;
use crate::domain::ids::{ActionId, BlastId, CartId, OrderId, RecipientId, ReplyId, SenderId};
use crate::domain::order::OrderState;
use crate::tui::Size;
use crate::tui::effect::{
    Completion, Effect, EffectError, ReadRequest, ShopAct, ShopOutcome, ShopWrite, WriteOutcome, WriteRequest,
};
use crate::tui::key::Key;
use crate::tui::model::{Overlay, Prompt};
use crate::tui::msg::Msg;

pub const PHONE: &str = "+60100120001";

fn items(sku: &str) -> Json<Vec<OrderItemRow>> {
    Json(vec![OrderItemRow {
        id: 1,
        sku: sku.to_owned(),
        name: None,
        product_id: None,
        variant_id: None,
        quantity: "2".to_owned(),
        price: Some("6.20".to_owned()),
        currency: Some("MYR".to_owned()),
        total: Some("12.40".to_owned()),
    }])
}

pub fn order(id: i64, state: OrderState) -> OrderRow {
    OrderRow {
        id: OrderId(id),
        state,
        source: "operator".to_owned(),
        sender_id: SenderId(1),
        sender: "sales".to_owned(),
        blast_id: Some(BlastId(7)),
        blast_tag: Some("Raya promo".to_owned()),
        recipient_id: Some(RecipientId(1)),
        phone_number: Some(PHONE.to_owned()),
        user_id: None,
        name: Some("Siti Aminah".to_owned()),
        catalogue: None,
        note: None,
        message_id: None,
        total: Some(Decimal::new(1_240, 2)),
        currency: Some("MYR".to_owned()),
        unreadable: 0,
        counted: Some(Decimal::new(1_240, 2)),
        uncounted: None,
        replaced_by: None,
        replaced_at: None,
        is_undone: false,
        undone_by: None,
        ordered_at: at(13, 57),
        dated_at: None,
        created_at: at(13, 57),
        updated_at: at(13, 57),
        state_by: None,
        items: items("teh"),
        original: None,
        edited_by: None,
        edited_at: None,
    }
}

fn cart(state: CartState) -> CartRow {
    CartRow {
        id: CartId(5),
        state,
        sender_id: SenderId(1),
        sender: "sales".to_owned(),
        blast_id: BlastId(7),
        blast_tag: Some("Raya promo".to_owned()),
        recipient_id: RecipientId(1),
        phone_number: PHONE.to_owned(),
        name: Some("Siti Aminah".to_owned()),
        note: None,
        total: None,
        currency: None,
        order_id: None,
        created_by: "aina".to_owned(),
        state_by: None,
        created_at: at(13, 50),
        updated_at: at(13, 50),
        items: items("kuih"),
    }
}

#[test]
fn on_a_wide_screen_the_blasts_of_a_customer_stand_beside_what_they_bought() {
    let shown = |width| {
        let mut dashboard = TestDashboard::new(Size { width, height: 50 });
        dashboard.keys("3\n").answer(Completion::Person(Box::new(Ok(details_of(people().swap_remove(0)))))).keys("i");
        dashboard.answer(sheet(vec![order(3, OrderState::Paid)])).screen()
    };
    let line_of = |screen: &[String], words: &str| screen.iter().position(|line| line.contains(words)).unwrap();

    let (narrow, wide) = (shown(120), shown(160));

    assert!(line_of(&narrow, "Blasts") > line_of(&narrow, "cart 5"));
    assert_eq!(line_of(&wide, "Blasts"), 2, "{wide:#?}");
    assert!(wide[2].starts_with("  3 sent") && wide[2].contains("│"), "{wide:#?}");
}

pub fn sheet(orders: Vec<OrderRow>) -> Completion {
    let seen: Option<DateTime<Utc>> = Some(at(12, 31));
    let customer = CustomerRow {
        id: "60100120001".to_owned(),
        numbers: vec![PHONE.to_owned()],
        names: vec!["Siti Aminah".to_owned()],
        first_seen: seen,
        last_seen: seen,
        sent: 3,
        received: 3,
        read: 2,
        replied: 2,
        replies: 1,
        sales: 1,
        orders: 2,
        carts: 1,
        revenue: Decimal::new(24_000, 2),
        opted_out: Vec::new(),
        tags: vec!["vip".to_owned()],
    };
    let details = CustomerDetails { customer, notes: Vec::new(), consents: Vec::new(), blasts: Vec::new() };
    let (carts, totals) = (vec![cart(CartState::Open)], CustomerTotals::default());
    let sheet = CustomerSheet { details, opt_outs: Vec::new(), orders, carts, totals };
    Completion::Customer { phone: people()[0].phone.clone(), sheet: Box::new(Ok(sheet)) }
}

/// The page of Siti Aminah, with two orders and a cart.
pub fn opened(size: Size) -> TestDashboard {
    let mut dashboard = TestDashboard::new(size);
    dashboard.keys("3\n").answer(Completion::Person(Box::new(Ok(details_of(people().swap_remove(0)))))).taken();
    dashboard.keys("\n");
    assert_eq!(dashboard.taken(), [Effect::Read(ReadRequest::Customer(people()[0].phone.clone()))]);
    dashboard.answer(sheet(vec![order(3, OrderState::New), order(2, OrderState::Fulfilled)])).taken();
    dashboard
}

#[test]
fn the_keys_of_a_cart_say_what_they_do_to_a_cart() {
    let mut dashboard = opened(WIDE);
    assert!(dashboard.screen().join("\n").contains("next step"), "of an order");

    dashboard.keys("jj");

    let screen = dashboard.screen().join("\n");
    assert!(screen.contains("order it") && screen.contains("abandon"), "{screen}");
    assert!(!screen.contains("next step") && !screen.contains("cancel"), "{screen}");
}

#[test]
fn an_undo_on_the_page_of_a_customer_says_whose_it_is_so_that_one_of_somebody_else_is_asked_about() {
    let mut dashboard = opened(WIDE);

    dashboard.keys("u");

    let acts = dashboard.acts();
    let person = Some(people()[0].id);
    assert!(matches!(&acts[..], [WriteRequest::UndoMine { person: of, .. }] if *of == person), "{acts:?}");
}

#[test]
fn consent_has_its_date_and_the_list_that_says_it() {
    let mut dashboard = opened(WIDE);
    let Completion::Customer { phone, sheet } = sheet(Vec::new()) else { panic!("a customer") };
    let mut sheet = sheet.unwrap();
    sheet.details.consents.push(Consent {
        phone_number: PHONE.to_owned(),
        source: "the shop's form".to_owned(),
        given_at: "2026-03-01".to_owned(),
        blast_id: BlastId(7),
        noted_at: dashboard.now,
    });
    dashboard.answer(Completion::Customer { phone, sheet: Box::new(Ok(sheet)) });

    let screen = dashboard.screen().join("\n");

    assert!(screen.contains("consent: the shop's form on 2026-03-01, from the list of blast 7"), "{screen}");
}

pub fn acts(dashboard: &mut TestDashboard) -> Vec<ShopAct> {
    let shop = |request| match request {
        WriteRequest::Shop(write) => Some(write.act),
        _ => None,
    };
    dashboard.acts().into_iter().filter_map(shop).collect()
}

fn draft(items: &[&str]) -> OrderDraft {
    let items = items.iter().map(|text| typed_item(text).unwrap()).collect();
    OrderDraft { blast: BlastId(7), phone: PHONE.to_owned(), items, note: None }
}

#[test]
fn enter_twice_on_a_person_shows_the_customer_with_orders_and_carts() {
    for size in [WIDE, STACKED] {
        let dashboard = opened(size);

        let screen = dashboard.screen().join("\n");

        for expected in
            ["Customer ══ Siti Aminah", "2 read, 2 replied, 1 message from them,", "1 sale for RM ", "tags: vip"]
        {
            assert!(screen.contains(expected), "{expected}: {screen}");
        }
        assert!(screen.contains("> order 3    new        13:57   RM 12.40"), "{screen}");
        assert!(screen.contains("cart 5     open") && screen.contains("kuih×2; Raya promo"), "{screen}");
        assert!(screen.contains("next step"), "{screen}");
    }
}

#[test]
fn enter_on_an_uncertain_message_still_answers_that_and_i_goes_to_the_customer() {
    let mut dashboard = TestDashboard::new(WIDE);
    dashboard.keys("3jjjj\n").answer(Completion::Person(Box::new(Ok(details_of(people().swap_remove(4))))));

    dashboard.keys("\n");
    assert!(dashboard.said().contains("left open"), "{}", dashboard.said());
    dashboard.keys("i");

    assert!(
        matches!(dashboard.model.overlays.last(), Some(Overlay::Customer(page)) if page.person.is_some_and(|(id, _)| id == RecipientId(5)))
    );
}

fn stepped(order: OrderRow, left_out: &str) -> ShopOutcome {
    ShopOutcome::Stepped(Box::new(SteppedOrder { order, left_out: left_out.to_owned(), reopened: None }))
}

#[test]
fn an_order_goes_through_its_steps_by_key_each_after_a_question() {
    let mut dashboard = opened(WIDE);

    dashboard.keys("\n");
    assert!(dashboard.screen().join("\n").contains("order 3, RM 12.40: new -> confirmed?"));
    assert_eq!(acts(&mut dashboard), []);
    dashboard.keys("y");
    assert_eq!(acts(&mut dashboard), [ShopAct::MoveOrder(OrderId(3), OrderState::Confirmed)]);
    let (person, phone, who) = (Some(RecipientId(1)), people()[0].phone.clone(), "Siti Aminah".to_owned());
    let act = ShopAct::MoveOrder(OrderId(3), OrderState::Confirmed);
    let write = ShopWrite { person, phone, who, act, typed: None };
    let outcome = stepped(order(3, OrderState::Confirmed), "");
    dashboard.answer(Completion::Written {
        request: WriteRequest::Shop(Box::new(write.clone())),
        outcome: Ok(WriteOutcome::Shop(outcome)),
    });
    assert_eq!(dashboard.said(), "Siti Aminah: order 3, RM 12.40 is confirmed, by you");
    assert_eq!(dashboard.model.log.back().unwrap().command_line, "blastdeck order confirm 3");
    assert!(dashboard.taken().contains(&Effect::Read(ReadRequest::Customer(people()[0].phone.clone()))));

    dashboard.keys("Xy");
    assert_eq!(acts(&mut dashboard), [ShopAct::MoveOrder(OrderId(3), OrderState::Cancelled)]);
    let write = ShopWrite { act: ShopAct::MoveOrder(OrderId(3), OrderState::Cancelled), ..write };
    let outcome = stepped(order(3, OrderState::Cancelled), "; still left out of Raya: Second");
    dashboard.answer(Completion::Written {
        request: WriteRequest::Shop(Box::new(write)),
        outcome: Ok(WriteOutcome::Shop(outcome)),
    });
    assert_eq!(
        dashboard.said(),
        "Siti Aminah: order 3, RM 12.40 is cancelled, by you; still left out of Raya: Second",
        "a follow-up goes on without them"
    );
    dashboard.taken();
    dashboard.keys("u");
    assert_eq!(dashboard.said(), "u does not take back a step of an order: u again asks about the act before it");
    assert!(dashboard.acts().is_empty());
    for again in 0..2 {
        dashboard.keys("u");
        let acts = dashboard.acts();
        assert!(matches!(acts[..], [WriteRequest::UndoMine { asks: true, .. }]), "{again}: {acts:?}");
        let then = WriteRequest::UndoMyAct(AskedAct::sending_nothing(ActionId(7)));
        let outcome = Ok(WriteOutcome::AsksFirst { question: "your last act: closed. Take it back?".to_owned(), then });
        dashboard.answer(Completion::Written { request: acts[0].clone(), outcome });
        dashboard.keys("n");
    }
    dashboard.keys("j\n");
    assert_eq!(dashboard.said(), "order 2 is fulfilled: there is no further step");
    dashboard.keys("j\ny");
    assert_eq!(acts(&mut dashboard), [ShopAct::OrderCart(CartId(5))]);
    dashboard.keys("Xy");
    assert_eq!(acts(&mut dashboard), [ShopAct::AbandonCart(CartId(5))]);
}

#[test]
fn the_cursor_stays_on_its_order_when_another_one_comes() {
    let mut dashboard = opened(WIDE);
    dashboard.keys("j");

    let three = [4, 3, 2].map(|id| order(id, OrderState::New)).to_vec();
    dashboard.answer(sheet(three)).keys("\n");

    assert!(dashboard.screen().join("\n").contains("order 2, RM 12.40: new -> confirmed?"));
}

#[test]
fn orders_and_carts_are_typed_by_sku_and_what_is_refused_stays_in_its_field() {
    let mut dashboard = opened(WIDE);
    dashboard.keys("cteh*2 'roti canai'@3\n");
    assert_eq!(acts(&mut dashboard), [ShopAct::Order(draft(&["teh*2", "roti canai@3"]))]);

    dashboard.keys("c").dispatch(Msg::Paste("teh*2\nkopi\n".to_owned())).keys("\n");
    assert_eq!(acts(&mut dashboard), [ShopAct::Order(draft(&["teh*2", "kopi"]))], "both lines");

    dashboard.keys("nteh*x\n");
    assert!(dashboard.screen().join("\n").contains("`x` is not a quantity"));
    dashboard.key(Key::Backspace).keys("4\n");
    let Some(WriteRequest::Shop(write)) = dashboard.acts().pop() else { panic!("{:?}", dashboard.model.prompt) };
    assert_eq!(write.act, ShopAct::Cart(draft(&["teh*4"])));
    let why = EffectError::Other("no catalogue has `teh`".to_owned());
    dashboard.answer(Completion::Written { request: WriteRequest::Shop(write), outcome: Err(why) });
    let screen = dashboard.screen().join("\n");
    assert!(screen.contains("cart of Siti Aminah: teh*4_") && screen.contains("no catalogue has `teh`"), "{screen}");

    dashboard.key(Key::Esc).keys("e-teh\n");
    assert!(matches!(acts(&mut dashboard)[..], [ShopAct::EditOrder(OrderId(3), _)]));
}

/// The activity with one line: an order of a number that is in no blast.
fn of_a_stranger() -> TestDashboard {
    let place = ActivityPosition { at: at(14, 0), source: ActivitySource::Reply, id: 40 };
    let kind = "order".to_owned();
    let event = ActivityEvent::Reply {
        id: ReplyId(40),
        kind,
        text: "teh×2".to_owned(),
        file: None,
        no_file: None,
        written_at: noon(),
    };
    let (phone, name) = (Some(people()[0].phone.clone()), Some("Siti Aminah".to_owned()));
    let line = ActivityRow { place, blast: None, tag: None, stage: None, recipient: None, phone, name, event };
    let mut dashboard = TestDashboard::new(WIDE);
    dashboard.keys("4");
    let (ticket, page) = (dashboard.model.activity.ticket, ActivityPage { rows: vec![line], people: Vec::new() });
    dashboard.answer(Completion::Activity { ticket, before: None, limit: 30, page: Ok(page) }).dispatch(Msg::Drawn);
    dashboard.taken();
    dashboard
}

#[test]
fn an_order_of_somebody_in_no_blast_goes_through_its_steps_from_the_activity() {
    for key in ["\n", "i"] {
        let mut dashboard = of_a_stranger();
        dashboard.keys(key);
        assert_eq!(dashboard.taken(), [Effect::Read(ReadRequest::Customer(people()[0].phone.clone()))]);
        let alone = OrderRow { blast_id: None, blast_tag: None, recipient_id: None, ..order(3, OrderState::New) };
        dashboard.answer(sheet(vec![alone.clone()])).taken();

        dashboard.keys("\ny");

        let Some(WriteRequest::Shop(write)) = dashboard.acts().pop() else { panic!("{}", dashboard.said()) };
        assert_eq!((write.person, &write.act), (None, &ShopAct::MoveOrder(OrderId(3), OrderState::Confirmed)));
        let moved = OrderRow { state: OrderState::Confirmed, ..alone };
        let outcome = Ok(WriteOutcome::Shop(stepped(moved, "")));
        dashboard.answer(Completion::Written { request: WriteRequest::Shop(write), outcome });
        assert_eq!(dashboard.said(), "Siti Aminah: order 3, RM 12.40 is confirmed, by you");
        assert!(dashboard.taken().contains(&Effect::Read(ReadRequest::Customer(people()[0].phone.clone()))));
        dashboard.keys("Xy");
        assert_eq!(acts(&mut dashboard), [ShopAct::MoveOrder(OrderId(3), OrderState::Cancelled)]);
    }
}

#[test]
fn nothing_new_is_ordered_for_somebody_in_no_blast() {
    let mut dashboard = of_a_stranger();
    dashboard.keys("i").answer(sheet(Vec::new()));
    for key in ["c", "n"] {
        dashboard.keys(key);
        assert_eq!(dashboard.said(), "they are in no blast: orders and carts are written for somebody in one");
        assert!(dashboard.model.prompt.is_none());
    }
}

#[test]
fn tab_after_c_takes_what_they_bought_in_place_of_an_amount() {
    let mut dashboard = TestDashboard::new(WIDE);
    dashboard.keys("3c").key(Key::Tab);
    assert!(dashboard.line(28).contains("esc no order: they stay closed"), "{}", dashboard.line(28));
    dashboard.keys("teh*2\n");
    assert_eq!(acts(&mut dashboard), [ShopAct::OrderOfClose(draft(&["teh*2"]))]);

    // An amount that was begun is not lost: tab keeps it and goes on, as any key does.
    dashboard.keys("c12").key(Key::Tab);
    assert!(!matches!(dashboard.model.prompt, Some(Prompt::Items(_))));
    assert!(dashboard.acts().iter().any(|act| matches!(act, WriteRequest::Mark { .. })));
}
