//! Every answer of the door is made here, so that no path can answer in a way that makes a client lose or double events.
//!
//! Success is exactly 200: some Python clients resend a batch on 201, 202 or 204. What can never succeed is 400, also
//! when it is too large, since 413 is retried by one client. Every error is JSON with string `code` and `message`: two
//! clients index both keys and take a missing one for a reason to retry. Never 3xx (counted as delivered), 501, 505, 511.

use std::fmt::Write;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use serde::Serialize;

use super::limit::Allowance;
use crate::spec::Rejected;
use crate::spec::read::RequestError;

/// Whole seconds for a moment's overload.
pub(super) const SOON: u64 = 1;
/// Whole seconds for a journal that is full until a destination catches up.
pub(super) const LATER: u64 = 5;

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// Why a request as a whole is not taken.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The body cannot be split into calls.
    Unreadable(RequestError),
    /// The unpacked body is larger than `server.max_body_bytes`.
    BodyTooLarge {
        /// That limit.
        limit_bytes: usize,
    },
    /// An event is larger than the journal can take.
    EventTooLarge,
    /// Unknown or broken `Content-Encoding`.
    BadEncoding(&'static str),
    /// No source has this key, or no one this token.
    Unauthorized(&'static str),
    /// Known, but not allowed.
    Forbidden(&'static str),
    /// A parameter of the query makes no sense.
    BadParameter {
        /// Its name; empty for the query as a whole.
        name: String,
        /// What is wrong with it, to be read after its name.
        message: String,
    },
    /// It cannot be done in the present state.
    Conflict(String),
    /// No such path.
    NotFound,
    /// No such thing at a path that there is.
    NoSuch(String),
    /// The path exists for these methods.
    MethodNotAllowed(&'static str),
    /// A request that must be signed, and is not, or not by a holder of the source's secret.
    Unsigned(Unsigned),
    /// More events than `[limits]` allow.
    RateLimited {
        /// Whole seconds until the next may come.
        retry_after: u64,
        /// How many may come at once.
        limit: u32,
    },
    /// More attempts to log in than an address has.
    TooManyAttempts {
        /// Whole seconds until the next.
        retry_after: u64,
    },
    /// Nothing is wrong with the request; try again.
    Overloaded(&'static str),
    /// The journal has no room.
    JournalFull,
}

/// What is wrong with a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unsigned {
    /// One of the three headers is missing.
    Missing,
    /// The timestamp is too far from now.
    Timestamp,
    /// No signature fits.
    Invalid,
    /// The same request was stored before.
    Replayed,
}

impl Unsigned {
    fn code(self) -> &'static str {
        match self {
            Unsigned::Missing => "signature_missing",
            Unsigned::Timestamp => "signature_timestamp",
            Unsigned::Invalid => "signature_invalid",
            Unsigned::Replayed => "signature_replayed",
        }
    }

    fn message(self) -> &'static str {
        match self {
            Unsigned::Missing => {
                "the source takes signed requests alone: `webhook-id`, `webhook-timestamp` and `webhook-signature` are needed"
            }
            Unsigned::Timestamp => "`webhook-timestamp` is not within 300 seconds of the router's clock",
            Unsigned::Invalid => {
                "no signature in `webhook-signature` fits the body and a secret of the source"
            }
            Unsigned::Replayed => {
                "a request with this `webhook-id` is stored already; it was not stored again"
            }
        }
    }
}

impl Refusal {
    /// Returns the refusal of one parameter.
    pub(super) fn bad_parameter(name: &str, message: &str) -> Refusal {
        Refusal::BadParameter { name: name.to_owned(), message: message.to_owned() }
    }

    fn status(&self) -> StatusCode {
        match self {
            Refusal::Unreadable(_)
            | Refusal::BodyTooLarge { .. }
            | Refusal::EventTooLarge
            | Refusal::BadEncoding(_)
            | Refusal::BadParameter { .. } => StatusCode::BAD_REQUEST,
            Refusal::Conflict(_) | Refusal::Unsigned(Unsigned::Replayed) => StatusCode::CONFLICT,
            Refusal::Unauthorized(_) | Refusal::Unsigned(_) => StatusCode::UNAUTHORIZED,
            Refusal::Forbidden(_) => StatusCode::FORBIDDEN,
            Refusal::NotFound | Refusal::NoSuch(_) => StatusCode::NOT_FOUND,
            Refusal::MethodNotAllowed(_) => StatusCode::METHOD_NOT_ALLOWED,
            Refusal::RateLimited { .. } | Refusal::TooManyAttempts { .. } => StatusCode::TOO_MANY_REQUESTS,
            Refusal::Overloaded(_) | Refusal::JournalFull => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// Returns the contract's code.
    pub(super) fn code(&self) -> &'static str {
        match self {
            Refusal::Unreadable(error) => error.code(),
            Refusal::BodyTooLarge { .. } => "body_too_large",
            Refusal::EventTooLarge => "too_large",
            Refusal::BadEncoding(_) => "bad_encoding",
            Refusal::Unauthorized(_) => "unauthorized",
            Refusal::Forbidden(_) => "forbidden",
            Refusal::BadParameter { .. } => "bad_parameter",
            Refusal::Conflict(_) => "conflict",
            Refusal::NotFound | Refusal::NoSuch(_) => "not_found",
            Refusal::MethodNotAllowed(_) => "method_not_allowed",
            Refusal::Unsigned(unsigned) => unsigned.code(),
            Refusal::RateLimited { .. } | Refusal::TooManyAttempts { .. } => "rate_limited",
            Refusal::Overloaded(_) => "overloaded",
            Refusal::JournalFull => "journal_full",
        }
    }

    fn message(&self) -> String {
        match self {
            Refusal::Unreadable(error) => error.to_string(),
            Refusal::BodyTooLarge { limit_bytes } => {
                format!("the body is larger than {limit_bytes} bytes when unpacked")
            }
            Refusal::EventTooLarge => {
                "an event is larger than the topic of the journal takes (`max.message.bytes`); what came with it is stored"
                    .to_owned()
            }
            Refusal::BadEncoding(message)
            | Refusal::Unauthorized(message)
            | Refusal::Forbidden(message)
            | Refusal::Overloaded(message) => (*message).to_owned(),
            Refusal::BadParameter { name, message } if name.is_empty() => message.clone(),
            Refusal::BadParameter { name, message } => format!("`{name}` {message}"),
            Refusal::Conflict(message) | Refusal::NoSuch(message) => message.clone(),
            Refusal::NotFound => "there is nothing at this path".to_owned(),
            Refusal::MethodNotAllowed(allow) => format!("this path takes {allow}"),
            Refusal::Unsigned(unsigned) => unsigned.message().to_owned(),
            Refusal::RateLimited { retry_after, .. } => {
                format!("too many events; try again in {retry_after} s")
            }
            Refusal::TooManyAttempts { retry_after } => {
                format!("too many attempts to log in; try again in {retry_after} s")
            }
            Refusal::JournalFull => "the journal is full; nothing was stored, try again later".to_owned(),
        }
    }

    /// Only a wrong member of the body or the query has a place to point at.
    fn details<'a>(&'a self, message: &'a str) -> Vec<Detail<'a>> {
        match self {
            Refusal::Unreadable(error) if !error.path().is_empty() => {
                vec![Detail { path: error.path(), code: error.code(), message }]
            }
            Refusal::BadParameter { name, .. } if !name.is_empty() => {
                vec![Detail { path: name, code: self.code(), message }]
            }
            _ => Vec::new(),
        }
    }

    /// Whole seconds: a date is ignored by most clients.
    fn retry_after(&self) -> Option<u64> {
        match self {
            Refusal::RateLimited { retry_after, .. } | Refusal::TooManyAttempts { retry_after } => {
                Some(*retry_after)
            }
            Refusal::Overloaded(_) => Some(SOON),
            Refusal::JournalFull => Some(LATER),
            _ => None,
        }
    }
}

#[derive(Serialize)]
struct ErrorBody<'a> {
    code: &'a str,
    message: &'a str,
    error: &'a str,
    details: Vec<Detail<'a>>,
}

#[derive(Serialize)]
struct Detail<'a> {
    path: &'a str,
    code: &'a str,
    message: &'a str,
}

