//! What arrives there, and what does not and why.

use serde_json::{Value, json};

use super::scene::{Graph, Scene, TOKEN, lead, leads};
use crate::support::{Router, fresh_id, until};

/// SHA-256 of ann@example.com.
const ANN: &str = "71d4f55f72fa128dfb468a1a3901507c804b74316488744d769d7f4b16696476";

fn browser(kind: &str, event: &str, properties: &Value) -> Value {
    json!({
        "type": kind, "event": event, "name": "Home", "anonymousId": "anon-1", "messageId": fresh_id("m"), "properties": properties,
        "context": {
            "library": { "name": "analytics.js", "version": "1" }, "userAgent": "Mozilla/5.0", "ip": "203.0.113.9",
            "page": { "url": "https://shop.example/thanks?fbclid=IwAR1" }, "traits": { "email": " Ann@Example.com" },
        },
    })
}

fn order() -> Value {
    let products = json!([{ "product_id": "p", "price": 12.5, "quantity": 2 }]);
    browser(
        "track",
        "Order Completed",
        &json!({ "order_id": "o-1", "revenue": 25, "currency": "EUR", "products": products }),
    )
}

#[tokio::test]
async fn a_page_and_an_order_arrive_with_whom_and_what_they_are_about() {
    let scene = Scene::start("").await;
    let sent = [browser("page", "", &json!({})), order(), lead(7)];
    let ids = scene.send(&sent).await;
    scene.until_delivered(3).await;
    assert_eq!(scene.graph.ids().await, ids);
    let events = scene.graph.events().await;
    let named = |name: &str| events.iter().find(|event| event["event_name"] == name).expect("it has arrived");
    let (page, purchase) = (named("PageView"), named("Purchase"));
    assert_eq!((&page["action_source"], &page["user_data"]["em"]), (&json!("website"), &json!([ANN])));
    assert_eq!(purchase["event_id"], sent[1]["messageId"]);
    assert_eq!(purchase["user_data"]["client_ip_address"], "203.0.113.9", "whole, whatever others see");
    assert!(purchase["user_data"]["fbc"].as_str().unwrap().ends_with(".IwAR1"), "{purchase}");
    let data = json!({
        "currency": "EUR", "value": 25, "content_type": "product", "content_ids": ["p"],
        "contents": [{ "id": "p", "quantity": 2, "item_price": 12.5 }], "num_items": 2, "order_id": "o-1",
    });
    assert_eq!(purchase["custom_data"], data);
    let all = serde_json::to_string(&events).unwrap();
    assert!(!all.to_lowercase().contains("ann@example.com"), "no address as it is: {all}");
    assert!(!scene.router.log().contains(TOKEN));
}

#[tokio::test]
async fn what_has_no_place_there_is_skipped_or_a_dead_letter_that_says_why() {
    let scene = Scene::start("").await;
    let bare = |text: Value| {
        let mut call = json!({ "userId": "u", "messageId": fresh_id("m") });
        call.as_object_mut().unwrap().extend(text.as_object().unwrap().clone());
        call
    };
    let week_ago = "2020-01-01T00:00:00Z";
    let events = [
        bare(json!({ "type": "identify", "traits": { "email": "a@x.y" } })),
        bare(json!({ "type": "track", "event": "Song Played" })),
        bare(json!({ "type": "track", "event": "Lead Generated", "timestamp": week_ago })),
        bare(json!({ "type": "track", "event": "Order Completed", "properties": { "revenue": 5 } })),
        bare(
            json!({ "type": "track", "event": "Lead Generated", "properties": { "action_source": "website" } }),
        ),
        lead(1),
    ];
    scene.send(&events).await;
    let entry = scene.until_delivered(1).await;
    assert_eq!(entry["counts"]["skipped"], json!({ "unsupported": 2, "too_old": 1 }), "{entry}");
    assert_eq!(entry["counts"]["dead"], json!({ "unmappable": 2 }), "{entry}");
    let dead = scene.dead();
    let answer = |index: usize| {
        let letter = dead.iter().find(|letter| letter["message_id"] == events[index]["messageId"]);
        letter.unwrap_or_else(|| panic!("no letter of {index} in {dead:?}"))["answer"].to_string()
    };
    assert!(answer(3).contains("properties.currency"), "{}", answer(3));
    assert!(answer(4).contains("context.page.url"), "{}", answer(4));
    assert_eq!(scene.graph.seen().await["requests"], 1, "nothing of that was sent");
}

