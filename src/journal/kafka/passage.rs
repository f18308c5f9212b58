//! Which part of the topic a replay is about: the brokers are asked how far each partition reaches, and where instants lie.
//!
//! Any router can be asked, whichever partitions it holds. The instant that counts is the one at which the door took an event,
//! which its record tells. The brokers' own times only say where to begin and end to look: with room to spare, since they may be
//! those of another clock and need not ascend.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rdkafka::consumer::Consumer as _;
use rdkafka::error::KafkaError;
use rdkafka::message::Message as _;
use rdkafka::{Offset, TopicPartitionList};
use tokio::time::Instant;

use super::core::Core;
use crate::journal::embedded::alone;
use crate::journal::replay::Stretch;
use crate::journal::{JournalError, NoPortion, Passage, Portion, Wanted};

/// By how much the brokers' time of a record may differ from its arrival at the door.
const SPARE: SignedDuration = SignedDuration::from_mins(10);
/// How long the brokers may take for all questions together: whoever ordered the replay waits for it.
const PATIENCE: Duration = Duration::from_secs(20);

/// Oldest offset and the one after the newest, of each partition.
type Bounds = BTreeMap<i32, (u64, u64)>;

/// Returns what the topic has of what is wanted. Blocks.
pub(super) fn portion(core: &Core, wanted: &Wanted) -> Result<Portion, NoPortion> {
    let topic = &core.options.topic;
    let not_now =
        |error: JournalError| NoPortion::NotNow(format!("the topic `{topic}` does not answer now: {error}"));
    let count = core.groups.partitions().map_err(not_now)?;
    let partitions = named(wanted, topic, count)?;
    let bounds = bounds(core, &partitions).map_err(not_now)?;
    let begins = wanted.from.map(|at| first_since(core, &bounds, at)).transpose().map_err(not_now)?;
    let ends = wanted.until.map(|at| since(core, &bounds, at.checked_add(SPARE).unwrap_or(Timestamp::MAX)));
    let ends = ends.transpose().map_err(not_now)?;
    let stretches = stretches(wanted, &bounds, begins.as_ref(), ends.as_ref());
    let passage = Passage { topic: topic.clone(), from: wanted.from, until: wanted.until, stretches };
    Ok(Portion { from: 0, until: passage.len(), passage: Some(passage) })
}

/// Returns the partitions that are meant: those that are named, or all.
fn named(wanted: &Wanted, topic: &str, count: usize) -> Result<Vec<i32>, NoPortion> {
    let count = i32::try_from(count).unwrap_or(i32::MAX);
    if count == 0 {
        return Err(NoPortion::NotNow(format!("the topic `{topic}` is not there")));
    }
    for (parameter, offsets) in
        [("from_offset", &wanted.from_offsets), ("until_offset", &wanted.until_offsets)]
    {
        if let Some(other) = offsets.keys().find(|partition| !(0..count).contains(*partition)) {
            let message = format!("names partition {other}; `{topic}` has 0 to {}", count - 1);
            return Err(NoPortion::Wrong { parameter, message });
        }
    }
    let named: BTreeSet<i32> =
        wanted.from_offsets.keys().chain(wanted.until_offsets.keys()).copied().collect();
    Ok(if named.is_empty() { (0..count).collect() } else { named.into_iter().collect() })
}

fn bounds(core: &Core, partitions: &[i32]) -> Result<Bounds, JournalError> {
    let deadline = Instant::now() + PATIENCE;
    let mut all = Bounds::new();
    for partition in partitions {
        if Instant::now() >= deadline {
            return Err(super::io("could not read the bounds of a partition", &"it takes too long"));
        }
        all.insert(*partition, core.groups.bounds(*partition)?);
    }
    Ok(all)
}

/// Returns what lies between all bounds, in the order of partitions. Where no offset is known of an instant, none is that late.
fn stretches(
    wanted: &Wanted,
    bounds: &Bounds,
    begins: Option<&BTreeMap<i32, u64>>,
    ends: Option<&BTreeMap<i32, u64>>,
) -> Vec<Stretch> {
    if wanted.from.zip(wanted.until).is_some_and(|(from, until)| from >= until) {
        return Vec::new();
    }
    let of = |(partition, (oldest, newest)): (&i32, &(u64, u64))| {
        let by_time = |found: Option<&BTreeMap<i32, u64>>, otherwise: u64| {
            found.map_or(otherwise, |found| found.get(partition).copied().unwrap_or(*newest))
        };
        let first = wanted.from_offsets.get(partition).copied().unwrap_or(0);
        let last = wanted.until_offsets.get(partition).copied().unwrap_or(u64::MAX);
        let from = first.max(by_time(begins, *oldest)).max(*oldest);
        let until = last.min(by_time(ends, *newest)).min(*newest);
        Stretch { partition: *partition, from, until }
    };
    bounds.iter().map(of).filter(|stretch| !stretch.is_empty()).collect()
}

fn since(core: &Core, bounds: &Bounds, at: Timestamp) -> Result<BTreeMap<i32, u64>, JournalError> {
    let partitions: Vec<i32> = bounds.keys().copied().collect();
    core.groups.since(&partitions, at.max(Timestamp::UNIX_EPOCH))
}

