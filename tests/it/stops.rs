//! A stopped sender says so wherever it is asked about, with its mend; whoever lifts the stop hears that it is sent for only
//! once that is so.

use chrono::{SecondsFormat, TimeDelta, Utc};
use serde_json::json;

use crate::support::{Setup, Shop, Size, eventually_async};

/// A shop with a blast that is sending, whose sender is stopped with this code; no engine runs.
async fn stopped_shop(code: &str, reason: &str) -> Shop {
    let shop = Shop::open(Setup::default()).await;
    shop.blast(0..3).await;
    stop(&shop, code, reason).await;
    shop
}

async fn stop(shop: &Shop, code: &str, reason: &str) {
    shop.execute(&format!(
        "update senders set stopped_at = now(), stopped_code = '{code}', stopped_reason = '{reason}'"
    ))
    .await;
}

async fn is_stopped(shop: &Shop) -> bool {
    shop.number("select count(*) from senders where stopped_at is not null").await > 0
}

#[tokio::test]
async fn whoever_lifts_a_stop_has_the_people_queued_sent_to() {
    for verb in [&["sender", "confirm", "sales", "--yes"][..], &["blast", "resume", "1", "--yes"]] {
        let shop = stopped_shop("device", "Device is offline").await;

        let said = shop.run(verb).await;

        assert_eq!(said.code, 0, "{said:?}");
        assert!(said.err.contains("sender sales resumes"), "{said:?}");
        shop.until_posts(3).await;
        shop.promises().await;
    }
}

#[tokio::test]
async fn a_check_that_finds_a_stopped_sender_well_sends_to_nobody_and_says_what_asks_for_their_number() {
    let shop = stopped_shop("device", "Device is offline").await;

    let checks = [shop.run(&["sender", "check"]).await, shop.run(&["sender", "check", "sales", "--json"]).await];

    for said in checks {
        let says = "its health shows that this is over, and 3 people are queued: `BLASTDECK_STATE_DIR='";
        assert!(said.code == 1 && said.out.contains(says), "{said:?}");
        assert!(said.out.contains("sender confirm sales` asks for their number"), "{said:?}");
    }
    assert!(is_stopped(&shop).await && shop.engines().is_empty());
    assert_eq!((shop.count("queued").await, shop.sim.posts().await.len()), (3, 0));
}

#[tokio::test]
async fn a_blast_whose_time_came_while_its_sender_was_stopped_starts_for_nobody_who_did_not_count_its_people() {
    let shop = Shop::open(Setup::default()).await;
    let blast = shop.draft(0..3).await;
    stop(&shop, "device", "Device is offline").await;
    shop.execute(&format!(
        "update blasts set state = 'scheduled', send_after = now() - interval '1 hour', scheduled_for = now() - interval '1 hour'
          where id = {blast}"
    ))
    .await;

    let check = shop.run(&["sender", "check", "sales"]).await;
    let (listed, plan) = (shop.ok(&["blast", "list"]).await, shop.ok(&["blast", "plan", &blast]).await);

    assert!(listed.contains("  waits  ") && !listed.contains("scheduled"), "it does not come by itself: {listed}");
    assert!(
        plan.contains("  starts    once its sender is resumed; its time came ") && !plan.contains("by itself"),
        "{plan}"
    );
    let says = "its health shows that this is over, and 3 people are queued: `BLASTDECK_STATE_DIR='";
    assert!(check.code == 1 && check.out.contains(says), "{check:?}");
    assert!(is_stopped(&shop).await && shop.sim.posts().await.is_empty());
    let running = shop.blast(3..4).await;
    let few = shop.run(&["blast", "resume", &running, "--people", "1", "--no-engine"]).await;
    assert!(few.code != 0 && is_stopped(&shop).await, "{few:?}");
    let confirmed = shop.run(&["sender", "confirm", "sales", "--yes"]).await;
    assert!(confirmed.code == 0 && confirmed.err.contains("sender sales resumes"), "{confirmed:?}");
    shop.until_posts(4).await;
    shop.promises().await;
}

