//! What a launch would do, shown before it is asked. Changes nothing but a draft's people, whom its filter finds anew.

mod also_stuck;
mod overridden;
mod readiness;
mod samples;
mod starts;

use chrono::{DateTime, TimeDelta, Timelike, Utc};
use chrono_tz::Tz;

use super::App;
use super::AppError;
use super::blast_forecast::ForecastInput;
use super::launching::{Launch, unconfirmed};
use super::local_time::{ZoneDue, goes_by_own_clocks};
use super::segment::FoundAudience;
use super::sender_health::KnownHealth;
use super::template::TemplateCheck;
use super::view::{BlastView, Estimate};
use super::{ConcurrentBlast, SegmentCount};
use super::{PlannedRepeat, PlannedStart, ZoneShare};
use crate::domain::ids::{BlastId, RecipientId};
use crate::domain::message::Message;
use crate::domain::pace::{BindingLimit, CapLeft, DueForecast, Forecast, PeopleUse, Window, next_day_start, unheeded};
use crate::domain::phone::Phone;
use crate::domain::rejected_rows::{DoubtfulRows, RejectedRows, UnusualLengths};
use crate::provider::meta::preflight::{NumberHealth, QualityRating};
use crate::store::plan::{self, FirstFared, PlanGroup, PlanPerson};
use crate::store::view::BlastRow;
pub use also_stuck::AlsoStuck;
pub(super) use readiness::Readiness;
pub use starts::StartMismatch;

/// What a launch would do, shown before it is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    pub blast: BlastView,
    /// How many get a message: the number to type.
    pub people: i64,
    /// Left out because they opted out.
    pub suppressed: i64,
    /// Whom the filter that names its people finds now.
    pub segment: Option<SegmentCount>,
    /// How many had the same message by another blast of this sender's business, or may have had it.
    pub had_this_message: i64,
    /// How many had a message from this sender's business in the last 7 days.
    pub recently_messaged: i64,
    /// How many are still queued in another blast of the same business, which may start later, and would get both.
    pub queued_elsewhere: i64,
    /// Of a follow-up, how many wrote and are not marked as replied: it goes to them too.
    pub wrote: i64,
    /// Of a follow-up that keeps its people: who came to be stuck where they were.
    pub also_stuck: Option<AlsoStuck>,
    /// How many of its numbers are of customers with another number in it: each number gets it.
    pub two_numbers: i64,
    /// How many a text over Meta's Cloud API would fail for: they have not written to the number within 24 hours.
    pub no_session: i64,
    /// Its day by zones, where each person's own clock decides.
    pub zones: Vec<ZoneShare>,
    /// When it occurs, where it repeats.
    pub repeat: Option<PlannedRepeat>,
    /// When it starts by itself, where that is not at once.
    pub start: Option<PlannedStart>,
    /// The pace of the limit that binds, in words: "gap 20-60 s, about 90 an hour".
    pub pace: String,
    /// Whether that is Meta's limit of the number, and not set anywhere.
    pub is_paced_by_meta: bool,
    /// Its hours and days, with their zone: "09:00-21:00 mon,tue (Asia/Kuala_Lumpur)".
    pub window: Option<String>,
    /// How many of the day's limit are left, if there is one.
    pub left_today: Option<CapLeft>,
    /// Meta's limit of people within 24 hours, which all numbers of the business share, and how much of it is used.
    pub people_limit: Option<PeopleUse>,
    /// What its sender sends meanwhile, or starts by itself before it is done: the blasts take turns, which `forecast` counts.
    pub shared_with: Vec<ConcurrentBlast>,
    /// How many go today and tomorrow, and when the last one does, if nothing holds it up.
    pub forecast: Forecast,
    /// Why its sender sends nothing until somebody fixes it; there is no forecast then.
    pub stopped: Option<String>,
    /// How many get it first, before it waits for somebody, and when they are through.
    pub first: Option<FirstShare>,
    /// Where it waits for somebody after its first people: how those fared, and those of earlier blasts at the same age.
    pub fared: Vec<FirstFared>,
    /// What its provider says of the number and the template, a sentence each; nothing where it says nothing.
    pub health: Vec<String>,
    /// Of a sender whose provider says nothing of its templates.
    pub sender_health: Option<Box<KnownHealth>>,
    /// Who is sent to when somebody tries it on themselves (`[ui] test_to`).
    pub test_to: Option<String>,
    /// The text for some of the people who get it.
    pub samples: Vec<Sample>,
    /// The rows of its list that it was made without.
    pub left_out: Option<RejectedRows>,
    /// Its list and the columns that it was read by, in words.
    pub read_from: Option<String>,
    /// What its list leaves open of rows that were taken.
    pub doubtful: DoubtfulRows,
    /// Why it cannot be launched now; empty when it can.
    pub obstacles: Vec<String>,
}

