//! Tells the memory what an answer said of its rows, and asks it what is to become of their events. Pure.

#[cfg(test)]
mod tests;

use std::time::Duration;

use jiff::Timestamp;

use super::super::Reply;
use super::circuit::Circuits;
use super::ddl::Names;
use super::errors::{Kind, Trouble};
use super::judge::{self, Bench, Heard, RowVerdict};
use super::memory::Memory;
use super::propagation;
use super::request::{Mark, Request, Row, Rows};
use crate::policy::outcome::Outcome;

/// How long a value waits that its column did not take, so that the table can be read anew.
const CAST_WAIT: Duration = Duration::from_secs(2);

/// What became of the rows of one request.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// Taken whole.
    pub(super) inserted: u64,
    /// Taken with a value in `_unmapped`.
    pub(super) unmapped: u64,
    /// To be sent again.
    pub(super) retried: u64,
    /// Never taken.
    pub(super) dead: u64,
    /// How long rows had waited that were taken now.
    pub(super) waited: Vec<Duration>,
}

/// What is needed beside request and answer.
pub(super) struct Terms<'a> {
    /// Where the tables are.
    pub(super) names: &'a Names,
    /// Whether a missing dataset is made when it is needed.
    pub(super) makes_dataset: bool,
}

/// Returns one outcome for each of the request's `events`.
pub(super) fn outcomes(
    (request, events): (&Request, usize),
    reply: &Reply,
    memory: &mut Memory,
    terms: &Terms<'_>,
) -> (Vec<Outcome>, Tally) {
    let heard = judge::hear(request, reply);
    let now = match reply {
        Reply::Answer(answer) => answer.at,
        Reply::Failed(_) => memory.propagation.latest(),
    };
    let (Request::Insert(rows) | Request::Load(rows)) = request else {
        let bench = Bench { names: terms.names, makes_dataset: terms.makes_dataset, memory: &NoRows };
        return (judge::outcomes(request, events, &heard, &bench), Tally::default());
    };
    let mut tally = Tally::default();
    let casts = match &heard {
        Heard::Rows(verdicts) => of_rows(request, rows, verdicts, (memory, &mut tally, now)),
        Heard::Whole(trouble) => {
            of_whole((request, rows), trouble, memory, now);
            Vec::new()
        }
    };
    let recall = Recall { memory, rows, casts };
    let bench = Bench { names: terms.names, makes_dataset: terms.makes_dataset, memory: &recall };
    let mut outcomes = judge::outcomes(request, events, &heard, &bench);
    if let Heard::Rows(verdicts) = &heard {
        give_up(rows, verdicts, (memory, now), &mut outcomes);
    }
    count(rows, &outcomes, &mut tally);
    note_waiting(rows, &outcomes, memory, now);
    (outcomes, tally)
}

/// Takes note of which events wait and which wait no longer. Since when one is here is told when it is planned again.
fn note_waiting(rows: &Rows, outcomes: &[Outcome], memory: &mut Memory, now: Timestamp) {
    for (row, mark) in rows.rows.iter().zip(&rows.marks) {
        match outcomes.get(row.event) {
            Some(Outcome::Deferred { .. }) => memory.waiting.add(mark.event, now, now),
            // An event with a row elsewhere may still wait for that one.
            Some(Outcome::Delivered) if memory.ledger.rows_in(mark.event) > 0 => {}
            Some(Outcome::Delivered | Outcome::Refused(_)) => memory.waiting.remove(mark.event),
            _ => {}
        }
    }
}

/// Takes note of what was said of each row. Returns for each whether a value that was not taken is worth another try.
fn of_rows(
    request: &Request,
    rows: &Rows,
    verdicts: &[RowVerdict],
    (memory, tally, now): (&mut Memory, &mut Tally, Timestamp),
) -> Vec<bool> {
    let table = rows.table.as_str();
    let mut unknown: Vec<String> = Vec::new();
    let mut casts = vec![false; verdicts.len()];
    for ((verdict, mark), cast) in verdicts.iter().zip(&rows.marks).zip(&mut casts) {
        match verdict {
            RowVerdict::Taken => {
                let row = memory.ledger.row(mark.event, table);
                tally.waited.extend(row.and_then(|row| row.waited(now)));
                memory.ledger.taken(mark.event, table, mark.of);
            }
            RowVerdict::NoSuchField(column) => {
                let row = memory.ledger.row_mut(mark.event, table);
                row.waits(now);
                row.blame(column);
                unknown.push(column.clone());
            }
            RowVerdict::Conversion { column, .. } => {
                let column = Some(column.as_str()).filter(|column| !column.is_empty());
                *cast = memory.ledger.row_mut(mark.event, table).cast_refused(column);
            }
            RowVerdict::Stopped
            | RowVerdict::MissingRequired(_)
            | RowVerdict::TooLarge(_)
            | RowVerdict::Retry(_)
            | RowVerdict::Refused(_) => {}
        }
    }
    let any_taken = verdicts.contains(&RowVerdict::Taken);
    unknown.sort_unstable();
    unknown.dedup();
    let heard = propagation::Heard { any_taken, young: &rows.young, unknown: &unknown };
    match request {
        Request::Load(_) if any_taken => memory.propagation.loaded(table, now),
        Request::Load(_) | Request::Probe => {}
        Request::Insert(_) => memory.propagation.heard(table, heard, now),
    }
    if any_taken {
        memory.circuits.taken(table);
    }
    casts
}

