//! The whole wire against the stand-in, which refuses what Google refuses: tokens, tables, rows, load jobs.

mod erase;
mod upkeep;

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use serde_json::{Value, json};

use super::client::Wire;
use super::judge::{Heard, RowVerdict, hear};
use super::peer::{Peer, Said, Seen, target};
use super::request::{Request, Row, Rows};
use super::target::{Credentials, Target};
use crate::destinations::mock::{Incoming, Mock, MockSettings};
use crate::destinations::{SchemaCell, SchemaDiff, SchemaFault};
use crate::telemetry::clock;
use crate::warehouse::{Column, ColumnType};

/// A stand-in behind a socket, and a wire to it.
struct Case {
    stand_in: Arc<Mutex<Box<dyn Mock>>>,
    peer: Peer,
    wire: Wire,
    cell: Arc<SchemaCell>,
    target: Target,
    /// How many minutes the stand-in is ahead of us.
    later: Arc<AtomicI64>,
    /// Holds the key file.
    folder: tempfile::TempDir,
}

fn incoming(method: &str, path: &str, headers: Vec<(String, String)>, body: Vec<u8>) -> Incoming {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let (path, query) = (path.to_owned(), query.to_owned());
    Incoming { method: method.to_owned(), path, query, headers, body: Bytes::from(body), at: clock::now() }
}

/// The peer has unpacked the body already.
fn answer(stand_in: &mut dyn Mock, seen: &Seen, minutes: i64) -> Said {
    let headers = seen.headers.iter().filter(|(name, _)| name != "content-encoding").cloned().collect();
    let mut request = incoming(&seen.method, &seen.path, headers, seen.body.clone());
    request.at += jiff::SignedDuration::from_mins(minutes);
    let said = match stand_in.read(&request) {
        Ok(events) => stand_in.take(&request, &events).0,
        Err(said) => said,
    };
    let mut answer = Said::new(said.status, said.body);
    answer.headers = said.headers;
    answer
}

fn case() -> Case {
    // A token that outlives a test that lets the stand-in's clock go on.
    let set = [("project", "acme"), ("token_life", "24h")].map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let stand_in = super::mock::new(&MockSettings { set, ..MockSettings::default() }).unwrap();
    let stand_in = Arc::new(Mutex::new(stand_in));
    let behind = Arc::clone(&stand_in);
    let later = Arc::new(AtomicI64::new(0));
    let ahead = Arc::clone(&later);
    let peer =
        Peer::new(move |seen| answer(behind.lock().unwrap().as_mut(), seen, ahead.load(Ordering::Relaxed)));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key.json");
    let key = stand_in.lock().unwrap().credentials(peer.url.join("/").unwrap().as_str()).unwrap();
    std::fs::write(&file, key).unwrap();
    let cell = Arc::new(SchemaCell::default());
    let target = Target { credentials: Credentials::File(file), ..target(peer.url.clone()) };
    let wire = Wire::new(target.clone(), Arc::clone(&cell)).unwrap();
    Case { stand_in, peer, wire, cell, target, later, folder }
}

impl Case {
    fn tell(&self, what: &str, body: &Value) -> Value {
        let method = if body.is_null() { "GET" } else { "POST" };
        let request = incoming(method, &format!("/_mock/{what}"), Vec::new(), body.to_string().into_bytes());
        let said = self.stand_in.lock().unwrap().control(&request).unwrap();
        assert_eq!(said.status, 200, "{what} {body}");
        serde_json::from_str(&said.body).unwrap_or_default()
    }

    /// The rows of `t` that the stand-in holds.
    fn held(&self) -> Vec<Value> {
        self.held_in("t")
    }

    fn held_in(&self, table: &str) -> Vec<Value> {
        let rows = self.tell(&format!("rows?table={table}"), &Value::Null);
        rows["rows"].as_array().unwrap().clone()
    }

    async fn change(&self, diff: SchemaDiff) -> Result<(), SchemaFault> {
        self.wire.changes().apply(diff).await
    }

    async fn insert(&self, texts: &[&str]) -> Vec<RowVerdict> {
        self.insert_into("t", texts).await
    }

    async fn insert_into(&self, table: &str, texts: &[&str]) -> Vec<RowVerdict> {
        let rows = Rows { table: table.to_owned(), ..Arc::into_inner(rows(texts)).unwrap() };
        let request = Request::Insert(Arc::new(rows));
        match hear(&request, &self.wire.deliver(&request).await) {
            Heard::Rows(verdicts) => verdicts,
            Heard::Whole(trouble) => panic!("{trouble:?}"),
        }
    }

    fn columns(&self) -> Vec<(String, &'static str)> {
        let schema = self.cell.load();
        schema.tables["t"].columns.iter().map(|(name, kind)| (name.clone(), kind.as_str())).collect()
    }
}

