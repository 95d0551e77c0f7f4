//! A sender belongs to one engine at a time, and a takeover waits for the claims that it must see.

use std::time::Duration;

use blastdeck::domain::ids::SenderId;
use blastdeck::store::StoreError;
use blastdeck::store::claim::{Claim, ClaimRequest, Claimed, claim, skip_suppressed, still_wanted};
use blastdeck::store::fence::Incarnation;
use blastdeck::store::lease::{self, LeaseCounters, LeaseRequest, held_by_other, lock, release, renew, sweep};
use chrono::TimeDelta;

use super::{BLAST, SENDER, Scene, accepted, acquire, acquire_as, asking};
use crate::support::{WAITING_FOR_A_LOCK, eventually_async, settle_for};

/// For so long, and no later than that after its end.
const RENEWAL: (TimeDelta, TimeDelta) = (TimeDelta::seconds(15), TimeDelta::hours(1));

const WANT: ClaimRequest =
    ClaimRequest { blast: BLAST, people: 5, after: None, patience: std::time::Duration::MAX, oldest: None };

#[tokio::test]
async fn a_lease_is_nobody_elses_until_it_is_over_or_given_up() {
    let scene = Scene::queued(1).await;

    assert_eq!(acquire(scene.pool(), "second").await, None);
    assert!(renew(scene.pool(), scene.lease, RENEWAL).await.unwrap().is_some());
    release(scene.pool(), scene.lease).await.unwrap();
    let second = acquire(scene.pool(), "second").await.unwrap();

    assert!(second.epoch > scene.lease.epoch);
    assert_eq!(renew(scene.pool(), scene.lease, RENEWAL).await.unwrap(), None, "the first has lost it");
}

#[tokio::test]
async fn a_lease_that_ended_hours_ago_is_acquired_anew_and_not_renewed() {
    let scene = Scene::queued(1).await;
    scene.execute("update sender_leases set expires_at = now() - interval '59 min'").await;
    assert!(renew(scene.pool(), scene.lease, RENEWAL).await.unwrap().is_some(), "a hiccup");

    scene.execute("update sender_leases set expires_at = now() - interval '61 min'").await;

    assert_eq!(renew(scene.pool(), scene.lease, RENEWAL).await.unwrap(), None);
}

/// As a launch is taken back in the moment in which the first engine of all comes.
#[tokio::test]
async fn the_first_lease_of_a_sender_waits_for_whoever_has_it_locked() {
    let scene = Scene::queued(1).await;
    scene.execute("delete from sender_leases").await;
    let mut undo = scene.pool().begin().await.unwrap();
    lock(&mut undo, SENDER).await.unwrap();

    let pool = scene.pool().clone();
    let first = tokio::spawn(async move { acquire(&pool, "first").await });

    scene.commit_once_waited_for(undo).await;
    assert!(first.await.unwrap().is_some());
}

/// Nobody is about to take it again, as an engine does that restarts.
#[tokio::test]
async fn a_sender_that_nobody_ever_held_was_held_at_no_time() {
    let scene = Scene::queued(1).await;
    let held = acquire_as(scene.pool(), LeaseRequest { dead: Some(scene.lease.counters()), ..asking("second") }).await;
    assert!(held.is_some_and(|lease| lease.reached_at.is_some() && lease.idle_since.is_some()));
    scene.execute("delete from sender_leases").await;

    let first = acquire(scene.pool(), "first").await.unwrap();

    assert_eq!((first.idle_since, first.reached_at), (None, None));
}

/// As two engines have it whose configurations name a phone differently.
#[tokio::test]
async fn a_lease_that_ran_out_is_not_renewed_once_its_phone_was_taken_under_another_name() {
    let scene = Scene::queued(1).await;
    scene
        .execute(
            "update senders set address = 'https://gateway', device = '7';
             insert into senders (name, provider, business, rehearsal, address, device)
             values ('verkauf', 'wsapme', 'kedai', true, 'https://gateway', '7')",
        )
        .await;
    let ends = "update sender_leases set expires_at = now() - interval '1 s' where sender_id = 1";
    let take = async || {
        let taken = lease::acquire(scene.pool(), SenderId(2), asking("second")).await.unwrap();
        if let Some(taken) = taken { Some(taken.sweep_and_commit().await.unwrap()) } else { None }
    };
    assert_eq!(take().await, None, "it is held");
    scene.execute(ends).await;
    assert!(renew(scene.pool(), scene.lease, RENEWAL).await.unwrap().is_some(), "nobody took it");
    scene.execute(ends).await;
    // A renewal that began in time, and is not written yet.
    let mut renewal = scene.pool().begin().await.unwrap();
    sqlx::query("update sender_leases set renewals = renewals + 1 where sender_id = 1")
        .execute(&mut *renewal)
        .await
        .unwrap();
    assert_eq!(take().await, None, "it is being renewed");
    renewal.rollback().await.unwrap();

    let second = take().await.unwrap();

    assert_eq!(renew(scene.pool(), scene.lease, RENEWAL).await.unwrap(), None);
    assert!(renew(scene.pool(), second, RENEWAL).await.unwrap().is_some());
}

