//! A router whose only destination is ClickHouse's engine, and what can be seen of both.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::support::{ClickHouse, Router, batch, fresh_id, ids_of, until_some};

/// Seconds in which everything must have come about.
const DEADLINE: u64 = 40;

/// A router and where its events go.
pub(super) struct Scene {
    pub(super) clickhouse: ClickHouse,
    pub(super) router: Router,
}

/// Returns a track call of this name with these properties and a fresh id.
pub(super) fn named(event: &str, properties: &Value) -> Value {
    json!({
        "type": "track", "event": event, "userId": "u", "messageId": fresh_id("m"), "properties": properties,
    })
}

impl Scene {
    /// Starts both; `extra` are lines of the destination.
    pub(super) async fn start(extra: &str) -> Scene {
        let clickhouse = ClickHouse::start();
        let router = Router::start(clickhouse.config(extra)).await;
        Scene { clickhouse, router }
    }

    /// Starts both, for Segment's tables.
    pub(super) async fn segment(extra: &str) -> Scene {
        Scene::start(&format!("layout = \"segment\"\n{extra}")).await
    }

    /// Sends events in one request and returns their ids.
    pub(super) async fn send(&self, events: &[Value]) -> Vec<String> {
        self.router.post("/v1/batch", &batch(events)).await.expect_success();
        ids_of(events)
    }

    /// Returns the rows of a table by id, each once; none while there is no such table.
    pub(super) async fn rows(&self, table: &str, id: &str) -> BTreeMap<String, Value> {
        let rows = self.clickhouse.query_if_there(&format!("SELECT * FROM opentrack.`{table}` FINAL")).await;
        rows.into_iter()
            .map(|row| (row[id].as_str().unwrap_or_default().to_owned(), without_nulls(row)))
            .collect()
    }

    /// Waits until a table has a row of each of these events, and returns its rows by id.
    pub(super) async fn until_in(&self, table: &str, ids: &[String]) -> BTreeMap<String, Value> {
        let id = if table == "events" { "message_id" } else { "id" };
        until_some(&format!("`{table}` has a row of each of {ids:?}"), DEADLINE, async || {
            Some(self.rows(table, id).await).filter(|rows| ids.iter().all(|id| rows.contains_key(id)))
        })
        .await
    }

    /// Waits until the entry of the destination is as wanted.
    pub(super) async fn until_entry(&self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        until_some(what, DEADLINE, async || {
            Some(self.router.destination("ch").await).filter(|one| wanted(one))
        })
        .await
    }

    /// Waits until nothing is on its way.
    pub(super) async fn until_idle(&self) -> Value {
        self.until_entry("nothing is on its way", |one| one["backlog"]["events"] == 0).await
    }

    /// Returns the dead letters by message id.
    pub(super) async fn letters(&self) -> BTreeMap<String, Value> {
        let body = self.router.get("/api/dead-letters?destination=ch&limit=1000").await.json();
        let letters = body["dead_letters"].as_array().cloned().unwrap_or_default();
        letters
            .into_iter()
            .map(|one| (one["message_id"].as_str().unwrap_or_default().to_owned(), one))
            .collect()
    }

    /// Returns the only number that a query answers.
    pub(super) async fn number(&self, sql: &str) -> f64 {
        let rows = self.clickhouse.query(&format!("SELECT toFloat64(({sql})) AS n")).await;
        rows[0]["n"].as_f64().expect("a number")
    }
}

fn without_nulls(row: Value) -> Value {
    let Value::Object(columns) = row else { return row };
    Value::Object(columns.into_iter().filter(|(_, value)| !value.is_null()).collect())
}
