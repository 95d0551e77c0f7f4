//! A data directory: made whole or not at all, and its settings, which are written anew at every start.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime};

use super::account::Account;
use super::address::{self, PORT, ROLE};
use super::binaries::{Binaries, leading_number};
use super::{Address, PrivatePostgresError, command, postmaster};

/// How much a database is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Care {
    /// Survives a power cut.
    Durable,
    /// For a demo or a test: nothing waits for the disk. What is committed still survives the server's own crash.
    Throwaway,
}

/// Settings of every cluster. Small: it shares an operator's machine. A dashboard
/// that looks has two to four connections, one that sends eight at most: forty of the former leave room for everything.
const SETTINGS: &str = "\
listen_addresses = ''
port = 5432
unix_socket_permissions = 0700
cluster_name = 'blastdeck'
max_connections = 120
shared_buffers = 64MB
max_wal_size = 512MB
wal_level = minimal
max_wal_senders = 0
max_worker_processes = 4
max_logical_replication_workers = 0
jit = off
timezone = 'UTC'
log_timezone = 'UTC'
lc_messages = 'C'
log_checkpoints = off
log_line_prefix = '%m [%p] %q%a '
";

/// A statement ends with the process that asked for it: that of a killed engine would hold its locks until it is through. A server before
/// 15 refuses this on systems other than Linux.
const ENDS_WITH_CLIENT: &str =
    if cfg!(target_os = "linux") { "client_connection_check_interval = 500ms\n" } else { "" };

/// A week of log files that overwrite themselves.
const DURABLE: &str = "\
logging_collector = on
log_directory = 'log'
log_filename = 'postgres-%a.log'
log_rotation_age = 1d
log_rotation_size = 0
log_truncate_on_rotation = on
";

/// Many tests share one.
const THROWAWAY: &str = "\
max_connections = 300
fsync = off
full_page_writes = off
";

/// Whoever may enter the socket's directory is the operator; nobody comes by another way.
const ACCESS: &str = "local all all trust\n";

/// A data directory with the programs and the account that serve it.
#[derive(Debug, Clone)]
pub(super) struct Cluster {
    pub dir: PathBuf,
    pub account: Account,
    pub binaries: Binaries,
    pub care: Care,
}

/// The major version that wrote the data, `None` when there is no data.
pub(super) fn version_of(dir: &Path) -> Result<Option<u32>, PrivatePostgresError> {
    let path = dir.join("PG_VERSION");
    match fs::read_to_string(&path) {
        Ok(text) => match leading_number(text.trim()) {
            Some(major) => Ok(Some(major)),
            None => Err(PrivatePostgresError::io("understand", &path)(io::ErrorKind::InvalidData.into())),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(PrivatePostgresError::io("read", &path)(error)),
    }
}

/// Refuses a place that a new database cannot be renamed to, before the seconds that making it takes: what lies there may be one on a disk
/// that is not mounted.
pub(super) fn refuse_occupied(dir: &Path) -> Result<(), PrivatePostgresError> {
    let what = match fs::symlink_metadata(dir) {
        Ok(found) if found.is_symlink() => {
            let target = fs::read_link(dir).unwrap_or_default();
            format!("is a link to {}, where no database is: mount its disk, or remove the link", target.display())
        }
        Ok(found) if !found.is_dir() => "is a file: move it away".to_owned(),
        Ok(found) if is_mount(&found, dir) => "is a mount point, and no database: mount its disk further up".to_owned(),
        Ok(_) if fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_none()) => return Ok(()),
        Ok(_) => "is a directory with something in it, and no database: move it away".to_owned(),
        Err(_) => return Ok(()),
    };
    Err(PrivatePostgresError::Occupied { dir: dir.to_owned(), what })
}

/// Whether a directory is on another disk than the one that it is in.
fn is_mount(found: &fs::Metadata, dir: &Path) -> bool {
    let above = dir.parent().and_then(|above| fs::metadata(above).ok());
    above.is_some_and(|above| above.dev() != found.dev())
}

