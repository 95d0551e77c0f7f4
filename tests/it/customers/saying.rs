//! What operators and lists say of customers: tags, consent.

use serde_json::json;

use super::{FIRST, known_shop, number};
use crate::support::{Setup, Shop, Size};

#[tokio::test]
async fn a_customer_gets_one_tag_after_another_and_none_twice() {
    let shop = known_shop().await;
    let phone = number(FIRST + 2);
    for tags in [&["vip"][..], &["gold", "Silver"], &["VIP", "silver"]] {
        shop.ok(&[&["customer", "tag", &phone][..], tags].concat()).await;
    }

    let tags = shop.json(&["customer", "show", &phone]).await["tags"].clone();

    assert_eq!(tags, json!(["Silver", "gold", "vip"]));
}

#[tokio::test]
async fn a_tag_is_an_audience_at_the_number_that_a_customer_has_now() {
    let shop = known_shop().await;
    shop.ok(&["customer", "tag", &number(FIRST + 2), "vip"]).await;
    shop.ok(&["customer", "merge", &number(FIRST), &number(FIRST + 1)]).await;
    shop.execute("delete from suppressions").await;
    let new = ["blast", "new", "--sender", "sales", "--message", "Hello", "--from", "tag:vip"];

    let made = shop.json(&new).await["id"].to_string();

    let people = shop.json_lines(&["blast", "recipients", &made]).await;
    let phones: Vec<_> = people.iter().map(|person| person["phone_number"].clone()).collect();
    assert_eq!(phones, [json!(number(FIRST + 2)), json!(number(FIRST + 1))]);
    assert_eq!(shop.json(&["blast", "plan", &made]).await["segment"]["finds"], 2);
    let in_one = shop.json_lines(&["blast", "recipients", "1", "--search", "tag:vip"]).await;
    assert_eq!(in_one.len(), 3, "in a blast all numbers of a tagged customer are found");
    let nobody = shop.run(&["blast", "new", "--sender", "sales", "--message", "Hello", "--from", "tag:none"]).await;
    assert!(nobody.code == 3 && nobody.err.contains("finds nobody"), "{nobody:?}");
}

#[tokio::test]
async fn where_consent_came_from_is_kept_with_the_number_when_a_list_says_it() {
    let shop = Shop::open(Setup::default()).await;
    let list = "phone,name,consent_source,consent_at\n60100734512,Ali,web form,2026-03-01\n60100734513,Ben,,\n";
    let list = shop.write("consent.csv", list);
    let new = ["blast", "new", "--sender", "sales", "--message", "x", "--recipients", list.to_str().unwrap()];

    let blast = shop.json(&new).await["id"].to_string();
    shop.ok(&new).await;
    shop.ok(&["blast", "delete", &blast, "--yes"]).await;

    let known = shop.json(&["customer", "show", &number(FIRST)]).await;
    assert_eq!(known["consents"].as_array().unwrap().len(), 1, "what was said twice is kept once");
    let consent = &known["consents"][0];
    assert_eq!((&consent["source"], &consent["given_at"]), (&json!("web form"), &json!("2026-03-01")));
    assert_eq!(shop.json(&["customer", "show", &number(FIRST + 1)]).await["consents"], json!([]));
    assert!(shop.ok(&["customer", "show", &number(FIRST)]).await.contains("consent: web form on 2026-03-01"));
}

#[tokio::test]
async fn where_consent_came_from_is_shown_also_once_the_blast_of_the_list_is_deleted() {
    let shop = Shop::open(Setup::default()).await;
    let list = shop.write("consent.csv", "phone,name,consent_source,consent_at\n60100734512,Ali,shop,2026-01-05\n");
    let new = ["blast", "new", "--sender", "sales", "--message", "x", "--recipients", list.to_str().unwrap()];
    let draft = shop.json(&new).await["id"].to_string();

    shop.ok(&["blast", "delete", &draft, "--yes"]).await;
    shop.execute(&format!("delete from blast_recipients where blast_id = {draft}")).await;
    let known = shop.json(&["customer", "show", &number(FIRST)]).await;

    assert_eq!((&known["consents"][0]["source"], &known["blasts"]), (&json!("shop"), &json!([])), "{known}");
    shop.ok(&["customer", "note", &number(FIRST), "asked what we keep"]).await;
}

#[tokio::test]
async fn a_day_of_consent_that_there_is_not_is_named_as_such() {
    let shop = Shop::open(Setup::default()).await;
    let list = shop.write("consent.csv", "phone,consent_source,consent_date\n60100734512,web form,2026-02-30\n");
    let new = ["blast", "new", "--sender", "sales", "--message", "x", "--recipients", list.to_str().unwrap()];
    shop.ok(&new).await;

    let shown = shop.ok(&["customer", "show", &number(FIRST)]).await;

    assert!(shown.contains("consent: web form, dated `2026-02-30` (no such date), from the list of blast"), "{shown}");
}

#[tokio::test]
async fn a_customer_of_whom_more_is_known_than_is_shown_says_so() {
    let shop = Shop::open(Setup::default()).await;
    for _ in 0..2 {
        shop.draft(FIRST..FIRST + 1).await;
    }
    let phone = number(FIRST);
    for note in ["one", "two", "three"] {
        shop.ok(&["customer", "note", &phone, note]).await;
    }

    let cut = shop.run(&["customer", "show", &phone, "--limit", "2"]).await;

    assert!(cut.err.contains("there are more notes than these 2: `--limit 20` lists more of them"), "{cut:?}");
    assert!(!cut.err.contains("more blasts") && !cut.err.contains("more consents"), "{cut:?}");
    assert!(cut.out.contains("three") && cut.out.contains("two") && !cut.out.contains("one ("), "{cut:?}");
    let as_json = shop.run(&["customer", "show", &phone, "--limit", "1", "--json"]).await;
    assert!(as_json.err.contains("more notes") && as_json.err.contains("more blasts"), "{as_json:?}");
    let all = shop.run(&["customer", "show", &phone, "--limit", "3"]).await;
    assert!(all.out.contains("note 1: one") && !all.err.contains("there are more"), "{all:?}");
}

#[tokio::test]
async fn a_note_that_is_written_or_taken_away_is_the_one_that_is_printed() {
    let shop = Shop::open(Setup::default()).await;
    shop.draft(FIRST..FIRST + 1).await;
    let phone = number(FIRST);
    shop.ok(&["customer", "note", &phone, "one"]).await;

    let noted = shop.json(&["customer", "note", &phone, "two"]).await;
    let removed = shop.json(&["customer", "note", &phone, "--remove", "1"]).await;
    let last = shop.json(&["customer", "note", &phone, "--remove", "2"]).await;

    assert_eq!((&noted["id"], &noted["note"], noted["written_at"].is_string()), (&json!(2), &json!("two"), true));
    assert_eq!(removed, json!({ "id": 1, "removed": true }));
    assert_eq!(last, json!({ "id": 2, "removed": true }));
}

#[tokio::test]
async fn whoever_tries_a_message_on_themselves_has_nobodys_name_for_it() {
    let shop = Shop::open(Setup::default()).await;
    shop.draft(0..2).await;
    let mut window = shop.dashboard(Size { columns: 120, rows: 29 });
    window.wait_for_text("live");
    for (keys, shown) in [("S", "people:"), ("M", "your own number"), ("+60 10-012 9999\n", "to yourself")] {
        window.type_keys(keys);
        window.wait_for_text(shown);
    }
    window.type_keys("y");
    shop.until_posts(1).await;

    let own = shop.json(&["customer", "show", "+60100129999"]).await;

    assert_eq!(own["names"], json!([]), "{own}");
}
