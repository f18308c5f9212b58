//! Parameters that nobody sends by accident.

use super::Scene;
use crate::support::{Answer, Config, Router};

async fn post(router: &Router, path: &str) -> Answer {
    Answer::read(router.request("POST", path).send().await.unwrap()).await
}

#[tokio::test]
async fn a_parameter_that_makes_no_sense_is_named_and_nothing_is_done() {
    let scene = Scene::with(3, 2, "").await;
    let bad = [
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("limit=99999999999999999999999", "limit"),
        ("limit=-1", "limit"),
        ("limit=ten", "limit"),
        ("cursor=%00", "cursor"),
        ("cursor=1-2-3", "cursor"),
        ("cursor=", "cursor"),
        ("from=yesterday", "from"),
        ("until=2030-01-01", "until"),
        ("reason=bad_luck", "reason"),
        ("id=..%2F..%2Fetc%2Fpasswd", "id"),
        ("id=0-0%0a", "id"),
        ("id=0-99999999999999999999", "id"),
        ("destinaton=crm", "destinaton"),
        ("reason=rejected&reason=gave_up", "reason"),
    ];
    for (query, name) in bad {
        let answer = scene.router.get(&format!("/api/dead-letters?{query}")).await;
        answer.expect_error(400, "bad_parameter");
        assert_eq!(answer.json()["details"][0]["path"], name, "{answer:?}");
        assert!(answer.json()["message"].as_str().unwrap().contains(name), "{answer:?}");
        let answer = post(&scene.router, &format!("/api/dead-letters/drop?confirm=all&{query}")).await;
        answer.expect_error(400, "bad_parameter");
    }
    let reasons = scene.router.get("/api/dead-letters?reason=x").await.json()["message"].to_string();
    assert!(reasons.contains("rejected") && reasons.contains("gave_up"), "{reasons}");
    for query in ["limit=5", "cursor=0-0", "confirm=all"] {
        post(&scene.router, &format!("/api/dead-letters/retry?{query}"))
            .await
            .expect_error(400, "bad_parameter");
    }
    let body = scene.router.request("POST", "/api/dead-letters/retry").body("{\"reason\":\"rejected\"}");
    Answer::read(body.send().await.unwrap()).await.expect_error(400, "bad_parameter");
    assert_eq!(scene.letters("").await.len(), 2);
}

#[tokio::test]
async fn ids_that_are_none_find_nothing_and_change_nothing() {
    let scene = Scene::with(3, 2, "").await;
    let files = scene.router.dead_letters();
    let id = scene.letters("").await[0]["id"].as_str().unwrap().to_owned();
    let (file, offset) = id.split_once('-').unwrap();
    let offset: u64 = offset.parse().unwrap();
    let inside = format!("{file}-{}", offset + 9);
    for id in [
        "0-1",
        "0-18446744073709551615",
        "18446744073709551615-0",
        "18446744073709551615-18446744073709551615",
        &inside,
    ] {
        assert_eq!(scene.letters(&format!("&id={id}")).await.len(), 0, "{id}");
        post(&scene.router, &format!("/api/dead-letters/retry?id={id}")).await.expect_error(404, "not_found");
        post(&scene.router, &format!("/api/dead-letters/drop?confirm=all&id={id}"))
            .await
            .expect_error(404, "not_found");
    }
    assert_eq!(scene.router.dead_letters(), files);
}

#[tokio::test]
async fn a_method_that_changes_nothing_changes_nothing() {
    let scene = Scene::with(3, 2, "").await;
    for path in ["/api/dead-letters/retry", "/api/dead-letters/drop?confirm=all"] {
        scene.router.get(path).await.expect_error(405, "method_not_allowed");
    }
    post(&scene.router, "/api/dead-letters").await.expect_error(405, "method_not_allowed");
    let foreign =
        scene.router.request("POST", "/api/dead-letters/retry").header("origin", "https://evil.example");
    Answer::read(foreign.send().await.unwrap()).await.expect_error(401, "unauthorized");
    assert_eq!(scene.letters("").await.len(), 2);
}

#[tokio::test]
async fn in_production_changes_need_the_scope_admin() {
    let secret = "0123456789abcdef0123456789abcdef";
    let salt = "fedcba9876543210fedcba9876543210";
    let config = Config::new()
        .server("environment = \"production\"")
        .table("[sources.web]\nwrite_keys = [\"k\"]")
        .env("JWT_SECRET", secret)
        .env("SITE_SALT", salt);
    let router = Router::start(config).await;
    let token = |scope: &str| {
        let output = crate::support::opentrack()
            .args(["token", "--scope", scope, "--config"])
            .arg(router.dir().join("config.toml"))
            .env("JWT_SECRET", secret)
            .env("SITE_SALT", salt)
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    let ask = async |method: &str, path: &str, scope: Option<&str>| {
        let mut request = router.request(method, path);
        if let Some(scope) = scope {
            request = request.bearer_auth(token(scope));
        }
        Answer::read(request.send().await.unwrap()).await
    };
    ask("GET", "/api/dead-letters", None).await.expect_error(401, "unauthorized");
    assert_eq!(ask("GET", "/api/dead-letters", Some("read:ops")).await.status, 200);
    for path in ["/api/dead-letters/retry", "/api/dead-letters/drop?confirm=all"] {
        ask("POST", path, None).await.expect_error(401, "unauthorized");
        ask("POST", path, Some("read:ops")).await.expect_error(403, "forbidden");
        assert_eq!(ask("POST", path, Some("admin")).await.json()["count"], 0);
    }
}
