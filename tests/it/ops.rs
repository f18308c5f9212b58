//! What operators and their tools read: health, readiness, metrics, destinations, the console.

use serde_json::json;

use crate::support::{Config, Receiver, Router, ids_of, track, until, until_some};

#[tokio::test]
async fn health_and_readiness_answer() {
    let router = Router::start(Config::new()).await;
    assert_eq!(router.get("/health").await.status, 200);
    // It answers before the warehouse is prepared; that is no trouble.
    let ready = router.get("/ready").await;
    assert_eq!(ready.status, 200);
    let body = ready.json();
    assert_eq!(body["status"], "ready", "{body}");
    let checks = body["checks"].as_array().expect("a list of checks");
    assert!(!checks.is_empty());
    for check in checks {
        assert!(check["name"].is_string() && check["ok"] == true && check["message"].is_string(), "{body}");
    }
}

#[tokio::test]
async fn durability_os_is_said_in_ready_and_in_the_log() {
    let router = Router::start(Config::new().table("[journal]\ndurability = \"os\"")).await;
    let ready = router.get("/ready").await;
    assert_eq!(ready.status, 200);
    assert!(ready.text.contains("durability os"), "{ready:?}");
    assert!(router.log().contains("can be lost in a power cut"), "{}", router.log());
    router.post("/v1/track", &track("u", 1)).await.expect_success();
}

/// The value of a series with this name and all these labels.
fn metric(text: &str, name: &str, labels: &[&str]) -> Option<f64> {
    let series = |line: &&str| {
        let rest = line.strip_prefix(name);
        rest.is_some_and(|rest| rest.starts_with(['{', ' ']))
            && labels.iter().all(|label| line.contains(label))
    };
    text.lines().find(series)?.rsplit(' ').next()?.parse().ok()
}

#[tokio::test]
async fn metrics_have_the_names_of_the_contract() {
    let receiver = Receiver::start();
    let router = Router::start(Config::new().webhook("hook", &receiver.url(), "")).await;
    let fresh = router.get("/metrics").await;
    assert_eq!(fresh.status, 200);
    for name in ["warehouse", "hook"] {
        let label = format!("destination=\"{name}\"");
        assert_eq!(
            metric(&fresh.text, "opentrack_events_lost_total", &[&label]),
            Some(0.0),
            "{}",
            fresh.text
        );
    }
    let event = track("u", 1);
    router.post("/v1/track", &event).await.expect_success();
    router.post("/v1/track", &event).await.expect_success();
    router.post("/v1/track", &json!({})).await.expect_error(400, "missing_identity");
    receiver.until_taken(&ids_of(std::slice::from_ref(&event))).await;
    router.until_rows("tracks", &ids_of(&[event])).await;
    until("both deliveries are counted", 10, async || {
        let text = router.get("/metrics").await.text;
        ["warehouse", "hook"].iter().all(|name| {
            let label = format!("destination=\"{name}\"");
            metric(&text, "opentrack_delivery_events_total", &[&label, "outcome=\"delivered\""]) == Some(1.0)
        })
    })
    .await;
    expect_counted(&router.get("/metrics").await.text);
}

/// One event was accepted, one was its duplicate, one was rejected.
fn expect_counted(text: &str) {
    assert_eq!(metric(text, "opentrack_events_accepted_total", &["kind=\"track\""]), Some(1.0), "{text}");
    assert_eq!(metric(text, "opentrack_events_duplicate_total", &[]), Some(1.0), "{text}");
    assert_eq!(
        metric(text, "opentrack_events_rejected_total", &["reason=\"missing_identity\""]),
        Some(1.0),
        "{text}"
    );
    let hook = "destination=\"hook\"";
    assert_eq!(
        metric(text, "opentrack_delivery_attempts_total", &[hook, "class=\"delivered\""]),
        Some(1.0),
        "{text}"
    );
    assert_eq!(metric(text, "opentrack_breaker_state", &[hook]), Some(0.0), "{text}");
    assert_eq!(metric(text, "opentrack_delivery_backlog_events", &[hook]), Some(0.0), "{text}");
    assert!(metric(text, "opentrack_journal_bytes", &[]).is_some_and(|bytes| bytes > 0.0), "{text}");
    let others = [
        "opentrack_delivery_backlog_bytes",
        "opentrack_delivery_oldest_seconds",
        "opentrack_delivery_latency_seconds_bucket",
        "opentrack_journal_commit_seconds_bucket",
        "opentrack_http_requests_total",
        "opentrack_http_request_seconds_bucket",
    ];
    for name in others {
        assert!(metric(text, name, &[]).is_some(), "no `{name}` in\n{text}");
    }
}

