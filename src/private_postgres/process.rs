//! A process as `/proc` shows it to everybody, also to those who may not see where it works: root in a container, or the same
//! user with another group or fewer capabilities. Linux only; elsewhere nothing is known.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::postmaster::is_dir;

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
    /// The directory of data that it was started with, where that is there.
    data_dir: Option<PathBuf>,
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
        let data_dir =
            fs::read(dir.join("cmdline")).ok().and_then(|line| data_dir_in(&line)).filter(|dir| dir.is_dir());
        Some(Self { name, state: rest.chars().next()?, owner, started, data_dir })
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

    /// Whether it is the server of this data directory that noted this second as its start: its number may be another process's by now. Where
    /// it does not name its directory, its age decides, which moves with each step of the machine's clock.
    pub fn is_of(&self, cluster: &Path, second: Option<u64>) -> bool {
        match &self.data_dir {
            Some(dir) => is_dir(dir, cluster),
            None => second.is_some_and(|second| self.began_at(second)),
        }
    }

    fn began_at(&self, second: u64) -> bool {
        self.started.is_some_and(|started| started.abs_diff(second) <= START_SLACK)
    }
}

/// What stands behind `-D` on a command line, as a whole path.
fn data_dir_in(line: &[u8]) -> Option<PathBuf> {
    let mut arguments = line.split(|byte| *byte == 0);
    arguments.find(|argument| *argument == b"-D")?;
    let dir = PathBuf::from(OsStr::from_bytes(arguments.next()?));
    dir.is_absolute().then_some(dir)
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
        facts_of(name, state, "")
    }

    fn facts_of(name: &str, state: char, command_line: &str) -> ProcessFacts {
        let proc = tempfile::tempdir().unwrap();
        fs::create_dir(proc.path().join("4711")).unwrap();
        let ticks = 30 * rustix::param::clock_ticks_per_second();
        let stat = format!("4711 ({name}) {state} 1 4711 4711 0 -1 4 5 6 7 8 9 10 11 12 20 0 1 0 {ticks} 23 24\n");
        fs::write(proc.path().join("4711/stat"), stat).unwrap();
        fs::write(proc.path().join("4711/cmdline"), command_line).unwrap();
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
    fn a_server_is_known_by_its_directory_though_the_clock_was_set_since() {
        let (cluster, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let of = |dir: &str| facts_of("postgres", 'S', &format!("/usr/bin/postgres\0-D\0{dir}\0-c\0x=1\0"));
        let (began, moved) = (Some(1_790_000_031), Some(1_790_000_091));

        let server = of(&cluster.path().display().to_string());
        assert!(server.is_of(cluster.path(), moved) && server.is_of(cluster.path(), None));
        assert!(!of(&other.path().display().to_string()).is_of(cluster.path(), began), "a server of another one");
        for unknown in ["data", "/no/such/directory"] {
            let server = of(unknown);
            assert!(server.is_of(cluster.path(), began) && !server.is_of(cluster.path(), moved), "{unknown}");
        }
    }

    #[test]
    fn our_own_process_is_read_as_the_system_shows_it() {
        let own = ProcessFacts::of(i32::try_from(std::process::id()).unwrap());

        let Some(own) = own else { return assert!(!Path::new("/proc/self/stat").exists()) };
        assert_eq!(own.owner, rustix::process::geteuid().as_raw());
        assert!(!own.is_frozen());
    }
}
