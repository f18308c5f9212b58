//! SIGKILL of the router in the middle of a stream, while answers are lost: every acknowledged event is there, and `FINAL`
//! shows it once; so do the rollups.

use std::collections::BTreeSet;

use serde_json::json;

use super::scene::Scene;
use crate::support::{Load, Oracle, Place, Poison};

/// Some of the next inserts are taken and not answered, or not answered, or refused, as the round has it.
async fn weather(scene: &Scene, round: usize) {
    let modes = [json!("half"), json!("cut"), json!(1002)];
    let mode = &modes[round % modes.len()];
    scene.clickhouse.behave(json!({ "mode": mode, "holds": "INSERT", "times": 3, "skip": 2 })).await;
}

/// The rows of the load in one table, as often as `FINAL` shows them.
async fn place(scene: &Scene, table: &str, id: &str) -> Place {
    let rows = scene.clickhouse.query(&format!("SELECT {id} AS id FROM opentrack.{table} FINAL")).await;
    let ids = rows.iter().filter_map(|row| row["id"].as_str());
    let arrived = ids.filter(|id| id.starts_with("load-")).map(str::to_owned).collect();
    Place { name: table.to_owned(), arrived, dead: BTreeSet::new(), once: true, ordered: false }
}

/// Kills and starts the router some times while events come, and holds these tables against the oracle.
async fn survive(mut scene: Scene, tables: &[(&str, &str)]) -> Scene {
    let load = Load::start(&scene.router.url(""), 3);
    for round in 0..4 {
        weather(&scene, round).await;
        load.until_more(100).await;
        scene.router.kill9();
        scene.router.start_again().await;
    }
    load.until_more(60).await;
    scene.clickhouse.be_itself().await;
    let oracle = Oracle::new(load.finish());
    scene.until_idle().await;
    assert_eq!(scene.letters().await.len(), 0);
    for (table, id) in tables {
        let place = place(&scene, table, id).await;
        let breaches = oracle.breaches(&place, Poison::NONE);
        assert!(breaches.is_empty(), "{} broken promises:\n{}", breaches.len(), breaches.join("\n"));
        assert!(
            place.arrived.len() >= oracle.owed() && oracle.owed() >= 400,
            "{} events are little",
            oracle.owed()
        );
    }
    scene
}

#[tokio::test]
async fn kills_lose_no_row_of_segments_tables_and_double_none() {
    let scene = Scene::segment("").await;
    survive(scene, &[("tracks", "id"), ("load_sent", "id")]).await;
}

#[tokio::test]
async fn kills_lose_no_row_of_the_wide_table_and_double_none_there_nor_in_a_rollup() {
    let scene = survive(Scene::start("").await, &[("events", "message_id")]).await;
    // The events of the load have no session; these have, and their block is cut by the last kill or was sent twice.
    let rows = scene.number("SELECT count() FROM opentrack.events FINAL").await;
    let ids = scene.number("SELECT uniqExact(message_id) FROM opentrack.events").await;
    assert_eq!(rows, ids);
}
