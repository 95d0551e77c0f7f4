//! Words that others are sent and that name whoever is to be forgotten: what goes out stays as somebody launched it.

use super::{FIRST, number};
use crate::support::{Setup, Shop, digits};

/// Somebody whom nothing is sent to, and whom others are to call.
const NAMED: u32 = FIRST + 9;

/// A draft that names them; its id.
async fn draft(shop: &Shop) -> String {
    let (list, message) = (shop.list(FIRST..FIRST + 2), format!("Hi {{name}}, call {}", digits(NAMED)));
    let new = ["blast", "new", "--sender", "sales", "--message", &message, "--recipients", list.to_str().unwrap()];
    shop.json(&new).await["id"].as_i64().unwrap().to_string()
}

#[tokio::test]
async fn nobody_is_forgotten_while_what_goes_out_has_their_number_in_its_words() {
    let shop = Shop::open(Setup::default()).await;
    let blast = draft(&shop).await;
    shop.send(&blast).await;
    let named = number(NAMED);
    let words = "select message from blasts where id = 1";
    let before = shop.text(words).await;

    for (set, mend) in [
        ("state = 'sending'", " blast cancel 1`"),
        ("state = 'paused'", " blast cancel 1`"),
        ("state = 'scheduled', launched_at = null, scheduled_for = now() + interval '1 day'", " blast edit 1` gives"),
        ("state = 'paused'", " blast undo 1` makes it a draft"),
        ("repeat_rule = 'every day 09:00'", " blast cancel 1`"),
        ("state = 'scheduled'", " blast edit 1` gives"),
    ] {
        shop.execute(&format!("update blasts set {set} where id = 1")).await;
        for sure in [&["--yes"][..], &[]] {
            let refused = shop.run(&[&["customer", "forget", &named], sure].concat()).await;
            assert_eq!(refused.code, 3, "{set}: {refused:?}");
            assert!(refused.err.contains("(blast 1) sends") && refused.err.contains(mend), "{set}: {refused:?}");
        }
        assert_eq!(shop.text(words).await, before, "{set}");
    }
    shop.execute("update blasts set state = 'cancelled', repeat_rule = null where id = 1").await;

    shop.ok(&["customer", "forget", &named, "--yes"]).await;

    assert_eq!(shop.text(words).await, "Hi {name}, call (forgotten)", "nothing is sent with it any more");
}

#[tokio::test]
async fn nobody_is_forgotten_while_a_step_sends_words_with_their_number() {
    let shop = Shop::open(Setup::default()).await;
    let blast = shop.blast(FIRST..FIRST + 2).await;
    shop.until_idle().await;
    let (named, message) = (number(NAMED), format!("Or ask {}", digits(NAMED)));
    shop.ok(&["blast", "step", "add", &blast, "--after", "48h", "--message", &message, "--yes"]).await;

    let refused = shop.run(&["customer", "forget", &named, "--yes"]).await;

    assert!(refused.code == 3 && refused.err.contains("step 1 of"), "{refused:?}");
    assert!(refused.err.contains(" blast step set 1 1` gives it other words"), "{refused:?}");
    assert_eq!(shop.text("select message from blast_steps").await, message);
    shop.ok(&["blast", "step", "pause", &blast, "1"]).await;
    let asked = shop.run(&["customer", "forget", &named]).await;
    assert!(asked.err.contains("taken out of the words that 1 step would send: step 1 of"), "{asked:?}");
    shop.ok(&["customer", "forget", &named, "--yes"]).await;
    assert_eq!(shop.text("select message from blast_steps").await, "Or ask (forgotten)");
}

