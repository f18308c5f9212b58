//! The stand-in of a receiver: all four formats, gzip, signatures by Standard Webhooks, and 207 for a part. Pure.

#[cfg(test)]
mod tests;

use std::io::Read;

use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use serde_json::{Value, json};

use crate::destinations::mock::{Incoming, Mock, MockEvent, MockSettings, Said, others};
use crate::spec::signature::Signer;

/// Most bytes of an unpacked body.
const MAX_BODY_BYTES: u64 = 64 * 1024 * 1024;
/// How far a time stamp may be off, in seconds, as the official libraries have it.
const TOLERANCE: i64 = 5 * 60;

/// A receiver, with the key that requests must be signed with.
struct Receiver {
    signer: Option<Signer>,
}

/// Returns a receiver that verifies signatures when a secret is given.
///
/// # Errors
/// The secret is no secret, or something is set that a receiver does not have.
pub(super) fn new(settings: &MockSettings) -> Result<Box<dyn Mock>, String> {
    settings.nothing_set()?;
    let signer = Signer::new(&settings.secret).map_err(|problem| format!("the secret {problem}"))?;
    Ok(Box::new(Receiver { signer }))
}

impl Mock for Receiver {
    fn read(&self, request: &Incoming) -> Result<Vec<MockEvent>, Said> {
        match request.method.as_str() {
            // A probe; it carries nothing and is not signed.
            "HEAD" => return Ok(Vec::new()),
            "POST" => {}
            other => return Err(Said::error(405, &format!("{other} is not allowed"))),
        }
        let body = unpacked(request)?;
        self.verify(request, &body).map_err(|why| Said::error(401, why))?;
        events(request.header("content-type"), &body).map_err(|why| Said::error(400, &why))
    }

    fn take(&mut self, _: &Incoming, events: &[MockEvent]) -> (Said, Vec<usize>) {
        (Said::json(200, &json!({ "taken": events.len() })), (0..events.len()).collect())
    }

    fn refuse_some(&mut self, _: &Incoming, events: &[MockEvent], refused: &[usize]) -> (Said, Vec<usize>) {
        let named = refused.iter().filter_map(|index| Some((index, events.get(*index)?)));
        let errors = named.map(|(index, event)| {
            json!({ "index": index, "message_id": event.id, "message": format!("\"{}\" is refused", event.name) })
        });
        let said = Said::json(207, &json!({ "errors": errors.collect::<Vec<_>>() }));
        (said, others(events, refused))
    }

    fn refuse_all(&self, events: &[MockEvent], index: usize) -> Said {
        let name = events.get(index).map(|event| event.name.as_str()).unwrap_or_default();
        Said::error(422, &format!("the request holds \"{name}\""))
    }
}

impl Receiver {
    /// Verifies by <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>.
    fn verify(&self, request: &Incoming, body: &[u8]) -> Result<(), &'static str> {
        let Some(signer) = &self.signer else { return Ok(()) };
        let (id, sent) = (request.header("webhook-id"), request.header("webhook-timestamp"));
        let sent: i64 = sent.parse().map_err(|_| "`webhook-timestamp` is missing")?;
        if (request.at.as_second() - sent).abs() > TOLERANCE {
            return Err("`webhook-timestamp` is too far off");
        }
        let right = signer.sign(id, sent, body);
        let mut given = request.header("webhook-signature").split(' ');
        if given.any(|one| one == right) { Ok(()) } else { Err("`webhook-signature` is missing or wrong") }
    }
}

fn unpacked(request: &Incoming) -> Result<Bytes, Said> {
    match request.header("content-encoding") {
        "" | "identity" => return Ok(request.body.clone()),
        "gzip" => {}
        other => return Err(Said::error(415, &format!("`{other}` is no encoding that is known"))),
    }
    let mut body = Vec::new();
    let unpacked = MultiGzDecoder::new(request.body.as_ref()).take(MAX_BODY_BYTES).read_to_end(&mut body);
    match unpacked {
        Ok(_) => Ok(body.into()),
        Err(error) => Err(Said::error(400, &format!("the body is no gzip: {error}"))),
    }
}

/// `{"batch": […]}`, an array, one event, or one on each line.
fn events(content_type: &str, body: &[u8]) -> Result<Vec<MockEvent>, String> {
    if content_type.starts_with("application/x-ndjson") {
        let lines = body.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
        return lines.map(|line| event(&parsed(line)?)).collect();
    }
    match parsed(body)? {
        Value::Array(events) => events.iter().map(event).collect(),
        Value::Object(members) => match members.get("batch") {
            Some(Value::Array(events)) => events.iter().map(event).collect(),
            _ => Ok(vec![event(&Value::Object(members))?]),
        },
        _ => Err("the body holds no events".to_owned()),
    }
}

fn parsed(text: &[u8]) -> Result<Value, String> {
    serde_json::from_slice(text).map_err(|error| format!("the body is no JSON: {error}"))
}

fn event(value: &Value) -> Result<MockEvent, String> {
    let text = |key: &str| value.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
    let id = text("messageId").ok_or("an event has no `messageId`")?.to_owned();
    let name = text("event").or(text("name")).or(text("type")).unwrap_or_default().to_owned();
    Ok(MockEvent { id, name })
}
