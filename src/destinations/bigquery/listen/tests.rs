use std::sync::Arc;

use serde_json::json;

use super::super::super::Answer;
use super::super::propagation::Pace;
use super::*;
use crate::policy::outcome::Reason;
use crate::warehouse::{ColumnType, Schema, Table};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_772_366_400 + second).unwrap()
}

/// A memory that has seen a table `t` with settled columns.
fn memory() -> Memory {
    let second = Duration::from_secs;
    let pace = Pace { settle: second(120), cold_after: second(30), recreate_hold: second(120) };
    let mut memory = Memory::new(pace, second(900));
    let columns = ["a", "b"].map(|name| (name.to_owned(), ColumnType::Int));
    let table = Table { columns: columns.into_iter().collect() };
    let tables = std::iter::once(("t".to_owned(), Arc::new(table)));
    memory.propagation.look(&Arc::new(Schema { tables: tables.collect() }), at(0));
    memory
}

/// Rows of events 0, 1, …, each the first of two rows of its event.
fn request(count: usize) -> Request {
    let row = |event| Row { event, text: 0..2, insert_id: String::new() };
    let mark = |event| Mark { event: event as u128, of: 2, has_unmapped: event == 1 };
    Request::Insert(Arc::new(Rows {
        table: "t".to_owned(),
        rows: (0..count).map(row).collect(),
        marks: (0..count).map(mark).collect(),
        ..Rows::default()
    }))
}

fn reply(status: u16, body: &serde_json::Value, second: i64) -> Reply {
    let body = bytes::Bytes::from(body.to_string());
    Reply::Answer(Answer { status, headers: Vec::new(), body, at: at(second) })
}

fn refusal(index: usize, message: &str, second: i64) -> Reply {
    let errors = json!([{ "reason": "invalid", "message": message, "location": "b", "debugInfo": "" }]);
    reply(200, &json!({ "insertErrors": [{ "index": index, "errors": errors }] }), second)
}

fn hear(memory: &mut Memory, count: usize, reply: &Reply) -> (Vec<Outcome>, Tally) {
    let names = Names { project: "p".to_owned(), dataset: "d".to_owned() };
    let terms = Terms { names: &names, makes_dataset: true };
    outcomes((&request(count), count), reply, memory, &terms)
}

fn wait(outcome: &Outcome) -> u64 {
    let Outcome::Deferred { wait, .. } = outcome else { panic!("{outcome:?}") };
    wait.as_secs()
}

#[test]
fn rows_that_are_in_are_remembered_while_their_event_is_not_done() {
    let mut memory = memory();
    let (outcomes, tally) = hear(&mut memory, 2, &reply(200, &json!({}), 1));
    assert_eq!(outcomes, vec![Outcome::Delivered; 2]);
    assert_eq!((tally.inserted, tally.unmapped), (1, 1));
    assert!(memory.ledger.row(0, "t").unwrap().is_in() && memory.ledger.row(1, "t").unwrap().is_in());
    assert!(memory.propagation.others_flow("u"));
}

#[test]
fn a_row_refused_for_a_column_waits_longer_each_time_and_then_goes_without_it() {
    let mut memory = memory();
    for (second, wanted) in [(10, 2), (12, 4), (16, 8)] {
        let (outcomes, tally) = hear(&mut memory, 2, &refusal(0, "no such field: b.", second));
        assert_eq!((wait(&outcomes[0]), &outcomes[1]), (wanted, &Outcome::Delivered));
        assert_eq!((tally.retried, tally.unmapped), (1, 1));
    }
    assert!(memory.propagation.is_young("t", "b"));
    assert!(memory.withheld(0, "t", at(909)).is_empty());
    assert!(memory.withheld(0, "t", at(910)).contains(&"b".to_owned()));
}

#[test]
fn a_row_that_is_refused_for_a_column_it_does_not_have_any_more_is_given_up_in_the_end() {
    let mut memory = memory();
    let (outcomes, _) = hear(&mut memory, 1, &refusal(0, "no such field: b.", 10));
    wait(&outcomes[0]);
    let (outcomes, _) = hear(&mut memory, 1, &refusal(0, "no such field: b.", 1_809));
    wait(&outcomes[0]);
    let (outcomes, tally) = hear(&mut memory, 1, &refusal(0, "no such field: b.", 1_810));
    assert!(
        matches!(&outcomes[0], Outcome::Refused(fault) if fault.reason == Reason::Schema),
        "{outcomes:?}"
    );
    assert_eq!(tally.dead, 1);
}

