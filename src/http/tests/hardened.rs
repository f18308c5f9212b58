//! Strangers who take their time, take too many connections or send too much of a head; what is kept of operators' doings, and
//! what guards what they are shown.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::AsyncReadExt;

use super::{Plan, Socket, TestDoor, track};
use crate::http::token;
use crate::telemetry::audit;
use crate::telemetry::clock;

/// Reads until the other side ends.
async fn rest(socket: &mut Socket) -> String {
    let mut rest = Vec::new();
    drop(socket.stream.read_to_end(&mut rest).await);
    String::from_utf8_lossy(&rest).into_owned()
}

#[actix::test]
async fn heads_that_trickle_are_ended_and_others_are_served_meanwhile() {
    let mut plan = Plan::new();
    plan.settings.server.header_timeout = Duration::from_millis(100);
    let door = plan.open();
    let (mut first, mut later) = (door.connect().await, door.connect().await);
    first.write("POST /v1/track HTTP/1.1\r\nhost: x\r\n").await;
    later.post("/v1/track", "", &track("1")).await;
    assert_eq!(later.answer().await.status, 200);
    // A head is begun and read, so that the connection is not one that pauses.
    later.write("POST /v1/track HTTP/1.1\r\nhost: x\r\nx-slow: ").await;
    assert_eq!(door.post("/v1/track", track("2")).await.status, 200);
    assert!(rest(&mut first).await.starts_with("HTTP/1.1 408"));
    assert_eq!(rest(&mut later).await, "");
    assert_eq!(door.post("/v1/track", track("3")).await.status, 200);
}

#[actix::test]
async fn a_head_without_end_is_refused() {
    let door = Plan::new().open();
    let mut socket = door.connect().await;
    let long = "x".repeat(200 * 1024);
    socket.stream.set_nodelay(true).unwrap();
    let head = format!("GET /health HTTP/1.1\r\nhost: x\r\nx-long: {long}");
    drop(tokio::io::AsyncWriteExt::write_all(&mut socket.stream, head.as_bytes()).await);
    assert!(rest(&mut socket).await.starts_with("HTTP/1.1 431"));
    let mut many = door.connect().await;
    let fields: String = (0..200).map(|n| format!("x-{n}: y\r\n")).collect();
    many.write(format!("GET /health HTTP/1.1\r\nhost: x\r\n{fields}\r\n")).await;
    let refused = rest(&mut many).await;
    assert!(refused.starts_with("HTTP/1.1 431"), "the parser takes 96 fields: {refused}");
}

#[actix::test]
async fn an_address_has_so_many_connections_and_gets_them_back() {
    let mut plan = Plan::new();
    plan.settings.server.max_connections_per_ip = 3;
    plan.counts_loopback = true;
    let door = plan.open();
    let ask = "GET /health HTTP/1.1\r\nhost: x\r\n\r\n";
    let mut open = Vec::new();
    for _ in 0..3 {
        let mut socket = door.connect().await;
        socket.write(ask).await;
        assert_eq!(socket.answer().await.status, 200);
        open.push(socket);
    }
    assert_eq!(rest(&mut door.connect().await).await, "", "closed without a word");
    assert!(door.metrics.encode().contains("opentrack_http_connections_refused_total 1\n"));
    drop(open);
    loop {
        let mut socket = door.connect().await;
        drop(tokio::io::AsyncWriteExt::write_all(&mut socket.stream, ask.as_bytes()).await);
        if rest_begins(&mut socket).await {
            return;
        }
    }
}

async fn rest_begins(socket: &mut Socket) -> bool {
    matches!(socket.stream.read(&mut [0; 12]).await, Ok(read) if read > 0)
}

