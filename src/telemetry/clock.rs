//! The one place where the wall clock is read. Edges call it; pure code gets the time as an argument.

use jiff::Timestamp;

/// Returns the present instant, cut to microseconds.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the wall clock")]
pub fn now() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now)
}
