//! `suppress` as an operator types it: what would hold for nothing is refused, and a refusal names the line that works.

use crate::support::{Setup, Shop, Size, digits, eventually_async};

#[tokio::test]
async fn an_opt_out_from_a_business_that_nobody_sends_for_is_refused() {
    let shop = Shop::open(Setup::default()).await;
    shop.ok(&["sender", "list"]).await;
    let before = shop.rows().await;

    let said = shop.run(&["suppress", "add", &digits(1), "--business", "typo"]).await;

    assert!(said.code == 1 && said.err.contains("business `typo`") && said.err.contains("`kedai`"), "{said:?}");
    assert_eq!(shop.rows().await, before);
    let known = shop.run(&["suppress", "add", &digits(1), "--business", "kedai"]).await;
    assert!(known.code == 0 && known.err.contains("will not be messaged any more by `kedai`"), "{known:?}");
}

#[tokio::test]
async fn a_list_whose_rows_name_businesses_asks_for_one_and_opts_nobody_out_of_all() {
    let shop = Shop::open(Setup::default()).await;
    shop.ok(&["sender", "list"]).await;
    let list = shop.write("stop.csv", format!("phone,Business\n{},kedai\n", digits(1)));
    let import = ["suppress", "import", list.to_str().unwrap()];

    let refused = shop.run(&import).await;
    let listed = shop.ok(&["suppress", "list", "--json"]).await;
    let of_one = shop.json(&[&import[..], &["--business", "kedai"]].concat()).await;
    let of_all = shop.json(&[&import[..], &["--business", "*"]].concat()).await;

    assert!(refused.code == 2 && refused.err.contains("the column `Business` does not name whose"), "{refused:?}");
    assert!(!listed.contains(&digits(1)), "{listed}");
    assert_eq!((&of_one["added"], &of_all["added"]), (&1.into(), &1.into()), "{of_one} {of_all}");
}

#[tokio::test]
async fn an_opt_out_that_is_not_found_names_where_the_number_is() {
    let shop = Shop::open(Setup::default()).await;
    shop.ok(&["suppress", "add", &digits(1), "--business", "kedai"]).await;

    let said = shop.run(&["suppress", "remove", &digits(1)]).await;
    let nowhere = shop.run(&["suppress", "remove", &digits(2)]).await;

    let line = format!("suppress remove +{} --business 'kedai'`", digits(1));
    assert!(said.code == 1 && said.err.contains("is suppressed for `kedai`, not for every business"), "{said:?}");
    assert!(said.err.contains("' blastdeck --config") && said.err.contains(&line), "{said:?}");
    assert!(nowhere.code == 1 && nowhere.err.contains("is not suppressed\n"), "{nowhere:?}");
}

#[tokio::test]
async fn a_number_that_is_suppressed_after_a_mark_stays_so_when_the_mark_is_taken_back() {
    let shop = Shop::open(Setup::default()).await;
    let blast = shop.draft(0..3).await;
    for person in [1, 2] {
        shop.ok(&["mark", &blast, &digits(person), "opt-out"]).await;
    }

    let said = shop.run(&["suppress", "add", &digits(1), "--business", "kedai"]).await;
    for person in [1, 2] {
        shop.ok(&["mark", &blast, &digits(person), "undo"]).await;
    }

    assert!(said.code == 0 && said.err.contains("already"), "{said:?}");
    let left = shop.ok(&["suppress", "list"]).await;
    assert!(left.contains("000 0001") && !left.contains("000 0002"), "{left}");
    assert_eq!(shop.count("opted_out").await, 1);
    shop.invariants().await;
}

