//! What is written while somebody is being forgotten.

use blastdeck::app::{OrderDraft, typed_item};
use blastdeck::domain::ids::{BlastId, RecipientId};
use blastdeck::domain::phone::Phone;
use blastdeck::domain::recipient::Mark;
use blastdeck::store::forget;
use blastdeck::store::import::{self, ImportNote};
use serde_json::Value;
use sqlx::{AssertSqlSafe, Postgres, Transaction};
use tokio::task::JoinHandle;

use super::{FIRST, dump, number};
use crate::recurring::engine_app;
use crate::support::{Setup, Shop, WAITING_FOR_A_LOCK, digits, eventually_async, said};

/// A forgetting that has begun.
async fn forgetting(shop: &Shop) -> Transaction<'static, Postgres> {
    let mut forgets = shop.database.pool.begin().await.unwrap();
    forget::hold_lists(&mut forgets).await.unwrap();
    forgets
}

/// What takes the first out of every row of theirs.
const FORGET_ROWS: &str =
    "update blast_recipients set phone_number = 'forgotten-1', name = null where phone_number = $1";

async fn until_waiting<T>(shop: &Shop, work: &JoinHandle<T>) {
    let stands = async || work.is_finished() || shop.number(WAITING_FOR_A_LOCK).await > 0;
    eventually_async("it waits", stands).await;
}

#[tokio::test]
async fn a_copy_that_is_made_while_somebody_is_being_forgotten_is_without_them() {
    let shop = Shop::open(Setup::default()).await;
    let blast = shop.draft(FIRST..FIRST + 2).await;
    let app = engine_app(&shop, "one").await;
    let mut forgets = forgetting(&shop).await;

    let of = BlastId(blast.parse().unwrap());
    let copying = tokio::spawn(async move { app.duplicate(of).await });
    until_waiting(&shop, &copying).await;
    sqlx::query(FORGET_ROWS).bind(number(FIRST)).execute(&mut *forgets).await.unwrap();
    forgets.commit().await.unwrap();

    let (copy, _) = copying.await.unwrap().unwrap();
    let people = format!("select string_agg(phone_number, ' ') from blast_recipients where blast_id = {}", copy.id);
    assert_eq!(shop.text(&people).await, number(FIRST + 1));
}

#[tokio::test]
async fn a_list_that_is_read_again_locks_nothing_of_its_draft_before_it_has_waited_for_whoever_is_being_forgotten() {
    let shop = Shop::open(Setup::default()).await;
    let draft = shop.draft(FIRST..FIRST + 2).await;
    let (pool, id) = (shop.database.pool.clone(), BlastId(draft.parse().unwrap()));
    let forgets = forgetting(&shop).await;

    let list = tokio::spawn(async move { import::begin_adding(&pool, id, &ImportNote::default()).await });
    until_waiting(&shop, &list).await;

    let free = format!("select count(*) from (select from blasts where id = {draft} for update skip locked) b");
    assert!(!list.is_finished() && shop.number(&free).await == 1, "a forgetting locks the rows of whom it finds");
    forgets.commit().await.unwrap();
    assert!(list.await.unwrap().unwrap().is_some());
}

#[tokio::test]
async fn no_draft_comes_of_people_who_were_read_before_somebody_was_forgotten() {
    let shop = Shop::open(Setup::default()).await;
    let blast = shop.blast(FIRST..FIRST + 2).await;
    shop.until_idle().await;
    let value = digits(FIRST + 9);
    shop.execute(&format!("update blast_recipients set variables = '{{\"agent\": \"{value}\"}}'")).await;
    let from = format!("blast:{blast}");
    let new = ["blast", "new", "--sender", "sales", "--from", &from, "--message", "Ask {agent}"];
    let mut forgets = forgetting(&shop).await;

    let making = tokio::spawn(said(shop.command(&new)));
    until_waiting(&shop, &making).await;
    let forget = "update blast_recipients set variables = '{\"agent\": \"0\"}';
                  insert into operator_actions (operator, action) values ('aina', 'forget')";
    sqlx::raw_sql(forget).execute(&mut *forgets).await.unwrap();
    forgets.commit().await.unwrap();

    let refused = making.await.unwrap();
    assert!(
        refused.code == 3 && refused.err.contains("somebody was forgotten while its people were read"),
        "{refused:?}"
    );
    assert_eq!(shop.number("select count(*) from blasts").await, 1);
    shop.ok(&new).await;
    let agents = "select string_agg(variables ->> 'agent', ' ') from blast_recipients where blast_id <> 1";
    assert_eq!(shop.text(agents).await, "0 0");
}

