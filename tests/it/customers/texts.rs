//! Texts of others that name whoever is forgotten: the number goes, and nothing beside it.

use serde_json::json;
use sqlx::AssertSqlSafe;

use super::{FIRST, dump, known_shop, number};
use crate::support::{Shop, digits};

#[tokio::test]
async fn a_text_of_others_loses_the_number_of_whoever_is_forgotten_and_nothing_beside_it() {
    let shop = known_shop().await;
    let bare = digits(FIRST);
    let (area, line) = bare[2..].split_at(2);
    shop.execute(&format!(
        "update blasts set description = 'wa.me/{bare}, call +60 {area}-{line} (0{area}{line})!' where id = 1"
    ))
    .await;

    shop.ok(&["customer", "forget", &number(FIRST), "--yes"]).await;

    let said: String =
        sqlx::query_scalar("select description from blasts where id = 1").fetch_one(&shop.database.pool).await.unwrap();
    assert_eq!(said, "wa.me/(forgotten), call (forgotten) ((forgotten))!");
}

#[tokio::test]
async fn another_number_a_price_or_a_date_before_the_number_of_whoever_is_forgotten_stays() {
    let shop = known_shop().await;
    let (bare, home) = (digits(FIRST), format!("0{}", &digits(FIRST)[2..]));
    let (area, line) = bare[2..].split_at(2);
    shop.execute(&format!(
        "update blasts set description = '03-1234 5678 / 0{area}-{line}, 0198765432/{home}, RM 60 {home}, 12.11.2026 {bare}, '
                                      || '60 19 876 5432 60 {area} {line}, +60 (0){area}-{line}, 0060 {area} {line}' where id = 1;
         update blast_recipients set variables = '{{\"tel\": \"0198765432 / {home}\", \"n\": [60, {bare}]}}'
          where blast_id = 1 and phone_number = '{}'",
        number(FIRST + 1)
    ))
    .await;

    shop.ok(&["customer", "forget", &number(FIRST), "--yes"]).await;

    assert_eq!(
        shop.text("select description from blasts where id = 1").await,
        "03-1234 5678 / (forgotten), 0198765432/(forgotten), RM 60 (forgotten), 12.11.2026 (forgotten), \
         60 19 876 5432 (forgotten), (forgotten), (forgotten)"
    );
    let others = format!(
        "select variables ->> 'tel' from blast_recipients where blast_id = 1 and phone_number = '{}'",
        number(FIRST + 1)
    );
    assert_eq!(shop.text(&others).await, "0198765432 / 0");
}

/// Digits as another script writes them.
fn in_script(zero: char, digits: &str) -> String {
    digits.chars().map(|digit| char::from_u32(u32::from(zero) + digit.to_digit(10).unwrap()).unwrap()).collect()
}

/// Texts, orders and webhooks of the others that name the first in digits of other scripts and within longer words.
async fn name_them_elsewhere(shop: &Shop) {
    let (bare, other) = (digits(FIRST), digits(FIRST + 1));
    let (arabic, nagari) = (in_script('\u{660}', &bare), in_script('\u{966}', &bare));
    let escapes = in_script('\u{660}', &bare).chars().map(|c| format!("\\u{:04x}", u32::from(c))).collect::<Vec<_>>();
    let escaped = escapes.concat();
    shop.ok(&["order", "add", "1", &format!("+{other}"), &format!("KEK{bare}007*1@5")]).await;
    shop.ok(&["order", "edit", "2", "roti*1@2", &format!("-KEK{bare}007")]).await;
    shop.ok(&["order", "add", "1", &format!("+{other}"), &format!("{bare}01*1@5")]).await;
    shop.ok(&["cart", "add", "1", &format!("+{other}"), &format!("kek-{bare}A*1@5")]).await;
    shop.ok(&["customer", "tag", &format!("+{other}"), &format!("sister-of-{bare}")]).await;
    shop.execute(&format!(
        "update blasts set description = 'ask {arabic}, {} or {}', state_reason = 'KEK{bare}007 and {bare}123456' where id = 1;
         update blast_recipients set note = '{nagari}', variables = '{{\"by\": \"x{arabic}٩y\"}}' where blast_id = 1 and phone_number = '+{other}';
         insert into catalogues (business, name, source) values ('kedai', 'menu', 'csv');
         insert into products (catalogue_id, sku, name) values (1, 'A{bare}', 'for {arabic}'), (1, 'A{bare}9', 'x');
         insert into webhook_inbox (provider, digest, body, state) values
            ('meta', 'c', convert_to('{{\"text\": \"{arabic}\"}}', 'UTF8'), 'applied'),
            ('meta', 'd', convert_to(E'{{\"text\": \"{}\"}}', 'UTF8'), 'applied'),
            ('meta', 'e', convert_to('{{\"text\": \"{}\"}}', 'UTF8'), 'applied'),
            ('meta', 'f', '{{\"text\": \"{bare}\"}}'::bytea || '\\x00'::bytea, 'applied'),
            ('meta', 'g', '\\x0000', 'applied')",
        in_script('\u{660}', &format!("0{}", &bare[2..])),
        in_script('\u{660}', &other),
        escaped.replace('\\', "\\\\"),
        in_script('\u{660}', &other),
    ))
    .await;
}

