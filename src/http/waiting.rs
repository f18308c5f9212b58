//! Who may wait for room in the budget, and who is refused at once. Counts only: it never waits, and never knows who.
//!
//! Two kinds of requests wait. Those that are not let in yet hold nothing, so only their number is bounded. Those that are
//! inside and need more hold what others wait for; they may wait only while all of them together would fit into the budget.
//! So whoever does not wait holds enough for the next of them, and no circle of requests waits for each other.

/// What a request waits for, in units of the budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    /// To be let in; it holds nothing yet.
    Enter {
        /// What everyone takes on entering.
        lacks: usize,
    },
    /// More than it holds.
    Grow {
        /// What it keeps while it waits.
        holds: usize,
        /// What it waits for.
        lacks: usize,
    },
}

/// Those who wait.
#[derive(Debug)]
pub(super) struct WaitingRoom {
    seats: usize,
    entering: usize,
    growing: usize,
    claims: usize,
}

impl WaitingRoom {
    /// Returns an empty room for so many requests that are not let in yet.
    pub(super) fn new(seats: usize) -> Self {
        WaitingRoom { seats, entering: 0, growing: 0, claims: 0 }
    }

    /// Lets a request wait, or not: `capacity` is the whole budget. Whoever was let wait must leave.
    #[must_use]
    pub(super) fn join(&mut self, wish: Wish, capacity: usize) -> bool {
        match wish {
            Wish::Enter { lacks } => {
                let may = self.entering < self.seats && lacks <= capacity;
                self.entering += usize::from(may);
                may
            }
            Wish::Grow { holds, lacks } => {
                let claim = holds.saturating_add(lacks);
                let may = self.claims.saturating_add(claim) <= capacity;
                if may {
                    self.claims += claim;
                    self.growing += 1;
                }
                may
            }
        }
    }

    /// Ends a wait, whatever came of it.
    pub(super) fn leave(&mut self, wish: Wish) {
        match wish {
            Wish::Enter { .. } => self.entering -= 1,
            Wish::Grow { holds, lacks } => {
                self.claims -= holds + lacks;
                self.growing -= 1;
            }
        }
    }

    /// Returns how many wait to be let in.
    pub(super) fn entering(&self) -> usize {
        self.entering
    }

    /// Returns how many wait at all.
    pub(super) fn waiting(&self) -> usize {
        self.entering + self.growing
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ENTER: Wish = Wish::Enter { lacks: 4 };

    fn grow(holds: usize, lacks: usize) -> Wish {
        Wish::Grow { holds, lacks }
    }

    #[test]
    fn no_more_wait_to_be_let_in_than_there_are_seats() {
        let mut room = WaitingRoom::new(2);
        assert!(room.join(ENTER, 100) && room.join(ENTER, 100));
        assert!(!room.join(ENTER, 100));
        assert!(room.join(grow(10, 10), 100), "who is inside takes no seat");
        room.leave(ENTER);
        assert!(room.join(ENTER, 100));
        assert_eq!((room.entering(), room.waiting()), (2, 3));
    }

    #[test]
    fn what_can_never_fit_does_not_wait() {
        let mut room = WaitingRoom::new(2);
        assert!(!room.join(ENTER, 3));
        assert!(!room.join(grow(50, 51), 100));
        assert!(!room.join(grow(1, usize::MAX), 100));
        assert_eq!(room.waiting(), 0);
    }

    #[test]
    fn two_that_would_wait_for_each_other_are_not_let_wait_both() {
        let mut room = WaitingRoom::new(2);
        assert!(room.join(grow(50, 20), 100));
        assert!(!room.join(grow(50, 20), 100));
        room.leave(grow(50, 20));
        assert!(room.join(grow(50, 20), 100));
    }

    proptest! {
        /// Whoever holds without waiting ends some day. What it gives back, with what is free, is enough for each one that
        /// waits: the rest of the budget, which those who wait do not hold.
        #[test]
        #[test]
        fn those_who_do_not_wait_always_hold_or_leave_enough_for_each_who_does(
            wishes in prop::collection::vec((0_usize..60, 1_usize..60, any::<bool>()), 1..60)
        ) {
            let mut room = WaitingRoom::new(3);
            let mut waiting: Vec<Wish> = Vec::new();
            for (holds, lacks, leaves) in wishes {
                if leaves && !waiting.is_empty() {
                    room.leave(waiting.remove(holds % waiting.len()));
                } else if room.join(grow(holds, lacks), 100) {
                    waiting.push(grow(holds, lacks));
                }
                let sizes = || waiting.iter().map(|wish| match wish {
                    Wish::Enter { lacks } => (0, *lacks),
                    Wish::Grow { holds, lacks } => (*holds, *lacks),
                });
                let held: usize = sizes().map(|(holds, _)| holds).sum();
                prop_assert!(sizes().all(|(_, lacks)| held + lacks <= 100));
                prop_assert_eq!(room.waiting(), waiting.len());
            }
        }
    }
}
