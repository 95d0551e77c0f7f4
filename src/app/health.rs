//! Checks the senders' health with their providers. Sends nothing, and has nothing sent: a stop under which people are queued is lifted
//! by whoever types their number.

use std::collections::HashMap;

use super::App;
use super::AppError;
use super::template::AccountReport;
use super::view::BlastView;
use super::webhooks::refused_webhooks;
use crate::domain::blast::BlastState;
use crate::domain::ids::SenderId;
use crate::domain::sender::{StopCode, UNHEARD, UNHEARD_MEND, stop_mend};
use crate::domain::text::{has_command, people_are, shell_word};
use crate::engine::{FenceRefusal, Moment, SenderKey};
use crate::provider::meta::preflight::TemplateList;
use crate::provider::{Health, HealthVerdict, is_shown_by_health};
use crate::store::fence::{self, Replication};
use crate::store::view::{self, BlastFilter, SenderRow, SenderStop};
use crate::store::{self, MissingRights, sender};

mod confirming;

pub use confirming::ConfirmProspect;

/// One sender's health, by its provider and by the database.
#[derive(Debug, Clone)]
pub struct SenderCheck {
    pub name: String,
    /// What its provider says, or why the configuration cannot use it.
    pub health: Health,
    /// Why it sends nothing until somebody fixes something.
    pub stop: Option<SenderStop>,
    /// Whether good health shows that it may go on.
    pub is_shown: bool,
    /// This check lifted its stop: nobody was left to send to.
    pub is_lifted: bool,
    /// Of a stopped sender, who would get a message if it went on.
    pub left: LeftToSend,
    /// What else its provider's account says, a sentence each, but for its templates.
    pub notes: Vec<String>,
    /// The account's templates by name in one sentence, or why they are not known.
    pub templates_note: Option<String>,
    /// `None` where they are not known, and where the provider has none.
    pub templates: Option<TemplateList>,
    /// How its token is replaced, and to how many that sends.
    pub token_mend: String,
    /// Why its webhooks would be refused here, a sentence each.
    pub refused_webhooks: Vec<String>,
}

/// The people of a sender's launched blasts, and of those whose time has come, who have not been sent to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LeftToSend {
    pub queued: i64,
    /// Of them it is not known yet; some may return to the queue.
    pub in_flight: i64,
}

impl LeftToSend {
    const fn is_nobody(self) -> bool {
        self.queued == 0 && self.in_flight == 0
    }
}

impl SenderCheck {
    /// A sender that is stopped is bad, whatever its provider says; one whose webhooks are refused is doubtful.
    pub fn verdict(&self) -> HealthVerdict {
        match self.health.verdict {
            _ if self.stop.is_some() => HealthVerdict::Bad,
            HealthVerdict::Good if !self.refused_webhooks.is_empty() => HealthVerdict::Doubtful,
            verdict => verdict,
        }
    }

    /// Everything that its provider's account says, a sentence each.
    pub fn all_notes(&self) -> Vec<&str> {
        self.notes.iter().chain(&self.templates_note).map(String::as_str).collect()
    }

    /// What was found, with the command line that lifts a stop.
    pub fn detail(&self) -> String {
        std::iter::once(self.standing()).chain(self.refused_webhooks.iter().cloned()).collect::<Vec<_>>().join("; ")
    }

    fn without_stop(&self) -> String {
        match self.health.verdict {
            HealthVerdict::TokenRefused => format!("{}; {}", self.health.detail, self.token_mend),
            _ => self.health.detail.clone(),
        }
    }

    fn standing(&self) -> String {
        let Some(SenderStop { code, reason, .. }) = &self.stop else { return self.without_stop() };
        let mend = match () {
            // A reason of the fence's own names the command.
            () if has_command(reason) => String::new(),
            () if self.health.verdict == HealthVerdict::TokenRefused => format!("; {}", self.token_mend),
            () if self.is_over() => format!("; {}", self.way_on()),
            () if self.is_shown || *code == StopCode::Restored => format!("; {}", stop_mend(code, &self.name)),
            () => format!(
                "; its health does not show whether that is over: once it is, `blastdeck sender confirm {}` resumes it",
                shell_word(&self.name)
            ),
        };
        match self.health.verdict {
            HealthVerdict::Good => format!("stopped: {reason}{mend}"),
            HealthVerdict::Doubtful | HealthVerdict::Unknown | HealthVerdict::Bad | HealthVerdict::TokenRefused => {
                format!("{}; stopped: {reason}{mend}", self.health.detail)
            }
        }
    }