#[tokio::test]
async fn a_number_in_other_digits_or_within_a_longer_word_goes_with_whoever_is_forgotten() {
    let shop = known_shop().await;
    name_them_elsewhere(&shop).await;
    let (bare, others) = (digits(FIRST), in_script('\u{660}', &digits(FIRST + 1)));
    let scripts = ['0', '\u{660}', '\u{966}'].map(|zero| in_script(zero, &bare[4..]));
    let known = dump(&shop);
    assert!(scripts.iter().all(|tail| known.contains(tail)));

    shop.ok(&["customer", "forget", &number(FIRST), "--yes"]).await;

    let left = dump(&shop);
    for tail in &scripts {
        let at = left.find(tail).map(|at| &left[at.saturating_sub(200)..(at + 60).min(left.len())]);
        assert_eq!(at, None, "{tail} is in the dump");
    }
    assert!(left.contains(&format!("ask (forgotten), (forgotten) or {others}")), "another's number stays");
    assert_eq!(
        shop.number("select count(*) from webhook_inbox where digest in ('c', 'd', 'f') and body = ''").await,
        3
    );
    assert_eq!(shop.number("select count(*) from webhook_inbox where digest in ('e', 'g') and body <> ''").await, 2);
    assert_eq!(
        shop.ok(&["audit", "--json"]).await.trim(),
        r#"{"counters":[],"history":[],"orders":[],"repaired":[],"twice":[]}"#
    );
}

#[tokio::test]
async fn a_sku_with_the_number_of_whoever_is_forgotten_is_called_the_same_again_wherever_it_stands() {
    let shop = known_shop().await;
    let (bare, other) = (digits(FIRST), format!("+{}", digits(FIRST + 1)));
    let rows = format!("sku,name,price\nX-{bare}-A,Kek of {bare},5\nX-{bare}9-A,Teh,60123450\n");
    let file = shop.write("menu.csv", rows);
    shop.ok(&["catalog", "import", file.to_str().unwrap()]).await;
    shop.ok(&["order", "add", "1", &other, &format!("X-{bare}-A*2"), &format!("X-{bare}9-A")]).await;
    shop.ok(&["order", "edit", "2", "roti*1@2"]).await;
    shop.ok(&["cart", "add", "1", &other, &format!("X-{bare}-A")]).await;
    let total = shop.json(&["order", "show", "2"]).await["original"]["total"].clone();

    shop.ok(&["customer", "forget", &number(FIRST), "--yes"]).await;

    let skus = async |query: &str| {
        let query = AssertSqlSafe(format!("select string_agg(sku, ' ' order by sku) from {query}"));
        sqlx::query_scalar::<_, String>(query).fetch_one(&shop.database.pool).await.unwrap()
    };
    let both = "X-(forgotten 2)-A X-(forgotten)-A";
    assert_eq!(skus("products").await, both);
    assert_eq!(skus("order_items where order_id = 2 and sku <> 'roti'").await, both);
    assert_eq!(skus("cart_items").await, "X-(forgotten)-A");
    let order = shop.json(&["order", "show", "2"]).await;
    let first: Vec<_> = order["original"]["items"].as_array().unwrap().iter().map(|item| &item["sku"]).collect();
    assert_eq!(first, ["X-(forgotten)-A", "X-(forgotten 2)-A"]);
    assert_eq!(order["original"]["items"][0]["name"], "Kek of (forgotten)");
    assert_eq!((&order["original"]["items"][1]["price"], &order["original"]["total"]), (&json!("60123450.00"), &total));
}
