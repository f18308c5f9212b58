//! Batches as requests: what goes together, what goes apart, what waits, and that nothing is missing or sent twice.

use std::collections::BTreeMap;

use bytes::Bytes;
use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::super::config::{Config, DIALECT};
use super::super::memory::Memory;
use super::super::propagation::{Heard, Pace};
use super::super::request::Rows;
use super::*;
use crate::spec::{Kind, Receipt};
use crate::warehouse::{ColumnType, Schema, SchemaDiff, UNMAPPED};

/// Everything that a plan needs.
pub(in super::super) struct Bed {
    pub(in super::super) rules: Rules,
    pub(in super::super) mapper: Mapper,
    pub(in super::super) memory: Memory,
    pub(in super::super) cell: SchemaCell,
    pub(in super::super) attempt: Attempt,
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_772_366_400 + second).unwrap()
}

pub(in super::super) fn bed() -> Bed {
    let config =
        Config { project_id: "acme".to_owned(), dataset: "analytics".to_owned(), ..Config::default() };
    let second = Duration::from_secs;
    let pace = Pace { settle: second(120), cold_after: second(30), recreate_hold: second(120) };
    let mut memory = Memory::new(pace, second(900));
    memory.propagation.look(&Arc::default(), at(0));
    Bed {
        rules: Rules::of(&config),
        mapper: Mapper::new(DIALECT, config.guards(), config.max_depth),
        memory,
        cell: SchemaCell::default(),
        attempt: Attempt { number: 1, first_at: at(7), at: at(7) },
    }
}

pub(in super::super) fn event(text: &str) -> Arc<Event> {
    let json: Json = serde_json::from_str(text).unwrap();
    let receipt = Receipt {
        kind: Kind::from_name(json["type"].as_str().unwrap()).unwrap(),
        received_at: at(0),
        timestamp: at(0),
        sent_at: None,
        message_id: None,
        source: "web".into(),
        ip: Some("203.0.113.7".parse().unwrap()),
        redelivery: None,
        signals: Default::default(),
    };
    Arc::new(Event::restore(Bytes::copy_from_slice(text.as_bytes()), receipt).unwrap())
}

fn track(id: &str, name: &str, properties: &Json) -> Arc<Event> {
    event(
        &json!({"type": "track", "messageId": id, "userId": "u", "event": name, "properties": properties})
            .to_string(),
    )
}

impl Bed {
    fn plan(&mut self, events: &[Arc<Event>]) -> Plan<Request> {
        let batch = (events, &self.attempt);
        plan(&self.rules, (&mut self.mapper, &mut self.memory), &self.cell, batch).0
    }

    /// Plans until the tables are there, which then count as settled.
    fn settled(&mut self, events: &[Arc<Event>]) -> Plan<Request> {
        for _ in 0..3 {
            let Some(needs) = self.plan(events).needs else { break };
            self.cell.store(Schema::clone(&self.cell.load()).with(&needs));
        }
        let pace = Pace {
            settle: Duration::ZERO,
            cold_after: Duration::from_secs(30),
            recreate_hold: Duration::ZERO,
        };
        self.memory = Memory::new(pace, Duration::from_secs(900));
        self.plan(events)
    }

    fn then(&mut self, second: i64) {
        self.attempt.at = at(second);
    }
}

fn rows(request: &Request) -> &Rows {
    match request {
        Request::Insert(rows) | Request::Load(rows) => rows,
        Request::Probe => panic!("a probe is never planned"),
    }
}

/// Table, lane and events of every request.
fn shape(plan: &Plan<Request>) -> Vec<(String, &'static str, Vec<usize>)> {
    let of = |planned: &super::super::super::Planned<Request>| {
        let lane = if matches!(planned.request, Request::Load(_)) { "load" } else { "insert" };
        (rows(&planned.request).table.clone(), lane, planned.events.clone())
    };
    plan.requests.iter().map(of).collect()
}

