//! A router whose only destination is a stand-in of BigQuery, and what can be seen of both.

use std::collections::BTreeMap;

use gcp_bigquery_client::Client;
use gcp_bigquery_client::client_builder::ClientBuilder;
use gcp_bigquery_client::model::query_request::QueryRequest;
use gcp_bigquery_client::model::table::Table;
use gcp_bigquery_client::model::table_schema::TableSchema;
use serde_json::{Value, json};

use crate::support::{BigQuery, Config, Router, batch, fresh_id, ids_of, until, until_some};

/// Seconds in which everything must have come about.
const DEADLINE: u64 = 30;

/// A router and where its events go.
pub(super) struct Scene {
    pub(super) cloud: BigQuery,
    pub(super) router: Router,
}

/// Returns a track call of this name with these properties and a fresh id.
pub(super) fn named(event: &str, properties: &Value) -> Value {
    json!({
        "type": "track", "event": event, "userId": "u", "messageId": fresh_id("m"), "properties": properties,
    })
}

/// Returns a track call that becomes a row of `tracks` and one of `thing`.
pub(super) fn thing(n: u64) -> Value {
    named("Thing", &json!({ "n": n }))
}

impl Scene {
    /// Starts both; the stand-in has the dataset. `extra` are lines of the destination.
    pub(super) async fn start(extra: &str) -> Scene {
        Scene::of(&[], |cloud| cloud.config(extra)).await
    }

    /// Starts both; `settings` are of the stand-in.
    pub(super) async fn of(settings: &[&str], config: impl Fn(&BigQuery) -> Config) -> Scene {
        let cloud = BigQuery::start(&[&["dataset=analytics"], settings].concat());
        let router = Router::start(config(&cloud)).await;
        Scene { cloud, router }
    }

    /// The same with the tables of [`thing`] made, settled and each with a row.
    pub(super) async fn with_tables(extra: &str) -> Scene {
        let scene = Scene::start(&format!("settle = \"1ms\"\n{extra}")).await;
        for n in 0..4 {
            let ids = scene.send(&[thing(n)]).await;
            scene.until_in("thing", &ids).await;
            scene.until_in("tracks", &ids).await;
        }
        scene.until_delivered(4).await;
        scene
    }

    /// Sends events in one request and returns their ids.
    pub(super) async fn send(&self, events: &[Value]) -> Vec<String> {
        self.router.post("/v1/batch", &batch(events)).await.expect_success();
        ids_of(events)
    }

    /// Waits until a table has a row of each of these events, and returns its rows by id.
    pub(super) async fn until_in(&self, table: &str, ids: &[String]) -> BTreeMap<String, Value> {
        let what = format!("`{table}` has a row of each of {ids:?}");
        until_some(&what, DEADLINE, async || {
            Some(self.rows(table).await).filter(|rows| ids.iter().all(|id| rows.contains_key(id)))
        })
        .await
    }

    /// Returns the rows of a table by id; fails the test when one is there twice.
    pub(super) async fn rows(&self, table: &str) -> BTreeMap<String, Value> {
        let mut rows = BTreeMap::new();
        for row in self.cloud.rows(table).await {
            let id = row["id"].as_str().expect("a row has its id").to_owned();
            assert_eq!(rows.insert(id, row), None, "twice in `{table}`");
        }
        rows
    }

    /// Waits until the destination's entry satisfies `check`, and returns it.
    pub(super) async fn until_entry(&self, what: &str, check: impl Fn(&Value) -> bool) -> Value {
        let mut last = Value::Null;
        let seen = until_some(what, 2 * DEADLINE, async || {
            last = self.router.destination("bq").await;
            Some(last.clone()).filter(|entry| check(entry))
        });
        let seen = tokio::time::timeout(std::time::Duration::from_secs(DEADLINE), seen).await;
        seen.unwrap_or_else(|_| panic!("gave up waiting until {what}; last seen: {last}"))
    }