/// The first people of a blast, after whom it waits; 0: it waits for what comes of those who are in flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FirstShare {
    pub people: i64,
    pub until: Option<DateTime<Utc>>,
}

/// The text for one person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// Why they are shown: "first", "no name", "shortest name", "longest name", "empty column".
    pub which: &'static str,
    pub person: RecipientId,
    pub phone: Phone,
    pub name: Option<String>,
    /// Their row in the list, where that is known.
    pub row: Option<i32>,
    pub text: String,
}

/// A blast that is planned, and whom its filter finds where that is not written into it.
type PlannedBlast = (BlastRow, Option<FoundAudience>);

const RECENTLY: TimeDelta = TimeDelta::days(7);

impl Plan {
    /// What is said of those who may have had it already.
    pub const UNCERTAIN: &str = "uncertain: they may have had it, and get nothing until you decide about them";

    /// How many of its people are uncertain.
    pub fn uncertain(&self) -> i64 {
        self.blast.counts.uncertain
    }

    /// What is said of those who had the same message.
    pub const HAD_THIS: &str = "had, or may have had, this very message from another blast";

    /// What is said of whom the message could not be made for: rows of a list, or people whom a filter finds.
    pub const fn left_out_of(&self) -> &'static str {
        if self.blast.origin.segment.is_some() { "left out" } else { "left out of the list" }
    }

    /// What is said of those who wrote and are not marked.
    pub const WROTE: &str = "wrote and not marked as replied: it goes to them too";

    /// What is said of customers with several numbers in it.
    pub const TWO_NUMBERS: &str = "numbers belong to customers with another number here: each number gets it";

    /// What is said of a start by itself while the sender is stopped.
    pub const NOT_BEHIND_STOP: &str = "but not while its sender is stopped";

    /// What is said of whom Meta lets nobody send text to.
    pub const NO_SESSION: &str =
        "wrote nothing for 24 hours: Meta refuses text to them (131047), a template reaches them";

    /// What follows *nobody today*: why, where that is known, or nothing. `None` where somebody gets it today, or it starts by itself later
    /// and says when.
    pub fn nobody_today(&self, now: DateTime<Utc>) -> Option<&'static str> {
        let Forecast { today, tomorrow, later, .. } = self.forecast;
        let first = self.repeat.as_ref().and_then(|repeat| repeat.next.first().copied());
        let starts = first.or(self.start.as_ref().map(|start| start.at));
        let is_said = today.is_none() && (tomorrow.is_some() || later.is_some()) && starts.is_none_or(|at| at <= now);
        let is_used_up = self.left_today.is_some_and(|left| left.messages == 0);
        is_said.then_some(if is_used_up { ": the daily cap is used up" } else { "" })
    }

    /// What is said where the messages of a later day go as soon as that begins, in the middle of the night.
    pub fn at_night(&self) -> Option<&'static str> {
        let zone = self.left_today.filter(|_| self.window.is_none() && self.zones.is_empty())?.zone;
        let Forecast { tomorrow, later, .. } = self.forecast;
        let first = tomorrow.or(later)?.from.with_timezone(&zone);
        (first.hour() < MORNING).then_some("no hours are set, so these go out at night: hours keep them to the day")
    }

    /// What is said where what repeats comes again before a time of it is done.
    pub fn falls_behind(&self) -> Option<&'static str> {
        let second = *self.repeat.as_ref()?.next.get(1)?;
        (self.forecast.done_at? > second).then_some(
            "the next time comes before this one is done, so each falls further behind: fewer people, a rarer rule or wider limits prevent it",
        )
    }
}

