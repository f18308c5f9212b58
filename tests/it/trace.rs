//! The journey of one event: every fate of the contract with what was tried and answered, while it happens, after a
//! restart, after a kill, and beside a router that is stopped.

use std::process::Output;

use serde_json::{Value, json};

use crate::support::{Config, Receiver, Reply, Router, batch, fresh_id, ids_of, track, until_some};

/// Returns the journey of an event as the API tells it.
async fn trace(router: &Router, id: &str) -> Value {
    let answer = router.get(&format!("/api/events/{id}")).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

/// Waits until an event has this fate at a destination, and returns its stop there.
async fn until_fate(router: &Router, id: &str, name: &str, fate: &str) -> Value {
    until_some(&format!("`{id}` is {fate} at `{name}`"), 20, async || {
        let stop = trace(router, id).await["destinations"][name].clone();
        (stop["fate"] == fate).then_some(stop)
    })
    .await
}

/// Returns the statuses of the attempts.
fn statuses(stop: &Value) -> Vec<u64> {
    let attempts = stop["attempts"].as_array().expect("attempts are a list");
    attempts.iter().map(|attempt| attempt["status"].as_u64().unwrap_or_default()).collect()
}

async fn send(router: &Router, event: &Value) -> String {
    router.post("/v1/track", event).await.expect_success();
    ids_of(std::slice::from_ref(event)).remove(0)
}

/// Answers with these statuses, then takes everything.
fn after(statuses: &[u16], words: &str) -> impl FnMut(&crate::support::Received) -> Reply + Send + 'static {
    let mut left: Vec<u16> = statuses.iter().rev().copied().collect();
    let words = words.to_owned();
    move |_| match left.pop() {
        Some(status) => Reply::With(status, Vec::new(), words.clone()),
        None => Reply::Status(200),
    }
}

