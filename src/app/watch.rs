//! Notices that the configuration file, or the `.env` file beside it, has another content, or that somebody asks.
//!
//! Looks at contents and not at times: a replaced symbolic link, a restored backup and an edit within one tick of the clock
//! are seen, and a touched file is not. A content counts when two looks in a row have found it, so that a file that is just
//! being written is not taken for what it is to be.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest, Sha256};
use tokio::signal::unix::Signal;

/// How often the files are looked at: a change is noticed after two looks.
const LOOK_EVERY: Duration = Duration::from_millis(700);

/// Why the configuration is to be read again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reason {
    /// The files have another content.
    Noticed,
    /// SIGHUP.
    Asked,
}

/// The digests of the files; a file that cannot be read has the name of the error.
type Contents = [[u8; 32]; 2];

/// See the module.
pub(super) struct Watch {
    files: [PathBuf; 2],
    hangup: Signal,
    /// What was last handed on; `None` until the first look, which makes sure that what was loaded is still there.
    known: Option<Contents>,
    /// What the last look found.
    seen: Option<Contents>,
}

impl Watch {
    pub(super) fn new(files: [PathBuf; 2], hangup: Signal) -> Self {
        Watch { files, hangup, known: None, seen: None }
    }

    /// Waits until there is a reason to read the configuration again.
    pub(super) async fn next(&mut self) -> Reason {
        loop {
            tokio::select! {
                _ = self.hangup.recv() => {
                    self.known = Some(contents(&self.files).await);
                    return Reason::Asked;
                }
                () = tokio::time::sleep(LOOK_EVERY) => {
                    let found = contents(&self.files).await;
                    if self.found(found) {
                        return Reason::Noticed;
                    }
                }
            }
        }
    }

    /// Says again what was last said: it could not be carried out.
    pub(super) fn again(&mut self) {
        self.known = None;
    }

    /// Takes a look in; true when its content is new and has come to rest.
    fn found(&mut self, found: Contents) -> bool {
        let rests = self.seen.replace(found) == Some(found);
        let is_new = self.known != Some(found);
        if rests && is_new {
            self.known = Some(found);
        }
        rests && is_new
    }
}

/// Reads on another thread: a disk may take its time.
async fn contents(files: &[PathBuf; 2]) -> Contents {
    let files = files.clone();
    let read = move || files.each_ref().map(|file| digest(file));
    tokio::task::spawn_blocking(read).await.unwrap_or_default()
}

fn digest(file: &Path) -> [u8; 32] {
    match std::fs::read(file) {
        Ok(content) => Sha256::digest(content).into(),
        Err(error) => Sha256::digest(format!("error: {:?}", error.kind())).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watch() -> Watch {
        let hangup = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup()).unwrap();
        Watch::new([PathBuf::from("a"), PathBuf::from("b")], hangup)
    }

    #[tokio::test]
    async fn a_content_counts_once_and_only_when_it_has_come_to_rest() {
        let mut watch = watch();
        let [one, half, two] = [1, 2, 3].map(|byte| [[byte; 32], [0; 32]]);
        let mut looks = |found| watch.found(found);
        assert_eq!([one, one, one].map(&mut looks), [false, true, false]);
        assert_eq!([half, two, two, two].map(&mut looks), [false, false, true, false]);
        assert_eq!([one, two, two].map(&mut looks), [false, false, false], "it was only there for a moment");
        watch.again();
        assert!(watch.found(two));
    }

    #[test]
    fn a_replaced_link_is_another_content_and_a_touched_file_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        let link = path("config.toml");
        let missing = digest(&link);
        std::fs::write(path("one"), "a = 1").unwrap();
        std::fs::write(path("two"), "a = 2").unwrap();
        std::os::unix::fs::symlink("one", &link).unwrap();
        let one = digest(&link);
        std::fs::write(path("one"), "a = 1").unwrap();
        assert_eq!(digest(&link), one);
        std::os::unix::fs::symlink("two", path("new")).unwrap();
        std::fs::rename(path("new"), &link).unwrap();
        let two = digest(&link);
        assert!(one != two && two != missing && one != missing);
    }
}
