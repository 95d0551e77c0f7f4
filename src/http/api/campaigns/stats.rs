//! A campaign in numbers, with the rates as the documents' own sample computes them.

use serde::Serialize;
use utoipa::ToSchema;

use super::super::super::problem::Problem;
use super::super::authentication::ApiReader;
use super::super::body::PathId;
use super::super::once::Answer;
use super::super::people::query;
use super::answer::{Campaign, CampaignRecipient, failed, recipients};
use super::campaign;
use crate::app::view::{Anchor, TimelineRow};
use crate::domain::filter::Filter;
use crate::domain::ids::BlastId;
use crate::domain::status::Status;

/// How many failures are shown.
const FAILURES: u32 = 10;

pub(super) async fn stats(ApiReader(caller): ApiReader, PathId(id): PathId<BlastId>) -> Result<Answer, Problem> {
    let app = caller.app();
    let blast = campaign(&app, id).await?;
    let report = app.report(id).await?;
    let failures = app.recipients(&query(id, Filter::status(Status::Failed), Anchor::Start, FAILURES)).await?;
    let (funnel, counts) = (blast.counts.funnel(), &blast.counts);
    let (failed, again) = (failed(counts), app.queued_again(id).await?);
    let errors = report.errors.into_iter().map(|error| CampaignError {
        error_code: error.code,
        error_message: error.title,
        count: error.count,
        advice: error.advice,
    });
    Ok(Answer::ok(CampaignStats {
        campaign: Campaign::from(&blast),
        stats: CampaignCounts {
            total: blast.total_recipients,
            pending: (counts.queued - again).max(0),
            retry: again,
            sending: counts.sending + counts.uncertain,
            sent: funnel.sent,
            delivered: funnel.received,
            read: funnel.read,
            responded: funnel.replied,
            failed,
            opted_out: counts.opted_out,
        },
        metrics: CampaignRates {
            delivery_rate: percent(funnel.received, funnel.sent),
            read_rate: percent(funnel.read, funnel.received),
            response_rate: percent(funnel.replied, funnel.received),
            failure_rate: percent(failed, blast.total_recipients),
        },
        error_breakdown: errors.collect(),
        timeline: app.timeline(id).await?,
        sample_failures: recipients(&app, &blast, failures).await?,
    }))
}

/// A campaign in numbers.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct CampaignStats {
    campaign: Campaign,
    stats: CampaignCounts,
    metrics: CampaignRates,
    error_breakdown: Vec<CampaignError>,
    /// By the hour, how many people reached each stage then. Whoever failed after their message was accepted is in `sent` of one hour
    /// and in `failed` of the same or a later one, and in `stats` only `failed`.
    timeline: Vec<TimelineRow>,
    sample_failures: Vec<CampaignRecipient>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct CampaignCounts {
    #[schema(example = 100)]
    total: i64,
    /// Queued for the first time.
    #[schema(example = 0)]
    pending: i64,
    /// Queued again.
    #[schema(example = 0)]
    retry: i64,
    /// Also those of whom nobody knows whether it was sent.
    #[schema(example = 0)]
    sending: i64,
    #[schema(example = 95)]
    sent: i64,
    #[schema(example = 92)]
    delivered: i64,
    #[schema(example = 78)]
    read: i64,
    #[schema(example = 12)]
    responded: i64,
    /// Also those who were left out.
    #[schema(example = 5)]
    failed: i64,
    #[schema(example = 0)]
    opted_out: i64,
}

/// The delivery rate is of sent, read and response rates are of delivered, and the failure rate is of all people.
#[derive(Debug, Serialize, ToSchema)]
#[expect(clippy::struct_field_names, reason = "the documents call them so")]
#[serde(rename_all = "camelCase")]
struct CampaignRates {
    #[schema(example = "96.84%")]
    delivery_rate: String,
    #[schema(example = "84.78%")]
    read_rate: String,
    #[schema(example = "13.04%")]
    response_rate: String,
    #[schema(example = "5.00%")]
    failure_rate: String,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct CampaignError {
    #[schema(example = "131026")]
    error_code: String,
    #[schema(example = "Message undeliverable")]
    error_message: String,
    #[schema(example = 3)]
    count: i64,
    #[schema(example = "The person may have no WhatsApp.")]
    advice: String,
}

/// `96.84%`, to the nearest hundredth.
fn percent(part: i64, whole: i64) -> String {
    let (part, whole) = (i128::from(part), i128::from(whole));
    let hundredths = if whole <= 0 { 0 } else { (part * 20_000 + whole) / (whole * 2) };
    format!("{}.{:02}%", hundredths / 100, hundredths % 100)
}

#[cfg(test)]
mod tests {
    use super::percent;

    #[test]
    fn rates_come_out_as_the_documents_sample_prints_them() {
        assert_eq!(percent(92, 95), "96.84%");
        assert_eq!(percent(78, 92), "84.78%");
        assert_eq!(percent(5, 100), "5.00%");
        assert_eq!((percent(0, 0), percent(7, 7)), ("0.00%".to_owned(), "100.00%".to_owned()));
    }
}
