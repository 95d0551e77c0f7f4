//! Follow-ups against a real Postgres: exactly those who are stuck, less those who must not be chased, with their lineage.

mod also_stuck;
mod deleted;
mod launch;
mod merged;
mod others;
mod wrote;

pub use others::slow_launches;

use blastdeck::app::FoundFollowUp;
use blastdeck::domain::filter::segment::Exclusion;
use blastdeck::domain::follow_up::{LeftOut, PROPOSED_AGE, ages};
use blastdeck::domain::ids::BlastId;
use blastdeck::domain::status::Status;
use blastdeck::store::view::follow_up::{self, FollowUpResponses, StuckQuery};
use chrono::Utc;
use rust_decimal::Decimal;
use serde_json::json;

use crate::recurring::engine_app;
use crate::support::{Setup, Shop, digits};

/// A blast that is over: four people read it long ago, the fifth just now, the sixth received it. The second opted out, the third
/// bought in another blast since.
async fn stuck_shop() -> (Shop, String) {
    let shop = Shop::open(Setup::default()).await;
    let blast = shop.blast(0..6).await;
    shop.until_idle().await;
    let other = shop.draft(2..3).await;
    let phone = |n| format!("'+{}'", digits(n));
    shop.execute(&format!(
        "update blast_recipients set status = 'read', standing = 'read', closed_at = null, replied_marked_at = null,
                reply_seen_at = null, opted_out_at = null, sent_at = now() - interval '40 hours',
                read_timestamp = now() - interval '30 hours' where blast_id = {blast};
         delete from suppressions;
         update blast_recipients set read_timestamp = now() - interval '1 hour 5 minutes' where phone_number = {};
         update blast_recipients set status = 'delivered', standing = 'delivered' where phone_number = {};
         insert into suppressions (business, phone_number, source) select business, {}, 'operator' from senders;
         update blast_recipients set status = 'closed', closed_at = now() where blast_id = {other}",
        phone(4),
        phone(5),
        phone(1),
    ))
    .await;
    (shop, blast)
}

async fn numbers(shop: &Shop, blast: &str) -> Vec<String> {
    let people = shop.json_lines(&["blast", "recipients", blast]).await;
    people.iter().map(|person| person["phone_number"].as_str().unwrap_or_default().to_owned()).collect()
}

#[tokio::test]
async fn a_follow_up_takes_exactly_those_who_are_stuck_for_so_long_and_may_be_chased() {
    let (shop, blast) = stuck_shop().await;
    let ask = ["blast", "follow-up", &blast, "--stuck-at", "read", "--older-than", "24h"];

    let made = shop.json(&ask).await;

    assert_eq!((&made["taken"], &made["follows"]), (&json!(2), &json!(blast.parse::<i64>().unwrap())));
    let whom = json!([{ "reason": "opted out", "rows": 1 }, { "reason": "bought since", "rows": 1 }]);
    assert_eq!((&made["rejected"], &made["reasons"]), (&json!(2), &whom));
    let draft = made["id"].to_string();
    assert_eq!(numbers(&shop, &draft).await, [format!("+{}", digits(0)), format!("+{}", digits(3))]);
    assert_eq!(shop.state(&draft).await, "draft");
    let lineage = format!(
        "select count(*) from blasts where id = {draft} and follows_blast = {blast} and follows_stage = 'read'
            and follows_seconds = 86400 and follow_up_stage = 'Follow-up 1'"
    );
    assert_eq!(shop.number(&lineage).await, 1);

    let again = shop.run(&ask).await;
    let why = format!(
        "4 people of blast {blast} have been stuck at read for so long, and nobody is left: 1 opted out, 1 bought since, \
         2 in a follow-up of this blast already"
    );
    assert!(again.code != 0 && again.err.contains(&why), "{again:?}");
    let longer = shop.run(&["blast", "follow-up", &blast, "--stuck-at", "read", "--older-than", "72h"]).await;
    assert!(longer.err.contains(&format!("nobody of blast {blast} has been stuck at read for so long")), "{longer:?}");
    let younger = shop.json(&["blast", "follow-up", &blast, "--stuck-at", "read", "--message", "Still there?"]).await;
    assert_eq!(numbers(&shop, &younger["id"].to_string()).await, [format!("+{}", digits(4))]);
    let second =
        format!("select count(*) from blasts where id = {} and follow_up_stage = 'Follow-up 2'", younger["id"]);
    assert_eq!(shop.number(&second).await, 1);

    shop.ok(&["blast", "delete", &draft, "--yes"]).await;
    assert_eq!(shop.json(&ask).await["taken"], 2, "a deleted draft leaves nobody out");
}

