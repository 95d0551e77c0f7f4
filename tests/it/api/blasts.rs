//! The life of a blast over HTTP, in the words of the documents that describe it.

use serde_json::{Value, json};

use super::client::{ApiAnswer, said};
use super::{Api, client, served};
use crate::support::serve::Serve;

/// As the documents print it, with so many people.
fn as_printed(people: std::ops::Range<u32>) -> Value {
    let recipients: Vec<String> = people.map(|n| format!("60100{n:06}")).collect();
    json!({ "message": "Marketing message", "recipients": recipients, "blastTag": "campaign-2025-01" })
}

async fn draft(api: &Api, people: std::ops::Range<u32>) -> Value {
    api.post("/api/blasts", as_printed(people)).await.expect(201).body["id"].clone()
}

#[tokio::test]
async fn a_plan_says_what_the_command_line_says_of_list_first_people_and_limits() {
    let (shop, serve) = served().await;
    let api = client(&shop, &serve, "read").await;
    let list = shop.write("raya.csv", "Tel,Nama\n+60123456789,Aina\n+60123456780,Ben\n12ab,Cik\n");
    let new = ["blast", "new", "--sender", "sales", "--message", "Hi", "--first", "1", "--gap", "90s..120s"];
    let blast = shop.ok(&[&new[..], &["--recipients", list.to_str().unwrap()]].concat()).await;
    let blast = blast.trim();

    let plan = api.get(&format!("/api/blasts/{blast}/plan")).await.expect(200).body;
    let printed = shop.json(&["blast", "plan", blast]).await;
    let text = shop.ok(&["blast", "plan", blast]).await;

    assert!(plan["read_from"].as_str().unwrap().ends_with("raya.csv   phone = Tel   name = Nama"), "{plan}");
    assert_eq!((&plan["left_out"]["total"], &plan["left_out"]["reasons"][0]["rows"]), (&json!(1), &json!(1)), "{plan}");
    assert_eq!((&plan["first"]["people"], &plan["sender_limits"]), (&json!(1), &json!([])), "{plan}");
    for key in ["read_from", "left_out", "wrote", "health", "sender_limits", "pace"] {
        assert_eq!(plan[key], printed[key], "{key}");
    }
    assert!(printed["sender_health"]["check"]["detail"].as_str().is_some_and(|detail| detail.contains("device")));
    assert!(text.contains("  health    device") && text.contains("; nothing sent yet; clock is right"), "{text}");
}

#[tokio::test]
async fn what_lets_a_blast_go_on_is_said_by_the_configuration_of_the_server() {
    let (shop, serve) = served().await;
    let api = client(&shop, &serve, "write").await;
    let id = draft(&api, 0..1).await;
    let mend = async |api: &Api| {
        let blast = api.get(&format!("/api/blasts/{id}")).await.expect(200).body;
        blast["waiting"]["mend"].as_str().unwrap_or_default().to_owned()
    };
    shop.execute(
        "update blasts set state = 'sending', launched_at = now(), send_after = now() - interval '1 minute';
         update senders set stopped_at = now(), stopped_code = 'unauthorised', stopped_reason = 'Unauthorised Token',
                            refused_token = 'another'
          where name = 'sales'",
    )
    .await;

    let refused = mend(&api).await;
    assert!(
        refused.starts_with("set WSAPME_TOKEN to the right token") && refused.contains("sender confirm"),
        "{refused}"
    );
    serve.stop().await;

    shop.execute("update senders set stopped_at = null, stopped_code = null, stopped_reason = null").await;
    let config = std::fs::read_to_string(shop.path("config.toml")).unwrap();
    shop.write("config.toml", config.replace("\"sales\"", "\"others\"").replace("\"5850\"", "\"5999\""));
    let serve = Serve::start(&shop, &["--no-engine"]).await;
    let elsewhere = mend(&Api::new(&serve, &api.token)).await;
    assert_eq!(elsewhere, "run an engine with a configuration that has the sender sales: this one does not");
    serve.stop().await;
}

