//! Columns of a table: names, types and modes, as Google writes and checks them.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// Most characters of a column's name.
const MAX_NAME: usize = 300;
/// How names must not begin, in any case of letters.
const RESERVED: [&str; 9] = [
    "_TABLE_",
    "_FILE_",
    "_PARTITION",
    "_ROW_TIMESTAMP",
    "__ROOT__",
    "_COLIDENTIFIER",
    "_CHANGE_SEQUENCE_NUMBER",
    "_CHANGE_TYPE",
    "_CHANGE_TIMESTAMP",
];
/// Beside letters, digits and `_`, what a flexible name may hold.
const FLEXIBLE: &str = "- &%=+:'<>#|";

/// The type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    String,
    Bytes,
    Integer,
    Float,
    Numeric,
    BigNumeric,
    Boolean,
    Timestamp,
    Date,
    Time,
    Datetime,
    Json,
    Geography,
    Interval,
    Range,
    Record,
}

/// Kind, its name in the REST interface, its name in SQL.
const KINDS: [(Kind, &str, &str); 16] = [
    (Kind::String, "STRING", "STRING"),
    (Kind::Bytes, "BYTES", "BYTES"),
    (Kind::Integer, "INTEGER", "INT64"),
    (Kind::Float, "FLOAT", "FLOAT64"),
    (Kind::Numeric, "NUMERIC", "NUMERIC"),
    (Kind::BigNumeric, "BIGNUMERIC", "BIGNUMERIC"),
    (Kind::Boolean, "BOOLEAN", "BOOL"),
    (Kind::Timestamp, "TIMESTAMP", "TIMESTAMP"),
    (Kind::Date, "DATE", "DATE"),
    (Kind::Time, "TIME", "TIME"),
    (Kind::Datetime, "DATETIME", "DATETIME"),
    (Kind::Json, "JSON", "JSON"),
    (Kind::Geography, "GEOGRAPHY", "GEOGRAPHY"),
    (Kind::Interval, "INTERVAL", "INTERVAL"),
    (Kind::Range, "RANGE", "RANGE"),
    (Kind::Record, "RECORD", "STRUCT"),
];

impl Kind {
    /// Returns the kind with this name, by either family of names, in any case of letters.
    pub(super) fn named(name: &str) -> Option<Kind> {
        let is = |known: &str| known.eq_ignore_ascii_case(name);
        KINDS.iter().find(|(_, rest, sql)| is(rest) || is(sql)).map(|(kind, ..)| *kind)
    }

    fn names(self) -> (&'static str, &'static str) {
        KINDS.iter().find(|(kind, ..)| *kind == self).map_or(("", ""), |(_, rest, sql)| (rest, sql))
    }

    /// Returns its name in the REST interface.
    pub(super) fn rest(self) -> &'static str {
        self.names().0
    }

    /// Returns its name in SQL.
    pub(super) fn sql(self) -> &'static str {
        self.names().1
    }

    /// Returns whether `SET DATA TYPE` may make this kind of the other.
    pub(super) fn widens(self, from: Kind) -> bool {
        match from {
            Kind::Integer => matches!(self, Kind::Integer | Kind::Numeric | Kind::BigNumeric | Kind::Float),
            Kind::Numeric => matches!(self, Kind::Numeric | Kind::BigNumeric | Kind::Float),
            other => other == self,
        }
    }

    /// Returns whether tables can be clustered by it.
    pub(super) fn clusters(self) -> bool {
        use Kind::{
            BigNumeric, Boolean, Date, Datetime, Geography, Integer, Numeric, Range, String, Timestamp,
        };
        matches!(
            self,
            BigNumeric
                | Boolean
                | Date
                | Datetime
                | Geography
                | Integer
                | Numeric
                | Range
                | String
                | Timestamp
        )
    }
}

/// How many values a column may have in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Nullable,
    Required,
    Repeated,
}

impl Mode {
    fn named(name: &str) -> Option<Mode> {
        [Mode::Nullable, Mode::Required, Mode::Repeated]
            .into_iter()
            .find(|mode| mode.as_str().eq_ignore_ascii_case(name))
    }

    /// Returns its name.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Mode::Nullable => "NULLABLE",
            Mode::Required => "REQUIRED",
            Mode::Repeated => "REPEATED",
        }
    }
}

