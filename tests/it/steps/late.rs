//! Steps that no engine looked at for long: whoever was away is asked before anything goes.

use blastdeck::app::AppError;
use blastdeck::domain::ids::RecipientId;
use blastdeck::domain::recipient::{Evidence, Mark, StampedEvidence};
use blastdeck::domain::retry::RetryRules;
use blastdeck::store::evidence::{EntryOutcome, EvidenceEntry, EvidenceSource, WhenLocked, record_in};

use super::*;
use crate::follow_ups::slow_launches;
use crate::support::{WAITING_FOR_A_LOCK, eventually_async, said};

/// Every step was there long before.
async fn added_long_ago(shop: &Shop) {
    shop.execute("update blast_steps set created_at = now() - interval '300 hours'").await;
}

const MORE_THAN_TWO: &str =
    "it was to go to more people than were confirmed (at most 2): send it to send it all the same";

async fn reason(shop: &Shop, blast: &str) -> (String, String) {
    let shown = shop.json(&["blast", "show", blast]).await;
    let word = |key: &str| shown[key].as_str().unwrap_or_default().to_owned();
    (word("state"), word("state_reason"))
}

#[tokio::test]
async fn a_step_that_is_late_by_its_own_time_asks_and_one_by_a_night_goes_by_itself() {
    let shop = Shop::open(SETUP).await;
    let late = received(&shop, 0..2, 150).await;
    add(&shop, &late, &["--after", "48h", "--until", "read", "--auto", "--at-most", "9"]).await;
    let night = received(&shop, 2..4, 64).await;
    add(&shop, &night, &["--after", "48h", "--until", "read", "--auto", "--at-most", "9"]).await;
    added_long_ago(&shop).await;
    // An engine looked a moment ago, and found nobody whom it could ask about yet.
    shop.execute("update blast_steps set next_look_at = now() - interval '1 minute'").await;
    let app = engine_app(&shop, "one").await;

    occur(&app, Utc::now()).await;
    occur(&app, Utc::now()).await;

    let asks = made(&shop, &late, 1).await;
    let (state, why) = reason(&shop, &asks[0]).await;
    assert_eq!((asks.len(), state.as_str()), (1, "draft"));
    assert!(why.contains("came 4 days 6 h late: it waits for your yes"), "{why}");
    let went = made(&shop, &night, 1).await;
    assert_eq!((went.len(), shop.state(&went[0]).await.as_str()), (1, "sending"));

    // However long it waited for a yes, what comes after is not late.
    shop.send(&asks[0]).await;
    shop.execute(&format!(
        "insert into blast_recipients (blast_id, phone_number, name, status, standing, attempt, sent_at, delivered_at)
         values ({late}, '{}', 'Siti', 'delivered', 'delivered', 1, now() - interval '50 hours', now() - interval '50 hours')",
        phone(7)
    ))
    .await;
    a_day_passes(&shop).await;
    occur(&app, Utc::now() + TimeDelta::minutes(1)).await;
    let next = made(&shop, &late, 1).await;
    assert_eq!((next.len(), shop.state(&next[1]).await.as_str()), (2, "sending"));
}

#[tokio::test]
async fn after_a_time_without_an_engine_a_step_waits_until_everybody_was_polled_and_no_longer() {
    let shop = Shop::open(SETUP).await;
    let blast = received(&shop, 0..3, 60).await;
    set(&shop, &blast, 2, "status = 'sent', standing = 'sent', message_id = 'M2', delivered_at = null").await;
    add(&shop, &blast, &["--after", "48h", "--until", "read", "--auto", "--at-most", "9"]).await;
    shop.execute("update blast_steps set next_look_at = now() - interval '16 hours'").await;
    let app = engine_app(&shop, "one").await;

    occur(&app, Utc::now()).await;
    assert_eq!(made(&shop, &blast, 1).await.len(), 0, "one of them was not polled yet");
    shop.execute(&format!("insert into blast_polls (blast_id, asked) values ({blast}, '{{(,)}}')")).await;
    occur(&app, Utc::now() + TimeDelta::minutes(3)).await;

    let draft = made(&shop, &blast, 1).await.pop().unwrap();
    assert_eq!(people(&shop, &draft).await.len(), 3);

    // Where the provider answers nothing, it goes to those of whom something is known.
    a_day_passes(&shop).await;
    shop.execute(
        "update blast_polls set asked = '{}'; update blast_steps set next_look_at = now() - interval '10 hours'",
    )
    .await;
    shop.execute(&format!(
        "insert into blast_recipients (blast_id, phone_number, name, status, standing, attempt, sent_at, delivered_at)
         values ({blast}, '{}', 'Siti', 'delivered', 'delivered', 1, now() - interval '50 hours', now() - interval '50 hours')",
        phone(7)
    ))
    .await;
    set(&shop, &blast, 2, "sent_at = sent_at + interval '1 hour'").await;
    for minutes in [4, 7] {
        occur(&app, Utc::now() + TimeDelta::minutes(minutes)).await;
    }
    assert_eq!(people(&shop, &made(&shop, &blast, 1).await[1]).await, [phone(7)]);
}

