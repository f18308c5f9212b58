//! `opentrack destinations`: how every destination is, in the words of `/api/destinations`, and orders for one of them.

use std::io::{IsTerminal, Write};

use serde_json::Value;

use super::Exit;
use super::args::DestinationsAction as Action;
use super::out::Out;
use super::remote::{Remote, RemoteError};
use super::table::{cell, columns, without_control};
use crate::config::Loaded;

/// Lists, or carries out an order.
pub(super) fn act(loaded: &Loaded, action: Option<Action>, url: Option<&str>, out: &mut Out) -> Exit {
    match action.unwrap_or(Action::List) {
        Action::List => list(loaded, url, out),
        Action::Show { name } => show(loaded, url, &name, out),
        Action::Pause { name } => order(loaded, url, (&name, "pause"), out),
        Action::Resume { name } => order(loaded, url, (&name, "resume"), out),
        Action::Retry { name } => order(loaded, url, (&name, "retry"), out),
        Action::Drop { name, yes } => match yes || is_meant(&name) {
            true => order(loaded, url, (&name, "drop"), out),
            false => {
                out.error("nothing was dropped; say `--yes`, or repeat the name when asked on a terminal");
                Exit::Usage
            }
        },
    }
}

/// Asks on a terminal whether what waits is to be given up.
fn is_meant(name: &str) -> bool {
    if !std::io::stdin().is_terminal() {
        return false;
    }
    let question = format!("Everything that waits for `{name}` will be given up. Type its name to go on: ");
    let asked = std::io::stderr().write_all(question.as_bytes());
    let mut answer = String::new();
    asked.is_ok() && std::io::stdin().read_line(&mut answer).is_ok() && answer.trim() == name
}

fn order(loaded: &Loaded, url: Option<&str>, (name, action): (&str, &str), out: &mut Out) -> Exit {
    let query: &[(&str, &str)] = if action == "drop" { &[("confirm", name)] } else { &[] };
    let asked = Remote::of(&loaded.settings.server, url);
    match asked.and_then(|remote| remote.post(&["api", "destinations", name, action], query, None)) {
        Ok(answer) if out.json => out.value(&answer),
        Ok(answer) => match answer.get("count").and_then(Value::as_u64) {
            Some(count) => out.line(&format!("{name}: {count} events dropped")),
            None => {
                out.line(&format!("{name}: {}", answer.get("state").and_then(Value::as_str).unwrap_or("?")))
            }
        },
        Err(error) => return error.tell(out),
    }
    Exit::Fine
}

/// Prints one line for each destination.
fn list(loaded: &Loaded, url: Option<&str>, out: &mut Out) -> Exit {
    let asked = Remote::of(&loaded.settings.server, url);
    match asked.and_then(|remote| remote.get(&["api", "destinations"], &[])) {
        Ok(answer) => print(&answer, out),
        Err(error) => error.tell(out),
    }
}

fn print(answer: &Value, out: &mut Out) -> Exit {
    let Some(all) = answer.get("destinations").and_then(Value::as_array) else {
        return RemoteError::no_router().tell(out);
    };
    if out.json {
        out.value(answer);
        return Exit::Fine;
    }
    let header = ["destination", "type", "state", "waits", "oldest", "delivered", "dead", "reason"];
    let header = header.map(str::to_owned).to_vec();
    out.text(&columns(&header, &all.iter().map(row).collect::<Vec<_>>()));
    Exit::Fine
}

fn row(one: &Value) -> Vec<String> {
    let text = |key: &str| one.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let number = |path: &str| one.pointer(path).and_then(Value::as_u64).unwrap_or_default();
    let dead = one.pointer("/counts/dead").and_then(Value::as_object);
    let dead: u64 = dead.into_iter().flat_map(|dead| dead.values()).filter_map(Value::as_u64).sum();
    let age = std::time::Duration::from_secs(number("/oldest_age_ms") / 1000);
    [
        text("name"),
        text("type"),
        text("state"),
        number("/backlog/events").to_string(),
        humantime(age),
        number("/counts/delivered").to_string(),
        dead.to_string(),
        text("reason"),
    ]
    .to_vec()
}

/// Prints everything about one destination.
fn show(loaded: &Loaded, url: Option<&str>, name: &str, out: &mut Out) -> Exit {
    let asked = Remote::of(&loaded.settings.server, url);
    let answer = match asked.and_then(|remote| remote.get(&["api", "destinations"], &[])) {
        Ok(answer) => answer,
        Err(error) => return error.tell(out),
    };
    let Some(all) = answer.get("destinations").and_then(Value::as_array) else {
        return RemoteError::no_router().tell(out);
    };
    let is_it = |one: &&Value| one.get("name").and_then(Value::as_str) == Some(name);
    match all.iter().find(is_it) {
        None => {
            out.error(&format!("there is no destination `{name}`"));
            return Exit::Failed;
        }
        Some(one) if out.json => out.value(one),
        Some(one) => {
            for (key, value) in parts("", one) {
                let line = format!("{key:<20} {}", without_control(&value));
                out.line(line.trim_end());
            }
        }
    }
    Exit::Fine
}

/// Returns each value with its path in the answer: `backlog.events`.
fn parts(path: &str, value: &Value) -> Vec<(String, String)> {
    let Some(object) = value.as_object() else { return vec![(path.to_owned(), cell(value))] };
    let below = |key: &String| if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
    match object.is_empty() {
        true => vec![(path.to_owned(), "none".to_owned())],
        false => object.iter().flat_map(|(key, value)| parts(&below(key), value)).collect(),
    }
}

/// Writes a duration in whole seconds as people say it: `0s`, `3m 5s`.
fn humantime(age: std::time::Duration) -> String {
    humantime_serde::re::humantime::format_duration(age).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_line_says_what_waits_and_why() {
        let one = json!({
            "name": "crm", "type": "webhook", "state": "held", "reason": "unauthorized",
            "backlog": { "events": 12, "bytes": 9000 }, "oldest_age_ms": 185_400,
            "counts": { "delivered": 7, "skipped": {}, "dead": { "rejected": 1, "too_large": 2 } },
        });
        assert_eq!(row(&one).join(" | "), "crm | webhook | held | 12 | 3m 5s | 7 | 3 | unauthorized");
    }

    #[test]
    fn everything_about_one_has_the_words_of_the_api() {
        let one = json!({
            "name": "crm", "breaker": { "state": "open", "reopens_at": "2030-01-31T08:00:00Z" },
            "last_error": { "status": 503, "message": "busy" }, "next_attempt_at": null,
            "counts": { "delivered": 7, "skipped": {}, "dead": { "rejected": 1 } },
        });
        let mut lines: Vec<String> =
            parts("", &one).into_iter().map(|(key, value)| format!("{key}={value}")).collect();
        lines.sort();
        let expected = [
            "breaker.reopens_at=2030-01-31T08:00:00Z",
            "breaker.state=open",
            "counts.dead.rejected=1",
            "counts.delivered=7",
            "counts.skipped=none",
            "last_error.message=busy",
            "last_error.status=503",
            "name=crm",
            "next_attempt_at=",
        ];
        assert_eq!(lines, expected);
    }
}
