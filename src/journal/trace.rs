//! The journey of one event: where it stands at each destination, and what was noted on the way.
//!
//! Separate because a running router and a command beside a stopped one tell the same story from the same notes. Finding
//! blocks; putting together is pure.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::attempts::{self, Matter, Note, Word};
use super::{Cursor, Journal, JournalError, Position, Record};

/// Attempts that are shown; of more, the first one and the newest.
const MAX_SHOWN: usize = 100;
/// Rejected events that are looked at together.
const PAGE: usize = 1000;

/// What is said of an id that nobody knows.
pub const UNKNOWN_ID: &str = "no event with this message id is in the journal, nor among the rejected ones; what every \
                              destination is done with is kept for `journal.retention`";

/// Where an event stands at one destination, apart from what was noted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// Delivered, skipped or dead: the notes know which.
    Settled,
    /// On its way now.
    InFlight,
    /// The whole destination is held.
    Held {
        /// Why.
        reason: Option<String>,
        /// When it is probed next.
        until: Option<Timestamp>,
    },
    /// It alone waits for something of ours.
    Deferred {
        /// What for.
        reason: &'static str,
        /// When it is looked at again.
        until: Timestamp,
    },
    /// It waits for its first attempt, or for the next one.
    Waiting {
        /// It has failed before.
        tried: bool,
        /// What it waits for, when that is not just its turn.
        reason: Option<String>,
        /// When it is tried next.
        until: Option<Timestamp>,
    },
    /// Nobody works on it.
    Idle {
        /// Why not.
        reason: String,
    },
}

impl Standing {
    /// Returns the standing at a held destination.
    pub fn held(reason: Option<impl Into<String>>, until: Option<Timestamp>) -> Self {
        Standing::Held { reason: reason.map(Into::into), until }
    }

    /// Returns the standing of an event that was not tried yet, as far as is known.
    pub fn waiting(reason: Option<String>, until: Option<Timestamp>) -> Self {
        Standing::Waiting { tried: false, reason, until }
    }

    /// Returns `self`, or `Settled` when that is so.
    pub fn or_settled(self, settled: bool) -> Self {
        if settled { Standing::Settled } else { self }
    }
}

impl Cursor {
    /// Returns whether the event at this position is done with.
    pub fn has_settled(&self, position: Position) -> bool {
        position < self.mark || self.settled.iter().any(|range| range.contains(&position.0))
    }
}

/// What is known of a message id.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub enum Traced {
    /// It was accepted.
    Accepted(Box<Trace>),
    /// It was not believed at the door.
    Rejected(RejectedTrace),
}

impl Traced {
    /// Returns which source sent it, where that is known.
    pub fn source(&self) -> Option<&str> {
        match self {
            Traced::Accepted(trace) => Some(&trace.source),
            Traced::Rejected(rejected) => rejected.source.as_deref(),
        }
    }
}

/// The journey of an accepted event; serialised as it stands.
#[derive(Debug, Clone, Serialize)]
pub struct Trace {
    /// As the client sent it.
    pub message_id: String,
    /// When it was accepted.
    pub received_at: Timestamp,
    /// Which source sent it.
    pub source: String,
    /// Where it is in the journal.
    pub position: u64,
    /// The event as destinations see it.
    pub event: Box<RawValue>,
    /// Where it stands, by destination.
    pub destinations: BTreeMap<String, Stop>,
}

/// One destination of a journey.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Stop {
    /// pending, in_flight, delivered, skipped, retrying, held or dead.
    pub fate: &'static str,
    /// Why, where there is something to say.
    pub reason: Option<String>,
    /// What was tried, oldest first.
    pub attempts: Vec<Tried>,
    /// How many attempts between the first and the second one are not shown.
    #[serde(skip_serializing_if = "is_zero")]
    pub attempts_left_out: usize,
    /// When it is tried next.
    pub next_attempt_at: Option<Timestamp>,
    /// The table it goes to, at a warehouse; the one that failed last, where one did.
    pub table: Option<String>,
}