    /// Whether its health shows that what it is stopped for is over.
    fn is_over(&self) -> bool {
        self.stop.is_some() && self.is_shown && self.health.verdict == HealthVerdict::Good
    }

    /// What lets it go on once that is over: where people are queued, their number, which a person types.
    fn way_on(&self) -> String {
        let sender = shell_word(&self.name);
        let shows = "its health shows that this is over";
        match self.left {
            left if left.is_nobody() => format!("{shows}: `blastdeck sender check {sender}` resumes it"),
            LeftToSend { queued: 0, .. } => format!("{shows}: `blastdeck sender confirm {sender}` resumes it"),
            LeftToSend { queued, .. } => format!(
                "{shows}, and {} queued: `blastdeck sender confirm {sender}` asks for their number and resumes it",
                people_are(queued)
            ),
        }
    }
}

/// The most connections that an engine opens: the one that listens, and those of its pools.
pub const ENGINE_CONNECTIONS: u32 =
    1 + store::IDLE_CONNECTIONS + store::SENDING_CONNECTIONS + store::BESIDE_CONNECTIONS;

impl App {
    /// Checks one sender, or all, and starts no message: a stop that good health shows to be over is lifted only where nobody is left who
    /// would be sent to by that.
    pub async fn check_senders(&self, name: Option<&str>) -> Result<Vec<SenderCheck>, AppError> {
        let mut checks = self.examine_senders(name).await?;
        if self.is_read_only() {
            return Ok(checks);
        }
        for check in &checks {
            if let Some(id) = self.sender_id(&check.name).filter(|_| !check.health.verdict.is_bad()) {
                self.learn_limits(id).await;
            }
        }
        for check in checks.iter_mut().filter(|check| check.is_over()) {
            if self.unstop_idle(check).await? {
                (check.stop, check.is_lifted) = (None, true);
                let _ = self.engine().notifier.order(self.pool(), None).await;
            }
        }
        Ok(checks)
    }

    /// The same, but changes nothing.
    pub async fn examine_senders(&self, name: Option<&str>) -> Result<Vec<SenderCheck>, AppError> {
        let is_asked = |other: &str| name.is_none_or(|name| name.trim().eq_ignore_ascii_case(other));
        let mut healths = Vec::new();
        for unusable in self.unusable_senders().iter().filter(|unusable| is_asked(&unusable.name)) {
            let health = Health { verdict: HealthVerdict::Bad, detail: unusable.why.clone() };
            healths.push((unusable.sender, &unusable.name, health, AccountReport::default()));
        }
        for sender in self.engine().senders.iter().filter(|sender| is_asked(&sender.name)) {
            let health = sender.provider.health().await;
            let is_bad = health.verdict.is_bad();
            let account = if is_bad { AccountReport::default() } else { self.account_report(sender).await };
            healths.push((sender.id, &sender.name, health, account));
        }
        if let Some(name) = name.filter(|_| healths.is_empty()) {
            return Err(AppError::NotFound(self.no_sender(name)));
        }
        let rows = view::senders::list(self.pool()).await?;
        for (id, _, _, account) in &mut healths {
            let is_unheard = |row: &&SenderRow| row.id == *id && row.unheard_since.is_some();
            if rows.iter().any(|row| is_unheard(&row)) {
                account.notes.push(format!("webhooks: {UNHEARD}; {UNHEARD_MEND}"));
            }
        }
        let mut stops: HashMap<_, _> = rows.into_iter().filter_map(|row| Some((row.id, row.stopped?))).collect();
        let mut left = HashMap::new();
        for id in stops.keys().filter(|id| healths.iter().any(|(of, ..)| of == *id)) {
            left.insert(*id, self.left_to_send(*id).await?);
        }
        let check = |(id, name, health, account): (SenderId, &String, Health, AccountReport)| SenderCheck {
            name: name.clone(),
            health,
            notes: account.notes,
            templates_note: account.templates_note,
            templates: account.templates,
            is_shown: stops.get(&id).is_some_and(|stop| self.shows(name, &stop.code)),
            token_mend: self.token_mend_of(name, stops.get(&id), left.get(&id).copied().unwrap_or_default()),
            stop: stops.remove(&id),
            is_lifted: false,
            left: left.get(&id).copied().unwrap_or_default(),
            refused_webhooks: self
                .config()
                .sender(name)
                .map_or_else(Vec::new, |sender| refused_webhooks(self.config(), sender)),
        };
        Ok(healths.into_iter().map(check).collect())
    }

