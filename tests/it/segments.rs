//! Blasts to people of earlier ones, whom a filter names: exactly those, less those who must not be written to, read again until
//! somebody sends.

mod cap;

use blastdeck::app::{AppError, DraftList, DraftOvertaken, ListToTake};
use blastdeck::domain::ids::BlastId;
use blastdeck::domain::list_columns::ChosenColumns;
use serde_json::{Value, json};

use crate::api::client;
use crate::recurring::engine_app;
use crate::support::serve::Serve;
use crate::support::{Setup, Shop, digits};

/// A blast that is over, and another draft. Four read it long ago (0 to 3), one just now (4), one received it (5). The second opted
/// out, the third bought in the other blast since.
async fn read_shop() -> (Shop, String) {
    let shop = Shop::open(Setup::default()).await;
    let blast = shop.blast(0..6).await;
    shop.until_idle().await;
    let other = shop.draft(2..3).await;
    let phone = |n| format!("'+{}'", digits(n));
    shop.execute(&format!(
        "update blast_recipients set status = 'read', standing = 'read', closed_at = null, replied_marked_at = null,
                reply_seen_at = null, opted_out_at = null, sent_at = now() - interval '90 hours',
                read_timestamp = now() - interval '80 hours' where blast_id = {blast};
         delete from suppressions;
         update blast_recipients set read_timestamp = now() - interval '1 hour 5 minutes' where phone_number = {};
         update blast_recipients set status = 'delivered', standing = 'delivered' where phone_number = {};
         insert into suppressions (business, phone_number, source) select business, {}, 'operator' from senders;
         update blast_recipients set status = 'closed', standing = 'read', closed_at = now() where blast_id = {other}",
        phone(4),
        phone(5),
        phone(1),
    ))
    .await;
    (shop, blast)
}

fn number(n: u32) -> String {
    format!("+{}", digits(n))
}

async fn numbers(shop: &Shop, blast: &Value) -> Vec<String> {
    let people = shop.json_lines(&["blast", "recipients", &blast.to_string()]).await;
    people.iter().map(|person| person["phone_number"].as_str().unwrap_or_default().to_owned()).collect()
}

async fn draft_from(shop: &Shop, filter: &str) -> Value {
    shop.json(&["blast", "new", "--sender", "sales", "--message", "Still there, {name}?", "--from", filter]).await
}

#[tokio::test]
async fn a_filter_names_exactly_whom_it_finds_and_the_plan_says_who_is_left_out() {
    let (shop, blast) = read_shop().await;

    let made = draft_from(&shop, &format!("blast:{blast} stuck:read -has:reply older:48h")).await;

    assert_eq!(numbers(&shop, &made["id"]).await, [number(0), number(3)]);
    let id = made["id"].to_string();
    let plan = shop.json(&["blast", "plan", &id]).await;
    assert_eq!(plan["people"], 2);
    assert_eq!(plan["segment"]["finds"], 4);
    assert_eq!(plan["segment"]["left_out"], json!({ "opted_out": 1, "closed": 1 }));
    let left_out = shop.json_lines(&["blast", "plan", &id, "--left-out"]).await;
    let why = |n: usize| (left_out[n]["phone_number"].clone(), left_out[n]["reason"].clone());
    assert_eq!([why(0), why(1)], [(json!(number(1)), json!("opted_out")), (json!(number(2)), json!("closed"))]);
    let said = shop.ok(&["blast", "plan", &id]).await;
    assert!(said.contains("finds 4 people") && said.contains("1 left out: opted out"), "{said}");
    let buyers = draft_from(&shop, &format!("blast:{} status:closed", id.parse::<i64>().unwrap() - 1)).await;
    assert_eq!(numbers(&shop, &buyers["id"]).await, [number(2)], "who asks for buyers gets them");
}

