//! What one destination has done with: a low-water mark and the settled positions above it, as sorted ranges.
//!
//! This is the cursor in memory. An event that waits keeps the mark where it is; what is settled behind it is remembered,
//! so that a restart does not send it again.

use std::collections::BTreeMap;
use std::ops::Range;

/// A low-water mark plus disjoint, non-adjacent settled ranges above it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settled {
    mark: u64,
    above: BTreeMap<u64, u64>,
}

impl Settled {
    /// Builds the set from a stored mark and stored ranges, which may touch, overlap or lie below the mark.
    pub fn new(mark: u64, ranges: &[Range<u64>]) -> Self {
        let mut settled = Settled { mark, above: BTreeMap::new() };
        for range in ranges {
            settled.settle(range.clone());
        }
        settled
    }

    /// Returns the position below which everything is settled.
    pub fn mark(&self) -> u64 {
        self.mark
    }

    /// Returns the settled ranges above the mark, in order.
    pub fn ranges(&self) -> Vec<Range<u64>> {
        self.above.iter().map(|(start, end)| *start..*end).collect()
    }

    /// Returns how many positions above the mark are settled.
    pub fn above(&self) -> u64 {
        self.above.iter().map(|(start, end)| end - start).sum()
    }

    /// Returns whether this position is settled.
    pub fn contains(&self, position: u64) -> bool {
        position < self.mark
            || self.above.range(..=position).next_back().is_some_and(|(_, end)| position < *end)
    }

    /// Returns whether any position of a range is settled.
    pub fn touches(&self, range: Range<u64>) -> bool {
        range.start < self.mark
            || self.above.range(..range.end).next_back().is_some_and(|(_, end)| range.start < *end)
    }

    /// Returns how many positions of a range are not settled.
    pub fn missing(&self, range: Range<u64>) -> u64 {
        let range = range.start.max(self.mark)..range.end;
        let within = |(start, end): (&u64, &u64)| range.end.min(*end).saturating_sub(range.start.max(*start));
        let known: u64 = self.above.range(..range.end.max(range.start)).map(within).sum();
        range.end.saturating_sub(range.start) - known
    }

    /// Returns how many settled ranges are above the mark.
    pub fn fragments(&self) -> usize {
        self.above.len()
    }

    /// Returns the parts of a range that are not settled, in order.
    pub fn gaps(&self, range: Range<u64>) -> Vec<Range<u64>> {
        let (mut gaps, mut at) = (Vec::new(), range.start.max(self.mark));
        let before = self.above.range(..=at).next_back();
        for (start, end) in before.into_iter().chain(self.above.range(at.saturating_add(1)..)) {
            if *start >= range.end {
                break;
            }
            if at < *start {
                gaps.push(at..*start);
            }
            at = at.max(*end);
        }
        if at < range.end {
            gaps.push(at..range.end);
        }
        gaps
    }

    /// Adds a range, joining it with its neighbours and moving the mark when it can.
    pub fn settle(&mut self, range: Range<u64>) {
        let (mut start, mut end) = (range.start.max(self.mark), range.end);
        if start >= end {
            return;
        }
        if let Some((before, before_end)) = self.above.range(..=start).next_back().map(|(s, e)| (*s, *e))
            && before_end >= start
        {
            start = before;
            end = end.max(before_end);
            self.above.remove(&before);
        }
        while let Some((next, next_end)) = self.above.range(start..=end).next().map(|(s, e)| (*s, *e)) {
            end = end.max(next_end);
            self.above.remove(&next);
        }
        if start == self.mark {
            self.mark = end;
        } else {
            self.above.insert(start, end);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn it_agrees_with_a_plain_set(ranges in proptest::collection::vec((0u64..60, 0u64..12), 0..40)) {
            let mut settled = Settled::default();
            let mut model = BTreeSet::new();
            for (start, length) in ranges {
                settled.settle(start..start + length);
                model.extend(start..start + length);
                for position in 0..80 {
                    prop_assert_eq!(settled.contains(position), model.contains(&position), "{}", position);
                }
                let missing = (start..start + 15).filter(|position| !model.contains(position)).count() as u64;
                prop_assert_eq!(settled.missing(start..start + 15), missing);
                let gaps: Vec<u64> = settled.gaps(start..start + 15).into_iter().flatten().collect();
                let plain: Vec<u64> = (start..start + 15).filter(|position| !model.contains(position)).collect();
                prop_assert_eq!(gaps, plain);
                prop_assert_eq!(settled.touches(start..start + 15), missing < 15);
                let mark = (0..).find(|position| !model.contains(position)).unwrap();
                prop_assert_eq!(settled.mark(), mark);
                let ranges = settled.ranges();
                prop_assert!(ranges.windows(2).all(|pair| pair[0].end < pair[1].start));
                prop_assert_eq!(Settled::new(settled.mark(), &ranges), settled.clone());
            }
        }
    }
}