#[tokio::test]
async fn a_draft_to_more_people_than_were_confirmed_asks_as_soon_as_it_is_made() {
    let shop = Shop::open(SETUP).await;
    let blast = received(&shop, 0..3, 50).await;
    add(&shop, &blast, &["--after", "48h", "--until", "read", "--auto", "--at-most", "2"]).await;
    let app = engine_app(&shop, "one").await;
    shop.execute(
        "alter table blasts add constraint asks_at_once
             check (state <> 'draft' or step_number is null or state_by is not null)",
    )
    .await;

    occur(&app, Utc::now()).await;

    let draft = made(&shop, &blast, 1).await.pop().unwrap();
    assert_eq!(reason(&shop, &draft).await, ("draft".to_owned(), MORE_THAN_TWO.to_owned()));
    assert_eq!(people(&shop, &draft).await.len(), 3);
    assert!(shop.ok(&["blast", "step", "list", &blast]).await.contains(&format!("asks you: blast {draft}")));
}

#[tokio::test]
async fn a_draft_that_asks_says_in_its_numbers_alone_how_many_people_it_goes_to_by_now() {
    let shop = Shop::open(SETUP).await;
    let blast = received(&shop, 0..5, 50).await;
    for later in [3, 4] {
        set(&shop, &blast, later, "sent_at = now() - interval '10 hours', delivered_at = now() - interval '10 hours'")
            .await;
    }
    add(&shop, &blast, &["--after", "48h", "--until", "read", "--auto", "--at-most", "2"]).await;
    occur(&engine_app(&shop, "one").await, Utc::now()).await;
    let draft = made(&shop, &blast, 1).await.pop().unwrap();
    let shown = async || shop.json(&["blast", "show", &draft]).await;
    let says = |shown: Value| (shown["state_reason"].clone(), shown["counts"]["queued"].clone());
    assert_eq!(says(shown().await), (json!(MORE_THAN_TWO), json!(3)));

    for later in [3, 4] {
        set(&shop, &blast, later, "sent_at = now() - interval '50 hours', delivered_at = now() - interval '50 hours'")
            .await;
    }
    assert_eq!(shop.json(&["blast", "plan", &draft]).await["people"], 5);

    assert_eq!(says(shown().await), (json!(MORE_THAN_TWO), json!(5)));
    opt_out(&shop, 0).await;
    assert_eq!(shop.json(&["blast", "plan", &draft]).await["people"], 4);
    let steps = shop.json_lines(&["blast", "step", "list", &blast]).await;
    assert_eq!(steps[0]["blasts"][0]["reason"], MORE_THAN_TWO, "{steps:?}");
}

/// Somebody pauses or removes it in the moment between the making of its draft and the launch.
#[tokio::test]
async fn a_draft_whose_step_was_paused_changed_or_removed_meanwhile_does_not_go_by_itself() {
    let shop = Shop::open(SETUP).await;
    let blast = received(&shop, 0..3, 90).await;
    add(&shop, &blast, &["--after", "48h", "--until", "read", "--auto", "--at-most", "2"]).await;
    let (engine, aina) = (engine_app(&shop, "engine").await, engine_app(&shop, "aina").await);
    occur(&engine, Utc::now()).await;
    let draft = BlastId(made(&shop, &blast, 1).await.pop().unwrap().parse().unwrap());
    let launch = async |app: &App| {
        let version = app.blast(draft).await.unwrap().version;
        app.launch(Launch { blast: draft, version, people: 3, armed_for: TimeDelta::zero() }).await
    };

    let [pause, set, remove] =
        [&["pause", &blast, "1"][..], &["set", &blast, "1", "--after", "50h"], &["remove", &blast, "1"]];
    for change in [pause, set, remove] {
        shop.ok(&[&["blast", "step"], change].concat()).await;
        if change == set {
            shop.ok(&["blast", "step", "resume", &blast, "1"]).await;
        }
        assert!(launch(&engine).await.is_err(), "{change:?}");
        assert_eq!(shop.state(&draft.to_string()).await, "draft");
    }
    launch(&aina).await.unwrap();
}