#[tokio::test]
async fn a_follow_up_names_the_list_of_who_is_left_out_only_where_its_plan_has_them() {
    let (shop, blast) = stuck_shop().await;
    let follow_up = async |whom: [&str; 2]| {
        let ask = ["blast", "follow-up", &blast, whom[0], whom[1], "--message", "Still there?"];
        shop.run(&ask).await
    };

    let by_filter = follow_up(["--from", "stuck:read older:24h"]).await;
    shop.ok(&["blast", "delete", by_filter.out.trim(), "--yes"]).await;
    let stuck = follow_up(["--stuck-at", "read"]).await;

    let made = "a draft to 3 people; nothing is sent\n2 people left out:\n";
    assert!(stuck.code == 0 && stuck.err.contains(made) && !stuck.err.contains("--left-out"), "{stuck:?}");
    let list = format!(" blast plan {} --left-out` lists who is left out\n", by_filter.out.trim());
    assert!(by_filter.code == 0 && by_filter.err.contains(&list), "{by_filter:?}");
}

#[tokio::test]
async fn everybody_who_is_stuck_is_counted_by_age_and_left_out_for_one_reason() {
    let (shop, blast) = stuck_shop().await;
    let business: String =
        sqlx::query_scalar("select business from senders").fetch_one(&shop.database.pool).await.unwrap();
    let stuck = StuckQuery { blast: BlastId(blast.parse().unwrap()), stage: Status::Read, business: &business };

    let counts = follow_up::counts(&shop.database.pool, stuck, Utc::now(), &ages()).await.unwrap();

    // Past everything up to 1 h; past 24 h too.
    let mut found: Vec<_> = counts.iter().map(|count| (count.past, count.left_out.0, count.people)).collect();
    found.sort_by_key(|(past, reason, _)| (*past, reason.map(LeftOut::key)));
    assert_eq!(found, [(4, None, 1), (7, None, 2), (7, Some(LeftOut::Bought), 1), (7, Some(LeftOut::OptedOut), 1)]);
}

#[tokio::test]
async fn whoever_came_back_after_a_follow_up_is_counted_once_and_not_who_had_replied_before() {
    let (shop, blast) = stuck_shop().await;
    let made = shop.json(&["blast", "follow-up", &blast, "--stuck-at", "read"]).await;
    assert_eq!(made["taken"], 3);
    let first = made["id"].to_string();
    shop.execute(&format!(
        "update blast_recipients set status = 'closed', closed_at = now(), amount = 12.50
          where blast_id = {first} and phone_number = '+{}';
         update blast_recipients set status = 'replied', replied_marked_at = now() where blast_id = {first} and status = 'queued';
         update blast_recipients set status = 'replied', replied_marked_at = now()
          where blast_id = {blast} and phone_number = '+{}'",
        digits(0),
        digits(3),
    ))
    .await;

    let back = follow_up::came_back(&shop.database.pool, BlastId(blast.parse().unwrap())).await.unwrap();

    assert_eq!(back, FollowUpResponses { replied: 2, closed: 1, amount: Decimal::new(1250, 2) });

    // Their sale was of the first blast, too.
    shop.execute(&format!("update blast_recipients set status = 'closed', closed_at = now() where blast_id = {blast}"))
        .await;
    let back = follow_up::came_back(&shop.database.pool, BlastId(blast.parse().unwrap())).await.unwrap();
    assert_eq!(back, FollowUpResponses::default());
}

