//! The standby: another process of this program that waits for the leases, so that a blast goes on when the window
//! that started it is gone, however it went. One for each database and configuration file on a machine.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::fs::{FlockOperation, OFlags, flock};
use rustix::process::{Pid, Signal, kill_process};
use tokio::time::{Instant, sleep};

use super::file_lock::FileLock;
use super::fingerprint::{Fingerprint, hash_of, program};
use crate::config::{Config, Flags, SettingOrigin, ValueSource};
use crate::domain::text::clean;
use crate::telemetry;

/// How long a standby that is asked to end may keep its lock: it lets go before it waits for its last answers.
const HANDOVER_PATIENCE: Duration = Duration::from_secs(5);

/// The most that is read of a log's end, in bytes.
const READ_MAX: u64 = 4096;

/// A log that has grown to this many bytes is put aside when the next standby starts.
const LOG_MAX: u64 = 8 * 1024 * 1024;

/// The most that is read of a lock file, in bytes: it names each sender.
const LOCK_MAX: u64 = 16 * 1024 * 1024;

/// How to start one, and the file that says whether one runs.
#[derive(Debug, Clone)]
pub struct Standby {
    /// The program with its arguments, in full.
    program: PathBuf,
    arguments: Vec<String>,
    /// What it finds in its environment beside ours: the database's address, which may hold a password.
    environment: Vec<(String, String)>,
    /// Locked by the standby as long as it serves.
    lock: PathBuf,
    /// Where it logs.
    log: PathBuf,
    /// What it will read its settings by.
    flags: Flags,
    /// What one started now would be.
    fingerprint: Fingerprint,
}

impl Standby {
    /// A standby with the configuration file and the database of this process.
    ///
    /// # Errors
    /// No such configuration is there for another process: a pipe was read to its end. A standby would find nothing in it, and take the
    /// place of one that has the senders.
    pub fn new(config: &Config, database_url: &str) -> io::Result<Self> {
        if config.path().is_some_and(|path| fs::metadata(path).is_ok_and(|about| about.file_type().is_fifo())) {
            let why = "the configuration was a pipe, which no other process can read again: give --config a file";
            return Err(io::Error::other(why));
        }
        let program = program()?;
        let mut arguments = vec!["engine".to_owned(), "--until-idle".to_owned(), "--standby".to_owned()];
        if let Some(path) = config.path() {
            arguments.extend(["--config".to_owned(), std::path::absolute(path)?.display().to_string()]);
        }
        let flag = address_beside_the_file(config).map(str::to_owned);
        let flags = Flags { config: config.path().map(Path::to_owned), database_url: flag };
        // It will read the file as it is now, which may not be as this process has read it.
        let now = Config::load(&flags);
        Ok(Self {
            fingerprint: Fingerprint::of(&program, now.as_ref().unwrap_or(config))?,
            flags,
            program,
            arguments,
            environment: environment(config),
            lock: lock_path(config, database_url),
            log: config.database.data_dir.join("log/standby.log"),
        })
    }

    /// Starts one by the program and the settings as they are in their files now, unless one like it runs.
    pub fn ensure_current(&mut self) {
        if let Some(fingerprint) = self.current() {
            self.fingerprint = fingerprint;
            self.ensure();
        }
    }

    /// The same, but only where program, settings or a token are others than those of the one before.
    pub fn ensure_changed(&mut self) {
        if let Some(fingerprint) = self.current().filter(|current| *current != self.fingerprint) {
            self.fingerprint = fingerprint;
            self.ensure();
        }
    }

    fn current(&self) -> Option<Fingerprint> {
        let current = Config::load(&self.flags)
            .map_err(|error| error.to_string())
            .and_then(|config| Fingerprint::of(&self.program, &config).map_err(|error| error.to_string()));
        current
            .inspect_err(|why| tracing::warn!(%why, "no standby can be started with the configuration as it is now"))
            .ok()
    }

    /// Starts one unless one like it runs. A failure is logged: this process goes on sending itself.
    pub fn ensure(&self) {
        if let Err(error) = self.try_ensure() {
            tracing::warn!(%error, "no standby could be started: closing this window would stop the sending");
        }
    }

    /// Starts one unless one runs that can do the same; `None` when one does. One with another program or configuration, or
    /// without one of our tokens, is replaced by the new one, which asks it to end.
    pub fn try_ensure(&self) -> io::Result<Option<Started>> {
        let holder = holder(&self.lock)?;
        if holder.as_ref().is_some_and(|holder| holder.covers(&self.fingerprint)) {
            return Ok(None);
        }
        self.warn_of_lost_senders(holder.and_then(|holder| holder.fingerprint));
        self.start().map(Some)
    }