/// Returns the offset from which on an instant may lie. Where the brokers know of none, the last record is looked at: their times
/// may be wrong, and then nothing may be left out for them.
fn first_since(core: &Core, bounds: &Bounds, at: Timestamp) -> Result<BTreeMap<i32, u64>, JournalError> {
    let at = at.checked_sub(SPARE).unwrap_or(Timestamp::MIN).max(Timestamp::UNIX_EPOCH);
    let mut found = since(core, bounds, at)?;
    let open = bounds.iter().filter(|(one, (oldest, newest))| !found.contains_key(*one) && oldest < newest);
    let open: Bounds = open.map(|(one, bounds)| (*one, *bounds)).collect();
    let older = if open.is_empty() { BTreeSet::new() } else { all_older(core, &open, at)? };
    for (partition, (oldest, _)) in open.iter().filter(|(one, _)| !older.contains(one)) {
        found.insert(*partition, *oldest);
    }
    Ok(found)
}

/// Returns the partitions whose last record says that it came before an instant.
fn all_older(core: &Core, bounds: &Bounds, at: Timestamp) -> Result<BTreeSet<i32>, JournalError> {
    let failed = |error| super::io("could not read the end of a partition", &error);
    let reader = core.clients.rereader(&core.options.group)?;
    let mut list = TopicPartitionList::new();
    for (partition, (_, newest)) in bounds {
        let last = Offset::Offset(i64::try_from(newest - 1).unwrap_or(i64::MAX));
        list.add_partition_offset(&core.options.topic, *partition, last).map_err(failed)?;
    }
    reader.assign(&list).map_err(failed)?;
    let deadline = Instant::now() + PATIENCE / 3;
    let (mut open, mut older): (BTreeSet<i32>, _) = (bounds.keys().copied().collect(), BTreeSet::new());
    while !open.is_empty() && Instant::now() < deadline && !core.is_stopping() {
        match reader.poll(Duration::from_millis(50)) {
            Some(Ok(message)) => {
                let known = message.payload().and_then(alone::know);
                let is_older = known.is_some_and(|known| known.received_at < at.as_microsecond());
                if open.remove(&message.partition()) && is_older {
                    older.insert(message.partition());
                }
            }
            // What has no record there is not known to be old.
            Some(Err(KafkaError::PartitionEOF(partition))) => drop(open.remove(&partition)),
            Some(Err(_)) | None => {}
        }
    }
    Ok(older)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instant(second: i64) -> Option<Timestamp> {
        Some(Timestamp::from_second(second).unwrap())
    }

    fn offsets<const N: usize>(all: [(i32, u64); N]) -> BTreeMap<i32, u64> {
        BTreeMap::from(all)
    }

    fn found(
        wanted: &Wanted,
        begins: Option<BTreeMap<i32, u64>>,
        ends: Option<BTreeMap<i32, u64>>,
    ) -> Vec<(i32, std::ops::Range<u64>)> {
        let bounds = Bounds::from([(0, (10, 20)), (1, (0, 5)), (2, (7, 7))]);
        let all = stretches(wanted, &bounds, begins.as_ref(), ends.as_ref());
        all.into_iter().map(|one| (one.partition, one.from..one.until)).collect()
    }

    #[test]
    fn without_bounds_all_that_the_topic_has_is_meant() {
        assert_eq!(found(&Wanted::default(), None, None), [(0, 10..20), (1, 0..5)]);
    }

    #[test]
    fn offsets_and_instants_bound_together_and_never_beyond_what_is_there() {
        let wanted = Wanted {
            from_offsets: offsets([(0, 3), (1, 2)]),
            until_offsets: offsets([(0, 15), (1, 900)]),
            ..Wanted::default()
        };
        assert_eq!(found(&wanted, None, None), [(0, 10..15), (1, 2..5)]);
        let begins = Some(offsets([(0, 12)]));
        assert_eq!(found(&wanted, begins, None), [(0, 12..15)], "partition 1 has nothing that late");
        assert_eq!(found(&Wanted::default(), None, Some(offsets([(1, 3)]))), [(0, 10..20), (1, 0..3)]);
        let (gone, young) = (Some(offsets([(0, 4), (1, 0)])), Some(offsets([(0, 99), (1, 5)])));
        assert_eq!(found(&Wanted::default(), gone, young), [(0, 10..20), (1, 0..5)], "it moved meanwhile");
        let backwards = Wanted { from: instant(9), until: instant(9), ..Wanted::default() };
        assert_eq!(found(&backwards, Some(offsets([(0, 12)])), None), []);
    }

    #[test]
    fn a_partition_that_is_not_there_is_named() {
        let wanted =
            Wanted { from_offsets: offsets([(1, 0)]), until_offsets: offsets([(3, 9)]), ..Wanted::default() };
        assert_eq!(named(&wanted, "t", 4).unwrap(), [1, 3], "the others are left out");
        assert_eq!(named(&Wanted::default(), "t", 2).unwrap(), [0, 1]);
        let refused = named(&wanted, "t", 3);
        assert!(
            matches!(refused, Err(NoPortion::Wrong { parameter: "until_offset", message }) if message.contains('3'))
        );
        let negative = Wanted { from_offsets: offsets([(-1, 0)]), ..Wanted::default() };
        assert!(matches!(named(&negative, "t", 3), Err(NoPortion::Wrong { parameter: "from_offset", .. })));
        assert!(matches!(named(&wanted, "t", 0), Err(NoPortion::NotNow(_))));
    }
}
