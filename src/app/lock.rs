//! One process at a time uses a data directory.

use std::fs::{File, OpenOptions};
use std::path::Path;

use rustix::fs::{FlockOperation, flock};

use super::ServeError;

/// Creates the directory where it is missing and locks it until the returned file is dropped, or the process dies.
pub(super) fn take(data_dir: &Path) -> Result<File, ServeError> {
    let unusable = |error: std::io::Error| {
        ServeError::Unavailable(format!("could not use the data directory `{}`: {error}", data_dir.display()))
    };
    std::fs::create_dir_all(data_dir).map_err(unusable)?;
    let path = data_dir.join("lock");
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(unusable)?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(_) => Err(ServeError::Unavailable(format!(
            "another process uses the data directory `{}`",
            data_dir.display()
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_data_directory_is_locked_until_its_lock_is_dropped() {
        let dir = tempfile::tempdir().unwrap();
        let data_dir = dir.path().join("data");
        let lock = take(&data_dir).unwrap();
        assert!(take(&data_dir).unwrap_err().to_string().contains("another process"));
        drop(lock);
        take(&data_dir).unwrap();
    }
}
