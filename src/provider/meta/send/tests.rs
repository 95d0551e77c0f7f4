use bytes::Bytes;
use proptest::prelude::*;
use reqwest::header::HeaderMap;
use serde_json::json;

use super::*;
use crate::domain::message::Variables;
use crate::domain::template::TemplateMessage;
use crate::provider::http::Via;

const TO: &str = "60123456789";

fn answer(status: u16, body: impl Into<Bytes>) -> HttpAnswer {
    HttpAnswer {
        status,
        retry_after: None,
        headers: HeaderMap::new(),
        body: body.into(),
        via: Via::Direct(0),
        used: None,
    }
}

fn answered(status: u16, body: &Value) -> SendOutcome {
    classify(&answer(status, body.to_string()), TO).expect("the answer names nobody else")
}

fn accepted(input: &str) -> Value {
    json!({
        "messaging_product": "whatsapp", "contacts": [{ "input": input, "wa_id": "60123456789" }],
        "messages": [{ "id": "wamid.HBgLNjAxMjM0NTY3ODkVAgARGBI5", "message_status": "accepted" }]
    })
}

fn error(code: i64) -> Value {
    json!({ "error": { "message": format!("(#{code}) Some title"), "type": "OAuthException", "code": code,
        "error_data": { "messaging_product": "whatsapp", "details": "Some details" }, "fbtrace_id": "Az8or2" } })
}

fn class_of(outcome: &SendOutcome) -> Option<ErrorClass> {
    match outcome {
        SendOutcome::Rejected { class, .. } => Some(*class),
        SendOutcome::Accepted { .. } | SendOutcome::Unknown { .. } => None,
    }
}

fn is_unknown(outcome: &SendOutcome) -> bool {
    matches!(outcome, SendOutcome::Unknown { .. })
}

#[test]
fn a_text_is_the_request_that_meta_documents() {
    let message = Outgoing {
        callback_data: Some("blastdeck:a1:42:981:1:1790000000123456".to_owned()),
        ..Outgoing::text(TO.to_owned(), "Hi \"Aina\" 😀".to_owned())
    };

    assert_eq!(
        String::from_utf8(body(&message)).unwrap(),
        concat!(
            r#"{"messaging_product":"whatsapp","recipient_type":"individual","to":"+60123456789","type":"text","#,
            r#""text":{"preview_url":true,"body":"Hi \"Aina\" 😀"},"biz_opaque_callback_data":"blastdeck:a1:42:981:1:1790000000123456"}"#
        )
    );
}

#[test]
fn a_template_is_the_request_that_meta_documents() {
    let components = json!([
        { "type": "header", "parameters": [{ "type": "image", "image": { "link": "https://shop.example/a.png" } }] },
        { "type": "body", "parameters": [{ "type": "text", "text": "Bali" }, { "type": "text", "text": "45,000" }] },
        { "type": "button", "sub_type": "url", "index": "0", "parameters": [{ "type": "text", "text": "abc" }] },
        { "type": "button", "sub_type": "quick_reply", "index": "1",
          "parameters": [{ "type": "payload", "payload": "STOP" }] }
    ]);
    let template =
        json!({ "name": "tour_package_marketing", "language": { "code": "en_US" }, "components": components });
    let rendered = TemplateMessage::parse(&template).unwrap().render(&Variables::default()).unwrap();
    let content = MessageContent::Template(rendered.into());
    let message = Outgoing { to: TO.to_owned(), content, callback_data: Some("b42:r981:a1".to_owned()) };

    let sent: Value = serde_json::from_slice(&body(&message)).unwrap();

    assert_eq!(
        sent,
        json!({ "messaging_product": "whatsapp", "recipient_type": "individual", "to": "+60123456789",
            "type": "template", "template": template, "biz_opaque_callback_data": "b42:r981:a1" })
    );
}

