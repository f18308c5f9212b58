//! How far a destination is with a partition, as it is kept in the offsets of its consumer group: the offset is the low-water
//! mark, and the words beside it are the settled ranges above.
//!
//! Pure. Brokers keep 4,096 bytes of words (`offset.metadata.max.bytes`); what does not fit is sent again after a takeover.

use crate::policy::settled::Settled;

/// Most bytes of words: below the brokers' limit, with room for what a proxy may count in.
const MAX_WORDS: usize = 3_000;
/// What words of this form begin with.
const FORM: &str = "1:";

/// Returns the ranges above the mark in words, the lowest first: each the gap before it and its length. Empty without any.
pub(super) fn words(settled: &Settled) -> String {
    let mut words = String::new();
    let mut from = settled.mark();
    for range in settled.ranges() {
        let before = words.len();
        words.push_str(if before == 0 { FORM } else { "," });
        words.push_str(&format!("{}+{}", range.start - from, range.end - range.start));
        if words.len() > MAX_WORDS {
            words.truncate(before);
            break;
        }
        from = range.end;
    }
    words
}

/// Returns what an offset and its words say. Words of another form say nothing.
pub(super) fn read(mark: u64, words: &str) -> Settled {
    let mut settled = Settled::new(mark, &[]);
    let mut from = mark;
    for pair in words.strip_prefix(FORM).into_iter().flat_map(|ranges| ranges.split(',')) {
        let numbers =
            pair.split_once('+').and_then(|(gap, len)| Some((gap.parse().ok()?, len.parse().ok()?)));
        let Some((gap, len)) = numbers else { break };
        let start = u64::saturating_add(from, gap);
        from = start.saturating_add(len);
        settled.settle(start..from);
    }
    settled
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn words_say_the_same_again(
            mark in 0u64..1_000_000,
            ranges in proptest::collection::vec((0u64..2_000_000, 1u64..5_000), 0..40),
        ) {
            let mut settled = Settled::new(mark, &[]);
            ranges.into_iter().for_each(|(start, len)| settled.settle(start..start + len));
            prop_assert_eq!(read(settled.mark(), &words(&settled)), settled);
        }

        #[test]
        fn any_words_can_be_read(mark in any::<u64>(), words in "(1:)?[0-9+,]{0,40}") {
            prop_assert!(read(mark, &words).mark() >= mark);
        }
    }

    #[test]
    fn what_does_not_fit_is_left_out_from_above() {
        let mut settled = Settled::new(5, &[]);
        (1..5_000).for_each(|n| settled.settle(n * 10..n * 10 + 3));
        let words = words(&settled);
        assert!(words.len() <= MAX_WORDS && words.len() > MAX_WORDS - 10);
        let told = read(5, &words);
        assert_eq!((told.mark(), told.ranges().first()), (5, Some(&(10..13))));
        assert!(told.fragments() > 500 && told.ranges().iter().all(|range| settled.contains(range.start)));
        assert_eq!(read(9, "an operator wrote this"), Settled::new(9, &[]));
    }
}
