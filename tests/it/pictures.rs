//! Pictures that people send: fetched once, kept under their digest, written out for the operator.

use std::os::unix::fs::PermissionsExt;

use blastdeck::store::media;
use serde_json::{Value, json};

use crate::answering::scene::AnswerScene;
use crate::support::{digits, eventually_async};

/// An id that the simulator has a picture for.
const SLIP: &str = "100000000000000007";

/// A picture of person `n`.
fn picture(n: u32, message: &str, media: &str) -> Value {
    let at = chrono::Utc::now().timestamp().to_string();
    json!({ "messages": [{ "from": digits(n), "id": message, "timestamp": at, "type": "image",
                           "image": { "caption": "paid", "mime_type": "image/png", "sha256": "x", "id": media } }] })
}

/// The files in the data directory, each with its mode.
fn stored(scene: &AnswerScene) -> Vec<(std::path::PathBuf, u32)> {
    let dirs = std::fs::read_dir(scene.shop.path("data").join("media")).into_iter().flatten().flatten();
    let files = dirs.flat_map(|dir| std::fs::read_dir(dir.path()).into_iter().flatten().flatten());
    files.map(|file| (file.path(), file.metadata().unwrap().permissions().mode() & 0o777)).collect()
}

#[tokio::test]
async fn a_payment_slip_is_fetched_once_kept_by_its_digest_and_written_where_the_operator_wants_it() {
    let scene = AnswerScene::served(2).await;
    scene.receive(picture(1, "wamid.in1", SLIP)).await;
    scene.receive(picture(2, "wamid.in2", SLIP)).await;
    eventually_async("both are stored", async || {
        scene.shop.number("select count(*) from reply_media where state = 'stored'").await == 2
    })
    .await;

    let replies = scene.json_lines(&["replies"]).await;
    let id = replies[1]["id"].to_string();
    scene.ok(&["replies", "save", &id, "slip.png"]).await;
    let again = scene.run(&["replies", "save", &id, "slip.png"]).await;
    scene.ok(&["replies", "--save", "slips"]).await;
    scene.ok(&["replies", "--save", "slips"]).await;

    let slip = std::fs::read(scene.shop.path("slip.png")).unwrap();
    assert!(slip.starts_with(b"\x89PNG"));
    assert_eq!(again.code, 3, "{again:?}");
    let files = stored(&scene);
    assert_eq!(files.len(), 1, "the same bytes are kept once: {files:?}");
    assert_eq!(files[0].1, 0o600);
    assert_eq!(files[0].0.file_name().unwrap().to_str().unwrap(), replies[0]["file"]["digest"]);
    assert_eq!((&replies[0]["kind"], &replies[0]["file"]["type"]), (&json!("picture"), &json!("image/png")));
    let saved = std::fs::read(scene.shop.path(&format!("slips/reply-{id}.png"))).unwrap();
    assert_eq!(saved, slip);
    assert_eq!(std::fs::read_dir(scene.shop.path("slips")).unwrap().count(), 2);
}

#[tokio::test]
async fn a_picture_that_cannot_be_fetched_is_tried_again_and_said_to_be_missing() {
    let scene = AnswerScene::served(1).await;
    scene.receive(picture(1, "wamid.in1", "7")).await;
    eventually_async("it is tried", async || {
        scene.shop.number("select count(*) from reply_media where reason is not null and next_try_at > now()").await
            == 1
    })
    .await;

    let id = scene.json(&["replies"]).await["id"].to_string();
    let refused = scene.run(&["replies", "save", &id, "slip.png"]).await;
    assert_eq!(refused.code, 3, "{refused:?}");
    assert!(refused.err.contains("could not be fetched yet") && !scene.shop.path("slip.png").exists(), "{refused:?}");

    // Meta has it now; or it is too late.
    scene.shop.execute(&format!("update reply_media set media_id = '{SLIP}', next_try_at = now()")).await;
    eventually_async("it is stored", async || {
        scene.shop.number("select count(*) from reply_media where state = 'stored' and reason is null").await == 1
    })
    .await;
    scene.receive(picture(1, "wamid.in2", "8")).await;
    scene.shop.execute("update reply_media set give_up_at = now(), next_try_at = now() where media_id = '8'").await;
    eventually_async("it is given up", async || {
        scene.shop.number("select count(*) from reply_media where state = 'lost'").await == 1
    })
    .await;
}

#[tokio::test]
async fn pictures_go_with_the_webhooks_that_brought_them() {
    let mut scene = AnswerScene::served(1).await;
    scene.receive(picture(1, "wamid.in1", SLIP)).await;
    eventually_async("it is stored", async || {
        scene.shop.number("select count(*) from reply_media where state = 'stored'").await == 1
    })
    .await;
    // Another engine of this machine let go of the same bytes in the moment in which they were stored.
    let (pool, file) = (&scene.shop.database.pool, stored(&scene)[0].0.clone());
    let host: String = sqlx::query_scalar("select host from reply_media").fetch_one(pool).await.unwrap();
    std::fs::remove_file(&file).unwrap();
    media::want_again(pool, &host, file.file_name().unwrap().to_str().unwrap()).await.unwrap();
    eventually_async("it is fetched again", async || {
        file.exists() && scene.shop.number("select count(*) from reply_media where state = 'stored'").await == 1
    })
    .await;
    scene.kill_server().await;
    scene.shop.execute("update reply_media set stored_at = now() - interval '31 days'").await;

    scene.serve().await;

    eventually_async("its file is gone", async || stored(&scene).is_empty()).await;
    let id = scene.json(&["replies"]).await["id"].to_string();
    let refused = scene.run(&["replies", "save", &id, "slip.png"]).await;
    assert!(refused.code == 3 && refused.err.contains("no longer kept"), "{refused:?}");
}

#[tokio::test]
async fn a_picture_that_meta_does_not_have_is_given_up_after_some_tries_and_so_is_one_that_nobody_fetches() {
    let scene = AnswerScene::served(1).await;
    scene.receive(picture(1, "wamid.in1", "7")).await;
    let tried = "select tries::bigint from reply_media where media_id = '7'";
    eventually_async("it is tried", async || scene.shop.number(tried).await == 1).await;
    scene.shop.execute("update reply_media set tries = 5, next_try_at = now()").await;

    let lost = "select count(*) from reply_media where state = 'lost' and reason like '%Meta refuses (100)%'";
    eventually_async("it is given up", async || scene.shop.number(lost).await == 1).await;
    assert_eq!(scene.shop.number(tried).await, 6);
}

#[tokio::test]
async fn a_picture_whose_id_cannot_be_one_of_metas_is_given_up_at_once_and_says_what_came() {
    let scene = AnswerScene::served(1).await;

    scene.receive(picture(1, "wamid.in1", "PIC1")).await;

    let lost = "select count(*) from reply_media where state = 'lost' and tries = 1";
    eventually_async("it is given up", async || scene.shop.number(lost).await == 1).await;
    let id = scene.json(&["replies"]).await["id"].to_string();
    let refused = scene.run(&["replies", "save", &id, "slip.png"]).await;
    let why = "the file came with the id `PIC1`, which is none of Meta's (those are digits): it cannot be fetched";
    assert!(refused.code == 3 && refused.err.contains(why), "{refused:?}");
}