/// One event of a batch that was set aside.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SetAside<'a> {
    index: usize,
    message_id: Option<&'a str>,
    code: &'a str,
    message: &'a str,
    path: &'a str,
}

#[derive(Serialize)]
struct PartialSuccess<'a> {
    success: bool,
    accepted: usize,
    rejected: Vec<SetAside<'a>>,
}

/// One event is durable.
pub(super) fn success() -> HttpResponse {
    with_body(StatusCode::OK, &b"{\"success\":true}"[..])
}

/// The believed events of a batch are durable, and the others are kept with their reasons.
pub(super) fn batch(accepted: usize, rejected: &[Rejected]) -> HttpResponse {
    if !rejected.is_empty() {
        let rejected = rejected.iter().map(set_aside).collect();
        return json(StatusCode::OK, &PartialSuccess { success: true, accepted, rejected });
    }
    let mut body = String::with_capacity(48);
    write!(body, "{{\"success\":true,\"accepted\":{accepted}}}").expect("writing to a string cannot fail");
    with_body(StatusCode::OK, body)
}

/// A single call was not believed.
pub(super) fn bad_event(rejected: &Rejected) -> HttpResponse {
    let first = set_aside(rejected);
    let details = rejected.problems.iter().map(|problem| Detail {
        path: &problem.path,
        code: problem.code.as_str(),
        message: &problem.message,
    });
    let body = ErrorBody {
        code: first.code,
        message: first.message,
        error: "Invalid payload",
        details: details.collect(),
    };
    json(StatusCode::BAD_REQUEST, &body)
}

