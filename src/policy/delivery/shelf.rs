//! Events that were read and put back, since there was no room for what is stuck behind another event of its users.
//!
//! Separate because of its one promise: of a user with more events than there are slots only that user waits. The shelf
//! knows users, not events: per key a position before which nothing of it is shelved. When what they wait for is done with,
//! the journal is read again from there (a scan), beside what is new. A shelved event comes back only when everything of
//! its keys before it is back, so that the order holds. Bounded in keys, and in the ranges that the cursor must hold.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use super::order::{self, Keys, Plain};
use super::{Action, Delivery, Item, loose};
use crate::policy::Moment;

/// Keys that the shelf knows at most; where there are more, nothing new is read.
const MAX_KEYS: usize = 50_000;
/// Settled ranges above the mark, at which nothing new is read while something is shelved: each commit writes them all,
/// 3 MB, and comes the less often for it.
const MAX_RANGES: usize = 500_000;
/// How soon a look for stuck events that found few is repeated.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// How soon a scan may be begun again further back.
const BACK_AGAIN: Duration = Duration::from_secs(10);

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Shelf {
    /// Nothing of a key is shelved before its position. Where a scan follows it, the scan's place says so instead.
    keys: HashMap<u64, u64, Plain>,
    scan: Option<Scan>,
    /// A scan is to begin here at the latest.
    wanted: Option<u64>,
    /// The read under way is the scan's.
    pub(super) reading: bool,
    /// The last read was the scan's.
    had_its_turn: bool,
    /// Events that a scan has loaded and that are not settled, but for loose ones.
    pub(super) again: usize,
    begun: Moment,
    look_after: Moment,
}

/// How the last event of a key stands, when room is to be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stands {
    /// It goes on, or does when something else does.
    Free,
    /// It has failed or waits for something of ours; it stays.
    Firm,
    /// It is behind such a one, and may go to the shelf.
    Stuck,
}

/// A second reading of what was read.
#[derive(Debug)]
struct Scan {
    at: u64,
    /// Of these keys nothing is shelved before `at`.
    followed: HashSet<u64, Plain>,
}

impl Shelf {
    fn is_followed(&self, key: u64) -> bool {
        self.scan.as_ref().is_some_and(|scan| scan.followed.contains(&key))
    }

    /// Returns whether something of one of these keys is shelved, so that later events must be, too.
    fn names(&self, keys: &Keys) -> bool {
        !self.keys.is_empty() && order::distinct(keys).any(|key| self.keys.contains_key(&key))
    }

    /// Returns whether nothing of these keys is shelved before the scan.
    fn follows(&self, keys: &Keys) -> bool {
        order::distinct(keys).all(|key| self.is_followed(key))
    }

    /// Puts an event on the shelf, or says that it stays there.
    pub(super) fn put(&mut self, keys: &Keys, position: u64) {
        let is_behind_scan = self.scan.as_ref().is_some_and(|scan| position < scan.at);
        if is_behind_scan {
            self.put_back(keys, position);
        }
        for key in loose::names(keys) {
            let is_new = !self.keys.contains_key(&key);
            if let Some(scan) = self.scan.as_mut().filter(|_| is_new && !is_behind_scan) {
                scan.followed.insert(key);
            }
            let first = self.keys.entry(key).or_insert(position);
            *first = position.min(*first);
        }
    }

    /// An event is on the shelf that the scan has passed: its keys are not followed beyond it.
    fn put_back(&mut self, keys: &Keys, position: u64) {
        for key in loose::names(keys) {
            let Some(scan) = &mut self.scan else { return };
            if scan.followed.remove(&key) {
                self.keys.insert(key, position);
            }
        }
    }

    /// Returns whether anything is shelved under this name.
    pub(super) fn has(&self, key: u64) -> bool {
        self.keys.contains_key(&key)
    }

    /// Returns whether a scan is under way, or is to begin.
    pub(super) fn is_looking(&self) -> bool {
        self.scan.is_some() || self.wanted.is_some()
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.keys.is_empty() && self.scan.is_none() && self.again == 0
    }

