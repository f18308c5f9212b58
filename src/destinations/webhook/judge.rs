//! Says what an answer means for each event: the closed table of a generic webhook.
//!
//! Pure. It reads statuses, `Retry-After` and the error list of a 207, and nothing else of an answer: a webhook has no
//! protocol of its own. It never repeats a configured secret that the other side sent back.

use serde::Deserialize;

use super::plan::{Post, Request};
use crate::destinations::reply::words;
use crate::destinations::kit::answers::{of_failure, of_status};
use crate::destinations::{Answer, Reply};
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
        (Request::Events(_), Reply::Answer(answer)) => of_status(answer, events),
        (Request::Probe, Reply::Answer(answer)) => of_probe(answer),
    };
    vec![outcome; events]
}

/// A HEAD tells whether the address can be reached and lets us in. A receiver that knows only POST may say 404, 405 or
/// anything else about it, which says nothing against deliveries.
fn of_probe(answer: &Answer) -> Outcome {
    match answer.status {
        300..=399 | 401 | 403 | 410 | 429 | 500 | 502..=599 => of_status(answer, 1),
        _ => Outcome::Delivered,
    }
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
