use std::time::Duration;

use bytes::Bytes;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::provider::http::Via;
use reqwest::header::HeaderMap;

fn now() -> DateTime<Utc> {
    "2026-06-15T04:00:00Z".parse().unwrap()
}

fn answered(status: u16, body: &[u8]) -> SendOutcome {
    sent_to("60100123456", status, body).expect("the answer names nobody else")
}

fn sent_to(to: &str, status: u16, body: &[u8]) -> Option<SendOutcome> {
    let body = Bytes::copy_from_slice(body);
    let answer = HttpAnswer {
        status,
        retry_after: Some(Duration::from_secs(7)),
        body,
        via: Via::Direct(0),
        used: None,
        headers: HeaderMap::new(),
    };
    classify(&answer, to, now())
}

fn accepted_as(body: &[u8]) -> (String, Option<String>, Option<i64>) {
    match answered(200, body) {
        SendOutcome::Accepted { message_id, provider_status, message_timestamp, .. } => {
            (message_id.to_string(), provider_status, message_timestamp.map(|at| at.timestamp()))
        }
        other => panic!("{other:?}"),
    }
}

fn class_of(status: u16, body: &str) -> Option<(ErrorClass, String)> {
    match answered(status, body.as_bytes()) {
        SendOutcome::Rejected { class, code, .. } => Some((class, code)),
        SendOutcome::Unknown { .. } => None,
        accepted @ SendOutcome::Accepted { .. } => panic!("{accepted:?}"),
    }
}

fn is_unknown(status: u16, body: &str) -> bool {
    matches!(answered(status, body.as_bytes()), SendOutcome::Unknown { .. })
}

const ID: &str = "3EB0WM0A1B2C3D4E5F6071";

#[test]
fn the_answer_as_it_was_seen_is_accepted_with_its_id_word_and_time() {
    let body = include_bytes!("../bodies/send_accepted.json");

    assert_eq!(accepted_as(body), (ID.to_owned(), Some("PENDING".to_owned()), Some(1_768_716_040)));
}

#[test]
fn a_plain_conversation_an_early_server_ack_and_a_split_number_are_read_too() {
    let body = include_bytes!("../bodies/send_conversation.json");

    let expected = ("WMAPI01D888T1634061784".to_owned(), Some("SERVER_ACK".to_owned()), Some(1_768_716_040));
    assert_eq!(accepted_as(body), expected);
}

#[test]
fn the_older_calls_flat_record_is_accepted_bare_and_under_data() {
    assert_eq!(accepted_as(include_bytes!("../bodies/send_flat.json")), (ID.to_owned(), None, None));
    assert_eq!(
        accepted_as(include_bytes!("../bodies/send_flat_under_data.json")),
        (ID.to_owned(), Some("1".to_owned()), None)
    );
}

#[test]
fn ids_are_opaque_and_the_surest_place_wins() {
    let body =
        json!({"success": true, "messageId": "second", "data": {"messageId": "third", "key": {"id": "fIrSt-ü.M"}}});
    assert_eq!(accepted_as(body.to_string().as_bytes()).0, "fIrSt-ü.M");

    let body = json!({"success": true, "messageId": "second", "data": {"messageId": "third", "key": {"id": ""}}});
    assert_eq!(accepted_as(body.to_string().as_bytes()).0, "second");
}

