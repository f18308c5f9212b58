//! What one user or visitor did, as far as the journal still has it: their events, newest first, a page at a time.
//!
//! The journal has no index of people, so that it is read backwards, a bounded part of it for each page: who did little gets short
//! pages, and the page says how far it has looked. Blocks. Never says anything about destinations.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::Serialize;

use super::{Journal, JournalError, Position, ReadLimit, Record};
use crate::spec::{Event, Kind};

/// Records that are looked at for one page at most.
const MOST_LOOKED_AT: u64 = 20_000;
/// Bytes of records that are looked at for one page, about.
const MOST_BYTES: u64 = 64 << 20;
/// Records of one step backwards at most.
const STEP: u64 = 1_000;
/// Bytes of one step, unless a single record has more.
const STEP_BYTES: u64 = 4 << 20;
/// How much is in memory at once.
const READ: ReadLimit = ReadLimit { records: 500, bytes: 4 << 20 };

/// Whose events, and which page of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Whose {
    /// A `userId`, an `anonymousId`, or the `previousId` of an alias call.
    pub id: String,
    /// Only events of these sources; `None`: of all.
    pub sources: Option<BTreeSet<String>>,
    /// Most events of a page.
    pub limit: usize,
    /// `next` of the page before.
    pub before: Option<u64>,
}

/// One page, newest first; serialised as it stands by `/api/events`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Timeline {
    /// The events.
    pub events: Vec<Moment>,
    /// Where the page after this one begins; `None` when the journal has nothing older.
    pub next: Option<String>,
    /// Everything that arrived since then was looked at; `None` when there was nothing to look at.
    pub looked_back_to: Option<Timestamp>,
    /// The oldest event that the journal still has, of whomever; `None` when it is empty.
    pub kept_since: Option<Timestamp>,
}

/// One event of somebody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Moment {
    /// As the client sent it.
    pub message_id: String,
    /// When it happened.
    pub timestamp: Timestamp,
    /// When it was accepted.
    pub received_at: Timestamp,
    /// Which call.
    pub kind: Kind,
    /// `event` of a track call, `name` of a page or screen call.
    pub name: Option<String>,
    /// Where in the site or the app, where that is told.
    pub path: Option<String>,
    /// Which source sent it.
    pub source: String,
}

impl Moment {
    fn of(event: &Event) -> Moment {
        let in_page = || event.context()?.get("page")?.get("path")?.as_str();
        let path =
            event.properties().and_then(|properties| properties.get("path")?.as_str()).or_else(in_page);
        Moment {
            message_id: event.head.message_id.to_string(),
            timestamp: event.receipt.timestamp,
            received_at: event.receipt.received_at,
            kind: event.head.kind,
            name: event.head.name.as_deref().map(str::to_owned),
            path: path.map(str::to_owned),
            source: event.receipt.source.to_string(),
        }
    }
}

impl Whose {
    fn takes(&self, event: &Event) -> bool {
        let head = &event.head;
        let ids = [&head.user_id, &head.anonymous_id, &head.previous_id];
        // What was stored once more for one destination happened once.
        event.receipt.redelivery.is_none()
            && ids.into_iter().flatten().any(|id| **id == *self.id)
            && self.sources.as_ref().is_none_or(|sources| sources.contains(&*event.receipt.source))
    }
}

/// Reads one page. Blocks.
///
/// # Errors
/// `Io` and `Damaged`.
pub fn read(journal: &dyn Journal, whose: &Whose) -> Result<Timeline, JournalError> {
    let extent = journal.extent();
    let mut end = whose.before.map_or(extent.next.0, |before| before.min(extent.next.0));
    let begun = end;
    let mut timeline = Timeline { kept_since: first_of(journal, extent.first)?, ..Timeline::default() };
    let goes_on = |end: u64, found: usize| {
        let bytes = journal.bytes_since(Position(end)).saturating_sub(journal.bytes_since(Position(begun)));
        found < whose.limit && begun - end < MOST_LOOKED_AT && bytes < MOST_BYTES
    };
    while end > extent.first.0 && goes_on(end, timeline.events.len()) {
        let from = step(journal, extent.first.0, end);
        let (oldest, found) = look(journal, whose, (from, end))?;
        let room = whose.limit - timeline.events.len();
        let newest = found.get(found.len().saturating_sub(room)..).unwrap_or_default();
        timeline.events.extend(newest.iter().rev().map(|record| Moment::of(&record.event)));
        // A full page ends at its last event, so that the next one begins behind it.
        let last = newest.first().filter(|_| newest.len() == room);
        end = last.map_or(from, |record| record.position.0);
        let since = last.map(|record| record.event.receipt.received_at).or(oldest);
        timeline.looked_back_to = since.or(timeline.looked_back_to);
    }
    timeline.next = (end > extent.first.0).then(|| end.to_string());
    Ok(timeline)
}

/// Returns where a step that ends at `end` begins.
fn step(journal: &dyn Journal, first: u64, end: u64) -> u64 {
    let behind = journal.bytes_since(Position(end));
    let bytes = |from: u64| journal.bytes_since(Position(from)).saturating_sub(behind);
    let mut records = STEP.min(end - first);
    while records > 1 && bytes(end - records) > STEP_BYTES {
        records = records.div_ceil(2).min(records - 1);
    }
    end - records
}

