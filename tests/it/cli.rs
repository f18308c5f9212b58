//! The command line: exit codes, what is said where, and what is refused before anything starts.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::Output;

use serde_json::{Value, json};

use crate::support::{Config, Router, batch, free_port, fresh_id, ids_of, opentrack, track};

/// What the process said, on both of its outputs.
fn words(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Writes a configuration and runs a command with it, in its directory.
fn run(dir: &Path, config: &str, arguments: &[&str]) -> Output {
    fs::write(dir.join("config.toml"), config).expect("the file can be written");
    opentrack().args(arguments).current_dir(dir).output().expect("the binary runs")
}

fn check(config: &str) -> Output {
    let dir = tempfile::tempdir().expect("a temporary directory can be made");
    run(dir.path(), config, &["check", "config.toml"])
}

#[test]
fn check_says_that_a_good_file_is_good() {
    let output =
        check("[server]\nlisten = [\"127.0.0.1:3999\"]\n[destinations.warehouse]\ntype = \"sqlite\"\n");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
}

#[test]
fn check_lists_every_problem_with_its_position() {
    let config = "[server]\nlisten = [\"nowhere\"]\nmax_body_bytes = \"lots\"\n\n[journal]\nretention = \"soon\"\n\
                  on_full = \"explode\"\n\n[destinations.hook]\ntype = \"webhook\"\nenabled = true\n";
    let output = check(config);
    assert_eq!(output.status.code(), Some(64), "{output:?}");
    let words = words(&output);
    for (line, word) in [(2, "listen"), (3, "max_body_bytes"), (6, "retention"), (7, "on_full")] {
        let at = format!("config.toml:{line}:");
        assert!(words.contains(&at) && words.contains(word), "nothing about {at} {word} in\n{words}");
    }
    assert!(words.contains("url"), "the missing setting is named:\n{words}");
}

#[test]
fn an_unknown_key_is_an_error_with_a_suggestion() {
    let output = check("[server]\nmax_bodi_bytes = \"5MiB\"\n");
    assert_eq!(output.status.code(), Some(64), "{output:?}");
    let words = words(&output);
    assert!(words.contains("config.toml:2:1"), "{words}");
    assert!(words.contains("max_bodi_bytes") && words.contains("did you mean `max_body_bytes`"), "{words}");
}

#[test]
fn text_that_is_no_toml_is_an_error_with_its_position() {
    let output = check("[server]\nlisten = [\n");
    assert_eq!(output.status.code(), Some(64), "{output:?}");
    assert!(words(&output).contains("config.toml:"), "{output:?}");
}

#[test]
fn an_environment_variable_that_is_missing_is_named() {
    let output = check("[destinations.hook]\ntype = \"webhook\"\nurl = \"${NO_SUCH_URL}\"\n");
    assert_eq!(output.status.code(), Some(64), "{output:?}");
    assert!(words(&output).contains("NO_SUCH_URL"), "{output:?}");
}

#[test]
fn a_named_file_that_is_missing_is_an_error() {
    for command in ["check", "serve"] {
        let mut process = opentrack();
        process.arg(command);
        if command == "serve" {
            process.arg("--config");
        }
        let output = process.arg("/nowhere/config.toml").output().unwrap();
        assert_eq!(output.status.code(), Some(64), "{command}: {output:?}");
        assert!(words(&output).contains("/nowhere/config.toml"), "{command}: {output:?}");
    }
}

#[test]
fn an_unknown_command_is_bad_usage() {
    assert_eq!(opentrack().arg("fly").output().unwrap().status.code(), Some(64));
    assert_eq!(opentrack().args(["check", "--no-such-flag"]).output().unwrap().status.code(), Some(64));
    assert_eq!(opentrack().arg("--help").output().unwrap().status.code(), Some(0));
    assert_eq!(opentrack().arg("--version").output().unwrap().status.code(), Some(0));
}

#[test]
fn keys_new_prints_a_fresh_key_each_time() {
    let key = || words(&opentrack().args(["keys", "new"]).output().unwrap());
    let (one, other) = (key(), key());
    assert!(one.trim().len() >= 16 && one != other, "{one} {other}");
}

#[test]
fn an_answer_that_finds_no_room_is_a_failure_and_a_reader_that_left_is_none() {
    let full = fs::OpenOptions::new().write(true).open("/dev/full").expect("this system has one");
    let output = opentrack().args(["keys", "new"]).stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(words(&output).contains("could not be written"), "{output:?}");
    let (reader, writer) = std::io::pipe().expect("a pipe can be made");
    drop(reader);
    let output = opentrack().args(["keys", "new"]).stdout(writer).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
}

#[tokio::test]
async fn sql_reads_in_three_forms_and_never_writes() {
    let router = Router::start(Config::new()).await;
    let mut event = track("u", 7);
    event["messageId"] = json!(fresh_id("sql"));
    event["properties"]["text"] = json!("a, \"b\"");
    let id = ids_of(std::slice::from_ref(&event)).remove(0);
    router.post("/v1/track", &event).await.expect_success();
    router.until_rows("thing_done", std::slice::from_ref(&id)).await;
    let select = "select id, n, text from thing_done";
    let as_json = router.run(&["sql", select, "--json"]);
    assert_eq!(as_json.status.code(), Some(0), "{as_json:?}");
    let rows: Value = serde_json::from_slice(&as_json.stdout).unwrap();
    assert_eq!(rows, json!([{ "id": id, "n": 7, "text": "a, \"b\"" }]));
    let csv = router.run(&["sql", select, "--csv"]);
    let text = String::from_utf8_lossy(&csv.stdout).replace("\r\n", "\n");
    assert_eq!(text, format!("id,n,text\n{id},7,\"a, \"\"b\"\"\"\n"));
    let table = router.run(&["sql", select]);
    assert!(words(&table).contains(&id), "{table:?}");
    let refused = [
        "delete from tracks",
        "insert into tracks (id) values ('x')",
        "drop table tracks",
        "update tracks set id = 'x'",
        "create table t (a)",
        "pragma journal_mode = delete",
        "attach 'other.db' as other",
        "select 1; delete from tracks",
        "with x as (select 1) delete from tracks",
        "no sql at all",
        "select * from no_such_table",
    ];
    for sql in refused {
        let output = router.run(&["sql", sql]);
        assert_eq!(output.status.code(), Some(1), "{sql}: {output:?}");
    }
    assert_eq!(router.db().ids("tracks"), [id]);
}

#[tokio::test]
async fn sql_works_while_no_router_runs() {
    let mut router = Router::start(Config::new()).await;
    let event = track("u", 7);
    router.post("/v1/track", &event).await.expect_success();
    router.until_rows("tracks", &ids_of(&[event])).await;
    router.stop().await;
    let output = router.run(&["sql", "select count(*) as n from tracks", "--json"]);
    assert_eq!(serde_json::from_slice::<Value>(&output.stdout).unwrap(), json!([{ "n": 1 }]), "{output:?}");
}

#[test]
fn a_port_that_is_taken_is_69() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let dir = tempfile::tempdir().unwrap();
    let output = run(dir.path(), &format!("[server]\nlisten = [\"{address}\"]\n"), &["serve"]);
    assert_eq!(output.status.code(), Some(69), "{output:?}");
    assert!(words(&output).contains(&address), "{output:?}");
}

