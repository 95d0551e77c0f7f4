//! A private Postgres on this machine: the installed server's programs run a cluster under our data directory, reached by a Unix
//! socket, without TCP. It is started on demand, shared by every blastdeck of the user, and stays up when we leave.
//! Knows nothing of tables, pools or the operator: it gives an address, or a sentence that says why not.

mod account;
mod address;
mod binaries;
mod cluster;
mod command;
mod data_dir;
mod error;
mod guard;
mod install;
mod lock;
mod postmaster;
mod process;
mod throwaway;

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

pub use address::Address;
pub use error::PrivatePostgresError;
pub use guard::guard_main;
pub use install::{install, install_command};
pub use throwaway::{GUARD_ARGUMENT, Throwaway};

use account::Account;
use binaries::Search;
use cluster::{Care, Cluster};
use data_dir::{default_data_dir, make_data_dir};
use lock::Lock;
use postmaster::{Found, Phase, Probe, Stop};

/// The oldest server that the schema works with.
pub const OLDEST_MAJOR: u32 = 14;

/// How often a condition is looked at again while waiting.
const POLL: Duration = Duration::from_millis(20);

/// How long a server may take to be ready, recovery after a crash included.
const START_PATIENCE: Duration = Duration::from_secs(120);

/// How long the sessions of a killed server may live on before they are ended.
const ORPHAN_PATIENCE: Duration = Duration::from_secs(2);

/// How long a server that says it is ready may refuse us before it is started anew: its socket has been removed.
const UNREACHABLE_PATIENCE: Duration = Duration::from_secs(3);

/// How long a server that says it is ready may say nothing when it is asked: it is frozen, or its machine is.
const SILENCE_PATIENCE: Duration = Duration::from_secs(10);

/// How long a server may take to end by itself before its sessions are ended: it may wait for ours, which never end.
const SESSIONS_PATIENCE: Duration = Duration::from_secs(3);

/// How long an orderly stop may take.
const STOP_PATIENCE: Duration = Duration::from_secs(60);

/// The private Postgres of one data directory.
#[derive(Debug, Clone)]
pub struct PrivatePostgres {
    data_dir: PathBuf,
    search: Search,
}

/// What a data directory's server is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServerStatus {
    /// There is no data yet.
    Absent,
    /// There is data, and no server.
    Stopped,
    /// A server lives; `address` is `None` while it starts or stops.
    Running { pid: i32, address: Option<Address> },
}

/// What [`PrivatePostgres::stop`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopped {
    /// A server ran and has ended.
    Now,
    /// None ran.
    WasNotRunning,
}

/// What came of waiting for a live server.
enum Settled {
    Ready(Address),
    Gone,
    /// It runs, and its socket is gone: after a clean-up of `/tmp`, or of a session's directory at its end.
    Unreachable(i32),
}

impl PrivatePostgres {
    /// The private Postgres in `data_dir`, by default in the user's data directory, for root in `/var/lib/blastdeck`.
    /// Touches nothing yet.
    pub fn new(data_dir: Option<PathBuf>) -> Result<Self, PrivatePostgresError> {
        let data_dir = data_dir.map_or_else(default_data_dir, Ok)?;
        let data_dir = std::path::absolute(&data_dir).map_err(PrivatePostgresError::io("find", &data_dir))?;
        Ok(Self { data_dir, search: Search::this_machine() })
    }

    /// Where the data is. The cluster itself is the directory `postgres` in it.
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// The address of the running server; makes the cluster and starts the server where needed. With the server up this is one
    /// file read and one connect.
    pub async fn ensure_running(&self) -> Result<Address, PrivatePostgresError> {
        let local = self.clone();
        let started = in_background(move || local.running()?.map_or_else(|| local.start(), Ok)).await;
        started.map_err(|error| error.on_disk_of(&self.data_dir))
    }

    /// Starts a server that died. One that was stopped on purpose stays so, and where there is no data none is made: fails
    /// with [`PrivatePostgresError::StoppedOnPurpose`] or [`PrivatePostgresError::NoData`].
    pub async fn revive(&self) -> Result<Address, PrivatePostgresError> {
        let local = self.clone();
        in_background(move || local.running()?.map_or_else(|| local.revive_blocking(), Ok)).await
    }

    /// Whether there is data: not before the first start, nor once its directory was removed.
    pub fn has_data(&self) -> bool {
        self.cluster_dir().join("PG_VERSION").exists()
    }

    /// Whether somebody stopped the server on purpose, and nobody has started it since.
    pub fn is_stopped_on_purpose(&self) -> bool {
        self.stop_note().exists()
    }

    /// Ends the server in order, whoever started it, and notes that this was wanted. Data stays.
    pub async fn stop(&self) -> Result<Stopped, PrivatePostgresError> {
        let local = self.clone();
        in_background(move || local.stop_blocking()).await
    }

