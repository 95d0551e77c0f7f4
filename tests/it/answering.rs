//! Answers to people who wrote: within a day of their last word, once, by whoever holds the sender.

mod keeping;
pub mod scene;

use serde_json::json;

use crate::inbox::scene::text;
use crate::support::serve::SECRETS;
use crate::support::{digits, eventually_async};
use scene::AnswerScene;

#[tokio::test]
async fn who_wrote_is_answered_with_the_very_text_and_the_outcome_is_printed() {
    let scene = AnswerScene::served(2).await;
    scene.receive(text(1, "wamid.in1", "How much?")).await;

    let answer = scene.json(&["reply", "1", &digits(1), "RM 20 {each} \u{1f642}"]).await;

    assert_eq!((&answer["outcome"], &answer["status"]), (&json!("accepted"), &json!("sent")), "{answer}");
    assert!(answer["message_id"].as_str().unwrap().starts_with("wamid."), "{answer}");
    let texts = scene.texts().await;
    let body = &texts[0];
    assert_eq!(body["text"]["body"], "RM 20 {each} \u{1f642}");
    assert_eq!(body["to"], format!("+{}", digits(1)));
    let callback = body["biz_opaque_callback_data"].as_str().unwrap();
    assert!(callback.contains(&format!(":{}:", answer["id"])), "{callback}");
    assert_eq!(texts.len(), 1);
    assert_eq!(scene.shop.number("select count(*) from operator_actions where action = 'answer'").await, 1);
    scene.shop.invariants().await;
}

#[tokio::test]
async fn an_answer_is_in_no_list_and_no_count_but_its_own() {
    let scene = AnswerScene::served(2).await;
    scene.receive(text(1, "wamid.in1", "How much?")).await;
    let before = scene.json(&["blast", "show", "1"]).await;

    let answer = scene.json(&["reply", "1", &digits(1), "RM 20"]).await;

    let blasts = scene.json_lines(&["blast", "list"]).await;
    assert_eq!(blasts.len(), 1, "{blasts:?}");
    let after = scene.json(&["blast", "show", "1"]).await;
    assert_eq!((&before["counts"], &before["funnel"]), (&after["counts"], &after["funnel"]));
    let own = scene.json(&["blast", "show", &answer["id"].to_string()]).await;
    assert_eq!((&own["tag"], &own["state"]), (&json!("Answer to Person 1"), &json!("completed")), "{own}");
    let plan = scene.ok(&["blast", "plan", &answer["id"].to_string()]).await;
    assert!(plan.starts_with("nobody gets a message: it is an answer to one person, and is done: "), "{plan}");
    assert_eq!(scene.run(&["audit"]).await.code, 0);
}

#[tokio::test]
async fn the_same_text_is_not_sent_again_unless_it_is_wanted() {
    let scene = AnswerScene::served(1).await;
    scene.receive(text(1, "wamid.in1", "How much?")).await;
    scene.ok(&["reply", "1", &digits(1), "RM 20"]).await;

    let refused = scene.run(&["reply", "1", &digits(1), "RM 20"]).await;
    scene.ok(&["reply", "1", &digits(1), "RM 20 each"]).await;
    scene.ok(&["reply", "1", &digits(1), "RM 20", "--again"]).await;

    assert_eq!(refused.code, 3, "{refused:?}");
    assert!(refused.err.contains("--again"), "{refused:?}");
    let texts = scene.texts().await;
    let texts: Vec<_> = texts.iter().map(|body| body["text"]["body"].as_str().unwrap()).collect();
    assert_eq!(texts, ["RM 20", "RM 20 each", "RM 20"]);
}

