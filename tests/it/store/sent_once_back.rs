//! Whoever takes an opt-out back is asked first where somebody gets a message by it, and is told where nobody can any more.

use blastdeck::app::{App, Launch};
use blastdeck::domain::ids::{BlastId, RecipientId};
use blastdeck::domain::phone::Phone;
use blastdeck::domain::recipient::Mark;
use chrono::TimeDelta;

use super::marks::{act_of, operator_app, refusal};
use super::{BLAST, Scene};

async fn opt_out(app: &App, people: &[i64]) {
    let people: Vec<_> = people.iter().copied().map(RecipientId).collect();
    app.mark_several(&people, &Mark::OptOut).await.unwrap();
}

#[tokio::test]
async fn every_way_of_taking_an_opt_out_back_asks_where_it_sends() {
    let scene = Scene::queued(3).await;
    let (aina, ben) = (operator_app(&scene, "aina").await, operator_app(&scene, "ben").await);
    aina.mark(RecipientId(2), Mark::OptOut).await.unwrap();
    let who = "Person 2";
    let then = format!("Then {who} gets the message of Raya.");

    let (act, mine) = aina.ask_about_mine(Some(BLAST), Some(RecipientId(2))).await.unwrap().unwrap();
    let phone: String = sqlx::query_scalar("select phone_number from blast_recipients where id = 2")
        .fetch_one(scene.pool())
        .await
        .unwrap();
    assert_eq!(mine, format!("your last act: opt-out, {who}, {phone}. Take it back? {then}"));
    let asked = act_of(act);
    let named = aina.ask_about_named(asked.id).await.unwrap();
    assert_eq!(named, Some((asked, format!("take back your opt-out? {then}"))));
    let own = aina.ask_about_mark(RecipientId(2)).await.unwrap();
    assert_eq!(own, Some(format!("take back your opt-out of {who}? {then}")));
    let others = ben.ask_about_mark(RecipientId(2)).await.unwrap();
    assert_eq!(others, Some(format!("aina marked {who} opt-out: take that back? {then}")));
    let several = [RecipientId(1), RecipientId(2)];
    let marks = ben.ask_about_marks(&several).await.unwrap();
    assert_eq!(marks, Some(format!("take back the last mark of 2 people? {then}")));
    let asked = ben.ask_about_several(&several).await.unwrap();
    let words = format!("take back the last mark of 1 person, by somebody else? 1 has none. {then}");
    assert_eq!(asked, Some(words));
    assert_eq!(ben.ask_about_several(&[RecipientId(1), RecipientId(3)]).await.unwrap(), None);
    ben.mark(RecipientId(3), Mark::Note("later".to_owned())).await.unwrap();
    let mixed = ben.ask_about_several(&[RecipientId(2), RecipientId(3)]).await.unwrap();
    assert_eq!(mixed, Some(format!("take back the last mark of 2 people, 1 of them by others? {then}")));
}

/// The blast is resumed while the question stands.
#[tokio::test]
async fn a_yes_that_named_no_message_sends_none() {
    let scene = Scene::queued(3).await;
    let (aina, ben) = (operator_app(&scene, "aina").await, operator_app(&scene, "ben").await);
    aina.mark(RecipientId(2), Mark::OptOut).await.unwrap();
    scene.execute("update blasts set state = 'paused'").await;
    let person = [RecipientId(2)];
    let asked = ben.newest_marks(&person).await.unwrap();
    assert_eq!(asked.sends, None);
    scene.execute("update blasts set state = 'sending'").await;

    let why = refusal(ben.undo_marks(&person, &asked).await);

    assert_eq!(why, "a message goes out by that now: nothing was taken back; repeat it to be asked anew");
    assert_eq!(scene.statuses().await, ["queued", "opted_out", "queued"]);
    let asked = ben.newest_marks(&person).await.unwrap();
    assert_eq!(asked.sends.as_ref().map(|sends| &*sends.words), Some(" Then Person 2 gets the message of Raya."));
    ben.undo_marks(&person, &asked).await.unwrap();
    assert_eq!(scene.statuses().await, ["queued", "queued", "queued"]);
}

