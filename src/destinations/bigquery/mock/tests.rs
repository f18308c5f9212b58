//! The stand-in by requests and answers: what it takes, what it refuses, and in which words.

mod insert;
mod load;
mod ours;
mod patience;
mod schema;
mod sql;
mod token;

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};

use super::*;

/// A stand-in at a moment, and one account that may do everything.
struct Cloud {
    mock: Box<dyn Mock>,
    now: Timestamp,
}

/// A dataset `d` of the project `local` with a table `t` that has some columns of each kind.
fn cloud() -> Cloud {
    cloud_with(&[])
}

fn cloud_with(set: &[(&str, &str)]) -> Cloud {
    let mut cloud = bare(set);
    cloud.make(
        "t",
        &[
            ("id", "STRING"),
            ("received_at", "TIMESTAMP"),
            ("n", "INTEGER"),
            ("ratio", "FLOAT"),
            ("ok", "BOOLEAN"),
            ("price", "NUMERIC"),
            ("_unmapped", "JSON"),
        ],
    );
    cloud
}

/// Only the dataset.
fn bare(set: &[(&str, &str)]) -> Cloud {
    let set = [&[("dataset", "d")], set].concat();
    let set = set.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let mock = new(&MockSettings { secret: "secret".to_owned(), set }).unwrap();
    Cloud { mock, now: "2026-01-02T03:04:05Z".parse().unwrap() }
}

impl Cloud {
    fn raw(&mut self, method: &str, url: &str, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Said {
        let (path, query) = url.split_once('?').unwrap_or((url, ""));
        let known = [("authorization", "Bearer secret"), ("host", "127.0.0.1:4010")];
        let known = known.iter().filter(|(name, _)| headers.iter().all(|(given, _)| given != name));
        let request = Incoming {
            method: method.to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            headers: known.chain(headers).map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
            body: Bytes::copy_from_slice(body.as_ref()),
            at: self.now,
        };
        match self.mock.read(&request) {
            Ok(events) => self.mock.take(&request, &events).0,
            Err(said) => said,
        }
    }

    /// Calls below the project, and returns the status with the body.
    fn call(&mut self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let said = self.raw(method, &format!("/bigquery/v2/projects/local/{path}"), &[], body);
        (said.status, serde_json::from_str(&said.body).unwrap_or_default())
    }

    /// Calls, and returns status, reason and message of the refusal.
    fn refused(&mut self, method: &str, path: &str, body: &Value) -> (u16, String, String) {
        let (status, body) = self.call(method, path, body);
        reason(status, &body)
    }

    fn make(&mut self, table: &str, columns: &[(&str, &str)]) {
        let (status, body) = self.call("POST", "datasets/d/tables", &described(table, columns));
        assert_eq!(status, 200, "{body}");
    }

    fn insert(&mut self, table: &str, rows: &[Value]) -> (u16, Value) {
        let rows: Vec<Value> = rows.iter().map(|row| json!({ "json": row })).collect();
        let body = json!({ "rows": rows, "skipInvalidRows": true });
        self.call("POST", &format!("datasets/d/tables/{table}/insertAll"), &body)
    }

    /// Inserts one row, and returns the message of its refusal, empty when it was taken.
    fn insert_one(&mut self, table: &str, row: Value) -> String {
        let (status, body) = self.insert(table, &[row]);
        assert_eq!(status, 200, "{body}");
        body["insertErrors"][0]["errors"][0]["message"].as_str().unwrap_or_default().to_owned()
    }

    fn query(&mut self, sql: &str) -> (u16, Value) {
        self.call("POST", "queries", &json!({ "query": sql, "useLegacySql": false }))
    }

    /// Runs a statement that must be taken.
    fn run(&mut self, sql: &str) -> Value {
        let (status, body) = self.query(sql);
        assert_eq!(status, 200, "{sql}: {body}");
        body
    }

    /// Runs a statement that must be refused.
    fn run_refused(&mut self, sql: &str) -> (u16, String, String) {
        let (status, body) = self.query(sql);
        reason(status, &body)
    }

    fn control(&mut self, method: &str, path: &str, body: Value) -> Value {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let request = Incoming {
            method: method.to_owned(),
            path: format!("/_mock/{path}"),
            query: query.to_owned(),
            headers: vec![("host".to_owned(), "127.0.0.1:4010".to_owned())],
            body: body.to_string().into(),
            at: self.now,
        };
        let said = self.mock.control(&request).unwrap();
        assert_eq!(said.status, 200, "{said:?}");
        serde_json::from_str(&said.body).unwrap()
    }

    fn rows(&mut self, table: &str) -> Value {
        self.control("GET", &format!("rows?table={table}"), json!({}))["rows"].take()
    }

    fn columns(&mut self, table: &str) -> String {
        let told = self.control("GET", "tables", json!({}));
        let columns = told[format!("d.{table}")]["columns"].as_object().unwrap();
        let columns = columns.iter().map(|(name, kind)| format!("{name} {}", kind.as_str().unwrap()));
        columns.collect::<Vec<_>>().join(", ")
    }

    fn pass(&mut self, seconds: i64) {
        self.now += SignedDuration::from_secs(seconds);
    }
}

fn described(table: &str, columns: &[(&str, &str)]) -> Value {
    let fields: Vec<Value> =
        columns.iter().map(|(name, kind)| json!({ "name": name, "type": kind })).collect();
    json!({ "tableReference": { "tableId": table }, "schema": { "fields": fields } })
}

fn reason(status: u16, body: &Value) -> (u16, String, String) {
    let error = &body["error"];
    assert_eq!(error["code"], status, "{body}");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    (status, text(&error["errors"][0]["reason"]), text(&error["message"]))
}

/// Whether a refusal is this one, with a message that holds these words.
#[track_caller]
fn expect(refusal: &(u16, String, String), status: u16, reason: &str, words: &str) {
    assert_eq!((refusal.0, refusal.1.as_str()), (status, reason), "{refusal:?}");
    assert!(refusal.2.contains(words), "{refusal:?}");
}
