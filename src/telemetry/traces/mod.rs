//! Traces: what became of a request, step by step, for a collector of OpenTelemetry. Off unless `telemetry.otlp_endpoint` is set.
//!
//! Spans are made per request and per attempt, never per event, and go into a bounded queue that `app` empties; what finds no
//! room is counted and forgotten. While traces are off, asking costs one load of an atomic and nothing else is done.
//! Never holds anything of an event but a hash of its id, by which the attempt that delivers it finds its request.

mod context;
pub mod encode;
mod recent;

use std::sync::OnceLock;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use jiff::Timestamp;
use tokio::sync::mpsc;

pub use context::Context;
use recent::Recent;

/// Spans that wait for the collector; some megabytes.
const QUEUE: usize = 8192;
/// Traces of a second, also of those that a caller began: any stranger can say that one is to be kept.
const BEGUN_PER_SECOND: u64 = 50;
/// Requests that one attempt names.
const MOST_LINKS: usize = 32;

/// What part a span plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// A step within.
    Inside,
    /// A request of somebody.
    Server,
    /// A request of ours.
    Client,
}

/// A value of an attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A word.
    Text(String),
    /// A count.
    Number(u64),
}

/// One step, when it is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// Its identity.
    pub context: Context,
    /// The step of which it is a part.
    pub parent: Option<[u8; 8]>,
    /// From closed lists and names of the configuration.
    pub name: String,
    /// Who asked whom.
    pub role: Role,
    /// Its begin.
    pub from: Timestamp,
    /// Its end.
    pub until: Timestamp,
    /// More about it.
    pub attributes: Vec<(&'static str, Value)>,
    /// Requests that it serves.
    pub links: Vec<Context>,
    /// It failed, for this reason.
    pub error: Option<String>,
}

/// Takes spans, where somebody wants them.
#[derive(Debug, Default)]
pub struct Traces {
    queue: OnceLock<mpsc::Sender<Span>>,
    recent: Recent,
    /// The present second, and what was begun in it.
    second: AtomicI64,
    begun: AtomicU64,
    lost: AtomicU64,
}

impl Traces {
    /// Makes traces from now on; returns where they come out. The second time nothing comes out.
    pub fn switch_on(&self) -> mpsc::Receiver<Span> {
        let (sender, receiver) = mpsc::channel(QUEUE);
        drop(self.queue.set(sender));
        receiver
    }

    /// Returns whether anybody wants spans.
    pub fn are_on(&self) -> bool {
        self.queue.get().is_some()
    }

    /// Begins the span of a request, below the caller's where there is one; `None` when it is not to be traced.
    pub fn begin(&self, traceparent: Option<&str>, now: Timestamp) -> Option<(Context, Option<[u8; 8]>)> {
        if !self.are_on() {
            return None;
        }
        match traceparent.and_then(Context::read) {
            Some(caller) => {
                (caller.sampled && self.may_begin(now)).then(|| (caller.child(), Some(caller.span)))
            }
            None => self.may_begin(now).then(|| (Context::fresh(), None)),
        }
    }

    fn may_begin(&self, now: Timestamp) -> bool {
        let second = now.as_second();
        if self.second.swap(second, Ordering::Relaxed) != second {
            self.begun.store(0, Ordering::Relaxed);
        }
        self.begun.fetch_add(1, Ordering::Relaxed) < BEGUN_PER_SECOND
    }

    /// Remembers for a while which request brought these events.
    pub fn remember<'a>(&self, context: Context, message_ids: impl Iterator<Item = &'a str>) {
        self.recent.remember(context, message_ids);
    }

    /// Returns the traced requests that brought these events, each once.
    pub fn requests_of<'a>(&self, message_ids: impl Iterator<Item = &'a str>) -> Vec<Context> {
        if self.are_on() { self.recent.find(message_ids, MOST_LINKS) } else { Vec::new() }
    }

    /// Hands a span over.
    pub fn tell(&self, span: Span) {
        if let Some(queue) = self.queue.get()
            && queue.try_send(span).is_err()
        {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Returns how many spans found no room since it was asked last.
    pub fn take_lost(&self) -> u64 {
        self.lost.swap(0, Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests;
