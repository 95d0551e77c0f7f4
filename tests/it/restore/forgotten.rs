//! Somebody who was forgotten, or is uncertain, in a database that was restored from before: nobody sends to them.

use serde_json::json;

use super::opt_outs::{is_suppressed, opt_outs};
use super::{Restorable, SETUP};
use crate::support::{Shop, digits};

#[tokio::test]
async fn whoever_was_forgotten_gets_nothing_of_a_database_that_was_restored_from_before() {
    let world = Restorable::open(SETUP).await;
    let shop = &world.shop;
    let blast = shop.draft(0..12).await;
    let other = shop.draft(20..24).await;
    shop.sim.faults(&["error=1"]).await;
    let failed = shop.blast(40..43).await;
    shop.until_idle().await;
    shop.sim.faults(&[]).await;
    assert_eq!(shop.count("failed").await, 3);
    world.cluster.back_up().await;
    for n in [1, 5, 21, 41] {
        shop.ok(&["customer", "forget", &digits(n), "--yes"]).await;
    }

    world.cluster.put_back().await;
    for blast in [&blast, &other] {
        shop.send(blast).await;
    }
    shop.until_idle().await;
    shop.ok(&["blast", "retry", &failed, "--yes"]).await;
    shop.until_idle().await;

    let posts = shop.sim.posts().await.into_iter();
    let phones: Vec<_> = posts.filter(|post| post.accepted).map(|post| post.phone).collect();
    assert_eq!(phones.len(), 15, "{phones:?}");
    assert!(![1, 5, 21, 41].iter().any(|n| phones.contains(&digits(*n))), "{phones:?}");
    assert_eq!(shop.count("opted_out").await, 4);
    shop.promises().await;
}

#[tokio::test]
async fn without_the_key_of_those_who_were_forgotten_a_restored_database_asks_first() {
    let world = Restorable::open(SETUP).await;
    let shop = &world.shop;
    let blast = shop.draft(0..6).await;
    world.cluster.back_up().await;
    shop.ok(&["customer", "forget", &digits(1), "--yes"]).await;
    world.cluster.put_back().await;
    let key = opt_outs(shop).with_file_name("forget.key");
    let aside = key.with_extension("aside");
    std::fs::rename(&key, &aside).unwrap();

    shop.send(&blast).await;
    shop.until_idle().await;
    assert_eq!(shop.sim.posts().await.len(), 0);
    let why = shop.text("select stopped_reason from senders where name = 'sales'").await;
    assert!(why.contains("asked to be forgotten") && why.contains("forget.key"), "{why}");

    let said = shop.run(&["sender", "confirm", "sales", "--yes", "--no-engine"]).await;
    assert!(said.code == 3 && said.err.contains("`forget.key`") && said.err.contains("--without-key"), "{said:?}");
    std::fs::rename(&aside, &key).unwrap();
    shop.ok(&["sender", "confirm", "sales", "--yes"]).await;
    shop.until_idle().await;
    let phones: Vec<_> = shop.sim.posts().await.into_iter().map(|post| post.phone).collect();
    assert!(phones.len() == 5 && !phones.contains(&digits(1)), "{phones:?}");
}

/// Whom a confirmation makes uncertain stays so in a draft whose people a filter names, whatever it finds by then.
#[tokio::test]
async fn who_is_uncertain_in_a_draft_is_not_taken_out_and_in_again_by_its_filter() {
    let world = Restorable::open(SETUP).await;
    let shop = &world.shop;
    let earlier = shop.blast(0..5).await;
    shop.until_idle().await;
    let from = format!("blast:{earlier}");
    let made = shop.json(&["blast", "new", "--sender", "sales", "--message", "Once more", "--from", &from]).await;
    let draft = made["id"].to_string();
    world.cluster.back_up().await;
    shop.send(&draft).await;
    shop.until_idle().await;
    assert_eq!(shop.sim.posts().await.len(), 10);
    world.cluster.put_back().await;
    let other = shop.blast(20..21).await;
    shop.until_idle().await;
    shop.ok(&["sender", "confirm", "sales", "--yes"]).await;
    shop.until_state(&other, "completed").await;
    assert_eq!(shop.count("uncertain").await, 5);

    shop.ok(&["suppress", "add", &digits(2)]).await;
    let plan = shop.json(&["blast", "plan", &draft]).await;
    let said = shop.run(&["blast", "send", &draft, "--yes"]).await;
    shop.until_idle().await;

    assert_eq!((&plan["people"], shop.sim.posts().await.len()), (&json!(0), 11), "{plan} {said:?}");
    assert_eq!(shop.count("uncertain").await, 5);
    shop.invariants().await;
    // Somebody decides; whoever is to get it again stays in it, whatever the filter finds by then.
    shop.execute(
        "update blast_recipients set changed_at = now() - interval '1 hour', claimed_at = now() - interval '1 hour'",
    )
    .await;
    shop.ok(&["uncertain", "resolve", &draft, "all", "resend", "--yes"]).await;
    shop.ok(&["suppress", "add", &digits(3)]).await;
    let plan = shop.json(&["blast", "plan", &draft]).await;
    assert_eq!(plan["people"], 3, "{plan}");
    shop.send(&draft).await;
    shop.until_idle().await;
    assert_eq!(shop.sim.posts().await.len(), 14);
}

