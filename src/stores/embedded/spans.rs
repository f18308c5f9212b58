//! Which whole hours or days of a period can be answered by counts, and what is left of it. Pure arithmetic.

use crate::stores::reports::rows::Span;

/// Returns the stretches of this length, each within one of `days` (their numbers, in order), that lie wholly in the period
/// and over none of `edges` (in order).
pub(super) fn whole((from, to): Span, length: i64, days: &[i64], day_ms: i64, edges: &[i64]) -> Vec<Span> {
    let is_cut = |(begin, end): &Span| {
        let next = edges.partition_point(|edge| edge <= begin);
        edges.get(next).is_some_and(|edge| edge < end)
    };
    let of_day = |day: i64| (0..day_ms / length).map(move |n| day * day_ms + n * length);
    let all = days.iter().copied().flat_map(of_day).map(|begin| (begin, begin + length));
    all.filter(|(begin, end)| *begin >= from && *end <= to).filter(|span| !is_cut(span)).collect()
}

/// Returns what is left of the period without these stretches, which are in order and apart.
pub(super) fn rest((from, to): Span, without: &[Span]) -> Vec<Span> {
    let begins = std::iter::once(from).chain(without.iter().map(|(_, end)| *end));
    let ends = without.iter().map(|(begin, _)| *begin).chain([to]);
    begins.zip(ends).filter(|(begin, end)| begin < end).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_parts_and_the_rest_make_the_period() {
        let parts = whole((15, 47), 10, &[0, 2, 3], 10, &[33]);
        assert_eq!(parts, [(20, 30)], "one is cut by the edge, one by the begin");
        assert_eq!(rest((15, 47), &parts), [(15, 20), (30, 47)]);
        assert_eq!(whole((0, 40), 10, &[0, 1, 2, 3], 10, &[0, 10, 20]).len(), 4);
        assert_eq!(rest((0, 20), &[(0, 10), (10, 20)]), []);
    }
}
