//! A sick webhook beside a healthy one and the warehouse.

use serde_json::json;

use super::{send, until_destination};
use crate::support::{Config, Receiver, Reply, Router, batch, ids_of, track, until};

#[tokio::test]
async fn a_webhook_that_hangs_holds_up_nobody_else() {
    let (sick, well) = (Receiver::scripted(|_| Reply::Hang), Receiver::start());
    let config = Config::new().webhook("sick", &sick.url(), "").webhook("well", &well.url(), "");
    let router = Router::start(config).await;
    let mut ids = Vec::new();
    for round in 0..20 {
        ids.extend(send(&router, &format!("u{round}"), 5).await);
    }
    well.until_taken(&ids).await;
    router.until_rows("tracks", &ids).await;
    until("the sick one was asked", 10, async || !sick.requests().is_empty()).await;
    assert_eq!(sick.taken_ids(), Vec::<String>::new());
    assert_eq!(router.get("/ready").await.status, 200);
    sick.recover();
    sick.until_taken(&ids).await;
}

#[tokio::test]
async fn server_errors_and_cut_connections_end_in_one_delivery_of_each_event() {
    let mut replies =
        vec![Reply::Status(503), Reply::Cut, Reply::Status(502), Reply::Status(500), Reply::Status(408)];
    let receiver = Receiver::scripted(move |_| replies.pop().unwrap_or(Reply::Status(200)));
    let router = Router::start(Config::new().webhook("hook", &receiver.url(), "")).await;
    let ids = send(&router, "u", 10).await;
    receiver.until_taken(&ids).await;
    assert_eq!(receiver.taken_ids(), ids, "each once and in order");
    let entry =
        until_destination(&router, "hook", "all are delivered", |one| one["counts"]["delivered"] == 10).await;
    assert_eq!(entry["counts"]["dead"], json!({}), "{entry}");
    assert!(receiver.requests().len() >= 6);
}

#[tokio::test]
async fn a_webhook_that_is_down_gets_everything_when_it_is_up() {
    let receiver = Receiver::scripted(|_| Reply::Cut);
    let router = Router::start(Config::new().webhook("hook", &receiver.url(), "")).await;
    let mut ids = send(&router, "u", 20).await;
    until("the breaker has seen failures", 10, async || receiver.requests().len() >= 4).await;
    ids.extend(send(&router, "v", 20).await);
    router.until_rows("tracks", &ids).await;
    receiver.recover();
    receiver.until_taken(&ids).await;
}

#[tokio::test]
async fn one_poisoned_event_is_isolated_and_ends_as_a_dead_letter() {
    let events: Vec<_> = (0..16).map(|n| track(&format!("u{n}"), n)).collect();
    let ids = ids_of(&events);
    let poison = ids[11].clone();
    let bad = poison.clone();
    let receiver = Receiver::scripted(move |request| match request.holds(&bad) {
        true => Reply::With(400, Vec::new(), "no such thing".into()),
        false => Reply::Status(200),
    });
    let router = Router::start(Config::new().webhook("hook", &receiver.url(), "")).await;
    router.post("/v1/batch", &batch(&events)).await.expect_success();
    let good: Vec<String> = ids.iter().filter(|id| **id != poison).cloned().collect();
    receiver.until_taken(&good).await;
    let is_done = |one: &serde_json::Value| one["backlog"]["events"] == 0 && one["counts"]["delivered"] != 0;
    let entry = until_destination(&router, "hook", "everything is settled", is_done).await;
    assert_eq!(entry["counts"]["dead"], json!({ "rejected": 1 }), "{entry}");
    assert_eq!(entry["counts"]["delivered"], 15, "{entry}");
    assert_eq!(receiver.taken_ids().len(), 15, "each good one once");
    // The isolation of one in n takes at most 2·log2(n) + 2 extra requests, and no retries.
    assert!(receiver.requests().len() <= 11, "{} requests", receiver.requests().len());
    let text = router.dead_letters();
    assert!(text.contains(&poison) && text.contains("no such thing") && text.contains("400"), "{text}");
    assert!(good.iter().all(|id| !text.contains(&format!("\"{id}\""))), "{text}");
    router.until_rows("tracks", &ids).await;
}

#[tokio::test]
async fn an_answer_207_refuses_the_named_events_alone() {
    let events: Vec<_> = (0..6).map(|n| track(&format!("u{n}"), n)).collect();
    let ids = ids_of(&events);
    let named = ids[4].clone();
    let bad = named.clone();
    let receiver = Receiver::scripted(move |request| {
        let place = request.ids().iter().position(|id| *id == bad);
        match place {
            Some(index) => {
                let body = json!({ "errors": [{ "index": index, "message": "too blue" }] });
                Reply::With(207, vec![("content-type".into(), "application/json".into())], body.to_string())
            }
            None => Reply::Status(200),
        }
    });
    let router = Router::start(Config::new().webhook("hook", &receiver.url(), "")).await;
    router.post("/v1/batch", &batch(&events)).await.expect_success();
    let entry = until_destination(&router, "hook", "all are settled", |one| {
        one["counts"]["delivered"] == 5 && one["counts"]["dead"] == json!({ "rejected": 1 })
    })
    .await;
    assert_eq!(entry["state"], "flowing", "{entry}");
    assert!(
        receiver.requests().iter().flat_map(super::super::support::Received::ids).count() == 6,
        "no resend"
    );
}
