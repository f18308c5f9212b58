//! A request as a reader sees it: what goes over the wire, and the rows by their tables. Pure.
//!
//! The body is shown as it is before compression. No request carries a secret: who we are is in a header that the wire adds.

use serde_json::Value;

use super::super::{Shown, ShownBody, ShownRequest, ShownRow};
use super::insert;
use super::request::{Request, Rows};

/// Shows a request that goes to this address.
pub(super) fn show(request: &Request, url: String) -> Shown {
    match request {
        Request::Insert(rows) => {
            let mut body = Vec::new();
            let written = insert::write_body(rows, &mut body);
            debug_assert!(written.is_ok(), "a vector takes everything");
            let body = ShownBody::of(&body);
            Shown { requests: vec![post(url, "application/json", body)], rows: shown_rows(rows) }
        }
        Request::Load(rows) => {
            let body = ShownBody::of(&rows.text);
            Shown { requests: vec![post(url, "application/x-ndjson", body)], rows: shown_rows(rows) }
        }
        Request::Probe => {
            let request = ShownRequest { method: "GET".to_owned(), url, headers: Vec::new(), body: None };
            Shown { requests: vec![request], rows: Vec::new() }
        }
    }
}

fn post(url: String, content_type: &str, body: Option<ShownBody>) -> ShownRequest {
    let headers = vec![("content-type".to_owned(), content_type.to_owned())];
    ShownRequest { method: "POST".to_owned(), url, headers, body }
}

fn shown_rows(rows: &Rows) -> Vec<ShownRow> {
    let read = |text: &[u8]| match serde_json::from_slice(text) {
        Ok(Value::Object(columns)) => Some(columns),
        _ => None,
    };
    let texts = rows.rows.iter().filter_map(|row| rows.text.get(row.text.clone()));
    texts.filter_map(read).map(|columns| ShownRow { table: rows.table.clone(), columns }).collect()
}
