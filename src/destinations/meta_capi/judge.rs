//! Says what an answer means, by Meta's own codes and not by the status: an expired token has come with 500, and a limit with
//! 400.
//!
//! Pure. A request is taken as a whole or not at all, so an event that Meta refuses is found by halving the request.

mod error;
mod usage;

use serde::Deserialize;

use self::error::{Class, GraphError};
use super::plan::Request;
use crate::destinations::kit::Verb;
use crate::destinations::kit::answers::{fault_of, of_failure, of_status, refused};
use crate::destinations::reply::words;
use crate::destinations::{Answer, Reply};
use crate::policy::outcome::{Fault, Outcome, Reason};

/// How often a request is tried that fails for a reason that Meta does not know. Meta means what will pass and says it also
/// of what will not, so that after some minutes an event is looked for that causes it.
const MOST_UNKNOWN: u32 = 10;

/// The body of an answer, as far as it is read.
#[derive(Deserialize)]
struct Body {
    error: Option<GraphError>,
    events_received: Option<u64>,
    id: Option<serde_json::Value>,
}

/// Returns one outcome for each of the request's `events`; a probe's is asked for with `events` 1.
pub(super) fn judge(request: &Request, events: usize, reply: &Reply) -> Vec<Outcome> {
    let outcome = match reply {
        Reply::Failed(failure) => of_failure(failure),
        Reply::Answer(answer) => of_answer(request, events, answer),
    };
    vec![outcome; events]
}

fn of_answer(request: &Request, events: usize, answer: &Answer) -> Outcome {
    match serde_json::from_slice::<Body>(&answer.body) {
        Ok(Body { error: Some(error), .. }) => of_error(request, events, (answer, &error)),
        Ok(body) if (200..300).contains(&answer.status) => of_success(request, events, (answer, &body)),
        _ => of_stranger(events, answer),
    }
}

/// Something that is not the Graph API has answered: a proxy, a page for people. Nothing that it says is said of an event.
fn of_stranger(events: usize, answer: &Answer) -> Outcome {
    match of_status(answer, events) {
        Outcome::Delivered => strange(answer),
        Outcome::Refused(fault) | Outcome::Suspect(fault) if fault.reason == Reason::Rejected => strange(answer),
        outcome => outcome,
    }
}

fn strange(answer: &Answer) -> Outcome {
    let said = words(&format!("not an answer of the Graph API: {}", answer.words()));
    Outcome::Transient(Fault::new(Reason::BadAnswer, Some(answer.status), said))
}

/// Meta counts what it took. Fewer than were sent has not been seen, and would mean that some are lost: those are looked for,
/// and what is sent again is recognised by its id. None at all is nobody's fault but that of the other side.
fn of_success(request: &Request, events: usize, (answer, body): (&Answer, &Body)) -> Outcome {
    if request.call.verb == Verb::Get {
        return if body.id.is_some() { Outcome::Delivered } else { strange(answer) };
    }
    let Some(received) = body.events_received else { return strange(answer) };
    if received >= events as u64 {
        return Outcome::Delivered;
    }
    let said = words(&format!("received {received} of {events} events: {}", answer.words()));
    let fault = Fault::new(Reason::BadAnswer, Some(answer.status), said);
    if received == 0 { Outcome::Transient(fault) } else { Outcome::Suspect(fault) }
}

fn of_error(request: &Request, events: usize, (answer, error): (&Answer, &GraphError)) -> Outcome {
    let fault = |reason| Fault { answer: words(&error.words()), ..fault_of(answer, reason) };
    match error.class() {
        Class::Throttled => {
            let wait = usage::wait(answer).or_else(|| answer.retry_after());
            Outcome::Throttled { wait, fault: fault(Reason::Throttled) }
        }
        Class::Broken(reason) => Outcome::Broken(fault(reason)),
        Class::Unknown if request.attempt > MOST_UNKNOWN => refused(fault(Reason::Rejected), events),
        Class::Transient | Class::Unknown => Outcome::Transient(fault(Reason::ServerError)),
        Class::Event(reason) => refused(fault(reason), events),
        Class::Other => match of_status(answer, events) {
            Outcome::Refused(_) | Outcome::Suspect(_) => refused(fault(Reason::Rejected), events),
            Outcome::Broken(Fault { reason, .. }) => Outcome::Broken(fault(reason)),
            Outcome::Throttled { wait, .. } => Outcome::Throttled { wait, fault: fault(Reason::Throttled) },
            Outcome::Delivered | Outcome::Transient(_) | Outcome::Deferred { .. } => {
                Outcome::Transient(fault(Reason::ServerError))
            }
        },
    }
}
