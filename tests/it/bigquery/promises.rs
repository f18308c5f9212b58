//! What is promised for every destination, kept by BigQuery: it holds up nobody, says how it is, and does what it is told.

use serde_json::{Value, json};

use crate::support::{BigQuery, Config, Receiver, Router, batch, ids_of, track, until, until_some};

/// A router that writes to the stand-in, both impatient; `extra` are further lines.
fn config(stand_in: &BigQuery, extra: &str) -> Config {
    Config::default().table(&format!(
        "[destinations.bq]\ntype = \"bigquery\"\nproject_id = \"local\"\ndataset = \"analytics\"\n\
         endpoint = \"{}\"\ncredentials_file = \"{}\"\nschema_window = \"100ms\"\n\
         batch = {{ max_events = 2000, max_bytes = \"5MB\", max_delay = \"50ms\" }}\n\
         retry = {{ initial = \"50ms\", max = \"200ms\" }}\nbreaker = {{ failures = 5, open_for = \"200ms\" }}\n\
         hold = {{ probe_every = \"200ms\" }}\n{extra}",
        stand_in.endpoint(),
        stand_in.key_file().display()
    ))
}

/// Sends `count` events of one user and returns their ids.
async fn send(router: &Router, count: u64) -> Vec<String> {
    let events: Vec<Value> = (0..count).map(|n| track("u", n)).collect();
    router.post("/v1/batch", &batch(&events)).await.expect_success();
    ids_of(&events)
}

/// Waits until the destination's entry satisfies `check`, and returns it.
async fn until_entry(router: &Router, what: &str, check: impl Fn(&Value) -> bool) -> Value {
    until_some(what, 25, async || Some(router.destination("bq").await).filter(|entry| check(entry))).await
}

/// Waits until `tracks` holds exactly these ids, each once.
async fn until_exactly(stand_in: &BigQuery, ids: &[String]) {
    let mut wanted = ids.to_vec();
    wanted.sort();
    stand_in.until_rows("tracks", ids.len()).await;
    let rows = stand_in.rows("tracks").await;
    let mut found: Vec<&str> = rows.iter().filter_map(|row| row["id"].as_str()).collect();
    found.sort_unstable();
    assert_eq!(found, wanted);
}

fn beside(config: Config, receiver: &Receiver) -> Config {
    config.table("[destinations.warehouse]\ntype = \"sqlite\"").webhook("hook", &receiver.url(), "")
}

#[tokio::test]
async fn a_bigquery_that_hangs_holds_up_nobody_else_and_gets_everything_when_it_is_well() {
    let (stand_in, receiver) = (BigQuery::start(&["dataset=analytics"]), Receiver::start());
    let router = Router::start(beside(config(&stand_in, "timeout = \"500ms\""), &receiver)).await;
    let mut ids = send(&router, 20).await;
    until_entry(&router, "it has its tables", |entry| entry["counts"]["delivered"] == 20).await;
    stand_in.behave(json!({ "mode": "hang", "on": "insert" })).await;
    for _ in 0..5 {
        ids.extend(send(&router, 20).await);
    }
    receiver.until_taken(&ids).await;
    router.until_rows("tracks", &ids).await;
    let entry = until_entry(&router, "it is seen to hang", |entry| entry["state"] == "retrying").await;
    assert_eq!(entry["backlog"]["events"], 100, "{entry}");
    assert_eq!(receiver.taken_ids(), ids, "each once and in order");
    stand_in.behave(json!({ "mode": "ok" })).await;
    let entry = until_entry(&router, "it has caught up", |entry| entry["backlog"]["events"] == 0).await;
    assert_eq!(entry["counts"], json!({ "delivered": 120, "skipped": {}, "dead": {} }), "{entry}");
    until_exactly(&stand_in, &ids).await;
}

#[tokio::test]
async fn a_paused_bigquery_gets_nothing_until_it_is_resumed_also_after_a_kill() {
    let stand_in = BigQuery::start(&["dataset=analytics"]);
    let mut router = Router::start(config(&stand_in, "")).await;
    let mut ids = send(&router, 10).await;
    until_entry(&router, "all are there", |entry| entry["counts"]["delivered"] == 10).await;
    assert!(router.run(&["destinations", "pause", "bq"]).status.success());
    ids.extend(send(&router, 10).await);
    router.kill9();
    router.start_again().await;
    let entry = until_entry(&router, "ten wait", |entry| entry["backlog"]["events"] == 10).await;
    assert_eq!(entry["state"], "paused", "{entry}");
    assert_eq!(stand_in.rows("tracks").await.len(), 10);
    assert!(router.run(&["destinations", "resume", "bq"]).status.success());
    until_exactly(&stand_in, &ids).await;
}

