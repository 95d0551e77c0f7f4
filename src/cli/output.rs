//! Output: data on standard output, as text or JSON; messages on standard error.

use std::io::{self, IsTerminal as _, Write};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use color_eyre::eyre::eyre;
use color_eyre::{Report, Result};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{OFlags, fcntl_getfl, fstat, stat};
use serde::Serialize;

use super::exit::sentence;
use crate::domain::text::{clean_shown, escaped_json, pasteable};

/// This program's command line as it was called, for the lines of [`talk`].
static CALLED_AS: OnceLock<String> = OnceLock::new();

/// Sets how the command lines in messages call this program: with the flags that select the same database. Once a process.
pub(super) fn call_as(program: String) {
    let _ = CALLED_AS.set(program);
}

/// Data could not be written.
#[derive(Debug, thiserror::Error)]
#[error("standard output cannot be written")]
pub(super) struct StdoutError;

/// What a command changed, or may have, stands although its output failed.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct ChangesStandError(String);

/// What a command has changed, for the case that its output fails afterwards: that stays, and is not to be done twice.
#[derive(Debug, Clone, Default)]
pub(super) struct CommandChanges(Arc<Mutex<ChangeState>>);

#[derive(Debug, Default)]
enum ChangeState {
    #[default]
    Nothing,
    /// The command changes something; whether it has done so is not known.
    Perhaps,
    /// As in `blast 7 is a draft now, and only this could not be printed`.
    Done(String),
}

impl CommandChanges {
    /// The command changes something: output that fails then leaves open whether it did.
    pub(super) fn begin(&self) {
        *self.changed() = ChangeState::Perhaps;
    }

    /// Keeps what was changed, and what is to be done where nobody can read it.
    pub(super) fn done(&self, what: String) {
        *self.changed() = ChangeState::Done(what);
    }

    /// Says with a failed output what was changed before it.
    pub(super) fn explain(&self, failure: Report) -> Report {
        if failure.downcast_ref::<StdoutError>().is_none() {
            return failure;
        }
        match &*self.changed() {
            ChangeState::Nothing => failure,
            ChangeState::Perhaps => {
                let look = "what this changes may be done all the same: look before you repeat it";
                failure.wrap_err(ChangesStandError(look.to_owned()))
            }
            ChangeState::Done(what) => failure.wrap_err(ChangesStandError(as_called(what))),
        }
    }

    fn changed(&self) -> MutexGuard<'_, ChangeState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why data was not written.
pub(super) fn unwritten(error: io::Error) -> Report {
    Report::from(error).wrap_err(StdoutError)
}

/// Refuses a standard output that was closed, for an export, which would be gone without an error.
pub(super) fn refuse_closed_stdout() -> Result<()> {
    refuse_closed("nothing can be written there: add --output FILE")
}

/// The same for what is shown once. Before it is made: nobody would have it.
pub(super) fn refuse_unread_secret() -> Result<()> {
    refuse_closed("nobody would have it: it is shown once, and nothing was made")
}

/// The standard library opens `/dev/null` in the place of a closed one when a program starts, to be read and written. So does Python's
/// `DEVNULL`, by which scripts call what only lists.
fn refuse_closed(so: &str) -> Result<()> {
    let (stdout, null) = (fstat(std::io::stdout())?, stat("/dev/null")?);
    let is_null = (stdout.st_dev, stdout.st_ino) == (null.st_dev, null.st_ino);
    if is_null && fcntl_getfl(std::io::stdout())?.contains(OFlags::RDWR) {
        return Err(eyre!("standard output is closed, so {so}"));
    }
    Ok(())
}

/// Fails once nobody reads standard output any more: of a pipe whose reader has ended, a command that waits for news learns in no other way.
pub(super) fn refuse_gone_reader() -> Result<()> {
    let stdout = std::io::stdout();
    let mut watched = [PollFd::new(&stdout, PollFlags::empty())];
    let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
    match poll(&mut watched, Some(&at_once)) {
        Ok(1..) if watched[0].revents().contains(PollFlags::ERR) => Err(unwritten(io::ErrorKind::BrokenPipe.into())),
        _ => Ok(()),
    }
}

/// Writes a line of data. What others wrote (names, notes, tags) cannot control the terminal.
pub(super) fn line(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", clean_shown(text)).map_err(unwritten)
}

/// Writes lines of data, cleaned like [`line`].
pub(super) fn text(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(clean_lines(text).as_bytes()).and_then(|()| out.flush()).map_err(unwritten)
}

/// Writes one JSON value per line. Escapes all control characters, also those that JSON permits.
pub(super) fn json(value: &impl Serialize) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", escaped_json(&serde_json::to_string(value)?)).map_err(unwritten)
}

