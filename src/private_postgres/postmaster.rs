//! The running server as its `postmaster.pid` describes it: whether it lives, where it answers, how it is ended.
//! The file is believed in nothing but after a look at the process or the socket: it outlives crashes.

use std::fs;
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::process::ProcessFacts;
use super::{Address, POLL, PrivatePostgresError};

/// How a server is asked to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// Sessions are ended, data is written out ("fast").
    Orderly,
    /// At once, as in a crash ("immediate"): for data that nobody wants again.
    Crash,
}

impl Stop {
    fn signal(self) -> Signal {
        match self {
            Self::Orderly => Signal::INT,
            Self::Crash => Signal::QUIT,
        }
    }
}

/// What `postmaster.pid` says. Lines that are not written yet are `None`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Postmaster {
    pub pid: i32,
    pub address: Option<Address>,
    pub phase: Phase,
}

/// The last line of `postmaster.pid`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Starting or recovering.
    Between,
    /// It was asked to end. One that was asked by SIGTERM waits until its last session has ended, and takes no new ones.
    Stopping,
    Ready,
}

/// Refuses a server that was stopped by a signal: it is waited for in vain. Where the system has no `/proc` it is not known.
pub(super) fn refuse_frozen(pid: i32) -> Result<(), PrivatePostgresError> {
    let is_frozen = ProcessFacts::of(pid).is_some_and(|process| process.is_frozen());
    if is_frozen { Err(PrivatePostgresError::Frozen { pid }) } else { Ok(()) }
}

/// What a knock at the socket brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Probe {
    Answered,
    /// Nobody listens there, or somebody who is dying.
    Refused,
    /// Somebody listens and says nothing in time.
    Silent,
}

/// How long a server may take for the one letter.
const PROBE_PATIENCE: Duration = Duration::from_secs(1);

/// Its length, and the code 80877103 (PostgreSQL's protocol, `SSLRequest`).
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];

/// What lives on a data directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Found {
    /// No server, and none that crashed.
    Nothing,
    /// The file of a server that is gone.
    Stale,
    /// A live server.
    Alive(Postmaster),
}

/// Reads the file and looks at the process that it names.
pub(super) fn find(cluster: &Path) -> Result<Found, PrivatePostgresError> {
    let Some(text) = read(cluster)? else { return Ok(Found::Nothing) };
    Ok(match parse(&text) {
        Some(server) if is_server_of(server.pid, cluster, || describes(&text, server.pid, cluster)) => {
            Found::Alive(server)
        }
        _ => Found::Stale,
    })
}

/// Where a ready server says that it answers; whether it does is seen by connecting. No program is run: this is the fast path. The file
/// of a directory that was copied while its server ran names the server of the original, which is not this one's.
pub(super) fn announced(cluster: &Path) -> Result<Option<Address>, PrivatePostgresError> {
    let Some(text) = read(cluster)? else { return Ok(None) };
    let of_another =
        |server: &Postmaster| works_in(server.pid, cluster) != Some(true) && !is_dir(data_dir_in(&text), cluster);
    let server = parse(&text).filter(|server| server.phase == Phase::Ready && !of_another(server));
    Ok(server.and_then(|server| server.address))
}

/// The data directory as the server was given it.
fn data_dir_in(text: &str) -> &Path {
    Path::new(text.lines().nth(1).unwrap_or_default())
}

/// Whether the file is of this directory, and this process the one that wrote it.
fn describes(text: &str, pid: i32, cluster: &Path) -> bool {
    let started = text.lines().nth(2).and_then(|second| second.trim().parse().ok());
    is_dir(data_dir_in(text), cluster) && ProcessFacts::of(pid).is_some_and(|process| process.is_of(cluster, started))
}

/// Whether both are the same directory, by whatever path.
pub(super) fn is_dir(path: &Path, other: &Path) -> bool {
    identity(path).is_ok_and(|one| identity(other).is_ok_and(|other| one == other))
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    fs::metadata(path).map(|data| (data.dev(), data.ino()))
}

/// Asks for TLS, which a server answers with one letter before it asks anything back. A mere connect would also succeed with a
/// server that is being killed.
pub(super) fn probe(address: &Address) -> Probe {
    let asked = UnixStream::connect(address.socket()).and_then(|mut socket| {
        socket.set_read_timeout(Some(PROBE_PATIENCE))?;
        socket.write_all(&SSL_REQUEST)?;
        socket.read_exact(&mut [0])
    });
    match asked {
        Ok(()) => Probe::Answered,
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => Probe::Silent,
        Err(_) => Probe::Refused,
    }
}

/// The stale file with a process number that cannot exist. The number may be another process's by now, and the server would take it
/// for its own; the file itself must stay, since by its last lines a new server sees that parts of the old one still live.
pub(super) fn with_impossible_pid(stale: &str) -> String {
    let rest = stale.split_once('\n').map_or("", |(_, rest)| rest);
    format!("{}\n{rest}", i32::MAX)
}

/// The text of `postmaster.pid`, if there is one.
pub(super) fn read(cluster: &Path) -> Result<Option<String>, PrivatePostgresError> {
    let path = file_in(cluster);
    match fs::read(&path) {
        Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(PrivatePostgresError::io("read", &path)(error)),
    }
}

pub(super) fn file_in(cluster: &Path) -> PathBuf {
    cluster.join("postmaster.pid")
}

