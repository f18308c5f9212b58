//! A record as bytes and back, without files: for whoever counts what that costs (`benches/instructions.rs`).
//!
//! The hash of the id is left out: what it takes is the processor's business. Nothing in the router uses this.

use std::sync::Arc;

use super::codec;
use super::phrases::Packer;
use crate::spec::Event;

/// Stands for the hash of any id; not that of none.
const SOME_ID: codec::IdHash = [1; 16];

/// Writes and reads records as the journal does.
pub struct Codec {
    packer: Packer,
    source: Option<Arc<str>>,
}

impl Codec {
    /// Returns a codec that has seen nothing yet.
    #[expect(
        clippy::new_without_default,
        reason = "there is one way to make it, and nobody asks for another"
    )]
    pub fn new() -> Codec {
        Codec { packer: Packer::new(), source: None }
    }

    /// Appends the record of an event; returns its length, `None` for more than 4 GiB.
    pub fn encode(&mut self, out: &mut Vec<u8>, position: u64, event: &Event) -> Option<usize> {
        let added = self.packer.pack(event.raw.get(event.added()).unwrap_or_default());
        codec::encode(out, position, &SOME_ID, event, added)
    }

    /// Checks a record and reads its event back; `None` where it makes no sense.
    pub fn decode(&mut self, record: &[u8], position: u64) -> Option<Event> {
        codec::check(record, position)?;
        let (receipt, raw) = codec::decode(record, &mut self.source).ok()??;
        Event::restore_proven(raw, receipt).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::fixtures;

    #[test]
    fn what_is_counted_is_what_the_journal_writes_and_reads() {
        let (event, mut codec, mut record) = (fixtures::event("m1", 10), Codec::new(), Vec::new());
        assert_eq!(codec.encode(&mut record, 7, &event), Some(record.len()));
        assert_eq!(codec.decode(&record, 7).unwrap().raw, event.raw);
        assert!(codec.decode(&record, 8).is_none(), "a record belongs to its place");
    }
}
