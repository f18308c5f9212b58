//! Sets the log up: lines on standard error, text on a terminal and JSON otherwise.
//!
//! Standard output stays free for what a command was asked for. Never decides what is logged, and no field of it may be
//! a body, a key, a trait or an address: those who log pass identifiers and counts.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

/// Starts logging through `filter`, which is written as in `server.log`: `info,opentrack::journal=debug`.
///
/// # Errors
/// The filter cannot be read, or logging was started before.
pub fn init(filter: &str) -> Result<(), String> {
    let filter = EnvFilter::try_new(filter).map_err(|error| format!("bad log filter: {error}"))?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = if std::io::stderr().is_terminal() {
        builder.with_target(false).try_init()
    } else {
        builder.json().flatten_event(true).with_current_span(false).with_span_list(false).try_init()
    };
    started.map_err(|error| format!("logging could not be started: {error}"))
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_filter_that_cannot_be_read_is_refused() {
        let error = super::init("opentrack=loud").unwrap_err();
        assert!(error.starts_with("bad log filter"), "{error}");
    }
}
