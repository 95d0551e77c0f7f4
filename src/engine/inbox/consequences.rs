//! What a failure by webhook means beyond its person, as the same code does in an answer (`sending/failure_policy.rs`): the sender
//! stops or slows down, the blast pauses or waits, the person is left out of everything. Written with the failure, and done by
//! whichever engine sends for that sender.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;

use super::effects::Effects;
use crate::domain::blast::BlastState;
use crate::domain::ids::SenderId;
use crate::domain::pace::throttle::{HOLD, RECOVER_AFTER};
use crate::domain::recipient::ProviderError;
use crate::domain::retry::{ErrorClass, OperatorRetry};
use crate::domain::sender::{ProviderKind, StopCode};
use crate::engine::context::EngineContext;
use crate::engine::late_failures::LateNews;
use crate::engine::sending::pause_in;
use crate::provider::{advised, code_rule, refusal_class};
use crate::store::inbox::messages::KnownMessage;
use crate::store::sender::{self, SlowDown};
use crate::store::{StoreError, blast};

/// A failure that changed its person.
pub(super) struct Failure<'a> {
    pub provider: ProviderKind,
    pub message: &'a KnownMessage,
    pub error: &'a ProviderError,
    pub at: DateTime<Utc>,
}

/// Which senders are to slow down: those of a batch once each.
#[derive(Default)]
pub(super) struct SlowDowns(BTreeMap<SenderId, SlowDown>);

impl SlowDowns {
    /// One that came so late that it has worn off is none.
    pub(super) fn add(
        &mut self,
        engine: &EngineContext,
        sender: SenderId,
        (wait, at): (Option<TimeDelta>, DateTime<Utc>),
    ) {
        let real = |span| engine.settings.retry.shrunk(TimeDelta::from_std(span).unwrap_or_default());
        let until = at + wait.unwrap_or_else(|| real(HOLD));
        if engine.clock.now() >= until.max(at + real(RECOVER_AFTER)) {
            return;
        }
        let known = self.0.entry(sender).or_insert(SlowDown { at, until });
        *known = SlowDown { at: known.at.max(at), until: known.until.max(until) };
    }

    /// Writes them; how many were news.
    pub(super) async fn write(self, tx: &mut PgConnection, effects: &mut Effects) -> Result<u32, StoreError> {
        let mut asked = 0;
        for (id, wish) in self.0 {
            if sender::ask_to_slow_down(&mut *tx, id, wish).await? {
                tracing::warn!(sender = id.0, until = %wish.until, "asked by a webhook to slow down");
                effects.ordered = true;
                asked += 1;
            }
        }
        Ok(asked)
    }
}

/// What a failure means beyond its person, written with it; returns what it says of its blast beside that.
pub(super) async fn apply(
    tx: &mut PgConnection,
    engine: &EngineContext,
    failure: &Failure<'_>,
    slow_downs: &mut SlowDowns,
    effects: &mut Effects,
) -> Result<Option<LateNews>, StoreError> {
    let &Failure { provider, message, error, at } = failure;
    let wait = wait_after(engine, provider, &error.code);
    let why = &*advised(provider, &error.code, &error.message);
    match refusal_class(provider, &error.code) {
        ErrorClass::StopSender => {
            let code = StopCode::Provider(error.code.clone());
            if sender::stop_for_failure(&mut *tx, message.sender_id, (&code, why), at).await?.is_news() {
                tracing::warn!(sender = message.sender_id.0, code = error.code, error.message, "stopped by a webhook");
                effects.ordered = true;
            }
        }
        ErrorClass::PauseBlast => return pause_or_hold(tx, failure, (wait, why), effects).await,
        ErrorClass::SlowSender => slow_downs.add(engine, message.sender_id, (wait, at)),
        // Whoever opted out has, whatever becomes of the message: `statuses` notes it.
        ErrorClass::OptOut | ErrorClass::Retry | ErrorClass::FailRecipient | ErrorClass::NotNow => {}
    }
    Ok(None)
}

/// How long to wait after a code before anything else is tried, as its table says.
pub(super) fn wait_after(engine: &EngineContext, provider: ProviderKind, code: &str) -> Option<TimeDelta> {
    let wait = TimeDelta::from_std(code_rule(provider, code).wait?).ok()?;
    Some(engine.settings.retry.shrunk(wait))
}

/// What passes by itself holds the blast for a while, and counts as one failure; anything else pauses it.
async fn pause_or_hold(
    tx: &mut PgConnection,
    &Failure { message, error, at, .. }: &Failure<'_>,
    (wait, why): (Option<TimeDelta>, &str),
    effects: &mut Effects,
) -> Result<Option<LateNews>, StoreError> {
    let id = message.blast_id;
    if let Some(wait) = wait {
        if !blast::hold(tx, id, at + wait, why).await? {
            return Ok(None);
        }
        tracing::warn!(blast = id.0, code = error.code, why, "this blast waits for its provider");
        effects.ordered = true;
        return Ok(Some(LateNews::Failed { blast: id, code: error.code.clone(), why: error.message.clone() }));
    }
    // Whoever failed so may be retried by an operator: a blast that was over waits for them.
    let states = [
        // Somebody has seen to what happened before they resumed it; but once it is over, nobody else says that one more can be tried again.
        (BlastState::Sending, !blast::was_resumed_since(tx, id, why, at).await?),
        (BlastState::Completed, OperatorRetry::of(&error.code) == OperatorRetry::Now),
    ];
    let states: Vec<BlastState> = states.into_iter().filter(|(_, pauses)| *pauses).map(|(state, _)| state).collect();
    effects.ordered |= pause_in(tx, id, why, &states).await?;
    Ok(None)
}