    /// Asks for a scan of this key.
    pub(super) fn want(&mut self, key: u64) {
        let Some(from) = self.keys.get(&key).copied().filter(|_| !self.is_followed(key)) else { return };
        self.wanted = Some(self.wanted.map_or(from, |wanted| wanted.min(from)));
    }

    /// Ends the scan where it is.
    fn halt(&mut self) {
        let Some(Scan { at, followed }) = self.scan.take() else { return };
        for key in followed {
            self.keys.insert(key, at);
        }
    }

    /// Begins the scan that is wanted; one that is under way is begun again further back after a while.
    fn begin(&mut self, (oldest, read_to): (u64, u64), now: Moment) {
        let may = self.scan.is_none() || now >= self.begun + BACK_AGAIN;
        let Some(from) = self.wanted.filter(|_| may && !self.reading) else { return };
        self.halt();
        self.wanted = None;
        self.begun = now;
        let at = from.max(oldest).min(read_to);
        let followed = self.keys.iter().filter(|(_, first)| **first >= at || at == oldest);
        let followed = followed.map(|(key, _)| *key).collect();
        self.scan = Some(Scan { at, followed });
        self.reach(at, read_to);
    }

    /// The scan has come so far; at the end of what was read nothing of its keys is left.
    fn reach(&mut self, at: u64, read_to: u64) {
        let Some(scan) = &mut self.scan else { return };
        scan.at = at;
        if at >= read_to
            && let Some(scan) = self.scan.take()
        {
            scan.followed.iter().for_each(|key| {
                self.keys.remove(key);
            });
        }
    }
}

impl Delivery {
    /// Takes an event that was read ahead; returns whether it had to be put on the shelf.
    pub(super) fn take_ahead(&mut self, item: Item, now: Moment) -> bool {
        let is_shelved = self.shelf.names(&item.keys);
        if is_shelved {
            self.shelf.put(&item.keys, item.position);
        } else {
            self.admit(item, false, now);
        }
        is_shelved
    }

    /// Takes what a scan has read.
    pub(super) fn fetched_again(
        &mut self,
        (from, through): (u64, u64),
        items: Vec<Item>,
        now: Moment,
    ) -> Vec<u64> {
        if self.shelf.scan.as_ref().is_none_or(|scan| scan.at != from) {
            return items.iter().map(|item| item.position).filter(|at| !self.holds(*at)).collect();
        }
        let through = through.min(self.read_to);
        let (mut next, mut full, mut unloaded) = (from, false, Vec::new());
        for item in items {
            let position = item.position;
            let is_known = position >= through || self.settled.contains(position) || self.holds(position);
            full |= position < through && !self.may_come_back(&item);
            if full || position >= through {
                unloaded.extend(Some(position).filter(|_| !self.holds(position)));
                continue;
            }
            // What is neither settled nor there has been erased.
            self.settle_range(next..position);
            next = position + 1;
            if is_known || self.lose_read(position) {
                continue;
            }
            if self.shelf.follows(&item.keys) {
                *self.back(&item.keys) += 1;
                self.admit(item, true, now);
            } else {
                self.shelf.put_back(&item.keys, position);
                unloaded.push(position);
            }
        }
        if !full {
            self.settle_range(next..through);
            next = through;
        }
        self.shelf.reach(next, self.read_to);
        if self.shelf.scan.is_none() {
            self.rest_aside(self.shelf.begun, now);
        }
        unloaded
    }

    pub(super) fn has_room_again(&self) -> bool {
        self.shelf.again < (self.max_slots / 4).max(1) && self.crowd() < self.max_slots
    }

    /// Returns whether what a scan reads may come back, whatever it is.
    fn has_room_for_scan(&self) -> bool {
        self.has_room_again() && (!self.has_aside() || self.has_room_for_loose())
    }

