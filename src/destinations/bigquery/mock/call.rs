//! A request taken apart: what it is for, and what it says.

use std::io::Read as _;

use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use jiff::Timestamp;
use serde_json::{Map, Value};

use super::answer::{invalid, refusal, too_large};
use crate::destinations::mock::{Incoming, Said};

/// Most bytes of an unpacked body that is read at all.
const MAX_BODY_BYTES: u64 = 64 * 1024 * 1024;

/// What a request is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target {
    /// The exchange of an assertion for a token.
    Token,
    /// A token from the machine's own server.
    Metadata,
    Datasets,
    Dataset(String),
    Tables(String),
    Table((String, String)),
    Insert((String, String)),
    Data((String, String)),
    Queries,
    Results(String),
    Jobs,
    Job(String),
    Upload,
    Unknown,
}

/// The path of the token server that asks nothing, as Google's machines have it.
const METADATA: &str = "/computeMetadata/v1/instance/service-accounts/default/token";

impl Target {
    /// Returns what a path is for, with the project where it names one.
    pub(super) fn of(path: &str) -> (Target, &str) {
        if path == METADATA {
            return (Target::Metadata, "");
        }
        let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
        let own = str::to_owned;
        match parts.as_slice() {
            ["token"] => (Target::Token, ""),
            ["upload", "bigquery", "v2", "projects", project, "jobs"]
            | ["resumable", "upload", "bigquery", "v2", "projects", project, "jobs"] => {
                (Target::Upload, project)
            }
            ["bigquery", "v2", "projects", project, rest @ ..] => {
                let target = match rest {
                    ["datasets"] => Target::Datasets,
                    ["datasets", dataset] => Target::Dataset(own(dataset)),
                    ["datasets", dataset, "tables"] => Target::Tables(own(dataset)),
                    ["datasets", dataset, "tables", table] => Target::Table((own(dataset), own(table))),
                    ["datasets", dataset, "tables", table, "insertAll"] => {
                        Target::Insert((own(dataset), own(table)))
                    }
                    ["datasets", dataset, "tables", table, "data"] => {
                        Target::Data((own(dataset), own(table)))
                    }
                    ["queries"] => Target::Queries,
                    ["queries", job] => Target::Results(own(job)),
                    ["jobs"] => Target::Jobs,
                    ["jobs", job] => Target::Job(own(job)),
                    _ => Target::Unknown,
                };
                (target, project)
            }
            _ => (Target::Unknown, ""),
        }
    }

    /// Returns the part of the interface that it belongs to, as `--on` names it.
    pub(super) const fn part(&self) -> &'static str {
        match self {
            Target::Token | Target::Metadata => "token",
            Target::Datasets | Target::Dataset(_) => "datasets",
            Target::Tables(_) | Target::Table(_) | Target::Data(_) => "tables",
            Target::Insert(_) => "insert",
            Target::Queries | Target::Results(_) => "query",
            Target::Upload => "load",
            Target::Jobs | Target::Job(_) => "jobs",
            Target::Unknown => "unknown",
        }
    }
}

/// The parts of the interface.
pub(super) const PARTS: &[&str] = &["token", "datasets", "tables", "insert", "query", "load", "jobs"];

/// A request with its time.
pub(super) struct Call<'a> {
    pub(super) request: &'a Incoming,
    pub(super) at: Timestamp,
}

impl<'a> Call<'a> {
    pub(super) fn new(request: &'a Incoming) -> Call<'a> {
        Call { request, at: request.at }
    }

    /// Returns the body as an object; no body is an empty one.
    ///
    /// # Errors
    /// It cannot be unpacked, or is no object.
    pub(super) fn json(&self) -> Result<Map<String, Value>, Said> {
        let body = unpacked(self.request)?;
        if body.is_empty() {
            return Ok(Map::new());
        }
        serde_json::from_slice(&body)
            .map_err(|error| refusal(400, "parseError", &format!("Parse Error: {error}")))
    }
}

/// Returns the body without its compression.
///
/// # Errors
/// The compression is unknown, or it is none.
pub(super) fn unpacked(request: &Incoming) -> Result<Bytes, Said> {
    match request.header("content-encoding") {
        "" | "identity" => Ok(request.body.clone()),
        "gzip" => gunzip(&request.body),
        other => Err(invalid(&format!("Unsupported content encoding: {other}"))),
    }
}

/// Returns what was packed with gzip.
///
/// # Errors
/// It is no gzip, or too much.
pub(super) fn gunzip(packed: &[u8]) -> Result<Bytes, Said> {
    let mut body = Vec::new();
    match MultiGzDecoder::new(packed).take(MAX_BODY_BYTES + 1).read_to_end(&mut body) {
        Ok(_) if body.len() as u64 > MAX_BODY_BYTES => Err(too_large()),
        Ok(_) => Ok(body.into()),
        Err(error) => Err(invalid(&format!("The body is no gzip: {error}"))),
    }
}

/// Returns a text of a form or a path without its percent signs.
pub(super) fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let digits = tail.get(..2).and_then(|two| std::str::from_utf8(two).ok());
        let code = digits.and_then(|two| u8::from_str_radix(two, 16).ok()).filter(|_| *first == b'%');
        bytes.push(code.unwrap_or(if *first == b'+' { b' ' } else { *first }));
        rest = if code.is_some() { tail.get(2..).unwrap_or_default() } else { tail };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
