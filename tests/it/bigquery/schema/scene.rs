//! A router whose only destination is a stand-in of BigQuery, both impatient.

use std::collections::BTreeSet;
use std::process::Output;

use gcp_bigquery_client::Client;
use gcp_bigquery_client::client_builder::ClientBuilder;
use gcp_bigquery_client::model::query_request::QueryRequest;
use serde_json::{Value, json};

use crate::support::{BigQuery, Config, Router, batch, fresh_id, ids_of, until, until_some};

/// A router and where its events go.
pub(super) struct Scene {
    pub(super) stand_in: BigQuery,
    pub(super) router: Router,
}

/// Returns the configuration of a router that writes to the stand-in; `extra` are further lines.
pub(super) fn config(stand_in: &BigQuery, extra: &str) -> Config {
    Config::default().table(&format!(
        "[destinations.bq]\ntype = \"bigquery\"\nproject_id = \"local\"\ndataset = \"analytics\"\n\
         endpoint = \"{}\"\ncredentials_file = \"{}\"\n\
         batch = {{ max_events = 2000, max_bytes = \"5MB\", max_delay = \"50ms\" }}\n\
         retry = {{ initial = \"50ms\", max = \"200ms\" }}\nbreaker = {{ failures = 5, open_for = \"200ms\" }}\n\
         hold = {{ probe_every = \"200ms\" }}\n{extra}",
        stand_in.endpoint(),
        stand_in.key_file().display()
    ))
}

/// Returns a track call of this name with these properties and a fresh id.
pub(super) fn named(event: &str, properties: &Value) -> Value {
    json!({
        "type": "track", "event": event, "userId": "u", "messageId": fresh_id("m"), "properties": properties,
    })
}

/// Returns this many track calls of one name.
pub(super) fn with(event: &str, count: usize, properties: impl Fn(usize) -> Value) -> Vec<Value> {
    (0..count).map(|n| named(event, &properties(n))).collect()
}

impl Scene {
    /// Starts both. `settings` are of the stand-in, which has the dataset; `extra` are lines of the destination.
    pub(super) async fn start(settings: &[&str], extra: &str) -> Scene {
        let mut all = vec!["dataset=analytics"];
        all.extend(settings);
        let stand_in = BigQuery::start(&all);
        let router = Router::start(config(&stand_in, extra)).await;
        Scene { stand_in, router }
    }

    /// Sends events, and returns their ids.
    pub(super) async fn send(&self, events: &[Value]) -> Vec<String> {
        send(&self.router, events).await
    }

    /// Waits until a table has a row of each of these events, and returns all its rows.
    pub(super) async fn until_in(&self, table: &str, ids: &[String]) -> Vec<Value> {
        self.until_in_within(25, table, ids).await
    }

    /// The same with a time of its own.
    pub(super) async fn until_in_within(&self, seconds: u64, table: &str, ids: &[String]) -> Vec<Value> {
        let what = format!("`{table}` has {} rows of these events", ids.len());
        until_some(&what, seconds, async || {
            let rows = self.stand_in.rows(table).await;
            let there = ids_in(&rows);
            ids.iter().all(|id| there.contains(id)).then_some(rows)
        })
        .await
    }

    /// Waits until nothing is on its way to the stand-in.
    pub(super) async fn until_idle(&self) {
        until("nothing is on its way", 25, async || {
            self.router.destination("bq").await["backlog"]["events"] == 0
        })
        .await;
    }

    /// Waits until there are so many dead letters, and returns them.
    pub(super) async fn until_letters(&self, count: usize) -> Vec<Value> {
        until_some(&format!("there are {count} letters"), 25, async || {
            Some(self.letters().await).filter(|letters| letters.len() == count)
        })
        .await
    }

    /// Returns the dead letters, newest first.
    pub(super) async fn letters(&self) -> Vec<Value> {
        let answer = self.router.get("/api/dead-letters?limit=1000").await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()["dead_letters"].as_array().expect("a list").clone()
    }

    /// Returns what the stand-in tells of one table.
    pub(super) async fn table(&self, name: &str) -> Value {
        self.stand_in.tables().await[format!("analytics.{name}")].clone()
    }

    /// Waits until there is a table.
    pub(super) async fn until_made(&self, name: &str) {
        until(&format!("`{name}` is made"), 25, async || !self.table(name).await.is_null()).await;
    }

    /// Runs statements in the stand-in as an operator would, separated by `;` and a line break.
    pub(super) async fn run(&self, statements: &str) {
        let client = client(&self.stand_in).await;
        for statement in statements.split(";\n").filter(|statement| !statement.trim().is_empty()) {
            let ran = client.job().query("local", QueryRequest::new(statement)).await;
            ran.unwrap_or_else(|error| panic!("{statement}: {error:?}"));
        }
    }

    /// Runs a subcommand, which has to end well, and returns what it said.
    pub(super) fn say(&self, arguments: &[&str]) -> String {
        let output: Output = self.router.run(arguments);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {output:?}");
        String::from_utf8(output.stdout).expect("text")
    }

    /// Fails unless a table has one row for each of these events and no other.
    pub(super) async fn expect_exactly(&self, table: &str, ids: &[String]) {
        let rows = self.stand_in.rows(table).await;
        assert_eq!(rows.len(), ids.len(), "`{table}`: {rows:#?}");
        assert_eq!(ids_in(&rows), ids.iter().cloned().collect());
    }
}

/// Sends events to a router, and returns their ids.
pub(super) async fn send(router: &Router, events: &[Value]) -> Vec<String> {
    for events in events.chunks(500) {
        router.post("/v1/batch", &batch(events)).await.expect_success();
    }
    ids_of(events)
}

/// A client that the stand-in lets in.
pub(super) async fn client(stand_in: &BigQuery) -> Client {
    let mut builder = ClientBuilder::new();
    builder.with_v2_base_url(stand_in.endpoint());
    let key = stand_in.key_file();
    builder.build_from_service_account_key_file(key.to_str().expect("a path")).await.expect("a key file")
}

/// Returns the ids of rows.
pub(super) fn ids_in(rows: &[Value]) -> BTreeSet<String> {
    rows.iter().filter_map(|row| row["id"].as_str().map(str::to_owned)).collect()
}
