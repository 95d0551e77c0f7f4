//! How the senders are, by their providers' word. Sends nothing.

use super::App;
use crate::domain::ids::SenderId;
use crate::engine::clock::Moment;
use crate::engine::error::EngineError;
use crate::engine::fence::RESTORED;
use crate::provider::{Health, HealthVerdict};
use crate::store;
use crate::store::fence::{self, Replication};
use crate::store::sender;

impl App {
    /// Asks about one sender, or all. One that was stopped for an error and is well again may go on.
    pub async fn check_senders(&self, name: Option<&str>) -> Result<Vec<(String, Health)>, EngineError> {
        let is_asked = |other: &str| name.is_none_or(|name| name.eq_ignore_ascii_case(other));
        let mut checks = Vec::new();
        for broken in self.broken().iter().filter(|broken| is_asked(&broken.name)) {
            checks.push((broken.name.clone(), Health { verdict: HealthVerdict::Bad, detail: broken.why.clone() }));
        }
        for desk in self.desks().iter().filter(|desk| is_asked(&desk.name)) {
            let health = desk.provider.health().await;
            if health.verdict == HealthVerdict::Good && !self.is_read_only() && self.unstop(desk.id).await? {
                let _ = self.news_parts().order(self.pool(), None).await;
            }
            checks.push((desk.name.clone(), health));
        }
        match name {
            Some(name) if checks.is_empty() => Err(EngineError::NotFound(self.no_sender(name))),
            _ => Ok(checks),
        }
    }

    /// What the provider's word can mend. Whether a restored database may send is an operator's alone.
    async fn unstop(&self, id: SenderId) -> Result<bool, EngineError> {
        if sender::stopped_code(self.pool(), id).await?.is_none_or(|code| code == RESTORED) {
            return Ok(false);
        }
        let mut connection = self.pool().acquire().await?;
        Ok(sender::unstop(&mut connection, id).await?.is_some())
    }

    /// An operator's word that a sender may go on, whatever stopped it, or however long its provider asked it to wait. Returns how many people became uncertain by
    /// it: those whom this machine posted to before the database went back in time.
    pub async fn confirm_sender(&self, name: &str) -> Result<i64, EngineError> {
        let sender = self.config().sender(name).ok_or_else(|| EngineError::NotFound(self.no_sender(name)))?;
        let id = sender::id(self.pool(), &sender.name).await?;
        let id = id.ok_or_else(|| EngineError::NotFound(self.no_sender(name)))?;
        let mut tx = self.pool().begin().await?;
        let was_held = sender::lift_hold(&mut tx, id).await?;
        let uncertain = match self.let_go_on(&mut tx, id).await? {
            Some(uncertain) => uncertain,
            None if was_held => 0,
            None => {
                let name = &sender.name;
                return Err(EngineError::Refused(format!("sender {name} is not stopped, nor held by its provider")));
            }
        };
        tx.commit().await?;
        let _ = self.news_parts().order(self.pool(), None).await;
        Ok(uncertain)
    }

    /// What holds a sender back, by its configuration: `rate 20/min, pair gap 10m, at most 500 a day, 1 at once`.
    pub fn pace_of(&self, name: &str) -> Option<String> {
        let sender = self.config().sender(name)?;
        let parts = [
            Some(format!("rate {}", sender.rate)),
            sender.gap.map(|gap| format!("gap {gap}")),
            sender.pair_gap.map(|gap| format!("pair gap {gap}")),
            sender.daily_cap.map(|cap| format!("at most {cap} a day")),
            Some(format!("{} at once", sender.in_flight)),
        ];
        Some(parts.into_iter().flatten().collect::<Vec<_>>().join(", "))
    }

    /// The sentence for a name that no sender has.
    pub fn no_sender(&self, name: &str) -> String {
        let names: Vec<&str> = self.config().senders.iter().map(|sender| sender.name.as_str()).collect();
        if names.is_empty() {
            return format!("there is no sender `{name}`: the configuration has none, add one under [[senders]]");
        }
        format!("there is no sender `{name}`: the configuration has {}", names.join(", "))
    }
}

impl App {
    /// What a failover of the database may lose, as far as its server can say.
    pub async fn replication(&self) -> Result<Replication, EngineError> {
        Ok(fence::replication(self.pool()).await?)
    }

    /// Whether this machine can remember what it sends; the reason if not.
    pub fn check_memory(&self) -> Result<(), EngineError> {
        self.fence().check_writable().map_err(|error| EngineError::Refused(error.to_string()))
    }

    /// How far the database's clock is ahead of this machine's.
    pub async fn clock_skew(&self) -> Result<chrono::TimeDelta, EngineError> {
        let asked_at = Moment::now();
        let now = store::now(self.pool()).await?;
        self.clock().heard(asked_at, now);
        Ok(self.clock().skew())
    }
}