    /// Senders that the standby in place can send for, and the one that replaces it cannot: it has this shell's tokens.
    fn warn_of_lost_senders(&self, replaced: Option<Fingerprint>) {
        let (Some(replaced), Ok(config)) = (replaced, Config::load(&self.flags)) else { return };
        for sender in self.fingerprint.lacks(&replaced, &config) {
            let Err(why) = sender.token.read(&sender.name) else { continue };
            tracing::warn!(sender = %sender.name, %why, "the standby is replaced by one that cannot send for this sender");
        }
    }

    /// Whether one runs that has opened the database with what this process has: program, configuration, tokens.
    pub fn is_ready(&self) -> io::Result<bool> {
        Ok(holder(&self.lock)?.is_some_and(|holder| holder.covers(&self.fingerprint)))
    }

    /// Whether one runs that was started with the same program and settings, but has another token for one of the senders.
    pub fn is_of_another_shell(&self) -> bool {
        let holder = holder(&self.lock).ok().flatten().and_then(|holder| holder.fingerprint);
        holder.is_some_and(|holder| holder.differs_in_a_token(&self.fingerprint))
    }

    /// Whether any runs, whatever it was started with.
    pub fn is_running(&self) -> io::Result<bool> {
        Ok(holder(&self.lock)?.is_some())
    }

    /// How long its log is now, in bytes.
    pub fn log_length(&self) -> u64 {
        fs::metadata(&self.log).map_or(0, |log| log.len())
    }

    /// The last line that was logged since the log had this length, fit for a screen.
    pub fn last_words(&self, since: u64) -> Option<String> {
        let mut file = File::open(&self.log).ok()?;
        let length = file.metadata().ok()?.len();
        // A shorter one is another log: the one of then was put aside.
        let since = if since > length { 0 } else { since };
        file.seek(SeekFrom::Start(since.max(length.saturating_sub(READ_MAX)))).ok()?;
        let mut bytes = Vec::new();
        file.take(READ_MAX).read_to_end(&mut bytes).ok()?;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let line = text.lines().rev().find(|line| !line.trim().is_empty())?;
        Some(clean(line.trim().trim_start_matches("blastdeck: ")).into_owned())
    }

    /// Where it logs.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// In a process group of its own, with nothing inherited that a closing terminal could break. It makes a session of
    /// its own as soon as it runs.
    fn start(&self) -> io::Result<Started> {
        put_aside(&self.log, LOG_MAX);
        let log = telemetry::append_to(&self.log)?;
        let mut child = Command::new(&self.program)
            .args(&self.arguments)
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .process_group(0)
            .spawn()?;
        let ended = Arc::new(AtomicBool::new(false));
        let started = Started { ended: ended.clone() };
        // Reaped whenever it ends; it usually outlives us.
        std::thread::spawn(move || {
            let _ = child.wait();
            ended.store(true, Ordering::Release);
        });
        Ok(started)
    }
}

/// Keeps a log from growing without end: one of this size becomes `standby.log.1`, in place of the one before. Whoever still writes to it
/// goes on there. One that cannot be moved is written on.
fn put_aside(log: &Path, size: u64) {
    let is_full = fs::symlink_metadata(log).is_ok_and(|found| found.is_file() && found.len() >= size);
    if is_full && let Err(error) = fs::rename(log, log.with_extension("log.1")) {
        tracing::warn!(%error, "the log of the standby cannot be put aside, and grows on");
    }
}

/// A standby that this process has started.
#[derive(Debug)]
pub struct Started {
    ended: Arc<AtomicBool>,
}

impl Started {
    /// Whether it has ended: at once, where it found what it cannot work with, or another one like it.
    pub fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }
}

/// An address that the configuration file names is read there again, so that a change of it is followed; the private
/// database is found by its directory, so that the standby may start it again. Any other goes by the environment:
/// arguments are for everybody on this machine to read.
fn environment(config: &Config) -> Vec<(String, String)> {
    let shown = |path: &Path| path.display().to_string();
    let dirs = [
        ("BLASTDECK_DATA_DIR".to_owned(), shown(&config.database.data_dir)),
        ("BLASTDECK_STATE_DIR".to_owned(), shown(&config.database.state_dir)),
    ];
    let url = address_beside_the_file(config).map(|url| ("DATABASE_URL".to_owned(), url.to_owned()));
    dirs.into_iter().chain(url).collect()
}

/// The database's address, where the environment or a flag names it.
fn address_beside_the_file(config: &Config) -> Option<&str> {
    let is_in_file =
        |origin: &SettingOrigin| origin.key == "database.url" && matches!(origin.source, ValueSource::File { .. });
    let url = config.database.url.as_ref().filter(|_| !config.origins().iter().any(is_in_file))?;
    Some(url.expose())
}