fn told(dir: &std::path::Path) -> Vec<Value> {
    let text = std::fs::read_to_string(dir.join(audit::FILE)).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

async fn change(door: &TestDoor, path: &str, token: &str) -> u16 {
    door.send(door.client.post(door.url(path)).bearer_auth(token)).await.status
}

#[actix::test]
async fn what_operators_do_and_what_becomes_of_it_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let mut plan = Plan::new();
    plan.settings.server.production = true;
    plan.settings.server.data_dir = dir.path().to_owned();
    plan.settings.console.password = "correct horse battery staple".to_owned().into();
    let secret = plan.settings.server.jwt_secret.clone();
    let door = plan.open();
    let admin = token::mint(&secret, "admin", clock::now().as_second() + 60);
    let reader = token::mint(&secret, "read:ops", clock::now().as_second() + 60);
    assert_eq!(change(&door, "/api/dead-letters/retry?destination=crm", &admin).await, 200);
    assert_eq!(change(&door, "/api/dead-letters/drop?confirm=all", &reader).await, 403);
    assert_eq!(change(&door, "/api/destinations/crm/pause", "forged.token.here").await, 401);
    assert_eq!(
        change(&door, "/%61pi/destinations/crm/resume", &admin).await,
        404,
        "there is none of this name"
    );
    let login = json!({ "password": "correct horse battery staple" }).to_string();
    let answer = door.post("/api/session", login).await;
    assert_eq!(answer.status, 200);
    door.post("/api/session", json!({ "password": "planted-wrong-password" }).to_string()).await;
    let cookie = answer.header("set-cookie").split(';').next().unwrap().to_owned();
    let csrf = answer.json()["csrf"].as_str().unwrap().to_owned();
    let out = door.client.delete(door.url("/api/session")).header("cookie", cookie);
    let out = out.header("x-opentrack-csrf", csrf).header("sec-fetch-site", "same-origin");
    assert_eq!(door.send(out).await.status, 200);
    door.get("/api/destinations").await;

    let told = told(dir.path());
    let of = |entry: &Value| {
        let text = |name: &str| entry[name].as_str().unwrap().to_owned();
        let kind = text("actor").split(':').next().unwrap().to_owned();
        assert!(!text("at").is_empty() && text("address") == "127.0.0.1", "{entry}");
        format!("{kind} {} {} {}", text("action"), entry["status"], text("outcome"))
    };
    let lines: Vec<String> = told.iter().map(of).collect();
    assert_eq!(
        lines,
        [
            "token POST /api/dead-letters/retry?destination=crm 200 done",
            "token POST /api/dead-letters/drop?confirm=all 403 refused",
            "nobody POST /api/destinations/crm/pause 401 refused",
            "token POST /api/destinations/crm/resume 404 failed",
            "session POST /api/session 200 done",
            "nobody POST /api/session 401 refused",
            "session DELETE /api/session 200 done",
        ]
    );
    assert_ne!(told[0]["actor"], told[1]["actor"], "one token is told from another");
    assert_eq!(told[4]["actor"], told[6]["actor"], "who logged in is who logged out");
    let text = std::fs::read_to_string(dir.path().join(audit::FILE)).unwrap();
    for secret in [admin.as_str(), &reader, "forged.token", "horse", "planted"] {
        assert!(!text.contains(secret), "{text}");
    }
}

#[actix::test]
async fn what_operators_are_shown_is_guarded_whatever_the_answer_is() {
    let door = Plan::new().open();
    for path in ["/", "/api/destinations", "/api/nowhere", "/metrics", "/ready", "/presence/stream?x=1"] {
        let answer = door.get(path).await;
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(answer.header(name), value, "{path}: {answer:?}");
        }
        assert!(answer.header("content-security-policy").contains("frame-ancestors 'none'"), "{path}");
        let kept = answer.header("cache-control");
        assert!(kept.contains("no-store") || (path == "/" && kept == "no-cache"), "{path}: {kept}");
    }
    let script = door.get("/tracker.js").await;
    assert_eq!(script.header("cross-origin-resource-policy"), "cross-origin", "pages of other sites load it");
}
