//! A stream that invents names does not grow tables without end, and loses nothing by it.

use serde_json::{Map, Value, json};

use super::{Scene, named, with};

/// So many properties.
fn many(count: usize) -> Value {
    Value::Object((0..count).map(|n| (format!("p{n:04}"), json!(n))).collect::<Map<_, _>>())
}

/// Returns all properties of a row, wherever they are.
fn found(row: &Value) -> Map<String, Value> {
    let is_property = |(key, _): &(&String, &Value)| key.starts_with('p');
    let cells = row.as_object().unwrap().iter();
    let kept = row["_unmapped"].as_object().into_iter().flatten();
    cells.chain(kept).filter(is_property).map(|(key, value)| (key.clone(), value.clone())).collect()
}

#[tokio::test]
async fn a_table_takes_no_more_columns_than_it_may() {
    let scene = Scene::start(&[], "max_columns_per_table = 50").await;
    let sent = many(90);
    let ids = scene.send(&[named("Viewed", &sent)]).await;
    let rows = scene.until_in("viewed", &ids).await;
    assert_eq!(found(&rows[0]), *sent.as_object().unwrap());
    let columns = scene.table("viewed").await["columns"].as_object().unwrap().len();
    assert!((40..=50).contains(&columns), "{columns} columns");
}

#[tokio::test]
async fn an_event_adds_no_more_columns_than_it_may() {
    let scene = Scene::start(&[], "max_new_columns_per_event = 10").await;
    let sent = many(30);
    let ids = scene.send(&[named("Viewed", &sent)]).await;
    let rows = scene.until_in("viewed", &ids).await;
    assert_eq!(found(&rows[0]), *sent.as_object().unwrap());
    assert_eq!(rows[0]["_unmapped"].as_object().map(Map::len), Some(20), "{rows:?}");
}

#[tokio::test]
async fn beyond_the_last_table_events_keep_their_properties_in_tracks() {
    let scene = Scene::start(&[], "max_tables = 3").await;
    let first = scene.send(&with("One", 1, |n| json!({ "n": n }))).await;
    scene.until_in("one", &first).await;
    let second = scene.send(&with("Two", 1, |n| json!({ "n": n }))).await;
    scene.until_in("two", &second).await;
    let third = scene.send(&with("Three", 3, |n| json!({ "plan": { "seats": n } }))).await;
    let rows = scene.until_in("tracks", &third).await;
    for (id, n) in third.iter().zip(0..) {
        let row = rows.iter().find(|row| row["id"] == id.as_str()).unwrap();
        assert!(row["_unmapped"].to_string().contains(&format!("{n}")), "{row}");
        assert_eq!(row["event"], "three", "{row}");
    }
    scene.until_idle().await;
    assert!(scene.table("three").await.is_null());
    assert_eq!(scene.letters().await.len(), 0);
}

#[tokio::test]
async fn an_object_that_is_too_deep_becomes_text() {
    let scene = Scene::start(&[], "max_depth = 2").await;
    let deep = json!({ "a": { "b": { "c": { "d": 1 } }, "e": 2 } });
    let ids = scene.send(&[named("Viewed", &deep)]).await;
    let rows = scene.until_in("viewed", &ids).await;
    let row = &rows[0];
    let text = row["a_b"].as_str().expect("text");
    assert_eq!(serde_json::from_str::<Value>(text).unwrap(), json!({ "c": { "d": 1 } }), "{row}");
    assert_eq!(row["a_e"], 2, "{row}");
}

#[tokio::test]
async fn a_table_that_google_calls_full_keeps_the_rest_aside() {
    let scene = Scene::start(&["max_columns=30"], "").await;
    let first = scene.send(&[named("Viewed", &many(5))]).await;
    scene.until_in("viewed", &first).await;
    let sent = many(60);
    let ids = scene.send(&[named("Viewed", &sent)]).await;
    let rows = scene.until_in("viewed", &ids).await;
    let row = rows.iter().find(|row| row["id"] == ids[0].as_str()).unwrap();
    assert_eq!(found(row), *sent.as_object().unwrap());
    let later = scene.send(&[named("Viewed", &json!({ "p0001": 1, "pz": "new" }))]).await;
    let rows = scene.until_in("viewed", &later).await;
    let row = rows.iter().find(|row| row["id"] == later[0].as_str()).unwrap();
    assert_eq!((&row["p0001"], &row["_unmapped"]["pz"]), (&json!(1), &json!("new")), "{row}");
    scene.until_idle().await;
    assert_eq!(scene.letters().await.len(), 0);
}
