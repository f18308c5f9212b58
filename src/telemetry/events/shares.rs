//! Events of a journal that several routers share.

use tracing::{debug, error, info, warn};

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

/// The offsets of a partition began anew: its topic was deleted and made again, or lost its end in an unclean election.
#[derive(Debug, Clone, Copy)]
pub struct OffsetsBegunAnew {
    /// Which partition.
    pub partition: i32,
    /// The offset up to which it had been read, or settled.
    pub was_at: u64,
    /// The offset from which everything is delivered.
    pub offset: u64,
}

impl OffsetsBegunAnew {
    /// Counts it and writes the line.
    pub fn emit(&self, metrics: &Metrics) {
        metrics.share.resets.inc();
        let OffsetsBegunAnew { partition, was_at, offset } = *self;
        error!(
            partition,
            offset.was = was_at,
            offset,
            "the offsets of partition {partition} began anew: the topic was deleted and made again, or lost its end. The routers \
             were at {was_at}; everything from {offset} on is delivered, also what was delivered before, and what the topic lost \
             before it was read is lost"
        );
    }
}

/// The topic holds a record of a version that this router does not know: the partition is blocked there.
#[derive(Debug, Clone, Copy)]
pub struct NewerRecord {
    /// In which partition.
    pub partition: i32,
    /// At which offset.
    pub offset: u64,
    /// Which version.
    pub version: u8,
}

impl NewerRecord {
    /// Writes the line.
    pub fn emit(&self) {
        let NewerRecord { partition, offset, version } = *self;
        error!(
            partition,
            offset,
            version,
            "a router of a newer version wrote offset {offset} of partition {partition} (record version {version}); nothing is \
             delivered from there on until this router is upgraded, or another takes the partition"
        );
    }
}

/// The topic holds something that no router wrote, or that is damaged; it is passed over.
#[derive(Debug, Clone, Copy)]
pub struct ForeignRecord {
    /// In which partition.
    pub partition: i32,
    /// At which offset.
    pub offset: u64,
}

impl ForeignRecord {
    /// Counts it and writes the line.
    pub fn emit(&self, metrics: &Metrics) {
        metrics.share.foreign.inc();
        let (partition, offset) = (self.partition, self.offset);
        error!(
            partition,
            offset,
            "offset {offset} of partition {partition} is no event of a router, or damaged: it is passed over"
        );
    }
}

/// Events were refused: they are larger than the journal can take.
#[derive(Debug, Clone, Copy)]
pub struct EventsTooLarge {
    /// How many.
    pub count: u64,
}

impl EventsTooLarge {
    /// Writes the line when there are any.
    pub fn emit(&self) {
        if self.count > 0 {
            warn!(
                count = self.count,
                "{} events were refused: the topic takes none of that size. Raise its `max.message.bytes` above \
                 `server.max_event_bytes`",
                self.count
            );
        }
    }
}

/// What this router holds of the topic, and how far it is with it.
#[derive(Debug, Clone, Copy)]
pub struct ShareMeasured {
    /// Partitions held.
    pub partitions: u64,
    /// Events in them that were not read yet.
    pub lag: u64,
    /// Partitions that are blocked by a record of a newer version.
    pub blocked: u64,
}

impl ShareMeasured {
    /// Sets the gauges.
    pub fn emit(&self, metrics: &Metrics) {
        metrics.share.partitions.set(self.partitions);
        metrics.share.lag.set(self.lag);
        metrics.share.blocked.set(self.blocked);
    }
}
