//! Who is in flight stands in a table of its own: what is read of them, what ends it, and whoever had looked before they came into it.

use blastdeck::domain::ids::RecipientId;
use blastdeck::domain::recipient::{Evidence, Mark};
use blastdeck::domain::retry::ErrorClass;
use blastdeck::store::claim::{ClaimRequest, claim};
use blastdeck::store::clearing::{Clearing, ClearingKind};
use blastdeck::store::count::audit_history;
use blastdeck::store::evidence::{EntryOutcome, EvidenceEntry};
use blastdeck::store::{lease, session, view};
use sqlx::{Postgres, Transaction};

use super::marks::operator_app;
use super::{BLAST, SENDER, Scene, accepted, acquire, entry};

const ROWS: &str = "select coalesce(string_agg(r::text || r.xmin, ' ' order by id), '') from blast_recipients r";

impl Scene {
    async fn rows(&self) -> String {
        sqlx::query_scalar(ROWS).fetch_one(self.pool()).await.unwrap()
    }

    /// What happened to somebody, as a page of theirs and an export have it.
    async fn steps(&self, person: i64) -> String {
        let id = RecipientId(person);
        let shown = view::recipients::details(self.pool(), id).await.unwrap().unwrap().history;
        let shown: Vec<_> = shown.iter().map(|step| format!("{} {}", step.old_status, step.new_status)).collect();
        let exported = view::export::changes(self.pool(), &[id]).await.unwrap();
        let exported: Vec<_> = exported.iter().map(|step| format!("{} {}", step.old_status, step.new_status)).collect();
        assert_eq!(shown, exported);
        shown.join(", ")
    }

    async fn steps_with_attempts(&self, person: i64) -> Vec<String> {
        let details = view::recipients::details(self.pool(), RecipientId(person)).await.unwrap().unwrap();
        let step = |step: &view::HistoryRow| format!("{} {} {}", step.old_status, step.new_status, step.attempt);
        details.history.iter().map(step).collect()
    }

    async fn in_flight(&self) -> i64 {
        self.number("select count(*) from in_flight").await
    }
}

#[tokio::test]
async fn a_claim_writes_no_person_and_everybody_reads_that_they_are_being_sent_to() {
    let scene = Scene::queued(3).await;
    let before = scene.rows().await;

    let claimed = scene.claim(2).await;

    assert_eq!(scene.rows().await, before);
    assert_eq!(claimed.iter().map(|person| (person.id.0, person.attempt)).collect::<Vec<_>>(), [(1, 1), (2, 1)]);
    assert_eq!(scene.statuses().await, ["sending", "sending", "queued"]);
    let counted =
        "select string_agg(status || ' ' || people, ', ' order by status) from blast_status_counts where people <> 0";
    let counted: String = sqlx::query_scalar(counted).fetch_one(scene.pool()).await.unwrap();
    assert_eq!(counted, "queued 1, sending 2");
    assert_eq!(scene.claim(5).await.len(), 1, "nobody who is in flight");
    scene.invariants().await;
}

/// A claim writes no history either: when it was made stands with the attempt.
#[tokio::test]
async fn the_step_into_sending_is_read_from_the_attempt_and_is_told_once() {
    let scene = Scene::queued(2).await;
    scene.claim(2).await;
    assert_eq!(scene.number("select count(*) from status_history").await, 0);
    // By a version before, of whom nothing else is known yet.
    scene
        .execute(
            "insert into status_history (blast_id, recipient_id, attempt, old_status, new_status, source)
             values (1, 2, 1, 'queued', 'sending', 'send')",
        )
        .await;
    assert_eq!([scene.steps(1).await, scene.steps(2).await], ["queued sending"; 2]);
    assert_eq!(audit_history(scene.pool(), None).await.unwrap(), []);

    let busy = Evidence::Rejected { class: ErrorClass::Retry, code: "503".to_owned(), message: "busy".to_owned() };
    scene.record(&[entry(1, busy, b"busy"), accepted(2, "M2")]).await;
    scene.execute("update blast_recipients set next_attempt_at = now() where id = 1").await;
    assert_eq!(scene.claim(2).await.len(), 1);

    let again = ["queued sending 1", "sending queued 1", "queued sending 2"];
    assert_eq!(scene.steps_with_attempts(1).await, again);
    assert_eq!(scene.steps(2).await, "queued sending, sending sent");
    scene.execute("delete from status_history").await;
    assert_eq!(scene.steps(2).await, "queued sending, sending sent", "what stands with the attempt outlives its month");
    assert_eq!(scene.steps_with_attempts(1).await, ["queued sending 2"]);
}

