//! Finding the records of people.
//!
//! Separate from overwriting them because finding takes long and hinders nobody. Never remembers what it has found.

use super::{Journal, JournalError, Position, ReadLimit, Record};
use crate::spec::{Head, People};

/// What is read at once: some milliseconds of work.
const STEP: ReadLimit = ReadLimit { records: 2_048, bytes: 4 << 20 };

/// Shows every record from `from` on and before `until` to `each`, which says whether to go on. One that cannot be read is
/// passed over.
///
/// # Errors
/// `Io`.
pub fn walk(
    journal: &dyn Journal,
    (from, until): (Position, Position),
    each: &mut dyn FnMut(Record) -> bool,
) -> Result<(), JournalError> {
    let mut from = from.max(journal.extent().first);
    while from < until {
        let records = match journal.read(from, STEP) {
            Ok(records) => records,
            Err(JournalError::Damaged(_)) => {
                from = Position(from.0 + 1);
                continue;
            }
            Err(error) => return Err(error),
        };
        let Some(last) = records.last() else { break };
        let next = Position(last.position.0 + 1);
        for record in records {
            if record.position >= until || !each(record) {
                return Ok(());
            }
        }
        from = next;
    }
    Ok(())
}

/// Returns where the records of these people are, from `from` on and before `until`.
///
/// # Errors
/// `Io`.
pub fn find(
    journal: &dyn Journal,
    people: &People,
    (from, until): (Position, Position),
) -> Result<Vec<Position>, JournalError> {
    let mut found = Vec::new();
    walk(journal, (from, until), &mut |record| {
        let head: &Head = &record.event.head;
        if people.concerns(head) {
            found.push(record.position);
        }
        true
    })?;
    Ok(found)
}
