//! Webhooks of both providers: which events are due, and their way to the receiver.
//!
//! An event goes out at the time that its message's plan has for it. Only the next one of each message waits in the
//! queue, so that a million messages cost a million entries. Without a receiver nothing is queued.

use std::{cmp::Reverse, collections::BinaryHeap, sync::Arc, time::Duration};

use reqwest::{Client, Url};
use serde::{Deserialize, Serialize};
use tokio::sync::{Notify, Semaphore};

use self::{
    cloud::AnnouncedEvent,
    delivery::WebhookRequest,
    plan::{Announcement, plan},
};
use super::{
    post_log::{Accepted, SendKind, SimTime},
    world::World,
};

mod cloud;
mod delivery;
mod gateway;
mod on_demand;
pub mod plan;

pub use on_demand::{handshake, post_literally};

/// Requests in flight per provider.
const CONCURRENCY: usize = 32;

/// Whose webhook it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HookProvider {
    /// Meta: signed, retried, many events a request.
    Cloud,
    /// WSAPME: one event a request, tried once.
    Gateway,
}

impl HookProvider {
    fn of(kind: SendKind) -> Self {
        match kind {
            SendKind::Gateway => Self::Gateway,
            SendKind::CloudTemplate | SendKind::CloudText => Self::Cloud,
        }
    }
}

/// Where webhooks go; nothing is announced to a receiver that is not set.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhookTargets {
    /// Meta's callback URL.
    #[serde(default)]
    pub meta: Option<String>,
    /// WSAPME's URL, with the secret in it.
    #[serde(default)]
    pub wsapme: Option<String>,
}

/// Checks the URL of a receiver: plain HTTP, since receivers stand on this machine or network.
pub fn receiver(url: &str) -> Result<String, String> {
    match Url::parse(url) {
        Ok(parsed) if parsed.scheme() == "http" && parsed.has_host() => Ok(url.to_owned()),
        _ => Err(format!("`{url}` cannot receive webhooks of the simulator: write http://HOST:PORT/PATH")),
    }
}

impl WebhookTargets {
    /// Checks both URLs.
    pub fn check(&self) -> Result<(), String> {
        [&self.meta, &self.wsapme].into_iter().flatten().try_for_each(|url| receiver(url).map(drop))
    }
}

/// What the control API shows of the webhooks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WebhookStats {
    /// Events that are still to be announced, or are on their way.
    pub pending: usize,
    /// Requests that were answered with 200.
    pub delivered: u64,
    /// Attempts that were not.
    pub failed: u64,
}

/// One event in the queue: when it is due, of which POST, and its place in the plan.
type QueuedEvent = Reverse<(SimTime, usize, usize)>;

/// The events that are to come, and the counters.
#[derive(Debug, Default)]
pub struct WebhookQueue {
    targets: WebhookTargets,
    cloud: BinaryHeap<QueuedEvent>,
    gateway: BinaryHeap<QueuedEvent>,
    in_flight: usize,
    delivered: u64,
    failed: u64,
    wake: Arc<Notify>,
}

impl WebhookQueue {
    pub fn new(targets: WebhookTargets) -> Self {
        Self { targets, ..Self::default() }
    }

    pub fn targets(&self) -> &WebhookTargets {
        &self.targets
    }

    pub fn set_targets(&mut self, targets: WebhookTargets) {
        self.targets = targets;
    }

    pub fn has_receiver(&self) -> bool {
        self.targets.meta.is_some() || self.targets.wsapme.is_some()
    }

    pub fn url(&self, provider: HookProvider) -> Option<&str> {
        match provider {
            HookProvider::Cloud => self.targets.meta.as_deref(),
            HookProvider::Gateway => self.targets.wsapme.as_deref(),
        }
    }

    /// Queues the first event of a message that was just accepted as POST number `post` (from 0).
    pub fn follow(&mut self, kind: SendKind, post: usize, accepted: &Accepted, plan: &[Announcement]) {
        let provider = HookProvider::of(kind);
        if self.url(provider).is_some() {
            self.queue(provider, post, accepted, (0, plan.first()));
        }
    }

    fn queue(
        &mut self,
        provider: HookProvider,
        post: usize,
        accepted: &Accepted,
        (step, next): (usize, Option<&Announcement>),
    ) {
        let Some(next) = next else { return };
        let due = accepted.at.saturating_add(next.due);
        let heap = self.heap(provider);
        let is_first = heap.peek().is_none_or(|Reverse((first, _, _))| due < *first);
        heap.push(Reverse((due, post, step)));
        if is_first {
            self.wake.notify_waiters();
        }
    }

    fn heap(&mut self, provider: HookProvider) -> &mut BinaryHeap<QueuedEvent> {
        match provider {
            HookProvider::Cloud => &mut self.cloud,
            HookProvider::Gateway => &mut self.gateway,
        }
    }

