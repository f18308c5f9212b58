//! What the command line says of this warehouse: settings, probes, plans of schemas, and the exact requests.

use std::fs;
use std::process::Output;

use serde_json::{Value, json};

use super::scene::{Scene, named};
use crate::support::{ClickHouse, opentrack};

/// A directory with a configuration of one destination and a file of events.
struct Desk(tempfile::TempDir);

impl Desk {
    fn new(lines: &str, events: &[Value]) -> Desk {
        let dir = tempfile::tempdir().unwrap();
        let config =
            format!("[server]\ndata_dir = \"data\"\n\n[destinations.ch]\ntype = \"clickhouse\"\n{lines}\n");
        fs::write(dir.path().join("config.toml"), config).unwrap();
        let lines: Vec<String> = events.iter().map(Value::to_string).collect();
        fs::write(dir.path().join("events.ndjson"), lines.join("\n")).unwrap();
        Desk(dir)
    }

    fn run(&self, args: &[&str]) -> Output {
        opentrack().args(args).current_dir(self.0.path()).output().unwrap()
    }

    fn text(&self, args: &[&str]) -> String {
        let output = self.run(args);
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
    }
}

#[test]
fn the_environment_alone_switches_it_on() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("config.toml"), "[server]\ndata_dir = \"data\"\n").unwrap();
    let mut command = opentrack();
    command.args(["check", "--json"]).current_dir(dir.path());
    let variables = [
        ("CLICKHOUSE_HOST", "ch.example"),
        ("CLICKHOUSE_PORT", "8124"),
        ("CLICKHOUSE_USER", "router"),
        ("CLICKHOUSE_PASSWORD", "geheim0123456789"),
        ("CLICKHOUSE_DATABASE", "analytics"),
        ("CLICKHOUSE_TLS", "true"),
    ];
    let output = command.envs(variables).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("clickhouse") && !said.contains("geheim"), "{said}");
    fs::write(dir.path().join("events.ndjson"), named("Ping", &json!({})).to_string()).unwrap();
    let mut command = opentrack();
    command.args(["explain", "events.ndjson", "--json"]).current_dir(dir.path());
    let said = String::from_utf8_lossy(&command.envs(variables).output().unwrap().stdout).into_owned();
    assert!(said.contains("https://ch.example:8124/?async_insert=0"), "{said}");
    assert!(said.contains("INSERT INTO `analytics`.`events`") && !said.contains("geheim"), "{said}");
}

#[test]
fn wrong_settings_are_all_said_at_once_with_their_places() {
    let desk = Desk::new("url = \"tcp://ch:9000\"\nttl = \"soon\"\nlayout = \"wide\"", &[]);
    let said = desk.text(&["check"]);
    assert!(said.contains("config.toml:8:10") && said.contains("layout"), "{said}");
    let desk = Desk::new("url = \"tcp://ch:9000\"\nttl = \"soon\"\nmax_depth = 0", &[]);
    let output = desk.run(&["check"]);
    let said = desk.text(&["check"]);
    assert_eq!(output.status.code(), Some(64), "{said}");
    for part in
        ["must begin with http:// or https://", "must be a number of days", "must be between 1 and 100"]
    {
        assert!(said.contains(part), "{part}: {said}");
    }
}

#[tokio::test]
async fn a_probe_tries_the_server_and_says_what_is_wrong() {
    let clickhouse = ClickHouse::with(&["--password", "geheim0123456789"]);
    let lines = |password: &str| format!("url = \"{}\"\npassword = \"{password}\"", clickhouse.url());
    let good = Desk::new(&lines("geheim0123456789"), &[]).run(&["check", "--probe"]);
    assert!(good.status.success(), "{}", String::from_utf8_lossy(&good.stdout));
    let desk = Desk::new(&lines("falsch0123456789"), &[]);
    let bad = desk.run(&["check", "--probe"]);
    assert_eq!(bad.status.code(), Some(69));
    let said = desk.text(&["check", "--probe"]);
    assert!(
        said.contains("unauthorized") && said.contains("Code: 516") && !said.contains("falsch"),
        "{said}"
    );
    let old = ClickHouse::with(&["--version", "18.16.1"]);
    let said = Desk::new(&format!("url = \"{}\"", old.url()), &[]).text(&["check", "--probe"]);
    assert!(said.contains("ClickHouse 18.16.1 is too old: 22.8 or later is needed"), "{said}");
}