fn rows(texts: &[&str]) -> Arc<Rows> {
    let mut rows = Rows { table: "t".to_owned(), ..Rows::default() };
    let mut text = String::new();
    for (event, row) in texts.iter().enumerate() {
        let from = text.len();
        text.push_str(row);
        let insert_id = format!("{row:x<20}").replace(|it: char| !it.is_alphanumeric(), "_");
        rows.rows.push(Row { event, text: from..text.len(), insert_id });
        text.push('\n');
    }
    (rows.text, rows.job) = (Bytes::from(text), "hash".to_owned());
    Arc::new(rows)
}

fn one(columns: &[(&str, ColumnType)]) -> std::collections::BTreeMap<String, Vec<Column>> {
    let column = |(name, kind): &(&str, ColumnType)| Column { name: (*name).to_owned(), column_type: *kind };
    [("t".to_owned(), columns.iter().map(column).collect())].into()
}

fn create() -> SchemaDiff {
    let columns = [
        ("id", ColumnType::Text),
        ("received_at", ColumnType::Timestamp),
        ("n", ColumnType::Int),
        ("_unmapped", ColumnType::Json),
    ];
    SchemaDiff { create: one(&columns), ..SchemaDiff::default() }
}

fn add(name: &str, kind: ColumnType) -> SchemaDiff {
    SchemaDiff { add: one(&[(name, kind)]), ..SchemaDiff::default() }
}

#[tokio::test]
async fn a_dataset_grows_from_nothing_and_a_restart_reads_what_it_has_become() {
    let case = case();
    case.wire.open().await.unwrap();
    assert!(case.cell.load().tables.is_empty());
    case.change(create()).await.unwrap();
    assert_eq!(case.insert(&[r#"{"id":"a","n":1}"#]).await, [RowVerdict::Taken]);
    case.change(add("price", ColumnType::Float)).await.unwrap();
    let widen = SchemaDiff { widen: one(&[("n", ColumnType::Float)]), ..SchemaDiff::default() };
    case.change(widen).await.unwrap();
    let row = r#"{"id":"b","n":1.5,"price":2.5,"received_at":"2026-01-01T00:00:00.000000Z","_unmapped":"{\"x\":1}"}"#;
    assert_eq!(case.insert(&[row]).await, [RowVerdict::Taken]);
    assert_eq!(case.held().len(), 2);
    let grown = case.columns();
    case.cell.store(crate::warehouse::Schema::default());
    case.wire.changes().refresh(None).await.unwrap();
    assert_eq!(case.columns(), grown);
    let wanted = [
        ("_unmapped", "json"),
        ("id", "text"),
        ("n", "float"),
        ("price", "float"),
        ("received_at", "timestamp"),
    ];
    assert_eq!(grown, wanted.map(|(name, kind)| (name.to_owned(), kind)));
}

#[tokio::test]
async fn each_row_is_answered_for() {
    let case = case();
    case.change(create()).await.unwrap();
    let verdicts = case.insert(&[r#"{"id":"a"}"#, r#"{"id":"b","nope":1}"#, r#"{"id":"c","n":"x"}"#]).await;
    assert_eq!(verdicts[..2], [RowVerdict::Taken, RowVerdict::NoSuchField("nope".to_owned())]);
    assert!(matches!(verdicts[2], RowVerdict::Conversion { .. }), "{verdicts:?}");
    assert_eq!(case.held().len(), 1);
}

#[tokio::test]
async fn the_same_rows_become_one_load_job() {
    let case = case();
    case.change(create()).await.unwrap();
    case.tell("set", &json!({ "polls": 2 }));
    let request = Request::Load(rows(&[r#"{"id":"a","n":1,"_unmapped":{"x":1}}"#, r#"{"id":"b"}"#]));
    for _ in 0..2 {
        let reply = case.wire.deliver(&request).await;
        assert_eq!(hear(&request, &reply), Heard::Rows(vec![RowVerdict::Taken; 2]));
    }
    assert_eq!(case.held().len(), 2);
}

#[tokio::test]
async fn a_forgotten_token_is_no_trouble_for_rows_nor_for_statements() {
    let case = case();
    case.change(create()).await.unwrap();
    case.tell("forget_tokens", &json!({}));
    assert_eq!(case.insert(&[r#"{"id":"a"}"#]).await, [RowVerdict::Taken]);
    case.tell("forget_tokens", &json!({}));
    case.change(add("price", ColumnType::Float)).await.unwrap();
    assert_eq!(case.peer.lines().iter().filter(|line| line.contains("token")).count(), 3);
}

#[tokio::test]
async fn rights_are_missed_one_after_the_other() {
    let case = case();
    case.change(create()).await.unwrap();
    case.tell("deny", &json!({ "right": "bigquery.jobs.create" }));
    case.change(add("price", ColumnType::Float)).await.unwrap();
    assert_eq!(case.insert(&[r#"{"id":"a","price":1.5}"#]).await, [RowVerdict::Taken]);
    case.tell("deny", &json!({ "right": "bigquery.tables.update" }));
    let denied = case.change(add("size", ColumnType::Text)).await;
    let SchemaFault::Denied(fault) = denied.unwrap_err() else { panic!("not denied") };
    assert!(fault.place.unwrap().ddl.starts_with("ALTER TABLE"));
}