#[tokio::test]
async fn whoever_was_refused_for_now_is_queued_again_with_their_attempt_written() {
    let scene = Scene::sending(1).await;
    let later = Evidence::Rejected { class: ErrorClass::Retry, code: "503".to_owned(), message: "busy".to_owned() };

    scene.record(&[entry(1, later, b"busy")]).await;

    assert_eq!((scene.statuses().await, scene.in_flight().await), (vec!["queued".to_owned()], 0));
    assert_eq!(scene.number("select attempt::bigint from blast_recipients").await, 1);
    assert_eq!(
        scene
            .number(
                "select count(*) from blast_recipients where changed_at = (select max(changed_at) from status_history)"
            )
            .await,
        1
    );
    scene.invariants().await;
}

/// The engine that made the first attempt learns what came of it only now that another makes the second.
#[tokio::test]
async fn what_came_of_an_earlier_attempt_leaves_the_one_in_flight_alone() {
    let scene = Scene::queued(2).await;
    let first = scene.claim(2).await;
    scene.execute("update sender_leases set expires_at = now() - interval '1 s'").await;
    let scene = Scene { lease: acquire(scene.pool(), "second").await.unwrap(), ..scene };
    scene.execute("update blast_recipients set status = 'queued', standing = 'queued'").await;
    scene
        .execute(
            "insert into status_history (blast_id, recipient_id, attempt, old_status, new_status, source)
                   select 1, id, 1, 'uncertain', 'queued', 'operator' from blast_recipients",
        )
        .await;
    let second = scene.claim(2).await;
    assert_eq!(second.iter().map(|person| person.attempt).collect::<Vec<_>>(), [2, 2]);
    let refused = Evidence::Rejected { class: ErrorClass::Retry, code: "503".to_owned(), message: "busy".to_owned() };
    let late = |entry: EvidenceEntry, person: usize| EvidenceEntry { snapshot: first[person].snapshot(), ..entry };

    let settled = scene.record(&[late(entry(1, refused, b"busy"), 0)]).await;

    assert_eq!(
        (settled, scene.in_flight().await),
        (vec![EntryOutcome::Nothing], 2),
        "a refusal says nothing of the next"
    );
    scene.record(&[late(accepted(2, "M2"), 1)]).await;
    assert_eq!(scene.statuses().await, ["sending", "sent"], "an acceptance does: they have the message");
    assert_eq!(scene.number("select max(attempt)::bigint from blast_recipients where status = 'sent'").await, 2);
}

/// A claim that is not committed yet.
async fn claiming(scene: &Scene) -> Transaction<'static, Postgres> {
    let mut tx = scene.pool().begin().await.unwrap();
    let claim = format!(
        "select from blast_recipients where id = 1 for no key update;
         insert into claims (blast_id, sender_id, attempt_number, epoch, first_id, last_id, recipients) values (1, 1, 1, {0}, 1, 1, '{{1}}')",
        scene.lease.epoch
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(claim)).execute(&mut *tx).await.unwrap();
    tx
}

#[tokio::test]
async fn whoever_comes_into_flight_while_a_cancel_waits_for_them_is_not_left_out() {
    let scene = Scene::queued(2).await;
    let claim = claiming(&scene).await;
    scene.execute("update blasts set state = 'cancelled', state_reason = 'cancelled', state_by = 'aina'").await;
    let cancel = Clearing { blast: BLAST, kind: ClearingKind::LeaveOut };

    let (people, ()) = tokio::join!(cancel.finish(scene.pool()), scene.commit_once_waited_for(claim));

    assert_eq!((people.unwrap(), scene.statuses().await), (1, vec!["sending".to_owned(), "skipped".to_owned()]));
    scene.invariants().await;
}

#[tokio::test]
async fn whoever_comes_into_flight_while_a_deletion_waits_for_them_stays_until_their_outcome() {
    let scene = Scene::queued(2).await;
    let claim = claiming(&scene).await;
    scene.execute("update blasts set deleted_at = now()").await;
    let delete = Clearing { blast: BLAST, kind: ClearingKind::Remove };

    let (people, ()) = tokio::join!(delete.finish(scene.pool()), scene.commit_once_waited_for(claim));

    assert_eq!((people.unwrap(), scene.statuses().await), (1, vec!["sending".to_owned()]));
}

