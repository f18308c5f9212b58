//! A disk that is full below `max_bytes`.

use serde_json::{Value, json};

use crate::support::{Config, Receiver, Reply, Router, SmallDisk, batch, ids_of, track, until, until_some};

const AT_ONCE: &str = "batch = { max_delay = \"10ms\" }";

/// Segments of 2 MiB on a disk of 8 MB.
fn config(disk: &SmallDisk, on_full: &str) -> Config {
    let journal = format!("[journal]\nmax_bytes = \"16MiB\"\non_full = \"{on_full}\"");
    let data = disk.path().display().to_string();
    Config::default().table(&journal).env("OPENTRACK__SERVER__DATA_DIR", &data)
}

/// Twenty events of 20 kB.
fn events(n: u64) -> Vec<Value> {
    let event = |k: u64| {
        let mut event = track(&format!("user-{k}"), n);
        event["properties"]["blob"] = json!("x".repeat(20_000));
        event
    };
    (0..20).map(event).collect()
}

async fn until_quiet(router: &Router, name: &str) {
    until(&format!("`{name}` has no backlog"), 25, async || {
        router.destination(name).await["backlog"]["events"] == 0
    })
    .await;
}

#[tokio::test]
async fn on_a_full_disk_drop_oldest_goes_on_taking_events_and_counts_what_it_drops() {
    let Some(disk) = SmallDisk::mount(8) else { return };
    let (sick, well) = (Receiver::scripted(|_| Reply::Status(503)), Receiver::start());
    let config = config(&disk, "drop_oldest").webhook("sick", &sick.url(), AT_ONCE);
    let config = config.webhook("well", &well.url(), AT_ONCE);
    let mut router = Router::start(config).await;
    let mut acknowledged = Vec::new();
    for n in 0..60 {
        let events = events(n);
        router.post("/v1/batch", &batch(&events)).await.expect_success();
        until_quiet(&router, "well").await;
        acknowledged.extend(ids_of(&events));
    }
    router.kill9();
    sick.recover();
    router.start_again().await;
    until_quiet(&router, "sick").await;
    let status = router.destination("sick").await;
    let lost = status["counts"]["dead"]["journal_full"].as_u64().unwrap_or(0);
    let received = sick.taken_ids();
    assert_eq!(received.len() as u64 + lost, acknowledged.len() as u64, "{status}");
    assert!(lost > 600, "24 MB do not fit: {lost}");
    assert!(received.contains(&acknowledged[acknowledged.len() - 1]), "the newest data survives");
    let status = router.destination("well").await;
    assert_eq!(status["counts"]["dead"], json!({}), "a destination that keeps up loses nothing");
}

#[tokio::test]
async fn on_a_full_disk_reject_refuses_with_grace_and_frees_itself() {
    let Some(disk) = SmallDisk::mount(8) else { return };
    let receiver = Receiver::scripted(|_| Reply::Status(503));
    let mut router = Router::start(config(&disk, "reject").webhook("hook", &receiver.url(), "")).await;
    let mut acknowledged = Vec::new();
    let refusal = loop {
        let events = events(acknowledged.len() as u64);
        let answer = router.post("/v1/batch", &batch(&events)).await;
        if answer.status != 200 {
            break answer;
        }
        acknowledged.extend(ids_of(&events));
        assert!(acknowledged.len() < 1_500, "8 MB took 30 MB");
    };
    refusal.expect_error(503, "journal_full");
    assert!(refusal.header("retry-after").parse::<u32>().is_ok_and(|seconds| seconds >= 1), "{refusal:?}");
    receiver.recover();
    receiver.until_taken(&acknowledged).await;
    router.until_up().await;
    until_some("there is room again", 20, async || {
        (router.post("/v1/batch", &batch(&events(0))).await.status == 200).then_some(())
    })
    .await;
    let status = router.destination("hook").await;
    assert_eq!(status["counts"]["dead"], json!({}), "nothing acknowledged was lost");
}