#[tokio::test]
async fn nobody_is_added_to_whom_a_filter_finds_or_taken_out_of_them_by_hand() {
    let (shop, blast) = read_shop().await;
    let made = draft_from(&shop, &format!("blast:{blast} stuck:read")).await;
    let id = made["id"].to_string();
    let before = numbers(&shop, &made["id"]).await;

    for act in [["blast", "remove", &id, &before[0]], ["blast", "add", &id, &number(8)]] {
        let refused = shop.run(&act).await;
        assert_eq!(refused.code, 3, "{refused:?}");
        assert!(refused.err.contains("are whom its filter finds"), "{refused:?}");
    }

    assert_eq!(numbers(&shop, &made["id"]).await, before);
}

#[tokio::test]
async fn whom_the_message_cannot_be_made_for_is_listed_among_those_who_are_left_out() {
    let (shop, blast) = read_shop().await;
    let phone = number(3);
    shop.execute(&format!("update blast_recipients set name = null, variables = null where phone_number = '{phone}'"))
        .await;

    let from = format!("blast:{blast} stuck:read -has:reply older:48h");
    let usual = ["blast", "new", "--sender", "sales", "--message", "Still there, {name}?", "--from"];
    let made = shop.run(&[&usual[..], &[&from]].concat()).await;

    let said = "3 people left out:\n       1  without name\n       1  opted out\n       1  bought since\n";
    assert!(made.err.contains(said), "a filter has no rows: {}", made.err);
    let left_out = shop.json_lines(&["blast", "plan", made.out.trim(), "--left-out"]).await;
    let last = left_out.last().unwrap();
    assert_eq!((left_out.len(), &last["phone_number"], &last["reason"]), (3, &json!(phone), &json!("without name")));
}

#[tokio::test]
async fn whom_the_message_cannot_be_made_for_is_counted_as_the_filter_finds_people_now() {
    let (shop, blast) = read_shop().await;
    let nameless = number(3);
    let none = format!("update blast_recipients set name = null, variables = null where phone_number = '{nameless}'");
    shop.execute(&none).await;
    let id = draft_from(&shop, &format!("blast:{blast} stuck:read")).await["id"].to_string();
    let without = json!({ "total": 1, "reasons": [{ "reason": "without name", "rows": 1 }] });
    let planned = async |options: &[&str]| {
        let plan = shop.json(&[options, &["blast", "plan", &id][..]].concat()).await;
        (plan["people"].clone(), plan["left_out"].clone())
    };

    let made = planned(&[]).await;
    shop.ok(&["mark", &blast, &number(0), "replied"]).await;
    let read_only = planned(&["--read-only"]).await;
    let fewer = planned(&[]).await;
    let said = shop.ok(&["blast", "plan", &id]).await;
    shop.ok(&["suppress", "add", &nameless]).await;
    let opted_out = [planned(&["--read-only"]).await, planned(&[]).await];

    assert_eq!(made, (json!(2), without.clone()));
    assert_eq!([read_only, fewer], [(json!(1), without.clone()), (json!(1), without)], "one of the others replied");
    assert!(said.contains("     1 left out: 1 without name\n"), "a filter has no list: {said}");
    assert_eq!(opted_out, [(json!(1), Value::Null), (json!(1), Value::Null)], "they are left out for that now");
}

#[tokio::test]
async fn who_comes_to_be_found_or_not_until_it_is_sent_is_counted_at_the_launch() {
    let (shop, blast) = read_shop().await;
    let id = draft_from(&shop, &format!("blast:{blast} stuck:read older:48h")).await["id"].to_string();
    let phone = number(0);
    shop.execute(&format!(
        "update blast_recipients set status = 'replied', standing = 'replied', replied_marked_at = now()
          where blast_id = {blast} and phone_number = '{phone}'"
    ))
    .await;

    let sent = shop.json(&["blast", "send", &id, "--yes", "--no-engine"]).await;

    assert_eq!(sent["people"], 1, "who replied meanwhile is not asked whether they have read it");
    assert_eq!(numbers(&shop, &json!(id.parse::<i64>().unwrap())).await, [number(3)]);
    shop.execute(&format!("update blast_recipients set status = 'read', standing = 'read' where blast_id = {blast}"))
        .await;
    assert_eq!(shop.json(&["blast", "plan", &id]).await["segment"], Value::Null, "frozen once it is sent");
}

