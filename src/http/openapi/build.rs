//! From the list of paths to the document. Pure.

use serde_json::{Map, Value, json};

use super::paths::{self, Good, Operation};
use super::query::Parameter;

/// The shapes of bodies and answers, by name.
const SCHEMAS: &str = include_str!("schemas.json");
const ABOUT: &str = "The events of a Segment-compatible library go to the paths under `/v1`; operators read and order under \
`/api`. A path of an operator names the scope that its bearer token needs (`admin` stands for all of them); in development none \
is needed on the machine itself. Every error has the same form.";

/// Returns the whole document.
pub(super) fn document() -> Value {
    let mut paths = Map::new();
    for operation in paths::all() {
        let path = paths.entry(operation.path.to_owned()).or_insert_with(|| json!({}));
        if let Some(methods) = path.as_object_mut() {
            methods.insert(operation.method.to_owned(), told(&operation));
        }
    }
    let schemas: Value = serde_json::from_str(SCHEMAS).unwrap_or_default();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "OpenTrack",
            "description": ABOUT,
            "version": env!("CARGO_PKG_VERSION"),
            "license": { "name": "MIT", "identifier": "MIT" }
        },
        "servers": [{ "url": "/" }],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": { "Error": {
                "description": "The request was not taken; `code` is from a closed list.",
                "content": { "application/json": { "schema": of("Error") } }
            } },
            "securitySchemes": {
                "bearer": { "type": "http", "scheme": "bearer", "bearerFormat": "JWT" },
                "token": { "type": "apiKey", "in": "query", "name": "access_token" },
                "write_key": { "type": "http", "scheme": "basic" }
            }
        }
    })
}

fn told(operation: &Operation) -> Value {
    let mut told = json!({
        "tags": [operation.tag],
        "summary": operation.summary,
        "operationId": id(operation),
        "responses": answers(operation),
        "security": security(operation),
    });
    let in_path = paths::names_in(operation.path).map(|name| Parameter::in_path(name, operation));
    let parameters: Vec<Value> = in_path.chain(operation.query.iter().map(Parameter::told)).collect();
    if let Some(members) = told.as_object_mut() {
        if !parameters.is_empty() {
            members.insert("parameters".to_owned(), parameters.into());
        }
        if let Some(body) = operation.body {
            let content = json!({ "application/json": { "schema": of(body) } });
            members.insert("requestBody".to_owned(), json!({ "required": true, "content": content }));
        }
    }
    told
}

/// A name for code that is made from the document.
fn id(operation: &Operation) -> String {
    let path: String = operation
        .path
        .chars()
        .map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '_' })
        .collect();
    format!("{}{}", operation.method, path.trim_end_matches('_'))
}

fn answers(operation: &Operation) -> Value {
    let refused = json!({ "$ref": "#/components/responses/Error" });
    let mut answers = Map::new();
    let content: Map<String, Value> = match operation.good {
        Good::Json(schema) => {
            [("application/json".to_owned(), json!({ "schema": of(schema) }))].into_iter().collect()
        }
        Good::Table(schema) => [("application/json", of(schema)), ("text/csv", json!({ "type": "string" }))]
            .into_iter()
            .map(|(kind, schema)| (kind.to_owned(), json!({ "schema": schema })))
            .collect(),
        Good::Text(kind) => {
            [(kind.to_owned(), json!({ "schema": { "type": "string" } }))].into_iter().collect()
        }
    };
    answers.insert("200".to_owned(), json!({ "description": "As asked.", "content": content }));
    if operation.path == "/ready" {
        answers.insert(
            "503".to_owned(),
            json!({ "description": "The journal cannot append.", "content": content }),
        );
    }
    for status in operation
        .refusals
        .iter()
        .chain(operation.scope.is_some().then_some(["401", "403"].iter()).into_iter().flatten())
    {
        answers.insert((*status).to_owned(), refused.clone());
    }
    answers.insert("4XX".to_owned(), refused.clone());
    answers.insert("5XX".to_owned(), refused);
    Value::Object(answers)
}

fn security(operation: &Operation) -> Value {
    let nothing = json!({});
    match (operation.scope, operation.tag) {
        (Some(scope), "stream") => json!([{ "bearer": [scope] }, { "token": [scope] }, nothing]),
        (Some(scope), _) => json!([{ "bearer": [scope] }, nothing]),
        (None, "events") => json!([{ "write_key": [] }, nothing]),
        (None, _) => json!([]),
    }
}

fn of(schema: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{schema}") })
}
