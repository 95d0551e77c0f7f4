use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::*;
use crate::domain::ids::MessageId;

fn message_of(fields: &Value) -> InboundMessage {
    let mut item = json!({ "from": "60123456789", "id": "wamid.B1", "timestamp": "1750030073" });
    for (key, field) in fields.as_object().unwrap() {
        item[key] = field.clone();
    }
    match one("messages", value("messages", json!([item]))) {
        WebhookEvent::Message(message) => *message,
        other => panic!("{other:?}"),
    }
}

fn content(fields: &Value) -> InboundContent {
    message_of(fields).content
}

#[test]
fn a_text_is_read_with_who_wrote_it_and_what_it_answers() {
    let item = json!({ "from": "60123456789", "id": "wamid.B1", "timestamp": "1750030073", "type": "text",
        "text": { "body": " Ya, nak! \n" },
        "context": { "from": "15550783881", "id": "wamid.A1", "forwarded": true } });
    let mut value = value("messages", json!([item]));
    value["contacts"] = json!([{ "profile": { "name": "Aina" }, "wa_id": "60123456789", "user_id": "MY.1a" }]);

    let events = events(&webhook("messages", value));

    let [WebhookEvent::Identity(identity), WebhookEvent::Message(message)] = &events[..] else { panic!("{events:?}") };
    assert_eq!((identity.phone.as_str(), identity.user_id.as_str()), ("60123456789", "MY.1a"));
    assert_eq!(message.content, InboundContent::Text(" Ya, nak! \n".to_owned()));
    assert_eq!((message.name.as_deref(), message.at), (Some("Aina"), at(1_750_030_073)));
    assert_eq!(message.quoted.as_ref().map(MessageId::as_str), Some("wamid.A1"));
    assert!(message.is_forwarded && message.content.is_reply());
}

#[test]
fn a_text_that_stands_bare_is_read_and_a_groups_message_is_nobodys_reply() {
    assert_eq!(content(&json!({ "type": "text", "text": "STOP" })), InboundContent::Text("STOP".to_owned()));
    let item = json!({ "from": "60123456789", "group_id": "Y2FwaV9ncm91cDox", "id": "wamid.B1", "type": "text",
        "text": { "body": "STOP" } });

    let event = one("messages", value("messages", json!([item])));

    assert!(matches!(event, WebhookEvent::Other { .. }), "{event:?}");
}

#[test]
fn a_group_that_is_null_is_none() {
    let item = json!({ "from": "60123456789", "group_id": null, "id": "wamid.B1", "type": "text",
        "text": { "body": "STOP" } });

    let event = one("messages", value("messages", json!([item])));

    assert!(matches!(event, WebhookEvent::Message(_)), "{event:?}");
}

#[test]
fn a_reason_that_stands_alone_is_read_as_a_list_of_one() {
    let item =
        json!({ "id": "wamid.A1", "status": "failed", "timestamp": "1750030073", "errors": { "code": 131_050 } });

    let WebhookEvent::Status(status) = one("messages", value("statuses", json!([item]))) else { panic!() };

    assert_eq!(status.strictest_error().and_then(|error| error.code), Some(131_050));
}

#[test]
fn somebody_without_a_number_is_known_by_their_id() {
    let text = json!({ "from_user_id": "MY.1a", "id": "wamid.B1", "type": "text", "text": { "body": "STOP" } });

    let WebhookEvent::Message(message) = one("messages", value("messages", json!([text]))) else { panic!() };
    assert_eq!((message.from.phone.as_deref(), message.from.user_id.unwrap().as_str()), (None, "MY.1a"));

    let mut with_contact = value("messages", json!([text]));
    with_contact["contacts"] =
        json!([{ "user_id": "MY.1a", "wa_id": "60123456789", "profile": { "username": "aina" } }]);
    let events = events(&webhook("messages", with_contact));
    let WebhookEvent::Message(message) = &events[1] else { panic!("{events:?}") };
    assert_eq!((message.from.phone.as_deref(), message.name.as_deref()), (Some("60123456789"), Some("aina")));
}

#[test]
fn a_name_is_found_by_any_of_what_is_known_of_a_person() {
    let text = json!({ "from": "60123456789", "from_user_id": "MY.1a", "id": "wamid.B1", "type": "text",
        "text": { "body": "Hi" } });
    let mut value = value("messages", json!([text]));
    value["contacts"] = json!([{ "wa_id": "60111111111", "profile": { "name": "Badrul" } },
        { "wa_id": "60123456789", "profile": { "name": "Aina" } }]);

    let read = events(&webhook("messages", value));

    let Some(WebhookEvent::Message(message)) = read.last() else { panic!("{read:?}") };
    assert_eq!(message.name.as_deref(), Some("Aina"));
}

