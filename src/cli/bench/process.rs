//! The processes of a bench: they end with it, and their cost is read from `/proc`. Linux only.

use std::time::Duration;

use color_eyre::Result;
use color_eyre::eyre::WrapErr;

/// This process, for [`cpu`] and [`peak_memory`].
pub(super) const OWN: &str = "self";

/// Ends this process when the bench does, however that ends: its input is a pipe that the bench holds.
pub(super) fn end_with_the_input() -> std::io::Result<()> {
    let watch = || {
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        std::process::exit(1);
    };
    std::thread::Builder::new().name("bench-stdin".to_owned()).spawn(watch).map(drop)
}

/// CPU time of a process so far.
pub(super) fn cpu(pid: &str) -> Result<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).wrap_err("CPU time is read from /proc")?;
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks: u64 = [11, 12].iter().filter_map(|at| fields.get(*at)?.parse::<u64>().ok()).sum();
    Ok(Duration::from_millis(ticks * 1_000 / rustix::param::clock_ticks_per_second()))
}

/// The same to the nanosecond, over all threads that still run.
pub(super) fn time_on_cpu(pid: &str) -> Result<Duration> {
    let mut total = 0;
    for thread in std::fs::read_dir(format!("/proc/{pid}/task")).wrap_err("CPU time is read from /proc")? {
        let spent = std::fs::read_to_string(thread?.path().join("schedstat")).unwrap_or_default();
        total += spent.split_whitespace().next().and_then(|spent| spent.parse::<u64>().ok()).unwrap_or_default();
    }
    Ok(Duration::from_nanos(total))
}

/// The peak memory of a process, in MB.
pub(super) fn peak_memory(pid: &str) -> Result<f64> {
    memory(pid, "VmHWM:")
}

/// The memory of a process now, in MB.
pub(super) fn memory_now(pid: &str) -> Result<f64> {
    memory(pid, "VmRSS:")
}

fn memory(pid: &str, field: &str) -> Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).wrap_err("memory is read from /proc")?;
    let line = status.lines().find_map(|line| line.strip_prefix(field)).unwrap_or_default();
    let kilobytes: f64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kilobytes / 1_024.0)
}
