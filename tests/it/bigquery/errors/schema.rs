//! Errors of changes to tables: races are read again, busy ones are tried again, forbidden ones are left alone and told.

use serde_json::{Value, json};

use super::{Scene, named, thing};

/// An event that needs the column `plan`.
fn planned(n: u64) -> Value {
    named("Thing", &json!({ "n": n, "plan": "pro" }))
}

#[tokio::test]
async fn a_table_that_somebody_else_has_made_meanwhile_is_taken_as_it_is() {
    let scene = Scene::start("").await;
    let columns = "id STRING, received_at TIMESTAMP, n STRING, _unmapped JSON";
    scene.run(&format!("CREATE TABLE `local.analytics.thing` ({columns})")).await;
    let ids = scene.send(&[thing(7)]).await;
    let rows = scene.until_in("thing", &ids).await;
    assert_eq!(rows[&ids[0]]["n"], "7", "cast to what the column takes");
    scene.until_delivered(1).await;
}

#[tokio::test]
async fn a_table_that_was_made_by_hand_without_columns_gets_them() {
    let scene = Scene::start("").await;
    scene.make_bare_table("thing").await;
    let ids = scene.send(&[thing(7)]).await;
    let rows = scene.until_in("thing", &ids).await;
    assert_eq!(rows[&ids[0]]["n"], 7);
    scene.until_delivered(1).await;
}

#[tokio::test]
async fn a_statement_that_came_too_often_or_failed_over_there_is_run_again() {
    for (status, reason, words) in [
        (403, "rateLimitExceeded", "Exceeded rate limits: too many table update operations for this table."),
        (400, "jobRateLimitExceeded", "Exceeded rate limits: too many jobs"),
        (400, "jobBackendError", "The job encountered an internal error"),
        (400, "jobInternalError", "The job encountered an internal error"),
        (503, "backendError", "Error encountered during execution."),
    ] {
        let scene = Scene::with_tables("").await;
        let line = json!({
            "on": "query", "status": status, "reason": reason, "message": words, "holds": "ALTER TABLE",
            "times": 1,
        });
        scene.cloud.say(line).await;
        let ids = scene.send(&[planned(10), thing(11)]).await;
        scene.until_in("thing", &ids[1..]).await;
        let rows = scene.until_in("thing", &ids).await;
        assert_eq!(rows[&ids[0]]["plan"], "pro", "{reason}");
        scene.until_delivered(6).await;
        assert_eq!(scene.rows("tracks").await.len(), 6, "{reason}");
        let log = scene.router.log();
        let told = log.lines().filter(|line| line.contains("could not"));
        assert_eq!(told.count(), 1, "it is told once: {log}");
    }
}

#[tokio::test]
async fn tables_that_cannot_be_made_for_a_while_show_in_the_state_of_the_destination() {
    let scene = Scene::start("").await;
    let words = "Error encountered during execution. Retrying may solve the problem.";
    scene
        .cloud
        .say(json!({ "on": "tables", "status": 503, "reason": "backendError", "message": words }))
        .await;
    let ids = scene.send(&[thing(1)]).await;
    let reason = scene.until_state("retrying").await;
    assert!(reason.contains(words), "{reason}");
    let ready = scene.ready().await;
    assert!(ready.contains("retrying") && ready.contains(words), "{ready}");
    scene.cloud.be_itself().await;
    scene.until_in("thing", &ids).await;
    scene.until_delivered(1).await;
    assert_eq!(scene.until_state("flowing").await, "");
}

#[tokio::test]
async fn a_quota_of_changes_is_named_and_keeps_only_what_needs_the_change() {
    let scene = Scene::with_tables("").await;
    let words = "Quota exceeded: Your project exceeded quota for dataset metadata update operations.";
    let line = json!({
        "on": "query", "status": 403, "reason": "quotaExceeded", "message": words, "holds": "ALTER TABLE",
    });
    scene.cloud.say(line).await;
    let ids = scene.send(&[planned(10), thing(11)]).await;
    scene.until_in("thing", &ids[1..]).await;
    crate::support::until("the quota is named", 20, async || {
        scene.router.get("/api/schema").await.text.contains(words)
    })
    .await;
    let entry = scene.router.destination("bq").await;
    assert_eq!((&entry["backlog"]["events"], &entry["counts"]["dead"]), (&json!(1), &json!({})), "{entry}");
    let asked = scene.asked("query").await;
    scene.send(&[planned(12)]).await;
    let waits = |one: &Value| one["backlog"]["events"] == 2;
    scene.until_entry("the next waits too", waits).await;
    assert_eq!(scene.asked("query").await, asked, "the quota is left alone");
}

