//! The wire: hands the messages of a request to the library, waits for each, and says what came of them.
//!
//! There is one producer at a time. Its queue is bounded, and a full one is waited for. A producer that is fatally ill, or
//! whose messages nobody waits for any more, is emptied at once and replaced before the next request.
//!
//! The library puts messages of several requests into one set, and brokers take or refuse a set as a whole. So the only event
//! of a request that is refused is sent once more with nothing else on its way: what is said then is about it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use rdkafka::error::RDKafkaErrorCode;
use tokio::sync::{Mutex, RwLock};
use tokio::time::Instant;

use super::super::{Client, Reply, Setting, SettingError, Shown};
use super::config::Config;
use super::ears::Trouble;
use super::plan::{Load, Request};
use super::session::{Session, client_config};
use super::tickets::Tickets;
use super::{judge, properties, report, show};

/// How long a full queue is left alone before the next look.
const FULL_PAUSE: Duration = Duration::from_millis(5);

/// How long a question about a topic may take.
const QUESTION: Duration = Duration::from_secs(10);

/// The handle of the producer.
pub struct Wire {
    name: String,
    brokers: String,
    properties: BTreeMap<String, String>,
    timeout: Duration,
    session: Mutex<Option<Arc<Session>>>,
    /// Requests have a part of it; one that must be alone has all of it.
    way: RwLock<()>,
}

impl Wire {
    /// Returns a handle without a producer yet.
    ///
    /// # Errors
    /// A property does not exist, or its value is wrong.
    pub(super) fn new(config: &Config, setting: &Setting) -> Result<Wire, SettingError> {
        let properties = properties::properties(config, setting.timeout);
        check(&properties)?;
        Ok(Wire {
            name: setting.name.clone(),
            brokers: config.brokers.join(","),
            properties,
            timeout: setting.timeout,
            session: Mutex::new(None),
            way: RwLock::new(()),
        })
    }

    /// Returns the producer to use, a new one where there is none or the old one is spoilt. Nobody gets one while the old
    /// one is being emptied.
    async fn session(&self) -> Result<Arc<Session>, Trouble> {
        let mut place = self.session.lock().await;
        if let Some(stale) = place.take_if(|session| session.is_stale()) {
            stale.close().await;
        }
        if let Some(session) = &*place {
            return Ok(Arc::clone(session));
        }
        let session = Arc::new(Session::open(&self.name, &self.properties).await?);
        *place = Some(Arc::clone(&session));
        Ok(session)
    }

    async fn produce(&self, load: &Load) -> Reply {
        let reply = {
            let _part = self.way.read().await;
            self.offer_all(load, false).await
        };
        if load.messages.len() > 1 || !judge::may_mean_another(&reply) {
            return reply;
        }
        let patience = properties::room_timeout(self.timeout);
        match tokio::time::timeout(patience, self.way.write()).await {
            Ok(_all) => self.offer_all(load, true).await,
            Err(_) => reply,
        }
    }

    /// Sends all messages and waits for what comes of them. `is_alone` says that nothing else is on its way.
    async fn offer_all(&self, load: &Load, is_alone: bool) -> Reply {
        let session = match self.session().await {
            Ok(session) => session,
            Err(trouble) => return report::all_failed(load.messages.len(), &trouble),
        };
        session.look_again(load, properties::room_timeout(self.timeout)).await;
        let tickets = Tickets::new();
        let waiting = Waiting(Some(&session));
        self.hand_over(&session, load, &tickets).await;
        tokio::select! {
            biased;
            () = tickets.settled() => {
                waiting.end();
                report::said(&session, load, &tickets, is_alone)
            }
            // Not one of them will arrive, and waiting for their time-outs would only hide why.
            trouble = session.lasting_trouble() => report::all_failed(load.messages.len(), &trouble),
        }
    }

    /// Hands over message after message; a full queue is waited for, and when that takes too long, the rest is refused.
    async fn hand_over(&self, session: &Session, load: &Load, tickets: &Arc<Tickets>) {
        let deadline = Instant::now() + properties::room_timeout(self.timeout);
        let full = RDKafkaErrorCode::QueueFull;
        for (event, message) in load.messages.iter().enumerate() {
            let mut ticket = tickets.give(event);
            while let Err((code, unused)) = session.offer(load, message, ticket) {
                if code != full || Instant::now() >= deadline {
                    tickets.refuse(event, code);
                    break;
                }
                ticket = unused;
                tokio::time::sleep(FULL_PAUSE).await;
            }
        }
    }

    /// Returns the present producer, whatever became of it.
    #[cfg(test)]
    pub(super) async fn present(&self) -> Option<Arc<Session>> {
        self.session.lock().await.clone()
    }

    /// Asks for each topic with a producer of its own, which makes no topic.
    async fn ask(&self, topics: &[String]) -> Reply {
        let mut properties = self.properties.clone();
        properties.insert("allow.auto.create.topics".to_owned(), "false".to_owned());
        let session = match Session::open(&self.name, &properties).await {
            Ok(session) => session,
            Err(trouble) => return report::all_failed(1, &trouble),
        };
        let mut failed = Vec::new();
        for topic in topics {
            let asked = tokio::select! {
                asked = session.ask(topic, QUESTION.min(self.timeout / 2)) => asked,
                trouble = session.lasting_trouble() => Some(trouble),
            };
            if let Some(trouble) = asked {
                failed.push(report::of_topic(topic, &trouble));
            }
        }
        report::answer(failed)
    }
}

/// Spoils the producer when whoever waits for messages stops to, since they would arrive after they are sent again, also by
/// another router that has the events since.
struct Waiting<'a>(Option<&'a Session>);

impl Waiting<'_> {
    fn end(mut self) {
        self.0 = None;
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.into_iter().for_each(Session::spoil);
    }
}

impl Client for Wire {
    type Request = Request;

    async fn init(&self) -> Result<(), Reply> {
        self.session().await.map(drop).map_err(|trouble| report::all_failed(1, &trouble))
    }

    async fn send(&self, request: &Request) -> Reply {
        match request {
            Request::Produce(load) => self.produce(load).await,
            Request::Probe(question) => self.ask(&question.topics).await,
        }
    }

    fn show(&self, request: &Request) -> Shown {
        show::show(&self.brokers, request)
    }
}

/// Asks the library whether it knows these properties and takes their values. Connects to nothing.
fn check(properties: &BTreeMap<String, String>) -> Result<(), SettingError> {
    let Err(error) = client_config(properties).create_native_config() else { return Ok(()) };
    let message = match &error {
        rdkafka::error::KafkaError::ClientConfig(_, words, name, value) => {
            let hidden = if value.is_empty() { words.clone() } else { words.replace(value.as_str(), "***") };
            format!("`{name}` is refused by the library: {hidden}")
        }
        _ => "hold something that the library does not take".to_owned(),
    };
    Err(SettingError { key: "properties", message })
}
