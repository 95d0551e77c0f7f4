//! A database from which nothing was sent yet.

use chrono::{TimeDelta, Utc};

use super::{Restorable, SETUP};
use crate::support::{eventually_async, said};

#[tokio::test]
async fn a_server_that_is_started_again_before_a_scheduled_blast_asks_only_where_no_engine_waited() {
    let world = Restorable::open(SETUP).await;
    let shop = &world.shop;
    let blast = shop.draft_with(0..5, &["--at", &(Utc::now() + TimeDelta::hours(1)).to_rfc3339()]).await;
    shop.send(&blast).await;
    let engine = shop.engine();
    eventually_async("an engine waits for its time", async || {
        shop.number("select count(*) from sender_leases where epoch > 0").await == 1
    })
    .await;
    engine.stop().await;
    // The same start of the server as a copy has that is started elsewhere.
    world.cluster.back_up().await;
    shop.execute("update blasts set send_after = now(), scheduled_for = now() where state = 'scheduled'").await;

    let elsewhere = shop.path("elsewhere");
    let mut command = shop.command(&["engine", "--until-idle"]);
    command.env("BLASTDECK_STATE_DIR", elsewhere);
    let said = said(command).await;

    assert_eq!((said.code, world.posts().await), (0, 0), "{said:?}");
    assert_eq!(shop.number("select count(*) from senders where stopped_reason like '%may be a copy%'").await, 1);
    shop.execute("update senders set stopped_at = null, stopped_code = null, stopped_reason = null").await;
    shop.until_idle().await;
    assert_eq!(world.posts().await, 5, "the engine of this machine waited for it");
    shop.promises().await;
}
