//! Logs: to stderr for verbs, to a file for the dashboard, whose screen they would garble. Never with a token: secrets
//! are in types that do not print, and the HTTP libraries may not log what they write.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use chrono::{NaiveDate, Utc};
use rustix::fs::{FileType, OFlags, fstat};
use rustix::process::geteuid;
use thiserror::Error;
use tracing::level_filters::LevelFilter;
use tracing::{Level, Subscriber};
use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::{FilterFn, filter_fn};
use tracing_subscriber::fmt;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// How many days of logs are kept.
const DAYS_KEPT: usize = 14;

/// Libraries that see requests with their token before encryption: capped at `info`, whatever the filter says.
const CAPPED: [&str; 5] = ["hyper", "hyper_util", "h2", "reqwest", "rustls"];

/// How much is logged, by the number of `-v` flags.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Verbosity {
    /// Warnings and errors.
    #[default]
    Quiet,
    /// `-v`: what is being done.
    Info,
    /// `-vv`: how.
    Debug,
    /// `-vvv`: everything.
    Trace,
}

impl Verbosity {
    /// From the number of `-v`.
    pub fn from_count(count: u8) -> Self {
        match count {
            0 => Self::Quiet,
            1 => Self::Info,
            2 => Self::Debug,
            _ => Self::Trace,
        }
    }

    fn directives(self) -> &'static str {
        match self {
            // Whoever uses the pool reports a database that fails; its own warnings are about single connections.
            Self::Quiet => "warn,sqlx=error",
            Self::Info => "warn,sqlx=error,blastdeck=info",
            Self::Debug => "info,blastdeck=debug",
            Self::Trace => "info,blastdeck=trace",
        }
    }
}

/// Why there is no log file.
#[derive(Debug, Error)]
pub enum TelemetryError {
    #[error("cannot create the log directory {}: {source}", path.display())]
    Directory { path: PathBuf, source: io::Error },
    #[error("cannot open a log file in {}: {source}", path.display())]
    File { path: PathBuf, source: io::Error },
}

/// Starts logging to stderr. Only the first call in a process has an effect.
pub fn to_stderr(verbosity: Verbosity) {
    let colour = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let builder = fmt()
        .with_env_filter(filter(verbosity, rust_log()))
        .with_writer(io::stderr)
        .with_ansi(colour)
        // It would print that a line could not be written, which panics where stderr is what cannot be written to.
        .log_internal_errors(false);
    // Fails only where a subscriber is already set.
    let _ = match verbosity {
        Verbosity::Quiet | Verbosity::Info if is_file(io::stderr()) => {
            builder.with_target(false).finish().with(cap()).try_init()
        }
        Verbosity::Quiet | Verbosity::Info => builder.with_target(false).without_time().finish().with(cap()).try_init(),
        Verbosity::Debug | Verbosity::Trace => builder.finish().with(cap()).try_init(),
    };
}

/// Nobody is there to see when a line comes; a journal notes that itself.
fn is_file(output: impl AsFd) -> bool {
    fstat(output).is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile)
}

/// Starts logging to a daily file in `directory`, which is created if needed, for its owner only (logs contain phone
/// numbers). A separate thread writes until the guard is dropped: keep it to the end of `main`.
pub fn to_file(directory: &Path, verbosity: Verbosity) -> Result<WorkerGuard, TelemetryError> {
    let (subscriber, guard) = file_subscriber(directory, filter(verbosity.max_info(), rust_log()))?;
    let _ = subscriber.try_init();
    Ok(guard)
}

impl Verbosity {
    /// A file is read after the event: it logs at least `info`.
    fn max_info(self) -> Self {
        if self == Self::Quiet { Self::Info } else { self }
    }
}

/// How many lines may wait for the disk; what comes beyond them is dropped. Room for all of them is taken at the start, 32 bytes each:
/// the library's own number took 4 MB.
const WAITING_LINES: usize = 4_096;

fn file_subscriber(
    directory: &Path,
    filter: EnvFilter,
) -> Result<(impl Subscriber + Send + Sync + use<>, WorkerGuard), TelemetryError> {
    let path = || directory.to_owned();
    private_dir(directory).map_err(|source| TelemetryError::Directory { path: path(), source })?;
    let appender = DailyLog::open(directory).map_err(|source| TelemetryError::File { path: path(), source })?;
    let (writer, guard) = NonBlockingBuilder::default().buffered_lines_limit(WAITING_LINES).finish(appender);
    let subscriber = fmt().with_env_filter(filter).with_writer(writer).with_ansi(false).finish().with(cap());
    Ok((subscriber, guard))
}

