//! A table or a column that streaming does not see yet keeps its own rows waiting, and no others.

use serde_json::json;

use super::{Scene, named, with};

#[tokio::test]
async fn a_new_table_that_streaming_never_sees_delays_no_row_of_another() {
    let scene = Scene::start(&[], "cold_after = \"1h\"").await;
    let old = scene.send(&with("Old", 5, |n| json!({ "n": n }))).await;
    scene.until_in("old", &old).await;
    scene.stand_in.set(json!({ "table_refusals": 1_000_000 })).await;
    let mixed = with("New", 20, |n| json!({ "n": n }));
    let new = scene.send(&mixed).await;
    let more = scene.send(&with("Old", 20, |n| json!({ "n": n }))).await;
    scene.until_in("old", &more).await;
    scene.until_in("tracks", &more).await;
    // The other row of the events whose table is not seen is not kept waiting either.
    scene.until_in("tracks", &new).await;
    assert_eq!(scene.stand_in.rows("new").await.len(), 0);
    let destination = scene.router.destination("bq").await;
    assert_eq!(destination["backlog"]["events"], 20, "{destination}");
    assert_eq!(scene.letters().await.len(), 0);
    scene.until_made("new").await;
    scene.stand_in.refuse("new", None, 0).await;
    scene.until_in_within(40, "new", &new).await;
    scene.until_idle().await;
    scene.expect_exactly("new", &new).await;
    scene.expect_exactly("tracks", &[old, new, more].concat()).await;
}

#[tokio::test]
async fn a_new_column_that_streaming_never_sees_delays_no_row_without_it() {
    let scene = Scene::start(&[], "cold_after = \"1h\"").await;
    let first = scene.send(&with("Viewed", 1, |_| json!({ "n": 1 }))).await;
    scene.until_in("viewed", &first).await;
    scene.stand_in.set(json!({ "column_refusals": 1_000_000 })).await;
    let with_column = scene.send(&with("Viewed", 10, |n| json!({ "n": n, "plan": "pro" }))).await;
    let without = scene.send(&with("Viewed", 10, |n| json!({ "n": n }))).await;
    let other = scene.send(&[named("Other", &json!({ "n": 1 }))]).await;
    scene.until_in("viewed", &without).await;
    scene.until_in("other", &other).await;
    scene.until_in("tracks", &with_column).await;
    assert_eq!(scene.stand_in.rows("viewed").await.len(), 11);
    scene.stand_in.refuse("viewed", Some("plan"), 0).await;
    let rows = scene.until_in_within(40, "viewed", &with_column).await;
    assert_eq!(rows.iter().filter(|row| row["plan"] == "pro").count(), 10);
    scene.until_idle().await;
    scene.expect_exactly("viewed", &[first, with_column, without].concat()).await;
    assert_eq!(scene.letters().await.len(), 0);
}

#[tokio::test]
async fn rows_that_waited_long_enough_go_by_a_load_job() {
    let scene = Scene::start(&[], "cold_after = \"1s\"").await;
    let first = scene.send(&with("Viewed", 1, |_| json!({ "n": 1 }))).await;
    scene.until_in("viewed", &first).await;
    scene.stand_in.set(json!({ "column_refusals": 1_000_000, "table_refusals": 1_000_000 })).await;
    let column = scene.send(&with("Viewed", 10, |n| json!({ "n": n, "plan": { "seats": n } }))).await;
    let table = scene.send(&with("Bought", 10, |n| json!({ "n": n, "_odd": [n] }))).await;
    let rows = scene.until_in("viewed", &column).await;
    assert_eq!(rows.iter().filter(|row| row["plan_seats"].is_number()).count(), 10, "{rows:?}");
    scene.until_in("bought", &table).await;
    scene.until_idle().await;
    scene.expect_exactly("viewed", &[first, column].concat()).await;
    scene.expect_exactly("bought", &table).await;
    let tables = scene.stand_in.tables().await;
    for name in ["viewed", "bought"] {
        let told = &tables[format!("analytics.{name}")];
        assert_eq!(told["loaded"], 10, "{name}: {told}");
        assert!(told["loads"].as_u64().is_some_and(|loads| (1..=3).contains(&loads)), "{name}: {told}");
    }
}

