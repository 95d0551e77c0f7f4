//! Long work that is answered before it is done.

use blastdeck::domain::ids::JobId;
use blastdeck::store::job;
use serde_json::{Value, json};

use super::client::{ApiAnswer, said};
use super::{Api, client, client_with, served, served_behind_proxy, served_with};
use crate::support::proxy::{Of, Side};
use crate::support::serve::Serve;
use crate::support::{Shop, eventually_async};

/// The last statement of a list that is added.
const LISTS: Of = "total_recipients = case when $4";

async fn draft(api: &Api, fields: Value) -> String {
    let mut body = json!({ "message": "Hi" });
    body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    let made = api.post("/api/blasts", body).await.expect(201);
    format!("/api/blasts/{}", made.body["id"])
}

async fn until_over(api: &Api, job: &ApiAnswer) -> Value {
    let path = format!("{}?wait=20", job.header("location"));
    loop {
        let job = api.get(&path).await.expect(200);
        if !matches!(job.body["state"].as_str(), Some("queued" | "running")) {
            return job.body;
        }
        assert_eq!(job.header("retry-after"), "2");
    }
}

async fn upload(api: &Api, path: &str, key: &str, lines: String) -> ApiAnswer {
    let request = api.request(reqwest::Method::POST, &format!("{path}/recipients"));
    let request = request.header("Content-Type", "application/x-ndjson").header("Idempotency-Key", key);
    said(request.header("Prefer", "respond-async").body(lines)).await
}

fn lines(people: std::ops::Range<u32>) -> String {
    people.fold(String::new(), |lines, n| format!("{lines}\"60100{n:06}\"\n"))
}

#[tokio::test]
async fn a_list_is_added_by_a_job_where_that_is_preferred() {
    let (shop, serve) = served().await;
    let api = client(&shop, &serve, "write").await;
    let path = draft(&api, json!({})).await;

    let job = upload(&api, &path, "list", lines(0..3_000)).await.expect(202);
    assert_eq!(job.header("preference-applied"), "respond-async");
    let again = upload(&api, &path, "list", lines(0..3_000)).await.expect(202);
    assert_eq!((&job.body["id"], again.header("idempotency-replayed")), (&again.body["id"], "true"));
    let done = until_over(&api, &job).await;

    assert_eq!((&done["state"], &done["kind"]), (&json!("finished"), &json!("add_recipients")));
    assert_eq!((&done["result"]["taken"], &done["result"]["total_recipients"]), (&json!(3_000), &json!(3_000)));
    assert_eq!((&done["done"], &done["total"]), (&json!(3_000), &json!(3_000)), "{done}");
    let nobody = upload(&api, &path, "nobody", "nonsense\n".to_owned()).await.expect(202);
    let failed = until_over(&api, &nobody).await;
    assert_eq!(failed["state"], "failed");
    assert!(failed["error"].as_str().unwrap().contains("row 1"), "{failed}");
    assert_eq!(shop.number("select count(*) from blast_recipients").await, 3_000);
    let cloud = client_with(&shop, &serve, &["cloud", "--scope", "read", "--sender", "cloud"]).await;
    cloud.get(job.header("location")).await.expect(404);
    serve.stop().await;
}

#[tokio::test]
async fn a_job_whose_process_ended_says_so_unless_its_list_is_in() {
    let (shop, serve) = served().await;
    let api = client(&shop, &serve, "write").await;
    let path = draft(&api, json!({})).await;
    let lost = upload(&api, &path, "lost", lines(0..1)).await.expect(202);
    let done = upload(&api, &path, "done", lines(1..2)).await.expect(202);
    until_over(&api, &lost).await;
    let finished = until_over(&api, &done).await;
    serve.kill().await;

    // As it is when the process ended before the one's commit, and between the other's commit and its last word.
    let key = lost.body["id"].to_string();
    shop.execute(&format!("delete from api_requests where token_id = -1 and key = '{key}'")).await;
    shop.execute(
        "update api_jobs set state = 'running', result = null, ended_at = null, alive_at = now() - interval '1 minute'",
    )
    .await;
    let serve = Serve::start(&shop, &["--no-engine"]).await;
    let api = Api::new(&serve, &api.token);

    let interrupted = until_over(&api, &lost).await;
    assert_eq!(interrupted["state"], "interrupted");
    assert!(interrupted["error"].as_str().unwrap().contains("send the list again"), "{interrupted}");
    assert_eq!(until_over(&api, &done).await["state"], "finished");

    // As it is when a process that was only frozen had not committed yet when it was looked at.
    let late = "update api_jobs set state = 'interrupted', result = null where kind = 'add_recipients'";
    let id = done.body["id"].as_i64().unwrap();
    shop.execute(late).await;
    assert_eq!(until_over(&api, &done).await["state"], "finished");
    assert_eq!(until_over(&api, &lost).await["state"], "interrupted");
    shop.execute(late).await;
    job::finish_list(&shop.database.pool, JobId(id), 1, &finished["result"]).await.unwrap();
    assert_eq!(until_over(&api, &done).await["result"]["taken"], 1);

    // The key of what never happened is free again; that of what did is answered with the job as it is now.
    shop.execute("delete from blast_recipients where phone_number = '+60100000000'").await;
    let again = upload(&api, &path, "lost", lines(0..1)).await.expect(202);
    assert_ne!(again.body["id"], lost.body["id"]);
    assert_eq!(until_over(&api, &again).await["result"]["taken"], 1);
    for (key, list, job) in [("done", lines(1..2), &done), ("lost", lines(0..1), &again)] {
        let replayed = upload(&api, &path, key, list).await.expect(202);
        assert_eq!((&replayed.body["id"], &replayed.body["state"]), (&job.body["id"], &json!("finished")));
        assert_eq!(
            (replayed.header("idempotency-replayed"), replayed.header("location")),
            ("true", job.header("location"))
        );
    }
    let claimed = format!("select count(*) from api_requests where token_id = -1 and key = '{key}'");
    assert_eq!(shop.number(&claimed).await, 1, "a process that was only frozen adds nobody");
    assert_eq!(upload(&api, &path, "lost", lines(0..2)).await.expect(422).kind(), "idempotency-key-reused");
    serve.stop().await;
}