    /// What the server is doing, without changing it.
    pub fn status(&self) -> Result<ServerStatus, PrivatePostgresError> {
        let cluster = self.cluster_dir();
        match postmaster::find(&cluster)? {
            Found::Alive(server) => {
                let address = server.address.filter(|_| server.phase == Phase::Ready);
                Ok(ServerStatus::Running { pid: server.pid, address })
            }
            _ => Ok(cluster::version_of(&cluster)?.map_or(ServerStatus::Absent, |_| ServerStatus::Stopped)),
        }
    }

    /// Whether the server was asked to end, and still lives.
    pub fn is_stopping(&self) -> bool {
        matches!(postmaster::find(&self.cluster_dir()), Ok(Found::Alive(server)) if server.phase == Phase::Stopping)
    }

    /// The fast path: no lock, no process.
    fn running(&self) -> Result<Option<Address>, PrivatePostgresError> {
        let announced = postmaster::announced(&self.cluster_dir())?;
        Ok(announced.filter(|address| postmaster::probe(address) == Probe::Answered))
    }

    fn cluster_dir(&self) -> PathBuf {
        self.data_dir.join("postgres")
    }

    fn start(&self) -> Result<Address, PrivatePostgresError> {
        make_data_dir(&self.data_dir)?;
        let lock = Lock::acquire(&self.lock_path())?;
        let address = self.start_locked(&lock)?;
        cluster::remove(&self.stop_note())?;
        Ok(address)
    }

    fn revive_blocking(&self) -> Result<Address, PrivatePostgresError> {
        let no_data = || PrivatePostgresError::NoData { dir: self.cluster_dir() };
        if !self.has_data() {
            return Err(no_data());
        }
        let lock = Lock::acquire(&self.lock_path())?;
        // Under the lock: a stop holds it from before its note until the server has ended.
        if self.is_stopped_on_purpose() {
            return Err(PrivatePostgresError::StoppedOnPurpose);
        }
        if self.has_data() { self.start_locked(&lock) } else { Err(no_data()) }
    }

    fn start_locked(&self, lock: &Lock) -> Result<Address, PrivatePostgresError> {
        // Whoever held the lock before us has started it, as a rule.
        if let Some(address) = self.running()? {
            return Ok(address);
        }
        let dir = fs::canonicalize(&self.data_dir)
            .map_err(PrivatePostgresError::io("find", &self.data_dir))?
            .join("postgres");
        let deadline = Instant::now() + START_PATIENCE;
        match settle(&dir, deadline)? {
            Settled::Ready(address) => return Ok(address),
            Settled::Gone => {}
            Settled::Unreachable(pid) => end(pid, &dir)?,
        }
        self.start_new(dir, lock)
    }

    /// Starts a server where none lives.
    fn start_new(&self, dir: PathBuf, lock: &Lock) -> Result<Address, PrivatePostgresError> {
        cluster::refuse_unquotable(&dir)?;
        let account = Account::of(&dir)?;
        let version = cluster::version_of(&dir)?;
        if version.is_none() {
            cluster::refuse_occupied(&dir)?;
        }
        let binaries = self.search.find(&dir, version)?;
        account.check_way_to(dir.parent().unwrap_or(&dir))?;
        if version.is_some() {
            account.check_owner(&dir)?;
        }
        let cluster = Cluster { dir, account, binaries, care: Care::Durable };
        if version.is_none() {
            cluster.create(|| lock.as_input())?;
        }
        let address = cluster.write_settings()?;
        cluster.bury_crashed(&address)?;
        start_after_orphans(&cluster, lock)?;
        Ok(address)
    }

    fn stop_blocking(&self) -> Result<Stopped, PrivatePostgresError> {
        if !self.data_dir.exists() {
            return Ok(Stopped::WasNotRunning);
        }
        let _lock = Lock::acquire(&self.lock_path())?;
        let dir = self.cluster_dir();
        let server = postmaster::find(&dir)?;
        if let Found::Alive(server) = &server {
            postmaster::refuse_frozen(server.pid)?;
        }
        if self.has_data() {
            data_dir::write_note(&self.stop_note())?;
        }
        let Found::Alive(server) = server else { return Ok(Stopped::WasNotRunning) };
        end(server.pid, &dir)?;
        remove_socket_dir(server.address.as_ref());
        Ok(Stopped::Now)
    }

    fn lock_path(&self) -> PathBuf {
        self.data_dir.join("postgres.lock")
    }

    /// What a stop leaves, so that no engine takes it for a crash.
    fn stop_note(&self) -> PathBuf {
        self.data_dir.join("postgres.stopped")
    }
}

/// Sessions of a killed server end soon after it; those that do not are ended.
fn start_after_orphans(cluster: &Cluster, lock: &Lock) -> Result<(), PrivatePostgresError> {
    let patient_until = Instant::now() + ORPHAN_PATIENCE;
    let deadline = patient_until + ORPHAN_PATIENCE;
    loop {
        let input = lock.as_input().map_err(PrivatePostgresError::io("share the lock of", &cluster.dir))?;
        let Err(error) = cluster.start_detached(input, START_PATIENCE) else { return Ok(()) };
        let orphaned = error.to_string().contains("shared memory block");
        if !orphaned || Instant::now() >= deadline {
            return Err(error);
        }
        if Instant::now() >= patient_until {
            postmaster::end_orphans(&cluster.dir)?;
        }
        thread::sleep(POLL);
    }
}

