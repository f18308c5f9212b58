//! What an engine that shares its events with other routers tells whoever serves the destinations, and what it must know of
//! them.
//!
//! Separate because the embedded log does nothing by itself and needs none of it. Called on the engine's own threads.

use jiff::Timestamp;

use crate::spec::Kind;

/// Where a destination begins of which nothing is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begins {
    /// With what comes from now on.
    Now,
    /// With the oldest event.
    Beginning,
    /// With the first event of this instant or later.
    At(Timestamp),
}

/// A destination that events wait for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Served {
    /// Configured name.
    pub name: String,
    /// Where it begins.
    pub begins: Begins,
}

/// How a share of the events is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Share {
    /// Partitions that this router holds.
    pub partitions: u64,
    /// Events in them that it has not read yet.
    pub lag: u64,
    /// How many of the partitions are blocked by a record of a version that this router does not know.
    pub blocked: u64,
}

/// Something about the owner of the events that a person is to hear of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Noticed {
    /// A partition's offsets began anew: its topic was deleted and made again, or lost its end.
    BegunAnew {
        /// Which.
        partition: i32,
        /// The offset up to which it had been read, or settled.
        was_at: u64,
        /// The offset from which everything is delivered.
        offset: u64,
    },
    /// A record is none of a router, or damaged. It is passed over.
    Foreign {
        /// In which partition.
        partition: i32,
        /// At which offset.
        offset: u64,
    },
    /// A record is of a version that this router does not know. Its partition is blocked there.
    Newer {
        /// In which partition.
        partition: i32,
        /// At which offset.
        offset: u64,
        /// Which version.
        version: u8,
    },
}

/// Whoever serves the destinations.
pub trait Follower: Send + Sync + 'static {
    /// Records of these kinds were added, and so many events were known already.
    fn grown(&self, kinds: &[Kind], duplicates: u64);

    /// Has every destination finish what it has in flight and stop, and returns when none is at work. Bounded: what takes
    /// too long is cut and sent again by whoever goes on.
    fn pause(&self);

    /// Lets the destinations go on.
    fn resume(&self);

    /// Events were given up by their owner before a destination had them.
    fn lost(&self, destination: &str, events: u64);

    /// Something happened that is worth a word.
    fn noticed(&self, what: Noticed);

    /// This router has another share now, or is further with it.
    fn shares(&self, share: Share);
}