#[tokio::test]
async fn an_opt_out_of_whoever_is_being_forgotten_writes_their_number_down_no_more() {
    let shop = Shop::open(Setup::default()).await;
    let phone = number(FIRST);
    shop.draft(FIRST..FIRST + 2).await;
    shop.ok(&["customer", "forget", &phone, "--yes"]).await;
    // As it is before they are.
    let hash =
        shop.text("select min(phone_number) from suppressions where starts_with(phone_number, 'forgotten:')").await;
    shop.execute("update suppressions set phone_number = 'forgotten-9' where starts_with(phone_number, 'forgotten:')")
        .await;
    let mut forgets = forgetting(&shop).await;
    forget::hold_numbers(&mut forgets, &phone).await.unwrap();

    let adding = tokio::spawn(said(shop.command(&["suppress", "add", &phone, "--json"])));
    until_waiting(&shop, &adding).await;
    let forget = sqlx::query("update suppressions set phone_number = $1 where phone_number = 'forgotten-9'");
    forget.bind(hash).execute(&mut *forgets).await.unwrap();
    forgets.commit().await.unwrap();

    let added = adding.await.unwrap();
    let said: Value = serde_json::from_str(&added.out).unwrap();
    assert_eq!(said["added"], false, "{added:?}");
    assert!(!dump(&shop).contains(&digits(FIRST)));
}

#[tokio::test]
async fn no_note_and_no_tag_comes_to_whoever_is_being_forgotten_and_others_do_not_wait_for_that() {
    let shop = Shop::open(Setup::default()).await;
    shop.draft(FIRST..FIRST + 9).await;
    let (phone, app) = (number(FIRST), engine_app(&shop, "one").await);
    let mut forgets = forgetting(&shop).await;
    forget::hold_numbers(&mut forgets, &phone).await.unwrap();
    let (one, other) = (Phone::from_database(phone.clone()), Phone::from_database(number(FIRST + 1)));

    app.note_customer(&other, "asks for a call").await.unwrap();
    let noting = tokio::spawn(async move { app.note_customer(&one, "asks for a call").await });
    until_waiting(&shop, &noting).await;
    sqlx::query(FORGET_ROWS).bind(phone).execute(&mut *forgets).await.unwrap();
    forgets.commit().await.unwrap();

    let refused = noting.await.unwrap().unwrap_err().to_string();
    assert!(refused.contains("nothing is known of"), "{refused}");
    assert_eq!(shop.number("select count(*) from customer_notes").await, 1);
}

