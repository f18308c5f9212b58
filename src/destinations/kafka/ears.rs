//! What the library calls back: settled messages, trouble with brokers, and words for the log.
//!
//! Called on the library's own thread; never waits. The library writes nothing to the standard error by itself.

use std::sync::atomic::{AtomicBool, Ordering};

use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{DeliveryResult, ProducerContext};
use tokio::sync::watch;

use super::tickets::Ticket;
use crate::telemetry::events::LibrarySaid;

/// Trouble with the brokers that is not about one message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Trouble {
    /// The library's code.
    pub(super) code: RDKafkaErrorCode,
    /// Its words.
    pub(super) words: String,
}

impl Trouble {
    /// Returns whether it does not pass by itself, so that waiting for messages is pointless.
    fn is_lasting(&self) -> bool {
        matches!(self.code, RDKafkaErrorCode::Authentication | RDKafkaErrorCode::SSL)
    }
}

/// Listens to one producer.
pub(super) struct Ears {
    name: String,
    trouble: watch::Sender<Option<Trouble>>,
    /// Said loudly since the last success.
    has_complained: AtomicBool,
}

impl Ears {
    /// Listens for the destination of this name.
    pub(super) fn new(name: &str) -> Ears {
        let (trouble, _) = watch::channel(None);
        Ears { name: name.to_owned(), trouble, has_complained: AtomicBool::new(false) }
    }

    /// Returns the last trouble since messages were taken.
    pub(super) fn trouble(&self) -> Option<Trouble> {
        self.trouble.borrow().clone()
    }

    /// Waits for trouble that does not pass by itself.
    pub(super) async fn lasting_trouble(&self) -> Trouble {
        let mut seen = self.trouble.subscribe();
        let found = seen.wait_for(|trouble| trouble.as_ref().is_some_and(Trouble::is_lasting)).await;
        match found.ok().and_then(|trouble| trouble.clone()) {
            Some(trouble) => trouble,
            // The sender is ours and cannot be gone.
            None => std::future::pending().await,
        }
    }

    /// All is well again.
    pub(super) fn relax(&self) {
        self.has_complained.store(false, Ordering::Relaxed);
        self.trouble.send_if_modified(|trouble| trouble.take().is_some());
    }
}

impl ClientContext for Ears {
    /// The first complaint after a success is loud; an outage repeats it with every attempt to connect.
    fn log(&self, level: RDKafkaLogLevel, facility: &str, words: &str) {
        let grave = match level {
            RDKafkaLogLevel::Emerg | RDKafkaLogLevel::Alert | RDKafkaLogLevel::Critical => true,
            RDKafkaLogLevel::Error | RDKafkaLogLevel::Warning => !self.has_complained.swap(true, Ordering::Relaxed),
            RDKafkaLogLevel::Notice | RDKafkaLogLevel::Info | RDKafkaLogLevel::Debug => false,
        };
        LibrarySaid { destination: &self.name, grave, facility, words }.emit();
    }

    fn error(&self, error: KafkaError, reason: &str) {
        let Some(code) = error.rdkafka_error_code() else { return };
        let is_summary = code == RDKafkaErrorCode::AllBrokersDown;
        self.trouble.send_if_modified(|trouble| {
            // The sum of several troubles says less than one of them, and a lasting one is not covered by a passing one.
            let is_worth_more = trouble.as_ref().is_some_and(|known| is_summary || known.is_lasting());
            if !is_worth_more {
                *trouble = Some(Trouble { code, words: reason.to_owned() });
            }
            !is_worth_more
        });
    }
}

impl ProducerContext for Ears {
    type DeliveryOpaque = Box<Ticket>;

    fn delivery(&self, result: &DeliveryResult<'_>, ticket: Box<Ticket>) {
        let code = result.as_ref().err().map(|(error, _)| code_of(error));
        ticket.settle(code);
    }
}

/// Returns the code of an error, or that of a failure without one.
pub(super) fn code_of(error: &KafkaError) -> RDKafkaErrorCode {
    error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Fail)
}
