//! Properties of the whole way from events to rows: nothing is lost, nothing depends on order, nothing oscillates.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Map, Value as Json, json};

use super::*;
use crate::spec::{Event, Kind, Receipt};

mod sort;

const DIALECT: Dialect =
    Dialect { max_name: 63, reserved_tables: &["pg_"], timestamps: true, ..Dialect::PLAIN };

fn guards() -> Guards {
    Guards {
        on_type_conflict: OnTypeConflict::Widen,
        widen_to: WidenTo::Float64,
        max_columns_per_table: 40,
        max_new_columns_per_event: 8,
        max_tables: 10,
    }
}

fn event(id: usize, name: &str, properties: &str) -> Arc<Event> {
    let raw = format!(
        r#"{{"type":"track","messageId":"m{id}","userId":"u","event":{},"properties":{properties}}}"#,
        json!(name)
    );
    let at = Timestamp::from_microsecond(1_772_366_400_000_000).unwrap();
    let receipt = Receipt {
        kind: Kind::Track,
        received_at: at,
        timestamp: at,
        sent_at: None,
        message_id: None,
        source: "web".into(),
        ip: None,
        signals: Default::default(),
        redelivery: None,
    };
    Arc::new(Event::restore(Bytes::from(raw), receipt).unwrap())
}

/// Keeps the texts of all values, by event, table and column.
#[derive(Debug, Default, PartialEq, Eq)]
struct Seen(BTreeMap<(usize, String, String), String>);

impl Sink for Seen {
    fn rows(&mut self, index: usize, rows: Vec<FittedRow<'_>>) {
        for row in rows {
            let names: Vec<&String> = row.table.columns.keys().collect();
            for cell in &row.fit.cells {
                let mut text = String::new();
                cell.value.write_json(&mut text);
                self.0.insert((index, row.name.clone(), names[cell.index].clone()), text);
            }
            if row.fit.unmapped_index.is_some() {
                self.0.insert((index, row.name, UNMAPPED.to_owned()), row.fit.unmapped);
            }
        }
    }

    fn refuse(&mut self, _: usize, why: String) {
        panic!("{why}");
    }
}

/// Plans and changes the schema until nothing is lacking.
fn settle(events: &[Arc<Event>], mut schema: Schema) -> (Schema, Seen) {
    let mut mapper = Mapper::new(DIALECT, guards(), 3);
    for _ in 0..3 {
        let mut seen = Seen::default();
        let lacking = mapper.map(events, Arc::new(schema.clone()), &mut seen);
        if lacking.is_empty() {
            return (schema, seen);
        }
        schema = schema.with(&lacking);
    }
    panic!("a schema change was asked for again and again");
}

fn key() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "a",
        "A",
        "aB",
        "a_b",
        "b",
        "userId",
        "2x",
        "日本",
        "中",
        "a.b",
        "",
        "context_a",
        "long name with words",
    ])
    .prop_map(str::to_owned)
}

fn leaf() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "1",
        "-7",
        "1.5",
        "3.0",
        "9007199254740993",
        "123456789012345678901234567890",
        "true",
        "false",
        "\"x\"",
        "\"42\"",
        "\"042\"",
        "\"2026-03-01T12:00:00Z\"",
        "[1, {\"a\": 2}]",
        "null",
        "{}",
    ])
    .prop_map(str::to_owned)
}

fn object() -> impl Strategy<Value = String> {
    let object = |inner: BoxedStrategy<String>| {
        prop::collection::btree_map(key(), inner, 0..6).prop_map(|entries| {
            let entries: Vec<String> =
                entries.into_iter().map(|(key, value)| format!("{}:{value}", json!(key))).collect();
            format!("{{{}}}", entries.join(","))
        })
    };
    let flat = object(leaf().boxed());
    let nested = object(prop_oneof![3 => leaf(), 1 => flat].boxed());
    object(prop_oneof![3 => leaf(), 1 => nested].boxed())
}

fn batch() -> impl Strategy<Value = Vec<(String, String)>> {
    let name = prop::sample::select(vec!["One", "Two", "tracks"]).prop_map(str::to_owned);
    prop::collection::vec((name, object()), 1..6)
}

fn events(batch: &[(String, String)]) -> Vec<Arc<Event>> {
    batch.iter().enumerate().map(|(id, (name, properties))| event(id, name, properties)).collect()
}

/// Every leaf of an object, counted.
fn leaves(value: &Json) -> usize {
    match value {
        Json::Object(entries) => entries.values().map(leaves).sum(),
        Json::Null => 0,
        _ => 1,
    }
}

