//! Against a collector that reads what it gets as a real one does, and refuses what a real one refuses.

use std::collections::BTreeMap;
use std::sync::Mutex;

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};

use super::*;
use crate::telemetry::clock;
use crate::telemetry::events::{AppendTraced, AttemptTraced, RequestTraced};
use crate::telemetry::traces::Context;

/// One field of a message: its number, and its bytes, or its number in them.
type Fields = BTreeMap<u64, Vec<Vec<u8>>>;

/// Reads any message of protobuf into its fields; `None` where one is cut short or has a type that does not exist.
fn fields(mut bytes: &[u8]) -> Option<Fields> {
    let mut out = Fields::new();
    while !bytes.is_empty() {
        let key = varint(&mut bytes)?;
        let content = match key & 7 {
            0 => varint(&mut bytes)?.to_be_bytes().to_vec(),
            1 => take(&mut bytes, 8)?.to_vec(),
            2 => {
                let length = varint(&mut bytes)?;
                take(&mut bytes, usize::try_from(length).ok()?)?.to_vec()
            }
            _ => return None,
        };
        out.entry(key >> 3).or_default().push(content);
    }
    Some(out)
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = *take(bytes, 1)?.first()?;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

fn take<'a>(bytes: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (taken, rest) = bytes.split_at_checked(count)?;
    *bytes = rest;
    Some(taken)
}

/// A span as the collector understood it.
#[derive(Debug, Clone, PartialEq)]
struct Seen {
    trace: Vec<u8>,
    span: Vec<u8>,
    parent: Option<Vec<u8>>,
    name: String,
    links: usize,
    error: bool,
}

fn one(message: &Fields, field: u64) -> Option<&Vec<u8>> {
    message.get(&field).and_then(|all| all.first())
}

/// Reads a request strictly: `None` for what a collector answers with 400.
fn spans(body: &[u8]) -> Option<Vec<Seen>> {
    let resource = fields(one(&fields(body)?, 1)?)?;
    let service = fields(one(&fields(one(&resource, 1)?)?, 1)?)?;
    (one(&service, 1)? == b"service.name").then_some(())?;
    let scope = fields(one(&resource, 2)?)?;
    scope.get(&2)?.iter().map(|span| seen(span)).collect()
}

fn seen(span: &[u8]) -> Option<Seen> {
    let span = fields(span)?;
    let number = |field: u64| Some(u64::from_le_bytes(one(&span, field)?.as_slice().try_into().ok()?));
    let (trace, id) = (one(&span, 1)?.clone(), one(&span, 2)?.clone());
    let is_whole = trace.len() == 16 && id.len() == 8 && number(7)? > 0 && number(7)? <= number(8)?;
    let name = String::from_utf8(one(&span, 5)?.clone()).ok().filter(|name| !name.is_empty())?;
    is_whole.then(|| Seen {
        trace,
        span: id,
        parent: one(&span, 4).cloned(),
        name,
        links: span.get(&13).map_or(0, Vec::len),
        error: span.contains_key(&15),
    })
}

#[derive(Default)]
struct StandIn {
    seen: Mutex<Vec<Seen>>,
    /// Statuses that are answered first.
    answers: Mutex<Vec<u16>>,
    asked: tokio::sync::Notify,
}

async fn collect(state: web::Data<StandIn>, request: HttpRequest, body: web::Bytes) -> HttpResponse {
    let answer = state.answers.lock().unwrap().pop();
    state.asked.notify_one();
    if let Some(status) = answer {
        return HttpResponse::build(status.try_into().unwrap()).finish();
    }
    let kind = request.headers().get("content-type").map(|kind| kind.as_bytes().to_vec());
    if kind.as_deref() != Some(b"application/x-protobuf") {
        return HttpResponse::UnsupportedMediaType().finish();
    }
    let Some(spans) = spans(&body) else { return HttpResponse::BadRequest().finish() };
    state.seen.lock().unwrap().extend(spans);
    HttpResponse::Ok().finish()
}

