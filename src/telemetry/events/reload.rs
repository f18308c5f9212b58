//! A configuration that changes while the router runs.

use tracing::{error, info, warn};

use crate::telemetry::Metrics;

/// A changed configuration is in force. The names are those of the operator's own file.
#[derive(Debug, Clone, Copy)]
pub struct ConfigApplied<'a> {
    /// Tables that are new: `destinations.crm`.
    pub added: &'a [String],
    /// Tables that are there no more.
    pub removed: &'a [String],
    /// Tables and keys with another content.
    pub changed: &'a [String],
}

impl ConfigApplied<'_> {
    /// Writes the line.
    pub fn emit(&self) {
        let [added, removed, changed] =
            [self.added, self.removed, self.changed].map(|names| names.join(", "));
        let parts = [("added", &added), ("removed", &removed), ("changed", &changed)];
        let words: Vec<String> = parts
            .into_iter()
            .filter(|(_, names)| !names.is_empty())
            .map(|(word, names)| format!("{word} {names}"))
            .collect();
        info!(
            config.added = added,
            config.removed = removed,
            config.changed = changed,
            "a changed configuration is in force: {}",
            words.join("; ")
        );
    }
}

/// A changed configuration was refused; the one before stays.
#[derive(Debug, Clone, Copy)]
pub struct ConfigRefused<'a> {
    /// Every problem, with its place, one a line.
    pub problems: &'a str,
}

impl ConfigRefused<'_> {
    /// Writes the line.
    pub fn emit(&self) {
        let problems = self.problems;
        error!(
            config.problems = problems,
            "the changed configuration is refused, the one before stays: {problems}"
        );
    }
}

/// Keys differ from what runs, and cannot change before the next start.
#[derive(Debug, Clone, Copy)]
pub struct ConfigWaits<'a> {
    /// Their names.
    pub keys: &'a [&'static str],
}

impl ConfigWaits<'_> {
    /// Writes one line for each.
    pub fn emit(&self) {
        for key in self.keys {
            warn!(config.key = *key, "`{key}` takes effect at the next start");
        }
    }
}

/// The configuration works and may surprise.
#[derive(Debug, Clone, Copy)]
pub struct ConfigWarning<'a> {
    /// In words, without secrets.
    pub message: &'a str,
}

impl ConfigWarning<'_> {
    /// Writes the line.
    pub fn emit(&self) {
        warn!("{}", self.message);
    }
}

/// The configuration was read again because somebody asked, and is the one that runs.
#[derive(Debug, Clone, Copy)]
pub struct ConfigUnchanged;

impl ConfigUnchanged {
    /// Writes the line.
    pub fn emit(&self) {
        info!("the configuration was read again: nothing changed");
    }
}

/// A destination was stopped: it is replaced, switched off, or there no more. Writes no line.
#[derive(Debug, Clone, Copy)]
pub struct DestinationStopped<'a> {
    /// Configured name.
    pub destination: &'a str,
}

impl DestinationStopped<'_> {
    /// Sets its gauges to zero: nobody measures them until it runs again.
    pub fn emit(&self, metrics: &Metrics) {
        metrics.declare_destination(self.destination);
    }
}
