//! Blasts that start by themselves at a time.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};

use crate::support::{Setup, Shop, digits, eventually_async};

const SETUP: Setup<'static> = Setup {
    sim: &["--latency", "20ms"],
    sender: "rate = \"40/s\"\nin_flight = 8",
    engine: "",
    polling: "interval = \"10m\"\nper_second = 0.01\ngive_up_after = \"1h\"",
};

fn written(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// Scheduled for so long from now.
async fn scheduled(shop: &Shop, people: std::ops::Range<u32>, ahead: TimeDelta) -> (String, DateTime<Utc>) {
    let blast = shop.draft_with(people, &["--at", &written(Utc::now() + TimeDelta::hours(1))]).await;
    shop.send(&blast).await;
    let at = Utc::now() + ahead;
    let moved = written(at);
    shop.execute(&format!("update blasts set send_after = '{moved}', scheduled_for = '{moved}' where id = {blast}"))
        .await;
    (blast, at)
}

#[tokio::test]
async fn a_scheduled_blast_starts_once_at_its_time_whichever_engines_live() {
    let shop = Shop::open(SETUP).await;
    let engines = [shop.engine(), shop.engine()];
    shop.until_listening(2).await;
    let (blast, at) = scheduled(&shop, 0..30, TimeDelta::seconds(12)).await;

    assert_eq!(shop.state(&blast).await, "scheduled");
    let shown = shop.json(&["blast", "show", &blast]).await;
    assert_eq!(shown["waiting"]["reason"], "scheduled", "{shown}");
    shop.until_state(&blast, "completed").await;

    let posts = shop.sim.posts().await;
    assert_eq!(posts.len(), 30);
    let first = posts.iter().map(|post| post.at).min().unwrap();
    assert!(first >= at, "nobody before its time: {first} {at}");
    let shown = shop.json(&["blast", "show", &blast]).await;
    let launched: DateTime<Utc> = shown["launched_at"].as_str().unwrap().parse().unwrap();
    assert!(launched >= at, "{shown}");
    for engine in engines {
        engine.stop().await;
    }
    shop.promises().await;
}

#[tokio::test]
async fn one_that_nobody_is_left_in_waits_for_its_time_and_not_for_an_engine() {
    let shop = Shop::open(SETUP).await;
    let (blast, _) = scheduled(&shop, 0..1, TimeDelta::hours(1)).await;
    let a_minute_ago = format!("update blasts set updated_at = now() - interval '1 minute' where id = {blast}");
    shop.execute(&a_minute_ago).await;
    assert_eq!(shop.waiting(&blast).await["reason"], "no_engine");

    shop.ok(&["blast", "remove", &blast, &digits(0)]).await;
    shop.execute(&a_minute_ago).await;

    assert_eq!(shop.waiting(&blast).await["reason"], "scheduled");
}

#[tokio::test]
async fn one_whose_time_passed_long_ago_asks_instead_of_starting() {
    let shop = Shop::open(SETUP).await;
    let (blast, _) = scheduled(&shop, 0..5, TimeDelta::hours(-7)).await;

    let engine = shop.engine();
    shop.until_state(&blast, "paused").await;

    let shown = shop.json(&["blast", "show", &blast]).await;
    assert!(shown["state_reason"].as_str().unwrap().contains("its time passed"), "{shown}");
    assert_eq!(shop.sim.stats().await.posts, 0);
    let plan = shop.ok(&["blast", "plan", &blast]).await;
    assert!(!plan.contains("by itself"), "{plan}");
    shop.ok(&["blast", "resume", &blast, "--yes", "--no-engine"]).await;
    shop.until_state(&blast, "completed").await;
    engine.stop().await;
    shop.promises().await;
}

#[tokio::test]
async fn until_it_starts_it_can_be_paused_resumed_and_cancelled() {
    let shop = Shop::open(SETUP).await;
    let (blast, _) = scheduled(&shop, 0..5, TimeDelta::hours(1)).await;

    shop.ok(&["blast", "pause", &blast]).await;
    assert_eq!(shop.state(&blast).await, "paused");
    for now in [None, Some("--now")] {
        let args: Vec<_> = ["blast", "send", &blast, "--yes"].into_iter().chain(now).collect();
        let refused = shop.run(&args).await;
        assert_eq!(refused.code, 3, "{refused:?}");
        assert!(refused.err.contains(&format!(" blast resume {blast}` schedules it again")), "{refused:?}");
    }
    shop.ok(&["blast", "resume", &blast, "--yes", "--no-engine"]).await;
    assert_eq!(shop.state(&blast).await, "scheduled");
    let newer = shop.draft(10..12).await;
    shop.ok(&["blast", "cancel", &blast, "--yes"]).await;

    let listed = shop.json_lines(&["blast", "list"]).await;
    let ids: Vec<_> = listed.iter().map(|blast| blast["id"].to_string()).collect();
    assert_eq!(ids, [newer, blast.clone()], "what never began is as old as it is");
    assert_eq!((shop.state(&blast).await.as_str(), shop.count("skipped").await), ("cancelled", 5));
}

#[tokio::test]
async fn a_time_that_is_none_or_has_passed_is_refused_and_the_plan_says_what_the_clocks_do() {
    let shop = Shop::open(SETUP).await;
    let list = shop.write("people.csv", "phone,name\n+60123450001,Siti\n");
    let list = list.to_str().unwrap();
    let with = |at: &'static str| {
        [
            "blast",
            "new",
            "--sender",
            "sales",
            "--message",
            "Hi",
            "--recipients",
            list,
            "--timezone",
            "Europe/Berlin",
            "--at",
            at,
        ]
    };

    for (at, why) in [
        ("tomorrow", "such as 2026-12-01T09:00"),
        ("2020-01-01T09:00", "has passed"),
        ("2999-01-01T09:00", "two years"),
    ] {
        let said = shop.run(&with(at)).await;
        assert_eq!(said.code, 2, "{at}: {said:?}");
        assert!(said.err.contains(why), "{at}: {said:?}");
    }
    let id = shop.ok(&with("2027-03-28T02:30")).await;
    let plan = shop.json(&["blast", "plan", id.trim()]).await;
    assert_eq!(plan["starts_at"], "2027-03-28T01:00:00Z", "{plan}");
    assert!(plan["start_note"].as_str().unwrap().contains("does not exist in Europe/Berlin"), "{plan}");
}

