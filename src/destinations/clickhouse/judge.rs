//! What an answer means for the events of a request: one outcome for all, since a block is taken as a whole. Pure.

#[cfg(test)]
mod tests;

use std::time::Duration;

use super::super::kit::answers::{fault_of, of_failure, of_status, refused};
use super::super::{Answer, Reply};
use super::errors::{self, Kind, code, kind};
use super::request::Request;
use super::wide;
use crate::destinations::reply::words;
use crate::policy::outcome::{Fault, Outcome, Place, Reason};

/// How long a table is left alone that has too many parts: merging some hundred of them takes about as long.
const PARTS_WAIT: Duration = Duration::from_secs(30);

/// How long a quota is left alone.
const QUOTA_WAIT: Duration = Duration::from_secs(10);

/// Events of a request beyond which it is halved when it is too much for the server's memory. A smaller one is not to blame.
const LARGE: usize = 500;

/// Returns one outcome for each of the request's events.
pub(super) fn judge(request: &Request, events: usize, reply: &Reply) -> Vec<Outcome> {
    let outcome = match reply {
        Reply::Failed(failure) => of_failure(failure),
        Reply::Answer(answer) => of_answer(request, events, answer),
    };
    vec![at(request, outcome); events]
}

fn of_answer(request: &Request, events: usize, answer: &Answer) -> Outcome {
    let body = String::from_utf8_lossy(&answer.body);
    if let Some(code) = code(&body) {
        let view = errors::view(&body).filter(|view| is_broken(view, code));
        return view.map_or_else(|| of_code(code, events, answer), |view| of_view(view, answer));
    }
    let is_good = (200..300).contains(&answer.status);
    // ClickHouse has nothing to say about rows that it took: this was somebody else.
    let is_silent = answer.body.iter().all(u8::is_ascii_whitespace);
    match request {
        Request::Insert(_) if is_good && !is_silent => Outcome::Transient(fault_of(answer, Reason::BadAnswer)),
        _ => of_status(answer, events),
    }
}

/// Returns whether somebody else's view must be repaired before rows are taken. Ours are made by us, and anew when one is gone.
fn is_broken(view: &str, code: u32) -> bool {
    let is_ours = wide::rollups().iter().any(|rollup| view.rsplit('.').next().is_some_and(|name| rollup.has_view(name)));
    let is_about_it = match kind(code) {
        Kind::Row | Kind::Schema => true,
        Kind::Later => !errors::passes(code),
        // Held all the same, or the server is short of something.
        Kind::Language | Kind::Credentials | Kind::Rights | Kind::TooOften | Kind::TooManyParts | Kind::Memory => false,
    };
    is_about_it && !is_ours
}

/// The rows are not to blame: the table would take them.
fn of_view(view: &str, answer: &Answer) -> Outcome {
    let said = words(&format!("the view `{view}` refuses what the table takes: {}", answer.words()));
    Outcome::Broken(Fault::new(Reason::Rejected, Some(answer.status), said))
}

fn of_code(code: u32, events: usize, answer: &Answer) -> Outcome {
    let fault = |reason| fault_of(answer, reason);
    match kind(code) {
        Kind::Row => refused(fault(Reason::Rejected), events),
        Kind::Schema => Outcome::Transient(fault(Reason::Schema)),
        Kind::Later => Outcome::Transient(fault(Reason::ServerError)),
        Kind::TooOften => Outcome::Throttled { wait: Some(QUOTA_WAIT), fault: fault(Reason::Throttled) },
        Kind::TooManyParts => Outcome::Throttled { wait: Some(PARTS_WAIT), fault: fault(Reason::Throttled) },
        Kind::Memory if events > LARGE => Outcome::Suspect(fault(Reason::ServerError)),
        Kind::Memory => Outcome::Transient(fault(Reason::ServerError)),
        Kind::Credentials => Outcome::Broken(fault(Reason::Unauthorized)),
        Kind::Rights => Outcome::Broken(fault(Reason::Forbidden)),
        Kind::Language => Outcome::Broken(fault(Reason::BadAnswer)),
    }
}

/// Says which table it is about.
fn at(request: &Request, outcome: Outcome) -> Outcome {
    let Request::Insert(insert) = request else { return outcome };
    let place = |mut fault: Fault| {
        fault.place = Some(Box::new(Place { table: insert.table.clone(), ddl: String::new() }));
        fault
    };
    match outcome {
        Outcome::Delivered => Outcome::Delivered,
        Outcome::Refused(fault) => Outcome::Refused(place(fault)),
        Outcome::Suspect(fault) => Outcome::Suspect(place(fault)),
        Outcome::Broken(fault) => Outcome::Broken(place(fault)),
        Outcome::Transient(fault) => Outcome::Transient(place(fault)),
        Outcome::Throttled { wait, fault } => Outcome::Throttled { wait, fault: place(fault) },
        Outcome::Deferred { wait, fault } => Outcome::Deferred { wait, fault: place(fault) },
    }
}