#[tokio::test]
async fn an_opt_out_holds_for_every_number_by_which_whatsapp_knows_them_and_is_taken_back_for_all() {
    let shop = Shop::open(Setup::default()).await;
    let draft = shop.draft(0..4).await;
    let pairs = [(0, 70), (3, 2)].map(|(alias, phone)| format!("('+{}', '+{}')", digits(alias), digits(phone)));
    shop.execute(&format!("insert into number_aliases (alias, phone_number) values {}", pairs.join(", "))).await;
    let queued = "select count(*) from blast_recipients where status = 'queued'";

    shop.ok(&["suppress", "add", &digits(70)]).await;
    let list = shop.write("stop.csv", format!("phone\n{}\n", digits(3)));
    let imported = shop.json(&["suppress", "import", list.to_str().unwrap()]).await;

    assert_eq!(imported["added"], 1, "{imported}");
    assert_eq!(shop.json_lines(&["suppress", "list"]).await.len(), 4);
    assert_eq!(shop.number(queued).await, 1, "they are left out of the draft under either number");
    shop.ok(&["suppress", "remove", &digits(70)]).await;
    shop.ok(&["suppress", "remove", &digits(3)]).await;
    assert_eq!(shop.json_lines(&["suppress", "list"]).await.len(), 0);
    assert_eq!(shop.number(queued).await, 4);
    for (what, suppressed, open) in [("opt-out", 2, 2), ("undo", 0, 4)] {
        shop.ok(&["mark", &draft, &digits(3), what]).await;
        assert_eq!(shop.json_lines(&["suppress", "list"]).await.len(), suppressed, "{what}: a mark holds for all");
        assert_eq!(shop.number(queued).await, open, "{what}");
    }
    shop.invariants().await;
}

#[tokio::test]
async fn whoever_is_in_a_list_of_opt_outs_by_two_of_their_numbers_counts_once() {
    let shop = Shop::open(Setup::default()).await;
    let alias = format!("('+{}', '+{}')", digits(0), digits(70));
    shop.execute(&format!("insert into number_aliases (alias, phone_number) values {alias}")).await;
    let list = shop.write("stop.csv", format!("phone\n{}\n{}\n{}\n", digits(70), digits(0), digits(5)));

    for (added, already) in [(2, 0), (0, 2)] {
        let imported = shop.json(&["suppress", "import", list.to_str().unwrap()]).await;

        assert_eq!((imported["added"].as_u64(), imported["already"].as_u64()), (Some(added), Some(already)));
        assert_eq!(shop.json_lines(&["suppress", "list"]).await.len(), 3);
    }
}

#[tokio::test]
async fn whoever_may_be_messaged_again_is_back_in_drafts_and_the_line_for_what_is_over_makes_a_draft_to_them() {
    let shop = Shop::open(Setup::default()).await;
    shop.draft(0..3).await;
    shop.draft(0..3).await;
    // Once refused, and queued again: that is not who wants no more messages.
    shop.execute("update blast_recipients set error_code = 'device', error_message = 'Device is offline', tries = 1")
        .await;
    shop.ok(&["suppress", "add", &digits(1)]).await;
    shop.execute("update blasts set state = 'completed' where id = 1").await;

    let said = shop.run(&["suppress", "remove", &digits(1)]).await;

    let words =
        "may be messaged again in future blasts; queued again in blast 2; left out of blast 1, which is over: `";
    assert!(said.code == 0 && said.err.contains(words), "{said:?}");
    let filter = format!("blast:1 phone:{}", digits(1));
    let line =
        format!("blast new --sender sales --from '{filter}' --tag people --message 'TEXT'` makes a draft to them");
    assert!(said.err.contains(&line), "{said:?}");
    shop.ok(&["blast", "new", "--sender", "sales", "--from", &filter, "--message", "TEXT"]).await;
    assert_eq!(shop.number("select count(*) from blast_recipients where blast_id = 3 and status = 'queued'").await, 1);
}

