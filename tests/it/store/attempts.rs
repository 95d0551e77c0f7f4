//! Every attempt that has ended has one row, with its answer as far as there is one; what becomes known later is added to it.

use blastdeck::domain::recipient::{Evidence, ProviderStage, StampedEvidence};
use blastdeck::domain::retry::ErrorClass;
use blastdeck::store::claim::Claimed;
use blastdeck::store::evidence::{EntryOutcome, EvidenceEntry, EvidenceSource};
use blastdeck::store::fence::{self, PostedAttempt};
use chrono::Utc;

use super::{BLAST, SENDER, Scene, accepted, acquire, entry};

impl Scene {
    /// Every attempt: whose, and what came of it, of those that have ended.
    async fn ended(&self) -> Vec<String> {
        sqlx::query_scalar(
            "select concat_ws(' ', recipient_id, attempt, outcome, message_id, nullif(convert_from(body, 'UTF8'), ''))
               from provider_message order by recipient_id, attempt",
        )
        .fetch_all(self.pool())
        .await
        .unwrap()
    }

    /// The claims as the rows of their attempts have them, whether they have ended or not.
    async fn claims(&self) -> Vec<String> {
        let claims = "select concat_ws(' ', recipient_id, attempt, epoch, claimed_at) from attempts order by recipient_id, attempt";
        sqlx::query_scalar(claims).fetch_all(self.pool()).await.unwrap()
    }

    async fn overtaken(self) -> Self {
        self.execute("update sender_leases set expires_at = now() - interval '1 s'").await;
        Self { lease: acquire(self.pool(), "second").await.unwrap(), ..self }
    }
}

fn answered(person: &Claimed, entry: EvidenceEntry) -> EvidenceEntry {
    let mut entry = EvidenceEntry { snapshot: person.snapshot(), ..entry };
    if let Some(answer) = &mut entry.answer {
        (answer.epoch, answer.claimed_at) = (person.epoch, person.claimed_at);
    }
    entry
}

fn unavailable() -> Evidence {
    Evidence::Unknown { why: "502".to_owned() }
}

#[tokio::test]
async fn an_attempt_keeps_the_facts_of_its_claim_in_whatever_way_it_ends() {
    let scene = Scene::queued(4).await;
    let people = scene.claim(4).await;
    let claims = scene.claims().await;
    let refused =
        Evidence::Rejected { class: ErrorClass::FailRecipient, code: "x".to_owned(), message: "no".to_owned() };

    scene.record(&[answered(&people[0], accepted(1, "M1")), answered(&people[1], entry(2, refused, b"{}"))]).await;
    scene.record(&[answered(&people[2], entry(3, unavailable(), b"<html>"))]).await;
    let scene = scene.overtaken().await;

    assert_eq!(scene.ended().await, ["1 1 accepted M1 M1", "2 1 rejected {}", "3 1 unknown <html>", "4 1 unknown"]);
    assert_eq!(scene.claims().await, claims);
    assert_eq!(scene.statuses().await, ["sent", "failed", "uncertain", "uncertain"]);
    scene.invariants().await;
}

#[tokio::test]
async fn what_an_engine_learns_after_it_was_taken_over_from_is_added_to_its_attempt() {
    let scene = Scene::queued(3).await;
    let people = scene.claim(3).await;
    let claims = scene.claims().await;
    let scene = scene.overtaken().await;
    let refused = Evidence::Rejected { class: ErrorClass::Retry, code: "503".to_owned(), message: "busy".to_owned() };

    scene
        .record(&[
            answered(&people[0], accepted(1, "M1")),
            answered(&people[1], entry(2, unavailable(), b"<html>")),
            answered(&people[2], entry(3, refused, b"busy")),
        ])
        .await;

    assert_eq!(scene.ended().await, ["1 1 accepted M1 M1", "2 1 unknown <html>", "3 1 rejected busy"]);
    assert_eq!(scene.claims().await, claims);
    // By a webhook, say.
    scene.record(&[answered(&people[1], EvidenceEntry { snapshot: None, ..accepted(2, "M2") })]).await;
    assert_eq!(scene.ended().await[1], "2 1 accepted M2 <html>");
    scene.invariants().await;
}

#[tokio::test]
async fn two_things_that_are_said_of_an_attempt_at_once_are_one_row() {
    let scene = Scene::queued(2).await;
    let people = scene.claim(2).await;
    let read = |person: usize, entry| EvidenceEntry { snapshot: None, ..answered(&people[person], entry) };

    let settled = scene
        .record(&[
            read(0, entry(1, unavailable(), b"<html>")),
            read(1, accepted(2, "M2")),
            read(0, accepted(1, "M1")),
            read(1, accepted(2, "M2")),
        ])
        .await;

    assert_eq!(settled[3], EntryOutcome::Nothing);
    assert_eq!(scene.ended().await, ["1 1 accepted M1 <html>", "2 1 accepted M2 M2"]);
    scene.invariants().await;
}

