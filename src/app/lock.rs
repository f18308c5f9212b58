//! One process at a time uses a data directory.
//!
//! A start waits a moment for a process that is just ending: after a `kill -9` the kernel gives the lock back only when it
//! has taken the memory back, which may be after its parent has started the next one.

use std::fs::{File, OpenOptions};
use std::path::Path;
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use super::ServeError;

/// Pauses while a process that is ending is waited for: two seconds.
const PAUSES: u32 = 100;
/// The pause between two tries.
const PAUSE: Duration = Duration::from_millis(20);

/// Creates the directory where it is missing and locks it until the returned file is dropped, or the process dies. Blocks,
/// for about two seconds at most.
///
/// # Errors
/// `Unavailable` when another process uses the directory and goes on using it, or when it cannot be used at all.
pub(super) fn take(data_dir: &Path) -> Result<File, ServeError> {
    take_with(data_dir, pause)
}

#[expect(clippy::disallowed_methods, reason = "there is no actor before the directory is locked")]
fn pause() {
    std::thread::sleep(PAUSE);
}

fn take_with(data_dir: &Path, mut pause: impl FnMut()) -> Result<File, ServeError> {
    let unusable = |error: std::io::Error| {
        ServeError::Unavailable(format!("could not use the data directory `{}`: {error}", data_dir.display()))
    };
    std::fs::create_dir_all(data_dir).map_err(unusable)?;
    let path = data_dir.join("lock");
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(unusable)?;
    let mut left = PAUSES;
    loop {
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(file),
            Err(Errno::WOULDBLOCK) if left > 0 => {
                left -= 1;
                pause();
            }
            Err(Errno::WOULDBLOCK) => return Err(used(data_dir)),
            Err(error) => return Err(unusable(error.into())),
        }
    }
}

fn used(data_dir: &Path) -> ServeError {
    ServeError::Unavailable(format!("another process uses the data directory `{}`", data_dir.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_data_directory_is_locked_until_its_lock_is_dropped() {
        let dir = tempfile::tempdir().unwrap();
        let data_dir = dir.path().join("data");
        let lock = take(&data_dir).unwrap();
        let mut waited = Duration::ZERO;
        let refused = take_with(&data_dir, || waited += PAUSE).unwrap_err();
        let words = format!("another process uses the data directory `{}`", data_dir.display());
        assert!(matches!(&refused, ServeError::Unavailable(told) if *told == words), "{refused:?}");
        assert_eq!(waited, Duration::from_secs(2));
        drop(lock);
        take(&data_dir).unwrap();
    }

    #[test]
    fn a_lock_that_a_dying_process_gives_back_late_is_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let mut dying = Some(take(dir.path()).unwrap());
        let mut pauses = 0;
        let taken = take_with(dir.path(), || {
            pauses += 1;
            dying = dying.take().filter(|_| pauses < 3);
        });
        assert!(taken.is_ok(), "{taken:?}");
        assert_eq!(pauses, 3);
    }
}