/// A column.
#[derive(Debug, Clone)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) mode: Mode,
    /// The members of a record.
    pub(super) fields: Vec<Field>,
    /// What else was said of it: its description, its longest text.
    pub(super) more: Map<String, Value>,
    /// When it was added to a table that existed.
    pub(super) added: Option<Timestamp>,
    /// How many requests are yet to find that it does not exist.
    pub(super) refusals: u32,
}

impl Field {
    /// Returns a column of which no more is known.
    pub(super) fn new(name: &str, kind: Kind, mode: Mode) -> Field {
        let (name, fields, more) = (name.to_owned(), Vec::new(), Map::new());
        Field { name, kind, mode, fields, more, added: None, refusals: 0 }
    }

    /// Reads a column as the REST interface writes it.
    ///
    /// # Errors
    /// What is wrong with it, in Google's words.
    pub(super) fn read(value: &Value) -> Result<Field, String> {
        let text = |key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default();
        let name = text("name");
        check_name(name)?;
        let kind = Kind::named(text("type"))
            .ok_or_else(|| format!("Invalid value for type: {} is not a valid value", text("type")))?;
        let mode = match text("mode") {
            "" => Mode::Nullable,
            other => Mode::named(other)
                .ok_or_else(|| format!("Invalid value for mode: {other} is not a valid value"))?,
        };
        let fields = read_all(value.get("fields"))?;
        if (kind == Kind::Record) == fields.is_empty() {
            return Err(format!("Field {name} is type {} but has no schema", kind.rest()));
        }
        let known = ["name", "type", "mode", "fields"];
        let all = value.as_object().cloned().unwrap_or_default();
        let more = all.into_iter().filter(|(key, _)| !known.contains(&key.as_str())).collect();
        Ok(Field { fields, more, ..Field::new(name, kind, mode) })
    }

    /// Writes it as the REST interface does.
    pub(super) fn to_json(&self) -> Value {
        let mut json = json!({ "name": self.name, "type": self.kind.rest(), "mode": self.mode.as_str() });
        if let Some(members) = json.as_object_mut() {
            if !self.fields.is_empty() {
                members.insert("fields".to_owned(), self.fields.iter().map(Field::to_json).collect());
            }
            members.extend(self.more.clone());
        }
        json
    }

    /// Returns its type as SQL writes it.
    pub(super) fn sql_type(&self) -> String {
        match self.mode {
            Mode::Repeated => format!("ARRAY<{}>", self.kind.sql()),
            _ => self.kind.sql().to_owned(),
        }
    }

    /// Returns whether this is its name; the case of letters does not matter.
    pub(super) fn is(&self, name: &str) -> bool {
        self.name.to_lowercase() == name.to_lowercase()
    }

    /// Returns how many columns it counts as.
    pub(super) fn leaves(&self) -> usize {
        match self.fields.is_empty() {
            true => 1,
            false => self.fields.iter().map(Field::leaves).sum(),
        }
    }
}

/// Reads a list of columns; none when there is no list.
///
/// # Errors
/// What is wrong with one of them, or two have the same name.
pub(super) fn read_all(list: Option<&Value>) -> Result<Vec<Field>, String> {
    let list = list.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let fields: Vec<Field> = list.iter().map(Field::read).collect::<Result<_, _>>()?;
    check_unique(&fields)?;
    Ok(fields)
}

/// Refuses names that are the same but for the case of letters.
pub(super) fn check_unique(fields: &[Field]) -> Result<(), String> {
    let mut names = std::collections::HashSet::new();
    match fields.iter().find(|field| !names.insert(field.name.to_lowercase())) {
        Some(twice) => Err(format!("Field {} already exists in schema", twice.name)),
        None => Ok(()),
    }
}

/// Refuses names that no column may have.
pub(super) fn check_name(name: &str) -> Result<(), String> {
    let allowed =
        |character: char| character.is_alphanumeric() || character == '_' || FLEXIBLE.contains(character);
    let digit = name.starts_with(|first: char| first.is_ascii_digit());
    if name.is_empty() || name.chars().count() > MAX_NAME || digit || !name.chars().all(allowed) {
        return Err(format!(
            "Invalid field name \"{name}\". Fields must contain the allowed characters, and be at most 300 characters long."
        ));
    }
    let upper = name.to_uppercase();
    if RESERVED.iter().any(|prefix| upper.starts_with(prefix)) {
        return Err(format!(
            "Invalid field name \"{name}\". Field names are not allowed to start with the (case-insensitive) prefixes {}",
            RESERVED.join(", ")
        ));
    }
    Ok(())
}
