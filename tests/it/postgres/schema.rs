//! How tables change: columns that appear while rows flow, types that widen, other people's tables, and what is told of it
//! beforehand.

use std::io::Write as _;
use std::process::Stdio;

use serde_json::{Value, json};

use super::scene::{pg, scene, until_delivered, until_state};
use crate::support::{Config, Load, Postgres, Router, batch, fresh_id, opentrack, until};

fn viewed(properties: &Value) -> Value {
    json!({ "type": "track", "event": "Viewed", "userId": "u", "messageId": fresh_id("v"), "properties": properties })
}

async fn send(router: &Router, events: &[Value]) {
    router.post("/v1/batch", &batch(events)).await.expect_success();
}

#[tokio::test]
async fn columns_appear_and_widen_while_rows_flow() {
    let Some((database, router)) = scene("").await else { return };
    let load = Load::start(&router.url(""), 2);
    load.until_more(50).await;
    for n in 0..10 {
        send(&router, &[viewed(&json!({ "n": n, (format!("p{n}")): true }))]).await;
        load.until_more(20).await;
    }
    send(&router, &[viewed(&json!({ "n": 0.5 })), viewed(&json!({ "n": "no number" }))]).await;
    let (_, acknowledged) = load.finish();
    until_delivered(&router, acknowledged.len() as u64 + 12).await;
    let kind =
        "SELECT data_type FROM information_schema.columns WHERE table_name = 'viewed' AND column_name = 'n'";
    assert_eq!(database.one(kind).await, "double precision");
    assert_eq!(database.one("SELECT count(*) FROM viewed WHERE p0 OR p9").await, 2);
    assert_eq!(database.one("SELECT sum(n) FROM viewed").await, 45.5);
    assert_eq!(
        database.one("SELECT _unmapped->>'n' FROM viewed WHERE _unmapped IS NOT NULL").await,
        "no number"
    );
    assert_eq!(router.dead_letters(), "");
}

#[tokio::test]
async fn two_routers_at_an_empty_database_agree() {
    let Some(database) = Postgres::new().await else { return };
    let config = || pg(Config::default(), &database.url(), "schema = \"shared\"");
    let (one, other) = (Router::start(config()).await, Router::start(config()).await);
    let events = |router: usize| -> Vec<Value> {
        let event = |n: usize| {
            let mut event =
                viewed(&json!({ "n": n, (format!("of_{router}")): n, (format!("both_{}", n % 7)): true }));
            event["event"] = json!(format!("Event {}", n % 5));
            event
        };
        (0..60).map(event).collect()
    };
    let (mine, theirs) = (events(1), events(2));
    tokio::join!(send(&one, &mine), send(&other, &theirs));
    until_delivered(&one, 60).await;
    until_delivered(&other, 60).await;
    assert_eq!(database.one("SELECT count(*) FROM shared.tracks").await, 120);
    assert_eq!(
        database.one("SELECT count(*) FROM shared.event_0 WHERE of_1 IS NOT NULL OR of_2 IS NOT NULL").await,
        24
    );
    assert_eq!(one.dead_letters() + &other.dead_letters(), "");
}

#[tokio::test]
async fn a_change_waits_for_whoever_holds_the_lock_of_the_schema() {
    let Some((database, router)) = scene("").await else { return };
    let mine = database.hold("SELECT pg_advisory_xact_lock(1332761714, hashtext('public'))").await;
    send(&router, &[viewed(&json!({ "n": 1 }))]).await;
    let waits = "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'advisory' AND application_name = 'opentrack' \
                 AND datname = current_database()";
    until("the change waits", 10, async || !database.query(waits).await.is_empty()).await;
    assert_eq!(database.query("SELECT 1 FROM pg_tables WHERE schemaname = 'public'").await.len(), 0);
    drop(mine);
    until_delivered(&router, 1).await;
}

#[tokio::test]
async fn a_table_that_somebody_drops_or_changes_is_seen_again() {
    let Some((database, router)) = scene("").await else { return };
    send(&router, &[viewed(&json!({ "n": 1, "label": "a" }))]).await;
    until_delivered(&router, 1).await;
    database.run("ALTER TABLE viewed DROP COLUMN label").await;
    send(&router, &[viewed(&json!({ "n": 2, "label": "b" }))]).await;
    until_delivered(&router, 2).await;
    assert_eq!(database.one("SELECT label FROM viewed WHERE n = 2").await, "b");
    database.run("DROP TABLE viewed").await;
    send(&router, &[viewed(&json!({ "n": 3, "label": "c" }))]).await;
    until_delivered(&router, 3).await;
    assert_eq!(database.one("SELECT label FROM viewed").await, "c");
    assert_eq!(router.dead_letters(), "");
}

