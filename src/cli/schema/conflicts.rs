//! `schema conflicts`: the columns that saw values which they do not take, how often, and what to run about it.
//!
//! Counted by the running router since it started, so a router has to run.

use serde_json::{Value, json};

use super::super::Exit;
use super::super::out::Out;
use super::super::remote::{Remote, RemoteError};
use super::super::table::{cell, columns, without_control};
use super::pending::of_warehouse;
use super::{Against, NO_TABLES, ask, look};
use crate::config::Loaded;
use crate::config::settings;
use crate::destinations::{BoxFuture, Destination, Launcher};
use crate::warehouse::{ColumnType, Conflict};

const KEYS: [&str; 6] = ["table", "column", "have", "got", "count", "last_message_id"];

/// Prints them.
pub(super) fn list(
    loaded: &Loaded,
    warehouse: &settings::Destination,
    url: Option<&str>,
    out: &mut Out,
) -> Exit {
    let asked = Remote::of(&loaded.settings.server, url);
    let answer = match asked.and_then(|remote| remote.get(&["api", "schema"], &[])) {
        Ok(answer) if answer.get("conflicts").is_some_and(Value::is_array) => answer,
        Ok(_) => return RemoteError::no_router().tell(out),
        Err(error) => return error.tell(out),
    };
    let found = of_warehouse(&answer, "conflicts", &warehouse.name);
    let conflicts: Vec<Conflict> = found.iter().filter_map(conflict).collect();
    let repairs = match ask(warehouse, &loaded.settings.server, Repairs { conflicts }, out.json) {
        Ok(repairs) => repairs,
        Err(message) => {
            out.error(&message);
            Vec::new()
        }
    };
    print(found, repairs, out);
    Exit::Fine
}

fn print(found: Vec<Value>, repairs: Vec<Option<String>>, out: &mut Out) {
    let sql = repairs.into_iter().chain(std::iter::repeat(None));
    let found: Vec<(Value, Option<String>)> = found.into_iter().zip(sql).collect();
    if out.json {
        let all = found.into_iter().map(|(mut one, sql)| {
            if let Some(object) = one.as_object_mut() {
                object.insert("sql".to_owned(), sql.into());
            }
            one
        });
        return out.value(&json!({ "conflicts": all.collect::<Vec<_>>() }));
    }
    if found.is_empty() {
        return out.line("every value has fitted since the router started");
    }
    let row =
        |one: &Value| KEYS.iter().map(|key| one.get(*key).map(cell).unwrap_or_default()).collect::<Vec<_>>();
    let rows: Vec<Vec<String>> = found.iter().map(|(one, _)| row(one)).collect();
    out.text(&columns(&KEYS.map(str::to_owned), &rows));
    for (_, sql) in &found {
        for line in sql.iter().flat_map(|sql| sql.lines()) {
            out.line(&without_control(line));
        }
    }
}

fn conflict(said: &Value) -> Option<Conflict> {
    let text = |key: &str| said.get(key).and_then(Value::as_str);
    Some(Conflict {
        table: text("table")?.to_owned(),
        column: text("column")?.to_owned(),
        have: ColumnType::from_name(text("have")?)?,
        got: ColumnType::from_name(text("got")?)?,
    })
}

struct Repairs {
    conflicts: Vec<Conflict>,
}

impl Launcher for Repairs {
    type Output = BoxFuture<Result<Vec<Option<String>>, String>>;

    fn launch<D: Destination>(self, destination: D, client: D::Client) -> Self::Output {
        Box::pin(async move {
            look(&destination, &client, Against::Cache).await?;
            let store = destination.blueprint().ok_or(NO_TABLES)?;
            let repair = |conflict| store.repair(conflict).map(|sql| format!("{sql};"));
            Ok(self.conflicts.iter().map(repair).collect())
        })
    }
}