#[tokio::test]
async fn a_paused_blast_of_a_stopped_sender_is_resumed_and_says_what_lifts_the_stop() {
    let (shop, serve) = served().await;
    let api = client(&shop, &serve, "write").await;
    let id = draft(&api, 0..2).await;
    let resume = format!("/api/blasts/{id}/resume");
    shop.execute(
        "update blasts set state = 'paused', launched_at = now();
         update senders set stopped_at = now(), stopped_code = 'device', stopped_reason = 'Device is offline'",
    )
    .await;

    let resumed = api.post(&resume, json!({})).await.expect(200).body;
    let again = api.post(&resume, json!({})).await.expect(409);

    assert_eq!((&resumed["state"], &resumed["waiting"]["reason"]), (&json!("sending"), &json!("sender_stopped")));
    let detail = again.body["detail"].as_str().unwrap();
    assert!(
        detail.contains("it was not paused, and sender sales is stopped: Device is offline; once that is"),
        "{detail}"
    );
    assert!(detail.contains("`blastdeck sender confirm sales`") && !detail.contains("S on the blast"), "{detail}");
    assert_eq!(shop.number("select count(*) from senders where stopped_at is null").await, 0);
    serve.stop().await;
}

#[tokio::test]
async fn the_printed_requests_lead_from_a_draft_to_its_report() {
    let (shop, serve) = served().await;
    let api = client(&shop, &serve, "write").await;

    let made = api.post("/api/blasts", as_printed(0..20)).await.expect(201);
    let id = made.body["blast_id"].clone();
    assert_eq!(made.header("location"), format!("/api/blasts/{id}"));
    assert_eq!((&made.body["blast_tag"], &made.body["state"]), (&json!("campaign-2025-01"), &json!("draft")));
    assert_eq!((&made.body["sender"], &made.body["import"]["taken"]), (&json!("sales"), &json!(20)));
    let path = format!("/api/blasts/{id}");
    let one = api.get(&path).await.expect(200);
    assert_eq!(one.body["recipients"].as_array().unwrap().len(), 20);
    let plan = api.get(&format!("{path}/plan")).await.expect(200);
    assert_eq!((&plan.body["recipients"], &plan.body["obstacles"]), (&json!(20), &json!([])));
    assert_eq!((&plan.body["sender_limits"], &plan.body["wrote"]), (&json!(["rate"]), &json!(0)));

    let other = api.post(&format!("{path}/send"), json!({ "expect_recipients": 19 })).await.expect(409);
    assert_eq!(other.kind(), "recipients-changed");
    for name in ["expect_recipients", "expectRecipients"] {
        let empty = api.post(&format!("{path}/send"), json!({ name: null })).await.expect(422);
        assert_eq!(empty.body["errors"][0], json!({ "field": name, "detail": "write a whole number" }));
    }
    assert_eq!(shop.state(&id.to_string()).await, "draft");
    let sent = api.post(&format!("{path}/send"), json!({ "expect_recipients": 20 })).await.expect(200);
    assert_eq!(sent.body["state"], "sending");
    assert_eq!(api.post(&format!("{path}/send"), json!({})).await.expect(409).kind(), "refused");
    shop.until_idle().await;

    let metrics = api.get(&format!("{path}/metrics")).await.expect(200);
    let mut keys = metrics.keys();
    keys.sort_unstable();
    assert_eq!(keys, ["closed", "read", "received", "replied", "sent"]);
    assert_eq!(metrics.body["sent"].as_i64().unwrap() + shop.count("failed").await, 20);
    let report = api.get(&format!("{path}/report")).await.expect(200);
    assert_eq!(report.body["funnel"], metrics.body);
    assert_eq!(report.body["blast"]["state"], "completed");
    let kept = api.post_with(&format!("{path}/report"), ("Idempotency-Key", "r"), json!({})).await.expect(201);
    api.post_with(&format!("{path}/report"), ("Idempotency-Key", "r"), json!({})).await.expect(201);
    assert_eq!(kept.body["report"]["funnel"], metrics.body);
    let reports = api.get(&format!("{path}/reports")).await.expect(200);
    assert_eq!(reports.body["reports"], json!([kept.body]));
    let stuck = api.get(&format!("{path}/stuck-recipients")).await.expect(200);
    for stage in stuck.body["stages"].as_array().unwrap() {
        let people = stage["recipients"].as_array().unwrap().len();
        assert!(stage["count"].as_i64().unwrap() <= i64::try_from(people).unwrap(), "{stage}");
        assert_eq!(stuck.body["stuck"][stage["status"].as_str().unwrap()], stage["count"]);
    }
    let stats = api.get(&format!("{path}/stats")).await.expect(200);
    let hours = stats.body["timeline"].as_array().unwrap();
    let timed: i64 = hours.iter().map(|hour| hour["sent"].as_i64().unwrap()).sum();
    assert_eq!(
        timed,
        shop.number("select count(*) from blast_recipients where sent_at is not null").await,
        "{stats:?}"
    );
    let acts: Vec<(String, String)> = sqlx::query_as("select operator, action from operator_actions order by id")
        .fetch_all(&shop.database.pool)
        .await
        .unwrap();
    let by_token = |action: &str| ("write".to_owned(), action.to_owned());
    assert_eq!(acts[acts.len() - 2..], [by_token("create"), by_token("launch")]);
    shop.promises().await;
    serve.stop().await;
}

