//! What came of a request's messages, as the reply that `judge` reads.
//!
//! Puts together what the library says of each message, of the brokers and of itself, since the first alone ("timed out")
//! does not say what to repair.

use rdkafka::error::RDKafkaErrorCode;

use super::super::{Answer, Reply};
use super::ears::{Ears, Trouble};
use super::judge::{Group, Partial};
use super::plan::Load;
use super::session::Session;
use super::tickets::Tickets;
use crate::telemetry::clock;

/// Returns the reply after all tickets of a request are settled. A fatally ill producer is spoilt. `is_alone` says that the
/// request has one message, and that no other was on its way.
pub(super) fn said(session: &Session, load: &Load, tickets: &Tickets, is_alone: bool) -> Reply {
    let failures = tickets.failures();
    if failures.is_empty() {
        session.ears().into_iter().for_each(Ears::relax);
        return Reply::stored(clock::now());
    }
    let fatal = session.fatal();
    if fatal.is_some() {
        session.spoil();
    }
    let trouble = session.ears().and_then(Ears::trouble);
    let group = |failures: super::tickets::Failures| {
        if is_about_a_topic(failures.code) {
            let messages = failures.events.iter().filter_map(|event| load.messages.get(*event));
            session.doubt(messages.map(|message| message.topic.clone()));
        }
        let (code, words) = cause(failures.code, fatal.as_ref(), trouble.as_ref());
        Group { code: code as i32, words, alone: failures.alone || is_alone, events: failures.events }
    };
    answer(failures.into_iter().map(group).collect())
}

/// Returns the reply of a request of which nothing is known but this trouble.
pub(super) fn all_failed(events: usize, trouble: &Trouble) -> Reply {
    let words = format!("{}: {}", trouble.code, trouble.words);
    answer(vec![Group { code: trouble.code as i32, words, alone: true, events: (0..events).collect() }])
}

/// Returns what is wrong with a topic that was asked for.
pub(super) fn of_topic(topic: &str, trouble: &Trouble) -> Group {
    let words = format!("topic `{topic}`: {}", trouble.words);
    Group { code: trouble.code as i32, words, alone: true, events: vec![0] }
}

/// Returns the reply for these failures.
pub(super) fn answer(failed: Vec<Group>) -> Reply {
    let at = clock::now();
    if failed.is_empty() {
        return Reply::stored(at);
    }
    let body = serde_json::to_vec(&Partial { failed }).unwrap_or_default().into();
    Reply::Answer(Answer { status: 207, headers: Vec::new(), body, at })
}

/// The library refuses it from then on without asking, until it hears of the topic again.
fn is_about_a_topic(code: RDKafkaErrorCode) -> bool {
    matches!(
        code,
        RDKafkaErrorCode::UnknownTopic
            | RDKafkaErrorCode::UnknownTopicOrPartition
            | RDKafkaErrorCode::TopicAuthorizationFailed
            | RDKafkaErrorCode::InvalidTopic
    )
}

/// Returns what to repair: the library's own illness where it has one, the trouble with the brokers where messages waited
/// in vain, else what was said of the message.
fn cause(code: RDKafkaErrorCode, fatal: Option<&Trouble>, trouble: Option<&Trouble>) -> (RDKafkaErrorCode, String) {
    use RDKafkaErrorCode::{Fatal, MessageTimedOut, PurgeInflight, PurgeQueue};
    match (code, fatal, trouble) {
        (Fatal | PurgeQueue | PurgeInflight, Some(fatal), _) => (fatal.code, format!("{}: {}", fatal.code, fatal.words)),
        (MessageTimedOut, _, Some(trouble)) => {
            let code = lasting(trouble).unwrap_or(code);
            (code, format!("{code}: {}", trouble.words))
        }
        _ => (code, code.to_string()),
    }
}

/// A name that does not resolve, or a peer that hangs up when it is asked for encryption, is a setting to be repaired; any
/// other connection may come back.
fn lasting(trouble: &Trouble) -> Option<RDKafkaErrorCode> {
    match trouble.code {
        RDKafkaErrorCode::Resolve => Some(RDKafkaErrorCode::Resolve),
        // The state that the library names in its words.
        _ if trouble.words.contains("SSL_HANDSHAKE") => Some(RDKafkaErrorCode::SSL),
        _ => None,
    }
}