/// A list that was kept has them again in a database that was restored.
#[tokio::test]
async fn a_kept_list_with_somebody_who_was_forgotten_goes_to_the_others() {
    let shop = Shop::open(SETUP).await;
    let list = format!("phone,name\n+{},Aina\n+{},Ben\n+{},Siti\n", digits(1), digits(2), digits(3));
    shop.write("regulars.csv", &list);
    shop.ok(&["list", "save", "regulars", "regulars.csv"]).await;
    shop.ok(&["customer", "forget", &digits(2), "--yes"]).await;
    shop.execute(&format!(
        "insert into saved_list_people (list_id, phone_number, name) select id, '+{}', 'Ben' from saved_lists",
        digits(2)
    ))
    .await;

    let new = ["blast", "new", "--sender", "sales", "--message", "Hi", "--from", "list:regulars"];
    let draft = shop.json(&new).await["id"].to_string();
    shop.send(&draft).await;
    shop.until_idle().await;

    let phones: Vec<_> = shop.sim.posts().await.into_iter().map(|post| post.phone).collect();
    assert!(phones.len() == 2 && !phones.contains(&digits(2)), "{phones:?}");
}

/// Somebody was forgotten on another machine, whose key is lost for good.
#[tokio::test]
async fn whom_the_own_key_recognizes_gets_nothing_also_where_another_one_is_lost() {
    let world = Restorable::open(SETUP).await;
    let shop = &world.shop;
    let blast = shop.draft(0..6).await;
    world.cluster.back_up().await;
    shop.ok(&["customer", "forget", &digits(1), "--yes"]).await;
    world.cluster.put_back().await;
    shop.execute(
        "insert into suppressions (business, phone_number, source) values ('*', 'forgotten:01234567:' || repeat('a', 64), 'person')",
    )
    .await;
    shop.send(&blast).await;
    shop.until_idle().await;
    assert_eq!(shop.sim.posts().await.len(), 0);

    shop.ok(&["sender", "confirm", "sales", "--yes", "--without-key"]).await;
    shop.until_idle().await;

    let phones: Vec<_> = shop.sim.posts().await.into_iter().map(|post| post.phone).collect();
    assert!(phones.len() == 5 && !phones.contains(&digits(1)), "{phones:?}");
}

#[tokio::test]
async fn the_number_of_whoever_was_forgotten_while_the_list_could_not_be_cleared_does_not_come_back() {
    let shop = Shop::open(SETUP).await;
    shop.blast(0..3).await;
    shop.until_idle().await;
    shop.ok(&["suppress", "add", &digits(10)]).await;
    // The list as it is before the person is taken out of it.
    let before = std::fs::read(opt_outs(&shop)).unwrap();
    shop.ok(&["customer", "forget", &digits(10), "--yes"]).await;
    std::fs::write(opt_outs(&shop), before).unwrap();
    shop.execute("delete from opt_out_memories").await;

    shop.blast(20..25).await;
    shop.until_idle().await;
    shop.run(&["sender", "confirm", "sales", "--yes"]).await;
    shop.until_idle().await;

    assert!(!is_suppressed(&shop, &digits(10)).await);
    assert_eq!(shop.sim.posts().await.len(), 8);
    assert_eq!(shop.number("select count(*) from suppressions where starts_with(phone_number, 'forgotten:')").await, 1);
}
