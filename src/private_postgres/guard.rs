//! The process that keeps a throwaway Postgres: it makes the server, waits for its own input to close, which its owner's end does
//! whatever that was, and then leaves nothing behind.

use std::io::{self, Read, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::process::{Child, ExitCode};
use std::thread;
use std::time::{Instant, SystemTime};

use super::account::Account;
use super::binaries::Search;
use super::cluster::{Care, Cluster};
use super::postmaster::{Probe, Stop};
use super::{Address, POLL, PrivatePostgresError, START_PATIENCE, cluster, postmaster};

/// `blastdeck guard-postgres DIR`: makes `DIR` (which must not exist: what is removed in the end is ours), reports on standard
/// output with one line, and ends when standard input does. Not for people.
pub fn guard_main(dir: &Path) -> ExitCode {
    // A session of our own: no terminal's signals. We may lead one already, then there is nothing to do.
    let _ = rustix::process::setsid();
    if let Err(error) = make(dir) {
        return report(&Err(error));
    }
    let started = serve(dir);
    let code = report(&started.as_ref().map(|(_, address)| address.clone()).map_err(ToString::to_string));
    if started.is_ok() {
        wait_for_owner();
    }
    if let Ok((server, _)) = started {
        end(server);
    }
    cluster::remove(dir).map_or(ExitCode::FAILURE, |()| code)
}

fn make(dir: &Path) -> Result<(), String> {
    let mut builder = std::fs::DirBuilder::new();
    builder.mode(0o711).create(dir).map_err(|error| format!("cannot make {}: {error}", dir.display()))
}

/// Makes a cluster and starts its server.
fn serve(dir: &Path) -> Result<(Child, Address), PrivatePostgresError> {
    let data = dir.join("postgres");
    let account = Account::of(&data)?;
    let binaries = Search::this_machine().find(&data, None)?;
    let cluster = Cluster { dir: data, account, binaries, care: Care::Throwaway };
    cluster.create(|| Ok(std::process::Stdio::null()))?;
    let address = cluster.write_settings()?;
    let mut server = cluster.spawn()?;
    match wait_until_ready(&mut server, &cluster.dir) {
        Ok(()) => Ok((server, address)),
        Err(error) => {
            end(server);
            Err(error)
        }
    }
}

fn wait_until_ready(server: &mut Child, data: &Path) -> Result<(), PrivatePostgresError> {
    let (begun, deadline) = (SystemTime::now(), Instant::now() + START_PATIENCE);
    while !postmaster::announced(data)?.is_some_and(|address| postmaster::probe(&address) == Probe::Answered) {
        if let Ok(Some(status)) = server.try_wait() {
            let message = cluster::fatal_line(data, begun).unwrap_or_else(|| status.to_string());
            return Err(PrivatePostgresError::Program { program: "the database server".to_owned(), message });
        }
        if Instant::now() >= deadline {
            return Err(PrivatePostgresError::NotAnswering {
                log: cluster::start_log(data),
                seconds: START_PATIENCE.as_secs(),
            });
        }
        thread::sleep(POLL / 4);
    }
    Ok(())
}

/// The owner may be gone already: then nobody reads, which is no reason not to clear up.
fn report(started: &Result<Address, String>) -> ExitCode {
    let (line, code) = match started {
        Ok(address) => (format!("ready {}", address.socket_dir().display()), ExitCode::SUCCESS),
        Err(why) => (format!("failed {why}"), ExitCode::FAILURE),
    };
    let _ = writeln!(io::stdout(), "{line}");
    code
}

/// Reads until the input ends; what is read means nothing.
fn wait_for_owner() {
    let mut buffer = [0; 64];
    let mut input = io::stdin();
    while input.read(&mut buffer).is_ok_and(|read| read > 0) {}
}

fn end(mut server: Child) {
    if let Ok(pid) = i32::try_from(server.id()) {
        let _ = postmaster::ask_to_stop(pid, Stop::Crash);
    }
    let _ = server.wait();
}
