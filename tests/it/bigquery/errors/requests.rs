//! Errors of whole requests, and no answer at all: split, waited for, held or sent again, and every row is there once.

use serde_json::{Value, json};

use super::{Scene, named, thing};
use crate::support::until;

fn things(from: u64, count: u64) -> Vec<Value> {
    (from..from + count).map(thing).collect()
}

#[tokio::test]
async fn a_request_that_is_too_large_is_halved_and_no_event_dies() {
    let scene = Scene::with_tables("").await;
    scene
        .cloud
        .say(json!({
            "on": "insert", "status": 400, "reason": "invalid", "times": 2,
            "message": "too many rows present in the request, limit: 50000 row count",
        }))
        .await;
    let mut ids = scene.send(&things(10, 40)).await;
    scene.until_delivered(44).await;
    scene.cloud.behave(json!({ "mode": 413, "on": "insert", "times": 2 })).await;
    ids.extend(scene.send(&things(50, 40)).await);
    scene.until_delivered(84).await;
    for table in ["thing", "tracks"] {
        scene.until_in(table, &ids).await;
        assert_eq!(scene.rows(table).await.len(), 84, "{table}");
    }
}

#[tokio::test]
async fn the_one_event_that_makes_a_request_invalid_is_found_and_the_others_arrive_once() {
    for (status, words, reason) in [
        (400, "Invalid JSON payload received.", "rejected"),
        (413, "Request payload size exceeds the limit", "too_large"),
    ] {
        let scene = Scene::with_tables("").await;
        let events = things(10, 40);
        let mut ids = crate::support::ids_of(&events);
        let bad = ids.remove(17);
        let reason_word = if status == 413 { "tooLarge" } else { "invalid" };
        let line = json!({
            "on": "insert", "status": status, "reason": reason_word, "message": words, "holds": bad,
        });
        scene.cloud.say(line).await;
        scene.send(&events).await;
        let letter = scene.until_letters(std::slice::from_ref(&bad)).await[&bad].clone();
        assert_eq!((&letter["reason"], &letter["status"]), (&json!(reason), &json!(status)), "{letter}");
        assert!(letter["answer"].as_str().is_some_and(|answer| answer.contains(words)), "{letter}");
        for table in ["thing", "tracks"] {
            scene.until_in(table, &ids).await;
            assert_eq!(scene.rows(table).await.len(), 43, "{table}");
        }
    }
}

#[tokio::test]
async fn a_table_that_is_not_seen_yet_keeps_its_own_rows_waiting() {
    let scene = Scene::with_tables("").await;
    scene.cloud.refuse("thing", None, 2).await;
    let ids = scene.send(&things(10, 3)).await;
    scene.until_in("tracks", &ids).await;
    assert_eq!(scene.rows("thing").await.len(), 4);
    scene.until_in("thing", &ids).await;
    scene.until_delivered(7).await;
    assert_eq!((scene.rows("thing").await.len(), scene.rows("tracks").await.len()), (7, 7));
}

#[tokio::test]
async fn a_table_that_somebody_deletes_is_made_again() {
    let scene = Scene::with_tables("recreate_hold = \"1ms\"").await;
    scene.run("DROP TABLE `local.analytics.thing`").await;
    let ids = scene.send(&things(10, 3)).await;
    scene.until_in("thing", &ids).await;
    scene.until_in("tracks", &ids).await;
    scene.until_delivered(7).await;
}

#[tokio::test]
async fn a_dataset_that_is_not_there_is_made_or_waited_for_as_the_settings_say() {
    let scene = Scene::of(&["dataset="], |cloud| cloud.config("")).await;
    let ids = scene.send(&[thing(1)]).await;
    scene.until_in("thing", &ids).await;

    let config = "auto_table_management = \"columns_only\"";
    let scene = Scene::of(&["dataset="], |cloud| cloud.config(config)).await;
    scene.send(&[thing(1)]).await;
    let reason = scene.until_state("held").await;
    let entry = scene.until_error("Not found: Dataset local:analytics").await;
    assert!(!reason.is_empty() && entry["counts"]["dead"] == json!({}), "{entry}");
}

#[tokio::test]
async fn a_dataset_in_another_location_is_said_with_both() {
    let scene = Scene::of(&["location=EU"], |cloud| cloud.config("location = \"US\"")).await;
    scene.send(&[thing(1)]).await;
    scene.until_state("held").await;
    let entry = scene.until_error("lies in EU").await;
    assert_eq!(entry["counts"]["dead"], json!({}), "{entry}");
}

