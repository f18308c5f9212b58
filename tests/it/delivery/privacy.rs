//! Privacy: what destinations see of an event, and what stays whole.

use serde_json::{Value, json};

use super::until_destination;
use crate::support::{Config, Receiver, Reply, Router, batch, fresh_id, ids_of, track, until};

/// Sends an event as a browser does: its address is kept.
async fn browse(router: &Router, event: &Value) {
    let request = router.request("POST", "/v1/track").header("origin", "https://shop.example");
    let answer = request.body(event.to_string()).send().await.expect("the router answers");
    assert_eq!(answer.status(), 200);
}

/// The `context.ip` of each event that the receiver has taken, by id.
fn ip_of(receiver: &Receiver, id: &str) -> Value {
    let taken = receiver.taken();
    let event = taken.iter().find(|event| event["messageId"] == id);
    event.unwrap_or_else(|| panic!("{id} has not come"))["context"]["ip"].clone()
}

/// A track call whose context holds an address.
fn from(ip: &str) -> Value {
    let mut event = track("u", 1);
    event["context"] = json!({ "ip": ip });
    event
}

#[tokio::test]
async fn destinations_see_the_network_of_a_client_and_the_journal_its_address() {
    let receiver = Receiver::start();
    let router = Router::start(Config::new().webhook("hook", &receiver.url(), "")).await;
    let (seen, given) = (track("u", 1), from("198.51.100.77"));
    browse(&router, &seen).await;
    browse(&router, &given).await;
    let ids = ids_of(&[seen, given]);
    receiver.until_taken(&ids).await;
    router.until_rows("tracks", &ids).await;
    let mut expected = vec![json!("127.0.0.0"), json!("198.51.100.0")];
    assert_eq!(ids.iter().map(|id| ip_of(&receiver, id)).collect::<Vec<_>>(), expected);
    let rows = router.db().rows("tracks");
    let row = |id: &String| rows.iter().find(|row| row["id"] == json!(id)).expect("it is there");
    assert_eq!(ids.iter().map(|id| row(id)["context_ip"].clone()).collect::<Vec<_>>(), expected);
    expected = vec![json!("127.0.0.1"), json!("198.51.100.77")];
    for (id, whole) in ids.iter().zip(expected) {
        let journey = router.get(&format!("/api/events/{id}")).await.json();
        assert_eq!(journey["event"]["context"]["ip"], whole, "{journey}");
    }
}

#[tokio::test]
async fn the_address_follows_the_router_unless_a_destination_says_otherwise_also_when_they_change() {
    let (usual, own) = (Receiver::start(), Receiver::start());
    let config = |ip: &str, own_ip: &str| {
        Config::new()
            .webhook("usual", &usual.url(), "")
            .webhook("own", &own.url(), &format!("privacy = {{ \"/context/ip\" = \"{own_ip}\" }}"))
            .table(&format!("[privacy]\nip = \"{ip}\""))
    };
    let mut router = Router::start(config("keep", "truncate")).await;
    for (ip, own_ip, seen_usual, seen_own) in [
        ("keep", "truncate", json!("198.51.100.77"), json!("198.51.100.0")),
        ("drop", "keep", Value::Null, json!("198.51.100.77")),
        ("truncate", "drop", json!("198.51.100.0"), Value::Null),
    ] {
        if ip != "keep" {
            router.reconfigure(config(ip, own_ip)).await;
        }
        let event = from("198.51.100.77");
        browse(&router, &event).await;
        let ids = ids_of(&[event]);
        usual.until_taken(&ids).await;
        own.until_taken(&ids).await;
        assert_eq!((ip_of(&usual, &ids[0]), ip_of(&own, &ids[0])), (seen_usual, seen_own), "{ip} {own_ip}");
    }
}

const RULES: &str = "privacy = { \"/traits/email\" = \"hash\", \"/traits/lastName\" = \"truncate\", \
                     \"/traits/card\" = \"drop\", \"/userId\" = \"hash\" }";

fn identify() -> Value {
    json!({
        "type": "identify", "userId": "u-7", "messageId": fresh_id("p"),
        "traits": { "email": "Ada@Example.com", "lastName": "Lovelace", "card": "4111", "plan": "pro" },
    })
}