#[test]
fn somebody_without_a_number_is_sent_to_by_their_id() {
    let request: Value = serde_json::from_slice(&body(&Outgoing::text("MY.1a2B".to_owned(), "Hi".to_owned()))).unwrap();

    assert_eq!((request.get("to"), &request["recipient"]), (None, &json!("MY.1a2B")));
    assert!(matches!(
        classify(&answer(200, accepted("+60123456789").to_string()), "US.13491208655302741918"),
        Some(SendOutcome::Accepted { .. })
    ));
}

#[test]
fn an_accepted_message_has_its_id_and_whether_meta_holds_it_back() {
    let mut held = accepted("+60123456789");
    for (status, expected) in [
        (json!("accepted"), Some("accepted")),
        (json!("held_for_quality_assessment"), Some("held_for_quality_assessment")),
        (json!("paused"), Some("paused")),
        (json!(null), None),
        (json!(7), None),
    ] {
        held["messages"][0]["message_status"] = status;
        let outcome = answered(200, &held);
        let SendOutcome::Accepted { message_id, provider_status, .. } = outcome else { panic!("{outcome:?}") };
        assert_eq!(message_id.as_str(), "wamid.HBgLNjAxMjM0NTY3ODkVAgARGBI5");
        assert_eq!(provider_status.as_deref(), expected);
    }
}

#[test]
fn an_id_that_is_written_as_a_number_is_read_as_text() {
    for id in ["123456", "2871834006348767123456789"] {
        let body = accepted("+60123456789").to_string();
        let body = body.replace("\"wamid.HBgLNjAxMjM0NTY3ODkVAgARGBI5\"", id);

        let outcome = classify(&answer(200, body), TO);

        let Some(SendOutcome::Accepted { message_id, provider_status, .. }) = outcome else { panic!("{outcome:?}") };
        assert_eq!((message_id.as_str(), provider_status.as_deref()), (id, Some("accepted")));
    }
}

