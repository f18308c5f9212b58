//! A running `opentrack mock KIND`: the other side of a destination, which behaves and misbehaves on command.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::Value;

use super::{Answer, http, opentrack, until};

/// A running stand-in; ends when dropped.
pub(crate) struct StandIn {
    pub(crate) child: Child,
    /// What it says after its address.
    pub(crate) stdout: BufReader<ChildStdout>,
    /// Where it can be reached; ends with a slash.
    pub(crate) url: String,
}

impl StandIn {
    /// Starts the stand-in of this kind on a free port.
    pub(crate) fn start(kind: &str, arguments: &[&str]) -> StandIn {
        let mut command = opentrack();
        command.args(["mock", kind, "--port", "0"]).args(arguments).stdout(Stdio::piped());
        let mut child = command.spawn().expect("the binary starts");
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut url = String::new();
        stdout.read_line(&mut url).expect("it says where it listens");
        StandIn { child, stdout, url: url.trim().to_owned() }
    }

    /// Posts JSON to it.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        let request = http().post(format!("{}{path}", self.url)).body(body.to_string());
        Answer::read(request.send().await.expect("it answers")).await
    }

    /// Tells it how to behave from now on.
    pub(crate) async fn behave(&self, behaviour: Value) {
        let answer = self.post("_mock/behave", &behaviour).await;
        assert_eq!(answer.status, 200, "{answer:?}");
    }

    /// Asks what it has seen.
    pub(crate) async fn seen(&self) -> Value {
        let answer = http().get(format!("{}_mock/seen", self.url)).send().await.expect("it answers");
        Answer::read(answer).await.json()
    }

    /// Waits until this many different events were taken.
    pub(crate) async fn until_taken(&self, count: usize) {
        until(&format!("the stand-in has taken {count} events"), 25, async || {
            self.seen().await["taken"] == count
        })
        .await;
    }

    /// How often it gave this answer.
    pub(crate) async fn answers(&self, label: &str) -> u64 {
        self.seen().await["answers"][label].as_u64().unwrap_or_default()
    }

    /// Sends SIGTERM.
    pub(crate) fn signal(&self) {
        let kill = Command::new("sh").arg("-c").arg(format!("kill -TERM {}", self.child.id())).status();
        assert!(kill.unwrap().success());
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
