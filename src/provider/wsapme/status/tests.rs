use bytes::Bytes;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::provider::http::Via;
use reqwest::header::HeaderMap;

fn now() -> DateTime<Utc> {
    "2026-06-15T04:00:00Z".parse().unwrap()
}

fn answered(status: u16, body: &[u8]) -> StatusFinding {
    asked_about("60100123456", status, body).expect("the answer is about this message")
}

fn asked_about(to: &str, status: u16, body: &[u8]) -> Option<StatusFinding> {
    let answer = HttpAnswer {
        status,
        retry_after: None,
        body: Bytes::copy_from_slice(body),
        via: Via::Direct(0),
        used: None,
        headers: HeaderMap::new(),
    };
    let id = MessageId::new("WMAPI01D888T1634061784").unwrap();
    read(&answer, StatusQuery { id: &id, to }, now())
}

fn found(body: &Value) -> StatusFinding {
    answered(200, body.to_string().as_bytes())
}

fn stage(body: &Value) -> Option<ProviderStage> {
    match found(body) {
        StatusFinding::Known(report) => Some(report.stage),
        _ => None,
    }
}

#[test]
fn every_word_and_number_has_its_stage_in_any_case() {
    use ProviderStage::{Delivered, Failed, Read, Sent};
    let cases = [
        ("ERROR", 0, Failed),
        ("PENDING", 1, Sent),
        ("SERVER_ACK", 2, Sent),
        ("DELIVERY_ACK", 3, Delivered),
        ("READ", 4, Read),
        ("READ_ACK", 4, Read),
        ("PLAYED", 5, Read),
    ];
    for (status, number, expected) in cases {
        let spellings = [
            json!(status),
            json!(status.to_lowercase()),
            json!(format!(" {status} ")),
            json!(number),
            json!(number.to_string()),
        ];
        for value in spellings {
            assert_eq!(stage(&json!({"success": true, "data": {"status": value}})), Some(expected), "{value}");
        }
    }
}

#[test]
fn the_manuals_record_is_delivered_with_its_client_to_server_time_in_its_own_place() {
    let StatusFinding::Known(report) = answered(200, include_bytes!("../bodies/status_record.json")) else {
        panic!("known")
    };

    assert_eq!((report.stage, report.status.as_str()), (ProviderStage::Delivered, "DELIVERY_ACK"));
    assert_eq!(report.c2s_at.map(|at| at.timestamp()), Some(1_634_061_785));
    assert_eq!(report.at, None, "messageTimestamp is when it was sent, not when it was delivered");
}

#[test]
fn places_are_looked_through_in_order() {
    let cases = [
        (json!({"data": {"status": "READ", "messageStatus": "PENDING"}, "status": "PENDING"}), "READ"),
        (json!({"data": {"messageStatus": "READ"}, "status": "PENDING"}), "READ"),
        (json!({"data": {}, "status": "READ", "messageStatus": "PENDING"}), "READ"),
        (json!({"messageStatus": "READ"}), "READ"),
        (json!({"data": [{"status": "READ"}]}), "READ"),
        (json!({"data": [{"messageStatus": 4}]}), "4"),
        (json!({"status": "success", "data": {"status": "oops", "messageStatus": 3}}), "3"),
    ];
    for (body, status) in cases {
        let StatusFinding::Known(report) = found(&body) else { panic!("{body}") };
        assert_eq!(report.status, status, "{body}");
    }
}

#[test]
fn a_boolean_is_never_a_status() {
    assert!(matches!(answered(200, include_bytes!("../bodies/account.json")), StatusFinding::Nothing { .. }));
    assert!(matches!(found(&json!({"status": true})), StatusFinding::Nothing { .. }));
    assert_eq!(
        stage(&json!({"status": true, "data": {"status": false, "messageStatus": "READ"}})),
        Some(ProviderStage::Read)
    );
}

