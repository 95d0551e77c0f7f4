//! Edits: null takes away, and what an answer gave may come back whole.

use blastdeck::app::AppError;
use blastdeck::domain::ids::BlastId;
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use super::client::{ApiAnswer, said};
use super::{Api, client, served};
use crate::recurring::engine_app;
use crate::support::{Setup, Shop};

async fn put(api: &Api, path: &str, body: &Value) -> ApiAnswer {
    said(api.request(Method::PUT, path).json(body)).await
}

async fn blast(api: &Api, fields: Value) -> String {
    let mut body = json!({ "message": "Hi", "recipients": ["60100000001"] });
    body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    format!("/api/blasts/{}", api.post("/api/blasts", body).await.expect(201).body["id"])
}

async fn campaign(api: &Api, fields: Value) -> String {
    let mut body = json!({
        "name": "Order ready", "templateName": "tour_package_marketing", "templateLanguage": "en_US",
        "templateVariables": { "1": "Bali", "2": "RM 45" }, "recipients": ["60100000001"],
    });
    body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    let made = api.post("/api/whatsapp/campaigns", body).await.expect(201);
    format!("/api/whatsapp/campaigns/{}", made.body["id"].as_str().unwrap())
}

#[tokio::test]
async fn null_takes_what_a_blast_can_be_without_away() {
    let (shop, serve) = served().await;
    let api = client(&shop, &serve, "write").await;
    let own =
        json!({ "description": "For those of May", "external_id": "order-7", "rate_limit": 20, "gap": "20s..60s" });
    let path = blast(&api, own).await;

    let without = json!({ "description": null, "external_id": null, "rate_limit": null, "gap": null });
    let edited = api.patch(&path, without).await.expect(200).body;

    for key in ["description", "external_id", "rate_limit", "gap"] {
        assert_eq!(edited[key], Value::Null, "{key}");
    }
    for key in ["blast_tag", "follow_up_stage", "message"] {
        let refused = api.patch(&path, json!({ (key): null })).await.expect(422);
        assert_eq!(refused.fields(), [key], "{refused:?}");
    }
    assert_eq!(api.get(&path).await.body["message"], "Hi");
    serve.stop().await;
}

#[tokio::test]
async fn null_takes_what_a_campaign_can_be_without_away() {
    let (shop, serve) = served().await;
    let api = client(&shop, &serve, "write").await;
    let path = campaign(&api, json!({ "description": "For May", "externalId": "order-7", "rateLimit": 20 })).await;

    let hours = api.patch(&path, json!({ "sendWindowEnd": "18:30" })).await.expect(200);
    assert_eq!(hours.body["sendWindow"], "09:00-18:30", "the other end stays");
    let without = json!({
        "description": null, "externalId": null, "rateLimit": null, "sendWindowStart": null, "sendWindowEnd": null,
    });
    let edited = api.patch(&path, without).await.expect(200).body;

    for key in ["description", "externalId", "rateLimit", "sendWindow"] {
        assert_eq!(edited[key], Value::Null, "{key}");
    }
    for key in ["name", "templateName", "templateLanguage", "templateVariables", "sender", "sendWindowStart"] {
        let refused = api.patch(&path, json!({ (key): null })).await.expect(422);
        assert_eq!(refused.fields(), [key], "{refused:?}");
    }
    serve.stop().await;
}

#[tokio::test]
async fn what_was_read_may_come_back_whole() {
    let (shop, serve) = served().await;
    let api = client(&shop, &serve, "write").await;
    let paths = [blast(&api, json!({ "rate_limit": 20 })).await, campaign(&api, json!({ "rateLimit": 0.5 })).await];

    let [_, of_campaign] = &paths;
    let template = of_campaign.replace("/whatsapp/campaigns", "/blasts");
    let start = (chrono::Utc::now() + chrono::TimeDelta::days(1)).to_rfc3339();
    let scheduled = blast(&api, json!({ "scheduled_for": start })).await;
    let repeats = blast(&api, json!({ "repeat": "every mon 09:00", "timezone": "Asia/Kuala_Lumpur" })).await;
    let by_the_hour = campaign(&api, json!({ "rateLimit": "20/h" })).await;

    for path in paths.iter().chain([&template, &scheduled, &repeats, &by_the_hour]) {
        let before = api.get(path).await.expect(200).body;
        put(&api, path, &before).await.expect(200);
        let after = api.get(path).await.expect(200).body;
        // Once more, as whoever keeps what they read may send it.
        put(&api, path, &before).await.expect(200);
        for key in [
            "message",
            "template",
            "scheduled_for",
            "repeat",
            "timezone",
            "rate_limit",
            "rateLimit",
            "sendWindow",
            "templateVariables",
            "recipients",
            "sender",
        ] {
            assert_eq!(before.get(key), after.get(key), "{path} {key}");
        }
    }
    serve.stop().await;
}