#[test]
fn a_message_without_a_type_is_read_by_the_one_content_that_it_has() {
    let text = json!({ "text": { "body": "STOP" } });
    assert_eq!(content(&text), InboundContent::Text("STOP".to_owned()));
    let button = json!({ "type": "", "button": { "text": "Stop" }, "context": { "id": "wamid.A1" } });
    assert!(matches!(content(&button), InboundContent::Button { .. }));
    let image = json!({ "image": { "id": "1" }, "errors": [] });
    assert!(matches!(content(&image), InboundContent::Media(_)));
    for unclear in [json!({}), json!({ "text": { "body": "a" }, "button": { "text": "b" } }), json!({ "text": 7 })] {
        assert!(matches!(content(&unclear), InboundContent::Other { .. }), "{unclear}");
    }
}

#[test]
fn buttons_lists_and_forms_are_read() {
    let button = content(&json!({ "type": "button", "button": { "payload": "STOP", "text": "No more" } }));
    assert_eq!(button, InboundContent::Button { text: "No more".to_owned(), payload: Some("STOP".to_owned()) });

    let reply = json!({ "type": "button_reply", "button_reply": { "id": "b1", "title": "Yes" } });
    let reply = json!({ "type": "interactive", "interactive": reply });
    assert_eq!(content(&reply), InboundContent::ButtonReply { id: "b1".to_owned(), title: "Yes".to_owned() });

    let reply = json!({ "list_reply": { "id": 7, "title": "Large", "description": "40 cm" } });
    let reply = json!({ "interactive": reply, "type": "interactive" });
    let InboundContent::ListReply { id, title, description } = content(&reply) else { panic!() };
    assert_eq!((id.as_str(), title.as_str(), description.as_deref()), ("7", "Large", Some("40 cm")));

    let form = json!({ "type": "interactive", "interactive": { "type": "nfm_reply",
        "nfm_reply": { "name": "flow", "body": "Sent", "response_json": "{\"a\":1}" } } });
    let InboundContent::Form(form) = content(&form) else { panic!() };
    assert_eq!((form.response.as_str(), form.body.as_deref()), ("{\"a\":1}", Some("Sent")));
}

#[test]
fn media_has_its_id_and_caption() {
    let image = json!({ "id": 2_754_859_441_498_128_u64, "mime_type": "image/jpeg", "caption": "resit" });
    let image = json!({ "type": "image", "image": image });
    let image = content(&image);
    let InboundContent::Media(media) = &image else { panic!() };
    assert_eq!((media.kind, media.id.as_str()), (MediaKind::Image, "2754859441498128"));
    assert_eq!(image.words(), "(picture) resit");

    let voice = content(&json!({ "type": "audio", "audio": { "id": "1", "voice": true } }));
    assert!(matches!(&voice, InboundContent::Media(media) if media.is_voice));
    assert_eq!(voice.words(), "(voice message)");
    let document = content(&json!({ "type": "document", "document": { "id": "1", "filename": "slip.pdf" } }));
    assert_eq!(document.words(), "(document) slip.pdf");
}

#[test]
fn an_order_keeps_prices_as_they_were_written() {
    let order = json!({ "catalog_id": "194836987003835", "text": "", "product_items": [
        { "product_retailer_id": "sku", "quantity": 2, "item_price": 30, "currency": "USD" },
        { "product_retailer_id": "kain", "quantity": "1", "item_price": 19.99, "currency": "MYR" },
        { "product_retailer_id": "beg", "quantity": 1, "item_price": "0.10" },
        { "quantity": 1 }, null ] });

    let InboundContent::Order(read) = content(&json!({ "type": "order", "order": order })) else { panic!() };

    assert_eq!((read.items.len(), read.unreadable, read.text.as_deref()), (3, 2, None));
    let prices: Vec<_> = read.items.iter().map(|item| item.price.unwrap().to_string()).collect();
    assert_eq!(prices, ["30", "19.99", "0.10"]);
    assert_eq!(read.items[0].quantity, Decimal::from(2));
    assert_eq!(read.raw, order);
}

