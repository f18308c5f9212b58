//! `opentrack trace`: the journey of one event, asked of the running router, or read from its files when none runs.
//!
//! In words it never shows what an event holds but its type and name: operators look at it together.

use serde_json::Value;

use super::Exit;
use super::out::Out;
use super::remote::{Remote, RemoteError};
use super::table::{cell, columns, without_control};
use crate::app::{self, ServeError};
use crate::config::settings::Destination as DestinationSettings;
use crate::config::{self, Loaded};
use crate::destinations::{Destination, Launcher};
use crate::journal::trace::{self, Standing, Traced};
use crate::journal::{Journal, JournalError, Record};
use crate::spec::Event;

/// Most characters of an answer in a line.
const MAX_WORDS: usize = 120;

/// Tells the journey of the event with this id.
pub(super) fn trace(loaded: &Loaded, url: Option<&str>, message_id: &str, out: &mut Out) -> Exit {
    let remote = Remote::of(&loaded.settings.server, url);
    match remote.and_then(|remote| remote.get_text(&["api", "events", message_id])) {
        Ok((answer, text)) => print(&answer, &text, out),
        Err(RemoteError::Refused { status: 404, message, .. }) => unknown(message_id, &message, out),
        Err(RemoteError::Absent(_)) if url.is_none() => from_disk(loaded, message_id, out),
        Err(error) => error.tell(out),
    }
}

fn unknown(message_id: &str, why: &str, out: &mut Out) -> Exit {
    out.error(&format!("`{message_id}`: {why}"));
    Exit::Failed
}

// === Without a router ===

fn from_disk(loaded: &Loaded, message_id: &str, out: &mut Out) -> Exit {
    let rest = match app::at_rest(&loaded.settings) {
        Ok(Some(rest)) => rest,
        Ok(None) => {
            let dir = loaded.settings.server.data_dir.display();
            return unknown(message_id, &format!("no router is running, and `{dir}` holds no journal"), out);
        }
        Err(error) => {
            out.error(&format!("no router answers, and its files cannot be read: {error}"));
            return if matches!(error, ServeError::Unavailable(_)) {
                Exit::Unavailable
            } else {
                Exit::Failed
            };
        }
    };
    match look_up(loaded, rest.journal.as_ref(), message_id) {
        Ok(Some(traced)) => {
            out.error("no router is running; this is what its files say");
            let text = serde_json::to_string(&traced).unwrap_or_default();
            print(&serde_json::from_str(&text).unwrap_or_default(), &text, out)
        }
        Ok(None) => unknown(message_id, trace::UNKNOWN_ID, out),
        Err(error) => {
            out.error(&error.to_string());
            Exit::Failed
        }
    }
}

fn look_up(loaded: &Loaded, journal: &dyn Journal, message_id: &str) -> Result<Option<Traced>, JournalError> {
    let Some(records) = trace::find(journal, message_id)? else {
        return Ok(trace::find_rejected(journal, message_id)?.map(Traced::Rejected));
    };
    let notes = records.notes(journal)?;
    let mut traced = trace::begin(records.accepted());
    for destination in &loaded.settings.destinations {
        let cursor = journal.cursor(&destination.name)?;
        let standing = match destination.enabled {
            true => Standing::waiting(None, None),
            false => Standing::Idle { reason: "off".to_owned() },
        };
        let standing = standing.or_settled(records.settled(&destination.name, cursor.as_ref()));
        let table = table(loaded, destination, records.accepted());
        traced.stop(&destination.name, (standing, table), notes.iter());
    }
    Ok(Some(Traced::Accepted(Box::new(traced))))
}

/// Asks a destination that only the registry knows for its table.
struct Table<'a>(&'a Event);

impl Launcher for Table<'_> {
    type Output = Option<String>;

    fn launch<D: Destination>(self, destination: D, _: D::Client) -> Option<String> {
        destination.table(self.0)
    }
}

fn table(loaded: &Loaded, destination: &DestinationSettings, record: &Record) -> Option<String> {
    let setting = config::setting(destination, &loaded.settings.server);
    let settings = Some(&destination.settings).filter(|_| destination.enabled)?;
    settings.clone().build(&setting, Table(&record.event)).ok().flatten()
}

// === In words ===

/// Prints the answer in words, or as its text stands.
fn print(answer: &Value, text: &str, out: &mut Out) -> Exit {
    if answer.get("message_id").is_none() {
        return RemoteError::no_router().tell(out);
    }
    if out.json {
        out.line(text);
    } else {
        out.text(&in_words(answer));
    }
    Exit::Fine
}

fn in_words(answer: &Value) -> String {
    let text = |path: &str| words(answer.pointer(path));
    if answer.get("rejected").is_some() {
        let line = format!("rejected: {} ({})", text("/rejected/message"), text("/rejected/code"));
        return facts(&[
            ("message id", text("/message_id")),
            ("what", line),
            ("where", text("/rejected/path")),
        ]);
    }
    let name = ["/event/event", "/event/name"].map(text).into_iter().find(|name| !name.is_empty());
    let name = name.map(|name| format!(" \"{name}\"")).unwrap_or_default();
    let head = facts(&[
        ("message id", text("/message_id")),
        ("event", format!("{}{name}", text("/event/type"))),
        ("received", format!("{} from source `{}`", time(answer.pointer("/received_at")), text("/source"))),
        ("position", text("/position")),
    ]);
    let stops: Vec<(&String, &Value)> =
        answer.get("destinations").and_then(Value::as_object).into_iter().flatten().collect();
    let mut text = format!("{head}\n{}", table_of_stops(&stops));
    let attempts: Vec<Vec<String>> = stops.iter().flat_map(|(name, stop)| attempts_of(name, stop)).collect();
    if !attempts.is_empty() {
        let header = ["destination", "tried at", "outcome", "reason", "status", "took", "answer"];
        text.push_str(&format!("\n{}", columns(&header.map(str::to_owned), &attempts)));
    }
    text
}

