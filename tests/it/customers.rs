//! Customers: one person over all blasts; and their right to be forgotten, which leaves every count as it was.

mod merging;

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use sqlx::AssertSqlSafe;

use crate::recurring::engine_app;
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

/// Every byte of the files below a directory that are not the tests' own list.
fn files(directory: &Path) -> Vec<u8> {
    let entries = fs::read_dir(directory).unwrap().flatten();
    let bytes = entries.filter(|entry| entry.file_name() != "people.csv").flat_map(|entry| {
        if entry.path().is_dir() { files(&entry.path()) } else { fs::read(entry.path()).unwrap_or_default() }
    });
    bytes.collect()
}

fn has(bytes: &[u8], word: &[u8]) -> bool {
    bytes.windows(word.len()).any(|window| window == word)
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
    shop.ok(&["customer", "note", &phone, TEXT]).await;
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
         insert into api_jobs (kind, blast_id, sender_id, created_by, result, error)
         values ('add_recipients', {first}, 1, 'x', '[\"{phone}\", \"{TEXT}\"]', 'not {bare} again');
         insert into opt_out_removals (business, phone_number, source, added_at) values ('kedai', '{phone}', 'person', now());
         insert into deleted_attempts (sender_id, phone_number, at, refused) values (1, '{phone}', now(), false);
         insert into orders (sender_id, phone_number, user_id, name, note, message_id, raw, uncounted, source, ordered_at)
         values (1, '{phone}', 'user-77', '{NAME}', '{TEXT}', 'order-of-{bare}', '{{\"from\": \"{bare}\"}}', 'of no blast', 'webhook', now());
         insert into carts (sender_id, blast_id, recipient_id, phone_number, name, note, created_by)
         values (1, {first}, 1, '{phone}', '{NAME}', '{TEXT} in {bare}', 'aina');
         update blasts set left_out = '{{\"total\": 1, \"rows\": [{{\"value\": \"010-{}\"}}]}}', segment = 'phone:{bare}'
          where state = 'draft'",
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

/// All that is counted.
async fn counts(shop: &Shop) -> Vec<Value> {
    let mut counts = Vec::new();
    for blast in ["1", "2", "3"] {
        let mut report = shop.json(&["blast", "report", blast]).await;
        report.as_object_mut().unwrap().remove("as_of");
        counts.push(json!([report["funnel"], report["amount"], report["counts"], report["replies"], report["errors"]]));
    }
    counts
}

/// Every export and list, in one text.
async fn everything_exported(shop: &Shop) -> String {
    let mut exported = String::new();
    for what in ["recipients", "replies", "history"] {
        exported += &shop.ok(&["blast", "export", "1", "--what", what]).await;
    }
    for verb in ["order", "cart"] {
        exported += &shop.ok(&[verb, "export", "--format", "json"]).await;
        exported += &shop.ok(&[verb, "export", "--what", "items"]).await;
        exported += &shop.ok(&[verb, "list", "--json"]).await;
    }
    for verb in [&["replies", "export"][..], &["customer", "export"], &["customer", "list"], &["replies"]] {
        exported += &shop.ok(verb).await;
    }
    exported + &shop.ok(&["blast", "report", "1", "--format", "html"]).await
}

#[tokio::test]
async fn whoever_is_forgotten_leaves_no_trace_and_every_count_as_it_was() {
    let shop = known_shop().await;
    // Who is queued in a draft counts as opted out from then on, as by any opt-out.
    let (phone, bare) = (number(FIRST), digits(FIRST));
    shop.execute(&format!(
        "delete from blast_recipients where blast_id = 3 and phone_number = '{phone}';
                           update blasts set total_recipients = 2 where id = 3"
    ))
    .await;
    let before = counts(&shop).await;
    let known = [dump(&shop), everything_exported(&shop).await];
    assert!(known.iter().all(|text| text.contains(&bare) && text.contains(NAME) && text.contains(TEXT)));

    let said = shop.run(&["customer", "forget", &phone, "--yes"]).await;

    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.err.contains("2 rows in blasts") && said.err.contains("backups"), "{said:?}");
    assert!(said.err.contains("1 reply, 1 order, 1 cart"), "{said:?}");
    assert_eq!(counts(&shop).await, before);
    assert_eq!(shop.number("select count(*) from carts where state = 'open'").await, 0, "nobody will order it");
    assert_eq!(
        shop.ok(&["audit", "--json"]).await.trim(),
        r#"{"counters":[],"history":[],"orders":[],"repaired":[],"twice":[]}"#
    );
    let left = dump(&shop);
    let exported = everything_exported(&shop).await;
    let here = files(shop.path("people.csv").parent().unwrap());
    for word in [bare.as_str(), NAME, TEXT, "user-77", &bare[4..], "tag-zulaikha", "zul.aikha"] {
        let at = left.find(word).map(|at| &left[at.saturating_sub(200)..(at + 60).min(left.len())]);
        assert_eq!(at, None, "{word} is in the dump");
        assert!(!exported.contains(word), "{word} is in an export");
        assert!(!has(&here, word.as_bytes()), "{word} is in a file");
    }
    let posted = bare.parse::<u64>().unwrap().to_be_bytes();
    assert!(!has(&here, &posted), "the number is in the journal");
}

