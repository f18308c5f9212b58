//! One producer: made lazily, given up when it is fatally ill or somebody stopped waiting for its messages, and closed away
//! from the actors, since closing blocks.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseRecord, Producer as _, PurgeConfig, ThreadedProducer};
use tokio::task::spawn_blocking;
use tokio::time::Instant;

use super::ears::{Ears, Trouble, code_of};
use super::plan::{Load, Message};
use super::tickets::Ticket;

/// How long closing may take to tell everybody that their messages are purged.
const CLOSING: Duration = Duration::from_secs(2);

type Producer = ThreadedProducer<Ears>;

/// A producer and what we know of it.
pub(super) struct Session {
    producer: Arc<Owned>,
    /// Not to be used for another request.
    stale: AtomicBool,
    /// Topics that were missing or forbidden: the library refuses them unasked until it looks again.
    doubtful: Mutex<BTreeSet<String>>,
}

/// Closes on a thread of its own when the last who holds it lets go.
struct Owned(Option<Producer>);

impl Owned {
    fn get(&self) -> Option<&Producer> {
        self.0.as_ref()
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        let producer = self.0.take();
        // Where no thread can be had, it is closed here and now.
        let closing = std::thread::Builder::new().name("close producer".to_owned()).spawn(move || drop(producer));
        drop(closing);
    }
}

impl Session {
    /// Makes a producer. It connects by itself, in the background.
    pub(super) async fn open(name: &str, properties: &BTreeMap<String, String>) -> Result<Session, Trouble> {
        let ears = Ears::new(name);
        let config = client_config(properties);
        let made = spawn_blocking(move || config.create_with_context::<_, Producer>(ears)).await;
        let producer = match made {
            Ok(made) => made.map_err(|error| unmade(&error))?,
            Err(_) => return Err(Trouble { code: RDKafkaErrorCode::Fail, words: "making a producer panicked".into() }),
        };
        Ok(Session {
            producer: Arc::new(Owned(Some(producer))),
            stale: AtomicBool::new(false),
            doubtful: Mutex::default(),
        })
    }

    /// Hands one message over, with its ticket; returns the ticket and the code when the library does not take it.
    pub(super) fn offer(&self, load: &Load, message: &Message, ticket: Box<Ticket>) -> Result<(), (RDKafkaErrorCode, Box<Ticket>)> {
        let Some(producer) = self.producer.get() else { return Err((RDKafkaErrorCode::DestroyBroker, ticket)) };
        let mut headers = OwnedHeaders::new_with_capacity(8);
        for (key, value) in message.headers() {
            headers = headers.insert(Header { key, value: Some(value.as_bytes()) });
        }
        let mut record = BaseRecord::with_opaque_to(&message.topic, ticket)
            .payload(load.value(message))
            .timestamp(message.timestamp())
            .headers(headers);
        record.key = load.key(message).map(str::as_bytes);
        producer.send(record).map_err(|(error, record)| (code_of(&error), record.delivery_opaque))
    }

    /// Returns who listens to the library.
    pub(super) fn ears(&self) -> Option<&Ears> {
        Some(self.producer.get()?.client().context())
    }

    /// Waits for trouble that does not pass by itself.
    pub(super) async fn lasting_trouble(&self) -> Trouble {
        match self.ears() {
            Some(ears) => ears.lasting_trouble().await,
            None => std::future::pending().await,
        }
    }

    /// Returns what made the producer unusable for ever, when something did.
    pub(super) fn fatal(&self) -> Option<Trouble> {
        let (code, words) = self.producer.get()?.client().fatal_error()?;
        Some(Trouble { code, words })
    }

    pub(super) fn is_stale(&self) -> bool {
        self.stale.load(Ordering::Acquire)
    }

    /// Asks for another one for the next request, and takes back what was not sent yet: that request may come late, or elsewhere.
    /// Does not wait.
    pub(super) fn spoil(&self) {
        self.stale.store(true, Ordering::Release);
        if let Some(producer) = self.producer.get() {
            producer.purge(PurgeConfig::default().queue().inflight().non_blocking());
        }
    }

    /// Waits until the library holds nothing any more, at most so long; returns whether that is so. Blocks.
    #[cfg(test)]
    pub(super) fn is_emptied(&self, limit: Duration) -> bool {
        self.producer.get().is_some_and(|producer| producer.flush(limit).is_ok())
    }

    /// Takes back what was not sent yet, and waits for that, so that nothing of it comes after what the next producer sends.
    pub(super) async fn close(&self) {
        let producer = Arc::clone(&self.producer);
        let purge = move || {
            let Some(producer) = producer.get() else { return };
            producer.purge(PurgeConfig::default().queue().inflight());
            // What cannot be told in time is told when the producer is gone.
            drop(producer.flush(CLOSING));
        };
        drop(spawn_blocking(purge).await);
    }

    /// Remembers topics that are to be asked for before they are used again.
    pub(super) fn doubt(&self, topics: impl Iterator<Item = String>) {
        self.doubtful.lock().unwrap_or_else(PoisonError::into_inner).extend(topics);
    }

    /// Asks again for the doubtful ones among the topics of a request.
    pub(super) async fn look_again(&self, load: &Load, patience: Duration) {
        let doubtful: BTreeSet<String> = {
            let all = self.doubtful.lock().unwrap_or_else(PoisonError::into_inner);
            if all.is_empty() {
                return;
            }
            load.messages.iter().map(|message| &message.topic).filter(|topic| all.contains(*topic)).cloned().collect()
        };
        let deadline = Instant::now() + patience;
        for topic in doubtful {
            let left = deadline.saturating_duration_since(Instant::now());
            if self.ask(&topic, left).await.is_none() {
                self.doubtful.lock().unwrap_or_else(PoisonError::into_inner).remove(&topic);
            }
        }
    }

    /// Asks the brokers for a topic; returns what is wrong with it.
    pub(super) async fn ask(&self, topic: &str, patience: Duration) -> Option<Trouble> {
        let producer = Arc::clone(&self.producer);
        let name = topic.to_owned();
        let asked = spawn_blocking(move || wrong_with(producer.get()?, &name, patience)).await;
        asked.ok().flatten()
    }
}

fn wrong_with(producer: &Producer, topic: &str, patience: Duration) -> Option<Trouble> {
    match producer.client().fetch_metadata(Some(topic), patience) {
        Err(error) => {
            let code = code_of(&error);
            let words = producer.client().context().trouble().map_or_else(|| error.to_string(), |known| known.words);
            Some(Trouble { code, words })
        }
        Ok(metadata) => {
            let found = metadata.topics().iter().find(|found| found.name() == topic);
            let code = match found {
                Some(found) => RDKafkaErrorCode::from(found.error()?),
                None => RDKafkaErrorCode::UnknownTopicOrPartition,
            };
            Some(Trouble { code, words: code.to_string() })
        }
    }
}

/// Returns the library's settings.
pub(super) fn client_config(properties: &BTreeMap<String, String>) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set_log_level(RDKafkaLogLevel::Warning);
    for (name, value) in properties {
        config.set(name, value);
    }
    config
}

/// Returns why the library does not make a producer of these settings.
fn unmade(error: &KafkaError) -> Trouble {
    let words = match error {
        KafkaError::ClientCreation(words) => words.clone(),
        KafkaError::ClientConfig(_, words, name, _) => format!("{name}: {words}"),
        other => other.to_string(),
    };
    let code = if words.contains("ssl") { RDKafkaErrorCode::SSL } else { RDKafkaErrorCode::InvalidArgument };
    Trouble { code, words }
}