#[tokio::test]
async fn an_event_that_waits_for_its_table_is_retrying_with_its_reason_and_the_next_look() {
    let stand_in = BigQuery::start(&["dataset=analytics"]);
    let router = Router::start(config(&stand_in, "cold_after = \"1h\"")).await;
    let named = |id: &str| {
        let event = json!({ "type": "track", "event": "Newcomer", "userId": "u", "messageId": id });
        batch(std::slice::from_ref(&event))
    };
    let first = send(&router, 1).await;
    router.post("/v1/batch", &named("newcomer-0")).await.expect_success();
    until_entry(&router, "its tables are there", |one| one["counts"]["delivered"] == 2).await;
    stand_in.refuse("newcomer", None, 1_000_000).await;
    router.post("/v1/batch", &named("newcomer-1")).await.expect_success();
    let path = "/api/events/newcomer-1";
    let stop = until_some("its table is not seen yet", 25, async || {
        let stop = router.get(path).await.json()["destinations"]["bq"].clone();
        Some(stop).filter(|stop| stop["attempts"].to_string().contains("Not found: Table"))
    })
    .await;
    assert_eq!((&stop["fate"], &stop["reason"]), (&json!("retrying"), &json!("schema")), "{stop}");
    until("the next look is told", 10, async || {
        router.get(path).await.json()["destinations"]["bq"]["next_attempt_at"].is_string()
    })
    .await;
    let more = send(&router, 5).await;
    let entry = until_entry(&router, "the others are delivered", |one| one["counts"]["delivered"] == 7).await;
    let waiting = ["newcomer-0".to_owned(), "newcomer-1".to_owned()];
    until_exactly(&stand_in, &[&first[..], &more, &waiting].concat()).await;
    assert_eq!(entry["state"], "flowing", "one event that waits is no sick destination: {entry}");
    assert_eq!(entry["backlog"]["events"], 1, "{entry}");
}

#[tokio::test]
async fn a_dropped_backlog_of_bigquery_counts_as_lost_and_what_comes_after_is_stored() {
    let stand_in = BigQuery::start(&["dataset=analytics"]);
    let router = Router::start(config(&stand_in, "")).await;
    assert!(router.run(&["destinations", "pause", "bq"]).status.success());
    send(&router, 10).await;
    until_entry(&router, "ten wait", |entry| entry["backlog"]["events"] == 10).await;
    assert_eq!(router.run(&["destinations", "drop", "bq"]).status.code(), Some(64), "it asks twice");
    let dropped = router.run(&["destinations", "drop", "bq", "--yes"]);
    assert!(dropped.status.success(), "{dropped:?}");
    assert!(router.run(&["destinations", "resume", "bq"]).status.success());
    let ids = send(&router, 5).await;
    until_exactly(&stand_in, &ids).await;
    let entry = until_entry(&router, "five are delivered", |one| one["counts"]["delivered"] == 5).await;
    assert_eq!(entry["counts"]["dead"], json!({ "dropped_by_operator": 10 }), "{entry}");
    let metrics = router.get("/metrics").await.text;
    assert!(metrics.contains("opentrack_events_lost_total{destination=\"bq\"} 10"), "{metrics}");
}

#[tokio::test]
async fn consent_and_privacy_hold_for_bigquery() {
    let stand_in = BigQuery::start(&["dataset=analytics"]);
    let extra =
        "consent = [\"analytics\"]\nprivacy = { \"/userId\" = \"hash\", \"/properties/card\" = \"drop\" }";
    let router = Router::start(config(&stand_in, extra)).await;
    let of = |id: &str, allowed: bool| {
        json!({
            "type": "track", "event": "Paid", "userId": "u", "messageId": id, "properties": { "card": "4111", "n": 1 },
            "context": { "consent": { "categoryPreferences": { "analytics": allowed } } },
        })
    };
    router.post("/v1/batch", &batch(&[of("yes", true), of("no", false)])).await.expect_success();
    let entry = until_entry(&router, "both are settled", |entry| {
        entry["counts"] == json!({ "delivered": 1, "skipped": { "consent": 1 }, "dead": {} })
    })
    .await;
    let rows = stand_in.rows("paid").await;
    assert_eq!(rows.len(), 1, "{entry}");
    let row = &rows[0];
    assert_eq!((&row["id"], &row["card"]), (&json!("yes"), &Value::Null), "{row}");
    assert_eq!(row["user_id"].as_str().map(str::len), Some(64), "{row}");
    assert!(!Value::from(rows.clone()).to_string().contains("4111"), "{row}");
}

#[tokio::test]
async fn a_replay_to_bigquery_stores_no_row_that_the_views_would_show_twice() {
    let stand_in = BigQuery::start(&["dataset=analytics"]);
    let router = Router::start(config(&stand_in, "")).await;
    let ids = send(&router, 10).await;
    until_exactly(&stand_in, &ids).await;
    until_entry(&router, "ten are delivered", |entry| entry["counts"]["delivered"] == 10).await;
    let replayed = router.run(&["replay", "--to", "bq", "--from", "2000-01-01T00:00:00Z"]);
    assert!(replayed.status.success(), "{replayed:?}");
    let rows = stand_in.rows("tracks").await;
    let mut found: Vec<&str> = rows.iter().filter_map(|row| row["id"].as_str()).collect();
    found.sort_unstable();
    found.dedup();
    let mut wanted = ids.clone();
    wanted.sort();
    assert_eq!(found, wanted, "nothing is invented, and each repetition has the id of its row");
    let timestamps = |id: &str| {
        let of_id = rows.iter().filter(|row| row["id"] == id);
        of_id.map(|row| row["received_at"].to_string()).collect::<std::collections::BTreeSet<_>>()
    };
    assert!(ids.iter().all(|id| timestamps(id).len() == 1), "with the times of the first: {rows:?}");
}