/// Nobody wants a message before this hour.
const MORNING: u32 = 7;

impl App {
    /// What a launch (or resume) would do. Starts nothing; a launch reads the people of a filter again, and so does this, so that it shows
    /// whom it would go to. For who may only read they are counted as the filter finds them, and nothing is written.
    pub async fn plan(&self, id: BlastId) -> Result<Plan, AppError> {
        let of = self.with_its_people(id).await?;
        Box::pin(self.plan_itself(of, None)).await
    }

    /// The same for somebody who reads it, with the sender's health, for which its provider is asked. Of a zone by whose clocks they read
    /// times, what goes today and tomorrow is by its days; else by the sender's, and so where a daily cap counts by those.
    pub async fn plan_by_days_of(&self, id: BlastId, days: Option<Tz>) -> Result<Plan, AppError> {
        let of = self.with_its_people(id).await?;
        self.plan_with_health(of, days).await
    }

    async fn plan_with_health(&self, of: PlannedBlast, days: Option<Tz>) -> Result<Plan, AppError> {
        let id = of.0.id;
        let (plan, health) = tokio::join!(Box::pin(self.plan_itself(of, days)), Box::pin(self.sender_health(id)));
        Ok(Plan { sender_health: health?.map(Box::new), ..plan? })
    }

    /// A blast with the people whom its filter finds now: they are put into it, or, where nothing may be written, it is read as it would be.
    async fn with_its_people(&self, id: BlastId) -> Result<PlannedBlast, AppError> {
        let row = self.blast_row(id).await?;
        if !self.may_write() {
            return Box::pin(self.with_audience(row)).await;
        }
        let is_renewed = Box::pin(self.renew_people(&row)).await?;
        Ok((if is_renewed { self.blast_row(id).await? } else { row }, None))
    }

    async fn plan_itself(&self, (row, found): PlannedBlast, days: Option<Tz>) -> Result<Plan, AppError> {
        let (id, business) = (row.id, self.business(row.sender_id).await?);
        let readiness = self.readiness_of(&row, found.as_ref()).await?;
        let Readiness { people, suppressed, answered, mut obstacles, template, number } = readiness;
        let list = self.left_out_rows(id, found.as_ref()).await?;
        let (found, gone) = found.map(|found| (found.phones, found.gone)).unzip();
        let (left_out, now) =
            ([gone.unwrap_or_default(), self.answered_rows(&row).await?].concat(), self.engine().clock.now());
        let overlap = plan::overlap(self.pool(), id, (&business, now - RECENTLY), &left_out, found.as_deref()).await?;
        let senders = self.senders_by_id().await?;
        let sender = senders.get(&row.sender_id);
        let stop = sender.and_then(|sender| sender.stopped.clone()).filter(|_| !row.state.is_over());
        obstacles.extend(self.why_over(&row).await?);
        obstacles.extend(stop.as_ref().and_then(|stop| unconfirmed(&row.sender, &stop.code, &stop.reason)));
        let waiting = self.waiting_of(&row, sender, now);
        let plan = Plan {
            people,
            suppressed: suppressed + row.counts.opted_out,
            segment: self.whom_it_finds(&row, &business, answered).await?,
            had_this_message: overlap.had_this_message,
            recently_messaged: overlap.recently_messaged,
            queued_elsewhere: overlap.queued_elsewhere,
            wrote: plan::wrote(self.pool(), (id, &business), &left_out).await?,
            also_stuck: self.also_stuck((&row, list.as_ref()), &business).await?,
            two_numbers: plan::two_numbers(self.pool(), (id, &business), &left_out).await?,
            no_session: plan::without_session(self.pool(), (id, &business), &left_out).await?,
            zones: Vec::new(),
            repeat: self.planned_repeat(&row, now).await?,
            start: self.planned_start(&row),
            pace: String::new(),
            is_paced_by_meta: false,
            window: None,
            left_today: None,
            people_limit: None,
            shared_with: Vec::new(),
            forecast: Forecast::default(),
            stopped: stop.map(|stop| stop.reason),
            first: first_share(&row, people),
            doubtful: list.as_ref().map(|list| doubtful_rows(&row, list)).unwrap_or_default(),
            read_from: list.as_ref().and_then(RejectedRows::read_from),
            left_out: list.filter(|left_out| left_out.total > 0),
            fared: if row.first.are_through() { plan::fared(self.pool(), id, &business).await? } else { Vec::new() },
            health: self.health_notes(&row, number.as_ref(), &template).await?,
            sender_health: None,
            test_to: self.config().ui.test_to.clone(),
            samples: self.samples(&row, &business, (&template, &left_out)).await?,
            obstacles,
            blast: self.with_mend(row.clone(), waiting.clone(), Estimate::default()),
        };
        let Some(configured) = self.sender(row.sender_id).filter(|_| !row.state.is_over()) else { return Ok(plan) };
        let row = at_its_first_time(row, plan.repeat.as_ref());
        let people_use = self.people_use(configured, &row).await?;
        let sender_state = &self.sender_state(configured, sender).await?;
        let zones = self.zone_dues(&row, now, (&business, &left_out)).await?;
        let dues = &zones.iter().map(|zone| zone.share).collect::<Vec<_>>();
        let days = days.filter(|_| configured.limits.daily_cap.is_none());
        let (waiting, people_use, sender) = (waiting.as_ref(), people_use.as_ref(), configured);
        let input = ForecastInput { blast: &row, waiting, sender, sender_state, dues, days, people_use };
        Ok(plan.timed(input, &zones, earliest_start(&row, now)))
    }