#[tokio::test]
async fn everyones_own_clock_and_the_next_day_are_given_back_and_may_come_back_as_they_are() {
    let (shop, serve) = served().await;
    let api = client(&shop, &serve, "write").await;
    let plain = blast(&api, json!({})).await;
    let own = json!({ "local_time": "10:00", "send_window": "09:00-21:00", "window_local": true });
    let path = blast(&api, own).await;
    // Of a sender of Meta's.
    shop.execute(&format!("update blasts set retry_next_day = true where id = {}", path.replace("/api/blasts/", "")))
        .await;

    let given = |body: &Value| ["local_time", "window_local", "retry_next_day"].map(|name| body[name].clone());
    let before = api.get(&path).await.expect(200).body;

    assert_eq!(given(&before), [json!("10:00"), json!(true), json!(true)]);
    assert_eq!(given(&shop.json(&["blast", "show", &before["id"].to_string()]).await), given(&before));
    assert_eq!(given(&api.get(&plain).await.expect(200).body), [Value::Null, json!(false), json!(false)]);
    put(&api, &path, &before).await.expect(200);
    let other = api.patch(&path, json!({ "local_time": "11:00" })).await.expect(422);
    assert_eq!(other.fields(), ["local_time"], "{other:?}");
    for lost in
        [json!({ "window_local": true }), json!({ "window_local": true, "send_window": null, "weekdays": null })]
    {
        let mut without_hours = json!({ "message": "Hi" });
        without_hours.as_object_mut().unwrap().extend(lost.as_object().unwrap().clone());
        let refused = api.post("/api/blasts", without_hours).await.expect(422);
        assert_eq!(refused.fields(), ["window_local"], "{lost}");
    }
    serve.stop().await;
}

#[tokio::test]
async fn an_edit_that_changes_nothing_makes_no_version_and_no_act() {
    let (shop, serve) = served().await;
    let api = client(&shop, &serve, "write").await;
    let path = blast(&api, json!({ "rate_limit": 20, "description": "For May" })).await;
    let before = api.get(&path).await.expect(200);
    let edits = "select count(*) from operator_actions where action = 'edit'";

    let same = json!({ "message": "Hi", "rate_limit": 20, "description": "For May", "gap": null });
    let same = api.patch(&path, same).await.expect(200);
    let whole = put(&api, &path, &before.body).await.expect(200);

    for after in [same, whole] {
        assert_eq!(after.body["version"], before.body["version"], "{after:?}");
        assert_eq!(after.header("etag"), before.header("etag"), "{after:?}");
    }
    assert_eq!(shop.number(edits).await, 0);
    let other = api.patch(&path, json!({ "message": "Hello" })).await.expect(200);
    assert!(other.body["version"] != before.body["version"], "{other:?}");
    assert_eq!(shop.number(edits).await, 1);
    serve.stop().await;
}

#[tokio::test]
async fn what_an_edit_does_not_change_is_not_taken_silently() {
    let (shop, serve) = served().await;
    let api = client(&shop, &serve, "write").await;
    let (blast, campaign) = (blast(&api, json!({})).await, campaign(&api, json!({})).await);

    for (path, body, field) in [
        (&blast, json!({ "state": "paused" }), "state"),
        (&blast, json!({ "sender": "cloud" }), "sender"),
        (&blast, json!({ "recipients": ["60100000002"] }), "recipients"),
        (&campaign, json!({ "status": "cancelled" }), "status"),
        (&campaign, json!({ "sender": "sales" }), "sender"),
        (&campaign, json!({ "sendWindow": "08:00-10:00" }), "sendWindow"),
        (&campaign, json!({ "recipients": ["60100000002"] }), "recipients"),
        (&campaign, json!({ "wat": 1 }), "wat"),
    ] {
        let refused = api.patch(path, body.clone()).await.expect(422);
        assert_eq!(refused.fields(), [field], "{body}: {refused:?}");
    }
    serve.stop().await;
}

