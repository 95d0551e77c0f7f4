//! Several reasons for one opt-out, in any order: whoever was taken out is back once the last of them is gone, and whoever stays
//! suppressed is said to be, and by what.

use blastdeck::app::view::{Anchor, Order, RecipientQuery};
use blastdeck::app::{App, AppError, DraftEdit, Launch, OptOut, OptOutTime};
use blastdeck::domain::filter::Filter;
use blastdeck::domain::ids::{BlastId, RecipientId};
use blastdeck::domain::phone::Phone;
use blastdeck::domain::recipient::Mark;
use blastdeck::store::alias::{self, NumberAlias};
use blastdeck::store::suppression::{self, LiftOutcome, NewSuppression};
use chrono::TimeDelta;

use super::Scene;
use super::marks::{operator_app, refusal};
use crate::support::{WAITING_FOR_A_LOCK, eventually_async};

/// In blast 1, which is sending: queued.
const BEN: RecipientId = RecipientId(2);
/// The same number in blast 2, which is completed: sent.
const BEN_SENT: RecipientId = RecipientId(4);

fn number() -> Phone {
    Phone::parse("+60100000002", "MY".parse().unwrap()).unwrap()
}

/// Ben is queued in blast 1 and in the draft 3, and was sent to in blast 2.
async fn scene() -> (Scene, App, App) {
    let scene = Scene::queued(3).await;
    scene
        .execute(
            "insert into blasts (blast_tag, sender_id, message, state, total_recipients)
             values ('Deepavali', 1, 'Hi', 'completed', 1), ('Merdeka', 1, 'Hi', 'draft', 1);
             insert into blast_recipients (blast_id, phone_number, name, status, standing, sent_at)
             values (2, '+60100000002', 'Ben', 'sent', 'sent', now()), (3, '+60100000002', 'Ben', 'queued', 'queued', null);
             insert into status_history (blast_id, recipient_id, attempt, old_status, new_status, source)
             values (2, 4, 1, 'queued', 'sent', 'send')",
        )
        .await;
    let (aina, ben) = (operator_app(&scene, "aina").await, operator_app(&scene, "ben").await);
    (scene, aina, ben)
}

/// As the engine notes it.
async fn stop(scene: &Scene) {
    let mut tx = scene.pool().begin().await.unwrap();
    let new = NewSuppression {
        business: "kedai",
        phone: "+60100000002",
        reason: Some("they asked"),
        source: "person",
        by: "the person",
    };
    suppression::add(&mut tx, new).await.unwrap();
    tx.commit().await.unwrap();
}

async fn opted_out(scene: &Scene) -> i64 {
    scene.number("select count(*) from blast_recipients where opted_out_at is not null").await
}

#[tokio::test]
async fn whichever_of_two_marks_is_taken_back_last_puts_back_whom_either_took_out() {
    for order in [[BEN, BEN_SENT], [BEN_SENT, BEN]] {
        let (scene, aina, _) = scene().await;
        aina.mark(BEN, Mark::OptOut).await.unwrap();
        aina.mark(BEN_SENT, Mark::OptOut).await.unwrap();
        assert_eq!(scene.statuses().await, ["queued", "opted_out", "queued", "sent", "opted_out"]);

        let first = aina.undo_person(order[0]).await.unwrap().sentence;
        assert_eq!(scene.statuses().await[4], "opted_out", "{first}");
        let last = aina.undo_person(order[1]).await.unwrap().sentence;

        assert_eq!(scene.statuses().await, ["queued", "queued", "queued", "sent", "queued"], "{first} | {last}");
        let others = if order[1] == BEN { "Merdeka (draft 3)" } else { "blast 1 (Raya) and draft 3 (Merdeka)" };
        assert!(last.contains(&format!("queued again in {others} too")), "{last}");
        assert_eq!(opted_out(&scene).await, 0);
        scene.invariants().await;
    }
}

#[tokio::test]
async fn a_mark_is_taken_back_also_for_a_number_that_was_learned_after_it() {
    for is_stopped in [false, true] {
        let (scene, aina, _) = scene().await;
        aina.mark(BEN, Mark::OptOut).await.unwrap();
        if is_stopped {
            stop(&scene).await;
        }
        let mut tx = scene.pool().begin().await.unwrap();
        let known = NumberAlias { alias: "+60100000077".to_owned(), phone: "+60100000002".to_owned() };
        alias::learn(&mut tx, &[known]).await.unwrap();
        tx.commit().await.unwrap();
        let by_operator = "select count(*) from suppressions where source = 'operator' or operator_by = 'aina'";
        assert_eq!(scene.number(by_operator).await, 2);

        aina.undo_person(BEN).await.unwrap();

        assert_eq!(scene.number(by_operator).await, 0);
        let left = if is_stopped { 2 } else { 0 };
        assert_eq!(scene.number("select count(*) from suppressions").await, left, "what they said stays");
    }
}