/// Returns when the oldest record of a part arrived, and those of its records that are meant, oldest first.
fn look(
    journal: &dyn Journal,
    whose: &Whose,
    (from, end): (u64, u64),
) -> Result<(Option<Timestamp>, Vec<Record>), JournalError> {
    let (mut at, mut oldest, mut found) = (from, None, Vec::new());
    while at < end {
        let records = journal.read(Position(at), READ)?;
        let Some(last) = records.last() else { break };
        at = last.position.0 + 1;
        let records = records.into_iter().filter(|record| record.position.0 < end);
        for record in records {
            oldest = oldest.or(Some(record.event.receipt.received_at));
            found.extend(whose.takes(&record.event).then_some(record));
        }
    }
    Ok((oldest, found))
}

fn first_of(journal: &dyn Journal, first: Position) -> Result<Option<Timestamp>, JournalError> {
    let one = journal.read(first, ReadLimit { records: 1, ..READ })?;
    Ok(one.first().map(|record| record.event.receipt.received_at))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::Bytes;

    use super::*;
    use crate::journal::MemoryJournal;
    use crate::journal::fixtures::{at, receipt};
    use crate::spec::Redelivery;

    fn event(n: i64, ids: &str, source: &str) -> Arc<Event> {
        Arc::new(event_for(n, (ids, source), None))
    }

    fn event_for(n: i64, (ids, source): (&str, &str), redelivery: Option<Box<Redelivery>>) -> Event {
        let mut receipt = receipt(&format!("m{n}"));
        receipt.redelivery = redelivery;
        (receipt.received_at, receipt.timestamp, receipt.source) = (at(n), at(n - 1), source.into());
        let raw = format!(
            r#"{{"type":"track","event":"E{n}",{ids},"messageId":"m{n}","context":{{"page":{{"path":"/p{n}"}}}}}}"#
        );
        Event::restore(Bytes::from(raw), receipt).unwrap()
    }

    fn whose(limit: usize) -> Whose {
        Whose { id: "anna".to_owned(), limit, ..Whose::default() }
    }

    fn ids(timeline: &Timeline) -> Vec<&str> {
        timeline.events.iter().map(|one| one.message_id.as_str()).collect()
    }

    #[test]
    fn events_of_one_come_newest_first_by_any_of_their_ids_and_once() {
        let journal = MemoryJournal::default();
        let redelivery = Redelivery { destination: "crm".into(), previous: Some(0) };
        let again = event_for(5, (r#""userId":"anna""#, "web"), Some(Box::new(redelivery)));
        journal
            .append(vec![
                event(0, r#""userId":"anna""#, "web"),
                event(1, r#""userId":"ben""#, "web"),
                event(2, r#""anonymousId":"anna""#, "app"),
                event(3, r#""userId":"ben","anonymousId":"anna""#, "web"),
            ])
            .unwrap();
        let all = read(&journal, &whose(10)).unwrap();
        assert_eq!(ids(&all), ["m3", "m2", "m0"]);
        assert_eq!((&all.next, all.looked_back_to, all.kept_since), (&None, Some(at(0)), Some(at(0))));
        let shown = &all.events[0];
        assert_eq!(
            (shown.name.as_deref(), shown.path.as_deref(), shown.timestamp),
            (Some("E3"), Some("/p3"), at(2))
        );
        let web = Whose { sources: Some(BTreeSet::from(["web".to_owned()])), ..whose(10) };
        assert_eq!(ids(&read(&journal, &web).unwrap()), ["m3", "m0"]);
        assert!(!whose(10).takes(&again), "what was stored again for one destination happened once");
    }

    #[test]
    fn pages_go_on_where_the_one_before_ended_and_name_no_event_twice() {
        let journal = MemoryJournal::default();
        let all =
            (0..7).map(|n| event(n, if n % 2 == 0 { r#""userId":"anna""# } else { r#""userId":"b""# }, "w"));
        journal.append(all.collect()).unwrap();
        let first = read(&journal, &whose(2)).unwrap();
        assert_eq!(ids(&first), ["m6", "m4"]);
        assert_eq!((first.next.as_deref(), first.looked_back_to), (Some("4"), Some(at(4))));
        let second = read(&journal, &Whose { before: Some(4), ..whose(9) }).unwrap();
        assert_eq!((ids(&second), &second.next), (vec!["m2", "m0"], &None));
        let beyond = read(&journal, &Whose { before: Some(u64::MAX), ..whose(1) }).unwrap();
        assert_eq!(ids(&beyond), ["m6"]);
    }

    #[test]
    fn a_page_looks_at_a_part_of_the_journal_and_says_how_far() {
        let journal = MemoryJournal::default();
        let anna = event(0, r#""userId":"anna""#, "w");
        let others = (1..=MOST_LOOKED_AT as i64).map(|n| event(n, r#""userId":"b""#, "w"));
        journal.append(std::iter::once(anna).chain(others).collect()).unwrap();
        let first = read(&journal, &whose(5)).unwrap();
        assert_eq!((first.events.len(), first.next.as_deref()), (0, Some("1")));
        assert_eq!((first.looked_back_to, first.kept_since), (Some(at(1)), Some(at(0))));
        let second = read(&journal, &Whose { before: Some(1), ..whose(5) }).unwrap();
        assert_eq!((ids(&second), &second.next), (vec!["m0"], &None));
    }

    #[test]
    fn an_empty_journal_has_nothing_of_anybody() {
        assert_eq!(read(&MemoryJournal::default(), &whose(5)).unwrap(), Timeline::default());
    }
}