#[tokio::test]
async fn whoever_is_found_again_with_another_name_or_value_gets_the_message_with_that() {
    let (shop, blast) = read_shop().await;
    let new = ["blast", "new", "--sender", "sales", "--message", "{name}, still in {city|town}?", "--from"];
    let made = shop.json(&[&new[..], &[&format!("blast:{blast} stuck:read older:48h")]].concat()).await;
    let id = made["id"].to_string();
    let version = format!("select version::bigint from blasts where id = {id}");
    let before = shop.number(&version).await;
    shop.ok(&["blast", "plan", &id]).await;
    assert_eq!(shop.number(&version).await, before, "nothing of them changed");
    for set in ["name = 'Siti'", "variables = '{\"city\": \"Ipoh\"}'"] {
        shop.execute(&format!(
            "update blast_recipients set {set} where blast_id = {blast} and phone_number = '{}'",
            number(0)
        ))
        .await;
        shop.ok(&["blast", "plan", &id]).await;
    }

    let values = format!(
        "select name || ' of ' || (variables ->> 'city') from blast_recipients where blast_id = {id} and phone_number = '{}'",
        number(0)
    );
    assert_eq!(shop.text(&values).await, "Siti of Ipoh");
    let after = shop.number(&version).await;
    shop.ok(&["blast", "plan", &id]).await;
    assert_eq!(shop.number(&version).await, after, "and it is made anew once");
}

#[tokio::test]
async fn nobody_is_found_in_a_blast_that_is_deleted_while_its_rows_are_still_there() {
    let (shop, blast) = read_shop().await;
    let id = draft_from(&shop, &format!("blast:{blast} stuck:read")).await["id"].to_string();
    shop.execute(&format!("update blasts set deleted_at = now() where id = {blast}")).await;

    let plan = shop.json(&["blast", "plan", &id]).await;

    assert_eq!((&plan["people"], &plan["segment"]["finds"]), (&json!(0), &json!(0)), "{plan}");
}

#[tokio::test]
async fn of_several_blasts_the_newest_message_counts_and_nobody_is_in_twice() {
    let (shop, blast) = read_shop().await;
    let second = shop.draft(3..8).await;
    shop.execute(&format!(
        "update blast_recipients set status = 'sent', standing = 'sent', sent_at = now() - interval '60 hours' where blast_id = {second};
         update blast_recipients set status = 'read', standing = 'read', read_timestamp = now() - interval '50 hours'
          where blast_id = {second} and phone_number in ('{}', '{}')",
        number(6),
        number(7),
    ))
    .await;

    let made = draft_from(&shop, &format!("blast:{blast},{second} status:read older:48h")).await;

    // 3 read the first, but not the second.
    assert_eq!(numbers(&shop, &made["id"]).await, [number(0), number(6), number(7)]);
}

