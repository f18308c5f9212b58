//! Keys and origins: who may send, and what a browser is told.

use serde_json::json;

use crate::support::{Answer, Config, Router, basic, fresh_id, track};

fn with_source() -> Config {
    Config::new().table("[sources.web]\nwrite_keys = [\"right\", \"second\"]")
}

#[tokio::test]
async fn without_sources_any_key_or_none_is_accepted() {
    let router = Router::start(Config::new()).await;
    let body = track("u", 1).to_string();
    for header in [None, Some(basic("anything:")), Some(basic("anything"))] {
        let mut request = router.request("POST", "/v1/track").body(body.clone());
        if let Some(header) = header {
            request = request.header("authorization", header);
        }
        assert_eq!(request.send().await.unwrap().status(), 200);
    }
}

#[tokio::test]
async fn with_a_source_only_its_keys_are_accepted_from_header_or_body() {
    let router = Router::start(with_source()).await;
    let cases = [
        (Some(basic("right:")), None, 200),
        (Some(basic("right")), None, 200),
        (Some(basic("second:")), None, 200),
        (Some(basic("wrong:")), None, 401),
        (Some(basic(":right")), None, 401),
        (Some("Basic !!!".to_owned()), None, 401),
        (None, None, 401),
        (None, Some("right"), 200),
        (None, Some("wrong"), 401),
        (Some("Bearer token".to_owned()), Some("right"), 200),
    ];
    for (header, key, status) in cases {
        for path in ["/v1/track", "/v1/batch"] {
            let answer = send(&router, path, header.as_deref(), key).await;
            match status {
                200 => answer.expect_success(),
                _ => answer.expect_error(status, "unauthorized"),
            }
        }
    }
}

/// Sends an event with this `Authorization` and this `writeKey` in the body.
async fn send(router: &Router, path: &str, header: Option<&str>, key: Option<&str>) -> Answer {
    let event = track("u", 1);
    let mut body = if path == "/v1/batch" { json!({ "batch": [event] }) } else { event };
    if let Some(key) = key {
        body["writeKey"] = json!(key);
    }
    let mut request = router.request("POST", path).body(body.to_string());
    if let Some(header) = header {
        request = request.header("authorization", header);
    }
    Answer::read(request.send().await.unwrap()).await
}

#[tokio::test]
async fn a_refused_key_stores_nothing() {
    let router = Router::start(with_source()).await;
    router.post("/v1/track", &track("u", 1)).await.expect_error(401, "unauthorized");
    let good = track("u", 2);
    let id = fresh_id("good");
    let mut body = good.clone();
    body["messageId"] = json!(id);
    body["writeKey"] = json!("right");
    let request = router.request("POST", "/v1/track").body(body.to_string());
    assert_eq!(request.send().await.unwrap().status(), 200);
    router.until_rows("tracks", std::slice::from_ref(&id)).await;
    assert_eq!(router.db().ids("tracks"), [id]);
}

async fn preflight(router: &Router, path: &str, origin: &str) -> Answer {
    let request = router
        .request("OPTIONS", path)
        .header("origin", origin)
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "authorization,content-type,x-retry-count");
    Answer::read(request.send().await.unwrap()).await
}

#[tokio::test]
async fn a_preflight_names_what_browsers_send() {
    let router = Router::start(Config::new()).await;
    for path in ["/v1/track", "/v1/t", "/v1/batch", "/v1/b", "/v1/i"] {
        let answer = preflight(&router, path, "https://shop.example").await;
        assert!([200, 204].contains(&answer.status), "{path}: {answer:?}");
        assert_eq!(answer.header("access-control-allow-origin"), "https://shop.example");
        let allowed = answer.header("access-control-allow-headers").to_ascii_lowercase();
        for name in ["authorization", "content-type", "x-retry-count"] {
            assert!(allowed.split(',').any(|one| one.trim() == name), "{path}: {allowed}");
        }
        assert!(answer.header("access-control-allow-methods").contains("POST"), "{answer:?}");
        let age: u64 = answer.header("access-control-max-age").parse().unwrap_or_default();
        assert!(age >= 600, "{answer:?}");
    }
}

#[tokio::test]
async fn answers_and_errors_carry_cors_headers() {
    let router = Router::start(Config::new()).await;
    for (body, status) in [(track("u", 1).to_string(), 200), ("{".to_owned(), 400)] {
        let request = router.request("POST", "/v1/t").header("origin", "https://shop.example").body(body);
        let answer = Answer::read(request.send().await.unwrap()).await;
        assert_eq!(answer.status, status, "{answer:?}");
        assert_eq!(answer.header("access-control-allow-origin"), "https://shop.example", "{answer:?}");
        let exposed = answer.header("access-control-expose-headers").to_ascii_lowercase();
        assert!(exposed.contains("retry-after"), "{answer:?}");
    }
}

#[tokio::test]
async fn with_origins_listed_only_those_are_allowed() {
    let source = "[sources.web]\nwrite_keys = [\"right\"]\norigins = [\"https://shop.example\"]";
    let router = Router::start(Config::new().table(source)).await;
    let good = preflight(&router, "/v1/t", "https://shop.example").await;
    assert_eq!(good.header("access-control-allow-origin"), "https://shop.example");
    let other = preflight(&router, "/v1/t", "https://elsewhere.example").await;
    assert_eq!(other.header("access-control-allow-origin"), "", "{other:?}");
}

#[tokio::test]
async fn unknown_paths_and_methods_are_json_errors_and_never_redirects() {
    let router = Router::start(Config::new()).await;
    router.post("/v1/nothing", &json!({})).await.expect_error(404, "not_found");
    router.get("/v1/track").await.expect_error(405, "method_not_allowed");
    router.get("/v1/batch").await.expect_error(405, "method_not_allowed");
}
