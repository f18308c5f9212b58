//! Errors of load jobs: a job takes all its rows or none, and the same rows never become two jobs that both take them.

use serde_json::{Value, json};

use super::{Scene, thing};

const LOAD: &str = "write_method = \"load\"";

fn things(from: u64, count: u64) -> Vec<Value> {
    (from..from + count).map(thing).collect()
}

#[tokio::test]
async fn a_job_that_takes_its_time_is_waited_for() {
    let scene = Scene::start(LOAD).await;
    scene.cloud.set(json!({ "polls": 2 })).await;
    let ids = scene.send(&things(0, 5)).await;
    for table in ["thing", "tracks"] {
        scene.until_in(table, &ids).await;
    }
    scene.until_delivered(5).await;
    let told = scene.cloud.tables().await["analytics.thing"].clone();
    assert_eq!((&told["loaded"], &told["loads"]), (&json!(5), &json!(1)), "{told}");
}

#[tokio::test]
async fn a_job_that_failed_over_there_is_tried_again_with_another_id() {
    for (reason, words) in [
        ("jobBackendError", "The job failed with a backend error."),
        ("jobInternalError", "The job failed internally."),
        ("jobRateLimitExceeded", "Exceeded rate limits"),
        ("backendError", "Error encountered during execution. Retrying may solve the problem."),
    ] {
        let scene = Scene::start(LOAD).await;
        let line = json!({ "on": "job", "reason": reason, "message": words, "holds": "\"n\":3", "times": 1 });
        scene.cloud.say(line).await;
        let ids = scene.send(&things(0, 5)).await;
        scene.until_in("thing", &ids).await;
        scene.until_in("tracks", &ids).await;
        scene.until_delivered(5).await;
        let told = scene.cloud.tables().await["analytics.thing"].clone();
        assert_eq!((&told["rows"], &told["loads"]), (&json!(5), &json!(2)), "{reason}: {told}");
    }
}

#[tokio::test]
async fn a_job_whose_answer_was_lost_is_found_and_its_rows_are_there_once() {
    for mode in ["half", "cut", "503"] {
        let mode = mode.parse::<u16>().map_or(json!(mode), |status| json!(status));
        let scene = Scene::start(LOAD).await;
        scene.cloud.behave(json!({ "mode": mode, "on": "load", "times": 2 })).await;
        let ids = scene.send(&things(0, 5)).await;
        scene.until_in("thing", &ids).await;
        scene.until_in("tracks", &ids).await;
        scene.until_delivered(5).await;
        assert_eq!((scene.rows("thing").await.len(), scene.rows("tracks").await.len()), (5, 5), "{mode}");
    }
}

#[tokio::test]
async fn the_one_row_that_makes_a_job_fail_is_found_and_the_others_are_loaded_once() {
    let scene = Scene::start(LOAD).await;
    let events = things(0, 12);
    let mut ids = crate::support::ids_of(&events);
    let bad = ids.remove(7);
    let words = "Error while reading data, error message: JSON table encountered too many errors, giving up.";
    scene.cloud.say(json!({ "on": "job", "reason": "invalid", "message": words, "holds": bad })).await;
    scene.send(&events).await;
    let letter = scene.until_letters(std::slice::from_ref(&bad)).await[&bad].clone();
    assert_eq!(letter["reason"], "rejected", "{letter}");
    assert!(letter["answer"].as_str().is_some_and(|answer| answer.contains(words)), "{letter}");
    for table in ["thing", "tracks"] {
        scene.until_in(table, &ids).await;
        assert_eq!(scene.rows(table).await.len(), 11, "{table}");
    }
}

#[tokio::test]
async fn a_table_whose_loads_of_the_day_are_used_up_waits_and_says_so() {
    let scene = Scene::start(LOAD).await;
    let words = "Quota exceeded: Your table exceeded quota for imports or query appends per table.";
    let line = json!({
        "on": "load", "status": 403, "reason": "quotaExceeded", "message": words, "holds": "\"thing\"",
        "retry_after": 2, "times": 1,
    });
    scene.cloud.say(line).await;
    let ids = scene.send(&things(0, 5)).await;
    let entry = scene.until_error(words).await;
    assert_eq!((&entry["state"], &entry["counts"]["dead"]), (&json!("flowing"), &json!({})), "{entry}");
    scene.until_in("tracks", &ids).await;
    assert_eq!(scene.rows("thing").await.len(), 0);
    scene.until_in("thing", &ids).await;
    scene.until_delivered(5).await;
}

#[tokio::test]
async fn a_missing_right_to_run_jobs_holds_the_destination_until_it_is_given() {
    let scene = Scene::start(LOAD).await;
    scene.cloud.deny("bigquery.jobs.create").await;
    let ids = scene.send(&things(0, 5)).await;
    assert_eq!(scene.until_state("held").await, "forbidden");
    let entry = scene.until_error("bigquery.jobs.create").await;
    assert_eq!(entry["counts"]["dead"], json!({}), "{entry}");
    scene.cloud.allow("bigquery.jobs.create").await;
    scene.until_in("thing", &ids).await;
    scene.until_in("tracks", &ids).await;
    scene.until_delivered(5).await;
}