/// Writes a message for the operator on standard error, cleaned like [`line`]. Its command lines can be pasted. Errors are
/// ignored: a closed stream wants none.
pub(super) fn talk(text: &str) {
    let _ = writeln!(std::io::stderr(), "{}", clean_lines(&as_called(text)));
}

/// Does work that is nearly always done at once; whoever sits at a terminal and waits for longer reads what for.
pub(super) async fn unless_quick<T>(what: &str, work: impl Future<Output = T>) -> T {
    const QUICK: Duration = Duration::from_millis(1_500);
    tokio::pin!(work);
    if let Ok(done) = tokio::time::timeout(QUICK, &mut work).await {
        return done;
    }
    if io::stderr().is_terminal() {
        talk(what);
    }
    work.await
}

/// What was done, or why it failed, where it was tidied up after: a failure of that is one of its own only where all was well before.
pub(super) fn after_tidying<T>(done: Result<T>, is_well: impl Fn(&T) -> bool, tidied: Result<()>) -> Result<T> {
    let Err(untidy) = tidied else { return done };
    if matches!(&done, Ok(done) if is_well(done)) {
        return Err(untidy);
    }
    talk(&format!("tidying up failed as well: {}", sentence(&untidy)));
    done
}

/// A sentence whose command lines call this program as it was called.
pub(super) fn as_called(text: &str) -> String {
    CALLED_AS.get().map_or_else(|| text.to_owned(), |program| pasteable(text, program))
}

/// Writes one JSON value on standard error.
pub(super) fn json_to_stderr(value: &impl Serialize) {
    let text = serde_json::to_string(value).unwrap_or_default();
    let _ = writeln!(std::io::stderr(), "{}", escaped_json(&text));
}

/// Cleans each line and keeps the line breaks.
fn clean_lines(text: &str) -> String {
    text.split('\n').map(clean_shown).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use std::io;

    use color_eyre::Result;
    use color_eyre::eyre::eyre;

    use super::{ChangesStandError, CommandChanges, after_tidying, clean_lines, unwritten};

    #[test]
    fn what_failed_first_is_the_failure_also_where_tidying_up_fails() {
        let end = |done: Result<u8>, tidied: Result<()>| {
            after_tidying(done, |code| *code == 0, tidied).map_err(|error| error.to_string())
        };
        let untidy = || Err(eyre!("its schema is left"));

        assert_eq!(end(Err(eyre!("the database is gone")), untidy()), Err("the database is gone".to_owned()));
        assert_eq!(end(Ok(4), untidy()), Ok(4), "an exit code that says what is wrong stays");
        assert_eq!(end(Ok(0), untidy()), Err("its schema is left".to_owned()));
        assert_eq!(end(Ok(4), Ok(())), Ok(4));
    }

    #[test]
    fn a_reader_that_has_gone_away_is_a_failure_only_of_a_command_that_changes_something() {
        let gone = |changes: &CommandChanges| changes.explain(unwritten(io::ErrorKind::BrokenPipe.into()));
        let stands = |changes: &CommandChanges| gone(changes).downcast_ref::<ChangesStandError>().is_some();
        let changes = CommandChanges::default();

        assert!(!stands(&changes));
        changes.begin();
        assert!(stands(&changes));
        changes.done("token till is made".to_owned());
        assert!(stands(&changes) && gone(&changes).to_string() == "token till is made");
    }

    #[test]
    fn no_control_character_of_a_name_reaches_the_terminal() {
        assert_eq!(clean_lines("Aina\u{1b}]0;x\u{7}\n\u{9b}2Jnext\n"), "Aina]0;x\n2Jnext\n");
        assert_eq!(clean_lines("\u{1f468}\u{200d}\u{1f467} and A\u{200d}ina"), "\u{1f468}\u{200d}\u{1f467} and Aina");
    }
}
