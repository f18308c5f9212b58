//! What the store's answer means for each event. Pure.
//!
//! A transaction is taken as a whole or not at all. Where a row is to blame the engine halves the batch until it stands
//! alone: the code names a table and a constraint and never a row, rows of one event belong together, and what is written
//! twice meanwhile is stored once.

use super::super::kit::answers;
use super::super::reply::words;
use super::super::{FailureKind, Reply};
use super::sqlstate::{Class, class, code_of};
use crate::policy::outcome::{Fault, Outcome, Reason};

/// Returns one outcome per event.
pub(super) fn judge(events: usize, reply: &Reply) -> Vec<Outcome> {
    let outcome = match reply {
        Reply::Failed(failure) if failure.kind == FailureKind::Store => of_words(&failure.message, events),
        other => answers::of_reply(other, events),
    };
    vec![outcome; events]
}

fn of_words(message: &str, events: usize) -> Outcome {
    let fault = |reason| Fault::new(reason, None, words(message));
    match code_of(message).map(class) {
        Some(Class::Passing(reason)) => Outcome::Transient(fault(reason)),
        Some(Class::Row) => answers::refused(fault(Reason::Rejected), events),
        Some(Class::Schema) => Outcome::Transient(fault(Reason::Schema)),
        Some(Class::Full) => Outcome::Transient(fault(Reason::Schema)),
        Some(Class::Repair(reason)) => Outcome::Broken(fault(reason)),
        None => Outcome::Transient(fault(Reason::Store)),
    }
}

/// Returns what it means for events that their tables could not be made as they need them.
pub(super) fn unchanged(fault: Fault) -> Outcome {
    match fault.reason {
        Reason::Unauthorized | Reason::Forbidden | Reason::NotFound | Reason::Dns | Reason::Tls => Outcome::Broken(fault),
        _ if matches!(code_of(&fault.answer).map(class), Some(Class::Repair(_))) => Outcome::Broken(fault),
        _ => Outcome::Transient(fault),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(message: &str, events: usize) -> Outcome {
        judge(events, &Reply::failed(FailureKind::Store, message)).remove(0)
    }

    #[test]
    fn a_stored_transaction_delivers_every_event() {
        let reply = Reply::stored(jiff::Timestamp::UNIX_EPOCH);
        assert_eq!(judge(3, &reply), vec![Outcome::Delivered; 3]);
    }

    #[test]
    fn a_row_is_searched_for_and_refused_when_it_stands_alone() {
        let message = "23514: new row violates check constraint (table `tracks`, constraint `positive`)";
        assert!(matches!(outcome(message, 2), Outcome::Suspect(_)));
        let Outcome::Refused(fault) = outcome(message, 1) else { panic!("not refused") };
        assert_eq!((fault.reason, fault.answer.as_str()), (Reason::Rejected, message));
    }

    #[test]
    fn what_passes_is_tried_again_and_what_must_be_repaired_holds() {
        for (message, reason) in [
            ("57P01: terminating connection due to administrator command", Reason::ServerError),
            ("57014: canceling statement due to statement timeout", Reason::Timeout),
            ("42P01: relation does not exist", Reason::Schema),
            ("something else", Reason::Store),
        ] {
            assert!(matches!(outcome(message, 2), Outcome::Transient(fault) if fault.reason == reason), "{message}");
        }
        for (message, reason) in [
            ("28P01: password authentication failed", Reason::Unauthorized),
            ("42501: permission denied", Reason::Forbidden),
            ("3D000: database \"x\" does not exist", Reason::NotFound),
        ] {
            assert!(matches!(outcome(message, 2), Outcome::Broken(fault) if fault.reason == reason), "{message}");
        }
    }

    #[test]
    fn a_change_that_somebody_must_allow_holds_and_one_that_passes_does_not() {
        let of = |reason, words: &str| unchanged(Fault::new(reason, None, words));
        assert!(matches!(of(Reason::Forbidden, "42501: no"), Outcome::Broken(_)));
        assert!(matches!(of(Reason::Store, "42P10: no unique constraint"), Outcome::Broken(_)));
        assert!(matches!(of(Reason::ServerError, "55P03: lock timeout"), Outcome::Transient(_)));
        assert!(matches!(of(Reason::Timeout, "no answer in time"), Outcome::Transient(_)));
    }
}
