//! What was said lately, so that a listener who was cut off can go on where it was: a numbered ring, bounded in length and age.
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
    said: VecDeque<(Moment, T)>,
    /// The number of the first one in the ring.
    first: u64,
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

impl<T> Default for Ring<T> {
    fn default() -> Self {
        Ring { said: VecDeque::new(), first: 1 }
    }
}

impl<T: Clone> Ring<T> {
    /// Returns the number that the next thing gets.
    pub fn next(&self) -> u64 {
        self.first + self.said.len() as u64
    }

    /// Keeps what is said now; it has the number that [`next`](Ring::next) told.
    pub fn push(&mut self, now: Moment, said: T) {
        self.said.push_back((now, said));
        let is_old = |at: &Moment| now.saturating_sub(*at) > KEPT_FOR;
        while self.said.len() > MOST || self.said.front().is_some_and(|(at, _)| is_old(at)) {
            self.said.pop_front();
            self.first += 1;
        }
    }

    /// Returns everything that is kept.
    pub fn all(&self) -> Vec<T> {
        self.said.iter().map(|(_, said)| said.clone()).collect()
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
        Resumed::Exactly(self.said.iter().skip(skip).map(|(_, said)| said.clone()).collect())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(second: u64) -> Moment {
        Duration::from_secs(second)
    }

    #[test]
    fn a_listener_goes_on_exactly_where_it_was_or_learns_what_it_misses() {
        let mut ring = Ring::default();
        assert_eq!(ring.after(0), Resumed::Exactly(vec![]));
        for n in 1..=5 {
            ring.push(at(n), n);
        }
        assert_eq!(ring.after(3), Resumed::Exactly(vec![4, 5]));
        assert_eq!(ring.after(5), Resumed::Exactly(vec![]));
        assert_eq!(ring.after(6), Resumed::Unknown);
        ring.push(at(64), 6);
        // 1, 2 and 3 are older than a minute.
        assert_eq!(ring.after(3), Resumed::Exactly(vec![4, 5, 6]));
        assert_eq!(ring.after(2), Resumed::Missed(1));
        assert_eq!(ring.after(0), Resumed::Missed(3));
    }

    proptest! {
        #[test]
        fn what_is_heard_and_what_is_missed_are_all_that_was_said(
            steps in prop::collection::vec(0..3_u64, 0..1_500),
            heard in 0..1_600_u64,
        ) {
            let mut ring = Ring::default();
            let mut now = 0;
            for (n, step) in (1_u64..).zip(&steps) {
                now += step;
                prop_assert_eq!(ring.next(), n);
                ring.push(at(now), n);
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
