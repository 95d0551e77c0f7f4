use proptest::prelude::*;
use serde_json::json;

use super::*;

mod refusals;

fn parsed(json: Value) -> TemplateMessage {
    TemplateMessage::try_from(json).unwrap()
}

fn refused(json: Value) -> String {
    TemplateMessage::try_from(json).unwrap_err().to_string()
}

fn aina() -> Variables {
    [("name", "Aina"), ("city", "Bali"), ("sku", "sku-7")].into_iter().collect()
}

fn rendered(json: Value) -> Value {
    parsed(json).render(&aina()).unwrap().as_json().clone()
}

fn with(component: Value) -> Value {
    json!({ "name": "promo", "language": "en_US", "components": Value::Array(vec![component]) })
}

/// What Meta's documentation prints for one component is sent as it is.
fn literal(component: Value) {
    let components = rendered(with(component.clone()))["components"].clone();
    assert_eq!(components, Value::Array(vec![component]));
}

#[test]
fn a_blast_of_the_requirement_becomes_metas_components() {
    let message = parsed(json!({
        "templateName": "tour_package_marketing", "templateLanguage": "en_US",
        "templateVariables": { "1": "Bali", "2": "₹45,000" }
    }));

    let everybody = message.render(&Variables::default()).unwrap();
    let own = [("1", "Bali Premium Package")].into_iter().collect();
    let premium = message.render(&own).unwrap();

    assert_eq!(
        *everybody.as_json(),
        json!({
            "name": "tour_package_marketing", "language": { "code": "en_US" },
            "components": [{ "type": "body", "parameters": [
                { "type": "text", "text": "Bali" }, { "type": "text", "text": "₹45,000" } ] }]
        })
    );
    let texts = &premium.as_json()["components"][0]["parameters"];
    assert_eq!(
        *texts,
        json!([{ "type": "text", "text": "Bali Premium Package" }, { "type": "text", "text": "₹45,000" }])
    );
}

#[test]
fn every_header_that_meta_documents_is_sent_literally() {
    for parameter in [
        json!({ "type": "text", "text": "Aina" }),
        json!({ "type": "text", "parameter_name": "who", "text": "Aina" }),
        json!({ "type": "image", "image": { "link": "https://shop.example/a.png" } }),
        json!({ "type": "image", "image": { "id": "2871834006348767" } }),
        json!({ "type": "video", "video": { "id": "1013859600285441" } }),
        json!({ "type": "document", "document": { "link": "https://shop.example/a.pdf", "filename": "Offer.pdf" } }),
        json!({ "type": "location", "location": {
            "latitude": "37.483307", "longitude": "-122.148981", "name": "Kedai", "address": "1 Jalan Besar" } }),
    ] {
        literal(json!({ "type": "header", "parameters": [parameter] }));
    }
}

#[test]
fn every_button_that_meta_documents_is_sent_literally() {
    let action = json!({ "thumbnail_product_retailer_id": "2lc20305pt" });
    let sections = json!([{ "title": "Popular", "product_items": [{ "product_retailer_id": "2lc20305pt" }] }]);
    let products = json!({ "thumbnail_product_retailer_id": "2lc20305pt", "sections": sections });
    for (kind, index, parameter) in [
        ("quick_reply", json!("1"), json!({ "type": "payload", "payload": "STOP" })),
        ("url", json!("0"), json!({ "type": "text", "text": "abc" })),
        ("COPY_CODE", json!(3), json!({ "type": "coupon_code", "coupon_code": "25OFF" })),
        ("CATALOG", json!(0), json!({ "type": "action", "action": action })),
        ("mpm", json!(0), json!({ "type": "action", "action": products })),
        ("quick_reply", json!(1), json!({ "type": "payload", "payload": "STOP" })),
        ("copy_code", json!("3"), json!({ "type": "coupon_code", "coupon_code": "25OFF" })),
        ("url", json!(0), json!({ "type": "text", "text": "abc", "new": "x" })),
        ("flow", json!("0"), json!({ "type": "action", "action": { "flow_token": "unused" } })),
    ] {
        literal(json!({ "type": "button", "sub_type": kind, "index": index, "parameters": [parameter] }));
    }
    literal(json!({ "type": "button", "sub_type": "CATALOG", "index": 0 }));
}

