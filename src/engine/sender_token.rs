//! A sender's token, as far as its provider takes it. A process whose token was refused does not acquire the sender again:
//! others, with another token, may.
//!
//! The stop names the process and remembers which token it was. A process with another token asks the provider whether that
//! one works, and then lifts the stop by itself; one with the same token waits until somebody lifts it. Whoever has a token
//! that was refused asks before it sends with it again. To ask sends nothing.

use std::time::{Duration, Instant};

use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use super::configured_sender::ConfiguredSender;
use super::context::EngineContext;
use super::mutex::Mutex;
use crate::domain::sender::SenderDevice;
use crate::domain::text::hex;
use crate::provider::{Health, HealthVerdict};
use crate::store::sender::{self, RefusedToken};
use crate::store::{StoreError, lease};

/// A provider that did not take a token is asked again after this.
const ASK_AGAIN_AFTER: Duration = Duration::from_secs(15);

/// How many bytes of the hash tell two tokens apart.
const FINGERPRINT_BYTES: usize = 4;

/// A token's fingerprint, and what this process knows of it.
#[derive(Debug)]
pub struct SenderToken {
    fingerprint: String,
    state: Mutex<TokenState>,
}

/// What the provider said of a token that it had refused.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum ProviderWord {
    #[default]
    None,
    CalledGood,
    /// It called it good, and refused it once more before it accepted any message with it: it is not asked again.
    Broken,
}

#[derive(Debug, Default)]
struct TokenState {
    /// A message was accepted with it since it was refused last.
    is_proven: bool,
    /// The provider refused it in answer to this process, and has not said otherwise since.
    is_refused: bool,
    word: ProviderWord,
    is_asking: bool,
    asked_at: Option<Instant>,
}

/// What a process may do with a sender, as far as tokens go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TokenUse {
    Allowed,
    /// Refused: the provider has to call it good first.
    Barred,
    /// The sender is stopped because another token was refused: it goes on if the provider takes this one.
    MayLift,
}

impl SenderToken {
    pub fn new(device: &SenderDevice, token: &SecretString) -> Self {
        let mut hash = Sha256::new();
        for part in [&device.provider, &device.address, &device.id, token.expose_secret()] {
            hash.update(part.len().to_le_bytes());
            hash.update(part);
        }
        let fingerprint = hex(&hash.finalize()[..FINGERPRINT_BYTES]);
        Self { fingerprint, state: Mutex::default() }
    }

    /// Eight hexadecimal digits: the same for the same token of the same phone.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Whether the provider refused it in answer to this process.
    pub fn is_refused(&self) -> bool {
        self.state.lock().is_refused
    }

    /// A message was accepted with it: what the provider said of it before no longer counts, and the next refusal is a first one again.
    pub(super) fn prove(&self) {
        let mut state = self.state.lock();
        // One that was posted before a refusal and accepted after it says nothing of the token as it is now.
        if !state.is_refused {
            (state.is_proven, state.word, state.asked_at) = (true, ProviderWord::None, None);
        }
    }

    pub(super) fn is_proven(&self) -> bool {
        self.state.lock().is_proven
    }

    /// The provider refused it just now.
    pub(super) fn refuse(&self) {
        let mut state = self.state.lock();
        if state.word == ProviderWord::CalledGood && !state.is_refused {
            state.word = ProviderWord::Broken;
        }
        (state.is_refused, state.is_proven) = (true, false);
    }

    pub(super) fn usable(&self, refused: Option<&RefusedToken>) -> TokenUse {
        let is_same = refused.is_some_and(|refused| refused.token == self.fingerprint);
        match refused {
            Some(refused) if refused.is_stopped && !is_same && !self.is_refused() => TokenUse::MayLift,
            _ if is_same || self.is_refused() => TokenUse::Barred,
            _ => TokenUse::Allowed,
        }
    }

    /// Whether the provider is being asked about it.
    pub(super) fn is_asking(&self) -> bool {
        self.state.lock().is_asking
    }

    /// Whether to ask now.
    fn begin_asking(&self) -> bool {
        let mut state = self.state.lock();
        let is_early = state.asked_at.is_some_and(|at| at.elapsed() < ASK_AGAIN_AFTER);
        if state.word == ProviderWord::Broken || state.is_asking || is_early {
            return false;
        }
        (state.is_asking, state.asked_at) = (true, Some(Instant::now()));
        true
    }

    fn call_good(&self) {
        let mut state = self.state.lock();
        if state.is_refused && state.word == ProviderWord::None {
            state.word = ProviderWord::CalledGood;
        }
        state.is_refused = false;
    }

    fn end_asking(&self) {
        self.state.lock().is_asking = false;
    }
}

/// Whether a blast waits for another token of one of this process's senders.
pub(super) async fn is_waited_for(engine: &EngineContext) -> Result<bool, StoreError> {
    let refused = sender::refused_tokens(&engine.pool).await?;
    let is_ours = |id| engine.senders.iter().any(|sender| sender.id == id);
    Ok(refused.iter().any(|refused| refused.is_stopped && refused.is_wanted && is_ours(refused.sender)))
}