#[tokio::test]
async fn a_draft_that_was_made_after_an_opt_out_is_named_once_that_is_lifted() {
    let shop = Shop::open(Setup::default()).await;
    shop.draft(0..3).await;
    shop.ok(&["suppress", "add", &digits(1)]).await;
    shop.ok(&["mark", "1", &digits(2), "opt-out"]).await;
    let draft = shop.draft(0..3).await;
    let elsewhere = shop.draft(5..7).await;
    let people = async || shop.json(&["blast", "plan", &draft]).await["people"].as_i64();
    assert_eq!(people().await, Some(1));

    let lifted = shop.json(&["suppress", "remove", &digits(1)]).await;
    let undone = shop.run(&["mark", "1", &digits(2), "undo"]).await;

    assert_eq!(lifted["queued_in"].to_string(), format!("[1,{draft}]"), "{lifted}");
    assert_eq!((lifted["left_out_of"].to_string(), lifted["over"].to_string()), ("[]".to_owned(), "[]".to_owned()));
    let said = format!("{undone:?}");
    assert!(undone.code == 0 && said.contains("queued again in ") && said.contains("(draft 2) too"), "{said}");
    assert!(!said.contains("draft 1") && !said.contains(&format!("draft {elsewhere}")), "{said}");
    assert_eq!(people().await, Some(3));
    // Whom something else suppresses stays out.
    for business in ["*", "kedai"] {
        shop.ok(&["suppress", "add", &digits(1), "--business", business]).await;
    }
    let later = shop.draft(1..3).await;
    let stays = shop.json(&["suppress", "remove", &digits(1)]).await;
    assert_eq!(stays["queued_in"].to_string(), "[]", "{stays}");
    let said = shop.run(&["suppress", "remove", &digits(1), "--business", "kedai"]).await;
    assert!(said.err.contains(&format!("in future blasts; queued again in blasts 1, {draft}, {later}")), "{said:?}");
    shop.invariants().await;
}

/// Whoever reads its plan while they are opted out takes them out of it.
#[tokio::test]
async fn a_draft_by_a_filter_that_finds_somebody_again_is_named_once_their_opt_out_is_lifted() {
    let shop = Shop::open(Setup::default()).await;
    let blast = shop.blast(0..3).await;
    shop.execute(&format!(
        "update blasts set state = 'completed', completed_at = now() where id = {blast};
         update blast_recipients set status = 'delivered', standing = 'delivered', attempt = 1, sent_at = now(), delivered_at = now()
          where blast_id = {blast}"
    ))
    .await;
    let drafted = async |filter: &str| {
        let new = ["blast", "new", "--sender", "sales", "--from", filter, "--message", "Still there?"];
        shop.json(&new).await["id"].to_string()
    };
    let draft = drafted(&format!("blast:{blast}")).await;
    let other = drafted(&format!("blast:{blast} phone:{}", digits(0))).await;
    let people = async || shop.json(&["blast", "plan", &draft]).await["people"].as_i64();
    let queued = format!("select count(*) from blast_recipients where blast_id = {draft}");

    shop.ok(&["suppress", "add", &digits(1)]).await;
    assert_eq!((people().await, shop.number(&queued).await), (Some(2), 2));
    let lifted = shop.json(&["suppress", "remove", &digits(1), "--yes"]).await;
    assert_eq!(lifted["queued_in"].to_string(), format!("[{draft}]"), "{lifted}");
    assert_eq!(people().await, Some(3));

    shop.ok(&["mark", &blast, &digits(2), "opt-out"]).await;
    assert_eq!((people().await, shop.number(&queued).await), (Some(2), 2));
    let undone = format!("{:?}", shop.run(&["mark", &blast, &digits(2), "undo"]).await);
    assert_eq!(shop.number(&queued).await, 2, "until its filter is read again");
    assert!(
        undone.contains("; the filter of ") && undone.contains(&format!("(draft {draft}) finds them again")),
        "{undone}"
    );
    assert!(!undone.contains("queued again in "), "{undone}");
    assert!(!undone.contains(&format!("(draft {other})")), "{undone}");
    assert_eq!(people().await, Some(3));
}