#[tokio::test]
async fn a_mark_on_an_older_message_says_that_they_had_a_later_one() {
    let (shop, blast) = stuck_shop().await;
    let later = follow_up_draft(&shop, &blast).await;
    let mark = async |blast: &str| shop.ok(&["mark", blast, &format!("+{}", digits(0)), "replied"]).await;

    let before = mark(&blast).await;
    shop.ok(&["mark", &blast, &format!("+{}", digits(0)), "undo"]).await;
    shop.execute(&format!(
        "update blast_recipients set status = 'read', standing = 'read', sent_at = now() where blast_id = {later}"
    ))
    .await;
    let after = mark(&blast).await;
    let there = mark(&later).await;

    assert!(!before.contains("they had") && !there.contains("they had"), "{before} {there}");
    assert!(after.contains(&format!(", Follow-up 1 (blast {later}) after this message")), "{after}");
}

/// A draft to the first, fourth and fifth of the shop's people.
async fn follow_up_draft(shop: &Shop, blast: &str) -> String {
    let made = shop.json(&["blast", "follow-up", blast, "--stuck-at", "read"]).await;
    assert_eq!(made["taken"], 3);
    made["id"].to_string()
}

async fn mark(shop: &Shop, blast: &str, n: u32, what: &str) {
    shop.ok(&["mark", blast, &format!("+{}", digits(n)), what]).await;
}

/// How many of a blast are left out for this reason, by their rows and by their history.
async fn skipped(shop: &Shop, blast: &str, why: &str) -> (i64, i64) {
    let rows = format!(
        "select count(*) from blast_recipients where blast_id = {blast} and status = 'skipped' and reason = '{why}'"
    );
    let history = format!(
        "select count(*) from status_history where blast_id = {blast} and new_status = 'skipped' and metadata->>'why' = '{why}'"
    );
    (shop.number(&rows).await, shop.number(&history).await)
}

#[tokio::test]
async fn whoever_replied_or_bought_after_the_draft_was_made_is_left_out_of_its_plan_and_its_launch() {
    let (shop, blast) = stuck_shop().await;
    let draft = follow_up_draft(&shop, &blast).await;
    mark(&shop, &blast, 0, "replied").await;
    mark(&shop, &blast, 3, "closed").await;

    let plan = shop.json(&["blast", "plan", &draft]).await;
    assert_eq!(plan["people"], 1, "{plan}");
    assert_eq!(plan["segment"]["finds"], 3, "{plan}");
    assert_eq!(plan["segment"]["left_out"], json!({ "closed": 1, "replied": 1 }));
    let shown: Vec<_> = plan["samples"].as_array().unwrap().iter().map(|sample| sample["phone"].clone()).collect();
    assert_eq!(shown, ["+60 10-000 0004"], "no text is shown of whoever gets none");
    let left_out = shop.json_lines(&["blast", "plan", &draft, "--left-out"]).await;
    let why = |n: usize| (left_out[n]["phone_number"].clone(), left_out[n]["reason"].clone());
    let number = |n| json!(format!("+{}", digits(n)));
    assert_eq!([why(0), why(1)], [(number(0), json!("replied")), (number(3), json!("closed"))]);

    let sent = shop.json(&["blast", "send", &draft, "--yes", "--no-engine"]).await;

    assert_eq!(sent["people"], 1, "{sent}");
    assert_eq!(skipped(&shop, &draft, "replied since").await, (1, 1));
    assert_eq!(skipped(&shop, &draft, "bought since").await, (1, 1));
    let queued = format!("select count(*) from blast_recipients where blast_id = {draft} and status = 'queued'");
    assert_eq!(shop.number(&queued).await, 1);
}

