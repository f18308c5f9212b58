//! A request's body becomes an [`Envelope`] of calls that are split but not yet believed.
//!
//! Split and belief are two steps because the write key is in the body and the source depends on it. A body in order is
//! read once and its calls are slices of it; only one that is not goes through `repair`. Never looks at headers.

use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;

use super::additions::Adds;
use super::batch::{self, Shared};
use super::consent::Signals;
use super::layout::{Field, Layout};
use super::reject::Problem;
use super::repeat::{Print, Repeat};
use super::whose::Whose;
use super::{Event, Kind, Rejected, believe, head, proof, repair};

/// What kind of body a path takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endpoint {
    /// One call; the path says which, a `type` in the body is ignored.
    One(Kind),
    /// `{"batch": […]}`; each element has a `type`.
    Batch,
}

/// What the door knows about a request.
#[derive(Debug, Clone)]
pub struct Arrival {
    /// When it arrived; cut to milliseconds.
    pub received_at: Timestamp,
    /// Name of the source that the write key belongs to.
    pub source: Arc<str>,
    /// The client's address.
    pub ip: Option<IpAddr>,
    /// Sent by a browser or an app: the address is the user's own and is kept.
    pub client_side: bool,
    /// What the client's browser says about tracking.
    pub signals: Signals,
}

/// Bounds from the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// `server.max_event_bytes`: a larger event is set aside alone.
    pub max_event_bytes: usize,
}

/// What became of the calls of one request, both in the order of the request.
#[derive(Debug, Default)]
pub struct Intake {
    /// The believed ones.
    pub events: Vec<Event>,
    /// Those that were set aside, with their reasons.
    pub rejected: Vec<Rejected>,
    /// How many were believed and are not to be kept.
    pub unwanted: usize,
}

/// Why a whole request cannot be read. Always the caller's fault: 400, never worth a retry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// The body is not JSON, or not of the shape that the path takes.
    #[error("{message}")]
    InvalidJson {
        /// Member that is wrong (`batch`); empty for the body as a whole.
        path: &'static str,
        /// A sentence in lower case without a full stop.
        message: String,
    },
    /// The body is not UTF-8, and not just inside one event.
    #[error("the body is not UTF-8: {message}")]
    BadEncoding {
        /// Where the first wrong byte is.
        message: String,
    },
    /// The batch holds more calls than a request may cost.
    #[error("`batch` holds more than {most} events")]
    TooMany {
        /// That number.
        most: usize,
    },
}

impl RequestError {
    /// Returns the contract's code.
    pub const fn code(&self) -> &'static str {
        match self {
            RequestError::InvalidJson { .. } => "invalid_json",
            RequestError::BadEncoding { .. } => "bad_encoding",
            RequestError::TooMany { .. } => "body_too_large",
        }
    }

    /// Returns the member that is wrong, or an empty text for the body as a whole.
    pub const fn path(&self) -> &'static str {
        match self {
            RequestError::InvalidJson { path, .. } => path,
            RequestError::BadEncoding { .. } => "",
            RequestError::TooMany { .. } => "batch",
        }
    }
}

/// One call, split but not believed.
#[derive(Debug, Clone)]
pub(super) struct Call {
    /// Its text; valid JSON unless there is a fault.
    pub(super) raw: Bytes,
    /// Why it cannot be believed, known from the split.
    pub(super) fault: Option<Box<Problem>>,
    /// When it had to be found for the split anyway.
    pub(super) layout: Option<Box<Layout>>,
}

impl Call {
    pub(super) fn good(raw: Bytes) -> Call {
        Call { raw, fault: None, layout: None }
    }

    /// A call found by bracket counting: mended, or with its fault.
    pub(super) fn mended(raw: Bytes) -> Call {
        match repair::element(raw.clone()) {
            Ok(raw) => Call::good(raw),
            Err(fault) => Call { raw, fault: Some(fault), layout: None },
        }
    }
}

/// A request whose calls are split but not believed. A clone shares the body.
#[derive(Debug, Clone)]
pub struct Envelope {
    /// `writeKey` of the body, else of the first call that has one. Never empty.
    pub write_key: Option<String>,
    pub(super) endpoint: Endpoint,
    pub(super) calls: Vec<Call>,
    pub(super) shared: Shared,
    /// Whose calls these are, where the door knows more than they say.
    pub(super) whose: Option<Whose>,
    /// By what the sender knows this request again; see [`Envelope::is_known_as`].
    pub(super) request: Option<Repeat>,
    /// Bytes of the whole body.
    pub(super) size: usize,
}

impl Envelope {
    /// Returns how many calls the request holds.
    pub fn len(&self) -> usize {
        self.calls.len()
    }

