//! Too much, too often, too slow, too full: every refusal says when to come back.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{Mood, Plan, SEATS, TestDoor, batch, track};
use crate::config::settings::EventRate;

#[actix::test]
async fn without_a_permit_a_request_is_refused_at_once_and_the_connection_lives() {
    let mut plan = Plan::new();
    plan.budget_bytes = Some(0);
    let door = plan.open();
    let mut socket = door.connect().await;
    for _ in 0..3 {
        socket.post("/v1/track", "", &track("m")).await;
        let answer = socket.answer().await;
        assert_eq!(answer.error(503), "overloaded");
        assert_eq!(answer.header("retry-after"), "1");
    }
    assert_eq!(door.seen(|seen| seen.rejected.len()), 0, "it was never parsed");
}

#[actix::test]
async fn events_that_are_not_durable_yet_hold_the_budget() {
    let mut plan = Plan::new();
    plan.budget_bytes = Some(8 * 1024);
    let door = plan.open();
    assert_eq!(door.post("/v1/track", track("1")).await.status, 200);
    assert_eq!(door.post("/v1/track", track("2")).await.status, 200);
    assert_eq!(door.post("/v1/track", track("3")).await.error(503), "overloaded");
    door.seen.lock().unwrap().permits.clear();
    assert_eq!(door.post("/v1/track", track("4")).await.status, 200);
}

/// A budget of one small request, taken, and patience without end: what ends a wait is the test.
fn crowded() -> Plan {
    let mut plan = Plan::new();
    plan.budget_bytes = Some(4 * 1024);
    plan.wait_at_most = Duration::from_secs(3600);
    plan
}

/// Waits until so many requests wait for room, as the metrics say it.
async fn until_waiting(door: &TestDoor, count: usize) {
    let line = format!("\nopentrack_http_requests_waiting {count}\n");
    while !door.get("/metrics").await.body.contains(&line) {
        tokio::task::yield_now().await;
    }
}

#[actix::test]
async fn a_request_that_finds_no_room_waits_and_is_taken_when_there_is_some() {
    let door = crowded().open();
    assert_eq!(door.post("/v1/track", track("1")).await.status, 200);
    let mut socket = door.connect().await;
    socket.post("/v1/track", "", &track("2")).await;
    until_waiting(&door, 1).await;
    assert_eq!(door.seen(|seen| seen.ids.clone()), ["1"]);
    assert_eq!(door.get("/health").await.status, 200, "only who brings events waits");
    door.seen.lock().unwrap().permits.clear();
    assert_eq!(socket.answer().await.status, 200);
    assert_eq!(door.seen(|seen| seen.ids.clone()), ["1", "2"]);
    until_waiting(&door, 0).await;
}

#[actix::test]
async fn when_too_many_wait_a_request_is_refused_at_once_and_says_when_to_come_back() {
    let door = crowded().open();
    assert_eq!(door.post("/v1/track", track("1")).await.status, 200);
    let mut waiting = Vec::new();
    for id in 0..SEATS {
        let mut socket = door.connect().await;
        socket.post("/v1/track", "", &track(&format!("waits-{id}"))).await;
        waiting.push(socket);
        // They are let in in the order in which they came, and must be answered in it.
        until_waiting(&door, waiting.len()).await;
    }
    let mut late = door.connect().await;
    for _ in 0..2 {
        late.post("/v1/track", "", &track("late")).await;
        let answer = late.answer().await;
        assert_eq!(answer.error(503), "overloaded");
        assert_eq!(answer.header("retry-after"), "1");
    }
    for mut socket in waiting {
        door.seen.lock().unwrap().permits.clear();
        assert_eq!(socket.answer().await.status, 200);
    }
}

#[actix::test]
async fn a_request_that_waited_in_vain_is_refused_and_the_connection_lives() {
    let mut plan = crowded();
    plan.wait_at_most = Duration::from_millis(20);
    let door = plan.open();
    assert_eq!(door.post("/v1/track", track("1")).await.status, 200);
    let mut socket = door.connect().await;
    socket.post("/v1/track", "", &track("2")).await;
    let answer = socket.answer().await;
    assert_eq!(answer.error(503), "overloaded");
    assert_eq!(answer.header("retry-after"), "1");
    door.seen.lock().unwrap().permits.clear();
    socket.post("/v1/track", "", &track("2")).await;
    assert_eq!(socket.answer().await.status, 200);
    assert_eq!(door.seen(|seen| seen.ids.clone()), ["1", "2"]);
}

