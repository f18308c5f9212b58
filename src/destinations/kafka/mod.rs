//! Writes events to Kafka: one message each, with a key that keeps a user's events in order.
//!
//! The producer is idempotent and waits for all in-sync replicas: within its life the library itself tries again, without
//! doubling and in order. What it gives up is tried again by the router. `config` what it can be told, `properties` what
//! the library is told, `topic` and `plan` what a message is, `judge` what the brokers' codes mean, `client` with `session`,
//! `ears` and `tickets` the wire. Nothing outside of this folder knows the library.

mod client;
mod config;
mod ears;
mod judge;
mod plan;
mod properties;
mod report;
mod session;
mod show;
#[cfg(test)]
mod tests;
mod tickets;
mod topic;
#[cfg(test)]
mod wire_tests;

use std::sync::Arc;

use super::{About, Attempt, Destination, Plan, Reply, Setting, SettingError};
use crate::policy::outcome::Outcome;
use crate::policy::patience::Patience;
use crate::spec::Event;
use topic::Topics;

pub use client::Wire;
pub use config::{Compression, Config, Key};
pub use plan::{Load, Question, Request};

/// The pure half: topics and key.
pub struct Kafka {
    topics: Topics,
    /// Whether brokers that make topics are let to.
    makes_topics: bool,
    key: Key,
}

const SUMMARY: &str = "Writes every event as one message to Kafka, or to anything that speaks its protocol. The key keeps a \
    user's events in one partition and in order, headers say what a consumer must know before it parses, and the topic may \
    depend on the event. The producer is idempotent and waits for all in-sync replicas.";

impl Destination for Kafka {
    const KIND: &'static str = "kafka";
    const STAYS_HERE: bool = true;
    const ABOUT: About = About {
        title: "Kafka",
        summary: SUMMARY,
        guarantee: "at least once; exactly once as long as one producer lives and none of its messages times out",
        link: "https://kafka.apache.org/documentation/",
        is_warehouse: false,
        required: &[("brokers", "KAFKA_BROKERS")],
        variables: &[],
        surroundings: &[],
        config_block: config::BLOCK,
    };
    const GUIDE: &'static str = include_str!("guide.md");
    type Config = Config;
    type Request = Request;
    type Client = Wire;

    fn patience() -> Patience {
        config::patience()
    }

    fn new(config: Config, setting: &Setting) -> Result<(Kafka, Wire), Vec<SettingError>> {
        let mut problems = properties::problems(&config, setting, cfg!(feature = "kafka-tls"));
        let topics = Topics::new(&config.topic, &config.topics);
        let of_topics = topics.as_ref().err().into_iter().flatten();
        problems.extend(of_topics.map(|(key, message)| SettingError { key, message: message.clone() }));
        match topics {
            Ok(topics) if problems.is_empty() => {
                let wire = Wire::new(&config, setting).map_err(|problem| vec![problem])?;
                Ok((Kafka { topics, makes_topics: properties::makes_topics(&config), key: config.key }, wire))
            }
            Ok(_) | Err(_) => Err(problems),
        }
    }

    fn plan(&self, events: &[Arc<Event>], attempt: &Attempt) -> Plan<Request> {
        plan::plan(&self.topics, self.key, events, attempt)
    }

    fn judge(&self, request: &Request, events: usize, reply: &Reply) -> Vec<Outcome> {
        judge::judge(self.topics.is_one(), request, events, reply)
    }

    /// Asks for every topic that is known without an event. Only the topic of all events must be there, and only where none
    /// is made with the first of them.
    fn probe(&self) -> Vec<Request> {
        let must_be_there = self.topics.is_one() && !self.makes_topics;
        vec![Request::Probe(plan::Question { topics: self.topics.known().into_iter().collect(), must_be_there })]
    }
}
