use proptest::prelude::*;
use serde_json::json;

use super::*;

fn now() -> DateTime<Utc> {
    "2026-06-15T04:00:00Z".parse().unwrap()
}

fn events(body: &Value) -> Vec<WsapmeEvent> {
    parse(body.to_string().as_bytes(), now())
}

fn brief(event: &WsapmeEvent) -> String {
    match event {
        WsapmeEvent::Status(status) => format!("{} {} {:?}", status.message_id, status.status, status.stage),
        WsapmeEvent::Message(message) => format!("{:?}: {}", message.from, message.text),
        WsapmeEvent::Other(what) | WsapmeEvent::Unreadable(what) => what.clone(),
    }
}

#[test]
fn a_status_is_read_in_its_three_shapes_alone_under_data_and_in_a_list() {
    let key = json!({ "remoteJid": "60100000001@s.whatsapp.net", "fromMe": true, "id": "WMAPI1" });
    let record = json!({ "key": key, "message": { "conversation": "Hi" }, "messageTimestamp": "1634061784",
                         "status": "DELIVERY_ACK", "messageC2STimestamp": "1634061785" });
    let shapes = [
        record.clone(),
        json!({ "messageId": "WMAPI1", "status": "DELIVERY_ACK", "messageC2STimestamp": 1_634_061_785 }),
        json!({ "key": key, "update": { "status": 3, "messageTimestamp": { "low": 1_634_061_790, "high": 0 } } }),
    ];
    for shape in shapes {
        for body in [shape.clone(), json!({ "data": shape }), json!([shape]), json!({ "data": [shape, shape] })] {
            for event in events(&body) {
                let WsapmeEvent::Status(status) = event else { panic!("{body}: {event:?}") };
                assert_eq!((status.message_id.as_str(), status.stage), ("WMAPI1", Some(ProviderStage::Delivered)));
            }
        }
    }
    let WsapmeEvent::Status(status) = &events(&record)[0] else { panic!() };
    assert_eq!((status.at, status.c2s_at), (None, DateTime::from_timestamp(1_634_061_785, 0)), "when it was sent");
}

#[test]
fn an_incoming_text_is_a_reply_of_whoever_wrote_it() {
    let text = json!({ "type": "text", "message": "body", "file": "", "from": "60111111111@c.us", "timestamp": 1_617_690_369,
                       "is_forwarded": false, "is_broadcast": false, "dataSender": "",
                       "dataReceiver": { "jid": "60122222222@s.whatsapp.net", "name": "Our Device", "phone": {} } });

    let [WsapmeEvent::Message(message)] = &events(&text)[..] else { panic!() };

    assert_eq!((message.from.as_deref(), message.text.as_str()), (Some("60111111111"), "body"));
    assert_eq!((message.at, &message.id, &message.file), (DateTime::from_timestamp(1_617_690_369, 0), &None, &None));
}

#[test]
fn a_text_from_somebody_is_a_reply_although_it_has_an_id_and_a_status() {
    let text = json!({ "id": "X2", "status": "READ", "from": "60111111111@c.us", "message": "STOP" });
    let beside_nothing = json!({ "from": "60111111111@c.us", "message": "", "body": "STOP", "type": "text" });
    let of_ours = json!({ "id": "X2", "status": "READ", "from": "60122222222@c.us", "fromMe": true, "message": "Hi" });

    for body in [text, beside_nothing] {
        assert_eq!(events(&body).iter().map(brief).collect::<Vec<_>>(), ["Some(\"60111111111\"): STOP"], "{body}");
    }
    assert_eq!(events(&of_ours).iter().map(brief).collect::<Vec<_>>(), ["X2 READ Some(Read)"]);
}

#[test]
fn the_number_beside_a_privacy_id_is_the_writers() {
    let from = json!({ "from": "123456789012345@lid", "message": "STOP", "senderPn": "60111111111@s.whatsapp.net" });
    let key = |key: Value| json!({ "key": key, "message": { "conversation": "STOP" } });
    let sender =
        key(json!({ "remoteJid": "1234567890123@lid", "fromMe": false, "senderPn": "60111111111@s.whatsapp.net" }));
    let alternative = key(json!({ "remoteJid": "1234567890123@lid", "remoteJidAlt": "60111111111@s.whatsapp.net" }));
    let neither = key(json!({ "remoteJid": "1234567890123@lid", "remoteJidAlt": "1234567890123@lid" }));

    for body in [from, sender, alternative] {
        assert_eq!(events(&body).iter().map(brief).collect::<Vec<_>>(), ["Some(\"60111111111\"): STOP"], "{body}");
    }
    assert_eq!(events(&neither).iter().map(brief).collect::<Vec<_>>(), ["None: STOP"]);
}