#[tokio::test]
async fn whoever_answers_while_a_follow_up_has_them_queued_is_not_sent_it() {
    let (shop, blast) = stuck_shop().await;
    let draft = follow_up_draft(&shop, &blast).await;
    shop.json(&["blast", "send", &draft, "--yes", "--no-engine"]).await;

    mark(&shop, &blast, 0, "replied").await;
    mark(&shop, &blast, 3, "closed").await;

    assert_eq!(skipped(&shop, &draft, "replied since").await, (1, 1));
    assert_eq!(skipped(&shop, &draft, "bought since").await, (1, 1));
}

#[tokio::test]
async fn an_answer_that_is_taken_back_says_which_launched_follow_up_still_leaves_its_person_out() {
    let (shop, blast) = stuck_shop().await;
    let draft = follow_up_draft(&shop, &blast).await;
    shop.json(&["blast", "send", &draft, "--yes", "--no-engine"]).await;
    mark(&shop, &blast, 0, "replied").await;
    mark(&shop, &blast, 0, "closed").await;
    let take_back = async || shop.ok(&["mark", &blast, &format!("+{}", digits(0)), "undo"]).await;

    let sale = take_back().await;
    let reply = take_back().await;

    assert!(!sale.contains("left out"), "what they replied still leaves them out: {sale}");
    assert!(
        reply.contains(&format!("; still left out of people, Follow-up 1 (blast {draft}): `BLASTDECK_STATE_DIR='")),
        "{reply}"
    );
    let from = format!("blast:{blast},{draft} phone:{}", digits(0));
    let like = "--tag people --stage 'Follow-up 1'";
    assert!(
        reply.contains(&format!("blast new --sender sales --from '{from}' {like} --message 'TEXT'` makes a draft")),
        "{reply}"
    );
    let made = shop.json(&["blast", "new", "--sender", "sales", "--from", &from, "--message", "Salam"]).await;
    assert_eq!(made["taken"], 1, "the line makes a draft to them: {made}");
}

#[tokio::test]
async fn what_is_taken_back_says_which_launch_of_a_filter_went_without_its_person() {
    let (shop, blast) = stuck_shop().await;
    let answers = [(0, "replied"), (3, "closed"), (4, "opt-out")];
    for (person, answer) in answers {
        mark(&shop, &blast, person, answer).await;
    }
    let from = format!("blast:{blast} -has:reply");
    let draft = shop.json(&["blast", "new", "--sender", "sales", "--from", &from, "--message", "Salam"]).await;
    let id = draft["id"].to_string();
    shop.json(&["blast", "send", &id, "--yes", "--no-engine"]).await;

    for (person, answer) in answers {
        let said = shop.ok(&["mark", &blast, &format!("+{}", digits(person)), "undo", "--yes"]).await;

        assert!(said.contains("; still left out of "), "{answer}: {said}");
        assert!(said.contains(&format!(" (blast {id}): `BLASTDECK_STATE_DIR='")), "{answer}: {said}");
        assert!(said.contains(&format!("phone:{}", digits(person))), "{answer}: {said}");
    }
}

#[tokio::test]
async fn the_line_that_makes_a_draft_to_whom_a_follow_up_left_out_does_so_within_the_frequency_cap_as_well() {
    let (shop, blast) = stuck_shop().await;
    let config = std::fs::read_to_string(shop.path("config.toml")).unwrap();
    shop.write("config.toml", format!("{config}\n[[businesses]]\nname = \"kedai\"\nfrequency_cap = \"7d\"\n"));
    let draft = follow_up_draft(&shop, &blast).await;
    shop.json(&["blast", "send", &draft, "--yes", "--no-engine"]).await;
    mark(&shop, &blast, 0, "replied").await;

    let said = shop.ok(&["mark", &blast, &format!("+{}", digits(0)), "undo"]).await;
    let from = said.split("--from '").nth(1).and_then(|rest| rest.split('\'').next()).unwrap();
    let made = shop.json(&["blast", "new", "--sender", "sales", "--from", from, "--message", "Salam"]).await;

    assert_eq!(made["taken"], 1, "{from}: {made}");
}

