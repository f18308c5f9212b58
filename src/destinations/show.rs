//! A planned request as a reader sees it: what would go over the wire, or into which rows, with every secret masked.
//!
//! Separate from the requests themselves because those are made for the wire and hold secrets; what is here may be printed,
//! pasted and kept.

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// What stands in the place of a secret.
pub const MASK: &str = "***";

/// One planned request, shown.
#[derive(Debug, Default, Serialize)]
pub struct Shown {
    /// Requests over HTTP, in the order in which they are sent.
    pub requests: Vec<ShownRequest>,
    /// Rows, in the order in which they are written.
    pub rows: Vec<ShownRow>,
}

/// One HTTP request.
#[derive(Debug, Serialize)]
pub struct ShownRequest {
    /// `POST`.
    pub method: String,
    /// The address, masked where it may hold a secret.
    pub url: String,
    /// Names in lower case with their values, secret ones masked.
    #[serde(serialize_with = "as_map")]
    pub headers: Vec<(String, String)>,
    /// The body before compression; `None` when there is none.
    pub body: Option<ShownBody>,
}

/// The body of a request.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum ShownBody {
    /// JSON, byte for byte as it is sent.
    Json(Box<RawValue>),
    /// Any other text.
    Text(String),
}

/// One row.
#[derive(Debug, Serialize)]
pub struct ShownRow {
    /// The table.
    pub table: String,
    /// Columns that get a value, by their names.
    pub columns: Map<String, Value>,
}

impl ShownBody {
    /// Returns the body of these bytes; `None` when there are none.
    pub fn of(bytes: &[u8]) -> Option<ShownBody> {
        if bytes.is_empty() {
            return None;
        }
        let text = String::from_utf8_lossy(bytes).into_owned();
        Some(match serde_json::from_str(&text) {
            Ok(json) => ShownBody::Json(json),
            Err(_) => ShownBody::Text(text),
        })
    }
}

impl Shown {
    /// Adds what another request shows.
    pub fn append(&mut self, mut other: Shown) {
        self.requests.append(&mut other.requests);
        self.rows.append(&mut other.rows);
    }

    /// Returns whether there is nothing to see.
    pub fn is_empty(&self) -> bool {
        self.requests.is_empty() && self.rows.is_empty()
    }
}

fn as_map<S: Serializer>(headers: &[(String, String)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(headers.iter().map(|(name, value)| (name, value)))
}