#[tokio::test]
async fn a_value_whose_column_never_comes_goes_to_unmapped_and_its_row_goes() {
    // No load job helps where the account may run none.
    let extra = "cold_after = \"1h\"\npropagation_budget = \"1s\"";
    let scene = Scene::start(&[], extra).await;
    let first = scene.send(&with("Viewed", 1, |_| json!({ "n": 1 }))).await;
    scene.until_in("viewed", &first).await;
    scene.stand_in.set(json!({ "column_refusals": 1_000_000 })).await;
    let late = scene.send(&with("Viewed", 5, |n| json!({ "n": n, "plan": { "seats": n } }))).await;
    let rows = scene.until_in("viewed", &late).await;
    for row in rows.iter().filter(|row| late.iter().any(|id| row["id"] == *id)) {
        assert_eq!(row["_unmapped"], json!({ "plan_seats": row["n"] }), "{row}");
    }
    scene.until_idle().await;
    assert_eq!(scene.letters().await.len(), 0);
    scene.expect_exactly("viewed", &[first, late].concat()).await;
}

#[tokio::test]
async fn answers_that_flip_lose_and_repeat_nothing() {
    let scene = Scene::start(&["propagation=8s", "flip=40"], "settle = \"200ms\"").await;
    let mut all = Vec::new();
    for round in 0..6 {
        let events = with("Viewed", 10, |n| json!({ "n": n, (format!("p{round}")): round }));
        all.extend(scene.send(&events).await);
    }
    let rows = scene.until_in_within(60, "viewed", &all).await;
    scene.until_in_within(60, "tracks", &all).await;
    scene.until_idle().await;
    scene.expect_exactly("viewed", &all).await;
    scene.expect_exactly("tracks", &all).await;
    for round in 0..6 {
        let column = format!("p{round}");
        assert_eq!(rows.iter().filter(|row| row[&column] == round).count(), 10, "{column}");
    }
    assert_eq!(scene.letters().await.len(), 0);
}

#[tokio::test]
async fn nothing_is_streamed_into_a_table_that_was_made_again_before_it_is_safe() {
    let extra = "recreate_hold = \"3s\"\ncold_after = \"1h\"";
    let scene = Scene::start(&["swallow=2s"], extra).await;
    let first = scene.send(&with("Viewed", 3, |n| json!({ "n": n }))).await;
    scene.until_in("viewed", &first).await;
    scene.run("DROP TABLE analytics.viewed").await;
    let again = scene.send(&with("Viewed", 20, |n| json!({ "n": n }))).await;
    scene.until_in("tracks", &again).await;
    scene.until_in("viewed", &again).await;
    scene.until_idle().await;
    scene.expect_exactly("viewed", &again).await;
    let told = scene.table("viewed").await;
    assert_eq!(told["swallowed"], 0, "{told}");
}

#[tokio::test]
async fn rows_for_a_table_that_was_made_again_go_by_a_load_job_when_they_waited_long() {
    let extra = "recreate_hold = \"1h\"\ncold_after = \"1s\"";
    let scene = Scene::start(&["swallow=1h"], extra).await;
    let first = scene.send(&with("Viewed", 3, |n| json!({ "n": n }))).await;
    scene.until_in("viewed", &first).await;
    scene.run("DROP TABLE analytics.viewed").await;
    let again = scene.send(&with("Viewed", 20, |n| json!({ "n": n }))).await;
    scene.until_in("viewed", &again).await;
    scene.until_idle().await;
    scene.expect_exactly("viewed", &again).await;
    let told = scene.table("viewed").await;
    assert_eq!((&told["swallowed"], &told["loaded"]), (&json!(0), &json!(20)), "{told}");
}
