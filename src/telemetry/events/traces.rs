//! Spans that are made of what happens, and what became of them on their way to the collector.

use jiff::Timestamp;
use tracing::warn;

use crate::telemetry::Metrics;
use crate::telemetry::labels::EndLabels;
use crate::telemetry::metrics::{LOST, SENT};
use crate::telemetry::traces::{Context, Role, Span, Value};

/// A traced request was answered. Writes no line: it has one already.
#[derive(Debug, Clone)]
pub struct RequestTraced<'a> {
    /// Its own identity, and that of the caller's span.
    pub whose: (Context, Option<[u8; 8]>),
    /// As answers and lines have it.
    pub request_id: &'a str,
    /// `POST`, or `other` for a method that is none of HTTP's own.
    pub method: &'static str,
    /// Pattern of the route.
    pub path: &'static str,
    /// Status of the answer.
    pub status: u16,
    /// From its head to its answer.
    pub from: Timestamp,
    /// The same.
    pub until: Timestamp,
}

impl RequestTraced<'_> {
    /// Hands the span over.
    pub fn emit(self, metrics: &Metrics) {
        let text = |text: &str| Value::Text(text.to_owned());
        let (context, parent) = self.whose;
        metrics.traces.tell(Span {
            context,
            parent,
            name: format!("{} {}", self.method, self.path),
            role: Role::Server,
            from: self.from,
            until: self.until,
            attributes: vec![
                ("http.request.method", text(self.method)),
                ("http.route", text(self.path)),
                ("http.response.status_code", Value::Number(self.status.into())),
                ("opentrack.request_id", text(self.request_id)),
            ],
            links: Vec::new(),
            // Those of OpenTelemetry: only what the server did wrong is an error of its span.
            error: (self.status >= 500).then(|| format!("answered {}", self.status)),
        });
    }
}

/// The events of a traced request were handed to the journal, and answered. Writes no line.
#[derive(Debug, Clone, Copy)]
pub struct AppendTraced<'a> {
    /// The request.
    pub request: Context,
    /// Events that were handed over.
    pub events: usize,
    /// Of them, events that were known already.
    pub duplicates: usize,
    /// Why they are not durable.
    pub error: Option<&'a str>,
    /// From the hand-over to the answer, which comes after the commit.
    pub from: Timestamp,
    /// The same.
    pub until: Timestamp,
}

impl AppendTraced<'_> {
    /// Hands the span over.
    pub fn emit(self, metrics: &Metrics) {
        metrics.traces.tell(Span {
            context: self.request.child(),
            parent: Some(self.request.span),
            name: "journal append".to_owned(),
            role: Role::Inside,
            from: self.from,
            until: self.until,
            attributes: vec![
                ("opentrack.events", Value::Number(self.events as u64)),
                ("opentrack.duplicates", Value::Number(self.duplicates as u64)),
            ],
            links: Vec::new(),
            error: self.error.map(str::to_owned),
        });
    }
}

/// A batch with events of traced requests was tried at a destination. Writes no line.
#[derive(Debug, Clone)]
pub struct AttemptTraced<'a> {
    /// The requests; not empty.
    pub requests: Vec<Context>,
    /// Configured name of the destination.
    pub destination: &'a str,
    /// Events of the batch, those of other requests among them.
    pub events: usize,
    /// 1 for the first attempt.
    pub attempt: u32,
    /// The last failure, from the closed list of `policy::outcome`.
    pub error: Option<&'static str>,
    /// From the plan to the last answer.
    pub from: Timestamp,
    /// The same.
    pub until: Timestamp,
}

impl AttemptTraced<'_> {
    /// Hands the span over: a part of its request where it serves one, else a trace of its own that names all.
    pub fn emit(self, metrics: &Metrics) {
        let (context, parent) = match self.requests.as_slice() {
            [one] => (one.child(), Some(one.span)),
            _ => (Context::fresh(), None),
        };
        metrics.traces.tell(Span {
            context,
            parent,
            name: format!("deliver {}", self.destination),
            role: Role::Client,
            from: self.from,
            until: self.until,
            attributes: vec![
                ("opentrack.destination", Value::Text(self.destination.to_owned())),
                ("opentrack.events", Value::Number(self.events as u64)),
                ("opentrack.attempt", Value::Number(self.attempt.into())),
            ],
            links: self.requests,
            error: self.error.map(str::to_owned),
        });
    }
}

/// The collector took spans. Writes no line.
#[derive(Debug, Clone, Copy)]
pub struct SpansSent {
    /// How many.
    pub count: u64,
}

impl SpansSent {
    /// Counts.
    pub fn emit(&self, metrics: &Metrics) {
        metrics.spans.get_or_create(&EndLabels { end: SENT }).inc_by(self.count);
    }
}

/// Spans are gone: the collector did not take them, or they came faster than it takes them.
#[derive(Debug, Clone, Copy)]
pub struct SpansLost<'a> {
    /// How many.
    pub count: u64,
    /// Why.
    pub why: &'a str,
    /// It is told already that spans are lost.
    pub is_told: bool,
}

impl SpansLost<'_> {
    /// Counts, and writes the line once.
    pub fn emit(&self, metrics: &Metrics) {
        metrics.spans.get_or_create(&EndLabels { end: LOST }).inc_by(self.count);
        if !self.is_told {
            let (count, why) = (self.count, self.why);
            warn!(
                span.count = count,
                "lost {count} spans on their way to `telemetry.otlp_endpoint`: {why}; no event is concerned"
            );
        }
    }
}
