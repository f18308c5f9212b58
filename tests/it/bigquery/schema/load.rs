//! Rows that are loaded and never streamed, and requests that are cut to what BigQuery takes.

use serde_json::{Value, json};

use super::{Scene, with};

#[tokio::test]
async fn with_load_jobs_every_row_is_loaded_and_none_streamed() {
    // Not even the account's streaming right is needed, as in the free tier.
    let mut scene = Scene::start(&["streaming=off", "propagation=1h"], "write_method = \"load\"").await;
    let first =
        scene.send(&with("Viewed", 300, |n| json!({ "n": n, "list": [n], "nested": { "a": 0.5 } }))).await;
    scene.until_in("viewed", &first).await;
    scene.until_in("tracks", &first).await;
    let later = scene.send(&with("Viewed", 10, |n| json!({ "n": format!("w{n}") }))).await;
    scene.router.restart().await;
    let rows = scene.until_in("viewed", &later).await;
    scene.until_in("tracks", &later).await;
    scene.until_idle().await;
    let all = [first, later.clone()].concat();
    scene.expect_exactly("viewed", &all).await;
    scene.expect_exactly("tracks", &all).await;
    for name in ["viewed", "tracks"] {
        let told = scene.table(name).await;
        assert_eq!((&told["loaded"], &told["streamed"]), (&json!(310), &json!(0)), "{told}");
        assert!(told["loads"].as_u64().is_some_and(|loads| loads <= 4), "{told}");
    }
    let kept = rows.iter().filter(|row| row["_unmapped"]["n"].is_string());
    assert_eq!(kept.count(), 10, "words do not fit a column of integers: JSON, and no text of it");
    assert_eq!(scene.letters().await.len(), 0);
}

#[tokio::test]
async fn the_next_load_job_of_a_table_is_waited_for() {
    let scene = Scene::start(&[], "write_method = \"load\"").await;
    let first = scene.send(&with("Viewed", 3, |n| json!({ "n": n }))).await;
    scene.until_in("viewed", &first).await;
    scene.until_in("tracks", &first).await;
    let loads = scene.table("viewed").await["loads"].clone();
    scene.send(&with("Viewed", 3, |n| json!({ "n": n }))).await;
    let other = scene.send(&with("Other", 3, |n| json!({ "n": n }))).await;
    scene.until_in("other", &other).await;
    let destination = scene.router.destination("bq").await;
    assert_eq!(destination["counts"]["dead"], json!({}), "{destination}");
    assert_eq!(destination["backlog"]["events"], 6, "their row of `tracks` waits: {destination}");
    assert_eq!(scene.table("viewed").await["loads"], loads);
}

#[tokio::test]
async fn large_batches_are_cut_to_what_a_request_may_hold() {
    let scene = Scene::start(&[], "").await;
    let first = scene.send(&with("Viewed", 1, |n| json!({ "n": n }))).await;
    scene.until_in("viewed", &first).await;
    let text = "x".repeat(25_000);
    let mut ids = Vec::new();
    // The door takes 500 kB in one request.
    for events in with("Viewed", 500, |n| json!({ "n": n, "text": text })).chunks(15) {
        ids.extend(scene.send(events).await);
    }
    scene.until_in_within(60, "viewed", &ids).await;
    scene.until_idle().await;
    ids.extend(first);
    scene.expect_exactly("viewed", &ids).await;
    scene.expect_exactly("tracks", &ids).await;
    assert_eq!(scene.stand_in.seen().await["answers"]["413"], Value::Null);
}
