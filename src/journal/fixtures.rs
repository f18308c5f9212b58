//! Events for the tests of the journal's engines.

use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;

use super::attempts::{Attempt, Matter, Note, Word};
use super::{DeadLetter, Position, ReadLimit};
use crate::spec::{Event, Kind, Receipt};

pub(crate) const SECOND: i64 = 1_000_000;

pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_microsecond((1_900_000_000 + seconds) * SECOND).unwrap()
}

pub(crate) fn receipt(message_id: &str) -> Receipt {
    Receipt {
        kind: Kind::Track,
        received_at: at(0),
        timestamp: at(-1),
        sent_at: None,
        message_id: Some(message_id.into()),
        source: Arc::from("website"),
        ip: None,
        signals: Default::default(),
        redelivery: None,
    }
}

pub(crate) fn event_with(receipt: Receipt, pad: usize) -> Event {
    let id = receipt.message_id.clone().unwrap_or_else(|| "sent-by-the-client".into());
    let pad = "x".repeat(pad);
    let raw = format!(
        r#"{{"type":"track","event":"Seen","userId":"u1","messageId":"{id}","properties":{{"pad":"{pad}"}}}}"#
    );
    Event::restore(Bytes::from(raw), receipt).unwrap()
}

pub(crate) fn event(message_id: &str, pad: usize) -> Event {
    event_with(receipt(message_id), pad)
}

pub(crate) fn event_at(message_id: &str, pad: usize, seconds: i64) -> Arc<Event> {
    let mut receipt = receipt(message_id);
    receipt.received_at = at(seconds);
    Arc::new(event_with(receipt, pad))
}

pub(crate) fn limit(records: usize) -> ReadLimit {
    ReadLimit { records, bytes: usize::MAX }
}

pub(crate) fn attempt_note(
    destination: &str,
    ranges: &[(u64, u64)],
    class: &'static str,
    answer: &str,
) -> Note {
    let failed = class != "delivered";
    let attempt = Attempt {
        class: Word::Borrowed(class),
        status: Some(if failed { 503 } else { 200 }),
        reason: failed.then_some(Word::Borrowed("server_error")),
        answer: answer.to_owned(),
        latency_ms: Some(12),
        table: None,
    };
    let matter = Matter::Attempt(attempt);
    Note { destination: destination.to_owned(), ranges: of(ranges), at: at(0), matter }
}

pub(crate) fn fate_note(
    destination: &str,
    ranges: &[(u64, u64)],
    fate: &'static str,
    reason: &'static str,
) -> Note {
    let matter = Matter::Fate { fate: Word::Borrowed(fate), reason: Word::Borrowed(reason) };
    Note { destination: destination.to_owned(), ranges: of(ranges), at: at(0), matter }
}

fn of(ranges: &[(u64, u64)]) -> Vec<std::ops::Range<u64>> {
    ranges.iter().map(|(start, end)| *start..*end).collect()
}

pub(crate) fn letter(destination: &str, reason: &'static str, event: Arc<Event>, seconds: i64) -> DeadLetter {
    DeadLetter {
        destination: destination.to_owned(),
        position: Position(5),
        reason,
        status: Some(422),
        answer: "no such \"thing\"".to_owned(),
        attempts: 1,
        at: at(seconds),
        table: None,
        ddl: None,
        event,
    }
}