#[tokio::test]
async fn a_table_that_may_not_be_changed_keeps_its_flow_and_is_left_alone() {
    let scene = Scene::with_tables("").await;
    scene.cloud.deny("bigquery.tables.update").await;
    let ids = scene.send(&[planned(10), thing(11)]).await;
    let rows = scene.until_in("thing", &ids).await;
    assert_eq!(rows[&ids[0]]["_unmapped"], json!({ "plan": "pro" }));
    assert_eq!(rows[&ids[1]]["n"], 11);
    scene.until_delivered(6).await;
    let asked = scene.asked("query").await;
    let more = scene.send(&[planned(12)]).await;
    let rows = scene.until_in("thing", &more).await;
    assert_eq!(rows[&more[0]]["_unmapped"], json!({ "plan": "pro" }));
    assert_eq!(scene.asked("query").await, asked, "it is not tried again for ten minutes");
    assert_eq!(scene.router.destination("bq").await["state"], "flowing", "nothing waits for it");
    let schema = scene.router.get("/api/schema").await.text;
    assert!(schema.contains("bigquery.tables.update"), "{schema}");
}

#[tokio::test]
async fn a_table_that_may_not_be_made_is_a_letter_with_the_statement_that_makes_it() {
    let scene = Scene::with_tables("").await;
    scene.cloud.deny("bigquery.tables.create").await;
    let ids = scene.send(&[named("Other", &json!({ "n": 1 })), thing(11)]).await;
    scene.until_in("thing", &ids[1..]).await;
    scene.until_in("tracks", &ids).await;
    let letter = scene.until_letters(&ids[..1]).await[&ids[0]].clone();
    assert_eq!(
        (&letter["reason"], &letter["table"]),
        (&json!("schema_missing_table"), &json!("other")),
        "{letter}"
    );
    scene.cloud.allow("bigquery.tables.create").await;
    scene.run(letter["ddl"].as_str().unwrap_or_default()).await;
    let made = scene.cloud.tables().await["analytics.other"].clone();
    assert_eq!(
        (&made["columns"]["n"], &made["partition"]),
        (&json!("INT64"), &json!("received_at")),
        "{made}"
    );
}

#[tokio::test]
async fn a_table_that_is_full_keeps_what_is_more_in_unmapped_in_both_of_googles_words() {
    for words in [
        "Too many columns (10001) in schema. Only 10000 columns are allowed.",
        "Too many total leaf fields: 10001, max allowed field count: 10000",
    ] {
        let scene = Scene::with_tables("").await;
        let line = json!({
            "on": "query", "status": 400, "reason": "invalid", "message": words, "holds": "ALTER TABLE",
        });
        scene.cloud.say(line).await;
        let ids = scene.send(&[planned(10), thing(11)]).await;
        let rows = scene.until_in("thing", &ids).await;
        assert_eq!(rows[&ids[0]]["_unmapped"], json!({ "plan": "pro" }));
        scene.until_delivered(6).await;
        let asked = scene.asked("query").await;
        let more = scene.send(&[planned(12)]).await;
        scene.until_in("thing", &more).await;
        assert_eq!(scene.asked("query").await, asked, "a full table is not asked again");
        let schema = scene.router.get("/api/schema").await.text;
        assert!(schema.contains(words), "{schema}");
    }
}

#[tokio::test]
async fn a_patch_that_crossed_another_is_made_anew_from_what_is_there() {
    for (status, reason, words) in [
        (412, "conditionNotMet", "Precondition check failed."),
        (400, "invalid", "Provided Schema does not match Table local:analytics.thing."),
        (409, "duplicate", "Already Exists: column plan"),
    ] {
        let scene = Scene::of(&["deny=bigquery.jobs.create"], |cloud| cloud.config("settle = \"1ms\"")).await;
        let first = scene.send(&[thing(1)]).await;
        scene.until_in("thing", &first).await;
        let line = json!({
            "on": "tables", "status": status, "reason": reason, "message": words, "holds": "\"plan\"", "times": 2,
        });
        scene.cloud.say(line).await;
        let ids = scene.send(&[planned(10), thing(11)]).await;
        scene.until_in("thing", &ids).await;
        scene.until_in("tracks", &ids).await;
        scene.until_delivered(3).await;
    }
}
