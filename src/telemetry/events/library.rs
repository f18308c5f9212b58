//! What a library says by itself that a destination is built on.

use tracing::{debug, warn};

/// A library had something to say that is not the answer to a request. Its words name hosts and settings, never events.
#[derive(Debug, Clone, Copy)]
pub struct LibrarySaid<'a> {
    /// Configured name of the destination.
    pub destination: &'a str,
    /// Whether a person is to see it.
    pub grave: bool,
    /// What of the library speaks, in its own word.
    pub facility: &'a str,
    /// Its words.
    pub words: &'a str,
}

impl LibrarySaid<'_> {
    /// Writes the line.
    pub fn emit(&self) {
        if self.grave { self.loudly() } else { self.quietly() }
    }

    fn loudly(&self) {
        warn!(destination.name = self.destination, facility = self.facility, "{}", self.words);
    }

    fn quietly(&self) {
        debug!(destination.name = self.destination, facility = self.facility, "{}", self.words);
    }
}
