//! Batches as requests of Segment's tables: what goes, what waits, and that a repetition is the same.

use super::super::super::kit::testing::{attempt, event, setting};
use super::super::super::{Attempt, Destination, Planned};
use super::super::config::{Config, TableLayout};
use super::super::{ClickHouse, Insert};
use super::*;
use crate::policy::outcome::Outcome;
use crate::warehouse::OnTypeConflict;

fn clickhouse(config: Config) -> ClickHouse {
    let config = Config { url: "http://localhost:8123".to_owned(), layout: TableLayout::Segment, ..config };
    ClickHouse::new(config, &setting("ch", false)).unwrap_or_else(|problems| panic!("{problems:?}")).0
}

/// Plans, after the tables that it asks for have come about.
fn ready(clickhouse: &ClickHouse, events: &[Arc<Event>], attempt: &Attempt) -> Plan<Request> {
    loop {
        let plan = clickhouse.plan(events, attempt);
        let Some(needs) = &plan.needs else { return plan };
        clickhouse.schema.change(|schema| schema.with(needs));
    }
}

fn inserts(plan: &Plan<Request>) -> Vec<(Arc<Insert>, Vec<usize>)> {
    let insert = |planned: &Planned<Request>| match &planned.request {
        Request::Insert(insert) => (Arc::clone(insert), planned.events.clone()),
        Request::Probe => panic!("a probe is not planned"),
    };
    plan.requests.iter().map(insert).collect()
}

fn track(id: &str, name: &str, properties: &str) -> Arc<Event> {
    event(&format!(
        r#"{{"type":"track","event":"{name}","userId":"u","messageId":"{id}","properties":{properties}}}"#
    ))
}

fn body(insert: &Insert) -> &str {
    std::str::from_utf8(&insert.body).unwrap()
}

