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

/// CPU time of the parent of a process, of all of its children and of those that have ended, in seconds. `None` where it has another
/// name, and so is not what it is taken for.
pub(super) fn family_cpu(child: i32, name: &str) -> Result<Option<f64>> {
    let Some(parent) = ProcessStat::of(child).filter(|stat| stat.name == name).map(|stat| stat.parent) else {
        return Ok(None);
    };
    let mut ticks = ProcessStat::of(parent).map_or(0, |stat| stat.ticks);
    for entry in std::fs::read_dir("/proc").wrap_err("CPU time is read from /proc")? {
        let pid = entry?.file_name().to_str().and_then(|name| name.parse().ok());
        ticks += pid.and_then(ProcessStat::of).filter(|stat| stat.parent == parent).map_or(0, |stat| stat.ticks);
    }
    Ok(Some(Duration::from_millis(ticks * 1_000 / rustix::param::clock_ticks_per_second()).as_secs_f64()))
}

/// A line of `/proc/…/stat`.
struct ProcessStat {
    name: String,
    parent: i32,
    /// Spent by it and by its children that have ended.
    ticks: u64,
}

impl ProcessStat {
    fn of(pid: i32) -> Option<Self> {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let (name, rest) = (stat.split_once('(')?.1, stat.rsplit_once(')')?);
        let fields: Vec<&str> = rest.1.split_whitespace().collect();
        let spent = fields.get(11..15)?.iter().filter_map(|ticks| ticks.parse::<u64>().ok());
        let parent = fields.get(1)?.parse().ok()?;
        Some(Self { name: name.split_once(')')?.0.to_owned(), parent, ticks: spent.sum() })
    }
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
