//! Where a server on this machine answers, and how that is written for sqlx and for `psql`.

use std::fs::{self, DirBuilder, File};
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::{env, fmt};

use super::PrivatePostgresError;
use super::account::Account;

/// The longest path a Unix socket can be bound to, in bytes (`sun_path` less its closing zero: Linux 108, the BSDs 104).
pub(super) const LONGEST_SOCKET_PATH: usize = if cfg!(target_os = "linux") { 107 } else { 103 };

/// The port that names the socket; nothing listens on TCP.
pub(super) const PORT: u16 = 5432;

/// The role that owns the private database, and the database itself.
pub(super) const ROLE: &str = "blastdeck";

/// A database of a server that is reached by a Unix socket. Holds no secret: whoever may enter the socket's directory is let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    socket_dir: PathBuf,
    port: u16,
    database: String,
}

impl Address {
    pub(super) fn new(socket_dir: PathBuf, port: u16) -> Self {
        Self { socket_dir, port, database: ROLE.to_owned() }
    }

    /// Another database of the same server.
    #[must_use]
    pub fn with_database(&self, database: impl Into<String>) -> Self {
        Self { database: database.into(), ..self.clone() }
    }

    /// The URL, as sqlx and libpq (`psql "$(blastdeck db url)"`) both read it. TLS is off: there is none on a socket,
    /// and a `PGSSLMODE` in the environment would otherwise ask for it.
    pub fn url(&self) -> String {
        let database = percent_encoded(self.database.as_bytes());
        let host = percent_encoded(self.socket_dir.as_os_str().as_bytes());
        let port = if self.port == PORT { String::new() } else { format!("&port={}", self.port) };
        format!("postgres://{ROLE}@localhost/{database}?host={host}{port}&sslmode=disable")
    }

    /// The directory of the socket.
    pub fn socket_dir(&self) -> &Path {
        &self.socket_dir
    }

    /// The socket's own path.
    pub fn socket(&self) -> PathBuf {
        self.socket_dir.join(format!(".s.PGSQL.{}", self.port))
    }

    /// What a server puts beside its socket, with its process in it.
    pub(super) fn lock_file(&self) -> PathBuf {
        self.socket_dir.join(format!(".s.PGSQL.{}.lock", self.port))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url())
    }
}

/// Encodes every byte that is not unreserved in RFC 3986.
fn percent_encoded(bytes: &[u8]) -> String {
    use fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, &byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            let _ = write!(text, "%{byte:02X}");
        }
        text
    })
}

/// The directory for the socket of the server with its data in `cluster`: the data directory itself where the path is
/// short and plain enough, else one in `/tmp` named by a hash of it. `/tmp` comes before `$XDG_RUNTIME_DIR`, which the
/// system removes when the user's last session ends: the server would stay, and nobody could reach it.
pub(super) fn choose_socket_dir(cluster: &Path, account: &Account) -> Result<PathBuf, PrivatePostgresError> {
    if fits(cluster) {
        return Ok(cluster.to_owned());
    }
    let name = format!("blastdeck-{:016x}", hash(cluster.as_os_str().as_bytes()));
    let common = Path::new("/tmp").join(&name);
    match private_dir(&common, account) {
        Ok(()) => Ok(common),
        Err(refused) => {
            let own = runtime_dir(account).ok_or(refused)?.join(&name);
            private_dir(&own, account).map(|()| own)
        }
    }
}

/// The session's own directory, where it can hold a socket of the server's.
fn runtime_dir(account: &Account) -> Option<PathBuf> {
    let dir = PathBuf::from(env::var_os("XDG_RUNTIME_DIR")?);
    (*account == Account::Own && fits(&dir.join("blastdeck-0123456789abcdef"))).then_some(dir)
}

fn fits(dir: &Path) -> bool {
    let text = dir.to_str().unwrap_or_default();
    let plain = !text.is_empty() && !text.chars().any(char::is_control);
    plain && dir.join(format!(".s.PGSQL.{PORT}")).as_os_str().len() <= LONGEST_SOCKET_PATH
}

/// Makes `dir`, or takes it when it already is a directory of the account's alone. Anybody may have made it before us.
fn private_dir(dir: &Path, account: &Account) -> Result<(), PrivatePostgresError> {
    match DirBuilder::new().mode(0o700).create(dir) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(PrivatePostgresError::io("make", dir)(error)),
        _ => take(dir, account),
    }
}

fn take(dir: &Path, account: &Account) -> Result<(), PrivatePostgresError> {
    let data = fs::symlink_metadata(dir).map_err(PrivatePostgresError::io("look at", dir))?;
    let ours = data.uid() == account.uid() || data.uid() == rustix::process::geteuid().as_raw();
    if !data.is_dir() || !ours || data.mode() & 0o077 != 0 {
        return Err(PrivatePostgresError::ForeignSocketDir { dir: dir.to_owned() });
    }
    File::open(dir).and_then(|open| account.own(&open)).map_err(PrivatePostgresError::io("own", dir))
}

/// FNV-1a, 64 bits: the same on every machine and in every release.
fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::str::FromStr;

    use sqlx::postgres::PgConnectOptions;

    use super::*;

    #[test]
    fn the_url_leads_sqlx_to_the_socket() {
        let address = Address::new(PathBuf::from("/var/lib/a b+c&d/postgres"), PORT).with_database("x/y");

        let options = PgConnectOptions::from_str(&address.url()).unwrap();

        assert_eq!(options.get_socket().unwrap(), Path::new("/var/lib/a b+c&d/postgres"));
        assert_eq!(options.get_database(), Some("x/y"));
        assert_eq!(options.get_username(), ROLE);
    }

    #[test]
    fn a_path_of_one_byte_too_many_does_not_fit() {
        let longest = LONGEST_SOCKET_PATH - "/.s.PGSQL.5432".len();

        assert!(fits(Path::new(&format!("/{}", "a".repeat(longest - 1)))));
        assert!(!fits(Path::new(&format!("/{}", "a".repeat(longest)))));
        assert!(!fits(Path::new("/data\n/postgres")));
    }

    #[test]
    fn a_directory_open_to_others_is_refused() {
        let room = tempfile::tempdir().unwrap();
        let dir = room.path().join("open");
        fs::create_dir(&dir).unwrap();
        fs::set_permissions(&dir, fs::Permissions::from_mode(0o711)).unwrap();

        assert!(matches!(private_dir(&dir, &Account::Own), Err(PrivatePostgresError::ForeignSocketDir { .. })));
    }

    #[test]
    fn a_link_to_a_directory_of_ours_is_refused() {
        let room = tempfile::tempdir().unwrap();
        let dir = room.path().join("link");
        symlink(room.path(), &dir).unwrap();

        assert!(matches!(private_dir(&dir, &Account::Own), Err(PrivatePostgresError::ForeignSocketDir { .. })));
    }

    #[test]
    fn a_new_directory_is_ours_alone_and_taken_again() {
        let room = tempfile::tempdir().unwrap();
        let dir = room.path().join("new");

        private_dir(&dir, &Account::Own).unwrap();
        private_dir(&dir, &Account::Own).unwrap();

        assert_eq!(fs::metadata(&dir).unwrap().mode() & 0o777, 0o700);
    }
}
