//! Partitions that move between routers that live.

use super::{cluster, config, disordered, held, repeated, send, until_held};
use crate::support::{Receiver, Reply, Router, until};

#[tokio::test]
async fn a_router_that_joins_gets_a_share_and_no_user_is_served_by_two() {
    let cluster = cluster();
    let receiver = Receiver::start();
    let config = config(&cluster, "").webhook("hook", &receiver.url(), "");
    let one = Router::start(config.clone()).await;
    until_held(&one, 4).await;
    let mut ids = send(&one, 40, 0).await;
    let mut other = Router::start(config).await;
    let mut n = 1;
    until("both have a share", 40, async || {
        ids.extend(send(&one, 40, n).await);
        ids.extend(send(&other, 40, n + 1).await);
        n += 2;
        held(&one).await == 2 && held(&other).await == 2
    })
    .await;
    ids.extend(send(&one, 40, n).await);
    receiver.until_taken(&ids).await;
    other.stop().await;
    ids.extend(send(&one, 40, n + 1).await);
    receiver.until_taken(&ids).await;
    until_held(&one, 4).await;
    assert_eq!(disordered(&receiver), Vec::<String>::new());
    assert_eq!(repeated(&receiver), Vec::<String>::new(), "both handed over what they had settled");
}

#[tokio::test]
async fn a_trace_says_that_an_event_moved_and_its_new_router_where_it_stands() {
    let cluster = cluster();
    let receiver = Receiver::scripted(|_| Reply::Status(503));
    // Few attempts: each of them is a line in every trace. No breaker: it would wait for longer than the test does.
    let config = config(&cluster, "").table(&format!(
        "[destinations.hook]\ntype = \"webhook\"\nurl = \"{}\"\nretry = {{ initial = \"3s\", max = \"3s\" }}\n\
         breaker = {{ failures = 1000 }}",
        receiver.url()
    ));
    let one = Router::start(config.clone()).await;
    let ids = send(&one, 12, 0).await;
    one.until_rows("tracks", &ids).await;
    let other = Router::start(config).await;
    until_held(&other, 2).await;
    until("some of them moved", 20, async || {
        let (mut moved, mut waits) = (0, 0);
        for id in &ids {
            let is_moved = at_hook(&one, id).await["reason"] == "moved";
            moved += usize::from(is_moved);
            waits += usize::from(is_moved && at_hook(&other, id).await["attempts"].is_array());
        }
        moved > 0 && moved < ids.len() && waits == moved
    })
    .await;
    let delivered = one.get(&format!("/api/events/{}", ids[0])).await.json();
    assert_eq!(delivered["destinations"]["warehouse"]["fate"], "delivered", "{delivered}");
    receiver.recover();
    receiver.until_taken(&ids).await;
    assert_eq!(repeated(&receiver), Vec::<String>::new());
}

/// Returns where an event stands at the webhook, by this router.
async fn at_hook(router: &Router, id: &str) -> serde_json::Value {
    router.get(&format!("/api/events/{id}")).await.json()["destinations"]["hook"].clone()
}