#[tokio::test]
async fn an_engine_that_lost_its_lease_claims_nobody() {
    let scene = Scene::queued(5).await;
    scene.execute("update sender_leases set expires_at = now() - interval '1 s'").await;
    assert!(matches!(claim(scene.pool(), scene.lease, WANT).await.unwrap(), Claim::Fenced), "it ran out");

    acquire(scene.pool(), "second").await.unwrap();

    assert!(matches!(claim(scene.pool(), scene.lease, WANT).await.unwrap(), Claim::Fenced), "it was taken");
    assert_eq!(scene.statuses().await, ["queued"; 5]);
    assert_eq!(scene.number("select count(*) from attempts").await, 0);
}

#[tokio::test]
async fn a_claim_goes_on_behind_the_one_before_and_whoever_was_passed_by_is_found_from_the_start() {
    let scene = Scene::queued(9).await;
    let mut by_hand = scene.pool().begin().await.unwrap();
    sqlx::query("select 1 from blast_recipients where id = 2 for update").execute(&mut *by_hand).await.unwrap();
    let claim = async |want| match claim(scene.pool(), scene.lease, want).await.unwrap() {
        Claim::People(people) => people,
        refused => panic!("{refused:?}"),
    };
    let ids = |people: &[Claimed]| people.iter().map(|person| person.id.0).collect::<Vec<_>>();

    let first = claim(ClaimRequest { people: 3, ..WANT }).await;
    by_hand.rollback().await.unwrap();
    let second = claim(ClaimRequest { people: 3, after: first.iter().map(Claimed::place).max(), ..WANT }).await;
    let from_start = claim(WANT).await;

    assert_eq!((ids(&first), ids(&second), ids(&from_start)), (vec![1, 3, 4], vec![5, 6, 7], vec![2, 8, 9]));
}

#[tokio::test]
async fn a_takeover_waits_for_a_claim_in_flight_and_makes_it_uncertain() {
    let scene = Scene::queued(3).await;
    let mut by_hand = scene.pool().begin().await.unwrap();
    sqlx::query("lock table claims in exclusive mode").execute(&mut *by_hand).await.unwrap();
    let (pool, lease) = (scene.pool().clone(), scene.lease);
    let claiming = tokio::spawn(async move { claim(&pool, lease, ClaimRequest { people: 2, ..WANT }).await.unwrap() });
    let waits = async || scene.number(WAITING_FOR_A_LOCK).await == 1;
    eventually_async("the claim is held up before its commit", waits).await;
    scene.execute("update sender_leases set expires_at = now() - interval '1 s'").await;

    let pool = scene.pool().clone();
    let takeover = tokio::spawn(async move { acquire(&pool, "second").await.unwrap() });
    settle_for(300).await;
    assert!(!takeover.is_finished(), "it does not pass by a claim that is about to be committed");
    by_hand.rollback().await.unwrap();
    assert!(matches!(claiming.await.unwrap(), Claim::People(people) if people.len() == 2));
    let second = takeover.await.unwrap();

    assert!(second.epoch > scene.lease.epoch);
    assert_eq!(scene.statuses().await, ["uncertain", "uncertain", "queued"]);
    scene.invariants().await;
}

#[tokio::test]
async fn a_claim_that_hung_over_the_end_of_the_ten_seconds_claims_nobody() {
    let scene = Scene::queued(3).await;
    // The time came while it hung, or long before: then nobody waits for it to take anything back.
    for (began, claimed) in [("0 s", 0), ("1 minute", 3)] {
        scene
            .execute(&format!(
                "update blasts set armed_at = now() - interval '2 minutes', send_after = now() - interval '{began}'"
            ))
            .await;
        let mut by_hand = scene.pool().begin().await.unwrap();
        sqlx::query("lock table claims in exclusive mode").execute(&mut *by_hand).await.unwrap();
        let (pool, lease) = (scene.pool().clone(), scene.lease);
        let want = ClaimRequest { patience: std::time::Duration::from_millis(400), ..WANT };
        let claiming = tokio::spawn(async move { claim(&pool, lease, want).await.unwrap() });
        let waits = async || scene.number(WAITING_FOR_A_LOCK).await == 1;
        eventually_async("the claim is held up before its commit", waits).await;
        settle_for(500).await;
        by_hand.rollback().await.unwrap();

        let claim = claiming.await.unwrap();

        assert_eq!(matches!(claim, Claim::Late), claimed == 0, "{claim:?}");
        assert_eq!(scene.number("select count(*) from in_flight").await, claimed);
    }
}

