//! One person under two spellings of their number: within a blast, for opt-outs, for replies, and for whoever searches for
//! them. The rule stands twice, here and in the database, and must be one.

use blastdeck::domain::filter::Filter;
use blastdeck::domain::ids::{BlastId, RecipientId};
use blastdeck::domain::phone::{PersonKey, Phone};
use blastdeck::store::claim::{skip_suppressed, still_wanted};
use blastdeck::store::suppression::{self, NewSuppression};
use blastdeck::store::{draft, person, view};
use chrono::Utc;

use super::{BLAST, SENDER, Scene};

const WITH_NINE: &str = "+5548987654321";
const WITHOUT: &str = "+554887654321";

fn phone(text: &str) -> Phone {
    Phone::parse(text, "MY".parse().unwrap()).unwrap()
}

/// Both spellings in all three countries, their neighbours digit by digit, and numbers at random.
fn numbers() -> Vec<String> {
    let mut numbers = Vec::new();
    for area in 0..=99 {
        for subscriber in 0..=99 {
            for rest in ["234567", "2345678", "23456789"] {
                numbers.push(format!("+55{area:02}{subscriber:02}{rest}"));
            }
        }
    }
    let mut random: u64 = 24;
    for country in ["54", "549", "52", "521", "53", "55", "60", "1", "5"] {
        for n in 0..1_000 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            numbers.push(format!("+{country}{}", &random.to_string()[..4 + n % 11]));
        }
    }
    numbers
}

#[tokio::test]
async fn the_database_has_the_same_key_for_every_number_as_the_program() {
    let scene = Scene::queued(0).await;
    let numbers = numbers();

    let keys: Vec<String> = sqlx::query_scalar(
        "select person_key(n) from unnest($1::text[]) with ordinality as t (n, place) order by place",
    )
    .bind(&numbers)
    .fetch_all(scene.pool())
    .await
    .unwrap();

    assert_eq!(keys.len(), numbers.len());
    for (number, key) in numbers.iter().zip(&keys) {
        assert_eq!(&PersonKey::of_digits(&number[1..]).unwrap().to_string(), key, "{number}");
    }
    let shortened = numbers.iter().zip(&keys).filter(|(number, key)| number != key).count();
    assert!(shortened > 300, "{shortened} of {}", numbers.len());
}

#[tokio::test]
async fn what_is_no_number_is_its_own_key() {
    let scene = Scene::queued(0).await;
    for text in ["", "odd", "+5548987654321\n", "+55489876543٢1", "5548987654321", "+5548987654321 ", "+5'; drop"] {
        let key: String = sqlx::query_scalar("select person_key($1)").bind(text).fetch_one(scene.pool()).await.unwrap();
        assert_eq!(key, text);
    }
}

#[tokio::test]
async fn nobody_is_in_a_blast_under_both_spellings_and_messages_go_to_the_one_that_was_typed() {
    let scene = Scene::queued(0).await;
    let add = |number: &'static str, blast: i64| {
        let pool = scene.pool().clone();
        async move {
            let added = sqlx::query("insert into blast_recipients (blast_id, phone_number) values ($1, $2)");
            added.bind(blast).bind(number).execute(&pool).await.map_err(|error| error.to_string())
        }
    };
    scene.execute("insert into blasts (blast_tag, sender_id, message) values ('Draft', 1, 'Hi')").await;

    add(WITH_NINE, 1).await.unwrap();
    let refused = add(WITHOUT, 1).await.unwrap_err();
    add(WITHOUT, 2).await.unwrap();

    assert!(refused.contains("blast_recipients_blast_person_key"), "{refused}");
    let claimed: Vec<_> = scene.claim(5).await.into_iter().map(|person| person.phone_number).collect();
    assert_eq!(claimed, [phone(WITH_NINE)]);
}

#[tokio::test]
async fn an_opt_out_holds_for_both_spellings_and_for_nobody_else() {
    let scene = Scene::queued(0).await;
    // A landline is somebody else than the mobile that has a 9 before the same digits.
    scene
        .execute(
            "insert into blast_recipients (blast_id, phone_number) values
                 (1, '+5548987654321'), (1, '+541123456789'), (1, '+5215512345678'), (1, '+554832345678');
             insert into suppressions (business, phone_number, source) values
                 ('kedai', '+554887654321', 'person'), ('*', '+5491123456789', 'operator'),
                 ('kedai', '+525512345678', 'provider'), ('kedai', '+5548932345678', 'person');
             update blasts set total_recipients = 4",
        )
        .await;

    assert_eq!(suppression::count_in(scene.pool(), BLAST).await.unwrap(), 3);
    let claimed: Vec<_> = scene.claim(5).await.into_iter().map(|person| person.id.0).collect();
    assert_eq!(claimed, [4]);
    assert_eq!(skip_suppressed(scene.pool(), BLAST).await.unwrap(), 3);
    assert_eq!(scene.statuses().await, ["opted_out", "opted_out", "opted_out", "sending"]);
    scene.invariants().await;
}

