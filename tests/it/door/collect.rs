//! What pages send, as it arrives.

use serde_json::{Value, json};

use super::soon;
use crate::support::{Config, Receiver, Router, free_port, http};

/// Sends a body to a path below `/collect/` as a page of the shop does.
async fn collect(router: &Router, leaf: &str, body: &Value, headers: &[(&str, &str)]) -> reqwest::Response {
    let mut request = router.request("POST", &format!("/collect/{leaf}"));
    request = request.header("origin", "https://shop.example").header("content-type", "text/plain");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = request.body(body.to_string()).send().await.expect("the router answers");
    assert_eq!(answer.status(), 200, "{leaf}");
    answer
}

#[tokio::test]
async fn what_a_page_collects_is_in_segments_tables() {
    let router = Router::start(Config::new()).await;
    let page =
        json!({ "anonymousId": "a", "messageId": "p", "title": "Home", "url": "https://shop.example/" });
    collect(&router, "pageview", &page, &[]).await;
    let order =
        json!({ "anonymousId": "a", "userId": "u", "messageId": "o", "order_id": "1", "total": 42.5 });
    collect(&router, "ecommerce/order-completed", &order, &[]).await;
    let person = json!({ "userId": "u", "messageId": "i", "email": "ann@shop.example" });
    collect(&router, "identify", &person, &[]).await;
    let pixel = router.request("GET", "/collect/pixel.gif");
    let call =
        json!({ "type": "track", "userId": "u", "messageId": "m", "event": "Mail Opened" }).to_string();
    let answer = pixel.query(&[("data", call)]).send().await.expect("the router answers");
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-type"], "image/gif");
    router.until_rows("pages", &["p".to_owned()]).await;
    router.until_rows("order_completed", &["o".to_owned()]).await;
    router.until_rows("identifies", &["i".to_owned()]).await;
    router.until_rows("mail_opened", &["m".to_owned()]).await;
    let db = router.db();
    assert_eq!(db.rows("pages")[0]["title"], json!("Home"));
    assert_eq!(db.rows("order_completed")[0]["total"], json!(42.5));
    assert_eq!(db.rows("identifies")[0]["email"], json!("ann@shop.example"));
}

#[tokio::test]
async fn what_a_picture_cannot_say_is_among_the_rejected_events() {
    let router = Router::start(Config::new()).await;
    for data in ["%%%", r#"{"event":"Nobody's"}"#] {
        let answer = router.request("GET", "/collect/pixel.gif").query(&[("data", data)]).send().await;
        assert_eq!(answer.expect("the router answers").status(), 200);
    }
    let rejected = router.get("/api/rejected").await.json()["rejected"].clone();
    let mut codes: Vec<&str> =
        rejected.as_array().expect("a list").iter().map(|one| one["code"].as_str().unwrap()).collect();
    codes.sort_unstable();
    assert_eq!(codes, ["bad_json", "missing_identity"]);
}

#[tokio::test]
async fn every_listener_serves_everything() {
    let second = free_port();
    let first = free_port();
    let listen = format!("[\"127.0.0.1:{first}\", \"127.0.0.1:{second}\"]");
    let config = Config::new().env("OPENTRACK__SERVER__LISTEN", &listen);
    let router = Router::start_at(first, config).await;
    for port in [first, second] {
        let url = |path: &str| format!("http://127.0.0.1:{port}{path}");
        for path in ["/tracker.js", "/tracker.json", "/metrics", "/health", "/"] {
            let answer = http().get(url(path)).send().await.expect("the router answers");
            assert_eq!(answer.status(), 200, "{port}{path}");
        }
        let body = json!({ "anonymousId": "a", "messageId": port.to_string() }).to_string();
        let answer = http().post(url("/collect/page")).body(body).send().await.expect("the router answers");
        assert_eq!(answer.status(), 200);
    }
    let mut ids = [first.to_string(), second.to_string()];
    ids.sort();
    soon("both are in the warehouse", async || router.db().ids("pages") == ids).await;
}

