use serde_json::{Value, json};

use super::*;

fn templates() -> Vec<FetchedTemplate> {
    let item = |name: &str, language: &str, status: &str, components: Value| {
        let mut item = json!({ "name": name, "language": language, "status": status });
        item["components"] = components;
        FetchedTemplate::read(&item).unwrap()
    };
    let raya = json!([
        { "type": "HEADER", "format": "IMAGE" },
        { "type": "BODY", "text": "{{1}}: only {{2}}" },
        { "type": "BUTTONS", "buttons": [
            { "type": "URL", "url": "https://shop.example/{{1}}" }, { "type": "QUICK_REPLY", "text": "Stop" } ] }
    ]);
    let named = json!([
        { "type": "HEADER", "format": "TEXT", "text": "Hi {{who}}" }, { "type": "BODY", "text": "{{offer}}" } ]);
    vec![
        item("raya_promo", "en_US", "APPROVED", raya.clone()),
        item("raya_promo", "ms", "PAUSED", raya),
        item("named", "ms", "APPROVED", named),
        item("plain", "ms", "APPROVED", json!([{ "type": "BODY", "text": "Salam" }])),
        item("text_header", "ms", "APPROVED", json!([{ "type": "HEADER", "format": "TEXT", "text": "For {{1}}" }])),
        item(
            "offer",
            "ms",
            "APPROVED",
            json!([{ "type": "LIMITED_TIME_OFFER", "limited_time_offer": { "text": "x" } }]),
        ),
        item("cards", "ms", "APPROVED", json!([{ "type": "CAROUSEL", "cards": [] }])),
        item(
            "mixed",
            "ms",
            "APPROVED",
            json!([{ "type": "BUTTONS", "buttons": [
            { "type": "FLOW", "text": "Open" }, { "type": "OTP", "otp_type": "COPY_CODE" }, { "type": "MPM" },
            { "type": "PHONE_NUMBER" } ] }]),
        ),
    ]
}

fn checked(message: Value) -> Result<(), String> {
    let message = TemplateMessage::try_from(message).unwrap();
    check(&message, &templates()).map(drop).map_err(|mismatch| mismatch.to_string())
}

fn good() -> Value {
    json!({ "name": "raya_promo", "language": "en_US", "variables": ["Bali", "RM 45"],
        "header": { "image": "https://shop.example/a.png" }, "buttons": [{ "type": "url", "text": "a" }] })
}

fn refused(key: &str, value: Value) -> String {
    let mut message = good();
    message[key] = value;
    checked(message).unwrap_err()
}

#[test]
fn a_message_that_fits_passes() {
    assert_eq!(checked(good()), Ok(()));
    assert_eq!(checked(json!({ "name": "plain", "language": "ms" })), Ok(()));
    let parameters = json!([{ "type": "text", "text": "x", "parameter_name": "who" }]);
    let header = json!({ "type": "header", "parameters": parameters });
    let named = json!({ "name": "named", "language": "ms", "variables": { "offer": "x" }, "components": [header] });
    assert_eq!(checked(named), Ok(()));
}

#[test]
fn a_template_that_is_not_there_is_refused_with_the_one_that_was_meant() {
    assert_eq!(
        refused("name", json!("raya_pormo")),
        "the account has no template `raya_pormo`: did you mean `raya_promo`?"
    );
    assert_eq!(refused("name", json!("zzz")), "the account has no template `zzz`");
    assert_eq!(refused("language", json!("en")), "template `raya_promo` does not exist in en, but in en_US, ms");
    assert_eq!(
        refused("language", json!("ms")),
        "template `raya_promo` is paused: people marked it as spam; Meta lifts the pause by itself"
    );
}

#[test]
fn only_a_status_that_is_known_not_to_send_is_refused() {
    let checked = |status: &str| {
        let item = json!({ "name": "raya", "language": "ms", "status": status });
        let message = TemplateMessage::try_from(json!({ "name": "raya", "language": "ms" })).unwrap();
        check(&message, &[FetchedTemplate::read(&item).unwrap()]).map(FetchedTemplate::has_known_status)
    };
    for status in [
        "PENDING",
        "IN_APPEAL",
        "PAUSED",
        "rejected",
        "DISABLED",
        "PENDING_DELETION",
        "DELETED",
        "ARCHIVED",
        "LIMIT_EXCEEDED",
    ] {
        let why = checked(status).unwrap_err().to_string();
        assert!(why.starts_with(&format!("template `raya` is {}: ", in_words(status))), "{why}");
    }
    assert_eq!(checked("APPROVED"), Ok(true));
    for status in ["ACTIVE", "SPARKLING"] {
        assert_eq!(checked(status), Ok(false), "{status}");
    }
}

