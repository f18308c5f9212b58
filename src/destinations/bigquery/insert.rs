//! The body of `tabledata.insertAll`, put together from rows that are JSON already. Pure.
//!
//! `skipInvalidRows` is always on: without it one bad row stops all, and with it each row is answered for. Unknown values
//! are never ignored, since that would lose them without a word.
//! See <https://cloud.google.com/bigquery/docs/reference/rest/v2/tabledata/insertAll>.

use std::io::{self, Write as _};

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;

use super::request::Rows;

const HEAD: &str = r#"{"kind":"bigquery#tableDataInsertAllRequest","skipInvalidRows":true,"ignoreUnknownValues":false,"rows":["#;
const TAIL: &str = "]}";

/// Returns the body, not yet compressed. The text of a row is taken as it stands.
pub(super) fn body(rows: &Rows) -> Vec<u8> {
    let mut body = Vec::with_capacity(rows.text.len() + rows.rows.len() * 96 + HEAD.len());
    body.extend_from_slice(HEAD.as_bytes());
    for (index, row) in rows.rows.iter().enumerate() {
        body.extend_from_slice(if index == 0 { b"{" } else { b",{" });
        if !row.insert_id.is_empty() {
            let id = serde_json::Value::String(row.insert_id.clone());
            body.extend_from_slice(format!("\"insertId\":{id},").as_bytes());
        }
        body.extend_from_slice(b"\"json\":");
        body.extend_from_slice(rows.text.get(row.text.clone()).unwrap_or_default());
        body.push(b'}');
    }
    body.extend_from_slice(TAIL.as_bytes());
    body
}

/// Compresses quickly: what is saved is the time on the wire, and JSON of rows becomes a tenth at any level.
///
/// # Errors
/// Never in practice: it writes to memory.
pub(super) fn zipped(text: &[u8]) -> io::Result<Bytes> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(text.len() / 8), Compression::fast());
    encoder.write_all(text)?;
    encoder.finish().map(Bytes::from)
}

#[cfg(test)]
mod tests {
    use super::super::request::Row;
    use super::*;

    #[test]
    fn rows_are_taken_as_they_stand_and_ids_are_left_out_when_there_are_none() {
        let text = "{\"a\":1.00}\n{\"b\":\"ü\"}\n";
        let rows = Rows {
            rows: vec![
                Row { event: 0, text: 0..10, insert_id: "x\"1".to_owned() },
                Row { event: 1, text: 11..text.len() - 1, insert_id: String::new() },
            ],
            text: Bytes::from_static(text.as_bytes()),
            ..Rows::default()
        };
        let wanted = "{\"kind\":\"bigquery#tableDataInsertAllRequest\",\"skipInvalidRows\":true,\
            \"ignoreUnknownValues\":false,\"rows\":[{\"insertId\":\"x\\\"1\",\"json\":{\"a\":1.00}},{\"json\":{\"b\":\"ü\"}}]}";
        assert_eq!(String::from_utf8(body(&rows)).unwrap(), wanted);
    }
}
