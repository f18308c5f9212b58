//! `opentrack schema`: what events would change in a warehouse is said before it happens, and nothing happens by saying it.

use std::io::Write as _;
use std::path::Path;
use std::process::{Output, Stdio};

use serde_json::{Value, json};

use crate::support::{Config, Router, batch, opentrack};

/// Runs a command in this directory with this text as standard input.
fn schema_in(dir: &Path, arguments: &[&str], input: &str) -> Output {
    let mut command = opentrack();
    command.arg("schema").args(arguments).current_dir(dir).stdin(Stdio::piped());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // A command that is wrong ends before it reads.
    child.stdin.take().unwrap().write_all(input.as_bytes()).ok();
    child.wait_with_output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn viewed(id: &str, properties: &Value) -> Value {
    json!({ "type": "track", "event": "Viewed", "userId": "u", "messageId": id, "properties": properties })
}

/// A router whose warehouse has one event with a whole number and a count.
async fn with_one_event() -> Router {
    let router = Router::start(Config::new()).await;
    let event = viewed("m1", &json!({ "n": 1, "age": 5 }));
    router.post("/v1/batch", &batch(std::slice::from_ref(&event))).await.expect_success();
    router.until_rows("viewed", &["m1".to_owned()]).await;
    router
}

#[tokio::test]
async fn events_that_fit_change_nothing_and_others_are_told_before_they_come() {
    let router = with_one_event().await;
    let before = router.db().query("SELECT name, sql FROM sqlite_schema ORDER BY name");
    let same = schema_in(router.dir(), &["plan"], &viewed("m1", &json!({ "n": 2, "age": 6 })).to_string());
    assert_eq!(same.status.code(), Some(0), "{same:?}");
    assert!(stdout(&same).contains("DDL: none"), "{}", stdout(&same));

    let events = [
        viewed("m2", &json!({ "n": 1.5, "ratio": 0.5, "user_id": "not yours" })),
        viewed("m3", &json!({ "n": 3, "ratio": 1 })),
        json!({ "type": "track", "event": "Order Completed", "userId": "u", "messageId": "m4" }),
    ];
    let changed = schema_in(router.dir(), &["plan", "-"], &batch(&events).to_string());
    assert_eq!(changed.status.code(), Some(2), "{changed:?}");
    let text = stdout(&changed);
    for line in [
        "+ table order_completed (11 columns)",
        "+ viewed.ratio REAL: 2 rows",
        "~ viewed.n INTEGER → REAL: 1 of 2 rows has a fraction; stored integers beyond 2^53 would be rounded",
        "- user_id in viewed: has no column of its own, kept in _unmapped, 1 row",
        "DDL: 3 statements (--ddl prints)",
    ] {
        assert!(text.lines().any(|one| one == line), "`{line}` is not in\n{text}");
    }
    let after = router.db().query("SELECT name, sql FROM sqlite_schema ORDER BY name");
    assert_eq!(after, before, "a plan changes nothing");
}

#[tokio::test]
async fn a_value_that_does_not_fit_is_told_with_its_column() {
    let router = with_one_event().await;
    let event = viewed("m2", &json!({ "age": "about five" }));
    let output = schema_in(router.dir(), &["plan"], &event.to_string());
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    let line = "! viewed.age INTEGER ← \"about five\": kept in _unmapped.age, 1 × (last m2)";
    assert!(stdout(&output).lines().any(|one| one == line), "{}", stdout(&output));
    let json = schema_in(router.dir(), &["plan", "--json"], &event.to_string());
    assert_eq!(json.status.code(), Some(3));
    let json: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(json["conflicts"][0]["column"], "age");
    assert_eq!(json["conflicts"][0]["last_message_id"], "m2");
    assert_eq!(json["kept"], json!([]), "a value is told once");
}

#[test]
fn the_statements_of_a_plan_make_tables_that_the_same_events_fit() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("config.toml"), "[destinations.warehouse]\ntype = \"sqlite\"").unwrap();
    let event = viewed("m1", &json!({ "n": 1.5, "ok": true })).to_string();
    let output = schema_in(dir.path(), &["plan", "--against", "empty", "--ddl"], &event);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let database = rusqlite::Connection::open_in_memory().unwrap();
    database.execute_batch(&stdout(&output)).unwrap();
    let columns =
        "SELECT count(*) FROM pragma_table_info('viewed') WHERE name IN ('id', 'n', 'ok', '_unmapped')";
    assert_eq!(database.query_row(columns, [], |row| row.get::<_, i64>(0)).unwrap(), 4);
    let files: Vec<_> =
        std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(files, ["config.toml"], "nothing is made");
}

#[test]
fn with_several_warehouses_one_has_to_be_named() {
    let dir = tempfile::tempdir().unwrap();
    let config = "[destinations.one]\ntype = \"sqlite\"\n[destinations.two]\ntype = \"sqlite\"\npath = \"two.db\"\n\
                  [destinations.hook]\ntype = \"webhook\"\nurl = \"https://hooks.example/\"\n";
    std::fs::write(dir.path().join("config.toml"), config).unwrap();
    let event = viewed("m1", &json!({})).to_string();
    let code = |arguments: &[&str]| {
        let output = schema_in(dir.path(), arguments, &event);
        (output.status.code(), stderr(&output))
    };
    let (exit, said) = code(&["plan"]);
    assert!(exit == Some(64) && said.contains("one, two"), "{said}");
    assert_eq!(code(&["plan", "--destination", "two"]).0, Some(2));
    let (exit, said) = code(&["plan", "--destination", "hook"]);
    assert!(exit == Some(64) && said.contains("no warehouse is named `hook`"), "{said}");
}

#[test]
fn what_cannot_be_read_is_a_failure_beside_the_plan() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("config.toml"), "[destinations.warehouse]\ntype = \"sqlite\"").unwrap();
    let lines = format!("{}\nno json\n", viewed("m1", &json!({})));
    let output = schema_in(dir.path(), &["plan"], &lines);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(
        stdout(&output).contains("+ table viewed") && stderr(&output).contains("standard input:2"),
        "{output:?}"
    );
    let nothing = schema_in(dir.path(), &["plan"], "");
    assert_eq!(nothing.status.code(), Some(64), "{nothing:?}");
}

#[test]
fn no_statement_waits_where_nothing_has_died() {
    let dir = tempfile::tempdir().unwrap();
    let config = format!(
        "[server]\nlisten = [\"127.0.0.1:{}\"]\n[destinations.warehouse]\ntype = \"sqlite\"",
        crate::support::free_port()
    );
    std::fs::write(dir.path().join("config.toml"), config).unwrap();
    let output = schema_in(dir.path(), &["ddl"], "");
    assert_eq!((output.status.code(), stdout(&output)), (Some(0), String::new()), "{output:?}");
    assert!(stderr(&output).contains("no statement waits"), "{}", stderr(&output));
    let output = schema_in(dir.path(), &["conflicts"], "");
    assert_eq!(output.status.code(), Some(69), "conflicts are counted by a running router: {output:?}");
}
