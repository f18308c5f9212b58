//! What every target checks: any bytes are read without a panic, and what is believed can be written and parsed again.

use std::sync::Arc;

use bytes::Bytes;
use opentrack::spec::{Arrival, Endpoint, Limits, read};

/// Reads `bytes` as a body for `endpoint` and compares each believed event with what it is written as.
pub fn check(bytes: &[u8], endpoint: Endpoint) {
    let Ok(envelope) = read(Bytes::copy_from_slice(bytes), endpoint) else { return };
    let arrival = Arrival {
        received_at: "2026-11-20T12:00:00Z".parse().expect("an instant"),
        source: Arc::from("fuzz"),
        ip: "203.0.113.9".parse().ok(),
        client_side: true,
        signals: Default::default(),
    };
    for event in envelope.believe(&arrival, &Limits { max_event_bytes: 1 << 20 }).events {
        let mut text = Vec::new();
        event.write_json(&mut text);
        let tree: serde_json::Value = serde_json::from_slice(&text).expect("what is believed is JSON");
        assert_eq!(&tree, event.tree());
    }
}
