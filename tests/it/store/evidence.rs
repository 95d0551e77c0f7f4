//! What evidence comes to, whatever is in it and whenever it comes.

use std::time::Duration;

use blastdeck::domain::recipient::{Evidence, ProviderStage};
use blastdeck::domain::retry::ErrorClass;
use blastdeck::store::alias::NumberAlias;
use blastdeck::store::evidence::EntryOutcome;
use chrono::{DateTime, Utc};
use serde_json::json;

use super::{Scene, accepted, entry};
use crate::support::digits;

fn rejected(class: ErrorClass, message: &str) -> Evidence {
    Evidence::Rejected { class, code: "refused".to_owned(), message: message.to_owned() }
}

fn unknown() -> Evidence {
    Evidence::Unknown { why: "no answer".to_owned() }
}

/// What is stored of a person's answers: id, flag, body.
async fn answers(scene: &Scene, person: i64) -> Vec<(Option<String>, Option<String>, Vec<u8>)> {
    sqlx::query_as("select message_id, flagged, body from provider_message where recipient_id = $1 order by id")
        .bind(person)
        .fetch_all(scene.pool())
        .await
        .unwrap()
}

#[tokio::test]
async fn an_id_that_another_message_has_already_is_left_out_and_flagged() {
    let scene = Scene::sending(4).await;

    // Twice within one batch, and again in a later one.
    scene.record(&[accepted(1, "SAME"), accepted(2, "SAME"), accepted(3, "OWN")]).await;
    scene.record(&[accepted(4, "SAME")]).await;

    assert_eq!(scene.statuses().await, ["sent"; 4]);
    assert_eq!(answers(&scene, 1).await, [(Some("SAME".to_owned()), None, b"SAME".to_vec())]);
    assert_eq!(answers(&scene, 3).await, [(Some("OWN".to_owned()), None, b"OWN".to_vec())]);
    for person in [2, 4] {
        let [(id, flagged, body)] = &answers(&scene, person).await[..] else { panic!("one answer") };
        assert_eq!((id, body.as_slice()), (&None, &b"SAME"[..]));
        assert!(flagged.as_ref().is_some_and(|why| why.contains("another message")), "{flagged:?}");
    }
    // Asked about under that id, they would be answered with what became of somebody else.
    assert_eq!(scene.number("select count(*) from blast_recipients where message_id = 'SAME'").await, 1);
    scene.invariants().await;
}

#[tokio::test]
async fn a_body_is_stored_byte_for_byte_whatever_bytes_it_has() {
    let scene = Scene::sending(2).await;
    let odd = b"{\"a\":\"\xff\xfe\0\"}\r\n\x1b[2J";

    scene.record(&[entry(1, unknown(), odd), entry(2, unknown(), b"")]).await;

    assert_eq!(answers(&scene, 1).await[0].2, odd);
    assert_eq!(answers(&scene, 2).await[0].2, b"");
    assert_eq!(scene.number("select count(*) from provider_message_json where body is null").await, 2);
}

#[tokio::test]
async fn a_row_that_the_database_refuses_does_not_lose_the_others() {
    let scene = Scene::sending(9).await;
    let mut entries: Vec<_> = (1..=9).map(|person| accepted(person, &format!("M{person}"))).collect();
    entries[2] = entry(3, rejected(ErrorClass::FailRecipient, "not \0 on WhatsApp\0"), b"x");
    entries[3].metadata = Some(json!({ "why": "a \u{0} b", "\u{0}": ["\u{0}"] }));
    // Before Postgres's calendar begins: refused, wherever it came from.
    let before_time = Some(DateTime::<Utc>::MIN_UTC);
    if let Evidence::Accepted { message_timestamp, .. } = &mut entries[6].stamped.evidence {
        *message_timestamp = before_time;
    }

    let settled = scene.record(&entries).await;
    // A row may still be held by the transaction that was refused: it is brought again, as an engine does.
    let locked = entries.iter().zip(&settled).filter(|(_, settled)| **settled == EntryOutcome::Locked);
    let mut left: Vec<_> = locked.map(|(entry, _)| entry.clone()).collect();
    let taken = settled.iter().filter(|settled| matches!(settled, EntryOutcome::Changed { .. })).count();
    assert_eq!(taken + left.len(), entries.len(), "{settled:?}");
    while !left.is_empty() {
        let settled = scene.record(&left).await;
        left = left
            .into_iter()
            .zip(settled)
            .filter(|(_, settled)| *settled == EntryOutcome::Locked)
            .map(|(e, _)| e)
            .collect();
    }

    let expected = ["sent", "sent", "failed", "sent", "sent", "sent", "sent", "sent", "sent"];
    assert_eq!(scene.statuses().await, expected);
    assert_eq!(scene.number("select count(*) from provider_message").await, 9);
    let said = "select count(*) from blast_recipients where id = 3 and error_message = 'not  on WhatsApp'";
    assert_eq!(scene.number(said).await, 1);
    scene.invariants().await;
}

