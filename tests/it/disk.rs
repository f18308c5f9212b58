//! A journal that is full because a destination does not take its events: new ones are refused with grace, none of the
//! acknowledged is lost, and it frees itself.

mod drop_oldest;
mod full_disk;
mod holder;
mod returns;

use serde_json::json;

use crate::support::{Answer, Config, Receiver, Reply, Router, ids_of, track, until_some};

/// Sends events of 20 kB until one is refused; returns the ids of the taken ones and the refusal.
async fn fill(router: &Router) -> (Vec<String>, Answer) {
    let mut taken = Vec::new();
    for n in 0..200 {
        let mut event = track(&format!("u{n}"), n);
        event["properties"]["blob"] = json!("x".repeat(20_000));
        let answer = router.post("/v1/track", &event).await;
        if answer.status != 200 {
            return (taken, answer);
        }
        taken.extend(ids_of(&[event]));
    }
    panic!("a journal of 1 MiB took 4 MB");
}

#[tokio::test]
async fn a_full_journal_refuses_new_events_and_loses_none() {
    let receiver = Receiver::scripted(|_| Reply::Status(503));
    let config = Config::new().table("[journal]\nmax_bytes = \"1MiB\"").webhook("hook", &receiver.url(), "");
    let mut router = Router::start(config).await;
    let (ids, refusal) = fill(&router).await;
    refusal.expect_error(503, "journal_full");
    assert!(refusal.header("retry-after").parse::<u32>().is_ok_and(|seconds| seconds >= 1), "{refusal:?}");
    assert!(ids.len() > 10, "only {} events fit into 1 MiB", ids.len());
    let ready = router.get("/ready").await;
    assert_eq!(ready.status, 503, "{ready:?}");
    assert_eq!(ready.json()["status"], "not_ready", "{ready:?}");
    let checks = ready.json()["checks"].clone();
    let sick =
        checks.as_array().unwrap().iter().find(|check| check["name"] == "journal").expect("a journal check");
    assert_eq!(sick["ok"], false, "{ready:?}");
    assert_eq!(router.get("/health").await.status, 200, "it is alive all the same");
    router.until_rows("tracks", &ids).await;

    receiver.recover();
    receiver.until_taken(&ids).await;
    let after = track("after", 1);
    until_some("there is room again", 20, async || {
        (router.post("/v1/track", &after).await.status == 200).then_some(())
    })
    .await;
    receiver.until_taken(&ids_of(std::slice::from_ref(&after))).await;
    router.until_up().await;
    let metrics = router.get("/metrics").await.text;
    assert!(
        !metrics.lines().any(|line| line.starts_with("opentrack_events_lost_total") && !line.ends_with(" 0"))
    );
}

#[tokio::test]
async fn a_full_journal_survives_a_kill() {
    let receiver = Receiver::scripted(|_| Reply::Status(503));
    let config = Config::new().table("[journal]\nmax_bytes = \"1MiB\"").webhook("hook", &receiver.url(), "");
    let mut router = Router::start(config).await;
    let (ids, _) = fill(&router).await;
    router.kill9();
    receiver.recover();
    router.start_again().await;
    receiver.until_taken(&ids).await;
    router.until_rows("tracks", &ids).await;
}