#[actix::test]
async fn a_body_that_finds_no_room_to_grow_waits_and_is_taken_when_there_is_some() {
    let mut plan = crowded();
    plan.budget_bytes = Some(8 * 1024 * 1024);
    plan.settings.server.max_event_bytes = 5 * 1024 * 1024;
    let door = plan.open();
    let call = |kib: usize| track("m").replace('{', &format!(r#"{{"pad":"{}","#, "x".repeat(kib * 1024)));
    let mut socket = door.connect().await;
    for _ in 0..2 {
        assert_eq!(door.post("/v1/track", call(3500)).await.status, 200);
    }
    let body = call(4000);
    let (mut reader, mut writer) = socket.stream.split();
    let head = format!("POST /v1/track HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n", body.len());
    writer.write_all(head.as_bytes()).await.unwrap();
    let give_room = async {
        until_waiting(&door, 1).await;
        door.seen.lock().unwrap().permits.clear();
    };
    let (written, ()) = tokio::join!(writer.write_all(body.as_bytes()), give_room);
    written.unwrap();
    let mut start = [0; 12];
    reader.read_exact(&mut start).await.unwrap();
    assert_eq!(&start, b"HTTP/1.1 200");
}

#[actix::test]
async fn a_body_larger_than_the_free_budget_is_refused() {
    let mut plan = Plan::new();
    plan.budget_bytes = Some(100 * 1024);
    let door = plan.open();
    let answer = door.post("/v1/batch", " ".repeat(300 * 1024)).await;
    assert_eq!(answer.error(503), "overloaded");
}

#[actix::test]
async fn many_calls_cost_more_of_the_budget_than_their_text() {
    let mut plan = Plan::new();
    plan.budget_bytes = Some(256 * 1024);
    let door = plan.open();
    let calls = |count: usize| batch(&vec!["1"; count]);
    assert_eq!(door.post("/v1/batch", calls(100)).await.status, 200);
    assert_eq!(door.post("/v1/batch", calls(1000)).await.error(503), "overloaded");
}

#[actix::test]
async fn a_full_journal_is_503_and_says_so() {
    let mut plan = Plan::new();
    plan.mood = Mood::Full;
    let door = plan.open();
    let answer = door.post("/v1/track", track("m")).await;
    assert_eq!(answer.error(503), "journal_full");
    assert_eq!(answer.header("retry-after"), "5");
}

#[actix::test]
async fn a_journal_that_cannot_write_is_503() {
    let mut plan = Plan::new();
    plan.mood = Mood::Unavailable;
    let door = plan.open();
    let answer = door.post("/v1/batch", batch(&[&track("m").replace('{', r#"{"type":"track","#)])).await;
    assert_eq!(answer.error(503), "overloaded");
    let never = door.post("/v1/track", r#"{"event":"e"}"#).await;
    assert_eq!(never.error(400), "missing_identity", "what can never succeed is not worth a retry");
}

#[actix::test]
async fn a_silent_journal_is_503_before_the_client_hangs_up() {
    let mut plan = Plan::new();
    plan.mood = Mood::Silent;
    plan.answer_within = Some(Duration::from_millis(50));
    let door = plan.open();
    let answer = door.post("/v1/track", track("m")).await;
    assert_eq!(answer.error(503), "overloaded");
    assert_eq!(answer.header("retry-after"), "1");
}

#[actix::test]
async fn a_source_over_its_limit_is_429_and_the_connection_lives() {
    let mut plan = Plan::new();
    plan.settings.limits.per_source = EventRate { events_per_second: 1, burst: 2 };
    let door = plan.open();
    let mut socket = door.connect().await;
    let calls = [track("1"), track("2")].map(|call| call.replace('{', r#"{"type":"track","#));
    socket.post("/v1/batch", "", &batch(&[&calls[0], &calls[1]])).await;
    assert_eq!(socket.answer().await.status, 200);
    for _ in 0..2 {
        socket.post("/v1/track", "", &track("3")).await;
        let answer = socket.answer().await;
        assert_eq!(answer.error(429), "rate_limited");
        assert_eq!(answer.header("retry-after"), "1");
    }
}

#[actix::test]
async fn browsers_are_limited_by_address_behind_a_trusted_proxy() {
    let mut plan = Plan::new();
    plan.settings.limits.per_ip = EventRate { events_per_second: 1, burst: 1 };
    plan.settings.server.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    let door = plan.open();
    let visit = |ip: &'static str| [("origin", "https://shop.example"), ("x-forwarded-for", ip)];
    assert_eq!(door.post_with("/v1/t", track("1"), &visit("203.0.113.9")).await.status, 200);
    let again = door.post_with("/v1/t", track("2"), &visit("203.0.113.9")).await;
    assert_eq!(again.error(429), "rate_limited");
    assert_eq!(again.header("access-control-allow-origin"), "https://shop.example");
    assert_eq!(door.post_with("/v1/t", track("3"), &visit("203.0.113.10")).await.status, 200);
    let server = [("x-forwarded-for", "203.0.113.9")];
    assert_eq!(door.post_with("/v1/t", track("4"), &server).await.status, 200);
}
