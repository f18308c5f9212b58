//! The life of the process and of its parts, and what could not be done on the way.

use std::time::Duration;

use tracing::{debug, error, info, warn};

use super::millis;

/// The router is stopping.
#[derive(Debug, Clone, Copy)]
pub struct Stopping;

impl Stopping {
    /// Writes the line.
    pub fn emit(&self) {
        info!("stopping: the door closes, then the destinations drain; a second signal stops at once");
    }
}

/// The router has stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopped {
    /// Everybody was drained.
    Drained {
        /// Events that stay in the journal.
        left: u64,
        /// How long it took.
        took: Duration,
    },
    /// `shutdown_timeout` was over first.
    Late,
    /// A second signal came.
    AtOnce,
}

impl Stopped {
    /// Writes the line.
    pub fn emit(&self) {
        let (how, left, took) = match self {
            Stopped::Drained { left, took } => ("drained", Some(*left), Some(millis(*took))),
            Stopped::Late => ("`shutdown_timeout` was over", None, None),
            Stopped::AtOnce => ("a second signal came", None, None),
        };
        info!(
            delivery.left = left,
            took_ms = took,
            "stopped ({how}); what was not delivered waits in the journal"
        );
    }
}

/// Something could not be done and is tried again, or makes no difference to any event.
#[derive(Debug, Clone, Copy)]
pub struct Trouble<'a> {
    /// Whom it concerns: a destination's configured name, `journal`, `supervisor`.
    pub whom: &'a str,
    /// To be read after "could not": `store the cursor`.
    pub doing: &'static str,
    /// The reason, without customer data.
    pub error: &'a str,
}

impl Trouble<'_> {
    /// Writes the line.
    pub fn emit(&self) {
        error!(
            whom = self.whom,
            error = self.error,
            "{}: could not {}: {}",
            self.whom,
            self.doing,
            self.error
        );
    }
}

/// A message found nobody, which changes nothing: whoever was meant looks by itself, or is gone for good.
#[derive(Debug, Clone, Copy)]
pub struct NobodyThere {
    /// What was to be said.
    pub message: &'static str,
}

impl NobodyThere {
    /// Writes the line.
    pub fn emit(&self) {
        debug!(message = self.message, "nobody was there for {}", self.message);
    }
}

/// Everybody on the machine may look into the data directory.
#[derive(Debug, Clone, Copy)]
pub struct DataOpenToAll<'a> {
    /// The directory.
    pub path: &'a std::path::Path,
}

impl DataOpenToAll<'_> {
    /// Writes the line.
    pub fn emit(&self) {
        let path = self.path.display();
        warn!(path = %path, "everybody on this machine may look into `{path}`, where events and secrets are: chmod 700");
    }
}
