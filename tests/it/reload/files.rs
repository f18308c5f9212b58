//! How a change is noticed, and what is refused.

use std::fs;
use std::io::Write;
use std::net::TcpStream;
use std::os::unix::fs::symlink;

use super::{config_check, send, until_destination, with_hook};
use crate::support::{Config, Receiver, Reply, Router, track, until, until_some};

#[tokio::test]
async fn an_invalid_file_is_refused_as_a_whole_and_the_next_valid_one_repairs_it() {
    let receivers = [Receiver::start(), Receiver::start()];
    let good = |receiver: &Receiver| Config::new().webhook("hook", &receiver.url(), "");
    let mut router = Router::start(good(&receivers[0])).await;
    assert_eq!(config_check(&router).await["ok"], true);
    let bad = "[destinations.third]\ntype = \"webhok\"\n[limits]\nper_iq = 1";
    router.write_config(good(&receivers[1]).table(bad));
    let check = until_some("the file is refused", 10, async || {
        Some(config_check(&router).await).filter(|check| check["ok"] == false)
    })
    .await;
    let message = check["message"].as_str().expect("a message").to_owned();
    let text = fs::read_to_string(router.dir().join("config.toml")).unwrap();
    for wrong in ["webhok", "per_iq"] {
        let line = text.lines().position(|line| line.contains(wrong)).unwrap() + 1;
        assert!(message.contains(&format!("config.toml:{line}:")), "`{wrong}` has its place: {message}");
    }
    assert!(router.log().contains("is refused, the one before stays"), "{}", router.log());
    for order in ["pause", "resume"] {
        let output = router.run(&["destinations", order, "hook"]);
        assert!(output.status.success(), "its operator can still {order} it: {output:?}");
    }
    let ids = send(&router, "u", 3).await;
    receivers[0].until_taken(&ids).await;
    router.reconfigure(good(&receivers[1])).await;
    assert_eq!(config_check(&router).await["ok"], true);
    let more = send(&router, "u", 3).await;
    receivers[1].until_taken(&more).await;
    assert_eq!((receivers[0].taken_ids(), receivers[1].taken_ids()), (ids, more));
}

#[tokio::test]
async fn a_file_that_is_gone_and_back_again_changes_nothing() {
    let receiver = Receiver::start();
    let mut router = Router::start(Config::new().webhook("hook", &receiver.url(), "")).await;
    fs::remove_file(router.dir().join("config.toml")).unwrap();
    until("its loss is noticed", 10, async || config_check(&router).await["ok"] == false).await;
    let ids = send(&router, "u", 3).await;
    receiver.until_taken(&ids).await;
    router.write_config(Config::new().webhook("hook", &receiver.url(), ""));
    until("it is back", 10, async || config_check(&router).await["ok"] == true).await;
    assert_eq!(router.times_applied(), 0);
}

#[tokio::test]
async fn what_has_to_wait_for_the_next_start_is_named_and_the_rest_is_applied() {
    let receiver = Receiver::start();
    let mut router = Router::start(Config::new()).await;
    let config = Config::new()
        .server("shutdown_timeout = \"7s\"")
        .table("[journal]\nretention = \"8d\"")
        .webhook("hook", &receiver.url(), "");
    router.reconfigure(config).await;
    let ids = send(&router, "u", 3).await;
    receiver.until_taken(&ids).await;
    let check = config_check(&router).await;
    let message = check["message"].as_str().unwrap();
    assert_eq!(check["ok"], true, "{check}");
    assert!(message.contains("server.shutdown_timeout") && message.contains("journal.retention"), "{check}");
    assert!(message.contains("takes effect at the next start"), "{check}");
    let waits = "`journal.retention` takes effect at the next start";
    until("the log says so", 5, async || router.log().contains(waits)).await;
    router.restart().await;
    let check = config_check(&router).await;
    assert!(!check["message"].as_str().unwrap().contains("next start"), "{check}");
}

#[tokio::test]
async fn a_hangup_reads_the_files_at_once_and_says_when_nothing_changed() {
    let receiver = Receiver::start();
    let mut router = Router::start(Config::new()).await;
    router.sighup();
    until("nothing changed", 10, async || router.log().contains("nothing changed")).await;
    router.write_config(Config::new().webhook("hook", &receiver.url(), ""));
    router.sighup();
    until("the change is in force", 10, async || router.times_applied() == 1).await;
    router.sighup();
    until("nothing changed", 10, async || router.log().matches("nothing changed").count() == 2).await;
    let ids = send(&router, "u", 3).await;
    receiver.until_taken(&ids).await;
    assert_eq!(router.times_applied(), 1, "the same change is not noticed again");
}

