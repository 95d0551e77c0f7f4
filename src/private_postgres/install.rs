//! The machine's own way to install PostgreSQL's server: the command as text, and running it.
//! Whether it may be run is the caller's question to the operator; nothing here asks.

use std::env;
use std::ffi::OsStr;
use std::io;
use std::os::fd::AsFd;
use std::path::Path;
use std::process::{Command, Stdio};

use super::PrivatePostgresError;

/// How one package manager installs the server.
struct Manager {
    program: &'static str,
    arguments: &'static [&'static str],
    package: &'static str,
    /// How the package of one major version is called, with `MAJOR` for its number. `None`: there is one version at a time.
    versioned: Option<&'static str>,
    /// Refuses to run as root, so it is never called through `sudo`.
    rootless: Rootless,
}

#[derive(PartialEq, Eq)]
enum Rootless {
    Yes,
    No,
}

const MANAGERS: &[Manager] = &[
    Manager {
        program: "apt-get",
        arguments: &["install", "-y"],
        package: "postgresql",
        versioned: Some("postgresql-MAJOR"),
        rootless: Rootless::No,
    },
    Manager {
        program: "dnf",
        arguments: &["install", "-y"],
        package: "postgresql-server",
        versioned: Some("postgresqlMAJOR-server"),
        rootless: Rootless::No,
    },
    Manager {
        program: "apk",
        arguments: &["add"],
        package: "postgresql",
        versioned: Some("postgresqlMAJOR"),
        rootless: Rootless::No,
    },
    Manager {
        program: "pacman",
        arguments: &["-S", "--noconfirm"],
        package: "postgresql",
        versioned: None,
        rootless: Rootless::No,
    },
    Manager {
        program: "zypper",
        arguments: &["--non-interactive", "install"],
        package: "postgresql-server",
        versioned: Some("postgresqlMAJOR-server"),
        rootless: Rootless::No,
    },
    Manager {
        program: "brew",
        arguments: &["install"],
        package: "postgresql@17",
        versioned: Some("postgresql@MAJOR"),
        rootless: Rootless::Yes,
    },
];

/// The command that installs PostgreSQL's server on this machine, `sudo` included where it is needed;
/// `None` when no known package manager is on the `PATH`.
pub fn install_command() -> Option<Vec<String>> {
    command_for(&env::var_os("PATH").unwrap_or_default(), None)
}

/// Runs [`install_command`] to its end; its output goes to our standard error, so that data on standard output stays data.
/// A Debian without package lists (a fresh container) gets them first.
pub fn install() -> Result<(), PrivatePostgresError> {
    let command = install_command()
        .ok_or_else(|| PrivatePostgresError::Install("no known package manager is on the PATH".to_owned()))?;
    if command.iter().any(|word| word == "apt-get") && !has_package_lists() {
        let update: Vec<String> =
            command.iter().take_while(|word| *word != "install").cloned().chain(["update".to_owned()]).collect();
        run(&update)?;
    }
    run(&command)
}

/// The mend as half a sentence, for messages: the command when it is known, else what to look for.
pub(super) fn advice(major: Option<u32>) -> String {
    let path = env::var_os("PATH").unwrap_or_default();
    let what = major.map_or_else(|| "PostgreSQL's server".to_owned(), |major| format!("PostgreSQL {major}'s server"));
    command_for(&path, major).map_or_else(
        || format!("install {what} with your package manager"),
        |words| format!("run `{}`", words.join(" ")),
    )
}

fn command_for(path: &OsStr, major: Option<u32>) -> Option<Vec<String>> {
    let manager = MANAGERS.iter().find(|manager| is_on(path, manager.program))?;
    let sudo = manager.rootless == Rootless::No && !rustix::process::geteuid().is_root();
    let package = match major {
        None => manager.package.to_owned(),
        Some(major) => manager.versioned?.replace("MAJOR", &major.to_string()),
    };
    let mut words: Vec<String> = sudo.then(|| "sudo".to_owned()).into_iter().collect();
    words.push(manager.program.to_owned());
    words.extend(manager.arguments.iter().map(|&word| word.to_owned()));
    words.push(package);
    Some(words)
}

fn is_on(path: &OsStr, program: &str) -> bool {
    env::split_paths(path).any(|dir| dir.join(program).is_file())
}

fn has_package_lists() -> bool {
    Path::new("/var/lib/apt/lists")
        .read_dir()
        .is_ok_and(|entries| entries.flatten().any(|entry| entry.file_name().to_string_lossy().contains("Packages")))
}

fn run(words: &[String]) -> Result<(), PrivatePostgresError> {
    let shown = words.join(" ");
    let failed = |why: String| PrivatePostgresError::Install(format!("`{shown}` {why}"));
    let (program, arguments) = words.split_first().ok_or_else(|| failed("is empty".to_owned()))?;
    let talk = io::stderr().as_fd().try_clone_to_owned().map_err(|error| failed(error.to_string()))?;
    let status = Command::new(program)
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdout(Stdio::from(talk))
        .status()
        .map_err(|error| failed(format!("could not be run: {error}")))?;
    if status.success() { Ok(()) } else { Err(failed(format!("ended with {status}"))) }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn machine_with(program: &str) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(program), "").unwrap();
        dir
    }

    #[test]
    fn a_debian_installs_with_apt() {
        let dir = machine_with("apt-get");

        let words = command_for(dir.path().as_os_str(), None).unwrap();

        assert!(words.join(" ").ends_with("apt-get install -y postgresql"), "{words:?}");
    }

    #[test]
    fn one_major_version_has_its_own_package() {
        for (program, package) in [
            ("apt-get", "postgresql-16"),
            ("dnf", "postgresql16-server"),
            ("apk", "postgresql16"),
            ("zypper", "postgresql16-server"),
            ("brew", "postgresql@16"),
        ] {
            let dir = machine_with(program);

            let words = command_for(dir.path().as_os_str(), Some(16)).unwrap();

            assert_eq!(words.last().unwrap(), package);
        }
        let arch = machine_with("pacman");
        assert_eq!(command_for(arch.path().as_os_str(), Some(16)), None, "it has the newest alone");
    }

    #[test]
    fn a_machine_without_a_known_package_manager_has_no_command() {
        let dir = tempfile::tempdir().unwrap();

        assert_eq!(command_for(dir.path().as_os_str(), None), None);
    }

    #[test]
    fn a_package_command_that_fails_is_named() {
        let said = run(&["false".to_owned(), "postgresql".to_owned()]).unwrap_err().to_string();

        assert!(said.contains("`false postgresql` ended with"), "{said}");
    }
}
