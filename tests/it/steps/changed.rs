//! Steps that are paused, changed or copied.

use blastdeck::store::clearing::{Clearing, ClearingKind};

use super::*;

#[tokio::test]
async fn nothing_is_made_while_the_step_or_its_blast_is_paused_or_over_and_copies_have_steps_of_their_own() {
    let shop = Shop::open(SETUP).await;
    let blast = received(&shop, 0..2, 50).await;
    add(&shop, &blast, &["--after", "48h", "--until", "read"]).await;
    let app = engine_app(&shop, "one").await;
    let step = |verb: &'static str| ["blast", "step", verb];

    shop.ok(&[&step("pause")[..], &[&blast, "1"]].concat()).await;
    occur(&app, Utc::now()).await;
    assert!(made(&shop, &blast, 1).await.is_empty(), "paused");
    shop.ok(&[&step("resume")[..], &[&blast, "1"]].concat()).await;
    for state in ["paused", "cancelled", "failed", "draft"] {
        shop.execute(&format!("update blasts set state = '{state}' where id = {blast}")).await;
        occur(&app, Utc::now()).await;
        assert!(made(&shop, &blast, 1).await.is_empty(), "{state}");
    }
    shop.execute(&format!("update blasts set state = 'completed' where id = {blast}")).await;
    let set = shop
        .json(
            &[
                &step("set")[..],
                &[&blast, "1", "--after", "40h", "--auto", "--at-most", "9", "--stage", "Nudge", "--yes"],
            ]
            .concat(),
        )
        .await;
    assert_eq!((&set["after_seconds"], &set["at_most"], &set["stage"]), (&json!(144_000), &json!(9), &json!("Nudge")));
    assert_eq!((&set["until"], &set["message"]), (&json!("read"), &json!("Still there, {name}?")), "the rest stays");
    shop.ok(&[&step("remove")[..], &[&blast, "1"]].concat()).await;
    occur(&app, Utc::now()).await;
    assert!(
        made(&shop, &blast, 1).await.is_empty() && shop.json_lines(&["blast", "step", "list", &blast]).await.is_empty()
    );
    let next = add(&shop, &blast, &["--after", "48h", "--until", "read"]).await;
    assert_eq!(next["number"], 2, "a number is never given again");

    let copy = app.duplicate(BlastId(blast.parse().unwrap())).await.unwrap().0.id.to_string();
    let copied = shop.json_lines(&["blast", "step", "list", &copy]).await;
    assert_eq!(
        (copied.len(), &copied[0]["number"], &copied[0]["when"]),
        (1, &json!(2), &json!("2d after sent, not read"))
    );
}

#[tokio::test]
async fn a_step_that_is_paused_or_resumed_a_second_time_says_so_and_that_is_no_act() {
    let shop = Shop::open(SETUP).await;
    let blast = received(&shop, 0..2, 90).await;
    add(&shop, &blast, &["--after", "48h", "--until", "read"]).await;
    let said = async |verb: &str| {
        let done = shop.run(&["blast", "step", verb, &blast, "1"]).await;
        assert_eq!(done.code, 0, "{done:?}");
        done.err
    };

    for (verb, words) in
        [("resume", "was not paused"), ("pause", "is paused"), ("pause", "was paused already"), ("resume", "goes on")]
    {
        let said = said(verb).await;
        assert!(said.contains(&format!("step 1 of blast {blast} {words}")), "{said}");
    }

    let acts = "select string_agg(detail ->> 'step_was', ', ' order by id) from operator_actions where detail ? 'step'";
    assert_eq!(shop.text(acts).await, "added, paused, resumed");
}

#[tokio::test]
async fn a_step_that_is_changed_while_its_draft_is_made_makes_it_anew() {
    let shop = Shop::open(SETUP).await;
    let blast = received(&shop, 0..3, 90).await;
    add(&shop, &blast, &["--after", "48h", "--until", "read"]).await;
    let seen = step::of_blast(&shop.database.pool, BlastId(blast.parse().unwrap())).await.unwrap().remove(0);
    shop.ok(&["blast", "step", "set", &blast, "1", "--message", "New words"]).await;

    let changed = step::of_blast(&shop.database.pool, seen.blast).await.unwrap().remove(0);
    let noted = async |of: &step::StepRow| {
        let (now, waits) = (Utc::now(), Some("it asks".to_owned()));
        let note = step::StepNote { step: of.key(), seen: of.last_made_at, due_from: of.due_from, now, waits };
        let mut tx = shop.database.pool.begin().await.unwrap();
        step::note(&mut tx, &note, of.blast).await.unwrap()
    };

    assert!(!noted(&seen).await, "with words that are not its own any more");
    assert!(noted(&changed).await);
}

