//! What an answer to a whole request, or none, means for its events. Pure.

use std::time::Duration;

use super::super::super::{Failure, FailureKind};
use super::super::errors::{Kind, Said, Trouble};
use super::super::request::{Request, Rows};
use super::{Bench, at};
use crate::policy::outcome::{Fault, Outcome, Reason};

/// BigQuery's limit of a request. A body near it that is cut off may have met a gate which says 413 only by hanging up.
const NEAR_THE_LIMIT: usize = 8 * 1024 * 1024;

/// How long a table that we may not write to is left alone, while others flow.
const DENIED_WAIT: Duration = Duration::from_secs(60);

/// What a project without billing does not do, and what it does.
const SANDBOX: &str = "a project without billing takes no streamed rows: they go by load jobs instead, which is free and takes \
                       minutes; write_method = \"load\" says so from the start, and with billing they are streamed after a \
                       restart";

/// What helps when even a load job is not taken.
const NO_BILLING: &str = "load jobs are refused too: enable billing for the project";

/// Returns what is to become of every event of the request.
pub(super) fn outcome(request: &Request, events: usize, trouble: &Trouble, bench: &Bench<'_>) -> Outcome {
    match (trouble, request) {
        (Trouble::Silent(failure), _) => silent(request, events, failure),
        // It goes by a load job when it is planned again.
        (Trouble::Said(said), Request::Insert(rows)) if said.kind() == Kind::NotBilled => {
            let fault = at(&rows.table, String::new(), not_billed(said, SANDBOX));
            Outcome::Deferred { wait: Duration::ZERO, fault }
        }
        (Trouble::Said(said), Request::Insert(rows) | Request::Load(rows)) => {
            of_rows(rows, events, said, bench)
        }
        (Trouble::Said(said), Request::Probe) => of_probe(said, bench),
    }
}

fn silent(request: &Request, events: usize, failure: &Failure) -> Outcome {
    let fault = |reason| Fault::new(reason, None, failure.message.clone());
    match failure.kind {
        FailureKind::Timeout => Outcome::Transient(fault(Reason::Timeout)),
        FailureKind::Connection if is_near_the_limit(request) => guilty(fault(Reason::TooLarge), events),
        FailureKind::Connection => Outcome::Transient(fault(Reason::Connection)),
        FailureKind::Store => Outcome::Transient(fault(Reason::Store)),
        FailureKind::Dns => Outcome::Broken(fault(Reason::Dns)),
        FailureKind::Tls => Outcome::Broken(fault(Reason::Tls)),
        FailureKind::PrivateAddress => Outcome::Broken(fault(Reason::PrivateAddress)),
        FailureKind::Credentials => Outcome::Broken(fault(Reason::Unauthorized)),
    }
}

fn is_near_the_limit(request: &Request) -> bool {
    match request {
        Request::Insert(rows) => rows.text.len() > NEAR_THE_LIMIT && rows.rows.len() > 1,
        Request::Load(_) | Request::Probe => false,
    }
}

fn of_rows(rows: &Rows, events: usize, said: &Said, bench: &Bench<'_>) -> Outcome {
    let table = rows.table.as_str();
    let fault = |reason| at(table, String::new(), fault(said, reason));
    let waits = |wait| Outcome::Deferred { wait, fault: fault(Reason::Schema) };
    match said.kind() {
        Kind::NoTable | Kind::NoSchema => waits(bench.memory.table_wait(table)),
        Kind::NoField => waits(bench.memory.field_wait(table, "")),
        Kind::RateLimit | Kind::Quota if said.is_of_one_table() => {
            Outcome::Deferred { wait: quota_wait(said, Some(table), bench), fault: fault(Reason::Throttled) }
        }
        Kind::Denied if bench.memory.others_flow(table) => {
            Outcome::Deferred { wait: DENIED_WAIT, fault: fault(Reason::Forbidden) }
        }
        Kind::Denied => Outcome::Broken(fault(Reason::Forbidden)),
        Kind::TooLarge => guilty(fault(Reason::TooLarge), events),
        Kind::Invalid | Kind::Full => guilty(fault(Reason::Rejected), events),
        // A load job's own words for a table that became another one meanwhile.
        Kind::Mismatch => waits(bench.memory.table_wait(table)),
        _ => of_anything(said, bench),
    }
}

/// A missing dataset is no fault where it is made with the first table.
fn of_probe(said: &Said, bench: &Bench<'_>) -> Outcome {
    match said.kind() {
        Kind::NoDataset if bench.makes_dataset => Outcome::Delivered,
        Kind::Denied => Outcome::Broken(fault(said, Reason::Forbidden)),
        Kind::Invalid | Kind::TooLarge | Kind::Full | Kind::Mismatch | Kind::NoField | Kind::NoSchema => {
            Outcome::Refused(fault(said, Reason::Rejected))
        }
        _ => of_anything(said, bench),
    }
}

/// What is said of the project, the dataset or the service.
fn of_anything(said: &Said, bench: &Bench<'_>) -> Outcome {
    let fault = |reason| fault(said, reason);
    match said.kind() {
        Kind::Credentials => Outcome::Broken(fault(Reason::Unauthorized)),
        Kind::NotBilled => Outcome::Broken(not_billed(said, NO_BILLING)),
        Kind::Blocked => Outcome::Broken(fault(Reason::Forbidden)),
        Kind::NoDataset | Kind::NothingThere | Kind::NoTable => Outcome::Broken(fault(Reason::NotFound)),
        Kind::Redirect => Outcome::Broken(fault(Reason::Redirect)),
        Kind::RateLimit => Outcome::Throttled { wait: said.wait, fault: fault(Reason::Throttled) },
        Kind::Quota => {
            let wait = Some(quota_wait(said, None, bench));
            Outcome::Throttled { wait, fault: fault(Reason::Throttled) }
        }
        Kind::Busy if said.status == Some(503) && said.wait.is_some() => {
            Outcome::Throttled { wait: said.wait, fault: fault(Reason::Throttled) }
        }
        Kind::Busy if said.reason == "badAnswer" => Outcome::Transient(fault(Reason::BadAnswer)),
        Kind::Busy => Outcome::Transient(fault(Reason::ServerError)),
        // Not said of what is sent here; whatever was meant, the events stay.
        Kind::Exists
        | Kind::Changed
        | Kind::Denied
        | Kind::TooLarge
        | Kind::Full
        | Kind::Mismatch
        | Kind::NoField
        | Kind::NoSchema
        | Kind::Invalid => Outcome::Transient(fault(Reason::BadAnswer)),
    }
}

fn quota_wait(said: &Said, table: Option<&str>, bench: &Bench<'_>) -> Duration {
    said.wait.unwrap_or_else(|| bench.memory.quota_wait(table))
}

/// One event is to blame; with more than one in the request it takes bisection to find it.
fn guilty(fault: Fault, events: usize) -> Outcome {
    if events > 1 { Outcome::Suspect(fault) } else { Outcome::Refused(fault) }
}

fn not_billed(said: &Said, advice: &str) -> Fault {
    Fault::new(Reason::Forbidden, said.status, format!("{}; {advice}", said.words()))
}

fn fault(said: &Said, reason: Reason) -> Fault {
    Fault::new(reason, said.status, said.words())
}
