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

    let expected = [(Status::Sent, 1), (Status::Read, 1), (Status::Replied, 1), (Status::Skipped, 2)];
    for blast in [Some(BLAST), None] {
        let since = since(scene.pool(), blast, Utc::now() - TimeDelta::hours(1)).await.unwrap();
        assert_eq!(since.reached, expected);
    }
}