/// Creates a directory that only its user may enter, or restricts ours. Root creates missing parents with search
/// permission for all: its database server runs as another user and has its data beside the logs.
pub fn private_dir(directory: &Path) -> io::Result<()> {
    if let Some(parent) = directory.parent() {
        let mode = if geteuid().is_root() { 0o711 } else { 0o700 };
        DirBuilder::new().recursive(true).mode(mode).create(parent)?;
    }
    match DirBuilder::new().mode(0o700).create(directory) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let found = fs::symlink_metadata(directory)?;
            let is_ours = found.is_dir() && found.uid() == geteuid().as_raw();
            if is_ours && found.mode() & 0o077 != 0 {
                fs::set_permissions(directory, Permissions::from_mode(0o700))?;
            }
            Ok(())
        }
        made => made,
    }
}

/// Opens a log for appending and creates its directory if needed. Accessible to its user only, whoever created it, and
/// never through a link.
pub fn append_to(path: &Path) -> io::Result<File> {
    if let Some(directory) = path.parent() {
        private_dir(directory)?;
    }
    let no_follow = i32::try_from(OFlags::NOFOLLOW.bits()).unwrap_or_default();
    let file = OpenOptions::new().create(true).append(true).mode(0o600).custom_flags(no_follow).open(path)?;
    let found = file.metadata()?;
    if found.is_file() && found.mode() & 0o077 != 0 && found.uid() == geteuid().as_raw() {
        file.set_permissions(Permissions::from_mode(0o600))?;
    }
    Ok(file)
}

/// One log file per day (UTC) in a directory; the oldest are removed.
struct DailyLog {
    directory: PathBuf,
    day: NaiveDate,
    file: File,
}

impl DailyLog {
    fn open(directory: &Path) -> io::Result<Self> {
        let day = Utc::now().date_naive();
        let file = append_to(&directory.join(name_of(day)))?;
        remove_old(directory);
        Ok(Self { directory: directory.to_owned(), day, file })
    }
}

impl Write for DailyLog {
    /// Starts a new file with the first line of a day; keeps the old one if that fails.
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        if self.day != Utc::now().date_naive()
            && let Ok(next) = Self::open(&self.directory)
        {
            *self = next;
        }
        self.file.write(text)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn name_of(day: NaiveDate) -> String {
    format!("blastdeck.{day}.log")
}

fn day_of(name: &str) -> Option<NaiveDate> {
    name.strip_prefix("blastdeck.")?.strip_suffix(".log")?.parse().ok()
}

/// Keeps the newest files. Ignores files that cannot be removed.
fn remove_old(directory: &Path) {
    let names = fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.file_name());
    let mut days: Vec<_> = names.filter_map(|name| day_of(name.to_str()?)).collect();
    days.sort_unstable();
    for day in days.iter().rev().skip(DAYS_KEPT) {
        let _ = fs::remove_file(directory.join(name_of(*day)));
    }
}

fn rust_log() -> Option<String> {
    std::env::var("RUST_LOG").ok().filter(|directives| !directives.trim().is_empty())
}

/// `RUST_LOG` if set, else the directives of the verbosity.
fn filter(verbosity: Verbosity, rust_log: Option<String>) -> EnvFilter {
    let directives = rust_log.unwrap_or_else(|| verbosity.directives().to_owned());
    EnvFilter::builder().with_default_directive(LevelFilter::WARN.into()).parse_lossy(directives)
}

/// Applies on top of all directives: even one that names a capped library cannot raise its level.
fn cap() -> FilterFn {
    filter_fn(|metadata| {
        let library = metadata.target().split("::").next().unwrap_or_default();
        *metadata.level() <= Level::INFO || !CAPPED.contains(&library)
    })
}

#[cfg(test)]
mod tests {
    use secrecy::SecretString;

    use super::*;

    /// The contents of a day's file after some events with this filter.
    fn logged(filter: EnvFilter) -> String {
        let dir = tempfile::tempdir().unwrap();
        let logs = dir.path().join("logs");
        let (subscriber, guard) = file_subscriber(&logs, filter).unwrap();
        let token = SecretString::from("s3cret");
        tracing::subscriber::with_default(subscriber, || {
            tracing::debug!(target: "blastdeck::engine", "detail");
            tracing::info!(target: "blastdeck::engine", ?token, name = "Aina\u{1b}[2J", "plain");
            tracing::warn!(target: "elsewhere", "warned");
            tracing::warn!(target: "sqlx_core::pool::inner", "of one connection");
            tracing::trace!(target: "hyper::proto", "x-wsapme-token: s3cret");
            tracing::debug!(target: "reqwest::connect", "x-wsapme-token: s3cret");
        });
        drop(guard);
        assert_eq!(logs.metadata().unwrap().permissions().mode() & 0o777, 0o700);
        let files: Vec<_> = std::fs::read_dir(&logs).unwrap().map(|file| file.unwrap().path()).collect();
        assert_eq!(files.len(), 1, "one file a day");
        std::fs::read_to_string(&files[0]).unwrap()
    }

