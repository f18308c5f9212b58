//! Why an event or a request was not believed. The codes are the public contract.

use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;

/// The closed list of reasons for which one event is set aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Code {
    /// Neither `userId` nor `anonymousId`.
    MissingIdentity,
    /// A track call without `event`.
    MissingEvent,
    /// A group call without `groupId`.
    MissingGroupId,
    /// An alias call without `previousId`.
    MissingPreviousId,
    /// An alias call without `userId`.
    MissingUserId,
    /// A field holds a value of another type.
    WrongType,
    /// The event is larger than `server.max_event_bytes`.
    TooLarge,
    /// A text field is longer than allowed.
    TooLong,
    /// The event is nested more deeply than can be parsed.
    TooDeep,
    /// `type` is missing or none of the six kinds.
    UnknownType,
    /// The element is not a JSON object.
    NotAnObject,
    /// A timestamp that is no ISO 8601 instant between the years 1 and 9999.
    BadTimestamp,
    /// The element's own text is not JSON.
    BadJson,
}

impl Code {
    /// Every code.
    pub const ALL: [Code; 13] = [
        Code::MissingIdentity,
        Code::MissingEvent,
        Code::MissingGroupId,
        Code::MissingPreviousId,
        Code::MissingUserId,
        Code::WrongType,
        Code::TooLarge,
        Code::TooLong,
        Code::TooDeep,
        Code::UnknownType,
        Code::NotAnObject,
        Code::BadTimestamp,
        Code::BadJson,
    ];

    /// Returns the code as it appears in answers, logs and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Code::MissingIdentity => "missing_identity",
            Code::MissingEvent => "missing_event",
            Code::MissingGroupId => "missing_group_id",
            Code::MissingPreviousId => "missing_previous_id",
            Code::MissingUserId => "missing_user_id",
            Code::WrongType => "wrong_type",
            Code::TooLarge => "too_large",
            Code::TooLong => "too_long",
            Code::TooDeep => "too_deep",
            Code::UnknownType => "unknown_type",
            Code::NotAnObject => "not_an_object",
            Code::BadTimestamp => "bad_timestamp",
            Code::BadJson => "bad_json",
        }
    }
}

/// One thing that is wrong with an event: where, which code, and a sentence for a human.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Dotted path inside the event, such as `userId` or `batch`; empty for the event as a whole.
    pub path: String,
    /// The contract's code.
    pub code: Code,
    /// A sentence in lower case without a full stop.
    pub message: String,
}

/// A call that was not believed, kept with its reasons.
#[derive(Debug, Clone)]
pub struct Rejected {
    /// Position in the request's batch; 0 for a single call.
    pub index: usize,
    /// The client's `messageId`, when it could be read.
    pub message_id: Option<String>,
    /// What is wrong; never empty, the first one is the reason that is shown.
    pub problems: Vec<Problem>,
    /// Name of the source that sent it.
    pub source: Arc<str>,
    /// When it arrived.
    pub at: Timestamp,
    /// The text as sent.
    pub raw: Bytes,
}
