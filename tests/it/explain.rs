//! `opentrack explain`: what is said about events, in every form in which they may come, and that nothing is sent or
//! opened meanwhile.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Output, Stdio};

use serde_json::{Map, Value, json};

use crate::support::{Config, Receiver, Router, batch, fresh_id, ids_of, opentrack};

const CONFIG: &str = r#"
[destinations.warehouse]
type = "sqlite"
[destinations.hook]
type = "webhook"
url = "https://user:geheim-in-url@hooks.example/in/geheim0123?token=geheim-in-query"
secret = "whsec_Z2VoZWltZ2VoZWltZ2VoZWlt"
headers = { Authorization = "Bearer geheim-in-header", "X-Team" = "geheim-too" }
[destinations.orders]
type = "webhook"
url = "https://orders.example/in"
format = "ndjson"
events = { include = ["track:Order *"] }
[destinations.later]
type = "webhook"
"#;

/// Runs `explain` in a directory of its own with this text as standard input.
fn explain_in(dir: &Path, config: &str, arguments: &[&str], input: &str) -> Output {
    fs::write(dir.join("config.toml"), config).unwrap();
    let mut command = opentrack();
    command.arg("explain").args(arguments).current_dir(dir).stdin(Stdio::piped());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // A command that is wrong ends before it reads.
    child.stdin.take().unwrap().write_all(input.as_bytes()).ok();
    child.wait_with_output().unwrap()
}

fn explain(arguments: &[&str], input: &str) -> Output {
    let dir = tempfile::tempdir().unwrap();
    let output = explain_in(dir.path(), CONFIG, arguments, input);
    let left: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["config.toml"], "nothing is made");
    output
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// The entries of `--json`, of an input that is fine.
fn entries(arguments: &[&str], input: &str) -> Vec<Value> {
    let output = explain(&[arguments, &["--json"]].concat(), input);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn ids(entries: &[Value]) -> Vec<&str> {
    entries.iter().map(|entry| entry["message_id"].as_str().unwrap_or("none")).collect()
}

fn line<'a>(entry: &'a Value, name: &str) -> &'a Value {
    let lines = entry["destinations"].as_array().unwrap();
    lines.iter().find(|line| line["name"] == name).unwrap_or_else(|| panic!("no `{name}` in {entry}"))
}

/// Replaces what differs from run to run: instants and the seconds of `webhook-timestamp`.
fn steady(text: &str) -> String {
    let mut out = String::new();
    for piece in text.split_inclusive(|c: char| !(c.is_ascii_alphanumeric() || ":.-".contains(c))) {
        let end = piece.len() - piece.chars().next_back().map_or(0, char::len_utf8);
        let (word, rest) = if piece.ends_with(|c: char| c.is_ascii_alphanumeric()) {
            (piece, "")
        } else {
            piece.split_at(end)
        };
        let is_instant = word.starts_with("20") && word.contains('T') && word.ends_with('Z');
        let is_seconds = word.len() == 10 && word.bytes().all(|byte| byte.is_ascii_digit());
        out.push_str(if is_instant {
            "<instant>"
        } else if is_seconds {
            "<seconds>"
        } else {
            word
        });
        out.push_str(rest);
    }
    out
}

fn order() -> Value {
    json!({
        "type": "track", "event": "Order Completed", "userId": "u1", "messageId": "m-order",
        "properties": { "total": 42.5, "currency": "EUR", "products": [{ "sku": "a" }] },
    })
}

#[test]
fn people_read_requests_and_rows_with_every_secret_masked() {
    let text = order().to_string().replace("42.5", "42.50");
    let output = explain(&[], &text);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(!stdout(&output).contains("geheim"), "{}", stdout(&output));
    insta::assert_snapshot!(steady(&stdout(&output)));
}

#[test]
fn programs_read_the_same_as_json_byte_for_byte() {
    let text = order().to_string().replace("42.5", "42.50");
    let output = explain(&["-", "--json"], &text);
    assert!(stdout(&output).contains("\"total\":42.50"), "the body is the client's own text");
    assert!(!stdout(&output).contains("geheim"), "{}", stdout(&output));
    let entries: Value = serde_json::from_slice(&output.stdout).unwrap();
    insta::assert_snapshot!(steady(&serde_json::to_string_pretty(&entries).unwrap()));
}

