//! A spool without room.

use super::{TOPIC, cluster, disordered, repeated, send, with_journal};
use crate::support::{Receiver, Reply, Router, until};

#[tokio::test]
async fn a_full_spool_leaves_events_in_the_topic_and_the_door_open() {
    let cluster = cluster();
    let receiver = Receiver::scripted(|_| Reply::Status(503));
    let small = with_journal(&cluster, "max_bytes = \"1MiB\"", "");
    let router = Router::start(small.webhook("hook", &receiver.url(), "")).await;
    let mut ids = Vec::new();
    for n in 0..25 {
        ids.extend(send(&router, 300, n).await);
    }
    until("the spool is full", 20, async || router.log().contains("events wait in the topic")).await;
    let read = cluster.committed("opentrack", TOPIC, 4);
    assert!(read < ids.len() as i64, "not all of it can be in the spool: {read}");
    ids.extend(send(&router, 300, 25).await);
    receiver.recover();
    receiver.until_taken(&ids).await;
    assert_eq!(disordered(&receiver), Vec::<String>::new());
    assert_eq!(repeated(&receiver), Vec::<String>::new());
}

#[tokio::test]
async fn whom_a_full_spool_is_kept_for_is_named_and_when_it_is_off_the_others_go_on() {
    let cluster = cluster();
    let (sick, well) = (Receiver::scripted(|_| Reply::Status(503)), Receiver::start());
    let small = || with_journal(&cluster, "max_bytes = \"1MiB\"", "").webhook("well", &well.url(), "");
    let mut router = Router::start(small().webhook("sick", &sick.url(), "")).await;
    let mut ids = Vec::new();
    for n in 0..25 {
        ids.extend(send(&router, 300, n).await);
    }
    until("it is said whom the spool is kept for", 20, async || {
        let ready = router.get("/ready").await.text;
        ready.contains("before `sick` has taken what waits")
    })
    .await;
    assert!(well.taken_ids().len() < ids.len(), "the other waits with it");
    router.reconfigure(small().webhook("sick", &sick.url(), "enabled = false")).await;
    well.until_taken(&ids).await;
    until("nothing is wrong any more", 20, async || {
        !router.get("/ready").await.text.contains("the spool is full")
    })
    .await;
    sick.recover();
    router.reconfigure(small().webhook("sick", &sick.url(), "")).await;
    sick.until_taken(&ids).await;
    assert_eq!((disordered(&well), disordered(&sick)), (Vec::<String>::new(), Vec::new()));
    assert_eq!((repeated(&well), repeated(&sick)), (Vec::<String>::new(), Vec::new()));
}