#[tokio::test]
async fn the_frequency_cap_leaves_out_who_had_another_message_lately_or_is_about_to() {
    let (shop, blast) = read_shop().await;
    let config = std::fs::read_to_string(shop.path("config.toml")).unwrap();
    shop.write("config.toml", format!("{config}\n[[businesses]]\nname = \"kedai\"\nfrequency_cap = \"7d\"\n"));
    let lately = shop.draft(0..1).await;
    shop.execute(&format!(
        "update blast_recipients set status = 'sent', standing = 'sent', sent_at = now() - interval '6 days' where blast_id = {lately}"
    ))
    .await;
    let filter = format!("blast:{blast} stuck:read older:48h");

    let made = draft_from(&shop, &filter).await;
    assert_eq!(numbers(&shop, &made["id"]).await, [number(3)], "the blast that is named does not count");
    let plan = shop.json(&["blast", "plan", &made["id"].to_string()]).await;
    assert_eq!(plan["segment"]["left_out"]["frequency_cap"], 1, "{plan}");
    let failed = "set status = 'failed', standing = 'failed', failed_at = now()";
    shop.execute(&format!("update blast_recipients {failed} where blast_id = {lately}")).await;
    assert_eq!(draft_from(&shop, &filter).await["taken"], 2, "a message that failed is none that they had");
    let sent = "set status = 'sent', standing = 'sent', sent_at = now() - interval '8 days'";
    shop.execute(&format!("update blast_recipients {sent} where blast_id = {lately}")).await;
    assert_eq!(
        draft_from(&shop, &filter).await["taken"],
        2,
        "a message of eight days ago is none of the last seven days"
    );

    shop.blast(3..4).await;
    assert_eq!(draft_from(&shop, &filter).await["taken"], 1, "who is queued elsewhere is about to get one");
}

#[tokio::test]
async fn the_frequency_cap_counts_messages_of_blasts_that_were_deleted() {
    let (shop, blast) = read_shop().await;
    let config = std::fs::read_to_string(shop.path("config.toml")).unwrap();
    shop.write("config.toml", format!("{config}\n[[businesses]]\nname = \"kedai\"\nfrequency_cap = \"7d\"\n"));
    let filter = format!("blast:{blast} stuck:read older:48h");
    let taken = async || draft_from(&shop, &filter).await["taken"].as_i64().unwrap();
    let before = taken().await;
    let lately = shop.blast(0..1).await;
    shop.until_idle().await;
    assert_eq!(taken().await, before - 1);

    shop.ok(&["blast", "delete", &lately, "--yes"]).await;
    assert_eq!(taken().await, before - 1, "its people are still there");
    shop.until_idle().await;
    assert_eq!(shop.number(&format!("select count(*) from blasts where id = {lately}")).await, 0);
    assert_eq!(taken().await, before - 1, "nobody is there any more");
    let plan = shop.json(&["blast", "plan", &shop.draft(0..2).await]).await;
    assert_eq!(plan["recently_messaged"], 1, "{plan}");
}

#[tokio::test]
async fn the_frequency_cap_counts_every_message_to_people_who_are_found_by_a_tag() {
    let (shop, blast) = read_shop().await;
    let config = std::fs::read_to_string(shop.path("config.toml")).unwrap();
    shop.write("config.toml", format!("{config}\n[[businesses]]\nname = \"kedai\"\nfrequency_cap = \"7d\"\n"));
    shop.execute(&format!(
        "update blast_recipients set sent_at = now() - interval '2 days' where blast_id = {blast} and phone_number = '{}';
         update blast_recipients set sent_at = now() - interval '8 days' where blast_id = {blast} and phone_number = '{}'",
        number(0),
        number(3)
    ))
    .await;
    for person in [number(0), number(3)] {
        shop.ok(&["customer", "tag", &person, "vip"]).await;
    }

    let made = draft_from(&shop, "tag:vip").await;

    assert_eq!(numbers(&shop, &made["id"]).await, [number(3)], "the newest message counts, in whichever blast");
}

#[tokio::test]
async fn a_follow_up_takes_a_filter_too_and_leaves_out_who_is_in_one() {
    let (shop, blast) = read_shop().await;
    let ask = ["blast", "follow-up", &blast, "--from", "stuck:read older:48h"];

    let made = shop.json(&ask).await;

    assert_eq!((&made["taken"], &made["follows"]), (&json!(2), &json!(blast.parse::<i64>().unwrap())));
    let kept = format!(
        "select count(*) from blasts where id = {} and follows_blast = {blast} and segment = 'blast:{blast} stuck:read older:48h'",
        made["id"]
    );
    assert_eq!(shop.number(&kept).await, 1);
    shop.send(&made["id"].to_string()).await;
    let again = shop.run(&ask).await;
    assert_eq!(again.code, 3, "{again:?}");
    assert!(again.err.contains("2 in a follow-up of it already"), "{again:?}");
}

