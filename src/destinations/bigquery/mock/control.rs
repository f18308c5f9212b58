//! What a test asks of this stand-in while it runs, below `/_mock/`: its rows and tables, and how it is to be from now on.

use serde_json::{Map, Value, json};

use super::answer::{Answer, fine};
use super::call::Call;
use super::state::{Place, State, Table};
use super::{script, token};
use crate::destinations::mock::{Incoming, Said};

/// Answers, when it is something that this stand-in can be asked.
pub(super) fn control(state: &mut State, request: &Incoming) -> Option<Said> {
    let call = Call::new(request);
    let answer = match (request.method.as_str(), request.path.trim_start_matches("/_mock/")) {
        ("GET", "tables") => fine(&tables(state)),
        ("GET", "rows") => rows(state, request),
        ("GET", "key") => {
            let url = format!("http://{}/", request.header("host"));
            fine(&token::key_file(&state.settings.project, &url))
        }
        ("POST", "set") => set(state, &call),
        ("POST", "say") => {
            script::take(&mut state.script, &call).map_err(|why| wrong(&why)).and_then(|()| done())
        }
        ("POST", "refuse") => refuse(state, &call),
        ("POST", "deny") => right(state, &call, true),
        ("POST", "allow") => right(state, &call, false),
        ("POST", "forget_tokens") => {
            state.tokens.clear();
            done()
        }
        ("POST", "revoke_key") => {
            state.tokens.clear();
            state.revoked = true;
            done()
        }
        ("POST", "restore_key") => {
            state.revoked = false;
            done()
        }
        _ => return None,
    };
    Some(answer.unwrap_or_else(|said| said))
}

fn done() -> Answer {
    fine(&json!({ "success": true }))
}

fn wrong(message: &str) -> Said {
    Said::error(400, message)
}

/// Every table by `dataset.table`: its columns by name with their types in order, how many rows it has and how they came,
/// and how often its description was changed.
fn tables(state: &State) -> Value {
    let mut told = Map::new();
    for (dataset, held) in &state.datasets {
        for (name, table) in &held.tables {
            let place = (dataset.clone(), name.clone());
            told.insert(format!("{dataset}.{name}"), summary(state, &place, table));
        }
    }
    told.into()
}

fn summary(state: &State, place: &Place, table: &Table) -> Value {
    let columns: Map<String, Value> =
        table.fields.iter().map(|field| (field.name.clone(), field.sql_type().into())).collect();
    let streamed = table.rows.iter().filter(|row| row.streamed.is_some()).count();
    let count = |windows: &std::collections::HashMap<Place, super::quota::Window>| {
        windows.get(place).map_or(0, |window| window.total)
    };
    json!({
        "columns": columns,
        "rows": table.rows.len(),
        "streamed": streamed,
        "loaded": table.rows.len() - streamed,
        "repeated": table.repeated,
        "swallowed": table.swallowed,
        "updates": count(&state.quotas.updates),
        "loads": count(&state.quotas.loads),
        "partition": table.partition.as_ref().map(|partition| partition.field.clone()),
        "clustering": table.clustering,
        "view": table.view,
    })
}

/// `?table=t&dataset=d`: the rows as objects, without nulls. Without a dataset: that of the only one that has the table.
fn rows(state: &State, request: &Incoming) -> Answer {
    let (table, dataset) = (request.parameter("table"), request.parameter("dataset"));
    let mut found = state.datasets.iter().filter(|(name, _)| dataset.is_empty() || *name == dataset);
    let table = found.find_map(|(_, held)| held.tables.get(table));
    let table = table.ok_or_else(|| Said::error(404, "there is no such table"))?;
    let rows: Vec<Value> = table.rows.iter().map(|row| Value::Object(row.cells.clone())).collect();
    fine(&json!({ "rows": rows }))
}

/// `{"propagation": "3m", "quotas": "off"}`.
fn set(state: &mut State, call: &Call<'_>) -> Answer {
    let mut settings = state.settings.clone();
    for (name, value) in call.json()? {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        settings.set(&name, &value).map_err(|why| wrong(&why))?;
    }
    state.settings = settings;
    done()
}

/// `{"table": "t", "times": 3}`: the next three requests do not see the table; with `column` they do not see that column.
fn refuse(state: &mut State, call: &Call<'_>) -> Answer {
    let body = call.json()?;
    let text = |key: &str| body.get(key).and_then(Value::as_str).unwrap_or_default();
    let times = body.get("times").and_then(Value::as_u64).and_then(|times| u32::try_from(times).ok());
    let times = times.ok_or_else(|| wrong("`times` must be a number"))?;
    let (table, column) = (text("table"), text("column"));
    let found = state.datasets.values_mut().find_map(|dataset| dataset.tables.get_mut(table));
    let table = found.ok_or_else(|| wrong("there is no such table"))?;
    if column.is_empty() {
        table.refusals = times;
        return done();
    }
    let field = table.fields.iter_mut().find(|field| field.is(column));
    field.ok_or_else(|| wrong("there is no such column"))?.refusals = times;
    done()
}

/// `{"right": "bigquery.tables.update"}`.
fn right(state: &mut State, call: &Call<'_>, deny: bool) -> Answer {
    let body = call.json()?;
    let right = body.get("right").and_then(Value::as_str).ok_or_else(|| wrong("`right` is missing"))?;
    match deny {
        true => state.settings.denied.insert(right.to_owned()),
        false => state.settings.denied.remove(right),
    };
    done()
}
