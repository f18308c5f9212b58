//! The SDKs that are driven: how each is started, what it adds to an event, and how patient it is by its own design.

use std::process::Command;

use crate::support::{node, python, rust};

/// One SDK.
#[derive(Clone, Copy)]
pub(crate) struct Sdk {
    /// Returns the command of its driver, or `None` to skip.
    pub(super) driver: fn() -> Option<Command>,
    /// What it says of itself in `context.library`: name and version.
    pub(super) library: Option<(&'static str, &'static str)>,
    /// Whether it says when it sent a request.
    pub(super) sends_sent_at: bool,
    /// Whether the traits of `identify` are in `context.traits` too, or alone.
    pub(super) traits_in_context: bool,
    /// How many of the six calls are in its first request.
    pub(super) first_request: usize,
    pub(super) patience: Patience,
}

/// What an SDK does when a request fails.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Patience {
    /// It tries again for minutes.
    Minutes,
    /// It tries four times within less than two seconds, and says that the events of the request were given up.
    FourTries,
    /// It never tries again.
    None,
}

const SEGMENT: Sdk = Sdk {
    driver: || None,
    library: None,
    sends_sent_at: true,
    traits_in_context: false,
    first_request: 6,
    patience: Patience::Minutes,
};

pub(super) const ANALYTICS_NODE: Sdk = Sdk {
    driver: || node("analytics_node.mjs"),
    library: Some(("analytics-node", "6.2.0")),
    first_request: 1,
    patience: Patience::FourTries,
    ..SEGMENT
};

pub(crate) const SEGMENT_NODE: Sdk = Sdk {
    driver: || node("segment_node.mjs"),
    library: Some(("@segment/analytics-node", "3.1.0")),
    ..SEGMENT
};

pub(super) const RUDDER_NODE: Sdk = Sdk {
    driver: || node("rudder_node.mjs"),
    library: Some(("analytics-node", "3.0.13")),
    traits_in_context: true,
    first_request: 1,
    patience: Patience::FourTries,
    ..SEGMENT
};

pub(super) const CDP_NODE: Sdk = Sdk {
    driver: || node("cdp_node.mjs"),
    library: Some(("@customerio/cdp-analytics-node", "1.0.0-beta.22")),
    sends_sent_at: false,
    patience: Patience::FourTries,
    ..SEGMENT
};

pub(super) const SEGMENT_PYTHON: Sdk = Sdk {
    driver: || python("segment_python.py", "segment-analytics-python"),
    library: Some(("analytics-python", "2.4.0")),
    ..SEGMENT
};

pub(super) const ANALYTICS_PYTHON: Sdk = Sdk {
    driver: || python("analytics_python.py", "analytics-python"),
    library: Some(("analytics-python", "1.4.post1")),
    ..SEGMENT
};

pub(super) const RUDDER_PYTHON: Sdk = Sdk {
    driver: || python("rudder_python.py", "rudder-sdk-python"),
    library: Some(("analytics-python", "2.1.9")),
    traits_in_context: true,
    ..SEGMENT
};

pub(super) const SEGMENT_RUST: Sdk =
    Sdk { driver: rust, sends_sent_at: false, first_request: 1, patience: Patience::None, ..SEGMENT };

/// The same crate in a program that repeats each call until it is acknowledged.
pub(super) const SEGMENT_RUST_REPEATED: Sdk = Sdk {
    driver: || {
        let mut command = rust()?;
        command.env("TRIES", "4");
        Some(command)
    },
    patience: Patience::FourTries,
    ..SEGMENT_RUST
};