#[tokio::test]
async fn a_list_whose_database_was_gone_before_its_commit_may_be_sent_again_with_its_key() {
    let (shop, serve, proxy) = served_behind_proxy().await;
    let api = client(&shop, &serve, "write").await;
    let path = draft(&api, json!({})).await;
    // The list waits for the draft until its request is answered.
    let mut held = shop.database.pool.begin().await.unwrap();
    sqlx::raw_sql("select id from blasts for no key update").execute(&mut *held).await.unwrap();
    let job = upload(&api, &path, "list", lines(0..3)).await.expect(202);

    proxy.halt_at_commit(LISTS, Side::Before);
    held.rollback().await.unwrap();
    eventually_async("the commit is kept from the database", async || proxy.is_halted()).await;
    proxy.calm();
    let ended = until_over(&api, &job).await;

    assert_eq!((&ended["state"], &ended["result"]), (&json!("interrupted"), &Value::Null), "{ended}");
    assert!(ended["error"].as_str().unwrap().contains("nobody of it was: send the list again"), "{ended}");
    assert_eq!(shop.number("select count(*) from blast_recipients").await, 0);

    let again = upload(&api, &path, "list", lines(0..3)).await.expect(202);
    assert_ne!(again.body["id"], job.body["id"]);
    assert_eq!(until_over(&api, &again).await["result"]["taken"], 3);
    serve.stop().await;
}

/// A server with its engine.
async fn sending() -> (Shop, Serve, Api) {
    let (shop, serve) = served_with("").await;
    serve.stop().await;
    let serve = Serve::start(&shop, &[]).await;
    let api = client(&shop, &serve, "write").await;
    (shop, serve, api)
}

#[tokio::test]
async fn a_status_check_asks_the_provider_about_everybody() {
    let (shop, serve, api) = sending().await;
    let path = draft(&api, json!({ "recipients": ["60100000001", "60100000002", "60100000003"] })).await;
    assert_eq!(api.post(&format!("{path}/check-status"), json!({})).await.expect(409).kind(), "refused");
    api.post(&format!("{path}/send"), json!({})).await.expect(200);
    let id = path.rsplit('/').next().unwrap();
    shop.until_state(id, "completed").await;

    let job = api.post(&format!("{path}/check-status"), json!({})).await.expect(202);
    let done = until_over(&api, &job).await;

    assert_eq!(
        (&done["state"], &done["kind"], &done["error"]),
        (&json!("finished"), &json!("check_status"), &Value::Null)
    );
    assert_eq!(done["done"], done["total"]);
    assert_eq!((&done["result"]["asked"], done["result"]["answered"].is_u64()), (&done["done"], true), "{done}");
    serve.stop().await;
}

#[tokio::test]
async fn meta_cannot_be_asked_about_a_message() {
    let (shop, serve) = served().await;
    let api = client(&shop, &serve, "write").await;
    shop.execute(&crate::inbox::blast_of("cloud", 1, 2)).await;

    let refused = api.post("/api/blasts/1/check-status", json!({})).await.expect(409);

    assert!(refused.body["detail"].as_str().unwrap().contains("webhook"), "{refused:?}");
    assert_eq!(shop.number("select count(*) from api_jobs").await, 0);
    serve.stop().await;
}
