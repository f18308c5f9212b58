//! Names a transport error: which kind it is, and in which words an operator reads it.
//!
//! Separate because the libraries below say it only in their chains of sources. The words come from the end of the chain,
//! which is nearest to the cause; the address is given by its origin alone.

use std::error::Error;
use std::io;

use super::resolve::ResolveError;
use crate::destinations::reply::words;
use crate::destinations::{Failure, FailureKind};

/// Returns kind and words of a request's error; `peer` is the origin that it was sent to.
pub fn describe(error: &reqwest::Error, peer: &str) -> Failure {
    let kind = kind_of(error);
    let cause = chain(error).last().map(ToString::to_string).unwrap_or_default();
    let message = match kind {
        FailureKind::Timeout => format!("no answer from {peer} in time"),
        _ => format!("{peer}: {cause}"),
    };
    Failure { kind, message: words(&message) }
}

fn kind_of(error: &reqwest::Error) -> FailureKind {
    if error.is_timeout() {
        return FailureKind::Timeout;
    }
    // A broken gzip body is `InvalidData` too; only outside of bodies it comes from TLS.
    let may_be_tls = !error.is_decode() && !error.is_body();
    chain(error).find_map(|cause| known(cause, may_be_tls)).unwrap_or(FailureKind::Connection)
}

fn known(cause: &(dyn Error + 'static), may_be_tls: bool) -> Option<FailureKind> {
    match cause.downcast_ref::<ResolveError>() {
        Some(ResolveError::Private(_)) => return Some(FailureKind::PrivateAddress),
        Some(ResolveError::Failed { .. }) => return Some(FailureKind::Dns),
        None => {}
    }
    match cause.downcast_ref::<io::Error>()?.kind() {
        io::ErrorKind::TimedOut => Some(FailureKind::Timeout),
        // How the TLS library reports bad certificates, alerts and peers that do not speak TLS.
        io::ErrorKind::InvalidData if may_be_tls => Some(FailureKind::Tls),
        _ => None,
    }
}

/// Iterates over the error and what is below it. `io::Error::source` skips the error that it wraps, so that is asked for.
fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| match error.downcast_ref::<io::Error>() {
        Some(wrapper) => wrapper.get_ref().map(|inner| inner as &(dyn Error + 'static)),
        None => error.source(),
    })
}