/// The person is in both blasts, and one answer is of unknown outcome since before they wrote again.
#[tokio::test]
async fn the_same_text_is_not_sent_again_through_another_blast_with_another_space_or_while_its_outcome_is_unknown() {
    let mut scene = AnswerScene::unserved(1).await;
    scene.shop.execute(&crate::inbox::scene::blast_of("cloud", 2, 1)).await;
    scene.wrote(&[1]).await;
    let queued = scene.run(&["reply", "1", &digits(1), "RM 20", "--no-wait", "--no-engine"]).await;
    assert!(queued.code == 0 && queued.err.contains("), and can be sent until "), "{queued:?}");

    for (blast, text) in [("2", "RM 20"), ("1", "RM 20 "), ("1", "RM\u{a0}20"), ("2", " RM  20")] {
        let refused = scene.run(&["reply", blast, &digits(1), text, "--no-wait", "--no-engine"]).await;
        assert_eq!(refused.code, 3, "{blast} {text:?}: {refused:?}");
    }
    scene.serve().await;
    eventually_async("it is sent", async || scene.texts().await.len() == 1).await;
    let answer = "(select max(id) from blasts where answer_until is not null)";
    eventually_async("it is accepted", async || {
        scene
            .shop
            .number(&format!("select count(*) from blast_recipients where blast_id = {answer} and status = 'sent'"))
            .await
            == 1
    })
    .await;
    scene
        .shop
        .execute(&format!(
            "update blasts set created_at = now() - interval '2 hours' where id = {answer};
             update blast_recipients set status = 'uncertain', standing = 'uncertain' where blast_id = {answer}"
        ))
        .await;

    let refused = scene.run(&["reply", "2", &digits(1), "RM 20", "--no-wait"]).await;

    assert_eq!(refused.code, 3, "{refused:?}");
    assert_eq!(scene.texts().await.len(), 1);
}

#[tokio::test]
async fn nobody_is_answered_outside_the_day_after_an_opt_out_or_by_a_sender_with_a_phone() {
    let scene = AnswerScene::served(4).await;
    scene.receive(text(1, "wamid.in1", "How much?")).await;
    scene.receive(text(2, "wamid.in2", "Stop")).await;
    scene.shop.execute("update replies set at = at - interval '25 hours' where message_id = 'wamid.in1'").await;
    scene.shop.execute(&crate::inbox::scene::blast_of("sales", 2, 0)).await;
    scene.shop.execute("insert into blast_recipients (blast_id, phone_number) values (2, '+60100000001')").await;
    let until = "select to_char((max(at) + interval '24 hours') at time zone 'Asia/Kuala_Lumpur', 'HH24:MI')
                   from replies where message_id = 'wamid.in1'";
    let until: String = sqlx::query_scalar(until).fetch_one(&scene.shop.database.pool).await.unwrap();

    for (blast, person, words) in [
        ("1", 1, until.as_str()),
        ("1", 2, "suppress remove"),
        ("1", 3, "has not written to this number"),
        ("2", 1, "on the phone"),
    ] {
        let refused = scene.run(&["reply", blast, &digits(person), "RM 20"]).await;

        assert_eq!(refused.code, 3, "{words}: {refused:?}");
        assert!(refused.err.contains(words), "{words}: {refused:?}");
    }
    assert_eq!(scene.run(&["reply", "1", &digits(9), "RM 20"]).await.code, 1);
    assert_eq!(scene.run(&["reply", "1", &digits(1), " "]).await.code, 2);
    assert_eq!(scene.texts().await.len(), 0);
    assert_eq!(scene.shop.number("select count(*) from blasts where answer_until is not null").await, 0);
}

#[tokio::test]
async fn whoever_is_suppressed_for_every_business_is_answered_once_the_lines_of_the_refusal_were_run() {
    let scene = AnswerScene::unserved(1).await;
    scene.wrote(&[1]).await;
    let (person, phone) = (digits(1), format!("+{}", digits(1)));
    scene.ok(&["suppress", "add", &phone]).await;
    scene.ok(&["suppress", "add", &phone, "--business", "kedai"]).await;
    let reply = ["reply", "1", &person, "RM 20", "--no-wait", "--no-engine"];

    let refused = scene.run(&reply).await;
    for line in refused.err.split('`').filter(|part| part.contains(" suppress remove ")) {
        let arguments: Vec<_> = line.split_whitespace().skip_while(|word| *word != "suppress").collect();
        let arguments: Vec<_> = arguments.iter().map(|word| word.trim_matches('\'')).chain(["--yes"]).collect();
        scene.ok(&arguments).await;
    }

    assert_eq!(refused.code, 3, "{refused:?}");
    assert!(refused.err.contains(&format!("suppress remove {phone}`")), "{refused:?}");
    scene.ok(&reply).await;
}