#[tokio::test]
async fn whoever_comes_into_flight_while_an_answers_time_ends_is_sent_to() {
    let scene = Scene::queued(2).await;
    let claim = claiming(&scene).await;
    scene
        .execute("update blasts set answer_until = now() - interval '1 s', answers_blast = 1, answers_recipient = 2")
        .await;

    let (lapsed, ()) = tokio::join!(session::lapse(scene.pool(), BLAST), scene.commit_once_waited_for(claim));

    assert_eq!((lapsed.unwrap(), scene.statuses().await), (true, vec!["sending".to_owned(), "skipped".to_owned()]));
}

#[tokio::test]
async fn a_mark_that_waited_for_a_claim_knows_of_it() {
    let scene = Scene::queued(2).await;
    let claim = claiming(&scene).await;
    let aina = operator_app(&scene, "aina").await;

    let (marked, ()) = tokio::join!(aina.mark(RecipientId(1), Mark::OptOut), scene.commit_once_waited_for(claim));

    marked.unwrap();
    assert_eq!(scene.statuses().await, ["sending", "queued"], "it may have gone: what comes of it is awaited");
    assert_eq!(
        scene.number("select count(*) from blast_recipients where opted_out_at is not null and attempt = 0").await,
        1
    );
    let back = Evidence::Released { not_before: None };
    scene.record(&[entry(1, back, b"")]).await;
    assert_eq!(scene.statuses().await, ["opted_out", "queued"]);
    scene.invariants().await;
}

#[tokio::test]
async fn of_a_flight_that_is_deleted_by_hand_nobody_knows_what_came_of_it() {
    let scene = Scene::sending(3).await;

    scene.execute("delete from in_flight where recipient_id = 2").await;

    assert_eq!(scene.statuses().await, ["sending", "uncertain", "sending"]);
    assert_eq!(scene.number("select attempt::bigint from blast_recipients where id = 2").await, 1);
    scene.invariants().await;
    scene.record(&[accepted(2, "M2")]).await;
    assert_eq!(scene.statuses().await, ["sending", "sent", "sending"]);
}

#[tokio::test]
async fn the_flights_are_not_truncated() {
    let scene = Scene::sending(2).await;

    let refused = sqlx::raw_sql("truncate claims").execute(scene.pool()).await.unwrap_err().to_string();

    assert!(refused.contains("nobody would know what came of these people"), "{refused}");
    assert_eq!(scene.in_flight().await, 2);
}

#[tokio::test]
async fn the_flights_of_people_go_with_them() {
    let scene = Scene::sending(3).await;

    scene.execute("delete from blast_recipients where id = 2; update blasts set total_recipients = 2").await;

    assert_eq!((scene.in_flight().await, scene.number("select count(*) from attempts").await), (2, 2));
    scene.invariants().await;
    assert_eq!(scene.record(&[accepted(2, "M2")]).await, [EntryOutcome::Gone]);
    scene.execute("truncate blast_recipients cascade").await;
    assert_eq!((scene.in_flight().await, scene.number("select count(*) from blast_status_counts").await), (0, 0));
}

/// An older claim, given up by its engine, commits while the next one is under way: that one's first look was before it, and its locks after.
#[tokio::test]
async fn a_claim_of_somebody_who_has_come_into_flight_meanwhile_claims_nobody_and_is_made_again() {
    let scene = Scene::queued(3).await;
    // Holds up a claim between the two.
    scene
        .execute(
            "create or replace function person_key(phone_number text) returns text language plpgsql immutable as $$
             begin
                 perform pg_advisory_xact_lock(77);
                 return phone_number;
             end $$",
        )
        .await;
    let mut holding = scene.pool().begin().await.unwrap();
    sqlx::query("select pg_advisory_xact_lock(77)").execute(&mut *holding).await.unwrap();
    let want = ClaimRequest { blast: BLAST, people: 3, after: None, patience: std::time::Duration::MAX, oldest: None };
    let older = async {
        scene.until_waited_for().await;
        claiming(&scene).await.commit().await.unwrap();
        holding.commit().await.unwrap();
    };

    let (claimed, ()) = tokio::join!(claim(scene.pool(), scene.lease, want), older);

    assert!(claimed.is_err_and(|error| error.is_transient()), "nobody of it is posted to");
    assert_eq!(scene.claim(5).await.iter().map(|person| person.id.0).collect::<Vec<_>>(), [2, 3]);
    scene.invariants().await;
}

