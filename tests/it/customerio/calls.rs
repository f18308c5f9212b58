//! What the six calls of a real SDK, and Segment's semantic events, are at Customer.io in the end.

use serde_json::{Value, json};

use super::stand_in::{StandIn, send, until_delivered};
use crate::sdk;
use crate::support::fresh_id;

/// The events, each without what differs from run to run.
fn events(world: &Value) -> Vec<Value> {
    let steady = |event: &Value| {
        let mut event = event.clone();
        let id = event.as_object_mut().unwrap().remove("id").unwrap();
        assert_eq!(id.as_str().map(str::len), Some(26), "a ULID: {id}");
        event
    };
    world["events"].as_array().unwrap().iter().map(steady).collect()
}

#[tokio::test]
async fn the_six_calls_of_a_real_sdk_are_people_events_and_objects() {
    let stand_in = StandIn::start(&[]);
    let router = stand_in.router("").await;
    if !sdk::makes_its_calls(sdk::SEGMENT_NODE, &router).await {
        return;
    }
    until_delivered(&router, 6).await;
    let world = stand_in.world().await;
    expect_person(&world);
    expect_events(&world);
    let acme = json!({
        "attributes": { "company": "Müller & Söhne", "employees": 12, "mrr": 99.5 },
        "relationships": { "id:user-1": {} },
    });
    assert_eq!(world["objects"], json!({ "1:group-1": acme }));
    let log = world["log"].as_array().unwrap().iter().filter_map(Value::as_str);
    let of_user: Vec<&str> = log.filter(|line| line.contains("user-1")).collect();
    let last = of_user.last().unwrap();
    assert!(of_user[0].ends_with("identify") && last.starts_with("id:user-2 merge"), "{of_user:?}");
}

/// user-1, who was merged into user-2.
fn expect_person(world: &Value) {
    assert_eq!(world["people"].as_object().unwrap().len(), 1, "{world}");
    let person = &world["people"]["id:user-2"]["attributes"];
    assert_eq!(person["email"], "grüße+東京@example.com");
    assert_eq!(person["fullName"], "Zoë 🚀 Ångström");
    assert_eq!(
        (&person["created_at"], &person["_timestamp"]),
        (&json!(1_709_251_199), &json!(1_767_323_045))
    );
    assert_eq!(person["address"]["geo"], json!({ "lat": 50.9375, "inside": false }));
    assert!(person.get("nothing").is_none() && person.get("createdAt").is_none(), "{person}");
}

fn expect_events(world: &Value) {
    let [track, page, screen] = events(world).try_into().unwrap();
    assert_eq!((&track["person"], &track["name"]), (&json!("id:user-1"), &json!("Order Completed")));
    assert_eq!(track["timestamp"], 1_767_323_045);
    let properties = &track["attributes"];
    assert_eq!(properties["placedAt"], 1_767_323_045);
    assert_eq!(properties["big"], 9_007_199_254_740_991_u64);
    assert_eq!(properties["products"][1], json!({ "sku": "s-2", "price": 10.49 }));
    assert_eq!(page["action"], "page");
    assert_eq!(page["name"], "https://shop.example/cart?a=1&b=ü");
    let start = json!({
        "person": "anonymous_id:anon-2", "action": "screen", "name": "Start", "timestamp": 1_767_323_045,
        "attributes": { "dark": true },
    });
    let mut screen = screen;
    screen["attributes"].as_object_mut().unwrap().retain(|name, _| name == "dark");
    assert_eq!(screen, start);
}

fn call(name: &str, properties: Value) -> Value {
    json!({
        "type": "track", "event": name, "userId": "u-1", "messageId": fresh_id("m"), "properties": properties,
        "context": { "device": { "token": "t-1", "type": "ios" }, "groupId": "acme" },
    })
}

#[tokio::test]
async fn semantic_events_do_what_their_names_say() {
    let stand_in = StandIn::start(&[]);
    let router = stand_in.router("").await;
    let identify = |user: &str| json!({ "type": "identify", "userId": user, "messageId": fresh_id("m") });
    let group = json!({ "type": "group", "groupId": "acme", "userId": "u-1", "messageId": fresh_id("m") });
    let mut gone = call("User Deleted", json!({}));
    gone["userId"] = "u-2".into();
    let report = call("Report Delivery Event", json!({ "deliveryId": "d-1", "metric": "opened" }));
    let calls = [
        identify("u-1"),
        identify("u-2"),
        group,
        call("Application Opened", json!({})),
        call("User Suppressed", json!({})),
        call("Relationship Deleted", json!({})),
        report,
        gone,
    ];
    send(&router, &calls).await;
    until_delivered(&router, calls.len()).await;
    let world = stand_in.world().await;
    assert_eq!(world["people"].as_object().unwrap().keys().collect::<Vec<_>>(), ["id:u-1"]);
    let person = &world["people"]["id:u-1"];
    assert_eq!((&person["suppressed"], &person["devices"]["t-1"]["platform"]), (&json!(true), &json!("ios")));
    assert_eq!(world["objects"]["1:acme"]["relationships"], json!({}));
    assert_eq!(world["reports"][0]["delivery_id"], "d-1");
    let names: Vec<_> = events(&world).iter().map(|event| event["name"].clone()).collect();
    assert_eq!(names, ["Application Opened"], "the others are no events");
}

#[tokio::test]
async fn what_is_too_long_is_cut_counted_and_taken() {
    let stand_in = StandIn::start(&[]);
    let router = stand_in.router("").await;
    let mut traits: serde_json::Map<String, Value> = (0..320).map(|n| (format!("a{n}"), json!(n))).collect();
    traits.insert("bio".to_owned(), "é".repeat(2000).into());
    let person = json!({ "type": "identify", "userId": "u-1", "messageId": fresh_id("m"), "traits": traits });
    send(&router, &[person]).await;
    until_delivered(&router, 1).await;
    let world = stand_in.world().await;
    let attributes = world["people"]["id:u-1"]["attributes"].as_object().unwrap();
    assert_eq!((attributes.len(), &attributes["bio"]), (322, &json!("é".repeat(500))));
    let page = router.get("/metrics").await.text;
    assert!(page.contains("opentrack_truncated_values_total{destination=\"crm\"} 1"), "{page}");
}
