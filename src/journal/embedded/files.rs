//! The few things that the journal does with files, each error with its file and whether it means "full".
//!
//! Separate so that slicing, syncing and replacing are done one way. Never knows what the bytes mean.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::FallocateFlags;
use rustix::io::Errno;

use crate::journal::JournalError;

/// Larger single writes cost the kernel many times the processor time.
const WRITE_SLICE: usize = 1 << 20;

/// Turns a system error into the journal's, naming what was done to which file.
pub(super) fn failed(doing: &str, path: &Path) -> impl FnOnce(io::Error) -> JournalError {
    let context = format!("could not {doing} `{}`", path.display());
    move |source| {
        let full = [Errno::NOSPC.raw_os_error(), Errno::DQUOT.raw_os_error()];
        if source.raw_os_error().is_some_and(|code| full.contains(&code)) {
            return JournalError::Full(format!("{context}: {source}"));
        }
        JournalError::Io { context, source }
    }
}

/// Opens an existing file for reading and writing.
pub(super) fn open(path: &Path) -> Result<File, JournalError> {
    OpenOptions::new().read(true).write(true).open(path).map_err(failed("open", path))
}

/// Creates a directory, and those above it, that nobody else may look into.
pub(super) fn make_dir(dir: &Path) -> Result<(), JournalError> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(failed("create", dir))
}

/// Creates an empty file that nobody else may read, or empties the one that is there.
pub(super) fn create(path: &Path) -> Result<File, JournalError> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(true).mode(0o600);
    options.open(path).map_err(failed("create", path))
}

/// Gives a file its space, so that later commits neither grow it nor find the disk full.
pub(super) fn allocate(file: &File, path: &Path, bytes: u64) -> Result<(), JournalError> {
    match rustix::fs::fallocate(file, FallocateFlags::empty(), 0, bytes) {
        Ok(()) => Ok(()),
        Err(Errno::OPNOTSUPP | Errno::NOSYS) => file.set_len(bytes).map_err(failed("extend", path)),
        Err(errno) => Err(failed("allocate", path)(errno.into())),
    }
}

/// Writes all of `bytes` at `offset`.
pub(super) fn write_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    let mut at = offset;
    for slice in bytes.chunks(WRITE_SLICE) {
        file.write_all_at(slice, at)?;
        at += slice.len() as u64;
    }
    Ok(())
}

/// Reads until `buffer` is full or the file ends; returns how many bytes were read.
pub(super) fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut done = 0;
    while let Some(rest) = buffer.get_mut(done..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, offset + done as u64) {
            Ok(0) => break,
            Ok(read) => done += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}

/// Makes the names in a directory durable.
pub(super) fn sync_dir(dir: &Path) -> Result<(), JournalError> {
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(failed("sync", dir))
}

/// Puts `bytes` in the place of the file at `path` in one step, synced first when `durable`.
pub(super) fn replace(path: &Path, bytes: &[u8], durable: bool) -> Result<(), JournalError> {
    let partial = path.with_extension("tmp");
    let file = create(&partial)?;
    write_at(&file, bytes, 0).map_err(failed("write", &partial))?;
    if durable {
        file.sync_data().map_err(failed("sync", &partial))?;
    }
    fs::rename(&partial, path).map_err(failed("rename", &partial))
}

/// Removes a file that may be gone already.
pub(super) fn remove(path: &Path) -> Result<(), JournalError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed("remove", path)(error)),
        _ => Ok(()),
    }
}

/// Returns the names in a directory.
pub(super) fn names(dir: &Path) -> Result<Vec<String>, JournalError> {
    let entries = fs::read_dir(dir).map_err(failed("list", dir))?;
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(failed("list", dir))?;
        names.extend(entry.file_name().into_string().ok());
    }
    Ok(names)
}