#[tokio::test]
async fn nobody_is_forgotten_while_a_step_that_sends_by_itself_has_their_number_in_a_value_of_its_people() {
    let shop = Shop::open(Setup::default()).await;
    let blast = shop.blast(FIRST..FIRST + 2).await;
    shop.until_idle().await;
    let add = ["blast", "step", "add", &blast, "--after", "48h", "--until", "read", "--message", "Or ask {agent}"];
    shop.execute("update blast_recipients set variables = '{\"agent\": \"Ana\"}'").await;
    shop.ok(&[&add[..], &["--auto", "--at-most", "9", "--yes"]].concat()).await;
    let value = format!("update blast_recipients set variables = '{{\"agent\": \"{}\"}}'", digits(NAMED));
    shop.execute(&value).await;
    let forget = ["customer", "forget", &number(NAMED)];
    let sure = [&forget[..], &["--yes"]].concat();

    let refused = shop.run(&sure).await;

    assert!(refused.code == 3 && refused.err.contains("stands in what step 1 of"), "{refused:?}");
    assert!(refused.err.contains(" blast step set 1 1` gives it other words"), "{refused:?}");
    for seen in ["at_most = null", "at_most = 9, paused_at = now()"] {
        shop.execute(&format!("update blast_steps set {seen}")).await;
        let asked = shop.run(&forget).await;
        assert!(asked.err.contains("taken out of the words that 1 step would send: step 1 of"), "{seen}: {asked:?}");
    }
    shop.execute("update blast_steps set paused_at = null, message = 'Or ask us, {name}'").await;
    shop.ok(&sure).await;
    let left = format!("select count(*) from blast_recipients where variables::text like '%{}%'", digits(NAMED));
    assert_eq!(shop.number(&left).await, 0, "a value that no step sends goes");
}

#[tokio::test]
async fn nobody_is_forgotten_while_what_repeats_may_find_their_number_in_a_value_of_others() {
    let shop = Shop::open(Setup::default()).await;
    let earlier = shop.blast(FIRST..FIRST + 2).await;
    shop.until_idle().await;
    let call = digits(NAMED);
    shop.execute(&format!("update blast_recipients set variables = '{{\"agent\": \"call {call}\"}}'")).await;
    let filter = format!("blast:{earlier} has:reply");
    let new = ["blast", "new", "--sender", "sales", "--message", "Ask {agent}", "--from", &filter];
    let repeating = shop.json(&[&new[..], &["--repeat", "every day 09:00"]].concat()).await["id"].to_string();
    let forget = ["customer", "forget", &number(NAMED)];
    let sure = [&forget[..], &["--yes"]].concat();

    let asked = shop.run(&forget).await;
    shop.send(&repeating).await;

    let draft = "taken out of the words that 1 draft would send: ";
    assert!(asked.err.contains(draft) && asked.err.contains(&format!("(blast {repeating})")), "{asked:?}");
    for segment in [filter.as_str(), "tag:vip -has:reply", "list:raya has:reply"] {
        shop.execute(&format!("update blasts set segment = '{segment}' where id = {repeating}")).await;
        let refused = shop.run(&sure).await;
        let mend = format!(" blast edit {repeating}` gives it other words");
        assert!(refused.code == 3 && refused.err.contains(&mend), "{segment}: {refused:?}");
    }
    shop.execute(&format!("update blasts set message = 'Hi {{name}}' where id = {repeating}")).await;
    let add = ["blast", "step", "add", &repeating, "--after", "48h", "--message", "Or ask us"];
    shop.ok(&[&add[..], &["--auto", "--at-most", "9", "--yes"]].concat()).await;
    shop.execute("update blast_steps set message = 'Or ask {agent}'").await;
    let refused = shop.run(&sure).await;
    assert!(refused.code == 3 && refused.err.contains("stands in what step 1 of"), "{refused:?}");
    shop.execute("update blast_steps set message = 'Or ask us, {name}'").await;
    shop.ok(&sure).await;
    let left = format!("select count(*) from blast_recipients where variables::text like '%{call}%'");
    assert_eq!(shop.number(&left).await, 0, "a value that nothing sends goes");
}

