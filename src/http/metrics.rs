//! `/metrics`: what monitoring reads, in Prometheus's text format (version 0.0.4).

use std::fmt::{Display, Write as _};

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::HttpState;
use super::api::{bearer, token};
use super::problem::Problem;
use crate::app::metrics::{BlastNumbers, DatabaseNumbers, MeterReading, MetricsView, PoolReading};
use crate::domain::status::Status;

const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

pub(super) async fn metrics(State(state): State<HttpState>, headers: HeaderMap) -> Response {
    if let Err(problem) = check_access(&state, &headers).await {
        return problem.into_response();
    }
    let text = render(&state.app.metrics().await);
    ([(header::CONTENT_TYPE, CONTENT_TYPE)], text).into_response()
}

/// A token of no one sender reads metrics from anywhere; a program of this machine needs none.
async fn check_access(state: &HttpState, headers: &HeaderMap) -> Result<(), Problem> {
    let Some(secret) = bearer(headers) else {
        let why = "send `Authorization: Bearer TOKEN`; only programs of this machine need none, over a loopback address and \
                   without a proxy";
        let refused = || Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", why);
        return if state.reach.gives_metrics_to(headers) { Ok(()) } else { Err(refused()) };
    };
    match token(state, secret).await? {
        Some(token) if token.sender.is_none() => Ok(()),
        Some(token) => {
            let why = format!("the token {} is for one sender, and metrics are of all", token.name);
            Err(Problem::new(StatusCode::FORBIDDEN, "scope", why))
        }
        None => {
            let why = "there is no such token, or it is not valid any more";
            Err(Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", why))
        }
    }
}

fn render(view: &MetricsView) -> String {
    let mut text = MetricsText::default();
    text.family("blastdeck_build_info", "gauge", "Which version this is.");
    text.sample("", &[("version", env!("CARGO_PKG_VERSION"))], 1);
    engine(&mut text, &view.engine);
    connections(&mut text, &view.pools);
    text.family("blastdeck_database_up", "gauge", "Whether the database answers.");
    text.sample("", &[], u8::from(view.database.is_some()));
    if let Some(numbers) = &view.database {
        blasts(&mut text, &numbers.blasts);
        waits(&mut text, numbers);
        lags(&mut text, numbers);
    }
    text.text
}

fn engine(text: &mut MetricsText, engine: &MeterReading) {
    let help = "Attempts of this process's engine whose outcome is durable; released: never posted.";
    text.family("blastdeck_sends_total", "counter", help);
    for (outcome, count) in &engine.outcomes {
        text.sample("", &[("outcome", outcome.word())], count);
    }
    let help = "From the claim of an attempt until what came of it is durable.";
    text.family("blastdeck_claim_to_ledger_seconds", "histogram", help);
    for (bound, count) in &engine.latency {
        let bound = bound.map_or_else(|| "+Inf".to_owned(), |bound| bound.to_string());
        text.sample("_bucket", &[("le", &bound)], count);
    }
    text.sample("_sum", &[], engine.latency_sum.as_secs_f64());
    text.sample("_count", &[], engine.latency.last().map_or(0, |(_, count)| *count));
}

fn connections(text: &mut MetricsText, pools: &[PoolReading]) {
    let help = "Open connections to the database, by this process's pools.";
    text.family("blastdeck_database_connections", "gauge", help);
    for PoolReading { pool, open, idle } in pools {
        text.sample("", &[("pool", pool), ("state", "idle")], idle);
        text.sample("", &[("pool", pool), ("state", "used")], open.saturating_sub(*idle));
    }
}

/// Of blasts that are not over, and of those of the last seven days.
fn blasts(text: &mut MetricsText, blasts: &[BlastNumbers]) {
    text.family("blastdeck_recipients", "gauge", "A blast's people by their status.");
    for blast in blasts {
        let id = blast.id.to_string();
        for status in Status::ALL {
            let labels = [("blast", &*id), ("sender", &*blast.sender), ("status", status.word())];
            text.sample("", &labels, blast.counts.get(status));
        }
    }
    text.family("blastdeck_funnel", "gauge", "A blast's people who got at least as far as a stage.");
    for blast in blasts {
        let (id, funnel) = (blast.id.to_string(), blast.counts.funnel());
        let stages = [
            ("sent", funnel.sent),
            ("received", funnel.received),
            ("read", funnel.read),
            ("replied", funnel.replied),
            ("closed", funnel.closed),
        ];
        for (stage, people) in stages {
            text.sample("", &[("blast", &id), ("sender", &blast.sender), ("stage", stage)], people);
        }
    }
    text.family("blastdeck_held_by_meta", "gauge", "A blast's people at sent whose message Meta holds back.");
    for blast in blasts {
        text.sample("", &[("blast", &blast.id.to_string()), ("sender", &blast.sender)], blast.counts.held_by_meta);
    }
}

fn waits(text: &mut MetricsText, numbers: &DatabaseNumbers) {
    text.family("blastdeck_waiting", "gauge", "1 while a blast waits for this reason.");
    for wait in &numbers.waiting {
        let blast = wait.blast.to_string();
        text.sample("", &[("blast", &blast), ("sender", &wait.sender), ("reason", &wait.reason)], 1);
    }
    text.family("blastdeck_sender_attended", "gauge", "Whether an engine holds the sender.");
    for sender in &numbers.senders {
        text.sample("", &[("sender", &sender.name)], u8::from(sender.is_attended));
    }
    text.family("blastdeck_sender_stopped", "gauge", "Whether the sender is stopped until somebody fixes something.");
    for sender in &numbers.senders {
        text.sample("", &[("sender", &sender.name)], u8::from(sender.is_stopped));
    }
}

fn lags(text: &mut MetricsText, numbers: &DatabaseNumbers) {
    let help = "The age of the oldest accepted message that was never asked about.";
    text.family("blastdeck_poll_lag_seconds", "gauge", help);
    for lag in &numbers.poll_lags {
        text.sample("", &[("sender", &lag.sender)], lag.seconds);
    }
    text.family("blastdeck_inbox_lag_seconds", "gauge", "How long the oldest webhook waits to be applied.");
    text.sample("", &[], numbers.inbox_lag.as_secs_f64());
    text.family("blastdeck_inbox_requests", "gauge", "Webhooks that are not applied.");
    let inbox = &numbers.inbox;
    for (state, count) in [("new", inbox.new), ("parked", inbox.parked), ("failed", inbox.failed)] {
        text.sample("", &[("state", state)], count);
    }
}

/// Families of samples, as text. A family is declared before its samples.
#[derive(Default)]
struct MetricsText {
    text: String,
    /// The one that was declared last.
    family: &'static str,
}

impl MetricsText {
    fn family(&mut self, name: &'static str, kind: &str, help: &str) {
        // Writing to memory does not fail.
        _ = writeln!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}");
        self.family = name;
    }

    /// A sample of the family that was declared last.
    fn sample(&mut self, suffix: &str, labels: &[(&str, &str)], value: impl Display) {
        self.text.extend([self.family, suffix]);
        let mut separator = '{';
        for (name, text) in labels {
            _ = write!(self.text, "{separator}{name}=\"{}\"", escaped(text));
            separator = ',';
        }
        let end = if labels.is_empty() { "" } else { "}" };
        _ = writeln!(self.text, "{end} {value}");
    }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::MetricsText;

    #[test]
    fn whatever_a_sender_is_called_its_sample_is_one_line() {
        let mut text = MetricsText::default();

        text.family("x", "gauge", "Help.");
        text.sample("", &[("sender", "a\"b\\c\nd"), ("le", "+Inf")], 1.5);
        text.sample("_sum", &[], 2);

        assert_eq!(
            text.text,
            "# HELP x Help.\n# TYPE x gauge\nx{sender=\"a\\\"b\\\\c\\nd\",le=\"+Inf\"} 1.5\nx_sum 2\n"
        );
    }
}
