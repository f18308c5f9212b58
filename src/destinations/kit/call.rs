//! One outbound request before it is on the wire: where below the API's address, and what. Pure.

use bytes::Bytes;

/// One request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Method.
    pub verb: Verb,
    /// Path and query below the API's address, without a leading slash; holds no secret. Empty: the address itself.
    pub path: String,
    /// `Content-Type` of the body; empty when there is none.
    pub content_type: &'static str,
    /// The body before compression; the same for every attempt at the same events.
    pub body: Bytes,
}

/// Methods that APIs for events use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// Reads something: a probe.
    Get,
    /// Asks without a body: a probe.
    Head,
    /// Sends events.
    Post,
    /// Sends something under its own name.
    Put,
}

impl Call {
    /// Returns a request that reads and carries no event.
    pub fn get(path: impl Into<String>) -> Call {
        Call { verb: Verb::Get, path: path.into(), content_type: "", body: Bytes::new() }
    }

    /// Returns a request with a body in JSON.
    pub fn json(path: impl Into<String>, body: impl Into<Bytes>) -> Call {
        Call { verb: Verb::Post, path: path.into(), content_type: "application/json", body: body.into() }
    }
}
