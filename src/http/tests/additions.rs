//! What the door adds, from the headers of a real request to the event that the journal is given.

use serde_json::json;

use super::{Plan, TestDoor};
use crate::spec::additions::Bots;

const IPHONE: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 \
                      Mobile/15E148 Safari/604.1";
const ANDROID: &str = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Mobile Safari/537.36";
const GOOGLEBOT: &str = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)";
const ORIGIN: (&str, &str) = ("origin", "https://shop.example");
const CALL: &str = r#"{"userId":"u","event":"E","properties":{"total":42.00}}"#;

/// The context that the journal is given.
async fn context(door: &TestDoor, headers: &[(&str, &str)], body: &str) -> serde_json::Value {
    let answer = door.post_with("/v1/track", body.to_owned(), headers).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    door.last_event()["context"].clone()
}

#[actix::test]
async fn a_browser_is_known_by_its_headers_and_a_server_is_not() {
    let door = Plan::new().open();
    let hints =
        [ORIGIN, ("user-agent", ANDROID), ("sec-ch-ua-model", "\"Pixel 7\""), ("sec-ch-ua-mobile", "?1")];
    let found = context(&door, &hints, CALL).await;
    assert_eq!(
        found["device"],
        json!({"type": "mobile", "brand": "Google", "model": "Pixel 7", "family": "Pixel 7"})
    );
    assert_eq!((&found["bot"], &found["geo"]["country"]), (&json!(false), &json!("ZZ")));
    let server = context(&door, &[("user-agent", IPHONE)], CALL).await;
    assert!(server.get("device").is_none() && server.get("geo").is_none(), "{server}");
}

#[actix::test]
async fn what_is_added_leaves_the_numbers_of_the_client_alone() {
    let door = Plan::new().open();
    context(&door, &[ORIGIN, ("user-agent", IPHONE)], CALL).await;
    let text = door.seen(|seen| seen.texts.last().unwrap().clone());
    assert!(text.contains(r#""properties":{"total":42.00}"#), "{text}");
}

#[actix::test]
async fn a_country_is_taken_from_a_trusted_proxy_alone() {
    let headers = [ORIGIN, ("user-agent", IPHONE), ("cf-ipcountry", "FR")];
    let stranger = Plan::new().open();
    assert_eq!(context(&stranger, &headers, CALL).await["geo"]["country"], "ZZ");
    let mut plan = Plan::new();
    plan.settings.server.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    assert_eq!(context(&plan.open(), &headers, CALL).await["geo"]["country"], "FR");
}

#[actix::test]
async fn a_bot_that_is_not_wanted_is_answered_and_counted_and_not_kept() {
    let mut plan = Plan::new();
    plan.settings.additions.bots = Bots::Drop;
    let door = plan.open();
    let crawl = [ORIGIN, ("user-agent", GOOGLEBOT)];
    assert_eq!(door.post_with("/v1/track", CALL, &crawl).await.status, 200);
    let batch = door
        .post_with("/v1/batch", r#"{"batch":[{"type":"page","userId":"u"},{"type":"page"}]}"#, &crawl)
        .await;
    let answer = batch.json();
    assert_eq!(
        (batch.status, &answer["accepted"], answer["rejected"].as_array().unwrap().len()),
        (200, &json!(0), 1)
    );
    assert_eq!(door.seen(|seen| seen.ids.len()), 0);
    let metrics = door.get("/metrics").await.body;
    assert!(metrics.contains("opentrack_events_unwanted_total{reason=\"bot\"} 2"), "{metrics}");
}

#[actix::test]
async fn places_are_known_by_a_file() {
    let mut plan = Plan::new();
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/enrich/geo/city.mmdb");
    plan.settings.additions.geo_database = Some(path);
    plan.settings.server.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    let door = plan.open();
    let headers = [ORIGIN, ("user-agent", IPHONE), ("x-forwarded-for", "203.0.113.9")];
    let munich = json!({"country": "DE", "region": "BY", "city": "Munich", "timezone": "Europe/Berlin"});
    assert_eq!(context(&door, &headers, CALL).await["geo"], munich);
}

#[actix::test]
async fn a_batch_of_many_unknown_browsers_is_known_all_the_same() {
    let door = Plan::new().open();
    let agent = |number: usize| IPHONE.replace("605.1.15", &format!("605.1.{number}"));
    let call = |number| json!({"type": "page", "userId": "u", "context": {"userAgent": agent(number)}});
    let batch = json!({"batch": (0..60).map(call).collect::<Vec<_>>()});
    let answer = door.post("/v1/batch", batch.to_string()).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let texts = door.seen(|seen| seen.texts.clone());
    let known = texts.iter().filter(|text| text.contains(r#""family":"iPhone"#)).count();
    assert_eq!((texts.len(), known), (60, 60));
}
