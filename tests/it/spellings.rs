//! One person under two spellings of their number, as an operator meets them: one message, to the spelling that was typed;
//! an opt-out in either.

use crate::support::{Setup, Shop};

/// A draft to these numbers; its id, and what the import said.
async fn draft(shop: &Shop, numbers: &[&str]) -> (String, String) {
    let rows: Vec<_> = numbers.iter().map(|number| format!("Person,{number}")).collect();
    let list = shop.write("spelled.csv", format!("name,phone\n{}\n", rows.join("\n")));
    let list = list.to_str().unwrap();
    let made = shop.json(&["blast", "new", "--sender", "sales", "--message", "Hi {name}", "--recipients", list]).await;
    let rejected = std::fs::read_to_string(shop.path("spelled.rejected.csv")).unwrap_or_default();
    (made["id"].as_i64().unwrap().to_string(), rejected)
}

async fn posted_to(shop: &Shop) -> Vec<String> {
    let mut phones: Vec<_> = shop.sim.posts().await.into_iter().map(|post| post.phone).collect();
    phones.sort();
    phones
}

#[tokio::test]
async fn one_person_has_one_message_to_the_spelling_that_was_typed_first() {
    let shop = Shop::open(Setup::default()).await;

    let (blast, rejected) = draft(
        &shop,
        &[
            "+5548987654321",
            "+55 48 8765-4321",
            "+52 1 55 1234 5678",
            "+525512345678",
            "+541123456789",
            "+5491123456789",
        ],
    )
    .await;
    shop.send(&blast).await;
    shop.until_idle().await;

    assert_eq!(posted_to(&shop).await, ["5215512345678", "541123456789", "5548987654321"]);
    for (row, first) in [(3, 2), (5, 4), (7, 6)] {
        let why = format!("the same person as in row {first}, whose number is spelled otherwise: taken once");
        assert!(rejected.lines().any(|line| line.starts_with(&format!("{row},")) && line.contains(&why)), "{rejected}");
    }
    shop.promises().await;
}

#[tokio::test]
async fn who_opted_out_under_one_spelling_is_not_messaged_under_the_other() {
    let shop = Shop::open(Setup::default()).await;
    shop.ok(&["suppress", "add", "+55 48 8765-4321"]).await;
    let (blast, _) = draft(&shop, &["+5548987654321", "+5491123456789", "+554832345678"]).await;

    let plan = shop.json(&["blast", "plan", &blast]).await;
    shop.send(&blast).await;
    shop.ok(&["suppress", "add", "+54 11 2345-6789"]).await;
    shop.until_idle().await;

    assert_eq!((plan["people"].as_i64(), plan["suppressed"].as_i64()), (Some(2), Some(1)));
    assert_eq!(posted_to(&shop).await, ["554832345678"]);
    let again = shop.run(&["suppress", "add", "+5548987654321"]).await;
    assert!(again.err.contains("is already suppressed"), "{again:?}");
    shop.ok(&["suppress", "remove", "+5548987654321"]).await;
    assert_eq!(shop.number("select count(*) from suppressions").await, 1);
    shop.promises().await;
}