#[test]
fn a_form_is_read_like_json() {
    let cases = [
        (
            "type=text&message=Hi+there%21&from=60111111111%40c.us&timestamp=1617690369",
            "Some(\"60111111111\"): Hi there!",
        ),
        ("message=true&from=60111111111%40c.us", "Some(\"60111111111\"): true"),
        ("text=%5B1%5D&from=60111111111%40c.us", "Some(\"60111111111\"): [1]"),
        ("message[conversation]=1e2&key[remoteJid]=60111111111%40c.us", "Some(\"60111111111\"): 1e2"),
        ("message[imageMessage][caption]=true&key[remoteJid]=60111111111%40c.us", "Some(\"60111111111\"): true"),
        ("message[listResponseMessage][title]=[2]&key[remoteJid]=60111111111%40c.us", "Some(\"60111111111\"): [2]"),
        ("messageId=M1&status=READ", "M1 READ Some(Read)"),
        ("key[id]=M1&key%5BfromMe%5D=true&status=DELIVERY_ACK", "M1 DELIVERY_ACK Some(Delivered)"),
        ("key=x&key[id]=M1&a[b][c][d][e][f][g][h][i][j]=1&messageId=M2&status=READ", "M2 READ Some(Read)"),
        ("data=%7B%22messageId%22%3A%22M1%22%2C%22status%22%3A%223%22%7D", "M1 3 Some(Delivered)"),
    ];
    for (body, expected) in cases {
        let read = parse(body.as_bytes(), now());
        assert_eq!(read.iter().map(brief).collect::<Vec<_>>(), [expected], "{body}");
    }
}

/// A multipart form, as `curl -F` writes it.
fn multipart(fields: &[(&str, &str)]) -> String {
    let part = |(name, text): &(&str, &str)| {
        format!("--------------------------f0\r\nContent-Disposition: form-data; name={name}\r\n\r\n{text}\r\n")
    };
    fields.iter().map(part).collect::<String>() + "--------------------------f0--\r\n"
}

#[test]
fn a_multipart_form_is_read_like_a_plain_one() {
    let file = ("\"file\"; filename=\"slip.jpg\"", "\u{fffd}");
    let text = [("\"from\"", "60111111111@c.us"), ("\"message\"", "STOP")];
    let with_file = "a multipart form with a file: only its other fields are read";
    let cases = [
        (multipart(&[("\"messageId\"", "M1"), ("\"status\"", "READ")]), vec!["M1 READ Some(Read)"]),
        (multipart(&[("\"key[id]\"", "M1"), ("\"status\"", "3")]), vec!["M1 3 Some(Delivered)"]),
        (multipart(&[("data", "{\"messageId\":\"M1\",\"status\":\"3\"}")]), vec!["M1 3 Some(Delivered)"]),
        (multipart(&text), vec!["Some(\"60111111111\"): STOP"]),
        (multipart(&[text[0], text[1], file]), vec!["Some(\"60111111111\"): STOP", with_file]),
        (multipart(&[file]), vec![with_file]),
        (multipart(&text).replace("f0--", "f0"), vec!["a multipart form that is cut off"]),
    ];
    for (body, expected) in cases {
        let read = parse(body.as_bytes(), now());
        assert_eq!(read.iter().map(brief).collect::<Vec<_>>(), expected, "{body}");
    }
}

#[test]
fn what_is_odd_changes_nothing() {
    let cases = [
        (json!({ "messageId": "M1", "status": true }), "neither a status nor a message"),
        (json!({ "messageId": "M1", "status": "QUEUED" }), "M1 QUEUED None"),
        (json!({ "status": "READ" }), "neither a status nor a message"),
        (json!({ "from": "120363@g.us", "message": "x" }), "a message in a group"),
        (json!({ "from": "60111111111@c.us", "message": "x", "is_broadcast": true }), "a message to a broadcast list"),
        (json!([null]), "a record that is no object"),
        (json!({ "from": "123456789012345@lid", "message": "x" }), "None: x"),
        (json!({ "key": { "fromMe": true, "remoteJid": "6011111111@c.us" }, "message": "x" }), "a message of our own"),
        (json!({}), "neither a status nor a message"),
    ];
    for (body, expected) in cases {
        assert_eq!(events(&body).iter().map(brief).collect::<Vec<_>>(), [expected], "{body}");
    }
    assert_eq!(parse(b"<html>", now()).iter().map(brief).collect::<Vec<_>>(), ["an HTML page"]);
    assert_eq!(parse(b"", now()).iter().map(brief).collect::<Vec<_>>(), ["an empty body"]);
}

