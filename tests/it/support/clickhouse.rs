//! ClickHouse's own engine as a process of its own: `clickhouse_server.py`, told how to be and asked what it holds.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::client::{Answer, http};
use super::router::Config;
use super::wait::until_some;

/// Seconds in which everything must have come about.
const DEADLINE: u64 = 40;

/// A running engine with its data in a directory of its own; both end when dropped.
pub(crate) struct ClickHouse {
    child: Child,
    port: u16,
    password: String,
    _dir: TempDir,
}

impl ClickHouse {
    /// Starts one that lets in `default` without a password.
    pub(crate) fn start() -> ClickHouse {
        ClickHouse::with(&[])
    }

    /// Starts one; the words are options of the script.
    pub(crate) fn with(options: &[&str]) -> ClickHouse {
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        let engine = root.join("target/sdk/python/chdb");
        assert!(engine.is_dir(), "{} is missing; `make test-deps` installs it", engine.display());
        let dir = tempfile::tempdir().expect("a directory can be made");
        let mut command = Command::new("python3");
        command.env("PYTHONPATH", &engine).env("PYTHONDONTWRITEBYTECODE", "1");
        command.arg(root.join("tests/it/support/clickhouse_server.py"));
        command.arg("--path").arg(dir.path().join("data")).args(options);
        // It ends with its standard input, so also when the test is killed.
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("there is Python");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("its output is piped");
        BufReader::new(stdout).read_line(&mut line).expect("it says where it listens");
        let port = line.trim().parse().unwrap_or_else(|_| panic!("the engine does not start: {line:?}"));
        let password = options.iter().position(|option| *option == "--password");
        let password = password.and_then(|at| options.get(at + 1)).copied().unwrap_or_default().to_owned();
        ClickHouse { child, port, password, _dir: dir }
    }

    /// Returns its address, as the setting `url` wants it.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Returns the configuration of a router that writes to it as `ch`, with patience short enough for a test; `extra` are
    /// further lines.
    pub(crate) fn config(&self, extra: &str) -> Config {
        Config::default().table(&format!(
            "[destinations.ch]\ntype = \"clickhouse\"\nurl = \"{}\"\n\
             batch = {{ max_events = 2000, max_bytes = \"5MB\", max_delay = \"50ms\" }}\n\
             retry = {{ initial = \"50ms\", max = \"200ms\" }}\n\
             breaker = {{ failures = 5, open_for = \"200ms\" }}\nhold = {{ probe_every = \"200ms\" }}\n{extra}",
            self.url()
        ))
    }

    /// Runs a statement; returns its answer as it comes.
    pub(crate) async fn run(&self, sql: &str) -> Answer {
        let request =
            http().post(self.url()).basic_auth("default", Some(&self.password)).body(sql.to_owned());
        Answer::read(request.send().await.expect("it answers")).await
    }

    /// Runs a statement that must succeed.
    pub(crate) async fn execute(&self, sql: &str) {
        let answer = self.run(sql).await;
        assert_eq!(answer.status, 200, "{sql}: {}", answer.text);
    }

    /// Runs a query and returns its rows as objects.
    pub(crate) async fn query(&self, sql: &str) -> Vec<Value> {
        let answer = self.run(&format!("{sql} FORMAT JSONEachRow")).await;
        assert_eq!(answer.status, 200, "{sql}: {}", answer.text);
        answer.text.lines().map(|line| serde_json::from_str(line).expect("a row is an object")).collect()
    }

    /// Runs a query and returns its rows as objects; none while a table of it is not there.
    pub(crate) async fn query_if_there(&self, sql: &str) -> Vec<Value> {
        let answer = self.run(&format!("{sql} FORMAT JSONEachRow")).await;
        match answer.status {
            404 => Vec::new(),
            _ => answer
                .text
                .lines()
                .map(|line| serde_json::from_str(line).expect("a row is an object"))
                .collect(),
        }
    }

    /// Waits until the query has this many rows, and returns them.
    pub(crate) async fn until_rows(&self, sql: &str, count: usize) -> Vec<Value> {
        until_some(&format!("{sql} has {count} rows"), DEADLINE, async || {
            Some(self.query_if_there(sql).await).filter(|rows| rows.len() == count)
        })
        .await
    }

    /// Returns the types of a table's columns by name.
    pub(crate) async fn columns(&self, table: &str) -> std::collections::BTreeMap<String, String> {
        let sql = format!(
            "SELECT name, type FROM system.columns WHERE database = 'opentrack' AND table = '{table}'"
        );
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        self.query(&sql).await.iter().map(|row| (text(&row["name"]), text(&row["type"]))).collect()
    }

    /// Misbehaves from now on: `{"mode": "half", "holds": "INSERT", "times": 1}`; see the script.
    pub(crate) async fn behave(&self, behaviour: Value) {
        let request = http().post(format!("{}/_mock/behave", self.url())).body(behaviour.to_string());
        let answer = Answer::read(request.send().await.expect("it answers")).await;
        assert_eq!(answer.status, 200, "{behaviour}: {answer:?}");
    }

    /// Behaves again.
    pub(crate) async fn be_itself(&self) {
        self.behave(json!({})).await;
    }

    /// Waits until a query is late, as it was told to be.
    pub(crate) async fn until_late(&self) {
        let url = format!("{}/_mock/late", self.url());
        until_some("a query is late", DEADLINE, async || {
            let answer = Answer::read(http().get(&url).send().await.expect("it answers")).await;
            (answer.json() != 0).then_some(())
        })
        .await;
    }

    /// Ends it.
    pub(crate) fn stop(&mut self) {
        let _is_ended = self.child.kill().and_then(|()| self.child.wait()).is_ok();
    }

    /// Returns the settings of each insert that it carried out.
    pub(crate) async fn inserts(&self) -> Vec<Value> {
        let answer =
            Answer::read(http().get(format!("{}/_mock/inserts", self.url())).send().await.unwrap()).await;
        answer.json().as_array().cloned().unwrap_or_default()
    }
}

impl Drop for ClickHouse {
    fn drop(&mut self) {
        self.stop();
    }
}
