//! Logs: to stderr for verbs, to a file for the dashboard, whose screen they would spoil. Never a token: secrets live in
//! types that do not print, and the HTTP libraries are kept from telling what they write.

use std::fs::DirBuilder;
use std::io::{self, IsTerminal};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use thiserror::Error;
use tracing::level_filters::LevelFilter;
use tracing::{Level, Subscriber};
use tracing_appender::non_blocking::WorkerGuard;
use tracing_appender::rolling::{InitError, RollingFileAppender, Rotation};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::{FilterFn, filter_fn};
use tracing_subscriber::fmt;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// How many days of logs are kept.
const DAYS_KEPT: usize = 14;

/// Libraries that see requests, token and all, before they are sealed: told no more than `info`, whatever is asked for.
const CAPPED: [&str; 5] = ["hyper", "hyper_util", "h2", "reqwest", "rustls"];

/// How much is told: how often `-v` was given.
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
            Self::Quiet => "warn",
            Self::Info => "warn,blastdeck=info",
            Self::Debug => "info,blastdeck=debug",
            Self::Trace => "info,blastdeck=trace",
        }
    }
}

/// Why there is no log file.
#[derive(Debug, Error)]
pub enum TelemetryError {
    #[error("no directory for logs at {}: {source}", path.display())]
    Directory { path: PathBuf, source: io::Error },
    #[error("no log file in {}: {source}", path.display())]
    File { path: PathBuf, source: InitError },
}

/// Logs to stderr from here on. The first call in a process counts, later ones change nothing.
pub fn to_stderr(verbosity: Verbosity) {
    let colour = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let builder = fmt().with_env_filter(filter(verbosity, rust_log())).with_writer(io::stderr).with_ansi(colour);
    // Somebody who was first has chosen already.
    let _ = match verbosity {
        Verbosity::Quiet | Verbosity::Info => builder.with_target(false).without_time().finish().with(cap()).try_init(),
        Verbosity::Debug | Verbosity::Trace => builder.finish().with(cap()).try_init(),
    };
}

/// Logs to a file of the day in `directory`, which is made if need be, for its owner only (phone numbers occur). Lines
/// are written by a thread of their own until the guard is dropped: keep it to the end of `main`.
pub fn to_file(directory: &Path, verbosity: Verbosity) -> Result<WorkerGuard, TelemetryError> {
    let (subscriber, guard) = file_subscriber(directory, filter(verbosity.max_info(), rust_log()))?;
    let _ = subscriber.try_init();
    Ok(guard)
}

impl Verbosity {
    /// A file is read after the event: it tells what is being done even when nobody asked.
    fn max_info(self) -> Self {
        if self == Self::Quiet { Self::Info } else { self }
    }
}

fn file_subscriber(
    directory: &Path,
    filter: EnvFilter,
) -> Result<(impl Subscriber + Send + Sync + use<>, WorkerGuard), TelemetryError> {
    let path = || directory.to_owned();
    let made = DirBuilder::new().recursive(true).mode(0o700).create(directory);
    made.map_err(|source| TelemetryError::Directory { path: path(), source })?;
    let appender = RollingFileAppender::builder()
        .rotation(Rotation::DAILY)
        .filename_prefix("blastdeck")
        .filename_suffix("log")
        .max_log_files(DAYS_KEPT)
        .build(directory)
        .map_err(|source| TelemetryError::File { path: path(), source })?;
    let (writer, guard) = tracing_appender::non_blocking(appender);
    let subscriber = fmt().with_env_filter(filter).with_writer(writer).with_ansi(false).finish().with(cap());
    Ok((subscriber, guard))
}

fn rust_log() -> Option<String> {
    std::env::var("RUST_LOG").ok().filter(|directives| !directives.trim().is_empty())
}

/// `RUST_LOG` if there is one, else what the verbosity asks for.
fn filter(verbosity: Verbosity, rust_log: Option<String>) -> EnvFilter {
    let directives = rust_log.unwrap_or_else(|| verbosity.directives().to_owned());
    EnvFilter::builder().with_default_directive(LevelFilter::WARN.into()).parse_lossy(directives)
}

/// A filter above all directives: however exactly one names a capped library, it is not told more.
fn cap() -> FilterFn {
    filter_fn(|metadata| {
        let library = metadata.target().split("::").next().unwrap_or_default();
        *metadata.level() <= Level::INFO || !CAPPED.contains(&library)
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use secrecy::SecretString;

    use super::*;

    /// What a day's file holds after these directives and some events.
    fn logged(filter: EnvFilter) -> String {
        let dir = tempfile::tempdir().unwrap();
        let logs = dir.path().join("logs");
        let (subscriber, guard) = file_subscriber(&logs, filter).unwrap();
        let token = SecretString::from("s3cret");
        tracing::subscriber::with_default(subscriber, || {
            tracing::debug!(target: "blastdeck::engine", "told in detail");
            tracing::info!(target: "blastdeck::engine", ?token, name = "Aina\u{1b}[2J", "told");
            tracing::warn!(target: "elsewhere", "warned");
            tracing::trace!(target: "hyper::proto", "x-wsapme-token: s3cret");
            tracing::debug!(target: "reqwest::connect", "x-wsapme-token: s3cret");
        });
        drop(guard);
        assert_eq!(logs.metadata().unwrap().permissions().mode() & 0o777, 0o700);
        let files: Vec<_> = std::fs::read_dir(&logs).unwrap().map(|file| file.unwrap().path()).collect();
        assert_eq!(files.len(), 1, "one file a day");
        std::fs::read_to_string(&files[0]).unwrap()
    }

    #[test]
    fn each_v_tells_more() {
        assert!(!logged(filter(Verbosity::Quiet, None)).contains("told"));
        assert!(logged(filter(Verbosity::Quiet, None)).contains("warned"));
        let info = logged(filter(Verbosity::from_count(1), None));
        assert!(info.contains("told") && !info.contains("told in detail"), "{info}");
        assert!(logged(filter(Verbosity::from_count(2), None)).contains("told in detail"));
    }

    #[test]
    fn rust_log_is_obeyed_and_nonsense_in_it_is_passed_over() {
        let log = logged(filter(Verbosity::Trace, Some("error".to_owned())));
        assert!(!log.contains("told") && !log.contains("warned"), "{log}");
        assert!(logged(filter(Verbosity::Quiet, Some("blastdeck=debug,=?=".to_owned()))).contains("told in detail"));
    }

    #[test]
    fn no_token_is_logged_however_much_is_asked_for() {
        let log = logged(filter(Verbosity::Trace, Some("trace,hyper::proto=trace,reqwest::connect=debug".to_owned())));

        assert!(log.contains("told in detail"));
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

        assert!(error.to_string().starts_with("no directory for logs at /proc/nowhere/logs: "), "{error}");
    }
}