/// Process, data directory, start, port, socket directory, TCP address, shared memory, status: a line each
/// (PostgreSQL's `utils/pidfile.h`).
pub(super) fn parse(text: &str) -> Option<Postmaster> {
    let lines: Vec<&str> = text.lines().collect();
    let pid = lines.first()?.trim().parse().ok().filter(|pid| *pid > 0)?;
    let port = lines.get(3).and_then(|port| port.trim().parse().ok());
    let dir = lines.get(4).filter(|dir| dir.starts_with('/'));
    let address = port.zip(dir).map(|(port, dir)| Address::new(PathBuf::from(dir), port));
    let phase = match lines.get(7).map(|status| status.trim()) {
        Some("ready") => Phase::Ready,
        Some("stopping") => Phase::Stopping,
        _ => Phase::Between,
    };
    Some(Postmaster { pid, address, phase })
}

/// Whether process `pid` is a server of this data directory: every process of a server works in its data directory. Where that may not be seen,
/// it is one by its name and its owner, and by what else speaks for it: taken for dead, a live server would lose its pid file, and end itself.
fn is_server_of(pid: i32, cluster: &Path, is_plausible: impl Fn() -> bool) -> bool {
    if Path::new("/proc/self/cwd").exists() {
        let may_serve = || ProcessFacts::of(pid).is_some_and(|process| process.may_serve(cluster));
        return works_in(pid, cluster).unwrap_or_else(|| may_serve() && is_plausible());
    }
    let output = Command::new("ps").args(["-o", "comm=", "-p", &pid.to_string()]).output();
    output.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).trim().ends_with("postgres"))
}

/// `None` where it may not be looked at. A dead process that nobody has collected yet works nowhere.
fn works_in(pid: i32, cluster: &Path) -> Option<bool> {
    match identity(&PathBuf::from(format!("/proc/{pid}/cwd"))) {
        Err(error) if error.kind() == ErrorKind::PermissionDenied => None,
        found => Some(found.is_ok_and(|found| identity(cluster).is_ok_and(|cluster| found == cluster))),
    }
}

/// Sends the signal; a process that is gone is what was wanted.
pub(super) fn ask_to_stop(pid: i32, stop: Stop) -> Result<(), PrivatePostgresError> {
    signal(pid, stop.signal())
}

fn signal(pid: i32, signal: Signal) -> Result<(), PrivatePostgresError> {
    let Some(pid) = Pid::from_raw(pid) else { return Ok(()) };
    match kill_process(pid, signal) {
        Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
        Err(error) => Err(PrivatePostgresError::io("signal process", Path::new(&pid.to_string()))(error.into())),
    }
}

/// Waits until the server's process has ended, which is a moment after its pid file is gone; says whether that came true.
pub(super) fn wait_until_gone(pid: i32, cluster: &Path, patience: Duration) -> bool {
    let deadline = Instant::now() + patience;
    while is_server_of(pid, cluster, || true) {
        if Instant::now() >= deadline {
            return false;
        }
        thread::sleep(POLL);
    }
    true
}

/// Ends what a killed server left at work: its sessions notice its death only between statements, and while one lives no new
/// server may start. Linux only; elsewhere they are waited for.
pub(super) fn end_orphans(cluster: &Path) -> Result<(), PrivatePostgresError> {
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        let name = fs::read_to_string(entry.path().join("comm")).unwrap_or_default();
        if name.trim() == "postgres" && works_in(pid, cluster) == Some(true) {
            signal(pid, Signal::QUIT)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUNNING: &str = "4711\n/data/postgres\n1790000000\n5432\n/run/sock\n\n 5432001  98304\nready   \n";

    #[test]
    fn a_ready_server_says_where_it_answers() {
        let server = parse(RUNNING).unwrap();

        assert_eq!(server.pid, 4711);
        assert_eq!(server.phase, Phase::Ready);
        assert_eq!(server.address.unwrap().socket(), Path::new("/run/sock/.s.PGSQL.5432"));
    }

    #[test]
    fn a_half_written_file_is_a_server_that_is_not_ready() {
        let server = parse("4711\n/data/postgres\n").unwrap();

        assert_eq!((server.address, server.phase), (None, Phase::Between));
    }

    #[test]
    fn a_server_that_was_asked_to_end_says_so() {
        assert_eq!(parse(&RUNNING.replace("ready   ", "stopping")).unwrap().phase, Phase::Stopping);
    }

    #[test]
    fn an_empty_or_damaged_file_names_no_server() {
        for text in ["", "\n", "abc\n", "-12\n/data\n", "0\n", "99999999999\n"] {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn another_process_under_the_same_number_is_not_the_server() {
        let data = tempfile::tempdir().unwrap();
        fs::write(file_in(data.path()), RUNNING.replace("4711", &std::process::id().to_string())).unwrap();

        assert_eq!(find(data.path()).unwrap(), Found::Stale);
    }

    #[test]
    fn a_file_describes_a_server_of_its_own_directory_and_age() {
        let data = tempfile::tempdir().unwrap();
        let own = i32::try_from(std::process::id()).unwrap();
        let says =
            |dir: &Path, second: u64| describes(&format!("{own}\n{}\n{second}\n", dir.display()), own, data.path());
        let now = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs();
        if !Path::new("/proc/self/stat").exists() {
            return;
        }

        // This process began within the last hour.
        assert!((now - 3_600..=now).rev().any(|second| says(data.path(), second)));
        assert!(!says(data.path(), now - 86_400), "another had the number");
        assert!(!(now - 3_600..=now).any(|second| says(Path::new("/"), second)), "copied");
        assert!(!describes(&format!("{own}\n{}\n", data.path().display()), own, data.path()), "half written");
    }

    #[test]
    fn a_buried_file_keeps_its_shared_memory() {
        let buried = with_impossible_pid(RUNNING);

        assert!(buried.starts_with("2147483647\n/data/postgres\n"), "{buried}");
        assert!(buried.contains(" 5432001  98304"), "{buried}");
    }
}