/// Starts the stand-in; returns what it saw, and its address.
fn stand_in(answers: Vec<u16>) -> (web::Data<StandIn>, String) {
    let state = web::Data::new(StandIn { answers: Mutex::new(answers), ..StandIn::default() });
    let data = state.clone();
    let app = move || App::new().app_data(data.clone()).route("/v1/traces", web::post().to(collect));
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = HttpServer::new(app).workers(1).disable_signals().listen(listener).unwrap().run();
    #[expect(clippy::disallowed_methods, reason = "it ends with the test")]
    drop(actix_rt::spawn(server));
    (state, format!("http://{address}/v1/traces"))
}

/// A request with its append, and an attempt that serves it and another.
fn tell(metrics: &Metrics) -> (Context, Context) {
    let (from, until) = (clock::now(), clock::now());
    let (request, other) = (Context::fresh(), Context::fresh());
    let whose = (request, Some([9; 8]));
    let (method, path) = ("POST", "/v1/batch");
    RequestTraced { whose, request_id: "r", method, path, status: 503, from, until }.emit(metrics);
    AppendTraced { request, events: 2, duplicates: 1, error: None, from, until }.emit(metrics);
    for requests in [vec![request], vec![request, other]] {
        let (destination, events, attempt, error) = ("crm", 2, 1, Some("rejected"));
        AttemptTraced { requests, destination, events, attempt, error, from, until }.emit(metrics);
    }
    (request, other)
}

#[actix::test]
async fn a_collector_gets_whole_spans_that_belong_together_also_after_it_was_busy() {
    let (state, address) = stand_in(vec![503]);
    let metrics = Arc::new(Metrics::new());
    let collector = Collector::start(Some(&address), &metrics).unwrap().unwrap();
    let (request, _) = tell(&metrics);
    // One that was refused, and the one that was taken.
    state.asked.notified().await;
    state.asked.notified().await;
    collector.farewell().await;
    let seen = state.seen.lock().unwrap().clone();
    let names: Vec<&str> = seen.iter().map(|span| span.name.as_str()).collect();
    assert_eq!(names, ["POST /v1/batch", "journal append", "deliver crm", "deliver crm"]);
    let [call, append, alone, shared] = seen.as_slice() else { panic!("{seen:?}") };
    assert_eq!((&call.trace[..], call.parent.as_deref()), (&request.trace[..], Some(&[9; 8][..])));
    for part in [append, alone] {
        assert_eq!((&part.trace, part.parent.as_ref()), (&call.trace, Some(&call.span)));
        assert_ne!(part.span, call.span);
    }
    assert!(shared.trace != call.trace && shared.parent.is_none());
    assert_eq!((append.links, alone.links, shared.links), (0, 1, 2));
    assert_eq!(seen.iter().map(|span| span.error).collect::<Vec<_>>(), [true, false, true, true]);
    let page = metrics.encode();
    assert!(page.contains("opentrack_spans_total{end=\"sent\"} 4"), "{page}");
}

#[actix::test]
async fn what_a_collector_refuses_is_counted_and_not_sent_again() {
    let (state, address) = stand_in(vec![200, 400]);
    let metrics = Arc::new(Metrics::new());
    let collector = Collector::start(Some(&address), &metrics).unwrap().unwrap();
    tell(&metrics);
    state.asked.notified().await;
    collector.farewell().await;
    assert_eq!(state.answers.lock().unwrap().len(), 1, "it was asked once");
    let page = metrics.encode();
    assert!(page.contains("opentrack_spans_total{end=\"lost\"} 4"), "{page}");
}

#[actix::test]
async fn without_an_address_nothing_is_made() {
    let metrics = Arc::new(Metrics::new());
    assert!(Collector::start(None, &metrics).unwrap().is_none());
    assert!(!metrics.traces.are_on());
}
