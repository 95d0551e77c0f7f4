//! Forgetting a person: no trace is left of them, and every count is as it was.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::{FIRST, NAME, TEXT, dump, known_shop, number};
use crate::recurring::engine_app;
use crate::support::{Setup, Shop, digits};

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
    shop.ok(&["customer", "tag", "add", "vip", "--from", "blast:1", "--yes"]).await;
    assert_eq!(shop.number("select count(*) from customer_tags t where t::text like '%forgotten%'").await, 0);
    assert_eq!(shop.number("select count(*) from carts where state = 'open'").await, 0, "nobody will order it");
    assert_eq!(
        shop.ok(&["audit", "--json"]).await.trim(),
        r#"{"counters":[],"history":[],"orders":[],"repaired":[],"twice":[]}"#
    );
    let left = dump(&shop);
    let exported = everything_exported(&shop).await;
    let here = files(shop.path("people.csv").parent().unwrap());
    for word in [bare.as_str(), NAME, TEXT, "user-77", &bare[4..], "tag-zulaikha", "zul.aikha", "sings-alto"] {
        let at = left.find(word).map(|at| &left[at.saturating_sub(200)..(at + 60).min(left.len())]);
        assert_eq!(at, None, "{word} is in the dump");
        assert!(!exported.contains(word), "{word} is in an export");
        assert!(!has(&here, word.as_bytes()), "{word} is in a file");
    }
    assert_eq!(left.find(&NAME.to_uppercase()), None, "a stored answer has the name alone");
    let kept = "select count(*) from api_requests where (answer ->> 'id')::int = 4 or (answer ->> 'total')::int = 5";
    assert_eq!(shop.number(kept).await, 2, "what else was answered is answered again");
    let posted = bare.parse::<u64>().unwrap().to_be_bytes();
    assert!(!has(&here, &posted), "the number is in the journal");
}

#[tokio::test]
async fn what_somebody_wrote_from_their_other_number_is_forgotten_with_them() {
    let shop = Shop::open(Setup::default()).await;
    shop.draft(FIRST..FIRST + 2).await;
    let [phone, other, unknown, stranger] = [FIRST, FIRST + 70_000, FIRST + 80_000, FIRST + 1].map(number);
    shop.execute(&format!(
        "insert into number_aliases (alias, phone_number) values ('{other}', '{phone}');
         insert into replies (sender_id, blast_id, recipient_id, phone_number, name, kind, body, message_id, at)
         select 1, case when of.is_of_row then 1 end, case when of.is_of_row then r.id end, of.number, '{NAME}', 'image', '{TEXT}',
                'wamid.' || of.number, now()
           from blast_recipients r,
                (values ('{other}', false), ('{unknown}', true)) of (number, is_of_row)
          where r.phone_number = '{phone}';
         insert into replies (sender_id, phone_number, name, kind, body, message_id, at)
         values (1, '{stranger}', 'Else', 'text', 'stays', 'wamid.else', now());
         insert into reply_media (reply_id, sender_id, media_id, state, digest, host, give_up_at, stored_at)
         select id, 1, 'm' || id, 'stored', repeat('a', 64), 'elsewhere', now(), now() from replies where phone_number = '{unknown}'"
    ))
    .await;

    let said = shop.run(&["customer", "forget", &phone, "--yes"]).await;

    assert!(said.code == 0 && said.err.contains("2 replies") && said.err.contains("elsewhere"), "{said:?}");
    let left = dump(&shop);
    for word in [&phone, &other, &unknown, NAME, TEXT] {
        assert!(!left.contains(word), "{word} is in the dump");
    }
    assert!(left.contains("stays") && left.contains(&stranger), "what others wrote is nobody's but theirs");
}

#[tokio::test]
async fn a_row_that_a_draft_was_made_without_is_found_by_its_number_whichever_cell_is_wrong() {
    let shop = Shop::open(Setup::default()).await;
    shop.draft(FIRST..FIRST + 1).await;
    let [phone, other, taken] = [FIRST, FIRST + 1, FIRST + 2].map(number);
    let list = format!("phone,name,stop\n{phone},{NAME},yes\n{other},Ben,yes\n{taken},Che,\n");
    let list = shop.write("raya.csv", list);
    shop.run(&["blast", "new", "--sender", "sales", "--message", "Hi", "--recipients", list.to_str().unwrap()]).await;
    let mend = |row: u32, phone: &str| json!({ "row": row, "column": "city", "digest": "d", "whose": "their name", "phone": phone, "value": "Ipoh" });
    let mends = json!([mend(2, &phone), mend(4, &taken)]);
    shop.execute(&format!("update blasts set left_out = jsonb_set(left_out, '{{mends}}', '{mends}') where id = 2"))
        .await;
    assert!(dump(&shop).contains(NAME));

    shop.ok(&["customer", "forget", &phone, "--yes"]).await;

    let left = dump(&shop);
    assert!(!left.contains(NAME) && !left.contains(&phone), "{left}");
    let rows = shop.text("select (left_out -> 'rows')::text from blasts where id = 2").await;
    let rows: Value = serde_json::from_str(&rows).unwrap();
    let of = |n: usize| (rows[n]["name"].as_str(), rows[n]["value"].as_str(), rows[n].get("digest").is_some());
    assert_eq!([of(0), of(1)], [(None, Some(""), false), (Some("Ben"), Some("yes"), true)], "{rows}");
    assert_eq!((&rows[0]["row"], &rows[1]["phone"]), (&json!(2), &json!(other)), "{rows}");
    assert_eq!(shop.text("select left_out -> 'mends' -> 0 ->> 'row' from blasts where id = 2").await, "4");
    assert_eq!(shop.number("select jsonb_array_length(left_out -> 'mends')::bigint from blasts where id = 2").await, 1);
}