#[tokio::test]
async fn nobody_is_forgotten_while_what_repeats_takes_their_number_from_a_list_that_is_kept() {
    let shop = Shop::open(Setup::default()).await;
    let list = format!("phone,name,agent\n{},Aina,call {}\n", number(FIRST), digits(NAMED));
    let file = shop.write("raya.csv", &list);
    shop.ok(&["list", "save", "Raya", file.to_str().unwrap()]).await;
    let new = ["blast", "new", "--sender", "sales", "--message", "Ask {agent}", "--from", "list:raya"];
    let repeating = shop.json(&[&new[..], &["--repeat", "every day 09:00"]].concat()).await["id"].to_string();
    shop.send(&repeating).await;
    shop.execute("update blast_recipients set variables = '{\"agent\": \"Ana\"}'").await;
    let forget = ["customer", "forget", &number(NAMED), "--yes"];

    let refused = shop.run(&forget).await;

    let mend = format!(" blast edit {repeating}` gives it other words");
    assert!(refused.code == 3 && refused.err.contains(&mend), "{refused:?}");
    shop.execute("update blasts set segment = 'list:other'").await;
    shop.ok(&forget).await;
    assert_eq!(shop.text("select variables ->> 'agent' from saved_list_people").await, "call 0");
}

#[tokio::test]
async fn whoever_resumes_a_step_that_lost_the_number_of_somebody_forgotten_is_asked_about_that() {
    let shop = Shop::open(Setup::default()).await;
    let blast = shop.blast(FIRST..FIRST + 2).await;
    shop.until_idle().await;
    let value = format!("update blast_recipients set variables = '{{\"agent\": \"{}\"}}'", digits(NAMED));
    shop.execute(&value).await;
    let add = ["blast", "step", "add", &blast, "--after", "48h", "--until", "read", "--message", "Or ask {agent}"];
    shop.ok(&[&add[..], &["--auto", "--at-most", "9", "--yes"]].concat()).await;
    let (pause, resume) = (["blast", "step", "pause", &blast, "1"], ["blast", "step", "resume", &blast, "1"]);
    shop.ok(&pause).await;
    shop.ok(&["customer", "forget", &number(NAMED), "--yes"]).await;

    let asked = shop.run(&resume).await;
    let said = shop.run(&[&resume[..], &["--yes"]].concat()).await;

    let lost = "their number was taken out of the words of step 1 of blast 1 or of values that it sends";
    assert!(asked.code == 3 && asked.err.contains(lost), "{asked:?}");
    assert!(asked.err.contains(" blast step set 1 1` gives it other words"), "{asked:?}");
    assert!(said.code == 0 && said.err.contains(lost) && said.err.contains("goes on"), "{said:?}");
    shop.ok(&pause).await;
    let again = shop.run(&resume).await;
    assert!(again.code == 0 && !again.err.contains(lost), "it was resumed as it is: {again:?}");
}

#[tokio::test]
async fn drafts_that_lose_the_number_of_whoever_is_forgotten_are_counted_and_are_other_drafts_then() {
    let shop = Shop::open(Setup::default()).await;
    draft(&shop).await;
    let version = shop.number("select version from blasts").await;

    let asked = shop.run(&["customer", "forget", &number(NAMED)]).await;
    let said = shop.run(&["customer", "forget", &number(NAMED), "--yes"]).await;

    let rewritten = "their number is taken out of the words that 1 draft would send: ";
    assert!(asked.code == 3 && asked.err.contains(rewritten) && asked.err.contains("(blast 1)"), "{asked:?}");
    assert!(said.code == 0 && said.err.contains(rewritten), "{said:?}");
    assert_eq!(shop.text("select message from blasts").await, "Hi {name}, call (forgotten)");
    assert!(shop.number("select version from blasts").await > version, "whoever saw the other words does not send it");
}

