//! The bare loop that sending is compared with: the same client against the same provider, with neither database nor promises.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use color_eyre::Result;
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;

use crate::domain::content::BlastContent;
use crate::domain::message::Variables;
use crate::engine::{ConfiguredSender, post_runtime};
use crate::provider::{Outgoing, SendOutcome};

/// What a loop of POSTs came to.
#[derive(Debug, Clone, Copy)]
pub(super) struct BareLoop {
    pub accepted: u64,
    pub took: Duration,
}

/// Posts `count` messages, as many at once as the sender may have in flight.
pub(super) async fn run(sender: &ConfiguredSender, content: &BlastContent, count: u64) -> Result<BareLoop> {
    let turns = Arc::new(Semaphore::new(sender.in_flight));
    let accepted = Arc::new(AtomicU64::new(0));
    let tasks = TaskTracker::new();
    let runtime = post_runtime();
    let began = Instant::now();
    for n in 0..count {
        let Ok(turn) = turns.clone().acquire_owned().await else { break };
        let (provider, accepted) = (sender.provider.clone(), accepted.clone());
        let mut variables = Variables::default();
        variables.set("name", &format!("P{n}"));
        let content = content.render(&variables)?;
        let callback_data = || format!("blastdeck:00000000-0000-4000-8000-000000000000:1:{n}:1:1790000000123456");
        let callback_data = provider.returns_callback_data().then(callback_data);
        let post = async move {
            let outgoing = Outgoing { to: format!("6010{n:08}"), content, callback_data };
            let reply = provider.send(&outgoing).await;
            if matches!(reply.outcome, SendOutcome::Accepted { .. }) {
                accepted.fetch_add(1, Ordering::Relaxed);
            }
            drop(turn);
        };
        tasks.spawn_on(post, &runtime);
    }
    tasks.close();
    tasks.wait().await;
    Ok(BareLoop { accepted: accepted.load(Ordering::Relaxed), took: began.elapsed() })
}