#[tokio::test]
async fn each_destination_sees_what_its_own_rules_leave() {
    let (careful, open) = (Receiver::start(), Receiver::start());
    let config = Config::new()
        .table(RULES)
        .env("SITE_SALT", "salt-of-thirty-two-bytes-0123456")
        .webhook("careful", &careful.url(), RULES)
        .webhook("open", &open.url(), "");
    let router = Router::start(config).await;
    let event = identify();
    router.post("/v1/batch", &batch(std::slice::from_ref(&event))).await.expect_success();
    let ids = ids_of(std::slice::from_ref(&event));
    careful.until_taken(&ids).await;
    open.until_taken(&ids).await;
    router.until_rows("identifies", &ids).await;
    assert_eq!(open.taken()[0]["traits"], event["traits"]);
    // printf 'email:ada@example.com' | openssl dgst -sha256 -hmac salt-of-thirty-two-bytes-0123456
    let email = "9864e61bccd060120182779fd4bd126cb4f4029da03917d91fa672efb1362398";
    let id = "1248b240528c3aaa07a9f81b6869d8143afd633755708d81400e7f980f055887";
    let seen = careful.taken().remove(0);
    assert_eq!(seen["traits"], json!({ "email": email, "lastName": "L", "plan": "pro" }));
    assert_eq!((&seen["userId"], &seen["messageId"]), (&json!(id), &event["messageId"]));
    let row = router.db().rows("identifies").remove(0);
    assert_eq!((&row["user_id"], &row["email"], &row["last_name"]), (&json!(id), &json!(email), &json!("L")));
    assert!(!row.contains_key("card"), "{row:?}");
    assert_eq!(router.db().rows("users")[0]["id"], json!(id));
}

#[tokio::test]
async fn a_retry_shows_the_same_bytes_and_a_dead_letter_the_event_as_it_came() {
    let mut answers = vec![400, 503].into_iter().rev();
    let receiver = Receiver::scripted(move |_| Reply::Status(answers.next().unwrap_or(200)));
    let router = Router::start(Config::new().webhook("hook", &receiver.url(), RULES)).await;
    let event = identify();
    router.post("/v1/batch", &batch(std::slice::from_ref(&event))).await.expect_success();
    until_destination(&router, "hook", "it is dead", |one| one["counts"]["dead"] == json!({ "rejected": 1 }))
        .await;
    let requests = receiver.requests();
    assert_eq!(requests.len(), 2);
    assert_eq!(requests[0].body, requests[1].body);
    assert!(!String::from_utf8_lossy(&requests[0].body).contains("Example.com"));
    let letters = router.get("/api/dead-letters").await.json();
    assert_eq!(letters["dead_letters"][0]["event"]["traits"], event["traits"], "{letters}");
    // Sent again it is seen by the same rules.
    let retried = router.run(&["dead-letters", "retry", "--destination", "hook"]);
    assert_eq!(retried.status.code(), Some(0), "{retried:?}");
    until("it has come", 20, async || receiver.taken_ids().len() == 1).await;
    assert_eq!(receiver.taken()[0]["traits"]["lastName"], "L");
}

#[tokio::test]
async fn explain_shows_what_the_destination_sees() {
    let receiver = Receiver::start();
    let config = Config::new().webhook("hook", &receiver.url(), &format!("format = \"single\"\n{RULES}"));
    let router = Router::start(config).await;
    let mut event = identify();
    event["context"] = json!({ "ip": "198.51.100.77" });
    std::fs::write(router.dir().join("event.json"), event.to_string()).expect("it can be written");
    let file = router.dir().join("event.json").display().to_string();
    let output = router.run(&["explain", &file, "--json", "--destination", "hook"]);
    let explained: Value = serde_json::from_slice(&output.stdout).expect("it is JSON");
    let body = &explained[0]["destinations"][0]["requests"][0]["body"];
    router.post("/v1/batch", &batch(std::slice::from_ref(&event))).await.expect_success();
    receiver.until_taken(&ids_of(&[event])).await;
    let seen = receiver.taken().remove(0);
    for part in ["userId", "traits", "context"] {
        assert_eq!(body[part], seen[part], "{body}");
    }
    assert_eq!(seen["context"]["ip"], "198.51.100.0");
}