#[tokio::test]
async fn a_draft_whose_time_has_passed_says_so_in_its_plan_and_names_commands_that_work() {
    let shop = Shop::open(SETUP).await;
    let blast = shop.draft_with(0..2, &["--at", &written(Utc::now() + TimeDelta::hours(1))]).await;
    shop.execute("update blasts set scheduled_for = now() - interval '1 hour', scheduled_local = null").await;
    let says = |why: &str, line: &str| why.contains(&format!("has passed: `{line}")) && why.contains("--clear at");

    let plan = shop.json(&["blast", "plan", &blast]).await;
    let sent = shop.run(&["blast", "send", &blast, "--now", "--yes"]).await;

    let obstacle = plan["obstacles"][0].as_str().unwrap_or_default();
    assert!(says(obstacle, "blastdeck ") && plan["starts_at"].is_null(), "{plan}");
    assert_eq!(plan["sender"], "sales");
    assert!(sent.code == 3 && says(&sent.err, "BLASTDECK_STATE_DIR='"), "{sent:?}");
    shop.ok(&["blast", "edit", &blast, "--clear", "at"]).await;
    let plan = shop.json(&["blast", "plan", &blast]).await;
    assert_eq!(plan["obstacles"].as_array().map(Vec::len), Some(0), "{plan}");
}

/// One text of the database.
async fn stored(shop: &Shop, column: &str, blast: &str) -> String {
    shop.text(&format!("select coalesce({column}::text, '') from blasts where id = {blast}")).await
}

