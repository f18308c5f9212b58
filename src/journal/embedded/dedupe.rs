//! The message ids of the last hours, so that a client that sends again is answered without a second event.
//!
//! Separate because its memory has a bound of its own: 16 bytes an id in a ring, 8 at most for finding it, times kept for
//! runs of ids. Pure: the time comes with the ids.

use std::collections::VecDeque;

use super::codec::IdHash;

const EMPTY: u32 = 0;
const SMALLEST: usize = 1 << 10;
/// Ids that share one time at most.
const RUN: u64 = 1024;
/// Runs are also cut in time: an id is forgotten at most this part of the window late.
const RUNS_PER_WINDOW: i64 = 64;

/// A run of ids in order of arrival.
#[derive(Debug, Clone, Copy)]
struct Run {
    end: u64,
    oldest: i64,
    newest: i64,
}

/// A window over the newest ids, bounded in number and in time.
#[derive(Debug)]
pub(in crate::journal) struct Dedupe {
    window: i64,
    max_ids: usize,
    /// Number of the id at the ring's front.
    base: u64,
    ring: VecDeque<IdHash>,
    /// Open addressing; a slot holds the low half of an id's number, plus one.
    slots: Vec<u32>,
    runs: VecDeque<Run>,
}

impl Dedupe {
    /// Remembers up to `max_ids` for `window` microseconds.
    pub(in crate::journal) fn new(window: i64, max_ids: usize) -> Self {
        let max_ids = max_ids.min(u32::MAX as usize / 4);
        let slots = vec![EMPTY; SMALLEST];
        Dedupe { window, max_ids, base: 0, ring: VecDeque::new(), slots, runs: VecDeque::new() }
    }

    /// Remembers an id; `false` when it is known already.
    pub(in crate::journal) fn insert(&mut self, id: IdHash, at: i64) -> bool {
        if self.max_ids == 0 || self.window <= 0 {
            return true;
        }
        if (self.ring.len() + 1) * 2 > self.slots.len() {
            self.grow();
        }
        let Some(slot) = self.free_slot(&id) else { return false };
        let number = self.base + self.ring.len() as u64;
        self.set(slot, low(number) + 1);
        self.ring.push_back(id);
        self.note(number + 1, at);
        true
    }

    /// Forgets the newest `count` ids: their group did not become durable.
    pub(super) fn undo(&mut self, count: usize) {
        for _ in 0..count.min(self.ring.len()) {
            let number = self.base + self.ring.len() as u64 - 1;
            self.unlink(number);
            self.ring.pop_back();
            if let Some(run) = self.runs.back_mut() {
                run.end = number;
            }
            let floor = self.runs.iter().rev().nth(1).map_or(self.base, |run| run.end);
            if self.runs.back().is_some_and(|run| run.end <= floor) {
                self.runs.pop_back();
            }
        }
    }

    /// Forgets what is beyond the bounds at `now`.
    pub(in crate::journal) fn expire(&mut self, now: i64) {
        let over = self.ring.len().saturating_sub(self.max_ids) as u64;
        self.forget_below(self.base + over);
        let horizon = now.saturating_sub(self.window);
        while let Some(run) = self.runs.front().copied().filter(|run| run.newest < horizon) {
            self.forget_below(run.end);
            self.runs.pop_front();
        }
    }

