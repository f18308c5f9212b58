//! The statements that this stand-in knows: those that make and change tables and views, plain reads, a
//! merge, and a delete.

use serde_json::{Map, Value};

use super::super::field::{Field, Kind, Mode};
use super::cursor::Cursor;
use super::delete::{self, Delete};
use super::lex::{Token, What};
use super::select::{self, Select};

/// A table's name as it is written: table, dataset and table, or project, dataset and table.
pub(super) type Path = Vec<String>;

/// A statement.
#[derive(Debug)]
pub(super) enum Statement {
    CreateTable(CreateTable),
    CreateView {
        replace: bool,
        if_not_exists: bool,
        path: Path,
        options: Map<String, Value>,
        query: String,
    },
    Alter {
        if_exists: bool,
        path: Path,
        actions: Vec<Action>,
    },
    Drop {
        view: bool,
        if_exists: bool,
        path: Path,
    },
    Delete(Delete),
    Select(Select),
    /// `key` is the column of the source that the target's `id` is made of.
    Merge {
        target: Path,
        sources: Vec<Path>,
        key: String,
    },
}

/// A table to be made.
#[derive(Debug)]
pub(super) struct CreateTable {
    pub(super) if_not_exists: bool,
    pub(super) path: Path,
    pub(super) fields: Vec<Field>,
    /// Column and DAY, HOUR, MONTH or YEAR; the column `_PARTITIONTIME` is the time of arrival.
    pub(super) partition: Option<(String, String)>,
    pub(super) clustering: Vec<String>,
    pub(super) options: Map<String, Value>,
}

/// A change of a table.
#[derive(Debug)]
pub(super) enum Action {
    Add { if_not_exists: bool, field: Field },
    SetType { column: String, kind: Kind },
    DropNotNull(String),
    DropColumn { if_exists: bool, column: String },
    SetOptions(Map<String, Value>),
}

/// Reads one statement.
///
/// # Errors
/// What is wrong with it, or that it is none that is known here.
pub(super) fn read(cursor: &mut Cursor<'_>) -> Result<Statement, String> {
    let statement = if cursor.take("CREATE TABLE") {
        create_table(cursor)?
    } else if cursor.take("CREATE OR REPLACE VIEW") {
        create_view(cursor, true)?
    } else if cursor.take("CREATE VIEW") {
        create_view(cursor, false)?
    } else if cursor.take("ALTER TABLE") || cursor.take("ALTER VIEW") {
        alter(cursor)?
    } else if cursor.take("DROP TABLE") {
        drop(cursor, false)?
    } else if cursor.take("DROP VIEW") {
        drop(cursor, true)?
    } else if cursor.take("MERGE") {
        merge(cursor)?
    } else if cursor.take("DELETE") {
        Statement::Delete(delete::read(cursor)?)
    } else if cursor.take("SELECT") {
        Statement::Select(select::read(cursor)?)
    } else {
        return Err(format!("This stand-in does not know the statement: {}", cursor.rest_text().trim()));
    };
    match cursor.peek() {
        None => Ok(statement),
        Some(_) => Err(cursor.unexpected("end of input")),
    }
}

fn create_table(cursor: &mut Cursor<'_>) -> Result<Statement, String> {
    let if_not_exists = cursor.take("IF NOT EXISTS");
    let path = cursor.path()?;
    let mut fields = Vec::new();
    cursor.expect('(')?;
    loop {
        fields.push(column(cursor)?);
        if !cursor.sign(',') {
            break;
        }
    }
    cursor.expect(')')?;
    let partition = if cursor.take("PARTITION BY") { Some(partition(cursor)?) } else { None };
    let clustering = if cursor.take("CLUSTER BY") { names(cursor)? } else { Vec::new() };
    let options = options(cursor)?;
    let create = CreateTable { if_not_exists, path, fields, partition, clustering, options };
    Ok(Statement::CreateTable(create))
}

fn names(cursor: &mut Cursor<'_>) -> Result<Vec<String>, String> {
    let mut names = vec![cursor.name()?];
    while cursor.sign(',') {
        names.push(cursor.name()?);
    }
    Ok(names)
}