#[tokio::test]
async fn nobody_who_was_forgotten_is_answered_from_a_database_that_was_restored() {
    let scene = AnswerScene::served(1).await;
    scene.receive(text(1, "wamid.in1", "How much?")).await;
    scene.ok(&["customer", "forget", &format!("+{}", digits(1)), "--yes"]).await;
    // As a restored database has them again.
    scene
        .shop
        .execute(&format!("update blast_recipients set phone_number = '+{}' where blast_id = 1", digits(1)))
        .await;

    let refused = scene.run(&["reply", "1", &digits(1), "RM 20"]).await;

    assert!(refused.code == 3 && refused.err.contains("asked to be forgotten"), "{refused:?}");
    assert!(scene.texts().await.is_empty());
}

#[tokio::test]
async fn an_answer_that_comes_too_late_or_after_an_opt_out_is_left_out() {
    let scene = AnswerScene::unserved(3).await;
    scene.wrote(&[1, 2, 3]).await;
    for n in 1..=3 {
        let said = scene.ok(&["reply", "1", &digits(n), "RM 20", "--no-engine", "--no-wait"]).await;
        assert_eq!(said, "", "nothing is known of it yet");
    }
    scene.shop.execute("update blasts set answer_until = now() - interval '1 s' where id = 2").await;
    scene.ok(&["suppress", "add", &digits(2), "--business", "kedai"]).await;

    scene.until_idle().await;

    let people: Vec<(i64, String, String)> = sqlx::query_as(
        "select r.blast_id, r.status::text, b.state::text from blast_recipients r join blasts b on b.id = r.blast_id
          where r.blast_id > 1 order by 1",
    )
    .fetch_all(&scene.shop.database.pool)
    .await
    .unwrap();
    let expected = [(2, "skipped", "completed"), (3, "opted_out", "completed"), (4, "sent", "completed")];
    assert_eq!(people, expected.map(|(id, status, state)| (id, status.to_owned(), state.to_owned())));
    assert_eq!(scene.texts().await.len(), 1);
    scene.shop.invariants().await;
}

#[tokio::test]
async fn an_answer_goes_however_many_people_the_business_has_written_to_within_the_day() {
    let scene = AnswerScene::unserved(3).await;
    scene.wrote(&[1]).await;
    scene.shop.execute(
        "insert into business_limits (business, people, learned_at) values ('kedai', 1, now())
         on conflict (business) do update set people = 1, learned_at = now();
         insert into provider_message (recipient_id, attempt, sender_id, epoch, outcome)
         select id, attempt + 1, (select sender_id from blasts where id = blast_id), 1, 'unknown' from blast_recipients order by id limit 2",
    ).await;
    scene.ok(&["reply", "1", &digits(1), "RM 20", "--no-engine", "--no-wait"]).await;

    scene.until_idle().await;

    assert_eq!(scene.texts().await.len(), 1);
}