#[tokio::test]
async fn a_yes_to_ones_own_last_act_sends_no_message_that_was_not_named() {
    let scene = Scene::queued(3).await;
    let aina = operator_app(&scene, "aina").await;
    aina.mark(RecipientId(2), Mark::OptOut).await.unwrap();
    scene.execute("update blasts set state = 'paused'").await;
    let ask = async || aina.ask_about_mine(Some(BlastId(99)), None).await.unwrap().unwrap();
    let (act, question) = ask().await;
    assert!(question.ends_with("Take it back?"), "{question}");
    scene.execute("update blasts set state = 'sending'").await;

    let why = refusal(aina.undo_my_act(&act_of(act)).await);

    assert_eq!(why, "a message goes out by that now: nothing was taken back; repeat it to be asked anew");
    assert_eq!(scene.statuses().await, ["queued", "opted_out", "queued"]);
    let (act, question) = ask().await;
    assert!(question.ends_with("Take it back? Then Person 2 gets the message of Raya."), "{question}");
    aina.undo_my_act(&act_of(act)).await.unwrap();
    assert_eq!(scene.statuses().await, ["queued", "queued", "queued"]);
}

/// The words do not say which of several blasts.
#[tokio::test]
async fn a_yes_about_the_messages_of_several_blasts_sends_that_of_no_other_one() {
    let scene = Scene::queued(3).await;
    scene
        .execute(
            "insert into blasts (blast_tag, sender_id, state, message, total_recipients)
             select tag, 1, 'sending', 'Hi', 1 from unnest(array['Hotel', 'India']) tag;
             insert into blast_recipients (blast_id, phone_number, name)
             select id, '+60100000002', 'Person 2' from blasts where id > 1 order by id",
        )
        .await;
    let (aina, ben) = (operator_app(&scene, "aina").await, operator_app(&scene, "ben").await);
    aina.mark(RecipientId(2), Mark::OptOut).await.unwrap();
    scene.execute("update blasts set state = 'paused' where blast_tag = 'India'").await;
    let person = [RecipientId(2)];
    let asked = ben.newest_marks(&person).await.unwrap();
    let (act, question) = aina.ask_about_mine(Some(BLAST), Some(RecipientId(2))).await.unwrap().unwrap();
    let mine = act_of(act);
    let two = " Then Person 2 gets the messages of 2 blasts.";
    assert_eq!(asked.sends.as_ref().map(|sends| &*sends.words), Some(two));
    assert!(question.ends_with(two), "{question}");
    scene
        .execute(
            "update blasts set state = 'paused' where blast_tag = 'Hotel';
             update blasts set state = 'sending' where blast_tag = 'India'",
        )
        .await;

    let others = refusal(ben.undo_marks(&person, &asked).await);
    let own = refusal(aina.undo_my_act(&mine).await);

    let why = "a message goes out by that now: nothing was taken back; repeat it to be asked anew";
    assert_eq!((&*others, &*own), (why, why));
    assert_eq!(scene.statuses().await, ["queued", "opted_out", "queued", "opted_out", "opted_out"]);
    // Fewer than were named are no surprise.
    scene.execute("update blasts set state = 'paused' where blast_tag = 'India'").await;
    ben.undo_marks(&person, &asked).await.unwrap();
    assert_eq!(scene.statuses().await[1], "queued");
}

#[tokio::test]
async fn one_person_with_two_numbers_is_one_in_the_question() {
    let scene = Scene::queued(3).await;
    let alias = "insert into number_aliases (alias, phone_number) values ('+60100000001', '+60100000002')";
    scene.execute(alias).await;
    let aina = operator_app(&scene, "aina").await;
    opt_out(&aina, &[2]).await;
    assert_eq!(scene.number("select count(*) from blast_recipients where status = 'queued'").await, 1);

    let asked = aina.ask_about_mark(RecipientId(2)).await.unwrap();

    let then = "take back your opt-out of Person 2? Then Person 2 gets the message of Raya.";
    assert_eq!(asked.as_deref(), Some(then));
}

