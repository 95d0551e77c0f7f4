//! How the files of the memory are made, opened and read: for their owner alone, through no link, and nothing but files.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::OFlags;

/// Files and directories are the operator's own: the journal holds phone numbers.
const FILE_MODE: u32 = 0o600;
const DIRECTORY_MODE: u32 = 0o700;

/// Makes a directory, with those above it, for its owner alone.
pub fn make_directory(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(DIRECTORY_MODE).create(path)
}

/// Opens for the owner alone, and through no link: another user's link must not lead a write elsewhere. A pipe is not waited for.
pub(super) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    options.mode(FILE_MODE).custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed())
}

/// A whole file, and the file itself.
///
/// # Errors
/// What is no file: a device may have no end.
pub(super) fn read(path: &Path) -> io::Result<(Vec<u8>, File)> {
    let mut file = private(OpenOptions::new().read(true)).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "it is no file"));
    }
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok((bytes, file))
}