/// One attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tried {
    /// When it began.
    pub at: Timestamp,
    /// delivered, refused, broken, transient or throttled; deferred where the event waits for something of ours.
    pub class: Word,
    /// HTTP status, where there was one.
    pub status: Option<u16>,
    /// From the closed list of reasons; `None` when delivered.
    pub reason: Option<Word>,
    /// The other side's words, or the transport error.
    pub answer: String,
    /// How long it took; `None` when nothing was sent.
    pub latency_ms: Option<u64>,
    /// The table that it was about, where it failed and that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
}

/// An event that was not believed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RejectedTrace {
    /// As the client sent it.
    pub message_id: String,
    /// Which source sent it.
    #[serde(skip)]
    pub source: Option<String>,
    /// Why.
    pub rejected: Rejection,
}

/// Why an event was not believed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejection {
    /// From the closed list.
    pub code: String,
    /// In words.
    pub message: String,
    /// Where in the event.
    pub path: String,
}

fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// Every record of one event: as it was accepted, and as often as it was stored again for one destination alone.
#[derive(Debug, Clone)]
pub struct Records {
    newest: Record,
    /// Newest first.
    older: Vec<Record>,
}

impl Records {
    /// Returns the event as it was accepted, or what is left of it.
    pub fn accepted(&self) -> &Record {
        self.older.last().unwrap_or(&self.newest)
    }

    /// Returns the newest record that a destination has to do with; `None` when the journal has given it up.
    pub fn at(&self, destination: &str) -> Option<&Record> {
        let is_for = |record: &&Record| record.event.receipt.is_for(destination);
        std::iter::once(&self.newest).chain(&self.older).find(is_for)
    }

    /// Returns whether the destination that the cursor belongs to is done with the event.
    pub fn settled(&self, destination: &str, cursor: Option<&Cursor>) -> bool {
        // A record is given up when everyone is done with it.
        self.at(destination)
            .is_none_or(|record| cursor.is_some_and(|cursor| cursor.has_settled(record.position)))
    }

    /// Reads every note about the event. Blocks.
    ///
    /// # Errors
    /// `Io`.
    pub fn notes(&self, journal: &dyn Journal) -> Result<Vec<Note>, JournalError> {
        let mut notes = Vec::new();
        for record in self.older.iter().rev().chain(std::iter::once(&self.newest)) {
            notes.append(&mut journal.notes_about(record.position)?);
        }
        Ok(notes)
    }
}

/// Finds the accepted event with this id. Blocks.
///
/// # Errors
/// `Io` and `Damaged`.
pub fn find(journal: &dyn Journal, message_id: &str) -> Result<Option<Records>, JournalError> {
    let mut records = journal.history(message_id)?.into_iter();
    Ok(records.next().map(|newest| Records { newest, older: records.collect() }))
}

/// Finds the newest rejected event with this id. Blocks.
///
/// # Errors
/// `Io`.
pub fn find_rejected(journal: &dyn Journal, message_id: &str) -> Result<Option<RejectedTrace>, JournalError> {
    let needle = serde_json::Value::from(message_id).to_string();
    let mut cursor: Option<String> = None;
    loop {
        let page = journal.rejected(PAGE, cursor.as_deref())?;
        let mut hits = page.rejected.iter().filter(|line| line.get().contains(&needle));
        if let Some(found) = hits.find_map(|line| rejection(line.get(), message_id)) {
            return Ok(Some(found));
        }
        cursor = page.next;
        if cursor.is_none() {
            return Ok(None);
        }
    }
}

fn rejection(line: &str, message_id: &str) -> Option<RejectedTrace> {
    #[derive(Deserialize)]
    struct Line {
        message_id: Option<String>,
        source: Option<String>,
        #[serde(flatten)]
        rejected: Rejection,
    }
    let line: Line = serde_json::from_str(line).ok()?;
    let message_id = line.message_id.filter(|id| id == message_id)?;
    Some(RejectedTrace { message_id, source: line.source, rejected: line.rejected })
}

