//! What an operator sees of a destination while it is well and while it is not, in the same words everywhere.

use serde_json::{Value, json};

use super::{send, until_destination};
use crate::support::{Config, Receiver, Reply, Router, until};

/// Waits until the destination is in this state with this backlog, and returns its entry.
async fn until_state(router: &Router, state: &str, backlog: u64) -> Value {
    until_state_of(router, "hook", state, backlog).await
}

async fn until_state_of(router: &Router, name: &str, state: &str, backlog: u64) -> Value {
    until_destination(router, name, &format!("{state} with {backlog} waiting"), |one| {
        one["state"] == state && one["backlog"]["events"] == backlog
    })
    .await
}

#[tokio::test]
async fn the_state_of_a_destination_follows_its_answers() {
    let receiver = Receiver::start();
    let router = Router::start(Config::new().webhook("hook", &receiver.url(), "concurrency = 1")).await;
    let mut ids = send(&router, "u", 2).await;
    let flowing = until_state(&router, "flowing", 0).await;
    assert_eq!((&flowing["reason"], &flowing["oldest_age_ms"]), (&Value::Null, &json!(0)), "{flowing}");

    receiver.follow(|_| Reply::With(500, Vec::new(), "out of coffee".into()));
    ids.extend(send(&router, "u", 3).await);
    let retrying = until_state(&router, "retrying", 3).await;
    assert!(retrying["backlog"]["bytes"].as_u64().is_some_and(|bytes| bytes > 100), "{retrying}");
    assert_eq!(retrying["last_error"]["status"], 500, "{retrying}");
    assert!(retrying["reason"].to_string().contains("out of coffee"), "{retrying}");
    let entry = until_destination(&router, "hook", "the next attempt is told", |one| {
        one["next_attempt_at"].is_string()
    })
    .await;
    assert_eq!(entry["counts"]["delivered"], 2, "{entry}");
    until_destination(&router, "hook", "the oldest grows old", |one| {
        one["oldest_age_ms"].as_u64().is_some_and(|age| age > 0)
    })
    .await;

    receiver.follow(|_| Reply::throttle(1));
    let throttled = until_state(&router, "throttled", 3).await;
    assert_eq!(throttled["last_error"]["status"], 429, "{throttled}");

    receiver.follow(|_| Reply::With(401, Vec::new(), "who are you".into()));
    let held = until_state(&router, "held", 3).await;
    assert_eq!(held["reason"], "unauthorized", "{held}");

    receiver.recover();
    let well = until_state(&router, "flowing", 0).await;
    assert_eq!(well["counts"], json!({ "delivered": 5, "skipped": {}, "dead": {} }), "{well}");
    assert_eq!(receiver.taken_ids(), ids);
}

