//! Follow-ups that make themselves, over HTTP.

use blastdeck::app::{StepChange, StepEdit, StepKey};
use blastdeck::domain::field_change::FieldChange;
use serde_json::{Value, json};

use super::{client, served};
use crate::recurring::engine_app;
use crate::support::{Setup, Shop};

#[tokio::test]
async fn a_step_is_added_once_listed_changed_paused_and_removed() {
    let (shop, serve) = served().await;
    let api = client(&shop, &serve, "write").await;
    let made = api.post("/api/blasts", json!({ "message": "Hi", "recipients": ["+60123456701"] })).await.expect(201);
    let id = made.body["id"].as_i64().unwrap();
    let steps = format!("/api/blasts/{id}/steps");
    let body = json!({ "after": "48h", "until": "read", "message": "Still there?", "atMost": 5, "first": 2 });

    let added = api.post_with(&steps, ("idempotency-key", "key-1"), body.clone()).await.expect(201);
    let again = api.post_with(&steps, ("idempotency-key", "key-1"), body).await.expect(201);
    assert_eq!(added.body, again.body);
    assert_eq!(
        (&added.body["number"], &added.body["when"], &added.body["stage"], &added.body["at_most"]),
        (&json!(1), &json!("2d after sent, not read"), &json!("Follow-up 1"), &json!(5))
    );
    let one = format!("{steps}/1");
    let changed = api.patch(&one, json!({ "after": "3h", "at_most": null, "paused": true })).await.expect(200);
    assert_eq!(
        (&changed.body["after_seconds"], &changed.body["at_most"], &changed.body["paused"], &changed.body["first"]),
        (&json!(10_800), &Value::Null, &json!(true), &json!(2))
    );
    let listed = api.get(&steps).await.expect(200);
    assert_eq!(listed.body["steps"], json!([changed.body]));
    api.delete(&one).await.expect(204);
    assert_eq!(api.get(&steps).await.expect(200).body["steps"], json!([]));
    api.patch(&one, json!({ "after": "3h" })).await.expect(404);
    api.get("/api/blasts/99/steps").await.expect(404);
}

#[tokio::test]
async fn a_step_has_the_same_fields_on_the_command_line_and_over_the_api() {
    let (shop, serve) = served().await;
    let api = client(&shop, &serve, "write").await;
    let blast = shop.draft(0..2).await;
    let add = ["blast", "step", "add", &blast, "--after", "2d", "--until", "read", "--message", "Hi", "--first", "1"];

    let added = shop.json(&add).await;
    let steps = api.get(&format!("/api/blasts/{blast}/steps")).await.expect(200).body["steps"].clone();
    assert_eq!(steps, json!([added]));
    assert_eq!((added["blast"].to_string(), &added["number"]), (blast.clone(), &json!(1)));
    assert_eq!(json!(shop.json_lines(&["blast", "step", "list", &blast]).await), steps);
    assert_eq!(shop.json(&["blast", "show", &blast]).await["steps"], steps);
    let removed = shop.json(&["blast", "step", "remove", &blast, "1"]).await;
    assert_eq!(removed, json!({ "blast": added["blast"], "number": 1, "removed": true }));
    serve.stop().await;
}

