//! What was said lately, so that a listener who was cut off can go on where it was: a numbered ring, bounded in
//! number, size and age.
//!
//! Pure: the time comes as an argument. Numbers are given out without a gap, beginning at 1.

use std::collections::VecDeque;
use std::time::Duration;

use super::Moment;

/// Most that is kept.
pub const MOST: usize = 1_000;
/// How long it is kept.
pub const KEPT_FOR: Duration = Duration::from_secs(60);

/// The last things said.
#[derive(Debug)]
pub struct Ring<T> {
    said: VecDeque<Said<T>>,
    /// The size of all of them.
    bytes: usize,
    most_bytes: usize,
    /// The number of the first one in the ring.
    first: u64,
}

#[derive(Debug)]
struct Said<T> {
    at: Moment,
    bytes: usize,
    what: T,
}

/// How a listener goes on.
#[derive(Debug, PartialEq, Eq)]
pub enum Resumed<T> {
    /// With these: it misses nothing.
    Exactly(Vec<T>),
    /// It was away for too long, and misses at least so many.
    Missed(u64),
    /// It heard of a number that was never given out.
    Unknown,
}

impl<T: Clone> Ring<T> {
    /// Returns a ring of nothing that keeps at most so many bytes.
    pub fn of(most_bytes: usize) -> Ring<T> {
        Ring { said: VecDeque::new(), bytes: 0, most_bytes, first: 1 }
    }

    /// Returns the number that the next thing gets.
    pub fn next(&self) -> u64 {
        self.first + self.said.len() as u64
    }

    /// Keeps what is said now, which takes so many bytes; it has the number that [`next`](Ring::next) told.
    pub fn push(&mut self, now: Moment, what: T, bytes: usize) {
        self.said.push_back(Said { at: now, bytes, what });
        self.bytes = self.bytes.saturating_add(bytes);
        while self.said.len() > MOST || self.bytes > self.most_bytes {
            self.forget();
        }
        self.expire(now);
    }

    /// Forgets what is too old; to be called also while nothing is said.
    pub fn expire(&mut self, now: Moment) {
        while self.said.front().is_some_and(|said| now.saturating_sub(said.at) > KEPT_FOR) {
            self.forget();
        }
    }

    fn forget(&mut self) {
        let Some(said) = self.said.pop_front() else { return };
        self.bytes = self.bytes.saturating_sub(said.bytes);
        self.first += 1;
    }

    /// Returns everything that is kept.
    pub fn all(&self) -> Vec<T> {
        self.said.iter().map(|said| said.what.clone()).collect()
    }

    /// Returns how a listener goes on who has heard everything up to this number.
    pub fn after(&self, heard: u64) -> Resumed<T> {
        if heard >= self.next() {
            return Resumed::Unknown;
        }
        let Some(skip) = (heard + 1).checked_sub(self.first) else {
            return Resumed::Missed(self.first - heard - 1);
        };
        let skip = usize::try_from(skip).unwrap_or(usize::MAX);
        Resumed::Exactly(self.said.iter().skip(skip).map(|said| said.what.clone()).collect())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MOST_BYTES: usize = 4_096;

    fn at(second: u64) -> Moment {
        Duration::from_secs(second)
    }

    #[test]
    fn a_listener_goes_on_exactly_where_it_was_or_learns_what_it_misses() {
        let mut ring = Ring::of(MOST_BYTES);
        assert_eq!(ring.after(0), Resumed::Exactly(vec![]));
        for n in 1..=5 {
            ring.push(at(n), n, 1);
        }
        assert_eq!(ring.after(3), Resumed::Exactly(vec![4, 5]));
        assert_eq!(ring.after(5), Resumed::Exactly(vec![]));
        assert_eq!(ring.after(6), Resumed::Unknown);
        ring.push(at(64), 6, 1);
        // 1, 2 and 3 are older than a minute.
        assert_eq!(ring.after(3), Resumed::Exactly(vec![4, 5, 6]));
        assert_eq!(ring.after(2), Resumed::Missed(1));
        assert_eq!(ring.after(0), Resumed::Missed(3));
    }

    #[test]
    fn what_is_large_makes_others_fall_out_and_what_is_old_needs_no_successor() {
        let mut ring = Ring::of(MOST_BYTES);
        for n in 1..=5 {
            ring.push(at(n), n, MOST_BYTES / 4);
        }
        assert_eq!((ring.all(), ring.after(0)), (vec![2, 3, 4, 5], Resumed::Missed(1)));
        ring.push(at(6), 6, MOST_BYTES + 1);
        assert_eq!((ring.all(), ring.next()), (vec![], 7), "one that is too large is not kept either");
        ring.push(at(6), 7, MOST_BYTES);
        ring.expire(at(66));
        assert_eq!(ring.all(), [7]);
        ring.expire(at(67));
        assert_eq!((ring.all(), ring.bytes, ring.after(6)), (vec![], 0, Resumed::Missed(1)));
    }

    proptest! {
        #[test]
        fn what_is_heard_and_what_is_missed_are_all_that_was_said(
            steps in prop::collection::vec(0..3_u64, 0..1_500),
            heard in 0..1_600_u64,
        ) {
            let mut ring = Ring::of(MOST_BYTES);
            let mut now = 0;
            for (n, step) in (1_u64..).zip(&steps) {
                now += step;
                prop_assert_eq!(ring.next(), n);
                ring.push(at(now), n, 1);
            }
            let said = steps.len() as u64;
            match ring.after(heard) {
                Resumed::Unknown => prop_assert!(heard > said),
                Resumed::Missed(missed) => {
                    let rest = ring.after(heard + missed);
                    prop_assert!(missed > 0 && matches!(rest, Resumed::Exactly(_)));
                }
                Resumed::Exactly(rest) => prop_assert_eq!(rest, (heard + 1..=said).collect::<Vec<u64>>()),
            }
            prop_assert!(ring.said.len() <= MOST);
        }
    }
}
