//! Events of the supervisor's children.

use std::time::Duration;

use tracing::{error, info};

use super::millis;

/// A child of the supervisor ended and was started again.
#[derive(Debug, Clone, Copy)]
pub struct ChildRestarted<'a> {
    /// The actor: `journal_writer`, or a destination's configured name.
    pub child: &'a str,
    /// It panicked; otherwise it stopped by itself.
    pub panicked: bool,
    /// How often within the window.
    pub restarts: u32,
    /// How long until it runs again.
    pub wait: Duration,
}

impl ChildRestarted<'_> {
    /// Writes the line.
    pub fn emit(&self) {
        error!(
            child = self.child,
            panicked = self.panicked,
            restarts = self.restarts,
            wait_ms = millis(self.wait),
            "{} ended unexpectedly and starts again in {} ms",
            self.child,
            millis(self.wait)
        );
    }
}

/// A child ended too often and stays down.
#[derive(Debug, Clone, Copy)]
pub struct ChildParked<'a> {
    /// The actor: `journal_writer`, or a destination's configured name.
    pub child: &'a str,
    /// How often within the window.
    pub restarts: u32,
}

impl ChildParked<'_> {
    /// Writes the line.
    pub fn emit(&self) {
        error!(
            child = self.child,
            restarts = self.restarts,
            "{} ended {} times and stays down",
            self.child,
            self.restarts
        );
    }
}

/// A child that stayed down was asked for and starts again.
#[derive(Debug, Clone, Copy)]
pub struct ChildUnparked<'a> {
    /// The projection.
    pub child: &'a str,
}

impl ChildUnparked<'_> {
    /// Writes the line.
    pub fn emit(&self) {
        info!(child = self.child, "{} starts again, as asked", self.child);
    }
}

/// Something panicked in the middle of its work and goes on with an empty memory.
#[derive(Debug, Clone, Copy)]
pub struct Recovered {
    /// The actor.
    pub child: &'static str,
    /// How often since the start.
    pub panics: u32,
}

impl Recovered {
    /// Writes the line.
    pub fn emit(&self) {
        error!(
            child = self.child,
            panics = self.panics,
            "the {} panicked and goes on with an empty memory",
            self.child
        );
    }
}
