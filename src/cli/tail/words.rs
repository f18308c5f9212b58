//! A frame as one line for a person. Pure.

use serde_json::Value;

use crate::cli::table::{cell, without_control};

const RED: &str = "31";
const GREEN: &str = "32";
const YELLOW: &str = "33";

/// Returns what happened to one event: when, what it came to, at which destination, which event, and what was answered.
pub(super) fn line(event: &str, data: &Value, colours: bool) -> String {
    let text = |key: &str| data.get(key).map(cell).map(|text| without_control(&text)).unwrap_or_default();
    let at = text("at");
    let at = at.parse::<jiff::Timestamp>().map_or(at, |at| format!("{at:.3}"));
    let outcome = paint(&text("outcome"), colours);
    let place = match text("destination") {
        name if name.is_empty() => format!("from {}", text("source")),
        name if event == "attempt" => format!("tried at {name}"),
        name => format!("at {name}"),
    };
    let name = Some(text("name")).filter(|name| !name.is_empty()).map(|name| format!("\"{name}\""));
    let latency = Some(text("latency_ms")).filter(|took| !took.is_empty()).map(|took| format!("{took} ms"));
    let parts = [
        Some(at),
        Some(outcome),
        Some(place),
        Some(text("kind")),
        name,
        Some(text("message_id")),
        Some(text("reason")),
        Some(text("status")),
        latency,
        Some(text("answer")),
    ];
    let parts = parts.into_iter().flatten().filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join("  ")
}

/// Returns what is to be said about the stream itself.
pub(super) fn note(event: &str, data: &Value) -> Option<String> {
    let number = |key: &str| data.get(key).and_then(Value::as_u64);
    match event {
        "gap" => Some(match number("missed") {
            Some(missed) => format!("… {missed} missed"),
            None => "… some may be missed".to_owned(),
        }),
        "sampled" => {
            let all = number("left_out").unwrap_or_default() + number("unseen").unwrap_or_default();
            Some(format!("… {all} left out: more than can be shown"))
        }
        "bye" if data.get("reason").and_then(Value::as_str) == Some("shutdown") => {
            Some("the router has stopped; waiting for it".to_owned())
        }
        _ => None,
    }
}

fn paint(outcome: &str, colours: bool) -> String {
    let colour = match outcome {
        "accepted" | "delivered" => GREEN,
        "rejected" | "refused" | "broken" | "dead" => RED,
        _ => YELLOW,
    };
    match colours {
        true => format!("\x1b[{colour}m{outcome}\x1b[0m"),
        false => outcome.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_line_says_what_came_of_an_event_and_no_more_than_there_is() {
        let attempt = json!({
            "message_id": "m\u{1b}[1m", "kind": "track", "name": "Order Completed", "source": "web",
            "destination": "hook", "outcome": "transient", "reason": "server_error", "status": 503,
            "answer": "try\nlater", "latency_ms": 12, "at": "2030-01-01T00:00:01.5Z"
        });
        let expected = "2030-01-01T00:00:01.500Z  transient  tried at hook  track  \"Order Completed\"  m\\u{1b}[1m  server_error  503  12 ms  try\\nlater";
        assert_eq!(line("attempt", &attempt, false), expected);
        let accepted = json!({
            "message_id": "m", "kind": "identify", "name": null, "source": "web", "destination": null,
            "outcome": "accepted", "reason": null, "status": null, "answer": null, "latency_ms": null,
            "at": "2030-01-01T00:00:00Z"
        });
        let expected = "2030-01-01T00:00:00.000Z  \u{1b}[32maccepted\u{1b}[0m  from web  identify  m";
        assert_eq!(line("accepted", &accepted, true), expected);
    }

    #[test]
    fn what_is_missing_is_said() {
        assert_eq!(note("gap", &json!({ "missed": 7 })).unwrap(), "… 7 missed");
        assert_eq!(note("gap", &json!({ "missed": null })).unwrap(), "… some may be missed");
        let sampled = note("sampled", &json!({ "left_out": 5, "unseen": 2 }));
        assert_eq!(sampled.unwrap(), "… 7 left out: more than can be shown");
        assert_eq!(note("bye", &json!({ "reason": "token_expired" })), None);
    }
}
