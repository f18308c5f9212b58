//! What operators see, and who counts as one.

use super::{Answer, Plan, TestDoor};
use crate::actors::messages::ReadyCheck;
use crate::http::token;
use crate::telemetry::clock;

fn check(name: &str, ok: bool, vital: bool) -> ReadyCheck {
    ReadyCheck { name: name.to_owned(), ok, message: "as it is".to_owned(), in_short: None, vital }
}

async fn ready(checks: Vec<ReadyCheck>) -> Answer {
    let mut plan = Plan::new();
    plan.checks = checks;
    plan.open().get("/ready").await
}

async fn with_token(door: &TestDoor, scope: &str, seconds: i64) -> Answer {
    bearing(door, "/api/destinations", scope, seconds).await
}

async fn bearing(door: &TestDoor, path: &str, scope: &str, seconds: i64) -> Answer {
    let secret = "a-secret-for-tests-of-32-bytes--".to_owned().into();
    let token = token::mint(&secret, scope, clock::now().as_second() + seconds);
    door.send(door.client.get(door.url(path)).bearer_auth(token)).await
}

#[actix::test]
async fn health_needs_nobody() {
    let door = Plan::new().open();
    let answer = door.get("/health").await;
    assert_eq!((answer.status, answer.json()["status"].as_str()), (200, Some("ok")));
    let head = door.send(door.client.head(door.url("/health"))).await;
    assert_eq!((head.status, head.body.as_str()), (200, ""));
}

#[actix::test]
async fn only_a_vital_check_makes_the_router_not_ready() {
    let good = ready(vec![check("journal", true, true)]).await;
    assert_eq!((good.status, good.json()["status"].as_str()), (200, Some("ready")));
    let sick = ready(vec![check("journal", true, true), check("hook", false, false)]).await;
    assert_eq!((sick.status, sick.json()["status"].as_str()), (200, Some("degraded")));
    assert_eq!(sick.json()["checks"][1]["name"], "hook");
    let down = ready(vec![check("journal", false, true)]).await;
    assert_eq!((down.status, down.json()["status"].as_str()), (503, Some("not_ready")));
}

#[actix::test]
async fn what_is_wrong_in_a_configuration_is_for_operators_alone() {
    let mut plan = Plan::new();
    let long = "refused, the one before stays: config.toml:3:1: unknown key `bogus`";
    let short = "refused: 1 problem; `opentrack check` names it";
    let config = ReadyCheck {
        name: "config".into(),
        message: long.into(),
        in_short: Some(short.into()),
        ..ReadyCheck::default()
    };
    plan.checks = vec![check("journal", true, true), config];
    let said = |answer: Answer| {
        let checks = answer.json()["checks"].clone();
        assert_eq!((answer.status, &checks[0]["message"]), (200, &"as it is".into()));
        assert_eq!(checks[1].as_object().unwrap().len(), 3, "no other form of it: {checks}");
        checks[1]["message"].as_str().unwrap().to_owned()
    };
    plan.settings.server.production = true;
    let door = plan.open();
    assert_eq!(said(door.get("/ready").await), short);
    assert_eq!(said(bearing(&door, "/ready", "read:stats", 60).await), short);
    assert_eq!(said(bearing(&door, "/ready", "read:ops", -60).await), short);
    assert_eq!(said(bearing(&door, "/ready", "read:ops", 60).await), long);
    assert_eq!(said(bearing(&door, "/ready", "admin", 60).await), long);
}

#[actix::test]
async fn in_development_this_machine_is_told_what_is_wrong_in_a_configuration_and_another_is_not() {
    let mut plan = Plan::new();
    let config =
        ReadyCheck { message: "all".into(), in_short: Some("short".into()), ..ReadyCheck::default() };
    plan.checks = vec![config];
    let door = plan.open();
    assert_eq!(door.get("/ready").await.json()["checks"][0]["message"], "all");
    let passed_on = door.client.get(door.url("/ready")).header("x-forwarded-for", "203.0.113.9");
    assert_eq!(door.send(passed_on).await.json()["checks"][0]["message"], "short");
}

#[actix::test]
async fn metrics_are_text_for_prometheus() {
    let answer = Plan::new().open().get("/metrics").await;
    assert_eq!(answer.status, 200);
    assert!(answer.header("content-type").starts_with("application/openmetrics-text"));
    assert!(answer.body.contains("opentrack_events_accepted_total{kind=\"track\"} 0"));
    assert!(answer.body.ends_with("# EOF\n"));
}