#[tokio::test]
async fn a_mark_of_whoever_is_being_forgotten_waits_and_writes_nothing_and_others_are_marked_meanwhile() {
    let shop = Shop::open(Setup::default()).await;
    shop.blast(FIRST..FIRST + 2).await;
    shop.until_idle().await;
    let phone = number(FIRST);
    let id = RecipientId(shop.number(&format!("select id from blast_recipients where phone_number = '{phone}'")).await);
    let others = format!("select id from blast_recipients where phone_number = '{}'", number(FIRST + 1));
    let other = RecipientId(shop.number(&others).await);
    let noting = engine_app(&shop, "one").await;
    let (undoing, several) = (engine_app(&shop, "three").await, engine_app(&shop, "four").await);
    noting.mark(id, Mark::Note("calls at nine".to_owned())).await.unwrap();
    noting.mark(id, Mark::Note(String::new())).await.unwrap();
    let mut forgets = forgetting(&shop).await;
    forget::hold_numbers(&mut forgets, &phone).await.unwrap();

    noting.mark(other, Mark::Note("asks for a call".to_owned())).await.unwrap();
    let noted = tokio::spawn(async move { noting.mark(id, Mark::Note("calls at ten".to_owned())).await });
    let undone = tokio::spawn(async move { undoing.undo_person(id).await });
    let replied = tokio::spawn(async move { several.mark_several(&[id, other], &Mark::Replied).await });
    eventually_async("all of them wait", async || shop.number(WAITING_FOR_A_LOCK).await >= 3).await;
    sqlx::query(FORGET_ROWS).bind(phone).execute(&mut *forgets).await.unwrap();
    forgets.commit().await.unwrap();

    let refused = [noted.await.unwrap().unwrap_err(), undone.await.unwrap().unwrap_err()];
    for why in refused.map(|error| error.to_string()) {
        assert!(why.contains("they were forgotten meanwhile"), "{why}");
    }
    let replied = replied.await.unwrap().unwrap();
    assert_eq!((replied.marked.len(), replied.unmarked.refused.len()), (1, 1), "{replied:?}");
    assert_eq!(shop.text("select string_agg(note, ', ') from blast_recipients").await, "asks for a call");
    let late = "select count(*) from operator_actions where action = 'undo'";
    assert_eq!(shop.number(late).await, 0);
}

#[tokio::test]
async fn a_cart_of_whoever_is_being_forgotten_writes_their_number_down_no_more() {
    let shop = Shop::open(Setup::default()).await;
    let blast = shop.blast(FIRST..FIRST + 2).await;
    shop.until_idle().await;
    let (phone, app) = (number(FIRST), engine_app(&shop, "one").await);
    let draft = OrderDraft {
        blast: BlastId(blast.parse().unwrap()),
        phone: phone.clone(),
        items: vec![typed_item("dates*1@5").unwrap()],
        note: Some("to the office".to_owned()),
    };
    let mut forgets = forgetting(&shop).await;
    forget::hold_numbers(&mut forgets, &phone).await.unwrap();

    let adding = tokio::spawn(async move { app.add_cart(&draft).await.map(|written| written.cart.id) });
    until_waiting(&shop, &adding).await;
    sqlx::query(FORGET_ROWS).bind(phone).execute(&mut *forgets).await.unwrap();
    forgets.commit().await.unwrap();

    let refused = adding.await.unwrap().unwrap_err().to_string();
    assert!(refused.contains("they were forgotten meanwhile"), "{refused}");
    assert_eq!(shop.number("select count(*) from carts").await, 0);
}

#[tokio::test]
async fn opt_outs_of_others_do_not_wait_for_whoever_is_being_forgotten_whom_a_list_takes_last() {
    let shop = Shop::open(Setup::default()).await;
    let phone = number(FIRST);
    // Of many numbers some share a lock.
    let sharing = format!(
        "select min('+60100' || n) from generate_series({}, {}) n
          where hashtext(person_key('+60100' || n)) & 63 = hashtext(person_key('{phone}')) & 63",
        FIRST + 1_000,
        FIRST + 9_000
    );
    let neighbour = shop.text(&sharing).await;
    let list = shop.list(FIRST..FIRST + 400);
    let opted_out = "select count(*) from suppressions where business = 'kedai'";
    let mut forgets = forgetting(&shop).await;
    forget::hold_numbers(&mut forgets, &phone).await.unwrap();

    shop.ok(&["suppress", "add", &neighbour]).await;
    let import = ["suppress", "import", list.to_str().unwrap(), "--business", "kedai", "--json"];
    let importing = tokio::spawn(said(shop.command(&import)));
    let others = async || importing.is_finished() || shop.number(opted_out).await == 399;
    eventually_async("the others are opted out", others).await;
    until_waiting(&shop, &importing).await;
    assert!(!importing.is_finished() && shop.number(opted_out).await == 399, "it waits for whoever is being forgotten");
    forgets.rollback().await.unwrap();

    let imported = importing.await.unwrap();
    let said: Value = serde_json::from_str(&imported.out).unwrap();
    assert_eq!(said["added"], 400, "{imported:?}");
}