/// What is in flight is read through its claims, of which few are left.
#[tokio::test]
async fn a_claim_whose_people_have_landed_is_forgotten_with_the_next() {
    let scene = Scene::queued(6).await;
    let first = scene.claim(2).await;
    scene.claim(2).await;
    scene.record(&[accepted(1, "M1")]).await;
    let claims = async || scene.number("select count(*) from claims").await;

    scene.claim(1).await;
    assert_eq!((claims().await, scene.in_flight().await), (3, 4), "one of the first is in flight still");
    scene.record(&[accepted(2, "M2")]).await;
    let want = ClaimRequest {
        blast: BLAST,
        people: 1,
        after: None,
        patience: std::time::Duration::MAX,
        oldest: Some(first[0].claimed_at),
    };
    claim(scene.pool(), scene.lease, want).await.unwrap();
    assert_eq!(claims().await, 4, "not looked at: somebody of that time is held");
    scene.claim(1).await;

    assert_eq!((claims().await, scene.in_flight().await), (3, 4));
    assert_eq!(scene.statuses().await, ["sent", "sent", "sending", "sending", "sending", "sending"]);
    scene.invariants().await;
}

/// What was deleted is walked over as long as a transaction is open that might see it.
#[tokio::test]
async fn a_claim_looks_no_further_back_for_those_to_forget_than_a_sweep_comes_round() {
    let scene = Scene::queued(4).await;
    scene.claim(2).await;
    scene.record(&[accepted(1, "M1"), accepted(2, "M2")]).await;
    scene.change_claims("update claims set claimed_at = now() - interval '31 seconds'").await;
    let claims = async || scene.number("select count(*) from claims").await;

    scene.claim(1).await;
    assert_eq!(claims().await, 2, "left to the sweep");
    lease::sweep(scene.pool(), SENDER, scene.lease.epoch, &[RecipientId(3)]).await.unwrap();

    assert_eq!((claims().await, scene.in_flight().await), (1, 1));
    scene.invariants().await;
}

#[tokio::test]
async fn a_status_that_comes_later_looks_for_nobody_in_flight() {
    let scene = Scene::sending(3).await;
    scene.record(&[accepted(1, "M1"), accepted(2, "M2")]).await;
    let mut tx = scene.pool().begin().await.unwrap();
    let scans =
        "select coalesce(seq_scan, 0) + coalesce(idx_scan, 0) from pg_stat_xact_user_tables where relname = 'claims'";
    // Of what the session did before, not all is counted elsewhere yet.
    let mut scanned: i64 = sqlx::query_scalar(scans).fetch_one(&mut *tx).await.unwrap();
    let mut by = async |update: &'static str| {
        sqlx::query(update).execute(&mut *tx).await.unwrap();
        let before = std::mem::replace(&mut scanned, sqlx::query_scalar(scans).fetch_one(&mut *tx).await.unwrap());
        scanned - before
    };

    let received = by("update blast_recipients set status = 'delivered', standing = 'delivered' where id < 3").await;
    let landed = by("update blast_recipients set attempt = 1, status = 'sent', standing = 'sent' where id = 3").await;

    assert_eq!(received, 0);
    assert!(landed > 0, "whoever lands is looked for");
}

#[tokio::test]
async fn of_a_claim_that_is_deleted_by_hand_nobody_knows_what_came_of_those_in_flight() {
    let scene = Scene::sending(3).await;
    scene.record(&[accepted(1, "M1")]).await;

    scene.execute("delete from claims").await;

    assert_eq!(scene.statuses().await, ["sent", "uncertain", "uncertain"]);
    assert_eq!(scene.steps(2).await, "queued sending, sending uncertain");
    scene.invariants().await;
}

#[tokio::test]
async fn what_a_claim_knew_counts_for_nothing_in_a_database_that_forgot_the_claim() {
    let scene = Scene::queued(1).await;
    let claimed = scene.claim(1).await;
    scene.forget_claims().await;
    scene.execute("delete from status_history").await;

    scene.record(&[EvidenceEntry { snapshot: claimed[0].snapshot(), ..accepted(1, "M1") }]).await;

    assert_eq!(scene.statuses().await, ["sent"], "they have it all the same");
    let told: String =
        sqlx::query_scalar("select string_agg(old_status || ' ' || new_status, ', ') from status_history")
            .fetch_one(scene.pool())
            .await
            .unwrap();
    assert_eq!(told, "queued sent");
    scene.invariants().await;
}
