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
    unasked: Mutex<Vec<Dropped>>,
}

impl Room {
    /// Reads what an earlier process has dropped.
    pub(super) fn open(dir: &Path) -> Room {
        let path = dir.join("dropped");
        let below = fs::read_to_string(&path).ok().and_then(|text| text.trim().parse().ok());
        Room { path, below: AtomicU64::new(below.unwrap_or(0)), unasked: Mutex::default() }
    }

    /// Returns the position below which records were dropped.
    pub(super) fn below(&self) -> Position {
        Position(self.below.load(Ordering::Acquire))
    }

    /// Remembers that the records from `first` up to `next` were dropped.
    pub(super) fn note(&self, first: Position, next: Position) {
        self.below.fetch_max(next.0, Ordering::AcqRel);
        self.unasked().push(Dropped { first, next });
        if let Err(error) = files::replace(&self.path, format!("{}\n", next.0).as_bytes(), false) {
            tracing::warn!(%error, "could not write down what the journal has dropped");
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