#[actix::test]
async fn the_operator_api_is_open_on_loopback_in_development() {
    let door = Plan::new().open();
    let answer = door.get("/api/destinations").await;
    assert_eq!((answer.status, answer.body.as_str()), (200, r#"{"destinations":[]}"#));
    let foreign = door.client.get(door.url("/api/destinations")).header("origin", "https://evil.example");
    assert_eq!(door.send(foreign).await.error(401), "unauthorized");
    let rebound = door.client.get(door.url("/api/destinations")).header("host", "evil.example");
    assert_eq!(door.send(rebound).await.error(401), "unauthorized");
}

#[actix::test]
async fn in_production_a_token_with_the_scope_is_needed() {
    let mut plan = Plan::new();
    plan.settings.server.production = true;
    let door = plan.open();
    assert_eq!(door.get("/api/destinations").await.error(401), "unauthorized");
    assert_eq!(door.get("/api/rejected").await.error(401), "unauthorized");
    assert_eq!(with_token(&door, "read:ops", 60).await.status, 200);
    assert_eq!(with_token(&door, "admin", 60).await.status, 200);
    assert_eq!(with_token(&door, "read:stats", 60).await.error(403), "forbidden");
    assert_eq!(with_token(&door, "read:ops", -60).await.error(401), "unauthorized");
}

#[actix::test]
async fn rejected_events_come_in_pages_and_as_they_were_sent() {
    let door = Plan::new().open();
    let answer = door.get("/api/rejected?limit=5&cursor=3-18220").await;
    let entry = r#"{"message_id":"m","source":"web","code":"missing_identity","event":{"total":42.00}}"#;
    assert_eq!(answer.body, format!(r#"{{"rejected":[{entry}],"next":"7"}}"#));
    door.get("/api/rejected").await;
    for query in ["limit=1000000", "limit=0", "limit=x", "cursor=a%2Fb", "reason=rejected", "lmit=5"] {
        assert_eq!(door.get(&format!("/api/rejected?{query}")).await.error(400), "bad_parameter", "{query}");
    }
    let questions = door.seen(|seen| seen.questions.clone());
    assert_eq!(questions, [(5, Some("3-18220".to_owned())), (100, None)]);
}

#[actix::test]
async fn a_message_id_may_hold_any_character() {
    let door = Plan::new().open();
    for (path, id) in [
        ("plain", "plain"),
        ("a%2Fb%2F", "a/b/"),
        ("a%20b%3Fc%23%25%2B+%C3%BC", "a b?c#%++ü"),
        ("%2541", "%41"),
        ("a/b", "a/b"),
    ] {
        let answer = door.get(&format!("/api/events/{path}")).await;
        assert_eq!((answer.status, answer.json()["message_id"].as_str()), (200, Some(id)), "{path}");
        assert_eq!(answer.json()["rejected"]["message"], format!("asked for {id}"));
    }
    let unknown = door.get("/api/events/unknown").await;
    assert_eq!(unknown.error(404), "not_found");
    assert!(unknown.body.contains("message id"), "{unknown:?}");
    let foreign = door.client.get(door.url("/api/events/a")).header("origin", "https://evil.example");
    assert_eq!(door.send(foreign).await.error(401), "unauthorized");
}

#[actix::test]
async fn the_schemas_are_shown_of_every_warehouse_or_of_one() {
    let door = Plan::new().open();
    let answer = door.get("/api/schema").await;
    let expected = r#"{"tables":[{"destination":"every","name":"viewed","columns":[{"name":"n","type":"int","since":null}]}],"log":[],"conflicts":[],"closed":[]}"#;
    assert_eq!((answer.status, answer.body.as_str()), (200, expected));
    let one = door.get("/api/schema?destination=bq").await.json();
    assert_eq!(one["tables"][0]["destination"], "bq");
    assert_eq!(door.get("/api/schema?destination=nobody").await.error(404), "not_found");
    assert_eq!(door.get("/api/schema?table=viewed").await.error(400), "bad_parameter");
    assert_eq!(door.send(door.client.post(door.url("/api/schema"))).await.error(405), "method_not_allowed");
}

#[actix::test]
async fn an_encoded_path_is_as_closed_to_other_pages_as_a_plain_one() {
    let door = Plan::new().open();
    for path in [
        "/%61pi/session",
        "/api/%73ession",
        "/%61pi/rejected",
        "/%70resence/stream",
        "/%6detrics",
        "/%63onsole.0.js",
    ] {
        for method in [reqwest::Method::GET, reqwest::Method::OPTIONS] {
            let request =
                door.client.request(method, door.url(path)).header("origin", "https://evil.example");
            let answer = door.send(request.header("access-control-request-method", "GET")).await;
            assert_eq!(answer.header("access-control-allow-origin"), "", "{path}: {answer:?}");
        }
    }
    let metrics = door.get("/metrics").await.body;
    assert!(metrics.contains("path=\"/api/session\""), "{metrics}");
}

#[actix::test]
async fn what_a_proxy_passes_on_is_never_from_this_machine() {
    let door = Plan::new().open();
    for (name, value) in [
        ("x-forwarded-for", "203.0.113.9"),
        ("x-forwarded-host", "localhost"),
        ("x-real-ip", "127.0.0.1"),
        ("forwarded", "for=127.0.0.1"),
        ("via", "1.1 proxy"),
    ] {
        let request = door.client.get(door.url("/api/destinations")).header(name, value);
        assert_eq!(door.send(request).await.error(401), "unauthorized", "{name}");
    }
}