/// Its filter is read anew at each of its times: it goes by itself, also where somebody read its plan while they were opted out.
#[tokio::test]
async fn a_blast_that_repeats_for_whom_its_filter_finds_again_is_asked_about_and_named_once() {
    let shop = Shop::open(Setup::default()).await;
    let blast = shop.blast(0..4).await;
    shop.execute(&format!(
        "update blasts set state = 'completed', completed_at = now() where id = {blast};
         update blast_recipients set status = 'delivered', standing = 'delivered', attempt = 1, sent_at = now(), delivered_at = now()
          where blast_id = {blast}"
    ))
    .await;
    let from = format!("blast:{blast}");
    let new = ["blast", "new", "--sender", "sales", "--from", &from, "--message", "Hi", "--repeat", "every day 09:00"];
    let pattern = shop.json(&new).await["id"].to_string();
    shop.send(&pattern).await;
    let queued = format!("select count(*) from blast_recipients where blast_id = {pattern} and status = 'queued'");

    for is_read_between in [false, true] {
        shop.ok(&["suppress", "add", &digits(1)]).await;
        shop.ok(&["mark", &blast, &digits(2), "opt-out"]).await;
        if is_read_between {
            assert_eq!(shop.json(&["blast", "plan", &pattern]).await["people"], 2);
        }
        assert_eq!(shop.number(&queued).await, 2);
        let before = shop.rows().await;
        for line in [&["suppress", "remove", &digits(1)][..], &["mark", &blast, &digits(2), "undo"]] {
            let refused = shop.run(line).await;
            let asks = ["Then they get the message of blast", "Then Person 2 gets the message of"];
            assert!(refused.code == 3 && asks.iter().any(|asks| refused.err.contains(asks)), "{refused:?}");
        }
        assert_eq!(shop.rows().await, before, "nothing is done unasked");

        let lifted = shop.json(&["suppress", "remove", &digits(1), "--yes"]).await;
        let undone = format!("{:?}", shop.run(&["mark", &blast, &digits(2), "undo", "--yes"]).await);

        assert_eq!(lifted["queued_in"].to_string(), format!("[{pattern}]"), "{lifted}");
        assert_eq!(undone.matches(&format!("(blast {pattern})")).count(), 1, "{undone}");
        assert_eq!(undone.contains(" finds them again"), is_read_between, "{undone}");
        assert_eq!(shop.json(&["blast", "plan", &pattern]).await["people"], 4);
    }

    shop.ok(&["blast", "pause", &pattern]).await;
    shop.ok(&["suppress", "add", &digits(1)]).await;
    let paused = shop.json(&["suppress", "remove", &digits(1)]).await;
    assert_eq!(
        paused["queued_in"].to_string(),
        format!("[{pattern}]"),
        "a paused one goes on when it is resumed: {paused}"
    );
}

/// The list of a blast that repeats has them at each of its times.
#[tokio::test]
async fn a_blast_that_repeats_for_a_list_is_asked_about_before_an_opt_out_is_taken_back() {
    let shop = Shop::open(Setup::default()).await;
    shop.ok(&["suppress", "add", &digits(1)]).await;
    let later = shop.draft_with(0..3, &["--repeat", "every day 09:00"]).await;
    shop.send(&later).await;
    let question = format!("Then they get the message of blast {later}.");

    let early = shop.run(&["suppress", "remove", &digits(1)]).await;
    let lifted = shop.json(&["suppress", "remove", &digits(1), "--yes"]).await;
    shop.ok(&["suppress", "add", &digits(2)]).await;
    let late = shop.run(&["suppress", "remove", &digits(2)]).await;

    assert!(early.code == 3 && early.err.contains(&question), "{early:?}");
    assert_eq!(lifted["queued_in"].to_string(), format!("[{later}]"), "{lifted}");
    assert!(late.code == 3 && late.err.contains(&question), "{late:?}");
}

#[tokio::test]
async fn whoever_would_get_a_message_at_once_is_asked_about_before_an_opt_out_is_taken_back() {
    let shop = Shop::open(Setup::default()).await;
    let sent = shop.blast(0..3).await;
    let draft = shop.draft(5..8).await;
    for person in [1, 5] {
        shop.ok(&["suppress", "add", &digits(person)]).await;
    }
    shop.ok(&["mark", &sent, &digits(2), "opt-out"]).await;
    shop.ok(&["mark", &draft, &digits(6), "opt-out"]).await;

    for (line, question) in [
        (&["suppress", "remove", &digits(1)][..], format!("Then they get the message of blast {sent}.")),
        (&["mark", &sent, &digits(2), "undo"], "gets the message of".to_owned()),
    ] {
        let before = shop.rows().await;
        let refused = shop.run(line).await;
        assert!(refused.code == 3 && refused.err.contains("add --yes"), "{refused:?}");
        assert_eq!(shop.rows().await, before, "nothing is done unasked");
        let mut terminal = shop.in_terminal(line, Size { columns: 250, rows: 30 });
        terminal.wait_for_text(&question);
        terminal.type_keys("n\r");
        terminal.wait_for_text("nothing was done");
        assert_eq!(terminal.wait_for_exit().exit_code(), 3);
        assert_eq!(shop.rows().await, before);
        shop.ok(&[line, &["--yes"]].concat()).await;
    }
    assert_eq!(shop.count("queued").await, 4);
    // Nobody gets anything by a draft.
    shop.ok(&["suppress", "remove", &digits(5)]).await;
    shop.ok(&["mark", &draft, &digits(6), "undo"]).await;
    assert_eq!(shop.count("opted_out").await, 0);
}

