//! A process as `/proc` shows it to everybody, also to those who may not see where it works: root in a container, or the same
//! user with another group or fewer capabilities. Linux only; elsewhere nothing is known.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// The name of a server's processes.
const SERVER: &str = "postgres";

/// Seconds between the start of a process and what the server notes as its own start, at most. A machine under load takes its time between the two.
const START_SLACK: u64 = 10;

/// What is known of a process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ProcessFacts {
    name: String,
    /// The letter of proc(5): `T` for stopped, `Z` for dead and not yet collected.
    state: char,
    owner: u32,
    /// In seconds since 1970, by this machine's clock.
    started: Option<u64>,
}

impl ProcessFacts {
    pub fn of(pid: i32) -> Option<Self> {
        Self::read(Path::new("/proc"), pid)
    }

    fn read(proc: &Path, pid: i32) -> Option<Self> {
        let dir = proc.join(pid.to_string());
        let owner = fs::metadata(&dir).ok()?.uid();
        let stat = fs::read_to_string(dir.join("stat")).ok()?;
        // The name is in parentheses, and may hold some itself. Behind it stand the state, as the third field, and others.
        let (before, rest) = stat.rsplit_once(") ")?;
        let name = before.split_once('(')?.1.to_owned();
        let ticks: u64 = rest.split_whitespace().nth(22 - 3)?.parse().ok()?;
        let started = booted(proc).map(|booted| booted + ticks / rustix::param::clock_ticks_per_second().max(1));
        Some(Self { name, state: rest.chars().next()?, owner, started })
    }

    /// Whether a signal has stopped it.
    pub fn is_frozen(&self) -> bool {
        matches!(self.state, 'T' | 't')
    }

    /// Whether it is a live process of a server that runs as the owner of this data directory.
    pub fn may_serve(&self, cluster: &Path) -> bool {
        let is_dead = matches!(self.state, 'Z' | 'X' | 'x');
        self.name == SERVER && !is_dead && fs::metadata(cluster).is_ok_and(|data| data.uid() == self.owner)
    }

    /// Whether it is as old as a server that noted this second as its start: its number may be another process's by now.
    pub fn began_at(&self, second: u64) -> bool {
        self.started.is_some_and(|started| started.abs_diff(second) <= START_SLACK)
    }
}

/// When the machine was booted.
fn booted(proc: &Path) -> Option<u64> {
    let machine = fs::read_to_string(proc.join("stat")).ok()?;
    machine.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As `/proc` has it, 30 seconds after the boot.
    fn facts(name: &str, state: char) -> ProcessFacts {
        let proc = tempfile::tempdir().unwrap();
        fs::create_dir(proc.path().join("4711")).unwrap();
        let ticks = 30 * rustix::param::clock_ticks_per_second();
        let stat = format!("4711 ({name}) {state} 1 4711 4711 0 -1 4 5 6 7 8 9 10 11 12 20 0 1 0 {ticks} 23 24\n");
        fs::write(proc.path().join("4711/stat"), stat).unwrap();
        fs::write(proc.path().join("stat"), "cpu  1 2 3\nbtime 1790000000\nprocesses 5\n").unwrap();
        ProcessFacts::read(proc.path(), 4711).unwrap()
    }

    #[test]
    fn a_server_is_known_by_its_name_its_owner_and_its_start() {
        let cluster = tempfile::tempdir().unwrap();

        let server = facts("postgres", 'S');

        assert!(server.may_serve(cluster.path()) && server.began_at(1_790_000_031));
        assert!(!server.began_at(1_790_000_000), "another process under its number");
        assert!(!ProcessFacts { owner: server.owner + 1, ..server }.may_serve(cluster.path()));
        assert!(!facts("a) postgres", 'S').may_serve(cluster.path()));
        assert!(!facts("postgres", 'Z').may_serve(cluster.path()), "it has ended");
        assert!(facts("postgres", 'T').is_frozen());
    }

    #[test]
    fn our_own_process_is_read_as_the_system_shows_it() {
        let own = ProcessFacts::of(i32::try_from(std::process::id()).unwrap());

        let Some(own) = own else { return assert!(!Path::new("/proc/self/stat").exists()) };
        assert_eq!(own.owner, rustix::process::geteuid().as_raw());
        assert!(!own.is_frozen());
    }
}