#[tokio::test]
async fn the_name_of_a_token_with_a_forgotten_number_leaves_what_was_done_with_it() {
    let shop = Shop::open(Setup::default()).await;
    shop.draft(FIRST..FIRST + 2).await;
    let (phone, bare) = (number(FIRST), digits(FIRST));
    shop.ok(&["suppress", "add", &number(FIRST + 1)]).await;
    shop.ok(&["customer", "tag", &number(FIRST + 1), "vip"]).await;
    shop.execute(&format!(
        "update operator_actions set operator = 'bot-{bare}';
         update suppressions set created_by = 'bot-{bare}';
         update customer_tags set tagged_by = 'bot-{bare}';
         update blasts set state_by = 'bot-{bare}';
         insert into customer_consents (person, source, given_at, blast_id)
         values ('{}', 'the form', 'on paper, as {bare}', 1)",
        number(FIRST + 1)
    ))
    .await;

    shop.ok(&["customer", "forget", &phone, "--yes"]).await;

    assert!(!dump(&shop).contains(&bare));
    let author = shop.text("select created_by from suppressions where source = 'operator'").await;
    assert!(author.starts_with("bot") && author.contains("(forgotten)"), "{author}");
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
    shop.execute(&format!("update blast_recipients set status = 'queued', standing = 'queued' where {of_first}")).await;
    shop.execute(&format!(
        "insert into claims (blast_id, sender_id, attempt_number, epoch, first_id, last_id, recipients)
         select r.blast_id, b.sender_id, r.attempt + 1, 1, r.id, r.id, array[r.id]
           from blast_recipients r join blasts b on b.id = r.blast_id where {of_first}"
    ))
    .await;
    // Whose claim is gone is uncertain.
    for (undo, why) in [("select 1", "in flight in blast 1"), ("delete from claims", "uncertain resolve 1")] {
        shop.execute(undo).await;
        let refused = shop.run(&forget).await;
        assert!(refused.code == 3 && refused.err.contains(why), "{undo}: {refused:?}");
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
    // Nor is their number kept where a list says that they opted out.
    let list = shop.write("later.csv", format!("phone,stop\n{phone},yes\n{},\n", number(FIRST + 1)));
    shop.ok(&["blast", "new", "--sender", "sales", "--message", "x", "--recipients", list.to_str().unwrap()]).await;
    assert_eq!(shop.number("select count(*) from draft_opt_outs").await, 0);
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
async fn rejected_rows_that_an_import_which_was_killed_left_go_with_whoever_is_forgotten() {
    let shop = Shop::open(Setup::default()).await;
    let first = number(FIRST);
    let list = shop.write("raya.csv", format!("phone\n{first}\n"));
    let new = ["blast", "new", "--sender", "sales", "--message", "x", "--recipients", list.to_str().unwrap()];
    shop.ok(&new).await;
    // As one that is killed leaves them: half written, or in place before it was noted.
    let rows = format!("row,column,value,reason\n3,phone,{first},the same person as in row 2: taken once\n");
    let part = shop.write(".raya.rejected.csv.4711.part", &rows);
    let whole = shop.write("raya.rejected.csv", &rows);

    shop.ok(&["customer", "forget", &first, "--yes"]).await;

    assert!(!part.exists());
    assert_eq!(fs::read_to_string(whole).unwrap(), "row,column,value,reason\n");
}

#[tokio::test]
async fn rejected_rows_that_a_killed_import_left_go_also_where_the_next_import_failed() {
    let shop = Shop::open(Setup::default()).await;
    let first = number(FIRST);
    let list = shop.write("raya.csv", format!("phone\n{first}\n"));
    let list = list.to_str().unwrap();
    shop.ok(&["blast", "new", "--sender", "sales", "--message", "x", "--recipients", list]).await;
    // An import that is killed notes the file before it writes a row, as the one above did, which rejected nobody.
    let rows = format!("row,column,value,reason\n3,phone,{first},the same person as in row 2: taken once\n");
    let part = shop.write(".raya.rejected.csv.4711.part", &rows);

    let failed = shop.run(&["blast", "new", "--sender", "sales", "--message", "{nmae}", "--recipients", list]).await;
    assert!(failed.err.contains("nmae") && part.exists(), "{failed:?}");
    shop.ok(&["customer", "forget", &first, "--yes"]).await;

    assert!(!part.exists());
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
async fn hooks_whose_receivers_got_events_about_whoever_is_forgotten_are_named() {
    let shop = known_shop().await;
    shop.execute(
        "insert into hooks (name, told_history, told_replies, created_at) values
            ('crm', 1000000, null, now() - interval '1 day'), ('erp', null, 1000000, now() - interval '1 day'),
            ('behind', 0, 0, now() - interval '1 day'), ('waits', null, 1000000, now() - interval '1 day'),
            ('late', 1000000, 1000000, now() + interval '1 day');
         insert into hook_deliveries (hook_id, sequence, source, after_row, last_row, rows_since, events, give_up_at)
         select id, 1, 'replies', 0, 1000000, now(), 1, now() from hooks where name = 'waits'",
    )
    .await;
    let phone = number(FIRST);
    let told = "2 hooks got events about them (crm, erp): ask their receivers to forget them as well";

    let asked = shop.run(&["customer", "forget", &phone]).await;
    let said = shop.run(&["customer", "forget", &phone, "--yes"]).await;

    assert!(asked.err.contains(told) && asked.err.contains("look for their name yourself"), "{asked:?}");
    assert_eq!((said.code, said.err.matches(told).count()), (0, 2), "before the question and at the end: {said:?}");
    let again = shop.run(&["customer", "forget", &phone, "--yes"]).await;
    assert!(again.code == 0 && !again.err.contains("got events"), "{again:?}");
}
