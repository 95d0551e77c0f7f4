//! The name of a lease holder, which a restart on this machine reuses and nobody else can.
//!
//! The name is the machine's boot id and the text of a file that the process holds locked. A process that was killed has
//! released its lock, so the next one has the same name and reacquires its own leases at once. One that is merely
//! stopped still holds it, so the next one has another name, and waits. By the same locks a standby knows at once that the
//! holder of a lease was killed. A copied disk has another boot id, and a copied
//! file is not the one that its text names: it gets a text of its own.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

use super::machine_memory::{Origin, make_directory};

/// More engines than this on one machine and database get names that no restart reuses.
const FILES: u32 = 16;

/// A holder's name; the lock lives as long as the value.
#[derive(Debug)]
pub struct Identity {
    name: String,
    /// The files of all names of this machine, where this process has one of them.
    directory: Option<PathBuf>,
    _lock: Option<File>,
}

impl Identity {
    /// Takes the first name in `directory` that no living process has; failing that, a name that is used once.
    pub fn take(directory: &Path, host: &str) -> Self {
        match files(directory).find_map(|path| lock(&path).ok().flatten()) {
            Some((text, file)) => Self {
                name: format!("{host}/{}/{text}", boot_id()),
                directory: Some(directory.to_owned()),
                _lock: Some(file),
            },
            None => Self::once(host),
        }
    }

    /// A name for a process that holds no lease, or cannot lock a file.
    pub fn once(host: &str) -> Self {
        Self {
            name: format!("{host}/{}/{:016x}", std::process::id(), rand::random::<u64>()),
            directory: None,
            _lock: None,
        }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether a holder was another process of this machine, and has ended: its name's lock is free. `false` where that is not known.
    pub fn has_ended(&self, holder: &str) -> bool {
        let Some((machine, text)) = holder.rsplit_once('/') else { return false };
        let is_of_here = self.name.rsplit_once('/').is_some_and(|(own, _)| own == machine) && holder != self.name;
        let directory = self.directory.as_deref().filter(|_| is_of_here);
        directory.is_some_and(|directory| files(directory).any(|path| is_unlocked(&path, text).unwrap_or(false)))
    }
}

fn files(directory: &Path) -> impl Iterator<Item = PathBuf> {
    (0..FILES).map(|n| directory.join(format!("engine-{n}.lock")))
}

/// Whether a file is that of a name, and no living process has it.
fn is_unlocked(path: &Path, name: &str) -> io::Result<bool> {
    let file = File::open(path)?;
    let mut text = String::new();
    (&file).take(256).read_to_string(&mut text)?;
    let is_named = name_in(&text, &Origin::of(&file)?.to_string()) == Some(name);
    Ok(is_named && flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok())
}

/// The file's text under its lock; `None` when a living process has it.
fn lock(path: &Path) -> io::Result<Option<(String, File)>> {
    if let Some(directory) = path.parent() {
        make_directory(directory)?;
    }
    let file = OpenOptions::new().create(true).truncate(false).read(true).write(true).mode(0o600).open(path)?;
    if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
        return Ok(None);
    }
    let origin = Origin::of(&file)?.to_string();
    let mut text = String::new();
    // Whatever is in it: a file that cannot be read as text has no name either.
    let _ = (&file).take(256).read_to_string(&mut text);
    if let Some(name) = name_in(&text, &origin) {
        return Ok(Some((name.to_owned(), file)));
    }
    let name = format!("{:016x}", rand::random::<u64>());
    file.set_len(0)?;
    file.write_all_at(format!("{name} {origin}").as_bytes(), 0)?;
    file.sync_all()?;
    Ok(Some((name, file)))
}

/// The name in a file's text, if the text was written into that very file.
fn name_in<'a>(text: &'a str, origin: &str) -> Option<&'a str> {
    let (name, of) = text.split_once(' ')?;
    (name.len() == 16 && name.bytes().all(|byte| byte.is_ascii_hexdigit()) && of == origin).then_some(name)
}

/// Differs after every boot, and between machines with the same disk.
fn boot_id() -> String {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    id.chars().filter(char::is_ascii_hexdigit).take(12).collect()
}

#[cfg(test)]
mod tests {
    use super::Identity;

    #[test]
    fn a_name_is_taken_up_again_once_its_process_is_gone_and_not_before() {
        let directory = tempfile::tempdir().unwrap();
        let first = Identity::take(directory.path(), "kedai1");
        let name = first.name().to_owned();

        let beside = Identity::take(directory.path(), "kedai1");
        assert_ne!(beside.name(), name);

        drop(first);
        assert!(soon(|| Identity::take(directory.path(), "kedai1").name() == name));
    }

    /// A process that another test starts just now has the lock as well, until it is another program.
    fn soon(is_so: impl Fn() -> bool) -> bool {
        (0..500).any(|_| {
            std::thread::sleep(std::time::Duration::from_millis(10));
            is_so()
        })
    }

    #[test]
    fn a_process_of_this_machine_is_known_to_have_ended_by_its_lock_and_no_other_is() {
        let directory = tempfile::tempdir().unwrap();
        let first = Identity::take(directory.path(), "kedai1");
        let name = first.name().to_owned();
        let standby = Identity::take(directory.path(), "kedai1");
        let elsewhere = Identity::take(tempfile::tempdir().unwrap().path(), "kedai1");
        let (_, text) = name.rsplit_once('/').unwrap();

        assert!(!standby.has_ended(&name) && !standby.has_ended(standby.name()));
        drop(first);

        assert!(soon(|| standby.has_ended(&name)));
        assert!(!standby.has_ended(&format!("kedai2/{text}")) && !standby.has_ended(&format!("kedai1/0123/{text}")));
        assert!(!elsewhere.has_ended(&name) && !Identity::once("kedai1").has_ended(&name));
        // It was looked at, not taken.
        assert!(soon(|| Identity::take(directory.path(), "kedai1").name() == name));
    }

    #[test]
    fn a_copied_file_gives_no_second_engine_the_name() {
        let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let first = Identity::take(here.path(), "kedai1");
        std::fs::copy(here.path().join("engine-0.lock"), there.path().join("engine-0.lock")).unwrap();

        let second = Identity::take(there.path(), "kedai1");

        assert_ne!(second.name(), first.name());
    }

    #[test]
    fn where_no_file_can_be_made_the_name_is_used_once() {
        let nowhere = std::path::Path::new("/proc/nowhere");

        assert_ne!(Identity::take(nowhere, "kedai1").name(), Identity::take(nowhere, "kedai1").name());
    }
}
