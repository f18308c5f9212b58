//! `opentrack mock customerio` as a process of its own, and a router that sends to it.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Stdio};

use serde_json::{Value, json};

use crate::support::{Answer, Config, Router, batch, http, opentrack, until, until_some};

/// Site id and key that the stand-in lets in.
pub(super) const PAIR: &str = "site:key-0123456789";

/// A running stand-in; ends when dropped.
pub(super) struct StandIn {
    child: Child,
    /// Kept, so that the stand-in can go on writing.
    _stdout: BufReader<ChildStdout>,
    pub(super) url: String,
}

impl StandIn {
    /// Starts one that lets in [`PAIR`]; further arguments may follow.
    pub(super) fn start(arguments: &[&str]) -> StandIn {
        let mut command = opentrack();
        command.args(["mock", "customerio", "--port", "0", "--quiet", "--secret", PAIR]).args(arguments);
        let mut child = command.stdout(Stdio::piped()).spawn().expect("the binary starts");
        let mut stdout = BufReader::new(child.stdout.take().expect("its output is piped"));
        let mut url = String::new();
        stdout.read_line(&mut url).expect("it says where it listens");
        StandIn { child, _stdout: stdout, url: url.trim().to_owned() }
    }

    /// The table of a destination `crm` with patience short enough for a test; `extra` are further lines.
    pub(super) fn table(&self, key: &str, extra: &str) -> String {
        let url = &self.url;
        format!(
            "[destinations.crm]\ntype = \"customerio\"\nsite_id = \"site\"\napi_key = \"{key}\"\nendpoint = \"{url}\"\n\
             batch = {{ max_events = 100, max_bytes = \"500kB\", max_delay = \"20ms\" }}\n\
             retry = {{ initial = \"50ms\", max = \"200ms\" }}\nbreaker = {{ failures = 3, open_for = \"200ms\" }}\n\
             hold = {{ probe_every = \"200ms\" }}\n{extra}"
        )
    }

    /// A router with the warehouse and the right key.
    pub(super) async fn router(&self, extra: &str) -> Router {
        Router::start(Config::new().table(&self.table("key-0123456789", extra))).await
    }

    pub(super) async fn behave(&self, behaviour: Value) {
        let request = http().post(format!("{}_mock/behave", self.url)).body(behaviour.to_string());
        let answer = Answer::read(request.send().await.expect("it answers")).await;
        assert_eq!(answer.status, 200, "{answer:?}");
    }

    pub(super) async fn seen(&self) -> Value {
        self.get("_mock/seen").await
    }

    /// People, objects, events, and what was done in which order.
    pub(super) async fn world(&self) -> Value {
        self.get("_mock/world").await
    }

    async fn get(&self, path: &str) -> Value {
        let answer = http().get(format!("{}{path}", self.url)).send().await.expect("it answers");
        Answer::read(answer).await.json()
    }

    /// Waits until this many different events are there.
    pub(super) async fn until_events(&self, count: usize) {
        until(&format!("the stand-in has {count} events"), 25, async || {
            self.seen().await["different_events"] == count
        })
        .await;
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Sends these events in one batch.
pub(super) async fn send(router: &Router, events: &[Value]) {
    router.post("/v1/batch", &batch(events)).await.expect_success();
}

/// Waits until the destination's entry of `/api/destinations` satisfies `check`, and returns it.
pub(super) async fn until_entry(router: &Router, what: &str, check: impl Fn(&Value) -> bool) -> Value {
    until_some(what, 25, async || Some(router.destination("crm").await).filter(|one| check(one))).await
}

/// Waits until so many events are delivered, and none is dead.
pub(super) async fn until_delivered(router: &Router, count: usize) {
    let entry = until_entry(router, "all is delivered", |one| {
        one["counts"]["delivered"].as_u64() >= Some(count as u64)
    })
    .await;
    assert_eq!(entry["counts"]["dead"], json!({}), "{entry}");
}
