//! SIGKILL of the router in the middle of a stream, while answers are lost: every acknowledged event is there, and `FINAL`
//! shows it once; so do the rollups, however the blocks were cut.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::scene::Scene;
use super::wide::visit;
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

/// Kills and starts the router some times while events come. Returns what it owes once all is settled.
async fn survive(scene: &mut Scene) -> Oracle {
    let load = Load::start(&scene.router.url(""), 3);
    for round in 0..4 {
        weather(scene, round).await;
        load.until_more(100).await;
        let visits: Vec<Value> = (0..10).flat_map(|n| visit(&format!("v{round}-{n}"))).collect();
        scene.send(&visits).await;
        scene.router.kill9();
        scene.router.start_again().await;
    }
    load.until_more(60).await;
    scene.clickhouse.be_itself().await;
    let oracle = Oracle::new(load.finish());
    scene.until_idle().await;
    assert_eq!(scene.letters().await.len(), 0);
    assert!(oracle.owed() >= 400, "{} events are little", oracle.owed());
    oracle
}

/// Holds a table against the oracle.
async fn expect_kept(scene: &Scene, oracle: &Oracle, (table, id): (&str, &str)) {
    let place = place(scene, table, id).await;
    let breaches = oracle.breaches(&place, Poison::NONE);
    assert!(breaches.is_empty(), "{} broken promises:\n{}", breaches.len(), breaches.join("\n"));
    assert!(place.arrived.len() >= oracle.owed(), "{} rows in `{table}`", place.arrived.len());
}

#[tokio::test]
async fn kills_lose_no_row_of_segments_tables_and_double_none() {
    let mut scene = Scene::segment("").await;
    let oracle = survive(&mut scene).await;
    expect_kept(&scene, &oracle, ("tracks", "id")).await;
    expect_kept(&scene, &oracle, ("load_sent", "id")).await;
}

#[tokio::test]
async fn kills_lose_no_row_of_the_wide_table_and_double_none_there_nor_in_a_rollup() {
    let mut scene = Scene::start("").await;
    let oracle = survive(&mut scene).await;
    expect_kept(&scene, &oracle, ("events", "message_id")).await;
    let events = "FROM opentrack.events FINAL WHERE session_id != ''";
    for (rollup, wanted) in [
        ("SELECT uniqExactMerge(actions) FROM opentrack.rollup_sessions", format!("SELECT count() {events}")),
        (
            "SELECT uniqExactIfMerge(views) FROM opentrack.rollup_pages",
            format!("SELECT count() {events} AND type = 'page'"),
        ),
        (
            "SELECT arraySum(x -> x % 100000000, groupUniqArrayArray(attention)) FROM opentrack.rollup_sessions",
            format!("SELECT sum(engaged_ms) {events}"),
        ),
        (
            "SELECT arraySum(x -> x % 100000000, groupUniqArrayArray(attention)) FROM opentrack.rollup_pages",
            format!("SELECT sum(engaged_ms) {events}"),
        ),
        (
            "SELECT sum(m.2) FROM (SELECT argMinMerge(money) AS m FROM opentrack.rollup_commerce GROUP BY order_id, reference)",
            format!("SELECT sum(revenue) {events}"),
        ),
    ] {
        let (found, wanted) = (scene.number(rollup).await, scene.number(&wanted).await);
        assert!(found == wanted && found > 0.0, "{rollup}: {found} and not {wanted}");
    }
}