/// The same object with its keys the other way round, at every depth.
fn turned(value: &Json) -> Json {
    match value {
        Json::Object(entries) => {
            let turned = entries.iter().rev().map(|(key, value)| (key.clone(), turned(value)));
            Json::Object(turned.collect::<Map<_, _>>())
        }
        other => other.clone(),
    }
}

proptest! {
    #[test]
    fn a_schema_settles_and_never_shrinks(one in batch(), two in batch()) {
        let (before, _) = settle(&events(&one), Schema::default());
        let (after, _) = settle(&events(&two), before.clone());
        for (name, table) in &before.tables {
            let grown = &after.tables[name].columns;
            for (column, kind) in &table.columns {
                let now = grown[column];
                prop_assert!(now == *kind || (*kind == ColumnType::Int && now == ColumnType::Float));
            }
            prop_assert!(grown.len() <= 40);
        }
        prop_assert!(after.tables.len() <= 10);
    }

    #[test]
    fn the_order_of_events_in_a_batch_does_not_matter(batch in batch()) {
        let forwards = events(&batch);
        let backwards: Vec<_> = forwards.iter().rev().cloned().collect();
        let mut one = Mapper::new(DIALECT, guards(), 3);
        let mut two = Mapper::new(DIALECT, guards(), 3);
        let empty = Arc::new(Schema::default());
        prop_assert_eq!(
            one.map(&forwards, Arc::clone(&empty), &mut Seen::default()),
            two.map(&backwards, empty, &mut Seen::default())
        );
    }

    #[test]
    fn no_value_is_lost(batch in batch(), before in batch()) {
        let (schema, _) = settle(&events(&before), Schema::default());
        let (_, seen) = settle(&events(&batch), schema);
        for (index, (name, properties)) in batch.iter().enumerate() {
            // At a depth of three the test's objects are flattened completely.
            let value: Json = serde_json::from_str(properties).unwrap();
            let table = DIALECT.table(name);
            let standard = ["id", "user_id", "received_at", "timestamp", "uuid_ts", "event", "event_text"];
            let of_row = seen.0.iter().filter(|((event, in_table, column), _)| {
                *event == index && *in_table == table && !standard.contains(&column.as_str())
            });
            let kept: usize = of_row.map(|((_, _, column), text)| match column == UNMAPPED {
                true => serde_json::from_str::<BTreeMap<String, Box<serde_json::value::RawValue>>>(text).unwrap().len(),
                false => 1,
            }).sum();
            prop_assert_eq!(kept, leaves(&value), "{} {:?}", properties, seen);
        }
    }

    #[test]
    fn the_order_of_keys_does_not_matter(properties in object()) {
        let value: Json = serde_json::from_str(&properties).unwrap();
        let one = settle(&[event(0, "One", &value.to_string())], Schema::default());
        let two = settle(&[event(0, "One", &turned(&value).to_string())], Schema::default());
        prop_assert_eq!(one, two);
    }
}

#[test]
fn integers_beside_fractions_make_floats_unless_they_would_be_rounded() {
    let kind = |values: [&str; 2]| {
        let events = values.map(|value| format!("{{\"n\":{value}}}")).map(|text| event(0, "One", &text));
        settle(&events, Schema::default()).0.tables["one"].columns["n"]
    };
    assert_eq!(kind(["1", "1.5"]), ColumnType::Float);
    assert_eq!(kind(["1.5", "9007199254740993"]), ColumnType::Text);
    assert_eq!(kind(["1", "true"]), ColumnType::Text);
    assert_eq!(kind(["\"2026-03-01T12:00:00Z\"", "\"2026-03-01T12:00:00+01:00\""]), ColumnType::Timestamp);
    assert_eq!(kind(["\"2026-03-01T12:00:00Z\"", "\"soon\""]), ColumnType::Text);
}

#[test]
fn a_column_is_not_widened_when_an_integer_would_be_rounded() {
    let first = [event(0, "One", r#"{"n":1}"#)];
    let (schema, _) = settle(&first, Schema::default());
    let both = [event(1, "One", r#"{"n":1.5}"#), event(2, "One", r#"{"n":9007199254740993}"#)];
    let (kept, seen) = settle(&both, schema.clone());
    assert_eq!(kept.tables["one"].columns["n"], ColumnType::Int);
    assert_eq!(seen.0[&(0, "one".into(), UNMAPPED.into())], r#"{"n":1.5}"#);
    let (widened, _) = settle(&both[..1], schema);
    assert_eq!(widened.tables["one"].columns["n"], ColumnType::Float);
}
