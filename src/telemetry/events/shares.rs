//! Events of a journal that several routers share.

use tracing::{debug, info, warn};

use crate::telemetry::Metrics;

/// The library under the journal had something to say by itself. Its words name hosts and settings, never events.
#[derive(Debug, Clone, Copy)]
pub struct JournalLibrarySaid<'a> {
    /// Whether a person is to see it.
    pub grave: bool,
    /// What of the library speaks, in its own word.
    pub facility: &'a str,
    /// Its words.
    pub words: &'a str,
}

impl JournalLibrarySaid<'_> {
    /// Writes the line.
    pub fn emit(&self) {
        if self.grave { self.loudly() } else { self.quietly() }
    }

    fn loudly(&self) {
        warn!(facility = self.facility, "the journal's library: {}", self.words);
    }

    fn quietly(&self) {
        debug!(facility = self.facility, "the journal's library: {}", self.words);
    }
}

/// The topic of the journal is not there, and is waited for.
#[derive(Debug, Clone, Copy)]
pub struct JournalTopicMissing<'a> {
    /// Its name.
    pub topic: &'a str,
}

impl JournalTopicMissing<'_> {
    /// Writes the line, with the command that makes the topic.
    pub fn emit(&self) {
        let topic = self.topic;
        warn!(
            topic,
            "the topic `{topic}` of the journal is not there; make it and the router goes on: kafka-topics --bootstrap-server \
             HOST:9092 --create --topic {topic} --partitions 12 --replication-factor 3 --config min.insync.replicas=2"
        );
    }
}

/// Partitions came or went.
#[derive(Debug, Clone, Copy)]
pub struct PartitionsMoved<'a> {
    /// They came; otherwise they went.
    pub came: bool,
    /// Which.
    pub moved: &'a [i32],
    /// How many this router holds now.
    pub held: usize,
}

impl PartitionsMoved<'_> {
    /// Writes the line.
    pub fn emit(&self) {
        let word = if self.came { "took" } else { "let go of" };
        info!(partition.moved = ?self.moved, partition.held = self.held, "{word} {} partitions", self.moved.len());
    }
}

/// The spool has no room, or cannot be written: reading pauses, and events wait in the topic.
#[derive(Debug, Clone, Copy)]
pub struct SpoolWaits<'a> {
    /// The spool's words.
    pub error: &'a str,
}

impl SpoolWaits<'_> {
    /// Writes the line.
    pub fn emit(&self) {
        warn!(error = self.error, "the spool takes nothing, events wait in the topic: {}", self.error);
    }
}

/// The topic holds something that no router wrote; it is passed over.
#[derive(Debug, Clone, Copy)]
pub struct ForeignRecord {
    /// In which partition.
    pub partition: i32,
    /// At which offset.
    pub offset: u64,
}

impl ForeignRecord {
    /// Writes the line.
    pub fn emit(&self) {
        let (partition, offset) = (self.partition, self.offset);
        warn!(
            partition,
            offset, "offset {offset} of partition {partition} is no event of a router, passed over"
        );
    }
}

/// What this router holds of the topic, and how far it is with it.
#[derive(Debug, Clone, Copy)]
pub struct ShareMeasured {
    /// Partitions held.
    pub partitions: u64,
    /// Events in them that were not read yet.
    pub lag: u64,
}

impl ShareMeasured {
    /// Sets the gauges.
    pub fn emit(&self, metrics: &Metrics) {
        metrics.share.partitions.set(self.partitions);
        metrics.share.lag.set(self.lag);
    }
}
