//! What is summed up of the time somebody was away.

use blastdeck::domain::status::Status;
use blastdeck::store::view::history::since;
use chrono::{TimeDelta, Utc};

use super::{BLAST, Scene};

#[tokio::test]
async fn what_an_operator_took_back_did_not_happen_while_one_was_away() {
    let scene = Scene::queued(5).await;
    let history = |recipient: i64, source: &str, steps: &[(&str, &str)]| {
        let row = |(old, new): &(&str, &str)| format!("(1, {recipient}, 1, '{old}', '{new}', '{source}')");
        let rows: Vec<_> = steps.iter().map(row).collect();
        let into = "insert into status_history (blast_id, recipient_id, attempt, old_status, new_status, source)";
        format!("{into} values {};", rows.join(", "))
    };
    let statements = [
        // Read before; marked and taken back.
        history(1, "operator", &[("read", "replied"), ("replied", "read")]),
        // Sent meanwhile, closed, taken back, and replied in the end.
        history(2, "poll", &[("sending", "sent"), ("sent", "read")]),
        history(2, "operator", &[("read", "closed"), ("closed", "read"), ("read", "replied")]),
        // Said to have arrived, and that taken back: uncertain as before.
        history(3, "operator", &[("uncertain", "sent"), ("sent", "uncertain")]),
        // Left out by a cancel; nobody's mark.
        history(4, "operator", &[("queued", "skipped")]),
        history(5, "send", &[("sending", "uncertain")]),
        history(5, "operator", &[("uncertain", "skipped")]),
    ];
    scene.execute(&statements.concat()).await;

    // Nobody is read who was not received.
    let expected =
        [(Status::Sent, 1), (Status::Delivered, 1), (Status::Read, 1), (Status::Replied, 1), (Status::Skipped, 2)];
    for blast in [Some(BLAST), None] {
        let since = since(scene.pool(), blast, Utc::now() - TimeDelta::hours(1)).await.unwrap();
        assert_eq!(since.reached, expected);
    }
}

#[tokio::test]
async fn whoever_was_read_was_received_and_sent_before_and_whoever_failed_was_not() {
    let scene = Scene::queued(6).await;
    scene
        .execute(
            "insert into status_history (blast_id, recipient_id, attempt, old_status, new_status, source) values
                 -- From sent to read in one step.
                 (1, 1, 1, 'sending', 'sent', 'send'), (1, 1, 1, 'sent', 'read', 'poll'),
                 (1, 2, 1, 'sending', 'sent', 'send'), (1, 2, 1, 'sent', 'delivered', 'poll'), (1, 2, 1, 'delivered', 'read', 'poll'),
                 -- Accepted, and failed afterwards.
                 (1, 3, 1, 'sending', 'sent', 'send'), (1, 3, 1, 'sent', 'failed', 'poll'),
                 -- Failed, tried again, and sent.
                 (1, 4, 1, 'sending', 'failed', 'send'), (1, 4, 1, 'failed', 'queued', 'operator'),
                 (1, 4, 2, 'queued', 'sending', 'send'), (1, 4, 2, 'sending', 'sent', 'send'),
                 -- Sent before; an operator's mark from uncertain on.
                 (1, 5, 1, 'delivered', 'replied', 'poll'),
                 (1, 6, 1, 'sending', 'uncertain', 'send'), (1, 6, 1, 'uncertain', 'sent', 'poll')",
        )
        .await;

    let since = since(scene.pool(), Some(BLAST), Utc::now() - TimeDelta::hours(1)).await.unwrap();

    let expected =
        [(Status::Sent, 4), (Status::Delivered, 2), (Status::Read, 3), (Status::Replied, 1), (Status::Failed, 1)];
    assert_eq!(since.reached, expected);
}

#[tokio::test]
async fn a_person_who_is_in_two_blasts_is_counted_once_over_all_of_them() {
    let scene = Scene::queued(2).await;
    scene
        .execute(
            "insert into blasts (blast_tag, sender_id, message, state, total_recipients) values ('Later', 1, 'Hi', 'draft', 1);
             insert into blast_recipients (blast_id, phone_number)
             select 2, phone_number from blast_recipients where id = 1;
             insert into status_history (blast_id, recipient_id, attempt, old_status, new_status, source)
             select blast_id, id, 0, 'queued', 'opted_out', 'operator' from blast_recipients",
        )
        .await;
    let reached = async |blast| since(scene.pool(), blast, Utc::now() - TimeDelta::hours(1)).await.unwrap().reached;

    assert_eq!(reached(None).await, [(Status::OptedOut, 2)]);
    assert_eq!(reached(Some(BLAST)).await, [(Status::OptedOut, 2)]);
}