#[tokio::test]
async fn every_answer_about_a_campaign_has_it_in_both_places() {
    let (shop, serve) = served().await;
    let api = client(&shop, &serve, "write").await;
    let body =
        json!({ "name": "x", "templateName": "tour_package_marketing", "templateVariables": { "1": "a", "2": "b" } });

    let made = api.post("/api/whatsapp/campaigns", body).await.expect(201);
    let path = format!("/api/whatsapp/campaigns/{}", made.body["id"].as_str().unwrap());
    assert_eq!(made.header("location"), path);
    let change = json!({ "name": "y" });
    for answer in [made, api.patch(&path, change.clone()).await, put(&api, &path, &change).await, api.get(&path).await]
    {
        assert_eq!(answer.body["campaign"]["name"], answer.body["name"], "{answer:?}");
        assert!(answer.body["campaign"].get("waiting").is_some(), "{answer:?}");
    }
    serve.stop().await;
}

#[tokio::test]
async fn the_end_of_the_hours_is_named_where_that_is_wrong() {
    let (shop, serve) = served().await;
    let api = client(&shop, &serve, "write").await;
    let path = campaign(&api, json!({})).await;

    for (body, field) in [
        (json!({ "sendWindowEnd": 99 }), "sendWindowEnd"),
        (json!({ "sendWindowStart": 25, "sendWindowEnd": 21 }), "sendWindowStart"),
        (json!({ "sendWindowStart": 9, "sendWindowEnd": 9 }), "sendWindowEnd"),
        (json!({ "sendWindowStart": [9] }), "sendWindowStart"),
    ] {
        let refused = api.patch(&path, body.clone()).await.expect(422);
        assert_eq!(refused.fields(), [field], "{body}: {refused:?}");
    }
    serve.stop().await;
}

#[tokio::test]
async fn of_a_blast_that_has_started_what_was_read_may_come_back_whole_with_another_pace() {
    let (shop, serve) = served().await;
    let api = client(&shop, &serve, "write").await;
    let path = blast(&api, json!({ "rate_limit": 20 })).await;
    let id = path.rsplit('/').next().unwrap();
    shop.ok(&["blast", "send", id, "--yes", "--no-engine"]).await;

    let whole = api.get(&path).await.body;
    put(&api, &path, &whole).await.expect(200);
    assert_eq!(api.get(&path).await.body["version"], whole["version"], "nothing is changed");
    let mut slower = whole.clone();
    slower["rate_limit"] = json!("10/min");
    assert_eq!(put(&api, &path, &slower).await.expect(200).body["rate_limit"], "10/min");
    let mut other = api.get(&path).await.body;
    other["message"] = json!("Hello");
    put(&api, &path, &other).await.expect(409);

    let acts = "select count(*) from operator_actions where action = 'edit' and detail ->> 'pace' like 'any hour, 10/min; before: any hour, 20/min'";
    assert_eq!(shop.number(acts).await, 1);
    serve.stop().await;
}

#[tokio::test]
async fn an_edit_that_opens_the_hours_is_not_answered_with_the_reason_from_before() {
    let (shop, serve) = served().await;
    let api = client(&shop, &serve, "write").await;
    let hours = json!({ "send_window": "23:00-23:30", "timezone": "Asia/Kuala_Lumpur", "rate_limit": 20 });
    let path = blast(&api, hours).await;
    let id = path.rsplit('/').next().unwrap();
    shop.ok(&["blast", "send", id, "--yes", "--no-engine"]).await;
    // An engine that reads no edit.
    shop.execute(&format!(
        "insert into sender_leases (sender_id, holder, host, epoch, expires_at, waiting)
         select sender_id, 'elsewhere', 'elsewhere', 1, now() + interval '10 minutes',
                jsonb_build_object('blasts', jsonb_build_object(id::text, jsonb_build_object(
                    'reason', 'window', 'window', '23:00-23:30 daily (Asia/Kuala_Lumpur)', 'until', now() + interval '1 hour')))
           from blasts where id = {id}
             on conflict (sender_id) do update set holder = excluded.holder, host = excluded.host, epoch = excluded.epoch,
                                                   expires_at = excluded.expires_at, waiting = excluded.waiting"
    ))
    .await;
    assert_eq!(api.get(&path).await.body["waiting"]["reason"], "window");

    let slower = api.patch(&path, json!({ "rate_limit": 10 })).await.expect(200).body;
    assert_eq!(slower["waiting"]["reason"], "window", "its hours are the same");
    let mend = slower["waiting"]["mend"].as_str().unwrap();
    assert!(mend.contains("with null as `send_window` and `weekdays`"), "{mend}");
    let opened = api.patch(&path, json!({ "send_window": null, "weekdays": null })).await.expect(200).body;

    assert_eq!((&opened["send_window"], &opened["waiting"]), (&Value::Null, &Value::Null));
    serve.stop().await;
}

