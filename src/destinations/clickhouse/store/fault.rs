//! What ClickHouse's errors mean for a change of tables. Pure.

use super::super::super::reply::words;
use super::super::super::{Answer, Failure, FailureKind, Reply, SchemaFault};
use super::super::errors::{Kind, code, kind};
use super::super::taken;
use crate::policy::outcome::{Fault, Place, Reason};
use crate::warehouse::names::BUILT_IN_TABLES;

/// UNKNOWN_TABLE, and the older UNKNOWN_DATABASE beside it.
const NO_TABLE: u32 = 60;
const NO_DATABASE: u32 = 81;

/// Returns the number of the error that a reply is about.
fn code_of(reply: &Reply) -> Option<u32> {
    match reply {
        Reply::Answer(answer) => code(&String::from_utf8_lossy(&answer.body)),
        Reply::Failed(_) => None,
    }
}

/// Returns whether there is no such database.
pub(super) fn is_no_database(reply: &Reply) -> bool {
    code_of(reply) == Some(NO_DATABASE)
}

/// Returns whether there is no such table, or no database that it could be in.
pub(super) fn is_no_table(reply: &Reply) -> bool {
    matches!(code_of(reply), Some(NO_TABLE | NO_DATABASE))
}

/// Returns what a reply means. `ddl` would carry the change out by hand.
pub(super) fn of(reply: &Reply, table: &str, ddl: String) -> SchemaFault {
    let at = |mut fault: Fault| {
        if !table.is_empty() {
            fault.place = Some(Box::new(Place { table: table.to_owned(), ddl: ddl.clone() }));
        }
        fault
    };
    match reply {
        Reply::Failed(failure) => of_failure(failure, at),
        Reply::Answer(answer) => of_answer(answer, at),
    }
}

fn of_failure(failure: &Failure, at: impl Fn(Fault) -> Fault) -> SchemaFault {
    let fault = |reason| at(Fault::new(reason, None, words(&failure.message)));
    match failure.kind {
        FailureKind::Timeout => SchemaFault::Transient { wait: None, fault: fault(Reason::Timeout) },
        FailureKind::Dns => SchemaFault::Broken(fault(Reason::Dns)),
        FailureKind::Tls => SchemaFault::Broken(fault(Reason::Tls)),
        FailureKind::Connection | FailureKind::Store | FailureKind::Credentials | FailureKind::PrivateAddress => {
            SchemaFault::Transient { wait: None, fault: fault(Reason::Connection) }
        }
    }
}

fn of_answer(answer: &Answer, at: impl Fn(Fault) -> Fault) -> SchemaFault {
    let fault = |reason| at(Fault::new(reason, Some(answer.status), answer.words()));
    let later = |reason| SchemaFault::Transient { wait: answer.retry_after(), fault: fault(reason) };
    match code(&String::from_utf8_lossy(&answer.body)).map(kind) {
        Some(Kind::Credentials) => SchemaFault::Broken(fault(Reason::Unauthorized)),
        Some(Kind::Rights) => SchemaFault::Denied(fault(Reason::Forbidden)),
        Some(Kind::Language | Kind::Row) => SchemaFault::Denied(fault(Reason::Rejected)),
        Some(Kind::TooOften) => later(Reason::Throttled),
        Some(Kind::Schema) => later(Reason::Schema),
        Some(Kind::Later | Kind::TooManyParts | Kind::Memory) => later(Reason::ServerError),
        None if matches!(answer.status, 401 | 403) => SchemaFault::Broken(fault(Reason::Unauthorized)),
        None => later(Reason::BadAnswer),
    }
}

/// Returns what a name means that is taken by somebody else's table. Where every event needs it, all are held.
pub(super) fn of_taken(table: &str) -> SchemaFault {
    let place = Place { table: table.to_owned(), ddl: String::new() };
    let fault = Fault { place: Some(Box::new(place)), ..Fault::new(Reason::Schema, None, words(&taken::words(table))) };
    let denied = SchemaFault::Denied(fault);
    if BUILT_IN_TABLES.contains(&table) { holds(denied) } else { denied }
}

/// What would close one table holds everything: for a table without which events would die.
pub(super) fn holds(fault: SchemaFault) -> SchemaFault {
    match fault {
        SchemaFault::Denied(fault) => SchemaFault::Broken(fault),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::super::kit::testing::answered;
    use super::*;

    fn class(code: u32) -> &'static str {
        of(&answered(500, &[], &format!("Code: {code}. DB::Exception: said")), "t", "DDL".to_owned()).as_str()
    }

    #[test]
    fn what_is_denied_closes_one_table_and_holds_when_the_table_must_be_there() {
        assert_eq!((class(497), class(516), class(62)), ("denied", "broken", "denied"));
        assert_eq!((class(60), class(159), class(202), class(999)), ("transient", "transient", "transient", "transient"));
        let denied = of(&answered(403, &[], "Code: 497. DB::Exception: x"), "t", "DDL".to_owned());
        assert_eq!(denied.fault().place.as_ref().map(|place| place.ddl.as_str()), Some("DDL"));
        assert_eq!(holds(denied).as_str(), "broken");
        for code in [62, 115, 452] {
            let refused = answered(500, &[], &format!("Code: {code}. DB::Exception: x"));
            assert_eq!(holds(of(&refused, "t", String::new())).as_str(), "broken", "{code}");
        }
    }

    #[test]
    fn silence_passes_but_for_names_and_certificates() {
        for (kind, wanted) in
            [(FailureKind::Timeout, "transient"), (FailureKind::Connection, "transient"), (FailureKind::Dns, "broken")]
        {
            assert_eq!(of(&Reply::failed(kind, "x"), "t", String::new()).as_str(), wanted);
        }
    }

    #[test]
    fn a_missing_table_and_a_missing_database_are_told_apart() {
        let said = |code: u32| answered(404, &[], &format!("Code: {code}. DB::Exception: x"));
        assert_eq!((is_no_table(&said(60)), is_no_database(&said(60))), (true, false));
        assert_eq!((is_no_table(&said(81)), is_no_database(&said(81))), (true, true));
    }
}