/// Also of a row on which an older version left an opt-out that holds no more.
#[tokio::test]
async fn whoever_had_a_message_and_may_be_messaged_again_can_opt_out_anew() {
    let shop = Shop::open(Setup::default()).await;
    shop.blast(0..3).await;
    shop.until_idle().await;
    shop.draft(0..3).await;
    let left_by_older = format!(
        "update blast_recipients set opted_out_at = now() where blast_id = 1 and phone_number = '+{}'",
        digits(2)
    );
    shop.execute(&left_by_older).await;
    shop.ok(&["suppress", "add", &digits(1)]).await;
    assert_eq!(
        shop.number("select count(*) from blast_recipients where blast_id = 1 and opted_out_at is not null").await,
        2
    );

    shop.ok(&["suppress", "remove", &digits(1)]).await;

    assert_eq!(
        shop.number("select count(*) from blast_recipients where blast_id = 1 and opted_out_at is not null").await,
        1
    );
    for person in [digits(1), digits(2)] {
        shop.ok(&["mark", "1", &person, "opt-out"]).await;
        let again = shop.run(&["mark", "1", &person, "opt-out"]).await;
        assert!(again.code == 3 && again.err.contains("has opted out already: nothing changed"), "{again:?}");
    }
    assert_eq!(shop.number("select count(*) from suppressions").await, 2);
    assert_eq!(
        shop.number("select count(*) from blast_recipients where blast_id = 2 and status = 'opted_out'").await,
        2
    );
    shop.invariants().await;
}

#[tokio::test]
async fn a_bad_number_and_an_unknown_sender_have_one_exit_code_each() {
    let shop = Shop::open(Setup::default()).await;
    shop.draft(0..2).await;
    let list = shop.path("people.csv");
    let new = ["blast", "new", "--sender", "slaes", "--message", "x", "--recipients", list.to_str().unwrap()];
    let cases: [(&[&str], i32, &str); 9] = [
        (&["mark", "1", "12", "replied"], 2, "usage"),
        (&["uncertain", "resolve", "1", "12", "drop"], 2, "usage"),
        (&["suppress", "add", "12"], 2, "usage"),
        (&["suppress", "remove", "12"], 2, "usage"),
        (&new, 1, "not_found"),
        (&["sender", "check", "slaes"], 1, "not_found"),
        (&["sender", "confirm", "slaes", "--yes"], 1, "not_found"),
        (&["sender", "move", "slaes"], 1, "not_found"),
        (&["blast", "show", "77"], 1, "not_found"),
    ];
    for (verb, code, kind) in cases {
        let said = shop.run(&[verb, &["--json"]].concat()).await;
        assert!(said.code == code && said.err.contains(&format!("\"kind\":\"{kind}\"")), "{verb:?}: {said:?}");
    }
    let mend = shop.run(&["blast", "show", "77"]).await;
    assert!(mend.err.contains("' blastdeck --config") && mend.err.contains(" blast list`"), "{mend:?}");
}

#[tokio::test]
async fn whoever_waits_claimed_for_longer_than_a_second_is_looked_at_again_before_their_post() {
    let sender = "rate = \"unlimited\"\nin_flight = 4";
    let shop = Shop::open(Setup { sim: &["--latency", "3s"], sender, ..Setup::default() }).await;
    shop.blast(0..5).await;
    let engine = shop.engine();
    shop.until_posts(4).await;
    eventually_async("the fifth is claimed", async || shop.count("sending").await == 5).await;

    // As another program writes it, which orders nothing.
    let fifth = digits(4);
    shop.execute(&format!(
        "insert into suppressions (business, phone_number, source) values ('kedai', '+{fifth}', 'x')"
    ))
    .await;

    shop.until_state("1", "completed").await;
    engine.stop().await;
    assert!(shop.sim.posts().await.iter().all(|post| post.phone != fifth));
    shop.invariants().await;
}
