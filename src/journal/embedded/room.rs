//! What was dropped for want of room although somebody had not settled it.
//!
//! Separate because it outlives the segments it speaks of: the position is kept in a file, so that a destination that looks
//! after a restart still learns why its events are gone. The file is best effort; without it only the reason is lost.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::files;
use crate::journal::{Dropped, Position};

/// See the module.
#[derive(Debug)]
pub(super) struct Room {
    path: PathBuf,
    below: AtomicU64,
    written: AtomicU64,
    unasked: Mutex<Vec<Dropped>>,
}

impl Room {
    /// Reads what an earlier process has dropped.
    pub(super) fn open(dir: &Path) -> Room {
        let path = dir.join("dropped");
        let below = fs::read_to_string(&path).ok().and_then(|text| text.trim().parse().ok());
        let below = below.unwrap_or(0);
        Room { path, below: below.into(), written: below.into(), unasked: Mutex::default() }
    }

    /// Returns the position below which records were dropped.
    pub(super) fn below(&self) -> Position {
        Position(self.below.load(Ordering::Acquire))
    }

    /// Says that what is below this position goes: before it is gone, so that nobody misses it without learning why.
    pub(super) fn raise(&self, below: u64) {
        self.below.fetch_max(below, Ordering::AcqRel);
    }

    /// Remembers that the records from `first` up to `next` are about to go.
    pub(super) fn note(&self, first: u64, next: u64) {
        self.unasked().push(Dropped { first: Position(first), next: Position(next) });
        self.write_down();
    }

    /// Writes the position down, unless it is: on a full disk that works only once something is gone.
    pub(super) fn write_down(&self) {
        let below = self.below().0;
        if self.written.load(Ordering::Acquire) == below {
            return;
        }
        match files::replace(&self.path, format!("{below}\n").as_bytes(), false) {
            Ok(()) => self.written.store(below, Ordering::Release),
            Err(error) => tracing::debug!(%error, "could not write down what the journal drops"),
        }
    }

    /// Returns what was dropped since the last call.
    pub(super) fn dropped(&self) -> Vec<Dropped> {
        std::mem::take(&mut *self.unasked())
    }

    fn unasked(&self) -> MutexGuard<'_, Vec<Dropped>> {
        self.unasked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
