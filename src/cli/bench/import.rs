//! `bench import`: the whole import of a list, compared with one plain COPY of ready rows.

use std::time::{Duration, Instant};

use color_eyre::Result;
use serde_json::{Value, json};

use super::environment::BenchEnvironment;
use super::{database, round};

/// How often each is measured. The best run counts, since others may use the machine meanwhile.
const ROUNDS: usize = 2;

pub(super) async fn measure(environment: &BenchEnvironment, count: u32) -> Result<Value> {
    let pool = &environment.app().engine().pool;
    let (mut ours, mut plain) = (Duration::MAX, Duration::MAX);
    for _ in 0..ROUNDS {
        // Each begins with an empty table: filled indexes are slower.
        database::empty(pool).await?;
        let began = Instant::now();
        let blast = environment.draft(count).await?;
        ours = ours.min(began.elapsed());
        let rows = database::rows(pool, blast).await?;
        database::empty(pool).await?;
        plain = plain.min(database::copy(pool, rows).await?);
    }
    let rate = f64::from(count) / ours.as_secs_f64();
    let copy_rate = f64::from(count) / plain.as_secs_f64();
    Ok(json!({
        "people": count, "seconds": round(ours.as_secs_f64()), "people_per_second": round(rate),
        "copy_seconds": round(plain.as_secs_f64()), "copy_per_second": round(copy_rate),
        "share_of_copy": round(rate / copy_rate),
    }))
}