#[tokio::test]
async fn a_number_that_somebody_confirmed_without_them_does_not_keep_the_question_away() {
    let scene = Scene::queued(3).await;
    scene.execute("update blasts set state = 'paused'").await;
    let (aina, ben) = (operator_app(&scene, "aina").await, operator_app(&scene, "ben").await);
    opt_out(&aina, &[1, 2]).await;
    let version = ben.blast(BLAST).await.unwrap().version;
    ben.resume(Launch { blast: BLAST, version, people: 1, armed_for: TimeDelta::zero() }).await.unwrap();

    let then = "Then 2 people get the message of Raya.";
    let (_, mine) = aina.ask_about_mine(Some(BLAST), None).await.unwrap().unwrap();
    assert_eq!(mine, format!("your last act: opt-out, 2 people. Take it back? {then}"));
    let marks = ben.ask_about_marks(&[RecipientId(1), RecipientId(2)]).await.unwrap();
    assert_eq!(marks, Some(format!("take back the last mark of 2 people? {then}")));
}

#[tokio::test]
async fn a_paused_blast_a_note_and_an_opt_out_that_stays_ask_nothing_more_and_one_that_counts_down_asks() {
    let scene = Scene::queued(3).await;
    let aina = operator_app(&scene, "aina").await;
    aina.mark(RecipientId(1), Mark::Note("later".to_owned())).await.unwrap();
    assert_eq!(aina.ask_about_mine(Some(BLAST), None).await.unwrap(), None);

    opt_out(&aina, &[2]).await;
    scene.execute("update blasts set state = 'paused'").await;
    assert_eq!(aina.ask_about_mark(RecipientId(2)).await.unwrap(), None);

    // Whoever typed its number typed it without them.
    scene.execute("update blasts set state = 'sending', send_after = now() + interval '1 minute'").await;
    let asked = aina.ask_about_mark(RecipientId(2)).await.unwrap();
    assert!(asked.is_some_and(|asked| asked.contains("Person 2 gets the message of Raya")));

    // Another opt-out of theirs holds beside the mark: they get nothing.
    scene
        .execute(
            "insert into suppressions (business, phone_number, source, created_by)
             select '*', phone_number, 'operator', 'ben' from blast_recipients where id = 2",
        )
        .await;
    assert_eq!(aina.ask_about_mark(RecipientId(2)).await.unwrap(), None);
    scene.execute("delete from suppressions where business = '*'").await;
    assert!(aina.ask_about_mark(RecipientId(2)).await.unwrap().is_some());
    scene
        .execute(
            "update suppressions set source = 'person', operator_reason = reason, operator_by = created_by,
                                     operator_at = created_at",
        )
        .await;
    assert_eq!(aina.ask_about_mark(RecipientId(2)).await.unwrap(), None);
    let taken_back = aina.undo_mine().await.unwrap();
    assert!(taken_back.sentence.contains("stays opted out: by their own word"), "{}", taken_back.sentence);
}

/// Person 4, whose message of Deepavali is out, has a second number, which is queued as person 2 in Raya: a blast for people, which leaves
/// out whoever opted out at another number of theirs.
async fn merged() -> Scene {
    let scene = Scene::queued(3).await;
    scene
        .execute(
            "update blasts set segment = 'blast:9';
             insert into blasts (blast_tag, sender_id, message, state, total_recipients)
             values ('Deepavali', 1, 'Hi', 'completed', 1);
             insert into blast_recipients (blast_id, phone_number, name, status, standing, sent_at)
             values (2, '+60100000009', 'Person 4', 'sent', 'sent', now());
             insert into status_history (blast_id, recipient_id, attempt, old_status, new_status, source)
             values (2, 4, 1, 'queued', 'sent', 'send');
             insert into customer_numbers (person, customer, merged_into, merged_by)
             values (person_key('+60100000002'), person_key('+60100000009'), person_key('+60100000009'), 'aina')",
        )
        .await;
    scene
}