#[tokio::test]
async fn a_table_of_an_application_is_left_alone() {
    let Some(database) = Postgres::new().await else { return };
    database.run("CREATE TABLE users (id serial PRIMARY KEY, email text); INSERT INTO users (email) VALUES ('a@x.example')").await;
    let router = Router::start(pg(Config::default(), &database.url(), "")).await;
    send(&router, &[json!({ "type": "identify", "userId": "u", "messageId": "i1", "traits": { "email": "b@x.example" } })]).await;
    let held = until_state(&router, "held").await;
    let said = held["last_error"]["message"].as_str().unwrap();
    assert!(said.contains("\"public\".\"users\"") && said.contains("`schema`"), "{said}");
    assert_eq!(database.query("SELECT * FROM users").await.len(), 1);
    assert_eq!(
        database.one("SELECT count(*) FROM information_schema.columns WHERE table_name = 'users'").await,
        2
    );
}

/// Sends an event of this name and one beside it, and expects the second to flow and the first to be kept in `tracks`.
async fn expect_kept_in_tracks(database: &Postgres, router: &Router, (name, table): (&str, &str)) {
    let before = router.destination("pg").await["counts"]["delivered"].as_u64().unwrap_or(0);
    let mut taken = viewed(&json!({ "colour": "red" }));
    taken["event"] = json!(name);
    send(router, &[taken, viewed(&json!({ "n": 1 }))]).await;
    until_delivered(router, before + 2).await;
    let kept = format!("SELECT _unmapped->>'colour' FROM tracks WHERE event = '{table}'");
    assert_eq!(database.one(&kept).await, "red", "{name}");
    assert_eq!(router.destination("pg").await["state"], "flowing", "{name}");
}

/// Expects an operator to see that these tables are closed, and why.
async fn expect_shown_as_closed(router: &Router, tables: &[&str]) {
    let report = router.get("/api/schema?destination=pg").await.json();
    let closed = report["closed"].as_array().expect("a list");
    let named: Vec<_> = closed.iter().map(|one| one["table"].as_str().unwrap_or_default()).collect();
    assert_eq!(named, tables, "{report}");
    for one in closed {
        let why = one["why"].as_str().unwrap_or_default();
        assert!(why.contains("no table of events") && why.contains("`schema`"), "{one}");
        assert!(one.get("ddl").is_none(), "{one}");
    }
}

#[tokio::test]
async fn an_event_whose_name_is_taken_keeps_its_row_in_tracks_and_stops_nothing() {
    let Some((database, router)) = scene("").await else { return };
    send(&router, &[viewed(&json!({ "n": 1 }))]).await;
    until_delivered(&router, 1).await;
    database
        .run(
            "CREATE TABLE orders (id serial PRIMARY KEY, total int); CREATE VIEW paid AS SELECT 1 AS one; \
             CREATE SEQUENCE counted; CREATE TYPE mood AS ENUM ('good'); CREATE MATERIALIZED VIEW kept AS SELECT 1 AS one",
        )
        .await;
    for taken in [
        ("tracks pkey", "tracks_pkey"),
        ("Orders", "orders"),
        ("Paid", "paid"),
        ("Counted", "counted"),
        ("Mood", "mood"),
        ("Kept", "kept"),
        ("Viewed received at brin", "viewed_received_at_brin"),
    ] {
        expect_kept_in_tracks(&database, &router, taken).await;
    }
    assert_eq!(router.dead_letters(), "");
    expect_shown_as_closed(
        &router,
        &["counted", "kept", "mood", "orders", "paid", "tracks_pkey", "viewed_received_at_brin"],
    )
    .await;
    let columns = "SELECT count(*) FROM information_schema.columns WHERE table_name = 'orders'";
    assert_eq!(database.one(columns).await, 2, "it is left as it is");
}

