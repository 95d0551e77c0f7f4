//! What the database knows of the attempts that a machine remembers, and what a confirmation writes of those that it has
//! forgotten.

use blastdeck::domain::ids::RecipientId;
use blastdeck::store::fence::{self, Confirmed, PostedAttempt};
use chrono::{TimeDelta, Utc};
use sqlx::AssertSqlSafe;

use super::{SENDER, Scene};
use crate::support::digits;

/// An attempt for person `n`, as a machine remembers it.
fn posted(n: u32, attempt: i32, epoch: i64) -> PostedAttempt {
    let phone = digits(n).parse().unwrap();
    PostedAttempt { recipient: RecipientId(n.into()), attempt, epoch, claimed_at: Utc::now(), phone, message: None }
}

#[tokio::test]
async fn an_attempt_is_missing_unless_its_person_has_it_under_its_epoch() {
    let scene = Scene::sending(3).await;
    let epoch = scene.lease.epoch;
    scene.execute("delete from blast_recipients where id = 3").await;
    // An engine of the version before wrote it while the database was upgraded.
    let upgraded = "insert into blast_recipients (id, blast_id, phone_number) overriding system value values (8, 1, '+{}');
                    insert into provider_message (recipient_id, attempt, sender_id, outcome) values (8, 1, 1, 'accepted')";
    scene.execute(&upgraded.replace("{}", &digits(8))).await;
    let mut connection = scene.pool().acquire().await.unwrap();

    for (attempt, missing, what) in [
        (posted(1, 1, epoch), 0, "as it is"),
        (posted(1, 2, epoch), 1, "a later one"),
        (posted(2, 1, epoch + 1), 1, "one under a later lease"),
        (posted(3, 1, epoch), 0, "of somebody who was deleted"),
        (posted(8, 1, epoch), 0, "one whose lease nobody wrote down"),
        (PostedAttempt { phone: 1, ..posted(1, 1, epoch) }, 1, "an id that is somebody else's now"),
    ] {
        assert_eq!(fence::missing(&mut connection, &[attempt]).await.unwrap(), missing, "{what}");
    }
}

#[tokio::test]
async fn a_confirmation_makes_uncertain_who_would_get_another_message_and_nobody_else() {
    let scene = Scene::queued(6).await;
    let epoch = scene.lease.epoch;
    scene
        .execute(&format!(
            "insert into blasts (blast_tag, sender_id, message, state, total_recipients) values ('Over', 1, 'Hi', 'completed', 1);
             insert into blast_recipients (blast_id, phone_number) values (2, '+{}');
             update blast_recipients set attempt = 1 where id in (2, 4, 6, 7);
             update blast_recipients set attempt = 2 where id = 3;
             insert into provider_message (recipient_id, attempt, sender_id, epoch, outcome)
             values (2, 1, 1, {epoch}, 'rejected'), (3, 1, 1, {epoch}, 'rejected'), (3, 2, 1, {epoch}, 'rejected'),
                    (4, 1, 1, {epoch}, 'accepted'), (6, 1, 1, {epoch}, 'rejected'), (7, 1, 1, {epoch}, 'accepted');
             update blast_recipients set status = 'failed', standing = 'failed', failed_at = now(), failed_attempt = 1
              where id in (4, 7);
             update blast_recipients set status = 'opted_out', standing = 'opted_out', opted_out_at = now() where id = 5",
            digits(7)
        ))
        .await;
    let remembered = [
        posted(1, 1, epoch),
        // Made again under a later lease: the newest, and one that another has followed.
        posted(2, 1, epoch + 5),
        posted(3, 1, epoch + 5),
        posted(4, 2, epoch),
        posted(5, 1, epoch),
        // Not forgotten.
        posted(6, 1, epoch),
        posted(7, 2, epoch),
    ];
    let mut connection = scene.pool().acquire().await.unwrap();

    let confirmed = fence::restore_attempts(&mut connection, SENDER, &remembered).await.unwrap();

    assert_eq!(confirmed, Confirmed { uncertain: 3, ..Confirmed::default() });
    let statuses = ["uncertain", "uncertain", "queued", "uncertain", "opted_out", "queued", "failed"];
    assert_eq!(scene.statuses().await, statuses);
    assert_eq!(
        scene.number("select failed_attempt::bigint from blast_recipients where id = 7").await,
        2,
        "no retry starts it"
    );
}

#[tokio::test]
async fn an_answer_that_is_written_while_a_confirmation_waits_for_its_person_is_no_lost_attempt() {
    let scene = Scene::queued(1).await;
    let epoch = scene.lease.epoch;
    // Accepted, reported as failed, and queued again for an hour from now: all since the confirmation began to look.
    let mut answer = scene.pool().begin().await.unwrap();
    let written = format!(
        "update blast_recipients set attempt = 1, tries = 1, next_attempt_at = now() + interval '1 hour', failed_attempt = 1
          where id = 1;
         insert into provider_message (recipient_id, attempt, sender_id, epoch, outcome) values (1, 1, 1, {epoch}, 'accepted')"
    );
    sqlx::raw_sql(AssertSqlSafe(written)).execute(&mut *answer).await.unwrap();
    let mut connection = scene.pool().acquire().await.unwrap();
    let remembered = [posted(1, 1, epoch)];

    let confirmed = fence::restore_attempts(&mut connection, SENDER, &remembered);
    let (confirmed, ()) = tokio::join!(confirmed, scene.commit_once_waited_for(answer));

    assert_eq!((confirmed.unwrap(), scene.statuses().await), (Confirmed::default(), vec!["queued".to_owned()]));
}

