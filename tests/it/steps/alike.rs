//! A step with its blast's own message, as the dashboard adds it.

use blastdeck::app::StepAlike;
use blastdeck::domain::ids::BlastId;
use blastdeck::domain::status::Status;
use blastdeck::domain::step::StepSince;
use chrono::{TimeDelta, Utc};

use super::{SETUP, made, occur, people, phone, received, set};
use crate::recurring::engine_app;
use crate::support::Shop;

#[tokio::test]
async fn a_step_like_its_blast_drafts_it_for_whoever_is_stuck_at_the_stage() {
    let shop = Shop::open(SETUP).await;
    let blast = received(&shop, 0..3, 90).await;
    set(&shop, &blast, 1, "status = 'read', standing = 'read', read_timestamp = now()").await;
    set(&shop, &blast, 2, "delivered_at = now() - interval '1 hour'").await;
    let app = engine_app(&shop, "one").await;
    let from = |hours| StepAlike {
        blast: BlastId(blast.parse().unwrap()),
        since: StepSince::Stage(Status::Delivered),
        after: TimeDelta::hours(hours),
    };

    let step = app.add_step_alike(from(48)).await.unwrap();
    occur(&app, Utc::now()).await;

    assert_eq!((step.when.as_str(), step.step.at_most), ("2d after received, not read", None));
    assert_eq!(step.step.message, app.blast(from(48).blast).await.unwrap().message);
    let drafts = made(&shop, &blast, 1).await;
    assert_eq!(drafts.len(), 1, "{drafts:?}");
    assert_eq!(people(&shop, "2").await, [phone(0)]);
    let refused = app.add_step_alike(from(0)).await.unwrap_err().to_string();
    assert!(refused.contains("write a time from 1m to 366d"), "{refused}");
}
