//! Errors of single rows: only the guilty ones wait or die, and those beside them are there exactly once.

use serde_json::{Value, json};

use super::{Scene, named, thing};

/// What the stand-in is to say of rows that hold this text.
fn row_error(reason: &str, message: &str, location: &str, holds: &str) -> Value {
    json!({ "on": "row", "reason": reason, "message": message, "location": location, "holds": holds })
}

#[tokio::test]
async fn a_row_whose_column_is_not_seen_yet_waits_alone() {
    let scene = Scene::with_tables("").await;
    scene.cloud.refuse("thing", Some("n"), 1).await;
    let (young, plain) = (thing(7), named("Thing", &json!({})));
    let ids = scene.send(&[young, plain]).await;
    scene.until_in("thing", &ids[1..]).await;
    assert!(!scene.rows("thing").await.contains_key(&ids[0]), "it was taken at once");
    let rows = scene.until_in("thing", &ids).await;
    assert_eq!(rows[&ids[0]]["n"], 7);
    scene.until_delivered(6).await;
    assert_eq!(scene.rows("tracks").await.len(), 6);
}

#[tokio::test]
async fn a_value_that_waited_long_enough_for_its_column_is_kept_in_unmapped() {
    let scene = Scene::with_tables("propagation_budget = \"1s\"\ncold_after = \"1h\"").await;
    scene.cloud.refuse("thing", Some("n"), 1_000_000).await;
    let ids = scene.send(&[thing(7)]).await;
    let rows = scene.until_in("thing", &ids).await;
    assert_eq!((&rows[&ids[0]]["n"], &rows[&ids[0]]["_unmapped"]), (&Value::Null, &json!({ "n": 7 })));
    scene.until_delivered(5).await;
}

#[tokio::test]
async fn a_value_that_its_column_does_not_take_is_tried_again_and_then_kept_in_unmapped() {
    let scene = Scene::with_tables("").await;
    let words = "Cannot convert value to integer (bad value): 900001";
    scene.cloud.say(row_error("invalid", words, "n", "\"n\":900001")).await;
    let ids = scene.send(&[thing(900_001), thing(8)]).await;
    let rows = scene.until_in("thing", &ids).await;
    assert_eq!(rows[&ids[0]]["_unmapped"], json!({ "n": 900_001 }));
    assert_eq!(rows[&ids[1]]["n"], 8);
    scene.until_delivered(6).await;
}

#[tokio::test]
async fn a_row_that_is_refused_after_all_casts_is_a_letter_with_its_words_and_its_column() {
    let scene = Scene::with_tables("").await;
    let all = [
        "Cannot convert value to integer (bad value): x",
        "Could not parse 'x' as a timestamp",
        "Conversion from bool to string is unsupported.",
        "This field: n is not a record.",
        "Array specified for non-repeated field.",
    ];
    let bad: Vec<Value> = (900_001..900_006).map(thing).collect();
    for (words, n) in all.iter().zip(900_001..) {
        scene.cloud.say(row_error("invalid", words, "n", &n.to_string())).await;
    }
    let good = scene.send(&[bad.clone(), vec![thing(8)]].concat()).await.split_off(5);
    scene.until_in("thing", &good).await;
    let ids = crate::support::ids_of(&bad);
    let letters = scene.until_letters(&ids).await;
    for (words, id) in all.iter().zip(&ids) {
        let letter = &letters[id];
        let answer = letter["answer"].as_str().unwrap_or_default();
        assert!(answer.contains(words) && answer.contains("`n`"), "{letter}");
        assert_eq!((&letter["reason"], &letter["table"]), (&json!("rejected"), &json!("thing")), "{letter}");
    }
    // The row of the other table is in, and the letter names the one that is not.
    scene.until_in("tracks", &ids).await;
    assert_eq!((scene.rows("thing").await.len(), scene.rows("tracks").await.len()), (5, 10));
}

