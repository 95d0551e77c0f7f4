//! Another program in the place of the running one is tried before it takes over.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::AsyncReadExt;
use tokio::process::{Child, ChildStderr, Command};
use tokio::time::{Instant, timeout};

use super::SettingsFiles;

/// A program that takes longer to read its configuration is not ready to take over.
const PATIENCE: Duration = Duration::from_secs(10);
/// One that was tried in vain is tried again so much later, though nothing that is seen has changed.
const AGAIN_AFTER: Duration = Duration::from_secs(60);
/// What a program writes that ended badly is there by then.
const LAST_WORDS: Duration = Duration::from_millis(200);
/// More of it is not read, in bytes.
const SAID_MAX: u64 = 64 * 1024;

/// The trials of other programs, one after the other.
#[derive(Debug, Default)]
pub(super) struct ProgramTrials {
    failed: Option<FailedTrial>,
}

/// Of a program, and with settings' files, that were there.
#[derive(Debug)]
struct FailedTrial {
    seen: (u64, SettingsFiles),
    why: String,
    at: Instant,
}

impl ProgramTrials {
    /// No other program is there.
    pub(super) fn forget(&mut self) {
        self.failed = None;
    }

    /// Whether the program that is seen takes over. Where it was tried in vain, it is left alone until it, or its settings, are others.
    pub(super) async fn is_ready(
        &mut self,
        seen: (u64, SettingsFiles),
        trial: impl Future<Output = Result<(), String>>,
    ) -> bool {
        if self.failed.as_ref().is_some_and(|failed| failed.seen == seen && failed.at.elapsed() < AGAIN_AFTER) {
            return false;
        }
        let Err(why) = trial.await else { return true };
        let is_known = |failed: &FailedTrial| failed.seen.0 == seen.0 && failed.why == why;
        if !self.failed.as_ref().is_some_and(is_known) {
            tracing::warn!(
                why,
                "another program is in the place of this one and is not followed: the engine continues"
            );
        }
        self.failed = Some(FailedTrial { seen, why, at: Instant::now() });
        false
    }
}

/// Whether that program runs and takes the configuration: it may know other keys than this one. It prints an address that it is given, which
/// every version does without a look at any database.
///
/// # Errors
/// Why not, in words.
pub(super) async fn takes_settings(program: &Path, config: Option<&Path>) -> Result<(), String> {
    let mut command = Command::new(program);
    command.args(["db", "url", "--database-url", "postgres://localhost/none"]);
    if let Some(config) = config {
        command.arg("--config").arg(config);
    }
    command.stdin(Stdio::null()).stdout(Stdio::null());
    ends_well(command).await
}

/// Whether a program ends well, and soon; else the last that it says of it.
async fn ends_well(mut command: Command) -> Result<(), String> {
    let child = command.stderr(Stdio::piped()).process_group(0).kill_on_drop(true).spawn();
    let mut trial = ProgramTrial(child.map_err(|error| format!("it cannot be started: {error}"))?);
    let mut errors = trial.0.stderr.take().map(|errors| errors.take(SAID_MAX));
    let mut said = Vec::new();
    let ended = timeout(PATIENCE, async {
        tokio::select! {
            status = trial.0.wait() => status,
            never = read_on(&mut errors, &mut said) => never,
        }
    });
    let why = match ended.await {
        Ok(Ok(status)) if status.success() => return Ok(()),
        Ok(Ok(status)) => format!("it ends with {status}"),
        Ok(Err(error)) => format!("it cannot be waited for: {error}"),
        Err(_) => "it does not end".to_owned(),
    };
    let _ = timeout(LAST_WORDS, read_to_end(&mut errors, &mut said)).await;
    let said = String::from_utf8_lossy(&said);
    let last = said.lines().rev().map(str::trim).find(|line| !line.is_empty());
    Err(last.map_or(why, str::to_owned))
}

type SaidErrors = Option<tokio::io::Take<ChildStderr>>;

/// A program whose pipe is full would not end.
async fn read_on<T>(errors: &mut SaidErrors, said: &mut Vec<u8>) -> T {
    read_to_end(errors, said).await;
    std::future::pending().await
}

async fn read_to_end(errors: &mut SaidErrors, said: &mut Vec<u8>) {
    if let Some(errors) = errors {
        let _ = errors.read_to_end(said).await;
    }
}

/// A program that is tried. What it started, as a script does, ends with it where it is not waited for any more.
struct ProgramTrial(Child);

impl Drop for ProgramTrial {
    fn drop(&mut self) {
        // It has none once it has ended: the number may be another's by then.
        let id = self.0.id().and_then(|id| i32::try_from(id).ok());
        if let Some(group) = id.and_then(Pid::from_raw) {
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::io::Read as _;

    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_a_tried_program_started_ends_with_it() {
        let begun = Instant::now();
        let (mut output, writer) = std::io::pipe().unwrap();
        let mut command = shell("sleep 60 & echo begun; wait");
        command.stdout(writer);
        let trial = tokio::spawn(ends_well(command));
        output.read_exact(&mut [0; "begun\n".len()]).unwrap();

        trial.abort();

        // Until nobody can write to it any more.
        output.read_to_end(&mut Vec::new()).unwrap();
        assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
    }

    #[tokio::test]
    async fn why_a_program_does_not_take_over_is_the_last_that_it_says() {
        assert_eq!(ends_well(shell("echo yes")).await, Ok(()));
        let refused = ends_well(shell("echo first >&2; echo 'no such key' >&2; echo >&2; exit 2")).await;
        assert_eq!(refused, Err("no such key".to_owned()));
        let silent = ends_well(shell("exit 2")).await.unwrap_err();
        assert!(silent.contains("exit status: 2"), "{silent}");
        let absent = ends_well(Command::new("/no/such/program")).await.unwrap_err();
        assert!(absent.starts_with("it cannot be started"), "{absent}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_program_that_was_tried_in_vain_is_tried_again_once_something_has_changed_and_each_minute() {
        let (mut trials, tried) = (ProgramTrials::default(), Cell::new(0));
        let files = |stamp| SettingsFiles(vec![Some(stamp)]);
        let trial = async |outcome: Result<(), String>| {
            tried.set(tried.get() + 1);
            outcome
        };
        let in_vain = || Err("no such key".to_owned());

        for _ in 0..3 {
            assert!(!trials.is_ready((1, files(1)), trial(in_vain())).await);
        }
        assert_eq!(tried.get(), 1);
        assert!(!trials.is_ready((2, files(1)), trial(in_vain())).await);
        assert!(!trials.is_ready((2, files(2)), trial(in_vain())).await);
        assert_eq!(tried.get(), 3);
        tokio::time::advance(AGAIN_AFTER).await;
        assert!(trials.is_ready((2, files(2)), trial(Ok(()))).await);
    }
}