#[tokio::test]
async fn whoever_has_somebody_in_their_values_is_free_while_that_person_is_looked_for_elsewhere() {
    let shop = Shop::open(Setup::default()).await;
    let (phone, bare) = (number(FIRST), digits(FIRST));
    shop.draft(FIRST..FIRST + 1).await;
    let of_agent = shop.draft(FIRST + 1..FIRST + 3).await;
    let value =
        format!("update blast_recipients set variables = '{{\"agent\": \"{bare}\"}}' where blast_id = {of_agent}");
    shop.execute(&value).await;
    let webhook = format!(
        "insert into webhook_inbox (provider, digest, body, state) values ('wsapme', 'a', '{{\"from\": \"{bare}@c.us\"}}', 'applied')"
    );
    shop.execute(&webhook).await;
    let mut holds = shop.database.pool.begin().await.unwrap();
    sqlx::query("select 1 from webhook_inbox for update").execute(&mut *holds).await.unwrap();

    let forget = tokio::spawn(said(shop.command(&["customer", "forget", &phone, "--yes"])));
    until_waiting(&shop, &forget).await;
    let free = format!(
        "select count(*) from (select from blast_recipients where blast_id = {of_agent} for update skip locked) r"
    );
    assert!(shop.number(&free).await == 2 && !forget.is_finished(), "whoever opts one of them out does not wait");

    holds.rollback().await.unwrap();
    let forgotten = forget.await.unwrap();
    assert_eq!(forgotten.code, 0, "{forgotten:?}");
    assert!(!dump(&shop).contains(&bare));
}

#[tokio::test]
async fn a_note_on_somebody_else_that_is_written_while_whom_it_names_is_being_forgotten_loses_their_number() {
    let shop = Shop::open(Setup::default()).await;
    let (phone, bare) = (number(FIRST), digits(FIRST));
    shop.draft(FIRST..FIRST + 1).await;
    let of_agent = shop.draft(FIRST + 1..FIRST + 3).await;
    let value =
        format!("update blast_recipients set variables = '{{\"agent\": \"{bare}\"}}' where blast_id = {of_agent}");
    shop.execute(&value).await;
    let mut holds = shop.database.pool.begin().await.unwrap();
    let row = sqlx::query("select 1 from blast_recipients where phone_number = $1 for update").bind(number(FIRST + 1));
    row.execute(&mut *holds).await.unwrap();

    let forget = tokio::spawn(said(shop.command(&["customer", "forget", &phone, "--yes"])));
    until_waiting(&shop, &forget).await;
    shop.ok(&["customer", "note", &number(FIRST + 2), &format!("husband {bare}")]).await;
    assert!(!forget.is_finished(), "it waits for the lock");
    holds.rollback().await.unwrap();

    let forgotten = forget.await.unwrap();
    assert_eq!(forgotten.code, 0, "{forgotten:?}");
    assert_eq!(shop.text("select note from customer_notes").await, "husband (forgotten)");
    assert!(!dump(&shop).contains(&bare));
}

#[tokio::test]
async fn an_order_and_a_cart_whose_notes_name_somebody_are_free_while_that_person_is_looked_for_elsewhere() {
    let shop = Shop::open(Setup::default()).await;
    let blast = shop.blast(FIRST + 1..FIRST + 3).await;
    shop.until_idle().await;
    let (phone, bare) = (number(FIRST), digits(FIRST));
    shop.draft(FIRST..FIRST + 1).await;
    shop.ok(&["order", "add", &blast, &number(FIRST + 1), "teh*1@5"]).await;
    shop.ok(&["cart", "add", &blast, &number(FIRST + 2), "teh*1@5"]).await;
    shop.execute(&format!("update orders set note = '{bare} delivers'; update carts set note = '{bare} delivers'"))
        .await;
    let webhook = format!(
        "insert into webhook_inbox (provider, digest, body, state) values ('wsapme', 'a', '{{\"from\": \"{bare}@c.us\"}}', 'applied')"
    );
    shop.execute(&webhook).await;
    let mut holds = shop.database.pool.begin().await.unwrap();
    sqlx::query("select 1 from webhook_inbox for update").execute(&mut *holds).await.unwrap();

    let forget = tokio::spawn(said(shop.command(&["customer", "forget", &phone, "--yes"])));
    let webhooks_wait = "select count(*) from pg_stat_activity where datname = current_database()
                            and wait_event_type = 'Lock' and query like '%it named somebody who was forgotten%'";
    let waits = async || forget.is_finished() || shop.number(webhooks_wait).await > 0;
    eventually_async("it waits for the webhook", waits).await;
    let free = "select (select count(*) from (select from orders for update skip locked) o)
                     + (select count(*) from (select from carts for update skip locked) c)";
    assert!(shop.number(free).await == 2 && !forget.is_finished(), "whoever steps the order does not wait");

    holds.rollback().await.unwrap();
    let forgotten = forget.await.unwrap();
    assert_eq!(forgotten.code, 0, "{forgotten:?}");
    assert!(!dump(&shop).contains(&bare));
}