#[tokio::test]
async fn a_router_that_is_stopping_applies_nothing_and_stops_well() {
    let mut router = Router::start(Config::new()).await;
    let body = track("u", 1).to_string();
    let (first, second) = body.split_at(body.len() / 2);
    let mut stream = TcpStream::connect(("127.0.0.1", router.port())).unwrap();
    let length = body.len();
    let head = format!("POST /v1/track HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n");
    stream.write_all(format!("{head}{first}").as_bytes()).unwrap();
    // The connection before this request was accepted first.
    assert_eq!(router.get("/health").await.status, 200);
    router.sigterm();
    until("it is stopping", 10, async || router.log().contains("stopping: the door closes")).await;
    router.write_config(Config::new().webhook("hook", "http://127.0.0.1:9/", ""));
    router.sighup();
    stream.write_all(second.as_bytes()).unwrap();
    assert_eq!(router.until_exit(25).await.code(), Some(0), "{}", router.log());
    assert_eq!(router.times_applied(), 0, "{}", router.log());
    router.start_again().await;
    assert_eq!(router.destination("hook").await["enabled"], true);
}

#[tokio::test]
async fn a_secret_in_the_env_file_is_changed_without_touching_the_configuration() {
    let receiver = Receiver::scripted(|request| match request.headers["authorization"].as_str() {
        "right" => Reply::Status(200),
        _ => Reply::Status(401),
    });
    let config = with_hook(&receiver.url(), "headers = { authorization = \"${HOOK_KEY:-wrong}\" }");
    let router = Router::start(config).await;
    let ids = send(&router, "u", 3).await;
    until_destination(&router, "hook", "it is held", |one| one["state"] == "held").await;
    fs::write(router.dir().join(".env"), "HOOK_KEY=right\n").unwrap();
    receiver.until_taken(&ids).await;
    let log = router.log();
    assert!(log.contains("destinations.hook") && !log.contains("right"), "{log}");
}

#[tokio::test]
async fn the_key_of_tokens_in_the_env_file_is_exchanged() {
    let router = Router::start(Config::new()).await;
    let [one, two] = ["one-key-of-tokens-and-long-enough-", "another-key-of-tokens-long-enough-"];
    let change = async |text: String, times| {
        fs::write(router.dir().join(".env"), text).unwrap();
        until("the change is in force", 10, async || router.times_applied() == times).await;
    };
    let mint = || {
        let mut command = crate::support::opentrack();
        let command = command.args(["token", "--scope", "read:ops", "--ttl", "1h", "--config"]);
        let output = command.arg(router.dir().join("config.toml")).output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    // Who comes through a proxy is asked who they are.
    let status = async |token: &str| {
        let request = router.request("GET", "/api/destinations").header("via", "1.1 proxy");
        request.bearer_auth(token).send().await.unwrap().status().as_u16()
    };
    let generated = mint();
    change(format!("JWT_SECRET={one}\n"), 1).await;
    let first = mint();
    assert_eq!((status(&generated).await, status(&first).await), (401, 200));
    change(format!("JWT_SECRET={two}\nJWT_SECRET_OLD={one}\n"), 2).await;
    let second = mint();
    assert_eq!((status(&first).await, status(&second).await), (200, 200));
    change(format!("JWT_SECRET={two}\n"), 3).await;
    assert_eq!((status(&first).await, status(&second).await), (401, 200));
    let log = router.log();
    assert!(log.contains("changed JWT_SECRET_OLD") && !log.contains(one) && !log.contains(two), "{log}");
}

#[tokio::test]
async fn a_replaced_directory_of_a_config_map_is_noticed() {
    let receiver = Receiver::start();
    let mut router = Router::start(Config::new()).await;
    let path = |name: &str| router.dir().join(name);
    let text = fs::read_to_string(path("config.toml")).unwrap();
    for version in ["..1", "..2"] {
        fs::create_dir(path(version)).unwrap();
        fs::write(path(version).join("config.toml"), &text).unwrap();
    }
    symlink("..1", path("..data")).unwrap();
    symlink("..data/config.toml", path("config.toml.new")).unwrap();
    fs::rename(path("config.toml.new"), path("config.toml")).unwrap();
    let table = format!("[destinations.hook]\ntype = \"webhook\"\nurl = \"{}\"\n", receiver.url());
    fs::write(path("..2").join("config.toml"), text + &table).unwrap();
    symlink("..2", path("..data.new")).unwrap();
    fs::rename(path("..data.new"), path("..data")).unwrap();
    until("the change is in force", 10, async || router.times_applied() == 1).await;
    let ids = send(&router, "u", 3).await;
    receiver.until_taken(&ids).await;
    router.stop().await;
}
