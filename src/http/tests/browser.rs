//! Pages on other origins: preflights, headers on every answer, and whose address is kept.

use super::{Answer, Plan, TestDoor, track};

const SHOP: &str = "https://shop.example";

async fn preflight(door: &TestDoor, path: &str, origin: &str) -> Answer {
    let request = door.client.request(reqwest::Method::OPTIONS, door.url(path));
    let request = request.header("origin", origin).header("access-control-request-method", "POST");
    door.send(request.header("access-control-request-headers", "authorization,content-type,x-custom")).await
}

#[actix::test]
async fn every_ingest_path_answers_its_preflight() {
    let door = Plan::new().with_source("web", "wk", &[]).open();
    for path in ["/v1/t", "/v1/i", "/v1/p", "/v1/b", "/v1/m", "/v1/batch/", "/v1/track", "/no/such/path"] {
        let answer = preflight(&door, path, SHOP).await;
        assert_eq!(answer.status, 204, "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), SHOP);
        assert_eq!(answer.header("access-control-allow-credentials"), "true");
        assert_eq!(answer.header("access-control-max-age"), "7200");
        assert!(answer.header("access-control-allow-methods").contains("POST"));
        let allowed = answer.header("access-control-allow-headers");
        assert_eq!(allowed, "authorization, content-type, x-retry-count, x-custom");
        assert_eq!(answer.header("vary").to_lowercase(), "origin");
    }
}

#[actix::test]
async fn errors_carry_the_headers_too() {
    let door = Plan::new().with_source("web", "wk", &[]).open();
    let origin = [("origin", SHOP)];
    let answers = [
        door.post_with("/v1/t", track("m"), &origin).await,
        door.post_with("/v1/t", "{", &origin).await,
        door.post_with("/v1/nothing", "{", &origin).await,
        door.send(door.client.get(door.url("/v1/t")).header("origin", SHOP)).await,
    ];
    for (answer, status) in answers.iter().zip([401, 400, 404, 405]) {
        answer.error(status);
        assert_eq!(answer.header("access-control-allow-origin"), SHOP);
        assert_eq!(answer.header("access-control-expose-headers"), "Retry-After");
    }
}

#[actix::test]
async fn an_origin_that_is_not_listed_is_not_echoed_and_refused_when_enforced() {
    let door = Plan::new().with_source("web", "wk", &[SHOP]).open();
    let call = r#"{"writeKey":"wk","userId":"u","event":"e"}"#;
    let listed = door.post_with("/v1/t", call, &[("origin", SHOP)]).await;
    assert_eq!((listed.status, listed.header("access-control-allow-origin")), (200, SHOP));
    let foreign = door.post_with("/v1/t", call, &[("origin", "https://evil.example")]).await;
    assert_eq!(foreign.error(403), "forbidden");
    assert_eq!(foreign.header("access-control-allow-origin"), "");
    assert_eq!(door.post("/v1/t", call).await.status, 200, "a server sends no origin");
    let answer = preflight(&door, "/v1/t", "https://evil.example").await;
    assert_eq!(answer.header("access-control-allow-origin"), "");
}

#[actix::test]
async fn the_address_is_kept_for_browsers_alone() {
    let door = Plan::new().open();
    let chrome = ("user-agent", "Mozilla/5.0");
    door.post_with("/v1/t", track("1"), &[("origin", SHOP)]).await;
    door.post_with("/v1/t", track("2"), &[("content-type", "text/plain"), chrome]).await;
    door.post_with("/v1/track", track("3"), &[("content-type", "application/json")]).await;
    assert_eq!(door.seen(|seen| seen.with_ip.clone()), [true, true, false]);
}

#[actix::test]
async fn pages_on_other_origins_cannot_read_the_operator_api() {
    let door = Plan::new().open();
    for path in ["/api/destinations", "/metrics", "/ready", "/api/nothing"] {
        let answer = door.send(door.client.get(door.url(path)).header("origin", SHOP)).await;
        assert_eq!(answer.header("access-control-allow-origin"), "", "{path}");
        assert_eq!(preflight(&door, path, SHOP).await.header("access-control-allow-origin"), "", "{path}");
    }
}
