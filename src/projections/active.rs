//! Active users: how many visitors were seen within the last 1, 5 and 30 minutes, exact to the millisecond, and their moving
//! average.
//!
//! A fold over events in order of arrival: `active(W, t) = #{v : t - W < seen(v) <= t}`, where `seen` is the newest time of
//! a visitor's events that arrived in time. Times are integer milliseconds since 1970, given by whoever runs the fold; it
//! has no clock and keeps no visitor's id, only hashes of 64 bits.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

/// The windows, in milliseconds: 1, 5 and 30 minutes.
pub const WINDOWS_MS: [i64; 3] = [60_000, 300_000, LONGEST_MS];

/// An event that arrives later than this after it happened says nothing about who is here.
pub const MAX_LATE_MS: i64 = 1_800_000;

/// Most visitors that are kept, where nothing else is said: 24 MB at most.
pub const MAX_VISITORS: usize = 1_000_000;

const LONGEST_MS: i64 = 1_800_000;
const SECOND_MS: i64 = 1_000;
/// The seconds that the longest window may touch, the one that it cuts through included.
const SLOTS: usize = 1_801;
/// Visitors below which nobody looks for those who have gone.
const FEW: usize = 1_024;

/// How many visitors are active in each of [`WINDOWS_MS`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Within a minute.
    pub m1: u64,
    /// Within 5 minutes.
    pub m5: u64,
    /// Within 30 minutes.
    pub m30: u64,
}

/// The fold. An event costs the same however many visitors there are; a look adds up half an hour of seconds.
#[derive(Debug)]
pub struct Active {
    /// When each visitor was seen last, by the hash of the id.
    seen: HashMap<u64, i64>,
    /// Visitors by the second in which they were seen last, `second % SLOTS`.
    seconds: Vec<Second>,
    max_late_ms: i64,
    max_visitors: usize,
    /// So many visitors make it worth looking for those who have gone.
    look_at: usize,
    pushed_out: u64,
    late: u64,
}

/// The visitors who were seen last in one second.
#[derive(Debug, Clone, Default)]
struct Second {
    second: i64,
    all: u64,
    /// By the millisecond in it; without those where nobody is.
    by_ms: HashMap<u16, u32>,
}

impl Default for Active {
    fn default() -> Self {
        Active::new(MAX_LATE_MS, MAX_VISITORS)
    }
}

impl Active {
    /// Returns a fold that has seen nobody. It ignores events that arrive more than `max_late_ms` after they happened, and
    /// keeps at most `max_visitors` visitors: beyond, those who were seen longest ago are pushed out.
    pub fn new(max_late_ms: i64, max_visitors: usize) -> Active {
        let seconds = vec![Second::default(); SLOTS];
        let max_visitors = max_visitors.max(1);
        Active {
            seen: HashMap::new(),
            seconds,
            max_late_ms,
            max_visitors,
            look_at: FEW.min(max_visitors),
            pushed_out: 0,
            late: 0,
        }
    }

    /// Takes an event of a visitor that happened at `ts` and arrived at `at`; arrivals come in order.
    pub fn add(&mut self, visitor: &str, ts: i64, at: i64) {
        if at.saturating_sub(ts) > self.max_late_ms {
            self.late += 1;
            return;
        }
        let (visitor, seen) = (hash(visitor), ts.min(at));
        let before = self.seen.get(&visitor).copied();
        if before.is_some_and(|before| before >= seen) {
            return;
        }
        before.into_iter().for_each(|before| self.leave(before));
        self.enter(seen);
        self.seen.insert(visitor, seen);
        if self.seen.len() > self.look_at {
            self.make_room(at);
        }
    }

    /// Returns how many visitors are active at `now`, which is not before the last arrival.
    pub fn counts(&self, now: i64) -> Counts {
        let [m1, m5, m30] = WINDOWS_MS.map(|window| self.count(now.saturating_sub(window), now));
        Counts { m1, m5, m30 }
    }

