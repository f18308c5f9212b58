//! The stand-in of an incoming webhook for `opentrack mock slack`: says `ok`, or what is wrong in Slack's words. Pure.
//!
//! A line of a message is an event, and the line is its id: Slack knows no others. `GET /_mock/seen` tells the last texts.

use std::collections::VecDeque;

use serde_json::{Value, json};

use crate::destinations::mock::{Incoming, Mock, MockEvent, MockSettings, Said};

/// Slack cuts longer ones: <https://api.slack.com/changelog/2018-04-truncating-really-long-messages>. Here they are refused,
/// because a router that sends them has not kept to its own limit.
const MAX_CHARACTERS: usize = 40_000;
/// How many of the last messages are told.
const LAST_MESSAGES: usize = 20;

/// A webhook, with the end that its address must have; empty: any address will do.
struct Webhook {
    secret: String,
    posted: u64,
    last: VecDeque<String>,
}

/// Returns a webhook to which nothing was posted.
///
/// # Errors
/// Something is set that it does not have.
pub(super) fn new(settings: &MockSettings) -> Result<Box<dyn Mock>, String> {
    settings.nothing_set()?;
    Ok(Box::new(Webhook { secret: settings.secret.clone(), posted: 0, last: VecDeque::new() }))
}

impl Mock for Webhook {
    fn read(&self, request: &Incoming) -> Result<Vec<MockEvent>, Said> {
        if request.method != "POST" {
            return Err(said(405, "method_not_allowed"));
        }
        if !request.path.ends_with(&self.secret) {
            return Err(said(403, "invalid_token"));
        }
        let text = text(&request.body).map_err(|word| said(400, word))?;
        let lines = text.lines().filter(|line| !line.is_empty());
        Ok(lines.map(|line| MockEvent { id: line.to_owned(), name: line.to_owned() }).collect())
    }

    fn take(&mut self, request: &Incoming, events: &[MockEvent]) -> (Said, Vec<usize>) {
        self.posted += 1;
        self.last.extend(text(&request.body).ok());
        let more = self.last.len().saturating_sub(LAST_MESSAGES);
        self.last.drain(..more);
        (said(200, "ok"), (0..events.len()).collect())
    }

    /// A message is taken as a whole or not at all.
    fn refuse_some(&mut self, _: &Incoming, events: &[MockEvent], _: &[usize]) -> (Said, Vec<usize>) {
        (self.refuse_all(events, 0), Vec::new())
    }

    fn refuse_all(&self, _: &[MockEvent], _: usize) -> Said {
        said(400, "invalid_payload")
    }

    fn fail(&self, status: u16) -> Said {
        said(status, usual(status))
    }

    fn greeting(&self, url: &str) -> Vec<String> {
        let end = if self.secret.is_empty() { "any" } else { &self.secret };
        vec![format!("url = \"{url}services/T0/B0/{end}\"")]
    }

    fn told(&self) -> Value {
        json!({ "messages": self.posted, "last_messages": self.last })
    }

    fn reset(&mut self) {
        self.posted = 0;
        self.last.clear();
    }
}

/// Returns the text of a message, or Slack's word for what is wrong with it.
fn text(body: &[u8]) -> Result<String, &'static str> {
    let message: Value = serde_json::from_slice(body).map_err(|_| "invalid_payload")?;
    let members = message.as_object().ok_or("invalid_payload")?;
    let text = members.get("text").unwrap_or(&Value::Null);
    let text = if text.is_null() { "" } else { text.as_str().ok_or("invalid_payload")? };
    match text.chars().count() {
        0 => Err("no_text"),
        1..=MAX_CHARACTERS => Ok(text.to_owned()),
        _ => Err("msg_too_long"),
    }
}

/// The word that usually comes with a status.
const fn usual(status: u16) -> &'static str {
    match status {
        400 => "invalid_payload",
        403 => "action_prohibited",
        404 => "no_service",
        410 => "channel_is_archived",
        429 => "rate_limited",
        500 => "rollup_error",
        _ => "as it was told",
    }
}

fn said(status: u16, word: &str) -> Said {
    Said { status, headers: vec![("content-type", "text/html".to_owned())], body: word.to_owned() }
}
