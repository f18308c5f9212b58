//! Destinations that come, go, are switched and get other settings.

use std::io::Read;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use super::{send, until_destination, with_hook};
use crate::support::{Config, Receiver, Reply, Router, until};

#[tokio::test]
async fn a_new_destination_begins_where_its_start_says() {
    let (early, late) = (Receiver::start(), Receiver::start());
    let mut router = Router::start(Config::new()).await;
    let before = send(&router, "u", 5).await;
    router.until_rows("tracks", &before).await;
    let config = Config::new().webhook("early", &early.url(), "start = \"beginning\"").webhook(
        "late",
        &late.url(),
        "start = \"now\"",
    );
    router.reconfigure(config).await;
    let after = send(&router, "u", 5).await;
    late.until_taken(&after).await;
    let all = [before, after.clone()].concat();
    early.until_taken(&all).await;
    assert_eq!((early.taken_ids(), late.taken_ids()), (all, after), "each once and in order");
}

#[expect(clippy::disallowed_methods, reason = "the clock of the test itself")]
fn now() -> jiff::Timestamp {
    jiff::Timestamp::now()
}

#[tokio::test]
async fn a_new_destination_begins_at_the_instant_of_its_start() {
    let receiver = Receiver::start();
    let mut router = Router::start(Config::new()).await;
    let before = send(&router, "u", 5).await;
    let sent = now();
    until("a later millisecond", 5, async || now().as_millisecond() > sent.as_millisecond()).await;
    let wanted = send(&router, "u", 5).await;
    let start = router.get(&format!("/api/events/{}", wanted[0])).await.json()["received_at"].clone();
    router.reconfigure(Config::new().webhook("new", &receiver.url(), &format!("start = {start}"))).await;
    let after = send(&router, "u", 5).await;
    receiver.until_taken(&after).await;
    assert_eq!(receiver.taken_ids(), [wanted, after].concat(), "each once and in order");
    let stop = router.get(&format!("/api/events/{}", before[4])).await.json()["destinations"]["new"].clone();
    assert_eq!((&stop["fate"], &stop["reason"]), (&json!("skipped"), &json!("before_start")), "{stop}");
}

#[tokio::test]
async fn a_destination_that_was_removed_goes_on_at_its_cursor_when_it_is_back() {
    let receiver = Receiver::start();
    let with = || Config::new().webhook("hook", &receiver.url(), "");
    let mut router = Router::start(with()).await;
    let first = send(&router, "u", 5).await;
    until_destination(&router, "hook", "five arrived", |one| one["counts"]["delivered"] == 5).await;
    router.reconfigure(Config::new()).await;
    until("it is listed no more", 10, async || !lists(&router, "hook").await).await;
    let second = send(&router, "u", 5).await;
    router.until_rows("tracks", &second).await;
    assert_eq!(receiver.taken_ids(), first);
    router.reconfigure(with()).await;
    receiver.until_taken(&second).await;
    let third = send(&router, "u", 5).await;
    receiver.until_taken(&third).await;
    assert_eq!(receiver.taken_ids(), [first, second, third].concat(), "each once and in order");
    until_destination(&router, "hook", "its counts go on", |one| one["counts"]["delivered"] == 15).await;
}

async fn lists(router: &Router, name: &str) -> bool {
    let body = router.get("/api/destinations").await.json();
    body["destinations"].as_array().unwrap().iter().any(|one| one["name"] == name)
}

#[tokio::test]
async fn a_destination_is_switched_off_and_on_and_loses_nothing() {
    let receiver = Receiver::scripted(|_| Reply::Status(503));
    let with = |extra: &str| with_hook(&receiver.url(), extra);
    let mut router = Router::start(with("")).await;
    let first = send(&router, "u", 5).await;
    until_destination(&router, "hook", "it fails", |one| one["state"] == "retrying").await;
    router.reconfigure(with("enabled = false")).await;
    until_destination(&router, "hook", "it is off", |one| one["state"] == "off").await;
    let metrics = router.get("/metrics").await.text;
    assert!(metrics.contains("opentrack_delivery_backlog_events{destination=\"hook\"} 0"), "{metrics}");
    assert!(metrics.contains("opentrack_breaker_state{destination=\"hook\"} 0"), "{metrics}");
    receiver.recover();
    let seen = receiver.requests().len();
    let second = send(&router, "u", 5).await;
    router.until_rows("tracks", &second).await;
    assert_eq!(receiver.requests().len(), seen, "what is off is asked nothing");
    router.reconfigure(with("enabled = true")).await;
    receiver.until_taken(&second).await;
    assert_eq!(receiver.taken_ids(), [first, second].concat(), "each once and in order");
}

/// A server that takes requests and never answers.
struct Silent {
    port: u16,
    asked: Arc<AtomicBool>,
    cut: Arc<AtomicBool>,
}

