//! Segment's tables: what events become, how tables change, and what comes of rows that do not fit.

use serde_json::json;

use super::scene::{Scene, named};
use crate::support::{ClickHouse, Router, fresh_id, until};

#[tokio::test]
async fn every_kind_of_call_becomes_rows_of_its_tables_with_types_of_their_own() {
    let scene = Scene::segment("").await;
    let properties = json!({
        "total": 42.5, "count": 3, "big": 9_007_199_254_740_993_i64, "gift": true, "note": "it's \"so\"\n",
        "at": "2026-03-01T13:00:00.5+01:00", "list": [1, "a"], "deep": { "er": { "x": 1 } }, "id": "not ours",
    });
    let events = [
        named("Order Completed", &properties),
        json!({ "type": "identify", "userId": "u1", "messageId": fresh_id("m"), "traits": { "plan": "pro", "age": 7 } }),
        json!({ "type": "page", "userId": "u1", "messageId": fresh_id("m"), "name": "Home", "properties": { "path": "/" } }),
        json!({ "type": "screen", "userId": "u1", "messageId": fresh_id("m"), "name": "Start" }),
        json!({ "type": "group", "userId": "u1", "groupId": "g", "messageId": fresh_id("m"), "traits": { "seats": 5 } }),
        json!({ "type": "alias", "userId": "u1", "previousId": "a", "messageId": fresh_id("m") }),
    ];
    let ids = scene.send(&events).await;
    let row = scene.until_in("order_completed", &ids[..1]).await.remove(&ids[0]).unwrap();
    let wanted = json!({
        "total": 42.5, "count": 3, "big": 9_007_199_254_740_993_i64, "gift": true, "note": "it's \"so\"\n",
        "at": "2026-03-01 12:00:00.500000", "list": "[1,\"a\"]", "deep_er_x": 1, "_unmapped": "{\"id\":\"not ours\"}",
        "event": "order_completed", "event_text": "Order Completed", "user_id": "u",
    });
    for (column, value) in wanted.as_object().unwrap() {
        assert_eq!(&row[column], value, "{column}: {row}");
    }
    for (table, id) in ["tracks", "identifies", "pages", "screens", "groups", "aliases"].into_iter().zip(&ids)
    {
        scene.until_in(table, std::slice::from_ref(id)).await;
    }
    expect_types(&scene).await;
}

/// The columns of an event's table have the types of their values, and its key makes repetitions replace each other.
async fn expect_types(scene: &Scene) {
    let columns = scene.clickhouse.columns("order_completed").await;
    for (column, kind) in [
        ("id", "String"),
        ("received_at", "DateTime64(6, 'UTC')"),
        ("timestamp", "DateTime64(6, 'UTC')"),
        ("sent_at", "Nullable(DateTime64(6, 'UTC'))"),
        ("event", "LowCardinality(Nullable(String))"),
        ("total", "Nullable(Float64)"),
        ("count", "Nullable(Int64)"),
        ("gift", "Nullable(Bool)"),
        ("at", "Nullable(DateTime64(6, 'UTC'))"),
        ("list", "Nullable(String)"),
        ("_unmapped", "Nullable(String)"),
    ] {
        assert_eq!(columns.get(column).map(String::as_str), Some(kind), "{column}");
    }
    let engine = scene
        .clickhouse
        .query("SELECT engine, sorting_key, partition_key FROM system.tables WHERE name = 'order_completed'")
        .await;
    assert_eq!(
        engine[0],
        json!({ "engine": "ReplacingMergeTree", "sorting_key": "toDate(timestamp), id", "partition_key": "toYYYYMM(timestamp)" })
    );
}

#[tokio::test]
async fn people_and_groups_have_the_newest_value_of_every_trait() {
    let scene = Scene::segment("").await;
    let identify = |traits: serde_json::Value| json!({ "type": "identify", "userId": "u1", "messageId": fresh_id("m"), "traits": traits });
    let ids = scene
        .send(&[identify(json!({ "plan": "free", "age": 7 })), identify(json!({ "plan": "pro" }))])
        .await;
    scene.until_in("identifies", &ids).await;
    let users = scene.clickhouse.until_rows("SELECT id, plan, age FROM opentrack.users", 1).await;
    assert_eq!(users, [json!({ "id": "u1", "plan": "pro", "age": 7 })]);
    // A trait that comes later is a column of the view too.
    let ids = scene.send(&[identify(json!({ "city": "Ulm" }))]).await;
    scene.until_in("identifies", &ids).await;
    let users = scene.clickhouse.until_rows("SELECT id, plan, age, city FROM opentrack.users", 1).await;
    assert_eq!(users, [json!({ "id": "u1", "plan": "pro", "age": 7, "city": "Ulm" })]);
}

