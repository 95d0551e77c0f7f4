//! Acceptances that are written from what the claim knew, without reading the row: the same comes of them, and whatever
//! was written between the claim and the answer is neither lost nor overwritten.

use std::time::{Duration, Instant};

use blastdeck::domain::ids::RecipientId;
use blastdeck::domain::recipient::{Evidence, Mark, ProviderStage, StampedEvidence};
use blastdeck::domain::status::Status;
use blastdeck::store::claim::Claimed;
use blastdeck::store::count::audit_history;
use blastdeck::store::evidence::{EntryOutcome, EvidenceEntry, EvidenceSource};
use blastdeck::store::view;
use blastdeck::store::view::history::since;
use chrono::{TimeDelta, Utc};

use super::{BLAST, Scene, accepted};
use crate::support::measured;

const SENT: EntryOutcome = EntryOutcome::Changed { before: Status::Sending, after: Status::Sent };

/// An acceptance of somebody claimed, with all that the claim knew.
fn known(person: &Claimed) -> EvidenceEntry {
    let entry = EvidenceEntry { snapshot: person.snapshot(), ..accepted(person.id.0, &format!("M{}", person.id.0)) };
    assert!(entry.is_known(), "the claim knows the whole row");
    entry
}

/// All that a row holds, but for what differs from person to person.
async fn row(scene: &Scene, person: i64) -> serde_json::Value {
    sqlx::query_scalar(
        "select to_jsonb(r) - array['id', 'phone_number', 'name', 'message_id', 'sent_at', 'changed_at', 'next_attempt_at']
           from blast_recipients r where id = $1",
    )
    .bind(person)
    .fetch_one(scene.pool())
    .await
    .unwrap()
}

#[tokio::test]
async fn it_comes_to_the_same_as_reading_first() {
    let scene = Scene::queued(2).await;
    let people = scene.claim(2).await;

    let settled = scene.record(&[known(&people[0])]).await;
    let read = scene.record(&[EvidenceEntry { snapshot: None, ..known(&people[1]) }]).await;

    assert_eq!((&settled, &read), (&vec![SENT], &vec![SENT]));
    assert_eq!(row(&scene, 1).await, row(&scene, 2).await);
    assert_eq!(scene.number("select count(distinct body) from provider_message").await, 2);
    scene.invariants().await;
}

/// The steps of a person as faces show them.
async fn steps(scene: &Scene, person: i64) -> Vec<String> {
    let details = view::recipients::details(scene.pool(), RecipientId(person)).await.unwrap().unwrap();
    details.history.iter().map(|step| format!("{} {} {}", step.old_status, step.new_status, step.source)).collect()
}

/// A hook reads the history by its ids, from when it began to: from then on each step has a row.
async fn ask_for_history(scene: &Scene) {
    scene.execute("insert into hooks (name, told_history) values ('crm', 0)").await;
}

#[tokio::test]
async fn the_step_into_sent_is_read_from_the_attempt_and_has_a_row_only_for_hooks() {
    let scene = Scene::queued(3).await;
    let people = scene.claim(3).await;
    let rows = "select count(*) from status_history";

    scene.record(&[known(&people[0])]).await;
    let without = scene.number(rows).await;
    ask_for_history(&scene).await;
    scene.record(&[known(&people[1])]).await;
    let with = scene.number(rows).await;
    // Read first, as whoever was sent to before.
    scene.execute("delete from hooks").await;
    scene.record(&[EvidenceEntry { snapshot: None, ..known(&people[2]) }]).await;

    assert_eq!((without, with, scene.number(rows).await), (0, 1, 2));
    for person in 1..=3 {
        assert_eq!(steps(&scene, person).await, ["queued sending send", "sending sent send"]);
    }
    assert_eq!(audit_history(scene.pool(), None).await.unwrap(), []);
    scene.invariants().await;
}

#[tokio::test]
async fn what_follows_an_acceptance_without_a_row_comes_after_it() {
    let scene = Scene::queued(2).await;
    let people = scene.claim(2).await;
    scene.record(&people.iter().map(known).collect::<Vec<_>>()).await;
    let read = Evidence::Provider { stage: ProviderStage::Read, word: "READ".to_owned(), c2s_at: None, error: None };
    let stamped = StampedEvidence { attempt: 1, at: Utc::now(), evidence: read };
    scene.record(&[EvidenceEntry::new(BLAST, people[0].id, stamped, EvidenceSource::Poll)]).await;

    assert_eq!(steps(&scene, 1).await, ["queued sending send", "sending sent send", "sent read poll"]);
    let reached = since(scene.pool(), Some(BLAST), Utc::now() - TimeDelta::hours(1)).await.unwrap().reached;
    assert_eq!(reached, [(Status::Sent, 2), (Status::Delivered, 1), (Status::Read, 1)]);
    let later = since(scene.pool(), None, Utc::now() + TimeDelta::hours(1)).await.unwrap().reached;
    assert_eq!(later, []);
}

#[tokio::test]
async fn a_status_that_contradicts_an_acceptance_without_a_row_is_found_by_the_audit() {
    let scene = Scene::queued(2).await;
    let people = scene.claim(2).await;
    scene.record(&people.iter().map(known).collect::<Vec<_>>()).await;
    assert_eq!(audit_history(scene.pool(), None).await.unwrap(), []);

    scene.execute("update blast_recipients set status = 'failed', standing = 'failed' where id = 2").await;

    assert_eq!(audit_history(scene.pool(), None).await.unwrap(), [BLAST]);
    // What came after it may have been dropped with its month.
    scene.execute("update provider_message set received_at = received_at - interval '2 years'").await;
    assert_eq!(audit_history(scene.pool(), None).await.unwrap(), []);
}

