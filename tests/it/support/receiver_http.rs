//! The wire side of the scripted receiver: reads one HTTP/1.1 request from a connection, writes one answer.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

/// A request as it came.
pub(super) struct Incoming {
    pub(super) path: String,
    pub(super) headers: BTreeMap<String, String>,
    pub(super) body: Vec<u8>,
}

/// A request or an answer as it came, its body still compressed.
pub(super) struct Raw {
    /// Method, path and version, or version and status.
    pub(super) line: String,
    pub(super) headers: BTreeMap<String, String>,
    pub(super) body: Vec<u8>,
}

/// Reads the next request; `None` at the end of the connection or on anything that is no HTTP.
pub(super) fn read_request(reader: &mut BufReader<TcpStream>) -> Option<Incoming> {
    decompressed(read_raw(reader)?)
}

/// Reads the next request or answer as it is on the wire; `None` as with [`read_request`].
pub(super) fn read_raw(reader: &mut BufReader<TcpStream>) -> Option<Raw> {
    let line = read_line(reader)?;
    let mut headers = BTreeMap::new();
    loop {
        let line = read_line(reader)?;
        if line.is_empty() {
            break;
        }
        let (name, value) = line.split_once(':')?;
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let body = read_body(reader, &headers)?;
    Some(Raw { line, headers, body })
}

/// Decompresses the body where the headers say that it is compressed.
pub(super) fn decompressed(raw: Raw) -> Option<Incoming> {
    let Raw { line, headers, body } = raw;
    let path = line.split(' ').nth(1)?.to_owned();
    let body = match headers.get("content-encoding").map(String::as_str) {
        Some("gzip") => gunzip(&body)?,
        _ => body,
    };
    Some(Incoming { path, headers, body })
}

fn read_line(reader: &mut BufReader<TcpStream>) -> Option<String> {
    let mut line = String::new();
    let read = reader.read_line(&mut line).ok()?;
    (read > 0).then(|| line.trim_end().to_owned())
}

fn read_body(reader: &mut BufReader<TcpStream>, headers: &BTreeMap<String, String>) -> Option<Vec<u8>> {
    if headers.get("transfer-encoding").is_some_and(|value| value == "chunked") {
        return read_chunks(reader);
    }
    let length = headers.get("content-length").map_or(Some(0), |value| value.parse().ok())?;
    read_exactly(reader, length)
}

fn read_chunks(reader: &mut BufReader<TcpStream>) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let length = usize::from_str_radix(&read_line(reader)?, 16).ok()?;
        body.extend(read_exactly(reader, length)?);
        read_line(reader)?;
        if length == 0 {
            return Some(body);
        }
    }
}

fn read_exactly(reader: &mut BufReader<TcpStream>, length: usize) -> Option<Vec<u8>> {
    let mut bytes = vec![0; length];
    reader.read_exact(&mut bytes).ok()?;
    Some(bytes)
}

fn gunzip(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut plain = Vec::new();
    flate2::read::MultiGzDecoder::new(bytes).read_to_end(&mut plain).ok()?;
    Some(plain)
}

/// Writes an answer that keeps the connection open; false when the other side is gone.
pub(super) fn write_answer(
    stream: &mut TcpStream,
    status: u16,
    headers: &[(String, String)],
    body: &str,
) -> bool {
    let mut text = format!("HTTP/1.1 {status} Scripted\r\ncontent-length: {}\r\n", body.len());
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str("\r\n");
    text.push_str(body);
    stream.write_all(text.as_bytes()).is_ok()
}