#[tokio::test]
async fn truth_of_a_dead_epoch_is_still_recorded() {
    let scene = Scene::sending(2).await;
    scene.execute("update sender_leases set expires_at = now() - interval '1 s'").await;
    acquire(scene.pool(), "second").await.unwrap();
    assert_eq!(scene.statuses().await, ["uncertain"; 2]);

    scene.record(&[accepted(1, "LATE")]).await;

    assert_eq!(scene.statuses().await, ["sent", "uncertain"]);
    scene.invariants().await;
}

#[tokio::test]
async fn a_sweep_takes_those_of_its_own_epoch_whom_nobody_holds_and_no_others() {
    let scene = Scene::sending(4).await;
    scene.claims_one_by_one().await;
    scene.change_claims("update claims set claimed_at = now() - interval '31 s' where first_id <= 3").await;
    let held = [blastdeck::domain::ids::RecipientId(2)];
    let mut by_hand = scene.pool().begin().await.unwrap();
    sqlx::query("select 1 from blast_recipients where id = 3 for update").execute(&mut *by_hand).await.unwrap();

    let swept = sweep(scene.pool(), SENDER, scene.lease.epoch, &held).await.unwrap();

    assert_eq!(swept, 1);
    assert_eq!(scene.statuses().await, ["uncertain", "sending", "sending", "sending"]);
    by_hand.rollback().await.unwrap();
    assert_eq!(sweep(scene.pool(), SENDER, scene.lease.epoch, &held).await.unwrap(), 1);
}

#[tokio::test]
async fn a_takeover_leaves_nobody_in_flight_whatever_their_epoch_and_the_state_of_their_blast() {
    let scene = Scene::sending(3).await;
    scene.claims_one_by_one().await;
    scene
        .change_claims(
            "update claims set epoch = 0 where first_id = 1;
             update claims set epoch = 1000 where first_id = 2;
             update blasts set state = 'draft';
             update sender_leases set expires_at = now() - interval '1 s'",
        )
        .await;

    acquire(scene.pool(), "second").await.unwrap();

    assert_eq!(scene.statuses().await, ["uncertain"; 3]);
}

#[tokio::test]
async fn two_claims_at_once_take_nobody_twice() {
    let scene = Scene::queued(20).await;

    let (one, two) = tokio::join!(scene.claim(15), scene.claim(15));

    let mut ids: Vec<_> = one.iter().chain(&two).map(|person| person.id).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!((ids.len(), one.len() + two.len()), (20, 20));
    assert_eq!(scene.number("select count(*) from attempts").await, 20);
    scene.invariants().await;
}

#[tokio::test]
async fn nobody_is_claimed_who_opted_out_or_whose_blast_is_not_sending() {
    let scene = Scene::queued(4).await;
    scene
        .execute(
            "insert into suppressions (business, phone_number, source) values
                 ('kedai', '+60100000001', 'operator'), ('*', '+60100000002', 'operator'), ('other', '+60100000003', 'operator')",
        )
        .await;
    for state in ["draft", "paused", "cancelled", "completed"] {
        scene.execute(&format!("update blasts set state = '{state}'")).await;
        assert_eq!(scene.claim(5).await.len(), 0, "{state}");
    }
    scene.execute("update blasts set state = 'sending', send_after = now() + interval '10 s'").await;
    assert_eq!(scene.claim(5).await.len(), 0, "armed");

    scene.execute("update blasts set send_after = null").await;
    let claimed: Vec<_> = scene.claim(5).await.into_iter().map(|person| person.id.0).collect();
    skip_suppressed(scene.pool(), BLAST).await.unwrap();

    assert_eq!(claimed, [3, 4]);
    assert_eq!(scene.statuses().await, ["opted_out", "opted_out", "sending", "sending"]);
    scene.invariants().await;
}

#[tokio::test]
async fn whoever_opted_out_of_the_business_or_of_all_since_their_claim_gets_no_post() {
    let scene = Scene::queued(4).await;
    let claimed: Vec<_> = scene.claim(4).await.into_iter().map(|person| person.id).collect();
    scene
        .execute(
            "insert into suppressions (business, phone_number, source) values
                 ('kedai', '+60100000001', 'operator'), ('*', '+60100000002', 'operator'), ('other', '+60100000003', 'operator')",
        )
        .await;

    let mut wanted = still_wanted(scene.pool(), &claimed).await.unwrap();

    wanted.sort_unstable();
    assert_eq!(wanted, claimed[2..]);
}

