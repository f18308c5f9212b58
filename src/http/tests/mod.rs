//! The door on real sockets, with a stand-in for the supervisor behind its addresses.

mod additions;
mod bad_input;
mod browser;
mod collecting;
mod console;
mod contract;
mod hardened;
mod library;
mod live;
mod operators;
mod pixels;
mod pressure;
mod privacy;
mod scopes;
mod scripts;
mod secrets;
mod session;
mod signed;
mod sources;
mod stats;
mod tapped;
mod visitors;

use std::collections::HashMap;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix::{Actor, Context, Handler, Message, MessageResult, ResponseFuture};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;

use super::budget::Budget;
use super::state::Shared;
use super::{Door, LetterDesk, LiveDesk, serving};
use crate::actors::messages::{
    Accept, Accepted, DescribeSchemas, DestinationStatus, ListLetters, ListRejected, NotAccepted, NotOrdered,
    Order, Readiness, ReadyCheck, SchemaReport, SettleLetters, Settled, ShownColumn, ShownTable, Snapshot,
    TellTimeline, Timeline, TraceEvent, Traced, Whose,
};
use crate::actors::tap::{Tap, TapLine};
use crate::config::Settings;
use crate::config::settings::{
    Consent, Console, Durability, EventRate, Journal, Limits, OnFull, Privacy, Server, Source, Tracker,
};
use crate::journal::trace::{RejectedTrace, Rejection};
use crate::spec::privacy::Treatment;
use crate::telemetry::Metrics;

/// How many requests may wait to be let in, when a test sets the budget.
const SEATS: usize = 2;

/// What the stand-in does with a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mood {
    Store,
    Full,
    Unavailable,
    Silent,
}

/// What the stand-in was given.
#[derive(Default)]
struct Seen {
    ids: Vec<String>,
    /// The texts of the events.
    texts: Vec<String>,
    sources: Vec<String>,
    with_ip: Vec<bool>,
    rejected: Vec<usize>,
    /// Kept on purpose: events that are not durable yet hold the budget.
    permits: Vec<Option<OwnedSemaphorePermit>>,
    questions: Vec<(usize, Option<String>)>,
    lists: Vec<ListLetters>,
    persons: Vec<Whose>,
    settled: Vec<SettleLetters>,
}

struct Router {
    mood: Mood,
    checks: Vec<ReadyCheck>,
    statuses: Vec<DestinationStatus>,
    seen: Arc<Mutex<Seen>>,
}

impl Actor for Router {
    type Context = Context<Self>;
}

impl Handler<Accept> for Router {
    type Result = ResponseFuture<Result<Accepted, NotAccepted>>;

    fn handle(&mut self, accept: Accept, _: &mut Context<Self>) -> Self::Result {
        let stored = accept.events.len();
        let mut seen = self.seen.lock().unwrap();
        for event in &accept.events {
            seen.texts.push(String::from_utf8(event.raw.to_vec()).unwrap());
            seen.ids.push(event.head.message_id.to_string());
            seen.sources.push(event.receipt.source.to_string());
            seen.with_ip.push(event.receipt.ip.is_some());
        }
        seen.rejected.push(accept.rejected.len());
        seen.permits.push(accept.permit);
        let mood = self.mood;
        Box::pin(async move {
            match mood {
                Mood::Store => Ok(Accepted { stored, duplicates: 0 }),
                Mood::Full => Err(NotAccepted::Full("10 GiB".to_owned())),
                Mood::Unavailable => Err(NotAccepted::Unavailable("stopping".to_owned())),
                Mood::Silent => std::future::pending().await,
            }
        })
    }
}

impl Handler<Snapshot> for Router {
    type Result = MessageResult<Snapshot>;

    fn handle(&mut self, _: Snapshot, _: &mut Context<Self>) -> Self::Result {
        MessageResult(self.statuses.clone())
    }
}

impl Handler<Readiness> for Router {
    type Result = MessageResult<Readiness>;

    fn handle(&mut self, _: Readiness, _: &mut Context<Self>) -> Self::Result {
        MessageResult(self.checks.clone())
    }
}