#[tokio::test]
async fn whoever_is_being_forgotten_waits_for_a_blast_that_somebody_has_for_longer_than_a_lock_is_waited_for() {
    let shop = Shop::open(Setup::default()).await;
    let (phone, bare) = (number(FIRST), digits(FIRST));
    shop.draft(FIRST..FIRST + 1).await;
    let other = shop.draft(FIRST + 1..FIRST + 3).await;
    shop.execute(&format!("update blasts set description = 'asked for by {bare}' where id = {other}")).await;
    let mut holds = shop.database.pool.begin().await.unwrap();
    let launch = format!("select 1 from blasts where id = {other} for no key update");
    sqlx::raw_sql(AssertSqlSafe(launch)).execute(&mut *holds).await.unwrap();
    let waits_since = "select coalesce(max(query_start)::text, '') from pg_stat_activity
                        where datname = current_database() and wait_event_type = 'Lock'";

    let forget = tokio::spawn(said(shop.command(&["customer", "forget", &phone, "--yes"])));
    until_waiting(&shop, &forget).await;
    let first = shop.text(waits_since).await;
    let again = async || {
        let since = shop.text(waits_since).await;
        forget.is_finished() || !since.is_empty() && since != first
    };
    eventually_async("it waits once more", again).await;
    assert!(!forget.is_finished(), "what it did before that is not lost");
    holds.rollback().await.unwrap();

    let forgotten = forget.await.unwrap();
    assert_eq!(forgotten.code, 0, "{forgotten:?}");
    assert!(!dump(&shop).contains(&bare));
}

#[tokio::test]
async fn nobody_is_forgotten_once_somebody_was_allowed_again_meanwhile_who_gets_their_number() {
    let shop = Shop::open(Setup::default()).await;
    let (phone, bare) = (number(FIRST), digits(FIRST));
    let blast = shop.draft(FIRST + 1..FIRST + 3).await;
    shop.send(&blast).await;
    let other = shop.draft(FIRST + 3..FIRST + 4).await;
    shop.execute(&format!(
        "update blasts set message = 'Hi {{name}}, call {{agent}}' where id = {blast};
         update blast_recipients set variables = '{{\"agent\": \"{bare}\"}}' where phone_number = '{}';
         update blasts set description = 'asked for by {bare}' where id = {other}",
        number(FIRST + 1),
    ))
    .await;
    shop.ok(&["mark", &blast, &digits(FIRST + 1), "opt-out"]).await;
    let mut holds = shop.database.pool.begin().await.unwrap();
    let launch = format!("select 1 from blasts where id = {other} for no key update");
    sqlx::raw_sql(AssertSqlSafe(launch)).execute(&mut *holds).await.unwrap();

    let forget = tokio::spawn(said(shop.command(&["customer", "forget", &phone, "--yes"])));
    until_waiting(&shop, &forget).await;
    shop.ok(&["mark", &blast, &digits(FIRST + 1), "undo", "--yes"]).await;
    holds.rollback().await.unwrap();

    let forgotten = forget.await.unwrap();
    let why = "somebody whose message has their number in it was allowed again meanwhile, and is queued: ";
    assert!(forgotten.code == 3 && forgotten.err.contains(why), "{forgotten:?}");
    let kept = "select variables ->> 'agent' from blast_recipients where variables ? 'agent'";
    assert_eq!(shop.text(kept).await, bare);
}