#[tokio::test]
async fn what_is_scheduled_is_edited_by_a_verb_until_it_starts_and_never_half() {
    let shop = Shop::open(SETUP).await;
    let (blast, _) = scheduled(&shop, 0..5, TimeDelta::hours(1)).await;
    let later = written(Utc::now() + TimeDelta::hours(3));

    let edited =
        shop.run(&["blast", "edit", &blast, "--message", "Hi {name|you}", "--at", &later, "--rate", "20/min"]).await;
    let refused = shop.run(&["blast", "edit", &blast, "--message", "Hi {city}"]).await;
    let past = shop.run(&["blast", "edit", &blast, "--at", "2020-01-01T09:00"]).await;
    let startless = shop.run(&["blast", "edit", &blast, "--clear", "at"]).await;
    let nothing = shop.run(&["blast", "edit", &blast]).await;
    shop.ok(&["blast", "edit", &blast, "--clear", "rate"]).await;

    assert!(edited.code == 0 && edited.err.contains("is changed; it starts by itself"), "{edited:?}");
    assert!(
        refused.code == 2 && refused.err.contains("--message: nobody in the list has a value for {city}"),
        "{refused:?}"
    );
    assert!(past.code == 2 && past.err.contains("--at: ") && past.err.contains("has passed"), "{past:?}");
    assert!(startless.code == 3 && startless.err.contains("blast undo"), "{startless:?}");
    assert!(startless.err.contains(" is scheduled: ") && !startless.err.contains("the blast is"), "{startless:?}");
    assert!(nothing.code == 2 && nothing.err.contains("nothing to change"), "{nothing:?}");
    assert_eq!(
        (shop.state(&blast).await.as_str(), stored(&shop, "message", &blast).await.as_str()),
        ("scheduled", "Hi {name|you}")
    );
    assert_eq!(stored(&shop, "rate", &blast).await, "");
    shop.ok(&["blast", "edit", &blast, "--gap", "20s..1m", "--timezone", "Asia/Tokyo"]).await;
    let text = shop.ok(&["blast", "show", &blast]).await;
    assert!(text.contains("  limits   any hour, 20s..1m, by the clocks of Asia/Tokyo"), "{text}");
    let shown = shop.json(&["blast", "show", &blast]).await;
    let limits = &shown["limits"];
    assert_eq!((limits["gap"].as_str(), limits["rate"].is_null()), (Some("20s..1m"), true), "{shown}");
    assert_eq!((shown["message"].as_str(), shown["template"].is_null()), (Some("Hi {name|you}"), true), "{shown}");
    let shown = shop.json(&["blast", "show", &blast]).await;
    let starts: DateTime<Utc> = shown["scheduled_for"].as_str().unwrap().parse().unwrap();
    assert_eq!(written(starts), later, "{shown}");
    assert_eq!(shown["blast_date"], shown["scheduled_for"], "its date is when it starts");
    shop.ok(&["blast", "cancel", &blast, "--yes"]).await;
    let over = shop.run(&["blast", "edit", &blast, "--tag", "Late"]).await;
    assert!(over.code == 3 && over.err.contains("is cancelled: only a draft, or what is scheduled"), "{over:?}");
}

#[tokio::test]
async fn an_edit_that_changes_nothing_says_so_and_what_has_started_is_not_cleared_of_what_it_keeps() {
    let shop = Shop::open(SETUP).await;
    let named = ["--rate", "5/min", "--tag", "Raya", "--stage", "Follow-up 1"];
    let blast = shop.draft_with(0..3, &named).await;
    let message = stored(&shop, "message", &blast).await;
    let edit = async |further: &[&str]| shop.run(&[&["blast", "edit", blast.as_str()], further].concat()).await;
    let version = async || stored(&shop, "version", &blast).await;
    let edits = "select count(*) from operator_actions where action = 'edit'";
    let drafted = version().await;

    for same in [&["--rate", "5/min"][..], &["--message", message.as_str()], &["--clear", "at,window,timezone"]] {
        let said = edit(same).await;
        let says = "nothing to change: Raya, Follow-up 1 is that way already";
        assert!(said.code == 0 && said.err.contains(says), "{same:?}: {said:?}");
    }
    let json = shop.json(&["blast", "edit", &blast, "--rate", "5/min"]).await;
    assert_eq!((json["changed"].as_bool(), json["version"].to_string()), (Some(false), drafted), "{json}");

    shop.send(&blast).await;
    let sent = version().await;
    for fixed in ["at", "timezone", "rate,at"] {
        let refused = edit(&["--clear", fixed]).await;
        let says = refused.err.contains("once started, only rate, gap, window and weekdays can change");
        assert!(refused.code == 3 && says, "{fixed}: {refused:?}");
    }
    let none = edit(&["--clear", "window"]).await;
    assert!(none.code == 0 && none.err.contains("nothing to change: "), "{none:?}");
    assert_eq!((version().await, shop.number(edits).await), (sent, 0));
}