#[tokio::test]
async fn too_often_is_waited_for_and_is_no_failure() {
    let scene = Scene::with_tables("").await;
    for (status, n) in [(403, 10), (429, 20)] {
        let words = "Exceeded rate limits: too many api requests per user per method";
        let line = json!({
            "on": "insert", "status": status, "reason": "rateLimitExceeded", "message": words,
            "retry_after": 1, "times": 1,
        });
        scene.cloud.say(line).await;
        scene.send(&things(n, 3)).await;
        scene.until_error(words).await;
        scene.until_delivered(4 + 3 * (n / 10)).await;
        let entry = scene.router.destination("bq").await;
        let breaker = &entry["breaker"];
        assert_eq!((&breaker["state"], &breaker["failures"]), (&json!("closed"), &json!(0)), "{entry}");
    }
    assert_eq!(scene.rows("thing").await.len(), 10);
}

#[tokio::test]
async fn a_quota_of_the_project_is_named_where_the_destination_waits_for_it() {
    let scene = Scene::with_tables("").await;
    let words =
        "Quota exceeded: Your project exceeded quota for tabledata.insertAll bytes per second per project";
    scene
        .cloud
        .say(json!({ "on": "insert", "status": 403, "reason": "quotaExceeded", "message": words }))
        .await;
    let ids = scene.send(&things(10, 5)).await;
    let reason = scene.until_state("throttled").await;
    assert!(reason.contains(words), "{reason}");
    let ready = scene.ready().await;
    assert!(ready.contains("throttled") && ready.contains(words), "{ready}");
    let metrics = scene.router.get("/metrics").await.text;
    assert!(metrics.contains("bq_circuit_state{destination=\"bq\"} 2"), "{metrics}");
    scene.cloud.be_itself().await;
    scene.retry_now().await;
    scene.until_in("thing", &ids).await;
    scene.until_delivered(9).await;
    let metrics = scene.router.get("/metrics").await.text;
    assert!(metrics.contains("bq_circuit_state{destination=\"bq\"} 0"), "{metrics}");
    assert_eq!(scene.rows("thing").await.len(), 9);
}

#[tokio::test]
async fn a_quota_of_one_table_stops_no_other_and_is_named() {
    let scene = Scene::with_tables("").await;
    let words = "Quota exceeded: Your table exceeded quota for rows per second per table";
    let line = json!({
        "on": "insert", "status": 403, "reason": "quotaExceeded", "message": words,
        "holds": "/tables/thing/", "retry_after": 2, "times": 1,
    });
    scene.cloud.say(line).await;
    let ids = scene.send(&things(10, 5)).await;
    scene.until_in("tracks", &ids).await;
    assert_eq!(scene.rows("thing").await.len(), 4);
    let entry = scene.until_error(words).await;
    assert_ne!(entry["state"], "throttled", "{entry}");
    let other = scene.send(&[named("Other", &json!({}))]).await;
    scene.until_in("other", &other).await;
    scene.until_in("thing", &ids).await;
    scene.until_delivered(10).await;
}

#[tokio::test]
async fn what_failed_over_there_or_on_the_way_is_sent_again_and_no_row_is_there_twice() {
    let scene = Scene::with_tables("timeout = \"500ms\"").await;
    let mut delivered = 4;
    for mode in ["500", "502", "503", "504", "html", "lie", "cut", "half", "hang"] {
        let mode = mode.parse::<u16>().map_or(json!(mode), |status| json!(status));
        scene.cloud.behave(json!({ "mode": mode, "on": "insert", "times": 2 })).await;
        let ids = scene.send(&things(delivered, 3)).await;
        delivered += 3;
        scene.until_in("thing", &ids).await;
        scene.until_in("tracks", &ids).await;
        scene.until_delivered(delivered).await;
    }
    assert_eq!(scene.rows("thing").await.len() as u64, delivered);
    assert_eq!(scene.rows("tracks").await.len() as u64, delivered);
}

#[tokio::test]
async fn a_stand_in_that_is_stopped_is_waited_for_and_nothing_is_lost() {
    let scene = Scene::with_tables("timeout = \"500ms\"").await;
    scene.cloud.signal("STOP");
    let ids = scene.send(&things(10, 20)).await;
    let failing = |one: &Value| one["last_error"]["message"].is_string() && one["state"] != "flowing";
    scene.until_entry("the silence was noticed", failing).await;
    scene.cloud.signal("CONT");
    scene.until_in("thing", &ids).await;
    scene.until_in("tracks", &ids).await;
    scene.until_delivered(24).await;
    assert_eq!((scene.rows("thing").await.len(), scene.rows("tracks").await.len()), (24, 24));
}

