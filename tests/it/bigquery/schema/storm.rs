//! Many changes at once: they are made together, no quota is ever met, and two routers that make them at the same time agree.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::scene::{config, ids_in, send};
use super::{Scene, with};
use crate::support::{BigQuery, Router, until_some};

/// Sends a thousand events with a property each that nobody has seen, twenty requests at a time.
async fn a_thousand_properties(scene: &Scene) -> Vec<String> {
    let events = with("Viewed", 1_000, |n| json!({ (format!("p{n:04}")): n }));
    let mut ids = Vec::new();
    for wave in events.chunks(100) {
        let sent = join_all(wave.chunks(5).map(|events| scene.send(events))).await;
        ids.extend(sent.into_iter().flatten());
    }
    ids
}

/// Returns how often a request was answered with 403.
async fn refused(stand_in: &BigQuery) -> Value {
    stand_in.seen().await["answers"]["403"].clone()
}

#[tokio::test]
async fn a_thousand_new_properties_change_a_table_once_in_a_window_at_most() {
    let scene = Scene::start(&[], "schema_window = \"500ms\"").await;
    let begun = Instant::now();
    let ids = a_thousand_properties(&scene).await;
    let rows = scene.until_in_within(60, "viewed", &ids).await;
    let windows = begun.elapsed().as_millis() / 500 + 1;
    scene.until_idle().await;
    let told = scene.table("viewed").await;
    let updates = told["updates"].as_u64().expect("a count");
    assert!(u128::from(updates) <= windows, "{updates} changes in {windows} windows");
    assert!(updates <= 10, "{updates} changes");
    assert_eq!(refused(&scene.stand_in).await, Value::Null);
    let tracks = scene.table("tracks").await;
    assert_eq!(tracks["updates"], 1, "a table that lacks nothing is made and left alone: {tracks}");
    for (id, n) in ids.iter().zip(0..) {
        let row = rows.iter().find(|row| row["id"] == id.as_str()).expect("a row");
        assert_eq!(row[format!("p{n:04}")], n, "{row}");
    }
    scene.expect_exactly("viewed", &ids).await;
    scene.expect_exactly("tracks", &ids).await;
}

#[tokio::test]
async fn a_table_of_the_user_without_partitions_is_changed_within_its_smaller_quota() {
    let scene = Scene::start(&[], "schema_window = \"100ms\"").await;
    scene.run("CREATE TABLE analytics.viewed (id STRING)").await;
    let first = scene.send(&with("Other", 1, |n| json!({ "n": n }))).await;
    scene.until_in("other", &first).await;
    let mut ids = Vec::new();
    for round in 0..7 {
        let sent = scene.send(&with("Viewed", 5, |n| json!({ (format!("p{round}_{n}")): n }))).await;
        scene.until_in_within(40, "viewed", &sent).await;
        ids.extend(sent);
    }
    scene.until_idle().await;
    scene.expect_exactly("viewed", &ids).await;
    assert_eq!(refused(&scene.stand_in).await, Value::Null);
}

#[tokio::test]
async fn a_hundred_new_tables_are_made_within_the_quota_of_ten_a_second() {
    let scene = Scene::start(&[], "").await;
    let mut ids = Vec::new();
    for n in 0..100 {
        ids.push((
            format!("event_{n}"),
            scene.send(&with(&format!("Event {n}"), 1, |_| json!({ "n": n }))).await,
        ));
    }
    for (table, ids) in &ids {
        scene.until_in_within(60, table, ids).await;
    }
    scene.until_idle().await;
    assert_eq!(refused(&scene.stand_in).await, Value::Null);
    assert_eq!(scene.stand_in.rows("tracks").await.len(), 100);
}

#[tokio::test]
async fn two_routers_that_begin_at_once_on_nothing_agree() {
    let stand_in = BigQuery::start(&[]);
    let (one, two) = tokio::join!(
        Router::start(config(&stand_in, "schema_window = \"100ms\"")),
        Router::start(config(&stand_in, "schema_window = \"100ms\"")),
    );
    let whole = with("Viewed", 50, |n| json!({ "mixed": n, "left": n }));
    let words = with("Viewed", 50, |n| json!({ "mixed": format!("w{n}"), "right": n }));
    let (mut ids, more) = tokio::join!(send(&one, &whole), send(&two, &words));
    ids.extend(more);
    for table in ["viewed", "tracks"] {
        until_some(&format!("all rows are in {table}"), 40, async || {
            let wanted: BTreeSet<String> = ids.iter().cloned().collect();
            (ids_in(&stand_in.rows(table).await) == wanted).then_some(())
        })
        .await;
        assert_eq!(stand_in.rows(table).await.len(), 100, "{table}");
    }
    let rows = stand_in.rows("viewed").await;
    let columns = stand_in.tables().await["analytics.viewed"]["columns"].clone();
    assert!(["INT64", "STRING"].contains(&columns["mixed"].as_str().unwrap()), "{columns}");
    assert_eq!((&columns["left"], &columns["right"]), (&json!("INT64"), &json!("INT64")));
    for (event, id) in whole.iter().chain(&words).zip(&ids) {
        let row = rows.iter().find(|row| row["id"] == id.as_str()).unwrap();
        let sent = &event["properties"]["mixed"];
        let text = sent.as_str().map_or_else(|| sent.to_string(), str::to_owned);
        let kept = [&row["mixed"], &row["_unmapped"]["mixed"]];
        assert!(kept.into_iter().any(|kept| kept == sent || *kept == json!(text)), "{sent}: {row}");
    }
    for router in [&one, &two] {
        assert_eq!(router.destination("bq").await["counts"]["dead"], json!({}));
    }
}

#[tokio::test]
async fn a_restart_reads_its_file_and_asks_once_whether_its_tables_are_still_those() {
    let mut scene = Scene::start(&[], "").await;
    let before = scene.send(&with("Viewed", 5, |n| json!({ "n": n }))).await;
    scene.until_in("viewed", &before).await;
    scene.until_idle().await;
    scene.router.stop().await;
    let parts = scene.stand_in.seen().await["parts"].clone();
    scene.router.start_again().await;
    let after = scene.send(&with("Viewed", 5, |n| json!({ "n": n }))).await;
    scene.until_in("viewed", &after).await;
    scene.until_in("tracks", &after).await;
    let again = scene.stand_in.seen().await["parts"].clone();
    let changed: Vec<&String> =
        again.as_object().unwrap().keys().filter(|part| again[*part] != parts[*part]).collect();
    assert!(
        changed.iter().all(|part| ["insert", "tables", "token"].contains(&part.as_str())),
        "{changed:?}: {parts} {again}"
    );
    let lists = again["tables"].as_u64().zip(parts["tables"].as_u64()).map(|(now, before)| now - before);
    assert_eq!(lists, Some(1), "{parts} {again}");
    scene.expect_exactly("viewed", &[before, after].concat()).await;
}
