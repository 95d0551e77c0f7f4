//! Finds the machine's own PostgreSQL server programs.

use std::cmp::Reverse;
use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use super::{OLDEST_MAJOR, PrivatePostgresError, command};

/// Where packages put the server, each with the version in one part of the path (`*`). The newest is tried first.
const PACKAGED: [&str; 9] = [
    "usr/lib/postgresql/*/bin",
    "usr/pgsql-*/bin",
    "usr/libexec/postgresql*",
    "usr/lib64/postgresql-*/bin",
    "opt/homebrew/opt/postgresql*/bin",
    "usr/local/opt/postgresql*/bin",
    "home/linuxbrew/.linuxbrew/opt/postgresql*/bin",
    "Applications/Postgres.app/Contents/Versions/*/bin",
    "opt/local/lib/postgresql*/bin",
];

/// The programs without which a directory is not a server's.
const NEEDED: [&str; 3] = ["postgres", "pg_ctl", "initdb"];

/// Where to look: the real machine, or a made-up one in tests.
#[derive(Debug, Clone)]
pub(super) struct Search {
    path: OsString,
    root: PathBuf,
}

/// A directory of server programs and the major version they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Binaries {
    pub(super) dir: PathBuf,
    pub(super) major: u32,
}

impl Binaries {
    /// One of [`NEEDED`].
    pub fn program(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    fn in_dir(dir: &Path) -> Option<Self> {
        // A link in /usr/local/bin leads to the directory that the server's other files are found from.
        let dir = fs::canonicalize(dir.join("postgres")).ok()?.parent()?.to_owned();
        let whole = NEEDED.iter().all(|name| dir.join(name).is_file());
        let major = major_of(&command::printed(&dir.join("postgres"), "--version")?)?;
        whole.then_some(Self { dir, major })
    }
}

impl Search {
    /// This machine: `PATH`, `pg_config --bindir`, then where packages put the server.
    pub fn this_machine() -> Self {
        Self { path: env::var_os("PATH").unwrap_or_default(), root: PathBuf::from("/") }
    }

    /// Only what is on `path` and below `root`.
    #[cfg(test)]
    pub fn within(path: impl Into<OsString>, root: &Path) -> Self {
        Self { path: path.into(), root: root.to_owned() }
    }

    /// The first server that is new enough; for data in `cluster` that was written by `data`, one of that very version.
    pub fn find(&self, cluster: &Path, data: Option<u32>) -> Result<Binaries, PrivatePostgresError> {
        let found: Vec<Binaries> = self.dirs().iter().filter_map(|dir| Binaries::in_dir(dir)).collect();
        let fits = |server: &&Binaries| data.map_or(server.major >= OLDEST_MAJOR, |data| data == server.major);
        if let Some(server) = found.iter().find(fits) {
            return Ok(server.clone());
        }
        Err(match (found.first(), data) {
            (None, _) => PrivatePostgresError::NotInstalled,
            (Some(server), None) => PrivatePostgresError::TooOld { found: server.major },
            (Some(server), Some(data)) => {
                PrivatePostgresError::OtherMajor { dir: cluster.to_owned(), data, server: server.major }
            }
        })
    }

    fn dirs(&self) -> Vec<PathBuf> {
        // Never from wherever we happen to be called.
        let mut dirs: Vec<PathBuf> = env::split_paths(&self.path).filter(|dir| dir.is_absolute()).collect();
        let config = dirs.iter().map(|dir| dir.join("pg_config")).find(|program| program.is_file());
        dirs.extend(config.and_then(|program| command::printed(&program, "--bindir")).map(PathBuf::from));
        dirs.extend(PACKAGED.iter().flat_map(|pattern| expanded(&self.root, pattern)));
        dirs.retain(|dir| dir.join("postgres").is_file());
        dirs
    }
}

/// The directories that a pattern with one `*` stands for, the highest version first.
fn expanded(root: &Path, pattern: &str) -> Vec<PathBuf> {
    let Some((before, after)) = pattern.split_once('*') else { return vec![root.join(pattern)] };
    let (parent, prefix) = before.rsplit_once('/').unwrap_or(("", before));
    let entries = root.join(parent).read_dir().into_iter().flatten().flatten();
    let mut versions: Vec<(u32, PathBuf)> = entries
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let version = name.strip_prefix(prefix)?.trim_start_matches(['@', '-']);
            Some((leading_number(version).unwrap_or(0), entry.path().join(after.trim_start_matches('/'))))
        })
        .collect();
    versions.sort_by_key(|(version, _)| Reverse(*version));
    versions.into_iter().map(|(_, dir)| dir).collect()
}