#[tokio::test]
async fn an_engine_that_holds_a_stopped_sender_starts_nothing_whose_time_has_come() {
    let shop = Shop::open(Setup { sim: &["--latency", "3s"], ..Setup::default() }).await;
    shop.blast(0..1).await;
    let (due, looked_at) = (shop.draft(1..3).await, shop.draft(3..4).await);
    let engine = shop.engine();
    eventually_async("somebody is in flight", async || shop.count("sending").await == 1).await;
    shop.sim.hold();

    // In one transaction. What an engine finds sent to its first people it pauses, after it has looked for what is to start.
    shop.execute(&format!(
        "update senders set stopped_at = now(), stopped_code = 'device', stopped_reason = 'Device is offline';
         update blasts set state = 'scheduled', send_after = now(), scheduled_for = now() where id = {due};
         update blasts set state = 'sending', send_after = now(), launched_at = now(), first_people = 1, first_left = 0
          where id = {looked_at};
         select pg_notify('blastdeck_orders', '')"
    ))
    .await;
    shop.until_state(&looked_at, "paused").await;

    let as_before =
        format!("select count(*) from blasts where id = {due} and state = 'scheduled' and launched_at is null");
    assert_eq!((shop.count("sending").await, shop.number(&as_before).await), (1, 1), "it is held, and starts nothing");
    shop.sim.let_go();
    shop.ok(&["sender", "confirm", "sales", "--yes", "--no-engine"]).await;
    shop.until_posts(3).await;
    engine.stop().await;
    shop.promises().await;
}

#[tokio::test]
async fn a_blast_with_a_time_is_scheduled_behind_a_stop_and_says_so() {
    let shop = stopped_shop("device", "Device is offline").await;
    let at = (Utc::now() + TimeDelta::days(1)).to_rfc3339_opts(SecondsFormat::Secs, true);
    let (blast, of_script) = (shop.draft_with(3..5, &["--at", &at]).await, shop.draft_with(5..6, &["--at", &at]).await);

    let said = shop.run(&["blast", "send", &blast, "--people", "2"]).await;
    let json = shop.json(&["blast", "send", &of_script, "--yes"]).await;
    let daily = shop.draft_with(6..7, &["--repeat", "every day 09:00"]).await;
    let repeats = shop.run(&["blast", "send", &daily, "--people", "1"]).await;

    assert_eq!(said.code, 0, "{said:?}");
    let depends = ", if its sender is no longer stopped and an engine runs then; ";
    let starts = said.err.split_once(" goes to 2 people: it starts ").map(|(_, behind)| behind).unwrap_or_default();
    assert!(starts.contains(&format!("{depends}until then `")) && !said.err.contains("started"), "{said:?}");
    assert!(
        said.err.contains(&format!(" blast pause {blast}` stops it\nsender sales is stopped: Device is offline; "))
    );
    assert!(said.err.contains(" sender confirm sales` resumes it"), "{said:?}");
    assert!(repeats.code == 0 && repeats.err.contains(&format!("{depends}`")), "{repeats:?}");
    assert_eq!((&json["state"], &json["starts_at"]), (&json!("scheduled"), &json!(at)), "{json}");
    assert!(json["stopped"].as_str().unwrap().contains(" sender confirm sales` resumes it"), "{json}");
    assert_eq!(shop.state(&blast).await, "scheduled");
    assert!(is_stopped(&shop).await && shop.engines().is_empty());
}

#[tokio::test]
async fn a_stop_that_is_lifted_where_nobody_can_send_says_what_is_missing_and_fails() {
    let shop = stopped_shop("device", "Device is offline").await;
    std::fs::create_dir_all(shop.path("data")).unwrap();
    shop.write("data/log", "a file where logs should go");

    let said = shop.run(&["sender", "confirm", "sales", "--yes"]).await;

    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.err.contains("no engine sends for it: no standby can be started"), "{said:?}");
    assert!(!said.err.contains("resumes"), "{said:?}");
    assert!(!is_stopped(&shop).await);
}