    /// What is known of a blast's number and template, and of values that its list overrides.
    async fn health_notes(
        &self,
        row: &BlastRow,
        number: Option<&NumberHealth>,
        template: &TemplateCheck,
    ) -> Result<Vec<String>, AppError> {
        Ok([health(number, template, self.unheard(&row.sender)), self.overridden_values(row).await?].concat())
    }

    /// The limit of its sender that makes a blast slower than the rate or gap that it was given; `None` where none does.
    pub async fn unheeded_limit(&self, id: BlastId) -> Result<Option<BindingLimit>, AppError> {
        let row = self.blast_row(id).await?;
        let limits = self.sender(row.sender_id).map(|sender| &sender.limits);
        Ok(limits.and_then(|sender| unheeded(sender, &row.limits.under(sender).ok()?.limits)))
    }

    /// Who a count of the plan is about, the first of them.
    pub async fn plan_people(&self, id: BlastId, group: PlanGroup) -> Result<Vec<PlanPerson>, AppError> {
        let row = self.blast_row(id).await?;
        let business = self.business(row.sender_id).await?;
        let since = self.engine().clock.now() - RECENTLY;
        let left_out = self.answered_rows(&row).await?;
        Ok(plan::of_group(self.pool(), (id, group), (&business, since), &left_out).await?)
    }
}

/// Whoever types the number has some seconds to take it back.
fn earliest_start(row: &BlastRow, now: DateTime<Utc>) -> DateTime<Utc> {
    if row.state.is_under_way() { now } else { now + Launch::ARMED_FOR }
}

/// What repeats is sent at its first time, and not when it is launched.
fn at_its_first_time(row: BlastRow, repeat: Option<&PlannedRepeat>) -> BlastRow {
    let first = repeat.and_then(|repeat| repeat.next.first().copied());
    BlastRow { scheduled_for: row.scheduled_for.or(first), ..row }
}

/// What the provider said while the plan was made.
fn health(number: Option<&NumberHealth>, template: &TemplateCheck, unheard: Option<String>) -> Vec<String> {
    let number = number.map(|number| {
        let quality = match &number.quality {
            QualityRating::Unknown => String::new(),
            known => format!(", quality {}", known.as_str()),
        };
        format!("{}{quality}", number.in_brief())
    });
    number.into_iter().chain(unheard).chain(template.notes()).collect()
}

