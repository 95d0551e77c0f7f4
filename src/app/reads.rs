//! The reads of the faces: rows with what is computed added (why a blast waits, when it is done, a sender's pace).

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use chrono::{DateTime, Utc};
use sqlx::PgExecutor;

use super::App;
use super::AppError;
use super::blast_forecast::{ForecastInput, SenderState};
use super::commands::no_blast;
use super::reason;
use super::view::{BlastView, Estimate, SenderUsage, SenderView};
use crate::domain::blast::BlastState;
use crate::domain::content::{BlastContent, MessageContent};
use crate::domain::filter::Filter;
use crate::domain::funnel::{Counts, Funnel};
use crate::domain::ids::{BlastId, RecipientId, SenderId};
use crate::domain::pace::{Limits, day_start};
use crate::domain::phone::{Phone, Region};
use crate::domain::sender::StopCode;
use crate::domain::status::Status;
use crate::domain::template;
use crate::domain::waiting::{DatabaseTrouble, Waiting};
use crate::engine::{ConfiguredSender, per_hour, variables};
use crate::store::action;
use crate::store::draft;
use crate::store::sender;
use crate::store::view::history::TimelineRow;
use crate::store::view::recipients::{BeforeResend, RecipientFacts};
use crate::store::view::{
    self, BlastFilter, BlastRow, ChangesSince, ErrorRow, RecipientDetails, RecipientQuery, RecipientRow, SenderRow,
    SenderStop, Total,
};

impl App {
    /// Blasts with their counts, newest first.
    pub async fn blasts(&self, filter: &BlastFilter) -> Result<Vec<BlastView>, AppError> {
        let rows = view::blasts::list(self.pool(), &self.own(filter)).await?;
        self.blast_views(rows).await
    }

    /// How many blasts match, on all pages.
    pub async fn count_blasts(&self, filter: &BlastFilter) -> Result<i64, AppError> {
        Ok(view::blasts::count_listed(self.pool(), &self.own(filter)).await?)
    }

    /// Those of the only sender that this app acts for, where there is one.
    fn own(&self, filter: &BlastFilter) -> BlastFilter {
        let filter = filter.clone();
        match self.only_sender() {
            None => filter,
            Some(own) if filter.sender.is_none_or(|sender| sender == own) => {
                BlastFilter { sender: Some(own), ..filter }
            }
            Some(_) => BlastFilter { limit: Some(0), ..filter },
        }
    }

    /// There is no other sender's blast for a caller that acts for one.
    pub(super) fn refuse_other_sender(&self, id: BlastId, sender: SenderId) -> Result<(), AppError> {
        if self.only_sender().is_some_and(|own| own != sender) { Err(no_blast(id)) } else { Ok(()) }
    }

    pub async fn blast(&self, id: BlastId) -> Result<BlastView, AppError> {
        let row = self.blast_row(id).await?;
        self.view_of(row).await
    }

    /// The same without how many of its people were never asked about, for whoever does not show who is stuck.
    pub async fn blast_without_unasked(&self, id: BlastId) -> Result<BlastView, AppError> {
        let row = view::blasts::get_without_unasked(self.pool(), id).await?.ok_or_else(|| no_blast(id))?;
        self.refuse_other_sender(id, row.sender_id)?;
        self.view_of(row).await
    }

    /// Refused where there is no such blast for this app; its sender.
    pub async fn require_blast(&self, id: BlastId) -> Result<SenderId, AppError> {
        let sender = view::blasts::sender(self.pool(), id).await?.ok_or_else(|| no_blast(id))?;
        self.refuse_other_sender(id, sender)?;
        Ok(sender)
    }

    /// A blast's funnel alone.
    pub async fn funnel(&self, id: BlastId) -> Result<Funnel, AppError> {
        self.require_blast(id).await?;
        Ok(self.counts(id).await?.funnel())
    }

    async fn view_of(&self, row: BlastRow) -> Result<BlastView, AppError> {
        let senders = if row.state.is_under_way() { self.senders_by_id().await? } else { HashMap::new() };
        let sender = senders.get(&row.sender_id);
        self.blast_view(row, sender, &mut HashMap::new()).await
    }

    pub(super) async fn blast_row(&self, id: BlastId) -> Result<BlastRow, AppError> {
        self.blast_row_in(self.pool(), id).await
    }

    /// The same within a transaction, whose connection may be the only one.
    pub(super) async fn blast_row_in(&self, executor: impl PgExecutor<'_>, id: BlastId) -> Result<BlastRow, AppError> {
        let row = view::blasts::get(executor, id).await?.ok_or_else(|| no_blast(id))?;
        self.refuse_other_sender(id, row.sender_id)?;
        Ok(row)
    }

