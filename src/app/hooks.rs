//! Hooks, as an operator sees to them: how each fares, a test call, its deliveries, calls made again, and a new secret.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use chrono::{DateTime, TimeDelta, Utc};
use secrecy::SecretString;
use serde::Serialize;

use super::App;
use super::AppError;
use crate::config::HookConfig;
use crate::domain::hook::{RETRIED_FOR, spell_secret};
use crate::domain::text::{clean, shell_word};
use crate::engine::{HookCaller, test_body};
use crate::provider::HealthVerdict;
use crate::store::hook::{self, DeliveryRow, DeliveryState, HookStatus, ReplayedDeliveries};

/// A hook as it is listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HookView {
    /// Its address without what may be secret; `None` for one that is not in this configuration.
    pub url: Option<String>,
    #[serde(flatten)]
    pub status: HookStatus,
}

/// What a test call came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HookTest {
    pub name: String,
    pub delivered: bool,
    pub message_id: String,
    pub http_status: Option<u16>,
    pub took_ms: u64,
    pub error: Option<String>,
}

/// What is wrong with a hook, or that nothing is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HookCheck {
    pub name: String,
    pub verdict: HealthVerdict,
    pub detail: String,
}

/// A new secret, to be given to the receiver.
#[derive(Debug, Clone)]
pub struct RotatedSecret {
    pub secret: SecretString,
    /// Until then the one before signs too.
    pub old_until: DateTime<Utc>,
}

impl App {
    /// Every hook of this configuration, and those of earlier ones that the database knows.
    pub async fn hooks(&self) -> Result<Vec<HookView>, AppError> {
        let known = hook::list(self.pool()).await?;
        let view = |status: HookStatus| {
            let url = self.config().hook(&status.name).map(|hook| hook.url.to_string());
            HookView { url, status }
        };
        Ok(known.into_iter().map(view).collect())
    }

    /// Calls a hook with an event of type `hook.test`, once.
    pub async fn test_hook(&self, name: &str) -> Result<HookTest, AppError> {
        let config = self.hook(name)?;
        let message_id = format!("msg_{:032x}", rand::random::<u128>());
        let body = test_body(config.name.as_str(), self.operator(), Utc::now());
        let reply = HookCaller::new(config.clone()).call(&message_id, body).await;
        Ok(HookTest {
            name: config.name.to_string(),
            delivered: reply.is_delivered(),
            message_id,
            http_status: reply.status,
            took_ms: u64::try_from(reply.took.as_millis()).unwrap_or(u64::MAX),
            error: reply.error,
        })
    }

    /// Deliveries of a hook, or of all, newest first.
    pub async fn hook_deliveries(
        &self,
        name: Option<&str>,
        state: Option<DeliveryState>,
        limit: u32,
    ) -> Result<Vec<DeliveryRow>, AppError> {
        if let Some(name) = name {
            self.refuse_unknown_hook(name).await?;
        }
        Ok(hook::deliveries(self.pool(), name, state, limit.into()).await?)
    }

    /// Has calls made again, under their old numbers and ids; returns how many. The next engine that has the hook makes them.
    pub async fn replay_hook(&self, name: &str, which: ReplayedDeliveries) -> Result<u64, AppError> {
        self.refuse_unknown_hook(name).await?;
        let retried_for = self.engine().settings.shrink(RETRIED_FOR);
        let retried_for = TimeDelta::from_std(retried_for).unwrap_or(TimeDelta::MAX);
        let replayed = hook::replay(self.pool(), name, which, retried_for).await?;
        if replayed > 0 {
            // Without a notification it is seen a few seconds later.
            let _ = self.engine().notifier.order(self.pool(), None).await;
        }
        Ok(replayed)
    }

