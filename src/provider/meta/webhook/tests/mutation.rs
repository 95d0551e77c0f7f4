//! Requests of which one item was changed at random: the others are read as if nothing had happened.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{any_json, now, parse};

/// Every kind of item that Meta documents, each of a person of its own.
fn recorded() -> Vec<(&'static str, Value)> {
    let person = |n: usize| format!("6012345678{n}");
    let message = |n: usize, kind: &str, content: Value| {
        let mut item =
            json!({ "from": person(n), "id": format!("wamid.M{n}"), "timestamp": "1750030073", "type": kind });
        item[kind] = content;
        item["context"] = json!({ "from": "15550783881", "id": format!("wamid.A{n}") });
        item
    };
    let order = json!({ "catalog_id": "194836987003835", "text": "", "product_items": [
        { "product_retailer_id": "sku", "quantity": 2, "item_price": 19.99, "currency": "MYR" }] });
    let reply = json!({ "type": "button_reply", "button_reply": { "id": "b1", "title": "Yes" } });
    vec![
        (
            "statuses",
            json!({ "id": "wamid.A0", "status": "delivered", "timestamp": "1750030073",
            "recipient_id": person(0), "biz_opaque_callback_data": "blastdeck:a1:42:981:1:1790000000123456",
            "pricing": { "billable": true, "pricing_model": "PMP", "type": "regular", "category": "marketing" } }),
        ),
        (
            "statuses",
            json!({ "id": "wamid.A1", "status": "failed", "timestamp": "1750030073",
            "recipient_id": person(1), "recipient_user_id": "MY.1a", "errors": [{ "code": 131_049, "title": "Not delivered",
                "error_data": { "details": "To maintain healthy ecosystem engagement" } }] }),
        ),
        ("messages", message(2, "text", json!({ "body": "Ya, nak! \u{1f600}" }))),
        ("messages", message(3, "button", json!({ "payload": "STOP", "text": "No more" }))),
        ("messages", message(4, "interactive", reply)),
        ("messages", message(5, "order", order)),
        ("messages", message(6, "image", json!({ "id": "2754859441498128", "caption": "resit" }))),
        (
            "messages",
            message(
                7,
                "system",
                json!({ "wa_id": person(7), "user_id": "MY.7b", "previous_user_id": "MY.7a",
            "body": "User Aina changed from MY.7a to MY.7b", "type": "user_changed_user_id" }),
            ),
        ),
        (
            "user_preferences",
            json!({ "wa_id": person(8), "category": "marketing_messages", "value": "stop",
            "timestamp": 1_731_705_721 }),
        ),
        (
            "user_preferences",
            json!({ "wa_id": person(9), "category": "marketing_messages", "value": "resume",
            "timestamp": 1_731_705_722 }),
        ),
    ]
}

/// A change as it stands in the text of the request.
#[derive(Debug, Clone)]
enum Mutation {
    /// Another value in one place.
    Replaced(Value),
    Removed,
    /// Text that a parser refuses as a whole, or nearly.
    Raw(String),
}

fn any_mutation() -> impl Strategy<Value = Mutation> {
    let raw = prop::sample::select(vec![
        r#""\ud83d""#.to_owned(),
        r#""Aina \uDE00\ud83d""#.to_owned(),
        "1e400".to_owned(),
        "-1E999".to_owned(),
        "\"a\u{0}b\n\"".to_owned(),
        format!("{}{}", "[".repeat(200), "]".repeat(200)),
        format!("{}1{}", "{\"a\":".repeat(150), "}".repeat(150)),
    ]);
    prop_oneof![any_json().prop_map(Mutation::Replaced), Just(Mutation::Removed), raw.prop_map(Mutation::Raw)]
}

/// The pointers to every value within.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match value {
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(n, item)| places(item, &format!("{at}/{n}"), found));
        }
        Value::Object(fields) => fields.iter().for_each(|(key, field)| places(field, &format!("{at}/{key}"), found)),
        _ => {}
    }
}

/// The text of a request with all of them, in which this one was changed.
fn request(items: &[(&str, Value)], changed: Option<(usize, usize, &Mutation)>) -> String {
    const HOLE: &str = "the changed place";
    let mut items = items.to_vec();
    let mut raw = String::new();
    if let Some((which, place, mutation)) = changed {
        let item = &mut items[which].1;
        let mut all = Vec::new();
        places(item, "", &mut all);
        let place = &all[place % all.len()];
        let at = item.pointer_mut(place).unwrap();
        match mutation {
            Mutation::Replaced(value) => *at = value.clone(),
            Mutation::Raw(text) => (*at, raw) = (json!(HOLE), text.clone()),
            Mutation::Removed => match place.rsplit_once('/') {
                Some((parent, key)) => match item.pointer_mut(parent).unwrap() {
                    Value::Object(fields) => drop(fields.remove(key)),
                    other => *other = json!([]),
                },
                None => *at = Value::Null,
            },
        }
    }
    let of =
        |key: &str| items.iter().filter(|(list, _)| *list == key).map(|(_, item)| item.clone()).collect::<Vec<_>>();
    let change = |keys: &[&str]| {
        let mut value =
            json!({ "messaging_product": "whatsapp", "metadata": { "phone_number_id": "106540352242922" } });
        for key in keys {
            value[*key] = Value::Array(of(key));
        }
        json!({ "field": keys[0], "value": value })
    };
    let changes = [change(&["messages", "statuses"]), change(&["user_preferences"])];
    let body =
        json!({ "object": "whatsapp_business_account", "entry": [{ "id": "102290129340398", "changes": changes }] });
    body.to_string().replace(&json!(HOLE).to_string(), &raw)
}

/// What is read of one person.
fn read_of(body: &str, person: usize) -> Vec<String> {
    let items = parse(body.as_bytes(), now());
    let events = items.iter().map(|item| format!("{:?}", item.event));
    events.filter(|event| event.contains(&format!("6012345678{person}\""))).collect()
}

proptest! {
    #[test]
    fn whatever_becomes_of_one_item_the_others_of_its_request_are_read(
        which in 0..10_usize, place in any::<usize>(), mutation in any_mutation(),
    ) {
        let items = recorded();
        let (whole, changed) = (request(&items, None), request(&items, Some((which, place, &mutation))));

        for other in (0..items.len()).filter(|other| *other != which) {
            let expected = read_of(&whole, other);
            prop_assert!(!expected.is_empty(), "{other} is read at all");
            prop_assert_eq!(read_of(&changed, other), expected, "{} of {}", other, changed);
        }
    }
}
