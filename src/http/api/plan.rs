//! What a start would do.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::super::api_sentence::for_programs;
use super::super::problem::Problem;
use super::authentication::ApiReader;
use super::blasts::BlastAnswer;
use super::body::PathId;
use super::once::Answer;
use crate::app::{ConcurrentBlast, FirstShare, Plan, PlannedRepeat, Sample, SegmentCount, ZoneShare};
use crate::domain::filter::segment::Exclusion;
use crate::domain::ids::BlastId;
use crate::domain::list_columns::UnclearOptOuts;
use crate::domain::pace::{Forecast, ForecastShare};
use crate::domain::phone::Phone;
use crate::domain::rejected_rows::{RejectedReason, RejectedRows, UnusualLengths};

pub(super) async fn plan(ApiReader(caller): ApiReader, PathId(id): PathId<BlastId>) -> Result<Answer, Problem> {
    let app = caller.app();
    let plan = app.plan(id).await?;
    let sender_limits = app.limit_keys(&plan);
    Ok(Answer::ok(PlanAnswer { sender_limits, ..PlanAnswer::from(plan) }))
}

/// What a start would do.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PlanAnswer {
    /// How many get a message: send it as `expect_recipients`.
    #[schema(example = 250)]
    recipients: i64,
    /// Left out because they opted out.
    #[schema(example = 2)]
    suppressed: i64,
    /// Left out because nobody knows whether they had it already: decide with `POST /api/recipients/{id}/resolve`.
    #[schema(example = 0)]
    uncertain: i64,
    /// Its day by zones, where each person's own clock decides.
    zones: Vec<ZoneAnswer>,
    /// When it occurs, where it repeats.
    repeat: Option<RepeatAnswer>,
    /// When it starts by itself, where that is not at once.
    starts_at: Option<DateTime<Utc>>,
    /// What the clocks of its zone do to the time that was asked for: they skip it, or show it twice.
    #[schema(
        example = "02:30 does not exist in Europe/Berlin on 28 Mar 2027, when the clocks go forward: it starts 03:00"
    )]
    start_note: Option<String>,
    /// Whom its filter finds now, and leaves out.
    segment: Option<SegmentAnswer>,
    /// Had the same message by another blast of this sender's business, whenever that was, or may have had it.
    #[schema(example = 0)]
    had_this_message: i64,
    /// Had a message from this sender's business in the last 7 days, or may have had one: who is uncertain counts, who failed does not.
    #[schema(example = 0)]
    recently_messaged: i64,
    /// Still queued in another blast of this business: would get both.
    #[schema(example = 0)]
    queued_elsewhere: i64,
    /// Of a follow-up: wrote and are not marked as replied; it goes to them too.
    #[schema(example = 0)]
    wrote: i64,
    /// Of a follow-up by `stuck_at`, which keeps its people: how many more are stuck there for as long by now, whom another follow-up reaches.
    #[schema(example = 0)]
    also_stuck: i64,
    /// Its numbers that are of merged customers with another number in it: each number gets it.
    #[schema(example = 0)]
    two_numbers: i64,
    /// Of a text over Meta's Cloud API: wrote nothing to the sender within 24 hours, so that it fails for them.
    #[schema(example = 0)]
    no_session: i64,
    /// The list that it was made from and the columns that were read, where they are known.
    #[schema(example = "raya.csv   phone = No. Telefon   name = Nama")]
    read_from: Option<String>,
    /// The rows of that list which it was made without.
    left_out: Option<LeftOutAnswer>,
    #[schema(example = "rate 20/min, about 1,200 an hour")]
    pace: String,
    /// The keys of the sender's configuration which set `pace` and `left_today`; a pace that the blast itself sets comes from none.
    #[schema(example = json!(["gap", "daily_cap"]))]
    sender_limits: Vec<&'static str>,
    #[schema(example = json!(null))]
    send_window: Option<String>,
    /// What is said of a blast that repeats where its next time comes before this one is done.
    #[schema(example = json!(null))]
    falls_behind: Option<&'static str>,
    #[schema(example = json!(null))]
    left_today: Option<i64>,
    people_limit: Option<PeopleLimitAnswer>,
    shared_with: Vec<ConcurrentBlast>,
    /// How many get it before it waits for somebody, and when they are through.
    first: Option<FirstAnswer>,
    forecast: ForecastAnswer,
    #[schema(example = json!(null))]
    stopped: Option<String>,
    /// What Meta says of the number and the template. A sender of WSAPME is asked by `GET /api/senders/{name}/health`, not for a plan.
    #[schema(example = json!([]))]
    health: Vec<String>,
    /// What is odd about its text, such as a column in doubled braces, which is sent as it stands.
    #[schema(example = json!(null))]
    text_note: Option<String>,
    samples: Vec<SampleAnswer>,
    unusual_lengths: UnusualLengths,
    unclear_opt_outs: Vec<UnclearOptOuts>,
    /// Why it cannot be started now; empty when it can.
    #[schema(example = json!([]))]
    obstacles: Vec<String>,
    blast: BlastAnswer,
}

/// Whom the filter of a draft finds, before whoever is left out.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Segment)]
struct SegmentAnswer {
    #[schema(example = "blast:7 stuck:read")]
    from: String,
    #[schema(example = 41)]
    finds: i64,
    left_out: Vec<ExclusionAnswer>,
}

/// How many rows were left out, and why.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LeftOutRows)]
struct LeftOutAnswer {
    #[schema(example = 4)]
    total: u64,
    reasons: Vec<LeftOutReason>,
}

/// How many rows were left out for one reason.
#[derive(Debug, Serialize, ToSchema)]
struct LeftOutReason {
    #[schema(example = "not a phone number")]
    reason: String,
    #[schema(example = 3)]
    rows: u64,
}