/// What a list leaves open of rows that were taken: of a blast that was begun nothing, since some of those rows were sent to by then. Of whoever
/// a filter found no rows.
fn doubtful_rows(row: &BlastRow, list: &RejectedRows) -> DoubtfulRows {
    if row.counts.total() > row.counts.queued + row.counts.opted_out {
        return DoubtfulRows::default();
    }
    let UnusualLengths { total, rows } = list.unusual_lengths.clone();
    let rows = if list.read_from().is_some() { rows } else { Vec::new() };
    DoubtfulRows { unusual_lengths: UnusualLengths { total, rows }, unclear_opt_outs: list.unclear_opt_outs() }
}

/// The first people who are still to come, where others come after them: nobody more while the last of them are in flight.
fn first_share(row: &BlastRow, people: i64) -> Option<FirstShare> {
    let left = i64::from(row.first.left?);
    let waits = left > 0 || row.counts.sending > 0;
    (waits && left < people).then_some(FirstShare { people: left, until: None })
}

impl Plan {
    /// What is odd about its text.
    pub fn text_note(&self) -> Option<String> {
        let message = Message::parse(&self.blast.message).ok().filter(|_| self.blast.template.is_none())?;
        let word = message.word_in_braces()?;
        Some(format!(
            "{word} is sent as it stands, since its braces are doubled in the message; with single braces it is each person's own"
        ))
    }

    /// Refuses a start that something stands in the way of.
    pub fn without_obstacle(&self) -> Result<(), AppError> {
        self.obstacles.first().map_or(Ok(()), |obstacle| Err(AppError::Refused(obstacle.clone())))
    }

    /// Adds how fast it would go, and until when.
    fn timed(mut self, input: ForecastInput<'_>, zones: &[ZoneDue], now: DateTime<Utc>) -> Self {
        let ForecastInput { blast, sender: configured, sender_state: sender, .. } = input;
        let cap = configured.limits.daily_cap.map(|cap| i64::from(cap.get()));
        let zone = configured.limits.zone;
        let messages = |cap: i64| (cap - i64::from(sender.today)).max(0);
        self.left_today = cap.map(|cap| CapLeft { messages: messages(cap), until: next_day_start(now, zone), zone });
        self.people_limit = input.people_use.cloned();
        let own = blast.limits.under(&configured.limits).ok();
        let window = own.and_then(|own| own.window);
        let sender_hours = window.filter(|_| !blast.origin.window_local);
        let by_own =
            |window: Window| format!("{} {}, by the clock of each person's own zone", window.hours, window.days);
        self.window = window.map(|window| if blast.origin.window_local { by_own(window) } else { window.to_string() });
        (self.pace, self.is_paced_by_meta) = (input.pace(), input.is_paced_by_meta());
        // To more people than one of its times may go to, nothing goes by itself.
        let at_most = self.repeat.as_ref().and_then(|repeat| repeat.at_most).map_or(i64::MAX, i64::from);
        // Nor is anything promised while some of the zones are not known.
        let is_known = !zones.is_empty() || !goes_by_own_clocks(blast);
        let nothing = DueForecast { whole: Forecast::default(), ends: vec![None; zones.len()] };
        let forecast = |people| if is_known { input.forecast_dues(people, now) } else { nothing.clone() };
        let DueForecast { whole, ends } = if self.people <= at_most { forecast(self.people) } else { nothing.clone() };
        self.forecast = whole;
        self.zones = zones.iter().zip(ends).map(|(zone, end)| zone.until(end, sender_hours)).collect();
        if let Some(first) = &mut self.first {
            first.until = forecast(first.people).whole.done_at;
        }
        let ends = self.forecast.done_at.or_else(|| self.forecast.last().map(|share| share.from));
        let is_meanwhile =
            |other: &&ConcurrentBlast| other.starts_at.is_none_or(|at| ends.is_some_and(|ends| at <= ends));
        self.shared_with = sender.beside(blast.id).filter(is_meanwhile).cloned().collect();
        self
    }
}
