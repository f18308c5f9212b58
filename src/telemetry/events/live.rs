//! What is live, and who listens to it.

use crate::telemetry::Metrics;

/// The listeners of the stream were counted.
#[derive(Debug, Clone, Copy)]
pub struct ListenersCounted {
    /// How many there are.
    pub listeners: usize,
}

impl ListenersCounted {
    /// Sets the number.
    pub fn emit(&self, metrics: &Metrics) {
        metrics.live.subscribers.set(self.listeners as u64);
    }
}

/// A listener of the stream was too slow.
#[derive(Debug, Clone, Copy)]
pub struct FramesMissed {
    /// How many frames it missed.
    pub count: u64,
}

impl FramesMissed {
    /// Counts.
    pub fn emit(&self, metrics: &Metrics) {
        metrics.live.dropped.inc_by(self.count);
    }
}

/// Visitors and sessions were counted.
#[derive(Debug, Clone, Copy)]
pub struct VisitorsCounted {
    /// Visitors of the last half hour that are known.
    pub visitors: u64,
    /// Open sessions.
    pub sessions: u64,
    /// Events since the last count that came too late for their session.
    pub late: u64,
    /// Sessions since then that were ended because there were too many.
    pub evicted: u64,
}

impl VisitorsCounted {
    /// Sets and counts.
    pub fn emit(&self, metrics: &Metrics) {
        metrics.live.visitors.set(self.visitors);
        metrics.live.sessions.set(self.sessions);
        metrics.live.sessions_late.inc_by(self.late);
        metrics.live.sessions_evicted.inc_by(self.evicted);
    }
}
