//! The table of answers that most HTTP APIs share, for a `judge` to start from. Pure.
//!
//! A vendor's own codes come first in its `judge`; what it says nothing about ends here. 2xx takes the whole request; 401,
//! 403, 404, 410 and redirects hold the destination until they are repaired; 408, 425, 429, 5xx and silence are tried again;
//! any other 4xx is searched for the event that causes it.

use crate::destinations::reply::words;
use crate::destinations::{Answer, Failure, FailureKind, Reply};
use crate::policy::outcome::{Fault, Outcome, Reason};

/// Returns what the reply means for a request with so many events, by nothing but its status.
pub fn of_reply(reply: &Reply, events: usize) -> Outcome {
    match reply {
        Reply::Failed(failure) => of_failure(failure),
        Reply::Answer(answer) => of_status(answer, events),
    }
}

/// Returns what it means that there is no answer.
pub fn of_failure(failure: &Failure) -> Outcome {
    let fault = |reason| Fault { reason, status: None, answer: words(&failure.message), place: None };
    match failure.kind {
        FailureKind::Timeout => Outcome::Transient(fault(Reason::Timeout)),
        FailureKind::Connection => Outcome::Transient(fault(Reason::Connection)),
        FailureKind::Store => Outcome::Transient(fault(Reason::Store)),
        FailureKind::Credentials => Outcome::Broken(fault(Reason::Unauthorized)),
        FailureKind::Dns => Outcome::Broken(fault(Reason::Dns)),
        FailureKind::Tls => Outcome::Broken(fault(Reason::Tls)),
        FailureKind::PrivateAddress => Outcome::Broken(fault(Reason::PrivateAddress)),
    }
}

/// Returns what the status means for a request with so many events.
pub fn of_status(answer: &Answer, events: usize) -> Outcome {
    let fault = |reason| fault_of(answer, reason);
    match answer.status {
        200..=299 => Outcome::Delivered,
        300..=399 => Outcome::Broken(redirect(answer)),
        401 => Outcome::Broken(fault(Reason::Unauthorized)),
        403 => Outcome::Broken(fault(Reason::Forbidden)),
        404 => Outcome::Broken(fault(Reason::NotFound)),
        410 => Outcome::Broken(fault(Reason::Gone)),
        408 | 425 => Outcome::Transient(fault(Reason::ServerError)),
        429 => Outcome::Throttled { wait: answer.retry_after(), fault: fault(Reason::Throttled) },
        413 => refused(fault(Reason::TooLarge), events),
        400..=499 => refused(fault(Reason::Rejected), events),
        503 if answer.retry_after().is_some() => {
            Outcome::Throttled { wait: answer.retry_after(), fault: fault(Reason::Throttled) }
        }
        500..=599 => Outcome::Transient(fault(Reason::ServerError)),
        _ => Outcome::Transient(fault(Reason::BadAnswer)),
    }
}

/// Says that one event is to blame; with more than one in the request it takes bisection to find it.
pub fn refused(fault: Fault, events: usize) -> Outcome {
    if events > 1 { Outcome::Suspect(fault) } else { Outcome::Refused(fault) }
}

/// Returns the fault of an answer, in the other side's words.
pub fn fault_of(answer: &Answer, reason: Reason) -> Fault {
    Fault { reason, status: Some(answer.status), answer: answer.words(), place: None }
}

fn redirect(answer: &Answer) -> Fault {
    let to = answer.header("location").unwrap_or("an unnamed place");
    let said = words(&format!("redirected to {to}, which is not followed"));
    Fault { reason: Reason::Redirect, status: Some(answer.status), answer: said, place: None }
}