#[tokio::test]
async fn nobody_is_forgotten_while_a_value_that_goes_out_to_others_has_their_number() {
    let shop = Shop::open(Setup::default()).await;
    let blast = shop.draft(FIRST..FIRST + 2).await;
    shop.execute(&format!(
        "update blasts set message = 'Hi {{name}}, call {{agent}}';
         update blast_recipients set variables = '{{\"agent\": \"{}\"}}'",
        digits(NAMED)
    ))
    .await;
    shop.send(&blast).await;

    let refused = shop.run(&["customer", "forget", &number(NAMED), "--yes"]).await;

    assert!(refused.code == 3 && refused.err.contains(" blast cancel 1`"), "{refused:?}");
    shop.execute("update blasts set message = 'Hi {name}'").await;
    shop.ok(&["customer", "forget", &number(NAMED), "--yes"]).await;
    let left = format!("select count(*) from blast_recipients where variables::text like '%{}%'", digits(NAMED));
    assert_eq!(shop.number(&left).await, 0, "a value that is sent to nobody goes");
}

#[tokio::test]
async fn a_value_that_goes_out_is_found_however_its_column_is_spelled_and_in_place_of_a_templates_own() {
    let shop = Shop::open(Setup::default()).await;
    let blast = shop.draft(FIRST..FIRST + 2).await;
    shop.send(&blast).await;
    shop.execute("update blasts set state = 'scheduled', launched_at = null, scheduled_for = now() + interval '1 day'")
        .await;
    let body = r#"{"type": "body", "parameters": [{"type": "text", "text": "{{city}}"}]}"#;
    let template = r#"{"name": "tour", "language": {"code": "en_US"}, "components": ["#;
    let template = format!("template = '{template}{body}]}}'");
    let forget = ["customer", "forget", &number(NAMED), "--yes"];
    let left = format!("select count(*) from blast_recipients where variables::text like '%{}%'", digits(NAMED));
    let has = async |column: &str| {
        let call = digits(NAMED);
        shop.execute(&format!(
            "update blast_recipients set variables = '{{\"{column}\": \"call {call}\"}}' where id = 1"
        ))
        .await;
    };

    for (words, column) in [
        ("message = 'Hi {Alt  Phone}'", "alt phone"),
        ("message = 'Hi {TÉLÉ}'", "télé"),
        (template.as_str(), "city"),
        (template.as_str(), "1"),
    ] {
        shop.execute(&format!("update blasts set {words}")).await;
        has(column).await;
        let refused = shop.run(&forget).await;
        assert!(refused.code == 3 && refused.err.contains(" blast edit 1` gives"), "{column}: {refused:?}");
        assert_eq!(shop.number(&left).await, 1, "{column}: nothing was taken");
    }
    has("2").await;

    shop.ok(&forget).await;

    assert_eq!(shop.number(&left).await, 0, "a value that is sent to nobody goes");
}

#[tokio::test]
async fn nobody_is_forgotten_while_a_message_to_somebody_else_with_their_number_is_in_flight() {
    let shop = Shop::open(Setup::default()).await;
    draft(&shop).await;
    shop.execute(
        "update blasts set state = 'cancelled';
         update blast_recipients set status = 'skipped', standing = 'skipped' where id <> 1;
         insert into claims (blast_id, sender_id, attempt_number, epoch, first_id, last_id, recipients)
         select id, sender_id, 1, 1, 1, 1, array[1] from blasts",
    )
    .await;
    let forget = ["customer", "forget", &number(NAMED), "--yes"];

    let refused = shop.run(&forget).await;

    assert!(
        refused.code == 3 && refused.err.contains("in flight: try again once their outcome is known"),
        "{refused:?}"
    );
    // Whose claim is gone is uncertain: nothing more is written of them by themselves.
    shop.execute("delete from claims").await;
    shop.ok(&forget).await;
    assert_eq!(shop.text("select message from blasts").await, "Hi {name}, call (forgotten)");
}