#[test]
fn a_large_body_is_shown_before_compression_and_the_header_is_named() {
    let mut event = order();
    event["properties"]["note"] = "x".repeat(2000).into();
    let entries = entries(&[], &event.to_string());
    let request = &line(&entries[0], "hook")["requests"][0];
    assert_eq!(request["headers"]["content-encoding"], "gzip");
    assert_eq!(request["body"]["batch"][0]["messageId"], "m-order");
}

#[test]
fn skipped_events_say_why() {
    let named = json!({
        "type": "track", "event": "Order Refunded", "userId": "u", "messageId": "a",
        "integrations": { "hook": false, "Warehouses": false },
    });
    let other = json!({ "type": "identify", "userId": "u", "messageId": "b", "integrations": { "All": false, "Hook": true } });
    let entries = entries(&["--all"], &json!([named, other]).to_string());
    let said = |entry: usize, name: &str| {
        let line = line(&entries[entry], name);
        (line["verdict"].as_str().unwrap().to_owned(), line["reason"].as_str().unwrap_or_default().to_owned())
    };
    let pair = |verdict: &str, reason: &str| (verdict.to_owned(), reason.to_owned());
    assert_eq!(said(0, "hook"), pair("skip", "integrations"));
    assert_eq!(said(0, "warehouse"), pair("skip", "integrations"));
    assert_eq!(said(0, "orders"), pair("send", ""));
    assert_eq!(said(0, "later"), pair("skip", "off"));
    assert_eq!(said(1, "hook"), pair("send", ""));
    assert_eq!(said(1, "warehouse"), pair("send", ""));
    assert_eq!(said(1, "orders"), pair("skip", "integrations"), "the event's wish comes before the filter");
    let identify = explain(&["--destination", "orders"], r#"{"type":"identify","userId":"u"}"#);
    assert!(stdout(&identify).contains("orders (webhook): skip, filtered"), "{}", stdout(&identify));
}

#[test]
fn one_destination_alone_and_those_that_are_off_only_when_asked() {
    let names = |arguments: &[&str]| -> Vec<String> {
        let entries = entries(arguments, &order().to_string());
        let lines = entries[0]["destinations"].as_array().unwrap().clone();
        lines.iter().map(|line| line["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&[]), ["hook", "orders", "warehouse"]);
    assert_eq!(names(&["--all"]), ["hook", "later", "orders", "warehouse"]);
    assert_eq!(names(&["--destination", "orders"]), ["orders"]);
    let output = explain(&["--destination", "nobody"], &order().to_string());
    assert_eq!(output.status.code(), Some(64));
    assert!(stderr(&output).contains("`nobody`") && stderr(&output).contains("hook"), "{}", stderr(&output));
}

#[test]
fn an_event_an_array_a_batch_and_lines_are_read() {
    let one = |id: &str| json!({ "type": "page", "name": "Home", "userId": "u", "messageId": id });
    let lines =
        format!("{}\n\n{}\r\n{}\n", one("a"), json!([one("b")]), json!({ "batch": [one("c"), one("d")] }));
    assert_eq!(ids(&entries(&[], &one("a").to_string())), ["a"]);
    assert_eq!(ids(&entries(&[], &serde_json::to_string_pretty(&one("a")).unwrap())), ["a"]);
    assert_eq!(ids(&entries(&[], &json!([one("a"), one("b")]).to_string())), ["a", "b"]);
    assert_eq!(ids(&entries(&[], &lines)), ["a", "b", "c", "d"]);
    let batch = json!({ "batch": [one("a"), one("b")], "context": { "app": { "name": "shop" } } });
    let entries = entries(&[], &batch.to_string());
    assert_eq!(ids(&entries), ["a", "b"]);
    for entry in &entries {
        let request = &line(entry, "hook")["requests"][0];
        assert_eq!(request["body"]["batch"].as_array().map(Vec::len), Some(1), "each event is planned alone");
        assert_eq!(request["body"]["batch"][0]["context"]["app"]["name"], "shop", "as the door merges it");
    }
}

#[test]
fn what_the_door_rejects_appears_in_its_place_with_every_problem() {
    let fine = json!({ "type": "track", "event": "A", "userId": "u", "messageId": "fine" });
    let input =
        json!([{ "userId": "u", "messageId": "x" }, fine, { "type": "track", "messageId": "y" }, 5, fine]);
    let entries = entries(&[], &input.to_string());
    assert_eq!(ids(&entries), ["x", "fine", "y", "none", "fine"]);
    let codes = |entry: &Value| -> Vec<(String, String)> {
        let text = |problem: &Value, key: &str| problem[key].as_str().unwrap().to_owned();
        let problems = entry["problems"].as_array().unwrap();
        assert!(problems.iter().all(|problem| !text(problem, "message").is_empty()));
        problems.iter().map(|problem| (text(problem, "code"), text(problem, "path"))).collect()
    };
    let pair = |code: &str, path: &str| (code.to_owned(), path.to_owned());
    assert_eq!(codes(&entries[0]), [pair("unknown_type", "type")]);
    assert!(entries[0]["problems"][0]["message"].as_str().unwrap().contains("`type` is missing"));
    assert!(codes(&entries[2]).contains(&pair("missing_event", "event")), "{}", entries[2]);
    assert_eq!(codes(&entries[2]).len(), 2, "all at once: {}", entries[2]);
    assert_eq!(codes(&entries[3]), [pair("not_an_object", "")]);
    let people = stdout(&explain(&[], &input.to_string()));
    assert!(people.contains("event 3  y: rejected at the door\n  missing_"), "{people}");
}

#[test]
fn what_a_destination_would_refuse_is_rejected_with_its_words() {
    let dir = tempfile::tempdir().unwrap();
    let config = "[destinations.warehouse]\ntype = \"sqlite\"\non_type_conflict = \"reject\"\n";
    let with = |total: Value| json!({ "type": "track", "event": "Paid", "userId": "u", "messageId": "m", "properties": { "total": total } });
    let input = json!([with(json!(7)), with(json!("seven"))]).to_string();
    let output = explain_in(dir.path(), config, &["--json"], &input);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let entries: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    let needed = &line(&entries[0], "warehouse")["schema"];
    assert!(needed.to_string().contains(r#"{"name":"total","type":"int"}"#), "{needed}");
    let refused = line(&entries[1], "warehouse");
    assert_eq!(
        (&refused["verdict"], &refused["reason"]),
        (&json!("reject"), &json!("unmappable")),
        "{refused}"
    );
    assert_eq!((&refused["rows"], &refused["requests"]), (&json!([]), &json!([])));
    let people = stdout(&explain_in(dir.path(), config, &[], &input));
    assert!(
        people.contains("warehouse (sqlite): reject, unmappable: column `total` of table `paid`"),
        "{people}"
    );
}

#[test]
fn the_doors_own_limits_hold() {
    let dir = tempfile::tempdir().unwrap();
    let config = "[server]\nmax_event_bytes = \"1KiB\"\n[destinations.warehouse]\ntype = \"sqlite\"\n";
    let large = json!({ "type": "track", "event": "x".repeat(1200), "userId": "u", "messageId": "large" });
    let output = explain_in(dir.path(), config, &["--json"], &large.to_string());
    let entries: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(entries[0]["problems"][0]["code"], "too_large", "{}", entries[0]);
}

#[test]
fn what_is_no_json_is_named_with_its_line_and_what_came_before_is_explained() {
    let good = r#"{"type":"page","userId":"u","messageId":"good"}"#;
    for (input, place, explained) in [
        (format!("{good}\n\n{{\"type\": \"page\",}}\n"), "standard input:3:17: ", 1),
        ("{\n  \"type\": \"page\"\n  \"userId\": \"u\"\n}".to_owned(), "standard input:3:3: ", 0),
        ("hello".to_owned(), "standard input:1:1: ", 0),
        (format!("{good}\n7\n"), "standard input:2: ", 1),
        (format!("{{\"batch\": [{good}, {{\"type\": }},\n{good}]}}"), "standard input:1:", 3),
        ("{\"batch\": 5}".to_owned(), "standard input:1: `batch`", 0),
    ] {
        let output = explain(&["--json"], &input);
        assert_eq!(output.status.code(), Some(1), "{input}: {output:?}");
        assert!(stderr(&output).starts_with(place), "{input}: {}", stderr(&output));
        let entries: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(entries.len(), explained, "{input}: {entries:?}");
    }
}

#[test]
fn what_the_door_mends_is_mended() {
    let entries =
        entries(&[], r#"{"type":"track","event":"A","userId":"u","messageId":"nan","properties":{"n":NaN}}"#);
    assert_eq!(ids(&entries), ["nan"]);
    let body = &line(&entries[0], "hook")["requests"][0]["body"];
    assert_eq!(body["batch"][0]["properties"], json!({ "n": null }));
}

#[test]
fn an_empty_input_and_a_missing_file_are_bad_usage() {
    let empty = explain(&[], " \n");
    assert_eq!((empty.status.code(), stdout(&empty).as_str()), (Some(64), ""));
    assert!(stderr(&empty).contains("the input is empty"), "{}", stderr(&empty));
    let missing = explain(&["no-such-file.json"], "");
    assert_eq!(missing.status.code(), Some(64));
    assert!(stderr(&missing).contains("`no-such-file.json`"), "{}", stderr(&missing));
    let dir = tempfile::tempdir().unwrap();
    let off =
        explain_in(dir.path(), "[destinations.warehouse]\ntype = \"sqlite\"\nenabled = false\n", &[], "{}");
    assert_eq!(off.status.code(), Some(64));
    assert!(stderr(&off).contains("no destination is on"), "{}", stderr(&off));
}

/// The event without what belongs to the moment.
fn timeless(event: &Value) -> Value {
    let mut event = event.clone();
    for key in ["receivedAt", "timestamp", "sentAt"] {
        event.as_object_mut().unwrap().remove(key);
    }
    event
}

/// The shared fixtures with ids of this run.
fn fixtures() -> Vec<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/fixtures/segment");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let read = |file: &std::path::PathBuf| serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
    let mut events: Vec<Value> = files.iter().map(read).collect();
    events.iter_mut().for_each(|event| event["messageId"] = fresh_id("fixture").into());
    events
}

#[tokio::test]
async fn the_router_does_what_explain_says() {
    let receiver = Receiver::start();
    let config = Config::new().webhook("hook", &receiver.url(), "format = \"single\"");
    let router = Router::start(config).await;
    let fixtures = fixtures();
    fs::write(router.dir().join("events.json"), json!(fixtures).to_string()).unwrap();
    let file = router.dir().join("events.json").display().to_string();
    let output = router.run(&["explain", &file, "--json"]);
    let entries: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(entries.len(), fixtures.len());

    router.post("/v1/batch", &batch(&fixtures)).await.expect_success();
    let sent = entries.iter().filter(|entry| line(entry, "hook")["verdict"] == "send");
    let expected: Vec<Value> =
        sent.map(|entry| timeless(&line(entry, "hook")["requests"][0]["body"])).collect();
    let ids: Vec<String> = ids_of(&expected);
    assert!(ids.len() > 8, "{} of {} were sent", ids.len(), fixtures.len());
    receiver.until_taken(&ids).await;
    for event in receiver.taken() {
        let event = timeless(&event);
        assert!(expected.contains(&event), "not explained: {event}");
    }
    for entry in entries.iter().filter(|entry| line(entry, "warehouse")["verdict"] == "send") {
        for row in line(entry, "warehouse")["rows"].as_array().unwrap() {
            the_row_is_there(&router, row).await;
        }
    }
}

/// Looks for the row of an explanation, but for its times.
async fn the_row_is_there(router: &Router, row: &Value) {
    let (table, columns) = (row["table"].as_str().unwrap(), row["columns"].as_object().unwrap());
    let id = columns["id"].as_str().unwrap();
    router.until_rows(table, &[id.to_owned()]).await;
    let is_time = |name: &str| ["received_at", "timestamp", "uuid_ts", "sent_at"].contains(&name);
    let query = format!("select * from \"{table}\" where id = '{id}'");
    let answer = router.run(&["sql", &query, "--json"]);
    let stored: Vec<Value> = serde_json::from_slice(&answer.stdout).unwrap();
    // A state may hold what another event said.
    if ["users", "accounts"].contains(&table) {
        return;
    }
    let same = |one: &Map<String, Value>, other: &Map<String, Value>| {
        let own = one.iter().filter(|(name, value)| !value.is_null() && !is_time(name));
        own.filter(|(name, value)| other.get(*name) != Some(value)).map(|(name, _)| name.clone()).next()
    };
    let stored = stored[0].as_object().unwrap();
    assert_eq!((same(stored, columns), same(columns, stored)), (None, None), "{table}: {row} is {stored:?}");
}

#[test]
fn nothing_is_sent() {
    let receiver = Receiver::start();
    let dir = tempfile::tempdir().unwrap();
    let config = format!("[destinations.hook]\ntype = \"webhook\"\nurl = \"{}\"\n", receiver.url());
    fs::write(dir.path().join("event.json"), order().to_string()).unwrap();
    let output = explain_in(dir.path(), &config, &["event.json"], "");
    assert!(stdout(&output).contains(&format!("POST {}", receiver.url())), "{}", stdout(&output));
    assert_eq!(receiver.requests().len(), 0);
}
