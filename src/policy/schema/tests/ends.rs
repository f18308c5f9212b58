//! How failures of the store end, for who asked and for the table.

use super::*;

fn transient(wait: Option<Duration>) -> SchemaFault {
    SchemaFault::Transient { wait, fault: fault("busy") }
}

#[test]
fn a_transient_fault_is_told_at_once_and_the_change_tried_again_with_growing_waits() {
    let mut bed = Bed::new(slow());
    let first = bed.need(add("t", &["a"]));
    bed.pass(SECOND);
    let gathered = bed.need(add("t", &["b"]));
    bed.end_one(Err(transient(Some(10 * SECOND))));
    assert_eq!((bed.answer(first), bed.answer(gathered)), (Some(Err("busy")), Some(Err("busy"))));
    let meanwhile = bed.need(add("t", &["c"]));
    assert_eq!(bed.answer(meanwhile), Some(Err("busy")), "nobody hangs until then");
    bed.pass(9 * SECOND);
    assert_eq!(bed.asked.len(), 1);
    bed.pass(SECOND);
    assert_eq!(bed.last(), &add("t", &["a", "b", "c"]));
    bed.end_one(Err(transient(Some(10 * SECOND))));
    bed.pass(19 * SECOND);
    assert_eq!(bed.asked.len(), 2);
    bed.pass(SECOND);
    let waits = bed.need(add("t", &["d"]));
    assert_eq!(bed.answer(waits), None, "it may work now");
    bed.end_one(Ok(()));
    bed.pass(SECOND);
    bed.end_one(Ok(()));
    assert_eq!(bed.answer(waits), Some(Ok(())));
}

#[test]
fn what_nobody_asks_for_any_more_is_given_up() {
    let mut bed = Bed::new(slow());
    bed.need(add("t", &["a"]));
    for _ in 0..5 {
        bed.pass(700 * SECOND);
        bed.end_one(Err(transient(None)));
    }
    bed.pass(3600 * SECOND);
    assert_eq!((bed.asked.len(), bed.due()), (5, None));
    let again = bed.need(add("t", &["a"]));
    bed.pass(SECOND);
    bed.end_one(Ok(()));
    assert_eq!(bed.answer(again), Some(Ok(())));
}

#[test]
fn a_denied_table_is_closed_for_a_while_and_asked_again_after_that() {
    let mut bed = Bed::new(slow());
    let asked = bed.need(add("t", &["a"]));
    bed.pass(SECOND);
    bed.end_one(Err(SchemaFault::Denied(fault("not allowed"))));
    assert_eq!(bed.answer(asked), Some(Err("not allowed")));
    assert_eq!(bed.closed["t"], Closed { why: "not allowed".to_owned(), wanted: add("t", &["a"]) });
    let meanwhile = bed.need(add("t", &["b"]));
    assert_eq!(bed.answer(meanwhile), Some(Err("not allowed")));
    assert_eq!(bed.closed["t"].wanted, add("t", &["a", "b"]), "all of it can be carried out by hand");
    let other = bed.need(add("u", &["b"]));
    bed.pass(SECOND);
    bed.end_one(Ok(()));
    assert_eq!(bed.answer(other), Some(Ok(())));
    bed.pass(597 * SECOND);
    assert_eq!(bed.asked.len(), 2);
    bed.pass(3 * SECOND);
    assert_eq!((bed.last(), bed.closed.len()), (&add("t", &["a", "b"]), 0));
    bed.end_one(Err(SchemaFault::Denied(fault("not allowed"))));
    assert_eq!(bed.closed.len(), 1);
}

#[test]
fn a_table_that_somebody_repaired_by_hand_is_open_again() {
    let mut bed = Bed::new(slow());
    bed.need(add("t", &["a"]));
    bed.pass(SECOND);
    bed.end_one(Err(SchemaFault::Denied(fault("not allowed"))));
    bed.schema = std::mem::take(&mut bed.schema).with(&add("t", &["a"]));
    bed.give(Input::Refresh(Some("t".to_owned())));
    bed.give(Input::Refreshed { table: Some("t".to_owned()), ok: true });
    assert!(bed.closed.is_empty());
}

#[test]
fn a_full_table_gets_no_more_columns_and_may_still_be_widened() {
    let mut bed = Bed::new(slow());
    bed.need(add("t", &["a"]).merge(widen("t", "id")));
    bed.pass(SECOND);
    bed.end_one(Err(SchemaFault::Full(fault("too many columns"))));
    assert_eq!(bed.last(), &widen("t", "id"));
    bed.end_one(Ok(()));
    bed.pass(3600 * SECOND);
    let more = bed.need(add("t", &["b"]));
    assert_eq!(bed.answer(more), Some(Err("too many columns")));
    assert_eq!((bed.asked.len(), bed.closed["t"].wanted.clone()), (2, add("t", &["a", "b"])));
}

#[test]
fn needs_that_waited_for_a_table_that_was_closed_are_told() {
    let mut bed = Bed::new(slow());
    bed.need(add("t", &["a"]));
    bed.pass(SECOND);
    let gathered = bed.need(add("t", &["b"]));
    bed.end_one(Err(SchemaFault::Denied(fault("not allowed"))));
    bed.pass(SECOND);
    assert_eq!((bed.answer(gathered), bed.asked.len()), (Some(Err("not allowed")), 1));
}

#[test]
fn a_store_of_no_use_is_told_to_all_and_tried_by_one_change_alone() {
    let mut bed = Bed::new(slow());
    let one = bed.need(add("t", &["a"]));
    bed.pass(SECOND);
    let other = bed.need(add("u", &["a"]));
    bed.end_one(Err(SchemaFault::Broken(fault("no such project"))));
    let late = bed.need(create("new"));
    for ticket in [one, other, late] {
        assert_eq!(bed.answer(ticket), Some(Err("no such project")));
    }
    bed.pass(4 * SECOND);
    assert_eq!(bed.asked.len(), 1);
    bed.pass(SECOND);
    assert_eq!(bed.open.len(), 1, "one change finds out");
    bed.end_one(Ok(()));
    assert_eq!(bed.open.len(), 2, "and then the others follow");
}