fn of_whole((request, rows): (&Request, &Rows), trouble: &Trouble, memory: &mut Memory, now: Timestamp) {
    if matches!(request, Request::Load(_)) {
        rows.marks.iter().for_each(|mark| memory.ledger.row_mut(mark.event, &rows.table).was_loaded());
    }
    match trouble.kind() {
        Some(Kind::NotBilled) if matches!(request, Request::Insert(_)) => memory.only_loads = true,
        Some(Kind::NoTable | Kind::NoSchema) => {
            memory.propagation.no_table(&rows.table, now);
            for mark in &rows.marks {
                memory.ledger.row_mut(mark.event, &rows.table).waits(now);
            }
        }
        Some(Kind::Denied) => memory.propagation.denied(&rows.table),
        Some(Kind::Quota | Kind::RateLimit) => {
            let table = Some(rows.table.as_str()).filter(|_| trouble.is_of_one_table());
            memory.circuits.hit(table, now);
        }
        _ => {}
    }
}

/// No event waits for ever on a column: twice the budget after it first waited, a row is refused that is still refused
/// although the values which it waited for were left out.
fn give_up(
    rows: &Rows,
    verdicts: &[RowVerdict],
    (memory, now): (&Memory, Timestamp),
    outcomes: &mut [Outcome],
) {
    for ((verdict, mark), row) in verdicts.iter().zip(&rows.marks).zip(&rows.rows) {
        let known = memory.ledger.row(mark.event, &rows.table);
        let waited = known.and_then(|known| known.waited(now)).unwrap_or_default();
        let Some(outcome) = outcomes.get_mut(row.event) else { continue };
        if matches!(verdict, RowVerdict::NoSuchField(_))
            && waited >= memory.budget.saturating_mul(2)
            && let Outcome::Deferred { fault, .. } = outcome
        {
            *outcome = Outcome::Refused(fault.clone());
        }
    }
}

fn count(rows: &Rows, outcomes: &[Outcome], tally: &mut Tally) {
    for (row, mark) in rows.rows.iter().zip(&rows.marks) {
        match (outcomes.get(row.event), mark) {
            (Some(Outcome::Delivered), Mark { has_unmapped: false, .. }) => tally.inserted += 1,
            (Some(Outcome::Delivered), _) => tally.unmapped += 1,
            (Some(Outcome::Refused(_)), _) => tally.dead += 1,
            _ => tally.retried += 1,
        }
    }
}

/// The memory as the judge asks it about one request.
struct Recall<'a> {
    memory: &'a Memory,
    rows: &'a Rows,
    casts: Vec<bool>,
}

impl judge::Memory for Recall<'_> {
    fn field_wait(&self, table: &str, column: &str) -> Duration {
        self.memory.propagation.field_wait(table, column)
    }

    fn table_wait(&self, table: &str) -> Duration {
        self.memory.propagation.table_wait(table)
    }

    fn cast_wait(&self, _: &str, row: &Row) -> Option<Duration> {
        let place = self.rows.rows.iter().position(|known| std::ptr::eq(known, row))?;
        self.casts.get(place).copied().unwrap_or_default().then_some(CAST_WAIT)
    }

    fn quota_wait(&self, table: Option<&str>) -> Duration {
        self.memory.circuits.wait(table)
    }

    fn others_flow(&self, table: &str) -> bool {
        self.memory.propagation.others_flow(table)
    }
}

/// What is asked about a request without rows.
struct NoRows;

impl judge::Memory for NoRows {
    fn field_wait(&self, _: &str, _: &str) -> Duration {
        CAST_WAIT
    }

    fn table_wait(&self, _: &str) -> Duration {
        CAST_WAIT
    }

    fn cast_wait(&self, _: &str, _: &Row) -> Option<Duration> {
        None
    }

    fn quota_wait(&self, table: Option<&str>) -> Duration {
        Circuits::default().wait(table)
    }

    fn others_flow(&self, _: &str) -> bool {
        false
    }
}
