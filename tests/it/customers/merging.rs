//! Merges of customers, and what taking one back gives back.

use blastdeck::domain::ids::BlastId;
use blastdeck::domain::phone::Phone;
use blastdeck::store::plan::{self, PlanGroup};
use chrono::Utc;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};

use crate::recurring::engine_app;
use crate::support::{Setup, Shop, digits, long_form};

/// How many customers there are, and how many merges and unmerges are tried in each turn.
const CUSTOMERS: u32 = 6;
const STEPS: usize = 40;

fn number(n: u32) -> String {
    format!("+{}", digits(n))
}

/// Everybody of a draft, each with a tag of their own.
async fn shop() -> Shop {
    let shop = Shop::open(Setup::default()).await;
    shop.draft(1..CUSTOMERS + 1).await;
    for n in 1..=CUSTOMERS {
        shop.ok(&["customer", "tag", &number(n), &format!("tag{n}")]).await;
    }
    shop
}

async fn customers(shop: &Shop) -> Vec<Value> {
    let rows = shop.json_lines(&["customer", "list"]).await;
    rows.iter().map(|row| json!([row["id"], row["numbers"], row["tags"]])).collect()
}

#[tokio::test]
async fn a_merge_that_is_taken_back_gives_back_what_it_brought() {
    let shop = shop().await;
    let [a, b, c] = [1, 2, 3].map(number);
    shop.ok(&["customer", "merge", &a, &b]).await;
    let before = customers(&shop).await;
    let merged = shop.run(&["customer", "merge", &a, &c]).await;
    assert!(merged.err.contains(&format!("customer unmerge {b}` takes that back")), "{merged:?}");
    let known_by = shop.run(&["customer", "unmerge", &c]).await;
    assert!(known_by.code == 3 && known_by.err.contains(&format!("customer unmerge {b}`")), "{known_by:?}");

    let back = shop.run(&["customer", "unmerge", &b]).await;

    assert!(back.err.contains("with 1 number that was merged into it"), "{back:?}");
    assert_eq!(customers(&shop).await, before);
    shop.ok(&["customer", "unmerge", &a]).await;
    assert_eq!(customers(&shop).await.len(), 6);
}

#[tokio::test]
async fn the_line_of_a_merge_opts_out_the_number_that_an_opt_out_does_not_hold_for() {
    let shop = shop().await;
    let [a, b] = [1, 2].map(number);
    shop.ok(&["suppress", "add", &a, "--business", "kedai"]).await;

    let merged = shop.run(&["customer", "merge", &a, &b]).await;

    let line = format!("suppress add {b} --business 'kedai'` adds the other");
    assert!(merged.code == 0 && merged.err.contains(&line), "{merged:?}");
    shop.ok(&["suppress", "add", &b, "--business", "kedai"]).await;
    shop.ok(&["customer", "unmerge", &a]).await;
    let again = shop.run(&["customer", "merge", &a, &b]).await;
    assert!(again.code == 0 && !again.err.contains("suppress add"), "{again:?}");
}

#[tokio::test]
async fn what_is_named_where_nothing_is_known_can_be_typed_as_it_stands() {
    let shop = shop().await;
    let a = number(1);

    let stranger = shop.run(&["customer", "show", &number(9)]).await;
    let no_note = shop.run(&["customer", "note", &a, "--remove", "1"]).await;

    assert!(stranger.code == 1 && stranger.err.contains("customer find TEXT` searches"), "{stranger:?}");
    assert!(no_note.code == 1 && no_note.err.contains(&format!("customer show {a}`")), "{no_note:?}");
}

#[tokio::test]
async fn a_plan_names_customers_with_two_numbers_in_the_blast() {
    let shop = shop().await;
    let blast = shop.draft(1..CUSTOMERS + 1).await;
    let [a, b, c, d, outside] = [1, 2, 3, 4, 40].map(number);
    assert_eq!(shop.json(&["blast", "plan", &blast]).await["two_numbers"], 0);
    for (into, merged) in [(&a, &b), (&a, &c), (&d, &outside)] {
        shop.ok(&["customer", "merge", into, merged]).await;
    }

    assert_eq!(shop.json(&["blast", "plan", &blast]).await["two_numbers"], 3);
    let said = shop.ok(&["blast", "plan", &blast]).await;
    assert!(said.contains("3 numbers belong to customers with another number here: each number gets it"), "{said}");
    for n in [2, 3] {
        shop.ok(&["suppress", "add", &digits(n)]).await;
    }
    assert_eq!(shop.json(&["blast", "plan", &blast]).await["two_numbers"], 0, "whoever gets nothing does not count");
}

#[tokio::test]
async fn a_plan_counts_who_gets_both_by_people_also_where_the_other_blast_has_another_number_of_theirs() {
    let shop = shop().await;
    let (waiting, plan) = (shop.draft_with(1..4, &["--at", "tomorrow 09:00"]).await, shop.draft(2..5).await);
    shop.ok(&["customer", "merge", &number(4), &number(1)]).await;
    assert_eq!(shop.json(&["blast", "plan", &plan]).await["queued_elsewhere"], 0, "drafts send nothing");

    shop.send(&waiting).await;

    assert_eq!(shop.json(&["blast", "plan", &plan]).await["queued_elsewhere"], 3, "two by number, one by person");
    let group = (BlastId(plan.parse().unwrap()), PlanGroup::Elsewhere);
    let listed = plan::of_group(&shop.database.pool, group, ("kedai", Utc::now()), &[]).await.unwrap();
    assert_eq!(listed.len(), 3, "{listed:?}");
}