/// Begins the journey of a record; destinations are added by [`Trace::stop`].
pub fn begin(record: &Record) -> Trace {
    let event = &record.event;
    let mut text = Vec::with_capacity(event.size() + 256);
    event.write_json(&mut text);
    let raw = String::from_utf8(text).ok().and_then(|text| RawValue::from_string(text).ok());
    Trace {
        message_id: event.head.message_id.to_string(),
        received_at: event.receipt.received_at,
        source: event.receipt.source.to_string(),
        position: record.position.0,
        event: raw.unwrap_or_default(),
        destinations: BTreeMap::new(),
    }
}

impl Trace {
    /// Adds a destination: where the event stands there, and every note about it, of any destination, oldest first. A
    /// note may come twice.
    pub fn stop<'a>(
        &mut self,
        name: &str,
        (standing, table): (Standing, Option<String>),
        notes: impl Iterator<Item = &'a Note>,
    ) {
        let mut own: Vec<&Note> = notes.filter(|note| note.destination == name).collect();
        own.sort_by_key(|note| note.at);
        let stop = stop(standing, &each_once(own));
        let failed = stop.attempts.iter().rev().find_map(|tried| tried.table.clone());
        let failed = failed.filter(|_| stop.fate != "delivered");
        let stop = Stop { table: failed.or(table), ..stop };
        self.destinations.insert(name.to_owned(), stop);
    }
}

/// Takes out what comes twice. A note has one instant, so that few need to be compared, however many there are.
fn each_once(sorted: Vec<&Note>) -> Vec<&Note> {
    let mut kept: Vec<&Note> = Vec::with_capacity(sorted.len());
    for note in sorted {
        let mut same_time = kept.iter().rev().take_while(|other| other.at == note.at);
        if !same_time.any(|other| *other == note) {
            kept.push(note);
        }
    }
    kept
}

fn stop(standing: Standing, notes: &[&Note]) -> Stop {
    let mut attempts: Vec<Tried> = notes.iter().filter_map(|note| tried(note)).collect();
    let (fate, reason, next_attempt_at) = match standing {
        Standing::Settled => {
            let (fate, reason) = end(notes);
            (fate, reason, None)
        }
        Standing::InFlight => ("in_flight", None, None),
        Standing::Held { reason, until } => ("held", reason, until),
        Standing::Deferred { reason, until } => ("retrying", Some(reason.to_owned()), Some(until)),
        Standing::Idle { reason } => ("pending", Some(reason), None),
        Standing::Waiting { tried, reason, until } if tried || !attempts.is_empty() => {
            let last = attempts.iter().rev().find_map(|last| last.reason.as_ref());
            ("retrying", last.map(ToString::to_string).or(reason), until)
        }
        Standing::Waiting { reason, until, .. } => ("pending", reason, until),
    };
    let attempts_left_out = attempts.len().saturating_sub(MAX_SHOWN);
    let second = 1.min(attempts_left_out);
    attempts.drain(second..second + attempts_left_out);
    Stop { fate, reason, attempts, attempts_left_out, next_attempt_at, table: None }
}

/// Returns how a settled event ended: the newest note decides, and without one it was delivered. That it was passed over here
/// says less than how it ended.
fn end(notes: &[&Note]) -> (&'static str, Option<String>) {
    let ends = |note: &&&Note| match &note.matter {
        Matter::Attempt(attempt) => attempt.class == "delivered",
        Matter::Fate { .. } => true,
    };
    let moved = |note: &&&Note| matches!(&note.matter, Matter::Fate { reason, .. } if *reason == "moved");
    let mut ending = notes.iter().rev().filter(ends);
    let newest = ending.clone().next();
    match ending.find(|note| !moved(note)).or(newest).map(|note| &note.matter) {
        Some(Matter::Fate { fate, reason }) => {
            (if fate == "dead" { "dead" } else { "skipped" }, Some(reason.to_string()))
        }
        Some(Matter::Attempt(_)) | None => ("delivered", None),
    }
}

