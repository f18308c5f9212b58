//! Reads single records of the topic again: those that a replay had read and no longer has in memory when their turn comes.
//!
//! Separate from the reading in order, which goes on where it is. Mostly they come one after the other all the same.

use std::sync::Arc;

use rdkafka::consumer::BaseConsumer;
use rdkafka::error::KafkaError;
use rdkafka::message::Message as _;

use super::clients::Ears;
use super::core::Core;
use super::reread::{Silence, WAIT, assign, newer};
use crate::journal::JournalError;
use crate::journal::embedded::alone;
use crate::journal::replay::Place;
use crate::spec::Event;

/// See the module.
pub(super) struct Single {
    consumer: BaseConsumer<Ears>,
    /// Partition and offset that come next.
    next: Option<(i32, u64)>,
    source: Option<Arc<str>>,
}

impl Single {
    pub(super) fn new(core: &Core) -> Result<Single, JournalError> {
        Ok(Single { consumer: core.clients.rereader(&core.options.group)?, next: None, source: None })
    }

    /// Returns the event at a place; `None` when it is gone.
    pub(super) fn read(&mut self, core: &Core, at: &Place) -> Result<Option<Arc<Event>>, JournalError> {
        let partition = at.stretch.partition;
        if self.next != Some((partition, at.offset)) {
            assign(&self.consumer, core, partition, at.offset)?;
        }
        self.next = None;
        let mut silence = Silence::new();
        loop {
            match self.consumer.poll(WAIT) {
                None => {}
                Some(Err(KafkaError::PartitionEOF(ended))) if ended == partition => return absent(core, at),
                Some(Err(error)) => silence.trouble = Some(error.to_string()),
                Some(Ok(message)) => {
                    let offset = u64::try_from(message.offset()).unwrap_or(0);
                    self.next = Some((partition, offset + 1));
                    let payload = message.payload().filter(|_| offset == at.offset).unwrap_or_default();
                    return event_of(at, payload, &mut self.source);
                }
            }
            silence.check(core)?;
        }
    }
}

/// Returns the event of a message; `None` where it is none.
fn event_of(
    at: &Place,
    payload: &[u8],
    source: &mut Option<Arc<str>>,
) -> Result<Option<Arc<Event>>, JournalError> {
    if let Some(version) = alone::newer(payload) {
        return Err(newer(at, version));
    }
    let event = alone::know(payload).and_then(|_| alone::decode(payload, source));
    Ok(event.map(Arc::new))
}

/// Decides what it means that a record that was read before is not there: the topic gave it up, or the partition's new leader does
/// not know of it yet.
fn absent(core: &Core, at: &Place) -> Result<Option<Arc<Event>>, JournalError> {
    let partition = at.stretch.partition;
    let (oldest, newest) = core.groups.bounds(partition)?;
    if oldest > at.offset {
        return Ok(None);
    }
    let words = format!("partition {partition} ends at {newest}, and had {}", at.offset);
    Err(super::io("could not read the topic again", &words))
}