#[tokio::test]
async fn nobody_is_forgotten_while_their_number_may_go_to_somebody_uncertain_again() {
    let shop = Shop::open(Setup::default()).await;
    let blast = draft(&shop).await;
    shop.send(&blast).await;
    let forget = ["customer", "forget", &number(NAMED), "--yes"];
    shop.execute(
        "update blast_recipients set status = 'uncertain', standing = 'uncertain', attempt = 1;
         update blasts set state = 'paused'",
    )
    .await;

    let in_words = shop.run(&forget).await;
    shop.execute(&format!(
        "update blasts set state = 'sending', message = 'Hi {{name}}, call {{agent}}';
         update blast_recipients set variables = '{{\"agent\": \"{}\"}}'",
        digits(NAMED)
    ))
    .await;
    let in_values = shop.run(&forget).await;

    for refused in [in_words, in_values] {
        assert!(
            refused.code == 3 && refused.err.contains("(blast 1) sends, which would go out without it"),
            "{refused:?}"
        );
    }
    shop.execute("update blast_recipients set status = 'skipped', standing = 'skipped'").await;
    shop.ok(&forget).await;
}

/// A blast that is over, and that these people failed in with its message known not to have arrived.
async fn fail(shop: &Shop, blast: &str) {
    shop.send(blast).await;
    shop.execute(
        "update blasts set state = 'completed';
         update blast_recipients
            set status = 'failed', standing = 'failed', attempt = 1, failed_at = now(), error_code = 'busy'",
    )
    .await;
}

/// What `blast retry` says of somebody forgotten since.
const LOST: &str = "would get the message without the number of somebody who was forgotten since";

#[tokio::test]
async fn words_that_lost_the_number_of_whoever_was_forgotten_are_not_sent_again() {
    let shop = Shop::open(Setup::default()).await;
    let blast = draft(&shop).await;
    fail(&shop, &blast).await;
    shop.ok(&["customer", "forget", &number(NAMED), "--yes"]).await;
    assert_eq!(shop.text("select message from blasts").await, "Hi {name}, call (forgotten)");

    let refused = shop.run(&["blast", "retry", &blast, "--yes", "--no-engine"]).await;

    assert!(refused.code == 3 && refused.err.contains(&format!("nobody to retry: 2 people {LOST}")), "{refused:?}");
    assert_eq!(shop.count("failed").await, 2);
}

#[tokio::test]
async fn of_values_that_lost_the_number_of_whoever_was_forgotten_these_peoples_alone_are_not_sent_again() {
    let shop = Shop::open(Setup::default()).await;
    let blast = shop.draft(FIRST..FIRST + 3).await;
    fail(&shop, &blast).await;
    shop.execute(&format!(
        "update blasts set message = 'Hi {{name}}, call {{agent}}';
         update blast_recipients set variables = '{{\"agent\": \"Ana {0}\", \"other\": \"x\"}}' where phone_number = '{1}';
         update blast_recipients set variables = '{{\"agent\": \"Ben\", \"other\": \"{0}\"}}' where phone_number = '{2}'",
        digits(NAMED),
        number(FIRST),
        number(FIRST + 1),
    ))
    .await;
    shop.ok(&["customer", "forget", &number(NAMED), "--yes"]).await;

    let retried = shop.json(&["blast", "retry", &blast, "--yes", "--no-engine"]).await;
    let refused = shop.run(&["blast", "retry", &blast, "--yes", "--no-engine"]).await;

    assert_eq!(retried["people"], 2, "a value that its words do not have is none that goes out: {retried}");
    assert!(refused.code == 3 && refused.err.contains(&format!("nobody to retry: 1 person {LOST}")), "{refused:?}");
    let left =
        format!("select count(*) from blast_recipients where status = 'failed' and phone_number = '{}'", number(FIRST));
    assert_eq!(shop.number(&left).await, 1);
}

