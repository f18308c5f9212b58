//! The stand-in of BigQuery as a process of its own: `opentrack mock bigquery`, told how to be and asked what it holds.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::client::{Answer, http};
use super::router::{Config, opentrack};
use super::wait::until_some;

/// A running stand-in; ends when dropped.
pub(crate) struct BigQuery {
    child: Child,
    /// Kept, so that the stand-in can go on writing.
    _stdout: BufReader<ChildStdout>,
    dir: TempDir,
    url: String,
    greeting: Vec<String>,
}

impl BigQuery {
    /// Starts one that is quick and strict; each setting reads `name=value`.
    pub(crate) fn start(settings: &[&str]) -> BigQuery {
        let dir = tempfile::tempdir().expect("a directory can be made");
        let mut command = opentrack();
        command.args(["mock", "bigquery", "--port", "0", "--quiet", "--json", "--key-file"]);
        command.arg(dir.path().join("key.json"));
        command.args(settings.iter().flat_map(|setting| ["--set", setting])).stdout(Stdio::piped());
        let mut child = command.spawn().expect("the binary starts");
        let mut stdout = BufReader::new(child.stdout.take().expect("its output is piped"));
        let mut line = String::new();
        stdout.read_line(&mut line).expect("it says where it listens");
        let said: Value = serde_json::from_str(&line).expect("it says so in JSON");
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let greeting =
            said["settings"].as_array().expect("it says what to configure").iter().map(text).collect();
        BigQuery { child, _stdout: stdout, dir, url: text(&said["url"]), greeting }
    }

    /// Returns its address up to `/bigquery/v2`, as the setting `endpoint` wants it.
    pub(crate) fn endpoint(&self) -> String {
        format!("{}bigquery/v2", self.url)
    }

    /// Returns the file of the key that it lets in.
    pub(crate) fn key_file(&self) -> PathBuf {
        self.dir.path().join("key.json")
    }

    /// Returns the configuration of a router that writes to its dataset `analytics` as `bq`, with patience short enough for a
    /// test; `extra` are further lines.
    pub(crate) fn config(&self, extra: &str) -> Config {
        Config::default().table(&format!(
            "[destinations.bq]\ntype = \"bigquery\"\nproject_id = \"local\"\ndataset = \"analytics\"\n\
             endpoint = \"{}\"\ncredentials_file = \"{}\"\nschema_window = \"50ms\"\n\
             batch = {{ max_events = 2000, max_bytes = \"5MB\", max_delay = \"50ms\" }}\n\
             retry = {{ initial = \"50ms\", max = \"200ms\" }}\n\
             breaker = {{ failures = 5, open_for = \"200ms\" }}\nhold = {{ probe_every = \"200ms\" }}\n{extra}",
            self.endpoint(),
            self.key_file().display()
        ))
    }

    /// Sends the process a signal: `STOP`, `CONT`.
    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("sh").arg("-c").arg(format!("kill -{name} {}", self.child.id())).status();
        assert!(status.expect("there is a shell").success(), "could not signal the stand-in");
    }

    /// Returns the lines that it tells a user to paste.
    pub(crate) fn greeting(&self) -> &[String] {
        &self.greeting
    }

    /// Misbehaves from now on: `{"mode": 503, "on": "insert", "times": 2}`.
    pub(crate) async fn behave(&self, behaviour: Value) {
        self.tell("behave", behaviour).await;
    }

    /// Says this in Google's form from now on: `{"on": "insert", "status": 403, "reason": "quotaExceeded", "message": "…",
    /// "times": 2}`. `on` may be `row`, `job`, or a part of the interface; `holds` narrows it to what holds a text.
    pub(crate) async fn say(&self, line: Value) {
        self.tell("say", line).await;
    }

    /// Says again what it has to say itself.
    pub(crate) async fn be_itself(&self) {
        self.tell("say", json!({})).await;
    }

    /// Changes settings: `{"propagation": "3m"}`.
    pub(crate) async fn set(&self, settings: Value) {
        self.tell("set", settings).await;
    }

    /// The next requests do not see a table, or one of its columns.
    pub(crate) async fn refuse(&self, table: &str, column: Option<&str>, times: u32) {
        self.tell("refuse", json!({ "table": table, "column": column, "times": times })).await;
    }

    /// Takes a right away: `bigquery.tables.update`.
    pub(crate) async fn deny(&self, right: &str) {
        self.tell("deny", json!({ "right": right })).await;
    }

    /// Gives it back.
    pub(crate) async fn allow(&self, right: &str) {
        self.tell("allow", json!({ "right": right })).await;
    }

    /// The key is good no more, nor are its tokens.
    pub(crate) async fn revoke_key(&self) {
        self.tell("revoke_key", json!({})).await;
    }

    /// The key is good again.
    pub(crate) async fn restore_key(&self) {
        self.tell("restore_key", json!({})).await;
    }

    /// Every token that was given is good no more; the key is.
    pub(crate) async fn forget_tokens(&self) {
        self.tell("forget_tokens", json!({})).await;
    }

    async fn tell(&self, what: &str, body: Value) {
        let request = http().post(format!("{}_mock/{what}", self.url)).body(body.to_string());
        let answer = Answer::read(request.send().await.expect("it answers")).await;
        assert_eq!(answer.status, 200, "{what} {body}: {answer:?}");
    }

    /// Returns what it has seen: `requests`, `answers` by status, `parts` by part of the interface, `rows` by table.
    pub(crate) async fn seen(&self) -> Value {
        self.ask("seen").await.json()
    }

    /// Returns every table by `dataset.table`: `columns`, `rows`, `streamed`, `loaded`, `updates`, `loads`, …
    pub(crate) async fn tables(&self) -> Value {
        self.ask("tables").await.json()
    }

    /// Returns the rows of a table as objects without nulls; none when there is no such table.
    pub(crate) async fn rows(&self, table: &str) -> Vec<Value> {
        let answer = self.ask(&format!("rows?table={table}")).await;
        match answer.status {
            404 => Vec::new(),
            _ => answer.json()["rows"].as_array().cloned().expect("rows are a list"),
        }
    }

    /// Waits until a table has at least so many rows, and returns them.
    pub(crate) async fn until_rows(&self, table: &str, count: usize) -> Vec<Value> {
        let what = format!("{table} has {count} rows");
        until_some(&what, 25, async || Some(self.rows(table).await).filter(|rows| rows.len() >= count)).await
    }

    async fn ask(&self, what: &str) -> Answer {
        let asked = http().get(format!("{}_mock/{what}", self.url)).send().await;
        Answer::read(asked.expect("it answers")).await
    }
}

impl Drop for BigQuery {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