#[test]
fn a_value_that_its_column_refuses_twice_is_withheld() {
    let mut memory = memory();
    let words = "Cannot convert value to integer (bad value): x";
    for withheld in [&[][..], &["b".to_owned()]] {
        let (outcomes, _) = hear(&mut memory, 1, &refusal(0, words, 10));
        assert_eq!(wait(&outcomes[0]), 2);
        assert_eq!(memory.withheld(0, "t", at(11)), withheld);
    }
    let (outcomes, _) = hear(&mut memory, 1, &refusal(0, words, 14));
    assert!(matches!(&outcomes[0], Outcome::Refused(fault) if fault.answer.contains("`b`")), "{outcomes:?}");
}

#[test]
fn rows_whose_table_is_not_there_wait_and_the_table_counts_as_fresh() {
    let mut memory = memory();
    let body = json!({"error": {"code": 404, "message": "Not found: Table p:d.t", "errors": [{"reason": "notFound"}]}});
    let (outcomes, _) = hear(&mut memory, 2, &reply(404, &body, 5));
    assert_eq!(outcomes.iter().map(wait).collect::<Vec<_>>(), [2, 2]);
    assert!(!memory.propagation.is_settled("t"));
    assert_eq!(memory.ledger.row(1, "t").unwrap().waited(at(35)), Some(Duration::from_secs(30)));
}

#[test]
fn a_quota_is_left_alone_longer_each_time_until_rows_are_taken_again() {
    let mut memory = memory();
    let quota = json!({"error": {"code": 403, "message": "Quota exceeded: too many rows a second",
        "errors": [{"reason": "quotaExceeded"}]}});
    let waits: Vec<_> = [0, 30, 90, 210, 450, 930]
        .into_iter()
        .map(|second| match hear(&mut memory, 1, &reply(403, &quota, second)).0.remove(0) {
            Outcome::Throttled { wait, .. } => wait.unwrap().as_secs(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(waits, [30, 60, 120, 240, 480, 600]);
    hear(&mut memory, 1, &reply(200, &json!({}), 1530));
    assert!(!memory.circuits.is_open());
}

#[test]
fn the_first_row_that_a_project_without_billing_may_not_stream_sends_all_by_load_jobs() {
    let mut memory = memory();
    let body = json!({"error": {"code": 403, "message": "Streaming insert is not allowed in the free tier",
        "errors": [{"reason": "accessDenied"}]}});
    let (outcomes, _) = hear(&mut memory, 1, &reply(403, &body, 5));
    assert_eq!((wait(&outcomes[0]), memory.only_loads), (0, true));
}

#[test]
fn a_table_that_may_not_be_written_is_none_that_flows() {
    let mut memory = memory();
    hear(&mut memory, 1, &reply(200, &json!({}), 5));
    assert!(memory.propagation.others_flow("other"));
    let body = json!({"error": {"code": 403, "message": "Access Denied: Table p:d.t",
        "errors": [{"reason": "accessDenied"}]}});
    let (outcomes, _) = hear(&mut memory, 1, &reply(403, &body, 6));
    assert!(matches!(&outcomes[0], Outcome::Broken(_)), "no other flows: {outcomes:?}");
    assert!(!memory.propagation.others_flow("other"), "two tables that are denied do not excuse each other");
}

#[test]
fn rows_that_a_job_had_in_vain_are_overdue_and_streamed_ones_are_not() {
    let mut memory = memory();
    let names = Names { project: "p".to_owned(), dataset: "d".to_owned() };
    let terms = Terms { names: &names, makes_dataset: true };
    let Request::Insert(rows) = request(1) else { panic!("rows") };
    let body = json!({"error": {"code": 400, "message": "bad", "errors": [{"reason": "invalid"}]}});
    hear(&mut memory, 1, &reply(400, &body, 5));
    assert!(memory.ledger.row(0, "t").is_none());
    outcomes((&Request::Load(rows), 1), &reply(400, &body, 5), &mut memory, &terms);
    assert!(memory.ledger.row(0, "t").is_some_and(|row| row.is_overdue()));
}
