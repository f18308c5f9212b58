//! The visits that are open, as far as events have come lately: so that the next event of a visitor need not read them again.
//!
//! Two generations: what is looked at is in the young one, and when that is full it becomes the old one, whose own is forgotten.
//! What is forgotten is in the file. Never holds a change that is in no row: that is the batch's to see to.

use std::collections::HashMap;

use crate::stores::reports::fact::Place;
use crate::stores::reports::visit::Visit;

/// Visitors of one generation; each is some 400 bytes.
const MOST: usize = 20_000;

/// The newest visit of a visitor, and what of it is not in its row yet.
#[derive(Debug, Default)]
pub(super) struct Open {
    pub(super) row: Option<i64>,
    pub(super) visit: Option<Visit>,
    pub(super) is_changed: bool,
    /// Where it begins, or what led to it, is not in the row either.
    pub(super) begins_elsewhere: bool,
}

impl Open {
    /// Returns when the visit was entered, which is when what led to it is told.
    pub(super) fn entered(&self) -> Option<i64> {
        Some(self.visit.as_ref()?.session.entry.as_ref()?.ts)
    }

    /// Lets go of what is in the row and is never asked for again.
    pub(super) fn slim(&mut self) {
        if let Some(visit) = &mut self.visit {
            visit.place = Place::default();
            (visit.id, visit.site, visit.visitor) = Default::default();
        }
    }
}

/// By the source's number and the visitor's.
pub(super) type Key = (i64, u64);

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Known {
    young: HashMap<Key, Open>,
    old: HashMap<Key, Open>,
}

impl Known {
    /// Returns what is known of a visitor, and of one who is not known what `read` finds.
    pub(super) fn visitor<E>(
        &mut self,
        key: Key,
        read: impl FnOnce() -> Result<Open, E>,
    ) -> Result<&mut Open, E> {
        use std::collections::hash_map::Entry;
        match self.young.entry(key) {
            Entry::Occupied(known) => Ok(known.into_mut()),
            Entry::Vacant(place) => {
                let known = self.old.remove(&key).map_or_else(read, Ok)?;
                Ok(place.insert(known))
            }
        }
    }

    /// Returns one that was looked at since the last [`age`](Known::age).
    pub(super) fn again(&mut self, key: Key) -> Option<&mut Open> {
        self.young.get_mut(&key)
    }

    /// Makes room between two batches, when nothing is changed.
    pub(super) fn age(&mut self) {
        if self.young.len() >= MOST {
            self.old = std::mem::take(&mut self.young);
        }
    }

    /// Forgets everything.
    pub(super) fn forget(&mut self) {
        (self.young, self.old) = Default::default();
    }
}
