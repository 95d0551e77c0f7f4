//! `find`, `schedule`, `blast add` and `blast remove`.

use serde_json::json;

use super::{FAILED, REFUSED, USAGE, is_a_clear_line};
use crate::support::{Setup, Shop, digits};

#[tokio::test]
async fn people_are_added_to_a_draft_and_taken_out_of_it() {
    let shop = Shop::open(Setup::default()).await;
    let draft = shop.draft(0..2).await;
    shop.ok(&["blast", "edit", &draft, "--message", "Salam, promo!"]).await;
    let phone = |n| format!("+{}", digits(n));

    let added = shop.json(&["blast", "add", &draft, &phone(5), &phone(6)]).await;
    assert_eq!((&added["taken"], &added["rejected"], &added["total_recipients"]), (&json!(2), &json!(0), &json!(4)));
    let again = shop.json(&["blast", "add", &draft, &phone(6), &phone(7)]).await;
    assert_eq!((&again["taken"], &again["rejected"], &again["total_recipients"]), (&json!(1), &json!(1), &json!(5)));
    std::fs::write(shop.path("more.csv"), format!("phone,name\n{},Aina\n", phone(8))).unwrap();
    let list = shop.path("more.csv").display().to_string();
    assert_eq!(shop.json(&["blast", "add", &draft, "--recipients", &list]).await["total_recipients"], 6);
    shop.ok(&["blast", "add", &draft, &phone(9), "--name", "Ben"]).await;
    let ben = format!("select count(*) from blast_recipients where blast_id = {draft} and name = 'Ben'");
    assert_eq!(shop.number(&ben).await, 1);

    let removed = shop.json(&["blast", "remove", &draft, &phone(5), &phone(20)]).await;
    assert_eq!((&removed["removed"], &removed["total_recipients"]), (&json!(1), &json!(6)));
    let some = shop.run(&["blast", "remove", &draft, &phone(8), &phone(20), &phone(21)]).await;
    assert!(some.code == 0 && some.err.contains("2 numbers were not in blast"), "{some:?}");
    let typed = shop.run(&["blast", "add", &draft, &phone(6), &phone(8)]).await;
    let said = format!("1 person taken\nleft out: {}: in the blast already\n", phone(6));
    assert!(typed.code == 0 && typed.err.contains(&said), "a number that is typed has no row: {typed:?}");
    let before = shop.rows().await;
    let stranger = shop.run(&["blast", "remove", &draft, &phone(20)]).await;
    is_a_clear_line(&stranger, FAILED, &[&format!(" is not in blast {draft}")]);
    let strangers = shop.run(&["blast", "remove", &draft, &phone(20), &phone(21), "--json"]).await;
    assert!(strangers.code == FAILED && strangers.err.contains("\"kind\":\"not_found\""), "{strangers:?}");
    assert!(strangers.err.contains("none of these numbers is in blast"), "{strangers:?}");
    assert_eq!(shop.rows().await, before);
    let wrong = shop.run(&["blast", "remove", &draft, "nobody", &phone(6)]).await;
    is_a_clear_line(&wrong, USAGE, &["`nobody`"]);
    let member = shop.run(&["blast", "add", &draft, &phone(6)]).await;
    is_a_clear_line(&member, REFUSED, &[&format!("{}: in the blast already", phone(6))]);
    assert!(!member.err.contains("row") && !member.err.contains("phone_number"), "{member:?}");
    let two = shop.run(&["blast", "add", &draft, &phone(21), &phone(22), "--name", "Ben"]).await;
    is_a_clear_line(&two, USAGE, &["one number"]);
    assert_eq!(shop.json(&["blast", "plan", &draft]).await["people"], 6);

    shop.ok(&["blast", "send", &draft, "--yes"]).await;
    shop.until_state(&draft, "completed").await;
    for act in ["add", "remove"] {
        let late = shop.run(&["blast", act, &draft, &phone(23)]).await;
        assert_eq!(late.code, REFUSED, "{late:?}");
    }
    shop.promises().await;
}