#[test]
fn a_reaction_an_edit_and_a_revocation_are_no_new_replies() {
    let reaction = content(&json!({ "type": "reaction", "reaction": { "message_id": "wamid.A1", "emoji": "👍" } }));
    assert!(
        matches!(&reaction, InboundContent::Reaction { message: Some(id), emoji: Some(_) } if id.as_str() == "wamid.A1")
    );
    let edit = json!({ "type": "edit", "edit": { "original_message_id": "wamid.B0", "message": { "type": "text" } } });
    let edit = content(&edit);
    assert!(matches!(&edit, InboundContent::Edit { original: Some(id), .. } if id.as_str() == "wamid.B0"));
    let revoke = content(&json!({ "type": "revoke", "revoke": { "original_message_id": "wamid.B0" } }));
    assert!(matches!(&revoke, InboundContent::Revoke { original: Some(id) } if id.as_str() == "wamid.B0"));
    for content in [reaction, edit, revoke] {
        assert!(!content.is_reply(), "{content:?}");
    }
}

#[test]
fn a_changed_number_or_id_is_learned() {
    let system = json!({ "body": "User A changed from 60123456789 to 60198765432", "wa_id": "60198765432",
        "user_id": "MY.2b", "type": "user_changed_number" });
    let item = json!({ "from": "60123456789", "id": "wamid.B1", "type": "system", "system": system });

    let read = events(&webhook("messages", value("messages", json!([item]))));

    let [WebhookEvent::Identity(identity), WebhookEvent::IdentityChange(change)] = &read[..] else {
        panic!("{read:?}")
    };
    assert_eq!((identity.phone.as_str(), identity.user_id.as_str()), ("60198765432", "MY.2b"));
    assert_eq!((change.phone.as_deref(), change.previous_user_id.as_ref()), (Some("60198765432"), None));
}

#[test]
fn a_system_message_with_a_new_id_is_a_change_whatever_its_type_and_wherever_the_old_one_stands() {
    let change = |item: Value| match one("messages", value("messages", json!([item]))) {
        WebhookEvent::IdentityChange(change) => change,
        other => panic!("{other:?}"),
    };
    let item = |system: Value| json!({ "id": "wamid.B1", "timestamp": "1", "type": "system", "system": system });
    let body = "User Ana from US.9 changed from US.1 to US.2";
    let documented = json!({ "body": body, "user_id": "US.2", "type": "user_changed_user_id" });
    let explicit = json!({ "user_id": "US.2", "previous_user_id": "US.1", "type": "user_changed_user_id" });
    let update = json!({ "type": "user_id_update", "user_id": "US.2", "previous_user_id": "US.1" });
    let mut of_sender = item(json!({ "body": "Ana changed", "user_id": "US.2", "type": "customer_changed_number" }));
    of_sender["from_user_id"] = json!("US.1");
    let mut new_sender = item(documented.clone());
    new_sender["from_user_id"] = json!("US.2");
    for item in [item(documented), item(explicit), item(update), of_sender, new_sender] {
        let change = change(item.clone());
        let ids = (change.user_id.as_ref(), change.previous_user_id.as_ref());
        assert_eq!(
            (ids.0.map(BusinessUserId::as_str), ids.1.map(BusinessUserId::as_str)),
            (Some("US.2"), Some("US.1")),
            "{item}"
        );
    }
    let mut moved = item(json!({ "wa_id": "60198765432", "type": "customer_changed_number" }));
    moved["timestamp"] = json!("1700000000");
    let number = change(moved);
    assert_eq!(number.at, DateTime::from_timestamp(1_700_000_000, 0), "when it changed");
    assert_eq!((number.phone.as_deref(), number.user_id), (Some("60198765432"), None));
}

#[test]
fn a_changed_id_comes_in_a_field_of_its_own_too() {
    let item = json!({ "wa_id": "60123456789", "user_id": { "previous": "MY.2b", "current": "MY.3c" } });

    let read = events(&webhook("user_id_update", value("user_id_update", json!([item]))));

    let [WebhookEvent::Identity(identity), WebhookEvent::IdentityChange(change)] = &read[..] else {
        panic!("{read:?}")
    };
    assert_eq!((identity.phone.as_str(), identity.user_id.as_str()), ("60123456789", "MY.3c"));
    assert_eq!(change.previous_user_id.as_ref().map(BusinessUserId::as_str), Some("MY.2b"));
    let odd = one("user_id_update", value("user_id_update", json!([{ "x": 1 }])));
    assert!(is_unreadable(&odd, "a change of an id that names nobody"), "{odd:?}");
}

