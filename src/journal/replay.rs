//! Which records a replay sends again, where the truth is a topic: a passage of it, and the positions that its records have in
//! this replay alone.
//!
//! Pure. A log has positions of its own, and a replay of it is a range of them. A passage is stretches of partitions, one after
//! the other, whose offsets are counted from 0. Never reads a record.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Extent, JournalError, Position, ReadLimit, Record};
use crate::spec::Event;

/// What an operator wants sent again. The bounds of time and of offsets hold together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// First arrival; `None`: the oldest event that is left.
    pub from: Option<Timestamp>,
    /// Arrivals before then; `None`: everything that is there now.
    pub until: Option<Timestamp>,
    /// The first offset of a partition. When any partition is named, here or below, the others are left out.
    pub from_offsets: BTreeMap<i32, u64>,
    /// The offset behind the last one of a partition.
    pub until_offsets: BTreeMap<i32, u64>,
}

/// What there is of it: `from..until` are positions of the log, or, with a passage, those of this replay.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Portion {
    /// First position.
    pub from: u64,
    /// The position behind the last one.
    pub until: u64,
    /// Where the records lie; `None`: in the log.
    pub passage: Option<Passage>,
}

/// Why nothing can be sent again.
#[derive(Debug)]
pub enum NoPortion {
    /// What is wanted makes no sense here.
    Wrong {
        /// Which parameter.
        parameter: &'static str,
        /// What is wrong with it.
        message: String,
    },
    /// Nobody can say now what there is: the brokers do not answer.
    NotNow(String),
    /// The log cannot be read.
    Failed(JournalError),
}

/// A part of a topic.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passage {
    /// Name of the topic.
    pub topic: String,
    /// Only what arrived at this instant or later.
    pub from: Option<Timestamp>,
    /// Only what arrived before.
    pub until: Option<Timestamp>,
    /// In the order in which they are sent; of each partition one at most.
    pub stretches: Vec<Stretch>,
}

/// Consecutive offsets of a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stretch {
    /// Of which partition.
    pub partition: i32,
    /// The first offset.
    pub from: u64,
    /// The offset behind the last one.
    pub until: u64,
}

/// Where a position of a replay is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Which stretch, by its number.
    pub number: usize,
    /// The stretch.
    pub stretch: Stretch,
    /// The position of its first offset.
    pub base: u64,
    /// The offset.
    pub offset: u64,
}

impl Stretch {
    /// Returns how many offsets it has.
    pub fn len(&self) -> u64 {
        self.until.saturating_sub(self.from)
    }

    /// Returns whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Passage {
    /// Returns how many positions it has: the offsets of all stretches, whether or not there is a record that is wanted.
    pub fn len(&self) -> u64 {
        self.stretches.iter().map(Stretch::len).sum()
    }

    /// Returns whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns where a position is; `None` behind the end.
    pub fn place(&self, position: u64) -> Option<Place> {
        let mut base = 0;
        for (number, stretch) in self.stretches.iter().enumerate() {
            if position < base + stretch.len() {
                let offset = stretch.from + (position - base);
                return Some(Place { number, stretch: *stretch, base, offset });
            }
            base += stretch.len();
        }
        None
    }

    /// Returns whether an event that arrived then is wanted.
    pub fn wants(&self, received_at: Timestamp) -> bool {
        self.from.is_none_or(|from| received_at >= from) && self.until.is_none_or(|until| received_at < until)
    }
}

/// What was found of a passage.
#[derive(Debug)]
pub struct Looked {
    /// Records that are wanted, in the order of their positions, which may have gaps.
    pub records: Vec<Record>,
    /// Everything before it was looked at.
    pub through: Position,
}

/// Reads the records of a passage, each once. Every method blocks.
pub trait PassageReader: fmt::Debug + Send + Sync + 'static {
    /// Looks at the records from a position on, for a second or two, and returns those that are wanted.
    ///
    /// # Errors
    /// `Io`: the brokers do not answer, or the router stops.
    fn read(&self, from: Position, limit: ReadLimit) -> Result<Looked, JournalError>;

    /// Returns the event at a position once more; `None` when it is gone.
    ///
    /// # Errors
    /// `Io`.
    fn one(&self, position: Position) -> Result<Option<Arc<Event>>, JournalError>;
}

/// Returns what a log holds of what is wanted. A log has no offsets.
pub(super) fn of_log(
    extent: Extent,
    position_at: impl Fn(Timestamp) -> Result<Position, JournalError>,
    wanted: &Wanted,
) -> Result<Portion, NoPortion> {
    for (parameter, named) in [("from_offset", &wanted.from_offsets), ("until_offset", &wanted.until_offsets)]
    {
        if !named.is_empty() {
            let message = "is for `journal.engine = \"kafka\"`: this router's own log has no partitions; \
                           say `from` and `until`";
            return Err(NoPortion::Wrong { parameter, message: message.to_owned() });
        }
    }
    let at = |instant: Option<Timestamp>, default: Position| {
        instant.map_or(Ok(default), &position_at).map_err(NoPortion::Failed)
    };
    let from = at(wanted.from, extent.first)?.max(extent.first);
    let until = at(wanted.until, extent.next)?;
    Ok(Portion { from: from.0, until: until.0, passage: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instant(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn positions_of_a_passage_are_its_offsets_one_stretch_after_the_other() {
        let stretch = |partition, from, until| Stretch { partition, from, until };
        let stretches = vec![stretch(3, 100, 102), stretch(0, 7, 7), stretch(1, 0, 1)];
        let passage = Passage { stretches, ..Passage::default() };
        let found: Vec<_> =
            (0..4).map(|at| passage.place(at).map(|at| (at.stretch.partition, at.offset))).collect();
        assert_eq!(found, [Some((3, 100)), Some((3, 101)), Some((1, 0)), None]);
        assert_eq!(passage.place(2).map(|at| (at.number, at.base)), Some((2, 2)));
        assert_eq!((passage.len(), passage.is_empty(), Passage::default().is_empty()), (3, false, true));
    }

    #[test]
    fn the_first_instant_is_in_and_the_last_is_not() {
        let passage = Passage { from: Some(instant(10)), until: Some(instant(20)), ..Passage::default() };
        let wanted = [9, 10, 19, 20].map(|second| passage.wants(instant(second)));
        assert_eq!(wanted, [false, true, true, false]);
        assert!(Passage::default().wants(instant(0)));
    }

    #[test]
    fn a_log_knows_instants_and_no_offsets() {
        let extent = Extent { first: Position(4), next: Position(9), ..Extent::default() };
        let position_at = |at: Timestamp| Ok(Position(at.as_second() as u64));
        let of = |wanted: &Wanted| of_log(extent, position_at, wanted);
        let all = of(&Wanted::default()).unwrap();
        assert_eq!((all.from, all.until, all.passage), (4, 9, None));
        let wanted = Wanted { from: Some(instant(1)), until: Some(instant(7)), ..Wanted::default() };
        let some = of(&wanted).unwrap();
        assert_eq!((some.from, some.until), (4, 7), "nothing before the oldest record");
        let offsets = BTreeMap::from([(0, 5)]);
        for (wanted, named) in [
            (Wanted { from_offsets: offsets.clone(), ..Wanted::default() }, "from_offset"),
            (Wanted { until_offsets: offsets, ..Wanted::default() }, "until_offset"),
        ] {
            let refused = of(&wanted);
            assert!(matches!(refused, Err(NoPortion::Wrong { parameter, .. }) if parameter == named));
        }
    }
}