impl Handler<Order> for Router {
    type Result = <Order as Message>::Result;

    fn handle(&mut self, _: Order, _: &mut Context<Self>) -> Self::Result {
        Err(NotOrdered::Unknown)
    }
}

impl Handler<ListRejected> for Router {
    type Result = <ListRejected as Message>::Result;

    fn handle(&mut self, question: ListRejected, _: &mut Context<Self>) -> Self::Result {
        self.seen.lock().unwrap().questions.push((question.limit, question.cursor));
        let line = r#"{"message_id":"m","source":"web","code":"missing_identity","event":{"total":42.00}}"#;
        let line = serde_json::value::RawValue::from_string(line.to_owned()).unwrap();
        let mut page: Self::Result = Ok(Default::default());
        if let Ok(page) = &mut page {
            page.rejected = vec![line.into()];
            page.next = Some("7".to_owned());
        }
        page
    }
}

impl Handler<TraceEvent> for Router {
    type Result = <TraceEvent as Message>::Result;

    fn handle(&mut self, question: TraceEvent, _: &mut Context<Self>) -> Self::Result {
        if question.message_id == "unknown" {
            return Ok(None);
        }
        let message = format!("asked for {}", question.message_id);
        let rejected = Rejection { code: "too_deep".into(), message, path: String::new() };
        Ok(Some(Traced::Rejected(RejectedTrace {
            message_id: question.message_id,
            source: Some("web".to_owned()),
            rejected,
        })))
    }
}

impl Handler<TellTimeline> for Router {
    type Result = <TellTimeline as Message>::Result;

    fn handle(&mut self, TellTimeline(whose): TellTimeline, _: &mut Context<Self>) -> Self::Result {
        self.seen.lock().unwrap().persons.push(whose);
        Ok(Timeline::default())
    }
}

impl Handler<DescribeSchemas> for Router {
    type Result = <DescribeSchemas as Message>::Result;

    fn handle(&mut self, question: DescribeSchemas, _: &mut Context<Self>) -> Self::Result {
        let name = question.destination.unwrap_or_else(|| "every".to_owned());
        let column = ShownColumn { name: "n".to_owned(), column_type: "int", since: None };
        let table =
            ShownTable { destination: name.clone(), name: "viewed".to_owned(), columns: vec![column] };
        Ok((name != "nobody").then(|| SchemaReport { tables: vec![table], ..SchemaReport::default() }))
    }
}

impl Handler<ListLetters> for Router {
    type Result = <ListLetters as Message>::Result;

    fn handle(&mut self, question: ListLetters, _: &mut Context<Self>) -> Self::Result {
        self.seen.lock().unwrap().lists.push(question);
        Ok(Default::default())
    }
}

impl Handler<SettleLetters> for Router {
    type Result = <SettleLetters as Message>::Result;

    fn handle(&mut self, command: SettleLetters, _: &mut Context<Self>) -> Self::Result {
        self.seen.lock().unwrap().settled.push(command);
        Ok(Settled { count: 3, left: 0 })
    }
}

/// How a test's door differs from the usual one.
struct Plan {
    settings: Settings,
    mood: Mood,
    checks: Vec<ReadyCheck>,
    statuses: Vec<DestinationStatus>,
    live: Option<LiveDesk>,
    reports: Arc<dyn crate::stores::ReportStore>,
    tap: Option<actix::Addr<Tap>>,
    suppression: Arc<crate::privacy::Suppression>,
    budget_bytes: Option<usize>,
    answer_within: Option<Duration>,
    wait_at_most: Duration,
    /// Connections from this machine count as those of a stranger do.
    counts_loopback: bool,
}

impl Plan {
    fn new() -> Self {
        Plan {
            settings: settings(),
            mood: Mood::Store,
            checks: Vec::new(),
            statuses: Vec::new(),
            live: None,
            reports: Arc::new(crate::stores::embedded::Embedded::new("/nowhere/analytics.db".into())),
            tap: None,
            suppression: Arc::default(),
            budget_bytes: None,
            answer_within: None,
            wait_at_most: Duration::ZERO,
            counts_loopback: false,
        }
    }

