//! A campaign in numbers, with the rates as the documents' own sample computes them.

use serde_json::json;

use super::super::super::problem::Problem;
use super::super::body::PathId;
use super::super::gate::ApiReader;
use super::super::once::Answer;
use super::super::people::query;
use super::answer::{campaign, failed, recipients};
use crate::app::view::Anchor;
use crate::domain::filter::Filter;
use crate::domain::ids::BlastId;
use crate::domain::status::Status;

/// How many failures are shown.
const FAILURES: u32 = 10;

pub(super) async fn stats(ApiReader(caller): ApiReader, PathId(id): PathId<BlastId>) -> Result<Answer, Problem> {
    let app = caller.app();
    let blast = app.blast(id).await?;
    let report = app.report(id).await?;
    let failures = app.recipients(&query(id, Filter::status(Status::Failed), Anchor::Start, FAILURES)).await?;
    let (funnel, counts) = (blast.counts.funnel(), &blast.counts);
    let failed = failed(counts);
    let errors = report.errors.iter().map(|error| {
        json!({ "errorCode": error.code, "errorMessage": error.title, "count": error.count, "advice": error.advice })
    });
    Ok(Answer::ok(json!({
        "campaign": campaign(&blast),
        "stats": {
            "total": blast.total_recipients, "pending": counts.queued, "sending": counts.sending + counts.uncertain,
            "sent": funnel.sent, "delivered": funnel.received, "read": funnel.read, "responded": funnel.replied,
            "failed": failed, "optedOut": counts.opted_out,
        },
        "metrics": {
            "deliveryRate": percent(funnel.received, funnel.sent), "readRate": percent(funnel.read, funnel.received),
            "responseRate": percent(funnel.replied, funnel.received), "failureRate": percent(failed, blast.total_recipients),
        },
        "errorBreakdown": errors.collect::<Vec<_>>(),
        "timeline": app.timeline(id).await?,
        "sampleFailures": recipients(&app, &blast, failures).await?,
    })))
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