#[tokio::test]
async fn consent_and_privacy_decide_whom_meta_hears_of_and_what() {
    let consent = |allowed: Value| json!({ "categoryPreferences": { "advertising": allowed } });
    let with_consent = |event: &mut Value, allowed: Value| event["context"]["consent"] = consent(allowed);
    let mut events = [order(), order(), order()];
    with_consent(&mut events[0], json!(true));
    with_consent(&mut events[1], json!(false));
    for (extra, arrived, limited) in [
        ("consent = [\"advertising\"]\n", vec![0, 2], vec![]),
        ("", vec![0, 1, 2], vec![1]),
        ("limited_data_use = \"always\"\n", vec![0, 1, 2], vec![0, 1, 2]),
    ] {
        let scene = Scene::start(&format!(
            "{extra}privacy = {{ \"/context/ip\" = \"truncate\", \"/context/traits\" = \"drop\" }}"
        ))
        .await;
        scene.send(&events).await;
        scene.until_delivered(arrived.len() as u64).await;
        let taken = scene.graph.events().await;
        let index =
            |event: &Value| events.iter().position(|sent| sent["messageId"] == event["event_id"]).unwrap();
        let mut found: Vec<usize> = taken.iter().map(index).collect();
        found.sort_unstable();
        assert_eq!(found, arrived, "{extra}");
        let is_limited = |event: &&Value| event["data_processing_options"] == json!(["LDU"]);
        let mut found: Vec<usize> = taken.iter().filter(is_limited).map(index).collect();
        found.sort_unstable();
        assert_eq!(found, limited, "{extra}");
        for event in &taken {
            assert_eq!(
                event["user_data"]["client_ip_address"],
                Value::Null,
                "a network is nobody's address: {event}"
            );
            assert_eq!(event["user_data"]["em"], Value::Null, "{event}");
        }
    }
}

#[tokio::test]
async fn a_thousand_events_are_one_request_and_a_replay_has_the_same_ids() {
    let scene = Scene::start("batch = { max_events = 1000, max_delay = \"5s\" }").await;
    let ids = scene.send(&leads(1_000)).await;
    scene.until_delivered(1_000).await;
    assert_eq!(scene.graph.ids().await, ids);
    assert_eq!(scene.graph.seen().await["requests"], 1);
    let replayed = scene.router.run(&["replay", "--to", "meta", "--from", "2000-01-01T00:00:00Z"]);
    assert!(replayed.status.success(), "{replayed:?}");
    until("all were taken again", 25, async || scene.graph.seen().await["repeated"] == 1_000).await;
    assert_eq!(scene.graph.seen().await["taken"], 1_000, "and nothing else");
}

#[tokio::test]
async fn everything_arrives_once_it_is_up_again_also_after_a_kill() {
    let graph = Graph::start();
    graph.behave(json!({ "mode": 503 })).await;
    let router = Router::start(graph.config("")).await;
    let mut scene = Scene { graph, router };
    let ids = scene.send(&leads(50)).await;
    scene.until("it was tried", |one| one["last_error"]["status"] == 503).await;
    scene.router.kill9();
    scene.graph.behave(json!({ "mode": "ok" })).await;
    scene.router.start_again().await;
    scene.until_delivered(50).await;
    assert_eq!(scene.graph.ids().await, ids);
}
