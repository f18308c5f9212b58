//! Consent: whom the `consent` of a destination lets through, by what events state and browsers signal.

use serde_json::{Value, json};

use super::until_destination;
use crate::support::{Config, Receiver, Router, batch, ids_of, track};

/// A track call that states this about categories.
fn stating(preferences: &Value) -> Value {
    let mut event = track("u", 1);
    event["context"] = json!({ "consent": { "categoryPreferences": preferences } });
    event
}

/// Waits until so many events were kept from the destination for want of consent.
async fn until_skipped(router: &Router, name: &str, count: u64) {
    until_destination(router, name, "the others are skipped", |one| {
        one["counts"]["skipped"] == json!({ "consent": count })
    })
    .await;
}

#[tokio::test]
async fn an_event_goes_only_where_its_user_allows_every_category() {
    let (ads, both, all) = (Receiver::start(), Receiver::start(), Receiver::start());
    let config = Config::new()
        .webhook("ads", &ads.url(), "consent = [\"advertising\"]")
        .webhook("both", &both.url(), "consent = [\"advertising\", \"analytics\"]")
        .webhook("all", &all.url(), "");
    let router = Router::start(config).await;
    let events = [
        track("u", 1),
        stating(&json!({ "advertising": true })),
        stating(&json!({ "advertising": false, "analytics": true })),
        stating(&json!({ "advertising": true, "analytics": false })),
        stating(&json!({ "analytics": true })),
    ];
    router.post("/v1/batch", &batch(&events)).await.expect_success();
    let ids = ids_of(&events);
    let chosen = |indexes: &[usize]| indexes.iter().map(|index| ids[*index].clone()).collect::<Vec<_>>();
    all.until_taken(&ids).await;
    ads.until_taken(&chosen(&[0, 1, 3, 4])).await;
    both.until_taken(&chosen(&[0, 1, 4])).await;
    until_skipped(&router, "ads", 1).await;
    until_skipped(&router, "both", 2).await;
    assert_eq!((ads.taken_ids(), both.taken_ids()), (chosen(&[0, 1, 3, 4]), chosen(&[0, 1, 4])));
    let journey = router.get(&format!("/api/events/{}", ids[2])).await.json();
    let fate = &journey["destinations"]["ads"];
    assert_eq!((&fate["fate"], &fate["reason"]), (&json!("skipped"), &json!("consent")), "{journey}");
}

#[tokio::test]
async fn with_opt_in_silence_keeps_an_event_from_a_webhook_and_from_the_warehouse() {
    let receiver = Receiver::start();
    let config = Config::new()
        .table("consent = [\"analytics\"]")
        .webhook("hook", &receiver.url(), "consent = [\"analytics\"]")
        .table("[consent]\nmode = \"opt-in\"");
    let router = Router::start(config).await;
    let events = [track("u", 1), stating(&json!({ "analytics": true })), stating(&json!({ "other": true }))];
    router.post("/v1/batch", &batch(&events)).await.expect_success();
    let allowed = ids_of(&events[1..2]);
    receiver.until_taken(&allowed).await;
    router.until_rows("tracks", &allowed).await;
    until_skipped(&router, "hook", 2).await;
    until_skipped(&router, "warehouse", 2).await;
    assert_eq!((receiver.taken_ids(), router.db().ids("tracks")), (allowed.clone(), allowed));
}

/// Sends an event as a browser with these headers does.
async fn browse(router: &Router, event: &Value, headers: &[(&str, &str)]) {
    let mut request = router.request("POST", "/v1/track").header("origin", "https://shop.example");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = request.body(event.to_string()).send().await.expect("the router answers");
    assert_eq!(answer.status(), 200);
}

#[tokio::test]
async fn a_browser_with_gpc_refuses_advertising_also_in_a_replay_after_a_kill() {
    let (ads, stats) = (Receiver::start(), Receiver::start());
    let config = Config::new().webhook("ads", &ads.url(), "consent = [\"advertising\"]").webhook(
        "stats",
        &stats.url(),
        "consent = [\"analytics\"]",
    );
    let mut router = Router::start(config).await;
    let refusing = stating(&json!({ "advertising": true }));
    let silent = track("u", 2);
    browse(&router, &refusing, &[("sec-gpc", "1")]).await;
    browse(&router, &silent, &[("dnt", "1")]).await;
    let both = ids_of(&[refusing, silent]);
    stats.until_taken(&both).await;
    ads.until_taken(&both[1..]).await;
    until_skipped(&router, "ads", 1).await;
    router.kill9();
    router.start_again().await;
    let replay = router.run(&["replay", "--to", "ads"]);
    assert_eq!(replay.status.code(), Some(0), "{replay:?}");
    crate::support::until("the other one has come again", 20, async || ads.taken_ids().len() == 2).await;
    assert!(ads.taken_ids().iter().all(|id| *id == both[1]), "{:?}", ads.taken_ids());
}

#[tokio::test]
async fn a_changed_mode_of_consent_applies_without_a_restart() {
    let receiver = Receiver::start();
    let config = |mode: &str| {
        Config::new()
            .webhook("hook", &receiver.url(), "consent = [\"analytics\"]")
            .table(&format!("[consent]\nmode = \"{mode}\""))
    };
    let mut router = Router::start(config("opt-in")).await;
    let (before, after) = (track("u", 1), track("u", 2));
    router.post("/v1/batch", &batch(&[before])).await.expect_success();
    until_skipped(&router, "hook", 1).await;
    router.reconfigure(config("opt-out")).await;
    router.post("/v1/batch", &batch(std::slice::from_ref(&after))).await.expect_success();
    receiver.until_taken(&ids_of(std::slice::from_ref(&after))).await;
    assert_eq!(receiver.taken_ids(), ids_of(&[after]));
}
