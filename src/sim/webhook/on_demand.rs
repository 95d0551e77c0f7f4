//! Requests to receivers on demand: Meta's handshake when a callback URL is entered, and bodies of a test's own.

use serde::Serialize;

use super::{
    super::world::World,
    HookProvider,
    delivery::{client, post},
};

/// The text that the receiver must send back.
const CHALLENGE: &str = "1158201444";

/// What a receiver made of the handshake.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HandshakeReport {
    /// Whether it was right: 200 with exactly the challenge.
    pub ok: bool,
    pub status: Option<u16>,
    pub body: String,
}

/// Asks Meta's receiver to prove that it is ours; `None` when there is none.
pub async fn handshake(world: &World) -> Option<HandshakeReport> {
    let url = world.state().webhooks.targets().meta.clone()?;
    let answer = ask(&url, &world.account.verify_token).await;
    Some(match answer {
        Ok((status, body)) => HandshakeReport { ok: status == 200 && body == CHALLENGE, status: Some(status), body },
        Err(error) => HandshakeReport { ok: false, status: None, body: error.to_string() },
    })
}

async fn ask(url: &str, verify_token: &str) -> reqwest::Result<(u16, String)> {
    let mut request = client()?.get(url).build()?;
    request.url_mut().query_pairs_mut().extend_pairs([
        ("hub.mode", "subscribe"),
        ("hub.challenge", CHALLENGE),
        ("hub.verify_token", verify_token),
    ]);
    let answer = client()?.execute(request).await?;
    let status = answer.status().as_u16();
    Ok((status, answer.text().await?))
}

/// Posts a body as it is, signed like any other, once. Returns the receiver's HTTP status; `None` without a receiver.
pub async fn post_literally(world: &World, provider: HookProvider, body: Vec<u8>) -> Option<Result<u16, String>> {
    let client = match client() {
        Ok(client) => client,
        Err(error) => return Some(Err(error.to_string())),
    };
    let answer = post(world, &client, provider, body).await?;
    Some(answer.map(|status| status.as_u16()).map_err(|error| error.to_string()))
}
