//! Runs a driver script, and what it says became of its calls.

use std::fs::File;
use std::io::{Read, Seek};
use std::process::{Child, Command};

use serde_json::Value;

use super::clients::Sdk;
use crate::support::{fresh_id, until_some};

/// The six calls, in the order in which every driver makes them.
pub(super) const CALLS: [&str; 6] = ["identify", "track", "page", "screen", "group", "alias"];

/// A driver that is ready to start.
pub(super) struct Driver {
    command: Command,
    /// Begins the message ids of this run.
    pub(super) prefix: String,
}

/// What a client says became of its calls, each named by its type.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) delivered: Vec<String>,
    pub(super) failed: Vec<String>,
}

impl Driver {
    /// Prepares the driver of this SDK, or `None` to skip.
    pub(super) fn of(sdk: Sdk) -> Option<Driver> {
        Some(Driver { command: (sdk.driver)()?, prefix: fresh_id("sdk") })
    }

    /// Makes all calls at this address and waits until the client has done with them.
    pub(super) async fn run(mut self, host: &str) -> Said {
        self.command.env("HOST", host).env("PREFIX", &self.prefix);
        let printed = finish(self.command).await;
        let said = Said {
            delivered: kinds(&printed["delivered"], &self.prefix),
            failed: kinds(&printed["failed"], &self.prefix),
        };
        let mut all: Vec<&str> = said.delivered.iter().chain(&said.failed).map(String::as_str).collect();
        all.sort_by_key(|kind| CALLS.iter().position(|call| call == kind));
        assert_eq!(all, CALLS, "the client tells of each call once");
        said
    }
}

fn kinds(ids: &Value, prefix: &str) -> Vec<String> {
    let ids = ids.as_array().unwrap_or_else(|| panic!("not a list: {ids}"));
    let kind = |id: &Value| id.as_str()?.strip_prefix(prefix)?.strip_prefix('-').map(str::to_owned);
    ids.iter().map(|id| kind(id).unwrap_or_else(|| panic!("not of this run: {id}"))).collect()
}

/// A running script; ends with the test.
struct Script(Child);

impl Drop for Script {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// Runs a script to its end and returns what it printed, as JSON.
pub(super) async fn finish(mut command: Command) -> Value {
    // Files and no pipes: a script that has much to say is not to wait for a reader.
    let (mut out, mut err) = (tempfile(), tempfile());
    command.stdout(other(&out)).stderr(other(&err));
    let mut script = Script(command.spawn().expect("the script starts"));
    let ended = async || script.0.try_wait().expect("it can be asked");
    let status = until_some("the script ends", 60, ended).await;
    let (out, err) = (text(&mut out), text(&mut err));
    assert!(status.success(), "the script failed: {out}\n{err}");
    eprint!("{err}");
    serde_json::from_str(&out).unwrap_or_else(|_| panic!("not JSON: {out}"))
}

fn tempfile() -> File {
    tempfile::tempfile().expect("a temporary file can be made")
}

fn other(file: &File) -> File {
    file.try_clone().expect("the file is open")
}

fn text(file: &mut File) -> String {
    let mut text = String::new();
    file.rewind().expect("the file is open");
    file.read_to_string(&mut text).expect("the output is text");
    text
}
