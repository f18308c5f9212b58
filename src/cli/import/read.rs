//! The exports of other systems in one shape. Pure.
//!
//! RudderStack: `{"sources":[{name, writeKey, enabled, destinations:[{id, name, enabled, config, destinationDefinition:{name,
//! displayName}}]}]}`, also below the id of a workspace; or destinations beside the sources, and `connections:{ID:{sourceId,
//! destinationId}}`. Segment's Public API: `{"data":{"sources":[{id, slug, name, enabled, writeKeys}], pagination:{next}}}`,
//! `{"data":{"destinations":[{id, name, enabled, sourceId, settings, metadata:{name, slug}}]}}`, `{"data":{"warehouses":[…]}}`
//! alike, and one alone: `{"data":{"source":{…}}}`.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::Origin;

/// What there is.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Workspace {
    pub(super) sources: Vec<Source>,
    /// By their ids.
    pub(super) destinations: BTreeMap<String, Destination>,
    /// The other system has more: an answer was the first page of several, and no further one came.
    pub(super) is_cut: bool,
}

/// What sends events.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Source {
    pub(super) name: String,
    pub(super) write_keys: Vec<String>,
    pub(super) enabled: bool,
}

/// Where events go.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Destination {
    pub(super) name: String,
    /// What the other system calls its type, in each form that it has.
    pub(super) types: Vec<String>,
    pub(super) enabled: bool,
    pub(super) settings: Map<String, Value>,
    /// The names of the sources that it is connected to.
    pub(super) sources: Vec<String>,
}

/// Reads an export, which may be several values one after the other.
///
/// # Errors
/// What is wrong with it, in words.
pub(super) fn workspace(origin: Origin, text: &str) -> Result<Workspace, String> {
    let values: Result<Vec<Value>, _> = serde_json::Deserializer::from_str(text).into_iter().collect();
    let values = values.map_err(|error| format!("is no JSON: {error}"))?;
    let mut workspace = Workspace::default();
    for value in &values {
        expect_export(value)?;
        match origin {
            Origin::Rudderstack => rudderstack(value, &mut workspace),
            Origin::Segment => segment(value, &mut workspace),
        }
    }
    if origin == Origin::Segment {
        // Pages come in order: only the last one of a kind may name no further one.
        workspace.is_cut = values.last().is_some_and(next_page)
            || ["sources", "destinations", "warehouses"].iter().any(|name| {
                let mut pages = values.iter().filter(|value| !list(value, name).is_empty());
                pages.next_back().is_some_and(next_page)
            });
        let ids: Vec<(String, String)> = values
            .iter()
            .flat_map(|value| list(value, "sources").into_iter().chain(one(value, "source")))
            .map(named)
            .collect();
        for source in workspace.destinations.values_mut().flat_map(|one| &mut one.sources) {
            let name = ids.iter().find(|(id, _)| id == source).map(|(_, name)| name.clone());
            *source = name.unwrap_or_else(|| std::mem::take(source));
        }
    }
    if workspace.sources.is_empty() && workspace.destinations.is_empty() {
        return Err("holds neither sources nor destinations".to_owned());
    }
    Ok(workspace)
}

/// Lets through what may be an export.
fn expect_export(value: &Value) -> Result<(), String> {
    if let Some(error) = value.get("errors").and_then(|errors| errors.get(0)) {
        let words = [text(error, "type"), text(error, "message")].join(" ");
        return Err(format!("is an answer that refuses: {}", words.trim()));
    }
    // The API before the present one names things by paths and writes `write_keys` and `catalog_name`.
    let is_old = |one: &&Value| one.get("catalog_name").is_some() || one.get("write_keys").is_some();
    if list(value, "sources").iter().chain(&list(value, "destinations")).any(is_old) {
        return Err("is of Segment's Config API, which is no more; export it with the Public API".to_owned());
    }
    Ok(())
}

/// Returns whether an answer says that there is a further page.
fn next_page(value: &Value) -> bool {
    let next = value.get("data").and_then(|data| data.get("pagination")?.get("next"));
    next.is_some_and(|next| !next.is_null())
}