/// Refuses a path that would be another one in the line of a shell that `pg_ctl` runs, between double quotes.
pub(super) fn refuse_unquotable(dir: &Path) -> Result<(), PrivatePostgresError> {
    let is_quotable = !dir.as_os_str().as_bytes().iter().any(|byte| b"\"$`\\".contains(byte));
    if is_quotable { Ok(()) } else { Err(PrivatePostgresError::UnusablePath { dir: dir.to_owned() }) }
}

/// Where a durable server writes what went wrong.
pub(super) fn log_dir(dir: &Path) -> PathBuf {
    dir.join("log")
}

/// Where a server writes before its own log is open.
pub(super) fn start_log(dir: &Path) -> PathBuf {
    dir.join("start.log")
}

impl Cluster {
    /// Makes the data directory under another name beside it and renames it when whole, database included: one that exists is
    /// finished. What an interrupted attempt left is removed.
    pub fn create(&self, input: impl Fn() -> io::Result<Stdio>) -> Result<(), PrivatePostgresError> {
        let unfinished = self.dir.with_extension("unfinished");
        remove(&unfinished)?;
        self.account.make_dir(&unfinished).map_err(PrivatePostgresError::io("make", &unfinished))?;
        let input = input().map_err(PrivatePostgresError::io("share the lock of", &self.dir))?;
        let made = self.run_initdb(&unfinished, input).and_then(|()| self.create_database(&unfinished));
        if made.is_err() {
            // On a full disk this is the room that is missing.
            let _ = remove(&unfinished);
        }
        made?;
        fs::rename(&unfinished, &self.dir).map_err(PrivatePostgresError::io("rename to", &self.dir))
    }

    fn run_initdb(&self, dir: &Path, input: Stdio) -> Result<(), PrivatePostgresError> {
        let mut initdb = command::of_server(&self.binaries.program("initdb"), &self.account);
        initdb.args(["--username", ROLE, "--encoding", "UTF8", "--locale", "C", "--auth", "trust"]);
        initdb.args(["--data-checksums", "--no-instructions", "--pgdata"]).arg(dir).stdin(input);
        if self.care == Care::Throwaway {
            initdb.arg("--no-sync");
        }
        command::finish(&mut initdb, "initdb")
    }

    /// Through a server of one session that never listens.
    fn create_database(&self, dir: &Path) -> Result<(), PrivatePostgresError> {
        let failed =
            |message: String| PrivatePostgresError::Program { program: "postgres --single".to_owned(), message };
        let mut single = command::of_server(&self.binaries.program("postgres"), &self.account);
        single.arg("--single").arg("-D").arg(dir);
        if self.care == Care::Throwaway {
            single.args(["-c", "fsync=off"]);
        }
        single.arg("postgres").stdin(Stdio::piped()).stderr(Stdio::piped());
        let mut child = single.spawn().map_err(|error| failed(error.to_string()))?;
        let said = child.stdin.take().map(|mut input| writeln!(input, "create database {ROLE}"));
        let output = child.wait_with_output().map_err(|error| failed(error.to_string()))?;
        match said {
            Some(Ok(())) if output.status.success() => Ok(()),
            _ => Err(failed(command::complaint(&output))),
        }
    }

    /// Writes the settings for the next start and says where the server will answer.
    pub fn write_settings(&self) -> Result<Address, PrivatePostgresError> {
        let socket_dir = address::choose_socket_dir(&self.dir, &self.account)?;
        let extra = match self.care {
            Care::Durable => DURABLE,
            Care::Throwaway => THROWAWAY,
        };
        let settings = format!(
            "# Written by blastdeck at every start. Settings of your own belong into extra.conf beside this file.\n\
             {SETTINGS}{ENDS_WITH_CLIENT}{extra}unix_socket_directories = {}\ninclude_if_exists = 'extra.conf'\n",
            quoted_list_item(&socket_dir.to_string_lossy())
        );
        self.write("postgresql.conf", &settings)?;
        self.write("pg_hba.conf", ACCESS)?;
        Ok(Address::new(socket_dir, PORT))
    }

