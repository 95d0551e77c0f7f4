//! Under which names the files of a sender's memory lie.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use super::{Journal, MemoryPage, files};
use crate::domain::ids::SenderId;

/// Whose memory it is. The name is the sender's own; its number in the database is another one where its row was lost in a restore, and
/// somebody else was registered before it came back.
#[derive(Debug, Clone, Copy)]
pub struct SenderKey<'a> {
    pub id: SenderId,
    pub name: &'a str,
}

impl SenderKey<'_> {
    /// What the names of its files begin with. Earlier versions wrote the sender's number there: such a memory stays where it is, and is
    /// found by the name that it has noted since; one that has noted none is taken to be of whoever has the number.
    pub(super) fn stem(self, directory: &Path) -> String {
        let (named, numbered) = (format!("sender-{}", file_name(self.name)), format!("sender-{}", self.id));
        if exists(directory, &named) {
            return named;
        }
        let noted = |stem: &str| noted_name(directory, stem);
        if let Some(stem) = numbered_stems(directory).into_iter().find(|stem| noted(stem).as_deref() == Some(self.name))
        {
            return stem;
        }
        if exists(directory, &numbered) && noted(&numbered).is_none() { numbered } else { named }
    }
}

/// A name as part of a file's, which no other name has: also where capitals make no difference, and never a number alone.
fn file_name(name: &str) -> String {
    let mut written = String::new();
    for (at, byte) in name.bytes().enumerate() {
        match byte {
            b'a'..=b'z' | b'-' | b'_' => written.push(char::from(byte)),
            b'0'..=b'9' if at > 0 => written.push(char::from(byte)),
            other => {
                let _ = write!(written, "%{other:02X}");
            }
        }
    }
    written
}

/// The journals of a stem, whatever its page says.
pub(super) fn journals(directory: &Path, stem: &str) -> Vec<PathBuf> {
    let prefix = format!("{stem}.posted-");
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let ours = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(&prefix));
    ours.map(|entry| entry.path()).collect()
}

fn page(directory: &Path, stem: &str) -> PathBuf {
    directory.join(format!("{stem}.json"))
}

/// Anything that a machine has remembered under this stem: also a journal whose page was removed.
fn exists(directory: &Path, stem: &str) -> bool {
    page(directory, stem).symlink_metadata().is_ok()
        || journals(directory, stem).iter().any(|path| !Journal::is_unused(path))
}

/// The sender that a page names; `None` also where it cannot be read.
fn noted_name(directory: &Path, stem: &str) -> Option<String> {
    let (text, _) = files::read(&page(directory, stem)).ok()?;
    serde_json::from_slice::<MemoryPage>(&text).ok()?.sender
}

/// Those of earlier versions.
fn numbered_stems(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| Some(entry.file_name().to_str()?.strip_suffix(".json")?.to_owned()));
    names
        .filter(|stem| {
            stem.strip_prefix("sender-")
                .is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::file_name;

    #[test]
    fn no_two_senders_have_files_of_one_name_and_none_those_of_a_number() {
        let names = ["sales", "Sales", "sales.posted-1", "5", "5a", "a5", "_5", "%35"];
        let files: Vec<String> = names.iter().map(|name| file_name(name).to_lowercase()).collect();

        assert_eq!(files[0], "sales");
        for (n, file) in files.iter().enumerate() {
            assert!(!files[..n].contains(file), "{file}");
            assert!(!file.contains('.') && !file.starts_with(|c: char| c.is_ascii_digit()), "{file}");
        }
    }
}