#[tokio::test]
async fn steps_that_are_launched_at_the_same_moment_keep_their_distance() {
    let shop = Shop::open(SETUP).await;
    let blast = received(&shop, 0..3, 90).await;
    for after in ["48h", "60h"] {
        add(&shop, &blast, &["--after", after, "--until", "read"]).await;
    }
    let app = engine_app(&shop, "one").await;
    occur(&app, Utc::now()).await;
    let drafts = [made(&shop, &blast, 1).await.remove(0), made(&shop, &blast, 2).await.remove(0)];
    assert_eq!((people(&shop, &drafts[0]).await.len(), people(&shop, &drafts[1]).await.len()), (3, 3));
    slow_launches(&shop).await;

    let send = |draft: &str| tokio::spawn(said(shop.command(&["blast", "send", draft, "--yes", "--no-engine"])));
    let [first, second] = drafts.each_ref().map(|draft| send(draft));
    let (first, second) = (first.await.unwrap(), second.await.unwrap());

    let mut codes = [first.code, second.code];
    codes.sort_unstable();
    assert_eq!(codes, [0, 3], "{first:?} {second:?}");
}

/// As whoever opens its plan right after another step was sent to them.
#[tokio::test]
async fn a_draft_that_was_emptied_by_another_step_has_its_people_again_once_the_distance_is_over() {
    let shop = Shop::open(SETUP).await;
    let blast = received(&shop, 0..3, 90).await;
    for after in ["48h", "49h"] {
        add(&shop, &blast, &["--after", after, "--until", "read"]).await;
    }
    let app = engine_app(&shop, "one").await;
    occur(&app, Utc::now()).await;
    let first = made(&shop, &blast, 1).await.pop().unwrap();
    shop.send(&first).await;
    occur(&app, Utc::now()).await;
    let second = made(&shop, &blast, 2).await;
    let sent = async |ago: &str| {
        shop.execute(&format!(
            "update blast_recipients set status = 'sent', standing = 'sent', attempt = 1, sent_at = now() - interval '{ago}'
              where blast_id = {first}"
        ))
        .await;
    };
    sent("10 minutes").await;
    let [second] = &second[..] else { panic!("{second:?}") };
    app.renew_audience(BlastId(second.parse().unwrap())).await.unwrap();
    assert_eq!(people(&shop, second).await.len(), 0);

    occur(&app, Utc::now() + TimeDelta::minutes(5)).await;
    assert_eq!(people(&shop, second).await.len(), 0, "they had the other step ten minutes ago");
    sent("2 hours").await;
    occur(&app, Utc::now() + TimeDelta::minutes(10)).await;

    assert_eq!(people(&shop, second).await.len(), 3);
    assert_eq!(made(&shop, &blast, 2).await.len(), 1, "the same draft");
}

