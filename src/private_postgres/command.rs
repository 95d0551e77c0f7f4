//! How PostgreSQL's programs are called: as the server's account, with a clean environment and no open file of ours.

use std::env;
use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use super::PrivatePostgresError;
use super::account::Account;
use super::error::NO_ROOM;

/// What a server may know of our environment. Not the rest: tokens live there, and a server outlives us.
const KEPT: [&str; 5] = ["PATH", "HOME", "TZ", "LD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH"];

/// Closes every inherited file above standard error, then becomes the program. Files that we opened close themselves; those that
/// we were born with (a shell's `exec 200>lock`) would stay open in the server for as long as it lives.
const CLOSE_FILES: &str = r#"for f in /dev/fd/* /proc/self/fd/*; do n=${f##*/}; case $n in NUMBERS) eval "exec $n>&-";; esac; done; exec "$@""#;

/// The shells that can close a file whose number has several digits; plain `sh` is only sure of one.
const ABLE_SHELLS: [&str; 2] = ["/bin/bash", "/usr/bin/bash"];

/// `program` with nothing of ours but a few environment variables: standard streams are null until set otherwise.
pub(super) fn detached(program: &Path) -> Command {
    let able = ABLE_SHELLS.into_iter().find(|shell| Path::new(shell).exists());
    let numbers = if able.is_some() { "[3-9]|[1-9][0-9]|[1-9][0-9][0-9]*" } else { "[3-9]" };
    let mut command = Command::new(able.unwrap_or("/bin/sh"));
    command.arg("-c").arg(CLOSE_FILES.replace("NUMBERS", numbers)).arg("sh").arg(program);
    command.current_dir("/").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// A program of the server's, run as its account.
pub(super) fn of_server(program: &Path, account: &Account) -> Command {
    let mut command = detached(program);
    command.env_clear().env("LC_ALL", "C");
    command.envs(KEPT.into_iter().filter_map(|name| env::var_os(name).map(|value| (name, value))));
    account.apply(&mut command);
    command
}

/// Runs to the end; a failure carries the program's last words.
pub(super) fn finish(command: &mut Command, program: &str) -> Result<(), PrivatePostgresError> {
    let failed = |message: String| PrivatePostgresError::Program { program: program.to_owned(), message };
    let output = command.stderr(Stdio::piped()).output().map_err(|error| failed(error.to_string()))?;
    if output.status.success() {
        return Ok(());
    }
    Err(failed(complaint(&output)))
}

/// Why a program failed: a full disk if any line reports one, else the last line that is called an error, else the last
/// line, else how it ended.
pub(super) fn complaint(output: &Output) -> String {
    const CALLED_ONE: [&str; 4] = ["error: ", "ERROR:  ", "FATAL:  ", "PANIC:  "];
    let text = String::from_utf8_lossy(&output.stderr);
    // After its error `initdb` goes on to tell what it removes.
    let called = |line: &&str| CALLED_ONE.iter().any(|word| line.contains(word));
    let blank = |line: &&str| line.trim().is_empty();
    // A server that finds no room goes on to complain of what follows from it.
    let full = |line: &&str| NO_ROOM.iter().any(|words| line.contains(words));
    let lines = || text.lines().rev();
    let line = lines().find(full).or_else(|| lines().find(called)).or_else(|| lines().find(|line| !blank(line)));
    let clean = |line: &str| line.chars().filter(|letter| !letter.is_control()).collect();
    line.map_or_else(|| output.status.to_string(), clean)
}

/// What a program prints, trimmed; `None` when it fails or cannot be run.
pub(super) fn printed(program: &Path, argument: impl AsRef<OsStr>) -> Option<String> {
    let output = Command::new(program).arg(argument).stdin(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::Read;
    use std::os::fd::AsFd;

    use super::*;

    #[test]
    fn a_detached_program_has_three_files_and_no_more() {
        let room = tempfile::tempdir().unwrap();
        let inherited = room.path().join("inherited");
        // `dup` makes a file that is inherited, as those are that we were started with.
        let _born_with = rustix::io::dup(File::create(&inherited).unwrap().as_fd()).unwrap();

        let mut command = detached(Path::new("/bin/ls"));
        let output = command.arg("-l").arg("/proc/self/fd").stdout(Stdio::piped()).output().unwrap();

        let listed = String::from_utf8(output.stdout).unwrap();
        assert!(listed.contains("/dev/null"), "{listed}");
        assert!(!listed.contains("inherited"), "{listed}");
    }

    #[test]
    fn a_server_gets_none_of_our_secrets() {
        let mut command = of_server(Path::new("/usr/bin/env"), &Account::Own);
        let mut environment = String::new();

        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        child.stdout.take().unwrap().read_to_string(&mut environment).unwrap();
        child.wait().unwrap();

        let stray = environment.lines().find(|line| line.starts_with("CARGO"));
        assert_eq!(stray, None);
        assert!(environment.contains("LC_ALL=C"), "{environment}");
    }

    #[test]
    fn a_failure_carries_the_programs_last_words() {
        let mut command = detached(Path::new("/bin/sh"));

        let error = finish(command.args(["-c", "echo first >&2; echo 'last words' >&2; exit 3"]), "sh").unwrap_err();

        assert_eq!(error.to_string(), "sh failed: last words");
    }

    #[test]
    fn a_full_disk_is_told_though_the_program_says_more_after_it() {
        let mut command = detached(Path::new("/bin/sh"));
        let says = "echo 'initdb: error: could not write to file \"x\": No space left on device' >&2; \
                    echo 'PANIC:  cannot abort transaction 1, it was already committed' >&2; \
                    echo 'initdb: removing contents of data directory \"x\"' >&2; exit 1";

        let error = finish(command.args(["-c", says]), "initdb").unwrap_err().on_disk_of(Path::new("/data"));

        assert!(error.to_string().starts_with("the disk that holds /data is full: make room there"), "{error}");
    }
}
