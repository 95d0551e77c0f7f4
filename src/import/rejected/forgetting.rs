//! Takes rows out of a file of rejected rows: whoever is in them asked to be forgotten.

use std::fs::Metadata;
use std::io::{self, Seek};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::{begin, begins_as_ours, open_own, remove_leftovers};

/// A file of rejected rows, as it is now.
#[derive(Debug)]
pub enum KnownRejectedFile {
    /// It was moved or deleted.
    Gone,
    /// Somebody has changed it, or put another one in its place.
    Foreign,
    /// Its rows, each with the four columns, and which file they were read in.
    Rows(Vec<csv::StringRecord>, RejectedVersion),
}

/// A file as it was: another one under its name differs, and so does the same one once it is written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RejectedVersion {
    inode: u64,
    length: u64,
    modified: (i64, i64),
}

impl RejectedVersion {
    fn of(found: &Metadata) -> Self {
        Self { inode: found.ino(), length: found.len(), modified: (found.mtime(), found.mtime_nsec()) }
    }
}

/// Reads a file that this program wrote once. What imports that were killed left beside it goes.
pub fn read_rejected_file(path: &Path) -> io::Result<KnownRejectedFile> {
    remove_leftovers(path);
    let (mut file, found) = match open_own(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(KnownRejectedFile::Gone),
        Err(error) => return Err(error),
        Ok(None) => return Ok(KnownRejectedFile::Foreign),
        Ok(Some(open)) => open,
    };
    if !begins_as_ours(&mut file)? {
        return Ok(KnownRejectedFile::Foreign);
    }
    file.rewind()?;
    let rows: Result<Vec<_>, _> = csv::Reader::from_reader(file).into_records().collect();
    // With other columns it is no longer as it was written.
    Ok(rows.map_or(KnownRejectedFile::Foreign, |rows| KnownRejectedFile::Rows(rows, RejectedVersion::of(&found))))
}

/// Writes these rows in the place of those that a file has. `false`: another import has written it meanwhile, and it stays so.
pub fn rewrite_rejected_file(path: &Path, read: RejectedVersion, rows: &[csv::StringRecord]) -> io::Result<bool> {
    let (mut writer, draft) = begin(path)?;
    for row in rows {
        writer.write_record(row)?;
    }
    writer.into_inner().map_err(csv::IntoInnerError::into_error)?.into_inner()?.sync_all()?;
    let is_as_read =
        open_own(path).is_ok_and(|open| open.is_some_and(|(_, found)| RejectedVersion::of(&found) == read));
    if !is_as_read {
        return Ok(false);
    }
    let kept = draft.keep()?;
    if kept == path {
        return Ok(true);
    }
    Err(io::Error::other(format!("somebody has put another file there; it is without them in {}", kept.display())))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::HEADER;
    use super::*;

    #[test]
    fn a_file_of_ours_loses_rows_and_one_of_somebody_else_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("raya.rejected.csv");
        fs::write(&path, format!("{}\n3,phone,'+60100,short\n4,phone,\"a, b\",none\n", HEADER.join(","))).unwrap();

        let KnownRejectedFile::Rows(rows, read) = read_rejected_file(&path).unwrap() else { panic!("it is ours") };
        assert!(rewrite_rejected_file(&path, read, &rows[1..]).unwrap());

        assert_eq!(fs::read_to_string(&path).unwrap(), "row,column,value,reason\n4,phone,\"a, b\",none\n");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        fs::write(&path, "my own notes").unwrap();
        assert!(matches!(read_rejected_file(&path).unwrap(), KnownRejectedFile::Foreign));
        fs::remove_file(&path).unwrap();
        assert!(matches!(read_rejected_file(&path).unwrap(), KnownRejectedFile::Gone));
    }
    #[test]
    fn a_file_that_another_import_wrote_meanwhile_stays_and_what_a_killed_one_left_goes() {
        let dir = tempfile::tempdir().unwrap();
        let (path, other) = (dir.path().join("raya.rejected.csv"), dir.path().join("other"));
        let (was, is) =
            ("row,column,value,reason\n3,phone,0100,short\n", "row,column,value,reason\n9,phone,0200,short\n");
        fs::write(&path, was).unwrap();
        fs::write(&other, is).unwrap();
        fs::write(dir.path().join(".raya.rejected.csv.4711.part"), was).unwrap();

        let KnownRejectedFile::Rows(_, read) = read_rejected_file(&path).unwrap() else { panic!("it is ours") };
        fs::rename(&other, &path).unwrap();

        assert!(!rewrite_rejected_file(&path, read, &[]).unwrap());
        assert_eq!(fs::read_to_string(&path).unwrap(), is);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