fn table_of_stops(stops: &[(&String, &Value)]) -> String {
    let row = |(name, stop): &(&String, &Value)| {
        let text = |key: &str| words(stop.get(key));
        vec![(*name).clone(), text("fate"), text("reason"), time(stop.get("next_attempt_at")), text("table")]
    };
    let header = ["destination", "fate", "reason", "next attempt", "table"].map(str::to_owned);
    columns(&header, &stops.iter().map(row).collect::<Vec<_>>())
}

fn attempts_of(name: &str, stop: &Value) -> Vec<Vec<String>> {
    let left_out = stop.get("attempts_left_out").and_then(Value::as_u64).unwrap_or_default();
    let attempts = stop.get("attempts").and_then(Value::as_array);
    let mut rows: Vec<Vec<String>> = attempts.into_iter().flatten().map(|one| attempt(name, one)).collect();
    if left_out > 0 {
        let more = [name.to_owned(), String::new(), format!("… {left_out} more")];
        rows.insert(1.min(rows.len()), more.to_vec());
    }
    rows
}

fn attempt(name: &str, attempt: &Value) -> Vec<String> {
    let text = |key: &str| words(attempt.get(key));
    let took = attempt.get("latency_ms").and_then(Value::as_u64);
    let answer: String = text("answer").chars().take(MAX_WORDS).collect();
    let took = took.map(|took| format!("{took} ms")).unwrap_or_default();
    vec![
        name.to_owned(),
        time(attempt.get("at")),
        text("class"),
        text("reason"),
        text("status"),
        took,
        answer,
    ]
}

/// Returns an instant in milliseconds.
fn time(value: Option<&Value>) -> String {
    let text = words(value);
    text.parse::<jiff::Timestamp>().map_or(text, |at| format!("{at:.3}"))
}

fn words(value: Option<&Value>) -> String {
    value.map(cell).unwrap_or_default()
}

/// One line for each fact that has something to say.
fn facts(facts: &[(&str, String)]) -> String {
    let said = facts.iter().filter(|(_, what)| !what.is_empty());
    said.map(|(name, what)| format!("{name:<12}{}\n", without_control(what))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_journey_is_told_without_what_the_event_holds() {
        let attempt = |at: &str, class: &str, reason: Value, status: Value, answer: &str| json!({ "at": at, "class": class, "reason": reason, "status": status, "answer": answer, "latency_ms": 12 });
        let stop = |fate: &str, reason: Value, attempts: Value, next: Value, table: Value| json!({ "fate": fate, "reason": reason, "attempts": attempts, "next_attempt_at": next, "table": table });
        let hook = json!([
            attempt("2030-01-01T00:00:01Z", "transient", json!("server_error"), json!(503), "try\nlater"),
            attempt("2030-01-01T00:00:02Z", "delivered", Value::Null, json!(200), ""),
        ]);
        let crm =
            json!([attempt("2030-01-01T00:00:01Z", "broken", json!("dns"), Value::Null, "no such name")]);
        let answer = json!({
            "message_id": "m-1", "received_at": "2030-01-01T00:00:00Z", "source": "web", "position": 7,
            "event": { "type": "track", "event": "Order Completed", "userId": "u", "properties": { "card": 4111 } },
            "destinations": {
                "hook": stop("delivered", Value::Null, hook, Value::Null, Value::Null),
                "crm": stop("held", json!("dns"), crm, json!("2030-01-01T00:00:31Z"), Value::Null),
                "warehouse": stop("pending", Value::Null, json!([]), Value::Null, json!("order_completed")),
            },
        });
        insta::assert_snapshot!(in_words(&answer), @r#"
        message id  m-1
        event       track "Order Completed"
        received    2030-01-01T00:00:00.000Z from source `web`
        position    7

        destination  fate       reason  next attempt              table
        -----------  ---------  ------  ------------------------  ---------------
        hook         delivered
        crm          held       dns     2030-01-01T00:00:31.000Z
        warehouse    pending                                      order_completed

        destination  tried at                  outcome    reason        status  took   answer
        -----------  ------------------------  ---------  ------------  ------  -----  ------------
        hook         2030-01-01T00:00:01.000Z  transient  server_error  503     12 ms  try\nlater
        hook         2030-01-01T00:00:02.000Z  delivered                200     12 ms
        crm          2030-01-01T00:00:01.000Z  broken     dns                   12 ms  no such name
        "#);
    }

    #[test]
    fn a_rejected_event_is_told_with_its_reason() {
        let rejected = json!({ "code": "wrong_type", "message": "`userId` must be text", "path": "userId" });
        let answer = json!({ "message_id": "m\u{1b}[31m", "rejected": rejected });
        insta::assert_snapshot!(in_words(&answer), @r#"
        message id  m\u{1b}[31m
        what        rejected: `userId` must be text (wrong_type)
        where       userId
        "#);
    }
}
