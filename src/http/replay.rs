//! Which signed requests were stored already, so that a copy of one that somebody has overheard does nothing.
//!
//! A request is known by its source, its id and its calls; an id that is used for other calls is another request, as it is after
//! a restart, when only the ids of events are known. It is remembered when it is durable and not before: one that failed may be
//! sent again. While one is being handled a copy of it waits its turn. Memory is bounded; the oldest go first.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sha2::{Digest, Sha256};

use crate::spec::repeat::Print;

/// Twice the tolerance of the clock: afterwards the timestamp alone tells that it is a copy.
const KEPT_SECONDS: i64 = 600;
/// Requests that are remembered at most, about 60 bytes each.
const MOST: usize = 1_000_000;

type Id = [u8; 16];

/// The ids of every source.
pub(super) struct Replays {
    known: Mutex<Known>,
    most: usize,
}

#[derive(Default)]
struct Known {
    states: HashMap<Id, State>,
    /// What is stored, in the order of time.
    order: VecDeque<(i64, Id)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Handled,
    Stored,
}

/// Why a request is not the first of its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Before {
    /// The first one is being handled.
    Handled,
    /// The first one is stored.
    Stored,
}

/// The right to store what an id stands for. Dropping it gives the id free.
pub(super) struct Ticket {
    replays: Arc<Replays>,
    id: Id,
    stored: bool,
}

impl Replays {
    pub(super) fn new() -> Replays {
        Replays::of(MOST)
    }

    fn of(most: usize) -> Replays {
        Replays { known: Mutex::default(), most }
    }

    /// Begins to handle the request that this stands for, at a time in seconds.
    ///
    /// # Errors
    /// It is not the first.
    pub(super) fn begin(self: &Arc<Self>, source: &str, print: &Print, now: i64) -> Result<Ticket, Before> {
        let digest = Sha256::new().chain_update(source).chain_update([0]).chain_update(print).finalize();
        let id = digest.first_chunk().copied().unwrap_or_default();
        let mut known = self.known();
        known.forget(now, self.most);
        match known.states.get(&id) {
            Some(State::Handled) => Err(Before::Handled),
            Some(State::Stored) => Err(Before::Stored),
            None => {
                known.states.insert(id, State::Handled);
                Ok(Ticket { replays: Arc::clone(self), id, stored: false })
            }
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn forget(&mut self, now: i64, most: usize) {
        while let Some((at, id)) = self.order.front() {
            if self.order.len() < most && now - at <= KEPT_SECONDS {
                return;
            }
            self.states.remove(id);
            self.order.pop_front();
        }
    }
}

impl Ticket {
    /// Remembers the id: its request is durable.
    pub(super) fn stored(mut self, now: i64) {
        self.stored = true;
        let mut known = self.replays.known();
        known.states.insert(self.id, State::Stored);
        known.order.push_back((now, self.id));
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if !self.stored {
            self.replays.known().states.remove(&self.id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(id: &str) -> Print {
        Sha256::digest(id).into()
    }

    fn before(replays: &Arc<Replays>, id: &str, now: i64) -> Option<Before> {
        replays.begin("web", &of(id), now).err()
    }

    #[test]
    fn a_stored_id_is_known_for_ten_minutes_and_only_in_its_source() {
        let replays = Arc::new(Replays::new());
        replays.begin("web", &of("1"), 1000).unwrap().stored(1000);
        assert_eq!(before(&replays, "1", 1599), Some(Before::Stored));
        assert!(replays.begin("other", &of("1"), 1599).is_ok());
        assert_eq!(
            before(&replays, "1", 1600),
            Some(Before::Stored),
            "a time five minutes ahead is good until then"
        );
        assert_eq!(before(&replays, "1", 1601), None);
    }

    #[test]
    fn what_failed_may_come_again_and_what_is_being_handled_may_not_yet() {
        let replays = Arc::new(Replays::new());
        let ticket = replays.begin("web", &of("1"), 0).unwrap();
        assert_eq!(before(&replays, "1", 0), Some(Before::Handled));
        drop(ticket);
        let again = replays.begin("web", &of("1"), 0).unwrap();
        again.stored(0);
        assert_eq!(before(&replays, "1", 0), Some(Before::Stored));
    }

    #[test]
    fn the_oldest_ids_make_room() {
        let replays = Arc::new(Replays::of(3));
        for id in ["1", "2", "3", "4"] {
            replays.begin("web", &of(id), 0).unwrap().stored(0);
        }
        assert_eq!(before(&replays, "1", 0), None);
        assert_eq!(before(&replays, "4", 0), Some(Before::Stored));
        assert!(replays.known().states.len() <= 3);
    }
}