    /// Returns how many ids are remembered.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.ring.len()
    }

    fn note(&mut self, end: u64, at: i64) {
        let span = self.window / RUNS_PER_WINDOW;
        let start = self.runs.iter().rev().nth(1).map_or(self.base, |run| run.end);
        match self.runs.back_mut() {
            Some(run) if end - start <= RUN && at.saturating_sub(run.oldest) <= span => {
                run.end = end;
                run.newest = run.newest.max(at);
            }
            _ => self.runs.push_back(Run { end, oldest: at, newest: at }),
        }
    }

    fn forget_below(&mut self, end: u64) {
        while self.base < end && !self.ring.is_empty() {
            self.unlink(self.base);
            self.ring.pop_front();
            self.base += 1;
        }
        while self.runs.front().is_some_and(|run| run.end <= self.base) {
            self.runs.pop_front();
        }
    }

    fn home(&self, id: &IdHash) -> usize {
        let [a, b, c, d, e, f, g, h, ..] = *id;
        u64::from_le_bytes([a, b, c, d, e, f, g, h]) as usize & (self.slots.len() - 1)
    }

    fn next(&self, slot: usize) -> usize {
        (slot + 1) & (self.slots.len() - 1)
    }

    fn get(&self, slot: usize) -> u32 {
        self.slots.get(slot).copied().unwrap_or(EMPTY)
    }

    fn set(&mut self, slot: usize, value: u32) {
        if let Some(place) = self.slots.get_mut(slot) {
            *place = value;
        }
    }

    fn id_in(&self, value: u32) -> Option<&IdHash> {
        let base = low(self.base);
        let low = value.checked_sub(1)?;
        let ahead = if low >= base { low - base } else { u32::MAX - base + low };
        self.ring.get(ahead as usize)
    }

    fn free_slot(&self, id: &IdHash) -> Option<usize> {
        let mut slot = self.home(id);
        loop {
            match self.get(slot) {
                EMPTY => return Some(slot),
                value if self.id_in(value) == Some(id) => return None,
                _ => slot = self.next(slot),
            }
        }
    }

    /// Takes an id's slot out and moves later ones of its chain up, so that no search ends early.
    fn unlink(&mut self, number: u64) {
        let Some(id) = self.ring.get((number - self.base) as usize).copied() else { return };
        let wanted = low(number) + 1;
        let mut hole = self.home(&id);
        while self.get(hole) != wanted {
            if self.get(hole) == EMPTY {
                return;
            }
            hole = self.next(hole);
        }
        let mut slot = self.next(hole);
        while let Some(moved) = self.id_in(self.get(slot)) {
            let mask = self.slots.len() - 1;
            let from_home = slot.wrapping_sub(self.home(moved)) & mask;
            if from_home >= slot.wrapping_sub(hole) & mask {
                self.set(hole, self.get(slot));
                hole = slot;
            }
            slot = self.next(slot);
        }
        self.set(hole, EMPTY);
    }

    fn grow(&mut self) {
        self.slots = vec![EMPTY; self.slots.len() * 2];
        for ahead in 0..self.ring.len() {
            let Some(id) = self.ring.get(ahead).copied() else { return };
            let mut slot = self.home(&id);
            while self.get(slot) != EMPTY {
                slot = self.next(slot);
            }
            self.set(slot, low(self.base + ahead as u64) + 1);
        }
    }
}

/// Returns what a slot keeps of an id's number: 0 to `u32::MAX - 1`, so that one more than it is never `EMPTY`.
fn low(number: u64) -> u32 {
    (number % u64::from(u32::MAX)) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    use proptest::prelude::*;

    fn id(number: u16) -> IdHash {
        // Few homes, so that chains are long.
        let mut id = [0; 16];
        id[0] = (number % 7) as u8;
        id[8..10].copy_from_slice(&number.to_le_bytes());
        id[15] = 1;
        id
    }

    #[test]
    fn an_id_is_known_until_its_time_is_over() {
        let mut dedupe = Dedupe::new(6_400, 100);
        assert!(dedupe.insert(id(1), 0));
        assert!(!dedupe.insert(id(1), 10));
        assert!(dedupe.insert(id(2), 5_000));
        dedupe.expire(6_400);
        assert!(!dedupe.insert(id(1), 6_400));
        dedupe.expire(6_501);
        assert!(dedupe.insert(id(1), 6_501));
        assert!(!dedupe.insert(id(2), 6_501));
    }

    #[test]
    fn the_oldest_ids_make_room() {
        let mut dedupe = Dedupe::new(i64::MAX, 3);
        (0..5).for_each(|number| assert!(dedupe.insert(id(number), 0)));
        dedupe.expire(0);
        assert_eq!(dedupe.len(), 3);
        assert!(!dedupe.insert(id(2), 0));
        assert!(dedupe.insert(id(1), 0));
    }

    #[derive(Debug, Clone)]
    enum Step {
        Insert(u16),
        Undo(usize),
        Expire,
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            8 => (0_u16..3_000).prop_map(Step::Insert),
            1 => (0_usize..4).prop_map(Step::Undo),
            1 => Just(Step::Expire),
        ];
        prop::collection::vec(step, 0..3_000)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        #[test]
        fn it_remembers_exactly_the_newest(steps in steps(), max in 1_usize..900) {
            let mut dedupe = Dedupe::new(i64::MAX, max);
            let mut model: VecDeque<IdHash> = VecDeque::new();
            let mut known = HashSet::new();
            for step in steps {
                match step {
                    Step::Insert(number) => {
                        let new = known.insert(id(number));
                        prop_assert_eq!(dedupe.insert(id(number), 0), new);
                        if new { model.push_back(id(number)) }
                    }
                    Step::Undo(count) => {
                        dedupe.undo(count);
                        for _ in 0..count { model.pop_back().map(|id| known.remove(&id)); }
                    }
                    Step::Expire => {
                        dedupe.expire(0);
                        while model.len() > max { model.pop_front().map(|id| known.remove(&id)); }
                    }
                }
            }
            prop_assert_eq!(dedupe.len(), model.len());
        }
    }
}
