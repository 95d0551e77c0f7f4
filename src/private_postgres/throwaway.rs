//! A Postgres for one demo or one test run: up in about a second, gone with its owner, however the owner ends.
//! The owner's side; [`super::guard`] is the process that does the work and the clearing up.

use std::env;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::account::Account;
use super::address::LONGEST_SOCKET_PATH;
use super::binaries::Search;
use super::{Address, POLL, PrivatePostgresError, cluster, command, in_background, postmaster};

/// The hidden argument with which the binary becomes a guard: `blastdeck guard-postgres DIR`.
pub const GUARD_ARGUMENT: &str = "guard-postgres";

/// How long the guard may take to end the server and remove its files.
const END_PATIENCE: Duration = Duration::from_secs(10);

/// A running throwaway server. Dropping it ends the server and removes its files, and so does the death of this process by any
/// signal: the guard's input is a pipe that only we hold.
#[derive(Debug)]
pub struct Throwaway {
    dir: PathBuf,
    address: Address,
    guard: Child,
}

impl Throwaway {
    /// Starts a server in a temporary directory that is called after `label`. `program` is a blastdeck binary: this one
    /// ([`std::env::current_exe`]), or, from a test, the one that is tested.
    pub async fn start(label: &str, program: &Path) -> Result<Self, PrivatePostgresError> {
        let (label, program) = (label.to_owned(), program.to_owned());
        in_background(move || Self::start_in(&env::temp_dir(), &label, &program)).await
    }

    /// [`Throwaway::start`] in another directory, for a thread that may wait.
    pub fn start_in(parent: &Path, label: &str, program: &Path) -> Result<Self, PrivatePostgresError> {
        let dir = new_dir(parent, label)?;
        // The guard looks too, but here the answer keeps its type: no server is a thing that can be mended.
        Search::this_machine().find(&dir, None)?;
        let mut guard = command::detached(program)
            .arg(GUARD_ARGUMENT)
            .arg(&dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(PrivatePostgresError::io("run", program))?;
        match report_of(&mut guard) {
            Ok(address) => Ok(Self { dir, address, guard }),
            Err(error) => {
                end_guard(&mut guard);
                Err(error)
            }
        }
    }

    /// Where it answers: the database `blastdeck`, empty.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// The directory that holds all of it.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Ends the server and removes its files; returns when both are gone.
    pub async fn stop(self) -> Result<(), PrivatePostgresError> {
        in_background(move || {
            drop(self);
            Ok(())
        })
        .await
    }
}

impl Drop for Throwaway {
    fn drop(&mut self) {
        end_guard(&mut self.guard);
        // Only when the guard was killed is anything left.
        if self.dir.exists() {
            let _ = end_without_guard(&self.dir);
        }
    }
}

/// The guard's one line: `ready`, or why not.
fn report_of(guard: &mut Child) -> Result<Address, PrivatePostgresError> {
    let mut line = String::new();
    let read = guard.stdout.take().map(|output| BufReader::new(output).read_line(&mut line));
    match (read, line.trim_end().split_once(' ')) {
        (Some(Ok(_)), Some(("ready", socket_dir))) => Ok(Address::new(PathBuf::from(socket_dir), super::address::PORT)),
        (_, Some(("failed", why))) => Err(PrivatePostgresError::Guard(why.to_owned())),
        _ => Err(PrivatePostgresError::Guard("its guard ended without a word".to_owned())),
    }
}

/// Closes the guard's input and waits for it.
fn end_guard(guard: &mut Child) {
    drop(guard.stdin.take());
    let deadline = Instant::now() + END_PATIENCE;
    while matches!(guard.try_wait(), Ok(None)) {
        if Instant::now() >= deadline {
            let _ = guard.kill();
            let _ = guard.wait();
        }
        thread::sleep(POLL / 4);
    }
}

fn end_without_guard(dir: &Path) -> Result<(), PrivatePostgresError> {
    let data = dir.join("postgres");
    if let postmaster::Found::Alive(server) = postmaster::find(&data)? {
        postmaster::ask_to_stop(server.pid, postmaster::Stop::Crash)?;
        postmaster::wait_until_gone(server.pid, &data, END_PATIENCE);
    }
    cluster::remove(dir)
}

/// A name that is not taken, in a directory, or in `/tmp` where that is too long for a socket or closed to the server.
fn new_dir(parent: &Path, label: &str) -> Result<PathBuf, PrivatePostgresError> {
    let name = format!("blastdeck-{label}-{:08x}", rand::random::<u32>());
    let usual = std::path::absolute(parent).map_err(PrivatePostgresError::io("find", parent))?;
    let fits = usual.join(&name).join("postgres/.s.PGSQL.5432").as_os_str().len() <= LONGEST_SOCKET_PATH;
    let dir = usual.join(&name);
    let open = Account::of(&dir)?.check_way_to(&usual).is_ok();
    Ok(if fits && open { dir } else { Path::new("/tmp").join(name) })
}
