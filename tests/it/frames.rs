//! What the dashboard costs over a million people while a thousand of them change every second. It measures the machine, and so runs only
//! with `BLASTDECK_LONG_TESTS=1`; an unoptimised build is several times slower than the one that operators have.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use sqlx::PgPool;

use crate::support::{Pty, Setup, Shop, Size};

const SCREEN: Size = Size { columns: 200, rows: 50 };

/// Between a key and the first byte of its frame, in the median.
const KEY_MAX: Duration = Duration::from_millis(16);
/// Of the first frame.
const FIRST_PAINT_MAX: u64 = 12_000;
/// Of the process, in kilobytes; of an unoptimised one, whose program alone is twice as large, half as much again.
const MEMORY_MAX: u64 = if cfg!(debug_assertions) { 80 * 1_024 } else { 40 * 1_024 };

const PEOPLE: i64 = 1_000_000;

/// A blast of a million that is being sent, as far as the dashboard can see.
async fn million() -> Shop {
    let shop = Shop::open(Setup::default()).await;
    shop.draft(0..1).await;
    shop.execute(&format!(
        "insert into blast_recipients (blast_id, phone_number, name, status, standing, sent_at, changed_at)
         select 1, '+60110' || lpad(n::text, 7, '0'), 'Person ' || n, 'sent', 'sent', now(), now() - n * interval '1 ms'
           from generate_series(1, {}) n;
         update blasts set total_recipients = {PEOPLE}, state = 'paused', state_by = 'aina'",
        PEOPLE - 1
    ))
    .await;
    shop.execute("vacuum analyze blast_recipients").await;
    shop
}

/// A thousand changes a second, a hundred at a time, each told to whoever listens.
async fn change(pool: PgPool, is_over: Arc<AtomicBool>) {
    let mut first = 1_000_i64;
    while !is_over.load(Ordering::Relaxed) {
        let next = tokio::time::Instant::now() + Duration::from_millis(100);
        let changed = sqlx::query(
            "update blast_recipients set status = 'delivered', standing = 'delivered', delivered_at = now(), changed_at = now()
              where id between $1 and $1 + 99",
        );
        changed.bind(first).execute(&pool).await.unwrap();
        sqlx::query("select pg_notify('blastdeck', '1')").execute(&pool).await.unwrap();
        first += 100;
        tokio::time::sleep_until(next).await;
    }
}

/// From a key to the first byte of what it changes.
fn key_to_bytes(pty: &mut Pty, key: &str) -> Option<Duration> {
    let before = pty.bytes_written();
    let began = Instant::now();
    pty.type_keys(key);
    while pty.bytes_written() == before {
        if began.elapsed() > Duration::from_secs(2) {
            return None;
        }
        std::thread::sleep(Duration::from_micros(200));
    }
    Some(began.elapsed())
}

fn memory(pty: &Pty) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", pty.pid().as_raw_nonzero())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").trim().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_on_the_screen_within_a_frame_while_a_million_people_change() {
    if std::env::var_os("BLASTDECK_LONG_TESTS").is_none() {
        return;
    }
    let shop = million().await;
    let is_over = Arc::new(AtomicBool::new(false));
    let mut pty = shop.in_terminal(&["--read-only"], SCREEN);
    pty.wait_for_text("Person 1");
    let first_paint = pty.bytes_written();
    let changing = tokio::spawn(change(shop.database.pool.clone(), Arc::clone(&is_over)));
    pty.type_keys("3");

    let mut times = tokio::task::block_in_place(|| {
        let mut times = Vec::new();
        for _ in 0..150 {
            std::thread::sleep(Duration::from_millis(60));
            times.extend(key_to_bytes(&mut pty, "j"));
        }
        times
    });
    is_over.store(true, Ordering::Relaxed);
    changing.await.unwrap();

    times.sort_unstable();
    let (median, slow) = (times[times.len() / 2], times[times.len() * 95 / 100]);
    let memory = memory(&pty);
    eprintln!("key to pixels: median {median:?}, p95 {slow:?}; first paint {first_paint} B; resident {memory} kB");
    assert!(median <= KEY_MAX && memory <= MEMORY_MAX, "{median:?}, {memory} kB");
    assert!(first_paint <= 2 * FIRST_PAINT_MAX, "{first_paint} B with everything that was read since");
}
