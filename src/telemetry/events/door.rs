//! Events of the door itself.

use std::path::Path;
use std::time::Duration;

use super::millis;
use tracing::{debug, error, info, warn};

use crate::telemetry::Metrics;
use crate::telemetry::labels::{AnswerLabels, STATES, StateLabels};

/// The door has answered a request. There is one of these for every request, so that its line is for debugging.
#[derive(Debug, Clone, Copy)]
pub struct RequestAnswered {
    /// Pattern of the route, from the closed list of `http::routes`.
    pub path: &'static str,
    /// Status of the answer.
    pub status: u16,
    /// From the request's head to its answer.
    pub took: Duration,
}

impl RequestAnswered {
    /// Counts the answer and writes the line.
    pub fn emit(&self, metrics: &Metrics) {
        metrics.answers.get_or_create(&AnswerLabels { path: self.path, status: self.status }).inc();
        metrics.answer_seconds.observe(self.took.as_secs_f64());
        debug!(
            http.route = self.path,
            http.status = self.status,
            took_ms = millis(self.took),
            "answered {}",
            self.status
        );
    }
}

/// A connection was closed at once because its address has as many as it may. Writes no line: who opens thousands would fill
/// the log.
#[derive(Debug, Clone, Copy)]
pub struct ConnectionRefused;

impl ConnectionRefused {
    /// Counts it.
    pub fn emit(&self, metrics: &Metrics) {
        metrics.turned_away.connections.inc();
    }
}

/// Fewer connections are taken than the configuration allows, because the process may not open as many files.
#[derive(Debug, Clone, Copy)]
pub struct ConnectionsBounded {
    /// `server.max_connections`.
    pub wanted: usize,
    /// How many are taken.
    pub taken: usize,
    /// How many files the process may open.
    pub files: usize,
}

impl ConnectionsBounded {
    /// Writes the line.
    pub fn emit(&self) {
        let ConnectionsBounded { wanted, taken, files } = self;
        warn!(
            wanted,
            taken,
            files,
            "the process may open {files} files: {taken} connections are taken at once, not the {wanted} of \
             `server.max_connections`"
        );
    }
}

/// An operator changed something, tried to, or logged in or out.
#[derive(Debug, Clone, Copy)]
pub struct OperatorActed<'a> {
    /// Who, as far as it is known.
    pub actor: &'a str,
    /// Method and path.
    pub action: &'a str,
    /// Status of the answer.
    pub status: u16,
    /// `done`, `refused` or `failed`.
    pub outcome: &'a str,
}

impl OperatorActed<'_> {
    /// Writes the line.
    pub fn emit(&self) {
        let OperatorActed { actor, action, status, outcome } = self;
        info!(target: "opentrack::audit", actor, action, status, outcome, "{actor}: {action}: {outcome}");
    }
}

/// The audit file takes nothing; what operators do is in the log alone.
#[derive(Debug, Clone, Copy)]
pub struct AuditUnwritten<'a> {
    /// The file.
    pub path: &'a Path,
    /// What the system says.
    pub problem: &'a str,
}

impl AuditUnwritten<'_> {
    /// Writes the line.
    pub fn emit(&self) {
        let (path, problem) = (self.path.display(), self.problem);
        error!(path = %path, "`{path}` takes no entry, so that what operators do is in this log alone: {problem}");
    }
}

/// What is in flight between the sockets and the commit. Writes no line: it is measured when the metrics are asked for.
#[derive(Debug, Clone, Copy)]
pub struct DoorMeasured {
    /// Bytes that requests hold of their common budget.
    pub bytes_in_flight: usize,
    /// Requests that wait for some of it, unread.
    pub waiting: usize,
}

impl DoorMeasured {
    /// Sets the gauges.
    pub fn emit(&self, metrics: &Metrics) {
        metrics.bytes_in_flight.set(self.bytes_in_flight as u64);
        metrics.requests_waiting.set(self.waiting as u64);
    }
}

/// How every destination is, in the words of `/api/destinations`. Writes no line: the metrics ask for it.
#[derive(Debug, Clone)]
pub struct StatesSeen<I> {
    /// Names and states of all destinations.
    pub states: I,
}

impl<'a, I: Iterator<Item = (&'a str, &'static str)>> StatesSeen<I> {
    /// Sets the gauges; those of destinations that are gone go.
    pub fn emit(self, metrics: &Metrics) {
        metrics.states.clear();
        for (destination, present) in self.states {
            for state in STATES {
                let labels = StateLabels { destination: destination.to_owned(), state };
                metrics.states.get_or_create(&labels).set(u64::from(state == present));
            }
        }
    }
}

/// The router listens.
#[derive(Debug, Clone, Copy)]
pub struct DoorOpened<'a> {
    /// Addresses, as an operator would type them.
    pub listen: &'a str,
    /// Since the process began.
    pub took: Duration,
}

impl DoorOpened<'_> {
    /// Writes the line.
    pub fn emit(&self) {
        let took_ms = millis(self.took);
        info!(http.listen = self.listen, took_ms, "OpenTrack listens on {} after {took_ms} ms", self.listen);
    }
}

/// The file by which places are known was opened, at the start or because it has changed.
#[derive(Debug, Clone, Copy)]
pub struct PlacesOpened<'a> {
    /// The file.
    pub path: &'a Path,
}

impl PlacesOpened<'_> {
    /// Writes the line.
    pub fn emit(&self) {
        info!(geo.path = %self.path.display(), "places are known by `{}`", self.path.display());
    }
}

/// The file by which places are known cannot be used; what was opened before stays.
#[derive(Debug, Clone, Copy)]
pub struct PlacesUnreadable<'a> {
    /// The file.
    pub path: &'a Path,
    /// What is wrong with it.
    pub problem: &'a str,
}

impl PlacesUnreadable<'_> {
    /// Writes the line.
    pub fn emit(&self) {
        let (path, problem) = (self.path.display(), self.problem);
        warn!(geo.path = %path, "`{path}` cannot be used to find places: {problem}");
    }
}

/// Somebody logs in through a proxy that is not named, so that all who come through it are one.
#[derive(Debug, Clone, Copy)]
pub struct ProxyUnknown {
    /// The proxy.
    pub peer: Option<std::net::IpAddr>,
}

impl ProxyUnknown {
    /// Writes the line; the caller does so once.
    pub fn emit(&self) {
        let peer = self.peer.map(|peer| peer.to_string()).unwrap_or_default();
        warn!(
            peer,
            "a login came with `X-Forwarded-For` from {peer}, which `server.trusted_proxies` does not name: whoever comes \
             through it shares the attempts at a password"
        );
    }
}
