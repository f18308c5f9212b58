//! Which topic a partition's offsets are of. Beside the offset of the routers' own group stands what tells the last record that
//! they had read from any other one: a topic that was deleted, made again and filled beyond that place has another record there.
//!
//! Brokers that forget a topic together with the offsets of its groups need none of this. Never judges by what is missing: a
//! record that the topic gave up says nothing, since to deliver everything once more is worse than to know no better.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::message::Message as _;
use rdkafka::{Offset, TopicPartitionList};
use tokio::time::Instant;

use super::clients::Ears;
use super::core::Core;
use super::groups::Bounds;
use crate::journal::JournalError;
use crate::journal::embedded::alone::{self, Known};

/// What words of this form begin with.
const FORM: &str = "1@";
/// What could not be done when they do not answer.
const FAILED: &str = "could not look whether the topic is the one that was read";
/// How long the brokers may take to show all records that are looked at.
const PATIENCE: Duration = Duration::from_secs(5);

/// A record that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Anchor {
    /// Where.
    pub(super) offset: u64,
    /// What tells it from others.
    pub(super) print: u64,
}

/// Returns what tells a record from others: made of its message id and of when it came.
pub(super) fn print(known: &Known) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = known.id;
    let at = known.received_at.cast_unsigned();
    u64::from_le_bytes([a, b, c, d, e, f, g, h]) ^ at.rotate_left(32)
}

impl Anchor {
    /// Returns it in words, to stand beside an offset.
    pub(super) fn words(&self) -> String {
        format!("{FORM}{}:{:016x}", self.offset, self.print)
    }

    /// Returns what words say; `None` for those of another form.
    pub(super) fn read(words: &str) -> Option<Anchor> {
        let (offset, print) = words.strip_prefix(FORM)?.split_once(':')?;
        Some(Anchor { offset: offset.parse().ok()?, print: u64::from_str_radix(print, 16).ok()? })
    }

    /// Returns whether another record lies here than this one. One that only a newer router can read may be it.
    fn is_contradicted_by(&self, offset: u64, payload: &[u8]) -> bool {
        let is_other = || match alone::know(payload) {
            Some(known) => print(&known) != self.print,
            None => alone::newer(payload).is_none(),
        };
        offset == self.offset && is_other()
    }
}

/// Returns the partitions that hold another record where an anchor is: their offsets are those of another topic. Blocks.
///
/// # Errors
/// `Io`: the brokers do not show the records in time.
pub(super) fn contradicted(
    core: &Core,
    anchors: &BTreeMap<i32, Anchor>,
    bounds: &BTreeMap<i32, Bounds>,
) -> Result<BTreeSet<i32>, JournalError> {
    let is_there = |(partition, anchor): &(&i32, &Anchor)| {
        bounds.get(partition).is_some_and(|(oldest, newest)| (*oldest..*newest).contains(&anchor.offset))
    };
    let mut open: BTreeMap<i32, Anchor> =
        anchors.iter().filter(is_there).map(|(one, anchor)| (*one, *anchor)).collect();
    let mut others = BTreeSet::new();
    if open.is_empty() {
        return Ok(others);
    }
    let reader = reader_at(core, &open)?;
    let deadline = Instant::now() + PATIENCE;
    while !open.is_empty() {
        if Instant::now() >= deadline || core.is_stopping() {
            return Err(super::io(FAILED, &"the brokers do not show its records"));
        }
        match reader.poll(Duration::from_millis(50)) {
            Some(Ok(message)) => {
                let offset = u64::try_from(message.offset()).unwrap_or(0);
                let anchor = open.remove(&message.partition());
                let payload = message.payload().unwrap_or_default();
                if anchor.is_some_and(|anchor| anchor.is_contradicted_by(offset, payload)) {
                    others.insert(message.partition());
                }
            }
            Some(Err(KafkaError::PartitionEOF(partition))) => drop(open.remove(&partition)),
            Some(Err(_)) | None => {}
        }
    }
    Ok(others)
}

/// Returns a reader of these places.
fn reader_at(core: &Core, places: &BTreeMap<i32, Anchor>) -> Result<BaseConsumer<Ears>, JournalError> {
    let failed = |error| super::io(FAILED, &error);
    let mut list = TopicPartitionList::new();
    for (partition, anchor) in places {
        let place = Offset::Offset(i64::try_from(anchor.offset).unwrap_or(i64::MAX));
        list.add_partition_offset(&core.options.topic, *partition, place).map_err(failed)?;
    }
    let reader = core.clients.rereader(&core.options.group)?;
    reader.assign(&list).map_err(failed)?;
    Ok(reader)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::fixtures::event;

    #[test]
    fn words_say_the_same_again_and_others_nothing() {
        let anchor = Anchor { offset: 1_234, print: 0x00ab_cdef };
        assert_eq!(Anchor::read(&anchor.words()), Some(anchor));
        for words in ["", "1:3+4", "an operator wrote this", "1@:", "1@x:00", "1@5:zz", "2@5:00"] {
            assert_eq!(Anchor::read(words), None, "{words}");
        }
    }

    #[test]
    fn another_record_contradicts_and_one_of_another_offset_says_nothing() {
        let record = |id| alone::encode(&event(id, 10)).unwrap();
        let anchor = Anchor { offset: 7, print: print(&alone::know(&record("a")).unwrap()) };
        assert!(!anchor.is_contradicted_by(7, &record("a")));
        assert!(anchor.is_contradicted_by(7, &record("b")) && anchor.is_contradicted_by(7, b"not ours"));
        assert!(!anchor.is_contradicted_by(8, &record("b")), "what is missing was given up");
        assert!(!anchor.is_contradicted_by(7, &alone::of_version(record("b"), 99)), "nobody can say");
    }
}
