//! What a delivery has to say about events and has not written yet.
//!
//! Separate because of two promises: what says why an event is settled is on disk before the cursor that says so, and the
//! memory is bounded whatever the disk does. Notes that are being written can still be asked for.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use crate::journal::Position;
use crate::journal::attempts::{self, Matter, Note, Word};
use crate::policy::outcome::Reason;
use crate::telemetry::clock;

/// Attempts that wait to be written; what comes on top is not noted.
const MAX_ATTEMPTS: usize = 4096;

/// An event's end that is not plainly "delivered".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum End {
    /// Not sent.
    Skipped(Reason),
    /// Buried.
    Dead(Reason),
}

impl End {
    fn matter(self) -> Matter {
        let (fate, reason) = match self {
            End::Skipped(reason) => ("skipped", reason),
            End::Dead(reason) => ("dead", reason),
        };
        Matter::Fate { fate: Word::Borrowed(fate), reason: Word::Borrowed(reason.as_str()) }
    }
}

/// The notes of one delivery.
#[derive(Debug, Default)]
pub(super) struct Notes {
    attempts: Vec<Note>,
    ends: BTreeMap<End, Vec<Range<u64>>>,
    /// Some of them say why an event is settled: they go with the next cursor.
    settling: bool,
    writing: Vec<Arc<[Note]>>,
    /// The last write failed.
    pub(super) failing: bool,
}

impl Notes {
    /// Takes the notes of an attempt; `settled` says that some of its events are done with.
    pub(super) fn tried(&mut self, notes: impl Iterator<Item = Note>, settled: bool) {
        let room = MAX_ATTEMPTS.saturating_sub(self.attempts.len());
        self.attempts.extend(notes.take(room));
        self.settling |= settled;
    }

    /// Takes note of an event's end.
    pub(super) fn ended(&mut self, position: u64, end: End) {
        attempts::push(self.ends.entry(end).or_default(), position);
        self.settling = true;
    }

    /// Takes note of the same end of many events.
    pub(super) fn ended_at(&mut self, ranges: Vec<Range<u64>>, end: End) {
        if !ranges.is_empty() {
            self.ends.entry(end).or_default().extend(ranges);
            self.settling = true;
        }
    }

    /// Returns whether there are notes that no cursor will take along. While a disk is slow they wait, and are bounded: each
    /// write takes one of the few threads that commits need.
    pub(super) fn only_failures(&self) -> bool {
        !self.attempts.is_empty() && !self.settling && self.writing.is_empty()
    }

    /// Hands out what is to be written now.
    pub(super) fn take(&mut self, destination: &str) -> Option<Arc<[Note]>> {
        if self.attempts.is_empty() && self.ends.is_empty() {
            return None;
        }
        let mut notes = std::mem::take(&mut self.attempts);
        notes.extend(std::mem::take(&mut self.ends).into_iter().map(|end| ended(destination, end)));
        self.settling = false;
        let notes: Arc<[Note]> = notes.into();
        self.writing.push(Arc::clone(&notes));
        Some(notes)
    }

    /// Forgets notes that were written, or could not be.
    pub(super) fn written(&mut self, notes: &Arc<[Note]>) {
        self.writing.retain(|other| !Arc::ptr_eq(other, notes));
    }

    /// Returns the notes about one event that are not known to be on disk, oldest first.
    pub(super) fn about(&self, destination: &str, position: Position) -> Vec<Note> {
        let ends = self.ends.iter().map(|(end, ranges)| ended(destination, (*end, ranges.clone())));
        let writing = self.writing.iter().flat_map(|notes| notes.iter());
        let known = writing.chain(&self.attempts).filter(|note| note.covers(position)).cloned();
        known.chain(ends.filter(|note| note.covers(position))).collect()
    }
}

fn ended(destination: &str, (end, ranges): (End, Vec<Range<u64>>)) -> Note {
    let ranges = attempts::tidy(ranges);
    Note { destination: destination.to_owned(), ranges, at: clock::now(), matter: end.matter() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::fixtures::attempt_note;

    fn about(notes: &Notes, position: u64) -> usize {
        notes.about("a", Position(position)).len()
    }

    #[test]
    fn failures_wait_for_the_tick_and_ends_for_the_cursor() {
        let mut notes = Notes::default();
        notes.tried([attempt_note("a", &[(0, 5)], "transient", "")].into_iter(), false);
        assert!(notes.only_failures());
        notes.ended(7, End::Skipped(Reason::Filtered));
        assert!(!notes.only_failures());
        assert!(notes.take("a").is_some() && notes.take("a").is_none() && !notes.only_failures());
    }

    #[test]
    fn failures_wait_while_earlier_ones_are_being_written() {
        let mut notes = Notes::default();
        let tried = |notes: &mut Notes| {
            notes.tried([attempt_note("a", &[(0, 5)], "transient", "")].into_iter(), false);
        };
        tried(&mut notes);
        let slow = notes.take("a").unwrap();
        tried(&mut notes);
        assert!(!notes.only_failures());
        notes.written(&slow);
        assert!(notes.only_failures());
    }

    #[test]
    fn notes_can_be_asked_for_until_they_are_written() {
        let mut notes = Notes::default();
        notes.tried([attempt_note("a", &[(0, 5)], "transient", "")].into_iter(), false);
        [9, 8, 3, 4].into_iter().for_each(|position| notes.ended(position, End::Dead(Reason::Rejected)));
        assert_eq!([3, 4, 5, 8, 9].map(|position| about(&notes, position)), [2, 2, 0, 1, 1]);
        let first = notes.take("a").unwrap();
        assert_eq!(first.last().unwrap().ranges, [3..5, 8..10]);
        notes.tried([attempt_note("a", &[(3, 4)], "delivered", "")].into_iter(), true);
        assert_eq!(about(&notes, 3), 3);
        notes.written(&first);
        assert_eq!((about(&notes, 3), about(&notes, 8)), (1, 0));
    }

    #[test]
    fn no_more_attempts_are_kept_than_there_is_room_for() {
        let mut notes = Notes::default();
        let many = (0..5000).map(|n| attempt_note("a", &[(n, n + 1)], "transient", ""));
        notes.tried(many, false);
        assert_eq!(notes.take("a").unwrap().len(), MAX_ATTEMPTS);
    }
}