#[tokio::test]
async fn an_answer_that_is_said_again_and_taken_back_again_says_it_again() {
    let (shop, blast) = stuck_shop().await;
    let draft = follow_up_draft(&shop, &blast).await;
    shop.json(&["blast", "send", &draft, "--yes", "--no-engine"]).await;
    let take_back = async || shop.ok(&["mark", &blast, &format!("+{}", digits(0)), "undo"]).await;
    let still = format!("; still left out of people, Follow-up 1 (blast {draft}): `BLASTDECK_STATE_DIR='");

    for answer in ["replied", "closed"] {
        mark(&shop, &blast, 0, answer).await;
        let said = take_back().await;
        assert!(said.contains(&still), "{answer}: {said}");
    }
}

#[tokio::test]
async fn a_cancelled_order_says_which_follow_up_still_leaves_its_person_out() {
    let (shop, blast) = stuck_shop().await;
    let draft = follow_up_draft(&shop, &blast).await;
    shop.json(&["blast", "send", &draft, "--yes", "--no-engine"]).await;
    let phone = format!("+{}", digits(3));
    shop.ok(&["order", "add", &blast, &phone, "teh*2@2.50"]).await;
    shop.ok(&["order", "add", &blast, &phone, "kek*1@9"]).await;

    let first = shop.ok(&["order", "cancel", "1"]).await;
    let second = shop.json(&["order", "cancel", "2"]).await;

    assert!(!first.contains("left out"), "another order still leaves them out: {first}");
    let said = second["left_out"].as_str().unwrap();
    assert!(
        said.starts_with(&format!("still left out of people, Follow-up 1 (blast {draft}): `BLASTDECK_STATE_DIR='")),
        "{said}"
    );
    let from = format!("--from 'blast:{blast},{draft} phone:{}'", digits(3));
    assert!(said.contains(&from), "{said}");
}

#[tokio::test]
async fn a_follow_up_whose_people_a_filter_names_says_that_it_goes_on_without_whoever_it_would_name_again() {
    let (shop, blast) = stuck_shop().await;
    mark(&shop, &blast, 0, "replied").await;
    mark(&shop, &blast, 5, "replied").await;
    let made = shop.json(&["blast", "follow-up", &blast, "--from", "stuck:read older:24h"]).await;
    let draft = made["id"].to_string();
    let shown = shop.ok(&["blast", "show", &draft]).await;
    assert!(shown.contains("\n  from     ") && shown.contains("stuck:read older:24h"), "{shown}");
    shop.json(&["blast", "send", &draft, "--yes", "--no-engine"]).await;
    let take_back = async |n| shop.ok(&["mark", &blast, &format!("+{}", digits(n)), "undo"]).await;

    let named = take_back(0).await;
    let never = take_back(5).await;

    assert_eq!(made["taken"], 1, "who read it, and neither replied nor bought: {made}");
    assert!(
        named.contains(&format!("; still left out of people, Follow-up 1 (blast {draft}): `BLASTDECK_STATE_DIR='")),
        "{named}"
    );
    let from = format!("blast:{blast} phone:{}", digits(0));
    let like = "--tag people --stage 'Follow-up 1'";
    assert!(named.contains(&format!("--from '{from}' {like} --message 'TEXT'` makes a draft")), "{named}");
    let again = shop.json(&["blast", "new", "--sender", "sales", "--from", &from, "--message", "Salam"]).await;
    assert_eq!(again["taken"], 1, "the line makes a draft to them: {again}");
    assert!(!never.contains("left out"), "it named only who read it: {never}");
}

