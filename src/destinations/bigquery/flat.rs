//! The flat layout: one table for all events, with their objects as JSON text. Pure.
//!
//! The table may be the user's own: columns that it has beyond ours are filled where an event has a value for them, and
//! columns of JSON take JSON. Its columns are never changed, so nothing has to propagate: a value that has no column makes
//! its event wait for the user, or goes to `_unmapped`.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use super::super::{Attempt, Plan, SchemaCell};
use super::memory::Memory;
use super::plan::{Builder, Clashes, Rules};
use super::request::Request;
use crate::spec::{Event, Kind};
use crate::warehouse::flatten::each_key;
use crate::warehouse::time::Precision;
use crate::warehouse::value::write_json_string;
use crate::warehouse::{
    Column, ColumnType, Fit, Fitted, FittedRow, Lack, RowSink, SchemaDiff, Table, UNMAPPED, Unfit, Value,
    Why, Write, casts,
};

/// What a flat table is made with, as in the system that this one replaces.
const COLUMNS: [(&str, ColumnType); 9] = [
    ("message_id", ColumnType::Text),
    ("timestamp", ColumnType::Timestamp),
    ("type", ColumnType::Text),
    ("user_id", ColumnType::Text),
    ("anonymous_id", ColumnType::Text),
    ("event", ColumnType::Text),
    ("properties", ColumnType::Text),
    ("context", ColumnType::Text),
    ("traits", ColumnType::Text),
];

/// What it is made with beside, where that is asked for.
const EXTRAS: [&str; 2] = ["received_at", "sent_at"];

/// Which table, and what it is made with.
#[derive(Debug, Clone)]
pub(super) struct Flat {
    /// Its name.
    pub(super) table: String,
    /// Whether it is made with times of arrival and sending.
    pub(super) extras: bool,
}

/// A column that an event may fill.
struct Filled<'a> {
    name: &'static str,
    value: Option<Value<'a>>,
    /// Whether its value is lost when the table has no such column.
    is_needed: bool,
}

/// Maps a batch to rows of the one table.
pub(super) fn plan(
    flat: &Flat,
    (rules, memory): (&Rules, &mut Memory),
    cell: &SchemaCell,
    (events, attempt): (&[Arc<Event>], &Attempt),
) -> (Plan<Request>, Vec<Clashes>) {
    let (schema, closed) = (cell.load(), cell.closed());
    memory.look(&schema, attempt.at);
    let table = schema.tables.get(&flat.table);
    let is_made = table.is_none() && rules.makes_tables && !closed.contains_key(&flat.table);
    let mut builder = Builder::new(rules, memory, (cell, &closed), (events, attempt));
    for (index, event) in events.iter().enumerate() {
        match table {
            None if is_made => builder.wait(index, Lack { table: flat.table.clone(), columns: Vec::new() }),
            None => builder.refuse(index, unfit(flat, Why::NoTable(flat.columns()))),
            Some(_) if builder.is_written(index, &flat.table) => {}
            Some(table) => row(flat, &mut builder, table, (index, event)),
        }
    }
    let (mut plan, clashes) = builder.finish();
    if is_made && !events.is_empty() {
        let create = std::iter::once((flat.table.clone(), flat.columns())).collect();
        plan.needs = Some(SchemaDiff { create, ..SchemaDiff::default() });
    }
    (plan, clashes)
}

impl Flat {
    /// Returns the columns that the table is made with.
    pub(super) fn columns(&self) -> Vec<Column> {
        let extras = EXTRAS.into_iter().filter(|_| self.extras).map(|name| (name, ColumnType::Timestamp));
        let all = COLUMNS.into_iter().chain(extras);
        all.map(|(name, column_type)| Column { name: name.to_owned(), column_type }).collect()
    }
}

fn unfit(flat: &Flat, why: Why) -> Unfit {
    Unfit { table: flat.table.clone(), why }
}

fn row(flat: &Flat, builder: &mut Builder<'_>, table: &Arc<Table>, (index, event): (usize, &Event)) {
    let withheld = builder.withheld(index, &flat.table);
    let mut fit = Fit::default();
    let (mut kept, mut missing) = (Vec::new(), Vec::new());
    for Filled { name, value, is_needed } in filled(event) {
        let Some(value) = value else { continue };
        let slot = table.columns.iter().position(|(column, _)| column == name);
        let slot = slot.zip(table.columns.get(name).copied());
        match slot.filter(|_| !withheld.iter().any(|column| column == name)) {
            Some((place, kind)) if casts(&value, kind) => {
                fit.cells.push(Fitted { index: place, column_type: kind, value })
            }
            None if slot.is_none() && !is_needed => {}
            there => {
                if there.is_none() && slot.is_none() {
                    missing.push(column(name));
                }
                kept.push((name, value));
            }
        }
    }
    let place = table.columns.keys().position(|column| column == UNMAPPED);
    if !kept.is_empty() && (place.is_none() || (builder.is_strict() && !missing.is_empty())) {
        let lacking = if missing.is_empty() { vec![unmapped()] } else { missing };
        return builder.refuse(index, unfit(flat, Why::NoColumns(lacking)));
    }
    if !kept.is_empty() {
        fit.unmapped = kept_json(&kept);
        fit.unmapped_index = place;
    }
    let (name, table) = (flat.table.clone(), Arc::clone(table));
    builder.row(index, FittedRow { name, table, write: Write::Insert, fit });
}

