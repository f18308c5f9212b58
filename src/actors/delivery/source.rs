//! Where the records of a delivery come from: the journal's log, or, for a replay of a passage of a topic, that passage.
//!
//! Separate because positions mean something else there: those of a passage are counted from 0, in this replay alone, and nothing
//! else that the journal knows of positions may be asked about them.

use std::sync::Arc;

use super::{Parts, attempt};
use crate::destinations::Destination;
use crate::journal::{Extent, JournalError, Looked, Note, PassageReader, Position, ReadLimit, Record};
use crate::spec::Event;

impl<D: Destination> Parts<D> {
    fn passage(&self) -> Option<&dyn PassageReader> {
        self.replay.as_ref()?.passage.as_deref()
    }

    /// Returns where the records begin and end.
    pub(super) fn extent(&self) -> Extent {
        let all =
            |scope: &super::replay::Scope| Extent { next: Position(scope.order.until), ..Extent::default() };
        match &self.replay {
            Some(scope) if scope.passage.is_some() => all(scope),
            _ => self.journal.extent(),
        }
    }

    /// Reads from memory alone; see [`Journal::tail`](crate::journal::Journal::tail).
    pub(super) fn tail(&self, from: Position, limit: ReadLimit, end: Position) -> Option<Looked> {
        if self.passage().is_some() {
            return None;
        }
        Some(self.looked(self.journal.tail(from, limit)?, end))
    }

    /// Reads what lies before `end`. Blocks.
    pub(super) fn look(
        &self,
        from: Position,
        limit: ReadLimit,
        end: Position,
    ) -> Result<Looked, JournalError> {
        match self.passage() {
            Some(passage) => passage.read(from, limit),
            None => Ok(self.looked(self.journal.read(from, limit)?, end)),
        }
    }

    /// An empty answer says that nothing is left up to the end.
    fn looked(&self, mut records: Vec<Record>, end: Position) -> Looked {
        if let Some(scope) = &self.replay {
            scope.cut(&mut records);
        }
        let through = records.last().map_or(end, |record| Position(record.position.0 + 1));
        Looked { records, through }
    }

    /// Returns one event, or `None` when it is no longer there. Blocks.
    pub(super) fn read_one(&self, position: u64) -> Result<Option<Arc<Event>>, JournalError> {
        match self.passage() {
            Some(passage) => passage.one(Position(position)),
            None => attempt::read_one(self.journal.as_ref(), position),
        }
    }

    /// Keeps notes for whoever traces an event. Of a passage there is nothing that could be traced by its positions.
    pub(super) fn note(&self, notes: &[Note]) -> Result<(), String> {
        if self.passage().is_some() {
            return Ok(());
        }
        self.journal.note(notes).map_err(|error| error.to_string())
    }
}
