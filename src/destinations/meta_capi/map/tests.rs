//! Events of ours and what they become there: a snapshot for each row of the tables, and every rule about persons, places,
//! money and time.

mod commerce;
mod limits;
mod people;
mod rows;

use std::sync::Arc;

use serde_json::{Value, json};

use super::*;
use crate::destinations::kit::testing::{attempt, event};

/// Settings that are written as in the file.
fn options(settings: &str) -> Options {
    let config: Config = toml::from_str(settings).unwrap();
    Options::of(&config)
}

/// Maps an event at the first attempt.
fn mapped_as(event: &Event, settings: &str) -> Result<Value, No> {
    let json = write(event, &options(settings), &attempt(1))?;
    Ok(serde_json::from_slice(&json).expect("what is written is JSON"))
}

fn mapped(event: &Event) -> Value {
    mapped_as(event, "").expect("it is sent")
}

/// A track call of this name with these properties and this context.
fn track(name: &str, properties: &Value, context: &Value) -> Arc<Event> {
    let call = json!({
        "type": "track", "messageId": "m-1", "userId": "user-1", "event": name, "properties": properties,
        "context": context, "timestamp": "2026-01-02T03:04:05.600Z",
    });
    event(&call.to_string())
}

/// What is known of the person of a lead whose traits are these.
fn person(traits: &Value) -> Value {
    mapped(&track("Lead Generated", &json!({}), &json!({ "traits": traits })))["user_data"].clone()
}

/// What a purchase with these properties holds.
fn custom(name: &str, properties: &Value) -> Value {
    mapped(&track(name, properties, &json!({})))["custom_data"].clone()
}

fn refusal(event: &Event, settings: &str) -> String {
    match mapped_as(event, settings) {
        Err(No::Refuse(what)) => what,
        other => panic!("not refused: {other:?}"),
    }
}