#[tokio::test]
async fn the_command_line_and_the_metrics_tell_the_state_as_the_api_does() {
    let receiver = Receiver::scripted(|_| Reply::Status(403));
    let router = Router::start(Config::new().webhook("hook", &receiver.url(), "")).await;
    send(&router, "u", 4).await;
    until_state(&router, "held", 4).await;
    let output = router.run(&["destinations"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line =
        text.lines().find(|line| line.contains("hook")).unwrap_or_else(|| panic!("no `hook` in {text}"));
    assert!(line.contains("held") && line.contains('4'), "{line}");
    let all = String::from_utf8(router.run(&["destinations", "show", "hook"]).stdout).unwrap();
    for (key, value) in [("state", "held"), ("reason", "forbidden"), ("last_error.status", "403")] {
        let line = all.lines().find(|line| line.split_whitespace().next() == Some(key));
        assert_eq!(line.and_then(|line| line.split_whitespace().nth(1)), Some(value), "{all}");
    }
    assert_eq!(router.run(&["destinations", "show", "hok"]).status.code(), Some(1));
    until("the backlog is measured", 10, async || {
        let metrics = router.get("/metrics").await.text;
        metrics.contains("opentrack_delivery_backlog_events{destination=\"hook\"} 4")
    })
    .await;
}

/// What the interface says of each destination, which is what the console shows: its name and its state.
async fn states_in_api(router: &Router) -> Vec<(String, String)> {
    let told = router.get("/api/destinations").await.json();
    let all = told["destinations"].as_array().into_iter().flatten();
    let text = |one: &serde_json::Value, key: &str| one[key].as_str().unwrap_or_default().to_owned();
    all.map(|one| (text(one, "name"), text(one, "state"))).collect()
}

/// What the command line says of it.
fn states_in_table(table: &str) -> Vec<(String, String)> {
    let cells = |line: &str| {
        let mut cells = line.split_whitespace().map(str::to_owned);
        cells.next().zip(cells.nth(1))
    };
    table.lines().skip(2).filter_map(cells).collect()
}

/// What the metrics say of it: the state whose number is 1.
fn states_in_metrics(text: &str) -> Vec<(String, String)> {
    let lines = text.lines().filter_map(|line| line.strip_prefix("opentrack_delivery_state{destination=\""));
    let present = lines.filter_map(|line| line.strip_suffix("\"} 1"));
    let words = present.filter_map(|line| line.split_once("\",state=\""));
    let mut states: Vec<_> = words.map(|(name, state)| (name.to_owned(), state.to_owned())).collect();
    states.sort();
    states
}

/// A destination for each state that lasts, by its name, and the warehouse.
fn one_of_each(well: &Receiver, sick: &[(&str, Receiver)]) -> Config {
    let config = Config::new().webhook("flowing", &well.url(), "").webhook("paused", &well.url(), "");
    let config = config.webhook("off", &well.url(), "enabled = false");
    sick.iter().fold(config, |config, (state, receiver)| {
        config.table(&format!(
            "[destinations.{state}]\ntype = \"webhook\"\nurl = \"{}\"\nhold = {{ probe_every = \"1h\" }}\n\
             breaker = {{ failures = 1, open_for = \"1h\" }}",
            receiver.url()
        ))
    })
}

#[tokio::test]
async fn every_state_has_the_same_word_in_the_api_the_metrics_and_the_command_line() {
    let well = Receiver::start();
    let sick = [
        ("throttled", Receiver::scripted(|_| Reply::throttle(3600))),
        ("held", Receiver::scripted(|_| Reply::With(401, Vec::new(), "<b>who</b>".into()))),
        ("retrying", Receiver::scripted(|_| Reply::Status(500))),
    ];
    let router = Router::start(one_of_each(&well, &sick)).await;
    assert!(router.run(&["destinations", "pause", "paused"]).status.success());
    send(&router, "u", 3).await;
    let expected = ["flowing", "held", "off", "paused", "retrying", "throttled", "warehouse"]
        .map(|name| (name.to_owned(), if name == "warehouse" { "flowing" } else { name }.to_owned()));
    for (name, state) in &expected {
        until_destination(&router, name, state, |one| one["state"] == **state).await;
    }
    assert_eq!(states_in_api(&router).await, expected);
    assert_eq!(states_in_metrics(&router.get("/metrics").await.text), expected);
    let table = String::from_utf8(router.run(&["destinations"]).stdout).unwrap();
    assert_eq!(states_in_table(&table), expected, "{table}");
    let checks = router.get("/ready").await.json()["checks"].clone();
    for (name, state) in expected.iter().filter(|(name, _)| name != "off") {
        let check = checks.as_array().into_iter().flatten().find(|check| check["name"] == **name);
        let message = check.and_then(|check| check["message"].as_str()).unwrap_or_default();
        assert!(message.starts_with(state.as_str()), "{checks}");
    }
}

#[tokio::test]
async fn a_destination_that_finishes_before_it_gets_other_settings_is_draining_in_the_same_word_everywhere() {
    let warehouse = |delay: &str| {
        let batch = format!("batch = {{ max_delay = \"{delay}\" }}");
        Config::default().table(&format!("[destinations.warehouse]\ntype = \"sqlite\"\n{batch}"))
    };
    let mut router = Router::start(warehouse("10ms")).await;
    let mut ids = send(&router, "u", 1).await;
    router.until_rows("tracks", &ids).await;
    let other = rusqlite::Connection::open(router.data().join("warehouse.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    ids.extend(send(&router, "u", 1).await);
    let second = format!("/api/events/{}", ids[1]);
    until("it waits for its turn to write", 20, async || {
        router.get(&second).await.json()["destinations"]["warehouse"]["fate"] == "in_flight"
    })
    .await;
    router.write_config(warehouse("20ms"));
    router.sighup();
    until_destination(&router, "warehouse", "draining", |one| one["state"] == "draining").await;
    let expected = [("warehouse".to_owned(), "draining".to_owned())];
    assert_eq!(states_in_metrics(&router.get("/metrics").await.text), expected);
    assert_eq!(states_in_api(&router).await, expected);
    let ready = router.get("/ready").await.text;
    assert!(ready.contains("\"draining"), "{ready}");
    let table = String::from_utf8(router.run(&["destinations"]).stdout).unwrap();
    assert_eq!(states_in_table(&table), expected, "{table}");
    other.execute_batch("COMMIT").unwrap();
    until_state_of(&router, "warehouse", "flowing", 0).await;
    let mut stored = router.db().ids("tracks");
    stored.sort();
    ids.sort();
    assert_eq!(stored, ids, "each once");
}

#[tokio::test]
async fn the_reasons_of_what_is_skipped_and_dead_have_the_same_words_everywhere() {
    let receiver = Receiver::scripted(|_| Reply::With(422, Vec::new(), "no".into()));
    let extra = "events = { include = [\"track\"] }";
    let router = Router::start(Config::new().webhook("hook", &receiver.url(), extra)).await;
    send(&router, "u", 1).await;
    let identify = json!({ "userId": "u", "traits": {} });
    router.post("/v1/identify", &identify).await.expect_success();
    let (dead, skipped) = (json!({ "rejected": 1 }), json!({ "filtered": 1 }));
    until_destination(&router, "hook", "both are settled", |one| {
        one["counts"] == json!({ "delivered": 0, "skipped": skipped, "dead": dead })
    })
    .await;
    let metrics = router.get("/metrics").await.text;
    for (outcome, reason) in [("dead", "rejected"), ("skipped", "filtered")] {
        let labels = format!("{{destination=\"hook\",outcome=\"{outcome}\",reason=\"{reason}\"}} 1");
        assert!(metrics.contains(&format!("opentrack_delivery_events_total{labels}")), "{metrics}");
    }
}

#[tokio::test]
async fn while_a_backlog_drains_the_time_that_it_will_take_is_told() {
    let receiver = Receiver::scripted(|_| Reply::Status(401));
    let extra = "rate_limit = { events_per_second = 40 }";
    let router = Router::start(Config::new().webhook("hook", &receiver.url(), extra)).await;
    let ids = send(&router, "u", 300).await;
    let held = until_destination(&router, "hook", "it is held", |one| one["state"] == "held").await;
    assert_eq!(held["drain_eta_ms"], Value::Null, "nothing drains: {held}");
    receiver.recover();
    let draining = until_destination(&router, "hook", "its time to drain is told", |one| {
        one["drain_eta_ms"].is_number()
    })
    .await;
    let (eta, waits) =
        (draining["drain_eta_ms"].as_u64().unwrap(), draining["backlog"]["events"].as_u64().unwrap());
    assert!(eta > 0 && waits > 0, "{draining}");
    receiver.until_taken(&ids).await;
}