#[tokio::test]
async fn what_answers_an_answer_belongs_to_the_blast() {
    let scene = AnswerScene::served(2).await;
    scene.receive(text(1, "wamid.in1", "How much?")).await;
    let answer = scene.json(&["reply", "1", &digits(1), "RM 20"]).await;
    let mut quoting = text(1, "wamid.in2", "Two, please");
    quoting["messages"][0]["context"] = json!({ "id": answer["message_id"], "from": "60122222222" });

    scene.receive(quoting).await;
    scene.receive(text(1, "wamid.in3", "Hello?")).await;

    let of: Vec<(Option<i64>, Option<i64>)> =
        sqlx::query_as("select blast_id, recipient_id from replies order by message_id")
            .fetch_all(&scene.shop.database.pool)
            .await
            .unwrap();
    assert_eq!(of, [(Some(1), Some(1)); 3]);
    let own = format!("select count(*) from blast_recipients where blast_id = {} and status = 'replied'", answer["id"]);
    assert_eq!(scene.shop.number(&own).await, 0);
    scene.shop.invariants().await;
}

#[tokio::test]
async fn a_plan_of_a_text_counts_whom_meta_lets_nobody_write_to() {
    let scene = AnswerScene::unserved(4).await;
    scene.wrote(&[1, 2]).await;
    scene.shop.execute("update replies set at = at - interval '25 hours' where recipient_id = 2").await;
    let list = scene.shop.list(1..5);
    let to = ["--sender", "cloud", "--recipients", list.to_str().unwrap()];
    scene.ok(&[&["blast", "new", "--message", "New in today"][..], &to].concat()).await;

    let plan = scene.json(&["blast", "plan", "2"]).await;
    assert_eq!((&plan["people"], &plan["no_session"]), (&json!(4), &json!(3)), "{plan}");
    let words = "3 wrote nothing for 24 hours: Meta refuses text to them (131047), a template reaches them";
    let said = scene.ok(&["blast", "plan", "2"]).await;
    assert!(said.contains(words), "{said}");
    scene.ok(&["suppress", "add", &digits(3)]).await;
    assert_eq!(scene.json(&["blast", "plan", "2"]).await["no_session"], 2, "whoever gets nothing does not count");
    scene.ok(&[&["blast", "new", "--template", "hello_world", "--language", "en_US"][..], &to].concat()).await;
    assert_eq!(scene.json(&["blast", "plan", "3"]).await["no_session"], 0, "a template reaches everybody");
}

#[tokio::test]
async fn a_step_that_sends_text_of_its_own_says_that_meta_refuses_it_and_its_draft_waits() {
    let scene = AnswerScene::unserved(3).await;
    let received = "update blast_recipients
        set status = 'delivered', standing = 'delivered', sent_at = now() - interval '1 hour', delivered_at = now() - interval '1 hour'";
    scene.shop.execute(received).await;
    let rule = ["blast", "step", "add", "1", "--after", "30m", "--since", "received", "--until", "replied"];
    let refused = "people of whom nearly all wrote nothing for 24 hours, which Meta refuses (131047)";

    let added =
        scene.run(&[&rule[..], &["--message", "Still there?", "--auto", "--at-most", "9", "--yes"]].concat()).await;
    let listed = scene.run(&["blast", "step", "list", "1"]).await;
    let engine = scene.shop.engine_with(&SECRETS);
    let asks = "select count(*) from blasts where step_number = 1 and state = 'draft' and state_by = 'engine'";
    eventually_async("its draft asks", async || scene.shop.number(asks).await == 1).await;
    engine.stop().await;

    assert!(added.code == 0 && added.err.contains(refused), "{added:?}");
    assert!(listed.code == 0 && listed.err.contains(refused), "{listed:?}");
    let draft = scene.shop.number("select id from blasts where step_number = 1").await.to_string();
    let shown = scene.json(&["blast", "show", &draft]).await;
    let why = "3 of 3 people wrote nothing for 24 hours: Meta refuses text to them (131047), a template reaches them";
    assert_eq!(shown["state_reason"], json!(why), "{shown}");
    assert!(scene.texts().await.is_empty());
    scene.ok(&["blast", "step", "set", "1", "1", "--template", "hello_world", "--language", "en_US", "--yes"]).await;
    let listed = scene.run(&["blast", "step", "list", "1"]).await;
    assert!(listed.code == 0 && !listed.err.contains("131047"), "{listed:?}");
}