#[tokio::test]
async fn what_the_script_sends_by_itself_stays_with_the_operator_when_it_is_to() {
    let receiver = Receiver::start();
    let config = Config::new().table("[tracker]\nexclude_automatic = true");
    let router = Router::start(config.webhook("cloud", &receiver.url(), "")).await;
    collect(&router, "click", &json!({ "anonymousId": "a", "messageId": "c" }), &[]).await;
    collect(&router, "engagement", &json!({ "anonymousId": "a", "messageId": "e" }), &[]).await;
    let named =
        json!({ "anonymousId": "a", "messageId": "n", "event": "Menu", "context": { "automatic": true } });
    collect(&router, "event", &named, &[]).await;
    collect(&router, "page", &json!({ "anonymousId": "a", "messageId": "p" }), &[]).await;
    receiver.until_taken(&["p".to_owned()]).await;
    router.until_rows("tracks", &["c".to_owned(), "e".to_owned(), "n".to_owned()]).await;
    soon("the three are skipped", async || {
        router.destination("cloud").await["counts"]["skipped"]["filtered"] == json!(3)
    })
    .await;
    assert_eq!(receiver.taken_ids(), ["p"]);
}

#[tokio::test]
async fn consent_and_signals_decide_for_what_a_page_collects_too() {
    let receiver = Receiver::start();
    let config = Config::new().table("[consent]\nmode = \"opt-in\"\nhonour_dnt = true");
    let router = Router::start(config.webhook("ads", &receiver.url(), "consent = [\"advertising\"]")).await;
    let call = |id: &str, preferences: Value| {
        let context = json!({ "consent": { "categoryPreferences": preferences } });
        json!({ "anonymousId": "a", "messageId": id, "context": context })
    };
    let yes = json!({ "advertising": true });
    collect(&router, "page", &call("silent", json!({})), &[]).await;
    collect(&router, "page", &call("no", json!({ "advertising": false })), &[]).await;
    collect(&router, "page", &call("gpc", yes.clone()), &[("sec-gpc", "1")]).await;
    collect(&router, "page", &call("dnt", yes.clone()), &[("dnt", "1")]).await;
    collect(&router, "page", &call("yes", yes), &[]).await;
    receiver.until_taken(&["yes".to_owned()]).await;
    soon("the others are skipped", async || {
        router.destination("ads").await["counts"]["skipped"]["consent"] == json!(4)
    })
    .await;
    assert_eq!(receiver.taken_ids(), ["yes"]);
}

#[tokio::test]
async fn a_visitor_who_refuses_storage_has_the_same_id_after_a_restart_within_the_day() {
    let mut router = Router::start(Config::new()).await;
    let refusing = |id: &str, anonymous: &str| {
        let context = json!({ "consent": { "categoryPreferences": { "storage": false } } });
        json!({ "anonymousId": anonymous, "messageId": id, "context": context })
    };
    // Two tries, since midnight may pass between the first two.
    for number in 0..2 {
        let answer = collect(&router, "page", &refusing(&format!("{number}-a"), "one"), &[]).await;
        assert!(!answer.headers().contains_key("set-cookie"));
        router.kill9();
        router.start_again().await;
        collect(&router, "page", &refusing(&format!("{number}-b"), "two"), &[]).await;
    }
    let ids = ["0-a", "0-b", "1-a", "1-b"].map(str::to_owned);
    router.until_rows("pages", &ids).await;
    let query = "select anonymous_id from pages order by id";
    let found = router.db().query(query);
    let found: Vec<&str> = found.iter().map(|row| row["anonymous_id"].as_str().unwrap()).collect();
    assert!(found[0] == found[1] || found[2] == found[3], "{found:?}");
    assert!(found.iter().all(|id| id.len() == 32));
}
