//! Says what an answer means for each event: the closed table of a generic webhook.
//!
//! Pure. It reads statuses, `Retry-After` and the error list of a 207, and nothing else of an answer: a webhook has no
//! protocol of its own. It never repeats a configured secret that the other side sent back.

use serde::Deserialize;

use super::plan::{Post, Request};
use crate::destinations::reply::words;
use crate::destinations::{Answer, Failure, FailureKind, Reply};
use crate::policy::outcome::{Fault, Outcome, Reason};

/// The body of a 207.
#[derive(Deserialize)]
struct Partial {
    errors: Vec<PartialError>,
}

/// One refused event, named by its index in the request or by its message id.
#[derive(Deserialize)]
struct PartialError {
    index: Option<usize>,
    #[serde(alias = "messageId")]
    message_id: Option<String>,
    #[serde(default)]
    message: String,
}

/// Returns one outcome for each of the request's `events`; a probe's is asked for with `events` 1.
pub(super) fn judge(request: &Request, events: usize, reply: &Reply) -> Vec<Outcome> {
    let outcome = match (request, reply) {
        (_, Reply::Failed(failure)) => of_failure(failure),
        (Request::Events(post), Reply::Answer(answer)) if answer.status == 207 => {
            return of_partial(post, events, answer);
        }
        (Request::Events(_), Reply::Answer(answer)) => of_answer(answer, events),
        (Request::Probe, Reply::Answer(answer)) => of_probe(answer),
    };
    vec![outcome; events]
}

fn of_failure(failure: &Failure) -> Outcome {
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

fn of_answer(answer: &Answer, events: usize) -> Outcome {
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

/// A HEAD tells whether the address can be reached and lets us in. A receiver that knows only POST may say 404, 405 or
/// anything else about it, which says nothing against deliveries.
fn of_probe(answer: &Answer) -> Outcome {
    match answer.status {
        300..=399 | 401 | 403 | 410 | 429 | 500 | 502..=599 => of_answer(answer, 1),
        _ => Outcome::Delivered,
    }
}

/// One event is to blame; with more than one in the request it takes bisection to find it.
fn refused(fault: Fault, events: usize) -> Outcome {
    if events > 1 { Outcome::Suspect(fault) } else { Outcome::Refused(fault) }
}

fn of_partial(post: &Post, events: usize, answer: &Answer) -> Vec<Outcome> {
    let read = serde_json::from_slice::<Partial>(&answer.body).ok();
    let outcomes = read.and_then(|partial| settle(post, events, partial));
    outcomes.unwrap_or_else(|| {
        let text = format!("207 without a readable list of errors: {}", answer.words());
        let fault = Fault { reason: Reason::BadAnswer, status: Some(207), answer: words(&text), place: None };
        vec![Outcome::Transient(fault); events]
    })
}

/// Refuses the named events and delivers the others; `None` when an entry names no event of the request.
fn settle(post: &Post, events: usize, partial: Partial) -> Option<Vec<Outcome>> {
    let mut outcomes = vec![Outcome::Delivered; events];
    for error in partial.errors {
        let index = error.index.or_else(|| position(post, error.message_id.as_deref()?))?;
        let answer = words(&error.message);
        *outcomes.get_mut(index)? =
            Outcome::Refused(Fault { reason: Reason::Rejected, status: Some(207), answer, place: None });
    }
    Some(outcomes)
}

fn position(post: &Post, message_id: &str) -> Option<usize> {
    post.events.iter().position(|event| event.head.message_id.as_ref() == message_id)
}

fn fault_of(answer: &Answer, reason: Reason) -> Fault {
    Fault { reason, status: Some(answer.status), answer: answer.words(), place: None }
}

fn redirect(answer: &Answer) -> Fault {
    let to = answer.header("location").unwrap_or("an unnamed place");
    Fault {
        reason: Reason::Redirect,
        status: Some(answer.status),
        answer: words(&format!("redirected to {to}, which is not followed")), place: None,
    }
}