    /// Replaces a file in the data directory, never through a link: as root we write where another user owns the directory.
    fn write(&self, name: &str, text: &str) -> Result<(), PrivatePostgresError> {
        let path = self.dir.join(name);
        let new = self.dir.join(format!("{name}.new"));
        remove(&new)?;
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&new)
            .and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| self.account.own(&file)))
            .and_then(|()| fs::rename(&new, &path))
            .map_err(PrivatePostgresError::io("write", &path))
    }

    /// Makes the pid file of a crashed server harmless for the next one, and takes its socket's away: the process that they name
    /// may be another by now, or dead and not yet collected. Only for when no server lives.
    pub fn bury_crashed(&self, address: &Address) -> Result<(), PrivatePostgresError> {
        remove(&address.lock_file())?;
        let Some(text) = postmaster::read(&self.dir)? else { return Ok(()) };
        match postmaster::parse(&text) {
            Some(_) => self.write("postmaster.pid", &postmaster::with_impossible_pid(&text)),
            None => remove(&postmaster::file_in(&self.dir)),
        }
    }

    /// Starts the server in a session of its own, which it outlives us in, and waits until it is ready.
    pub fn start_detached(&self, input: Stdio, patience: Duration) -> Result<(), PrivatePostgresError> {
        let log = start_log(&self.dir);
        remove(&log)?;
        let mut pg_ctl = command::of_server(&self.binaries.program("pg_ctl"), &self.account);
        pg_ctl.arg("start").arg("--wait").arg("--timeout").arg(patience.as_secs().to_string());
        pg_ctl.arg("--log").arg(&log).arg("--pgdata").arg(&self.dir).stdin(input);
        let begun = SystemTime::now();
        command::finish(&mut pg_ctl, "pg_ctl").map_err(|error| match fatal_line(&self.dir, begun) {
            Some(message) => PrivatePostgresError::Program { program: "the database server".to_owned(), message },
            None => error,
        })
    }

    /// Starts the server as our child.
    pub fn spawn(&self) -> Result<Child, PrivatePostgresError> {
        let path = start_log(&self.dir);
        // The directory is the server's user's, who could have put a link there.
        remove(&path)?;
        let created = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        let log = created.map_err(PrivatePostgresError::io("write", &path))?;
        let mut server: Command = command::of_server(&self.binaries.program("postgres"), &self.account);
        let spawned = server.arg("-D").arg(&self.dir).stderr(Stdio::from(log)).spawn();
        spawned.map_err(PrivatePostgresError::io("run the server of", &self.dir))
    }
}

/// A text as one item of a list setting: in double quotes for the list, and in single quotes for the file.
fn quoted_list_item(text: &str) -> String {
    let item = text.replace('"', "\"\"").replace('\\', "\\\\").replace('\'', "''");
    format!("'\"{item}\"'")
}

/// The last complaint in the logs of a server that did not start. What was written before its start began is not about that.
pub(super) fn fatal_line(dir: &Path, begun: SystemTime) -> Option<String> {
    let logs = fs::read_dir(log_dir(dir)).into_iter().flatten().flatten();
    let written = logs.filter_map(|log| Some((log.metadata().and_then(|data| data.modified()).ok()?, log.path())));
    // A file system may keep whole seconds.
    let newest = written.filter(|(at, _)| *at + Duration::from_secs(1) >= begun).max().map(|(_, path)| path);
    [Some(start_log(dir)), newest].into_iter().flatten().find_map(|log| complaint_in(&fs::read(log).ok()?))
}

/// The last fatal line of the latest start; else, since the very first checks are logged without a level, the last line without one.
fn complaint_in(log: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(log);
    let begun = text.rfind("starting PostgreSQL").and_then(|start| text.get(start..)?.split_once('\n'));
    let latest = begun.map_or(&*text, |(_, rest)| rest);
    let fatal = |line| Some(str::split_once(line, "FATAL:  ").or_else(|| str::split_once(line, "PANIC:  "))?.1);
    let bare = |line: &&str| !line.trim().is_empty() && !line.contains(":  ");
    let complaint = latest.lines().rev().find_map(fatal).or_else(|| latest.lines().rev().find(bare))?;
    Some(complaint.chars().filter(|letter| !letter.is_control()).collect())
}