#[tokio::test]
async fn whose_opt_out_is_taken_back_gets_no_value_that_lost_the_number_of_whoever_was_forgotten() {
    let shop = Shop::open(Setup::default()).await;
    let blast = shop.draft(FIRST..FIRST + 3).await;
    shop.send(&blast).await;
    shop.execute(&format!(
        "update blasts set message = 'Hi {{name}}, call {{agent}}';
         update blast_recipients set variables = '{{\"agent\": \"{}\"}}';
         update blast_recipients set variables = '{{\"agent\": \"Ana\"}}' where phone_number = '{}'",
        digits(NAMED),
        number(FIRST + 2),
    ))
    .await;
    shop.ok(&["mark", &blast, &digits(FIRST), "opt-out"]).await;
    shop.ok(&["suppress", "add", &digits(FIRST + 1)]).await;
    shop.ok(&["suppress", "add", &digits(FIRST + 2)]).await;
    shop.ok(&["customer", "forget", &number(NAMED), "--yes"]).await;

    let undone = shop.run(&["mark", &blast, &digits(FIRST), "undo"]).await;
    let lifted = shop.run(&["suppress", "remove", &digits(FIRST + 1)]).await;
    shop.ok(&["suppress", "remove", &digits(FIRST + 2), "--yes"]).await;

    assert_eq!((undone.code, lifted.code), (0, 0), "nothing goes out, so that nothing is asked: {undone:?} {lifted:?}");
    let why = "(blast 1), whose message they would get without the number of somebody who was forgotten since: ";
    assert!(format!("{}{}", undone.out, undone.err).contains(why), "{undone:?}");
    let why = "; still left out of blast 1, whose message they would get without the number of somebody who was forgotten since: ";
    assert!(lifted.err.contains(why) && lifted.err.contains("makes a draft to them"), "{lifted:?}");
    let stand = "select string_agg(status::text, ' ' order by id) from blast_recipients";
    assert_eq!(shop.text(stand).await, "skipped skipped queued");
    let reasons = "select count(*) from blast_recipients where reason like 'opt-out taken back: not sent, %'";
    assert_eq!(shop.number(reasons).await, 2);
}

#[tokio::test]
async fn whose_opt_out_of_a_draft_is_taken_back_after_its_launch_gets_no_value_that_lost_a_number_before() {
    let shop = Shop::open(Setup::default()).await;
    let blast = shop.draft(FIRST..FIRST + 2).await;
    shop.execute(&format!(
        "update blasts set message = 'Hi {{name}}, call {{agent}}';
         update blast_recipients set variables = '{{\"agent\": \"Ana\"}}';
         update blast_recipients set variables = '{{\"agent\": \"{}\"}}' where phone_number = '{}'",
        digits(NAMED),
        number(FIRST),
    ))
    .await;
    shop.ok(&["mark", &blast, &digits(FIRST), "opt-out"]).await;
    shop.ok(&["customer", "forget", &number(NAMED), "--yes"]).await;
    shop.send(&blast).await;

    shop.ok(&["mark", &blast, &digits(FIRST), "undo"]).await;

    let stand = "select string_agg(status::text, ' ' order by id) from blast_recipients";
    assert_eq!(shop.text(stand).await, "skipped queued");
}

#[tokio::test]
async fn whoever_is_allowed_again_waits_for_nobody_who_is_being_forgotten() {
    let shop = Shop::open(Setup::default()).await;
    let blast = shop.draft(FIRST..FIRST + 2).await;
    shop.send(&blast).await;
    shop.ok(&["mark", &blast, &digits(FIRST), "opt-out"]).await;
    let mut forgetting = shop.database.pool.begin().await.unwrap();
    blastdeck::store::forget::hold_lists(&mut forgetting).await.unwrap();

    shop.ok(&["mark", &blast, &digits(FIRST), "undo", "--yes"]).await;

    let stand = "select string_agg(status::text, ' ' order by id) from blast_recipients";
    assert_eq!(shop.text(stand).await, "queued queued");
    forgetting.rollback().await.unwrap();
}