fn column(name: &str) -> Column {
    let kind =
        COLUMNS.iter().find(|(known, _)| *known == name).map_or(ColumnType::Timestamp, |(_, kind)| *kind);
    Column { name: name.to_owned(), column_type: kind }
}

fn unmapped() -> Column {
    Column { name: UNMAPPED.to_owned(), column_type: ColumnType::Json }
}

/// The objects of an event as their own text, so that every digit stays.
#[derive(Default)]
struct Objects<'a> {
    properties: Option<&'a str>,
    context: Option<&'a str>,
    traits: Option<&'a str>,
}

impl<'a> Objects<'a> {
    fn of(event: &'a Event) -> Objects<'a> {
        let mut objects = Objects::default();
        let raw = std::str::from_utf8(&event.raw).unwrap_or_default();
        each_key(raw, |key, value| match &*key {
            "properties" => objects.properties = Some(value),
            "context" => objects.context = Some(value),
            "traits" => objects.traits = Some(value),
            _ => {}
        });
        objects
    }

    /// Returns the context, with the address that only the server knows.
    fn context(&self, event: &Event) -> Option<Value<'a>> {
        let context = self.context.and_then(Value::from_json);
        let own = self.context.and_then(|raw| member(raw, "ip"));
        let Some(address) = event.receipt.ip.filter(|_| own.is_none()) else { return context };
        let mut text = String::new();
        context.iter().for_each(|context| context.write_json(&mut text));
        let rest = text.strip_prefix('{').map_or("}".to_owned(), |rest| format!(",{rest}"));
        Some(Value::Json(format!("{{\"ip\":\"{address}\"{rest}").into()))
    }

    /// Returns the traits, or those that some libraries put into the context alone.
    fn traits(&self) -> Option<Value<'a>> {
        let own = self.traits.and_then(Value::from_json);
        own.or_else(|| Value::from_json(member(self.context?, "traits")?))
    }
}

fn member<'a>(raw: &'a str, wanted: &str) -> Option<&'a str> {
    let mut found = None;
    each_key(raw, |key, value| {
        if key == wanted {
            found = Some(value);
        }
    });
    found
}

/// Everything of an event that a flat table may have a column for.
fn filled(event: &Event) -> Vec<Filled<'_>> {
    let (head, receipt) = (&event.head, &event.receipt);
    let text = |text: &str| Value::Text(text.to_owned().into());
    let time = |at| Value::Time(at, Precision::Micros);
    let needed = |name, value: Option<Value<'static>>| Filled { name, is_needed: value.is_some(), value };
    let extra = |name, value: Option<Value<'static>>| Filled { name, is_needed: false, value };
    let object = |name, value: Option<Value<'_>>| {
        let is_needed = value.is_some();
        let mut json = String::new();
        value.iter().for_each(|value| value.write_json(&mut json));
        let json = if is_needed { json } else { "{}".to_owned() };
        Filled { name, value: Some(Value::Json(json.into())), is_needed }
    };
    let is_track = head.kind == Kind::Track;
    let objects = Objects::of(event);
    vec![
        needed("message_id", Some(text(&head.message_id))),
        needed("timestamp", Some(time(receipt.timestamp))),
        needed("type", Some(Value::Text(head.kind.as_str().into()))),
        needed("user_id", head.user_id.as_deref().map(text)),
        needed("anonymous_id", head.anonymous_id.as_deref().map(text)),
        needed("event", head.name.as_deref().filter(|_| is_track).map(text)),
        object("properties", objects.properties.and_then(Value::from_json)),
        object("context", objects.context(event)),
        object("traits", objects.traits()),
        extra("received_at", Some(time(receipt.received_at))),
        extra("sent_at", head.sent_at.map(time)),
        extra("original_timestamp", head.original_timestamp.map(time)),
        extra("group_id", head.group_id.as_deref().map(text)),
        extra("previous_id", head.previous_id.as_deref().map(text)),
        extra("name", head.name.as_deref().filter(|_| !is_track).map(text)),
    ]
}

/// One JSON object of what has no column.
fn kept_json(kept: &[(&str, Value<'_>)]) -> String {
    let mut out = String::new();
    for (name, value) in kept {
        out.push(if out.is_empty() { '{' } else { ',' });
        write_json_string(&mut out, name);
        out.push(':');
        value.write_json(&mut out);
    }
    out.push('}');
    out
}
