//! A fake WhatsApp for demo, rehearsal and tests: WSAPME's API and Meta's Cloud API over one simulated, seeded
//! population.
//!
//! Owns its wire formats, its population, its faults and its log of every POST. Shares no types with the provider
//! clients or any other module, so that a shared misreading cannot hide. Serves loopback only.
//!
//! A person's fate is a hash of seed, phone and the number of messages that the person got before. The order of sending
//! changes nothing, and the same seed and phones give the same outcomes (apart from times of day and message ids).

use std::{io, sync::Arc, time::Duration};

use axum::{Router, extract::DefaultBodyLimit};
use secrecy::{ExposeSecret, SecretString};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub use self::webhook::{WebhookTargets, receiver};
use self::{connection::Cut, connection::CuttableListener, world::World};
pub use self::{
    fault::{Fault, FaultError, FaultKind},
    run::{StopWhen, run},
};

mod chance;
mod connection;
mod control;
mod fate;
mod fault;
mod meta;
mod post_log;
mod response;
mod run;
mod script;
mod truth;
mod webhook;
mod world;
mod wsapme;

/// The largest request body, in bytes.
const BODY_LIMIT: usize = 1024 * 1024;
/// How long requests in flight may take to finish after a stop.
const GRACE: Duration = Duration::from_secs(2);

/// The behaviour of the fake WhatsApp.
#[derive(Debug, Clone)]
pub struct Options {
    /// Decides every fate and every fault.
    pub seed: u64,
    /// Simulated seconds per real second; above 0. Shortens deliveries, reads, replies and slow responses.
    pub speed: f64,
    /// Faults of sends; their rates add up to at most 1.
    pub faults: Vec<Fault>,
    /// Response time of a send in real time, whatever the speed.
    pub latency: Duration,
    /// When set, any other token is unauthorised. When not, any token is accepted, but one is required.
    pub token: Option<SecretString>,
    /// The linked phones in the device list. Sends are accepted from any device.
    pub devices: Vec<String>,
    /// The account at Meta.
    pub account: CloudAccount,
    /// Where webhooks go from the start; the control API changes it.
    pub webhooks: WebhookTargets,
}

/// The business account that the simulator has at Meta.
#[derive(Debug, Clone)]
pub struct CloudAccount {
    /// The numbers that can send.
    pub phone_number_ids: Vec<String>,
    pub waba_id: String,
    /// The country code of the business's numbers: Meta puts it before a `to` without `+`.
    pub country_code: String,
    /// What webhooks are signed with.
    pub app_secret: SecretString,
    /// What the handshake asks a receiver for.
    pub verify_token: String,
    /// The most events in one webhook.
    pub webhook_batch: usize,
}

impl CloudAccount {
    /// The app secret in the open: it belongs to nobody.
    pub fn app_secret_text(&self) -> String {
        self.app_secret.expose_secret().to_owned()
    }
}

impl Default for CloudAccount {
    fn default() -> Self {
        Self {
            phone_number_ids: vec!["106540352242922".to_owned()],
            waba_id: "102290129340398".to_owned(),
            country_code: "60".to_owned(),
            app_secret: "0123456789abcdef0123456789abcdef".into(),
            verify_token: "a-verify-token".to_owned(),
            webhook_batch: 100,
        }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            seed: 1,
            speed: 1.0,
            faults: Vec::new(),
            latency: Duration::from_millis(50),
            token: None,
            devices: vec!["5850".to_owned()],
            account: CloudAccount::default(),
            webhooks: WebhookTargets::default(),
        }
    }
}

/// Serves until `shutdown`, then lets requests in flight finish. Fails at once on a listener that is not loopback, and
/// on options out of range (`InvalidInput`).
pub async fn serve(listener: TcpListener, options: Options, shutdown: CancellationToken) -> io::Result<()> {
    check(&listener, &options)?;
    let world = World::new(options, shutdown.clone()).map_err(invalid)?;
    let world = Arc::new(world);
    let delivering = tokio::spawn(deliver(Arc::clone(&world)));
    let service = router(world).into_make_service_with_connect_info::<Cut>();
    let serving =
        axum::serve(CuttableListener(listener), service).with_graceful_shutdown(shutdown.clone().cancelled_owned());
    let served = tokio::select! {
        served = serving => served,
        // A client that never finishes its request must not keep the simulator alive.
        () = overdue(&shutdown) => Ok(()),
    };
    delivering.abort();
    served
}

async fn deliver(world: Arc<World>) {
    if let Err(error) = webhook::deliver(world).await {
        tracing::error!(%error, "webhooks cannot be sent");
    }
}

async fn overdue(shutdown: &CancellationToken) {
    shutdown.cancelled().await;
    tokio::time::sleep(GRACE).await;
}

fn router(world: Arc<World>) -> Router {
    wsapme::routes()
        .merge(control::routes())
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .merge(meta::routes())
        .fallback(control::not_found)
        .with_state(world)
}

fn check(listener: &TcpListener, options: &Options) -> io::Result<()> {
    let address = listener.local_addr()?;
    if !address.ip().is_loopback() {
        return Err(invalid(format!("the simulator listens on loopback only, not on {address}; use 127.0.0.1")));
    }
    if !(options.speed.is_finite() && options.speed > 0.0) {
        return Err(invalid(format!("a speed of {} is not possible; it must be above 0", options.speed)));
    }
    Ok(())
}

fn invalid(why: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, why)
}

#[cfg(test)]
mod test_client;
#[cfg(test)]
mod tests;
