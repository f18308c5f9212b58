//! Turns a batch into messages: topic, key, headers, value and time of each event.
//!
//! Pure and deterministic. The values stand in one text, one after the other, so that a request owns a few allocations and
//! not one per event; everything else is looked up in the events themselves when it is sent or shown.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use serde_json::Value;

use super::super::{Attempt, Plan, Planned};
use super::config::Key;
use super::topic::Topics;
use crate::spec::Event;

/// What the server adds to one event, about; only to size buffers.
const ADDED_BYTES: usize = 160;

/// The version of what a message holds, in its header `schema`.
pub(super) const SCHEMA: &str = "opentrack/1";

/// One outbound request.
#[derive(Debug)]
pub enum Request {
    /// Events for the brokers.
    Produce(Load),
    /// A question that carries no event.
    Probe(Question),
}

/// A question about topics.
#[derive(Debug)]
pub struct Question {
    pub(super) topics: Vec<String>,
    /// Nobody will make one that is missing.
    pub(super) must_be_there: bool,
}

/// The messages of one request.
#[derive(Debug)]
pub struct Load {
    text: Vec<u8>,
    /// One for each event, in order.
    pub(super) messages: Vec<Message>,
    key: Key,
}

/// One message.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) topic: String,
    event: Arc<Event>,
    value: Range<usize>,
}

/// Plans a batch: one request for all of it, since the brokers answer for each message.
pub(super) fn plan(topics: &Topics, key: Key, events: &[Arc<Event>], _: &Attempt) -> Plan<Request> {
    if events.is_empty() {
        return Plan::default();
    }
    let size: usize = events.iter().map(|event| event.raw.len() + ADDED_BYTES).sum();
    let mut text = Vec::with_capacity(size);
    let mut messages = Vec::with_capacity(events.len());
    for event in events {
        let start = text.len();
        event.write_json(&mut text);
        messages.push(Message { topic: topics.of(event), event: Arc::clone(event), value: start..text.len() });
    }
    let request = Request::Produce(Load { text, messages, key });
    Plan { requests: vec![Planned { request, events: (0..events.len()).collect() }], ..Plan::default() }
}

impl Load {
    /// Returns what a message says.
    pub(super) fn value(&self, message: &Message) -> &[u8] {
        self.text.get(message.value.clone()).unwrap_or_default()
    }

    /// Returns a message's key, which decides its partition.
    pub(super) fn key<'a>(&self, message: &'a Message) -> Option<&'a str> {
        key(self.key, &message.event)
    }
}

impl Message {
    /// Returns the headers in their order.
    pub(super) fn headers(&self) -> impl Iterator<Item = (&'static str, Cow<'_, str>)> {
        let head = &self.event.head;
        let receipt = &self.event.receipt;
        let all = [
            ("messageId", Some(Cow::Borrowed(&*head.message_id))),
            ("type", Some(Cow::Borrowed(head.kind.as_str()))),
            ("event", head.name.as_deref().map(Cow::Borrowed)),
            ("source", Some(Cow::Borrowed(&*receipt.source))),
            ("receivedAt", Some(Cow::Owned(format!("{:.6}", receipt.received_at)))),
            ("schema", Some(Cow::Borrowed(SCHEMA))),
            ("content-type", Some(Cow::Borrowed("application/json"))),
        ];
        all.into_iter().filter_map(|(name, value)| Some((name, value?)))
    }

    /// Returns when it happened, in milliseconds since 1970, and at least 1: to the library 0 means now, and brokers take
    /// nothing below it.
    pub(super) fn timestamp(&self) -> i64 {
        self.event.receipt.timestamp.as_millisecond().max(1)
    }
}

fn key(by: Key, event: &Event) -> Option<&str> {
    let head = &event.head;
    let (user, anonymous) = (head.user_id.as_deref(), head.anonymous_id.as_deref());
    let message = Some(&*head.message_id);
    match by {
        Key::UserId => user.or(anonymous).or(message),
        Key::AnonymousId => anonymous.or(user).or(message),
        Key::GroupId => group(event).or(user).or(anonymous).or(message),
        Key::None => None,
    }
}

fn group(event: &Event) -> Option<&str> {
    let of_context = || event.context()?.get("groupId").and_then(Value::as_str).filter(|id| !id.is_empty());
    event.head.group_id.as_deref().or_else(of_context)
}