#[tokio::test]
async fn a_data_directory_that_another_router_holds_is_69() {
    let router = Router::start(Config::new()).await;
    let dir = tempfile::tempdir().unwrap();
    let data = router.data();
    let config =
        format!("[server]\nlisten = [\"127.0.0.1:{}\"]\ndata_dir = \"{}\"\n", free_port(), data.display());
    let output = run(dir.path(), &config, &["serve"]);
    assert_eq!(output.status.code(), Some(69), "{output:?}");
    assert!(words(&output).contains(&*data.to_string_lossy()), "{output:?}");
    router.post("/v1/track", &track("u", 1)).await.expect_success();
}

#[test]
fn production_without_a_source_is_64_and_without_secrets_78() {
    let dir = tempfile::tempdir().unwrap();
    let server =
        format!("[server]\nenvironment = \"production\"\nlisten = [\"127.0.0.1:{}\"]\n", free_port());
    let secrets = "SITE_SALT=0123456789abcdef0123456789abcdef\nJWT_SECRET=fedcba9876543210fedcba9876543210\n";
    fs::write(dir.path().join(".env"), secrets).unwrap();
    let output = run(dir.path(), &server, &["serve"]);
    assert_eq!(output.status.code(), Some(64), "{output:?}");
    assert!(words(&output).contains("source"), "{output:?}");

    let with_source = format!("{server}[sources.web]\nwrite_keys = [\"a-key-of-the-source\"]\n");
    let secret = "too-short-to-be-a-secret";
    fs::write(
        dir.path().join(".env"),
        format!("SITE_SALT=0123456789abcdef0123456789abcdef\nJWT_SECRET={secret}\n"),
    )
    .unwrap();
    let short = run(dir.path(), &with_source, &["serve"]);
    assert_eq!(short.status.code(), Some(78), "{short:?}");
    assert!(words(&short).contains("JWT_SECRET") && !words(&short).contains(secret), "{short:?}");

    fs::remove_file(dir.path().join(".env")).unwrap();
    let missing = run(dir.path(), &with_source, &["serve"]);
    assert_eq!(missing.status.code(), Some(78), "{missing:?}");
    assert!(words(&missing).contains("SITE_SALT") && words(&missing).contains("JWT_SECRET"), "{missing:?}");
}

