//! The user a server runs as. Ours; but a server refuses to run as root, so root runs it as the owner of its data,
//! or as `postgres` where there is no data yet.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, fchown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use rustix::process::geteuid;

use super::PrivatePostgresError;

/// The names under which packages create the server's user (macOS puts an underscore before system users).
const SERVER_USERS: [&str; 2] = ["postgres", "_postgres"];

/// Who the server's processes are, and who owns its files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Account {
    /// The user that we are.
    Own,
    /// We are root; the server is this user.
    Other { name: String, uid: u32, gid: u32 },
}

impl Account {
    /// The account for the data in `cluster`, which need not exist yet.
    pub fn of(cluster: &Path) -> Result<Self, PrivatePostgresError> {
        if !geteuid().is_root() {
            return Ok(Self::Own);
        }
        match fs::metadata(cluster) {
            Ok(data) if data.uid() != 0 => {
                Ok(Self::Other { name: format!("user {}", data.uid()), uid: data.uid(), gid: data.gid() })
            }
            _ => SERVER_USERS.into_iter().find_map(look_up).ok_or(PrivatePostgresError::NoServerAccount),
        }
    }

    /// The numeric user.
    pub fn uid(&self) -> u32 {
        match self {
            Self::Own => geteuid().as_raw(),
            Self::Other { uid, .. } => *uid,
        }
    }

    /// Makes `command` run as this account. Supplementary groups are dropped with the user.
    pub fn apply(&self, command: &mut Command) {
        if let Self::Other { uid, gid, .. } = self {
            command.uid(*uid).gid(*gid);
        }
    }

    /// Makes a new directory that only this account may enter. Fails when it exists.
    pub fn make_dir(&self, dir: &Path) -> io::Result<()> {
        DirBuilder::new().mode(0o700).create(dir)?;
        self.own(&File::open(dir)?)
    }

    /// Gives an open file or directory to this account.
    pub fn own(&self, file: &File) -> io::Result<()> {
        match self {
            Self::Own => Ok(()),
            Self::Other { uid, gid, .. } => fchown(file, Some(*uid), Some(*gid)),
        }
    }

    /// Checks that the data in `cluster` is this account's: a server uses no other's.
    pub fn check_owner(&self, cluster: &Path) -> Result<(), PrivatePostgresError> {
        let owner = fs::metadata(cluster).map_err(PrivatePostgresError::io("look at", cluster))?.uid();
        if owner == self.uid() {
            return Ok(());
        }
        let account = match self {
            Self::Own => format!("user {}", self.uid()),
            Self::Other { name, .. } => name.clone(),
        };
        Err(PrivatePostgresError::ForeignData { dir: cluster.to_owned(), owner, uid: self.uid(), account })
    }

    /// Checks that this account may pass through `dir` and everything above it.
    pub fn check_way_to(&self, dir: &Path) -> Result<(), PrivatePostgresError> {
        let Self::Other { name, uid, gid } = self else { return Ok(()) };
        for above in dir.ancestors() {
            let data = fs::metadata(above).map_err(PrivatePostgresError::io("look at", above))?;
            let bit = match (data.uid() == *uid, data.gid() == *gid) {
                (true, _) => 0o100,
                (false, true) => 0o010,
                (false, false) => 0o001,
            };
            if data.mode() & bit == 0 {
                return Err(PrivatePostgresError::NotTraversable { dir: above.to_owned(), account: name.clone() });
            }
        }
        Ok(())
    }
}

/// Asks `id`, which also knows users that are not in `/etc/passwd`.
fn look_up(name: &str) -> Option<Account> {
    let ask = |what: &str| -> Option<u32> {
        let output = Command::new("id").args([what, name]).output().ok()?;
        String::from_utf8(output.stdout).ok()?.trim().parse().ok()
    };
    Some(Account::Other { name: name.to_owned(), uid: ask("-u")?, gid: ask("-g")? })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_directory_closed_to_the_server_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let closed = dir.path().join("closed");
        let inside = closed.join("inside");
        fs::create_dir_all(&inside).unwrap();
        for open in [dir.path(), &inside] {
            fs::set_permissions(open, fs::Permissions::from_mode(0o755)).unwrap();
        }
        fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).unwrap();
        let stranger = Account::Other { name: "postgres".to_owned(), uid: 64_999, gid: 64_999 };

        let error = stranger.check_way_to(&inside).unwrap_err();

        assert!(matches!(&error, PrivatePostgresError::NotTraversable { dir, .. } if *dir == closed), "{error}");
    }
}