impl Silent {
    fn start() -> Silent {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (asked, cut) = (Arc::<AtomicBool>::default(), Arc::<AtomicBool>::default());
        let silent = Silent { port, asked: Arc::clone(&asked), cut: Arc::clone(&cut) };
        std::thread::spawn(move || {
            let Ok((mut stream, _)) = listener.accept() else { return };
            let mut buffer = [0; 4096];
            while let Ok(1..) = stream.read(&mut buffer) {
                asked.store(true, Ordering::SeqCst);
            }
            cut.store(true, Ordering::SeqCst);
        });
        silent
    }
}

#[tokio::test]
async fn the_address_of_a_destination_that_hangs_is_changed_and_nobody_else_notices() {
    let silent = Silent::start();
    let receiver = Receiver::start();
    let url = format!("http://127.0.0.1:{}/in", silent.port);
    let mut router = Router::start(with_hook(&url, "timeout = \"10m\"\nconcurrency = 1")).await;
    let mut ids = send(&router, "u", 20).await;
    until("it hangs", 10, async || silent.asked.load(Ordering::SeqCst)).await;
    router.reconfigure(with_hook(&receiver.url(), "timeout = \"10m\"")).await;
    let more = send(&router, "u", 20).await;
    router.until_rows("tracks", &more).await;
    ids.extend(more);
    receiver.until_taken(&ids).await;
    assert!(silent.cut.load(Ordering::SeqCst), "the old request ends before a new one begins");
    assert_eq!(receiver.taken_ids(), ids, "each once and in order");
    until_destination(&router, "hook", "it flows", |one| one["state"] == "flowing").await;
}

#[tokio::test]
async fn a_destination_that_hangs_does_not_hold_up_the_next_change() {
    let silent = Silent::start();
    let url = format!("http://127.0.0.1:{}/in", silent.port);
    let receivers = [Receiver::start(), Receiver::start()];
    let mut router = Router::start(with_hook(&url, "timeout = \"10m\"")).await;
    let ids = send(&router, "u", 5).await;
    until("it hangs", 10, async || silent.asked.load(Ordering::SeqCst)).await;
    router.reconfigure(Config::new()).await;
    let config = with_hook(&receivers[0].url(), "").webhook("other", &receivers[1].url(), "");
    router.reconfigure(config).await;
    let more = send(&router, "u", 5).await;
    receivers[1].until_taken(&more).await;
    receivers[0].until_taken(&[ids.clone(), more.clone()].concat()).await;
    assert_eq!(receivers[0].taken_ids(), [ids, more].concat(), "each once and in order");
}

#[tokio::test]
async fn a_destination_that_is_held_flows_with_its_new_key() {
    let receiver = Receiver::scripted(|request| match request.headers["authorization"].as_str() {
        "right" => Reply::Status(200),
        _ => Reply::Status(401),
    });
    let with = |key: &str| with_hook(&receiver.url(), &format!("headers = {{ authorization = \"{key}\" }}"));
    let mut router = Router::start(with("wrong")).await;
    let ids = send(&router, "u", 8).await;
    until_destination(&router, "hook", "it is held", |one| one["state"] == "held").await;
    router.reconfigure(with("right")).await;
    receiver.until_taken(&ids).await;
    assert_eq!(receiver.taken_ids(), ids, "each once and in order");
    until_destination(&router, "hook", "it flows and nothing died", |one: &Value| {
        one["state"] == "flowing" && one["counts"]["dead"] == json!({})
    })
    .await;
}

#[tokio::test]
async fn a_destination_that_could_not_be_prepared_gets_another_place() {
    let config = |path: &str| {
        Config::default().table(&format!("[destinations.warehouse]\ntype = \"sqlite\"\npath = \"{path}\""))
    };
    let mut router = Router::start(config("/proc/none/warehouse.db")).await;
    let ids = send(&router, "u", 5).await;
    until_destination(&router, "warehouse", "it is held", |one| one["state"] == "held").await;
    router.reconfigure(config("data/warehouse.db")).await;
    until_destination(&router, "warehouse", "all are stored", |one| one["counts"]["delivered"] == 5).await;
    assert_eq!(router.db().ids("tracks").len(), ids.len());
}

#[tokio::test]
async fn the_warehouse_is_configured_anew_and_stores_each_event_once() {
    let mut router = Router::start(Config::new()).await;
    let mut ids = send(&router, "u", 5).await;
    for delay in ["10ms", "20ms", "30ms"] {
        let table =
            format!("[destinations.warehouse]\ntype = \"sqlite\"\nbatch = {{ max_delay = \"{delay}\" }}");
        router.reconfigure(Config::default().table(&table)).await;
        ids.extend(send(&router, "u", 5).await);
    }
    router.until_rows("tracks", &ids).await;
    assert_eq!(router.db().ids("tracks").len(), ids.len());
}
