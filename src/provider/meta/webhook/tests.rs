use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::domain::ids::{BlastId, RecipientId};
use crate::provider::ProviderStage;

mod accounts;
mod inbound;
mod mutation;

fn now() -> DateTime<Utc> {
    "2026-06-15T04:00:00Z".parse().unwrap()
}

fn at(seconds: i64) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(seconds, 0)
}

/// A webhook of one change.
fn webhook(field: &str, value: Value) -> Value {
    let mut change = json!({ "field": field });
    change["value"] = value;
    json!({ "object": "whatsapp_business_account", "entry": [{ "id": "102290129340398", "changes": [change] }] })
}

/// A `messages` change with the usual metadata.
fn value(key: &str, items: Value) -> Value {
    let mut value = json!({ "messaging_product": "whatsapp",
        "metadata": { "display_phone_number": "15550783881", "phone_number_id": "106540352242922" } });
    value[key] = items;
    value
}

fn events(body: &Value) -> Vec<WebhookEvent> {
    parse(body.to_string().as_bytes(), now()).into_iter().map(|item| item.event).collect()
}

fn one(field: &str, value: Value) -> WebhookEvent {
    let mut events = events(&webhook(field, value));
    assert_eq!(events.len(), 1, "{events:?}");
    events.remove(0)
}

fn status_of(item: Value) -> StatusEvent {
    match one("messages", value("statuses", Value::Array(vec![item]))) {
        WebhookEvent::Status(status) => *status,
        other => panic!("{other:?}"),
    }
}

/// The code that a failure is judged by.
fn code(status: &StatusEvent) -> Option<String> {
    status.strictest_error().map(MetaError::code_text)
}

fn is_unreadable(event: &WebhookEvent, because: &str) -> bool {
    matches!(event, WebhookEvent::Unreadable { why, .. } if why == because)
}

#[test]
fn a_status_of_the_wire_page_is_read_whole() {
    let item = json!({ "id": "wamid.A1", "status": "delivered", "timestamp": "1750030073",
        "recipient_id": "60123456789", "biz_opaque_callback_data": "blastdeck:a1:42:981:1:1790000000123456",
        "pricing": { "billable": true, "pricing_model": "PMP", "type": "regular", "category": "marketing" } });

    let items = parse(webhook("messages", value("statuses", json!([item]))).to_string().as_bytes(), now());

    let [WebhookItem { origin, event: WebhookEvent::Status(status) }] = &items[..] else { panic!("{items:?}") };
    assert_eq!(origin.waba_id.as_deref(), Some("102290129340398"));
    assert_eq!(origin.phone_number_id.as_deref(), Some("106540352242922"));
    assert_eq!((status.message_id.as_str(), status.status.as_str()), ("wamid.A1", "delivered"));
    assert_eq!((status.stage, status.at), (Some(ProviderStage::Delivered), at(1_750_030_073)));
    assert_eq!(status.recipient.phone.as_deref(), Some("60123456789"));
    let callback = status.callback.as_ref().unwrap();
    assert_eq!((callback.blast, callback.recipient, callback.attempt), (BlastId(42), RecipientId(981), 1));
    let pricing = status.pricing.as_ref().unwrap();
    assert_eq!((pricing.is_billable, pricing.category.as_deref()), (Some(true), Some("marketing")));
}

#[test]
fn a_failure_has_its_code_and_sentence() {
    let error = json!({ "code": 131_049, "title": "Not delivered", "message": "Not delivered",
        "error_data": { "details": "To maintain healthy ecosystem engagement" }, "href": "https://x.example" });

    let status = status_of(json!({ "id": "wamid.A1", "status": "failed", "timestamp": "1750030073",
        "recipient_id": "60123456789", "errors": [error] }));

    assert_eq!((status.stage, code(&status).as_deref()), (Some(ProviderStage::Failed), Some("131049")));
    assert_eq!(status.errors[0].message, "Not delivered: To maintain healthy ecosystem engagement");
}

