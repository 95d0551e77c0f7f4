//! Exit codes: 0 done, 1 failed, 2 wrong usage, 3 refused (nothing changed), 4 audit difference.

use std::io::Write;
use std::process::ExitCode;

use crate::config::ConfigError;
use crate::engine::EngineError;

/// Wrong usage found after the arguments were read: a configuration, a value in a file.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Usage(pub String);

/// A rule or a state forbids it; nothing changed.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Refused(pub String);

/// Prints what went wrong in a line and tells the exit code. A reader that has gone away (`| head`) is no failure.
pub fn fail(report: &color_eyre::Report) -> ExitCode {
    if is_broken_pipe(report) {
        return ExitCode::SUCCESS;
    }
    let _ = writeln!(std::io::stderr(), "blastdeck: {}", crate::domain::text::clean(&sentence(report)));
    ExitCode::from(code(report))
}

/// The error and its causes, leaving out those whose words were said already.
fn sentence(report: &color_eyre::Report) -> String {
    report.chain().map(ToString::to_string).fold(String::new(), |said, cause| {
        if said.is_empty() {
            cause
        } else if said.contains(&cause) {
            said
        } else {
            format!("{said}: {cause}")
        }
    })
}

fn code(report: &color_eyre::Report) -> u8 {
    if report.downcast_ref::<ConfigError>().is_some() || report.downcast_ref::<Usage>().is_some() {
        return 2;
    }
    let is_refused = matches!(report.downcast_ref::<EngineError>(), Some(EngineError::Refused(_)));
    if is_refused || report.downcast_ref::<Refused>().is_some() { 3 } else { 1 }
}

fn is_broken_pipe(report: &color_eyre::Report) -> bool {
    let broken = |error: &std::io::Error| error.kind() == std::io::ErrorKind::BrokenPipe;
    report.chain().filter_map(|cause| cause.downcast_ref::<std::io::Error>()).any(broken)
}