#[tokio::test]
async fn a_lease_that_ends_in_a_far_future_is_free_once_its_holder_was_seen_to_be_dead() {
    let scene = Scene::queued(1).await;
    scene.execute("update sender_leases set expires_at = now() + interval '1 day'").await;
    let seen = held_by_other(scene.pool(), SENDER, "second").await.unwrap().unwrap();
    assert_eq!(seen.valid, Some(Duration::from_secs(15)));
    assert_eq!(acquire(scene.pool(), "second").await, None);

    renew(scene.pool(), scene.lease, RENEWAL).await.unwrap();
    let alive = acquire_as(scene.pool(), LeaseRequest { dead: Some(seen.counters), ..asking("second") }).await;
    let now = LeaseCounters { renewals: seen.counters.renewals + 1, ..seen.counters };
    let dead = acquire_as(scene.pool(), LeaseRequest { dead: Some(now), ..asking("second") }).await;

    assert_eq!(alive, None, "it was renewed since");
    assert!(dead.is_some());
}

#[tokio::test]
async fn nobody_is_claimed_from_a_schema_that_this_version_does_not_know() {
    let scene = Scene::queued(1).await;
    scene
        .execute(
            "insert into _sqlx_migrations (version, description, success, checksum, execution_time)
             values (9001, 'of tomorrow', true, '\\x00', 1)",
        )
        .await;

    let refused = claim(scene.pool(), scene.lease, WANT).await.unwrap_err();

    assert!(matches!(refused, StoreError::Newer { found: 9001, .. }), "{refused}");
    assert_eq!(scene.statuses().await, ["queued"]);
}

#[tokio::test]
async fn nobody_is_claimed_from_another_server_or_table_than_the_one_that_granted_the_lease() {
    let mut scene = Scene::queued(1).await;
    let granted = scene.lease.incarnation;
    let anew = granted.server_started_at - TimeDelta::microseconds(1);

    for other in [
        Incarnation { server_started_at: anew, ..granted },
        Incarnation { people_table: granted.people_table - 1, ..granted },
    ] {
        scene.lease.incarnation = other;
        assert!(matches!(claim(scene.pool(), scene.lease, WANT).await.unwrap(), Claim::OtherServer), "{other:?}");
    }
    assert_eq!(scene.statuses().await, ["queued"]);
}

#[tokio::test]
async fn claims_at_the_same_time_take_no_more_than_the_first_people_together() {
    let scene = Scene::queued(30).await;
    scene.execute("update blasts set first_people = 7, first_left = 7").await;
    let claiming = (0..6).map(|_| claim(scene.pool(), scene.lease, WANT));

    let claims = futures_util::future::join_all(claiming).await;

    let people = |claim| if let Ok(Claim::People(people)) = claim { people.len() } else { 0 };
    assert_eq!(claims.into_iter().map(people).sum::<usize>(), 7);
    assert_eq!(scene.number("select first_left::bigint from blasts").await, 0);
    // A retry of one of them is not one more; without anybody left it waits as well.
    scene.execute("update blast_recipients set status = 'queued', standing = 'queued' where id = 1").await;
    assert!(
        matches!(claim(scene.pool(), scene.lease, WANT).await.unwrap(), Claim::People(people) if people.is_empty())
    );
}

#[tokio::test]
async fn a_claim_of_first_people_holds_nobodys_row_while_it_waits_for_the_blasts() {
    let scene = Scene::queued(3).await;
    scene
        .execute(
            "update blasts set first_people = 2, first_left = 2;
             insert into lost_posts (sender_id, phone_number, blast, content, epoch, claimed_at)
             values (1, '+60100000001', 9, content_key('Hi', null), 1, now() - interval '1 hour')",
        )
        .await;
    let mut by_hand = scene.pool().begin().await.unwrap();
    sqlx::query("select 1 from blasts where id = 1 for update").execute(&mut *by_hand).await.unwrap();

    let (claimed, ()) = tokio::join!(claim(scene.pool(), scene.lease, WANT), async {
        eventually_async("the claim waits", async || scene.number(WAITING_FOR_A_LOCK).await > 0).await;
        let row = sqlx::query("select 1 from blast_recipients where id = 1 for update nowait");
        row.execute(&mut *by_hand).await.expect("blasts are locked before recipients");
        by_hand.rollback().await.unwrap();
    });

    let Ok(Claim::People(people)) = claimed else { panic!("{claimed:?}") };
    assert_eq!(people.iter().map(|person| person.id.0).collect::<Vec<_>>(), [2, 3]);
    assert_eq!(scene.statuses().await, ["uncertain", "sending", "sending"]);
}
