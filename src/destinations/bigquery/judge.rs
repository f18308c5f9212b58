//! Says what an answer means for each row, and from that for each event. Pure.
//!
//! In two steps, so that the destination's memory of its tables can listen in between: [`hear`] reads the answer, which
//! may say something of each row or of the request as a whole; [`outcomes`] says what is to become of the events. It never
//! refuses an event for what its neighbours did. Each error that Google's pages name has a test case.

mod rows;
#[cfg(test)]
mod tests;
mod whole;

use std::time::Duration;

use serde::Deserialize;

use super::super::{Answer, Reply};
use super::ddl::Names;
use super::errors::{Detail, Said, Trouble};
use super::request::{Request, Row, Rows};
use crate::policy::outcome::{Fault, Outcome};

pub(super) use rows::RowVerdict;

/// Most errors of a job whose sentences are kept.
const MOST_DETAILS: usize = 3;

/// What an answer says.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Heard {
    /// Something of each row, in the order of the request; nothing for a probe.
    Rows(Vec<RowVerdict>),
    /// Something of the request as a whole.
    Whole(Trouble),
}

/// What the destination remembers of its tables, asked while an answer becomes outcomes.
pub(super) trait Memory {
    /// Returns how long until a row is worth another try that was refused for a column which is not there (yet).
    fn field_wait(&self, table: &str, column: &str) -> Duration;
    /// Returns how long until rows are worth another try whose table is not there (yet).
    fn table_wait(&self, table: &str) -> Duration;
    /// Returns how long until a row is worth another try whose value its column did not take; `None` when it was tried
    /// before, so that it is refused now.
    fn cast_wait(&self, table: &str, row: &Row) -> Option<Duration>;
    /// Returns how long a quota is left alone, that of a table or that of all: 30 s to 10 min, growing while it goes on.
    fn quota_wait(&self, table: Option<&str>) -> Duration;
    /// Returns whether another table than this one took rows a short while ago: then what is said of this one is not said
    /// of the whole dataset.
    fn others_flow(&self, table: &str) -> bool;
}

/// What a judge must know beside request and answer.
pub(super) struct Bench<'a> {
    /// Where the tables are, for the statements that repair them.
    pub(super) names: &'a Names,
    /// Whether a missing dataset is made when it is needed.
    pub(super) makes_dataset: bool,
    /// What is remembered.
    pub(super) memory: &'a dyn Memory,
}

/// What `tabledata.insertAll` says in a success.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Inserted {
    #[serde(default)]
    insert_errors: Vec<RowError>,
}

#[derive(Deserialize)]
struct RowError {
    index: usize,
    #[serde(default)]
    errors: Vec<Detail>,
}

/// A job as far as it is read.
#[derive(Deserialize)]
struct Job {
    status: JobStatus,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct JobStatus {
    state: String,
    #[serde(default)]
    error_result: Option<Detail>,
    #[serde(default)]
    errors: Vec<Detail>,
}

/// Reads what the answer says of the request.
pub(super) fn hear(request: &Request, reply: &Reply) -> Heard {
    let answer = match reply {
        Reply::Answer(answer) if (200..300).contains(&answer.status) => answer,
        other => return Heard::Whole(Trouble::of(other)),
    };
    let heard = match request {
        Request::Insert(rows) => inserted(rows, answer),
        Request::Load(rows) => loaded(rows, answer),
        Request::Probe => Some(Heard::Rows(Vec::new())),
    };
    heard.unwrap_or_else(|| Heard::Whole(Trouble::of(reply)))
}

/// A success may hold refusals. `None` when it cannot be read or names a row that was not sent.
fn inserted(rows: &Rows, answer: &Answer) -> Option<Heard> {
    let inserted: Inserted = serde_json::from_slice(&answer.body).ok()?;
    let mut verdicts = vec![RowVerdict::Taken; rows.rows.len()];
    for error in inserted.insert_errors {
        *verdicts.get_mut(error.index)? = rows::verdict(&error.errors);
    }
    Some(Heard::Rows(verdicts))
}

/// A job takes all rows or none.
fn loaded(rows: &Rows, answer: &Answer) -> Option<Heard> {
    let job: Job = serde_json::from_slice(&answer.body).ok()?;
    if job.status.state != "DONE" {
        return None;
    }
    let Some(mut error) = job.status.error_result else {
        return Some(Heard::Rows(vec![RowVerdict::Taken; rows.rows.len()]));
    };
    // The result often only counts the errors; what they were is in the list.
    let more = job.status.errors.iter().map(|detail| detail.message.as_str());
    let more: Vec<&str> =
        more.filter(|message| !error.message.contains(message)).take(MOST_DETAILS).collect();
    error.message = [&[error.message.as_str()], more.as_slice()].concat().join(" | ");
    Some(Heard::Whole(Trouble::Said(Said::of_job(&error))))
}

/// Returns one outcome for each of the request's `events`.
pub(super) fn outcomes(request: &Request, events: usize, heard: &Heard, bench: &Bench<'_>) -> Vec<Outcome> {
    match (heard, request) {
        (Heard::Whole(trouble), _) => vec![whole::outcome(request, events, trouble, bench); events],
        (Heard::Rows(verdicts), Request::Insert(rows) | Request::Load(rows)) => {
            of_rows(rows, events, verdicts, bench)
        }
        (Heard::Rows(_), Request::Probe) => vec![Outcome::Delivered; events],
    }
}

/// An event with several rows in the request fares as the worst of them.
fn of_rows(rows: &Rows, events: usize, verdicts: &[RowVerdict], bench: &Bench<'_>) -> Vec<Outcome> {
    let mut outcomes = vec![Outcome::Delivered; events];
    for (row, verdict) in rows.rows.iter().zip(verdicts) {
        let outcome = rows::outcome(&rows.table, row, verdict, bench);
        if let Some(known) = outcomes.get_mut(row.event)
            && rank(&outcome) > rank(known)
        {
            *known = outcome;
        }
    }
    outcomes
}

/// Orders by what must still be done, as the delivery does for an event of several requests.
fn rank(outcome: &Outcome) -> u8 {
    match outcome {
        Outcome::Delivered => 0,
        Outcome::Refused(_) => 1,
        Outcome::Suspect(_) => 2,
        Outcome::Deferred { .. } => 3,
        Outcome::Transient(_) => 4,
        Outcome::Throttled { .. } => 5,
        Outcome::Broken(_) => 6,
    }
}

/// Says which table a fault is about, and what would repair it.
fn at(table: &str, ddl: String, mut fault: Fault) -> Fault {
    fault.place = Some(Box::new(crate::policy::outcome::Place { table: table.to_owned(), ddl }));
    fault
}
