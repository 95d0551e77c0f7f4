//! `/metrics`: text that Prometheus reads, with the funnel's own numbers, for programs of this machine.

use std::collections::{BTreeMap, HashSet};

use reqwest::StatusCode;
use serde_json::Value;

use crate::support::serve::{Serve, senders};
use crate::support::{Deadline, PATIENCE, Setup, Shop, eventually_async};

/// The samples of a text, by name and labels as they stand there. Fails where Prometheus would refuse it.
fn parse(text: &str) -> BTreeMap<String, f64> {
    let (mut samples, mut family, mut declared) = (BTreeMap::new(), String::new(), HashSet::new());
    for line in text.lines() {
        let words: Vec<_> = line.split(' ').collect();
        match words[..] {
            ["#", "HELP", name, ..] => {
                assert!(declared.insert(name.to_owned()), "{name} is declared twice");
                name.clone_into(&mut family);
            }
            ["#", "TYPE", name, kind] => {
                assert!(name == family && ["gauge", "counter", "histogram"].contains(&kind), "{line}");
            }
            _ => {
                let (series, value) = line.rsplit_once(' ').unwrap();
                let name = series.split('{').next().unwrap();
                let suffix = name.strip_prefix(family.as_str()).unwrap_or_else(|| panic!("{line} is not of {family}"));
                assert!(["", "_bucket", "_sum", "_count"].contains(&suffix), "{line}");
                assert!(series == name || series.ends_with("\"}"), "{line}");
                assert!(samples.insert(series.to_owned(), value.parse().unwrap()).is_none(), "{series} stands twice");
            }
        }
    }
    assert!(text.ends_with('\n'));
    samples
}

async fn metrics(serve: &Serve) -> BTreeMap<String, f64> {
    let (status, text) = serve.get("/metrics").await;
    assert_eq!(status, StatusCode::OK, "{text}");
    parse(&text)
}

/// A report and the metrics beside it, while nobody moved.
async fn both(shop: &Shop, serve: &Serve) -> (Value, BTreeMap<String, f64>) {
    let mut deadline = Deadline::after(PATIENCE);
    loop {
        let before = shop.json(&["blast", "report", "1"]).await;
        let samples = metrics(serve).await;
        let after = shop.json(&["blast", "report", "1"]).await;
        if ["counts", "funnel"].iter().all(|numbers| after[numbers] == before[numbers]) {
            return (before, samples);
        }
        assert!(deadline.wait_a_moment().await, "its numbers never stand still");
    }
}

#[tokio::test]
async fn every_number_is_the_funnels_own() {
    let shop = Shop::open(Setup::default()).await;
    let serve = Serve::start(&shop, &[]).await;
    shop.blast(0..60).await;
    eventually_async("an engine holds the sender", async || {
        metrics(&serve).await["blastdeck_sender_attended{sender=\"sales\"}"] > 0.5
    })
    .await;
    shop.until_state("1", "completed").await;

    let (report, samples) = both(&shop, &serve).await;

    for (status, people) in report["counts"].as_object().unwrap() {
        let series = format!("blastdeck_recipients{{blast=\"1\",sender=\"sales\",status=\"{status}\"}}");
        assert_eq!(samples.get(&series), people.as_f64().as_ref(), "{series}: {samples:#?}");
    }
    for (stage, people) in report["funnel"].as_object().unwrap() {
        let series = format!("blastdeck_funnel{{blast=\"1\",sender=\"sales\",stage=\"{stage}\"}}");
        assert_eq!(samples.get(&series), people.as_f64().as_ref(), "{series}: {samples:#?}");
    }
    let mut attempts = 0;
    for outcome in ["accepted", "rejected", "unknown", "released"] {
        let kept = shop.number(&format!("select count(*) from provider_message where outcome = '{outcome}'")).await;
        let series = format!("blastdeck_sends_total{{outcome=\"{outcome}\"}}");
        assert_eq!(samples.get(&series).map(ToString::to_string), Some(kept.to_string()), "{series}");
        attempts += if outcome == "released" { 0 } else { kept };
    }
    assert!(attempts >= 60, "{attempts}");
    for series in ["blastdeck_claim_to_ledger_seconds_count", "blastdeck_claim_to_ledger_seconds_bucket{le=\"+Inf\"}"] {
        assert_eq!(samples[series].to_string(), attempts.to_string(), "{series}");
    }
    // The provider takes 20 ms: nobody was faster.
    assert!(samples["blastdeck_claim_to_ledger_seconds_bucket{le=\"0.01\"}"] < 1.0, "{samples:#?}");
    assert!(samples["blastdeck_claim_to_ledger_seconds_sum"] > 60.0 * 0.02, "{samples:#?}");
    let version = format!("blastdeck_build_info{{version=\"{}\"}}", env!("CARGO_PKG_VERSION"));
    assert!(samples.contains_key(&version), "{samples:#?}");
    for pool in ["serve", "engine", "sending"] {
        let of = |state: &str| samples[&format!("blastdeck_database_connections{{pool=\"{pool}\",state=\"{state}\"}}")];
        assert!((0.0..=4.0).contains(&(of("idle") + of("used"))), "{pool}: {samples:#?}");
    }
    serve.stop().await;
}