    /// Whether a sender's health shows that what stopped it is over.
    fn shows(&self, name: &str, code: &StopCode) -> bool {
        let (StopCode::Provider(code), Some(sender)) = (code, self.config().sender(name)) else { return false };
        is_shown_by_health(sender.provider, code)
    }

    /// One sender that this app may see, as [`Self::examine_senders`] does it.
    pub async fn examine_sender(&self, name: &str) -> Result<SenderCheck, AppError> {
        let name = self.own_sender_name(name)?;
        let mut checks = self.examine_senders(Some(name)).await?;
        checks.pop().ok_or_else(|| AppError::NotFound(self.no_sender(name)))
    }

    /// The configured name of a sender, where this app may act for it.
    pub(super) fn own_sender_name(&self, name: &str) -> Result<&str, AppError> {
        let known = self.config().sender(name).map(|sender| sender.name.as_str());
        let own = known.filter(|name| self.only_sender().is_none_or(|own| self.registered_id(name) == Some(own)));
        own.ok_or_else(|| AppError::NotFound(self.no_sender(name)))
    }

    async fn left_to_send(&self, id: SenderId) -> Result<LeftToSend, AppError> {
        let mut connection = self.pool().acquire().await?;
        let (queued, in_flight) = sender::queued_and_in_flight(&mut connection, id).await?;
        Ok(LeftToSend { queued, in_flight })
    }

    /// Lifts the stop of a sender that has nobody left to send to, as the database has it once the sender's row is locked: of a launch
    /// before that its people are counted, and of one after that somebody has typed the number.
    async fn unstop_idle(&self, check: &mut SenderCheck) -> Result<bool, AppError> {
        let Some(id) = self.sender_id(&check.name) else { return Ok(false) };
        let mut tx = self.begin().await?;
        let lifted = sender::unstop(&mut tx, id, self.operator()).await?;
        let (queued, in_flight) = sender::queued_and_in_flight(&mut tx, id).await?;
        check.left = LeftToSend { queued, in_flight };
        // Something graver may have taken the place of what was looked at.
        if !check.left.is_nobody() || !lifted.is_some_and(|code| self.shows(&check.name, &code)) {
            tx.rollback().await?;
            return Ok(false);
        }
        tx.commit().await?;
        Ok(true)
    }

    /// The newest running blast of a sender with somebody left to send to, or one whose time has come.
    pub async fn blast_to_send(&self, sender: &str) -> Result<Option<BlastView>, AppError> {
        let now = store::now(self.pool()).await?;
        let is_left = |blast: &BlastView| blast.sender == sender && blast.goes_by(now) && blast.has_people_left();
        for state in [BlastState::Sending, BlastState::Scheduled] {
            let filter = BlastFilter { state: Some(state), ..BlastFilter::default() };
            if let Some(blast) = self.blasts(&filter).await?.into_iter().find(is_left) {
                return Ok(Some(blast));
            }
        }
        Ok(None)
    }

    /// Why a sender is stopped, if it is.
    pub async fn stop_reason(&self, name: &str) -> Result<Option<String>, AppError> {
        let Some(sender) = self.config().sender(name) else { return Ok(None) };
        let Some(id) = sender::id(self.pool(), &sender.name).await? else { return Ok(None) };
        Ok(sender::stopped(self.pool(), id).await?)
    }

    /// A sender's configured limits: `rate 20/min, pair gap 10m, at most 500 a day, 1 at once`.
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
        let is_own = |name: &str| self.only_sender().is_none_or(|own| self.registered_id(name) == Some(own));
        let names = self.config().senders.iter().map(|sender| sender.name.as_str());
        let names: Vec<&str> = names.filter(|name| is_own(name)).collect();
        if names.is_empty() {
            return format!("there is no sender `{name}`: the configuration has none, add one under [[senders]]");
        }
        format!("there is no sender `{name}`: the configuration has {}", names.join(", "))
    }
}

