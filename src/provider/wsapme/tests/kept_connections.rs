//! What comes on a connection that is used for more than one call.

use super::*;

#[tokio::test]
async fn a_sender_with_a_gap_opens_a_connection_for_each_message_and_a_fast_one_keeps_it() {
    for (keep_alive, connections) in [(KeepAlive::PerCall, 2), (KeepAlive::Pooled { at_rest: 1 }, 1)] {
        let server = Scripted::new(vec![good(), good()]).await;
        let client = Wsapme::new(WsapmeOptions { keep_alive, ..server.options() }).unwrap();

        for _ in 0..2 {
            assert!(matches!(client.send(&hello()).await.outcome, SendOutcome::Accepted { .. }));
        }

        assert_eq!(server.connections(), connections, "{keep_alive:?}");
    }
}

#[tokio::test]
async fn a_connection_that_answered_about_somebody_else_is_not_used_again() {
    let kept = KeepAlive::Pooled { at_rest: 1 };
    let server = Scripted::new(vec![good(), good(), good(), good(), good()]).await;
    let client = Wsapme::new(WsapmeOptions { keep_alive: kept, ..server.options() }).unwrap();
    let other = Outgoing { to: "60100123457".to_owned(), ..hello() };
    let connections = || server.connections();

    assert!(matches!(client.send(&hello()).await.outcome, SendOutcome::Accepted { .. }));
    let reply = client.send(&other).await;
    assert_eq!(connections(), 1);

    let why = "WSAPME answers HTTP 200 about another person: the connection is closed".to_owned();
    assert_eq!(reply.outcome, SendOutcome::Unknown { why });
    assert_eq!(&reply.raw.body[..], include_bytes!("../bodies/send_accepted.json"), "kept, to be looked at");
    assert!(matches!(client.send(&hello()).await.outcome, SendOutcome::Accepted { .. }));
    assert_eq!(connections(), 2);

    let reply = client.status(StatusQuery { id: &id(), to: &other.to }).await;
    let why = "WSAPME answers HTTP 200 about another message: the connection is closed".to_owned();
    assert_eq!((connections(), reply.finding), (3, StatusFinding::OfAnother { why }));
    assert!(matches!(client.status(asked(&id())).await.finding, StatusFinding::Known(_)));
    assert_eq!(connections(), 4);
}

#[tokio::test]
async fn a_refusal_that_another_answer_follows_is_nobodys() {
    let bytes = |act| {
        let ServerAct::Answer(bytes) = act else { unreachable!("an answer") };
        bytes
    };
    for refusal in [
        answer("429 Too Many Requests", "retry-after: 1\r\n", b"{}"),
        answer("400 Bad Request", "", b"{}"),
        answer("401 Unauthorized", "", b"{}"),
        answer("200 OK", "", b"{\"success\":false,\"message\":\"number is not on WhatsApp\"}"),
    ] {
        let refusal = bytes(refusal);
        let acts = vec![
            good(),
            ServerAct::Answer(refusal.clone()),
            ServerAct::Preceded(refusal.clone(), bytes(good())),
            good(),
            good(),
        ];
        let server = Scripted::new(acts).await;
        let kept = KeepAlive::Pooled { at_rest: 1 };
        let client = Wsapme::new(WsapmeOptions { keep_alive: kept, ..server.options() }).unwrap();
        let mut outcomes = Vec::new();
        for _ in 0..5 {
            outcomes.push((client.send(&hello()).await.outcome, server.connections()));
        }

        let accepted = |of: usize| matches!(outcomes[of].0, SendOutcome::Accepted { .. });
        let said = String::from_utf8_lossy(&refusal);
        assert!(matches!(outcomes[1].0, SendOutcome::Rejected { .. }), "{said}: one alone is believed: {outcomes:?}");
        assert!(
            matches!(&outcomes[2].0, SendOutcome::Unknown { why } if why.contains("another answer followed")),
            "{said}: {outcomes:?}"
        );
        assert!(accepted(0) && accepted(3) && accepted(4), "{said}: {outcomes:?}");
        let connections: Vec<_> = outcomes.iter().map(|(_, connections)| *connections).collect();
        assert_eq!(connections, [1, 1, 1, 2, 3], "{said}: from then on each call has its own");
    }
}

fn status(status: &str) -> Vec<u8> {
    let ServerAct::Answer(bytes) = answer("200 OK", "", format!("{{\"data\":{{\"status\":\"{status}\"}}}}").as_bytes())
    else {
        unreachable!("an answer")
    };
    bytes
}

fn stage(reply: &StatusReply) -> Option<ProviderStage> {
    match &reply.finding {
        StatusFinding::Known(report) => Some(report.stage),
        _ => None,
    }
}

#[tokio::test]
async fn a_status_that_comes_twice_and_names_nobody_is_never_the_next_persons() {
    let acts =
        vec![ServerAct::Repeat(status("READ")), ServerAct::Repeat(status("SERVER_ACK")), good(), ServerAct::HangUp];
    let server = Scripted::new(acts).await;
    let kept = KeepAlive::Pooled { at_rest: 1 };
    let client = Wsapme::new(WsapmeOptions { keep_alive: kept, ..server.options() }).unwrap();
    let other = MessageId::new("3EB0OTHER").unwrap();

    let first = client.status(asked(&id())).await;
    let second = client.status(StatusQuery { id: &other, to: "60100123457" }).await;
    let sent = client.send(&hello()).await;

    assert_eq!((stage(&first), stage(&second)), (Some(ProviderStage::Read), Some(ProviderStage::Sent)));
    assert!(matches!(sent.outcome, SendOutcome::Accepted { .. }), "{:?}", sent.outcome);
    assert_eq!(server.connections(), 3, "a connection for each");
}

#[tokio::test]
async fn statuses_share_a_connection_as_long_as_each_names_its_message() {
    let acts = vec![
        good(),
        good(),
        good(),
        ServerAct::Repeat(status("READ")),
        ServerAct::Answer(status("READ")),
        ServerAct::Answer(status("SERVER_ACK")),
    ];
    let server = Scripted::new(acts).await;
    let kept = KeepAlive::Pooled { at_rest: 1 };
    let client = Wsapme::new(WsapmeOptions { keep_alive: kept, ..server.options() }).unwrap();
    let connections = || server.connections();

    for expected in [1, 2, 2] {
        assert_eq!((stage(&client.status(asked(&id())).await), connections()), (Some(ProviderStage::Sent), expected));
    }
    // Nobody knows whom it is about: others were asked about on this connection.
    let nameless = client.status(asked(&id())).await;
    assert!(matches!(&nameless.finding, StatusFinding::OfAnother { why } if why.contains("names no message")));

    for (expected, opened) in [(ProviderStage::Read, 3), (ProviderStage::Sent, 4)] {
        assert_eq!((stage(&client.status(asked(&id())).await), connections()), (Some(expected), opened));
    }
}