#[test]
fn what_this_version_does_not_know_is_sent_as_it_was_written_with_its_columns_put_in() {
    let currency =
        json!({ "type": "currency", "currency": { "fallback_value": "$10", "code": "USD", "amount_1000": 10_000 } });
    literal(json!({ "type": "body", "parameters": [currency] }));
    let offer = json!({ "type": "limited_time_offer", "limited_time_offer": { "expiration_time_ms": 1_209_600_000 } });
    literal(json!({ "type": "limited_time_offer", "parameters": [offer] }));
    literal(json!({ "type": "body", "parameters": [{ "type": "text", "text": "a", "new": 1 }] }));

    let text = json!({ "type": "text", "text": "{{name}} in {city}" });
    let card = json!({ "card_index": 0, "components": [{ "type": "body", "parameters": [text] }] });
    let carousel = json!({ "type": "carousel", "cards": [card] });

    assert_eq!(
        rendered(with(carousel.clone()))["components"][0]["cards"][0]["components"][0]["parameters"][0]["text"],
        "Aina in Bali"
    );
    assert_eq!(parsed(with(carousel)).columns(), ["name", "city"]);
}

#[test]
fn what_is_sent_as_it_was_written_is_held_to_the_rules_of_values() {
    let card = |text: &str| {
        let text = json!({ "type": "text", "text": text });
        let card = json!({ "card_index": 0, "components": [{ "type": "body", "parameters": [text] }] });
        with(json!({ "type": "carousel", "cards": [card] }))
    };
    for (text, why) in [
        ("a\nb", "a line break, which Meta refuses in a template's value: write it in one line"),
        ("a\tb", "a tab, which Meta refuses in a template's value: write a space"),
        ("a    b", "four spaces in a row, which Meta refuses in a template's value: write one"),
        (" ", "a value is missing"),
    ] {
        assert_eq!(refused(card(text)), format!("components: {why}"), "{text:?}");
    }
    // Data for a flow is no text that people read.
    let data = json!({ "flow_token": "unused", "flow_action_data": { "note": "a\nb" } });
    literal(json!({ "type": "button", "sub_type": "flow", "index": "0",
        "parameters": [{ "type": "action", "action": data }] }));
}

#[test]
fn braces_of_json_are_no_column() {
    let payload = r#"{"a":1,"b":{"c":"d"}}"#;
    let parameter = json!({ "type": "payload", "payload": payload });
    literal(json!({ "type": "button", "sub_type": "quick_reply", "index": "1", "parameters": [parameter] }));
    let message = parsed(json!({ "name": "promo", "language": "en", "variables": [payload] }));
    assert!(message.columns().is_empty());
}

#[test]
fn amounts_and_dates_may_have_names() {
    let amount = json!({ "type": "currency", "parameter_name": "price",
        "currency": { "fallback_value": "$10", "code": "USD", "amount_1000": 10_000 } });
    let text = json!({ "type": "text", "parameter_name": "city", "text": "Bali" });
    literal(json!({ "type": "body", "parameters": [amount, text] }));

    let mut json = with(json!({ "type": "body", "parameters": [amount] }));
    json["variables"] = json!({ "city": "Bali" });
    let filled = parsed(json).fill_body(&["price".to_owned(), "city".to_owned()]).unwrap();
    let texts = filled.source()["components"][0]["parameters"].clone();
    assert_eq!(texts, json!([amount, text]), "the amount is the value of its name");
}

#[test]
fn the_short_form_of_headers_and_buttons_means_the_same() {
    let short = json!({
        "name": "promo", "language": { "code": "en_US" }, "variables": ["{{name|there}}"],
        "header": { "image": "{{photo|https://shop.example/a.png}}" },
        "buttons": [
            { "type": "url", "text": "{sku}" },
            { "type": "quick_reply", "payload": "STOP", "index": "2" },
            { "type": "copy_code", "code": "RAYA", "index": 1 },
            { "type": "mpm", "index": 3, "sections": [{ "title": "All", "products": ["{{sku}}"] }] },
        ]
    });

    assert_eq!(
        rendered(short)["components"],
        json!([
            { "type": "header",
              "parameters": [{ "type": "image", "image": { "link": "https://shop.example/a.png" } }] },
            { "type": "body", "parameters": [{ "type": "text", "text": "Aina" }] },
            { "type": "button", "sub_type": "url", "index": "0", "parameters": [{ "type": "text", "text": "sku-7" }] },
            { "type": "button", "sub_type": "quick_reply", "index": "2",
              "parameters": [{ "type": "payload", "payload": "STOP" }] },
            { "type": "button", "sub_type": "COPY_CODE", "index": 1,
              "parameters": [{ "type": "coupon_code", "coupon_code": "RAYA" }] },
            { "type": "button", "sub_type": "mpm", "index": 3, "parameters": [{ "type": "action", "action": {
                "sections": [{ "title": "All", "product_items": [{ "product_retailer_id": "sku-7" }] }] } }] },
        ])
    );
}