#[tokio::test]
async fn who_is_added_to_a_draft_is_said_to_get_nothing_only_where_they_opted_out_themselves() {
    let shop = Shop::open(Setup::default()).await;
    let phone = |n| format!("+{}", digits(n));
    for n in [1, 7] {
        shop.ok(&["suppress", "add", &phone(n)]).await;
    }
    let list = shop.list(0..3);
    let new = ["blast", "new", "--sender", "sales", "--message", "Hi", "--recipients", list.to_str().unwrap()];
    let opted_out = "1 person opted out before: they get nothing";

    let made = shop.run(&new).await;
    let id = made.out.trim();
    let somebody_else = shop.run(&["blast", "add", id, &phone(8)]).await;
    let themselves = shop.run(&["blast", "add", id, &phone(7), &phone(9)]).await;

    assert!(made.code == 0 && made.err.contains(opted_out), "{made:?}");
    assert!(somebody_else.code == 0 && !somebody_else.err.contains("opted out"), "{somebody_else:?}");
    assert!(themselves.code == 0 && themselves.err.contains(opted_out), "{themselves:?}");
}

#[tokio::test]
async fn somebody_is_found_in_every_blast() {
    let shop = Shop::open(Setup::default()).await;
    let (first, second) = (shop.draft(0..3).await, shop.draft(2..5).await);
    let ending = &digits(2)[digits(2).len() - 4..];

    let found = shop.json_lines(&["find", ending]).await;

    let blasts: Vec<_> = found.iter().map(|row| row["blast_id"].to_string()).collect();
    assert_eq!(blasts, [second, first]);
    assert!(found.iter().all(|row| row["phone_number"] == format!("+{}", digits(2))), "{found:?}");
    let one = shop.run(&["find", ending, "--limit", "1"]).await;
    assert!(one.err.contains("there are more than this one"), "{one:?}");
    let nobody = shop.run(&["find", "nobody at all"]).await;
    assert_eq!((nobody.code, nobody.out.as_str()), (0, ""), "{nobody:?}");
    is_a_clear_line(&shop.run(&["find", " "]).await, USAGE, &["digits"]);
    let by_filter = shop.json_lines(&["find", "name:\"Person 2\""]).await;
    assert_eq!(by_filter.len(), 2, "{by_filter:?}");
    is_a_clear_line(&shop.run(&["find", "colour:red"]).await, USAGE, &["colour"]);
}

/// Their order was written and taken back since, which changed their row.
#[tokio::test]
async fn whoever_is_found_has_their_status_since_they_reached_it() {
    let shop = Shop::open(Setup::default()).await;
    let blast = shop.blast(0..1).await;
    shop.execute(&format!(
        "update blast_recipients set status = 'read', standing = 'read', attempt = 1, sent_at = '2026-01-05 04:00:00+00',
                read_timestamp = '2026-01-05 05:00:00+00', changed_at = now() where blast_id = {blast}"
    ))
    .await;

    let found = shop.ok(&["find", &digits(0)]).await;

    assert!(found.contains("read") && found.contains("5 Jan 2026"), "{found}");
}

#[tokio::test]
async fn schedules_have_the_same_verbs_at_the_top() {
    let shop = Shop::open(Setup::default()).await;

    assert_eq!(shop.ok(&["schedule", "list"]).await, shop.ok(&["blast", "schedule", "list"]).await);
}

/// Once people are written nothing is read of blasts any more.
const READS_NOTHING_SINCE: &str = "create function hide() returns trigger language plpgsql as $$ begin
         alter table if exists blast_polls rename to hidden_polls; return null; end $$;
     create trigger hide after insert on blast_recipients for each statement execute function hide()";

#[tokio::test]
async fn a_draft_that_is_made_is_printed_whatever_comes_of_what_is_said_of_it() {
    let shop = Shop::open(Setup::default()).await;
    let list = shop.list(0..3);
    shop.execute(READS_NOTHING_SINCE).await;
    let new = ["blast", "new", "--sender", "sales", "--message", "Hi", "--recipients", list.to_str().unwrap()];

    let made = shop.run(&new).await;

    let id = shop.number("select max(id) from blasts").await.to_string();
    assert_eq!((made.code, made.out.trim()), (0, id.as_str()), "{made:?}");
    assert!(made.err.contains("3 people taken") && made.err.contains("could not be read"), "{made:?}");
    shop.execute("alter table hidden_polls rename to blast_polls").await;
    let added = shop.run(&["blast", "add", &id, &format!("+{}", digits(7))]).await;
    assert_eq!((added.code, added.out.trim()), (0, format!("1 person was added to blast {id}").as_str()), "{added:?}");
    assert_eq!(shop.number("select count(*) from blast_recipients").await, 4);
}
