//! Small events with ids that no other test uses.

use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};

static NEXT: AtomicU64 = AtomicU64::new(0);

/// Returns a message id that is unique within the run.
pub(crate) fn fresh_id(prefix: &str) -> String {
    format!("{prefix}-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Returns a track call of `user` named "Thing Done" with `properties.n`, with `type` and a fresh id.
pub(crate) fn track(user: &str, n: u64) -> Value {
    json!({
        "type": "track", "event": "Thing Done", "userId": user, "messageId": fresh_id("m"),
        "properties": { "n": n },
    })
}

/// Returns the body of `/v1/batch`.
pub(crate) fn batch(events: &[Value]) -> Value {
    json!({ "batch": events })
}

/// Returns the `messageId` of each event.
pub(crate) fn ids_of(events: &[Value]) -> Vec<String> {
    events.iter().map(|event| event["messageId"].as_str().unwrap_or_default().to_owned()).collect()
}