fn rudderstack(value: &Value, workspace: &mut Workspace) {
    for source in list(value, "sources") {
        let name = text(source, "name");
        for destination in list(source, "destinations") {
            let definition = destination.get("destinationDefinition").unwrap_or(&Value::Null);
            let types = ["displayName", "name"].map(|key| text(definition, key)).to_vec();
            add(workspace, destination, (types, "config"), name.clone());
        }
        workspace.sources.push(Source {
            name,
            write_keys: [text(source, "writeKey")].into_iter().filter(|key| !key.is_empty()).collect(),
            enabled: is_on(source),
        });
    }
    for destination in list(value, "destinations") {
        let definition = destination.get("destinationDefinition").unwrap_or(&Value::Null);
        let types = ["displayName", "name"].map(|key| text(definition, key)).to_vec();
        let id = text(destination, "id");
        add(workspace, destination, (types, "config"), String::new());
        let connected = connected(value, &id);
        let known = workspace.destinations.get_mut(&id);
        known.into_iter().for_each(|known| known.sources.extend(connected.clone()));
    }
}

/// Returns the names of the sources that a destination beside them is connected to.
fn connected(value: &Value, destination: &str) -> Vec<String> {
    let all = value.get("connections").unwrap_or(&Value::Null);
    let listed = all.as_array().into_iter().flatten();
    let connections = all.as_object().into_iter().flatten().map(|(_, one)| one).chain(listed);
    let here = connections.filter(|one| text(one, "destinationId") == destination && is_on(one));
    let ids: Vec<String> = here.map(|one| text(one, "sourceId")).collect();
    let sources = list(value, "sources").into_iter().filter(|source| ids.contains(&text(source, "id")));
    sources.map(|source| text(source, "name")).collect()
}

fn segment(value: &Value, workspace: &mut Workspace) {
    let sources = list(value, "sources").into_iter().chain(one(value, "source"));
    for source in sources {
        let keys = source.get("writeKeys").and_then(Value::as_array).into_iter().flatten();
        workspace.sources.push(Source {
            name: named(source).1,
            write_keys: keys.filter_map(Value::as_str).map(str::to_owned).collect(),
            enabled: is_on(source),
        });
    }
    let lists = ["destinations", "warehouses"].into_iter().flat_map(|name| list(value, name));
    for destination in lists.chain(one(value, "destination")).chain(one(value, "warehouse")) {
        let metadata = destination.get("metadata").unwrap_or(&Value::Null);
        let types = ["name", "slug"].map(|key| text(metadata, key)).to_vec();
        add(workspace, destination, (types, "settings"), text(destination, "sourceId"));
    }
}

fn add(workspace: &mut Workspace, value: &Value, (types, settings): (Vec<String>, &str), source: String) {
    let name = Some(text(value, "name")).filter(|name| !name.is_empty());
    let name = name.or_else(|| types.first().cloned()).unwrap_or_default();
    let id = Some(text(value, "id")).filter(|id| !id.is_empty()).unwrap_or_else(|| name.clone());
    let destination = workspace.destinations.entry(id).or_insert_with(|| Destination {
        name,
        types: types.into_iter().filter(|one| !one.is_empty()).collect(),
        enabled: is_on(value),
        settings: value.get(settings).and_then(Value::as_object).cloned().unwrap_or_default(),
        sources: Vec::new(),
    });
    destination.sources.extend(Some(source).filter(|source| !source.is_empty()));
}

/// Returns the entries of a list wherever an export keeps it: at the top, below `data`, below the id of a workspace.
fn list<'a>(value: &'a Value, name: &str) -> Vec<&'a Value> {
    let own = value.get(name).and_then(Value::as_array);
    let below =
        || value.as_object().into_iter().flatten().filter_map(|(_, inner)| inner.get(name)?.as_array());
    match own {
        Some(own) => own.iter().collect(),
        None => below().flatten().collect(),
    }
}

/// Returns what an answer about one thing holds.
fn one<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    value.get("data")?.get(name).filter(|one| one.is_object())
}

/// Returns the id and the name of a source.
fn named(source: &Value) -> (String, String) {
    let name = ["slug", "name"].map(|key| text(source, key)).into_iter().find(|name| !name.is_empty());
    (text(source, "id"), name.unwrap_or_default())
}

fn text(value: &Value, key: &str) -> String {
    value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn is_on(value: &Value) -> bool {
    value.get("enabled").and_then(Value::as_bool).unwrap_or(true)
}
