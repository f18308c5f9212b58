use std::collections::BTreeMap;

use super::super::plan::tests::{bed, event};
use super::*;
use crate::policy::outcome::Reason;
use crate::warehouse::Schema;

const FULL: &str = r#"{"type":"track","messageId":"m1","userId":"u1","anonymousId":"a1","event":"Order Completed","properties":{"total":12.50,"big":123456789012345678901234567890},"context":{"page":{"path":"/x"}}}"#;
const BARE: &str = r#"{"type":"page","messageId":"m2","anonymousId":"a1","name":"Home"}"#;

fn flat() -> Flat {
    Flat { table: "events".to_owned(), extras: false }
}

fn columns(all: &[(&str, ColumnType)]) -> Vec<Column> {
    all.iter().map(|(name, kind)| Column { name: (*name).to_owned(), column_type: *kind }).collect()
}

fn planned(
    flat: &Flat,
    table: Option<Vec<Column>>,
    rules: &dyn Fn(&mut Rules),
    events: &[&str],
) -> Plan<Request> {
    let mut bed = bed();
    rules(&mut bed.rules);
    let create = table.map(|columns| BTreeMap::from([(flat.table.clone(), columns)]));
    let diff = SchemaDiff { create: create.unwrap_or_default(), ..SchemaDiff::default() };
    bed.cell.store(Schema::default().with(&diff));
    let events: Vec<_> = events.iter().map(|text| event(text)).collect();
    let mut attempt = bed.attempt;
    // What is lacking is refused after another look at the table alone.
    plan(flat, (&bed.rules, &mut bed.memory), &bed.cell, (&events, &attempt));
    attempt.at = attempt.at.checked_add(std::time::Duration::from_secs(3)).unwrap();
    plan(flat, (&bed.rules, &mut bed.memory), &bed.cell, (&events, &attempt)).0
}

fn texts(plan: &Plan<Request>) -> String {
    let of = |request: &Request| match request {
        Request::Insert(rows) | Request::Load(rows) => String::from_utf8(rows.text.to_vec()).unwrap(),
        Request::Probe => String::new(),
    };
    plan.requests.iter().map(|planned| of(&planned.request)).collect()
}

#[test]
fn a_flat_table_gets_every_object_as_text_and_an_empty_one_where_there_is_none() {
    let plan = planned(&flat(), Some(flat().columns()), &|_| {}, &[FULL, BARE]);
    insta::assert_snapshot!(texts(&plan), @r#"
    {"message_id":"m1","timestamp":"2026-03-01T12:00:00.000000Z","type":"track","user_id":"u1","anonymous_id":"a1","event":"Order Completed","properties":"{\"total\":12.50,\"big\":123456789012345678901234567890}","context":"{\"ip\":\"203.0.113.7\",\"page\":{\"path\":\"/x\"}}","traits":"{}"}
    {"message_id":"m2","timestamp":"2026-03-01T12:00:00.000000Z","type":"page","anonymous_id":"a1","properties":"{}","context":"{\"ip\":\"203.0.113.7\"}","traits":"{}"}
    "#);
}

#[test]
fn a_table_of_the_users_own_is_filled_as_far_as_it_goes() {
    let mut own = flat().columns();
    own.iter_mut()
        .filter(|column| column.name == "properties")
        .for_each(|it| it.column_type = ColumnType::Json);
    own.extend(columns(&[
        ("received_at", ColumnType::Timestamp),
        ("name", ColumnType::Text),
        ("loaded_at", ColumnType::Timestamp),
        ("other", ColumnType::Other),
    ]));
    let plan = planned(&flat(), Some(own), &|_| {}, &[BARE]);
    insta::assert_snapshot!(texts(&plan), @r#"{"message_id":"m2","timestamp":"2026-03-01T12:00:00.000000Z","type":"page","anonymous_id":"a1","properties":"{}","context":"{\"ip\":\"203.0.113.7\"}","traits":"{}","received_at":"2026-03-01T12:00:00.000000Z","name":"Home","loaded_at":"2026-03-01T12:00:07.000000Z"}"#);
}

#[test]
fn a_missing_table_is_made_with_exactly_the_columns_of_the_system_that_it_replaces() {
    let plan = planned(&flat(), None, &|_| {}, &[FULL]);
    assert_eq!(plan.needs.unwrap().create["events"], columns(&COLUMNS));
    assert_eq!(plan.waiting.len(), 1);
    let extras = Flat { extras: true, ..flat() };
    assert_eq!(extras.columns().len(), COLUMNS.len() + 2);
}

#[test]
fn a_missing_table_that_may_not_be_made_refuses_with_the_statement_that_makes_it() {
    let plan = planned(&flat(), None, &|rules| rules.makes_tables = false, &[FULL]);
    let (_, fault) = &plan.refused[0];
    assert_eq!((fault.reason, plan.needs.is_none()), (Reason::SchemaMissingTable, true));
    assert!(
        fault.place.as_ref().unwrap().ddl.starts_with("CREATE TABLE IF NOT EXISTS `acme.analytics.events`")
    );
}

#[test]
fn a_value_without_a_column_refuses_its_event_and_an_empty_one_does_not() {
    let own: Vec<Column> =
        flat().columns().into_iter().filter(|column| column.name != "properties").collect();
    let plan = planned(&flat(), Some(own), &|_| {}, &[FULL, BARE]);
    let (index, fault) = &plan.refused[0];
    assert_eq!((*index, fault.reason, plan.needs.is_none()), (0, Reason::SchemaMissingColumn, true));
    assert_eq!(
        fault.place.as_ref().unwrap().ddl,
        "ALTER TABLE `acme.analytics.events` ADD COLUMN IF NOT EXISTS `properties` STRING"
    );
    assert_eq!(plan.requests[0].events, [1]);
}

#[test]
fn a_value_without_a_column_goes_aside_where_there_is_a_place_for_it() {
    let mut own: Vec<Column> = flat().columns().into_iter().filter(|column| column.name != "event").collect();
    own.push(unmapped());
    let plan = planned(&flat(), Some(own.clone()), &|_| {}, &[FULL]);
    assert!(texts(&plan).contains(r#""_unmapped":"{\"event\":\"Order Completed\"}""#), "{}", texts(&plan));
    let plan = planned(&flat(), Some(own), &|rules| rules.is_strict = true, &[FULL]);
    assert_eq!(plan.refused[0].1.reason, Reason::SchemaMissingColumn);
}
