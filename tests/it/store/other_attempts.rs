//! Answers about uncertain people are about the attempt that was shown: another one may have been made meanwhile.

use std::collections::BTreeSet;

use blastdeck::domain::ids::{BlastId, RecipientId};
use blastdeck::domain::phone::Phone;
use blastdeck::domain::recipient::{Evidence, Resolution, ShownAttempts};
use blastdeck::domain::status::Status;
use blastdeck::store::evidence::EvidenceEntry;
use blastdeck::store::inbox::{NamedAttempt, unapplied};

use super::marks::{operator_app, refusal, sent};
use super::{Scene, entry};

const HAFIZ: RecipientId = RecipientId(2);

/// Person 2 is uncertain by their second attempt: ben had them sent to again.
async fn uncertain_again() -> Scene {
    let scene = sent().await;
    scene.execute("update blast_recipients set claimed_at = claimed_at - interval '1 hour'").await;
    let ben = operator_app(&scene, "ben").await;
    ben.resolve(HAFIZ, Some(1), Resolution::Resend).await.unwrap();
    let claimed = scene.claim(1).await;
    assert_eq!((claimed[0].id, claimed[0].attempt), (HAFIZ, 2));
    let mut doubt: EvidenceEntry = entry(2, Evidence::Unknown { why: "no answer".to_owned() }, b"");
    doubt.stamped.attempt = 2;
    if let Some(answer) = &mut doubt.answer {
        answer.claimed_at = claimed[0].claimed_at;
    }
    scene.record(&[doubt]).await;
    assert_eq!(scene.statuses().await, ["sent", "uncertain", "sent"]);
    scene.execute("update blast_recipients set claimed_at = claimed_at - interval '1 hour'").await;
    scene
}

#[tokio::test]
async fn an_answer_about_an_earlier_attempt_decides_nothing_of_a_later_one() {
    let scene = uncertain_again().await;
    let aina = operator_app(&scene, "aina").await;

    for resolution in [Resolution::Sent, Resolution::Resend, Resolution::Drop] {
        let why = refusal(aina.resolve(HAFIZ, Some(1), resolution).await);
        assert_eq!(why, "Person 2: another attempt was made meanwhile", "{resolution:?}");
    }

    assert_eq!(scene.statuses().await[1], "uncertain");
    let dropped = aina.resolve(HAFIZ, Some(2), Resolution::Drop).await.unwrap();
    assert_eq!((dropped.before, dropped.after), (Status::Uncertain, Status::Skipped));
    scene.invariants().await;
}

#[tokio::test]
async fn one_answer_for_several_leaves_whoever_has_had_another_attempt() {
    let scene = uncertain_again().await;
    scene.execute("update blast_recipients set status = 'uncertain', standing = 'uncertain' where id = 1").await;
    let aina = operator_app(&scene, "aina").await;
    let people = [RecipientId(1), HAFIZ];
    let shown: ShownAttempts = people.iter().map(|person| (*person, 1)).collect();

    let resolved = aina.resolve_several(&people, &shown, Resolution::Drop).await.unwrap();

    let refused = ["Person 2: another attempt was made meanwhile".to_owned()];
    assert_eq!((resolved.marked.len(), resolved.unmarked.refused.as_slice()), (1, refused.as_slice()));
    assert_eq!(scene.statuses().await, ["skipped", "uncertain", "sent"]);
}

#[tokio::test]
async fn several_are_sent_to_again_without_those_whom_a_webhook_names_that_is_not_applied() {
    let scene = sent().await;
    scene
        .execute(
            "update blast_recipients set status = 'uncertain', standing = 'uncertain' where id = 1;
             update blast_recipients set claimed_at = claimed_at - interval '1 hour';
             insert into webhook_inbox (provider, digest, body)
             values ('wsapme', '\\x01', convert_to('{\"from\":\"60100000001\"}', 'UTF8'))",
        )
        .await;
    let aina = operator_app(&scene, "aina").await;
    let people = [RecipientId(1), HAFIZ];

    let resolved = aina.resolve_several(&people, &ShownAttempts::default(), Resolution::Resend).await.unwrap();

    let why = "Person 1: a webhook that names them is here and not applied yet, and may say what became of it: \
               run `blastdeck engine`, or try again in a moment where one runs";
    assert_eq!((resolved.marked.len(), resolved.unmarked.refused.as_slice()), (1, [why.to_owned()].as_slice()));
    assert_eq!(scene.statuses().await, ["uncertain", "queued", "sent"]);
}

#[tokio::test]
async fn nobody_who_failed_is_tried_again_while_a_webhook_that_names_them_is_not_applied() {
    let scene = sent().await;
    scene
        .execute(
            "update blast_recipients
                set status = 'failed', standing = 'failed', sent_at = null, failed_at = now(), error_code = 'busy'
              where id <= 2;
             insert into webhook_inbox (provider, digest, body)
             values ('wsapme', '\\x01', convert_to('{\"from\":\"60100000001\"}', 'UTF8'))",
        )
        .await;
    let (aina, blast) = (operator_app(&scene, "aina").await, BlastId(1));

    let counted = aina.retryable(blast, None).await.unwrap();
    let queued = aina.retry_as_shown(blast, None, 1).await.unwrap();
    let nobody = refusal(aina.retry(blast, None).await);

    assert_eq!((counted.people, counted.named, queued), (1, 1, 1));
    assert_eq!(scene.statuses().await, ["failed", "queued", "sent"]);
    let why = "nobody to retry: 1 person: a webhook that names them is here and not applied yet, and may say what became of it: \
               run `blastdeck engine`, or try again in a moment where one runs";
    assert_eq!(nobody, why);
    scene.execute("update webhook_inbox set state = 'applied'").await;
    assert_eq!(aina.retry(blast, None).await.unwrap(), 1);
}

/// Each of them compared with all that waits would be twenty million comparisons.
#[tokio::test]
async fn a_thousand_people_are_looked_for_in_what_waits_by_reading_it_once() {
    let scene = sent().await;
    scene
        .execute(
            "insert into webhook_inbox (provider, digest, body, state)
             select 'meta', convert_to('waits ' || n, 'UTF8'), convert_to(repeat('of another program ', 25) || n, 'UTF8'), 'parked'
               from generate_series(1, 20000) n;
             insert into webhook_inbox (provider, digest, body, state)
             values ('meta', '\\x01', convert_to('{\"biz_opaque_callback_data\":\"blastdeck:a1:1:500:1:1790000000123456\"}', 'UTF8'), 'parked'),
                    ('meta', '\\x02', convert_to('{\"recipient_id\":\"60100000400\"}', 'UTF8'), 'new')",
        )
        .await;
    let attempt = |n: i64| NamedAttempt {
        recipient: RecipientId(n),
        callback: format!("blastdeck:a1:1:{n}:1:"),
        blast_callback: "blastdeck:a1:1:".to_owned(),
        message_id: Some(format!("wamid.{n}.")),
        phone: Phone::parse(&format!("+60100{n:06}"), "MY".parse().unwrap()).unwrap(),
    };
    let attempts: Vec<_> = (1..=1000).map(attempt).collect();
    let mut tx = scene.database.pool.begin().await.unwrap();
    sqlx::query("set local statement_timeout = '3s'").execute(&mut *tx).await.unwrap();

    let named = unapplied(&mut tx, &attempts).await.unwrap();

    assert_eq!(named, BTreeSet::from([400, 500].map(RecipientId)));
}