#[tokio::test]
async fn columns_appear_and_integers_widen() {
    let scene = Scene::segment("").await;
    let ids = scene.send(&[named("Thing", &json!({ "n": 1 }))]).await;
    scene.until_in("thing", &ids).await;
    let ids = scene
        .send(&[named("Thing", &json!({ "n": 2.5, "new": "x" })), named("Thing", &json!({ "n": "seven" }))])
        .await;
    let rows = scene.until_in("thing", &ids).await;
    assert_eq!((&rows[&ids[0]]["n"], &rows[&ids[0]]["new"]), (&json!(2.5), &json!("x")));
    assert_eq!(
        (&rows[&ids[1]]["n"], &rows[&ids[1]]["_unmapped"]),
        (&json!(null), &json!("{\"n\":\"seven\"}"))
    );
    assert_eq!(scene.clickhouse.columns("thing").await["n"], "Nullable(Float64)");
    assert_eq!(rows.len(), 3);
}

#[tokio::test]
async fn times_that_no_column_holds_are_kept_beside_it() {
    let scene = Scene::segment("").await;
    let first = named("Trial", &json!({ "ends": "2026-03-01T00:00:00Z" }));
    let mut never = named("Trial", &json!({ "ends": "2999-12-31T00:00:00Z" }));
    never["timestamp"] = json!("0001-01-01T00:00:00Z");
    let ids = scene.send(&[first, never]).await;
    let rows = scene.until_in("trial", &ids).await;
    assert_eq!(rows[&ids[0]]["ends"], "2026-03-01 00:00:00.000000");
    let kept = rows[&ids[1]]["_unmapped"].as_str().unwrap_or_default();
    assert!(kept.contains("\"ends\":\"2999-12-31T00:00:00Z\""), "{}", rows[&ids[1]]);
    assert_eq!(rows.len(), 2);
}

#[tokio::test]
async fn a_row_that_the_table_refuses_is_found_and_the_others_are_stored() {
    let scene = Scene::segment("").await;
    let ids = scene.send(&[named("Thing", &json!({ "n": 0 }))]).await;
    scene.until_in("thing", &ids).await;
    scene.clickhouse.execute("ALTER TABLE opentrack.thing ADD CONSTRAINT few CHECK ifNull(n, 0) != 13").await;
    let events: Vec<_> = (1..40).map(|n| named("Thing", &json!({ "n": n }))).collect();
    let ids = scene.send(&events).await;
    let good: Vec<String> =
        ids.iter().enumerate().filter(|(at, _)| *at != 12).map(|(_, id)| id.clone()).collect();
    let rows = scene.until_in("thing", &good).await;
    scene.until_idle().await;
    let letters = scene.letters().await;
    assert_eq!(letters.keys().collect::<Vec<_>>(), [&ids[12]]);
    let letter = &letters[&ids[12]];
    assert_eq!((&letter["reason"], &letter["table"]), (&json!("rejected"), &json!("thing")), "{letter}");
    assert!(letter["answer"].as_str().is_some_and(|said| said.contains("Code: 469")), "{letter}");
    assert_eq!(rows.len(), 39);
}

#[tokio::test]
async fn what_somebody_else_changes_is_found_out_and_repaired() {
    let scene = Scene::segment("").await;
    let ids = scene.send(&[named("Thing", &json!({ "n": 0, "a": "x" }))]).await;
    scene.until_in("thing", &ids).await;
    scene.clickhouse.execute("ALTER TABLE opentrack.thing DROP COLUMN a").await;
    let ids = scene.send(&[named("Thing", &json!({ "n": 1, "a": "y" }))]).await;
    let rows = scene.until_in("thing", &ids).await;
    assert_eq!(rows[&ids[0]]["a"], "y");
    scene.clickhouse.execute("DROP TABLE opentrack.thing").await;
    let ids = scene.send(&[named("Thing", &json!({ "n": 2 }))]).await;
    scene.until_in("thing", &ids).await;
    scene.clickhouse.execute("DROP DATABASE opentrack").await;
    let ids = scene.send(&[named("Thing", &json!({ "n": 3 }))]).await;
    scene.until_in("thing", &ids).await;
    scene.until_in("tracks", &ids).await;
}

