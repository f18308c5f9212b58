//! Names what went wrong on the way to the server or there, in words that say what to do.

use std::error::Error as StdError;
use std::io;

use redis::{ErrorKind, RedisError};

use super::judge::advice;
use crate::destinations::reply::words;
use crate::destinations::{Failure, FailureKind};

/// How the system's resolver begins its words; the kind of its error says nothing.
const UNRESOLVED: &str = "failed to lookup address information";

/// Returns the error of a connection that did not come about in time.
pub(super) fn no_connection() -> RedisError {
    io::Error::new(io::ErrorKind::TimedOut, "no connection in time").into()
}

/// Returns the failure that an error of the library is. What the server said is of the kind `Store` and begins with its code.
pub(super) fn failure(error: &RedisError) -> Failure {
    if let Some(code) = error.code() {
        let said = words(&format!("{code} {}", error.detail().unwrap_or_default()));
        let advice = advice(&said);
        let said = if advice.is_empty() { &said } else { said.trim_end_matches('.') };
        return Failure { kind: FailureKind::Store, message: format!("{said}{advice}") };
    }
    Failure { kind: kind_of(error), message: words(&error.to_string()) }
}

fn kind_of(error: &RedisError) -> FailureKind {
    let said = error.to_string();
    match error.kind() {
        ErrorKind::InvalidClientConfig if said.contains("resolve") => FailureKind::Dns,
        ErrorKind::InvalidClientConfig => FailureKind::Tls,
        _ if said.contains(UNRESOLVED) => FailureKind::Dns,
        _ if is_tls(error) => FailureKind::Tls,
        _ if error.is_timeout() => FailureKind::Timeout,
        _ => FailureKind::Connection,
    }
}

/// The library keeps the error behind a pointer that is an error by itself.
fn is_tls(error: &RedisError) -> bool {
    type Shared = std::sync::Arc<dyn StdError + Send + Sync>;
    let inner = error.source().and_then(|source| source.downcast_ref::<Shared>());
    let io = inner.and_then(|inner| inner.downcast_ref::<io::Error>());
    io.and_then(io::Error::get_ref).is_some_and(|cause| cause.is::<rustls::Error>())
}
