//! Takes rows out of a file of rejected rows: whoever is in them asked to be forgotten.

use std::fs::File;
use std::io;
use std::path::Path;

use super::{begin, begins_as_ours, open_own};

/// A file of rejected rows, as it is now.
#[derive(Debug)]
pub enum KnownRejectedFile {
    /// It was moved or deleted.
    Gone,
    /// Somebody has changed it, or put another one in its place.
    Foreign,
    /// Its rows, each with the four columns.
    Rows(Vec<csv::StringRecord>),
}

/// Reads a file that this program wrote once.
pub fn read_rejected_file(path: &Path) -> io::Result<KnownRejectedFile> {
    let mut file = match open_own(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(KnownRejectedFile::Gone),
        Err(error) => return Err(error),
        Ok(None) => return Ok(KnownRejectedFile::Foreign),
        Ok(Some((file, _))) => file,
    };
    if !begins_as_ours(&mut file)? {
        return Ok(KnownRejectedFile::Foreign);
    }
    let rows: Result<Vec<_>, _> = csv::Reader::from_reader(File::open(path)?).into_records().collect();
    // With other columns it is no longer as it was written.
    Ok(rows.map_or(KnownRejectedFile::Foreign, KnownRejectedFile::Rows))
}

/// Writes these rows in the place of those that a file has.
pub fn rewrite_rejected_file(path: &Path, rows: &[csv::StringRecord]) -> io::Result<()> {
    let (mut writer, draft) = begin(path)?;
    for row in rows {
        writer.write_record(row)?;
    }
    writer.into_inner().map_err(csv::IntoInnerError::into_error)?.into_inner()?.sync_all()?;
    let kept = draft.keep()?;
    if kept == path {
        return Ok(());
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

        let KnownRejectedFile::Rows(rows) = read_rejected_file(&path).unwrap() else { panic!("it is ours") };
        rewrite_rejected_file(&path, &rows[1..]).unwrap();

        assert_eq!(fs::read_to_string(&path).unwrap(), "row,column,value,reason\n4,phone,\"a, b\",none\n");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        fs::write(&path, "my own notes").unwrap();
        assert!(matches!(read_rejected_file(&path).unwrap(), KnownRejectedFile::Foreign));
        fs::remove_file(&path).unwrap();
        assert!(matches!(read_rejected_file(&path).unwrap(), KnownRejectedFile::Gone));
    }
}
