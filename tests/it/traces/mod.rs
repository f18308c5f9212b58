//! Traces: from the caller's `traceparent` through a running router to the attempt at a destination, as a collector gets them.

mod otlp;

use serde_json::Value;

use self::otlp::Span;
use crate::support::{Answer, Config, Receiver, Reply, Router, batch, ids_of, track, until_some};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER: &str = "00f067aa0ba902b7";

/// A stand-in of a collector: takes everything that is posted below its address.
struct Collector(Receiver);

impl Collector {
    fn start() -> Collector {
        Collector(Receiver::start())
    }

    /// Returns the table that leads there.
    fn table(&self) -> String {
        format!("[telemetry]\notlp_endpoint = \"{}\"", self.0.url())
    }

    /// Returns every span so far.
    fn spans(&self) -> Vec<Span> {
        let mut spans = Vec::new();
        for request in self.0.requests() {
            assert_eq!(request.path, "/in/v1/traces");
            assert_eq!(request.headers["content-type"], "application/x-protobuf");
            let (service, more) = otlp::read(&request.body);
            assert_eq!(service, "opentrack");
            spans.extend(more);
        }
        spans
    }

    /// Waits for the first span of this name that is as wanted.
    async fn until_span(&self, name: &str, wanted: impl Fn(&Span) -> bool) -> Span {
        until_some(&format!("the collector has `{name}`"), 25, async || {
            self.spans().into_iter().find(|span| span.name == name && wanted(span))
        })
        .await
    }
}

/// Posts events as a caller that is itself part of this trace.
async fn post_traced(router: &Router, events: &[Value], traceparent: &str) {
    let request = router.request("POST", "/v1/batch").header("traceparent", traceparent);
    let request = request.header("x-request-id", "call-7").body(batch(events).to_string());
    Answer::read(request.send().await.expect("the router answers")).await.expect_success();
}

/// Orders the destination `hook` something.
async fn order(router: &Router, what: &str) {
    let request = router.request("POST", &format!("/api/destinations/hook/{what}"));
    assert_eq!(request.send().await.expect("the router answers").status(), 200);
}

fn attributes(span: &Span) -> Vec<(&str, &str)> {
    span.attributes.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect()
}

#[tokio::test]
async fn a_caller_s_trace_goes_from_its_request_over_the_journal_to_every_delivery() {
    let (receiver, collector) = (Receiver::start(), Collector::start());
    let config = Config::new().webhook("hook", &receiver.url(), "").table(&collector.table());
    let router = Router::start(config).await;
    let unwanted = TRACE.replace('4', "5");
    let first = [track("somebody-known", 1)];
    post_traced(&router, &first, &format!("00-{unwanted}-{CALLER}-00")).await;
    receiver.until_taken(&ids_of(&first)).await;

    let events = [track("somebody-known", 2), track("somebody-known", 3)];
    post_traced(&router, &events, &format!("00-{TRACE}-{CALLER}-01")).await;
    receiver.until_taken(&ids_of(&events)).await;
    let hook = collector.until_span("deliver hook", |span| span.trace == TRACE).await;
    let warehouse = collector.until_span("deliver warehouse", |span| span.trace == TRACE).await;
    let append = collector.until_span("journal append", |span| span.trace == TRACE).await;
    let request = collector.until_span("POST /v1/batch", |span| span.trace == TRACE).await;

    assert_eq!((request.parent.as_str(), request.kind), (CALLER, 2), "the caller's span is above");
    let [method, route, status] = ["http.request.method", "http.route", "http.response.status_code"];
    let told = [(method, "POST"), (status, "200"), (route, "/v1/batch"), ("opentrack.request_id", "call-7")];
    assert_eq!(attributes(&request), told);
    assert_eq!((&append.parent, append.kind), (&request.id, 1));
    assert_eq!(attributes(&append), [("opentrack.duplicates", "0"), ("opentrack.events", "2")]);
    for (delivery, name) in [(&hook, "hook"), (&warehouse, "warehouse")] {
        assert_eq!((&delivery.parent, delivery.kind), (&request.id, 3), "{delivery:?}");
        let told = [("opentrack.attempt", "1"), ("opentrack.destination", name), ("opentrack.events", "2")];
        assert_eq!(attributes(delivery), told);
        assert_eq!(delivery.error, None);
    }
    assert!(request.from <= append.from && append.from <= append.until && append.until <= request.until);
    assert!(append.from <= hook.from && hook.from <= hook.until, "{append:?} {hook:?}");

    let all = collector.spans();
    assert!(all.iter().all(|span| span.trace != unwanted), "a caller that wants none gets none: {all:?}");
    let bytes = collector.0.requests().into_iter().flat_map(|request| request.body).collect::<Vec<u8>>();
    for private in ["somebody-known", "Thing Done", &ids_of(&events)[0]] {
        assert!(memchr::memmem::find(&bytes, private.as_bytes()).is_none(), "`{private}` is told");
    }
}

#[tokio::test]
async fn an_attempt_with_events_of_several_requests_names_them_all_and_says_why_it_failed() {
    let (receiver, collector) = (Receiver::start(), Collector::start());
    let mut answers = [503].into_iter();
    receiver.follow(move |_| Reply::Status(answers.next().unwrap_or(200)));
    let config = Config::new().webhook("hook", &receiver.url(), "").table(&collector.table());
    let router = Router::start(config).await;
    order(&router, "pause").await;
    let traces = [TRACE.to_owned(), TRACE.replace('4', "6")];
    let events = [track("one", 1), track("other", 2)];
    for (trace, event) in traces.iter().zip(&events) {
        post_traced(&router, std::slice::from_ref(event), &format!("00-{trace}-{CALLER}-01")).await;
    }
    order(&router, "resume").await;
    receiver.until_taken(&ids_of(&events)).await;
    let failed = collector.until_span("deliver hook", |span| span.error.is_some()).await;
    let taken = collector.until_span("deliver hook", |span| span.error.is_none()).await;
    assert_eq!(failed.error.as_deref(), Some("server_error"));
    for (attempt, number) in [(&failed, "1"), (&taken, "2")] {
        let told =
            [("opentrack.attempt", number), ("opentrack.destination", "hook"), ("opentrack.events", "2")];
        assert_eq!(attributes(attempt), told);
        assert!(attempt.parent.is_empty() && !traces.contains(&attempt.trace), "{attempt:?}");
        let mut served = Vec::new();
        for trace in &traces {
            let request = collector.until_span("POST /v1/batch", |span| span.trace == *trace).await;
            served.push((request.trace, request.id));
        }
        assert_eq!(attempt.links, served);
    }
}