/// The major version in `postgres (PostgreSQL) 15.18 (Debian …)`, also of `17beta1`.
fn major_of(version: &str) -> Option<u32> {
    leading_number(version.split_once("(PostgreSQL) ")?.1)
}

/// The number that a text begins with.
pub(super) fn leading_number(text: &str) -> Option<u32> {
    let digits = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    text.get(..digits)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn install(dir: &Path, version: &str) {
        fs::create_dir_all(dir).unwrap();
        for name in NEEDED {
            fs::write(dir.join(name), format!("#!/bin/sh\necho 'postgres (PostgreSQL) {version}'\n")).unwrap();
            fs::set_permissions(dir.join(name), fs::Permissions::from_mode(0o755)).unwrap();
        }
    }

    fn machine(versions: &[&str]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for version in versions {
            install(&root.path().join(format!("usr/lib/postgresql/{version}/bin")), &format!("{version}.3 (Debian)"));
        }
        root
    }

    #[test]
    fn the_newest_packaged_server_is_taken() {
        let root = machine(&["9", "14", "16"]);

        let server = Search::within("", root.path()).find(Path::new("/data"), None).unwrap();

        assert_eq!(server.major, 16);
    }

    #[test]
    fn a_server_on_the_path_comes_before_a_newer_packaged_one() {
        let root = machine(&["17"]);
        let on_path = root.path().join("mine");
        install(&on_path, "15.1");

        let server = Search::within(&on_path, root.path()).find(Path::new("/data"), None).unwrap();

        assert_eq!(server.major, 15);
    }

    #[test]
    fn data_of_an_older_version_gets_the_server_that_wrote_it() {
        let root = machine(&["15", "17"]);

        let server = Search::within("", root.path()).find(Path::new("/data"), Some(15)).unwrap();

        assert_eq!(server.major, 15);
    }

    #[test]
    fn data_of_a_version_that_is_not_installed_is_refused_naming_both() {
        let root = machine(&["17"]);

        let error = Search::within("", root.path()).find(Path::new("/data"), Some(15)).unwrap_err();

        let said = error.to_string();
        assert!(said.contains("written by PostgreSQL 15") && said.contains("is PostgreSQL 17"), "{said}");
        assert!(said.contains("pg_upgrade"), "{said}");
    }

    #[test]
    fn a_server_before_14_is_too_old() {
        let root = machine(&["13"]);

        let error = Search::within("", root.path()).find(Path::new("/data"), None).unwrap_err();

        assert!(matches!(error, PrivatePostgresError::TooOld { found: 13 }), "{error}");
    }

    #[test]
    fn no_server_is_one_line_that_says_what_to_do() {
        let root = machine(&[]);

        let said = Search::within("", root.path()).find(Path::new("/data"), None).unwrap_err().to_string();

        assert!(said.contains("DATABASE_URL") && said.contains("install") && !said.contains('\n'), "{said}");
    }

    #[test]
    fn a_directory_without_initdb_is_passed_over() {
        let root = machine(&["15", "16"]);
        fs::remove_file(root.path().join("usr/lib/postgresql/16/bin/initdb")).unwrap();

        assert_eq!(Search::within("", root.path()).find(Path::new("/data"), None).unwrap().major, 15);
    }

    #[test]
    fn a_beta_has_a_major_version_too() {
        assert_eq!(major_of("postgres (PostgreSQL) 19beta2"), Some(19));
        assert_eq!(major_of("something else"), None);
    }
}
