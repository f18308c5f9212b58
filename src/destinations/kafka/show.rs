//! A message as a reader sees it: as a request whose address is brokers and topic, and whose headers begin with key and
//! time. Pure.

use super::super::{Shown, ShownBody, ShownRequest};
use super::plan::{Load, Message, Request};

/// Shows every message.
pub(super) fn show(brokers: &str, request: &Request) -> Shown {
    let requests = match request {
        Request::Produce(load) => load.messages.iter().map(|one| message(brokers, load, one)).collect(),
        Request::Probe(question) => question.topics.iter().map(|topic| asked(brokers, topic)).collect(),
    };
    Shown { requests, rows: Vec::new() }
}

fn message(brokers: &str, load: &Load, message: &Message) -> ShownRequest {
    let own = [(":key", load.key(message).map(str::to_owned)), (":timestamp", Some(message.timestamp().to_string()))];
    let own = own.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    let headers = message.headers().map(|(name, value)| (name.to_owned(), value.into_owned()));
    ShownRequest {
        method: "PRODUCE".to_owned(),
        url: address(brokers, &message.topic),
        headers: own.chain(headers).collect(),
        body: ShownBody::of(load.value(message)),
    }
}

fn asked(brokers: &str, topic: &str) -> ShownRequest {
    ShownRequest {
        method: "METADATA".to_owned(),
        url: address(brokers, topic),
        headers: Vec::new(),
        body: None,
    }
}

fn address(brokers: &str, topic: &str) -> String {
    format!("kafka://{brokers}/{topic}")
}