#[tokio::test]
async fn a_filter_that_cannot_be_read_or_finds_nobody_changes_nothing_and_says_why() {
    let (shop, blast) = read_shop().await;
    let before = shop.number("select count(*) from blasts").await;
    for (filter, code, said) in [
        ("stuck:read".to_owned(), 2, "name the blasts"),
        (format!("blast:{blast} stcuk:read"), 2, "character"),
        ("blast:999 stuck:read".to_owned(), 1, "there is no blast 999"),
        (format!("blast:{blast} name:nobody-like-this"), 3, "finds nobody"),
    ] {
        let ran = shop.run(&["blast", "new", "--sender", "sales", "--message", "Hi", "--from", &filter]).await;
        assert_eq!(ran.code, code, "{filter}: {ran:?}");
        assert!(ran.err.contains(said), "{filter}: {ran:?}");
    }
    let both = shop.run(&[
        "blast",
        "new",
        "--sender",
        "sales",
        "--message",
        "Hi",
        "--from",
        "blast:1",
        "--recipients",
        "x.csv",
    ]);
    assert_eq!(both.await.code, 2);
    assert_eq!(shop.number("select count(*) from blasts").await, before);
}

#[tokio::test]
async fn a_list_of_opt_outs_is_taken_as_a_list_of_people_is() {
    let shop = Shop::open(Setup::default()).await;
    shop.draft(0..1).await;
    let list = shop.write(
        "stop.csv",
        "\u{feff}Nama;Telefon;reason\nSiti;012-345 6789;asked by mail\nAli;+60 12 345 6790;\nAli;60123456790;\nBad;12ab;\n",
    );
    let list = list.to_str().unwrap();

    let done = shop.json(&["suppress", "import", list]).await;

    assert_eq!((&done["added"], &done["already"], &done["rejected"]), (&json!(2), &json!(0), &json!(2)), "{done}");
    let rejected = std::fs::read_to_string(shop.path("stop.rejected.csv")).unwrap();
    assert!(rejected.contains("12ab") && rejected.contains("taken once"), "{rejected}");
    let rows = shop.json_lines(&["suppress", "list"]).await;
    assert!(
        rows.iter().any(|row| row["phone_number"] == "+60123456789" && row["reason"] == "asked by mail"),
        "{rows:?}"
    );
    let again = shop.json(&["suppress", "import", list, "--business", "kedai"]).await;
    assert_eq!((&again["added"], &again["business"]), (&json!(2), &json!("kedai")));
    let twice = shop.json(&["suppress", "import", list]).await;
    assert_eq!((&twice["added"], &twice["already"]), (&json!(0), &json!(2)));
    let empty = shop.write("empty.csv", "phone\nx\n");
    assert_eq!(shop.run(&["suppress", "import", empty.to_str().unwrap()]).await.code, 3);
    assert_eq!(shop.run(&["suppress", "import", list, "--business", "nobody"]).await.code, 1);
}

