//! Values that their columns do not take: columns widen, values are kept aside, or their events are refused, as the settings
//! say. A value is never lost.

use serde_json::json;

use super::{Scene, named, with};

/// A table with a column of integers.
async fn with_integers(extra: &str) -> (Scene, Vec<String>) {
    let scene = Scene::start(&[], extra).await;
    let ids = scene.send(&with("Viewed", 3, |n| json!({ "n": n }))).await;
    scene.until_in("viewed", &ids).await;
    assert_eq!(scene.table("viewed").await["columns"]["n"], "INT64");
    (scene, ids)
}

#[tokio::test]
async fn a_column_of_integers_widens_when_a_fraction_comes() {
    let (scene, mut ids) = with_integers("").await;
    let more = scene.send(&with("Viewed", 3, |n| json!({ "n": n as f64 + 0.5 }))).await;
    let rows = scene.until_in("viewed", &more).await;
    let told = scene.table("viewed").await;
    assert_eq!(told["columns"]["n"], "FLOAT64", "{told}");
    let mut values: Vec<f64> = rows.iter().map(|row| row["n"].as_f64().expect("a number")).collect();
    values.sort_by(f64::total_cmp);
    assert_eq!(values, [0.0, 0.5, 1.0, 1.5, 2.0, 2.5]);
    assert!(rows.iter().all(|row| row["_unmapped"].is_null()), "{rows:?}");
    assert_eq!(told["updates"], 2, "made and widened: {told}");
    ids.extend(more);
    scene.until_idle().await;
    scene.expect_exactly("viewed", &ids).await;
}

#[tokio::test]
async fn a_column_may_widen_to_decimal_numbers_instead() {
    let (scene, _) = with_integers("widen_to = \"NUMERIC\"").await;
    let more = scene.send(&with("Viewed", 1, |_| json!({ "n": 0.125 }))).await;
    let rows = scene.until_in("viewed", &more).await;
    assert_eq!(scene.table("viewed").await["columns"]["n"], "NUMERIC");
    let row = rows.iter().find(|row| row["id"] == more[0].as_str()).unwrap();
    let value = row["n"].as_str().map_or_else(|| row["n"].to_string(), str::to_owned);
    assert_eq!(value, "0.125", "{row}");
}

#[tokio::test]
async fn a_fraction_is_kept_aside_where_columns_keep_their_types() {
    let (scene, _) = with_integers("on_type_conflict = \"keep\"").await;
    let more = scene.send(&with("Viewed", 1, |_| json!({ "n": 0.5, "m": 1 }))).await;
    let rows = scene.until_in("viewed", &more).await;
    let row = rows.iter().find(|row| row["id"] == more[0].as_str()).unwrap();
    assert_eq!(
        (&row["n"], &row["_unmapped"], &row["m"]),
        (&json!(null), &json!({ "n": 0.5 }), &json!(1)),
        "{row}"
    );
    assert_eq!(scene.table("viewed").await["columns"]["n"], "INT64");
    let shown = scene.router.get("/api/schema").await.json();
    let conflict = &shown["conflicts"][0];
    assert_eq!((&conflict["column"], &conflict["count"]), (&json!("n"), &json!(1)), "{shown}");
}

#[tokio::test]
async fn an_event_with_a_value_that_does_not_fit_dies_where_that_is_asked_for() {
    let (scene, ids) = with_integers("on_type_conflict = \"reject\"").await;
    let sent =
        scene.send(&[named("Viewed", &json!({ "n": "many" })), named("Viewed", &json!({ "n": 7 }))]).await;
    let letters = scene.until_letters(1).await;
    let letter = &letters[0];
    assert_eq!(letter["message_id"], json!(sent[0]), "{letter}");
    assert_eq!((&letter["table"], &letter["reason"]), (&json!("viewed"), &json!("unmappable")), "{letter}");
    assert!(
        letter["answer"].as_str().is_some_and(|words| words.contains("`n`") || words.contains("n ")),
        "{letter}"
    );
    scene.until_in("viewed", &sent[1..]).await;
    scene.until_idle().await;
    scene.expect_exactly("viewed", &[ids, sent[1..].to_vec()].concat()).await;
}

#[tokio::test]
async fn what_can_be_cast_without_loss_is_and_what_cannot_is_kept_aside() {
    let (scene, _) = with_integers("").await;
    let values = [json!("42"), json!("042"), json!(3.0), json!(true), json!([1, 2]), json!("many")];
    let events: Vec<_> = values.iter().map(|value| named("Viewed", &json!({ "n": value }))).collect();
    let ids = scene.send(&events).await;
    let rows = scene.until_in("viewed", &ids).await;
    let row = |index: usize| rows.iter().find(|row| row["id"] == ids[index].as_str()).unwrap();
    assert_eq!((&row(0)["n"], &row(2)["n"]), (&json!(42), &json!(3)));
    for index in [1, 3, 4, 5] {
        let row = row(index);
        assert_eq!((&row["n"], &row["_unmapped"]["n"]), (&json!(null), &values[index]), "{row}");
    }
    assert_eq!(scene.table("viewed").await["columns"]["n"], "INT64");
}