#[tokio::test]
async fn whoever_is_to_be_tried_again_after_an_answer_is_not_in_doubt_though_their_claim_is_lost() {
    let scene = Scene::queued(3).await;
    // Accepted, and undeliverable: due again in an hour. Rejected: due again at once. Of the third nobody knows.
    let late = "insert into provider_message (recipient_id, attempt, sender_id, epoch, outcome)
                values (1, 1, 1, 0, 'accepted'), (2, 1, 1, 0, 'rejected'), (3, 1, 1, 0, 'unknown');
                update blast_recipients set attempt = 1, tries = 1";
    scene.execute(late).await;
    let remembered = [1, 2, 3].map(|n| posted(n, 1, scene.lease.epoch));
    let mut connection = scene.pool().acquire().await.unwrap();
    assert_eq!(fence::missing(&mut connection, &remembered).await.unwrap(), 3);

    let confirmed = fence::restore_attempts(&mut connection, SENDER, &remembered).await.unwrap();

    assert_eq!(confirmed, Confirmed { uncertain: 1, ..Confirmed::default() });
    assert_eq!(scene.statuses().await, ["queued", "queued", "uncertain"]);
    assert_eq!(fence::missing(&mut connection, &remembered).await.unwrap(), 0);
}

#[tokio::test]
async fn only_people_of_the_same_sender_who_were_lost_are_doubted_by_their_number() {
    let scene = Scene::queued(3).await;
    scene
        .execute(&format!(
            "insert into senders (name, provider, business, rehearsal) values ('shop', 'wsapme', 'kedai', true);
             insert into blasts (blast_tag, sender_id, message, state, total_recipients) values ('Next', 2, 'Hi', 'sending', 1);
             insert into blast_recipients (blast_id, phone_number) values (2, '+{}')",
            digits(1)
        ))
        .await;
    // The message before was of a blast that was deleted.
    let deleted = format!(
        "insert into deleted_attempts (sender_id, phone_number, at, refused) values (1, '+{}', now() - interval '119 minutes', false)",
        digits(2)
    );
    scene.execute(&deleted).await;
    let of_nobody = |id, attempt| PostedAttempt { recipient: RecipientId(id), ..attempt };
    let before = PostedAttempt { claimed_at: Utc::now() - TimeDelta::hours(2), ..posted(2, 1, 1) };
    let remembered = [of_nobody(91, posted(1, 1, 1)), of_nobody(92, before), of_nobody(93, posted(50, 1, 1))];
    let mut connection = scene.pool().acquire().await.unwrap();

    let since = Utc::now() - TimeDelta::hours(1);
    let confirmed = fence::doubt_imported_again(&mut connection, (SENDER, since), &remembered).await.unwrap();

    assert_eq!(confirmed, Confirmed { uncertain: 1, unknown: 1, ..Confirmed::default() });
    assert_eq!(scene.statuses().await, ["uncertain", "queued", "queued", "queued"]);
}

#[tokio::test]
async fn a_leases_counters_are_raised_to_what_is_remembered_and_never_lowered() {
    let scene = Scene::queued(1).await;
    let mut connection = scene.pool().acquire().await.unwrap();

    for remembered in [(9, 40), (3, 50), (12, 4)] {
        fence::raise(&mut connection, SENDER, remembered).await.unwrap();
    }

    let facts = fence::facts(&mut connection, SENDER).await.unwrap();
    assert_eq!((facts.epoch, facts.renewals), (12, 50));
}

#[tokio::test]
async fn a_sender_has_sent_though_everybody_it_sent_to_was_deleted() {
    let scene = Scene::queued(2).await;
    let mut connection = scene.pool().acquire().await.unwrap();
    assert!(!fence::facts(&mut connection, SENDER).await.unwrap().has_sent);
    scene.claim(2).await;

    scene.execute("delete from blast_recipients").await;

    assert_eq!(scene.number("select count(*) from attempts").await, 0);
    assert!(fence::facts(&mut connection, SENDER).await.unwrap().has_sent);
}

/// The answer of one of the two posts, that it was not accepted, says nothing of the other.
#[tokio::test]
async fn somebody_in_flight_whose_number_was_posted_to_before_the_database_went_back_in_time_is_uncertain_once() {
    let scene = Scene::sending(2).await;
    let other_lease = scene.lease.epoch + 5;
    let since = Utc::now() - TimeDelta::hours(1);
    let mut connection = scene.pool().acquire().await.unwrap();
    let of_another_blast = PostedAttempt { recipient: RecipientId(91), ..posted(1, 1, other_lease) };

    let by_number = fence::doubt_imported_again(&mut connection, (SENDER, since), &[of_another_blast]).await.unwrap();
    let by_id = fence::restore_attempts(&mut connection, SENDER, &[posted(2, 1, other_lease)]).await.unwrap();

    assert_eq!((by_number.uncertain, by_id.uncertain), (1, 1));
    assert_eq!(scene.statuses().await, ["uncertain", "uncertain"]);
    let attempts = "select string_agg(recipient_id || ' ' || attempt || ' ' || epoch, ', ' order by recipient_id) from provider_message";
    let attempts: String = sqlx::query_scalar(attempts).fetch_one(scene.pool()).await.unwrap();
    assert_eq!(attempts, "1 1 -1, 2 1 -1");
    scene.invariants().await;
}
