//! What was planted in requests is nowhere in what the router says: not in its log, its answers or its metrics.

use std::io;
use std::sync::{Arc, Mutex};

use serde_json::json;

use super::*;
use crate::http::sites::Sites;
use crate::http::token::{self, Order};
use crate::telemetry::clock;

#[derive(Clone, Default)]
struct Pages(Arc<Mutex<Vec<u8>>>);

impl io::Write for Pages {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[actix::test]
async fn no_secret_of_a_request_is_repeated_anywhere() {
    // Of the whole process, since the server's workers are threads of their own; a test has one to itself.
    let pages = Pages::default();
    let writer = pages.clone();
    let filter = "info,opentrack=trace";
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(move || writer.clone());
    let is_ours = log.try_init().is_ok();
    let (mut plan, _broadcaster) = live::production();
    plan.settings.console.password = "planted-password-of-the-console".to_owned().into();
    let secret = plan.settings.server.jwt_secret.clone();
    let door = plan.with_source("web", "planted-write-key", &[]).open();
    let issued = clock::now().as_second();
    let order = Order { scope: "read:stream", sites: &Sites::All, issued, expires: issued + 60 };
    let good = token::mint_as(&secret, &order);
    let mut answers = Vec::new();
    for path in [
        format!("/api/destinations?access_token={good}"),
        format!("/api/stats/realtime?access_token={good}"),
        "/presence/stream?access_token=planted.token.inquery".to_owned(),
        format!("/presence/stream?access_token={good}&site=x&site=y"),
        format!("/presence/stream?access_token={good}&planted-token=1"),
        format!("/nowhere?access_token={good}"),
    ] {
        answers.push(door.get(&path).await);
    }
    // A good one as well: its stream is left open.
    let stream =
        door.client.get(door.url(&format!("/presence/stream?access_token={good}"))).send().await.unwrap();
    assert_eq!(stream.status(), 200);
    let bearer = door.client.get(door.url("/api/rejected")).bearer_auth("planted.bearer.token");
    answers.push(door.send(bearer).await);
    let cookie =
        door.client.get(door.url("/api/rejected")).header("cookie", "opentrack_session=planted-cookie");
    answers.push(door.send(cookie).await);
    for body in [
        json!({ "password": "planted-wrong-password" }),
        json!({ "token": "planted.login.token" }),
        json!({ "token": good }),
        json!({ "planted-key": "planted-value" }),
    ] {
        answers.push(door.post("/api/session", body.to_string()).await);
    }
    let login =
        door.post("/api/session", json!({ "password": "planted-password-of-the-console" }).to_string()).await;
    let session = login.header("set-cookie").split(['=', ';']).nth(1).unwrap().to_owned();
    assert_eq!((login.status, login.body.contains(&session)), (200, false), "the cookie alone has it");
    answers.push(
        door.post_with("/v1/track", track("1"), &[("authorization", "Bearer planted-wrong-key")]).await,
    );
    answers.push(
        door.post_with("/v1/track", track("1"), &[("authorization", "Bearer planted-write-key")]).await,
    );
    answers.push(door.get("/metrics").await);
    answers.push(door.get("/ready").await);
    let log = String::from_utf8(pages.0.lock().unwrap().clone()).unwrap();
    assert!(is_ours, "the log is listened to");
    let said: String = answers.iter().map(|answer| format!("{answer:?}\n")).collect();
    for secret in ["planted-p", "planted-w", "planted.", "planted-c", "planted-v", &good, &session] {
        assert!(!said.contains(secret), "{secret} in an answer: {said}");
        assert!(!log.contains(secret), "{secret} in the log: {log}");
    }
}