#[test]
fn of_several_errors_the_one_that_asks_for_the_most_caution_counts_wherever_it_stands() {
    let failed = |codes: &[i64]| {
        let errors: Vec<Value> = codes.iter().map(|code| json!({ "code": code })).collect();
        code(&status_of(json!({ "id": "wamid.A1", "status": "failed", "errors": errors })))
    };

    for (codes, strictest) in [
        (&[131_026, 131_050][..], "131050"),
        (&[131_050, 131_026], "131050"),
        (&[131_031, 131_050, 132_015], "131050"),
        (&[131_026, 132_015, 131_031], "131031"),
        (&[131_026, 131_049], "131049"),
        (&[131_049, 131_026, 999_999], "999999"),
        (&[131_049, 131_047], "131047"),
        (&[131_053, 131_052], "131053"),
    ] {
        assert_eq!(failed(codes).as_deref(), Some(strictest), "{codes:?}");
    }
    let nameless = status_of(json!({ "id": "wamid.A1", "status": "failed", "errors": ["Oops", { "code": 131_026 }] }));
    assert_eq!(code(&nameless).as_deref(), Some("131026"), "an error without a code says least");
}

#[test]
fn numbers_come_as_text_and_text_as_numbers() {
    let status = status_of(
        json!({ "id": "wamid.A1", "status": "read", "timestamp": 1_750_030_073, "recipient_id": 60_123_456_789_u64,
        "pricing": { "billable": "false", "category": 7 }, "errors": [{ "code": "131026" }],
        "biz_opaque_callback_data": 5 }),
    );

    assert_eq!((status.at, status.recipient.phone.as_deref()), (at(1_750_030_073), Some("60123456789")));
    assert_eq!(status.pricing.as_ref().and_then(|pricing| pricing.is_billable), Some(false));
    assert_eq!(code(&status).as_deref(), Some("131026"));
    assert_eq!((status.callback, status.callback_text.as_deref()), (None, Some("5")));
}

#[test]
fn an_id_within_the_business_is_learned_and_never_taken_for_a_number() {
    let both =
        json!({ "id": "wamid.A1", "status": "sent", "recipient_id": "60123456789", "recipient_user_id": "MY.1a2B" });
    let only_id = json!({ "id": "wamid.A2", "status": "sent", "recipient_id": "MY.9z", "timestamp": "1" });

    let events = events(&webhook("messages", value("statuses", json!([both, only_id, both]))));

    let id = |text: &str| BusinessUserId::new(text).unwrap();
    let learned = PersonIdentity { phone: "60123456789".to_owned(), user_id: id("MY.1a2B") };
    assert_eq!(events[0], WebhookEvent::Identity(learned), "once, and before what it explains");
    assert_eq!(events.len(), 4);
    let WebhookEvent::Status(status) = &events[2] else { panic!("{events:?}") };
    assert_eq!(status.recipient, WebhookPerson { phone: None, user_id: Some(id("MY.9z")) });
    assert_eq!(status.at, None, "1970 is not believed");
    for text in ["60123456789", "my.1", "MY.", "MYS.1", "MY.a b", ".a", "MY.é", &format!("MY.{}", "a".repeat(129))] {
        assert_eq!(BusinessUserId::new(text), None, "{text}");
    }
}

#[test]
fn what_is_not_a_known_stage_changes_nothing_and_is_kept() {
    for word in ["deleted", "warning", "some_day"] {
        let status = status_of(json!({ "id": "wamid.A1", "status": word }));
        assert_eq!((status.stage, status.status.as_str()), (None, word));
    }
    assert_eq!(status_of(json!({ "id": "wamid.A1", "status": "played" })).stage, Some(ProviderStage::Read));
}

