//! `schema ddl`: the statements that somebody has to run, as one list: what dead letters of a schema need, and what tables
//! that may not be changed were to become.
//!
//! Dead letters are planned together, so that two that need the same column ask for it once and of a type that holds both.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Value, json};

use super::super::Exit;
use super::super::input::{Input, Verdict};
use super::super::letters;
use super::super::out::Out;
use super::super::remote::{Remote, RemoteError};
use super::{Against, NO_TABLES, ask, human, look};
use crate::config::Loaded;
use crate::config::settings;
use crate::destinations::{BoxFuture, Destination, Launcher};
use crate::spec::Event;
use crate::telemetry::clock;

/// Dead letters that a statement helps.
const REASONS: &str = "schema_*";

/// Prints the statements.
pub(super) fn pending(
    loaded: &Loaded,
    warehouse: &settings::Destination,
    url: Option<&str>,
    out: &mut Out,
) -> Exit {
    match found(loaded, warehouse, url, out) {
        Ok(found) => print(&found, out),
        Err(error) => error.tell(out),
    }
}

struct Found {
    letters: usize,
    closed: Vec<Value>,
    ddl: Vec<String>,
}

fn found(
    loaded: &Loaded,
    warehouse: &settings::Destination,
    url: Option<&str>,
    out: &mut Out,
) -> Result<Found, RemoteError> {
    let letters = letters::every(loaded, url, &warehouse.name, REASONS)?;
    let closed = closed(loaded, warehouse, url)?;
    let events = events(&letters, loaded);
    let planned = match events.is_empty() {
        true => Ok(Vec::new()),
        false => ask(warehouse, &loaded.settings.server, Wanted { events }, out.json),
    };
    // Without the tables as they are, each letter's own statement is all there is.
    let ddl = planned.unwrap_or_else(|message| {
        out.error(&format!("{message}; the statements are those of the single dead letters"));
        letters.iter().flat_map(statements).collect()
    });
    let all = ddl.into_iter().chain(closed.iter().flat_map(statements));
    let mut seen = BTreeSet::new();
    let ddl = all.filter(|statement| seen.insert(statement.clone())).collect();
    Ok(Found { letters: letters.len(), closed, ddl })
}

fn print(found: &Found, out: &mut Out) -> Exit {
    if out.json {
        out.value(&json!({ "ddl": found.ddl, "dead_letters": found.letters, "closed": found.closed }));
        return Exit::Fine;
    }
    out.text(&human::statements(&found.ddl));
    for one in &found.closed {
        let text = |key: &str| one.get(key).and_then(Value::as_str).unwrap_or_default();
        out.error(&format!("{} may not be changed: {}", text("table"), text("why")));
    }
    let letters = found.letters;
    out.error(&match (found.ddl.is_empty(), letters) {
        (true, _) => "no statement waits".to_owned(),
        (false, 0) => "no dead letter waits for them".to_owned(),
        (false, _) => format!(
            "{letters} dead letters wait for them; afterwards: opentrack dead-letters retry --reason '{REASONS}'"
        ),
    });
    Exit::Fine
}

/// Returns the tables that may not be changed; none when no router runs, since that is known to it alone.
fn closed(
    loaded: &Loaded,
    warehouse: &settings::Destination,
    url: Option<&str>,
) -> Result<Vec<Value>, RemoteError> {
    let remote = Remote::of(&loaded.settings.server, url)?;
    let answer = match remote.get(&["api", "schema"], &[]) {
        Err(RemoteError::Absent(_)) if url.is_none() => return Ok(Vec::new()),
        answer => answer?,
    };
    Ok(of_warehouse(&answer, "closed", &warehouse.name))
}

/// Returns what the router says about one warehouse.
pub(super) fn of_warehouse(answer: &Value, key: &str, name: &str) -> Vec<Value> {
    let all = answer.get(key).and_then(Value::as_array).into_iter().flatten();
    all.filter(|one| one.get("destination").and_then(Value::as_str) == Some(name)).cloned().collect()
}

/// Returns the statements that somebody was told to run.
fn statements(said: &Value) -> Vec<String> {
    let text = said.get("ddl").and_then(Value::as_str).unwrap_or_default();
    let statements = text.split(";\n").map(|statement| statement.trim().trim_end_matches(';').to_owned());
    statements.filter(|statement| !statement.is_empty()).collect()
}

fn events(letters: &[Value], loaded: &Loaded) -> Vec<Arc<Event>> {
    let lines = letters.iter().filter_map(|letter| letter.get("event"));
    let text: String = lines.map(|event| format!("{event}\n")).collect();
    let input = Input::read(Bytes::from(text), &loaded.settings, clock::now());
    let taken = input.verdicts.into_iter().filter_map(|verdict| match verdict {
        Verdict::Taken(event) => Some(event),
        Verdict::Rejected(_) => None,
    });
    taken.collect()
}

struct Wanted {
    events: Vec<Arc<Event>>,
}

impl Launcher for Wanted {
    type Output = BoxFuture<Result<Vec<String>, String>>;

    fn launch<D: Destination>(self, destination: D, client: D::Client) -> Self::Output {
        Box::pin(async move {
            look(&destination, &client, Against::Cache).await?;
            let store = destination.blueprint().ok_or(NO_TABLES)?;
            Ok(store.ddl(&store.wanted(&self.events)))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_statements_of_a_letter_are_told_apart() {
        let letter = json!({ "ddl": "ALTER TABLE a ADD COLUMN b;\nALTER TABLE a ALTER COLUMN c;\n" });
        assert_eq!(statements(&letter), ["ALTER TABLE a ADD COLUMN b", "ALTER TABLE a ALTER COLUMN c"]);
        assert!(statements(&json!({ "ddl": null })).is_empty());
    }

    #[test]
    fn only_what_is_said_about_the_warehouse_counts() {
        let answer =
            json!({ "closed": [{ "destination": "a", "table": "x" }, { "destination": "b", "table": "y" }] });
        assert_eq!(of_warehouse(&answer, "closed", "b"), [json!({ "destination": "b", "table": "y" })]);
        assert!(of_warehouse(&answer, "conflicts", "b").is_empty());
    }
}