/// The request as a whole was not taken.
pub(super) fn refuse(refusal: &Refusal) -> HttpResponse {
    let status = refusal.status();
    let message = refusal.message();
    let error = status.canonical_reason().unwrap_or("Error");
    let details = refusal.details(&message);
    let body = ErrorBody { code: refusal.code(), message: &message, error, details };
    let mut response = json(status, &body);
    if let Some(seconds) = refusal.retry_after() {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    if let Refusal::RateLimited { retry_after, limit } = refusal {
        let none_left = Allowance { limit: *limit, remaining: 0, reset: *retry_after };
        none_left.mark(response.headers_mut());
    }
    if let Refusal::MethodNotAllowed(allow) = refusal {
        response.headers_mut().insert(ALLOW, HeaderValue::from_static(allow));
    }
    response
}

/// The answer to a preflight; its headers are made in `cors`.
pub(super) fn preflight() -> HttpResponse {
    HttpResponse::new(StatusCode::NO_CONTENT)
}

/// Any other JSON answer.
pub(super) fn json<T: Serialize>(status: StatusCode, body: &T) -> HttpResponse {
    let body = serde_json::to_vec(body).expect("maps have string keys and no field can fail");
    with_body(status, body)
}

/// Text of another type.
pub(super) fn text(content_type: &'static str, body: impl Into<bytes::Bytes>) -> HttpResponse {
    let mut response = with_body(StatusCode::OK, body.into());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

fn set_aside(rejected: &Rejected) -> SetAside<'_> {
    let first = rejected.problems.first();
    SetAside {
        index: rejected.index,
        message_id: rejected.message_id.as_deref(),
        code: first.map_or("bad_json", |problem| problem.code.as_str()),
        message: first.map_or("", |problem| &problem.message),
        path: first.map_or("", |problem| &problem.path),
    }
}

fn with_body(status: StatusCode, body: impl actix_web::body::MessageBody + 'static) -> HttpResponse {
    let mut response = HttpResponse::with_body(status, body).map_into_boxed_body();
    response.headers_mut().insert(CONTENT_TYPE, JSON);
    response
}
