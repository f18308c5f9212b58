//! What goes wrong: a Redis that is away, full, closed or of another kind. The door and the other destinations go on.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::scene::{live, page, until_delivered, until_state};
use crate::support::{Config, RedisServer, Router, batch, free_port, ids_of, opentrack, track, until};

fn last_words(entry: &Value) -> &str {
    entry["last_error"]["message"].as_str().unwrap_or_default()
}

#[tokio::test]
async fn a_redis_that_is_away_at_the_start_and_later_stops_nobody_else() {
    let Some(mut server) = RedisServer::start() else { return };
    let site = server.site();
    server.crash();
    let router = Router::start(live(Config::new(), &site.url, "")).await;
    let first = [track("u", 1), page("a", "/")];
    router.post("/v1/batch", &batch(&first)).await.expect_success();
    router.until_rows("tracks", &ids_of(&first[..1])).await;
    until("it is told", 20, async || router.destination("live").await["last_error"].is_object()).await;
    server.start_again();
    site.until_events(2).await;
    server.crash();
    let second = [track("u", 2), page("b", "/")];
    router.post("/v1/batch", &batch(&second)).await.expect_success();
    router.until_rows("tracks", &ids_of(&second[..1])).await;
    assert_eq!(router.get("/health").await.status, 200);
    server.start_again();
    site.until_events(4).await;
    assert_eq!(router.dead_letters(), "");
}

#[tokio::test]
async fn what_has_become_too_old_leaves_no_backlog_though_redis_is_away() {
    let url = format!("redis://127.0.0.1:{}", free_port());
    let router = Router::start(live(Config::default(), &url, "")).await;
    let soon_too_old =
        opentrack::telemetry::clock::now() - jiff::SignedDuration::from_millis(7_200_000 - 2_000);
    let mut events: Vec<Value> = (0..50).map(|n| page(&format!("v{n}"), "/")).collect();
    events.iter_mut().for_each(|event| event["timestamp"] = json!(soon_too_old.to_string()));
    router.post("/v1/batch", &batch(&events)).await.expect_success();
    until("they are tried", 20, async || router.destination("live").await["last_error"].is_object()).await;
    until("they are skipped", 30, async || {
        let entry = router.destination("live").await;
        entry["counts"]["skipped"]["too_old"] == 50 && entry["backlog"]["events"] == 0
    })
    .await;
    assert_eq!(router.dead_letters(), "");
}

#[tokio::test]
async fn a_wrong_password_holds_and_is_never_repeated() {
    let Some(server) = RedisServer::start() else { return };
    let site = server.site();
    let right = "right-pass/word#1";
    site.ask::<()>(&["CONFIG", "SET", "requirepass", right]);
    let port = site.url.rsplit(':').next().unwrap();
    let table = "[destinations.live]\ntype = \"redis\"\nbatch = { max_delay = \"50ms\" }\n\
                 retry = { initial = \"50ms\", max = \"200ms\" }\nhold = { probe_every = \"200ms\" }";
    let config = |password: &str| {
        let config = Config::default().table(table).env("REDIS_HOST", "127.0.0.1").env("REDIS_PORT", port);
        config.env("REDIS_PASSWORD", password)
    };
    let mut router = Router::start(config("wr0ng-password")).await;
    router.post("/v1/batch", &batch(&[page("a", "/")])).await.expect_success();
    let held = until_state(&router, "held").await;
    assert!(last_words(&held).contains("WRONGPASS") && last_words(&held).contains("`url`"), "{held}");
    let shown = format!("{held} {} {}", router.get("/metrics").await.text, router.log());
    assert!(!shown.contains("wr0ng-password"), "{shown}");
    router.stop().await;
    router.write_config(config(right));
    router.start_again().await;
    until_delivered(&router, 1).await;
    router.stop().await;
    router.write_config(live(Config::default(), &site.url, ""));
    router.start_again().await;
    router.post("/v1/batch", &batch(&[page("b", "/")])).await.expect_success();
    let held = until_state(&router, "held").await;
    assert_eq!(held["reason"], "unauthorized", "without any password: {held}");
}

#[tokio::test]
async fn a_user_needs_the_rights_that_the_message_names_and_no_others() {
    let Some(server) = RedisServer::start() else { return };
    let site = server.site();
    let set = |words: &[&str]| site.ask::<()>(&[&["ACL", "SETUSER", "app"], words].concat());
    set(&["on", ">app-password", "~ot:*", "+@read", "+@write", "+@scripting", "+ping", "+select", "-zadd"]);
    let url = site.url.replace("redis://", "redis://app:app-password@") + "/2";
    let (is_fine, said) = probe(&url, "");
    assert!(!is_fine && said.contains("+@scripting"), "{said}");
    let router = Router::start(live(Config::default(), &url, "")).await;
    router.post("/v1/batch", &batch(&[page("a", "/")])).await.expect_success();
    let held = until_state(&router, "held").await;
    assert_eq!(held["reason"], "forbidden", "{held}");
    set(&["+zadd"]);
    until_delivered(&router, 1).await;
    let (is_fine, said) = probe(&url, "");
    assert!(is_fine, "{said}");
    let left: Vec<String> = site.ask(&["KEYS", "*"]);
    assert!(left.is_empty(), "database 2 is used, and a probe leaves nothing: {left:?}");
    set(&["resetkeys", "~other:*"]);
    let (is_fine, said) = probe(&url, "");
    assert!(!is_fine && said.contains("forbidden"), "{said}");
}