#[tokio::test]
async fn an_opt_out_under_the_other_spelling_takes_back_a_claim() {
    let scene = Scene::queued(0).await;
    scene.execute(&format!("insert into blast_recipients (blast_id, phone_number) values (1, '{WITH_NINE}')")).await;
    let claimed = scene.claim(1).await;
    assert_eq!(still_wanted(scene.pool(), &[claimed[0].id]).await.unwrap(), [claimed[0].id]);

    let mut tx = scene.pool().begin().await.unwrap();
    let opt_out = |phone| NewSuppression { business: "kedai", phone, reason: None, source: "operator", by: "aina" };
    assert!(suppression::add(&mut tx, opt_out(WITHOUT)).await.unwrap());
    assert!(!suppression::add(&mut tx, opt_out(WITH_NINE)).await.unwrap(), "known already");
    let open = suppression::open_rows(&mut tx, "kedai", WITHOUT).await.unwrap();
    tx.commit().await.unwrap();

    assert_eq!(open, [(BLAST, claimed[0].id, 1)]);
    assert_eq!(still_wanted(scene.pool(), &[claimed[0].id]).await.unwrap(), []);

    let mut tx = scene.pool().begin().await.unwrap();
    assert!(person::get(&mut tx, claimed[0].id).await.unwrap().unwrap().is_suppressed);
    assert!(suppression::remove(&mut tx, "kedai", WITH_NINE).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(still_wanted(scene.pool(), &[claimed[0].id]).await.unwrap(), [claimed[0].id]);
}

#[tokio::test]
async fn whom_an_older_version_took_twice_is_tried_again_and_copied_once_at_most() {
    let scene = Scene::queued(0).await;
    scene
        .execute(
            "insert into blast_recipients (blast_id, phone_number, second_spelling, status, standing, attempt) values
                 (1, '+5548987654321', null, 'failed', 'failed', 1), (1, '+554887654321', true, 'sent', 'sent', 1),
                 (1, '+541123456789', null, 'failed', 'failed', 1), (1, '+5491123456789', true, 'failed', 'failed', 1),
                 (1, '+5215512345678', null, 'failed', 'failed', 1), (1, '+525512345678', true, 'skipped', 'skipped', 0),
                 (1, '+5548987654322', null, 'failed', 'failed', 1), (1, '+60100000001', null, 'failed', 'failed', 1)",
        )
        .await;

    let people = person::retryable(scene.pool(), BLAST, None, Utc::now(), (RecipientId(0), 100)).await.unwrap();

    let people: Vec<_> = people.into_iter().map(|(id, _)| id.0).collect();
    assert_eq!(people, [3, 5, 7, 8]);

    let mut tx = scene.pool().begin().await.unwrap();
    let (copy, _) = draft::duplicate(&mut tx, BLAST).await.unwrap();
    tx.commit().await.unwrap();
    let copied = format!("select count(*) from blast_recipients where blast_id = {copy}");
    assert_eq!(scene.number(&copied).await, 5, "and is in a copy once");
}

#[tokio::test]
async fn whoever_writes_or_is_looked_for_under_the_other_spelling_is_found() {
    let scene = Scene::queued(0).await;
    scene
        .execute(&format!(
            "insert into blasts (blast_tag, sender_id, message, state) values ('Later', 1, 'Hi', 'sending');
             update blasts set launched_at = now();
             insert into blast_recipients (blast_id, phone_number, status, standing, sent_at, message_id, attempt) values
                 (1, '{WITH_NINE}', 'sent', 'sent', now(), 'M1', 1), (2, '{WITHOUT}', 'sent', 'sent', now(), 'M2', 1)"
        ))
        .await;
    let mut connection = scene.pool().acquire().await.unwrap();

    let wrote = person::newest_reached(&mut connection, SENDER, WITH_NINE).await.unwrap().unwrap();
    assert_eq!(wrote.blast_id, BlastId(2), "the newest, whichever way it is spelled");
    for spelling in [WITH_NINE, WITHOUT] {
        let found = view::recipients::by_phone(scene.pool(), BLAST, &phone(spelling)).await.unwrap().unwrap();
        assert_eq!(found.phone, phone(WITH_NINE));
        for typed in [spelling, &spelling[1..], &spelling[3..]] {
            let sought = Filter::parse(typed, Utc::now(), chrono_tz::UTC).unwrap();
            let found = view::recipients::find(scene.pool(), &sought, (None, None), 10).await.unwrap();
            assert_eq!(found.len(), 2, "{typed}");
        }
    }
    let details = view::recipients::details(scene.pool(), wrote.id).await.unwrap().unwrap();
    assert_eq!(details.elsewhere.len(), 1);
}