/// Asks the provider about a sender's token where that may help somebody, unless it was done a moment ago, and does what follows
/// from its answer. Returns whether it is asked.
pub(super) fn ask(
    engine: &EngineContext,
    sender: &ConfiguredSender,
    (refused, is_due): (Option<&RefusedToken>, bool),
    usable: TokenUse,
) -> bool {
    let is_worth_it = match usable {
        TokenUse::Allowed => false,
        // A stop for this very token is for a person to lift.
        TokenUse::Barred => is_due && !refused.is_some_and(|refused| refused.is_stopped),
        TokenUse::MayLift => refused.is_some_and(|refused| refused.is_wanted),
    };
    if !is_worth_it || !sender.token.begin_asking() {
        return false;
    }
    let (engine, sender, refused) = (engine.clone(), sender.clone(), refused.cloned());
    tokio::spawn(async move {
        let health = sender.provider.health().await;
        if let Err(error) = follow(&engine, &sender, (&health, refused.as_ref()), usable).await {
            tracing::debug!(%error, sender = %sender.name, "what its provider says of the token could not be written yet");
        }
        sender.token.end_asking();
        engine.notifier.wake();
    });
    true
}

async fn follow(
    engine: &EngineContext,
    sender: &ConfiguredSender,
    (health, refused): (&Health, Option<&RefusedToken>),
    usable: TokenUse,
) -> Result<(), StoreError> {
    match (usable, health.verdict, refused) {
        (TokenUse::MayLift, HealthVerdict::Good, Some(refused))
            if sender::lift_refusal(&engine.pool, sender.id, &refused.token).await? =>
        {
            tracing::info!(sender = %sender.name, "the provider takes this process's token: the sender resumes");
            engine.notifier.order(&engine.pool, None).await?;
        }
        // The provider takes it, and something else is wrong: whoever has just mended the token looks for why nothing is sent.
        (TokenUse::MayLift, HealthVerdict::Bad | HealthVerdict::Doubtful, Some(refused)) => {
            let why = format!("with another token its provider says: {}", health.detail);
            sender::explain_refusal(&engine.pool, sender.id, &refused.token, &why).await?;
        }
        (TokenUse::Barred, HealthVerdict::Good, _) => {
            sender.token.call_good();
            sender::forget_refusal(&engine.pool, sender.id, sender.token.fingerprint()).await?;
        }
        // Refused to another process, and lifted since by somebody: where the provider says nothing, it is tried.
        (TokenUse::Barred, HealthVerdict::Unknown | HealthVerdict::Doubtful, Some(_)) if !sender.token.is_refused() => {
            sender::forget_refusal(&engine.pool, sender.id, sender.token.fingerprint()).await?;
        }
        _ => {}
    }
    Ok(())
}

/// Says, where nobody holds the sender, that this process waits because its token was refused.
pub(super) async fn report(engine: &EngineContext, sender: &ConfiguredSender) -> Result<(), StoreError> {
    lease::write_refused(&engine.pool, sender.id, (&engine.process(), sender.token.fingerprint())).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::SenderId;

    fn token(secret: &str) -> SenderToken {
        let [provider, address, id] = ["wsapme", "api.example.com", "5850"].map(str::to_owned);
        SenderToken::new(&SenderDevice { provider, address, id }, &SecretString::from(secret.to_owned()))
    }

    fn refused(token: &SenderToken, is_stopped: bool) -> RefusedToken {
        RefusedToken { sender: SenderId(1), token: token.fingerprint().to_owned(), is_stopped, is_wanted: true }
    }

    #[test]
    fn a_token_is_known_again_by_a_short_hash() {
        let (one, same, other) = (token("secret-1"), token("secret-1"), token("secret-2"));

        assert_eq!(one.fingerprint(), same.fingerprint());
        assert_ne!(one.fingerprint(), other.fingerprint());
        assert_eq!(one.fingerprint().len(), 8);
    }

    #[test]
    fn only_another_token_may_lift_a_stop_and_a_refused_one_waits() {
        let (one, other) = (token("secret-1"), token("secret-2"));

        assert_eq!(one.usable(None), TokenUse::Allowed);
        assert_eq!(one.usable(Some(&refused(&other, true))), TokenUse::MayLift);
        assert_eq!(one.usable(Some(&refused(&other, false))), TokenUse::Allowed);
        assert_eq!(one.usable(Some(&refused(&one, true))), TokenUse::Barred);
        assert_eq!(one.usable(Some(&refused(&one, false))), TokenUse::Barred);
        one.refuse();
        assert_eq!(one.usable(None), TokenUse::Barred);
        assert_eq!(one.usable(Some(&refused(&other, true))), TokenUse::Barred);
    }

    #[test]
    fn a_provider_that_calls_a_token_good_and_refuses_it_again_is_not_asked_a_third_time() {
        let token = token("secret-1");
        token.refuse();
        assert!(token.begin_asking() && !token.begin_asking());
        token.call_good();
        token.end_asking();
        assert_eq!(token.usable(None), TokenUse::Allowed);

        token.refuse();
        token.state.lock().asked_at = None;

        assert!(!token.begin_asking());
    }

    #[test]
    fn a_message_that_is_accepted_after_a_lift_proves_a_token_again() {
        let token = token("secret-1");
        for _ in 0..3 {
            token.prove();
            assert!(token.is_proven());
            token.refuse();
            // Posted before the refusal.
            token.prove();
            assert!(token.is_refused() && !token.is_proven());

            assert!(token.begin_asking(), "as after a first refusal, and at once");
            token.call_good();
            token.end_asking();

            assert_eq!(token.usable(None), TokenUse::Allowed);
            assert!(!token.is_proven(), "its next message shows it");
        }
    }
}
