//! Nothing brings somebody back who was forgotten.

use std::fs;

use serde_json::json;

use super::{FIRST, dump, known_shop, number};
use crate::support::digits;

#[tokio::test]
async fn no_list_brings_somebody_back_who_was_forgotten_and_a_machine_without_the_key_takes_none() {
    let shop = known_shop().await;
    let before = shop.ok(&["customer", "key"]).await;
    assert!(
        before.starts_with("nobody was forgotten yet: the key will be /") && before.contains("forget.key"),
        "{before}"
    );
    shop.ok(&["customer", "forget", &number(FIRST), "--yes"]).await;

    let again = shop.draft(FIRST..FIRST + 3).await;

    let people = shop.json_lines(&["blast", "recipients", &again]).await;
    let phones: Vec<_> = people.iter().map(|person| person["phone_number"].clone()).collect();
    assert_eq!(phones, [json!(number(FIRST + 1)), json!(number(FIRST + 2))]);
    let plan = shop.ok(&["blast", "plan", &again]).await;
    assert!(plan.contains("asked to be forgotten"), "{plan}");
    assert!(!dump(&shop).contains(&digits(FIRST)), "what was refused is not kept either");
    let posts = shop.sim.posts().await.len();
    shop.send(&again).await;
    shop.until_idle().await;
    assert_eq!(shop.sim.posts().await.len(), posts + 2, "the engine goes on, and writes to the others");
    let key = shop.json(&["customer", "key"]).await["file"].as_str().unwrap().to_owned();
    fs::rename(&key, format!("{key}.away")).unwrap();

    let list = shop.path("people.csv");
    let new = ["blast", "new", "--sender", "sales", "--message", "x", "--recipients", list.to_str().unwrap()];
    let refused = shop.run(&new).await;

    assert!(refused.code != 0 && refused.err.contains("does not have their key"), "{refused:?}");
    let no_second = shop.run(&["customer", "forget", &number(FIRST + 1), "--yes"]).await;
    assert!(no_second.code == 3 && no_second.err.contains("copy the file"), "{no_second:?}");
}

#[tokio::test]
async fn no_opt_out_brings_the_number_of_whoever_was_forgotten_back() {
    let shop = known_shop().await;
    let phone = number(FIRST);
    shop.ok(&["customer", "forget", &phone, "--yes"]).await;
    let list = shop.write("stop.csv", format!("phone\n{phone}\n{}\n", number(FIRST + 9)));

    let added = shop.json(&["suppress", "add", &phone]).await;
    let imported = shop.json(&["suppress", "import", list.to_str().unwrap(), "--business", "kedai"]).await;

    assert_eq!(added["added"], false, "{added}");
    assert_eq!((&imported["added"], &imported["already"]), (&json!(1), &json!(1)), "{imported}");
    assert!(!dump(&shop).contains(&digits(FIRST)));
    let listed = shop.ok(&["suppress", "list"]).await;
    assert!(listed.contains("forgotten person  ") && listed.contains("forgotten person (forgotten-1)"), "{listed}");
    assert!(!listed.contains("forgotten:"), "{listed}");
    let lifted = shop.run(&["suppress", "remove", &phone, "--yes"]).await;
    assert!(lifted.code == 1 && lifted.err.contains("asked to be forgotten: no list and no blast"), "{lifted:?}");
    let rows = shop.json_lines(&["suppress", "list"]).await;
    assert!(rows.iter().any(|row| row["phone_number"].as_str().unwrap().starts_with("forgotten:")), "{rows:?}");
}