impl From<RejectedRows> for LeftOutAnswer {
    fn from(RejectedRows { total, reasons, .. }: RejectedRows) -> Self {
        let reason = |RejectedReason { reason, rows }| LeftOutReason { reason, rows };
        Self { total, reasons: reasons.into_iter().map(reason).collect() }
    }
}

/// The first people, after whom it waits.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FirstPeople)]
struct FirstAnswer {
    #[schema(example = 20)]
    people: i64,
    until: Option<DateTime<Utc>>,
}

/// How many people of a zone get it, and when.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ZoneShare)]
struct ZoneAnswer {
    #[schema(example = "Asia/Kuala_Lumpur")]
    zone: &'static str,
    #[schema(example = 41)]
    people: i64,
    from: DateTime<Utc>,
    until: Option<DateTime<Utc>>,
}

impl From<ZoneShare> for ZoneAnswer {
    fn from(ZoneShare { zone, people, from, until }: ZoneShare) -> Self {
        Self { zone: zone.name(), people, from, until }
    }
}

/// When a blast that repeats occurs.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Repeat)]
struct RepeatAnswer {
    #[schema(example = "every mon 09:00")]
    rule: String,
    next: Vec<DateTime<Utc>>,
    /// Where it ends by itself.
    #[schema(example = "after 2026-12-31, or after 10 times")]
    ends: Option<String>,
    /// What the clocks do to its times within about a year.
    #[schema(example = json!([]))]
    clock_notes: Vec<String>,
    #[schema(example = 250)]
    at_most: Option<i32>,
}

impl From<PlannedRepeat> for RepeatAnswer {
    fn from(PlannedRepeat { rule, next, ends, clock_notes, at_most, .. }: PlannedRepeat) -> Self {
        Self { rule, next, ends, clock_notes, at_most }
    }
}

/// How many are left out for one reason.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Exclusion)]
struct ExclusionAnswer {
    /// `opted_out`, `closed`, `replied`, `further`, `followed`, `near_step`, `same_words` or `frequency_cap`.
    #[schema(example = "opted_out")]
    reason: &'static str,
    #[schema(example = 3)]
    people: i64,
}

impl From<SegmentCount> for SegmentAnswer {
    fn from(SegmentCount { from, finds, left_out }: SegmentCount) -> Self {
        let answer = |(reason, people): (Exclusion, i64)| ExclusionAnswer { reason: reason.key(), people };
        Self { from, finds, left_out: left_out.into_iter().map(answer).collect() }
    }
}

/// Meta's limit of people within 24 hours.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PeopleLimit)]
struct PeopleLimitAnswer {
    #[schema(example = 1000)]
    limit: u32,
    #[schema(example = 120)]
    used: u32,
    #[schema(example = 880)]
    left: u32,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Forecast)]
struct ForecastAnswer {
    today: Option<ForecastShare>,
    tomorrow: Option<ForecastShare>,
    later: Option<ForecastShare>,
    done_at: Option<DateTime<Utc>>,
}

/// The text for one person.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Sample)]
struct SampleAnswer {
    #[schema(example = "first")]
    which: &'static str,
    #[schema(value_type = String, example = "+60123456789")]
    phone_number: Phone,
    #[schema(example = "Aina")]
    name: Option<String>,
    #[schema(example = "Hi Aina")]
    text: String,
}

impl From<Plan> for PlanAnswer {
    fn from(plan: Plan) -> Self {
        let sample = |sample: Sample| SampleAnswer {
            which: sample.which,
            phone_number: sample.phone,
            name: sample.name,
            text: sample.text,
        };
        let text_note = plan.text_note();
        let falls_behind = plan.falls_behind();
        let people_limit = plan.people_limit.as_ref().map(|people| PeopleLimitAnswer {
            limit: people.limit,
            used: people.used(),
            left: people.left(),
        });
        let Forecast { today, tomorrow, later, done_at } = plan.forecast;
        Self {
            recipients: plan.people,
            suppressed: plan.suppressed,
            uncertain: plan.uncertain(),
            zones: plan.zones.into_iter().map(ZoneAnswer::from).collect(),
            repeat: plan.repeat.map(RepeatAnswer::from),
            starts_at: plan.start.as_ref().map(|start| start.at),
            start_note: plan.start.and_then(|start| start.note),
            segment: plan.segment.map(SegmentAnswer::from),
            had_this_message: plan.had_this_message,
            recently_messaged: plan.recently_messaged,
            queued_elsewhere: plan.queued_elsewhere,
            wrote: plan.wrote,
            also_stuck: plan.also_stuck.map_or(0, |also| also.people),
            two_numbers: plan.two_numbers,
            no_session: plan.no_session,
            read_from: plan.read_from,
            left_out: plan.left_out.map(LeftOutAnswer::from),
            pace: plan.pace,
            sender_limits: Vec::new(),
            send_window: plan.window,
            falls_behind,
            left_today: plan.left_today.map(|left| left.messages),
            people_limit,
            shared_with: plan.shared_with,
            first: plan.first.map(|FirstShare { people, until }| FirstAnswer { people, until }),
            forecast: ForecastAnswer { today, tomorrow, later, done_at },
            stopped: plan.stopped.as_deref().map(for_programs),
            text_note,
            health: plan.health,
            samples: plan.samples.into_iter().map(sample).collect(),
            unusual_lengths: plan.doubtful.unusual_lengths,
            unclear_opt_outs: plan.doubtful.unclear_opt_outs,
            obstacles: plan.obstacles.iter().map(|obstacle| for_programs(obstacle)).collect(),
            blast: plan.blast.into(),
        }
    }
}
