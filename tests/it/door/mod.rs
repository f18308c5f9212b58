//! The first-party side of the router, from the request to the row: collection, the page about it, signed sources, what
//! goes where.

mod collect;
mod docs;
mod signed;

use std::time::Duration;

use crate::support::until;

/// Waits until a look says so, as long as an event may take to a warehouse.
async fn soon(what: &str, look: impl AsyncFnMut() -> bool) {
    until(what, Duration::from_secs(20).as_secs(), look).await;
}
