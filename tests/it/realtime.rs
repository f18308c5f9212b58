//! What is live, at the real router: the stream, the numbers, and both after a kill.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;

use super::support::{Config, Router, batch, fresh_id, until, until_some};

const STREAM: &str = "/presence/stream";

/// A client as simple as curl: it reads what comes.
struct Stream {
    response: reqwest::Response,
    text: String,
}

impl Stream {
    async fn open(router: &Router, last_event_id: Option<&str>) -> Stream {
        let mut request = router.request("GET", STREAM).timeout(Duration::from_secs(300));
        if let Some(id) = last_event_id {
            request = request.header("last-event-id", id);
        }
        let response = request.send().await.expect("the router answers");
        assert_eq!(response.status(), 200);
        Stream { response, text: String::new() }
    }

    /// Reads until a whole frame satisfies this, and returns it.
    async fn until(&mut self, what: &str, is_it: impl Fn(&Frame) -> bool) -> Frame {
        loop {
            if let Some(frame) = self.frames().into_iter().find(&is_it) {
                return frame;
            }
            let bytes = self.response.chunk().await.unwrap_or_else(|error| panic!("until {what}: {error}"));
            let bytes = bytes.unwrap_or_else(|| panic!("the stream ended before {what}: {}", self.text));
            self.text.push_str(std::str::from_utf8(&bytes).unwrap());
        }
    }

    /// Reads to the end.
    async fn end(mut self) -> Vec<Frame> {
        while let Some(bytes) = self.response.chunk().await.unwrap() {
            self.text.push_str(std::str::from_utf8(&bytes).unwrap());
        }
        self.frames()
    }

    fn frames(&self) -> Vec<Frame> {
        let whole = self.text.rfind("\n\n").map_or("", |end| &self.text[..end]);
        whole.split("\n\n").filter_map(Frame::read).collect()
    }
}

#[derive(Debug, Clone)]
struct Frame {
    event: String,
    id: Option<String>,
    data: Value,
}

impl Frame {
    fn read(text: &str) -> Option<Frame> {
        let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
        let data = serde_json::from_str(&field("data: ")?).expect("data is JSON");
        Some(Frame { event: field("event: ")?, id: field("id: "), data })
    }
}

fn page(visitor: &str, path: &str) -> Value {
    json!({
        "type": "page", "anonymousId": visitor, "messageId": fresh_id("page"),
        "context": { "page": { "path": path } },
    })
}

fn track(visitor: &str, event: &str, properties: Value) -> Value {
    json!({
        "type": "track", "event": event, "anonymousId": visitor, "messageId": fresh_id("track"),
        "properties": properties, "context": { "page": { "path": "/" } },
    })
}

async fn send(router: &Router, events: &[Value]) {
    router.post("/v1/batch", &batch(events)).await.expect_success();
}

/// Returns the totals of `/api/stats/realtime` once they are as wanted.
async fn totals(router: &Router, what: &str, is_it: impl Fn(&Value) -> bool) -> Value {
    until_some(what, 60, async || {
        let answer = router.get("/api/stats/realtime").await;
        let totals = (answer.status == 200).then(|| answer.json()["totals"].clone());
        totals.filter(|totals| is_it(totals))
    })
    .await
}

/// Returns the totals once so many events of the last half hour are in them.
async fn once_taken(router: &Router, events: u64) -> Value {
    until_some("all are counted", 60, async || {
        let report =
            Some(router.get("/api/stats/realtime").await).filter(|answer| answer.status == 200)?.json();
        let rows = report["rows"].as_array()?;
        let counted: u64 = rows.iter().filter_map(|row| row["events"].as_u64()).sum();
        (counted == events).then(|| report["totals"].clone())
    })
    .await
}

/// What does not depend on when it is looked at.
fn lasting(totals: &Value) -> Vec<Value> {
    ["m30", "sessions", "pages", "orders", "funnel", "carts", "estimated"]
        .map(|name| totals[name].clone())
        .to_vec()
}

