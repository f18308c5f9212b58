//! How far this router has read the topic of dead letters.
//!
//! Written after the letters that were read are durable. One that is lost or of another topic begins at the beginning, where
//! what is here already is passed over.

use std::fs;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::journal::JournalError;

/// The file.
#[derive(Debug)]
pub(super) struct Progress {
    path: PathBuf,
    topic: String,
}

#[derive(Serialize, Deserialize)]
struct Read {
    topic: String,
    next: i64,
}

impl Progress {
    pub(super) fn new(path: PathBuf, topic: &str) -> Progress {
        Progress { path, topic: topic.to_owned() }
    }

    /// Returns the offset of the next record; `None` for the beginning.
    pub(super) fn load(&self) -> Option<i64> {
        let read: Read = serde_json::from_slice(&fs::read(&self.path).ok()?).ok()?;
        (read.topic == self.topic && read.next >= 0).then_some(read.next)
    }

    /// Keeps it; survives a kill of the process.
    pub(super) fn store(&self, next: i64) -> Result<(), JournalError> {
        let read = Read { topic: self.topic.clone(), next };
        let partial = self.path.with_extension("tmp");
        let text = serde_json::to_vec(&read).unwrap_or_default();
        let written = fs::write(&partial, text).and_then(|()| fs::rename(&partial, &self.path));
        let context = || format!("could not replace `{}`", self.path.display());
        written.map_err(|source| JournalError::Io { context: context(), source })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_of_one_topic_and_anything_odd_is_the_beginning() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("read");
        let progress = Progress::new(path.clone(), "t.dead");
        assert_eq!(progress.load(), None);
        progress.store(7).unwrap();
        assert_eq!((progress.load(), Progress::new(path.clone(), "u.dead").load()), (Some(7), None));
        for odd in ["", "{", "{\"topic\":\"t.dead\",\"next\":-3}"] {
            fs::write(&path, odd).unwrap();
            assert_eq!(progress.load(), None, "{odd}");
        }
    }
}