#[test]
fn metas_own_id_of_a_person_may_differ_and_is_kept() {
    let mut brazil = accepted("+5548987654321");
    brazil["contacts"][0]["wa_id"] = json!("554887654321");

    let outcome = classify(&answer(200, brazil.to_string()), "5548987654321");

    assert!(matches!(outcome, Some(SendOutcome::Accepted { known_as: None, .. })), "another spelling: {outcome:?}");
    let mut benin = accepted("+2290197100001");
    benin["contacts"][0]["wa_id"] = json!("22997100001");
    for body in [benin.to_string(), benin.to_string().replace("\"22997100001\"", "22997100001")] {
        let outcome = classify(&answer(200, body), "+2290197100001");
        let Some(SendOutcome::Accepted { known_as, .. }) = &outcome else { panic!("{outcome:?}") };
        assert_eq!(known_as.as_deref(), Some("+22997100001"));
    }
    assert_eq!(wa_id(brazil.to_string().as_bytes()).as_deref(), Some("554887654321"));
    assert_eq!(wa_id(br#"{"contacts":[{"wa_id":"MY.1a2b"}]}"#), None, "no id of a business is taken for a number");
}

#[test]
fn an_answer_about_somebody_else_is_about_another_message() {
    for other in ["+60123456780", "60123456780", "0123456780", "123456780"] {
        assert_eq!(classify(&answer(200, accepted(other).to_string()), TO), None, "{other}");
    }
    for same in ["+60123456789", "60 12-345 6789", "0123456789", "", "12", "MY.abc"] {
        assert!(classify(&answer(200, accepted(same).to_string()), TO).is_some(), "{same}");
    }
}

#[test]
fn the_code_decides_whatever_the_http_status() {
    for entry in codes::TABLE {
        let code: i64 = entry.codes().split(' ').next().unwrap().parse().unwrap();
        for status in [200, 400, 401, 403, 429, 500, 503] {
            let outcome = answered(status, &error(code));
            assert_eq!(class_of(&outcome), Some(entry.class), "{code} with HTTP {status}");
        }
    }
    let SendOutcome::Rejected { code, message, .. } = answered(400, &error(131_026)) else { panic!() };
    assert_eq!((code.as_str(), message.as_str()), ("131026", "(#131026) Some title: Some details"));
}

#[test]
fn an_unknown_code_fails_its_recipient_when_refused_and_is_unknown_when_the_server_fails() {
    assert_eq!(class_of(&answered(400, &error(987_654))), Some(ErrorClass::FailRecipient));
    assert_eq!(class_of(&answered(429, &error(987_654))), Some(ErrorClass::SlowSender));
    assert_eq!(class_of(&answered(401, &error(987_654))), Some(ErrorClass::StopSender));
    for status in [200, 408, 500, 503] {
        assert!(is_unknown(&answered(status, &error(987_654))), "{status}");
    }
    let mut passing = error(987_654);
    passing["error"]["is_transient"] = json!(true);
    assert_eq!(class_of(&answered(500, &passing)), Some(ErrorClass::Retry));
}

#[test]
fn a_number_that_does_not_exist_stops_the_sender() {
    let mut missing = error(100);
    missing["error"]["error_subcode"] = json!(33);

    assert_eq!(class_of(&answered(400, &missing)), Some(ErrorClass::StopSender));
}

#[test]
fn an_answer_without_an_id_or_an_error_is_unknown() {
    for body in ["", "OK", "<html>", "{}", r#"{"messages":[]}"#, r#"{"messages":[{"id":true}]}"#, r#"{"messages":"x"}"#]
    {
        let outcome = classify(&answer(200, body), TO).unwrap();
        assert!(is_unknown(&outcome), "{body}: {outcome:?}");
    }
    let mut both = accepted(TO);
    both["error"] = json!({ "code": 131_000 });
    assert!(is_unknown(&answered(200, &both)));
    assert!(is_unknown(&answered(500, &accepted(TO))));
}

#[test]
fn what_something_in_between_answers_goes_by_its_http_status() {
    use ErrorClass::{FailRecipient, SlowSender, StopSender};
    for (status, class) in [
        (307, Some(StopSender)),
        (302, None),
        (400, Some(FailRecipient)),
        (401, Some(StopSender)),
        (403, Some(StopSender)),
        (404, Some(StopSender)),
        (408, None),
        (413, Some(FailRecipient)),
        (429, Some(SlowSender)),
        (500, None),
        (502, None),
        (504, None),
    ] {
        let outcome = classify(&answer(status, "<html>"), TO).unwrap();
        assert_eq!(class_of(&outcome), class, "{status}");
    }
}

#[test]
fn how_long_to_wait_comes_from_the_answer_then_the_usage() {
    let waited = |answer: &HttpAnswer| match classify(answer, TO) {
        Some(SendOutcome::Rejected { retry_after, .. }) => retry_after.map(|wait| wait.as_secs()),
        other => panic!("{other:?}"),
    };
    let mut throttled = answer(400, error(80_007).to_string());
    assert_eq!(waited(&throttled), None);

    let usage = r#"{"1":[{"call_count":100,"estimated_time_to_regain_access":3}]}"#;
    throttled.headers.insert("x-business-use-case-usage", usage.parse().unwrap());
    assert_eq!(waited(&throttled), Some(180));

    throttled.retry_after = Some(Duration::from_secs(17));
    assert_eq!(waited(&throttled), Some(17));

    assert_eq!(waited(&answer(400, error(131_057).to_string())), None, "the table's own is added where it is waited");
}

proptest! {
    #[test]
    fn no_body_makes_it_panic_or_is_taken_for_an_acceptance(
        body in prop::collection::vec(any::<u8>(), 0..200), status in 100..600_u16,
    ) {
        let outcome = classify(&answer(status, body), TO);
        let is_accepted = matches!(outcome, Some(SendOutcome::Accepted { .. }));
        prop_assert!(!is_accepted);
    }
}
