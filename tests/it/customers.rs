//! Customers: one person over all blasts; and their right to be forgotten, which leaves every count as it was.

mod forgetting;
mod lost_steps;
mod meanwhile;
mod merging;
mod returning;
mod saying;
mod texts;
mod words;

use std::fs;
use std::process::Command;

use serde_json::json;

use crate::support::{Setup, Shop, digits};

/// Whose number nothing else in a dump looks like.
const FIRST: u32 = 734_512;
const NAME: &str = "Zulaikha Binti Osman";
const TEXT: &str = "please send to Jalan Kenanga 17";

fn number(n: u32) -> String {
    format!("+{}", digits(n))
}

/// Everything in the database, as a backup has it.
fn dump(shop: &Shop) -> String {
    let said = Command::new("pg_dump").arg(&shop.database.url).output().unwrap();
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    String::from_utf8_lossy(&said.stdout).into_owned()
}

/// Three of three blasts: sent in two of them, queued in a draft; with replies, a sale, notes, tags, webhooks, answers and jobs that
/// name the first.
async fn known_shop() -> Shop {
    let shop = Shop::open(Setup::default()).await;
    let (first, second) = (shop.blast(FIRST..FIRST + 3).await, shop.blast(FIRST..FIRST + 2).await);
    shop.until_idle().await;
    shop.draft(FIRST..FIRST + 3).await;
    let phone = number(FIRST);
    let bare = digits(FIRST);
    shop.ok(&["mark", &first, &phone, "closed", "--amount", "120.50"]).await;
    shop.ok(&["mark", &second, &phone, "note", "--note", TEXT]).await;
    shop.ok(&["customer", "tag", &phone, "vip"]).await;
    shop.ok(&["customer", "tag", &phone, "tag-zulaikha", "zul.aikha"]).await;
    shop.ok(&["customer", "untag", &phone, "tag-zulaikha", "zul.aikha"]).await;
    let noted = shop.json_lines(&["customer", "note", &phone, TEXT]).await;
    assert!(noted.len() == 1 && noted[0]["id"].is_i64(), "one object a line: {noted:?}");
    shop.ok(&["customer", "tag", &phone, "sings-alto"]).await;
    shop.ok(&["token", "new", "--scope", "read", &format!("for-{bare}")]).await;
    shop.execute(&format!(
        "update blast_recipients set name = '{NAME}', message_text = 'Dear {NAME}', variables = '{{\"address\": \"{TEXT}\"}}'
          where phone_number = '{phone}' and blast_id = {first};
         insert into replies (sender_id, blast_id, recipient_id, phone_number, user_id, name, kind, body, message_id, at)
         select 1, {first}, id, phone_number, 'user-77', '{NAME}', 'text', '{TEXT}', 'wamid.x', now() from blast_recipients
          where phone_number = '{phone}' and blast_id = {first};
         update status_history set metadata = '{{\"message\": {{\"conversation\": \"Dear {NAME}, {TEXT}\"}}}}'
          where recipient_id in (select id from blast_recipients where phone_number = '{phone}');
         insert into user_ids (business, user_id, phone_number) values ('kedai', 'user-77', '{phone}');
         insert into marketing_wishes (business, phone_number, wish, at) values ('kedai', '{phone}', 'resume', now());
         insert into nameless_wishes (business, user_id, wish, reason, at) values ('kedai', 'user-77', 'stop', '{TEXT}', now());
         insert into webhook_inbox (provider, digest, body, state) values
            ('wsapme', 'a', '{{\"from\": \"{bare}@c.us\", \"text\": \"{TEXT}\"}}', 'applied'),
            ('meta', 'b', '{{\"user\": \"user-77\", \"name\": \"{NAME}\"}}', 'failed');
         insert into api_requests (token_id, key, fingerprint, request_id, status, answer)
         values (0, 'k-{bare}', 'f', 'r-{bare}', 200, '{{\"phone_number\": \"{phone}\", \"name\": \"{NAME}\", \"id\": 1}}');
         insert into api_requests (token_id, key, fingerprint, request_id, status, answer)
         values (0, 'k-2', 'f', 'r-2', 200, '{{\"detail\": \"added {NAME}, and 3 others\", \"id\": 4}}'),
                (0, 'k-4', 'f', 'r-4', 200, '{{\"tags\": [\"vip\", \"sings-alto\"], \"state\": \"new\"}}'),
                (0, 'k-3', 'f', 'r-3', 200, '{{\"name\": \"{}\", \"note\": \"note: {TEXT}\", \"total\": 5}}');
         insert into api_jobs (kind, blast_id, sender_id, created_by, result, error)
         values ('add_recipients', {first}, 1, 'x', '[\"{phone}\", \"{TEXT}\"]', 'not {bare} again');
         insert into opt_out_removals (business, phone_number, source, added_at) values ('kedai', '{phone}', 'person', now());
         insert into deleted_attempts (sender_id, phone_number, at, refused) values (1, '{phone}', now(), false);
         insert into orders (sender_id, phone_number, user_id, name, note, message_id, raw, uncounted, source, ordered_at)
         values (1, '{phone}', 'user-77', '{NAME}', '{TEXT}', 'order-of-{bare}', '{{\"from\": \"{bare}\"}}', 'of no blast', 'webhook', now());
         insert into carts (sender_id, blast_id, recipient_id, phone_number, name, note, created_by)
         values (1, {first}, 1, '{phone}', '{NAME}', '{TEXT} in {bare}', 'aina');
         insert into draft_opt_outs select id, person_key('{phone}'), true from blasts where state = 'draft';
         update blasts set left_out = '{{\"total\": 1, \"rows\": [{{\"value\": \"010-{}\"}}]}}', segment = 'phone:{bare}'
          where state = 'draft'",
        NAME.to_uppercase(),
        &bare[4..],
    ))
    .await;
    let log = shop.path("data/log");
    fs::create_dir_all(&log).unwrap();
    fs::write(log.join("blastdeck.log"), format!("opted out: {phone}\n")).unwrap();
    shop.ok(&["suppress", "add", &phone, "--business", "kedai", "--reason", TEXT]).await;
    shop.ok(&["suppress", "remove", &phone, "--business", "kedai"]).await;
    shop
}

