//! The flat layout: one table, ours to the letter or one that the user has made.

use serde_json::{Value, json};

use super::Scene;
use crate::support::fresh_id;

const FLAT: &str = "layout = \"flat\"";

/// One call of each kind.
fn calls() -> Vec<Value> {
    let id = || fresh_id("m");
    vec![
        json!({ "type": "track", "event": "Order Done", "userId": "u1", "messageId": id(),
            "properties": { "total": 9.5, "items": [1, 2] }, "context": { "locale": "de-CH" } }),
        json!({ "type": "identify", "userId": "u1", "messageId": id(), "traits": { "plan": "pro" } }),
        json!({ "type": "page", "anonymousId": "a1", "name": "Home", "messageId": id(), "properties": { "url": "/" } }),
        json!({ "type": "screen", "anonymousId": "a1", "name": "Main", "messageId": id() }),
        json!({ "type": "group", "userId": "u1", "groupId": "g1", "messageId": id(), "traits": { "seats": 3 } }),
        json!({ "type": "alias", "userId": "u1", "previousId": "a1", "messageId": id() }),
    ]
}

async fn until_all(scene: &Scene, table: &str, ids: &[String]) -> Vec<Value> {
    let rows = scene.stand_in.until_rows(table, ids.len()).await;
    let of = |id: &String| rows.iter().find(|row| row["message_id"] == id.as_str()).cloned();
    ids.iter().map(|id| of(id).unwrap_or_else(|| panic!("no {id} in {rows:?}"))).collect()
}

fn json_in(cell: &Value) -> Value {
    serde_json::from_str(cell.as_str().expect("text")).expect("JSON")
}

#[tokio::test]
async fn the_table_is_made_exactly_as_it_was_and_holds_every_kind_of_call() {
    let scene = Scene::start(&[], FLAT).await;
    let ids = scene.send(&calls()).await;
    let rows = until_all(&scene, "events", &ids).await;
    let told = scene.table("events").await;
    let columns: Vec<(&str, &str)> = told["columns"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, kind)| (&**name, kind.as_str().unwrap()))
        .collect();
    let mut wanted = [
        ("message_id", "STRING"),
        ("timestamp", "TIMESTAMP"),
        ("type", "STRING"),
        ("user_id", "STRING"),
        ("anonymous_id", "STRING"),
        ("event", "STRING"),
        ("properties", "STRING"),
        ("context", "STRING"),
        ("traits", "STRING"),
    ];
    let mut columns = columns;
    columns.sort_unstable();
    wanted.sort_unstable();
    assert_eq!(columns, wanted);
    assert_eq!(told["updates"], 1, "made, and never changed");
    let kinds: Vec<&str> = rows.iter().map(|row| row["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["track", "identify", "page", "screen", "group", "alias"]);
    assert_eq!(rows[0]["event"], "Order Done");
    assert_eq!(json_in(&rows[0]["properties"]), json!({ "total": 9.5, "items": [1, 2] }));
    assert_eq!(json_in(&rows[0]["context"])["locale"], "de-CH");
    assert_eq!(json_in(&rows[0]["traits"]), json!({}));
    assert_eq!(json_in(&rows[1]["traits"]), json!({ "plan": "pro" }));
    assert_eq!(json_in(&rows[2]["properties"])["url"], "/");
    assert!(rows.iter().all(|row| row["timestamp"].is_string()), "{rows:?}");
    scene.until_idle().await;
    assert_eq!(scene.letters().await.len(), 0);
}

#[tokio::test]
async fn extras_are_made_where_they_are_asked_for() {
    let scene = Scene::start(&[], "table = \"raw\"\nflat_extras = true").await;
    let ids = scene.send(&calls()[..1]).await;
    let rows = until_all(&scene, "raw", &ids).await;
    let told = scene.table("raw").await;
    assert_eq!(
        (&told["columns"]["received_at"], &told["columns"]["sent_at"]),
        (&json!("TIMESTAMP"), &json!("TIMESTAMP"))
    );
    assert_eq!(told["partition"], "received_at", "{told}");
    assert!(rows[0]["received_at"].is_string(), "{rows:?}");
}

#[tokio::test]
async fn a_table_of_the_user_with_columns_of_json_takes_every_call() {
    let scene = Scene::start(&[], FLAT).await;
    scene
        .run(
            "CREATE TABLE analytics.events (message_id STRING, timestamp TIMESTAMP, received_at TIMESTAMP, type STRING, \
             user_id STRING, anonymous_id STRING, group_id STRING, name STRING, event STRING, properties JSON, context \
             JSON, traits JSON, mine STRING)",
        )
        .await;
    let scene = restarted(scene).await;
    let ids = scene.send(&calls()).await;
    let rows = until_all(&scene, "events", &ids).await;
    assert_eq!(rows[0]["properties"], json!({ "total": 9.5, "items": [1, 2] }));
    assert_eq!(rows[1]["traits"], json!({ "plan": "pro" }));
    assert_eq!((&rows[2]["name"], &rows[4]["group_id"]), (&json!("Home"), &json!("g1")));
    assert!(rows.iter().all(|row| row["received_at"].is_string() && row["mine"].is_null()), "{rows:?}");
    assert_eq!(scene.table("events").await["updates"], 1, "made by its owner, and never changed");
    scene.until_idle().await;
    assert_eq!(scene.letters().await.len(), 0);
}

#[tokio::test]
async fn a_flat_table_that_may_not_be_made_is_asked_for_with_a_statement() {
    let scene = Scene::start(&[], "layout = \"flat\"\nauto_table_management = \"off\"").await;
    let ids = scene.send(&calls()).await;
    let letters = scene.until_letters(ids.len()).await;
    let ddl = letters[0]["ddl"].as_str().expect("a statement");
    assert!(letters.iter().all(|letter| letter["ddl"] == ddl && letter["table"] == "events"), "{letters:?}");
    scene.run(ddl).await;
    scene.say(&["dead-letters", "retry", "--reason", "schema_*"]);
    until_all(&scene, "events", &ids).await;
    scene.until_idle().await;
    assert_eq!(scene.stand_in.rows("events").await.len(), ids.len());
}

/// The same scene after the router has read the dataset anew.
async fn restarted(mut scene: Scene) -> Scene {
    scene.router.stop().await;
    std::fs::remove_dir_all(scene.router.data().join("schema")).ok();
    scene.router.start_again().await;
    scene
}