    /// Whether nothing is to be announced and nothing is on its way.
    pub fn is_idle(&self) -> bool {
        self.cloud.is_empty() && self.gateway.is_empty() && self.in_flight == 0
    }

    fn finish(&mut self, events: usize) {
        self.in_flight = self.in_flight.saturating_sub(events);
    }

    fn count_attempt(&mut self, is_accepted: bool) {
        self.delivered += u64::from(is_accepted);
        self.failed += u64::from(!is_accepted);
    }

    pub fn stats(&self) -> WebhookStats {
        WebhookStats {
            pending: self.cloud.len() + self.gateway.len() + self.in_flight,
            delivered: self.delivered,
            failed: self.failed,
        }
    }
}

/// Delivers the webhooks of both providers until the simulator is stopped.
pub async fn deliver(world: Arc<World>) -> reqwest::Result<()> {
    let client = delivery::client()?;
    tokio::join!(
        Dispatcher { world: Arc::clone(&world), client: client.clone(), provider: HookProvider::Cloud }.run(),
        Dispatcher { world, client, provider: HookProvider::Gateway }.run(),
    );
    Ok(())
}

/// Takes what is due from one provider's queue and hands it to deliveries.
struct Dispatcher {
    world: Arc<World>,
    client: Client,
    provider: HookProvider,
}

impl Dispatcher {
    async fn run(self) {
        let permits = Arc::new(Semaphore::new(CONCURRENCY));
        let wake = Arc::clone(&self.world.state().webhooks.wake);
        while let Ok(permit) = Arc::clone(&permits).acquire_owned().await {
            let Some(delivery) = self.next(&wake).await else { return };
            let delivering = delivery.run(Arc::clone(&self.world), self.client.clone());
            tokio::spawn(async move {
                delivering.await;
                drop(permit);
            });
        }
    }

    /// The next request once something is due; `None` when the simulator is stopped.
    async fn next(&self, wake: &Notify) -> Option<WebhookRequest> {
        loop {
            // Listens before the queue is read, so that nothing that is queued meanwhile is missed.
            let woken = wake.notified();
            let mut woken = std::pin::pin!(woken);
            woken.as_mut().enable();
            let events = self.take();
            if !events.is_empty() {
                return Some(self.request(&events));
            }
            let wait = self.until_due();
            tokio::select! {
                () = self.world.stopped() => return None,
                () = woken => {}
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    fn until_due(&self) -> Duration {
        let now = self.world.now();
        let mut state = self.world.state();
        let next = state.webhooks.heap(self.provider).peek().map(|Reverse((due, _, _))| due.saturating_sub(now));
        next.unwrap_or(Duration::MAX).min(Duration::from_secs(3_600))
    }

    /// Takes the events that are due, up to a batch, each with whether its request is repeated.
    fn take(&self) -> Vec<(AnnouncedEvent, bool)> {
        let (now, population, answered) = (self.world.now(), self.world.population, self.world.answered());
        let batch = if self.provider == HookProvider::Cloud { self.world.account.webhook_batch.max(1) } else { 1 };
        let mut events = Vec::new();
        let mut state = self.world.state();
        while events.len() < batch {
            let heap = state.webhooks.heap(self.provider);
            let Some(Reverse((due, post, step))) = heap.peek().copied() else { break };
            if due > now {
                break;
            }
            heap.pop();
            let Some((logged, accepted)) = state.post_log.accepted_at(post) else { continue };
            let (request, device) = (logged.body().to_owned(), logged.device().to_owned());
            let accepted = accepted.clone();
            let plan = plan(&accepted, population, answered);
            state.webhooks.queue(self.provider, post, &accepted, (step + 1, plan.get(step + 1)));
            let Some(Announcement { what, occurred, is_repeated, .. }) = plan.get(step).copied() else { continue };
            let occurred = self.world.wall(accepted.at.saturating_add(occurred));
            events.push((AnnouncedEvent { what, occurred, accepted, device, request }, is_repeated));
        }
        state.webhooks.in_flight += events.len();
        events
    }

    fn request(&self, events: &[(AnnouncedEvent, bool)]) -> WebhookRequest {
        let population = self.world.population;
        let is_repeated = events.iter().any(|(_, is_repeated)| *is_repeated);
        let all: Vec<_> = events.iter().map(|(event, _)| event.clone()).collect();
        let body = match self.provider {
            HookProvider::Cloud => cloud::body(&self.world.account.waba_id, &all, population),
            HookProvider::Gateway => all.first().map(|event| gateway::body(event, population)).unwrap_or_default(),
        };
        WebhookRequest { provider: self.provider, body, events: all.len(), is_repeated }
    }
}

#[cfg(test)]
mod tests;