#[tokio::test]
async fn somebody_who_was_kept_out_by_another_mark_does_not_return_where_a_number_was_confirmed_without_them() {
    let (scene, aina, _) = scene().await;
    aina.mark(BEN, Mark::OptOut).await.unwrap();
    aina.mark(BEN_SENT, Mark::OptOut).await.unwrap();
    scene
        .execute("update blasts set state = 'paused', launched_at = now() where id = 1; update blasts set state = 'scheduled', scheduled_for = now() + interval '1 day', launched_at = now() where id = 3")
        .await;

    aina.undo_person(BEN).await.unwrap();
    let last = aina.undo_person(BEN_SENT).await.unwrap().sentence;

    assert_eq!(scene.statuses().await, ["queued", "opted_out", "queued", "sent", "opted_out"], "{last}");
    let words = "; still left out of blasts 1, 3, whose number was confirmed without them: `blastdeck blast new --sender sales \
                 --from 'blast:3 phone:60100000002' --tag Merdeka --message 'TEXT'` makes a draft to them";
    assert!(last.ends_with(words), "{last}");
}

#[tokio::test]
async fn whoever_opted_out_between_a_confirmation_and_the_start_by_itself_is_asked_for_again() {
    let (scene, aina, ben) = scene().await;
    scene
        .execute(
            "insert into operator_actions (operator, action, blast_id, at) values ('ben', 'launch', 3, now() - interval '1 hour');
             update blasts set state = 'sending' where id = 3",
        )
        .await;
    ben.suppress("kedai", &number(), None).await.unwrap();
    scene.execute("update blasts set launched_at = now() where id = 3").await;

    let back = aina.unsuppress("kedai", &number()).await.unwrap().unwrap();

    assert_eq!((scene.statuses().await[4].as_str(), back.left_out().count()), ("queued", 0));
}

/// The number that was confirmed is without them, and counted before the launch's transaction.
#[tokio::test]
async fn whoever_is_allowed_again_in_the_moment_of_a_launch_is_not_sent_to_by_it() {
    for is_marked in [false, true] {
        let (scene, aina, ben) = scene().await;
        if is_marked {
            aina.mark(BEN_SENT, Mark::OptOut).await.unwrap();
        } else {
            ben.suppress("kedai", &number(), None).await.unwrap();
        }
        scene
            .execute(
                "insert into blast_recipients (blast_id, phone_number, name) values (3, '+60100000009', 'Ida');
                 update blasts set total_recipients = 2 where id = 3",
            )
            .await;
        let version = aina.blast(BlastId(3)).await.unwrap().version;
        let launch = Launch { blast: BlastId(3), version, people: 1, armed_for: TimeDelta::zero() };
        let mut lifts = scene.pool().begin().await.unwrap();
        // The launch has counted when it comes to the blast's row.
        sqlx::query("select from blasts where id = 3 for update").execute(&mut *lifts).await.unwrap();
        let launches = tokio::spawn(async move { aina.launch(launch).await });
        eventually_async("it waits", async || scene.number(WAITING_FOR_A_LOCK).await > 0).await;
        sqlx::raw_sql(
            "delete from suppressions;
             update blast_recipients set status = 'queued', standing = 'queued', opted_out_at = null
              where blast_id = 3 and status = 'opted_out'",
        )
        .execute(&mut *lifts)
        .await
        .unwrap();
        lifts.commit().await.unwrap();

        let why = launches.await.unwrap().unwrap_err();

        assert!(matches!(&why, AppError::PeopleChanged(why) if why.contains("2 people now, not 1")), "{why:?}");
    }
}

#[tokio::test]
async fn whoever_was_out_before_a_blast_began_to_repeat_is_back_for_its_next_times() {
    let (scene, aina, ben) = scene().await;
    ben.suppress("kedai", &number(), None).await.unwrap();
    scene
        .execute(
            "update blasts set state = 'scheduled', scheduled_for = now() + interval '1 day', launched_at = now(),
                               repeat_rule = 'every day 09:00' where id = 3",
        )
        .await;

    let back = aina.unsuppress("kedai", &number()).await.unwrap().unwrap();

    assert_eq!((scene.statuses().await[4].as_str(), back.left_out().count()), ("queued", 0));
}

