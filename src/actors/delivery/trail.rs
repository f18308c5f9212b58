//! What one attempt came to, as notes: equal outcomes of its requests together, so that a delivered batch is one note.

use std::ops::Range;
use std::time::Duration;

use jiff::Timestamp;

use super::sending::{class, fault_of};
use crate::journal::attempts::{self, Attempt, Matter, Note, Word};
use crate::policy::outcome::{Fault, Outcome};
use crate::telemetry::AttemptClass;

/// What is noted of a request after which an event waits for something of ours. No class of the metrics: it says nothing
/// about the other side.
const DEFERRED: &str = "deferred";

/// The outcomes of one attempt.
#[derive(Debug, Default)]
pub(super) struct Trail(Vec<Tried>);

/// When something was tried and how long it took.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    /// When it began.
    pub(super) at: Timestamp,
    /// How long the other side took; `None` when nothing was sent.
    pub(super) took: Option<Duration>,
    /// What the other side's answer said, where it was one.
    pub(super) status: Option<u16>,
}

impl Span {
    /// Nothing went over the wire.
    pub(super) fn unsent(at: Timestamp) -> Span {
        Span { at, took: None, status: None }
    }
}

/// One outcome and the events that had it.
#[derive(Debug)]
struct Tried {
    span: Span,
    outcome: Outcome,
    ranges: Vec<Range<u64>>,
}

impl Trail {
    /// Takes note of one event's outcome. Requests of one event each are not told apart: the first one's time and the
    /// longest one's duration stand for all.
    pub(super) fn add(&mut self, span: Span, position: u64, outcome: &Outcome) {
        let same = |tried: &&mut Tried| is_same(&tried.outcome, outcome) && tried.span.status == span.status;
        match self.0.iter_mut().rev().find(same) {
            Some(tried) => {
                tried.span.took = tried.span.took.max(span.took);
                attempts::push(&mut tried.ranges, position);
            }
            None => {
                let mut ranges = Vec::new();
                attempts::push(&mut ranges, position);
                self.0.push(Tried { span, outcome: outcome.clone(), ranges });
            }
        }
    }

    /// Returns one note for each outcome.
    pub(super) fn into_notes(self, destination: &str) -> impl Iterator<Item = Note> {
        self.0.into_iter().map(move |tried| {
            let matter = Matter::Attempt(attempt(&tried));
            let ranges = attempts::tidy(tried.ranges);
            Note { destination: destination.to_owned(), ranges, at: tried.span.at, matter }
        })
    }
}

/// How long each event waits makes no difference to what is told.
fn is_same(one: &Outcome, other: &Outcome) -> bool {
    match (one, other) {
        (Outcome::Deferred { fault: one, .. }, Outcome::Deferred { fault: other, .. }) => one == other,
        _ => one == other,
    }
}

fn word(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Deferred { .. } => DEFERRED,
        _ => class(outcome).unwrap_or(AttemptClass::Delivered).as_str(),
    }
}

fn attempt(tried: &Tried) -> Attempt {
    let fault: Option<&Fault> = fault_of(&tried.outcome);
    Attempt {
        class: Word::Borrowed(word(&tried.outcome)),
        status: fault.map_or(tried.span.status, |fault| fault.status),
        reason: fault.map(|fault| Word::Borrowed(fault.reason.as_str())),
        answer: fault.map(|fault| attempts::cut(&fault.answer).to_owned()).unwrap_or_default(),
        table: fault.and_then(|fault| fault.place.as_ref()).map(|place| place.table.clone()),
        latency_ms: tried.span.took.map(|took| u64::try_from(took.as_millis()).unwrap_or(u64::MAX)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::fixtures::at;
    use crate::policy::outcome::Reason;

    #[test]
    fn equal_outcomes_of_one_attempt_are_one_note_whatever_their_order() {
        let span =
            |ms, status| Span { at: at(0), took: Some(Duration::from_millis(ms)), status: Some(status) };
        let fault = Fault {
            reason: Reason::Rejected,
            status: Some(422),
            answer: "no \u{fc}".repeat(1000),
            place: None,
        };
        let mut trail = Trail::default();
        for position in [5, 6, 7, 1, 2] {
            trail.add(span(10 + position, 200), position, &Outcome::Delivered);
        }
        trail.add(span(1, 200), 4, &Outcome::Refused(fault.clone()));
        trail.add(span(1, 202), 9, &Outcome::Delivered);
        trail.add(span(30, 200), 3, &Outcome::Refused(fault));
        let notes: Vec<Note> = trail.into_notes("a").collect();
        let told = notes.iter().map(|note| match &note.matter {
            Matter::Attempt(one) => (
                &*one.class,
                one.status,
                one.latency_ms,
                one.answer.len() > 1000,
                format!("{:?}", note.ranges),
            ),
            Matter::Fate { .. } => panic!("{note:?}"),
        });
        let expected = [
            ("delivered", Some(200), Some(17), false, "[1..3, 5..8]"),
            ("refused", Some(422), Some(30), true, "[3..5]"),
            ("delivered", Some(202), Some(1), false, "[9..10]"),
        ];
        let expected = expected
            .map(|(class, status, ms, is_long, ranges)| (class, status, ms, is_long, ranges.to_owned()));
        assert_eq!(told.collect::<Vec<_>>(), expected);
        assert!(notes.iter().all(|note| note.destination == "a"));
    }
}