/// Waits until a live server answers, is gone, or has shown that it cannot be reached.
fn settle(dir: &Path, deadline: Instant) -> Result<Settled, PrivatePostgresError> {
    let (mut refused_since, mut silent_since, mut stopping_since) = (None, None, None);
    while let Found::Alive(server) = postmaster::find(dir)? {
        if server.phase == Phase::Stopping
            && stopping_since.get_or_insert_with(Instant::now).elapsed() >= SESSIONS_PATIENCE
        {
            postmaster::ask_to_stop(server.pid, Stop::Orderly)?;
            stopping_since = Some(Instant::now());
        }
        let ready = server.address.filter(|_| server.phase == Phase::Ready);
        match ready.map(|address| (postmaster::probe(&address), address)) {
            Some((Probe::Answered, address)) => return Ok(Settled::Ready(address)),
            Some((Probe::Refused, _)) => {
                let since = *refused_since.get_or_insert_with(Instant::now);
                if since.elapsed() >= UNREACHABLE_PATIENCE {
                    return Ok(Settled::Unreachable(server.pid));
                }
            }
            // A server under load is waited for for a while, and never ended.
            Some((Probe::Silent, _)) => {
                postmaster::refuse_frozen(server.pid)?;
                refused_since = None;
                if silent_since.get_or_insert_with(Instant::now).elapsed() >= SILENCE_PATIENCE {
                    return Err(not_answering(dir, SILENCE_PATIENCE));
                }
            }
            None => (refused_since, silent_since) = (None, None),
        }
        if Instant::now() >= deadline {
            return Err(not_answering(dir, START_PATIENCE));
        }
        thread::sleep(POLL);
    }
    Ok(Settled::Gone)
}

fn not_answering(dir: &Path, patience: Duration) -> PrivatePostgresError {
    PrivatePostgresError::NotAnswering { log: cluster::log_dir(dir), seconds: patience.as_secs() }
}

fn end(pid: i32, dir: &Path) -> Result<(), PrivatePostgresError> {
    postmaster::refuse_frozen(pid)?;
    postmaster::ask_to_stop(pid, Stop::Orderly)?;
    if postmaster::wait_until_gone(pid, dir, STOP_PATIENCE) {
        return Ok(());
    }
    Err(PrivatePostgresError::NotStopping { pid, log: cluster::log_dir(dir), seconds: STOP_PATIENCE.as_secs() })
}

/// A socket directory outside the data is not needed any more; that something else is in it, or it is gone, does not matter.
fn remove_socket_dir(address: Option<&Address>) {
    let dir = address.map(Address::socket_dir);
    let named_by_us =
        |dir: &&Path| dir.file_name().is_some_and(|name| name.to_string_lossy().starts_with("blastdeck-"));
    if let Some(dir) = dir.filter(named_by_us) {
        let _ = fs::remove_dir(dir);
    }
}

/// Runs what waits for programs and files on a thread where waiting is allowed.
async fn in_background<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, PrivatePostgresError> + Send + 'static,
) -> Result<T, PrivatePostgresError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(stopped) => Err(PrivatePostgresError::Program {
            program: "a background thread".to_owned(),
            message: stopped.to_string(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::os::unix::net::UnixListener;

    use super::*;

    fn local_without_programs(data_dir: &Path) -> PrivatePostgres {
        PrivatePostgres { data_dir: data_dir.to_owned(), search: Search::within("", data_dir) }
    }

    #[tokio::test]
    async fn a_running_server_is_used_without_any_program() {
        let room = tempfile::tempdir().unwrap();
        let cluster = room.path().join("postgres");
        fs::create_dir(&cluster).unwrap();
        let shown = cluster.display();
        fs::write(cluster.join("postmaster.pid"), format!("1\n{shown}\n0\n5432\n{shown}\n\n\nready   \n")).unwrap();
        let listener = UnixListener::bind(cluster.join(".s.PGSQL.5432")).unwrap();
        let server = thread::spawn(move || {
            let (mut client, _) = listener.accept().unwrap();
            client.read_exact(&mut [0; 8]).unwrap();
            client.write_all(b"N").unwrap();
        });

        let address = local_without_programs(room.path()).ensure_running().await.unwrap();
        server.join().unwrap();

        assert_eq!(address.socket_dir(), cluster);
    }

    #[tokio::test]
    async fn a_machine_without_a_server_says_so_and_prepares_nothing() {
        let room = tempfile::tempdir().unwrap();

        let error = local_without_programs(room.path()).ensure_running().await.unwrap_err();

        assert!(matches!(error, PrivatePostgresError::NotInstalled), "{error}");
        assert!(!room.path().join("postgres").exists());
    }
}
