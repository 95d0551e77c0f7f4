//! Blanks the lines of people who asked to be forgotten, in place.

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::super::files::{self, private};
use super::super::forgetting::{blacked_out, spellings};
use super::super::stamp::ChangeStamp;
use super::{HEADER, RememberedOptOut, header, note_header, read_header};
use crate::domain::phone::PersonKey;

pub(super) fn forget_lines(path: &Path, people: &[PersonKey]) -> io::Result<()> {
    let file = match private(OpenOptions::new().read(true).write(true)).open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        opened => opened?,
    };
    let (bytes, _) = files::read(path)?;
    let noted = read_header(bytes.get(..HEADER).unwrap_or_default());
    let changed = ChangeStamp::of(&file)?;
    let ours = noted.filter(|(stamp, _)| stamp.is_of(changed)).map(|(_, extent)| extent);
    if let Some(extent) = &ours {
        // An engine that looks meanwhile would take this for another program's change.
        file.write_all_at(header(ChangeStamp::UNKNOWN, extent).as_bytes(), 0)?;
    }
    let spellings = spellings(people);
    let mut at = 0;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        if let Some(left) = line_without(line, (people, &spellings)) {
            file.write_all_at(&left, at)?;
        }
        at += line.len() as u64;
    }
    if let Some(extent) = &ours {
        note_header(&file, extent)?;
    }
    file.sync_data()
}

/// What is left of a line: nothing of their own, and what it says of somebody else without their number. `None`: all of it.
fn line_without(line: &[u8], (people, spellings): (&[PersonKey], &[String])) -> Option<Vec<u8>> {
    let read = |line: &[u8]| serde_json::from_slice::<RememberedOptOut>(line).ok();
    let Some(noted) = read(line) else {
        // The header is no line, and what cannot be read may name them all the same.
        return blacked_out(line, spellings).filter(|_| !line.starts_with(b"#"));
    };
    let person = PersonKey::of_digits(noted.phone.trim_start_matches('+'));
    if person.is_some_and(|person| people.contains(&person)) {
        return Some(vec![b'\n'; line.len()]);
    }
    // It goes on opting out whom it is about.
    blacked_out(line, spellings).filter(|left| read(left).is_some_and(|left| left.whose() == noted.whose()))
}
