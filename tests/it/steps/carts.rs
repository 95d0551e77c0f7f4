//! Steps after a cart: whoever has had one for so long and ordered nothing gets it, once.

use blastdeck::domain::filter::segment::Exclusion;
use blastdeck::store::step;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::{SETUP, a_day_passes, add, made, occur, opt_out, people, phone, received, set};
use crate::recurring::engine_app;
use crate::support::Shop;

/// Gives somebody of a blast a cart that is so many hours old.
async fn put_together(shop: &Shop, blast: &str, n: u32, hours: i64) {
    let cart = shop.json(&["cart", "add", blast, &phone(n), "teh*2@2.50"]).await["id"].to_string();
    let at = format!("now() - interval '{hours} hours'");
    shop.execute(&format!("update carts set created_at = {at}, updated_at = {at} where id = {cart}")).await;
}

async fn step_after_a_cart(shop: &Shop, blast: &str) -> Value {
    add(shop, blast, &["--after", "24h", "--since", "cart"]).await
}

#[tokio::test]
async fn whoever_has_a_cart_for_a_day_and_no_order_gets_the_step_once() {
    let shop = Shop::open(SETUP).await;
    let blast = received(&shop, 0..8, 90).await;
    for n in [0, 1, 3, 4, 5, 6] {
        put_together(&shop, &blast, n, 30).await;
    }
    put_together(&shop, &blast, 2, 10).await;
    opt_out(&shop, 1).await;
    shop.ok(&["order", "add", &blast, &phone(3), "teh*2@2.50"]).await;
    shop.ok(&["mark", &blast, &phone(4), "closed"]).await;
    set(&shop, &blast, 5, "status = 'closed', standing = 'read', closed_at = now() - interval '50 hours'").await;
    set(&shop, &blast, 6, "status = 'replied', standing = 'replied', replied_marked_at = now()").await;
    let step = step_after_a_cart(&shop, &blast).await;
    assert_eq!((&step["when"], &step["since"]), (&json!("1d after a cart, no order"), &json!("cart")));
    assert_eq!(step["until"], Value::Null);
    let app = engine_app(&shop, "one").await;

    occur(&app, Utc::now()).await;
    occur(&app, Utc::now()).await;

    let drafts = made(&shop, &blast, 1).await;
    assert_eq!(drafts.len(), 1);
    let draft = &drafts[0];
    assert_eq!(
        people(&shop, draft).await,
        [phone(0), phone(5), phone(6)],
        "what was bought before the cart is no order"
    );
    let plan = shop.json(&["blast", "plan", draft]).await;
    assert_eq!(plan["segment"]["left_out"], json!({ "opted_out": 1, "closed": 1 }), "{plan}");
    let plan = shop.ok(&["blast", "plan", &blast]).await;
    assert!(plan.contains("1d after a cart, no order") && plan.contains(&format!("asks you: blast {draft}")), "{plan}");

    // Whoever orders after the launch while still queued is left out.
    shop.send(draft).await;
    shop.ok(&["cart", "order", "1"]).await;
    let engine = shop.engine();
    shop.until_state(draft, "completed").await;
    engine.stop().await;
    assert_eq!((shop.sim.posts().await.len(), people(&shop, draft).await), (2, vec![phone(5), phone(6)]));

    // A second cart is no second step.
    put_together(&shop, &blast, 5, 30).await;
    shop.execute(
        "update carts set updated_at = now() - interval '25 hours' where updated_at > now() - interval '20 hours'",
    )
    .await;
    a_day_passes(&shop).await;
    occur(&app, Utc::now()).await;
    let drafts = made(&shop, &blast, 1).await;
    assert_eq!(people(&shop, &drafts[1]).await, [phone(2)]);
}

#[tokio::test]
async fn a_step_after_a_cart_says_when_it_comes_and_changes_into_one_after_a_stage_and_back() {
    let shop = Shop::open(SETUP).await;
    let blast = received(&shop, 0..2, 90).await;
    let step = step_after_a_cart(&shop, &blast).await;
    assert_eq!(step["comes_at"], Value::Null, "there is no cart yet");
    let is_near = async || step::is_near(&shop.database.pool, Utc::now()).await.unwrap();
    assert!(!is_near().await, "no standby stays for carts that nobody has");

    put_together(&shop, &blast, 0, 10).await;

    assert!(is_near().await);
    let listed = shop.json_lines(&["blast", "step", "list", &blast]).await;
    let comes: DateTime<Utc> = serde_json::from_value(listed[0]["comes_at"].clone()).unwrap();
    assert_eq!((comes - Utc::now()).num_minutes() / 10, 14 * 6 - 1, "{comes}");

    let refused = shop.run(&["blast", "step", "set", &blast, "1", "--until", "closed"]).await;
    assert!(refused.code == 2 && refused.err.contains("--until: a step after a cart"), "{refused:?}");
    let carts =
        shop.run(&["blast", "step", "add", &blast, "--after", "1d", "--since", "carts", "--message", "Hi"]).await;
    assert!(carts.code == 2 && carts.err.contains("replied or cart"), "{carts:?}");
    let read = shop.json(&["blast", "step", "set", &blast, "1", "--since", "read"]).await;
    assert_eq!((&read["when"], &read["until"]), (&json!("1d after read, not replied"), &json!("replied")));
    let back = shop.json(&["blast", "step", "set", &blast, "1", "--since", "cart", "--after", "2d"]).await;
    assert_eq!((&back["when"], &back["until"]), (&json!("2d after a cart, no order"), &Value::Null));
}

#[tokio::test]
async fn an_order_at_another_business_ends_no_carts_wait() {
    let shop = Shop::open(SETUP).await;
    let blast = received(&shop, 0..1, 90).await;
    put_together(&shop, &blast, 0, 30).await;
    let waiting = async || shop.number("select count(*) from waiting_carts").await;

    shop.execute(&format!(
        "insert into senders (name, provider, business, rehearsal) values ('elsewhere', 'wsapme', 'warung', true);
         insert into orders (sender_id, phone_number, source, ordered_at, created_by)
         select id, '{}', 'operator', now(), 'aina' from senders where name = 'elsewhere'",
        phone(0)
    ))
    .await;
    assert_eq!(waiting().await, 1);

    shop.execute("update orders set sender_id = (select id from senders where name = 'sales')").await;
    assert_eq!(waiting().await, 0);
}

#[tokio::test]
async fn whoever_bought_before_and_orders_again_while_queued_is_left_out() {
    let shop = Shop::open(SETUP).await;
    let blast = received(&shop, 0..3, 90).await;
    for n in 0..3 {
        put_together(&shop, &blast, n, 30).await;
        set(&shop, &blast, n, "status = 'closed', standing = 'read', closed_at = now() - interval '50 hours'").await;
    }
    step_after_a_cart(&shop, &blast).await;
    let app = engine_app(&shop, "one").await;
    occur(&app, Utc::now()).await;
    let draft = &made(&shop, &blast, 1).await[0];
    shop.send(draft).await;
    assert_eq!(people(&shop, draft).await, [phone(0), phone(1), phone(2)]);

    shop.ok(&["order", "add", &blast, &phone(0), "teh*2@2.50"]).await;
    shop.ok(&["cart", "order", "2"]).await;

    assert_eq!(people(&shop, draft).await, [phone(2)]);
    let left_out = format!(
        "select string_agg(distinct reason, ', ') from blast_recipients where blast_id = {draft} and status = 'skipped'"
    );
    assert_eq!(shop.text(&left_out).await, Exclusion::Closed.words());
}
