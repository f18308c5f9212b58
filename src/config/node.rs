//! The configuration as a tree in which every key and value knows where it came from.
//!
//! Built from the file's spans and from environment variables, so that a problem found much later still has its place.
//! Deliberately without `Debug`: values may be secrets.

use std::collections::BTreeMap;

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};
use toml::value::Datetime;

/// Where a key or value came from.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Origin {
    /// A byte offset in the file.
    File(usize),
    /// A string at this offset of the file that took this variable in.
    Taken(usize, String),
    /// An environment variable.
    Variable(String),
}

/// One value.
#[derive(Clone)]
pub(super) struct Node {
    /// Where it came from.
    pub(super) origin: Origin,
    /// What it is.
    pub(super) value: Value,
    /// The text as the environment gave it, which knows no types.
    pub(super) raw: Option<String>,
}

/// The types of TOML.
#[derive(Clone)]
pub(super) enum Value {
    Text(String),
    Integer(i64),
    Float(f64),
    Boolean(bool),
    Instant(Datetime),
    List(Vec<Node>),
    Table(Table),
}

/// One key of a table.
#[derive(Clone)]
pub(super) struct Field {
    /// Where the key came from.
    pub(super) origin: Origin,
    /// Its value.
    pub(super) node: Node,
}

/// Keys in the order of their names.
pub(super) type Table = BTreeMap<String, Field>;

impl Value {
    /// Returns the type with its article: "a string".
    pub(super) fn type_name(&self) -> &'static str {
        match self {
            Value::Text(_) => "a string",
            Value::Integer(_) => "an integer",
            Value::Float(_) => "a float",
            Value::Boolean(_) => "a boolean",
            Value::Instant(_) => "a date or time",
            Value::List(_) => "an array",
            Value::Table(_) => "a table",
        }
    }

    /// Returns true for an empty string, array or table.
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Value::Text(text) => text.is_empty(),
            Value::List(items) => items.is_empty(),
            Value::Table(fields) => fields.is_empty(),
            _ => false,
        }
    }
}

impl Node {
    /// Returns what an environment variable says: a TOML value when it is one, else a string.
    pub(super) fn of_variable(name: &str, text: &str) -> Node {
        let origin = Origin::Variable(name.to_owned());
        let value = match DeValue::parse(text) {
            Ok(parsed) => value(parsed.get_ref(), &|_| origin.clone()),
            Err(_) => Value::Text(text.to_owned()),
        };
        Node { value, raw: Some(text.to_owned()), origin }
    }

    /// Returns the plain TOML value, without places.
    pub(super) fn to_toml(&self) -> toml::Value {
        match &self.value {
            Value::Text(text) => toml::Value::String(text.clone()),
            Value::Integer(number) => toml::Value::Integer(*number),
            Value::Float(number) => toml::Value::Float(*number),
            Value::Boolean(truth) => toml::Value::Boolean(*truth),
            Value::Instant(instant) => toml::Value::Datetime(*instant),
            Value::List(items) => toml::Value::Array(items.iter().map(Node::to_toml).collect()),
            Value::Table(fields) => toml::Value::Table(
                fields.iter().map(|(key, field)| (key.clone(), field.node.to_toml())).collect(),
            ),
        }
    }
}

/// Returns the tree of a parsed file.
pub(super) fn of_file(table: &DeTable<'_>) -> Table {
    fields(table, &Origin::File)
}

fn fields(table: &DeTable<'_>, origin: &dyn Fn(usize) -> Origin) -> Table {
    let field = |(key, value): (&Spanned<DeString<'_>>, &Spanned<DeValue<'_>>)| {
        let field = Field { origin: origin(key.span().start), node: node(value, origin) };
        (key.get_ref().to_string(), field)
    };
    table.iter().map(field).collect()
}

fn node(spanned: &Spanned<DeValue<'_>>, origin: &dyn Fn(usize) -> Origin) -> Node {
    Node { origin: origin(spanned.span().start), value: value(spanned.get_ref(), origin), raw: None }
}

/// A number that no machine type holds stays text, and is then refused by whoever wants a number.
fn value(parsed: &DeValue<'_>, origin: &dyn Fn(usize) -> Origin) -> Value {
    match parsed {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map_or_else(|_| Value::Text(number.as_str().to_owned()), Value::Integer),
        DeValue::Float(number) => {
            number.as_str().parse().map_or_else(|_| Value::Text(number.as_str().to_owned()), Value::Float)
        }
        DeValue::Boolean(truth) => Value::Boolean(*truth),
        DeValue::Datetime(instant) => Value::Instant(*instant),
        DeValue::Array(items) => Value::List(items.iter().map(|item| node(item, origin)).collect()),
        DeValue::Table(table) => Value::Table(fields(table, origin)),
    }
}