/// No step can be written.
const WRITES_NOTHING: &str = "create function refuse() returns trigger language plpgsql as $$ begin
         raise exception 'somebody holds it' using errcode = '55P03'; end $$;
     create trigger refuse before insert or update on blast_steps for each row execute function refuse()";

#[tokio::test]
async fn a_step_that_cannot_be_written_after_its_question_is_as_it_was() {
    let shop = Shop::open(SETUP).await;
    let blast = received(&shop, 0..2, 1).await;
    let auto = ["--auto", "--at-most", "9"];
    add(&shop, &blast, &[&["--after", "48h", "--until", "read"], &auto[..]].concat()).await;
    shop.execute(WRITES_NOTHING).await;

    let changed = shop.run(&["blast", "step", "set", &blast, "1", "--after", "72h"]).await;
    let new = ["blast", "step", "add", &blast, "--message", "And now?", "--after", "96h", "--until", "read"];
    let added = shop.run(&[&new[..], &auto].concat()).await;

    for said in [changed, added] {
        assert!(said.code == 1 && said.err.contains("the database was busy"), "{said:?}");
    }
    let as_it_was = "select count(*) from blast_steps where paused_at is null and after_seconds = 48 * 3600";
    assert_eq!((shop.number(as_it_was).await, shop.number("select count(*) from blast_steps").await), (1, 1));
}

#[tokio::test]
async fn whoever_was_in_flight_when_the_blast_of_their_step_was_deleted_does_not_get_the_step_again() {
    let shop = Shop::open(SETUP).await;
    let blast = received(&shop, 0..2, 90).await;
    add(&shop, &blast, &["--after", "48h", "--until", "read"]).await;
    let app = engine_app(&shop, "one").await;
    occur(&app, Utc::now()).await;
    let wrong = made(&shop, &blast, 1).await.pop().unwrap();
    shop.send(&wrong).await;
    shop.put_in_flight(&wrong, 0).await;

    shop.ok(&["blast", "cancel", &wrong, "--yes"]).await;
    shop.ok(&["blast", "delete", &wrong, "--yes"]).await;
    let sent = "status = 'sent', standing = 'sent', attempt = 1, sent_at = now()";
    set(&shop, &wrong, 0, sent).await;
    let rest = Clearing { blast: BlastId(wrong.parse().unwrap()), kind: ClearingKind::Remove };
    assert_eq!(rest.finish(&shop.database.pool).await.unwrap(), 1);
    shop.ok(&["blast", "step", "set", &blast, "1", "--message", "Is it still there?", "--yes"]).await;
    a_day_passes(&shop).await;
    occur(&app, Utc::now()).await;

    let right = made(&shop, &blast, 1).await.pop().unwrap();
    assert_eq!(people(&shop, &right).await, [phone(1)], "whom the cancel left out gets it");
}

#[tokio::test]
async fn whoever_was_in_flight_when_the_blast_of_their_step_was_deleted_and_was_refused_comes_into_the_next_one() {
    let shop = Shop::open(SETUP).await;
    let blast = received(&shop, 0..4, 90).await;
    add(&shop, &blast, &["--after", "48h", "--until", "read"]).await;
    let app = engine_app(&shop, "one").await;
    occur(&app, Utc::now()).await;
    let wrong = made(&shop, &blast, 1).await.pop().unwrap();
    shop.send(&wrong).await;
    shop.put_in_flight(&wrong, 0).await;
    shop.put_in_flight(&wrong, 1).await;
    shop.ok(&["blast", "cancel", &wrong, "--yes"]).await;
    shop.ok(&["blast", "delete", &wrong, "--yes"]).await;
    shop.ok(&["blast", "step", "set", &blast, "1", "--message", "Is it still there?", "--yes"]).await;

    a_day_passes(&shop).await;
    occur(&app, Utc::now()).await;
    let meanwhile = made(&shop, &blast, 1).await.pop().unwrap();
    assert_eq!(people(&shop, &meanwhile).await, [phone(2), phone(3)], "nobody knows yet what comes of the others");
    shop.ok(&["blast", "delete", &meanwhile, "--yes"]).await;
    set(&shop, &wrong, 0, "status = 'sent', standing = 'sent', attempt = 1, sent_at = now()").await;
    // Put off by the provider: queued again.
    set(&shop, &wrong, 1, "attempt = 1").await;
    let rest = Clearing { blast: BlastId(wrong.parse().unwrap()), kind: ClearingKind::Remove };
    assert_eq!(rest.finish(&shop.database.pool).await.unwrap(), 2);
    a_day_passes(&shop).await;
    occur(&app, Utc::now()).await;

    let right = made(&shop, &blast, 1).await.pop().unwrap();
    assert_eq!(people(&shop, &right).await, [phone(1), phone(2), phone(3)]);
}