#[test]
fn only_a_number_that_was_asked_for_is_taken_for_the_senders_own() {
    let cards = |origin: &str| {
        let item = json!({ "from_user_id": "MY.1a", "id": "wamid.B1", "type": "contacts", "origin": origin,
            "contacts": [{ "phones": [{ "phone": "+60123456789" }] }] });
        events(&webhook("messages", value("messages", json!([item]))))
    };

    let asked = cards("contact_request");
    assert!(matches!(&asked[0], WebhookEvent::Identity(identity) if identity.phone == "60123456789"), "{asked:?}");
    assert!(matches!(cards("other")[..], [WebhookEvent::Message(_)]));
}

#[test]
fn what_is_not_supported_is_no_reply_and_what_is_not_known_is_one_by_its_kind() {
    let errors = json!([{ "code": 131_051, "title": "Message type unknown" }]);
    let message =
        message_of(&json!({ "type": "unsupported", "errors": errors, "unsupported": { "type": "poll_update" } }));
    assert_eq!(message.content, InboundContent::Unsupported { kind: Some("poll_update".to_owned()) });
    assert_eq!(message.errors[0].code, Some(131_051));

    assert!(!message.content.is_reply());

    for (odd, words) in [
        (json!({ "type": "hologram", "hologram": {} }), "(hologram)"),
        (json!({ "type": "interactive", "interactive": { "type": "brand_new" } }), "(brand new)"),
        (json!({ "type": "interactive", "interactive": {} }), "(interactive)"),
        (json!({ "type": "text", "text": {} }), "(text)"),
        (json!({ "type": "image" }), "(image)"),
    ] {
        let content = content(&odd);
        assert!(matches!(content, InboundContent::Other { .. }) && content.is_reply(), "{content:?}");
        assert_eq!(content.words(), words);
    }
    for nobodys in [json!({}), json!({ "type": "system" }), json!({ "type": "request_welcome" })] {
        assert!(!content(&nobodys).is_reply(), "{nobodys}");
    }
}

#[test]
fn locations_and_cards_are_words_for_people() {
    let place =
        content(&json!({ "type": "location", "location": { "latitude": 3.1, "longitude": "101.6", "name": "KLCC" } }));
    assert_eq!(place.words(), "(location) KLCC");
    assert_eq!(content(&json!({ "type": "contacts", "contacts": [{}] })).words(), "(contact)");
}

#[test]
fn a_reply_of_nobody_cannot_be_read() {
    for item in [
        json!({ "id": "wamid.B1", "type": "text", "text": { "body": "Ya" } }),
        json!({ "from": "60123456789" }),
        json!(7),
    ] {
        let event = one("messages", value("messages", json!([item])));
        assert!(matches!(event, WebhookEvent::Unreadable { .. }), "{event:?}");
    }
}

#[test]
fn a_wish_about_marketing_comes_in_two_ways() {
    let item = json!({ "wa_id": "60123456789", "detail": "User requested to stop marketing messages",
        "category": "marketing_messages", "value": "stop", "timestamp": 1_731_705_721 });
    let person = WebhookPerson { phone: Some("60123456789".to_owned()), user_id: None };
    let stop = PreferenceEvent { person, wish: MarketingWish::Stop, at: at(1_731_705_721) };

    let event = one("user_preferences", value("user_preferences", json!([item])));
    assert_eq!(event, WebhookEvent::Preference(stop.clone()));

    let system = json!({ "body": "x", "marketing": "stop", "type": "user_preference_changed" });
    let item = json!({ "from": "60123456789", "id": "wamid.B1", "timestamp": "1731705721", "type": "system",
        "system": system });
    assert_eq!(one("messages", value("messages", json!([item]))), WebhookEvent::Preference(stop));

    let mut of_contact = value("user_preferences", json!([{ "value": "stop", "timestamp": 1_731_705_721 }]));
    of_contact["contacts"] = json!([{ "wa_id": "60123456789", "profile": { "name": "Aina" } }]);
    let WebhookEvent::Preference(read) = one("user_preferences", of_contact) else { panic!() };
    assert_eq!(read.person.phone.as_deref(), Some("60123456789"), "the only contact");

    for odd in [
        json!({ "wa_id": "60123456789", "value": "maybe" }),
        json!({ "value": "stop" }),
        json!({ "wa_id": "60123456789", "value": "stop", "category": "calls" }),
    ] {
        let event = one("user_preferences", value("user_preferences", json!([odd])));
        assert!(matches!(event, WebhookEvent::Unreadable { .. }), "{event:?}");
    }
}
