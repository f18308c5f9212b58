//! What the store's answer means for each event. Pure.

use serde::{Deserialize, Serialize};

use super::super::{Failure, FailureKind, Reply};
use super::plan::Request;
use super::trouble::Trouble;
use crate::policy::outcome::{Fault, Outcome, Reason};

/// Most bytes of the store's words in a fault.
const MAX_ANSWER: usize = 1_024;

/// The body of a 207: which rows were refused. The rest of the transaction is stored.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Partial {
    /// The refused rows.
    pub(super) rows: Vec<RefusedRow>,
}

/// One refused row.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct RefusedRow {
    /// Which event of the request.
    pub(super) event: usize,
    /// Which table refused it.
    pub(super) table: String,
    /// Why, in SQLite's words.
    pub(super) message: String,
}

/// Returns one outcome per event.
pub(super) fn judge(_: &Request, events: usize, reply: &Reply) -> Vec<Outcome> {
    match reply {
        Reply::Answer(answer) if answer.status == 200 => vec![Outcome::Delivered; events],
        Reply::Answer(answer) if answer.status == 207 => match serde_json::from_slice::<Partial>(&answer.body) {
            Ok(partial) => (0..events).map(|event| of_event(event, &partial)).collect(),
            Err(error) => vec![Outcome::Transient(bad_answer(&error.to_string())); events],
        },
        Reply::Answer(answer) => {
            let words = format!("unexpected status {}", answer.status);
            vec![Outcome::Transient(bad_answer(&words)); events]
        }
        Reply::Failed(failure) => vec![of_failure(failure); events],
    }
}

fn of_event(event: usize, partial: &Partial) -> Outcome {
    let refused: Vec<String> = partial
        .rows
        .iter()
        .filter(|row| row.event == event)
        .map(|row| format!("table `{}`: {}", row.table, row.message))
        .collect();
    match refused.is_empty() {
        true => Outcome::Delivered,
        false => Outcome::Refused(fault(Reason::Rejected, Some(207), &refused.join("; "))),
    }
}

fn of_failure(failure: &Failure) -> Outcome {
    let reason = match failure.kind {
        FailureKind::Timeout => Reason::Timeout,
        FailureKind::Store
        | FailureKind::Connection
        | FailureKind::Credentials
        | FailureKind::Dns
        | FailureKind::Tls
        | FailureKind::PrivateAddress => Reason::Store,
    };
    let fault = fault(reason, None, &failure.message);
    match Trouble::of_message(&failure.message).needs_repair() {
        true => Outcome::Broken(fault),
        false => Outcome::Transient(fault),
    }
}

fn bad_answer(words: &str) -> Fault {
    fault(Reason::BadAnswer, None, words)
}

fn fault(reason: Reason, status: Option<u16>, words: &str) -> Fault {
    let mut end = words.len().min(MAX_ANSWER);
    while !words.is_char_boundary(end) {
        end -= 1;
    }
    Fault { reason, status, answer: words.get(..end).unwrap_or_default().to_owned(), place: None }
}

#[cfg(test)]
mod tests {
    use super::super::super::Answer;
    use super::*;

    fn outcomes(reply: &Reply) -> Vec<Outcome> {
        judge(&Request::empty(), 3, reply)
    }

    fn answer(status: u16, body: &str) -> Reply {
        let body = bytes::Bytes::copy_from_slice(body.as_bytes());
        Reply::Answer(Answer { status, headers: Vec::new(), body, at: jiff::Timestamp::UNIX_EPOCH })
    }

    #[test]
    fn a_stored_transaction_delivers_every_event() {
        assert_eq!(outcomes(&answer(200, "")), vec![Outcome::Delivered; 3]);
    }

    #[test]
    fn a_refused_row_refuses_its_event_alone_and_names_the_table() {
        let body = r#"{"rows":[{"event":1,"table":"tracks","message":"string or blob too big"}]}"#;
        let outcomes = outcomes(&answer(207, body));
        assert_eq!((&outcomes[0], &outcomes[2]), (&Outcome::Delivered, &Outcome::Delivered));
        let Outcome::Refused(fault) = &outcomes[1] else { panic!("{outcomes:?}") };
        assert_eq!(fault.answer, "table `tracks`: string or blob too big");
    }

    #[test]
    fn trouble_that_passes_is_tried_again_and_the_rest_holds() {
        for (message, is_held) in [
            ("disk full: database or disk is full", false),
            ("locked: database is locked", false),
            ("file changed: replaced", false),
            ("corrupt: database disk image is malformed", true),
            ("not a database: file is not a database", true),
            ("not writable: attempt to write a readonly database", true),
            ("cannot open: unable to open database file", true),
            ("something else", false),
        ] {
            let outcomes = outcomes(&Reply::failed(FailureKind::Store, message));
            let held = outcomes.iter().all(|outcome| matches!(outcome, Outcome::Broken(_)));
            let retried = outcomes.iter().all(|outcome| matches!(outcome, Outcome::Transient(_)));
            assert_eq!((held, retried), (is_held, !is_held), "{message}");
        }
    }

    #[test]
    fn an_unreadable_answer_is_tried_again() {
        assert!(matches!(outcomes(&answer(207, "?"))[0], Outcome::Transient(_)));
        assert!(matches!(outcomes(&answer(500, ""))[0], Outcome::Transient(_)));
    }
}
