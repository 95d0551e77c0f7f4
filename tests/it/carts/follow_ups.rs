//! Being stuck with a cart, as a reason for a follow-up.

use super::scene;
use crate::support::digits;

#[tokio::test]
async fn a_follow_up_to_whoever_is_stuck_with_a_cart_counts_its_hours_and_takes_each_once() {
    let scene = scene(4).await;
    let shop = &scene.shop;
    for n in 1..=3 {
        shop.ok(&["cart", "add", "1", &digits(n), "teh"]).await;
    }
    shop.execute("update carts set updated_at = now() - interval '30 hours' where id = 1").await;
    shop.execute("update carts set updated_at = now() - interval '3 hours' where id = 2").await;
    let people = async |draft: &str| -> Vec<String> {
        let rows = shop.json_lines(&["blast", "recipients", draft]).await;
        rows.iter().map(|row| row["phone_number"].as_str().unwrap().trim_start_matches('+').to_owned()).collect()
    };
    let follow = ["blast", "follow-up", "1", "--stuck-at", "cart"];

    let of_a_day = shop.json(&follow).await["id"].to_string();
    let of_hours = shop.json(&[&follow[..], &["--older-than", "2h", "--template", "hello_world"]].concat()).await["id"]
        .to_string();
    let of_any = shop.json(&[&follow[..], &["--older-than", "0s"]].concat()).await["id"].to_string();

    assert_eq!(people(&of_a_day).await, [digits(1)]);
    assert_eq!(people(&of_hours).await, [digits(2)], "whoever is in a follow-up already is in no other");
    assert_eq!(people(&of_any).await, [digits(3)]);
    let template = format!("select count(*) from blasts where id = {of_hours} and template ->> 'name' = 'hello_world'");
    assert_eq!(shop.number(&template).await, 1);
    let plan = shop.json(&["blast", "plan", &of_a_day]).await;
    assert_eq!(plan["segment"]["from"], "blast:1 has:cart older:1d");
    let nobody = shop.run(&follow).await;
    assert!(nobody.code == 3 && nobody.err.contains("in a follow-up of it already"), "{nobody:?}");
    let wrong = shop.run(&["blast", "follow-up", "1", "--stuck-at", "closed"]).await;
    assert!(wrong.code == 2 && wrong.err.contains("replied or cart"), "{wrong:?}");
}
