//! One process at a time uses a data directory.
//!
//! A start waits a moment for a process that is just ending: after a `kill -9` the kernel gives the lock back only when it
//! has taken the memory back, which may be after its parent has started the next one.

use std::fs::{DirBuilder, File, OpenOptions};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
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

/// Returns whether everybody on the machine may look into the locked directory. Group rights are left to whoever gave them:
/// volumes of containers come with them. So are those of a directory of somebody else, which nobody here could change: what is
/// made in it is for its owner alone.
pub(super) fn is_open_to_all(data_dir: &Path, lock: &File) -> bool {
    let (Ok(dir), Ok(lock)) = (std::fs::metadata(data_dir), lock.metadata()) else { return false };
    is_open(dir.permissions().mode(), dir.uid() == lock.uid())
}

fn is_open(mode: u32, is_ours: bool) -> bool {
    is_ours && mode & 0o007 != 0
}

fn take_with(data_dir: &Path, mut pause: impl FnMut()) -> Result<File, ServeError> {
    let unusable = |error: std::io::Error| {
        ServeError::Unavailable(format!("could not use the data directory `{}`: {error}", data_dir.display()))
    };
    DirBuilder::new().recursive(true).mode(0o700).create(data_dir).map_err(unusable)?;
    let path = data_dir.join("lock");
    let mut options = OpenOptions::new();
    let file = options.create(true).truncate(false).write(true).mode(0o600).open(&path).map_err(unusable)?;
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
    fn a_new_data_directory_is_nobody_elses_and_one_that_is_everybodys_is_known() {
        let dir = tempfile::tempdir().unwrap();
        let data_dir = dir.path().join("a/data");
        let lock = take(&data_dir).unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&data_dir), mode(&data_dir.join("lock"))), (0o700, 0o600));
        assert!(!is_open_to_all(&data_dir, &lock));
        std::fs::set_permissions(&data_dir, std::fs::Permissions::from_mode(0o755)).unwrap();
        assert!(is_open_to_all(&data_dir, &lock));
        // A volume of a cluster, which belongs to root.
        assert!(is_open(0o755, true) && !is_open(0o2775, false));
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