#[tokio::test]
async fn an_undo_names_what_suppresses_its_person_still() {
    let line = "`blastdeck suppress remove +60100000002 --business 'kedai'`";
    let (scene, aina, _) = scene().await;
    stop(&scene).await;
    aina.mark(BEN_SENT, Mark::OptOut).await.unwrap();
    let undone = aina.undo_mine().await.unwrap();
    let theirs = format!(
        "Ben: opt-out taken back, but they stay suppressed: by their own word (they asked); {line} lifts that; still left out of blasts 1, 3"
    );
    assert_eq!(undone.sentence, theirs);
    assert_eq!(undone.still_suppressed.len(), 1);

    let (_scene, aina, ben_there) = self::scene().await;
    aina.mark(BEN_SENT, Mark::OptOut).await.unwrap();
    ben_there.suppress("*", &number(), Some("wrong number")).await.unwrap();
    let said = aina.undo_mine().await.unwrap().sentence;
    let by_ben = "Ben: opt-out taken back, but they stay suppressed: by ben, for any business (wrong number); \
                  `blastdeck suppress remove +60100000002` lifts that; still left out of blasts 1, 3";
    assert_eq!(said, by_ben);

    let (_scene, aina, ben_there) = self::scene().await;
    aina.mark(BEN, Mark::OptOut).await.unwrap();
    ben_there.mark(BEN_SENT, Mark::OptOut).await.unwrap();
    let said = aina.undo_mine().await.unwrap().sentence;
    let by_mark =
        "Person 2 stays opted out: by ben's mark in blast 2; `blastdeck mark 2 +60100000002 undo` takes that back";
    assert!(said.starts_with(by_mark), "{said}");
}

#[tokio::test]
async fn whoever_is_no_longer_suppressed_is_queued_again_wherever_that_took_them_out() {
    let (scene, aina, ben) = scene().await;
    ben.suppress("kedai", &number(), None).await.unwrap();
    assert_eq!(scene.statuses().await, ["queued", "opted_out", "queued", "sent", "opted_out"]);

    let back = aina.unsuppress("kedai", &number()).await.unwrap().unwrap();

    assert_eq!(scene.statuses().await, ["queued", "queued", "queued", "sent", "queued"]);
    assert_eq!(back.queued().collect::<Vec<_>>(), [BlastId(1), BlastId(3)]);
    let told = "select count(*) from status_history where new_status = 'queued' and metadata ->> 'why' = 'taken back'";
    assert_eq!(scene.number(told).await, 2);
    assert!(aina.unsuppress("kedai", &number()).await.unwrap().is_none());
    scene.invariants().await;
}

#[tokio::test]
async fn nobody_is_queued_again_while_another_reason_stands_nor_where_the_blast_is_over() {
    let (scene, aina, ben) = scene().await;
    ben.suppress("*", &number(), None).await.unwrap();
    stop(&scene).await;

    let back = aina.unsuppress("*", &number()).await.unwrap().unwrap();
    assert_eq!(back.queued().count(), 0);
    assert_eq!(scene.statuses().await, ["queued", "opted_out", "queued", "sent", "opted_out"]);

    scene.execute("update blasts set state = 'completed' where id = 1").await;
    let back = aina.unsuppress("kedai", &number()).await.unwrap().unwrap();
    assert_eq!(scene.statuses().await, ["queued", "opted_out", "queued", "sent", "queued"]);
    let words = back.in_words();
    let line = "`blastdeck blast new --sender sales --from 'blast:1 phone:60100000002' --tag Raya --message 'TEXT'`";
    assert!(words.contains("queued again in blast 3") && words.contains("blast 1, which is over"), "{words}");
    assert!(words.contains(line), "{words}");
}

#[tokio::test]
async fn whom_a_mark_took_out_is_back_once_they_are_no_longer_suppressed_and_the_mark_can_still_be_taken_back() {
    let (scene, aina, ben) = scene().await;
    aina.mark(BEN, Mark::OptOut).await.unwrap();

    ben.unsuppress("kedai", &number()).await.unwrap().unwrap();
    assert_eq!(scene.statuses().await, ["queued", "queued", "queued", "sent", "queued"]);

    let said = aina.undo_person(BEN).await.unwrap().sentence;
    assert_eq!(said, "Person 2: opt-out taken back");
    assert_eq!(scene.statuses().await, ["queued", "queued", "queued", "sent", "queued"]);
    scene.invariants().await;
}