    /// Returns how many visitors were pushed out because there were too many: while they would be active, counts are low.
    pub fn pushed_out(&self) -> u64 {
        self.pushed_out
    }

    /// Returns how many events came too late to count.
    pub fn late(&self) -> u64 {
        self.late
    }

    /// Visitors seen last after `begin` and not after `end`.
    fn count(&self, begin: i64, end: i64) -> u64 {
        let (first, last) = (begin.div_euclid(SECOND_MS), end.div_euclid(SECOND_MS));
        let within = self.seconds.iter().filter(|slot| slot.all > 0 && (first..=last).contains(&slot.second));
        within
            .map(
                |slot| {
                    if slot.second == first || slot.second == last { slot.part(begin, end) } else { slot.all }
                },
            )
            .sum()
    }

    fn slot(&mut self, second: i64) -> Option<&mut Second> {
        let place = usize::try_from(second.rem_euclid(i64::try_from(SLOTS).ok()?)).ok()?;
        self.seconds.get_mut(place)
    }

    fn enter(&mut self, seen: i64) {
        let (second, ms) = split(seen);
        let Some(slot) = self.slot(second) else { return };
        if slot.second < second {
            // Whoever was seen there half an hour ago is in no window any more.
            *slot = Second { second, ..Second::default() };
        }
        if slot.second == second {
            slot.all += 1;
            *slot.by_ms.entry(ms).or_default() += 1;
        }
    }

    fn leave(&mut self, seen: i64) {
        let (second, ms) = split(seen);
        let Some(slot) = self.slot(second).filter(|slot| slot.second == second) else { return };
        slot.all = slot.all.saturating_sub(1);
        if let Some(count) = slot.by_ms.get_mut(&ms) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                slot.by_ms.remove(&ms);
            }
        }
    }

    /// Forgets visitors who are in no window any more, and when that is not enough, those who were seen longest ago: a
    /// quarter of them at once, so that the next one who comes costs nothing.
    fn make_room(&mut self, now: i64) {
        let gone = now.saturating_sub(LONGEST_MS);
        self.seen.retain(|_, seen| *seen > gone);
        // Not only above the cap: close to it, each newcomer would cause a search that frees next to nothing.
        if self.seen.len() > self.max_visitors - self.max_visitors / 8 {
            self.push_out();
        }
        self.look_at = (self.seen.len() * 2).clamp(FEW.min(self.max_visitors), self.max_visitors);
    }

    fn push_out(&mut self) {
        let mut times: Vec<i64> = self.seen.values().copied().collect();
        let out = times.len().saturating_sub(self.max_visitors - self.max_visitors / 4).max(1);
        let (_, last_out, _) = times.select_nth_unstable(out - 1);
        let last_out = *last_out;
        let leaving: Vec<i64> = self.seen.values().copied().filter(|seen| *seen <= last_out).collect();
        self.seen.retain(|_, seen| *seen > last_out);
        self.pushed_out += u64::try_from(leaving.len()).unwrap_or_default();
        leaving.into_iter().for_each(|seen| self.leave(seen));
    }
}

impl Second {
    /// Those of this second after `begin` and not after `end`.
    fn part(&self, begin: i64, end: i64) -> u64 {
        let at = |ms: u16| self.second * SECOND_MS + i64::from(ms);
        let within = self.by_ms.iter().filter(|(ms, _)| at(**ms) > begin && at(**ms) <= end);
        within.map(|(_, count)| u64::from(*count)).sum()
    }
}

fn split(at: i64) -> (i64, u16) {
    (at.div_euclid(SECOND_MS), u16::try_from(at.rem_euclid(SECOND_MS)).unwrap_or_default())
}

