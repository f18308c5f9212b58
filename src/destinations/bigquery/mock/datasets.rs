//! Datasets: made, read, changed, listed, deleted.

use serde_json::{Map, Value, json};

use super::answer::{Answer, already_exists, fine, invalid, put, refusal};
use super::call::Call;
use super::state::{Dataset, State};
use crate::destinations::mock::Said;

/// Answers about the list of datasets.
pub(super) fn all(state: &mut State, call: &Call<'_>) -> Answer {
    match call.request.method.as_str() {
        "POST" => create(state, call),
        "GET" => list(state),
        other => Err(refusal(405, "methodNotAllowed", &format!("{other} is not allowed"))),
    }
}

/// Answers about one dataset.
pub(super) fn one(state: &mut State, call: &Call<'_>, name: &str) -> Answer {
    let what = state.dataset_name(name);
    match call.request.method.as_str() {
        "GET" => {
            state.needs("bigquery.datasets.get", &what)?;
            let project = state.settings.project.clone();
            fine(&to_json(&project, name, state.dataset(name)?))
        }
        "PATCH" | "PUT" => {
            state.needs("bigquery.datasets.update", &what)?;
            patch(state, call, name)
        }
        "DELETE" => {
            state.needs("bigquery.datasets.delete", &what)?;
            delete(state, call, name)
        }
        other => Err(refusal(405, "methodNotAllowed", &format!("{other} is not allowed"))),
    }
}

fn create(state: &mut State, call: &Call<'_>) -> Answer {
    let project = state.settings.project.clone();
    state.needs("bigquery.datasets.create", &format!("Project {project}"))?;
    let mut body = call.json()?;
    let name = body.get("datasetReference").and_then(|reference| reference.get("datasetId"));
    let name = name.and_then(Value::as_str).unwrap_or_default().to_owned();
    let allowed = |character: char| character.is_ascii_alphanumeric() || character == '_';
    if name.is_empty() || name.len() > 1024 || !name.chars().all(allowed) {
        return Err(invalid(&format!(
            "Invalid dataset ID \"{name}\". Dataset IDs must be alphanumeric (plus underscores) and must be at most 1024 \
             characters long."
        )));
    }
    if state.datasets.contains_key(&name) {
        return Err(already_exists(&state.dataset_name(&name)));
    }
    let location = match body.get("location").and_then(Value::as_str) {
        Some(location) => location.to_owned(),
        None => state.settings.location.clone(),
    };
    let dataset = Dataset { location, more: more(&mut body), version: 1, ..Dataset::default() };
    let json = to_json(&project, &name, &dataset);
    state.datasets.insert(name, dataset);
    fine(&json)
}

fn more(body: &mut Map<String, Value>) -> Map<String, Value> {
    for known in ["datasetReference", "location", "id", "kind", "etag", "creationTime", "lastModifiedTime"] {
        body.remove(known);
    }
    std::mem::take(body)
}

fn patch(state: &mut State, call: &Call<'_>, name: &str) -> Answer {
    let mut body = call.json()?;
    let project = state.settings.project.clone();
    let put = call.request.method == "PUT";
    let dataset = state.dataset(name)?;
    let location = body.get("location").and_then(Value::as_str);
    if location.is_some_and(|location| location != dataset.location) {
        return Err(invalid("Dataset location cannot be changed."));
    }
    let changes = more(&mut body);
    if put {
        dataset.more.clear();
    }
    dataset.more.extend(changes);
    dataset.version += 1;
    fine(&to_json(&project, name, dataset))
}

fn delete(state: &mut State, call: &Call<'_>, name: &str) -> Answer {
    let what = state.dataset_name(name);
    let with_contents = call.request.parameter("deleteContents") == "true";
    if !state.dataset(name)?.tables.is_empty() && !with_contents {
        return Err(refusal(400, "resourceInUse", &format!("{what} is still in use")));
    }
    state.datasets.remove(name);
    Ok(Said { status: 204, headers: Vec::new(), body: String::new() })
}

/// The list is left out when it is empty.
fn list(state: &State) -> Answer {
    let project = &state.settings.project;
    let short = |(name, dataset): (&String, &Dataset)| {
        let mut json = to_json(project, name, dataset);
        json.as_object_mut().map(|members| members.remove("etag"));
        json
    };
    let datasets: Vec<Value> = state.datasets.iter().map(short).collect();
    let mut body = json!({ "kind": "bigquery#datasetList", "etag": "list" });
    if !datasets.is_empty() {
        put(&mut body, "datasets", datasets.into());
    }
    fine(&body)
}

fn to_json(project: &str, name: &str, dataset: &Dataset) -> Value {
    let mut json = json!({
        "kind": "bigquery#dataset",
        "etag": format!("dataset-{}", dataset.version),
        "id": format!("{project}:{name}"),
        "datasetReference": { "projectId": project, "datasetId": name },
        "location": dataset.location,
    });
    if let Some(members) = json.as_object_mut() {
        members.extend(dataset.more.clone());
    }
    json
}
