//! What scripts rely on: a launch by its number, a draft that is made once, and the end of a blast.

use serde_json::Value;

use crate::support::{Said, Setup, Shop, digits};

fn error(done: &Said) -> Value {
    serde_json::from_str(done.err.lines().last().unwrap()).unwrap()
}

#[tokio::test]
async fn a_script_sends_to_as_many_as_it_expects_and_waits_until_that_is_done() {
    let shop = Shop::open(Setup::default()).await;
    let blast = shop.draft(0..3).await;

    let other = shop.run(&["--json", "blast", "send", &blast, "--people", "4"]).await;
    assert_eq!(other.code, 3, "{other:?}");
    assert_eq!(error(&other)["error"]["message"], "4 people were expected, and 3 get it: nothing was done");
    assert_eq!(shop.state(&blast).await, "draft");
    let draft = shop.run(&["--json", "blast", "wait", &blast]).await;
    assert_eq!(draft.code, 5, "{draft:?}");
    assert_eq!(error(&draft)["error"]["kind"], "not_done");

    shop.ok(&["blast", "send", &blast, "--people", "3"]).await;
    let done = shop.run(&["--json", "blast", "wait", &blast, "--timeout", "2m"]).await;
    assert_eq!(done.code, 0, "{done:?}");
    let shown: Value = serde_json::from_str(&done.out).unwrap();
    assert_eq!((&shown["state"], &shown["counts"]["queued"]), (&"completed".into(), &0.into()), "{shown}");
}

#[tokio::test]
async fn the_lease_of_an_engine_that_has_ended_is_none_that_sends_what_a_script_starts() {
    let shop = Shop::open(Setup::default()).await;
    let blast = shop.draft(0..3).await;
    let held = "insert into sender_leases (sender_id, holder, host, epoch, expires_at)
                select id, 'one that was killed', 'here', 1, now() + interval '1 hour' from senders
                    on conflict (sender_id) do update set (holder, host, expires_at) = (excluded.holder, excluded.host, excluded.expires_at)";
    shop.execute(held).await;

    let sent = shop.run(&["blast", "send", &blast, "--people", "3", "--no-engine"]).await;

    assert!(sent.code == 0, "{sent:?}");
    assert!(sent.err.contains("waits for an engine that sends for sales: 3 people queued"), "{sent:?}");
}

#[tokio::test]
async fn a_script_does_not_wait_for_what_does_not_come() {
    let shop = Shop::open(Setup::default()).await;
    let blast = shop.draft_with(0..3, &["--gap", "1h"]).await;
    shop.ok(&["blast", "send", &blast, "--people", "3"]).await;

    let late = shop.run(&["blast", "wait", &blast, "--timeout", "1s"]).await;
    assert!(late.code == 5 && late.err.contains("people is not done after 1s: "), "{late:?}");

    shop.ok(&["blast", "pause", &blast]).await;
    let paused = shop.run(&["blast", "wait", &blast]).await;
    assert!(paused.code == 5 && paused.err.contains("is paused by "), "{paused:?}");
    shop.ok(&["blast", "cancel", &blast, "--yes"]).await;
    let cancelled = shop.run(&["blast", "wait", &blast]).await;
    assert!(cancelled.code == 5 && cancelled.err.contains("is cancelled by "), "{cancelled:?}");
}

#[tokio::test]
async fn a_script_that_runs_again_does_not_send_at_once_what_it_has_scheduled() {
    let shop = Shop::open(Setup::default()).await;
    let list = shop.list(0..3);
    let new = ["blast", "new", "--sender", "sales", "--recipients", list.to_str().unwrap(), "--message", "Hi"];
    let new = [&new[..], &["--at", "tomorrow 09:00", "--idempotency-key", "promo"]].concat();

    let blast = shop.ok(&new).await.trim().to_owned();
    let early = shop.run(&["blast", "send", &blast, "--people", "3", "--now", "--no-engine"]).await;
    assert!(early.code == 3 && early.err.contains("has a time, and nothing was done: "), "{early:?}");
    shop.ok(&["blast", "send", &blast, "--people", "3", "--no-engine"]).await;
    assert_eq!(shop.ok(&new).await.trim(), blast);
    let again = shop.run(&["blast", "send", &blast, "--people", "3", "--no-engine"]).await;

    let words = format!(" blast send {blast} --now --people 3` sends it now");
    assert!(
        again.code == 3
            && again.err.contains("starts by itself, scheduled by aina: nothing was done; ")
            && again.err.contains(&words),
        "{again:?}"
    );
    let again = shop.run(&["blast", "send", &blast, "--yes", "--no-engine"]).await;
    assert!(again.code == 3 && again.err.contains("--now --yes` sends it now"), "{again:?}");
    assert_eq!(shop.state(&blast).await, "scheduled");
    let waited = shop.run(&["blast", "wait", &blast, "--timeout", "1s"]).await;
    assert!(waited.code == 5 && waited.err.contains("not done after 1s: scheduled"), "{waited:?}");
}

