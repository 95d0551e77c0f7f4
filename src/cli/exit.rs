//! Exit codes: 0 done, 1 failed, 2 wrong usage, 3 refused (nothing changed), 4 audit difference, 5 not done yet.

use std::process::ExitCode;

use color_eyre::Report;
use serde_json::json;

use super::output::{ChangesStandError, StdoutError, json_to_stderr, talk};
use crate::app::{AppError, StoreError, unread_after};
use crate::config::ConfigError;
use crate::domain::text::{clean, pasteable, without_details};

/// Wrong usage found after the arguments were parsed: in the configuration, or in a file.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct UsageError(pub String);

/// Forbidden by a rule or a state; nothing changed.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct RefusedError(pub String);

/// What was waited for is not done, and does not become so by waiting longer, or not in the time that there was.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct NotDoneError(pub String);

/// How a failure is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ErrorFormat {
    /// One sentence.
    Text,
    /// One JSON object, for scripts.
    Json,
}

/// How a failure is printed: its form, and how this program is called in the command lines of its mend.
#[derive(Debug, Clone)]
pub struct ErrorStyle {
    format: ErrorFormat,
    program: String,
}

impl ErrorStyle {
    pub(super) const fn new(format: ErrorFormat, program: String) -> Self {
        Self { format, program }
    }
}

/// Prints the failure on standard error, in one line (each problem of a configuration in its own), and returns its exit code. A reader that has gone away (`| head`)
/// is not a failure where nothing was changed: nobody has the secret that was made, or knows the id.
pub fn fail(report: &Report, style: &ErrorStyle) -> ExitCode {
    ExitCode::from(failed(report, style))
}

/// The same for whoever ends the process at once.
pub(super) fn failed(report: &Report, style: &ErrorStyle) -> u8 {
    if is_reader_gone(report) && report.downcast_ref::<ChangesStandError>().is_none() {
        return 0;
    }
    let (kind, code) = kind(report);
    let sentence = pasteable(&sentence(report), &style.program);
    match style.format {
        ErrorFormat::Text => talk(&format!("blastdeck: {}", lines(report, &sentence))),
        ErrorFormat::Json => print_json(kind, code, &sentence),
    }
    code
}

/// Prints a failure as one line of JSON, also on standard error: standard output holds data only.
pub(super) fn print_json(kind: &str, code: u8, message: &str) {
    let message = clean(message);
    json_to_stderr(&json!({ "error": { "kind": kind, "exit_code": code, "message": message } }));
}

/// The sentence in one line; of an invalid configuration a line for each problem.
fn lines(report: &Report, sentence: &str) -> String {
    if report.downcast_ref::<ConfigError>().is_some() { sentence.to_owned() } else { sentence.replace('\n', " ") }
}

/// The error and its causes, except those whose text is already included.
pub(super) fn sentence(report: &Report) -> String {
    let said = report.chain().map(ToString::to_string).fold(String::new(), |said, cause| {
        if said.is_empty() {
            cause
        } else if said.contains(&cause) {
            said
        } else {
            format!("{said}: {cause}")
        }
    });
    without_details(&said)
}

/// The failure's kind in JSON, and its exit code.
fn kind(report: &Report) -> (&'static str, u8) {
    if report.downcast_ref::<ConfigError>().is_some() || report.downcast_ref::<UsageError>().is_some() {
        return ("usage", 2);
    }
    match report.downcast_ref::<AppError>() {
        Some(AppError::Invalid(_) | AppError::InvalidAt { .. }) => ("usage", 2),
        Some(
            AppError::Refused(_)
            | AppError::RefusedAsItStands { .. }
            | AppError::Changed
            | AppError::PeopleChanged(_)
            | AppError::QueuedChanged(_)
            | AppError::Overtaken(_)
            | AppError::ForgottenMeanwhile
            | AppError::Repeated,
        ) => ("refused", 3),
        Some(AppError::NotFound(_) | AppError::NotFoundIn { .. }) => ("not_found", 1),
        Some(AppError::PartlyDone { error, .. }) if matches!(**error, AppError::Store(_)) => ("database", 1),
        Some(AppError::Store(_) | AppError::Unfinished { .. }) => ("database", 1),
        Some(AppError::Unread { .. }) => ("done_unread", 1),
        None if report.downcast_ref::<RefusedError>().is_some() => ("refused", 3),
        None if report.downcast_ref::<NotDoneError>().is_some() => ("not_done", 5),
        None if report.downcast_ref::<StoreError>().is_some() => ("database", 1),
        None | Some(AppError::Failed(_) | AppError::PartlyDone { .. }) => ("failed", 1),
    }
}

/// Says of a failure of the database, behind something that was done and from reading alone, that it is done.
pub(super) fn unread_report(done: impl Into<String>) -> impl FnOnce(Report) -> Report {
    move |report| match report.downcast::<AppError>() {
        Ok(error) => unread_after(done)(error).into(),
        Err(other) => other,
    }
}

/// Whether nobody reads standard output any more. A broken connection has the same kind, and is a failure.
fn is_reader_gone(report: &Report) -> bool {
    let broken = |error: &std::io::Error| error.kind() == std::io::ErrorKind::BrokenPipe;
    report.downcast_ref::<StdoutError>().is_some()
        && report.chain().filter_map(|cause| cause.downcast_ref::<std::io::Error>()).any(broken)
}

#[cfg(test)]
mod tests {
    use std::io;

    use color_eyre::Report;

    use super::{is_reader_gone, kind, lines, sentence, unread_report};
    use crate::app::{AppError, StoreError};
    use crate::cli::output::StdoutError;
    use crate::config::Config;

    #[test]
    fn each_problem_of_a_configuration_has_its_own_line_and_other_failures_have_one() {
        let invalid = Config::from_toml_str("[ui]\ntimezone = \"Mars\"\n[polling]\nper_second = -1\n").unwrap_err();
        let invalid = Report::from(invalid);
        let other = color_eyre::eyre::eyre!("one\ntwo");

        assert_eq!(lines(&invalid, &sentence(&invalid)).lines().count(), 2);
        assert_eq!(lines(&other, &sentence(&other)), "one two");
    }

    #[test]
    fn what_is_done_and_unread_is_a_failure_of_its_own_that_says_so() {
        let broken = || AppError::Store(StoreError::Unavailable(sqlx::Error::PoolTimedOut));
        let done = unread_report("Raya is launched")(broken().into());
        let refused = unread_report("Raya is launched")(AppError::Refused("it is paused".to_owned()).into());

        assert_eq!(kind(&done), ("done_unread", 1));
        assert!(sentence(&done).starts_with("Raya is launched; how it stands now could not be read"), "{done}");
        assert_eq!((kind(&broken().into()), kind(&refused)), (("database", 1), ("refused", 3)));
    }

    #[test]
    fn a_broken_connection_is_a_failure_and_no_reader_that_has_gone_away() {
        let broken = || Report::from(io::Error::from(io::ErrorKind::BrokenPipe));
        let full = Report::from(io::Error::from(io::ErrorKind::StorageFull));

        assert!(is_reader_gone(&broken().wrap_err(StdoutError)));
        assert!(!is_reader_gone(&full.wrap_err(StdoutError)));
        assert!(!is_reader_gone(&broken().wrap_err("the database's server cannot be started")));
    }
}