    fn with_source(mut self, name: &str, key: &str, origins: &[&str]) -> Self {
        self.settings.sources.push(Source {
            name: Arc::from(name),
            write_keys: vec![key.to_owned().into()],
            origins: origins.iter().map(|origin| (*origin).to_owned()).collect(),
            enforce_origin: !origins.is_empty(),
            require_signature: false,
            signing_secrets: Vec::new(),
        });
        self
    }

    /// Opens the door on a free port.
    fn open(self) -> TestDoor {
        let seen = Arc::new(Mutex::new(Seen::default()));
        let router =
            Router { mood: self.mood, checks: self.checks, statuses: self.statuses, seen: Arc::clone(&seen) };
        let (router, metrics) = (router.start(), Arc::new(Metrics::new()));
        let door = Door {
            settings: Arc::new(self.settings),
            accept: router.clone().recipient(),
            snapshot: router.clone().recipient(),
            readiness: router.clone().recipient(),
            rejected: router.clone().recipient(),
            letters: LetterDesk { list: router.clone().recipient(), settle: router.clone().recipient() },
            orders: router.clone().recipient(),
            trace: router.clone().recipient(),
            timeline: router.clone().recipient(),
            schemas: router.clone().recipient(),
            privacy: privacy::desk(&router, self.suppression),
            reports: report_desk(self.reports),
            live: self.live,
            tap: self.tap.unwrap_or_else(|| Tap::new("b", TapLine::default()).start()).recipient(),
            shared: None,
            metrics: Arc::clone(&metrics),
        };
        let mut shared = Shared::new(&door);
        if let Some(bytes) = self.budget_bytes {
            shared.budget = Budget::of(bytes, SEATS);
        }
        shared.loopback.retain(|_| !self.counts_loopback);
        let answer_within = self.answer_within.unwrap_or(shared.answer_within);
        (shared.wait_at_most, shared.answer_within) = (self.wait_at_most, answer_within);
        let (listener, address) = listen();
        let shared = Arc::new(shared);
        let terms = super::DoorTerms(Arc::clone(&shared));
        let server = serving::start(door, shared, vec![listener]).unwrap();
        #[expect(
            clippy::disallowed_methods,
            reason = "a panic of the server fails the test that talks to it"
        )]
        drop(actix_web::rt::spawn(server));
        TestDoor { address, seen, metrics, terms, client: client() }
    }
}

fn report_desk(store: Arc<dyn crate::stores::ReportStore>) -> super::ReportDesk {
    super::ReportDesk { store: Some(store), zone: "UTC".into(), currency: "USD".into() }
}

fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

struct TestDoor {
    address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
    metrics: Arc<Metrics>,
    terms: super::DoorTerms,
    client: reqwest::Client,
}

/// One answer, with its headers in lower case.
#[derive(Debug)]
struct Answer {
    status: u16,
    headers: HashMap<String, String>,
    body: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// Checks what holds for every error and returns its code.
    fn error(&self, status: u16) -> String {
        assert_eq!(self.status, status, "{self:?}");
        let json = self.json();
        assert!(json["message"].as_str().is_some_and(|message| !message.is_empty()), "{self:?}");
        assert!(json["error"].is_string() && json["details"].is_array(), "{self:?}");
        assert_eq!(self.header("x-content-type-options"), "nosniff");
        json["code"].as_str().unwrap().to_owned()
    }
}