#[tokio::test]
async fn destinations_have_the_shape_of_the_contract() {
    let receiver = Receiver::start();
    let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let config = Config::new().webhook("hook", &receiver.url(), &format!("secret = \"{secret}\"")).webhook(
        "unused",
        "http://127.0.0.1:9/in",
        "enabled = false",
    );
    let router = Router::start(config).await;
    let answer = router.get("/api/destinations").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert!(!answer.text.contains(secret), "the secret is shown");
    let hook = router.destination("hook").await;
    assert_eq!(
        (&hook["type"], &hook["enabled"], &hook["state"]),
        (&json!("webhook"), &json!(true), &json!("flowing"))
    );
    assert_eq!(hook["backlog"], json!({ "events": 0, "bytes": 0 }), "{hook}");
    assert!(hook["rate"]["in"].is_number() && hook["rate"]["out"].is_number(), "{hook}");
    assert_eq!(
        (&hook["breaker"]["state"], &hook["breaker"]["failures"]),
        (&json!("closed"), &json!(0)),
        "{hook}"
    );
    assert_eq!(hook["counts"], json!({ "delivered": 0, "skipped": {}, "dead": {} }), "{hook}");
    let keys = ["reason", "oldest_age_ms", "last_error", "next_attempt_at", "drain_eta_ms"];
    assert!(keys.iter().all(|key| hook.get(key).is_some()), "{hook}");
    let unused = router.destination("unused").await;
    assert_eq!((&unused["enabled"], &unused["state"]), (&json!(false), &json!("off")), "{unused}");
    assert_eq!(router.destination("warehouse").await["type"], "sqlite");
}

#[tokio::test]
async fn an_error_of_a_destination_is_shown_in_its_own_words() {
    let receiver =
        Receiver::scripted(|_| crate::support::Reply::With(401, Vec::new(), "key was revoked".into()));
    let router = Router::start(Config::new().webhook("hook", &receiver.url(), "")).await;
    router.post("/v1/track", &track("u", 1)).await.expect_success();
    until("the hold is shown", 10, async || router.destination("hook").await["state"] == "held").await;
    let hook = router.destination("hook").await;
    assert_eq!(hook["last_error"]["status"], 401, "{hook}");
    assert!(hook["last_error"]["message"].to_string().contains("key was revoked"), "{hook}");
    assert!(hook["last_error"]["at"].is_string(), "{hook}");
    assert_eq!(hook["backlog"]["events"], 1, "{hook}");
}

#[tokio::test]
async fn an_answer_without_words_is_told_by_its_status() {
    let receiver = Receiver::scripted(|_| crate::support::Reply::Status(500));
    let router = Router::start(Config::new().webhook("hook", &receiver.url(), "")).await;
    router.post("/v1/track", &track("u", 1)).await.expect_success();
    let hook = until_some("it is retried", 10, async || {
        Some(router.destination("hook").await).filter(|hook| hook["state"] == "retrying")
    })
    .await;
    assert_eq!(
        (&hook["reason"], &hook["last_error"]["message"]),
        (&json!("answered 500"), &json!("answered 500"))
    );
}

#[tokio::test]
async fn a_foreign_host_name_does_not_reach_the_operator_api() {
    let router = Router::start(Config::new()).await;
    for (name, value) in [("host", "evil.example"), ("origin", "https://evil.example")] {
        let request = router.request("GET", "/api/destinations").header(name, value);
        let answer = crate::support::Answer::read(request.send().await.unwrap()).await;
        assert!([401, 403].contains(&answer.status), "{name}: {answer:?}");
    }
}