#[test]
fn named_variables_are_filled_by_name_and_a_persons_own_value_comes_first() {
    let message = parsed(json!({ "name": "promo", "language": "ms",
        "variables": { "city": "Paris", "name": "dear {name}", "price": 45 } }));

    let texts = message.render(&aina()).unwrap().as_json()["components"][0]["parameters"].clone();

    assert_eq!(
        texts,
        json!([
            { "type": "text", "parameter_name": "city", "text": "Bali" },
            // The blast's value uses the column itself.
            { "type": "text", "parameter_name": "name", "text": "dear Aina" },
            { "type": "text", "parameter_name": "price", "text": "45" },
        ])
    );
}

#[test]
fn variables_take_the_place_of_the_components_own() {
    let mut json = with(json!({ "type": "body", "parameters": [{ "type": "text", "text": "a" }] }));
    json["variables"] = json!({ "1": "b", "2": "c" });

    let texts = &rendered(json)["components"][0]["parameters"];

    assert_eq!(*texts, json!([{ "type": "text", "text": "b" }, { "type": "text", "text": "c" }]));
}

#[test]
fn ten_variables_stand_in_the_order_of_their_numbers() {
    let variables: serde_json::Map<_, _> = (1..=11).map(|n| (n.to_string(), json!(format!("v{n}")))).collect();

    let message = rendered(json!({ "name": "promo", "language": "en", "variables": variables }));

    assert_eq!(message["components"][0]["parameters"][9]["text"], "v10");
    assert_eq!(message["components"][0]["parameters"][10]["text"], "v11");
}

#[test]
fn a_variable_without_a_value_comes_from_the_column_of_its_number_or_name() {
    let numbered = parsed(json!({ "name": "promo", "language": "en", "variables": ["a"] }));
    let numbered = numbered.fill_body(&["1".to_owned(), "2".to_owned()]).unwrap();
    let named = parsed(json!({ "name": "promo", "language": "en" })).fill_body(&["city".to_owned()]).unwrap();

    let own = [("2", "b")].into_iter().collect();
    let texts = |message: &TemplateMessage, person: &Variables| {
        message.render(person).map(|message| message.as_json()["components"][0]["parameters"].clone())
    };

    assert_eq!(texts(&numbered, &own), Ok(json!([{ "type": "text", "text": "a" }, { "type": "text", "text": "b" }])));
    assert_eq!(texts(&named, &aina()), Ok(json!([{ "type": "text", "parameter_name": "city", "text": "Bali" }])));
    let error = texts(&numbered, &aina()).unwrap_err().to_string();
    assert_eq!(error, "body {{2}}: 2 is empty: fill it in, or give a default as in {2|there}");
}

#[test]
fn a_value_that_meta_refuses_is_refused_with_the_name_of_its_variable() {
    for (value, why) in [
        ("a\nb", "a line break, which Meta refuses in a template's value: write it in one line"),
        ("a\tb", "a tab, which Meta refuses in a template's value: write a space"),
        ("a    b", "four spaces in a row, which Meta refuses in a template's value: write one"),
    ] {
        let message = json!({ "name": "promo", "language": "en", "variables": { "1": "x", "2": value } });
        assert_eq!(refused(message), format!("body {{{{2}}}}: {why}"));

        let message = parsed(json!({ "name": "promo", "language": "en", "variables": { "1": "x", "2": "{note}" } }));
        for person in [[("note", value)], [("2", value)]] {
            let error = message.render(&person.into_iter().collect()).unwrap_err();
            assert_eq!(error.to_string(), format!("body {{{{2}}}}: {why}"));
        }
    }
    let three = json!({ "name": "promo", "language": "en", "variables": ["a   b"] });
    assert_eq!(rendered(three)["components"][0]["parameters"][0]["text"], "a   b");
}

#[test]
fn values_that_a_column_comes_before_are_named() {
    let template = parsed(json!({
        "templateName": "tour", "templateLanguage": "en",
        "templateVariables": { "1": "Bali", "2": "{2}", "3": "from {city}" }
    }));

    let values = template.values_with_columns();

    let value = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    assert_eq!(values, [value("1", "Bali"), value("3", "from {city}")]);
}