#[tokio::test]
async fn a_view_that_has_the_name_of_a_state_holds_in_words_until_it_is_gone() {
    let Some(database) = Postgres::new().await else { return };
    database.run("CREATE VIEW users AS SELECT 1 AS one").await;
    let router = Router::start(pg(Config::default(), &database.url(), "")).await;
    send(&router, &[json!({ "type": "identify", "userId": "u", "messageId": "i1", "traits": { "email": "b@x.example" } })]).await;
    let held = until_state(&router, "held").await;
    let said = held["last_error"]["message"].as_str().unwrap();
    assert!(said.contains("\"public\".\"users\" is a view") && said.contains("`schema`"), "{said}");
    database.run("DROP VIEW users").await;
    until_delivered(&router, 1).await;
}

#[tokio::test]
async fn a_column_whose_type_cannot_be_changed_keeps_it() {
    let Some((database, router)) = scene("").await else { return };
    database
        .run(
            "CREATE TABLE viewed (id text, received_at timestamptz, n bigint, _unmapped jsonb, PRIMARY KEY (id)); \
             CREATE TABLE parent (n bigint); ALTER TABLE viewed INHERIT parent",
        )
        .await;
    send(&router, &[viewed(&json!({ "n": 1 }))]).await;
    until_delivered(&router, 1).await;
    send(&router, &[viewed(&json!({ "n": 1.5, "more": 1 }))]).await;
    until_delivered(&router, 2).await;
    assert_eq!(database.one("SELECT _unmapped->>'n' FROM viewed WHERE more = 1").await, "1.5");
}

#[tokio::test]
async fn a_column_that_a_view_reads_keeps_its_type() {
    let Some((database, router)) = scene("").await else { return };
    send(&router, &[viewed(&json!({ "n": 1 }))]).await;
    until_delivered(&router, 1).await;
    database.run("CREATE VIEW report AS SELECT n FROM viewed").await;
    send(&router, &[viewed(&json!({ "n": 1.5, "more": 1 }))]).await;
    until_delivered(&router, 2).await;
    assert_eq!(database.one("SELECT _unmapped->>'n' FROM viewed WHERE more = 1").await, "1.5");
    let conflicts = router.run(&["schema", "conflicts", "--json"]);
    let text = String::from_utf8(conflicts.stdout).unwrap();
    assert!(text.contains("ALTER COLUMN \\\"n\\\" TYPE double precision"), "{text}");
}

#[tokio::test]
async fn what_a_plan_prints_runs_on_the_server_and_the_events_fit() {
    let Some(database) = Postgres::new().await else { return };
    let dir = tempfile::tempdir().unwrap();
    let config = format!(
        "[destinations.pg]\ntype = \"postgres\"\nurl = \"{}\"\nschema = \"My \\\"Data\\\"\"\n",
        database.url()
    );
    std::fs::write(dir.path().join("config.toml"), config).unwrap();
    let events = batch(&[
        viewed(&json!({ "n": 1, "ok": true })),
        json!({ "type": "identify", "userId": "u", "messageId": "i" }),
    ]);
    let plan = |arguments: &[&str]| {
        let mut command = opentrack();
        command.args(["schema", "plan"]).args(arguments).current_dir(dir.path());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(events.to_string().as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    };
    let output = plan(&["--ddl"]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let statements = String::from_utf8(output.stdout).unwrap();
    database.run(&statements).await;
    database.run(&statements).await;
    let after = plan(&[]);
    assert_eq!(after.status.code(), Some(0), "{after:?}");
    let probe = opentrack().args(["check", "--probe"]).current_dir(dir.path()).output().unwrap();
    assert_eq!(probe.status.code(), Some(0), "{probe:?}");
}

#[tokio::test]
async fn a_lock_on_a_table_delays_its_rows_and_loses_none() {
    let Some((database, router)) = scene("").await else { return };
    send(&router, &[viewed(&json!({ "n": 1 }))]).await;
    until_delivered(&router, 1).await;
    let locked = database.hold("LOCK TABLE viewed IN ACCESS SHARE MODE").await;
    send(&router, &[viewed(&json!({ "n": 2, "later": true }))]).await;
    let waits = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND application_name = 'opentrack' \
                 AND datname = current_database()";
    until("the change waits", 10, async || !database.query(waits).await.is_empty()).await;
    // Who reads waits behind the change, and only as long as the change waits itself.
    let reader = database.hold("SET LOCAL lock_timeout = '10s'").await;
    assert_eq!(reader.query("SELECT FROM viewed", &[]).await.expect("it is not kept waiting").len(), 1);
    drop(reader);
    drop(locked);
    until_delivered(&router, 2).await;
    assert_eq!(database.one("SELECT n FROM viewed WHERE later").await, 2);
}