#[tokio::test]
async fn a_full_memory_holds_until_there_is_room() {
    let Some(server) = RedisServer::start() else { return };
    let site = server.site();
    let router = Router::start(live(Config::default(), &site.url, "")).await;
    site.ask::<()>(&["CONFIG", "SET", "maxmemory", "1"]);
    router.post("/v1/batch", &batch(&[page("a", "/"), page("b", "/")])).await.expect_success();
    let held = until_state(&router, "held").await;
    assert!(last_words(&held).contains("OOM") && last_words(&held).contains("maxmemory"), "{held}");
    site.ask::<()>(&["CONFIG", "SET", "maxmemory", "0"]);
    site.until_events(2).await;
    assert_eq!(router.dead_letters(), "");
}

#[tokio::test]
async fn a_replica_is_no_place_to_write_until_it_is_the_primary() {
    let Some(server) = RedisServer::start() else { return };
    let site = server.site();
    let router = Router::start(live(Config::default(), &site.url, "")).await;
    site.ask::<()>(&["CONFIG", "SET", "replica-serve-stale-data", "yes"]);
    site.ask::<()>(&["REPLICAOF", "127.0.0.1", &free_port().to_string()]);
    router.post("/v1/batch", &batch(&[page("a", "/")])).await.expect_success();
    until("it is told", 20, async || last_words(&router.destination("live").await).contains("READONLY"))
        .await;
    assert_ne!(router.destination("live").await["state"], "held", "another server may be the primary soon");
    site.ask::<()>(&["REPLICAOF", "NO", "ONE"]);
    site.until_events(1).await;
}

#[tokio::test]
async fn a_key_of_another_type_holds_and_its_end_resumes_without_counting_twice() {
    let Some(server) = RedisServer::start() else { return };
    let site = server.site();
    site.ask::<()>(&["SET", &site.key("pages"), "mine"]);
    let router = Router::start(live(Config::default(), &site.url, "")).await;
    router.post("/v1/batch", &batch(&[page("a", "/")])).await.expect_success();
    let held = until_state(&router, "held").await;
    assert!(last_words(&held).contains("WRONGTYPE"), "{held}");
    site.ask::<()>(&["DEL", &site.key("pages")]);
    until_delivered(&router, 1).await;
    assert_eq!((site.events(), site.ask::<i64>(&["ZSCORE", &site.key("pages"), "/"])), (1, 1));
}

#[tokio::test]
async fn a_script_that_the_server_has_forgotten_is_sent_again() {
    let Some(server) = RedisServer::start() else { return };
    let site = server.site();
    let router = Router::start(live(Config::default(), &site.url, "")).await;
    for count in 1..=3 {
        site.ask::<()>(&["SCRIPT", "FLUSH"]);
        router.post("/v1/batch", &batch(&[page("a", "/")])).await.expect_success();
        site.until_events(count).await;
    }
    until_delivered(&router, 3).await;
    let entry = router.destination("live").await;
    assert_eq!((&entry["last_error"], &entry["state"]), (&Value::Null, &json!("flowing")), "{entry}");
    let metrics = router.get("/metrics").await.text;
    for line in [
        "opentrack_pool_connections{destination=\"live\",state=\"idle\"} 1",
        "opentrack_pool_waiting{destination=\"live\"} 0",
    ] {
        assert!(metrics.contains(line), "{line} is not in:\n{metrics}");
    }
}

#[tokio::test]
async fn a_server_that_says_nothing_is_told_of() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("redis://:geheim99@127.0.0.1:{}", silent.local_addr().unwrap().port());
    let router = Router::start(live(Config::default(), &url, "timeout = \"500ms\"\n")).await;
    router.post("/v1/batch", &batch(&[page("a", "/")])).await.expect_success();
    let told = async || last_words(&router.destination("live").await).contains("timed out");
    until("it is told", 20, told).await;
}

/// Returns whether `check --probe` is content with this address, and what it said.
fn probe(url: &str, ca_file: &str) -> (bool, String) {
    let dir = tempfile::tempdir().unwrap();
    let config = format!("[destinations.live]\ntype = \"redis\"\nurl = \"{url}\"\nca_file = \"{ca_file}\"\n");
    std::fs::write(dir.path().join("config.toml"), config).unwrap();
    let probe = opentrack().args(["check", "--probe"]).current_dir(dir.path()).output().unwrap();
    let said = String::from_utf8_lossy(&probe.stdout).into_owned() + &String::from_utf8_lossy(&probe.stderr);
    (probe.status.success(), said)
}

/// The files of the tests' own authority, which signed a certificate for `localhost`.
fn tls_file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/postgres/tls").join(name)
}

#[tokio::test]
async fn a_certificate_is_checked_for_its_authority_and_its_name() {
    let Some(server) = RedisServer::start() else { return };
    let site = server.site();
    let path = |name: &str| tls_file(name).to_str().unwrap().to_owned();
    let port = free_port().to_string();
    let (cert, key, ca) = (path("server.pem"), path("server.key"), path("ca.pem"));
    site.ask::<()>(&["CONFIG", "SET", "tls-cert-file", &cert, "tls-key-file", &key, "tls-ca-cert-file", &ca]);
    site.ask::<()>(&["CONFIG", "SET", "tls-auth-clients", "no"]);
    site.ask::<()>(&["CONFIG", "SET", "tls-port", &port]);
    for (host, ca_file, is_fine) in
        [("localhost", &*ca, true), ("localhost", "", false), ("127.0.0.1", &ca, false)]
    {
        let (found, said) = probe(&format!("rediss://{host}:{port}"), ca_file);
        assert_eq!(found, is_fine, "{host} {ca_file}: {said}");
        assert!(is_fine || said.contains("tls"), "{said}");
    }
    let config =
        live(Config::default(), &format!("rediss://localhost:{port}"), &format!("ca_file = \"{ca}\""));
    let router = Router::start(config).await;
    router.post("/v1/batch", &batch(&[page("a", "/")])).await.expect_success();
    site.until_events(1).await;
}