#[tokio::test]
async fn no_list_brings_somebody_back_who_was_forgotten_and_a_machine_without_the_key_takes_none() {
    let shop = known_shop().await;
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
async fn nobody_is_forgotten_while_a_message_to_them_may_be_under_way() {
    let shop = known_shop().await;
    let phone = number(FIRST);
    let of_first = format!("blast_id = 1 and phone_number = '{phone}'");
    let before = shop.rows().await;
    let forget = ["customer", "forget", &phone, "--yes"];

    let unasked = shop.run(&["customer", "forget", &phone]).await;
    assert!(
        unasked.code == 3 && unasked.err.contains("--yes") && unasked.err.contains("rows in blasts"),
        "{unasked:?}"
    );
    assert_eq!(shop.rows().await, before, "a question changes nothing");
    for (status, why) in [("sending", "in flight in blast 1"), ("uncertain", "uncertain resolve 1")] {
        shop.execute(&format!("update blast_recipients set status = '{status}' where {of_first}")).await;
        let refused = shop.run(&forget).await;
        assert!(refused.code == 3 && refused.err.contains(why), "{status}: {refused:?}");
    }
    shop.execute(&format!("update blast_recipients set status = 'closed' where {of_first}")).await;
    shop.execute("update webhook_inbox set state = 'parked' where state = 'failed'").await;
    let refused = shop.run(&forget).await;
    assert!(refused.code == 3 && refused.err.contains("1 webhook that names them waits"), "{refused:?}");
    shop.execute("update webhook_inbox set state = 'failed' where state = 'parked'").await;

    shop.ok(&forget).await;

    assert_eq!(
        shop.number("select count(*) from blast_recipients where blast_id = 3 and status = 'opted_out'").await,
        1,
        "whoever was queued in a draft is left out"
    );
    let again = shop.ok(&forget).await;
    assert!(again.contains("forgotten"), "it may be done once more: {again}");
    let stand_ins = "select count(*) from suppressions where phone_number like 'forgotten-%'";
    assert_eq!(shop.number(stand_ins).await, 1, "and leaves no second stand-in");
    let asked = shop.run(&["customer", "forget", &phone]).await;
    assert!(asked.err.contains("was forgotten before: nothing is known of them since"), "{asked:?}");
}

#[tokio::test]
async fn a_customer_is_one_over_all_blasts_and_numbers() {
    let shop = known_shop().await;
    let (phone, new) = (number(FIRST), number(FIRST + 1));

    let known = shop.json(&["customer", "show", &phone]).await;

    assert_eq!(known["id"], digits(FIRST));
    assert_eq!((&known["sent"], &known["replies"], &known["sales"]), (&json!(2), &json!(1), &json!(1)));
    assert_eq!((&known["revenue"], &known["tags"]), (&json!("120.50"), &json!(["vip"])));
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
    assert_eq!(shop.json(&["customer", "show", &phone]).await["tags"], json!(["vip"]), "each has its own again");
    let bad = shop.run(&["customer", "tag", &phone, "very important"]).await;
    assert!(bad.code == 2 && bad.err.contains("is not a tag"), "{bad:?}");
    let unknown = shop.run(&["customer", "show", "+60100999999"]).await;
    assert!(unknown.code == 1 && unknown.err.contains("nothing is known"), "{unknown:?}");
}

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
    assert_eq!((&order["original"]["items"][1]["price"], &order["original"]["total"]), (&json!("60123450"), &total));
}

