//! More bodies than the router has room for: it slows their senders down before it refuses any, and what it refuses may
//! come again on the same connection. Nothing that was answered 200 is missing.

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{Config, Router, batch, fresh_id, ids_of, track, until};

/// Bodies as large as the router takes, so many that they leave some MiB of its 64 MiB.
const LARGE: usize = 12;
const LARGE_BYTES: usize = 5 * 1024 * 1024;
/// A body that leaves less than one MiB of these.
const MIDDLE_BYTES: usize = 3200 * 1024;
/// More requests than there is room for in the rest, however small they are.
const SMALL: usize = 300;

/// One kept connection.
struct Sender {
    stream: TcpStream,
}

impl Sender {
    async fn connect(router: &Router) -> Sender {
        Sender { stream: TcpStream::connect(("127.0.0.1", router.port())).await.expect("the router listens") }
    }

    async fn write(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.expect("the router reads");
    }

    async fn head(&mut self, path: &str, bytes: usize) {
        let head = format!("POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: {bytes}\r\n\r\n");
        self.write(head.as_bytes()).await;
    }

    async fn post(&mut self, path: &str, body: &str) {
        self.head(path, body.len()).await;
        self.write(body.as_bytes()).await;
    }

    /// Reads one answer and returns its status, its head and its body.
    async fn answer(&mut self) -> (u16, String, String) {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(self.stream.read_u8().await.expect("the connection lives"));
        }
        let head = String::from_utf8(head).expect("a head is ASCII").to_lowercase();
        let length = head.split("content-length: ").nth(1).and_then(|rest| rest.lines().next());
        let mut body = vec![0; length.and_then(|length| length.parse().ok()).unwrap_or(0)];
        self.stream.read_exact(&mut body).await.expect("the body comes");
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        (status, head, String::from_utf8(body).expect("the body is text"))
    }
}

/// A number of `/metrics` that has no labels.
async fn gauge(router: &Router, name: &str) -> usize {
    let page = router.get("/metrics").await.text;
    let number = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    number.and_then(|number| number.parse().ok()).unwrap_or_else(|| panic!("no `{name}` in {page}"))
}

/// How many bytes requests hold.
async fn in_flight(router: &Router) -> usize {
    gauge(router, "opentrack_http_bytes_in_flight").await
}

/// How many requests wait for room.
async fn waiting(router: &Router) -> usize {
    gauge(router, "opentrack_http_requests_waiting").await
}

/// A batch that is as large as it may be, and the ids of its events.
fn large_batch() -> (String, Vec<String>) {
    let mut events: Vec<_> = (0..8).map(|n| track("large", n)).collect();
    for event in &mut events {
        event["properties"] = json!({ "pad": "x".repeat(600 * 1024) });
    }
    let body = batch(&events).to_string();
    let pad = " ".repeat(LARGE_BYTES - body.len());
    (body + &pad, ids_of(&events))
}

/// Senders who have sent all but the last byte of more than the router has room for.
struct Crowd {
    /// The first one sends a batch of events.
    first: Sender,
    ids: Vec<String>,
    others: Vec<Sender>,
}

impl Crowd {
    async fn gather(router: &Router) -> Crowd {
        let (body, ids) = large_batch();
        let mut first = Sender::connect(router).await;
        first.head("/v1/batch", LARGE_BYTES).await;
        first.write(&body.as_bytes()[..LARGE_BYTES - 1]).await;
        until("the first is read", 10, async || in_flight(router).await >= LARGE_BYTES).await;
        let mut crowd = Crowd { first, ids, others: Vec::new() };
        for bytes in std::iter::repeat_n(LARGE_BYTES, LARGE - 1).chain([MIDDLE_BYTES]) {
            let before = in_flight(router).await;
            crowd.join(router, bytes).await;
            until("it is read", 10, async || in_flight(router).await >= before + bytes).await;
        }
        for _ in 0..SMALL {
            crowd.join(router, 2).await;
        }
        until("some wait for room", 10, async || waiting(router).await > 0).await;
        crowd
    }

    async fn join(&mut self, router: &Router, bytes: usize) {
        let mut sender = Sender::connect(router).await;
        sender.head("/v1/batch", bytes).await;
        sender.write(&vec![b' '; bytes - 1]).await;
        self.others.push(sender);
    }

    /// One of them gives up, which makes room for the first one to end, and that for the others.
    async fn scatter(&mut self) {
        drop(self.others.remove(0));
        self.first.write(b" ").await;
        assert_eq!(self.first.answer().await.0, 200);
    }
}

#[tokio::test]
async fn under_pressure_a_request_is_answered_later_and_not_refused() {
    let router = Router::start(Config::new()).await;
    let mut crowd = Crowd::gather(&router).await;
    let before = waiting(&router).await;
    let event = track("patient", 1);
    let mut sender = Sender::connect(&router).await;
    sender.post("/v1/track", &event.to_string()).await;
    until("it waits with the others", 10, async || waiting(&router).await > before).await;
    crowd.scatter().await;
    assert_eq!(sender.answer().await.0, 200);
    drop(crowd.others);
    router.until_rows("tracks", &[crowd.ids, ids_of(&[event])].concat()).await;
}

#[tokio::test]
async fn a_request_that_waits_in_vain_is_refused_and_may_come_again_on_its_connection() {
    let router = Router::start(Config::new()).await;
    let mut crowd = Crowd::gather(&router).await;
    let body = json!({ "messageId": fresh_id("again"), "userId": "u", "event": "Order Completed" });
    let mut sender = Sender::connect(&router).await;
    sender.post("/v1/track", &body.to_string()).await;
    let (status, head, answer) = sender.answer().await;
    assert_eq!(status, 503, "{answer}");
    assert!(head.contains("\r\nretry-after: 1\r\n"), "{head}");
    assert!(answer.contains("\"code\":\"overloaded\""), "{answer}");
    crowd.scatter().await;
    drop(crowd.others);
    sender.post("/v1/track", &body.to_string()).await;
    assert_eq!(sender.answer().await.0, 200);
    router.until_rows("tracks", &[crowd.ids, ids_of(&[body])].concat()).await;
    let memory = router.memory_mib();
    assert!(memory < 300, "the router takes {memory} MiB");
}
