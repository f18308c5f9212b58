//! What the tests of a destination need: events, settings, attempts, answers, and outcomes as words.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::{Call, Verb};
use crate::destinations::mock::{Incoming, Mock};
use crate::destinations::{Answer, Attempt, Destination, Plan, Reply, Setting};
use crate::policy::outcome::Outcome;
use crate::spec::{Event, Kind, Receipt};

/// Returns the event of this text, which names its `type`; received at 03:04:05.678 of 2 January 2026.
pub(crate) fn event(text: &str) -> Arc<Event> {
    let json: serde_json::Value = serde_json::from_str(text).unwrap();
    let receipt = Receipt {
        kind: Kind::from_name(json["type"].as_str().unwrap()).unwrap(),
        received_at: "2026-01-02T03:04:05.678Z".parse().unwrap(),
        timestamp: "2026-01-02T03:04:05.600Z".parse().unwrap(),
        sent_at: None,
        message_id: None,
        source: "test".into(),
        ip: None,
        signals: Default::default(),
        redelivery: None,
    };
    Arc::new(Event::restore(Bytes::copy_from_slice(text.trim_end().as_bytes()), receipt).unwrap())
}

/// Returns the setting of a destination called `name`.
pub(crate) fn setting(name: &str, production: bool) -> Setting {
    Setting {
        name: name.to_owned(),
        data_dir: "/tmp".into(),
        production,
        timeout: Duration::from_secs(30),
        surroundings: Default::default(),
        site_salt: Default::default(),
        meter: Default::default(),
        live: Default::default(),
    }
}

/// Returns the n-th attempt, a second after the events arrived.
pub(crate) fn attempt(number: u32) -> Attempt {
    let first_at = "2026-01-02T03:04:06.789012Z".parse().unwrap();
    Attempt { number, first_at, at: "2026-01-02T03:04:07Z".parse().unwrap() }
}

/// Returns an answer.
pub(crate) fn answered(status: u16, headers: &[(&'static str, &str)], body: &str) -> Reply {
    Reply::Answer(Answer {
        status,
        headers: headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect(),
        body: Bytes::copy_from_slice(body.as_bytes()),
        at: "2026-01-02T03:04:05Z".parse().unwrap(),
    })
}

/// Plans these events as a first attempt, and judges this reply to the only request.
pub(crate) fn judged<D: Destination>(destination: &D, events: &[Arc<Event>], reply: &Reply) -> Vec<Outcome> {
    let Plan { requests, .. } = destination.plan(events, &attempt(1));
    let [planned] = requests.try_into().ok().expect("one request");
    destination.judge(&planned.request, planned.events.len(), reply)
}

/// One word for an outcome: class, reason, and the wait when there is one.
pub(crate) fn word(outcome: &Outcome) -> String {
    let (class, fault, wait) = match outcome {
        Outcome::Delivered => return "delivered".to_owned(),
        Outcome::Refused(fault) => ("refused", fault, None),
        Outcome::Suspect(fault) => ("suspect", fault, None),
        Outcome::Broken(fault) => ("broken", fault, None),
        Outcome::Transient(fault) => ("transient", fault, None),
        Outcome::Throttled { wait, fault } => ("throttled", fault, *wait),
        Outcome::Deferred { wait, fault } => ("deferred", fault, Some(*wait)),
    };
    let wait = wait.map_or(String::new(), |wait| format!(" {}s", wait.as_secs()));
    format!("{class} {}{wait}", fault.reason.as_str())
}

/// The same for each event of a request.
pub(crate) fn words(outcomes: &[Outcome]) -> Vec<String> {
    outcomes.iter().map(word).collect()
}

/// Returns a plan as text: a line for each request with its events, then one for each event that is refused or skipped.
pub(crate) fn planned(plan: &Plan<Call>) -> String {
    let mut text = String::new();
    for planned in &plan.requests {
        let Call { path, body, .. } = &planned.request;
        let (verb, body) = (method(&planned.request), String::from_utf8_lossy(body));
        text += &format!("{verb} /{path} of {:?}: {body}\n", planned.events);
    }
    for (index, fault) in &plan.refused {
        text += &format!("{index} refused: {} {}\n", fault.reason.as_str(), fault.answer);
    }
    for (index, reason) in &plan.skipped {
        text += &format!("{index} skipped: {}\n", reason.as_str());
    }
    text
}

/// Returns how the stand-in answers a call that carries these headers, names in lower case: with the ids of its events, or
/// with a refusal's status and body.
pub(crate) fn read(mock: &dyn Mock, call: &Call, headers: &[(&str, &str)]) -> Result<Vec<String>, String> {
    let (path, query) = call.path.split_once('?').unwrap_or((&call.path, ""));
    let headers = [&[("content-type", call.content_type)], headers].concat();
    let incoming = Incoming {
        method: method(call).to_owned(),
        path: format!("/{path}"),
        query: query.to_owned(),
        headers: headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        body: call.body.clone(),
        at: attempt(1).at,
    };
    let read = mock.read(&incoming).map_err(|said| format!("{} {}", said.status, said.body));
    read.map(|events| events.into_iter().map(|event| event.id).collect())
}

fn method(call: &Call) -> &'static str {
    match call.verb {
        Verb::Get => "GET",
        Verb::Head => "HEAD",
        Verb::Post => "POST",
        Verb::Put => "PUT",
    }
}