/// A message as WhatsApp's own clients have it.
fn written(message: &Value) -> Value {
    json!({ "key": { "remoteJid": "60111111111@s.whatsapp.net", "fromMe": false, "id": "3EB0" }, "message": message })
}

#[test]
fn words_are_found_in_every_kind_of_message_and_under_every_wrapper() {
    let wrapped = |wrapper: &str, inner: Value| json!({ wrapper: { "message": inner } });
    let stop = json!({ "conversation": "STOP" });
    let edit = json!({ "protocolMessage": { "key": { "id": "3EA9" }, "type": 14, "editedMessage": stop } });
    let view_once = wrapped("viewOnceMessageV2", json!({ "imageMessage": { "caption": "STOP" } }));
    let kinds = [
        wrapped("ephemeralMessage", stop.clone()),
        wrapped("ephemeralMessage", view_once),
        wrapped("documentWithCaptionMessage", json!({ "documentMessage": { "caption": "STOP" } })),
        wrapped("editedMessage", edit),
        json!({ "videoMessage": { "caption": "STOP" } }),
        json!({ "buttonsResponseMessage": { "selectedButtonId": "1", "selectedDisplayText": "STOP" } }),
        json!({ "listResponseMessage": { "title": "STOP", "listType": 1 } }),
        json!({ "templateButtonReplyMessage": { "selectedId": "1", "selectedDisplayText": "STOP" } }),
    ];
    for kind in kinds {
        for body in [written(&kind), json!({ "type": "notify", "messages": [written(&kind)] })] {
            assert_eq!(events(&body).iter().map(brief).collect::<Vec<_>>(), ["Some(\"60111111111\"): STOP"], "{body}");
        }
    }
}

#[test]
fn a_kind_has_the_word_that_it_has_at_meta() {
    for (kind, word) in [("image", "picture"), ("Image", "picture"), ("ptt", "voice message"), ("video", "video")] {
        let body = json!({ "type": kind, "message": "cap words", "from": "60111111111@c.us" });
        let [WsapmeEvent::Message(message)] = &events(&body)[..] else { panic!("{body}") };
        assert_eq!((message.kind.as_str(), message.text.as_str()), (word, "cap words"));
    }
}

#[test]
fn what_says_something_without_words_is_a_message_and_what_nobody_knows_is_kept() {
    let quoting = json!({ "imageMessage": { "url": "x", "contextInfo": { "stanzaId": "WMAPI1" } } });
    let [WsapmeEvent::Message(picture)] = &events(&written(&quoting))[..] else { panic!() };
    assert_eq!((picture.kind.as_str(), picture.text.as_str()), ("picture", ""));
    assert_eq!(picture.quoted.as_ref().map(MessageId::as_str), Some("WMAPI1"));

    let unknown = written(&json!({ "messageContextInfo": {}, "tomorrowsMessage": { "words": "STOP" } }));
    let [WsapmeEvent::Unreadable(why)] = &events(&unknown)[..] else { panic!("{:?}", events(&unknown)) };
    assert!(why.contains("tomorrowsMessage"), "{why}");

    let reaction = written(&json!({ "reactionMessage": { "text": "👍", "key": { "id": "WMAPI1" } } }));
    let mut in_a_group = unknown.clone();
    in_a_group["key"]["remoteJid"] = json!("120363@g.us");
    let mut of_ours = unknown;
    of_ours["key"]["fromMe"] = json!(true);
    for nothing in [reaction, in_a_group, of_ours, written(&json!({}))] {
        assert!(matches!(&events(&nothing)[..], [WsapmeEvent::Other(_)]), "{nothing}: {:?}", events(&nothing));
    }
}

#[test]
fn only_the_whole_secret_is_the_secret() {
    let secret = SecretString::from("s3cret");
    assert!(is_secret(&secret, "s3cret"));
    for wrong in ["", "s3cre", "s3crets", "S3CRET", "s3cret "] {
        assert!(!is_secret(&secret, wrong), "{wrong}");
    }
}

proptest! {
    #[test]
    fn no_body_makes_it_panic(body in prop::collection::vec(any::<u8>(), 0..200), text in "[a-z=&%{}\":,\\[\\]0-9]{0,80}") {
        let _ = (parse(&body, now()), parse(text.as_bytes(), now()));
    }
}