#[test]
fn unknown_words_and_numbers_are_kept_and_change_nothing() {
    assert_eq!(
        found(&json!({"data": {"status": "Teleported"}})),
        StatusFinding::Unrecognised { status: "TELEPORTED".to_owned() }
    );
    assert_eq!(found(&json!({"data": {"status": 6}})), StatusFinding::Unrecognised { status: "6".to_owned() });
    assert_eq!(found(&json!({"data": {"status": -1}})), StatusFinding::Unrecognised { status: "-1".to_owned() });
    for status in [json!(null), json!(3.5), json!([3]), json!({"low": 3, "high": 0}), json!("")] {
        assert!(matches!(found(&json!({"data": {"status": status}})), StatusFinding::Nothing { .. }), "{status}");
    }
}

#[test]
fn not_available_is_nothing_and_the_trailing_space_is_real() {
    let finding = answered(200, include_bytes!("../bodies/status_not_available.json"));

    assert_eq!(finding, StatusFinding::Nothing { why: "not available: messageInfo".to_owned() });
}

#[test]
fn a_status_beside_a_no_is_not_believed() {
    assert!(matches!(found(&json!({"success": false, "data": {"status": "READ"}})), StatusFinding::Nothing { .. }));
}

#[test]
fn a_page_or_no_json_is_nothing_and_a_gateway_error_too() {
    let page = include_bytes!("../bodies/gateway.html");
    for status in [200, 404, 500, 502, 503] {
        assert!(matches!(answered(status, page), StatusFinding::Nothing { .. }), "{status}");
        assert!(matches!(answered(status, b""), StatusFinding::Nothing { .. }), "{status}");
    }
    assert!(matches!(answered(500, br#"{"status":"READ"}"#), StatusFinding::Nothing { .. }));
}

#[test]
fn a_refused_token_or_device_cannot_be_asked() {
    for status in [200, 401, 403] {
        let finding = answered(status, include_bytes!("../bodies/unauthorised.json"));
        let expected =
            StatusFinding::Refused { code: "unauthorised".to_owned(), message: "Unauthorised Token".to_owned() };
        assert_eq!(finding, expected, "{status}");
    }
    let offline = found(&json!({"success": false, "message": "Device offline"}));
    assert_eq!(offline, StatusFinding::Refused { code: "device".to_owned(), message: "Device offline".to_owned() });
}

#[test]
fn an_answer_about_another_message_or_person_says_nothing_about_ours() {
    let answered = |body: Value| asked_about("60100123456", 200, body.to_string().as_bytes());
    for body in [
        json!({"data": {"key": {"id": "OTHER"}, "status": "READ"}}),
        json!({"messageId": "OTHER", "status": "READ"}),
        json!({"data": [{"key": {"id": "OTHER"}, "status": "READ"}]}),
        json!({"data": [{"messageId": "OTHER", "status": "READ"}]}),
        json!({"data": {"key": {"remoteJid": "60100123457@s.whatsapp.net"}, "status": "READ"}}),
        json!({"data": [{"key": {"remoteJid": "60100123457@c.us"}, "status": "READ"}]}),
        json!({"success": false, "message": "Unauthorised Token", "jid": "60100123457@c.us"}),
    ] {
        assert_eq!(answered(body.clone()), None, "{body}");
    }
    for jid in ["60100123456@s.whatsapp.net", "60100123456:2@c.us", "123456789012345@lid"] {
        let body = json!({"data": {"key": {"remoteJid": jid}, "status": "READ"}});
        assert!(matches!(answered(body), Some(StatusFinding::Known(_))), "{jid}");
    }
    let record = include_bytes!("../bodies/status_record.json");
    assert!(matches!(asked_about("60100123456", 200, record), Some(StatusFinding::Known(_))));
    assert_eq!(asked_about("60100123457", 200, record), None);
}

#[test]
fn a_failure_keeps_whatsapps_code() {
    for body in [
        json!({"data": {"status": "ERROR", "messageStubParameters": ["463"]}}),
        json!({"status": 0, "code": 463}),
        json!({"data": [{"status": "0", "error": {"code": "463"}}]}),
    ] {
        let StatusFinding::Known(report) = found(&body) else { panic!("{body}") };
        assert_eq!((report.stage, report.error_code.as_deref()), (ProviderStage::Failed, Some("463")), "{body}");
    }
    let StatusFinding::Known(report) = found(&json!({"status": "READ", "code": 200})) else { panic!("known") };
    assert_eq!(report.error_code, None);
}

#[test]
fn times_are_read_in_every_spelling_and_only_sane_ones() {
    for at in [
        json!(1_768_716_040),
        json!("1768716040"),
        json!(1_768_716_040_000_i64),
        json!({"low": 1_768_716_040, "high": 0}),
    ] {
        let StatusFinding::Known(report) =
            found(&json!({"status": "PENDING", "messageTimestamp": at, "messageC2STimestamp": at}))
        else {
            panic!("known")
        };
        assert_eq!(report.at.map(|at| at.timestamp()), Some(1_768_716_040), "{at}");
        assert_eq!(report.c2s_at, report.at);
    }
    let StatusFinding::Known(report) = found(&json!({"status": "PENDING", "messageTimestamp": 0})) else {
        panic!("known")
    };
    assert_eq!(report.at, None);
}

#[test]
fn the_second_way_to_ask_sends_back_the_sends_record_as_it_was() {
    let reply = include_bytes!("../bodies/send_accepted.json");
    let id = MessageId::new("3EB0WM0A1B2C3D4E5F6071").unwrap();

    let body = serde_json::to_string(&message_info("5850", &id, reply)).unwrap();
    let without = serde_json::to_string(&message_info("5850", &id, b"<html>")).unwrap();

    let start = r#"{"id_device":"5850","jid":"60100123456@s.whatsapp.net","messages":{"key":{"remoteJid":"60100123456@s.whatsapp.net","fromMe":true,"id":"3EB0WM0A1B2C3D4E5F6071"},"#;
    assert!(body.starts_with(start), "{body}");
    assert_eq!(without, r#"{"id_device":"5850","messages":{"key":{"fromMe":true,"id":"3EB0WM0A1B2C3D4E5F6071"}}}"#);
}

proptest! {
    #[test]
    fn no_answer_at_all_makes_it_panic(status in 100u16..600, body in prop::collection::vec(any::<u8>(), 0..100)) {
        let _ = answered(status, &body);
    }

    #[test]
    fn no_word_makes_it_panic(status in any::<String>()) {
        let _ = (stage_of(&status), found(&json!({"status": status})));
    }
}

#[test]
fn a_provider_that_wants_fewer_questions_says_so_by_code_or_in_words() {
    let read = |status, body: &'static str, retry_after| {
        let answer = HttpAnswer {
            status,
            retry_after,
            body: Bytes::from_static(body.as_bytes()),
            via: Via::Direct(0),
            used: None,
            headers: HeaderMap::new(),
        };
        let id = MessageId::new("WMAPI01D888T1634061784").unwrap();
        super::read(&answer, StatusQuery { id: &id, to: "60100123456" }, now()).unwrap()
    };
    let pause = Some(std::time::Duration::from_secs(17));

    assert_eq!(read(429, "<html>", pause), StatusFinding::Throttled { retry_after: pause });
    assert_eq!(read(429, r#"{"data":{"status":"READ"}}"#, None), StatusFinding::Throttled { retry_after: None });
    assert_eq!(read(503, "<html>", pause), StatusFinding::Throttled { retry_after: pause });
    let statuses = r#"{"success":false,"message":"Too Many Attempts."}"#;
    assert_eq!(read(200, statuses, None), StatusFinding::Throttled { retry_after: None });
}