fn text(plan: &Plan<Request>) -> String {
    let of = |request: &Request| {
        let rows = rows(request);
        let text = std::str::from_utf8(&rows.text).unwrap();
        rows.rows
            .iter()
            .map(|row| format!("{} {}\n", rows.table, text.get(row.text.clone()).unwrap()))
            .collect::<String>()
    };
    plan.requests.iter().map(|planned| of(&planned.request)).collect()
}

#[test]
fn every_kind_of_event_becomes_rows() {
    let events = [
        r#"{"type":"track","messageId":"m1","userId":"u","event":"Order Completed","properties":{"total":12.5,"at":"2026-03-01T13:00:00+01:00","items":[{"sku":"a"}],"id":"mine"},"context":{"page":{"path":"/x"}}}"#,
        r#"{"type":"identify","messageId":"m2","userId":"u","traits":{"plan":"pro","age":42}}"#,
        r#"{"type":"page","messageId":"m3","anonymousId":"a","name":"Home","properties":{"path":"/"}}"#,
        r#"{"type":"screen","messageId":"m4","userId":"u","name":"Start"}"#,
        r#"{"type":"group","messageId":"m5","userId":"u","groupId":"g","traits":{"size":3}}"#,
        r#"{"type":"alias","messageId":"m6","userId":"u","previousId":"a"}"#,
    ]
    .map(event);
    let mut bed = bed();
    let plan = bed.settled(&events);
    insta::assert_snapshot!(text(&plan));
    let tables = bed.cell.load();
    assert!(!tables.tables.contains_key("users") && !tables.tables.contains_key("accounts"));
    assert_eq!(tables.tables["order_completed"].columns[UNMAPPED], ColumnType::Json);
}

#[test]
fn a_new_table_makes_its_rows_wait_and_lets_the_others_go() {
    let mut bed = bed();
    bed.settled(&[track("m0", "One", &json!({}))]);
    let plan = bed.plan(&[track("m1", "One", &json!({})), track("m2", "Two", &json!({}))]);
    let wanted = [("one".to_owned(), "insert", vec![0]), ("tracks".to_owned(), "insert", vec![0, 1])];
    assert_eq!(shape(&plan), wanted);
    let (index, wait, fault) = &plan.waiting[0];
    assert_eq!((*index, *wait, fault.reason), (1, Duration::from_millis(1_500), Reason::Schema));
    assert_eq!(fault.answer, "waits for the table `two`, which is being made");
    assert!(plan.needs.unwrap().create.contains_key("two"));
}

#[test]
fn a_row_that_is_in_is_left_out_when_its_event_is_planned_again() {
    let mut bed = bed();
    let events = [track("m1", "One", &json!({}))];
    bed.settled(&events);
    bed.memory.ledger.taken(event_mark(&events[0]), "tracks", 2);
    let plan = bed.plan(&events);
    assert_eq!(shape(&plan), [("one".to_owned(), "insert", vec![0])]);
    let mark = rows(&plan.requests[0].request).marks[0];
    assert_eq!(mark.of, 2, "both rows count, also the one that is in");
}

#[test]
fn an_event_whose_rows_are_all_in_and_that_comes_again_is_never_lost() {
    let mut bed = bed();
    let events = [track("m1", "One", &json!({}))];
    bed.settled(&events);
    let mark = event_mark(&events[0]);
    ["tracks", "one"].iter().for_each(|table| bed.memory.ledger.taken(mark, table, 3));
    assert_eq!(bed.plan(&events).waiting.len(), 1);
    assert_eq!(bed.plan(&events).requests.len(), 2);
}

