//! Backup and restore as the runbook tells them: what a router leaves that is killed, put in the place of what came later.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::support::{Config, Receiver, Reply, Router, batch, ids_of, track, until};

fn copy(from: &Path, to: &Path) {
    let done = Command::new("cp").arg("-a").args([from, to]).status().unwrap();
    assert!(done.success(), "{} cannot be copied", from.display());
}

async fn send(router: &Router, events: &[Value]) {
    for some in events.chunks(40) {
        router.post("/v1/batch", &batch(some)).await.expect_success();
    }
}

fn events(from: u64, until: u64) -> Vec<Value> {
    (from..until).map(|n| track(&format!("u{}", n % 7), n)).collect()
}

#[tokio::test]
async fn a_backup_of_a_killed_router_has_what_was_acknowledged_and_nothing_that_came_later() {
    let receiver = Receiver::scripted(|_| Reply::Status(503));
    let mut router = Router::start(Config::new().webhook("hook", &receiver.url(), "")).await;
    let (before, after) = (events(0, 200), events(200, 240));
    send(&router, &before).await;
    router.kill9();
    let kept = router.dir().join("backup");
    copy(&router.data(), &kept);
    router.start_again().await;
    send(&router, &after).await;
    router.until_rows("tracks", &ids_of(&after)).await;
    router.kill9();
    std::fs::rename(router.data(), router.dir().join("broken")).unwrap();
    copy(&kept, &router.data());
    receiver.recover();
    router.start_again().await;
    let mut ids = ids_of(&before);
    ids.sort();
    receiver.until_taken(&ids).await;
    router.until_rows("tracks", &ids).await;
    assert_eq!(
        router.db().ids("tracks"),
        ids,
        "all that was acknowledged before, and nothing of what came later"
    );
    // Senders that send all of it again: what the backup has is known, the rest is new.
    send(&router, &[before.clone(), after.clone()].concat()).await;
    router.until_rows("tracks", &ids_of(&after)).await;
    until("what is known was not stored again", 10, async || {
        router.get("/metrics").await.text.contains("opentrack_events_duplicate_total 200")
    })
    .await;
    let counted = router.run(&["sql", "--csv", "select count(*) from tracks"]);
    assert!(String::from_utf8_lossy(&counted.stdout).contains("240"), "{counted:?}");
}
