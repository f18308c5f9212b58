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
    let filter = of_text(filter)?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        // They would be told on standard error too, by a macro that panics where nobody reads it any more.
        .log_internal_errors(false);
    let started = if std::io::stderr().is_terminal() {
        builder.with_target(false).try_init()
    } else {
        builder.json().flatten_event(true).with_current_span(false).with_span_list(false).try_init()
    };
    started.map_err(|error| format!("logging could not be started: {error}"))
}

/// The HTTP library tells every request that is no HTTP as an error, so that any stranger could fill the log; it is silent
/// unless the filter names it.
const STRANGERS: &str = "actix_http::h1::dispatcher";

fn of_text(text: &str) -> Result<EnvFilter, String> {
    let quiet = if text.contains("actix_http") { String::new() } else { format!("{STRANGERS}=off,") };
    EnvFilter::try_new(quiet + text).map_err(|error| format!("bad log filter: {error}"))
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_strangers_can_write_is_silent_unless_it_is_named() {
        let quiet = super::of_text("info").unwrap().to_string();
        assert!(quiet.contains("actix_http::h1::dispatcher=off") && quiet.contains("info"), "{quiet}");
        assert!(!super::of_text("info,actix_http=debug").unwrap().to_string().contains("off"));
    }

    #[test]
    fn a_filter_that_cannot_be_read_is_refused() {
        let error = super::init("opentrack=loud").unwrap_err();
        assert!(error.starts_with("bad log filter"), "{error}");
    }
}