#[test]
fn a_bad_item_never_spoils_the_others() {
    let good = json!({ "id": "wamid.A1", "status": "sent" });
    let bad = [
        (json!({ "status": "sent" }), "a status without a message id"),
        (json!({ "id": "wamid.A2" }), "a status without its word"),
        (json!({ "id": "x".repeat(300), "status": "sent" }), "a status without a message id"),
        (json!(null), "a status without a message id"),
        (json!("sent"), "a status without a message id"),
        (json!([[]]), "a status without a message id"),
    ];
    for (item, why) in bad {
        let events = events(&webhook("messages", value("statuses", json!([good, item, good]))));
        assert!(matches!(events[..], [WebhookEvent::Status(_), _, WebhookEvent::Status(_)]), "{events:?}");
        assert!(is_unreadable(&events[1], why), "{events:?}");
    }
    let mut body = webhook("messages", value("statuses", json!([good])));
    let entry = body["entry"][0].clone();
    body["entry"] =
        json!([3, { "id": "1" }, { "changes": [null, { "field": "messages" }, entry["changes"][0]] }, entry]);
    let read = events(&body);
    assert_eq!(read.iter().filter(|event| matches!(event, WebhookEvent::Status(_))).count(), 2);
    assert_eq!(read.iter().filter(|event| matches!(event, WebhookEvent::Unreadable { .. })).count(), 4);
}

#[test]
fn all_entries_changes_and_items_are_walked() {
    let statuses: Vec<_> = (0..3).map(|n| json!({ "id": format!("wamid.{n}"), "status": "sent" })).collect();
    let change = json!({ "field": "messages", "value": value("statuses", json!(statuses)) });
    let entry = |id: &str| json!({ "id": id, "time": 1_750_030_073, "changes": [change, change] });
    let body = json!({ "object": "whatsapp_business_account", "entry": [entry("1"), entry("2")] });

    let items = parse(body.to_string().as_bytes(), now());

    assert_eq!(items.len(), 12);
    assert_eq!(items[11].origin.waba_id.as_deref(), Some("2"));
    assert_eq!(items[11].origin.at, at(1_750_030_073));
}

#[test]
fn errors_outside_of_any_item_stand_beside_the_items() {
    let mut both = value("statuses", json!([{ "id": "wamid.A1", "status": "sent" }]));
    both["errors"] = json!([{ "code": 131_000, "title": "Something went wrong" }]);

    let events = events(&webhook("messages", both));

    let [WebhookEvent::Error(error), WebhookEvent::Status(_)] = &events[..] else { panic!("{events:?}") };
    assert_eq!(error.code, Some(131_000));
    assert!(matches!(one("messages", json!({ "errors": [{ "code": 1 }] })), WebhookEvent::Error(_)));
}

#[test]
fn a_field_or_object_that_is_not_known_is_kept_as_it_came() {
    let calls = json!({ "calls": [{ "id": "wacid.A" }] });
    assert_eq!(one("calls", calls.clone()), WebhookEvent::Other { field: "calls".to_owned(), value: calls.clone() });
    assert_eq!(one("messages", calls.clone()), WebhookEvent::Other { field: "messages".to_owned(), value: calls });
    let page = json!({ "object": "page", "entry": [] });
    assert_eq!(events(&page), [WebhookEvent::Other { field: "page".to_owned(), value: page }]);
    assert!(events(&webhook("messages", value("statuses", json!([])))).is_empty());
    assert!(is_unreadable(&one("messages", value("statuses", json!({}))), "items that are not a list"));
}

#[test]
fn a_body_that_is_no_webhook_is_one_unreadable_item() {
    for (body, why) in [
        (&b""[..], "an empty body"),
        (b"<html>", "an HTML page"),
        (b"{", "a body that is not JSON"),
        (b"{}", "a webhook without entries"),
        (b"\xff\xfe", "a body that is not JSON"),
    ] {
        let items = parse(body, now());
        assert!(items.len() == 1 && is_unreadable(&items[0].event, why), "{items:?}");
    }
}

