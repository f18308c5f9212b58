//! `/collect/*` and its picture, on the wire.

use base64::Engine;

use super::{Plan, TestDoor};
use crate::config::settings::EventRate;
use crate::spec::collect::Leaf;

async fn pixel(door: &TestDoor, query: &[(&str, &str)]) -> super::Answer {
    door.send(door.client.get(door.url("/collect/pixel.gif")).query(query)).await
}

#[actix::test]
async fn every_path_takes_a_flat_body_of_any_type_and_answers_like_segments_paths() {
    let door = Plan::new().open();
    for leaf in Leaf::names().filter(|leaf| *leaf != "batch") {
        let body = r#"{"anonymousId":"a","userId":"u","event":"e","groupId":"g","previousId":"p","n":1}"#;
        for path in [format!("/collect/{leaf}"), format!("/collect/{leaf}/")] {
            let answer = door.post_with(&path, body, &[("content-type", "text/plain")]).await;
            assert_eq!((answer.status, answer.body.as_str()), (200, r#"{"success":true}"#), "{path}");
        }
    }
    let answer = door.post("/collect/batch", r#"[{"type":"page","userId":"u"},{"type":"page"}]"#).await;
    assert_eq!((answer.status, &answer.json()["accepted"]), (200, &1.into()));
    assert_eq!(answer.json()["rejected"][0]["code"], "missing_identity");
    assert_eq!(door.seen(|seen| seen.ids.len()), 45);
}

#[actix::test]
async fn what_is_wrong_is_told_as_on_segments_paths() {
    let door = Plan::new().with_source("web", "wk", &[]).open();
    assert_eq!(door.post("/collect/nothing", "{}").await.error(404), "not_found");
    assert_eq!(door.post("/collect", "{}").await.error(404), "not_found");
    assert_eq!(door.post("/collect/ecommerce/", "{}").await.error(404), "not_found");
    assert_eq!(door.get("/collect/page").await.error(405), "method_not_allowed");
    assert_eq!(door.get("/collect/nothing").await.error(404), "not_found");
    assert_eq!(door.post("/collect/pixel.gif", "{}").await.error(405), "method_not_allowed");
    assert_eq!(door.post("/collect/page", r#"{"userId":"u"}"#).await.error(401), "unauthorized");
    assert_eq!(door.post("/collect/page", "{").await.error(400), "invalid_json");
    let answer = door.post("/collect/page", r#"{"writeKey":"wk","title":"T"}"#).await;
    assert_eq!(answer.error(400), "missing_identity");
    assert_eq!(answer.json()["error"], "Invalid payload");
}

#[actix::test]
async fn a_page_of_another_origin_may_collect_and_its_address_is_kept() {
    let door = Plan::new().open();
    let origin = [("origin", "https://shop.example")];
    let answer = door.post_with("/collect/page", r#"{"anonymousId":"a"}"#, &origin).await;
    assert_eq!(answer.header("access-control-allow-origin"), "https://shop.example");
    assert_eq!(answer.header("access-control-allow-credentials"), "true");
    door.post("/collect/page", r#"{"anonymousId":"a"}"#).await;
    assert_eq!(door.seen(|seen| seen.with_ip.clone()), [true, true]);
}

#[actix::test]
async fn a_picture_is_always_answered_and_what_it_cannot_say_is_kept() {
    let door = Plan::new().with_source("web", "wk", &[]).open();
    let call = r#"{"userId":"u","event":"Mail Opened","n":42.00}"#;
    let data = base64::engine::general_purpose::STANDARD.encode(call);
    let wrong = [("data", "%%%"), ("writeKey", "wk")];
    for query in [&[("data", data.as_str()), ("writeKey", "wk")][..], &wrong, &[("data", call)], &[]] {
        let answer = pixel(&door, query).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, "image/gif"), "{query:?}");
        assert_eq!((answer.header("content-length"), answer.header("cache-control")), ("43", "no-store"));
    }
    assert!(door.last_event().to_string().contains("Mail Opened"));
    assert_eq!(door.seen(|seen| (seen.ids.len(), seen.rejected.clone())), (1, vec![0, 1]));
    let head = door.client.head(door.url("/collect/pixel.gif")).query(&[("data", call), ("writeKey", "wk")]);
    assert_eq!(door.send(head).await.status, 200);
    assert_eq!(door.seen(|seen| seen.ids.len()), 1, "who asks for the head has opened nothing");
    let response = door.client.get(door.url("/collect/pixel.gif")).send().await.unwrap();
    #[expect(clippy::disallowed_methods, reason = "the router under test is trusted to end its answers")]
    let bytes = response.bytes().await.unwrap();
    assert!(bytes.starts_with(b"GIF89a\x01\x00\x01\x00") && bytes.ends_with(b";") && bytes.len() == 43);
}

#[actix::test]
async fn a_renamed_path_is_a_second_one() {
    let mut plan = Plan::new();
    plan.settings.tracker.collect_path = "/c".to_owned();
    let door = plan.open();
    for path in ["/c/page", "/c/page/", "/collect/page"] {
        assert_eq!(door.post(path, r#"{"anonymousId":"a"}"#).await.status, 200, "{path}");
    }
    for path in ["/c", "/cc/page", "/c/nothing", "/cpage"] {
        assert_eq!(door.post(path, "{}").await.error(404), "not_found", "{path}");
    }
}

#[actix::test]
async fn pages_are_limited_by_address_also_without_an_origin_and_servers_are_not() {
    let mut plan = Plan::new();
    plan.settings.limits.per_ip = EventRate { events_per_second: 1, burst: 2 };
    plan.settings.server.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
    let door = plan.open();
    let from = [("x-forwarded-for", "203.0.113.9")];
    let collect = || door.post_with("/collect/page", r#"{"anonymousId":"a"}"#, &from);
    let first = collect().await;
    let left = (
        first.header("ratelimit-limit"),
        first.header("ratelimit-remaining"),
        first.header("ratelimit-reset"),
    );
    assert_eq!((first.status, left), (200, ("2", "1", "1")));
    assert_eq!(collect().await.status, 200);
    let refused = collect().await;
    assert_eq!(refused.error(429), "rate_limited");
    assert_eq!((refused.header("retry-after"), refused.header("ratelimit-remaining")), ("1", "0"));
    assert_eq!((refused.header("ratelimit-limit"), refused.header("ratelimit-reset")), ("2", "1"));
    for _ in 0..5 {
        let server = door.post_with("/v1/page", r#"{"anonymousId":"a"}"#, &from).await;
        assert_eq!((server.status, server.header("ratelimit-limit")), (200, ""));
    }
}