/// `DATE(x)`, `TIMESTAMP_TRUNC(x, HOUR)`, `DATETIME_TRUNC(…)`, `DATE_TRUNC(…)`, or a column of days.
fn partition(cursor: &mut Cursor<'_>) -> Result<(String, String), String> {
    let name = cursor.name()?;
    if !cursor.sign('(') {
        return Ok((name, "DAY".to_owned()));
    }
    let column = cursor.name()?;
    let by = if cursor.sign(',') { cursor.name()?.to_uppercase() } else { "DAY".to_owned() };
    cursor.expect(')')?;
    match name.to_uppercase().as_str() {
        "DATE" | "TIMESTAMP_TRUNC" | "DATETIME_TRUNC" | "DATE_TRUNC" => Ok((column, by)),
        _ => Err(format!("PARTITION BY {name} is not supported")),
    }
}

fn column(cursor: &mut Cursor<'_>) -> Result<Field, String> {
    let name = cursor.name()?;
    let repeated = cursor.take("ARRAY");
    if repeated {
        cursor.expect('<')?;
    }
    let (kind, limits) = data_type(cursor)?;
    if repeated {
        cursor.expect('>')?;
    }
    let required = cursor.take("NOT NULL");
    let mode = match (repeated, required) {
        (true, _) => Mode::Repeated,
        (_, true) => Mode::Required,
        _ => Mode::Nullable,
    };
    let mut field = Field::new(&name, kind, mode);
    field.more = options(cursor)?;
    field.more.extend(limits);
    super::super::field::check_name(&name)?;
    Ok(field)
}

/// A type with its limits: `STRING(10)`, `NUMERIC(10, 2)`.
fn data_type(cursor: &mut Cursor<'_>) -> Result<(Kind, Map<String, Value>), String> {
    let name = cursor.name()?;
    let kind = Kind::named(&name).filter(|kind| *kind != Kind::Record);
    let kind = kind.ok_or_else(|| format!("Type not found: {name}"))?;
    let mut limits = Map::new();
    if cursor.sign('(') {
        let keys = if matches!(kind, Kind::String | Kind::Bytes) {
            ["maxLength", ""]
        } else {
            ["precision", "scale"]
        };
        for key in keys {
            match cursor.next() {
                Some(What::Number(number)) => limits.insert(key.to_owned(), number.as_str().into()),
                _ => return Err(cursor.unexpected("integer literal")),
            };
            if !cursor.sign(',') {
                break;
            }
        }
        cursor.expect(')')?;
    }
    Ok((kind, limits))
}

/// `OPTIONS(a = 1, labels = [("k", "v")])`; labels become an object.
fn options(cursor: &mut Cursor<'_>) -> Result<Map<String, Value>, String> {
    let mut options = Map::new();
    if !cursor.take("OPTIONS") {
        return Ok(options);
    }
    cursor.expect('(')?;
    while !cursor.sign(')') {
        let name = cursor.name()?;
        cursor.expect('=')?;
        let value = value(cursor)?;
        match (name.as_str(), value) {
            ("labels", Value::Array(pairs)) => options.insert(name, labels(&pairs)),
            ("require_partition_filter", value) => options.insert("requirePartitionFilter".to_owned(), value),
            ("friendly_name", value) => options.insert("friendlyName".to_owned(), value),
            (_, value) => options.insert(name, value),
        };
        cursor.sign(',');
    }
    Ok(options)
}

fn labels(pairs: &[Value]) -> Value {
    let pair = |pair: &Value| Some((pair.get(0)?.as_str()?.to_owned(), pair.get(1)?.clone()));
    Value::Object(pairs.iter().filter_map(pair).collect())
}

fn value(cursor: &mut Cursor<'_>) -> Result<Value, String> {
    if cursor.take("TRUE") {
        return Ok(true.into());
    }
    if cursor.take("FALSE") {
        return Ok(false.into());
    }
    if cursor.take("NULL") {
        return Ok(Value::Null);
    }
    match cursor.next() {
        Some(What::Text(text)) => Ok(text.as_str().into()),
        Some(What::Number(number)) => Ok(number.parse::<f64>().map_or(Value::Null, Value::from)),
        Some(What::Sign('[')) => list(cursor, ']'),
        Some(What::Sign('(')) => list(cursor, ')'),
        _ => Err(cursor.unexpected("a literal")),
    }
}