    fn mode(path: &Path) -> u32 {
        path.metadata().unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn logs_and_their_directory_are_for_their_user_only_whoever_made_them_first() {
        let dir = tempfile::tempdir().unwrap();
        let logs = dir.path().join("data/logs");
        let today = logs.join(name_of(Utc::now().date_naive()));
        for path in [&today, &logs.join("standby.log")] {
            fs::create_dir_all(&logs).unwrap();
            fs::set_permissions(&logs, Permissions::from_mode(0o755)).unwrap();
            fs::write(path, "").unwrap();
            fs::set_permissions(path, Permissions::from_mode(0o644)).unwrap();
        }

        drop(file_subscriber(&logs, filter(Verbosity::Quiet, None)).unwrap());
        append_to(&logs.join("standby.log")).unwrap();
        append_to(&logs.join("new.log")).unwrap();

        assert_eq!(mode(&logs), 0o700);
        for name in [today, logs.join("standby.log"), logs.join("new.log")] {
            assert_eq!(mode(&name), 0o600, "{}", name.display());
        }
    }

    #[test]
    fn what_the_first_log_makes_above_itself_lets_roots_server_through() {
        let dir = tempfile::tempdir().unwrap();
        let logs = dir.path().join("data/logs");

        drop(file_subscriber(&logs, filter(Verbosity::Quiet, None)).unwrap());

        let passable = if geteuid().is_root() { 0o711 } else { 0o700 };
        assert_eq!((mode(&dir.path().join("data")), mode(&logs)), (passable, 0o700));
    }

    #[test]
    fn no_log_is_written_through_a_link() {
        let dir = tempfile::tempdir().unwrap();
        let precious = dir.path().join("precious");
        fs::write(&precious, "mine").unwrap();
        std::os::unix::fs::symlink(&precious, dir.path().join("standby.log")).unwrap();

        assert!(append_to(&dir.path().join("standby.log")).is_err());
        assert_eq!(fs::read_to_string(&precious).unwrap(), "mine");
    }

    #[test]
    fn two_weeks_of_logs_are_kept() {
        let dir = tempfile::tempdir().unwrap();
        for day in 1..=20 {
            fs::write(dir.path().join(format!("blastdeck.2020-01-{day:02}.log")), "").unwrap();
        }
        fs::write(dir.path().join("blastdeck.notes.log"), "").unwrap();

        drop(DailyLog::open(dir.path()).unwrap());

        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), DAYS_KEPT + 1);
        assert!(dir.path().join("blastdeck.2020-01-20.log").exists());
        assert!(!dir.path().join("blastdeck.2020-01-07.log").exists());
    }

    #[test]
    fn each_v_tells_more() {
        assert!(!logged(filter(Verbosity::Quiet, None)).contains("plain"));
        let quiet = logged(filter(Verbosity::Quiet, None));
        assert!(quiet.contains("warned") && !quiet.contains("of one connection"), "{quiet}");
        let info = logged(filter(Verbosity::from_count(1), None));
        assert!(info.contains("plain") && !info.contains("detail"), "{info}");
        assert!(logged(filter(Verbosity::from_count(2), None)).contains("detail"));
    }

    #[test]
    fn rust_log_is_obeyed_and_nonsense_in_it_is_passed_over() {
        let log = logged(filter(Verbosity::Trace, Some("error".to_owned())));
        assert!(!log.contains("plain") && !log.contains("warned"), "{log}");
        assert!(logged(filter(Verbosity::Quiet, Some("blastdeck=debug,=?=".to_owned()))).contains("detail"));
    }

    #[test]
    fn no_token_is_logged_however_much_is_asked_for() {
        let log = logged(filter(Verbosity::Trace, Some("trace,hyper::proto=trace,reqwest::connect=debug".to_owned())));

        assert!(log.contains("detail"));
        assert!(!log.contains("s3cret"), "{log}");
    }

    #[test]
    fn an_escape_sequence_in_a_name_is_harmless_to_whoever_reads_the_log() {
        let log = logged(filter(Verbosity::Info, None));

        assert!(!log.contains('\u{1b}'), "{log:?}");
    }

    #[test]
    fn a_directory_that_cannot_be_made_is_an_error_with_its_path() {
        let error = to_file(Path::new("/proc/nowhere/logs"), Verbosity::Quiet).unwrap_err();

        assert!(error.to_string().starts_with("cannot create the log directory /proc/nowhere/logs: "), "{error}");
    }
}