#[tokio::test]
async fn evidence_that_is_written_twice_counts_once() {
    let scene = Scene::sending(3).await;
    let batch = [accepted(1, "A"), entry(2, unknown(), b"?"), entry(3, rejected(ErrorClass::Retry, "busy"), b"no")];

    let first = scene.record(&batch).await;
    let again = scene.record(&batch).await;

    assert!(first.iter().all(|settled| matches!(settled, EntryOutcome::Changed { .. })));
    assert_eq!(again, [EntryOutcome::Nothing, EntryOutcome::Nothing, EntryOutcome::Nothing]);
    assert_eq!(scene.statuses().await, ["sent", "uncertain", "queued"]);
    assert_eq!(scene.number("select tries::bigint from blast_recipients where id = 3").await, 1);
    assert_eq!(scene.number("select count(*) from status_history").await, 3);
    scene.invariants().await;
}

#[tokio::test]
async fn a_late_yes_lifts_and_a_late_no_of_an_older_attempt_changes_nothing() {
    let scene = Scene::sending(2).await;
    scene.record(&[entry(1, rejected(ErrorClass::Retry, "busy"), b""), entry(2, unknown(), b"")]).await;
    scene.execute("update blast_recipients set next_attempt_at = now() where id = 1").await;
    assert_eq!(scene.claim(2).await.len(), 1);
    assert_eq!(scene.statuses().await, ["sending", "uncertain"]);

    let stale = scene.record(&[entry(1, rejected(ErrorClass::FailRecipient, "stale"), b"")]).await;
    let late = scene.record(&[accepted(2, "LATE")]).await;

    assert_eq!(stale, [EntryOutcome::Nothing], "it speaks of attempt 1; attempt 2 is in flight");
    assert!(matches!(late[..], [EntryOutcome::Changed { .. }]));
    assert_eq!(scene.statuses().await, ["sending", "sent"]);
}

#[tokio::test]
async fn a_row_that_somebody_holds_locked_does_not_hold_up_the_others() {
    let scene = Scene::sending(10).await;
    let mut by_hand = scene.pool().begin().await.unwrap();
    sqlx::query("update blast_recipients set note = 'typing' where id = 4").execute(&mut *by_hand).await.unwrap();
    let entries: Vec<_> = (1..=10).map(|person| accepted(person, &format!("M{person}"))).collect();

    let settled = tokio::time::timeout(Duration::from_secs(5), scene.record(&entries)).await;

    let settled = settled.expect("nobody waits for a row that is being typed at");
    let locked: Vec<_> =
        (0..).zip(&settled).filter(|(_, settled)| **settled == EntryOutcome::Locked).map(|(n, _)| n).collect();
    assert_eq!(locked, [3]);
    assert_eq!(scene.number("select count(*) from provider_message where recipient_id = 4").await, 0);
    by_hand.commit().await.unwrap();
    scene.record(&entries[3..4]).await;
    assert_eq!(scene.statuses().await, ["sent"; 10]);
    assert_eq!(scene.number("select count(*) from blast_recipients where note = 'typing'").await, 1);
    scene.invariants().await;
}

#[tokio::test]
async fn a_refusal_that_may_be_tried_again_is_not_after_a_cancel() {
    let scene = Scene::sending(3).await;
    scene.execute("update blasts set state = 'cancelled', state_reason = 'cancelled'").await;

    let released = entry(3, Evidence::Released { not_before: None }, b"");
    scene
        .record(&[
            entry(1, rejected(ErrorClass::Retry, "busy"), b""),
            entry(2, rejected(ErrorClass::StopSender, "offline"), b""),
            released,
        ])
        .await;

    assert_eq!(scene.statuses().await, ["skipped"; 3]);
    scene.invariants().await;
}

#[tokio::test]
async fn tries_come_to_an_end() {
    let scene = Scene::sending(1).await;
    let tries = 3;
    for attempt in 1..=tries + 1 {
        let mut refusal = entry(1, rejected(ErrorClass::SlowSender, "too many"), b"");
        refusal.stamped.attempt = attempt;
        scene.record(&[refusal]).await;
        scene.execute("update blast_recipients set next_attempt_at = now()").await;
        let again = scene.claim(1).await.len();
        assert_eq!(again, usize::from(attempt <= tries), "after attempt {attempt}");
    }
    assert_eq!(scene.statuses().await, ["failed"]);
    scene.invariants().await;
}