impl TestDoor {
    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    #[expect(clippy::disallowed_methods, reason = "the router under test is trusted to end its answers")]
    async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        let response = request.send().await.unwrap();
        let headers = response.headers().iter();
        let headers = headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()));
        Answer {
            status: response.status().as_u16(),
            headers: headers.collect(),
            body: response.text().await.unwrap(),
        }
    }

    async fn post(&self, path: &str, body: impl Into<reqwest::Body>) -> Answer {
        self.post_with(path, body, &[]).await
    }

    async fn post_with(
        &self,
        path: &str,
        body: impl Into<reqwest::Body>,
        headers: &[(&str, &str)],
    ) -> Answer {
        let mut request = self.client.post(self.url(path)).body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request).await
    }

    async fn get(&self, path: &str) -> Answer {
        self.send(self.client.get(self.url(path))).await
    }

    async fn connect(&self) -> Socket {
        Socket { stream: TcpStream::connect(self.address).await.unwrap() }
    }

    /// Returns the last event that the stand-in was given.
    fn last_event(&self) -> Value {
        self.seen(|seen| serde_json::from_str(seen.texts.last().unwrap()).unwrap())
    }

    fn seen<T>(&self, look: impl FnOnce(&Seen) -> T) -> T {
        look(&self.seen.lock().unwrap())
    }
}

/// A connection on which a test writes what no HTTP library would.
struct Socket {
    stream: TcpStream,
}

impl Socket {
    async fn write(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.unwrap();
    }

    async fn post(&mut self, path: &str, headers: &str, body: &str) {
        let length = body.len();
        let head = format!("POST {path} HTTP/1.1\r\nhost: x\r\n{headers}content-length: {length}\r\n\r\n");
        self.write(head + body).await;
    }

    /// Reads one answer with a `Content-Length`.
    async fn answer(&mut self) -> Answer {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(self.stream.read_u8().await.unwrap());
        }
        let head = String::from_utf8(head).unwrap();
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let fields = lines.filter_map(|line| line.split_once(": "));
        let headers: HashMap<_, _> =
            fields.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect();
        let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).await.unwrap();
        Answer { status, headers, body: String::from_utf8(body).unwrap() }
    }
}

fn client() -> reqwest::Client {
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
    client.no_proxy().build().unwrap()
}

fn track(id: &str) -> String {
    format!(r#"{{"messageId":"{id}","userId":"u","event":"Order Completed"}}"#)
}

fn batch(calls: &[&str]) -> String {
    format!(r#"{{"batch":[{}]}}"#, calls.join(","))
}

fn server() -> Server {
    let second = Duration::from_secs(1);
    Server {
        listen: Vec::new(),
        production: false,
        data_dir: std::path::PathBuf::from("/nonexistent"),
        log: "info".to_owned(),
        max_body_bytes: 5 * 1024 * 1024,
        max_event_bytes: 1024 * 1024,
        header_timeout: 10 * second,
        body_timeout: 30 * second,
        max_connections: 1000,
        max_connections_per_ip: 0,
        trusted_proxies: Vec::new(),
        shutdown_timeout: second,
        jwt_secret: "a-secret-for-tests-of-32-bytes--".to_owned().into(),
        jwt_secret_old: String::new().into(),
        site_salt: String::new().into(),
        hmac_secret: "the-key-of-signed-requests-in-tests".to_owned().into(),
    }
}

fn settings() -> Settings {
    let second = Duration::from_secs(1);
    let off = EventRate { events_per_second: 0, burst: 0 };
    Settings {
        server: server(),
        journal: Journal {
            shared: None,
            durability: Durability::Os,
            max_bytes: 1024 * 1024,
            retention: second,
            dead_letter_retention: second,
            on_full: OnFull::Reject,
            dedupe_window: second,
            dedupe_max_ids: 10,
        },
        limits: Limits { per_ip: off, per_source: off },
        consent: Default::default(),
        privacy: Privacy {
            ip: Treatment::Truncate,
            encrypt: Vec::new(),
            keyring: None,
            tell_deletions: Vec::new(),
        },
        additions: Default::default(),
        tracker: tracker(),
        realtime: Default::default(),
        telemetry: crate::config::settings::Telemetry::default(),
        console: Console { enabled: true, password: String::new().into() },
        sources: Vec::new(),
        destinations: Vec::new(),
    }
}

fn tracker() -> Tracker {
    Tracker {
        script_path: crate::config::SCRIPT_PATH.to_owned(),
        collect_path: crate::config::COLLECT_PATH.to_owned(),
        cookie_domain: None,
        cookie_http_only: false,
        exclude_automatic: false,
        storage: Consent::to(&["storage".to_owned()], Default::default()),
    }
}
