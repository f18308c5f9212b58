//! The events that may be sent as far as is known, in order.
//!
//! Separate because almost all come and go in order, which a ring does without searching; the few that were parked behind
//! another event return to their place by a search.

use std::collections::VecDeque;

/// Positions in ascending order, each once.
#[derive(Debug, Default)]
pub(super) struct Ready(VecDeque<u64>);

impl Ready {
    /// Adds a position; returns false when it was there.
    pub(super) fn insert(&mut self, position: u64) -> bool {
        if self.0.back().is_none_or(|last| *last < position) {
            self.0.push_back(position);
            return true;
        }
        match self.0.binary_search(&position) {
            Ok(_) => false,
            Err(place) => {
                self.0.insert(place, position);
                true
            }
        }
    }

    /// Takes a position out; returns whether it was there.
    pub(super) fn remove(&mut self, position: u64) -> bool {
        let place = self.0.binary_search(&position);
        place.is_ok_and(|place| self.0.remove(place).is_some())
    }

    /// Returns the first position.
    pub(super) fn first(&self) -> Option<u64> {
        self.0.front().copied()
    }

    /// Takes the first position out.
    pub(super) fn pop_first(&mut self) {
        self.0.pop_front();
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_come_out_in_order_and_once() {
        let mut ready = Ready::default();
        let added: Vec<bool> =
            [5, 9, 7, 5, 2, 9].into_iter().map(|position| ready.insert(position)).collect();
        assert_eq!(added, [true, true, true, false, true, false]);
        let mut out = Vec::new();
        while let Some(position) = ready.first() {
            out.push(position);
            ready.pop_first();
        }
        assert_eq!(out, [2, 5, 7, 9]);
    }
}
