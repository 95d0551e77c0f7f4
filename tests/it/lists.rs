//! Lists that are kept under a name: an audience before anybody of them was ever written to.

use blastdeck::app::{TagChange, TaggedPeople};

use crate::recurring::engine_app;
use crate::support::{Setup, Shop, digits};

fn phone(n: u32) -> String {
    format!("+{}", digits(n))
}

async fn kept(people: &[u32]) -> Shop {
    let shop = Shop::open(Setup::default()).await;
    let rows: Vec<_> = people.iter().map(|n| format!("{},Person {n},KL{n}", phone(*n))).collect();
    let file = shop.write("raya.csv", format!("phone,name,city\n{}\n", rows.join("\n")));
    shop.ok(&["list", "save", "Raya-2026", file.to_str().unwrap()]).await;
    shop
}

async fn draft(shop: &Shop, from: &str) -> Vec<String> {
    let made = shop
        .json(&["blast", "new", "--sender", "sales", "--message", "Hi {name} of {city|town}", "--from", from])
        .await;
    let people = shop.json_lines(&["blast", "recipients", &made["id"].to_string()]).await;
    people.iter().map(|person| person["phone_number"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_list_that_is_kept_is_an_audience_of_people_nobody_ever_wrote_to() {
    let shop = kept(&[3, 1, 2]).await;
    shop.ok(&["suppress", "add", &phone(2), "--business", "kedai"]).await;

    assert_eq!(draft(&shop, "list:raya-2026").await, [phone(3), phone(1)]);

    let plan = shop.json(&["blast", "plan", "1"]).await;
    assert_eq!(
        (&plan["segment"]["finds"], &plan["segment"]["left_out"]["opted_out"]),
        (&3.into(), &1.into()),
        "{plan}"
    );
    let values = "select count(*) from blast_recipients where variables ->> 'city' = 'KL3' and name = 'Person 3'";
    assert_eq!(shop.number(values).await, 1, "with the values of their columns");
    assert_eq!(draft(&shop, "list:raya-2026 name:3").await, [phone(3)]);
    let unknown = shop.run(&["blast", "new", "--sender", "sales", "--message", "x", "--from", "list:hari"]).await;
    assert!(unknown.code == 1 && unknown.err.contains("no list `hari`"), "{unknown:?}");
}

#[tokio::test]
async fn a_list_that_is_kept_names_the_line_that_makes_a_draft_to_it_as_a_shell_takes_it() {
    let shop = Shop::open(Setup::default()).await;
    let file = shop.write("raya.csv", format!("phone\n{}\n", phone(1)));
    let save = ["list", "save", "raya", file.to_str().unwrap()];

    let said = shop.ok(&save).await;
    shop.add_sender("second");
    let of_two = shop.ok(&save).await;

    let line = said.split('`').nth(1).unwrap().replacen(" blastdeck ", " \"$0\" ", 1);
    assert!(said.starts_with("list raya has 1 person: `BLASTDECK_STATE_DIR='"), "{said}");
    let made = shop.in_shell(&[], &line).await;
    assert!(made.code == 0 && made.out == "1\n", "{line}: {made:?}");
    let unchosen = " blast new --sender SENDER --from 'list:raya' --message 'TEXT'` makes a draft to them\n";
    assert!(of_two.ends_with(unchosen), "{of_two}");
}

#[tokio::test]
async fn beside_a_blast_a_list_names_customers_by_every_number_that_they_have() {
    let shop = kept(&[11]).await;
    let blast = shop.blast(1..4).await;
    shop.until_idle().await;
    shop.ok(&["customer", "merge", &phone(1), &phone(11)]).await;

    for (search, people) in [("list:raya-2026", 1), ("-list:raya-2026", 2)] {
        let found = shop.json_lines(&["blast", "recipients", &blast, &format!("--search={search}")]).await;
        assert_eq!(found.len(), people, "{search}: {found:?}");
    }
}

#[tokio::test]
async fn beside_a_blast_a_list_names_its_people_who_are_in_that_blast() {
    let shop = kept(&[1, 2, 3]).await;
    let blast = shop.blast(2..6).await;
    shop.until_idle().await;
    shop.ok(&["mark", &blast, &phone(3), "replied"]).await;

    let found = shop.json_lines(&["blast", "recipients", &blast, "--search", "list:raya-2026"]).await;
    assert_eq!(found.len(), 2);
    assert_eq!(draft(&shop, &format!("blast:{blast} list:raya-2026 -status:replied")).await, [phone(2)]);
    assert_eq!(draft(&shop, "list:raya-2026 status:replied").await, [phone(3)], "of every blast that was sent");
    shop.ok(&["customer", "merge", &phone(1), &phone(2)]).await;
    assert_eq!(draft(&shop, "list:raya-2026").await, [phone(2), phone(3)], "at the number that they have by now, once");
    let all = shop.json_lines(&["blast", "list", "--state", "draft"]).await;
    let newest = all.iter().filter_map(|row| row["id"].as_i64()).max().unwrap().to_string();
    let people = shop.json_lines(&["blast", "recipients", &newest]).await;
    let names: Vec<_> = people.iter().map(|row| row["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["Person 2", "Person 3"], "by the name beside the number that is written to");
}

#[tokio::test]
async fn lists_are_listed_shown_exported_replaced_and_removed() {
    let shop = kept(&[1, 2]).await;

    assert!(shop.ok(&["list", "ls"]).await.contains("Raya-2026"));
    let shown = shop.json_lines(&["list", "show", "raya-2026"]).await;
    assert_eq!((shown.len(), &shown[0]["variables"]["city"]), (2, &"KL1".into()), "{shown:?}");
    let cut = shop.run(&["list", "show", "raya-2026", "--limit", "1"]).await;
    assert!(cut.err.contains("there are more"), "{cut:?}");
    let exported = shop.ok(&["list", "export", "raya-2026"]).await;
    let rows = ["phone_number,name,city", &format!("{},Person 1,KL1", phone(1)), &format!("{},Person 2,KL2", phone(2))];
    assert_eq!(exported.lines().collect::<Vec<_>>(), rows, "its columns as it was saved with");
    let as_json = shop.json_lines(&["list", "export", "raya-2026", "--format", "json"]).await;
    assert_eq!(as_json[0], serde_json::json!({ "phone_number": phone(1), "name": "Person 1", "city": "KL1" }));
    let file = shop.write("again.csv", format!("phone\n{}\n{}\nx\n", phone(7), phone(7)));
    let again = shop.run(&["list", "save", "raya-2026", file.to_str().unwrap()]).await;
    assert!(again.code == 0 && again.out.contains("list raya-2026 has 1 person"), "{again:?}");
    let asked = shop.run(&["list", "rm", "RAYA-2026"]).await;
    assert!(asked.code == 3 && asked.err.contains("--yes"), "{asked:?}");
    let message = ["blast", "new", "--sender", "sales", "--message", "Hi", "--from", "list:RAYA-2026"];
    let draft = shop.ok(&message).await.trim().to_owned();
    let still = shop.run(&["list", "rm", "raya-2026", "--yes"]).await;
    assert!(still.code == 3 && still.err.contains(&format!("blast {draft} still takes its people")), "{still:?}");
    shop.ok(&["blast", "delete", &draft, "--yes"]).await;
    shop.ok(&["list", "rm", "RAYA-2026", "--yes"]).await;
    assert_eq!(shop.number("select count(*) from saved_list_people").await, 0);
    assert!(shop.run(&["list", "ls"]).await.err.contains("no lists"));
    let bad = shop.run(&["list", "save", "two words", file.to_str().unwrap()]).await;
    assert!(bad.code == 2 && bad.err.contains("is not a name of a list"), "{bad:?}");
}

#[tokio::test]
async fn whoever_is_forgotten_leaves_every_list_and_no_list_brings_them_back() {
    let shop = kept(&[1, 2]).await;

    let said = shop.run(&["customer", "forget", &phone(1), "--yes"]).await;

    assert!(said.code == 0 && said.err.contains("1 kept list"), "{said:?}");
    assert_eq!(shop.json_lines(&["list", "show", "raya-2026"]).await.len(), 1);
    let file = shop.write("again.csv", format!("phone\n{}\n{}\n", phone(1), phone(2)));
    let again = shop.run(&["list", "save", "other", file.to_str().unwrap()]).await;
    assert!(again.err.contains("1 person asked to be forgotten, and is not in it"), "{again:?}");
    assert_eq!(shop.json_lines(&["list", "show", "other"]).await.len(), 1);
}

#[tokio::test]
async fn lists_and_consents_that_become_the_same_without_a_number_stop_nobody_from_being_forgotten() {
    let shop = kept(&[2]).await;
    let (bare, file) = (digits(734_512), shop.path("raya.csv"));
    let (home, spaced) = (format!("0{}", &bare[2..]), format!("+60 10-{}", &bare[4..]));
    for name in [&home, &bare] {
        shop.ok(&["list", "save", name, file.to_str().unwrap()]).await;
    }
    shop.execute(&format!(
        "insert into customer_consents (person, source, given_at, blast_id)
         select '{}', 'referred by ' || said, '', 1 from unnest(array['{home}', '{spaced}', 'Ben']) said",
        phone(2)
    ))
    .await;
    let from = format!("list:{bare}");
    shop.ok(&["blast", "new", "--sender", "sales", "--message", "Hi", "--from", &from]).await;

    shop.ok(&["customer", "forget", &phone(734_512), "--yes"]).await;

    let named: Vec<_> = shop.json_lines(&["list", "ls"]).await.iter().map(|list| list["name"].clone()).collect();
    assert_eq!(named, ["forgotten", "forgotten-2", "Raya-2026"].map(serde_json::Value::from).to_vec(), "{named:?}");
    let filter = shop.text("select segment from blasts where segment is not null").await;
    assert!(filter.replace('"', "").contains("list:forgotten-2"), "{filter}");
    let said = "select string_agg(source, ', ' order by id) from customer_consents";
    assert_eq!(shop.text(said).await, "referred by (forgotten), referred by Ben");
}

#[tokio::test]
async fn many_customers_are_tagged_at_once_by_a_filter_a_list_or_their_numbers() {
    let shop = kept(&[1, 9]).await;
    let blast = shop.blast(0..4).await;
    shop.until_idle().await;
    shop.ok(&["customer", "tag", &phone(1), "VIP"]).await;
    let from = format!("blast:{blast} status:sent,delivered,read");
    let add = ["customer", "tag", "add", "vip", "--from", &from];

    let tried = shop.ok(&[&add[..], &["--dry-run"]].concat()).await;
    let asked = shop.run(&add).await;
    let asked_json = shop.run(&[&add[..], &["--json"]].concat()).await;

    assert_eq!(tried.trim(), "4 customers: 3 would get #vip");
    assert!(asked.code == 3 && asked.err.contains("4 customers: 3 would get #vip"), "{asked:?}");
    assert!(asked_json.code == 3 && asked_json.err.contains("Tag 3 customers with #vip?"), "{asked_json:?}");
    let tagged = async || shop.json_lines(&["customer", "list", "--tag", "vip"]).await.len();
    assert_eq!(tagged().await, 1, "nothing changed yet");
    let done = shop.json(&[&add[..], &["--yes"]].concat()).await;
    assert_eq!((&done["customers"], &done["changed"], tagged().await), (&4.into(), &3.into(), 4));
    assert_eq!(shop.number("select count(*) from customer_tags").await, 4, "one has it in its own capitals");
    shop.ok(&["customer", "tag", "add", "gold", "--from", "tag:vip", "--yes"]).await;
    assert_eq!(shop.json_lines(&["customer", "list", "--tag", "gold"]).await.len(), 4, "also who has another tag");
    shop.ok(&["customer", "tag", "remove", "vip", &phone(0), &phone(1), "--yes"]).await;
    assert_eq!(tagged().await, 2);
    shop.ok(&["customer", "tag", "add", "new,kl", "--from", "list:raya-2026", "--yes"]).await;
    assert_eq!(shop.json_lines(&["customer", "list", "--tag", "kl"]).await.len(), 2, "also whom nobody wrote to");
    assert_eq!(shop.json_lines(&["customer", "list", "--tag", "#kl"]).await.len(), 2, "as it is shown");
    let none = shop.run(&["customer", "untag", &phone(2), "vip-no"]).await;
    assert!(none.code == 0 && none.err.contains("had no #vip-no: nothing changed"), "{none:?}");
    assert!(shop.json(&["customer", "untag", &phone(2), "#VIP"]).await["tags"] == serde_json::json!(["gold"]));
    let nothing = shop.run(&["customer", "tag", "add", ",", &phone(2), "--yes"]).await;
    assert!(nothing.code == 2 && nothing.err.contains("name a tag"), "{nothing:?}");
    let nobody = shop.run(&["customer", "tag", "remove", "big", "--from", "tag:big", "--yes"]).await;
    assert!(nobody.code == 3 && nobody.err.contains("nobody of business kedai matches"), "{nobody:?}");
    let file = shop.write("one.csv", format!("phone\n{}\n", phone(1)));
    let replaced = shop.ok(&["list", "save", "raya-2026", file.to_str().unwrap()]).await;
    assert!(replaced.contains("list raya-2026 has 1 person, in place of 2: "), "{replaced}");
    let unknown = shop.run(&["customer", "tag", "add", "vip", &phone(77), "--yes"]).await;
    assert!(unknown.code == 1 && unknown.err.contains("nothing is known of"), "{unknown:?}");

    // Whoever matches only once the number is typed is not tagged.
    let app = engine_app(&shop, "aina").await;
    shop.ok(&["customer", "untag", &phone(3), "gold"]).await;
    let people = TaggedPeople::From { filter: "tag:gold".to_owned(), sender: None };
    let change = TagChange::Add(vec!["seen".to_owned()]);
    let seen = app.tag_preview(&people, &change).await.unwrap();
    shop.ok(&["customer", "tag", &phone(3), "gold"]).await;
    let done = app.tag_many(&people, &change, &seen).await.unwrap();
    assert_eq!((done.customers, done.changes), (3, 3));
    assert_eq!((seen.count, shop.json_lines(&["customer", "list", "--tag", "seen"]).await.len()), (done, 3));
}