#[tokio::test]
async fn a_plan_shows_tables_and_statements_and_the_statements_run() {
    let scene = Scene::segment("").await;
    let ids = scene.send(&[named("Thing", &json!({ "n": 1 }))]).await;
    scene.until_in("thing", &ids).await;
    let events =
        [named("Thing", &json!({ "n": 1.5, "color": "red" })), named("Other", &json!({ "x": true }))];
    let lines = format!("url = \"{}\"\nlayout = \"segment\"", scene.clickhouse.url());
    let desk = Desk::new(&lines, &events);
    let output = desk.run(&["schema", "plan", "events.ndjson", "--against", "live", "--json"]);
    assert_eq!(output.status.code(), Some(2), "{}", String::from_utf8_lossy(&output.stderr));
    let plan: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(plan["create"][0]["table"], "other");
    assert_eq!(plan["add"][0]["column"], "color");
    assert_eq!(
        (&plan["widen"][0]["from"], &plan["widen"][0]["type"]),
        (&json!("Nullable(Int64)"), &json!("Nullable(Float64)"))
    );
    let ddl = desk.text(&["schema", "plan", "events.ndjson", "--against", "live", "--ddl"]);
    for statement in ddl.split(";\n").filter(|statement| !statement.trim().is_empty()) {
        scene.clickhouse.execute(statement.trim().trim_end_matches(';')).await;
    }
    assert_eq!(scene.clickhouse.columns("other").await["x"], "Nullable(Bool)");
    assert_eq!(scene.clickhouse.columns("thing").await["n"], "Nullable(Float64)");
    let output = desk.run(&["schema", "plan", "events.ndjson", "--against", "live", "--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stdout));
}

#[tokio::test]
async fn the_statements_of_the_wide_table_and_its_rollups_run() {
    let clickhouse = ClickHouse::start();
    clickhouse.execute("CREATE DATABASE opentrack").await;
    let lines = format!("url = \"{}\"", clickhouse.url());
    let desk = Desk::new(&lines, &[named("Thing", &json!({}))]);
    let ddl = desk.text(&["schema", "plan", "events.ndjson", "--against", "empty", "--ddl"]);
    let statements: Vec<&str> =
        ddl.split(";\n").map(str::trim).filter(|statement| !statement.is_empty()).collect();
    assert_eq!(statements.len(), 15, "{ddl}");
    for statement in statements {
        clickhouse.execute(statement.trim_end_matches(';')).await;
    }
    let output = desk.run(&["schema", "plan", "events.ndjson", "--against", "live"]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn an_explanation_shows_the_exact_request_and_no_secret() {
    let lines = "url = \"https://u:geheim0123456789@ch.example/?x=geheim0123456789\"\nlayout = \"segment\"";
    let desk = Desk::new(lines, &[named("Thing", &json!({ "n": 1 }))]);
    let output = desk.run(&["explain", "events.ndjson", "--json"]);
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    let requests = said[0]["destinations"][0]["requests"].as_array().unwrap();
    let bodies: Vec<&str> = requests.iter().filter_map(|one| one["body"].as_str()).collect();
    assert_eq!(bodies.len(), 2, "{said}");
    assert!(
        bodies[0].starts_with("INSERT INTO `opentrack`.`thing` (`_unmapped`")
            || bodies[0].contains("FORMAT JSONEachRow\n{"),
        "{said}"
    );
    assert_eq!(said[0]["destinations"][0]["rows"].as_array().map(Vec::len), Some(2), "{said}");
    assert!(!said.to_string().contains("geheim"), "{said}");
}
