//! What must hold for a journal whose files hold anything: for fuzzers, and for what fuzzers once found.
//!
//! Not in the router that is published. A check fails by a panic.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::{EmbeddedJournal, Journal, JournalError, Options, Position, ReadLimit};
use crate::spec::{Arrival, Endpoint, Event, Kind, Limits, read};

const NOW: jiff::Timestamp = jiff::Timestamp::constant(1_795_000_000, 0);

/// Opens a journal in the empty directory `dir` whose only segment is `bytes` but for the first of them, which says whether a
/// half is its index. It opens, takes an event, and has that event and what it had before after the next start.
pub fn recovery(dir: &Path, bytes: &[u8]) {
    let Some((form, rest)) = bytes.split_first() else { return };
    let (log, index) = if form & 1 == 1 { rest.split_at(rest.len() / 2) } else { (rest, &[][..]) };
    let path = dir.join("00000000000000000000.log");
    let mut is_written = std::fs::write(&path, log).is_ok();
    if form & 1 == 1 {
        is_written &= std::fs::write(path.with_extension("idx"), index).is_ok();
    }
    assert!(is_written, "the files can be written");
    let before = ids(&open(dir));
    let journal = open(dir);
    assert_eq!(ids(&journal), before, "the second start found something else");
    let Some(event) = event() else { return };
    let appended = journal.append(vec![event]);
    assert!(appended.is_ok(), "{appended:?}");
    let after = ids(&journal);
    drop(journal);
    assert_eq!(after.len(), before.len() + 1, "what was there is there");
    let journal = open(dir);
    assert_eq!(ids(&journal), after, "what was acknowledged is there after a start");
    let found = journal.find("fuzzed-and-acknowledged");
    assert!(found.is_ok_and(|found| found.is_some()), "and is found by its id");
}

#[expect(clippy::panic, reason = "a check fails by a panic")]
fn open(dir: &Path) -> EmbeddedJournal {
    let options = Options {
        dir: dir.to_owned(),
        fsync: false,
        max_bytes: 64 << 20,
        drop_oldest: false,
        retention: Duration::from_secs(7 * 86_400),
        dedupe_window: Duration::ZERO,
        dedupe_max_ids: 0,
        tail_bytes: 0,
    };
    EmbeddedJournal::open(options, NOW).unwrap_or_else(|error| panic!("it does not open: {error}"))
}

/// What is there to read. A record in the middle that cannot be read costs itself alone: every reader passes over it.
fn ids(journal: &EmbeddedJournal) -> Vec<(u64, String)> {
    let mut found = Vec::new();
    let mut next = Position(0);
    while next < journal.extent().next {
        let page = journal.read(next, ReadLimit { records: 100, bytes: 1 << 20 });
        if let Err(JournalError::Damaged(_)) = page {
            next = Position(next.0 + 1);
            continue;
        }
        assert!(page.is_ok(), "{page:?}");
        let page = page.unwrap_or_default();
        let Some(last) = page.last() else { break };
        next = Position(last.position.0 + 1);
        found.extend(page.iter().map(|record| (record.position.0, record.event.head.message_id.to_string())));
    }
    found
}

fn event() -> Option<Arc<Event>> {
    let text = r#"{"type":"track","event":"e","userId":"u","messageId":"fuzzed-and-acknowledged"}"#;
    let envelope = read(Bytes::from_static(text.as_bytes()), Endpoint::One(Kind::Track)).ok()?;
    let arrival = Arrival {
        received_at: NOW,
        source: Arc::from("fuzz"),
        ip: None,
        client_side: false,
        signals: Default::default(),
    };
    envelope.believe(&arrival, &Limits { max_event_bytes: 1 << 20 }).events.pop().map(Arc::new)
}
