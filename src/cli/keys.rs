//! `opentrack keys new`: a write key that nobody can guess. Stores nothing.

use super::Exit;
use super::out::Out;
use crate::config;

/// Prints a new write key.
pub(super) fn new(out: &mut Out) -> Exit {
    let key: String = config::random_text().chars().take(40).collect();
    if out.json {
        out.value(&serde_json::json!({ "write_key": key }));
    } else {
        out.line(&key);
    }
    Exit::Fine
}