#[tokio::test]
async fn a_message_that_was_taken_is_not_sent_again_once_its_person_is_no_longer_suppressed() {
    let (scene, aina, ben) = scene().await;
    ben.suppress("kedai", &number(), None).await.unwrap();
    scene.execute("update blast_recipients set attempt = 1, failed_attempt = 1, sent_at = now(), error_code = '131050' where id = 2").await;

    aina.unsuppress("kedai", &number()).await.unwrap().unwrap();

    assert_eq!(scene.statuses().await, ["queued", "failed", "queued", "sent", "queued"]);
}

#[tokio::test]
async fn whoever_may_have_the_message_stays_uncertain_once_they_are_no_longer_suppressed() {
    let (scene, aina, ben) = scene().await;
    scene
        .execute("update blast_recipients set status = 'uncertain', standing = 'uncertain', attempt = 1 where id = 2")
        .await;
    ben.suppress("kedai", &number(), None).await.unwrap();
    assert_eq!(scene.statuses().await, ["queued", "uncertain", "queued", "sent", "opted_out"]);

    let back = aina.unsuppress("kedai", &number()).await.unwrap().unwrap();

    assert_eq!(scene.statuses().await, ["queued", "uncertain", "queued", "sent", "queued"]);
    assert_eq!(back.queued().collect::<Vec<_>>(), [BlastId(3)]);
    let still = scene.number("select count(*) from blast_recipients where opted_out_at is not null and id = 2").await;
    assert_eq!(still, 0, "once they are settled they are not taken for opted out");
}

#[tokio::test]
async fn an_opt_out_is_on_the_rows_of_its_person_in_every_blast_of_the_business() {
    let (_scene, aina, _) = scene().await;
    let query = RecipientQuery {
        blast: BlastId(2),
        filter: Filter::default(),
        order: Order::Row,
        as_of: None,
        anchor: Anchor::Start,
        limit: 10,
    };
    let shown = async || {
        let listed = aina.recipients(&query).await.unwrap().pop().unwrap().opt_out;
        let again = aina.recipients_by_id(&[BEN_SENT]).await.unwrap().pop().unwrap().opt_out;
        let detailed = aina.recipient(BEN_SENT).await.unwrap().row.opt_out;
        let customer = aina.customer_sheet(&number()).await.unwrap().opt_outs.pop();
        assert!([&again, &detailed, &customer].iter().all(|other| **other == listed));
        listed
    };

    aina.suppress("toko", &number(), None).await.unwrap_err();
    assert_eq!(shown().await, None);
    aina.mark(BEN, Mark::OptOut).await.unwrap();

    assert_eq!(shown().await.unwrap().business, "kedai");
    aina.undo_mine().await.unwrap();
    assert_eq!(shown().await, None);
}

#[tokio::test]
async fn a_resume_does_not_lift_what_an_operator_sets_in_the_same_moment() {
    let (scene, _, _) = scene().await;
    stop(&scene).await;
    let mut sets = scene.pool().begin().await.unwrap();
    let (business, phone) = ("kedai", "+60100000002");
    let word = NewSuppression { business, phone, reason: Some("wrong number"), source: "operator", by: "ben" };
    suppression::add(&mut sets, word).await.unwrap();
    let pool = scene.pool().clone();
    let resumes = tokio::spawn(async move {
        let mut tx = pool.begin().await.unwrap();
        let lifted = suppression::lift(&mut tx, business, phone).await.unwrap();
        tx.commit().await.unwrap();
        lifted
    });

    scene.commit_once_waited_for(sets).await;

    let (reason, by) = (Some("wrong number".to_owned()), Some("ben".to_owned()));
    assert_eq!(resumes.await.unwrap(), LiftOutcome::OperatorsStands { reason, by });
    assert_eq!(scene.number("select count(*) from suppressions where source = 'operator'").await, 1);
}