    async fn blast_views(&self, rows: Vec<BlastRow>) -> Result<Vec<BlastView>, AppError> {
        let is_any_under_way = rows.iter().any(|row| row.state.is_under_way());
        let senders = if is_any_under_way { self.senders_by_id().await? } else { HashMap::new() };
        let mut states = HashMap::new();
        let mut views = Vec::with_capacity(rows.len());
        for row in rows {
            let sender = senders.get(&row.sender_id);
            views.push(self.blast_view(row, sender, &mut states).await?);
        }
        Ok(views)
    }

    /// How many people are in each status: a handful of rows, whatever the blast's size.
    pub async fn counts(&self, id: BlastId) -> Result<Counts, AppError> {
        Ok(view::blasts::counts(self.pool(), id).await?)
    }

    /// A blast's state alone.
    pub async fn state(&self, id: BlastId) -> Result<BlastState, AppError> {
        view::blasts::state(self.pool(), id).await?.ok_or_else(|| no_blast(id))
    }

    /// Adds what follows from more than the row. `states` caches what is known of each sender.
    pub(super) async fn blast_view(
        &self,
        row: BlastRow,
        sender: Option<&SenderRow>,
        states: &mut HashMap<SenderId, SenderState>,
    ) -> Result<BlastView, AppError> {
        if !row.state.is_under_way() {
            return Ok(self.with_mend(row, None, Estimate::default()));
        }
        let now = self.engine().clock.now();
        let waiting = self.waiting_of(&row, sender, now);
        let Some(configured) = self.sender(row.sender_id).filter(|_| !self.has_old_settings()) else {
            let waiting = self.behind_reported_cap(waiting, &row, (sender, now));
            return Ok(self.with_mend(row, waiting, Estimate::default()));
        };
        let sender_state = match states.entry(configured.id) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unknown) => unknown.insert(self.sender_state(configured, sender).await?),
        };
        let waiting = self.behind_cap(waiting, &row, (sender_state.today, now));
        let dues = &self.own_dues(&row).await?;
        let people_use = self.recent_people_use(configured, &row).await?;
        let input = ForecastInput {
            blast: &row,
            waiting: waiting.as_ref(),
            sender: configured,
            sender_state,
            dues,
            days: None,
            people_use: (*people_use).as_ref(),
        };
        // A blast that stops after its first people is not done by itself.
        let is_whole = row.first.left.is_none_or(|left| i64::from(left) >= row.counts.queued);
        // Nor is one that no engine has begun with.
        let is_held = row.state != BlastState::Sending || sender.is_some_and(|sender| sender.lease.is_some());
        if waiting.as_ref().is_some_and(Waiting::is_below_limits) {
            return Ok(self.with_mend(row, waiting, Estimate::default()));
        }
        let done_at = input.forecast(row.counts.queued, now).done_at.filter(|_| is_whole && is_held);
        let estimate = Estimate { done_at, per_hour: input.per_hour() };
        Ok(self.with_mend(row, waiting, estimate))
    }

    /// Why a blast is not sending as fast as it can, for every face the same.
    pub(super) fn waiting_of(&self, row: &BlastRow, sender: Option<&SenderRow>, now: DateTime<Utc>) -> Option<Waiting> {
        let engine = self.engine();
        let zone = self.known_zone_by(row.sender_id, &row.limits);
        // Whoever only reads reads from a replica as well: that says nothing of the server that is sent from.
        let is_unwritable = !self.is_read_only() && sender.is_some_and(|sender| sender.is_unwritable);
        let unwritable = is_unwritable.then_some(DatabaseTrouble::ReadOnly);
        let trouble = engine.notifier.trouble(row.sender_id).or(unwritable);
        let waiting = reason::of(row, sender, trouble, (zone, now));
        if sender.is_some_and(|sender| sender.lease.is_some()) {
            engine.pending_acquisitions.acquired(row.sender_id);
        }
        if waiting != Some(Waiting::NoEngine) {
            return waiting;
        }
        let is_coming = self.sender(row.sender_id).is_some()
            && self.retirement().borrow().is_none()
            && engine.pending_acquisitions.is_pending(row.sender_id);
        if !is_coming {
            return waiting;
        }
        engine.notifier.wake();
        reason::until_its_start(row, now)
    }

    pub(super) async fn senders_by_id(&self) -> Result<HashMap<SenderId, SenderRow>, AppError> {
        let rows = view::senders::list(self.pool()).await?;
        Ok(rows.into_iter().map(|row| (row.id, self.with_unusable(row))).collect())
    }

    /// A sender that this configuration cannot use counts as stopped.
    fn with_unusable(&self, mut row: SenderRow) -> SenderRow {
        self.compare_token(row.id, &mut row.waiting);
        if row.lease.is_none()
            && let Some(reason) = self.unusable(row.id)
        {
            row.stopped.get_or_insert(SenderStop {
                at: Utc::now(),
                code: StopCode::Config,
                reason,
                waits_for_token: false,
            });
        }
        row
    }

    /// Why this process cannot send for a configured sender.
    pub(super) fn unusable(&self, id: SenderId) -> Option<String> {
        match self.sender(id) {
            Some(configured) => configured.is_elsewhere().then(|| configured.elsewhere()),
            None => self.unusable_senders().iter().find(|sender| sender.sender == id).map(|sender| sender.why.clone()),
        }
    }

    /// Senders with their pace and how much of the daily cap is used. Nothing is counted where there is no cap: a window reads
    /// this again and again, and a day may have a million attempts.
    pub async fn senders(&self) -> Result<Vec<SenderView>, AppError> {
        self.senders_counting(|limits| limits.is_some_and(|limits| limits.daily_cap.is_some())).await
    }

    /// The same with today's count of each, capped or not: for a caller that reads once.
    pub async fn senders_with_counts(&self) -> Result<Vec<SenderView>, AppError> {
        self.senders_counting(|_| true).await
    }

    /// The day of a sender that this configuration no longer has is that of the screen's time zone.
    async fn senders_counting(&self, is_counted: impl Fn(Option<Limits>) -> bool) -> Result<Vec<SenderView>, AppError> {
        let mut rows = view::senders::list(self.pool()).await?;
        rows.retain(|row| self.only_sender().is_none_or(|own| own == row.id));
        let counted =
            rows.iter().map(|row| (row.id, self.sender_limits(row))).filter(|(_, limits)| is_counted(*limits));
        let (now, zone) = (self.engine().clock.now(), self.config().ui.timezone);
        let days: Vec<_> =
            counted.map(|(id, limits)| (id, day_start(now, limits.map_or(zone, |limits| limits.zone)))).collect();
        let today = sender::attempts_of_days(self.pool(), &days).await?;
        let with_usage = |row: SenderRow| {
            let zone = self.sender(row.id).map(ConfiguredSender::zone);
            let limits = self.sender_limits(&row).filter(|_| !self.has_old_settings());
            let in_force = limits.map(|limits| limits.capped(row.throughput).slowed(row.slowed));
            let of_day = today.get(&row.id).copied().unwrap_or_default();
            let cap = limits.and_then(|limits| limits.daily_cap).map(|cap| i64::from(cap.get()));
            let usage = SenderUsage {
                daily_cap: cap.or_else(|| self.other_cap(&row, (of_day, now))),
                per_hour: in_force.as_ref().and_then(per_hour),
                today: of_day,
                rate: limits.map(|limits| limits.rate).unwrap_or_default(),
                gap: limits.and_then(|limits| limits.gap),
                zone,
                region: self.sender(row.id).map(|configured| configured.region),
            };
            let token = self.config().sender(&row.name).map(|sender| sender.token.clone());
            SenderView::new(self.with_unusable(row), usage, token)
        };
        Ok(rows.into_iter().map(with_usage).collect())
    }

    /// Whether an engine holds the sender now.
    pub async fn is_attended(&self, sender: SenderId) -> Result<bool, AppError> {
        let rows = view::senders::list(self.pool()).await?;
        Ok(rows.iter().any(|row| row.id == sender && row.lease.is_some()))
    }

    /// How many attempts count against the sender's present day.
    pub(super) async fn attempts_today(&self, configured: &ConfiguredSender) -> Result<i64, AppError> {
        let since = day_start(self.engine().clock.now(), configured.zone());
        Ok(sender::attempts_since(self.pool(), configured.id, since).await?)
    }

    /// A window of a blast's people.
    pub async fn recipients(&self, query: &RecipientQuery) -> Result<Vec<RecipientRow>, AppError> {
        Ok(view::recipients::window(self.pool(), query).await?)
    }

    /// These people as they are now, in the requested order; people who are gone are left out.
    pub async fn recipients_by_id(&self, ids: &[RecipientId]) -> Result<Vec<RecipientRow>, AppError> {
        Ok(view::recipients::by_id(self.pool(), ids).await?)
    }

    /// How many match; with `changed_after`, only those whose status changed since.
    pub async fn count(
        &self,
        blast: BlastId,
        filter: &Filter,
        changed_after: Option<DateTime<Utc>>,
    ) -> Result<Total, AppError> {
        Ok(view::recipients::count(self.pool(), blast, filter, changed_after).await?)
    }

    /// What is known of these people before their message goes once more.
    pub async fn before_resend(&self, people: &[RecipientId]) -> Result<BeforeResend, AppError> {
        let resend_after = self.engine().settings.retry.resend_after;
        Ok(view::recipients::before_resend(self.pool(), people, resend_after).await?)
    }

    /// One person in full, a template's message as they read it.
    pub async fn recipient(&self, id: RecipientId) -> Result<RecipientDetails, AppError> {
        let details = view::recipients::details(self.pool(), id).await?;
        let mut details = details.ok_or_else(|| AppError::NotFound("that person is gone".to_owned()))?;
        let may_go = details.row.attempt > 0 || details.row.status == Status::Queued;
        if details.message_text.is_none() && may_go {
            details.words = self.words_to(&details.row).await?;
        }
        details.advice = self.advice_for(&details.row).await?;
        for answer in &mut details.session_answers {
            answer.advice = self.advice_to(details.row.blast_id, answer.error_code.as_deref()).await?;
        }
        if details.is_template {
            let text = details.template_text.as_deref();
            details.message_text = details.message_text.map(|sent| template::as_read(&sent, text));
            details.words = details.words.map(|words| template::as_read(&words, text));
        }
        Ok(details)
    }

    /// What a blast says to somebody in it; `None` where it cannot be made for them.
    async fn words_to(&self, row: &RecipientRow) -> Result<Option<String>, AppError> {
        let blast = self.blast_row(row.blast_id).await?;
        let Some(person) = draft::person(self.pool(), row.id).await? else { return Ok(None) };
        let content = BlastContent::parse(&blast.message, blast.template.as_ref()).ok();
        let values = variables(person.name.as_deref(), person.variables.as_ref());
        let rendered = content.and_then(|content| content.render(&values).ok());
        Ok(rendered.map(MessageContent::into_text))
    }

    /// What programs are given about people in addition to their rows.
    pub async fn recipient_facts(&self, ids: &[RecipientId]) -> Result<Vec<RecipientFacts>, AppError> {
        Ok(view::recipients::facts(self.pool(), ids).await?)
    }

    /// One person's row, where this app may act for their blast's sender.
    pub async fn recipient_row(&self, id: RecipientId) -> Result<RecipientRow, AppError> {
        let gone = || AppError::NotFound(format!("there is no recipient {id}"));
        let row = self.recipients_by_id(&[id]).await?.pop().ok_or_else(gone)?;
        // Which blast of another sender's somebody is in is not this caller's to know.
        self.require_blast(row.blast_id).await.map_err(|error| match error {
            AppError::NotFound(_) => gone(),
            other => other,
        })?;
        Ok(row)
    }

    /// The person with this number, in any spelling, in a blast.
    pub async fn recipient_by_phone(&self, blast: BlastId, text: &str) -> Result<RecipientRow, AppError> {
        let region = self.region_of(self.blast(blast).await?.sender_id);
        let phone = Phone::parse(text, region)
            .map_err(|error| AppError::invalid("phone_number", format!("`{text}`: {error}")))?;
        let row = view::recipients::by_phone(self.pool(), blast, &phone).await?;
        row.ok_or_else(|| AppError::NotFound(format!("{phone} is not in blast {blast}")))
    }

    /// The region that a sender's numbers without a country code belong to.
    pub fn region_of(&self, sender: SenderId) -> Region {
        self.sender(sender).map_or(Region::MALAYSIA, |configured| configured.region)
    }

    /// Failed people of a blast by the provider's code.
    pub async fn errors(&self, blast: BlastId) -> Result<Vec<ErrorRow>, AppError> {
        Ok(view::errors::by_code(self.pool(), blast).await?)
    }

    /// How many status changes there were since, by new status.
    pub async fn since(&self, blast: Option<BlastId>, from: DateTime<Utc>) -> Result<ChangesSince, AppError> {
        Ok(view::history::since(self.pool(), blast, from).await?)
    }

    /// A blast hour by hour, oldest first.
    pub async fn timeline(&self, blast: BlastId) -> Result<Vec<TimelineRow>, AppError> {
        Ok(view::history::timeline(self.pool(), blast).await?)
    }

    /// How many people of a blast wait for another try.
    pub async fn queued_again(&self, blast: BlastId) -> Result<i64, AppError> {
        Ok(view::history::queued_again(self.pool(), blast).await?)
    }

    /// When this operator was last present; records that they are now.
    pub async fn touch_last_seen(&self) -> Result<Option<DateTime<Utc>>, AppError> {
        // A window that only reads leaves no trace, and nobody was away from it.
        if self.is_read_only() {
            return Ok(None);
        }
        Ok(action::touch_last_seen(self.pool(), self.operator()).await?)
    }
}