#[tokio::test]
async fn a_list_of_opt_outs_and_one_that_is_kept_are_read_by_the_columns_that_are_named() {
    let shop = Shop::open(Setup::default()).await;
    let list = shop.write("two.csv", "Phone,New number,Name,Called\n+60123456780,+60123456789,Siti binti Ali,Siti\n");
    let list = list.to_str().unwrap();

    let stopped = shop.run(&["suppress", "import", list, "--phone-column", "New number"]).await;
    let kept = shop.run(&["list", "save", "raya", list, "--phone-column", "column 2", "--name-column", "Called"]).await;
    let wrong = shop.run(&["list", "save", "raya", list, "--phone-column", "Mobile"]).await;
    let new =
        ["blast", "new", "--sender", "sales", "--message", "Hi", "--from", "list:raya", "--name-column", "Called"];
    let without_list = shop.run(&new).await;
    let added = shop.run(&["blast", "add", "1", "+60123456789", "--phone-column", "Phone"]).await;

    assert!(stopped.code == 0 && stopped.err.contains("phones from New number"), "{stopped:?}");
    assert_eq!(shop.json(&["suppress", "list"]).await["phone_number"], "+60123456789");
    assert!(kept.code == 0 && kept.err.contains("phones from New number, names from Called"), "{kept:?}");
    let person = shop.json(&["list", "show", "raya"]).await;
    assert_eq!((&person["phone_number"], &person["name"]), (&json!("+60123456789"), &json!("Siti")), "{person}");
    assert!(wrong.code == 3 && wrong.err.contains("Mobile"), "{wrong:?}");
    for said in [without_list, added] {
        assert!(said.code == 2 && said.err.contains("are about the list of --recipients"), "{said:?}");
    }
}

#[tokio::test]
async fn every_plan_shows_whom_the_filter_finds_now_and_what_only_reads_writes_nothing() {
    let (shop, blast) = read_shop().await;
    let made = draft_from(&shop, &format!("blast:{blast} stuck:read older:48h")).await;
    let id = made["id"].to_string();
    assert_eq!(shop.json(&["blast", "plan", &id]).await["people"], 2);
    let found = format!(
        "update blast_recipients set status = 'replied', standing = 'replied', replied_marked_at = now()
          where blast_id = {blast} and phone_number = '{}'",
        number(0)
    );
    shop.execute(&found).await;

    let read_only = shop.json(&["--read-only", "blast", "plan", &id]).await;
    let serve = Serve::start(&shop, &["--no-engine"]).await;
    let path = format!("/api/blasts/{id}/plan");
    let reader = client(&shop, &serve, "read").await;
    let by_reader = reader.get(&path).await.expect(200).body;
    assert_eq!((&read_only["people"], &by_reader["recipients"]), (&json!(1), &json!(1)));
    assert_eq!(by_reader["samples"].as_array().unwrap().len(), 1, "{by_reader}");
    assert_eq!(by_reader["samples"][0]["name"], "Person 3");
    assert_eq!(shop.number(&format!("select count(*) from blast_recipients where blast_id = {id}")).await, 2);

    let writer = client(&shop, &serve, "write").await;
    assert_eq!(writer.get(&path).await.expect(200).body["recipients"], 1);
    assert_eq!(shop.number(&format!("select count(*) from blast_recipients where blast_id = {id}")).await, 1);
    serve.stop().await;
}

#[tokio::test]
async fn a_plan_of_who_only_reads_has_the_numbers_of_a_writers_plan() {
    let (shop, blast) = read_shop().await;
    let id = draft_from(&shop, &format!("blast:{blast} stuck:read older:48h")).await["id"].to_string();
    // One of the two in it opts out, and one who is not in it yet may be written to again.
    shop.execute(&format!(
        "insert into suppressions (business, phone_number, source) select business, '{}', 'operator' from senders;
         delete from suppressions where phone_number = '{}'",
        number(0),
        number(1)
    ))
    .await;
    let counted = |plan: &Value| {
        ["people", "suppressed", "segment", "recently_messaged", "had_this_message", "queued_elsewhere"]
            .map(|key| plan[key].clone())
    };

    let read_only = shop.json(&["--read-only", "blast", "plan", &id]).await;
    let said = shop.ok(&["--read-only", "blast", "plan", &id]).await;

    assert_eq!(counted(&read_only)[..2], [json!(2), json!(0)], "{read_only}");
    assert_eq!(read_only["segment"]["left_out"], json!({ "opted_out": 1, "closed": 1 }));
    assert_eq!(read_only["recently_messaged"], 2, "{read_only}");
    assert!(!said.contains("they opted out"), "{said}");
    assert_eq!(counted(&read_only), counted(&shop.json(&["blast", "plan", &id]).await));
}