fn hash(visitor: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    visitor.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The definition, word by word.
    fn naive(events: &[(u8, i64, i64)], window: i64, now: i64, max_late: i64) -> u64 {
        let mut seen: HashMap<u8, i64> = HashMap::new();
        for (visitor, ts, at) in events.iter().filter(|(_, ts, at)| *at <= now && at - ts <= max_late) {
            let latest = seen.entry(*visitor).or_insert(i64::MIN);
            *latest = (*latest).max(*ts.min(at));
        }
        u64::try_from(seen.values().filter(|seen| now - window < **seen && **seen <= now).count()).unwrap()
    }

    /// Arrivals in order, each of something that happened up to 45 minutes before, or is said to come later.
    fn arrivals() -> impl Strategy<Value = Vec<(u8, i64, i64)>> {
        let step = prop_oneof![0..3_i64, 0..5_000_i64, 0..2_500_000_i64];
        let age = prop_oneof![-5_000..2_i64, 0..61_000_i64, 1_799_990..1_800_010_i64, 0..2_700_000_i64];
        prop::collection::vec((0..20_u8, step, age), 0..120).prop_map(|steps| {
            let mut now = 1_700_000_000_123;
            let arrived = steps.into_iter().map(|(visitor, step, age)| {
                now += step;
                (visitor, now - age, now)
            });
            arrived.collect()
        })
    }

    proptest! {
        #[test]
        fn counts_are_those_of_the_definition_at_every_arrival_and_later(events in arrivals(), later in 0..2_000_000_i64) {
            let mut active = Active::default();
            for (n, (visitor, ts, at)) in events.iter().enumerate() {
                active.add(&visitor.to_string(), *ts, *at);
                // Others may have arrived in the same millisecond: only those taken so far count.
                let taken = &events[..=n];
                for now in [*at, at + later] {
                    let counts = active.counts(now);
                    let wanted = WINDOWS_MS.map(|window| naive(taken, window, now, MAX_LATE_MS));
                    prop_assert_eq!([counts.m1, counts.m5, counts.m30], wanted, "{} after {:?}", now, taken);
                }
            }
        }

        #[test]
        fn the_cap_holds_and_pushes_out_whoever_was_seen_longest_ago(order in prop::collection::vec(0..200_u16, 1..400)) {
            let mut active = Active::new(MAX_LATE_MS, 16);
            for (n, visitor) in order.iter().enumerate() {
                let at = 1_700_000_000_000 + i64::try_from(n).unwrap();
                active.add(&visitor.to_string(), at, at);
                prop_assert!(active.seen.len() <= 16);
                prop_assert!(active.seen.contains_key(&hash(&visitor.to_string())), "who has just come stays");
                prop_assert_eq!(active.counts(at).m30, u64::try_from(active.seen.len()).unwrap());
            }
        }
    }

    #[test]
    fn a_window_is_open_at_its_begin_and_closed_at_its_end() {
        let mut active = Active::default();
        active.add("v", 1_000_000, 1_000_000);
        let m1 = |now| active.counts(now).m1;
        assert_eq!((m1(1_000_000), m1(1_059_999), m1(1_060_000)), (1, 1, 0));
    }

    #[test]
    fn an_event_that_comes_too_late_is_counted_as_late_and_not_as_present() {
        let mut active = Active::default();
        active.add("v", 0, 1_800_001);
        active.add("w", 1, 1_800_001);
        assert_eq!((active.late(), active.counts(1_800_001)), (1, Counts { m1: 0, m5: 0, m30: 0 }));
        active.add("w", 2, 1_800_001);
        assert_eq!(active.counts(1_800_001).m30, 1, "1 ms within the window");
    }

    #[test]
    fn visitors_who_have_gone_take_no_room() {
        let mut active = Active::default();
        for n in 0..100_000_i64 {
            active.add(&n.to_string(), n * 10_000, n * 10_000);
        }
        assert!(active.seen.len() <= FEW + 1, "{}", active.seen.len());
        assert_eq!(active.pushed_out(), 0);
    }
}