#[tokio::test]
async fn a_customer_is_found_by_their_number_as_it_is_dialled_and_written() {
    let shop = Shop::open(Setup::default()).await;
    shop.draft(FIRST..FIRST + 2).await;
    let home = digits(FIRST)[2..].to_owned();
    let spaced = format!("0{}-{} {}", &home[..2], &home[2..5], &home[5..]);

    for search in [spaced, format!("+60 (0){home}"), digits(FIRST), home[4..].to_owned()] {
        let found = shop.json_lines(&["customer", "find", &search]).await;
        assert_eq!(found.len(), 1, "{search}: {found:?}");
        assert_eq!(found[0]["id"], json!(digits(FIRST)));
    }
}

#[tokio::test]
async fn whoever_was_marked_replied_by_hand_is_counted_and_seen_then() {
    let shop = Shop::open(Setup::default()).await;
    let blast = shop.blast(FIRST..FIRST + 1).await;
    shop.until_idle().await;
    let phone = number(FIRST);
    let seen = async || shop.json(&["customer", "show", &phone]).await["last_seen"].as_str().unwrap().to_owned();
    let before = seen().await;

    shop.ok(&["mark", &blast, &phone, "replied"]).await;

    let text = shop.ok(&["customer", "show", &phone]).await;
    assert!(text.contains(" 1 replied, 0 messages from them"), "{text}");
    assert!(seen().await > before, "{text}");
    shop.ok(&["mark", &blast, &phone, "undo"]).await;
    assert_eq!(seen().await, before, "what is taken back was not seen");
}

#[tokio::test]
async fn a_customer_is_one_over_all_blasts_and_numbers() {
    let shop = known_shop().await;
    let (phone, new) = (number(FIRST), number(FIRST + 1));

    let known = shop.json(&["customer", "show", &phone]).await;

    assert_eq!(known["id"], digits(FIRST));
    assert_eq!((&known["sent"], &known["replies"], &known["sales"]), (&json!(2), &json!(1), &json!(1)));
    assert_eq!((&known["revenue"], &known["tags"]), (&json!("120.50"), &json!(["sings-alto", "vip"])));
    assert!(known["names"].as_array().unwrap().contains(&json!(NAME)), "{known}");
    assert_eq!(known["blasts"].as_array().unwrap().len(), 3);
    let found = shop.json_lines(&["customer", "find", "zulaikha"]).await;
    assert_eq!((found.len(), &found[0]["id"]), (1, &json!(digits(FIRST))));
    assert_eq!(shop.json_lines(&["customer", "list"]).await.len(), 3);
    assert!(shop.ok(&["customer", "show", &phone]).await.contains("2 sent"));

    shop.ok(&["customer", "merge", &phone, &new]).await;

    let merged = shop.json(&["customer", "show", &phone]).await;
    assert_eq!((&merged["id"], &merged["sent"]), (&json!(digits(FIRST + 1)), &json!(4)));
    assert_eq!(merged["numbers"], json!([new, phone]));
    assert_eq!(shop.json_lines(&["customer", "list", "--tag", "VIP"]).await[0]["id"], digits(FIRST + 1));
    assert_eq!(shop.json_lines(&["customer", "list"]).await.len(), 2);
    let twice = shop.run(&["customer", "merge", &new, &phone]).await;
    assert!(twice.code == 3 && twice.err.contains("one customer already"), "{twice:?}");
    let main = shop.run(&["customer", "unmerge", &new]).await;
    assert!(main.code == 3 && main.err.contains("unmerge the others"), "{main:?}");
    shop.ok(&["customer", "unmerge", &phone]).await;
    assert_eq!(
        shop.json(&["customer", "show", &phone]).await["tags"],
        json!(["sings-alto", "vip"]),
        "each has its own again"
    );
    let bad = shop.run(&["customer", "tag", &phone, "very important"]).await;
    assert!(bad.code == 2 && bad.err.contains("is not a tag"), "{bad:?}");
    let unknown = shop.run(&["customer", "show", "+60100999999"]).await;
    assert!(unknown.code == 1 && unknown.err.contains("nothing is known"), "{unknown:?}");
}