#[tokio::test]
async fn whoever_was_accepted_without_a_row_and_is_put_back_by_hand_is_not_sent_to_again() {
    let scene = Scene::queued(2).await;
    let people = scene.claim(2).await;
    scene.record(&people.iter().map(known).collect::<Vec<_>>()).await;

    scene.execute("update blast_recipients set status = 'queued', standing = 'queued', next_attempt_at = now()").await;

    assert_eq!(scene.claim(2).await.len(), 0);
    assert_eq!(scene.statuses().await, ["uncertain", "uncertain"]);
    assert_eq!(steps(&scene, 1).await, ["queued sending send", "sending sent send", "sent uncertain engine"]);
}

#[tokio::test]
async fn an_answer_that_comes_twice_is_written_once() {
    let scene = Scene::queued(3).await;
    let entries: Vec<_> = scene.claim(3).await.iter().map(known).collect();

    scene.record(&entries).await;
    let again = scene.record(&entries).await;

    assert_eq!(again, [EntryOutcome::Nothing, EntryOutcome::Nothing, EntryOutcome::Nothing]);
    assert_eq!(scene.number("select count(*) from provider_message").await, 3);
    scene.invariants().await;
}

#[tokio::test]
async fn what_was_written_since_the_claim_stays() {
    let scene = Scene::queued(3).await;
    let people = scene.claim(3).await;
    // A note, and a sweep.
    let note = Evidence::Manual(Mark::Note("calls back".to_owned()));
    let stamped = StampedEvidence { attempt: 1, at: Utc::now(), evidence: note };
    scene.record(&[EvidenceEntry::new(BLAST, people[0].id, stamped, EvidenceSource::Operator)]).await;
    let unknown =
        StampedEvidence { attempt: 1, at: Utc::now(), evidence: Evidence::Unknown { why: "swept".to_owned() } };
    scene.record(&[EvidenceEntry::new(BLAST, people[1].id, unknown, EvidenceSource::Engine)]).await;

    let settled = scene.record(&people.iter().map(known).collect::<Vec<_>>()).await;

    let lifted = EntryOutcome::Changed { before: Status::Uncertain, after: Status::Sent };
    assert_eq!(settled, [SENT, lifted, SENT]);
    assert_eq!(row(&scene, 1).await["note"], "calls back");
    assert_eq!(row(&scene, 2).await["reason"], serde_json::Value::Null);
    scene.invariants().await;
}

#[tokio::test]
async fn who_is_gone_does_not_lose_the_others() {
    let scene = Scene::queued(2).await;
    let people = scene.claim(2).await;
    scene.execute("delete from blast_recipients where id = 1; update blasts set total_recipients = 1").await;

    let settled = scene.record(&people.iter().map(known).collect::<Vec<_>>()).await;

    assert_eq!(settled, [EntryOutcome::Gone, SENT]);
    assert_eq!(scene.number("select count(*) from provider_message").await, 1);
    scene.invariants().await;
}

#[tokio::test]
async fn whoever_has_a_past_is_read() {
    let scene = Scene::queued(3).await;
    scene.execute("update blast_recipients set note = 'a friend' where id = 1").await;
    scene.execute("update blast_recipients set tries = 1, error_code = 'x' where id = 2").await;

    let people = scene.claim(3).await;

    let fresh: Vec<bool> = people.iter().map(|person| person.snapshot().is_some()).collect();
    assert_eq!(fresh, [false, false, true]);
}

#[tokio::test]
async fn a_row_that_somebody_holds_does_not_hold_up_the_others() {
    let scene = Scene::queued(3).await;
    let people = scene.claim(3).await;
    let mut somebody = scene.pool().begin().await.unwrap();
    sqlx::query("update blast_recipients set note = 'by hand' where id = 2").execute(&mut *somebody).await.unwrap();

    let began = Instant::now();
    let settled = scene.record(&people.iter().map(known).collect::<Vec<_>>()).await;
    let took = began.elapsed();
    somebody.commit().await.unwrap();
    let again = scene.record(&[known(&people[1])]).await;

    assert_eq!(settled, [SENT, EntryOutcome::Locked, SENT]);
    measured("a batch with one row that is held", took, Duration::from_secs(2));
    assert_eq!(again, [SENT]);
    assert_eq!(row(&scene, 2).await["note"], "by hand");
    scene.invariants().await;
}

#[tokio::test]
async fn a_value_that_the_database_refuses_or_an_id_that_is_taken_does_not_lose_the_others() {
    let scene = Scene::queued(4).await;
    let people = scene.claim(4).await;
    let mut entries: Vec<_> = people.iter().map(known).collect();
    if let Evidence::Accepted { message_timestamp, .. } = &mut entries[1].stamped.evidence {
        *message_timestamp = Some(chrono::DateTime::<Utc>::MIN_UTC);
    }
    entries[3] = EvidenceEntry { snapshot: people[3].snapshot(), ..accepted(4, "M1") };

    let settled = scene.record(&entries).await;

    let changed =
        settled.iter().filter(|settled| matches!(settled, EntryOutcome::Changed { .. } | EntryOutcome::Locked)).count();
    assert_eq!(changed, 4, "{settled:?}");
    let left: Vec<_> =
        entries.iter().zip(&settled).filter(|(_, s)| **s == EntryOutcome::Locked).map(|(e, _)| e.clone()).collect();
    scene.record(&left).await;
    assert_eq!(scene.statuses().await, ["sent"; 4]);
    scene.invariants().await;
}