#[tokio::test]
async fn whoever_answers_the_same_question_second_hears_who_was_first() {
    let shop = stopped_shop("device", "Device is offline").await;
    let resume = ["blast", "resume", "1", "--yes", "--no-engine"];
    shop.ok(&resume).await;

    let second = shop.run(&resume).await;

    assert!(second.code != 0 && second.err.contains("aina resumed it already"), "{second:?}");
}

#[tokio::test]
async fn a_lifted_stop_starts_no_engine_where_nobody_is_queued_or_none_is_wanted() {
    let shop = stopped_shop("device", "Device is offline").await;

    let unattended = shop.run(&["sender", "confirm", "sales", "--yes", "--no-engine"]).await;
    shop.until_idle().await;
    stop(&shop, "device", "Device is offline").await;
    let idle = shop.run(&["sender", "check", "sales"]).await;

    assert!(unattended.code == 0 && unattended.err.contains("may resume, and waits for an engine"), "{unattended:?}");
    assert!(idle.code == 0 && idle.err.contains("sender sales may resume: nobody is queued"), "{idle:?}");
    assert!(shop.engines().is_empty());
}

#[tokio::test]
async fn a_lifted_stop_names_the_people_who_are_queued_in_a_paused_blast() {
    let shop = stopped_shop("device", "Device is offline").await;
    let blast = shop.number("select max(id) from blasts").await.to_string();
    shop.ok(&["blast", "pause", &blast]).await;

    let said = shop.run(&["sender", "confirm", "sales", "--yes"]).await;

    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.err.contains("queued in a paused blast"), "{said:?}");
    assert!(said.err.contains(&format!("blast resume {blast}`")), "{said:?}");
    assert!(shop.engines().is_empty());
}

#[tokio::test]
async fn a_check_lifts_a_stop_behind_which_only_a_paused_blast_waits_and_its_help_says_so() {
    let shop = stopped_shop("device", "Device is offline").await;
    shop.ok(&["blast", "pause", "1"]).await;

    let said = shop.run(&["sender", "check", "sales"]).await;
    let help = shop.ok(&["sender", "check", "--help"]).await;

    let paused = "sender sales may resume: 3 people are queued in a paused blast, which `";
    assert!(said.code == 0 && said.err.contains(paused) && said.err.contains(" blast resume 1` resumes"), "{said:?}");
    assert!(!is_stopped(&shop).await && shop.engines().is_empty() && shop.sim.posts().await.is_empty());
    assert_eq!(shop.state("1").await, "paused");
    let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(help.contains("nobody is queued but in paused blasts") && help.contains("exit code 1"), "{help}");
}

#[tokio::test]
async fn doctor_lists_a_stopped_sender_as_bad_with_the_mend_and_lifts_nothing() {
    for (code, reason, mend) in [
        ("device", "Device is offline", "' blastdeck --config"),
        ("restored", "this database went back in time", "sender confirm sales`"),
    ] {
        let shop = stopped_shop(code, reason).await;

        let said = shop.run(&["doctor"]).await;

        assert_eq!(said.code, 1, "{said:?}");
        let line = said.out.lines().find(|line| line.contains("sender sales")).unwrap();
        assert!(line.starts_with("bad") && line.contains(reason) && line.contains(mend), "{line}");
        assert!(is_stopped(&shop).await, "doctor changes nothing");
    }
}

#[tokio::test]
async fn a_check_of_a_sender_whose_database_was_restored_names_the_confirmation() {
    let shop = stopped_shop("restored", "this database went back in time").await;

    let said = shop.run(&["sender", "check", "sales"]).await;
    let json = shop.run(&["sender", "check", "--json"]).await;

    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.out.contains("stopped: this database went back in time"), "{said:?}");
    assert!(said.out.contains("sender confirm sales`") && !said.out.contains("good"), "{said:?}");
    assert!(json.out.contains("\"verdict\":\"bad\"") && json.out.contains("sender confirm sales"), "{json:?}");
    assert!(is_stopped(&shop).await);
}