#[test]
fn rows_with_a_young_column_go_apart_and_by_a_load_job_when_they_have_waited() {
    let mut bed = bed();
    let old = track("m1", "One", &json!({"a": 1}));
    let new = track("m2", "One", &json!({"a": 1, "b": 2}));
    bed.settled(std::slice::from_ref(&old));
    let events = [old, new];
    let needs = bed.plan(&events).needs.unwrap();
    bed.cell.store(Schema::clone(&bed.cell.load()).with(&needs));
    let plan = bed.plan(&events);
    let of_one = |plan: &Plan<Request>| {
        shape(plan)
            .into_iter()
            .filter(|(table, ..)| table == "one")
            .map(|(_, lane, events)| (lane, events))
            .collect::<Vec<_>>()
    };
    assert_eq!(of_one(&plan), [("insert", vec![0]), ("insert", vec![1])]);
    let young: Vec<_> = plan.requests.iter().map(|planned| rows(&planned.request).young.clone()).collect();
    assert_eq!(young, [vec![], vec!["b".to_owned()], vec![]]);
    let mark = event_mark(&events[1]);
    let row = bed.memory.ledger.row_mut(mark, "one");
    row.blame("b");
    bed.then(7 + 30);
    assert_eq!(of_one(&bed.plan(&events)), [("insert", vec![0]), ("load", vec![1])]);
    bed.then(7 + 31);
    assert_eq!(of_one(&bed.plan(&events)), [("insert", vec![0]), ("insert", vec![1])], "one job was enough");
}