#[tokio::test]
async fn an_attempt_whose_message_is_read_before_its_answer_is_here_has_its_row_at_once() {
    let scene = Scene::queued(1).await;
    let people = scene.claim(1).await;
    let claims = scene.claims().await;
    let read = Evidence::Provider { stage: ProviderStage::Read, word: "read".to_owned(), c2s_at: None, error: None };
    let stamped = StampedEvidence { attempt: 1, at: Utc::now(), evidence: read };

    scene.record(&[EvidenceEntry::new(BLAST, people[0].id, stamped, EvidenceSource::Webhook)]).await;
    assert_eq!(scene.ended().await, ["1 1 unknown"]);
    scene.record(&[answered(&people[0], accepted(1, "M1"))]).await;

    assert_eq!((scene.ended().await, scene.claims().await), (vec!["1 1 accepted M1 M1".to_owned()], claims));
    assert_eq!(scene.statuses().await, ["read"]);
    scene.invariants().await;
}

#[tokio::test]
async fn whoever_is_put_back_to_queued_by_hand_is_not_sent_to_again() {
    let scene = Scene::sending(5).await;
    scene.record(&(1..=5).map(|n| accepted(n, &format!("M{n}"))).collect::<Vec<_>>()).await;
    // Until their claim is forgotten they would be in flight again, and uncertain with the next sweep.
    scene.claim(0).await;
    scene
        .execute(
            "update blast_recipients set status = 'queued', standing = 'queued', attempt = 0, message_id = null, sent_at = null
              where id = 1;
             update blast_recipients set status = 'queued' where id = 2;
             update blast_recipients set status = 'queued', standing = 'queued' where id = 3;
             update blast_recipients set status = 'queued', standing = 'queued', attempt = 7 where id = 4;
             insert into blast_recipients (blast_id, phone_number) values (1, '+60100000077');
             update blasts set state = 'sending', total_recipients = 6",
        )
        .await;

    let claimed = scene.claim(9).await;

    assert_eq!(claimed.iter().map(|person| (person.id.0, person.attempt)).collect::<Vec<_>>(), [(6, 1)]);
    assert_eq!(scene.statuses().await, ["uncertain", "uncertain", "uncertain", "uncertain", "sent", "sending"]);
    let why: String =
        sqlx::query_scalar("select string_agg(reason, ', ' order by id) from blast_recipients where id in (1, 4)")
            .fetch_one(scene.pool())
            .await
            .unwrap();
    let by_hand = "their row was put back to queued by hand after attempt";
    assert_eq!(why, format!("{by_hand} 1, {by_hand} 7"));
    assert_eq!(scene.claim(9).await.len(), 0);
}

#[tokio::test]
async fn an_attempt_whose_flight_is_deleted_by_hand_has_ended() {
    let scene = Scene::sending(2).await;
    let claims = scene.claims().await;

    scene.execute("delete from in_flight where recipient_id = 2").await;

    assert_eq!((scene.ended().await, scene.claims().await), (vec!["2 1 unknown".to_owned()], claims));
    scene.invariants().await;
}

/// The engine goes on with what it has in flight while the database is put back under it: by that alone, nothing would be missing.
#[tokio::test]
async fn what_came_of_a_claim_that_the_database_forgot_is_kept_and_is_no_attempt_of_its_own() {
    let scene = Scene::queued(2).await;
    let people = scene.claim(2).await;
    scene.forget_claims().await;
    scene.execute("delete from status_history").await;

    scene
        .record(&[answered(&people[0], accepted(1, "M1")), answered(&people[1], entry(2, unavailable(), b"<html>"))])
        .await;

    assert_eq!(scene.ended().await, ["1 1 accepted M1 M1", "2 1 unknown <html>"]);
    assert_eq!(scene.claims().await, Vec::<String>::new());
    assert_eq!(scene.statuses().await, ["sent", "uncertain"]);
    let posted = people.iter().map(|person| PostedAttempt {
        recipient: person.id,
        attempt: person.attempt,
        epoch: person.epoch,
        claimed_at: person.claimed_at,
        phone: person.phone_number.digits().parse().unwrap(),
        message: None,
    });
    let posted: Vec<_> = posted.collect();
    let mut connection = scene.pool().acquire().await.unwrap();
    assert_eq!(fence::missing(&mut connection, &posted).await.unwrap(), 2);
    fence::restore_attempts(&mut connection, SENDER, &posted).await.unwrap();
    assert_eq!(fence::missing(&mut connection, &posted).await.unwrap(), 0);
    assert_eq!(
        (scene.claims().await.len(), scene.statuses().await),
        (2, vec!["sent".to_owned(), "uncertain".to_owned()])
    );
    scene.invariants().await;
}