#[tokio::test]
async fn the_console_is_a_page_with_a_strict_policy() {
    let router = Router::start(Config::new()).await;
    let page = router.get("/").await;
    assert_eq!(page.status, 200);
    assert!(page.header("content-type").starts_with("text/html"), "{page:?}");
    assert!(page.text.to_ascii_lowercase().contains("<html"), "{page:?}");
    assert!(page.header("content-security-policy").contains("default-src 'self'"), "{page:?}");
    assert_eq!(page.header("x-content-type-options"), "nosniff");
}

#[tokio::test]
async fn a_destination_that_cannot_begin_says_why_and_what_waits() {
    let warehouse = "[destinations.warehouse]\ntype = \"sqlite\"\npath = \"/proc/nowhere/warehouse.db\"";
    let router = Router::start(Config::default().table(warehouse)).await;
    for n in 0..2 {
        router.post("/v1/track", &track("u1", n)).await.expect_success();
    }
    let status = until_some("it is held", 10, async || {
        Some(router.destination("warehouse").await).filter(|status| status["state"] == "held")
    })
    .await;
    assert!(status["reason"].as_str().is_some_and(|reason| reason.contains("cannot open")), "{status}");
    assert_eq!(status["backlog"]["events"], 2, "{status}");
    assert!(status["backlog"]["bytes"].as_u64().is_some_and(|bytes| bytes > 0), "{status}");
}

#[tokio::test]
async fn a_request_has_one_id_in_its_answer_and_in_its_lines() {
    let router = Router::start(Config::new().server("log = \"info,opentrack::telemetry=debug\"")).await;
    let ask = async |id: &str| {
        let request = router.request("POST", "/v1/track").header("x-request-id", id);
        crate::support::Answer::read(request.body("{}").send().await.unwrap()).await
    };
    assert_eq!(ask("from-the-proxy_1").await.header("x-request-id"), "from-the-proxy_1");
    let made = ask("not \"plain\"").await.header("x-request-id").to_owned();
    assert!(made.len() == 32 && made.bytes().all(|byte| byte.is_ascii_hexdigit()), "{made}");
    // One that the framework itself refuses, and one that no route takes.
    assert_eq!(router.get("/nowhere").await.header("x-request-id").len(), 32);
    until("the lines are there", 10, async || router.log().matches("answered 400").count() == 2).await;
    let log = router.log();
    let lines = log.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap_or_default());
    let of = |id: &str| lines.clone().filter(|line| line["request_id"] == id).count();
    // What was set aside, and what was answered.
    assert_eq!((of("from-the-proxy_1"), of(&made)), (2, 2), "{log}");
    assert!(
        lines.clone().any(|line| line["message"].is_string() && line.get("request_id").is_none()),
        "{log}"
    );
}

#[tokio::test]
async fn a_health_check_and_the_metrics_say_whether_events_are_taken() {
    let mut router = Router::start(Config::new()).await;
    let ready = router.run(&["ready"]);
    assert_eq!(ready.status.code(), Some(0), "{ready:?}");
    assert!(String::from_utf8_lossy(&ready.stdout).contains("ok  journal: "), "{ready:?}");
    let page = router.get("/metrics").await.text;
    assert_eq!(metric(&page, "opentrack_ready", &[]), Some(1.0), "{page}");
    assert_eq!(metric(&page, "opentrack_ready_check", &["check=\"journal\""]), Some(1.0), "{page}");
    assert!(
        metric(&page, "opentrack_process_resident_bytes", &[]).is_some_and(|bytes| bytes > 1e6),
        "{page}"
    );
    assert!(metric(&page, "opentrack_disk_free_bytes", &[]).is_some_and(|bytes| bytes > 0.0), "{page}");
    router.stop().await;
    assert_eq!(router.run(&["ready"]).status.code(), Some(69));
}