#[tokio::test]
async fn a_table_of_somebody_else_is_left_alone_and_its_events_are_kept_in_tracks() {
    let clickhouse = ClickHouse::start();
    clickhouse.execute("CREATE DATABASE IF NOT EXISTS opentrack").await;
    let theirs = "CREATE TABLE opentrack.orders (id UInt64, total Float64) ENGINE = MergeTree ORDER BY id";
    clickhouse.execute(theirs).await;
    let router = Router::start(clickhouse.config("layout = \"segment\"")).await;
    let scene = Scene { clickhouse, router };
    let ids =
        scene.send(&[named("Orders", &json!({ "total": 7 })), named("Thing", &json!({ "n": 1 }))]).await;
    let rows = scene.until_in("tracks", &ids).await;
    assert!(rows[&ids[0]]["_unmapped"].as_str().is_some_and(|kept| kept.contains('7')), "{rows:?}");
    scene.until_in("thing", &ids[1..]).await;
    // One that comes while the router runs.
    scene
        .clickhouse
        .execute("CREATE TABLE opentrack.refunds (total Float64) ENGINE = MergeTree ORDER BY total")
        .await;
    let ids = scene.send(&[named("Refunds", &json!({ "total": 7 }))]).await;
    scene.until_in("tracks", &ids).await;
    scene.until_idle().await;
    assert_eq!(scene.letters().await.len(), 0);
    let report = scene.router.get("/api/schema?destination=ch").await.json();
    let closed = report["closed"].as_array().expect("a list");
    let named: Vec<_> = closed.iter().map(|one| one["table"].as_str().unwrap_or_default()).collect();
    assert_eq!(named, ["orders", "refunds"], "each once: {report}");
    for one in closed {
        let why = one["why"].as_str().unwrap_or_default();
        assert!(why.contains("is not ours") && why.contains("another `database`"), "{one}");
        assert!(one.get("ddl").is_none(), "{one}");
    }
    assert_eq!(scene.number("SELECT count() FROM opentrack.orders").await, 0.0);
    assert_eq!(scene.clickhouse.columns("orders").await.len(), 2);
    assert_eq!(scene.clickhouse.columns("refunds").await.len(), 1);
}

#[tokio::test]
async fn an_insert_whose_answer_is_lost_is_stored_once() {
    let scene = Scene::segment("").await;
    let ids = scene.send(&[named("Thing", &json!({ "n": 0 }))]).await;
    scene.until_in("thing", &ids).await;
    scene
        .clickhouse
        .behave(json!({ "mode": "half", "holds": "INSERT INTO `opentrack`.`thing`", "times": 2 }))
        .await;
    let ids = scene.send(&(0..20).map(|n| named("Thing", &json!({ "n": n }))).collect::<Vec<_>>()).await;
    scene.until_in("thing", &ids).await;
    scene.until_idle().await;
    // Without FINAL: the repetition was dropped by its token.
    assert_eq!(scene.number("SELECT count() FROM opentrack.thing").await, 21.0);
    let inserts = scene.clickhouse.inserts().await;
    let tokens: Vec<&str> =
        inserts.iter().filter_map(|one| one["insert_deduplication_token"].as_str()).collect();
    assert!(tokens.len() > tokens.iter().collect::<std::collections::BTreeSet<_>>().len(), "{tokens:?}");
    assert!(inserts.iter().all(|one| one["async_insert"] == "0"), "{inserts:?}");
}

#[tokio::test]
async fn events_of_many_months_go_in_blocks_that_the_server_takes() {
    let scene = Scene::segment("").await;
    let events: Vec<_> = (0..130)
        .map(|n| {
            let mut event = named("Thing", &json!({ "n": n }));
            event["timestamp"] = json!(format!("{}-{:02}-05T00:00:00Z", 2010 + n / 12, n % 12 + 1));
            event
        })
        .collect();
    let ids = scene.send(&events).await;
    assert_eq!(scene.until_in("thing", &ids).await.len(), 130);
    until("nothing failed on the way", 20, async || {
        let entry = scene.router.destination("ch").await;
        entry["backlog"]["events"] == 0 && entry["last_error"].is_null()
    })
    .await;
}