#[tokio::test]
async fn pause_resume_cancel_and_delete_follow_the_state() {
    let (shop, serve) = served().await;
    let api = client(&shop, &serve, "write").await;
    let id = draft(&api, 0..5).await;
    let path = format!("/api/blasts/{id}");
    let post = async |what: &str| api.post(&format!("{path}/{what}"), json!({})).await;

    assert_eq!(post("pause").await.expect(409).kind(), "refused");
    post("send").await.expect(200);
    assert_eq!(post("pause").await.expect(200).body["state"], "paused");
    assert_eq!(post("send").await.status, 409);
    assert_eq!(post("resume").await.expect(200).body["state"], "sending");
    let cancelled = post("cancel").await.expect(200);
    assert_eq!((&cancelled.body["state"], &cancelled.body["left_out"]), (&json!("cancelled"), &json!(5)));
    assert_eq!(post("retry").await.status, 409);
    api.delete(&path).await.expect(204);
    api.get(&path).await.expect(404);
    serve.stop().await;
}

#[tokio::test]
async fn with_nobody_left_to_send_to_a_pause_is_refused_by_command_and_call() {
    let (shop, serve) = served().await;
    let api = client(&shop, &serve, "write").await;
    let id = draft(&api, 0..2).await;
    shop.execute(&format!(
        "update blasts set state = 'sending', launched_at = now() where id = {id};
         update blast_recipients set status = 'uncertain', standing = 'uncertain' where blast_id = {id}"
    ))
    .await;

    let called = api.post(&format!("/api/blasts/{id}/pause"), json!({})).await.expect(409);
    let said = shop.run(&["blast", "pause", &id.to_string()]).await;

    assert_eq!(called.kind(), "refused");
    assert!(called.body.to_string().contains("campaign-2025-01: nobody is left to send to"), "{}", called.body);
    assert!(said.code == 3 && said.err.contains("campaign-2025-01: nobody is left to send to"), "{said:?}");
    assert_eq!(api.get(&format!("/api/blasts/{id}")).await.expect(200).body["state"], "sending");
    serve.stop().await;
}

#[tokio::test]
async fn a_repeated_request_has_one_effect_and_one_answer() {
    let (shop, serve) = served().await;
    let api = client(&shop, &serve, "write").await;
    let key = ("Idempotency-Key", "order-1");

    let first = api.post_with("/api/blasts", key, as_printed(0..3)).await.expect(201);
    let again = api.post_with("/api/blasts", key, as_printed(0..3)).await.expect(201);
    assert_eq!((&first.body, again.header("idempotency-replayed")), (&again.body, "true"));
    let other = api.post_with("/api/blasts", key, as_printed(0..4)).await.expect(422);
    assert_eq!(other.kind(), "idempotency-key-reused");
    // As if the process had ended between the effect and its answer.
    shop.execute("update api_requests set status = null, answer = null, created_at = created_at - interval '1 minute'")
        .await;
    let lost = api.post_with("/api/blasts", key, as_printed(0..3)).await.expect(200);
    assert_eq!(lost.body["blast_id"], first.body["blast_id"]);
    assert_eq!(shop.number("select count(*) from blasts").await, 1);

    let path = format!("/api/blasts/{}", first.body["id"]);
    let more = json!({ "recipients": ["60100000100"] });
    for _ in 0..2 {
        api.post_with(&format!("{path}/recipients"), ("Idempotency-Key", "more"), more.clone()).await.expect(201);
        api.post_with(&format!("{path}/send"), ("Idempotency-Key", "send"), json!({})).await.expect(200);
    }
    assert_eq!(api.get(&path).await.body["total_recipients"], 4);
    assert_eq!(shop.number("select count(*) from operator_actions where action = 'launch'").await, 1);
    let own = client(&shop, &serve, "admin").await;
    own.post_with("/api/blasts", key, as_printed(0..4)).await.expect(201);
    serve.stop().await;
}