#[test]
fn after_the_budget_the_value_goes_aside_and_the_row_goes_with_the_others() {
    let mut bed = bed();
    let events = [track("m1", "One", &json!({"b": 2}))];
    bed.settled(&events);
    let unknown = ["b".to_owned()];
    bed.memory.propagation.heard("one", Heard { any_taken: false, young: &[], unknown: &unknown }, at(7));
    let row = bed.memory.ledger.row_mut(event_mark(&events[0]), "one");
    row.waits(at(7));
    row.blame("b");
    bed.then(7 + 900);
    let plan = bed.plan(&events);
    assert!(text(&plan).contains(r#""_unmapped":"{\"b\":2}""#), "{}", text(&plan));
    assert!(plan.requests.iter().all(|planned| rows(&planned.request).young.is_empty()));
}

#[test]
fn a_table_that_may_not_be_made_refuses_its_row_and_the_others_go() {
    let mut bed = bed();
    bed.settled(&[track("m0", "One", &json!({}))]);
    bed.rules.makes_tables = false;
    bed.rules.changes_tables = false;
    bed.rules.is_strict = true;
    let events = [track("m1", "Two", &json!({"a": 1})), track("m2", "One", &json!({"new": true}))];
    let first = bed.plan(&events);
    assert_eq!(shape(&first), [("tracks".to_owned(), "insert", vec![0, 1])]);
    assert_eq!((first.waiting.len(), first.refused.len()), (2, 0), "their tables are read anew before");
    assert_eq!(bed.cell.take_doubts().into_iter().collect::<Vec<_>>(), ["one", "two"]);
    bed.then(7 + 3);
    let plan = bed.plan(&events);
    assert_eq!(shape(&plan), [("tracks".to_owned(), "insert", vec![0, 1])]);
    let reasons: Vec<_> = plan.refused.iter().map(|(index, fault)| (*index, fault.reason)).collect();
    assert_eq!(reasons, [(0, Reason::SchemaMissingTable), (1, Reason::SchemaMissingColumn)]);
    let ddl = |index: usize| plan.refused[index].1.place.clone().unwrap().ddl;
    assert!(ddl(0).starts_with("CREATE TABLE IF NOT EXISTS `acme.analytics.two` (\n  `id` STRING,"));
    assert_eq!(ddl(1), "ALTER TABLE `acme.analytics.one` ADD COLUMN IF NOT EXISTS `new` BOOL");
    assert!(plan.needs.is_none() && plan.waiting.is_empty());
}

#[test]
fn requests_hold_500_rows_and_5_mb_at_most() {
    let mut bed = bed();
    let many: Vec<_> = (0..1_001)
        .map(|id| event(&json!({"type": "page", "messageId": format!("m{id}"), "userId": "u"}).to_string()))
        .collect();
    let sizes: Vec<usize> = bed.settled(&many).requests.iter().map(|planned| planned.events.len()).collect();
    assert_eq!(sizes, [500, 500, 1]);
    let long = "x".repeat(1_000_000);
    let large: Vec<_> = (0..11).map(|id| event(&json!({"type": "page", "messageId": format!("l{id}"), "userId": "u", "properties": {"long": long}}).to_string())).collect();
    let plan = bed.settled(&large);
    let sizes: Vec<usize> = plan.requests.iter().map(|planned| planned.events.len()).collect();
    assert_eq!(sizes, [4, 4, 3]);
    assert!(plan.requests.iter().all(|planned| rows(&planned.request).text.len() <= 5_000_000));
}

#[test]
fn a_row_larger_than_a_row_may_be_refuses_its_event() {
    let mut bed = bed();
    let long = "x".repeat(10_000_001);
    let page = |id: &str, long: &str| {
        event(
            &json!({"type": "page", "messageId": id, "userId": "u", "properties": {"long": long}})
                .to_string(),
        )
    };
    let plan = bed.settled(&[page("m1", &long), page("m2", "short")]);
    assert_eq!((plan.refused[0].0, plan.refused[0].1.reason), (0, Reason::TooLarge));
    assert_eq!(shape(&plan), [("pages".to_owned(), "insert", vec![1])]);
    assert!(text(&plan).starts_with("pages {"));
}

#[test]
fn where_rows_are_loaded_only_a_table_is_loaded_every_two_minutes() {
    let mut bed = bed();
    bed.rules.write_method = WriteMethod::Load;
    let events = [track("m1", "One", &json!({}))];
    let plan = bed.settled(&events);
    assert_eq!(shape(&plan).iter().map(|(_, lane, _)| *lane).collect::<Vec<_>>(), ["load", "load"]);
    let again = bed.plan(&[track("m2", "One", &json!({}))]);
    assert_eq!((again.requests.len(), again.waiting[0].1), (0, Duration::from_secs(120)));
    bed.then(7 + 120);
    assert_eq!(bed.plan(&[track("m2", "One", &json!({}))]).requests.len(), 2);
}

#[test]
fn rows_carry_an_id_unless_that_is_switched_off() {
    let mut bed = bed();
    let events = [track("m1", "One", &json!({}))];
    let ids = |plan: &Plan<Request>| -> Vec<String> {
        plan.requests.iter().map(|planned| rows(&planned.request).rows[0].insert_id.clone()).collect()
    };
    let with = ids(&bed.settled(&events));
    assert!(with.iter().all(|id| id.len() == 32) && with[0] != with[1]);
    bed.rules.insert_id = false;
    let plan = bed.plan(&events);
    assert_eq!(ids(&plan), ["", ""]);
    assert!(plan.requests.iter().all(|planned| rows(&planned.request).job.is_empty()), "no job is to be named");
}

fn batch() -> impl Strategy<Value = Vec<Arc<Event>>> {
    let key = prop::sample::select(vec!["a", "b", "c", "userId"]);
    let value = prop::sample::select(vec![json!(1), json!(1.5), json!("x"), json!(true), json!([1])]);
    let properties = prop::collection::btree_map(key, value, 0..4);
    let name = prop::sample::select(vec!["One", "Two", "Three"]);
    prop::collection::vec((name, properties), 1..12).prop_map(|events| {
        let one = |(id, (name, properties)): (usize, (&str, BTreeMap<&str, Json>))| {
            track(&format!("m{id}"), name, &json!(properties))
        };
        events.into_iter().enumerate().map(one).collect()
    })
}

proptest! {
    /// However much of the schema is there: every event is in the plan, no row twice, and the same input gives the same
    /// bytes.
    #[test]
    fn no_event_is_missing_and_no_row_is_twice(before in batch(), events in batch(), rounds in 0_usize..3) {
        let mut bed = bed();
        for _ in 0..rounds {
            if let Some(needs) = bed.plan(&before).needs {
                bed.cell.store(Schema::clone(&bed.cell.load()).with(&needs));
            }
        }
        let (one, two) = (bed.plan(&events), bed.plan(&events));
        prop_assert_eq!(text(&one), text(&two));
        prop_assert_eq!(&one.waiting, &two.waiting);
        let mut in_table: BTreeMap<(usize, String), usize> = BTreeMap::new();
        for (table, _, events) in shape(&one) {
            prop_assert!(events.is_sorted());
            events.into_iter().for_each(|index| *in_table.entry((index, table.clone())).or_default() += 1);
        }
        prop_assert!(in_table.values().all(|count| *count == 1));
        for index in 0..events.len() {
            let sent = in_table.keys().filter(|(event, _)| *event == index).count();
            let waits = one.waiting.iter().any(|(event, ..)| *event == index);
            prop_assert!(waits || sent == 2, "{index}: {sent} rows");
        }
        prop_assert_eq!(one.needs.is_none(), one.waiting.is_empty());
    }

    /// Whatever is refused on the way: planned again and again, each row is taken exactly once.
    #[test]
    fn every_row_is_taken_exactly_once(events in batch(), fates in prop::collection::vec(any::<bool>(), 64)) {
        let mut bed = bed();
        let mut taken: BTreeMap<(String, String), usize> = BTreeMap::new();
        let mut fates = fates.into_iter().chain(std::iter::repeat(true));
        let mut open: Vec<Arc<Event>> = events.clone();
        for round in 0..200 {
            bed.then(7 + round);
            let plan = bed.plan(&open);
            if let Some(needs) = &plan.needs {
                bed.cell.store(Schema::clone(&bed.cell.load()).with(needs));
            }
            let mut undone: std::collections::BTreeSet<usize> = plan.waiting.iter().map(|(index, ..)| *index).collect();
            for planned in &plan.requests {
                let rows = rows(&planned.request);
                for (row, mark) in rows.rows.iter().zip(&rows.marks) {
                    if fates.next() == Some(true) {
                        *taken.entry((rows.table.clone(), insert_id_of(mark.event, &rows.table))).or_default() += 1;
                        bed.memory.ledger.taken(mark.event, &rows.table, mark.of);
                    } else {
                        undone.insert(planned.events[row.event]);
                    }
                }
            }
            open = open.into_iter().enumerate().filter(|(index, _)| undone.contains(index)).map(|(_, event)| event).collect();
            if open.is_empty() {
                break;
            }
        }
        prop_assert!(open.is_empty());
        prop_assert_eq!(taken.len(), 2 * events.len());
        prop_assert!(taken.values().all(|count| *count == 1));
    }
}

fn insert_id_of(event: u128, table: &str) -> String {
    super::super::row::insert_id(event, table)
}

#[test]
fn a_needed_change_names_no_table_that_is_closed() {
    let mut bed = bed();
    let closed = Closed { why: "Access Denied".to_owned(), wanted: SchemaDiff::default() };
    bed.cell.close(BTreeMap::from([("two".to_owned(), closed)]));
    let plan = bed.plan(&[track("m1", "Two", &json!({}))]);
    assert!(!plan.needs.unwrap().create.contains_key("two"));
    assert_eq!(plan.waiting.len(), 1, "the narrow row waits, so that nothing is decided yet");
    assert!(plan.refused.is_empty());
}

#[test]
fn what_may_not_be_streamed_is_loaded_as_if_the_settings_said_so() {
    let mut bed = bed();
    let events = [track("a", "One", &json!({}))];
    let plan = bed.settled(&events);
    assert!(plan.requests.iter().all(|planned| matches!(planned.request, Request::Insert(_))));
    bed.memory.only_loads = true;
    let plan = bed.plan(&events);
    assert_eq!(plan.requests.len(), 2);
    assert!(plan.requests.iter().all(|planned| matches!(planned.request, Request::Load(_))));
    bed.attempt.at = at(60);
    let plan = bed.plan(&[track("b", "One", &json!({}))]);
    assert_eq!((plan.requests.len(), plan.waiting.len()), (0, 1), "the next job is not due");
    let next = [track("c", "One", &json!({}))];
    bed.memory.ledger.row_mut(event_mark(&next[0]), "one").was_loaded();
    let plan = bed.plan(&next);
    assert_eq!((plan.requests.len(), plan.waiting.len()), (1, 1), "a row that a job had in vain does not wait for it");
}
