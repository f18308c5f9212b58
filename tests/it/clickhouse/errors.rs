//! What a server says that cannot or will not take rows, and that no event is lost for it.

use serde_json::{Value, json};

use super::scene::{Scene, named};
use crate::support::{ClickHouse, Router};

#[tokio::test]
async fn a_server_that_is_too_old_is_refused_with_words_and_taken_once_it_is_not() {
    let old = ClickHouse::with(&["--version", "18.16.1"]);
    let router = Router::start(old.config("")).await;
    let mut scene = Scene { clickhouse: old, router };
    let ids = scene.send(&[named("Ping", &json!({}))]).await;
    let entry = scene.until_entry("it is refused", |one| one["last_error"]["message"].is_string()).await;
    let words = entry["last_error"]["message"].as_str().unwrap_or_default().to_owned();
    assert!(words.contains("ClickHouse 18.16.1 is too old: 22.8 or later is needed"), "{words}");
    assert!(
        scene.clickhouse.query("SELECT name FROM system.databases WHERE name = 'opentrack'").await.is_empty()
    );
    let port = scene.clickhouse.port().to_string();
    scene.clickhouse.stop();
    scene.clickhouse = ClickHouse::with(&["--port", &port]);
    scene.until_in("events", &ids).await;
}

#[tokio::test]
async fn a_wrong_password_holds_every_event_until_it_is_right() {
    let clickhouse = ClickHouse::with(&["--password", "geheim0123456789"]);
    let router = Router::start(clickhouse.config("password = \"falsch0123456789\"")).await;
    let scene = Scene { clickhouse, router };
    let ids = scene.send(&[named("Ping", &json!({}))]).await;
    let entry = scene.until_entry("it is refused", |one| one["last_error"]["message"].is_string()).await;
    let words = entry["last_error"]["message"].as_str().unwrap_or_default();
    assert!(words.contains("Code: 516") && !words.contains("falsch"), "{words}");
    assert_eq!(scene.letters().await.len(), 0);
    drop(scene.router);
    let router =
        Router::start(scene.clickhouse.config("password = \"geheim0123456789\"\nstart = \"beginning\""))
            .await;
    let scene = Scene { clickhouse: scene.clickhouse, router };
    let more = scene.send(&[named("Ping", &json!({}))]).await;
    scene.until_in("events", &more).await;
    assert_eq!(ids.len(), 1);
}

#[tokio::test]
async fn what_passes_is_tried_again_and_what_an_operator_must_repair_holds() {
    let scene = Scene::start("").await;
    let first = scene.send(&[named("Ping", &json!({}))]).await;
    scene.until_in("events", &first).await;
    for code in [159, 202, 241, 242, 319, 999, 1002] {
        scene.clickhouse.behave(json!({ "mode": code, "holds": "INSERT", "times": 1 })).await;
        let ids = scene.send(&[named("Ping", &json!({ "code": code }))]).await;
        if code != 202 {
            scene.until_in("events", &ids).await;
        }
    }
    for code in [164, 497, 516, 62, 115] {
        scene.clickhouse.behave(json!({ "mode": code, "holds": "INSERT" })).await;
        let ids = scene.send(&[named("Ping", &json!({ "code": code }))]).await;
        let entry = scene.until_entry("it is held", |one| one["state"] == "held").await;
        assert!(
            entry["last_error"]["message"]
                .as_str()
                .is_some_and(|said| said.contains(&format!("Code: {code}"))),
            "{entry}"
        );
        scene.clickhouse.be_itself().await;
        scene.until_in("events", &ids).await;
    }
    scene.until_idle().await;
    assert_eq!(scene.letters().await.len(), 0);
}

#[tokio::test]
async fn a_table_that_is_not_made_holds_whatever_the_reason_and_no_event_dies() {
    for layout in ["segment", "events"] {
        let clickhouse = ClickHouse::start();
        clickhouse.behave(json!({ "mode": 115, "holds": "CREATE TABLE" })).await;
        let router = Router::start(clickhouse.config(&format!("layout = \"{layout}\""))).await;
        let scene = Scene { clickhouse, router };
        let ids = scene.send(&[named("Ping", &json!({}))]).await;
        let says = |one: &Value| one["reason"].as_str().is_some_and(|said| said.contains("Code: 115"));
        scene.until_entry("it says what is wrong", says).await;
        assert_eq!(scene.letters().await.len(), 0, "{layout}");
        scene.clickhouse.be_itself().await;
        scene.until_in(if layout == "segment" { "ping" } else { "events" }, &ids).await;
    }
}

#[tokio::test]
async fn a_view_of_somebody_else_that_refuses_rows_holds_and_is_named() {
    let scene = Scene::start("").await;
    let first = scene.send(&[named("Ping", &json!({}))]).await;
    scene.until_in("events", &first).await;
    scene.clickhouse.execute("CREATE TABLE opentrack.mine (n Int64) ENGINE = MergeTree ORDER BY n").await;
    let view = "CREATE MATERIALIZED VIEW opentrack.mine_mv TO opentrack.mine AS \
                SELECT toInt64(event) AS n FROM opentrack.events";
    scene.clickhouse.execute(view).await;
    let ids = scene.send(&[named("Ping", &json!({})), named("Pong", &json!({}))]).await;
    let entry = scene.until_entry("it is held", |one| one["state"] == "held").await;
    let words = entry["last_error"]["message"].as_str().unwrap_or_default();
    assert!(words.contains("the view `opentrack.mine_mv`"), "{words}");
    assert_eq!(scene.letters().await.len(), 0);
    scene.clickhouse.execute("DROP TABLE opentrack.mine_mv").await;
    scene.until_in("events", &ids).await;
}

#[tokio::test]
async fn a_database_that_may_not_be_made_holds_and_no_event_dies() {
    let scene = {
        let clickhouse = ClickHouse::start();
        clickhouse.behave(json!({ "mode": 497, "holds": "CREATE DATABASE" })).await;
        let router = Router::start(clickhouse.config("layout = \"segment\"")).await;
        Scene { clickhouse, router }
    };
    let ids = scene.send(&[named("Ping", &json!({}))]).await;
    let says = |one: &Value| one["reason"].as_str().is_some_and(|said| said.contains("Code: 497"));
    scene.until_entry("it says what is missing", says).await;
    let trace = scene.router.get(&format!("/api/events/{}", ids[0])).await.json();
    assert_eq!(trace["destinations"]["ch"]["fate"], "retrying", "{trace}");
    assert_eq!(scene.letters().await.len(), 0);
    scene.clickhouse.be_itself().await;
    scene.until_in("ping", &ids).await;
}
