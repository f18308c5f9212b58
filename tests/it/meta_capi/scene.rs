//! A router whose only destination is a stand-in of the Conversions API, and what can be seen of both.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Stdio};

use serde_json::{Value, json};

use crate::support::{Answer, Config, Router, batch, fresh_id, http, ids_of, opentrack, until_some};

/// Seconds in which everything must have come about.
const DEADLINE: u64 = 30;
/// The token that the stand-in lets in.
pub(super) const TOKEN: &str = "EAAtokenofthestandin";
/// The only pixel that there is.
pub(super) const PIXEL: &str = "1234567890";

/// A running stand-in; ends when dropped.
pub(super) struct Graph {
    child: Child,
    /// Kept, so that the stand-in can go on writing.
    _stdout: BufReader<ChildStdout>,
    pub(super) url: String,
}

impl Graph {
    pub(super) fn start() -> Graph {
        let mut command = opentrack();
        command.args(["mock", "meta_capi", "--port", "0", "--quiet", "--secret", TOKEN]);
        command.args(["--set", &format!("pixel={PIXEL}")]).stdout(Stdio::piped());
        let mut child = command.spawn().expect("the binary starts");
        let mut stdout = BufReader::new(child.stdout.take().expect("its output is piped"));
        let mut url = String::new();
        stdout.read_line(&mut url).expect("it says where it listens");
        Graph { child, _stdout: stdout, url: url.trim().to_owned() }
    }

    /// Returns the configuration of a router that sends there, with patience short enough for a test; `extra` are further lines.
    pub(super) fn config(&self, extra: &str) -> Config {
        let patience = [
            "batch = { max_delay = \"50ms\" }",
            "retry = { initial = \"50ms\", max = \"200ms\" }",
            "breaker = { failures = 5, open_for = \"200ms\" }",
            "hold = { probe_every = \"200ms\" }",
        ];
        let key = |line: &str| line.split('=').next().unwrap_or_default().to_owned() + "=";
        let patience: Vec<&str> = patience.into_iter().filter(|line| !extra.contains(&key(line))).collect();
        Config::default().table(&format!(
            "[destinations.meta]\ntype = \"meta_capi\"\npixel_id = \"{PIXEL}\"\naccess_token = \"{TOKEN}\"\n\
             endpoint = \"{}\"\ntimeout = \"2s\"\n{}\n{extra}",
            self.url,
            patience.join("\n")
        ))
    }

    /// Misbehaves from now on: `{"mode": 503, "times": 2}`.
    pub(super) async fn behave(&self, behaviour: Value) {
        self.tell("behave", &behaviour.to_string()).await;
    }

    /// Says this error of Meta's from now on: `{"code": 190, "times": 2}`.
    pub(super) async fn say(&self, line: Value) {
        self.tell("say", &line.to_string()).await;
    }

    /// Says nothing on command any more.
    pub(super) async fn be_itself(&self) {
        self.tell("say", "").await;
    }

    async fn tell(&self, what: &str, body: &str) {
        let request = http().post(format!("{}_mock/{what}", self.url)).body(body.to_owned());
        let answer = Answer::read(request.send().await.expect("it answers")).await;
        assert_eq!(answer.status, 200, "{what} {body}: {answer:?}");
    }

    pub(super) async fn seen(&self) -> Value {
        self.ask("seen").await
    }

    /// Returns the events that were taken.
    pub(super) async fn events(&self) -> Vec<Value> {
        self.ask("events").await["events"].as_array().cloned().expect("a list")
    }

    /// Returns the ids of the events that were taken, sorted; fails the test when one is there twice.
    pub(super) async fn ids(&self) -> Vec<String> {
        let id = |event: &Value| event["event_id"].as_str().expect("an id").to_owned();
        let mut ids: Vec<String> = self.events().await.iter().map(id).collect();
        ids.sort();
        let count = ids.len();
        ids.dedup();
        assert_eq!(ids.len(), count, "some were taken twice");
        ids
    }

    async fn ask(&self, what: &str) -> Value {
        let asked = http().get(format!("{}_mock/{what}", self.url)).send().await;
        Answer::read(asked.expect("it answers")).await.json()
    }
}

impl Drop for Graph {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// A router and where its events go.
pub(super) struct Scene {
    pub(super) graph: Graph,
    pub(super) router: Router,
}

impl Scene {
    /// Starts both; `extra` are lines of the destination.
    pub(super) async fn start(extra: &str) -> Scene {
        let graph = Graph::start();
        let router = Router::start(graph.config(extra)).await;
        Scene { graph, router }
    }

    /// Sends events in one request and returns their ids, sorted.
    pub(super) async fn send(&self, events: &[Value]) -> Vec<String> {
        self.router.post("/v1/batch", &batch(events)).await.expect_success();
        let mut ids = ids_of(events);
        ids.sort();
        ids
    }

    /// Waits until the destination's entry satisfies `check`, and returns it.
    pub(super) async fn until(&self, what: &str, check: impl Fn(&Value) -> bool) -> Value {
        until_some(what, DEADLINE, async || {
            Some(self.router.destination("meta").await).filter(|one| check(one))
        })
        .await
    }

    /// Waits until so many events are delivered and none is on its way, and returns the entry.
    pub(super) async fn until_delivered(&self, count: u64) -> Value {
        let what = format!("{count} are delivered");
        self.until(&what, |one| one["counts"]["delivered"] == count && one["backlog"]["events"] == 0).await
    }

    /// The dead letters, one object each.
    pub(super) fn dead(&self) -> Vec<Value> {
        self.router
            .dead_letters()
            .lines()
            .map(|line| serde_json::from_str(line).expect("a line is JSON"))
            .collect()
    }
}

/// Returns a lead of a person with a fresh id.
pub(super) fn lead(n: u64) -> Value {
    json!({
        "type": "track", "event": "Lead Generated", "userId": format!("u{n}"), "messageId": fresh_id("m"),
        "properties": { "value": n, "currency": "EUR" }, "context": { "traits": { "email": format!("u{n}@example.com") } },
    })
}

/// Returns so many of them.
pub(super) fn leads(count: u64) -> Vec<Value> {
    (0..count).map(lead).collect()
}
