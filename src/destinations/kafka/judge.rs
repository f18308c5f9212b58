//! What the brokers' answer means for each event: the closed table of Kafka's error codes.
//!
//! Pure. Codes are those of the protocol (<https://kafka.apache.org/protocol#protocol_error_codes>); negative ones are
//! librdkafka's own (`rd_kafka_resp_err_t`).

use std::collections::HashMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::super::reply::words;
use super::super::{Answer, Reply};
use super::plan::{Load, Request};
use crate::destinations::kit::answers::of_reply;
use crate::policy::outcome::{Fault, Outcome, Reason};

/// How long the events of one topic among several wait until it is looked at again: as often as a held destination is.
const TOPIC_WAIT: Duration = Duration::from_secs(30);

/// The body of a 207: what failed. Everything else was taken.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Partial {
    /// One group for each kind of failure.
    pub(super) failed: Vec<Group>,
}

/// Messages that failed alike.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Group {
    /// Kafka's code, or librdkafka's.
    pub(super) code: i32,
    /// In its words.
    pub(super) words: String,
    /// True when it was said of each message alone: the library refused it before it was sent, or nothing else was on its way.
    pub(super) alone: bool,
    /// Which events of the request, counted from 0.
    pub(super) events: Vec<usize>,
}

/// What a code says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meaning {
    /// Something about the message.
    Message(Reason),
    /// The topic is missing, or not ours to write.
    Topic(Reason),
    /// Somebody must repair the cluster or our settings.
    Cluster(Reason),
    /// It passes.
    Passing(Reason),
    /// We are too fast.
    Quota,
}

const fn meaning(code: i32) -> Meaning {
    match code {
        // MSG_SIZE_TOO_LARGE, RECORD_LIST_TOO_LARGE
        10 | 18 => Meaning::Message(Reason::TooLarge),
        // INVALID_MSG, INVALID_MSG_SIZE, INVALID_TIMESTAMP, INVALID_RECORD
        2 | 4 | 32 | 87 => Meaning::Message(Reason::Rejected),
        // UNKNOWN_TOPIC_OR_PART, INVALID_TOPIC, _UNKNOWN_TOPIC, _UNKNOWN_PARTITION
        3 | 17 | -188 | -190 => Meaning::Topic(Reason::NotFound),
        // TOPIC_AUTHORIZATION_FAILED
        29 => Meaning::Topic(Reason::Forbidden),
        // CLUSTER_AUTHORIZATION_FAILED, TRANSACTIONAL_ID_AUTHORIZATION_FAILED, SECURITY_DISABLED, POLICY_VIOLATION
        31 | 53 | 54 | 44 => Meaning::Cluster(Reason::Forbidden),
        // UNSUPPORTED_SASL_MECHANISM, ILLEGAL_SASL_STATE, SASL_AUTHENTICATION_FAILED, _AUTHENTICATION
        33 | 34 | 58 | -169 => Meaning::Cluster(Reason::Unauthorized),
        // _RESOLVE
        -193 => Meaning::Cluster(Reason::Dns),
        // _SSL
        -181 => Meaning::Cluster(Reason::Tls),
        // UNSUPPORTED_VERSION, UNSUPPORTED_FOR_MESSAGE_FORMAT, UNSUPPORTED_COMPRESSION_TYPE, _UNSUPPORTED_FEATURE,
        // _INVALID_ARG, _CRIT_SYS_RESOURCE: the library could not be started with these settings
        35 | 43 | 76 | -165 | -186 | -194 => Meaning::Cluster(Reason::Rejected),
        // THROTTLING_QUOTA_EXCEEDED
        89 => Meaning::Quota,
        // REQUEST_TIMED_OUT, _MSG_TIMED_OUT, _TIMED_OUT, _QUEUE_FULL
        7 | -192 | -185 | -184 => Meaning::Passing(Reason::Timeout),
        // NETWORK_EXCEPTION, _TRANSPORT, _ALL_BROKERS_DOWN, _PURGE_QUEUE, _PURGE_INFLIGHT
        13 | -195 | -187 | -152 | -151 => Meaning::Passing(Reason::Connection),
        _ => Meaning::Passing(Reason::ServerError),
    }
}

/// UNKNOWN_TOPIC_OR_PART, _UNKNOWN_TOPIC, _UNKNOWN_PARTITION.
const fn is_missing(code: i32) -> bool {
    matches!(code, 3 | -188 | -190)
}