#[tokio::test]
async fn a_draft_is_opened_with_whom_its_filter_finds_by_now() {
    let (shop, blast) = read_shop().await;
    let made = draft_from(&shop, &format!("blast:{blast} stuck:read older:48h")).await;
    let app = engine_app(&shop, "aina").await;
    let draft = BlastId(made["id"].as_i64().unwrap());
    let before = app.open_draft_as_found(draft).await.unwrap();

    shop.ok(&["mark", &blast, &number(0), "replied"]).await;
    let after = app.open_draft_as_found(draft).await.unwrap();

    assert_eq!((before.people, after.people), (2, 1));
    assert_eq!(numbers(&shop, &made["id"]).await, [number(3)]);
    assert_eq!(app.open_draft_as_found(draft).await.unwrap(), after, "nothing changed since");
}

#[tokio::test]
async fn whom_a_filter_finds_meanwhile_does_not_overtake_what_somebody_writes() {
    let (shop, blast) = read_shop().await;
    let made = draft_from(&shop, &format!("blast:{blast} stuck:read older:48h")).await;
    let draft = BlastId(made["id"].as_i64().unwrap());
    let (ana, ben) = (engine_app(&shop, "ana").await, engine_app(&shop, "ben").await);
    let mut written = ana.open_draft_as_found(draft).await.unwrap();
    shop.ok(&["mark", &blast, &number(0), "replied"]).await;
    let found = ben.open_draft_as_found(draft).await.unwrap();
    assert!(found.at.version > written.at.version && found.people == 1);

    written.form.message = "Salam, {name}".to_owned();
    let saved = ana.save_draft(Some(written.at), &written.form).await.unwrap();

    assert_eq!(numbers(&shop, &made["id"]).await, [number(3)]);
    assert_eq!(ana.open_draft(draft).await.unwrap().at, saved.at);
    // Other words are asked about still.
    let refused = ben.save_draft(Some(found.at), &found.form).await;
    assert!(matches!(refused, Err(AppError::Overtaken(DraftOvertaken::Changed { .. }))), "{refused:?}");
    assert_eq!(ana.open_draft(draft).await.unwrap().form.message, "Salam, {name}");
}

#[tokio::test]
async fn no_list_takes_the_place_of_whom_a_filter_finds() {
    let (shop, blast) = read_shop().await;
    let made = draft_from(&shop, &format!("blast:{blast} stuck:read older:48h")).await;
    let before = numbers(&shop, &made["id"]).await;
    let app = engine_app(&shop, "aina").await;
    let draft = BlastId(made["id"].as_i64().unwrap());
    let file = DraftList::File(shop.write("raya.csv", format!("phone,name\n{},Aina\n", digits(9))));
    let list = ListToTake { list: file, columns: ChosenColumns::default(), mends: Vec::new() };

    let opened = app.open_draft(draft).await.unwrap();
    let refused = app.take_list(opened.at, &opened.form, &list).await.unwrap_err().to_string();

    assert!(refused.contains("stuck:read older:48h") && refused.contains("no list takes their place"), "{refused}");
    assert!(refused.ends_with("has no filter, and takes a list"), "{refused}");
    assert_eq!(numbers(&shop, &made["id"]).await, before);
    assert_eq!(app.open_draft(draft).await.unwrap(), opened);
    // A copy has no filter.
    let (copy, _) = app.duplicate(draft).await.unwrap();
    let copied = app.open_draft(copy.id).await.unwrap();
    assert_eq!(app.take_list(copied.at, &copied.form, &list).await.unwrap().people, 1);
}