#[tokio::test]
async fn requests_with_one_key_that_come_at_once_have_one_effect() {
    let (shop, serve) = served().await;
    let api = client(&shop, &serve, "write").await;
    let ask = || api.post_with("/api/blasts", ("Idempotency-Key", "at once"), as_printed(0..50));

    let answers = futures_util::future::join_all((0..12).map(|_| ask())).await;

    assert_eq!(shop.number("select count(*) from blasts").await, 1);
    for answer in &answers {
        assert_eq!((answer.status, &answer.body), (201, &answers[0].body), "{answer:?}");
    }
    let replayed = answers.iter().filter(|answer| answer.header("idempotency-replayed") == "true").count();
    assert_eq!(replayed, answers.len() - 1);
    serve.stop().await;
}

#[tokio::test]
async fn an_edit_says_what_it_saw_and_changes_drafts_only() {
    let (shop, serve) = served().await;
    let api = client(&shop, &serve, "write").await;
    let id = draft(&api, 0..3).await;
    let path = format!("/api/blasts/{id}");
    let etag = api.get(&path).await.header("etag").to_owned();
    let edit = async |etag: &str, body: Value| {
        said(api.request(reqwest::Method::PATCH, &path).header("If-Match", etag).json(&body)).await
    };

    let edited =
        edit(&etag, json!({ "blastTag": "Raya", "rateLimit": 30, "message": "Salam {name|there}" })).await.expect(200);
    assert_eq!((&edited.body["blast_tag"], &edited.body["rate_limit"]), (&json!("Raya"), &json!("30/min")));
    assert_ne!(edited.header("etag"), etag);
    assert_eq!(edit(&etag, json!({ "blast_tag": "late" })).await.expect(412).kind(), "changed");
    let cleared = edit("*", json!({ "rate_limit": null })).await.expect(200);
    assert_eq!((&cleared.body["rate_limit"], &cleared.body["blast_tag"]), (&Value::Null, &json!("Raya")));
    let nameless = edit("*", json!({ "message": "Hi {name}" })).await.expect(422);
    let detail = nameless.body["detail"].as_str().unwrap();
    assert!(detail.starts_with("message: nobody in the list has a value for {name}"), "{nameless:?}");
    shop.execute("update blast_recipients set name = 'Aina' where id = 2").await;
    let nameless = edit("*", json!({ "message": "Hi {name}" })).await.expect(422);
    assert!(nameless.body["detail"].as_str().unwrap().contains("+60100000000"), "{nameless:?}");
    api.post(&format!("{path}/send"), json!({})).await.expect(200);
    assert_eq!(edit("*", json!({ "blast_tag": "late" })).await.expect(409).kind(), "refused");
    assert_eq!(api.get(&path).await.body["message"], "Salam {name|there}");
    serve.stop().await;
}

#[tokio::test]
async fn the_list_is_read_page_by_page_in_either_way() {
    let (shop, serve) = served().await;
    let api = client(&shop, &serve, "write").await;
    for n in 0..5 {
        let stage = if n == 0 { "Initial" } else { "Follow-up 1" };
        let body = json!({ "message": "Hi", "blast_tag": format!("tag {n}"), "follow_up_stage": stage, "external_id": n.to_string() });
        api.post("/api/blasts", body).await.expect(201);
    }
    let tags = |page: &ApiAnswer| -> Vec<String> {
        let blasts = page.body["blasts"].as_array().unwrap().iter();
        blasts.map(|blast| blast["blast_tag"].as_str().unwrap().to_owned()).collect()
    };

    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = api.get(&format!("/api/blasts?limit=2&cursor={cursor}")).await.expect(200);
        seen.extend(tags(&page));
        let Some(next) = page.body["next_cursor"].as_str() else { break };
        cursor = next.to_owned();
    }
    assert_eq!(seen, ["tag 4", "tag 3", "tag 2", "tag 1", "tag 0"]);
    let second = api.get("/api/blasts?page=2&limit=2").await.expect(200);
    assert_eq!((tags(&second), &second.body["total"]), (vec!["tag 2".to_owned(), "tag 1".to_owned()], &json!(5)));
    for (query, found) in [
        ("stage=Initial", "tag 0"),
        ("tag=TAG+3", "tag 3"),
        ("external_id=2", "tag 2"),
        ("date_from=2026-01-01&limit=1", "tag 4"),
        ("state=draft&sender=sales&limit=1", "tag 4"),
    ] {
        assert_eq!(tags(&api.get(&format!("/api/blasts?{query}")).await.expect(200)), [found], "{query}");
    }
    assert_eq!(tags(&api.get("/api/blasts?date=2001-01-01").await), [""; 0]);
    serve.stop().await;
}