fn tried(note: &Note) -> Option<Tried> {
    let Matter::Attempt(attempt) = &note.matter else { return None };
    let attempts::Attempt { class, status, reason, answer, latency_ms, table } = attempt.clone();
    Some(Tried { at: note.at, class, status, reason, answer, latency_ms, table })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::MemoryJournal;
    use crate::journal::fixtures::{at, attempt_note, event, fate_note};
    use std::sync::Arc;

    fn later(mut note: Note, seconds: i64) -> Note {
        note.at = at(seconds);
        note
    }

    fn trace(standing: Standing, notes: &[Note]) -> Stop {
        let record = Record { position: Position(3), event: Arc::new(event("m", 1)) };
        let mut trace = begin(&record);
        trace.stop("a", (standing, None), notes.iter());
        trace.destinations.remove("a").unwrap()
    }

    #[test]
    fn the_newest_note_says_how_a_settled_event_ended() {
        let failed = attempt_note("a", &[(3, 4)], "transient", "busy");
        let delivered = later(attempt_note("a", &[(3, 4)], "delivered", ""), 1);
        let dead = later(fate_note("a", &[(3, 4)], "dead", "rejected"), 2);
        let again = later(attempt_note("a", &[(3, 4)], "delivered", ""), 3);
        let moved = later(fate_note("a", &[(3, 4)], "skipped", "moved"), 4);
        let cases = [
            (vec![], ("delivered", None)),
            (vec![moved.clone()], ("skipped", Some("moved".to_owned()))),
            (vec![delivered.clone(), moved], ("delivered", None)),
            (vec![failed.clone(), delivered.clone()], ("delivered", None)),
            (
                vec![fate_note("a", &[(3, 4)], "skipped", "filtered")],
                ("skipped", Some("filtered".to_owned())),
            ),
            (vec![dead.clone(), failed.clone()], ("dead", Some("rejected".to_owned()))),
            (vec![dead, again, delivered, failed], ("delivered", None)),
            (vec![fate_note("b", &[(3, 4)], "dead", "rejected")], ("delivered", None)),
        ];
        for (notes, wanted) in cases {
            let stop = trace(Standing::Settled, &notes);
            assert_eq!((stop.fate, stop.reason), wanted, "{notes:?}");
        }
    }

    #[test]
    fn attempts_are_listed_once_and_in_order() {
        let first = attempt_note("a", &[(3, 4)], "transient", "busy");
        let second = later(attempt_note("a", &[(3, 9)], "delivered", ""), 1);
        let notes = [second.clone(), first.clone(), second, first];
        let stop = trace(Standing::Settled, &notes);
        let seen: Vec<_> = stop.attempts.iter().map(|one| (&*one.class, one.status, &*one.answer)).collect();
        assert_eq!(seen, [("transient", Some(503), "busy"), ("delivered", Some(200), "")]);
    }

    #[test]
    fn an_event_that_was_tried_is_retried_and_one_that_was_not_is_pending() {
        let failed = [attempt_note("a", &[(3, 4)], "transient", "busy")];
        let order = || Standing::waiting(Some("order".into()), None);
        let fate = |stop: Stop| (stop.fate, stop.reason);
        assert_eq!(fate(trace(order(), &[])), ("pending", Some("order".into())));
        assert_eq!(fate(trace(order(), &failed)), ("retrying", Some("server_error".into())));
        let tried = Standing::Waiting { tried: true, reason: None, until: Some(at(5)) };
        assert_eq!(trace(tried, &[]).fate, "retrying");
        assert_eq!(fate(trace(Standing::InFlight, &failed)), ("in_flight", None));
        assert_eq!(
            fate(trace(Standing::Idle { reason: "off".into() }, &failed)),
            ("pending", Some("off".into()))
        );
        let held = trace(Standing::held(Some("unauthorized"), Some(at(9))), &failed);
        assert_eq!((held.fate, held.next_attempt_at), ("held", Some(at(9))));
        assert_eq!(held.reason.as_deref(), Some("unauthorized"));
    }

    #[test]
    fn an_event_that_waits_for_something_of_ours_is_retried_for_that_reason() {
        let failed = [attempt_note("a", &[(3, 4)], "transient", "busy")];
        let waits = || Standing::Deferred { reason: "schema", until: at(7) };
        for notes in [&failed[..], &[]] {
            let stop = trace(waits(), notes);
            let told = (stop.fate, stop.reason.as_deref(), stop.next_attempt_at);
            assert_eq!(told, ("retrying", Some("schema"), Some(at(7))));
        }
    }

    #[test]
    fn the_table_of_an_event_is_the_one_that_failed_until_it_is_delivered() {
        let mut failed = attempt_note("a", &[(3, 4)], "transient", "no such field");
        if let Matter::Attempt(attempt) = &mut failed.matter {
            attempt.table = Some("signed_up".to_owned());
        }
        // The other row of the event was taken by the same attempt.
        let taken = later(attempt_note("a", &[(3, 4)], "delivered", ""), 1);
        let record = Record { position: Position(3), event: Arc::new(event("m", 1)) };
        let table = |standing| {
            let mut trace = begin(&record);
            trace.stop("a", (standing, Some("tracks".to_owned())), [&failed, &taken].into_iter());
            let stop = trace.destinations.remove("a").unwrap();
            (stop.fate, stop.reason, stop.table)
        };
        let waiting = Standing::Waiting { tried: true, reason: None, until: None };
        let told = ("retrying", Some("server_error".to_owned()), Some("signed_up".to_owned()));
        assert_eq!(table(waiting), told);
        assert_eq!(table(Standing::Settled), ("delivered", None, Some("tracks".to_owned())));
    }

    #[test]
    fn of_very_many_attempts_the_first_and_the_newest_are_shown() {
        let many: Vec<Note> =
            (0..250).map(|n| later(attempt_note("a", &[(3, 4)], "broken", &n.to_string()), n)).collect();
        let stop = trace(Standing::held(Some("unauthorized"), None), &many);
        assert_eq!((stop.attempts.len(), stop.attempts_left_out), (100, 150));
        let answers = [0, 1, 99].map(|at| stop.attempts[at].answer.clone());
        assert_eq!(answers, ["0", "151", "249"]);
        assert_eq!(trace(Standing::InFlight, &many[..100]).attempts_left_out, 0);
    }

    #[test]
    fn a_cursor_knows_what_is_settled() {
        let cursor = Cursor { mark: Position(3), settled: vec![5..6, 6..7], ..Cursor::default() };
        let settled: Vec<u64> = (0..9).filter(|at| cursor.has_settled(Position(*at))).collect();
        assert_eq!(settled, [0, 1, 2, 5, 6]);
    }

    #[test]
    fn a_rejected_event_is_found_by_any_id() {
        let journal = MemoryJournal::default();
        let odd = "a \"b\"/%\n ü";
        for (n, id) in ["one", odd, "two"].into_iter().cycle().take(3000).enumerate() {
            let problem = crate::spec::Problem {
                path: "userId".into(),
                code: crate::spec::Code::WrongType,
                message: format!("no {n}"),
            };
            let rejected = crate::spec::Rejected {
                index: 0,
                message_id: (n < 3).then(|| id.to_owned()),
                problems: vec![problem],
                source: "web".into(),
                at: at(0),
                raw: bytes::Bytes::from(format!("{{\"messageId\":{:?}}}", "two")),
            };
            journal.keep_rejected(&[rejected]).unwrap();
        }
        let found = find_rejected(&journal, odd).unwrap().unwrap();
        assert_eq!((found.message_id.as_str(), found.rejected.message.as_str()), (odd, "no 1"));
        assert_eq!(find_rejected(&journal, "two").unwrap().unwrap().rejected.message, "no 2");
        assert_eq!(find_rejected(&journal, "nobody").unwrap(), None);
    }
}