    /// Returns where a scan should go on reading, when it may and it is its turn.
    pub(super) fn scan_from(&mut self, can_read_ahead: bool, now: Moment) -> Option<u64> {
        self.look_aside(now);
        self.shelf.begin((self.losses_first(), self.read_to), now);
        let at = self.shelf.scan.as_ref()?.at;
        let its_turn = !(can_read_ahead && self.shelf.had_its_turn);
        self.shelf.had_its_turn = its_turn && self.has_room_for_scan();
        self.shelf.reading = self.shelf.had_its_turn;
        self.shelf.reading.then_some(at)
    }

    /// Returns whether new events may be read as far as the shelf is concerned.
    pub(super) fn shelf_has_room(&self) -> bool {
        let has_few = self.shelf.keys.len() < MAX_KEYS && self.settled.fragments() < MAX_RANGES;
        self.shelf.keys.is_empty() || has_few
    }

    /// An event has left its queues: what is shelved of its users may be next.
    pub(super) fn left(&mut self, keys: &Keys, was_again: bool) {
        *self.back(keys) -= usize::from(was_again);
        if self.shelf.keys.is_empty() {
            return;
        }
        for key in order::distinct(keys).filter(|key| !self.order.has(*key)) {
            self.shelf.want(key);
        }
    }

    /// Puts on the shelf what is stuck behind an event that fails or waits, when there is no room for others and the
    /// destination itself flows.
    pub(super) fn make_room(&mut self, now: Moment, actions: &mut Vec<Action>) {
        let is_full = self.crowd() >= self.max_slots || (self.shelf.scan.is_some() && !self.has_room_again());
        if !is_full
            || self.order.is_empty()
            || now < self.shelf.look_after
            || !self.gate.flows(now)
            || !self.shelf_has_room()
        {
            return;
        }
        self.shelf.look_after = now + LOOK_AGAIN;
        let stuck = self.stuck();
        if stuck.len() < (self.max_slots / 10).max(1) {
            return;
        }
        for position in &stuck {
            self.shelve(*position);
        }
        actions.push(Action::Unload(stuck));
    }

    /// Returns the events that wait behind one that has failed or waits for something of ours, directly or by others.
    fn stuck(&self) -> Vec<u64> {
        let slots: BTreeMap<u64, _> = self.slots.iter().map(|(position, slot)| (*position, slot)).collect();
        let mut last: HashMap<u64, Stands, Plain> = HashMap::default();
        let mut stuck = Vec::new();
        for (position, slot) in slots {
            let before = order::distinct(&slot.keys).filter_map(|key| last.get(&key)).max();
            let stands = match slot.lane.map(|id| self.lanes.get(&id)) {
                Some(lane) if lane.is_some_and(|lane| lane.has_failed_up_to(position)) => Stands::Firm,
                Some(_) => Stands::Free,
                None if before == Some(&Stands::Stuck) => Stands::Stuck,
                None if self.waits.get(position).is_some() => Stands::Firm,
                None if before == Some(&Stands::Firm) => Stands::Stuck,
                None => Stands::Free,
            };
            stuck.extend((stands == Stands::Stuck).then_some(position));
            last.extend(order::distinct(&slot.keys).map(|key| (key, stands)));
        }
        stuck
    }

    fn shelve(&mut self, position: u64) {
        let Some(slot) = self.slots.remove(&position) else { return };
        self.order.leave(&slot.keys, position, &mut Vec::new());
        self.waits.forget(position);
        if self.ready.remove(position) {
            self.ready_bytes -= slot.bytes;
        }
        self.parked -= usize::from(slot.parked);
        self.shelf.again -= usize::from(slot.again);
        self.shelf.put(&slot.keys, position);
    }

    /// Loses what is shelved below `limit`, and has the rest of the shelf looked through.
    pub(super) fn lose_shelved(&mut self, limit: u64) {
        let Some(first) = self.shelf.keys.values().copied().min() else { return };
        let gaps = self.settled.gaps(first.min(limit)..limit.min(self.read_to));
        let lost: Vec<u64> = gaps.into_iter().flatten().filter(|position| !self.holds(*position)).collect();
        for position in &lost {
            self.losses.take(*position);
        }
        self.settle(&lost);
        self.shelf.wanted = Some(first);
    }
}
