//! The destination as its operator sees it: planned requests, the table of answers, and requests on the wire.

mod answers;
mod requests;

use secrecy::SecretString;
use serde_json::{Value, json};

use super::*;
use crate::destinations::kit::testing::{answered, attempt, event, setting, word};
use crate::destinations::Client;

const TOKEN: &str = "EAAgeheim0123456789";

fn config(settings: &str) -> Config {
    let config: Config = toml::from_str(settings).unwrap();
    Config { pixel_id: "1234567890".to_owned(), access_token: SecretString::from(TOKEN), ..config }
}

fn built(settings: &str) -> (MetaCapi, Wire) {
    MetaCapi::new(config(settings), &setting("meta", true)).unwrap()
}

fn meta(settings: &str) -> MetaCapi {
    built(settings).0
}

/// So many events that are sent.
fn signed_up(count: usize) -> Vec<Arc<Event>> {
    let one = |n: usize| {
        let call = json!({ "type": "track", "messageId": format!("m-{n}"), "userId": "u", "event": "Signed Up" });
        event(&call.to_string())
    };
    (0..count).map(one).collect()
}
