//! What `tabledata.insertAll` says of one row. Pure.
//!
//! Google's reason for nearly everything is `invalid`; the sentence tells the rest. Sentences are matched by their parts,
//! without regard to case, since Google rewords them now and then.

use std::time::Duration;

use super::super::super::reply::words;
use super::super::ddl::quoted;
use super::super::errors::Detail;
use super::super::request::Row;
use super::{Bench, at};
use crate::policy::outcome::{Fault, Outcome, Reason};

/// What was said of one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) enum RowVerdict {
    /// It is in the table.
    Taken,
    /// Another row stopped the request: nothing is wrong with this one.
    Stopped,
    /// The table has no such column, or does not know it yet.
    NoSuchField(String),
    /// A value does not fit its column.
    Conversion {
        /// The column, where Google names one.
        column: String,
        /// Google's words.
        said: String,
    },
    /// The user's own table demands this column.
    MissingRequired(String),
    /// The row is larger than a row may be, in Google's words.
    TooLarge(String),
    /// It failed over there, for this reason.
    Retry(String),
    /// Refused for something else, in Google's words.
    Refused(String),
}

/// Sentences about a value that its column does not take.
const CONVERSIONS: [&str; 10] = [
    "cannot convert",
    "could not convert",
    "could not parse",
    "cannot parse",
    "conversion from",
    "is not a record",
    "non-repeated field",
    "repeated field",
    "invalid timestamp",
    "bad character",
];

/// Returns what the errors of one row mean together: that it was stopped says least.
pub(super) fn verdict(errors: &[Detail]) -> RowVerdict {
    let own = errors.iter().find(|error| error.reason != "stopped");
    match own {
        Some(error) => of_error(error),
        None if errors.is_empty() => RowVerdict::Retry("an error without a reason".to_owned()),
        None => RowVerdict::Stopped,
    }
}

fn of_error(error: &Detail) -> RowVerdict {
    let message = error.message.to_lowercase();
    match error.reason.as_str() {
        "timeout" | "backendError" | "internalError" | "rateLimitExceeded" | "quotaExceeded" => {
            RowVerdict::Retry(said(error))
        }
        _ if message.starts_with("no such field") => RowVerdict::NoSuchField(column(error)),
        _ if message.starts_with("missing required field") => RowVerdict::MissingRequired(column(error)),
        _ if message.contains("row size exceeded") || message.contains("row too large") => {
            RowVerdict::TooLarge(said(error))
        }
        _ if CONVERSIONS.iter().any(|part| message.contains(part)) => {
            RowVerdict::Conversion { column: place(error), said: said(error) }
        }
        _ => RowVerdict::Refused(said(error)),
    }
}

/// Reads the column behind the sentence's colon: "no such field: a." and "Missing required field: Msg_0.a." Without one it
/// is where Google says that the error lies.
fn column(error: &Detail) -> String {
    let named = error.message.split_once(':').map(|(_, name)| name.trim().trim_end_matches('.'));
    let name = named.map(last).filter(|name| !name.is_empty());
    name.map_or_else(|| place(error), |name| words(&name))
}

/// The column where Google says that the error lies.
fn place(error: &Detail) -> String {
    words(&last(&error.location))
}

fn last(name: &str) -> String {
    name.rsplit('.').next().unwrap_or_default().trim().to_lowercase()
}

fn said(error: &Detail) -> String {
    let place = if error.location.is_empty() { String::new() } else { format!(" (`{}`)", error.location) };
    words(&format!("{}: {}{place}", error.reason, error.message))
}

/// Returns what is to become of the row.
pub(super) fn outcome(table: &str, row: &Row, verdict: &RowVerdict, bench: &Bench<'_>) -> Outcome {
    let fault = |reason, answer: &str| at(table, String::new(), Fault::new(reason, Some(200), answer));
    match verdict {
        RowVerdict::Taken => Outcome::Delivered,
        RowVerdict::Stopped => {
            let fault = fault(Reason::Rejected, "stopped: another row of the request was refused");
            Outcome::Deferred { wait: Duration::ZERO, fault }
        }
        RowVerdict::NoSuchField(column) => {
            let fault = fault(Reason::Schema, &format!("no such field: {column}"));
            Outcome::Deferred { wait: bench.memory.field_wait(table, column), fault }
        }
        RowVerdict::Conversion { said, .. } => match bench.memory.cast_wait(table, row) {
            Some(wait) => Outcome::Deferred { wait, fault: fault(Reason::Schema, said) },
            None => Outcome::Refused(fault(Reason::Rejected, said)),
        },
        RowVerdict::MissingRequired(column) => Outcome::Refused(required(table, column, bench)),
        RowVerdict::TooLarge(said) => Outcome::Refused(fault(Reason::TooLarge, said)),
        RowVerdict::Retry(said) => Outcome::Transient(fault(Reason::ServerError, said)),
        RowVerdict::Refused(said) => Outcome::Refused(fault(Reason::Rejected, said)),
    }
}

/// A column that the table's owner demands is for the owner to relax.
fn required(table: &str, column: &str, bench: &Bench<'_>) -> Fault {
    let ddl =
        format!("ALTER TABLE {} ALTER COLUMN {} DROP NOT NULL", bench.names.table(table), quoted(column));
    let answer = format!("the column `{column}` is REQUIRED and the event has no value for it");
    at(table, ddl, Fault::new(Reason::Rejected, Some(200), answer))
}