#[tokio::test]
async fn a_check_lifts_no_restriction_whatever_the_devices_health() {
    let shop = stopped_shop("463", "WhatsApp restricts this number: stop for some days").await;

    let said = shop.run(&["sender", "check", "sales"]).await;

    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.out.contains("does not show whether that is over"), "{said:?}");
    assert!(said.out.contains("sender confirm sales`") && !said.out.contains("good"), "{said:?}");
    assert!(is_stopped(&shop).await);
}

#[tokio::test]
async fn a_read_only_check_says_that_a_well_sender_is_still_stopped() {
    let shop = stopped_shop("device", "Device is offline").await;

    let said = shop.run(&["--read-only", "sender", "check"]).await;

    assert!(said.code == 1 && said.out.contains("stopped: Device is offline"), "{said:?}");
    assert!(is_stopped(&shop).await);
}

#[tokio::test]
async fn the_mend_of_a_blast_names_what_lifts_the_stop() {
    let shop = stopped_shop("restored", "this database went back in time").await;

    let restored = shop.waiting("1").await;
    stop(&shop, "device", "Device is offline").await;
    let offline = shop.waiting("1").await;

    assert_eq!(restored["reason"], json!("sender_stopped"));
    // As in a sentence, a line names what the environment and the flags of this program chose.
    let chosen = |words: &str| format!("{words}`BLASTDECK_STATE_DIR='");
    let restored = restored["mend"].as_str().unwrap();
    assert!(restored.starts_with(&chosen("if everybody queued may get it, ")), "{restored}");
    assert!(restored.contains(" --config '") && restored.ends_with(" sender confirm sales`, or S on the blast"));
    let offline = offline["mend"].as_str().unwrap();
    assert!(offline.starts_with(&chosen("once that is mended (")), "{offline}");
    let says = " sender check sales` says so where its health shows it), ";
    assert!(offline.contains(&chosen(says)), "{offline}");
    assert!(offline.ends_with(" sender confirm sales` resumes it, or S on the blast"), "{offline}");
    assert_eq!(shop.count("queued").await, 3);

    // Where the sender is not configured, an engine does not help.
    shop.execute(
        "update senders set stopped_at = null, stopped_code = null, stopped_reason = null;
         update blasts set send_after = now() - interval '1 minute'",
    )
    .await;
    let config = std::fs::read_to_string(shop.path("config.toml")).unwrap();
    shop.write("config.toml", config.replace("\"sales\"", "\"others\"").replace("\"5850\"", "\"5999\""));
    let edited = shop.run(&["blast", "edit", "1", "--rate", "20/min"]).await;
    let mend = "run an engine with a configuration that has the sender sales: this one does not";
    assert!(edited.code == 0 && edited.err.contains(mend), "{edited:?}");
    assert_eq!(shop.waiting("1").await["mend"], mend);
}

#[tokio::test]
async fn a_paused_blast_that_is_resumed_leaves_the_stop_to_whoever_types_the_number_of_all() {
    let shop = stopped_shop("device", "Device is offline").await;
    let paused = shop.draft(3..4).await;
    shop.send(&paused).await;
    shop.ok(&["blast", "pause", &paused]).await;

    let resumed = shop.json(&["blast", "resume", &paused, "--people", "1", "--no-engine"]).await;

    assert_eq!((resumed["people"].as_i64(), is_stopped(&shop).await), (Some(1), true));
    assert_eq!(shop.waiting(&paused).await["reason"], "sender_stopped");
    let of_all = shop.json(&["blast", "resume", &paused, "--people", "4", "--no-engine"]).await;
    assert_eq!((of_all["people"].as_i64(), is_stopped(&shop).await), (Some(4), false));
}