fn list(cursor: &mut Cursor<'_>, end: char) -> Result<Value, String> {
    let mut items = Vec::new();
    while !cursor.sign(end) {
        items.push(value(cursor)?);
        cursor.sign(',');
    }
    Ok(items.into())
}

fn create_view(cursor: &mut Cursor<'_>, replace: bool) -> Result<Statement, String> {
    let if_not_exists = cursor.take("IF NOT EXISTS");
    let path = cursor.path()?;
    let options = options(cursor)?;
    cursor.expect_words("AS")?;
    let query = cursor.rest_text().trim().trim_end_matches(';').trim_end().to_owned();
    while cursor.next().is_some() {}
    Ok(Statement::CreateView { replace, if_not_exists, path, options, query })
}

fn alter(cursor: &mut Cursor<'_>) -> Result<Statement, String> {
    let if_exists = cursor.take("IF EXISTS");
    let path = cursor.path()?;
    let mut actions = vec![action(cursor)?];
    while cursor.sign(',') {
        actions.push(action(cursor)?);
    }
    Ok(Statement::Alter { if_exists, path, actions })
}

fn action(cursor: &mut Cursor<'_>) -> Result<Action, String> {
    if cursor.take("ADD COLUMN") {
        let if_not_exists = cursor.take("IF NOT EXISTS");
        return Ok(Action::Add { if_not_exists, field: column(cursor)? });
    }
    if cursor.take("DROP COLUMN") {
        let if_exists = cursor.take("IF EXISTS");
        return Ok(Action::DropColumn { if_exists, column: cursor.name()? });
    }
    if cursor.take("SET") {
        return Ok(Action::SetOptions(options(cursor)?));
    }
    cursor.expect_words("ALTER COLUMN")?;
    let column = cursor.name()?;
    if cursor.take("DROP NOT NULL") {
        return Ok(Action::DropNotNull(column));
    }
    cursor.expect_words("SET DATA TYPE")?;
    Ok(Action::SetType { column, kind: data_type(cursor)?.0 })
}

fn drop(cursor: &mut Cursor<'_>, view: bool) -> Result<Statement, String> {
    let if_exists = cursor.take("IF EXISTS");
    Ok(Statement::Drop { view, if_exists, path: cursor.path()? })
}

/// Only the tables are read of a merge; what it does with them is known.
fn merge(cursor: &mut Cursor<'_>) -> Result<Statement, String> {
    cursor.take("INTO");
    let target = cursor.path()?;
    let sources = sources(cursor.text, cursor)?;
    let key = key(cursor.rest());
    while cursor.next().is_some() {}
    match sources.is_empty() {
        true => Err("This stand-in knows a MERGE from a table alone".to_owned()),
        false => Ok(Statement::Merge { target, sources, key }),
    }
}

/// Returns the name before the first `AS id`, or else `id`.
fn key(tokens: &[Token]) -> String {
    let named = |what: &What| match what {
        What::Word(name) | What::Name(name) => Some(name.clone()),
        _ => None,
    };
    let key = tokens.windows(3).find_map(|window| match window {
        [before, between, behind] => {
            let is_as = named(&between.what).is_some_and(|word| word.eq_ignore_ascii_case("AS"));
            let is_id = named(&behind.what).as_deref() == Some("id");
            named(&before.what).filter(|_| is_as && is_id)
        }
        _ => None,
    });
    key.unwrap_or_else(|| "id".to_owned())
}

/// Returns the tables behind FROM and JOIN, and those named whole between backticks behind USING.
pub(super) fn sources(text: &str, cursor: &Cursor<'_>) -> Result<Vec<Path>, String> {
    let tokens = cursor.rest();
    let mut found = Vec::new();
    for (index, token) in tokens.iter().enumerate() {
        let What::Word(word) = &token.what else { continue };
        let opens = ["FROM", "JOIN", "USING"].iter().any(|known| known.eq_ignore_ascii_case(word));
        let behind = tokens.get(index + 1..).unwrap_or_default();
        // Not `EXTRACT(DAY FROM x)`, nor a table of the statement itself: those are bare words.
        if let (true, Some(What::Name(_))) = (opens, behind.first().map(|token| &token.what)) {
            found.push(Cursor::new(text, behind).path()?);
        }
    }
    Ok(found)
}