#[tokio::test]
async fn a_script_stops_waiting_once_a_blast_has_needed_somebody_for_half_a_minute() {
    let shop = Shop::open(Setup::default()).await;
    let blast = shop.draft(0..3).await;
    // Nobody runs an engine.
    shop.ok(&["blast", "send", &blast, "--people", "3", "--no-engine"]).await;

    let waited = shop.run(&["blast", "wait", &blast]).await;

    assert!(waited.code == 5 && waited.err.contains("people needs somebody: "), "{waited:?}");
}

#[tokio::test]
async fn a_script_that_runs_twice_makes_one_draft() {
    let shop = Shop::open(Setup::default()).await;
    let list = shop.list(0..3);
    let list = list.to_str().unwrap();
    let new =
        ["blast", "new", "--sender", "sales", "--recipients", list, "--idempotency-key", "nightly-1", "--message"];
    let with = |message: &'static str| [&new[..], &[message]].concat();

    // At once, and later.
    let hi = with("Hi");
    let (first, second) = tokio::join!(shop.run(&hi), shop.run(&hi));
    let again = shop.run(&hi).await;

    assert_eq!((&first.out, first.code, second.code, again.code), (&second.out, 0, 0, 0), "{first:?} {second:?}");
    assert_eq!(first.out, again.out);
    assert!(again.err.contains("was made with this idempotency key before: nothing is made now"), "{again:?}");
    assert_eq!(shop.number("select count(*) from blasts").await, 1);

    // The list is not needed any more, and the same place may be spelt in another way.
    let spelt = list.replace("/people.csv", "/./people.csv");
    let spelt: Vec<&str> = hi.iter().map(|word| if *word == list { spelt.as_str() } else { word }).collect();
    assert_eq!(shop.run(&spelt).await.out, first.out);
    std::fs::remove_file(list).unwrap();
    assert_eq!(shop.run(&hi).await.out, first.out);

    // It is no job's of the API, and goes with whoever it names.
    shop.execute("update api_requests set created_at = now() - interval '47 hours'").await;
    assert_eq!(shop.run(&hi).await.out, first.out);
    assert_eq!(shop.number("select count(*) from api_requests where token_id > 0 and key = 'nightly-1'").await, 1);

    let other = shop.run(&with("Hello")).await;
    assert!(other.code == 3 && other.err.contains("choose another key"), "{other:?}");
    shop.ok(&["blast", "delete", first.out.trim(), "--yes"]).await;
    let deleted = shop.run(&hi).await;
    assert!(deleted.code == 3 && deleted.err.contains("is deleted: choose another key"), "{deleted:?}");
    // After two days the key is free, and the list is read again.
    shop.execute("update api_requests set created_at = now() - interval '49 hours'").await;
    assert_eq!(shop.run(&hi).await.code, 2);
}

#[tokio::test]
async fn sentences_about_a_blast_name_its_stage_where_it_is_not_the_first_of_its_series() {
    let shop = Shop::open(Setup::default()).await;
    let blast = shop.draft_with(0..3, &["--tag", "Raya", "--stage", "Follow-up 1"]).await;

    let found = shop.ok(&["find", &digits(2)[digits(2).len() - 4..]]).await;
    let draft = shop.run(&["blast", "pause", &blast]).await;
    let waited = shop.run(&["blast", "wait", &blast]).await;
    let edited = shop.run(&["blast", "edit", &blast, "--message", "Salam!"]).await;
    let sent = shop.run(&["blast", "send", &blast, "--people", "3", "--no-engine"]).await;
    let again = shop.run(&["blast", "send", &blast, "--people", "3", "--no-engine"]).await;
    let paused = shop.run(&["blast", "pause", &blast]).await;
    let refused = shop.run(&["blast", "send", &blast, "--people", "3", "--no-engine"]).await;
    let resumed = shop.run(&["blast", "resume", &blast, "--people", "3", "--no-engine"]).await;
    let cancelled = shop.run(&["blast", "cancel", &blast, "--yes"]).await;
    let mut over = Vec::new();
    for (verb, further) in [
        ("pause", &[][..]),
        ("cancel", &["--yes"]),
        ("send", &["--people", "3"]),
        ("resume", &["--people", "3"]),
        ("edit", &["--message", "Hi"]),
    ] {
        over.push(shop.run(&[&["blast", verb, blast.as_str()], further].concat()).await);
    }

    assert!(found.contains("Raya, Follow-up 1"), "{found}");
    let said = [
        (draft, "is a draft: nothing is being sent; "),
        (waited, "is a draft: `"),
        (edited, "is changed; "),
        (sent, "waits for an engine that sends for sales: 3 people queued"),
        (again, "was started already, by aina: nothing was done"),
        (paused, "is paused; "),
        (refused, "is paused, and nothing was done: "),
        (resumed, "waits for an engine that sends for sales: 3 people queued"),
        (cancelled, "is cancelled; 3 people are left out"),
    ];
    for (said, words) in said {
        assert!(said.err.contains(&format!("Raya, Follow-up 1 {words}")), "{words}: {said:?}");
    }
    for said in over {
        assert!(said.code == 3 && said.err.contains("Raya, Follow-up 1 is cancelled: "), "{said:?}");
    }
}