    /// Waits until the destination is in this state, and returns its reason.
    pub(super) async fn until_state(&self, state: &str) -> String {
        let entry = self.until_entry(&format!("it is {state}"), |entry| entry["state"] == state).await;
        entry["reason"].as_str().unwrap_or_default().to_owned()
    }

    /// Waits until the last error holds these words, and returns the entry.
    pub(super) async fn until_error(&self, words: &str) -> Value {
        let holds =
            |entry: &Value| entry["last_error"]["message"].as_str().is_some_and(|text| text.contains(words));
        self.until_entry(&format!("the last error says `{words}`"), holds).await
    }

    /// Waits until so many events were delivered and none waits, and fails the test when one died.
    pub(super) async fn until_delivered(&self, count: u64) {
        let entry = self
            .until_entry(&format!("{count} are delivered"), |entry| {
                entry["counts"]["delivered"] == count && entry["backlog"]["events"] == 0
            })
            .await;
        assert_eq!(entry["counts"]["dead"], json!({}), "{entry}");
    }

    /// Waits until there is a letter of each of these events and no other, and returns them by id.
    pub(super) async fn until_letters(&self, ids: &[String]) -> BTreeMap<String, Value> {
        until_some(&format!("there are letters of {ids:?}"), DEADLINE, async || {
            let letters = self.letters().await;
            (letters.len() == ids.len() && ids.iter().all(|id| letters.contains_key(id))).then_some(letters)
        })
        .await
    }

    /// Returns the dead letters by message id.
    pub(super) async fn letters(&self) -> BTreeMap<String, Value> {
        let answer = self.router.get("/api/dead-letters?limit=1000").await;
        let body = answer.json();
        let letters = body["dead_letters"].as_array().expect("a list");
        letters
            .iter()
            .map(|one| (one["message_id"].as_str().expect("an id").to_owned(), one.clone()))
            .collect()
    }

    /// Returns what `/ready` says of the destination.
    pub(super) async fn ready(&self) -> String {
        let answer = self.router.get("/ready").await;
        assert_eq!(answer.status, 200, "a sick destination does not make the router unready");
        let body = answer.json();
        let check = body["checks"].as_array().and_then(|all| all.iter().find(|check| check["name"] == "bq"));
        check.unwrap_or_else(|| panic!("no `bq` in {body}"))["message"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    /// Returns how many requests of this part of the interface the stand-in has seen.
    pub(super) async fn asked(&self, part: &str) -> u64 {
        self.cloud.seen().await["parts"][part].as_u64().unwrap_or_default()
    }

    /// Waits until it has seen more of them than this.
    pub(super) async fn until_asked(&self, part: &str, more_than: u64) {
        until(&format!("{part} is asked again"), DEADLINE, async || self.asked(part).await > more_than).await;
    }

    /// Orders the next attempt now, whatever is waited for.
    pub(super) async fn retry_now(&self) {
        let answer = self.router.request("POST", "/api/destinations/bq/retry").send().await;
        assert_eq!(answer.expect("it answers").status(), 200);
    }

    /// Runs a statement as the owner of the dataset would.
    pub(super) async fn run(&self, statement: &str) {
        let ran = self.client().await.job().query("local", QueryRequest::new(statement)).await;
        ran.unwrap_or_else(|error| panic!("{statement}: {error:?}"));
    }

    /// Makes a table without columns.
    pub(super) async fn make_bare_table(&self, name: &str) {
        let table = Table::new("local", "analytics", name, TableSchema::new(Vec::new()));
        self.client().await.table().create(table).await.ok();
    }

    async fn client(&self) -> Client {
        let mut builder = ClientBuilder::new();
        builder.with_v2_base_url(self.cloud.endpoint());
        let key = self.cloud.key_file();
        let key = key.to_str().expect("a path of text");
        builder.build_from_service_account_key_file(key).await.expect("the key file is one")
    }
}
