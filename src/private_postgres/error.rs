//! What can go wrong with a private Postgres, each with the sentence that mends it.

use std::io;
use std::path::{Path, PathBuf};

use super::install;

/// Why the private Postgres could not be found, prepared, started or stopped.
#[derive(Debug, thiserror::Error)]
pub enum PrivatePostgresError {
    /// No directory of this machine holds `postgres`, `pg_ctl` and `initdb`.
    #[error("PostgreSQL's server is not installed: {}, or set DATABASE_URL", install::advice(None))]
    NotInstalled,
    /// Servers were found, all older than [`super::OLDEST_MAJOR`].
    #[error("the installed PostgreSQL server is {found}, {oldest} or newer is needed: {}, or set DATABASE_URL", install::advice(None), oldest = super::OLDEST_MAJOR)]
    TooOld { found: u32 },
    /// The data was written by another major version than any that is installed.
    #[error(
        "the data in {} was written by PostgreSQL {data}, but the installed server is PostgreSQL {server}: {}, \
         or carry the data over with pg_upgrade, or move that directory away to begin anew",
        dir.display(), install::advice(Some(*data))
    )]
    OtherMajor { dir: PathBuf, data: u32, server: u32 },
    /// No data directory was given and the home directory is unknown.
    #[error(
        "the home directory is unknown: set BLASTDECK_DATA_DIR to a directory for the private database, or set DATABASE_URL"
    )]
    NoHome,
    /// A server refuses to run as root, and the account it would run as does not exist.
    #[error(
        "a PostgreSQL server refuses to run as root and there is no user `postgres` to run it as: create one (useradd --system postgres), or set DATABASE_URL"
    )]
    NoServerAccount,
    /// As root: the server's account may not pass through a directory above its data.
    #[error("the database server runs as {account} (it refuses to run as root), which may not enter {}: choose another BLASTDECK_DATA_DIR, or allow it with chmod o+x", dir.display())]
    NotTraversable { dir: PathBuf, account: String },
    /// A directory that should be the server's alone belongs to another user, or others may enter it.
    #[error("{} is not a directory of the database server's user alone, so it is not used: remove it, or choose a shorter BLASTDECK_DATA_DIR", dir.display())]
    ForeignSocketDir { dir: PathBuf },
    /// The data belongs to another user than the one that the server runs as.
    #[error(
        "{} belongs to user {owner}, and the database server, which runs as {account}, uses no other's data: give it back with \
         `chown -R {uid} {}`",
        dir.display(),
        dir.display()
    )]
    ForeignData { dir: PathBuf, owner: u32, uid: u32, account: String },
    /// Somebody else has been starting or stopping this server for too long.
    #[error("another blastdeck has held {} for {seconds} s: wait for it to finish, or end it", lock.display())]
    Busy { lock: PathBuf, seconds: u64 },
    /// The server runs, or is recovering, and does not answer in time.
    #[error("the private database server does not answer after {seconds} s: its log is in {}", log.display())]
    NotAnswering { log: PathBuf, seconds: u64 },
    /// The server still runs this long after it was asked to stop.
    #[error("the private database server (process {pid}) has not stopped after {seconds} s: its log is in {}", log.display())]
    NotStopping { pid: i32, log: PathBuf, seconds: u64 },
    /// The server was stopped by a signal (SIGSTOP), and does nothing until it is let go on.
    #[error(
        "the private database server (process {pid}) is frozen, as by `kill -STOP`: `kill -CONT {pid}` lets it go on"
    )]
    Frozen { pid: i32 },
    /// The disk that holds the data is full.
    #[error(
        "the disk that holds {} is full: make room there (a new private database takes about {NEW_DATABASE_MB} MB), choose another \
         BLASTDECK_DATA_DIR, or set DATABASE_URL",
        dir.display()
    )]
    DiskFull { dir: PathBuf },
    /// It was stopped with `db stop`, and only a person starts it again.
    #[error("the private database was stopped on purpose: start it with `blastdeck db start`")]
    StoppedOnPurpose,
    /// The data that a server served is gone: its directory was removed or moved away.
    #[error("there is no database in {} any more", dir.display())]
    NoData { dir: PathBuf },
    /// One of PostgreSQL's own programs failed.
    #[error("{program} failed: {message}")]
    Program { program: String, message: String },
    /// The guard of a throwaway server ended without having started it.
    #[error("the throwaway database did not start: {0}")]
    Guard(String),
    /// The machine's own package command failed, or there is none that is known.
    #[error("PostgreSQL could not be installed: {0}")]
    Install(String),
    /// A file stands where the data directory should be, or above it.
    #[error("{} cannot be made, for a file is in its place: move that away, or choose another BLASTDECK_DATA_DIR", dir.display())]
    FileInPlace { dir: PathBuf },
    /// There is no database where it should be, and none can be made there.
    #[error("{} {what}, or choose another BLASTDECK_DATA_DIR", dir.display())]
    Occupied { dir: PathBuf, what: String },
    /// A path that `pg_ctl`, which puts it into a line of a shell, does not take as it is.
    #[error("PostgreSQL's pg_ctl cannot start a server in {}: choose a BLASTDECK_DATA_DIR without \", $, ` and \\", dir.display())]
    UnusablePath { dir: PathBuf },
    /// A file or directory could not be read, written or made.
    #[error("cannot {action} {}: {source}", path.display())]
    Io { action: &'static str, path: PathBuf, source: io::Error },
}

/// What a fresh cluster takes, its first write-ahead log included.
const NEW_DATABASE_MB: u32 = 60;

/// `ENOSPC` and `EDQUOT` in the words of the C library, which PostgreSQL's programs repeat.
pub(super) const NO_ROOM: [&str; 2] = ["No space left on device", "Disk quota exceeded"];

impl PrivatePostgresError {
    /// The same, reported as a full disk where that is behind it.
    pub(super) fn on_disk_of(self, dir: &Path) -> Self {
        let is_full = match &self {
            Self::Program { message, .. } | Self::Guard(message) => NO_ROOM.iter().any(|words| message.contains(words)),
            Self::Io { source, .. } => {
                matches!(source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
            }
            _ => false,
        };
        if let Self::Io { source, .. } = &self
            && matches!(source.kind(), io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists)
            && dir.ancestors().any(Path::is_file)
        {
            return Self::FileInPlace { dir: dir.to_owned() };
        }
        if is_full { Self::DiskFull { dir: dir.to_owned() } } else { self }
    }

    /// Wraps an input/output error with what was being done to which path.
    pub(super) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }
}