#[tokio::test]
async fn stages_reported_in_any_order_end_in_the_same_place() {
    use ProviderStage::{Delivered, Read, Sent};

    let scene = Scene::sending(6).await;
    let reported = |person: i64, stage| {
        let (word, c2s_at, error) = ("WORD".to_owned(), None, None);
        let mut entry = entry(person, Evidence::Provider { stage, word, c2s_at, error }, b"");
        entry.answer = None;
        entry
    };
    let orders = [
        [Sent, Delivered, Read],
        [Sent, Read, Delivered],
        [Delivered, Sent, Read],
        [Delivered, Read, Sent],
        [Read, Sent, Delivered],
        [Read, Delivered, Sent],
    ];
    for (person, order) in (1..).zip(orders) {
        // One batch, and then everything again.
        let batch: Vec<_> = order.into_iter().map(|stage| reported(person, stage)).collect();
        scene.record(&batch).await;
        scene.record(&[batch, vec![accepted(person, &format!("M{person}"))]].concat()).await;
    }

    assert_eq!(scene.statuses().await, ["read"; 6]);
    scene.invariants().await;
}

#[tokio::test]
async fn an_answer_that_names_another_number_teaches_it_and_an_opt_out_of_that_holds_for_the_person() {
    let scene = Scene::sending(2).await;
    scene
        .execute("insert into suppressions (business, phone_number, source) values ('kedai', '+60177777777', 'person')")
        .await;
    let mut accepted = accepted(1, "M1");
    let known_as = NumberAlias { alias: "+60177777777".to_owned(), phone: format!("+{}", digits(1)) };
    accepted.answer.as_mut().unwrap().known_as = Some(known_as);

    scene.record(&[accepted]).await;

    assert_eq!(scene.statuses().await, ["sent", "sending"]);
    let theirs =
        format!("select count(*) from suppressions where phone_number = '+{}' and source = 'person'", digits(1));
    assert_eq!((scene.number("select count(*) from number_aliases").await, scene.number(&theirs).await), (1, 1));
    scene.invariants().await;
}

#[tokio::test]
async fn of_a_claim_that_the_database_has_forgotten_only_what_may_have_been_accepted_is_kept() {
    let scene = Scene::queued(4).await;
    let mut released = entry(1, Evidence::Released { not_before: None }, b"");
    released.answer.as_mut().unwrap().outcome = blastdeck::domain::recipient::AttemptOutcome::Released;

    scene.record(&[released, entry(2, rejected(ErrorClass::Retry, "busy"), b"no"), accepted(3, "M3")]).await;

    assert_eq!(scene.statuses().await, ["queued", "queued", "sent", "queued"]);
    assert_eq!(scene.number("select count(*) from provider_message").await, 1, "the next claim has their number");
    scene.invariants().await;
    scene.claim(2).await;
    scene.record(&[entry(1, unknown(), b""), entry(2, unknown(), b"")]).await;
    assert_eq!(scene.number("select count(*) from provider_message where outcome = 'unknown'").await, 2);
    scene.invariants().await;
}

/// As an engine writes them late that lost its database before it could: the one that answers now has not heard of its claims, and another
/// engine has made them again.
#[tokio::test]
async fn a_late_no_of_a_claim_that_was_forgotten_is_none_of_the_claim_that_has_its_number() {
    let scene = Scene::sending(3).await;
    scene.record(&[entry(3, unknown(), b"")]).await;
    let late = |person, evidence| {
        let mut late = entry(person, evidence, b"late");
        late.answer.as_mut().unwrap().epoch = 7;
        late
    };

    let settled = scene
        .record(&[
            late(1, rejected(ErrorClass::Retry, "busy")),
            late(2, Evidence::Released { not_before: None }),
            late(3, rejected(ErrorClass::Retry, "busy")),
        ])
        .await;

    assert_eq!(settled, [EntryOutcome::Nothing, EntryOutcome::Nothing, EntryOutcome::Nothing]);
    assert_eq!(scene.statuses().await, ["sending", "sending", "uncertain"], "they may have their message");
    assert_eq!(scene.number("select count(*) from in_flight").await, 2);
    assert_eq!(answers(&scene, 3).await, [(None, None, Vec::new())]);
    scene.invariants().await;
    let [two, three] = [2, 3].map(|person| entry(person, rejected(ErrorClass::Retry, "busy"), b"no"));
    scene.record(&[accepted(1, "M1"), two, three]).await;
    assert_eq!(scene.statuses().await, ["sent", "queued", "queued"]);
    scene.invariants().await;
}