#[tokio::test]
async fn whoever_is_forgotten_is_no_line_of_activity_and_no_command_names_them() {
    let shop = known_shop().await;
    shop.ok(&["customer", "forget", &number(FIRST), "--yes"]).await;
    shop.execute("delete from carts; delete from orders").await;
    let app = engine_app(&shop, "one").await;

    let rows = app.activity(None, 100).await.unwrap().rows;

    let phones: Vec<_> = rows.iter().filter_map(|row| Some(row.phone.as_ref()?.as_str())).collect();
    assert!(!phones.iter().any(|phone| phone.starts_with("forgotten:")), "{phones:?}");
    for verb in ["order", "cart"] {
        let none = shop.run(&[verb, "list", "--blast", "1"]).await;
        assert!(none.err.contains(&format!("{verb} add 1 {} ", number(FIRST + 1))), "{none:?}");
    }
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
    let rows = shop.json_lines(&["suppress", "list"]).await;
    assert!(rows.iter().any(|row| row["phone_number"].as_str().unwrap().starts_with("forgotten:")), "{rows:?}");
}

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
async fn whoever_is_forgotten_leaves_the_files_of_rejected_rows() {
    let shop = Shop::open(Setup::default()).await;
    let (first, other) = (number(FIRST), number(FIRST + 1));
    let list = format!("name,phone\nA,{first}\nB,{first}\nC,{other}\nD,{other}\n");
    let [list, stops, moved] = ["raya.csv", "stops.csv", "moved.csv"].map(|name| shop.write(name, &list));
    for list in [&list, &moved] {
        let list = list.to_str().unwrap();
        shop.ok(&["blast", "new", "--sender", "sales", "--message", "x", "--recipients", list]).await;
    }
    shop.ok(&["suppress", "import", stops.to_str().unwrap(), "--business", "kedai"]).await;
    let rejected = |name: &str| fs::read_to_string(shop.path(&format!("{name}.rejected.csv"))).unwrap();
    assert!(["raya", "stops", "moved"].iter().all(|name| rejected(name).contains(&first)));
    shop.write("moved.rejected.csv", format!("my notes\n{first}\n"));
    shop.execute("insert into rejected_files values ('other-machine', '/lists/old.rejected.csv')").await;

    let said = shop.run(&["customer", "forget", &first, "--yes"]).await;

    for name in ["raya", "stops"] {
        let left = rejected(name);
        assert!(!left.contains(&digits(FIRST)) && left.contains(&other), "{name}: {left}");
    }
    assert!(rejected("moved").starts_with("my notes"), "what is somebody else's is not touched");
    assert!(said.err.contains("moved.rejected.csv, which was changed since"), "{said:?}");
    assert!(said.err.contains("/lists/old.rejected.csv on other-machine"), "{said:?}");
    assert!(!said.err.contains("raya.rejected.csv"), "{said:?}");
}

#[tokio::test]
async fn customers_and_whoever_was_forgotten_come_to_what_the_report_says() {
    let shop = known_shop().await;
    shop.ok(&["mark", "1", &number(FIRST + 1), "closed", "--amount", "6.21"]).await;
    let revenue = async || {
        let rows = shop.json_lines(&["customer", "list"]).await;
        rows.iter().map(|row| row["revenue"].as_str().unwrap().parse::<f64>().unwrap()).sum::<f64>()
    };
    assert!((revenue().await - 126.71).abs() < 0.001);

    shop.ok(&["customer", "forget", &number(FIRST), "--yes"]).await;

    assert!((revenue().await - 6.21).abs() < 0.001);
    let said =
        "not among them, of 1 number that was forgotten: 2 sent, 2 received, 2 read, 1 reply, 1 order, revenue 120.50";
    for verb in [&["customer", "list"][..], &["customer", "list", "--json"], &["customer", "export"]] {
        let listed = shop.run(verb).await;
        assert!(listed.err.contains(said), "{verb:?}: {listed:?}");
    }
    let of_tag = shop.run(&["customer", "list", "--tag", "vip"]).await;
    assert!(!of_tag.err.contains("forgotten"), "{of_tag:?}");
}

#[tokio::test]
async fn a_day_of_consent_that_there_is_not_is_named_as_such() {
    let shop = Shop::open(Setup::default()).await;
    let list = shop.write("consent.csv", "phone,consent_source,consent_date\n60100734512,web form,2026-02-30\n");
    let new = ["blast", "new", "--sender", "sales", "--message", "x", "--recipients", list.to_str().unwrap()];
    shop.ok(&new).await;

    let shown = shop.ok(&["customer", "show", &number(FIRST)]).await;

    assert!(shown.contains("consent: web form, dated `2026-02-30` by the list, a day that there is not"), "{shown}");
}