/// Runs `trace` and returns its exit code and its answer in JSON.
fn command(router: &Router, id: &str) -> (Option<i32>, Value) {
    let output = router.run(&["trace", id, "--json"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    (output.status.code(), serde_json::from_str(&text).unwrap_or_default())
}

fn words(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[tokio::test]
async fn an_event_delivered_after_two_failures_shows_three_attempts_in_order() {
    let receiver = Receiver::scripted(after(&[503, 503], "try later"));
    let mut router = Router::start(Config::new().webhook("hook", &receiver.url(), "")).await;
    let id = send(&router, &track("u", 1)).await;
    let stop = until_fate(&router, &id, "hook", "delivered").await;
    assert_eq!(statuses(&stop), [503, 503, 200], "{stop}");
    let attempts = stop["attempts"].as_array().unwrap();
    let times: Vec<&str> = attempts.iter().map(|attempt| attempt["at"].as_str().unwrap()).collect();
    assert!(times.is_sorted(), "{stop}");
    assert!(attempts.iter().all(|attempt| attempt["latency_ms"].is_u64()), "{stop}");
    assert_eq!(
        (&attempts[0]["answer"], &attempts[0]["reason"]),
        (&json!("try later"), &json!("server_error"))
    );
    assert_eq!((&stop["reason"], &stop["next_attempt_at"]), (&Value::Null, &Value::Null), "{stop}");
    until_fate(&router, &id, "warehouse", "delivered").await;
    let before = trace(&router, &id).await;
    assert_eq!(before["destinations"]["hook"], stop, "nothing is forgotten once it is settled");
    assert_eq!((&before["message_id"], &before["position"]), (&json!(id), &json!(0)), "{before}");
    assert_eq!(before["event"]["properties"], json!({ "n": 1 }), "{before}");
    assert!(before["received_at"].is_string() && before["source"].is_string(), "{before}");
    assert_eq!(before["destinations"]["warehouse"]["table"], "thing_done", "{before}");
    router.restart().await;
    assert_eq!(trace(&router, &id).await, before, "after a restart");
    assert_eq!(command(&router, &id), (Some(0), before.clone()), "from the command line");
    router.stop().await;
    assert_eq!(command(&router, &id), (Some(0), before), "beside a router that is stopped");
}

#[tokio::test]
async fn a_refused_event_is_dead_with_the_other_sides_words_also_after_a_kill() {
    let receiver =
        Receiver::scripted(|request| match request.events().iter().any(|one| one["userId"] == "bad") {
            true => Reply::With(422, Vec::new(), "no such field".into()),
            false => Reply::Status(200),
        });
    let mut router = Router::start(Config::new().webhook("hook", &receiver.url(), "")).await;
    let events = [track("good", 1), track("bad", 2), track("fine", 3)];
    router.post("/v1/batch", &batch(&events)).await.expect_success();
    let [good, bad, fine]: [String; 3] = ids_of(&events).try_into().unwrap();
    let expect = async |router: &Router| {
        let dead = until_fate(router, &bad, "hook", "dead").await;
        assert_eq!(dead["reason"], "rejected", "{dead}");
        let last = dead["attempts"].as_array().unwrap().last().unwrap().clone();
        assert_eq!((&last["status"], &last["answer"]), (&json!(422), &json!("no such field")), "{dead}");
        assert!(dead["attempts"].as_array().unwrap().len() > 1, "it was looked for: {dead}");
        for id in [&good, &fine] {
            let stop = until_fate(router, id, "hook", "delivered").await;
            assert_eq!(statuses(&stop).last(), Some(&200), "{stop}");
        }
    };
    expect(&router).await;
    crate::support::until("the cursor is stored", 10, async || {
        router.destination("hook").await["backlog"]["events"] == 0
    })
    .await;
    let before = trace(&router, &bad).await;
    router.restart().await;
    expect(&router).await;
    assert_eq!(trace(&router, &bad).await["destinations"]["hook"], before["destinations"]["hook"]);
    router.kill9();
    router.start_again().await;
    expect(&router).await;
}

#[tokio::test]
async fn what_a_kill_leaves_on_disk_is_told_again() {
    let receiver = Receiver::scripted(after(&[500], "oops"));
    let mut router = Router::start(Config::new().webhook("hook", &receiver.url(), "")).await;
    let id = send(&router, &track("u", 1)).await;
    until_fate(&router, &id, "hook", "delivered").await;
    let cursor = router.data().join("journal/cursors/hook.cursor");
    until_some("the cursor is on disk", 10, async || {
        let text = std::fs::read_to_string(&cursor).ok()?;
        text.contains("\"mark\":1").then_some(())
    })
    .await;
    router.kill9();
    let (code, offline) = command(&router, &id);
    let stop = &offline["destinations"]["hook"];
    assert_eq!((code, &stop["fate"]), (Some(0), &json!("delivered")), "{offline}");
    assert_eq!(statuses(stop), [500, 200], "{offline}");
    router.start_again().await;
    assert_eq!(trace(&router, &id).await["destinations"]["hook"], *stop);
    assert_eq!(receiver.requests().len(), 2, "it was not sent again");
}

#[tokio::test]
async fn a_skipped_event_says_why() {
    let receiver = Receiver::start();
    let config = Config::new()
        .webhook("hook", &receiver.url(), "events = { include = [\"identify\"] }")
        .webhook("spared", &receiver.url(), "");
    let mut router = Router::start(config).await;
    let mut event = track("u", 1);
    event["integrations"] = json!({ "spared": false });
    let id = send(&router, &event).await;
    for restarted in [false, true] {
        if restarted {
            router.restart().await;
        }
        for (name, reason) in [("hook", "filtered"), ("spared", "integrations")] {
            let stop = until_fate(&router, &id, name, "skipped").await;
            assert_eq!((&stop["reason"], &stop["attempts"]), (&json!(reason), &json!([])), "{name}");
        }
        until_fate(&router, &id, "warehouse", "delivered").await;
    }
}

#[tokio::test]
async fn a_held_event_says_what_to_repair_and_when_it_is_probed() {
    let receiver = Receiver::scripted(|_| Reply::With(401, Vec::new(), "key was revoked".into()));
    let router = Router::start(Config::new().webhook("hook", &receiver.url(), "")).await;
    let id = send(&router, &track("u", 1)).await;
    let stop = until_fate(&router, &id, "hook", "held").await;
    assert_eq!(stop["reason"], "unauthorized", "{stop}");
    assert!(stop["next_attempt_at"].is_string(), "{stop}");
    assert_eq!(stop["attempts"][0]["answer"], "key was revoked", "{stop}");
    let other = send(&router, &track("v", 1)).await;
    until_fate(&router, &other, "hook", "held").await;
    receiver.recover();
    let stop = until_fate(&router, &id, "hook", "delivered").await;
    assert_eq!((statuses(&stop).first(), statuses(&stop).last()), (Some(&401), Some(&200)), "{stop}");
}

#[tokio::test]
async fn an_event_is_in_flight_while_the_receiver_hangs_and_the_next_of_its_user_is_behind_it() {
    let receiver = Receiver::scripted(|_| Reply::Hang);
    let extra = "batch = { max_events = 1 }\nconcurrency = 2";
    let router = Router::start(Config::new().webhook("hook", &receiver.url(), extra)).await;
    let first = send(&router, &track("u", 1)).await;
    until_fate(&router, &first, "hook", "in_flight").await;
    let second = send(&router, &track("u", 2)).await;
    let stop = until_some("the second one is behind the first", 10, async || {
        let stop = trace(&router, &second).await["destinations"]["hook"].clone();
        (stop["reason"] == "order").then_some(stop)
    })
    .await;
    assert_eq!((&stop["fate"], &stop["attempts"]), (&json!("pending"), &json!([])), "{stop}");
    receiver.recover();
    until_fate(&router, &second, "hook", "delivered").await;
}

#[tokio::test]
async fn an_event_that_failed_says_when_it_is_tried_again_and_why() {
    let receiver = Receiver::scripted(|_| Reply::With(500, Vec::new(), "no room".into()));
    let mut router = Router::start(Config::new().webhook("hook", &receiver.url(), "")).await;
    let id = send(&router, &track("u", 1)).await;
    let stop = until_some("it waits for its next attempt", 10, async || {
        let stop = trace(&router, &id).await["destinations"]["hook"].clone();
        (stop["fate"] == "retrying" && stop["next_attempt_at"].is_string()).then_some(stop)
    })
    .await;
    assert_eq!(stop["reason"], "server_error", "{stop}");
    assert_eq!(stop["attempts"][0]["answer"], "no room", "{stop}");
    router.stop().await;
    let (_, offline) = command(&router, &id);
    let stop = &offline["destinations"]["hook"];
    assert_eq!((&stop["fate"], &stop["reason"]), (&json!("retrying"), &json!("server_error")), "{offline}");
    assert_eq!(stop["attempts"].as_array().map(Vec::len), Some(receiver.requests().len()), "{offline}");
}

#[tokio::test]
async fn failures_without_a_success_are_on_disk_within_a_moment() {
    let receiver = Receiver::scripted(|_| Reply::With(403, Vec::new(), "not you".into()));
    let mut router = Router::start(Config::default().webhook("hook", &receiver.url(), "")).await;
    let id = send(&router, &track("u", 1)).await;
    let notes = router.data().join("journal/attempts/00000000000000000000.ndjson");
    crate::support::until("the failure is on disk", 10, async || {
        std::fs::read_to_string(&notes).is_ok_and(|text| text.contains("not you"))
    })
    .await;
    router.kill9();
    let (_, offline) = command(&router, &id);
    let stop = &offline["destinations"]["hook"];
    assert_eq!((&stop["fate"], &stop["reason"]), (&json!("retrying"), &json!("forbidden")), "{offline}");
}

#[tokio::test]
async fn a_destination_that_is_off_or_began_later_never_claims_a_delivery() {
    let receiver = Receiver::start();
    let off = Config::new().webhook("hook", &receiver.url(), "enabled = false");
    let mut router = Router::start(off).await;
    let id = send(&router, &track("u", 1)).await;
    let stop = until_fate(&router, &id, "hook", "pending").await;
    assert_eq!(stop["reason"], "off", "{stop}");
    router.stop().await;
    let text = std::fs::read_to_string(router.dir().join("config.toml")).unwrap();
    let on = text.replace("enabled = false", "start = \"now\"");
    std::fs::write(router.dir().join("config.toml"), on).unwrap();
    router.start_again().await;
    let stop = until_fate(&router, &id, "hook", "skipped").await;
    assert_eq!(stop["reason"], "before_start", "{stop}");
    let next = send(&router, &track("u", 2)).await;
    until_fate(&router, &next, "hook", "delivered").await;
}

#[tokio::test]
async fn rejected_and_unknown_ids_are_told_apart() {
    let mut router = Router::start(Config::new()).await;
    let id = format!("{} %/?#\"ü", fresh_id("bad"));
    router
        .post("/v1/track", &json!({ "messageId": id, "event": "E" }))
        .await
        .expect_error(400, "missing_identity");
    let expected = |answer: &Value| {
        assert_eq!(answer["message_id"], id, "{answer}");
        assert_eq!(answer["rejected"]["code"], "missing_identity", "{answer}");
        assert!(
            answer["rejected"]["message"].is_string() && answer["rejected"]["path"].is_string(),
            "{answer}"
        );
    };
    for running in [true, false] {
        if !running {
            router.stop().await;
        }
        let (code, answer) = command(&router, &id);
        assert_eq!(code, Some(0), "{answer}");
        expected(&answer);
        let unknown = router.run(&["trace", "nobody"]);
        assert_eq!(unknown.status.code(), Some(1), "{}", words(&unknown));
        assert!(words(&unknown).contains("nobody"), "{}", words(&unknown));
    }
    router.start_again().await;
    router.get("/api/events/nobody").await.expect_error(404, "not_found");
}

#[tokio::test]
async fn the_command_says_in_words_what_became_of_an_event_and_never_shows_its_contents() {
    let receiver = Receiver::scripted(after(&[503], "try later"));
    let mut router = Router::start(Config::new().webhook("hook", &receiver.url(), "")).await;
    let mut event = track("secret-user", 1);
    event["properties"]["card"] = json!("4111-1111");
    let text = event.to_string().replace("\"n\":1", "\"n\":42.00");
    router.post_text("/v1/track", text).await.expect_success();
    let id = ids_of(&[event]).remove(0);
    until_fate(&router, &id, "hook", "delivered").await;
    until_fate(&router, &id, "warehouse", "delivered").await;
    for running in [true, false] {
        if !running {
            router.stop().await;
        }
        let output = router.run(&["trace", &id]);
        assert_eq!(output.status.code(), Some(0), "{}", words(&output));
        let text = words(&output);
        for word in [id.as_str(), "Thing Done", "delivered", "thing_done", "503", "server_error", "try later"]
        {
            assert!(text.contains(word), "no `{word}` in\n{text}");
        }
        assert!(!text.contains("4111") && !text.contains("secret-user"), "{text}");
        let json = words(&router.run(&["trace", &id, "--json"]));
        assert!(
            json.contains("4111") && json.contains("\"n\":42.00"),
            "numbers stay as they were sent: {json}"
        );
    }
}

#[tokio::test]
async fn a_data_directory_in_use_is_not_read_behind_its_routers_back() {
    let router = Router::start(Config::new()).await;
    let id = send(&router, &track("u", 1)).await;
    let config = router.dir().join("config.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    let other = text.replace(&format!(":{}\"", router.port()), ":9\"");
    std::fs::write(&config, other).unwrap();
    let output = router.run(&["trace", &id]);
    assert_eq!(output.status.code(), Some(69), "{}", words(&output));
    assert!(words(&output).contains("another process"), "{}", words(&output));
    let output = router.run(&["trace", &id, "--url", "http://127.0.0.1:9"]);
    assert_eq!(output.status.code(), Some(69), "{}", words(&output));
    assert!(words(&output).contains("no router answers"), "{}", words(&output));
}

#[tokio::test]
async fn a_folder_of_notes_that_is_gone_delays_no_event_and_is_said_once() {
    let receiver = Receiver::start();
    let router = Router::start(Config::default().webhook("hook", &receiver.url(), "")).await;
    let notes = router.data().join("journal/attempts");
    std::fs::remove_dir_all(&notes).unwrap();
    let mut ids = Vec::new();
    for n in 0..5 {
        ids.push(send(&router, &track("u", n)).await);
        receiver.until_taken(&ids).await;
        crate::support::until("the cursor is stored", 10, async || {
            let cursor = std::fs::read_to_string(router.data().join("journal/cursors/hook.cursor"));
            cursor.is_ok_and(|text| text.contains(&format!("\"mark\":{}", n + 1)))
        })
        .await;
    }
    for id in &ids {
        assert_eq!(until_fate(&router, id, "hook", "delivered").await["attempts"], json!([]));
    }
    assert_eq!(router.log().matches("could not note attempts").count(), 1, "{}", router.log());
    std::fs::create_dir_all(&notes).unwrap();
    let id = send(&router, &track("u", 9)).await;
    assert_eq!(statuses(&until_fate(&router, &id, "hook", "delivered").await), [200]);
}

#[tokio::test]
async fn what_was_delivered_stays_so_at_a_destination_that_cannot_begin() {
    let mut router = Router::start(Config::new()).await;
    let id = send(&router, &track("u", 1)).await;
    until_fate(&router, &id, "warehouse", "delivered").await;
    router.stop().await;
    let config = router.dir().join("config.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    let broken = text.replace("type = \"sqlite\"", "type = \"sqlite\"\npath = \"/proc/nowhere/w.db\"");
    std::fs::write(&config, broken).unwrap();
    router.start_again().await;
    let next = send(&router, &track("u", 2)).await;
    let stop = until_fate(&router, &next, "warehouse", "held").await;
    assert!(stop["reason"].as_str().is_some_and(|reason| reason.contains("cannot open")), "{stop}");
    assert_eq!(trace(&router, &id).await["destinations"]["warehouse"]["fate"], "delivered");
}