#[tokio::test]
async fn another_start_moves_when_people_get_it_by_their_own_clocks() {
    let shop = Shop::open(SETUP).await;
    let day = |days: i64| (Utc::now() + TimeDelta::days(days)).format("%Y-%m-%dT00:30+00:00").to_string();
    let blast = shop.draft_with(0..3, &["--at", &day(2), "--local-time", "10:00"]).await;
    shop.send(&blast).await;

    shop.ok(&["blast", "edit", &blast, "--at", &day(4)]).await;

    let early = "select count(*) from blast_recipients r join blasts b on b.id = r.blast_id where r.next_attempt_at < b.scheduled_for";
    assert_eq!((shop.count("queued").await, shop.number(early).await), (3, 0));
}

/// Hours of today's clock in UTC that begin in some hours, on every day.
fn hours_later() -> String {
    let from = Utc::now() + TimeDelta::hours(3);
    format!("{}-{}", from.format("%H:%M"), (from + TimeDelta::hours(1)).format("%H:%M"))
}

#[tokio::test]
async fn a_blast_that_waits_for_its_hours_sends_at_once_when_they_are_changed_and_asks_before() {
    let shop = Shop::open(SETUP).await;
    let engine = shop.engine();
    shop.until_listening(1).await;
    let blast = shop.draft_with(0..5, &["--timezone", "UTC", "--window", &hours_later()]).await;
    shop.send(&blast).await;
    let waits = async || shop.json(&["blast", "show", &blast]).await["waiting"]["reason"] == "window";
    eventually_async("it waits for its hours", waits).await;

    let named = shop.run(&["blast", "edit", &blast, "--tag", "Late"]).await;
    let unasked = shop.run(&["blast", "edit", &blast, "--clear", "window"]).await;
    shop.ok(&["blast", "edit", &blast, "--rate", "1/h"]).await;
    assert!(named.code == 3 && named.err.contains("only rate, gap, window and weekdays can change"), "{named:?}");
    assert!(named.err.contains("the blast has started: only a draft"), "it sends nothing yet: {named:?}");
    assert!(unasked.code == 3 && unasked.err.contains("This needs a confirmation"), "{unasked:?}");
    assert!(shop.sim.posts().await.is_empty());

    shop.ok(&["blast", "edit", &blast, "--clear", "window,rate", "--yes"]).await;

    shop.until_state(&blast, "completed").await;
    assert_eq!(shop.sim.posts().await.len(), 5);
    engine.stop().await;
    shop.promises().await;
}

#[tokio::test]
async fn hours_by_everyones_own_clock_stay_once_the_blast_has_started() {
    let shop = Shop::open(SETUP).await;
    let blast = shop.draft_with(0..3, &["--window", "00:00-23:59", "--window-local"]).await;
    shop.send(&blast).await;

    let refused = shop.run(&["blast", "edit", &blast, "--window", "09:00-21:00"]).await;
    let gap = shop.run(&["blast", "edit", &blast, "--gap", "20-60"]).await;

    assert!(refused.code == 3 && refused.err.contains("its hours are each person's own"), "{refused:?}");
    assert_eq!(gap.code, 0, "{gap:?}");
}