#[tokio::test]
async fn a_list_of_opt_outs_takes_whom_somebody_has_a_lock_on_behind_the_others() {
    let shop = Shop::open(Setup::default()).await;
    shop.draft(FIRST..FIRST + 3).await;
    let list = shop.list(FIRST..FIRST + 3);
    let opted_out = "select count(*) from suppressions where business = 'kedai'";
    let mut holds = shop.database.pool.begin().await.unwrap();
    let row = sqlx::query("select 1 from blast_recipients where phone_number = $1 for update").bind(number(FIRST));
    row.execute(&mut *holds).await.unwrap();

    let import = ["suppress", "import", list.to_str().unwrap(), "--business", "kedai", "--json"];
    let importing = tokio::spawn(said(shop.command(&import)));
    let others = async || importing.is_finished() || shop.number(opted_out).await == 2;
    eventually_async("the others are opted out", others).await;
    assert!(!importing.is_finished(), "it waits for the lock");
    holds.rollback().await.unwrap();

    let imported = importing.await.unwrap();
    let said: Value = serde_json::from_str(&imported.out).unwrap();
    assert!(said["added"] == 3 && said["already"] == 0, "{imported:?}");
}

#[tokio::test]
async fn a_list_of_opt_outs_takes_everybody_behind_many_whom_somebody_has_a_lock_on() {
    let shop = Shop::open(Setup::default()).await;
    shop.draft(FIRST..FIRST + 40).await;
    let list = shop.list(FIRST..FIRST + 40);
    let opted_out = "select count(*) from suppressions where business = 'kedai'";
    let locked: Vec<String> = (FIRST..FIRST + 30).map(number).collect();
    let mut holds = shop.database.pool.begin().await.unwrap();
    let rows = sqlx::query("select 1 from blast_recipients where phone_number = any($1) for update").bind(locked);
    rows.execute(&mut *holds).await.unwrap();

    let import = ["suppress", "import", list.to_str().unwrap(), "--business", "kedai", "--json"];
    let importing = tokio::spawn(said(shop.command(&import)));
    let others = async || importing.is_finished() || shop.number(opted_out).await == 10;
    eventually_async("the others are opted out", others).await;
    assert!(!importing.is_finished(), "it waits for the locks");
    holds.rollback().await.unwrap();

    let imported = importing.await.unwrap();
    let said: Value = serde_json::from_str(&imported.out).unwrap();
    assert!(said["added"] == 40 && said["already"] == 0, "{imported:?}");
}

#[tokio::test]
async fn a_list_of_opt_outs_takes_everybody_else_before_it_waits_for_a_lock_for_longer_than_a_moment() {
    let shop = Shop::open(Setup::default()).await;
    shop.draft(FIRST..FIRST + 40).await;
    let list = shop.list(FIRST..FIRST + 40);
    let opted_out = "select count(*) from suppressions where business = 'kedai'";
    let mut holds = shop.database.pool.begin().await.unwrap();
    let row = sqlx::query("select 1 from blast_recipients where phone_number = $1 for update").bind(number(FIRST));
    row.execute(&mut *holds).await.unwrap();

    let import = ["suppress", "import", list.to_str().unwrap(), "--business", "kedai"];
    let importing = tokio::spawn(said(shop.command(&import)));
    let long = "select count(*) from pg_stat_activity
                 where datname = current_database() and wait_event_type = 'Lock' and now() - query_start > '2 seconds'";
    let waits_long = async || importing.is_finished() || shop.number(long).await > 0;
    eventually_async("it waits for longer", waits_long).await;
    assert!(!importing.is_finished() && shop.number(opted_out).await == 39, "the others are opted out by then");
    holds.rollback().await.unwrap();

    let imported = importing.await.unwrap();
    assert_eq!(imported.code, 0, "{imported:?}");
}

