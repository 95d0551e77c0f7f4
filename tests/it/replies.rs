//! Reading what people wrote and what providers say.

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};

use crate::answering::scene::AnswerScene;
use crate::inbox::scene::text;
use crate::support::serve::with_secrets;
use crate::support::{PATIENCE, digits};

#[tokio::test]
async fn replies_are_listed_newest_first_with_what_they_are_and_cannot_control_the_terminal() {
    let scene = AnswerScene::served(2).await;
    scene.receive(text(1, "wamid.in1", "How \u{1b}[2Jmuch?\nAnd \u{202e}when?")).await;
    scene.receive(text(2, "wamid.in2", "stop")).await;
    scene.receive(text(9, "wamid.in3", "Who are you?")).await;

    let all = scene.json_lines(&["replies"]).await;
    let of_blast = scene.json_lines(&["replies", "1"]).await;
    let newest = scene.json_lines(&["replies", "--limit", "1"]).await;
    let table = scene.ok(&["replies", "1"]).await;

    let ids: Vec<_> = all.iter().map(|reply| reply["message_id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["wamid.in3", "wamid.in2", "wamid.in1"]);
    assert_eq!((&all[0]["blast"], &all[0]["name"]), (&json!(null), &json!(null)));
    assert_eq!((&all[1]["is_opt_out"], &all[1]["name"]), (&json!(true), &json!("Person 2")));
    assert_eq!(all[2]["text"], "How \u{1b}[2Jmuch?\nAnd \u{202e}when?", "as it came");
    assert_eq!(of_blast, all[1..]);
    assert_eq!(newest, all[..1]);
    assert!(table.contains("How [2Jmuch? And when?") && table.contains("text, opts out"), "{table}");
    assert_eq!(table.lines().count(), 3, "{table}");
    assert_eq!(scene.json_lines(&["replies", "--since", "1h"]).await, all);
    let same = |reply: &Value| reply["blast_id"] == reply["blast"] && reply["recipient_id"] == reply["recipient"];
    assert!(of_blast.iter().all(same) && of_blast[0]["blast_id"] == 1, "{of_blast:?}");
    assert_eq!(scene.json_lines(&["replies", "--since", "2000-01-01T00:00:00Z", "--limit", "2"]).await, all[..2]);
    assert_eq!(scene.run(&["replies", "7"]).await.code, 1);
}

#[tokio::test]
async fn replies_stand_in_the_order_of_their_arrival_and_their_help_says_so() {
    let scene = AnswerScene::unserved(1).await;
    // What was written first came last, as after an outage.
    scene
        .shop
        .execute(
            "insert into replies (sender_id, blast_id, kind, body, message_id, at, received_at)
             select (select id from senders where name = 'cloud'), 1, 'text', n::text, 'in.' || n,
                    now() - n * interval '1 hour', now() - (3 - n) * interval '1 minute' from generate_series(1, 2) as n",
        )
        .await;

    let listed = scene.json_lines(&["replies"]).await;
    let exported = scene.ok(&["replies", "export"]).await;
    let help = scene.ok(&["replies", "--help"]).await;

    let ids: Vec<_> = listed.iter().map(|reply| reply["message_id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["in.2", "in.1"]);
    assert!(exported.find("in.2") < exported.find("in.1"), "{exported}");
    let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(help.contains("the last to arrive first. `when` is when they wrote it"), "{help}");
}

#[tokio::test]
async fn a_picture_whose_caption_is_a_stop_word_is_marked_as_the_opt_out_that_it_is() {
    let scene = AnswerScene::served(2).await;
    let picture = |n: u32, caption: &str| {
        let mut item = text(n, &format!("wamid.in{n}"), "");
        item["messages"][0]["type"] = json!("image");
        item["messages"][0]["image"] = json!({ "id": "77", "mime_type": "image/jpeg", "caption": caption });
        item
    };
    scene.receive(picture(1, "Stop!")).await;
    scene.receive(picture(2, "please stop")).await;

    let marked = scene.json_lines(&["replies"]).await;
    let table = scene.ok(&["replies"]).await;

    let marked: Vec<_> = marked.iter().map(|reply| (reply["text"].as_str().unwrap(), &reply["is_opt_out"])).collect();
    assert_eq!(marked, [("(picture) please stop", &json!(false)), ("(picture) Stop!", &json!(true))]);
    assert_eq!(table.matches("picture, opts out").count(), 1, "{table}");
}

#[tokio::test]
async fn pages_of_replies_go_on_behind_the_one_before_whatever_their_times() {
    let scene = AnswerScene::unserved(1).await;
    // Two pages, with many at the same moment.
    scene
        .shop
        .execute(
            "insert into replies (sender_id, blast_id, kind, body, message_id, at, received_at)
             select (select id from senders where name = 'cloud'), 1, 'text', n::text, 'in.' || n, now(),
                    now() - (n / 300) * interval '1 minute' from generate_series(1, 700) as n",
        )
        .await;

    let all = scene.json_lines(&["replies", "1", "--limit", "600"]).await;

    let mut ids: Vec<_> = all.iter().map(|reply| reply["id"].as_i64().unwrap()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!((all.len(), ids.len()), (600, 600));
}

#[tokio::test]
async fn what_comes_from_now_on_is_printed_as_it_comes() {
    let scene = AnswerScene::served(1).await;
    scene.receive(text(1, "wamid.in1", "Before")).await;
    let mut command = with_secrets(scene.shop.command(&["replies", "1", "--follow", "--json"]));
    let mut following = command.stdout(std::process::Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(following.stdout.take().unwrap()).lines();

    // What comes before it listens is not its business: one after the other, until one is printed.
    let line = async {
        let mut n = 2;
        loop {
            scene.receive(text(1, &format!("wamid.in{n}"), "After")).await;
            n += 1;
            let next = tokio::time::timeout(std::time::Duration::from_secs(3), lines.next_line()).await;
            if let Ok(line) = next {
                return line.unwrap().unwrap();
            }
        }
    };
    let line = tokio::time::timeout(PATIENCE, line).await.expect("it is printed");

    let reply: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!((&reply["text"], &reply["phone_number"]), (&json!("After"), &json!(format!("+{}", digits(1)))));
    following.kill().await.unwrap();
}

#[tokio::test]
async fn a_database_whose_clock_is_an_hour_behind_has_its_replies_printed_as_well() {
    let scene = AnswerScene::unserved(1).await;
    let write = async |n: u32| {
        let reply = format!(
            "insert into replies (sender_id, blast_id, kind, body, message_id, at, received_at)
             select id, 1, 'text', 'reply {n}', 'in.{n}', now(), now() - interval '1 hour' from senders where name = 'cloud'"
        );
        scene.shop.execute(&reply).await;
    };
    write(1).await;
    let mut command = with_secrets(scene.shop.command(&["replies", "1", "--follow", "--json"]));
    let mut following = command.stdout(std::process::Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(following.stdout.take().unwrap()).lines();

    // What comes before it listens is not its business.
    let line = async {
        for n in 2.. {
            write(n).await;
            let next = tokio::time::timeout(std::time::Duration::from_secs(2), lines.next_line()).await;
            if let Ok(line) = next {
                return line.unwrap().unwrap();
            }
        }
        unreachable!()
    };
    let line = tokio::time::timeout(PATIENCE, line).await.expect("it is printed");

    assert!(line.contains("\"reply "), "{line}");
    following.kill().await.unwrap();
}

#[tokio::test]
async fn notices_are_listed_newest_first_with_what_followed() {
    let scene = AnswerScene::served(1).await;
    let notice = |template: &str, event: &str| {
        json!({ "field": "message_template_status_update", "event": event, "message_template_id": 5,
                "message_template_name": template, "message_template_language": "en_US", "reason": "NONE" })
    };
    scene.receive(notice("hello_world", "PAUSED")).await;
    scene.receive(notice("raya", "APPROVED")).await;

    let notices = scene.json_lines(&["notices"]).await;
    let table = scene.ok(&["notices", "--limit", "1"]).await;

    let subjects: Vec<_> = notices.iter().map(|notice| notice["subject"].as_str().unwrap()).collect();
    assert_eq!(subjects, ["raya (en_US)", "hello_world (en_US)"]);
    assert!(notices[1]["words"].as_str().unwrap().starts_with("PAUSED"), "{notices:?}");
    assert!(table.contains("raya (en_US)") && !table.contains("hello_world"), "{table}");
}