/// The file that the standby of this configuration file and database holds locked.
pub fn lock_path(config: &Config, url: &str) -> PathBuf {
    let name = hash_of(&(url, config.path().and_then(|path| std::path::absolute(path).ok())));
    config.database.data_dir.join("run").join(format!("standby-{name:016x}.lock"))
}

/// What a lock file says of who holds it.
struct Holder {
    pid: Option<Pid>,
    /// `None` where another version wrote it.
    fingerprint: Option<Fingerprint>,
}

impl Holder {
    fn covers(&self, fingerprint: &Fingerprint) -> bool {
        self.fingerprint.as_ref().is_some_and(|own| own.covers(fingerprint))
    }
}

/// Who holds the lock; `None` when nobody does. A process that has only just locked it may not have written yet: such a
/// one is like nobody that we know.
fn holder(path: &Path) -> io::Result<Option<Holder>> {
    let mut file = match OpenOptions::new().read(true).custom_flags(OFlags::NOFOLLOW.bits().cast_signed()).open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other?,
    };
    if flock(&file, FlockOperation::NonBlockingLockShared).is_ok() {
        return Ok(None);
    }
    let mut text = String::new();
    (&mut file).take(LOCK_MAX).read_to_string(&mut text)?;
    let (pid, fingerprint) = text.trim().split_once(' ').unwrap_or_default();
    let pid = pid.parse().ok().filter(|pid| *pid > 1).and_then(Pid::from_raw);
    Ok(Some(Holder { pid, fingerprint: fingerprint.parse().ok() }))
}

/// The standby's own side: the lock with its name on it, for as long as the value lives.
#[derive(Debug)]
pub struct StandbyLock(FileLock);

impl StandbyLock {
    /// Takes the lock; `None` when a standby has it that can do what this one can. Another one is asked to end, and where it
    /// does not let go (a frozen process) the lock file is made anew: leases keep the two apart.
    pub async fn take(path: &Path, fingerprint: &Fingerprint) -> io::Result<Option<Self>> {
        let deadline = Instant::now() + HANDOVER_PATIENCE;
        let mut asked = false;
        loop {
            if let Some(lock) = Self::try_take(path, fingerprint)? {
                return Ok(Some(lock));
            }
            if let Some(holder) = holder(path)? {
                if holder.covers(fingerprint) {
                    return Ok(None);
                }
                if !asked && let Some(pid) = holder.pid.filter(|pid| is_standby(*pid)) {
                    tracing::info!("another standby, of another program or configuration, is replaced");
                    kill_process(pid, Signal::TERM)?;
                    asked = true;
                }
            }
            if Instant::now() >= deadline {
                tracing::warn!("another standby does not let go of its lock, and is passed over");
                fs::remove_file(path)?;
            }
            sleep(Duration::from_millis(20)).await;
        }
    }

    fn try_take(path: &Path, fingerprint: &Fingerprint) -> io::Result<Option<Self>> {
        if let Some(dir) = path.parent() {
            telemetry::private_dir(dir)?;
        }
        let Some(mut lock) = FileLock::try_take(path)? else { return Ok(None) };
        lock.file_mut().set_len(0)?;
        write!(lock.file_mut(), "{} {fingerprint}", std::process::id())?;
        Ok(Some(Self(lock)))
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Whether the lock file is still the one that is locked: not when its directory was removed, or when another
    /// standby has made the file anew.
    pub fn is_in_place(&self) -> bool {
        self.0.is_in_place()
    }
}

/// A number read from a file may be another process's by now. Where processes cannot be looked at, the lock is believed.
fn is_standby(pid: Pid) -> bool {
    let Ok(line) = fs::read(format!("/proc/{}/cmdline", pid.as_raw_pid())) else {
        return !Path::new("/proc/self").exists();
    };
    line.split(|byte| *byte == 0).any(|word| word == b"--standby")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_that_has_grown_is_put_aside_and_a_link_or_a_short_one_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let (log, aside) = (dir.path().join("standby.log"), dir.path().join("standby.log.1"));
        fs::write(&aside, "long ago").unwrap();
        fs::write(&log, "short").unwrap();

        put_aside(&log, 6);
        assert_eq!(fs::read_to_string(&log).unwrap(), "short");
        put_aside(&log, 5);
        assert_eq!((log.exists(), fs::read_to_string(&aside).unwrap().as_str()), (false, "short"));

        std::os::unix::fs::symlink(&aside, &log).unwrap();
        put_aside(&log, 1);
        assert!(fs::symlink_metadata(&log).unwrap().is_symlink());
    }
}
