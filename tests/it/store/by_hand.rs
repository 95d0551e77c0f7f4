//! What a hand may not write in psql, and what it may set.

use blastdeck::store;
use blastdeck::store::count::audit;
use sqlx::postgres::PgPoolOptions;
use sqlx::{AssertSqlSafe, Connection};

use super::{Scene, accepted};

/// In psql whoever is in flight is queued.
#[tokio::test]
async fn nobody_in_flight_gets_a_status_or_another_blast_by_hand_nor_a_claim_other_people() {
    let scene = Scene::queued(3).await;
    scene.execute("insert into blasts (blast_tag, sender_id, message) values ('Next', 1, 'Hi')").await;
    scene.claim(2).await;
    scene.record(&[accepted(1, "M1")]).await;
    let by_hand = async |update: &'static str| {
        let done = sqlx::query(update).execute(scene.pool()).await;
        done.map(|done| done.rows_affected()).map_err(|error| error.as_database_error().unwrap().message().to_owned())
    };
    let leave_out = "update blast_recipients set status = 'skipped', standing = 'skipped' where status = 'queued'";
    let refused = Err("recipient 2 is in flight: what comes of their message gives them their status".to_owned());

    assert_eq!(by_hand(leave_out).await, refused);
    assert_eq!(by_hand("update blast_recipients set blast_id = 2 where id = 2").await, refused);
    assert_eq!(by_hand("update blast_recipients set id = default where id = 2").await, refused);
    let of_claims = by_hand("update claims set recipients = recipients[1:1]").await.unwrap_err();
    assert!(of_claims.starts_with("claims are not changed"), "{of_claims}");
    assert_eq!(by_hand("update blast_recipients set note = 'VIP' where id = 2").await, Ok(1));
    let others = "update blast_recipients set status = 'skipped', standing = 'skipped'
                   where status = 'queued' and not exists (select from in_flight f where f.recipient_id = blast_recipients.id)";
    assert_eq!(by_hand(others).await, Ok(1));

    assert_eq!(scene.statuses().await, ["sent", "sending", "skipped"]);
    assert_eq!(audit(scene.pool(), None).await.unwrap(), []);
}

/// Nobody claimed them: no engine would ever say what came of it.
#[tokio::test]
async fn nobody_is_made_out_to_be_sending_by_hand() {
    let scene = Scene::queued(2).await;

    for column in ["status", "standing"] {
        let statement = format!("update blast_recipients set {column} = 'sending' where id = 1");
        let refused = sqlx::query(AssertSqlSafe(statement)).execute(scene.pool()).await.unwrap_err();
        let constraint = refused.as_database_error().unwrap().constraint().map(ToOwned::to_owned);
        assert_eq!(constraint.as_deref(), Some("blast_recipients_sending_is_by_claim_check"), "{column}");
    }

    assert_eq!(scene.statuses().await, ["queued", "queued"]);
}

/// What a transaction of another isolation sees of the claims is as old as itself, and so is the condition that leaves out whoever is in
/// flight.
#[tokio::test]
async fn a_transaction_that_sees_the_past_changes_and_deletes_nobody_who_is_queued() {
    let scene = Scene::queued(3).await;
    let mut old = scene.pool().begin_with("begin isolation level repeatable read").await.unwrap();
    let flights = "select count(*) from in_flight";
    assert_eq!(sqlx::query_scalar::<_, i64>(flights).fetch_one(&mut *old).await.unwrap(), 0);
    scene.claim(2).await;
    let mut by_hand = async |statement: String| {
        let mut point = old.begin().await.unwrap();
        let done = sqlx::query(AssertSqlSafe(statement)).execute(&mut *point).await;
        done.map(|done| done.rows_affected()).map_err(|error| error.as_database_error().unwrap().message().to_owned())
    };

    let who =
        "where status = 'queued' and not exists (select from in_flight f where f.recipient_id = blast_recipients.id)";
    let skipped = by_hand(format!("update blast_recipients set status = 'skipped' {who}")).await;
    let deleted = by_hand(format!("delete from blast_recipients {who}")).await;

    for refused in [skipped, deleted] {
        assert!(refused.unwrap_err().starts_with("recipient 1 may be in flight by now"));
    }
    assert_eq!(by_hand("update blast_recipients set note = 'VIP' where id = 3".to_owned()).await, Ok(1));
    drop(old);
    assert_eq!(scene.statuses().await, ["sending", "sending", "queued"]);
    assert_eq!(audit(scene.pool(), None).await.unwrap(), []);
}

/// Whoever locks somebody looks for their flight in a second statement.
#[tokio::test]
async fn transactions_read_what_is_committed_meanwhile_whatever_the_database_has_as_its_default() {
    let scene = Scene::queued(1).await;
    let options = scene.pool().connect_options().as_ref().clone();
    let options = options.options([("default_transaction_isolation", "repeatable read")]);
    let pool = PgPoolOptions::new().connect_with(options).await.unwrap();
    let level = "select current_setting('transaction_isolation')";
    let default: String = sqlx::query_scalar(level).fetch_one(&pool).await.unwrap();

    let mut tx = store::begin(&pool).await.unwrap();

    let ours: String = sqlx::query_scalar(level).fetch_one(&mut *tx).await.unwrap();
    assert_eq!((default.as_str(), ours.as_str()), ("repeatable read", "read committed"));
}
