//! The stand-in of Parrot for `opentrack mock parrot`: refuses what Parrot refuses. Pure.

use serde::Deserialize;
use serde_json::json;

use super::plan::MAX_ITEMS;
use crate::destinations::mock::{Incoming, Mock, MockEvent, MockSettings, Said};

/// A workspace, with the token that requests must carry; empty: anyone may.
struct Workspace {
    token: String,
}

#[derive(Deserialize)]
struct Body {
    events: Vec<Event>,
}

#[derive(Deserialize)]
struct Event {
    id: String,
    name: String,
    user: String,
}

/// Returns a workspace.
///
/// # Errors
/// Something is set that it does not have.
pub(super) fn new(settings: &MockSettings) -> Result<Box<dyn Mock>, String> {
    settings.nothing_set()?;
    Ok(Box::new(Workspace { token: settings.secret.clone() }))
}

impl Mock for Workspace {
    fn read(&self, request: &Incoming) -> Result<Vec<MockEvent>, Said> {
        let given = request.header("authorization").strip_prefix("Bearer ").unwrap_or_default();
        if !self.token.is_empty() && given != self.token {
            return Err(refusal(401, "unknown_token", "no such token"));
        }
        match (request.method.as_str(), request.path.trim_start_matches('/')) {
            ("GET", "v1/me") => Ok(Vec::new()),
            ("POST", "v1/events") => events(&request.body),
            _ => Err(refusal(404, "not_found", "there is nothing here")),
        }
    }

    fn take(&mut self, _: &Incoming, events: &[MockEvent]) -> (Said, Vec<usize>) {
        (Said::json(200, &json!({ "taken": events.len() })), (0..events.len()).collect())
    }

    /// Parrot takes all or nothing.
    fn refuse_some(&mut self, _: &Incoming, events: &[MockEvent], refused: &[usize]) -> (Said, Vec<usize>) {
        (self.refuse_all(events, refused.first().copied().unwrap_or_default()), Vec::new())
    }

    fn refuse_all(&self, events: &[MockEvent], index: usize) -> Said {
        let name = events.get(index).map_or("", |event| &event.name);
        refusal(400, "bad_event", &format!("`{name}` is refused"))
    }
}

fn events(body: &[u8]) -> Result<Vec<MockEvent>, Said> {
    let bad = |why: &str| refusal(400, "bad_event", why);
    let body: Body = serde_json::from_slice(body).map_err(|error| bad(&error.to_string()))?;
    if body.events.len() > MAX_ITEMS {
        return Err(refusal(413, "too_many", "more than 100 events"));
    }
    if body.events.iter().any(|event| event.id.is_empty() || event.user.is_empty()) {
        return Err(bad("`id` or `user` is empty"));
    }
    Ok(body.events.into_iter().map(|event| MockEvent { id: event.id, name: event.name }).collect())
}

fn refusal(status: u16, code: &str, message: &str) -> Said {
    Said::json(status, &json!({ "code": code, "message": message }))
}