    /// Returns whether the request holds no call.
    pub fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }

    /// Says whose the calls are that say nothing of it, or may not.
    pub fn belongs_to(&mut self, whose: Whose) {
        self.whose = Some(whose);
    }

    /// Says by which name its sender would send the same request again, and returns what stands for the request under this name.
    /// Calls without a `messageId` then get one that follows from the name, their place and their text, so that the second copy is
    /// recognised. Only for a sender who has proved who it is: a stranger could take the ids of others.
    pub fn is_known_as(&mut self, name: &str) -> Print {
        let repeat = Repeat::of(name, &self.calls, &self.shared);
        let print = repeat.print();
        self.request = Some(repeat);
        print
    }

    /// Checks each call on its own and turns it into an event, or sets it aside with every reason at once.
    pub fn believe(self, arrival: &Arrival, limits: &Limits) -> Intake {
        believe::all(self, (arrival, limits), None)
    }

    /// Does the same, and adds to each event what is to be added to it before it is stored.
    pub fn believe_and_add(self, arrival: &Arrival, limits: &Limits, adds: &dyn Adds) -> Intake {
        believe::all(self, (arrival, limits), Some(adds))
    }
}

/// Splits a request's body into calls. Their contents are not looked at, except for the write key.
///
/// # Errors
/// The body is not JSON, is no object, holds no list named `batch` where one must be, or is not UTF-8. What is wrong
/// with one call alone is no error here: `believe` sets it aside.
pub fn read(body: Bytes, endpoint: Endpoint) -> Result<Envelope, RequestError> {
    let body = without_mark(body);
    let size = body.len();
    let (calls, shared) = match endpoint {
        Endpoint::Batch => batch::split(&body)?,
        Endpoint::One(_) => (vec![one(&body)?], Shared::default()),
    };
    let write_key = match &shared.write_key {
        Some(key) => Some(key.clone()),
        None => calls_key(&body, &calls),
    };
    Ok(Envelope { write_key, endpoint, calls, shared, whose: None, request: None, size })
}

/// A byte order mark is no JSON, but some editors and clients write one.
fn without_mark(body: Bytes) -> Bytes {
    if body.starts_with(b"\xef\xbb\xbf") { body.slice(3..) } else { body }
}

fn one(body: &Bytes) -> Result<Call, RequestError> {
    let raw = body.slice_ref(body.trim_ascii());
    let Ok(text) = simdutf8::basic::from_utf8(&raw) else { return one_by_brackets(body, raw) };
    if !text.starts_with('{') {
        // JSON of another kind is a call that is no object; what is no JSON at all is no request.
        let value = serde_json::from_str::<&serde_json::value::RawValue>(text);
        return value.map(|_| Call::good(raw.clone())).map_err(|_| no_object(body));
    }
    match Layout::of(text) {
        Ok(layout) => Ok(Call { layout: Some(Box::new(layout)), ..Call::good(raw) }),
        Err(_) => one_by_brackets(body, raw),
    }
}

fn one_by_brackets(body: &Bytes, raw: Bytes) -> Result<Call, RequestError> {
    if repair::members(&raw).is_none() {
        return Err(no_object(body));
    }
    let call = Call::mended(raw);
    // A single call that is text and still no JSON is a request that is no JSON.
    match &call.fault {
        Some(fault) if std::str::from_utf8(&call.raw).is_ok() => Err(invalid(fault.message.clone())),
        _ => Ok(call),
    }
}

/// Says why a body is no JSON object.
pub(super) fn no_object(body: &[u8]) -> RequestError {
    if body.trim_ascii().is_empty() {
        return invalid("the body is empty".to_owned());
    }
    if let Err(error) = std::str::from_utf8(body) {
        return RequestError::BadEncoding { message: error.to_string() };
    }
    match serde_json::from_slice::<&serde_json::value::RawValue>(body) {
        Ok(_) => invalid("the body is not a JSON object".to_owned()),
        Err(error) => invalid(error.to_string()),
    }
}

fn invalid(message: String) -> RequestError {
    RequestError::InvalidJson { path: "", message }
}

fn calls_key(body: &[u8], calls: &[Call]) -> Option<String> {
    // Server libraries send the key in a header, so the body mostly has none at all.
    memchr::memmem::find(body, b"\"writeKey\"")?;
    calls.iter().find_map(call_key)
}

pub(super) fn call_key(call: &Call) -> Option<String> {
    let whole = proof::without_half_surrogates(&call.raw);
    let text = std::str::from_utf8(whole.as_deref().unwrap_or(&call.raw)).ok()?;
    let found = match &call.layout {
        Some(layout) => layout.value(Field::WriteKey, text),
        None => Layout::of(text).ok()?.value(Field::WriteKey, text),
    };
    head::key(found?)
}
