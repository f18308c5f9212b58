//! Rejected events as lines of JSON, and what other lines share with them.
//!
//! Separate because every engine stores the same lines. Pure.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::value::RawValue;

use crate::spec::Rejected;

/// A rejected text longer than this is cut and kept as a string.
const MAX_TEXT: usize = 64 << 10;

#[derive(Serialize)]
struct RejectedLine<'a> {
    message_id: Option<&'a str>,
    source: &'a str,
    code: &'static str,
    message: &'a str,
    path: &'a str,
    at: jiff::Timestamp,
    event: Text<'a>,
}

/// A text that may be JSON.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Text<'a> {
    /// It is.
    Json(Box<RawValue>),
    /// It is not, or was too long.
    String(Cow<'a, str>),
}

/// Returns one line, with its line feed, for each rejected event.
///
/// # Errors
/// None that can happen with these types.
pub(super) fn rejected(rejected: &[Rejected]) -> serde_json::Result<Vec<u8>> {
    let mut out = Vec::new();
    for event in rejected {
        let problem = event.problems.first();
        let line = RejectedLine {
            message_id: event.message_id.as_deref(),
            source: &event.source,
            code: problem.map_or("", |problem| problem.code.as_str()),
            message: problem.map_or("", |problem| &problem.message),
            path: problem.map_or("", |problem| &problem.path),
            at: event.at,
            event: text(&event.raw, MAX_TEXT),
        };
        push(&mut out, &line)?;
    }
    Ok(out)
}

/// Appends a line with its line feed.
///
/// # Errors
/// A value that is no JSON.
pub(super) fn push(out: &mut Vec<u8>, line: &impl Serialize) -> serde_json::Result<()> {
    serde_json::to_writer(&mut *out, line)?;
    out.push(b'\n');
    Ok(())
}

/// Returns the text as it is when it is JSON of at most `max` bytes, else as a string.
pub(super) fn text(raw: &[u8], max: usize) -> Text<'_> {
    let json = || {
        // Line feeds within JSON stand between tokens only; one line must hold all.
        let line = std::str::from_utf8(raw).ok()?.replace(['\n', '\r'], " ");
        RawValue::from_string(line).ok()
    };
    match (raw.len() <= max).then(json).flatten() {
        Some(json) => Text::Json(json),
        None => Text::String(String::from_utf8_lossy(raw.get(..max).unwrap_or(raw))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::{Code, Problem};

    fn line(raw: &[u8]) -> serde_json::Value {
        let problem = Problem { path: "userId".into(), code: Code::WrongType, message: "no text".into() };
        let one = Rejected {
            index: 0,
            message_id: Some("m1".into()),
            problems: vec![problem],
            source: "web".into(),
            at: "2030-01-01T00:00:00Z".parse().unwrap(),
            raw: bytes::Bytes::copy_from_slice(raw),
        };
        let bytes = rejected(&[one]).unwrap();
        assert_eq!(bytes.iter().filter(|byte| **byte == b'\n').count(), 1);
        serde_json::from_slice(&bytes).unwrap()
    }

    #[test]
    fn a_rejected_event_is_one_line_with_all_keys() {
        let line = line(b"{\"a\":\n1}").to_string();
        insta::assert_snapshot!(line, @r#"{"message_id":"m1","source":"web","code":"wrong_type","message":"no text","path":"userId","at":"2030-01-01T00:00:00Z","event":{"a":1}}"#);
    }

    #[test]
    fn text_that_is_no_json_or_too_long_is_kept_as_a_string() {
        assert_eq!(line(b"{\"a\":\xff")["event"], "{\"a\":\u{fffd}");
        let long = format!("\"{}\"", "x".repeat(MAX_TEXT));
        assert_eq!(line(long.as_bytes())["event"].as_str().unwrap().len(), MAX_TEXT);
    }
}
