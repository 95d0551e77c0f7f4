//! Trying again who failed really sends, and only to who is known never to have had the message.

use serde_json::json;

use crate::support::{Setup, Shop, Size, digits};

const ASKED_ON: Size = Size { columns: 120, rows: 29 };

/// One message after the other.
const ONE_BY_ONE: Setup<'_> = Setup {
    sim: &["--latency", "10ms", "--speed", "6000"],
    sender: "rate = \"unlimited\"\nin_flight = 1",
    engine: "speed = 600",
    polling: "interval = \"1s\"\nper_second = 0.3\ngive_up_after = \"12m\"",
};

#[tokio::test]
async fn who_was_refused_is_sent_to_again_and_who_failed_after_acceptance_is_not() {
    let shop = Shop::open(ONE_BY_ONE).await;
    shop.sim.answer_send(&digits(0), json!([{ "body": r#"{"success":false,"message":"Invalid number"}"# }])).await;
    shop.sim.answer_send(&digits(1), json!([{ "message_id": "M1" }])).await;
    shop.sim
        .answer_status("M1", json!([{ "body": r#"{"success":true,"data":{"status":"ERROR"}}"#, "times": 1000 }]))
        .await;
    let blast = shop.blast(0..4).await;
    shop.until_idle().await;
    assert_eq!(shop.state(&blast).await, "completed");
    assert_eq!(shop.count("failed").await, 2);

    let said = shop.json(&["blast", "retry", &blast, "--yes", "--no-engine"]).await;

    assert_eq!((said["people"].clone(), shop.state(&blast).await.as_str()), (json!(1), "sending"));
    shop.until_idle().await;
    assert_eq!(shop.state(&blast).await, "completed");
    let posts = shop.sim.posts().await;
    let to = |n| posts.iter().filter(|post| post.phone == digits(n)).count();
    assert_eq!((to(0), to(1), to(2)), (2, 1, 1));
    shop.invariants().await;
    shop.ok(&["audit"]).await;
}

#[tokio::test]
async fn an_audit_names_whose_message_was_taken_twice_unless_somebody_asked_for_it() {
    let shop = Shop::open(Setup { sim: &["--latency", "10ms"], ..Setup::default() }).await;
    let blast = shop.blast(0..3).await;
    shop.until_idle().await;
    let again = |recipient: &str| {
        format!(
            "insert into provider_message (recipient_id, attempt, sender_id, outcome, epoch, claimed_at)
             select id, 2, 1, 'accepted', 1, now() from blast_recipients where id = {recipient}"
        )
    };
    // One who failed after acceptance and was sent to once more, and one to whom nothing of that happened.
    shop.execute(
        "insert into status_history (blast_id, recipient_id, attempt, old_status, new_status, source)
         select blast_id, id, 1, 'sent', 'failed', 'poll' from blast_recipients where id = 1",
    )
    .await;
    shop.execute(&format!("{}; {}", again("1"), again("2"))).await;

    let said = shop.run(&["audit", &blast, "--json"]).await;

    let found: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    let twice = json!([{ "blast_id": blast.parse::<i64>().unwrap(), "recipient_id": 2, "first": 1, "second": 2 }]);
    assert_eq!((said.code, &found["twice"]), (4, &twice), "{said:?}");
    let words = shop.run(&["audit"]).await.out;
    assert!(words.contains(&format!("blast {blast}, recipient 2: the provider took attempts 1 and 2")), "{words}");
}

#[tokio::test]
async fn one_answer_for_all_uncertain_people_closes_a_blast_by_decision() {
    let shop = Shop::open(Setup {
        sim: &["--latency", "10ms", "--speed", "6000", "--fault", "accept-then-hangup=1"],
        sender: "rate = \"unlimited\"\nin_flight = 2",
        engine: "failures_in_a_row = 100",
        polling: "give_up_after = \"1s\"",
    })
    .await;
    let blast = shop.blast(0..3).await;
    shop.until_idle().await;
    assert_eq!((shop.count("uncertain").await, shop.state(&blast).await.as_str()), (3, "sending"));

    let early = shop.run(&["uncertain", "resolve", &blast, "all", "resend", "--yes"]).await;
    let said = shop.json(&["uncertain", "resolve", &blast, "all", "drop", "--yes"]).await;

    let too_soon =
        "none of the uncertain people in blast 1 may have the message again now: 3 of them may not be sent to yet";
    assert!(early.code == 3 && early.err.contains(too_soon), "{early:?}");
    assert!(early.err.contains("an answer may still come; you can send to all of them again in "), "{early:?}");
    assert_eq!((said["resolved"].as_i64(), said["refused"].as_i64()), (Some(3), Some(0)));
    shop.until_idle().await;
    assert_eq!((shop.count("skipped").await, shop.state(&blast).await.as_str()), (3, "completed"));
    assert_eq!(shop.sim.posts().await.len(), 3);
    shop.invariants().await;
}

#[tokio::test]
async fn whoever_may_not_have_it_yet_is_said_and_counted_by_one_answer_for_all() {
    // In real time, in which no machine takes five minutes from one command to the next.
    let shop = Shop::open(Setup { engine: "", ..Setup::default() }).await;
    let blast = shop.blast(0..3).await;
    shop.execute(
        "update blast_recipients
            set status = 'uncertain', standing = 'uncertain', attempt = 1, changed_at = now() - interval '2 days',
                claimed_at = case when id = 1 then now() - interval '2 days' else now() end",
    )
    .await;

    let said = shop.run(&["uncertain", "resolve", &blast, "all", "resend", "--yes", "--json"]).await;

    let counts: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!((said.code, &counts["resolved"], &counts["refused"]), (0, &json!(1), &json!(2)), "{said:?}");
    let too_soon = "2 of them may not be sent to yet: an answer may still come; you can send to all of them again in ";
    assert!(said.err.contains(too_soon), "{said:?}");
    assert_eq!(shop.count("uncertain").await, 2);
}

#[tokio::test]
async fn an_answer_on_the_command_line_may_name_the_attempt_that_it_is_about() {
    let shop = Shop::open(Setup::default()).await;
    let blast = shop.blast(0..1).await;
    shop.execute(
        "update blast_recipients set status = 'uncertain', standing = 'uncertain', attempt = 2, claimed_at = now()",
    )
    .await;
    let drop = async |whom: &str, attempt: &str| {
        shop.run(&["uncertain", "resolve", &blast, whom, "drop", "--attempt", attempt]).await
    };

    let earlier = drop(&digits(0), "1").await;

    assert!(earlier.code == 3 && earlier.err.contains("another attempt was made meanwhile"), "{earlier:?}");
    let all = drop("all", "2").await;
    assert!(all.code == 2 && all.err.contains("`--attempt` is about one person"), "{all:?}");
    assert_eq!(shop.json(&["uncertain", "list", &blast]).await["attempts"], 2);
    assert_eq!(drop(&digits(0), "2").await.code, 0);
    assert_eq!(shop.count("skipped").await, 1);
}

#[tokio::test]
async fn whoever_is_uncertain_in_a_cancelled_blast_is_not_asked_for_a_resend() {
    let shop = Shop::open(Setup::default()).await;
    let blast = shop.blast(0..3).await;
    shop.execute(&format!(
        "update blast_recipients set status = 'uncertain', standing = 'uncertain', attempt = 1,
                claimed_at = now() - interval '1 day', changed_at = now() - interval '1 day' where blast_id = {blast}"
    ))
    .await;
    shop.ok(&["blast", "cancel", &blast, "--yes"]).await;

    let again = shop.run(&["uncertain", "resolve", &blast, "all", "resend", "--yes"]).await;

    let why = "none of the uncertain people in blast 1 may have the message again now: 3 of them are in a blast that was cancelled and get \
               nothing.";
    assert!(again.code == 3 && again.err.contains(why), "{again:?}");

    let one = shop.run(&["uncertain", "resolve", &blast, &digits(1), "resend"]).await;
    let listed = shop.run(&["uncertain", "list", &blast]).await;

    let why = "the blast was cancelled, and nothing more of it is sent";
    assert!(one.code == 3 && one.err.contains(why) && !one.err.contains("again?"), "{one:?}");
    assert!(listed.code == 0 && listed.err.contains(" NUMBER sent`, or drop"), "{listed:?}");
    assert!(!listed.err.contains("resend") && !listed.err.contains("get nothing"), "{listed:?}");
    assert_eq!(shop.count("uncertain").await, 3);
}

/// The number is typed while more people come to be asked about.
#[tokio::test]
async fn a_number_that_is_typed_is_of_the_people_who_were_counted() {
    let shop = Shop::open(Setup::default()).await;
    let blast = shop.blast(0..4).await;
    let set = async |people: &str, to: &str| {
        let sql = format!(
            "update blast_recipients set status = '{to}', standing = '{to}', attempt = 1, changed_at = now() - interval '1 hour',
                    failed_at = case when '{to}' = 'failed' then now() end,
                    error_code = case when '{to}' = 'failed' then 'busy' end
              where blast_id = {blast} and phone_number in ({people})"
        );
        shop.execute(&sql).await;
    };
    let phone = |place| format!("'+{}'", digits(place));
    set(&phone(0), "uncertain").await;

    let mut asked = shop.in_terminal(&["uncertain", "resolve", &blast, "all", "drop"], ASKED_ON);
    asked.wait_for_text("Type 1");
    set(&phone(1), "uncertain").await;
    asked.type_keys("1\r");
    assert!(asked.wait_for_exit().success(), "{}", asked.text());
    assert_eq!((shop.count("skipped").await, shop.count("uncertain").await), (1, 1));

    set(&phone(2), "failed").await;
    let mut asked = shop.in_terminal(&["blast", "retry", &blast, "--no-engine"], ASKED_ON);
    asked.wait_for_text("Type 1");
    set(&phone(3), "failed").await;
    asked.type_keys("1\r");
    assert!(!asked.wait_for_exit().success());
    assert!(asked.text().contains("2 may be tried again now, not 1 as was shown"), "{}", asked.text());
    assert_eq!(shop.count("failed").await, 2);

    // So is a yes to the end of a blast.
    let mut asked = shop.in_terminal(&["blast", "cancel", &blast], ASKED_ON);
    asked.wait_for_text("[y/N]");
    shop.ok(&["blast", "retry", &blast, "--yes", "--no-engine"]).await;
    asked.type_keys("y\r");
    assert_eq!(asked.wait_for_exit().exit_code(), 3, "{}", asked.text());
    assert!(asked.text().contains("2 people are queued now, not 0: nothing was cancelled"), "{}", asked.text());
    let draft = shop.draft(10..12).await;
    let mut asked = shop.in_terminal(&["blast", "delete", &draft], ASKED_ON);
    asked.wait_for_text("[y/N]");
    shop.ok(&["blast", "edit", &draft, "--tag", "Another"]).await;
    asked.type_keys("y\r");
    assert_eq!(asked.wait_for_exit().exit_code(), 3, "{}", asked.text());
    assert_eq!(shop.json(&["blast", "show", &draft]).await["state"], "draft");
}

/// A shop with a blast that is over, of whose people the first was refused and the last failed after acceptance.
async fn with_failures() -> (Shop, String) {
    let shop = Shop::open(Setup::default()).await;
    shop.sim.answer_send(&digits(0), json!([{ "body": r#"{"success":false,"message":"Invalid number"}"# }])).await;
    shop.sim.answer_send(&digits(1), json!([{ "message_id": "M1" }])).await;
    shop.sim
        .answer_status("M1", json!([{ "body": r#"{"success":true,"data":{"status":"ERROR"}}"#, "times": 1000 }]))
        .await;
    let blast = shop.blast(0..2).await;
    shop.until_idle().await;
    (shop, blast)
}

#[tokio::test]
async fn a_cancelled_blast_and_a_draft_are_not_retried() {
    let (shop, blast) = with_failures().await;
    shop.execute(&format!("update blasts set state = 'cancelled' where id = {blast}")).await;
    let draft = shop.draft(10..12).await;
    let before = shop.rows().await;

    let cancelled = shop.run(&["blast", "retry", &blast, "--yes", "--no-engine"]).await;
    let unsent = shop.run(&["blast", "retry", &draft, "--yes", "--no-engine"]).await;

    let name = shop.text(&format!("select blast_tag from blasts where id = {blast}")).await;
    let why = format!("{name} is cancelled: nothing more of it is sent");
    assert!(cancelled.code == 3 && cancelled.err.contains(&why), "{cancelled:?}");
    let name = shop.text(&format!("select blast_tag from blasts where id = {draft}")).await;
    let why = format!("{name} is a draft: nothing was sent of it yet");
    assert!(unsent.code == 3 && unsent.err.contains(&why), "{unsent:?}");
    assert_eq!(shop.rows().await, before);
}

#[tokio::test]
async fn a_retry_of_nobody_says_whether_nobody_failed_so_or_whether_they_may_have_it() {
    let (shop, blast) = with_failures().await;
    let retry = async |code: &str| shop.run(&["blast", "retry", &blast, "--yes", "--no-engine", "--code", code]).await;

    let (unknown, taken) = (retry("nope").await, retry("error").await);

    assert!(unknown.code == 3 && unknown.err.contains("nobody failed with the code `nope`"), "{unknown:?}");
    let words = "no person who failed with the code `error` is known not to have received the message";
    assert!(taken.code == 3 && taken.err.contains(words), "{taken:?}");
    let done = retry("refused").await;
    assert!(done.code == 0 && done.err.contains("1 person is queued again"), "{done:?}");
}

#[tokio::test]
async fn a_retry_of_a_paused_blast_says_that_it_is_paused_and_starts_nobody() {
    let (shop, blast) = with_failures().await;
    shop.execute(&format!("update blasts set state = 'paused' where id = {blast}")).await;

    let said = shop.run(&["blast", "retry", &blast, "--yes"]).await;

    assert!(said.code == 0 && said.err.contains("the blast is paused: `BLASTDECK_STATE_DIR='"), "{said:?}");
    assert!(said.err.contains(&format!("blast resume {blast}` goes on")), "{said:?}");
    assert!(shop.engines().is_empty());
}

#[tokio::test]
async fn a_retry_leaves_out_who_opted_out_since_and_who_is_forgotten() {
    let shop = Shop::open(ONE_BY_ONE).await;
    for n in 0..3 {
        shop.sim.answer_send(&digits(n), json!([{ "body": r#"{"success":false,"message":"Invalid number"}"# }])).await;
    }
    let blast = shop.blast(0..3).await;
    shop.until_idle().await;
    assert_eq!(shop.count("failed").await, 3);
    shop.ok(&["suppress", "add", &digits(0)]).await;
    shop.ok(&["customer", "forget", &digits(1), "--yes"]).await;

    let said = shop.json(&["blast", "retry", &blast, "--yes", "--no-engine"]).await;

    assert_eq!((&said["people"], shop.count("queued").await, shop.count("failed").await), (&json!(1), 1, 2));
    shop.until_idle().await;
    let nobody = shop.run(&["blast", "retry", &blast, "--yes", "--no-engine"]).await;
    assert!(nobody.code == 3 && nobody.err.contains("1 person opted out or answered since they failed"), "{nobody:?}");
}
