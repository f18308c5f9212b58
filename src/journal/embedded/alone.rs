//! A record that stands alone, as a message of a topic does: the log's own encoding, bound to no position.
//!
//! Separate so that another engine stores what the log would, and nothing more of the log. The text stands in it as it is: who reads
//! a topic knows no phrases.

use std::sync::Arc;

use super::codec::{self, HEADER, IdHash};
use crate::spec::Event;

/// Where a record that stands alone says it is.
const NOWHERE: u64 = 0;

/// Returns an event as a record. `None` for more than 4 GiB.
pub(in crate::journal) fn encode(event: &Event) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(event.size() + 128);
    codec::encode(&mut out, NOWHERE, &codec::id_hash(&event.head.message_id), event, &[])?;
    Some(out)
}

/// What is known of a record without its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::journal) struct Known {
    /// Under which its message id is remembered.
    pub(in crate::journal) id: IdHash,
    /// Microseconds since the epoch.
    pub(in crate::journal) received_at: i64,
    /// Its id is that of an earlier record.
    pub(in crate::journal) is_redelivery: bool,
}

/// Returns what a record says of itself; `None` when it is damaged, or none.
pub(in crate::journal) fn know(record: &[u8]) -> Option<Known> {
    if codec::claimed_len(record.get(..HEADER)?)? != record.len() {
        return None;
    }
    let summary = codec::check(record, NOWHERE)?;
    let (id, received_at) = (summary.id, summary.received_at);
    Some(Known { id, received_at, is_redelivery: summary.is_redelivery })
}

/// Returns the version of a whole record that is newer than what this build writes; `None` for any other bytes.
pub(in crate::journal) fn newer(record: &[u8]) -> Option<u8> {
    let is_whole = codec::claimed_len(record.get(..HEADER)?)? == record.len();
    codec::newer(record, NOWHERE).filter(|_| is_whole)
}

/// Returns a record as a build that writes another version would.
#[cfg(test)]
pub(in crate::journal) fn of_version(record: Vec<u8>, version: u8) -> Vec<u8> {
    codec::of_version(record, version, NOWHERE)
}

/// Returns the event of a record that is known. `source` remembers the last source name. What a redelivery repeats is told
/// as a position of another log, and is left out.
pub(in crate::journal) fn decode(record: &[u8], source: &mut Option<Arc<str>>) -> Option<Event> {
    let (mut receipt, raw) = codec::decode(record, source).ok()??;
    if let Some(redelivery) = &mut receipt.redelivery {
        redelivery.previous = None;
    }
    Event::restore(raw, receipt).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::fixtures::event;

    #[test]
    fn a_record_that_stands_alone_comes_back_whole_or_not_at_all() {
        let first = event("m1", 40);
        let record = encode(&first).unwrap();
        let known = know(&record).unwrap();
        assert_eq!(known.id, codec::id_hash("m1"));
        assert_eq!(known.received_at, first.receipt.received_at.as_microsecond());
        let again = decode(&record, &mut None).unwrap();
        assert_eq!((again.raw.to_vec(), again.receipt), (first.raw.to_vec(), first.receipt));
        for at in 0..record.len() {
            let mut damaged = record.clone();
            damaged[at] ^= 1;
            assert_eq!(know(&damaged), None, "byte {at}");
        }
        assert_eq!(know(&record[..record.len() - 1]), None);
        assert_eq!(know(b""), None);
    }

    #[test]
    fn a_record_of_a_newer_version_is_told_from_damage() {
        let record = encode(&event("m1", 40)).unwrap();
        assert_eq!(newer(&record), None);
        let next = of_version(record, 9);
        assert_eq!((know(&next), newer(&next)), (None, Some(9)));
        for at in 0..next.len() {
            let mut damaged = next.clone();
            damaged[at] ^= 1;
            assert_eq!(newer(&damaged), None, "byte {at}");
        }
        assert_eq!((newer(&next[1..]), newer(b"")), (None, None));
    }
}