    /// Writes a new secret into a hook's file. The one before goes into a file beside it and signs too for a day; calls made meanwhile
    /// have both signatures. Refused while such a one still signs, unless `again`: it would be lost to receivers that have no other.
    pub fn rotate_hook(&self, name: &str, again: bool) -> Result<RotatedSecret, AppError> {
        let config = self.hook(name)?;
        let refused =
            |why: String| AppError::Refused(format!("the secret of hook {} was not changed: {why}", config.name));
        let (Some(file), Some(old)) = (config.secret.file(), config.rotated_file()) else {
            return Err(refused(format!(
                "it is in the {}: put one of `blastdeck hook secret` there, and the one before into another that \
                 `old_secret` names",
                config.secret
            )));
        };
        config.secrets().map_err(|error| refused(error.to_string()))?;
        if let Some(until) = config.old_until().filter(|_| !again) {
            let until = DateTime::<Utc>::from(until).with_timezone(&self.config().ui.timezone);
            let until = until.format("%-d %b %Y %H:%M");
            return Err(refused(format!(
                "the one before the last rotation signs until {until}, and would no longer; `blastdeck hook rotate {} --again` rotates \
                 all the same",
                shell_word(config.name.as_str())
            )));
        }
        let before = fs::read(file).map_err(|error| refused(error.to_string()))?;
        let secret = spell_secret(rand::random());
        let written = replace(&old, &before).and_then(|()| replace(file, format!("{secret}\n").as_bytes()));
        written.map_err(|error| refused(format!("{}: {error}", file.display())))?;
        let lasts = TimeDelta::from_std(HookConfig::OLD_SECRET_FOR).unwrap_or_default();
        Ok(RotatedSecret { secret: secret.into(), old_until: Utc::now() + lasts })
    }

    /// What is wrong with each hook of this configuration.
    pub async fn examine_hooks(&self) -> Result<Vec<HookCheck>, AppError> {
        let known = hook::list(self.pool()).await?;
        let mut checks = Vec::new();
        for config in &self.config().hooks {
            let status = known.iter().find(|status| status.name == config.name.as_str());
            let (verdict, detail) = match HookCaller::new(config.clone()).check().await {
                Err(why) => (HealthVerdict::Bad, why),
                Ok(()) => verdict(config, status),
            };
            checks.push(HookCheck { name: config.name.to_string(), verdict, detail });
        }
        Ok(checks)
    }

    fn hook(&self, name: &str) -> Result<&HookConfig, AppError> {
        self.config().hook(name).ok_or_else(|| no_hook(name))
    }

    async fn refuse_unknown_hook(&self, name: &str) -> Result<(), AppError> {
        let is_known = self.config().hook(name).is_some()
            || hook::list(self.pool()).await?.iter().any(|status| status.name == name);
        if is_known { Ok(()) } else { Err(no_hook(name)) }
    }
}

fn verdict(config: &HookConfig, status: Option<&HookStatus>) -> (HealthVerdict, String) {
    let Some(status) = status else {
        return (
            HealthVerdict::Unknown,
            "nothing was delivered yet: an engine with this configuration starts it".to_owned(),
        );
    };
    let name = &config.name;
    match (&status.last_error, status.dead) {
        (Some(error), _) if status.failures > 0 => {
            let failures = status.failures;
            (HealthVerdict::Bad, format!("{failures} calls in a row failed: {error}; {} wait", status.pending))
        }
        (_, dead @ 1..) => (
            HealthVerdict::Doubtful,
            format!(
                "{dead} calls were given up: `blastdeck hook log {name} --dead` shows why, `blastdeck hook replay {name} --dead` makes them again"
            ),
        ),
        (Some(error), _) if status.pending > 0 => {
            (HealthVerdict::Doubtful, format!("{} calls wait; the last one failed: {error}", status.pending))
        }
        _ => (HealthVerdict::Good, format!("{}, {} calls so far", config.url, status.sequence)),
    }
}

fn no_hook(name: &str) -> AppError {
    AppError::NotFound(format!("there is no hook `{}`: see `blastdeck hook list`", clean(name)))
}

/// Writes a file for its owner alone, whole or not at all.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let draft = path.with_extension(format!("new.{}", std::process::id()));
    let write = || {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&draft, path)
    };
    let written = write();
    if written.is_err() {
        let _ = fs::remove_file(&draft);
    }
    written
}