#[tokio::test]
async fn a_follow_up_to_those_who_replied_leaves_out_only_who_bought_since() {
    let (shop, blast) = stuck_shop().await;
    mark(&shop, &blast, 0, "replied").await;
    mark(&shop, &blast, 3, "replied").await;
    let made = shop.json(&["blast", "follow-up", &blast, "--stuck-at", "replied"]).await;
    assert_eq!(made["taken"], 2);
    mark(&shop, &blast, 3, "closed").await;

    let plan = shop.json(&["blast", "plan", &made["id"].to_string()]).await;

    assert_eq!((&plan["people"], &plan["segment"]["left_out"]), (&json!(1), &json!({ "closed": 1 })));
}

#[tokio::test]
async fn every_sum_of_a_follow_ups_plan_is_of_the_people_it_was_made_with() {
    let (shop, blast) = stuck_shop().await;
    let draft = follow_up_draft(&shop, &blast).await;
    mark(&shop, &blast, 3, "closed").await;
    shop.ok(&["suppress", "add", &digits(4)]).await;

    let plan = shop.json(&["blast", "plan", &draft]).await;

    assert_eq!((&plan["people"], &plan["suppressed"]), (&json!(1), &json!(1)), "{plan}");
    assert_eq!(
        (&plan["segment"]["finds"], &plan["segment"]["left_out"]),
        (&json!(3), &json!({ "closed": 1 })),
        "{plan}"
    );
    assert_eq!(plan["recently_messaged"], 1, "of the one who gets it: {plan}");
    let left_out = shop.json_lines(&["blast", "plan", &draft, "--left-out"]).await;
    let reasons: Vec<_> = left_out.iter().map(|person| person["reason"].clone()).collect();
    assert_eq!(reasons, [json!("closed"), json!("opted_out")]);
}

#[tokio::test]
async fn a_step_and_a_follow_up_take_their_message_from_a_file() {
    let (shop, blast) = stuck_shop().await;
    let file = shop.write("question.txt", "Any question, {name}?");
    let file = file.to_str().unwrap();

    shop.ok(&["blast", "step", "add", &blast, "--after", "48h", "--message-file", file]).await;
    let made = shop.json(&["blast", "follow-up", &blast, "--stuck-at", "read", "--message-file", file]).await;
    let both = shop.run(&["blast", "step", "set", &blast, "1", "--message-file", file, "--message", "Hi"]).await;

    let written = "select count(*) from blast_steps where message = 'Any question, {name}?'";
    assert_eq!(shop.number(written).await, 1);
    let written =
        format!("select count(*) from blasts where id = {} and message = 'Any question, {{name}}?'", made["id"]);
    assert_eq!((shop.number(&written).await, both.code), (1, 2), "{both:?}");
}

#[tokio::test]
async fn a_follow_up_to_people_who_were_found_counts_and_takes_exactly_them() {
    let (shop, blast) = stuck_shop().await;
    for n in 0..3 {
        shop.ok(&["cart", "add", &blast, &digits(n), "teh"]).await;
    }
    let app = engine_app(&shop, "one").await;
    let from = FoundFollowUp { blast: BlastId(blast.parse().unwrap()), from: "has:cart".to_owned() };

    let before = app.found_preview(&from).await.unwrap();
    let made = app.follow_up_found(&from).await.unwrap();
    let after = app.found_preview(&from).await.unwrap();

    assert_eq!((before.count.finds, before.count.gets(), before.stage_name.as_str()), (3, 2, "Follow-up 1"));
    assert_eq!(before.count.left_out, [(Exclusion::OptedOut, 1)], "whoever bought before has a cart since");
    assert_eq!(numbers(&shop, &made.blast.to_string()).await, [0, 2].map(|n| format!("+{}", digits(n))));
    assert_eq!(shop.json(&["blast", "show", &made.blast.to_string()]).await["follows"], json!(from.blast));
    assert_eq!((after.count.gets(), after.stage_name.as_str()), (0, "Follow-up 2"));
}