#[test]
fn a_yes_without_a_readable_id_is_unknown() {
    let long = "x".repeat(257);
    for id in [json!(null), json!(true), json!(""), json!({"a": 1}), json!(long), json!("a\u{0}b")] {
        let body = json!({"success": true, "data": {"key": {"id": id}, "status": "PENDING"}}).to_string();
        assert!(is_unknown(200, &body), "{body}");
    }
    assert!(is_unknown(200, r#"{"success":true}"#));
}

#[test]
fn nothing_but_a_true_success_is_acceptance() {
    for success in ["\"true\"", "1", "null", "\"yes\""] {
        assert!(is_unknown(200, &format!(r#"{{"success":{success},"data":{{"key":{{"id":"A"}}}}}}"#)), "{success}");
    }
    assert!(is_unknown(200, r#"{"data":{"key":{"id":"A"}}}"#));
    assert!(is_unknown(200, r#"{"messageId":"A"}"#), "not the older call's record");
}

#[test]
fn a_good_body_under_a_bad_http_status_is_not_acceptance() {
    let body = include_str!("../bodies/send_accepted.json");

    assert!(is_unknown(500, body));
    assert!(is_unknown(503, body));
    assert!(is_unknown(404, body));
}

#[test]
fn a_refused_token_stops_the_sender_whatever_the_http_status() {
    let body = include_str!("../bodies/unauthorised.json");
    for status in [200, 400, 401, 403, 500] {
        assert_eq!(class_of(status, body), Some((ErrorClass::StopSender, "unauthorised".to_owned())), "{status}");
    }
    assert_eq!(class_of(401, "").unwrap().0, ErrorClass::StopSender);
    assert_eq!(class_of(403, "<html>").unwrap().0, ErrorClass::StopSender);
}

#[test]
fn a_device_that_is_off_stops_the_sender() {
    for sentence in ["Device offline", "device is not connected", "Unpaired", "Logged Out"] {
        let body = json!({"success": false, "message": sentence}).to_string();
        assert_eq!(class_of(200, &body), Some((ErrorClass::StopSender, "device".to_owned())), "{sentence}");
    }
}

#[test]
fn throttling_slows_the_sender_for_as_long_as_it_asks() {
    for body in ["", "<html>", r#"{"success":false,"message":"Too many"}"#] {
        let outcome = answered(429, body.as_bytes());
        assert!(
            matches!(&outcome, SendOutcome::Rejected { class: ErrorClass::SlowSender, retry_after: Some(wait), .. } if wait.as_secs() == 7),
            "{outcome:?}"
        );
    }
    assert_eq!(class_of(200, r#"{"success":false,"message":"rate-overlimit"}"#).unwrap().0, ErrorClass::SlowSender);
}

#[test]
fn any_other_no_fails_the_person_with_the_text_kept() {
    let outcome = answered(200, br#"{"success":false,"message":"Number \u001b[2Jnot valid","code":131}"#);

    let SendOutcome::Rejected { class, code, message, .. } = outcome else { panic!("{outcome:?}") };
    assert_eq!((class, code.as_str(), message.as_str()), (ErrorClass::FailRecipient, "131", "Number [2Jnot valid"));
    assert_eq!(class_of(500, r#"{"success":false,"message":"Invalid number"}"#).unwrap().0, ErrorClass::FailRecipient);
}

#[test]
fn a_no_that_only_says_it_broke_on_the_way_is_unknown() {
    for sentence in ["Timed Out", "Connection Closed", "Internal Server Error"] {
        let body = json!({"success": false, "message": sentence}).to_string();
        assert!(is_unknown(200, &body) && is_unknown(500, &body), "{sentence}");
    }
    assert!(is_unknown(200, r#"{"success":false,"message":"Invalid","data":{"key":{"id":"A"}}}"#), "no, and yet an id");
}

#[test]
fn a_page_instead_of_an_answer_leaves_the_outcome_unknown() {
    let page = include_str!("../bodies/gateway.html");
    for status in [200, 201, 500, 502, 503, 504] {
        let outcome = answered(status, page.as_bytes());
        assert_eq!(outcome, SendOutcome::Unknown { why: format!("WSAPME answers HTTP {status}: an HTML page") });
    }
    for body in ["", "OK", "[]", "{}", "null", "{\"success\":true", r#"{"error":"x"}"#] {
        assert!(is_unknown(200, body) && is_unknown(502, body), "{body}");
    }
}

#[test]
fn bare_statuses_are_sorted_by_what_http_says_of_them() {
    use ErrorClass::{FailRecipient, StopSender};
    let cases = [
        (301, Some(StopSender)),
        (302, None),
        (303, None),
        (307, Some(StopSender)),
        (308, Some(StopSender)),
        (304, None),
        (400, Some(FailRecipient)),
        (402, Some(StopSender)),
        (404, Some(StopSender)),
        (405, Some(StopSender)),
        (408, None),
        (409, None),
        (413, Some(FailRecipient)),
        (422, Some(FailRecipient)),
        (425, None),
        (499, None),
        (500, None),
        (504, None),
        (520, None),
        (599, None),
    ];
    for (status, class) in cases {
        for body in ["", "<html>", r#"{"error":"x"}"#] {
            assert_eq!(class_of(status, body).map(|(class, _)| class), class, "{status} {body}");
        }
    }
}

proptest! {
    #[test]
    fn no_answer_at_all_makes_it_panic(status in 100u16..600, body in prop::collection::vec(any::<u8>(), 0..100)) {
        let _ = answered(status, &body);
    }

    #[test]
    fn whatever_is_cut_from_a_good_answer_is_never_a_refusal(cut in 0usize..400) {
        let body = include_bytes!("../bodies/send_accepted.json");

        let outcome = answered(200, &body[..cut.min(body.len() - 3)]);

        prop_assert!(matches!(outcome, SendOutcome::Unknown { .. }), "{outcome:?}");
    }
}

#[test]
fn an_answer_that_names_somebody_else_is_neither_an_acceptance_nor_a_refusal() {
    let bodies: [&[u8]; 3] = [
        include_bytes!("../bodies/send_accepted.json"),
        include_bytes!("../bodies/send_flat.json"),
        include_bytes!("../bodies/send_flat_under_data.json"),
    ];
    for body in bodies {
        assert!(matches!(sent_to("60100123456", 200, body), Some(SendOutcome::Accepted { .. })));
        assert_eq!(sent_to("60100123457", 200, body), None);
    }
    let refused =
        json!({"success": false, "message": "Invalid number", "data": {"jid": "60100123456@c.us"}}).to_string();
    assert!(matches!(sent_to("60100123456", 200, refused.as_bytes()), Some(SendOutcome::Rejected { .. })));
    for status in [200, 400, 401, 429, 500] {
        assert_eq!(sent_to("60100123457", status, refused.as_bytes()), None, "{status}");
    }
}

#[test]
fn a_privacy_id_and_the_other_spelling_of_a_number_are_no_other_person() {
    let answered_by = |jid: &str| {
        let body = json!({"success": true, "data": {"key": {"remoteJid": jid, "id": ID}}}).to_string();
        sent_to("5548987654321", 200, body.as_bytes())
    };
    for jid in ["123456789012345@lid", "554887654321@s.whatsapp.net", "5548987654321:3@s.whatsapp.net"] {
        assert!(matches!(answered_by(jid), Some(SendOutcome::Accepted { .. })), "{jid}");
    }
    assert_eq!(answered_by("554887654322@s.whatsapp.net"), None);
}

#[test]
fn a_status_that_refuses_what_its_body_accepts_leaves_it_unknown() {
    // A second POST needs a refusal that nothing contradicts.
    let yes = br#"{"success":true,"data":{"key":{"remoteJid":"60100123456@s.whatsapp.net","id":"3EB0A1"}}}"#;
    let id_alone = br#"{"message":"slow down","messageId":"3EB0A1"}"#;
    for status in [301, 400, 401, 403, 404, 429, 451, 500, 503] {
        for body in [&yes[..], &id_alone[..]] {
            let outcome = answered(status, body);
            assert!(matches!(outcome, SendOutcome::Unknown { .. }), "{status}: {outcome:?}");
        }
    }
}