/// Returns one outcome for each of the request's `events`. `is_one` says that all events go to one topic.
pub(super) fn judge(is_one: bool, request: &Request, events: usize, reply: &Reply) -> Vec<Outcome> {
    match reply {
        Reply::Answer(answer) if answer.status == 207 => of_partial(is_one, request, events, answer),
        Reply::Answer(_) | Reply::Failed(_) => vec![of_reply(reply, events); events],
    }
}

fn of_partial(is_one: bool, request: &Request, events: usize, answer: &Answer) -> Vec<Outcome> {
    let Ok(mut partial) = serde_json::from_slice::<Partial>(&answer.body) else {
        let fault = Fault::new(Reason::BadAnswer, None, "the answer cannot be read");
        return vec![Outcome::Transient(fault); events];
    };
    let load = match request {
        Request::Produce(load) => Some(load),
        Request::Probe(question) => {
            // The first event makes it, or it is of a kind that never comes.
            partial.failed.retain(|group| question.must_be_there || !is_missing(group.code));
            None
        }
    };
    let is_many = load.is_some_and(|load| load.messages.len() > 1);
    let scope = Scope { is_one: is_one || load.is_none(), is_many };
    let mut outcomes = vec![Outcome::Delivered; events];
    for group in &partial.failed {
        for event in &group.events {
            let topic = load.and_then(|load| load.messages.get(*event)).map(|message| message.topic.as_str());
            if let Some(outcome) = outcomes.get_mut(*event) {
                *outcome = of_group(scope, topic, group);
            }
        }
    }
    load.into_iter().for_each(|load| keep_order(load, &mut outcomes));
    outcomes
}

/// What a failure is a part of.
#[derive(Debug, Clone, Copy)]
struct Scope {
    /// All events go to one topic.
    is_one: bool,
    /// The request has several messages.
    is_many: bool,
}

/// Returns whether an answer may be about the message of another request: brokers refuse what they got together.
pub(super) fn may_mean_another(reply: &Reply) -> bool {
    let Reply::Answer(answer) = reply else { return false };
    let partial = serde_json::from_slice::<Partial>(&answer.body).unwrap_or_default();
    partial.failed.iter().any(|group| !group.alone && matches!(meaning(group.code), Meaning::Message(_)))
}

fn of_group(scope: Scope, topic: Option<&str>, group: &Group) -> Outcome {
    let fault = |reason| {
        let place = topic.map(|topic| format!("topic `{topic}`: ")).unwrap_or_default();
        Fault::new(reason, None, words(&format!("{place}{}", group.words)))
    };
    match meaning(group.code) {
        Meaning::Message(reason) if group.alone => Outcome::Refused(fault(reason)),
        // The brokers refuse what they got together, and do not say because of which message: it may be one of another request.
        Meaning::Message(reason) if scope.is_many => Outcome::Suspect(fault(reason)),
        Meaning::Message(reason) => Outcome::Transient(fault(reason)),
        Meaning::Topic(reason) if scope.is_one => Outcome::Broken(fault(reason)),
        // The other topics go on.
        Meaning::Topic(reason) => Outcome::Deferred { wait: TOPIC_WAIT, fault: fault(reason) },
        Meaning::Cluster(reason) => Outcome::Broken(fault(reason)),
        Meaning::Passing(reason) => Outcome::Transient(fault(reason)),
        Meaning::Quota => Outcome::Throttled { wait: None, fault: fault(Reason::Throttled) },
    }
}

/// An event that is sent again must not come after a later one of its key: that one is sent again too, and the last message
/// of a key is always the latest.
fn keep_order(load: &Load, outcomes: &mut [Outcome]) {
    let mut waiting: HashMap<(&str, &str), Outcome> = HashMap::new();
    for (message, outcome) in load.messages.iter().zip(outcomes) {
        let Some(key) = load.key(message) else { continue };
        let place = (message.topic.as_str(), key);
        match outcome {
            Outcome::Delivered => waiting.get(&place).into_iter().for_each(|earlier| *outcome = earlier.clone()),
            Outcome::Refused(_) => {}
            Outcome::Suspect(_)
            | Outcome::Broken(_)
            | Outcome::Transient(_)
            | Outcome::Throttled { .. }
            | Outcome::Deferred { .. } => drop(waiting.insert(place, outcome.clone())),
        }
    }
}