#[tokio::test]
async fn what_is_accepted_is_on_the_stream_and_in_the_numbers() {
    let router = Router::start(Config::new()).await;
    let mut stream = Stream::open(&router, None).await;
    let first = stream.until("the snapshot", |frame| frame.event == "snapshot").await;
    assert_eq!((&first.data["m5"], &first.data["orders"]["count"]), (&json!(0), &json!(0)));
    send(&router, &[page("a", "/shop/"), page("b", "/shop")]).await;
    send(&router, &[track("b", "Order Completed", json!({ "order_id": "o-1", "revenue": "20.50" }))]).await;
    let session = stream.until("a session", |frame| frame.event == "session").await;
    assert_eq!((&session.data["state"], &session.data["entry"]), (&json!("started"), &json!("/shop")));
    let order = stream.until("the order", |frame| frame.event == "order").await;
    assert_eq!((&order.data["order_id"], &order.data["amount"]), (&json!("o-1"), &json!("20.50")));
    let is_it = |frame: &Frame| frame.event == "presence" && frame.data["orders"]["count"] == 1;
    let presence = stream.until("the numbers", is_it).await;
    assert_eq!((&presence.data["m1"], &presence.data["m30"]), (&json!(2), &json!(2)));
    assert_eq!(presence.data["orders"]["revenue"]["USD"]["net"], "20.50");
    let pages = json!([{ "path": "/", "visitors": 1 }, { "path": "/shop", "visitors": 1 }]);
    assert_eq!(presence.data["pages"], pages);
    let totals = totals(&router, "the numbers are told", |totals| totals["orders"]["count"] == 1).await;
    assert_eq!(lasting(&totals)[..4], lasting(&presence.data)[..4]);
    let text =
        serde_json::to_string(&stream.frames().iter().map(|frame| &frame.data).collect::<Vec<_>>()).unwrap();
    assert!(!text.contains("\"a\"") && !text.contains("anonymous"), "no visitor is named: {text}");
}

#[tokio::test]
async fn who_was_cut_off_goes_on_where_it_was() {
    let mut router = Router::start(Config::new()).await;
    let order = |id: &str| [track("a", "Order Completed", json!({ "order_id": id, "revenue": 1 }))];
    let mut stream = Stream::open(&router, None).await;
    send(&router, &order("first")).await;
    let heard = stream.until("the order", |frame| frame.event == "order").await.id.unwrap();
    drop(stream);
    send(&router, &order("second")).await;
    let mut stream = Stream::open(&router, Some(&heard)).await;
    stream.until("the other order", |frame| frame.data["order_id"] == "second").await;
    let frames = stream.frames();
    assert!(!frames.iter().any(|frame| ["snapshot", "gap"].contains(&frame.event.as_str())), "{frames:?}");
    let number = |id: &str| id.rsplit_once('-').unwrap().1.parse::<u64>().unwrap();
    let next = frames[0].id.as_deref().map(number);
    assert_eq!(next, Some(number(&heard) + 1), "nothing is left out: {frames:?}");
    drop(stream);
    router.restart().await;
    let mut stream = Stream::open(&router, Some(&heard)).await;
    stream.until("a snapshot", |frame| frame.event == "snapshot").await;
    let frames = stream.frames();
    assert_eq!(
        (frames[0].event.as_str(), &frames[0].data),
        ("gap", &json!({ "missed": null })),
        "{frames:?}"
    );
}

#[tokio::test]
async fn a_slow_reader_is_told_how_much_it_misses_and_slows_nobody_down() {
    let router = Router::start(Config::new()).await;
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4_096).unwrap();
    let mut slow = socket.connect(([127, 0, 0, 1], router.port()).into()).await.unwrap();
    let head = format!("GET {STREAM} HTTP/1.1\r\nhost: localhost\r\n\r\n");
    slow.write_all(head.as_bytes()).await.unwrap();
    let long = "x".repeat(500);
    for round in 0..60 {
        let pages: Vec<Value> = (0..100)
            .map(|n| {
                let mut page = page(&format!("{round}-{n}"), &format!("/{n}/{long}"));
                page["context"]["page"]["referrer"] = format!("https://other.example/{long}").into();
                page
            })
            .collect();
        send(&router, &pages).await;
    }
    totals(&router, "everybody is counted", |totals| totals["m30"] == 6_000).await;
    let mut text = Vec::new();
    let mut buffer = vec![0; 65_536];
    until_some("the gap is told", 60, async || {
        let read = slow.read(&mut buffer).await.unwrap();
        assert!(read > 0, "the stream ended");
        text.extend_from_slice(&buffer[..read]);
        let text = String::from_utf8_lossy(&text);
        let (_, gap) = text.split_once("event: gap\ndata: {\"missed\":")?;
        gap.split_once('}')?.0.parse::<u64>().ok().filter(|missed| *missed > 0)
    })
    .await;
    let metrics = router.get("/metrics").await.text;
    let dropped = metrics.lines().find_map(|line| line.strip_prefix("opentrack_stream_dropped_total "));
    assert!(dropped.unwrap().parse::<u64>().unwrap() > 0, "{dropped:?}");
}

