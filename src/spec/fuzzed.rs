//! What must hold for any body and any signature, whoever thinks them up: for fuzzers, and for what fuzzers once found.
//!
//! Not in the router that is published. A check fails by a panic.

use std::sync::Arc;

use bytes::Bytes;

use super::signature::{Claim, Signer, Verdict, judge};
use super::{Arrival, Endpoint, Limits, read};

/// Reads `bytes` as a body for `endpoint` and compares each believed event with what it is written as.
pub fn body(bytes: &[u8], endpoint: Endpoint) {
    let Ok(envelope) = read(Bytes::copy_from_slice(bytes), endpoint) else { return };
    let arrival = Arrival {
        received_at: jiff::Timestamp::constant(1_795_000_000, 0),
        source: Arc::from("fuzz"),
        ip: "203.0.113.9".parse().ok(),
        client_side: true,
        signals: Default::default(),
    };
    for event in envelope.believe(&arrival, &Limits { max_event_bytes: 1 << 20 }).events {
        let mut text = Vec::new();
        event.write_json(&mut text);
        let tree = serde_json::from_slice::<serde_json::Value>(&text).ok();
        assert_eq!(tree.as_ref(), Some(event.tree()), "what is believed is JSON and reads as what is kept");
    }
}

/// Reads lines: a secret, an id, a time and the value of a header; what follows is the body. A header is believed exactly when
/// it holds the signature of these.
pub fn signature(bytes: &[u8]) {
    let mut parts = bytes.splitn(5, |byte| *byte == b'\n');
    let mut line = || std::str::from_utf8(parts.next().unwrap_or_default()).unwrap_or_default();
    let (secret, id, time, header) = (line(), line(), line(), line());
    let body = parts.next().unwrap_or_default();
    let Ok(Some(signer)) = Signer::new(secret) else { return };
    let timestamp = time.parse().unwrap_or(1_795_000_000);
    let claim = Claim { id, timestamp, body };
    let own = signer.sign(id, timestamp, body);
    let judged =
        |header: &str, now: i64| judge(std::slice::from_ref(&signer), &claim, header, (now, 300), |_| false);
    let holds = header.split_ascii_whitespace().any(|one| one == own);
    assert_eq!(
        judged(header, timestamp) == Verdict::Ok,
        holds,
        "believed without its signature, or not with it"
    );
    assert_eq!(
        judged(&format!("{header} {own}"), timestamp),
        Verdict::Ok,
        "its own signature is not believed"
    );
    if let Some(early) = timestamp.checked_sub(301) {
        assert_eq!(judged(&own, early), Verdict::Timestamp, "believed before its time");
    }
}