#[tokio::test]
async fn a_step_that_would_send_at_once_wants_to_be_told_to_how_many() {
    let (shop, serve) = served().await;
    let api = client(&shop, &serve, "write").await;
    let blast = shop.draft(0..3).await;
    shop.execute(&format!(
        "update blasts set state = 'completed', launched_at = now() - interval '2 hours', completed_at = now() where id = {blast};
         update blast_recipients set status = 'delivered', standing = 'delivered', attempt = 1, sent_at = now() - interval '1 hour',
                delivered_at = now() - interval '1 hour' where blast_id = {blast}"
    ))
    .await;
    let steps = format!("/api/blasts/{blast}/steps");
    let body = |expected: Value| json!({ "after": "20m", "since": "delivered", "message": "Hi", "at_most": 9, "expect_recipients": expected });

    let refused = api.post(&steps, body(json!(null))).await.expect(409);
    let fewer = api.post(&steps, body(json!(2))).await.expect(409);
    let detail = refused.body["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("it would send to 3 people at once: it was not added"), "{detail}");
    assert_eq!(fewer.body["detail"], refused.body["detail"]);
    // Nothing was done, not even with the key: it is still free.
    let keyed =
        async |expected: i64| api.post_with(&steps, ("idempotency-key", "at-once"), body(json!(expected))).await;
    let (first, again) = (keyed(2).await.expect(409), keyed(2).await.expect(409));
    assert_eq!((&first.body, &again.body), (&refused.body, &refused.body));
    assert_eq!((again.header("idempotency-replayed"), again.header("content-type")), ("", "application/problem+json"));
    assert_eq!(api.get(&steps).await.body["steps"], json!([]));
    let acts = "select count(*) from operator_actions where detail ? 'step'";
    assert_eq!(shop.number(acts).await, 0, "a refusal is no act");
    let taken = keyed(3).await.expect(201).body;
    assert_eq!((&taken["number"], &taken["paused"]), (&json!(1), &json!(false)), "a refusal uses up no number");
    api.delete(&format!("{steps}/1")).await.expect(204);
    let asks = json!({ "after": "20m", "since": "delivered", "message": "Hi" });
    let added = api.post(&steps, asks).await.expect(201).body;
    let one = format!("{steps}/{}", added["number"]);
    let changed = api.patch(&one, json!({ "at_most": 9 })).await.expect(409);
    assert!(changed.body["detail"].as_str().unwrap().contains("3 people at once: it was not changed"), "{changed:?}");
    assert_eq!(api.get(&steps).await.body["steps"], json!([added]));
    let goes_on = api.patch(&one, json!({ "at_most": 9, "expect_recipients": 3 })).await.expect(200);
    assert_eq!((&goes_on.body["at_most"], &goes_on.body["paused"]), (&json!(9), &json!(false)));
    assert_eq!(shop.number(acts).await, 4, "added, removed, added, changed");
}

#[tokio::test]
async fn what_is_done_to_a_step_is_one_act_named_for_it_and_nothing_is_none() {
    let (shop, serve) = served().await;
    let api = client(&shop, &serve, "write").await;
    let steps = format!("/api/blasts/{}/steps", shop.draft(0..2).await);
    let one = format!("{steps}/1");
    let undo_says = async |what: &str, way: &str| {
        let way = way.replace("STEP", &one);
        let refused = api.post("/api/undo", json!({})).await.expect(409);
        let detail = refused.body["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains(what) && detail.ends_with(&way), "{detail}");
    };

    api.post(&steps, json!({ "after": "41h", "message": "Hi", "at_most": 5 })).await.expect(201);
    undo_says("to add step 1 to", ": `DELETE STEP` removes it").await;
    for body in [
        json!({ "paused": true }),
        json!({ "paused": true }),
        json!({}),
        json!({ "after": "41h", "message": "Hi", "at_most": 5 }),
    ] {
        api.patch(&one, body).await.expect(200);
    }
    undo_says("to pause step 1 of", ": `PATCH STEP` resumes it").await;
    for body in [json!({ "paused": false }), json!({ "paused": false }), json!({})] {
        assert_eq!(api.patch(&one, body).await.expect(200).body["paused"], json!(false));
    }
    undo_says("to resume step 1 of", ": `PATCH STEP` pauses it").await;
    assert_eq!(api.patch(&one, json!({ "at_most": 6 })).await.expect(200).body["paused"], json!(false));

    undo_says("to change step 1 of", ": `PATCH STEP` changes it again").await;
    api.delete(&one).await.expect(204);
    undo_says("to remove step 1 from", &format!(": `POST {steps}` adds it again")).await;

    let acts = "select string_agg(detail ->> 'step_was', ', ' order by id) from operator_actions where detail ? 'step'";
    assert_eq!(shop.text(acts).await, "added, paused, resumed, changed, removed");
    serve.stop().await;
}

#[tokio::test]
async fn steps_that_say_the_same_are_neither_added_at_once_nor_edited_into_one_another() {
    let (shop, serve) = served().await;
    let api = client(&shop, &serve, "write").await;
    let steps = format!("/api/blasts/{}/steps", shop.draft(0..2).await);
    let same = json!({ "after": "2d", "message": "Still there?" });

    for round in 1..=3 {
        let body = json!({ "after": format!("{round}d"), "message": "Still there?" });
        let ask = || api.post(&steps, body.clone());
        let answers = tokio::join!(ask(), ask(), ask(), ask());
        let added = [answers.0, answers.1, answers.2, answers.3].iter().filter(|answer| answer.status == 201).count();
        assert_eq!(added, 1, "{round}");
    }
    let refused = api.patch(&format!("{steps}/1"), same.clone()).await.expect(409);
    assert!(refused.body["detail"].as_str().unwrap().contains("everybody would get it twice"), "{refused:?}");
    api.patch(&format!("{steps}/2"), same).await.expect(200);
    serve.stop().await;
}

#[tokio::test]
async fn a_pause_by_somebody_else_outlives_a_change_that_asks_first() {
    let shop = Shop::open(Setup::default()).await;
    let blast = shop.draft(0..2).await;
    shop.ok(&["blast", "step", "add", &blast, "--after", "2d", "--message", "Hi", "--auto", "--at-most", "9", "--yes"])
        .await;
    let (one, two) = (engine_app(&shop, "one").await, engine_app(&shop, "two").await);
    let key = StepKey { blast: blast.parse().unwrap(), number: 1 };
    let stage = |stage: &str| StepEdit { stage: Some(stage.to_owned()), ..StepEdit::default() };

    let shown = one.edited_step_shown(key, &stage("A")).await.unwrap();
    two.change_step(key, StepChange::Pause).await.unwrap();
    let refused = one.set_step_as_shown(stage("A"), shown).await.unwrap_err().to_string();
    assert!(refused.contains("somebody paused step 1 of blast 1 meanwhile: nothing was changed"), "{refused}");
    let shown = one.edited_step_shown(key, &stage("B")).await.unwrap();
    one.set_step_as_shown(stage("B"), shown).await.unwrap();
    assert!(one.step(key).await.unwrap().step.paused_at.is_some(), "it was paused before");
    two.change_step(key, StepChange::Resume).await.unwrap();
    let shown = one.edited_step_shown(key, &stage("C")).await.unwrap();
    one.set_step_as_shown(stage("C"), shown).await.unwrap();
    let step = one.step(key).await.unwrap().step;
    assert_eq!((step.paused_at, step.stage.as_str()), (None, "C"));
}

#[tokio::test]
async fn a_step_that_somebody_changed_or_paused_anew_is_not_resumed_by_whoever_saw_it_before() {
    let shop = Shop::open(Setup::default()).await;
    let blast = shop.draft(0..2).await;
    shop.ok(&["blast", "step", "add", &blast, "--after", "2d", "--message", "Hi"]).await;
    shop.ok(&["blast", "step", "pause", &blast, "1"]).await;
    let (one, two) = (engine_app(&shop, "one").await, engine_app(&shop, "two").await);
    let key = StepKey { blast: blast.parse().unwrap(), number: 1 };

    let shown = one.resumed_step_shown(&one.step(key).await.unwrap()).await.unwrap();
    let at_most = FieldChange::Set(500.try_into().unwrap());
    two.set_step(key, StepEdit { at_most, ..StepEdit::default() }).await.unwrap();
    let changed = one.resume_step_as_shown(shown).await.unwrap_err().to_string();
    let seen = one.step(key).await.unwrap().seen();
    two.change_step(key, StepChange::Pause).await.unwrap();
    let paused = one.change_step_seen(key, StepChange::Resume, seen).await.unwrap_err().to_string();

    assert!(changed.contains("somebody changed step 1 of blast 1 meanwhile: nothing was changed"), "{changed}");
    assert!(paused.contains("somebody paused step 1 of blast 1 meanwhile: nothing was changed"), "{paused}");
    let now = one.step(key).await.unwrap();
    assert!(now.step.paused_at.is_some(), "{now:?}");
    let shown = one.resumed_step_shown(&now).await.unwrap();
    assert!(one.resume_step_as_shown(shown).await.unwrap(), "as it is shown it goes on");
}

#[tokio::test]
async fn what_is_no_step_names_its_field() {
    let (shop, serve) = served().await;
    let api = client(&shop, &serve, "write").await;
    let made = api.post("/api/blasts", json!({ "message": "Hi", "recipients": ["+60123456701"] })).await.expect(201);
    let steps = format!("/api/blasts/{}/steps", made.body["id"]);
    for (more, field) in [
        (json!({ "after": "soon" }), "after"),
        (json!({ "after": "0s" }), "after"),
        (json!({ "since": "queued" }), "since"),
        (json!({ "since": "read", "until": "sent" }), "until"),
        (json!({ "message": "Hi {city}" }), "message"),
        (json!({ "message": null }), "message"),
        (json!({ "template": {} }), "template"),
        (json!({ "stage": "" }), "stage"),
        (json!({ "at_most": 0 }), "at_most"),
        (json!({ "auto": true }), "auto"),
    ] {
        let mut body = json!({ "after": "48h", "message": "Hi" });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        assert_eq!(api.post(&steps, body).await.expect(422).fields(), [field], "{more}");
    }
    assert_eq!(api.get(&steps).await.expect(200).body["steps"], json!([]));
}

#[tokio::test]
async fn null_empties_nothing_that_a_step_needs_and_wrong_values_say_what_to_write() {
    let (shop, serve) = served().await;
    let api = client(&shop, &serve, "write").await;
    let made = api.post("/api/blasts", json!({ "message": "Hi", "recipients": ["+60123456701"] })).await.expect(201);
    let one = format!("/api/blasts/{}/steps/1", made.body["id"]);
    let steps = format!("/api/blasts/{}/steps", made.body["id"]);
    api.post(&steps, json!({ "after": "48h", "message": "Hi", "first": 2 })).await.expect(201);
    let before = api.get(&steps).await.body;

    for field in ["after", "since", "until", "message", "template", "stage", "paused"] {
        let refused = api.patch(&one, json!({ field: null })).await.expect(422);
        assert_eq!(refused.fields(), [field]);
        assert!(refused.body["detail"].as_str().unwrap().contains("leave it out"), "{:?}", refused.body);
    }
    for (field, value, said) in [
        ("first", json!(0), "write a whole number from 1"),
        ("first", json!("x"), "write a whole number from 1"),
        ("at_most", json!(-1), "write a whole number from 1"),
        ("paused", json!("yes"), "write true or false"),
        ("after", json!(5), "write a text"),
        ("until", json!("cart"), "write delivered, read, replied or closed"),
    ] {
        let refused = api.patch(&one, json!({ field: value })).await.expect(422);
        let detail = refused.body["errors"][0]["detail"].as_str().unwrap();
        assert!(refused.fields() == [field] && detail.contains(said), "{field}: {detail}");
        assert!(!detail.contains("expected") && !detail.contains("non"), "{detail}");
    }
    let short = api.patch(&one, json!({ "after": "1s" })).await.expect(422);
    assert_eq!(short.body["detail"], "after: write a time from 1m to 366d, such as 48h");
    assert_eq!(api.get(&steps).await.body, before);
    api.patch(&one, json!({ "first": null })).await.expect(200);
    let until = json!({ "message": "Hi", "recipients": ["+60123456701"], "message_text": 3 });
    assert_eq!(api.post("/api/blasts", until).await.expect(422).fields(), ["message_text"]);
}

#[tokio::test]
async fn a_step_may_count_from_a_cart_and_its_answer_can_be_given_back() {
    let (shop, serve) = served().await;
    let api = client(&shop, &serve, "write").await;
    let made = api.post("/api/blasts", json!({ "message": "Hi", "recipients": ["+60123456701"] })).await.expect(201);
    let steps = format!("/api/blasts/{}/steps", made.body["id"]);
    let cart = json!({ "after": "24h", "since": "cart", "message": "Still want it?" });

    let added = api.post(&steps, cart).await.expect(201).body;

    assert_eq!((&added["since"], &added["until"]), (&json!("cart"), &json!(null)));
    assert_eq!(added["when"], "1d after a cart, no order");
    let one = format!("{steps}/1");
    let back = json!({ "since": added["since"], "until": added["until"], "message": added["message"] });
    assert_eq!(api.patch(&one, back).await.expect(200).body, added);
    let both = json!({ "after": "24h", "since": "cart", "until": "closed", "message": "Hi" });
    assert_eq!(api.post(&steps, both).await.expect(422).fields(), ["until"]);
    assert_eq!(api.patch(&one, json!({ "until": "closed" })).await.expect(422).fields(), ["until"]);
    let read = api.patch(&one, json!({ "since": "read" })).await.expect(200).body;
    assert_eq!((&read["since"], &read["until"]), (&json!("read"), &json!("replied")));
}