#[tokio::test]
async fn edits_that_meet_are_all_done_and_of_those_that_name_a_version_one_is() {
    let (shop, serve) = served().await;
    let api = client(&shop, &serve, "write").await;
    let path = blast(&api, json!({})).await;
    let edit = |n: usize| {
        said(
            api.request(Method::PATCH, &path).json(&json!({ "description": format!("edit {n}"), "rate_limit": n + 1 })),
        )
    };

    let statuses: Vec<_> = join_all((0..12).map(edit)).await.iter().map(|answer| answer.status).collect();
    assert_eq!(statuses, [200; 12]);

    let etag = api.get(&path).await.header("etag").to_owned();
    let tagged = |n: usize| {
        let body = json!({ "blast_tag": format!("tag {n}") });
        said(api.request(Method::PATCH, &path).header("If-Match", &etag).json(&body))
    };
    let answers = join_all((0..12).map(tagged)).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
    let others: Vec<_> = answers.iter().filter(|answer| answer.status != 200).collect();
    assert!(others.iter().all(|answer| (answer.status, answer.kind()) == (412, "changed")), "{others:?}");
    serve.stop().await;
}

/// Between the look at its version and the command, as another caller may be.
#[tokio::test]
async fn a_command_on_a_version_that_is_gone_changes_nothing() {
    let shop = Shop::open(Setup::default()).await;
    let blast: BlastId = shop.draft(0..2).await.parse().unwrap();
    let app = engine_app(&shop, "one").await;
    let version = app.blast(blast).await.unwrap().version;
    let seen = app.at_version(blast, version);

    shop.ok(&["blast", "edit", &blast.to_string(), "--tag", "Another"]).await;
    assert!(matches!(seen.delete(blast).await, Err(AppError::Changed)));
    shop.ok(&["blast", "send", &blast.to_string(), "--yes", "--no-engine"]).await;
    assert!(matches!(seen.pause(blast).await, Err(AppError::Changed)));
    assert!(matches!(seen.cancel(blast).await, Err(AppError::Changed)));
    assert_eq!(shop.state(&blast.to_string()).await, "sending");
    let now = app.blast(blast).await.unwrap().version;
    for shown in [1, 3] {
        let refused = app.at_version(blast, now).cancel_as_shown(blast, shown).await;
        assert!(matches!(refused, Err(AppError::QueuedChanged(_))), "{shown}: {refused:?}");
    }
    assert!(matches!(app.cancel_at_most(blast, 1).await, Err(AppError::QueuedChanged(_))));
    assert_eq!(shop.state(&blast.to_string()).await, "sending");
    assert_eq!(app.at_version(blast, now).cancel(blast).await.unwrap(), 2);
}

#[tokio::test]
async fn a_campaign_is_sent_whatever_edits_meet_it_where_no_version_is_named() {
    let (shop, serve) = served().await;
    let api = client(&shop, &serve, "write").await;
    let path = campaign(&api, json!({})).await;
    let send = format!("{path}/send");
    let edit = |n: usize| api.patch(&path, json!({ "description": format!("edit {n}") }));

    let (edits, sent) = tokio::join!(join_all((0..24).map(edit)), api.post(&send, json!({})));

    assert_eq!(sent.status, 200, "{sent:?}");
    assert!(edits.iter().all(|answer| matches!(answer.status, 200 | 409)), "{edits:?}");
    serve.stop().await;
}