#[tokio::test]
async fn an_opt_out_that_held_back_another_number_of_a_merged_customer_asks_before_it_is_taken_back() {
    let scene = merged().await;
    let aina = operator_app(&scene, "aina").await;
    aina.mark(RecipientId(4), Mark::OptOut).await.unwrap();
    let claimed: Vec<_> = scene.claim(3).await.iter().map(|person| person.id.0).collect();
    assert_eq!(claimed, [1, 3]);

    let asked = aina.ask_about_mark(RecipientId(4)).await.unwrap();
    assert_eq!(asked.as_deref(), Some("take back your opt-out of Person 4? Then Person 2 gets the message of Raya."));

    // Whoever opted out at that number too waits on.
    let own = "insert into suppressions (business, phone_number, source, created_by) values ('*', '+60100000002', 'person', 'x')";
    scene.execute(own).await;
    assert_eq!(aina.ask_about_mark(RecipientId(4)).await.unwrap(), None);
    scene.execute("delete from suppressions where business = '*'").await;

    let taken_back = aina.undo_mine().await.unwrap().sentence;
    assert!(taken_back.ends_with("; queued again in Raya (blast 1) too"), "{taken_back}");
    assert_eq!(scene.claim(3).await.len(), 1);
}

#[tokio::test]
async fn a_yes_to_allowing_a_number_again_sends_no_message_that_was_not_named() {
    let scene = merged().await;
    let (aina, ben) = (operator_app(&scene, "aina").await, operator_app(&scene, "ben").await);
    let phone = Phone::parse("+60100000009", "MY".parse().unwrap()).unwrap();
    ben.suppress("kedai", &phone, None).await.unwrap();
    scene.execute("update blasts set state = 'paused' where id = 1").await;
    let asked = aina.ask_about_unsuppress("kedai", &phone).await.unwrap();
    assert_eq!(asked.question, None);
    scene.execute("update blasts set state = 'sending' where id = 1").await;

    let why = refusal(aina.unsuppress_as_asked("kedai", &phone, &asked).await);

    assert_eq!(why, "a message goes out by that now: nothing was changed; repeat it to be asked anew");
    assert_eq!(scene.number("select count(*) from suppressions").await, 1);
    let asked = aina.ask_about_unsuppress("kedai", &phone).await.unwrap();
    let named = asked.question.as_deref().unwrap();
    let other = "another number of theirs.";
    assert!(named.contains("Then they get the message of blast 1. It goes to ") && named.ends_with(other), "{named}");
    let back = aina.unsuppress_as_asked("kedai", &phone, &asked).await.unwrap().unwrap();
    assert_eq!(back.queued().collect::<Vec<_>>(), [BLAST]);
}

#[tokio::test]
async fn whoever_stays_out_by_another_number_of_theirs_is_not_said_to_get_the_message() {
    let scene = merged().await;
    let aina = operator_app(&scene, "aina").await;
    aina.mark(RecipientId(2), Mark::OptOut).await.unwrap();
    assert!(aina.ask_about_mark(RecipientId(2)).await.unwrap().is_some());

    let other = "insert into suppressions (business, phone_number, source, created_by) values ('kedai', '+60100000009', 'person', 'x')";
    scene.execute(other).await;
    assert_eq!(aina.ask_about_mark(RecipientId(2)).await.unwrap(), None);

    // A list that somebody made is sent to its numbers.
    scene.execute("update blasts set segment = null").await;
    assert!(aina.ask_about_mark(RecipientId(2)).await.unwrap().is_some());
}

#[tokio::test]
async fn an_opt_out_that_is_taken_back_after_the_end_says_who_stays_left_out_and_how_to_reach_them() {
    let scene = Scene::queued(3).await;
    let aina = operator_app(&scene, "aina").await;
    opt_out(&aina, &[1, 2]).await;
    scene.execute("update blasts set state = 'completed', completed_at = now()").await;

    let several = aina.undo_mine().await.unwrap().sentence;

    let sender = aina.blast(BLAST).await.unwrap().sender;
    let line = |whom: &str| {
        format!(
            "(blast 1), which is over: `blastdeck blast new --sender {sender} --from 'blast:1 {whom}' --tag Raya --message 'TEXT'`"
        )
    };
    assert!(
        several.contains("; 2 people stay left out of Raya") && several.contains(&line("status:skipped")),
        "{several}"
    );

    scene.execute("update blasts set state = 'sending', completed_at = null").await;
    aina.mark(RecipientId(3), Mark::OptOut).await.unwrap();
    scene.execute("update blasts set state = 'completed', completed_at = now()").await;
    let one = aina.undo_mine().await.unwrap().sentence;
    assert!(one.contains("; still left out of Raya") && one.contains("phone:"), "{one}");
}