#[tokio::test]
async fn the_destinations_of_a_running_router_are_listed_and_its_absence_is_said() {
    let mut router = Router::start(Config::new()).await;
    let events = [track("u", 1)];
    router.post("/v1/batch", &batch(&events)).await.expect_success();
    router.until_rows("tracks", &ids_of(&events)).await;
    let listed = router.run(&["destinations"]);
    let text = String::from_utf8(listed.stdout).expect("the answer is text");
    assert!(listed.status.success() && text.contains("warehouse") && text.contains("flowing"), "{text}");
    let json = router.run(&["destinations", "--json", "--url", &router.url("/")]);
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).expect("the answer is JSON");
    assert_eq!(json["destinations"][0]["name"], "warehouse");
    router.stop().await;
    let absent = router.run(&["destinations"]);
    assert_eq!(absent.status.code(), Some(69), "{absent:?}");
}

#[tokio::test]
async fn a_token_opens_the_operator_api_of_a_production_router() {
    let secret = "0123456789abcdef0123456789abcdef";
    let config = Config::new()
        .server("environment = \"production\"")
        .table("[sources.web]\nwrite_keys = [\"key\"]")
        .env("SITE_SALT", "another secret of thirty-two bytes!!")
        .env("JWT_SECRET", secret);
    let router = Router::start(config).await;
    assert_eq!(router.get("/api/destinations").await.status, 401);
    let file = router.dir().join("config.toml");
    let mut command = opentrack();
    command.args(["token", "--ttl", "1m", "--config"]).arg(&file);
    command.env("JWT_SECRET", secret).env("SITE_SALT", "another secret of thirty-two bytes!!");
    let printed = command.output().expect("the binary runs");
    let token = String::from_utf8(printed.stdout).expect("a token is text");
    let refused = command.args(["--scope", "admin", "--site", "web"]).output().expect("it runs");
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(refused.status.code() == Some(64) && said.contains("`--site`"), "{said}");
    let request = router.request("GET", "/api/destinations").bearer_auth(token.trim());
    assert_eq!(request.send().await.expect("the router answers").status(), 200);
}