#[tokio::test]
async fn the_people_of_a_list_of_opt_outs_are_locked_in_the_order_of_everybody_else() {
    let (scene, aina, _) = scene().await;
    let listed = |n| OptOut { phone: Phone::from_database(format!("+60100{n:06}")), reason: None };
    let mut clears = scene.pool().begin().await.unwrap();
    sqlx::query("select from blast_recipients where id = 3 for update").execute(&mut *clears).await.unwrap();

    let suppresses =
        tokio::spawn(
            async move { aina.suppress_all(Some("kedai"), vec![listed(3), listed(1)], OptOutTime::Now).await },
        );
    eventually_async("it waits for the third", async || scene.number(WAITING_FOR_A_LOCK).await > 0).await;
    let free = "select count(*) from (select from blast_recipients where id = 1 for update skip locked) r";
    assert_eq!(scene.number(free).await, 0, "it has the first");
    clears.commit().await.unwrap();

    assert_eq!(suppresses.await.unwrap().unwrap().added, 2);
    assert_eq!(scene.statuses().await[..3], ["opted_out", "queued", "opted_out"]);
}

/// An opt-out counts for the newest message that reached somebody: that row is locked with the open ones.
#[tokio::test]
async fn whoever_a_message_reached_is_locked_in_one_order_with_whoever_is_queued() {
    let (scene, aina, _) = scene().await;
    let sent = "update blast_recipients set status = 'sent', standing = 'sent', sent_at = now() where id = 1;
                insert into number_aliases (alias, phone_number) values ('+60100000002', '+60100000003')";
    scene.execute(sent).await;
    let listed = |n| OptOut { phone: Phone::from_database(format!("+60100{n:06}")), reason: None };
    let mut clears = scene.pool().begin().await.unwrap();
    sqlx::query("select from blast_recipients where id = 3 for update").execute(&mut *clears).await.unwrap();

    let suppresses =
        tokio::spawn(
            async move { aina.suppress_all(Some("kedai"), vec![listed(3), listed(1)], OptOutTime::Now).await },
        );
    eventually_async("it waits for the third", async || scene.number(WAITING_FOR_A_LOCK).await > 0).await;
    let free = "select count(*) from (select from blast_recipients where id in (1, 2) for update skip locked) r";
    assert_eq!(scene.number(free).await, 0, "it has the one who was reached, and the third's other number");
    clears.commit().await.unwrap();

    assert_eq!(suppresses.await.unwrap().unwrap().added, 2);
    assert_eq!(scene.statuses().await[..3], ["sent", "opted_out", "opted_out"]);
    let counted = "select count(*) from blast_recipients where id = 1 and opted_out_at is not null";
    assert_eq!(scene.number(counted).await, 1);
}

#[tokio::test]
async fn a_test_of_what_nobody_gets_any_more_says_so() {
    let (scene, aina, _) = scene().await;
    scene
        .execute(
            "update blast_recipients set status = 'opted_out', standing = 'opted_out', opted_out_at = now() where blast_id = 1 and id <> 2",
        )
        .await;
    let test = async |person| refusal(aina.send_test(BlastId(1), person, Some("+60100000099")).await);

    assert_eq!(test(RecipientId(1)).await, "other people of Raya are shown now: look at its plan again");
    aina.mark(BEN, Mark::OptOut).await.unwrap();
    assert_eq!(test(BEN).await, "nobody in Raya gets a message");
}

#[tokio::test]
async fn a_test_of_words_that_somebody_changed_since_they_were_shown_is_not_sent() {
    let (scene, aina, ben) = scene().await;
    let draft = BlastId(3);
    let shown = aina.blast(draft).await.unwrap().version;
    ben.edit(draft, shown, DraftEdit { tag: Some("Hari Raya".to_owned()), ..DraftEdit::default() }).await.unwrap();

    let refused = aina.at_version(draft, shown).send_test(draft, RecipientId(5), Some("+60100000099")).await;

    assert!(matches!(refused, Err(AppError::Changed)), "{refused:?}");
    assert_eq!(scene.number("select count(*) from blasts where follow_up_stage = 'Test'").await, 0);
}

#[tokio::test]
async fn a_test_to_ones_own_number_that_is_refused_leaves_no_draft() {
    let (scene, aina, _) = scene().await;
    let own = "+60100000099";
    let drafts = "select count(*) from blasts where deleted_at is null and state = 'draft'";
    let before = scene.number(drafts).await;
    aina.suppress("kedai", &Phone::parse(own, "MY".parse().unwrap()).unwrap(), None).await.unwrap();

    let refused = aina.send_test(BlastId(1), RecipientId(1), Some(own)).await;

    assert!(matches!(&refused, Err(AppError::Refused(_) | AppError::PeopleChanged(_))), "{refused:?}");
    assert_eq!(
        scene.number("select count(*) from blasts where deleted_at is null and follow_up_stage = 'Test'").await,
        0
    );
    assert_eq!(scene.number(drafts).await, before);
}
