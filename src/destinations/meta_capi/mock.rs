//! The stand-in of the Conversions API: one pixel that takes a request whole or not at all. Pure.
//!
//! It refuses what Meta is documented or known to refuse, in Meta's form, and says on command what nothing brings about that
//! a client does: a limit, an expired token.

mod event;
mod said;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use serde_json::{Value, json};

use self::said::{Line, graph_error};
use crate::destinations::mock::{Incoming, Mock, MockEvent, MockSettings, Said};

/// Most events in one request.
const MAX_EVENTS: usize = 1_000;
/// How many of the last events are kept to be looked at.
const KEPT: usize = 2_000;

/// One pixel, with the token that lets in.
struct Graph {
    token: String,
    /// Empty: there is every pixel.
    pixel: String,
    line: Option<Line>,
    /// What was dictated before it started.
    first: Option<Line>,
    taken: VecDeque<Value>,
}

/// Returns a stand-in. `secret` is the token; `pixel` the only pixel there is; `code`, `subcode`, `status`, `minutes`, `times`
/// and `transient` what it says from the beginning.
///
/// # Errors
/// A setting that it does not have, or one that makes no sense.
pub(super) fn new(settings: &MockSettings) -> Result<Box<dyn Mock>, String> {
    let (own, dictated): (Vec<_>, Vec<_>) = settings.set.iter().cloned().partition(|(name, _)| name == "pixel");
    let pixel = own.into_iter().next_back().map(|(_, pixel)| pixel).unwrap_or_default();
    let line = if dictated.is_empty() { None } else { Some(Line::of_settings(&dictated)?) };
    let token = settings.secret.clone();
    Ok(Box::new(Graph { token, pixel, line: line.clone(), first: line, taken: VecDeque::new() }))
}

impl Mock for Graph {
    fn read(&self, request: &Incoming) -> Result<Vec<MockEvent>, Said> {
        let (pixel, edge) = target(request)?;
        self.authorize(request)?;
        if !self.pixel.is_empty() && pixel != self.pixel {
            return Err(unknown_pixel(pixel));
        }
        match (request.method.as_str(), edge) {
            ("GET", "") => Ok(Vec::new()),
            ("POST", "events") => {
                let events = data(request)?;
                events.iter().map(|event| event::read(event, request.at)).collect()
            }
            _ => Err(graph_error(400, (100, 0), "Unsupported request", "")),
        }
    }

    fn take(&mut self, request: &Incoming, events: &[MockEvent]) -> (Said, Vec<usize>) {
        if let Some(said) = self.line.as_mut().and_then(|line| line.say(events)) {
            return (said, Vec::new());
        }
        if request.method == "GET" {
            let (pixel, _) = target(request).unwrap_or_default();
            return (Said::json(200, &json!({ "id": pixel, "name": "Stand-in" })), Vec::new());
        }
        self.taken.extend(data(request).unwrap_or_default());
        let more = self.taken.len().saturating_sub(KEPT);
        self.taken.drain(..more);
        let said = json!({ "events_received": events.len(), "messages": [], "fbtrace_id": "AStandIn" });
        (Said::json(200, &said), (0..events.len()).collect())
    }

    /// There is no such thing as a part: Meta refuses the whole.
    fn refuse_some(&mut self, _: &Incoming, events: &[MockEvent], refused: &[usize]) -> (Said, Vec<usize>) {
        (self.refuse_all(events, refused.first().copied().unwrap_or_default()), Vec::new())
    }

    fn refuse_all(&self, events: &[MockEvent], index: usize) -> Said {
        let name = events.get(index).map(|event| event.name.as_str()).unwrap_or_default();
        graph_error(400, (100, 2_804_019), "Invalid parameter", &format!("The event \"{name}\" is not valid."))
    }

    fn fail(&self, status: u16) -> Said {
        let (code, message) = match status {
            401 => (190, "Error validating access token: Session has expired"),
            403 => (200, "(#200) The permission ads_management is missing"),
            404 => (803, "(#803) Some of the aliases you requested do not exist"),
            429 => (4, "(#4) Application request limit reached"),
            500..=599 => (2, "Service temporarily unavailable"),
            _ => (100, "Invalid parameter"),
        };
        graph_error(status, (code, 0), message, "")
    }

    fn greeting(&self, url: &str) -> Vec<String> {
        let pixel = if self.pixel.is_empty() { "1234567890" } else { &self.pixel };
        let token = if self.token.is_empty() { "any" } else { &self.token };
        vec![
            "[destinations.meta_capi]".to_owned(),
            format!("pixel_id = \"{pixel}\""),
            format!("access_token = \"{token}\""),
            format!("endpoint = \"{url}\""),
        ]
    }

    /// `GET /_mock/events`: the last events that were taken. `POST /_mock/say`: what to say from now on; without a body
    /// nothing any more.
    fn control(&mut self, request: &Incoming) -> Option<Said> {
        match (request.method.as_str(), request.path.trim_start_matches("/_mock/")) {
            ("GET", "events") => Some(Said::json(200, &json!({ "events": self.taken }))),
            ("POST", "say") => Some(self.dictate(&request.body)),
            _ => None,
        }
    }

    fn reset(&mut self) {
        self.taken.clear();
        self.line = self.first.clone();
    }
}

impl Graph {
    /// A token in an address is in every log on its way, so here it opens nothing.
    fn authorize(&self, request: &Incoming) -> Result<(), Said> {
        let refused = |message: &str| Err(graph_error(400, (190, 0), message, ""));
        if !request.parameter("access_token").is_empty() {
            return refused("the access token stands in the address");
        }
        let header = request.header("authorization");
        match header.strip_prefix("Bearer ").unwrap_or(header) {
            "" => refused("An access token is required to request this resource."),
            given if self.token.is_empty() || given == self.token => Ok(()),
            _ => refused("Invalid OAuth access token - Cannot parse access token"),
        }
    }

    fn dictate(&mut self, body: &[u8]) -> Said {
        match Line::read(body) {
            Ok(line) => {
                self.line = line;
                Said::json(200, &json!({ "success": true }))
            }
            Err(why) => Said::error(400, &why),
        }
    }
}

/// Returns pixel and edge of `/v25.0/PIXEL/EDGE`.
fn target(request: &Incoming) -> Result<(&str, &str), Said> {
    let mut parts = request.path.trim_start_matches('/').split('/');
    let (version, pixel) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let (edge, more) = (parts.next().unwrap_or_default(), parts.next());
    if !version.starts_with('v') || pixel.is_empty() || more.is_some() {
        let message = format!("Unknown path components: {}", request.path);
        return Err(graph_error(400, (2_500, 0), &message, ""));
    }
    Ok((pixel, edge))
}

fn unknown_pixel(pixel: &str) -> Said {
    let message = format!(
        "Unsupported post request. Object with ID '{pixel}' does not exist, cannot be loaded due to missing permissions, or \
         does not support this operation"
    );
    graph_error(400, (100, 33), &message, "")
}

/// Returns the events of a request.
fn data(request: &Incoming) -> Result<Vec<Value>, Said> {
    let wrong = |what: &str| graph_error(400, (100, 0), &format!("(#100) {what}"), "");
    let mut body: Value = serde_json::from_slice(&request.body).map_err(|_| wrong("the body is no JSON"))?;
    match body.get_mut("data").map(Value::take) {
        Some(Value::Array(events)) if events.len() > MAX_EVENTS => {
            Err(wrong("Param data must have at most 1000 elements"))
        }
        Some(Value::Array(events)) if !events.is_empty() => Ok(events),
        _ => Err(wrong("The parameter data is required.")),
    }
}