#[tokio::test]
async fn a_start_is_also_a_time_of_tomorrow_by_the_blasts_clocks() {
    let shop = Shop::open(SETUP).await;

    let blast = shop.draft_with(0..3, &["--timezone", "Asia/Kuala_Lumpur", "--at", "tomorrow 09:00"]).await;

    let shown = shop.json(&["blast", "show", &blast]).await;
    let starts: DateTime<Utc> = shown["scheduled_for"].as_str().unwrap().parse().unwrap();
    let tomorrow = (Utc::now() + TimeDelta::hours(8)).date_naive().succ_opt().unwrap();
    assert_eq!((starts + TimeDelta::hours(8)).naive_utc(), tomorrow.and_hms_opt(9, 0, 0).unwrap());
}

#[tokio::test]
async fn one_that_is_sent_before_its_time_says_that_it_sends_and_a_paused_one_what_goes_on_with_it() {
    let shop = Shop::open(SETUP).await;
    let (blast, _) = scheduled(&shop, 0..3, TimeDelta::hours(1)).await;
    let engine = shop.engine();

    let sent = shop.run(&["blast", "send", &blast, "--now", "--yes"]).await;

    assert!(sent.code == 0 && sent.err.contains("sending `people` to 3 people"), "{sent:?}");
    shop.until_state(&blast, "completed").await;
    engine.stop().await;
    let (paused, _) = scheduled(&shop, 3..6, TimeDelta::hours(1)).await;
    shop.ok(&["blast", "pause", &paused]).await;
    let shown = shop.ok(&["blast", "show", &paused]).await;
    assert!(shown.contains(&format!(" blast resume {paused}` goes on with it")), "{shown}");
}

#[tokio::test]
async fn a_paused_one_in_which_nobody_is_left_says_what_ends_it() {
    let shop = Shop::open(SETUP).await;
    let (blast, _) = scheduled(&shop, 0..2, TimeDelta::hours(1)).await;
    shop.ok(&["blast", "pause", &blast]).await;
    for number in 0..2 {
        shop.ok(&["suppress", "add", &digits(number)]).await;
    }

    let shown = shop.ok(&["blast", "show", &blast]).await;
    let waited = shop.run(&["blast", "wait", &blast]).await;

    let fix = format!(" blast cancel {blast}` ends it");
    assert!(shown.contains("nobody is left to send to") && shown.contains(&fix), "{shown}");
    assert!(waited.code != 0 && waited.err.contains(&fix), "{waited:?}");
    shop.ok(&["blast", "cancel", &blast, "--yes"]).await;
}

#[tokio::test]
async fn a_plan_says_what_a_start_by_itself_waits_for() {
    let shop = Shop::open(SETUP).await;
    let at = written(Utc::now() + TimeDelta::hours(1));
    let once = shop.draft_with(0..1, &["--at", &at]).await;
    let repeating = shop.draft_with(1..2, &["--repeat", "every day 09:00"]).await;
    let says = async |blast: &str, what: &str| {
        let plan = shop.ok(&["blast", "plan", blast]).await;
        plan.lines().find(|line| line.trim_start().starts_with(what)).unwrap_or(&plan).to_owned()
    };
    let both = async || [says(&once, "starts").await, says(&repeating, "repeats").await];

    let drafts = both().await;
    shop.send(&once).await;
    shop.send(&repeating).await;
    let sent = both().await;
    shop.ok(&["blast", "pause", &once]).await;
    shop.ok(&["blast", "schedule", "pause", &repeating]).await;
    let paused = both().await;

    assert!(drafts[0].ends_with(", by itself, once it is sent"), "{drafts:?}");
    assert!(drafts[1].ends_with(", once it is sent"), "{drafts:?}");
    assert!(sent[0].ends_with(", by itself"), "{sent:?}");
    assert!(!sent[1].contains("once it is sent") && !sent[1].contains("paused"), "{sent:?}");
    assert!(paused[0].ends_with(", by itself, but not while it is paused"), "{paused:?}");
    assert!(paused[1].ends_with(", but not while it is paused"), "{paused:?}");
}