impl App {
    /// What a failover of the database may lose, as far as its server can say.
    pub async fn replication(&self) -> Result<Replication, AppError> {
        Ok(fence::replication(self.pool()).await?)
    }

    /// Whether this machine can remember what it sends; the reason if not.
    pub fn check_memory(&self) -> Result<(), AppError> {
        self.engine().fence.check_writable().map_err(|error| AppError::Refused(error.to_string()))
    }

    /// The senders whose database is not as this machine remembers it, with the reason: nothing is sent for them until somebody
    /// confirms.
    pub async fn unremembered_senders(&self) -> Result<Vec<(String, String)>, AppError> {
        let mut found = Vec::new();
        for sender in &self.config().senders {
            let Some(id) = self.registered_id(&sender.name) else { continue };
            match self.engine().fence.examine(self.pool(), SenderKey { id, name: &sender.name }).await {
                Ok(()) => {}
                // An engine here may take over from one elsewhere that it sees at work.
                Err(FenceRefusal::NoRecord | FenceRefusal::OldRecord) if self.is_attended(id).await? => {}
                Err(FenceRefusal::Store(error)) => return Err(error.into()),
                Err(why) => found.push((sender.name.clone(), why.to_string())),
            }
        }
        Ok(found)
    }

    /// Whether the database accepts writes. Of whoever only reads that says nothing: they read from a replica as well.
    pub async fn takes_changes(&self) -> Result<bool, AppError> {
        Ok(self.is_read_only() || store::takes_changes(self.pool()).await?)
    }

    /// The rights to its tables that this role lacks. Whoever only reads needs none of them.
    pub async fn missing_rights(&self) -> Result<Option<MissingRights>, AppError> {
        if self.is_read_only() {
            return Ok(None);
        }
        let missing = store::missing_rights(self.pool()).await?;
        Ok(Some(missing).filter(|missing| !missing.closed.is_empty() || missing.owner.is_some()))
    }

    /// How many connections the database allows, where those are fewer than an engine may need.
    pub async fn few_connections(&self) -> Result<Option<u32>, AppError> {
        let limit = u32::try_from(store::connection_limit(self.pool()).await?).unwrap_or_default();
        Ok(Some(limit).filter(|limit| *limit < ENGINE_CONNECTIONS))
    }

    /// How far the database's clock is ahead of this machine's.
    pub async fn clock_skew(&self) -> Result<chrono::TimeDelta, AppError> {
        let asked_at = Moment::now();
        let now = store::now(self.pool()).await?;
        self.engine().clock.observe(asked_at, now);
        Ok(self.engine().clock.skew())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stopped(verdict: HealthVerdict, left: LeftToSend) -> SenderCheck {
        let (code, reason) = (StopCode::Provider("device".to_owned()), "Device is offline".to_owned());
        SenderCheck {
            name: "sales".to_owned(),
            health: Health { verdict, detail: "device 5850".to_owned() },
            stop: Some(SenderStop { at: chrono::DateTime::UNIX_EPOCH, code, reason, waits_for_token: false }),
            is_shown: true,
            is_lifted: false,
            left,
            notes: Vec::new(),
            templates_note: None,
            templates: None,
            token_mend: String::new(),
            refused_webhooks: Vec::new(),
        }
    }

    #[test]
    fn a_stop_that_is_over_names_what_asks_for_the_number_of_people_where_some_are_queued() {
        let says = |queued, in_flight| stopped(HealthVerdict::Good, LeftToSend { queued, in_flight }).detail();

        assert_eq!(
            says(1_700, 3),
            "stopped: Device is offline; its health shows that this is over, and 1,700 people are queued: `blastdeck sender confirm sales` \
             asks for their number and resumes it"
        );
        assert!(says(0, 1).ends_with("this is over: `blastdeck sender confirm sales` resumes it"), "{}", says(0, 1));
        assert!(says(0, 0).ends_with("this is over: `blastdeck sender check sales` resumes it"), "{}", says(0, 0));
        let doubtful = stopped(HealthVerdict::Doubtful, LeftToSend::default());
        assert!(!doubtful.is_over() && doubtful.detail().contains("once that is mended"), "{}", doubtful.detail());
    }
}