#[test]
fn escapes_and_odd_bytes_are_read_like_any_text() {
    let body = br#"{"entry":[{"changes":[{"field":"messages","value":{"messages":[{"from":"60123456789","id":"wamid.A",
        "type":"text","text":{"body":"caf\u00e9 \ud83d\ude00"}}]}}]}]}"#;

    let items = parse(body, now());

    let WebhookEvent::Message(message) = &items[0].event else { panic!("{items:?}") };
    assert_eq!(message.content, InboundContent::Text("café 😀".to_owned()));
}

#[test]
fn a_value_that_no_json_parser_takes_costs_itself_alone() {
    let good = json!({ "id": "wamid.A1", "status": "sent" });
    let deep = format!("{}1{}", "[".repeat(300), "]".repeat(300));
    let odd = [r#""Aina \ud83d""#, r#""\udE00 \uD83d\uD83D\uDe00""#, "1e400", "-2.5E+999", deep.as_str()];
    for odd in odd {
        let mut change = value("statuses", json!([good, good]));
        change["contacts"] = json!(["odd"]);
        change["statuses"][1]["pricing"] = json!("odd");
        let body = webhook("messages", change).to_string().replace("\"odd\"", odd);

        let items = parse(body.as_bytes(), now());

        let events: Vec<_> = items.iter().map(|item| &item.event).collect();
        assert!(matches!(events[..], [WebhookEvent::Status(_), WebhookEvent::Status(_)]), "{events:?} of {body}");
    }
    let named = br#"{"entry":[{"changes":[{"field":"messages","value":{"contacts":[{"wa_id":"60123456789","profile":
        {"name":"Aina \ud83d\u0041 \\ud83d \ud83d\ude00"}}],"messages":[{"from":"60123456789","id":"wamid.A",
        "type":"text","text":{"body":"Hi"}}]}}]}]}"#;
    let items = parse(named, now());
    let WebhookEvent::Message(message) = &items[0].event else { panic!("{items:?}") };
    assert_eq!(message.name.as_deref(), Some("Aina \u{fffd}A \\ud83d 😀"));
}

/// JSON of any shape out of words that webhooks use.
fn any_json() -> impl Strategy<Value = Value> {
    let word = prop::sample::select(vec![
        "object",
        "entry",
        "changes",
        "field",
        "value",
        "messages",
        "statuses",
        "contacts",
        "id",
        "status",
        "type",
        "text",
        "body",
        "from",
        "errors",
        "code",
        "user_preferences",
        "system",
        "order",
        "account_update",
        "event",
        "interactive",
        "whatsapp_business_account",
        "60199999999",
        "MY.1",
        "sent",
        "image",
    ]);
    let leaf = prop_oneof![
        word.clone().prop_map(|word| json!(word)),
        any::<i64>().prop_map(|number| json!(number)),
        Just(json!(null)),
        Just(json!(1.5)),
    ];
    leaf.prop_recursive(8, 60, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::vec((word.clone(), inner), 0..5).prop_map(|fields| {
                Value::Object(fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
            }),
        ]
    })
}

proptest! {
    #[test]
    fn no_body_makes_it_panic(body in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse(&body, now());
    }

    #[test]
    fn no_json_makes_it_panic_and_nothing_is_dropped_silently(items in prop::collection::vec(any_json(), 0..5)) {
        for key in ["statuses", "messages", "user_preferences"] {
            let field = if key == "user_preferences" { key } else { "messages" };
            let events = events(&webhook(field, value(key, Value::Array(items.clone()))));
            let read = events.iter().filter(|event| !matches!(event, WebhookEvent::Identity(_))).count();
            prop_assert_eq!(read, items.len());
        }
    }

    #[test]
    fn no_change_makes_it_panic(value in any_json(), field in 0..7_usize) {
        let fields = [
            "messages", "account_update", "message_template_status_update", "message_template_quality_update",
            "template_category_update", "phone_number_quality_update", "business_capability_update",
        ];
        let _ = events(&webhook(fields[field], value));
    }
}