#[test]
fn every_variable_that_does_not_fit_is_named() {
    let start = "template `raya_promo` does not fit: ";
    for (key, value, fault) in [
        ("variables", json!(["Bali"]), "body {{2}} has no value"),
        ("variables", json!(["Bali", "x", "y"]), "body has no variable {{3}}"),
        (
            "variables",
            json!({ "city": "Bali" }),
            "body {{1}} has no value; body {{2}} has no value; body has no variable {{city}}",
        ),
        ("header", json!(null), "its header needs an image"),
        ("header", json!("Sale"), "its header needs an image"),
        ("header", json!({ "video": "https://shop.example/a.mp4" }), "its header needs an image"),
        ("buttons", json!([]), "button 0 needs the end of its address"),
        ("buttons", json!([{ "type": "copy_code", "code": "x" }]), "button 0 is an address"),
        (
            "buttons",
            json!([{ "type": "url", "text": "a" }, { "type": "url", "text": "a" }]),
            "button 1 is a quick reply",
        ),
        ("buttons", json!([{ "type": "url", "text": "a" }, { "type": "catalog", "index": 4 }]), "it has no button 4"),
    ] {
        assert_eq!(refused(key, value), format!("{start}{fault}"));
    }
    let header = json!({ "name": "plain", "language": "ms", "header": "Sale" });
    assert_eq!(checked(header).unwrap_err(), "template `plain` does not fit: its header takes no value");
}

fn with(name: &str, components: Value) -> Result<(), String> {
    let mut message = json!({ "name": name, "language": "ms" });
    message["components"] = components;
    checked(message)
}

#[test]
fn a_component_that_this_version_sends_as_it_is_must_stand_there_where_the_template_has_it() {
    let offer = json!({ "type": "LIMITED_TIME_OFFER", "parameters": [] });
    let cards = json!({ "type": "carousel", "cards": [] });
    assert_eq!(with("offer", json!([offer])), Ok(()));
    assert_eq!(with("cards", json!([cards])), Ok(()));
    assert_eq!(
        with("offer", json!([])).unwrap_err(),
        "template `offer` does not fit: its limited_time_offer is missing: write its component into --template-file"
    );
    assert_eq!(
        with("cards", json!([offer])).unwrap_err(),
        "template `cards` does not fit: its carousel is missing: write its component into --template-file; \
         it has no limited_time_offer"
    );
}

#[test]
fn a_button_counts_as_given_however_it_is_written() {
    let button = |kind: &str, index: Value, parameter: Value| json!({ "type": "button", "sub_type": kind, "index": index, "parameters": [parameter] });
    let flow = button("flow", json!("0"), json!({ "type": "action", "action": { "flow_token": "unused" } }));
    let code = button("url", json!(1), json!({ "type": "text", "text": "123456" }));
    let products = json!({ "type": "action", "action": { "sections": [], "new_key": 1 } });
    let products = button("mpm", json!("2"), products);

    assert_eq!(with("mixed", json!([flow, code, products])), Ok(()));
    assert_eq!(
        with("mixed", json!([])).unwrap_err(),
        "template `mixed` does not fit: button 0 needs its flow; button 1 needs the code; button 2 needs its products"
    );
    let far = button("flow", json!(7), json!({ "type": "action", "action": {} }));
    let error = with("mixed", json!([flow, code, products, far])).unwrap_err();
    assert_eq!(error, "template `mixed` does not fit: it has no button 7");
}

#[test]
fn only_texts_amounts_and_dates_stand_for_a_variable() {
    let body = |parameters: Value| json!([{ "type": "body", "parameters": parameters }]);
    let amount = json!({ "type": "currency", "parameter_name": "offer",
        "currency": { "fallback_value": "$10", "code": "USD", "amount_1000": 10_000 } });
    let mut named = body(json!([amount]));
    let who = json!([{ "type": "text", "text": "x", "parameter_name": "who" }]);
    named.as_array_mut().unwrap().push(json!({ "type": "header", "parameters": who }));
    assert_eq!(with("named", named), Ok(()));

    let picture = json!({ "type": "gif", "gif": { "link": "https://shop.example/a.gif" } });
    let header = json!([{ "type": "header", "parameters": [picture] }]);
    assert_eq!(
        with("text_header", header).unwrap_err(),
        "template `text_header` does not fit: header {{1}} takes no gif"
    );
}

#[test]
fn a_header_with_a_name_takes_the_name_from_the_template_and_else_its_column() {
    let templates = templates();
    let fitted = |message: Value| {
        let message = TemplateMessage::try_from(message).unwrap();
        let template = find(&message, &templates).unwrap();
        let filled = message.fill_header(template.header_variables()).unwrap().fill_body(&template.variables).unwrap();
        check(&filled, &templates).map(|_| filled.source()["components"][0]["parameters"][0].clone())
    };

    let given = fitted(json!({ "name": "named", "language": "ms", "header": "Aina" }));
    let column = fitted(json!({ "name": "named", "language": "ms" }));

    assert_eq!(given, Ok(json!({ "type": "text", "parameter_name": "who", "text": "Aina" })));
    assert_eq!(column, Ok(json!({ "type": "text", "parameter_name": "who", "text": "{{who}}" })));
}