#[tokio::test]
async fn a_missing_right_to_write_holds_the_destination_until_it_is_given() {
    let scene = Scene::with_tables("").await;
    scene.cloud.deny("bigquery.tables.updateData").await;
    let ids = scene.send(&things(10, 5)).await;
    assert_eq!(scene.until_state("held").await, "forbidden");
    let entry = scene.until_error("bigquery.tables.updateData").await;
    assert_eq!(
        (&entry["last_error"]["status"], &entry["counts"]["dead"]),
        (&json!(403), &json!({})),
        "{entry}"
    );
    scene.cloud.allow("bigquery.tables.updateData").await;
    scene.until_in("thing", &ids).await;
    scene.until_delivered(9).await;
    scene.until_state("flowing").await;
    assert_eq!(scene.rows("thing").await.len(), 9);
}

#[tokio::test]
async fn one_table_that_may_not_be_written_holds_no_other() {
    let scene = Scene::with_tables("").await;
    let words = "Access Denied: Table local:analytics.thing: Permission bigquery.tables.updateData denied";
    let line = json!({
        "on": "insert", "status": 403, "reason": "accessDenied", "message": words, "holds": "/tables/thing/",
    });
    scene.cloud.say(line).await;
    let ids = scene.send(&things(10, 5)).await;
    scene.until_in("tracks", &ids).await;
    let entry = scene.until_error(words).await;
    assert_eq!(entry["counts"]["dead"], json!({}), "{entry}");
    let other = scene.send(&[named("Other", &json!({}))]).await;
    scene.until_in("other", &other).await;
    let entry = scene.router.destination("bq").await;
    assert_eq!((&entry["state"], &entry["backlog"]["events"]), (&json!("flowing"), &json!(5)), "{entry}");
}

#[tokio::test]
async fn a_project_that_is_not_billed_gets_its_rows_by_load_jobs_and_is_told_so() {
    for say in [None, Some("Billing has not been enabled for this project. Enable billing at the console.")] {
        let scene = Scene::start("").await;
        match say {
            None => scene.cloud.set(json!({ "streaming": "off" })).await,
            Some(message) => {
                let line = json!({
                    "on": "insert", "status": 403, "reason": "billingNotEnabled", "message": message,
                });
                scene.cloud.say(line).await;
            }
        }
        let ids = scene.send(&things(10, 5)).await;
        scene.until_in("thing", &ids).await;
        scene.until_in("tracks", &ids).await;
        scene.until_delivered(5).await;
        let entry = scene.until_error("write_method = \"load\"").await;
        assert_eq!(
            (&entry["state"], &entry["last_error"]["status"]),
            (&json!("flowing"), &json!(403)),
            "{entry}"
        );
        let tables = scene.cloud.tables().await;
        for table in ["thing", "tracks"] {
            let told = &tables[format!("analytics.{table}")];
            assert_eq!((&told["streamed"], &told["loaded"]), (&json!(0), &json!(5)), "{table}: {told}");
        }
        let log = scene.router.log();
        assert_eq!(log.matches("takes no streamed rows without billing").count(), 1, "{log}");
        let before = scene.asked("insert").await;
        scene.send(&things(20, 1)).await;
        let waits = |one: &Value| one["backlog"]["events"] == 1;
        scene.until_entry("the next load job is waited for", waits).await;
        assert_eq!(scene.asked("insert").await, before, "nothing more is streamed");
    }
}

#[tokio::test]
async fn a_project_where_not_even_load_jobs_are_billed_is_held() {
    let scene = Scene::with_tables("").await;
    for part in ["insert", "load"] {
        let message = "Billing has not been enabled for this project.";
        let line = json!({ "on": part, "status": 403, "reason": "billingNotEnabled", "message": message });
        scene.cloud.say(line).await;
    }
    let ids = scene.send(&things(10, 5)).await;
    assert_eq!(scene.until_state("held").await, "forbidden");
    scene.until_error("enable billing").await;
    scene.cloud.be_itself().await;
    scene.until_in("thing", &ids).await;
    scene.until_delivered(9).await;
}

#[tokio::test]
async fn a_blocked_project_holds_the_destination_with_googles_words() {
    let scene = Scene::with_tables("").await;
    let words = "BigQuery has temporarily denylisted the operation";
    scene.cloud.say(json!({ "on": "insert", "status": 403, "reason": "blocked", "message": words })).await;
    let ids = scene.send(&things(10, 5)).await;
    assert_eq!(scene.until_state("held").await, "forbidden");
    let entry = scene.until_error(words).await;
    assert_eq!(entry["counts"]["dead"], json!({}), "{entry}");
    let asked = scene.asked("insert").await;
    until("it is probed", 10, async || scene.asked("insert").await > asked).await;
    scene.cloud.be_itself().await;
    scene.until_in("thing", &ids).await;
    scene.until_delivered(9).await;
}
