//! The visits that are open, as far as events have come lately: so that the next event of a visitor need not read them again,
//! and the row of a visit is written once for many events.
//!
//! Two generations: what is looked at is in the young one, and when that is full it becomes the old one, whose own is forgotten.
//! What is forgotten is in the file: only who owes nothing to it may be. Never reads or writes.

use std::collections::HashMap;

use crate::stores::reports::visit::Visit;

/// Visitors of one generation; each is some 450 bytes.
const MOST: usize = 32_768;

/// What of a visit is not in its row yet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Owed {
    /// Nothing.
    #[default]
    Nothing,
    /// What every event changes.
    Changes,
    /// That, and where it begins or what led to it.
    Beginning,
    /// It has no row yet.
    Row,
}

/// The newest visit of a visitor.
#[derive(Debug, Default)]
pub(super) struct Open {
    /// The number of its row.
    pub(super) row: i64,
    pub(super) visit: Option<Visit>,
    /// The journal's position after the last event that is in it.
    pub(super) folded: u64,
    pub(super) owed: Owed,
    /// The file was asked. Else there is no visit that an event of now could belong to, and there may be an older one.
    pub(super) is_read: bool,
}

impl Open {
    /// Returns when the visit was entered, which is when what led to it is told.
    pub(super) fn entered(&self) -> Option<i64> {
        Some(self.visit.as_ref()?.session.entry.as_ref()?.ts)
    }

    /// Says that everything is in the row, and lets go of what is never asked for again.
    pub(super) fn settle(&mut self) {
        self.owed = Owed::Nothing;
        if let Some(visit) = &mut self.visit {
            visit.place = None;
            (visit.id, visit.site, visit.visitor) = Default::default();
        }
    }
}

/// By the source's number and the visitor's.
pub(super) type Key = (i64, u64);

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Known {
    young: HashMap<Key, Box<Open>>,
    old: HashMap<Key, Box<Open>>,
    /// The latest activity of any visit that is in the file and not here.
    latest_elsewhere: i64,
}

impl Known {
    /// Returns one that knows nobody, given the latest activity of any visit in the file.
    pub(super) fn new(latest_elsewhere: i64) -> Known {
        Known { latest_elsewhere, ..Known::default() }
    }

    /// Makes a visitor known, of whom `read` tells what is in the file where that may matter to an event after `from`.
    pub(super) fn meet<E>(
        &mut self,
        key: Key,
        from: i64,
        read: impl FnOnce() -> Result<Open, E>,
    ) -> Result<(), E> {
        use std::collections::hash_map::Entry;
        let open = match self.young.entry(key) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => place.insert(self.old.remove(&key).unwrap_or_default()),
        };
        if open.visit.is_none() && !open.is_read && from <= self.latest_elsewhere {
            **open = Open { is_read: true, ..read()? };
        }
        Ok(())
    }

    /// Returns one that was met since the last [`age`](Known::age).
    pub(super) fn again(&mut self, key: Key) -> Option<&mut Open> {
        self.young.get_mut(&key).map(Box::as_mut)
    }

    /// Looks at one that was met since the last [`age`](Known::age).
    pub(super) fn get(&self, key: Key) -> Option<&Open> {
        self.young.get(&key).map(Box::as_ref)
    }

    /// Returns whether it is time to [`age`](Known::age).
    pub(super) fn is_full(&self) -> bool {
        self.young.len() >= MOST
    }

    /// Makes room where it is full. Called when nothing is owed.
    pub(super) fn age(&mut self) {
        if self.is_full() {
            self.remember();
            self.old.clear();
            // What had room for a generation has room for the next.
            std::mem::swap(&mut self.young, &mut self.old);
        }
    }

    /// Forgets everything. Called when nothing is owed.
    pub(super) fn forget(&mut self) {
        self.remember();
        self.old.clear();
        std::mem::swap(&mut self.young, &mut self.old);
        self.remember();
        self.old.clear();
    }

    /// Remembers of the old ones what matters when they are forgotten.
    fn remember(&mut self) {
        let last = self.old.values().filter_map(|open| Some(open.visit.as_ref()?.session.last)).max();
        self.latest_elsewhere = self.latest_elsewhere.max(last.unwrap_or(i64::MIN));
    }
}
