//! The body of `tabledata.insertAll`, put together from rows that are JSON already. Pure.
//!
//! `skipInvalidRows` is always on: without it one bad row stops all, and with it each row is answered for. Unknown values
//! are never ignored, since that would lose them without a word.
//! See <https://cloud.google.com/bigquery/docs/reference/rest/v2/tabledata/insertAll>.

use std::io::{self, BufWriter, Write};

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;

use super::request::Rows;

const HEAD: &str = r#"{"kind":"bigquery#tableDataInsertAllRequest","skipInvalidRows":true,"ignoreUnknownValues":false,"rows":["#;
const TAIL: &str = "]}";
/// Bytes that are compressed at a time.
const CHUNK: usize = 64 * 1024;

/// Writes the body. The text of a row is taken as it stands.
///
/// # Errors
/// Those of `out`.
pub(super) fn write_body(rows: &Rows, out: &mut impl Write) -> io::Result<()> {
    out.write_all(HEAD.as_bytes())?;
    for (index, row) in rows.rows.iter().enumerate() {
        out.write_all(if index == 0 { b"{" } else { b",{" })?;
        if !row.insert_id.is_empty() {
            out.write_all(b"\"insertId\":")?;
            serde_json::to_writer(&mut *out, &row.insert_id)?;
            out.write_all(b",")?;
        }
        out.write_all(b"\"json\":")?;
        out.write_all(rows.text.get(row.text.clone()).unwrap_or_default())?;
        out.write_all(b"}")?;
    }
    out.write_all(TAIL.as_bytes())
}

/// Returns the body, compressed. The whole text of it never exists.
///
/// # Errors
/// Never in practice: it writes to memory.
pub(super) fn zipped_body(rows: &Rows) -> io::Result<Bytes> {
    let mut out = BufWriter::with_capacity(CHUNK, encoder(rows.text.len()));
    write_body(rows, &mut out)?;
    let encoder = out.into_inner().map_err(io::IntoInnerError::into_error)?;
    encoder.finish().map(Bytes::from)
}

/// Compresses a text.
///
/// # Errors
/// Never in practice: it writes to memory.
pub(super) fn zipped(text: &[u8]) -> io::Result<Bytes> {
    let mut encoder = encoder(text.len());
    encoder.write_all(text)?;
    encoder.finish().map(Bytes::from)
}

/// Compresses quickly: what is saved is the time on the wire, and JSON of rows becomes a tenth at any level.
fn encoder(bytes: usize) -> GzEncoder<Vec<u8>> {
    GzEncoder::new(Vec::with_capacity(bytes / 8), Compression::fast())
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use flate2::read::GzDecoder;

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
        let mut body = Vec::new();
        write_body(&rows, &mut body).unwrap();
        assert_eq!(String::from_utf8(body).unwrap(), wanted);
        let mut text = String::new();
        GzDecoder::new(&*zipped_body(&rows).unwrap()).read_to_string(&mut text).unwrap();
        assert_eq!(text, wanted);
    }
}
