//! Tables that belong to somebody else: what the router may not change it says, statement by statement, and when an operator
//! has run them the events come back.

use serde_json::{Value, json};

use super::{Scene, with};

const OFF: &str = "auto_table_management = \"off\"";
const COLUMNS_ONLY: &str = "auto_table_management = \"columns_only\"";

/// The statements of dead letters, each once.
fn statements(letters: &[Value]) -> String {
    let mut all: Vec<&str> =
        letters.iter().map(|letter| letter["ddl"].as_str().expect("a statement")).collect();
    all.sort_unstable();
    all.dedup();
    all.join(";\n")
}

fn reasons(letters: &[Value]) -> Vec<&str> {
    let mut all: Vec<&str> =
        letters.iter().map(|letter| letter["reason"].as_str().expect("a reason")).collect();
    all.sort_unstable();
    all.dedup();
    all
}

#[tokio::test]
async fn without_a_table_events_die_with_statements_that_make_it_and_come_back_after_they_ran() {
    let scene = Scene::start(&[], OFF).await;
    let ids = scene.send(&with("Viewed", 5, |n| json!({ "n": n, "plan": "pro" }))).await;
    let letters = scene.until_letters(5).await;
    assert_eq!(reasons(&letters), ["schema_missing_table"]);
    assert!(letters.iter().all(|letter| letter["table"].is_string()), "{letters:?}");
    assert_eq!(scene.stand_in.tables().await, json!({}), "nothing is made");
    let printed = scene.say(&["schema", "ddl"]);
    assert!(printed.contains("CREATE TABLE IF NOT EXISTS `local.analytics.viewed`"), "{printed}");
    scene.run(&statements(&letters)).await;
    assert_eq!(scene.say(&["dead-letters", "retry", "--reason", "schema_*"]), "5 dead letters sent again\n");
    let rows = scene.until_in("viewed", &ids).await;
    assert!(rows.iter().all(|row| row["plan"] == "pro"), "{rows:?}");
    scene.until_in("tracks", &ids).await;
    scene.until_idle().await;
    assert_eq!(scene.letters().await, Vec::<Value>::new());
    scene.expect_exactly("viewed", &ids).await;
    scene.expect_exactly("tracks", &ids).await;
}

#[tokio::test]
async fn the_printed_union_of_all_statements_runs_as_it_is() {
    let scene = Scene::start(&[], OFF).await;
    let one = scene.send(&with("One", 2, |n| json!({ "n": n }))).await;
    let two = scene.send(&with("Two", 2, |n| json!({ (format!("p{n}")): 1.5 }))).await;
    scene.until_letters(4).await;
    let printed = scene.say(&["schema", "ddl"]);
    scene.run(&printed).await;
    assert_eq!(scene.say(&["dead-letters", "retry", "--reason", "schema_*"]), "4 dead letters sent again\n");
    scene.until_in("one", &one).await;
    let rows = scene.until_in("two", &two).await;
    assert!(rows.iter().any(|row| row["p0"] == 1.5) && rows.iter().any(|row| row["p1"] == 1.5), "{rows:?}");
}

#[tokio::test]
async fn without_a_column_an_event_dies_and_its_other_row_arrives() {
    let scene = Scene::start(&[], COLUMNS_ONLY).await;
    scene.run(TABLES).await;
    let scene = off(scene, "").await;
    let ids = scene.send(&with("Viewed", 5, |n| json!({ "n": n, "plan": "pro", "ok": true }))).await;
    let letters = scene.until_letters(5).await;
    assert_eq!(reasons(&letters), ["schema_missing_column"]);
    assert!(letters.iter().all(|letter| letter["table"] == "viewed"), "{letters:?}");
    let ddl = statements(&letters);
    assert!(ddl.starts_with("ALTER TABLE `local.analytics.viewed` ADD COLUMN IF NOT EXISTS"), "{ddl}");
    scene.until_in("tracks", &ids).await;
    scene.run(&ddl).await;
    assert_eq!(scene.say(&["dead-letters", "retry", "--reason", "schema_*"]), "5 dead letters sent again\n");
    let rows = scene.until_in("viewed", &ids).await;
    assert!(
        rows.iter().all(|row| row["plan"] == "pro" && row["ok"] == true && row["n"].is_i64()),
        "{rows:?}"
    );
    scene.until_idle().await;
    scene.expect_exactly("tracks", &ids).await;
    scene.expect_exactly("viewed", &ids).await;
}