#[tokio::test]
async fn the_frequency_cap_leaves_the_later_steps_of_a_blast_to_their_own_distance() {
    let shop = Shop::open(SETUP).await;
    let config = std::fs::read_to_string(shop.path("config.toml")).unwrap();
    shop.write("config.toml", format!("{config}\n[[businesses]]\nname = \"kedai\"\nfrequency_cap = \"7d\"\n"));
    let blast = received(&shop, 0..3, 60).await;
    for after in ["48h", "80h"] {
        add(&shop, &blast, &["--after", after, "--until", "read"]).await;
    }
    let app = engine_app(&shop, "one").await;
    occur(&app, Utc::now()).await;
    let first = made(&shop, &blast, 1).await.pop().unwrap();
    assert_eq!(people(&shop, &first).await.len(), 3, "the blast's own message does not count");
    shop.send(&first).await;
    let sent = async |ago: &str| {
        shop.execute(&format!(
            "update blast_recipients set status = 'sent', standing = 'sent', attempt = 1, sent_at = now() - interval '{ago}'
              where blast_id = {first}"
        ))
        .await;
    };
    let of = format!("where blast_id = {blast}");
    shop.execute(&format!("update blast_recipients set sent_at = now() - interval '90 hours' {of}")).await;
    sent("30 hours").await;
    occur(&app, Utc::now() + TimeDelta::hours(1)).await;
    assert!(made(&shop, &blast, 2).await.is_empty(), "the steps are 32 hours apart");

    sent("33 hours").await;
    // Somebody had a message that is no step of it.
    let other = shop.blast(2..3).await;
    shop.execute(&format!(
        "update blast_recipients set status = 'sent', standing = 'sent', attempt = 1, sent_at = now() - interval '2 hours'
          where blast_id = {other}"
    ))
    .await;
    occur(&app, Utc::now() + TimeDelta::hours(2)).await;

    let second = made(&shop, &blast, 2).await.pop().unwrap();
    assert_eq!(people(&shop, &second).await.len(), 2);
}

#[tokio::test]
async fn a_draft_that_an_engine_left_behind_long_ago_asks() {
    let shop = Shop::open(SETUP).await;
    let blast = received(&shop, 0..2, 50).await;
    add(&shop, &blast, &["--after", "48h", "--until", "read"]).await;
    let app = engine_app(&shop, "one").await;
    occur(&app, Utc::now()).await;
    let draft = made(&shop, &blast, 1).await.pop().unwrap();
    shop.execute("update blast_steps set at_most = 9, last_made_at = now() - interval '7 hours'").await;
    shop.execute(&format!("update blasts set state_by = null, state_reason = null where id = {draft}")).await;

    occur(&app, Utc::now()).await;

    let (state, why) = reason(&shop, &draft).await;
    assert_eq!(state, "draft");
    assert!(why.contains("it was not sent for 7 h after it was made"), "{why}");
}

/// Somebody answers once the launch has read the filter: what they did is written, and not committed yet.
#[tokio::test]
async fn whoever_answers_between_the_reading_of_the_filter_and_the_launch_is_not_sent_the_step() {
    let shop = Shop::open(SETUP).await;
    let blast = received(&shop, 0..3, 90).await;
    add(&shop, &blast, &["--after", "48h", "--until", "read"]).await;
    let app = engine_app(&shop, "aina").await;
    occur(&app, Utc::now()).await;
    let draft = BlastId(made(&shop, &blast, 1).await.pop().unwrap().parse().unwrap());
    let version = app.blast(draft).await.unwrap().version;
    let (id, attempt): (i64, i32) = sqlx::query_as("select id, attempt from blast_recipients order by id limit 1")
        .fetch_one(&shop.database.pool)
        .await
        .unwrap();
    let replied = StampedEvidence { attempt, at: Utc::now(), evidence: Evidence::Manual(Mark::Replied) };
    let of = BlastId(blast.parse().unwrap());
    let entry = EvidenceEntry::new(of, RecipientId(id), replied, EvidenceSource::Operator);
    let mut marks = shop.database.pool.begin().await.unwrap();
    let marked = record_in(&mut marks, &[entry], &RetryRules::default(), WhenLocked::Wait).await.unwrap();
    assert!(matches!(marked[..], [EntryOutcome::Changed { .. }]), "{marked:?}");

    let launcher = app.clone();
    let launches = tokio::spawn(async move {
        launcher.launch(Launch { blast: draft, version, people: 3, armed_for: TimeDelta::zero() }).await
    });
    let stands = async || launches.is_finished() || shop.number(WAITING_FOR_A_LOCK).await > 0;
    eventually_async("the launch is over, or waits for the mark", stands).await;
    marks.commit().await.unwrap();
    let launched = launches.await.unwrap();

    assert!(matches!(launched, Err(AppError::Changed)), "{launched:?}");
    assert_eq!(shop.state(&draft.to_string()).await, "draft");
    assert!(app.renew_audience(draft).await.unwrap());
    assert_eq!(people(&shop, &draft.to_string()).await, [phone(1), phone(2)]);
}
