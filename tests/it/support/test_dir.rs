//! A directory for one test, where servers may be started: gone with the test, with every server in it, however the test ends.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::scratch::scratch;

/// Waits for its input to end, which it does when the test drops the directory or dies; ends the servers, then removes the files.
/// A pid file may name a process that is no server of ours: only a `postgres` is signalled.
const CLEAR_UP: &str = r#"
trap '' HUP INT TERM
cat > /dev/null
for file in $(find "$1" -name postmaster.pid 2> /dev/null); do
    pid=$(head -n 1 "$file")
    socket_dir=$(sed -n 5p "$file")
    name=$(cat "/proc/$pid/comm" 2> /dev/null || ps -o comm= -p "$pid")
    case $name in *postgres*) kill -QUIT "$pid" 2> /dev/null;; *) continue;; esac
    tries=0
    while [ -e "$file" ] && [ $tries -lt 200 ]; do sleep 0.05; tries=$((tries + 1)); done
    case $socket_dir in /tmp/blastdeck-*) rmdir "$socket_dir" 2> /dev/null;; esac
done
rm -rf "$1" || { sleep 1; rm -rf "$1"; }
"#;

/// The directory; other users may pass through it (a server of root's runs as another user).
pub struct TestDir {
    dir: PathBuf,
    keeper: Child,
}

impl TestDir {
    pub fn new() -> Self {
        let dir = tempfile::Builder::new().prefix("blastdeck-test-").tempdir_in(scratch()).unwrap().keep();
        fs::set_permissions(&dir, fs::Permissions::from_mode(0o711)).unwrap();
        let keeper = Command::new("/bin/sh")
            .args(["-c", CLEAR_UP, "sh"])
            .arg(&dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self { dir, keeper }
    }

    pub fn path(&self) -> &Path {
        &self.dir
    }
}

impl Drop for TestDir {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}