/// Removes a file or a whole directory; that there is none is fine.
pub(super) fn remove(path: &Path) -> Result<(), PrivatePostgresError> {
    let gone = match fs::symlink_metadata(path) {
        Ok(data) if data.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match gone {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(PrivatePostgresError::io("remove", path)(error)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_with_quotes_and_commas_is_one_item() {
        assert_eq!(quoted_list_item(r#"/a,b'c"d\e"#), r#"'"/a,b''c""d\\e"'"#);
    }

    #[test]
    fn the_first_log_is_not_written_through_a_link_of_the_servers_user() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let room = tempfile::tempdir().unwrap();
        let (data, precious) = (room.path().join("data"), room.path().join("precious"));
        fs::create_dir(&data).unwrap();
        fs::write(&precious, "mine").unwrap();
        symlink(&precious, start_log(&data)).unwrap();
        let server = room.path().join("postgres");
        fs::write(&server, "#!/bin/sh\necho a word >&2\n").unwrap();
        fs::set_permissions(&server, fs::Permissions::from_mode(0o755)).unwrap();
        let binaries = Binaries { dir: room.path().to_owned(), major: 15 };
        let cluster = Cluster { dir: data.clone(), account: Account::Own, binaries, care: Care::Throwaway };

        cluster.spawn().unwrap().wait().unwrap();

        assert_eq!(fs::read_to_string(&precious).unwrap(), "mine");
        assert_eq!(fs::read_to_string(start_log(&data)).unwrap(), "a word\n");
    }

    #[test]
    fn the_last_complaint_of_a_start_is_found() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(start_log(dir.path()), "LOG:  one\nFATAL:  two\nFATAL:  data directory is odd\nHINT:  x\n").unwrap();

        assert_eq!(fatal_line(dir.path(), SystemTime::UNIX_EPOCH).as_deref(), Some("data directory is odd"));
    }

    #[test]
    fn a_complaint_of_an_earlier_start_is_not_taken_for_this_ones() {
        let log = "FATAL:  long ago\nLOG:  starting PostgreSQL 15.1\nPANIC:  no checkpoint\nLOG:  shutting down\n";

        assert_eq!(complaint_in(log.as_bytes()).as_deref(), Some("no checkpoint"));
        assert_eq!(complaint_in(b"FATAL:  long ago\nLOG:  starting PostgreSQL 15.1\nLOG:  x\n"), None);
    }

    #[test]
    fn a_place_that_no_database_can_be_renamed_to_is_refused() {
        let room = tempfile::tempdir().unwrap();
        let [absent, empty, full, link] = ["absent", "empty", "full", "link"].map(|name| room.path().join(name));
        fs::create_dir(&empty).unwrap();
        fs::create_dir(&full).unwrap();
        fs::write(full.join("letters"), "").unwrap();
        std::os::unix::fs::symlink("/not/mounted", &link).unwrap();
        let said = |dir: &Path| refuse_occupied(dir).map_err(|error| error.to_string());

        assert_eq!((said(&absent), said(&empty)), (Ok(()), Ok(())));
        assert!(said(&full).unwrap_err().contains("with something in it, and no database"));
        assert!(said(&link).unwrap_err().contains("is a link to /not/mounted, where no database is"));
    }

    #[test]
    fn a_path_that_a_shell_reads_otherwise_is_refused() {
        for odd in ["a\"b", "a$HOME", "a`b`", "a\\b"] {
            let said = refuse_unquotable(Path::new(odd)).unwrap_err().to_string();
            assert!(said.contains(odd) && said.contains("BLASTDECK_DATA_DIR without"), "{said}");
        }
        assert!(refuse_unquotable(Path::new("/home/o'neil & co/a b;c")).is_ok());
    }

    #[test]
    fn a_damaged_version_is_not_taken_for_no_data() {
        let dir = tempfile::tempdir().unwrap();

        assert_eq!(version_of(dir.path()).unwrap(), None);
        fs::write(dir.path().join("PG_VERSION"), "fifteen").unwrap();

        assert!(version_of(dir.path()).is_err());
    }
}