/// Whom each number belongs to, by merges alone: into which number each was merged.
#[derive(Default)]
struct Merges(Vec<(u32, u32)>);

impl Merges {
    fn customer(&self, number: u32) -> u32 {
        let into = self.0.iter().find(|(from, _)| *from == number);
        into.map_or(number, |(_, into)| self.customer(*into))
    }
}

#[tokio::test]
async fn merges_are_taken_back_in_any_order_until_everything_is_as_it_was() {
    let shop = shop().await;
    let app = engine_app(&shop, "one").await;
    let phone = |n: u32| app.customer_phone(&digits(n)).unwrap();
    let start = customers(&shop).await;
    for seed in 0..if long_form() { 8 } else { 2 } {
        let mut random = StdRng::seed_from_u64(seed);
        let mut merges = Merges::default();
        for _ in 0..STEPS {
            let [one, other] = [0, 0].map(|_| random.random_range(1..=CUSTOMERS));
            let (from, into) = (merges.customer(one), merges.customer(other));
            if random.random_bool(0.6) {
                assert_eq!(app.merge_customers(&phone(one), &phone(other)).await.is_ok(), from != into, "seed {seed}");
                merges.0.extend((from != into).then_some((from, into)));
            } else {
                let was_merged = merges.0.iter().any(|(from, _)| *from == one);
                assert_eq!(app.unmerge_customer(&phone(one)).await.is_ok(), was_merged, "seed {seed}");
                merges.0.retain(|(from, _)| *from != one);
            }
            for n in 1..=CUSTOMERS {
                let known = app.customer(&phone(n)).await.unwrap().customer;
                assert_eq!(known.id, digits(merges.customer(n)), "seed {seed}: {n} after {:?}", merges.0);
            }
        }
        while let Some((from, into)) = merges.0.choose(&mut random).copied() {
            app.unmerge_customer(&phone(from)).await.unwrap();
            merges.0.retain(|merge| *merge != (from, into));
        }
        assert_eq!(customers(&shop).await, start, "seed {seed}");
    }
}

#[tokio::test]
async fn of_two_merges_at_once_none_hangs_on_a_number_that_is_merged() {
    let shop = shop().await;
    let (one, two) = (engine_app(&shop, "one").await, engine_app(&shop, "two").await);
    let [a, b, c] = [1, 2, 3].map(|n| one.customer_phone(&digits(n)).unwrap());

    let (first, second) = tokio::join!(one.merge_customers(&a, &b), two.merge_customers(&b, &c));

    first.and(second).unwrap();
    assert_eq!(one.customer(&a).await.unwrap().customer.numbers.len(), 3);
}

#[tokio::test]
async fn an_audience_leaves_out_who_opted_out_or_was_written_to_at_another_number_of_theirs() {
    let shop = Shop::open(Setup::default()).await;
    let config = std::fs::read_to_string(shop.path("config.toml")).unwrap();
    shop.write("config.toml", format!("{config}\n[[businesses]]\nname = \"kedai\"\nfrequency_cap = \"7d\"\n"));
    shop.blast(1..2).await;
    shop.until_idle().await;
    shop.draft(2..3).await;
    for (old, new) in [(1, 11), (2, 12)] {
        shop.ok(&["customer", "merge", &number(old), &number(new)]).await;
    }
    shop.ok(&["suppress", "add", &number(2), "--business", "kedai"]).await;
    let list = format!("phone\n{}\n{}\n{}\n", number(1), number(2), number(3));
    let list = shop.write("raya.csv", list);
    shop.ok(&["list", "save", "raya", list.to_str().unwrap()]).await;

    let new = ["blast", "new", "--sender", "sales", "--message", "Hello", "--from", "list:raya"];
    let made = shop.json(&new).await["id"].to_string();

    let people = shop.json_lines(&["blast", "recipients", &made]).await;
    let phones: Vec<_> = people.iter().map(|person| person["phone_number"].clone()).collect();
    assert_eq!(phones, [json!(number(3))]);
    let left_out = shop.json(&["blast", "plan", &made]).await["segment"]["left_out"].clone();
    assert_eq!(left_out, json!({ "opted_out": 1, "frequency_cap": 1 }));
}

#[tokio::test]
async fn a_follow_up_leaves_out_who_bought_at_another_number_of_theirs() {
    let shop = Shop::open(Setup::default()).await;
    let blast = shop.blast(1..4).await;
    shop.until_idle().await;
    shop.ok(&["mark", &blast, &number(1), "closed", "--amount", "5"]).await;
    shop.ok(&["customer", "merge", &number(1), &number(2)]).await;

    let filter = format!("blast:{blast}");
    let new = ["blast", "new", "--sender", "sales", "--message", "Hello", "--from", &filter];
    let made = shop.json(&new).await["id"].to_string();

    let people = shop.json_lines(&["blast", "recipients", &made]).await;
    let phones: Vec<_> = people.iter().map(|person| person["phone_number"].clone()).collect();
    assert_eq!(phones, [json!(number(3))]);
}

