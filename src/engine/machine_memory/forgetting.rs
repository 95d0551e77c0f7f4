//! What this machine keeps of somebody who asked to be forgotten: their number leaves the journals, the opt-outs and the logs; the key of the hashes
//! that stay of people is made and read here.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::journal::Journal;
use super::{MemoryError, OptOutMemory, make_directory, private};
use crate::domain::forgotten::ForgetKey;
use crate::domain::phone::{PersonKey, other_spelling};

/// Reads the key; `None`: there is none.
///
/// # Errors
/// A file that cannot be read, or is no key.
pub fn forget_key(path: &Path) -> Result<Option<ForgetKey>, MemoryError> {
    let unreadable = |why: String| MemoryError::Unreadable { path: path.to_owned(), why };
    match fs::read_to_string(path) {
        Ok(text) => {
            ForgetKey::from_hex(&text).map(Some).ok_or_else(|| unreadable("it is not 64 hexadecimal digits".to_owned()))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(MemoryError::reading(path, error)),
    }
}

/// Reads the key, and makes one where there is none: of two processes that make one both get the same.
pub fn make_forget_key(path: &Path) -> Result<ForgetKey, MemoryError> {
    if let Some(key) = forget_key(path)? {
        return Ok(key);
    }
    let written = write_key(path, &ForgetKey::new(rand::random()));
    if let Err(error) = written {
        return Err(MemoryError::Unwritable { path: path.to_owned(), error });
    }
    forget_key(path)?.ok_or_else(|| MemoryError::Unreadable { path: path.to_owned(), why: "it is gone".to_owned() })
}

/// Written beside and linked: whoever finds the file finds a whole key, and a link replaces none.
fn write_key(path: &Path, key: &ForgetKey) -> io::Result<()> {
    if let Some(directory) = path.parent() {
        make_directory(directory)?;
    }
    let draft = path.with_extension(format!("{}.new", std::process::id()));
    let mut file = private(OpenOptions::new().create(true).truncate(true).write(true)).open(&draft)?;
    writeln!(file, "{}", key.to_hex())?;
    file.sync_data()?;
    let linked = fs::hard_link(&draft, path);
    fs::remove_file(&draft)?;
    match linked {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// Takes people out of the memories in these directories, and out of the files in a directory of logs.
pub fn forget_in_files(memories: &[&Path], people: &[PersonKey], logs: &Path) -> Result<(), MemoryError> {
    let spellings = spellings(people);
    let phones: Vec<u64> = spellings.iter().filter_map(|digits| digits.parse().ok()).collect();
    for directory in memories.iter().filter(|directory| directory.is_dir()) {
        OptOutMemory::new(directory).forget(people)?;
        for journal in files(directory).filter(|path| path.to_string_lossy().contains(".posted-")) {
            Journal::forget(&journal, &phones)?;
        }
    }
    for log in files(logs) {
        black_out(&log, &spellings).map_err(|error| MemoryError::Unwritable { path: log, error })?;
    }
    Ok(())
}

/// The digits of each number, in both spellings.
pub(super) fn spellings(people: &[PersonKey]) -> Vec<String> {
    let digits = people.iter().map(|person| person.number().to_string());
    digits.flat_map(|digits| [other_spelling(&digits), Some(digits)]).flatten().collect()
}

fn files(directory: &Path) -> impl Iterator<Item = PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file())).map(|entry| entry.path())
}

/// A line without these numbers, as long as it was; `None`: it has none of them. Within a longer number they are another's.
pub(super) fn blacked_out(line: &[u8], spellings: &[String]) -> Option<Vec<u8>> {
    let mut left = line.to_vec();
    let is_digit = |at: Option<usize>| at.and_then(|at| line.get(at)).is_some_and(u8::is_ascii_digit);
    for digits in spellings {
        for at in 0..(line.len() + 1).saturating_sub(digits.len()) {
            let end = at + digits.len();
            if line[at..].starts_with(digits.as_bytes()) && !is_digit(at.checked_sub(1)) && !is_digit(Some(end)) {
                left[at..end].fill(b'x');
            }
        }
    }
    (left != line).then_some(left)
}

/// Overwrites digits in place: whoever has the file open goes on appending to it.
fn black_out(path: &Path, spellings: &[String]) -> io::Result<()> {
    let bytes = fs::read(path)?;
    let file = OpenOptions::new().write(true).open(path)?;
    for digits in spellings {
        for at in
            (0..bytes.len().saturating_sub(digits.len() - 1)).filter(|at| bytes[*at..].starts_with(digits.as_bytes()))
        {
            file.write_all_at(&vec![b'x'; digits.len()], at as u64)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_for_its_owner_alone() {
        use std::os::unix::fs::MetadataExt;
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("database/forget.key");

        assert_eq!(forget_key(&path).unwrap(), None);
        let made = make_forget_key(&path).unwrap();

        assert_eq!(make_forget_key(&path).unwrap(), made);
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert_eq!(files(path.parent().unwrap()).count(), 1);
        fs::write(&path, "a letter").unwrap();
        assert!(make_forget_key(&path).is_err(), "what is there is never replaced");
    }

    #[test]
    fn a_log_keeps_its_length_and_loses_the_number() {
        let home = tempfile::tempdir().unwrap();
        let log = home.path().join("blastdeck.log");
        fs::write(&log, "to +60100123456: 60100123456@c.us, 6010012345\n").unwrap();
        let person = PersonKey::of_digits("60100123456").unwrap();

        forget_in_files(&[], &[person], home.path()).unwrap();

        assert_eq!(fs::read_to_string(&log).unwrap(), "to +xxxxxxxxxxx: xxxxxxxxxxx@c.us, 6010012345\n");
    }
}
