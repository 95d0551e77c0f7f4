//! One webhook request: signed, posted, and posted again until it is answered with 200.

use std::{fmt::Write, sync::Arc, time::Duration};

use hmac::{Hmac, KeyInit, Mac};
use reqwest::{Client, StatusCode, header};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

use super::{super::world::World, HookProvider};

/// How long a receiver may take to answer, in real time.
const PATIENCE: Duration = Duration::from_secs(10);
/// The longest wait between two attempts, in simulated seconds.
const LONGEST_WAIT: f64 = 600.0;
/// Bounds of the same in real time.
const WAIT_BOUNDS: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(10));
/// When a request is repeated that was answered with 200, in simulated seconds.
const REPEATED_AFTER: f64 = 2.0;

/// A client for receivers on this machine or network: plain HTTP, no proxy.
pub fn client() -> reqwest::Result<Client> {
    // The client wants a TLS provider even if it never uses one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().tls_certs_only([]).no_proxy().timeout(PATIENCE).build()
}

/// The value of `X-Hub-Signature-256` for these bytes.
pub fn signature(secret: &SecretString, body: &[u8]) -> String {
    // Any length of key is right for this MAC.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes()) else { return String::new() };
    mac.update(body);
    mac.finalize().into_bytes().iter().fold("sha256=".to_owned(), |mut text, byte| {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Posts one body to a provider's receiver, signed where the provider signs; `None` when there is no receiver.
pub async fn post(
    world: &World,
    client: &Client,
    provider: HookProvider,
    body: Vec<u8>,
) -> Option<reqwest::Result<StatusCode>> {
    let url = world.state().webhooks.url(provider)?.to_owned();
    let mut request = client.post(url).header(header::CONTENT_TYPE, "application/json");
    if provider == HookProvider::Cloud {
        let signature = signature(&world.account.app_secret, &body);
        request = request.header("X-Hub-Signature-256", signature).header(header::USER_AGENT, "facebookexternalua");
    }
    Some(request.body(body).send().await.map(|answer| answer.status()))
}

/// A request to be delivered.
pub struct WebhookRequest {
    pub provider: HookProvider,
    pub body: Vec<u8>,
    /// How many events it announces.
    pub events: usize,
    /// Whether it is sent once more after its 200.
    pub is_repeated: bool,
}

impl WebhookRequest {
    /// Delivers it, however long that takes. WSAPME tries once only: no retries of it are known.
    pub async fn run(self, world: Arc<World>, client: Client) {
        let is_delivered = self.until_delivered(&world, &client).await;
        if is_delivered && self.is_repeated {
            world.pause(world.sped_up(REPEATED_AFTER)).await;
            self.until_delivered(&world, &client).await;
        }
        world.state().webhooks.finish(self.events);
    }

    async fn until_delivered(&self, world: &World, client: &Client) -> bool {
        for attempt in 0.. {
            if world.is_stopped() || world.state().webhooks.url(self.provider).is_none() {
                return false;
            }
            let is_accepted = !world.is_outage() && self.post(world, client).await;
            world.state().webhooks.count_attempt(is_accepted);
            if is_accepted {
                return true;
            }
            if self.provider == HookProvider::Gateway {
                return false;
            }
            let seconds = f64::from(1_u32 << attempt.min(16)).min(LONGEST_WAIT);
            world.pause(world.sped_up(seconds).clamp(WAIT_BOUNDS.0, WAIT_BOUNDS.1)).await;
        }
        false
    }

    async fn post(&self, world: &World, client: &Client) -> bool {
        match post(world, client, self.provider, self.body.clone()).await {
            Some(Ok(status)) => status == StatusCode::OK,
            None => false,
            Some(Err(error)) => {
                tracing::debug!(%error, "a webhook was not delivered");
                false
            }
        }
    }
}