#[tokio::test]
async fn a_paused_blast_that_is_resumed_behind_a_stop_says_what_lifts_that_and_names_no_engine() {
    for (further, code) in [(&["--no-engine"][..], 0), (&[][..], 1)] {
        let shop = stopped_shop("device", "Device is offline").await;
        shop.ok(&["blast", "pause", "1"]).await;

        let said = shop.run(&[&["blast", "resume", "1", "--yes"][..], further].concat()).await;

        assert_eq!((said.code, shop.state("1").await.as_str()), (code, "sending"), "{said:?}");
        let waits =
            "is resumed, and waits with the others: sender sales is stopped: Device is offline; once that is mended";
        assert!(said.err.contains(waits) && !said.err.contains("an engine"), "{said:?}");
        assert!(said.err.contains(" blast resume 1`") && said.err.contains(" sender confirm sales`"), "{said:?}");
        assert!(is_stopped(&shop).await && shop.engines().is_empty());
    }
}

#[tokio::test]
async fn a_launch_for_a_stopped_sender_says_what_lifts_the_stop() {
    let shop = stopped_shop("device", "Device is offline").await;
    let launched = [shop.draft(3..4).await, shop.draft(4..5).await];

    let sent = shop.run(&["blast", "send", &launched[0], "--yes"]).await;
    let unattended = shop.run(&["blast", "send", &launched[1], "--yes", "--no-engine"]).await;

    assert!(
        sent.code == 1 && sent.err.contains("sender sales is stopped: Device is offline; once that is"),
        "{sent:?}"
    );
    assert!(sent.err.contains(" sender confirm sales`"), "{sent:?}");
    assert!(unattended.err.contains("waits for sender sales, which is stopped: Device is offline"), "{unattended:?}");
}

#[tokio::test]
async fn what_is_typed_for_a_stopped_sender_is_said_to_start_once_that_is_resumed_and_counts_nothing_down() {
    let shop = stopped_shop("device", "Device is offline").await;
    let draft = shop.draft(3..5).await;

    let mut terminal = shop.in_terminal(&["blast", "send", &draft, "--no-engine"], Size { columns: 250, rows: 30 });
    terminal.wait_for_text("Type 2, then press enter");
    terminal.type_keys("2\r");
    terminal.wait_for_text("starts once sender sales is resumed; until then `");
    terminal.wait_for_text("waits for sender sales, which is stopped: Device is offline");
    assert_eq!(terminal.wait_for_exit().exit_code(), 0);

    let waits = shop.ok(&["blast", "list", "--state", "waits"]).await;
    let (starts, shown) =
        (shop.ok(&["blast", "list", "--state", "starts"]).await, shop.ok(&["blast", "show", &draft]).await);
    assert!(waits.contains("  waits  ") && !starts.contains("starts"), "{waits}{starts}");
    assert!(shown.contains("  state    waits\n") && !shown.contains("starts"), "{shown}");
    assert_eq!(shop.waiting(&draft).await["reason"], "sender_stopped");
    let undone = shop.run(&["blast", "undo", &draft]).await;
    assert!(undone.code == 0 && shop.state(&draft).await == "draft", "{undone:?}");
    assert!(is_stopped(&shop).await && shop.sim.posts().await.is_empty());
}

#[tokio::test]
async fn every_wording_of_a_dead_token_or_device_stops_the_sender() {
    for words in ["No such device", "Expired token", "Token has expired"] {
        let shop = Shop::open(Setup { sender: "rate = \"unlimited\"\nin_flight = 1", ..Setup::default() }).await;
        let body = json!({ "success": false, "message": words }).to_string();
        shop.sim.answer_any_send(json!([{ "body": body }])).await;
        shop.blast(0..3).await;

        shop.until_idle().await;

        assert!(is_stopped(&shop).await, "{words}");
        assert_eq!((shop.sim.posts().await.len(), shop.count("queued").await), (1, 3), "{words}");
    }
}
