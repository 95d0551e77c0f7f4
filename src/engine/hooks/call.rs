//! One call, signed with the keys that hold now.

use bytes::Bytes;
use chrono::Utc;

use crate::config::HookConfig;
use crate::provider::hook::{HookCall, HookClient, HookReply, Reach};

/// Calls a hook's address.
#[derive(Debug)]
pub struct HookCaller {
    config: HookConfig,
    client: HookClient,
}

impl HookCaller {
    pub fn new(config: HookConfig) -> Self {
        let reach = if config.allow_private { Reach::Anywhere } else { Reach::Public };
        let client = HookClient::new(config.url.url().clone(), reach);
        Self { config, client }
    }

    /// Makes one call. Without a secret none is made.
    pub async fn call(&self, message_id: &str, body: Bytes) -> HookReply {
        let keys = match self.config.secrets() {
            Ok(keys) => keys,
            Err(error) => return unmade(error.to_string()),
        };
        let timestamp = Utc::now().timestamp();
        let signatures: Vec<_> = keys.iter().map(|key| key.sign(message_id, timestamp, &body)).collect();
        let call = HookCall { message_id: message_id.to_owned(), timestamp, signatures: signatures.join(" "), body };
        self.client.call(call).await
    }

    /// Why no call would be made now: a secret that cannot be read, a name without an address, or one that is not public.
    pub async fn check(&self) -> Result<(), String> {
        self.config.secrets().map_err(|error| error.to_string())?;
        self.client.addresses().await.map(drop)
    }
}

fn unmade(why: String) -> HookReply {
    HookReply { status: None, error: Some(why), retry_after: None, took: std::time::Duration::ZERO }
}