#[tokio::test]
async fn a_list_of_opt_outs_says_whom_it_could_not_take_since_somebody_has_a_lock_on_them() {
    let shop = Shop::open(Setup::default()).await;
    shop.draft(FIRST..FIRST + 3).await;
    let list = shop.list(FIRST..FIRST + 3);
    let import = ["suppress", "import", list.to_str().unwrap(), "--business", "kedai"];
    let mut holds = shop.database.pool.begin().await.unwrap();
    let row = sqlx::query("select 1 from blast_recipients where phone_number = $1 for update").bind(number(FIRST + 1));
    row.execute(&mut *holds).await.unwrap();

    let imported = shop.run(&[&import[..], &["--json"]].concat()).await;
    holds.rollback().await.unwrap();
    let again = shop.json(&import).await;

    let said: Value = serde_json::from_str(&imported.out).unwrap();
    assert!(imported.code == 1 && said["added"] == 2 && said["not_suppressed"] == 1, "{imported:?}");
    assert_eq!(said["not_suppressed_rows"], serde_json::json!([3]));
    let failed: Value = serde_json::from_str(imported.err.lines().last().unwrap()).unwrap();
    let why = failed["error"]["message"].as_str().unwrap();
    let names = "1 person in the list (row 3) could not be suppressed and may still be messaged: give the list again: ";
    assert!(failed["error"]["kind"] == "database" && why.starts_with(names), "{imported:?}");
    assert!(again["added"] == 1 && again["already"] == 2 && again["not_suppressed"] == 0, "{again}");
}

#[tokio::test]
async fn a_step_that_asks_is_not_made_to_send_by_itself_while_somebody_in_its_values_is_being_forgotten() {
    let shop = Shop::open(Setup::default()).await;
    let blast = shop.blast(FIRST + 1..FIRST + 3).await;
    shop.until_idle().await;
    shop.draft(FIRST..FIRST + 1).await;
    let agent = digits(FIRST);
    let value =
        format!("update blast_recipients set variables = '{{\"agent\": \"{agent}\"}}' where blast_id = {blast}");
    shop.execute(&value).await;
    let add =
        ["blast", "step", "add", &blast, "--after", "48h", "--until", "read", "--message", "Or ask {agent}", "--yes"];
    shop.ok(&add).await;
    let mut holds = shop.database.pool.begin().await.unwrap();
    let row = sqlx::query("select 1 from blast_recipients where phone_number = $1 for update").bind(number(FIRST));
    row.execute(&mut *holds).await.unwrap();

    let forget = tokio::spawn(said(shop.command(&["customer", "forget", &number(FIRST), "--yes"])));
    until_waiting(&shop, &forget).await;
    let free = "select count(*) from (select from blast_steps for no key update skip locked) s";
    assert!(!forget.is_finished() && shop.number(free).await == 0, "whoever changes it waits");

    holds.rollback().await.unwrap();
    let forgotten = forget.await.unwrap();
    assert_eq!(forgotten.code, 0, "{forgotten:?}");
}

#[tokio::test]
async fn the_question_whether_to_forget_somebody_waits_for_no_row_and_so_locks_none() {
    let shop = Shop::open(Setup::default()).await;
    let blast = shop.blast(FIRST + 1..FIRST + 3).await;
    shop.until_idle().await;
    shop.draft(FIRST..FIRST + 1).await;
    let (phone, message) = (number(FIRST), format!("Or ask {}", digits(FIRST)));
    shop.ok(&["blast", "step", "add", &blast, "--after", "48h", "--message", &message, "--yes"]).await;
    shop.ok(&["blast", "step", "pause", &blast, "1"]).await;
    let mut holds = shop.database.pool.begin().await.unwrap();
    for rows in ["blasts", "blast_steps", "blast_recipients"] {
        let lock = format!("select 1 from {rows} for update");
        sqlx::query(sqlx::AssertSqlSafe(lock)).execute(&mut *holds).await.unwrap();
    }

    let asked = shop.run(&["customer", "forget", &phone]).await;

    assert!(asked.err.contains("will be forgotten, for good: 1 row in a blast"), "{asked:?}");
    assert!(asked.err.contains("taken out of the words that 1 step would send: step 1 of"), "{asked:?}");
    holds.rollback().await.unwrap();
}
