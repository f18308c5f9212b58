//! Destinations that come later.

use super::{cluster, config, repeated, send};
use crate::support::{Receiver, Reply, Router, until};

#[tokio::test]
async fn a_destination_that_is_added_while_the_router_runs_begins_where_it_says() {
    let cluster = cluster();
    let slow = Receiver::scripted(|_| Reply::Status(503));
    let (now, all) = (Receiver::start(), Receiver::start());
    let before = config(&cluster, "").webhook("slow", &slow.url(), "");
    let mut router = Router::start(before.clone()).await;
    let old = send(&router, 20, 0).await;
    router.until_rows("tracks", &old).await;
    let with = before.webhook("now", &now.url(), "").webhook("all", &all.url(), "start = \"beginning\"\n");
    router.reconfigure(with).await;
    all.until_taken(&old).await;
    let new = send(&router, 20, 1).await;
    all.until_taken(&new).await;
    now.until_taken(&new).await;
    slow.recover();
    slow.until_taken(&old).await;
    slow.until_taken(&new).await;
    assert!(now.taken_ids().iter().all(|id| new.contains(id)), "it was not to have the old ones");
    for receiver in [&now, &all, &slow] {
        assert_eq!(repeated(receiver), Vec::<String>::new());
    }
}

#[tokio::test]
async fn a_destination_that_waits_keeps_its_place_and_the_others_theirs() {
    let cluster = cluster();
    let slow = Receiver::scripted(|_| Reply::Status(503));
    let hook = Receiver::start();
    let config = config(&cluster, "").webhook("slow", &slow.url(), "").webhook("hook", &hook.url(), "");
    let mut router = Router::start(config).await;
    let first = send(&router, 30, 0).await;
    hook.until_taken(&first).await;
    router.restart().await;
    let second = send(&router, 30, 1).await;
    hook.until_taken(&second).await;
    assert_eq!(
        repeated(&hook),
        Vec::<String>::new(),
        "what it had lies in the spool again, and is passed over"
    );
    until("the other waits", 10, async || router.destination("slow").await["backlog"]["events"] != 0).await;
    slow.recover();
    slow.until_taken(&first).await;
    slow.until_taken(&second).await;
}

#[tokio::test]
async fn a_reload_that_fails_leaves_everybody_served_as_before() {
    let cluster = cluster();
    let (hook, late) = (Receiver::start(), Receiver::start());
    let before = config(&cluster, "").webhook("hook", &hook.url(), "");
    let mut router = Router::start(before).await;
    let first = send(&router, 20, 0).await;
    hook.until_taken(&first).await;
    // Its cursor cannot be read.
    std::fs::create_dir(router.data().join("journal/cursors/late.cursor")).unwrap();
    router.write_config(config(&cluster, "").webhook("late", &late.url(), ""));
    until("the change is refused", 20, async || router.log().contains("late")).await;
    let second = send(&router, 20, 1).await;
    hook.until_taken(&second).await;
    until("its marks are told as before", 20, async || {
        cluster.committed("opentrack.hook", super::TOPIC, super::PARTITIONS) == 40
    })
    .await;
    assert_eq!(router.times_applied(), 0);
}