#[tokio::test]
async fn a_tag_finds_a_customer_whose_number_of_now_was_in_no_blast() {
    let shop = Shop::open(Setup::default()).await;
    shop.blast(1..3).await;
    shop.blast(1..2).await;
    shop.until_idle().await;
    shop.ok(&["customer", "merge", &number(1), &number(11)]).await;
    for tagged in [2, 11] {
        shop.ok(&["customer", "tag", &number(tagged), "vip"]).await;
    }

    let new = ["blast", "new", "--sender", "sales", "--message", "Hello", "--from", "tag:vip"];
    let made = shop.json(&new).await["id"].to_string();

    let people = shop.json_lines(&["blast", "recipients", &made]).await;
    let mut phones: Vec<_> = people.iter().map(|person| person["phone_number"].to_string()).collect();
    phones.sort();
    assert_eq!(phones, [number(2), number(11)].map(|phone| format!("\"{phone}\"")));
}

#[tokio::test]
async fn an_audience_that_waits_leaves_out_who_opts_out_at_another_number_of_theirs() {
    let shop = Shop::open(Setup::default()).await;
    let before = shop.blast(1..5).await;
    shop.until_idle().await;
    for (old, new) in [(1, 11), (2, 12)] {
        shop.ok(&["customer", "merge", &number(old), &number(new)]).await;
    }
    let filter = format!("blast:{before}");
    let new = ["blast", "new", "--sender", "sales", "--message", "Hello", "--from", &filter];
    let made = shop.json(&new).await["id"].to_string();
    shop.send(&made).await;

    for n in [11, 12] {
        shop.ok(&["suppress", "add", &number(n)]).await;
    }
    // A list that somebody wrote names numbers.
    let list = shop.blast(1..3).await;
    shop.until_idle().await;

    assert_eq!((shop.state(&made).await.as_str(), shop.state(&list).await.as_str()), ("completed", "completed"));
    let out = format!("select count(*) from blast_recipients where blast_id = {made} and status = 'opted_out'");
    assert_eq!(shop.number(&out).await, 2);
    assert_eq!(shop.sim.posts().await.len(), 4 + 2 + 2);
    shop.invariants().await;
}

#[tokio::test]
async fn an_opt_out_that_is_lifted_names_the_blasts_that_wait_at_another_number() {
    let shop = Shop::open(Setup::default()).await;
    let before = shop.blast(1..3).await;
    shop.until_idle().await;
    shop.ok(&["customer", "merge", &number(1), &number(11)]).await;
    let filter = format!("blast:{before}");
    let new = ["blast", "new", "--sender", "sales", "--message", "Hello", "--from", &filter];
    let made = shop.json(&new).await["id"].to_string();
    shop.send(&made).await;
    shop.ok(&["suppress", "add", &number(11)]).await;

    let remove = ["suppress", "remove", &number(11)];
    let asked = shop.run(&remove).await;
    let done = shop.run(&[&remove[..], &["--yes"]].concat()).await;

    assert!(asked.code == 3 && asked.err.contains(&format!("Then they get the message of blast {made}.")), "{asked:?}");
    assert!(done.err.contains(&format!("; queued again in blast {made}")), "{done:?}");
}

#[tokio::test]
async fn lifting_the_opt_outs_of_two_numbers_of_one_person_says_what_each_of_them_brings_back() {
    let shop = Shop::open(Setup::default()).await;
    let before = shop.blast(1..4).await;
    shop.until_idle().await;
    shop.ok(&["customer", "merge", &number(1), &number(2)]).await;
    let filter = format!("blast:{before}");
    let new =
        ["blast", "new", "--sender", "sales", "--message", "Hi", "--from", &filter, "--repeat", "every day 09:00"];
    let pattern = shop.json(&new).await["id"].to_string();
    shop.send(&pattern).await;
    for n in [1, 2] {
        shop.ok(&["suppress", "add", &number(n)]).await;
    }

    let first = shop.run(&["suppress", "remove", &number(1)]).await;
    let asked = shop.run(&["suppress", "remove", &number(2)]).await;
    let second = shop.run(&["suppress", "remove", &number(2), "--yes"]).await;

    let [one, other] = [1, 2].map(|n| Phone::from_database(number(n)));
    let still = format!("; a filter and a follow-up still leave them out, since {other} of theirs is suppressed");
    assert!(first.code == 0 && first.err.contains(&format!("in future blasts{still}")), "{first:?}");
    let both = format!("It goes to {one} and {other}, which are one person's.");
    assert!(asked.code == 3 && asked.err.contains(&format!("the message of blast {pattern}. {both}")), "{asked:?}");
    assert!(second.code == 0 && second.err.contains("queued again in") && !second.err.contains("still"), "{second:?}");
    assert_eq!(shop.json(&["blast", "plan", &pattern]).await["people"], 3);
}