#[test]
fn a_slip_in_a_template_names_its_place() {
    let base = |key: &str, value: Value| {
        let mut json = json!({ "name": "promo", "language": "en" });
        json[key] = value;
        json
    };
    for (json, sentence) in [
        (json!({ "language": "en" }), "template: name is missing"),
        (json!({ "name": "promo" }), "template: language is missing"),
        (
            json!({ "name": "a b", "language": "en" }),
            "name: expected a name as Meta lists it, such as tour_package_marketing",
        ),
        (base("componnets", json!([])), "template: `componnets` is not known here"),
        (base("variables", json!({ "2": "x" })), "body: {{1}} is missing: the numbers begin at 1 and leave none out"),
        (
            base("variables", json!({ "1": "x", "city": "y" })),
            "body: named and numbered variables cannot stand in one template: where they have names, each value has its own (`parameter_name`)",
        ),
        (
            base("variables", json!({ "1": "{name" })),
            "body {{1}}: character 1: `{` is never closed: close it as in {name}, or write {{ for a plain brace",
        ),
        (base("variables", json!({ "1": "" })), "body {{1}}: a value is missing"),
        (base("header", json!({ "image": {} })), "header image: expected either a link or an id"),
        (
            base("header", json!({ "picture": "x", "text": "y" })),
            "header: expected one of text, image, video, document or location",
        ),
        (
            base("buttons", json!([{ "type": "dance" }])),
            "button 0: expected one of quick_reply, url, copy_code, catalog or mpm as its type",
        ),
        (base("buttons", json!([{ "type": "url" }])), "button 0: a value is missing"),
        (
            base("buttons", json!([{ "type": "url", "text": "a", "index": 12 }])),
            "button: expected an index from 0 to 9",
        ),
        (
            base("buttons", json!([{ "type": "url", "text": "a" }, { "type": "url", "text": "b", "index": 0 }])),
            "button 0: it stands there twice",
        ),
        (json!("promo"), "template: expected an object"),
        (
            with(json!({ "type": "BODY", "text": "Hi {{1}}" })),
            "body: this belongs to the definition of a template: give the values only, as in a message",
        ),
        (with(json!({ "type": "body", "parameters": [], "x": 1 })), "body: `x` is not known here"),
    ] {
        assert_eq!(refused(json), sentence);
    }
}

#[test]
fn a_language_is_written_as_meta_writes_it() {
    for (written, meta) in [("en-US", "en_US"), ("EN_us", "en_US"), ("ms", "ms"), (" pt_BR ", "pt_BR"), ("FIL", "fil")]
    {
        assert_eq!(normal_language(written), meta);
    }
}

#[test]
fn an_uploaded_file_takes_the_place_of_the_headers_address() {
    let message = parsed(
        json!({ "name": "promo", "language": "en", "header": { "document": "https://shop.example/offer.pdf" } }),
    );

    let id = MediaSource::Id(ParameterValue::parse("2871834006348767").unwrap());
    let message = message.with_media(&id).render(&aina()).unwrap();

    assert_eq!(message.as_json()["components"][0]["parameters"][0]["document"], json!({ "id": "2871834006348767" }));
}

#[test]
fn braces_that_enclose_no_column_are_left_to_the_rules_of_texts() {
    let text = |value: &str| ParameterValue::parse(value).unwrap().render(&aina());

    assert_eq!(text("{{name}}, {name}").unwrap(), "Aina, Aina");
    assert_eq!(text("{{{name}}}").unwrap(), "{Aina}");
    assert_eq!(text("50 {{ 100").unwrap(), "50 { 100");
    assert_eq!(text("{{ Name }} {{nick|you}}").unwrap(), "Aina you");
}

proptest! {
    #[test]
    fn what_is_stored_reads_to_the_same_message_again(value in "[a-z {}]{0,12}", index in 0..9_u8, kind in 0..5_usize) {
        let (button, key, given) = [
            ("quick_reply", "payload", json!(value)),
            ("url", "text", json!(value)),
            ("copy_code", "code", json!(value)),
            ("catalog", "thumbnail", json!(value)),
            ("mpm", "sections", json!([{ "title": value, "products": [value] }])),
        ][kind].clone();
        let json = json!({ "name": "promo", "language": "en", "variables": { "1": value }, "header": value,
                           "buttons": [{ "type": button, "index": index, key: given }] });
        if let Ok(message) = TemplateMessage::parse(&json) {
            let stored = serde_json::to_string(&message).unwrap();
            prop_assert_eq!(serde_json::from_str::<TemplateMessage>(&stored).unwrap(), message.clone());
            let _ = (message.columns(), message.render(&aina()));
        }
    }

    #[test]
    fn no_value_makes_it_panic(value in any::<String>()) {
        if let Ok(value) = ParameterValue::parse(&value) {
            let _ = value.render(&aina());
        }
    }
}
