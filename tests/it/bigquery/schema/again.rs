//! Tables that are deleted and made again: nothing is streamed into them while BigQuery may swallow it, whoever made them
//! and whether or not the router ran. What is not streamed goes by load jobs, so no test waits for the hold to end.

use serde_json::json;

use super::scene::{config, send};
use super::{Scene, named, with};
use crate::support::{Router, until};

/// Rows may vanish for much longer than any test takes, and nothing is streamed for so long.
const SWALLOW: &[&str] = &["swallow=1h"];
const LOADED_SOON: &str = "recreate_hold = \"1h\"\ncold_after = \"1s\"";
const LOADED_NEVER: &str = "recreate_hold = \"1h\"\ncold_after = \"1h\"";

/// A router that has written to the table `viewed`.
async fn scene(extra: &str) -> Scene {
    let scene = Scene::start(SWALLOW, extra).await;
    view(&scene, 3).await;
    scene
}

/// Sends so many events, and waits until all their rows are in. Returns their ids.
async fn view(scene: &Scene, count: usize) -> Vec<String> {
    let ids = scene.send(&with("Viewed", count, |n| json!({ "n": n }))).await;
    scene.until_in("viewed", &ids).await;
    scene.until_in("tracks", &ids).await;
    scene.until_idle().await;
    ids
}

/// Deletes the table and makes one with the same columns, as its owner would who wants it empty.
async fn replace(scene: &Scene) {
    let columns = scene.table("viewed").await["columns"].clone();
    let columns = columns.as_object().expect("columns").iter();
    let columns: Vec<String> =
        columns.map(|(name, kind)| format!("`{name}` {}", kind.as_str().expect("a type"))).collect();
    let create =
        format!("CREATE TABLE analytics.viewed ({}) PARTITION BY DATE(received_at)", columns.join(", "));
    scene.run(&format!("DROP TABLE analytics.viewed;\n{create}")).await;
}

/// Has the router read all tables now, as it does from time to time.
async fn read_tables(router: &Router) {
    let read =
        router.request("POST", "/api/dead-letters/retry?destination=bq").send().await.expect("it answers");
    assert_eq!(read.status(), 200);
}

/// Fails unless all rows of these events, and no others, came by load jobs.
async fn expect_loaded(scene: &Scene, ids: &[String]) {
    scene.expect_exactly("viewed", ids).await;
    let told = scene.table("viewed").await;
    assert_eq!((&told["swallowed"], &told["loaded"]), (&json!(0), &json!(ids.len())), "{told}");
}

#[tokio::test]
async fn a_kill_within_the_hold_loses_no_row() {
    let mut scene = scene(LOADED_NEVER).await;
    scene.run("DROP TABLE analytics.viewed").await;
    let before = scene.send(&with("Viewed", 20, |n| json!({ "n": n }))).await;
    scene.until_in("tracks", &before).await;
    let file = scene.router.data().join("schema/bq.json");
    let is_kept = async || std::fs::read_to_string(&file).is_ok_and(|text| text.contains("again_at"));
    until("the router keeps what it has noticed", 25, is_kept).await;
    assert_eq!(scene.stand_in.rows("viewed").await.len(), 0, "rows are held");
    scene.router.kill9();
    let config = config(&scene.stand_in, LOADED_SOON);
    scene.router.write_config(config);
    scene.router.start_again().await;
    let after = view(&scene, 20).await;
    scene.until_in("viewed", &before).await;
    scene.until_idle().await;
    expect_loaded(&scene, &[before, after].concat()).await;
}

#[tokio::test]
async fn a_table_that_its_owner_made_again_between_two_readings_is_noticed_by_the_next() {
    let scene = scene(LOADED_SOON).await;
    replace(&scene).await;
    read_tables(&scene.router).await;
    let ids = view(&scene, 20).await;
    expect_loaded(&scene, &ids).await;
}

#[tokio::test]
async fn a_table_that_its_owner_made_again_is_noticed_when_it_is_read_for_a_new_column() {
    let scene = scene(LOADED_SOON).await;
    replace(&scene).await;
    let ids = scene.send(&[named("Viewed", &json!({ "n": 1, "plan": "pro" }))]).await;
    scene.until_in("viewed", &ids).await;
    scene.until_idle().await;
    expect_loaded(&scene, &ids).await;
}

#[tokio::test]
async fn a_table_that_its_owner_made_again_while_no_router_ran_is_noticed_by_the_start() {
    let mut scene = scene(LOADED_SOON).await;
    scene.router.stop().await;
    replace(&scene).await;
    scene.router.start_again().await;
    let ids = view(&scene, 20).await;
    expect_loaded(&scene, &ids).await;
}

#[tokio::test]
async fn a_second_router_holds_a_table_that_the_first_has_made_again_once_it_has_read_it() {
    let scene = scene(LOADED_SOON).await;
    let other = Router::start(config(&scene.stand_in, LOADED_SOON)).await;
    let known = send(&other, &with("Viewed", 3, |n| json!({ "n": n }))).await;
    scene.until_in("viewed", &known).await;
    scene.run("DROP TABLE analytics.viewed").await;
    let mut ids = view(&scene, 20).await;
    read_tables(&other).await;
    let more = send(&other, &with("Viewed", 20, |n| json!({ "n": n }))).await;
    scene.until_in("viewed", &more).await;
    ids.extend(more);
    expect_loaded(&scene, &ids).await;
}

#[tokio::test]
async fn new_tables_on_an_empty_dataset_are_streamed_to_at_once() {
    let mut scene = scene(LOADED_NEVER).await;
    scene.router.kill9();
    scene.router.start_again().await;
    view(&scene, 3).await;
    let told = scene.table("viewed").await;
    assert_eq!((&told["streamed"], &told["loaded"]), (&json!(6), &json!(0)), "{told}");
}