#[tokio::test]
async fn in_production_a_token_lets_somebody_listen_until_it_ends() {
    let secret = "0123456789abcdef0123456789abcdef-jwt";
    let config = Config::new()
        .server("environment = \"production\"")
        .table("[sources.web]\nwrite_keys = [\"key\"]")
        .env("JWT_SECRET", secret)
        .env("SITE_SALT", "0123456789abcdef0123456789abcdef-salt");
    let mut router = Router::start(config).await;
    router.get(STREAM).await.expect_error(401, "unauthorized");
    router.get("/api/stats/realtime").await.expect_error(401, "unauthorized");
    let token = |scope: &str, ttl: &str| {
        let config = router.dir().join("config.toml");
        let mut command = super::support::opentrack();
        command.args(["token", "--scope", scope, "--ttl", ttl, "--config"]).arg(config);
        let output = command
            .env("JWT_SECRET", secret)
            .env("SITE_SALT", "0123456789abcdef0123456789abcdef-salt")
            .output();
        String::from_utf8(output.unwrap().stdout).unwrap().trim().to_owned()
    };
    let with = |token: &str| {
        router.request("GET", STREAM).bearer_auth(token).timeout(Duration::from_secs(300)).send()
    };
    assert_eq!(with(&token("read:stats", "1m")).await.unwrap().status(), 403);
    let long = format!("{STREAM}?access_token={}", token("read:stream", "1h"));
    router.get(&long).await.expect_error(401, "unauthorized");
    let short = token("read:stream", "8s");
    let request = router.request("GET", &format!("{STREAM}?access_token={short}"));
    let response = request.timeout(Duration::from_secs(300)).send().await.unwrap();
    assert_eq!(response.status(), 200);
    let frames = Stream { response, text: String::new() }.end().await;
    let last = frames.last().unwrap();
    assert_eq!((last.event.as_str(), &last.data), ("bye", &json!({ "reason": "token_expired" })));
    assert!(!router.log().contains(&short), "a token is in the log");
    let listening = with(&token("read:stream", "1h")).await.unwrap();
    router.stop().await;
    let frames = Stream { response: listening, text: String::new() }.end().await;
    assert_eq!(frames.last().map(|frame| frame.data.clone()), Some(json!({ "reason": "shutdown" })));
}

#[tokio::test]
async fn after_a_kill_the_numbers_are_the_same() {
    let mut router = Router::start(Config::new()).await;
    for n in 0..40 {
        let visitor = format!("v{}", n % 25);
        let order =
            json!({ "order_id": n % 7, "revenue": n, "currency": "EUR", "product_id": "p", "price": 2 });
        let names = ["Product Viewed", "Product Added", "Checkout Started", "Order Completed"];
        let events = [page(&visitor, &format!("/{}", n % 4)), track(&visitor, names[n % 4], order)];
        send(&router, &events).await;
    }
    let before = once_taken(&router, 80).await;
    router.kill9();
    router.start_again().await;
    let after = once_taken(&router, 80).await;
    assert_eq!(lasting(&before), lasting(&after));
    assert_eq!(
        (&after["m30"], &after["sessions"], &after["orders"]["count"]),
        (&json!(25), &json!(25), &json!(7))
    );
    assert!(router.log().contains("the projection realtime has taken 80 events"), "{}", router.log());
}

#[tokio::test]
async fn a_cart_that_is_left_becomes_one_event_also_over_a_kill() {
    let config = Config::new().table("[realtime]\ncart_abandoned_after = \"1s\"");
    let mut router = Router::start(config).await;
    let added = |visitor: &str| {
        [track(visitor, "Product Added", json!({ "product_id": "p", "price": 3, "quantity": 2 }))]
    };
    let told = async |router: &Router, visitor: &str| {
        until(&format!("the cart of {visitor} is told"), 60, async || {
            let rows = router.db().rows("cart_abandoned");
            rows.iter().filter(|row| row.get("anonymous_id") == Some(&json!(visitor))).count() == 1
        })
        .await;
    };
    send(&router, &added("a")).await;
    told(&router, "a").await;
    router.kill9();
    router.start_again().await;
    send(&router, &added("b")).await;
    told(&router, "b").await;
    let metrics = router.get("/metrics").await.text;
    let value =
        |name: &str| metrics.lines().find_map(|line| line.strip_prefix(name)?.trim().parse::<u64>().ok());
    // Since the kill: what was put into the cart of b, and that it was left.
    assert_eq!(value("opentrack_events_accepted_total{kind=\"track\"}"), Some(2));
    assert_eq!(value("opentrack_events_duplicate_total"), Some(0));
}

#[tokio::test]
async fn switched_off_there_is_neither_stream_nor_numbers() {
    let router = Router::start(Config::new().table("[realtime]\nenabled = false")).await;
    router.get(STREAM).await.expect_error(404, "not_found");
    router.get("/api/stats/realtime").await.expect_error(404, "not_found");
}