#[tokio::test]
async fn without_a_column_a_value_may_go_to_unmapped_instead() {
    let scene = Scene::start(&[], COLUMNS_ONLY).await;
    scene.run(TABLES).await;
    let scene = off(scene, "missing_column = \"unmapped\"").await;
    let ids = scene.send(&with("Viewed", 3, |n| json!({ "plan": { "seats": n } }))).await;
    let rows = scene.until_in("viewed", &ids).await;
    for n in 0..3 {
        let kept = json!({ "plan.seats": n });
        assert_eq!(rows.iter().filter(|row| row["_unmapped"] == kept).count(), 1, "{rows:?}");
    }
    scene.until_idle().await;
    assert_eq!(scene.letters().await.len(), 0);
    assert_eq!(scene.table("viewed").await["updates"], 1, "made, and never changed");
}

#[tokio::test]
async fn columns_only_adds_columns_and_makes_no_table() {
    let scene = Scene::start(&[], COLUMNS_ONLY).await;
    scene.run(TABLES).await;
    let viewed = scene.send(&with("Viewed", 3, |n| json!({ "plan": n }))).await;
    let bought = scene.send(&with("Bought", 3, |n| json!({ "price": n }))).await;
    let rows = scene.until_in("viewed", &viewed).await;
    assert!(rows.iter().all(|row| row["plan"].is_i64()), "{rows:?}");
    let letters = scene.until_letters(3).await;
    assert!(letters.iter().all(|letter| letter["table"] == "bought"), "{letters:?}");
    assert_eq!(reasons(&letters), ["schema_missing_table"]);
    scene.until_in("tracks", &bought).await;
    scene.run(&statements(&letters)).await;
    scene.say(&["dead-letters", "retry", "--reason", "schema_*"]);
    scene.until_in("bought", &bought).await;
    scene.until_idle().await;
    scene.expect_exactly("bought", &bought).await;
    scene.expect_exactly("tracks", &[viewed, bought].concat()).await;
}

#[tokio::test]
async fn a_table_that_appears_by_another_hand_is_found_without_a_restart() {
    let scene = Scene::start(&[], OFF).await;
    scene.send(&with("Viewed", 1, |n| json!({ "n": n }))).await;
    let letters = scene.until_letters(1).await;
    scene.run(&statements(&letters)).await;
    // Nobody tells the router; it looks again because events are refused.
    let found = crate::support::until_some("a later event arrives", 25, async || {
        let ids = scene.send(&with("Viewed", 1, |n| json!({ "n": n }))).await;
        scene.until_idle().await;
        let rows = scene.stand_in.rows("viewed").await;
        rows.iter().any(|row| row["id"] == ids[0].as_str()).then_some(())
    });
    found.await;
}

#[tokio::test]
async fn what_would_be_refused_is_explained_with_its_reason() {
    let scene = Scene::start(&[], OFF).await;
    let file = scene.router.dir().join("event.json");
    std::fs::write(&file, with("Viewed", 1, |n| json!({ "n": n }))[0].to_string()).unwrap();
    let output = scene.router.run(&["explain", file.to_str().unwrap(), "--destination", "bq"]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.contains("schema_missing_table"), "{said}");
}

/// The tables of a track call called "Viewed" as an owner may have made them.
const TABLES: &str = "\
CREATE TABLE analytics.tracks (id STRING, received_at TIMESTAMP, user_id STRING, event STRING, event_text STRING, \
sent_at TIMESTAMP, timestamp TIMESTAMP, original_timestamp TIMESTAMP, uuid_ts TIMESTAMP, _unmapped JSON) PARTITION BY DATE(received_at);
CREATE TABLE analytics.viewed (id STRING, received_at TIMESTAMP, user_id STRING, event STRING, event_text STRING, \
sent_at TIMESTAMP, timestamp TIMESTAMP, original_timestamp TIMESTAMP, uuid_ts TIMESTAMP, _unmapped JSON) PARTITION BY DATE(received_at)";

/// The same scene with changes switched off.
async fn off(mut scene: Scene, extra: &str) -> Scene {
    let config = super::scene::config(&scene.stand_in, &format!("{OFF}\n{extra}"));
    scene.router.reconfigure(config).await;
    scene
}