#[tokio::test]
async fn what_waits_and_what_is_behind_shows() {
    let shop = Shop::open(Setup::default()).await;
    shop.write("config.toml", senders(shop.sim.base_url()));
    let serve = Serve::start(&shop, &["--no-engine"]).await;
    let calm = metrics(&serve).await;
    shop.blast(0..3).await;
    shop.execute(
        "update blast_recipients set status = 'sent', standing = 'sent', message_id = 'A' || id, attempt = 1,
                sent_at = now() - interval '2 hours', changed_at = now() - interval '2 hours' where id = 1;
         update blasts set send_after = now() - interval '1 minute', launched_at = now() - interval '3 hours';
         update senders set stopped_at = now(), stopped_code = 'token', stopped_reason = 'refused' where name = 'cloud'",
    )
    .await;
    assert_eq!(serve.meta(r#"{"object":"whatsapp_business_account"}"#).await, StatusCode::OK);
    let ago = "now() - interval '90 seconds'";
    shop.execute(&format!("update webhook_inbox set received_at = {ago}, next_try_at = {ago}")).await;

    let samples = metrics(&serve).await;

    assert!(!calm.keys().any(|series| series.starts_with("blastdeck_waiting")), "{calm:#?}");
    assert!(calm["blastdeck_inbox_lag_seconds"] < 0.001, "{calm:#?}");
    assert!(calm["blastdeck_poll_lag_seconds{sender=\"sales\"}"] < 0.001, "{calm:#?}");
    for (series, expected) in [
        ("blastdeck_database_up", 1.0..=1.0),
        ("blastdeck_waiting{blast=\"1\",sender=\"sales\",reason=\"no_engine\"}", 1.0..=1.0),
        ("blastdeck_sender_attended{sender=\"sales\"}", 0.0..=0.0),
        ("blastdeck_sender_stopped{sender=\"cloud\"}", 1.0..=1.0),
        ("blastdeck_sender_stopped{sender=\"sales\"}", 0.0..=0.0),
        ("blastdeck_poll_lag_seconds{sender=\"sales\"}", 7_200.0..=7_500.0),
        ("blastdeck_inbox_lag_seconds", 90.0..=390.0),
        ("blastdeck_inbox_requests{state=\"new\"}", 1.0..=1.0),
        ("blastdeck_sends_total{outcome=\"accepted\"}", 0.0..=0.0),
    ] {
        assert!(samples.get(series).is_some_and(|value| expected.contains(value)), "{series}: {samples:#?}");
    }
    shop.execute("insert into blast_polls values (1, tstzmultirange(tstzrange(null, now())))").await;
    assert!(metrics(&serve).await["blastdeck_poll_lag_seconds{sender=\"sales\"}"] < 0.001, "it was asked about");
    serve.stop().await;
}

#[tokio::test]
async fn strangers_get_no_metrics_and_without_a_database_they_say_so() {
    let shop = Shop::open(Setup::default()).await;
    shop.write("config.toml", senders(shop.sim.base_url()));
    let public = Serve::start(&shop, &["--no-engine", "--listen", "0.0.0.0:0", "--public"]).await;
    let (status, problem) = public.get("/metrics").await;
    let read = async |arguments: &[&str]| {
        let made = shop.json(&[&["token", "new"], arguments].concat()).await;
        let request = public.client.get(format!("{}/metrics", public.base_url));
        request.bearer_auth(made["token"].as_str().unwrap()).send().await.unwrap().status()
    };
    assert_eq!(read(&["prometheus", "--scope", "read"]).await, StatusCode::OK);
    let of_one = read(&["of-one", "--scope", "admin", "--sender", "sales"]).await;
    assert_eq!(of_one, StatusCode::FORBIDDEN, "they are of all senders");
    let unknown =
        public.client.get(format!("{}/metrics", public.base_url)).bearer_auth("no-token-of-ours").send().await;
    let unknown = unknown.unwrap().text().await.unwrap();
    assert!(unknown.contains("urn:blastdeck:unauthorized"), "{unknown}");
    public.stop().await;
    let serve = Serve::start(&shop, &["--no-engine"]).await;
    let ask = async |name: &str, value: &str| {
        let url = format!("{}/metrics", serve.base_url);
        serve.client.get(url).header(name, value).send().await.unwrap().status()
    };

    assert_eq!(status, StatusCode::UNAUTHORIZED);
    assert!(problem.contains("urn:blastdeck:unauthorized") && !problem.contains("# HELP"), "{problem}");
    assert_eq!(ask("X-Forwarded-For", "203.0.113.7").await, StatusCode::UNAUTHORIZED);
    assert_eq!(ask("Host", "shop.example").await, StatusCode::UNAUTHORIZED);
    assert_eq!(ask("Accept", "text/plain").await, StatusCode::OK);

    shop.drop_database().await;
    eventually_async("the metrics say that the database is gone", async || {
        metrics(&serve).await["blastdeck_database_up"] < 0.5
    })
    .await;
    serve.stop().await;
}
