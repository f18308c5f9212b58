//! Sets the log up: lines on standard error, text on a terminal and JSON otherwise.
//!
//! Standard output stays free for what a command was asked for. Never decides what is logged, and no field of it may be
//! a body, a key, a trait or an address: those who log pass identifiers and counts.

use std::fmt;
use std::io::IsTerminal;

use tracing::{Event, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use super::request;

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
        builder.with_target(false).map_event_format(Named::in_text).try_init()
    } else {
        let json = builder.json().flatten_event(true).with_current_span(false).with_span_list(false);
        json.map_event_format(Named::in_json).try_init()
    };
    started.map_err(|error| format!("logging could not be started: {error}"))
}

/// A format of lines, to which the id of the request is added where a line is one's. Nothing is done before there is a line.
struct Named<F> {
    format: F,
    as_json: bool,
}

impl<F> Named<F> {
    fn in_text(format: F) -> Self {
        Named { format, as_json: false }
    }

    fn in_json(format: F) -> Self {
        Named { format, as_json: true }
    }
}

impl<S, N, F> FormatEvent<S, N> for Named<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let Some(id) = request::current() else { return self.format.format_event(context, writer, event) };
        let id = id.as_str();
        if !self.as_json {
            write!(writer, "[{id}] ")?;
            return self.format.format_event(context, writer, event);
        }
        let mut line = String::new();
        self.format.format_event(context, Writer::new(&mut line), event)?;
        let object = line.trim_end();
        // Nothing in an id needs to be escaped.
        match object.strip_suffix('}') {
            Some(open) => writeln!(writer, "{open},\"request_id\":\"{id}\"}}"),
            None => writer.write_str(&line),
        }
    }
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

    /// Takes what is written.
    #[derive(Clone, Default)]
    struct Page(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);

    impl std::io::Write for Page {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn every_line_of_a_request_has_its_id_and_no_other_line_has_one() {
        let page = Page::default();
        let writer = page.clone();
        let json = tracing_subscriber::fmt().with_writer(move || writer.clone()).json().flatten_event(true);
        let json = json
            .with_current_span(false)
            .with_span_list(false)
            .map_event_format(super::Named::in_json)
            .finish();
        let as_before = tracing::subscriber::set_default(json);
        tracing::info!(reason = "x}", "before");
        let id = super::request::RequestId::of(Some("r-1"));
        super::request::within(id, async { tracing::info!(reason = "y}", "within") }).await;
        drop(as_before);
        let text = String::from_utf8(page.0.lock().unwrap().clone()).unwrap();
        let lines: Vec<serde_json::Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 2, "{text}");
        assert!(lines[0].get("request_id").is_none(), "{text}");
        assert_eq!((&lines[1]["request_id"], &lines[1]["reason"]), (&"r-1".into(), &"y}".into()), "{text}");
    }
}