#[test]
fn a_batch_is_one_insert_for_each_table_with_the_columns_that_have_values() {
    let clickhouse = clickhouse(Config::default());
    let events = [track("m1", "One", r#"{"a":1}"#), track("m2", "Two", r#"{"b":"x"}"#), track("m3", "One", r#"{"a":3}"#)];
    let plan = ready(&clickhouse, &events, &attempt(1));
    let inserts = inserts(&plan);
    let shape: Vec<(&str, usize, &[usize])> =
        inserts.iter().map(|(insert, events)| (insert.table.as_str(), insert.rows, events.as_slice())).collect();
    assert_eq!(shape, [("one", 2, &[0, 2][..]), ("tracks", 3, &[0, 1, 2]), ("two", 1, &[1])]);
    insta::assert_snapshot!(body(&inserts[0].0));
    assert_eq!(inserts[0].0.lines().iter().filter(|byte| **byte == b'\n').count(), 2);
}

#[test]
fn the_same_events_give_the_same_bytes_and_token_whenever_they_are_planned() {
    let clickhouse = clickhouse(Config::default());
    let events = [track("m1", "One", r#"{"a":1}"#), track("m2", "One", r#"{"b":"x"}"#)];
    let first = inserts(&ready(&clickhouse, &events, &attempt(1)));
    let again = inserts(&ready(&clickhouse, &events, &attempt(7)));
    for ((first, _), (again, _)) in first.iter().zip(&again) {
        assert_eq!((&first.body, &first.token), (&again.body, &again.token));
    }
    // Another table, other events and another order are other blocks.
    let token = |events: &[Arc<Event>]| inserts(&ready(&clickhouse, events, &attempt(1)))[0].0.token.clone();
    let [one, two] = events.clone();
    let tokens = [first[0].0.token.clone(), first[1].0.token.clone(), token(&[Arc::clone(&two), one]), token(&[two])];
    let mut different = tokens.to_vec();
    different.sort();
    different.dedup();
    assert_eq!(different.len(), tokens.len());
    assert_eq!(tokens[0].len(), 64);
}

#[test]
fn an_event_that_waits_for_one_table_keeps_its_other_row_back() {
    let clickhouse = clickhouse(Config::default());
    ready(&clickhouse, &[track("m1", "One", "{}")], &attempt(1));
    let plan = clickhouse.plan(&[track("m2", "Two", "{}"), track("m3", "One", "{}")], &attempt(1));
    let sent: Vec<Vec<usize>> = inserts(&plan).into_iter().map(|(_, events)| events).collect();
    assert_eq!(sent, [[1], [1]]);
    assert_eq!(plan.waiting.iter().map(|(index, _, _)| *index).collect::<Vec<_>>(), [0]);
    assert_eq!(plan.waiting[0].2.answer, "waits for the table `two`, which is being made");
    assert!(plan.needs.unwrap().create.contains_key("two"));
}

#[test]
fn a_value_that_must_not_be_kept_aside_refuses_the_whole_event() {
    let reject = Config { on_type_conflict: OnTypeConflict::Reject, ..Config::default() };
    let clickhouse = clickhouse(reject);
    ready(&clickhouse, &[track("m1", "One", r#"{"n":1}"#)], &attempt(1));
    let plan = ready(&clickhouse, &[track("m2", "One", r#"{"n":"x"}"#)], &attempt(1));
    assert!(plan.requests.is_empty() && plan.waiting.is_empty());
    assert_eq!(plan.refused[0].1.reason, Reason::Unmappable);
}

#[test]
fn a_table_that_may_not_be_made_says_what_would_make_it() {
    let clickhouse = clickhouse(Config::default());
    ready(&clickhouse, &[track("m1", "One", "{}")], &attempt(1));
    let closed = Closed { why: "not granted".to_owned(), wanted: Default::default() };
    clickhouse.schema.close(["one", "two"].map(|table| (table.to_owned(), closed.clone())).into());
    let plan = clickhouse.plan(&[track("m2", "Two", "{}"), track("m3", "One", r#"{"new":1}"#)], &attempt(1));
    let (index, fault) = &plan.refused[0];
    assert_eq!((*index, fault.reason), (0, Reason::SchemaMissingTable));
    assert_eq!(fault.answer, "there is no table `two`, and none may be made: not granted");
    assert!(fault.place.as_ref().unwrap().ddl.starts_with("CREATE TABLE IF NOT EXISTS `opentrack`.`two`"));
    // A column that may not be added costs the column alone.
    let inserts = inserts(&plan);
    assert!(body(&inserts[0].0).contains(r#""_unmapped":"{\"new\":1}""#), "{}", body(&inserts[0].0));
}

#[test]
fn instants_that_no_column_holds_are_kept_aside_and_noted() {
    let clickhouse = clickhouse(Config::default());
    ready(&clickhouse, &[track("m1", "One", r#"{"at":"2026-01-01T00:00:00Z"}"#)], &attempt(1));
    let events = [track("m2", "One", r#"{"at":"2999-01-01T00:00:00Z","id":7}"#)];
    let plan = ready(&clickhouse, &events, &attempt(1));
    let inserts = inserts(&plan);
    let kept = r#""_unmapped":"{\"id\":7,\"at\":\"2999-01-01T00:00:00Z\"}""#;
    assert!(body(&inserts[0].0).contains(kept), "{}", body(&inserts[0].0));
    assert_eq!(clickhouse.schema.conflicts().all().count(), 1);
}

#[test]
fn a_block_has_rows_of_fifty_months_at_most() {
    let clickhouse = clickhouse(Config::default());
    let events: Vec<Arc<Event>> = (0..120)
        .map(|n| {
            let one = track(&format!("m{n}"), "One", "{}");
            let mut receipt = one.receipt.clone();
            receipt.timestamp = format!("{}-{:02}-05T00:00:00Z", 2010 + n / 12, n % 12 + 1).parse().unwrap();
            Arc::new(Event::restore(one.raw.clone(), receipt).unwrap())
        })
        .collect();
    let plan = ready(&clickhouse, &events, &attempt(1));
    let rows: Vec<usize> = inserts(&plan).iter().map(|(insert, _)| insert.rows).collect();
    assert_eq!(rows, [50, 50, 20, 50, 50, 20]);
}

#[test]
fn no_event_is_judged_by_the_answer_to_another_request() {
    let clickhouse = clickhouse(Config::default());
    let plan = ready(&clickhouse, &[track("m1", "One", "{}")], &attempt(1));
    let reply = super::super::super::kit::testing::answered(200, &[], "");
    let outcomes: Vec<Vec<Outcome>> = plan
        .requests
        .iter()
        .map(|planned| clickhouse.judge(&planned.request, planned.events.len(), &reply))
        .collect();
    assert_eq!(outcomes, [[Outcome::Delivered], [Outcome::Delivered]]);
}