#[tokio::test]
async fn a_column_that_its_owner_demands_is_a_letter_with_the_statement_that_relaxes_it() {
    let scene = Scene::start("").await;
    scene
        .run("CREATE TABLE `local.analytics.thing` (id STRING, received_at TIMESTAMP, must STRING NOT NULL)")
        .await;
    let with = named("Thing", &json!({ "must": "be" }));
    let ids = scene.send(&[with, named("Thing", &json!({}))]).await;
    scene.until_in("thing", &ids[..1]).await;
    let letter = scene.until_letters(&ids[1..]).await[&ids[1]].clone();
    assert!(letter["answer"].as_str().is_some_and(|answer| answer.contains("`must`")), "{letter}");
    assert_eq!(letter["ddl"], "ALTER TABLE `local.analytics.thing` ALTER COLUMN `must` DROP NOT NULL");
    scene.run(letter["ddl"].as_str().unwrap_or_default()).await;
    let retry = scene.router.run(&["dead-letters", "retry", letter["id"].as_str().unwrap_or_default()]);
    assert_eq!(retry.status.code(), Some(0), "{retry:?}");
    scene.until_in("thing", &ids).await;
    scene.until_letters(&[]).await;
}

#[tokio::test]
async fn a_row_that_is_too_large_is_a_letter_and_its_neighbours_are_rows() {
    let scene = Scene::with_tables("").await;
    let (large, small) = (thing(900_001), thing(8));
    let words = "Maximum allowed row size exceeded. Allowed: 10485760 Row size: 11000000";
    scene.cloud.say(row_error("invalid", words, "", "\"n\":900001")).await;
    let ids = scene.send(&[large, small]).await;
    let letter = scene.until_letters(&ids[..1]).await[&ids[0]].clone();
    assert_eq!((&letter["reason"], &letter["table"]), (&json!("too_large"), &json!("thing")), "{letter}");
    assert!(letter["answer"].as_str().is_some_and(|answer| answer.contains("11000000")), "{letter}");
    scene.until_in("thing", &ids[1..]).await;
    assert_eq!(scene.rows("thing").await.len(), 5);
}

#[tokio::test]
async fn rows_that_others_stopped_are_sent_again_as_they_are_and_it_is_no_attempt() {
    let scene = Scene::with_tables("").await;
    let events = [thing(900_001), thing(900_002), thing(900_003)];
    let mut stopped = row_error("stopped", "", "", "\"n\":90000");
    stopped["times"] = json!(2);
    scene.cloud.say(row_error("invalid", "Request contained a bad row.", "", "\"n\":900001")).await;
    scene.cloud.say(stopped).await;
    let ids = scene.send(&events).await;
    let letter = scene.until_letters(&ids[..1]).await[&ids[0]].clone();
    assert_eq!(letter["attempts"], 1, "{letter}");
    scene.until_in("thing", &ids[1..]).await;
    let entry = scene.until_entry("the others are delivered", |one| one["counts"]["delivered"] == 6).await;
    assert_eq!((&entry["breaker"]["failures"], &entry["state"]), (&json!(0), &json!("flowing")), "{entry}");
    assert_eq!(scene.rows("thing").await.len(), 6);
}

#[tokio::test]
async fn rows_that_failed_over_there_are_sent_again_and_no_other() {
    let scene = Scene::with_tables("").await;
    for (n, reason) in (900_001..).zip(["timeout", "backendError", "internalError"]) {
        let mut once = row_error(reason, "", "", &format!("\"n\":{n}"));
        once["times"] = json!(1);
        scene.cloud.say(once).await;
    }
    let ids = scene.send(&[thing(900_001), thing(900_002), thing(900_003), thing(4), thing(5)]).await;
    scene.until_in("thing", &ids).await;
    scene.until_delivered(9).await;
    let tables = scene.cloud.tables().await;
    for table in ["thing", "tracks"] {
        let told = &tables[format!("analytics.{table}")];
        assert_eq!((&told["rows"], &told["repeated"]), (&json!(9), &json!(0)), "{table}: {told}");
    }
}
