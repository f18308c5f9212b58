//! A disk of a few megabytes, so that a test can fill it. Needs the right to mount.

use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

/// A small file system; unmounted when dropped.
pub(crate) struct SmallDisk(TempDir);

impl SmallDisk {
    /// Mounts a disk of this size; `None`, and a word about it, where that is not allowed.
    pub(crate) fn mount(megabytes: u32) -> Option<SmallDisk> {
        let dir = tempfile::tempdir().expect("a temporary directory can be made");
        let size = format!("size={megabytes}m");
        let mount = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "none"]).arg(dir.path()).status();
        if mount.is_ok_and(|status| status.success()) {
            return Some(SmallDisk(dir));
        }
        eprintln!("SKIPPED: mounting a small disk is not allowed here");
        None
    }

    /// Lets nobody write any more.
    pub(crate) fn make_read_only(&self) {
        let mount = Command::new("mount").args(["-o", "remount,ro"]).arg(self.path()).status();
        assert!(mount.is_ok_and(|status| status.success()), "the disk can be made read-only");
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: the router may still hold files on it.
        Command::new("umount").arg("-l").arg(self.path()).status().ok();
    }
}
