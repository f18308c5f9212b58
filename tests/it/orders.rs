//! What an operator orders for one destination: pause, resume, retry, drop, replay. Orders survive a restart and concern
//! nobody else.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::{Config, Receiver, Reply, Router, batch, ids_of, track, until, until_some};

/// Sends events of one user and returns their ids.
async fn send(router: &Router, user: &str, count: u64) -> Vec<String> {
    let events: Vec<Value> = (0..count).map(|n| track(user, n)).collect();
    router.post("/v1/batch", &batch(&events)).await.expect_success();
    ids_of(&events)
}

/// Orders and expects that it is done.
async fn order(router: &Router, name: &str, action: &str) -> Value {
    let answer = router.post_text(&format!("/api/destinations/{name}/{action}"), "").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

async fn until_state(router: &Router, name: &str, state: &str) -> Value {
    until_some(&format!("`{name}` is {state}"), 20, async || {
        Some(router.destination(name).await).filter(|one| one["state"] == state)
    })
    .await
}

async fn until_replayed(router: &Router, name: &str) {
    until("the replay has ended", 25, async || router.destination(name).await["replay"].is_null()).await;
}

#[tokio::test]
async fn a_paused_destination_gets_nothing_until_it_is_resumed_also_after_a_restart() {
    let (paused, other) = (Receiver::start(), Receiver::start());
    let config = Config::new().webhook("paused", &paused.url(), "").webhook("other", &other.url(), "");
    let mut router = Router::start(config).await;
    let answer = order(&router, "paused", "pause").await;
    assert_eq!(answer["state"], "paused", "{answer}");
    let first = send(&router, "u", 5).await;
    other.until_taken(&first).await;
    router.kill9();
    router.start_again().await;
    let second = send(&router, "u", 5).await;
    other.until_taken(&second).await;
    let entry = until_state(&router, "paused", "paused").await;
    assert_eq!((&entry["backlog"]["events"], &entry["reason"]), (&json!(10), &Value::Null), "{entry}");
    let traced = router.get(&format!("/api/events/{}", second[0])).await.json();
    let stop = &traced["destinations"]["paused"];
    assert_eq!((&stop["fate"], &stop["reason"]), (&json!("pending"), &json!("paused")), "{stop}");
    assert_eq!(router.get("/ready").await.status, 200);
    assert!(paused.requests().is_empty(), "nothing was sent");
    order(&router, "paused", "resume").await;
    let all = [first, second].concat();
    paused.until_taken(&all).await;
    assert_eq!(paused.taken_ids(), all, "each once and in order");
    router.restart().await;
    until_state(&router, "paused", "flowing").await;
}

#[tokio::test]
async fn retry_asks_at_once_whatever_the_backoff_says() {
    let receiver = Receiver::scripted(|_| Reply::throttle(3000));
    let router = Router::start(Config::new().webhook("hook", &receiver.url(), "")).await;
    let ids = send(&router, "u", 3).await;
    until_state(&router, "hook", "throttled").await;
    receiver.recover();
    order(&router, "hook", "retry").await;
    receiver.until_taken(&ids).await;
}

/// The event was dropped for one destination, and the other one has it.
async fn expect_traced(router: &Router, id: &[String]) {
    let traced = router.get(&format!("/api/events/{}", id[0])).await.json();
    let at = |name: &str| traced["destinations"][name].clone();
    assert_eq!((&at("sick")["fate"], &at("sick")["reason"]), (&json!("dead"), &json!("dropped_by_operator")));
    assert_eq!(at("well")["fate"], "delivered", "{traced}");
}

async fn expect_lost(router: &Router, counts: &[(&str, u64)]) {
    let metrics = router.get("/metrics").await.text;
    for (name, count) in counts {
        let line = format!("opentrack_events_lost_total{{destination=\"{name}\"}} {count}");
        assert!(metrics.lines().any(|known| known == line), "no {line} in {metrics}");
    }
}

#[tokio::test]
async fn a_dropped_backlog_ends_as_dead_counts_as_lost_and_concerns_nobody_else() {
    let (sick, well) = (Receiver::scripted(|_| Reply::Status(401)), Receiver::start());
    let extra = "events = { exclude = [\"identify\"] }";
    let config = Config::new().webhook("sick", &sick.url(), extra).webhook("well", &well.url(), "");
    let router = Router::start(config).await;
    let mut events: Vec<Value> = (0..40).map(|n| track("u", n)).collect();
    events.push(json!({ "type": "identify", "userId": "u", "messageId": crate::support::fresh_id("i") }));
    router.post("/v1/batch", &batch(&events)).await.expect_success();
    well.until_taken(&ids_of(&events)).await;
    until_state(&router, "sick", "held").await;
    router.post_text("/api/destinations/sick/drop", "").await.expect_error(400, "bad_parameter");
    router.post_text("/api/destinations/sick/drop?confirm=well", "").await.expect_error(400, "bad_parameter");
    let dropped = order(&router, "sick", "drop?confirm=sick").await["count"].as_u64().unwrap();
    assert!((39..=40).contains(&dropped), "{dropped} were dropped; one may be on its way as a probe");
    sick.recover();
    let entry = until_some("nothing waits", 20, async || {
        Some(router.destination("sick").await).filter(|one| one["backlog"]["events"] == 0)
    })
    .await;
    // A probe that was on its way and came back in vain is dropped as well, after the answer.
    let (counts, delivered) = (&entry["counts"], entry["counts"]["delivered"].as_u64().unwrap());
    assert_eq!(counts["dead"].as_object().map(serde_json::Map::len), Some(1), "{entry}");
    let answered = dropped..=dropped + 1;
    let dropped = counts["dead"]["dropped_by_operator"].as_u64().unwrap();
    assert!(answered.contains(&dropped), "{entry}");
    assert_eq!(dropped + delivered, 40, "{entry}");
    assert_eq!(entry["counts"]["skipped"], json!({ "filtered": 1 }), "{entry}");
    expect_traced(&router, &ids_of(&events[39..40])).await;
    expect_lost(&router, &[("sick", dropped), ("well", 0)]).await;
    let more = send(&router, "v", 3).await;
    sick.until_taken(&more).await;
}

#[tokio::test]
async fn a_replay_sends_stored_events_again_to_one_destination_with_their_ids_and_times() {
    let (again, other) = (Receiver::start(), Receiver::start());
    let config = Config::new().webhook("again", &again.url(), "").webhook("other", &other.url(), "");
    let router = Router::start(config).await;
    let ids = send(&router, "u", 30).await;
    again.until_taken(&ids).await;
    other.until_taken(&ids).await;
    let first = again.taken();
    let answer = order(&router, "again", "replay").await;
    assert_eq!(answer["count"], 30, "{answer}");
    until_replayed(&router, "again").await;
    let taken = again.taken();
    assert_eq!(taken[30..], first[..], "the same events, in the same order, to the byte");
    assert_eq!(other.taken_ids(), ids, "nobody else noticed");
    assert_eq!(router.db().ids("tracks").len(), 30);
    let more = send(&router, "u", 2).await;
    again.until_taken(&more).await;
    assert_eq!(again.taken_ids().len(), 62, "what is new is not part of it");
    let count = "opentrack_delivery_latency_seconds_count{destination=\"again\"} ";
    until("how long the 32 took is known, and no replay of theirs", 10, async || {
        let metrics = router.get("/metrics").await.text;
        metrics.lines().any(|line| line.strip_prefix(count) == Some("32"))
    })
    .await;
}

#[expect(clippy::disallowed_methods, reason = "the clock of the test itself")]
fn now() -> jiff::Timestamp {
    jiff::Timestamp::now()
}

#[tokio::test]
async fn a_replay_is_cut_by_time_and_filter() {
    let receiver = Receiver::start();
    let router = Router::start(Config::new().webhook("hook", &receiver.url(), "")).await;
    let before = send(&router, "u", 5).await;
    receiver.until_taken(&before).await;
    let received = |event: &Value| event["receivedAt"].as_str().unwrap().to_owned();
    let last_before = receiver.taken().iter().map(received).max().unwrap();
    let mut wanted = track("u", 7);
    wanted["event"] = json!("Order Completed");
    until("time has passed", 5, async || now() > last_before.parse().unwrap()).await;
    router.post("/v1/batch", &batch(&[track("u", 6), wanted.clone()])).await.expect_success();
    let all = [before.clone(), ids_of(std::slice::from_ref(&wanted))].concat();
    receiver.until_taken(&all).await;
    let from: jiff::Timestamp = last_before.parse().unwrap();
    let from = from + std::time::Duration::from_micros(1);
    order(&router, "hook", &format!("replay?from={from}&filter=track:Order%20*")).await;
    until_replayed(&router, "hook").await;
    let again = receiver.taken_ids().split_off(7);
    assert_eq!(again, ids_of(&[wanted]));
    order(&router, "hook", &format!("replay?until={from}")).await;
    until_replayed(&router, "hook").await;
    assert_eq!(receiver.taken_ids().split_off(8), before);
}

#[tokio::test]
async fn a_replay_sends_an_event_once_though_its_dead_letter_was_sent_again() {
    let receiver = Receiver::scripted(|_| Reply::Status(422));
    let router = Router::start(Config::new().webhook("hook", &receiver.url(), "")).await;
    let ids = send(&router, "u", 3).await;
    until_some("all are dead", 20, async || {
        Some(router.destination("hook").await).filter(|one| one["counts"]["dead"]["rejected"] == 3)
    })
    .await;
    receiver.recover();
    let retried = router.post_text("/api/dead-letters/retry?destination=hook", "").await.json();
    assert_eq!(retried["count"], 3, "{retried}");
    receiver.until_taken(&ids).await;
    order(&router, "hook", "replay").await;
    until_replayed(&router, "hook").await;
    let taken = receiver.taken_ids();
    assert_eq!(taken.len(), 6, "each was sent again once: {taken:?}");
}

#[tokio::test]
async fn a_replay_goes_on_after_a_kill_and_what_is_new_is_not_held_up_by_it() {
    let receiver = Receiver::start();
    let extra = "batch = { max_events = 20, max_delay = \"10ms\" }";
    let mut router = Router::start(Config::new().webhook("hook", &receiver.url(), extra)).await;
    let ids = send(&router, "u", 400).await;
    receiver.until_taken(&ids).await;
    order(&router, "hook", "replay?rate=40").await;
    until("a part is sent again", 20, async || receiver.taken_ids().len() >= 440).await;
    router.kill9();
    router.start_again().await;
    let entry = router.destination("hook").await;
    assert!(entry["replay"]["position"].as_u64() > Some(0), "it goes on and does not begin anew: {entry}");
    let fresh = send(&router, "v", 5).await;
    receiver.until_taken(&fresh).await;
    assert!(!router.destination("hook").await["replay"].is_null(), "the replay still runs");
    let conflict = router.post_text("/api/destinations/hook/replay", "").await;
    conflict.expect_error(409, "conflict");
    order(&router, "hook", "replay?stop=true").await;
    until_replayed(&router, "hook").await;
    order(&router, "hook", "replay").await;
    until_replayed(&router, "hook").await;
    let again: BTreeSet<String> = receiver.taken_ids().split_off(405).into_iter().collect();
    assert!(ids.iter().all(|id| again.contains(id)), "everything was sent again");
}

#[tokio::test]
async fn orders_that_make_no_sense_are_refused_in_words() {
    let config = Config::new().table("[destinations.off]\ntype = \"webhook\"\nenabled = false");
    let router = Router::start(config).await;
    let post = async |path: &str| router.post_text(&format!("/api/destinations/{path}"), "").await;
    post("nobody/pause").await.expect_error(404, "not_found");
    post("warehouse/explode").await.expect_error(404, "not_found");
    post("warehouse/pause?for=1h").await.expect_error(400, "bad_parameter");
    post("warehouse/replay?from=yesterday").await.expect_error(400, "bad_parameter");
    post("warehouse/replay?filter=tracks").await.expect_error(400, "bad_parameter");
    post("warehouse/replay?from=2030-01-01T00:00:00Z&from=2030-01-02T00:00:00Z")
        .await
        .expect_error(400, "bad_parameter");
    post("warehouse/replay?stop=false").await.expect_error(400, "bad_parameter");
    let body = json!({ "from": "2030-01-01T00:00:00Z" });
    let answer = router.post("/api/destinations/warehouse/replay", &body).await;
    answer.expect_error(400, "bad_parameter");
    post("off/replay").await.expect_error(409, "conflict");
    assert_eq!(router.get("/api/destinations/warehouse/pause").await.status, 405);
    until_state(&router, "warehouse", "flowing").await;
}

#[tokio::test]
async fn the_command_line_orders_the_same() {
    let receiver = Receiver::start();
    let router = Router::start(Config::new().webhook("hook", &receiver.url(), "")).await;
    let ids = send(&router, "u", 10).await;
    receiver.until_taken(&ids).await;
    let run = |arguments: &[&str]| {
        let output = router.run(arguments);
        let words =
            format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        (output.status.code(), words)
    };
    let (code, words) = run(&["destinations", "pause", "hook"]);
    assert!(code == Some(0) && words.contains("paused"), "{words}");
    let (code, words) = run(&["destinations", "drop", "hook"]);
    assert!(code == Some(64) && words.contains("--yes"), "{words}");
    let (code, words) = run(&["destinations", "drop", "hook", "--yes"]);
    assert!(code == Some(0) && words.contains("0 events dropped"), "{words}");
    let (code, words) = run(&["destinations", "resume", "hook"]);
    assert!(code == Some(0) && words.contains("flowing"), "{words}");
    let (code, words) = run(&["replay", "--to", "hook"]);
    assert!(code == Some(0) && words.contains("10 events") && words.contains("done"), "{words}");
    assert_eq!(receiver.taken_ids().len(), 20);
    let (code, words) = run(&["replay", "--to", "nobody"]);
    assert!(code == Some(1) && words.contains("not_found"), "{words}");
    for wrong in [["--filter", "tracks"], ["--from", "yesterday"], ["--rate", "0"]] {
        let (code, words) = run(&[&["replay", "--to", "hook"][..], &wrong].concat());
        assert!(code == Some(64) && words.contains(&wrong[0][2..]), "{words}");
    }
}
